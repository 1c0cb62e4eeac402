"""From an invitation to a person in the roster; and out of it again, at once."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import update

from fieldreport import limits
from fieldreport.errors import NotARecipient, StoreError
from fieldreport.seal import KeyState, Kind, Role, Roster, fingerprint_words
from fieldreport.unseal import key_file, totp
from fieldreport.unseal.enrolment import EnrolmentRequest
from fieldreport.vault.archive import rewrap
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.archive.tables import Enrolment
from fieldreport.vault.cases import inbox
from fieldreport.vault.keys import rotation_state
from fieldreport.vault.staff import enrolment, roster_changes
from tests.cast import CHEAP, PASSPHRASES
from tests.desk.conftest import Browser, House, Page
from tests.eventually import eventually


@pytest.fixture(autouse=True)
def _cheap_key_files(monkeypatch: pytest.MonkeyPatch) -> None:
    write = key_file.write_key_file
    monkeypatch.setattr(key_file, "write_key_file", lambda *arguments: write(*arguments, cost=CHEAP))


def invited(lena: Browser, handle: str = "dana") -> str:
    page = lena.press(lena.get("/staff"), "Invite", {"handle": handle})
    assert page.status == 200, page.text
    return str(page.find("//p[@class='shown mono']")[0].text_content())


def begun(dana: Browser, code: str, handle: str = "dana") -> Page:
    return dana.press(dana.get("/enrol"), "Make my keys", {"handle": handle, "invitation": code})


def passphrase_on(page: Page) -> str:
    return str(page.find("//p[@class='shown mono']")[0].text_content())


def code_on(house: House, page: Page) -> str:
    secret = "".join(page.find("//p[@class='shown mono']")[1].text_content().split())
    return totp.current_code(base64.b32decode(secret), house.clock())


def waits(house: House, lena: Browser, dana: Browser) -> Page:
    """Dana's enrolment up to the page with the words."""
    page = begun(dana, invited(lena))
    return dana.press(page, "I have all", {"passphrase": passphrase_on(page), "code": code_on(house, page)})


class TestTheWholeWay:
    def test_from_the_invitation_to_reading(self, house: House, lena: Browser) -> None:
        before = house.receive("before she came")
        dana = house.stranger()
        page = begun(dana, invited(lena))
        passphrase, code = passphrase_on(page), code_on(house, page)
        assert len(passphrase.split()) == 7
        page = dana.press(page, "I have all", {"passphrase": passphrase.upper(), "code": code})
        words = page.find("//p[@class='shown']")[0].text_content()

        # Not in the roster: she cannot sign in, and nothing is sealed to her.
        def sign_in() -> Page:
            house.clock.forward(30)
            staff = key_file.unlock(house.settings.desk.keyfiles / "dana.key", passphrase)
            given = {"handle": "dana", "passphrase": passphrase, "code": totp.current_code(staff.totp, house.clock())}
            return dana.press(dana.get("/sign-in"), "Unlock", given)

        assert sign_in().status == 403
        letter = house.receive("while she waits")
        staff = key_file.unlock(house.settings.desk.keyfiles / "dana.key", passphrase)
        seat = Seat(house.vault, staff, house.watch)
        items = [inbox.items(house.vault, case.id)[0].id for case in (before, letter)]
        for item in items:
            with pytest.raises(NotARecipient), seat.open_object(item, kind=Kind.LETTER, thread=item):
                pass

        page = lena.get(lena.get("/staff").link("dana waits for your approval"))
        assert page.find("//section[@aria-label='Fingerprint']//dd")[0].text_content() == words
        page = lena.confirm(page, "The words are the same: approve")
        assert "Roster 2 is in force. dana can sign in now" in page.text
        assert house.roster.entry("dana").signing == staff.signing.public

        # New letters at once; earlier ones when a colleague has re-wrapped.
        assert sign_in().status == 200
        after = house.receive("after the approval")
        assert seat.text(inbox.items(house.vault, after.id)[-1].id) == "after the approval"
        for item in items:
            with pytest.raises(NotARecipient), seat.open_object(item, kind=Kind.LETTER, thread=item):
                pass
        rewrap.rewrap(house.seat("jonas"))
        assert seat.text(items[0]) == "before she came"

        acts = [(entry.act, entry.subject, entry.actor) for entry in house.vault.audit.page()]
        for act in (
            ("staff-invited", "dana", "lena"),
            ("enrolment-requested", "dana", "desk"),
            ("staff-added", "dana", "lena"),
        ):
            assert act in acts
        assert house.vault.audit.verify(house.watch.all_here()).entries == len(acts)

    def test_what_is_shown_once_is_kept_nowhere(self, house: House, lena: Browser) -> None:
        code = invited(lena)
        page = begun(house.stranger(), code)
        shown = (code, passphrase_on(page), page.find("//p[@class='shown mono']")[1].text_content())
        for path in (file for file in house.directory.rglob("*") if file.is_file()):
            content = path.read_bytes()
            assert not any(secret.encode() in content for secret in shown)
        assert page.headers["Cache-Control"] == "no-store"


