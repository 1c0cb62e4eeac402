"""The admin's key goes to the next admin."""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from fieldreport import installation
from fieldreport.errors import FieldreportError, RosterError
from fieldreport.seal import KeyState, Role, open_rosters, public_file
from fieldreport.unseal import key_file
from fieldreport.unseal import roster_changes as rosters
from fieldreport.vault.archive.rosters import RosterWatch
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.archive.vault import Vault
from fieldreport.vault.staff import roster_changes
from tests.cast import CHEAP
from tests.cli.conftest import House, refused, roles, verified_acts


@pytest.fixture(scope="module")
def boris(made: House) -> key_file.StaffKey:
    return key_file.StaffKey.generate("boris", Role.ADMIN)


def test_an_admins_key_from_elsewhere_is_bound_before_anything_is_signed(
    house: House, boris: key_file.StaffKey
) -> None:
    path = house.settings.desk.keyfiles / "boris.key"
    key_file.write_key_file(path, boris, "boris hums", cost=CHEAP, portable=True)
    successor = house.directory / "passphrase"
    successor.write_text("wrong")
    refused(house.as_admin("keys", "hand-over", "boris", "--successor-passphrase-file", str(successor)), 77)
    assert key_file.is_bound(path)


def test_the_key_goes_to_the_next_admin_and_intakes_follow(staffed_house: House, tmp_path: Path) -> None:
    house = staffed_house
    done = house.run("keys", "new", "boris", "--role", "admin", "--to", house.settings.desk.keyfiles)
    assert done.exit_code == 0, done.stderr
    assert not list(house.directory.rglob("boris.request"))
    assert key_file.is_bound(house.settings.desk.keyfiles / "boris.key")
    found = re.search(r"passphrase +(.+)\n", done.stdout)
    assert found is not None
    successor = tmp_path / "passphrase"
    successor.write_text(found[1])
    before = roles(house)
    for _ in range(2):
        done = house.as_admin("keys", "hand-over", "boris", "--successor-passphrase-file", str(successor))
        assert done.exit_code == 0, done.stderr
        assert open_rosters(house.settings).newest(at_least=0).epoch == 3
    assert roles(house) == before | {"admin": "admin revoked", "boris": "admin active"}
    entries = verified_acts(house)
    assert [act for act, _ in entries].count("admin-handed-over") == 1
    assert [subject for act, subject in entries if act == "roster-published"] == ["3", "2"]

    # The settings pin the old key, and everything still holds; the old key signs nothing any more.
    assert house.run("roster", "verify").exit_code == 0
    refused(house.as_admin("roster", "sign"), 77)
    signed = house.run("roster", "sign", "--admin", "boris", "--passphrase-file", successor)
    assert signed.exit_code == 0, signed.stderr

    warned = {finding["check"]: finding for finding in house.facts("doctor")}
    assert warned["admin key"]["verdict"] == "warns"
    shown = re.search(r'^admin_fingerprint = "[0-9a-f]{64}"$', done.stdout, re.MULTILINE)
    assert shown is not None
    path = house.directory / "fieldreport.toml"
    path.write_text(re.sub(r"admin_fingerprint = .*", shown[0], path.read_text()))
    assert house.run("roster", "verify").exit_code == 0
    held = {finding["check"]: finding for finding in house.facts("doctor")}
    assert held["admin key"]["verdict"] == "holds"


def test_nobody_hands_over_what_they_do_not_have(
    house: House, admin_key: key_file.StaffKey, boris: key_file.StaffKey
) -> None:
    stranger = key_file.StaffKey.generate("stranger", Role.ADMIN)
    editor = key_file.StaffKey.generate("dana", Role.EDITOR)

    def give(giver: key_file.StaffKey, taker: key_file.StaffKey) -> None:
        with installation.admin_at_work(house.settings, giver) as (seat, mailbox):
            roster_changes.hand_over(seat, taker, mailbox)

    for giver, taker in ((stranger, boris), (admin_key, editor), (editor, boris), (admin_key, admin_key)):
        with pytest.raises(FieldreportError):
            give(giver, taker)
    assert open_rosters(house.settings).hand_overs() == ()
    give(admin_key, boris)
    for giver, taker in ((admin_key, stranger), (boris, admin_key), (stranger, boris)):
        with pytest.raises(FieldreportError):
            give(giver, taker)
    assert len(open_rosters(house.settings).hand_overs()) == 1


class PowerOff(BaseException):
    """The machine is gone; nothing of ours may catch it."""


@contextlib.contextmanager
def cut_after(steps: int) -> Iterator[Callable[[], int]]:
    """Let that many durable steps happen (a file put in place, a change of the vault) and none after them."""
    done, write, unchanged = [0], public_file.write_public, Vault.change

    def step() -> None:
        if done[0] == steps:
            raise PowerOff
        done[0] += 1

    def written(path: Path, content: bytes) -> None:
        step()
        write(path, content)

    @contextlib.contextmanager
    def changed(vault: Vault, **who: Any) -> Iterator[Any]:
        step()
        with unchanged(vault, **who) as change:
            yield change

    with (
        mock.patch("fieldreport.seal.admin.write_public", written),
        mock.patch("fieldreport.seal.roster_directory.write_public", written),
        mock.patch.object(Vault, "change", changed),
    ):
        yield lambda: done[0]


@pytest.mark.campaign
def test_a_hand_over_cut_off_anywhere_goes_on(
    made: House, tmp_path: Path, admin_key: key_file.StaffKey, boris: key_file.StaffKey
) -> None:
    for steps in range(30):
        shutil.copytree(made.directory, tmp_path / str(steps) / "newsroom")
        house = replace(made, directory=tmp_path / str(steps) / "newsroom")
        with installation.admin_at_work(house.settings, admin_key) as (seat, mailbox):
            with cut_after(steps) as done, contextlib.suppress(PowerOff):
                roster_changes.hand_over(seat, boris, mailbox)
            # At no moment is there no roster in force, or a next one that two keys could sign, or none.
            epoch = open_rosters(house.settings).load(now=datetime.now(UTC), at_least=0).epoch
            assert [_could_sign(house, key) for key in (admin_key, boris)].count(True) == 1
            for _ in range(2):
                again = Seat(seat.vault, admin_key, RosterWatch.of(house.settings, seat.vault))
                roster_changes.hand_over(again, boris, mailbox)
            roster = open_rosters(house.settings).newest(at_least=epoch)
            assert roster.epoch == 2
            assert {entry.handle: entry.state for entry in roster.entries if entry.role is Role.ADMIN} == {
                "admin": KeyState.REVOKED,
                "boris": KeyState.ACTIVE,
            }
            assert sorted(entry.act for entry in seat.vault.audit.page()) == ["admin-handed-over", "roster-published"]
            seat.vault.audit.verify(open_rosters(house.settings).all_here())
        if done() < steps:
            break
    else:
        raise AssertionError("more steps than expected")
    assert steps > 9


def _could_sign(house: House, key: key_file.StaffKey) -> bool:
    """Try it, on a copy."""
    assert key.admin is not None
    copy = house.directory.with_name(f"keys-of-{key.handle}")
    shutil.copytree(house.settings.keys.directory, copy)
    settings = replace(house.settings, keys=replace(house.settings.keys, directory=copy))
    current = open_rosters(settings).newest(at_least=0)
    raw = rosters.next_roster(current, current.entries, now=datetime.now(UTC))
    try:
        open_rosters(settings).publish(raw, key.admin.sign_roster(raw))
    except RosterError:
        return False
    return True
