"""The payload: what was sealed comes back from any position; what was altered, cut, appended or moved does not."""

from __future__ import annotations

import io
import os
import random
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typing_extensions import override

from fieldreport import limits
from fieldreport.errors import SealError
from fieldreport.seal.stream import PayloadReader, PayloadWriter, plaintext_size, sealed_size

FILE_KEY = b"sixteen byte key"
CHUNK = 64 * 1024
SEALED = CHUNK + 16
# Zero, one, and around the borders of one, two, four and eight chunks: the last are where the writer's buffers turn.
LENGTHS = [0, 1, 15, 16, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 4 * CHUNK - 1, 4 * CHUNK, 4 * CHUNK + 1, 8 * CHUNK + 1]


def content(length: int) -> bytes:
    return random.Random(length).randbytes(length)


def seal(plain: bytes, *, pieces: int = 0, length: int | None = None) -> bytes:
    destination = io.BytesIO()
    writer = PayloadWriter(FILE_KEY, destination, length=length)
    for start in range(0, len(plain), pieces or max(1, len(plain))):
        piece = plain[start : start + pieces] if pieces else plain
        assert writer.write(piece) == len(piece)
    writer.close()
    return destination.getvalue()


def read(sealed: bytes) -> bytes:
    return PayloadReader(FILE_KEY, io.BytesIO(sealed), len(sealed)).read()


@pytest.fixture(scope="module")
def three_chunks() -> bytes:
    return seal(content(2 * CHUNK + 1000))


@pytest.mark.parametrize("length", LENGTHS)
def test_what_was_sealed_comes_back(length: int) -> None:
    sealed = seal(content(length))
    assert len(sealed) == sealed_size(length)
    assert plaintext_size(len(sealed)) == length
    assert read(sealed) == content(length)
    assert PayloadReader(FILE_KEY, io.BytesIO(sealed), len(sealed)).verify()


@pytest.mark.parametrize("pieces", [1, 999, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK])
@pytest.mark.parametrize("told", [True, False])
def test_it_does_not_matter_in_what_pieces_it_was_written(pieces: int, told: bool) -> None:  # noqa: FBT001 - a parameter
    length = 4000 if pieces == 1 else 5 * CHUNK + 77
    assert read(seal(content(length), pieces=pieces, length=length if told else None)) == content(length)


def test_more_may_come_than_was_said() -> None:
    assert read(seal(content(3 * CHUNK), length=10)) == content(3 * CHUNK)


def test_two_payloads_under_one_key_differ_from_the_first_byte() -> None:
    assert seal(b"x" * 100)[:16] != seal(b"x" * 100)[:16]


@settings(max_examples=60, deadline=None)
@given(length=st.integers(0, 1 << 40))
def test_a_size_and_its_length_belong_together(length: int) -> None:
    assert plaintext_size(sealed_size(length)) == length


@pytest.mark.parametrize(
    "size", [0, 15, 16, 31, 16 + SEALED + 1, 16 + SEALED + 15, 16 + SEALED + 16, 16 + 2 * SEALED + 16]
)
def test_an_impossible_size_is_refused(size: int) -> None:
    with pytest.raises(SealError):
        plaintext_size(size)
    with pytest.raises(SealError):
        PayloadReader(FILE_KEY, io.BytesIO(bytes(size)), size)


@settings(max_examples=40, deadline=None)
@given(
    reads=st.lists(st.tuples(st.sampled_from([0, 1, 2]), st.integers(-200_000, 200_000), st.integers(-1, 150_000))),
)
def test_it_reads_at_any_position_like_a_file_in_memory(reads: list[tuple[int, int, int]], three_chunks: bytes) -> None:
    model = io.BytesIO(content(2 * CHUNK + 1000))
    reader = PayloadReader(FILE_KEY, io.BytesIO(three_chunks), len(three_chunks))
    for whence, offset, size in reads:
        origin = (0, model.tell(), len(model.getvalue()))[whence]
        if origin + offset < 0:
            with pytest.raises(OSError, match="seek"):
                reader.seek(offset, whence)
        else:
            assert reader.seek(offset, whence) == model.seek(origin + offset)
        assert reader.read(size) == model.read(size)
        assert reader.tell() == model.tell()


