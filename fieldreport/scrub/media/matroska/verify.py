"""Reads a clean Matroska film again, with a reader that shares no code with what wrote it.

Rules: the file is consumed from the first byte to the last by a table of what may stand where; an element that is not
in it is residue, and so is a word in one that has room for words.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final

from fieldreport import limits
from fieldreport.scrub.format import Source
from fieldreport.scrub.media.bitstreams import verify as frames
from fieldreport.scrub.verdicts import Residue

Check = Callable[[memoryview], int]

_HEAD: Final = {
    "video/webm": b"webm",
    "audio/webm": b"webm",
    "video/x-matroska": b"matroska",
    "audio/x-matroska": b"matroska",
}
_NUMBER, _REAL = "number", "real"
_INFO: Final[dict[bytes, object]] = {
    b"\x2a\xd7\xb1": _NUMBER,
    b"\x4d\x80": b"-",
    b"\x57\x41": b"-",
    b"\x44\x89": _REAL,
}
_SEEK: Final[dict[bytes, object]] = {b"\x4d\xbb": {b"\x53\xab": "id", b"\x53\xac": _NUMBER}}
_CUES: Final[dict[bytes, object]] = {b"\xbb": {b"\xb3": _NUMBER, b"\xb7": {b"\xf7": _NUMBER, b"\xf1": _NUMBER}}}
_MASTERING: Final = {bytes((0x55, low)): _REAL for low in range(0xD1, 0xDB)}
_COLOUR: Final = {bytes((0x55, low)): _NUMBER for low in range(0xB1, 0xBE)} | {b"\x55\xd0": _MASTERING}
_TURNED: Final = {b"\x76\x71": _NUMBER, b"\x76\x73": _REAL, b"\x76\x74": _REAL, b"\x76\x75": _REAL}
_PICTURE_NUMBERS: Final = "9a 9d b0 ba 54aa 54bb 54cc 54dd 54b0 54ba 54b2"
_TRACK: Final[dict[bytes, object]] = {
    **{bytes.fromhex(name): _NUMBER for name in ["d7", "73c5", "83", "b9", "88", "23e383", "56aa", "56bb"]},
    b"\x22\xb5\x9c": b"und",
    b"\x86": "codec",
    b"\x63\xa2": "private",
    b"\xe0": {
        **{bytes.fromhex(name): _NUMBER for name in _PICTURE_NUMBERS.split()},
        b"\x55\xb0": _COLOUR,
        b"\x76\x70": _TURNED,
    },
    b"\xe1": {b"\xb5": _REAL, b"\x78\xb5": _REAL, b"\x9f": _NUMBER, b"\x62\x64": _NUMBER},
}
_HEADER: Final[dict[bytes, object]] = {
    b"\x11\x4d\x9b\x74": _SEEK,
    b"\x15\x49\xa9\x66": _INFO,
    b"\x16\x54\xae\x6b": {b"\xae": _TRACK},
    b"\x1c\x53\xbb\x6b": _CUES,
}
_CLUSTER: Final = b"\x1f\x43\xb6\x75"
_GROUP: Final = b"\xa0"
_SILENT_SOUNDS: Final = (b"A_AC3", b"A_EAC3", b"A_PCM/INT/LIT", b"A_PCM/INT/BIG", b"A_PCM/FLOAT/IEEE")
# Of pictures and sounds that are described as Windows does: names of codecs, and the bytes after the common fields.
_PICTURES: Final[dict[str, Check | None]] = {
    **dict.fromkeys(("H264", "h264", "X264", "x264", "avc1", "AVC1"), frames.stream),
    **dict.fromkeys(("XVID", "xvid", "DIVX", "divx", "DX50", "FMP4", "MP4V", "mp4v", "M4S2"), frames.visual),
    **dict.fromkeys(("H263", "DIV3", "MP42", "MP43", "I420", "YUY2", "UYVY", "\0\0\0\0")),
}
_SOUND_BYTES: Final = {1: 0, 2: 32, 3: 0, 6: 0, 7: 0, 0x11: 2, 0xFFFE: 22}
_PCM: Final = bytes.fromhex("000000001000800000aa00389b71")
_PIECE_BYTES: Final = limits.MIB


def verify(source: Source, media_type: str) -> int:
    """Raise ``Residue`` for anything the tables do not name; answers how many frames are seen or heard."""
    head = b"".join(
        (
            b"\x1a\x45\xdf\xa3",
            bytes((0x80 | (27 + len(_HEAD[media_type])),)),
            b"\x42\x86\x81\1\x42\xf7\x81\1\x42\xf2\x81\4\x42\xf3\x81\x08\x42\x82",
            bytes((0x80 | len(_HEAD[media_type]),)) + _HEAD[media_type],
            b"\x42\x87\x81\4\x42\x85\x81\2",
            b"\x18\x53\x80\x67\1",
        )
    )
    start = len(head) + 7
    length = int.from_bytes(source.read_at(len(head), 7), "big")
    if source.read_at(0, len(head)) != head or start + length != source.size:
        raise Residue
    reader = _Reader(source)
    seen = []
    checks: dict[int, Check | None] = {}
    shown = Counter[int]()  # by track
    for kind, first, last in reader.elements(start, source.size):
        if kind == _CLUSTER:
            _cluster(reader, first, last, checks, shown)
            continue
        seen.append(kind)
        if kind not in _HEADER or last - first > limits.FILM_HEAD_BYTES:
            raise Residue
        content = reader.take(first, last - first)
        _table(content, _HEADER[kind])
        if kind == b"\x16\x54\xae\x6b":
            checks = _tracks(content)
    if seen != list(_HEADER) or not shown or not all(shown.values()):
        raise Residue
    return shown.total()


class _Reader:
    """Elements wherever they lie, a piece of the file at a time."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._at, self._piece = 0, b""

    def take(self, position: int, length: int) -> bytes:
        if position < self._at or position + length > self._at + len(self._piece):
            self._at = position
            self._piece = self._source.read_at(position, max(length, _PIECE_BYTES))
        offset = position - self._at
        found = self._piece[offset : offset + length]
        if len(found) != length:
            raise Residue
        return found

    def elements(self, position: int, end: int) -> Iterator[tuple[bytes, int, int]]:
        while position < end:
            head = self.take(position, min(12, end - position))
            kind, start, length = _element(head)
            if position + start + length > end:
                raise Residue
            yield kind, position + start, position + start + length
            position += start + length


