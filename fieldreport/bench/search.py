"""The index of a search over 10,000 cases: how long it takes to make, what it holds in memory, how long a search takes.

The texts are drawn words in five scripts, the frequent ones as frequent as in speech. That is harder than prose, where
neighbours repeat. Opening what is searched, and what of a hit is shown, is measured apart (``inbox``).
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from itertools import accumulate
from typing import Final

from fieldreport.bench.measure import Sheet
from fieldreport.vault.cases.search_index import SearchIndex, Source
from fieldreport.vault.cases.search_terms import parse

_CASES: Final = 10_000
_AT_ONCE: Final = 50
_WORDS: Final = 20_000
# Name, first letter, letters, shortest and longest word, what stands between words, words of a text.
_SCRIPTS: Final = (
    ("Korean", 0xAC00, 700, 2, 5, " ", 150),
    ("Chinese", 0x4E00, 3000, 1, 3, "", 300),
    ("English", 0x61, 26, 2, 10, " ", 200),
    ("Russian", 0x430, 32, 2, 10, " ", 150),
    ("Arabic", 0x627, 20, 2, 8, " ", 150),
)


def measure(sheet: Sheet) -> None:
    """Write time and memory of the index, and the slowest of several searches."""
    texts = list(_texts())
    length = sum(len(text.encode()) for text in texts)
    index, began = SearchIndex(), time.process_time()
    for start in range(0, len(texts), _AT_ONCE):
        places = range(start, start + _AT_ONCE)
        index.add([(Source(place, place.to_bytes(16, "big"), 0), texts[place]) for place in places])
    sheet.figure(f"indexing the words of {_CASES:,} cases, of one core", time.process_time() - began, "s", at_most=30)
    sheet.figure("index in memory, of the text", index.size() / length, "", at_most=1.5)
    slowest = 0.0
    for text in texts[: 2 * len(_SCRIPTS)]:
        first, second = text[:1], text[:8]
        for words in (first, f"{first}*", f'"{second}"', f"{first} {second}"):
            query, began = parse(words), time.perf_counter()
            index.find(query)
            slowest = max(slowest, time.perf_counter() - began)
    sheet.figure("the slowest search in it", slowest * 1000, "ms", at_most=200)


def _texts() -> Iterator[str]:
    draw = random.Random(1)  # noqa: S311 - the same texts in every run
    weights = list(accumulate(1 / place for place in range(1, _WORDS + 1)))
    words = [
        ["".join(chr(first + draw.randrange(letters)) for _ in range(draw.randint(least, most))) for _ in range(_WORDS)]
        for _, first, letters, least, most, _, _ in _SCRIPTS
    ]
    for place in range(_CASES):
        script = place % len(_SCRIPTS)
        *_, between, number = _SCRIPTS[script]
        yield between.join(draw.choices(words[script], cum_weights=weights, k=number))
