"""What a roster says: the newsroom's public keys at one epoch, and who may do what with them.

Rules: the signatures are checked over the exact bytes before anything in them is looked at; then the bytes are parsed
strictly, and only canonical JSON with every key known, every entry in order and every bound kept is a roster. The bytes
are specified in FORMAT.md, "Roster".
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from typing_extensions import override

from fieldreport import limits
from fieldreport.config import is_demo
from fieldreport.errors import NotFound, RosterError, SealError
from fieldreport.seal import canonical
from fieldreport.seal.hybrid import HybridRecipient
from fieldreport.seal.inner_header import Binding, Kind
from fieldreport.seal.signatures import ED25519_PUBLIC_BYTES, AdminPublic
from fieldreport.sentence import Sentence

ROSTER_LABEL: Final = "roster"
NO_PREVIOUS: Final = bytes(32)
"""What the first roster names as the one before it."""

_FORMAT: Final = "fieldreport-roster-v1"
_FORMAT_WITH_HEAD: Final = "fieldreport-roster-v2"
_FORMAT_WITH_ADDRESSEES: Final = "fieldreport-roster-v3"
_FORMATS: Final = frozenset({_FORMAT, _FORMAT_WITH_HEAD, _FORMAT_WITH_ADDRESSEES})
_TIME: Final = "%Y-%m-%dT%H:%M:%SZ"
HANDLE: Final = "[a-z][a-z0-9-]{0,31}"
"""The pattern of a handle."""
_HEX: Final = re.compile(r"(?:[0-9a-f]{2})*")
_KEYS: Final = frozenset({"entries", "epoch", "format", "instance", "not_after", "not_before", "previous"})
_HEAD_KEYS: Final = frozenset({"hash", "number"})
_ENTRY_KEYS: Final = frozenset({"handle", "key_id", "recipient", "role", "signing", "state"})


class Role(StrEnum):
    """Editors read and sign; admins sign rosters and read nothing; recovery is an offline key in word shares."""

    EDITOR = "editor"
    ADMIN = "admin"
    RECOVERY = "recovery"


class KeyState(StrEnum):
    """What a key may still do.

    Active keys are sealed to. A suspended person's key is sealed to only where a case names its readers: nobody else
    might be able to open it when they return. Decrypt-only ones await re-wrapping. Revoked ones stay as a record of
    signatures.
    """

    ACTIVE = "active"
    SUSPENDED = "suspended"
    DECRYPT_ONLY = "decrypt-only"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One key of one person.

    ``handle``: ``[a-z][a-z0-9-]*``, at most 32 characters. ``recipient``: what is sealed to, ``None`` for admins.
    ``signing``: Ed25519 public key (32 bytes) of sign-offs and audit entries, ``None`` for an older recovery key.
    ``key_id``: 32 hexadecimal digits, of SHA-256 over the recipient's bytes, or over the signing key's for admins.
    ``addressees``: names under which sources may address an editor: of their desks, and their own handle.
    """

    handle: str
    role: Role
    key_id: str
    recipient: HybridRecipient | None
    signing: bytes | None
    state: KeyState
    addressees: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self._check_shape()
        public = self.recipient.public if self.recipient is not None else self.signing
        if public is None or self.key_id != key_id(public):
            raise malformed("a key id does not match its key")

    def _check_shape(self) -> None:
        if not is_handle(self.handle):
            raise malformed("a handle is lower-case letters, digits and hyphens, 32 at most")
        if self.handle == "admin" and self.role is not Role.ADMIN:
            raise malformed("the handle 'admin' is an admin's: admin.pub would mean two things")
        if (self.recipient is None) != (self.role is Role.ADMIN):
            raise malformed("everybody but an admin has a key that is sealed to")
        if self.signing is None and self.role is not Role.RECOVERY:
            raise malformed("everybody but a recovery key from before they signed has a signing key")
        if self.signing is not None and len(self.signing) != ED25519_PUBLIC_BYTES:
            raise malformed("a signing key has 32 bytes")
        if self.role is Role.ADMIN and self.state is KeyState.DECRYPT_ONLY:
            raise malformed("an admin's key decrypts nothing")
        if self.state is KeyState.SUSPENDED and self.role is not Role.EDITOR:
            raise malformed("only editors are suspended")
        if self.addressees and self.role is not Role.EDITOR:
            raise malformed("only editors are addressed")
        if not all(map(is_handle, self.addressees)) or list(self.addressees) != sorted(set(self.addressees)):
            raise malformed("addressees are names like handles, in their order, none twice")

    def pub_file(self) -> str:
        """The text of ``<handle>.pub``, the copy for people next to the roster. No program reads it."""
        lines = [f"handle {self.handle}", f"role {self.role}", f"state {self.state}", f"key {self.key_id}"]
        if self.signing is not None:
            lines.append(f"ed25519 {self.signing.hex()}")
        if self.recipient is not None:
            lines.append(str(self.recipient))
        return "\n".join(lines) + "\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditHead:
    """The last entry of the desk's audit log at some moment: ``number`` from 1, ``hash`` of 32 bytes.

    The hash covers every entry before it: a log that holds this entry holds all of them, unchanged.
    """

    number: int
    hash: bytes

    @override
    def __str__(self) -> str:
        return f"{self.number} {self.hash.hex()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    """A roster whose signatures were verified, or that is about to be signed.

    ``instance``: 16 bytes. ``epoch``: 1 and up. ``previous``: SHA-256 of the roster before it. ``sha256``: of the exact
    bytes of this one. Times are UTC, in whole seconds; valid from ``not_before`` until just before ``not_after``.
    ``audit``: the audit log's head when the admin signed; ``None`` where there was no log yet, and in older rosters.
    ``addressed``: whether letters may ever have been addressed to some editors alone, which stays so.
    """

    instance: bytes
    epoch: int
    previous: bytes
    not_before: datetime
    not_after: datetime
    entries: tuple[Entry, ...]
    audit: AuditHead | None = None
    addressed: bool = False
    sha256: bytes = field(default=b"", compare=False)

    def recipients(self, *, only: Collection[str] | None = None) -> tuple[HybridRecipient, ...]:
        """Whom to seal to: every active editor and every active recovery key, in the roster's order.

        With ``only``, of the editors just those with these handles, also while they are suspended. The recovery key
        always reads, alone if it must: a case is not lost, and not shown to others, because the two who may read it
        have left.

        Raises:
            RosterError: (code ``roster-no-editor``) no editor could read it; with ``only``, no key at all.
        """
        return tuple(entry.recipient for entry in self._readers(only) if entry.recipient is not None)

    def binding(self, kind: Kind, *, thread: bytes, object_id: bytes) -> Binding:
        """Where something stands that is sealed to this roster; arguments and errors as of ``Binding``."""
        return Binding(
            kind=kind,
            epoch=self.epoch,
            roster=self.sha256,
            instance=self.instance,
            thread=thread,
            object=object_id,
        )

    def key_ids(self, *, only: Collection[str] | None = None) -> tuple[str, ...]:
        """The key ids of ``recipients()``, in the same order; raises the same."""
        return tuple(entry.key_id for entry in self._readers(only))

    @property
    def addressees(self) -> dict[str, frozenset[str]]:
        """Name to the handles of the active editors whom it means, of every name that means one now."""
        found: dict[str, set[str]] = {}
        for entry in self.entries:
            for name in entry.addressees if entry.state is KeyState.ACTIVE else ():
                found.setdefault(name, set()).add(entry.handle)
        return {name: frozenset(handles) for name, handles in sorted(found.items())}

    def meant_by(self, addressee: str) -> frozenset[str]:
        """The handles of the active editors whom letters to ``addressee`` are for.

        Raises:
            RosterError: (code ``roster-no-addressee``) nobody, now.
        """
        try:
            return self.addressees[addressee]
        except KeyError:
            raise RosterError(
                "nobody can be addressed by that name at the moment", code="roster-no-addressee"
            ) from None

    def _readers(self, only: Collection[str] | None) -> list[Entry]:
        states = {KeyState.ACTIVE} if only is None else {KeyState.ACTIVE, KeyState.SUSPENDED}
        readers = [
            entry
            for entry in self.entries
            if entry.state in states
            and entry.recipient is not None
            and (only is None or entry.handle in only or entry.role is Role.RECOVERY)
        ]
        if not any(entry.role is Role.EDITOR or only is not None for entry in readers):
            raise RosterError(Sentence("the roster names no active editor"), code="roster-no-editor")
        return readers

    @property
    def suspended(self) -> frozenset[str]:
        """The handles of those who are suspended: what they sign now does not count."""
        return frozenset(entry.handle for entry in self.entries if entry.state is KeyState.SUSPENDED)

    def entry(self, handle: str) -> Entry:
        """The active entry of a person.

        Raises:
            NotFound: (code ``roster-no-entry``) there is no active entry with that handle.
        """
        for entry in self.entries:
            if entry.handle == handle and entry.state is KeyState.ACTIVE:
                return entry
        raise NotFound("the roster has no active entry for that handle", code="roster-no-entry")

    def by_key(self, key_id: str) -> Entry:
        """The entry with that key id, whatever its state.

        Raises:
            NotFound: (code ``roster-no-entry``) the roster does not name that key.
        """
        for entry in self.entries:
            if entry.key_id == key_id:
                return entry
        raise NotFound("the roster does not name that key", code="roster-no-entry")


def is_handle(untrusted_text: str) -> bool:
    """Whether this can be a handle: ``[a-z][a-z0-9-]*``, at most 32 characters."""
    return re.fullmatch(HANDLE, untrusted_text) is not None


def fold_handle(untrusted_text: str) -> str:
    """What a person typed as a handle, without spaces around it and in lower case, as every handle is."""
    return untrusted_text.strip().lower()


def key_id(public: bytes) -> str:
    """32 hexadecimal digits: the first half of SHA-256 over a public key."""
    return hashlib.sha256(public).hexdigest()[:32]


def malformed(detail: str) -> RosterError:
    """The error for everything that is not a roster."""
    return RosterError("not a valid roster", detail=f"roster: {detail}", code="roster-malformed")


def of_another_instance(roster: Roster) -> RosterError:
    """The error for a roster that is not this newsroom's."""
    if is_demo(roster.instance):
        return RosterError(
            Sentence("the roster is a demonstration's; make a real newsroom with 'fieldreport init DIR'"),
            code="roster-instance",
        )
    return RosterError(Sentence("the roster is another newsroom's"), code="roster-instance")