class TestTheInvitation:
    def test_nothing_is_told_to_who_has_none(self, house: House, lena: Browser, stranger: Browser) -> None:
        code = invited(lena)
        pages = [
            begun(stranger, "a b c d e f g"),
            begun(stranger, code, handle="ines"),
            begun(stranger, code, handle="nobody"),
            begun(stranger, "", handle="../amira"),
            stranger.post("/enrol", {"handle": "\0", "invitation": code}),
        ]
        assert {page.status for page in pages} == {403}
        assert len({page.find("//div[@role='alert']")[0].text_content() for page in pages}) == 1
        names = sorted(path.stem for path in house.settings.desk.keyfiles.iterdir())
        assert names == sorted(house.staff)

    def test_it_runs_out(self, house: House, lena: Browser, stranger: Browser) -> None:
        code = invited(lena)
        house.clock.forward(limits.INVITATION_HOURS * 3600)
        assert begun(stranger, code).status == 403
        assert "the invitation has expired" in house.sign_in("lena").get("/staff").text

    def test_it_works_once(self, house: House, lena: Browser, stranger: Browser) -> None:
        code = invited(lena)
        page = begun(stranger, code)
        stranger.press(page, "I have all", {"passphrase": passphrase_on(page), "code": code_on(house, page)})
        made = (house.settings.desk.keyfiles / "dana.key").read_bytes()
        assert begun(house.stranger(), code).status == 403
        assert (house.settings.desk.keyfiles / "dana.key").read_bytes() == made

    def test_until_both_are_practised_it_can_be_begun_again(
        self, house: House, lena: Browser, stranger: Browser
    ) -> None:
        code = invited(lena)
        first, second = begun(stranger, code), begun(stranger, code)
        page = stranger.press(first, "I have all", {"passphrase": passphrase_on(first), "code": code_on(house, first)})
        assert page.status == 403  # the file is that of the second now
        page = stranger.press(
            second, "I have all", {"passphrase": passphrase_on(second), "code": code_on(house, second)}
        )
        assert page.title.startswith("Read these words")

    def test_a_later_one_makes_an_earlier_one_worthless(self, lena: Browser, stranger: Browser) -> None:
        early, late = invited(lena), invited(lena)
        assert begun(stranger, early).status == 403
        assert begun(stranger, late).status == 200

    def test_it_can_be_taken_back(self, house: House, lena: Browser, stranger: Browser) -> None:
        code = invited(lena)
        lena.press(lena.get("/staff"), "Revoke the invitation of dana")
        assert begun(stranger, code).status == 403
        assert house.vault.audit.page()[1].act == "invitation-revoked"

    def test_wrong_ones_lock_nobody_out_of_signing_in(self, house: House, stranger: Browser) -> None:
        for _ in range(limits.SIGN_IN_TRIES + 1):
            assert begun(stranger, "wrong", handle="amira").status == 403
        house.sign_in("amira")

    @pytest.mark.parametrize("handle", ["amira", "lena", "recovery", "admin", "Amira", "da na", "", "a/b"])
    def test_nobody_is_invited_under_a_handle_that_cannot_be_theirs(self, lena: Browser, handle: str) -> None:
        page = lena.press(lena.get("/staff"), "Invite", {"handle": handle})
        assert page.status == 422

    def test_it_does_not_reach_somebody_who_was_enrolled_another_way(
        self, house: House, lena: Browser, stranger: Browser
    ) -> None:
        code = invited(lena)
        staff = key_file.StaffKey.generate("dana", Role.EDITOR)
        key_file.write_key_file(house.settings.desk.keyfiles / "dana.key", staff, "her own")
        roster_changes.enrol(house.seat("lena"), staff.public_entry(), house.mailbox)
        assert begun(stranger, code).status == 403
        assert key_file.unlock(house.settings.desk.keyfiles / "dana.key", "her own") == staff


