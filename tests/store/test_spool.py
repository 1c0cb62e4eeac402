"""Small payloads end in the row, large ones in a blob; what no row names is deleted, unless a commit is in doubt."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest

from fieldreport import limits
from fieldreport.errors import Conflict, LimitExceeded, StoreError
from fieldreport.store import FileBlobs, revealed, spooled


@pytest.fixture
def blobs(tmp_path: Path) -> FileBlobs:
    return FileBlobs(tmp_path / "blobs")


def sealing(size: int) -> Callable[[BinaryIO], bytes]:
    def seal(payload: BinaryIO) -> bytes:
        payload.writelines(bytes([7]) * min(1000, size - start) for start in range(0, size, 1000))
        return b"header"

    return seal


@pytest.mark.parametrize("size", [0, 1, limits.INLINE_PAYLOAD_BYTES])
def test_a_small_payload_stays_in_memory(blobs: FileBlobs, size: int) -> None:
    with spooled(blobs, sealing(size)) as stored:
        assert revealed(blobs.row_keys, stored.header.slot, stored.header.hidden) == b"header"
        assert (stored.payload, stored.blob) == (bytes([7]) * size, None)
        assert stored.size == size
    assert list(blobs.names()) == []


@pytest.mark.parametrize("size", [limits.INLINE_PAYLOAD_BYTES + 1, 300_000])
def test_a_large_payload_becomes_a_blob(blobs: FileBlobs, size: int) -> None:
    with spooled(blobs, sealing(size)) as stored:
        assert stored.payload is None
        assert stored.blob is not None
        assert stored.size == size
        with blobs.open(stored.blob) as file:
            assert file.read() == bytes([7]) * size
        stored.keep()
    assert list(blobs.names()) == [stored.blob]


def test_what_was_not_kept_is_deleted(blobs: FileBlobs) -> None:
    with spooled(blobs, sealing(100_000)):
        pass
    with pytest.raises(Conflict), spooled(blobs, sealing(100_000)):
        raise Conflict("somebody was faster")
    assert list(blobs.names()) == []


def test_what_was_not_kept_leaves_no_note_of_a_key(blobs: FileBlobs) -> None:
    with spooled(blobs, sealing(100)) as stored:
        pass
    assert not blobs.row_keys.noted()
    assert blobs.row_keys.get([stored.header.slot]) == [None]


def test_a_sealing_that_fails_leaves_nothing(blobs: FileBlobs) -> None:
    def seal(payload: BinaryIO) -> bytes:
        payload.write(bytes(200_000))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), spooled(blobs, seal):
        pass
    assert list(blobs.names()) == []


def test_when_a_commit_is_in_doubt_the_payload_stays(blobs: FileBlobs) -> None:
    """A connection may break before the answer to COMMIT is here: an orphan is better than a letter without a body."""
    with pytest.raises(StoreError), spooled(blobs, sealing(100_000)) as stored:
        raise StoreError("the database refused")
    assert list(blobs.names()) == [stored.blob]


def test_a_payload_over_the_bound_is_refused(blobs: FileBlobs) -> None:
    with pytest.raises(LimitExceeded), spooled(blobs, sealing(200_000), most_bytes=150_000):
        pass
    assert list(blobs.names()) == []
