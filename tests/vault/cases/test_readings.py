"""What is made of attachments: once, sealed to those who read the case, gone with its letter."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import select, update
from typing_extensions import override

from fieldreport.errors import NotARecipient, NotFound, ScrubRefused, Unavailable
from fieldreport.scratch import Scratch
from fieldreport.scrub.sandbox.service import Scrubber
from fieldreport.scrub.verdicts import Refusal
from fieldreport.scrub.views.document import Reading, Unread
from fieldreport.seal import open_header
from fieldreport.unseal.staff_key import StaffKey
from fieldreport.vault.archive import rewrap
from fieldreport.vault.archive.tables import Rendition
from fieldreport.vault.cases import inbox, restriction, sort, workflow
from fieldreport.vault.cases.inbox import CaseRow
from fieldreport.vault.cases.readings import Reader
from tests.cast import a_source, with_new_key, without_old_keys
from tests.scrub.samples import every_sample
from tests.vault.newsroom import Newsroom, everywhere

TEXT = b"The gate was opened."


@pytest.fixture(scope="module")
def scrubber(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scrubber]:
    with Scrubber.start(directory=tmp_path_factory.mktemp("scratch"), require_sandbox=False) as scrubber:
        yield scrubber


@pytest.fixture
def reader(scrubber: Scrubber, tmp_path: Path) -> Reader:
    return Reader(scrubber, tmp_path)


def photo(width: int = 900) -> bytes:
    with io.BytesIO() as file:
        Image.new("RGB", (width, 600), "teal").save(file, "JPEG")
        return file.getvalue()


def letter(newsroom: Newsroom, case: CaseRow) -> bytes:
    return inbox.items(newsroom.vault, case.id)[0].id


def words(newsroom: Newsroom, reader: Reader, item: bytes, person: StaffKey, number: int = 1) -> Reading | None:
    seat = newsroom.seat(person)
    with seat.open_item(item) as envelope:
        return reader.words(seat, envelope, number)


def picture(newsroom: Newsroom, reader: Reader, item: bytes, person: StaffKey) -> bytes:
    seat = newsroom.seat(person)
    with seat.open_item(item) as envelope:
        return reader.picture(seat, envelope, 1, place=(1,), side=300)


def kept(newsroom: Newsroom) -> list[bytes]:
    with newsroom.vault.reading() as session:
        return list(session.scalars(select(Rendition.object_id)))


def opens(newsroom: Newsroom, person: StaffKey, object_id: bytes) -> bool:
    """Whether somebody's keys open an object, whatever the desk allows."""
    try:
        open_header(newsroom.vault.objects.header(object_id), person.identities)
    except NotARecipient:
        return False
    return True


class NoScrubber(Scrubber):
    """Nothing is made with this one."""

    def __init__(self) -> None:
        pass


def test_words_are_read_once_and_kept_for_colleagues(newsroom: Newsroom, reader: Reader) -> None:
    item = letter(newsroom, newsroom.receive(a_source(), files=(TEXT,)))
    first = words(newsroom, reader, item, newsroom.amira)
    assert first is not None
    assert (first.text, first.unread) == (TEXT.decode(), ())
    assert words(newsroom, Reader(NoScrubber(), reader.scratch), item, newsroom.jonas) == first


def test_that_a_file_cannot_be_read_is_kept_too(newsroom: Newsroom, reader: Reader) -> None:
    item = letter(newsroom, newsroom.receive(a_source(), files=(bytes(range(256)),)))
    assert words(newsroom, reader, item, newsroom.amira) is None
    assert words(newsroom, Reader(NoScrubber(), reader.scratch), item, newsroom.amira) is None
    with pytest.raises(ScrubRefused):
        picture(newsroom, reader, item, newsroom.amira)


def test_pictures_are_small_and_kept(newsroom: Newsroom, reader: Reader) -> None:
    item = letter(newsroom, newsroom.receive(a_source(), files=(photo(),)))
    drawn = picture(newsroom, reader, item, newsroom.amira)
    assert Image.open(io.BytesIO(drawn)).size == (300, 200)
    assert picture(newsroom, Reader(NoScrubber(), reader.scratch), item, newsroom.jonas) == drawn
    assert len(kept(newsroom)) == 1


def test_a_film_that_no_browser_plays_is_encoded_again_and_read_at_any_place(
    newsroom: Newsroom, reader: Reader
) -> None:
    item = letter(newsroom, newsroom.receive(a_source(), files=(every_sample()["video/x-matroska"](),)))
    seat = newsroom.seat(newsroom.amira)
    with reader.playable(seat, item, 1) as nothing:
        assert nothing is None
    with seat.open_item(item) as envelope:
        reader.make_playable(seat, envelope, 1)
    with reader.playable(newsroom.seat(newsroom.jonas), item, 1) as film:
        assert film is not None
        assert film.manifest.parts[0].media_type == "video/mp4"
        part = film.open_part(0)
        part.seek(4)
        assert part.read(4) == b"ftyp"


