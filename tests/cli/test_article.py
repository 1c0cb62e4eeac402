"""``fieldreport article export``: files of what is published, and of nothing else."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from fieldreport.press.archive import Archive
from fieldreport.press.article import Article
from fieldreport.press.newsroom import Published
from tests.cli.conftest import House

SLOT = datetime(2026, 11, 20, 6, tzinfo=UTC)


def test_a_published_article_is_written_once_and_a_withdrawn_one_not_at_all(house: House, tmp_path: Path) -> None:
    archive = Archive(house.settings.press.site)
    article = Article(language="en", slug="bcdfghjk22", title="Leaving", body="Text.")
    archive.put(Published(slug=article.slug, language="en", published=SLOT, updated=SLOT, article=article), {})
    folder = tmp_path / "out"
    assert house.run("article", "export", "bcdfghjk22", str(folder)).exit_code == 0
    assert {path.name for path in folder.iterdir()} == {"bcdfghjk22.md", "bcdfghjk22.html", "bcdfghjk22.docx"}
    assert house.run("article", "export", "bcdfghjk22", str(folder)).exit_code != 0
    archive.withdraw("bcdfghjk22", SLOT)
    assert house.run("article", "export", "bcdfghjk22", str(tmp_path / "again")).exit_code != 0
    assert not (tmp_path / "again").exists()
