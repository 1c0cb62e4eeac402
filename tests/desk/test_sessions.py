"""Staying in, and being locked: idle time, the Lock button, the admin's, and what happens to what was being typed."""

from __future__ import annotations

import gc
import logging
import threading
import weakref

import pytest

from fieldreport import limits
from fieldreport.desk import create_app
from fieldreport.desk.job import Job, JobSlot, Progress, Report
from fieldreport.desk.sessions import Session
from fieldreport.errors import StoreError
from fieldreport.vault.cases import inbox
from fieldreport.vault.cases.inbox import CaseRow
from tests.cast import PASSPHRASES
from tests.desk.conftest import Browser, House
from tests.eventually import PATIENCE_SECONDS


def is_in(browser: Browser) -> bool:
    return browser.get("/keys", follow=False).status == 200


def test_it_locks_after_the_idle_time(house: House, amira: Browser) -> None:
    house.clock.forward(limits.DESK_IDLE_SECONDS - 1)
    assert is_in(amira)
    house.clock.forward(limits.DESK_IDLE_SECONDS - 1)
    assert is_in(amira)
    house.clock.forward(limits.DESK_IDLE_SECONDS)
    assert not is_in(amira)


def test_work_does_not_put_it_off_for_ever(house: House, amira: Browser) -> None:
    for _ in range(limits.DESK_SESSION_SECONDS // 600):
        assert is_in(amira)
        house.clock.forward(600)
    assert not is_in(amira)


def test_a_clock_that_goes_back_locks(house: House, amira: Browser) -> None:
    house.clock.forward(-limits.DESK_IDLE_SECONDS)
    assert not is_in(amira)


def test_a_vault_that_is_away_for_a_moment_locks_nobody(
    house: House, amira: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> int:
        raise StoreError("the database is busy", code="busy")

    with monkeypatch.context() as patched:
        patched.setattr(house.vault, "highest_epoch", away)
        assert amira.get("/keys", follow=False).status == 503
    assert is_in(amira)


def test_the_keys_leave_memory_without_anybody_asking(house: House, amira: Browser) -> None:
    seat = weakref.ref(house.desk.sessions.of_role(house.staff["amira"].role)[0].seat)
    house.clock.forward(limits.DESK_IDLE_SECONDS)
    assert house.desk.sessions.sweep() == 1
    gc.collect()
    assert seat() is None


def test_lock_ends_the_session(house: House, amira: Browser) -> None:
    cookie = amira.cookie
    page = amira.press(amira.get("/inbox"), "Lock")
    assert page.path == "/sign-in"
    assert "The desk is locked." in page.text
    assert amira.cookie == cookie  # it tells whose a form of another window is, and opens nothing
    assert not is_in(amira)
    assert house.vault.audit.page()[0].act == "locked"


def test_locking_ends_one_session_only(house: House, amira: Browser) -> None:
    other = house.sign_in("amira")
    amira.press(amira.get("/inbox"), "Lock")
    assert is_in(other)


def test_the_admin_locks_everybody(house: House, amira: Browser, jonas: Browser, lena: Browser) -> None:
    page = lena.confirm(lena.get("/staff/lock-all"), "Lock everybody now")
    assert page.path == "/sign-in"
    assert [is_in(browser) for browser in (amira, jonas, lena)] == [False, False, False]
    assert house.vault.audit.page()[0].act == "locked-all"


def restart(house: House) -> None:
    """Another process of the desk on the same disk."""
    house.app = create_app(
        house.settings,
        vault=house.vault,
        mailbox=house.mailbox,
        scrubber=house.scrubber,
        rosters=house.watch,
        clock=house.clock,
    )


def in_the_same_browser(house: House, before: Browser) -> Browser:
    """A browser with the cookies of one that was there before a restart."""
    after = house.stranger()
    for name in (house.desk.cookie_name, house.desk.device_cookie_name):
        cookie = before.client.get_cookie(name)
        if cookie is not None:
            after.client.set_cookie(name, cookie.value)
    return after


def test_a_restart_locks(house: House, amira: Browser) -> None:
    restart(house)
    assert not is_in(in_the_same_browser(house, amira))


def test_what_was_typed_before_a_restart_is_in_its_fields_after_unlocking(house: House) -> None:
    case = house.receive()
    amira = house.sign_in("amira")
    page = amira.get(f"/cases/{case.id.hex()}?write=reply")
    restart(house)
    again = in_the_same_browser(house, amira)
    page = again.press(page, "Seal and send", {"text": "هل أنت بخير؟\n괜찮으세요?"})
    assert page.status == 403
    assert "What you sent is not lost" in page.text
    assert "괜찮으세요" not in page.text, "the desk is locked"
    given = {"handle": "amira", "passphrase": PASSPHRASES["amira"], "code": house.code("amira")}
    page = again.press(page, "Unlock", given)
    assert page.find("//textarea[@name='text']")[0].text.strip() == "هل أنت بخير؟\n괜찮으세요?"
    assert house.replies() == []
    again.press(page, "Send it now")
    assert house.replies() == ["هل أنت بخير؟\n괜찮으세요?"]


def test_after_a_restart_a_form_goes_to_nobody_else_and_no_other_page_makes_one(house: House) -> None:
    case = house.receive()
    amira = house.sign_in("amira")
    page = amira.get(f"/cases/{case.id.hex()}?write=reply")
    restart(house)
    again = in_the_same_browser(house, amira)
    path, fields = f"/cases/{case.id.hex()}/reply", {"text": "A text."}
    for headers in ({}, {"Origin": "http://elsewhere.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert "What you sent is not lost" not in again.post(path, fields, headers=headers).text
    page = again.press(page, "Seal and send", fields)
    given = {"handle": "jonas", "passphrase": PASSPHRASES["jonas"], "code": house.code("jonas")}
    page = again.press(page, "Unlock", given)
    assert "A text." not in page.text
    stranger = house.stranger()
    stranger.client.set_cookie(house.desk.cookie_name, "x")
    assert "What you sent is not lost" not in stranger.post(path, fields).text


def test_somebody_who_is_revoked_is_out_at_once(house: House, amira: Browser) -> None:
    house.revoke("amira")
    assert amira.get("/inbox").status == 403
    assert house.desk.sessions.open_by_handle() == {}


def test_without_a_roster_that_can_be_trusted_everybody_is_out(house: House, amira: Browser) -> None:
    (house.directory / "keys" / "roster.json").write_bytes(b"{}")
    assert amira.get("/inbox").status == 503
    assert house.desk.sessions.open_by_handle() == {}


def test_a_guessed_cookie_opens_nothing(house: House, amira: Browser, stranger: Browser) -> None:
    for guess in ("", "x", "x" * 43, (amira.cookie or "")[:-1], (amira.cookie or "") + "x", "ü" * 40):
        stranger.client.set_cookie("desk", guess)
        assert not is_in(stranger)


def test_a_page_that_is_read_leaves_the_screen_when_the_desk_locks(house: House, amira: Browser) -> None:
    seconds, _, url = amira.get("/inbox").headers["Refresh"].partition("; url=")
    assert int(seconds) == limits.DESK_IDLE_SECONDS + 1
    house.clock.forward(int(seconds))
    page = amira.get(url)
    assert page.path == "/sign-in"
    assert "The desk is locked." in page.text
    assert page.find("//input[@name='next']")[0].get("value") == "/inbox"


def test_a_window_that_was_left_goes_blank_and_keeps_nobody_signed_in(house: House, amira: Browser) -> None:
    url = amira.get("/inbox").headers["Refresh"].partition("; url=")[2]
    for _ in range(3):
        house.clock.forward(limits.DESK_IDLE_SECONDS / 3 - 1)
        page = amira.get(url)
        assert "Page hidden" in page.text
        assert page.link("Back to the page") == "/inbox"
    house.clock.forward(3)
    assert not is_in(amira)


def test_a_page_on_which_somebody_writes_stays(house: House, amira: Browser) -> None:
    case = house.receive()
    assert "Refresh" in amira.get(f"/cases/{case.id.hex()}").headers
    assert "Refresh" not in amira.get(f"/cases/{case.id.hex()}?write=reply").headers


class TestAFormThatArrivesAfterTheLock:
    TEXT = "Are you safe?\n\nTake your time.\n"

    @pytest.fixture
    def case(self, house: House) -> CaseRow:
        return house.receive()

    def test_it_is_kept_and_sent_on_after_unlocking(self, house: House, amira: Browser, case: CaseRow) -> None:
        page = amira.get(f"/cases/{case.id.hex()}?write=reply")
        house.clock.forward(limits.DESK_IDLE_SECONDS)
        page = amira.press(page, "Seal and send", {"text": self.TEXT})
        assert page.status == 403
        assert "What you sent is not lost" in page.text
        assert "Take your time" not in page.text
        values = {"handle": "amira", "passphrase": PASSPHRASES["amira"], "code": house.code("amira")}
        page = amira.press(page, "Unlock", values)
        assert "Take your time" in page.text
        assert house.replies() == []
        page = amira.press(page, "Send it now")
        assert "sealed and waits" in page.text
        assert house.replies() == ["Are you safe?\n\nTake your time."]

    def test_a_long_one_comes_back_whole(self, house: House, amira: Browser, case: CaseRow) -> None:
        text = "한국어 문장입니다. " * 2000
        page = amira.get(f"/cases/{case.id.hex()}?write=note")
        house.clock.forward(limits.DESK_IDLE_SECONDS)
        page = amira.press(page, "Seal the note", {"text": text})
        values = {"handle": "amira", "passphrase": PASSPHRASES["amira"], "code": house.code("amira")}
        amira.press(amira.press(page, "Unlock", values), "Send it now")
        note = inbox.items(house.vault, case.id)[-1]
        assert house.seat("jonas").text(note.id) == text.strip()

    def test_a_wrong_passphrase_in_between_does_not_lose_it(self, house: House, amira: Browser, case: CaseRow) -> None:
        page = amira.get(f"/cases/{case.id.hex()}?write=reply")
        house.clock.forward(limits.DESK_IDLE_SECONDS)
        page = amira.press(page, "Seal and send", {"text": self.TEXT})
        values = {"handle": "amira", "passphrase": "wrong", "code": house.code("amira")}
        page = amira.press(page, "Unlock", values)
        assert page.status == 403
        values = {"handle": "amira", "passphrase": PASSPHRASES["amira"], "code": house.code("amira")}
        assert "Take your time" in amira.press(page, "Unlock", values).text

    def test_nobody_else_gets_it(self, house: House, amira: Browser, case: CaseRow) -> None:
        page = amira.get(f"/cases/{case.id.hex()}?write=reply")
        house.clock.forward(limits.DESK_IDLE_SECONDS)
        page = amira.press(page, "Seal and send", {"text": self.TEXT})
        values = {"handle": "jonas", "passphrase": PASSPHRASES["jonas"], "code": house.code("jonas")}
        page = amira.press(page, "Unlock", values)
        assert page.path == "/inbox"
        assert "Take your time" not in page.text

    def test_one_that_another_page_made_is_not_kept_for_sending(
        self, house: House, amira: Browser, case: CaseRow
    ) -> None:
        house.clock.forward(limits.DESK_IDLE_SECONDS)
        page = amira.post(f"/cases/{case.id.hex()}/reply", {"token": "forged", "text": "not mine"})
        assert page.find("//input[@name='held']") == []
        assert page.find("//textarea[@readonly]")[0].text.strip() == "not mine"

    def test_without_a_session_what_was_typed_can_at_least_be_copied(
        self, house: House, stranger: Browser, case: CaseRow
    ) -> None:
        page = stranger.post(f"/cases/{case.id.hex()}/note", {"token": "old", "text": "a whole afternoon's work"})
        assert page.status == 403
        assert page.find("//textarea[@readonly]")[0].text.strip() == "a whole afternoon's work"

    def test_altered_pieces_are_refused(self, house: House, amira: Browser, case: CaseRow) -> None:
        page = amira.get(f"/cases/{case.id.hex()}?write=reply")
        house.clock.forward(limits.DESK_IDLE_SECONDS)
        page = amira.press(page, "Seal and send", {"text": self.TEXT})
        kept = page.find("//input[@name='held']")[0].get("value")
        values = {"handle": "amira", "passphrase": PASSPHRASES["amira"], "code": house.code("amira")}
        page = amira.post("/sign-in", {**values, "held": kept[:-4] + "AAAA"})
        assert "could not be opened again" in page.text


def test_nothing_typed_and_no_address_is_logged(house: House, amira: Browser, caplog: pytest.LogCaptureFixture) -> None:
    case = house.receive("the words of a source")
    with caplog.at_level(logging.DEBUG):
        amira.press(amira.get(f"/cases/{case.id.hex()}?write=note"), "Seal the note", {"text": "a private remark"})
        amira.get("/nothing-here")
        amira.get(f"/cases/{'0' * 32}")
    for word in ("words of a source", "private remark", "127.0.0.1", case.id.hex(), amira.cookie or ""):
        assert word not in caplog.text


def test_one_may_wait_for_a_job_that_another_request_is_about_to_start() -> None:
    job = Job("late", lambda report: report(1, 1))
    job.wait(0)
    job.start().wait(PATIENCE_SECONDS)
    assert job.progress == Progress(done=1, total=1, running=False)


def test_no_work_that_begins_after_the_lock_goes_on_with_its_keys(house: House, amira: Browser) -> None:
    session = house.desk.sessions.find(amira.cookie or "")
    assert session is not None
    house.desk.sessions.end(amira.cookie or "")
    slots = [each for each in (getattr(session, name) for name in Session.__slots__) if isinstance(each, JobSlot)]
    assert len(slots) == 4
    done: list[str] = []

    def work(report: Report) -> None:
        report(0, 1)
        done.append("with keys")

    for slot in slots:
        job = slot.start(lambda: Job("late", work))
        job.wait(PATIENCE_SECONDS)
        assert (job.progress.failure, done) == ("locked", [])


def test_of_one_kind_of_work_one_job_runs_at_a_time() -> None:
    slot, go_on = JobSlot[Job](), threading.Event()

    def wait(_report: Report) -> None:
        go_on.wait(PATIENCE_SECONDS)

    first = slot.start(lambda: Job("first", wait))
    assert slot.start(lambda: Job("second", lambda _report: None)) is first
    go_on.set()
    first.wait(PATIENCE_SECONDS)
    assert slot.start(lambda: Job("third", lambda _report: None)) is not first
