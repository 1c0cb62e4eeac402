"""A theme is tried on a site of samples before it touches the real one: each kind of page, in two directions.

Rules: the samples lie in a directory of their own, which is gone afterwards; every page must come out as closed as
ours: our policy in its head, nothing that runs, nothing that is loaded from elsewhere.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Literal

from lxml import etree, html

from fieldreport.errors import SettingsError
from fieldreport.press.article import Article, Media, Translation
from fieldreport.press.newsroom import Newsroom, Published
from fieldreport.press.site import POLICY, build, standalone_page

_SLOT: Final = datetime(2026, 1, 1, tzinfo=UTC)
_PICTURE: Final = b"\xff\xd8\xff\xd9"
_ELSEWHERE: Final = re.compile(r"\s*(?:[a-z][a-z0-9+.-]*:|//)", re.IGNORECASE)
_RUNS: Final = frozenset({"script", "iframe", "object", "embed", "applet", "frame", "form", "base"})
_TOLD: Final = frozenset({"canonical", "alternate"})  # links that nothing follows by itself


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
            for path in sorted((folder / "current").rglob("*.html")):
                _must_be_closed(path.relative_to(folder / "current"), html.parse(str(path)), POLICY)
            for path in sorted((folder / "current").glob("*.xml")):
                _must_be_xml(path)
        for entry in _samples():
            if entry.article is not None:
                page = standalone_page(entry, entry.article, newsroom)
                _must_be_closed(Path("standalone.html"), html.fromstring(page).getroottree(), "default-src 'none'")
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


def _must_be_closed(page: Path, document: etree._ElementTree, policy: str) -> Literal[True]:
    for problem in _open(document, policy):
        raise SettingsError(f"[press] theme: {page} {problem}")
    return True


def _open(document: etree._ElementTree, policy: str) -> Iterator[str]:
    """What is not closed in a page."""
    head = document.find("head")
    said = [] if head is None else head.findall("meta[@http-equiv='Content-Security-Policy']")
    if not any(str(each.get("content", "")).startswith(policy) for each in said):
        yield "lacks the policy in its head: keep the meta element of base.html"
    for element in document.iter(etree.Element):
        if element.tag in _RUNS:
            yield f"has an element {element.tag}"
        if element.tag == "meta" and str(element.get("http-equiv", "")).lower() == "refresh":
            yield "loads another page by itself"
        for name, value in ((str(name), str(value)) for name, value in element.attrib.items()):
            if name.lower().startswith("on"):
                yield f"has an attribute {name}"
            loads = name in {"src", "srcset", "poster", "data"} or (
                element.tag == "link" and name == "href" and element.get("rel") not in _TOLD
            )
            if loads and _ELSEWHERE.match(value):
                yield f"loads {value} from elsewhere"


def _must_be_xml(path: Path) -> Literal[True]:
    try:
        etree.parse(str(path))
    except etree.XMLSyntaxError as error:
        raise SettingsError(f"[press] theme: {path.name} is no XML: {error}") from None
    return True
