"""Envelopes: what was sealed comes back to whom it was sealed, as what it was sealed for, or not at all."""

from __future__ import annotations

import hashlib
import io
import os
import random
import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typing_extensions import Buffer, override

from fieldreport import limits
from fieldreport.errors import FieldreportError, LimitExceeded, NotARecipient, NotFound, SealError
from fieldreport.scratch import Scratch
from fieldreport.seal import (
    Binding,
    Expected,
    ExpectedOffline,
    HybridIdentity,
    Kind,
    OpenEnvelope,
    Part,
    PartSource,
    canonical,
    check_sealed_form,
    open_envelope,
    open_header,
    open_sealed_file,
    open_with_file_key,
    seal_envelope,
)
from fieldreport.seal.header import build_header
from fieldreport.seal.inner_header import InnerHeader
from fieldreport.seal.manifest import Manifest
from fieldreport.seal.stanza import HYBRID
from fieldreport.seal.stream import PayloadWriter

CHUNK = 64 * 1024
ROSTER = bytes(range(32))
INSTANCE = b"the newsroom's 1"
THREAD = b"a case of theirs"
OBJECT = b"one note on that"
TEXTS = [b"", b"x", b"a report", b"r" * 20_000, random.Random(1).randbytes(3 * CHUNK + 5)]


def seeded(number: int) -> HybridIdentity:
    return HybridIdentity(number.to_bytes(32, "big"))


@dataclass(frozen=True, kw_only=True)
class Newsroom:
    """One sealing newsroom; ``seal`` and ``open`` take what differs from the usual."""

    first: HybridIdentity = field(default_factory=lambda: seeded(1))
    second: HybridIdentity = field(default_factory=lambda: seeded(2))
    stranger: HybridIdentity = field(default_factory=lambda: seeded(3))
    binding: Binding = field(
        default_factory=lambda: Binding(
            kind=Kind.NOTE, epoch=7, roster=ROSTER, instance=INSTANCE, thread=THREAD, object=OBJECT
        )
    )
    expected: Expected = field(
        default_factory=lambda: Expected(
            kind=Kind.NOTE, instance=INSTANCE, thread=THREAD, object=OBJECT, rosters={6: bytes(32), 7: ROSTER}
        )
    )

    def seal(self, *contents: bytes, binding: Binding | None = None) -> tuple[bytes, bytes]:
        payload = io.BytesIO()
        header = seal_envelope(
            binding or self.binding,
            hour=498_228,
            fields={"report_language": "en"},
            parts=[
                PartSource(
                    name=f"part-{number}.txt",
                    media_type="text/plain; charset=utf-8",
                    source=io.BytesIO(content),
                    length=len(content),
                    removed=("author",),
                )
                for number, content in enumerate(contents, 1)
            ],
            recipients=[self.first.recipient, self.second.recipient],
            payload_to=payload,
        )
        return header, payload.getvalue()

    def open(
        self,
        header: bytes,
        payload: bytes,
        *,
        identity: HybridIdentity | None = None,
        expected: Expected | None = None,
    ) -> OpenEnvelope:
        return open_envelope(
            header, io.BytesIO(payload), identities=[identity or self.first], expected=expected or self.expected
        )


@pytest.fixture(scope="module")
def newsroom() -> Newsroom:
    return Newsroom()


def sealed_part(source: io.IOBase, length: int, **other: object) -> PartSource:
    fields = {"name": "video-1.mp4", "media_type": "video/mp4", "source": source, "length": length} | other
    return PartSource(**fields)  # type: ignore[arg-type]  # as the tests give them


def seal_parts(newsroom: Newsroom, *parts: PartSource, to: io.IOBase | None = None) -> tuple[bytes, bytes]:
    payload = to or io.BytesIO()
    header = seal_envelope(
        newsroom.binding,
        hour=1,
        fields={},
        parts=parts,
        recipients=[newsroom.first.recipient],
        payload_to=payload,  # type: ignore[arg-type]  # a raw file will do
    )
    return header, payload.getvalue() if isinstance(payload, io.BytesIO) else b""


