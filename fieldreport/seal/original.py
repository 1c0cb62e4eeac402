"""A file as its source uploaded it, kept unchanged for a court: sealed apart, inside the letter with its cleaned copy.

Rules: it is sealed to the people whom the newsroom named for this and to the recovery key, not to every editor. Its
hash stands inside and nowhere else: who gave each reader a copy of their own would know by it whose copy this is. The
letter's manifest has the hash of what was sealed, which binds the two. FORMAT.md, "Original".
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from typing import BinaryIO, Final, cast

from fieldreport.seal.envelope import PartSource, seal_envelope
from fieldreport.seal.inner_header import Kind
from fieldreport.seal.roster import Roster
from fieldreport.seekable import Joined, SeekableReader

ORIGINAL: Final = "application/vnd.fieldreport.original"
"""The media type of such a part: the mark by which the desk knows that it is not to be opened there."""
_NAME: Final = "original.bin"
_TYPE: Final = "application/octet-stream"  # nobody has looked what it is


def original_name(number: int) -> str:
    """What the original of file ``number`` of a letter, counted from 1, is called in it."""
    return f"original-{number}.age"


def seal_original(
    source: SeekableReader,
    *,
    length: int,
    sha256: bytes,
    roster: Roster,
    readers: Collection[str],
    hour: int,
    payload: SeekableReader,
) -> Joined:
    """Seal a file's bytes; ``payload``, an empty file that can be written, holds them sealed and belongs to the result.

    ``sha256``: of ``source``, which has ``length`` bytes. ``readers``: handles; the recovery key reads in any case.

    Raises:
        RosterError: nobody could read it. SealError: as ``seal_envelope``.
    """
    binding = roster.binding(Kind.ORIGINAL, thread=secrets.token_bytes(16), object_id=secrets.token_bytes(16))
    part = PartSource(name=_NAME, media_type=_TYPE, source=cast("BinaryIO", source), length=length, sha256=sha256)
    header = seal_envelope(
        binding,
        hour=hour,
        fields={},
        parts=[part],
        recipients=roster.recipients(only=readers),
        payload_to=cast("BinaryIO", payload),
    )
    return Joined(header, cast("BinaryIO", payload))
