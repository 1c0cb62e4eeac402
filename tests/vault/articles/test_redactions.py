"""Redacted files: new objects that say what they are made of, under a signature, and that no old text undoes."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from fieldreport.errors import Conflict, NotFound, ScrubRefused
from fieldreport.press.article import Article, Translation, new_slug
from fieldreport.scratch import Scratch
from fieldreport.scrub import Area, Redaction
from fieldreport.scrub.sandbox.service import Scrubber
from fieldreport.scrub.views.covered import Covering, cover
from fieldreport.scrub.views.document import Block, Piece, Reading
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.archive.tables import AuditRow
from fieldreport.vault.articles import drafts, redactions
from fieldreport.vault.articles.drafts import Draft
from fieldreport.vault.articles.redactions import Origin
from fieldreport.vault.articles.tables import ArticleState
from tests.vault.articles.conftest import House

FACE = (120, 40, 180, 100)
AREA = Area(1, 3_700, 1_200, 5_700, 3_200)


def portrait() -> bytes:
    image = Image.new("RGB", (320, 240), "olive")
    image.paste("red", FACE)
    with io.BytesIO() as file:
        image.save(file, "JPEG")
        return file.getvalue()


@pytest.fixture
def scratch(tmp_path: Path) -> Iterator[Scratch]:
    with Scratch(tmp_path) as file:
        file.write(portrait())
        file.seek(0)
        yield file


@pytest.fixture
def seat(house: House) -> Seat:
    return house.newsroom.seat(house.newsroom.amira)


@pytest.fixture
def draft(house: House, scrubber: Scrubber, scratch: Scratch) -> Draft:
    """With a photo of which the text speaks."""
    draft = house.draft(body="Before.\n\n![](photo-1.jpg)\n\nAfter photo-1.jpgs, as in photo-11.jpg.")
    return house.amira.add_media(
        draft.head.id,
        scratch,
        scrubber=scrubber,
        based_on=draft.head.revision,
        alternative="A field",
        caption="Somewhere",
    )


Redact = Callable[..., Draft]


@pytest.fixture
def redact(seat: Seat, scratch: Scratch, scrubber: Scrubber) -> Redact:
    def redacted(draft: Draft, origin: Origin | None = None, **changed: int) -> Draft:
        scratch.seek(0)
        return redactions.redact(
            seat,
            draft.head.id,
            scratch,
            Redaction(areas=(AREA,)),
            origin=origin or redactions.attachment(seat, draft.head.id, draft.article.media[-1].name),
            scrubber=scrubber,
            based_on=changed.get("based_on", draft.head.revision),
        )

    return redacted


def test_a_redacted_photo_takes_the_place_of_the_one_it_is_made_of(
    house: House, seat: Seat, draft: Draft, redact: Redact
) -> None:
    after = redact(draft)
    (media,) = after.article.media
    assert (media.name, media.alternative, media.caption) == ("photo-2.jpg", "A field", "Somewhere")
    assert after.article.body == "Before.\n\n![](photo-2.jpg)\n\nAfter photo-1.jpgs, as in photo-11.jpg."
    with house.jonas.open_media(draft.head.id, "photo-2.jpg") as stream:
        image = Image.open(io.BytesIO(stream.read(-1) or b""))
        assert image.crop(FACE).getextrema() == ((0, 0),) * 3
    jonas = house.newsroom.seat(house.newsroom.jonas)
    (history,) = redactions.histories(jonas, draft.head.id).values()
    assert (history.by, history.redaction.areas, history.origin.name) == ("amira", (AREA,), "photo-1.jpg")
    with seat.vault.reading() as session:
        acts = [row.act for row in session.query(AuditRow).order_by(AuditRow.sequence)]
    assert acts[-2:] == ["article-saved", "article-redacted"]


def test_the_redacted_photo_is_what_is_signed_and_published(house: House, draft: Draft, redact: Redact) -> None:
    article = redact(draft).article
    house.amira.submit(draft.head.id)
    assert [each.finding.rule for each in house.jonas.check(draft.head.id)] == []
    house.jonas.clear(draft.head.id)
    house.ines_desk.publish(draft.head.id)
    names = {path.name for path in house.site.rglob("photo-*")}
    assert names == {"photo-2.jpg"}
    assert 'photo-2.jpg"' in house.page(article)


def test_a_translation_shows_the_redacted_photo_under_its_own_words(house: House, draft: Draft, redact: Redact) -> None:
    photo = draft.article.media[0]
    korean = Article(
        language="ko",
        slug=new_slug(language="ko"),
        title="들판",
        body="![](photo-1.jpg)",
        media=(replace(photo, caption="어딘가", alternative="들판"),),
    )
    translated = draft.article.with_translation(Translation(article=korean, ready=True))
    saved = house.amira.save(draft.head.id, translated, based_on=draft.head.revision)
    changed = redact(saved).article.each_language()[1]
    assert changed.body == "![](photo-2.jpg)"
    (shown,) = changed.media
    assert (shown.name, shown.caption, shown.alternative) == ("photo-2.jpg", "어딘가", "들판")
    assert shown.sha256 != photo.sha256


def test_of_words_only_what_is_left_is_published_and_an_earlier_text_brings_nothing_back(
    house: House, seat: Seat, tmp_path: Path
) -> None:
    draft = house.draft(body="Before.")
    pieces = (
        Piece(Block.HEADING, ("<html>",)),  # it stays a text, whatever it begins with
        Piece(Block.LINE, ("박영호 대위, قال مُحَمَّد",)),
        Piece(Block.ROW, ("이름", "박영호")),
        Piece(Block.ROW, ("김철수", "병사")),
    )
    left = cover(Reading(pieces=pieces), Covering(lines=frozenset({3}), passages=("박영호", "محمد")))
    origin = Origin(item=bytes(16), number=1)
    made = redactions.redact_words(
        seat, draft.head.id, left, origin=origin, scratch=tmp_path, based_on=draft.head.revision
    )
    (media,) = made.article.media
    assert (media.name, media.media_type) == ("text-1.txt", "text/plain")
    history = redactions.histories(house.newsroom.seat(house.newsroom.jonas), draft.head.id)["text-1.txt"]
    assert (history.by, history.covered, history.origin) == ("amira", 4, origin)
    again = cover(Reading(pieces=(Piece(Block.LINE, (left.text,)),)), Covering(passages=("대위",)))
    origin = redactions.attachment(seat, draft.head.id, "text-1.txt")
    now = redactions.redact_words(
        seat, draft.head.id, again, origin=origin, scratch=tmp_path, based_on=made.head.revision
    )
    back = redactions.restore(seat, draft.head.id, made.head.revision, based_on=now.head.revision)
    assert [each.name for each in back.article.media] == ["text-2.txt"]
    described = replace(back.article, media=(replace(back.article.media[0], alternative="A list", caption="A list"),))
    drafts.save(seat, draft.head.id, described, based_on=back.head.revision)
    house.amira.submit(draft.head.id)
    house.jonas.clear(draft.head.id)
    house.ines_desk.publish(draft.head.id)
    (published,) = house.site.rglob("text-*")
    assert published.read_text(encoding="utf-8") == "<html>\n█████ █████, قال █████\n이름\t█████\n█████\n"
    nothing = cover(Reading(pieces=()), Covering())
    with pytest.raises(ScrubRefused):
        redactions.redact_words(seat, draft.head.id, nothing, origin=origin, scratch=tmp_path, based_on=9)


def test_redacting_voids_the_sign_offs_and_a_colleague_who_saved_first_wins(
    house: House, draft: Draft, redact: Redact
) -> None:
    house.amira.submit(draft.head.id)
    house.jonas.clear(draft.head.id)
    with pytest.raises(Conflict):
        redact(draft, based_on=draft.head.revision - 1)
    head = redact(house.amira.load(draft.head.id)).head
    assert (head.state, head.cleared_by) == (ArticleState.DRAFT, None)


def test_an_earlier_text_comes_back_with_the_photo_redacted(
    house: House, seat: Seat, draft: Draft, redact: Redact
) -> None:
    twice = redact(redact(draft))
    assert [media.name for media in twice.article.media] == ["photo-3.jpg"]
    house.edit(draft.head.id, media=(), body="Nothing.")
    now = house.amira.load(draft.head.id)
    back = redactions.restore(seat, draft.head.id, draft.head.revision, based_on=now.head.revision)
    assert [(media.name, media.caption) for media in back.article.media] == [("photo-3.jpg", "Somewhere")]
    assert "![](photo-3.jpg)" in back.article.body
    assert back.article.media[0].sha256 == twice.article.media[0].sha256


def test_a_circle_of_histories_ends(seat: Seat, draft: Draft, redact: Redact, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each says that it was made of the other: an editor can sign that, with a program of their own."""
    redact(draft)
    now = redactions.histories(seat, draft.head.id)["photo-2.jpg"]
    back = replace(now, origin=replace(now.origin, name="photo-2.jpg"), media=draft.article.media[0])
    monkeypatch.setattr(redactions, "histories", lambda *_: {"photo-1.jpg": back, "photo-2.jpg": now})
    latest = drafts.load(seat, draft.head.id)
    made = redactions.restore(seat, draft.head.id, draft.head.revision, based_on=latest.head.revision)
    assert len(made.article.media) == 1


def test_of_a_file_of_a_case_only_the_redacted_one_comes_into_the_article(
    house: House, seat: Seat, draft: Draft, redact: Redact
) -> None:
    after = redact(draft, Origin(item=bytes(16), number=1))
    assert [media.name for media in after.article.media] == ["photo-1.jpg", "photo-2.jpg"]
    assert redactions.histories(seat, draft.head.id)["photo-2.jpg"].origin == Origin(item=bytes(16), number=1)
    with pytest.raises(NotFound):
        redactions.attachment(seat, draft.head.id, "photo-9.jpg")
