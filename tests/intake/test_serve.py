"""The letterbox as it is run: the real command, a real server, and what it loads, answers and logs."""

from __future__ import annotations

import contextlib
import json
import re
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from lxml import html

from fieldreport import limits
from fieldreport.mailbox.letterbox import LetterboxState, set_letterbox_state
from fieldreport.scrub.sandbox.service import Scrubber
from tests.eventually import PATIENCE_SECONDS, answers, eventually
from tests.intake.conftest import Desk, House, build_house, form_body
from tests.intake.packed_letters import packed
from tests.intake.samples import photo
from tests.web.dropped_line import dropped_line


@dataclass(frozen=True)
class Letterbox:
    house: House
    url: str
    log_file: Path
    process: int
    since: float

    def processes(self) -> list[int]:
        """The arbiter, its workers, and the warm parents with their children."""
        found, parents = [self.process], {}
        for path in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
        for process in found:  # grows while it is walked
            found.extend(child for child, parent in parents.items() if parent == process)
        return found

    def open_files(self) -> dict[str, Path]:
        """What the processes have open that can hold bytes: name → a path by which it can be read, deleted or not."""
        found = {}
        for process in self.processes():
            for link in Path(f"/proc/{process}/fd").iterdir():
                with contextlib.suppress(OSError):
                    if link.stat().st_mode & 0o170000 == 0o100000:
                        found[f"{process}:{link.readlink()}"] = link
        return found

    def scratch_bytes(self) -> int:
        """How much lies in nameless files below the intake's folder."""
        folder = str(self.house.settings.intake.data)
        return sum(
            path.stat().st_size for name, path in self.open_files().items() if folder in name and "(deleted)" in name
        )

    def everything_on_disk(self) -> dict[str, bytes]:
        """Name → bytes of every open file, every file of the installation and every new file in temporary folders."""
        found = {}
        for name, path in self.open_files().items():
            with contextlib.suppress(FileNotFoundError):  # closed meanwhile
                found[name] = path.read_bytes()
        for folder in (
            self.house.settings.path.parent,
            Path(tempfile.gettempdir()),
            Path("/dev/shm"),  # noqa: S108 - looked into, not written
            Path("/var/tmp"),  # noqa: S108 - same
        ):
            recent = folder == self.house.settings.path.parent
            for path in folder.rglob("*") if recent else folder.glob("*"):
                with contextlib.suppress(OSError):
                    if path.is_file() and not path.is_symlink() and (recent or path.stat().st_mtime > self.since):
                        found[str(path)] = path.read_bytes()
        return found

    @property
    def log(self) -> str:
        """What was logged, without the lines of ``-X importtime``."""
        lines = self.log_file.read_text().splitlines()
        return "\n".join(line for line in lines if not line.startswith("import time:"))

    @property
    def modules(self) -> set[str]:
        """Every module that any process of the letterbox has imported."""
        lines = self.log_file.read_text().splitlines()
        return {line.rpartition("|")[2].strip() for line in lines if line.startswith("import time:")}


def write_settings(house: House, port: int) -> None:
    values: dict[str, dict[str, object]] = {
        "instance": {"id": house.settings.instance.id, "name": house.settings.instance.name},
        "keys": {"directory": "keys", "admin_fingerprint": house.settings.keys.admin_fingerprint},
        "intake": {
            "data": "intake",
            "listen": f"127.0.0.1:{port}",
            "request_bytes": limits.FORM_TEXT_BYTES,
            # Every test here is the same visitor, and one of them sends until it gets through.
            "report_rate": "10000 per hour",
            "page_rate": "10000 per hour",
        },
        "desk": {"data": "desk", "keyfiles": "desk/keyfiles"},
        "press": {"site": "site"},
        "scrub": {"require_sandbox": False},
    }
    # For these values a JSON scalar is a TOML scalar.
    lines = [
        f"[{section}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in table.items())
        for section, table in values.items()
    ]
    house.settings.path.write_text("\n".join(lines))


