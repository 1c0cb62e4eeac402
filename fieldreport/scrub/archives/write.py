"""Cleaning every file of an archive and packing the results as ZIP."""

from __future__ import annotations

import zipfile
from collections import Counter
from typing import Final

from fieldreport import limits
from fieldreport.scrub import registry
from fieldreport.scrub.archives.parse import parse
from fieldreport.scrub.format import Cleaning, Sink, Source
from fieldreport.scrub.verdicts import Bomb, Refusal, Refused, Removed

_DATE: Final = (1980, 1, 1, 0, 0, 0)  # the first a ZIP can say
_LEVEL: Final = 6
_PACKABLE: Final = ("text/", "image/svg", "image/tiff", "application/rtf")  # others are compressed already

# What macOS adds to folders: AppleDouble (RFC 1740) and the Finder's .DS_Store.
_LITTER: Final = (b"\x00\x05\x16\x07", b"\x00\x00\x00\x01Bud1")

# A refusal of a member that is about the archive as a whole stays as it is.
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
        for old_name, untrusted_data in parse(untrusted_source, cleaning):
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
    return "application/zip"


def warm() -> None:
    """Load what ``zipfile`` loads late: the code page of names that are not marked as UTF-8."""
    for encoding in ("cp437", "utf-8", "ascii", "latin-1"):
        "warm".encode(encoding).decode(encoding)
