"""A letter as it arrives over the link: resumed where its line was cut, and whole only when its sum is right."""

from __future__ import annotations

import hashlib
import hmac
import io
import random
from collections.abc import Callable
from http.client import HTTPException, HTTPResponse  # noqa: TID251 - the one client there is
from typing import Any, BinaryIO, Final, cast

from typing_extensions import Buffer, override

from fieldreport import limits
from fieldreport.errors import StoreError
from fieldreport.mailbox import link_format
from fieldreport.mailbox.interface import SealedLetter
from fieldreport.mailbox.link_line import Line

AWAY: Final = "link-away"
"""The code of a ``StoreError`` that says that nobody answered."""


class ResumedLetter(io.RawIOBase):
    """The bytes of one letter; a line that is cut is dialled again, and asked for the byte that is missing."""

    def __init__(
        self,
        open_at: Callable[[int], tuple[Line, HTTPResponse]],
        *,
        give_back: Callable[[Line], None],
        pause: Callable[[float], None],
    ) -> None:
        super().__init__()
        self._open_at = open_at
        self._give_back = give_back
        self._pause = pause
        self._line, self._response = open_at(0)
        self._is_cut = False
        self._at = 0

    @override
    def readable(self) -> bool:
        return True

    @override
    def readinto(self, buffer: Buffer, /) -> int:
        view = memoryview(buffer).cast("B")
        for attempt in range(limits.LINK_TRIES):
            if attempt:
                # Not all desks at the same moment, when an intake comes back.
                self._pause(limits.LINK_PAUSE_SECONDS * 2 ** (attempt - 1) * random.uniform(0.75, 1.25))  # noqa: S311 - a pause
            try:
                if self._is_cut:
                    self._line, self._response = self._open_at(self._at)
                    self._is_cut = False
                count = self._response.readinto(view)
            except (OSError, HTTPException):
                count = 0
            except StoreError as error:
                if error.code != AWAY:
                    raise
                continue
            if count:
                self._at += count
                return count
            self._line.drop(self._response)
            self._is_cut = True
        raise StoreError("a letter does not come", detail=f"the line was cut at byte {self._at}, again and again")

    @override
    def close(self) -> None:
        if not self.closed and hasattr(self, "_response"):
            if self._response.isclosed() and not self._is_cut:
                self._give_back(self._line)
            else:
                self._line.drop(self._response)
        super().close()


def read_letter(letter_id: bytes, source: io.RawIOBase | io.BytesIO) -> SealedLetter:
    """Read a letter's front and header, and leave its payload to be read."""
    summed = hashlib.sha256(letter_id)
    front = _exactly(source, link_format.FRONT.size)
    epoch, size, length = link_format.FRONT.unpack(front)
    if length > limits.LINK_HEADER_BYTES or size > limits.PAYLOAD_BYTES:
        raise StoreError("a letter is not what it says", detail="a letter's header or payload is too long")
    header = _exactly(source, length)
    summed.update(front + header)
    payload = io.BufferedReader(_Payload(source, size=size, summed=summed), limits.READ_BYTES)
    return SealedLetter(id=letter_id, epoch=epoch, header=header, payload=cast("BinaryIO", payload), size=size)


def _exactly(source: io.RawIOBase | io.BytesIO, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = source.read(count - len(data))
        if not more:
            raise StoreError("a letter is incomplete", detail="a letter ends before its end")
        data += more
    return data


class _Payload(io.RawIOBase):
    """The payload of a letter; its end is reached only when the sum of the whole letter is right."""

    def __init__(self, source: io.RawIOBase | io.BytesIO, *, size: int, summed: Any) -> None:
        super().__init__()
        self._source = source
        self._left = size
        self._summed = summed
        self._is_checked = False

    @override
    def readable(self) -> bool:
        return True

    @override
    def readinto(self, buffer: Buffer, /) -> int:
        view = memoryview(buffer).cast("B")[: self._left]
        count = self._source.readinto(view) or 0 if view else 0
        if view and not count:
            raise StoreError("a letter is incomplete", detail="a letter ends before its end")
        self._summed.update(view[:count])
        self._left -= count
        if not self._left and not self._is_checked:
            said = _exactly(self._source, link_format.SUM_BYTES)
            if not hmac.compare_digest(said, self._summed.digest()):
                raise StoreError(
                    "a letter is damaged", detail="a letter's sum is not that of what came", code="link-sum"
                )
            self._is_checked = True
        return count

    @override
    def close(self) -> None:
        self._source.close()
        super().close()
