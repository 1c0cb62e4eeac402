"""How much a PDF may unpack to, and the one way its streams are decoded.

Rules: every Flate stream of the file is measured, without keeping what comes out, before qpdf is given the file; qpdf's
own limits are set as a second line (object streams and predictors are decoded inside it); a stream has at most two
filters; what is decoded is counted against a total for the document.
"""

from __future__ import annotations

import contextlib
import logging
import re
import zlib
from dataclasses import dataclass
from functools import cache
from typing import Final

import pikepdf
from pikepdf import Array, Dictionary, Name, Stream, StreamDecodeLevel

from fieldreport.limits import MIB, PDF_FILTERS, PDF_STREAM_BYTES, PDF_TOTAL_BYTES
from fieldreport.scrub.documents.pdf.values import spelled
from fieldreport.scrub.format import Cleaning
from fieldreport.scrub.verdicts import Bomb, Damaged, Removed

_STREAM_KEYWORD: Final = re.compile(rb"(?<!end)stream\r?\n?")
_STEP: Final = 1 * MIB
_PART: Final = 4096  # bytes of a broken stream in which the place where it breaks is looked for

# Codecs of pictures: never decoded here, and only allowed as the last filter.
PICTURE_FILTERS: Final = frozenset({"/DCTDecode", "/JPXDecode", "/CCITTFaxDecode", "/JBIG2Decode"})
_ABBREVIATIONS: Final = {
    "/AHx": "/ASCIIHexDecode",
    "/A85": "/ASCII85Decode",
    "/LZW": "/LZWDecode",
    "/Fl": "/FlateDecode",
    "/RL": "/RunLengthDecode",
    "/CCF": "/CCITTFaxDecode",
    "/DCT": "/DCTDecode",
}
_PLAIN_FILTERS: Final = frozenset(
    {"/FlateDecode", "/LZWDecode", "/ASCII85Decode", "/ASCIIHexDecode", "/RunLengthDecode"}
)


@cache
def set_library_limits() -> None:
    """Give qpdf bounds of its own for what it decodes while it opens a file (object and cross-reference streams).

    They hold for the process, and for those that are forked from it.

    Its warnings quote the file, so they are not logged.
    """
    logging.getLogger("pikepdf").setLevel(logging.CRITICAL + 1)
    pikepdf.settings.set_qpdf_limits(
        flate_max_memory=PDF_STREAM_BYTES,
        png_max_memory=PDF_STREAM_BYTES,
        tiff_max_memory=PDF_STREAM_BYTES,
        run_length_max_memory=PDF_STREAM_BYTES,
        max_stream_filters=PDF_FILTERS,
        parser_max_nesting=100,
        parser_max_container_size=4_000_000,
        doc_max_warnings=1000,
    )


def check_streams(untrusted: bytes) -> None:
    """Measure what every Flate stream of the file unpacks to, twice over if it is compressed twice.

    Whatever follows the word ``stream`` is tried, so no dictionary has to be believed. Raises ``Bomb``.
    """
    total = 0
    for keyword in _STREAM_KEYWORD.finditer(untrusted):
        total += _inflated_length(untrusted, keyword.end())
        if total > PDF_TOTAL_BYTES:
            raise Bomb


def _inflated_length(untrusted: bytes, start: int) -> int:
    if untrusted[start : start + 1] not in {b"\x78", b"\x68", b"\x58", b"\x48", b"\x38", b"\x28", b"\x18", b"\x08"}:
        return 0
    outer, inner = zlib.decompressobj(), None
    length = inner_length = 0
    position = start
    try:
        while not outer.eof and (pending := outer.unconsumed_tail or untrusted[position : position + _STEP]):
            if not outer.unconsumed_tail:
                position += len(pending)
            piece = outer.decompress(pending, _STEP)
            if length == 0 and piece[:1] == b"\x78":
                inner = zlib.decompressobj()
            length += len(piece)
            if inner is not None:
                inner_length, inner = _drain(inner, piece, inner_length)
            if max(length, inner_length) > PDF_STREAM_BYTES:
                raise Bomb
    except zlib.error:
        pass  # not Flate, or damaged from here on: what came out so far still counts
    return length + inner_length


def _inflated(packed: bytes) -> bytes | None:
    """A whole stream at once; None for one that is broken, or not what zlib reads. Raises ``Bomb``."""
    inflating = zlib.decompressobj()
    try:
        plain = inflating.decompress(packed, PDF_STREAM_BYTES)
    except zlib.error:
        return None
    if inflating.unconsumed_tail:
        raise Bomb
    return plain if inflating.eof else None


def _inflated_in_part(packed: bytes) -> bytes:
    """What comes out of a broken stream before it breaks, as viewers use it; its length was measured before."""
    inflating = zlib.decompressobj()
    pieces: list[bytes] = []
    with contextlib.suppress(zlib.error):
        for start in range(0, len(packed), _PART):
            before = inflating.copy()
            try:
                pieces.append(inflating.decompress(packed[start : start + _PART]))
            except zlib.error:
                pieces.extend(before.decompress(packed[at : at + 1]) for at in range(start, len(packed)))
    return b"".join(pieces)