@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_every_recipient_reads_every_part(newsroom: Newsroom, count: int) -> None:
    header, payload = newsroom.seal(*TEXTS[:count])
    for identity in (newsroom.first, newsroom.second):
        with newsroom.open(header, payload, identity=identity) as envelope:
            assert envelope.binding == newsroom.binding
            assert envelope.manifest.hour == 498_228
            assert dict(envelope.manifest.fields) == {"report_language": "en"}
            assert [envelope.read_part(number, 1 << 20) for number in range(count)] == TEXTS[:count]
            for part, content in zip(envelope.manifest.parts, TEXTS, strict=False):
                assert (part.length, part.sha256) == (len(content), hashlib.sha256(content).digest())
                assert part.removed == ("author",)
            assert envelope.verify()


def test_a_stranger_reads_nothing(newsroom: Newsroom) -> None:
    header, payload = newsroom.seal(b"a report")
    with pytest.raises(NotARecipient):
        newsroom.open(header, payload, identity=newsroom.stranger)


@settings(max_examples=40, deadline=None)
@given(
    fields=st.dictionaries(st.from_regex(r"[a-z][a-z0-9_]{0,31}", fullmatch=True), st.text(), max_size=5),
    hour=st.integers(0, 2**31 - 1),
    epoch=st.integers(0, 2**63 - 1),
    kind=st.sampled_from(Kind),
    contents=st.lists(st.binary(max_size=500), max_size=4),
)
def test_anything_that_can_be_sealed_comes_back(
    newsroom: Newsroom, fields: dict[str, str], hour: int, epoch: int, kind: Kind, contents: list[bytes]
) -> None:
    binding = replace(newsroom.binding, epoch=epoch, kind=kind)
    payload = io.BytesIO()
    parts = [sealed_part(io.BytesIO(content), len(content), name=f"{n}.bin") for n, content in enumerate(contents)]
    header = seal_envelope(
        binding, hour=hour, fields=fields, parts=parts, recipients=[newsroom.second.recipient], payload_to=payload
    )
    expected = replace(newsroom.expected, kind=kind, rosters={epoch: binding.roster})
    with newsroom.open(header, payload.getvalue(), identity=newsroom.second, expected=expected) as envelope:
        assert (envelope.manifest.hour, dict(envelope.manifest.fields)) == (hour, fields)
        assert [envelope.read_part(number, 500) for number in range(len(contents))] == contents


@pytest.mark.parametrize(
    "change",
    [
        {"kind": Kind.LETTER},
        {"instance": bytes(16)},
        {"thread": bytes(16)},
        {"object": bytes(16)},
        {"rosters": {}},
        {"rosters": {7: bytes(32)}},
        {"rosters": {8: bytes(range(32))}},
        {"rosters": {7: b""}},
    ],
    ids="-".join,
)
def test_what_is_not_expected_is_not_opened(newsroom: Newsroom, change: dict[str, object]) -> None:
    header, payload = newsroom.seal(b"a report")
    expected: Expected = replace(newsroom.expected, **change)  # type: ignore[arg-type]  # one field a case
    with pytest.raises(SealError) as caught:
        newsroom.open(header, payload, expected=expected)
    assert caught.value.code == "binding"


def test_a_header_of_another_object_does_not_open_this_payload(newsroom: Newsroom) -> None:
    first_header, first_payload = newsroom.seal(b"a report")
    second_header, second_payload = newsroom.seal(b"a report")
    for header, payload in ((first_header, second_payload), (second_header, first_payload)):
        with pytest.raises(SealError) as caught:
            newsroom.open(header, payload)
        assert caught.value.code == "payload"


def test_a_rebuilt_header_opens_the_old_payload_for_the_new_recipients_only(newsroom: Newsroom) -> None:
    header, payload = newsroom.seal(b"a report")
    rebuilt = build_header(open_header(header, [newsroom.first]), [newsroom.stranger.recipient])
    with newsroom.open(rebuilt, payload, identity=newsroom.stranger) as envelope:
        assert envelope.read_part(0, 100) == b"a report"
    with pytest.raises(NotARecipient):
        newsroom.open(rebuilt, payload, identity=newsroom.first)


