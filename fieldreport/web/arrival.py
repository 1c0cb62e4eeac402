"""A request whose body is still coming: what has arrived of it, and until when the rest may take.

Rules: a body is never waited for here, and never kept here but for its last few KiB: who takes it gets it piece by
piece. Patience is one moment, which every byte puts off: it may be ``limits.BODY_PATIENCE_SECONDS`` away at most, and
``limits.BODY_MINIMUM_RATE`` bytes buy a second. So the body whose moment is next is the slowest one.
"""

from __future__ import annotations

import io
import socket
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final, Protocol

from gunicorn.http.body import ChunkedReader
from gunicorn.http.message import Request
from typing_extensions import override
from werkzeug.exceptions import BadRequest, HTTPException, RequestEntityTooLarge, RequestTimeout

from fieldreport import limits
from fieldreport.web.body_frames import ChunkedFrames, CountedFrames, Frames
from fieldreport.web.plain_answer import status_of


class Body(Protocol):
    """Takes the body of one request: what an application offers as ``open_body(environ)``."""

    @property
    def is_refused(self) -> bool:
        """Whether the answer is known from the head, and does not depend on the body."""

    @property
    def is_enough(self) -> bool:
        """Whether no more of it is wanted."""

    @property
    def memory(self) -> int:
        """Bytes that it holds in memory, about."""

    @property
    def stored(self) -> int:
        """Bytes that it holds in files."""

    def feed(self, data: bytes) -> None:
        """Take one piece; never raises."""

    def end(self, error: Exception | None = None) -> None:
        """No more will come: the body is whole, or ``error`` says why it is not; never raises."""

    def close(self) -> None:
        """Give up what is held of it."""


class RawBody(io.BytesIO):
    """``wsgi.input`` of an application that does not take bodies piece by piece: the whole of it, in memory.

    Raises:
        HTTPException: when it is read, if it has not come whole or is larger than ``limits.RAW_BODY_BYTES``.

    """

    is_refused = False
    stored = 0

    def __init__(self, environ: dict[str, Any]) -> None:
        super().__init__()
        self.memory = 0
        self._error: Exception | None = None
        environ["wsgi.input"] = self

    @property
    def is_enough(self) -> bool:
        """Whether it is too large already."""
        return self._error is not None

    def feed(self, data: bytes) -> None:
        """See ``Body``."""
        self.memory += len(data)
        if self.memory > limits.RAW_BODY_BYTES:
            self._error = self._error or RequestEntityTooLarge()
        else:
            self.write(data)

    def end(self, error: Exception | None = None) -> None:
        """See ``Body``."""
        self._error = self._error or error
        self.seek(0)

    @override
    def read(self, size: int | None = -1, /) -> bytes:
        if self._error is not None:
            raise self._error
        return super().read(size)

    @override
    def readline(self, size: int | None = -1, /) -> bytes:
        if self._error is not None:
            raise self._error
        return super().readline(size)


OpenBody = Callable[[dict[str, Any]], Body]
PIECE_BYTES: Final = 16 * limits.KIB
"""So much of a body is collected before a thread looks at it; less only where it may be the end."""


class Arrival:
    """A request, what answers it, and its body on the way. For one thread at a time.

    ``buffer``: bytes that came and were not looked at. ``received``: how many in all. ``due``: when patience ends, by
    the monotonic clock.
    """

    def __init__(self, request: Request, response: Any, environ: dict[str, Any], open_body: OpenBody) -> None:
        reader = request.body.reader
        self.frames: Frames = (
            ChunkedFrames(lambda lines: request.parse_headers(lines, from_trailer=True))
            if isinstance(reader, ChunkedReader)
            else CountedFrames(reader.length)
        )
        self.request = request
        self.response = response
        self.environ = environ
        self.buffer = bytearray(request.unreader.take_buffered())
        self.received = len(self.buffer)
        self._cut: HTTPException | None = None
        self._is_ended = False
        environ["wsgi.input"] = io.BytesIO()
        self.body = open_body(environ) if self.frames.least else RawBody(environ)
        self._patience = limits.REFUSED_PATIENCE_SECONDS if self.body.is_refused else limits.BODY_PATIENCE_SECONDS
        self.due = time.monotonic() + self._patience

    @property
    def is_ripe(self) -> bool:
        """Whether enough has come that a thread should look at it, or all that will come."""
        return self._cut is not None or len(self.buffer) >= min(PIECE_BYTES, self.frames.least)

    @property
    def is_refused(self) -> bool:
        """Whether it was cut, or refused by its head."""
        return self._cut is not None or self.body.is_refused

    @property
    def refusal(self) -> HTTPStatus:
        """The status that says why."""
        return HTTPStatus.TOO_MANY_REQUESTS if self.body.is_refused else status_of(self._cut or RequestTimeout())

    @property
    def memory(self) -> int:
        """Bytes that it holds in memory."""
        return len(self.buffer) + self.body.memory

    @property
    def is_whole(self) -> bool:
        """Whether the body was passed on to its last byte."""
        return not self.frames.least

    def cut(self, error: HTTPException) -> None:
        """Take no more; the application learns ``error`` when it reads the body."""
        self._cut = self._cut or error

    def collect(self, sock: socket.socket, most: int) -> bool:
        """Read at most ``most`` bytes that the client has sent; whether there were any, or will never be any more.

        Raises:
            OSError: the client is gone.

        """
        try:
            data = sock.recv(most)
        except (BlockingIOError, InterruptedError):
            return False
        if not data:
            self.cut(BadRequest())
            return True
        now = time.monotonic()
        self.received += len(data)
        self.due = min(now + self._patience, self.due + len(data) / limits.BODY_MINIMUM_RATE)
        self.buffer += data
        return True

    def pass_on(self) -> bool:
        """Give the body what has come of it; whether it has ended, one way or the other."""
        if self._is_ended:
            return True
        data = bytes(self.buffer)
        self.buffer.clear()
        try:
            for piece in self.frames.take(data):
                self.body.feed(piece)
        except HTTPException as error:
            self.cut(error)
        self._is_ended = self._cut is not None or self.is_whole or self.body.is_enough
        if self._is_ended:
            self.body.end(None if self.is_whole else self._cut)
        return self._is_ended
