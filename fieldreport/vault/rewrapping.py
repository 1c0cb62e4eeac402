"""Rebuilding headers for the current roster: after a rotation, a new colleague, a revocation. Payloads are not touched.

Rules: a header is replaced only if it still is the one that was read (compare and set), so two people may re-wrap at
once and a crash costs nothing but the batch it hit; nothing is sealed to a roster older than the newest this vault has
seen. What this person turns out not to be able to open is taken off their sets, because sets state facts; what nobody
can open any more is marked as damaged.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import update

from fieldreport import limits
from fieldreport.errors import NotARecipient, SealError, StaleRoster
from fieldreport.seal.hybrid import HybridIdentity
from fieldreport.seal.roster import Roster
from fieldreport.unseal.rewrap import rewrap as rewrap_header
from fieldreport.vault import objects
from fieldreport.vault.changing import Change
from fieldreport.vault.models import Case, Item, SealedObject

if TYPE_CHECKING:
    from fieldreport.vault.vault import Vault

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewrapped:
    """``done``: headers rebuilt; ``skipped``: objects that turned out not to be openable with these keys."""

    done: int
    skipped: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewrapper:
    """One person's re-wrapping for one roster."""

    vault: Vault
    identities: Sequence[HybridIdentity] = field(repr=False)
    roster: Roster
    changing: Callable[[], AbstractContextManager[Change]]

    def pending(self) -> int:
        """Count the objects that this person can open and that are not sealed to the roster's readers."""
        with self.vault.reading() as session:
            return objects.count_naming(session, self._own(), but_set=objects.known_set(session, self._readers()))

    def run(self, progress: Progress) -> Rewrapped:
        """Rebuild every pending header; ``progress`` is told (done, total) after each batch and may raise to stop.

        Raises:
            StaleRoster: the vault has seen a newer roster than this one meanwhile.
        """
        with self.changing() as change:
            target = objects.set_of(change.session, self._readers())
        total, done, skipped, after = self.pending(), 0, 0, b""
        progress(0, total)
        while batch := self._next(target, after):
            rebuilt = [(object_id, old, self._rebuild(old)) for object_id, old in batch]
            with self.changing() as change:
                if change.state.highest_epoch > self.roster.epoch:
                    raise StaleRoster("the keys have changed; start again", detail="re-wrapping for a closed epoch")
                for object_id, old, new in rebuilt:
                    if isinstance(new, bytes):
                        done += _replace(change, object_id, old, header=new, set_id=target)
                    else:
                        skipped += 1
                        self._set_right(change, object_id, old, new)
            after = batch[-1][0]
            progress(done + skipped, max(total, done + skipped))
        return Rewrapped(done=done, skipped=skipped)

    def _next(self, target: int, after: bytes) -> Sequence[tuple[bytes, bytes]]:
        with self.vault.reading() as session:
            return objects.headers_naming(
                session, self._own(), but_set=target, after=after, limit=limits.REWRAP_OBJECTS
            )

    def _rebuild(self, header: bytes) -> bytes | SealError:
        try:
            return rewrap_header(header, identities=self.identities, recipients=self.roster.recipients())
        except SealError as error:
            return error

    def _set_right(self, change: Change, object_id: bytes, old: bytes, why: SealError) -> None:
        stored = change.session.get(SealedObject, object_id)
        if stored is None or stored.header != old:
            return
        keys = set(objects.keys_of(change.session, stored.set_id)) - set(self._own())
        stored.set_id = objects.set_of(change.session, keys)
        if not isinstance(why, NotARecipient) or not keys:
            stored.damage = "header"
            item = change.session.get(Item, object_id)
            if item is not None and item.damage is None:
                item.damage = "header"
                case = change.session.get(Case, item.case_id) if item.case_id is not None else None
                if case is not None:
                    case.damaged += 1

    def _own(self) -> list[str]:
        return [identity.key_id for identity in self.identities]

    def _readers(self) -> list[str]:
        return [recipient.key_id for recipient in self.roster.recipients()]


def _replace(change: Change, object_id: bytes, old: bytes, *, header: bytes, set_id: int) -> int:
    replaced = change.session.execute(
        update(SealedObject)
        .where(SealedObject.id == object_id, SealedObject.header == old)
        .values(header=header, set_id=set_id)
        .returning(SealedObject.id)
    ).first()
    return int(replaced is not None)
