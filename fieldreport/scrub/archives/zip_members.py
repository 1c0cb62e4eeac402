"""A stranger's ZIP, one member after the other (PKWARE APPNOTE 6.3.10).

Rules: the directory is judged before anything is unpacked: members, sizes, ratio, and that no two members share bytes,
which is how a small archive unpacks to petabytes. A member that holds more than it declares is damaged. What lies
between members belongs to none and goes.
"""

from __future__ import annotations

import functools
import stat
import struct
import zipfile
from collections.abc import Iterator
from typing import Final

from fieldreport import limits
from fieldreport.scrub.archives.member import Member
from fieldreport.scrub.format import Cleaning, Source
from fieldreport.scrub.sniff import UNREADABLE_ZIP
from fieldreport.scrub.text import encoding
from fieldreport.scrub.verdicts import Bomb, Damaged, Refusal, Refused, Removed

_ENCRYPTED: Final = 0x1
_DESCRIPTOR: Final = 0x8
_UNICODE: Final = 0x800
_LOCAL_HEADER: Final = struct.Struct("<4s22xHH")
_DESCRIPTOR_BYTES: Final = 24  # with its signature and eight bytes a size
_METHODS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA})
_NO_DATE: Final = (1980, 1, 1, 0, 0, 0)
_EXTRA: Final = {
    0x0001: None,  # sizes of a large member
    0x000A: Removed.TIME,  # NTFS
    0x5455: Removed.TIME,
    0x5855: Removed.IDENTIFIERS,  # user and group numbers
    0x7855: Removed.IDENTIFIERS,
    0x7875: Removed.IDENTIFIERS,
    0x6375: Removed.COMMENTS,
    0x7075: None,  # the name again, in Unicode
}


def members(source: Source, cleaning: Cleaning) -> Iterator[Member]:
    """Each file, to be read before the next one is asked for.

    Raises:
        Refused: ``encrypted``; ``archive`` for a compression nobody knows; ``member`` for one that is too large;
            ``damaged`` or ``bomb``.
    """
    try:
        with zipfile.ZipFile(source.file()) as archive:
            entries = archive.infolist()
            _check(entries)
            _account(source, archive, entries, cleaning.removed)
            for entry, name in zip(entries, _names(entries, cleaning.options.language), strict=True):
                if entry.is_dir():
                    continue
                if stat.S_ISLNK(entry.external_attr >> 16):
                    cleaning.removed |= {Removed.LINKS, Removed.FILE_NAMES}
                    continue
                yield Member(name, functools.partial(_content, archive, entry))
    except UNREADABLE_ZIP:
        raise Damaged from None


def _check(entries: list[zipfile.ZipInfo]) -> None:
    if len(entries) > limits.ARCHIVE_MEMBERS:
        raise Bomb
    total = 0
    for entry in entries:
        if entry.flag_bits & _ENCRYPTED:
            raise Refused(Refusal.ENCRYPTED)
        if entry.compress_type not in _METHODS:
            raise Refused(Refusal.ARCHIVE)
        total += entry.file_size
        packed = max(entry.compress_size, 1)
        if total > limits.ARCHIVE_TOTAL_BYTES:
            raise Bomb
        if entry.file_size > limits.ARCHIVE_FREE_RATIO_BYTES and entry.file_size // packed > limits.ARCHIVE_RATIO:
            raise Bomb
    if any(entry.file_size > limits.ARCHIVE_MEMBER_BYTES for entry in entries):
        raise Refused(Refusal.MEMBER)


def _account(source: Source, archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo], removed: set[Removed]) -> None:
    """Report what the archive says outside its members, and refuse members that overlap."""
    if archive.comment:
        removed.add(Removed.COMMENTS)
    end, slack = 0, 0
    for entry in sorted(entries, key=lambda entry: entry.header_offset):
        if entry.header_offset < end:
            raise Bomb
        if entry.header_offset > end + slack:
            removed.add(Removed.HIDDEN_CONTENT if end else Removed.TRAILING_DATA)
        magic, name_length, extra_length = _LOCAL_HEADER.unpack(source.read_at(entry.header_offset, _LOCAL_HEADER.size))
        if magic != b"PK\x03\x04":
            raise Damaged
        start = entry.header_offset + _LOCAL_HEADER.size + name_length
        _report(entry, source.read_at(start, extra_length), removed)
        end = start + extra_length + entry.compress_size
        slack = _DESCRIPTOR_BYTES if entry.flag_bits & _DESCRIPTOR else 0
    if archive.start_dir > end + slack:
        removed.add(Removed.HIDDEN_CONTENT)
    if archive.start_dir < end:
        raise Damaged
    tail = source.read_at(max(0, source.size - 65_557), 65_557)
    if len(tail) - tail.rfind(b"PK\x05\x06") != 22 + len(archive.comment):
        removed.add(Removed.TRAILING_DATA)


def _report(entry: zipfile.ZipInfo, local_extra: bytes, removed: set[Removed]) -> None:
    if entry.date_time != _NO_DATE:
        removed.add(Removed.TIME)
    if entry.comment:
        removed.add(Removed.COMMENTS)
    for extra in (entry.extra, local_extra):
        position = 0
        while position + 4 <= len(extra):
            kind, size = struct.unpack_from("<HH", extra, position)
            found = _EXTRA.get(kind, Removed.OTHER_METADATA)
            if found is not None:
                removed.add(found)
            position += 4 + size


def _names(entries: list[zipfile.ZipInfo], language: str) -> list[str]:
    """What members are called: in Unicode where the archive says so, else in one encoding, the likeliest of all names.

    Only texts of the archive that mention a name are changed by it, so a wrong guess takes nothing away.
    """
    old = [entry.filename.encode("cp437") for entry in entries if not entry.flag_bits & _UNICODE]
    try:
        guessed = iter(encoding.decode(b"\n".join(old), language=language).split("\n"))
    except Damaged:
        guessed = iter(name.decode("cp437") for name in old)
    names = [entry.filename if entry.flag_bits & _UNICODE else next(guessed, "") for entry in entries]
    return [name.replace("\\", "/") for name in names]


def _content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    try:
        with archive.open(entry) as file:
            data = file.read(entry.file_size + 1)
    except UNREADABLE_ZIP:
        raise Damaged from None
    if len(data) != entry.file_size:
        raise Damaged
    return data
