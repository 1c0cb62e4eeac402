"""Enrolment: how a person's first key reaches the roster. They make it themselves; only their voice vouches for it.

The request for a rotation is signed with the key that the roster already has. Here there is none yet: the signature
shows only that the requester holds the signing key in it. That the request is this person's, and was not exchanged on
the way, is shown when they read its fingerprint to the admin, who knows their voice.

Rules: the fingerprint covers every signed byte, so that nothing in a request can be exchanged without changing its
words; a request names its newsroom and expires; after the approval the handle is taken, so no request counts twice.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Self

from fieldreport import limits
from fieldreport.errors import RosterError, SealError, UsageError
from fieldreport.seal.hybrid import HybridRecipient
from fieldreport.seal.roster import HANDLE, Entry, KeyState, Role
from fieldreport.seal.signatures import verify_signature
from fieldreport.sentence import Sentence
from fieldreport.unseal.staff_key import StaffKey

ENROLMENT_LABEL: Final = "enrolment-request"

_TIME: Final = "%Y-%m-%dT%H:%M:%SZ"
_CLOCK_SKEW: Final = timedelta(hours=1)  # the clock of an editor's own machine may be wrong
_REQUEST: Final = re.compile(
    "(?P<signed>"
    "fieldreport enrolment request v1\n"
    "instance (?P<instance>[0-9a-f]{32})\n"
    f"handle (?P<handle>{HANDLE})\n"
    "recipient (?P<recipient>age1pq1[0-9a-z]{1,2100})\n"
    "signing (?P<signing>[0-9a-f]{64})\n"
    "expires (?P<expires>[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)\n"
    ")"
    "signature (?P<signature>[A-Za-z0-9+/]{86}==)\n"
)
_REQUEST_CHARACTERS: Final = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolmentRequest:
    """A person's wish to be an editor of the newsroom ``instance`` (16 bytes) with these two keys. Public.

    ``signing``: Ed25519, 32 bytes. ``expires``: in UTC and whole seconds; not valid from this second on.
    """

    instance: bytes
    handle: str
    recipient: HybridRecipient
    signing: bytes
    expires: datetime
    signature: bytes

    @classmethod
    def sign(cls, staff: StaffKey, *, instance: bytes, now: datetime) -> Self:
        """Ask for the newest keys of ``staff`` to be enrolled within the next ``limits.ENROLMENT_DAYS`` days.

        Raises:
            UsageError: an admin, who comes by a hand-over.
        """
        if not staff.identities:
            raise UsageError(Sentence("an admin is not enrolled; the admin before hands over"))
        expires = now.astimezone(UTC).replace(microsecond=0) + timedelta(days=limits.ENROLMENT_DAYS)
        recipient, signing = staff.identities[0].recipient, staff.signing.public
        signed = _signed(instance=instance, handle=staff.handle, recipient=recipient, signing=signing, expires=expires)
        return cls(
            instance=instance,
            handle=staff.handle,
            recipient=recipient,
            signing=signing,
            expires=expires,
            signature=staff.signing.sign(ENROLMENT_LABEL, signed),
        )

    @property
    def fingerprint(self) -> str:
        """32 hexadecimal digits over everything that is signed: what is read aloud, in words."""
        return hashlib.sha256(self._message()).hexdigest()[:32]

    def encode(self) -> str:
        """The text that goes to the admin."""
        return f"{self._message().decode('ascii')}signature {base64.b64encode(self.signature).decode('ascii')}\n"

    def _message(self) -> bytes:
        return _signed(
            instance=self.instance,
            handle=self.handle,
            recipient=self.recipient,
            signing=self.signing,
            expires=self.expires,
        )

    @classmethod
    def parse(cls, untrusted_text: str) -> Self:
        """Read what ``encode`` wrote, and nothing else; the signature is checked, because it can be.

        Raises:
            SealError: ``enrolment-request``: it is not exactly that; ``signature``: it does not hold.
        """
        match = _REQUEST.fullmatch(untrusted_text) if len(untrusted_text) <= _REQUEST_CHARACTERS else None
        if match is None:
            raise _refused("not an enrolment request")
        try:
            request = cls(
                instance=bytes.fromhex(match["instance"]),
                handle=match["handle"],
                recipient=HybridRecipient.parse(match["recipient"]),
                signing=bytes.fromhex(match["signing"]),
                expires=datetime.strptime(match["expires"], _TIME).replace(tzinfo=UTC),
                signature=base64.b64decode(match["signature"], validate=True),
            )
        except (SealError, binascii.Error, ValueError):
            raise _refused("not an enrolment request") from None
        if request.encode() != untrusted_text:
            raise _refused("not an enrolment request")
        verify_signature(request.signing, ENROLMENT_LABEL, request._message(), request.signature)
        return request

    def check(self, entries: Iterable[Entry], *, instance: bytes, now: datetime) -> Entry:
        """The entry that this asks for, if it may be added to ``entries``, those of the roster in force.

        Raises:
            SealError: (code ``enrolment-request``) another newsroom's, expired, valid for too long, or a key in it
                stands in the roster already.
            UsageError: the handle is taken, also by this very person if the request is replayed.
        """
        if self.instance != instance:
            raise _refused("it is for another newsroom")
        if now >= self.expires:
            raise _refused(f"it ran out on {self.expires:%Y-%m-%d %H:%M} UTC; the editor makes another")
        if self.expires > now + timedelta(days=limits.ENROLMENT_DAYS) + _CLOCK_SKEW:
            raise _refused("it is valid for longer than a request may be; is the clock right, here and there?")
        try:
            entry = Entry(
                handle=self.handle,
                role=Role.EDITOR,
                key_id=self.recipient.key_id,
                recipient=self.recipient,
                signing=self.signing,
                state=KeyState.ACTIVE,
            )
        except RosterError as error:
            raise _refused(error.detail) from None
        listed = tuple(entries)
        if any(known.handle == self.handle for known in listed):
            raise UsageError(Sentence("%(handle)s is taken", handle=self.handle))
        if any(known.key_id == entry.key_id or known.signing == entry.signing for known in listed):
            raise _refused("a key in it is in the roster already")
        return entry


def _signed(*, instance: bytes, handle: str, recipient: HybridRecipient, signing: bytes, expires: datetime) -> bytes:
    return (
        "fieldreport enrolment request v1\n"
        f"instance {instance.hex()}\n"
        f"handle {handle}\n"
        f"recipient {recipient}\n"
        f"signing {signing.hex()}\n"
        f"expires {expires.strftime(_TIME)}\n"
    ).encode("ascii")


def _refused(detail: str) -> SealError:
    return SealError(
        "this enrolment request is refused",
        detail=f"this enrolment request is refused: {detail}",
        code="enrolment-request",
    )
