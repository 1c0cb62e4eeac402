"""The envelope vectors, made from FORMAT.md without the package: each opens, or is refused for its one reason."""

from __future__ import annotations

import base64
import importlib.util
import io
import json
import zlib
from pathlib import Path
from typing import Any

import pytest

from fieldreport.errors import FieldreportError, LimitExceeded, NotARecipient, SealError
from fieldreport.seal import Expected, HybridIdentity, Kind, OpenEnvelope, open_envelope
from fieldreport.seal.header import Header, build_header, read_header
from fieldreport.seal.manifest import Manifest
from fieldreport.seal.padding import padded_size
from fieldreport.seal.stream import PayloadWriter

DIRECTORY = Path(__file__).parent.parent / "vectors" / "envelope"
NAMES = sorted(path.stem for path in DIRECTORY.glob("*.json"))
GOOD = [name for name in NAMES if name.startswith("good")]
IDENTITY = HybridIdentity(bytes(31) + b"\x01")
FILE_KEY = b"sixteen byte key"
OVER_A_LIMIT = {"manifest-parts-too-many", "manifest-fields-too-many"}


def load(name: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((DIRECTORY / f"{name}.json").read_text())
    return value


def expected_of(vector: dict[str, Any]) -> Expected:
    expected = vector["expected"]
    return Expected(
        kind=Kind(expected["kind"]),
        instance=bytes.fromhex(expected["instance"]),
        thread=bytes.fromhex(expected["thread"]),
        object=bytes.fromhex(expected["object"]),
        rosters={int(epoch): bytes.fromhex(roster) for epoch, roster in expected["rosters"].items()},
    )


def signers_of(vector: dict[str, Any]) -> dict[str, list[bytes]]:
    return {handle: [bytes.fromhex(key) for key in keys] for handle, keys in vector["signers"].items()}


def test_a_signed_object_names_its_author() -> None:
    vector = load("good-signed")
    with open_vector(vector) as envelope:
        assert envelope.author(signers_of(vector)) == "amira"


def test_a_message_says_which_one_it_is_or_older_ones_nothing() -> None:
    for name, number in (("good-numbered", 12), ("good", 0)):
        with open_vector(load(name)) as envelope:
            assert envelope.manifest.number == number


@pytest.mark.parametrize("untrusted", ["", "0", "01", "-1", "+1", "1.0", "1 ", "1\n", "\u0663", "1234567890", "x"])
def test_a_number_of_another_form_is_none(untrusted: str) -> None:
    assert Manifest(hour=1, fields={"number": untrusted}, parts=()).number == 0


def plaintext_of(vector: dict[str, Any]) -> bytes:
    return zlib.decompress(base64.b64decode(vector["plaintext"]))


def open_vector(vector: dict[str, Any]) -> OpenEnvelope:
    payload = io.BytesIO()
    writer = PayloadWriter(FILE_KEY, payload)
    writer.write(plaintext_of(vector))
    writer.close()
    header = build_header(FILE_KEY, [IDENTITY.recipient])
    return open_envelope(header, payload, identities=[IDENTITY], expected=expected_of(vector))


@pytest.mark.parametrize("name", GOOD)
def test_it_opens(name: str) -> None:
    with open_vector(load(name)) as envelope:
        assert envelope.verify()


@pytest.mark.parametrize("name", [name for name in NAMES if name not in GOOD])
def test_it_is_refused_for_its_one_reason(name: str) -> None:
    vector = load(name)
    kind: type[FieldreportError] = LimitExceeded if name in OVER_A_LIMIT else SealError
    if vector["at"] == "author":
        with open_vector(vector) as envelope, pytest.raises(kind) as caught:
            envelope.author(signers_of(vector))
    elif vector["at"] == "verify":
        envelope = open_vector(vector)
        with pytest.raises(kind) as caught:
            envelope.verify()
    else:
        with pytest.raises(kind) as caught:
            open_vector(vector)
    assert caught.value.code == vector["expect"]
    assert not isinstance(caught.value, NotARecipient)


@pytest.mark.parametrize("name", GOOD)
def test_what_opens_is_written_again_to_the_same_bytes(name: str) -> None:
    vector = load(name)
    plain = plaintext_of(vector)
    with open_vector(vector) as envelope:
        encoded = envelope.manifest.encode()
        assert plain[116:].startswith(encoded)
        assert Manifest.parse(encoded) == envelope.manifest
        end = 116 + len(encoded)
        for number, part in enumerate(envelope.manifest.parts):
            assert envelope.read_part(number, 1 << 20) == plain[end : end + part.length]
            end += part.length
    assert padded_size(end) == len(plain)
    assert not any(plain[end:])


def test_a_part_whose_hash_differs_is_not_handed_over_whole() -> None:
    with open_vector(load("part-other-hash")) as envelope, pytest.raises(SealError) as caught:
        envelope.read_part(0, 1 << 20)
    assert caught.value.code == "part"


@pytest.mark.parametrize(("name", "recipients"), [("one-recipient", 1), ("three-recipients", 3)])
def test_a_whole_sealed_object_made_elsewhere_opens_for_each_recipient(name: str, recipients: int) -> None:
    # As make.py says: the seed is SHA-256("seed"), the recipient's number added to the last byte.
    seed = bytes.fromhex("19b25856e1c150ca834cffc8b59b23adbd0ec0389e58eb22b3b64768098d002b")
    expected = expected_of(load("good"))
    for number in range(recipients):
        source = io.BytesIO((DIRECTORY / f"{name}.age").read_bytes())
        identity = HybridIdentity(seed[:31] + bytes([seed[31] + number]))
        header, payload = read_header(source), io.BytesIO(source.read())
        with open_envelope(header, payload, identities=[identity], expected=expected) as envelope:
            assert envelope.verify()
            assert envelope.read_part(0, 1 << 20).startswith(b"They moved eleven people at night.")


def test_a_letter_with_decoys_opens_for_whom_it_is_meant_and_nobody_else() -> None:
    seed = bytes.fromhex("19b25856e1c150ca834cffc8b59b23adbd0ec0389e58eb22b3b64768098d002b")
    source = io.BytesIO((DIRECTORY / "three-stanzas-one-recipient.age").read_bytes())
    header, payload = read_header(source), io.BytesIO(source.read())
    assert len(Header.parse(header).stanzas) == 3
    for number in range(3):
        identity = HybridIdentity(seed[:31] + bytes([seed[31] + number]))
        if number != 1:
            with pytest.raises(NotARecipient):
                open_envelope(header, payload, identities=[identity], expected=expected_of(load("good-addressed")))
            continue
        with open_envelope(
            header, payload, identities=[identity], expected=expected_of(load("good-addressed"))
        ) as envelope:
            assert envelope.verify()
            assert envelope.manifest.addressee == "borders"


def test_a_letter_says_whom_it_is_for_or_older_ones_nothing() -> None:
    for name, addressee in (("good-addressed", "borders"), ("good", "")):
        with open_vector(load(name)) as envelope:
            assert envelope.manifest.addressee == addressee


def test_the_vectors_are_what_the_command_makes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    specification = importlib.util.spec_from_file_location("make_envelope_vectors", DIRECTORY / "make.py")
    assert specification is not None
    assert specification.loader is not None
    make = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(make)
    monkeypatch.setattr(make, "HERE", tmp_path)
    for write in (
        make.good_vectors,
        make.inner_vectors,
        make.binding_vectors,
        make.manifest_vectors,
        make.author_vectors,
    ):
        write()
    made = {path.stem: path for path in tmp_path.iterdir()}
    assert sorted(made) == NAMES
    for name, path in made.items():
        again, committed = json.loads(path.read_text()), load(name)
        assert plaintext_of(again) == plaintext_of(committed)  # two zlibs may pack differently
        assert again | {"plaintext": ""} == committed | {"plaintext": ""}
