"""The leak check of a sealed draft against sealed letters, and who may say that a finding can stay."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from fieldreport.errors import LimitExceeded, NotAllowed, NotFound, StoreError, UsageError
from fieldreport.press.leakcheck import Rule, Severity
from fieldreport.vault.articles.review import Checked
from fieldreport.vault.articles.tables import ArticleState
from fieldreport.vault.cases import conversation, sort, workflow
from fieldreport.vault.cases.conversation import Card
from tests.vault.articles.conftest import Editor, House

LIFTED = "the guard at the second post had drunk too much and was asleep"


def refused(act: Callable[[], object]) -> str:
    with pytest.raises(NotAllowed) as caught:
        act()
    return caught.value.code


def found(desk: Editor, article_id: bytes) -> list[Rule]:
    return [checked.finding.rule for checked in desk.check(article_id)]


def only(desk: Editor, article_id: bytes) -> Checked:
    checked = desk.check(article_id)
    assert len(checked) == 1
    return checked[0]


def in_review(house: House, **changes: object) -> bytes:
    article_id = house.draft(**changes).head.id
    house.amira.submit(article_id)
    return article_id


def test_a_clean_draft_has_no_findings(house: House) -> None:
    assert found(house.amira, house.draft().head.id) == []


def test_words_of_a_sealed_letter_are_found(house: House) -> None:
    checked = only(house.amira, house.draft(body=f"One said {LIFTED}.").head.id)
    assert checked.finding.rule is Rule.LIFTED_RUN
    assert checked.finding.case == house.case_id.hex()


def test_what_the_source_and_the_editor_protect_is_found(house: House) -> None:
    house.send("More.", protect="Kang Pyong-su; Hyesan")
    conversation.save_card(house.newsroom.seat(house.newsroom.jonas), house.case_id, Card(protected=("Musan",)))
    article_id = house.draft(title="Kang of Musan", body="In Hyesan.").head.id
    assert found(house.amira, article_id).count(Rule.PROTECTED_TERM) == 2
    assert Rule.NEAR_SPELLING in found(house.amira, article_id)


def test_a_letter_that_came_in_after_the_draft_counts(house: House) -> None:
    article_id = house.draft(body="In Hyesan.").head.id
    assert found(house.amira, article_id) == []
    house.send("More.", protect="Hyesan")
    assert found(house.amira, article_id) == [Rule.PROTECTED_TERM]


def test_a_case_that_was_withdrawn_blocks(house: House) -> None:
    article_id = house.draft().head.id
    workflow.delete(house.newsroom.seat(house.newsroom.jonas), house.case_id)
    assert found(house.amira, article_id) == [Rule.CASE_GONE]


def test_reports_withdrawn_before_the_article_was_begun_do_not_count_but_later_ones_do(house: House) -> None:
    house.newsroom.clock.pass_hours(1)
    house.send("", action="withdraw")
    house.newsroom.clock.pass_hours(1)
    house.send("A new beginning.")
    article_id = house.draft().head.id
    assert found(house.amira, article_id) == []
    house.newsroom.clock.pass_hours(1)
    house.send("", action="withdraw")
    assert found(house.amira, article_id) == [Rule.CASE_GONE]


def test_a_letter_that_cannot_be_opened_here_blocks(house: House) -> None:
    ines_letters = house.newsroom.roster
    house.send("Before Otto came.", protect="Hyesan")
    otto = house.newsroom.hire("otto")
    assert house.newsroom.roster.epoch > ines_letters.epoch
    article_id = house.draft(body="In Hyesan.").head.id
    assert Rule.CASE_UNREAD in found(house.desk(otto), article_id)
    assert Rule.CASE_UNREAD not in found(house.jonas, article_id)


def with_a_file(house: House) -> None:
    """A letter of which the payload is a file."""
    house.newsroom.send(house.source, "More.", files=(os.urandom(150_000).hex().encode(),))
    house.newsroom.collect()
    sort.sort(house.newsroom.seat(house.newsroom.amira))


@contextmanager
def unreadable(house: House) -> Iterator[None]:
    """The disk gives no stored file of the vault, and everything else."""
    files = [path for path in house.newsroom.directory.glob("desk/blobs/[0-9a-f]*") if path.is_file()]
    for path in files:
        path.rename(path.with_suffix(".aside"))
        path.mkdir()
    yield
    for path in files:
        path.rmdir()
        path.with_suffix(".aside").rename(path)


def test_a_letter_that_the_disk_does_not_give_blocks_by_name_and_is_never_overridden(house: House) -> None:
    with_a_file(house)
    article_id = in_review(house, body="In the north.")
    with unreadable(house):
        finding = only(house.jonas, article_id).finding
        assert (finding.rule, finding.severity, finding.case) == (
            Rule.CASE_UNREADABLE,
            Severity.BLOCK,
            house.case_id.hex(),
        )
        assert refused(lambda: house.jonas.answer(article_id, finding.key, "Compared by hand.")) == "case-unreadable"
        assert refused(lambda: house.jonas.clear(article_id)) == "case-unreadable"
    assert found(house.jonas, article_id) == []
    house.jonas.clear(article_id)
    house.ines_desk.publish(article_id)


def test_a_scheduled_article_waits_while_a_letter_cannot_be_read(house: House) -> None:
    house.press.update(minimum_age_hours=72, daily_slot="06:00")
    with_a_file(house)
    article_id = house.published()
    house.newsroom.clock.pass_hours(24 * 7)
    with unreadable(house):
        run = house.jonas.publish_due()
        assert (run.published, run.held) == ((), ())
    assert house.jonas.publish_due().published == (article_id,)


def test_a_whole_store_that_is_away_is_no_finding(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    with_a_file(house)
    article_id = house.draft().head.id

    def away(*_: object) -> None:
        raise StoreError("the payload store is away")

    for method in ("open", "create"):
        monkeypatch.setattr(house.newsroom.vault.blobs, method, away)
    with pytest.raises(StoreError):
        house.amira.check(article_id)


# --- answering ---


def test_an_open_warning_holds_the_article_until_it_is_answered(house: House) -> None:
    article_id = in_review(house, body="It happened on 3 May 2024, they say.")
    assert refused(lambda: house.jonas.clear(article_id)) == "unanswered-findings"
    key = only(house.jonas, article_id).finding.key
    house.amira.answer(article_id, key, "The day is known from the official bulletin.")
    answer = only(house.jonas, article_id).answer
    assert answer is not None
    assert (answer.by, answer.reason) == ("amira", "The day is known from the official bulletin.")
    assert house.jonas.clear(article_id).state is ArticleState.CLEARED


def test_each_finding_needs_an_answer_of_its_own(house: House) -> None:
    article_id = in_review(house, body="It happened on 3 May 2024.\n\nAnd once more on 7 June 2024.")
    keys = [checked.finding.key for checked in house.jonas.check(article_id)]
    house.jonas.answer(article_id, keys[0], "Known.")
    assert refused(lambda: house.jonas.clear(article_id)) == "unanswered-findings"
    house.jonas.answer(article_id, keys[1], "Known, too.")
    house.jonas.clear(article_id)


def test_a_writer_cannot_override_a_block(house: House) -> None:
    article_id = in_review(house, body=f"One said {LIFTED}.")
    key = only(house.amira, article_id).finding.key
    assert refused(lambda: house.amira.answer(article_id, key, "It is fine.")) == "own-article"


def test_a_block_is_overridden_by_the_person_who_clears_and_by_nobody_else(house: House) -> None:
    article_id = in_review(house, body=f"One said {LIFTED}.")
    key = only(house.ines_desk, article_id).finding.key
    house.ines_desk.answer(article_id, key, "The source agreed to be quoted.")
    assert only(house.jonas, article_id).answer is None
    assert refused(lambda: house.jonas.clear(article_id)) == "unanswered-findings"
    house.jonas.answer(article_id, key, "I have asked the source myself.")
    house.jonas.clear(article_id)
    assert only(house.ines_desk, article_id).answer == only(house.amira, article_id).answer
    assert house.ines_desk.publish(article_id).state is ArticleState.PUBLISHED
    acts = [entry.act for entry in house.newsroom.vault.audit.page() if entry.actor == "jonas"]
    assert "article-overridden" in acts


def test_a_mended_block_needs_no_answer(house: House) -> None:
    article_id = in_review(house, body=f"One said {LIFTED}.")
    house.edit(article_id, body="One said that a guard was drunk.")
    house.amira.submit(article_id)
    assert house.jonas.clear(article_id).state is ArticleState.CLEARED


def test_an_answer_outlives_an_edit_elsewhere_but_not_one_at_its_place(house: House) -> None:
    body = "Somebody has told us that it happened on 3 May 2024, and that many saw it happen."
    article_id = house.draft(body=body).head.id
    house.amira.answer(article_id, only(house.amira, article_id).finding.key, "Known.")
    house.edit(article_id, body=f"A new beginning of this text.\n\n{body}")
    assert only(house.amira, article_id).answer is not None
    house.edit(article_id, body=body.replace("3 May", "4 May"))
    assert only(house.amira, article_id).answer is None


def test_a_reason_is_a_reason(house: House) -> None:
    article_id = house.draft(body="On 3 May 2024.").head.id
    key = only(house.amira, article_id).finding.key
    with pytest.raises(UsageError):
        house.amira.answer(article_id, key, " \n")
    with pytest.raises(LimitExceeded):
        house.amira.answer(article_id, key, "x" * 2001)
    with pytest.raises(NotFound):
        house.amira.answer(article_id, "0" * 16, "There is no such finding.")


def test_no_reason_is_in_the_clear(house: House) -> None:
    article_id = house.draft(body="On 3 May 2024.").head.id
    house.amira.answer(article_id, only(house.amira, article_id).finding.key, "Unmistakably known.")
    for path in house.newsroom.files():
        assert b"Unmistakably" not in path.read_bytes()


def test_an_answer_that_somebody_else_sealed_in_a_name_does_not_count(house: House) -> None:
    """Anybody with the public keys can seal a note; only its owner's key signs it."""
    from fieldreport.seal import Kind
    from fieldreport.vault.articles.signatures import answer_parts
    from fieldreport.vault.articles.tables import ArticleAnswer

    article_id = in_review(house, body=f"One said {LIFTED}.")
    key = only(house.jonas, article_id).finding.key
    seat = house.newsroom.seat(house.newsroom.amira)
    parts, fields = answer_parts(seat, article_id, key, "Forged.")
    forged = {**fields, "by": "jonas"}
    with seat.stage(kind=Kind.NOTE, thread=article_id, parts=parts, fields=forged) as staged, seat.change() as change:
        change.add(staged)
        change.session.add(ArticleAnswer(article_id=article_id, number=1, object_id=staged.id))
    assert only(house.jonas, article_id).answer is None
    assert refused(lambda: house.jonas.clear(article_id)) == "unanswered-findings"
