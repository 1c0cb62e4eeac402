"""The status of the newsroom's keys: what is sealed to each, how old each is, and what the admin should do.

A key's age is not stored anywhere: the chain of rosters says since when it is listed. A second installation that begins
in the middle of the chain therefore sees a key as younger than it is, never as older.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from fieldreport import limits
from fieldreport.seal import KeyState, Role, Roster
from fieldreport.sentence import Sentence
from fieldreport.vault.archive.rosters import RosterWatch
from fieldreport.vault.archive.vault import Vault
from fieldreport.vault.cases import inbox
from fieldreport.vault.keys.rotation_state import RotationOrder, open_rotations


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyStanding:
    """One key of the newest roster.

    ``objects``: how many sealed objects name it. ``since``: the beginning of the first roster that lists it. ``due``:
    it is in use, older than the newsroom wants, and not being replaced yet.
    """

    key_id: str
    handle: str
    role: Role
    state: KeyState
    objects: int
    since: datetime
    age_days: int
    due: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """All keys, the roster's term, and the rotations under way. ``unsorted``: letters that no one has opened yet."""

    epoch: int
    not_after: datetime
    days_left: int
    keys: tuple[KeyStanding, ...]
    rotations: tuple[RotationOrder, ...]
    unsorted: int
    rotate_days: int

    @property
    def expired(self) -> bool:
        """No letter can come: the intake is closed."""
        return self.days_left < 0

    @property
    def alarm(self) -> bool:
        """The roster ends within a month, or has ended."""
        return self.days_left <= limits.ROSTER_ALARM_DAYS

    def reminders(self) -> Iterator[str]:
        """What the admin should do, one sentence each."""
        if self.expired:
            yield Sentence(
                "The roster expired on %(day)s and the intake is closed. Renew it now.",
                day=self.not_after.strftime("%Y-%m-%d"),
            )
        elif self.alarm:
            yield Sentence.counted(
                "The roster ends in %(num)s day; then the intake closes. Renew it.",
                "The roster ends in %(num)s days; then the intake closes. Renew it.",
                self.days_left,
            )
        for key in self.keys:
            if key.due:
                yield Sentence(
                    "%(key)s is %(days)s days old. This newsroom replaces keys after %(most)s days.",
                    key=_whose(key),
                    days=key.age_days,
                    most=self.rotate_days,
                )
            if key.role is Role.RECOVERY and key.state is KeyState.DECRYPT_ONLY and not key.objects:
                yield Sentence("Nothing is sealed to an earlier recovery key any more: its sheets can be destroyed.")


def _whose(key: KeyStanding) -> Sentence:
    if key.role is Role.EDITOR:
        return Sentence("The key of %(handle)s", handle=key.handle)
    if key.role is Role.ADMIN:
        return Sentence("The admin key of %(handle)s", handle=key.handle)
    return Sentence("The recovery key")


def standing(vault: Vault, rosters: RosterWatch, *, rotate_days: int) -> Standing:
    """Look at everything as it is now; counts, never content.

    Raises:
        RosterError: the newest roster cannot be verified. Whether it is in force is said, not refused.
    """
    roster = rosters.newest()
    return Standing(
        epoch=roster.epoch,
        not_after=roster.not_after,
        days_left=(roster.not_after - rosters.now()).days,
        keys=tuple(_keys(vault, rosters, roster, rotate_days=rotate_days)),
        rotations=open_rotations(vault),
        unsorted=inbox.unsorted(vault),
        rotate_days=rotate_days,
    )


def _keys(vault: Vault, rosters: RosterWatch, roster: Roster, *, rotate_days: int) -> Iterator[KeyStanding]:
    first, now = rosters.published.first_listed(), rosters.now()
    replacing = {order.old_key_id for order in open_rotations(vault)}
    for entry in roster.entries:
        since = first[entry.key_id]
        age_days = max(0, (now - since).days)
        in_use = entry.state is KeyState.ACTIVE and entry.key_id not in replacing
        yield KeyStanding(
            key_id=entry.key_id,
            handle=entry.handle,
            role=entry.role,
            state=entry.state,
            objects=vault.objects.named_by(entry.key_id),
            since=since,
            age_days=age_days,
            due=in_use and age_days >= rotate_days,
        )
