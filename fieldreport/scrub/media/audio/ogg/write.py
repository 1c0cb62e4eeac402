"""Copies the pages of one stream of an Ogg, with headers of our own."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate, compress
from typing import Final

from fastcrc import crc32

from fieldreport import limits
from fieldreport.scrub.format import Cleaning, Sink, Source
from fieldreport.scrub.media.audio import tags
from fieldreport.scrub.media.bitstreams import opus
from fieldreport.scrub.verdicts import Bomb, Damaged, Refusal, Refused, Removed

_HEAD: Final = struct.Struct("<4sBBqIIIB")
_CONTINUED, _FIRST, _LAST = 1, 2, 4
_SERIAL: Final = 1
_NO_COMMENTS: Final = bytes(8)  # an empty vendor and no comments
_SPEEX_HEAD_BYTES: Final = 80
_ENDS: Final = bytes(size != 255 for size in range(256))  # whether a packet ends with a piece of this size


@dataclass(frozen=True, slots=True)
class _Page:
    flags: int
    granule: int
    serial: int
    lacing: bytes
    body: bytes


@dataclass(slots=True)
class _Stream:
    """The stream that is kept: its kind and the header packets collected so far."""

    serial: int
    kind: str
    headers: int  # how many packets come before the sound
    packets: list[bytes] = field(default_factory=list)
    pending: bytearray = field(default_factory=bytearray)
    goes_on: bool = False  # the last packet of sound so far, on the next page

    def check(self, page: _Page) -> bool:
        """Every packet of a page after the headers sounds: another header would be passed over.

        So would what is said to go on with a packet that has ended, or the beginning of one that does not go on.
        Answers whether a packet of Opus among them may be padded.
        """
        if bool(page.flags & _CONTINUED) != self.goes_on:
            raise Damaged
        before = (b"\xff" if self.goes_on else b"\0") + page.lacing
        self.goes_on = before[-1] == 255
        starts = list(compress(accumulate(page.lacing, initial=0), before.translate(_ENDS)))
        # One that is empty begins where the next one does, or with what every packet may begin with.
        body = page.body + (b"\xff" if self.kind == "flac" else bytes(2))
        firsts = {body[at] for at in starts}
        match self.kind:
            case "opus":
                return self._may_be_padded(body, starts, firsts)
            case "vorbis" if any(first & 1 for first in firsts):  # Vorbis I, 4.2.1 and 4.3.1
                raise Damaged
            case "flac" if not firsts <= {0xFF}:  # RFC 9639, 10.1
                raise Damaged
            case _:
                return False

    def _may_be_padded(self, body: bytes, starts: list[int], firsts: set[int]) -> bool:
        """By the first two bytes of each packet (RFC 6716, 3.2.5; RFC 7845, 3)."""
        if opus.streams(self.packets[0]) == 1:
            if not any(first & 3 == 3 for first in firsts):
                return False
            if not any(body[at] & 3 == 3 and body[at + 1] & 0x40 for at in starts):
                return False  # nor is one of them a header: the second letter of "OpusHead" has that bit
        if any(body[at : at + 8] in {b"OpusHead", b"OpusTags"} for at in starts):
            raise Damaged
        return True


def clean(untrusted_source: Source, sink: Sink, cleaning: Cleaning) -> str:
    """One stream: its headers rebuilt, its pages of sound with the bodies they had."""
    stream: _Stream | None = None
    writer, sounds = _Writer(sink), False
    for page in _pages(untrusted_source, cleaning.removed):
        if page.flags & _FIRST:
            if stream is not None and writer.number:
                raise Refused(Refusal.UNSUPPORTED)  # a chain
            candidate = _stream_of(page)
            if candidate is None or stream is not None:
                cleaning.removed.add(Removed.HIDDEN_CONTENT)
                continue
            stream = candidate
        if stream is None or page.serial != stream.serial:
            continue
        if len(stream.packets) < stream.headers:
            _collect(stream, page)
            if len(stream.packets) == stream.headers:
                writer.headers(_rebuilt(stream, cleaning.removed))
        else:
            is_padded = stream.check(page)
            body = _unpadded(page, stream.packets[0], cleaning.removed) if is_padded else page.body
            writer.page(page.flags & (_CONTINUED | _LAST), page.granule, page.lacing, body)
            sounds = True
    if stream is None:
        raise Refused(Refusal.UNSUPPORTED)
    if not sounds:
        raise Damaged
    return "audio/opus" if stream.kind == "opus" else "audio/ogg"


def _pages(source: Source, removed: set[Removed]) -> Iterator[_Page]:
    position = 0
    while position < source.size:
        head = source.read_at(position, _HEAD.size + 255)
        if len(head) < _HEAD.size or head[:4] != b"OggS" or head[4]:
            skipped = _next_page(source, position)
            removed.add(Removed.TRAILING_DATA)
            if skipped is None:
                return
            position = skipped
            continue
        _, _, flags, granule, serial, _, _, segments = _HEAD.unpack_from(head)
        lacing = head[_HEAD.size : _HEAD.size + segments]
        start = position + _HEAD.size + segments
        length = sum(lacing)
        body = source.read_at(start, length)
        if len(lacing) < segments or len(body) < length:
            removed.add(Removed.INCOMPLETE)
            return
        yield _Page(flags, granule, serial, lacing, body)
        position = start + length


def _next_page(source: Source, position: int) -> int | None:
    while piece := source.read_at(position + 1, limits.SCRUB_COPY_BYTES):
        found = piece.find(b"OggS\0")
        if found >= 0:
            return position + 1 + found
        position += max(1, len(piece) - 4)
    return None


def _stream_of(page: _Page) -> _Stream | None:
    body = page.body
    if body.startswith(b"OpusHead") and len(body) >= 19 and body[8] & 0xF0 == 0:
        return _Stream(page.serial, "opus", 2)
    if body.startswith(b"\x01vorbis") and len(body) == 30:
        return _Stream(page.serial, "vorbis", 3)
    if body.startswith(b"Speex   ") and len(body) == _SPEEX_HEAD_BYTES:
        return _Stream(page.serial, "speex", 2 + int.from_bytes(body[68:72], "little"))
    if body.startswith(b"\x7fFLAC\x01") and len(body) == 51 and body[9:13] == b"fLaC":
        return _Stream(page.serial, "flac", 1 + (int.from_bytes(body[7:9], "big") or 1))
    return None


def _collect(stream: _Stream, page: _Page) -> None:
    """Take the packets of a header page; sound must begin on a page of its own."""
    position = 0
    for size in page.lacing:
        if len(stream.packets) == stream.headers:
            raise Damaged
        stream.pending += page.body[position : position + size]
        position += size
        if len(stream.pending) > limits.SOUND_TAG_BYTES or stream.headers > limits.SOUND_CHUNKS:
            raise Bomb
        if size < 255:
            stream.packets.append(bytes(stream.pending))
            stream.pending.clear()


def _unpadded(page: _Page, head: bytes, removed: set[Removed]) -> bytes:
    """The packets of Opus on a page without words in what pads them. Encoders pad none that goes on on another page."""
    clean = opus.Packets(removed=removed, streams=opus.streams(head))
    kept, position, start = bytearray(), 0, 0
    is_part = bool(page.flags & _CONTINUED)
    for index, size in enumerate(page.lacing):
        position += size
        if size == 255 and index + 1 < len(page.lacing):
            continue
        packet = page.body[start:position]
        if not is_part and size == 255 and packet[0] & 3 == 3 and packet[1] & 0x40:
            raise Damaged
        may_pad = clean.streams > 1 or (packet != b"" and packet[0] & 3 == 3)
        kept += clean(packet) if may_pad and not is_part and size < 255 else packet
        start, is_part = position, False
    return bytes(kept)


def _rebuilt(stream: _Stream, removed: set[Removed]) -> list[bytes]:
    first, comments = stream.packets[0], stream.packets[1]
    match stream.kind:
        case "opus":
            if not comments.startswith(b"OpusTags"):
                raise Damaged
            removed |= tags.in_comments(comments[8:])
            length = 19 if first[18] == 0 else 21 + first[9]
            if len(first) < length:
                raise Damaged
            return [first[:length], b"OpusTags" + _NO_COMMENTS]
        case "vorbis":
            if not comments.startswith(b"\x03vorbis") or not stream.packets[2].startswith(b"\x05vorbis"):
                raise Damaged
            removed |= tags.in_comments(comments[7:])
            return [first, b"\x03vorbis" + _NO_COMMENTS + b"\x01", stream.packets[2]]
        case "speex":
            removed |= tags.in_comments(comments)
            # The name of the version is a program's; the number after it is the bitstream's.
            return [first[:8] + bytes(20) + first[28:68] + bytes(4) + first[72:], _NO_COMMENTS]
        case _:
            for block in stream.packets[1:]:
                removed |= tags.in_comments(block[4:]) if block[:1] and block[0] & 0x7F == 4 else _other(block)
            return [first[:7] + b"\0\1" + first[9:], b"\x84" + len(_NO_COMMENTS).to_bytes(3, "big") + _NO_COMMENTS]


def _other(block: bytes) -> frozenset[Removed]:
    picture = block[:1] and block[0] & 0x7F == 6
    return frozenset({Removed.THUMBNAIL if picture else Removed.OTHER_METADATA})


class _Writer:
    """Writes pages with numbers and checksums of their own."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.number = 0

    def headers(self, packets: list[bytes]) -> None:
        """The first packet on a page of its own, the others on the pages after it."""
        self.page(_FIRST, 0, *_laced([packets[0]]))
        lacing, body = _laced(packets[1:])
        continued = 0
        while lacing:
            piece, lacing = lacing[:255], lacing[255:]
            length = sum(piece)
            # No packet ends on a page whose last piece is full: its time is unknown (RFC 3533, section 6).
            self.page(continued, -1 if all(size == 255 for size in piece) else 0, piece, body[:length])
            body, continued = body[length:], _CONTINUED if piece[-1] == 255 else 0

    def page(self, flags: int, granule: int, lacing: bytes, body: bytes) -> None:
        """One page."""
        head = _HEAD.pack(b"OggS", 0, flags, granule, _SERIAL, self.number, 0, len(lacing))
        whole = bytearray(head + lacing + body)
        whole[22:26] = (crc32.cksum(whole) ^ 0xFFFF_FFFF).to_bytes(4, "little")  # Ogg's is not inverted
        self._sink.write(whole)
        self.number += 1


def _laced(packets: list[bytes]) -> tuple[bytes, bytes]:
    lacing = b"".join(b"\xff" * (len(packet) // 255) + bytes((len(packet) % 255,)) for packet in packets)
    return lacing, b"".join(packets)
