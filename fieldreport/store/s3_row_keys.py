"""Row keys in the bucket of the payloads, for zones on several machines: one small object each, a note is one more.

A note is younger than a change lasts, or left over: S3 has no locks. The bucket must not keep versions, because what is
deleted has to be gone.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Final

from fieldreport import limits
from fieldreport.errors import NotFound, StoreError

_AT_ONCE: Final = 16  # requests; each waits for the network
_HIGHEST: Final = 2**63 - 1  # of a BIGINT; so many that two never meet


class S3RowKeys:
    """See ``RowKeys``. ``refused`` turns the client's errors into ours, and says ``NotFound`` for a missing object."""

    def __init__(
        self, client: Any, bucket: str, prefix: str, refused: Callable[[], AbstractContextManager[None]]
    ) -> None:
        self._client = client
        self._bucket = bucket
        self._keys = f"{prefix}keys/"
        self._notes = f"{prefix}key-notes/"
        self._refused = refused

    def put(self, keys: Sequence[bytes]) -> list[int]:
        """Store new keys; see ``RowKeys``."""
        slots = [1 + secrets.randbelow(_HIGHEST) for _ in keys]
        self.doom(slots)  # first, so that no key is ever without a note and without a row
        self._store([(_name(self._keys, slot), key) for slot, key in zip(slots, keys, strict=True)])
        return slots

    def get(self, slots: Sequence[int]) -> list[bytes | None]:
        """Return keys; see ``RowKeys``."""
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return list(pool.map(self._get, slots))

    def doom(self, slots: Sequence[int]) -> None:
        """Note what is about to go; see ``RowKeys``."""
        self._store([(_name(self._notes, slot), b"") for slot in slots])

    def settle(self, slots: Sequence[int]) -> None:
        """Take the notes back; see ``RowKeys``."""
        self._delete([_name(self._notes, slot) for slot in slots])

    def destroy(self, slots: Sequence[int]) -> None:
        """Delete keys, then their notes; see ``RowKeys``."""
        self._delete([_name(self._keys, slot) for slot in slots])
        self.settle(slots)

    def in_use(self) -> AbstractContextManager[None]:
        """Do nothing: how old a note is tells whether its change is under way; see ``RowKeys``."""
        return nullcontext()

    def noted(self) -> bool:
        """Whether any slot has a note; see ``RowKeys``."""
        return any(self._noted())

    @contextmanager
    def left_over(self) -> Iterator[list[int]]:
        """Return the slots whose note is older than a change lasts; see ``RowKeys``."""
        old, young = self._noted()
        yield sorted(old)
        if young:
            raise StoreError("the database is busy", detail="a change uses row keys, or was cut off", code="busy")

    def level_times(self) -> None:
        """Do nothing: the service dates its objects itself; see ``RowKeys``."""

    def _noted(self) -> tuple[set[int], set[int]]:
        """The slots with a note: those that a change must have left, and those of which that is not certain."""
        before = time.time() - limits.ORPHAN_SECONDS
        old: set[int] = set()
        young: set[int] = set()
        with self._refused():
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._notes)
            for entry in (entry for page in pages for entry in page.get("Contents", ())):
                slot = int(entry["Key"].removeprefix(self._notes), 16)
                (old if entry["LastModified"].timestamp() <= before else young).add(slot)
        return old, young

    def _get(self, slot: int) -> bytes | None:
        try:
            with self._refused():
                answer = self._client.get_object(Bucket=self._bucket, Key=_name(self._keys, slot))
                return bytes(answer["Body"].read())
        except NotFound:
            return None

    def _store(self, objects: Sequence[tuple[str, bytes]]) -> None:
        def put(one: tuple[str, bytes]) -> None:
            with self._refused():
                self._client.put_object(Bucket=self._bucket, Key=one[0], Body=one[1])

        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(put, objects))

    def _delete(self, names: Sequence[str]) -> None:
        # One by one: servers want different sums with a list of what to delete (Swift an MD5), and some take no list.
        def delete(name: str) -> None:
            with self._refused():
                self._client.delete_object(Bucket=self._bucket, Key=name)

        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(delete, names))


def _name(prefix: str, slot: int) -> str:
    return f"{prefix}{slot:016x}"
