"""Searching at the desk: what an editor may read is found and marked, what they may not is not, and nothing stays."""

from __future__ import annotations

from fieldreport.vault.cases import conversation, restriction
from tests.cast import File
from tests.desk.conftest import Browser, House, Page
from tests.eventually import eventually


def search(browser: Browser, words: str, **filters: str) -> Page:
    return browser.press(browser.get("/search"), "Search", {"words": words, **filters})


def finds(browser: Browser, words: str) -> None:
    eventually(lambda: "Found in" in search(browser, words).text)


def marked(page: Page) -> list[str]:
    return [str(each.text_content()) for each in page.find("//mark")]


def test_letters_notes_fact_sheets_and_words_in_files_are_found_and_marked(house: House) -> None:
    row = house.receive(
        "밤에 압록강을 건넜다. <b>강</b>",
        files=[File("a.txt", "text/plain; charset=utf-8", b"the invoice of the ferry")],
    )
    amira = house.sign_in("amira")
    finds(amira, "압록강")
    page = search(amira, "강")
    assert set(marked(page)) == {"강"}
    assert page.find("//main//ol//b") == []
    assert "search?" not in page.link("C-")
    conversation.note(house.seat("jonas"), row.id, "Ask the ferryman")
    conversation.save_card(house.seat("jonas"), row.id, conversation.Card(facts="Crossing at Sinuiju"))
    for words in ("ferryman", "sinuiju", '"invoice of the ferry"', "a.txt"):
        finds(amira, words)
        assert marked(search(amira, words))
    assert "압록" not in search(amira, "강").response.request.url
    assert "Found nowhere" in search(amira, "강", state="closed").text


def test_what_is_limited_to_others_is_not_found_from_that_moment(house: House) -> None:
    row = house.receive("Quisquilienberg waved")
    jonas = house.sign_in("jonas")
    finds(jonas, "quisquilienberg")
    restriction.limit(house.seat("amira"), row.id, {"amira", "ines"})
    page = search(jonas, "quisquilienberg")
    assert "Found nowhere" in page.text
    assert row.name not in page.text


def test_nothing_to_search_for_is_said(house: House) -> None:
    page = search(house.sign_in("amira"), "***")
    assert page.status == 422
    assert "Type a word to search for" in page.text
