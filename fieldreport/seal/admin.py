"""The admin's files in the roster's directory: ``admin.pub`` and the hand-overs, followed from the pinned fingerprint.

    admin.pub  handover-<number>.json  handover-<number>.json.sig  handover-<number>.json.accepted

Rules: ``admin.pub`` shows people the key in force and decides nothing. A hand-over that was seen once is required as
long as the process runs. Not thread-safe by itself: ``RosterDirectory`` calls it while it holds its lock.
"""

from __future__ import annotations

import itertools
from pathlib import Path

from fieldreport import limits
from fieldreport.errors import RosterError, SealError
from fieldreport.seal.handover import AdminChain, HandOver, verify_hand_over
from fieldreport.seal.public_file import SIGNATURE_FILE_BYTES, Stamp, read_public, stamps, write_public
from fieldreport.seal.signatures import AdminPublic


class AdminFiles:
    """Whose signatures count in one directory. ``RosterDirectory`` explains the arguments."""

    def __init__(self, path: Path, *, fingerprint: str, instance: bytes | None) -> None:
        self._path = path
        self._fingerprint = fingerprint
        self._instance = instance
        self._chain: AdminChain | None = None
        self._stamp: Stamp = ()
        self.line: tuple[HandOver, ...] = ()

    def chain(self) -> AdminChain:
        """The tenures that count; read again when a file has changed.

        Raises:
            RosterError: ``roster-admin``, ``roster-handover`` or ``roster-missing``; ``roster-rolled-back``: a
                hand-over that was seen before is gone, or another stands in its place.
        """
        stamp = stamps(self._path, self.files())
        if self._chain is not None and stamp == self._stamp:
            return self._chain
        numbers = range(1, len(self._names()) + 1)
        line = tuple(verify_hand_over(*self.files_of(number), instance=self._instance) for number in numbers)
        if line[: len(self.line)] != self.line:
            # Otherwise the old key would be in force again, or a key that it was never handed to.
            raise RosterError("a hand-over of the admin's key was taken back", code="roster-rolled-back")
        self._chain = AdminChain.follow(self._fingerprint, self.published(), line)
        self.line, self._stamp = line, stamp
        return self._chain

    def files(self) -> list[str]:
        """The names of every file that the chain is read from."""
        return ["admin.pub", *(f"{name}{end}" for name in self._names() for end in ("", ".sig", ".accepted"))]

    def publish(self, raw: bytes, signatures: bytes, acceptance: bytes, *, next_epoch: int) -> HandOver:
        """Put a hand-over in force, durably; see ``RosterDirectory.hand_over``."""
        hand_over = verify_hand_over(raw, signatures, acceptance, instance=self._instance)
        self.chain()
        if hand_over in self.line:
            return hand_over
        if hand_over.epoch != next_epoch:
            raise RosterError("a hand-over begins with the next roster", code="roster-handover")
        AdminChain.follow(self._fingerprint, self.published(), (*self.line, hand_over))
        # The document last: it counts as soon as it exists, and its signatures must exist by then.
        name = _name(hand_over.number)
        write_public(self._path / f"{name}.sig", signatures)
        write_public(self._path / f"{name}.accepted", acceptance)
        write_public(self._path / name, raw)
        self.chain()
        return hand_over

    def write_pub_file(self) -> None:
        """Write the key in force into ``admin.pub``."""
        in_force = self.chain().keys[0]
        if self.published() != in_force:
            write_public(self._path / "admin.pub", in_force.encode().encode("ascii"))

    def published(self) -> AdminPublic:
        """What ``admin.pub`` holds; it counts only if it is one of the keys of the line. Raises ``RosterError``."""
        try:
            return AdminPublic.parse(read_public(self._path / "admin.pub", SIGNATURE_FILE_BYTES).decode("ascii"))
        except (SealError, UnicodeDecodeError):
            raise RosterError("admin.pub is not an admin key", code="roster-admin") from None

    def files_of(self, number: int) -> tuple[bytes, bytes, bytes]:
        """The untrusted bytes of one hand-over: document, signatures, acceptance. Raises ``RosterError``."""
        name = _name(number)
        return (
            read_public(self._path / name, limits.HANDOVER_BYTES),
            read_public(self._path / f"{name}.sig", SIGNATURE_FILE_BYTES),
            read_public(self._path / f"{name}.accepted", SIGNATURE_FILE_BYTES),
        )

    def _names(self) -> list[str]:
        """The names of the hand-overs, up to the first number that is missing."""
        names = (_name(number) for number in range(1, limits.HANDOVERS + 1))
        return list(itertools.takewhile(lambda name: (self._path / name).exists(), names))


def _name(number: int) -> str:
    return f"handover-{number:04d}.json"
