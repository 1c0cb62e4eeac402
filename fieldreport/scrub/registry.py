"""Every format that can be cleaned: one row a media type in ``FORMATS``. Whatever else needs a list of types reads it.

A format is a package: ``write.py`` holds ``clean`` and may hold ``warm``, ``verify.py`` holds ``verify``, and where
hostile bytes are parsed into a model first there is a ``parse.py`` (see ``format`` for what they promise). A package
that only turns one type into another (BMP into PNG) has no ``verify``: the format it turns into verifies.

Rule: packages are named here and not imported. The service that receives strangers' files never loads a decoder. Only
the process that forks the locked children calls ``load_all``.

To add a format: write the package, add its rows here, and teach ``sniff`` to recognise it.
"""

from __future__ import annotations

import functools
import importlib
import re
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType, ModuleType
from typing import Any, Final, Protocol, cast

from fieldreport.scrub.format import Clean, Source, Verify
from fieldreport.scrub.verdicts import Elsewhere, Mode, Refusal, Refused, Removed, Residue

_ROOT: Final = "fieldreport.scrub"
_TRANSCODE: Final = f"{_ROOT}.media.transcode"
REMUX: Final = "media.remux"  # what reads a recording or film where none of our own readers does
_CODECS: Final = f"{_ROOT}.{REMUX}.codecs"
_PAINT: Final = f"{_ROOT}.views.films"
_CREDENTIALS: Final = f"{_ROOT}.images.credentials"
_OOXML: Final = "application/vnd.openxmlformats-officedocument"
_ODF: Final = "application/vnd.oasis.opendocument"


class Strong(StrEnum):
    """What strong mode does with a type."""

    PIXELS = "pixels"  # its own ``clean`` draws pixels and encodes them
    TRANSCODE = "transcode"  # cleaned, decoded and encoded by ``media.transcode``, and cleaned again
    EXTRACT = "extract"  # cleaned, and of what is left ``documents.extract`` takes words and pictures
    MEMBERS = "members"  # each file inside is cleaned in strong mode
    SAME = "same"  # nothing more than lossless mode does: it holds only characters, each of them known
    NONE = "none"  # it is refused


@dataclass(frozen=True, slots=True)
class Format:
    """One media type that ``sniff`` names and we clean.

    ``package`` is relative to ``fieldreport.scrub``. ``noun`` and ``extension`` make the neutral name of a cleaned
    file; a type without a noun only comes in, and comes out as another. ``demuxer`` is FFmpeg's name for what reads a
    file of this type: a cleaned one that is to be transcoded, and one that is not for our own reader.
    """

    media_type: str
    package: str
    extension: str
    noun: str
    strong: Strong
    demuxer: str = ""


