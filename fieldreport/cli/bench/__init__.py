"""``fieldreport bench``: how fast this machine does what sources and editors wait for, beside a floor of the same run.

Rules: a figure stands beside the least that the work could cost, measured in turn with it, because machines are noisy
and a second alone says nothing; a bound that is missed is printed as missed; nothing here is a test.
"""

from __future__ import annotations

import importlib
from typing import Final

import click

from fieldreport.cli.bench.measuring import Sheet

# Part → the module in this package that measures it, each with ``measure(sheet: Sheet) -> None``.
_PARTS: Final = {
    "rewrap": "rewrapping",
    "scrub": "scrubbing",
    "seal": "sealing",
    "unlock": "unlocking",
    "intake": "intake",
    "upload": "uploading",
    "crowd": "crowd",
    "timing": "timing",
}


@click.command("bench")
@click.argument("parts", nargs=-1, type=click.Choice(list(_PARTS)))
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
def bench_command(parts: tuple[str, ...], *, as_json: bool) -> None:
    """Measure PARTS, or everything, and print each figure beside its floor."""
    sheet = Sheet(say=None if as_json else click.echo)
    for part in parts or tuple(_PARTS):
        importlib.import_module(f"fieldreport.cli.bench.{_PARTS[part]}").measure(sheet)
    if as_json:
        click.echo(sheet.as_json())