@pytest.fixture(scope="module")
def sealed(newsroom: Newsroom) -> tuple[bytes, bytes]:
    return newsroom.seal(TEXTS[3], TEXTS[4])


@settings(max_examples=120, deadline=None)
@given(place=st.integers(0), bit=st.integers(0, 7))
def test_a_flipped_bit_anywhere_is_refused(
    newsroom: Newsroom, sealed: tuple[bytes, bytes], place: int, bit: int
) -> None:
    header, payload = sealed
    altered = bytearray(header + payload)
    altered[place % len(altered)] ^= 1 << bit
    with pytest.raises(SealError):
        newsroom.open(bytes(altered[: len(header)]), bytes(altered[len(header) :])).verify()


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_a_payload_that_was_cut_or_added_to_is_refused_before_a_byte_is_given_out(
    newsroom: Newsroom, sealed: tuple[bytes, bytes], data: st.DataObject
) -> None:
    header, payload = sealed
    start = data.draw(st.integers(0, len(payload)))
    end = data.draw(st.integers(start, len(payload)))
    altered = payload[:start] + data.draw(st.binary(max_size=20)) + payload[end:]
    if len(altered) != len(payload):
        with pytest.raises(SealError):
            newsroom.open(header, altered)


@settings(max_examples=100, deadline=None)
@given(
    header=st.binary(max_size=200),
    payload=st.binary(max_size=200),
    which=st.sampled_from(["header", "payload", "both"]),
)
def test_arbitrary_bytes_raise_only_our_error(
    newsroom: Newsroom, sealed: tuple[bytes, bytes], header: bytes, payload: bytes, which: str
) -> None:
    true_header, true_payload = sealed
    with pytest.raises(SealError):
        newsroom.open(
            true_header if which == "p" else header,
            true_payload if which == "h" else payload,
        )


@settings(max_examples=200, deadline=None)
@given(
    untrusted=st.one_of(st.binary(max_size=200), st.binary(min_size=101, max_size=101).map(b"fieldreport/v1\n".__add__))
)
def test_arbitrary_inner_headers_raise_only_our_error_or_read_the_same(untrusted: bytes) -> None:
    try:
        inner = InnerHeader.parse(untrusted)
    except SealError:
        return
    assert inner.encode() == untrusted


KEYS = st.sampled_from(["fields", "hour", "parts", "length", "name", "removed", "sha256", "type"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["fields", "hour", "parts", "length", "name", "removed", "sha256", "type"]), inner
        )
    ),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(untrusted=st.one_of(st.binary(max_size=100), JSON.map(canonical.encode)))
def test_arbitrary_manifests_raise_only_our_errors_or_read_the_same(untrusted: bytes) -> None:
    try:
        manifest = Manifest.parse(untrusted)
    except (SealError, LimitExceeded):
        return
    assert manifest.encode() == untrusted


def test_a_part_is_read_at_any_position_and_not_beyond(newsroom: Newsroom) -> None:
    header, payload = newsroom.seal(b"before", TEXTS[4], b"behind")
    model = io.BytesIO(TEXTS[4])
    draw = random.Random(5)
    with newsroom.open(header, payload) as envelope, envelope.open_part(1) as part:
        for _ in range(100):
            position, size = draw.randrange(len(TEXTS[4]) + 100), draw.randrange(100_000)
            assert part.seek(position) == model.seek(position)
            assert part.read(size) == model.read(size)
        assert part.seek(-3, os.SEEK_END) == len(TEXTS[4]) - 3
        assert part.read() == TEXTS[4][-3:]
        assert part.readable()
        assert not part.writable()


def test_threads_may_read_parts_of_one_envelope_at_once(newsroom: Newsroom) -> None:
    contents = [random.Random(number).randbytes(5 * CHUNK) for number in range(4)]
    header, payload = newsroom.seal(*contents)
    with newsroom.open(header, payload) as envelope, ThreadPoolExecutor(4) as pool:
        start = threading.Barrier(4)

        def read(number: int) -> bytes:
            start.wait()
            with envelope.open_part(number) as part:
                return b"".join(iter(lambda: part.read(10_000), b""))

        assert list(pool.map(read, range(4))) == contents