def verify_roster(
    untrusted_raw: bytes,
    untrusted_signatures: bytes,
    admin: AdminPublic,
    *,
    instance: bytes | None,
    at: datetime | None,
) -> Roster:
    """Check both signatures over the exact bytes, then parse, then check instance and dates.

    Args:
        untrusted_raw: the bytes of ``roster.json``.
        untrusted_signatures: the bytes of ``roster.json.sig``.
        admin: whose signatures they must be; the caller has compared its fingerprint with the pinned one.
        instance: 16 bytes, whose roster it must be; ``None`` where only the admin's fingerprint is known.
        at: the moment it must be valid at; ``None`` skips that check, for rosters of the past.

    Raises:
        RosterError: ``roster-signature``, ``roster-malformed``, ``roster-instance``, ``roster-expired`` or
            ``roster-early``.
    """
    if len(untrusted_raw) > limits.ROSTER_BYTES:
        raise malformed("too long")
    try:
        admin.verify(ROSTER_LABEL, untrusted_raw, untrusted_signatures)
    except SealError:
        raise RosterError(Sentence("the roster is not signed by the admin"), code="roster-signature") from None
    roster = parse_roster(untrusted_raw)
    if instance is not None and roster.instance != instance:
        raise of_another_instance(roster)
    if at is not None:
        check_date(roster, at)
    return roster


