"""Rebuilding headers for the current roster: after a rotation, a new colleague, a revocation. Payloads are not touched.

Rules: a header is replaced only if it still is the one that was read (compare and set), so two people may re-wrap at
once and a crash costs nothing but the batch it hit; nothing is sealed to a roster older than the newest this vault has
seen. Where an object turns out not to open with this person's keys, they are taken out of its set, because sets state
facts; what no key can open any more is marked as damaged. Where any case is limited, each object is opened to see whose
it is before it is sealed to anyone else: that the database says so is not enough.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace

from sqlalchemy import Row
from sqlalchemy.orm import Session

from fieldreport import limits
from fieldreport.errors import NotARecipient, RosterError, SealError, StaleRoster
from fieldreport.seal import HybridIdentity, HybridRecipient, Role, Roster
from fieldreport.unseal.rewrap import rewrap as rewrap_header
from fieldreport.unseal.rewrap_workers import Batch, RewrapWorkers
from fieldreport.vault.archive import objects, readers
from fieldreport.vault.archive.change import Change
from fieldreport.vault.archive.placement import Belongs, Placement
from fieldreport.vault.archive.readers import Limits
from fieldreport.vault.archive.rosters import RosterWatch
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.archive.tables import Case, Item, SealedObject
from fieldreport.vault.archive.vault import Vault

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewrapped:
    """``done``: headers rebuilt; ``skipped``: objects that turned out not to be openable with these keys."""

    done: int
    skipped: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    """Objects with the same readers: those of one limited case, or of all cases that are not limited.

    ``damaged``: nobody can tell any more whose they are, so they are not counted as pending again.
    """

    case: bytes | None
    only: frozenset[str] | None
    recipients: tuple[HybridRecipient, ...]
    keys: tuple[str, ...]
    damaged: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Headers:
    """Objects of one group, as ``rows_in`` returned them."""

    group: _Group
    rows: Sequence[Row[bytes, int, bytes]] = field(repr=False)


def pending(seat: Seat) -> int:
    """Count the objects that these keys open and that are sealed to other readers than the roster's."""
    return _rewrapper(seat).pending() if seat.staff.identities else 0


def rewrap(seat: Seat, progress: Progress | None = None) -> Rewrapped:
    """Rebuild the headers of all pending objects for the roster's readers. Sort the letters first.

    ``progress`` is called with (done, total) before the first and after each batch, and may raise to stop; what is done
    stays done.

    Raises:
        NotAllowed: an admin reads nothing. StaleRoster: the roster changed meanwhile; call again.
        SealError: who reads a limited case is not signed; see ``readers.limits``.
        RosterError, StoreError: no roster is in force; a store is away.
    """
    seat.must_be(Role.EDITOR)
    return _rewrapper(seat).run(progress or (lambda _done, _total: None))


def rewrap_limited(seat: Seat) -> None:
    """Rebuild the headers of limited cases' objects that others can open, too; raises as ``rewrap``."""
    _rewrapper(seat).run_limited()


