"""``fieldreport metrics``: what ``doctor`` says, as a text file for Prometheus' node exporter.

One line a check, and how full the mailbox is, in tenths. Rules: nothing in it is of one source, letter, case or person,
and nothing tells a time more exactly than its hour: Prometheus keeps what it reads, and a number that changed with each
letter would be a diary of when they came.
"""

from __future__ import annotations

import math
import os
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import click

from fieldreport import config, limits
from fieldreport.checks.findings import Finding, Verdict
from fieldreport.checks.machine import machine_checks
from fieldreport.cli import load_settings
from fieldreport.cli.doctor import installation_checks
from fieldreport.errors import FieldreportError, StoreError
from fieldreport.mailbox import open_mailbox

_VALUES: Final = {Verdict.HOLDS: 0, Verdict.WARNS: 1, Verdict.FAILS: 2, Verdict.UNSEEN: 3}
_WORST_LAST: Final = (Verdict.UNSEEN, Verdict.HOLDS, Verdict.WARNS, Verdict.FAILS)
_HOUR_SECONDS: Final = 3600
_TENTHS: Final = 10


@click.command("metrics")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.pass_context
def metrics_command(context: click.Context, file: Path) -> None:
    """Write the state of this zone to FILE, for the textfile collector of Prometheus' node exporter."""
    settings = load_settings(context)
    findings = [*machine_checks(), *installation_checks(settings, fix=False, quick=True)]
    _write(file, "".join(f"{line}\n" for line in lines_of(findings, zone=settings.path.stem, full=_full(settings))))


def lines_of(findings: Iterable[Finding], *, zone: str, full: float | None) -> Iterator[str]:
    """The file's lines. ``full``: how full the mailbox is, from 0 to 1, where that is known."""
    worst: dict[str, Verdict] = {}
    for finding in findings:
        before = worst.get(finding.check, finding.verdict)
        worst[finding.check] = max(before, finding.verdict, key=_WORST_LAST.index)
    yield "# HELP fieldreport_check How a check of fieldreport doctor ended: 0 holds, 1 warns, 2 fails, 3 not seen."
    yield "# TYPE fieldreport_check gauge"
    for check, verdict in sorted(worst.items()):
        yield f'fieldreport_check{{zone="{zone}",check="{check}"}} {_VALUES[verdict]}'
    if full is not None:
        yield "# HELP fieldreport_mailbox_full_ratio How full the mailbox is, of 1, in tenths."
        yield "# TYPE fieldreport_mailbox_full_ratio gauge"
        yield f'fieldreport_mailbox_full_ratio{{zone="{zone}"}} {math.floor(full * _TENTHS) / _TENTHS:g}'
    yield "# HELP fieldreport_written_seconds The full hour in which this was written, since the Unix epoch."
    yield "# TYPE fieldreport_written_seconds gauge"
    yield f'fieldreport_written_seconds{{zone="{zone}"}} {int(time.time() // _HOUR_SECONDS) * _HOUR_SECONDS}'


def _full(settings: config.Settings) -> float | None:
    if not settings.has("intake"):
        return None
    try:
        with closing(open_mailbox(settings)) as mailbox:
            waiting = mailbox.totals()
    except FieldreportError:  # which a check says
        return None
    return max(waiting.letters / limits.LETTERS_WAITING, waiting.bytes / limits.BYTES_WAITING)


def _write(file: Path, text: str) -> None:
    """Put the whole in the place of the old one: the node exporter may read at any moment."""
    try:
        descriptor, name = tempfile.mkstemp(prefix=".", dir=file.parent)  # no name that ends in .prom
        with os.fdopen(descriptor, "w", encoding="utf-8") as unfinished:
            os.fchmod(unfinished.fileno(), 0o644)
            unfinished.write(text)
        Path(name).replace(file)
    except OSError as error:
        raise StoreError("the metrics were not written", detail=f"cannot write {file}: {error.strerror}") from None
