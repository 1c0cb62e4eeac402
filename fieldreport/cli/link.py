"""``fieldreport link``: serve the mailbox to the desk, beside the letterbox and as the same user."""

from __future__ import annotations

import click

from fieldreport import hardening
from fieldreport.cli import load_settings


@click.command("link")
@click.pass_context
def link_command(context: click.Context) -> None:
    """Serve sealed letters to the desk, and take its replies, rosters and switches, on [intake] link."""
    settings = load_settings(context)
    hardening.overwrite_freed_memory()
    # Only now: the line before starts this program again.
    from fieldreport.intake import link

    link.serve(settings)