_Rebuilding = Callable[[Iterable[Batch[_Headers]]], Iterator[tuple[_Headers, list[bytes | SealError]]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewrapper:
    """One person's re-wrapping for one roster."""

    vault: Vault
    identities: Sequence[HybridIdentity] = field(repr=False)
    rosters: RosterWatch
    roster: Roster
    change: Callable[[], AbstractContextManager[Change]]

    def pending(self) -> int:
        """Count the objects that this person can open and that are not sealed to those who should read them."""
        with self.vault.reading() as session:
            return self._count(session, self._groups(readers.limits(session, self)))

    def run(self, progress: Progress) -> Rewrapped:
        """Rebuild every pending header; ``progress`` is called with (done, total) after each batch and may raise.

        Many are rebuilt on all cores at once, few in this process: starting others takes longer than that.

        Raises:
            StaleRoster: the vault has seen a newer roster than this one meanwhile, or a case's readers were changed.
            SealError: who reads a limited case is not signed.
            PlatformError: a process that was helping died; what is left is done by the next run.
        """
        with self.vault.reading() as session:
            limits = readers.limits(session, self)
        return self._run(self._groups(limits), limits, progress)

    def run_limited(self) -> None:
        """Rebuild only what belongs to limited cases and is sealed to others than their readers; raises as ``run``."""
        with self.vault.reading() as session:
            limits = readers.limits(session, self)
        groups = [group for group in self._groups(limits) if group.case is not None]
        self._run(groups, limits, lambda _done, _total: None)

    def _run(self, groups: Sequence[_Group], limits: Limits, progress: Progress) -> Rewrapped:
        with self.vault.reading() as session:
            total = self._count(session, groups)
        done = skipped = 0
        placement = Placement(self.vault, self.rosters, self.identities, limits)
        progress(0, total)
        with contextlib.ExitStack() as stack:
            for batch, rebuilt in self._rebuilding(total, stack)(self._batches(groups, placement)):
                pairs = list(zip(batch.rows, rebuilt, strict=True))
                with self.change() as change:
                    if change.state.highest_epoch > self.roster.epoch:
                        raise StaleRoster("the keys have changed; start again", detail="re-wrapping for a closed epoch")
                    if batch.group.case is not None and batch.group.only != readers.readers_in(
                        change.session, self, batch.group.case
                    ):
                        raise StaleRoster(
                            "who may read a case has changed; start again", detail="a case's readers changed"
                        )
                    done += objects.replace_headers(
                        change.session,
                        change.keys,
                        [(known, new) for known, new in pairs if isinstance(new, bytes)],
                        set_id=objects.set_of(change.session, batch.group.keys),
                        limited=batch.group.case,
                        damage="payload" if batch.group.damaged else None,
                    )
                    for row, new in pairs:
                        if isinstance(new, SealError):
                            skipped += 1
                            self._set_right(change, row, new)
                progress(done + skipped, max(total, done + skipped))
        if placement.misplaced:
            placement.set_right(self.change)
        if done:
            self.vault.erase_soon()
        return Rewrapped(done=done, skipped=skipped + placement.later)

    def _batches(self, groups: Sequence[_Group], placement: Placement) -> Iterator[Batch[_Headers]]:
        """Everything pending, in the order of groups, sets and ids, read a little ahead of what is written."""
        for group in groups:
            with self.vault.reading() as session:
                sets = _other_sets(session, group, objects.sets_naming(session, self._own()))
            for set_id in sets:
                after = b""
                while True:
                    with self.vault.reading() as session:
                        rows = objects.rows_in(
                            session, set_id, limited=group.case, after=after, limit=limits.REWRAP_OBJECTS
                        )
                    if not rows:
                        break
                    after = rows[-1].id
                    found = [
                        (pair, placement.of(pair[0].id, group.case)) for pair in self.vault.objects.headers_of(rows)
                    ]
                    if here := [pair for pair, where in found if where is Belongs.HERE]:
                        yield _batch(group, here)
                    if damaged := [pair for pair, where in found if where is Belongs.UNKNOWN]:
                        yield _batch(self._alone(group), damaged)

    def _alone(self, group: _Group) -> _Group:
        """Who opens what is damaged so that nobody can tell whose it is: those whose keys work here, nobody new."""
        own = set(self._own())
        only = {entry.handle for entry in self.roster.entries if entry.key_id in own}
        recipients, keys = self.roster.recipients(only=only), self.roster.key_ids(only=only)
        return replace(group, recipients=recipients, keys=keys, damaged=True)

    def _groups(self, limits: Limits) -> list[_Group]:
        """One group for what every editor reads, and one for each limited case; the recovery key reads all of them."""
        groups = [_Group(case=None, only=None, recipients=self.roster.recipients(), keys=self.roster.key_ids())]
        for case_id, only in limits.limited:
            with contextlib.suppress(RosterError):  # no reader left, and no recovery key: nothing to seal to
                recipients, keys = self.roster.recipients(only=only), self.roster.key_ids(only=only)
                groups.append(_Group(case=case_id, only=only, recipients=recipients, keys=keys))
        return groups

    def _count(self, session: Session, groups: Sequence[_Group]) -> int:
        own = objects.sets_naming(session, self._own())
        return sum(
            objects.count_in(session, set_id, limited=group.case)
            for group in groups
            for set_id in _other_sets(session, group, own)
        )

    def _rebuilding(self, total: int, stack: contextlib.ExitStack) -> _Rebuilding:
        if total >= limits.REWRAP_ALONE_OBJECTS:
            return stack.enter_context(RewrapWorkers(self.identities)).rewrap
        return self._rebuild_here

    def _rebuild_here(self, batches: Iterable[Batch[_Headers]]) -> Iterator[tuple[_Headers, list[bytes | SealError]]]:
        for batch in batches:
            yield batch.tag, [self._rebuild(header, batch.recipients) for header in batch.headers]

    def _rebuild(self, header: bytes, recipients: Sequence[HybridRecipient]) -> bytes | SealError:
        try:
            return rewrap_header(header, identities=self.identities, recipients=recipients)
        except SealError as error:
            return error

    def _set_right(self, change: Change, row: Row[bytes, int, bytes], why: SealError) -> None:
        stored = change.session.get(SealedObject, row.id)
        if stored is None or stored.hidden != row.hidden:
            return
        keys = set(objects.keys_of(change.session, stored.set_id)) - set(self._own())
        stored.set_id = objects.set_of(change.session, keys)
        if not isinstance(why, NotARecipient) or not keys:
            stored.damage = "header"
            item = change.session.get(Item, row.id)
            if item is not None and item.damage is None:
                item.damage = "header"
                case = change.session.get(Case, item.case_id) if item.case_id is not None else None
                if case is not None:
                    case.damaged += 1

    def _own(self) -> list[str]:
        return [identity.key_id for identity in self.identities]


def _other_sets(session: Session, group: _Group, own: Collection[int]) -> list[int]:
    """Of the sets that hold this person's keys (``own``) those that are not the group's."""
    target = objects.known_set(session, group.keys)
    return [each for each in own if each != target]


def _batch(group: _Group, opened: Sequence[tuple[Row[bytes, int, bytes], bytes]]) -> Batch[_Headers]:
    return Batch(
        tag=_Headers(group=group, rows=[row for row, _ in opened]),
        headers=[header for _, header in opened],
        recipients=group.recipients,
    )


def _rewrapper(seat: Seat) -> Rewrapper:
    return Rewrapper(
        vault=seat.vault,
        identities=seat.staff.identities,
        rosters=seat.rosters,
        roster=seat.roster(),
        change=seat.change,
    )
