"""Strangers who try passphrases: they slow the door, and never close it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from fieldreport import limits
from fieldreport.desk.devices import Devices
from fieldreport.desk.turns import Lane, TooManyTries, Turns
from fieldreport.errors import StoreError
from fieldreport.unseal import totp
from fieldreport.vault.archive.audit import Act
from fieldreport.vault.staff import second_factor
from tests.cast import PASSPHRASES
from tests.desk.conftest import Browser, House, Page


def try_in(house: House, browser: Browser, page: Page | None = None, **values: str) -> Page:
    given = {"handle": "amira", "passphrase": PASSPHRASES["amira"], "code": house.code("amira"), **values}
    return browser.press(page or browser.get("/sign-in"), "Unlock", given)


def try_wrong(house: House, times: int, **values: str) -> list[int]:
    wrong = {"passphrase": "wrong", **values}
    return [try_in(house, house.stranger(), None, **wrong).status for _ in range(times)]


def device_of(browser: Browser) -> str:
    found = browser.client.get_cookie("device")
    assert found is not None
    return found.value


@pytest.fixture
def known(house: House) -> Browser:
    """Amira's own browser: she signed in before, and locked."""
    browser = house.sign_in("amira")
    browser.press(browser.get("/inbox"), "Lock")
    return browser


@pytest.fixture
def _quick_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SIGN_IN_PACE_SECONDS", 1)
    monkeypatch.setattr(limits, "SIGN_IN_PACE_TOTAL_SECONDS", 1)


