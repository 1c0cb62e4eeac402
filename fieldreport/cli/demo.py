"""``fieldreport demo``: make and run a demonstration newsroom in one directory.

Rule: the first line is printed before anything slow is imported.
"""

from __future__ import annotations

from pathlib import Path

import click

from fieldreport import limits


@click.command("demo")
@click.option(
    "--dir",
    "directory",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("demo"),
    show_default=True,
    help="Made if it does not exist; used again if it does.",
)
@click.option(
    "--port",
    type=click.IntRange(1, limits.HIGHEST_PORT),
    default=8000,
    show_default=True,
    help="Intake; the desk and the press take the next two.",
)
@click.option("--walkthrough", is_flag=True, help="Run through every step once, from a report to a published page.")
@click.option(
    "--reload",
    is_flag=True,
    help="For development: restart the zones whenever a module, template or style sheet of the package changes.",
)
def demo_command(directory: Path, port: int, *, walkthrough: bool, reload: bool) -> None:
    """Make and run a demonstration newsroom."""
    click.echo(f"Starting a demonstration newsroom in {directory}.")
    from fieldreport.cli.demo_run import run  # after the line above: this loads most of the program

    run(directory, port, walkthrough=walkthrough, reload=reload)