def check_date(roster: Roster, at: datetime) -> None:
    """Refuse a roster outside its dates.

    Raises:
        RosterError: ``roster-expired`` or ``roster-early``.
    """
    if at >= roster.not_after:
        raise RosterError(
            Sentence(
                "the roster expired on %(day)s; the admin signs a new one", day=roster.not_after.strftime("%Y-%m-%d")
            ),
            code="roster-expired",
        )
    if at < roster.not_before:
        raise RosterError(
            Sentence(
                "the roster is valid from %(time)s UTC; is the clock right?",
                time=roster.not_before.strftime("%Y-%m-%d %H:%M"),
            ),
            code="roster-early",
        )


def encode_roster(roster: Roster) -> bytes:
    """The exact bytes to sign; ``sha256`` is not among them.

    Raises:
        RosterError: (code ``roster-malformed``) what ``parse_roster`` would refuse.
    """
    addressed = roster.addressed or any(entry.addressees for entry in roster.entries)
    entries = sort_entries(roster.entries)
    value: dict[str, Any] = {
        "entries": [
            _entry_value(entry) | ({"addressees": list(entry.addressees)} if addressed else {}) for entry in entries
        ],
        "epoch": roster.epoch,
        "format": _FORMAT,
        "instance": roster.instance.hex(),
        "not_after": roster.not_after.astimezone(UTC).strftime(_TIME),
        "not_before": roster.not_before.astimezone(UTC).strftime(_TIME),
        "previous": roster.previous.hex(),
    }
    if roster.audit is not None:
        head = {"hash": roster.audit.hash.hex(), "number": roster.audit.number}
        value |= {"audit": head, "format": _FORMAT_WITH_HEAD}
    if addressed:
        value |= {"audit": value.get("audit"), "format": _FORMAT_WITH_ADDRESSEES}
    raw = canonical.encode(value)
    if len(raw) > limits.ROSTER_BYTES:
        raise malformed("too long")
    parse_roster(raw)
    return raw


