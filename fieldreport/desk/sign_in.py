"""Signing in: a handle, a passphrase and a second factor unlock a seat; everything else gets the same refusal.

A stranger can slow this and cannot close it: tries wait their turn (``turns``), refusals slow those that follow
(``throttle``), and a device on which the person signed in before (``devices``) has a budget and a line of its own.

Rules: one Argon2id runs for every attempt that is looked at, for any handle, and attempts take turns, so that neither
the answer nor its time says to a stranger whether a handle exists. What was typed is never logged: people type
passphrases into the wrong field. When tries cannot be counted, nobody can sign in.
"""

from __future__ import annotations

import contextlib
import logging
import math
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import flask

from fieldreport import limits
from fieldreport.config import Settings
from fieldreport.desk.devices import Devices
from fieldreport.desk.throttle import Throttle
from fieldreport.desk.turns import Lane, TooManyTries, Turns
from fieldreport.errors import (
    KeyFileDamaged,
    NotFound,
    TokenError,
    UnlockRefused,
)
from fieldreport.mailbox import DeskMailbox
from fieldreport.seal import Roster, TokenKey, fold_handle, is_handle
from fieldreport.sentence import Sentence
from fieldreport.unseal import passkey, recovery_codes, totp
from fieldreport.unseal.key_file import StaffKey, dummy_unlock, unlock
from fieldreport.unseal.key_part import Opener
from fieldreport.unseal.passkey import Page, Passkey
from fieldreport.vault.archive import audit_heads
from fieldreport.vault.archive.audit import Act
from fieldreport.vault.archive.rosters import RosterWatch
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.archive.vault import Vault
from fieldreport.vault.keys import rotation_at_unlock
from fieldreport.vault.staff import adoption, second_factor

_log = logging.getLogger(__name__)

_TICKET: Final = "sign-in-turn"
_FEW_CODES: Final = 3
_MINUTE: Final = 60  # a token's age is known to the minute
_REFUSED: Final = "Handle, passphrase or code did not match."
_OPENS_NOTHING: Final = Opener.of_code("")
_NO_CODES: Final = Sentence(
    "You have no recovery codes. Make some on the page of your second factor: without them a lost telephone shuts you "
    "out."
)
_NO_CODES_BOUND: Final = Sentence(
    "You have no recovery codes. Make some on the page of your second factor: without them a lost passkey shuts you "
    "out."
)


class ClockOff(UnlockRefused):
    """The passphrase was right, on a known device, and the code is that of a clock ``minutes`` ahead of ours."""

    code = "clock-off"

    def __init__(self, minutes: int) -> None:
        super().__init__(_REFUSED)
        self.minutes = minutes


@dataclass(frozen=True, slots=True, kw_only=True)
class PasskeyAnswer:
    """What a browser answered, and the page that asked it."""

    answer: str = field(repr=False)
    page: Page


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """Somebody who signed in.

    ``notices`` is what they should know about their key, ``device`` the cookie by which this device is known now.
    """

    seat: Seat = field(repr=False)
    notices: tuple[str, ...]
    device: str = field(repr=False)


