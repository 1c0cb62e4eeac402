"""Files that a source sealed with stock age: the form that is asked for, and what is in them."""

from __future__ import annotations

import base64
import io
import json
import zlib
from pathlib import Path
from typing import Any

import pytest

from fieldreport import limits
from fieldreport.errors import NotARecipient, SealError
from fieldreport.seal import HybridIdentity, HybridRecipient, SourceSealed, is_source_sealed, recipients_file
from fieldreport.seal.header import build_header
from fieldreport.seal.stream import PayloadWriter

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "vectors" / "source-sealed" / "source-sealed.json").read_text()
)
CASES = VECTORS["cases"]


def file_of(case: dict[str, Any]) -> io.FileIO:
    file: Any = io.BytesIO(zlib.decompress(base64.b64decode(case["file"])))
    return file  # type: ignore[no-any-return]  # read as a raw file is


def identities_of(case: dict[str, Any]) -> list[HybridIdentity]:
    return [HybridIdentity.parse(each) for each in case["identities"]]


@pytest.mark.parametrize("case", [each for each in CASES if each["expect"].isdigit()], ids=lambda case: case["reason"])
def test_what_the_other_implementation_sealed_is_read(case: dict[str, Any]) -> None:
    found = SourceSealed.read(file_of(case))
    assert (found.readers, found.length) == (int(case["expect"]), len(VECTORS["content"]))


@pytest.mark.parametrize(
    "case", [each for each in CASES if not each["expect"].isdigit()], ids=lambda case: case["reason"]
)
def test_what_is_not_in_the_form_we_ask_for_is_refused(case: dict[str, Any]) -> None:
    with pytest.raises(SealError) as refused:
        SourceSealed.read(file_of(case))
    assert refused.value.code == case["expect"]


def test_each_of_its_keys_opens_it_and_no_other_does() -> None:
    case = CASES[0]
    file = file_of(case)
    found = SourceSealed.read(file)
    for identity in identities_of(case):
        with found.content(file, found.file_key([identity])) as content:
            assert content.read().decode() == VECTORS["content"]
    with pytest.raises(NotARecipient):
        found.file_key([HybridIdentity.generate()])


def test_a_byte_that_was_changed_on_the_way_is_found_when_it_is_opened() -> None:
    case = next(each for each in CASES if "last byte" in each["reason"])
    file = file_of(case)
    found = SourceSealed.read(file)
    with pytest.raises(SealError, match="damaged"):
        found.content(file, found.file_key(identities_of(case)))


def test_it_is_known_by_its_beginning_in_every_form_of_age() -> None:
    taken = [each["reason"] for each in CASES if is_source_sealed(file_of(each))]
    assert set(taken) == {each["reason"] for each in CASES} - {"a byte before the header", "nothing at all"}
    packed: Any = io.BytesIO(b"\x01" + bytes(100))
    assert not is_source_sealed(packed)


def test_a_large_one_is_measured_by_its_content() -> None:
    content, payload = limits.CHUNK_BYTES + 1, io.BytesIO()
    writer = PayloadWriter(bytes(16), payload)
    writer.write(bytes(content))
    writer.close()
    file: Any = io.BytesIO(build_header(bytes(16), [HybridIdentity.generate().recipient]) + payload.getvalue())
    assert SourceSealed.read(file).length == content


def test_the_list_of_keys_is_the_same_whatever_order_they_come_in() -> None:
    keys = [HybridIdentity.generate().recipient for _ in range(3)]
    listed = recipients_file(keys)
    assert listed == recipients_file(reversed(keys))
    lines = [line for line in listed.splitlines() if not line.startswith("#")]
    assert {HybridRecipient.parse(line) for line in lines} == set(keys)
    assert max(map(len, listed.splitlines())) < 8192, "age reads no longer line of such a file"
