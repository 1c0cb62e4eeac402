"""What a blob store promises: payloads too large for a row, as immutable blobs under random names.

Rules: a name exists only when every byte of it is durable; a blob is written before the row that names it and deleted
after that row, so that a crash leaves an orphan and never a row without its payload; names and times do not tell what
arrived when.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from types import TracebackType
from typing import BinaryIO, Final, Literal, Protocol, Self

from fieldreport import limits
from fieldreport.errors import NotFound, StoreError
from fieldreport.store.row_keys import RowKeys

_NAME: Final = re.compile(r"[0-9a-f]{32}(\.part)?")


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
    """Where blobs are kept. Two implementations: ``FileBlobs`` and ``S3Blobs``.

    ``row_keys`` are kept beside them: zones that share a database and its payloads share these as well.

    Every method raises ``StoreError`` when the store refuses or is away, and ``NotFound`` for a name that is none.
    """

    @property
    def row_keys(self) -> RowKeys:
        """The keys of rows. Raises ``StoreError``: the store is away."""

    def create(self, name: str | None = None) -> BlobWriter:
        """Start a new blob; under the ``name`` that it had, when it comes back from a backup."""

    def open(self, name: str) -> BinaryIO:
        """Open a blob for reading at any position. Raises ``NotFound``."""

    def size(self, name: str) -> int:
        """Return a blob's length in bytes. Raises ``NotFound``."""

    def delete(self, name: str) -> None:
        """Delete a blob; no error if there is none."""

    def names(self, *, older_than_seconds: float = 0.0) -> Iterator[str]:
        """Iterate over all names, abandoned half-written blobs included, that were last touched before then (0: all).

        Where ``level_times`` is called, what came in this period counts as touched just now.
        """

    def level_times(self, *, hours: int) -> None:
        """Let no blob show when it was written more exactly than in which period of so many hours; call it often."""


def must_store(blobs: BlobStore) -> Literal[True]:
    """Check that a store keeps a new blob and gives it back, and has its row keys. Raises ``StoreError``."""
    blobs.row_keys.get([1])
    wanted = secrets.token_bytes(16)
    with blobs.create() as writer:
        writer.write(wanted)
        name = writer.commit()
    try:
        with blobs.open(name) as blob:
            if blob.read() != wanted:
                raise StoreError("the payload store is damaged", detail="a new payload came back altered")
    except NotFound:
        raise StoreError("the payload store is away", detail="a new payload was not kept") from None
    finally:
        blobs.delete(name)
    return True


def is_whole(blobs: BlobStore, name: str, size: int, *, ends_only: bool = False) -> bool:
    """Whether a blob has ``size`` bytes and can be read: all of them, or (``ends_only``) the first and the last."""
    try:
        if blobs.size(name) != size:
            return False
        with blobs.open(name) as blob:
            if ends_only:
                blob.read(1)
                blob.seek(max(0, size - 1))
            while blob.read(limits.READ_BYTES):
                pass
    except (NotFound, StoreError):
        return False
    return True


def new_name() -> str:
    """Draw the name of a new blob: 32 hexadecimal digits."""
    return secrets.token_hex(16)


def is_name(untrusted_name: str) -> bool:
    """Whether this names a blob, or (``.part``) one that was left half-written."""
    return _NAME.fullmatch(untrusted_name) is not None


def check_name(untrusted_name: str) -> str:
    """Return the name of a blob.

    Raises:
        NotFound: it is not one, so that nothing of that name is here.
    """
    if not is_name(untrusted_name):
        raise NotFound("no such payload", detail="malformed blob name")
    return untrusted_name
