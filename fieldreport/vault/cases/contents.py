"""What one person's keys find in the cases they may read: languages, labels, files, noise. In memory only.

A database with these in the clear, or as opaque tags, would tell who takes the disk how many cases are in which
language and which belong together. So each session opens the cases for itself, once, in the background; what it found
goes when the session ends.

Rule: what cannot be opened is left out here and named in the list and on the case's own page.
"""

from __future__ import annotations

import secrets
import threading
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Row, select

from fieldreport.errors import FieldreportError, NotARecipient, StoreError
from fieldreport.seal import Kind
from fieldreport.vault.archive import authors, origin
from fieldreport.vault.archive.audit import Act
from fieldreport.vault.archive.objects import StoredObject
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.archive.tables import Case, Item
from fieldreport.vault.cases.bits import Bits, numbers
from fieldreport.vault.cases.case_index import CaseIndex, Contents
from fieldreport.vault.cases.conversation import read_card
from fieldreport.vault.cases.junk import Judge, Junk, Rules, Verdict, rules
from fieldreport.vault.cases.notes import Heading
from fieldreport.vault.cases.pictures import Pictures
from fieldreport.vault.cases.summary import language_of

_AT_ONCE: Final = 50  # cases opened between two looks at whether to stop


@dataclass(slots=True)
class _Heard:
    """What was found in the letters of one case; ``order``: cases that were opened earlier come first."""

    order: tuple[int, bytes] = field(repr=False)
    name: str
    letters: int
    verdicts: list[Verdict] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a case is set aside: the first letter's verdict, and the older case that it repeats."""

    kind: Junk
    phrase: str = field(default="", repr=False)
    repeats: str = ""


