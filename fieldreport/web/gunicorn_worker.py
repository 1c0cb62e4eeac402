"""gunicorn's thread worker, changed where one slow or hostile client harms the others.

Rules: only the event loop waits for clients; a thread reads what is there, without waiting, and answers. A connection
is in one place at a time: its head is awaited, its body is collected, a thread has it, it is kept for another request,
or it lingers until the client has seen the answer. Where places run out, whoever was slowest loses theirs.

Besides: a refusal (over budget, too slow, cut off) is answered with a page at a quarter of one thread's pace, so that
refusing costs others nothing; the PROXY line is mandatory where it is configured and is remembered for every request
of a connection; answers carry neither Server nor Date; no address, path or header line is logged at any level; running
out of file descriptors does not end the worker.
"""

from __future__ import annotations

import contextlib
import errno
import io
import socket
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from enum import Enum, auto
from functools import partial
from http import HTTPStatus
from typing import Any, Final, assert_never

from gunicorn import util
from gunicorn.http import wsgi
from gunicorn.http.errors import NoMoreData
from gunicorn.http.message import Request
from gunicorn.http.parser import RequestParser
from gunicorn.workers import gthread
from typing_extensions import override
from werkzeug.exceptions import RequestTimeout

from fieldreport import limits
from fieldreport.web import request_head
from fieldreport.web.fault_log import log_fault
from fieldreport.web.incoming import PIECE_BYTES, Incoming, RawBody
from fieldreport.web.plain_answer import plain_answer, status_of

_LOOK_SECONDS: Final = 0.5  # between two looks for bodies whose time is over
_WORDLESS_BYTES: Final = 16  # of a form; nothing that somebody typed is in so few


class After(Enum):
    """What becomes of a connection when a thread has done what it could."""

    COLLECT = auto()  # more of the body has to come
    GO_ON = auto()  # more of the body is there, but others have a turn first
    REFUSE = auto()  # to be answered, but not here
    KEEP = auto()
    CLOSE = auto()


