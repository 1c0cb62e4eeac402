"""Search over everything that one person may read: letters, replies, notes, fact sheets, the words of attachments.

Each session opens the cases for itself, in the background after unlocking and again as they change, and keeps their
terms in memory only. A letter's fields and the names of its files are searched with its text.

Rules: whose case it is to read is asked when it is indexed, when it is searched, and again when a hit is shown, which
is opened for that. What cannot be opened is not found, and named in the list and on the case's own page. Words of
attachments that are kept are indexed first; what has to be made is made one at a time, with pauses, up to a bound.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from sqlalchemy import Row, select

from fieldreport import limits
from fieldreport.errors import FieldreportError, NotARecipient, NotFound, StoreError, Unavailable
from fieldreport.seal import ORIGINAL, SOURCE_SEALED, Kind, OpenEnvelope, Part
from fieldreport.sentence import Sentence
from fieldreport.vault.archive import authors, origin, readers
from fieldreport.vault.archive.audit import Act
from fieldreport.vault.archive.objects import StoredObject
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.archive.tables import Case, Item
from fieldreport.vault.cases import conversation, inbox, source_sealed
from fieldreport.vault.cases.bits import Bits, numbers
from fieldreport.vault.cases.case_index import CaseIndex
from fieldreport.vault.cases.conversation import Card, read_card
from fieldreport.vault.cases.inbox import ItemRow
from fieldreport.vault.cases.pictures import Pictures, is_picture
from fieldreport.vault.cases.readings import LIKENESS, WORDS, Reader, kept
from fieldreport.vault.cases.search_index import SearchIndex, Source
from fieldreport.vault.cases.search_terms import Query, Shown, snippet
from fieldreport.vault.cases.summary import written

_AT_ONCE: Final = 50  # cases opened between two looks at whether to stop
_WRITTEN: Final = (Kind.LETTER.value, Kind.SENT.value, Kind.NOTE.value)
_WORDLESS: Final = ("image/", "audio/", "video/")
_DRAWING: Final = "image/svg+xml"


class SearchReader:
    """Fills ``words`` for one seat, by the places that cases have in ``index``.

    ``closed``: the places of cases with something that is not sealed to the seat's keys. ``unread``: files whose words
    are not in it yet, the newest letters' first, as item and number, with their case's place; ``unseen``: the same of
    pictures that were not looked at. ``made``: how many of both were made for it. ``pictures``: how they look.
    """

    def __init__(self, seat: Seat, index: CaseIndex, reader: Reader) -> None:
        self.words = SearchIndex()
        self.closed: set[int] = set()
        self.unread: dict[tuple[bytes, int], int] = {}
        self.unseen: dict[tuple[bytes, int], int] = {}
        self.pictures = Pictures()
        self.made = 0
        self._seat = seat
        self._index = index
        self._reader = reader
        self._reading = threading.Lock()  # two requests at once may each begin to read
        self._seen: dict[int, int] = {}  # place of a case → its revision when it was read

    def pending(self) -> list[int]:
        """The places of cases that are new or have changed, or did not open before; the newest first."""
        readable = numbers(self._index.readable(self._seat.handle))
        now = self._index.revisions(readable)
        return [place for place in reversed(readable) if self._seen.get(place) != now[place] or place in self.closed]

    def case_at(self, place: int) -> bytes:
        """The id of the case at a place of the index."""
        return self._index.case_at(place)

    def place_of(self, case_id: bytes) -> int | None:
        """The place of a case in the index, if it has one yet."""
        return self._index.place_of(case_id)

    def must_make(self) -> bool:
        """Whether there are files to be read for it, and it may."""
        return bool(self.unread or self.unseen) and self.made < limits.SEARCH_READINGS

    def find(self, query: Query) -> Mapping[int, list[Source]]:
        """The texts with all of a query's phrases, by the place of their case, in cases to be read now."""
        readable = self._index.readable(self._seat.handle)
        return {place: found for place, found in self.words.find(query).items() if readable >> place & 1}

    def read(self, report: Callable[[int, int], None]) -> None:
        """Index every pending case, then the words of files and the looks of pictures.

        ``report`` is called with (done, total) of the cases and may raise to stop; what is done stays.

        Raises:
            StoreError: the database is away.
        """
        with self._reading:
            for place in self.words.places() - set(numbers(self._index.readable(self._seat.handle))):
                self._seen.pop(place, None)
                self.words.forget(place, self.words.known(place))
                self.pictures.forget(place, self.pictures.known(place))
            places = self.pending()
            report(0, len(places))
            for start in range(0, len(places), _AT_ONCE):
                self._read(places[start : start + _AT_ONCE])
                report(min(start + _AT_ONCE, len(places)), len(places))
            self._read_files(lambda: report(len(places), len(places)))

    def _read(self, places: Sequence[int]) -> None:
        by_id = {self._index.case_at(place): place for place in places}
        seen = self._index.revisions(places)
        saves = authors.count_of(Case.name, Act.CARD_SAVED).scalar_subquery().label("saves")
        with self._seat.vault.reading() as session:
            cases = {row.Case.id: row for row in session.execute(select(Case, saves).where(Case.id.in_(by_id)))}
            written = select(Item).where(Item.case_id.in_(by_id), Item.kind.in_(_WRITTEN), ~Item.gone)
            items = {item.id: item for item in session.scalars(written) if item.case_id in cases}
        cards = {row.Case.card: row for row in cases.values() if row.Case.card is not None}
        new: set[bytes] = set()
        for case_id, place in by_id.items():
            self.closed.discard(place)
            here = {each for each, item in items.items() if item.case_id == case_id}
            here |= {each for each, row in cards.items() if row.Case.id == case_id}
            known = self.words.known(place)
            self.words.forget(place, [each for each in known if each[0] not in here])
            self.pictures.forget(place, [each for each in self.pictures.known(place) if each[0] not in here])
            for left in (self.unread, self.unseen):
                for gone in [each for each, where in left.items() if where == place and each[0] not in here]:
                    del left[gone]
            new |= here - {item for item, number in known if number == 0}
        sound: set[bytes] = set()
        texts: list[tuple[Source, str]] = []
        for object_id, stored in self._seat.vault.objects.open_each(new):
            row = cards.get(object_id) or cases[items[object_id].case_id]
            place = by_id[row.Case.id]
            try:
                text = self._text(stored, row, items.get(object_id), place, sound)
            except NotARecipient:
                self.closed.add(place)
            except FieldreportError:
                continue  # refused: the list and the case's page say why
            else:
                texts.append((Source(place, object_id, 0), text))
        self.words.add(texts)
        self._seen.update(seen)

    def _text(
        self, stored: StoredObject | FieldreportError, row: Row[Any], item: Item | None, place: int, sound: set[bytes]
    ) -> str:
        case: Case = row.Case
        if isinstance(stored, FieldreportError):
            raise stored
        if item is None:
            with self._seat.open_stored(
                stored, kind=Kind.CARD, thread=case.id, version=row.saves, checked=case.id
            ) as envelope:
                return text_of_card(read_card(envelope, stored.id))
        kind = Kind(item.kind)
        letter = kind is Kind.LETTER
        with self._seat.open_stored(
            stored,
            kind=kind,
            thread=item.id if letter else case.id,
            author=None if letter else item.author or "",
            checked=case.id,
        ) as envelope:
            if letter:
                if case.id not in sound:
                    origin.check_case(self._seat.vault, self._seat.rosters, case)
                    sound.add(case.id)
                origin.check_letter(case, envelope.manifest.fields)
                for number, part in enumerate(envelope.manifest.parts):
                    if number and _may_have_words(part):
                        self.unread[item.id, number] = place
                    if number and (is_picture(part) or part.media_type == SOURCE_SEALED):
                        self.unseen[item.id, number] = place
            return "\n".join((text_of(envelope), *file_terms(envelope)))

    def _read_files(self, report: Callable[[], None]) -> None:
        """Index the words of files and the looks of pictures: what is kept, then what has to be made."""
        report()
        vault = self._seat.vault
        works = ((WORDS, self.unread, self._read_file), (LIKENESS, self.unseen, self._see_picture))
        here = [(work, each) for view, left, work in works for each in kept(vault, view, list(left))]
        ready = set(here)
        rest = [(work, each) for _, left, work in works for each in left if (work, each) not in ready]
        try:
            for work, each in here:
                report()
                work(*each)
            for work, each in rest:
                if self.made >= limits.SEARCH_READINGS:
                    return
                report()
                if work(*each):
                    self.made += 1
                    time.sleep(limits.SEARCH_PAUSE_SECONDS)
        except (StoreError, Unavailable):
            return  # not now; the next round tries again

    def _read_file(self, item_id: bytes, number: int) -> bool:
        """Index the words of one file; False: it is one that its source sealed and that nobody has opened yet."""
        place = self.unread[item_id, number]
        try:
            text = text_of_file(self._seat, self._reader, item_id, number)
        except (StoreError, Unavailable):
            raise
        except FieldreportError:
            text = ""  # refused, or deleted meanwhile
        if text is None:
            return False
        self.words.add([(Source(place, item_id, number), text)])
        del self.unread[item_id, number]
        return True

    def _see_picture(self, item_id: bytes, number: int) -> bool:
        """Remember how one picture looks; False as ``_read_file``."""
        place = self.unseen[item_id, number]
        try:
            seen = likeness_of(self._seat, self._reader, item_id, number)
        except NotFound:
            return False
        except (StoreError, Unavailable):
            raise
        except FieldreportError:
            seen = None  # refused, or deleted meanwhile
        self.pictures.add(place, item_id, number, seen)
        del self.unseen[item_id, number]
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A text with what was searched for, opened now.

    ``item``: it is the one with this ``number`` of the conversation, counted from 1, of so many (``of``); nothing for
    the fact sheet. ``file``: which file of the item it is, under ``name``; 0 for what was written.
    """

    item: ItemRow | None
    number: int = 0
    of: int = 0
    file: int = 0
    name: str = ""
    shown: tuple[Shown, ...] = field(repr=False)


def hits(seat: Seat, reader: Reader, case_id: bytes, found: Sequence[Source], query: Query) -> tuple[list[Hit], int]:
    """Open the newest of the texts of a case in which something was found, and how many more there are.

    Left out is what is not there any more, or does not open.

    Raises:
        NotAllowed: the case is limited to others. SealError: who may read it is not signed. StoreError: the database is
            away.
    """
    readers.must_read(seat, case_id, seat.handle)
    rows = inbox.items(seat.vault, case_id)
    at = {row.id: (number, row) for number, row in enumerate(rows, start=1) if row.exists}
    newest = sorted(found, key=lambda each: (-at.get(each.item, (0,))[0], each.number))
    shown: list[Hit] = []
    for place, source in enumerate(newest):
        if len(shown) == limits.SEARCH_HITS:
            return shown, len(newest) - place
        number, row = at.get(source.item, (0, None))
        try:
            hit = _hit(seat, reader, case_id, source, row, query)
        except StoreError:
            raise
        except FieldreportError:
            continue
        if hit is not None:
            shown.append(replace(hit, number=number, of=len(rows)))
    return shown, 0


def _hit(seat: Seat, reader: Reader, case_id: bytes, source: Source, row: ItemRow | None, query: Query) -> Hit | None:
    if row is None:
        card = conversation.card(seat, case_id)
        if card.version != source.item:
            return None  # a newer one is saved, and will be indexed
        return Hit(item=None, shown=snippet(text_of_card(card), query))
    with seat.open_item(source.item) as envelope:
        if source.number == 0:
            return Hit(item=row, shown=snippet(text_of(envelope), query))
        name = envelope.manifest.parts[source.number].name
    text = text_of_file(seat, reader, source.item, source.number)
    if not text:
        return None
    return Hit(item=row, file=source.number, name=name, shown=snippet(text, query))


def mask_of(found: Mapping[int, object]) -> int:
    """The places of the cases in which something was found, as a set."""
    bits = Bits()
    for place in found:
        bits.put(place)
    return bits.value


def text_of(envelope: OpenEnvelope) -> str:
    """What is searched of an open letter, reply or note: the text, a letter's fields, the names of its files."""
    names = ", ".join(part.name for part in envelope.manifest.parts[1:])
    return "\n".join(each for each in (written(envelope, limits.FORM_TEXT_BYTES), names) if each)


