"""Which bytes of a connection are a request's body: counted, or in chunks (RFC 9112, sections 6 and 7).

Rules: bytes are pushed in as they arrive and nothing here waits for more; what cannot be framed is refused, never
guessed, because a proxy in front may have read it differently; lines and trailers are bounded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import Enum, auto
from typing import Final, Protocol

from gunicorn.http.body import CHUNK_EXT_RE
from gunicorn.http.errors import ParseException
from werkzeug.exceptions import BadRequest

from fieldreport import limits

_LINE_END: Final = b"\r\n"
_LAST_CHUNK: Final = b"0\r\n\r\n"
_SIZE_DIGITS: Final = 16
_HEXADECIMAL: Final = frozenset(b"0123456789abcdefABCDEF")


class Frames(Protocol):
    """``least``: bytes that have to come before the body can be complete; 0 when it is. ``rest``: what followed it."""

    least: int
    rest: bytes

    def take(self, data: bytes) -> Iterator[bytes]:
        """The pieces of the body in ``data``, which came next on the connection. To be consumed whole.

        Raises:
            BadRequest: these bytes are no body.

        """
        ...


class CountedFrames:
    """A body of ``length`` bytes."""

    def __init__(self, length: int) -> None:
        self.least = length
        self.rest = b""

    def take(self, data: bytes) -> Iterator[bytes]:
        """The part of ``data`` that belongs to the body; never raises."""
        piece, self.rest = (data, b"") if len(data) <= self.least else (data[: self.least], data[self.least :])
        self.least -= len(piece)
        if piece:
            yield piece


class _Expected(Enum):
    SIZE = auto()
    DATA = auto()
    END_OF_DATA = auto()
    TRAILER = auto()
    NOTHING = auto()


class ChunkedFrames:
    """A body in chunks. ``check_trailers`` gets the lines after the last one, and raises gunicorn's ``ParseException``.

    So long a chunk, line or trailer as it may be, what came is looked at once.
    """

    def __init__(self, check_trailers: Callable[[bytes], object]) -> None:
        self.least = len(_LAST_CHUNK)
        self.rest = b""
        self._check_trailers = check_trailers
        self._expected = _Expected.SIZE
        self._left = 0  # of the chunk that is being read
        self._line = b""  # begun, without its end
        self._trailers = b""

    def take(self, data: bytes) -> Iterator[bytes]:
        """See ``Frames``."""
        data, at = self._line + data, 0
        self._line = b""
        while at < len(data) and self._expected is not _Expected.NOTHING:
            if self._expected is _Expected.DATA:
                piece = data[at : at + self._left]
                at += len(piece)
                self._left -= len(piece)
                if not self._left:
                    self._expected = _Expected.END_OF_DATA
                yield piece
                continue
            end = data.find(_LINE_END, at, at + limits.CHUNK_LINE_BYTES)
            if end < 0:
                self._line, at = self._beginning(data[at:]), len(data)
            else:
                self._take_line(data[at:end])
                at = end + len(_LINE_END)
        self.rest = data[at:]
        self._count()

    def _beginning(self, line: bytes) -> bytes:
        if len(line) >= limits.CHUNK_LINE_BYTES or (self._expected is _Expected.END_OF_DATA and line != b"\r"):
            raise BadRequest
        return line

    def _take_line(self, line: bytes) -> None:
        match self._expected:
            case _Expected.SIZE:
                self._left = _size(line)
                self._expected = _Expected.DATA if self._left else _Expected.TRAILER
            case _Expected.END_OF_DATA:
                if line:
                    raise BadRequest
                self._expected = _Expected.SIZE
            case _Expected.TRAILER if line:
                self._trailers += line + _LINE_END
                if len(self._trailers) > limits.CHUNK_LINE_BYTES:
                    raise BadRequest
            case _:
                self._end()

    def _end(self) -> None:
        if self._trailers:
            try:
                self._check_trailers(self._trailers.removesuffix(_LINE_END))
            except ParseException:
                raise BadRequest from None
        self._expected = _Expected.NOTHING

    def _count(self) -> None:
        least = {
            _Expected.SIZE: len(_LAST_CHUNK),
            _Expected.DATA: self._left + len(_LINE_END + _LAST_CHUNK),
            _Expected.END_OF_DATA: len(_LINE_END + _LAST_CHUNK),
            _Expected.TRAILER: len(_LINE_END),
            _Expected.NOTHING: 0,
        }[self._expected]
        self.least = max(1, least - len(self._line)) if least else 0


def _size(line: bytes) -> int:
    digits, separator, _ = line.partition(b";")
    if separator:
        if not CHUNK_EXT_RE.fullmatch(line, len(digits.rstrip(b" \t"))):
            raise BadRequest
        digits = digits.rstrip(b" \t")
    if not digits or not _HEXADECIMAL.issuperset(digits) or len(digits.lstrip(b"0")) > _SIZE_DIGITS:
        raise BadRequest
    return int(digits, 16)