@pytest.fixture(scope="module")
def letterbox(tmp_path_factory: pytest.TempPathFactory, desk: Desk, scrubber: Scrubber) -> Iterator[Letterbox]:
    directory = tmp_path_factory.mktemp("running")
    house = build_house(directory, desk, scrubber, now=time.time())
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    write_settings(house, port)
    log_file = directory / "log"
    since = time.time()
    command = [sys.executable, "-X", "importtime", "-m", "fieldreport.cli", "--settings", str(house.settings.path)]
    with log_file.open("wb") as log:
        process = subprocess.Popen([*command, "intake"], stderr=log)
    try:
        url = f"http://127.0.0.1:{port}"
        eventually(lambda: answers(f"{url}/en/", process))
        yield Letterbox(house, url, log_file, process.pid, since)
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_SECONDS) == 0


def fields(page: httpx.Response) -> dict[str, str]:
    document: Any = html.document_fromstring(page.content)  # the stubs know no forms
    (form,) = [form for form in document.forms if form.action.endswith("/report")]
    return {name: value or "" for name, value in form.fields.items() if name and name != "files"}


def post(letterbox: Letterbox, values: dict[str, str], files: list[tuple[str, bytes]]) -> httpx.Response:
    body, kind = form_body(list(values.items()), files)
    return httpx.post(
        f"{letterbox.url}/en/report", content=body, headers={"Content-Type": kind}, timeout=PATIENCE_SECONDS
    )


def test_a_report_with_a_photo_goes_all_the_way(letterbox: Letterbox) -> None:
    form = fields(httpx.get(f"{letterbox.url}/en/report"))
    answer = post(letterbox, {**form, "report": "MARKER-words"}, [("MARKER-name.jpg", photo())])
    assert answer.status_code == 200
    letter = letterbox.house.letters()[0]
    assert letter.read_part(0, 100) == b"MARKER-words"
    assert letter.manifest.parts[1].name == "photo-1.jpg"


def test_no_answer_says_what_the_server_is_or_what_time_it_has(letterbox: Letterbox) -> None:
    for method, path in (("GET", "/en/"), ("GET", "/"), ("GET", "/no"), ("DELETE", "/en/"), ("HEAD", "/ko/report")):
        answer = httpx.request(method, letterbox.url + path)
        assert not {"server", "date", "set-cookie", "etag"} & set(answer.headers)
        assert answer.headers["cache-control"] == "no-store"
        assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_a_body_over_the_limit_gets_a_page_with_its_words_and_no_reset(letterbox: Letterbox) -> None:
    form = fields(httpx.get(f"{letterbox.url}/en/report"))
    answer = post(letterbox, {**form, "report": "MARKER kept"}, [("MARKER.jpg", bytes(20 * limits.MIB))])
    assert answer.status_code == 413
    assert fields(answer)["report"] == "MARKER kept"


def test_bad_chunks_get_a_page(letterbox: Letterbox) -> None:
    host, _, port = letterbox.url.removeprefix("http://").partition(":")
    request = (
        f"POST /en/report HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n"
    )
    with socket.create_connection((host, int(port)), timeout=PATIENCE_SECONDS) as sock:
        sock.sendall(request.encode())
        answer = b""
        while piece := sock.recv(65_536):
            answer += piece
    assert answer.startswith(b"HTTP/1.1 400")
    assert b"Your report arrived incomplete" in answer


def test_a_line_that_drops_leaves_nothing_and_hurts_nobody(letterbox: Letterbox) -> None:
    before = len(letterbox.house.letters())
    body, kind = form_body([("report", "MARKER half")], [("MARKER.jpg", photo())])
    host, _, port = letterbox.url.removeprefix("http://").partition(":")
    head = f"POST /en/report HTTP/1.1\r\nHost: {host}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    for cut in (0, 50, len(body) // 2, len(body) - 1):
        with socket.create_connection((host, int(port)), timeout=PATIENCE_SECONDS) as sock:
            sock.sendall(head.encode() + body[:cut])
    assert httpx.get(f"{letterbox.url}/en/").status_code == 200
    assert len(letterbox.house.letters()) == before


