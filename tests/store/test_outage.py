"""Stores that are killed, frozen, full or missing: an answer in five seconds, one line of log, and back by itself."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from fieldreport.errors import NotFound, StoreAway, StoreError
from fieldreport.store import BlobStore, FileBlobs, open_blobs, open_engine, reading, writing
from tests.eventually import eventually
from tests.store.throwaway_postgres import Faulty, fresh_database
from tests.store.throwaway_s3 import S3Server

WITHIN = 5.0


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "fieldreport.store.outage"]


@pytest.fixture
def postgres(faulty: Faulty) -> Iterator[Engine]:
    """An engine with a connection that has been used, on a table of numbers."""
    engine = open_engine(fresh_database(home=faulty.home))
    with writing(engine) as session:
        session.execute(text("CREATE TABLE numbers (number INTEGER PRIMARY KEY)"))
    yield engine
    engine.dispose()


def insert(engine: Engine, number: int) -> None:
    with writing(engine) as session:
        session.execute(text("INSERT INTO numbers VALUES (:number)"), {"number": number})


def count(engine: Engine) -> int:
    with reading(engine) as session:
        return int(session.execute(text("SELECT count(*) FROM numbers")).scalar_one())


@pytest.mark.postgres
def test_a_frozen_database_is_given_up_in_time_and_named_once(
    faulty: Faulty, postgres: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    insert(postgres, 1)
    faulty.freeze()
    began = time.monotonic()
    with pytest.raises(StoreAway, match="away") as refused:
        insert(postgres, 2)
    assert time.monotonic() - began < WITHIN
    assert "psql" in refused.value.detail
    began = time.monotonic()
    for _ in range(20):
        with pytest.raises(StoreAway):
            count(postgres)
    assert time.monotonic() - began < 0.5  # nobody else waits for it
    (line,) = lines(caplog)
    assert "the database does not work: postgresql://fieldreport@/" in line
    faulty.thaw()
    eventually(lambda: _works(postgres))
    insert(postgres, 3)
    assert count(postgres) == 2  # not the one that was given up
    assert [each.split(":")[0] for each in lines(caplog)] == ["the database does not work", "the database works again"]


def _works(engine: Engine) -> bool:
    try:
        count(engine)
    except StoreAway:
        return False
    return True


@pytest.mark.postgres
def test_a_database_that_freezes_within_a_transaction_is_given_up_too(faulty: Faulty, postgres: Engine) -> None:
    began = time.monotonic()

    def change() -> None:
        with writing(postgres) as session:
            session.execute(text("INSERT INTO numbers VALUES (1)"))
            faulty.freeze()
            session.execute(text("INSERT INTO numbers VALUES (2)"))

    with pytest.raises(StoreAway):
        change()
    assert time.monotonic() - began < WITHIN
    faulty.thaw()
    eventually(lambda: _works(postgres))
    assert count(postgres) == 0


@pytest.mark.postgres
def test_a_killed_database_is_away_at_once_and_back_when_it_runs(
    faulty: Faulty, postgres: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    insert(postgres, 1)
    faulty.kill()
    for _ in range(3):
        with pytest.raises(StoreAway):
            insert(postgres, 2)
    assert len(lines(caplog)) == 1
    faulty.restart()
    insert(postgres, 2)
    assert count(postgres) == 2
    assert len(lines(caplog)) == 2


@pytest.mark.postgres
def test_a_statement_that_never_ends_is_stopped_by_the_server(postgres: Engine) -> None:
    began = time.monotonic()
    with pytest.raises(StoreAway, match="away"), reading(postgres) as session:
        session.execute(text("SELECT pg_sleep(60)"))
    assert time.monotonic() - began < WITHIN
    assert count(postgres) == 0


@pytest.mark.postgres
def test_who_waits_for_a_connection_is_told_in_time(postgres: Engine) -> None:
    held = [postgres.connect() for _ in range(15)]
    began = time.monotonic()
    with pytest.raises(StoreAway):
        count(postgres)
    assert time.monotonic() - began < WITHIN
    for each in held:
        each.close()
    assert count(postgres) == 0


def put(blobs: BlobStore, content: bytes) -> str:
    with blobs.create() as writer:
        writer.write(content)
        return writer.commit()


def read(blobs: BlobStore, name: str) -> bytes:
    with blobs.open(name) as blob:
        return blob.read()


def every_act_is_away(blobs: BlobStore, name: str, detail: str) -> None:
    for act in (
        lambda: blobs.open(name),
        lambda: blobs.size(name),
        lambda: blobs.delete(name),
        lambda: put(blobs, b"small"),
        lambda: put(blobs, bytes(9_000_000)),
        lambda: list(blobs.names()),
        lambda: blobs.row_keys.get([1]),
        lambda: blobs.row_keys.put([bytes(32)]),
        lambda: blobs.row_keys.destroy([1]),
    ):
        with pytest.raises(StoreAway, match="away") as away:
            act()
        assert detail in away.value.detail


@pytest.mark.campaign
def test_a_frozen_payload_store_is_given_up_in_time_and_named_once(
    s3_server: S3Server, caplog: pytest.LogCaptureFixture
) -> None:
    bucket = s3_server.bucket()
    blobs = open_blobs(bucket)
    name = put(blobs, b"sealed")
    s3_server.freeze()
    began = time.monotonic()
    with pytest.raises(StoreAway):
        put(blobs, bytes(20_000_000))  # several parts
    with pytest.raises(StoreAway):
        blobs.open(name)
    assert time.monotonic() - began < WITHIN
    (line,) = lines(caplog)
    assert f"the payload store does not work: {bucket.partition('?')[0]}/ at http://127.0.0.1" in line
    s3_server.thaw()

    def is_back() -> bool:
        try:
            return read(blobs, name) == b"sealed"
        except StoreAway:
            return False

    eventually(is_back)
    assert len(lines(caplog)) == 2
    # What was given up is no payload; the upload that the server began when it woke up is an orphan.
    assert {each for each in blobs.names() if not each.endswith(".part")} == {name}


def test_a_missing_bucket_is_an_outage_for_every_act_and_no_missing_payload(
    s3_server: S3Server, caplog: pytest.LogCaptureFixture
) -> None:
    bucket = s3_server.bucket()
    blobs = open_blobs(bucket)
    name = put(blobs, b"sealed")
    where = bucket.removeprefix("s3://").partition("/")[0]
    client = s3_server.client()
    with blobs.create() as writer:
        writer.write(bytes(9_000_000))  # a part is there already
        blobs.delete(name)
        for upload in client.list_multipart_uploads(Bucket=where)["Uploads"]:
            client.abort_multipart_upload(Bucket=where, Key=upload["Key"], UploadId=upload["UploadId"])
        client.delete_bucket(Bucket=where)
        with pytest.raises(StoreError) as refused:
            writer.commit()
    assert not isinstance(refused.value, NotFound)
    every_act_is_away(blobs, name, "make the bucket")
    assert len(lines(caplog)) == 1
    assert "the bucket is missing" in lines(caplog)[0]


@pytest.mark.swift
def test_credentials_that_are_refused_are_an_outage_for_every_act_and_no_missing_payload(
    swift_server: S3Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bucket = swift_server.bucket()
    name = put(open_blobs(bucket), b"sealed")
    with monkeypatch.context() as patched:
        patched.setenv("AWS_SECRET_ACCESS_KEY", "of somebody else")
        patched.setattr("boto3.DEFAULT_SESSION", None)  # it remembers what stood there
        blobs = open_blobs(bucket)
    every_act_is_away(blobs, name, "it refuses this zone's credentials")
    assert len(lines(caplog)) == 1


def test_a_directory_that_may_not_be_used_is_named_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    blobs = FileBlobs(tmp_path / "blobs")
    name = put(blobs, b"sealed")
    remedy = "it must belong to the user of this zone: look with ls -l, change with chown"
    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", _refused)
        for _ in range(2):
            with pytest.raises(StoreAway) as refused:
                blobs.delete(name)
            assert refused.value.detail == f"{tmp_path / 'blobs'}: Permission denied; {remedy}"
    assert len(lines(caplog)) == 1
    blobs.delete(name)
    assert lines(caplog)[1:] == [f"the payload store works again: {tmp_path / 'blobs'}"]


def _refused(*_: object, **__: object) -> None:
    raise PermissionError(13, "Permission denied")


def test_a_flapping_full_store_is_named_once_until_something_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    blobs = FileBlobs(tmp_path / "blobs")
    name = put(blobs, b"sealed")
    for _ in range(3):
        with monkeypatch.context() as patched:
            patched.setattr(os, "fsync", _no_room)
            with pytest.raises(StoreAway, match="away"):
                put(blobs, b"more")
        assert read(blobs, name) == b"sealed"
    assert len(lines(caplog)) == 1
    assert "make room on its disk" in lines(caplog)[0]
    put(blobs, b"more")
    assert len(lines(caplog)) == 2


def _no_room(_: int) -> None:
    raise OSError(28, "No space left on device")
