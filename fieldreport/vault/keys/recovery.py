"""What the recovery key does at the vault: shows that it opens the archive, and gives it to today's staff again.

The key has no seat: it belongs to no one and exists only while the command runs that combined it from its shares. Its
acts are in the audit log under the name that the roster gives it, signed with a key that follows from the same shares.
Only where the roster does not list that key, because it is older, are they unsigned.

Rules: the roster to re-wrap for is the one in force, verified now; no content is opened, only headers are.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from types import MappingProxyType

from sqlalchemy import func, select

from fieldreport.errors import FieldreportError, KeyFileDamaged, NotAllowed, NotFound, UsageError
from fieldreport.seal import Entry, HybridIdentity, KeyState, Role, Roster, open_header
from fieldreport.unseal import recovery
from fieldreport.unseal.signing_keys import SigningKey
from fieldreport.vault.archive import objects
from fieldreport.vault.archive.audit import Act
from fieldreport.vault.archive.change import Change
from fieldreport.vault.archive.readers import Setter
from fieldreport.vault.archive.rewrap import Progress, Rewrapped, Rewrapper
from fieldreport.vault.archive.rosters import RosterWatch
from fieldreport.vault.archive.tables import SealedObject
from fieldreport.vault.archive.vault import Vault
from fieldreport.vault.cases import restriction
from fieldreport.vault.cases.sort import Sorter


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How much of the vault the key opens: ``named`` objects of ``all``; ``tried``: whether one was opened."""

    named: int
    all: int
    tried: bool


def identity_of(untrusted_shares: Sequence[str], roster: Roster) -> tuple[HybridIdentity, Entry]:
    """Combine shares into the recovery key that the roster names, in use or to be retired.

    Raises:
        NotFound: (code ``roster-no-entry``) the roster names no recovery key.
        KeyFileDamaged, UsageError: as ``recovery.combine``; code ``recovery-given-up``: these are sound shares of a key
            that was retired and opens nothing any more.
    """
    refusal: FieldreportError = NotFound("the roster names no recovery key", code="roster-no-entry")
    for entry in roster.entries:
        if entry.role is not Role.RECOVERY or entry.recipient is None:
            continue
        try:
            identity = recovery.combine(untrusted_shares, expected=entry.recipient)
        except KeyFileDamaged as refused:
            if refused.code != "recovery-mismatch":
                raise
            refusal = refused
            continue
        if entry.state is KeyState.REVOKED:
            raise KeyFileDamaged(
                "these are shares of a recovery key that was retired; find the newer sheets", code="recovery-given-up"
            )
        return identity, entry
    raise refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Rescue:
    """The recovery key at work on one vault."""

    vault: Vault
    identity: HybridIdentity = field(repr=False)
    entry: Entry
    rosters: RosterWatch

    def rehearse(self) -> Reach:
        """Open the header of one object, if there is one, and count; the log says that shares were rehearsed.

        Raises:
            NotARecipient, SealError: an object that names the key does not open with it.
        """
        with self.vault.reading() as session:
            sets = objects.sets_naming(session, [self.identity.key_id])
            usable = SealedObject.damage.is_(None)
            tried = session.scalar(select(SealedObject.id).where(SealedObject.set_id.in_(sets), usable).limit(1))
            everything = session.scalar(select(func.count()).select_from(SealedObject).where(usable)) or 0
            named = objects.count_naming(session, [self.identity.key_id])
        if tried is not None:
            open_header(self.vault.objects.header(tried), [self.identity])
        self._log(Act.RECOVERY_REHEARSED)
        return Reach(named=named, all=everything, tried=tried is not None)

    def used(self) -> None:
        """Log that the key is used, before it is."""
        self._log(Act.RECOVERY_USED)

    def orphaned_cases(self) -> list[tuple[str, frozenset[str]]]:
        """The limited cases whose readers have all left, which only this key opens; see ``restriction``.

        Raises:
            RosterError: no roster is in force.
        """
        roster = self.rosters.in_force()
        with self.vault.reading() as session:
            return restriction.orphaned_cases(session, roster)

    def assign_readers(self, case: str, handles: Collection[str]) -> None:
        """Name new readers for an orphaned case; ``rewrap`` seals it to them. Raises as the act.

        Raises:
            NotAllowed: (code ``recovery-unsigned``) the roster does not list the signing key of this recovery key, as
                it does for every one that was made since they sign; nobody would believe the new readers.
        """
        roster = self.rosters.in_force()
        if self._signer is None:
            raise NotAllowed("this recovery key is from before recovery keys signed", code="recovery-unsigned")
        setter = Setter(handle=self.entry.handle, key=self._signer, epoch=roster.epoch)
        with self._change() as change:
            restriction.assign_readers(change, self, case, handles, roster=roster, setter=setter)

    def rewrap(
        self, progress: Progress, *, given: Mapping[str, Collection[str]] = MappingProxyType({})
    ) -> tuple[Rewrapped, frozenset[str]]:
        """Give everything that the key opens to the readers of the roster in force; letters are filed first.

        Letters that are addressed to people who have all left stay with this key alone, but for those ``given``:
        addressee to handles. Also returns the addressees of those that stayed.

        Raises:
            RosterError: no roster is in force, or it names no editor. StaleRoster: it changed meanwhile; call again.
            StoreError: a store is away.
        """
        roster = self.rosters.in_force()
        roster.recipients()  # refuses a newsroom without an editor before anything is noted
        self.used()
        if any(roster.entry(handle).role is not Role.EDITOR for handles in given.values() for handle in handles):
            raise UsageError("letters are given to editors", code="case-readers")
        result = Sorter(
            vault=self.vault,
            identities=[self.identity],
            rosters=self.rosters,
            change=self._change,
            given=given,
        ).sort()
        rewrapped = Rewrapper(
            vault=self.vault, identities=[self.identity], rosters=self.rosters, roster=roster, change=self._change
        ).run(progress)
        return rewrapped, frozenset(result.abandoned)

    @property
    def _signer(self) -> SigningKey | None:
        key = recovery.signing_key(self.identity)
        return key if key.public == self.entry.signing else None

    def _change(self) -> AbstractContextManager[Change]:
        return self.vault.change(actor=self.entry.handle, signer=self._signer)

    def _log(self, act: Act) -> None:
        self.vault.record(act, self.identity.key_id, actor=self.entry.handle, signer=self._signer)
