"""What goes over the link: the bytes of a letter, and the documents about everything else.

    letter    epoch (8 bytes), payload's size (8), header's length (4), big-endian; header; payload; SHA-256 of the
              letter's id and of all of this before
    the rest  JSON; ids in hexadecimal, bytes in base64

Rules: both ends name their version and their newsroom in every message. A letter's bytes are the same each time, so
that one whose line was cut is asked for from the byte that is missing, and its sum covers all of it.
"""

from __future__ import annotations

import hashlib
import itertools
import struct
from collections.abc import Iterator
from typing import Any, Final

from fieldreport import limits
from fieldreport.errors import StoreError
from fieldreport.mailbox.interface import SealedLetter
from fieldreport.mailbox.letterbox import LetterboxState, Switches

VERSION: Final = 1
GREETING: Final = "Fieldreport-Link"
"""The header in which each end says its version and its newsroom."""
FRONT: Final = struct.Struct(">QQI")
SUM_BYTES: Final = 32


def greeting(instance: bytes) -> str:
    """What an end of the link says in ``GREETING``; ``instance``: the newsroom's id, 16 bytes."""
    return f"{VERSION} {instance.hex()}"


def length_of(letter: SealedLetter) -> int:
    """How many bytes a letter takes on the link."""
    return FRONT.size + len(letter.header) + letter.size + SUM_BYTES


def pieces_of(letter: SealedLetter, *, start: int = 0) -> Iterator[bytes]:
    """The bytes of a letter from ``start`` on; what is before is read as well, for the sum.

    Raises:
        StoreError: the payload cannot be read to its end.
    """
    summed = hashlib.sha256(letter.id)
    at = 0
    front = FRONT.pack(letter.epoch, letter.size, len(letter.header)) + letter.header
    for piece in itertools.chain([front], _payload(letter)):
        summed.update(piece)
        if at + len(piece) > start:
            yield piece[max(0, start - at) :]
        at += len(piece)
    yield summed.digest()[max(0, start - at) :]


_BOUNDS: Final = ("letters_per_hour", "most_letters_per_hour", "request_bytes", "free_bytes")


def of_switches(switches: Switches) -> dict[str, Any]:
    """The part of a document that says how the letterbox stands."""
    bounds = {name: getattr(switches, name) for name in _BOUNDS}
    return {"letterbox": str(switches.state), "invitation": switches.invitation, "limits": bounds}


def switches_in(untrusted: dict[str, Any]) -> Switches:
    """The same, from the other end; an older release says no limits.

    Raises:
        ValueError: it is not what an intake says.
    """
    state, invitation, untrusted_bounds = (untrusted.get(name) for name in ("letterbox", "invitation", "limits"))
    bounds = {} if untrusted_bounds is None else untrusted_bounds
    if not isinstance(state, str) or not isinstance(invitation, bool) or not isinstance(bounds, dict):
        raise ValueError  # noqa: TRY004 - one error for a document that is not one of ours
    known = {name: bounds[name] for name in _BOUNDS if name in bounds}
    if any(type(number) is not int or number < 0 for number in known.values()):
        raise ValueError
    return Switches(state=LetterboxState(state), invitation=invitation, **known)


def _payload(letter: SealedLetter) -> Iterator[bytes]:
    left = letter.size
    while left:
        data = letter.payload.read(min(left, limits.READ_BYTES))
        if not data:
            raise StoreError("a letter is incomplete", detail="a payload is shorter than its row says")
        left -= len(data)
        yield data