class TestPractising:
    @pytest.mark.parametrize("wrong", ["passphrase", "code"])
    def test_a_mistake_shows_everything_again(self, house: House, lena: Browser, stranger: Browser, wrong: str) -> None:
        page = begun(stranger, invited(lena))
        right = {"passphrase": passphrase_on(page), "code": code_on(house, page)}
        again = stranger.press(page, "I have all", right | {wrong: "000000"})
        assert again.status == 422
        assert again.find(f"//*[@id='{wrong}-problem']")
        assert passphrase_on(again) == passphrase_on(page)
        assert again.find("//*[local-name()='svg']")
        assert enrolment.waiting(house.vault) == ()
        assert stranger.press(again, "I have all", right).title.startswith("Read these words")

    def test_the_practised_code_does_not_open_the_door_afterwards(
        self, house: House, lena: Browser, stranger: Browser
    ) -> None:
        page = begun(stranger, invited(lena))
        passphrase, code = passphrase_on(page), code_on(house, page)
        stranger.press(page, "I have all", {"passphrase": passphrase, "code": code})
        page = lena.get(lena.get("/staff").link("dana waits for your approval"))
        lena.confirm(page, "The words are the same: approve")
        given = {"handle": "dana", "passphrase": passphrase, "code": code}
        assert stranger.press(stranger.get("/sign-in"), "Unlock", given).status == 403

    def test_a_reload_shows_the_same_words_and_asks_once(self, house: House, lena: Browser, stranger: Browser) -> None:
        page = begun(stranger, invited(lena))
        given = {"passphrase": passphrase_on(page), "code": code_on(house, page)}
        first, second = (stranger.press(page, "I have all", given) for _ in range(2))
        assert first.text == second.text
        acts = [entry.act for entry in house.vault.audit.page()]
        assert acts.count("enrolment-requested") == 1

    def test_a_page_from_before_a_restart_or_made_up_is_refused(self, stranger: Browser) -> None:
        for remembered in ("", "x", "A" * 400):
            assert stranger.post("/enrol/keys", {"remembered": remembered}).status == 400


