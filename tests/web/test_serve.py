"""The server as strangers meet it: slow, silent, broken and hostile clients, and a log that names none of them."""

from __future__ import annotations

import select
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from fieldreport.web.headers import security_headers
from tests.eventually import PATIENCE_SECONDS
from tests.web.conftest import _PROGRAM, Server, free_port, read_all, read_answer, running

GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
LAST = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n"
UNREAD = b"POST /unread HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
BAD_SIZES = (b"0x3", b"+3", b"-3", b"3_", b" 3", b"3 ", b"", b"3;a\nb", b"3;" + b"x" * 40_000, b"0" * 40_000 + b"3")
PROXY_V2 = b"\r\n\r\n\0\r\nQUIT\n"


def test_it_answers_without_saying_what_it_is_or_what_time_it_has(server: Server) -> None:
    head, _, body = server.talk(LAST).partition(b"\r\n\r\n")
    assert head.split(b"\r\n")[0] == b"HTTP/1.1 200 OK"
    names = {line.split(b":")[0].lower() for line in head.split(b"\r\n")[1:]}
    assert names == {b"connection", b"content-type", b"content-length"}
    assert body == b"127.0.0.1 0\n"


def test_a_connection_is_used_again(server: Server) -> None:
    with server.connect() as sock:
        for _ in range(3):
            sock.sendall(GET)
            assert read_answer(sock).endswith(b"127.0.0.1 0\n")


def test_requests_sent_ahead_are_answered_in_turn(server: Server) -> None:
    assert server.talk(GET + GET + LAST).count(b"200 OK") == 3


def is_open(sock: socket.socket) -> bool:
    """Whether the server has neither answered nor closed."""
    return not select.select([sock], [], [], 0)[0]


def test_slow_heads_hold_up_nobody(tmp_path: Path) -> None:
    with running(tmp_path / "log", "patient", threads=1) as one_thread, ExitStack() as stack:
        slow = [stack.enter_context(one_thread.connect()) for _ in range(20)]
        for sock in slow:
            sock.sendall(b"GET / HTTP/1.1\r\nHost: lo")
        assert b"200 OK" in one_thread.talk(LAST)
        assert all(is_open(sock) for sock in slow)


def test_slow_heads_are_cut_off(server: Server) -> None:
    with ExitStack() as stack:
        slow = [stack.enter_context(server.connect()) for _ in range(20)]
        for sock in slow:
            sock.sendall(b"GET / HTTP/1.1\r\nHost: lo")
        for sock in slow:
            assert read_all(sock) == b""


def test_a_silent_connection_is_closed(server: Server) -> None:
    with server.connect() as sock:
        assert read_all(sock) == b""


def test_an_idle_connection_is_closed_after_its_answer(server: Server) -> None:
    with server.connect() as sock:
        sock.sendall(GET)
        assert b"200 OK" in read_all(sock)


def test_a_body_that_stops_coming_is_answered(server: Server) -> None:
    answer = server.talk(POST + b"Content-Length: 100\r\n\r\nabc")
    assert answer.startswith(b"HTTP/1.1 408")


