"""Forms: the same however they arrive in pieces, bounded in every direction, never on a disk in the clear."""

from __future__ import annotations

import hashlib
import time
import tracemalloc
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, cast
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typing_extensions import override
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from fieldreport import limits
from fieldreport.errors import LimitExceeded
from fieldreport.scratch import Scratch
from fieldreport.web.form_reader import FormReader

BOUNDARY = "----Boundary7MA4"
KIND = f"multipart/form-data; boundary={BOUNDARY}"


def part(name: str, content: bytes, *, filename: str | None = None) -> bytes:
    disposition = f'form-data; name="{name}"' + (f'; filename="{filename}"' if filename is not None else "")
    return f"--{BOUNDARY}\r\nContent-Disposition: {disposition}\r\n\r\n".encode() + content + b"\r\n"


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


class Pieces(BytesIO):
    """A connection that gives a few bytes at a time."""

    def __init__(self, body: bytes, size: int) -> None:
        super().__init__(body)
        self._size = size

    @override
    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(min(self._size, size if size is not None and size >= 0 else self._size))


class Endless(BytesIO):
    """A body that never ends; counts what was taken."""

    def __init__(self, beginning: bytes) -> None:
        super().__init__(beginning)
        self.taken = 0

    @override
    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size) or bytes(size or 1)
        self.taken += len(data)
        return data


def reader(
    body: bytes | BinaryIO,
    directory: Path | None,
    *,
    kind: str = KIND,
    length: int | None = None,
    most: int = limits.REQUEST_BYTES,
) -> FormReader:
    form_reader = FormReader(
        content_type=kind,
        content_length=length,
        open_scratch=(lambda: Scratch(directory)) if directory is not None else None,
        request_bytes=most,
    )
    form_reader.take_all(BytesIO(body) if isinstance(body, bytes) else body)
    return form_reader


def test_text_and_files_are_told_apart_and_kept_in_order(tmp_path: Path) -> None:
    form_reader = reader(
        form(
            part("report", "본 것\r\nzwei".encode()),
            part("files", b"\0\r\n--almost", filename="가족 사진.jpg"),
            part("when", b""),
            part("files", b"", filename=""),
            part("files", b"", filename="empty.txt"),
        ),
        tmp_path,
    )
    form_reader.check()
    assert form_reader.fields == [("report", "본 것\r\nzwei"), ("when", "")]
    assert [(upload.part, upload.untrusted_name, upload.length) for upload in form_reader.uploads] == [
        ("files", "가족 사진.jpg", 11),
        ("files", "empty.txt", 0),
    ]
    (first, _) = form_reader.uploads
    assert first.source.read() == b"\0\r\n--almost"
    assert first.sha256 == hashlib.sha256(b"\0\r\n--almost").digest()


@settings(max_examples=60, deadline=None)
@given(
    text=st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=200),
    content=st.binary(max_size=400) | st.sampled_from([b"\r\n--" + BOUNDARY.encode()[:-1], b"\r", b"\r\n", b"--"]),
    size=st.integers(1, 50),
)
def test_any_content_survives_any_way_of_cutting_it_up(
    tmp_path_factory: pytest.TempPathFactory, text: str, content: bytes, size: int
) -> None:
    body = form(part("report", text.encode()), part("files", content, filename="f"))
    form_reader = reader(Pieces(body, size), tmp_path_factory.getbasetemp(), length=len(body))
    form_reader.check()
    assert form_reader.fields == [("report", text)]
    assert [upload.source.read() for upload in form_reader.uploads] == [content]
    form_reader.close()


@settings(max_examples=60, deadline=None)
@given(body=st.binary(max_size=300) | st.binary(max_size=100).map(lambda junk: form(part("a", b"x"))[:-5] + junk))
def test_arbitrary_bytes_raise_only_what_a_page_can_answer(
    tmp_path_factory: pytest.TempPathFactory, body: bytes
) -> None:
    form_reader = reader(body, tmp_path_factory.getbasetemp())
    try:
        form_reader.check()
    except (BadRequest, LimitExceeded):
        assert form_reader.uploads == []


