"""Making one's own keys at the desk: from an invitation to a request that waits for the admin.

Two steps. The first makes a key file that no roster names and shows its passphrase and second factor once; it can be
repeated while the invitation is valid. The second proves that their owner has both, and only then is
the invitation used up. Between the two nothing is in this process's memory: what the page must remember is sealed into
its form, and shown on that page anyway.

Rules: somebody without an invitation learns nothing, not even whether there is one, and takes nobody's turn: the seven
words cannot be guessed, so only who has them waits in line for the work of making keys.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Self

from fieldreport import limits
from fieldreport.desk.context import Desk
from fieldreport.errors import NotFound, TokenError, UnlockRefused
from fieldreport.seal import Role, fold_handle
from fieldreport.unseal import key_file, recovery_codes, totp
from fieldreport.unseal.enrolment import EnrolmentRequest
from fieldreport.vault.staff import enrolment, second_factor

_PURPOSE: Final = "enrolment"


@dataclass(frozen=True, slots=True, kw_only=True)
class StartedEnrolment:
    """Somebody whose key file is made and who has not yet proved that they can use it."""

    handle: str
    code: str = field(repr=False)
    passphrase: str = field(repr=False)
    totp: bytes = field(repr=False)
    recovery_codes: tuple[str, ...] = field(repr=False)

    def seal(self, desk: Desk) -> str:
        """The state that the page carries until the second step."""
        state = {
            "handle": self.handle,
            "code": self.code,
            "passphrase": self.passphrase,
            "totp": self.totp.hex(),
            "recovery_codes": " ".join(self.recovery_codes),
        }
        return desk.token_key.seal(_PURPOSE, state, now=desk.clock())

    @classmethod
    def open(cls, desk: Desk, untrusted_token: str) -> Self:
        """What ``seal`` sealed.

        Raises:
            TokenError: altered, too old, or the desk was restarted.
        """
        state: Mapping[str, str] = desk.token_key.open(
            untrusted_token, _PURPOSE, now=desk.clock(), max_age_seconds=limits.DESK_SESSION_SECONDS
        )
        return cls(
            handle=state["handle"],
            code=state["code"],
            passphrase=state["passphrase"],
            totp=bytes.fromhex(state["totp"]),
            recovery_codes=tuple(state["recovery_codes"].split()),
        )


def begin(desk: Desk, untrusted_handle: str, untrusted_code: str) -> StartedEnrolment:
    """Make a key file for somebody who was invited.

    Raises:
        UnlockRefused: not invited, or not any more. TooManyTries: another window is at it. RosterError: no roster says
            who is taken. StoreError: tries cannot be counted. UsageError: the key file cannot be written.
    """
    handle = fold_handle(untrusted_handle)
    try:
        enrolment.check_invitation(desk.vault, handle, untrusted_code)
    except UnlockRefused:
        desk.sign_in.refuse_invitation()
        raise
    with desk.sign_in.attempt(_counted(handle)):
        roster = desk.rosters.newest()
        if any(entry.handle == handle for entry in roster.entries):
            # Enrolled in another way since: the key file is theirs.
            raise UnlockRefused("taken meanwhile")
        codes, passphrase = recovery_codes.generate(), key_file.generate_passphrase()
        staff = key_file.StaffKey.generate(handle, Role.EDITOR, codes=codes)
        key_file.write_key_file(_path(desk, handle), staff, passphrase)
        return StartedEnrolment(
            handle=handle, code=untrusted_code, passphrase=passphrase, totp=staff.totp, recovery_codes=codes
        )


def finish(desk: Desk, started: StartedEnrolment, untrusted_code: str) -> EnrolmentRequest:
    """Check the practised code, use up the invitation, and store the request. A repeated call returns the same request.

    The caller has seen that the passphrase was typed as it was shown.

    Raises:
        WrongCode: the one-time code is wrong; the invitation is still valid.
        UnlockRefused: the invitation is no longer valid, or another window has made a new key file.
    """
    with desk.sign_in.attempt(_counted(started.handle)):
        staff = key_file.unlock(_path(desk, started.handle), started.passphrase, handle=started.handle)
        try:
            waits = enrolment.request_of(desk.vault, started.handle)
        except NotFound:
            enrolment.check_invitation(desk.vault, started.handle, started.code)
        else:
            if waits.signing != staff.signing.public:
                raise UnlockRefused("somebody else's")
            return waits
        try:
            counter = totp.verify_code(
                staff.totp,
                untrusted_code,
                now=desk.clock(),
                last_counter=second_factor.last_counter(desk.vault, started.handle, staff.totp),
            )
        except UnlockRefused:
            raise WrongCode("This code is wrong.") from None
        request = EnrolmentRequest.sign(
            staff, instance=desk.vault.instance, now=datetime.fromtimestamp(desk.clock(), UTC)
        )
        enrolment.hand_in(desk.vault, request, started.code)
        second_factor.use(desk.vault, started.handle, staff.totp, counter)
        return request


class WrongCode(TokenError):
    """The one-time code that was practised is not the one that an authenticator with this secret shows."""

    code = "wrong-code"


def is_same_passphrase(started: StartedEnrolment, untrusted_passphrase: str) -> bool:
    """Whether the passphrase was typed as it was shown."""
    return key_file.is_same_passphrase(untrusted_passphrase, started.passphrase)


def _path(desk: Desk, handle: str) -> Path:
    return desk.settings.desk.keyfiles / f"{handle}.key"


def _counted(handle: str) -> str:
    """The name that tries are counted under: not the handle itself, so that enrolling cannot lock anybody out."""
    return f"enrol {handle}"
