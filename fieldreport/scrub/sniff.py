"""What a file is, by its content alone; its name is never asked.

Rules: the answer is a media type that ``registry`` may or may not have a row for, or a refusal that says to the source
what to do instead. Runs in the locked child like every parser. Reads little: the first kilobytes, an archive's
directory, an image file directory. Where a file could be two things (polyglots), the first bytes decide, because that
is what the programs of the people who open it go by.
"""

from __future__ import annotations

import codecs
import re
import struct
import zipfile
import zlib
from typing import Final

from fieldreport import limits
from fieldreport.scrub.format import Source
from fieldreport.scrub.text import encoding, mail_head
from fieldreport.scrub.verdicts import Bomb, Damaged, Refusal, Refused

# What ``zipfile`` raises about a stranger's archive. Not in ``format``: the service loads that, and no decoder.
UNREADABLE_ZIP: Final = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
    struct.error,
)

_HEAD_BYTES: Final = 4096
TAR_BLOCK_BYTES: Final = 512
_ZEROS: Final = 1024 * 1024  # in front of a recording
_DIRECTORIES: Final = 16  # of a TIFF below the first; raw files have three or four
_MAIL: Final = "message/rfc822"
_OOXML: Final = "application/vnd.openxmlformats-officedocument."
_ODF: Final = "application/vnd.oasis.opendocument."

# Offset, magic, type. Longer and more telling magics first.
_MAGICS: Final[tuple[tuple[int, bytes, str], ...]] = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (0, b"\x00\x00\x00\x0cJXL \r\n\x87\n", "image/jxl"),
    (0, b"\xff\x0a", "image/jxl"),
    (0, b"\x00\x00\x00\x0cjP  \r\n\x87\n", "image/jp2"),
    (0, b"\xff\x4f\xff\x51", "image/jp2"),
    (0, b"8BPS", "image/vnd.adobe.photoshop"),
    (0, b"gimp xcf ", "image/x-xcf"),
    (0, b"AC10", "image/vnd.dwg"),
    (0, b"{\\rtf", "application/rtf"),
    (0, b"\x1a\x45\xdf\xa3", "ebml"),
    (0, b"RIFF", "riff"),
    (0, b"RIFX", "riff"),
    (0, b"RF64", "riff"),
    (0, b"OggS", "ogg"),
    (0, b"fLaC", "audio/flac"),
    (0, b"#!AMR-WB\n", "audio/amr-wb"),
    (0, b"#!AMR\n", "audio/amr"),
    (0, b"ID3", "id3"),
    (0, b"PK\x03\x04", "zip"),
    (0, b"PK\x05\x06", "zip"),
    (0, b"II*\x00", "tiff"),
    (0, b"MM\x00*", "tiff"),
    (0, b"II+\x00", "tiff"),
    (0, b"MM\x00+", "tiff"),
    (257, b"ustar", "application/x-tar"),
    (0, b"\x1f\x8b", "application/gzip"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "video/x-ms-asf"),
    (0, b"FLV\x01", "video/x-flv"),
    (0, b"\x00\x00\x01\xba", "video/mpeg"),
    (0, b"\x00\x00\x01\xb3", "video/mpv"),
    (0, b"\x1f\x07\x00\x3f", "video/dv"),
    (0, b"\x1f\x07\x00\xbf", "video/dv"),
    (0, b"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02", "video/mxf"),
    (0, b".RMF\x00\x00\x00", "video/vnd.rn-realmedia"),
    (0, b"DKIF\x00\x00", "video/x-ivf"),
    (0, b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb", "audio/x-w64"),
    (0, b"wvpk", "audio/x-wavpack"),
    (0, b"MAC ", "audio/x-ape"),
    (0, b"TTA1", "audio/x-tta"),
    (0, b"MPCK", "audio/x-musepack"),
    (0, b"Creative Voice File\x1a", "audio/x-voc"),
    (0, b"\x7f\xfe\x80\x01", "audio/vnd.dts"),
    (0, b"\xfe\x7f\x01\x80", "audio/vnd.dts"),
    (0, b"\x1f\xff\xe8\x00", "audio/vnd.dts"),
    (0, b"\xff\x1f\x00\xe8", "audio/vnd.dts"),
    (0, b"\x0b\x77", "ac3"),
    (4, b"\xf8\x72\x6f\xba", "audio/vnd.dolby.truehd"),
    (4, b"\xf8\x72\x6f\xbb", "audio/vnd.dolby.mlp"),
    (0, b"\x00\x00\x01", "units"),
    (0, b"\x00\x00\x00\x01", "units"),
    (0, b"caff", "audio/x-caf"),
    (0, b".snd", "audio/basic"),
    (0, b"\x01\x00\x00\x00", "emf-or-binary"),
    (0, b"\xd7\xcd\xc6\x9a", "image/wmf"),
    (0, b"AT&TFORM", "image/vnd.djvu"),
    (0, b"FORM", "audio/aiff"),
    (0, b"%!PS", "application/postscript"),
    (0, b"BM", "bmp"),
)

