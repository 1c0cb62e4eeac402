"""The words of what one person may read, in the memory of this process: which texts hold what is searched for.

An FTS5 table of SQLite in memory. It holds terms and places, no texts; what is shown of a hit is opened again. It goes
with the last reference to it: the database is closed, and the process overwrites what it frees.

Rule: what is not to be found any more is forgotten here at once. Its terms stay in the table, which nothing leads to,
until the session ends: SQLite before 3.43 cannot take out what it does not store.
"""

from __future__ import annotations

import sqlite3
import threading
import weakref
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from fieldreport.vault.cases.search_terms import Query, terms


@dataclass(frozen=True, slots=True)
class Source:
    """Where a text is from: an item's part 0 is what was written, others are files; ``item`` may be a card."""

    place: int  # of the case in the index of cases
    item: bytes = field(repr=False)
    number: int


class SearchIndex:
    """One session's index. Safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sources: list[Source | None] = []  # by row, from 1
        self._rows: dict[int, dict[tuple[bytes, int], int]] = defaultdict(dict)  # a case's place → its texts' rows
        self._database = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        weakref.finalize(self, self._database.close)
        self._database.execute("PRAGMA temp_store = MEMORY")
        # "ascii" parts terms at spaces and leaves every other character as it is.
        self._database.execute(
            "CREATE VIRTUAL TABLE words USING fts5(text, content = '', columnsize = 0, tokenize = 'ascii')"
        )

    def add(self, texts: Iterable[tuple[Source, str]]) -> None:
        """Add texts; one that is there already, by what it is from, is not added again."""
        made = [(source, " ".join(terms(text))) for source, text in texts]
        with self._lock:
            self._database.execute("BEGIN")
            for source, text in made:
                rows = self._rows[source.place]
                if (source.item, source.number) in rows:
                    continue
                self._sources.append(source)
                rows[source.item, source.number] = row = len(self._sources)
                self._database.execute("INSERT INTO words(rowid, text) VALUES (?, ?)", (row, text))
            self._database.execute("COMMIT")

    def known(self, place: int) -> set[tuple[bytes, int]]:
        """The texts of a case that are in here, as item and number."""
        with self._lock:
            return set(self._rows.get(place, ()))

    def forget(self, place: int, texts: Iterable[tuple[bytes, int]]) -> None:
        """Never find these texts of a case again."""
        with self._lock:
            rows = self._rows.get(place, {})
            for each in texts:
                row = rows.pop(each, None)
                if row is not None:
                    self._sources[row - 1] = None
            if not rows:
                self._rows.pop(place, None)

    def places(self) -> set[int]:
        """The places of the cases with something in here."""
        with self._lock:
            return set(self._rows)

    def find(self, query: Query) -> Mapping[int, list[Source]]:
        """The texts with all of a query's phrases, by the place of their case, in the order of adding."""
        found: dict[int, list[Source]] = defaultdict(list)
        with self._lock:
            for (row,) in self._database.execute("SELECT rowid FROM words WHERE words MATCH ?", (query.match,)):
                source = self._sources[row - 1]
                if source is not None:
                    found[source.place].append(source)
        return found

    def size(self) -> int:
        """Bytes that the table takes in memory, what SQLite has freed in it included."""
        with self._lock:
            (pages,), (each,) = (
                self._database.execute(f"PRAGMA {name}").fetchone() for name in ("page_count", "page_size")
            )
        return int(pages * each)
