"""A letterbox that is told to stop while a report is on its way: it takes that report first."""

from __future__ import annotations

import os
import signal
import socket
from contextlib import closing
from pathlib import Path

from fieldreport.bench.letterbox import Client, form_body, post_head, report_form, running_letterbox
from fieldreport.mailbox import open_mailbox
from tests.cast import cheap_keys
from tests.eventually import PATIENCE_SECONDS, eventually


def test_a_report_that_is_on_its_way_is_received_before_the_letterbox_ends() -> None:
    with cheap_keys(), running_letterbox(workers=1, editors=("amira",)) as letterbox:
        with Client(letterbox.port) as client:
            body = form_body({**report_form(client.get("/en/report")), "report": "Three trucks. " * 2000})
        log = letterbox.settings.path.parents[1] / "log"
        (worker,) = letterbox.workers
        server = int(Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split()[1])
        with socket.create_connection(("127.0.0.1", letterbox.port), timeout=PATIENCE_SECONDS) as line:
            line.sendall(post_head(f"127.0.0.1:{letterbox.port}", "/en/report", len(body)) + body[:1000])
            os.kill(server, signal.SIGTERM)
            eventually(lambda: "Handling signal: term" in log.read_text())
            line.sendall(body[1000:])
            assert line.recv(12) == b"HTTP/1.1 200"
        with closing(open_mailbox(letterbox.settings)) as mailbox:
            assert mailbox.totals().letters == 1
