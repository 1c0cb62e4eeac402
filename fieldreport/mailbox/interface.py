"""What a mailbox promises to those who deposit, collect and reply.

``LocalMailbox`` works on the intake's own directory. ``LinkMailbox`` is the desk's: it asks the intake over the link.

Rules: a method that changes something has made it durable when it returns, and may be repeated without harm; every time
is a whole hour; ids are 16 bytes and carry no order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, Literal, Protocol

from fieldreport.seal import RosterDirectory


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterHead:
    """What the desk needs to decide on fetching: ``size`` is the payload's length in bytes."""

    id: bytes
    epoch: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedLetter:
    """One letter: ``header`` names who can open it, ``payload`` is read once, front to back, and then closed."""

    id: bytes
    epoch: int
    header: bytes = field(repr=False)
    payload: BinaryIO = field(repr=False)
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedReply:
    """One reply to a source. ``index`` is SHA-256 of the codename's lookup.

    ``hour`` counts from the Unix epoch; what a mailbox gives back is the first hour of that day.
    """

    id: bytes
    index: bytes = field(repr=False)
    header: bytes = field(repr=False)
    payload: bytes = field(repr=False)
    hour: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What waits: number of letters and bytes of their payloads."""

    letters: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptNote:
    """What is known of a file that waits at a place: sealed, see ``seal.KeptFile``."""

    place: bytes
    note: bytes = field(repr=False)


class KeptFiles(Protocol):
    """Cleaned files that wait at places (16 bytes each) until their form is sent. ``hour``: now.

    ``places`` are always all those of one source, in their order, of which the first is filled first.
    """

    def notes(self, places: Sequence[bytes], *, hour: int) -> list[KeptNote]:
        """Return what waits there, in the order of the places. Raises ``StoreError``."""

    def taken(self, places: Sequence[bytes], *, hour: int) -> set[bytes]:
        """Return at which of these places something waits. Raises ``StoreError``."""

    def put(
        self,
        place: bytes,
        seal: Callable[[BinaryIO], bytes],
        *,
        size: int,
        places: Sequence[bytes],
        most_bytes: int,
        hour: int,
    ) -> None:
        """Store a file of ``size`` sealed bytes. ``seal`` writes its content to the file it is given, returns its note.

        Raises:
            Conflict: something is at this place.
            LimitExceeded: (code ``kept-bytes``) more than ``most_bytes`` would wait at these places.
            MailboxFull: more would wait in all than may, or at these places more than their share of what is left.
            StoreError: it could not be made durable; it may be there or not.
        """

    def open(self, place: bytes) -> BinaryIO:
        """Open a content for reading at any position; close it. Raises ``NotFound``, ``StoreError``."""

    def touch(self, places: Sequence[bytes], *, hour: int) -> None:
        """Let what is at these places wait for another hour."""

    def empty(self, notes: Mapping[bytes, bytes]) -> None:
        """Remove the contents at these places, and put other notes there."""

    def remove(self, places: Iterable[bytes]) -> None:
        """Remove contents and notes."""

    def sweep(self, *, hour: int) -> None:
        """Remove all that was last touched more than ``limits.KEPT_HOURS`` before this hour."""


class DeskMailbox(Protocol):
    """The desk's side of a mailbox: letters come out, replies and rosters go in. ``LocalMailbox``, ``LinkMailbox``."""

    def waiting(self, limit: int) -> list[LetterHead]:
        """Return up to ``limit`` letters in an order that has nothing to do with their arrival."""

    def fetch(self, letter_id: bytes) -> SealedLetter:
        """Return one letter; close its payload. Raises ``NotFound``."""

    def acknowledge(self, letter_ids: Sequence[bytes]) -> None:
        """Delete letters that the desk has stored durably; unknown ids are ignored."""

    def post_reply(self, reply: SealedReply) -> None:
        """Store a reply; the same id twice is stored once. Raises ``LimitExceeded`` for one that is too large."""

    def waiting_replies(self) -> frozenset[bytes]:
        """Return the ids of all replies that wait, of every source. Nothing is said about who asks for which.

        A reply goes only when somebody with its codename deletes what they were shown, or withdraws.
        """

    def erase_deleted(self) -> None:
        """Leave nothing of deleted letters and replies on the disk. Raises ``StoreError`` (code "busy"): not yet."""

    def totals(self) -> Totals:
        """Return how much waits."""

    def must_work(self) -> Literal[True]:
        """Store something, read it and delete it again, to tell an outage from one letter that cannot be read.

        Raises:
            StoreError: the mailbox is away, or does not store or read.
        """

    def highest_epoch(self) -> int:
        """Return the highest roster epoch ever seen here; 0 when none was."""

    def take_rosters(self, published: RosterDirectory) -> None:
        """Let the intake have what is published: when this returns, no letter sealed to an older roster comes any more.

        Raises:
            RosterError: nothing valid is published, or the intake does not accept it.
            StoreError: the mailbox is away.
        """

    def close(self) -> None:
        """Close every connection."""


class Mailbox(DeskMailbox, Protocol):
    """Letters going in, replies going out; both sealed. What is not in ``DeskMailbox`` is for the intake itself."""

    @property
    def kept(self) -> KeptFiles:
        """Files of forms that were not sent yet."""

    def deposit(self, letter_id: bytes, epoch: int, seal: Callable[[BinaryIO], bytes]) -> bool:
        """Store one letter. ``seal`` writes the payload to the file it is given and returns the header.

        Returns False, and does not call ``seal``, when this letter is here already or was collected lately.

        Raises:
            StaleRoster: a letter with a higher epoch, or ``saw_epoch``, has closed this one: seal again.
            MailboxFull: as many letters or bytes wait as may.
            StoreError: it could not be made durable; nothing was stored.
        """

    def beginning_with(self, beginning: bytes) -> list[bytes]:
        """Return the ids that begin so, of letters that wait or were collected lately."""

    def beginning_with_and_kept(self, beginning: bytes, place: bytes, *, hour: int) -> tuple[list[bytes], bool]:
        """Return the same, and whether a file waits at a place: in one look, for it is on the way of every report."""

    def replies(self, index: bytes) -> list[SealedReply]:
        """Return the replies waiting for one source, oldest day first."""

    def delete_replies(self, index: bytes, reply_ids: Sequence[bytes]) -> None:
        """Delete replies that the source has read; only those under this index."""

    def delete_all_replies(self, index: bytes) -> None:
        """Delete every reply waiting for one source."""

    def must_have_room(self) -> Literal[True]:
        """Check that one more letter could be taken in now.

        Raises:
            MailboxFull: as many letters or bytes wait as may.
        """

    def unreadable(self) -> list[bytes]:
        """Read all that waits and return the ids of letters and replies that are not whole. Raises ``StoreError``."""

    def saw_epoch(self, epoch: int) -> None:
        """Close all epochs below ``epoch``: when this returns, no letter sealed to them can be deposited any more."""
