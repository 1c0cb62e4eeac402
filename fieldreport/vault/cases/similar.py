"""Cases that tell the same: the same passages, in a letter or in a file, the same files, pictures that look alike.

Whether two sources saw one thing, or one wrote twice, or a text goes round, is for an editor to judge; here it is only
noticed. It asks the search of the session, so it knows what that knows, and finds a passage also where it was pasted
into a document, translated layout and all, but not where every sentence was written again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from fieldreport import limits
from fieldreport.errors import FieldreportError, NotFound
from fieldreport.seal import Kind, OpenEnvelope
from fieldreport.vault.archive import readers
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.cases import inbox
from fieldreport.vault.cases.search import SearchReader, file_terms
from fieldreport.vault.cases.search_terms import Phrase, Query, terms
from fieldreport.vault.cases.summary import written

_LETTERS: Final = 3  # of the case, the newest
_PASSAGES: Final = 24  # of all of them
_TERMS: Final = 6  # of a passage: words, or characters where words are not parted
_SHARE: Final = 4  # from one passage in so many on, two cases tell the same
_LEAST: Final = 2
_SHOWN: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Similar:
    """Another case: in how many passages ``of`` those that were compared it is the same, and in how many files.

    ``pictures``: how many look like one of its own; the very same files among them.
    """

    case: bytes = field(repr=False)
    name: str
    passages: int
    of: int
    files: int
    pictures: int


def similar(seat: Seat, reader: SearchReader, case_id: bytes) -> tuple[Similar, ...]:
    """The cases that tell the same as this one, those with the most first; the caller has checked who reads it.

    Raises:
        StoreError: the database is away.
    """
    rows = [row for row in inbox.items(seat.vault, case_id) if row.kind is Kind.LETTER and row.exists]
    newest = [row.id for row in rows[-_LETTERS:]]
    opened = seat.read_items(case_id, newest, _told).values()
    told = [each for each in opened if not isinstance(each, FieldreportError)]
    passages = list(dict.fromkeys(passage for text, _ in told for passage in _passages(text, _PASSAGES // len(told))))
    files = list(dict.fromkeys(term for _, digests in told for term in digests))
    same: Counter[int] = Counter()
    same_files: Counter[int] = Counter()
    for found, asked in ((same, passages), (same_files, [(each,) for each in files])):
        for each in asked:
            found.update(reader.find(Query((Phrase(each, prefix=False),))).keys())
    enough = max(min(_LEAST, len(passages)), len(passages) / _SHARE)
    looks = Counter(reader.pictures.like(reader.place_of(case_id)))
    alike = {place for place, number in same.items() if number >= enough} | set(same_files) | set(looks)
    shown: list[Similar] = []
    for place in sorted(alike, key=lambda each: (-same_files[each], -looks[each], -same[each], each)):
        other = reader.case_at(place)
        if other == case_id or len(shown) == _SHOWN:
            continue
        try:
            readers.must_read(seat, other, seat.handle)
            name = inbox.get(seat.vault, other, viewer=seat.handle).name
        except (FieldreportError, NotFound):
            continue
        shown.append(
            Similar(
                case=other,
                name=name,
                passages=same[place],
                of=len(passages),
                files=same_files[place],
                pictures=looks[place],
            )
        )
    return tuple(shown)


def _told(envelope: OpenEnvelope) -> tuple[str, list[str]]:
    return written(envelope, limits.JUNK_TEXT_BYTES), file_terms(envelope)


def _passages(text: str, at_most: int) -> Iterator[tuple[str, ...]]:
    """Short runs of terms from all over a text; the whole of one that is hardly longer."""
    found: Sequence[str] = list(terms(text))
    if len(found) < _TERMS:
        return
    last = len(found) - _TERMS
    number = max(1, min(at_most, last // _TERMS + 1))
    for each in range(number):
        start = last * each // max(1, number - 1) if number > 1 else 0
        yield tuple(found[start : start + _TERMS])
