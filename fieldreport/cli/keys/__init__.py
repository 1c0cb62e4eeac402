"""``fieldreport keys``: which keys there are, how much is sealed to each, and the commands that replace them."""

from __future__ import annotations

import json

import click

from fieldreport.cli import enrolment, load_settings
from fieldreport.cli.keys import export, handover, recovery, rotation, status
from fieldreport.seal import Role
from fieldreport.vault.archive.rosters import RosterWatch
from fieldreport.vault.archive.vault import open_vault


@click.group("keys")
def keys_command() -> None:
    """List and replace the keys that letters are sealed to."""


@keys_command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
@click.pass_context
def list_(context: click.Context, *, as_json: bool) -> None:
    """List the keys that can read, and how many sealed objects name each."""
    settings = load_settings(context)
    vault = open_vault(settings)
    roster = RosterWatch.of(settings, vault).newest()
    rows = [
        {
            "key": entry.key_id,
            "handle": entry.handle,
            "state": str(entry.state),
            "objects": vault.objects.named_by(entry.key_id),
        }
        for entry in roster.entries
        if entry.role is not Role.ADMIN
    ]
    if as_json:
        click.echo(json.dumps({"epoch": roster.epoch, "keys": rows}))
        return
    for row in rows:
        click.echo(f"{row['key']}  {row['handle']:<16} {row['state']:<13} {row['objects']} objects")


for _command in (
    enrolment.new,
    export.export_command,
    handover.hand_over,
    recovery.renew,
    recovery.retire,
    rotation.rotate,
    status.status,
):
    keys_command.add_command(_command)
