"""How every verifier of a document of XML reads: with the standard library's ZIP and XML readers.

It shares no code with the writers, which use lxml.
"""

from __future__ import annotations

import html
import io
import re
import zipfile
from collections.abc import Callable, Iterator
from typing import Final
from xml.parsers import expat

from fieldreport.scrub import registry
from fieldreport.scrub.documents import tables
from fieldreport.scrub.format import Source
from fieldreport.scrub.text.plain.verify import verify_pictures
from fieldreport.scrub.text.tables import NEEDED_NOWHERE
from fieldreport.scrub.verdicts import Residue

_DATE: Final = (1980, 1, 1, 0, 0, 0)
_ASCII: Final = bytes(range(128))
_REFERENCE: Final = re.compile("&#[^;<&]*;")
_NO_LETTERS: Final = re.compile("[\\W\u115f\u1160\u3164\uffa0]+")  # fillers of Hangul show nothing
_NO_ASCII_LETTERS: Final = bytes(byte for byte in range(128) if re.match(rb"\W", bytes((byte,))))
_PICTURE: Final = re.compile(r".*/image\d+\.(jpg|png|gif|svg)")
_PICTURE_TYPES: Final = {"jpg": "image/jpeg", "png": "image/png", "gif": "image/gif", "svg": "image/svg+xml"}


def parts(source: Source, allowed: re.Pattern[str], *, mimetype: str = "") -> Iterator[tuple[str, bytes]]:
    """Names and contents of the parts of a package, except pictures, which are verified here.

    ``allowed``: the names that there may be. ``mimetype``: what the member of that name, the first one, has to hold in
    a package that has one.

    Raises:
        Residue: another name, something else in the archive itself, or a picture that is not clean.
    """
    members = _members(source.whole())
    if mimetype and members[:1] != [("mimetype", mimetype.encode())]:
        raise Residue
    for name, content in members:
        if allowed.fullmatch(name) is None:
            raise Residue
        if (picture := _PICTURE.fullmatch(name)) is not None:
            registry.verify(Source.of(content), _PICTURE_TYPES[picture[1]])
        else:
            yield name, content


def _members(data: bytes) -> list[tuple[str, bytes]]:
    """The members of an archive that tells nothing by itself: one date, no comment, no extra field, no other system."""
    if not data.startswith(b"PK\x03\x04"):
        raise Residue
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            if archive.comment or len({entry.filename for entry in entries}) != len(entries):
                raise Residue
            for entry in entries:
                if (
                    entry.date_time != _DATE
                    or entry.extra
                    or entry.comment
                    or entry.create_system
                    or entry.flag_bits & ~0x800
                ):
                    raise Residue
            return [(entry.filename, archive.read(entry)) for entry in entries]
    except (zipfile.BadZipFile, OSError, ValueError, RuntimeError):
        raise Residue from None


class Shown:
    """How much clean documents of a kind show, by ``tables/shown.toml``: letters and digits, and what is counted."""

    def __init__(self, kind: str) -> None:
        said = tables.load("shown")[kind]
        self._things = [b"<%b" % name.encode() for name in said["things"].split()]
        sheets = b"|".join(name.encode() for name in said["sheets"].split()) or b"(?!)"
        self._markup = re.compile(rb"<(%b)(?: [^>]*\")?>.*?</\1>|<[^>]*>" % sheets, re.DOTALL)

    def count(self, part: bytes) -> int:
        """Of one part, in the form in which parts are written."""
        said = self._markup.sub(b"", part)
        text = said.decode()
        letters = len(said.translate(None, _NO_ASCII_LETTERS) if text.isascii() else _NO_LETTERS.sub("", text))
        escapes = sum(len(name) * said.count(b"&%b;" % name) for name in (b"amp", b"lt", b"gt"))
        escapes += 2 * said.count(b"&#13;")
        # Most parts hold few of these kinds, so it is asked first whether there is one.
        things = sum(part.count(thing + end) for thing in self._things if thing in part for end in (b" ", b"/", b">"))
        return letters - escapes + things


def parse(
    content: bytes,
    start: Callable[[str, dict[str, str]], None] | None,
    text: Callable[[str], None] | None,
    end: Callable[[str], None] | None = None,
) -> None:
    """Read XML with expat; a document type, a comment, an instruction or a character that shows nothing is residue."""
    verify_visible(content)
    parser = expat.ParserCreate(namespace_separator="\n")
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = _refuse
    parser.CommentHandler = _refuse
    parser.ProcessingInstructionHandler = _refuse
    try:
        parser.Parse(content, True)
    except expat.ExpatError:
        raise Residue from None


def verify_visible(content: bytes) -> None:
    """Look for characters that no writing needs, spelled out or not, and for pictures in words: one look for all.

    Raises:
        Residue: there is one.
    """
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise Residue from None
    # No byte of a character beyond ASCII is one of ASCII, and all of these characters are beyond.
    if not text.isascii() and not NEEDED_NOWHERE.isdisjoint(content.translate(None, _ASCII).decode()):
        raise Residue
    if "&#" in text and any(html.unescape(reference) in NEEDED_NOWHERE for reference in _REFERENCE.findall(text)):
        raise Residue
    verify_pictures(text, attributes=False)


def _refuse(*_: object) -> None:
    raise Residue
