"""The log of acts that matter: each entry is chained to the one before by its hash and signed by the person who acted.

An entry holds who did what to which case, article, key or person, in which hour. Never content: an act is one of a
closed list, a subject is a short id. Acts without an unlocked person (a refused sign-in) carry no signature; the
next signed entry covers them through the chain. The signed bytes are canonical JSON; see ``_statement``.

The one thing that a chain cannot show by itself is that entries were cut off its end. Someone who noted an earlier head
can see it: ``AuditReport.head`` is what to write down.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Collection, Mapping
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from fieldreport import limits
from fieldreport.errors import SealError, StoreError
from fieldreport.seal import Roster, encode_canonical, verify_signature
from fieldreport.store import reading
from fieldreport.vault.archive.tables import AuditRow, VaultState

LABEL: Final = "audit-entry"
_AT_ONCE: Final = 500  # entries in memory while verifying, however long the log is
_WORD: Final = re.compile(r"[A-Za-z0-9 ._:-]{0,80}")


class Act(StrEnum):
    """Everything that is logged."""

    UNLOCKED = "unlocked"
    UNLOCK_REFUSED = "unlock-refused"
    LOCKED = "locked"
    LOCKED_ALL = "locked-all"
    CASE_STATE = "case-state"
    CASE_ASSIGNED = "case-assigned"
    CASE_LIMITED = "case-limited"
    CASE_DELETED = "case-deleted"
    CASE_WITHDRAWN = "case-withdrawn"
    CASE_EXPORTED = "case-exported"
    REPLIED = "replied"
    NOTED = "noted"
    CARD_SAVED = "card-saved"
    ARTICLE_CREATED = "article-created"
    ARTICLE_SAVED = "article-saved"
    ARTICLE_SUBMITTED = "article-submitted"
    ARTICLE_RETURNED = "article-returned"
    ARTICLE_SIGNED_OFF = "article-signed-off"
    ARTICLE_ANSWERED = "article-answered"
    ARTICLE_OVERRIDDEN = "article-overridden"
    ARTICLE_SCHEDULED = "article-scheduled"
    ARTICLE_PUBLISHED = "article-published"
    ARTICLE_CORRECTED = "article-corrected"
    ARTICLE_WITHDRAWN = "article-withdrawn"
    ARTICLE_DELETED = "article-deleted"
    STAFF_INVITED = "staff-invited"
    INVITATION_REVOKED = "invitation-revoked"
    ENROLMENT_REQUESTED = "enrolment-requested"
    ENROLMENT_REFUSED = "enrolment-refused"
    STAFF_ADDED = "staff-added"
    STAFF_REMOVED = "staff-removed"
    ROSTER_PUBLISHED = "roster-published"
    ROTATION_ORDERED = "rotation-ordered"
    ROTATION_REQUESTED = "rotation-requested"
    ROTATION_APPROVED = "rotation-approved"
    ROTATION_REWRAPPED = "rotation-rewrapped"
    KEY_DESTROYED = "key-destroyed"
    KEY_REVOKED = "key-revoked"
    RECOVERY_REHEARSED = "recovery-rehearsed"
    RECOVERY_USED = "recovery-used"
    ADMIN_HANDED_OVER = "admin-handed-over"


class Signer(Protocol):
    """A person's signing key, as ``unseal`` unlocks it."""

    @property
    def public(self) -> bytes:
        """The Ed25519 public key, 32 bytes."""

    def sign(self, label: str, message: bytes) -> bytes:
        """Return the signature, 64 bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One line of the log, for reading."""

    sequence: int
    hour: int
    actor: str
    act: str
    subject: str
    signed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditReport:
    """A chain that holds. ``strangers`` are actors whose keys the verifier was not given; ``head`` is hexadecimal."""

    entries: int
    unsigned: int
    strangers: tuple[str, ...]
    head: str


def signers_of(roster: Roster) -> dict[str, set[bytes]]:
    """Return who signs with what: every signing key that a roster lists, given-up ones included.

    Rosters drop no entry, so the newest one is enough to verify the whole log.
    """
    signers: dict[str, set[bytes]] = {}
    for entry in roster.entries:
        if entry.signing is not None:
            signers.setdefault(entry.handle, set()).add(entry.signing)
    return signers


