"""``fieldreport bench``: how fast this machine does what sources and editors wait for, next to a floor of the same run.

Rules: next to each figure stands the least that the work could cost, measured in turn with it, because machines vary
and a second alone says nothing; a bound that is missed is printed as missed; nothing here is a test.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Final

from fieldreport.bench.measure import Sheet

# Part → the module in this package that measures it, each with ``measure(sheet: Sheet) -> None``.
PARTS: Final = {
    "rewrap": "rewrap",
    "scrub": "scrub",
    "seal": "seal",
    "unlock": "unlock",
    "signin": "sign_in",
    "intake": "intake",
    "upload": "upload",
    "crowd": "crowd",
    "deposit": "deposit",
    "machines": "machines",
    "link": "link",
    "restore": "restore",
    "inbox": "inbox",
    "timing": "codename_clock",
    "leakcheck": "leak_check",
    "reading": "attachments",
    "search": "search",
    "site": "site",
}


def measure(parts: Sequence[str], sheet: Sheet) -> None:
    """Measure these parts, or every part where none is named, and write each figure on ``sheet``."""
    for part in parts or tuple(PARTS):
        importlib.import_module(f"fieldreport.bench.{PARTS[part]}").measure(sheet)
