"""The built site: complete, neutral, dated to its slots, and switched to as a whole."""

from __future__ import annotations

import io
import json
import re
import tomllib
from dataclasses import replace
from datetime import datetime, timedelta
from importlib.resources import files
from pathlib import Path

import pytest
from lxml import etree, html

from fieldreport.errors import NotFound, SettingsError, StoreError
from fieldreport.press.archive import Archive, MediaSource
from fieldreport.press.article import Article, Media, Translation
from fieldreport.press.languages import direction
from fieldreport.press.newsroom import Newsroom, Published
from fieldreport.press.site import POLICY
from fieldreport.web.i18n import NAMES
from tests.cast import settings_in

MediaSources = dict[str, MediaSource]
ATOM = "{http://www.w3.org/2005/Atom}"
SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
TOMBSTONE = "{http://purl.org/atompub/tombstones/1.0}deleted-entry"


def current(archive: Archive) -> Path:
    return archive.directory / "current"


@pytest.fixture
def built(archive: Archive, newsroom: Newsroom, published: Published, media: MediaSources, slot: datetime) -> Path:
    archive.put(published, media)
    archive.rebuild(newsroom, slot=slot)
    return current(archive)


def test_an_article_has_its_page_and_its_picture_under_a_neutral_name(built: Path) -> None:
    page = html.parse(str(built / "articles" / "bcdfghjk22.html"))
    assert page.findtext(".//h1") == "Dark <windows> & doors"
    source = page.find(".//img").get("src")
    assert source == "../media/bcdfghjk22/photo-1.jpg"
    assert (built / "articles" / source).resolve().read_bytes().startswith(b"\xff\xd8")
    assert "Our reporters" in str(page.xpath("string(//p[@class='when'])"))


def test_the_front_page_links_to_it(built: Path) -> None:
    index = html.parse(str(built / "index.html"))
    links = [link.get("href") for link in index.findall(".//article//a")]
    assert links == ["articles/bcdfghjk22.html"]
    assert (built / links[0]).exists()


def test_every_page_is_inert_and_closed(built: Path) -> None:
    for path in built.rglob("*.html"):
        page = html.parse(str(path))
        assert page.getroot().get("lang")
        assert page.getroot().get("dir") in {"ltr", "rtl"}
        assert page.findtext(".//title")
        assert page.find(".//meta[@http-equiv='Content-Security-Policy']").get("content") == POLICY
        assert not page.findall(".//script")
        assert not page.findall(".//style")
        assert not page.xpath("//@style | //@*[starts-with(name(), 'on')]")
        for loaded in page.xpath("//@src | //link[not(@rel='canonical')]/@href"):
            assert not re.match(r"\w+:|//", str(loaded)), loaded


def test_every_time_on_the_disk_is_the_slot(archive: Archive, built: Path, slot: datetime) -> None:
    for path in [built, *built.rglob("*"), *archive.directory.rglob("*")]:
        assert path.lstat().st_mtime == slot.timestamp(), path


def test_an_empty_site_is_a_site(archive: Archive, newsroom: Newsroom, slot: datetime) -> None:
    archive.rebuild(newsroom, slot=slot)
    assert "There are no articles at the moment" in (current(archive) / "index.html").read_text(encoding="utf-8")
    assert etree.parse(str(current(archive) / "feed.xml")).findtext(f"{ATOM}updated") == "2026-11-20T06:00:00Z"


def test_every_page_tells_the_way_to_the_letterbox_and_no_click_betrays_who_takes_it(
    archive: Archive, newsroom: Newsroom, published: Published, media: MediaSources, slot: datetime
) -> None:
    onion = "b" * 56 + ".onion"
    archive.put(published, media)
    archive.rebuild(newsroom, slot=slot)
    assert not any(".onion" in path.read_text(encoding="utf-8") for path in [*current(archive).rglob("*.html")])
    archive.rebuild(replace(newsroom, letterbox=onion), slot=slot)
    found = [*current(archive).rglob("*.html")]
    assert len(found) >= 3
    for path in found:
        page = html.parse(str(path))
        (told,) = page.xpath("//footer/p[@class='letterbox']")
        assert f"http://{onion}" in told.text_content(), path
        assert not [address for address in page.xpath("//@href | //@src") if "onion" in address], path


