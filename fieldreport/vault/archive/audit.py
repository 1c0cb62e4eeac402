"""The log of acts that matter: each entry is chained to the one before by its hash and signed by the person who acted.

An entry holds who did what to which case, article, key or person, in which hour. Never content: an act is one of a
closed list, a subject is a short id. The signed bytes are canonical JSON; FORMAT.md, "Audit entry". What an entry says
is hashed with a salt of its own, so that somebody can be shown an entry and its place without the entries of others.

Rules: only the acts of ``UNSIGNED`` may lack a signature, each in the one name given there. Every other signature is by
a key that a roster of that time gives to the actor; see ``Tenure``.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from sqlalchemy import ColumnElement, Engine, ScalarResult, select
from sqlalchemy.orm import Session

from fieldreport import limits
from fieldreport.errors import SealError, StoreError
from fieldreport.seal import AuditHead, KeyState, Role, Roster, decode_canonical, encode_canonical, verify_signature
from fieldreport.sentence import Sentence
from fieldreport.store import reading
from fieldreport.vault.archive.tables import READERS_SET, AuditRow, VaultState

LABEL: Final = "audit-entry"
NOBODY: Final = "desk"
"""The actor of what the desk does while nobody is unlocked."""
_SALT_BYTES: Final = 16
_AT_ONCE: Final = 500  # entries in memory while verifying, however long the log is
_WORD: Final = re.compile(r"[A-Za-z0-9 ._:-]{0,80}")


class Act(StrEnum):
    """Everything that is logged."""

    UNLOCKED = "unlocked"
    UNLOCK_REFUSED = "unlock-refused"
    LOCKED = "locked"
    LOCKED_ALL = "locked-all"
    DEVICES_FORGOTTEN = "devices-forgotten"
    PASSPHRASE_CHANGED = "passphrase-changed"  # noqa: S105 - no passphrase
    RECOVERY_CODE_USED = "recovery-code-used"
    RECOVERY_CODES_MADE = "recovery-codes-made"
    PASSKEY_ADDED = "passkey-added"
    PASSKEY_REMOVED = "passkey-removed"
    PASSKEY_USED = "passkey-used"
    KEY_FILE_BOUND = "key-file-bound"
    KEY_FILE_UNBOUND = "key-file-unbound"
    AUTHENTICATOR_REPLACED = "authenticator-replaced"
    CASE_STATE = "case-state"
    CASE_ASSIGNED = "case-assigned"
    CASE_LIMITED = "case-limited"
    READERS_SET = READERS_SET
    CASE_DELETED = "case-deleted"
    CASE_PURGED = "case-purged"
    CASE_WITHDRAWN = "case-withdrawn"
    CASE_EXPORTED = "case-exported"
    CASE_RECEIVED = "case-received"
    REPLIED = "replied"
    NOTED = "noted"
    CARD_SAVED = "card-saved"
    SHEET_SHOWN = "sheet-shown"
    SHEET_SEALED = "sheet-sealed"
    SHEET_TAKEN_BACK = "sheet-taken-back"
    JUNK_RULES_SAVED = "junk-rules-saved"
    SOURCE_SEALED_OPENED = "source-sealed-opened"
    ARTICLE_CREATED = "article-created"
    ARTICLE_SAVED = "article-saved"
    ARTICLE_REDACTED = "article-redacted"
    ARTICLE_SUBMITTED = "article-submitted"
    ARTICLE_RETURNED = "article-returned"
    ARTICLE_SIGNED_OFF = "article-signed-off"
    ARTICLE_ANSWERED = "article-answered"
    ARTICLE_OVERRIDDEN = "article-overridden"
    ARTICLE_SCHEDULED = "article-scheduled"
    ARTICLE_HELD = "article-held"
    ARTICLE_LET_GO = "article-let-go"
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
    STAFF_SUSPENDED = "staff-suspended"
    STAFF_RESUMED = "staff-resumed"
    STAFF_ADDRESSED = "staff-addressed"
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
    LETTERBOX_SET = "letterbox-set"
    INVITATION_SET = "invitation-set"
    REGISTER_EXPORTED = "register-exported"
    AUDIT_EXPORTED = "audit-exported"
    HEAD_ACCEPTED = "head-accepted"
    ADOPTED = "adopted"
    READERS_ADOPTED = "readers-adopted"


UNSIGNED: Final[Mapping[str, frozenset[Act]]] = {
    NOBODY: frozenset({Act.UNLOCK_REFUSED, Act.ENROLMENT_REQUESTED}),
    Role.RECOVERY: frozenset({Act.RECOVERY_REHEARSED, Act.RECOVERY_USED, Act.CASE_LIMITED, Act.CASE_WITHDRAWN}),
}
"""Every act that may lack a signature: by the desk, and by a recovery key from before recovery keys signed."""


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
class Remembered:
    """A head that was remembered outside the database, and by whom or what."""

    by: str
    head: AuditHead


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditReport:
    """A log that holds. ``unsigned`` is a number of entries; ``head`` the hash of the last one, hexadecimal.

    ``held``: the remembered heads that it was compared with and holds; ``accepted``: those that it lacks and an admin
    accepted; ``newer``: of a file, those of entries that were written after it.
    """

    entries: int
    unsigned: int
    head: str
    held: tuple[Remembered, ...]
    accepted: tuple[Remembered, ...]
    newer: tuple[Remembered, ...] = ()


class AuditLog:
    """Appending and verifying. Acts that go with a change are appended by ``Change.record`` in its transaction."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def page(
        self, *, after: int | None = None, limit: int = limits.PAGE_ROWS, where: Sequence[ColumnElement[bool]] = ()
    ) -> tuple[AuditEntry, ...]:
        """Return entries, newest first; ``after`` is the sequence that the page before ended with.

        ``where``: what they must be like, see ``audit_filter``.
        """
        wanted = select(AuditRow).where(*where).order_by(AuditRow.sequence.desc()).limit(limit)
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

    def entries(self) -> Iterator[AuditRow]:
        """Return every entry whole, the oldest first; they are read as they are taken."""
        with reading(self._engine) as session, closing(_all(session)) as rows:
            yield from rows

    def head(self) -> AuditHead | None:
        """Return the last entry's number and hash; ``None`` while there is none."""
        with reading(self._engine) as session:
            state = session.get_one(VaultState, 1)
            return AuditHead(number=state.audit_sequence, hash=state.audit_hash) if state.audit_sequence else None

    def lacking(self, remembered: Collection[Remembered], roster: Roster) -> tuple[Remembered, ...]:
        """Return those heads that the log does not hold and no admin of ``roster`` has accepted as lost."""
        with reading(self._engine) as session:
            return tuple(
                one for one in remembered if not _holds(session, one.head) and not _accepted(session, one.head, roster)
            )

    def check_heads(self, remembered: Collection[Remembered], roster: Roster) -> None:
        """Check that the log holds these heads.

        Raises:
            SealError: (code ``audit-head``) it lacks one that no admin of ``roster`` has accepted as lost.
        """
        for one in self.lacking(remembered, roster):
            raise SealError(
                "the audit log is not the one that was here before",
                code="audit-head",
                detail=Sentence(
                    "the audit log lacks entry %(number)s (%(hash)s), which %(handle)s remembers",
                    number=one.head.number,
                    hash=one.head.hash.hex(),
                    handle=one.by,
                ),
            )

    def verify(
        self,
        rosters: Sequence[Roster],
        remembered: Collection[Remembered] = (),
        *,
        each: Callable[[AuditRow], None] = lambda _row: None,
    ) -> AuditReport:
        """Check every entry: the chain, and who signed it; then that the log holds these heads.

        ``rosters``: every verified one that is known, the oldest first. ``each`` is given every entry when it was
        checked; nothing of them counts until this has returned.

        Raises:
            SealError: (code ``audit``) an entry was altered, removed, added, or signed by another than its actor, or
                not at all; ``detail`` gives the number of the first. (code ``audit-head``) as ``check_heads``.
        """
        with reading(self._engine) as session:
            head = session.get(VaultState, 1)
            with closing(_all(session)) as rows:
                sequence, previous, unsigned = check_chain(rows, rosters, each=each)
            held = tuple(one for one in remembered if _holds(session, one.head))
        if head is None or (head.audit_sequence, head.audit_hash) != (sequence, previous):
            raise broken(sequence + 1, Sentence("the log ends before its head"))
        self.check_heads(remembered, rosters[-1])
        return AuditReport(
            entries=sequence,
            unsigned=unsigned,
            head=previous.hex(),
            held=held,
            accepted=tuple(one for one in remembered if one not in held),
        )


