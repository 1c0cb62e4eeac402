"""Rotation of one person's key: its owner asks, the admin approves, and it ends when nothing names the old key.

An admin cannot make a key for an editor without being able to read. So the new key is made where the old one is
unlocked, and its public half goes to the admin in a request that the person's signing key has signed. The admin's
approval puts it into the roster; at the next unlock the old key's objects are re-wrapped; then the old key is
destroyed.

Rules: the new seed is on disk before its public half is published, and the old one stays until it is removed
explicitly, so that a letter can be opened at any moment; every step may be interrupted and repeated.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from fieldreport.errors import SealError, UsageError
from fieldreport.seal.hybrid import HybridIdentity, HybridRecipient
from fieldreport.seal.roster import HANDLE, Entry, KeyState, Role
from fieldreport.seal.signatures import verify_signature
from fieldreport.unseal.key_file import change_key_file
from fieldreport.unseal.key_part import Opener, Part
from fieldreport.unseal.staff_key import StaffKey

REQUEST_LABEL: Final = "key-request"

_REQUEST: Final = re.compile(
    "(?P<signed>"
    "fieldreport key request v1\n"
    f"handle (?P<handle>{HANDLE})\n"
    "replaces (?P<replaces>[0-9a-f]{32})\n"
    "recipient (?P<recipient>age1pq1[0-9a-z]{1,2100})\n"
    ")"
    "signature (?P<signature>[A-Za-z0-9+/]{86}==)\n"
)
_REQUEST_CHARACTERS: Final = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRequest:
    """A person's wish to have ``recipient`` instead of the key ``replaces`` (32 hexadecimal digits), signed by them.

    It names the key that it replaces, so that it counts once: after the approval that key is not active any more.
    """

    handle: str
    replaces: str
    recipient: HybridRecipient
    signature: bytes

    @classmethod
    def sign(cls, staff: StaffKey, *, replaces: str) -> Self:
        """Request the newest identity of ``staff`` to stand where ``replaces`` stands now."""
        recipient = staff.identities[0].recipient
        message = _signed(handle=staff.handle, replaces=replaces, recipient=recipient)
        signature = staff.signing.sign(REQUEST_LABEL, message)
        return cls(handle=staff.handle, replaces=replaces, recipient=recipient, signature=signature)

    def encode(self) -> str:
        """The text that goes to the admin. Public."""
        signed = _signed(handle=self.handle, replaces=self.replaces, recipient=self.recipient)
        return f"{signed.decode('ascii')}signature {base64.b64encode(self.signature).decode('ascii')}\n"

    @classmethod
    def parse(cls, untrusted_text: str) -> Self:
        """Read what ``encode`` wrote, and nothing else. The signature is not checked here.

        Raises:
            SealError: (code ``key-request``) it is not exactly that.
        """
        match = _REQUEST.fullmatch(untrusted_text) if len(untrusted_text) <= _REQUEST_CHARACTERS else None
        if match is None:
            raise _refused("not a key request")
        try:
            recipient = HybridRecipient.parse(match["recipient"])
            signature = base64.b64decode(match["signature"], validate=True)
        except (SealError, binascii.Error):
            raise _refused("not a key request") from None
        request = cls(handle=match["handle"], replaces=match["replaces"], recipient=recipient, signature=signature)
        if request.encode() != untrusted_text:
            raise _refused("not a key request")
        return request


def with_new_identity(staff: StaffKey, *, replaces: str) -> StaffKey:
    """The person's keys with a new identity in front, or unchanged if one already waits for approval.

    ``replaces`` is the key id that the roster has as active: what is in front of it was made by an earlier attempt.

    Raises:
        UsageError: an admin, who has no identity; or the active key is not among these, so that this file is not the
            one to rotate.
    """
    if not staff.identities:
        raise UsageError("an admin's key opens nothing; there is nothing to rotate")
    held = [identity.key_id for identity in staff.identities]
    if replaces not in held:
        raise UsageError("this key file does not hold the key that the roster names")
    if held[0] != replaces:
        return staff
    return dataclasses.replace(staff, identities=(HybridIdentity.generate(), *staff.identities))


def begin_rotation(
    path: Path, passphrase: str, *, entry: Entry, opener: Opener | Part | None = None
) -> tuple[StaffKey, KeyRequest]:
    """Make a new key in the key file, in front of the old ones, and sign the request for it.

    Returns what the file holds now, and the request.

    Costs one Argon2id to unlock and, the first time, one to write. Repeating it gives the same request again.

    Args:
        path: the person's key file.
        passphrase: theirs.
        entry: their active entry in the roster in force.
        opener: as ``unlock``.

    Raises:
        UnlockRefused, KeyFileDamaged, Conflict: as ``unlock``.
        UsageError: as ``unlock``, or the key file is not the one of that entry.
    """

    def change(staff: StaffKey) -> StaffKey:
        if staff.handle != entry.handle or staff.signing.public != entry.signing:
            raise UsageError("this key file is not the one of that roster entry")
        return with_new_identity(staff, replaces=entry.key_id)

    staff = change_key_file(path, passphrase, change, opener=opener)
    return staff, KeyRequest.sign(staff, replaces=entry.key_id)


def verify_request(untrusted_text: str, entry: Entry) -> Entry:
    """The entry that a request asks for, if the person of ``entry`` has signed it and it is about that very key.

    Hand the result to ``roster_changes.with_rotated``.

    Raises:
        SealError: ``key-request``: malformed, of another person, about another key (an old request, replayed), or for
            the key that is to be replaced; ``signature``: not signed by that person.
    """
    request = KeyRequest.parse(untrusted_text)
    if entry.signing is None or entry.role is not Role.EDITOR or entry.state is not KeyState.ACTIVE:
        raise _refused("only an active editor asks for another key")
    if request.handle != entry.handle or request.replaces != entry.key_id:
        raise _refused("the request is about another key than the roster's")
    if request.recipient.key_id == entry.key_id:
        raise _refused("the request asks for the key that is there already")
    message = _signed(handle=request.handle, replaces=request.replaces, recipient=request.recipient)
    verify_signature(entry.signing, REQUEST_LABEL, message, request.signature)
    return dataclasses.replace(entry, key_id=request.recipient.key_id, recipient=request.recipient)


def remove_old_identity(
    path: Path, passphrase: str, key_id: str, *, entry: Entry, opener: Opener | Part | None = None
) -> StaffKey:
    """Destroy an old key in the key file. The caller has made sure that no header names it any more.

    Destroying a key that is gone changes nothing.

    Args:
        path: the person's key file.
        passphrase: theirs.
        key_id: the key to destroy.
        entry: their active entry in the roster in force, whose key stays.
        opener: as ``unlock``.

    Raises:
        UnlockRefused, KeyFileDamaged, Conflict: as ``unlock``.
        UsageError: as ``unlock``, or it is the active key, the one that waits for approval, or the file does not hold
            the active key, so that what remained might open nothing.
    """

    def change(staff: StaffKey) -> StaffKey:
        held = [identity.key_id for identity in staff.identities]
        if entry.key_id not in held or entry.handle != staff.handle:
            raise UsageError("this key file does not hold the key that the roster names")
        if key_id in {entry.key_id, held[0]}:
            raise UsageError("the key that letters are sealed to cannot be destroyed; rotate it first")
        kept = tuple(identity for identity in staff.identities if identity.key_id != key_id)
        return staff if len(kept) == len(held) else dataclasses.replace(staff, identities=kept)

    return change_key_file(path, passphrase, change, opener=opener)


def _signed(*, handle: str, replaces: str, recipient: HybridRecipient) -> bytes:
    return f"fieldreport key request v1\nhandle {handle}\nreplaces {replaces}\nrecipient {recipient}\n".encode("ascii")


def _refused(detail: str) -> SealError:
    return SealError("this key request is refused", detail=f"key request: {detail}", code="key-request")
