"""ZIP, TAR and gzip: every file inside is cleaned as if it came alone, and a new archive is made of the results.

Rules: nothing of the old archive is copied; names, folders, times, owners, comments and extra fields have no way into
the new one. Members are called what a file alone would be called, and stand in their old order. Whatever was packed
comes out as ZIP, which opens everywhere.

A member that cannot be cleaned refuses the whole archive. To leave it out would be to lose evidence behind its sender's
back: they believe that we have fifty files, and the receipt of an archive has no line for each. Refused, they unpack it
and hear of each file by name. Only what nobody put there on purpose is left out and reported: links, empty files, and
what an operating system leaves in every folder.
"""

from __future__ import annotations

import zipfile
from collections import Counter
from collections.abc import Iterator
from typing import Final

from fieldreport import limits
from fieldreport.scrub import registry
from fieldreport.scrub.archives import gzip_stream, tar_members, zip_members
from fieldreport.scrub.archives.verify import check
from fieldreport.scrub.format import Cleaning, Sink, Source
from fieldreport.scrub.verdicts import Bomb, Damaged, Refusal, Refused, Removed

MEDIA_TYPE: Final = "application/zip"
_DATE: Final = (1980, 1, 1, 0, 0, 0)  # the first a ZIP can say
_LEVEL: Final = 6
_PACKABLE: Final = ("text/", "image/svg", "image/tiff", "application/rtf")  # others are compressed already

# What macOS leaves beside and among files: AppleDouble (RFC 1740) and the Finder's .DS_Store.
_LITTER: Final = (b"\x00\x05\x16\x07", b"\x00\x00\x00\x01Bud1")

# What a member is refused for is told as it is where it is about the archive as a whole.
_OF_THE_WHOLE: Final = frozenset({Refusal.BOMB, Refusal.MEMBER})


def clean(untrusted_source: Source, sink: Sink, cleaning: Cleaning) -> str:
    """Write the new archive.

    Raises:
        Refused: ``member`` for a file in it that cannot be cleaned; ``encrypted``, ``archive``, ``damaged``, ``bomb``;
            ``empty`` when nothing is left.
    """
    names: Counter[str] = Counter()
    old_names: list[str] = []
    new_names: list[str] = []
    with zipfile.ZipFile(sink, "w") as packed:
        for old_name, untrusted_data in _members(untrusted_source, cleaning):
            if not untrusted_data or untrusted_data.startswith(_LITTER):
                cleaning.removed |= {Removed.OTHER_METADATA} if untrusted_data else {Removed.FILE_NAMES}
                continue
            try:
                member = cleaning.embedded(untrusted_data)
            except Refused as refused:
                raise refused if refused.refusal in _OF_THE_WHOLE else Refused(Refusal.MEMBER) from None
            kind = registry.neutral_name(member.media_type, 0)
            names[kind] += 1
            name = registry.neutral_name(member.media_type, names[kind])
            entry = zipfile.ZipInfo(name, _DATE)
            entry.create_system = 0
            is_packable = member.media_type.startswith(_PACKABLE)
            entry.compress_type = zipfile.ZIP_DEFLATED if is_packable else zipfile.ZIP_STORED
            packed.writestr(entry, member.data, compresslevel=_LEVEL)
            old_names.append(old_name)
            new_names.append(name)
            if len(new_names) > limits.ARCHIVE_MEMBERS:
                raise Bomb
    if not new_names:
        raise Refused(Refusal.EMPTY)
    if old_names != new_names:
        cleaning.removed.add(Removed.FILE_NAMES)
    return MEDIA_TYPE


def _members(source: Source, cleaning: Cleaning) -> Iterator[tuple[str, bytes]]:
    """The name and content of each file, in order."""
    head = source.read_at(0, tar_members.BLOCK_BYTES)
    if head.startswith(b"PK"):
        return zip_members.members(source, cleaning)
    if head.startswith(gzip_stream.MAGIC):
        return _unzipped(source, cleaning)
    if tar_members.is_tar(head):
        return tar_members.members(source.file(), cleaning)
    raise Damaged


def _unzipped(source: Source, cleaning: Cleaning) -> Iterator[tuple[str, bytes]]:
    """The members of a compressed TAR, or the one file that was compressed."""
    with gzip_stream.Unzipped(source, cleaning.removed) as file:
        if tar_members.is_tar(file.peek(tar_members.BLOCK_BYTES)):
            yield from tar_members.members(file, cleaning)
            return
        content = file.read(limits.ARCHIVE_MEMBER_BYTES + 1)
        if len(content) > limits.ARCHIVE_MEMBER_BYTES:
            raise Refused(Refusal.MEMBER)
        yield "", content


def verify(source: Source, media_type: str) -> None:
    """Read the archive again with other code (``verifying``), and every file in it with its family's.

    Raises:
        Residue: a byte that belongs to nothing, a field that tells something, a member with something left.
    """
    del media_type
    check(source)


def warm() -> None:
    """Load what ``zipfile`` loads late: the code page of names that are not marked as UTF-8."""
    for encoding in ("cp437", "utf-8", "ascii", "latin-1"):
        "warm".encode(encoding).decode(encoding)
