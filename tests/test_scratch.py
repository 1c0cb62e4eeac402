"""The encrypted temporary file behaves like a file in memory, and leaves nothing readable on the disk."""

from __future__ import annotations

import io
import os
import pickle
import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fieldreport import limits
from fieldreport.errors import LimitExceeded, StoreError
from fieldreport.scratch import Scratch, ScratchShare

CHUNK = 64 * 1024
SLOT = 12 + CHUNK + 16
MARKER = b"the guard's name is on page four"

# Places and lengths around the borders of chunks, where mistakes are.
PLACES = st.builds(
    lambda chunk, shift: max(0, chunk * CHUNK + shift),
    st.integers(0, 4),
    st.one_of(st.integers(-3, 3), st.integers(-CHUNK, CHUNK)),
)
OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), PLACES),
        st.tuples(st.just("read"), PLACES),
        st.tuples(st.just("readinto"), PLACES),
        st.tuples(st.just("seek"), PLACES),
        st.tuples(st.just("truncate"), PLACES),
        st.tuples(st.just("share"), st.just(0)),
    ),
    max_size=25,
)


def raw_bytes(file: Scratch) -> bytes:
    """Return what lies on the disk."""
    return os.pread(file._fd, 1 << 26, 0)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(operations=OPERATIONS, seed=st.integers(0, 2**32))
def test_it_does_what_a_file_in_memory_does(tmp_path: Path, operations: list[tuple[str, int]], seed: int) -> None:
    draw = random.Random(seed)
    model = io.BytesIO()
    with Scratch(tmp_path) as file:
        for name, number in operations:
            match name:
                case "write":
                    data = draw.randbytes(number)
                    assert file.write(data) == model.write(data)
                case "read":
                    assert file.read(number) == model.read(number)
                case "readinto":
                    ours, theirs = bytearray(number), bytearray(number)
                    assert file.readinto(ours) == model.readinto(theirs)
                    assert ours == theirs
                case "seek":
                    assert file.seek(number) == model.seek(number)
                case "truncate":
                    # A BytesIO does not grow by truncating, a file on a disk does.
                    file.truncate(number)
                    model.truncate(number)
                    position = model.tell()
                    model.seek(0, io.SEEK_END)
                    model.write(bytes(max(0, number - model.tell())))
                    model.seek(position)
                case _:
                    file.share()
            assert file.tell() == model.tell()
            assert file.size == len(model.getvalue())
        file.seek(0)
        assert file.read() == model.getvalue()


def test_nothing_readable_is_on_the_disk(tmp_path: Path) -> None:
    with Scratch(tmp_path) as file:
        file.write(MARKER * 10_000)
        file.seek(100)
        file.write(MARKER)
        share = file.share()
        stored = raw_bytes(file)
        assert len(stored) == 5 * SLOT
        assert MARKER not in stored
        assert MARKER[:8] not in stored
        assert share.key not in stored
        assert list(tmp_path.iterdir()) == []


def test_the_file_has_no_name_where_the_disk_knows_no_nameless_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "O_TMPFILE", os.O_DIRECTORY | os.O_WRONLY)  # what such a disk answers to: EISDIR
    with Scratch(tmp_path) as file:
        file.write(MARKER)
        assert list(tmp_path.iterdir()) == []
        file.seek(0)
        assert file.read() == MARKER


def test_there_is_no_way_around_the_cipher(tmp_path: Path) -> None:
    with Scratch(tmp_path) as file:
        with pytest.raises(io.UnsupportedOperation):
            file.fileno()
        with pytest.raises(TypeError):
            pickle.dumps(file)
        assert "key" not in repr(file.share())


def test_a_chunk_is_never_written_twice_under_one_nonce(tmp_path: Path) -> None:
    nonces = set()
    with Scratch(tmp_path) as file:
        for _ in range(20):
            file.seek(0)
            file.write(b"x" * (2 * CHUNK))
            file.share()
            stored = raw_bytes(file)
            nonces |= {stored[:12], stored[SLOT : SLOT + 12]}
    assert len(nonces) == 40


def test_what_was_cut_off_does_not_come_back(tmp_path: Path) -> None:
    with Scratch(tmp_path) as file:
        file.write(MARKER * 5000)
        file.truncate(10)
        file.truncate(5 * CHUNK)
        file.seek(0)
        assert file.read() == MARKER[:10] + bytes(5 * CHUNK - 10)


@pytest.mark.parametrize("place", [0, 5, 11, 12, 500, SLOT - 1], ids=lambda place: f"byte-{place}")
def test_an_altered_chunk_is_refused(tmp_path: Path, place: int) -> None:
    with Scratch(tmp_path) as file:
        file.write(MARKER * 5000)
        share = file.share()
        byte = os.pread(share.fd, 1, SLOT + place)[0]
        os.pwrite(share.fd, bytes([byte ^ 1]), SLOT + place)
        reader = Scratch.adopt(ScratchShare(fd=os.dup(share.fd), key=share.key, size=share.size))
        with reader:
            assert reader.read(CHUNK) == (MARKER * 5000)[:CHUNK]
            target = bytearray(CHUNK)
            with pytest.raises(StoreError):
                reader.readinto(target)
            assert target == bytes(CHUNK)


