"""The static site: front page, articles, Atom feed, site map, and a neutral page in place of a withdrawn article.

Rules: no script, nothing loaded from elsewhere, no name of a person, no time but a slot's; the whole site is built in a
new directory and switched to with one rename, so that a reader, and a crash, sees the old site or the new one.

    current -> build-…/   index.html  articles/SLUG.html  media/SLUG/photo-1.jpg  gone/SLUG (empty: answer 410)
                          feed.xml  sitemap.xml  robots.txt  404.html  style.css  recipients.txt (where it is set)
"""

from __future__ import annotations

import os
import secrets
import shutil
import tomllib
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Final

from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from jinja2 import Environment, PackageLoader, StrictUndefined

from fieldreport import limits
from fieldreport.config import Settings
from fieldreport.press.article import Article
from fieldreport.press.atomic_files import create_file, set_times, sync_directory
from fieldreport.press.render import body_html

POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; media-src 'self'; base-uri 'none'; form-action 'none'"
)
RECIPIENTS: Final = "recipients.txt"
_STRINGS: Final[Mapping[str, Mapping[str, str]]] = tomllib.loads(
    files("fieldreport.press").joinpath("strings.toml").read_text(encoding="utf-8")
)
_RIGHT_TO_LEFT: Final = frozenset({"ar", "ckb", "dv", "fa", "he", "ps", "sd", "ug", "ur", "yi"})
_SCRIPT_LETTERS: Final = 4  # ISO 15924
_RIGHT_TO_LEFT_SCRIPTS: Final = frozenset({"Arab", "Hebr", "Thaa", "Syrc", "Nkoo"})


def direction(language: str) -> str:
    """``rtl`` or ``ltr`` for a language tag; a script in the tag decides over the language."""
    parts = language.split("-")
    scripts = [part for part in parts[1:] if len(part) == _SCRIPT_LETTERS]
    if scripts:
        return "rtl" if scripts[0] in _RIGHT_TO_LEFT_SCRIPTS else "ltr"
    return "rtl" if parts[0] in _RIGHT_TO_LEFT else "ltr"


@dataclass(frozen=True, slots=True, kw_only=True)
class Newsroom:
    """Who publishes: one name and one byline for everything. ``base_url`` has no slash at its end.

    ``letterbox``: the onion host where sources write, named on every page, or nothing. It is no link: a browser and its
    network would remember who followed it. ``recipients``: the list of keys to which sources seal files themselves, or
    nothing.
    """

    name: str
    base_url: str
    byline: str
    language: str = "en"
    demo: bool = False
    letterbox: str = ""
    recipients: str = ""

    @classmethod
    def from_settings(cls, settings: Settings) -> Newsroom:
        """The newsroom of an installation."""
        return cls(
            name=settings.instance.name,
            base_url=settings.press.base_url.rstrip("/"),
            byline=settings.press.byline,
            demo=settings.is_demo,
            letterbox=settings.press.letterbox,
        )

    @property
    def direction(self) -> str:
        """The direction of the newsroom's own language."""
        return direction(self.language)


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """One address of the site. ``published`` and ``updated`` are slots; no article means it was withdrawn then."""

    slug: str
    language: str
    published: datetime
    updated: datetime
    article: Article | None

    @property
    def identity(self) -> str:
        """The entry's permanent identifier (RFC 4287, section 4.2.6); it survives a move to another domain."""
        return f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, 'fieldreport:' + self.slug)}"


def build(
    published: Sequence[Published],
    directory: Path,
    newsroom: Newsroom,
    *,
    slot: datetime,
    media: Callable[[str], Path],
) -> None:
    """Build the site and switch ``directory/current`` to it.

    ``slot`` dates an empty site; otherwise the newest entry does. ``media`` gives the path of a file by its hexadecimal
    SHA-256.

    Raises:
        OSError: the directory cannot be written or a file is missing; the old site stays.
    """
    directory.mkdir(parents=True, exist_ok=True)
    target = directory / f"build-{secrets.token_hex(8)}"
    try:
        _SiteBuilder(target, newsroom, published, slot, media).run()
        _switch(directory, target)
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        raise
    for old in directory.glob("build-*"):
        if old != target:
            shutil.rmtree(old, ignore_errors=True)


def _switch(directory: Path, target: Path) -> None:
    sync_directory(directory)
    link = directory / f".{secrets.token_hex(8)}"
    link.symlink_to(target.name)
    set_times(link, datetime.fromtimestamp(target.stat().st_mtime, UTC))
    link.replace(directory / "current")
    sync_directory(directory)


