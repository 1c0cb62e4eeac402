"""How long signing in takes while strangers pour out wrong tries at the same handle, next to one Argon2id.

The desk is the whole application, in this process; the strangers are threads that do not come back when asked to. The
person at a new device does, with what the page gave them.
"""

from __future__ import annotations

import contextlib
import re
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import flask
from werkzeug.test import Client

from fieldreport.bench.measure import Sheet
from fieldreport.desk.app import create_app
from fieldreport.errors import FieldreportError
from fieldreport.installation import Made, make
from fieldreport.mailbox import open_mailbox
from fieldreport.scrub import Scrubber
from fieldreport.unseal import key_file, totp
from fieldreport.vault.archive.rosters import RosterWatch
from fieldreport.vault.archive.vault import open_vault

_STRANGERS: Final = 20
_TRIES_A_SECOND: Final = 200
_WARM_SECONDS: Final = 3.0
_PATIENCE_SECONDS: Final = 180.0
_SEE_OTHER: Final = 303


def measure(sheet: Sheet) -> None:
    """Write the floor, a sign-in alone, a known and a new device in the crowd, and how large the crowd was."""
    with tempfile.TemporaryDirectory() as name:
        made = make(Path(name, "newsroom"), name="Bench")
        with running_desk(made) as app:
            began = time.monotonic()
            key_file.derive_once(made.admin.passphrase, bytes(16), key_file.FULL, bytearray(32))
            floor = time.monotonic() - began
            sheet.figure("one Argon2id", floor, "s")
            known, codes = Client(app), _Codes(made)
            sheet.figure("sign-in, nobody else there", _until_in(known, made, codes), "s")
            known.delete_cookie("__Host-desk")
            with _crowd(app, made) as tries:
                time.sleep(_WARM_SECONDS)
                began, before = time.monotonic(), len(tries)
                in_crowd = _until_in(known, made, codes)
                new = _until_in(Client(app), made, codes)
                rate = (len(tries) - before) / (time.monotonic() - began)
    sheet.figure("wrong tries at the same handle", rate, "/s")
    sheet.figure("known device, among them", in_crowd, "s")
    sheet.figure("the same over one Argon2id", in_crowd / floor, "times", at_most=3)
    sheet.figure("new device, among them", new, "s", at_most=60)


@contextlib.contextmanager
def running_desk(made: Made) -> Iterator[flask.Flask]:
    """The desk of an installation, in this process."""
    """The desk of an installation, in this process."""
    settings = made.settings
    scratch = settings.desk.data / "scratch"
    scratch.mkdir()
    with Scrubber.start(directory=scratch, require_sandbox=False) as scrubber, contextlib.ExitStack() as stack:
        vault, mailbox = open_vault(settings), open_mailbox(settings)
        stack.callback(vault.close)
        stack.callback(mailbox.close)
        rosters = RosterWatch.of(settings, vault)
        yield create_app(settings, vault=vault, mailbox=mailbox, scrubber=scrubber, rosters=rosters)


class _Codes:
    """One-time codes of the admin, each newer than the last one that was taken."""

    def __init__(self, made: Made) -> None:
        self._secret = made.admin.totp
        self._step = 0
        self._taken = 0

    def current(self) -> str:
        """The oldest code that the desk may still take. One that it never looked at can be sent a second time."""
        self._step = max(self._taken + 1, int(time.time() // totp.PERIOD_SECONDS) - 1)
        return totp.code_at(self._secret, self._step)

    def taken(self) -> None:
        """The desk took the current one."""
        self._taken = self._step


def _until_in(client: Client, made: Made, codes: _Codes) -> float:
    """Try, and come back when asked to, until the desk is open; returns the seconds that it took."""
    began, ticket = time.monotonic(), ""
    while time.monotonic() - began < _PATIENCE_SECONDS:
        form = {
            "handle": made.admin.handle,
            "passphrase": made.admin.passphrase,
            "code": codes.current(),
            "ticket": ticket,
        }
        response = client.post("/sign-in", data=form)
        if response.status_code == _SEE_OTHER:
            codes.taken()
            return time.monotonic() - began
        found = re.search('name="ticket" value="([^"]+)"', response.text)
        ticket = found[1] if found else ""
        if "Retry-After" not in response.headers:
            raise FieldreportError(f"the desk refused the right passphrase with status {response.status_code}")
        time.sleep(int(response.headers["Retry-After"]))
    raise FieldreportError("the desk did not open")


@contextlib.contextmanager
def _crowd(app: flask.Flask, made: Made) -> Iterator[list[int]]:
    """Strangers who try wrong passphrases as often as is asked for or as they can; the statuses they got."""
    tries: list[int] = []
    stop = threading.Event()

    def one() -> None:
        client = Client(app)
        while not stop.wait(_STRANGERS / _TRIES_A_SECOND):
            form = {"handle": made.admin.handle, "passphrase": "wrong", "code": "000000"}
            tries.append(client.post("/sign-in", data=form).status_code)

    threads = [threading.Thread(target=one, daemon=True) for _ in range(_STRANGERS)]
    for thread in threads:
        thread.start()
    try:
        yield tries
    finally:
        stop.set()
        for thread in threads:
            thread.join()
