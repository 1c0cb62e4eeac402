"""What the pages work with: the parts of one intake, made once by the factory.

Rules: nothing in here knows of any visitor; everything that a request needs to remember travels in its form.
"""

from __future__ import annotations

import math
import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, cast

import flask
from flask_babel import gettext as _

from fieldreport import limits
from fieldreport.config import Settings
from fieldreport.errors import MailboxFull, RosterError, StoreError
from fieldreport.intake.form_cache import FormCache
from fieldreport.intake.logo import Logo
from fieldreport.intake.machines import Machines
from fieldreport.intake.receipts import RecentReceipts
from fieldreport.mailbox import Mailbox
from fieldreport.mailbox.letterbox import (
    SET_AGAIN,
    LetterboxState,
    asks_for_invitation,
    is_invited,
    letterbox_state,
    letters_per_hour,
    must_be_open,
)
from fieldreport.mailbox.shared import SharedLetterbox
from fieldreport.scrub.sandbox.service import Scrubber
from fieldreport.seal import Codename, Roster, RosterDirectory, SourceKeys, TokenKey
from fieldreport.store.outage import Outage
from fieldreport.web.forms import Problem

_EXTENSION = "fieldreport-intake"


@dataclass(slots=True)
class _Ready:
    """When reports could last be taken, and the highest epoch seen; a refusal is never remembered."""

    since: float = -math.inf
    epoch: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """The parts of one intake. ``clock`` gives seconds since the Unix epoch."""

    settings: Settings
    mailbox: Mailbox
    scrubber: Scrubber
    rosters: RosterDirectory
    clock: Callable[[], float]
    own_token_key: TokenKey = field(repr=False)
    machines: Machines | None = field(default=None, repr=False)
    shared: SharedLetterbox | None = field(default=None, repr=False)
    receipts: RecentReceipts
    logo: Logo | None = None
    argon2_slots: threading.BoundedSemaphore = field(
        default_factory=lambda: threading.BoundedSemaphore(limits.ARGON2_AT_ONCE), repr=False
    )
    form_cache: FormCache = field(default_factory=FormCache, repr=False)
    _ready: _Ready = field(default_factory=_Ready, repr=False)
    _letters: Outage = field(default_factory=lambda: Outage("the letterbox", "letters-per-hour"), repr=False)

    @property
    def token_key(self) -> TokenKey:
        """The key of form tokens, shared with the other machines of this letterbox where there are any."""
        return self.own_token_key if self.machines is None else self.machines.token_key(self.own_token_key)

    @property
    def hour(self) -> int:
        """Now, in whole hours since the Unix epoch: the finest time that is ever stored."""
        return int(self.clock() // 3600)

    def roster(self) -> Roster:
        """The roster that is valid now; remembers its epoch, so that an older one is never taken again.

        Raises:
            RosterError: none can be trusted: nothing may be accepted.
            StoreError: the mailbox is away.

        """
        highest = self.mailbox.highest_epoch()
        now = datetime.fromtimestamp(self.clock(), UTC)
        try:
            roster = self.rosters.load(now=now, at_least=highest)
        except RosterError:
            if self.shared is None:
                raise
            self.shared.follow()  # another machine has got a newer one
            roster = self.rosters.load(now=now, at_least=highest)
        if roster.epoch > highest:
            self.mailbox.saw_epoch(roster.epoch)
        self._ready.epoch = max(self._ready.epoch, roster.epoch)
        return roster

    def roster_to_seal_to(self) -> Roster:
        """The roster that is valid now, as far as this process knows; ``Mailbox.deposit`` checks it again.

        Raises:
            RosterError, StoreError: as ``roster``.

        """
        roster = self.rosters.load(now=datetime.fromtimestamp(self.clock(), UTC), at_least=self._ready.epoch)
        return roster if roster.epoch == self._ready.epoch else self.roster()

    @property
    def takes_files(self) -> bool:
        """Whether files are taken now, and not only text."""
        return letterbox_state(self.settings.intake.data) is LetterboxState.OPEN

    @property
    def asks_for_invitation(self) -> bool:
        """Whether a first report needs a word that the newsroom gave out."""
        return asks_for_invitation(self.settings.intake.data)

    @property
    def addressees(self) -> dict[str, str]:
        """Name to what sources read, of those whom they may write to alone: the settings' that mean somebody now."""
        wanted = self.settings.intake.addressees
        if not wanted:
            return {}
        try:
            known = self.roster_to_seal_to().addressees
        except (RosterError, StoreError):  # then nothing is taken, and the page says so
            return {}
        return {name: label for name, label in wanted.items() if name in known}

    def roster_for_originals(self) -> Roster | None:
        """The roster to whose named people originals are sealed; nothing where none are kept, or nobody could read."""
        readers = self.settings.intake.originals
        if not readers:
            return None
        try:
            roster = self.roster_to_seal_to()
            roster.recipients(only=readers)
        except (RosterError, StoreError):
            return None
        return roster

    def uninvited(self, untrusted_word: str) -> list[Problem]:
        """What is wrong with the invitation word, if one is asked for."""
        if is_invited(self.settings.intake.data, untrusted_word):
            return []
        return [Problem(field="invitation", text=_("This is not the word. Ask the person who told you about us."))]

    def must_be_open(self, *, files: bool) -> Literal[True]:
        """Check that something new is taken, with files or without.

        Raises:
            LetterboxClosed: as ``letterbox.must_be_open``. StoreError: it is one of several machines, and cannot tell.

        """
        if self.shared is not None:
            self.shared.keep_up()
        return must_be_open(self.settings.intake.data, files=files)

    def check_ready(self, *, has_written: bool = False) -> Literal[True]:
        """Check that a report could be taken now; looked up at most once a second, for pages that only hand out a form.

        ``has_written``: as ``must_have_room``.

        Raises:
            RosterError, StoreError: as ``roster``. LetterboxClosed: as ``must_be_open``. MailboxFull: as
                ``must_have_room``.

        """
        self.must_be_open(files=False)
        now = self.clock()
        if not 0 <= now - self._ready.since < limits.READINESS_SECONDS:
            self.roster()
            self.must_have_room(has_written=has_written)
            if not has_written:
                self._ready.since = now
        return True

    def must_have_room(self, *, has_written: bool = False) -> Literal[True]:
        """Check that one more letter from a form may come now, and that the disks take the largest.

        ``has_written``: its source has written before; some room is left for those when others flood the letterbox.

        Raises:
            MailboxFull: too many came within this hour, or as ``Mailbox.must_have_room``. StoreError: it is away.

        """
        self.mailbox.must_have_room()
        most = self._letters_per_hour() * (1 + limits.LETTERS_HOUR_RESERVE * has_written)
        if self.receipts.letters(hour=self.hour) >= most:
            raise MailboxFull("no more can be received at the moment", detail="too many letters within an hour")
        if self.free_bytes < 0:
            raise MailboxFull("no more can be received at the moment", detail="the disk is full")
        return True

    def _letters_per_hour(self) -> int:
        try:
            number = letters_per_hour(self.settings.intake)
        except StoreError:
            raise self._letters.failed(
                "the reports an hour that were set cannot be read, and nothing is taken", SET_AGAIN
            ) from None
        self._letters.answered()
        return number

    @property
    def free_bytes(self) -> int:
        """What may still be stored before letters are refused because a disk is full: the data's, or the payloads'."""
        intake = self.settings.intake
        places = [intake.data, *([Path(intake.blobs)] if intake.blobs and "://" not in intake.blobs else [])]
        largest = intake.request_bytes * (2 if intake.originals else 1)  # kept unchanged, it is stored twice
        return min(shutil.disk_usage(each).free for each in places) - intake.free_bytes - largest

    def keys_of(self, codename: Codename) -> SourceKeys:
        """Derive a source's keys; waits while too many derivations run."""
        with self.argon2_slots:
            return SourceKeys.derive(codename, instance=self.settings.instance_id)


def install(app: flask.Flask, service: Service) -> None:
    """Make ``service`` the one that ``current`` finds."""
    app.extensions[_EXTENSION] = service


def current() -> Service:
    """The service of the application that answers this request."""
    return cast("Service", flask.current_app.extensions[_EXTENSION])