class TestAKnownDevice:
    def test_it_gets_in_whatever_strangers_tried(self, house: House, known: Browser) -> None:
        assert try_wrong(house, limits.SIGN_IN_TRIES + 2) == [403] * limits.SIGN_IN_TRIES + [429] * 2
        assert try_in(house, known).path == "/inbox"

    def test_nor_do_tries_at_other_handles_keep_it_out(
        self, build: Callable[..., House], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(limits, "SIGN_IN_TRIES_TOTAL", 3)
        house = build()
        known = house.sign_in("amira")
        known.client.delete_cookie("desk")
        for number in range(3):
            assert try_wrong(house, 1, handle=f"guess{number}") == [403]
        assert try_wrong(house, 1, handle="another") == [429]
        assert try_in(house, known).path == "/inbox"

    def test_its_cookie_opens_nothing(self, house: House, known: Browser) -> None:
        thief = house.stranger()
        thief.client.set_cookie("device", device_of(known))
        assert thief.get("/inbox").path == "/sign-in"
        assert try_in(house, thief, code="000000").status == 403
        assert try_in(house, thief, passphrase="wrong").status == 403

    def test_a_stolen_one_has_five_tries_and_then_a_strangers_pace(self, house: House, known: Browser) -> None:
        statuses = [try_in(house, known, passphrase="wrong").status for _ in range(2 * limits.SIGN_IN_TRIES + 2)]
        assert statuses == [403] * 2 * limits.SIGN_IN_TRIES + [429] * 2

    def test_it_is_a_device_of_one_person(self, house: House, known: Browser) -> None:
        try_wrong(house, limits.SIGN_IN_TRIES, handle="jonas")
        assert try_in(house, known, handle="jonas", passphrase="wrong").status == 429

    def test_two_people_at_one_browser_are_both_known(self, house: House, known: Browser) -> None:
        house.sign_in("jonas", known)
        known.client.delete_cookie("desk")
        for handle in ("amira", "jonas"):
            try_wrong(house, limits.SIGN_IN_TRIES, handle=handle)
        assert try_in(house, known).path == "/inbox"

    def test_its_cookie_is_kept_from_scripts_and_other_sites(self, build: Callable[..., House]) -> None:
        house = build(desk={"secure_cookie": True})
        page = try_in(house, house.stranger())
        cookies = page.response.history[0].headers.getlist("Set-Cookie") if page.response.history else []
        cookie = next(each for each in cookies if each.startswith("__Host-device="))
        assert all(word in cookie for word in ("HttpOnly", "SameSite=Strict", "Secure", "Path=/", "Max-Age="))
        assert "Domain" not in cookie
        assert "amira" not in cookie

    @pytest.mark.parametrize("change", ["cut", "flipped", "of-another-installation", "old"])
    def test_an_altered_one_is_a_strangers(self, house: House, known: Browser, change: str) -> None:
        value = device_of(known)
        if change == "cut":
            value = value[:-4]
        elif change == "flipped":
            value = value[:20] + ("A" if value[20] != "A" else "B") + value[21:]
        elif change == "old":
            house.clock.forward((limits.DEVICE_DAYS + 1) * 24 * 3600)
        else:
            (house.settings.desk.data / "devices.key").write_text(json.dumps({"": "00" * 32}))
            house.desk.sign_in.devices.forget_all()
        known.client.set_cookie("device", value)
        try_wrong(house, limits.SIGN_IN_TRIES)
        assert try_in(house, known).status == 429


class TestForgetting:
    def test_a_person_forgets_their_own_and_nobody_elses(self, house: House, known: Browser) -> None:
        jonas = house.sign_in("jonas")
        jonas.press(jonas.get("/inbox"), "Lock")
        again = try_in(house, known)
        assert again.path == "/inbox"
        assert "forgotten" in known.press(known.get("/keys"), "Forget my devices").text
        assert house.vault.audit.page()[0].act == Act.DEVICES_FORGOTTEN
        known.client.delete_cookie("desk")
        for handle in ("amira", "jonas"):
            try_wrong(house, limits.SIGN_IN_TRIES, handle=handle)
        assert try_in(house, known).status == 429
        page = try_in(house, jonas, handle="jonas", passphrase=PASSPHRASES["jonas"], code=house.code("jonas"))
        assert page.path == "/inbox"

    def test_locking_everybody_forgets_every_device(self, house: House, known: Browser, lena: Browser) -> None:
        lena.confirm(lena.get("/staff/lock-all"), "Lock everybody now")
        try_wrong(house, limits.SIGN_IN_TRIES)
        assert try_in(house, known).status == 429

    def test_somebody_who_was_removed_has_none(self, house: House, known: Browser) -> None:
        house.revoke("amira")
        try_wrong(house, limits.SIGN_IN_TRIES)
        assert try_in(house, known).status == 429

    def test_a_restart_forgets_none(self, build: Callable[..., House]) -> None:
        house = build()
        browser = house.sign_in("amira")
        keys = house.settings.desk.data / "devices.key"
        assert keys.stat().st_mode & 0o777 == 0o600
        content = keys.read_bytes()
        again = Devices(keys, instance=house.vault.instance, clock=house.clock)
        assert again.knows(house.roster.entry("amira"), device_of(browser))
        assert not Devices(keys, instance=bytes(16), clock=house.clock).knows(
            house.roster.entry("amira"), device_of(browser)
        )
        assert keys.read_bytes() == content

    @pytest.mark.parametrize("content", ["", "no keys", "[]", '{"": "00"}', '{"amira": 5}'])
    def test_a_damaged_file_costs_the_devices_and_not_the_desk(self, build: Callable[..., House], content: str) -> None:
        house = build()
        (house.settings.desk.data / "devices.key").write_text(content)
        assert build().sign_in("amira").get("/").path == "/inbox"


class TestANewDevice:
    @pytest.mark.usefixtures("_quick_pace")
    def test_it_is_asked_to_come_back_and_then_gets_in(self, house: House) -> None:
        try_wrong(house, limits.SIGN_IN_TRIES)
        browser = house.stranger()
        page = try_in(house, browser)
        assert page.status == 429
        assert "Try again in a second" in page.text
        assert page.headers["Retry-After"] == "1"
        # A crowd that only pours out tries does not take the place of somebody who comes back as asked.
        assert try_wrong(house, 20) == [429] * 20
        time.sleep(1.1)
        assert try_wrong(house, 3) == [429] * 3
        assert try_in(house, browser, page).path == "/inbox"

    def test_a_ticket_has_one_turn_and_is_for_one_handle(self, house: House) -> None:
        try_wrong(house, limits.SIGN_IN_TRIES)
        browser = house.stranger()
        page = try_in(house, browser)
        assert try_in(house, browser, page, passphrase="wrong").status == 403  # its turn
        assert try_in(house, browser, page).status == 429  # no second one, and the pace holds
        try_wrong(house, limits.SIGN_IN_TRIES, handle="jonas")
        ticket = try_in(house, browser)
        assert try_in(house, browser, ticket, handle="jonas", passphrase=PASSPHRASES["jonas"]).status == 429

    def test_refused_tries_go_at_their_pace_however_patient(self, house: House) -> None:
        try_wrong(house, limits.SIGN_IN_TRIES)
        pages = [try_in(house, house.stranger()) for _ in range(4)]
        browsers = [house.stranger() for _ in pages]
        pairs = zip(browsers, pages, strict=True)
        statuses = [try_in(house, browser, page, passphrase="wrong").status for browser, page in pairs]
        assert statuses == [403, 429, 429, 429]

    def test_others_are_not_slowed_by_it(self, house: House) -> None:
        try_wrong(house, limits.SIGN_IN_TRIES + 3)
        assert house.sign_in("jonas").cookie is not None


class TestWhatIsNotATry:
    def test_one_that_the_store_could_not_finish(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        def full(*_arguments: object) -> None:
            raise StoreError("disk full")

        with monkeypatch.context() as patched:
            patched.setattr(second_factor, "use", full)
            for _ in range(limits.SIGN_IN_TRIES + 2):
                assert try_in(house, house.stranger()).status == 503
        assert try_in(house, house.stranger()).path == "/inbox"

    def test_a_wrong_one_that_could_not_be_logged(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        def full(*_arguments: object) -> None:
            raise StoreError("disk full")

        with monkeypatch.context() as patched:
            patched.setattr(house.vault, "record", full)
            assert try_wrong(house, limits.SIGN_IN_TRIES + 2) == [503] * (limits.SIGN_IN_TRIES + 2)
        assert try_in(house, house.stranger()).path == "/inbox"


class TestEnrolment:
    def test_wrong_invitations_shut_nobody_out(self, house: House, lena: Browser) -> None:
        page = lena.press(lena.get("/staff"), "Invite", {"handle": "dana"})
        code = str(page.find("//p[@class='shown mono']")[0].text_content())
        stranger = house.stranger()
        for number in range(2 * limits.SIGN_IN_TRIES_TOTAL):
            handle = ("dana", "amira", f"guess{number}")[number % 3]
            fields = {"handle": handle, "invitation": "seven wrong words"}
            assert stranger.press(stranger.get("/enrol"), "Make my keys", fields).status == 403
        dana = house.stranger()
        page = dana.press(dana.get("/enrol"), "Make my keys", {"handle": " Dana ", "invitation": code})
        assert page.status == 200
        assert try_in(house, house.stranger()).path == "/inbox"
        refused = [entry for entry in house.vault.audit.page(limit=200) if entry.act == Act.UNLOCK_REFUSED]
        assert len(refused) == limits.SIGN_IN_TRIES_TOTAL


class TestTheClock:
    @pytest.mark.parametrize("minutes", [-50, -7, -2, 2, 7, 50])
    def test_a_known_device_hears_that_the_clocks_differ(self, house: House, known: Browser, minutes: int) -> None:
        house.clock.forward(3600)
        code = totp.current_code(house.staff["amira"].totp, house.clock() + 60 * minutes)
        page = try_in(house, known, code=code)
        assert page.status == 403
        side = "ahead of" if minutes > 0 else "behind"
        assert "clock that is" in page.text
        assert side in page.text

    def test_a_stranger_hears_nothing_of_it(self, house: House) -> None:
        code = totp.current_code(house.staff["amira"].totp, house.clock() + 600)
        assert "did not match" in try_in(house, house.stranger(), code=code).text

    def test_nor_does_a_known_device_with_a_wrong_passphrase(self, house: House, known: Browser) -> None:
        code = totp.current_code(house.staff["amira"].totp, house.clock() + 600)
        assert "did not match" in try_in(house, known, code=code, passphrase="wrong").text


class TestTurns:
    @pytest.fixture
    def turns(self) -> Turns:
        return Turns(threads=16)

    def hold(self, turns: Turns) -> tuple[threading.Event, threading.Thread]:
        held, let_go = threading.Event(), threading.Event()

        def work() -> None:
            with turns.turn(Lane.NEW, "first"):
                held.set()
                let_go.wait(10)

        thread = threading.Thread(target=work)
        thread.start()
        assert held.wait(10)
        return let_go, thread

    def test_own_claims_go_first_and_strangers_alternate(self, turns: Turns) -> None:
        let_go, first = self.hold(turns)
        order: list[str] = []

        def work(lane: Lane, name: str) -> None:
            with turns.turn(lane, name):
                order.append(name)

        wanted = [(Lane.NEW, "new 1"), (Lane.NEW, "new 2"), (Lane.RETURNING, "back 1"), (Lane.OWN, "amira")]
        threads = []
        for number, (lane, name) in enumerate(wanted, 1):
            threads.append(threading.Thread(target=work, args=(lane, name)))
            threads[-1].start()
            while sum(len(line) for line in turns._lines.values()) < number:
                time.sleep(0.001)
        let_go.set()
        for thread in (first, *threads):
            thread.join(10)
        assert order == ["amira", "back 1", "new 1", "new 2"]

    def test_a_crowd_of_strangers_holds_a_quarter_of_the_threads_at_most(
        self, turns: Turns, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(limits, "SIGN_IN_WAIT_SECONDS", 0.3)
        let_go, first = self.hold(turns)

        def work(number: int) -> float:
            began = time.monotonic()
            with pytest.raises(TooManyTries), turns.turn(list(Lane)[1 + number % 2], str(number)):
                pass
            return time.monotonic() - began

        with ThreadPoolExecutor(40) as pool:
            waited = list(pool.map(work, range(40)))
        assert sum(seconds >= 0.25 for seconds in waited) <= 4
        let_go.set()
        first.join(10)

    def test_a_known_device_has_one_place(self, turns: Turns) -> None:
        let_go, first = self.hold(turns)

        def work() -> None:
            with turns.turn(Lane.OWN, "amira"):
                pass

        waiting = threading.Thread(target=work)
        waiting.start()
        while not turns._lines[Lane.OWN]:
            time.sleep(0.001)
        with pytest.raises(TooManyTries), turns.turn(Lane.OWN, "amira"):
            pass
        let_go.set()
        waiting.join(10)
        first.join(10)
