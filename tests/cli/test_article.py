"""``fieldreport article export``: files of what is published, and of nothing else."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from fieldreport.press.archive import Archive
from fieldreport.press.article import Article, Translation
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


def test_one_language_of_an_article_is_taken_by_its_tag(house: House, tmp_path: Path) -> None:
    archive = Archive(house.settings.press.site)
    korean = Article(language="ko", slug="ko-bcdfghjk33", title="떠나다", body="본문.")
    translations = (Translation(article=korean, ready=True),)
    article = Article(language="en", slug="bcdfghjk22", title="Leaving", body="Text.", translations=translations)
    archive.put(Published(slug=article.slug, language="en", published=SLOT, updated=SLOT, article=article), {})
    for number, (slug, language) in enumerate(
        (("bcdfghjk22", "ko"), ("ko-bcdfghjk33", "ko"), ("ko-bcdfghjk33", ""), ("ko-bcdfghjk33", "en"))
    ):
        folder = tmp_path / str(number)
        chosen = ["--language", language] if language else []
        assert house.run("article", "export", slug, str(folder), *chosen).exit_code == 0
        name = "bcdfghjk22" if language == "en" else "ko-bcdfghjk33"
        title = "Leaving" if language == "en" else "떠나다"
        assert title in (folder / f"{name}.md").read_text(encoding="utf-8")
        assert title in (folder / f"{name}.html").read_text(encoding="utf-8")
        assert len(list(folder.iterdir())) == 3
    refused = house.run("article", "export", "bcdfghjk22", str(tmp_path / "fr"), "--language", "fr")
    assert refused.exit_code != 0
    assert "in this language" in refused.stderr
