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
from typing import Final

from fieldreport import limits
from fieldreport.errors import StoreError
from fieldreport.mailbox.interface import SealedLetter

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


def _payload(letter: SealedLetter) -> Iterator[bytes]:
    left = letter.size
    while left:
        data = letter.payload.read(min(left, limits.READ_BYTES))
        if not data:
            raise StoreError("a letter is incomplete", detail="a payload is shorter than its row says")
        left -= len(data)
        yield data