# Formats whose files may be text from the first byte to the last.
_TEXTUAL: Final = frozenset({"application/rtf", "application/postscript", "application/pdf"})

# What is refused with advice of its own.
_REFUSED_MAGICS: Final[tuple[tuple[int, bytes, Refusal], ...]] = (
    (0, b"FUJIFILMCCD-RAW", Refusal.RAW_PHOTO),
    (0, b"II\x1a\x00\x00\x00HEAPCCDR", Refusal.RAW_PHOTO),  # Canon CRW
    (0, b"IIU\x00", Refusal.RAW_PHOTO),  # Panasonic RW2
    (0, b"IIRO", Refusal.RAW_PHOTO),  # Olympus ORF
    (0, b"IIRS", Refusal.RAW_PHOTO),
    (0, b"MMOR", Refusal.RAW_PHOTO),
    (0, b"FOVb", Refusal.RAW_PHOTO),  # Sigma X3F
    (0, b"\x00MRM", Refusal.RAW_PHOTO),  # Minolta MRW
    (0, b"ARRI", Refusal.RAW_PHOTO),
    (0, b"MZ", Refusal.ACTIVE_CONTENT),
    (0, b"\x7fELF", Refusal.ACTIVE_CONTENT),
    (0, b"\xcf\xfa\xed\xfe", Refusal.ACTIVE_CONTENT),  # Mach-O
    (0, b"\xca\xfe\xba\xbe", Refusal.ACTIVE_CONTENT),  # Java class, universal Mach-O
    (0, b"dex\n", Refusal.ACTIVE_CONTENT),
    (0, b"L\x00\x00\x00\x01\x14\x02\x00", Refusal.ACTIVE_CONTENT),  # Windows shortcut
    (8, b".FIT", Refusal.TRACK),  # sports watches
    (0, b"!BDN", Refusal.MAIL),  # Outlook's folders
    (0, b"\x78\x9f\x3e\x22", Refusal.MAIL),  # winmail.dat
    (0, b"HWP Document File", Refusal.HANGUL),
    (0, b"BZh", Refusal.ARCHIVE),
    (0, b"\xfd7zXZ\x00", Refusal.ARCHIVE),
    (0, b"\x28\xb5\x2f\xfd", Refusal.ARCHIVE),  # Zstandard
    (0, b"\x04\x22\x4d\x18", Refusal.ARCHIVE),  # LZ4
    (0, b"7z\xbc\xaf\x27\x1c", Refusal.ARCHIVE),
    (0, b"Rar!\x1a\x07", Refusal.ARCHIVE),
    (0, b"MSCF\x00\x00\x00\x00", Refusal.ARCHIVE),  # Microsoft cabinet
    (0, b"ALZ\x01", Refusal.ARCHIVE),  # ALZip, common in Korea
    (0, b"EGGA\x00\x01", Refusal.ARCHIVE),
    (2, b"-lh5-", Refusal.ARCHIVE),  # LHA, common in Japan
    (0, b"!<arch>\n", Refusal.ARCHIVE),  # of Unix, whose lines of times and users are text
    (0, b"AutoCAD Binary DXF\r\n\x1a", Refusal.DRAWING),
    (0, b"LUKS\xba\xbe", Refusal.ENCRYPTED),
    (0, b"age-encryption.org/", Refusal.SEALED),
    (0, b"\x85\x01\x0c", Refusal.ENCRYPTED),  # OpenPGP, public-key encrypted session key
    (0, b"\x85\x02\x0c", Refusal.ENCRYPTED),
    (0, b"\x8c\x0d\x04", Refusal.ENCRYPTED),  # OpenPGP, symmetric
)

_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_QUICKTIME_ATOMS: Final = frozenset({b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"})
_HEIF_BRANDS: Final = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"mif2"})


