"""Signing in: a handle, a passphrase and a one-time code unlock a seat; everything else gets the same refusal.

Rules: one Argon2id runs for every attempt that is looked at, for any handle, and attempts take turns, so that neither
the answer nor its time says whether a handle exists. What was typed is never logged: people type passphrases into the
wrong field. Tries are counted per handle and in total; when they cannot be counted, nobody can sign in.
"""

from __future__ import annotations

import contextlib
import logging
import math
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import flask
from flask_limiter import Limiter
from limits import RateLimitItemPerSecond

from fieldreport import limits
from fieldreport.config import Settings
from fieldreport.errors import (
    FieldreportError,
    KeyFileDamaged,
    LimitExceeded,
    NotFound,
    StoreError,
    UnlockRefused,
)
from fieldreport.mailbox import Mailbox
from fieldreport.seal import Roster, is_handle
from fieldreport.unseal import totp
from fieldreport.unseal.key_file import StaffKey, dummy_unlock, unlock
from fieldreport.vault.archive import audit_heads
from fieldreport.vault.archive.audit import Act
from fieldreport.vault.archive.rosters import RosterWatch
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.archive.vault import Vault
from fieldreport.vault.keys import rotation_at_unlock
from fieldreport.vault.staff import second_factor
from fieldreport.web.limiter import AddressKey

_log = logging.getLogger(__name__)

_STRATEGY: Final = "sliding-window-counter"


_REFUSED: Final = "Handle, passphrase or code did not match."


class TooManyTries(LimitExceeded):
    """This attempt is refused before anything typed was looked at."""

    code = "too-many-tries"


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """Somebody who signed in; ``notices`` is what they should know about their key."""

    seat: Seat = field(repr=False)
    notices: tuple[str, ...]


class Throttle:
    """Counts tries per handle and refusals in total, in the store that the settings name."""

    def __init__(self, app: flask.Flask, *, storage: str, clock: Callable[[], float]) -> None:
        # Flask-Limiter owns the store; the counting is explicit, because what is counted stands in the form.
        self._limiter = Limiter(
            key_func=lambda: "desk",
            app=app,
            storage_uri=storage,
            strategy=_STRATEGY,
            key_prefix=f"fieldreport-desk-{_STRATEGY}",
        )
        logging.getLogger("flask-limiter").disabled = True  # it would log what it counts under
        self._names = AddressKey(clock)
        window = limits.SIGN_IN_WINDOW_SECONDS
        self._per_handle = RateLimitItemPerSecond(limits.SIGN_IN_TRIES, window, "sign-in")
        self._in_all = RateLimitItemPerSecond(limits.SIGN_IN_TRIES_TOTAL, window, "sign-in-all")

    def take(self, untrusted_handle: str) -> None:
        """Count a try.

        Raises:
            TooManyTries: this handle was tried too often, or all handles together were.
            StoreError: tries cannot be counted, so there are none.
        """
        with self._reachable():
            allowed = self._limiter.limiter.test(self._in_all, "all") and self._limiter.limiter.hit(
                self._per_handle, self._names.pseudonym(untrusted_handle)
            )
        if not allowed:
            raise TooManyTries("Too many tries.")

    def refused(self) -> None:
        """Count a refusal among all."""
        with self._reachable():
            self._limiter.limiter.hit(self._in_all, "all")

    def admitted(self, handle: str) -> None:
        """Forget the tries of somebody who proved who they are."""
        with self._reachable():
            self._limiter.limiter.clear(self._per_handle, self._names.pseudonym(handle))

    @contextlib.contextmanager
    def _reachable(self) -> Iterator[None]:
        try:
            yield
        except FieldreportError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever the store's client raises: without a count nobody signs in
            raise StoreError("The desk cannot be opened now.", detail=f"limiter: {type(error).__name__}") from None


