"""A key file that is bound to passkeys: what opens it, what does not, and how its owner changes that."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner

from fieldreport.cli import main
from fieldreport.errors import UnlockRefused
from fieldreport.unseal import key_file, machine_secret
from fieldreport.unseal.key_part import Opener
from fieldreport.vault.archive.audit import Act
from fieldreport.vault.archive.tables import PasskeyCounter, SecondFactor
from tests.authenticator import Authenticator, b64url
from tests.cast import PASSPHRASES
from tests.desk.conftest import Browser, House, Page
from tests.desk.test_passkeys import ORIGIN, PASSPHRASE, add, asked_on, try_in
from tests.desk.test_passphrase import BUTTON, drawn
from tests.desk.test_second_factor import try_in as try_code
from tests.desk.test_serve import write_settings


def capable() -> Authenticator:
    return Authenticator(random=os.urandom(32))


def bind(browser: Browser, authenticator: Authenticator, **given: str) -> Page:
    page = browser.get("/second-factor/key-file")
    answer = authenticator.use(asked_on(page), ORIGIN)
    return browser.press(page, "Bind it", {"passphrase": PASSPHRASE, "passkey": answer, **given})


def codes_on(page: Page) -> list[str]:
    return [str(item.text_content()).strip() for item in page.find("//ol[@aria-label='Recovery codes']/li")]


def altered(answer: str, **fields: str) -> str:
    return json.dumps(json.loads(answer) | fields)


@pytest.fixture
def passkey(amira: Browser) -> Authenticator:
    made = capable()
    assert add(amira, made).status == 200
    return made


@pytest.fixture
def codes(amira: Browser, passkey: Authenticator) -> list[str]:
    """The codes on amira's paper, since she has bound her key file."""
    page = bind(amira, passkey)
    assert page.status == 200, page.text
    return codes_on(page)


def logged(house: House, act: Act) -> list[str]:
    return [entry.actor for entry in house.vault.audit.page() if entry.act == act]


