"""What files cost over a line that breaks: every file goes once, and what was interrupted is one file, not all.

A real server with two workers, and a client that does what a browser does without scripts: it posts the form that it
was given, and when the line breaks it loads the page again.
"""

from __future__ import annotations

import io
import math
import os
import random
import re
import signal
import socket
import threading
import wave
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import pytest
from lxml import html
from typing_extensions import override

from fieldreport.bench.letterbox import Zone, content_length, get_request, post_head, running_letterbox
from fieldreport.limits import MIB
from fieldreport.mailbox import open_mailbox
from tests.cast import cheap_keys
from tests.eventually import eventually
from tests.intake.conftest import form_body
from tests.intake.samples import OLD_WORD
from tests.web.dropped_line import DroppedLine

RUNS: Final = int(os.environ.get("FIELDREPORT_TESTS_BROKEN_LINES", "3"))
"""More runs find rarer moments: ``FIELDREPORT_TESTS_BROKEN_LINES=200 pytest -n 0 -o faulthandler_timeout=0`` with this
file takes some minutes."""
_TRIES: Final = 60

type_of_files = Sequence[tuple[str, bytes]]


@pytest.fixture(scope="module")
def letterbox() -> Iterator[Zone]:
    with cheap_keys(), running_letterbox(workers=2, editors=("amira",)) as running:
        yield running


class Browser:
    """Somebody who fills in one form."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.page: Any = self._until_whole(get_request(f"127.0.0.1:{port}", "/en/report"))

    def post(self, path: str, files: type_of_files = (), **typed: str) -> None:
        (form,) = [each for each in self.page.forms if each.action.endswith("/report")]
        fields = {
            name: value or ""
            for name, value in form.fields.items()
            if name != "files" and (form.inputs[name].get("type") != "checkbox" or value)
        }
        body, kind = form_body(list({**fields, **typed}.items()), files)
        head = post_head(f"127.0.0.1:{self._port}", path, len(body))
        head = re.sub(rb"Content-Type: [^\r]+", f"Content-Type: {kind}".encode(), head)
        self.page = self._until_whole(head + body)

    @property
    def text(self) -> str:
        return " ".join(self.page.find("body").text_content().split())

    def names(self, xpath: str) -> list[str]:
        return [each.text_content() for each in self.page.xpath(xpath)]

    def _until_whole(self, request: bytes) -> Any:
        for _ in range(_TRIES):
            if answer := self._answer(request):
                return html.document_fromstring(answer)
        raise AssertionError(f"no answer in {_TRIES} tries")

    def _answer(self, request: bytes) -> bytes:
        """The whole answer, or nothing."""
        received = b""
        try:
            with socket.create_connection(("127.0.0.1", self._port), timeout=60) as sock:
                sock.sendall(request)
                while piece := sock.recv(65_536):
                    received += piece
                    head, end, body = received.partition(b"\r\n\r\n")
                    if end and len(body) >= content_length(head):
                        return body
        except OSError:
            pass
        return b""


class RandomCuts(DroppedLine):
    """A line that breaks once in so many bytes on average, at any of them, and in the other direction likewise."""

    @override
    def _draw(self) -> tuple[float, float]:
        there, back = (1 + int(self._random.expovariate(1 / most)) for most in self._most)
        return there, back


class WholeLine(DroppedLine):
    """A line that never breaks."""

    @override
    def _draw(self) -> tuple[float, float]:
        return math.inf, math.inf


def letters(letterbox: Zone) -> int:
    with closing(open_mailbox(letterbox.settings)) as mailbox:
        return mailbox.totals().letters


def words(seed: int, size: int) -> bytes:
    drawn = random.Random(seed)
    return b"".join(b"%012d words\n" % drawn.randrange(10**12) for _ in range(size // 19))


def test_a_report_of_five_files_over_a_line_that_breaks_is_one_letter_and_costs_little_more(letterbox: Zone) -> None:
    sent = size = cuts = 0
    for run in range(RUNS):
        files = [(f"{number}.txt", words(5 * run + number, 200_000)) for number in range(5)]
        whole = sum(len(content) for _, content in files)
        before = letters(letterbox)
        line = RandomCuts(letterbox.port, seed=run, request_bytes=whole, answer_bytes=whole)
        with closing(line):
            source = Browser(line.port)
            for number, file in enumerate(files, start=1):
                source.post("/en/report/files", [file], report="Trucks.")
                assert source.names("//section[@id='kept']//bdi") == [name for name, _ in files[:number]]
            source.post("/en/report")
        assert source.names("//dl[@id='received']//bdi") == [name for name, _ in files]
        assert letters(letterbox) == before + 1
        sent, size, cuts = sent + line.passed, size + whole, cuts + sum(line.cuts.values())
    assert cuts >= RUNS / 3
    assert sent <= 1.3 * size, f"{sent / size:.3f} with {cuts} cuts"


def recording(seed: int, size: int) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(44_100)
        sound.writeframes(random.Random(seed).randbytes(size))
    return file.getvalue()


def test_of_three_large_files_the_good_ones_are_sent_once(letterbox: Zone) -> None:
    good = [(f"{number}.wav", recording(number, 10 * MIB)) for number in range(2)]
    bad = ("order.doc", OLD_WORD.ljust(10 * MIB, b"\0"))
    with closing(WholeLine(letterbox.port, seed=0, request_bytes=0, answer_bytes=0)) as line:
        source = Browser(line.port)
        source.post("/en/report", [good[0], bad, good[1]], report="Trucks.")
        assert "order.doc" in source.text
        source.post("/en/report", without_refused="yes")
        assert source.names("//dl[@id='received']//bdi") == ["0.wav", "1.wav", "order.doc"]
        of_good = sum(len(content) for _, content in good)
        assert line.passed - len(bad[1]) <= 1.05 * of_good


def children(process: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def test_a_worker_that_is_killed_costs_no_file_and_doubles_no_letter(letterbox: Zone) -> None:
    """Receipts and the key of the tokens outlive it: the process that starts the workers has them."""
    status = Path(f"/proc/{letterbox.workers[0]}/status").read_text()
    (starter,) = map(int, re.findall(r"^PPid:\s+(\d+)", status, re.MULTILINE))
    drawn, before, killed = random.Random(RUNS), letters(letterbox), list[int]()

    def kill() -> None:
        killed.append(children(starter)[0])
        os.kill(killed[-1], signal.SIGKILL)

    for run in range(RUNS):
        files = [(f"{number}.txt", words(5 * run + number, 200_000)) for number in range(2)]
        source, at = Browser(letterbox.port), drawn.randrange(3)
        for number, path in enumerate(("/en/report/files", "/en/report/files", "/en/report")):
            killer = threading.Timer(drawn.uniform(0, 0.3), kill)
            if number == at:
                killer.start()
            source.post(path, files[number : number + 1], report="Trucks.")
            if number == at:
                killer.join()
        assert source.names("//dl[@id='received']//bdi") == [name for name, _ in files]
        assert letters(letterbox) == before + run + 1
    assert len(killed) == RUNS
    eventually(lambda: not any(Path(f"/proc/{each}").exists() for each in killed))
