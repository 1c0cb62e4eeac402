"""Pictures that look alike, though they were encoded, scaled or coloured in another way: as one session knows them.

``SearchReader`` fills it from what ``Reader.likeness`` makes and keeps. In memory only, and it goes with the session.
"""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from typing import Final

from fieldreport import limits
from fieldreport.seal import Part

_COMPARED: Final = 5  # pictures of one case that are compared with all others


def is_picture(part: Part) -> bool:
    """Whether a part is to be looked at, by the type that its letter claims."""
    return part.media_type.startswith("image/")


def are_alike(one: int, other: int) -> bool:
    """Whether two likenesses are taken for those of one picture."""
    return (one ^ other).bit_count() <= limits.LIKENESS_DISTANCE


class Pictures:
    """The likenesses of pictures, by item and number of the part, and by the place of their case in the index.

    Safe to use from many threads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[int, dict[tuple[bytes, int], int | None]] = defaultdict(dict)
        self._places: dict[int, set[int]] = defaultdict(set)  # by likeness, so that one look goes through all
        self._new: set[int] = set()

    def add(self, place: int, item: bytes, number: int, likeness: int | None) -> None:
        """Remember how a picture looks; nothing for one that is too plain, or is none."""
        with self._lock:
            self._known[place][item, number] = likeness
            if likeness is not None:
                self._places[likeness].add(place)
            self._new.add(place)

    def known(self, place: int) -> set[tuple[bytes, int]]:
        """The pictures of a case that were looked at."""
        with self._lock:
            return set(self._known.get(place, ()))

    def forget(self, place: int, parts: Collection[tuple[bytes, int]]) -> None:
        """Know nothing of these pictures of a case any more."""
        with self._lock:
            known = self._known.get(place, {})
            gone = {known.pop(each, None) for each in parts} - set(known.values())
            for likeness in (each for each in gone if each is not None):
                self._places[likeness].discard(place)
                if not self._places[likeness]:
                    del self._places[likeness]

    def take_new(self) -> set[int]:
        """The places of cases of which a picture was looked at since the last call."""
        with self._lock:
            taken, self._new = self._new, set()
        return taken

    def are_all_like(self, place: int, item: bytes, numbers: Collection[int], wanted: Collection[int]) -> bool:
        """Whether each of these parts of an item looks like one that is wanted; False where one is not known."""
        with self._lock:
            here = [self._known.get(place, {}).get((item, number)) for number in numbers]
        return bool(here) and all(one is not None and any(are_alike(one, other) for other in wanted) for one in here)

    def like(self, place: int | None) -> Mapping[int, int]:
        """How many of a case's newest pictures other cases have, too, by the places of those."""
        with self._lock:
            own = [] if place is None else [each for each in self._known.get(place, {}).values() if each is not None]
            compared, others = own[-_COMPARED:], list(self._places) if own else []
            found: Counter[int] = Counter()
            for one in compared:
                alike = [each for each in others if (one ^ each).bit_count() <= limits.LIKENESS_DISTANCE]
                found.update(set().union(*(self._places[each] for each in alike)) - {place})
        return found
