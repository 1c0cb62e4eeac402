"""An upgrade from an earlier tree, with what that tree made itself, and the way back: its own restore of its backup."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from fieldreport.bench.letterbox import free_port

_ROOT: Final = Path(__file__).resolve().parents[2]
_EARLIER: Final = "f674c67"  # vault 0010, mailbox 0003: before signed slots, salted entries, passkeys, typed text
_HIGHEST_FIRST_PORT: Final = 65_533  # a demonstration takes the next two as well

pytestmark = pytest.mark.campaign


@pytest.fixture(scope="module")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The earlier tree, out of the history."""
    tree = tmp_path_factory.mktemp("earlier")
    archive = subprocess.run(["git", "archive", _EARLIER], check=True, capture_output=True, cwd=_ROOT).stdout
    subprocess.run(["tar", "-x", "-C", str(tree)], check=True, input=archive)
    return tree


def fieldreport(tree: Path, *words: str | Path, status: int = 0, environment: Mapping[str, str] | None = None) -> str:
    """Run the program of a tree; return what it said."""
    command = [sys.executable, "-m", "fieldreport.cli", *map(str, words)]
    given = {**os.environ, "PYTHONPATH": str(tree), **(environment or {})}
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=tree, env=given)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def walk(tree: Path, directory: Path) -> str:
    """From a report to a published page and a rotated key, through the zones of this tree."""
    port = min(free_port(), _HIGHEST_FIRST_PORT)
    # A demonstration that an earlier tree made has no line that lets cookies travel without TLS.
    plain = {"FIELDREPORT_DESK_SECURE_COOKIE": "false"}
    return fieldreport(tree, "demo", "--dir", directory, "--port", f"{port}", "--walkthrough", environment=plain)


def test_it_is_refused_until_migrated_then_works_and_the_backup_from_before_is_the_way_back(
    earlier: Path, tmp_path: Path
) -> None:
    newsroom, settings = tmp_path / "newsroom", tmp_path / "newsroom" / "fieldreport.toml"
    assert "Everything held." in walk(earlier, newsroom)
    fieldreport(earlier, "--settings", settings, "backup", tmp_path / "backups")
    (backup,) = (tmp_path / "backups").glob("0001-*")
    kept = shutil.copytree(newsroom / "desk" / "keyfiles.machine", tmp_path / "secrets")
    pages = {path.name for path in (newsroom / "site" / "current" / "articles").glob("*.html")}
    assert pages

    assert "to do: fieldreport migrate" in fieldreport(_ROOT, "--settings", settings, "collect", status=74)
    assert "vault    0010 → " in fieldreport(_ROOT, "--settings", settings, "migrate")
    found = json.loads(fieldreport(_ROOT, "--settings", settings, "doctor", "--json"))
    assert [each for each in found if each["verdict"] == "fails"] == []
    assert "Everything held." in walk(_ROOT, newsroom)
    fieldreport(_ROOT, "--settings", settings, "audit", "verify")
    assert pages < {path.name for path in (newsroom / "site" / "current" / "articles").glob("*.html")}

    fieldreport(earlier, "--settings", settings, "collect", status=74)
    again = tmp_path / "again"
    fieldreport(earlier, "restore", backup, again)
    shutil.copytree(kept, again / "desk" / "keyfiles.machine", dirs_exist_ok=True)
    shutil.copy(newsroom / "demo.json", again)
    fieldreport(earlier, "--settings", again / "fieldreport.toml", "audit", "verify")
    assert "Everything held." in walk(earlier, again)
