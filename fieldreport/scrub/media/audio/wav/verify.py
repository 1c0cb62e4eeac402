"""Reads a clean WAV from its first to its last byte."""

from __future__ import annotations

from fieldreport.scrub.format import Source
from fieldreport.scrub.verdicts import Residue


def verify(source: Source, media_type: str) -> None:
    """Read as a stream: the three chunks in their order, and the file ends with the samples."""
    del media_type
    with source.file() as file:
        if file.read(4) != b"RIFF" or int.from_bytes(file.read(4), "little") != source.size - 8:
            raise Residue
        if file.read(8) != b"WAVEfmt ":
            raise Residue
        form = file.read(int.from_bytes(file.read(4), "little"))
        if len(form) not in {16, 20, 40, 50}:
            raise Residue
        name = file.read(4)
        if name == b"fact":
            if file.read(4) != b"\4\0\0\0" or len(form) not in {20, 50}:
                raise Residue
            file.read(4)
            name = file.read(4)
        length = int.from_bytes(file.read(4), "little")
        if name != b"data" or file.tell() + length + length % 2 != source.size:
            raise Residue
        if length % 2 and source.read_at(source.size - 1, 1) != b"\0":
            raise Residue
