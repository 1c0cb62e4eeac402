"""A kept file: opened by its form at its place, or refused; nothing about it shows."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fieldreport import limits
from fieldreport.errors import SealError
from fieldreport.scratch import Scratch
from fieldreport.seal import Codename, KeptFile, KeptState, SourceKeys, kept_name
from fieldreport.seal.hybrid import HybridIdentity
from tests.cast import INSTANCE

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parent.parent / "vectors" / "kept" / "kept.json").read_text(encoding="utf-8")
)
KEY, PLACE = bytes.fromhex(VECTORS["key"]), bytes.fromhex(VECTORS["places"]["0"])


def test_names_and_keys_are_those_of_the_vectors() -> None:
    keys = SourceKeys(
        lookup=bytes(32),
        thread=bytes(16),
        identity=HybridIdentity(bytes(32)),
        _letters=bytes.fromhex(VECTORS["letters"]),
    )
    assert keys.kept_key(VECTORS["form"]) == KEY
    places = keys.kept_places()
    assert {str(number): places[number].hex() for number in (0, 1, 299)} == VECTORS["places"]
    assert len(set(places)) == limits.KEPT_PLACES
    assert keys.kept_places(1) == places[:1]


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["name"])
def test_vectors(case: dict[str, Any]) -> None:
    note = bytes.fromhex(case["note"])
    if not case["opens"]:
        with pytest.raises(SealError) as caught:
            KeptFile.open_note(note, KEY, PLACE)
        assert caught.value.code == "kept-file"
        return
    file, fields = KeptFile.open_note(note, KEY, PLACE), VECTORS["fields"]
    assert (file.untrusted_name, file.media_type, file.length) == (fields["name"], fields["type"], fields["length"])
    assert (file.file_key.hex(), file.original_sha256.hex()) == (fields["file_key"], fields["sha256"])
    assert file.original_size == case.get("original", 0)
    assert (list(file.removed), file.harder, file.state) == (fields["removed"], False, KeptState.KEPT)


def a_file(content: bytes, name: str = "a.jpg") -> KeptFile:
    return KeptFile(
        untrusted_name=name,
        media_type="image/jpeg",
        length=len(content),
        removed=("location",),
        original_sha256=bytes(32),
        harder=False,
    )


def scratch(directory: Path, content: bytes) -> Scratch:
    file = Scratch(directory)
    file.write(content)
    return file


@pytest.mark.parametrize("length", [0, 1, limits.PADDING_FLOOR_BYTES, 3 * limits.CHUNK_BYTES + 1])
def test_what_is_sealed_is_opened_again_and_an_altered_byte_is_refused(tmp_path: Path, length: int) -> None:
    content = bytes(number % 251 for number in range(length))
    file, sealed = a_file(content), io.BytesIO()
    with scratch(tmp_path, content) as source:
        file.seal_content(source, sealed)
    assert len(sealed.getvalue()) == file.size
    again = KeptFile.open_note(file.seal_note(KEY, PLACE), KEY, PLACE)
    with again.content(sealed) as (reader, original):
        assert reader.read() == content
        assert reader.seek(0, io.SEEK_END) == length
        assert original is None
    for place in (0, file.size // 2, file.size - 1):
        altered = bytearray(sealed.getvalue())
        altered[place] ^= 1
        with pytest.raises(SealError), again.content(io.BytesIO(altered)) as (reader, _):
            reader.read()
    with pytest.raises(SealError), again.content(io.BytesIO(sealed.getvalue()[:-1])):
        pass


def test_an_original_comes_back_apart_from_the_cleaned_file(tmp_path: Path) -> None:
    content, unchanged, sealed = b"clean" * 9000, b"sealed apart" * 9000, io.BytesIO()
    file = replace(a_file(content), original_size=len(unchanged))
    with scratch(tmp_path, content) as source, scratch(tmp_path, unchanged) as other:
        file.seal_content(source, sealed, original=other)
    assert len(sealed.getvalue()) == file.size
    again = KeptFile.open_note(file.seal_note(KEY, PLACE), KEY, PLACE)
    with again.content(sealed) as (reader, original):
        assert original is not None
        assert (original.read(), reader.read()) == (unchanged, content)


def test_a_source_that_is_longer_or_shorter_is_refused(tmp_path: Path) -> None:
    for other in (b"12", b"1234"):
        with scratch(tmp_path, other) as source, pytest.raises(SealError):
            a_file(b"123").seal_content(source, io.BytesIO())


def test_neither_size_tells_the_length_of_name_or_file() -> None:
    notes = {len(a_file(b"x", kept_name(name)).seal_note(KEY, PLACE)) for name in ("a", "b" * 300, "\ud800 lone")}
    assert len(notes) == 1
    assert a_file(b"x").size == a_file(b"x" * 10_000).size


def test_two_forms_of_a_codename_and_two_codenames_share_nothing() -> None:
    first, second = (SourceKeys.derive(Codename.generate("en"), instance=INSTANCE) for _ in range(2))
    assert not set(first.kept_places()) & set(second.kept_places())
    assert len({keys.kept_key(form * 16) for keys in (first, second) for form in ("00", "01")}) == 4
