"""``fieldreport keys renew-recovery`` and ``retire-recovery``: make new recovery shares, then retire the old ones.

Some days pass between the two: editors unlock, and everything is sealed to the new recovery key. Only then are the old
sheets useless and can be burnt.

Rules: the new shares are on paper before the roster names their key, or letters would be sealed to a key that exists
nowhere.
"""

from __future__ import annotations

from pathlib import Path

import click

from fieldreport import installation
from fieldreport.cli import init, load_settings, passphrases, recovery_sheets
from fieldreport.seal import HybridIdentity
from fieldreport.unseal import recovery
from fieldreport.vault.staff import roster_changes


@click.command("renew-recovery")
@passphrases.admin_option
@click.option("--yes", is_flag=True, help="Do not ask whether the shares are on paper.")
@passphrases.passphrase_option
@init.shares_options
@click.pass_context
def renew(
    context: click.Context,
    admin: str,
    passphrase_file: Path | None,
    shares: tuple[int, int],
    print_to: Path | None,
    print_as: recovery_sheets.SheetForm,
    *,
    yes: bool,
) -> None:
    """Make a new recovery key with new shares. The old key keeps opening what it could open, until it is retired."""
    settings = load_settings(context)
    if print_to is not None:
        recovery_sheets.prepare(print_to)
    signer = passphrases.unlock_admin(settings, admin, passphrase_file)
    with installation.admin_at_work(settings, signer) as (seat, mailbox):
        roster_changes.check_recovery(seat)
        identity = HybridIdentity.generate()
        split = recovery.split(identity, *shares)
        init.hand_out(settings, key_id=identity.key_id, shares=split, needed=shares[0], to=print_to, form=print_as)
        if not yes:
            click.confirm("Is every share on paper? The new key is put in force then", abort=True, err=True)
        roster = roster_changes.renew_recovery(seat, identity, mailbox)
    click.echo(f"Epoch {roster.epoch} is in force: letters are sealed to the new recovery key.")
    click.echo("The archive follows when an editor unlocks. Keep the OLD sheets until 'fieldreport keys")
    click.echo("status' says that nothing is sealed to the old key; then 'fieldreport keys retire-recovery'.")


@click.command("retire-recovery")
@passphrases.admin_option
@click.option("--yes", is_flag=True, help="Do not ask whether the old sheets are destroyed.")
@passphrases.passphrase_option
@click.pass_context
def retire(context: click.Context, admin: str, passphrase_file: Path | None, *, yes: bool) -> None:
    """Remove an earlier recovery key, once nothing is sealed to it and its sheets are destroyed."""
    settings = load_settings(context)
    signer = passphrases.unlock_admin(settings, admin, passphrase_file)
    with installation.admin_at_work(settings, signer) as (seat, mailbox):
        old = roster_changes.idle_recovery(seat, mailbox)
        if not yes:
            click.confirm("Are all sheets of the old key destroyed?", abort=True, err=True)
        roster = roster_changes.retire_recovery(seat, old, mailbox)
    click.echo(f"The old recovery key is removed; the audit log says so. Epoch {roster.epoch} is in force.")
