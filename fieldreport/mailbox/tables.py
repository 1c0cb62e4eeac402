"""The mailbox's tables. Ciphertext, random ids, whole hours and counters; nothing else.

``hidden`` is a header under the row key in ``slot``, see ``store.row_keys``.

Tables are clustered by random ids (WITHOUT ROWID on SQLite), so that the order of rows is not the order of arrival, and
letters carry no time at all.
"""

from __future__ import annotations

from typing import ClassVar

from sqlalchemy import BigInteger, Index, MetaData
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedAsDataclass, mapped_column

from fieldreport.store import column_bytes, conventional_metadata

_CLUSTERED = {"sqlite_with_rowid": False}


class MailboxBase(MappedAsDataclass, DeclarativeBase, kw_only=True):
    """The declarative base of the mailbox's tables."""

    metadata: ClassVar[MetaData] = conventional_metadata()


class Letter(MailboxBase, kw_only=True):
    """A letter that waits. Exactly one of ``payload`` and ``blob`` is set; ``size`` is the payload's length."""

    __tablename__ = "letters"
    __table_args__ = _CLUSTERED

    id: Mapped[bytes] = mapped_column(column_bytes(16), primary_key=True)
    epoch: Mapped[int] = mapped_column(BigInteger)
    size: Mapped[int] = mapped_column(BigInteger)
    blob: Mapped[str | None] = mapped_column(index=True)
    slot: Mapped[int] = mapped_column(BigInteger)
    # Last, so that listing letters does not read them.
    hidden: Mapped[bytes] = mapped_column(column_bytes(), repr=False)
    payload: Mapped[bytes | None] = mapped_column(column_bytes(), repr=False)


class Collected(MailboxBase, kw_only=True):
    """The tombstone of a letter that the desk has: a late copy of the same post gets the same answer."""

    __tablename__ = "collected"
    __table_args__ = _CLUSTERED

    id: Mapped[bytes] = mapped_column(column_bytes(16), primary_key=True)
    hour: Mapped[int]


class Reply(MailboxBase, kw_only=True):
    """A reply that waits. ``index`` is SHA-256 of a lookup: without the codename it does not show whose."""

    __tablename__ = "replies"
    __table_args__ = _CLUSTERED

    id: Mapped[bytes] = mapped_column(column_bytes(16), primary_key=True)
    index: Mapped[bytes] = mapped_column(column_bytes(32), index=True, repr=False)
    hour: Mapped[int]
    slot: Mapped[int] = mapped_column(BigInteger)
    hidden: Mapped[bytes] = mapped_column(column_bytes(), repr=False)
    payload: Mapped[bytes] = mapped_column(column_bytes(), repr=False)


class Kept(MailboxBase, kw_only=True):
    """A cleaned file that waits until its form is sent, or (neither ``payload`` nor ``blob``) only its note.

    ``hour``: in which something was last done with the files of this source; this row is gone two hours later.
    """

    __tablename__ = "kept"
    __table_args__ = (Index(None, "hour", "size"), _CLUSTERED)

    id: Mapped[bytes] = mapped_column(column_bytes(16), primary_key=True)
    hour: Mapped[int]
    size: Mapped[int] = mapped_column(BigInteger)
    blob: Mapped[str | None] = mapped_column(index=True)
    slot: Mapped[int] = mapped_column(BigInteger)
    hidden: Mapped[bytes] = mapped_column(column_bytes(), repr=False)
    payload: Mapped[bytes | None] = mapped_column(column_bytes(), repr=False)


class Counters(MailboxBase, kw_only=True):
    """What waits, and the highest roster epoch seen: the sums and the highest of ``limits.COUNTER_ROWS`` rows.

    Every deposit passes through one, from 1 on, which its letter's id chooses: that closes an epoch for good and keeps
    the ceilings with several nodes. One row alone may be below zero. Row 0 counts nothing: who keeps a file holds it.
    """

    __tablename__ = "mailbox_counters"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    highest_epoch: Mapped[int] = mapped_column(BigInteger)
    letters: Mapped[int]
    bytes: Mapped[int] = mapped_column(BigInteger)


class SharedSwitches(MailboxBase, kw_only=True):
    """One row: how the letterbox of several machines stands, sealed; see ``mailbox.shared``. Version 0: not said."""

    __tablename__ = "shared_switches"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    version: Mapped[int] = mapped_column(BigInteger)
    sealed: Mapped[str]


class SharedRoster(MailboxBase, kw_only=True):
    """The public files that lead to the roster of an epoch, for machines that do not have it; each verifies them."""

    __tablename__ = "shared_rosters"

    epoch: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    step: Mapped[bytes] = mapped_column(column_bytes(), repr=False)
