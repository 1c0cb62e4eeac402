"""``fieldreport bench``: how fast this machine is at what sources and editors wait for."""

from __future__ import annotations

import click

from fieldreport import bench
from fieldreport.bench.measure import Sheet


@click.command("bench")
@click.argument("parts", nargs=-1, type=click.Choice(list(bench.PARTS)))
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
def bench_command(parts: tuple[str, ...], *, as_json: bool) -> None:
    """Measure PARTS, or everything, and print each figure next to its floor."""
    sheet = Sheet(say=None if as_json else click.echo)
    bench.measure(parts, sheet)
    if as_json:
        click.echo(sheet.as_json())