def test_reports_over_a_line_that_drops_are_one_letter_each(letterbox: Letterbox) -> None:
    """A source who sends again until there is a receipt has sent one letter, wherever the line was cut each time."""
    before = len(letterbox.house.letters())
    host = letterbox.url.removeprefix("http://")
    port = int(host.rpartition(":")[2])
    texts = [f"MARKER report {number}" for number in range(12)]
    with (
        dropped_line(port, seed=7, request_bytes=4000, answer_bytes=14_000) as line,
        httpx.Client(timeout=PATIENCE_SECONDS) as client,
    ):

        def until_answered(method: str, **request: Any) -> httpx.Response:
            for _ in range(60):
                with contextlib.suppress(httpx.TransportError):
                    # A fresh connection each time, as after a network was lost.
                    headers = {"Host": host, "Connection": "close", **request.pop("headers", {})}
                    request["headers"] = headers
                    return client.request(method, f"http://127.0.0.1:{line.port}/en/report", **request)
            raise AssertionError("cut sixty times in a row")

        for text in texts:
            form = fields(until_answered("GET"))
            body, kind = form_body([*{**form, "report": text}.items()], [("MARKER.jpg", photo())])
            receipts = {until_answered("POST", content=body, headers={"Content-Type": kind}).text for _ in range(2)}
            assert len(receipts) == 1
            assert form["codename"].split()[0] in receipts.pop()
        assert line.cuts["request"] >= 5
        assert line.cuts["answer"] >= 5
    sent = [letter.read_part(0, 100).decode() for letter in letterbox.house.letters()]
    assert len(sent) == before + len(texts)
    assert sorted(text for text in sent if text.startswith("MARKER report")) == sorted(texts)