class TestTheApproval:
    def test_what_was_compared_is_what_is_approved(self, house: House, lena: Browser, stranger: Browser) -> None:
        waits(house, lena, stranger)
        page = lena.get("/staff/waiting/dana")
        assert lena.confirm(page, "The words are the same: approve", {"fingerprint": "00" * 16}).status == 409
        assert house.roster.epoch == 1

    def test_a_request_that_was_exchanged_in_the_database_has_other_words(
        self, house: House, lena: Browser, stranger: Browser
    ) -> None:
        page = waits(house, lena, stranger)
        words = page.find("//p[@class='shown']")[0].text_content()
        forged = EnrolmentRequest.sign(
            key_file.StaffKey.generate("dana", Role.EDITOR),
            instance=house.settings.instance_id,
            now=datetime.fromtimestamp(house.clock(), UTC),
        )
        open_page = lena.get("/staff/waiting/dana")
        with house.vault.change() as change:
            change.session.execute(update(Enrolment).values(request=forged.encode()))
        assert fingerprint_words(forged.fingerprint) in lena.get("/staff/waiting/dana").text
        assert fingerprint_words(forged.fingerprint) != words
        assert lena.confirm(open_page, "The words are the same: approve").status == 409
        assert house.roster.epoch == 1

    def test_it_runs_out(self, house: House, lena: Browser, stranger: Browser) -> None:
        waits(house, lena, stranger)
        page = lena.get("/staff/waiting/dana")
        house.clock.forward(limits.ENROLMENT_DAYS * 24 * 3600)
        lena = house.enter("lena")
        late = lena.get("/staff/waiting/dana")
        assert "ran out on 2026-11-16" in late.find("//*[@role='alert']")[0].text_content()
        assert "The words are the same: approve" not in late.buttons()
        token = late.find("//input[@name='token']")[0].get("value")
        fingerprint = page.find("//input[@name='fingerprint']")[0].get("value")
        values = {"token": token, "fingerprint": fingerprint, "passphrase": PASSPHRASES["lena"]}
        assert lena.post("/staff/waiting/dana", values).status == 422
        assert house.roster.epoch == 1
        lena.press(late, "Reject")
        assert invited(lena)

    def test_somebody_can_be_turned_away(self, house: House, lena: Browser, stranger: Browser) -> None:
        waits(house, lena, stranger)
        page = lena.press(lena.get("/staff/waiting/dana"), "They differ: reject")
        assert "dana waits" not in page.text
        assert lena.get("/staff/waiting/dana").status == 404
        assert house.roster.epoch == 1
        assert invited(lena)  # and be invited again

    def test_nobody_is_approved_whose_key_file_is_gone(self, house: House, lena: Browser, stranger: Browser) -> None:
        waits(house, lena, stranger)
        page = lena.get("/staff/waiting/dana")
        (house.settings.desk.keyfiles / "dana.key").unlink()
        assert lena.confirm(page, "The words are the same: approve").status == 404
        assert house.roster.epoch == 1

    def test_one_that_was_cut_off_can_be_repeated(
        self, house: House, lena: Browser, stranger: Browser, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        waits(house, lena, stranger)
        page = lena.get("/staff/waiting/dana")
        with monkeypatch.context() as broken:

            def cut(*_: object, **__: object) -> None:
                raise StoreError("power went off")

            broken.setattr(enrolment, "_drop", cut)
            assert lena.confirm(page, "The words are the same: approve").status == 503
        assert house.roster.epoch == 2
        lena.confirm(page, "The words are the same: approve")
        assert house.roster.epoch == 2
        assert [entry.act for entry in house.vault.audit.page()].count("staff-added") == 1
        assert enrolment.waiting(house.vault) == ()


class TestRemoving:
    def test_it_is_at_once(self, house: House, lena: Browser, amira: Browser, jonas: Browser) -> None:
        house.receive("before")
        gone = house.staff["amira"].public_entry().key_id
        page = lena.get(lena.get("/staff").link("Remove amira"))
        assert "Not possible: undoing what amira has read" in page.text
        page = lena.confirm(page, "Remove amira")
        assert "1 of their sessions was locked" in page.text
        assert house.roster.by_key(gone).state is KeyState.REVOKED
        assert house.desk.sessions.open_by_handle() == {"lena": 1, "jonas": 1}
        assert amira.get("/inbox", follow=False).status == 303
        house.receive("after")
        assert jonas.get("/inbox").status == 200
        assert house.vault.objects.named_by(gone) == 1
        rewrap.rewrap(house.seat("jonas"))
        assert house.vault.objects.named_by(gone) == 0
        assert "staff-removed" in [entry.act for entry in house.vault.audit.page()]

    def test_a_session_that_the_background_locks_first_is_counted(
        self, house: House, lena: Browser, amira: Browser, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        revoke = roster_changes.revoke

        def background_comes_first(*arguments: Any) -> Roster:
            roster = revoke(*arguments)
            house.desk.background._lock_unlisted()
            return roster

        monkeypatch.setattr(roster_changes, "revoke", background_comes_first)
        page = lena.confirm(lena.get("/staff/remove/amira"), "Remove amira")
        assert "1 of their sessions was locked" in page.text
        assert house.desk.sessions.open_by_handle() == {"lena": 1}

    def test_headers_are_rebuilt_by_anyone_who_may_even_the_newest(
        self, house: House, lena: Browser, stranger: Browser
    ) -> None:
        house.receive("before")
        waits(house, lena, stranger)
        lena.confirm(lena.get("/staff/waiting/dana"), "The words are the same: approve")
        rewrap.rewrap(house.seat("jonas"))
        house.revoke("amira")
        rewrap.rewrap(house.seat("ines"))
        assert house.vault.objects.named_by(house.staff["amira"].public_entry().key_id) == 0
        assert house.vault.objects.named_by(house.roster.entry("dana").key_id) == 1

    def test_one_at_the_command_line_takes_the_keys_out_of_the_desks_memory(
        self, house: House, amira: Browser, jonas: Browser
    ) -> None:
        house.revoke("amira")  # by another process: this one hears of it in its next round
        house.desk.background.start()
        try:
            eventually(lambda: "amira" not in house.desk.sessions.open_by_handle())
        finally:
            house.desk.background.stop()
        assert house.desk.sessions.open_by_handle() == {"jonas": 1}

    def test_a_rotation_that_was_under_way_is_forgotten(self, house: House, lena: Browser) -> None:
        lena.order_key("amira")
        lena.confirm(lena.get("/staff/remove/amira"), "Remove amira")
        assert rotation_state.open_rotations(house.vault) == ()

    @pytest.mark.parametrize("handle", ["lena", "recovery", "nobody"])
    def test_only_editors_are_removed_here(self, house: House, lena: Browser, handle: str) -> None:
        assert lena.get(f"/staff/remove/{handle}").status == 404
        token = lena.get("/staff").find("//input[@name='token']")[0].get("value")
        assert lena.post(f"/staff/remove/{handle}", {"token": token}).status == 404
        assert house.roster.epoch == 1


class TestTheAdminsKey:
    def test_the_page_shows_which_one_is_in_force(self, house: House, lena: Browser) -> None:
        admin = house.staff["lena"].admin
        assert admin is not None
        shown = " ".join(re.findall("....", admin.public.fingerprint))
        page = lena.get("/staff")
        assert shown in page.text
        assert page.find("//dt[text()='Pinned here']/following-sibling::dd[1]")[0].text_content() == "this one"

    def test_after_a_hand_over_the_old_admin_is_out_and_the_new_one_is_told_to_pin(
        self, house: House, lena: Browser
    ) -> None:
        boris = key_file.StaffKey.generate("boris", Role.ADMIN)
        assert boris.admin is not None
        key_file.write_key_file(house.settings.desk.keyfiles / "boris.key", boris, "his own")
        roster_changes.hand_over(house.seat("lena"), boris, house.mailbox)
        assert lena.get("/staff", follow=False).status in {303, 403}
        browser = house.stranger()
        seat = Seat(house.vault, boris, house.watch)
        cookie, _ = house.desk.sessions.begin(handle="boris", role=Role.ADMIN, seat=seat)
        browser.client.set_cookie("desk", cookie)
        page = browser.get("/staff")
        assert "1 time, last with roster 2" in page.text
        assert page.find("//p[@class='shown mono']")[0].text_content() == boris.admin.public.fingerprint
        page = browser.press(browser.get("/staff/renew"), "Renew the roster", {"passphrase": "his own"})
        assert "is in force until" in page.text
        house.receive("to the letterbox that pins the old key")
