"""The vault's tables: sealed objects, cases and their items, marks, the outbox, the audit log, rotations.

What is in the clear here is what the handbook grants under "What is promised, and what is not": counts, states, in
which order cases were changed, staff handles and whole hours. A source appears only as a tag that cannot be matched
with anything the mailbox stores.
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar, Final

from sqlalchemy import BigInteger, ForeignKey, Index, MetaData, UniqueConstraint, text
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedAsDataclass, mapped_column

from fieldreport.store import column_bytes, conventional_metadata


class CaseState(StrEnum):
    """How far the newsroom's work on a case is."""

    NEW = "new"
    READING = "reading"
    VERIFYING = "verifying"
    WRITING = "writing"
    PUBLISHED = "published"
    CLOSED = "closed"


class Ending(StrEnum):
    """Why nothing but a tombstone is left of a case."""

    WITHDRAWN = "withdrawn"
    DELETED = "deleted"


class RotationState(StrEnum):
    """How far the replacement of one person's key has come; see ``keys.rotation_state``."""

    ORDERED = "ordered"
    REQUESTED = "requested"
    APPROVED = "approved"
    REWRAPPED = "rewrapped"
    DESTROYED = "destroyed"


class VaultBase(MappedAsDataclass, DeclarativeBase, kw_only=True):
    """The declarative base of every table in the vault's database."""

    metadata: ClassVar[MetaData] = conventional_metadata()


class VaultState(VaultBase, kw_only=True):
    """One row, locked by every change: the highest roster epoch seen, the collecting round, the audit log's head.

    ``revision`` counts the changes of cases; see ``Case.revision``. ``junk``: the object with the rules of
    ``cases.junk``.
    """

    __tablename__ = "vault_state"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    highest_epoch: Mapped[int] = mapped_column(BigInteger)
    batch: Mapped[int]
    revision: Mapped[int] = mapped_column(BigInteger, default=0)
    audit_sequence: Mapped[int]
    audit_hash: Mapped[bytes] = mapped_column(column_bytes(32))
    junk: Mapped[bytes | None] = mapped_column(column_bytes(16), default=None, repr=False)


class RecipientSet(VaultBase, kw_only=True):
    """A set of keys that objects are sealed to: key ids, sorted, joined by commas. Empty: not known yet."""

    __tablename__ = "recipient_sets"

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    keys: Mapped[str] = mapped_column(unique=True)


class RecipientKey(VaultBase, kw_only=True):
    """The members of each set, so that 'which objects name this key' is one indexed question."""

    __tablename__ = "recipient_keys"

    set_id: Mapped[int] = mapped_column(ForeignKey("recipient_sets.id"), primary_key=True)
    key_id: Mapped[str] = mapped_column(primary_key=True, index=True)


class SealedObject(VaultBase, kw_only=True):
    """One age file: its header here, payload here or in a blob, exactly one of the two set.

    ``hidden`` is the header under the row key in ``slot``, see ``store.row_keys``.
    ``thread`` and ``epoch`` are what the sealed inner header must say. ``limited`` is the case whose named readers it
    is for, empty while it is for every editor. ``damage`` is set once a header can never be opened again.
    """

    __tablename__ = "objects"
    # Re-wrapping walks along it: the objects of one set, of those the ones with the same readers, by their ids.
    __table_args__ = (Index(None, "set_id", "limited", "id"),)

    id: Mapped[bytes] = mapped_column(column_bytes(16), primary_key=True)
    kind: Mapped[int]
    thread: Mapped[bytes] = mapped_column(column_bytes(16))
    epoch: Mapped[int] = mapped_column(BigInteger)
    set_id: Mapped[int] = mapped_column(ForeignKey("recipient_sets.id"))
    limited: Mapped[bytes | None] = mapped_column(column_bytes(16), default=None)
    damage: Mapped[str | None] = mapped_column(default=None)
    size: Mapped[int] = mapped_column(BigInteger)
    blob: Mapped[str | None] = mapped_column(index=True)
    slot: Mapped[int] = mapped_column(BigInteger)
    # Last, so that walking over the table does not walk over them.
    hidden: Mapped[bytes] = mapped_column(column_bytes(), repr=False)
    payload: Mapped[bytes | None] = mapped_column(column_bytes(), repr=False)


