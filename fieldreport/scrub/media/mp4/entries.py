"""Sample descriptions: which codecs a film may hold, and the few boxes that each needs to be decoded.

Rules: a description is rebuilt field by field. Names of encoders, makers and their versions become zeros; boxes that no
decoder needs go; an unknown codec is no description at all, and its track goes. Sources: ISO/IEC 14496-12 (8.5.2,
12.1, 12.2), 14496-14 (5.6), 14496-15, QuickTime File Format (sound and video sample descriptions), 3GPP TS 26.244
(6), AV1-, VP9-, Opus- and FLAC-in-ISOBMFF.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from fieldreport.scrub.format import check_image
from fieldreport.scrub.isobmff import Fields, box, boxes, full_box
from fieldreport.scrub.media.bitstreams import FrameCleaner, aac, av1, mpeg4, nal_units, opus
from fieldreport.scrub.media.mp4.film import Entry, Kind
from fieldreport.scrub.verdicts import Damaged, Refusal, Refused, Removed

_AVC: Final = frozenset({b"avc1", b"avc3"})
_HEVC: Final = frozenset({b"hvc1", b"hev1"})
_ENCRYPTED: Final = frozenset({b"encv", b"enca", b"drms", b"drmi", b"p608"})
# Uncompressed sound of QuickTime: bytes of one number, or 0 where the description tells.
_PCM: Final = {
    b"sowt": 2,
    b"twos": 2,
    b"raw ": 1,
    b"NONE": 0,
    b"in24": 3,
    b"in32": 4,
    b"fl32": 4,
    b"fl64": 8,
    b"ulaw": 1,
    b"alaw": 1,
    b"lpcm": 0,
}
_CHANNELS: Final = 64
_TERMINATOR: Final = struct.pack(">II", 8, 0)
_AAC_TYPES: Final = frozenset({0x40, 0x66, 0x67, 0x68})
_MP3_TYPES: Final = frozenset({0x69, 0x6B})
_MPEG4_VISUAL: Final = 0x20


_Codec = tuple[bytes, FrameCleaner | None]  # the box that a decoder needs, and what cleans a frame


class Description:
    """Reads one sample description and rebuilds it."""

    def __init__(self, kind: bytes, data: bytes, removed: set[Removed], *, quicktime_sound: bool) -> None:
        self._kind = kind
        self._fields = Fields(data)
        self._data = data
        self._removed = removed
        self._quicktime_sound = quicktime_sound
        self._children: dict[bytes, bytes] = {}

    def entry(self, track_kind: Kind) -> Entry | None:
        """The rebuilt description, or None for a codec that is not allowed here."""
        if self._kind in _ENCRYPTED:
            raise Refused(Refusal.ENCRYPTED)
        self._fields.take(8)  # reserved, and which data reference: there is only one
        return self._video() if track_kind is Kind.VIDEO else self._sound()

    # --- pictures ---

    def _video(self) -> Entry | None:
        fields = self._fields
        head = fields.take(16)
        width, height = fields.number(2), fields.number(2)
        fields.take(12)
        frames = fields.number(2)
        name = fields.take(32)
        depth = fields.take(2)
        colours = fields.number(2)
        if any(name) or any(head[4:8]):
            self._removed.add(Removed.SOFTWARE)
        self._read_children()
        check_image(max(width, 1), max(height, 1))
        found = self._video_codec()
        if found is None or frames != 1 or colours not in {0xFFFF, 0}:
            return None
        needed, clean = found
        payload = b"".join(
            (
                bytes(6) + b"\0\1" + bytes(16),
                struct.pack(">HH", width, height),
                b"\0\x48\0\0\0\x48\0\0" + bytes(4) + b"\0\1" + bytes(32),
                (depth if depth in {b"\0\x18", b"\0\x20"} else b"\0\x18") + b"\xff\xff",
                needed,
                *self._shown(),
            )
        )
        return Entry(box=box(self._kind, payload), clean=clean)

    def _video_codec(self) -> _Codec | None:
        kind, children = self._kind, self._children
        if kind in _AVC and b"avcC" in children:
            payload, width = nal_units.avc_configuration(children[b"avcC"])
            return box(b"avcC", payload), nal_units.Units(hevc=False, length_bytes=width, removed=self._removed)
        if kind in _HEVC and b"hvcC" in children:
            payload, width = nal_units.hevc_configuration(children[b"hvcC"])
            return box(b"hvcC", payload), nal_units.Units(hevc=True, length_bytes=width, removed=self._removed)
        if kind == b"av01" and b"av1C" in children:
            return box(b"av1C", av1.configuration(children[b"av1C"])), av1.Obus(removed=self._removed)
        if kind in {b"vp09", b"vp08"} and len(children.get(b"vpcC", b"")) >= 12:
            return box(b"vpcC", children[b"vpcC"][:10] + bytes(2)), None
        if kind == b"mp4v" and b"esds" in children:
            object_type, head, specific = _elementary(children[b"esds"])
            if object_type != _MPEG4_VISUAL:
                return None
            clean = mpeg4.Visual(removed=self._removed)
            return _descriptors(head, clean(specific)), clean
        if kind in {b"s263", b"h263", b"H263"}:
            level = children.get(b"d263", bytes(7))
            return (box(b"d263", bytes(5) + level[5:7]) if len(level) >= 7 else b""), None
        if kind == b"jpeg":
            return b"", mpeg4.Jpeg(removed=self._removed)
        return None

    def _shown(self) -> Iterator[bytes]:
        """How the decoded picture is to be shown: proportions, colours, brightness."""
        for kind, lengths in ((b"pasp", {8}), (b"clap", {32}), (b"fiel", {2}), (b"mdcv", {24}), (b"clli", {4})):
            if len(self._children.get(kind, b"")) in lengths:
                yield box(kind, self._children[kind])
        for kind, length in ((b"SmDm", 28), (b"CoLL", 8)):
            if len(self._children.get(kind, b"")) == length:
                yield full_box(kind, 0, 0, self._children[kind][4:])
        colour = self._children.get(b"colr", b"")
        if colour[:4] == b"nclx" and len(colour) == 11:
            yield box(b"colr", colour[:10], bytes((colour[10] & 0x80,)))
        elif colour[:4] == b"nclc" and len(colour) >= 10:
            yield box(b"colr", colour[:10])
        elif colour:
            self._removed.add(Removed.COLOUR_PROFILE)

    # --- sound ---

    def _sound(self) -> Entry | None:
        fields = self._fields
        version, head, basics, rate = fields.number(2), fields.take(6), fields.take(8), fields.take(4)
        channels, bits = struct.unpack_from(">HH", basics)
        extra = b""
        if self._quicktime_sound and version in {1, 2}:
            extra = fields.take(16 if version == 1 else 36)
        if len(extra) == 36:
            channels, _, bits = struct.unpack_from(">3I", extra, 12)
        if any(head[2:]):
            self._removed.add(Removed.SOFTWARE)
        self._read_children()
        found = self._sound_codec()
        if found is None or not 1 <= channels <= _CHANNELS:
            return None
        needed, clean = found
        # The compression id counts in QuickTime's longer descriptions only.
        basics = basics[:6] + bytes(2) if extra else basics[:4] + bytes(4)
        fixed = bytes(6) + b"\0\1" + struct.pack(">H", version if extra else 0) + bytes(6) + basics + rate
        samples, length = self._packet(channels, bits)
        return Entry(
            box=box(self._kind, fixed, extra, needed), clean=clean, packet_samples=samples, packet_bytes=length
        )

    def _packet(self, channels: int, bits: int) -> tuple[int, int]:
        """Of QuickTime's plain and packed sound: samples that lie together, and their bytes."""
        if self._kind == b"ima4":
            return 64, 34 * channels
        if self._kind in _PCM:
            return 1, channels * (_PCM[self._kind] or (bits + 7) // 8)
        return 0, 0

    def _sound_codec(self) -> _Codec | None:
        kind, children = self._kind, self._children
        if kind == b"mp4a" and b"esds" in children:
            return self._mpeg4_sound(children[b"esds"])
        if kind in {b"samr", b"sawb"}:
            kept = children.get(b"damr", b"").ljust(9, b"\0")
            return box(b"damr", bytes(5) + kept[5:9]), None
        if kind in {b"alac", b"Opus", b"fLaC"}:
            return self._named_sound()
        if kind in {b"ac-3", b"ec-3"} and (small := children.get(b"dac3" if kind == b"ac-3" else b"dec3")):
            return (box(b"dac3" if kind == b"ac-3" else b"dec3", small), None) if len(small) <= 32 else None
        if kind in {b"ipcm", b"fpcm"} and len(children.get(b"pcmC", b"")) == 6:
            return box(b"pcmC", children[b"pcmC"]), None
        if kind in _PCM or kind == b"ima4":
            order = children.get(b"enda", b"")  # which byte of a number comes first
            wave = box(b"wave", box(b"frma", kind), box(b"enda", order), _TERMINATOR)
            return wave if len(order) == 2 else b"", None
        return None

    def _mpeg4_sound(self, payload: bytes) -> _Codec | None:
        object_type, head, specific = _elementary(payload)
        clean: FrameCleaner | None = None
        if object_type in _AAC_TYPES:
            specific, raw_blocks = aac.configuration(specific, self._removed)
            clean = aac.Sound(removed=self._removed) if raw_blocks else None
        elif object_type in _MP3_TYPES:
            specific, clean = b"", mpeg4.Mp3(removed=self._removed)
        else:
            return None
        needed = _descriptors(head, specific)
        if self._quicktime_sound and b"wave" in self._children:
            needed = box(b"wave", box(b"frma", b"mp4a"), box(b"mp4a", bytes(4)), needed, _TERMINATOR)
        return needed, clean

    def _named_sound(self) -> _Codec | None:
        kind, children = self._kind, self._children
        if kind == b"alac" and len(children.get(b"alac", b"")) in {28, 52}:
            needed = box(b"alac", bytes(4), children[b"alac"][4:28])
            if self._quicktime_sound and b"wave" in children:
                needed = box(b"wave", box(b"frma", b"alac"), needed, _TERMINATOR)
            return needed, None
        if kind == b"Opus" and len(children.get(b"dOps", b"")) >= 11:
            head = children[b"dOps"]
            length = 11 if not head[10] else 13 + head[1]
            clean = opus.Packets(removed=self._removed, streams=opus.streams(bytes(8) + head))
            return (box(b"dOps", head[:length]), clean) if len(head) >= length and not head[0] else None
        if kind == b"fLaC" and len(children.get(b"dfLa", b"")) >= 42 and children[b"dfLa"][4] & 0x7F == 0:
            if len(children[b"dfLa"]) > 42:
                self._removed.add(Removed.OTHER_METADATA)
            return full_box(b"dfLa", 0, 0, b"\x80\0\0\x22", children[b"dfLa"][8:42]), None
        return None

    def _read_children(self) -> None:
        """The boxes after the fields; those inside ``wave`` count as if they stood next to it."""
        for kind, start, end in self._boxes(self._fields.position, len(self._data)):
            self._children.setdefault(kind, self._data[start:end])
            if kind == b"wave":
                for inner, first, last in self._boxes(start, end):
                    if inner != self._kind or inner == b"alac":
                        self._children.setdefault(inner, self._data[first:last])
        if self._children.keys() & {b"sinf", b"schm"}:
            raise Refused(Refusal.ENCRYPTED)
        if self._children.keys() & {b"uuid", b"udta", b"meta", b"dvcC", b"dvvC", b"lhvC", b"amve"}:
            self._removed.add(Removed.OTHER_METADATA)

    def _boxes(self, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
        try:
            # QuickTime ends the list with four zeros.
            while end - start >= 8 and any(self._data[start : start + 4]):
                kind, first, last = next(boxes(self._data, start, end))
                yield kind, first, last
                start = last
        except (Damaged, StopIteration):
            return


def _elementary(payload: bytes) -> tuple[int, bytes, bytes]:
    """Object type, the 13 bytes of decoder configuration, and the decoder's own header (ISO/IEC 14496-1, 7.2.6)."""
    fields = Fields(payload, 4)
    _tag(fields, 3)
    fields.take(2)
    flags = fields.number(1)
    fields.take(2 if flags & 0x80 else 0)
    fields.take(fields.number(1) if flags & 0x40 else 0)
    fields.take(2 if flags & 0x20 else 0)
    end = _tag(fields, 4)
    head = fields.take(13)
    specific = b""
    if fields.position + 2 <= end and payload[fields.position] == 5:
        length = _tag(fields, 5) - fields.position
        specific = fields.take(length)
    return head[0], head, specific


def _tag(fields: Fields, wanted: int) -> int:
    """Enter a descriptor; answers where it ends."""
    if fields.number(1) != wanted:
        raise Damaged
    size = 0
    for _ in range(4):
        byte = fields.number(1)
        size = size << 7 | byte & 0x7F
        if not byte & 0x80:
            break
    return fields.position + size


def _descriptors(head: bytes, specific: bytes) -> bytes:
    """An ``esds`` box that holds nothing but what the decoder needs."""
    own = _descriptor(5, specific) if specific else b""
    # The low bit of the second byte is reserved and one; the buffer's size says nothing that a player needs.
    configuration = _descriptor(4, head[:1] + bytes((head[1] & 0xFD | 1,)) + head[2:] + own)
    return full_box(b"esds", 0, 0, _descriptor(3, bytes(3) + configuration + _descriptor(6, b"\2")))


def _descriptor(tag: int, payload: bytes) -> bytes:
    size = len(payload)
    return (
        bytes((tag, size >> 21 & 0x7F | 0x80, size >> 14 & 0x7F | 0x80, size >> 7 & 0x7F | 0x80, size & 0x7F)) + payload
    )
