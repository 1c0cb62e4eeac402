"""Who may do what with an article, and what voids it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import delete, select, update

from fieldreport.errors import Conflict, LimitExceeded, NotAllowed, NotFound, SealError, UsageError
from fieldreport.vault.articles.overview import list_articles
from fieldreport.vault.articles.questions import Question
from fieldreport.vault.articles.tables import (
    ArticleAnswer,
    ArticleCase,
    ArticleRevision,
    ArticleRow,
    ArticleSignOff,
    ArticleState,
)
from tests.vault.articles.conftest import ANSWERS, Editor, House


def refused(act: Callable[[], object]) -> str:
    with pytest.raises(NotAllowed) as caught:
        act()
    return caught.value.code


def test_a_draft_is_begun_from_cases_and_saved_in_revisions(house: House) -> None:
    draft = house.amira.create([house.case_id], "ko")
    assert (draft.head.state, draft.head.revision, draft.head.writers) == (ArticleState.DRAFT, 1, ("amira",))
    assert draft.head.cases == (house.case_id,)
    saved = house.amira.save(draft.head.id, replace(draft.article, title="제목"), based_on=1)
    assert (saved.head.revision, saved.article.title) == (2, "제목")
    assert [(revision.number, revision.by) for revision in house.jonas.revisions(draft.head.id)] == [
        (1, "amira"),
        (2, "amira"),
    ]
    assert house.jonas.load_revision(draft.head.id, 1).title == ""
    assert [head.id for head in list_articles(house.newsroom.vault, case_id=house.case_id)] == [draft.head.id]
    assert list_articles(house.newsroom.vault, case_id=bytes(16)) == ()


def test_an_article_needs_a_case_that_is_there(house: House) -> None:
    with pytest.raises(UsageError):
        house.amira.create([], "en")
    with pytest.raises(NotFound):
        house.amira.create([bytes(16)], "en")
    assert list_articles(house.newsroom.vault) == ()


def test_nobody_saves_over_what_they_have_not_seen(house: House) -> None:
    draft = house.draft()
    house.jonas.save(draft.head.id, replace(draft.article, title="Jonas"), based_on=draft.head.revision)
    with pytest.raises(Conflict) as caught:
        house.amira.save(draft.head.id, replace(draft.article, title="Amira"), based_on=draft.head.revision)
    assert caught.value.code == "article-changed"
    assert house.amira.load(draft.head.id).article.title == "Jonas"


def test_no_word_of_a_draft_is_in_the_clear(house: House) -> None:
    article_id = house.cleared(title="Leaving unmistakably", standfirst="Standfirstly")
    slug = house.amira.load(article_id).article.slug.encode()
    for path in house.newsroom.directory.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            for word in (b"unmistakably", b"Standfirstly", b"witnesses", slug):
                assert word not in content, path


def test_two_other_people_sign_and_it_is_published(house: House) -> None:
    article_id = house.draft().head.id
    assert house.amira.submit(article_id).state is ArticleState.REVIEW
    cleared = house.jonas.clear(article_id)
    assert (cleared.state, cleared.cleared_by) == (ArticleState.CLEARED, "jonas")
    published = house.ines_desk.publish(article_id)
    assert (published.state, published.approved_by, published.live) == (ArticleState.PUBLISHED, "ines", True)


@pytest.mark.postgres
def test_the_whole_way_is_the_same_on_postgresql(house_on_postgresql: House) -> None:
    house = house_on_postgresql
    article_id = house.published()
    house.amira.correct(article_id)
    house.edit(article_id, correction="It was more.")
    house.amira.submit(article_id)
    house.jonas.clear(article_id)
    assert house.ines_desk.publish(article_id).state is ArticleState.CORRECTED
    assert house.amira.withdraw(article_id).state is ArticleState.WITHDRAWN
    other = house.draft().head.id
    house.amira.discard(other)
    assert [head.id for head in list_articles(house.newsroom.vault)] == [article_id]


def test_the_writer_can_neither_clear_nor_publish(house: House) -> None:
    article_id = house.draft().head.id
    house.amira.submit(article_id)
    assert refused(lambda: house.amira.clear(article_id)) == "own-article"
    house.jonas.clear(article_id)
    assert refused(lambda: house.amira.publish(article_id)) == "own-article"


def test_whoever_changed_a_word_is_a_writer_too(house: House) -> None:
    draft = house.draft()
    house.jonas.save(draft.head.id, replace(draft.article, title="Leaving"), based_on=draft.head.revision)
    house.amira.submit(draft.head.id)
    assert refused(lambda: house.jonas.clear(draft.head.id)) == "own-article"
    assert house.ines_desk.clear(draft.head.id).cleared_by == "ines"


def test_safety_and_publishing_are_two_people(house: House) -> None:
    article_id = house.cleared()
    assert refused(lambda: house.jonas.publish(article_id)) == "same-person"
    assert house.amira.load(article_id).head.state is ArticleState.CLEARED


def test_in_a_newsroom_of_two_one_other_person_suffices_but_not_the_writer(house: House) -> None:
    house.press["sign_offs"] = 1
    article_id = house.cleared()
    assert refused(lambda: house.amira.publish(article_id)) == "own-article"
    assert house.jonas.publish(article_id).state is ArticleState.PUBLISHED


def test_an_admin_has_no_place_at_the_articles(house: House) -> None:
    draft, out, lena = house.draft(), house.published(), house.desk(house.newsroom.lena)
    article_id = draft.head.id
    before = [entry.act for entry in house.newsroom.vault.audit.page()]
    for act in (
        lambda: lena.create([house.case_id], "en"),
        lambda: lena.load(article_id),
        lambda: lena.load_revision(article_id, 1),
        lambda: lena.save(article_id, draft.article, based_on=draft.head.revision),
        lambda: lena.open_media(article_id, "photo-1.jpg"),
        lambda: lena.discard(article_id),
        lambda: lena.check(article_id),
        lambda: lena.answer(article_id, "0" * 16, "Because."),
        lambda: lena.submit(article_id),
        lambda: lena.return_to_draft(article_id),
        lambda: lena.clear(article_id),
        lambda: lena.publish(article_id),
        lena.publish_due,
        lambda: lena.correct(out),
        lambda: lena.cancel_correction(out),
        lambda: lena.withdraw(out),
    ):
        assert refused(act) == "other-role"
    assert [entry.act for entry in house.newsroom.vault.audit.page()] == before


@pytest.mark.parametrize("step", ["review", "cleared"])
def test_any_edit_voids_what_was_signed(house: House, step: str) -> None:
    article_id = house.draft().head.id
    house.amira.submit(article_id)
    if step == "cleared":
        house.jonas.clear(article_id)
    draft = house.edit(article_id, standfirst="Another.")
    assert (draft.head.state, draft.head.cleared_by) == (ArticleState.DRAFT, None)
    assert refused(lambda: house.ines_desk.publish(article_id)) == "article-state"


def test_steps_cannot_be_skipped_or_repeated(house: House) -> None:
    article_id = house.draft().head.id
    assert refused(lambda: house.jonas.clear(article_id)) == "article-state"
    assert refused(lambda: house.jonas.publish(article_id)) == "article-state"
    assert refused(lambda: house.amira.withdraw(article_id)) == "article-state"
    assert refused(lambda: house.amira.correct(article_id)) == "article-state"
    house.amira.submit(article_id)
    assert refused(lambda: house.amira.submit(article_id)) == "article-state"
    house.jonas.clear(article_id)
    assert refused(lambda: house.ines_desk.clear(article_id)) == "article-state"


def test_an_empty_article_is_not_submitted(house: House) -> None:
    for nothing in ({"title": " "}, {"body": "\n"}):
        article_id = house.draft(**nothing).head.id
        assert refused(lambda article_id=article_id: house.amira.submit(article_id)) == "empty-article"  # type: ignore[misc]


def test_back_to_draft_voids_the_sign_offs(house: House) -> None:
    article_id = house.cleared()
    head = house.amira.return_to_draft(article_id)
    assert (head.state, head.cleared_by) == (ArticleState.DRAFT, None)


# --- what somebody with the database could try ---


def tamper(house: House, statement: object) -> None:
    with house.newsroom.vault.change() as change:
        change.session.execute(statement)  # type: ignore[call-overload]


def test_a_sign_off_does_not_move_to_another_text(house: House) -> None:
    article_id = house.cleared()
    house.edit(article_id, body="Another text, never cleared by anybody.")
    house.amira.submit(article_id)
    other = house.cleared()
    with house.newsroom.vault.reading() as session:
        row = session.get_one(ArticleSignOff, (other, "safety"))
    with house.newsroom.vault.change() as change:
        change.session.add(
            ArticleSignOff(article_id=article_id, role="safety", handle="jonas", signature=row.signature)
        )
        change.session.get_one(ArticleRow, article_id).state = "cleared"
    assert refused(lambda: house.ines_desk.publish(article_id)) == "sign-off-void"
    assert not house.site.exists()


def test_a_sign_off_does_not_serve_in_another_role_or_another_name(house: House) -> None:
    article_id = house.cleared()
    tamper(house, update(ArticleSignOff).values(handle="ines"))
    assert refused(lambda: house.jonas.publish(article_id)) == "sign-off-void"
    tamper(house, update(ArticleSignOff).values(handle="jonas", role="publishing"))
    assert refused(lambda: house.ines_desk.publish(article_id)) == "sign-off-missing"


def test_a_writer_who_was_deleted_from_the_table_is_still_one(house: House) -> None:
    article_id = house.draft().head.id
    draft = house.jonas.load(article_id)
    house.jonas.save(article_id, replace(draft.article, title="Leaving at night"), based_on=draft.head.revision)
    house.jonas.submit(article_id)
    tamper(house, update(ArticleRevision).values(author="jonas"))
    assert refused(lambda: house.amira.clear(article_id)) == "own-article"


def test_a_revision_whose_author_is_changed_in_the_table_is_refused(house: House) -> None:
    article_id = house.draft().head.id
    house.amira.submit(article_id)
    tamper(house, update(ArticleRevision).values(author="jonas"))
    with pytest.raises(SealError) as caught:
        house.amira.clear(article_id)
    assert caught.value.code == "forged"


def test_a_case_that_was_struck_from_an_article_is_missed(house: House) -> None:
    """The leak check would not look into it."""
    article_id = house.draft().head.id
    house.amira.submit(article_id)
    tamper(house, delete(ArticleCase))
    with pytest.raises(SealError) as caught:
        house.jonas.clear(article_id)
    assert caught.value.code == "forged"


def test_an_older_revision_put_back_by_hand_is_not_what_was_signed(house: House) -> None:
    article_id = house.cleared()
    with house.newsroom.vault.change() as change:
        first = change.session.get_one(ArticleRevision, (article_id, 1))
        change.session.get_one(ArticleRow, article_id).draft = first.object_id
    with pytest.raises(SealError) as caught:
        house.ines_desk.publish(article_id)
    assert caught.value.code == "replayed"


def test_a_draft_of_another_article_is_refused(house: House) -> None:
    one, other = house.draft().head.id, house.draft().head.id
    with house.newsroom.vault.change() as change:
        change.session.get_one(ArticleRow, one).draft = change.session.get_one(ArticleRow, other).draft
    with pytest.raises(SealError):
        house.amira.load(one)


def test_a_sign_off_is_over_the_answers_to_its_questions_which_the_next_signer_reads(house: House) -> None:
    article_id = house.draft().head.id
    house.amira.submit(article_id)
    some = {Question.PEOPLE: "Forty", Question.ACCESS: " ", Question.NEWSROOM: "amira"}
    assert refused(lambda: house.jonas.clear_with(article_id, some)) == "unanswered-questions"
    with pytest.raises(LimitExceeded):
        house.jonas.clear_with(article_id, {**some, Question.ACCESS: "x" * 501})
    house.jonas.clear_with(article_id, {**some, Question.ACCESS: "사무실 전체\n<b>", Question.SEEN: "Not asked."})
    assert house.ines_desk.safety_answers(article_id) == {**some, Question.ACCESS: "사무실 전체\n<b>"}
    (entry,) = [each for each in house.newsroom.vault.audit.page() if each.act == "article-signed-off"]
    assert entry.subject == f"{article_id.hex()} safety 3 answers"
    assert house.ines_desk.publish(article_id).state is ArticleState.PUBLISHED


def test_a_sign_off_without_its_answers_or_with_others_does_not_count(house: House) -> None:
    article_id = house.cleared()
    house.jonas.return_to_draft(article_id)
    house.amira.submit(article_id)
    with house.newsroom.vault.reading() as session:
        answers = session.scalars(select(ArticleAnswer).order_by(ArticleAnswer.number)).all()
    house.jonas.clear_with(article_id, {**ANSWERS, Question.PEOPLE: "Three, and they know each other."})
    assert house.amira.safety_answers(article_id)[Question.PEOPLE].startswith("Three")
    later = ArticleAnswer.object_id.not_in([each.object_id for each in answers])
    tamper(house, delete(ArticleAnswer).where(later))
    assert house.amira.safety_answers(article_id) == {}
    assert refused(lambda: house.ines_desk.publish(article_id)) == "sign-off-void"


def test_a_sign_off_by_somebody_who_has_left_does_not_count(house: House) -> None:
    article_id = house.cleared()
    house.newsroom.revoke("jonas")
    assert refused(lambda: house.ines_desk.publish(article_id)) == "sign-off-void"


def test_an_article_by_somebody_who_has_left_is_still_theirs(house: House) -> None:
    article_id = house.draft().head.id
    house.amira.submit(article_id)
    jonas: Editor = house.jonas
    house.newsroom.revoke("amira")
    assert jonas.load(article_id).head.writers == ("amira",)
    jonas.clear(article_id)
    assert house.ines_desk.publish(article_id).state is ArticleState.PUBLISHED


def test_the_log_says_who_did_what_and_nothing_else(house: House) -> None:
    article_id = house.published()
    entries = house.newsroom.vault.audit.page()
    acts = [(entry.actor, entry.act) for entry in reversed(entries) if entry.act.startswith("article")]
    assert acts == [
        ("amira", "article-created"),
        ("amira", "article-saved"),
        ("amira", "article-submitted"),
        ("jonas", "article-signed-off"),
        ("ines", "article-signed-off"),
        ("ines", "article-scheduled"),
        ("ines", "article-published"),
    ]
    assert {entry.subject.split()[0] for entry in entries if entry.act.startswith("article")} == {article_id.hex()}
    house.newsroom.vault.audit.verify(house.newsroom.watch.all_here())


def test_discarding_shreds_everything_of_an_article_that_never_appeared(house: House) -> None:
    vault = house.newsroom.vault
    article_id = house.draft(body="He wrote on 3 May 2024.").head.id
    house.amira.answer(article_id, house.amira.check(article_id)[0].finding.key, "Known from elsewhere.")
    before = {row.id for row in list_articles(vault)}
    house.amira.discard(article_id)
    assert before == {article_id}
    assert list_articles(vault) == ()
    from sqlalchemy import func, select

    from fieldreport.vault.archive.tables import SealedObject

    with vault.reading() as session:
        assert session.scalar(select(func.count()).where(SealedObject.thread == article_id)) == 0
    with pytest.raises(NotFound):
        house.amira.load(article_id)


def test_what_was_published_cannot_be_discarded(house: House) -> None:
    article_id = house.published()
    assert refused(lambda: house.amira.discard(article_id)) == "article-state"
    house.amira.withdraw(article_id)
    assert refused(lambda: house.amira.discard(article_id)) == "article-state"
