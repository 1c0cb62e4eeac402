"""Keys: a person's own page, the admin's view of all, and a rotation from the order to the destroyed key."""

from __future__ import annotations

import threading

import pytest

from fieldreport import limits
from fieldreport.desk.rewrap_job import Progress
from fieldreport.errors import NotAllowed, StoreError
from fieldreport.seal import KeyState
from fieldreport.unseal import machine_secret
from fieldreport.unseal.key_file import unlock
from fieldreport.vault.archive import rewrap
from fieldreport.vault.archive.tables import RotationState
from fieldreport.vault.keys import rotation, rotation_at_unlock, rotation_state
from fieldreport.vault.staff import roster_changes
from tests.cast import PASSPHRASES
from tests.desk.conftest import Browser, House, Page
from tests.eventually import PATIENCE_SECONDS, eventually


def finished(browser: Browser, page: Page) -> Page:
    """Reload the progress page as a browser would, until it says that it is done."""

    def done() -> Page | None:
        page = browser.get("/keys/progress")
        return page if "Refresh" not in page.headers or "url=" in page.headers["Refresh"] else None

    last = eventually(done)
    assert last is not None
    return last


def state(house: House) -> RotationState:
    return rotation_state.all_rotations(house.vault)[0].state


def approved(house: House, lena: Browser) -> None:
    """Amira's rotation up to the point where the new key is in the roster."""
    lena.order_key("amira")
    house.sign_in("amira")
    page = lena.get(lena.get("/staff").link("Approve the new key of amira"))
    lena.confirm(page, "The words are the same: approve")


class TestOnesOwnKey:
    def test_it_is_shown_as_words_that_can_be_compared(self, house: House, amira: Browser) -> None:
        page = amira.get("/keys")
        key_id = house.staff["amira"].public_entry().key_id
        assert " ".join(key_id[i : i + 4] for i in range(0, 32, 4)) in page.text
        assert len(page.find("//dt[text()='In words']/following-sibling::dd[1]")[0].text_content().split()) == 12

    def test_two_people_have_different_words(self, amira: Browser, jonas: Browser) -> None:
        words = "//dt[text()='In words']/following-sibling::dd[1]"
        assert amira.get("/keys").find(words)[0].text_content() != jonas.get("/keys").find(words)[0].text_content()

    def test_an_admin_has_nothing_to_rewrap(self, lena: Browser) -> None:
        page = lena.get("/keys")
        assert page.status == 200
        assert "Re-wrapping" not in page.text

    def test_it_says_that_everything_is_sealed_to_todays_staff(self, house: House, amira: Browser) -> None:
        house.receive()
        assert "sealed to exactly the current staff" in amira.get("/keys").text


