"""The roster in force: a directory of public files that is verified at every read and replaced without a gap.

    keys/  roster.json  roster.json.sig  admin.pub  <handle>.pub  history/<epoch>.json  history/<epoch>.json.sig
           handover-<number>.json  handover-<number>.json.sig  handover-<number>.json.accepted

Rules: only what the pinned admin signed is trusted, or an admin to whom the pinned key was handed over. The date, the
lowest acceptable epoch and the admin's fingerprint are checked at every use. Whatever is missing, unreadable or out of
order is a ``RosterError``, never an older answer. Verified values are kept while the files do not change. Thread-safe
and safe across processes.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Final

from fieldreport import limits
from fieldreport.config import Settings
from fieldreport.errors import RosterError
from fieldreport.seal.admin import AdminFiles
from fieldreport.seal.handover import HandOver
from fieldreport.seal.public_file import SIGNATURE_FILE_BYTES, Stamp, make_public, read_public, stamps, write_public
from fieldreport.seal.roster import KeyState, Role, Roster, check_date, of_another_instance, parse_roster, verify_roster
from fieldreport.seal.signatures import AdminPublic
from fieldreport.sentence import Sentence

_HISTORY_NAME: Final = re.compile(r"([0-9]{8})\.json")
_READ_TRIES: Final = 3


def open_carried_rosters(path: Path, *, fingerprint: str) -> RosterDirectory:
    """A copy of the published directory on a machine that has no settings; ``path`` is it, or the roster.json in it.

    Whose newsroom it is follows from the pinned admin's signature alone. Nothing is read yet.

    Raises:
        RosterError: (code ``roster-missing``) a file of another name, whose signatures are not next to it.
    """
    if not path.is_dir() and path.name != "roster.json":
        raise RosterError("a roster is the published directory, or the roster.json in it", code="roster-missing")
    directory = path if path.is_dir() else path.parent
    return RosterDirectory(directory, fingerprint=fingerprint, instance=None)


def published_fingerprint(path: Path) -> str:
    """The fingerprint of the ``admin.pub`` in a directory: what it says of itself, to be compared elsewhere.

    Raises:
        RosterError: there is none.
    """
    return AdminFiles(path, fingerprint="", instance=None).published().fingerprint


def open_rosters(settings: Settings) -> RosterDirectory:
    """The published rosters of an installation; nothing is read yet."""
    return RosterDirectory(
        settings.keys.directory, fingerprint=settings.keys.admin_fingerprint, instance=settings.instance_id
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RosterStep:
    """The files that lead from one roster to the next; as public as those, and trusted only by who verifies them.

    ``hand_over``: document, signatures and acceptance, where the next roster is the first of another admin key.
    ``roster``: document and signatures.
    """

    hand_over: tuple[bytes, bytes, bytes] | None = field(repr=False)
    roster: tuple[bytes, bytes] = field(repr=False)


class RosterDirectory:
    """The published rosters of one newsroom.

    Args:
        path: the directory.
        fingerprint: of the admin key from which everything follows, 64 hexadecimal digits. Only its signatures count,
            and those of whom it was handed to.
        instance: 16 bytes, whose rosters they are; ``None`` where nothing but the fingerprint is known.
    """

    def __init__(self, path: Path, *, fingerprint: str, instance: bytes | None) -> None:
        self._path = path
        self._instance = instance
        self._admins = AdminFiles(path, fingerprint=fingerprint, instance=instance)
        self._lock = threading.RLock()
        self._current: Roster | None = None
        self._stamp: Stamp = ()
        self._past: dict[int, Roster] = {}
        self._past_stamp: Stamp = ()
        self._hashes: Mapping[int, bytes] = MappingProxyType({})

    def load(self, *, now: datetime, at_least: int) -> Roster:
        """The roster in force at ``now``, not older than epoch ``at_least`` nor than any this object has seen.

        Raises:
            RosterError: ``roster-missing``, ``roster-admin``, ``roster-signature``, ``roster-malformed``,
                ``roster-instance``, ``roster-expired``, ``roster-early``, ``roster-rolled-back``, ``roster-chain`` or
                ``roster-handover``.
        """
        roster = self.newest(at_least=at_least)
        check_date(roster, now)
        return roster

    def newest(self, *, at_least: int) -> Roster:
        """As ``load``, but whatever its date: for who was listed last, never for sealing."""
        with self._lock:
            roster = self._verified()
        if roster.epoch < at_least:
            raise RosterError(
                Sentence(
                    "the roster has epoch %(epoch)s, but %(seen)s was seen before", epoch=roster.epoch, seen=at_least
                ),
                code="roster-rolled-back",
            )
        return roster

    def history(self) -> Mapping[int, bytes]:
        """Epoch to SHA-256 of every roster up to the one in force, whatever their dates.

        The hash of a roster whose file is gone is known from the one after it, which names it under both signatures.

        Raises:
            RosterError: the roster in force is not valid, or a file of the history is not what its successor names.
        """
        with self._lock:
            self._read_past(self._verified())
            return self._hashes

    def keys_at(self, epoch: int) -> tuple[str, ...]:
        """The key ids that letters of that epoch were sealed to; raises as ``at``."""
        return self.at(epoch).key_ids()

    def at(self, epoch: int) -> Roster:
        """The roster of an epoch up to the one in force, whatever its dates.

        Raises:
            RosterError: (code ``roster-missing``) no roster of that epoch is here; and as ``history``.
        """
        with self._lock:
            current = self._verified()
            self._read_past(current)
            roster = current if epoch == current.epoch else self._past.get(epoch)
        if roster is None:
            raise RosterError(f"no roster of epoch {epoch} is here", code="roster-missing")
        return roster

    def all_here(self) -> tuple[Roster, ...]:
        """Every roster whose file is here, the oldest first, the one in force last; their dates are not looked at.

        Raises:
            RosterError: as ``history``.
        """
        with self._lock:
            current = self._verified()
            self._read_past(current)
            return tuple(roster for _, roster in sorted((self._past | {current.epoch: current}).items()))

    def first_listed(self) -> Mapping[str, datetime]:
        """Key id to the beginning of the earliest roster that is here and lists it: a key is at least that old.

        Raises:
            RosterError: as ``history``.
        """
        rosters = reversed(self.all_here())
        return {entry.key_id: roster.not_before for roster in rosters for entry in roster.entries}

    def publish(self, raw: bytes, signatures: bytes) -> Roster:
        """Put a signed roster in force. A crash at any point leaves the old one or the new one in force.

        The first may have any epoch (the directory of a second intake starts in the middle); after that each must
        follow the one in force. Publishing the same bytes again repairs what a crash left undone.

        Raises:
            RosterError: it does not verify, or (code ``roster-chain``) does not follow the one in force.
        """
        with self._lock, self._locked():
            roster = self._verify(raw, signatures)
            if (self._path / "roster.json").exists():
                current = self._verified()
                follows = roster.epoch == current.epoch + 1 and roster.previous == current.sha256
                if not follows and roster.sha256 != current.sha256:
                    raise RosterError("this roster does not follow the one in force", code="roster-chain")
            # History first and complete: if a crash leaves one half of the pair below, the other half is found there.
            history = self._path / "history"
            make_public(history)
            write_public(history / f"{roster.epoch:08d}.json.sig", signatures)
            write_public(history / f"{roster.epoch:08d}.json", raw)
            write_public(self._path / "roster.json.sig", signatures)
            write_public(self._path / "roster.json", raw)
            self._write_pub_files(roster)
            return self._verified()

    def admin(self) -> AdminPublic:
        """The admin key in force: the pinned one, or the last it was handed to.

        Raises:
            RosterError: nothing leads from the pinned fingerprint to a key.
        """
        with self._lock:
            return self._admins.chain().keys[0]

    def hand_overs(self) -> tuple[HandOver, ...]:
        """Every hand-over of the admin's key, in order; raises as ``admin``."""
        with self._lock:
            self._admins.chain()
            return self._admins.line

    def hand_over(self, raw: bytes, signatures: bytes, acceptance: bytes) -> HandOver:
        """Put a hand-over in force: from its epoch on, the next one, only the new key signs rosters.

        A crash at any point leaves it undone or done. Publishing one that is in force again changes nothing.

        Raises:
            RosterError: it does not verify, or (code ``roster-handover``) does not follow what is in force.
        """
        with self._lock, self._locked():
            return self._admins.publish(raw, signatures, acceptance, next_epoch=self._verified().epoch + 1)

    def steps_after(self, epoch: int) -> list[RosterStep]:
        """What another copy of this directory, whose roster has ``epoch``, needs to have the one in force; in order.

        Raises:
            RosterError: the roster in force is not valid, or a file of the history is missing.
        """
        with self._lock:
            current = self._verified()
            handed = {each.epoch: each.number for each in self._admins.line}
            return [
                RosterStep(
                    hand_over=self._admins.files_of(handed[each]) if each in handed else None,
                    roster=(
                        self._read_from_history(each, "json", limits.ROSTER_BYTES),
                        self._read_from_history(each, "json.sig", SIGNATURE_FILE_BYTES),
                    ),
                )
                for each in range(epoch + 1, current.epoch + 1)
            ]

    def files_since(self, epoch: int) -> dict[str, bytes]:
        """The files of a copy of this directory that has the rosters from ``epoch`` on, by their names in it.

        Raises:
            RosterError: as ``history``, or a file is missing.
        """
        with self._lock:
            current = self._verified()
            self._read_past(current)
            epochs = sorted(each for each in {*self._past, current.epoch} if each >= epoch)
            names = [*self._admins.files(), "roster.json", "roster.json.sig"]
            names += [f"history/{each:08d}.json{end}" for each in epochs for end in ("", ".sig")]
            return {name: read_public(self._path / name, limits.ROSTER_BYTES) for name in names}

    def take(self, untrusted: RosterStep) -> Roster:
        """Put what ``steps_after`` of another copy gave in force here; raises as ``hand_over`` and ``publish``."""
        if untrusted.hand_over is not None:
            self.hand_over(*untrusted.hand_over)
        return self.publish(*untrusted.roster)

    def _write_pub_files(self, roster: Roster) -> None:
        self._admins.write_pub_file()
        staff = [entry for entry in roster.entries if entry.role is not Role.ADMIN]
        texts = {entry.handle: entry.pub_file() for entry in staff if entry.state is KeyState.ACTIVE}
        for handle in {entry.handle for entry in staff}:
            path = self._path / f"{handle}.pub"
            if handle in texts:
                write_public(path, texts[handle].encode("ascii"))
            else:
                path.unlink(missing_ok=True)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        # The directory itself is locked, so that two desks, or a desk and a command, wait for each other and no lock
        # file is left over.
        try:
            directory = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError:
            raise RosterError("the directory of the roster is missing", code="roster-missing") from None
        try:
            fcntl.flock(directory, fcntl.LOCK_EX)
            yield
        except OSError as error:
            raise RosterError("cannot write the roster", detail=f"roster: errno {error.errno}") from None
        finally:
            os.close(directory)

    def _verified(self) -> Roster:
        """The roster on disk, its signatures checked if the files changed; its date is not looked at."""
        stamp = self._stamp_of_all()
        if self._current is not None and stamp == self._stamp:
            return self._current
        for _ in range(_READ_TRIES):
            roster = self._read_current()
            after = self._stamp_of_all()
            if after == stamp:
                break
            stamp = after
        else:
            raise RosterError("the roster changes while it is read", code="roster-missing")
        self._check_order(roster)
        self._current, self._stamp = roster, stamp
        return roster

    def _check_order(self, roster: Roster) -> None:
        known = self._current
        if known is not None and roster.epoch < known.epoch:
            raise RosterError(
                f"the roster has epoch {roster.epoch}, but {known.epoch} was seen before", code="roster-rolled-back"
            )
        if known is not None and roster.epoch == known.epoch and roster.sha256 != known.sha256:
            raise RosterError(f"there are two rosters of epoch {roster.epoch}", code="roster-chain")
        if known is not None and roster.epoch == known.epoch + 1 and roster.previous != known.sha256:
            raise RosterError(f"the roster of epoch {roster.epoch} follows another one", code="roster-chain")

    def _read_current(self) -> Roster:
        raw = read_public(self._path / "roster.json", limits.ROSTER_BYTES)
        signatures = read_public(self._path / "roster.json.sig", SIGNATURE_FILE_BYTES)
        try:
            return self._verify(raw, signatures)
        except RosterError as refused:
            if refused.code != "roster-signature":
                raise
            # Between the two renames of ``publish`` the pair does not match; the history has both pairs whole.
            for epoch in sorted(self._epochs(), reverse=True)[:2]:
                if self._read_from_history(epoch, "json", limits.ROSTER_BYTES) == raw:
                    signatures = self._read_from_history(epoch, "json.sig", SIGNATURE_FILE_BYTES)
                    return self._verify(raw, signatures)
            raise

    def _verify(self, untrusted_raw: bytes, untrusted_signatures: bytes) -> Roster:
        """A roster signed with the key that was in force at its epoch; which one, is known only after parsing."""
        chain = self._admins.chain()
        for key in chain.keys:
            try:
                roster = verify_roster(untrusted_raw, untrusted_signatures, key, instance=self._instance, at=None)
            except RosterError as refused:
                if refused.code != "roster-signature":
                    raise
            else:
                chain.check_signer(key, roster.epoch)
                return roster
        raise RosterError("the roster is not signed by the admin", code="roster-signature")

    def _read_past(self, current: Roster) -> None:
        stamp = (*self._stamp, *self._stamps("history"))
        if stamp == self._past_stamp:
            return
        # Epochs above the one in force were left by a crash while publishing; they count once they are in force.
        # The latest first, because those from before the pinned key's time are known from their successors alone.
        unseen = [epoch for epoch in self._epochs() if epoch < current.epoch and epoch not in self._past]
        for epoch in sorted(unseen, reverse=True):
            raw = self._read_from_history(epoch, "json", limits.ROSTER_BYTES)
            if epoch < self._admins.chain().first:
                after = current if epoch + 1 == current.epoch else self._past.get(epoch + 1)
                if after is None:
                    continue  # nothing that counts names it
                roster = _parse_named(raw, after)
            else:
                roster = self._verify(raw, self._read_from_history(epoch, "json.sig", SIGNATURE_FILE_BYTES))
            if roster.epoch != epoch:
                raise RosterError(f"history/{epoch:08d}.json is of another epoch", code="roster-chain")
            self._past[epoch] = roster
        hashes: dict[int, bytes] = {}
        for epoch, roster in sorted((self._past | {current.epoch: current}).items(), reverse=True):
            if hashes.setdefault(epoch, roster.sha256) != roster.sha256:
                raise RosterError(f"the roster after epoch {epoch} names another one before it", code="roster-chain")
            if epoch > 1:
                hashes[epoch - 1] = roster.previous
        self._hashes = MappingProxyType(dict(sorted(hashes.items())))
        self._past_stamp = stamp

    def _epochs(self) -> list[int]:
        try:
            names = [path.name for path in (self._path / "history").iterdir()]
        except OSError:
            return []
        return [int(match[1]) for name in names if (match := _HISTORY_NAME.fullmatch(name))]

    def _read_from_history(self, epoch: int, ending: str, at_most: int) -> bytes:
        return read_public(self._path / "history" / f"{epoch:08d}.{ending}", at_most)

    def _stamp_of_all(self) -> Stamp:
        return self._stamps("roster.json", "roster.json.sig", *self._admins.files())

    def _stamps(self, *names: str) -> Stamp:
        return stamps(self._path, names)


def _parse_named(untrusted_raw: bytes, after: Roster) -> Roster:
    """The roster before ``after``. It needs no signature: ``after`` is signed and names its hash."""
    if hashlib.sha256(untrusted_raw).digest() != after.previous:
        raise RosterError(f"the roster after epoch {after.epoch - 1} names another one before it", code="roster-chain")
    roster = parse_roster(untrusted_raw)
    if roster.instance != after.instance:
        raise of_another_instance(roster)
    return roster