def _drain(inner: zlib._Decompress, piece: bytes, length: int) -> tuple[int, zlib._Decompress | None]:
    """The second layer of a stream, also without keeping it; None once it turns out not to be Flate."""
    try:
        while piece:
            length += len(inner.decompress(piece, _STEP))
            piece = inner.unconsumed_tail
            if length > PDF_STREAM_BYTES:
                raise Bomb
    except zlib.error:
        return length, None
    return length, inner


def lzw_length(packed: bytes, *, early: int) -> int:
    """How many bytes an LZW stream (ISO 32000-1, 7.4.4) unpacks to, without unpacking it."""
    lengths = [1] * 256 + [0, 0]
    bits = width = 0
    code_bits, previous, total = 9, 0, 0
    for byte in packed:
        bits, width = (bits << 8) | byte, width + 8
        if width < code_bits:
            continue
        width -= code_bits
        code, bits = bits >> width, bits & ((1 << width) - 1)
        if code == 257:
            break
        if code == 256:
            del lengths[258:]
            code_bits, previous = 9, 0
            continue
        length = lengths[code] if code < len(lengths) else previous + 1
        if previous and len(lengths) < 4096:
            lengths.append(previous + 1)
        previous = length
        total += length
        if total > PDF_STREAM_BYTES:
            raise Bomb
        code_bits = min(12, max(9, (len(lengths) + early).bit_length()))
    return total


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """A stream with its plain filters undone. ``codec`` names the picture codec that is left, if any."""

    data: bytes
    codec: str | None
    parameters: Dictionary | None


class Decoder:
    """Decodes the streams of one document against the file's budget."""

    def __init__(self, document: pikepdf.Pdf, cleaning: Cleaning) -> None:
        self._document = document
        self._cleaning = cleaning

    def plain(self, stream: Stream) -> bytes:
        """The decoded bytes of a stream that is not a picture; refuses one that is."""
        decoded = self.decode(stream)
        if decoded.codec is not None:
            raise Damaged
        return decoded.data

    def decode(self, stream: Stream) -> Decoded:
        """Undo at most two filters, up to a picture codec."""
        filters, parameters = filters_of(stream)
        codec = filters[-1] if filters and filters[-1] in PICTURE_FILTERS else None
        plain = filters[:-1] if codec else filters
        if len(plain) > PDF_FILTERS:
            raise Bomb
        if any(name not in _PLAIN_FILTERS for name in plain):
            raise Damaged
        data = stream.read_raw_bytes()
        for name, options in zip(plain, parameters, strict=False):
            data = self._undo(data, name, options)
        self._cleaning.spend(len(data))
        return Decoded(data=data, codec=codec, parameters=parameters[len(filters) - 1] if codec else None)

    def _undo(self, data: bytes, name: str, options: Dictionary | None) -> bytes:
        predicted = options is not None and options.get("/Predictor", 1) != 1
        match name:
            case "/FlateDecode" if not predicted and (plain := _inflated(data)) is not None:
                return plain
            case "/FlateDecode":
                if _inflated_length(data, 0) > PDF_STREAM_BYTES:
                    raise Bomb
            case "/LZWDecode":
                early = options.get("/EarlyChange", 1) if options is not None else 1
                lzw_length(data, early=0 if early == 0 else 1)
            case "/RunLengthDecode" if len(data) * 64 > PDF_STREAM_BYTES:
                raise Bomb
            case _:
                pass
        single = Stream(self._document, data)
        single.Filter = Name(name)
        if options is not None:
            single.DecodeParms = options
        try:
            return bytes(single.read_bytes(StreamDecodeLevel.specialized))
        except pikepdf.PikepdfError:
            if name != "/FlateDecode" or predicted:
                raise Damaged from None
        self._cleaning.removed.add(Removed.INCOMPLETE)
        return _inflated_in_part(data)


def filters_of(stream: Stream) -> tuple[list[str], list[Dictionary | None]]:
    """The names of a stream's filters in full, and the parameters of each."""
    names = _as_list(stream.get("/Filter", stream.get("/F")))
    options = _as_list(stream.get("/DecodeParms", stream.get("/DP")))
    if not all(isinstance(name, Name) for name in names):
        raise Damaged
    full = [_ABBREVIATIONS.get(spelled(name), spelled(name)) for name in names]
    parameters = [
        _flat(options[index]) if index < len(options) and isinstance(options[index], Dictionary) else None
        for index in range(len(full))
    ]
    return full, parameters


def _as_list(value: object) -> list[object]:
    if value is None:
        return []
    return list(value) if isinstance(value, Array) else [value]


def _flat(options: object) -> Dictionary:
    """Filter parameters as numbers, booleans and the one stream that JBIG2 needs."""
    kept = Dictionary()
    for key, value in options.items():  # type: ignore[attr-defined]  # a pikepdf Dictionary
        if isinstance(value, bool | int) or key == "/JBIG2Globals":
            kept[key] = value
    return kept
