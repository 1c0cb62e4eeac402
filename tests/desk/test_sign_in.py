"""The door: who gets in, what everybody else is told, and how long that takes."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable

import pytest

from fieldreport import limits
from fieldreport.unseal import key_file, machine_secret, totp
from tests.cast import CHEAP, PASSPHRASES
from tests.desk.conftest import Browser, House, Page


def try_in(house: House, browser: Browser, **values: str) -> Page:
    given = {"handle": "amira", "passphrase": PASSPHRASES["amira"], "code": house.code("amira"), **values}
    return browser.press(browser.get("/sign-in"), "Unlock", given)


def test_it_opens_the_desk_for_handle_passphrase_and_code(house: House) -> None:
    page = house.sign_in("amira").get("/")
    assert (page.path, page.status) == ("/inbox", 200)


def test_an_admin_arrives_at_the_staff(house: House) -> None:
    assert house.sign_in("lena").get("/").path == "/staff"


def test_a_code_may_hold_the_space_that_an_app_shows(house: House, stranger: Browser) -> None:
    code = house.code("amira")
    assert try_in(house, stranger, code=f"{code[:3]} {code[3:]}").path == "/inbox"


@pytest.mark.parametrize("typed", ["Amira", " amira ", "AMIRA\u00a0"])
def test_a_handle_is_the_same_in_any_case_and_with_spaces_around_it(
    house: House, stranger: Browser, typed: str
) -> None:
    assert try_in(house, stranger, handle=typed).path == "/inbox"


@pytest.mark.parametrize(
    "wrong",
    [
        {"handle": "nobody"},
        {"handle": "../keyfiles/amira"},
        {"handle": ""},
        {"passphrase": "something else entirely"},
        {"passphrase": ""},
        {"code": "000000"},
        {"code": "abcdef"},
        {"handle": "jonas"},
    ],
    ids=lambda wrong: "-".join(wrong) + "-" + next(iter(wrong.values())),
)
def test_everything_wrong_gets_the_same_answer(house: House, stranger: Browser, wrong: dict[str, str]) -> None:
    page = try_in(house, stranger, **wrong)
    assert page.status == 403
    assert page.find("//*[@id='handle-problem']")[0].text_content() == (
        "Handle, passphrase or code did not match. For safety, we do not say which. A key file that is bound to a "
        "passkey opens with that or with a recovery code, and with no code of the app."
    )
    assert stranger.cookie is None


def test_every_attempt_costs_one_argon2_whoever_is_named(
    house: House, stranger: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    derive, runs = key_file.derive_once, []

    def counted(passphrase: str, salt: bytes, cost: key_file.Cost, into: bytearray) -> None:
        runs.append(1)
        derive(passphrase, salt, cost, into)

    monkeypatch.setattr(key_file, "derive_once", counted)
    damaged = house.settings.desk.keyfiles / "jonas.key"
    damaged.write_text("this is no key file\n")
    damaged.chmod(0o600)
    lose_the_secret(house, "ines")
    restored = {"handle": "ines", "passphrase": PASSPHRASES["ines"], "code": house.code("ines")}
    costs = []
    for wrong in ({}, {"handle": "nobody"}, {"handle": "jonas"}, restored, {"passphrase": "no"}, {"code": "000000"}):
        runs.clear()
        try_in(house, house.stranger(), **wrong)
        costs.append(len(runs))
    assert costs == [1, 1, 1, 1, 1, 1]


def test_a_refusal_takes_a_whole_number_of_steps(
    house: House, stranger: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SIGN_IN_STEP_SECONDS", 0.25)
    page = stranger.get("/sign-in")
    values = {"handle": "nobody", "passphrase": "x", "code": "123456"}
    began = time.monotonic()
    stranger.press(page, "Unlock", values)
    assert time.monotonic() - began >= 0.25


def test_a_code_counts_once(house: House) -> None:
    code = house.code("amira")
    assert try_in(house, house.stranger(), code=code).path == "/inbox"
    assert try_in(house, house.stranger(), code=code).status == 403


def test_an_older_code_than_the_last_is_refused(house: House) -> None:
    older = totp.current_code(house.staff["amira"].totp, house.clock())
    newer = house.code("amira")
    assert try_in(house, house.stranger(), code=newer).path == "/inbox"
    house.clock.forward(-30)
    assert try_in(house, house.stranger(), code=older).status == 403


def test_somebody_who_was_revoked_does_not_get_in(house: House, stranger: Browser) -> None:
    house.revoke("amira")
    assert try_in(house, stranger).status == 403


def test_a_damaged_key_file_looks_like_a_wrong_passphrase_and_is_told_to_the_operator(
    house: House, stranger: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    path = house.settings.desk.keyfiles / "amira.key"
    path.write_bytes(path.read_bytes()[:-20])
    with caplog.at_level(logging.DEBUG):
        assert try_in(house, stranger).status == 403
    assert "amira.key cannot be used" in caplog.text


def lose_the_secret(house: House, handle: str) -> str:
    """What is there of a key file that was restored from a backup; the name of its secret."""
    (secret,) = machine_secret.directory(house.settings.desk.keyfiles).glob(f"{handle}.*")
    secret.unlink()
    return secret.name


def test_a_key_file_without_its_machine_secret_looks_like_a_wrong_passphrase_and_is_told_to_the_operator(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = try_in(house, house.stranger(), handle="amira", passphrase="wrong")
    name = lose_the_secret(house, "amira")
    with caplog.at_level(logging.DEBUG):
        lost = try_in(house, house.stranger(), handle="amira")
    assert (lost.status, lost.text) == (wrong.status, wrong.text)
    assert f"amira.key needs the secret {name}" in caplog.text
    assert name not in lost.text


def test_a_key_file_under_another_name_does_not_open(house: House, stranger: Browser) -> None:
    keyfiles = house.settings.desk.keyfiles
    (keyfiles / "jonas.key").rename(keyfiles / "amira.key")
    assert try_in(house, stranger, passphrase=PASSPHRASES["jonas"]).status == 403


def test_it_is_shut_while_no_roster_can_be_trusted(house: House, stranger: Browser) -> None:
    page = stranger.get("/sign-in")
    (house.directory / "keys" / "roster.json").write_bytes(b"{}")
    values = {"handle": "amira", "passphrase": PASSPHRASES["amira"], "code": house.code("amira")}
    assert stranger.press(page, "Unlock", values).status == 503
    assert stranger.cookie is None


def test_a_roster_that_has_run_out_still_lets_in_whom_it_lists(house: House) -> None:
    house.clock.forward(100 * 24 * 3600)
    assert house.sign_in("lena").get("/staff").find("//*[@role='alert']")[0].text_content().count("expired")
    assert house.sign_in("amira").get("/inbox").status == 200


def test_coming_in_forgets_earlier_tries(house: House) -> None:
    for _ in range(3):
        for _ in range(limits.SIGN_IN_TRIES - 1):
            try_in(house, house.stranger(), passphrase="wrong")
        house.sign_in("amira")


def test_it_stays_shut_when_tries_cannot_be_counted(build: Callable[..., House]) -> None:
    pytest.importorskip("redis")
    house = build(desk={"limiter": "redis://127.0.0.1:1/0"})
    browser = house.stranger()
    page = try_in(house, browser)
    assert page.status == 503
    assert browser.cookie is None


def test_a_sign_in_makes_a_new_session_and_ends_the_one_before(house: House) -> None:
    browser = house.sign_in("amira")
    before = browser.cookie
    browser.client.set_cookie("desk", "x" * 43)
    house.sign_in("amira", browser)
    assert browser.cookie not in {before, "x" * 43, None}


def test_the_cookie_is_kept_from_scripts_and_other_sites(house: House, stranger: Browser) -> None:
    values = {"handle": "amira", "passphrase": PASSPHRASES["amira"], "code": house.code("amira")}
    page = stranger.press(stranger.get("/sign-in"), "Unlock", values, follow=False)
    cookie = page.headers["Set-Cookie"]
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
    assert "Max-Age" not in cookie
    assert "Expires" not in cookie


def test_behind_tls_the_cookie_is_bound_to_this_very_host(build: Callable[..., House]) -> None:
    house = build(desk={"secure_cookie": True})
    browser = house.stranger()
    values = {"handle": "amira", "passphrase": PASSPHRASES["amira"], "code": house.code("amira")}
    page = browser.press(browser.get("/sign-in"), "Unlock", values, follow=False)
    cookie = page.headers["Set-Cookie"].split("; ")
    assert cookie[0].startswith("__Host-desk=")
    assert {"Secure", "HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie)
    assert not any(each.startswith("Domain") for each in cookie)


def test_a_browser_that_drops_the_cookie_is_told_why_the_desk_does_not_open(house: House, stranger: Browser) -> None:
    values = {"handle": "amira", "passphrase": PASSPHRASES["amira"], "code": house.code("amira")}
    arrives = stranger.press(stranger.get("/sign-in"), "Unlock", values, follow=False).headers["Location"]
    signed_in = stranger.get(arrives, headers={"Referer": "http://localhost/sign-in"})
    assert signed_in.path == "/inbox"
    stranger.client.delete_cookie("desk")
    page = stranger.get(arrives, headers={"Referer": "http://localhost/sign-in"})
    assert page.path == "/sign-in"
    assert "Your browser did not keep you signed in" in page.text
    assert "did not keep you" not in stranger.get(arrives).text


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost.evil.example"},
    ],
    ids=str,
)
def test_another_site_cannot_sign_anybody_in(house: House, stranger: Browser, headers: dict[str, str]) -> None:
    values = {"handle": "amira", "passphrase": PASSPHRASES["amira"], "code": house.code("amira")}
    assert stranger.post("/sign-in", values, headers=headers).status == 403
    assert stranger.cookie is None


@pytest.mark.parametrize(
    ("asked", "arrives"),
    [
        ("/articles", "/articles"),
        ("//evil.example/", "/inbox"),
        ("https://evil.example/", "/inbox"),
        ("/\\evil.example", "/inbox"),
        ("javascript:alert(1)", "/inbox"),
    ],
)
def test_it_goes_on_to_where_one_was_going_and_nowhere_else(
    house: House, stranger: Browser, asked: str, arrives: str
) -> None:
    page = stranger.press(
        stranger.get("/sign-in"),
        "Unlock",
        {"handle": "amira", "passphrase": PASSPHRASES["amira"], "code": house.code("amira"), "next": asked},
    )
    assert page.path == arrives


def test_attempts_are_in_the_audit_log_without_what_was_typed(house: House, stranger: Browser) -> None:
    try_in(house, stranger, handle="my whole passphrase by mistake")
    house.sign_in("amira")
    entries = house.vault.audit.page()
    assert [(entry.act, entry.actor, entry.subject) for entry in entries] == [
        ("adopted", "amira", hashlib.sha256(b"").hexdigest()),  # a new vault: nothing is from before signing
        ("readers-adopted", "amira", "0"),
        ("unlocked", "amira", ""),
        ("unlock-refused", "desk", ""),
    ]


def test_nothing_of_an_attempt_is_logged(house: House, stranger: Browser, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        page = try_in(house, stranger, handle="typed-in-the-wrong-field", passphrase="wrong-secret")
    assert page.status == 403
    assert "typed-in-the-wrong-field" not in caplog.text
    assert "wrong-secret" not in caplog.text


def test_the_page_does_not_give_the_passphrase_back(house: House, stranger: Browser) -> None:
    page = try_in(house, stranger, passphrase="wrong-secret", code="123456")
    assert b"wrong-secret" not in page.body
    assert b"123456" not in page.body
    assert page.find("//input[@id='handle']")[0].get("value") == "amira"


def test_without_any_key_file_a_refusal_still_costs_an_unlock(
    house: House, stranger: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in house.settings.desk.keyfiles.glob("*.key"):
        path.unlink()
    derive, runs = key_file.derive_once, []

    def counted(_passphrase: str, salt: bytes, cost: key_file.Cost, into: bytearray) -> None:
        runs.append(cost)
        derive("", salt, CHEAP, into)

    monkeypatch.setattr(key_file, "derive_once", counted)
    assert try_in(house, stranger).status == 403
    assert runs == [key_file.FULL]


def test_a_key_file_that_is_not_the_one_of_the_roster_does_not_open(house: House, stranger: Browser) -> None:
    # Somebody who can write to the desk's disk puts a key file of their own making under a known handle.
    forged = key_file.StaffKey.generate("amira", house.staff["amira"].role)
    path = house.settings.desk.keyfiles / "amira.key"
    key_file.write_key_file(path, forged, "made up", cost=CHEAP)
    code = totp.current_code(forged.totp, house.clock())
    assert try_in(house, stranger, passphrase="made up", code=code).status == 403
