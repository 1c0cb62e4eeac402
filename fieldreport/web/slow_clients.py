"""How slowly a client may send: a deadline for the head of a request, an idle time and a minimum rate for its body.

Rules: the clock is the monotonic one; a client that is too slow gets ``408`` if it had sent a whole head, nothing
otherwise. Errors while the body is read reach the application as Werkzeug's exceptions, so that it can answer with a
page; gunicorn's own messages stay out, because they quote the client.
"""

from __future__ import annotations

import time
from typing import Any

from gunicorn.http.body import Body, ChunkedReader, LengthReader
from gunicorn.http.errors import ParseException
from gunicorn.http.message import Request
from gunicorn.http.parser import RequestParser
from gunicorn.http.unreader import SocketUnreader
from typing_extensions import override
from werkzeug.exceptions import BadRequest, RequestTimeout

from fieldreport import limits


class TooSlow(ConnectionError):
    """The client did not send its data in time."""


class PacedUnreader(SocketUnreader):  # type: ignore[misc]  # gunicorn has no annotations
    """gunicorn's reader of a socket, with deadlines."""

    # As much as the application reads at once: the surplus of a larger read is copied back at every call.
    max_body_chunk = limits.READ_BYTES

    def __init__(self, sock: Any) -> None:
        super().__init__(sock)
        self._in_body = False
        self._began = time.monotonic()
        self._received = 0

    def start_head(self) -> None:
        """From here a request's head is expected."""
        self._in_body, self._began, self._received = False, time.monotonic(), 0

    def start_body(self) -> None:
        """The head is complete; from here the body counts."""
        self._in_body, self._began, self._received = True, time.monotonic(), 0

    @override
    def chunk(self, size_hint: int | None = None) -> bytes:
        """One piece from the socket.

        Raises:
            TooSlow: out of time.

        """
        elapsed = time.monotonic() - self._began
        if self._in_body:
            patience = float(limits.BODY_IDLE_SECONDS)
            if elapsed > limits.BODY_GRACE_SECONDS and self._received < limits.BODY_MINIMUM_RATE * elapsed:
                raise TooSlow
        else:
            patience = limits.HEAD_SECONDS - elapsed
            if patience <= 0:
                raise TooSlow
        self.sock.settimeout(patience)
        try:
            data: bytes = super().chunk(size_hint)
        except TimeoutError:
            raise TooSlow from None
        self._received += len(data)
        return data


class PacedParser(RequestParser):  # type: ignore[misc]  # gunicorn has no annotations
    """gunicorn's parser over a ``PacedUnreader``."""

    def __init__(self, cfg: Any, sock: Any, client: Any) -> None:
        super().__init__(cfg, sock, client)
        self.unreader = PacedUnreader(sock)

    @override
    def __next__(self) -> Request:
        self.unreader.start_head()
        request = super().__next__()
        self.unreader.start_body()
        return request


class PacedBody:
    """``wsgi.input``: the body of one request, whose errors an application can answer."""

    def __init__(self, body: Body) -> None:
        self._body = body

    def read(self, size: int = -1) -> bytes:
        """At most ``size`` bytes, all that is left when negative.

        Raises:
            BadRequest: broken chunks, or the connection ended.
            RequestTimeout: too slow.

        """
        try:
            data: bytes = self._body.read(None if size < 0 else size)
        except TooSlow:
            raise RequestTimeout from None
        except (ParseException, OSError):
            raise BadRequest from None
        return data

    def readline(self, size: int = -1) -> bytes:
        """One line; errors as ``read``."""
        try:
            line: bytes = self._body.readline(None if size < 0 else size)
        except TooSlow:
            raise RequestTimeout from None
        except (ParseException, OSError):
            raise BadRequest from None
        return line

    def readlines(self, hint: int = -1) -> list[bytes]:  # noqa: ARG002 - WSGI allows to ignore it
        """All lines; errors as ``read``."""
        return list(self)

    def __iter__(self) -> PacedBody:
        return self

    def __next__(self) -> bytes:
        line = self.readline()
        if not line:
            raise StopIteration
        return line


def is_unfinished(request: Request) -> bool:
    """Whether a part of the request's body is still to come from the client."""
    reader = request.body.reader
    if isinstance(reader, LengthReader):
        return bool(reader.length > 0)
    return isinstance(reader, ChunkedReader) and reader.parser is not None
