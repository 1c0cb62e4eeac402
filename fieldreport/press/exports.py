"""A published article as files for others: Markdown with front matter, a page, a Word document, and its attachments.

Rules: only what readers have already; neutral names; every time, of files and in them, is the article's slot; the same
article gives the same bytes.
"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

from fieldreport.errors import NotFound, StoreError, UsageError
from fieldreport.press.archive import Archive
from fieldreport.press.article import Article
from fieldreport.press.atomic_files import set_times
from fieldreport.press.docx import docx
from fieldreport.press.newsroom import Newsroom, Published
from fieldreport.press.site import standalone_page


def export(archive: Archive, newsroom: Newsroom, slug: str, folder: Path, *, language: str = "") -> None:
    """Write ``SLUG.md``, ``SLUG.html``, ``SLUG.docx`` and the article's attachments into a new folder.

    ``language``: as for ``published``; the files bear the address of the article in that language.

    Raises:
        NotFound: nothing is published at this address or in this language, or it was withdrawn.
        UsageError: the folder exists. StoreError: it cannot be written, or the archive cannot be read.
    """
    entry, article = published(archive, slug, language=language)
    slug, slot = entry.slug, entry.updated
    try:
        folder.mkdir()
        for media in article.media:
            _write(folder / media.name, archive.media_path(media.sha256).read_bytes(), slot)
        _write(folder / f"{slug}.md", _markdown(entry, article, newsroom).encode(), slot)
        _write(folder / f"{slug}.html", standalone_page(entry, article, newsroom).encode(), slot)
        word = docx(article, lambda media: archive.media_path(media.sha256).read_bytes())
        _write(folder / f"{slug}.docx", word, slot)
        set_times(folder, slot)
    except FileExistsError:
        raise UsageError("this folder exists: name a new one") from None
    except OSError as error:
        raise StoreError("the export cannot be written", detail=f"export: {error.strerror}") from None


def published(archive: Archive, slug: str, *, language: str = "") -> tuple[Published, Article]:
    """What readers have at an address, or, where a ``language`` is named, of the same article in that language.

    Raises:
        NotFound: nothing, or it was withdrawn.
    """
    there = {entry.slug: entry for entry in archive.entries() if entry.article is not None}
    entry = there.get(slug)
    if entry is not None and language:
        of = entry.of
        entry = next((each for each in there.values() if each.of == of and each.language == language), None)
    if entry is None or entry.article is None:
        raise NotFound("nothing is published at this address" + (" in this language" if language else ""))
    return entry, entry.article


def _write(path: Path, content: bytes, slot: datetime) -> None:
    path.write_bytes(content)
    set_times(path, slot)


def _markdown(entry: Published, article: Article, newsroom: Newsroom) -> str:
    """The body under its front matter, in which each value is JSON, and so YAML 1.2."""
    matter = {
        "title": article.title,
        "description": article.standfirst,
        "author": newsroom.byline,
        "lang": article.language,
        "date": entry.published.date().isoformat(),
        "lastmod": entry.updated.date().isoformat(),
        "slug": article.slug,
        "correction": article.correction,
        "media": [
            {"name": media.name, "alternative": media.alternative, "caption": media.caption} for media in article.media
        ],
    }
    lines = [f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in matter.items() if value]
    return "\n".join(["---", *lines, "---", "", article.body, ""])