class TestBound:
    def test_passkey_and_passphrase_open_it_and_the_app_does_not(
        self, house: House, passkey: Authenticator, codes: list[str]
    ) -> None:
        assert try_in(house.stranger(), passkey).path == "/inbox"
        browser = house.stranger()
        page = browser.press(
            browser.get("/sign-in?next=/keys"),
            "Unlock",
            {"handle": "amira", "passphrase": PASSPHRASE, "code": house.code("amira")},
        )
        assert page.status == 403
        assert "opens with that or with a recovery code, and with no code of the app" in page.text
        assert page.find("//input[@name='handle']")[0].get("value") == "amira"
        assert page.find("//input[@name='next']")[0].get("value") == "/keys"
        assert try_in(house.stranger(), passkey, passphrase="something else").status == 403
        assert logged(house, Act.KEY_FILE_BOUND) == ["amira"]

    def test_a_recovery_code_opens_it_once_and_has_the_entropy_that_it_needs(
        self, house: House, codes: list[str], passkey: Authenticator
    ) -> None:
        assert len(codes) == 10
        assert {len(code.replace("-", "")) * 5 for code in codes} == {150}
        page = try_code(house, codes[3].lower().replace("-", " "))
        assert page.path == "/inbox"
        assert "9 are left. If your passkey is lost, add another one" in page.text
        assert try_code(house, codes[3]).status == 403
        assert try_code(house, codes[4], passphrase="something else").status == 403
        assert try_code(house, codes[4], handle="jonas", passphrase=PASSPHRASES["jonas"]).status == 403
        assert try_code(house, codes[4]).path == "/inbox"
        assert try_in(house.stranger(), passkey).path == "/inbox"

    def test_the_codes_from_before_are_worth_nothing(
        self, house: House, amira: Browser, passkey: Authenticator
    ) -> None:
        page = amira.press(amira.get("/second-factor"), "Make new recovery codes", {"passphrase": PASSPHRASE})
        old = codes_on(page)
        assert bind(amira, passkey).status == 200
        assert try_code(house, old[0]).status == 403

    def test_new_codes_are_long_and_end_those_from_before(self, house: House, amira: Browser, codes: list[str]) -> None:
        page = amira.press(amira.get("/second-factor"), "Make new recovery codes", {"passphrase": PASSPHRASE})
        new = codes_on(page)
        assert {len(code.replace("-", "")) for code in new} == {30}
        assert "If your passkey is lost, type one in its place" in page.text
        assert try_code(house, codes[0]).status == 403
        assert try_code(house, new[0]).path == "/inbox"

    @pytest.mark.parametrize("output", [bytes(32), b"", b"short", None], ids=["wrong", "empty", "short", "none"])
    def test_a_wrong_output_opens_nothing(
        self, house: House, passkey: Authenticator, codes: list[str], output: bytes | None
    ) -> None:
        browser = house.stranger()
        page = browser.get("/sign-in")
        fields = json.loads(passkey.use(asked_on(page), ORIGIN))
        if output is None:
            del fields["prf"]
        else:
            fields["prf"] = b64url(output)
        # A code that stands beside the passkey's answer is not looked at.
        values = {"handle": "amira", "passphrase": PASSPHRASE, "passkey": json.dumps(fields), "code": codes[0]}
        assert browser.press(page, "Unlock", values).status == 403
        assert try_code(house, codes[0]).path == "/inbox"

    def test_the_output_without_the_signature_opens_nothing(
        self, house: House, passkey: Authenticator, codes: list[str]
    ) -> None:
        browser = house.stranger()
        page = browser.get("/sign-in")
        answer = altered(passkey.use(asked_on(page), ORIGIN), signature=b64url(bytes(70)))
        values = {"handle": "amira", "passphrase": PASSPHRASE, "passkey": answer}
        assert browser.press(page, "Unlock", values).status == 403

    def test_neither_output_nor_code_is_in_the_log(
        self, house: House, passkey: Authenticator, codes: list[str], caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(0)
        browser = house.stranger()
        page = browser.get("/sign-in")
        answer = passkey.use(asked_on(page), ORIGIN)
        for passphrase in ("wrong", PASSPHRASE):
            page = browser.press(page, "Unlock", {"handle": "amira", "passphrase": passphrase, "passkey": answer})
            assert json.loads(answer)["prf"] not in page.text
        page = try_code(house, codes[0], passphrase="wrong")
        assert codes[0] not in page.text
        kept = f"{caplog.text} {house.vault.audit.page()}"
        assert not any(secret in kept for secret in (json.loads(answer)["prf"], codes[0], codes[0].replace("-", "")))

    def test_a_passkey_that_it_is_not_bound_to_does_not_let_in(
        self, house: House, amira: Browser, codes: list[str]
    ) -> None:
        plain, other = Authenticator(), capable()
        assert "does not open your key file until that is bound to it" in add(amira, plain, "plain").text
        add(amira, other, "other")
        page = amira.get("/second-factor")
        assert page.text.count("does not open your key file") == 2
        assert try_in(house.stranger(), plain).status == 403
        assert try_in(house.stranger(), other).status == 403

    def test_whoever_writes_the_database_takes_nothing_off(
        self, house: House, amira: Browser, jonas: Browser, passkey: Authenticator, codes: list[str]
    ) -> None:
        """Nothing of the binding is in it: without its rows the same things open the key file."""
        with house.vault.change() as change:
            for table in (PasskeyCounter, SecondFactor):
                change.session.query(table).delete()
        assert try_code(house, house.code("amira")).status == 403
        assert try_in(house.stranger(), passkey).path == "/inbox"

    def test_a_part_of_another_persons_file_does_not_fit(
        self, house: House, amira: Browser, passkey: Authenticator, codes: list[str]
    ) -> None:
        """Who writes the files cannot put a part of theirs there either: the whole head is under the passphrase."""
        keyfiles = house.settings.desk.keyfiles
        mine, theirs = keyfiles / "amira.key", keyfiles / "jonas.key"
        shutil.copyfile(theirs, mine)
        assert try_code(house, house.code("jonas"), passphrase=PASSPHRASES["jonas"]).status == 403

    def test_acts_that_write_the_key_file_go_on(
        self, house: House, amira: Browser, lena: Browser, passkey: Authenticator, codes: list[str]
    ) -> None:
        assert add(amira, Authenticator(), "second").status == 200
        assert (
            amira.press(amira.get("/second-factor"), "Make new recovery codes", {"passphrase": PASSPHRASE}).status
            == 200
        )
        lena.order_key("amira")
        assert try_in(house.stranger(), passkey).status == 200
        staff = key_file.unlock(
            house.settings.desk.keyfiles / "amira.key",
            PASSPHRASE,
            opener=Opener.of_passkey(
                passkey.credential, passkey.evaluate(asked_on(house.stranger().get("/sign-in"))["prf"])
            ),
        )
        assert (len(staff.identities), len(staff.passkeys), len(staff.holders)) == (2, 2, 11)

    def test_a_window_goes_on_after_another_one_used_a_code(
        self, house: House, amira: Browser, codes: list[str]
    ) -> None:
        assert try_code(house, codes[0]).path == "/inbox"
        page = amira.press(amira.get("/second-factor"), "Make new recovery codes", {"passphrase": PASSPHRASE})
        assert len(codes_on(page)) == 10

    def test_a_window_that_was_open_before_somebody_else_wrote_the_file_says_so(
        self, house: House, amira: Browser, codes: list[str]
    ) -> None:
        path, code = house.settings.desk.keyfiles / "amira.key", Opener.of_code(codes[0])
        key_file.change_key_file(path, PASSPHRASE, lambda staff: staff, opener=code, new_passphrase=PASSPHRASE)
        page = amira.press(amira.get("/second-factor"), "Make new recovery codes", {"passphrase": PASSPHRASE})
        assert page.status == 409
        assert "written elsewhere since you unlocked" in page.text

    def test_a_try_costs_one_argon2_with_any_factor(
        self, house: House, passkey: Authenticator, codes: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        derive, runs = key_file.derive_once, []

        def counted(*arguments: Any) -> None:
            runs.append(1)
            derive(*arguments)

        monkeypatch.setattr(key_file, "derive_once", counted)
        costs = []
        tries: tuple[Callable[[], Page], ...] = (
            lambda: try_in(house.stranger(), passkey),
            lambda: try_in(house.stranger(), capable()),
            lambda: try_code(house, "123456"),
            lambda: try_code(house, codes[0], passphrase="wrong"),
            lambda: try_code(house, "123456", handle="nobody"),
        )
        for attempt in tries:
            runs.clear()
            attempt()
            costs.append(len(runs))
        assert costs == [1] * 5

    def test_another_passphrase_leaves_it_bound_and_the_session_goes_on(
        self, house: House, amira: Browser, passkey: Authenticator, codes: list[str]
    ) -> None:
        page = amira.get("/keys/passphrase")
        new = drawn(page)
        given = {"new": new, "passphrase": PASSPHRASE, "code": house.code("amira")}
        assert amira.press(page, BUTTON, given).path == "/keys"
        assert try_code(house, codes[0]).status == 403
        page = amira.press(amira.get("/second-factor"), "Make new recovery codes", {"passphrase": new})
        assert try_code(house, codes_on(page)[0], passphrase=new).path == "/inbox"
        assert try_in(house.stranger(), passkey, passphrase=new).path == "/inbox"

    def test_a_terminal_is_told_how(self, house: House, codes: list[str]) -> None:
        write_settings(house, 1)
        (house.directory / "paper").write_text(PASSPHRASE, encoding="utf-8")
        options = ["--settings", str(house.settings.path), "keys", "export", "amira", "--output", "-"]
        ran = CliRunner().invoke(main, [*options, "--passphrase-file", str(house.directory / "paper")])
        assert ran.exit_code == 64
        assert "the key file of amira is bound to passkeys, which a terminal cannot ask" in ran.output
        assert key_file.needs_part(house.settings.desk.keyfiles / "amira.key")
        ran = CliRunner().invoke(main, ["--settings", str(house.settings.path), "doctor"])
        assert "each with its machine secret; bound to passkeys: 1" in " ".join(ran.output.split())


class TestChanging:
    def test_an_authenticator_without_prf_is_offered_nothing(self, amira: Browser) -> None:
        assert "Key file" not in [str(h.text_content()) for h in amira.get("/second-factor").find("//h2")]
        page = add(amira, Authenticator())
        assert "Bind your key file" not in page.text
        page = amira.get("/second-factor/key-file")
        assert "No passkey of yours can be used for this here" in page.text
        assert page.find("//form[@data-passkey]") == []

    def test_it_says_before_what_it_does(self, amira: Browser, passkey: Authenticator) -> None:
        page = amira.get(amira.get("/second-factor").link("Bind your key file to a passkey"))
        assert "The code of your app alone does not let you in any more" in page.text
        assert asked_on(page)["usable"] == [b64url(passkey.credential)]

    @pytest.mark.parametrize("wrong", ["passphrase", "signature", "no output", "another's", "without prf"])
    def test_nothing_is_bound_that_does_not_fit(
        self, house: House, amira: Browser, passkey: Authenticator, wrong: str
    ) -> None:
        page, given = amira.get("/second-factor/key-file"), {"passphrase": PASSPHRASE}
        answer = passkey.use(asked_on(page), ORIGIN)
        match wrong:
            case "passphrase":
                given = {"passphrase": "wrong"}
            case "signature":
                answer = altered(answer, signature=b64url(bytes(70)))
            case "no output":
                answer = json.dumps({name: text for name, text in json.loads(answer).items() if name != "prf"})
            case "another's":
                answer = capable().use(asked_on(page), ORIGIN)
            case _:
                plain = Authenticator()
                add(amira, plain, "plain")
                answer = altered(plain.use(asked_on(page), ORIGIN), prf=b64url(bytes(32)))
        page = amira.press(page, "Bind it", {**given, "passkey": answer})
        assert page.status in {403, 422}
        assert "Nothing was changed" in page.text
        assert not key_file.needs_part(house.settings.desk.keyfiles / "amira.key")
        assert house.sign_in("amira").get("/inbox").status == 200

    def test_a_second_passkey_opens_it_and_one_that_was_removed_does_not(
        self, house: House, amira: Browser, passkey: Authenticator, codes: list[str]
    ) -> None:
        second = capable()
        add(amira, second, "second")
        page = bind(amira, second)
        assert "Your key file opens with the passkey second, too." in page.text
        assert codes_on(page) == []
        for each in (passkey, second):
            assert try_in(house.stranger(), each).path == "/inbox"
        page = amira.get(amira.get("/second-factor").link("Remove blue key"))
        assert "which this passkey does not open" in page.text
        assert "the app's code opens it again" not in page.text
        assert amira.press(page, "Remove this passkey", {"passphrase": PASSPHRASE}).status == 200
        assert try_in(house.stranger(), passkey).status == 403
        assert try_in(house.stranger(), second).path == "/inbox"
        assert try_code(house, codes[0]).path == "/inbox"

    def test_with_the_last_one_the_binding_ends_and_the_page_says_so(
        self, house: House, amira: Browser, passkey: Authenticator, codes: list[str]
    ) -> None:
        page = amira.get(amira.get("/second-factor").link("Remove blue key"))
        assert "the app's code opens it again" in page.text
        amira.press(page, "Remove this passkey", {"passphrase": PASSPHRASE})
        assert logged(house, Act.KEY_FILE_UNBOUND) == ["amira"]
        assert house.sign_in("amira").get("/inbox").status == 200
        assert try_code(house, codes[0]).path == "/inbox"

    def test_its_owner_ends_it(self, house: House, amira: Browser, passkey: Authenticator, codes: list[str]) -> None:
        page = amira.get(amira.get("/second-factor").link("End the binding"))
        assert amira.press(page, "End the binding", {"passphrase": "wrong"}).status == 403
        page = amira.press(page, "End the binding", {"passphrase": PASSPHRASE})
        assert "not bound to a passkey any more" in page.text
        assert house.sign_in("amira").get("/inbox").status == 200
        for attempt in (try_in(house.stranger(), passkey), try_code(house, codes[0])):
            assert attempt.path == "/inbox"
        assert amira.get("/second-factor/key-file/unbind").status == 404
        assert len(codes_on(bind(amira, passkey))) == 10

    def test_an_old_copy_helps_nobody_to_the_new_file(
        self, house: House, amira: Browser, passkey: Authenticator, codes: list[str]
    ) -> None:
        """With the removed passkey and the passphrase it opens as it was; nothing in it opens a newer part."""
        keyfiles = house.settings.desk.keyfiles
        kept = keyfiles.with_name("kept")
        for place in (keyfiles, machine_secret.directory(keyfiles)):
            shutil.copytree(place, kept / place.name)
        second = capable()
        add(amira, second, "second")
        bind(amira, second)
        page = amira.get(amira.get("/second-factor").link("Remove blue key"))
        amira.press(page, "Remove this passkey", {"passphrase": PASSPHRASE})
        asked = asked_on(house.stranger().get("/sign-in"))["prf"]
        opener = Opener.of_passkey(passkey.credential, passkey.evaluate(asked))
        old = key_file.unlock(kept / keyfiles.name / "amira.key", PASSPHRASE, opener=opener)
        path = keyfiles / "amira.key"
        new = key_file.unlock(path, PASSPHRASE, opener=Opener.of_passkey(second.credential, second.evaluate(asked)))
        assert old.part is not None
        assert new.part is not None
        assert old.part.value != new.part.value
        with pytest.raises(UnlockRefused):
            key_file.unlock(path, PASSPHRASE, opener=opener)