FORMATS: Final = (
    Format("text/plain", "text.plain", "txt", "text", Strong.SAME),
    Format("image/jpeg", "images.jpeg", "jpg", "photo", Strong.PIXELS),
    Format("image/png", "images.png", "png", "image", Strong.PIXELS),
    Format("image/gif", "images.gif", "gif", "image", Strong.PIXELS),
    Format("image/webp", "images.webp", "webp", "image", Strong.PIXELS),
    Format("image/bmp", "images.bmp", "bmp", "", Strong.PIXELS),
    Format("image/tiff", "images.tiff", "tiff", "image", Strong.PIXELS),
    Format("image/heic", "images.heif", "heic", "photo", Strong.PIXELS),
    Format("image/avif", "images.heif", "avif", "image", Strong.PIXELS),
    Format("image/jp2", "images.jp2", "jp2", "", Strong.PIXELS),
    Format("image/jxl", "images.jxl", "jxl", "", Strong.PIXELS),
    Format("image/svg+xml", "documents.svg", "svg", "drawing", Strong.PIXELS),
    Format("video/mp4", "media.mp4", "mp4", "video", Strong.TRANSCODE, "mov"),
    Format("video/quicktime", "media.mp4", "mov", "video", Strong.TRANSCODE, "mov"),
    Format("video/3gpp", "media.mp4", "3gp", "video", Strong.TRANSCODE, "mov"),
    Format("audio/mp4", "media.mp4", "m4a", "recording", Strong.TRANSCODE, "mov"),
    Format("audio/3gpp", "media.mp4", "3ga", "recording", Strong.TRANSCODE, "mov"),
    Format("video/webm", "media.matroska", "webm", "video", Strong.TRANSCODE, "matroska"),
    Format("video/x-matroska", "media.matroska", "mkv", "video", Strong.TRANSCODE, "matroska"),
    Format("audio/webm", "media.matroska", "webm", "recording", Strong.TRANSCODE, "matroska"),
    Format("audio/x-matroska", "media.matroska", "mka", "recording", Strong.TRANSCODE, "matroska"),
    Format("video/x-msvideo", "media.avi", "avi", "", Strong.TRANSCODE, "avi"),
    Format("video/mp2t", REMUX, "mts", "", Strong.TRANSCODE, "mpegts"),
    Format("video/mpeg", REMUX, "mpg", "", Strong.TRANSCODE, "mpeg"),
    Format("video/mpv", REMUX, "m2v", "", Strong.TRANSCODE, "mpegvideo"),
    Format("video/x-ms-asf", REMUX, "wmv", "", Strong.TRANSCODE, "asf"),
    Format("video/x-flv", REMUX, "flv", "", Strong.TRANSCODE, "flv"),
    Format("video/ogg", REMUX, "ogv", "", Strong.TRANSCODE, "ogg"),
    Format("video/h264", REMUX, "h264", "", Strong.TRANSCODE, "h264"),
    Format("video/h265", REMUX, "h265", "", Strong.TRANSCODE, "hevc"),
    Format("video/dv", REMUX, "dv", "", Strong.TRANSCODE, "dv"),
    Format("video/mxf", REMUX, "mxf", "", Strong.TRANSCODE, "mxf"),
    Format("audio/mpeg", "media.audio.mp3", "mp3", "recording", Strong.TRANSCODE, "mp3"),
    Format("audio/aac", "media.audio.adts", "aac", "recording", Strong.TRANSCODE, "aac"),
    Format("audio/flac", "media.audio.flac", "flac", "recording", Strong.TRANSCODE, "flac"),
    Format("audio/ogg", "media.audio.ogg", "ogg", "recording", Strong.TRANSCODE, "ogg"),
    Format("audio/opus", "media.audio.ogg", "opus", "recording", Strong.TRANSCODE, "ogg"),
    Format("audio/wav", "media.audio.wav", "wav", "recording", Strong.TRANSCODE, "wav"),
    Format("audio/amr", "media.audio.amr", "amr", "recording", Strong.TRANSCODE, "amr"),
    Format("audio/amr-wb", "media.audio.amr", "awb", "recording", Strong.TRANSCODE, "amr"),
    Format("audio/aiff", REMUX, "aiff", "", Strong.TRANSCODE, "aiff"),
    Format("audio/basic", REMUX, "au", "", Strong.TRANSCODE, "au"),
    Format("audio/x-caf", REMUX, "caf", "", Strong.TRANSCODE, "caf"),
    Format("audio/x-w64", REMUX, "w64", "", Strong.TRANSCODE, "w64"),
    Format("audio/x-wavpack", REMUX, "wv", "", Strong.TRANSCODE, "wv"),
    Format("audio/mp2", REMUX, "mp2", "", Strong.TRANSCODE, "mp3"),
    Format("audio/ac3", REMUX, "ac3", "", Strong.TRANSCODE, "ac3"),
    Format("audio/eac3", REMUX, "ec3", "", Strong.TRANSCODE, "eac3"),
    Format("audio/vnd.dts", REMUX, "dts", "", Strong.TRANSCODE, "dts"),
    Format("audio/vnd.dolby.mlp", REMUX, "mlp", "", Strong.TRANSCODE, "mlp"),
    Format("audio/vnd.dolby.truehd", REMUX, "thd", "", Strong.TRANSCODE, "truehd"),
    Format("audio/x-loas", REMUX, "loas", "", Strong.TRANSCODE, "loas"),
    Format("audio/gsm", REMUX, "gsm", "", Strong.TRANSCODE, "gsm"),
    Format("application/pdf", "documents.pdf", "pdf", "document", Strong.PIXELS),
    Format(f"{_OOXML}.wordprocessingml.document", "documents.ooxml", "docx", "document", Strong.EXTRACT),
    Format(f"{_OOXML}.spreadsheetml.sheet", "documents.ooxml", "xlsx", "table", Strong.EXTRACT),
    Format(f"{_OOXML}.presentationml.presentation", "documents.ooxml", "pptx", "slides", Strong.EXTRACT),
    Format(f"{_ODF}.text", "documents.opendocument", "odt", "document", Strong.EXTRACT),
    Format(f"{_ODF}.spreadsheet", "documents.opendocument", "ods", "table", Strong.EXTRACT),
    Format(f"{_ODF}.presentation", "documents.opendocument", "odp", "slides", Strong.EXTRACT),
    Format(f"{_ODF}.graphics", "documents.opendocument", "odg", "drawing", Strong.EXTRACT),
    Format(f"{_ODF}.formula", "documents.opendocument", "odf", "formula", Strong.EXTRACT),
    Format(f"{_ODF}.flat-xml", "documents.flat_opendocument", "fodt", "", Strong.EXTRACT),
    Format("application/epub+zip", "documents.epub", "epub", "book", Strong.EXTRACT),
    Format("application/x-hwp", "documents.hangul", "hwp", "", Strong.MEMBERS),
    Format("application/hwp+zip", "documents.hangul", "hwpx", "", Strong.MEMBERS),
    Format("application/vnd.apple.pages", "documents.iwork", "pages", "", Strong.PIXELS),
    Format("application/rtf", "documents.rtf", "rtf", "document", Strong.EXTRACT),
    Format("text/html", "documents.html", "html", "page", Strong.EXTRACT),
    Format("text/vcard", "text.cards", "vcf", "contacts", Strong.MEMBERS),
    Format("text/calendar", "text.cards", "ics", "dates", Strong.MEMBERS),
    Format("application/gpx+xml", "documents.maps", "gpx", "map", Strong.SAME),
    Format("application/vnd.google-earth.kml+xml", "documents.maps", "kml", "map", Strong.SAME),
    Format("application/geo+json", "documents.maps", "geojson", "map", Strong.SAME),
    Format("application/vnd.garmin.tcx+xml", "documents.maps", "tcx", "", Strong.SAME),
    Format("message/rfc822", "archives.mail", "eml", "", Strong.MEMBERS),
    Format("application/zip", "archives", "zip", "archive", Strong.MEMBERS),
    Format("application/x-tar", "archives", "tar", "", Strong.MEMBERS),
    Format("application/gzip", "archives", "gz", "", Strong.MEMBERS),
)
"""What is cleaned. No two outputs share noun and extension: a verifier of archives goes from a name to its type."""

