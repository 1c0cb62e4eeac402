"""Which module cleans which type: one explicit table, and nothing is guessed from a name.

Modules are named, not imported: the service that receives strangers' files never loads a decoder. Only the process
that forks the locked children calls ``load_all``.

To add a family: write the module (see ``family``), add its media types to ``FAMILIES`` and what it may answer to
``OUTPUTS``, teach ``sniff`` to recognise it, and name it in ``STRONG`` if it can make its content anew.
"""

from __future__ import annotations

import importlib
import sys
from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Protocol, cast

from fieldreport.scrub.format import Family, Source
from fieldreport.scrub.verdicts import Elsewhere, Mode, Refusal, Refused

_PACKAGE: Final = "fieldreport.scrub"
_OFFICE: Final = f"{_PACKAGE}.documents.office"
_PLAYER: Final = f"{_PACKAGE}.media.transcode"

FAMILIES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "text/plain": f"{_PACKAGE}.text.plain",
        "image/jpeg": f"{_PACKAGE}.images.jpeg",
        "image/png": f"{_PACKAGE}.images.png",
        "image/gif": f"{_PACKAGE}.images.gif",
        "image/webp": f"{_PACKAGE}.images.webp",
        "image/bmp": f"{_PACKAGE}.images.bmp",
        "image/tiff": f"{_PACKAGE}.images.tiff",
        "image/heic": f"{_PACKAGE}.images.heif",
        "image/avif": f"{_PACKAGE}.images.heif",
        "video/mp4": f"{_PACKAGE}.media.mp4",
        "video/quicktime": f"{_PACKAGE}.media.mp4",
        "video/3gpp": f"{_PACKAGE}.media.mp4",
        "audio/mp4": f"{_PACKAGE}.media.mp4",
        "audio/3gpp": f"{_PACKAGE}.media.mp4",
        "video/webm": f"{_PACKAGE}.media.matroska",
        "video/x-matroska": f"{_PACKAGE}.media.matroska",
        "audio/webm": f"{_PACKAGE}.media.matroska",
        "audio/x-matroska": f"{_PACKAGE}.media.matroska",
        "video/x-msvideo": f"{_PACKAGE}.media.avi",
        "application/pdf": f"{_PACKAGE}.documents.pdf",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document": f"{_OFFICE}.ooxml",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": f"{_OFFICE}.ooxml",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation": f"{_OFFICE}.ooxml",
        "application/vnd.oasis.opendocument.text": f"{_OFFICE}.opendocument",
        "application/vnd.oasis.opendocument.spreadsheet": f"{_OFFICE}.opendocument",
        "application/vnd.oasis.opendocument.presentation": f"{_OFFICE}.opendocument",
        "application/epub+zip": f"{_OFFICE}.epub",
        "application/rtf": f"{_PACKAGE}.documents.rtf",
        "text/html": f"{_PACKAGE}.documents.html",
        "image/svg+xml": f"{_PACKAGE}.documents.svg",
        "application/zip": f"{_PACKAGE}.archives",
        "application/x-tar": f"{_PACKAGE}.archives",
        "application/gzip": f"{_PACKAGE}.archives",
        "audio/mpeg": f"{_PACKAGE}.media.audio.mp3",
        "audio/aac": f"{_PACKAGE}.media.audio.adts",
        "audio/flac": f"{_PACKAGE}.media.audio.flac",
        "audio/ogg": f"{_PACKAGE}.media.audio.ogg",
        "audio/opus": f"{_PACKAGE}.media.audio.ogg",
        "audio/wav": f"{_PACKAGE}.media.audio.wav",
        "audio/amr": f"{_PACKAGE}.media.audio.amr",
        "audio/amr-wb": f"{_PACKAGE}.media.audio.amr",
    }
)
"""Sniffed media type → module."""

PLAYED: Final = frozenset(each for each in FAMILIES if each.startswith(("audio/", "video/")))
"""Sniffed media types that are coded anew in strong mode by ``played``, whatever their family."""

SAID: Final = frozenset(each for each in FAMILIES if FAMILIES[each].startswith(f"{_OFFICE}.")) | {
    "application/rtf",
    "text/html",
}
"""Sniffed media types of documents of which strong mode takes the words and pictures, with ``said``."""

STRONG: Final = (
    PLAYED
    | SAID
    | frozenset(
        {
            "text/plain",  # nothing but characters, each of them known
            "image/jpeg",
            "image/png",
            "image/gif",
            "image/webp",
            "image/bmp",
            "image/tiff",
            "image/heic",
            "image/avif",
            "image/svg+xml",
            "application/pdf",
            "application/zip",  # as far as their members are
            "application/x-tar",
            "application/gzip",
        }
    )
)
"""Sniffed media types whose families make pixels and samples anew in strong mode; all others are refused then."""

