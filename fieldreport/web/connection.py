"""One client's connection, and what a thread does with it: reads what is there, without waiting, and answers.

A connection is in one place at a time: its head is awaited, its body is collected, a thread has it, its client takes
the answer, it is kept for another request, or it lingers until the client has seen the answer.
"""

from __future__ import annotations

import contextlib
import io
import socket
import struct
from collections.abc import Callable
from enum import Enum, auto
from http import HTTPStatus
from typing import Any, Final

from gunicorn import util
from gunicorn.http import wsgi
from gunicorn.http.errors import NoMoreData
from gunicorn.http.message import Request
from gunicorn.http.parser import RequestParser
from gunicorn.workers import gthread
from typing_extensions import override

from fieldreport import limits
from fieldreport.web import request_head
from fieldreport.web.answer import Answer, Outbox, Response
from fieldreport.web.arrival import Arrival, RawBody
from fieldreport.web.fault_log import log_fault
from fieldreport.web.plain_answer import plain_answer, status_of

_AT_ONCE: Final = struct.pack("ii", 1, 0)  # struct linger: on, for no time


class After(Enum):
    """What becomes of a connection when a thread has done what it could."""

    COLLECT = auto()  # more of the body has to come
    SEND = auto()  # the client has to take more of the answer
    GO_ON = auto()  # there is more to do, but others have a turn first
    REFUSE = auto()  # to be answered, but not here
    KEEP = auto()
    CLOSE = auto()


class Connection(gthread.TConn):  # type: ignore[misc]  # gunicorn has no annotations
    """One client: its socket, the bytes of a head that is not complete, and what its PROXY line said.

    ``application``: what answers. ``timeout``: when waiting for the client ends, by the monotonic clock.
    """

    def __init__(self, cfg: Any, sock: socket.socket, client: Any, server: Any, application: Any) -> None:
        super().__init__(cfg, sock, client, server)
        self._application = application
        self.parser: Any = RequestParser(cfg, (), client)  # reads what was collected, never the socket
        self.head = bytearray()
        self.proxied: dict[str, Any] | None = None
        self.arrival: Arrival | None = None
        self.is_collecting = False
        self.answer: Answer | None = None
        self.is_unfinished = False  # the answer came before the end of the request
        self.discarded = 0

    def forget_request(self) -> None:
        """Let go of a request that is answered, or never will be."""
        arrival, answer, self.arrival, self.answer = self.arrival, self.answer, None, None
        if answer is not None:
            answer.close()
        if arrival is not None:
            arrival.body.close()

    def reset(self) -> None:
        """Have the kernel drop, when the connection is closed, what the client did not take."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)

    @override
    def close(self, graceful: bool = False) -> None:
        self.forget_request()
        util.close(self.sock)

    def go_on(self, *, may_keep: bool) -> After:
        """Read what is there of a request, or send what the client takes of its answer.

        ``may_keep``: whether another request may come on this connection.
        """
        return self._guarded(lambda: self._send() if self.answer is not None else self._receive(may_keep=may_keep))

    def refuse(self) -> After:
        """Answer a request that was cut or is over its budget from what has come of it, and end the connection."""
        return self._guarded(lambda: self._answer(may_keep=False))

    def _guarded(self, step: Callable[[], After]) -> After:
        try:
            return step()
        except (StopIteration, OSError):
            # The client went away or sent no whole head (NoMoreData is an OSError), so no answer would arrive.
            return After.CLOSE
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets an answer and the worker lives
            status = status_of(error)
            if status is HTTPStatus.INTERNAL_SERVER_ERROR:
                log_fault(error)
            self.say(status)
            return After.CLOSE

    def say(self, status: HTTPStatus) -> None:
        """Answer in plain words."""
        with contextlib.suppress(OSError):
            self.sock.send(plain_answer(status))  # nothing of this connection waits to be sent, so it fits

    def _receive(self, *, may_keep: bool) -> After:
        arrival = self.arrival or self._begin()
        if arrival is None:
            return After.CLOSE
        received = arrival.received
        while not arrival.pass_on():
            if arrival.received - received > limits.TURN_BYTES:
                return After.GO_ON
            if not arrival.collect(self.sock, limits.READ_BYTES):
                return After.COLLECT
        return After.REFUSE if arrival.is_refused else self._answer(may_keep=may_keep)

    def _begin(self) -> Arrival | None:
        """Read the head; nothing where PROXY is configured and the connection did not begin with it."""
        head = bytes(self.head)
        self.head.clear()
        self.parser.unreader.unread(head)
        try:
            request: Request = next(self.parser)
        except NoMoreData:
            if len(head) >= limits.HEAD_BYTES:
                raise request_head.refusal_of_endless(head) from None
            raise
        request_head.check(request)
        if self.cfg.proxy_protocol != "off":
            # The first request brings the line, later ones of the connection inherit it.
            self.proxied = request.proxy_protocol_info or self.proxied
            request.proxy_protocol_info = self.proxied
            if self.proxied is None:
                return None
        response, environ = wsgi.create(request, self.sock, self.client, self.server, self.cfg, response_class=Response)
        environ["wsgi.multithread"] = True
        self.arrival = Arrival(request, response, environ, getattr(self._application, "open_body", RawBody))
        return self.arrival

    def _answer(self, *, may_keep: bool) -> After:
        arrival = self.arrival
        if arrival is None:
            return After.CLOSE
        arrival.pass_on()
        self.is_unfinished = not arrival.is_whole
        response = arrival.response
        if self.is_unfinished or not may_keep:
            response.force_close()
        response.sock = outbox = Outbox(self.sock)
        self.answer = Answer(self._application(arrival.environ, response.start_response), response, outbox)
        return self._send()

    def _send(self) -> After:
        answer, arrival = self.answer, self.arrival
        if answer is None or arrival is None:
            return After.CLOSE
        if not answer.send():
            return After.SEND
        if not answer.is_sent:
            return After.GO_ON
        self.forget_request()
        self.head += arrival.frames.rest
        arrival.request.body = io.BytesIO()  # the parser looks whether it was read
        return After.CLOSE if arrival.response.should_close() else After.KEEP
