"""``fieldreport staff``: who is in the roster.

``add`` is for small newsrooms, where the admin hands out passphrases; elsewhere people make their own keys and are
invited and approved (``enrolment``).
"""

from __future__ import annotations

import json
from pathlib import Path

import click

from fieldreport import installation
from fieldreport.cli import enrolment, init, load_settings, passphrases
from fieldreport.cli.handles import HANDLE
from fieldreport.errors import NotFound
from fieldreport.seal import Role
from fieldreport.vault.archive.rosters import open_watch
from fieldreport.vault.staff import roster_changes


@click.group("staff")
def staff_command() -> None:
    """Add, list and remove staff."""


@staff_command.command("add")
@click.argument("handle", type=HANDLE)
@click.option("--role", type=click.Choice(["editor"]), default="editor", show_default=True)
@passphrases.admin_option
@passphrases.passphrase_option
@click.pass_context
def add(context: click.Context, handle: str, role: str, admin: str, passphrase_file: Path | None) -> None:
    """Enrol HANDLE: make a key file, show its passphrase once, and publish a roster that names it."""
    settings = load_settings(context)
    signer = passphrases.unlock_admin(settings, admin, passphrase_file)
    member = installation.add_member(settings, handle=handle, role=Role(role), admin_key=signer)
    init.show_member(member, settings.instance.name)
    click.echo(
        "New letters are sealed to this key from now on, earlier ones as soon as an editor is unlocked at the desk."
    )


@staff_command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
@click.pass_context
def list_(context: click.Context, *, as_json: bool) -> None:
    """List the roster's entries."""
    with open_watch(load_settings(context)) as rosters:
        roster = rosters.in_force()
    rows = [
        {"handle": entry.handle, "role": str(entry.role), "state": str(entry.state), "key": entry.key_id}
        for entry in roster.entries
    ]
    if as_json:
        click.echo(json.dumps({"epoch": roster.epoch, "entries": rows}))
        return
    for row in rows:
        click.echo(f"{row['handle']:<16} {row['role']:<9} {row['state']:<13} {row['key']}")


@staff_command.command("remove")
@click.argument("handle", type=HANDLE)
@passphrases.admin_option
@passphrases.passphrase_option
@click.pass_context
def remove(context: click.Context, handle: str, admin: str, passphrase_file: Path | None) -> None:
    """Revoke every key of HANDLE and remove them from the roster at once. What they have read stays known to them."""
    settings = load_settings(context)
    signer = passphrases.unlock_admin(settings, admin, passphrase_file)
    with installation.admin_at_work(settings, signer) as (seat, mailbox):
        if not any(entry.handle == handle for entry in seat.roster().entries):
            raise NotFound(f"{handle} is not in the roster")
        roster_changes.revoke(seat, handle, mailbox)
    click.echo(f"{handle} is revoked, and the desk locks their sessions. Headers are rebuilt without their keys at the")
    click.echo("next unlock of an editor.")


@staff_command.command("suspend")
@click.argument("handle", type=HANDLE)
@passphrases.admin_option
@passphrases.passphrase_option
@click.pass_context
def suspend(context: click.Context, handle: str, admin: str, passphrase_file: Path | None) -> None:
    """Keep HANDLE out until 'staff resume': no sign-in, no new letters. Their key and handle stay theirs."""
    settings = load_settings(context)
    signer = passphrases.unlock_admin(settings, admin, passphrase_file)
    with installation.admin_at_work(settings, signer) as (seat, mailbox):
        roster = roster_changes.suspend(seat, handle, mailbox)
    click.echo(
        f"Epoch {roster.epoch} is in force. {handle} is suspended, and the desk locks their sessions. What every"
    )
    click.echo("editor may read is re-wrapped without their key as soon as another editor is unlocked.")


@staff_command.command("resume")
@click.argument("handle", type=HANDLE)
@passphrases.admin_option
@passphrases.passphrase_option
@click.pass_context
def resume(context: click.Context, handle: str, admin: str, passphrase_file: Path | None) -> None:
    """Let HANDLE in again, who is suspended, with the same key."""
    settings = load_settings(context)
    signer = passphrases.unlock_admin(settings, admin, passphrase_file)
    with installation.admin_at_work(settings, signer) as (seat, mailbox):
        roster = roster_changes.resume(seat, handle, mailbox)
    click.echo(
        f"Epoch {roster.epoch} is in force. {handle} is active; what came meanwhile is re-wrapped to them as soon"
    )
    click.echo("as another editor is unlocked.")


staff_command.add_command(enrolment.invite)
staff_command.add_command(enrolment.approve)
