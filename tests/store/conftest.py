"""Databases and blob stores of both kinds for the tests of the stores."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from fieldreport.store import BlobStore, FileBlobs, open_blobs, open_engine
from tests.store.throwaway_postgres import fresh_database
from tests.store.throwaway_s3 import S3Server


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


@pytest.fixture(params=["directory", "moto", pytest.param("swift", marks=pytest.mark.swift)])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    """An empty blob store, once of each kind."""
    if request.param == "directory":
        return FileBlobs(tmp_path / "blobs")
    server: S3Server = request.getfixturevalue(f"{request.param}_server")
    return open_blobs(server.bucket())
