"""``fieldreport open`` says who wrote what editors write, and checks it where the rosters are at hand."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fieldreport.seal import Author, Binding, Kind, seal_envelope
from fieldreport.unseal import identity_file
from fieldreport.vault.cases.conversation import text_part
from tests.cast import INSTANCE, NOON, admin_key, copy_first_keys, staff
from tests.cli.conftest import run


@dataclass(frozen=True)
class Carried:
    """A machine with amira's identities and a copy of the published keys."""

    directory: Path

    def seal(self, author: Author | None) -> Path:
        roster = copy_first_keys(self.directory / "keys").load(now=NOON, at_least=0)
        if not (self.directory / "identity.txt").exists():
            identity_file.write(self.directory / "identity.txt", staff()["amira"].identities)
        payload = io.BytesIO()
        header = seal_envelope(
            Binding(
                kind=Kind.NOTE,
                epoch=roster.epoch,
                roster=roster.sha256,
                instance=INSTANCE,
                thread=b"t" * 16,
                object=b"o" * 16,
            ),
            hour=1,
            fields={},
            parts=[text_part("a note")],
            recipients=roster.recipients(),
            payload_to=payload,
            author=author,
        )
        path = self.directory / "note.age"
        path.write_bytes(header + payload.getvalue())
        return path

    def open(self, author: Author | None, *options: str, checked: bool = True) -> Any:
        path = self.seal(author)
        rosters = (
            ("--roster", self.directory / "keys", "--admin-fingerprint", admin_key().public.fingerprint)
            if checked
            else ()
        )
        return run("open", path, "--key", self.directory / "identity.txt", *rosters, *options)


@pytest.fixture
def carried(tmp_path: Path) -> Carried:
    return Carried(tmp_path)


def by(handle: str, name: str | None = None) -> Author:
    return Author(handle=name or handle, key=staff()[handle].signing)


def test_a_note_names_its_author_whose_signature_was_checked(carried: Carried) -> None:
    shown = carried.open(by("amira"))
    assert shown.exit_code == 0, shown.stderr
    assert "author          amira (the signature is by a key of theirs)" in shown.stdout
    assert "author_signature" not in shown.stdout
    value = json.loads(carried.open(by("amira"), "--json").stdout)
    assert (value["author"], value["signed"]) == ("amira", "roster")


def test_without_a_roster_it_says_that_nothing_was_checked(carried: Carried) -> None:
    shown = carried.open(by("jonas", "amira"), checked=False)
    assert "author          amira (the signature was not checked: no roster was given)" in shown.stdout


def test_a_note_that_nobody_signed_says_so(carried: Carried) -> None:
    shown = carried.open(None)
    assert shown.exit_code == 0
    assert "author          nobody (not signed: do not trust it" in shown.stdout


def test_a_note_in_another_name_is_refused(carried: Carried) -> None:
    shown = carried.open(by("jonas", "amira"))
    assert shown.exit_code == 65
    assert "not signed by who it claims to be" in shown.stderr
    assert "a note" not in shown.stdout
