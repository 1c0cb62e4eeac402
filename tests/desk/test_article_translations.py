"""Translations of an article on the desk: added, written beside the original, checked, published and taken out."""

from __future__ import annotations

import pytest

from fieldreport.vault.articles import drafts
from fieldreport.vault.articles.overview import list_articles
from fieldreport.vault.articles.tables import ArticleState
from fieldreport.vault.cases.inbox import CaseRow
from tests.desk.conftest import Browser, House, Page
from tests.desk.test_articles import ANSWERS, site, start, state, written

KOREAN = {"title": "어둠 속의 출발", "body": "사람들이 다시 어둠 속에서 떠나고 있다고 여러 목격자가 말했다."}


@pytest.fixture
def case(house: House) -> CaseRow:
    return house.receive(protect="Hyesan")


def translated(browser: Browser, path: str, **values: str) -> str:
    """The path of the article's Korean translation, saved once."""
    page = browser.press(browser.get(path), "Save and translate", {"translate": "ko"})
    browser.press(page, "Save", {**KOREAN, **values})
    return page.path


def test_adding_one_keeps_what_is_typed_and_shows_the_original_beside_it(
    house: House, amira: Browser, case: CaseRow
) -> None:
    page = start(house, amira, case)
    typed = {"title": "Leaving", "body": "**Nobody** counts them.", "translate": "ko"}
    page = amira.press(page, "Save and translate", typed)
    assert page.path.endswith("/translations/ko")
    assert page.find("//aside//article/h3")[0].text == "Leaving"
    assert page.find("//aside//article//strong")[0].text == "Nobody"
    amira.press(page, "Save", KOREAN)
    page = amira.get(page.path.rpartition("/translations")[0])
    assert page.find("//input[@id='title']")[0].get("value") == "Leaving"
    (item,) = page.find("//section[@aria-labelledby='h-languages']//li")
    assert "draft" in item.text_content()
    assert KOREAN["title"] in item.text_content()
    assert "ko" not in [each.get("value") for each in page.find("//select[@id='translate']/option")]


def test_what_only_one_of_the_two_says_is_named_while_somebody_writes(
    house: House, amira: Browser, case: CaseRow
) -> None:
    path = written(house, amira, case, body="In 2019 Anton Brezny counted 43 of them.")
    page = amira.get(translated(amira, path, body="2018년에 안톤 브레즈니가 세었다."))
    named = [" ".join(each.text_content().split()) for each in page.find("//div[@class='box warn']//li")]
    assert named == [
        "Number: 2019 only in the original",
        "Number: 43 only in the original",
        "Number: 2018 only in the translation",
    ]
    page = amira.press(page, "Save", {"body": "2019년에 안톤 브레즈니가 그들 마흔세 명을 세었다."})
    assert page.find("//div[@class='box warn']//li") == []
    assert "only one of the two has" in page.text


def test_what_is_typed_is_checked_and_previewed_and_not_saved(house: House, amira: Browser, case: CaseRow) -> None:
    path = translated(amira, written(house, amira, case))
    page = amira.press(amira.get(path), "Check without saving", {"body": "혜산에서 **그들**을 보았다. Hyesan."})
    assert [each.text for each in page.find("//section[@aria-labelledby='h-typed']//mark")] == ["혜산에서", "Hyesan"]
    assert page.find("//textarea[@id='body']")[0].text.strip() == "혜산에서 **그들**을 보았다. Hyesan."
    page = amira.press(page, "Preview")
    assert page.find("//section[@aria-labelledby='h-preview']//strong")[0].text == "그들"
    assert amira.get(path).find("//textarea[@id='body']")[0].text.strip() == KOREAN["body"]


def test_what_is_typed_of_the_original_is_checked_and_not_saved(house: House, amira: Browser, case: CaseRow) -> None:
    path = written(house, amira, case)
    page = amira.press(amira.get(path), "Check without saving", {"body": "It was in Hyesan."})
    assert [each.text for each in page.find("//section[@aria-labelledby='h-typed']//mark")] == ["Hyesan"]
    assert page.find("//textarea[@id='body']")[0].text.strip() == "It was in Hyesan."
    assert "Hyesan" not in amira.get(path).find("//textarea[@id='body']")[0].text
    page = amira.press(page, "Check without saving", {"body": "It was in the north."})
    assert "found nothing" in page.find("//section[@aria-labelledby='h-typed']")[0].text_content()


def test_ready_ones_are_checked_signed_and_published_with_the_article(
    house: House, amira: Browser, case: CaseRow
) -> None:
    path = written(house, amira, case)
    one = translated(amira, path, body=f"{KOREAN['body']} 혜산.")
    assert "혜산" not in amira.get(f"{path}/check").text, "a draft is not published and not in the way"
    page = amira.press(amira.get(one), "Save and check", {"ready": "1"})
    assert "Body, Korean" in page.text
    assert "혜산" in [each.text for each in page.find("//section[@aria-labelledby='h-text']//mark")]
    amira.press(amira.get(one), "Save", {"body": KOREAN["body"]})
    amira.press(amira.get(f"{path}/check"), "Submit for review")
    jonas, ines = house.sign_in("jonas"), house.sign_in("ines")
    jonas.press(jonas.get(f"{path}/check"), "Sign off: safe to publish", ANSWERS)
    ines.press(ines.get(f"{path}/check"), "Sign off: publish")
    assert state(house) is ArticleState.PUBLISHED
    assert any(KOREAN["body"] in page and 'lang="ko"' in page for page in site(house))


def test_who_saves_second_sees_the_differences_and_keeps_what_they_typed(
    house: House, amira: Browser, jonas: Browser, case: CaseRow
) -> None:
    path = translated(amira, written(house, amira, case))
    hers = amira.get(path)
    jonas.press(jonas.get(path), "Save", {"title": "그의 제목"})
    page = amira.press(hers, "Save", {"title": "그녀의 제목"})
    assert page.status == 409
    assert [each.text for each in page.find("//del")] == ["그의 제목"]
    assert page.find("//input[@id='title']")[0].get("value") == "그녀의 제목"
    page = amira.press(page, "Save")
    assert page.status == 200
    assert amira.get(path).find("//input[@id='title']")[0].get("value") == "그녀의 제목"


def test_one_that_is_taken_out_stays_in_earlier_revisions(house: House, amira: Browser, case: CaseRow) -> None:
    path = written(house, amira, case)
    page: Page = amira.get(translated(amira, path))
    page = amira.press(page, "Take this translation out")
    assert page.path == path
    assert "Only in English." in page.text
    assert amira.get(f"{path}/translations/ko").status == 404
    page = amira.get(f"{path}/revisions/4")
    assert "State, Korean" in page.text
    assert KOREAN["title"] in page.text
    amira.press(page, "Put revision 4 back")
    assert amira.get(f"{path}/translations/ko").status == 200


@pytest.mark.parametrize("code", ["tlh", "", "../x"])
def test_a_language_that_is_not_offered_is_refused_and_nothing_is_saved(
    house: House, amira: Browser, case: CaseRow, code: str
) -> None:
    page = start(house, amira, case)
    (form,) = page.find("//form[@id='write']")
    values = {"token": form.find("input[@name='token']").get("value"), "based_on": "1", "title": "T", "translate": code}
    refused = amira.post(f"{page.path}/translations", values)
    assert refused.status == 422
    head = list_articles(house.vault)[0]
    assert (head.revision, len(drafts.load(house.seat("amira"), head.id).article.translations)) == (1, 0)