def test_a_part_that_is_too_large_to_show_is_not_read(newsroom: Newsroom) -> None:
    header, payload = newsroom.seal(b"12345")
    with newsroom.open(header, payload) as envelope:
        assert envelope.read_part(0, 5) == b"12345"
        with pytest.raises(LimitExceeded):
            envelope.read_part(0, 4)


@pytest.mark.parametrize("number", [-1, 1, 1000])
def test_a_part_that_is_not_there_is_not_found(newsroom: Newsroom, number: int) -> None:
    header, payload = newsroom.seal(b"12345")
    with newsroom.open(header, payload) as envelope:
        with pytest.raises(NotFound):
            envelope.open_part(number)
        with pytest.raises(NotFound):
            envelope.read_part(number, 10)


def test_a_closed_envelope_gives_nothing(newsroom: Newsroom) -> None:
    header, payload = newsroom.seal(b"12345")
    envelope = newsroom.open(header, payload)
    part = envelope.open_part(0)
    envelope.close()
    with pytest.raises(ValueError, match="closed"):
        part.read()
    with pytest.raises(ValueError, match="closed"):
        envelope.verify()


def test_equal_texts_are_not_equal_when_sealed_and_short_ones_are_of_one_size(newsroom: Newsroom) -> None:
    objects = [newsroom.seal(text) for text in (b"yes", b"yes", b"a long story " * 1000)]
    assert len({payload for _, payload in objects}) == 3
    assert len({header for header, _ in objects}) == 3
    assert {(len(header), len(payload)) for header, payload in objects} == {(len(objects[0][0]), 16_384 + 32)}


class Zeros(io.RawIOBase):
    """So many zero bytes, none of them in memory."""

    def __init__(self, length: int) -> None:
        self.left = self.length = length

    @override
    def seek(self, offset: int, whence: int = 0, /) -> int:
        self.left = self.length - offset
        return offset

    @override
    def readinto(self, buffer: Buffer, /) -> int:
        view = memoryview(buffer).cast("B")
        count = min(len(view), self.left)
        view[:count] = bytes(count)
        self.left -= count
        return count


class Sink(io.RawIOBase):
    @override
    def write(self, data: Buffer, /) -> int:
        return len(memoryview(data))


def test_memory_stays_flat_whatever_the_size(newsroom: Newsroom, tmp_path: Path) -> None:
    size = 24 << 20
    digest = hashlib.sha256(bytes(size)).digest()
    with (tmp_path / "payload").open("w+b", buffering=0) as payload:
        tracemalloc.start()
        header, _ = seal_parts(newsroom, sealed_part(Zeros(size), size, sha256=digest), to=payload)
        with open_envelope(
            header,
            payload,
            identities=[newsroom.first],
            expected=newsroom.expected,
        ) as envelope:
            assert envelope.verify()
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 3 << 20


@pytest.mark.parametrize("length", [(1 << 20) - 1, 1 << 20, (5 << 20) + 77])
def test_large_parts_are_hashed_right_beside_the_reading(newsroom: Newsroom, length: int) -> None:
    content = random.Random(length).randbytes(length)
    header, payload = newsroom.seal(content, b"behind")
    for _ in range(3):  # two threads share the buffers
        with newsroom.open(header, payload) as envelope:
            assert envelope.manifest.parts[0].sha256 == hashlib.sha256(content).digest()
            assert envelope.verify()
            assert envelope.read_part(0, length) == content


def test_the_parts_come_out_of_encrypted_temporary_files(newsroom: Newsroom, tmp_path: Path) -> None:
    with Scratch(tmp_path) as source:
        source.write(TEXTS[4])  # and stays at its end: a part is read from its beginning
        header, payload = seal_parts(newsroom, sealed_part(source, source.size))
    with newsroom.open(header, payload) as envelope:
        assert envelope.read_part(0, 1 << 20) == TEXTS[4]


@pytest.mark.parametrize("length", [0, 4, 6, 100_000])
@pytest.mark.parametrize("sha256", [None, bytes(32)])
def test_a_source_that_is_not_as_long_as_was_said_is_refused(
    newsroom: Newsroom, length: int, sha256: bytes | None
) -> None:
    payload = io.BytesIO()
    with pytest.raises(SealError) as caught:
        seal_parts(newsroom, sealed_part(io.BytesIO(b"12345"), length, sha256=sha256), to=payload)
    assert caught.value.code == "part-source"


