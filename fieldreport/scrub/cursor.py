"""The cursor of verifiers: a file is read from its first byte to its last, and whatever is wrong is ``Residue``."""

from __future__ import annotations

from fieldreport.scrub.verdicts import Residue


class Tape:
    """Bytes that are consumed from the front, by a grammar that has no place for anything else."""

    def __init__(self, data: memoryview) -> None:
        self._data = data

    def __len__(self) -> int:
        return len(self._data)

    def take(self, size: int) -> bytes:
        """The next ``size`` bytes."""
        piece, self._data = self._data[:size], self._data[size:]
        if len(piece) != size:
            raise Residue
        return piece.tobytes()

    def number(self, size: int) -> int:
        """Unsigned, big-endian."""
        return int.from_bytes(self.take(size), "big")

    def box(self, expected: bytes | None = None) -> tuple[bytes, Tape]:
        """Kind and content of the next box (ISO/IEC 14496-12, 4.2), in its short form."""
        size, kind = self.number(4), self.take(4)
        if size < 8 or (expected is not None and kind != expected):
            raise Residue
        body, self._data = self._data[: size - 8], self._data[size - 8 :]
        if len(body) != size - 8:
            raise Residue
        return kind, Tape(body)

    def comes(self, kind: bytes) -> bool:
        """Whether a box of this kind is next."""
        return self._data[4:8] == kind

    def comes_at(self, offset: int, wanted: bytes) -> bool:
        """Whether these bytes lie ahead."""
        return self._data[offset : offset + len(wanted)] == wanted

    def expect(self, wanted: bytes) -> None:
        """The next bytes are these."""
        if self.take(len(wanted)) != wanted:
            raise Residue

    def end(self) -> None:
        """Nothing is left."""
        if len(self._data):
            raise Residue
