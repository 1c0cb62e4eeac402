"""The ZIP container of office documents: bounds before anything is unpacked, and a writer that adds no metadata.

Written archives have one date, one compression, no comments, no extra fields and members in a fixed order, so they
depend on their content alone. Pictures are not compressed again.
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from typing import Final
from urllib.parse import unquote

from typing_extensions import override

from fieldreport import limits
from fieldreport.scrub.documents import spelled_pictures
from fieldreport.scrub.format import Cleaning, Sink, Source
from fieldreport.scrub.sniff import UNREADABLE_ZIP
from fieldreport.scrub.verdicts import Bomb, Damaged, Refusal, Refused

_DATE: Final = (1980, 1, 1, 0, 0, 0)  # the first a ZIP can say
_LEVEL: Final = 6
_STORED: Final = ("mimetype", ".jpg", ".png", ".gif")
_ENCRYPTED: Final = 0x1
_MARKUP: Final = (".xml", ".xhtml", ".html", ".htm")
# In every Office file, and without words.
_WORDLESS: Final = re.compile(
    r"(?:^|/)(?:theme\d*|settings|fontTable|webSettings|numbering)\.xml|(?:word|xl)/styles\.xml"
)


class Archive(Mapping[str, bytes]):
    """The members of an untrusted archive by name, unpacked when they are asked for and only then.

    Raises:
        Refused: ``encrypted``, ``damaged``, or ``bomb`` when the directory alone says too much: members, sizes, ratio.
            A member that holds more than it declares is ``damaged`` when it is read.
    """

    def __init__(self, untrusted_source: Source, cleaning: Cleaning) -> None:
        self._cleaning = cleaning
        try:
            self._archive = zipfile.ZipFile(untrusted_source.file())
        except UNREADABLE_ZIP:
            raise Damaged from None
        self._members: dict[str, zipfile.ZipInfo] = {}
        for member in self._archive.infolist():
            if member.is_dir():
                continue
            name = member.filename.replace("\\", "/")  # as some programs on Windows write it
            if name in self._members:
                raise Damaged  # two parts of one name: which one is shown depends on the program
            self._members[name] = member
        self._any_case = {name.lower(): name for name in self._members}
        _check(self._members.values())

    def called(self, name: str) -> str:
        """The member of this name, in small or capital letters (OPC compares so); the name itself where none is."""
        return name if name in self._members else self._any_case.get(name.lower(), name)

    @override
    def __getitem__(self, name: str) -> bytes:
        member = self._members[name]
        self._cleaning.spend(member.file_size)
        try:
            with self._archive.open(member) as file:
                data = file.read(member.file_size + 1)
        except UNREADABLE_ZIP:
            raise Damaged from None
        if len(data) != member.file_size:
            raise Damaged
        has_words = name.endswith(_MARKUP) and _WORDLESS.search(name) is None
        return spelled_pictures.cleaned(data, self._cleaning) if has_words else data

    @override
    def __contains__(self, name: object) -> bool:
        return name in self._members  # a mapping would unpack the member to know

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    @override
    def __len__(self) -> int:
        return len(self._members)


def warm() -> None:
    """Load what ``zipfile`` loads late: the code page of names that are not marked as UTF-8."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("warm", _DATE), b"warm")
    with zipfile.ZipFile(file) as archive:
        archive.read("warm")
    for encoding in ("cp437", "utf-16", "utf-16-le", "utf-16-be", "ascii", "latin-1"):
        "warm".encode(encoding)


def _check(members: Iterable[zipfile.ZipInfo]) -> None:
    total = 0
    for count, member in enumerate(members, start=1):
        if member.flag_bits & _ENCRYPTED:
            raise Refused(Refusal.ENCRYPTED)
        total += member.file_size
        packed = max(member.compress_size, 1)
        if member.file_size > limits.OFFICE_FREE_RATIO_BYTES and member.file_size // packed > limits.ARCHIVE_RATIO:
            raise Bomb
        if count > limits.ARCHIVE_MEMBERS or total > limits.OFFICE_TOTAL_BYTES:
            raise Bomb


def resolve(folder: str, untrusted_address: str) -> str:
    """The name of the member that an address in a part of ``folder`` leads to; never one above the root."""
    # From the root, or ``normpath`` would keep what leads above it.
    return posixpath.normpath(posixpath.join("/", folder, unquote(untrusted_address))).lstrip("/")


def write(sink: Sink, members: Iterable[tuple[str, bytes]]) -> None:
    """Write an archive. The ``mimetype`` of ODF and EPUB is not compressed, because it has to be readable."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in members:
            member = zipfile.ZipInfo(name, _DATE)
            member.create_system = 0
            member.compress_type = zipfile.ZIP_STORED if name.endswith(_STORED) else zipfile.ZIP_DEFLATED
            archive.writestr(member, data, compresslevel=_LEVEL)
    sink.write(file.getvalue())
