"""The desk's sealed archive as a whole: what can be done with it without any key.

Rules: everything is one transaction through ``change``; nothing in this module or in those it hands out can open an
object. ``Seat`` is where keys come in.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Literal

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from fieldreport import limits
from fieldreport.config import Settings
from fieldreport.errors import NotFound, StoreError
from fieldreport.store import (
    BlobStore,
    Place,
    Upkeep,
    changing,
    erase_deleted,
    free_bytes,
    must_store,
    reading,
    sweep,
)
from fieldreport.vault.archive.audit import NOBODY, Act, AuditLog, Signer
from fieldreport.vault.archive.change import Change
from fieldreport.vault.archive.objects import Objects
from fieldreport.vault.archive.tables import Outgoing, SealedObject, ShownSheet, Unsent, VaultBase, VaultState

_log = logging.getLogger(__name__)


def vault_place(settings: Settings) -> Place:
    """Where the settings put the vault."""
    desk = settings.desk
    return Place("fieldreport.vault", VaultBase.metadata, settings.instance_id, desk.data, desk.vault, desk.blobs)


def open_vault(settings: Settings, *, clock: Callable[[], float] = time.time) -> Vault:
    """Open the vault that the settings name; a new SQLite one is made. Raises as ``Place.open``."""
    return Vault(*vault_place(settings).open(), settings.instance_id, clock=clock)


class Vault:
    """Cases, sealed objects, the audit log and rotations of one newsroom. Safe to use from many threads."""

    def __init__(
        self, engine: Engine, blobs: BlobStore, instance: bytes, *, clock: Callable[[], float] = time.time
    ) -> None:
        if len(instance) != limits.ID_BYTES:
            raise StoreError("the vault refused", detail="an instance id has 16 bytes")
        self.engine = engine
        self.blobs = blobs
        self.instance = instance
        self.clock = clock
        self.objects = Objects(engine, blobs)
        self.audit = AuditLog(engine)
        # The order of items is in their rows.
        self.upkeep = Upkeep(engine, blobs, VaultBase.metadata, hours=1, rebuild=False)

    def close(self) -> None:
        """Erase what was deleted, and close every connection."""
        self.upkeep.stop()
        self.engine.dispose()

    def hour(self) -> int:
        """Return the current hour since the Unix epoch."""
        return int(self.clock() // 3600)

    def reading(self) -> AbstractContextManager[Session]:
        """Return a transaction that cannot write; see ``store.reading``."""
        return reading(self.engine)

    @contextmanager
    def change(self, *, actor: str = NOBODY, signer: Signer | None = None) -> Iterator[Change]:
        """Make one change: one transaction that commits when the block ends.

        What it deletes is erased from the files when this returns, or else (a reader was in the way) by the upkeep.

        Raises:
            Conflict, StoreError: see ``store.writing``; and whatever the block raises.
        """
        with changing(self.engine, self.blobs.row_keys) as (session, keys):
            change = Change(session, keys, hour=self.hour(), actor=actor, signer=signer)
            yield change
        for name in change.finish():
            try:
                self.blobs.delete(name)
            except (NotFound, StoreError) as error:
                # The change is committed and must not look as if it were not: the rest is an orphan without a key.
                _log.warning("a deleted payload is left as an orphan: %s", error.detail)
        if change.removed:
            self.erase_soon()

    def record(self, act: Act, subject: str = "", *, actor: str = NOBODY, signer: Signer | None = None) -> None:
        """Append one entry to the audit log on its own; unsigned when no one is unlocked."""
        with self.change(actor=actor, signer=signer) as change:
            change.record(act, subject)

    def must_work(self) -> Literal[True]:
        """Check that the database answers and payloads are kept, to tell an outage from one that cannot be read.

        Raises:
            StoreError: a store is away, or does not store or read.
        """
        self.highest_epoch()
        return must_store(self.blobs)

    def must_have_room(self, size: int = 0) -> Literal[True]:
        """Check that so many bytes may be collected: editors must be able to sign in on the disk that is left.

        Raises:
            StoreError: (code ``disk-full``) too little of it is free. A server sees to its own disk.
        """
        if self.engine.dialect.name == "sqlite":
            directory = Path(str(self.engine.url.database)).parent
            if (free := free_bytes(directory)) < (wanted := limits.COLLECT_FREE_BYTES + size):
                free_mib, least = free // limits.MIB, -(-wanted // limits.MIB)
                raise StoreError(
                    "the disk is full",
                    detail=f"{directory} has {free_mib} MiB left: make room on its disk. Until {least} MiB are free, "
                    "letters wait in the mailbox",
                    code="disk-full",
                )
        return True

    def highest_epoch(self) -> int:
        """Return the highest roster epoch that this vault has seen; 0 when none was."""
        with reading(self.engine) as session:
            return session.scalar(select(VaultState.highest_epoch).where(VaultState.id == 1)) or 0

    def saw_epoch(self, epoch: int) -> None:
        """Remember a roster epoch: when this returns, nothing sealed to an earlier one can be added any more."""
        with self.change() as change:
            change.state.highest_epoch = max(change.state.highest_epoch, epoch)

    def erase_deleted(self) -> None:
        """Leave nothing of deleted and replaced rows in the database's files, and no key of theirs.

        Raises:
            StoreError: the database is away, or (code "busy") a reader or a change was in the way for two seconds.
        """
        sweep(self.engine, self.blobs.row_keys, VaultBase.metadata)
        self._erase()

    def _erase(self) -> None:
        erase_deleted(self.engine, [table.__tablename__ for table in (SealedObject, Outgoing, Unsent, ShownSheet)])

    def erase_soon(self) -> None:
        """Do the same after an act that has happened, whose keys are destroyed: the rest is left to the upkeep."""
        try:
            self._erase()
        except StoreError as error:
            _log.warning("deleted rows are erased later: %s", error.detail)

    def orphans(self, *, older_than_seconds: float = limits.ORPHAN_SECONDS) -> list[str]:
        """Return payloads that no row names; see ``Objects.orphans``."""
        return self.objects.orphans(older_than_seconds=older_than_seconds)

    def unreadable(self) -> list[bytes]:
        """Return the ids of objects whose payload cannot be read; see ``Objects.unreadable``."""
        return self.objects.unreadable()

    def remove_orphans(self, *, older_than_seconds: float = limits.ORPHAN_SECONDS) -> int:
        """Delete payloads that no row names; see ``Objects.remove_orphans``."""
        return self.objects.remove_orphans(older_than_seconds=older_than_seconds)
