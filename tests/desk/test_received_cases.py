"""A case that another newsroom handed on: a new case, marked, cleaned again, and believed in nothing."""

from __future__ import annotations

import io
import os
from functools import partial
from pathlib import Path

import pytest
from PIL import Image

from fieldreport.desk.previews import clean_copy
from fieldreport.errors import Conflict, NotARecipient
from fieldreport.scrub import Mode
from fieldreport.seal import SOURCE_SEALED, HybridIdentity, Kind
from fieldreport.vault.cases import evidence, evidence_import, inbox, workflow
from fieldreport.vault.cases.evidence_import import TakenIn
from fieldreport.vault.cases.evidence_verify import open_evidence, verify
from fieldreport.vault.cases.inbox import CaseRow
from tests.cast import REPORT, File, age_sealed
from tests.desk.conftest import Browser, House
from tests.desk.test_files import photo_that_names_its_camera

NEWSROOM = "국경 소식 \u202e"


def handed_on(house: House, folder: Path, *, with_keys: bool = True) -> None:
    files = [
        File("photo-1.jpg", "image/jpeg", photo_that_names_its_camera()),
        File("file-2.bin", SOURCE_SEALED, age_sealed(b"words", [HybridIdentity.generate().recipient])),
        File("file-3.bin", "application/octet-stream", os.urandom(5000)),
        File("file-4.bin", SOURCE_SEALED, b"no age file"),
    ]
    case = house.receive(REPORT, files=files, protect="Lee Soo-min", where="회령")
    evidence.export(house.seat("amira"), case.id, folder, newsroom=NEWSROOM, with_keys=with_keys)


def take_in(house: House, folder: Path) -> TakenIn:
    clean = partial(
        clean_copy, mode=Mode.LOSSLESS, scrubber=house.scrubber, scratch=house.settings.desk.data / "scratch"
    )
    with open_evidence(folder, ()) as files:
        return evidence_import.take_in(
            house.seat("jonas"),
            files,
            verify(files),
            clean=clean,
            clean_text=lambda text: house.scrubber.clean_text(text)[0],
        )


def case_named(house: House, name: str) -> CaseRow:
    return inbox.get(house.vault, evidence.find(house.seat("amira"), name), viewer="amira")


def test_it_is_marked_cleaned_again_and_cannot_be_answered(house: House, amira: Browser, tmp_path: Path) -> None:
    handed_on(house, tmp_path / "evidence")
    taken = take_in(house, tmp_path / "evidence")
    assert (taken.letters, taken.left_out) == (1, 2)
    case = case_named(house, taken.case)
    page = amira.get(f"/cases/{case.id.hex()}?write=reply")
    assert "Received from another newsroom." in page.text
    assert "Handed on by" in page.text
    assert "국경 소식" in page.text
    assert "Lee Soo-min" in page.text
    assert "Write to the source" not in page.text
    assert 'name="text"' not in page.text
    (letter,) = [item for item in inbox.items(house.vault, case.id) if item.kind is Kind.LETTER]
    stored = amira.get(f"/items/{letter.id.hex()}/1/download").body
    assert b"Cam Maker" not in stored
    assert b"written at home" not in stored
    assert Image.open(io.BytesIO(stored)).size == (64, 48)
    assert "Nobody has seen what is in it" in page.text
    refused = amira.post(f"/cases/{case.id.hex()}/reply", {"text": "who are you?"})
    assert refused.status >= 400
    assert house.replies() == []
    own = next(row for row in house.cases() if row.name != taken.case)
    assert "Received from another newsroom" not in amira.get(f"/cases/{own.id.hex()}").text


def test_it_is_taken_in_once_and_only_with_its_keys(house: House, tmp_path: Path) -> None:
    handed_on(house, tmp_path / "a", with_keys=False)
    with pytest.raises(NotARecipient):
        take_in(house, tmp_path / "a")
    assert len(house.cases()) == 1
    handed_on(house, tmp_path / "b")
    taken = take_in(house, tmp_path / "b")
    with pytest.raises(Conflict) as refused:
        take_in(house, tmp_path / "b")
    assert taken.case in refused.value.detail
    workflow.delete(house.seat("amira"), case_named(house, taken.case).id)
    assert take_in(house, tmp_path / "b").case != taken.case


def test_the_source_of_the_case_is_not_the_source_of_ours(house: House, tmp_path: Path) -> None:
    handed_on(house, tmp_path / "evidence")
    taken = take_in(house, tmp_path / "evidence")
    again = house.receive("one more")  # by the same codename
    assert again.name != taken.case
    assert case_named(house, taken.case).letters == 1