def test_what_an_interrupted_sealing_leaves_is_refused(newsroom: Newsroom) -> None:
    """The header is not returned then; even with one, the payload never opens."""

    class Failing(Zeros):
        @override
        def readinto(self, buffer: Buffer, /) -> int:
            if self.left < CHUNK:
                raise OSError("the disk is gone")
            return super().readinto(buffer)

    payload = io.BytesIO()
    with pytest.raises(OSError, match="gone"):
        seal_parts(newsroom, sealed_part(Failing(20 * CHUNK), 20 * CHUNK, sha256=bytes(32)), to=payload)
    header, _ = newsroom.seal(b"")
    with pytest.raises(SealError):
        newsroom.open(header, payload.getvalue())


def test_a_hash_that_was_said_wrongly_is_found_when_it_is_verified(newsroom: Newsroom) -> None:
    header, payload = seal_parts(newsroom, sealed_part(io.BytesIO(b"12345"), 5, sha256=bytes(32)))
    with newsroom.open(header, payload) as envelope:
        for use in (envelope.verify, lambda: envelope.read_part(0, 10)):
            with pytest.raises(SealError) as caught:
                use()
            assert caught.value.code == "part"


@pytest.mark.parametrize(
    "change",
    [
        {"name": ""},
        {"name": "../up.txt"},
        {"name": "отчёт.txt"},
        {"media_type": "video"},
        {"length": -1},
        {"sha256": b"short"},
        {"removed": ("Author",)},
        {"removed": ("author", "author")},
    ],
    ids="-".join,
)
def test_what_a_reader_would_refuse_is_not_sealed(newsroom: Newsroom, change: dict[str, object]) -> None:
    payload = io.BytesIO()
    with pytest.raises(SealError) as caught:
        seal_parts(newsroom, replace(sealed_part(io.BytesIO(b""), 0), **change), to=payload)  # type: ignore[arg-type]  # one field a case
    assert caught.value.code == "manifest"
    assert payload.getvalue() == b""


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"Where": ""}, SealError),
        ({"where": "\ud800"}, SealError),
        ({"where": "x" * limits.MANIFEST_BYTES}, LimitExceeded),
        ({f"a{number}": "" for number in range(65)}, LimitExceeded),
    ],
)
def test_fields_that_no_manifest_holds_are_not_sealed(
    newsroom: Newsroom, fields: dict[str, str], error: type[FieldreportError]
) -> None:
    payload = io.BytesIO()
    with pytest.raises(error) as caught:
        seal_envelope(
            newsroom.binding, hour=1, fields=fields, parts=[], recipients=[newsroom.first.recipient], payload_to=payload
        )
    assert caught.value.code == "manifest"
    assert payload.getvalue() == b""


def test_too_many_parts_are_not_sealed(newsroom: Newsroom) -> None:
    parts = [sealed_part(io.BytesIO(), 0, name=f"{number}.txt") for number in range(limits.PARTS + 1)]
    with pytest.raises(LimitExceeded):
        seal_parts(newsroom, *parts)


def test_nothing_is_sealed_to_nobody(newsroom: Newsroom) -> None:
    payload = io.BytesIO()
    with pytest.raises(SealError) as caught:
        seal_envelope(newsroom.binding, hour=1, fields={}, parts=[], recipients=[], payload_to=payload)
    assert caught.value.code == "recipients"
    assert payload.getvalue() == b""


@pytest.mark.parametrize(
    "change",
    [{"roster": b""}, {"instance": bytes(15)}, {"thread": bytes(17)}, {"object": b""}, {"epoch": -1}, {"epoch": 2**63}],
    ids="-".join,
)
def test_a_binding_has_fields_of_fixed_length(newsroom: Newsroom, change: dict[str, object]) -> None:
    with pytest.raises(SealError) as caught:
        replace(newsroom.binding, **change)  # type: ignore[arg-type]  # one field a case
    assert caught.value.code == "binding"


