"""Where one of an installation's two stores is: opened, upgraded, copied while in use, and put back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import Engine, MetaData

from fieldreport.store.blob_store import BlobStore
from fieldreport.store.blobs import open_blobs
from fieldreport.store.copy import copy_in, copy_out
from fieldreport.store.engine import open_engine
from fieldreport.store.file_blobs import Mark
from fieldreport.store.migrate import must_be_current, one_at_a_time, upgraded
from fieldreport.store.row_keys import must_fit


@dataclass(frozen=True, slots=True)
class Place:
    """A database and its payloads, as the settings name them.

    Args:
        package: has its migrations; its last part is the name of a SQLite database without a URL.
        metadata: its tables.
        instance: 16 bytes, of the installation.
        directory: its zone's.
        database: a URL; without one, a file in ``directory``.
        blobs: a directory or a bucket; without one, ``blobs`` in ``directory``.
        not_copied: tables whose rows no copy takes.
    """

    package: str
    metadata: MetaData
    instance: bytes
    directory: Path
    database: str | None = field(repr=False)  # may hold a password
    blobs: Path | str | None
    not_copied: tuple[str, ...] = ()

    def open(self) -> tuple[Engine, BlobStore]:
        """Open both; a SQLite database that is not there yet is made.

        Raises:
            SettingsError, StoreError, PlatformError: see ``open_engine``, ``open_blobs`` and ``must_be_current``.
        """
        with one_at_a_time(self.directory):
            used, blobs, engine = self._parts()
            try:
                must_be_current(engine, self.package, blobs.row_keys, used=used)
                must_fit(engine, blobs.row_keys, self.metadata)
            except BaseException:
                engine.dispose()
                raise
        return engine, blobs

    def migrate(self) -> str:
        """Make or upgrade the tables; what changed, as ``upgraded``. Raises as ``open``."""
        _, blobs, engine = self._parts(patient=True)
        try:
            return upgraded(engine, self.package, blobs.row_keys)
        finally:
            engine.dispose()

    def copy(self, target: Path, copy_payload: Callable[[str, BinaryIO], None]) -> list[str]:
        """Copy the store while it is in use to ``target``; ``copy_payload`` is given each payload's name and content.

        Returns what could not be copied.

        Raises:
            StoreError: (code "migrations") its tables are not current; or as ``copy_out``.
        """
        used, blobs, engine = self._parts()

        def payload(name: str) -> None:
            with blobs.open(name) as content:
                copy_payload(name, content)

        try:
            must_be_current(engine, self.package, blobs.row_keys, used=used)
            return copy_out(
                engine, blobs, self.metadata, self.package, target, payload=payload, leave_out=self.not_copied
            )
        finally:
            engine.dispose()

    def restore(self, copy: Path, payload: Callable[[str], BinaryIO]) -> None:
        """Put a copy into this place, which is empty. Raises as ``copy_in``."""
        _, blobs, engine = self._parts(patient=True)
        try:
            copy_in(copy, engine, blobs, self.metadata, self.package, payload)
        finally:
            engine.dispose()

    def _parts(self, *, patient: bool = False) -> tuple[bool, BlobStore, Engine]:
        """Whether the zone was used before; its payloads; its database."""
        mark = Mark(instance=self.instance, known=self.directory / "blobs.marked")
        used = mark.known.exists()
        blobs = open_blobs(self.blobs or self.directory / "blobs", mark=mark)  # first: it creates the directory
        name = self.package.rpartition(".")[2]
        engine = open_engine(self.database or f"sqlite:///{self.directory / f'{name}.db'}", patient=patient)
        return used, blobs, engine