@pytest.mark.parametrize("cut", [1, 10, 40, 90, 150])
def test_a_body_that_was_cut_off_is_refused_and_its_text_kept(tmp_path: Path, cut: int) -> None:
    body = form(part("report", b"My words."), part("files", b"x" * 200, filename="f"))
    form_reader = reader(body[:-cut], tmp_path, length=len(body))
    with pytest.raises(BadRequest):
        form_reader.check()
    assert form_reader.fields == [("report", "My words.")]
    assert form_reader.uploads == []


def test_a_text_form_that_was_cut_off_is_refused(tmp_path: Path) -> None:
    body = b"report=My+words&when=today"
    form_reader = reader(body[:-3], tmp_path, kind="application/x-www-form-urlencoded", length=len(body))
    with pytest.raises(BadRequest):
        form_reader.check()
    assert dict(form_reader.fields) == {"report": "My words", "when": "to"}


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (b"a=%41%c3%bc+%2B%5Cx41%5Cn&b", {"a": "Aü +\\x41\\n", "b": ""}),
        (b"a=1&&=x&a+b=2&c=%00", {"a": "1", "": "x", "a b": "2", "c": "\0"}),
        (b"a=%ff%e9\xe9\\", {"a": "\ufffd\ufffd\ufffd\\"}),
        (b"a=100%&b=%zz%4", {"a": "100%", "b": "%zz"}),
        (b"a==%3D=", {"a": "==="}),
    ],
)
def test_a_text_form_is_read_as_browsers_write_it(tmp_path: Path, body: bytes, fields: dict[str, str]) -> None:
    form_reader = reader(body, tmp_path, kind="application/x-www-form-urlencoded")
    form_reader.check()
    assert dict(form_reader.fields) == fields


@given(st.dictionaries(st.text(max_size=9), st.text(max_size=30), max_size=4))
def test_a_text_form_of_any_words_comes_back(fields: dict[str, str]) -> None:
    form_reader = reader(urlencode(fields).encode(), None, kind="application/x-www-form-urlencoded")
    form_reader.check()
    assert dict(form_reader.fields) == fields


@pytest.mark.parametrize("unit", [b"%", b"%41", b"%4", b"%41a", b"%ff", b"%%41", b"\\", b"+", b"%5C"])
def test_no_text_form_costs_much_more_than_another(unit: bytes) -> None:
    """The standard library takes some of them a hundred times as long as plain words."""

    def cost(unit: bytes) -> float:
        body = b"report=" + unit * (500_000 // len(unit))
        began = time.thread_time()
        reader(body, None, kind="application/x-www-form-urlencoded")
        return time.thread_time() - began

    ratio = min(cost(unit) for _ in range(5)) / min(cost(b"x") for _ in range(5))
    assert ratio < 20, ratio


def test_a_body_announced_as_too_large_is_read_for_its_text_and_refused(tmp_path: Path) -> None:
    body = form(part("report", b"My words."), part("files", bytes(50_000), filename="f"))
    form_reader = reader(body, tmp_path, length=len(body), most=10_000)
    with pytest.raises(LimitExceeded) as caught:
        form_reader.check()
    assert caught.value.code == "request-bytes"
    assert form_reader.fields == [("report", "My words.")]
    assert list(tmp_path.iterdir()) == []


def test_a_body_that_grows_too_large_is_read_on_within_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "DISCARD_BYTES", 1_000_000)
    stream = Endless(part("report", b"My words.") + part("files", b"", filename="f")[:-2])
    form_reader = reader(stream, tmp_path, most=300_000)
    with pytest.raises(LimitExceeded) as caught:
        form_reader.check()
    assert caught.value.code == "request-bytes"
    assert form_reader.fields == [("report", "My words.")]
    assert 1_000_000 < stream.taken < 1_600_000