OUTPUTS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "text/plain": ("txt", "text"),
        "image/jpeg": ("jpg", "photo"),
        "image/png": ("png", "image"),
        "image/gif": ("gif", "image"),
        "image/webp": ("webp", "image"),
        "image/tiff": ("tiff", "image"),
        "image/heic": ("heic", "photo"),
        "image/avif": ("avif", "image"),
        "video/mp4": ("mp4", "video"),
        "video/quicktime": ("mov", "video"),
        "video/3gpp": ("3gp", "video"),
        "audio/mp4": ("m4a", "recording"),
        "audio/3gpp": ("3ga", "recording"),
        "video/webm": ("webm", "video"),
        "video/x-matroska": ("mkv", "video"),
        "audio/webm": ("webm", "recording"),
        "audio/x-matroska": ("mka", "recording"),
        "video/x-msvideo": ("avi", "video"),
        "application/pdf": ("pdf", "document"),
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ("docx", "document"),
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ("xlsx", "table"),
        "application/vnd.openxmlformats-officedocument.presentationml.presentation": ("pptx", "slides"),
        "application/vnd.oasis.opendocument.text": ("odt", "document"),
        "application/vnd.oasis.opendocument.spreadsheet": ("ods", "table"),
        "application/vnd.oasis.opendocument.presentation": ("odp", "slides"),
        "application/epub+zip": ("epub", "book"),
        "application/rtf": ("rtf", "document"),
        "text/html": ("html", "page"),
        "image/svg+xml": ("svg", "drawing"),
        "application/zip": ("zip", "archive"),
        "audio/mpeg": ("mp3", "recording"),
        "audio/aac": ("aac", "recording"),
        "audio/flac": ("flac", "recording"),
        "audio/ogg": ("ogg", "recording"),
        "audio/opus": ("opus", "recording"),
        "audio/wav": ("wav", "recording"),
        "audio/amr": ("amr", "recording"),
        "audio/amr-wb": ("awb", "recording"),
    }
)
"""Media type of a cleaned file → its extension and the noun of its neutral name. A child's answer outside this table
is refused."""


class Player(Protocol):
    """What ``dispatch`` needs of ``played``."""

    def made_anew(self, cleaned: Source, media_type: str, /) -> bytes:
        """Ogg with Opus of a recording, MP4 of a film."""


def family(media_type: str, mode: Mode = Mode.LOSSLESS) -> Family:
    """The module for a sniffed type.

    Raises:
        Refused: ``unsupported``, or ``not-strong`` when it has no strong way.
    """
    name = FAMILIES.get(media_type)
    if name is None:
        raise Refused(Refusal.UNSUPPORTED)
    if mode is Mode.STRONG and media_type not in STRONG:
        raise Refused(Refusal.NOT_STRONG)
    return cast("Family", importlib.import_module(name))


def player() -> Player:
    """The module that codes recordings and films anew, where ``load_all`` has loaded it.

    Raises:
        Elsewhere: it has not.
    """
    found = sys.modules.get(_PLAYER)
    if found is None:
        raise Elsewhere
    return cast("Player", found)


def load_all(*, codecs: bool = False) -> None:
    """Import every family and let it load what its libraries load late, while files may still be opened.

    ``codecs``: with all of FFmpeg, which is as much again and makes every fork slower.
    """
    for name in dict.fromkeys(FAMILIES.values()):
        module = importlib.import_module(name)
        warm = getattr(module, "warm", None)
        if warm is not None:
            warm()
    if codecs:
        importlib.import_module(_PLAYER).warm()
    importlib.import_module(f"{_PACKAGE}.documents.extract").warm()


def neutral_name(media_type: str, number: int) -> str:
    """``photo-1.jpg``, ``document-2.docx``: what a cleaned file is called instead of its own name."""
    extension, noun = OUTPUTS[media_type]
    return f"{noun}-{number}.{extension}"


class NeutralNames:
    """Names for the files of one letter, each kind counted from 1: ``photo-1.jpg``, ``photo-2.jpg``, ``table-1.xlsx``.

    A type that no cleaner puts out is ``file-1.bin``: a sealed object may come from anybody, whatever it says it holds.
    """

    def __init__(self) -> None:
        self._numbers: Counter[tuple[str, str]] = Counter()

    def next(self, untrusted_media_type: str) -> str:
        """The name of the next file of this type."""
        extension, noun = OUTPUTS.get(untrusted_media_type.partition(";")[0], ("bin", "file"))
        self._numbers[extension, noun] += 1
        return f"{noun}-{self._numbers[extension, noun]}.{extension}"
