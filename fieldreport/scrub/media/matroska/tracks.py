"""The header of a Matroska film: its time scale, its tracks, and what each needs to be decoded and shown.

Rules: tracks of picture and sound stay, with new numbers; of their descriptions only the numbers that these tables
name, each in one form. Names, languages, titles, ids, programs and times are not among them. Source: RFC 9559, section
5.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from fieldreport import limits
from fieldreport.scrub.format import check_image
from fieldreport.scrub.media.bitstreams import FrameCleaner
from fieldreport.scrub.media.matroska import codecs
from fieldreport.scrub.media.matroska.elements import (
    CRC_32,
    TRACKS,
    VOID,
    children,
    element,
    real,
    real_element,
    unsigned,
    unsigned_element,
)
from fieldreport.scrub.verdicts import Bomb, Damaged, Refusal, Refused, Removed

_ENTRY: Final = 0xAE
_NUMBER, _UID, _TYPE, _ENCODINGS = 0xD7, 0x73C5, 0x83, 0x6D80
CODEC, PRIVATE, FRAME_TIME, VIDEO, AUDIO = 0x86, 0x63A2, 0x23E383, 0xE0, 0xE1
WIDTH, HEIGHT, SOUND_RATE, CHANNELS, SOUND_BITS = 0xB0, 0xBA, 0xB5, 0x9F, 0x6264
_LANGUAGE: Final = 0x22B59C
_COLOUR, _MASTERING, _PROJECTION = 0x55B0, 0x55D0, 0x7670
PICTURE, SOUND, _SUBTITLE = 1, 2, 0x11

_TRACK_NUMBERS: Final = (0xB9, 0x88, FRAME_TIME, 0x56AA, 0x56BB)  # enabled, default, duration, delay, pre-roll
_VIDEO_NUMBERS: Final = (0x9A, 0x9D, WIDTH, HEIGHT, 0x54AA, 0x54BB, 0x54CC, 0x54DD, 0x54B0, 0x54BA, 0x54B2)
_COLOUR_NUMBERS: Final = tuple(range(0x55B1, 0x55BE))
_MASTERING_REALS: Final = tuple(range(0x55D1, 0x55DB))
_PROJECTION_REALS: Final = (0x7673, 0x7674, 0x7675)
_AUDIO_REALS: Final = (SOUND_RATE, 0x78B5)
_AUDIO_NUMBERS: Final = (CHANNELS, SOUND_BITS)
_CATEGORIES: Final[Mapping[int, Removed]] = {
    0x536E: Removed.DESCRIPTION,
    0x258688: Removed.SOFTWARE,
    0x41E4: Removed.OTHER_METADATA,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """One track that stays: its new number, its description, and what to do with its frames."""

    number: int
    kind: int
    written: bytes
    clean: FrameCleaner | None
    stripped: bytes = b""  # what every frame begins with and the file leaves out
    frame_time: int = 0  # of one frame, in nanoseconds, or 0


def read(untrusted: bytes, removed: set[Removed]) -> dict[int, Track]:
    """Tracks by their numbers in the file, from the content of the ``Tracks`` element."""
    found: dict[int, Track] = {}
    unknown: set[int] = set()
    for index, (kind, entry) in enumerate(children(untrusted)):
        if index >= limits.FILM_STREAMS:
            raise Bomb
        if kind != _ENTRY:
            continue
        fields = dict(reversed(list(children(entry))))
        track_kind = unsigned(fields.get(_TYPE, b""))
        if track_kind not in {PICTURE, SOUND}:
            removed.add(Removed.DESCRIPTION if track_kind == _SUBTITLE else Removed.HIDDEN_CONTENT)
            continue
        removed.update(_CATEGORIES[name] for name in fields if name in _CATEGORIES)
        number = unsigned(fields.get(_NUMBER, b""))
        if not number or number in found:
            raise Damaged
        track = make(fields, track_kind, len(found) + 1, removed)
        if track is None:
            unknown.add(track_kind)
            removed.add(Removed.HIDDEN_CONTENT)
        else:
            found[number] = track
    if not found or unknown - {track.kind for track in found.values()}:
        raise Refused(Refusal.UNSUPPORTED)
    return found


def make(fields: Mapping[int, bytes], kind: int, number: int, removed: set[Removed]) -> Track | None:
    """A track from the elements that describe it, or None for a codec that is not allowed."""
    name = fields.get(CODEC, b"").rstrip(b"\0")
    codec = codecs.codec(name, fields.get(PRIVATE, b""), removed)
    if codec is None:
        return None
    private, clean = codec
    shape = _video(fields.get(VIDEO, b"")) if kind == PICTURE else _audio(fields.get(AUDIO, b""))
    written = element(
        _ENTRY,
        unsigned_element(_NUMBER, number),
        unsigned_element(_UID, number),
        unsigned_element(_TYPE, kind),
        *_numbers(fields, _TRACK_NUMBERS),
        element(_LANGUAGE, b"und"),
        element(CODEC, name),
        element(PRIVATE, private) if private else b"",
        shape,
    )
    return Track(
        number=number,
        kind=kind,
        written=written,
        clean=clean,
        stripped=_stripped(fields.get(_ENCODINGS, b"")),
        frame_time=unsigned(fields.get(FRAME_TIME, b"")),
    )


def _numbers(fields: Mapping[int, bytes], names: tuple[int, ...]) -> list[bytes]:
    return [unsigned_element(name, unsigned(fields[name])) for name in names if name in fields]


def _reals(fields: Mapping[int, bytes], names: tuple[int, ...]) -> list[bytes]:
    return [real_element(name, real(fields[name])) for name in names if name in fields]


def _video(untrusted: bytes) -> bytes:
    fields = dict(children(untrusted))
    check_image(unsigned(fields.get(WIDTH, b"")), unsigned(fields.get(HEIGHT, b"")))
    parts = _numbers(fields, _VIDEO_NUMBERS)
    if _COLOUR in fields:
        colour = dict(children(fields[_COLOUR]))
        inner = _numbers(colour, _COLOUR_NUMBERS)
        if _MASTERING in colour:
            inner.append(element(_MASTERING, *_reals(dict(children(colour[_MASTERING])), _MASTERING_REALS)))
        parts.append(element(_COLOUR, *inner))
    if _PROJECTION in fields:  # how the picture is turned
        projection = dict(children(fields[_PROJECTION]))
        parts.append(element(_PROJECTION, *_numbers(projection, (0x7671,)), *_reals(projection, _PROJECTION_REALS)))
    return element(VIDEO, *parts)


def _audio(untrusted: bytes) -> bytes:
    fields = dict(children(untrusted))
    return element(AUDIO, *_reals(fields, _AUDIO_REALS), *_numbers(fields, _AUDIO_NUMBERS))


def _stripped(untrusted: bytes) -> bytes:
    """The common beginning of all frames, where the file leaves it out; other encodings are refused."""
    if not untrusted:
        return b""
    encodings = [dict(children(body)) for kind, body in children(untrusted) if kind == 0x6240]
    if len(encodings) != 1 or 0x5035 in encodings[0]:
        raise Refused(Refusal.ENCRYPTED if any(0x5035 in each for each in encodings) else Refusal.UNSUPPORTED)
    compression = dict(children(encodings[0].get(0x5034, b"")))
    settings = compression.get(0x4255, b"")
    if (
        unsigned(compression.get(0x4254, b"")) != 3
        or unsigned(encodings[0].get(0x5032, b"\1")) != 1
        or len(settings) > 64
    ):
        raise Refused(Refusal.UNSUPPORTED)
    return settings


def write(tracks: Collection[Track]) -> bytes:
    """The whole ``Tracks`` element."""
    return element(TRACKS, *(track.written for track in tracks))


def is_filler(kind: int) -> bool:
    """Whether an element only fills or checks."""
    return kind in {VOID, CRC_32}
