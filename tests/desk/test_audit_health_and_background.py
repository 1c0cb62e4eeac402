"""What the admin sees of the zone, and what the desk does by itself."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, update

from fieldreport import limits
from fieldreport.desk import act_names
from fieldreport.errors import SealError, StoreError
from fieldreport.vault.archive import audit_export
from fieldreport.vault.archive.audit import Act
from fieldreport.vault.archive.tables import AuditRow, CaseState
from fieldreport.vault.cases import inbox, workflow
from fieldreport.vault.cases.collect import Collected
from tests.cast import PASSPHRASES
from tests.desk.conftest import Browser, House
from tests.eventually import eventually


class TestTheAuditLog:
    def test_it_lists_acts_newest_first(self, house: House, amira: Browser) -> None:
        lena, case = house.sign_in("lena"), house.receive()
        amira.press(amira.get(f"/cases/{case.id.hex()}"), "Set", {"state": "verifying"})
        rows = [" ".join(" ".join(row.itertext()).split()) for row in lena.get("/audit").find("//tbody/tr")]
        assert "amira set a case's state" in rows[0]
        assert f"{case.name} verifying" in rows[0]
        assert len(rows) > 1

    def test_it_holds_and_gives_a_head_to_note(self, house: House, lena: Browser) -> None:
        house.seat("jonas").record(Act.LOCKED)
        page = lena.press(lena.get("/audit"), "Check the whole log")
        assert "Log verified" in page.text
        assert page.find("//div[@role='status']//span[@class='mono']")

    def test_an_altered_entry_is_named(self, house: House, lena: Browser) -> None:
        house.seat("jonas").record(Act.LOCKED)
        house.seat("jonas").record(Act.LOCKED)
        with house.vault.change() as change:
            change.session.execute(update(AuditRow).where(AuditRow.sequence == 1).values(subject="C-OTHER"))
        page = lena.press(lena.get("/audit"), "Check the whole log")
        assert "Log tampered with" in page.text
        assert "audit entry 1" in page.text

    def test_it_pages(self, house: House, lena: Browser) -> None:
        for _ in range(60):
            house.vault.record(Act.UNLOCK_REFUSED)
        page = lena.get("/audit")
        older = lena.get(page.link("Older"))
        numbers = [int(cell.text_content()) for p in (page, older) for cell in p.find("//tbody/tr/td[1]")]
        assert numbers == sorted(numbers, reverse=True)
        assert numbers[-1] == 1
        assert not older.find("//a[@rel='next']")

    def test_it_is_filtered_by_who_what_when_and_about_what_and_pages_keep_the_filter(
        self, house: House, lena: Browser
    ) -> None:
        case = house.receive()
        workflow.set_state(house.seat("amira"), case.id, CaseState.READING)
        for _ in range(60):
            house.seat("jonas").record(Act.LOCKED)
        house.clock.forward(3 * 24 * 3600)
        house.seat("jonas").record(Act.LOCKED, f"{case.name}X")
        lena = house.enter("lena")

        def shown(query: str) -> list[str]:
            return [" ".join(row.text_content().split()) for row in lena.get(f"/audit?{query}").find("//tbody/tr")]

        assert len(shown("actor=amira&act=case-state")) == 1
        assert shown(f"subject={case.name}") == shown("act=case-state")
        today = datetime.fromtimestamp(house.clock(), UTC).date()
        assert len(shown(f"since={today}")) == 1
        assert len(shown(f"until={today - timedelta(days=1)}&actor=amira")) == len(shown("actor=amira"))
        assert shown("actor=nobody") == []
        page = lena.get("/audit?actor=jonas&act=locked")
        older = lena.get(page.link("Older"))
        assert {row.xpath("td[3]")[0].text_content() for row in older.find("//tbody/tr")} == {"jonas"}
        assert len(page.find("//tbody/tr")) + len(older.find("//tbody/tr")) == 61
        for wrong in ("act=x", "since=yesterday", "by=jonas", "until=2026-13-01"):
            assert lena.get(f"/audit?{wrong}").status == 422

    def test_every_act_has_a_name(self) -> None:
        assert set(act_names.NAMES) == set(Act)
        assert len(set(act_names.NAMES.values())) == len(Act)
        assert act_names.name_of("from-a-newer-release") == "from-a-newer-release"

    def test_what_it_exports_is_verified_line_by_line(self, house: House, lena: Browser) -> None:
        house.seat("jonas").record(Act.LOCKED)
        page = lena.press(lena.get("/audit"), "Export the whole log")
        lines = page.body.splitlines(keepends=True)
        assert json.loads(lines[-1])["act"] == "audit-exported"
        rosters = house.watch.all_here()
        assert audit_export.verify(lines, rosters, ()).entries == len(lines) == 2
        for broken in (
            [lines[1]],
            [lines[1], lines[0]],
            [lines[0].replace(b"jonas", b"amira"), lines[1]],
            [lines[0], b"[]\n"],
            [lines[0], b"[" * 3000],
            [lines[0], lines[1].replace(b'"hour":', b'"hour":1e400,"hours":')],
        ):
            with pytest.raises(SealError, match="tampered"):
                audit_export.verify(broken, rosters, ())

    def test_it_is_verified_by_itself_once_a_day(self, house: House, lena: Browser) -> None:
        house.seat("jonas").record(Act.LOCKED)
        assert "was not verified since this desk started" in lena.get("/audit").text
        house.desk.background._verify_log()
        assert "Log verified, just now: 1 entries" in lena.get("/audit").text
        with house.vault.change() as change:
            change.session.execute(update(AuditRow).values(subject="C-OTHER"))
        house.desk.background._verify_log()
        assert "Log verified" in lena.get("/audit").text
        house.clock.forward(24 * 3600)
        house.desk.background._verify_log()
        assert "Log tampered with" in house.enter("lena").get("/audit").text


class TestHealth:
    def test_it_says_how_much_waits_and_what_locks_the_cleaner(self, house: House, lena: Browser) -> None:
        house.send()
        page = lena.get("/health")
        assert "1 (" in page.text
        assert "Landlock" in page.text
        assert "not since the start" in page.text
        house.desk.background.collect()
        assert "0 minutes ago, 1 new" in lena.get("/health").text

    def test_a_letterbox_that_is_away_is_said(
        self, house: House, lena: Browser, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def away() -> None:
            raise StoreError("the mailbox is away")

        monkeypatch.setattr(house.mailbox, "totals", away)
        page = lena.get("/health")
        assert page.status == 200
        assert "away: store" in page.text

    def test_what_needs_attention_comes_first_and_says_what_to_do(
        self, house: House, lena: Browser, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        page = lena.get("/health")
        assert "look at it none was made on this machine" in page.text
        (house.settings.desk.data / limits.BACKED_UP_NAME).write_text(f"{datetime.now(UTC):%Y-%m-%d}")
        assert "the newest is 0 days old" in lena.get("/health").text
        house.mailbox.saw_epoch(house.roster.epoch)

        def full() -> None:
            raise StoreError("the disk is full", detail="/srv/desk: No space left on device")

        monkeypatch.setattr(house.vault, "must_work", full)
        page = lena.get("/health")
        first = page.find("//section[1]//dd")[0].text_content()
        assert first.split() == ["fails", "/srv/desk:", "No", "space", "left", "on", "device"]
        assert "need attention" in page.text
        parts = " ".join(each.text_content() for each in page.find("//section[1]//dt"))
        for part in (
            "clock",
            "sandbox",
            "disk of the desk",
            "limiter of the desk",
            "roster's age",
            "link",
            "audit log",
        ):
            assert part in parts

    def test_a_roster_that_has_run_out_is_said(self, house: House) -> None:
        house.clock.forward(100 * 24 * 3600)
        assert "expired" in house.sign_in("lena").get("/health").text


class TestKeysThatAreDue:
    def test_nothing_is_due_in_a_new_newsroom(self, house: House) -> None:
        lena = house.sign_in("lena")
        assert "days old" not in lena.landed.text
        assert "No key is older than 180 days" in lena.get("/health").text

    def test_the_admin_is_reminded_at_sign_in_and_on_the_health_page(self, build: Callable[..., House]) -> None:
        house = build(keys={"rotate_days": 20})
        house.clock.forward(21 * 24 * 3600)
        lena = house.sign_in("lena")
        for page in (lena.landed, lena.get("/health")):
            assert "The key of amira is 21 days old. This newsroom replaces keys after 20 days." in page.text
        assert "days old" not in house.sign_in("amira").landed.text


class TestTheRounds:
    def test_letters_are_collected_while_nobody_is_signed_in(self, build: Callable[..., House]) -> None:
        house = build(desk={"collect_seconds": 1})
        house.send()
        house.desk.background.start()
        try:
            eventually(lambda: inbox.unsorted(house.vault))
        finally:
            house.desk.background.stop()
        assert inbox.unsorted(house.vault) == 1
        assert house.mailbox.totals().letters == 0

    def test_a_failure_is_remembered_and_the_next_round_tries_again(
        self, house: House, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as broken:

            def away(_limit: int) -> list[object]:
                raise StoreError("the mailbox is away")

            broken.setattr(house.mailbox, "waiting", away)
            with pytest.raises(StoreError):
                house.desk.background.collect()
        last = house.desk.background.last
        assert last is not None
        assert last.failure == "store"
        house.send()
        assert house.desk.background.collect().letters == 1

    def test_a_letter_that_cannot_be_read_is_named_on_every_page_that_speaks_of_fetching(self, house: House) -> None:
        house.send()
        house.mailbox.deposit(b"m" * 16, 1, lambda file: (file.write(bytes(300_000)), b"header")[1])
        name = next(house.mailbox._blobs.names())
        house.mailbox._blobs.delete(name)
        amira = house.sign_in("amira")
        page = amira.press(amira.landed, "Fetch now")
        assert "1 letter in the letterbox cannot be read" in page.text
        assert house.desk.background.last is not None
        assert (house.desk.background.last.letters, house.desk.background.last.damaged) == (1, 1)
        assert "1 cannot be read" in house.sign_in("lena").get("/health").text

    def test_what_is_wrong_is_logged_once_and_so_is_its_end(
        self, house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        jobs = house.desk.background
        with monkeypatch.context() as broken:

            def refused(_: object) -> list[object]:
                raise StoreError("away", detail="link to 127.0.0.1:8010: compare link_token", code="link-refused")

            broken.setattr(house.mailbox, "waiting", refused)
            broken.setattr(house.mailbox, "take_rosters", refused)
            for _ in range(3):
                jobs._try("collecting", jobs.collect)
                jobs._try("bringing rosters to the intake", jobs._push_rosters)
        for _ in range(2):
            jobs._try("collecting", jobs.collect)
        assert [record.getMessage() for record in caplog.records] == [
            "collecting failed: link to 127.0.0.1:8010: compare link_token (link-refused)",
            "collecting works again",
        ]

    def test_rounds_are_uneven_and_come_less_often_while_the_mailbox_is_away(self, house: House) -> None:
        jobs = house.desk.background
        jobs._collect_seconds = 30
        pauses = {}
        for failures in (0, 1, 2, 40):
            jobs._failures = failures
            pauses[failures] = [jobs._next_round() for _ in range(50)]
        assert len(set(pauses[0])) > 1
        for failures, longest in ((0, 30), (1, 60), (2, 120), (40, limits.COLLECT_LATEST_SECONDS)):
            assert all(0.8 * longest <= each <= 1.2 * longest for each in pauses[failures])

    def test_the_page_does_not_wait_for_a_long_fetch_and_the_next_click_starts_no_second_one(
        self, house: House, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        jobs, go_on, begun = house.desk.background, threading.Event(), []
        real = jobs._collect

        def slow() -> Collected:
            begun.append(1)
            go_on.wait()
            return real()

        monkeypatch.setattr(jobs, "_collect", slow)
        monkeypatch.setattr(limits, "FETCH_PAGE_SECONDS", 0.01)
        house.send()
        amira = house.sign_in("amira")
        for _ in range(2):
            page = amira.press(amira.get("/inbox"), "Fetch now")
            assert "Fetching takes longer than a page may." in page.text
        go_on.set()
        eventually(lambda: inbox.unsorted(house.vault))
        assert begun == [1]

    def test_an_intake_that_never_ends_its_answer_does_not_put_off_the_auto_lock(
        self, build: Callable[..., House], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        house = build(desk={"collect_seconds": 1})
        jobs, go_on = house.desk.background, threading.Event()
        dialled = threading.Event()

        def endless() -> Collected:
            dialled.set()
            go_on.wait()
            return Collected(letters=0)

        monkeypatch.setattr(jobs, "_collect", endless)
        house.enter("amira")
        jobs.start()
        try:
            assert dialled.wait(30)
            house.clock.forward(house.settings.desk.idle_seconds)
            eventually(lambda: not house.desk.sessions.open_by_handle())
        finally:
            go_on.set()
            jobs.stop()

    def test_a_second_start_does_nothing(self, house: House) -> None:
        house.desk.background.start()
        threads = house.desk.background._threads
        house.desk.background.start()
        assert house.desk.background._threads is threads
        house.desk.background.stop()


def drop_the_newest(house: House) -> None:
    """What somebody with write access to the database does: the newest entry goes, and the head moves back."""
    with house.vault.change() as change:
        number = change.state.audit_sequence
        change.session.execute(delete(AuditRow).where(AuditRow.sequence == number))
        before = change.session.get_one(AuditRow, number - 1)
        change.state.audit_sequence, change.state.audit_hash = before.sequence, before.hash


class TestALogThatWasShortened:
    def test_nobody_signs_in_and_the_page_says_why_and_whom_to_call(self, house: House) -> None:
        house.seat("jonas").record(Act.LOCKED)
        house.sign_in("amira")
        drop_the_newest(house)
        for handle in ("amira", "jonas", "lena"):
            browser = house.stranger()
            house.clock.forward(60)
            given = {"handle": handle, "passphrase": PASSPHRASES[handle], "code": house.code(handle)}
            page = browser.press(browser.get("/sign-in"), "Unlock", given)
            assert page.status == 500
            assert "The audit log was changed" in page.text
            assert "Call the admin" in page.text
            assert browser.cookie is None

    def test_a_stranger_is_not_told(self, house: House) -> None:
        house.seat("jonas").record(Act.LOCKED)
        house.sign_in("amira")
        drop_the_newest(house)
        browser = house.stranger()
        given = {"handle": "amira", "passphrase": "something else entirely", "code": house.code("amira")}
        page = browser.press(browser.get("/sign-in"), "Unlock", given)
        assert page.status == 403
        assert "audit" not in page.text

    def test_an_admin_who_is_signed_in_sees_it(self, house: House, lena: Browser) -> None:
        house.seat("jonas").record(Act.LOCKED)
        house.sign_in("amira")
        assert "holds every remembered entry" in lena.get("/health").text
        drop_the_newest(house)
        assert "lacks entry 4" in lena.get("/health").text
        page = lena.press(lena.get("/audit"), "Check the whole log")
        assert "Log tampered with" in page.text
        assert "which amira remembers" in page.text

    def test_the_admin_sees_with_what_the_log_was_compared(self, house: House, lena: Browser) -> None:
        assert "No head is remembered" in lena.press(lena.get("/audit"), "Check the whole log").text
        house.sign_in("amira")
        assert "outside the database: entry 3 (by amira)" in lena.press(lena.get("/audit"), "Check the whole log").text
