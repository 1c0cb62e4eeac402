"""``fieldreport article export``: a published article as files that another system takes in. It needs no key."""

from __future__ import annotations

from pathlib import Path

import click

from fieldreport.cli import load_settings
from fieldreport.press.archive import Archive
from fieldreport.press.exports import export
from fieldreport.press.newsroom import Newsroom


@click.group("article")
def article_command() -> None:
    """Take published articles elsewhere."""


@article_command.command("export")
@click.argument("slug")
@click.argument("folder", type=click.Path(path_type=Path))
@click.pass_context
def export_command(context: click.Context, slug: str, folder: Path) -> None:
    """Write the published article SLUG into the new FOLDER: Markdown, a page, a Word document, and its attachments.

    SLUG is what stands between articles/ and .html in its address.
    """
    settings = load_settings(context)
    export(Archive(settings.press.site), Newsroom.from_settings(settings), slug, folder)
    click.echo(f"Written to {folder}.")