def test_every_language_has_every_word_of_the_site() -> None:
    languages = tomllib.loads(files("fieldreport.press").joinpath("strings.toml").read_text(encoding="utf-8"))
    assert set(languages) == set(NAMES), "those of the letterbox"
    for code, words in languages.items():
        assert words.keys() == languages["en"].keys(), code
        assert all(words.values()), code


def test_a_demonstration_says_so_on_every_page(
    archive: Archive, newsroom: Newsroom, published: Published, media: MediaSources, slot: datetime
) -> None:
    archive.put(published, media)
    archive.rebuild(replace(newsroom, demo=True), slot=slot)
    for path in current(archive).rglob("*.html"):
        assert html.parse(str(path)).find(".//p[@class='demo']") is not None


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("ar", "rtl"),
        ("fa", "rtl"),
        ("he", "rtl"),
        ("ur", "rtl"),
        ("uz-Arab", "rtl"),
        ("ar-Latn", "ltr"),
        ("ko", "ltr"),
        ("zh-Hans", "ltr"),
    ],
)
def test_pages_run_in_the_direction_of_their_script(language: str, expected: str) -> None:
    assert direction(language) == expected


@pytest.mark.parametrize(
    ("language", "day"),
    [
        ("en", "November 20, 2026"),
        ("ko", "2026년 11월 20일"),
        ("zh-Hans", "2026年11月20日"),
        ("ru", "20 ноября 2026"),
        ("tlh", "2026-11-20"),
    ],
)
def test_an_article_speaks_its_own_language(
    archive: Archive, newsroom: Newsroom, slot: datetime, language: str, day: str
) -> None:
    article = Article(language=language, slug="bcdfghjk22", title="T")
    archive.put(Published(slug=article.slug, language=language, published=slot, updated=slot, article=article), {})
    archive.rebuild(newsroom, slot=slot)
    page = html.parse(str(current(archive) / "articles" / "bcdfghjk22.html"))
    assert page.getroot().get("lang") == language
    assert day in page.findtext(".//time")


# --- the feed, against what RFC 4287 requires ---


