"""What a store of payloads promises, wherever they lie."""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import TracebackType
from typing import BinaryIO, Final, Protocol, Self

NAME: Final = re.compile(r"[0-9a-f]{32}(\.part)?")
"""A blob's name, random; with ``.part`` while it is being written."""


class BlobWriter(Protocol):
    """A blob being written: a context manager that throws away what was not committed."""

    def write(self, data: bytes | bytearray | memoryview, /) -> int:
        """Append all of ``data`` and return its length."""

    def commit(self) -> str:
        """Make everything durable and return the blob's name."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...


class BlobStore(Protocol):
    """Where blobs are kept. Two implementations: ``FileBlobs`` and ``S3Blobs``."""

    def create(self) -> BlobWriter:
        """Start a new blob."""

    def open(self, name: str) -> BinaryIO:
        """Open a blob for reading at any position. Raises ``NotFound``."""

    def size(self, name: str) -> int:
        """Return a blob's length in bytes. Raises ``NotFound``."""

    def delete(self, name: str) -> None:
        """Delete a blob; no error if there is none."""

    def names(self, *, older_than_seconds: float = 0.0) -> Iterator[str]:
        """Iterate over all names, abandoned half-written blobs included, that were last touched before then."""