def test_nothing_of_it_is_on_the_disk_in_the_clear(newsroom: Newsroom, reader: Reader) -> None:
    text = TEXT * 5000
    words(newsroom, reader, letter(newsroom, newsroom.receive(a_source(), files=(text,))), newsroom.amira)
    assert [path for path in newsroom.directory.rglob("*") if path.is_file() and TEXT in path.read_bytes()] == []


@everywhere
def test_it_is_shredded_with_its_case(newsroom: Newsroom, reader: Reader) -> None:
    case = newsroom.receive(a_source(), files=(TEXT,))
    words(newsroom, reader, letter(newsroom, case), newsroom.amira)
    (made,) = kept(newsroom)
    workflow.delete(newsroom.seat(newsroom.amira), case.id)
    assert kept(newsroom) == []
    with pytest.raises(NotFound):
        newsroom.vault.objects.open(made)


def test_it_is_shredded_when_its_source_withdraws(newsroom: Newsroom, reader: Reader) -> None:
    source = a_source()
    case = newsroom.receive(source, files=(TEXT,))
    words(newsroom, reader, letter(newsroom, case), newsroom.amira)
    newsroom.clock.pass_hours(1)
    newsroom.send(source, "", action="withdraw")
    newsroom.collect()
    sort.sort(newsroom.seat(newsroom.amira))
    assert kept(newsroom) == []


@everywhere
def test_of_a_limited_case_only_its_readers_can_open_it(newsroom: Newsroom, reader: Reader) -> None:
    ines = newsroom.hire("ines")
    case = newsroom.receive(a_source(), files=(TEXT, photo()))
    item = letter(newsroom, case)
    words(newsroom, reader, item, ines)
    restriction.limit(newsroom.seat(newsroom.amira), case.id, ["amira", "jonas"])
    words(newsroom, reader, item, newsroom.jonas, 2)
    assert len(kept(newsroom)) == 2
    for made in kept(newsroom):
        assert opens(newsroom, newsroom.jonas, made)
        assert not opens(newsroom, ines, made)


def test_it_is_re_wrapped_to_a_new_key(newsroom: Newsroom, reader: Reader) -> None:
    words(newsroom, reader, letter(newsroom, newsroom.receive(a_source(), files=(TEXT,))), newsroom.jonas)
    newsroom.amira = with_new_key(newsroom.amira)
    newsroom.next_roster(newsroom.amira)
    rewrap.rewrap(newsroom.seat(newsroom.amira))
    assert newsroom.vault.objects.named_by(newsroom.amira.identities[1].key_id) == 0
    (made,) = kept(newsroom)
    assert opens(newsroom, without_old_keys(newsroom.amira), made)


def test_what_the_database_puts_in_its_place_is_not_shown(newsroom: Newsroom, reader: Reader) -> None:
    case = newsroom.receive(a_source(), files=(TEXT, b"Another text."))
    item = letter(newsroom, case)
    for number in (1, 2):
        words(newsroom, reader, item, newsroom.amira, number)
    with newsroom.seat(newsroom.amira).change() as change:
        rows = {row.number: row.object_id for row in change.session.scalars(select(Rendition))}
        change.session.execute(update(Rendition).where(Rendition.number == 1).values(object_id=rows[2]))
    found = words(newsroom, reader, item, newsroom.amira)
    assert found is not None
    assert found.text == TEXT.decode()


def test_sound_and_pictures_are_said_to_be_unread(newsroom: Newsroom, reader: Reader) -> None:
    item = letter(newsroom, newsroom.receive(a_source(), files=(photo(),)))
    found = words(newsroom, reader, item, newsroom.amira)
    assert found is not None
    assert found.unread == (Unread.PICTURES,)


def test_without_a_roster_to_seal_to_it_is_shown_and_not_kept(newsroom: Newsroom, reader: Reader) -> None:
    item = letter(newsroom, newsroom.receive(a_source(), files=(TEXT,)))
    newsroom.clock.pass_hours(24 * 365 * 3)
    found = words(newsroom, reader, item, newsroom.amira)
    assert found is not None
    assert (found.text, kept(newsroom)) == (TEXT.decode(), [])


class Failing(NoScrubber):
    """Fails at every file, as an honest one does at some."""

    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal

    @override
    def read(self, source: Scratch) -> Reading:
        raise ScrubRefused(self.refusal.text, code=self.refusal.value)


def test_a_file_at_which_the_reader_fails_cannot_be_read_and_is_tried_again(newsroom: Newsroom, reader: Reader) -> None:
    item = letter(newsroom, newsroom.receive(a_source(), files=(TEXT,)))
    for refusal in (Refusal.CRASHED, Refusal.MEMORY):
        assert words(newsroom, Reader(Failing(refusal), reader.scratch), item, newsroom.amira) is None
    with pytest.raises(Unavailable):
        words(newsroom, Reader(Failing(Refusal.BUSY), reader.scratch), item, newsroom.amira)
    assert kept(newsroom) == []
    found = words(newsroom, reader, item, newsroom.amira)
    assert found is not None
    assert found.text == TEXT.decode()
