"""gunicorn's thread worker, changed where one slow or hostile client harms the others.

The differences from the stock worker, each found by measuring: heads are collected on the event loop, so that a client
that sends nothing, or a byte a second, holds no thread; a connection that is closed before its request was read lingers
in its own thread, not on the thread that accepts; the PROXY line is mandatory where it is configured and is remembered
for every request of a connection; answers carry neither Server nor Date; no address, path or header line is logged at
any level; running out of file descriptors does not end the worker.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import time
from functools import partial
from http import HTTPStatus
from typing import Any, Final, Literal

from gunicorn import util
from gunicorn.http import errors as http_errors
from gunicorn.http import wsgi
from gunicorn.http.message import Request
from gunicorn.workers import gthread
from typing_extensions import override
from werkzeug.exceptions import HTTPException

from fieldreport import limits
from fieldreport.web import headers
from fieldreport.web.fault_log import log_fault
from fieldreport.web.slow_clients import PacedBody, PacedParser, is_unfinished

_END_OF_HEAD: Final = b"\r\n\r\n"
_PROXY_V2: Final = b"\r\n\r\n\0\r\nQUIT\n"
_PROXY_V2_FIXED: Final = 16  # bytes of its header; the last two say how many follow
_REFUSALS: Final[tuple[tuple[type[Exception], int, str], ...]] = (
    (http_errors.LimitRequestLine, 414, "URI Too Long"),
    (http_errors.LimitRequestHeaders, 431, "Request Header Fields Too Large"),
    (http_errors.ExpectationFailed, 417, "Expectation Failed"),
    (http_errors.UnsupportedTransferCoding, 501, "Not Implemented"),
    (http_errors.ForbiddenProxyRequest, 403, "Forbidden"),
    (http_errors.ParseException, 400, "Bad Request"),
)


class Connection(gthread.TConn):  # type: ignore[misc]  # gunicorn has no annotations
    """One client: its socket, the bytes of a head that is not complete, and what its PROXY line said."""

    def __init__(self, cfg: Any, sock: socket.socket, client: Any, server: Any) -> None:
        super().__init__(cfg, sock, client, server)
        self.parser: Any = None  # a PacedParser once a head is complete
        self.head = bytearray()
        self.proxied: dict[str, Any] | None = None

    @override
    def init(self) -> None:
        self.initialized = True
        parser = self.parser or PacedParser(self.cfg, self.sock, self.client)
        parser.unreader.unread(bytes(self.head))
        self.head.clear()
        self.parser = parser

    @override
    def close(self, graceful: bool = False) -> None:
        # The event loop calls this: never wait here. Lingering was done in the thread that answered.
        util.close(self.sock)


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


class Worker(gthread.ThreadWorker):  # type: ignore[misc]  # gunicorn has no annotations
    """gunicorn's thread worker with the changes that the module describes."""

    @override
    def accept(self, listener: Any) -> None:
        try:
            sock, client = listener.accept()
        except OSError as error:
            if error.errno in {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}:
                time.sleep(0.05)  # the connection stays in the backlog; those that end make room
                return
            if error.errno in {errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK}:
                return
            raise
        self.nr_conns += 1
        self._await_head(Connection(self.cfg, sock, client, listener.getsockname()))

    def _await_head(self, conn: Connection) -> None:
        """Collect the next head on the event loop, until its deadline (``murder_pending`` of the base enforces it)."""
        conn.sock.setblocking(False)
        conn.timeout = time.monotonic() + limits.HEAD_SECONDS
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, gthread.selectors.EVENT_READ, partial(self.on_pending_socket_readable, conn))

    @override
    def on_client_socket_readable(self, conn: Connection, client: socket.socket) -> None:
        self.poller.unregister(client)
        self.keepalived_conns.remove(conn)
        self._await_head(conn)
        self.on_pending_socket_readable(conn, client)

    @override
    def on_pending_socket_readable(self, conn: Connection, client: socket.socket) -> None:
        try:
            data = client.recv(limits.HEAD_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        searched = max(0, len(conn.head) - len(_END_OF_HEAD) + 1)
        conn.head += data
        if self.cfg.proxy_protocol != "off":
            searched = max(searched, _after_proxy_v2(conn.head))
        complete = conn.head.find(_END_OF_HEAD, searched) >= 0 or len(conn.head) >= limits.HEAD_BYTES
        if data and not complete:
            return
        self.poller.unregister(client)
        self.pending_conns.remove(conn)
        if not data:
            self.nr_conns -= 1
            conn.close()
            return
        conn.data_ready = True
        self.enqueue_req(conn)

    @override
    def handle(self, conn: Connection) -> bool:
        """Answer one request, in a thread of the pool. The answer says whether the connection may be used again."""
        request: Request | None = None
        again = False
        try:
            conn.sock.setblocking(True)
            conn.init()
            request = next(conn.parser)
            _check_head(request)
            if self._is_proxied(request, conn):
                again = bool(self._keepalive_after(conn, self.handle_request(request, conn)))
        except (StopIteration, OSError):
            # The client went away or is too slow (NoMoreData and TooSlow are OSErrors), so no answer would arrive.
            again = False
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets an answer and the worker lives
            self.handle_error(request, conn.sock, None, error)
        if not again:
            _linger(conn.sock, unfinished=request is not None and is_unfinished(request))
        return again

    def _is_proxied(self, request: Request, conn: Connection) -> bool:
        """Where PROXY is configured: the first request brings the line, later ones of the connection inherit it."""
        if self.cfg.proxy_protocol == "off":
            return True
        conn.proxied = request.proxy_protocol_info or conn.proxied
        request.proxy_protocol_info = conn.proxied
        return conn.proxied is not None

    @override
    def handle_request(self, req: Request, conn: Connection) -> bool:
        conn.sock.settimeout(limits.BODY_IDLE_SECONDS)
        response, environ = wsgi.create(req, conn.sock, conn.client, conn.server, self.cfg, response_class=Response)
        environ["wsgi.multithread"] = True
        environ["wsgi.input"] = PacedBody(req.body)
        if not self.alive or len(self.keepalived_conns) >= self.max_keepalived:
            response.force_close()
        parts = self.wsgi(environ, response.start_response)
        try:
            for part in parts:
                response.write(part)
            response.close()
        except OSError:
            raise
        except Exception as error:
            if not response.headers_sent:
                raise
            # A second answer on the same connection would be read as the rest of the first.
            log_fault(error)
            return False
        finally:
            if hasattr(parts, "close"):
                parts.close()
        return not response.should_close()

    @override
    def handle_error(self, req: Request | None, client: socket.socket, addr: object, exc: Exception) -> None:
        status, reason = next(
            ((status, reason) for kind, status, reason in _REFUSALS if isinstance(exc, kind)),
            (500, "Internal Server Error"),
        )
        if isinstance(exc, HTTPException) and exc.code:  # an application that lets the errors of PacedBody pass
            status, reason = exc.code, exc.name
        if status == HTTPStatus.INTERNAL_SERVER_ERROR:
            log_fault(exc)
        with contextlib.suppress(OSError):
            util.write(client, _plain_answer(status, reason))


def _after_proxy_v2(head: bytearray) -> int:
    """Where a request's head begins: after the PROXY header v2, which itself begins with the bytes that end a head.

    After the end of ``head`` while that header is not complete.
    """
    if not head.startswith(_PROXY_V2[: len(head)]):
        return 0
    if len(head) < _PROXY_V2_FIXED:
        return _PROXY_V2_FIXED
    return _PROXY_V2_FIXED + int.from_bytes(head[_PROXY_V2_FIXED - 2 : _PROXY_V2_FIXED], "big")


def _check_head(request: Request) -> Literal[True]:
    """Refuse what gunicorn accepts and what a proxy and this server may read differently.

    Raises:
        ParseException: no Host where one is needed, a target that names a host of its own (no browser sends one to a
            server), or a transfer coding other than chunked, which this server does not decode.

    """
    names = [name for name, _ in request.headers]
    if request.version >= (1, 1) and "HOST" not in names:
        raise http_errors.InvalidHeader("HOST")
    if not request.uri.startswith("/"):
        raise http_errors.InvalidRequestLine("target")
    if any(name == "TRANSFER-ENCODING" and value.lower() != "chunked" for name, value in request.headers):
        raise http_errors.UnsupportedTransferCoding("TRANSFER-ENCODING")
    return True


def _plain_answer(status: int, reason: str) -> bytes:
    """The answer to a client that speaks no proper HTTP: not from the application, but with the same headers."""
    sorry = (
        "This request could not be understood."
        if status < HTTPStatus.INTERNAL_SERVER_ERROR
        else "Something broke on our side. Try again later."
    )
    title = f"<!doctype html><html lang=en><meta charset=utf-8><title>{reason}</title>"
    body = f"{title}<h1>{reason}</h1><p>{sorry}</p></html>".encode()
    lines = [
        f"HTTP/1.1 {status} {reason}",
        "Connection: close",
        "Content-Type: text/html; charset=utf-8",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in headers.security_headers().items()),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def _linger(sock: socket.socket, *, unfinished: bool) -> None:
    """Read on for a moment before closing on a client that is still sending, so that it gets the answer.

    A socket that is closed with unread bytes resets the connection, and the answer is lost with it (RFC 9112, 9.6).
    """
    waiting: bytes | Literal[True] = True
    if not unfinished:
        try:
            sock.setblocking(False)
            waiting = sock.recv(1, socket.MSG_PEEK)
        except OSError:
            return
    if waiting:
        util.close_graceful(sock, timeout=limits.LINGER_SECONDS, max_drain=limits.LINGER_BYTES)
