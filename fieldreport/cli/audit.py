"""``fieldreport audit``: the log of acts that matter, which never holds content."""

from __future__ import annotations

import json

import click

from fieldreport.cli import load_settings
from fieldreport.vault.archive.audit import signers_of
from fieldreport.vault.archive.rosters import RosterWatch
from fieldreport.vault.archive.vault import open_vault


@click.group("audit")
def audit_command() -> None:
    """Check the chain of signed acts."""


@audit_command.command("verify")
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
@click.pass_context
def verify(context: click.Context, *, as_json: bool) -> None:
    """Check every hash and signature; the exit status says whether they hold."""
    settings = load_settings(context)
    vault = open_vault(settings)
    # Whoever is in the newest roster, in force or not: the log must stay checkable after a roster expired.
    roster = RosterWatch.of(settings, vault).newest()
    report = vault.audit.verify(signers_of(roster))
    if as_json:
        click.echo(json.dumps({"entries": report.entries, "unsigned": report.unsigned, "head": report.head}))
    else:
        click.echo(f"{report.entries} entries hold, {report.unsigned} of them unsigned (nobody was unlocked).")
        click.echo(f"Note this down, to see later that nothing was cut off: {report.head}")