class ContentsReader:
    """Fills ``contents`` for one seat, by the places that cases have in ``index``.

    ``closed``: the places of cases with something that is not sealed to the seat's keys. ``distrusted``: why the rules
    of what is set aside are not believed, as an error's code. How pictures look is read from ``pictures``, which the
    session's search fills.
    """

    def __init__(self, seat: Seat, index: CaseIndex, pictures: Pictures) -> None:
        self.contents = Contents()
        self.closed: set[int] = set()
        self._seat = seat
        self.index = index
        self._pictures = pictures
        self._reading = threading.Lock()  # two requests at once may each begin to read
        self._seen: dict[int, int] = {}  # place of a case → when what it holds had changed last as it was read
        self._judge = Judge(Rules(), secrets.token_bytes(32))
        self.distrusted = ""
        self._rules: bytes | None = None  # those that were applied to what was seen
        self._rules_closed = False  # they are not sealed to the seat's keys
        self._heard: dict[int, _Heard] = {}
        self._alike: dict[bytes, set[int]] = defaultdict(set)  # a letter's content → the places of its cases

    def pending(self) -> list[int]:
        """The places of cases that are new or have changed, or did not open before; the newest first."""
        now = self.index.content_revisions
        readable = numbers(self.index.readable(self._seat.handle))
        if self._rules != self.index.junk_rules:
            return list(reversed(readable))
        return [place for place in reversed(readable) if self._seen.get(place) != now[place] or place in self.closed]

    def read(self, report: Callable[[int, int], None]) -> None:
        """Open every pending case. ``report`` is called with (done, total) and may raise to stop; what is done stays.

        Raises:
            StoreError: the database is away.
        """
        with self._reading:
            self._read_rules()
            self._hear_pictures()
            places = self.pending()
            report(0, len(places))
            for start in range(0, len(places), _AT_ONCE):
                self._read(places[start : start + _AT_ONCE])
                report(min(start + _AT_ONCE, len(places)), len(places))

    def hear_pictures(self) -> None:
        """Say again which cases are noise, of those of which a picture was looked at meanwhile.

        Does nothing while somebody reads, who does it then: a page must not wait for that.
        """
        if self._reading.acquire(blocking=False):
            try:
                self._hear_pictures()
            finally:
                self._reading.release()

    def reason(self, case_id: bytes) -> Reason | None:
        """Why a case is noise; nothing where it is none."""
        place = self.index.place_of(case_id)
        heard = self._heard.get(place) if place is not None else None
        if place is None or heard is None or len(heard.verdicts) != heard.letters:
            return None  # what was not read is no noise
        found = [self._reason(place, heard, each) for each in heard.verdicts]
        return found[0] if found and all(found) else None

    def _hear_pictures(self) -> None:
        self._hear(self._pictures.take_new() & self._heard.keys())

    def _read_rules(self) -> None:
        wanted = self.index.junk_rules
        if wanted == self._rules and not self._rules_closed:
            return
        self.distrusted, self._rules_closed = "", False
        try:
            now = rules(self._seat)
        except StoreError:
            raise
        except NotARecipient:  # a newcomer's key: until a colleague re-wraps them nothing is set aside
            now, self._rules_closed = Rules(), True
        except FieldreportError as error:  # nothing is set aside by rules that nobody signed
            now, self.distrusted = Rules(), error.code
        if wanted == self._rules and self._rules_closed:
            return
        self._judge = Judge(now, secrets.token_bytes(32))
        self._rules = wanted
        self._seen.clear()
        self._heard.clear()
        self._alike.clear()
        self.contents.junk = Bits()

    def _reason(self, place: int, heard: _Heard, verdict: Verdict) -> Reason | None:
        if verdict.kind is not None:
            return Reason(verdict.kind, verdict.phrase)
        wanted = [each.likeness for each in self._judge.rules.pictures]
        if verdict.pictures and self._pictures.are_all_like(place, verdict.item, verdict.pictures, wanted):
            return Reason(Junk.PICTURE)
        others = [self._heard.get(each) for each in self._with(verdict) if each != place]
        older = [each for each in others if each is not None and each.order < heard.order]
        return Reason(Junk.REPEAT, repeats=min(older, key=lambda each: each.order).name) if older else None

    def _with(self, verdict: Verdict) -> list[int]:
        """The places of the cases with a letter of the same words and files."""
        return list(self._alike.get(verdict.content, ())) if verdict.content else []

    def _hear(self, places: Collection[int]) -> None:
        """Say again which cases are noise: of these, and of those with letters like theirs."""
        again = set(places)
        for place in places:
            for verdict in self._heard[place].verdicts if place in self._heard else ():
                again.update(self._with(verdict))
        for place in again:
            self.contents.junk.put(place, inside=self.reason(self.index.case_at(place)) is not None)

    def _read(self, places: Sequence[int]) -> None:
        by_id = {self.index.case_at(place): place for place in places}
        seen = {place: self.index.content_revisions[place] for place in places}
        saves = authors.count_of(Case.name, Act.CARD_SAVED).scalar_subquery().label("saves")
        with self._seat.vault.reading() as session:
            cases = {row.Case.id: row for row in session.execute(select(Case, saves).where(Case.id.in_(by_id)))}
            items = select(Item).where(
                Item.case_id.in_(by_id),
                Item.kind.in_((Kind.LETTER.value, Kind.NOTE.value)),
                ~Item.gone,
                Item.damage.is_(None),
            )
            found = session.scalars(items).all()
            owners = {item.id: cases[item.case_id] for item in found if item.kind == Kind.LETTER.value}
            notes = {item.id: item for item in found if item.kind == Kind.NOTE.value}
        cards = {row.Case.card: row for row in cases.values() if row.Case.card is not None}
        for place in places:
            self._forget(place)
        checked: dict[bytes, bool] = defaultdict(bool)
        for object_id, stored in self._seat.vault.objects.open_each([*owners, *cards, *notes]):
            if object_id in notes:
                self._note(stored, notes[object_id], by_id)
                continue
            row = owners.get(object_id) or cards[object_id]
            place = by_id[row.Case.id]
            try:
                if object_id in owners:
                    self._letter(stored, row, place, checked)
                else:
                    self._card(stored, row, place)
            except NotARecipient:
                self.closed.add(place)
            except FieldreportError:
                continue  # refused: the list and the case's page say why
        self._hear(places)
        self._seen.update(seen)

    def _letter(
        self, stored: StoredObject | FieldreportError, row: Row[Any], place: int, checked: dict[bytes, bool]
    ) -> None:
        case, one = row.Case, _must(stored)
        with self._seat.open_stored(one, kind=Kind.LETTER, thread=one.id, checked=case.id) as envelope:
            if not checked[case.id]:
                checked[case.id] = origin.check_case(self._seat.vault, self._seat.rosters, case)
            origin.check_letter(case, envelope.manifest.fields)
            language = language_of(envelope)
            if language:
                self.contents.languages[language].put(place)
            if len(envelope.manifest.parts) > 1:
                self.contents.files.put(place)
            if self._judge.rules.kinds:
                verdict = self._judge.verdict(envelope)
                heard = self._heard.setdefault(place, _Heard((case.opened, case.id), case.name, case.letters))
                heard.verdicts.append(verdict)
                if verdict.content:
                    self._alike[verdict.content].add(place)

    def _note(self, stored: StoredObject | FieldreportError, item: Item, places: dict[bytes, int]) -> None:
        with suppress(FieldreportError):  # the case's page says why
            case_id = item.case_id or b""
            one = _must(stored)
            with self._seat.open_stored(
                one, kind=Kind.NOTE, thread=case_id, author=item.author or "", checked=case_id
            ) as envelope:
                if Heading.of(envelope.manifest.fields).to == self._seat.handle:
                    place = places[case_id]
                    self.contents.notes[place] = max(item.sequence, self.contents.notes.get(place, 0))

    def _card(self, stored: StoredObject | FieldreportError, row: Row[Any], place: int) -> None:
        case, one = row.Case, _must(stored)
        with self._seat.open_stored(
            one, kind=Kind.CARD, thread=case.id, version=row.saves, checked=case.id
        ) as envelope:
            for label in read_card(envelope, one.id).labels:
                self.contents.labels[label].put(place)

    def _forget(self, place: int) -> None:
        self.closed.discard(place)
        self.contents.notes.pop(place, None)
        heard = self._heard.pop(place, None)
        for verdict in heard.verdicts if heard is not None else ():
            self._alike[verdict.content].discard(place)
        for bits in (*self.contents.languages.values(), *self.contents.labels.values(), self.contents.files):
            bits.put(place, inside=False)


def _must(stored: StoredObject | FieldreportError) -> StoredObject:
    if isinstance(stored, FieldreportError):
        raise stored
    return stored
