"""gunicorn's thread worker, changed where one slow or hostile client harms the others.

Rules: only the event loop waits for clients. Where places, memory or disk run out, who was slowest loses a place.
A refusal (over budget, too slow, cut off) is answered at a quarter of one thread's pace, so that refusing costs others
nothing. No address, path or header line is logged at any level. Running out of file descriptors does not end the
worker.
"""

from __future__ import annotations

import errno
import socket
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, Final, assert_never

from gunicorn.workers import gthread
from typing_extensions import override
from werkzeug.exceptions import RequestTimeout

from fieldreport import limits
from fieldreport.web import request_head
from fieldreport.web.arrival import PIECE_BYTES, Arrival
from fieldreport.web.connection import After, Connection

_LOOK_SECONDS: Final = 0.5  # between two looks for bodies whose time is over
_WORDLESS_BYTES: Final = 16  # of a form; nothing that somebody typed is in so few


class Worker(gthread.ThreadWorker):  # type: ignore[misc]  # gunicorn has no annotations
    """gunicorn's thread worker with the changes that the module describes. What begins with ``on_`` the loop calls."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._most_bodies = int(self.worker_connections * limits.BODIES_SHARE)
        self._bodies: dict[Connection, Arrival] = {}  # those that are collected, and those that a thread has
        # In the order in which their time is over:
        self._lingering: dict[Connection, None] = {}
        self._sending: dict[Connection, None] = {}
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
        self._await_head(Connection(self.cfg, sock, client, listener.getsockname(), self.wsgi))

    def _make_room(self) -> bool:
        """Close one connection that waits, so that another can be accepted; bodies have their own bound."""
        if self._lingering:
            self._stop_waiting(next(iter(self._lingering)), self._lingering)
        elif self.keepalived_conns:
            self._release(self.keepalived_conns[0], self.keepalived_conns)
        elif self.pending_conns:
            self._release(self.pending_conns[0], self.pending_conns)
        else:
            return False
        return True

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
        arrival = self._bodies[conn]
        try:
            arrival.collect(sock, PIECE_BYTES)
        except OSError:
            self._stop_collecting(conn)
            self._close(conn)
            return
        if arrival.is_ripe:
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
            self._stop_waiting(conn, self._lingering)
        while self._sending and (
            (conn := next(iter(self._sending))).timeout <= now or len(self._sending) > limits.SLOW_READERS
        ):
            conn.reset()
            self._stop_waiting(conn, self._sending)
        while self.nr_conns >= self.worker_connections and self._make_room():
            pass
        crowded = len(self._bodies) > self._most_bodies
        if crowded or now >= self._next_look:
            self._next_look = now + _LOOK_SECONDS
            self._cut_bodies(now, keep=self._most_bodies - self._most_bodies // 16 if crowded else self._most_bodies)

    def _cut_bodies(self, now: float, *, keep: int) -> None:
        """Cut those whose time is over, and the slowest until ``keep`` and what memory and disk can bear are left."""
        left = len(self._bodies)
        memory = sum(arrival.memory for arrival in self._bodies.values())
        stored = sum(arrival.body.stored for arrival in self._bodies.values())
        cut = []
        for conn, arrival in sorted(self._bodies.items(), key=lambda each: each[1].due):
            crowded = left > keep or memory > limits.BODIES_MEMORY_BYTES or stored > limits.BODIES_STORED_BYTES
            if not crowded and arrival.due > now:
                break
            left -= 1
            memory -= arrival.memory
            stored -= arrival.body.stored
            arrival.cut(RequestTimeout())  # a thread that has it at this moment sees it when it is done
            if conn.is_collecting:
                cut.append((conn, arrival.received))
        for conn, _ in sorted(cut, key=lambda each: -each[1]):  # anybody who has written more gets a page first
            self._stop_collecting(conn)
            self._refuse(conn)

    def _refuse(self, conn: Connection) -> None:
        """Have the application make the page, in its turn; where too many wait for one, answer in plain words."""
        arrival = self._bodies[conn]
        most = limits.REFUSALS_WAITING if arrival.received > _WORDLESS_BYTES else limits.REFUSALS_WAITING // 4
        if self._refused < most:
            self._refused += 1
            future = self._refusers.submit(self._answer_refusal, conn)
            future.add_done_callback(lambda done: self.method_queue.defer(self.finish_refusal, conn, done))
            return
        conn.say(arrival.refusal)
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
        if conn.arrival is not None and conn.answer is None:
            self._bodies[conn] = conn.arrival
        else:
            self._bodies.pop(conn, None)
        match after:
            case After.COLLECT:
                self._collect(conn)
            case After.SEND:
                self._wait(conn, self._sending, limits.SEND_SECONDS)
                self._watch(conn, self.on_writable, gthread.selectors.EVENT_WRITE)
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

    def _watch(
        self,
        conn: Connection,
        then: Callable[[Connection, socket.socket], None],
        event: int = gthread.selectors.EVENT_READ,
    ) -> None:
        self.poller.register(conn.sock, event, partial(then, conn))

    def _wait(self, conn: Connection, waiting: dict[Connection, None], seconds: float) -> None:
        conn.timeout = time.monotonic() + seconds
        waiting[conn] = None

    def _stop_waiting(self, conn: Connection, waiting: dict[Connection, None]) -> None:
        del waiting[conn]
        self.poller.unregister(conn.sock)
        self._close(conn)

    def on_writable(self, conn: Connection, sock: socket.socket) -> None:
        """The client has taken a piece of its answer."""
        del self._sending[conn]
        self.poller.unregister(sock)
        self.enqueue_req(conn)

    def _end(self, conn: Connection) -> None:
        """Close, or, on a client that is still sending, a moment later, so that it gets the answer.

        A socket that is closed with unread bytes resets the connection, and the answer is lost with it (RFC 9112, 9.6).
        """
        conn.forget_request()
        try:
            if conn.is_unfinished or conn.sock.recv(1, socket.MSG_PEEK):
                conn.sock.shutdown(socket.SHUT_WR)
                self._wait(conn, self._lingering, limits.LINGER_SECONDS)
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
            self._stop_waiting(conn, self._lingering)

    def _close(self, conn: Connection) -> None:
        self._bodies.pop(conn, None)
        self.nr_conns -= 1
        conn.close()

    # --- threads ---

    @override
    def handle(self, conn: Connection) -> After:
        """Go on with a request. Called in a thread, as ``enqueue_req`` wants it."""
        return conn.go_on(may_keep=self.alive and len(self.keepalived_conns) < self.max_keepalived)

    def _answer_refusal(self, conn: Connection) -> After:
        """Answer a request that is refused, after a pause for the one before: three times as long as that took."""
        time.sleep(max(0.0, self._next_refusal - time.monotonic()))
        began = time.thread_time()
        after = conn.refuse()
        self._next_refusal = time.monotonic() + 3 * (time.thread_time() - began)
        return after