def _element(data: bytes) -> tuple[bytes, int, int]:
    """Id, where the content begins, and its length."""
    for id_length in (1, 2, 3, 4):
        if data[:1] and data[0] >> (8 - id_length) == 1:
            break
    else:
        raise Residue
    rest = data[id_length : id_length + 8]
    for width in range(1, 9):
        if rest[:1] and rest[0] >> (8 - width) == 1 and len(rest) >= width:
            length = int.from_bytes(rest[:width], "big") - (1 << 7 * width)
            return data[:id_length], id_length + width, length
    raise Residue


def _inside(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    while content:
        kind, start, length = _element(content[:12])
        if start + length > len(content):
            raise Residue
        yield kind, content[start : start + length]
        content = content[start + length :]


def _table(content: bytes, rules: object) -> None:
    if isinstance(rules, dict):
        for kind, inner in _inside(content):
            if kind not in rules:
                raise Residue
            _table(inner, rules[kind])
        return
    match rules:
        case bytes():
            fits = content == rules
        case "number":
            fits = 1 <= len(content) <= 8
        case "real":
            fits = len(content) == 8
        case "id":
            fits = content in _HEADER
        case "codec":
            fits = len(content) <= 20
        case _:
            fits = True  # read with its codec
    if not fits:
        raise Residue


# --- tracks ---


def _tracks(content: bytes) -> dict[int, Check | None]:
    checks: dict[int, Check | None] = {}
    for number, (_, entry) in enumerate(_inside(content), start=1):
        fields = dict(_inside(entry))
        if fields[b"\xd7"] != bytes((number,)) or fields[b"\x73\xc5"] != bytes((number,)) or b"\x86" not in fields:
            raise Residue
        checks[number] = _codec(fields[b"\x86"], fields.get(b"\x63\xa2", b""))
    return checks


def _codec(name: bytes, private: bytes) -> Check | None:
    """What checks a frame, from a description that holds nothing but what its codec needs."""
    return _picture_codec(name, private) if name.startswith(b"V_") else _sound_codec(name, private)


def _picture_codec(name: bytes, private: bytes) -> Check | None:
    match name:
        case b"V_MPEG4/ISO/AVC":
            return functools.partial(frames.units, width=frames.avc_width(private), hevc=False)
        case b"V_MPEGH/ISO/HEVC":
            return functools.partial(frames.units, width=frames.hevc_width(private), hevc=True)
        case b"V_AV1" if frames.obus(memoryview(private[4:])):
            return frames.obus
        case b"V_MPEG4/ISO/SP" | b"V_MPEG4/ISO/ASP" | b"V_MPEG4/ISO/AP" if frames.visual(memoryview(private)):
            return frames.visual
        case b"V_MS/VFW/FOURCC":
            return _windows_picture(private)
        case b"V_THEORA":
            if b"\x81theora" + bytes(8) + b"\x82theora" in private and private[:2] == b"\2\x2a":
                return None
        case b"V_MJPEG" if not private:
            return frames.jpeg
        case b"V_VP8" | b"V_VP9" if not private:
            return None
    raise Residue


def _sound_codec(name: bytes, private: bytes) -> Check | None:
    match name:
        case b"A_AAC":
            if not 2 <= len(private) <= 64:
                raise Residue
            return frames.aac if private[0] >> 3 in {1, 2, 3, 4, 5, 29} else None
        case b"A_MPEG/L3" | b"A_MPEG/L2" if not private:
            return frames.mp3
        case b"A_MS/ACM":
            fits = _is_windows_sound(private)
        case b"A_OPUS":
            if private[:8] != b"OpusHead" or len(private) != (21 + private[9] if private[18] else 19):
                raise Residue
            return functools.partial(frames.opus, streams=private[19] if private[18] else 1)
        case b"A_FLAC":
            fits = len(private) == 42 and private[:8] == b"fLaC\x80\0\0\x22"
        case b"A_ALAC":
            fits = len(private) == 24
        case b"A_VORBIS":
            fits = b"\3vorbis" + bytes(8) + b"\1\5vorbis" in private and private[:2] == b"\2\x1e"
        case _:
            fits = not private and name in _SILENT_SOUNDS
    if not fits:
        raise Residue
    return None


def _windows_picture(form: bytes) -> Check | None:
    """A BITMAPINFOHEADER."""
    name, extra = form[16:20].decode("latin-1"), form[40:]
    if len(form) < 40 or int.from_bytes(form[:4], "little") != len(form) or any(form[24:40]) or name not in _PICTURES:
        raise Residue
    check = _PICTURES[name]
    if extra and (check is None or not check(memoryview(extra))):
        raise Residue
    return check


def _is_windows_sound(form: bytes) -> bool:
    """A WAVEFORMATEX."""
    tag, extra = int.from_bytes(form[:2], "little"), form[18:]
    known = tag in _SOUND_BYTES and len(extra) <= _SOUND_BYTES[tag] and (tag != 0xFFFE or extra[8:] == _PCM)
    return known and form[16:18] == len(extra).to_bytes(2, "little")


# --- clusters ---


def _cluster(reader: _Reader, start: int, end: int, checks: dict[int, Check | None], shown: Counter[int]) -> None:
    times = 0
    for kind, first, last in reader.elements(start, end):
        if last - first > limits.FILM_FRAME_BYTES:
            raise Residue
        content = reader.take(first, last - first)
        match kind:
            case b"\xe7":
                times += 1
                _table(content, _NUMBER)
            case b"\xa3":
                _block(content, checks, 0x8B, shown)
            case b"\xa0":
                for inner, part in _inside(content):
                    if inner == b"\xa1":
                        _block(part, checks, 0x0E, shown)
                    elif inner not in {b"\x9b", b"\xfb", b"\x75\xa2"} or not 1 <= len(part) <= 9:
                        raise Residue
            case _:
                raise Residue
    if times != 1:
        raise Residue


def _block(content: bytes, checks: dict[int, Check | None], flags: int, shown: Counter[int]) -> None:
    number = content[0] - 0x80 if content else 0
    if number not in checks or len(content) < 4 or content[3] & ~flags or content[3] & 0x04:
        raise Residue
    check = checks[number]
    view = memoryview(content)[4:]
    for frame in _laced(view) if content[3] & 0x02 else (view,):
        found = True if check is None else check(frame)
        if not found:
            raise Residue
        shown[number] += found != frames.SILENT


def _laced(view: memoryview) -> Iterator[memoryview]:
    """The frames of a block that holds several."""
    sizes = []
    position = 1
    for _ in range(view[0]):
        size = 0
        while view[position] == 0xFF:
            size += 0xFF
            position += 1
        sizes.append(size + view[position])
        position += 1
    sizes.append(len(view) - position - sum(sizes))
    for size in sizes:
        if size < 0:
            raise Residue
        yield view[position : position + size]
        position += size
