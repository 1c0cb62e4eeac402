"""What every blob store promises, on a directory and on two S3 servers; and what the directory does to be durable."""

from __future__ import annotations

import base64
import os
import secrets
import shutil
import zlib
from pathlib import Path
from typing import Any

import pytest

from fieldreport.errors import NotFound, SettingsError, StoreError
from fieldreport.limits import MIB
from fieldreport.store import BlobStore, FileBlobs, Mark, must_store, open_blobs
from fieldreport.store.s3_blobs import S3Blobs
from tests.store.throwaway_s3 import S3Server


def store(blobs: BlobStore, content: bytes) -> str:
    with blobs.create() as writer:
        for start in range(0, len(content), 100_000):
            writer.write(content[start : start + 100_000])
        return writer.commit()


@pytest.mark.parametrize("size", [0, 1, 65_536, 9 * MIB + 1])
def test_what_was_put_is_what_is_read(blobs: BlobStore, size: int) -> None:
    content = os.urandom(size)
    name = store(blobs, content)
    with blobs.open(name) as file:
        assert file.read() == content
    assert blobs.size(name) == size


def test_it_reads_at_any_position(blobs: BlobStore) -> None:
    content = os.urandom(1_000_000)
    with blobs.open(store(blobs, content)) as file:
        for position in (999_990, 0, 500_000, 1_000_000, 3):
            file.seek(position)
            assert file.read(20) == content[position : position + 20]
        assert file.seek(0, os.SEEK_END) == len(content)


def test_nothing_is_kept_of_a_blob_that_was_not_committed(blobs: BlobStore) -> None:
    def fail() -> None:
        with blobs.create() as writer:
            writer.write(os.urandom(9 * MIB))
            _ = 1 // 0

    with pytest.raises(ZeroDivisionError):
        fail()
    with blobs.create() as writer:
        writer.write(b"forgotten")
    assert list(blobs.names()) == []


def test_deleting_is_final_and_may_be_repeated(blobs: BlobStore) -> None:
    name = store(blobs, b"x")
    blobs.delete(name)
    blobs.delete(name)
    with pytest.raises(NotFound):
        blobs.open(name)
    with pytest.raises(NotFound):
        blobs.size(name)


def test_names_are_random_and_say_nothing(blobs: BlobStore) -> None:
    names = [store(blobs, b"the same") for _ in range(20)]
    assert len(set(names)) == 20
    assert names != sorted(names)
    assert sorted(blobs.names()) == sorted(names)


def test_young_blobs_can_be_left_out(blobs: BlobStore) -> None:
    store(blobs, b"x")
    assert list(blobs.names(older_than_seconds=3600)) == []


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "A" * 32, "0" * 31, "0" * 32 + ".part.part"])
def test_a_name_that_is_none_of_ours_reaches_nothing(blobs: BlobStore, name: str) -> None:
    for act in (blobs.open, blobs.size, blobs.delete):
        with pytest.raises(NotFound):
            act(name)


def test_another_scheme_is_refused() -> None:
    with pytest.raises(SettingsError):
        open_blobs("ftp://somewhere/else")


# --- the directory ---


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "blobs"


def test_a_name_appears_only_when_every_byte_is_durable(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """write, fsync the file, rename, fsync the directory: in this order, with fdatasync on the way."""
    seen: list[str] = []
    real_fsync, real_fdatasync, real_rename = os.fsync, os.fdatasync, Path.rename

    def fsync(descriptor: int) -> None:
        seen.append("fsync directory" if Path(f"/proc/self/fd/{descriptor}").resolve() == directory else "fsync file")
        real_fsync(descriptor)

    def fdatasync(descriptor: int) -> None:
        seen.append("fdatasync")
        real_fdatasync(descriptor)

    def rename(path: Path, target: Path) -> Path:
        seen.append("rename")
        return real_rename(path, target)

    blobs = FileBlobs(directory)
    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "fdatasync", fdatasync)
    monkeypatch.setattr(Path, "rename", rename)
    store(blobs, bytes(33 * MIB))
    assert seen == ["fdatasync", "fdatasync", "fsync file", "rename", "fsync directory"]


def test_files_are_nobody_elses_and_carry_no_time(directory: Path) -> None:
    name = store(FileBlobs(directory), b"x")
    found = (directory / name).stat()
    assert found.st_mode & 0o077 == 0
    assert directory.stat().st_mode & 0o077 == 0
    assert found.st_mtime_ns == 0


def test_what_a_crash_left_half_written_is_listed_and_can_be_deleted(directory: Path) -> None:
    blobs = FileBlobs(directory)
    left = f"{secrets.token_hex(16)}.part"
    (directory / left).write_bytes(b"half")
    (directory / "README").write_bytes(b"not ours")
    assert list(blobs.names()) == [left]
    blobs.delete(left)
    assert list(blobs.names()) == []
    assert (directory / "README").exists()


