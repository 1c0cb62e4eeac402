"""Running a demo: its zones with their log in a file, restarts for developers, the walkthrough, what to open.

Rules: the servers' own log lines go to the file, never to the terminal.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import click

from fieldreport import config
from fieldreport.cli import zones
from fieldreport.cli.demo_newsroom import FACTS_NAME, Demo, held, make_demo, open_demo
from fieldreport.cli.walkthrough import walk
from fieldreport.errors import UsageError

_LOG_NAME: Final = "zones.log"
_SOURCES: Final = frozenset({".py", ".html", ".css", ".svg", ".toml", ".mo"})


def run(directory: Path, port: int, *, walkthrough: bool, reload: bool) -> None:
    """Make the demo if there is none, start its zones, and serve until interrupted or walk through it once.

    Raises:
        UsageError: the directory or a port is in use or cannot be used, or a zone does not start.
        VisitFailed: a step of the walkthrough did not hold.

    """
    if not (directory / FACTS_NAME).exists():
        click.echo("  Making keys for an admin and two editors.")
        make_demo(directory, port=port)
    with held(directory):
        opened = open_demo(directory, port=port)
        _check_ports(opened.settings, port)
        click.echo("  Starting the intake, the desk and the press.")
        if walkthrough:
            with zones.running(opened.settings, log=opened.directory / _LOG_NAME):
                walk(opened, click.echo)
        else:
            _serve(opened, reload=reload)


def _check_ports(settings: config.Settings, port: int) -> None:
    try:
        zones.check_ports(settings)
    except UsageError as error:
        raise UsageError(
            f"{error.detail}; stop what uses it, perhaps another demo, or choose three free ports with --port, for"
            f" example --port {port % 60_000 + 100}"
        ) from None


def _serve(opened: Demo, *, reload: bool) -> None:
    changed = _watch(Path(__file__).parents[1]) if reload else lambda: False
    log = opened.directory / _LOG_NAME
    printed = False
    while True:
        try:
            with zones.running(opened.settings, log=log) as running:
                if not printed:
                    _print_what_to_open(opened, log)
                    printed = True
                if not zones.wait(running, changed):
                    return
        except UsageError as error:
            if not reload:
                raise
            # A slip in a file that was just saved: the next save may repair it.
            click.echo(f"fieldreport: {error.detail}", err=True)
            if not zones.wait({}, changed):
                return
        click.echo("A file has changed: restarting.")


def _watch(package: Path) -> Callable[[], bool]:
    """A function that says whether a source file was changed, added or removed since it was last asked."""

    def state() -> dict[Path, int]:
        found: dict[Path, int] = {}
        for path in package.rglob("*"):
            if path.suffix in _SOURCES and path.exists():
                found[path] = path.stat().st_mtime_ns
        return found

    last = state()

    def changed() -> bool:
        nonlocal last
        before, last = last, state()
        return last != before

    return changed


def _print_what_to_open(demo: Demo, log: Path) -> None:
    click.echo("")
    click.echo("This is a demonstration: anyone with this directory can read everything in it.")
    click.echo("")
    click.echo(f"  Send a report      {demo.url('intake')}")
    click.echo(f"  Read and answer    {demo.url('desk')}")
    click.echo(f"  The published site {demo.url('press')}")
    click.echo("")
    for person in demo.people.values():
        click.echo(f"  {person.handle:<7} {person.role:<7} passphrase  {person.passphrase}")
        click.echo(f"  {'':<15} code now    {person.code(time.time())}   (a new one every 30 seconds)")
    click.echo("")
    click.echo(f"  Second-factor secrets and everything else: {demo.directory / FACTS_NAME}")
    click.echo(f"  The servers' log: {log}")
    click.echo("  Stop with Ctrl-C; run the same command to continue where you were.")
