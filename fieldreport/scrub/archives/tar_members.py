"""A stranger's TAR, one member after the other.

POSIX.1-2017 ustar and pax, what GNU tar adds for long names, and the form of Unix Version 7, which small programs still
write.

Rules: read from the beginning to the end and never back, so the same code reads a compressed one; every header's
checksum is checked; a size is what its header says, and a record that gives another one is refused, because programs
would differ on where the next member begins. Links and devices have no content and go.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, Protocol

from fieldreport import limits
from fieldreport.scrub.archives.member import Member
from fieldreport.scrub.format import Cleaning
from fieldreport.scrub.sniff import TAR_BLOCK_BYTES, is_tar, tar_sum
from fieldreport.scrub.text import encoding
from fieldreport.scrub.verdicts import Bomb, Damaged, Refusal, Refused, Removed

_REGULAR: Final = frozenset({b"\0", b"0", b"7"})  # contiguous files are as good as any other
_FOLDER, _LONG_NAME, _LONG_LINK, _OF_NEXT, _OF_ALL = b"5", b"L", b"K", b"x", b"g"
_VOLUME: Final = b"V"  # what GNU tar calls the whole archive
_WITHOUT_CONTENT: Final = frozenset({b"1", b"2", b"3", b"4", b"6"})  # links, devices, pipes
_RECORDS_BYTES: Final = limits.MIB  # of one block of pax records, or one long name
_CHANGES_SIZE: Final = re.compile(rb"(?:^|\n)\d+ (?:size=|GNU\.sparse)")
_PATH: Final = re.compile(rb"(?:^|\n)\d+ path=([^\n]*)\n")
_NUMBER: Final = re.compile(rb"[0-7]*")


class Sequential(Protocol):
    """What is read from the beginning to the end."""

    def read(self, size: int, /) -> bytes:
        """``size`` bytes, fewer only at the end."""


def members(file: Sequential, cleaning: Cleaning) -> Iterator[Member]:
    """Each file, to be read before the next one is asked for.

    Raises:
        Refused: ``member`` for one that is too large; ``archive`` for one with holes; ``damaged`` or ``bomb``.
    """
    total = count = 0
    long_name = b""
    while any(header := file.read(TAR_BLOCK_BYTES)):
        size = _checked(header)
        kind = header[156:157]
        count, total = count + 1, total + size
        if count > limits.ARCHIVE_MEMBERS or total > limits.ARCHIVE_TOTAL_BYTES:
            raise Bomb
        if kind in {_OF_NEXT, _OF_ALL, _LONG_NAME, _LONG_LINK}:
            if size > _RECORDS_BYTES:
                raise Bomb
            records = _padded(file, size)
            if kind in {_OF_NEXT, _OF_ALL} and _CHANGES_SIZE.search(records):
                raise Refused(Refusal.ARCHIVE)
            long_name = _long_name(kind, records) or long_name
            is_name = kind in {_LONG_NAME, _LONG_LINK}
            cleaning.removed.add(Removed.FILE_NAMES if is_name else Removed.OTHER_METADATA)
            continue
        _report(header, cleaning.removed)
        if kind == _FOLDER or (kind in _REGULAR and header[:100].rstrip(b"\0").endswith(b"/")):  # as before POSIX
            _padded(file, size)  # of any use only to old programs
        elif kind in _REGULAR:
            if size > limits.ARCHIVE_MEMBER_BYTES:
                raise Refused(Refusal.MEMBER)
            yield _member(long_name or _name(header), _padded(file, size), cleaning.options.language)
        elif kind == _VOLUME:
            _padded(file, size)
            cleaning.removed.add(Removed.DESCRIPTION)
        elif kind in _WITHOUT_CONTENT:
            cleaning.removed |= {Removed.LINKS, Removed.FILE_NAMES}
        else:
            raise Refused(Refusal.ARCHIVE)  # sparse files, parts of several volumes
        long_name = b""
    while rest := file.read(limits.SCRUB_COPY_BYTES):
        if any(rest):
            cleaning.removed.add(Removed.TRAILING_DATA)


def _long_name(kind: bytes, records: bytes) -> bytes:
    """The name of the next member, where these records give one."""
    if kind == _LONG_NAME:
        return records.rstrip(b"\0")
    path = _PATH.search(records) if kind == _OF_NEXT else None
    return path[1] if path is not None else b""


def _name(header: bytes) -> bytes:
    # In the old form of GNU tar, times stand where POSIX has the beginning of a long path.
    folders = header[345:500].rstrip(b"\0") if header[257:263] == b"ustar\0" else b""
    return (folders + b"/" if folders else b"") + header[:100].rstrip(b"\0")


def _member(name: bytes, content: bytes, language: str) -> Member:
    try:
        called = encoding.decode(name, language=language)
    except Damaged:
        called = name.decode("latin-1")
    return Member(called, lambda: content)


def _checked(header: bytes) -> int:
    """The size of a member, when its header is whole."""
    if len(header) != TAR_BLOCK_BYTES or not is_tar(header):
        raise Damaged
    if tar_sum(header) != _number(header[148:156]):
        raise Damaged
    return _number(header[124:136])


def _number(field: bytes) -> int:
    if field[0] & 0x80:  # too large for octal digits: base 256, and never negative
        if field[0] != 0x80:
            raise Damaged
        return int.from_bytes(field[1:], "big")
    digits = field.strip(b" \0")
    if _NUMBER.fullmatch(digits) is None:
        raise Damaged
    return int(digits or b"0", 8)


def _padded(file: Sequential, size: int) -> bytes:
    """A member's content; the rest of its last block is filled with anything."""
    data = file.read(size)
    file.read(-size % TAR_BLOCK_BYTES)
    if len(data) != size:
        raise Damaged
    return data


def _report(header: bytes, removed: set[Removed]) -> None:
    if _number(header[136:148]):
        removed.add(Removed.TIME)
    if _number(header[108:116]) or _number(header[116:124]):
        removed.add(Removed.IDENTIFIERS)
    if header[265:329].strip(b"\0"):
        removed.add(Removed.AUTHOR)  # the names of a user and a group