class SignIn:
    """Checks attempts to sign in, one at a time."""

    def __init__(
        self,
        app: flask.Flask,
        *,
        settings: Settings,
        vault: Vault,
        mailbox: Mailbox,
        rosters: RosterWatch,
        clock: Callable[[], float],
    ) -> None:
        self._mailbox = mailbox
        self._keyfiles = settings.desk.keyfiles
        self._vault = vault
        self._rosters = rosters
        self._clock = clock
        self._throttle = Throttle(app, storage=settings.desk.limiter, clock=clock)
        self._slots = threading.BoundedSemaphore(limits.UNLOCKS_AT_ONCE)

    def admit(self, untrusted_handle: str, untrusted_passphrase: str, untrusted_code: str) -> Admitted:
        """Unlock a seat.

        Raises:
            UnlockRefused: anything at all did not match; always the same, after a time that does not tell what.
            TooManyTries: not looked at.
            RosterError: nobody can sign in, because no roster says who belongs here.
            StoreError: the store of counts or the vault is away.
            SealError: (code ``audit-head``) the audit log lacks an entry that is remembered outside the database.
        """
        roster = self._rosters.newest()
        with self.attempt(untrusted_handle):
            path, staff = self._unlock(untrusted_handle, untrusted_passphrase)
            _check_listed(staff, roster)
            self._check_code(staff, untrusted_code)
            self._throttle.admitted(staff.handle)
            audit_heads.check(self._vault, self._rosters, self._keyfiles)
            seat = Seat(self._vault, staff, self._rosters)
            seat.record(Act.UNLOCKED)
            seat, notices = rotation_at_unlock.at_unlock(seat, path, untrusted_passphrase, self._mailbox)
            audit_heads.remember(self._vault, staff, self._keyfiles)
            return Admitted(seat=seat, notices=notices)

    @contextlib.contextmanager
    def attempt(self, untrusted_handle: str) -> Iterator[None]:
        """Run one attempt at a passphrase inside the block: counted, in turn, and a refusal takes a fixed step of time.

        Raises:
            UnlockRefused: what the block raised, with nothing of its reason left.
            TooManyTries, StoreError: see ``Throttle.take``.
        """
        self._throttle.take(untrusted_handle)
        with self._slots:
            began = time.monotonic()
            try:
                yield
            except UnlockRefused:
                self._throttle.refused()
                self._vault.record(Act.UNLOCK_REFUSED)
                _wait_for_the_step(began)
                raise UnlockRefused(_REFUSED) from None

    def _unlock(self, untrusted_handle: str, passphrase: str) -> tuple[Path, StaffKey]:
        if not is_handle(untrusted_handle) or not (self._keyfiles / f"{untrusted_handle}.key").is_file():
            self._spend(passphrase)
            raise UnlockRefused(_REFUSED)
        path = self._keyfiles / f"{untrusted_handle}.key"
        try:
            return path, unlock(path, passphrase, handle=untrusted_handle)
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
                unlock(path, wrong)
        dummy_unlock()

    def _check_code(self, staff: StaffKey, untrusted_code: str) -> None:
        code = "".join(untrusted_code.split())
        last = second_factor.last_counter(self._vault, staff.handle)
        counter = totp.verify_code(staff.totp, code, now=self._clock(), last_counter=last)
        second_factor.use(self._vault, staff.handle, counter)


def _check_listed(staff: StaffKey, roster: Roster) -> None:
    try:
        entry = roster.entry(staff.handle)
    except NotFound:
        raise UnlockRefused(_REFUSED, detail="nobody active in the roster") from None
    if entry.role is not staff.role or entry.signing != staff.signing.public:
        raise UnlockRefused(_REFUSED, detail="not whom the roster means")


def _wait_for_the_step(began: float) -> None:
    """Sleep until the next multiple of ``limits.SIGN_IN_STEP_SECONDS`` since the attempt began."""
    taken = time.monotonic() - began
    step = limits.SIGN_IN_STEP_SECONDS
    time.sleep(math.ceil(taken / step) * step - taken)