BY_TYPE: Final[Mapping[str, Format]] = MappingProxyType({each.media_type: each for each in FORMATS})
"""Sniffed media type → its row."""

REFUSED: Final[Mapping[str, Refusal]] = MappingProxyType(
    {
        "application/octet-stream": Refusal.UNSUPPORTED,
        "application/xml": Refusal.UNSUPPORTED,
        "application/vnd.ms-excel.sheet.binary": Refusal.OLD_OFFICE,
        "application/postscript": Refusal.DRAWING,
        "image/vnd.adobe.photoshop": Refusal.DRAWING,
        "image/vnd.djvu": Refusal.DRAWING,
        "image/vnd.dwg": Refusal.DRAWING,
        "image/x-xcf": Refusal.DRAWING,
        "image/emf": Refusal.DRAWING,
        "image/wmf": Refusal.DRAWING,
        **dict.fromkeys(
            ("audio/qcelp", "audio/x-ape", "audio/x-musepack", "audio/x-tta", "audio/x-voc"), Refusal.SOUND_OR_FILM
        ),
        **dict.fromkeys(("video/vnd.rn-realmedia", "video/x-cdxa", "video/x-ivf"), Refusal.SOUND_OR_FILM),
    }
)
"""Sniffed media type that we do not clean → why, and so what its source is told to do instead."""

OUTPUTS: Final[Mapping[str, Format]] = MappingProxyType({each.media_type: each for each in FORMATS if each.noun})
"""Media type of a cleaned file → its row. A child's answer that is not in here is refused."""


def row(media_type: str, mode: Mode = Mode.LOSSLESS) -> Format:
    """The row of a sniffed type.

    Raises:
        Refused: as ``REFUSED`` says when there is none; ``not-strong`` when it has no strong way and ``mode`` asks for
            one.
    """
    found = BY_TYPE.get(media_type)
    if found is None:
        raise Refused(REFUSED.get(media_type, Refusal.UNSUPPORTED))
    if mode is Mode.STRONG and found.strong is Strong.NONE:
        raise Refused(Refusal.NOT_STRONG)
    return found


def cleaner(package: str) -> Clean:
    """``clean`` of a format."""
    return cast("Clean", _module(package, "write").clean)


