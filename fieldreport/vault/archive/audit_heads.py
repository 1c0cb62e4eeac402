"""Heads of the audit log that are remembered outside the database, so that a shorter or rewritten log shows.

The newest roster names the head at its signing, under the admin's signatures. Next to each key file lies
``<handle>.head``: the head when that person last signed in, signed with their signing key, so that anyone can check it
without a passphrase. FORMAT.md, "Audit head", has the bytes.

Rules: what does not verify is an error, never as good as missing. Nobody signs in while the log lacks a remembered
head; after an older copy of the database was restored, the admin accepts its log by hand.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from fieldreport import limits
from fieldreport.errors import RosterError, SealError, StoreError
from fieldreport.seal import AuditHead, KeyState, Roster, read_public, verify_signature, write_public
from fieldreport.sentence import Sentence
from fieldreport.unseal.staff_key import StaffKey
from fieldreport.vault.archive.audit import Remembered
from fieldreport.vault.archive.rosters import RosterWatch
from fieldreport.vault.archive.vault import Vault

LABEL: Final = "audit-head"
_BYTES: Final = 512
_FILE: Final = re.compile(
    "(?P<signed>"
    "fieldreport audit head v1\n"
    "instance (?P<instance>[0-9a-f]{32})\n"
    "handle (?P<handle>[a-z0-9-]{1,32})\n"
    "number (?P<number>[1-9][0-9]{0,15})\n"
    "hash (?P<hash>[0-9a-f]{64})\n"
    ")"
    "signature (?P<signature>[A-Za-z0-9+/]{86}==)\n"
)


def remembered(rosters: RosterWatch, instance: bytes, keyfiles: Path) -> tuple[Remembered, ...]:
    """Return every head that is remembered here: the newest roster's, then those of its people.

    Raises:
        RosterError: no roster verifies. SealError: (code ``audit-head``) a person's file is not one that they signed.
    """
    roster = rosters.newest()
    found = []
    if roster.audit is not None:
        found.append(Remembered(by=f"roster {roster.epoch}", head=roster.audit))
    for path in sorted(keyfiles.glob("*.head")):
        keys = _signing_keys(roster, path.stem)
        if keys:  # a file of someone who left could have been signed afterwards
            found.append(Remembered(by=path.stem, head=_read(path, keys, instance)))
    return tuple(found)


def remember(vault: Vault, staff: StaffKey, keyfiles: Path) -> None:
    """Remember the head of now for one person.

    Raises:
        StoreError: it cannot be written.
    """
    head = vault.audit.head()
    if head is None:
        return
    message = _signed(vault.instance, staff.handle, head)
    signature = base64.b64encode(staff.signing.sign(LABEL, message)).decode()
    try:
        write_public(keyfiles / f"{staff.handle}.head", message + f"signature {signature}\n".encode())
    except OSError as error:
        raise StoreError(
            "the desk's disk refused", detail=f"cannot write {staff.handle}.head: {error.strerror}"
        ) from None


def check(vault: Vault, rosters: RosterWatch, keyfiles: Path) -> None:
    """Check that the log holds every remembered head.

    Raises:
        SealError: (code ``audit-head``) it lacks one, or a person's file is not theirs. RosterError: as ``remembered``.
    """
    vault.audit.check_heads(remembered(rosters, vault.instance, keyfiles), rosters.newest())


def parse_head(untrusted: bytes, *, handle: str, instance: bytes, keys: Iterable[bytes]) -> AuditHead:
    """Read what ``remember`` wrote for ``handle``, signed with one of ``keys`` (Ed25519, 32 bytes), and nothing else.

    Raises:
        SealError: (code ``audit-head``) it is not that.
    """
    try:
        match = _FILE.fullmatch(untrusted.decode("ascii"))
        if match is None or (match["instance"], match["handle"]) != (instance.hex(), handle):
            raise _not_theirs(handle)
        signature = base64.b64decode(match["signature"], validate=True)
    except (UnicodeDecodeError, binascii.Error):
        raise _not_theirs(handle) from None
    number = int(match["number"])
    if number > limits.AUDIT_ENTRIES or base64.b64encode(signature).decode() != match["signature"]:
        raise _not_theirs(handle)
    for key in keys:
        with suppress(SealError):
            verify_signature(key, LABEL, match["signed"].encode(), signature)
            return AuditHead(number=number, hash=bytes.fromhex(match["hash"]))
    raise _not_theirs(handle)


def _read(path: Path, keys: list[bytes], instance: bytes) -> AuditHead:
    try:
        untrusted = read_public(path, _BYTES)
    except RosterError:
        raise _not_theirs(path.stem) from None
    return parse_head(untrusted, handle=path.stem, instance=instance, keys=keys)


def _signed(instance: bytes, handle: str, head: AuditHead) -> bytes:
    lines = [
        "fieldreport audit head v1",
        f"instance {instance.hex()}",
        f"handle {handle}",
        f"number {head.number}",
        f"hash {head.hash.hex()}",
    ]
    return "".join(f"{line}\n" for line in lines).encode()


def _signing_keys(roster: Roster, handle: str) -> list[bytes]:
    return [
        entry.signing
        for entry in roster.entries
        if entry.handle == handle and entry.signing is not None and entry.state is not KeyState.REVOKED
    ]


def _not_theirs(handle: str) -> SealError:
    return SealError(
        "a remembered head of the audit log is damaged",
        detail=Sentence("%(handle)s.head is not what its owner signed; see 'Audit log' in the handbook", handle=handle),
        code="audit-head",
    )