def sniff(untrusted_source: Source) -> str:
    """The media type of a file's content.

    Raises:
        Refused: ``empty``; ``old-office``, ``mail``, ``archive``, ``raw-photo``, ``encrypted`` or ``active-content``
            with their own advice;
            ``unsupported`` for what is no format we know; ``damaged`` for an archive without a directory.
    """
    head = untrusted_source.read_at(0, _HEAD_BYTES)
    if not head:
        raise Refused(Refusal.EMPTY)
    if head.startswith(_OLE):
        return _ole(untrusted_source)
    for offset, magic, refusal in _REFUSED_MAGICS:
        if head.startswith(magic, offset) and not _is_a_word(magic, head):
            raise Refused(refusal)
    for offset, magic, name in _MAGICS:
        if head.startswith(magic, offset) and (name in _TEXTUAL or not _is_a_word(magic, head)):
            found = _refine(name, head, untrusted_source)
            if found is not None:
                return found
    return _without_magic(head, untrusted_source)


def as_text(words: str) -> str:
    """Words that are no other type than text: a line stands before those that begin like a page or a mail.

    Raises:
        Refused: ``encrypted``, for what says so; ``empty``.
    """
    return words if sniff(Source.of(words.encode())) == "text/plain" else f"---\n{words}"


def is_tar(untrusted_head: bytes) -> bool:
    """Whether a file begins with the first block of a TAR.

    It says so or, as before POSIX, its sum fits and nothing follows the names.
    """
    if untrusted_head[257:262] == b"ustar":
        return True
    header = untrusted_head[:TAR_BLOCK_BYTES]
    if len(header) != TAR_BLOCK_BYTES or not header[0] or any(header[257:]):
        return False
    written = header[148:156].strip(b" \0")
    return re.fullmatch(rb"[0-7]+", written) is not None and int(written, 8) == tar_sum(header)


def tar_sum(header: bytes) -> int:
    """The sum of a block, its own field taken as blanks."""
    return sum(header) - sum(header[148:156]) + 8 * 0x20


def _is_a_word(magic: bytes, head: bytes) -> bool:
    """Whether a magic like "MZ" or "RIFF" only begins a text: binary files have control characters early on."""
    return magic.isascii() and magic.decode().isprintable() and encoding.looks_like_text(head)


def _refine(name: str, head: bytes, source: Source) -> str | None:
    """Look inside a container format; None when the magic was an accident."""
    found: str | None
    match name:
        case "ebml":
            found = "video/webm" if b"webm" in head[:64] else "video/x-matroska"
        case "riff":
            found = _RIFF_KINDS.get(head[8:12], "application/octet-stream")
        case "ac3":
            found = _ac3(head)
        case "units":
            found = _coded_units(head)
        case "ogg":
            found = _ogg(head)
        case "id3":
            found = _after_id3(head, source)
        case "zip":
            found = _zip(source)
        case "tiff":
            found = _tiff(head, source)
        case "emf-or-binary":
            found = "image/emf" if head[40:44] == b" EMF" else None
        case "bmp":
            # "BM" also begins words: the header's size decides, with one plane or with the reserved zeros, in which
            # old programs left where the mouse was.
            plausible = head[6:10] == bytes(4) or head[22 if head[14:15] == b"\x0c" else 26 :][:2] == b"\x01\x00"
            found = "image/bmp" if len(head) >= 26 and head[14:18] in _BMP_HEADERS and plausible else None
        case "audio/aiff":
            found = name if head[8:12] in {b"AIFF", b"AIFC"} else None
        case _:
            found = name
    return found


_DIB_HEADERS: Final = frozenset(struct.pack("<I", size) for size in (40, 52, 56, 108, 124))
_RIFF_KINDS: Final = {
    b"WAVE": "audio/wav",
    b"WEBP": "image/webp",
    b"AVI ": "video/x-msvideo",
    b"QLCM": "audio/qcelp",
    b"CDXA": "video/x-cdxa",
}
_BMP_HEADERS: Final = frozenset(struct.pack("<I", size) for size in (12, 16, 40, 52, 56, 64, 108, 124))


def _without_magic(head: bytes, source: Source) -> str:
    if _is_mail(head, source):
        return _MAIL
    if head[4:8] == b"ftyp":
        return _iso_media(head)
    if head[4:8] in _QUICKTIME_ATOMS:
        return "video/quicktime"
    if _is_dib(head):
        return "image/bmp"
    if b"%PDF-" in head[:1024]:  # readers accept junk before it, so we must not take such a file for something else
        return "application/pdf"
    if not head.startswith(b"\xff\xfe") and (audio := _audio_frame(_after_zeros(head, source))) is not None:
        return audio
    if is_tar(head):
        return "application/x-tar"
    return _by_rhythm(head) or _cut_out(head, source) or _text(head, source)


