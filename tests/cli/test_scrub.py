"""``scrub`` gives clean copies, says what was removed, and does the rest when one file is refused."""

from __future__ import annotations

import io
import json
import re
import tomllib
import zipfile
from dataclasses import dataclass
from pathlib import Path

import click.testing
import pikepdf
import pytest

import fieldreport.bench
from fieldreport.scrub.sandbox.lockdown import sandbox_status
from tests.cli.conftest import refused, run

SAMPLES = Path(fieldreport.bench.__file__).parent / "sample_files"
FILES = sorted(path for path in SAMPLES.rglob("*") if path.suffix in {".jpg", ".m4a", ".docx", ".pdf", ".txt"})
PLANTED: list[str] = tomllib.loads((SAMPLES / "samples.toml").read_text(encoding="utf-8"))["planted"]
SANDBOX = () if sandbox_status().complete else ("--without-sandbox",)


def unpacked(path: Path) -> bytes:
    """Everything in a file that a reader could find, with nothing compressed."""
    content = path.read_bytes()
    if path.suffix == ".docx":
        with zipfile.ZipFile(path) as archive:
            return b"\n".join(name.encode() + b"\n" + archive.read(name) for name in archive.namelist())
    if path.suffix == ".pdf":
        plain = io.BytesIO()
        with pikepdf.open(path) as document:
            document.save(
                plain,
                compress_streams=False,
                object_stream_mode=pikepdf.ObjectStreamMode.disable,
                stream_decode_level=pikepdf.StreamDecodeLevel.all,
            )
        return content + plain.getvalue()
    return content


def marks(path: Path) -> set[str]:
    content = unpacked(path)
    encodings = ("utf-8", "utf-16-le", "utf-16-be")
    return {mark for mark in PLANTED if any(mark.encode(encoding) in content for encoding in encodings)}


@dataclass(frozen=True, slots=True)
class Cleaned:
    done: click.testing.Result
    folder: Path
    # What was given → what came of it.
    copies: dict[Path, Path]


@pytest.fixture(scope="module")
def cleaned(tmp_path_factory: pytest.TempPathFactory) -> Cleaned:
    """One run over every sample, with a file that cannot be cleaned in the middle."""
    base = tmp_path_factory.mktemp("scrub")
    (base / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 not a photo at all")
    done = run("scrub", *SANDBOX, "-o", base / "clean", *FILES[:3], base / "broken.jpg", *FILES[3:])
    told = re.findall(r"^(.+?): (.+?): .+$", done.stdout, re.MULTILINE)
    return Cleaned(done=done, folder=base / "clean", copies={Path(a): Path(b) for a, b in told})


def test_the_samples_do_hold_what_was_planted() -> None:
    assert len(FILES) == 11
    assert set().union(*(marks(path) for path in FILES)) == set(PLANTED)
    assert all(marks(path) for path in FILES if path.suffix != ".txt")


def test_every_sample_has_a_clean_copy_under_a_name_that_says_nothing(cleaned: Cleaned) -> None:
    assert sorted(cleaned.copies) == FILES
    assert sorted(cleaned.copies.values()) == sorted(cleaned.folder.iterdir())
    for given, copy in cleaned.copies.items():
        assert copy.suffix == given.suffix
        assert re.fullmatch(r"(photo|recording|document|text)-\d+", copy.stem)


def test_nothing_planted_is_in_any_copy_even_decompressed(cleaned: Cleaned) -> None:
    assert cleaned.copies
    for given, copy in cleaned.copies.items():
        assert marks(copy) == set(), given


def test_a_refused_file_is_named_with_its_status_and_the_others_are_done(cleaned: Cleaned) -> None:
    assert cleaned.done.exit_code == 65
    assert cleaned.done.stderr.count("\n") == 1
    assert "broken.jpg: refused: " in cleaned.done.stderr
    assert len(cleaned.copies) == len(FILES)


def test_the_originals_are_not_touched_by_check_and_nothing_is_written(tmp_path: Path) -> None:
    original = tmp_path / "IMG_1.jpg"
    original.write_bytes((SAMPLES / "photo.jpg").read_bytes())
    done = run("scrub", *SANDBOX, "--check", "-o", tmp_path / "clean", original)
    assert done.exit_code == 0, done.stderr
    assert "image/jpeg: " in done.stdout
    assert "nothing to remove" not in done.stdout
    assert list(tmp_path.iterdir()) == [original]
    assert original.read_bytes() == (SAMPLES / "photo.jpg").read_bytes()


def test_a_copy_that_is_there_already_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "photo-1.jpg").write_bytes(b"mine")
    assert "photo-1.jpg" in refused(run("scrub", *SANDBOX, "-o", tmp_path, SAMPLES / "photo.jpg"), 64)
    assert (tmp_path / "photo-1.jpg").read_bytes() == b"mine"


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    refused(run("scrub", *SANDBOX, "-o", tmp_path / "file" / "clean", SAMPLES / "photo.jpg"), 64)


def test_the_receipt_is_in_words(cleaned: Cleaned) -> None:
    line = next(line for line in cleaned.done.stdout.splitlines() if line.startswith(str(SAMPLES / "photo.jpg")))
    assert ": place, device" in line
    assert "times" in line


def test_json_is_for_scripts(tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 not a photo at all")
    done = run("scrub", *SANDBOX, "--json", "-o", tmp_path / "clean", SAMPLES / "photo.jpg", tmp_path / "broken.jpg")
    assert done.exit_code == 65
    photo, broken = json.loads(done.stdout)
    assert photo["copy"] == str(tmp_path / "clean" / "photo-1.jpg")
    assert photo["media_type"] == "image/jpeg"
    assert {"location", "device"} <= set(photo["removed"])
    assert photo["refused"] == ""
    assert broken["refused"] == "damaged"
    assert broken["copy"] == ""


def test_strong_renders_pages_and_refuses_what_it_cannot(tmp_path: Path) -> None:
    pdf = next(path for path in FILES if path.suffix == ".pdf")
    word = next(path for path in FILES if path.suffix == ".docx")
    (tmp_path / "plan.svg").write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><text>letters</text></svg>'
    )
    done = run("scrub", *SANDBOX, "--strong", "--json", "-o", tmp_path, pdf, word, tmp_path / "plan.svg")
    assert done.exit_code == 65
    pages, words, refused_plan = json.loads(done.stdout)
    with pikepdf.open(pages["copy"]) as document:
        assert all(set(page.Resources.keys()) == {"/XObject"} for page in document.pages)
    assert words["media_type"] in {"text/plain", "application/zip"}
    assert "layout" in words["removed"]
    assert refused_plan["refused"] == "letters"


def test_without_a_folder_or_check_nothing_is_done() -> None:
    refused(run("scrub", SAMPLES / "photo.jpg"), 64)
