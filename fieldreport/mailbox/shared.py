"""What the machines of one letterbox tell each other through the mailbox's database: rosters, and how it is switched.

Whichever machine the desk reaches writes them there, and every machine looks before it takes something, at most every
``limits.FOLLOW_SECONDS``. It then has the roster in its own directory and the switches in its own files, where they
hold for all its processes, as on a machine that is alone.

Rules: the database is untrusted. A roster counts when this machine has verified it. The switches are sealed under the
token that the machines have in a file; they carry a version, and one that is lower than this machine has seen is
refused. Who cannot look takes nothing.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import math
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Self, TypeVar

from sqlalchemy import Engine, delete, select, update

from fieldreport import limits
from fieldreport.config import Intake, Settings, link_token
from fieldreport.errors import Conflict, LimitExceeded, RosterError, StoreAway, StoreError, TokenError, UsageError
from fieldreport.mailbox.letterbox import (
    LetterboxState,
    LocalSwitchboard,
    Switches,
    chosen_letters,
    close_untold,
    invitation_word,
    is_untold,
    letterbox_state,
    must_be_letters,
    must_see,
    plain_word,
    switch,
    switches,
    write_private,
)
from fieldreport.mailbox.tables import SharedRoster, SharedSwitches
from fieldreport.seal import RosterDirectory, RosterStep, TokenKey, open_rosters
from fieldreport.store import one_at_a_time, open_engine, reading, writing

_log = logging.getLogger(__name__)

_PURPOSE: Final = "letterbox"
_KEY: Final = b"fieldreport/v1/machines/letterbox"
_VERSION: Final = "letterbox.version"
_TRIES: Final = 5
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """What the database says of the switches, sealed."""

    version: int
    sealed: str


@dataclass(frozen=True, slots=True)
class _Stands:
    """How the letterbox is switched; no ``word``: none is asked for; 0 ``letters``: as many as the settings allow."""

    state: LetterboxState
    word: str
    letters: int

    @classmethod
    def of(cls, fields: Mapping[str, str]) -> Self:
        """The same from ``fields``. Raises ``KeyError``, ``ValueError``, ``UsageError``: it is not."""
        letters = must_be_letters(int(fields.get("letters", "0")))  # a machine of an older release says none
        return cls(LetterboxState(fields["state"]), fields["invitation"], letters)

    @property
    def fields(self) -> dict[str, str]:
        """What is sealed of it."""
        return {"state": self.state, "invitation": self.word, "letters": str(self.letters)}


class SharedLetterbox:
    """The switches and rosters of a letterbox on several machines; see ``Switchboard``. For any number of threads."""

    def __init__(
        self,
        engine: Engine,
        intake: Intake,
        token: str,
        rosters: RosterDirectory,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``token``: that all machines have in a file. ``clock``: seconds that never go back."""
        self._engine = engine
        self._intake = intake
        self._key = TokenKey(hmac.digest(token.encode(), _KEY, hashlib.sha256))
        self._rosters = rosters
        self._clock = clock
        self._lock = threading.Lock()
        self._looked = self._failed = -math.inf
        self._refused = 0

    @classmethod
    def open(cls, settings: Settings) -> SharedLetterbox | None:
        """That of these settings, where they name a token of several machines; the database is not contacted yet.

        Raises:
            SettingsError: the file with the token is not as it must be; or as ``open_engine``.
        """
        intake = settings.intake
        if intake.machines_token == Path():
            return None
        token = link_token(intake.machines_token, where="[intake] machines_token")
        engine = open_engine(intake.mailbox or f"sqlite:///{intake.data / 'mailbox.db'}")
        return cls(engine, intake, token, open_rosters(settings))

    def keep_up(self) -> Literal[True]:
        """See that this machine has what was said, unless it has just looked.

        Raises:
            StoreError: nobody can tell how the letterbox stands: nothing may be taken.
        """
        age = self._clock() - self._looked
        if age < limits.FOLLOW_SECONDS:
            return True
        # Who knows enough does not wait for another who looks.
        if not self._lock.acquire(blocking=age >= limits.FOLLOW_MOST_SECONDS):
            return True
        try:
            if self._clock() - self._looked >= limits.FOLLOW_SECONDS:
                self._look()
        finally:
            self._lock.release()
        return True

    def follow(self) -> None:
        """The same, now; raises as ``keep_up``."""
        with self._lock:
            self._look()

    def _look(self) -> None:
        if self._clock() - self._failed < limits.AWAY_SECONDS:  # those who waited for it wait no longer
            raise StoreAway("the letterbox cannot be told open", detail="the database of all machines is away")
        try:
            self._follow()
        except StoreError:
            self._failed = self._clock()
            raise
        self._looked = self._clock()

    def letterbox(self) -> Switches:
        """How it stands, on every machine that can look; see ``Switchboard``."""
        must_see(self._intake.data)
        self.follow()
        return switches(self._intake)

    def set_letterbox(
        self, *, state: LetterboxState | None = None, invitation: str | None = None, letters_per_hour: int | None = None
    ) -> Switches:
        """Set them for all machines; see ``Switchboard``.

        Raises:
            StoreError: the database is away; with CLOSED, this machine takes nothing nevertheless.
        """
        if state is LetterboxState.CLOSED:  # first here, where it needs no database
            close_untold(self._intake.data)
        try:
            self._say_to_all(state, invitation, letters_per_hour)
        except StoreError as error:
            if state is LetterboxState.CLOSED:
                here = "this machine is closed, and the others of the letterbox do not know"
                raise StoreError(here, detail=f"{here}: {error.detail}", code=error.code) from None
            raise
        return switches(self._intake)

    def close(self) -> None:
        """Close every connection; see ``Switchboard``."""
        self._engine.dispose()

    # --- switches ---

    def _say_to_all(self, state: LetterboxState | None, invitation: str | None, letters: int | None) -> None:
        with self._lock, one_at_a_time(self._intake.data):
            for _ in range(_TRIES):
                if self._say(self._said(), state, invitation, letters):
                    return
        raise StoreError("somebody else switches the letterbox now", detail="switches changed", code="busy")

    def _say(self, said: _Said, state: LetterboxState | None, invitation: str | None, letters: int | None) -> bool:
        data, stands, seen = self._intake.data, None, 0
        with suppress(StoreError):  # one that is damaged, or older than ours, is replaced by what holds here
            seen = self._seen()
            stands = self._opened(said)
        if state is None and is_untold(data):  # only who opens it opens it
            state = LetterboxState.CLOSED
        stands = _Stands(
            state or (letterbox_state(data) if stands is None else stands.state),
            plain_word(invitation)
            if invitation is not None
            else (invitation_word(data) if stands is None else stands.word),
            must_be_letters(letters)
            if letters is not None
            else (chosen_letters(data) if stands is None else stands.letters),
        )
        version = max(said.version, seen) + 1
        try:
            sealed = self._key.seal(_PURPOSE, {"version": str(version), **stands.fields}, now=0)
        except LimitExceeded:
            raise UsageError("this invitation word is too long") from None
        change = (
            update(SharedSwitches)
            .where(SharedSwitches.id == 1, SharedSwitches.version == said.version)
            .values(version=version, sealed=sealed)
            .returning(SharedSwitches.id)
        )
        with writing(self._engine) as session:
            if session.scalar(change) is None:
                return False
        self._hold(version, stands)
        return True

    def _opened(self, said: _Said) -> _Stands | None:
        """What the database says; nothing while nobody has said anything."""
        if said.version < self._seen():
            raise self._untrusted("what the database says of the letterbox is older than what this machine has seen")
        if not said.version:
            return None
        try:
            known = self._key.open(said.sealed, _PURPOSE, now=0, max_age_seconds=0)
            version, stands = known["version"], _Stands.of(known)
        except (TokenError, KeyError, ValueError, UsageError):
            version, stands = "", _Stands(LetterboxState.CLOSED, "", 0)
        if version != str(said.version):
            raise self._untrusted(
                "what the database says of the letterbox was not sealed with this machine's [intake] machines_token"
            )
        return stands

    def _untrusted(self, why: str) -> StoreError:
        remedy = "compare the tokens of all machines, then say it again: fieldreport letterbox open"
        return StoreError("the letterbox cannot be told open", detail=f"{why}; {remedy}", code="letterbox-untrusted")

    def _hold(self, version: int, stands: _Stands) -> None:
        """Let it hold on this machine. The state first, which a full disk takes; the version last, after a whole."""
        switch(
            self._intake,
            state=stands.state,
            invitation=stands.word if stands.word != self._here(invitation_word) else None,
            letters_per_hour=stands.letters if stands.letters != self._here(chosen_letters) else None,
        )
        write_private(self._intake.data / _VERSION, f"{version}\n")

    def _here(self, read: Callable[[Path], T]) -> T | None:
        """What this machine's file says; nothing where it cannot be read, and is written over."""
        try:
            return read(self._intake.data)
        except StoreError:
            return None

    def _seen(self) -> int:
        try:
            return int((self._intake.data / _VERSION).read_text(encoding="ascii"))
        except FileNotFoundError:
            return 0
        except (OSError, ValueError):
            path = self._intake.data / _VERSION
            why = f"{path} cannot be read; say again how it stands: fieldreport letterbox open"
            raise StoreError("the letterbox cannot be told open", detail=why) from None

    # --- both ---

    def _follow(self) -> None:
        said = self._said()
        with one_at_a_time(self._intake.data):
            stands = self._opened(said)
            if is_untold(self._intake.data):
                if self._say(said, LetterboxState.CLOSED, None, None):
                    _log.warning("closed here while the database was away: now every machine of it is told to close")
            elif stands is not None and said.version > self._seen():
                self._hold(said.version, stands)
        self._exchange_rosters()

    def _said(self) -> _Said:
        with reading(self._engine) as session:
            row = session.execute(
                select(SharedSwitches.version, SharedSwitches.sealed).where(SharedSwitches.id == 1)
            ).first()
        if row is None:
            raise StoreError("the mailbox is damaged", detail="the row of the shared switches is missing")
        return _Said(version=row.version, sealed=row.sealed)

    # --- rosters ---

    def _exchange_rosters(self) -> None:
        try:
            here = self._rosters.newest(at_least=0).epoch
        except RosterError:  # none, on a machine that is new
            here = 0
        with reading(self._engine) as session:
            shared = select(SharedRoster.epoch, SharedRoster.step).where(SharedRoster.epoch >= here)
            rows = session.execute(shared.order_by(SharedRoster.epoch)).all()
        self._take_rosters([(row.epoch, row.step) for row in rows if row.epoch > here])
        if here:
            self._share_rosters(next((row.step for row in rows if row.epoch == here), b""), here)

    def _take_rosters(self, untrusted: Iterable[tuple[int, bytes]]) -> None:
        for epoch, step in untrusted:
            try:
                self._rosters.take(_step_in(step))
            except RosterError as error:
                if epoch != self._refused:  # what this machine has goes on counting, until an epoch closes it
                    self._refused = epoch
                    _log.warning("the shared roster of epoch %d is refused: %s", epoch, error.detail)
                return

    def _share_rosters(self, untrusted_newest: bytes, here: int) -> None:
        """Write every roster that is here, unless the others have the newest of them, ``here``."""
        try:
            if untrusted_newest and _step_in(untrusted_newest).roster == self._rosters.steps_after(here - 1)[0].roster:
                return
        except RosterError:
            pass
        try:
            first = self._rosters.all_here()[0].epoch
            steps = self._rosters.steps_after(first - 1)
        except RosterError as error:
            _log.warning("the rosters cannot be shared: %s", error.detail)
            return
        with suppress(Conflict), writing(self._engine) as session:  # another machine does it at the same moment
            session.execute(delete(SharedRoster).where(SharedRoster.epoch.between(first, here)))
            session.add_all(SharedRoster(epoch=first + at, step=_step_out(step)) for at, step in enumerate(steps))


def open_local_switchboard(settings: Settings) -> LocalSwitchboard | SharedLetterbox:
    """The switches on the intake's own machine: its own, or those of all machines of its letterbox.

    Raises:
        SettingsError: as ``SharedLetterbox.open``.
    """
    return SharedLetterbox.open(settings) or LocalSwitchboard(settings.intake)


def _step_out(step: RosterStep) -> bytes:
    parts = [[*step.roster], [*step.hand_over] if step.hand_over is not None else []]
    return json.dumps([[base64.b64encode(each).decode("ascii") for each in part] for part in parts]).encode("ascii")


def _step_in(untrusted: bytes) -> RosterStep:
    try:
        roster, hand_over = ([base64.b64decode(each, validate=True) for each in part] for part in json.loads(untrusted))
        raw, signatures = roster
        if not hand_over:
            return RosterStep(hand_over=None, roster=(raw, signatures))
        document, signed, accepted = hand_over
    except (TypeError, ValueError, RecursionError):
        raise RosterError("a shared roster is damaged", code="roster-malformed") from None
    return RosterStep(hand_over=(document, signed, accepted), roster=(raw, signatures))
