"""``fieldreport keys``: a rotation at one terminal ends the same however often it was killed on the way."""

from __future__ import annotations

import io
import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
from click.testing import CliRunner

from fieldreport.cli import demo_newsroom, main
from fieldreport.seal import Kind, PartSource
from fieldreport.unseal import key_file
from fieldreport.vault.archive import rewrap
from fieldreport.vault.archive.audit import Act
from fieldreport.vault.archive.rosters import RosterWatch
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.archive.vault import Vault, open_vault
from tests.eventually import eventually

# For a long run, give larger figures.
OBJECTS = int(os.environ.get("FIELDREPORT_TESTS_OBJECTS", "60"))
KILLS = int(os.environ.get("FIELDREPORT_TESTS_KILLS", "8"))


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[demo_newsroom.Demo]:
    """An installation whose vault holds sealed objects, and a file with each person's passphrase; its link runs."""
    opened = demo_newsroom.open_demo(tmp_path_factory.mktemp("keys") / "demo", port=21900)
    for person in opened.people.values():
        (opened.directory / person.handle).write_text(person.passphrase)
    vault = open_vault(opened.settings)
    seat = seat_of(opened, vault, "amira")
    for _ in range(OBJECTS):
        part = PartSource(name="text.txt", media_type="text/plain", source=io.BytesIO(b"a draft"), length=7)
        with seat.stage(kind=Kind.DRAFT, thread=os.urandom(16), parts=[part]) as staged, seat.change() as change:
            change.add(staged)
    vault.close()
    with subprocess.Popen(
        [sys.executable, "-m", "fieldreport.cli", "--settings", str(opened.settings.path), "link"]
    ) as process:
        try:
            eventually((opened.directory / "link" / "socket").exists)
            yield opened
        finally:
            process.terminate()


def seat_of(house: demo_newsroom.Demo, vault: Vault, handle: str) -> Seat:
    path = house.settings.desk.keyfiles / f"{handle}.key"
    staff = key_file.unlock(path, house.people[handle].passphrase)
    return Seat(vault, staff, RosterWatch.of(house.settings, vault))


def arguments(house: demo_newsroom.Demo, *command: str) -> list[str]:
    return ["--settings", str(house.settings.path), "keys", *command]


def rotate(house: demo_newsroom.Demo, handle: str) -> list[str]:
    admin, owner = house.directory / demo_newsroom.ADMIN, house.directory / handle
    files = ("--passphrase-file", str(admin), "--owner-passphrase-file", str(owner))
    return arguments(house, "rotate", handle, "--admin", demo_newsroom.ADMIN, *files)


def keys_of(house: demo_newsroom.Demo, handle: str) -> dict[str, int]:
    """Key id to the number of objects that name it."""
    shown = CliRunner().invoke(main, arguments(house, "list", "--json"))
    return {row["key"]: row["objects"] for row in json.loads(shown.output)["keys"] if row["handle"] == handle}


def is_done(house: demo_newsroom.Demo, handle: str, old: str) -> bool:
    """Whether no rotation is under way and nothing names the key that stood there before."""
    under_way = json.loads(CliRunner().invoke(main, arguments(house, "status", "--json")).output)["rotations"]
    keys = keys_of(house, handle)
    return under_way == [] and len(keys) > 1 and keys[old] == 0


def run_until(command: list[str], seconds: float) -> tuple[int, float]:
    """Run a command in a process of its own that the kernel ends after so much processor time; 0: it is let run.

    Returns how it ended, as ``os.waitstatus_to_exitcode`` has it, and the processor time that it took. The processor's
    time, and not a clock's: other programs do not change how far it comes.
    """
    child = os.fork()
    if child == 0:
        status = 1
        try:
            signal.setitimer(signal.ITIMER_PROF, seconds)  # nobody catches its signal, so the process is gone at once
            status = CliRunner().invoke(main, command).exit_code
        finally:
            os._exit(status)
    _, ended, used = os.wait4(child, 0)
    return os.waitstatus_to_exitcode(ended), used.ru_utime + used.ru_stime


def test_a_rotation_that_was_killed_goes_on_where_it_stopped(house: demo_newsroom.Demo) -> None:
    (before,) = keys_of(house, "jonas")
    ended, whole = run_until(rotate(house, "amira"), 0)
    assert ended == 0
    chance = random.Random(11)
    ends = [run_until(rotate(house, "jonas"), chance.uniform(0.02, 0.9) * whole)[0] for _ in range(KILLS)]
    assert -signal.SIGPROF in ends
    assert set(ends) <= {0, -signal.SIGPROF}
    if not is_done(house, "jonas", before):
        assert CliRunner().invoke(main, rotate(house, "jonas")).exit_code == 0
    assert is_done(house, "jonas", before)
    after = keys_of(house, "jonas")
    assert max(after.values()) == OBJECTS, "everything names the new one"
    vault = open_vault(house.settings)
    seat = seat_of(house, vault, "jonas")
    assert len(seat.staff.identities) == 1
    assert before not in {identity.key_id for identity in seat.staff.identities}
    assert rewrap.pending(seat) == 0
    destroyed = [entry for entry in vault.audit.page(limit=100_000) if entry.act == Act.KEY_DESTROYED]
    # A run that was not killed in time has finished its rotation, and the next has begun another.
    assert [entry.subject for entry in destroyed].count(before) == 1
    assert len({entry.subject for entry in destroyed}) == len(destroyed)
    assert {(entry.actor, entry.signed) for entry in destroyed} == {("amira", True), ("jonas", True)}
    vault.close()
    audit = ["--settings", str(house.settings.path), "audit", "verify"]
    assert CliRunner().invoke(main, audit).exit_code == 0


def test_an_order_alone_waits_for_its_owner(house: demo_newsroom.Demo) -> None:
    admin = str(house.directory / demo_newsroom.ADMIN)
    command = arguments(
        house, "rotate", "amira", "--order-only", "--admin", demo_newsroom.ADMIN, "--passphrase-file", admin
    )
    assert CliRunner().invoke(main, command).output == "amira: ordered\n"
    assert "amira            ordered" in CliRunner().invoke(main, arguments(house, "status")).output


def test_a_wrong_passphrase_of_the_owner_changes_nothing(house: demo_newsroom.Demo) -> None:
    count = len(keys_of(house, "jonas"))
    wrong = [str(house.directory / "amira") if part == str(house.directory / "jonas") else part
             for part in rotate(house, "jonas")]  # fmt: skip
    refused = CliRunner().invoke(main, wrong)
    assert refused.exit_code == 77
    assert "Traceback" not in refused.output
    assert len(keys_of(house, "jonas")) == count