def _by_rhythm(head: bytes) -> str | None:
    """Formats that are told by a byte that comes back at an even distance."""
    for distance in limits.TRANSPORT_PACKETS:
        for start in range(distance if len(head) >= 4 * distance else 0):  # a recording may begin anywhere
            if head[start] == 0x47 and head[start::distance].count(0x47) == len(head[start::distance]):
                return "video/mp2t"
    if _is_loas(head):
        return "audio/x-loas"
    frames = head[::33]  # GSM 06.10: each begins with the bits 1101
    if len(frames) >= 10 and all(byte >> 4 == 0xD for byte in frames):
        return "audio/gsm"
    return None


def _is_loas(head: bytes) -> bool:
    """AAC as it is on the air: eleven bits that come back after the length that follows them (ISO/IEC 14496-3, 1.7.2).

    At least three times in the bytes that are there, or once where the file ends.
    """
    position = count = 0
    while position + 3 <= len(head):
        if head[position] != 0x56 or head[position + 1] >> 5 != 7:
            return False
        position, count = position + 3 + ((head[position + 1] & 0x1F) << 8 | head[position + 2]), count + 1
    return count >= 3 or (count > 0 and position == len(head))


def _ac3(head: bytes) -> str | None:
    """AC-3 or its successor by the version of the bit stream (ETSI TS 102 366, 4.4.2.1 and E.1.3.1.6)."""
    if len(head) < 6 or head[5] >> 3 > 16:
        return None
    return "audio/ac3" if head[5] >> 3 <= 10 else "audio/eac3"


# What a stream of units begins with: parameter sets, a delimiter, a message (H.264 table 7-1, H.265 table 7-1).
_AVC_BEGINNINGS: Final = frozenset(b"\x27\x47\x67\x09\x06")
_HEVC_BEGINNINGS: Final = frozenset(b"\x40\x42\x46\x4e")


def _coded_units(head: bytes) -> str | None:
    first = head.lstrip(b"\0")[1:3]
    if len(first) < 2:
        return None
    if first[0] in _HEVC_BEGINNINGS and first[1] == 1:
        return "video/h265"
    return "video/h264" if first[0] in _AVC_BEGINNINGS else None


def _is_dib(head: bytes) -> bool:
    """A BMP without its file header, as programs leave one in the clipboard: one plane, a depth, a known packing."""
    if head[:4] not in _DIB_HEADERS or len(head) < 40:
        return False
    planes, depth, packing = struct.unpack_from("<HHI", head, 12)
    return planes == 1 and depth in {1, 4, 8, 16, 24, 32} and packing <= 6


def _text(head: bytes, source: Source) -> str:
    try:
        start = encoding.decode(head, partial=True).lstrip("\ufeff \t\r\n")
    except Damaged:
        raise Refused(Refusal.UNSUPPORTED) from None
    if source.size > limits.TEXT_BYTES:
        raise Refused(Refusal.TOO_LARGE)
    markup = re.sub(
        r"<\?.*?\?>|<!--.*?-->|<!doctype\s+svg[^>\[]*(\[.*?\])?[^>]*>", "", start, flags=re.DOTALL | re.IGNORECASE
    ).lstrip()
    if re.match(rf"<{_PREFIX}svg[\s>/]", markup, re.IGNORECASE):
        return "image/svg+xml"
    if _PAGE.match(markup) or (_PIECE_OF_PAGE.match(markup) and not _MARKDOWN.search(markup)):
        return "text/html"
    if (card := re.match(r"BEGIN:V(CARD|CALENDAR)[ \t]*[\r\n]", start, re.IGNORECASE)) is not None:
        return {"CARD": "text/vcard", "CALENDAR": "text/calendar"}[card[1].upper()]
    if (place := re.match(rf"<{_PREFIX}(gpx|kml|TrainingCenterDatabase)[\s/>]", markup)) is not None:
        return _MAPS[place[1]]
    if _GEOJSON.match(start) and _GEOMETRY.search(start) and _is_map(start):
        return "application/geo+json"
    if re.match(rf"<{_PREFIX}document\s", markup) and _FLAT in start:
        return f"{_ODF}flat-xml"
    if _OLD_OFFICE.match(markup):
        raise Refused(Refusal.OLD_OFFICE)
    if _XML.match(start) or _NAMED.match(markup):
        return "application/xml"  # data of some program: no format takes it
    if _PLAN.match(start):
        raise Refused(Refusal.DRAWING)
    if start.startswith(("-----BEGIN PGP MESSAGE", "-----BEGIN AGE ENCRYPTED")):
        raise Refused(Refusal.ENCRYPTED)
    return "text/plain" if mail_head.head_of(start) is None else _MAIL


