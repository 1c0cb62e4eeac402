"""A theme is tried on a site of samples before it touches the real one: each kind of page, in two directions.

Rules: the samples lie in a directory of their own, which is gone afterwards; every page must come out as closed as
ours, which the building checks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Literal

from lxml import etree

from fieldreport.errors import SettingsError
from fieldreport.press.article import Article, Media, Translation
from fieldreport.press.newsroom import Newsroom, Published
from fieldreport.press.site import build, standalone_page

_SLOT: Final = datetime(2026, 1, 1, tzinfo=UTC)
_PICTURE: Final = b"\xff\xd8\xff\xd9"


def try_theme(newsroom: Newsroom) -> Literal[True]:
    """Build sites of samples with the newsroom's theme.

    Raises:
        SettingsError: it fails, and where, or a page of it is not closed.
    """
    if not newsroom.theme.own:
        return True
    full = replace(newsroom, letterbox="b" * 56 + ".onion", recipients="#\n", about="We.", demo=True)
    bare = replace(newsroom, letterbox="", recipients="", about="", demo=False)
    with TemporaryDirectory() as directory:
        picture = Path(directory) / "picture"
        picture.write_bytes(_PICTURE)
        sites: tuple[tuple[str, Newsroom, Sequence[Published]], ...] = (
            ("full", full, _samples()),
            ("bare", bare, ()),
        )
        for name, which, entries in sites:
            folder = Path(directory) / name
            build(entries, folder, which, slot=_SLOT, media=lambda _: picture)
            for path in sorted((folder / "current").glob("*.xml")):
                _must_be_xml(path)
        for entry in _samples():
            if entry.article is not None:
                standalone_page(entry, entry.article, newsroom)
    return True


def _samples() -> tuple[Published, ...]:
    """A corrected article in two languages with a picture, one without anything, and one that was withdrawn."""
    photo = Media(
        name="photo-1.jpg",
        media_type="image/jpeg",
        sha256=hashlib.sha256(_PICTURE).hexdigest(),
        length=len(_PICTURE),
        alternative="A bridge",
        caption="The bridge",
    )
    arabic = Article(language="ar", slug="ar-bcdfghjk23", title="عنوان", body="نص.", media=(photo,))
    full = Article(
        language="en",
        slug="bcdfghjk22",
        title="A title",
        standfirst="A sentence.",
        body="Text with a note.[^1]\n\n![](photo-1.jpg)\n\n[^1]: A note.",
        correction="It was two.",
        media=(photo,),
        translations=(Translation(article=arabic, ready=True),),
    )
    return (
        _sample(full.alone()),
        replace(_sample(full.each_language()[1]), original=full.slug),
        _sample(Article(language="ko", slug="bcdfghjk24")),
        replace(_sample(Article(language="en", slug="bcdfghjk25")), article=None),
    )


def _sample(article: Article) -> Published:
    return Published(
        slug=article.slug,
        language=article.language,
        published=_SLOT.replace(year=2025),
        updated=_SLOT,
        article=article,
    )


def _must_be_xml(path: Path) -> Literal[True]:
    try:
        etree.parse(str(path))
    except etree.XMLSyntaxError as error:
        raise SettingsError(f"[press] theme: {path.name} is no XML: {error}") from None
    return True
