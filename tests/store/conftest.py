"""Databases and blob stores of both kinds for the tests of the stores."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from fieldreport.store import BlobStore, FileBlobs, open_blobs, open_engine
from tests.store.throwaway_postgres import fresh_database


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database, once of each kind."""
    if request.param == "postgresql":
        return fresh_database()
    return f"sqlite:///{tmp_path / 'test.db'}"


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An open engine on an empty database."""
    opened = open_engine(database_url)
    yield opened
    opened.dispose()


@pytest.fixture(params=["directory", "s3"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BlobStore]:
    """An empty blob store, once of each kind."""
    if request.param == "directory":
        yield FileBlobs(tmp_path / "blobs")
        return
    # A real S3 server cannot be had on every machine; moto's imitates the API in this process, without the network.
    moto = pytest.importorskip("moto", reason="needs moto, which imitates S3")
    boto3 = pytest.importorskip("boto3", reason="needs the S3 client")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_ACCESS_KEY_ID", "test")
        environment.setenv("AWS_SECRET_ACCESS_KEY", "test")
        with moto.mock_aws():
            boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="newsroom")
            yield open_blobs("s3://newsroom/desk?region=us-east-1")
