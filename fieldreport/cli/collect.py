"""``fieldreport collect``: fetch waiting letters into the vault now. Needs no key, and can be run twice."""

from __future__ import annotations

import json
from contextlib import closing

import click

from fieldreport.cli import load_settings
from fieldreport.errors import StoreError
from fieldreport.mailbox.link import open_desk_mailbox
from fieldreport.vault.archive.rosters import RosterWatch
from fieldreport.vault.archive.vault import open_vault
from fieldreport.vault.cases import outbox
from fieldreport.vault.cases.collect import collect


@click.command("collect")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
@click.pass_context
def collect_command(context: click.Context, *, as_json: bool) -> None:
    """Fetch sealed letters from the mailbox, and deliver replies and rosters that are still here.

    The exit status is 74 when a letter cannot be read; the others are collected all the same.
    """
    settings = load_settings(context)
    with closing(open_desk_mailbox(settings)) as mailbox, closing(open_vault(settings)) as vault:
        rosters = RosterWatch.of(settings, vault)
        collected = collect(vault, mailbox, rosters)
        replies = outbox.deliver(vault, mailbox)
        mailbox.take_rosters(rosters.published)
    if as_json:
        click.echo(json.dumps({"letters": collected.letters, "replies": replies}))
    else:
        click.echo(f"{collected.letters} letters collected, {replies} replies delivered.")
    if collected.damaged:
        named = ", ".join(letter_id.hex() for letter_id in collected.damaged)
        click.echo(f"These letters cannot be read and stay in the mailbox: {named}", err=True)
        context.exit(StoreError.exit_status)