def test_a_body_that_trickles_is_answered(server: Server) -> None:
    with server.connect() as sock:
        sock.sendall(POST + b"Content-Length: 100000\r\n\r\n")
        while not select.select([sock], [], [], 0.25)[0]:
            sock.sendall(b"x")
        assert sock.recv(65_536).startswith(b"HTTP/1.1 408")


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET /\x00 HTTP/1.1\r\nHost: localhost\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\nHost: localhost\n\n" + b"\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: localhost\nX: y\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: a\rb\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: a\0b\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nno colon\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\n Host: localhost\r\n\r\n", b"400"),
        (b"GET /\r\n\r\n", b"400"),
        (b"GET / HTTP/0.9\r\n\r\n", b"400"),
        (b"GET / HTTP/1.2\r\nHost: localhost\r\n\r\n", b"400"),
        (b"GET / HTTP/1.9\r\nHost: localhost\r\n\r\n", b"400"),
        (b"GET / HTTP/11.1\r\nHost: localhost\r\n\r\n", b"400"),
        (b"GET  / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"400"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nX-No: host\r\n\r\n", b"400"),
        (b"GET http://other.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n", b"400"),
        (b"CONNECT other.example:80 HTTP/1.1\r\nHost: localhost\r\n\r\n", b"400"),
        (b"PROXY TCP4 203.0.113.5 127.0.0.1 5000 80\r\n" + LAST, b"400"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost : localhost\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: a\r\n folded\r\n\r\n", b"400"),
        (POST + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", b"400"),
        (POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"400"),
        (POST + b"Content-Length: +3\r\n\r\nabc", b"400"),
        (POST + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", b"400"),
        (POST + b"Content-Length: 3, 3\r\n\r\nabc", b"400"),
        (POST + b"Content-Length: 1_0\r\n\r\n0123456789", b"400"),
        (POST + b"Content-Length: \xb2\r\n\r\nab", b"400"),
        (POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", b"400"),
        (POST + b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n", b"400"),
        (POST + b"Transfer-Encoding: identity\r\nContent-Length: 3\r\n\r\nabc", b"400"),
        (POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", b"501"),
        (CHUNKED.replace(b"1.1", b"1.0") + b"\r\n0\r\n\r\n", b"400"),
        (CHUNKED + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"400"),
        *((CHUNKED + b"\r\n" + size + b"\r\nabc\r\n0\r\n\r\n", b"400") for size in BAD_SIZES),
        (CHUNKED + b"\r\n3\nabc\r\n0\r\n\r\n", b"400"),
        (CHUNKED + b"\r\n3\r\nabc\n0\r\n\r\n", b"400"),
        (CHUNKED + b"\r\n3\r\nabc\r\n0\r\nContent-Length: 5\r\n\r\n", b"400"),
        (CHUNKED + b"\r\n3\r\nabc\r\n0\r\n" + b"X: y\r\n" * 20_000 + b"\r\n", b"400"),
        (POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", b"501"),
        (POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", b"400"),
        (POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nabc", b"400"),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n0\r\n\r\n", b"400"),
        (POST + b"Expect: miracles\r\n\r\n", b"417"),
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", b"414"),
        (b"GET / HTTP/1.1\r\n" + b"X-Y: z\r\n" * 100 + b"\r\n", b"431"),
        (b"GET / HTTP/1.1\r\nX: " + b"z" * 40_000 + b"\r\n\r\n", b"431"),
        (b"GET / HTTP/1.1\r\n" + b"X: z\r\n" * 8_000, b"431"),
        (POST.replace(b"close", b"keep-alive") + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", b"400"),
        (UNREAD + b"zz\r\n", b"200"),
        (UNREAD + b"3\r\nabcd", b"200"),
        (UNREAD + b"0\r\nHost: x\r\n\r\n" + LAST, b"200"),
    ],
    ids=lambda value: value.removeprefix(POST)[:48].decode("latin-1"),
)
def test_broken_and_smuggled_requests_are_refused_and_the_connection_ends(
    server: Server, request_bytes: bytes, status: bytes
) -> None:
    answer = server.talk(request_bytes)
    assert answer.startswith(b"HTTP/1.1 " + status)
    assert answer.count(b"HTTP/1.1 ") == 1


def test_what_the_server_answers_itself_carries_the_security_headers(server: Server) -> None:
    head = server.talk(b"nonsense\r\n\r\n").split(b"\r\n\r\n")[0].decode()
    for name, value in security_headers().items():
        assert f"{name}: {value}" in head.split("\r\n")
    assert "Server" not in head
    assert "Date" not in head


@pytest.mark.parametrize("header", [b"Transfer_Encoding: chunked", b"Content_Length: 30"])
def test_a_header_that_only_looks_like_a_length_is_dropped(server: Server, header: bytes) -> None:
    answer = server.talk(POST + header + b"\r\nContent-Length: 3\r\n\r\nabc" + LAST)
    assert answer.count(b"HTTP/1.1 ") == 1
    assert answer.endswith(b"127.0.0.1 3\n")


def test_a_body_is_never_read_as_the_next_request(server: Server) -> None:
    inner = LAST
    for framing in (f"Content-Length: {len(inner)}\r\n\r\n".encode() + inner, b""):
        request = POST.replace(b"close", b"keep-alive") + (
            framing or b"Transfer-Encoding: chunked\r\n\r\n" + f"{len(inner):x}\r\n".encode() + inner + b"\r\n0\r\n\r\n"
        )
        answer = server.talk(request + LAST)
        assert answer.count(b"HTTP/1.1 200") == 2
        assert f"127.0.0.1 {len(inner)}\n".encode() in answer


def test_an_upload_is_read_in_whole(server: Server) -> None:
    size = 3_000_000
    assert server.talk(POST + f"Content-Length: {size}\r\n\r\n".encode() + bytes(size)).endswith(b"127.0.0.1 3000000\n")


def test_a_chunked_upload_is_read_in_whole(server: Server) -> None:
    chunks = b"".join(b"10000\r\n" + bytes(0x10000) + b"\r\n" for _ in range(8))
    answer = server.talk(POST + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n")
    assert answer.endswith(f"127.0.0.1 {8 * 0x10000}\n".encode())


def test_an_answer_before_the_end_of_an_upload_is_not_lost_to_a_reset(server: Server) -> None:
    size = 900_000
    request = POST.replace(b"POST / ", b"POST /unread ") + f"Content-Length: {size}\r\n\r\n".encode() + bytes(size)
    assert server.talk(request).endswith(b"127.0.0.1 0\n")


def test_an_expected_continue_is_sent(server: Server) -> None:
    with server.connect() as sock:
        sock.sendall(POST + b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\n")
        assert sock.recv(65_536).startswith(b"HTTP/1.1 100 ")
        sock.sendall(b"abc")
        assert read_all(sock).endswith(b"127.0.0.1 3\n")


def test_a_program_error_is_a_page_and_one_line_without_its_message(server: Server) -> None:
    answer = server.talk(LAST.replace(b"GET / ", b"GET /broken?secret=1 "))
    assert answer.startswith(b"HTTP/1.1 500")
    assert b"secret" not in answer
    assert "ZeroDivisionError at " in server.log
    assert "secret" not in server.log


def test_the_log_names_nobody_and_no_path(server: Server) -> None:
    """Runs after everything above: heads, bodies, addresses and paths were all sent by then."""
    for request in (b"nonsense 203.0.113.9\r\n\r\n", LAST.replace(b"/ ", b"/a-path ")):
        server.talk(request)
    with server.connect() as sock:
        sock.sendall(POST + b"Content-Length: 100\r\n\r\nhalf of a secret")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    time.sleep(0.2)
    lines = [line for line in server.log.splitlines() if not line.startswith(("Listening at", "Booting worker"))]
    assert not any("127.0.0.1" in line or "203.0.113" in line for line in lines)
    assert not any(word in server.log for word in ("/a-path", "half of a secret", "nonsense", "localhost"))


def test_without_the_proxy_line_there_is_no_answer(behind_proxy: Server) -> None:
    assert behind_proxy.talk(LAST) == b""


@pytest.mark.parametrize(
    ("line", "address"),
    [
        (b"PROXY TCP6 fc00:dead:beef:4dad::1:2 ::1 65535 42\r\n", b"fc00:dead:beef:4dad::1:2"),
        (b"PROXY TCP4 203.0.113.5 127.0.0.1 5000 80\r\n", b"203.0.113.5"),
        (
            b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + bytes([203, 0, 113, 6, 127, 0, 0, 1, 0, 80, 0, 80]),
            b"203.0.113.6",
        ),
    ],
    ids=["circuit", "v1", "v2"],
)
def test_the_proxy_line_tells_who_it_is_for_every_request_of_the_connection(
    behind_proxy: Server, line: bytes, address: bytes
) -> None:
    with behind_proxy.connect() as sock:
        sock.sendall(line + GET)
        assert read_answer(sock).endswith(address + b" 0\n")
        sock.sendall(GET)
        assert read_answer(sock).endswith(address + b" 0\n")
    assert address.decode() not in behind_proxy.log


def test_a_second_proxy_line_on_the_connection_is_refused(behind_proxy: Server) -> None:
    line = b"PROXY TCP4 203.0.113.5 127.0.0.1 5000 80\r\n"
    answer = behind_proxy.talk(line + GET + line + LAST)
    assert answer.count(b"200 OK") == 1
    assert b"HTTP/1.1 400" in answer


@pytest.mark.parametrize(
    "line",
    [
        b"PROXY TCP4 not-an-address x 1 2\r\n",
        b"PROXY TCP4 203.0.113.5 127.0.0.1 99999 80\r\n",
        b"PROXY TCP4 203.0.113.5\r\n",
        b"PROXY TCP6 203.0.113.5 ::1 1 2\r\n",
        b"PROXY UNKNOWN\r\n",
        b"proxy TCP4 203.0.113.5 127.0.0.1 1 2\r\n",
        b"PROXY TCP4 203.0.113.5 127.0.0.1 1 2\n",
        b"PROXY " + b"A" * 40_000,
        PROXY_V2 + b"\x21\x11\0\x04abcd",
        PROXY_V2 + b"\x31\x11\0\x0c" + bytes(12),
        PROXY_V2 + b"\x21\x12\0\x0c" + bytes(12),
        PROXY_V2 + b"\x21\x31\0\xd8" + bytes(216),
        PROXY_V2[:11] + b"X\x21\x11\0\x0c" + bytes(12),
    ],
    ids=lambda line: line[:44].decode("latin-1"),
)
def test_a_broken_proxy_line_is_refused(behind_proxy: Server, line: bytes) -> None:
    answer = behind_proxy.talk(line + LAST)
    assert answer.startswith(b"HTTP/1.1 400")
    assert answer.count(b"HTTP/1.1 ") == 1


def test_slow_proxy_headers_hold_no_thread(tmp_path: Path) -> None:
    """The header of version 2 begins with an empty line, and is no reason to spend a thread on waiting for the rest."""
    whole = PROXY_V2 + b"\x21\x11\0\x0c" + bytes([203, 0, 113, 6, 127, 0, 0, 1, 0, 80, 0, 80])
    with running(tmp_path / "log", "proxy", "patient", threads=1) as one_thread, ExitStack() as stack:
        slow = [stack.enter_context(one_thread.connect()) for _ in range(7)]
        for sock, length in zip(slow, (2, 4, 12, 15, 16, 20, 28), strict=True):
            sock.sendall(whole[:length])
        assert one_thread.talk(whole + LAST).endswith(b"203.0.113.6 0\n")
        assert all(is_open(sock) for sock in slow)


def test_a_proxy_line_counts_only_from_a_configured_peer(tmp_path: Path) -> None:
    line = b"PROXY TCP4 203.0.113.5 127.0.0.1 5000 80\r\n"
    with running(tmp_path / "log", "proxy", "peers=192.0.2.7,192.0.2.8") as elsewhere:
        answer = elsewhere.talk(line + LAST)
        assert answer.startswith(b"HTTP/1.1 403")
        assert elsewhere.talk(LAST) == b""
        assert "203.0.113" not in elsewhere.log
        assert "127.0.0.1" not in elsewhere.log.replace(f"http://127.0.0.1:{elsewhere.port}", "")


def test_a_port_in_use_is_one_line_before_anything_starts(server: Server) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, f"127.0.0.1:{server.port}", "1"],
        capture_output=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    assert b"UsageError: cannot listen on" in done.stderr
    assert b"Booting" not in done.stderr


def test_an_application_that_cannot_be_built_ends_the_server_with_its_status() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, f"127.0.0.1:{free_port()}", "1", "broken-build"],
        capture_output=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    assert done.returncode == 78
    assert b"fieldreport: no settings here\n" in done.stderr
    assert b"Traceback" not in done.stderr


def test_it_ends_orderly(tmp_path: Path) -> None:
    with running(tmp_path / "log") as server:
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(PATIENCE_SECONDS) == 0
