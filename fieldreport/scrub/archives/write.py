"""Cleaning every file of an archive and packing the results as ZIP."""

from __future__ import annotations

import functools
import posixpath
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Final

from fieldreport import limits
from fieldreport.scrub import registry
from fieldreport.scrub.archives.litter import is_litter
from fieldreport.scrub.archives.member import Member
from fieldreport.scrub.archives.names_verify import OldNames
from fieldreport.scrub.archives.parse import parse
from fieldreport.scrub.archives.renames import Renames
from fieldreport.scrub.format import Cleaning, Embedded, Sink, Source
from fieldreport.scrub.sniff import sniff
from fieldreport.scrub.verdicts import Bomb, Noted, Refusal, Refused, RefusedMember, Removed

MEDIA_TYPE: Final = "application/zip"
_DATE: Final = (1980, 1, 1, 0, 0, 0)  # the first a ZIP can say
_LEVEL: Final = 6
_PACKABLE: Final = ("text/", "image/svg", "image/tiff", "application/rtf")  # others are compressed already

# A refusal of a member that is about the archive as a whole stays as it is.
_OF_THE_WHOLE: Final = frozenset({Refusal.BOMB})
# What may name other files of the archive.
_NAMING: Final = frozenset(
    {"text/plain", "text/html", "text/vcard", "text/calendar"}
    | {"application/gpx+xml", "application/geo+json", "application/vnd.google-earth.kml+xml"}
)


def clean(untrusted_source: Source, sink: Sink, cleaning: Cleaning) -> str:
    """Write the new archive.

    Raises:
        Refused: as ``pack``, and what ``parse`` raises.
    """
    pack(lambda: parse(untrusted_source, cleaning), sink, cleaning)
    return MEDIA_TYPE


def pack(members: Callable[[], Iterable[Member]], sink: Sink, cleaning: Cleaning) -> None:
    """Clean every member and write an archive of the results. ``members`` is called twice where there are texts.

    Raises:
        Refused: ``member`` for files in it that cannot be cleaned; ``bomb``; ``empty`` when nothing is left.
    """
    with zipfile.ZipFile(sink, "w") as archive:
        package = _Package(archive, cleaning)
        package.take(members())
        if package.has_texts:
            package.take_texts(members())
    package.check()


class _Package:
    def __init__(self, archive: zipfile.ZipFile, cleaning: Cleaning) -> None:
        self._archive = archive
        self._cleaning = cleaning
        self._old_names: list[str] = []
        self._new_names: list[str] = []  # of each member, also of one that is left out
        self._packed: list[str] = []  # in their order
        self._texts: set[int] = set()
        self._blamed: list[RefusedMember] = []
        self._numbers: Counter[str] = Counter()

    @property
    def has_texts(self) -> bool:
        return bool(self._texts)

    def take(self, members: Iterable[Member]) -> None:
        """Clean what names no other member, and give every member its new name."""
        for place, member in enumerate(members, start=1):
            if place > limits.ARCHIVE_MEMBERS:
                raise Bomb
            untrusted_data = member.read()
            self._old_names.append(member.untrusted_name)
            self._new_names.append(self._taken(place, member.untrusted_name, untrusted_data) or f"left-out-{place}")

    def _taken(self, place: int, untrusted_name: str, untrusted_data: bytes) -> str:
        """The new name, or an empty string where nothing is kept."""
        if not untrusted_data:
            self._cleaning.removed.add(Removed.FILE_NAMES)
            return ""
        if is_litter(untrusted_name, untrusted_data):
            self._cleaning.removed.add(Removed.LITTER)
            return ""
        try:
            media_type = sniff(Source.of(untrusted_data))
            if media_type in _NAMING:
                self._texts.add(place)
                return self._next_name(media_type)
            cleaned = self._cleaning.embedded(untrusted_data)
        except Refused as refused:
            self._blame(place, refused)
            return ""
        return self._write(self._next_name(cleaned.media_type), cleaned)

    def take_texts(self, members: Iterable[Member]) -> None:
        """Clean what may name other members, with their new names in it."""
        names = dict(zip(reversed(self._old_names), reversed(self._new_names), strict=True))
        renames, old_names = Renames(names), OldNames(names)
        for place, member in enumerate(members, start=1):
            if place not in self._texts:
                continue
            folder = posixpath.dirname(member.untrusted_name)
            self._cleaning.rename = functools.partial(renames.apply, folder=folder)
            try:
                cleaned = self._cleaning.embedded(member.read())
            except Refused as refused:
                self._blame(place, refused)
                continue
            if cleaned.media_type in _NAMING:
                old_names.verify(cleaned.data.decode())
            promised = self._new_names[place - 1]
            is_kept = registry.named_type(promised) == cleaned.media_type  # strong mode makes words of a page
            self._write(promised if is_kept else self._next_name(cleaned.media_type), cleaned)

    def check(self) -> None:
        """Raise for what is missing, or say that it is."""
        if self._blamed and not (self._cleaning.options.without_refused and self._packed):
            raise Refused(Refusal.MEMBER, tuple(self._blamed))
        if not self._packed:
            raise Refused(Refusal.EMPTY)
        if self._blamed:
            self._cleaning.noted.add(Noted.LEFT_OUT)
        if self._old_names != self._new_names:
            self._cleaning.removed.add(Removed.FILE_NAMES)

    def _blame(self, place: int, refused: Refused) -> None:
        if refused.refusal in _OF_THE_WHOLE:
            raise refused
        self._blamed.append(RefusedMember(place, refused.refusal))

    def _next_name(self, media_type: str) -> str:
        self._numbers[media_type] += 1
        return registry.neutral_name(media_type, self._numbers[media_type])

    def _write(self, name: str, cleaned: Embedded) -> str:
        entry = zipfile.ZipInfo(name, _DATE)
        entry.create_system = 0
        is_packable = cleaned.media_type.startswith(_PACKABLE)
        entry.compress_type = zipfile.ZIP_DEFLATED if is_packable else zipfile.ZIP_STORED
        self._archive.writestr(entry, cleaned.data, compresslevel=_LEVEL)
        self._packed.append(name)
        return name


def warm() -> None:
    """Load what ``zipfile`` loads late: the code page of names that are not marked as UTF-8."""
    for encoding in ("cp437", "utf-8", "ascii", "latin-1"):
        "warm".encode(encoding).decode(encoding)