class Connection(gthread.TConn):  # type: ignore[misc]  # gunicorn has no annotations
    """One client: its socket, the bytes of a head that is not complete, and what its PROXY line said."""

    def __init__(self, cfg: Any, sock: socket.socket, client: Any, server: Any) -> None:
        super().__init__(cfg, sock, client, server)
        self.parser: Any = RequestParser(cfg, (), client)  # reads what was collected, never the socket
        self.head = bytearray()
        self.proxied: dict[str, Any] | None = None
        self.incoming: Incoming | None = None
        self.is_collecting = False
        self.is_unfinished = False  # the answer came before the end of the request
        self.discarded = 0

    @override
    def close(self, graceful: bool = False) -> None:
        if self.incoming is not None:
            self.incoming.body.close()
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
    """gunicorn's thread worker with the changes that the module describes. What begins with ``on_`` the loop calls."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._most_bodies = int(self.worker_connections * limits.BODIES_SHARE)
        self._bodies: dict[Connection, Incoming] = {}  # those that are collected, and those that a thread has
        self._lingering: dict[Connection, None] = {}  # in the order of their time
        self._next_look = 0.0
        self._refusers: Any = None
        self._refused = 0  # waiting for their page
        self._next_refusal = 0.0

    @override
    def init_process(self) -> None:
        self._refusers = ThreadPoolExecutor(max_workers=1)
        super().init_process()

    # --- the event loop: heads ---

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
        if self.nr_conns >= self.worker_connections:
            self._make_room()

    def _make_room(self) -> None:
        """Close one connection that waits, so that another can be accepted; bodies have their own bound."""
        if self._lingering:
            self._end_lingering(next(iter(self._lingering)))
        elif self.keepalived_conns:
            self._release(self.keepalived_conns[0], self.keepalived_conns)
        elif len(self.pending_conns) > 1:  # the last one is the new one
            self._release(self.pending_conns[0], self.pending_conns)

    def _release(self, conn: Connection, waiting: deque[Connection]) -> None:
        waiting.remove(conn)
        self.poller.unregister(conn.sock)
        self._close(conn)

    def _await_head(self, conn: Connection) -> None:
        """Collect the next head, until its deadline (``murder_pending`` enforces it)."""
        if conn.head and self._is_head_complete(conn, new=len(conn.head)):
            self.enqueue_req(conn)
            return
        conn.timeout = time.monotonic() + limits.HEAD_SECONDS
        self.pending_conns.append(conn)
        self._watch(conn, self.on_pending_socket_readable)

    def _is_head_complete(self, conn: Connection, *, new: int) -> bool:
        return request_head.is_complete(conn.head, new=new, proxied=self.cfg.proxy_protocol != "off")

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
        conn.head += data
        if not data:
            self._release(conn, self.pending_conns)
        elif self._is_head_complete(conn, new=len(data)):
            self.poller.unregister(client)
            self.pending_conns.remove(conn)
            self.enqueue_req(conn)

    # --- the event loop: bodies ---

    def on_body_readable(self, conn: Connection, sock: socket.socket) -> None:
        """More of a body has come."""
        incoming = self._bodies[conn]
        if incoming.collect(sock, PIECE_BYTES) and incoming.is_ripe:
            self._stop_collecting(conn)
            self.enqueue_req(conn)

    def _collect(self, conn: Connection) -> None:
        conn.is_collecting = True
        self._watch(conn, self.on_body_readable)

    def _stop_collecting(self, conn: Connection) -> None:
        conn.is_collecting = False
        self.poller.unregister(conn.sock)

    @override
    def murder_pending(self) -> None:
        super().murder_pending()
        now = time.monotonic()
        while self._lingering and (conn := next(iter(self._lingering))).timeout <= now:
            self._end_lingering(conn)
        crowded = len(self._bodies) > self._most_bodies
        if crowded or now >= self._next_look:
            self._next_look = now + _LOOK_SECONDS
            self._cut_bodies(now, keep=self._most_bodies - self._most_bodies // 16 if crowded else self._most_bodies)

    def _cut_bodies(self, now: float, *, keep: int) -> None:
        """Cut those whose time is over, and the slowest until ``keep`` and what memory and disk can bear are left."""
        left = len(self._bodies)
        memory = sum(incoming.memory for incoming in self._bodies.values())
        stored = sum(incoming.body.stored for incoming in self._bodies.values())
        cut = []
        for conn, incoming in sorted(self._bodies.items(), key=lambda each: each[1].due):
            crowded = left > keep or memory > limits.BODIES_MEMORY_BYTES or stored > limits.BODIES_STORED_BYTES
            if not crowded and incoming.due > now:
                break
            left -= 1
            memory -= incoming.memory
            stored -= incoming.body.stored
            incoming.cut(RequestTimeout())  # a thread that has it at this moment sees it when it is done
            if conn.is_collecting:
                cut.append((conn, incoming.received))
        for conn, _ in sorted(cut, key=lambda each: -each[1]):  # whoever has written more gets a page first
            self._stop_collecting(conn)
            self._refuse(conn)

    def _refuse(self, conn: Connection) -> None:
        """Have the application make the page, in its turn; where too many wait for one, answer in plain words."""
        incoming = self._bodies[conn]
        most = limits.REFUSALS_WAITING if incoming.received > _WORDLESS_BYTES else limits.REFUSALS_WAITING // 4
        if self._refused < most:
            self._refused += 1
            future = self._refusers.submit(self._answer_refusal, conn, incoming)
            future.add_done_callback(lambda done: self.method_queue.defer(self.finish_refusal, conn, done))
            return
        with contextlib.suppress(OSError):
            conn.sock.send(plain_answer(incoming.refusal))
        conn.is_unfinished = True
        self._end(conn)

    def finish_refusal(self, conn: Connection, done: Future[After]) -> None:
        """The page was sent."""
        self._refused -= 1
        self.finish_request(conn, done)

    # --- the event loop: what comes after a thread ---

    @override
    def finish_request(self, conn: Connection, fs: Future[After]) -> None:
        after = After.CLOSE if fs.cancelled() else fs.result()
        if conn.incoming is not None:
            self._bodies[conn] = conn.incoming
        else:
            self._bodies.pop(conn, None)
        match after:
            case After.COLLECT:
                self._collect(conn)
            case After.GO_ON:
                self.enqueue_req(conn)
            case After.REFUSE:
                self._refuse(conn)
            case After.KEEP if conn.head:
                self._await_head(conn)
            case After.KEEP:
                conn.set_timeout()
                if not self.alive:
                    conn.timeout = min(conn.timeout, time.monotonic() + gthread.STOP_KEEPALIVE_LINGER)
                self.keepalived_conns.append(conn)
                self._watch(conn, self.on_client_socket_readable)
            case After.CLOSE:
                self._end(conn)
            case _:
                assert_never(after)

    def _watch(self, conn: Connection, readable: Callable[[Connection, socket.socket], None]) -> None:
        self.poller.register(conn.sock, gthread.selectors.EVENT_READ, partial(readable, conn))

    def _end(self, conn: Connection) -> None:
        """Close, or, on a client that is still sending, a moment later, so that it gets the answer.

        A socket that is closed with unread bytes resets the connection, and the answer is lost with it (RFC 9112, 9.6).
        """
        try:
            if conn.is_unfinished or conn.sock.recv(1, socket.MSG_PEEK):
                conn.sock.shutdown(socket.SHUT_WR)
                conn.timeout = time.monotonic() + limits.LINGER_SECONDS
                self._lingering[conn] = None
                self._watch(conn, self.on_lingering_readable)
                return
        except OSError:
            pass
        self._close(conn)

    def on_lingering_readable(self, conn: Connection, sock: socket.socket) -> None:
        """More has come that nobody reads."""
        try:
            data = sock.recv(limits.READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        conn.discarded += len(data)
        if not data or conn.discarded > limits.LINGER_BYTES:
            self._end_lingering(conn)

    def _end_lingering(self, conn: Connection) -> None:
        del self._lingering[conn]
        self.poller.unregister(conn.sock)
        self._close(conn)

    def _close(self, conn: Connection) -> None:
        self._bodies.pop(conn, None)
        self.nr_conns -= 1
        conn.close()

    # --- threads ---

    @override
    def handle(self, conn: Connection) -> After:
        """Read what is there of a request, and answer it if that is all."""
        return self._guarded(conn, lambda: self._receive(conn))

    def _answer_refusal(self, conn: Connection, incoming: Incoming) -> After:
        """Answer a request that is refused, after a pause for the one before: three times as long as that took."""
        time.sleep(max(0.0, self._next_refusal - time.monotonic()))
        began = time.thread_time()
        try:
            return self._guarded(conn, lambda: self._answer(conn, incoming))
        finally:
            self._next_refusal = time.monotonic() + 3 * (time.thread_time() - began)

    def _guarded(self, conn: Connection, step: Callable[[], After]) -> After:
        try:
            return step()
        except (StopIteration, OSError):
            # The client went away or sent no whole head (NoMoreData is an OSError), so no answer would arrive.
            return After.CLOSE
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets an answer and the worker lives
            self.handle_error(None, conn.sock, None, error)
            return After.CLOSE
        finally:
            conn.sock.setblocking(False)

    def _receive(self, conn: Connection) -> After:
        incoming = conn.incoming or self._begin(conn)
        if incoming is None:
            return After.CLOSE
        received = incoming.received
        while not incoming.pass_on():
            if incoming.received - received > limits.BODY_TURN_BYTES:
                return After.GO_ON
            if not incoming.collect(conn.sock, limits.READ_BYTES):
                return After.COLLECT
        return After.REFUSE if incoming.is_refused else self._answer(conn, incoming)

    def _begin(self, conn: Connection) -> Incoming | None:
        """Read the head; nothing where PROXY is configured and the connection did not begin with it."""
        head = bytes(conn.head)
        conn.head.clear()
        conn.parser.unreader.unread(head)
        try:
            request: Request = next(conn.parser)
        except NoMoreData:
            if len(head) >= limits.HEAD_BYTES:
                raise request_head.refusal_of_endless(head) from None
            raise
        request_head.check(request)
        if (
            self.cfg.proxy_protocol != "off"
        ):  # the first request brings the line, later ones of the connection inherit it
            conn.proxied = request.proxy_protocol_info or conn.proxied
            request.proxy_protocol_info = conn.proxied
            if conn.proxied is None:
                return None
        response, environ = wsgi.create(request, conn.sock, conn.client, conn.server, self.cfg, response_class=Response)
        environ["wsgi.multithread"] = True
        conn.incoming = Incoming(request, response, environ, getattr(self.wsgi, "open_body", RawBody))
        return conn.incoming

    def _answer(self, conn: Connection, incoming: Incoming) -> After:
        incoming.pass_on()
        conn.sock.settimeout(limits.SEND_SECONDS)
        response = incoming.response
        conn.is_unfinished = not incoming.is_whole
        if conn.is_unfinished or not self.alive or len(self.keepalived_conns) >= self.max_keepalived:
            response.force_close()
        try:
            self._respond(incoming.environ, response)
        finally:
            conn.incoming = None
            incoming.body.close()
        conn.head += incoming.framing.rest
        incoming.request.body = io.BytesIO()  # the parser looks whether it was read
        return After.CLOSE if response.should_close() else After.KEEP

    def _respond(self, environ: dict[str, Any], response: Response) -> None:
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
            response.force_close()
        finally:
            if hasattr(parts, "close"):
                parts.close()

    @override
    def handle_error(self, req: Request | None, client: socket.socket, addr: object, exc: Exception) -> None:
        status = status_of(exc)
        if status is HTTPStatus.INTERNAL_SERVER_ERROR:
            log_fault(exc)
        with contextlib.suppress(OSError):
            client.settimeout(limits.SEND_SECONDS)
            util.write(client, plain_answer(status))
