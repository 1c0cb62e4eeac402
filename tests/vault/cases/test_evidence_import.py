"""What another newsroom hands on is taken in as a stranger's: many letters, and any words in their fields."""

from __future__ import annotations

import io
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import pytest
from typing_extensions import override

from fieldreport.errors import SealError
from fieldreport.scratch import Scratch
from fieldreport.scrub import Scrubbed, Scrubber
from fieldreport.seal import encode_canonical
from fieldreport.vault.cases import evidence, evidence_import, inbox, sort
from fieldreport.vault.cases.evidence_folder import FolderFiles
from fieldreport.vault.cases.evidence_import import TakenIn
from fieldreport.vault.cases.evidence_verify import verify
from tests.cast import a_source
from tests.vault.newsroom import Newsroom


@pytest.fixture(scope="module")
def scrubber(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scrubber]:
    with Scrubber.start(directory=tmp_path_factory.mktemp("scratch"), require_sandbox=False) as scrubber:
        yield scrubber


@pytest.fixture
def take_in(newsroom: Newsroom, scrubber: Scrubber, tmp_path: Path) -> Callable[[Path], TakenIn]:
    def clean(source: io.RawIOBase, language: str) -> Scrubbed:
        with Scratch(tmp_path) as copy:
            shutil.copyfileobj(source, copy)
            copy.seek(0)
            return scrubber.clean(copy, language=language)

    def taken(folder: Path) -> TakenIn:
        files = FolderFiles(folder)
        return evidence_import.take_in(
            newsroom.seat(newsroom.amira),
            files,
            verify(files),
            clean=clean,
            clean_text=lambda text: scrubber.clean_text(text)[0],
        )

    return taken


def exported(newsroom: Newsroom, letter_id: bytes, folder: Path) -> Path:
    newsroom.collect()
    sort.sort(newsroom.seat(newsroom.amira))
    case_id = inbox.item(newsroom.vault, letter_id).case_id
    assert case_id is not None
    evidence.export(newsroom.seat(newsroom.amira), case_id, folder, newsroom="The Far Bank", with_keys=True)
    return folder


def test_words_that_no_letterbox_writes_do_not_stop_it(
    newsroom: Newsroom, take_in: Callable[[Path], TakenIn], tmp_path: Path
) -> None:
    fields = {"report_language": "조선말\0\ud7ff" * 40, "not_before": "\u202e99-99", "when": "x" * 90_000}
    letter = newsroom.send(a_source(), files=("불이 났다".encode(),), fields=fields)
    done = take_in(exported(newsroom, letter, tmp_path / "a"))
    assert (done.letters, done.left_out) == (1, 0)


def test_a_case_of_many_letters_comes_in_one_change(
    newsroom: Newsroom, take_in: Callable[[Path], TakenIn], tmp_path: Path
) -> None:
    source = a_source()
    sent = [
        newsroom.send(source, f"letter {number}", files=(b"a line\n" * 20_000,) if number % 10 == 0 else ())
        for number in range(40)
    ]
    done = take_in(exported(newsroom, sent[0], tmp_path / "a"))
    assert (done.letters, done.left_out) == (40, 0)


def test_a_folder_that_never_ends_is_left_soon(
    newsroom: Newsroom, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = exported(newsroom, newsroom.send(a_source()), tmp_path / "a")
    letter = folder / "letters/0001.age"
    os.truncate(letter, 1 << 42)  # with nothing in it, so that it costs its maker nothing
    with pytest.raises(SealError) as refused:
        verify(FolderFiles(folder))
    assert "'letters/0001.age' was altered" in refused.value.detail
    files = FolderFiles(folder)
    letter.unlink()
    os.mkfifo(letter)
    with pytest.raises(SealError) as refused:
        files.open("letters/0001.age")
    assert "is not a plain file" in refused.value.detail
    letter.unlink()
    monkeypatch.setattr("fieldreport.limits.EVIDENCE_FILES", 50)
    for number in range(50):
        (folder / f"{number}").touch()
    with pytest.raises(SealError) as refused:
        FolderFiles(folder)
    assert "more files" in refused.value.detail


class Stick(FolderFiles):
    """A stick that gives another file under the same name from the second time on."""

    def __init__(self, folder: Path, name: str, other: bytes) -> None:
        super().__init__(folder)
        self._name, self._other, self._seen = name, other, False

    @override
    def open(self, name: str) -> BinaryIO:
        if name != self._name:
            return super().open(name)
        given = io.BytesIO(self._other) if self._seen else super().open(name)
        self._seen = True
        return given


def test_a_file_that_changes_after_it_was_compared_is_refused(newsroom: Newsroom, tmp_path: Path) -> None:
    folder = exported(newsroom, newsroom.send(a_source()), tmp_path / "a")
    stated = json.loads((folder / "contents.json").read_bytes())
    stated["letters"][0]["inside"]["parts"][0]["removed"] = ["gps"]
    for name, other in (("contents.json", encode_canonical(stated)), ("content-keys.json", b'{"keys":[null]}')):
        with pytest.raises(SealError) as refused:
            verify(Stick(folder, name, other))
        assert f"{name!r} was altered" in refused.value.detail
