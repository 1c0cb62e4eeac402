"""Reads a clean AMR recording frame by frame."""

from __future__ import annotations

from typing import Final

from fieldreport.scrub.format import Source
from fieldreport.scrub.verdicts import Residue

# Bytes after the header, by frame type.
_NARROW: Final = dict(enumerate((12, 13, 15, 17, 19, 20, 26, 31, 5))) | {15: 0}
_WIDE: Final = dict(enumerate((17, 23, 32, 36, 40, 46, 50, 58, 60, 5))) | {14: 0, 15: 0}


def verify(source: Source, media_type: str) -> None:
    """Read frame by frame to the very end."""
    wide = media_type == "audio/amr-wb"
    lengths = _WIDE if wide else _NARROW
    with source.file() as file:
        if file.read(9 if wide else 6) != (b"#!AMR-WB\n" if wide else b"#!AMR\n"):
            raise Residue
        while header := file.read(1):
            kind, left_over = divmod(header[0], 8)
            if kind not in lengths or left_over & 3:
                raise Residue
            if len(file.read(lengths[kind])) != lengths[kind]:
                raise Residue
