"""The one place that knows which roster is in force, and that refuses one that is older than any seen before.

An older roster carries valid signatures, and putting it back would make revoked people readers again. So its epoch is
compared with the highest that the stores of this installation remember: the vault, the mailbox, or both.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from fieldreport.config import Settings
from fieldreport.mailbox import open_mailbox
from fieldreport.seal import Roster, RosterDirectory, check_date, open_rosters
from fieldreport.vault.archive.vault import open_vault


class EpochMemory(Protocol):
    """A store that remembers the highest roster epoch it has seen: the vault and the mailbox do."""

    def highest_epoch(self) -> int:
        """Return it; 0 when none was seen."""

    def saw_epoch(self, epoch: int) -> None:
        """Remember ``epoch``; a lower one changes nothing."""


class RosterWatch:
    """The published rosters as an installation may use them.

    Args:
        published: the directory; for its history, its admin and publishing. Which roster counts is asked here.
        memories: every store to compare with. On the desk it is the vault.
        clock: seconds since the Unix epoch.
    """

    def __init__(
        self, published: RosterDirectory, *memories: EpochMemory, clock: Callable[[], float] = time.time
    ) -> None:
        self.published = published
        self._memories = memories
        self._clock = clock

    @classmethod
    def of(cls, settings: Settings, *memories: EpochMemory) -> RosterWatch:
        """Watch the rosters of an installation; nothing is read yet."""
        return cls(open_rosters(settings), *memories)

    def now(self) -> datetime:
        """Return the time at which rosters are judged and signed here."""
        return datetime.fromtimestamp(self._clock(), tz=UTC)

    def in_force(self) -> Roster:
        """Return the roster in force, verified now; every memory knows its epoch when this returns.

        Raises:
            RosterError: missing, expired, wrongly signed, or (code ``roster-rolled-back``) older than one seen before.
            StoreError: a memory is away.
        """
        roster = self.newest()
        check_date(roster, self.now())
        for memory in self._memories:
            if memory.highest_epoch() < roster.epoch:
                memory.saw_epoch(roster.epoch)
        return roster

    def newest(self) -> Roster:
        """As ``in_force``, whatever its date: to see who was listed last, never to seal to. It is not remembered."""
        return self.published.newest(at_least=max((memory.highest_epoch() for memory in self._memories), default=0))

    def listed(self) -> Roster:
        """As ``newest``, for a page whose request has just asked ``in_force``: the memories are not asked again."""
        return self.published.newest(at_least=0)

    def all_here(self) -> tuple[Roster, ...]:
        """Return every roster whose file is here, the oldest first; raises as ``newest``."""
        self.newest()
        return self.published.all_here()


@contextmanager
def open_watch(settings: Settings) -> Iterator[RosterWatch]:
    """Watch an installation's rosters with every store that is on this machine already; none is created.

    Raises:
        SettingsError, StoreError, PlatformError: a store that is here cannot be opened.
    """
    with ExitStack() as stack:
        memories: list[EpochMemory] = []
        if settings.has("desk") and _is_here(settings.desk.vault, settings.desk.data / "vault.db"):
            memories.append(stack.enter_context(closing(open_vault(settings))))
        if settings.has("intake") and _is_here(settings.intake.mailbox, settings.intake.data / "mailbox.db"):
            memories.append(stack.enter_context(closing(open_mailbox(settings))))
        yield RosterWatch.of(settings, *memories)


def _is_here(url: str, file: Path) -> bool:
    # Each zone may have a Unix user of its own, whose database others cannot open.
    return bool(url) or os.access(file, os.R_OK | os.W_OK)
