"""Reading a HEIF file into its items: pictures, tiles, what describes them, and what refers to what.

Rules: nothing is decoded and nothing is believed that points outside the file. Only what the primary picture is made of
will be used; the rest is listed so that the receipt can name it. Source: ISO/IEC 14496-12 (8.11), ISO/IEC 23008-12.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from fieldreport import limits
from fieldreport.scrub.format import Source
from fieldreport.scrub.isobmff import Fields, boxes
from fieldreport.scrub.verdicts import Bomb, Damaged, Refusal, Refused

_META_BYTES: Final = 8 * limits.MIB  # a picture of a thousand tiles needs 100 KiB
_ITEMS: Final = 5000
_EXTENTS: Final = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Property:
    """One item property: kind, payload, and whether a reader must understand it."""

    kind: bytes
    payload: bytes
    essential: bool = False


@dataclass(slots=True, kw_only=True)
class Item:
    """One item; ``extents`` are pairs of offset and length, in the file or, ``inside``, in the metadata itself."""

    kind: bytes
    properties: list[Property] = field(default_factory=list)
    extents: list[tuple[int, int]] = field(default_factory=list)
    inside: bool = False
    method: int = 0


@dataclass(slots=True, kw_only=True)
class Album:
    """All items of a file by their numbers; ``references`` maps kind and from-item to the to-items in order."""

    source: Source
    primary: int = 0
    items: dict[int, Item] = field(default_factory=dict)
    references: dict[tuple[bytes, int], tuple[int, ...]] = field(default_factory=dict)
    inside: bytes = b""  # the idat box
    top_level: set[bytes] = field(default_factory=set)
    boxes: list[bytes] = field(default_factory=list)  # of kinds that anybody may define

    def data(self, number: int) -> bytes:
        """An item's bytes, its extents put together."""
        item = self.items[number]
        if item.method not in {0, 1}:
            raise Refused(Refusal.UNSUPPORTED)  # built of pieces of other items
        pieces = []
        for offset, length in item.extents:
            if item.inside:
                piece = self.inside[offset : offset + length] if length else self.inside[offset:]
            else:
                piece = self.source.read_at(offset, length or self.source.size)
            if length and len(piece) != length:
                raise Damaged
            pieces.append(piece)
        return b"".join(pieces)


def parse(untrusted_source: Source) -> Album:
    """Parse the top level and the one ``meta`` box.

    Raises:
        Refused: ``damaged``; ``unsupported`` for a file without a primary picture (a sequence, a film).
    """
    album = Album(source=untrusted_source)
    meta: bytes | None = None
    position = 0
    while position + 8 <= untrusted_source.size:
        head = untrusted_source.read_at(position, 16)
        size, kind = int.from_bytes(head[:4], "big"), head[4:8]
        start = 8
        if size == 1:
            size, start = int.from_bytes(head[8:16], "big"), 16
        elif size == 0:
            size = untrusted_source.size - position
        if size < start or position + size > untrusted_source.size:
            break  # cut off, or bytes after the end: what was declared before counts
        album.top_level.add(kind)
        if kind == b"meta" and meta is None:
            if size > _META_BYTES:
                raise Bomb
            meta = untrusted_source.read_at(position + start, size - start)
        elif kind == b"uuid":
            album.boxes.append(untrusted_source.read_at(position + start, min(size - start, _META_BYTES)))
        position += size
        if len(album.top_level) > 64 or len(album.boxes) > 64:
            raise Bomb
    if position < untrusted_source.size:
        album.top_level.add(b"")
    if meta is None:
        raise Refused(Refusal.UNSUPPORTED)
    _read_meta(album, meta)
    if album.primary not in album.items:
        raise Refused(Refusal.UNSUPPORTED)
    return album


