"""From the second sign-off to the site: waiting, slots, corrections, withdrawal, and what a crash leaves."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from sqlalchemy import update

from fieldreport.errors import Conflict, NotAllowed, StoreError, UsageError
from fieldreport.press.archive import Archive
from fieldreport.vault.archive import rewrap
from fieldreport.vault.archive.audit import Act
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.archive.tables import AuditRow
from fieldreport.vault.archive.vault import Vault
from fieldreport.vault.articles import release
from fieldreport.vault.articles.overview import count_due
from fieldreport.vault.articles.tables import ArticleRow, ArticleState
from tests.cast import with_new_key, without_old_keys
from tests.vault.articles.conftest import Editor, House

ATOM = "{http://www.w3.org/2005/Atom}"
DAILY = {"minimum_age_hours": 72, "random_delay_hours": 48, "daily_slot": "06:00"}


def feed(house: House) -> Any:
    return etree.parse(str(house.site / "feed.xml")).getroot()


def refused(act: Callable[[], object]) -> str:
    with pytest.raises(NotAllowed) as caught:
        act()
    return caught.value.code


def test_without_delays_it_is_on_the_site_at_once_with_no_time_finer_than_the_hour(house: House) -> None:
    house.newsroom.clock.now += 1234
    article_id = house.published()
    article = house.amira.load(article_id).article
    assert "People are leaving in the dark again" in house.page(article)
    assert feed(house).findtext(f"{ATOM}updated") == "2026-11-02T12:00:00Z"
    head = house.amira.load(article_id).head
    assert (head.slug, head.live, head.published) == (article.slug, True, datetime(2026, 11, 2, 12, tzinfo=UTC))


def test_a_round_of_the_desk_that_puts_it_out_first_is_no_conflict(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    article_id = house.cleared()
    real = release._release

    def late(seat: Seat, each: bytes, site: release.Site) -> None:
        monkeypatch.setattr(release, "_release", real)
        assert house.amira.publish_due().published == (article_id,)
        real(seat, each, site)

    monkeypatch.setattr(release, "_release", late)
    assert house.ines_desk.publish(article_id).state is ArticleState.PUBLISHED
    assert [act for _, act, _ in house.newsroom.acts()].count(Act.ARTICLE_PUBLISHED) == 1


def test_with_delays_it_waits_for_age_draw_and_slot(house: House) -> None:
    house.press.update(DAILY)
    article_id = house.published()
    head = house.amira.load(article_id).head
    assert head.state is ArticleState.SCHEDULED
    assert head.scheduled_for is not None
    assert (head.scheduled_for.hour, head.scheduled_for.minute) == (6, 0)
    report = datetime(2026, 11, 2, 12, tzinfo=UTC)
    assert report + timedelta(hours=72) <= head.scheduled_for <= report + timedelta(hours=72 + 48 + 24)
    assert not house.site.exists()
    assert house.amira.publish_due().published == ()


def test_it_goes_out_when_somebody_unlocked_looks_after_the_slot_and_is_dated_to_the_slot(house: House) -> None:
    house.press.update(DAILY)
    article_id = house.published()
    house.newsroom.clock.pass_hours(24 * 7 + 3)
    run = house.amira.publish_due()
    assert (run.published, run.held) == ((article_id,), ())
    assert feed(house).findtext(f"{ATOM}updated") == "2026-11-09T06:00:00Z"
    for path in [house.site, *house.site.rglob("*")]:
        assert path.stat().st_mtime == datetime(2026, 11, 9, 6, tzinfo=UTC).timestamp()
    assert house.amira.publish_due().published == ()


def test_how_many_need_somebody_soon_is_known_without_a_key(house: House) -> None:
    house.press.update(DAILY)
    slot = house.amira.load(house.published()).head.scheduled_for
    assert slot is not None
    found = [count_due(house.newsroom.vault, until=slot + timedelta(seconds=after)) for after in (-1, 0, 90_000)]
    assert found == [0, 1, 1]
    house.newsroom.clock.pass_hours(24 * 7)
    house.amira.publish_due()
    assert count_due(house.newsroom.vault, until=slot) == 0


def test_the_sources_wish_to_wait_is_kept(house: House) -> None:
    house.send("Please wait.", not_before="2027-01-01")
    house.send("And this.", not_before="2026-12-01")
    article_id = house.published()
    assert house.amira.load(article_id).head.scheduled_for == datetime(2027, 1, 1, tzinfo=UTC)
    assert not house.site.exists()


def test_a_scheduled_article_can_still_be_edited_and_then_needs_new_sign_offs(house: House) -> None:
    house.press.update(DAILY)
    article_id = house.published()
    draft = house.edit(article_id, title="Another title")
    assert (draft.head.state, draft.head.scheduled_for, draft.head.approved_by) == (ArticleState.DRAFT, None, None)
    house.newsroom.clock.pass_hours(24 * 7)
    assert house.amira.publish_due().published == ()


def test_a_new_letter_with_a_protected_term_holds_what_is_due(house: House) -> None:
    house.press.update(DAILY)
    article_id = house.published(body="In Hyesan, they say.")
    house.send("I am afraid.", protect="Hyesan")
    house.newsroom.clock.pass_hours(24 * 7)
    run = house.amira.publish_due()
    assert (run.published, run.held) == ((), (article_id,))
    head = house.amira.load(article_id).head
    assert (head.state, head.cleared_by, head.approved_by) == (ArticleState.REVIEW, None, None)
    assert not house.site.exists()


def test_a_signer_who_leaves_before_the_slot_holds_it(house: House) -> None:
    house.press.update(DAILY)
    article_id = house.published()
    house.newsroom.revoke("jonas")
    house.newsroom.clock.pass_hours(24 * 7)
    assert house.amira.publish_due().held == (article_id,)


def test_a_new_letter_with_a_finding_refuses_the_second_sign_off(house: House) -> None:
    article_id = house.cleared(body="In Hyesan, they say.")
    house.send("I am afraid.", protect="Hyesan")
    assert refused(lambda: house.ines_desk.publish(article_id)) == "unanswered-findings"


def test_an_embargo_waits_for_its_day_and_not_less_than_the_source_asked_for(house: House) -> None:
    house.send("Please wait.", not_before="2026-12-01")
    article_id = house.cleared()
    for day in (date(2026, 11, 1), date(2028, 1, 1)):
        with pytest.raises(UsageError):
            house.ines_desk.publish(article_id, not_before=day)
    house.ines_desk.publish(article_id, not_before=date(2026, 11, 20))
    assert house.amira.load(article_id).head.scheduled_for == datetime(2026, 12, 1, tzinfo=UTC)
    house.amira.return_to_draft(article_id)
    house.amira.submit(article_id)
    house.jonas.clear(article_id)
    house.ines_desk.publish(article_id, not_before=date(2026, 12, 24))
    assert house.amira.load(article_id).head.scheduled_for == datetime(2026, 12, 24, tzinfo=UTC)


def test_a_hold_outlasts_the_slot_and_voids_nothing(house: House) -> None:
    house.press.update(DAILY)
    article_id = house.published()
    house.jonas.hold(article_id)
    house.newsroom.clock.pass_hours(24 * 7)
    run = house.amira.publish_due()
    assert (run.published, run.held) == ((), ())
    head = house.amira.load(article_id).head
    assert (head.state, head.cleared_by, head.approved_by) == (ArticleState.SCHEDULED, "jonas", "ines")
    house.amira.let_go(article_id)
    assert house.amira.publish_due().published == (article_id,)
    assert refused(lambda: house.jonas.hold(article_id)) == "article-state"


@pytest.mark.parametrize(
    "tamper",
    [
        update(ArticleRow).values(scheduled_for=0),
        update(AuditRow).where(AuditRow.act == Act.ARTICLE_HELD.value).values(act=Act.ARTICLE_LET_GO.value),
        update(AuditRow).where(AuditRow.act == Act.ARTICLE_SCHEDULED.value).values(subject=AuditRow.subject + "0"),
    ],
)
def test_who_writes_in_the_database_brings_nothing_out_early(house: House, tamper: Any) -> None:
    house.press.update(DAILY)
    article_id = house.published()
    house.jonas.hold(article_id)
    with house.newsroom.vault.change() as change:
        change.session.execute(tamper)
    assert house.amira.publish_due().published == ()
    house.newsroom.clock.pass_hours(24 * 7)
    assert house.amira.publish_due().published == ()
    assert not house.site.exists()


# --- correcting ---


def republished(house: House, article_id: bytes, **changes: object) -> None:
    house.amira.correct(article_id)
    house.edit(article_id, **changes)
    house.amira.submit(article_id)
    house.jonas.clear(article_id)
    house.ines_desk.publish(article_id)


def test_readers_keep_the_old_version_until_the_correction_is_signed_off(house: House) -> None:
    article_id = house.published()
    article = house.amira.load(article_id).article
    house.newsroom.clock.pass_hours(5)
    draft = house.amira.correct(article_id)
    assert (draft.head.state, draft.head.live) == (ArticleState.DRAFT, True)
    house.edit(article_id, body="Fewer people are leaving.", correction="It was fewer.")
    assert "leaving in the dark again" in house.page(article)
    house.amira.submit(article_id)
    house.jonas.clear(article_id)
    head = house.ines_desk.publish(article_id)
    assert head.state is ArticleState.CORRECTED
    assert "Fewer people are leaving." in house.page(article)
    assert "It was fewer." in house.page(article)
    entry = feed(house).find(f"{ATOM}entry")
    assert entry.findtext(f"{ATOM}published") == "2026-11-02T12:00:00Z"
    assert entry.findtext(f"{ATOM}updated") == "2026-11-02T17:00:00Z"


def test_a_published_article_is_not_edited_without_opening_a_correction(house: House) -> None:
    article_id = house.published()
    assert refused(lambda: house.edit(article_id, body="x")) == "article-state"


def test_the_address_of_a_published_article_stays(house: House) -> None:
    article_id = house.published()
    house.amira.correct(article_id)
    assert refused(lambda: house.edit(article_id, slug="bcdfghjk22")) == "slug-fixed"


def test_a_correction_can_be_given_up_and_begun_again(house: House) -> None:
    article_id = house.published()
    article = house.amira.load(article_id).article
    house.amira.correct(article_id)
    house.edit(article_id, body="Nonsense.")
    draft = house.amira.cancel_correction(article_id)
    assert (draft.head.state, draft.article) == (ArticleState.PUBLISHED, article)
    republished(house, article_id, correction="Now really.")
    assert "Now really." in house.page(article)
    assert [revision.number for revision in house.amira.revisions(article_id)] == [1, 2, 3, 4]
    house.amira.correct(article_id)
    assert house.amira.cancel_correction(article_id).head.state is ArticleState.CORRECTED


def test_a_first_draft_has_no_correction_to_give_up(house: House) -> None:
    article_id = house.draft().head.id
    assert refused(lambda: house.amira.cancel_correction(article_id)) == "article-state"


# --- withdrawing ---


def test_one_person_withdraws_at_once_and_a_neutral_page_stays(house: House) -> None:
    article_id, other_id = house.published(), house.published(title="The other")
    article, other = house.amira.load(article_id).article, house.amira.load(other_id).article
    head = house.amira.withdraw(article_id)
    assert (head.state, head.live) == (ArticleState.WITHDRAWN, False)
    assert "no longer available" in house.page(article)
    assert (house.site / "gone" / article.slug).exists()
    assert "The other" in house.page(other)
    assert len(feed(house).findall(f"{ATOM}entry")) == 1
    for path in house.settings.press.site.rglob("*"):
        assert not path.is_file() or b"Leaving in the dark" not in path.read_bytes()


def test_what_the_site_has_lost_can_still_be_withdrawn(house: House) -> None:
    article_id = house.published()
    shutil.rmtree(house.settings.press.site)
    assert house.amira.withdraw(article_id).state is ArticleState.WITHDRAWN


def test_a_withdrawn_article_does_not_come_back(house: House) -> None:
    article_id = house.published()
    house.amira.withdraw(article_id)
    assert refused(lambda: house.amira.correct(article_id)) == "article-state"
    assert refused(lambda: house.edit(article_id, body="x")) == "article-state"
    assert refused(lambda: house.amira.withdraw(article_id)) == "article-state"
    assert house.amira.publish_due().published == ()


def test_withdrawing_also_ends_a_correction_under_way(house: House) -> None:
    article_id = house.published()
    house.amira.correct(article_id)
    house.amira.submit(article_id)
    assert house.amira.withdraw(article_id).state is ArticleState.WITHDRAWN


# --- what a crash leaves ---


class Killed(BaseException):
    """The process ends here."""


def killed(*_: object, **__: object) -> None:
    raise Killed


@pytest.mark.parametrize("where", ["add_media", "put", "rebuild"])
def test_a_crash_while_publishing_leaves_it_scheduled_and_the_next_look_finishes(
    house: House, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    article_id = house.cleared()
    with monkeypatch.context() as patched:
        patched.setattr(Archive, where, killed)
        with pytest.raises(Killed):
            house.ines_desk.publish(article_id)
    assert house.amira.load(article_id).head.state is ArticleState.SCHEDULED
    house.newsroom.clock.pass_hours(2)
    assert house.amira.publish_due().published == (article_id,)
    assert "leaving in the dark again" in house.page(house.amira.load(article_id).article)
    assert feed(house).find(f"{ATOM}entry").findtext(f"{ATOM}published") == "2026-11-02T14:00:00Z"


def test_a_crash_between_the_site_and_the_commit_is_repeated_without_harm(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fieldreport.vault.articles import release

    article_id = house.cleared()
    with monkeypatch.context() as patched:
        patched.setattr(release, "_note_release", killed)
        with pytest.raises(Killed):
            house.ines_desk.publish(article_id)
    assert house.amira.publish_due().published == (article_id,)
    assert len(feed(house).findall(f"{ATOM}entry")) == 1


def test_a_store_that_is_away_sends_no_article_back_to_review(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> object:
        raise StoreError("the store is away")

    house.press.update(DAILY)
    article_id = house.published()
    house.newsroom.clock.pass_hours(24 * 7)
    with monkeypatch.context() as patched:
        patched.setattr(Seat, "open_item", away)
        patched.setattr(Vault, "must_work", away)
        with pytest.raises(StoreError):
            house.amira.publish_due()
    assert house.amira.load(article_id).head.state is ArticleState.SCHEDULED
    assert house.amira.publish_due().published == (article_id,)


def test_a_site_that_cannot_be_written_leaves_everything_as_it_was(house: House, tmp_path: Path) -> None:
    site = house.settings.press.site
    article_id = house.cleared()
    site.write_text("a file is in the way", encoding="utf-8")
    with pytest.raises(StoreError):
        house.ines_desk.publish(article_id)
    assert house.amira.load(article_id).head.state is ArticleState.SCHEDULED
    with pytest.raises(StoreError):
        house.amira.publish_due()
    site.unlink()
    assert house.amira.publish_due().published == (article_id,)


def test_a_withdrawal_that_cannot_reach_the_site_says_so_and_can_be_repeated(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    article_id = house.published()
    with monkeypatch.context() as patched:
        patched.setattr(Archive, "rebuild", killed)
        with pytest.raises(Killed):
            house.amira.withdraw(article_id)
    assert house.amira.load(article_id).head.live
    assert house.amira.withdraw(article_id).state is ArticleState.WITHDRAWN
    assert "no longer available" in house.page(house.amira.load(article_id).article)


def test_two_people_who_look_at_the_same_moment_publish_it_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.press.update(DAILY)
    article_id = house.published()
    house.newsroom.clock.pass_hours(24 * 7)
    jonas: Editor = house.jonas
    keep = Archive.add_media

    def keep_and_be_late(*arguments: Any) -> None:
        monkeypatch.setattr(Archive, "add_media", keep)
        assert jonas.publish_due().published == (article_id,)
        keep(*arguments)

    monkeypatch.setattr(Archive, "add_media", keep_and_be_late)
    assert house.amira.publish_due().published == ()
    acts = [entry.act for entry in house.newsroom.vault.audit.page()]
    assert acts.count("article-published") == 1


def test_an_edit_in_the_middle_of_a_sign_off_wins(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    from fieldreport.vault.articles import review
    from fieldreport.vault.articles.signatures import sign

    article_id = house.draft().head.id
    house.amira.submit(article_id)

    def sign_and_be_late(*arguments: Any, **named: Any) -> bytes:
        house.edit(article_id, body="Changed under the signer's hand.")
        house.amira.submit(article_id)
        return sign(*arguments, **named)

    monkeypatch.setattr(review, "sign", sign_and_be_late)
    with pytest.raises(Conflict):
        house.jonas.clear(article_id)
    assert house.amira.load(article_id).head.cleared_by is None


def test_after_a_rotation_and_rewrapping_a_scheduled_article_still_goes_out(house: House) -> None:
    newsroom = house.newsroom
    house.press.update(DAILY)
    article_id = house.published()
    jonas = with_new_key(newsroom.jonas)
    newsroom.next_roster(jonas)
    rewrap.rewrap(newsroom.seat(jonas))
    jonas = without_old_keys(jonas)
    newsroom.clock.pass_hours(24 * 7)
    assert house.desk(jonas).publish_due().published == (article_id,)


def test_the_site_is_rebuilt_without_any_key(house: House) -> None:
    from fieldreport.press.newsroom import Newsroom

    article_id = house.published()
    article = house.amira.load(article_id).article
    archive = Archive(house.settings.press.site)
    newsroom = dataclasses.replace(Newsroom.from_settings(house.settings), name="Renamed")
    archive.rebuild(newsroom, slot=datetime(2026, 11, 3, tzinfo=UTC))
    assert "Renamed" in house.page(article)


# --- the keys that sources seal to ---


def keys_shown(house: House) -> set[str]:
    lines = (house.site / "recipients.txt").read_text().splitlines()
    return {line for line in lines if not line.startswith("#")}


def test_a_site_that_names_the_letterbox_shows_the_keys_of_today(house: House) -> None:
    house.press.update({"letterbox": "c" * 56 + ".onion"})
    house.amira.publish_due()
    assert keys_shown(house) == {str(each) for each in house.newsroom.roster.recipients()}
    before = (house.site / "index.html").stat().st_mtime
    assert "/recipients.txt" in (house.site / "index.html").read_text()
    house.newsroom.next_roster(with_new_key(house.newsroom.jonas))
    built = house.site.resolve()
    house.amira.publish_due()
    assert keys_shown(house) == {str(each) for each in house.newsroom.roster.recipients()}
    assert house.site.resolve() != built
    assert (house.site / "recipients.txt").stat().st_mtime == before, "a file tells no time but a slot's"
    built = house.site.resolve()
    house.amira.publish_due()
    assert house.site.resolve() == built, "it is built again only when keys have changed"


def test_a_site_that_does_not_name_the_letterbox_shows_no_keys(house: House) -> None:
    house.published()
    assert not (house.site / "recipients.txt").exists()
    assert "recipients.txt" not in (house.site / "index.html").read_text()
