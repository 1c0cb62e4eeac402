"""How fast forms are handed out and a first report is received, next to the least that receiving one could cost."""

from __future__ import annotations

import io
import os
import selectors
import socket
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from fieldreport.bench.letterbox import (
    EDITORS,
    Client,
    Zone,
    content_length,
    form_body,
    free_port,
    get_request,
    report_form,
    running_letterbox,
    served,
)
from fieldreport.bench.measure import Pair, Sheet
from fieldreport.errors import UsageError
from fieldreport.seal import Binding, Codename, Kind, PartSource, SourceKeys, open_rosters, seal_envelope

_PATH: Final = "/en/report"
_CONNECTIONS: Final = 16
_GETS: Final = 6000
_ROUNDS: Final = 60
_WARM: Final = 10
_TEXT: Final = "At six in the morning nine trucks without plates crossed the bridge. " * 40


def measure(sheet: Sheet) -> None:
    """Write two rows: forms a second with two workers, and the first report."""
    with running_letterbox(workers=2, editors=EDITORS) as letterbox:
        _ask(letterbox.port, _GETS // 10)
        sheet.figure("forms handed out by two workers", _ask(letterbox.port, _GETS), "/s", at_least=1500)
        pair = _report(letterbox)
        sheet.pair("first report, five editors", pair, "no-op POST + Argon2id + seal + commit", at_most=1.2)


def _ask(port: int, count: int) -> float:
    """GETs of the form a second, over connections that stay open."""
    request = get_request(f"127.0.0.1:{port}", _PATH)
    waiting = {socket.create_connection(("127.0.0.1", port)): b"" for _ in range(_CONNECTIONS)}
    with selectors.DefaultSelector() as selector:
        began = time.perf_counter()
        for sock in waiting:
            selector.register(sock, selectors.EVENT_READ)
            sock.sendall(request)
        answered = 0
        while answered < count:
            for key, _ in selector.select():
                sock = key.fileobj  # type: ignore[assignment]  # only sockets were registered
                piece = sock.recv(262_144)
                waiting[sock] += piece
                head, end, body = waiting[sock].partition(b"\r\n\r\n")
                if not piece or (end and not head.startswith(b"HTTP/1.1 200")):
                    raise UsageError("the bench's own server did not hand out a form")
                if end and len(body) >= content_length(head):
                    answered += 1
                    waiting[sock] = b""
                    sock.sendall(request)
        took = time.perf_counter() - began
    for sock in waiting:
        sock.close()
    return answered / took


def _report(letterbox: Zone) -> Pair:
    """Reports and their floor by turns, a form between two: the pace of requests, not of a hot loop."""
    with tempfile.TemporaryDirectory(dir=letterbox.settings.intake.data) as name:
        port = free_port()
        command = [sys.executable, "-m", "fieldreport.bench.plain_server", str(port), name]
        with (
            served(command, port, log=Path(name) / "log"),
            Client(letterbox.port) as source,
            Client(port) as nobody,
        ):
            floor = _Floor(letterbox, Path(name))
            took: list[tuple[float, float]] = []
            for number in range(_WARM + _ROUNDS):
                form = report_form(source.get(_PATH))
                body = form_body({**form, "report": _TEXT})
                work = _seconds(lambda body=body: source.post(_PATH, body))  # type: ignore[misc]  # bound now
                least = _seconds(lambda body=body: nobody.post("/nothing", body))  # type: ignore[misc]  # same
                least += sum(_seconds(step) for step in (floor.derive, floor.seal, floor.commit))
                if number >= _WARM:
                    took.append((work, least))
            floor.close()
    return Pair(
        seconds=statistics.median(each[0] for each in took),
        floor_seconds=statistics.median(each[1] for each in took),
        ratio=statistics.median(each[0] / each[1] for each in took),
    )


class _Floor:
    """The steps that every first report needs, each alone."""

    def __init__(self, letterbox: Zone, directory: Path) -> None:
        self._instance = letterbox.settings.instance_id
        self._roster = open_rosters(letterbox.settings).newest(at_least=0)
        self._sealed = (b"", b"")
        self._database = sqlite3.connect(directory / "floor.db", isolation_level=None)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=FULL")
        self._database.execute("CREATE TABLE letter (id BLOB PRIMARY KEY, header BLOB, payload BLOB) WITHOUT ROWID")

    def derive(self) -> None:
        SourceKeys.derive(Codename.generate("en"), instance=self._instance)

    def seal(self) -> None:
        name = os.urandom(16)
        payload = io.BytesIO()
        text = _TEXT.encode()
        header = seal_envelope(
            Binding(
                kind=Kind.LETTER,
                epoch=self._roster.epoch,
                roster=self._roster.sha256,
                instance=self._instance,
                thread=name,
                object=name,
            ),
            hour=0,
            fields={"action": "report"},
            parts=[PartSource(name="report.txt", media_type="text/plain", source=io.BytesIO(text), length=len(text))],
            recipients=self._roster.recipients(),
            payload_to=payload,
        )
        self._sealed = header, payload.getvalue()

    def commit(self) -> None:
        self._database.execute("INSERT INTO letter VALUES (?, ?, ?)", (os.urandom(16), *self._sealed))

    def close(self) -> None:
        self._database.close()


def _seconds(act: Callable[[], object]) -> float:
    start = time.perf_counter()
    act()
    return time.perf_counter() - start
