"""A newsroom's own templates: in place of ours, in a sandbox, and refused with file and line before they do harm."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import cast

import pytest
from lxml import html

from fieldreport import config
from fieldreport.errors import SettingsError
from fieldreport.press.archive import Archive, MediaSource
from fieldreport.press.exports import export
from fieldreport.press.newsroom import Newsroom, Published
from fieldreport.press.theme import Theme
from fieldreport.press.trial import try_theme
from fieldreport.vault.articles.release import Site
from fieldreport.vault.cases.readings import Reader
from tests.cast import settings_in

Look = Callable[..., Newsroom]


@pytest.fixture
def look(newsroom: Newsroom, tmp_path: Path) -> Look:
    """The newsroom with a theme of these files."""

    def with_files(**texts: str) -> Newsroom:
        folder = tmp_path / "theme"
        folder.mkdir()
        for name, text in texts.items():
            (folder / name.replace("__", ".")).write_text(text, encoding="utf-8")
        return replace(newsroom, theme=Theme.load(folder))

    return with_files


def test_a_theme_takes_the_place_of_blocks_parts_and_the_style(
    look: Look,
    archive: Archive,
    published: Published,
    media: dict[str, MediaSource],
    slot: datetime,
    tmp_path: Path,
) -> None:
    newsroom = look(
        article__html='{% extends "shipped/article.html" %}{% block main %}{% include "_seal.html" %}{{ super() }}'
        "{% endblock %}",
        _seal__html="<p>Sealed by {{ newsroom.name }}</p>\n",
        style__css="h1 { color: teal; }\n",
    )
    assert try_theme(newsroom)
    archive.put(published, media)
    archive.rebuild(newsroom, slot=slot)
    current = archive.directory / "current"
    page = html.parse(str(current / "articles" / "bcdfghjk22.html"))
    assert page.xpath("//main/p/text()") == ["Sealed by The Far Bank"]
    assert page.findtext(".//h1") == "Dark <windows> & doors"
    assert (current / "style.css").read_text(encoding="utf-8") == "h1 { color: teal; }\n"
    export(archive, newsroom, "bcdfghjk22", tmp_path / "out")
    assert "color: teal" in (tmp_path / "out" / "bcdfghjk22.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("article.html", "one\ntwo {% if %}\n", r"article\.html, line 2: "),
        ("article.html", "one\n\n{{ nothing.there }}\n", r"article\.html, line 3: UndefinedError"),
        ("notice.html", "{{ heading.__class__.__mro__ }}\n", r"notice\.html, line 1: SecurityError"),
        ("index.html", "one\n{{ entries.append(1) }}\n", r"index\.html, line 2: SecurityError"),
        ("notice.html", "\n{{ newsroom.theme.folder.joinpath('x').write_text(heading) }}\n", r"line 2: SecurityError"),
        ("index.html", "{{ newsroom.theme.folder.cwd() }}\n", r"line 1: SecurityError"),
        ("article.html", "{{ published.now() }}\n", r"line 1: SecurityError"),
        ("article.html", "{{ published.astimezone() }}\n", r"line 1: SecurityError"),
        ("base.html", "", r"html is empty"),
        ("feed.xml", "<feed>\n", r"feed\.xml is no XML"),
        ("artcle.html", "", r"artcle\.html takes the place of no file"),
        ("base.html", "<html><body>{% block main %}{% endblock %}</body></html>", "lacks the policy"),
        ("_part.html", "\udcff", "cannot read"),
        (
            "base.html",
            "<style>@import '//o.example'</style><meta http-equiv='Content-Security-Policy' content=\"{{ policy }}\">",
            "lacks the policy at the beginning",
        ),
        (
            "base.html",
            '<meta http-equiv="Content-Security-Policy" content="{{ policy }}; font-src https:">',
            "lacks the policy",
        ),
        (
            "standalone.html",
            '<meta http-equiv="Content-Security-Policy" content="{{ policy }} https:">',
            "standalone.html lacks the policy",
        ),
    ],
)
def test_a_broken_theme_is_refused_with_its_line(
    newsroom: Newsroom, tmp_path: Path, name: str, text: str, message: str
) -> None:
    folder = tmp_path / "theme"
    folder.mkdir()
    (folder / name).write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(SettingsError, match=message):
        try_theme(replace(newsroom, theme=Theme.load(folder)))


@pytest.mark.parametrize(
    "harm",
    [
        "<script src='ours.js'></script>",
        "<p onclick='x()'>.</p>",
        "<img src='https://elsewhere.example/pixel.png' alt=''>",
        "<link rel='stylesheet' href='//elsewhere.example/style.css'>",
        "<link rel='dns-prefetch' href='/\\elsewhere.example'>",
        "<meta http-equiv='Refresh' content='0; url=https://elsewhere.example/'>",
        "<form action='https://elsewhere.example/'></form>",
    ],
)
def test_a_theme_that_would_tell_others_who_reads_is_refused(look: Look, harm: str) -> None:
    newsroom = look(notice__html=f'{{% extends "shipped/notice.html" %}}{{% block main %}}{harm}{{% endblock %}}')
    with pytest.raises(SettingsError, match=r"notice\.html"):
        try_theme(newsroom)


def test_a_desk_does_not_start_with_a_broken_theme_and_the_site_stays(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    folder = tmp_path / "theme"
    folder.mkdir()
    (folder / "index.html").write_text("{{ nothing }}", encoding="utf-8")
    broken = replace(settings, press=replace(settings.press, theme=folder))
    with pytest.raises(SettingsError, match=r"index\.html, line 1"):
        Site.of(broken, reader=cast("Reader", None))  # it is refused before anything is read
    assert not settings.press.site.exists()


def test_what_a_template_cannot_do_with_the_real_articles_leaves_the_old_site(
    look: Look,
    archive: Archive,
    newsroom: Newsroom,
    published: Published,
    media: dict[str, MediaSource],
    slot: datetime,
) -> None:
    archive.put(published, media)
    archive.rebuild(newsroom, slot=slot)
    before = (archive.directory / "current").readlink()
    theme = look(
        article__html='{% extends "shipped/article.html" %}\n{% block title %}{{ 1 // (1 - 1) }}{% endblock %}'
    )
    with pytest.raises(SettingsError, match=r"article\.html, line 2: ZeroDivisionError"):
        archive.rebuild(theme, slot=slot)
    assert (archive.directory / "current").readlink() == before


def test_a_template_that_opens_only_pages_of_real_articles_leaves_the_old_site(
    look: Look,
    archive: Archive,
    published: Published,
    media: dict[str, MediaSource],
    newsroom: Newsroom,
    slot: datetime,
) -> None:
    archive.put(published, media)
    archive.rebuild(newsroom, slot=slot)
    before = (archive.directory / "current").readlink()
    theme = look(
        article__html='{% extends "shipped/article.html" %}{% block main %}'
        "{% if article.title.startswith('Dark') %}<script src='ours.js'></script>{% endif %}{% endblock %}"
    )
    assert try_theme(theme)
    with pytest.raises(SettingsError, match=r"article\.html has an element script"):
        archive.rebuild(theme, slot=slot)
    assert (archive.directory / "current").readlink() == before


# --- the page about the newsroom ---


def test_the_page_about_the_newsroom_is_linked_from_every_page_in_the_pages_language(
    archive: Archive, published: Published, media: dict[str, MediaSource], slot: datetime, tmp_path: Path
) -> None:
    file = tmp_path / "about.md"
    file.write_text("We are **the far bank**.\n\n<script>x</script>", encoding="utf-8")
    settings = settings_in(tmp_path)
    newsroom = Newsroom.from_settings(replace(settings, press=replace(settings.press, about=file)))
    archive.put(replace(published, language="ko"), media)
    archive.rebuild(newsroom, slot=slot)
    current = archive.directory / "current"
    page = html.parse(str(current / "about.html"))
    assert page.findtext(".//h1") == "About us"
    assert page.findtext(".//strong") == "the far bank"
    assert page.find(".//script") is None
    for path in current.rglob("*.html"):
        assert html.parse(str(path)).xpath("//footer/a[contains(@href, 'about.html')]"), path
    assert f"{settings.press.base_url}/about.html" in (current / "sitemap.xml").read_text(encoding="utf-8")
    archive.rebuild(replace(newsroom, about=""), slot=slot)
    assert not (archive.directory / "current" / "about.html").exists()
    assert "about.html" not in (archive.directory / "current" / "index.html").read_text(encoding="utf-8")


def test_a_page_about_the_newsroom_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    settings: config.Settings = settings_in(tmp_path)
    for about in (tmp_path / "missing.md", tmp_path):
        with pytest.raises(SettingsError, match=r"\[press\] about"):
            Newsroom.from_settings(replace(settings, press=replace(settings.press, about=about)))
