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
