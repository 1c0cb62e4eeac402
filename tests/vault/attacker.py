"""Somebody who has every file of a newsroom: both data directories and, on PostgreSQL, the directory of its server.

And who has more than that: every stored form of every row that ever was, as a log, a dead row, a replica or a backup of
the database might keep it. What they must not have is the key of a row that is gone.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import Engine, MetaData, select

from fieldreport.mailbox.tables import MailboxBase
from fieldreport.seal import HybridIdentity, encrypt_row, open_header
from fieldreport.store import reading
from fieldreport.store.row_keys import hiding_tables
from fieldreport.vault.archive.tables import VaultBase
from tests.store import throwaway_postgres
from tests.vault.newsroom import Newsroom


@dataclass(frozen=True, kw_only=True)
class Row:
    """What was hidden in a row once: its key, its stored form and its content."""

    key: bytes
    hidden: bytes
    content: bytes


@dataclass(kw_only=True)
class Attacker:
    """``server`` is what ``throwaway_postgres.start`` returned, if the databases lie on a server."""

    newsroom: Newsroom
    server: Path | None = None
    began: float = field(default_factory=time.time)
    history: list[Row] = field(default_factory=list)

    def listen(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Note every row from now on."""

        def noted(content: bytes) -> tuple[bytes, bytes]:
            key, hidden = encrypt_row(content)
            self.history.append(Row(key=key, hidden=hidden, content=content))
            return key, hidden

        monkeypatch.setattr("fieldreport.store.row_keys.encrypt_row", noted)

    def files(self) -> dict[str, bytes]:
        """Every byte of every file as it is at this moment, with the processes still running.

        Without those that were not written since the beginning: they hold nothing of what came later.
        """
        roots = [self.newsroom.directory]
        if self.server is not None:
            throwaway_postgres.execute("CHECKPOINT", home=self.server)  # what the server has in memory, too
            roots.append(self.server / "data")
        found = {}
        for path in (path for root in roots for path in root.rglob("*") if path.is_file()):
            with suppress(FileNotFoundError):  # the server tidies up
                if path.stat().st_mtime >= self.began or self.newsroom.directory in path.parents:
                    found[str(path)] = path.read_bytes()
        return found

    def found(self, secrets: Iterable[bytes]) -> set[str]:
        """The files in which one of these is, as bytes or as a server's log writes them."""
        forms = [(secret, secret.hex().encode()) for secret in secrets]
        assert forms
        return {
            path
            for path, content in self.files().items()
            if any(raw in content or (path.endswith(".log") and written in content) for raw, written in forms)
        }

    def open_rows(self) -> list[Row]:
        """The rows of the whole history whose key is in any file."""
        files = self.files()
        raw, logs = list(files.values()), [content for path, content in files.items() if path.endswith(".log")]
        return [
            row
            for row in self.history
            if any(row.key in content for content in raw) or any(row.key.hex().encode() in content for content in logs)
        ]

    def opened_by(self, identity: HybridIdentity) -> int:
        """How many headers a key opens. None stands in a file as it is, see ``must_find_only_what_is_there``."""
        return sum(_opens(identity, row.content) for row in self.open_rows())

    def must_find_only_what_is_there(self) -> None:
        """Check that no key but those of today's rows is in any file, and that no header is, or ever was."""
        now = {hidden for engine, metadata in self._databases() for hidden in _hidden_in(engine, metadata)}
        assert {row.hidden for row in self.open_rows()} == now
        starts = [(row.content, row.content.find(b"\n-> mlkem768x25519 ")) for row in self.history]
        pieces = [content[start + 20 : start + 60] for content, start in starts if start >= 0]
        assert pieces
        assert not self.found([b"age-encryption.org/v1\n", b"-> mlkem768x25519", *pieces])

    def _databases(self) -> Iterator[tuple[Engine, MetaData]]:
        yield self.newsroom.mailbox._engine, MailboxBase.metadata
        yield self.newsroom.vault.engine, VaultBase.metadata


def _hidden_in(engine: Engine, metadata: MetaData) -> Iterator[bytes]:
    with reading(engine) as session:
        for table in hiding_tables(metadata):
            yield from session.scalars(select(table.c.hidden))


def _opens(identity: HybridIdentity, header: bytes) -> bool:
    try:
        open_header(header, [identity])
    except Exception:  # noqa: BLE001 - whatever keeps a piece of a file from being opened is what is wanted here
        return False
    return True