def check_chain(
    rows: Iterable[AuditRow], rosters: Sequence[Roster], *, each: Callable[[AuditRow], None] = lambda _row: None
) -> tuple[int, bytes, int]:
    """Check entries from the first on: the chain, and who signed; return their number, the last hash, those unsigned.

    Raises as ``AuditLog.verify``; ``each`` as there.
    """
    sequence, previous, unsigned = 0, bytes(32), 0
    tenure = Tenure(rosters)
    for row in rows:
        sequence += 1
        check_entry(row, sequence=sequence, previous=previous)
        unsigned += row.signer is None
        tenure.check(row)
        each(row)
        previous = row.hash
    return sequence, previous, unsigned


def _all(session: Session) -> ScalarResult[AuditRow]:
    return session.scalars(select(AuditRow).order_by(AuditRow.sequence).execution_options(yield_per=_AT_ONCE))


class Tenure:
    """Who may have signed an entry: an actor whose key a roster of that time lists and does not revoke.

    A roster's time begins in its first hour. It ends when a later one has been valid for more than an hour, as shown by
    an entry that was accepted: entries come in order, so a former member of staff cannot date one back. The hour is for
    requests under way, and for the former admin, who signs the last entry of a hand-over after its roster.
    """

    def __init__(self, rosters: Sequence[Roster]) -> None:
        self._rosters = rosters
        self._from = 0  # the first roster that still counts

    def check(self, row: AuditRow) -> None:
        """Check the actor of the next entry; ``row``'s own signature fits. Raises as ``AuditLog.verify``."""
        if row.signer is None:
            self._check_unsigned(row)
            return
        if not any(_signs(roster, row) for roster in self._of_the_time(row)):
            raise broken(row.sequence, Sentence("its signer is not its actor in any roster of that time"))
        for number, roster in enumerate(self._rosters[self._from :], self._from):
            if _first_hour(roster) + 1 < row.hour:
                self._from = number

    def _of_the_time(self, row: AuditRow) -> list[Roster]:
        if row.act == Act.ADMIN_HANDED_OVER:  # cut off and repeated, it is signed by the former admin at any later time
            return list(self._rosters)
        # The oldest is not judged by its date: the files of those before it may be lost. One hour of grace, because the
        # clocks of the admin's machine and the desk's may differ.
        return [
            roster
            for number, roster in enumerate(self._rosters[self._from :], self._from)
            if number == 0 or _first_hour(roster) <= row.hour + 1
        ]

    def _check_unsigned(self, row: AuditRow) -> None:
        if row.actor == NOBODY:
            allowed = UNSIGNED[NOBODY]
        elif any(
            entry.handle == row.actor and entry.role is Role.RECOVERY and entry.signing is None
            for roster in self._rosters
            for entry in roster.entries
        ):
            allowed = UNSIGNED[Role.RECOVERY]
        else:
            raise broken(row.sequence, Sentence("it is not signed"))
        if row.act not in allowed:
            raise broken(row.sequence, Sentence("this act is always signed, and it is not"))


