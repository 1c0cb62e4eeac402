"""What is left in the memory of the letterbox's processes after a visit: nothing of the visitor and what they sent."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lxml import html

from fieldreport.scrub.sandbox.service import Scrubber
from tests.eventually import PATIENCE_SECONDS, eventually
from tests.intake.conftest import Desk, build_house, form_body
from tests.intake.test_serve import write_settings
from tests.process_memory import await_forgotten, text_forms

pytestmark = pytest.mark.campaign

ADDRESS = "203.0.113.177"
AGENT = "Schnabeltierbrowser/77"
HEADER = "Pfefferminzkutsche"
REPORT = "A smuggler named Quisquilienberg waved from the lighthouse balcony."
WHERE = "to the left of the Nashornkapelle"
FILE_NAME = "Gabelstapler-4711.txt"
FILE_LINES = "".join(f"{number} Kaulquappenteich marmalade invoices unpaid in row {number}\n" for number in range(200))


@pytest.fixture
def running(tmp_path: Path, desk: Desk, scrubber: Scrubber) -> Iterator[tuple[int, int]]:
    """The port and the process of a letterbox to which a proxy says who comes."""
    house = build_house(tmp_path, desk, scrubber, now=time.time())
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    write_settings(house, port)
    path = house.settings.path
    path.write_text(path.read_text().replace("[intake]\n", "[intake]\nproxy_protocol = true\n"))
    command = [sys.executable, "-m", "fieldreport.cli", "--settings", str(path), "intake"]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        eventually(lambda: is_up(port))
        yield port, process.pid
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_SECONDS) == 0
    finally:
        process.kill()
        process.wait()


def is_up(port: int) -> bool:
    try:
        return talk(port, "GET", "/en/", address="192.0.2.1").startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def talk(port: int, method: str, path: str, *, address: str = ADDRESS, body: bytes = b"", kind: str = "") -> bytes:
    """One request through the proxy, and the whole answer."""
    lines = [
        f"PROXY TCP4 {address} 127.0.0.1 40000 80",
        f"{method} {path} HTTP/1.1",
        "Host: 127.0.0.1",
        "Connection: close",
        f"User-Agent: {AGENT}",
        f"X-Odd: {HEADER}",
    ]
    if body:
        lines += [f"Content-Type: {kind}", f"Content-Length: {len(body)}"]
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS) as sock:
        sock.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        answer = b""
        while piece := sock.recv(65_536):
            answer += piece
    return answer


def send_a_report(port: int) -> str:
    """Open the form, add a file, send the report with it, and return the codename."""
    page: Any = html.document_fromstring(talk(port, "GET", "/en/report").partition(b"\r\n\r\n")[2])
    (form,) = [form for form in page.forms if form.action.endswith("/report")]
    fields = {name: value or "" for name, value in form.fields.items() if name and name != "files"}
    codename = fields["codename"]
    body, kind = form_body(
        list({**fields, "report": REPORT, "where": WHERE}.items()), [(FILE_NAME, FILE_LINES.encode())]
    )
    kept = talk(port, "POST", "/en/report/files", body=body, kind=kind)
    assert b"Kept for you" in kept, kept[:500]
    answer = talk(port, "POST", "/en/report", body=body, kind=kind)
    assert answer.startswith(b"HTTP/1.1 200"), answer[:500]
    assert b"Gabelstapler" in answer or b"file-1" in answer
    return str(codename)


def test_after_a_visit_nothing_of_it_is_in_memory(running: tuple[int, int]) -> None:
    port, process = running
    codename = send_a_report(port)
    secrets = {
        **text_forms("codename", codename),
        **text_forms("report", REPORT),
        **text_forms("where", WHERE),
        "file's name": b"Gabelstapler",
        "lines of the file": b"Kaulquappenteich",
        "user agent": AGENT.encode(),
        "header": HEADER.encode(),
        "address": ADDRESS.encode(),
    }
    words = codename.split()
    for number in range(len(words) - 2):
        secrets |= text_forms(f"codename, words from {number + 1}", " ".join(words[number : number + 3]))
    await_forgotten(process, secrets)
