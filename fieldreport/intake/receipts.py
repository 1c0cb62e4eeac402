"""Recent receipts, so that a source whose line dropped can ask with the codename whether the report arrived.

Everything is in anonymous memory that the workers share, and in the Redis that several machines share (``machines``): a
restart forgets it, and it is on no disk. Each receipt is stored under a name and a key that only the codename yields.
The memory itself shows how many letters came in a day and in which hour, as the mailbox does, but not which of them
belong together.

Rules: no lock, because a killed worker must not stop the others; two that write the same slot at once leave
a slot that does not open, and a lost receipt costs its source a second letter, not a report.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from fieldreport import limits
from fieldreport.errors import SealError
from fieldreport.intake.machines import Machines
from fieldreport.seal import SourceKeys

_SLOT: Final = struct.Struct(">I16s52s")
_RECEIPT: Final = struct.Struct(">16sIHH")
_COUNT: Final = struct.Struct(">II")  # an hour, and how many letters came in it
_HIGHEST: Final = 0xFFFF  # files, or letters of a day
_WINDOW: Final = 8  # neighbouring slots that one name may lie in


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One letter that was received: in which ``hour`` since the Unix epoch, ``characters`` of text, ``files``."""

    hour: int
    characters: int
    files: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Own:
    """A receipt of the codename that asks: at which of its places, of which letter, and that letter's number."""

    place: int
    letter_id: bytes = field(repr=False)
    number: int
    received: Received


@dataclass(frozen=True, slots=True)
class RecentReceipts:
    """The receipts of the last ``limits.RECEIPT_HOURS``. Make it before the workers fork.

    Where several ``machines`` serve one letterbox, a receipt is kept there as well; what lies there counts.
    """

    machines: Machines | None = field(default=None, repr=False)
    _memory: mmap.mmap = field(default_factory=lambda: _shared(_SLOT.size * limits.RECEIPT_SLOTS), repr=False)
    _count: mmap.mmap = field(default_factory=lambda: _shared(_COUNT.size), repr=False)
    _swept: list[int] = field(default_factory=lambda: [0], repr=False)

    def keep(self, keys: SourceKeys, letter_id: bytes, *, hour: int, characters: int, files: int) -> None:
        """Remember that a letter was received; the same letter again changes nothing."""
        self._sweep(hour)
        own = list(self._own(keys))
        if any(each.letter_id == letter_id for each in own):
            return
        taken = {each.place: (each.received.hour, each.number) for each in own}
        place = min(range(limits.RECEIPTS_SHOWN), key=lambda each: taken.get(each, (-1, 0)))
        tag = keys.receipt_tags(place + 1)[place]
        # Its own old slot first, then a free one, then the oldest of the neighbourhood.
        slot = min(_slots(tag), key=lambda each: (self._read(each)[1] != tag, self._read(each)[0]))
        receipt = (letter_id, min(characters, 0xFFFFFFFF), min(files, _HIGHEST), _next_number(own))
        sealed = keys.seal_receipt(_RECEIPT.pack(*receipt))
        self._write(slot, _SLOT.pack(hour, tag, sealed))
        if self.machines is not None:
            self.machines.keep_receipt(tag, _SLOT.pack(hour, tag, sealed), hour=hour)
        of_all = None if self.machines is None else self.machines.count_letter(hour=hour)
        _COUNT.pack_into(self._count, 0, hour, max(self._counted(hour) + 1, of_all or 0))

    def letters(self, *, hour: int) -> int:
        """How many letters came from forms in this hour; a few fewer, where several came at the same moment.

        On all machines, or, while they cannot be asked, the last number of all and what came here since.
        """
        of_all = None if self.machines is None else self.machines.letters(hour=hour)
        return max(self._counted(hour), of_all or 0)

    def _counted(self, hour: int) -> int:
        counted, number = _COUNT.unpack_from(self._count)
        return number if counted == hour else 0

    def next_number(self, keys: SourceKeys, *, hour: int) -> int:
        """Which letter of this codename the next one is, counted from 1 over those whose receipts are remembered."""
        self._sweep(hour)
        return _next_number(self._own(keys))

    def of(self, keys: SourceKeys, *, hour: int) -> list[Received]:
        """What was received under this codename, the newest first; the work is the same for an unknown one."""
        self._sweep(hour)
        own = sorted(self._own(keys), key=lambda each: (each.received.hour, each.number), reverse=True)
        return [each.received for each in own]

    def forget(self, keys: SourceKeys) -> None:
        """Wipe all receipts of this codename."""
        tags = keys.receipt_tags(limits.RECEIPTS_SHOWN)
        for tag in tags:
            for slot in _slots(tag):
                if self._read(slot)[1] == tag:
                    self._write(slot, bytes(_SLOT.size))
        if self.machines is not None:
            self.machines.forget_receipts(tags)

    def _own(self, keys: SourceKeys) -> Iterator[_Own]:
        tags = keys.receipt_tags(limits.RECEIPTS_SHOWN)
        elsewhere = [None] * len(tags) if self.machines is None else self.machines.receipts(tags)
        for place, (tag, other) in enumerate(zip(tags, elsewhere, strict=True)):
            shared = [_SLOT.unpack(other)] if other is not None and len(other) == _SLOT.size else []
            for hour, found, sealed in shared or map(self._read, _slots(tag)):
                if found != tag:
                    continue
                try:
                    letter_id, characters, files, number = _RECEIPT.unpack(keys.open_receipt(sealed))
                except SealError:
                    continue
                received = Received(hour=hour, characters=characters, files=files)
                yield _Own(place=place, letter_id=letter_id, number=number, received=received)

    def _sweep(self, hour: int) -> None:
        """Wipe what is too old, once an hour in every worker."""
        if self._swept[0] == hour:
            return
        self._swept[0] = hour
        if not self._counted(hour):
            _COUNT.pack_into(self._count, 0, 0, 0)
        for slot in range(limits.RECEIPT_SLOTS):
            written = self._read(slot)[0]
            if written and not 0 <= hour - written < limits.RECEIPT_HOURS:
                self._write(slot, bytes(_SLOT.size))

    def _read(self, slot: int) -> tuple[int, bytes, bytes]:
        hour, tag, sealed = _SLOT.unpack_from(self._memory, slot * _SLOT.size)
        return hour, tag, sealed

    def _write(self, slot: int, content: bytes) -> None:
        self._memory[slot * _SLOT.size : (slot + 1) * _SLOT.size] = content


def _shared(size: int) -> mmap.mmap:
    """Memory that processes forked later share, and that is in no dump."""
    memory = mmap.mmap(-1, size, mmap.MAP_SHARED | mmap.MAP_ANONYMOUS)
    memory.madvise(mmap.MADV_DONTDUMP)
    return memory


def _next_number(own: Iterable[_Own]) -> int:
    return min(max((each.number for each in own), default=0) + 1, _HIGHEST)


def _slots(tag: bytes) -> list[int]:
    first = int.from_bytes(tag[:4], "big")
    return [(first + step) % limits.RECEIPT_SLOTS for step in range(_WINDOW)]