def test_text_is_bounded_in_total_however_many_fields_it_is_spread_over(tmp_path: Path) -> None:
    half = b"x" * (limits.FORM_TEXT_BYTES // 2)
    form_reader = reader(form(part("a", half), part("b", half), part("c", b"!")), tmp_path)
    with pytest.raises(LimitExceeded) as caught:
        form_reader.check()
    assert caught.value.code == "request-text"
    assert sum(len(text) for _, text in form_reader.fields) == limits.FORM_TEXT_BYTES


def test_parts_are_bounded(tmp_path: Path) -> None:
    form_reader = reader(form(*(part(f"f{n}", b"") for n in range(limits.FORM_PARTS + 1))), tmp_path)
    with pytest.raises(LimitExceeded) as caught:
        form_reader.check()
    assert caught.value.code == "request-parts"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"a=" + b"x" * (limits.FORM_TEXT_BYTES + 1), "request-text"),
        (b"a=" + b"%78" * (limits.FORM_TEXT_BYTES + 1), "request-text"),
        (b"&".join(b"a=1" for _ in range(limits.FORM_PARTS + 1)), "request-parts"),
    ],
    ids=["plain", "encoded", "fields"],
)
def test_text_forms_are_bounded_as_well(tmp_path: Path, body: bytes, code: str) -> None:
    form_reader = reader(body, tmp_path, kind="application/x-www-form-urlencoded")
    with pytest.raises(LimitExceeded) as caught:
        form_reader.check()
    assert caught.value.code == code


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "multipart/mixed; boundary=x", ""])
def test_another_type_is_refused(tmp_path: Path, kind: str) -> None:
    with pytest.raises(UnsupportedMediaType):
        reader(b"{}", tmp_path, kind=kind, length=2).check()


@pytest.mark.parametrize("boundary", ["", "a\nb"])
def test_a_boundary_that_cannot_be_one_is_refused(tmp_path: Path, boundary: str) -> None:
    with pytest.raises(BadRequest):
        reader(b"--x--", tmp_path, kind=f'multipart/form-data; boundary="{boundary}"').check()


def test_no_body_at_all_is_an_empty_form(tmp_path: Path) -> None:
    form_reader = reader(b"", tmp_path, kind="")
    form_reader.check()
    assert form_reader.fields == []


def test_broken_utf8_is_shown_as_such_and_refuses_nothing(tmp_path: Path) -> None:
    form_reader = reader(form(part("report", b"caf\xe9")), tmp_path)
    form_reader.check()
    assert form_reader.fields == [("report", "caf\ufffd")]


def test_no_byte_of_an_upload_is_on_the_disk_in_the_clear(tmp_path: Path) -> None:
    marker = b"MARKER-of-a-frightened-source"
    form_reader = reader(form(part("files", marker * 40_000, filename="f")), tmp_path)
    form_reader.check()
    written = b""
    for entry in list(Path("/proc/self/fd").iterdir()):
        with suppress(FileNotFoundError):  # the directory's own descriptor is gone by now
            if str(tmp_path) in str(entry.readlink()):
                written += entry.read_bytes()
    form_reader.close()
    assert len(written) > 1_000_000  # all but the chunk that is still being written
    assert marker not in written


def test_memory_stays_flat_however_large_the_file(tmp_path: Path) -> None:
    class Large(Endless):
        @override
        def read(self, size: int | None = -1, /) -> bytes:
            if self.taken > 48 * limits.MIB:
                return b""
            return super().read(size)

    stream = Large(part("files", b"", filename="f")[:-2])
    tracemalloc.start()
    form_reader = reader(cast("BinaryIO", stream), tmp_path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    with pytest.raises(BadRequest):
        form_reader.check()
    assert peak < 4 * limits.MIB
