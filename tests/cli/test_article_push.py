"""``fieldreport article push``: one draft however often it is sent, and nothing but what readers have."""

from __future__ import annotations

import hashlib
import io
import json
from datetime import UTC, datetime
from pathlib import Path

import click.testing
import pytest

from fieldreport.press.archive import Archive
from fieldreport.press.article import Article, Media
from fieldreport.press.newsroom import Published
from tests.cli.cms_servers import GhostSite, Site, WordPressSite, served
from tests.cli.conftest import House, refused

SLOT = datetime(2026, 11, 20, 6, tzinfo=UTC)
PICTURE = b"\xff\xd8 not really a picture \xff\xd9"
NAME = f"bcdfghjk22-{hashlib.sha256(PICTURE).hexdigest()[:12]}.jpg"
SYSTEMS = ("wordpress", "ghost")


def publish(
    house: House, body: str = "국경 and [more](mnpqrstvwx.html).\n\n![x](photo-1.jpg)", picture: bytes = PICTURE
) -> None:
    photo = Media(
        name="photo-1.jpg",
        media_type="image/jpeg",
        sha256=hashlib.sha256(picture).hexdigest(),
        length=len(picture),
        alternative="Hills",
        caption="The <hills>",
    )
    article = Article(
        language="en",
        slug="bcdfghjk22",
        title="Leaving",
        standfirst="Why",
        body=body,
        correction="A day.",
        media=(photo,),
    )
    entry = Published(slug=article.slug, language="en", published=SLOT, updated=SLOT, article=article)
    Archive(house.settings.press.site).put(entry, {photo.sha256: lambda: io.BytesIO(picture)})


def site_of(system: str) -> tuple[Site, str, str]:
    """A system, where its API begins, and the credentials that it knows."""
    if system == "wordpress":
        press = WordPressSite()
        return press, "/blog/", press.credentials
    ghost = GhostSite()
    return ghost, "", ghost.key


def push(house: House, system: str, address: str, secret: str, *more: str) -> click.testing.Result:
    file = house.directory / "credentials"
    file.touch(mode=0o600)
    file.write_text(f"{secret}\n")
    return house.run("article", "push", "bcdfghjk22", address, "--system", system, "--credentials", file, *more)


@pytest.mark.parametrize("system", SYSTEMS)
def test_it_is_one_draft_that_follows_what_readers_have(house: House, system: str) -> None:
    publish(house)
    site, below, secret = site_of(system)
    with served(site) as address:
        first = push(house, system, address + below, secret)
        assert first.exit_code == 0, first.stderr
        assert "a new draft" in first.stdout
        publish(house, "Corrected.\n\n![x](photo-1.jpg)")
        again = push(house, system, address + below, secret)
    assert "the same draft" in again.stdout
    (post,) = site.posts.values()
    html = post.get("content") or post["html"]
    assert (post["slug"], post["status"], post["title"]) == ("bcdfghjk22", "draft", "Leaving")
    assert "Corrected." in html
    assert f"{NAME}" in html
    assert "The &lt;hills&gt;" in html
    assert "A day." in html
    (file,) = site.files.values()
    assert file["bytes"] == PICTURE
    assert "2026-11-20T06:00:00" in json.dumps(post)
    assert all("user-agent" not in head for _, _, head in site.seen)


@pytest.mark.parametrize("system", SYSTEMS)
def test_another_article_is_linked_to_where_readers_find_it(house: House, system: str) -> None:
    publish(house)
    site, below, secret = site_of(system)
    with served(site) as address:
        assert push(house, system, address + below, secret).exit_code == 0
    (post,) = site.posts.values()
    assert f'href="{house.settings.press.base_url}/articles/mnpqrstvwx.html"' in (post.get("content") or post["html"])


@pytest.mark.parametrize("system", SYSTEMS)
def test_what_they_have_published_is_left_alone_and_wrong_credentials_do_nothing(house: House, system: str) -> None:
    publish(house)
    site, below, secret = site_of(system)
    with served(site) as address:
        assert push(house, system, address + below, secret[:-2] + "cd").exit_code == 77
        assert site.posts == {}
        assert push(house, system, address + below, secret).exit_code == 0
        next(iter(site.posts.values()))["status"] = "publish" if system == "wordpress" else "published"
        before = dict(next(iter(site.posts.values())))
        assert "no draft any more" in refused(push(house, system, address + below, secret), 75)
    assert list(site.posts.values()) == [before]


def test_the_way_there_is_safe_or_not_taken(house: House, tmp_path: Path) -> None:
    publish(house)
    secret = WordPressSite().credentials
    assert push(house, "wordpress", "http://example.org", secret).exit_code == 64
    assert push(house, "wordpress", f"http://{'a' * 56}.onion", secret).exit_code == 64
    assert push(house, "wordpress", "unix:socket", secret).exit_code == 64
    through = push(house, "wordpress", "https://example.org", secret, "--proxy", "socks5://127.0.0.1:1")
    assert "example.org:443 through 127.0.0.1:1" in refused(through, 75)
    (house.directory / "credentials").chmod(0o644)
    file = house.directory / "credentials"
    done = house.run("article", "push", "bcdfghjk22", "https://example.org", "--system", "ghost", "--credentials", file)
    assert "others can read" in refused(done, 64)