def test_a_full_disk_is_one_clear_error_and_leaves_nothing(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blobs = FileBlobs(directory)

    def full(_descriptor: int, _data: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(StoreError) as caught:
        store(blobs, b"x")
    assert "No space" in caught.value.detail
    assert list(blobs.names()) == []


def test_a_directory_that_cannot_be_made_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError):
        FileBlobs(tmp_path / "file" / "blobs")


def test_a_directory_that_is_away_is_an_outage_and_no_missing_payload(directory: Path) -> None:
    blobs = FileBlobs(directory)
    name = store(blobs, b"x")
    directory.rename(directory.with_name("unmounted"))
    for act in (blobs.open, blobs.size, lambda _: blobs.create()):
        with pytest.raises(StoreError):
            act(name)
    directory.with_name("unmounted").rename(directory)
    assert blobs.size(name) == 1


@pytest.fixture
def mark(tmp_path: Path) -> Mark:
    return Mark(instance=b"i" * 16, known=tmp_path / "blobs.marked")


@pytest.mark.parametrize("below", ["an empty directory", "nothing", "another newsroom's", "a damaged mark"])
def test_a_volume_that_is_not_mounted_is_an_outage_whatever_lies_below_it(
    directory: Path, mark: Mark, below: str
) -> None:
    blobs = FileBlobs(directory, mark=mark)
    name = store(blobs, b"x")
    directory.rename(directory.with_name("unmounted"))
    if below != "nothing":
        directory.mkdir()
    if below.startswith("another"):
        FileBlobs(directory, mark=Mark(instance=b"o" * 16, known=mark.known.with_name("other")))
    if below == "a damaged mark":
        (directory / ".instance").write_bytes(b"\xa3\x00")
    for each in (blobs, FileBlobs(directory, mark=mark)):  # before a restart, and after it
        for act in (each.open, each.size, each.delete, lambda _, each=each: each.create()):
            with pytest.raises(StoreError):
                act(name)
        for look in (lambda each=each: list(each.names()), lambda each=each: each.level_times(hours=1)):
            with pytest.raises(StoreError):
                look()
        with pytest.raises(StoreError) as caught:
            must_store(each)
        assert "not mounted" in caught.value.detail
    if below == "an empty directory":
        assert list(directory.iterdir()) == []  # nothing is written where the volume would hide it
    shutil.rmtree(directory, ignore_errors=True)
    directory.with_name("unmounted").rename(directory)
    for each in (blobs, FileBlobs(directory, mark=mark)):
        assert each.size(name) == 1
        with pytest.raises(NotFound):
            each.size("0" * 32)


def test_a_directory_from_before_the_mark_is_marked_once(directory: Path, mark: Mark) -> None:
    name = store(FileBlobs(directory), b"x")
    assert FileBlobs(directory, mark=mark).size(name) == 1
    assert (directory / ".instance").read_text().strip() == mark.instance.hex()


# --- S3 ---


def test_every_piece_that_goes_to_a_server_carries_its_sum(s3_server: S3Server) -> None:
    blobs = open_blobs(s3_server.bucket())
    assert isinstance(blobs, S3Blobs)
    pieces: list[tuple[bytes, bytes]] = []

    def sent(request: Any, **_: object) -> None:
        if request.method == "PUT":
            body = request.body if isinstance(request.body, bytes) else request.body.getvalue()
            pieces.append((body, base64.b64decode(request.headers["x-amz-checksum-crc32"])))

    blobs._client.meta.events.register("before-send.s3", sent)
    large = os.urandom(9_000_000)
    for content in (b"small", large):
        with blobs.open(store(blobs, content)) as file:
            assert file.read() == content
    assert [len(body) for body, _ in pieces] == [5, 8 * MIB, len(large) - 8 * MIB]
    assert all(zlib.crc32(body).to_bytes(4) == summed for body, summed in pieces)


def test_a_bucket_that_is_away_is_an_outage_and_no_missing_payload(s3_server: S3Server) -> None:
    client, url = s3_server.client(), s3_server.bucket()
    bucket, blobs = url.removeprefix("s3://").partition("/")[0], open_blobs(url)
    name = store(blobs, b"x")
    with blobs.open(name) as file:
        client.delete_object(Bucket=bucket, Key=f"desk/{name}")
        with pytest.raises(NotFound):
            file.read()
        client.delete_bucket(Bucket=bucket)
        with pytest.raises(StoreError):
            file.read()
    for act in (blobs.open, blobs.size, blobs.delete):
        with pytest.raises(StoreError):
            act(name)
