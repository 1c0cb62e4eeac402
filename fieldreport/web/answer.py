"""An answer on its way to the client, sent as the client takes it; nothing here waits."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

from gunicorn.http import wsgi
from typing_extensions import override

from fieldreport import limits
from fieldreport.web.fault_log import log_fault


class Outbox:
    """Stands in for the socket where gunicorn writes an answer: keeps what the client does not take yet."""

    def __init__(self, sock: socket.socket) -> None:
        self.sent = 0
        self._sock = sock
        self._waiting = bytearray()

    def sendall(self, data: bytes) -> None:
        """Take all of it; ``flush`` sends."""
        self._waiting += data

    def flush(self) -> bool:
        """Send as much as the client takes; whether that was everything.

        Raises:
            OSError: the client is gone.

        """
        while self._waiting:
            try:
                count = self._sock.send(self._waiting)
            except (BlockingIOError, InterruptedError):
                return False
            del self._waiting[:count]
            self.sent += count
        return True


class Response(wsgi.Response):  # type: ignore[misc]  # gunicorn has no annotations
    """An answer without Server and Date: no visitor needs them, and they help to identify servers and clocks."""

    @override
    def default_headers(self) -> list[str]:
        lines = [
            f"HTTP/{self.req.version[0]}.{self.req.version[1]} {self.status}\r\n",
            f"Connection: {'close' if self.should_close() else 'keep-alive'}\r\n",
        ]
        if self.chunked:
            lines.append("Transfer-Encoding: chunked\r\n")
        return lines


class Answer:
    """What an application returned, piece by piece. ``is_sent``: nothing of it is left."""

    def __init__(self, parts: Any, response: Response, outbox: Outbox) -> None:
        self.is_sent = False
        self._whole = parts
        self._parts: Iterator[bytes] = iter(parts)
        self._response = response
        self._outbox = outbox

    def send(self) -> bool:
        """Send for one turn; whether the client took it all.

        Raises:
            OSError: the client is gone.
            Exception: whatever the application raises before the head was written. Later, the answer is cut short.

        """
        end = self._outbox.sent + limits.TURN_BYTES
        while self._outbox.flush():
            if self.is_sent or self._outbox.sent > end:
                return True
            try:
                self._next()
            except Exception as error:
                if not self._response.headers_sent:
                    raise
                # A second answer on the same connection would be read as the rest of the first.
                log_fault(error)
                self._response.force_close()
                self.is_sent = True
                return True
        return False

    def _next(self) -> None:
        part = next(self._parts, None)
        if part is None:
            self._response.close()
            self.is_sent = True
        else:
            self._response.write(part)

    def close(self) -> None:
        """Let the application know that nothing more is wanted."""
        if hasattr(self._whole, "close"):
            self._whole.close()