def test_what_was_typed_is_not_in_a_repr(newsroom: Newsroom) -> None:
    part = Part(name="report.txt", media_type="text/plain", length=1, sha256=bytes(32))
    manifest = Manifest(hour=1, fields={"protect": "Hyesan"}, parts=(part,))
    assert "Hyesan" not in repr(manifest)
    assert "BytesIO" not in repr(sealed_part(io.BytesIO(b"Hyesan"), 6))
    with pytest.raises(TypeError):
        manifest.fields["protect"] = ""  # type: ignore[index]  # which is the point
    assert isinstance(newsroom.binding, Binding)


def test_errors_hold_no_content(newsroom: Newsroom) -> None:
    for fields in ({"where": "Hyesan\ud800"}, {"Hyesan!": ""}):
        with pytest.raises(SealError) as caught:
            seal_envelope(
                newsroom.binding,
                hour=1,
                fields=fields,
                parts=[],
                recipients=[newsroom.first.recipient],
                payload_to=io.BytesIO(),
            )
        chain = [caught.value, caught.value.__context__]
        assert "Hyesan" not in caught.value.text + caught.value.detail
        assert all(error is None or caught.value.__suppress_context__ or "Hyesan" not in str(error) for error in chain)


def test_a_file_key_opens_its_object_behind_a_header_that_fits_it_and_no_other(newsroom: Newsroom) -> None:
    header, payload = newsroom.seal(b"a report")
    key = open_header(header, [newsroom.first])
    with open_with_file_key(io.BytesIO(header + payload), key, expected=newsroom.expected) as envelope:
        assert envelope.read_part(0, 100) == b"a report"
    of_another = build_header(bytes(16), [newsroom.first.recipient])
    with pytest.raises(SealError) as refused:
        open_with_file_key(io.BytesIO(of_another + payload), key, expected=newsroom.expected)
    assert refused.value.code == "header-mac"


def test_without_a_key_the_form_of_a_sealed_object_is_checked(newsroom: Newsroom) -> None:
    header, payload = newsroom.seal(b"a report")
    assert check_sealed_form(io.BytesIO(header + payload)) == 2
    for_others = header.replace(HYBRID.encode(), b"example.com/other")
    unpadded = io.BytesIO()
    writer = PayloadWriter(b"sixteen byte key", unpadded)
    writer.write(b"a report")
    writer.close()
    for form in (for_others + payload, header + unpadded.getvalue()):
        with pytest.raises(SealError) as refused:
            check_sealed_form(io.BytesIO(form))
        assert refused.value.code == "payload"


def open_offline(newsroom: Newsroom, binding: Binding, expected: ExpectedOffline) -> bytes:
    header, payload = newsroom.seal(b"a report", binding=binding)
    file = io.BytesIO(header + payload)
    with open_sealed_file(file, identities=[newsroom.first], expected=expected) as envelope:
        return envelope.read_part(0, 100)


@pytest.mark.parametrize(
    "known",
    [
        ExpectedOffline(instance=bytes(16)),
        ExpectedOffline(object=bytes(16)),
        ExpectedOffline(epoch=8),
        ExpectedOffline(rosters={7: bytes(32)}),
        ExpectedOffline(rosters={6: ROSTER}),
    ],
    ids=["instance", "object", "epoch", "roster", "unknown-epoch"],
)
def test_what_a_reader_offline_knows_is_compared(newsroom: Newsroom, known: ExpectedOffline) -> None:
    assert open_offline(newsroom, newsroom.binding, ExpectedOffline()) == b"a report"
    with pytest.raises(SealError) as refused:
        open_offline(newsroom, newsroom.binding, known)
    assert refused.value.code == "binding"


def test_a_letter_is_its_own_thread_for_a_reader_offline(newsroom: Newsroom) -> None:
    letter = replace(newsroom.binding, kind=Kind.LETTER)
    assert open_offline(newsroom, replace(letter, thread=OBJECT), ExpectedOffline()) == b"a report"
    with pytest.raises(SealError) as refused:
        open_offline(newsroom, letter, ExpectedOffline())
    assert refused.value.code == "binding"
