"""Every case of the vault in memory, by what may be in the clear: which match a filter, how many, and in what order.

A database counts by walking over what it counts; here every filter is a set of bits, so a page and its counts cost with
a hundred thousand cases what they cost with a hundred. Nothing is in it that the database does not hold in the clear;
what letters say is in ``contents``, which lives with one person's keys.

Rules: a case that is limited to others is neither listed nor counted, unless it is asked for; who its readers are
counts only as it is signed (``readers``). Each change of a case has a number, also those of other processes, and only
what changed is read again. Marks are changed through this index alone, because they have no number: in which order
somebody reads is nobody's business.
"""

from __future__ import annotations

import threading
from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from sqlalchemy import func, select

from fieldreport import limits
from fieldreport.errors import NotFound, SealError
from fieldreport.seal import Entry
from fieldreport.sentence import Sentence
from fieldreport.vault.archive import readers
from fieldreport.vault.archive.rosters import RosterWatch
from fieldreport.vault.archive.tables import Case, CaseState, Item, Mark, VaultState
from fieldreport.vault.archive.vault import Vault
from fieldreport.vault.cases import due, inbox
from fieldreport.vault.cases.bits import Bits, numbers
from fieldreport.vault.cases.due import NO_DUE_DAYS, DueDays
from fieldreport.vault.cases.inbox import CaseRow

_SPARSE: Final = 64  # of fewer than one in so many, those that match are sorted, instead of walking over all
NOBODY: Final = ""
"""The assignee of a case that has none."""


class Order(StrEnum):
    """How a list of cases is sorted."""

    NEWEST = "newest"
    """The newest letter first."""
    WAITING = "waiting"
    """Unread cases only, the one that has waited longest first."""
    TOUCHED = "touched"
    """What was last changed by anybody first."""


class Limited(StrEnum):
    """Cases by who may read them."""

    READABLE = "readable"
    """Every case that one may read."""
    OWN = "own"
    """Those that are limited, and to oneself, too."""
    OTHERS = "others"
    """Those that are limited to others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFilter:
    """Which cases to show; everything given must hold.

    ``states``: any of these. ``ended``: the tombstones instead of the cases. ``assignee``: a handle, or ``NOBODY``.
    ``overdue``: with something that should have been done; see ``due``.
    ``language``, ``label``, ``files`` and ``junk`` are known only from what was opened; see ``Contents``. ``junk``:
    only what is set aside by the newsroom's rules; False: everything else; None: both.
    """

    states: tuple[CaseState, ...] = ()
    ended: bool = False
    assignee: str | None = None
    starred: bool = False
    unread: bool = False
    limited: Limited = Limited.READABLE
    language: str = ""
    label: str = ""
    files: bool = False
    junk: bool | None = None
    overdue: bool = False
    order: Order = Order.NEWEST


@dataclass(slots=True)
class Contents:
    """What one person's keys have found in the cases, as sets of numbers of cases; see ``contents``.

    ``junk``: those with nothing but noise in their letters. ``notes``: the sequence of the newest note for this person,
    by the case's number. ``hits``: the cases in which a search found something;
    every other case does not match then. None: no search.
    """

    languages: dict[str, Bits] = field(default_factory=lambda: defaultdict(Bits), repr=False)
    labels: dict[str, Bits] = field(default_factory=lambda: defaultdict(Bits), repr=False)
    files: Bits = field(default_factory=Bits)
    junk: Bits = field(default_factory=Bits)
    notes: dict[int, int] = field(default_factory=dict)
    hits: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many cases there would be with another choice in one filter, all others being as they are."""

    matching: int
    states: Mapping[CaseState, int]
    ended: int
    assignees: Mapping[str, int]
    limited: Mapping[Limited, int]
    languages: Mapping[str, int]
    labels: Mapping[str, int]
    unread: int
    starred: int
    files: int
    junk: int
    overdue: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CasePage:
    """``next`` names the page after this one, and is empty on the last."""

    rows: tuple[CaseRow, ...]
    next: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbours:
    """The cases before and after one in a list, where there are such."""

    before: bytes | None
    after: bytes | None


