"""A stranger's gzip, unpacked as it is read (RFC 1952).

Rules: what comes out is counted against what went in at every step, so a bomb ends after its first megabytes.
"""

from __future__ import annotations

import zlib
from types import TracebackType
from typing import Final, Self

from fieldreport import limits
from fieldreport.scrub.format import Source
from fieldreport.scrub.verdicts import Bomb, Damaged, Removed

MAGIC: Final = b"\x1f\x8b"
_GZIP_ONLY: Final = 31  # of zlib's window sizes: 15 bits, with a gzip header and its checks
_EXTRA, _NAME, _COMMENT = 0x04, 0x08, 0x10


class Unzipped:
    """The content of all members of a gzip file, read from its beginning to its end."""

    def __init__(self, untrusted_source: Source, removed: set[Removed]) -> None:
        self._source = untrusted_source
        self._removed = removed
        self._position = 0  # in the packed file
        self._unpacked = 0
        self._ready = bytearray()
        self._inflater: zlib._Decompress | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ready.clear()

    def peek(self, size: int) -> bytes:
        """Up to ``size`` bytes from the beginning of what is not read yet."""
        while len(self._ready) < size and self._advance():
            pass
        return bytes(self._ready[:size])

    def read(self, size: int, /) -> bytes:
        """``size`` bytes, fewer only at the end."""
        data = self.peek(size)
        del self._ready[: len(data)]
        return data

    def _advance(self) -> bool:
        """Unpack a piece; false at the end.

        Raises:
            Bomb: it unpacks to too much.
            Damaged: not gzip, or cut off.
        """
        if self._inflater is None and not self._begin():
            return False
        inflater = self._inflater
        if inflater is None:
            return False
        pending = inflater.unconsumed_tail
        if not pending:
            pending = self._source.read_at(self._position, limits.SCRUB_COPY_BYTES)
            self._position += len(pending)
        try:
            piece = inflater.decompress(pending, limits.MIB)
        except zlib.error:
            raise Damaged from None
        if not piece and not pending and not inflater.eof:
            raise Damaged
        self._unpacked += len(piece)
        consumed = max(1, self._position - len(inflater.unconsumed_tail))
        if self._unpacked > limits.ARCHIVE_TOTAL_BYTES or (
            self._unpacked > limits.ARCHIVE_FREE_RATIO_BYTES and self._unpacked // consumed > limits.ARCHIVE_RATIO
        ):
            raise Bomb
        if inflater.eof:
            self._position -= len(inflater.unused_data)
            self._inflater = None
        self._ready += piece
        return True

    def _begin(self) -> bool:
        """Read the next member's header; false at the end, or at what is no member."""
        head = self._source.read_at(self._position, 10)
        if head[:2] != MAGIC:
            if self._source.read_at(self._position, limits.SCRUB_COPY_BYTES).strip(b"\0"):
                self._removed.add(Removed.TRAILING_DATA)
            return False
        if len(head) < 10:
            raise Damaged
        flags = ((_EXTRA, Removed.OTHER_METADATA), (_NAME, Removed.FILE_NAMES), (_COMMENT, Removed.COMMENTS))
        self._removed |= {found for flag, found in flags if head[3] & flag}
        if any(head[4:8]):
            self._removed.add(Removed.TIME)
        self._inflater = zlib.decompressobj(_GZIP_ONLY)
        return True
