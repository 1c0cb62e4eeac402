"""A newsroom, its archive, and articles to publish in it."""

from __future__ import annotations

import hashlib
import io
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fieldreport.press.archive import Archive, MediaSource
from fieldreport.press.article import Article, Media
from fieldreport.press.newsroom import Newsroom, Published

SLOT = datetime(2026, 11, 20, 6, tzinfo=UTC)
PICTURE = b"\xff\xd8 not really a picture \xff\xd9"


@pytest.fixture
def slot() -> datetime:
    return SLOT


@pytest.fixture
def newsroom() -> Newsroom:
    return Newsroom(name="The Far Bank", base_url="https://example.org", byline="Our reporters")


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "site")


@pytest.fixture
def photo() -> Media:
    return Media(
        name="photo-1.jpg",
        media_type="image/jpeg",
        sha256=hashlib.sha256(PICTURE).hexdigest(),
        length=len(PICTURE),
        alternative="Hills",
        caption="The hills",
    )


@pytest.fixture
def article(photo: Media) -> Article:
    return Article(
        language="en",
        slug="bcdfghjk22",
        title="Dark <windows> & doors",
        standfirst="Nobody says why.",
        body="First.\n\n![](photo-1.jpg)\n\n## Then\n\nSecond, with <script>alert(1)</script>.",
        media=(photo,),
    )


@pytest.fixture
def published(article: Article, slot: datetime) -> Published:
    return Published(slug=article.slug, language="en", published=slot, updated=slot, article=article)


@pytest.fixture
def media(photo: Media) -> dict[str, MediaSource]:
    return {photo.sha256: lambda: io.BytesIO(PICTURE)}
