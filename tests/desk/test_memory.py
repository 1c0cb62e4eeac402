"""What is left in the memory of the desk's processes after Lock: none of the keys, words and texts of the session."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from fieldreport.cli.visitor import Page, Visitor
from fieldreport.unseal import recovery_codes, totp
from fieldreport.unseal.key_file import unlock, write_key_file
from fieldreport.unseal.key_part import Opener
from fieldreport.unseal.passkey import Passkey
from tests.authenticator import Authenticator
from tests.cast import CHEAP, PASSPHRASES, File
from tests.desk.conftest import House
from tests.desk.test_serve import write_settings
from tests.eventually import PATIENCE_SECONDS, answers, eventually
from tests.process_memory import await_forgotten, family, found_in_memory, key_forms, text_forms

pytestmark = pytest.mark.campaign

LETTER = "A smuggler named Quisquilienberg waved from the lighthouse balcony."
NOTE = "The lighthouse keeper is a xylophonist from Wuppertal, thinks Quarkstrudel."
REPLY = "Which Zwergpinscher do you mean, the one in the aquarium?"
FILE_LINES = "".join(f"{number} Kaulquappenteich marmalade invoices unpaid in row {number}\n" for number in range(200))
WRONG = "pumpernickel oscillates beneath the velvet aqueduct at midnight"


@pytest.fixture
def running(house: House) -> Iterator[tuple[str, int]]:
    """The desk's address and process; a letter with a file waits in the mailbox."""
    house.send(LETTER, files=[File("list.txt", "text/plain; charset=utf-8", FILE_LINES.encode())])
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    write_settings(house, port)
    command = [sys.executable, "-m", "fieldreport.cli", "--settings", str(house.settings.path), "desk"]
    with (house.directory / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        url = f"http://127.0.0.1:{port}"
        eventually(lambda: answers(f"{url}/desk.css", process))
        yield url, process.pid
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_SECONDS) == 0
    finally:
        process.kill()
        process.wait()


def planted(house: House) -> dict[str, bytes]:
    """What a session of amira's brings into the desk's memory."""
    key = house.staff["amira"]
    return {
        **text_forms("passphrase", typed("amira")),
        **text_forms("wrong passphrase", WRONG),
        **key_forms("reading seed", key.identities[0].seed),
        **key_forms("signing seed", key.signing.seed),
        **key_forms("second factor", key.totp),
        **text_forms("letter", LETTER),
        **text_forms("note", NOTE),
        **text_forms("reply", REPLY),
        "lines of the file": b"Kaulquappenteich",
        "terms of the search": b"quisquilienberg",
    }


def typed(handle: str) -> str:
    """The passphrase as a person types it: case and spacing do not matter."""
    return PASSPHRASES[handle].replace(" ", "  ", 1).title()


def sign_in(house: House, url: str, amira: Visitor) -> None:
    code = totp.current_code(house.staff["amira"].totp, time.time())
    values = {"handle": "amira", "passphrase": typed("amira"), "code": code}
    amira.press(amira.get(f"{url}/sign-in"), "Unlock", values)


def search(amira: Visitor, url: str, words: str) -> Page:
    return amira.press(amira.get(f"{url}/search"), "Search", {"words": words})


def work(house: House, url: str, process: int) -> None:
    """Mistype, sign in, read a letter and its file, write a note and a reply, and lock."""
    with contextlib.closing(Visitor()) as amira:
        wrong = {"handle": "amira", "passphrase": WRONG, "code": "000000"}
        amira.press(amira.get(f"{url}/sign-in"), "Unlock", wrong, expect=403)
        sign_in(house, url, amira)
        seed = {"reading seed": house.staff["amira"].identities[0].seed}
        assert found_in_memory(family(process), seed), "a search that finds nothing now would prove nothing later"
        eventually(lambda: "C-" in amira.get(f"{url}/inbox").text)
        inbox = amira.get(f"{url}/inbox")
        case = amira.get(inbox.link("C-"))
        assert "Quisquilienberg" in case.text
        page = amira.get(case.links("/1/read")[0])
        assert "Kaulquappenteich" in page.text
        assert b"Kaulquappenteich" in amira.download(amira.get(page.link("The file itself")).link("Save "))
        eventually(lambda: "Found in" in search(amira, url, "quisquilienberg").text)
        eventually(lambda: "Found in" in search(amira, url, "kaulquappenteich").text)
        terms = {"terms of the search": b"quisquilienberg"}
        assert found_in_memory(family(process), terms), "as above"
        amira.press(amira.get(f"{case.url}?write=note"), "Seal the note", {"text": NOTE})
        amira.press(amira.get(f"{case.url}?write=reply"), "Seal and send", {"text": REPLY})
        amira.press(amira.get(case.url), "Lock")


def test_after_lock_nothing_of_the_session_is_in_memory_and_before_it_was(
    house: House, running: tuple[str, int]
) -> None:
    url, process = running
    work(house, url, process)
    await_forgotten(process, planted(house))


def test_after_lock_nothing_that_opens_a_bound_key_file_is_in_memory(house: House, running: tuple[str, int]) -> None:
    url, process = running
    passkey, path = Authenticator(), house.settings.desk.keyfiles / "amira.key"
    opener, codes = Opener.of_passkey(passkey.credential, os.urandom(32)), recovery_codes.generate(long=True)
    kept = Passkey(name="blue key", credential=passkey.credential, public=passkey.public, host="localhost", prf=True)
    bound = dataclasses.replace(house.staff["amira"], passkeys=(kept,)).bound_to(opener, codes)
    write_key_file(path, bound, PASSPHRASES["amira"], cost=CHEAP)
    with contextlib.closing(Visitor()) as amira:
        values = {"handle": "amira", "passphrase": typed("amira"), "code": codes[0]}
        amira.press(amira.get(f"{url}/sign-in"), "Unlock", values)
        part = unlock(path, PASSPHRASES["amira"], opener=opener).part
        assert part is not None
        secrets = key_forms("part", part.value)
        assert found_in_memory(family(process), secrets), "a search that finds nothing now would prove nothing later"
        amira.press(amira.get(f"{url}/inbox"), "Lock")
    code = codes[0].replace("-", "")
    secrets |= {"code, as typed": codes[0].encode(), "code, folded": code.encode()}
    await_forgotten(process, secrets | key_forms("seed of the code", Opener.of_code(codes[0]).identity.seed))