class Case(VaultBase, kw_only=True):
    """All that one source has sent and been answered.

    ``source`` is SHA-256 over a domain and the codename's lookup, empty once the case has ended. ``sequence`` numbers
    the items; ``last_letter`` is the sequence of the newest letter. ``readers`` are the names that the case is limited
    to, of editors or a desk, sorted, joined by commas; empty where every editor reads. ``CaseReaders`` has them signed.

    ``revision`` is the number of the latest change of a case, given by ``Change``: it says which cases an index in
    memory has to read again, and which was touched last.

    ``opener`` is the editor who signed name, source and ``reply_tag``, with a key of the roster ``opener_epoch``; see
    ``cases.origin``.
    """

    __tablename__ = "cases"
    __table_args__ = (Index(None, "ended", "state"),)  # counts by state

    id: Mapped[bytes] = mapped_column(column_bytes(16), primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    source: Mapped[bytes | None] = mapped_column(column_bytes(32), unique=True, repr=False)
    state: Mapped[str] = mapped_column(default=CaseState.NEW.value)
    assignee: Mapped[str | None] = mapped_column(default=None)
    opened: Mapped[int]
    active: Mapped[int]
    revision: Mapped[int] = mapped_column(BigInteger, default=0, index=True)
    sequence: Mapped[int] = mapped_column(default=0)
    last_letter: Mapped[int] = mapped_column(default=0)
    letters: Mapped[int] = mapped_column(default=0)
    damaged: Mapped[int] = mapped_column(default=0)
    ended: Mapped[str | None] = mapped_column(default=None)
    card: Mapped[bytes | None] = mapped_column(column_bytes(16), default=None)
    readers: Mapped[str | None] = mapped_column(default=None)
    opener: Mapped[str | None] = mapped_column(default=None)
    opener_epoch: Mapped[int | None] = mapped_column(BigInteger, default=None)
    opener_signature: Mapped[bytes | None] = mapped_column(column_bytes(64), default=None)
    reply_tag: Mapped[bytes | None] = mapped_column(column_bytes(32), default=None, repr=False)


class CaseReaders(VaultBase, kw_only=True):
    """One act that set who reads a case: ``readers`` as in ``Case``, signed by ``setter``; see ``readers``."""

    __tablename__ = "case_readers"

    case_id: Mapped[bytes] = mapped_column(column_bytes(16), ForeignKey("cases.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    readers: Mapped[str | None]
    setter: Mapped[str]
    epoch: Mapped[int] = mapped_column(BigInteger)
    signature: Mapped[bytes] = mapped_column(column_bytes(64))


class Item(VaultBase, kw_only=True):
    """A letter, a sent reply, a note, or what was made of a sealed file in a letter.

    ``id`` is its object's id; ``case_id`` is empty until a letter is sorted.
    A letter's row outlives its object: what was deleted is not taken in again. ``batch`` is the round that collected
    it; ``hour`` is the one its manifest states.
    """

    __tablename__ = "items"
    __table_args__ = (Index(None, "case_id", "sequence"), Index(None, "case_id", "batch", "id"))

    id: Mapped[bytes] = mapped_column(column_bytes(16), primary_key=True)
    case_id: Mapped[bytes | None] = mapped_column(column_bytes(16), ForeignKey("cases.id"))
    kind: Mapped[int]
    sequence: Mapped[int]
    hour: Mapped[int]
    batch: Mapped[int] = mapped_column(default=0)
    author: Mapped[str | None] = mapped_column(default=None)
    damage: Mapped[str | None] = mapped_column(default=None)
    gone: Mapped[bool] = mapped_column(default=False)


class Rendition(VaultBase, kw_only=True):
    """What was made of an attachment to be shown: part ``number`` of a letter as ``view``, in a sealed object."""

    __tablename__ = "renditions"

    item_id: Mapped[bytes] = mapped_column(column_bytes(16), ForeignKey("items.id"), primary_key=True, repr=False)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    view: Mapped[str] = mapped_column(primary_key=True)
    object_id: Mapped[bytes] = mapped_column(column_bytes(16), repr=False)


class Mark(VaultBase, kw_only=True):
    """What one editor has read and starred. No times: who read what and when is private."""

    __tablename__ = "marks"
    __table_args__ = (Index(None, "handle", "starred"),)

    case_id: Mapped[bytes] = mapped_column(column_bytes(16), ForeignKey("cases.id"), primary_key=True)
    handle: Mapped[str] = mapped_column(primary_key=True)
    read_sequence: Mapped[int] = mapped_column(default=0)
    starred: Mapped[bool] = mapped_column(default=False)


class Outgoing(VaultBase, kw_only=True):
    """A reply that the mailbox has not confirmed yet. Only here, and only so long, does the vault hold an index.

    ``hidden``, under the row key in ``slot``, is all of the reply, so that delivering it destroys what ties it to its
    case; see ``cases.outbox``.
    """

    __tablename__ = "outbox"

    item_id: Mapped[bytes] = mapped_column(column_bytes(16), ForeignKey("items.id"), primary_key=True)
    slot: Mapped[int] = mapped_column(BigInteger)
    hidden: Mapped[bytes] = mapped_column(column_bytes(), repr=False)


class Unsent(VaultBase, kw_only=True):
    """What one editor has typed on a case and not sent, under the row key in ``slot``; see ``cases.unsent``.

    ``hidden`` is sealed to that editor alone. ``id`` is new with each version.
    """

    __tablename__ = "unsent"
    __table_args__ = (UniqueConstraint("case_id", "handle"),)

    id: Mapped[bytes] = mapped_column(column_bytes(16), primary_key=True)
    case_id: Mapped[bytes] = mapped_column(column_bytes(16), ForeignKey("cases.id"))
    handle: Mapped[str] = mapped_column(index=True)
    slot: Mapped[int] = mapped_column(BigInteger)
    hidden: Mapped[bytes] = mapped_column(column_bytes(), repr=False)


class ShownSheet(VaultBase, kw_only=True):
    """A limited case's fact sheet as colleagues see it who do not read the case; see ``cases.shown_sheets``.

    ``hidden``, under the row key in ``slot``, is all of it. ``id`` is new with each version.
    """

    __tablename__ = "shown_sheets"

    case_id: Mapped[bytes] = mapped_column(column_bytes(16), ForeignKey("cases.id"), primary_key=True)
    id: Mapped[bytes] = mapped_column(column_bytes(16))
    slot: Mapped[int] = mapped_column(BigInteger)
    hidden: Mapped[bytes] = mapped_column(column_bytes(), repr=False)


class Withdrawal(VaultBase, kw_only=True):
    """A source who withdrew while older letters could not be opened yet; kept until none of those is left."""

    __tablename__ = "withdrawals"

    source: Mapped[bytes] = mapped_column(column_bytes(32), primary_key=True, repr=False)
    batch: Mapped[int]
    hour: Mapped[int]


class Unsigned(VaultBase, kw_only=True):
    """An object or a case from before signing: SHA-256 of its id, and who adopted it; see ``adoption``."""

    __tablename__ = "unsigned"

    digest: Mapped[bytes] = mapped_column(column_bytes(32), primary_key=True)
    adopter: Mapped[str | None] = mapped_column(default=None)
    epoch: Mapped[int | None] = mapped_column(BigInteger, default=None)
    signature: Mapped[bytes | None] = mapped_column(column_bytes(64), default=None)


READERS_SET: Final = "case-readers-set"
_IS_READERS_SET: Final = text(f"act = '{READERS_SET}'")


class AuditRow(VaultBase, kw_only=True):
    """One entry of the log; see ``audit`` for what is hashed and signed."""

    __tablename__ = "audit"
    __table_args__ = (
        Index(None, "subject", "act"),  # how many versions of a card or an article there were
        # Which cases had their readers set, asked before each re-wrapping.
        Index("ix_audit_readers_set", "subject", sqlite_where=_IS_READERS_SET, postgresql_where=_IS_READERS_SET),
    )

    sequence: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    hour: Mapped[int]
    actor: Mapped[str]
    act: Mapped[str]
    subject: Mapped[str]
    previous: Mapped[bytes] = mapped_column(column_bytes(32))
    hash: Mapped[bytes] = mapped_column(column_bytes(32))
    signer: Mapped[bytes | None] = mapped_column(column_bytes(32))
    signature: Mapped[bytes | None] = mapped_column(column_bytes(64))
    salt: Mapped[bytes | None] = mapped_column(column_bytes(16), default=None, repr=False)


class SecondFactor(VaultBase, kw_only=True):
    """The last one-time code that each person used, to the hour; see ``staff.second_factor``."""

    __tablename__ = "second_factors"

    handle: Mapped[str] = mapped_column(primary_key=True)
    counter: Mapped[int] = mapped_column(BigInteger)


class PasskeyCounter(VaultBase, kw_only=True):
    """How often a passkey was used, as its authenticator counts; of those that do not count it is 0.

    ``id``: SHA-256 of the credential's id. It only shows copies of an authenticator; see ``staff.second_factor``.
    """

    __tablename__ = "passkey_counters"

    id: Mapped[bytes] = mapped_column(column_bytes(32), primary_key=True, repr=False)
    counter: Mapped[int] = mapped_column(BigInteger)


class Rotation(VaultBase, kw_only=True):
    """The replacement of one person's key. ``request`` is public: a new public key, signed by its owner."""

    __tablename__ = "rotations"
    __table_args__ = (UniqueConstraint("handle", "old_key_id"),)

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    handle: Mapped[str]
    old_key_id: Mapped[str]
    new_key_id: Mapped[str | None] = mapped_column(default=None)
    state: Mapped[str] = mapped_column(default=RotationState.ORDERED.value)
    request: Mapped[str | None] = mapped_column(default=None)
    epoch: Mapped[int | None] = mapped_column(BigInteger, default=None)
    hour: Mapped[int]


class Invitation(VaultBase, kw_only=True):
    """A one-time invitation to enrol under ``handle``, good until the hour ``until``. The code itself is nowhere."""

    __tablename__ = "invitations"

    handle: Mapped[str] = mapped_column(primary_key=True)
    code_hash: Mapped[bytes] = mapped_column(column_bytes(32), repr=False)
    until: Mapped[int]


class Enrolment(VaultBase, kw_only=True):
    """A person who waits for the admin's approval. ``request`` is public: two public keys, signed with one of them."""

    __tablename__ = "enrolments"

    handle: Mapped[str] = mapped_column(primary_key=True)
    request: Mapped[str]
    hour: Mapped[int]