class SignIn:
    """Checks attempts to sign in, one at a time."""

    def __init__(
        self,
        app: flask.Flask,
        *,
        settings: Settings,
        vault: Vault,
        mailbox: DeskMailbox,
        rosters: RosterWatch,
        clock: Callable[[], float],
        token_key: TokenKey,
    ) -> None:
        self._mailbox = mailbox
        self._keyfiles = settings.desk.keyfiles
        self._vault = vault
        self._rosters = rosters
        self._clock = clock
        self._throttle = Throttle(app, storage=settings.desk.limiter, clock=clock)
        self._turns = Turns(threads=settings.desk.threads)
        self._token_key = token_key
        self._used: dict[str, float] = {}  # tickets that had their turn, by when
        self._answered: dict[bytes, float] = {}  # challenges to passkeys, likewise
        self.devices = Devices(settings.desk.data / "devices.key", instance=vault.instance, clock=clock)

    def admit(
        self,
        untrusted_handle: str,
        untrusted_passphrase: str,
        untrusted_code: str,
        *,
        untrusted_passkey: PasskeyAnswer | None = None,
        untrusted_device: str = "",
        untrusted_ticket: str = "",
    ) -> Admitted:
        """Unlock a seat.

        Args:
            untrusted_handle: as typed; case and spaces around it do not matter.
            untrusted_passphrase: as typed.
            untrusted_code: as typed: of the authenticator app, or a recovery code.
            untrusted_passkey: what the browser answered, in place of a code. A key file that is bound to passkeys opens
                with the answer of one of them or with a recovery code, and not with a code of the app.
            untrusted_device: the cookie that ``Admitted.device`` gave, if there is one.
            untrusted_ticket: what ``TooManyTries.ticket`` gave, if the person was asked to come back.

        Raises:
            UnlockRefused: anything at all did not match; always the same, after a time that does not tell what, but for
                ``ClockOff`` on a known device.
            TooManyTries: not looked at.
            RosterError: nobody can sign in, because no roster says who belongs here.
            StoreError: the store of counts or the vault is away.
            SealError: (code ``audit-head``) the audit log lacks an entry that is remembered outside the database.
        """
        handle = fold_handle(untrusted_handle)
        roster = self._rosters.newest()
        known = self._is_known(roster, handle, untrusted_device)
        ticket = self._open_ticket(untrusted_ticket, handle)
        lane = Lane.RETURNING if ticket else Lane.NEW
        if known and self._throttle.has_own(handle):
            lane = Lane.OWN
        try:
            with self.attempt(handle, lane=lane, ticket=ticket):
                opener = _opener(untrusted_code, untrusted_passkey)
                path, staff = self._unlock(handle, untrusted_passphrase, opener)
                _check_listed(staff, roster)
                used, recovery_code = None, recovery_codes.find(staff.recovery_codes, untrusted_code)
                if untrusted_passkey is not None:
                    used = self.check_passkey(staff, untrusted_passkey)
                elif recovery_code is None:
                    self._check_code(staff, untrusted_code, hint=known)
                audit_heads.check(self._vault, self._rosters, self._keyfiles)
                seat = Seat(self._vault, staff, self._rosters)
                if used is not None:
                    second_factor.use_passkey(seat, *used)
                elif recovery_code is not None:
                    seat = second_factor.use_recovery_code(seat, path, untrusted_passphrase, recovery_code)
                self._throttle.admitted(lane, handle)
                seat.record(Act.UNLOCKED)
                adopted = adoption.at_unlock(seat)
                seat, notices = rotation_at_unlock.at_unlock(seat, path, untrusted_passphrase, self._mailbox)
                audit_heads.remember(self._vault, staff, self._keyfiles)
                device = self.devices.remember(roster.entry(handle), untrusted_device)
                spent = _of_codes(seat, used_one=used is None and recovery_code is not None)
                return Admitted(seat=seat, notices=(*spent, *adopted, *notices), device=device)
        except TooManyTries as error:
            state = {"handle": handle, "id": secrets.token_hex(8)}
            error.ticket = self._token_key.seal(_TICKET, state, now=self._clock())
            raise

    @contextlib.contextmanager
    def attempt(self, name: str, *, lane: Lane = Lane.OWN, ticket: str = "") -> Iterator[None]:
        """Run one attempt at a passphrase inside the block: in turn, and all but a success takes a fixed step of time.

        Args:
            name: whose tries they are counted as.
            lane: which line it waits in; ``OWN`` for somebody who has shown another claim.
            ticket: the id of the one it came back with.

        Raises:
            UnlockRefused: what the block raised, with nothing of its reason left but a ``ClockOff``.
            TooManyTries, StoreError: see ``Throttle.check`` and ``Turns.turn``.
        """
        self._throttle.check(lane, name)
        place = name if lane is Lane.OWN else ticket or secrets.token_hex(8)
        with self._turns.turn(lane, place):
            self._throttle.begin(lane, name)
            self._use(ticket)
            began, admitted = time.monotonic(), False
            try:
                yield
                admitted = True
            except UnlockRefused as error:
                self._vault.record(Act.UNLOCK_REFUSED)
                self._throttle.refused(lane, name)
                raise (error if isinstance(error, ClockOff) else UnlockRefused(_REFUSED)) from None
            finally:
                if not admitted:
                    _wait_for_the_step(began)

    def refuse_invitation(self) -> None:
        """Count and log a wrong invitation: guessing seven words needs no brake, and a flood must not fill the log."""
        if self._throttle.invitation_refused():
            self._vault.record(Act.UNLOCK_REFUSED)

    def _is_known(self, roster: Roster, handle: str, untrusted_device: str) -> bool:
        try:
            return self.devices.knows(roster.entry(handle), untrusted_device)
        except NotFound:
            return False

    def _open_ticket(self, untrusted_ticket: str, handle: str) -> str:
        """The id of a ticket for this handle that had no turn yet; empty for anything else."""
        age = limits.SIGN_IN_TICKET_SECONDS
        try:
            state = self._token_key.open(untrusted_ticket, _TICKET, now=self._clock(), max_age_seconds=age)
        except TokenError:
            return ""
        return state["id"] if state["handle"] == handle and state["id"] not in self._used else ""

    def _use(self, ticket: str) -> None:
        """Note that a ticket has its turn. Raises ``TooManyTries``: it had one."""
        if not ticket:
            return
        if ticket in self._used:
            raise TooManyTries(1)
        now = self._clock()
        oldest = now - limits.SIGN_IN_TICKET_SECONDS - _MINUTE
        self._used = {ticket: now, **{each: at for each, at in self._used.items() if at > oldest}}

    def _unlock(self, untrusted_handle: str, passphrase: str, opener: Opener) -> tuple[Path, StaffKey]:
        if not is_handle(untrusted_handle) or not (self._keyfiles / f"{untrusted_handle}.key").is_file():
            self._spend(passphrase)
            raise UnlockRefused(_REFUSED)
        path = self._keyfiles / f"{untrusted_handle}.key"
        try:
            return path, unlock(path, passphrase, handle=untrusted_handle, opener=opener)
        except KeyFileDamaged as error:
            # To the visitor it looks like a wrong passphrase. The name is that of a file, not what somebody typed.
            _log.error("%s cannot be used: %s", path.name, error.detail)
            self._spend(passphrase)
            raise UnlockRefused(_REFUSED) from None

    def _spend(self, passphrase: str) -> None:
        """Do the work of a refused unlock, on a file that is really there, so that it costs what an unlock costs here.

        Raises:
            UnlockRefused: always.
        """
        # With a random word in front the passphrase cannot be right, even where it was meant for that very file.
        wrong = f"{secrets.token_hex(8)} {passphrase}"[: limits.PASSPHRASE_CHARACTERS]
        for path in sorted(self._keyfiles.glob("*.key")):
            with contextlib.suppress(KeyFileDamaged):
                unlock(path, wrong, opener=_OPENS_NOTHING)
        dummy_unlock()

    def check_passkey(self, staff: StaffKey, untrusted: PasskeyAnswer) -> tuple[Passkey, int]:
        """Check an answer of one of their passkeys, and give it with its counter; its challenge counts once.

        Raises:
            UnlockRefused: anything at all did not match.
        """
        found = passkey.used(staff.passkeys, untrusted.answer, untrusted.page)
        now = self._clock()
        oldest = now - limits.PASSKEY_CHALLENGE_SECONDS - _MINUTE
        if untrusted.page.challenge in self._answered:
            raise UnlockRefused(_REFUSED, detail="passkey: this challenge was answered before")
        self._answered = {challenge: at for challenge, at in self._answered.items() if at > oldest}
        self._answered[untrusted.page.challenge] = now
        return found

    def _check_code(self, staff: StaffKey, untrusted_code: str, *, hint: bool) -> None:
        last, now = second_factor.last_counter(self._vault, staff.handle, staff.totp), self._clock()
        try:
            counter = totp.verify_code(staff.totp, untrusted_code, now=now, last_counter=last)
        except UnlockRefused:
            minutes = totp.minutes_off(staff.totp, untrusted_code, now=now)
            if hint and minutes is not None:
                raise ClockOff(minutes) from None
            raise
        second_factor.use(self._vault, staff.handle, staff.totp, counter)