_PREFIX: Final = r"(?:[A-Za-z_][\w.-]*:)?"  # of a namespace: programs count them, as ns0
_MAPS: Final = {
    "gpx": "application/gpx+xml",
    "kml": "application/vnd.google-earth.kml+xml",
    "TrainingCenterDatabase": "application/vnd.garmin.tcx+xml",
}
_FLAT: Final = "urn:oasis:names:tc:opendocument:xmlns:office:1.0"
# A document of Word 2003, Excel 2003, or Office's in one file; UOF of Chinese offices.
_OLD_OFFICE: Final = re.compile(
    r"<(?:\w+:wordDocument|Workbook\s[^>]*urn:schemas-microsoft-com:office|pkg:package|\w+:UOF)[\s>]?", re.IGNORECASE
)
_PAGE: Final = re.compile(
    r"<(!doctype\s+html|html|head|body|meta|title|base|link|style|script|table)[\s>]", re.IGNORECASE
)
# What mail programs and editors save without a head; a text in Markdown may begin with the same.
_PIECE_OF_PAGE: Final = re.compile(
    r"<(div|p|h[1-6]|span|ul|ol|dl|section|article|main|header|nav|blockquote|center|font|pre)"
    r"(\s[^<>]*=[\"'][^<>]*(?:>|\Z)|(\s[^<>]*)?>.*</\1\s*>)",
    re.IGNORECASE | re.DOTALL,
)
_MARKDOWN: Final = re.compile(r"^(#{1,6} |```|[-*+] |\d{1,3}\. )|\]\(|\*\*", re.MULTILINE)
_XML: Final = re.compile(r"<\?(?:xml|xpacket)\b")
_NAMED: Final = re.compile(r"<[A-Za-z_][\w.:-]*\s[^<>]*\bxmlns\b")
# DXF and STEP, what programs for plans exchange, and say there who drew it with what.
_PLAN: Final = re.compile(r"(?:999\s*\n[^\n]*\n\s*)*0[ \t\r]*\n[ \t]*SECTION\s+2\s+[A-Z]{4,}\s|ISO-10303-21;")
_GEOJSON: Final = re.compile(r"\{\s*\"")
_JSON: Final = re.compile(r'"(?P<said>(?:[^"\\]|\\.)*+)"\s*+(?P<is_name>:)?|[{}\[\]]')
_MAP_TYPES: Final = frozenset({"Feature", "FeatureCollection", "GeometryCollection"}) | {
    f"{many}{shape}" for many in ("", "Multi") for shape in ("Point", "LineString", "Polygon")
}
_GEOMETRY: Final = re.compile(rf'"type"\s*:\s*"(?:{"|".join(sorted(_MAP_TYPES))})"')
_MAP_MEMBERS: Final = frozenset({"features[", "geometries[", "coordinates[", "geometry{"})


def _is_map(start: str) -> bool:
    """Whether an object of JSON is a map, and not only has one in it; of what its members say as far as there is."""
    depth, name, may_be = 0, "", False
    for found in _JSON.finditer(start):
        sign = found[0]
        if sign in {"{", "["}:
            may_be = may_be or (depth == 1 and name + sign in _MAP_MEMBERS)
            depth += 1
        elif sign in {"}", "]"}:
            depth -= 1
        elif depth == 1 and found["is_name"]:
            name = found["said"]
        elif depth == 1 and name == "type":
            return found["said"] in _MAP_TYPES
    return may_be


def _is_mail(head: bytes, source: Source) -> bool:
    """Whether it begins with the fields of a mail, however long they are; in words of a language, ``_text`` sees it."""
    start = head.removeprefix(codecs.BOM_UTF8).decode("ascii", "surrogateescape")
    if not mail_head.may_begin(start):
        return False
    whole = source.read_at(0, limits.MAIL_HEAD_BYTES) if len(head) == _HEAD_BYTES else head
    return mail_head.head_of(whole.removeprefix(codecs.BOM_UTF8).decode("ascii", "surrogateescape")) is not None


# What an OLE file is, by streams that its directory names, in UTF-16: a password-protected .docx, a mail of Outlook.
_OLE_STREAMS: Final[tuple[tuple[bytes, Refusal | str], ...]] = (
    ("EncryptedPackage".encode("utf-16-le"), Refusal.ENCRYPTED),
    ("__substg1.0_".encode("utf-16-le"), Refusal.MAIL),
    ("HwpSummaryInformation".encode("utf-16-le"), "application/x-hwp"),
    (b"HWP Document File\0\0\0", "application/x-hwp"),  # what portals of offices write has no summary
)


