"""SHA-256 beside the work that needs the same bytes: on a second core where there is much to hash.

Hashing 200 MB takes as long as sealing them. Both release the interpreter's lock, so they overlap.
"""

from __future__ import annotations

import hashlib
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Final, Self

_WORTH_A_THREAD: Final = 1024 * 1024  # a thread costs as much as hashing a hundred kilobytes


class SideDigest:
    """SHA-256 of what ``update`` is given, in order. ``wait`` before the bytes given last are overwritten."""

    def __init__(self, length: int) -> None:
        self._hash = hashlib.sha256()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="digest") if length >= _WORTH_A_THREAD else None
        self._pending: Future[None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown()

    def update(self, data: memoryview) -> None:
        """Begin to hash ``data``, which stays unchanged until ``wait``."""
        self.wait()
        if self._pool is None:
            self._hash.update(data)
        else:
            self._pending = self._pool.submit(self._hash.update, data)

    def wait(self) -> None:
        """Return when everything given so far is hashed."""
        if self._pending is not None:
            self._pending.result()
            self._pending = None

    def digest(self) -> bytes:
        """Return the 32 bytes."""
        self.wait()
        return self._hash.digest()