@settings(max_examples=60, deadline=None)
@given(place=st.integers(0), bit=st.integers(0, 7))
def test_a_flipped_bit_is_refused_before_a_byte_of_its_chunk_is_given_out(
    place: int, bit: int, three_chunks: bytes
) -> None:
    place %= len(three_chunks)
    altered = bytearray(three_chunks)
    altered[place] ^= 1 << bit
    number = (place - 16) // SEALED
    if place < 16 or number == 2:
        with pytest.raises(SealError):
            PayloadReader(FILE_KEY, io.BytesIO(altered), len(altered))
        return
    reader = PayloadReader(FILE_KEY, io.BytesIO(altered), len(altered))
    target = bytearray(CHUNK)
    reader.seek(number * CHUNK)
    with pytest.raises(SealError):
        reader.readinto(target)
    assert target == bytes(CHUNK)
    with pytest.raises(SealError):
        reader.verify()
    reader.seek((1 - number) * CHUNK)  # the other chunk is what it was
    assert reader.read(CHUNK) == content(2 * CHUNK + 1000)[(1 - number) * CHUNK :][:CHUNK]


@settings(max_examples=40, deadline=None)
@given(cut=st.integers(1))
def test_a_cut_is_refused_at_once(cut: int, three_chunks: bytes) -> None:
    shortened = three_chunks[: -(1 + cut % len(three_chunks))]
    with pytest.raises(SealError):
        PayloadReader(FILE_KEY, io.BytesIO(shortened), len(shortened))


@pytest.mark.parametrize("chunks", [1, 2])
def test_a_cut_at_a_chunks_end_is_refused_at_once(chunks: int, three_chunks: bytes) -> None:
    shortened = three_chunks[: 16 + chunks * SEALED]
    with pytest.raises(SealError):
        PayloadReader(FILE_KEY, io.BytesIO(shortened), len(shortened))


@settings(max_examples=30, deadline=None)
@given(appended=st.binary(min_size=1, max_size=200))
def test_what_was_appended_is_refused_at_once(appended: bytes, three_chunks: bytes) -> None:
    with pytest.raises(SealError):
        PayloadReader(FILE_KEY, io.BytesIO(three_chunks + appended), len(three_chunks + appended))


def test_an_empty_final_chunk_behind_others_is_refused() -> None:
    sealed = seal(content(2 * CHUNK))
    with pytest.raises(SealError):
        PayloadReader(FILE_KEY, io.BytesIO(sealed + bytes(16)), len(sealed) + 16)


def chunks_of(sealed: bytes) -> tuple[bytes, list[bytes]]:
    return sealed[:16], [sealed[start : start + SEALED] for start in range(16, len(sealed), SEALED)]


def test_chunks_that_changed_places_are_refused() -> None:
    nonce, (first, second, third, fourth) = chunks_of(seal(content(4 * CHUNK)))
    for order in ([second, first, third, fourth], [first, first, third, fourth], [first, third, second, fourth]):
        altered = nonce + b"".join(order)
        with pytest.raises(SealError):
            read(altered)
    for order in ([first, second, fourth, third], [first, second, fourth], [fourth, first, second, third], [third]):
        altered = nonce + b"".join(order)
        with pytest.raises(SealError):
            PayloadReader(FILE_KEY, io.BytesIO(altered), len(altered))


def test_a_chunk_of_another_payload_under_the_same_key_is_refused() -> None:
    nonce, (first, *_) = chunks_of(seal(content(2 * CHUNK)))
    _, (_, second) = chunks_of(seal(content(2 * CHUNK)))
    with pytest.raises(SealError):
        read(nonce + first + second)


def test_a_closed_reader_gives_nothing_more(three_chunks: bytes) -> None:
    reader, target = PayloadReader(FILE_KEY, io.BytesIO(three_chunks), len(three_chunks)), bytearray(10)
    assert reader.readinto_at(0, memoryview(target)) == 10
    reader.close()
    with pytest.raises(ValueError, match="closed"):
        reader.readinto_at(0, memoryview(target))
    with pytest.raises(ValueError, match="closed"):
        reader.verify()


def test_another_file_key_opens_nothing(three_chunks: bytes) -> None:
    with pytest.raises(SealError):
        PayloadReader(b"another file key", io.BytesIO(three_chunks), len(three_chunks))
    for length in (15, 17):
        with pytest.raises(SealError):
            PayloadReader(bytes(length), io.BytesIO(three_chunks), len(three_chunks))
        with pytest.raises(SealError):
            PayloadWriter(bytes(length), io.BytesIO())


