"""Who may read a case: every editor, or only those whom it is limited to.

A limited case names the handles of its readers; everything of it is sealed to them and the recovery key alone.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldreport.errors import NotAllowed
from fieldreport.vault.archive.tables import Case
from fieldreport.vault.archive.vault import Vault


def handles(readers: str | None) -> frozenset[str] | None:
    """The handles in a case's ``readers``; nothing where every editor reads."""
    return None if readers is None else frozenset(readers.split(","))


def readers_of(vault: Vault, case_id: bytes) -> str | None:
    """The ``readers`` of a case; nothing where every editor reads, and for what is no case."""
    with vault.reading() as session:
        return session.scalar(select(Case.readers).where(Case.id == case_id))


def readers_in(session: Session, case_id: bytes) -> frozenset[str] | None:
    """The handles of a case's readers as a transaction sees them; nothing where every editor reads."""
    return handles(session.scalar(select(Case.readers).where(Case.id == case_id)))


def limited_cases(session: Session) -> list[tuple[bytes, frozenset[str]]]:
    """Every limited case with its readers' handles."""
    rows = session.execute(select(Case.id, Case.readers).where(Case.readers.is_not(None)).order_by(Case.id))
    return [(row.id, frozenset(row.readers.split(","))) for row in rows]


def must_read(vault: Vault, case_id: bytes, handle: str) -> Literal[True]:
    """Check that a person is one of a case's readers.

    Raises:
        NotAllowed: (code "limited") they are not.
    """
    return must_be_among(handles(readers_of(vault, case_id)), handle)


def must_be_among(only: Collection[str] | None, handle: str) -> Literal[True]:
    """Check that a person is one of these readers, or that none are named; raises as ``must_read``."""
    if only is not None and handle not in only:
        raise NotAllowed(f"This case is limited to {', '.join(sorted(only))}.", code="limited")
    return True
