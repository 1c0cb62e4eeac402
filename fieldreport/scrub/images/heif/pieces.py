"""A clean HEIF file from its pieces: one fixed layout, in which every byte has a reason.

Rules: ``ftyp``, ``meta`` (handler, primary item, locations, infos, references, properties), ``mdat``; items are
numbered from 1, the primary first; names are empty; each item lies in one piece, in order. Nothing says who wrote it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from fieldreport.scrub.images.heif import codecs
from fieldreport.scrub.isobmff import box, full_box
from fieldreport.scrub.verdicts import Damaged


@dataclass(slots=True, kw_only=True)
class Piece:
    """One item of the new file.

    ``tiles`` are the numbers a grid is made of; ``alpha_of`` is the picture that it makes transparent.
    """

    number: int
    kind: bytes
    alpha_of: int | None = None
    size: tuple[int, int] = (0, 0)
    data: bytes = b""
    tiles: list[int] = field(default_factory=list)
    properties: list[tuple[bytes, bytes, bool]] = field(default_factory=list)

    def add(self, kind: bytes, payload: bytes, *, essential: bool = False) -> None:
        """Add a property; the first of a kind counts."""
        if all(kind != known for known, _, _ in self.properties):
            self.properties.append((kind, payload, essential))


def assemble(pieces: list[Piece]) -> bytes:
    """The whole file."""
    head = _file_type(pieces)
    # Offsets have a fixed width, so a first round with zeros gives the length of what precedes the data.
    before = len(head) + len(_meta(pieces, 0)) + 8
    return head + _meta(pieces, before) + box(b"mdat", *(piece.data for piece in pieces))


def _file_type(pieces: list[Piece]) -> bytes:
    if any(piece.kind == b"av01" for piece in pieces):
        return box(b"ftyp", b"avif", bytes(4), b"avifmif1miaf")
    main = all(
        codecs.hevc_is_main(payload) for piece in pieces for kind, payload, _ in piece.properties if kind == b"hvcC"
    )
    brand = b"heic" if main else b"heix"
    return box(b"ftyp", brand, bytes(4), b"mif1" + brand)


def _meta(pieces: list[Piece], data_offset: int) -> bytes:
    parts = [
        full_box(b"hdlr", 0, 0, bytes(4) + b"pict" + bytes(12) + b"\0"),
        full_box(b"pitm", 0, 0, struct.pack(">H", 1)),
        _locations(pieces, data_offset),
        _infos(pieces),
    ]
    references = _references(pieces)
    if references:
        parts.append(full_box(b"iref", 0, 0, *references))
    parts.append(_properties(pieces))
    return full_box(b"meta", 0, 0, *parts)


def _locations(pieces: list[Piece], offset: int) -> bytes:
    entries = []
    for piece in pieces:
        if offset + len(piece.data) > 0xFFFF_FFFF:
            raise Damaged
        entries.append(struct.pack(">HHHII", piece.number, 0, 1, offset, len(piece.data)))
        offset += len(piece.data)
    return full_box(b"iloc", 0, 0, struct.pack(">HH", 0x4400, len(pieces)), *entries)


def _infos(pieces: list[Piece]) -> bytes:
    entries = []
    for piece in pieces:
        hidden = int(piece.number != 1)  # flag 1: not to be shown on its own
        entries.append(full_box(b"infe", 2, hidden, struct.pack(">HH4s", piece.number, 0, piece.kind) + b"\0"))
    return full_box(b"iinf", 0, 0, struct.pack(">H", len(pieces)), *entries)


def _references(pieces: list[Piece]) -> list[bytes]:
    found = []
    for piece in pieces:
        if piece.tiles:
            found.append((b"dimg", piece.number, piece.tiles))
        if piece.alpha_of is not None:
            found.append((b"auxl", piece.number, [piece.alpha_of]))
    return [box(kind, struct.pack(f">HH{len(to)}H", from_item, len(to), *to)) for kind, from_item, to in found]


def _properties(pieces: list[Piece]) -> bytes:
    """Each property once, in the order of first use: a thousand tiles share one configuration."""
    places: dict[tuple[bytes, bytes], int] = {}
    entries = []
    for piece in pieces:
        words = []
        for kind, payload, essential in piece.properties:
            place = places.setdefault((kind, payload), len(places) + 1)
            words.append(place | (0x8000 if essential else 0))
        entries.append(struct.pack(f">HB{len(words)}H", piece.number, len(words), *words))
    known = [box(kind, payload) for kind, payload in places]
    association = full_box(b"ipma", 0, 1, struct.pack(">I", len(entries)), *entries)
    return box(b"iprp", box(b"ipco", *known), association)
