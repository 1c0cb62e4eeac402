"""Pictures of an article: cleaned again, sealed, signed, and published under neutral names."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from fieldreport.errors import NotAllowed, NotFound, ScrubRefused, SealError, UsageError
from fieldreport.press.article import Media
from fieldreport.press.leakcheck import Rule
from fieldreport.scratch import Scratch
from fieldreport.scrub.sandbox.service import Scrubber
from fieldreport.vault.articles import review
from fieldreport.vault.articles.drafts import Draft
from fieldreport.vault.articles.tables import ArticleState
from tests.vault.articles.conftest import House


@pytest.fixture
def scratch(tmp_path: Path) -> Iterator[Callable[[bytes], Scratch]]:
    opened: list[Scratch] = []

    def filled(content: bytes) -> Scratch:
        file = Scratch(tmp_path)
        file.write(content)
        file.seek(0)
        opened.append(file)
        return file

    yield filled
    for file in opened:
        file.close()


def photo(colour: str = "navy") -> bytes:
    """A JPEG that says where and with what it was made."""
    exif = Image.Exif()
    exif[0x010F] = "Samsung"
    exif[0x8825] = {1: "N", 2: (41.0, 24.0, 12.0), 3: "E", 4: (128.0, 10.0, 26.0)}
    content = io.BytesIO()
    Image.new("RGB", (64, 48), colour).save(content, "JPEG", exif=exif)
    return content.getvalue()


Attach = Callable[..., Draft]


@pytest.fixture
def attach(house: House, scrubber: Scrubber, scratch: Callable[[bytes], Scratch]) -> Attach:
    def attached(draft: Draft, content: bytes, **described: str) -> Draft:
        return house.amira.add_media(
            draft.head.id, scratch(content), scrubber=scrubber, based_on=draft.head.revision, **described
        )

    return attached


def test_a_photo_is_cleaned_named_and_described(house: House, attach: Attach) -> None:
    draft = attach(house.draft(), photo(), alternative="A field", caption="Somewhere")
    (media,) = draft.article.media
    assert (media.name, media.media_type) == ("photo-1.jpg", "image/jpeg")
    assert (media.alternative, media.caption) == ("A field", "Somewhere")
    with house.jonas.open_media(draft.head.id, "photo-1.jpg") as stream:
        content = stream.read(-1) or b""
    assert len(content) == media.length
    assert b"Samsung" not in content
    assert not Image.open(io.BytesIO(content)).getexif()
    assert house.amira.check(draft.head.id) == ()


def test_the_cleaned_photo_is_what_is_published(house: House, attach: Attach) -> None:
    draft = attach(house.draft(), photo(), alternative="A field", caption="Somewhere")
    house.amira.submit(draft.head.id)
    house.jonas.clear(draft.head.id)
    house.ines_desk.publish(draft.head.id)
    published = (house.site / "media" / draft.article.slug / "photo-1.jpg").read_bytes()
    assert published.startswith(b"\xff\xd8")
    assert b"Samsung" not in published
    assert b"Exif" not in published
    assert f"../media/{draft.article.slug}/photo-1.jpg" in house.page(draft.article)


def test_names_are_not_used_twice_even_for_removed_files(house: House, attach: Attach) -> None:
    draft = attach(attach(house.draft(), photo()), photo("green"))
    assert [media.name for media in draft.article.media] == ["photo-1.jpg", "photo-2.jpg"]
    draft = house.edit(draft.head.id, media=draft.article.media[:1])
    draft = attach(draft, photo("red"))
    assert [media.name for media in draft.article.media] == ["photo-1.jpg", "photo-3.jpg"]


def test_a_removed_file_can_be_put_back_from_an_earlier_revision(house: House, attach: Attach) -> None:
    draft = attach(house.draft(), photo())
    house.edit(draft.head.id, media=())
    earlier = house.amira.load_revision(draft.head.id, draft.head.revision)
    assert house.edit(draft.head.id, media=earlier.media).article.media == draft.article.media


def test_attaching_voids_the_sign_offs(house: House, attach: Attach) -> None:
    article_id = house.cleared()
    draft = attach(house.amira.load(article_id), photo())
    assert (draft.head.state, draft.head.cleared_by) == (ArticleState.DRAFT, None)


def test_a_file_that_cannot_be_cleaned_is_not_attached(house: House, attach: Attach) -> None:
    draft = house.draft()
    with pytest.raises(ScrubRefused):
        attach(draft, b"MZ\x90\x00 a program")
    assert house.amira.load(draft.head.id) == house.jonas.load(draft.head.id)
    assert house.amira.load(draft.head.id).article.media == ()


def test_a_file_from_nowhere_is_refused(house: House) -> None:
    draft = house.draft()
    made_up = Media(name="photo-1.jpg", media_type="image/jpeg", sha256="a" * 64, length=3)
    with pytest.raises(UsageError):
        house.edit(draft.head.id, media=(made_up,))


def test_another_hash_under_a_known_name_blocks_and_does_not_open(house: House, attach: Attach) -> None:
    draft = attach(house.draft(), photo())
    swapped = replace(draft.article.media[0], sha256="a" * 64, alternative="A field", caption="Somewhere")
    draft = house.edit(draft.head.id, media=(swapped,))
    assert [checked.finding.rule for checked in house.jonas.check(draft.head.id)] == [Rule.MEDIA]
    house.amira.submit(draft.head.id)
    with pytest.raises(NotAllowed):
        house.jonas.clear(draft.head.id)
    with pytest.raises(SealError), house.jonas.open_media(draft.head.id, "photo-1.jpg"):
        pass


def test_a_file_of_another_article_does_not_count_as_cleaned_for_this_one(house: House, attach: Attach) -> None:
    draft, other = attach(house.draft(), photo()), attach(house.draft(), photo("red"))
    borrowed = replace(other.article.media[0])
    draft = house.edit(draft.head.id, media=(borrowed,))
    assert [checked.finding.rule for checked in house.jonas.check(draft.head.id)] == [Rule.MEDIA]


def test_there_is_no_file_of_another_name(house: House, attach: Attach) -> None:
    draft = attach(house.draft(), photo())
    with pytest.raises(NotFound), house.amira.open_media(draft.head.id, "photo-9.jpg"):
        pass


def test_readers_get_pixels_made_anew_and_nothing_that_hid_beside_them(house: House, attach: Attach) -> None:
    plain = photo()
    hidden = b"a serial number" * 9  # behind the last block, where no decoder looks
    draft = attach(house.draft(), plain[:-2] + hidden + plain[-2:])
    with house.amira.open_media(draft.head.id, "photo-1.jpg") as stream:
        assert b"serial" not in (stream.read(-1) or b"")


def test_nothing_goes_out_undescribed_even_if_it_was_handed_in_before_that_was_asked(
    house: House, attach: Attach, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = attach(house.draft(), photo(), alternative="A field")
    with monkeypatch.context() as before:
        before.setattr(review, "must_be_described", lambda _article: True)
        house.amira.submit(draft.head.id)
    with pytest.raises(NotAllowed, match=r"photo-1\.jpg has no caption") as caught:
        house.jonas.clear(draft.head.id)
    assert caught.value.code == "undescribed"
