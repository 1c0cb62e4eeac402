"""Letters that wait in a mailbox, made fast: random bytes of the lengths that sealed reports have. Nobody opens one."""

from __future__ import annotations

import os
import secrets
from typing import BinaryIO, Final

from sqlalchemy import Engine, insert, update

from fieldreport.mailbox.tables import Counters, Letter
from fieldreport.store import BlobStore, changing

SHORT_BYTES: Final = 16 * 1024 + 48  # a report of a page, padded and sealed
HEADER_BYTES: Final = 8 * 1024  # five recipients


def fill(engine: Engine, blobs: BlobStore, letters: int) -> None:
    """Let so many short letters wait, written in one transaction."""
    with changing(engine, blobs.row_keys) as (session, keys):
        hidden = keys.hide([os.urandom(HEADER_BYTES)] * letters)
        rows = [
            {
                "id": secrets.token_bytes(16),
                "epoch": 1,
                "size": SHORT_BYTES,
                "blob": None,
                "slot": each.slot,
                "hidden": each.hidden,
                "payload": os.urandom(SHORT_BYTES),
            }
            for each in hidden
        ]
        session.execute(insert(Letter), rows)
        more = {"letters": Counters.letters + letters, "bytes": Counters.bytes + letters * SHORT_BYTES}
        session.execute(update(Counters).where(Counters.id == 1).values(more))


def short_letter(destination: BinaryIO) -> bytes:
    """Write what stands for a sealed report, and return what stands for its header."""
    destination.write(os.urandom(SHORT_BYTES))
    return os.urandom(HEADER_BYTES)
