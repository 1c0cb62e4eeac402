"""``fieldreport keys hand-over``: replace the admin's key by the next admin's, with both people at one terminal.

The old key signs that the new one follows, the new one that it accepts; from then on the new one alone signs rosters.
Intakes that pin the old fingerprint follow by themselves; their operators pin the new one when they have it.
"""

from __future__ import annotations

from pathlib import Path

import click

from fieldreport import installation
from fieldreport.cli import load_settings, passphrases
from fieldreport.cli.handles import HANDLE
from fieldreport.vault.staff import roster_changes


@click.command("hand-over")
@click.argument("successor", metavar="NEW_ADMIN_HANDLE")
@click.option("--admin", type=HANDLE, default="admin", show_default=True, help="Handle of the admin who hands over.")
@passphrases.passphrase_option
@click.option(
    "--successor-passphrase-file",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Read the new admin's passphrase from this file instead of asking.",
)
@click.pass_context
def hand_over(
    context: click.Context,
    successor: str,
    admin: str,
    passphrase_file: Path | None,
    successor_passphrase_file: Path | None,
) -> None:
    """Hand the admin's key over to NEW_ADMIN_HANDLE, whose key file is on the desk ('keys new --role admin').

    Interrupted, run it again; done, it changes nothing.
    """
    settings = load_settings(context)
    old = passphrases.unlock_admin(settings, admin, passphrase_file)
    new = passphrases.unlock_admin(settings, successor, successor_passphrase_file)
    with installation.admin_at_work(settings, old) as (seat, mailbox):
        roster = roster_changes.hand_over(seat, new, mailbox)
        fingerprint = seat.rosters.published.admin().fingerprint
    click.echo(f"Epoch {roster.epoch} is in force. {successor} signs rosters now; {admin} does not any more.")
    click.echo(
        "Intakes and the desk follow by themselves. When their directory of keys has arrived everywhere, pin the"
    )
    click.echo("new key in every settings file, under [keys]; then the old one is useless to anybody who still has it:")
    click.echo(f'admin_fingerprint = "{fingerprint}"')