class TestRewrapping:
    def test_it_starts_by_itself_at_the_next_unlock(self, house: House) -> None:
        house.receive()
        house.revoke("ines")
        jonas = house.sign_in("jonas")
        finished(jonas, jonas.get("/keys/progress"))
        assert house.vault.objects.named_by(house.staff["ines"].public_entry().key_id) == 0
        assert rewrap.pending(house.seat("jonas")) == 0

    def test_it_is_started_by_a_button_and_shows_how_many_are_left(self, house: House, amira: Browser) -> None:
        for number in range(3):
            house.receive(f"letter {number}")
        house.revoke("ines")
        page = amira.get("/keys")
        assert "3 objects are not sealed to exactly the current staff's keys" in page.text
        page = finished(amira, amira.press(page, "Re-wrap now"))
        assert "0 left" in page.text
        assert page.title.startswith("Re-wrapping has ended")
        assert house.vault.objects.named_by(house.staff["ines"].public_entry().key_id) == 0

    def test_its_page_can_be_held_still_and_does_not_count_as_work(
        self, house: House, amira: Browser, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        house.receive()
        house.revoke("ines")
        release = threading.Event()
        begun = threading.Event()

        def slow(_seat: object, progress: object) -> None:
            progress(0, 7)  # type: ignore[operator]
            begun.set()
            release.wait()

        monkeypatch.setattr(rewrap, "rewrap", slow)
        amira.press(amira.get("/keys"), "Re-wrap now")
        assert begun.wait(PATIENCE_SECONDS)
        page = amira.get("/keys/progress")
        assert page.headers["Refresh"] == "2"
        assert "7 left of 7" in page.text
        assert "url=" in amira.get("/keys/progress?still=1").headers["Refresh"]
        for _ in range(3):
            house.clock.forward(limits.DESK_IDLE_SECONDS / 2 - 1)
            page = amira.get("/keys/progress", follow=False)
        release.set()
        assert page.status == 303
        assert page.headers["Location"].startswith("/sign-in")

    def test_locking_stops_it_and_the_next_unlock_goes_on(
        self, house: House, amira: Browser, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(limits, "REWRAP_OBJECTS", 1)
        for number in range(4):
            house.receive(f"letter {number}")
        house.revoke("ines")
        amira.press(amira.get("/keys"), "Re-wrap now")
        amira.press(amira.get("/inbox"), "Lock")
        jonas = house.sign_in("jonas")
        page = jonas.get("/keys/progress")
        if page.path == "/keys/progress":
            finished(jonas, page)
        assert rewrap.pending(house.seat("jonas")) == 0

    def test_one_that_fails_says_so_and_not_that_it_runs(
        self, house: House, amira: Browser, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        house.receive()
        house.revoke("ines")

        def away(_seat: object, _progress: object) -> None:
            raise StoreError("the vault is away")

        monkeypatch.setattr(rewrap, "rewrap", away)
        page = finished(amira, amira.press(amira.get("/keys"), "Re-wrap now"))
        assert "stopped early (store)" in page.text
        assert "stopped early (store)" in amira.get("/keys").text


class TestTheAdminsView:
    def test_it_lists_everybody_with_key_state_and_objects(self, house: House, lena: Browser) -> None:
        house.receive()
        page = lena.get("/staff")
        found = page.find("//tbody/tr")
        rows = {row.find("th").text: " ".join(" ".join(row.itertext()).split()) for row in found}
        assert set(rows) == {"amira", "ines", "jonas", "lena", "recovery"}
        assert "editor" in rows["amira"]
        assert "active 1" in rows["amira"]
        assert "yes" in rows["lena"]
        assert "Roster 1, valid until 2027-01-31" in page.text

    def test_it_alarms_before_the_roster_runs_out_and_renews_it(self, house: House) -> None:
        house.clock.forward((limits.ROSTER_DAYS - limits.ROSTER_ALARM_DAYS + 1) * 24 * 3600)
        lena = house.sign_in("lena")
        page = lena.get("/staff")
        assert "expires in 28 days" in page.find("//*[@role='alert']")[0].text_content()
        page = lena.confirm(lena.get("/staff/renew"), "Renew the roster")
        assert page.find("//*[@role='alert']") == []
        assert house.roster.epoch == 2
        assert house.mailbox.highest_epoch() == 2
        assert house.vault.audit.page()[0].act == "roster-published"

    def test_one_that_has_run_out_is_renewed_as_well(self, house: House) -> None:
        house.clock.forward(200 * 24 * 3600)
        lena = house.sign_in("lena")
        page = lena.get("/staff")
        assert "has expired" in page.find("//*[@role='alert']")[0].text_content()
        assert "is in force until" in lena.confirm(lena.get("/staff/renew"), "Renew the roster").text
        house.receive("the letterbox is open again")

    def test_nothing_of_a_case_is_on_an_admins_page(self, house: House, lena: Browser) -> None:
        case = house.receive("the words of a source")
        for path in ("/staff", "/audit", "/health", "/keys"):
            text = lena.get(path).text
            assert "words of a source" not in text
            assert case.id.hex() not in text

    def test_an_editors_seat_signs_no_roster(self, house: House) -> None:
        with pytest.raises(NotAllowed):
            roster_changes.renew(house.seat("amira"), house.mailbox)


class TestARotation:
    def test_it_goes_from_the_order_to_the_destroyed_key_and_everything_stays_readable(
        self, house: House, lena: Browser
    ) -> None:
        first = house.receive("before the rotation")
        old = house.staff["amira"].public_entry().key_id

        page = lena.order_key("amira")
        assert "Ordered for amira." in page.text
        assert "waits for their next unlock" in page.text

        amira = house.sign_in("amira")
        page = amira.get("/keys")
        assert "waits for the admin" in page.text
        words = page.find("//section[@aria-labelledby='h-rotation']//dd")[1].text_content()

        page = lena.get(lena.get("/staff").link("Approve the new key of amira"))
        assert page.find("//section[@aria-label='Fingerprint']//dd")[0].text_content() == words
        page = lena.confirm(page, "The words are the same: approve")
        assert "Roster 2 is in force." in page.text
        new = house.roster.entry("amira").key_id
        assert new != old
        assert house.roster.by_key(old).state is KeyState.DECRYPT_ONLY

        # In the session from before the approval, letters to the new key can be read already.
        second = house.receive("after the rotation")
        assert "after the rotation" in amira.get(f"/cases/{second.id.hex()}").text

        amira = house.sign_in("amira")
        finished(amira, amira.get("/keys/progress"))
        assert state(house) is RotationState.REWRAPPED
        assert house.vault.objects.named_by(old) == 0

        amira = house.sign_in("amira")
        assert "Your old key is destroyed." in amira.landed.text
        assert state(house) is RotationState.DESTROYED
        held = unlock(house.settings.desk.keyfiles / "amira.key", PASSPHRASES["amira"]).identities
        assert [identity.key_id for identity in held] == [new]
        for case, words in ((first, "before the rotation"), (second, "after the rotation")):
            assert words in amira.get(f"/cases/{case.id.hex()}").text
        acts = [entry.act for entry in house.vault.audit.page()]
        assert "key-destroyed" in acts

    def test_the_old_key_can_be_destroyed_at_once_with_the_passphrase(self, house: House, lena: Browser) -> None:
        house.receive()
        approved(house, lena)
        amira = house.sign_in("amira")
        finished(amira, amira.get("/keys/progress"))
        page = amira.get("/keys")
        assert "Nothing is sealed to your old key any more." in page.text
        page = amira.press(page, "Destroy the old key", {"passphrase": "wrong"})
        assert page.status == 403
        assert page.find("//*[@id='passphrase-problem']")
        page = amira.press(page, "Destroy the old key", {"passphrase": PASSPHRASES["amira"]})
        assert "The old key is destroyed." in page.text
        assert state(house) is RotationState.DESTROYED
        assert amira.get("/inbox").status == 200

    def test_a_destroyed_key_becomes_a_record_in_the_next_roster(self, house: House, lena: Browser) -> None:
        old = house.staff["amira"].public_entry().key_id
        approved(house, lena)
        amira = house.sign_in("amira")
        finished(amira, amira.get("/keys/progress"))
        house.sign_in("amira")
        lena.confirm(lena.get("/staff/renew"), "Renew the roster")
        assert house.roster.by_key(old).state is KeyState.REVOKED

    def test_everybodys_can_be_ordered_at_once(self, house: House, lena: Browser) -> None:
        lena.order_key("jonas")
        page = lena.press(lena.get("/staff"), "Order new keys for everybody")
        page = lena.confirm(page, "Order new keys for everybody")
        assert "Ordered for amira, ines." in page.text
        page = lena.press(lena.get("/staff"), "Order new keys for everybody")
        page = lena.confirm(page, "Order new keys for everybody")
        assert "already under way for everybody" in page.text

    def test_it_rejects_an_order_for_nobody(self, house: House, lena: Browser) -> None:
        token = lena.get("/staff").find("//input[@name='token']")[0].get("value")
        for handle in ("", "nobody", "lena", "recovery"):
            assert lena.post("/staff/rotate", {"token": token, "handle": handle}).status == 422
        assert rotation_state.all_rotations(house.vault) == ()

    def test_it_rejects_a_second_order_while_one_is_open(self, house: House, lena: Browser) -> None:
        page = lena.get("/staff")
        button = "Order a new key for amira"
        lena.confirm(lena.press(page, button), button)
        assert lena.confirm(lena.press(page, button), button).status == 409

    def test_what_was_compared_is_what_is_approved(self, house: House, lena: Browser) -> None:
        lena.order_key("amira")
        house.sign_in("amira")
        page = lena.get(lena.get("/staff").link("Approve the new key of amira"))
        page = lena.confirm(page, "The words are the same: approve", {"key_id": "0" * 32})
        assert page.status == 409
        assert house.roster.epoch == 1

    def test_a_request_that_was_forged_in_the_database_is_refused(self, house: House, lena: Browser) -> None:
        from sqlalchemy import update

        from fieldreport.unseal.rotation import KeyRequest
        from fieldreport.vault.archive.tables import Rotation

        lena.order_key("amira")
        house.sign_in("amira")
        # Signed by somebody else for amira: what somebody who holds the desk's disk could write.
        forged = KeyRequest.sign(house.staff["jonas"], replaces=house.staff["amira"].public_entry().key_id).encode()
        with house.vault.change() as change:
            change.session.execute(update(Rotation).values(request=forged.replace("handle jonas", "handle amira")))
        page = lena.get(f"/staff/requests/{rotation_state.all_rotations(house.vault)[0].id}")
        assert page.status >= 400
        assert house.roster.epoch == 1

    def test_an_approval_that_was_cut_off_can_be_repeated(
        self, house: House, lena: Browser, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lena.order_key("amira")
        house.sign_in("amira")
        page = lena.get(lena.get("/staff").link("Approve the new key of amira"))
        with monkeypatch.context() as broken:

            def cut(*_: object, **__: object) -> None:
                raise StoreError("power went off")

            broken.setattr(rotation, "approve", cut)
            assert lena.confirm(page, "The words are the same: approve").status == 503
        assert house.roster.epoch == 2
        lena.confirm(page, "The words are the same: approve")
        assert house.roster.epoch == 2
        assert state(house) is RotationState.APPROVED

    def test_a_step_that_fails_keeps_nobody_out(
        self, house: House, lena: Browser, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from fieldreport.errors import UsageError
        from fieldreport.unseal import rotation

        lena.order_key("amira")

        def full(*_: object, **__: object) -> None:
            raise UsageError("cannot write the key file")

        with monkeypatch.context() as broken:
            broken.setattr(rotation, "begin_rotation", full)
            assert "has to wait: cannot write the key file" in house.sign_in("amira").landed.text
        assert state(house) is RotationState.ORDERED
        house.sign_in("amira")
        assert state(house) is RotationState.REQUESTED

    def test_a_key_file_restored_from_before_the_request_asks_again(self, house: House, lena: Browser) -> None:
        path = house.settings.desk.keyfiles / "amira.key"
        (secret,) = machine_secret.directory(path.parent).glob("amira.*")
        backup = {file: file.read_bytes() for file in (path, secret)}
        lena.order_key("amira")
        house.sign_in("amira")
        first = rotation_state.all_rotations(house.vault)[0].new_key_id
        assert "waits for the admin" in house.sign_in("amira").landed.text
        assert rotation_state.all_rotations(house.vault)[0].new_key_id == first
        for file, content in backup.items():  # of the secret there was a copy that was kept apart
            file.write_bytes(content)
            file.chmod(0o600)
        assert "A new key was made for you" in house.sign_in("amira").landed.text
        assert rotation_state.all_rotations(house.vault)[0].new_key_id != first

    def test_the_old_key_stays_while_the_intake_could_still_seal_to_it(
        self, house: House, lena: Browser, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        house.receive()
        lena.order_key("amira")
        house.sign_in("amira")
        page = lena.get(lena.get("/staff").link("Approve the new key of amira"))
        with monkeypatch.context() as broken:

            def away(_epoch: int) -> None:
                raise StoreError("the mailbox is away")

            broken.setattr(house.mailbox, "saw_epoch", away)
            lena.confirm(page, "The words are the same: approve")
        assert house.mailbox.highest_epoch() == 1
        amira = house.sign_in("amira")
        page = finished(amira, amira.get("/keys/progress"))
        assert "Your old key must stay for now: the intake has not taken over the new roster yet." in page.text
        assert state(house) is RotationState.APPROVED
        house.mailbox.saw_epoch(2)
        page = amira.press(amira.get("/keys"), "Check that the old key can go")
        finished(amira, page)
        assert state(house) is RotationState.REWRAPPED


def test_progress_says_the_rate_and_what_is_left_at_that_rate() -> None:
    under_way = Progress(done=50, total=150, running=True, seconds=10)
    assert (under_way.rate, under_way.remaining_seconds) == (5, 20)
    assert Progress(done=0, total=150, running=True).remaining_seconds is None


def test_an_approval_cut_off_before_the_letterbox_heard_of_it_tells_it_when_repeated(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the old key could never go: letters to it might still come."""
    lena, path = house.seat("lena"), house.settings.desk.keyfiles / "jonas.key"
    rotation.order(lena, "jonas")
    rotation_at_unlock.at_unlock(house.seat("jonas"), path, PASSPHRASES["jonas"], house.mailbox)
    order = rotation_state.open_rotation_of(house.vault, "jonas")
    assert order is not None

    def killed(_epoch: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(house.mailbox, "saw_epoch", killed)
        with pytest.raises(KeyboardInterrupt):
            roster_changes.approve(lena, order, house.mailbox)
    roster = roster_changes.approve(lena, order, house.mailbox)
    assert house.mailbox.highest_epoch() == roster.epoch


def test_hours_are_shown_in_the_zone_of_the_browser(house: House, amira: Browser) -> None:
    case = house.receive()
    page = amira.press(amira.get("/keys"), "Set", {"zone": "Asia/Kathmandu"})
    assert "This browser shows hours in Asia/Kathmandu now." in page.text
    assert "2026-11-02 17:45 +0545" in amira.get(f"/cases/{case.id.hex()}").text
    assert "2026-11-02 12:00 UTC" in house.sign_in("jonas").get(f"/cases/{case.id.hex()}").text
    amira.client.set_cookie("zone", "../../etc/passwd")
    assert "2026-11-02 12:00 UTC" in amira.get(f"/cases/{case.id.hex()}").text
