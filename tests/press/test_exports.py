"""An export holds what readers have, under neutral names, with the slot as its only time."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest
from lxml import html

from fieldreport.errors import NotFound, UsageError
from fieldreport.press.archive import Archive, MediaSource
from fieldreport.press.exports import export
from fieldreport.press.newsroom import Newsroom, Published
from tests.press.conftest import PICTURE


@pytest.fixture
def folder(
    archive: Archive, newsroom: Newsroom, published: Published, media: dict[str, MediaSource], tmp_path: Path
) -> Path:
    archive.put(published, media)
    export(archive, newsroom, published.slug, tmp_path / "export")
    return tmp_path / "export"


def test_it_holds_markdown_a_page_and_the_pictures_dated_to_the_slot(folder: Path, slot: datetime) -> None:
    assert {path.name for path in folder.iterdir()} == {
        "bcdfghjk22.md",
        "bcdfghjk22.html",
        "bcdfghjk22.docx",
        "photo-1.jpg",
    }
    assert (folder / "photo-1.jpg").read_bytes() == PICTURE
    for path in [folder, *folder.iterdir()]:
        assert path.stat().st_mtime == slot.timestamp(), path


def test_the_front_matter_says_what_readers_know(folder: Path, published: Published) -> None:
    assert published.article is not None
    _, matter, body = (folder / "bcdfghjk22.md").read_text(encoding="utf-8").split("---\n", 2)
    told = {name: json.loads(value) for name, value in (line.split(": ", 1) for line in matter.splitlines())}
    assert told == {
        "title": "Dark <windows> & doors",
        "description": "Nobody says why.",
        "author": "Our reporters",
        "lang": "en",
        "date": "2026-11-20",
        "lastmod": "2026-11-20",
        "slug": "bcdfghjk22",
        "media": [{"name": "photo-1.jpg", "alternative": "Hills", "caption": "The hills"}],
    }
    assert body.strip() == published.article.body


def test_the_page_needs_nothing_but_what_lies_beside_it(folder: Path) -> None:
    page = html.parse(str(folder / "bcdfghjk22.html"))
    assert page.findtext(".//h1") == "Dark <windows> & doors"
    assert page.xpath("//@src") == ["photo-1.jpg"]
    assert page.xpath("//link | //script | //@style") == []
    assert "{ --paper" in str(page.findtext(".//style"))


def test_what_is_not_published_is_not_exported_and_nothing_is_overwritten(
    archive: Archive, newsroom: Newsroom, folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(NotFound):
        export(archive, newsroom, "kjhgfdcb22", tmp_path / "other")
    with pytest.raises(UsageError):
        export(archive, newsroom, "bcdfghjk22", folder)