@dataclass(slots=True)
class _Entry:
    id: bytes
    active: int
    revision: int
    last_letter: int
    card: bytes | None
    sequence: int
    facets: tuple[Bits, ...] = field(repr=False)


@dataclass(slots=True)
class _Marks:
    """One person's marks: what they read of each case, and the two sets that follow."""

    read: dict[int, int] = field(default_factory=dict)
    starred: Bits = field(default_factory=Bits)
    unread: Bits = field(default_factory=Bits)


_Key = tuple[int, bytes, int]  # the number that an order goes by, the case's id, its place in the index


class CaseIndex:
    """The index of one vault. Safe to use from many threads; the first ``refresh`` reads every case."""

    def __init__(self, vault: Vault, rosters: RosterWatch, due_days: DueDays = NO_DUE_DAYS) -> None:
        self.vault = vault
        self.due_days = due_days
        self.rosters = rosters
        self._lock = threading.RLock()
        self._entries: list[_Entry] = []
        self._places: dict[bytes, int] = {}
        self._revision = 0
        self._states: dict[CaseState, Bits] = defaultdict(Bits)
        self._assignees: dict[str, Bits] = defaultdict(Bits)
        self._readers: dict[str, Bits] = defaultdict(Bits)
        self._limited, self._living, self._ended = Bits(), Bits(), Bits()
        self._due: dict[int, int] = {}  # until which hour something is to be done, by the case's place
        self._overdue, self._overdue_at = Bits(), 0
        self._answered = Bits()  # something of ours is in it: a reply, a note, a card
        # The object with the rules of junk, as of the last ``refresh``.
        self.junk_rules: bytes | None = None
        self._listed: tuple[Entry, ...] = ()  # in the newest roster: who is in a desk
        self._marks: dict[str, _Marks] = {}
        self._by_active: list[_Key] = []
        self._by_revision: list[_Key] = []
        # When what a case holds changed last: the revision, by the case's place.
        self.content_revisions: list[int] = []

    def refresh(self) -> int:
        """Read what changed since the last time, and return how many letters are not sorted yet.

        Raises:
            StoreError: the database is away. RosterError: no roster can be trusted.
        """
        unsorted = select(func.count()).select_from(Item).where(Item.case_id.is_(None), ~Item.gone).scalar_subquery()
        with self._lock, self.vault.reading() as session:
            self._listed = self.rosters.listed().entries
            rules = select(VaultState.junk).scalar_subquery()
            newest, waiting, self.junk_rules = session.execute(select(func.max(Case.revision), unsorted, rules)).one()
            if (newest or 0) == self._revision:
                return int(waiting)
            wanted = select(Case, due.replies()).where(Case.revision > self._revision).order_by(Case.revision)
            first = not self._entries
            try:
                for case, replies in session.execute(wanted):
                    only = self._signed_readers(case)
                    self._put(case, only, sort=not first)
                    self._put_due(case, replies)
                    self._revision = case.revision
            finally:
                if first:  # also where the database went away half-way: the next look goes on from here
                    self._by_active.sort()
                    self._by_revision.sort()
            return int(waiting)

    def page(
        self,
        wanted: CaseFilter,
        *,
        viewer: str,
        contents: Contents | None = None,
        after: str | None = None,
        limit: int = limits.INBOX_ROWS,
    ) -> CasePage:
        """Return one page in the order that is asked for; ``after`` is the ``next`` of the page before.

        Call ``refresh`` first. Without ``contents`` nothing is known of languages, labels and files.

        Raises:
            NotFound: ``after`` is not what a page gave.
        """
        place = _place(after) if after is not None else None
        with self._lock:
            keys = []
            for key in self._walk(wanted.order, self._matching(wanted, viewer, contents), after=place):
                keys.append(key)
                if len(keys) > limit:
                    break
        more = len(keys) > limit
        rows = inbox.rows(self.vault, [key[1] for key in keys[:limit]], viewer=viewer)
        return CasePage(rows=rows, next=f"{keys[limit - 1][0]}.{keys[limit - 1][1].hex()}" if more else None)

    def neighbours(
        self, wanted: CaseFilter, case_id: bytes, *, viewer: str, contents: Contents | None = None
    ) -> Neighbours:
        """The cases before and after one in the list that a filter makes, also where it has just left that list."""
        with self._lock:
            place = self._places.get(case_id)
            if place is None:
                return Neighbours(before=None, after=None)
            entry = self._entries[place]
            number = entry.revision if wanted.order is Order.TOUCHED else entry.active
            mask = self._matching(wanted, viewer, contents)
            after = next(self._walk(wanted.order, mask, after=(number, case_id)), None)
            before = next(self._walk(wanted.order, mask, after=(number, case_id), back=True), None)
        return Neighbours(before=before[1] if before else None, after=after[1] if after else None)

    def counts(self, wanted: CaseFilter, *, viewer: str, contents: Contents | None = None) -> Counts:
        """Count what matches, and what would with another choice in each filter."""
        with self._lock:
            chosen = self._chosen(wanted, viewer, contents)
            marks = self._marks_of(viewer)
            everything = self._living.value | self._ended.value

            def without(name: str) -> int:
                mask = everything
                for each, value in chosen.items():
                    if each != name:
                        mask &= value
                return mask

            def counted(name: str, sets: Mapping[str, Bits]) -> dict[str, int]:
                mask = without(name)
                # Copied: the session's look into the cases may find another label or language meanwhile.
                found = {each: (mask & bits.value).bit_count() for each, bits in list(sets.items())}
                return {each: number for each, number in sorted(found.items()) if number}

            of_state, of_limited = without("state"), without("limited")
            readable = self._readable(viewer)
            known = contents or Contents()
            return Counts(
                matching=without("").bit_count(),
                states={state: (of_state & self._states[state].value).bit_count() for state in CaseState},
                ended=(of_state & self._ended.value).bit_count(),
                assignees={
                    NOBODY: (without("assignee") & ~self._assigned()).bit_count(),
                    **counted("assignee", self._assignees),
                },
                limited={
                    Limited.READABLE: (of_limited & readable).bit_count(),
                    Limited.OWN: (of_limited & readable & self._limited.value).bit_count(),
                    Limited.OTHERS: (of_limited & ~readable).bit_count(),
                },
                languages=counted("language", known.languages),
                labels=counted("label", known.labels),
                unread=(without("unread") & marks.unread.value).bit_count(),
                starred=(without("starred") & marks.starred.value).bit_count(),
                files=(without("files") & known.files.value).bit_count(),
                junk=(without("junk") & self._set_aside(known)).bit_count(),
                overdue=(without("overdue") & self._overdue_now().value).bit_count(),
            )

    # --- marks ---

    def star(self, case_id: bytes, handle: str, *, starred: bool) -> None:
        """Set or take away one editor's star. Raises ``NotFound``."""
        inbox.star(self.vault, case_id, handle, starred=starred)
        with self._lock:
            self.refresh()
            self._marks_of(handle).starred.put(self._places[case_id], inside=starred)

    def mark(self, case_id: bytes, handle: str, *, read: bool, upto: int | None = None) -> None:
        """Remember that one editor has read every letter that is in a case now, or none; ``upto``: see ``inbox``.

        Raises:
            NotFound: there is no such case.
        """
        if read:
            last = inbox.mark_read(self.vault, case_id, handle, upto=upto)
        else:
            last = inbox.mark_unread(self.vault, case_id, handle)
        with self._lock:
            self.refresh()
            self._set_read(self._marks_of(handle), self._places[case_id], last)

    # --- inside ---

    def readable(self, viewer: str) -> int:
        """The places of the living cases that one person may read, as a set."""
        with self._lock:
            return self._readable(viewer) & self._living.value

    def handles(self) -> set[str]:
        """Everybody to whom a case is assigned, also those who have left."""
        with self._lock:
            return {handle for handle, bits in self._assignees.items() if bits.value}

    def place_of(self, case_id: bytes) -> int | None:
        """The place of a case in the index, if it is there."""
        return self._places.get(case_id)

    def case_at(self, place: int) -> bytes:
        """The id of the case at a place of the index."""
        return self._entries[place].id

    def revisions(self, places: Iterable[int]) -> dict[int, int]:
        """When each of some cases was changed last, by its place."""
        with self._lock:
            return {place: self._entries[place].revision for place in places}

    def with_notes(self, viewer: str, contents: Contents) -> list[bytes]:
        """The living cases with a note for this person that they have not seen; the newest note first."""
        with self._lock:
            read, readable = self._marks_of(viewer).read, self._readable(viewer) & self._living.value
            found = [
                (sequence, place)
                for place, sequence in contents.notes.items()
                if sequence > read.get(place, 0) and readable >> place & 1
            ]
            return [self._entries[place].id for _, place in sorted(found, reverse=True)]

    def _put(self, case: Case, only: frozenset[str] | None, *, sort: bool) -> None:
        place = self._places.get(case.id)
        if place is None:
            place = self._places[case.id] = len(self._entries)
            before = None
            self.content_revisions.append(case.revision)
        else:
            before = self._entries[place]
            for bits in before.facets:
                bits.put(place, inside=False)
            _take(self._by_active, (before.active, before.id, place))
            _take(self._by_revision, (before.revision, before.id, place))
            if (before.sequence, before.card) != (case.sequence, case.card) or only is not None:
                self.content_revisions[place] = case.revision
        facets = self._facets(case, only)
        for bits in facets:
            bits.put(place)
        entry = _Entry(case.id, case.active, case.revision, case.last_letter, case.card, case.sequence, facets)
        if before is None:
            self._entries.append(entry)
        else:
            self._entries[place] = entry
        for order, number in ((self._by_active, case.active), (self._by_revision, case.revision)):
            key = (number, case.id, place)
            insort(order, key) if sort else order.append(key)
        for marks in self._marks.values():
            if case.ended is not None:
                marks.starred.put(place, inside=False)
            self._set_read(marks, place, 0 if case.ended is not None else marks.read.get(place, 0))

    def _put_due(self, case: Case, replies: int) -> None:
        place = self._places[case.id]
        found = due.next_due(self.due_days, opened=case.opened, sent=replies, state=CaseState(case.state))
        if found is None or case.ended is not None or case.source is None:
            self._due.pop(place, None)
        else:
            self._due[place] = found.hour
        self._overdue.put(place, inside=self._due.get(place, self._overdue_at) < self._overdue_at)

    def _overdue_now(self) -> Bits:
        """The cases in which something should have been done by now, as a set; walked through once an hour."""
        now = self.vault.hour()
        if now != self._overdue_at:
            self._overdue, self._overdue_at = Bits(), now
            for place, hour in self._due.items():
                if hour < now:
                    self._overdue.put(place)
        return self._overdue

    def _facets(self, case: Case, only: frozenset[str] | None) -> tuple[Bits, ...]:
        if case.ended is not None:
            return (self._ended,)
        facets = [self._living, self._states[CaseState(case.state)]]
        if case.assignee is not None:
            facets.append(self._assignees[case.assignee])
        if case.card is not None or case.sequence > case.letters:
            facets.append(self._answered)
        if only is not None:
            facets += [self._limited, *(self._readers[name] for name in only)]
        return tuple(facets)

    def _signed_readers(self, case: Case) -> frozenset[str] | None:
        if case.readers is None:
            return None
        with self.vault.reading() as session:
            try:
                return readers.names_in(session, self, case.id)
            except SealError:
                return None  # listed, so that nobody hides a case; who opens it reads what is wrong with it

    def _marks_of(self, handle: str) -> _Marks:
        if handle not in self._marks:
            marks = self._marks[handle] = _Marks()
            with self.vault.reading() as session:
                for mark in session.scalars(select(Mark).where(Mark.handle == handle)):
                    place = self._places.get(mark.case_id)
                    if place is not None:
                        marks.read[place] = mark.read_sequence
                        marks.starred.put(place, inside=mark.starred)
            for place in range(len(self._entries)):
                self._set_read(marks, place, marks.read.get(place, 0))
        return self._marks[handle]

    def _set_read(self, marks: _Marks, place: int, upto: int) -> None:
        if upto:
            marks.read[place] = upto
        else:
            marks.read.pop(place, None)
        marks.unread.put(place, inside=upto < self._entries[place].last_letter)

    def _readable(self, viewer: str) -> int:
        named = 0
        for name, bits in self._readers.items():
            if viewer in readers.people([name], self._listed):
                named |= bits.value
        return (self._living.value | self._ended.value) & ~(self._limited.value & ~named)

    def _matching(self, wanted: CaseFilter, viewer: str, contents: Contents | None) -> int:
        mask = self._living.value | self._ended.value
        for value in self._chosen(wanted, viewer, contents).values():
            mask &= value
        return mask

    def _chosen(self, wanted: CaseFilter, viewer: str, contents: Contents | None) -> dict[str, int]:
        """The set that each filter leaves, by the filter's name; filters that are not used have none."""
        marks, known = self._marks_of(viewer), contents or Contents()
        readable = self._readable(viewer)
        chosen = {"state": self._ended.value if wanted.ended else self._living.value}
        if wanted.states:
            chosen["state"] = 0
            for state in wanted.states:
                chosen["state"] |= self._states[state].value
        match wanted.limited:
            case Limited.READABLE:
                chosen["limited"] = readable
            case Limited.OWN:
                chosen["limited"] = readable & self._limited.value
            case Limited.OTHERS:
                chosen["limited"] = ~readable
        if wanted.assignee == NOBODY:
            chosen["assignee"] = ~self._assigned()
        elif wanted.assignee is not None:
            chosen["assignee"] = self._assignees[wanted.assignee].value
        ticked = {
            "starred": (wanted.starred, marks.starred),
            "unread": (wanted.unread or wanted.order is Order.WAITING, marks.unread),
            "files": (wanted.files, known.files),
            "overdue": (wanted.overdue, self._overdue_now()),
        }
        chosen |= {name: bits.value for name, (is_wanted, bits) in ticked.items() if is_wanted}
        if wanted.language:
            chosen["language"] = known.languages.get(wanted.language, Bits()).value
        if wanted.label:
            chosen["label"] = known.labels.get(wanted.label, Bits()).value
        if wanted.junk is not None:
            chosen["junk"] = self._set_aside(known) if wanted.junk else ~self._set_aside(known)
        if known.hits is not None:
            chosen["hits"] = known.hits
        return chosen

    def _assigned(self) -> int:
        """The cases that somebody has, as a set."""
        assigned = 0
        for bits in self._assignees.values():
            assigned |= bits.value
        return assigned

    def _set_aside(self, known: Contents) -> int:
        """The cases that are nothing but noise, and that nobody has dealt with, as a set."""
        return known.junk.value & self._states[CaseState.NEW].value & ~self._assigned() & ~self._answered.value

    def _walk(self, order: Order, mask: int, *, after: tuple[int, bytes] | None, back: bool = False) -> Iterator[_Key]:
        """The cases of a set in an order, from the one after a place in it; ``back``: those before it instead."""
        keys = self._by_revision if order is Order.TOUCHED else self._by_active
        if mask.bit_count() * _SPARSE < len(keys):
            found = ((place, self._entries[place]) for place in numbers(mask))
            keys = sorted(
                (entry.revision if order is Order.TOUCHED else entry.active, entry.id, place) for place, entry in found
            )
        raw = mask.to_bytes((mask.bit_length() + 7) // 8, "little")
        upward = (order is Order.WAITING) is not back
        if after is None:
            at = 0 if upward else len(keys) - 1
        else:
            at = bisect_left(keys, (*after, 0))
            if not upward:
                at -= 1
            elif at < len(keys) and keys[at][:2] == after:
                at += 1
        step, end = (1, len(keys)) if upward else (-1, -1)
        for position in range(at, end, step):
            key = keys[position]
            place = key[2]
            if place >> 3 < len(raw) and raw[place >> 3] >> (place & 7) & 1:
                yield key


def _take(order: list[_Key], key: _Key) -> None:
    at = bisect_left(order, key)
    if at < len(order) and order[at] == key:
        del order[at]


def _place(untrusted_after: str) -> tuple[int, bytes]:
    number, dot, identifier = untrusted_after.partition(".")
    try:
        place = int(number), bytes.fromhex(identifier)
    except ValueError:
        raise NotFound(Sentence("no such page")) from None
    if not dot or len(place[1]) != limits.ID_BYTES or not number.isascii() or not 0 <= place[0] < 2**63:
        raise NotFound(Sentence("no such page"))
    return place