def _ole(source: Source) -> str:
    longest = max(len(marker) for marker, _ in _OLE_STREAMS)
    position = 0
    while position < source.size:
        piece = source.read_at(position, limits.SCRUB_COPY_BYTES)
        for marker, found in _OLE_STREAMS:
            if marker in piece:
                if isinstance(found, Refusal):
                    raise Refused(found)
                return found
        position += max(1, len(piece) - longest if len(piece) == limits.SCRUB_COPY_BYTES else len(piece))
    raise Refused(Refusal.OLD_OFFICE)


def _iso_media(head: bytes) -> str:
    """ISO base media file: the major brand, then the compatible ones (ISO/IEC 14496-12, 4.3)."""
    length = int.from_bytes(head[:4], "big")
    major = head[8:12]
    brands = {head[i : i + 4] for i in range(16, min(length, len(head)) - 3, 4)} | {major}
    if major == b"crx ":
        raise Refused(Refusal.RAW_PHOTO)  # Canon CR3
    if brands & {b"avif", b"avis"}:
        return "image/avif"
    if major in _HEIF_BRANDS or (brands & {b"heic", b"heix"}):
        return "image/heic"
    if major in {b"M4A ", b"M4B ", b"M4P "}:
        return "audio/mp4"
    if major.startswith((b"3gp", b"3g2", b"3gr", b"3gs", b"3ge")):
        return "video/3gpp"
    if major == b"qt  ":
        return "video/quicktime"
    return "video/mp4"


def _ogg(head: bytes) -> str:
    if any(video in head for video in (b"\x80theora", b"BBCD\x00", b"OVP80", b"\x01video\x00\x00\x00")):
        return "video/ogg"
    if b"OpusHead" in head[:256]:
        return "audio/opus"
    return "audio/ogg"


def _after_id3(head: bytes, source: Source) -> str:
    position = 0
    for _ in range(8):  # a few tags in a row occur; more are hostile
        if head[:3] != b"ID3":
            break
        size = 0
        for byte in head[6:10]:
            size = (size << 7) | (byte & 0x7F)
        position += 10 + size + (10 if len(head) > 5 and head[5] & 0x10 else 0)
        head = source.read_at(position, _HEAD_BYTES)
    if head.startswith(b"fLaC"):
        return "audio/flac"
    return _audio_frame(head.lstrip(b"\0")) or "audio/mpeg"


def _after_zeros(head: bytes, source: Source) -> bytes:
    """What follows the zeros at the beginning, if they are few: recorders leave room for a tag that never comes."""
    position = 0
    while position < _ZEROS and head and not head.strip(b"\0"):
        position += len(head)
        head = source.read_at(position, _HEAD_BYTES)
    return head.lstrip(b"\0")


def _audio_frame(head: bytes) -> str | None:
    if len(head) < 7 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    if head[1] & 0xF6 == 0xF0 and (head[2] >> 2) & 0x0F < 13:
        return "audio/aac"  # ADTS: layer bits are zero
    layer, rate, frequency = (head[1] >> 1) & 3, head[2] >> 4, (head[2] >> 2) & 3
    version = (head[1] >> 3) & 3
    if not layer or version == 1 or rate in {0, 15} or frequency == 3:
        return None
    return "audio/mpeg" if layer == 1 else "audio/mp2"


