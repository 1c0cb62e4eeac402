"""`doctor` says whether TLS before the letterbox agrees on keys that a quantum computer does not find."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from fieldreport import config
from fieldreport.checks.findings import Verdict
from fieldreport.cli import key_agreement
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
