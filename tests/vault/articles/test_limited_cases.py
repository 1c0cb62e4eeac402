"""An article from a case that is limited: only those who read the case decide about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import update

from fieldreport.errors import NotAllowed
from fieldreport.press.leakcheck.findings import Rule
from fieldreport.seal import Kind
from fieldreport.store import writing
from fieldreport.vault.archive.tables import Case, SealedObject
from fieldreport.vault.articles import overview, readers
from fieldreport.vault.articles.overview import ArticleHead
from fieldreport.vault.articles.tables import ArticleState
from fieldreport.vault.cases import conversation, restriction, shown_sheets
from fieldreport.vault.cases.conversation import Card
from tests.cast import a_source
from tests.vault.articles.conftest import Editor, House


def limit(house: House, *only: str) -> None:
    restriction.limit(house.newsroom.seat(house.newsroom.amira), house.case_id, set(only))


def state(house: House, article_id: bytes) -> ArticleState:
    return overview.get(house.newsroom.vault, article_id).state


def refused(act: Callable[[], object]) -> str:
    with pytest.raises(NotAllowed) as caught:
        act()
    return caught.value.code


@pytest.fixture
def small(house: House) -> House:
    """One sign-off suffices, and Ines does not read the case."""
    house.press["sign_offs"] = 1
    limit(house, "amira", "jonas")
    return house


def test_a_reader_clears_and_publishes_with_one_sign_off(small: House) -> None:
    article_id = small.cleared()
    small.jonas.publish(article_id)
    assert state(small, article_id) is ArticleState.PUBLISHED


def test_two_readers_besides_the_writer_sign_where_two_are_wanted(house: House) -> None:
    limit(house, "amira", "jonas", "ines")
    article_id = house.cleared()
    house.ines_desk.publish(article_id)
    assert state(house, article_id) is ArticleState.PUBLISHED


ACTS: dict[str, tuple[str, Callable[[Editor, bytes], object]]] = {
    "save": ("draft", lambda who, it: who.save(it, replace(who.load(it).article, title="x"), based_on=2)),
    "submit": ("draft", lambda who, it: who.submit(it)),
    "discard": ("draft", lambda who, it: who.discard(it)),
    "clear": ("review", lambda who, it: who.clear(it)),
    "publish": ("cleared", lambda who, it: who.publish(it)),
    "correct": ("published", lambda who, it: who.correct(it)),
    "cancel a correction": ("correction", lambda who, it: who.cancel_correction(it)),
}


@pytest.mark.parametrize("act", ACTS)
def test_others_do_nothing_with_it(small: House, act: str) -> None:
    at, what = ACTS[act]
    article_id = small.draft().head.id
    steps: list[tuple[str, Callable[[], object]]] = [
        ("review", lambda: small.amira.submit(article_id)),
        ("cleared", lambda: small.jonas.clear(article_id)),
        ("published", lambda: small.jonas.publish(article_id)),
        ("correction", lambda: small.amira.correct(article_id)),
    ]
    for name, step in steps:
        if at == "draft":
            break
        step()
        if name == at:
            break
    before = overview.get(small.newsroom.vault, article_id)
    assert refused(lambda: what(small.ines_desk, article_id)) == "article-limited"
    assert overview.get(small.newsroom.vault, article_id) == before


def test_others_begin_no_article_from_it(small: House) -> None:
    assert refused(lambda: small.ines_desk.create([small.case_id], "en")) == "limited"


def test_others_can_stop_it(small: House) -> None:
    article_id = small.cleared()
    small.ines_desk.return_to_draft(article_id)
    assert state(small, article_id) is ArticleState.DRAFT
    small.amira.submit(article_id)
    small.jonas.clear(article_id)
    small.jonas.publish(article_id)
    small.ines_desk.withdraw(article_id)
    assert state(small, article_id) is ArticleState.WITHDRAWN


def test_a_case_that_is_not_read_cannot_be_overridden(house: House) -> None:
    """Neither by a newcomer whose key does not open the letters, nor by somebody outside a limited case."""
    house.press["sign_offs"] = 1
    otto = house.desk(house.newsroom.hire("otto"))
    article_id = house.draft().head.id
    house.amira.submit(article_id)
    (finding,) = [each.finding for each in otto.check(article_id) if each.finding.rule is Rule.CASE_UNREAD]
    assert refused(lambda: otto.answer(article_id, finding.key, "I compared it by hand")) == "case-unread"
    assert refused(lambda: otto.clear(article_id)) == "case-unread"
    limit(house, "amira", "jonas")
    assert refused(lambda: otto.answer(article_id, finding.key, "I compared it by hand")) == "case-unread"
    assert refused(lambda: otto.clear(article_id)) == "article-limited"


def test_a_card_that_was_taken_away_in_the_database_cannot_be_overridden(house: House) -> None:
    house.press["sign_offs"] = 1
    conversation.save_card(house.newsroom.seat(house.newsroom.amira), house.case_id, Card(protected=("Hyesan",)))
    article_id = house.draft(body="In Hyesan.").head.id
    house.amira.submit(article_id)
    with writing(house.newsroom.vault.engine) as session:
        session.execute(update(Case).where(Case.id == house.case_id).values(card=None))
    (finding,) = [each.finding for each in house.jonas.check(article_id) if each.finding.rule is Rule.CASE_UNREAD]
    assert refused(lambda: house.jonas.answer(article_id, finding.key, "I compared it by hand")) == "case-unread"
    assert refused(lambda: house.jonas.clear(article_id)) == "case-unread"


def test_what_is_damaged_for_everybody_is_overridden_by_a_reader(small: House) -> None:
    with small.newsroom.vault.change() as change:
        change.session.execute(
            update(SealedObject).where(SealedObject.kind == Kind.LETTER.value).values(payload=b"x" * 300, blob=None)
        )
    article_id = small.draft().head.id
    small.amira.submit(article_id)
    (finding,) = [each.finding for each in small.jonas.check(article_id) if each.finding.rule is Rule.CASE_PARTLY]
    small.jonas.answer(article_id, finding.key, "The letter is lost; the note has the names.")
    small.jonas.clear(article_id)


def scheduled(house: House) -> bytes:
    house.press["minimum_age_hours"] = 10
    article_id = house.cleared()
    house.jonas.publish(article_id)
    assert state(house, article_id) is ArticleState.SCHEDULED
    house.newsroom.clock.pass_hours(11)
    return article_id


def test_rounds_of_others_pass_it_by(small: House) -> None:
    article_id = scheduled(small)
    run = small.ines_desk.publish_due()
    assert (run.published, run.held) == ((), ())
    head = overview.get(small.newsroom.vault, article_id)
    assert (head.state, head.cleared_by, head.approved_by) == (ArticleState.SCHEDULED, "jonas", "jonas")
    assert small.amira.publish_due().published == (article_id,)


def test_the_round_of_a_newcomer_whose_key_does_not_open_the_case_passes_by(house: House) -> None:
    house.press["sign_offs"] = 1
    otto = house.desk(house.newsroom.hire("otto"))
    article_id = scheduled(house)
    run = otto.publish_due()
    assert (run.published, run.held) == ((), ())
    assert house.amira.publish_due().published == (article_id,)


def test_a_sign_off_from_before_the_case_was_limited_does_not_count(house: House) -> None:
    house.press["sign_offs"] = 1
    article_id = house.draft().head.id
    house.amira.submit(article_id)
    house.ines_desk.clear(article_id)
    limit(house, "amira", "jonas")
    assert refused(lambda: house.jonas.publish(article_id)) == "sign-off-void"


def test_of_two_limited_cases_only_those_who_read_both(small: House) -> None:
    first, other = small.case_id, small.newsroom.receive(a_source())
    restriction.limit(small.newsroom.seat(small.newsroom.amira), other.id, {"amira", "ines"})
    draft = small.amira.create([first, other.id], "en")
    seat = small.newsroom.seat(small.newsroom.amira)
    with small.newsroom.vault.reading() as session:
        assert readers.readers_behind(session, seat, draft.head.id) == frozenset({"amira"})
    assert refused(lambda: small.jonas.discard(draft.head.id)) == "article-limited"


@pytest.mark.parametrize(
    ("only", "sign_offs", "missing"),
    [
        (("amira", "jonas"), 2, 1),
        (("amira", "jonas"), 1, 0),
        (("amira", "jonas", "ines"), 2, 0),
        (None, 2, 0),
    ],
)
def test_how_many_signers_are_missing(house: House, only: tuple[str, ...] | None, sign_offs: int, missing: int) -> None:
    if only is not None:
        limit(house, *only)
    assert _missing(house, house.draft().head, sign_offs=sign_offs) == missing


def test_somebody_who_has_left_signs_nothing(house: House) -> None:
    limit(house, "amira", "jonas", "ines")
    head = house.draft().head
    house.newsroom.revoke("ines")
    assert _missing(house, head, sign_offs=2) == 1


def _missing(house: House, head: ArticleHead, *, sign_offs: int) -> int:
    seat = house.newsroom.seat(house.newsroom.amira)
    with house.newsroom.vault.reading() as session:
        behind = readers.readers_behind(session, seat, head.id)
    return readers.signers_missing(seat, head, behind, sign_offs=sign_offs)


def test_somebody_who_is_shown_the_fact_sheet_writes_and_readers_alone_check_and_sign(small: House) -> None:
    amira, ines = small.newsroom.seat(small.newsroom.amira), small.ines_desk
    card = conversation.save_card(amira, small.case_id, Card(facts="Since spring people leave."))
    article_id = small.draft().head.id
    shown_sheets.show(amira, small.case_id, ["ines"], version=card.version)
    small.amira.submit(article_id)
    small.jonas.clear(article_id)
    draft = ines.load(article_id)
    draft = ines.save(article_id, replace(draft.article, standfirst="Since spring."), based_on=draft.head.revision)
    assert (draft.head.state, draft.head.cleared_by) == (ArticleState.DRAFT, None)
    assert "ines" in draft.head.writers
    assert Rule.CASE_UNREAD in {each.finding.rule for each in ines.check(article_id)}
    assert refused(lambda: ines.submit(article_id)) == "article-limited"
    assert refused(lambda: ines.discard(article_id)) == "article-limited"
    small.amira.submit(article_id)
    assert Rule.CASE_UNREAD not in {each.finding.rule for each in small.jonas.check(article_id)}
    small.jonas.clear(article_id)
    assert refused(lambda: ines.publish(article_id)) == "own-article"
    small.jonas.publish(article_id)
    assert state(small, article_id) is ArticleState.PUBLISHED