def sort_entries(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """The one order that a roster may have: by handle, then by key id."""
    return tuple(sorted(entries, key=_order))


def _order(entry: Entry) -> tuple[str, str]:
    return entry.handle, entry.key_id


def _entry_value(entry: Entry) -> dict[str, str | None]:
    return {
        "handle": entry.handle,
        "key_id": entry.key_id,
        "recipient": None if entry.recipient is None else str(entry.recipient),
        "role": str(entry.role),
        "signing": None if entry.signing is None else entry.signing.hex(),
        "state": str(entry.state),
    }


def parse_roster(raw: bytes) -> Roster:
    """Parse the bytes of a roster whose signatures were checked.

    Raises:
        RosterError: (code ``roster-malformed``) not canonical JSON, an unknown or missing key, a value of the wrong
            type or out of bounds, entries out of order or twice, or a key id that does not match its key.
    """
    try:
        value = canonical.decode(raw)
    except ValueError:
        raise malformed("not canonical JSON") from None
    if not isinstance(value, dict):
        raise malformed("unknown format")
    version = value.get("format")
    addressed = version == _FORMAT_WITH_ADDRESSEES
    if version not in _FORMATS or value.keys() != (_KEYS if version == _FORMAT else _KEYS | {"audit"}):
        raise malformed("unknown format")
    audit = value.get("audit")
    epoch, listed = value["epoch"], value["entries"]
    if type(epoch) is not int or not 1 <= epoch <= limits.ROSTER_EPOCHS:
        raise malformed("the epoch is out of bounds")
    if not isinstance(listed, list) or not 1 <= len(listed) <= limits.ROSTER_ENTRIES:
        raise malformed("no entries, or too many")
    previous = _bytes(value["previous"], 32)
    if (epoch == 1) != (previous == NO_PREVIOUS):
        raise malformed("only the first roster has none before it")
    not_before, not_after = _time(value["not_before"]), _time(value["not_after"])
    if not not_before < not_after <= not_before + timedelta(days=limits.ROSTER_DAYS):
        raise malformed(f"valid for more than {limits.ROSTER_DAYS} days, or for none")
    entries = tuple(_entry(item, addressed=addressed) for item in listed)
    _check_together(entries)
    return Roster(
        instance=_bytes(value["instance"], 16),
        epoch=epoch,
        previous=previous,
        not_before=not_before,
        not_after=not_after,
        entries=entries,
        audit=_head(audit) if version == _FORMAT_WITH_HEAD or audit is not None else None,
        addressed=addressed,
        sha256=hashlib.sha256(raw).digest(),
    )


def _head(value: Any) -> AuditHead:
    if not isinstance(value, dict) or value.keys() != _HEAD_KEYS:
        raise malformed("the audit log's head has unknown or missing keys")
    number = value["number"]
    if type(number) is not int or not 1 <= number <= limits.AUDIT_ENTRIES:
        raise malformed("the audit log's head is out of bounds")
    return AuditHead(number=number, hash=_bytes(value["hash"], 32))


def _entry(value: Any, *, addressed: bool) -> Entry:
    if not isinstance(value, dict) or value.keys() != (_ENTRY_KEYS | {"addressees"} if addressed else _ENTRY_KEYS):
        raise malformed("an entry has unknown or missing keys")
    addressees = value.get("addressees", [])
    nullable = [value["recipient"], value["signing"]]
    texts = [value["handle"], value["key_id"], value["role"], value["state"], *(x for x in nullable if x is not None)]
    if not isinstance(addressees, list) or not all(isinstance(text, str) for text in [*texts, *addressees]):
        raise malformed("an entry has a value of the wrong type")
    try:
        return Entry(
            handle=value["handle"],
            role=Role(value["role"]),
            key_id=value["key_id"],
            recipient=None if value["recipient"] is None else HybridRecipient.parse(value["recipient"]),
            signing=None if value["signing"] is None else _bytes(value["signing"], ED25519_PUBLIC_BYTES),
            state=KeyState(value["state"]),
            addressees=tuple(addressees),
        )
    except (ValueError, SealError):
        raise malformed("an entry has an unknown role, state or key") from None


def _check_together(entries: tuple[Entry, ...]) -> None:
    for one, other in itertools.pairwise(entries):
        if _order(one) >= _order(other):
            raise malformed("entries out of order, or one twice")
        if one.handle == other.handle and one.role is not other.role:
            raise malformed("one handle with two roles")
    if len({entry.key_id for entry in entries}) != len(entries):
        raise malformed("one key under two handles")
    current = [entry for entry in entries if entry.state in {KeyState.ACTIVE, KeyState.SUSPENDED}]
    if len({entry.handle for entry in current}) != len(current):
        raise malformed("one handle with two keys that are active or suspended")
    if sum(entry.recipient is not None for entry in current) > limits.STANZAS:
        raise malformed(f"more than {limits.STANZAS} keys to seal to")
    # Two people, two signatures: a signing key that two handles share would let one of them clear their own article.
    owners = {(entry.signing, entry.handle) for entry in entries if entry.signing is not None}
    if len({signing for signing, _ in owners}) != len(owners):
        raise malformed("one signing key under two handles")
    _check_addressees(entries)


def _check_addressees(entries: tuple[Entry, ...]) -> None:
    # A letter to one person must not go to others who are called so one day.
    handles = {entry.handle for entry in entries}
    if any(name in handles and name != entry.handle for entry in entries for name in entry.addressees):
        raise malformed("a handle addresses somebody else")
    if len({name for entry in entries for name in entry.addressees}) > limits.ADDRESSEES:
        raise malformed(f"more than {limits.ADDRESSEES} addressees")


def _bytes(value: Any, length: int) -> bytes:
    if not isinstance(value, str) or len(value) != 2 * length or not _HEX.fullmatch(value):
        raise malformed("a value is not lower-case hexadecimal of its length")
    return bytes.fromhex(value)


def _time(value: Any) -> datetime:
    try:
        time = datetime.strptime(value, _TIME).replace(tzinfo=UTC)
    except (ValueError, TypeError):
        raise malformed("a time is not written as 2026-01-31T12:00:00Z") from None
    if time.strftime(_TIME) != value:  # strptime takes 2026-1-31, too
        raise malformed("a time is not written as 2026-01-31T12:00:00Z")
    return time
