"""``fieldreport audit``: verify the log of acts. It never holds content."""

from __future__ import annotations

import json

import click

from fieldreport.cli import load_settings
from fieldreport.vault.archive.rosters import RosterWatch
from fieldreport.vault.archive.vault import open_vault


@click.group("audit")
def audit_command() -> None:
    """Verify the audit log."""


@audit_command.command("verify")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
@click.pass_context
def verify(context: click.Context, *, as_json: bool) -> None:
    """Verify every hash and signature; the exit status is 0 if all are valid."""
    settings = load_settings(context)
    vault = open_vault(settings)
    # In force or not: the log must stay verifiable after a roster has expired.
    report = vault.audit.verify(RosterWatch.of(settings, vault).all_here())
    if as_json:
        click.echo(json.dumps({"entries": report.entries, "unsigned": report.unsigned, "head": report.head}))
    else:
        click.echo(f"{report.entries} entries verified, {report.unsigned} of them unsigned (nobody was signed in).")
        click.echo(f"Write this fingerprint down, to prove later that no entry was cut off: {report.head}")
