"""A file that its source wanted kept unchanged is carried away sealed, and neither shown, read nor compared here."""

from __future__ import annotations

import hashlib
from pathlib import Path

from fieldreport.scratch import Scratch
from fieldreport.seal import ORIGINAL, seal_original
from fieldreport.vault.articles import drafts, materials
from fieldreport.vault.cases import inbox
from fieldreport.vault.cases.readings import Reader
from tests.cast import File
from tests.desk.conftest import Browser, House

CONTENT = b"by Kim, on the bridge"


def sealed(house: House, directory: Path) -> bytes:
    source = Scratch(directory)
    source.write(CONTENT)
    digest = hashlib.sha256(CONTENT).digest()
    return seal_original(
        source,
        length=len(CONTENT),
        sha256=digest,
        roster=house.roster,
        readers=["jonas"],
        hour=house.clock.hour,
        payload=Scratch(directory),
    ).read()


def test_it_is_named_downloaded_sealed_and_opened_nowhere(house: House, amira: Browser, tmp_path: Path) -> None:
    original = sealed(house, tmp_path)
    files = [File("text-1.txt", "text/plain", b"clean words"), File("original-1.age", ORIGINAL, original)]
    case = house.receive("a report", files=files)
    letter = inbox.items(house.vault, case.id)[-1].id
    page = amira.get(f"/cases/{case.id.hex()}")
    assert "unchanged, for a court" in page.text
    assert amira.get(f"/items/{letter.hex()}/2/download").body == original
    for act in ("picture", "read", "original", "play", "reading", "look/1/card"):
        assert amira.get(f"/items/{letter.hex()}/2/{act}").status == 404
    seat = house.seat("amira")
    draft = drafts.create(seat, [case.id], language="en")
    reader = Reader(scrubber=house.scrubber, scratch=house.settings.desk.data / "scratch")
    background = materials.background(seat, draft.head.id, reader)
    assert [(each.uncompared, each.only_looks) for each in background.materials if each.text] == [((), ())]