def test_chunks_that_changed_places_are_refused(tmp_path: Path) -> None:
    with Scratch(tmp_path) as file:
        file.write(MARKER * 5000)
        share = file.share()
        first, second = os.pread(share.fd, SLOT, 0), os.pread(share.fd, SLOT, SLOT)
        os.pwrite(share.fd, second + first, 0)
        with (
            Scratch.adopt(ScratchShare(fd=os.dup(share.fd), key=share.key, size=share.size)) as reader,
            pytest.raises(StoreError),
        ):
            reader.read(1)


def test_a_size_that_was_made_up_is_refused(tmp_path: Path) -> None:
    with Scratch(tmp_path) as file:
        file.write(MARKER)
        share = file.share()
        for size in (-1, limits.SCRATCH_BYTES + 1):
            with pytest.raises(StoreError):
                Scratch.adopt(ScratchShare(fd=share.fd, key=share.key, size=size))
        with Scratch.adopt(ScratchShare(fd=os.dup(share.fd), key=share.key, size=CHUNK + 1)) as reader:
            assert reader.read(len(MARKER)) == MARKER
            reader.seek(CHUNK)
            with pytest.raises(StoreError):
                reader.read(1)


def test_it_is_read_only_unless_it_was_adopted_for_writing(tmp_path: Path) -> None:
    with Scratch(tmp_path) as file:
        file.write(MARKER)
        share = file.share()
        with Scratch.adopt(ScratchShare(fd=os.dup(share.fd), key=share.key, size=share.size)) as reader:
            assert not reader.writable()
            with pytest.raises(io.UnsupportedOperation):
                reader.write(b"x")
            with pytest.raises(io.UnsupportedOperation):
                reader.truncate(0)


_CHILD = """
import sys
from fieldreport.scratch import Scratch, ScratchShare
source_fd, target_fd, size = map(int, sys.argv[1:])
keys = sys.stdin.buffer.read()
source = Scratch.adopt(ScratchShare(fd=source_fd, key=keys[:32], size=size))
target = Scratch.adopt(ScratchShare(fd=target_fd, key=keys[32:], size=0), writable=True)
while block := source.read(100_000):
    target.write(block.upper())
print(target.share().size)
"""


def test_another_process_reads_one_file_and_writes_another(tmp_path: Path) -> None:
    with Scratch(tmp_path) as source, Scratch(tmp_path) as target:
        source.write(MARKER * 20_000)
        given_source, given_target = source.share(), target.share()
        child = subprocess.run(
            [sys.executable, "-c", _CHILD, str(given_source.fd), str(given_target.fd), str(given_source.size)],
            input=given_source.key + given_target.key,
            pass_fds=[given_source.fd, given_target.fd],
            capture_output=True,
            check=True,
        )
        back = ScratchShare(fd=os.dup(given_target.fd), key=given_target.key, size=int(child.stdout))
        with Scratch.adopt(back) as result:
            assert result.read() == MARKER.upper() * 20_000
        assert MARKER.upper() not in raw_bytes(target)


def test_a_forked_child_cannot_write_with_the_parents_counter(tmp_path: Path) -> None:
    with Scratch(tmp_path) as file:
        file.write(MARKER)
        child = os.fork()
        if child == 0:
            try:
                file.write(b"x" * CHUNK)
                file.flush()
            except StoreError:
                os._exit(7)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


def test_a_closed_file_is_closed_and_wiped(tmp_path: Path) -> None:
    file = Scratch(tmp_path)
    file.write(MARKER)
    chunk = file._cache[0].chunk
    assert bytes(chunk).startswith(MARKER)
    file.close()
    file.close()
    assert bytes(chunk) == bytes(CHUNK)
    for use in (file.read, file.tell, file.share, lambda: file.write(b""), lambda: file.seek(0)):
        with pytest.raises(ValueError, match="closed"):
            use()


@pytest.mark.parametrize(("offset", "whence"), [(-1, 0), (-5, 1), (-5, 2), (0, 9)])
def test_an_impossible_position_is_refused(tmp_path: Path, offset: int, whence: int) -> None:
    with Scratch(tmp_path) as file:
        file.write(b"abc")
        with pytest.raises(OSError, match="seek"):
            file.seek(offset, whence)
        assert file.tell() == 3


def test_it_does_not_grow_without_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SCRATCH_BYTES", 3 * CHUNK)
    with Scratch(tmp_path) as file:
        file.write(bytes(3 * CHUNK))
        with pytest.raises(LimitExceeded):
            file.write(b"x")
        with pytest.raises(LimitExceeded):
            file.truncate(3 * CHUNK + 1)
        with pytest.raises(OSError, match="invalid"):
            file.truncate(-1)
        assert file.size == 3 * CHUNK


def test_a_directory_that_is_not_there_is_an_error_of_ours(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as caught:
        Scratch(tmp_path / "nowhere")
    assert "ENOENT" in caught.value.detail
    assert str(tmp_path) not in str(caught.value) + caught.value.detail


def test_a_full_disk_is_an_error_of_ours(tmp_path: Path) -> None:
    with Path("/dev/full").open("r+b", buffering=0) as full:
        file = Scratch.adopt(ScratchShare(fd=os.dup(full.fileno()), key=bytes(32), size=0), writable=True)
        with pytest.raises(StoreError) as caught:
            file.write(bytes(CHUNK))
        assert "ENOSPC" in caught.value.detail
        file.close()
