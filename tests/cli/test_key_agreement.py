"""`doctor` says whether TLS before the letterbox agrees on keys that a quantum computer does not find."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from fieldreport import config
from fieldreport.checks.findings import Verdict
from fieldreport.cli import key_agreement
from fieldreport.mailbox.link_line import Address, Line
from tests.cli.conftest import House, free_ports

# What OpenSSL 3.5 and 3.0 answered to the question, as recorded.
_ASKS_FOR_THE_KEY = bytes.fromhex(
    "1603030058020000540303cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c20871499c7fb8f82b9997f09b9"
    "3ed853ed9d8f5ae1858729c7033b2d226a1d36ee130100000c002b000203040033000211ec140303000101"
)
_REFUSES = bytes.fromhex("15030300020228")


@contextmanager
def answering(answer: bytes) -> Iterator[tuple[str, int]]:
    """A server that answers whatever is said to it, once."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            line, _ = server.accept()
            with line:
                line.recv(4096)
                line.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()
        thread.join()


def verdicts(settings: config.Settings) -> list[Verdict]:
    return [finding.verdict for finding in key_agreement.key_agreement_checks(settings, ())]


@pytest.fixture
def behind_tls(house: House) -> config.Settings:
    intake = replace(house.settings.intake, https=True, trusted_hosts=("letters.example.org", "127.0.0.1"))
    return replace(house.settings, intake=intake)


@pytest.mark.parametrize(
    ("answer", "said"),
    [(_ASKS_FOR_THE_KEY, Verdict.HOLDS), (_REFUSES, Verdict.WARNS), (b"HTTP/1.1 400 Bad Request", Verdict.WARNS)],
)
def test_what_the_proxy_offers_is_said(
    behind_tls: config.Settings, monkeypatch: pytest.MonkeyPatch, answer: bytes, said: Verdict
) -> None:
    with answering(answer) as address:
        monkeypatch.setattr(key_agreement, "PROXY", address)
        assert verdicts(behind_tls) == [said]


def test_a_proxy_that_is_elsewhere_was_not_looked_at(
    behind_tls: config.Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_agreement, "PROXY", ("127.0.0.1", free_ports()))
    assert verdicts(behind_tls) == [Verdict.UNSEEN]


def test_a_letterbox_without_tls_is_asked_nothing(house: House) -> None:
    assert verdicts(house.settings) == []


@pytest.mark.parametrize(
    ("answer", "here", "said"),
    [
        (_ASKS_FOR_THE_KEY, True, Verdict.HOLDS),
        (_ASKS_FOR_THE_KEY, False, Verdict.WARNS),
        (_REFUSES, True, Verdict.WARNS),
    ],
)
def test_what_the_two_ends_of_the_link_have_is_said(
    house: House, monkeypatch: pytest.MonkeyPatch, answer: bytes, *, here: bool, said: Verdict
) -> None:
    monkeypatch.setattr(key_agreement, "_is_able_here", lambda: here)
    with answering(answer) as (host, port):
        desk = replace(house.settings.desk, link=f"https://{host}:{port}")
        assert verdicts(replace(house.settings, desk=desk)) == [said]


def test_a_link_behind_a_proxy_is_asked_through_it(house: House) -> None:
    with answering(b"no socks at all") as (host, port):
        desk = replace(house.settings.desk, link="https://letters.invalid", link_proxy=f"socks5://{host}:{port}")
        assert verdicts(replace(house.settings, desk=desk)) == [Verdict.UNSEEN]


def test_the_link_offers_the_group_where_this_machines_openssl_has_it() -> None:
    """What goes over the wire, whatever the library's version says of itself."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def listen() -> None:
            line, _ = server.accept()
            with line:
                heard.append(line.recv(4096))

        thread = threading.Thread(target=listen)
        thread.start()
        host, port = server.getsockname()
        with pytest.raises(OSError, match=r"."):
            Line(Address(host=host, port=port, tls=True), in_a_hurry=True).connect()
        thread.join()
    assert (key_agreement.HYBRID in groups_in(heard[0])) == (ssl.OPENSSL_VERSION_INFO >= (3, 5))


def groups_in(hello: bytes) -> list[int]:
    """The supported groups of a client hello (RFC 8446, 4.2.7)."""
    at = 5 + 4 + 2 + 32  # record, handshake, version, random
    at += 1 + hello[at]  # session
    at += 2 + int.from_bytes(hello[at : at + 2])  # suites
    at += 1 + hello[at]  # compression
    at += 2
    while at < len(hello):
        kind, length = int.from_bytes(hello[at : at + 2]), int.from_bytes(hello[at + 2 : at + 4])
        body, at = hello[at + 4 : at + 4 + length], at + 4 + length
        if kind == 10:
            return [int.from_bytes(body[place : place + 2]) for place in range(2, len(body), 2)]
    return []
