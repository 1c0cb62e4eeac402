"""Writes a payload into a store: a small one ends in the row, a large one in a blob that is durable before the row is.

Its header is hidden under a row key, see ``row_keys``.

One payload in a row is one commit and no file; see ``limits.INLINE_PAYLOAD_BYTES``.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import BinaryIO, cast

from typing_extensions import override

from fieldreport import limits
from fieldreport.errors import LimitExceeded, StoreError
from fieldreport.store.blob_store import BlobStore, BlobWriter
from fieldreport.store.row_keys import HiddenRow, KeyChange, key_change, undone_unless_finished


@dataclass(slots=True, kw_only=True)
class Spooled:
    """A payload ready to be named by a row: exactly one of ``payload`` and ``blob`` is set. ``size`` is in bytes.

    Call ``keep`` once the row that names blob and slot is committed; a blob that is not kept is deleted.
    """

    header: HiddenRow
    payload: bytes | None = field(repr=False)
    blob: str | None
    size: int
    keys: KeyChange = field(repr=False)
    kept: bool = False

    def keep(self) -> None:
        """Keep the blob and the key: a committed row names them."""
        self.kept = True
        self.keys.finish()


class _Spool(io.RawIOBase):
    """Collects in memory up to ``inline_bytes``, then moves on to a blob."""

    def __init__(self, blobs: BlobStore, *, inline_bytes: int, most_bytes: int) -> None:
        super().__init__()
        self._blobs = blobs
        self._inline_bytes = inline_bytes
        self._most_bytes = most_bytes
        self._stack = ExitStack()
        self.buffer = bytearray()
        self.writer: BlobWriter | None = None
        self.length = 0

    @override
    def writable(self) -> bool:
        return True

    @override
    def write(self, data: object, /) -> int:
        view = memoryview(data).cast("B")  # type: ignore[arg-type] # RawIOBase says Buffer, which 3.11 cannot spell
        if self.length + len(view) > self._most_bytes:
            raise LimitExceeded(
                "this is larger than can be stored", detail="payload over the bound", code="payload-size"
            )
        self.length += len(view)
        if self.writer is None and self.length > self._inline_bytes:
            self.writer = self._stack.enter_context(self._blobs.create())
            self.writer.write(self.buffer)
            self.buffer = bytearray()
        if self.writer is None:
            self.buffer += view
        else:
            self.writer.write(view)
        return len(view)

    @override
    def close(self) -> None:
        self._stack.close()
        super().close()


@contextmanager
def spooled(
    blobs: BlobStore,
    seal: Callable[[BinaryIO], bytes],
    *,
    inline_bytes: int = limits.INLINE_PAYLOAD_BYTES,
    most_bytes: int = limits.PAYLOAD_BYTES,
) -> Iterator[Spooled]:
    """Run ``seal`` on a file for the payload, and hold the durable result for as long as the block runs.

    ``seal`` writes the payload and returns the header. Inside the block write the row and call ``Spooled.keep``; if
    the block ends without that, the blob is deleted. A crash leaves an orphan that ``doctor`` finds.

    Raises:
        LimitExceeded: the payload is larger than ``most_bytes``.
        StoreError: the blob store refused.
    """
    with _Spool(blobs, inline_bytes=inline_bytes, most_bytes=most_bytes) as spool:
        header = seal(cast("BinaryIO", spool))
        blob = spool.writer.commit() if spool.writer is not None else None
        payload = bytes(spool.buffer) if blob is None else None
    result: Spooled | None = None
    in_doubt = False
    try:
        with key_change(blobs.row_keys) as keys, undone_unless_finished(keys):
            (hidden,) = keys.hide([header])
            result = Spooled(header=hidden, payload=payload, blob=blob, size=spool.length, keys=keys)
            yield result
    except StoreError:
        # The answer to a commit may have been lost on its way. An orphan is found and removed; a row without its
        # payload would be a lost letter.
        in_doubt = True
        raise
    finally:
        if blob is not None and not in_doubt and (result is None or not result.kept):
            blobs.delete(blob)
