"""Clients that are slow on purpose: they hold no thread, and where places run out the slowest lose theirs."""

from __future__ import annotations

import select
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.eventually import PATIENCE_SECONDS, eventually
from tests.web.conftest import Server, read_all, running

LAST = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
HEAD = b"GET / HTTP/1.1\r\nHost: lo"
POST = b"POST / HTTP/1.1\r\nHost: localhost\r\n"
STALLED = [
    POST + b"Content-Length: 1000\r\n\r\n",
    POST + b"Content-Length: 1000\r\n\r\nx",
    POST + b"Content-Length: 100000\r\n\r\n" + bytes(70_000),
    POST + b"Transfer-Encoding: chunked\r\n\r\n",
    POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab",
    POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n",
    POST + b"Transfer-Encoding: chunked\r\n\r\n30000\r\n" + bytes(70_000),
    POST + b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\n",
    POST.replace(b"POST / ", b"POST /unread ") + b"Content-Length: 3\r\n\r\n",
    LAST.replace(b"\r\n\r\n", b"\r\nContent-Length: 3\r\n\r\n"),
]


def is_waiting(sock: socket.socket) -> bool:
    """Whether the server has neither answered nor closed."""
    return not select.select([sock], [], [], 0)[0]


@contextmanager
def clients(server: Server, *beginnings: bytes) -> Iterator[list[socket.socket]]:
    """One connection for each, in this order."""
    with ExitStack() as stack:
        opened = []
        for beginning in beginnings:
            sock = stack.enter_context(server.connect())
            sock.sendall(beginning)
            if b"100-continue" in beginning:
                assert sock.recv(65_536).startswith(b"HTTP/1.1 100 ")
            opened.append(sock)
            # One after the other: which of them is the slowest must not depend on the machine.
            assert b"200 OK" in server.talk(LAST)
        yield opened


def test_bodies_that_do_not_come_hold_no_thread(tmp_path: Path) -> None:
    with running(tmp_path / "log", "patient", threads=1) as server, clients(server, *STALLED) as stalled:
        assert [is_waiting(sock) for sock in stalled] == [True] * len(STALLED)
        for sock in stalled[:2]:
            sock.sendall(bytes(1000))
        assert b" 1000\n" in stalled[0].recv(65_536)
        assert b" 1000\n" in stalled[1].recv(65_536)


def test_a_body_that_comes_a_byte_at_a_time_is_read_in_whole(tmp_path: Path) -> None:
    chunks = b"3\r\nabc\r\n14;x=y\r\n" + bytes(20) + b"\r\n0\r\nX: y\r\n\r\n"
    with running(tmp_path / "log", "patient", threads=1) as server, server.connect() as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in POST + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks:
            sock.sendall(bytes([byte]))
        assert read_all(sock).endswith(b" 23\n")


def test_clients_that_take_no_answer_hold_no_thread(tmp_path: Path) -> None:
    large = LAST.replace(b"GET / ", b"GET /large ")
    with running(tmp_path / "log", "SEND_SECONDS=600", threads=1) as server, ExitStack() as stack:
        lazy = []
        for _ in range(10):
            sock = stack.enter_context(socket.socket())
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.settimeout(PATIENCE_SECONDS)
            sock.connect(("127.0.0.1", server.port))
            sock.sendall(large)
            assert sock.recv(16).startswith(b"HTTP/1.1 200")
            lazy.append(sock)
        assert b"200 OK" in server.talk(LAST)
        assert len(server.talk(large)) > 100 * 65_536


def test_a_client_that_takes_no_answer_is_let_go(tmp_path: Path) -> None:
    with running(tmp_path / "log", "SEND_SECONDS=1", threads=1) as server, socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.settimeout(PATIENCE_SECONDS)
        sock.connect(("127.0.0.1", server.port))
        sock.sendall(LAST.replace(b"GET / ", b"GET /large "))
        eventually(lambda: not server.has_connections())
        with pytest.raises(ConnectionResetError):
            read_all(sock)


def test_beyond_their_share_the_slowest_bodies_are_cut_with_a_page(tmp_path: Path) -> None:
    beginning = POST + b"Content-Length: 1000\r\n\r\nx"
    # Twenty places, of which bodies may have five.
    few = ("patient", "CONNECTIONS=20", "BODIES_SHARE=0.25")
    with running(tmp_path / "log", *few, threads=1) as server, clients(server, *[beginning] * 8) as stalled:
        for sock in stalled[:3]:
            assert read_all(sock).startswith(b"HTTP/1.1 408")
        assert all(is_waiting(sock) for sock in stalled[3:])


def test_a_body_that_comes_on_is_not_the_slowest(tmp_path: Path) -> None:
    beginning = POST + b"Content-Length: 100000\r\n\r\n" + bytes(1000)
    few = ("patient", "CONNECTIONS=20", "BODIES_SHARE=0.25")
    with running(tmp_path / "log", *few, threads=1) as server, clients(server, *[beginning] * 4) as early:
        early[0].sendall(bytes(20_000))
        assert b"200 OK" in server.talk(LAST)
        with clients(server, *[beginning] * 3):
            assert read_all(early[1]).startswith(b"HTTP/1.1 408")
            assert is_waiting(early[0])


def test_what_bodies_hold_in_memory_is_bounded_for_all_of_them(tmp_path: Path) -> None:
    beginning = POST + b"Content-Length: 100000\r\n\r\n" + bytes(60_000)
    with (
        running(tmp_path / "log", "patient", "BODIES_MEMORY_BYTES=100000", threads=1) as server,
        clients(server, beginning, beginning) as (first, second),
    ):
        assert read_all(first).startswith(b"HTTP/1.1 408")
        assert is_waiting(second)


@pytest.mark.parametrize("beginning", [b"", HEAD], ids=["silent", "half a head"])
def test_when_all_places_are_taken_whoever_waited_longest_makes_room(tmp_path: Path, beginning: bytes) -> None:
    with (
        running(tmp_path / "log", "patient", "CONNECTIONS=10", threads=1) as server,
        clients(server, *[beginning] * 15) as waiting,
    ):
        assert read_all(waiting[0]) == b""
        assert is_waiting(waiting[-1])
        assert b"200 OK" in server.talk(LAST)


def test_many_that_are_refused_at_once_hold_up_nobody(tmp_path: Path) -> None:
    """Each gets a page: from the application, or in plain words where too many wait for one."""
    with (
        running(tmp_path / "log", "REFUSALS_WAITING=8", threads=1) as server,
        clients(server, *[POST + b"Content-Length: 1000\r\n\r\nx"] * 30) as stalled,
    ):
        answers = [read_all(sock) for sock in stalled]
        assert all(answer.startswith(b"HTTP/1.1 408") for answer in answers)
        assert b"200 OK" in server.talk(LAST)
