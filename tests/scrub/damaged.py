"""Damage to files of every format: to their bytes, and to the pieces that a format is made of, with words planted.

A piece keeps its own head, so that lengths and sums of a file whose pieces were moved, doubled, lost, planted or
damaged inside fit again: otherwise nobody would read on to what is behind the damage.
"""

# ruff: noqa: E501  # objects of a PDF are easier to read on a line of their own

from __future__ import annotations

import base64
import functools
import gzip
import io
import random
import re
import struct
import tarfile
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from PIL import Image, ImageCms

from tests.scrub.documents.planted import WORD

_WORD = WORD.encode()
_EXTREME = (b"\xff\xff\xff\xff", b"\x00\x00\x00\x00", b"\x7f\xff\xff\xff")
Piece = tuple[bytes, bytes]
"""What is said of a piece, and what it holds."""


def mutated(data: bytes, chance: random.Random) -> bytes:
    """The bytes with a few of them changed, a piece cut, doubled, or their end missing."""
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 5, 20))):
        start = chance.randrange(len(changed))
        length = min(chance.choice((1, 2, 4, 16, 200)), len(changed) - start)
        match chance.randrange(6):
            case 0:
                changed[start] = chance.randrange(256)
            case 1:
                changed[start : start + length] = chance.randbytes(length)
            case 2:
                del changed[start : start + length]
            case 3:
                changed[start:start] = changed[start : start + length]
            case 4:
                # Lengths and counts are where parsers break.
                changed[start : start + 4] = chance.choice(_EXTREME)
            case _:
                del changed[max(start, len(changed) // 2) :]
        if not changed:
            return data[:1]
    return bytes(changed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How files of some formats are made of pieces.

    ``within``: pieces that are made of such, and how long their heads. ``planted``: pieces that tell of somebody, of
    kinds that the format knows and of one that it does not. ``read``: what is hidden is shown as soon as what hides it
    is damaged, so that what is planted stays as it is; ``first``: how many pieces stay before it; ``last``: how many
    bytes at the end of a piece stay. ``coded``: of pieces of pixels and samples, in which any bytes may occur, the name
    or how it begins.
    """

    apart: Callable[[bytes], Sequence[Piece]]
    whole: Callable[[Sequence[Piece]], bytes]
    planted: Sequence[Piece]
    within: Mapping[bytes, int] = field(default_factory=dict)
    inside: Form | None = None
    read: bool = False
    first: int = 0
    last: int = 0
    coded: frozenset[bytes] = frozenset()

    def told(self, data: bytes, place: int = 1) -> bytes:
        """The file with everything planted before the piece at a place."""
        pieces = list(self.apart(data))
        return self.whole([*pieces[:place], *self.planted, *pieces[place:]])

    def damaged(self, data: bytes, chance: random.Random) -> bytes:
        """The file with one to three of its pieces lost, doubled, moved, renamed, planted or damaged inside."""
        pieces = list(self.apart(data))
        pieces, first = pieces[self.first :], pieces[: self.first]
        for _ in range(chance.choice((1, 1, 2, 3))):
            if not pieces:
                break
            deep = [at for at, (kind, _) in enumerate(pieces) if kind in self.within]
            if deep and chance.random() < 0.7:
                at = chance.choice(deep)
                kind, body = pieces[at]
                head = self.within[kind]
                pieces[at] = kind, body[:head] + (self.inside or self).damaged(body[head:], chance)
                continue
            at, other = chance.randrange(len(pieces)), chance.randrange(len(pieces))
            kind, body = pieces[at]
            match chance.randrange(8):
                case 0:
                    del pieces[at]
                case 1:
                    pieces.insert(other, pieces[at])
                case 2:
                    pieces[at], pieces[other] = pieces[other], pieces[at]
                case 3 if not self.read:
                    pieces[at] = (
                        mutated(kind, chance) if len(kind) > 1 and chance.random() < 0.5 else pieces[other][0],
                        body,
                    )
                case 4 | 5 if body[self.last :] and not (self.read and _WORD in body):
                    end = len(body) - self.last
                    pieces[at] = kind, mutated(body[:end], chance) + body[end:]
                case _:
                    pieces.insert(at, chance.choice(self.planted))
        return self.whole([*first, *pieces])

    def said(self, data: bytes) -> bytes:
        """The file without what is coded."""
        kept = []
        for kind, body in self.apart(data):
            if kind in self.within:
                head = self.within[kind]
                kept.append((kind, body[:head] + (self.inside or self).said(body[head:])))
            elif kind not in self.coded and kind[:1] not in self.coded:
                kept.append((kind, body))
        return self.whole(kept)


def _exif() -> bytes:
    exif = Image.Exif()
    exif[0x010F] = exif[0x0110] = exif[0x0131] = exif[0x013B] = exif[0x9C9D] = WORD
    exif.get_ifd(0x8769).update({0x9286: b"ASCII\0\0\0" + _WORD, 0xA431: WORD, 0x927C: b"maker" + _WORD})
    exif.get_ifd(0x8825).update({1: "N", 2: (41.0, 24.0, 0.0), 3: "E", 4: (128.0, 10.0, 0.0), 29: WORD})
    return exif.tobytes()


EXIF = _exif()
XMP = (
    f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
    f'xmlns:dc="http://purl.org/dc/elements/1.1/" rdf:about="" dc:creator="{WORD}"/></rdf:RDF></x:xmpmeta>'
).encode()
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes().replace(
    "sRGB built-in".encode("utf-16-be"), f"{WORD}abc".encode("utf-16-be")
)  # fmt: skip
IPTC = (
    b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0"
    + struct.pack(">I", 5 + len(_WORD))
    + b"\x1c\2\x50\0"
    + bytes([len(_WORD)])
    + _WORD
)
PACKED = zlib.compress(_WORD)


def _jpeg_apart(data: bytes) -> Iterator[Piece]:
    at = 2
    while at + 4 <= len(data):
        kind, (length,) = data[at : at + 2], struct.unpack_from(">H", data, at + 2)
        if kind == b"\xff\xda":
            yield kind, data[at + 2 :]
            return
        yield kind, data[at + 4 : at + 2 + length]
        at += 2 + length


def _jpeg_whole(pieces: Sequence[Piece]) -> bytes:
    return b"\xff\xd8" + b"".join(
        kind + body if kind == b"\xff\xda" else kind + struct.pack(">H", min(2 + len(body), 65535)) + body[:65533]
        for kind, body in pieces
    )


JPEG = Form(
    apart=lambda data: [*_jpeg_apart(data)],
    whole=_jpeg_whole,
    planted=(
        (b"\xff\xfe", _WORD),
        (b"\xff\xe1", b"Exif\0\0" + EXIF),
        (b"\xff\xe1", b"http://ns.adobe.com/xap/1.0/\0" + XMP),
        (b"\xff\xe2", b"ICC_PROFILE\0\1\1" + PROFILE),
        (b"\xff\xed", IPTC),
        (b"\xff\xeb", b"JP\0\1\0\0\0\1\0\0\0\x1cjumb" + _WORD),
        (b"\xff\xe0", b"JFXX\0\x10" + _WORD),
        (b"\xff\xee", b"Adobe\0\x64\0\0\0\0\0" + _WORD),
        (b"\xff\xe9", _WORD),
    ),
    coded=frozenset({b"\xff\xda", b"\xff\xdb"}),  # and what is counted with
)


def _png_apart(data: bytes) -> Iterator[Piece]:
    at = 8
    while at + 8 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        yield data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        at += 12 + length


def _png_whole(pieces: Sequence[Piece]) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in pieces
    )


PNG = Form(
    apart=lambda data: [*_png_apart(data)],
    whole=_png_whole,
    planted=(
        (b"tEXt", b"Author\0" + _WORD),
        (b"zTXt", b"Author\0\0" + PACKED),
        (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP),
        (b"eXIf", EXIF),
        (b"iCCP", b"Plantedkim\0\0" + zlib.compress(PROFILE)),
        (b"sPLT", _WORD + b"\0\x08\1\2\3\4\0\5"),
        (b"tIME", b"\x07\xea\1\2\3\4\5"),
        (b"whOm", _WORD),
        (b"caBX", _WORD),
    ),
)


def _blocks(data: bytes, at: int) -> int:
    """The end of the blocks of a GIF that begin at a place."""
    while at < len(data) and data[at]:
        at += 1 + data[at]
    return at + 1


def _gif_apart(data: bytes) -> Iterator[Piece]:
    at = 13 + (3 << ((data[10] & 7) + 1) if data[10] & 0x80 else 0)
    yield b"", data[:at]
    while at < len(data):
        head = 2
        if data[at] == 0x2C:
            head = 11 + (3 << ((data[at + 9] & 7) + 1) if data[at + 9] & 0x80 else 0)
        end = len(data) if data[at] == 0x3B else _blocks(data, at + head)
        yield data[at : at + head], data[at + head : end]
        at = end


def _gif_blocks(data: bytes) -> bytes:
    return bytes((len(data),)) + data + b"\0"


GIF = Form(
    apart=lambda data: [*_gif_apart(data)],
    whole=lambda pieces: b"".join(kind + body for kind, body in pieces),
    planted=(
        (b"!\xfe", _gif_blocks(_WORD)),
        (b"!\xff", b"\x0bXMP DataXMP" + XMP + b"\1" + bytes(range(255, -1, -1)) + b"\0"),
        (b"!\xff", b"\x0bPLANTEDkim" + b"1" + _gif_blocks(_WORD)),
        (b"!\xff", b"\x0bICCRGBG1012" + _gif_blocks(_WORD)),
        (b"!\x01", b"\x0c" + bytes(12) + _gif_blocks(_WORD)),
        (b"!\x55", _gif_blocks(_WORD)),
    ),
    coded=frozenset({b"", b","}),  # the colours, and what is counted with them
)


def _chunks(order: str, data: bytes) -> Iterator[Piece]:
    at = 0
    while at + 8 <= len(data):
        (length,) = struct.unpack_from(f"{order}I", data, at + 4)
        yield data[at : at + 4], data[at + 8 : at + 8 + length]
        at += 8 + length + (length & 1)


def _of_chunks(order: str, pieces: Sequence[Piece]) -> bytes:
    return b"".join(kind + struct.pack(f"{order}I", len(body)) + body + bytes(len(body) & 1) for kind, body in pieces)


def _riff(order: str, name: bytes, planted: Sequence[Piece]) -> Form:
    """RIFF, or what it was made after."""
    inside = Form(
        apart=lambda data: [*_chunks(order, data)],
        whole=lambda pieces: _of_chunks(order, pieces),
        planted=planted,
        within={b"LIST": 4},
    )
    return Form(
        apart=lambda data: [(data[8:12], b""), *_chunks(order, data[12:])],
        coded=frozenset({b"data"}),
        whole=lambda pieces: _of_chunks(order, [(name, pieces[0][0] + _of_chunks(order, pieces[1:]))]),
        planted=planted,
        within={b"LIST": 4},
        inside=inside,
    )


RIFF = _riff(
    "<",
    b"RIFF",
    (
        (b"EXIF", EXIF),
        (b"XMP ", XMP),
        (b"ICCP", PROFILE),
        (b"whom", _WORD),
        (b"LIST", b"INFOIART" + struct.pack("<I", len(_WORD)) + _WORD),
        (b"LIST", b"adtllabl" + struct.pack("<II", 4 + len(_WORD), 1) + _WORD),
        (b"bext", _WORD.ljust(602, b"\0")),
        (b"iXML", f"<BWFXML><NOTE>{WORD}</NOTE></BWFXML>".encode()),
        (b"id3 ", b"ID3\4\0\0\0\0\0\x15TPE1\0\0\0\x0b\0\0\0" + _WORD),
        (b"JUNK", _WORD),
        (b"IDIT", _WORD),
        (b"strn", _WORD),
    ),
)
IFF = _riff(
    ">",
    b"FORM",
    (
        (b"AUTH", _WORD),
        (b"NAME", _WORD),
        (b"(c) ", _WORD),
        (b"ANNO", _WORD),
        (b"COMT", b"\0\1\0\0\0\0\0\0\0\x0a" + _WORD),
        (b"ID3 ", b"ID3\4\0\0\0\0\0\x15TPE1\0\0\0\x0b\0\0\0" + _WORD),
        (b"whom", _WORD),
    ),
)


def _boxes(data: bytes) -> Iterator[Piece]:
    at = 0
    while at + 8 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        length = length if length >= 8 else len(data) - at
        yield data[at + 4 : at + 8], data[at + 8 : at + length]
        at += length


def _box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", 8 + len(body)) + kind + body


def _full(kind: bytes, body: bytes) -> bytes:
    return _box(kind, bytes(4) + body)


_HANDLED = _full(b"hdlr", b"\0\0\0\0mdir" + bytes(12) + _WORD + b"\0")
ISO = Form(
    apart=lambda data: [*_boxes(data)],
    whole=lambda pieces: b"".join(_box(kind, body) for kind, body in pieces),
    planted=(
        (b"udta", _box(b"\xa9nam", struct.pack(">HH", len(_WORD), 0) + _WORD)),
        (
            b"udta",
            _full(b"meta", _HANDLED + _box(b"ilst", _box(b"\xa9ART", _box(b"data", b"\0\0\0\1\0\0\0\0" + _WORD)))),
        ),
        (b"udta", _box(b"\xa9xyz", b"\0\x14\0\0+41.40+128.17" + _WORD)),
        (b"meta", bytes(4) + _HANDLED + _box(b"xml ", bytes(4) + XMP)),
        (b"uuid", bytes.fromhex("be7acfcb97a942e89c71999491e3afac") + XMP),
        (b"uuid", bytes(16) + _WORD),
        (b"free", _WORD),
        (b"skip", _WORD),
        (b"name", _WORD),
        (b"hdlr", b"\0\0\0\0\0\0\0\0vide" + bytes(12) + _WORD + b"\0"),
        (b"loci", bytes(6) + _WORD + b"\0"),
        (b"url ", bytes(4) + _WORD),
        (b"whom", _WORD),
        (b"xml ", XMP),
        (b"Exif", b"\0\0\0\0" + EXIF),
        (b"jumb", _WORD),
        (b"udes", bytes(4) + _WORD + b"\0\0\0"),
    ),
    within={
        **dict.fromkeys(
            map(
                str.encode,
                ["moov", "trak", "mdia", "minf", "stbl", "udta", "dinf", "edts", "iprp", "ipco", "mvex", "jp2h"],
            ),
            0,
        ),
        b"meta": 4,
        b"stsd": 8,
        b"dref": 8,
    },
    coded=frozenset({b"mdat"}),
)


def _number(data: bytes, at: int, *, masked: bool) -> tuple[int, int]:
    """A number of EBML at a place, and how long it is."""
    length = 9 - data[at].bit_length() if data[at] else 9
    number = int.from_bytes(data[at : at + length])
    return number & ((1 << 7 * length) - 1) if masked else number, length


def _elements(data: bytes) -> Iterator[Piece]:
    at = 0
    while at < len(data):
        _, name = _number(data, at, masked=False)
        if at + name >= len(data):
            return
        size, length = _number(data, at + name, masked=True)
        begin = at + name + length
        if size == (1 << 7 * length) - 1:
            size = len(data) - begin
        yield data[at : at + name], data[begin : begin + size]
        at = begin + size


def _element(kind: bytes, body: bytes) -> bytes:
    return kind + (len(body) | 1 << 56).to_bytes(8) + body


_TAGGED = b"\x45\xa3" + bytes([0x80 | 6]) + b"ARTIST" + b"\x44\x87" + bytes([0x80 | len(_WORD)]) + _WORD
EBML = Form(
    apart=lambda data: [*_elements(data)],
    whole=lambda pieces: b"".join(_element(kind, body) for kind, body in pieces),
    planted=(
        (b"\x12\x54\xc3\x67", _element(b"\x73\x73", _element(b"\x67\xc8", _TAGGED))),
        (b"\x19\x41\xa4\x69", _element(b"\x61\xa7", _element(b"\x46\x6e", _WORD) + _element(b"\x46\x5c", _WORD))),
        (b"\x10\x43\xa7\x70", _element(b"\x45\xb9", _element(b"\xb6", _element(b"\x80", _element(b"\x85", _WORD))))),
        (b"\xec", _WORD),
        (b"\x7b\xa9", _WORD),
        (b"\x4d\x80", _WORD),
        (b"\x57\x41", _WORD),
        (b"\x53\x6e", _WORD),
        (b"\x25\x86\x88", _WORD),
        (b"\x73\x84", _WORD.ljust(16)),
        (b"\x44\x61", _WORD[:8]),
        (b"\x75\xa1", _element(b"\xa6", _element(b"\xa5", _WORD))),
        (b"\x43\x21", _WORD),
    ),
    within=dict.fromkeys(
        map(
            bytes.fromhex,
            [
                "18538067",
                "1549A966",
                "1654AE6B",
                "AE",
                "1F43B675",
                "A0",
                "1254C367",
                "7373",
                "67C8",
                "1C53BB6B",
                "BB",
                "B7",
                "E0",
                "E1",
                "55B0",
            ],
        ),
        0,
    ),
    coded=frozenset({b"\xa3", b"\xa1"}),
)


@functools.lru_cache(256)
def _ogg_sum(page: bytes) -> int:
    total = 0
    for byte in page:
        total = (total << 8) & 0xFFFFFFFF ^ _OGG[total >> 24 ^ byte]
    return total


def _ogg_of(number: int) -> int:
    number <<= 24
    for _ in range(8):
        number = number << 1 ^ (0x104C11DB7 if number & 0x80000000 else 0)
    return number


_OGG = [_ogg_of(number) for number in range(256)]


def _pages(data: bytes) -> Iterator[Piece]:
    """Pages of Ogg; what is said of one is its head, with its sum and how its body is divided."""
    at = 0
    while at + 27 <= len(data):
        head = 27 + data[at + 26]
        length = sum(data[at + 27 : at + head])
        yield data[at : at + head], data[at + head : at + head + length]
        at += head + length


def _of_pages(pieces: Sequence[Piece]) -> bytes:
    pages = []
    for kind, body in pieces:
        laced = kind[27:]
        if sum(laced) != len(body):
            count, rest = divmod(min(len(body), 254 * 255), 255)
            laced = b"\xff" * count + bytes((rest,))
        page = kind[:22].ljust(22, b"\0") + bytes(4) + bytes((len(laced),)) + laced + body[: sum(laced)]
        pages.append(page[:22] + struct.pack("<I", _ogg_sum(page)) + page[26:])
    return b"".join(pages)


_SAID = struct.pack("<I", len(_WORD)) + _WORD
_COMMENTED = _SAID + struct.pack("<II", 1, 7 + len(_WORD)) + b"ARTIST=" + _WORD
OGG = Form(
    apart=lambda data: [*_pages(data)],
    whole=_of_pages,
    planted=(
        (b"OggS\0\0" + bytes(8) + b"\1\0\0\0\1\0\0\0", b"OpusTags" + _COMMENTED),
        (b"OggS\0\0" + bytes(8) + b"\1\0\0\0\1\0\0\0", b"\3vorbis" + _COMMENTED + b"\1"),
        (b"OggS\0\2" + bytes(8) + b"\7\0\0\0\0\0\0\0", b"fishead\0" + _WORD),
        (b"OggS\0\2" + bytes(8) + b"\7\0\0\0\0\0\0\0", _WORD),
    ),
)


def _flac_apart(data: bytes) -> Iterator[Piece]:
    at, last = 4, False
    while not last and at + 4 <= len(data):
        last, length = data[at] >= 128, int.from_bytes(data[at + 1 : at + 4])
        yield bytes((data[at] & 127,)), data[at + 4 : at + 4 + length]
        at += 4 + length
    yield b"", data[at:]


def _flac_whole(pieces: Sequence[Piece]) -> bytes:
    named = [at for at, (kind, _) in enumerate(pieces) if kind]
    return b"fLaC" + b"".join(
        bytes((kind[0] & 127 | (128 if at == named[-1] else 0),)) + len(body).to_bytes(3) + body if kind else body
        for at, (kind, body) in enumerate(pieces)
    )


FLAC = Form(
    apart=lambda data: [*_flac_apart(data)],
    whole=_flac_whole,
    planted=(
        (b"\4", _COMMENTED),
        (b"\1", _WORD),
        (b"\2", b"whom" + _WORD),
        (b"\5", _WORD.ljust(396, b"\0")),
        (b"\6", struct.pack(">II", 3, 9) + b"image/png" + struct.pack(">I", len(_WORD)) + _WORD + bytes(20)),
        (b"\x20", _WORD),
    ),
)


def _nals(data: bytes) -> Iterator[Piece]:
    for piece in re.split(rb"(?<!\x00)(?=\x00\x00\x01|\x00\x00\x00\x01)", data):
        if piece:
            yield b"", piece


def nals(*heads: str) -> Form:
    """A naked stream of pictures, with user data that begins in these ways."""
    return Form(
        apart=lambda data: [*_nals(data)],
        whole=lambda pieces: b"".join(body for _, body in pieces),
        planted=[(b"", b"\0\0\0\1" + bytes.fromhex(head) + _WORD + b"\x80") for head in heads],
        read=True,
    )


ID3 = b"ID3\4\0\0\0\0\0\x15TPE1\0\0\0\x0b\0\0\0" + _WORD


_RATES = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)  # of MPEG 1, layer 3, in kilobits


def _frames(data: bytes) -> Iterator[Piece]:
    """Frames of MP3 at 44.1 kHz or of AAC, which begin with all ones, and what is between them."""
    at = 0
    while at < len(data):
        if data[at : at + 2] == b"\xff\xfb":
            length = 144_000 * _RATES[(data[at + 2] >> 4) % 15] // 44_100 + (data[at + 2] >> 1 & 1)
        elif data[at : at + 2] == b"\xff\xf1":
            length = int.from_bytes(data[at + 3 : at + 6]) >> 5 & 0x1FFF
        else:
            end = min(
                (found for sync in (b"\xff\xfb", b"\xff\xf1") if (found := data.find(sync, at)) > 0), default=len(data)
            )
            length = end - at
        length = max(length, 2)
        head = 2 if data[at] == 255 else 0
        yield data[at : at + head], data[at + head : at + length]
        at += length


FRAMES = Form(
    apart=lambda data: [*_frames(data)],
    whole=lambda pieces: b"".join(kind + body for kind, body in pieces),
    planted=(
        (b"", ID3),
        (b"", b"ID3\3\0\0\0\0\0\x15TPE1\0\0\0\x0b\0\0\0" + _WORD),
        (b"", b"TAG" + _WORD.ljust(125, b"\0")),
        (b"", b"APETAGEX" + struct.pack("<IIII8x", 2000, 32 + 19 + len(_WORD), 1, 0) + b"Artist\0" + _WORD),
        (b"", b"LYRICSBEGIN" + _WORD + b"000021LYRICS200"),
        (b"", _WORD),
    ),
    read=True,
    coded=frozenset({b"\xff"}),
)


def _entries(data: bytes) -> Iterator[Piece]:
    """The file as it is, and what the first directory of a TIFF lists."""
    yield b"", data
    (at,) = struct.unpack_from("<I", data, 4)
    for number in range(struct.unpack_from("<H", data, at)[0]):
        tag, kind, count, value = struct.unpack_from("<HHI4s", data, at + 2 + 12 * number)
        length = count * {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 7: 1}.get(kind, 4)
        (start,) = struct.unpack("<I", value)
        yield struct.pack("<HH", tag, kind), value[:length] if length <= 4 else data[start : start + length]


def _of_entries(pieces: Sequence[Piece]) -> bytes:
    """With the directory behind all that was there."""
    if not pieces or pieces[0][0]:
        return b"II*\0"
    data, listed = bytearray(pieces[0][1]), list[tuple[int, bytes]]()
    for kind, body in pieces[1:]:
        size = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 7: 1}.get(int.from_bytes(kind[2:4], "little"), 4)
        value = body.ljust(4, b"\0")
        if len(body) > 4:
            value = struct.pack("<I", len(data))
            data += body + bytes(len(body) & 1)
        entry = kind[:4].ljust(4, b"\0") + struct.pack("<I", len(body) // size) + value
        listed.append((int.from_bytes(kind[:2], "little"), entry))
    data[4:8] = struct.pack("<I", len(data))
    return bytes(data) + struct.pack("<H", len(listed)) + b"".join(each for _, each in sorted(listed)) + bytes(4)


TIFF = Form(
    apart=lambda data: [*_entries(data)],
    whole=_of_entries,
    planted=(
        *(
            (struct.pack("<HH", tag, 2), _WORD + b"\0")
            for tag in (269, 270, 271, 272, 285, 305, 306, 315, 316, 337, 333)
        ),
        (struct.pack("<HH", 700, 1), XMP),
        (struct.pack("<HH", 33723, 7), IPTC),
        (struct.pack("<HH", 34377, 1), IPTC[14:]),
        (struct.pack("<HH", 34675, 7), PROFILE),
        (struct.pack("<HH", 37724, 7), _WORD),
        (struct.pack("<HH", 40093, 1), WORD.encode("utf-16-le")),
        (struct.pack("<HH", 50741, 7), _WORD),
        (struct.pack("<HH", 65000, 2), _WORD + b"\0"),
    ),
)
_OBJECT = re.compile(rb"(\d+) 0 obj\n(.*?)\nendobj\n", re.DOTALL)


def _objects(data: bytes) -> Iterator[Piece]:
    """Objects of a PDF as ``_of_objects`` writes them; what is said of one is its number."""
    for found in _OBJECT.finditer(data):
        yield found[1], found[2]


def _of_objects(pieces: Sequence[Piece]) -> bytes:
    """A PDF of objects: 1 is the catalog, 2 is the information. Dictionaries have a place for more at their end."""
    data, places = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"), {0: 0}
    for kind, body in pieces:
        if kind.isdigit():
            places[int(kind)] = len(data)
        data += kind + b" 0 obj\n" + body + b"\nendobj\n"
    start, count = len(data), min(max(places), 9999) + 1
    data += f"xref\n0 {count}\n0000000000 65535 f \n".encode()
    for number in range(1, count):
        data += f"{places.get(number, 0):010} 00000 {'n' if number in places else 'f'} \n".encode()
    return bytes(
        data
        + f"trailer\n<</Size {count}/Root 1 0 R/Info 2 0 R/ID[<{_WORD.hex()}><{_WORD.hex()}>]>>\n".encode()
        + f"startxref\n{start}\n%%EOF\n".encode()
    )


def _stream(head: str, body: bytes) -> bytes:
    return f"<<{head}/Length {len(body)}>>\nstream\n".encode() + body + b"\nendstream"


PDF_BODY: Sequence[Piece] = (
    (b"1", b"<</Type/Catalog/Pages 3 0 R/Metadata 8 0 R/Outlines 10 0 R/Names<</JavaScript<</Names[(Plantedkim)12 0 R]>>/EmbeddedFiles<</Names[(Plantedkim)14 0 R]>>>>/PageLabels<</Nums[0<</P(Plantedkim)>>]>>/Lang(en)/OpenAction 12 0 R/PieceInfo<</Plantedkim<</LastModified(D:2026)/Private(Plantedkim)>>>>/OCProperties<</OCGs[13 0 R]/D<</Order[13 0 R]/Name(Plantedkim)>>>>/AcroForm<</Fields[9 0 R]/DA(/F 9 Tf)/DR<</Font<</F 5 0 R>>>>>>/StructTreeRoot 17 0 R/MarkInfo<</Marked true>>>>"),
    (b"2", b"<</Author(Plantedkim)/Title<506c616e7465646b696d>/Creator(\xfe\xff\0P\0l\0a\0n\0t\0e\0d\0k\0i\0m)/Plantedkim/Plantedkim/CreationDate(D:20260102)>>"),
    (b"3", b"<</Type/Pages/Kids[4 0 R]/Count 1>>"),
    (b"4", b"<</Type/Page/Parent 3 0 R/MediaBox[0 0 200 100]/Contents 6 0 R/Resources<</Font<</F 5 0 R>>/XObject<</I 7 0 R/X 16 0 R>>/Properties<</P<</Who(Plantedkim)>>/O 13 0 R>>>>/Annots[9 0 R 15 0 R]/Tabs/S/StructParents 0/LastModified(Plantedkim)/PieceInfo<</K<</Private 8 0 R>>>>>>"),
    (b"5", b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Name/Plantedkim/Encoding/WinAnsiEncoding>>"),
    (b"6", _stream("", b"%Plantedkim\n/Span<</ActualText(Plantedkim)/MCID 0>>BDC BT /F 9 Tf 9 50 Td (At the gate) Tj ET EMC q 20 0 0 20 9 9 cm /I Do Q /X Do /OC/P BDC EMC")),
    (b"7", _stream("/Type/XObject/Subtype/Image/Width 2/Height 2/BitsPerComponent 8/ColorSpace/DeviceGray/Metadata 8 0 R/Name/Plantedkim", b"abcd")),
    (b"8", _stream("/Type/Metadata/Subtype/XML", XMP)),
    (b"9", b"<</Type/Annot/Subtype/Widget/FT/Tx/T(Plantedkim)/TU(Plantedkim)/V(seen)/DA(/F 9 Tf)/Rect[100 10 150 30]/P 4 0 R/AA<</K 12 0 R>>/AP<</N 16 0 R>>>>"),
    (b"10", b"<</Type/Outlines/First 11 0 R/Last 11 0 R/Count 1>>"),
    (b"11", b"<</Title(At the gate)/Parent 10 0 R/Dest[4 0 R/Fit]/Who(Plantedkim)>>"),
    (b"12", b"<</S/JavaScript/JS(Plantedkim)/Next<</S/URI/URI(file:///Plantedkim)>>>>"),
    (b"13", b"<</Type/OCG/Name(Plantedkim)/Usage<</CreatorInfo<</Creator(Plantedkim)/Subtype/Artwork>>/User<</Type/Ind/Name(Plantedkim)>>>>>>"),
    (b"14", b"<</Type/Filespec/F(Plantedkim)/UF(Plantedkim)/Desc(Plantedkim)/EF<</F 18 0 R>>>>"),
    (b"15", b"<</Type/Annot/Subtype/Text/Rect[10 70 20 80]/T(Plantedkim)/Contents(Plantedkim)/NM(Plantedkim)/M(D:2026)/RC(Plantedkim)/Subj(Plantedkim)>>"),
    (b"16", _stream("/Type/XObject/Subtype/Form/BBox[0 0 9 9]/PieceInfo<</Plantedkim<</Private(Plantedkim)>>>>/LastModified(Plantedkim)", b"0 0 9 9 re f %Plantedkim")),
    (b"17", b"<</Type/StructTreeRoot/K<</S/Span/Alt(Plantedkim)/T(Plantedkim)/ID(Plantedkim)/P 17 0 R/K 0/Pg 4 0 R>>/RoleMap<</Plantedkim/Span>>/ClassMap<</Plantedkim<</O/Layout>>>>>>"),
    (b"18", _stream("/Type/EmbeddedFile/Filter/FlateDecode", PACKED)),
)  # fmt: skip
_KEYS = (
    b"/Who(Plantedkim)",
    b"/Plantedkim 1",
    b"/Title<506c616e7465646b696d>",
    b"/Metadata 8 0 R",
    b"/PieceInfo<</Plantedkim<</Private(Plantedkim)>>>>",
    b"/Author(\\120lantedkim)",
    b"/AA<</O 12 0 R>>",
    b"/A 12 0 R",
    b"/AF[14 0 R]",
    b"/Name/Plantedkim",
    b"/Alt(Plantedkim)",
    b"/OC 13 0 R",
    b"/F 14 0 R",
    b"/#50lantedkim(Plantedkim)",
    b"/Measure<</R(Plantedkim)>>",
)


def pdf_told(data: bytes, chance: random.Random) -> bytes:
    """With a key planted in one dictionary, half of the time."""
    if chance.random() < 0.5:
        ends = [found.start() for found in re.finditer(rb">>", data)]
        at = chance.choice(ends)
        data = data[:at] + chance.choice(_KEYS) + data[at:]
        if chance.random() < 0.5:
            return _of_objects([*_objects(data)])
    return PDF.damaged(data, chance)


PDF = Form(
    apart=lambda data: [*_objects(data)],
    whole=_of_objects,
    planted=tuple(
        (str(number).encode(), body)
        for number, body in ((19, PDF_BODY[14][1]), (20, b"(Plantedkim)"), (2, PDF_BODY[1][1]))
    ),
)


def _lines(data: bytes) -> Iterator[Piece]:
    for line in re.split(rb"(?<=\n)(?=[^ ])", data):
        yield b"", line


def lines(*planted: str) -> Form:
    """A text whose pieces are lines, with those that continue them."""
    return Form(
        apart=lambda data: [*_lines(data)],
        first=1,
        last=2,
        whole=lambda pieces: b"".join(body for _, body in pieces),
        planted=[(b"", f"{line}\r\n".encode()) for line in planted],
        read=True,
    )


def zip_told(data: bytes, chance: random.Random) -> bytes:
    """A package with one member damaged, or with words where no member is: in names, comments, fields, between them."""
    target = io.BytesIO()
    with (
        warnings.catch_warnings(action="ignore", category=UserWarning),  # of a name that comes twice
        zipfile.ZipFile(io.BytesIO(data)) as old,
        zipfile.ZipFile(target, "w") as new,
    ):
        names = [member.filename for member in old.infolist() if member.file_size]
        hit, way = chance.choice(names), chance.randrange(8)
        for member in old.infolist():
            content = old.read(member)
            info = zipfile.ZipInfo(member.filename, (2026, 1, 2, 3, 4, 6))
            info.compress_type = zipfile.ZIP_STORED if member.filename == "mimetype" else zipfile.ZIP_DEFLATED
            if member.filename == hit:
                match way:
                    case 0:
                        info.comment = _WORD
                    case 1:
                        info.extra = struct.pack("<HH", 0x7075, len(_WORD)) + _WORD
                    case 2:
                        continue
                    case 3:
                        new.writestr(f"{WORD}/", b"")
                    case 4:
                        new.comment = _WORD
                    case 5 if member.filename != "mimetype":
                        new.writestr(info, content)
                    case _:
                        content = mutated(content, chance)
            new.writestr(info, content)
    return (_WORD if way == 4 and chance.random() < 0.3 else b"") + target.getvalue()


def gzip_told(data: bytes, chance: random.Random) -> bytes:
    """The same with a name, a remark or a field in its head, or damaged inside and packed again."""
    inside = gzip.decompress(data)
    way = chance.randrange(4)
    body = gzip.compress(mutated(inside, chance) if way == 3 else inside, compresslevel=1, mtime=0)[10:]
    flag, more = (
        (8, _WORD + b"\0"),
        (16, _WORD + b"\0"),
        (4, struct.pack("<H2sH", 4 + len(_WORD), b"wh", len(_WORD)) + _WORD),
        (0, b""),
    )[way]
    return b"\x1f\x8b\x08" + bytes((flag,)) + bytes(6) + more + body


def tar_told(data: bytes, chance: random.Random) -> bytes:
    """The same with words in the heads of its members."""
    target = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(data)) as old,
        tarfile.open(fileobj=target, mode="w", format=chance.choice((tarfile.PAX_FORMAT, tarfile.GNU_FORMAT))) as new,
    ):
        for member in old.getmembers():
            content = old.extractfile(member).read()  # type: ignore[union-attr]
            setattr(member, chance.choice(("uname", "gname", "linkname")), WORD)
            if chance.random() < 0.3:
                member.pax_headers = {chance.choice(("comment", "whom", "SCHILY.xattr.user.whom")): WORD}
            if chance.random() < 0.3:
                content = mutated(content, chance)
            member.size = len(content)
            new.addfile(member, io.BytesIO(content))
    return target.getvalue()


def in_base64(word: bytes) -> set[bytes]:
    """How a word may be spelled in base 64, but for its ends."""
    return {base64.b64encode(bytes(shift) + word)[4 if shift else 0 : -4] for shift in range(3)}