def test_no_byte_of_an_upload_is_in_any_file_of_the_process_while_it_is_answered(letterbox: Letterbox) -> None:
    """Half of a large upload has arrived: nothing readable in what the processes have open, nor below their folders."""
    marker = secrets.token_bytes(24)
    content = b"\xff\xd8\xff\xe0" + marker * 15_000
    before = len(letterbox.house.letters())
    body, kind = form_body([("report", "MARKER" + marker.hex() * 50)], [("x.jpg", content)])
    host, _, port = letterbox.url.removeprefix("http://").partition(":")
    head = f"POST /en/report HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: {kind}\r\n"
    with socket.create_connection((host, int(port)), timeout=PATIENCE_SECONDS) as sock:
        sock.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body[:-40])
        eventually(lambda: letterbox.scratch_bytes() >= len(content) // 2)
        seen = letterbox.everything_on_disk()
        found = [name for name, held in seen.items() if marker in held or marker.hex().encode() in held]
        sock.sendall(body[-40:])
        assert sock.recv(65_536).startswith(b"HTTP/1.1 4")  # not a photo, or a form without its token
    assert sum(len(held) for name, held in seen.items() if "(deleted)" in name) >= len(content) // 2
    assert found == []
    after = letterbox.everything_on_disk()
    assert [name for name, held in after.items() if marker in held or marker.hex().encode() in held] == []
    assert len(letterbox.house.letters()) == before


AGENT = "MARKER-agent/7.0"
_A_TIME = re.compile(r"\d{1,2}:\d{2}(?::\d{2})?\b|\d{4}-\d{2}-\d{2}|\b1[0-9]{9}\b")
_AN_ADDRESS = re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b|[0-9a-f]*::[0-9a-f]")


class Day:
    """Everybody who comes to a letterbox in a day: sources, the clumsy, couriers, and those who mean ill."""

    def __init__(self, letterbox: Letterbox, client: httpx.Client) -> None:
        self.letterbox = letterbox
        self.client = client
        self.codenames: list[str] = []
        self.statuses: Counter[int] = Counter()

    def seen(self, answer: httpx.Response) -> httpx.Response:
        self.statuses[answer.status_code] += 1
        return answer

    def post(self, path: str, values: dict[str, str], files: list[tuple[str, bytes]] | None = None) -> httpx.Response:
        if files is None:
            return self.seen(self.client.post(path, data=values))
        body, kind = form_body(list(values.items()), files)
        return self.seen(self.client.post(path, content=body, headers={"Content-Type": kind}))

    def token(self, answer: httpx.Response) -> dict[str, str]:
        found = re.findall(r'name="token" value="([^"]+)"', answer.text)
        return {"token": found[0]}

    def live(self) -> None:
        self.sources()
        self.couriers()
        self.the_clumsy()
        self.the_hostile()
        self.bad_hours()

    def sources(self) -> None:
        for path in ("/", "/en/", "/ar/safety", "/ko/help", "/logo"):
            self.seen(self.client.get(path))
        form = fields(self.client.get("/en/report"))
        self.codenames.append(form["codename"])
        self.post("/en/report/practise", {"codename": form["codename"], "practice": "MARKER practice"})
        sent = {**form, "report": "MARKER words", "protect": "MARKER protect", "where": "MARKER where"}
        for files in ([], [("MARKER-old.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))]):
            self.post("/en/report", sent, files)
        self.post("/en/report", sent, [("MARKER-name.jpg", photo())])
        self.letterbox.house.reply(form["codename"], "MARKER reply")
        back = self.post("/en/return", {"codename": form["codename"]})
        assert "MARKER reply" in back.text
        for step in ("arrived", "delete", "withdraw"):
            self.post(f"/en/return/{step}", self.token(back))
        self.post("/en/return/add", {**self.token(back), "report": "MARKER more"}, [("MARKER.txt", b"MARKER")])

    def couriers(self) -> None:
        letter = packed(self.letterbox.house)
        for content in (letter, letter, letter[:-1], b"MARKER"):
            self.post("/en/hand-in", {}, [("MARKER.packed", content)])

    def the_clumsy(self) -> None:
        for typed in ("MARKER", "one two three", " ".join(["zoo"] * 9), self.client.get("/en/report").text[:50]):
            self.post("/en/return", {"codename": typed})
        unknown = fields(self.client.get("/en/report"))["codename"]
        self.codenames.append(unknown)
        self.post("/en/return", {"codename": unknown})
        self.post("/en/report", {"report": "MARKER without a token"}, [])
        self.seen(self.client.get("/en/MARKER-path?MARKER=query"))
        self.seen(self.client.delete("/en/report"))

    def the_hostile(self) -> None:
        self.seen(self.client.get("/en/", headers={"Host": "marker.example.org"}))
        self.seen(self.client.get("/en/", headers={"X-Forwarded-For": "203.0.113.7", "X-Tor2web": "1"}))
        self.seen(self.client.post("/en/report", content=b"{", headers={"Content-Type": "application/json"}))
        self.seen(self.client.post("/en/report", data={"report": "MARKER"}, headers={"Sec-Fetch-Site": "cross-site"}))
        host, _, port = self.letterbox.url.removeprefix("http://").partition(":")
        for raw in (
            b"MARKER nonsense\r\n\r\n",
            b"GET /MARKER HTTP/1.1\r\n\r\n",
            b"GET /en/ HTTP/1.1\r\nHost: MARKER\r\nX: " + b"MARKER" * 3000 + b"\r\n\r\n",
            b"POST /en/report HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nMARKER\r\n",
            b"GET /en/MARKER HT",
        ):
            with socket.create_connection((host, int(port)), timeout=PATIENCE_SECONDS) as sock:
                sock.sendall(raw)
                sock.shutdown(socket.SHUT_WR)
                while sock.recv(65_536):
                    pass
        while self.statuses[429] == 0:
            self.post("/en/hand-in", {}, [("MARKER.packed", b"MARKER")])

    def bad_hours(self) -> None:
        """A closed door, no roster, and a mailbox that fails in the middle of it."""
        data, keys = self.letterbox.house.settings.intake.data, self.letterbox.house.settings.keys.directory
        form = fields(self.client.get("/en/report"))
        self.codenames.append(form["codename"])
        report = {**form, "report": "MARKER in a bad hour"}
        set_letterbox_state(data, LetterboxState.CLOSED)
        self.post("/en/report", report, [])
        set_letterbox_state(data, LetterboxState.OPEN)
        for broken in (keys / "roster.json", data / "mailbox.db"):
            away = broken.with_suffix(".away")
            broken.rename(away)
            if broken.suffix == ".db":
                broken.mkdir()
            self.post("/en/report", report, [("MARKER.jpg", photo())])
            self.post("/en/return", {"codename": form["codename"]})
            if broken.suffix == ".db":
                broken.rmdir()
            away.rename(broken)
        self.post("/en/report", report, [("MARKER.jpg", photo())])


def test_after_a_day_of_use_neither_log_nor_disk_names_anybody(letterbox: Letterbox) -> None:
    """Runs after all of the above was sent."""
    with httpx.Client(base_url=letterbox.url, headers={"User-Agent": AGENT}, timeout=PATIENCE_SECONDS) as client:
        day = Day(letterbox, client)
        day.live()
    assert {200, 302, 400, 404, 405, 415, 422, 429, 503} <= set(day.statuses), day.statuses
    lines = [line for line in letterbox.log.splitlines() if not line.startswith(("Listening at", "Booting worker"))]
    text = "\n".join(lines)
    assert "fieldreport.intake" in text, "something did break, and was logged"
    for pattern in (_A_TIME, _AN_ADDRESS):
        assert pattern.findall(text) == []
    for secret in ("MARKER", "marker", "/en", "HTTP/1", "agent", "httpx", "Mozilla", *day.codenames):
        assert secret not in text, secret
    for codename in day.codenames:
        words = codename.split()
        assert not any(" ".join(words[at : at + 2]) in text for at in range(8))
    told = [b"MARKER", AGENT.encode(), *(codename.encode() for codename in day.codenames)]
    kept = str(letterbox.house.settings.intake.data)
    for name, held in letterbox.everything_on_disk().items():
        assert [secret for secret in told if secret in held] == [], name
        assert kept not in name or b"127.0.0.1" not in held, name


def test_nothing_that_knows_private_keys_is_ever_loaded(letterbox: Letterbox) -> None:
    assert "fieldreport.intake.deposit" in letterbox.modules
    assert "fieldreport.mailbox.local" in letterbox.modules
    forbidden = ("fieldreport.unseal", "fieldreport.desk", "fieldreport.vault", "fieldreport.press")
    assert [name for name in sorted(letterbox.modules) if name.startswith(forbidden)] == []


def test_the_serving_process_loads_no_decoder(letterbox: Letterbox) -> None:
    """Decoders belong in the locked children; only the warm parent, a process of its own, imports them."""
    decoders = "(name for name in sys.modules if name in ('PIL', 'pikepdf', 'av'))"
    script = f"import fieldreport.intake.serve, sys; print(*{decoders})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, text=True)
    assert done.stdout.strip() == ""


def test_a_port_in_use_is_one_line(letterbox: Letterbox) -> None:
    command = [sys.executable, "-m", "fieldreport.cli", "--settings", str(letterbox.house.settings.path), "intake"]
    done = subprocess.run(command, capture_output=True, check=False, text=True, timeout=PATIENCE_SECONDS)
    assert done.returncode == 64
    assert done.stderr.count("\n") == 1
    assert "in use" in done.stderr
