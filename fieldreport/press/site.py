"""The static site: front page, years, articles, about, two feeds, site map, a neutral page for a withdrawn article.

Rules: no script, nothing loaded from elsewhere, no name of a person, no time but a slot's; the whole site is built in a
new directory and switched to with one rename, so that a reader, and a crash, sees the old site or the new one. A page
that did not change is the same file as in the build before; the same content gives the same bytes.

    current -> build-…/   index.html  archive/2026.html  articles/SLUG.html  media/SLUG/photo-1.jpg
                          gone/SLUG (empty: answer 410)  feed.xml  feed.json  sitemap.xml  robots.txt
                          404.html  style.css  about.html, recipients.txt (where they are set)
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from markupsafe import Markup

from fieldreport import limits
from fieldreport.press.alternates import languages_of, listed
from fieldreport.press.article import Article, new_slug
from fieldreport.press.atomic_files import set_times, sync, sync_path
from fieldreport.press.closed import must_be_closed
from fieldreport.press.feeds import json_feed
from fieldreport.press.languages import direction, has_words, words, written_date
from fieldreport.press.newsroom import Newsroom, Published
from fieldreport.press.render import body_html

POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; media-src 'self'; base-uri 'none'; form-action 'none'"
)
_STANDALONE_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' file:; media-src 'self' file:"
)
RECIPIENTS: Final = "recipients.txt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """A build of this process. ``pages``: by slug the hash of an article with its slots, and of its page."""

    target: Path
    newsroom: Newsroom
    pages: Mapping[str, tuple[bytes, bytes]] = field(repr=False)


def build(
    published: Sequence[Published],
    directory: Path,
    newsroom: Newsroom,
    *,
    slot: datetime,
    media: Callable[[str], Path],
    before: Built | None = None,
) -> Built:
    """Build the site and switch ``directory/current`` to it.

    ``slot`` dates an empty site; otherwise the newest entry does. ``media`` gives the path of a file by its hexadecimal
    SHA-256. Pages of ``before``, which this process built, are taken over where nothing in them changed.

    Raises:
        OSError: the directory cannot be written or a file is missing; the old site stays.
        SettingsError: the newsroom's theme fails, or a page of it is not closed; likewise.
    """
    directory.mkdir(parents=True, exist_ok=True)
    target = directory / f"build-{secrets.token_hex(8)}"
    try:
        builder = _SiteBuilder(target, newsroom, published, slot, media, before)
        builder.run()
        _switch(directory, target)
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        raise
    for old in directory.glob("build-*"):
        if old != target:
            shutil.rmtree(old, ignore_errors=True)
    return Built(target=target, newsroom=newsroom, pages=builder.pages)


def _switch(directory: Path, target: Path) -> None:
    sync_path(directory)
    link = directory / f".{secrets.token_hex(8)}"
    link.symlink_to(target.name)
    set_times(link, datetime.fromtimestamp(target.stat().st_mtime, UTC))
    link.replace(directory / "current")
    sync_path(directory)


def standalone_page(entry: Published, article: Article, newsroom: Newsroom) -> str:
    """An article's page with its style in it, beside its attachments: what an export holds.

    Raises:
        SettingsError: the newsroom's theme fails, or the page is not closed.
    """
    page = newsroom.theme.render(
        "standalone.html",
        policy=_STANDALONE_POLICY,
        entry=entry,
        article=article,
        newsroom=newsroom,
        style=Markup(newsroom.theme.style),  # noqa: S704 - the program's own style sheet, or the newsroom's
        direction=direction(article.language),
        words=words(article.language),
        shown=written_date(entry.published, article.language),
        body=body_html(article),
    )
    if newsroom.theme.own:
        must_be_closed("standalone.html", page, _STANDALONE_POLICY)
    return page


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
        before: Built | None,
    ) -> None:
        self.pages: dict[str, tuple[bytes, bytes]] = {}
        self._written: list[str] = []
        self._before = before if before is not None and before.newsroom == newsroom else None
        self._target = target
        self._newsroom = newsroom
        self._media = media
        self._articles = [(entry, entry.article) for entry in published if entry.article is not None]
        self._withdrawn = [entry for entry in published if entry.article is None]
        self._languages = languages_of(self._articles, newsroom.language)
        self._listed = listed(self._articles, self._languages)
        self._updated = max((entry.updated for entry in published), default=slot)

    def run(self) -> None:
        for name in ("archive", "articles", "gone", "media"):
            (self._target / name).mkdir(parents=True)
        for entry, article in self._articles:
            self._article(entry, article)
        for entry in self._withdrawn:
            self._notice(f"articles/{entry.slug}.html", entry.language, "gone", entry.updated, root="../")
            self._write(f"gone/{entry.slug}", "", entry.updated)
        self._notice("404.html", self._newsroom.language, "missing", self._updated, root="/")
        if self._newsroom.about:
            self._about()
        self._lists()
        self._feeds()
        robots = f"User-agent: *\nDisallow:\nSitemap: {self._newsroom.base_url}/sitemap.xml\n"
        self._write("robots.txt", robots, self._updated)
        if self._newsroom.recipients:
            self._write(RECIPIENTS, self._newsroom.recipients, self._updated)
        self._write("style.css", self._newsroom.theme.style, self._updated)
        # Directories last: writing into them has changed their times.
        folders = [path for path in [*self._target.rglob("*"), self._target] if path.is_dir()]
        sync([*(self._target / name for name in self._written), *folders])
        for folder in folders:
            set_times(folder, self._updated)

    def _article(self, entry: Published, article: Article) -> None:
        if article.media:
            (self._target / "media" / entry.of).mkdir(exist_ok=True)
        for media in article.media:  # all languages have the same
            name = f"media/{entry.of}/{media.name}"
            if not (self._target / name).exists():
                self._link_or_copy(self._media(media.sha256), name, entry.published)
        name, languages = f"articles/{entry.slug}.html", self._languages[entry.of]
        made_from = hashlib.sha256(
            f"{entry.published} {entry.updated} {languages}".encode() + article.content_hash()
        ).digest()
        if self._taken_over(name, entry.slug, made_from):
            return
        html = self._render(
            "article.html",
            page=_Page(article.language, "../"),
            article=article,
            media=f"media/{entry.of}",
            languages=languages,
            others=languages.beside(article.language),
            body=body_html(article, lambda name: f"../media/{entry.of}/{name}"),
            picture=next((media for media in article.media if media.media_type.startswith("image/")), None),
            published=entry.published,
            updated=entry.updated,
            shown_published=written_date(entry.published, article.language),
            shown_updated=written_date(entry.updated, article.language),
        )
        self._write(name, html, entry.updated)
        self.pages[entry.slug] = made_from, hashlib.sha256(html.encode()).digest()

    def _taken_over(self, name: str, slug: str, made_from: bytes) -> bool:
        """Whether the page of the build before is the one that would be made now, and is this build's, too."""
        if self._before is None:
            return False
        earlier, page = self._before.pages.get(slug, (b"", b""))
        try:
            if earlier != made_from or hashlib.sha256((self._before.target / name).read_bytes()).digest() != page:
                return False
            os.link(self._before.target / name, self._target / name)
        except OSError:  # no hard links here, or somebody removed it
            return False
        self.pages[slug] = made_from, page
        return True

    def _notice(self, name: str, language: str, what: str, slot: datetime, *, root: str) -> None:
        texts = words(language)
        page = _Page(language if has_words(language) else "en", root)
        html = self._render("notice.html", page=page, heading=texts[what], text=texts[f"{what}_text"])
        self._write(name, html, slot)

    def _about(self) -> None:
        """Who publishes, in the newsroom's own language."""
        text = Article(language=self._newsroom.language, slug=new_slug(), body=self._newsroom.about)
        page = self._render("about.html", page=_Page(self._newsroom.language, ""), text=body_html(text))
        self._write("about.html", page, self._updated)

    def _lists(self) -> None:
        """The front page with the newest, a page for each year, and the site map with all of them."""
        entries: list[dict[str, Any]] = [
            {
                "slug": entry.slug,
                "language": article.language,
                "direction": direction(article.language),
                "others": self._languages[entry.of].beside(article.language),
                "title": article.title,
                "standfirst": article.standfirst,
                "published": entry.published,
                "updated": entry.updated,
                "shown": written_date(entry.published, article.language),
            }
            for entry, article in self._listed
        ]
        by_year = {year: list(found) for year, found in groupby(entries, lambda entry: int(entry["published"].year))}
        newest: dict[int, datetime] = {
            year: max(entry["updated"] for entry in found) for year, found in by_year.items()
        }
        page, front = _Page(self._newsroom.language, ""), entries[: limits.FRONT_PAGE_ENTRIES]
        index = self._render("index.html", page=page, entries=front, years=list(by_year), year=0)
        self._write("index.html", index, self._updated)
        page = _Page(self._newsroom.language, "../")
        for year, found in by_year.items():
            html = self._render("index.html", page=page, entries=found, years=[], year=year)
            self._write(f"archive/{year}.html", html, newest[year])
        pages = [(entry, self._languages[entry.of]) for entry, _ in self._articles]
        sitemap = self._render("sitemap.xml", updated=self._updated, pages=pages, years=newest)
        self._write("sitemap.xml", sitemap, self._updated)

    def _feeds(self) -> None:
        """Atom (RFC 4287) with a tombstone for each withdrawn entry (RFC 6721), and JSON Feed 1.1, which has none."""
        base = self._newsroom.base_url

        def address(slug: str) -> Callable[[str], str]:
            return lambda name: f"{base}/media/{slug}/{name}"

        entries = [
            {
                "identity": replace(entry, slug=entry.of).identity,
                "slug": entry.slug,
                "language": article.language,
                "others": self._languages[entry.of].beside(article.language),
                "title": article.title,
                "standfirst": article.standfirst,
                "published": entry.published,
                "updated": entry.updated,
                # A string: inside the feed the HTML is text and is escaped once more.
                "body": str.__str__(body_html(article, address(entry.of))),
            }
            for entry, article in self._listed[: limits.FEED_ENTRIES]
        ]
        feed = self._render(
            "feed.xml",
            identity=f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, base)}",
            updated=self._updated,
            entries=entries,
            withdrawn=[entry for entry in self._withdrawn if not entry.original],
        )
        self._write("feed.xml", feed, self._updated)
        self._write("feed.json", json_feed(self._newsroom, entries), self._updated)

    def _render(self, template: str, **values: object) -> str:
        page = values.get("page")
        language = page.language if isinstance(page, _Page) else self._newsroom.language
        made = self._newsroom.theme.render(
            template,
            newsroom=self._newsroom,
            recipients_name=RECIPIENTS,
            policy=POLICY,
            words=words(language),
            **values,
        )
        if self._newsroom.theme.own and template.endswith(".html"):
            must_be_closed(template, made, POLICY)
        return made

    def _write(self, name: str, text: str, slot: datetime) -> None:
        self._write_bytes(name, text.encode(), slot)

    def _write_bytes(self, name: str, content: bytes, slot: datetime) -> None:
        with (self._target / name).open("xb") as stream:
            stream.write(content)
        set_times(self._target / name, slot)
        self._written.append(name)

    def _link_or_copy(self, source: Path, name: str, slot: datetime) -> None:
        """Put a file under its public name: a hard link where the file system allows it, else a copy."""
        try:
            os.link(source, self._target / name)
        except OSError:
            self._write_bytes(name, source.read_bytes(), slot)