def _read_meta(album: Album, meta: bytes) -> None:
    parts: dict[bytes, tuple[int, int]] = {}
    for kind, start, end in boxes(meta, 4):
        parts.setdefault(kind, (start, end))
    if not {b"pitm", b"iinf", b"iloc", b"iprp"} <= parts.keys():
        raise Refused(Refusal.UNSUPPORTED)
    fields = Fields(meta, *parts[b"pitm"])
    version, _ = fields.version_and_flags()
    album.primary = fields.number(4 if version else 2)
    _read_infos(album, meta, *parts[b"iinf"])
    _read_locations(album, Fields(meta, *parts[b"iloc"]))
    _read_properties(album, meta, *parts[b"iprp"])
    if b"iref" in parts:
        _read_references(album, meta, *parts[b"iref"])
    if b"idat" in parts:
        start, end = parts[b"idat"]
        album.inside = meta[start:end]


def _read_infos(album: Album, meta: bytes, start: int, end: int) -> None:
    fields = Fields(meta, start, end)
    version, _ = fields.version_and_flags()
    fields.number(4 if version else 2)
    for kind, first, last in boxes(meta, fields.position, end):
        entry = Fields(meta, first, last)
        version, _ = entry.version_and_flags()
        if kind != b"infe" or version not in {2, 3}:
            continue
        number = entry.number(2 if version == 2 else 4)
        protection = entry.number(2)
        item = Item(kind=entry.take(4))
        if protection:
            raise Refused(Refusal.ENCRYPTED)
        if number in album.items:
            raise Damaged
        album.items[number] = item
        if len(album.items) > _ITEMS:
            raise Bomb


def _read_locations(album: Album, fields: Fields) -> None:
    version, _ = fields.version_and_flags()
    if version > 2:
        raise Damaged
    sizes = fields.number(2)
    offset_size, length_size, base_size, index_size = (sizes >> shift & 15 for shift in (12, 8, 4, 0))
    for _ in range(fields.number(2 if version < 2 else 4)):
        number = fields.number(2 if version < 2 else 4)
        method = fields.number(2) & 15 if version else 0
        fields.number(2)  # another file: none is ever opened
        base = fields.number(base_size)
        extents = []
        count = fields.number(2)
        if count > _EXTENTS:
            raise Bomb
        for _ in range(count):
            if version:
                fields.number(index_size)
            offset = fields.number(offset_size)
            extents.append((base + offset, fields.number(length_size)))
        if number in album.items:
            item = album.items[number]
            item.extents, item.inside, item.method = extents, method == 1, method


def _read_properties(album: Album, meta: bytes, start: int, end: int) -> None:
    known: list[Property] = []
    for kind, first, last in boxes(meta, start, end):
        if kind == b"ipco":
            for inner, from_, to in boxes(meta, first, last):
                known.append(Property(kind=inner, payload=meta[from_:to]))
        elif kind == b"ipma":
            _associate(album, known, Fields(meta, first, last))


def _associate(album: Album, known: list[Property], fields: Fields) -> None:
    version, flags = fields.version_and_flags()
    for _ in range(fields.number(4)):
        item = album.items.get(fields.number(4 if version else 2))
        for _ in range(fields.number(1)):
            word = fields.number(2 if flags & 1 else 1)
            essential = bool(word & (0x8000 if flags & 1 else 0x80))
            index = word & (0x7FFF if flags & 1 else 0x7F)
            if index > len(known):
                raise Damaged
            if item is not None and index:
                found = known[index - 1]
                item.properties.append(Property(kind=found.kind, payload=found.payload, essential=essential))


def _read_references(album: Album, meta: bytes, start: int, end: int) -> None:
    version = Fields(meta, start, end).number(1)
    width = 4 if version else 2
    for kind, first, last in boxes(meta, start + 4, end):
        fields = Fields(meta, first, last)
        from_item = fields.number(width)
        album.references[kind, from_item] = tuple(fields.number(width) for _ in range(fields.number(2)))


def described_by(album: Album, kind: bytes, target: int) -> Mapping[int, Item]:
    """The items whose reference of a kind leads to ``target``: its thumbnails, its descriptions, its layers."""
    return {
        number: album.items[number]
        for (name, number), targets in album.references.items()
        if name == kind and target in targets and number in album.items
    }
