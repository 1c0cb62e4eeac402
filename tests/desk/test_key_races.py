"""Keys that change while somebody is at the desk: at a terminal, in another window, for a newcomer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import select

from fieldreport.cli.keys.rotation import _Rotation
from fieldreport.desk.rewrap import start_for_colleagues
from fieldreport.errors import NotARecipient
from fieldreport.seal import Role
from fieldreport.unseal import key_file
from fieldreport.unseal.key_file import StaffKey
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.archive.tables import Item, RotationState
from fieldreport.vault.keys import rotation, rotation_at_unlock, rotation_state
from fieldreport.vault.staff import roster_changes
from tests.cast import PASSPHRASES
from tests.desk.conftest import Browser, House
from tests.eventually import eventually


def path_of(house: House, handle: str) -> Path:
    return house.settings.desk.keyfiles / f"{handle}.key"


def at_a_terminal(house: House) -> None:
    """What ``keys rotate amira`` does."""
    lena = house.seat("lena")
    if rotation_state.open_rotation_of(house.vault, "amira") is None:
        rotation.order(lena, "amira")
    _Rotation(lena, house.mailbox, path_of(house, "amira"), PASSPHRASES["amira"]).finish("amira")


class TestAnOpenDesk:
    @pytest.mark.parametrize("path", ["/inbox", "/keys", "/articles", "/", "/sign-in?next=/inbox"])
    def test_every_page_advises_to_unlock_again(self, house: House, amira: Browser, path: str) -> None:
        house.receive()
        at_a_terminal(house)
        page = amira.get(path)
        assert page.status == 200
        assert "Your key was replaced while you were signed in. Unlock again" in page.text
        assert house.sign_in("amira", amira).get("/inbox").path == "/inbox"

    def test_so_does_the_page_of_a_case(self, house: House, amira: Browser) -> None:
        case = house.receive()
        at_a_terminal(house)
        assert "Your key was replaced" in amira.get(f"/cases/{case.id.hex()}").text

    def test_a_form_that_was_typed_is_not_lost(self, house: House, amira: Browser) -> None:
        case = house.receive()
        page = amira.get(f"/cases/{case.id.hex()}")
        token = page.find("//input[@name='token']")[0].get("value")
        at_a_terminal(house)
        page = amira.post(f"/cases/{case.id.hex()}/note", {"token": token, "text": "a long thought"})
        assert "Your key was replaced" in page.text
        given = {"handle": "amira", "passphrase": PASSPHRASES["amira"], "code": house.code("amira")}
        assert "a long thought" in amira.press(page, "Unlock", given).text

    def test_the_desk_locks_it_by_itself(self, house: House, amira: Browser) -> None:
        at_a_terminal(house)
        house.desk.background._lock_unlisted()
        assert house.desk.sessions.open_by_handle() == {}
        assert "Your key was replaced" in amira.get("/inbox").text


class TestAtOnce:
    @pytest.mark.parametrize("round_", range(3))
    def test_unlocking_and_rotating_at_a_terminal(self, house: House, round_: int) -> None:
        case = house.receive()
        rotation.order(house.seat("lena"), "amira")
        browser, code = house.stranger(), house.code("amira")
        page = browser.get("/sign-in")
        given = {"handle": "amira", "passphrase": PASSPHRASES["amira"], "code": code}
        with ThreadPoolExecutor(2) as pool:
            terminal = pool.submit(at_a_terminal, house)
            unlocked = pool.submit(browser.press, page, "Unlock", given)
            terminal.result(60)
            page = unlocked.result(60)
        assert page.status == 200
        assert "has to wait" not in page.text
        assert rotation_state.all_rotations(house.vault)[0].state is RotationState.DESTROYED
        staff = key_file.unlock(path_of(house, "amira"), PASSPHRASES["amira"])
        assert [identity.key_id for identity in staff.identities] == [house.roster.entry("amira").key_id]
        again = house.sign_in("amira")
        assert again.get(f"/cases/{case.id.hex()}").status == 200

    def test_a_step_that_another_took_is_not_taken_twice(self, house: House) -> None:
        rotation.order(house.seat("lena"), "amira")
        path, passphrase = path_of(house, "amira"), PASSPHRASES["amira"]
        late = house.seat("amira")
        late_order = rotation.own(late)
        assert late_order is not None
        rotation_at_unlock.at_unlock(house.seat("amira"), path, passphrase, house.mailbox)
        order = rotation_state.open_rotation_of(house.vault, "amira")
        assert order is not None
        roster_changes.approve(house.seat("lena"), order, house.mailbox)
        seat, notices = rotation_at_unlock.at_unlock(late, path, passphrase, house.mailbox)
        assert notices == ()
        assert house.roster.entry("amira").key_id in {identity.key_id for identity in seat.staff.identities}
        assert len(key_file.unlock(path, passphrase).identities) == 2


class TestANewcomer:
    def test_unlocked_editors_rewrap_for_them_without_another_sign_in(
        self, house: House, amira: Browser, jonas: Browser
    ) -> None:
        case = house.receive("before she came")
        dana = StaffKey.generate("dana", Role.EDITOR)
        roster_changes.enrol(house.seat("lena"), dana.public_entry(), house.mailbox)
        start_for_colleagues(house.desk.sessions, house.mailbox)
        start_for_colleagues(house.desk.sessions, house.mailbox)  # a second job while one runs changes nothing

        def reads() -> bool:
            seat = Seat(house.vault, dana, house.watch)
            try:
                return "before she came" in seat.text(first_item(house, case.id))
            except NotARecipient:  # not yet
                return False

        assert eventually(reads)
        # What cannot be done is not tried again and again.
        for session in house.desk.sessions.of_role(Role.EDITOR):
            if session.rewrap.job is not None:
                session.rewrap.job.wait(10)
        before = [session.rewrap.job for session in house.desk.sessions.of_role(Role.EDITOR)]
        start_for_colleagues(house.desk.sessions, house.mailbox)
        assert [session.rewrap.job for session in house.desk.sessions.of_role(Role.EDITOR)] == before


def first_item(house: House, case_id: bytes) -> bytes:
    with house.vault.reading() as session:
        return session.scalars(select(Item.id).where(Item.case_id == case_id)).one()