_MPEG_KILOBITS: Final = {  # by whether it is MPEG-1, and by layer (ISO/IEC 11172-3, 2.4.2.3; 13818-3, 2.4.2.3)
    (True, 1): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_LONGEST_FRAME: Final = 1441  # bytes, of MP3: 320 kbit/s at 32 kHz
_LOOKED_AT_FRAMES: Final = 8 * 1024
_IN_A_ROW: Final = 4


def _cut_out(head: bytes, source: Source) -> str | None:
    """MP3 or AAC that was cut out of a longer recording, as of a radio's stream: it begins inside a frame.

    From the first whole frame on, one must follow the other as far as is looked.
    """
    if b"\xff" not in head[:_LONGEST_FRAME] or head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return None
    window = source.read_at(0, _LOOKED_AT_FRAMES)
    for found in re.finditer(rb"\xff[\xe2-\xff]", window[: _LONGEST_FRAME + 2]):
        kind = _audio_frame(window[found.start() : found.start() + 7])
        place, count = found.start(), 0
        while kind is not None and (length := _frame_bytes(window[place : place + 6])):
            place, count = place + length, count + 1
        if count >= _IN_A_ROW and place + 6 > len(window):
            return kind
    return None


def _frame_bytes(header: bytes) -> int:
    """Of an MP3's frame or an AAC's by its header; 0 if it is neither."""
    if len(header) < 6 or header[0] != 0xFF:
        return 0
    if header[1] & 0xF6 == 0xF0:
        return (header[3] & 3) << 11 | header[4] << 3 | header[5] >> 5
    return mpeg_frame_bytes(header) if header[1] & 0xE6 == 0xE2 else 0


def mpeg_frame_bytes(head: bytes) -> int:
    """How long a frame of MPEG audio of any layer is, from its first four bytes; 0 when none begins here."""
    if len(head) < 4 or head[0] != 0xFF or head[1] < 0xE0:
        return 0
    version, layer = head[1] >> 3 & 3, 4 - (head[1] >> 1 & 3)
    rate, frequency, padding = head[2] >> 4, head[2] >> 2 & 3, head[2] >> 1 & 1
    if version == 1 or layer == 4 or rate in {0, 15} or frequency == 3:
        return 0
    hertz = (44100, 48000, 32000)[frequency] >> {3: 0, 2: 1, 0: 2}[version]
    bits = 1000 * _MPEG_KILOBITS[version == 3, layer][rate]
    if layer == 1:
        return (12 * bits // hertz + padding) * 4
    return (72 if layer == 3 and version != 3 else 144) * bits // hertz + padding


def _tiff(head: bytes, source: Source) -> str:
    """Tell a plain TIFF from a camera's raw file, which is one with private tags (TIFF 6.0; DNG 1.7).

    Of one with offsets of eight bytes, as DNG 1.6 allows it, the tags of the first directory decide.
    """
    order = "<" if head[:2] == b"II" else ">"
    if head[8:10] == b"CR":
        raise Refused(Refusal.RAW_PHOTO)
    is_big = head[2:4] in {b"+\x00", b"\x00+"}
    at, wide, entry = (8, f"{order}Q", f"{order}HHQQ") if is_big else (4, f"{order}I", f"{order}HHII")
    counted = wide if is_big else f"{order}H"
    (offset,) = struct.unpack_from(wide, head.ljust(16, b"\x00"), at)
    first, size = offset + struct.calcsize(counted), struct.calcsize(entry)
    count_bytes = source.read_at(offset, first - offset)
    if len(count_bytes) < first - offset:
        raise Damaged
    (count,) = struct.unpack(counted, count_bytes)
    entries = source.read_at(first, min(count, 0xFFFF) * size)
    fields = {
        tag: (number, value)
        for tag, _, number, value in struct.iter_unpack(entry, entries[: len(entries) // size * size])
    }
    dng_version, sub_ifds, make, cfa_pattern = 50706, 330, 271, 33422
    if dng_version in fields or cfa_pattern in fields:
        raise Refused(Refusal.RAW_PHOTO)
    if not is_big and sub_ifds in fields and make in fields and _holds_raw(source, order, *fields[sub_ifds]):
        raise Refused(Refusal.RAW_PHOTO)
    return "image/tiff"


_RAW: Final = frozenset({32803, 34892})  # photometric interpretations: of a sensor's own pixels (DNG 1.7, chapter 4)


def _holds_raw(source: Source, order: str, number: int, value: int) -> bool:
    """Whether a directory below the first holds what a sensor saw, and not only a small picture."""
    places = [value]
    if number > 1:
        listed = source.read_at(value, 4 * min(number, _DIRECTORIES))
        places = [place for (place,) in struct.iter_unpack(f"{order}I", listed[: len(listed) // 4 * 4])]
    for place in places:
        (count,) = struct.unpack(f"{order}H", source.read_at(place, 2).ljust(2, b"\0"))
        entries = source.read_at(place + 2, count * 12)
        for tag, kind, _, said in struct.iter_unpack(f"{order}HHI4s", entries[: len(entries) // 12 * 12]):
            if tag == 262 and kind == 3 and struct.unpack_from(f"{order}H", said)[0] in _RAW:
                return True
    return False


_CONTENT_TYPES: Final = (
    (re.compile(rb"[./]ms-excel\.sheet\.binary"), "application/vnd.ms-excel.sheet.binary"),
    (
        re.compile(rb"wordprocessingml\.(document|template)\.main|ms-word\.(document|template)\.macroEnabled"),
        f"{_OOXML}wordprocessingml.document",
    ),
    (
        re.compile(rb"spreadsheetml\.(sheet|template)\.main|ms-excel\.(sheet|template)\.macroEnabled"),
        f"{_OOXML}spreadsheetml.sheet",
    ),
    (
        re.compile(rb"presentationml\.(presentation|slideshow|template)\.main|ms-powerpoint\.\w+\.macroEnabled"),
        f"{_OOXML}presentationml.presentation",
    ),
)


_NAMED_BY_THEMSELVES: Final = frozenset(
    {f"{_ODF}{kind}" for kind in ("text", "spreadsheet", "presentation", "graphics", "formula")}
    | {"application/epub+zip", "application/hwp+zip"}
)

_ENTRY: Final = re.compile(rb"<(?:[\w.-]+:)?file-entry\b[^>]*>")
_SAID: Final = re.compile(rb"""\b([\w-]+)\s*=\s*(["'])(.*?)\2""")

# Pages, Numbers and Keynote: what they are packed in today, and what in 2009.
_IWORK: Final = re.compile(r"\.iwa$|(^|\.(pages|numbers|key)/)(Index\.zip|index\.(apxl|xml)(\.gz)?)$")


# A document whose part that says what it is was lost: in an archive its author's name would be a text of its own.
_OF_PACKAGES: Final = frozenset(
    {"META-INF/manifest.xml", "Contents/content.hpf", "_rels/.rels", "docProps/core.xml"}
    | {"word/document.xml", "xl/workbook.xml", "ppt/presentation.xml"}
)


def _zip(source: Source) -> str:
    _check_zip_directory(source)
    try:
        with zipfile.ZipFile(source.file()) as archive:
            return _zip_kind(archive)
    except (*UNREADABLE_ZIP, KeyError):
        raise Damaged from None


def _zip_kind(archive: zipfile.ZipFile) -> str:
    members = archive.infolist()
    if len(members) > limits.ARCHIVE_MEMBERS:
        raise Bomb
    if any(member.flag_bits & 1 for member in members):
        raise Refused(Refusal.ENCRYPTED)
    names = {member.filename for member in members}
    if "" in names:
        raise Damaged
    if "[Content_Types].xml" in names:
        declared = _read_bounded(archive, "[Content_Types].xml")
        if declared.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):  # as Windows Phone wrote it
            declared = declared.decode("utf-16", "replace").encode()
        for pattern, media_type in _CONTENT_TYPES:
            if pattern.search(declared):
                return media_type
        return "application/octet-stream"
    if "mimetype" in names:
        named = _read_bounded(archive, "mimetype")[:100].strip().decode("ascii", "replace").removesuffix("-template")
        return named if named in _NAMED_BY_THEMSELVES else "application/octet-stream"
    manifest = "META-INF/manifest.xml"  # some programs leave the name of the type to it
    if manifest in names and (said := type_in_manifest(_read_bounded(archive, manifest))) in _NAMED_BY_THEMSELVES:
        return said
    container = "META-INF/container.xml"  # books that were zipped again have it, and no longer say what they are
    if container in names and b"application/oebps-package+xml" in _read_bounded(archive, container):
        return "application/epub+zip"
    if names & {"META-INF/MANIFEST.MF", "AndroidManifest.xml", "classes.dex"}:
        raise Refused(Refusal.ACTIVE_CONTENT)
    if any(_IWORK.search(name) for name in names):
        return "application/vnd.apple.pages"
    return "application/octet-stream" if names & _OF_PACKAGES else "application/zip"


def type_in_manifest(untrusted: bytes) -> str:
    """The type of an OpenDocument package by its manifest (ODF 1.3 part 2, 4.8.4): that of the entry of its root."""
    for entry in _ENTRY.findall(untrusted):
        said: dict[bytes, bytes] = {name: value for name, _, value in _SAID.findall(entry)}
        if said.get(b"full-path") == b"/":
            return said.get(b"media-type", b"").decode("ascii", "replace").removesuffix("-template")
    return ""


def _read_bounded(archive: zipfile.ZipFile, name: str) -> bytes:
    with archive.open(name) as member:
        return member.read(limits.MIB)


def _check_zip_directory(source: Source) -> None:
    """Bound the central directory before ``zipfile`` builds an object for each entry (APPNOTE 4.3.14 to 4.3.16)."""
    tail_start = max(0, source.size - 65_557)
    tail = source.read_at(tail_start, 65_557)
    end = tail.rfind(b"PK\x05\x06")
    if end < 0 or len(tail) - end < 22:
        raise Damaged
    (size,) = struct.unpack_from("<I", tail, end + 12)
    if size == 0xFFFF_FFFF and end >= 20 and tail[end - 20 : end - 16] == b"PK\x06\x07":
        (record_at,) = struct.unpack_from("<Q", tail, end - 12)
        record = source.read_at(record_at, 56)
        if record[:4] != b"PK\x06\x06" or len(record) < 56:
            raise Damaged
        (size,) = struct.unpack_from("<Q", record, 40)
    if size > limits.ARCHIVE_DIRECTORY_BYTES:
        raise Bomb