def _instant(moment: datetime) -> str:
    """A time in the form of RFC 3339."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


_TEMPLATES: Final = Environment(
    loader=PackageLoader("fieldreport.press"), autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True
)
_TEMPLATES.filters["instant"] = _instant


@dataclass(frozen=True, slots=True)
class _Page:
    """What every page needs: its language, direction, and the relative path to the root."""

    language: str
    root: str

    @property
    def direction(self) -> str:
        return direction(self.language)


class _SiteBuilder:
    """One build in its own directory."""

    def __init__(
        self,
        target: Path,
        newsroom: Newsroom,
        published: Sequence[Published],
        slot: datetime,
        media: Callable[[str], Path],
    ) -> None:
        self._target = target
        self._newsroom = newsroom
        self._media = media
        self._articles = [(entry, entry.article) for entry in published if entry.article is not None]
        self._withdrawn = [entry for entry in published if entry.article is None]
        self._updated = max((entry.updated for entry in published), default=slot)

    def run(self) -> None:
        for name in ("articles", "gone", "media"):
            (self._target / name).mkdir(parents=True)
        for entry, article in self._articles:
            self._article(entry, article)
        for entry in self._withdrawn:
            self._notice(f"articles/{entry.slug}.html", entry.language, "gone", entry.updated, root="../")
            create_file(self._target / "gone" / entry.slug, b"", entry.updated)
        self._notice("404.html", self._newsroom.language, "missing", self._updated, root="/")
        self._index()
        self._feed()
        listed = [entry for entry, _ in self._articles]
        self._write("sitemap.xml", self._render("sitemap.xml", updated=self._updated, entries=listed), self._updated)
        robots = f"User-agent: *\nDisallow:\nSitemap: {self._newsroom.base_url}/sitemap.xml\n"
        self._write("robots.txt", robots, self._updated)
        if self._newsroom.recipients:
            self._write(RECIPIENTS, self._newsroom.recipients, self._updated)
        style = files("fieldreport.press").joinpath("style.css").read_text(encoding="utf-8")
        self._write("style.css", style, self._updated)
        # Directories last: writing into them has changed their times.
        for path in [*self._target.rglob("*"), self._target]:
            if path.is_dir():
                sync_directory(path)
                set_times(path, self._updated)

    def _article(self, entry: Published, article: Article) -> None:
        if article.media:
            folder = self._target / "media" / entry.slug
            folder.mkdir()
            for media in article.media:
                _link_or_copy(self._media(media.sha256), folder / media.name, entry.published)
        html = self._render(
            "article.html",
            page=_Page(article.language, "../"),
            article=article,
            body=body_html(article, lambda name: f"../media/{entry.slug}/{name}"),
            published=entry.published,
            updated=entry.updated,
            shown_published=_written_date(entry.published, article.language),
            shown_updated=_written_date(entry.updated, article.language),
        )
        self._write(f"articles/{entry.slug}.html", html, entry.updated)

    def _notice(self, name: str, language: str, what: str, slot: datetime, *, root: str) -> None:
        words = _words(language)
        page = _Page(language if _has_words(language) else "en", root)
        html = self._render("notice.html", page=page, heading=words[what], text=words[f"{what}_text"])
        self._write(name, html, slot)

    def _index(self) -> None:
        entries = [
            {
                "slug": entry.slug,
                "language": article.language,
                "direction": direction(article.language),
                "title": article.title,
                "standfirst": article.standfirst,
                "published": entry.published,
                "shown": _written_date(entry.published, article.language),
            }
            for entry, article in self._articles
        ]
        html = self._render("index.html", page=_Page(self._newsroom.language, ""), entries=entries)
        self._write("index.html", html, self._updated)

    def _feed(self) -> None:
        """Atom (RFC 4287) with a tombstone for each withdrawn entry (RFC 6721)."""
        base = self._newsroom.base_url

        def address(slug: str) -> Callable[[str], str]:
            return lambda name: f"{base}/media/{slug}/{name}"

        entries = [
            {
                "identity": entry.identity,
                "slug": entry.slug,
                "language": article.language,
                "title": article.title,
                "standfirst": article.standfirst,
                "published": entry.published,
                "updated": entry.updated,
                # A string: inside the feed the HTML is text and is escaped once more.
                "body": str.__str__(body_html(article, address(entry.slug))),
            }
            for entry, article in self._articles[: limits.FEED_ENTRIES]
        ]
        feed = self._render(
            "feed.xml",
            identity=f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, base)}",
            updated=self._updated,
            entries=entries,
            withdrawn=self._withdrawn,
        )
        self._write("feed.xml", feed, self._updated)

    def _render(self, template: str, **values: object) -> str:
        page = values.get("page")
        language = page.language if isinstance(page, _Page) else self._newsroom.language
        return _TEMPLATES.get_template(template).render(
            newsroom=self._newsroom, recipients_name=RECIPIENTS, policy=POLICY, words=_words(language), **values
        )

    def _write(self, name: str, text: str, slot: datetime) -> None:
        create_file(self._target / name, text.encode(), slot)


def _link_or_copy(source: Path, target: Path, slot: datetime) -> None:
    """Put a file under its public name: a hard link where the file system allows it, else a copy."""
    try:
        os.link(source, target)
    except OSError:
        create_file(target, source.read_bytes(), slot)


def _has_words(language: str) -> bool:
    return language in _STRINGS or language.partition("-")[0] in _STRINGS


def _words(language: str) -> Mapping[str, str]:
    return _STRINGS.get(language) or _STRINGS.get(language.partition("-")[0]) or _STRINGS["en"]


def _written_date(slot: datetime, language: str) -> str:
    """The day of a slot as the article's language writes it; as a plain date where Babel does not know it."""
    try:
        return format_date(slot.date(), "long", Locale.parse(language, sep="-"))
    except (UnknownLocaleError, ValueError):
        return slot.date().isoformat()
