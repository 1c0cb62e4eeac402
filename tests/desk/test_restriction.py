"""Limiting a case to named editors, as its readers and the others see it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import select

from fieldreport.seal import Kind
from fieldreport.vault.archive.tables import Case, Item
from fieldreport.vault.articles import drafts
from fieldreport.vault.articles.overview import list_articles
from fieldreport.vault.cases import conversation, inbox, restriction, shown_sheets
from fieldreport.vault.cases.conversation import Card
from fieldreport.vault.cases.inbox import CaseRow
from tests.cast import REPORT, File
from tests.desk.conftest import Browser, House, photo
from tests.desk.test_articles import ANSWERS
from tests.desk.test_every_route import arguments_of, path_of, routes


@pytest.fixture
def case(house: House) -> CaseRow:
    case = house.receive()
    conversation.save_card(house.seat("amira"), case.id, Card(facts="The working title"))
    return case


def path(case: CaseRow, rest: str = "") -> str:
    return f"/cases/{case.id.hex()}{rest}"


def test_a_case_is_limited_with_a_tick_and_opened_again_with_a_button(
    house: House, amira: Browser, case: CaseRow
) -> None:
    page = amira.get(path(case))
    assert "Every editor reads this case." in page.text
    page = amira.press(page, "Limit to these", {"reader": "jonas"})
    assert f"{case.name} is limited to amira, jonas." in page.text
    assert "only amira, jonas" in amira.get("/inbox?state=all").text
    page = amira.press(page, "Open to every editor")
    assert "Every editor reads this case." in page.text
    assert house.cases()[0].readers == ()


def test_nobody_ticked_is_said_beside_the_ticks(house: House, amira: Browser, case: CaseRow) -> None:
    page = amira.press(amira.get(path(case)), "Limit to these")
    assert page.status == 422
    assert "Tick at least one colleague: a case needs two readers." in page.text
    assert page.find("//details[@open]//fieldset[@id='readers']")
    assert house.cases()[0].readers == ()


def test_a_stranger_to_the_roster_cannot_be_ticked(house: House, amira: Browser, case: CaseRow) -> None:
    page = amira.press(amira.get(path(case)), "Limit to these", {"reader": "mallory"})
    assert page.status == 422
    assert house.cases()[0].readers == ()


def test_the_others_find_it_when_they_ask_for_it_and_see_whose_it_is_and_no_more(
    house: House, amira: Browser, jonas: Browser, case: CaseRow
) -> None:
    jonas.get("/inbox?state=all")  # its title is known to this session now
    letter = inbox.items(house.desk.vault, case.id)[0].id.hex()
    restriction.limit(house.seat("amira"), case.id, {"amira", "ines"})
    assert case.name not in jonas.get("/inbox?state=all").text
    page = jonas.get("/inbox?state=all&limited=others")
    assert f"{case.name} only amira, ines" in page.text
    assert "The working title" not in page.text
    assert REPORT[:20] not in page.text
    for place in (path(case), path(case, "/delete"), f"/items/{letter}/export", f"/items/{letter}/0/download"):
        page = jonas.get(place)
        assert page.status == 403, place
        assert "This case is limited to amira, ines." in page.text
        assert REPORT not in page.text


TOO_FEW = "Too few people read the limited case for an article to be published"


def test_too_few_readers_for_the_sign_offs_are_said_when_it_is_limited_and_when_an_article_is_begun(
    house: House, amira: Browser, case: CaseRow
) -> None:
    page = amira.press(amira.get(path(case)), "Limit to these", {"reader": "jonas"})
    assert TOO_FEW in page.text
    assert "Open the case to one more person, or ask the admin to set [press] sign_offs = 1" in page.text
    article = amira.press(page, "Start an article")
    assert TOO_FEW in article.text
    assert TOO_FEW in amira.get(f"{article.path}/check").text
    restriction.limit(house.seat("amira"), case.id, {"amira", "ines", "jonas"})
    for place in (path(case), article.path, f"{article.path}/check"):
        assert TOO_FEW not in amira.get(place).text


def test_with_one_sign_off_two_readers_suffice(build: Callable[..., House]) -> None:
    house = build(press={"sign_offs": 1})
    case = house.receive()
    restriction.limit(house.seat("amira"), case.id, {"amira", "jonas"})
    amira = house.sign_in("amira")
    page = amira.get(path(case))
    assert "Limited to amira, jonas" in page.text
    assert TOO_FEW not in page.text


def test_the_leak_check_offers_others_no_button_and_names_who_decides(
    house: House, amira: Browser, jonas: Browser, case: CaseRow
) -> None:
    page = amira.press(amira.get(path(case)), "Start an article")
    amira.press(page, "Save", {"title": "Leaving", "body": "People are leaving."})
    amira.press(amira.get(f"{page.path}/check"), "Submit for review")
    check = jonas.get(f"{page.path}/check")
    assert "Sign off: safe to publish" in check.buttons()
    restriction.limit(house.seat("amira"), case.id, {"amira", "ines"})
    refused = jonas.press(check, "Sign off: safe to publish", ANSWERS)
    assert refused.status == 403
    assert "Only those who read all its cases may do this: amira, ines." in refused.text
    check = jonas.get(f"{page.path}/check")
    assert "can answer, clear and publish it: amira, ines." in check.text
    assert not {"Override this block", "Sign off: safe to publish"} & set(check.buttons())
    assert "Case not opened" in check.text


def test_a_sign_off_from_before_the_case_was_limited_names_nobody(
    house: House, amira: Browser, jonas: Browser, case: CaseRow
) -> None:
    page = amira.press(amira.get(path(case)), "Start an article")
    amira.press(page, "Save", {"title": "Leaving", "body": "People are leaving."})
    amira.press(amira.get(f"{page.path}/check"), "Submit for review")
    jonas.press(jonas.get(f"{page.path}/check"), "Sign off: safe to publish", ANSWERS)
    (signed,) = amira.get(page.path).find("//dt[starts-with(., 'Safety')]/following-sibling::dd[1]")
    assert signed.text_content() == "jonas"
    restriction.limit(house.seat("amira"), case.id, {"amira", "ines"})
    for browser in (amira, jonas):
        for where in (page.path, f"{page.path}/check"):
            (signed,) = browser.get(where).find("//dt[starts-with(., 'Safety')]/following-sibling::dd[1]")
            assert signed.text_content() == "none"


def test_a_colleague_who_is_shown_the_fact_sheet_writes_beside_it_and_sees_nothing_else(
    house: House, amira: Browser, jonas: Browser
) -> None:
    ines, case = house.sign_in("ines"), house.receive("the bridge at Hoeryong")
    seat = house.seat("amira")
    card = Card(facts="사실: the convoy left in spring", protected=("Kim Ok", "the convoy"))
    conversation.save_card(seat, case.id, card)
    conversation.note(seat, case.id, "a note on the bridge")
    restriction.limit(seat, case.id, {"amira", "jonas"})
    article = amira.press(amira.get(path(case)), "Start an article")
    edit = ines.get(article.path)
    assert "convoy" not in edit.text
    assert "Only those who read all its cases may do this" in ines.press(edit, "Save", {"title": "Her title"}).text
    page = amira.get(amira.get(path(case)).link("Show the fact sheet to colleagues"))
    assert "the convoy left in spring" in page.text
    assert [term.text for term in page.find("//div[contains(., 'Protected terms stand')]/ul/li")] == ["the convoy"]
    page = amira.press(page, "Show it to these", {"to": "ines"})
    assert f"The fact sheet of {case.name} is shown to ines." in page.text
    edit = ines.get(article.path)
    assert "limited: you see only the fact sheet" in edit.text
    assert "사실: the convoy left in spring" in edit.text
    for other in ("Kim Ok", "Hoeryong", "a note on the bridge"):
        assert other not in edit.text
    saved = ines.press(edit, "Save", {"title": "Her title", "body": "They left."})
    assert "Her title" in saved.text
    check = ines.get(f"{article.path}/check")
    assert "Case not opened" in check.text
    assert check.buttons() == ["Lock"]
    amira.press(amira.get(path(case, "/sheet")), "Take it back from everybody")
    edit = ines.get(article.path)
    assert "convoy" not in edit.text
    assert ines.press(edit, "Save", {"title": "Another"}).status == 403


def test_readers_that_were_changed_in_the_database_are_named_as_that(
    house: House, amira: Browser, jonas: Browser, case: CaseRow
) -> None:
    restriction.limit(house.seat("amira"), case.id, {"amira", "ines"})
    with house.desk.vault.change() as change:
        change.session.get_one(Case, case.id).readers = None
    for browser in (amira, jonas):
        page = browser.get(path(case))
        assert page.status == 500
        assert "This is not signed by who it claims to be" in page.text
        assert REPORT not in page.text
    assert amira.get("/inbox?state=all").status == 200
    assert amira.get("/keys").status == 200
    assert "Nothing is re-wrapped" in house.sign_in("amira").landed.text


def test_no_route_gives_another_editor_anything_of_it(house: House, amira: Browser, jonas: Browser) -> None:
    ines = house.sign_in("ines")
    secret = "the bridge at Hoeryong"
    case = house.receive(secret, files=(File("photo-1.jpg", "image/jpeg", photo()),))
    seat = house.seat("amira")
    conversation.save_card(seat, case.id, Card(facts=f"facts of {secret}"))
    conversation.note(seat, case.id, f"a note on {secret}")
    draft = drafts.create(seat, [case.id], "en")
    items = {row.kind: row.id for row in inbox.items(house.vault, case.id)}
    restriction.limit(seat, case.id, {"amira", "jonas"})
    late = conversation.card(seat, case.id)
    conversation.save_card(seat, case.id, replace(late, facts="what ines is shown"))
    version = conversation.card(seat, case.id).version
    shown_sheets.show(seat, case.id, ["ines"], version=version)
    ids = {"case_id": case.id, "item_id": items[Kind.LETTER], "article_id": draft.head.id, "other_id": items[Kind.NOTE]}
    token = ines.get("/keys").find("//input[@name='token']")[0].get("value")
    answered: dict[str, int] = {}
    before = states(house)
    for route, method in routes(house.app):
        named = {name for _, _, name in arguments_of(route.rule)}
        if not named & {"case_id", "item_id"}:
            continue
        for item in {ids["item_id"], ids["other_id"]}:
            address = path_of(house.app, route, {**ids, "item_id": item})
            form = {
                "token": token,
                "text": "x",
                "reader": "jonas",
                "state": "closed",
                "item": "0" * 32,
                "everybody": "yes",
            }
            page = ines.get(address, follow=False) if method == "GET" else ines.post(address, form, follow=False)
            assert secret.encode() not in page.body, f"{method} {route.rule}"
            answered[f"{method} {route.rule}"] = page.status
    allowed = {name: status for name, status in answered.items() if status not in {400, 403, 404, 422}}
    assert allowed == {}
    assert len(answered) > 15
    assert states(house) == before
    assert secret in amira.get(path(case)).text
    assert secret in jonas.get(path(case)).text


def test_no_route_of_an_article_lets_another_editor_see_or_change_anything_of_its_limited_case(
    house: House, amira: Browser
) -> None:
    ines, secret = house.sign_in("ines"), "the bridge at Hoeryong"
    case = house.receive(secret, files=(File("photo-1.jpg", "image/jpeg", photo()),), protect="Kim Ok")
    seat = house.seat("amira")
    conversation.save_card(seat, case.id, Card(facts=f"facts of {secret}", protected=("Kim Ok",)))
    article = amira.press(amira.get(path(case)), "Start an article")
    amira.press(article, "Save", {"title": "Leaving", "body": "They left at night."})
    page = amira.get(article.path)
    amira.press(page, "Save and translate", {"translate": "ko"})
    restriction.limit(seat, case.id, {"amira", "jonas"})
    letter = inbox.items(house.vault, case.id)[0].id.hex()
    (head,) = list_articles(house.vault)
    token = ines.get("/keys").find("//input[@name='token']")[0].get("value")
    form = {
        "token": token,
        "based_on": str(head.revision),
        "case": case.id.hex(),
        "seen": f"{case.id.hex()}.9",
        "attach": f"{letter}-1",
        "redact": f"{letter}-1",
        "words": f"{letter}-1",
        "translate": "ar",
        "title": "Mine",
        "body": "Mine",
        "reason-x": "because",
        "label": "mine",
        "state": "closed",
        "hold": "yes",
        **ANSWERS,
    }
    known = {"article_id": head.id, "code": "ko", "source": f"{letter}-1", "number": 1, "page": 1}
    acts = ("assign", "state", "label", "unlabel", "read", "close")
    tried, before = 0, (states(house), list_articles(house.vault))
    for route, method in routes(house.app):
        named = {name for _, _, name in arguments_of(route.rule)}
        if "article_id" not in named and route.rule not in {"/articles", "/inbox/ticked", "/search", "/junk"}:
            continue
        address, changed = path_of(house.app, route, known), dict(form)
        for act in acts if route.rule == "/inbox/ticked" else ("",):
            changed["act"] = act
            page = ines.get(address, follow=False) if method == "GET" else ines.post(address, changed, follow=False)
            for theirs in (secret, "facts of", "Kim Ok"):
                assert theirs.encode() not in page.body, f"{method} {route.rule}"
        tried += 1
    assert tried > 25
    assert (states(house), list_articles(house.vault)) == before


def states(house: House) -> list[tuple[object, ...]]:
    """All that is stored of cases and their items."""
    with house.vault.reading() as session:
        cases = [
            (row.state, row.assignee, row.readers, row.card, row.sequence) for row in session.scalars(select(Case))
        ]
        return [*cases, *((row.id, row.case_id, row.gone) for row in session.scalars(select(Item).order_by(Item.id)))]
