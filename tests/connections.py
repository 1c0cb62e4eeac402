"""One connection as our server has it, without the server: bytes of a request in, bytes of the answer out."""

from __future__ import annotations

import socket
from typing import Any, Final

from gunicorn.config import Config
from werkzeug.exceptions import RequestTimeout

from fieldreport.web.connection import After, Connection

_ADDRESS: Final = ("127.0.0.1", 50_000)


def answer(application: Any, request: bytes) -> bytes:
    """All that the server answers to these bytes, if nothing more ever comes."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.setblocking(False)
        conn = Connection(Config(), ours, _ADDRESS, ("127.0.0.1", 8000), application)
        conn.head += request
        received = b""
        after = conn.go_on(may_keep=True)
        while after in {After.SEND, After.GO_ON, After.COLLECT, After.REFUSE}:
            if after is After.COLLECT:
                assert conn.arrival is not None
                conn.arrival.cut(RequestTimeout())
            if after in {After.COLLECT, After.REFUSE}:
                after = conn.refuse()
            else:
                received += theirs.recv(1 << 20)
                after = conn.go_on(may_keep=True)
        conn.forget_request()
        ours.shutdown(socket.SHUT_WR)
        while piece := theirs.recv(1 << 20):
            received += piece
        return received


def post_head(path: str, length: int, *, kind: str, **headers: str) -> bytes:
    """The head of a form's POST, as a browser at this machine sends it."""
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", f"Content-Type: {kind}", f"Content-Length: {length}"]
    return "\r\n".join([*lines, *(f"{name}: {value}" for name, value in headers.items()), "", ""]).encode()