def test_a_source_that_is_shorter_than_it_was_said_is_refused(three_chunks: bytes) -> None:
    with pytest.raises(SealError):
        PayloadReader(FILE_KEY, io.BytesIO(three_chunks[:-1]), len(three_chunks))
    source = io.BytesIO(three_chunks)
    reader = PayloadReader(FILE_KEY, source, len(three_chunks))
    source.truncate(16 + 10)
    with pytest.raises(SealError):
        reader.read()


def test_a_payload_may_begin_anywhere_in_its_file(three_chunks: bytes) -> None:
    source = io.BytesIO(b"header" + three_chunks)
    assert PayloadReader(FILE_KEY, source, len(three_chunks), offset=6).read() == content(2 * CHUNK + 1000)


def test_a_writer_that_was_not_closed_leaves_nothing_that_opens() -> None:
    for length in LENGTHS:
        destination = io.BytesIO()
        writer = PayloadWriter(FILE_KEY, destination)
        writer.write(content(length))
        writer.discard()
        del writer
        with pytest.raises(SealError):
            PayloadReader(FILE_KEY, destination, len(destination.getvalue()))


def test_after_the_end_nothing_can_be_written() -> None:
    destination = io.BytesIO()
    writer = PayloadWriter(FILE_KEY, destination)
    writer.close()
    writer.close()
    assert len(destination.getvalue()) == 32
    with pytest.raises(ValueError, match="complete"):
        writer.write(b"x")


def test_a_payload_whose_end_was_sealed_as_a_middle_is_not_called_complete() -> None:
    sealed = io.BytesIO()
    writer = PayloadWriter(bytes(16), sealed)
    writer.write(bytes(4 * limits.CHUNK_BYTES))
    writer.space()
    with pytest.raises(ValueError, match="as if another followed"):
        writer.close()


def test_more_than_the_space_cannot_be_claimed() -> None:
    writer = PayloadWriter(FILE_KEY, io.BytesIO(), length=10)
    for count in (len(writer.space()) + 1, -1):
        with pytest.raises(ValueError, match="space"):
            writer.advance(count)


class Grudging(io.RawIOBase):
    """A file that takes and gives at most 1,000 bytes at once, as pipes and sockets do."""

    def __init__(self, content: bytes = b"") -> None:
        self.inner = io.BytesIO(content)

    @override
    def write(self, data: memoryview, /) -> int:  # type: ignore[override]  # narrower is enough here
        return self.inner.write(data[:1000])

    @override
    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]  # narrower is enough here
        return self.inner.readinto(buffer[:1000])

    @override
    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self.inner.seek(offset, whence)


def test_files_that_take_and_give_little_at_once_are_served() -> None:
    destination = Grudging()
    writer = PayloadWriter(FILE_KEY, cast("io.BytesIO", destination))
    writer.write(content(CHUNK + 5))
    writer.close()
    sealed = destination.inner.getvalue()
    assert PayloadReader(FILE_KEY, cast("io.BytesIO", Grudging(sealed)), len(sealed)).read() == content(CHUNK + 5)


def test_a_destination_that_takes_nothing_is_an_error() -> None:
    class Refusing(io.BytesIO):
        @override
        def write(self, data: object, /) -> int:
            return 0

    with pytest.raises(SealError) as caught:
        PayloadWriter(FILE_KEY, Refusing())
    assert caught.value.code == "destination"


def test_closing_wipes_the_plaintext(three_chunks: bytes) -> None:
    reader = PayloadReader(FILE_KEY, io.BytesIO(three_chunks), len(three_chunks))
    reader.read(10)
    held = reader._plain
    assert any(held)
    reader.close()
    assert not any(held)
    with pytest.raises(ValueError, match="closed"):
        reader.read(1)
    writer = PayloadWriter(FILE_KEY, io.BytesIO())
    writer.write(content(5 * CHUNK))
    held = writer._plain
    assert any(held)
    writer.close()
    assert not any(held)


@settings(max_examples=100, deadline=None)
@given(untrusted=st.binary(max_size=300))
def test_arbitrary_bytes_raise_only_our_error(untrusted: bytes) -> None:
    with pytest.raises(SealError):
        PayloadReader(FILE_KEY, io.BytesIO(untrusted), len(untrusted))


def test_a_position_far_behind_the_end_gives_nothing(three_chunks: bytes) -> None:
    reader = PayloadReader(FILE_KEY, io.BytesIO(three_chunks), len(three_chunks))
    reader.seek(1 << 50)
    assert reader.read() == b""
    assert reader.read(os.sysconf("SC_PAGESIZE") << 40) == b""  # and allocates nothing for it
