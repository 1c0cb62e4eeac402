"""A packed letter: what can be judged without a key, by vectors made from FORMAT.md without the package."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import io
import json
import zlib
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldreport import limits
from fieldreport.errors import SealError
from fieldreport.scratch import Scratch
from fieldreport.seal import Binding, Codename, ExpectedOffline, Frame, Kind, Letter, PackedLetter, SourceKeys
from fieldreport.seal.packed import FRAME_BYTES, is_packed

DIRECTORY = Path(__file__).parent.parent / "vectors" / "packed"
VECTORS: list[dict[str, str]] = json.loads((DIRECTORY / "packed.json").read_text(encoding="utf-8"))


def content_of(vector: Mapping[str, str]) -> bytes:
    return zlib.decompress(base64.b64decode(vector["file"]))


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["reason"])
def test_vectors(vector: Mapping[str, str], tmp_path: Path) -> None:
    content = content_of(vector)
    with Scratch(tmp_path) as file:  # as the intake holds it
        file.write(content)
        if vector["expect"] != "taken":
            with pytest.raises(SealError) as refused:
                PackedLetter.read(file)
            assert refused.value.code == vector["expect"]
            return
        packed = PackedLetter.read(file)
        assert not file.closed
    assert packed.frame.encode() + packed.header + content[packed.payload_offset :] == content
    assert packed.frame.epoch in {7, limits.ROSTER_EPOCHS}
    assert packed.readers == content.count(b"-> mlkem768x25519 ")


def test_the_vectors_are_what_the_command_makes() -> None:
    specification = importlib.util.spec_from_file_location("make_packed_vectors", DIRECTORY / "make.py")
    assert specification is not None
    assert specification.loader is not None
    make = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(make)
    made = [(reason, expect, file) for reason, expect, file in make.cases()]
    assert made == [(vector["reason"], vector["expect"], content_of(vector)) for vector in VECTORS]
    assert {expect for _, expect, _ in made} == {"taken", "packed", "header-malformed", "payload"}


@given(st.binary(max_size=400))
def test_whatever_the_bytes_only_our_error_comes(junk: bytes) -> None:
    for content in (junk, b"\x01" + bytes(7) + b"\x01" + bytes(48) + junk):
        with pytest.raises(SealError):
            PackedLetter.read(io.BytesIO(content))  # type: ignore[arg-type] # it reads as a raw file does


def test_a_packed_letter_is_told_from_a_bare_age_file() -> None:
    assert is_packed(io.BytesIO(Frame(epoch=1, letter=bytes(16), sha256=bytes(32)).encode()))
    assert not is_packed(io.BytesIO(b"age-encryption.org/v1\n"))
    assert not is_packed(io.BytesIO(b""))


def test_a_frame_is_version_epoch_id_and_hash_and_names_nothing_else() -> None:
    frame = Frame.of(b"header", io.BytesIO(b"payload"), epoch=3, letter=b"sixteen bytes id")
    assert len(frame.encode()) == FRAME_BYTES == 57
    assert Frame.read(io.BytesIO(frame.encode())) == frame
    digest = hashlib.sha256(b"headerpayload").digest()
    assert frame.encode() == b"\x01" + bytes(7) + b"\x03" + b"sixteen bytes id" + digest


def test_the_id_of_a_letter_follows_from_codename_number_and_content() -> None:
    keys = [SourceKeys.derive(Codename.generate("en"), instance=bytes(16)) for _ in range(2)]

    def letter(text: str = "text", form: str = "00", whose: int = 0) -> Letter:
        fields = {"action": "report"}
        return Letter(fields=fields, text=text.encode(), text_removed=(), files=(), form=form, keys=keys[whose])

    ids = {letter().id(), letter("other").id(), letter(form="01").id(), letter(whose=1).id()}
    assert len(ids) == 4
    assert letter().id() in ids


# --- what a reader without a store expects ---

KNOWN = Binding(kind=Kind.NOTE, epoch=4, roster=b"r" * 32, instance=b"i" * 16, thread=b"t" * 16, object=b"o" * 16)


def test_where_nothing_is_known_any_place_is_accepted() -> None:
    assert ExpectedOffline().check(KNOWN)


@pytest.mark.parametrize(
    ("expected", "name"),
    [
        (ExpectedOffline(instance=b"x" * 16), "instance"),
        (ExpectedOffline(object=b"x" * 16), "object"),
        (ExpectedOffline(epoch=5), "epoch"),
        (ExpectedOffline(rosters={4: b"x" * 32}), "roster"),
        (ExpectedOffline(rosters={5: b"r" * 32}), "roster"),
    ],
)
def test_what_is_known_must_agree(expected: ExpectedOffline, name: str) -> None:
    with pytest.raises(SealError, match="does not belong here") as refused:
        expected.check(KNOWN)
    assert refused.value.detail == f"binding: other {name}"


def test_a_letter_that_is_not_its_own_thread_belongs_nowhere() -> None:
    letter = Binding(
        kind=Kind.LETTER, epoch=4, roster=b"r" * 32, instance=b"i" * 16, thread=b"t" * 16, object=b"o" * 16
    )
    with pytest.raises(SealError) as refused:
        ExpectedOffline().check(letter)
    assert refused.value.detail == "binding: other thread"