def _signs(roster: Roster, row: AuditRow) -> bool:
    return row.actor not in roster.suspended and any(
        entry.handle == row.actor
        and entry.signing == row.signer
        and (entry.state is not KeyState.REVOKED or row.act == Act.ADMIN_HANDED_OVER)
        for entry in roster.entries
    )


def _first_hour(roster: Roster) -> int:
    return int(roster.not_before.timestamp() // 3600)


def is_signed_by(row: AuditRow, signers: Mapping[str, Container[bytes]]) -> bool:
    """Whether one entry, looked at alone, is signed by a key of its actor; ``signers``: handle to keys."""
    try:
        check_entry(row, sequence=row.sequence, previous=row.previous)
    except SealError:
        return False
    return row.signer is not None and row.signer in signers.get(row.actor, ())


def append(
    session: Session, state: VaultState, act: Act, *, hour: int, actor: str, subject: str, signer: Signer | None
) -> None:
    """Append one entry inside the caller's transaction; ``state`` is the locked row of the vault.

    Raises:
        StoreError: an actor or subject that is not a short id; or nobody signs an act that is always signed.
    """
    if signer is None and act not in UNSIGNED[NOBODY if actor == NOBODY else Role.RECOVERY]:
        raise StoreError("this cannot be logged", detail=f"the act {act} is always signed")
    if not _WORD.fullmatch(actor) or not _WORD.fullmatch(subject):
        raise StoreError("this cannot be logged", detail="actor or subject is not a short id")
    sequence, previous = state.audit_sequence + 1, state.audit_hash
    row = AuditRow(
        sequence=sequence,
        hour=hour,
        actor=actor,
        act=act.value,
        subject=subject,
        previous=previous,
        hash=b"",
        signer=signer.public if signer is not None else None,
        signature=None,
        salt=secrets.token_bytes(_SALT_BYTES),
    )
    statement = statement_of(row)
    row.hash = hashlib.sha256(statement).digest()
    row.signature = signer.sign(LABEL, statement) if signer is not None else None
    session.add(row)
    state.audit_sequence, state.audit_hash = sequence, row.hash


def statement_of(row: AuditRow) -> bytes:
    """The bytes whose SHA-256 is the entry's hash, and that its actor signs."""
    said = {
        "act": row.act,
        "actor": row.actor,
        "hour": row.hour,
        "signer": row.signer.hex() if row.signer is not None else None,
        "subject": row.subject,
    }
    if row.salt is None:  # an entry from before entries had one
        return encode_canonical({**said, "previous": row.previous.hex(), "sequence": row.sequence})
    content = hashlib.sha256(encode_canonical({**said, "salt": row.salt.hex()})).digest()
    return place_of(content, sequence=row.sequence, previous=row.previous)


def place_of(content: bytes, *, sequence: int, previous: bytes) -> bytes:
    """As ``statement_of``, from the hash of what an entry says: its place in the chain, and nothing of what it says."""
    return encode_canonical({"content": content.hex(), "previous": previous.hex(), "sequence": sequence})


def content_of(row: AuditRow) -> bytes | None:
    """The hash of what an entry says, 32 bytes; nothing for one from before there were salts."""
    return None if row.salt is None else bytes.fromhex(decode_canonical(statement_of(row))["content"])


def _holds(session: Session, head: AuditHead) -> bool:
    row = session.get(AuditRow, head.number)
    return row is not None and row.hash == head.hash == hashlib.sha256(statement_of(row)).digest()


def _accepted(session: Session, head: AuditHead, roster: Roster) -> bool:
    admins = {(entry.handle, entry.signing) for entry in roster.entries if entry.role is Role.ADMIN}
    wanted = select(AuditRow).where(AuditRow.act == Act.HEAD_ACCEPTED.value, AuditRow.subject == str(head))
    for row in session.scalars(wanted):
        if row.signer is None or row.signature is None or (row.actor, row.signer) not in admins:
            continue
        with suppress(SealError):
            return verify_signature(row.signer, LABEL, statement_of(row), row.signature)
    return False


def check_entry(row: AuditRow, *, sequence: int, previous: bytes) -> None:
    """Check one entry's place, hash and signature; whose key it is, is ``Tenure``'s question. Raises as ``verify``."""
    statement = statement_of(row)
    if row.sequence != sequence or row.previous != previous:
        raise broken(sequence, Sentence("an entry before it was removed or altered"))
    if not hmac.compare_digest(row.hash, hashlib.sha256(statement).digest()):
        raise broken(sequence, Sentence("it was altered"))
    if (row.signer is None) != (row.signature is None):
        raise broken(sequence, Sentence("its signature was removed"))
    if row.signer is not None and row.signature is not None:
        try:
            verify_signature(row.signer, LABEL, statement, row.signature)
        except SealError:
            raise broken(sequence, Sentence("its signature does not fit")) from None


def broken(sequence: int, why: Sentence) -> SealError:
    """The error for a log that is not as it was written."""
    detail = Sentence("audit entry %(number)s: %(why)s", number=sequence, why=why)
    return SealError("the audit log was tampered with", code="audit", detail=detail)
