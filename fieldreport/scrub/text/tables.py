"""The table of characters that show nothing, as sets, for those who clean and those who verify. Data, no code."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Final

_TABLE: Final = tomllib.loads(Path(__file__).with_name("ignorable.toml").read_text(encoding="utf-8"))


def _characters(ranges: list[tuple[int, int]]) -> frozenset[str]:
    return frozenset(chr(code) for first, last in ranges for code in range(first, last + 1))


IGNORABLE: Final = _characters(_TABLE["default_ignorable"])
"""Everything that shows nothing by itself."""
NEEDED_NOWHERE: Final = IGNORABLE - _characters(_TABLE["needed_somewhere"])
"""What no writing needs: it can only carry what nobody is to see."""
