"""``fieldreport roster``: show the roster, verify it, and renew it before it expires."""

from __future__ import annotations

import json
from pathlib import Path

import click

from fieldreport import installation
from fieldreport.cli import load_settings, passphrases
from fieldreport.seal import KeyState
from fieldreport.vault.archive.rosters import open_watch
from fieldreport.vault.staff import roster_changes


@click.group("roster")
def roster_command() -> None:
    """Show, verify and renew the signed list of staff keys."""


@roster_command.command("show")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
@click.pass_context
def show(context: click.Context, *, as_json: bool) -> None:
    """Show the roster in force."""
    with open_watch(load_settings(context)) as rosters:
        roster, admin = rosters.in_force(), rosters.published.admin()
    facts = {
        "epoch": roster.epoch,
        "admin": admin.fingerprint,
        "sha256": roster.sha256.hex(),
        "not_before": roster.not_before.isoformat(),
        "not_after": roster.not_after.isoformat(),
        # Not Roster.key_ids, which refuses while there is no editor: a new installation can be shown, too.
        "recipients": [
            entry.key_id for entry in roster.entries if entry.state is KeyState.ACTIVE and entry.recipient is not None
        ],
    }
    if as_json:
        click.echo(json.dumps(facts))
        return
    for name, value in facts.items():
        click.echo(f"{name:<12} {', '.join(value) if isinstance(value, list) else value}")


@roster_command.command("verify")
@click.pass_context
def verify(context: click.Context) -> None:
    """Verify both signatures, the dates and the whole history; the exit status is 0 if all are valid."""
    with open_watch(load_settings(context)) as rosters:
        roster, epochs = rosters.in_force(), rosters.published.history()
    days = (roster.not_after - rosters.now()).days
    click.echo(f"Epoch {roster.epoch} is valid for {days} more days; {len(epochs)} rosters of the history are valid.")


@roster_command.command("sign")
@passphrases.admin_option
@passphrases.passphrase_option
@click.pass_context
def sign(context: click.Context, admin: str, passphrase_file: Path | None) -> None:
    """Renew the roster: the same entries, the next epoch, ninety more days."""
    settings = load_settings(context)
    signer = passphrases.unlock_admin(settings, admin, passphrase_file)
    with installation.admin_at_work(settings, signer) as (seat, mailbox):
        roster = roster_changes.renew(seat, mailbox)
    click.echo(f"Epoch {roster.epoch} is in force.")
