"""One article in several languages: checked, signed, published, corrected and withdrawn together."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fieldreport.errors import NotAllowed
from fieldreport.press.article import Article, Translation, new_slug
from fieldreport.press.leakcheck.findings import Rule
from fieldreport.vault.articles import redactions
from fieldreport.vault.articles.drafts import Draft
from fieldreport.vault.articles.tables import ArticleState
from tests.vault.articles.conftest import House

KOREAN = "여러 목격자에 따르면 사람들이 다시 어둠 속에서 떠나고 있다.\n\n아무도 그들을 세지 않는다."


def korean(draft: Draft, *, ready: bool = True, **changes: str) -> Article:
    """The article with a Korean translation."""
    given = {"slug": new_slug(language="ko"), "title": "어둠 속의 출발", "body": KOREAN, **changes}
    earlier = draft.article.translation("ko")
    own = Article(language="ko", slug=given.pop("slug")) if earlier is None else earlier.article
    changed = replace(own, title=given["title"], body=given["body"])
    return draft.article.with_translation(Translation(article=changed, ready=ready))


def translate(house: House, article_id: bytes, *, ready: bool = True, **changes: str) -> Draft:
    draft = house.amira.load(article_id)
    article = korean(draft, ready=ready, **changes)
    return house.amira.save(article_id, article, based_on=draft.head.revision)


def release(house: House, article_id: bytes) -> None:
    house.amira.submit(article_id)
    house.jonas.clear(article_id)
    house.ines_desk.publish(article_id)


def pages(house: House) -> set[str]:
    return {path.stem for path in (house.site / "articles").iterdir()}


def test_every_ready_language_is_published_and_a_draft_of_one_is_not(house: House) -> None:
    draft = translate(house, house.draft().head.id)
    article_id = draft.head.id
    russian = Article(language="ru", slug=new_slug(language="ru"), title="Черновик", body="Слово.")
    unfinished = draft.article.with_translation(Translation(article=russian))
    house.amira.save(article_id, unfinished, based_on=draft.head.revision)
    release(house, article_id)
    there = draft.article.each_language()
    assert pages(house) == {each.slug for each in there}
    assert "어둠 속의 출발" in house.page(there[1])
    for path in house.settings.press.site.rglob("*"):
        assert not path.is_file() or "Черновик".encode() not in path.read_bytes()
    kept = house.amira.load(article_id).article.translation("ru")
    assert kept is not None
    assert kept.article.body == "Слово."


def test_an_edit_of_any_language_voids_what_was_signed(house: House) -> None:
    article_id = translate(house, house.draft().head.id).head.id
    house.amira.submit(article_id)
    house.jonas.clear(article_id)
    translate(house, article_id, title="다른 제목")
    head = house.amira.load(article_id).head
    assert (head.state, head.cleared_by) == (ArticleState.DRAFT, None)


def test_each_language_is_compared_with_the_report_and_names_its_own_findings(house: House) -> None:
    house.send("제 이름은 백설희입니다. 마흔세 명이 강을 건넜습니다.", protect="백설희")
    article_id = house.draft().head.id
    clean = {checked.finding.field for checked in house.amira.check(article_id)}
    translate(house, article_id, ready=False, body=f"{KOREAN} 백설희가 말했다.")
    assert {checked.finding.field for checked in house.amira.check(article_id)} == clean, "it is not published"
    translate(house, article_id, body=f"{KOREAN} 백설희가 말했다.")
    found = {(checked.finding.field, checked.finding.rule) for checked in house.amira.check(article_id)}
    assert ("ko:body", Rule.PROTECTED_TERM) in found
    house.amira.submit(article_id)
    with pytest.raises(NotAllowed) as caught:
        house.jonas.clear(article_id)
    assert caught.value.code == "unanswered-findings"


def test_what_is_typed_is_checked_in_every_language_and_not_saved(house: House) -> None:
    house.send("제 이름은 백설희입니다.", protect="백설희")
    draft = house.draft()
    typed = korean(draft, ready=False, body="백설희가 말했다.")
    found = house.amira.check_typed(draft.head.id, typed)
    assert ("ko:body", Rule.PROTECTED_TERM) in {(each.finding.field, each.finding.rule) for each in found}
    assert house.amira.load(draft.head.id).article == draft.article


def test_a_ready_translation_without_a_title_or_a_text_is_not_submitted(house: House) -> None:
    article_id = translate(house, house.draft().head.id, body="").head.id
    with pytest.raises(NotAllowed, match="ko") as caught:
        house.amira.submit(article_id)
    assert caught.value.code == "empty-article"


def test_a_correction_changes_one_language_and_the_others_stay_as_they_are(house: House) -> None:
    article_id = translate(house, house.draft().head.id).head.id
    release(house, article_id)
    english, _ = house.amira.load(article_id).article.each_language()
    before = house.page(english)
    house.amira.correct(article_id)
    draft = translate(house, article_id, body=f"{KOREAN} 고쳤다.")
    release(house, article_id)
    assert house.page(english) == before
    assert "고쳤다" in house.page(draft.article.each_language()[1])


def test_the_address_of_a_published_translation_stays_what_it_is(house: House) -> None:
    article_id = translate(house, house.draft().head.id).head.id
    release(house, article_id)
    draft = house.amira.correct(article_id)
    there = draft.article.translation("ko")
    assert there is not None
    moved = replace(there, article=replace(there.article, slug=new_slug(language="ko")))
    with pytest.raises(NotAllowed) as caught:
        house.amira.save(article_id, draft.article.with_translation(moved), based_on=draft.head.revision)
    assert caught.value.code == "slug-fixed"


def test_a_language_that_is_taken_back_is_gone_and_withdrawing_takes_all(house: House) -> None:
    article_id = translate(house, house.draft().head.id).head.id
    release(house, article_id)
    english, there = house.amira.load(article_id).article.each_language()
    house.amira.correct(article_id)
    translate(house, article_id, ready=False)
    release(house, article_id)
    assert {path.name for path in (house.site / "gone").iterdir()} == {there.slug}
    house.amira.correct(article_id)
    translate(house, article_id)
    release(house, article_id)
    assert "어둠 속의 출발" in house.page(there)
    house.ines_desk.withdraw(article_id)
    assert {path.name for path in (house.site / "gone").iterdir()} == {english.slug, there.slug}


def test_revisions_keep_every_language_and_put_it_back_at_its_address(house: House) -> None:
    article_id = translate(house, house.draft().head.id).head.id
    number = house.amira.load(article_id).head.revision
    draft = translate(house, article_id, title="다른 제목")
    redactions.restore(house.newsroom.seat(house.newsroom.amira), article_id, number, based_on=draft.head.revision)
    put_back = house.amira.load(article_id).article.translation("ko")
    assert put_back is not None
    assert put_back.article.title == "어둠 속의 출발"
    assert put_back.article.slug == draft.article.each_language()[1].slug
