"""The public site: all of a thousand articles, and one article more, on the disk of this machine."""

from __future__ import annotations

import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from fieldreport.bench.measure import Sheet
from fieldreport.press.archive import Archive
from fieldreport.press.article import Article
from fieldreport.press.newsroom import Newsroom, Published

_ARTICLES: Final = 1_000
_ALL_SECONDS, _ONE_SECONDS, _PAGE_BYTES = 10, 0.5, 20_000
_PARAGRAPH: Final = " ".join(["People who crossed the river said that nobody had asked for papers."] * 10)  # 120 words
_BODY: Final = "\n\n".join([_PARAGRAPH] * 10)
_SLOT: Final = datetime(2026, 11, 20, 6, tzinfo=UTC)
_DIGITS: Final = str.maketrans("0123456789", "bcdfghjkmn")


def measure(sheet: Sheet) -> None:
    """Write the seconds of a whole build and of one article more, and the size of a page without pictures."""
    newsroom = Newsroom(name="The Far Bank", base_url="https://example.org", byline="Our reporters")
    with tempfile.TemporaryDirectory() as directory:
        archive = Archive(Path(directory))
        for number in range(1, _ARTICLES + 1):
            archive.put(_entry(number), {})
        start = time.perf_counter()
        archive.rebuild(newsroom, slot=_SLOT)
        whole = time.perf_counter() - start
        newest = _entry(0)
        start = time.perf_counter()
        archive.put(newest, {})
        archive.rebuild(newsroom, slot=_SLOT)
        one = time.perf_counter() - start
        page = archive.directory / "current" / "articles" / f"{newest.slug}.html"
        size = page.stat().st_size
    sheet.figure(f"site of {_ARTICLES:,} articles, built whole", whole, "s", at_most=_ALL_SECONDS)
    sheet.figure(f"one article more on a site of {_ARTICLES:,}", one, "s", at_most=_ONE_SECONDS)
    sheet.figure(f"page of an article of {len(_BODY.split()):,} words", size, "bytes", at_most=_PAGE_BYTES)


def _entry(age: int) -> Published:
    """An article that is so many days old."""
    slug, slot = f"{age:010d}".translate(_DIGITS), _SLOT - timedelta(days=age)
    article = Article(language="en", slug=slug, title=f"Title {age}", standfirst="Nobody says why.", body=_BODY)
    return Published(slug=slug, language="en", published=slot, updated=slot, article=article)