def file_terms(envelope: OpenEnvelope) -> list[str]:
    """The term by which each file of a letter is found: what it holds, not its name."""
    return [part.sha256.hex() for part in envelope.manifest.parts[1:]]


def text_of_card(card: Card) -> str:
    """What is searched of a card: the fact sheet, the protected terms, the labels."""
    return "\n".join((card.facts, *card.protected, *card.labels))


def text_of_file(seat: Seat, reader: Reader, letter_id: bytes, number: int) -> str | None:
    """The words of a file; empty where it has none. None for one that its source sealed and nobody has opened yet.

    Raises as ``Reader.words``.
    """
    with seat.open_item(letter_id) as envelope:
        if number >= len(envelope.manifest.parts):
            raise NotFound(Sentence("this letter has no such file"))
        with source_sealed.clean_part(seat, letter_id, envelope, number) as (holder, inside):
            if holder.manifest.parts[inside].media_type == SOURCE_SEALED:
                return None
            reading = reader.words(seat, holder, inside)
    return "" if reading is None else reading.text


def likeness_of(seat: Seat, reader: Reader, letter_id: bytes, number: int) -> int | None:
    """By what a picture is known again; None: too plain, or not a picture.

    Raises:
        NotFound: there is no such file, or it is one that its source sealed and nobody has opened yet.
        Elsewhere as ``Reader.likeness``.
    """
    with seat.open_item(letter_id) as envelope:
        if number >= len(envelope.manifest.parts):
            raise NotFound(Sentence("this letter has no such file"))
        with source_sealed.clean_part(seat, letter_id, envelope, number) as (holder, inside):
            part = holder.manifest.parts[inside]
            if part.media_type == SOURCE_SEALED:
                raise NotFound(Sentence("nobody has opened this file yet"))
            return reader.likeness(seat, holder, inside) if is_picture(part) else None


def _may_have_words(part: Part) -> bool:
    media_type = part.media_type.partition(";")[0]
    return media_type != ORIGINAL and (not media_type.startswith(_WORDLESS) or media_type == _DRAWING)
