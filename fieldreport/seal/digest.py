"""SHA-256 in a thread of its own, next to the work that needs the same bytes.

Hashing 200 MB takes as long as sealing them. Both release the interpreter's lock, so they run at the same time on two
cores. A caller that reads into two buffers in turn need not wait: ``update`` returns as soon as the data of the call
before is hashed.
"""

from __future__ import annotations

import hashlib
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Final, Self

_WORTH_A_THREAD: Final = 1024 * 1024  # a thread costs as much as hashing a hundred kilobytes


class ThreadedSha256:
    """SHA-256 of what ``update`` is given, in order."""

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
        """Finish what was given before and begin to hash ``data``, which must not change until the next call."""
        self._wait()
        if self._pool is None:
            self._hash.update(data)
        else:
            self._pending = self._pool.submit(self._hash.update, data)

    def digest(self) -> bytes:
        """Return the 32 bytes, when everything given is hashed."""
        self._wait()
        return self._hash.digest()

    def _wait(self) -> None:
        if self._pending is not None:
            self._pending.result()
            self._pending = None
