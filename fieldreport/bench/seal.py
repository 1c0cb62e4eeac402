"""Sealing and opening 200 MB for three recipients, next to a plain copy of the same bytes in the same directory."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

from fieldreport.bench.measure import Sheet, in_turn
from fieldreport.limits import MIB
from fieldreport.seal import HybridIdentity, open_header
from fieldreport.seal.header import build_header, read_header
from fieldreport.seal.stream import PayloadReader, PayloadWriter

_BYTES: Final = 200 * MIB
_PIECE: Final = 128 * 1024
_ROUNDS: Final = 5
_MEMORY_DIRECTORY: Final = Path("/dev/shm")  # noqa: S108 - a tmpfs keeps the disk out of the figure


def measure(sheet: Sheet) -> None:
    """Write two rows: sealing and opening."""
    directory = _MEMORY_DIRECTORY if os.access(_MEMORY_DIRECTORY, os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=directory) as name:
        plain, copied, sealed, opened = (Path(name, each) for each in ("plain", "copied", "sealed", "opened"))
        with plain.open("wb") as file:
            for _ in range(_BYTES // MIB):
                file.write(os.urandom(MIB))
        identities = [HybridIdentity.generate() for _ in range(3)]

        def copy() -> None:
            with plain.open("rb") as source, copied.open("wb") as target:
                shutil.copyfileobj(source, target, _PIECE)

        def seal() -> None:
            file_key = os.urandom(16)
            with plain.open("rb", buffering=0) as source, sealed.open("wb") as target:
                target.write(build_header(file_key, [each.recipient for each in identities]))
                writer = PayloadWriter(file_key, target)
                left = _BYTES
                while left:
                    count = source.readinto(writer.space())
                    writer.advance(count)
                    left -= count
                writer.close()

        def open_() -> None:
            with sealed.open("rb") as source, opened.open("wb") as target:
                file_key = open_header(read_header(source), [identities[-1]])
                offset = source.tell()
                reader = PayloadReader(file_key, source, sealed.stat().st_size - offset, offset=offset)
                shutil.copyfileobj(reader, target, _PIECE)

        sheet.pair("seal 200 MB to three recipients", in_turn(seal, copy, rounds=_ROUNDS), "copy", at_most=1.8)
        sheet.pair("open 200 MB", in_turn(open_, copy, rounds=_ROUNDS), "copy", at_most=2.2)
