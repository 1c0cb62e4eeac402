"""Tables of what is not seen in a text, for those who clean and those who verify. Data, no code."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Final

_FOLDER: Final = Path(__file__).parent
_TABLE: Final = tomllib.loads((_FOLDER / "ignorable.toml").read_text(encoding="utf-8"))


def _characters(ranges: list[tuple[int, int]]) -> frozenset[str]:
    return frozenset(chr(code) for first, last in ranges for code in range(first, last + 1))


IGNORABLE: Final = _characters(_TABLE["default_ignorable"])
"""Everything that shows nothing by itself."""
NEEDED_NOWHERE: Final = IGNORABLE - _characters(_TABLE["needed_somewhere"])
"""What no writing needs: it can only carry what nobody is to see."""
_PICTURES: Final = tomllib.loads((_FOLDER / "picture_signs.toml").read_text(encoding="utf-8"))
PICTURE_RUNS: Final = tuple(
    (bytes(ord("a") if code in letters.encode() else ord(" ") for code in range(256)), b"a" * most)
    for letters, most in _PICTURES["runs"].items()
)
"""For ``bytes.translate``, and what is in the answer where a picture may be spelled out."""
PICTURE_SIGNS: Final[tuple[bytes, ...]] = tuple(sign.encode() for sign in _PICTURES["begins"]["with"])
"""One of them is in every text in which one is."""