def verify(source: Source, media_type: str) -> int | None:
    """Read a cleaned file with the reader of the format that its type belongs to; answers how many frames it has.

    Raises:
        Residue: there is something in it that should not be there, or no cleaner puts such a type out.
    """
    if media_type not in OUTPUTS:
        raise Residue
    return verifier(OUTPUTS[media_type].package)(source, media_type)


def verifier(package: str) -> Verify:
    """``verify`` of a format."""
    return cast("Verify", _module(package, "verify").verify)


@functools.cache
def _module(package: str, name: str) -> ModuleType:
    """``write`` or ``verify`` of a format. After ``load_all`` this is a look-up."""
    return importlib.import_module(f"{_ROOT}.{package}.{name}")


def reencoder() -> Callable[[Source, str], bytes]:
    """``reencode`` of ``media.transcode``, where ``load_all`` has loaded it.

    Raises:
        Elsewhere: it has not.
    """
    return cast("Callable[[Source, str], bytes]", _loaded(_TRANSCODE).reencode)


def painter() -> Callable[[Source, str, int, int], Any]:
    """``paint`` of ``views.films``, which gives an image, where ``load_all`` has loaded it.

    Raises:
        Elsewhere: it has not.
    """
    return cast("Callable[[Source, str, int, int], Any]", _loaded(_PAINT).paint)


class Remuxer(Protocol):
    """``remux`` of ``media.remux.codecs``."""

    def __call__(self, untrusted: Source, demuxer: str, /, *, copies: bool) -> tuple[Source, set[Removed]]:
        """The same in another container, and what is not in it any more."""


def remuxer() -> Remuxer:
    """``remux`` of ``media.remux.codecs``, where ``load_all`` has loaded it.

    Raises:
        Elsewhere: it has not.
    """
    return cast("Remuxer", _loaded(_CODECS).remux)


def judge() -> Callable[[Source, str], Removed | None]:
    """``judge`` of ``credentials``, where ``load_all`` has loaded it.

    Raises:
        Elsewhere: it has not.
    """
    return cast("Callable[[Source, str], Removed | None]", _loaded(_CREDENTIALS).judge)


def _loaded(module: str) -> ModuleType:
    found = sys.modules.get(module)
    if found is None:
        raise Elsewhere
    return found


def load_all(*, codecs: bool = False) -> None:
    """Import every format, and let it load what its libraries load late, while files may still be opened.

    ``codecs``: with all of FFmpeg, which is as much again and makes every fork slower, and what checks signatures.
    """
    for package in dict.fromkeys(each.package for each in FORMATS):
        warm = getattr(_module(package, "write"), "warm", None)
        if warm is not None:
            warm()
    for package in dict.fromkeys(each.package for each in OUTPUTS.values()):
        verifier(package)
    if codecs:
        importlib.import_module(_TRANSCODE).warm()
        importlib.import_module(_CODECS)
        importlib.import_module(_PAINT).warm()
        importlib.import_module(_CREDENTIALS).warm()
    importlib.import_module(f"{_ROOT}.documents.extract").warm()


def neutral_name(media_type: str, number: int) -> str:
    """``photo-1.jpg``, ``document-2.docx``: what a cleaned file is called instead of its own name."""
    output = OUTPUTS[media_type]
    return f"{output.noun}-{number}.{output.extension}"


_NEUTRAL: Final = re.compile(r"([a-z]+)-[1-9][0-9]{0,4}\.([a-z0-9]+)")
_NAMED: Final = {(each.noun, each.extension): each.media_type for each in OUTPUTS.values()}


def named_type(name: str) -> str:
    """The type that a neutral name tells, or an empty string for any other name."""
    match = _NEUTRAL.fullmatch(name)
    return _NAMED.get((match[1], match[2]), "") if match is not None else ""


class NeutralNames:
    """Names for the files of one letter, each kind counted from 1: ``photo-1.jpg``, ``photo-2.jpg``, ``table-1.xlsx``.

    A type that no cleaner puts out is ``file-1.bin``: a sealed object may come from anybody, whatever it says it holds.
    """

    def __init__(self) -> None:
        self._numbers: Counter[tuple[str, str]] = Counter()

    def next(self, untrusted_media_type: str) -> str:
        """The name of the next file of this type."""
        output = OUTPUTS.get(untrusted_media_type.partition(";")[0])
        noun, extension = (output.noun, output.extension) if output else ("file", "bin")
        self._numbers[noun, extension] += 1
        return f"{noun}-{self._numbers[noun, extension]}.{extension}"
