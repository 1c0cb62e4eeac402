"""The language of the desk's pages: what the browser chose, else what it asks for; never what is stored."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cast import PASSPHRASES
from tests.desk.conftest import Browser, House


def language_of(page: Any) -> str:
    return str(page.find("/html")[0].get("lang"))


@pytest.mark.parametrize(
    ("asked", "given"),
    [("", "en"), ("ko-KR,en;q=0.5", "ko"), ("zh-TW", "zh-Hans"), ("fr,zh-CN;q=0.3", "zh-Hans"), ("fa", "en")],
)
def test_a_page_comes_in_the_language_that_the_browser_asks_for(stranger: Browser, asked: str, given: str) -> None:
    assert language_of(stranger.get("/sign-in", headers={"Accept-Language": asked})) == given


def test_a_language_is_chosen_before_signing_in_and_stays(house: House, stranger: Browser) -> None:
    page = stranger.press(stranger.get("/sign-in?next=/search"), "한국어")
    assert page.response.request.full_path == "/sign-in?next=/search"
    assert language_of(page) == "ko"
    assert "로그인" in page.text
    typed = {"handle": "amira", "passphrase": PASSPHRASES["amira"], "code": house.code("amira")}
    assert "받은 제보함" in stranger.press(stranger.get("/sign-in"), "잠금 해제", typed).text
    page = stranger.get("/keys", headers={"Accept-Language": "zh-CN"})
    assert language_of(page) == "ko"
    assert "언어" in page.text
    page = stranger.press(page, "English")
    assert language_of(page) == "en"
    assert page.path == "/keys"


def test_another_language_is_not_offered(stranger: Browser) -> None:
    page = stranger.post("/language", {"language": "fr", "next": "/sign-in"})
    assert page.status == 422
    assert "There is no such language." in page.text
    stranger.client.set_cookie("language", "../../ko")
    assert language_of(stranger.get("/sign-in")) == "en"


def test_a_choice_leads_to_no_other_site(stranger: Browser) -> None:
    page = stranger.post("/language", {"language": "ko", "next": "//elsewhere.example"}, follow=False)
    assert page.headers["Location"] == "/"


def test_what_is_seen_below_the_desk_is_said_in_the_language_of_the_page(lena: Browser) -> None:
    assert "the settings pin the key in force" in lena.get("/health").text
    lena.client.set_cookie("language", "ko")
    page = lena.get("/health").text
    assert "설정에 현재 열쇠가 고정되어 있음" in page
    assert "the settings pin" not in page
    refused = lena.get("/audit?colour=red").text
    assert "‘colour’" in refused
    assert "There is no filter" not in refused


def test_a_finding_of_the_leak_check_is_said_in_the_language_of_the_page(house: House, amira: Browser) -> None:
    case = house.receive()
    page = amira.press(amira.get(f"/cases/{case.id.hex()}"), "Start an article")
    amira.press(page, "Save", {"title": "Leaving in the dark", "body": "Call +82 10 1234 5678."})
    assert "A telephone number leads to a person" in amira.get(f"{page.path}/check").text
    amira.client.set_cookie("language", "zh-Hans")
    check = amira.get(f"{page.path}/check").text
    assert "电话号码会指向一个人" in check
    assert "A telephone number" not in check


def test_what_is_logged_is_the_same_in_every_language(lena: Browser) -> None:
    lena.client.set_cookie("language", "ko")
    page = lena.press(lena.get("/letterbox"), "제보함 닫기")
    assert "제보함이 닫혔습니다." in lena.confirm(page, "제보함 닫기").text
    exported = lena.press(lena.get("/audit"), "기록 전체 내보내기").body
    assert exported.isascii()
    assert b'"act":"letterbox-set"' in exported.replace(b" ", b"")
    assert b'"subject":"closed"' in exported.replace(b" ", b"")