class AuditLog:
    """Appending and verifying. Acts that go with a change are appended by ``Change.record`` in its transaction."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def page(self, *, after: int | None = None, limit: int = limits.PAGE_ROWS) -> tuple[AuditEntry, ...]:
        """Return entries, newest first; ``after`` is the sequence that the page before ended with."""
        wanted = select(AuditRow).order_by(AuditRow.sequence.desc()).limit(limit)
        if after is not None:
            wanted = wanted.where(AuditRow.sequence < after)
        with reading(self._engine) as session:
            rows = session.scalars(wanted).all()
        return tuple(
            AuditEntry(
                sequence=row.sequence,
                hour=row.hour,
                actor=row.actor,
                act=row.act,
                subject=row.subject,
                signed=row.signature is not None,
            )
            for row in rows
        )

    def verify(self, signers: Mapping[str, Collection[bytes]]) -> AuditReport:
        """Check every entry: the chain, and each signature by a key that belonged to its actor.

        ``signers``: handle to the Ed25519 public keys (32 bytes) that the person has had.

        Raises:
            SealError: (code ``audit``) an entry was altered, removed, added or signed by another; ``detail`` gives the
                number of the first.
        """
        previous, sequence, unsigned = bytes(32), 0, 0
        strangers: set[str] = set()
        with reading(self._engine) as session:
            head = session.get(VaultState, 1)
            log = select(AuditRow).order_by(AuditRow.sequence).execution_options(yield_per=_AT_ONCE)
            with closing(session.scalars(log)) as rows:
                for row in rows:
                    sequence += 1
                    _check_entry(row, sequence=sequence, previous=previous)
                    if row.signer is None or row.signature is None:
                        unsigned += 1
                    elif row.actor not in signers:
                        strangers.add(row.actor)
                    elif row.signer not in signers[row.actor]:
                        raise _broken(sequence, "signed with a key that was never its actor's")
                    previous = row.hash
        if head is None or (head.audit_sequence, head.audit_hash) != (sequence, previous):
            raise _broken(sequence + 1, "the log ends before its head")
        return AuditReport(entries=sequence, unsigned=unsigned, strangers=tuple(sorted(strangers)), head=previous.hex())


def append(
    session: Session, state: VaultState, act: Act, *, hour: int, actor: str, subject: str, signer: Signer | None
) -> None:
    """Append one entry inside the caller's transaction; ``state`` is the locked row of the vault.

    Raises:
        StoreError: an actor or subject that is not a short id.
    """
    if not _WORD.fullmatch(actor) or not _WORD.fullmatch(subject):
        raise StoreError("this cannot be logged", detail="actor or subject is not a short id")
    sequence, previous = state.audit_sequence + 1, state.audit_hash
    public = signer.public if signer is not None else None
    statement = _statement(
        sequence=sequence, hour=hour, actor=actor, act=act.value, subject=subject, previous=previous, signer=public
    )
    digest = hashlib.sha256(statement).digest()
    session.add(
        AuditRow(
            sequence=sequence,
            hour=hour,
            actor=actor,
            act=act.value,
            subject=subject,
            previous=previous,
            hash=digest,
            signer=public,
            signature=signer.sign(LABEL, statement) if signer is not None else None,
        )
    )
    state.audit_sequence, state.audit_hash = sequence, digest


def _statement(
    *, sequence: int, hour: int, actor: str, act: str, subject: str, previous: bytes, signer: bytes | None
) -> bytes:
    return encode_canonical(
        {
            "act": act,
            "actor": actor,
            "hour": hour,
            "previous": previous.hex(),
            "sequence": sequence,
            "signer": signer.hex() if signer is not None else None,
            "subject": subject,
        }
    )


def _check_entry(row: AuditRow, *, sequence: int, previous: bytes) -> None:
    statement = _statement(
        sequence=row.sequence,
        hour=row.hour,
        actor=row.actor,
        act=row.act,
        subject=row.subject,
        previous=row.previous,
        signer=row.signer,
    )
    if row.sequence != sequence or row.previous != previous:
        raise _broken(sequence, "an entry before it was removed or altered")
    if not hmac.compare_digest(row.hash, hashlib.sha256(statement).digest()):
        raise _broken(sequence, "it was altered")
    if (row.signer is None) != (row.signature is None):
        raise _broken(sequence, "its signature was removed")
    if row.signer is not None and row.signature is not None:
        try:
            verify_signature(row.signer, LABEL, statement, row.signature)
        except SealError:
            raise _broken(sequence, "its signature does not fit") from None


def _broken(sequence: int, why: str) -> SealError:
    return SealError("the audit log was tampered with", code="audit", detail=f"audit entry {sequence}: {why}")