def _opener(untrusted_code: str, untrusted_passkey: PasskeyAnswer | None) -> Opener:
    """What opens the part of a key file that is bound to passkeys; another file needs none."""
    if untrusted_passkey is None:
        return Opener.of_code(untrusted_code)
    # A code that stands beside a passkey's answer is not looked at, and not used up.
    return passkey.opener(untrusted_passkey.answer) or _OPENS_NOTHING


def _check_listed(staff: StaffKey, roster: Roster) -> None:
    try:
        entry = roster.entry(staff.handle)
    except NotFound:
        raise UnlockRefused(_REFUSED, detail="nobody active in the roster") from None
    if entry.role is not staff.role or entry.signing != staff.signing.public:
        raise UnlockRefused(_REFUSED, detail="not whom the roster means")


def _of_codes(seat: Seat, *, used_one: bool) -> tuple[str, ...]:
    """What somebody should know of their recovery codes."""
    if used_one:
        return (_used_a_code(seat),)
    if second_factor.recovery_codes_left(seat):
        return ()
    return (_NO_CODES_BOUND if seat.staff.is_bound_to_passkeys else _NO_CODES,)


def _used_a_code(seat: Seat) -> Sentence:
    left = second_factor.recovery_codes_left(seat)
    words = _few_codes(left) if left < _FEW_CODES else Sentence.counted("%(num)s is left.", "%(num)s are left.", left)
    if seat.staff.is_bound_to_passkeys:
        return Sentence(
            "You signed in with a recovery code; strike it out on your paper. %(left)s If your passkey is lost, add "
            "another one on the page of your second factor now, bind your key file to it, and remove the lost one.",
            left=words,
        )
    return Sentence(
        "You signed in with a recovery code; strike it out on your paper. %(left)s If your telephone is lost, set up "
        "another authenticator app on the page of your second factor now.",
        left=words,
    )


def _few_codes(left: int) -> Sentence:
    return Sentence.counted("%(num)s is left. Make new ones.", "%(num)s are left. Make new ones.", left)


def _wait_for_the_step(began: float) -> None:
    """Sleep until the next multiple of ``limits.SIGN_IN_STEP_SECONDS`` since the attempt began."""
    taken = time.monotonic() - began
    step = limits.SIGN_IN_STEP_SECONDS
    time.sleep(math.ceil(taken / step) * step - taken)