def test_the_feed_has_what_atom_requires(built: Path) -> None:
    feed = etree.parse(str(built / "feed.xml")).getroot()
    assert feed.tag == f"{ATOM}feed"
    for required in ("id", "title", "updated"):  # section 4.1.1
        assert len(feed.findall(ATOM + required)) == 1, required
    assert [link.get("href") for link in feed.findall(f"{ATOM}link") if link.get("rel") == "self"]
    assert feed.findtext(f"{ATOM}author/{ATOM}name") == "Our reporters"
    entries = feed.findall(f"{ATOM}entry")
    assert len(entries) == 1
    for required in ("id", "title", "updated"):  # section 4.1.2
        assert len(entries[0].findall(ATOM + required)) == 1, required
    assert str(entries[0].findtext(f"{ATOM}id")).startswith("urn:uuid:")
    alternates = [link for link in entries[0].findall(f"{ATOM}link") if link.get("rel") == "alternate"]
    assert [(link.get("href"), link.get("hreflang")) for link in alternates] == [
        ("https://example.org/articles/bcdfghjk22.html", "en")
    ]
    for moment in feed.iter(f"{ATOM}updated", f"{ATOM}published"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", str(moment.text))  # section 3.3


def test_the_feeds_content_is_html_with_whole_addresses(built: Path) -> None:
    content = etree.parse(str(built / "feed.xml")).getroot().find(f".//{ATOM}content")
    assert content is not None
    assert content.get("type") == "html"
    fragment = html.fragment_fromstring(str(content.text), create_parent="div")
    assert fragment.find(".//img").get("src") == "https://example.org/media/bcdfghjk22/photo-1.jpg"
    assert fragment.find(".//script") is None


def test_the_site_map_lists_the_pages_by_day(built: Path) -> None:
    sitemap = etree.parse(str(built / "sitemap.xml"))
    listed = [element.text for element in sitemap.iter(f"{SITEMAP}loc")]
    assert listed == [
        "https://example.org/",
        "https://example.org/articles/bcdfghjk22.html",
        "https://example.org/archive/2026.html",
    ]


def test_the_json_feed_has_what_its_version_requires_and_the_same_entries(built: Path) -> None:
    feed = json.loads((built / "feed.json").read_text(encoding="utf-8"))
    # jsonfeed.org/version/1.1: version and title of the feed, id and content of an item, are required.
    assert (feed["version"], feed["title"]) == ("https://jsonfeed.org/version/1.1", "The Far Bank")
    assert feed["feed_url"] == "https://example.org/feed.json"
    (item,) = feed["items"]
    entry = etree.parse(str(built / "feed.xml")).getroot().find(f"{ATOM}entry")
    assert entry is not None
    assert item["id"] == entry.findtext(f"{ATOM}id")
    assert item["content_html"] == entry.findtext(f"{ATOM}content")
    assert item["date_published"] == entry.findtext(f"{ATOM}published")
    assert item["authors"] == [{"name": "Our reporters"}]
    assert (item["url"], item["language"]) == ("https://example.org/articles/bcdfghjk22.html", "en")
    for path in built.rglob("*.html"):
        (named,) = html.parse(str(path)).xpath("//link[@type='application/feed+json']")
        assert named.get("href").endswith("feed.json")


def test_an_article_tells_others_sites_what_to_show_of_it(built: Path) -> None:
    page = html.parse(str(built / "articles" / "bcdfghjk22.html"))
    told = {meta.get("property"): meta.get("content") for meta in page.findall(".//meta[@property]")}
    address = "https://example.org/articles/bcdfghjk22.html"
    assert told == {
        "og:type": "article",
        "og:title": "Dark <windows> & doors",
        "og:url": address,
        "og:site_name": "The Far Bank",
        "og:description": "Nobody says why.",
        "og:image": "https://example.org/media/bcdfghjk22/photo-1.jpg",
        "og:image:alt": "Hills",
        "article:published_time": "2026-11-20",
    }
    assert page.xpath("//link[@rel='canonical']/@href") == [address]


def several(archive: Archive, slot: datetime, number: int) -> list[str]:
    """So many articles, each a week older than the one before; their slugs."""
    slugs = [f"bcdfghjm{tens}{ones}" for tens in "2345678" for ones in "23456789"][:number]
    for age, slug in enumerate(slugs):
        at = slot - timedelta(weeks=age)
        article = Article(language="en", slug=slug, title=f"Title {age}", body="Text.")
        archive.put(Published(slug=slug, language="en", published=at, updated=at, article=article), {})
    return slugs


def test_each_year_has_a_page_and_the_front_page_has_the_newest(
    archive: Archive, newsroom: Newsroom, slot: datetime
) -> None:
    slugs = several(archive, slot, 52)
    archive.rebuild(newsroom, slot=slot)
    front = html.parse(str(current(archive) / "index.html"))
    assert front.xpath("//article//a/@href") == [f"articles/{slug}.html" for slug in slugs[:50]]
    years = front.xpath("//nav/p/a/@href")
    assert years == ["archive/2026.html", "archive/2025.html"]
    listed = [
        str(address)
        for year in years
        for address in html.parse(str(current(archive) / year)).xpath("//article//a/@href")
    ]
    assert listed == [f"../articles/{slug}.html" for slug in slugs]
    assert all((current(archive) / "archive" / address).exists() for address in listed)


def test_one_more_article_is_one_more_page_and_the_others_stay_the_same_files(
    archive: Archive, newsroom: Newsroom, published: Published, media: MediaSources, slot: datetime
) -> None:
    several(archive, slot - timedelta(days=1), 5)
    archive.rebuild(newsroom, slot=slot)
    before = {path.name: path.stat().st_ino for path in (current(archive) / "articles").iterdir()}
    archive.put(published, media)
    archive.rebuild(newsroom, slot=slot)
    after = {path.name: path.stat().st_ino for path in (current(archive) / "articles").iterdir()}
    assert len(before) == 5
    assert {name: after[name] for name in before} == before
    assert after.keys() - before.keys() == {"bcdfghjk22.html"}
    incremental = {path.relative_to(current(archive)): path.read_bytes() for path in files_of(archive)}
    Archive(archive.directory).rebuild(newsroom, slot=slot)  # as after a restart: everything is made again
    assert {path.relative_to(current(archive)): path.read_bytes() for path in files_of(archive)} == incremental


def files_of(archive: Archive) -> list[Path]:
    return [path for path in current(archive).rglob("*") if path.is_file()]


def test_a_page_is_made_again_where_it_was_changed_or_the_newsroom_was(
    archive: Archive, newsroom: Newsroom, slot: datetime
) -> None:
    first, second = several(archive, slot, 2)
    archive.rebuild(newsroom, slot=slot)
    (current(archive) / "articles" / f"{first}.html").write_text("not ours", encoding="utf-8")
    (current(archive) / "articles" / f"{second}.html").unlink()
    archive.rebuild(newsroom, slot=slot)
    for slug in (first, second):
        assert "Title" in (current(archive) / "articles" / f"{slug}.html").read_text(encoding="utf-8")
    archive.rebuild(replace(newsroom, name="Another"), slot=slot)
    assert "Another" in (current(archive) / "articles" / f"{first}.html").read_text(encoding="utf-8")


def test_the_newsroom_has_a_language_of_its_own(
    archive: Archive, tmp_path: Path, published: Published, media: MediaSources, slot: datetime
) -> None:
    settings = settings_in(tmp_path)
    korean = replace(settings, press=replace(settings.press, language="ko"))
    archive.put(published, media)
    archive.rebuild(Newsroom.from_settings(korean), slot=slot)
    front = html.parse(str(current(archive) / "index.html")).getroot()
    assert front.get("lang") == "ko"
    assert "기사" in front.text_content()
    page = html.parse(str(current(archive) / "articles" / "bcdfghjk22.html")).getroot()
    assert page.get("lang") == "en"
    with pytest.raises(SettingsError, match="language"):
        Newsroom.from_settings(replace(settings, press=replace(settings.press, language="tlh")))


def test_the_page_of_a_long_article_is_small(archive: Archive, newsroom: Newsroom, slot: datetime) -> None:
    body = "\n\n".join([" ".join(["Nobody counts them."] * 40)] * 16)  # 1,920 words
    article = Article(language="en", slug="bcdfghjk22", title="T", body=body)
    archive.put(Published(slug=article.slug, language="en", published=slot, updated=slot, article=article), {})
    archive.rebuild(replace(newsroom, letterbox="b" * 56 + ".onion"), slot=slot)
    assert (current(archive) / "articles" / "bcdfghjk22.html").stat().st_size <= 20_000


# --- correcting and withdrawing ---


def test_a_corrected_article_says_so_and_keeps_its_identity(
    archive: Archive, newsroom: Newsroom, published: Published, media: MediaSources, slot: datetime
) -> None:
    archive.put(published, media)
    assert published.article is not None
    corrected = replace(published.article, body="Better.", correction="It was two.", media=())
    archive.put(replace(published, updated=slot + timedelta(days=1), article=corrected), {})
    archive.rebuild(newsroom, slot=slot)
    text = (current(archive) / "articles" / "bcdfghjk22.html").read_text(encoding="utf-8")
    assert "It was two." in text
    assert "Corrected" in text
    entry = etree.parse(str(current(archive) / "feed.xml")).getroot().find(f"{ATOM}entry")
    assert entry is not None
    assert entry.findtext(f"{ATOM}id") == published.identity
    assert entry.findtext(f"{ATOM}updated") == "2026-11-21T06:00:00Z"
    assert entry.findtext(f"{ATOM}published") == "2026-11-20T06:00:00Z"
    assert list((archive.directory / "snapshots" / "media").iterdir()) == []


def test_a_withdrawn_article_leaves_a_neutral_page_and_a_tombstone_and_nothing_else(
    archive: Archive, newsroom: Newsroom, built: Path, published: Published, slot: datetime
) -> None:
    archive.withdraw("bcdfghjk22", slot + timedelta(days=2))
    archive.rebuild(newsroom, slot=slot)
    feed = etree.parse(str(current(archive) / "feed.xml")).getroot()
    assert feed.findall(f"{ATOM}entry") == []
    # RFC 6721, section 3: ref is the entry's identifier, when a date of RFC 3339.
    assert [(dead.get("ref"), dead.get("when")) for dead in feed.findall(TOMBSTONE)] == [
        (published.identity, "2026-11-22T06:00:00Z")
    ]
    page = current(archive) / "articles" / "bcdfghjk22.html"
    assert "no longer available" in page.read_text(encoding="utf-8")
    assert (current(archive) / "gone" / "bcdfghjk22").exists()
    for path in archive.directory.rglob("*"):
        if path.is_file():
            for word in (b"windows", b"Nobody says", b"Hills", b"not really a picture"):
                assert word not in path.read_bytes(), path


def test_a_withdrawal_leaves_no_time_on_the_disk_but_its_slot(
    archive: Archive, newsroom: Newsroom, built: Path, slot: datetime
) -> None:
    later = slot + timedelta(days=2)
    archive.withdraw("bcdfghjk22", later)
    archive.rebuild(newsroom, slot=later)
    for path in [archive.directory, *archive.directory.rglob("*")]:
        assert path.lstat().st_mtime in {slot.timestamp(), later.timestamp()}, path


def test_a_correction_of_the_same_slot_is_marked_as_one(
    archive: Archive, newsroom: Newsroom, published: Published, slot: datetime
) -> None:
    assert published.article is not None
    corrected = replace(published.article, correction="It was two.", media=())
    archive.put(replace(published, article=corrected), {})
    archive.rebuild(newsroom, slot=slot)
    assert "Corrected" in (current(archive) / "articles" / "bcdfghjk22.html").read_text(encoding="utf-8")


def test_withdrawing_twice_keeps_the_first_time(archive: Archive, built: Path, slot: datetime) -> None:
    archive.withdraw("bcdfghjk22", slot + timedelta(days=2))
    archive.withdraw("bcdfghjk22", slot + timedelta(days=3))
    assert [entry.updated for entry in archive.entries()] == [slot + timedelta(days=2)]


def test_what_was_never_published_cannot_be_withdrawn(archive: Archive, slot: datetime) -> None:
    with pytest.raises(NotFound):
        archive.withdraw("bcdfghjk22", slot)


# --- switching ---


def test_a_failed_build_leaves_the_old_site(archive: Archive, newsroom: Newsroom, built: Path, slot: datetime) -> None:
    before = sorted(path.name for path in built.rglob("*"))
    next((archive.directory / "snapshots" / "media").iterdir()).unlink()
    with pytest.raises(StoreError):
        archive.rebuild(newsroom, slot=slot)
    assert sorted(path.name for path in built.rglob("*")) == before
    assert len(list(archive.directory.glob("build-*"))) == 1


def test_the_leftovers_of_a_crash_are_cleared_by_the_next_build(
    archive: Archive, newsroom: Newsroom, built: Path, slot: datetime
) -> None:
    (archive.directory / "build-0123456789abcdef" / "articles").mkdir(parents=True)
    archive.rebuild(newsroom, slot=slot)
    assert [path.name for path in archive.directory.glob("build-*")] == [current(archive).resolve().name]


def test_the_same_content_builds_the_same_bytes(
    archive: Archive, newsroom: Newsroom, built: Path, slot: datetime
) -> None:
    before = {path.relative_to(built): path.read_bytes() for path in built.rglob("*") if path.is_file()}
    archive.rebuild(newsroom, slot=slot + timedelta(days=9))
    after = {path.relative_to(built): path.read_bytes() for path in built.rglob("*") if path.is_file()}
    assert before == after


def test_a_file_that_is_not_what_was_signed_is_not_published(archive: Archive, published: Published) -> None:
    assert published.article is not None
    sha256 = published.article.media[0].sha256
    with pytest.raises(StoreError):
        archive.put(published, {sha256: lambda: io.BytesIO(b"another")})
    assert archive.entries() == ()


def test_a_damaged_snapshot_stops_the_build_and_keeps_the_site(
    archive: Archive, newsroom: Newsroom, built: Path, slot: datetime
) -> None:
    (archive.directory / "snapshots" / "bcdfghjk22.json").write_text("{}", encoding="utf-8")
    with pytest.raises(StoreError):
        archive.rebuild(newsroom, slot=slot)
    assert (built / "articles" / "bcdfghjk22.html").exists()


def test_an_unwritable_directory_is_one_clear_error(tmp_path: Path, newsroom: Newsroom, slot: datetime) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(StoreError):
        Archive(tmp_path / "file").rebuild(newsroom, slot=slot)


# --- one article in several languages ---


KOREAN = Article(
    language="ko",
    slug="ko-bcdfghjk33",
    title="어두운 창문",
    standfirst="아무도 이유를 말하지 않는다.",
    body="첫째.\n\n![](photo-1.jpg)",
)
ADDRESSES = {
    "en": "https://example.org/articles/bcdfghjk22.html",
    "ko": "https://example.org/articles/ko-bcdfghjk33.html",
}


@pytest.fixture
def in_two_languages(published: Published, photo: Media) -> Published:
    """The article in English, with the Korean translation."""
    assert published.article is not None
    korean = replace(KOREAN, media=(replace(photo, alternative="언덕", caption="언덕 사진"),))
    article = replace(published.article, translations=(Translation(article=korean, ready=True),))
    return replace(published, article=article)


def alternates(links: list[etree._Element]) -> dict[str, str]:
    return {str(link.get("hreflang")): str(link.get("href")) for link in links}


def test_each_language_has_a_page_of_its_own_that_links_to_the_others(
    archive: Archive, newsroom: Newsroom, in_two_languages: Published, media: MediaSources, slot: datetime
) -> None:
    archive.put(in_two_languages, media)
    archive.rebuild(newsroom, slot=slot)
    for language, address in ADDRESSES.items():
        page = html.parse(str(current(archive) / "articles" / address.rpartition("/")[2]))
        assert page.getroot().get("lang") == language
        links = page.xpath("//head/link[@rel='alternate'][@hreflang]")
        assert alternates(links) == {**ADDRESSES, "x-default": ADDRESSES["en"]}
        assert page.xpath("//head/link[@rel='canonical']/@href") == [address]
        source = page.find(".//img").get("src")
        assert source == "../media/bcdfghjk22/photo-1.jpg"
        assert (current(archive) / "articles" / source).resolve().is_file()
        (other,) = page.xpath("//p[@class='languages']/a")
        assert (current(archive) / "articles" / other.get("href")).exists()
    korean = html.parse(str(current(archive) / "articles" / "ko-bcdfghjk33.html"))
    assert korean.find(".//img").get("alt") == "언덕"
    assert "2026년 11월 20일" in korean.findtext(".//time")
    assert [(each.text, each.get("lang")) for each in korean.xpath("//p[@class='languages']/a")] == [("English", "en")]


def test_lists_and_feeds_have_it_once_in_the_newsrooms_language_and_name_the_others(
    archive: Archive, newsroom: Newsroom, in_two_languages: Published, media: MediaSources, slot: datetime
) -> None:
    archive.put(in_two_languages, media)
    for language, other in (("en", "ko"), ("ko", "en"), ("ru", "ko")):
        archive.rebuild(replace(newsroom, language=language), slot=slot)
        shown = "ko" if language == "ko" else "en"  # x-default: the newsroom's language, else the original
        front = html.parse(str(current(archive) / "index.html"))
        assert [f"https://example.org/{address}" for address in front.xpath("//article/h2/a/@href")] == [
            ADDRESSES[shown]
        ]
        assert front.xpath("//article/p[@class='languages']/a/@hreflang") == [other]
        entry = etree.parse(str(current(archive) / "feed.xml")).getroot().find(f"{ATOM}entry")
        assert entry is not None
        assert entry.findtext(f"{ATOM}id") == in_two_languages.identity, "it stays the same entry"
        assert alternates(entry.findall(f"{ATOM}link")) == ADDRESSES
        (item,) = json.loads((current(archive) / "feed.json").read_text(encoding="utf-8"))["items"]
        assert (item["id"], item["url"]) == (in_two_languages.identity, ADDRESSES[shown])
        assert item["_translations"] == {other: ADDRESSES[other]}


def test_the_site_map_names_every_language_of_every_page(
    archive: Archive, newsroom: Newsroom, in_two_languages: Published, media: MediaSources, slot: datetime
) -> None:
    several(archive, slot - timedelta(days=1), 1)
    archive.put(in_two_languages, media)
    archive.rebuild(newsroom, slot=slot)
    sitemap = etree.parse(str(current(archive) / "sitemap.xml"))
    pages = {
        str(url.findtext(f"{SITEMAP}loc")): alternates(url.findall("{http://www.w3.org/1999/xhtml}link"))
        for url in sitemap.iter(f"{SITEMAP}url")
    }
    assert [pages[address] for address in ADDRESSES.values()] == [{**ADDRESSES, "x-default": ADDRESSES["en"]}] * 2
    assert pages["https://example.org/articles/bcdfghjm22.html"] == {}


def test_a_new_translation_touches_its_article_and_lists_and_nothing_else(
    archive: Archive, newsroom: Newsroom, in_two_languages: Published, media: MediaSources, slot: datetime
) -> None:
    several(archive, slot - timedelta(days=1), 3)
    assert in_two_languages.article is not None
    archive.put(replace(in_two_languages, article=in_two_languages.article.alone()), media)
    archive.rebuild(newsroom, slot=slot)
    before = {path.name: path.stat().st_ino for path in (current(archive) / "articles").iterdir()}
    later = slot + timedelta(days=3)
    archive.put(replace(in_two_languages, updated=later), media)
    archive.rebuild(newsroom, slot=later)
    after = {path.name: path.stat().st_ino for path in (current(archive) / "articles").iterdir()}
    assert {name for name in after if after[name] != before.get(name)} == {"bcdfghjk22.html", "ko-bcdfghjk33.html"}
    english = (current(archive) / "articles" / "bcdfghjk22.html").read_text(encoding="utf-8")
    assert "Corrected" not in english, "not a word of it changed"
    assert "2026년 11월 23일" in (current(archive) / "articles" / "ko-bcdfghjk33.html").read_text(encoding="utf-8")
    incremental = {path.relative_to(current(archive)): path.read_bytes() for path in files_of(archive)}
    Archive(archive.directory).rebuild(newsroom, slot=later)
    assert {path.relative_to(current(archive)): path.read_bytes() for path in files_of(archive)} == incremental


def test_a_translation_that_is_taken_back_leaves_a_neutral_page_in_its_language(
    archive: Archive, newsroom: Newsroom, in_two_languages: Published, media: MediaSources, slot: datetime
) -> None:
    archive.put(in_two_languages, media)
    assert in_two_languages.article is not None
    later = slot + timedelta(days=1)
    archive.put(replace(in_two_languages, updated=later, article=in_two_languages.article.alone()), media)
    archive.rebuild(newsroom, slot=later)
    assert (current(archive) / "gone" / "ko-bcdfghjk33").exists()
    assert "볼 수 없습니다" in (current(archive) / "articles" / "ko-bcdfghjk33.html").read_text(encoding="utf-8")
    english = html.parse(str(current(archive) / "articles" / "bcdfghjk22.html"))
    assert english.xpath("//link[@hreflang] | //p[@class='languages']") == []
    feed = etree.parse(str(current(archive) / "feed.xml")).getroot()
    assert feed.findall(TOMBSTONE) == [], "no feed ever had it as an entry"
    for path in archive.directory.rglob("*"):
        assert not path.is_file() or "어두운".encode() not in path.read_bytes(), path


def test_withdrawing_takes_every_language_away(
    archive: Archive, newsroom: Newsroom, in_two_languages: Published, media: MediaSources, slot: datetime
) -> None:
    archive.put(in_two_languages, media)
    archive.withdraw("bcdfghjk22", slot)
    archive.rebuild(newsroom, slot=slot)
    assert {path.name for path in (current(archive) / "gone").iterdir()} == {"bcdfghjk22", "ko-bcdfghjk33"}
    assert [entry.article for entry in archive.entries()] == [None, None]
    assert list((archive.directory / "snapshots" / "media").iterdir()) == []
