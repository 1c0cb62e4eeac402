"""Builds the next roster: changes to the entries as pure functions, and the exact bytes that the admin signs.

Rules: what is built here goes through the reader's own parser before it is returned; no change drops an entry, because
old signatures must stay attributable; nothing is written or signed here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from fieldreport import limits
from fieldreport.errors import UsageError
from fieldreport.seal.hybrid import HybridIdentity
from fieldreport.seal.roster import (
    NO_PREVIOUS,
    AuditHead,
    Entry,
    KeyState,
    Role,
    Roster,
    encode_roster,
    is_handle,
    sort_entries,
)
from fieldreport.unseal.recovery import signing_key

RECOVERY_HANDLE: Final = "recovery"
_CLOCK_SKEW: Final = timedelta(minutes=5)  # the intake's clock may be behind the admin's


def first_roster(*, instance: bytes, entries: Iterable[Entry], now: datetime) -> bytes:
    """The bytes of epoch 1 of the newsroom ``instance`` (16 bytes), valid from ``now`` for 90 days.

    Raises:
        RosterError: (code ``roster-malformed``) the entries do not make a roster.
    """
    return _encode(instance=instance, epoch=1, previous=NO_PREVIOUS, entries=entries, now=now)


def next_roster(current: Roster, entries: Iterable[Entry], *, now: datetime, audit: AuditHead | None = None) -> bytes:
    """The bytes of the roster that follows ``current``; with its own entries again, a renewal of its dates.

    ``audit``: the audit log's head now; where it is not known, the one that ``current`` names stands again.

    Raises:
        RosterError: (code ``roster-malformed``) the entries do not make a roster.
    """
    return _encode(
        instance=current.instance,
        epoch=current.epoch + 1,
        previous=current.sha256,
        entries=entries,
        audit=audit or current.audit,
        addressed=current.addressed,
        now=now,
    )


def _encode(
    *,
    instance: bytes,
    epoch: int,
    previous: bytes,
    entries: Iterable[Entry],
    now: datetime,
    audit: AuditHead | None = None,
    addressed: bool = False,
) -> bytes:
    not_before = now.astimezone(UTC).replace(microsecond=0) - _CLOCK_SKEW
    return encode_roster(
        Roster(
            instance=instance,
            epoch=epoch,
            previous=previous,
            not_before=not_before,
            not_after=not_before + timedelta(days=limits.ROSTER_DAYS),
            entries=tuple(entries),
            audit=audit,
            addressed=addressed,
        )
    )


def recovery_entry(identity: HybridIdentity, *, handle: str = RECOVERY_HANDLE) -> Entry:
    """The entry of an offline recovery key."""
    recipient = identity.recipient
    return Entry(
        handle=handle,
        role=Role.RECOVERY,
        key_id=recipient.key_id,
        recipient=recipient,
        signing=signing_key(identity).public,
        state=KeyState.ACTIVE,
    )


def with_added(entries: Iterable[Entry], entry: Entry) -> tuple[Entry, ...]:
    """The entries and a new person's.

    Raises:
        UsageError: the handle is taken, now or by a person who left (old signatures would become ambiguous), or is the
            name of a desk.
    """
    before = tuple(entries)
    if any(entry.handle in {known.handle, *known.addressees} for known in before):
        raise UsageError(f"{entry.handle} is taken")
    return sort_entries((*before, entry))


def with_rotated(entries: Iterable[Entry], new: Entry) -> tuple[Entry, ...]:
    """The entries after a person's key was replaced: the new one active, the one before decrypt-only.

    An admin's key decrypts nothing, so the one before is revoked. Putting in the same key twice changes nothing, so
    that an approval that was interrupted can be repeated.

    Raises:
        UsageError: the person has no active key, the role differs, or the new key is one that was given up.
    """
    before = tuple(entries)
    if new in before:
        return before
    if any(known.key_id == new.key_id for known in before):
        raise UsageError("that key was used before; a rotation needs a new one")
    if not any(_is_active(known, new.handle) and known.role is new.role for known in before):
        raise UsageError(f"{new.handle} has no active key to replace")
    given_up = KeyState.REVOKED if new.role is Role.ADMIN else KeyState.DECRYPT_ONLY
    after = [dataclasses.replace(known, state=given_up) if _is_active(known, new.handle) else known for known in before]
    return sort_entries((*after, new))


def with_addressees(entries: Iterable[Entry], handle: str, names: Iterable[str]) -> tuple[Entry, ...]:
    """The entries after it was said under which names an editor is addressed: their desks, and their own handle or not.

    A name stays with somebody for good, so that it never comes to mean others: letters may be on their way to it.

    Raises:
        UsageError: there is no such editor, a name cannot be one, or a desk would lose its last member.
    """
    before = tuple(entries)
    listed = tuple(sorted(set(names)))
    if not any(_is_active(known, handle) and known.role is Role.EDITOR for known in before):
        raise UsageError(f"{handle} is not an editor in the roster")
    if not all(map(is_handle, listed)):
        raise UsageError("a desk's name is lower-case letters, digits and hyphens, 32 at most")
    if taken := sorted({known.handle for known in before} & set(listed) - {handle}):
        raise UsageError(f"{taken[0]} is a person's handle and cannot be the name of a desk")
    after = tuple(
        dataclasses.replace(known, addressees=listed) if _is_active(known, handle) else known for known in before
    )
    if lost := sorted(_desks(before) - _desks(after)):
        raise UsageError(f"{handle} is the last member of the desk {lost[0]}; put somebody else into it first")
    return after


def _desks(entries: Iterable[Entry]) -> set[str]:
    """The names of desks that mean an active editor."""
    active = [entry for entry in entries if entry.state is KeyState.ACTIVE]
    return {name for entry in active for name in entry.addressees if name != entry.handle}


def with_retired(entries: Iterable[Entry], key_id: str) -> tuple[Entry, ...]:
    """The entries after a decrypt-only key was destroyed because no header names it any more: it becomes a record.

    Raises:
        UsageError: the key is active, or not in the roster.
    """
    before = tuple(entries)
    state = {known.key_id: known.state for known in before}.get(key_id)
    if state is None or state is KeyState.ACTIVE:
        raise UsageError("only a decrypt-only key can be retired")
    return tuple(
        dataclasses.replace(known, state=KeyState.REVOKED) if known.key_id == key_id else known for known in before
    )


def with_revoked(entries: Iterable[Entry], handle: str) -> tuple[Entry, ...]:
    """The entries after every key of a person was taken out of use. It cannot unread what was read.

    Raises:
        UsageError: there is no such handle; or it is the admin's, without whom no roster could be signed any more.
    """
    before = tuple(entries)
    if any(known.handle == handle and known.role is Role.ADMIN and _is_active(known, handle) for known in before):
        raise UsageError("the admin's key is not revoked but handed over: fieldreport keys hand-over")
    if not any(known.handle == handle for known in before):
        raise UsageError(f"{handle} is not in the roster")
    return tuple(
        dataclasses.replace(known, state=KeyState.REVOKED) if known.handle == handle else known for known in before
    )


def with_suspended(entries: Iterable[Entry], handle: str) -> tuple[Entry, ...]:
    """The entries after an editor was suspended: nothing goes to them and they sign nothing, until ``with_resumed``.

    Raises:
        UsageError: there is no such editor who is active.
    """
    return _with_state(entries, handle, KeyState.ACTIVE, KeyState.SUSPENDED)


def with_resumed(entries: Iterable[Entry], handle: str) -> tuple[Entry, ...]:
    """The entries after an editor came back who was suspended, with the same key.

    Raises:
        UsageError: there is no such editor who is suspended.
    """
    return _with_state(entries, handle, KeyState.SUSPENDED, KeyState.ACTIVE)


def _with_state(entries: Iterable[Entry], handle: str, before: KeyState, after: KeyState) -> tuple[Entry, ...]:
    listed = tuple(entries)
    changed = tuple(
        dataclasses.replace(known, state=after)
        if (known.handle, known.role, known.state) == (handle, Role.EDITOR, before)
        else known
        for known in listed
    )
    if changed == listed:
        raise UsageError(f"{handle} is not an editor who is {before}")
    return changed


def with_handed_over(entries: Iterable[Entry], new: Entry) -> tuple[Entry, ...]:
    """The entries after the admin's key was handed over: the new admin active, every earlier one a record.

    Raises:
        UsageError: the new entry is not an admin's, or its handle is taken.
    """
    if new.role is not Role.ADMIN:
        raise UsageError(f"{new.handle} is not an admin")
    before = with_added(entries, new)
    return tuple(
        dataclasses.replace(known, state=KeyState.REVOKED) if known.role is Role.ADMIN and known != new else known
        for known in before
    )


def _is_active(entry: Entry, handle: str) -> bool:
    return entry.handle == handle and entry.state is KeyState.ACTIVE
