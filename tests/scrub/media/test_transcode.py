"""Recordings and films coded again: the same to hear and to see, and nothing of what their bytes could hide."""

from __future__ import annotations

import io
import math
import random
import struct
from collections.abc import Callable, Mapping
from typing import Any

import av
import pytest

from fieldreport import limits
from fieldreport.scratch import Scratch
from fieldreport.scrub import registry
from fieldreport.scrub.sandbox.service import Scrubber
from fieldreport.scrub.verdicts import Mode, Refusal, Refused, Removed
from tests.scrub.conftest import clean_copy
from tests.scrub.media.films import HEIGHT, MARKER, RATE, WIDTH, film, streams
from tests.scrub.media.test_films_seen_from_outside import TURNED
from tests.scrub.media.test_mp4 import AVC_WORDS, trimmed


@pytest.fixture(scope="module", autouse=True)
def _codecs_are_loaded() -> None:
    registry.load_all(codecs=True)


FILMS: Mapping[str, Callable[[], bytes]] = {
    "mp4": lambda: film(said=AVC_WORDS),
    "mov": lambda: film("mov", picture="mjpeg", sound="pcm_s16le"),
    "3gp": lambda: film("3gp", picture="h263", sound="libopencore_amrnb"),
    "hevc": lambda: film("matroska", picture="libx265", sound="libopus"),
    "webm": lambda: film("webm", picture="libvpx-vp9", sound="libopus"),
    "av1": lambda: film("webm", picture="libsvtav1", sound=None),
    "avi": lambda: film("avi", picture="mpeg4", sound="libmp3lame"),
    "silent": lambda: film(sound=None),
}
RECORDINGS: Mapping[str, Callable[[], bytes]] = {
    "mp3": lambda: film("mp3", picture=None, sound="libmp3lame"),
    "m4a": lambda: film("ipod", picture=None),
    "aac": lambda: film("adts", picture=None),
    "flac": lambda: film("flac", picture=None, sound="flac"),
    "opus": lambda: film("ogg", picture=None, sound="libopus"),
    "wav": lambda: film("wav", picture=None, sound="pcm_s16le"),
    "amr": lambda: film("amr", picture=None, sound="libopencore_amrnb"),
    "webm": lambda: film("webm", picture=None, sound="libopus"),
}


def strongly(data: bytes) -> Any:
    return clean_copy(data, Mode.STRONG)


def brightness(data: bytes) -> list[list[int]]:
    """Of every tenth picture, the brightness of its four quarters."""
    found = []
    with av.open(io.BytesIO(data), "r") as opened:
        for number, frame in enumerate(opened.decode(video=0)):
            if number % 10:
                continue
            plane = frame.reformat(format="gray").planes[0]
            rows = [bytes(plane)[line * plane.line_size :][: plane.width] for line in range(plane.height)]
            half, middle = plane.height // 2, plane.width // 2
            quarters = [
                [row[part] for row in lines]
                for lines in (rows[:half], rows[half:])
                for part in (slice(middle), slice(middle, None))
            ]
            found.append([sum(map(sum, quarter)) // (half * middle) for quarter in quarters])
    return found


def loudness(data: bytes) -> float:
    """The root mean square of all samples, 1 for the loudest there is."""
    total = count = 0.0
    with av.open(io.BytesIO(data), "r") as opened:
        resampler = av.AudioResampler(format="flt", layout="mono", rate=48_000)
        for frame in opened.decode(audio=0):
            frame.pts = None
            for piece in resampler.resample(frame):
                samples = struct.unpack(f"<{piece.samples}f", bytes(piece.planes[0])[: 4 * piece.samples])
                total += sum(sample * sample for sample in samples)
                count += len(samples)
    return math.sqrt(total / count)


@pytest.mark.parametrize("name", FILMS)
def test_a_film_looks_and_sounds_as_before(name: str) -> None:
    original = FILMS[name]()
    copy = strongly(original)
    assert copy.media_type == "video/mp4"
    assert MARKER not in copy.data
    assert Removed.SOFTWARE in copy.removed
    coded = {kind: codec for kind, codec, _ in streams(copy.data)}
    assert coded == {kind: {"video": "h264", "audio": "aac"}[kind] for kind, _, _ in streams(original)}
    for _, _, seconds in streams(copy.data):
        assert abs(seconds - 1) < 0.08
    before, after = brightness(original), brightness(copy.data)
    assert len(before) == len(after)
    for one, other in zip(before, after, strict=True):
        assert all(abs(a - b) <= 6 for a, b in zip(one, other, strict=True)), (one, other)
    if len(streams(original)) == 2:
        assert abs(loudness(copy.data) / loudness(original) - 1) < 0.1


@pytest.mark.parametrize("name", RECORDINGS)
def test_a_recording_sounds_as_before(name: str) -> None:
    original = RECORDINGS[name]()
    copy = strongly(original)
    assert copy.media_type == "audio/opus"
    assert MARKER not in copy.data
    with av.open(io.BytesIO(copy.data), "r") as opened:
        assert opened.duration is not None
        assert abs(opened.duration / av.time_base - 1) < 0.08
    assert abs(loudness(copy.data) / loudness(original) - 1) < 0.1


def test_what_is_hidden_in_coded_sound_is_gone() -> None:
    """Bits between the frames' sound, which cleaning without loss keeps where a decoder might need them."""
    original = bytearray(film("wav", picture=None, sound="pcm_s16le"))
    at = original.index(b"data") + 8
    hidden = bytes(random.Random(3).randrange(2) for _ in range(4000))
    for place, bit in enumerate(hidden):  # in the lowest bit of each sample
        original[at + 2 * place] = original[at + 2 * place] & 0xFE | bit

    def lowest(data: bytes) -> list[int]:
        with av.open(io.BytesIO(data), "r") as opened:
            resampler = av.AudioResampler(format="s16", layout="mono", rate=44_100)
            pieces = [piece for frame in opened.decode(audio=0) for piece in resampler.resample(frame)]
        return [byte & 1 for piece in pieces for byte in bytes(piece.planes[0])[: 2 * piece.samples : 2]][:4000]

    assert lowest(clean_copy(bytes(original)).data) == list(hidden)
    survived = sum(a == b for a, b in zip(lowest(strongly(bytes(original)).data), hidden, strict=True))
    assert abs(survived - 2000) < 200, "no better than chance"


def test_nothing_stays_of_what_was_trimmed_away() -> None:
    copy = strongly(trimmed(film(seconds=4, options=(("g", "50"), ("bf", "0"))), 0.8, 1.0))
    with av.open(io.BytesIO(copy.data), "r", options={"ignore_editlist": "1"}) as opened:
        assert sum(1 for _ in opened.decode(video=0)) == RATE
    assert copy.noted == frozenset()


def test_a_film_that_was_taken_sideways_stands_upright() -> None:
    original = film()
    upright = struct.pack(">9i", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x4000_0000)
    at = original.index(upright, original.index(b"tkhd"))
    sideways = original[:at] + TURNED + original[at + 36 :]
    with av.open(io.BytesIO(sideways), "r") as opened:
        turn = next(iter(opened.decode(video=0))).rotation
    copy = strongly(sideways)
    with av.open(io.BytesIO(copy.data), "r") as opened:
        picture = next(iter(opened.decode(video=0)))
        assert (picture.width, picture.height, picture.rotation) == (HEIGHT, WIDTH, 0)
    # Top left, top right, bottom left, bottom right: where each quarter has gone.
    first, turned = brightness(original)[0], brightness(copy.data)[0]
    order = {90: (1, 3, 0, 2), -90: (2, 0, 3, 1)}[round(turn)]
    assert all(abs(first[quarter] - turned[place]) <= 6 for place, quarter in enumerate(order)), (turn, first, turned)


def test_what_takes_too_long_is_refused_before_it_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "FILM_REENCODE_PIXELS", WIDTH * HEIGHT * (RATE - 1))
    monkeypatch.setattr(limits, "SOUND_REENCODE_SECONDS", 0.5)
    for original in (film(), film("mp3", picture=None, sound="libmp3lame")):
        with pytest.raises(Refused) as caught:
            strongly(original)
        assert caught.value.refusal is Refusal.TOO_LARGE
    monkeypatch.setattr(limits, "PLAYED_BYTES", 100)
    with pytest.raises(Refused) as caught:
        strongly(film("wav", picture=None, sound="pcm_s16le"))
    assert caught.value.refusal is Refusal.TOO_LARGE


@pytest.mark.parametrize("name", ["mp4", "avi", "webm"])
def test_damage_is_refused_or_coded_around(name: str) -> None:
    original, chance = FILMS[name](), random.Random(name)
    for _ in range(12):
        damaged = bytearray(original)
        for _ in range(chance.randrange(1, 20)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        try:
            copy = strongly(bytes(damaged))
        except Refused:
            continue
        # Of a film whose pictures are not called so any more the sound is left.
        assert copy.media_type in {"video/mp4", "audio/opus"}


def test_it_works_behind_the_lock(scrubber: Scrubber, scratch: Callable[[bytes], Scratch]) -> None:
    for made in (*FILMS.values(), *RECORDINGS.values()):
        copy = scrubber.clean(scratch(made()), mode=Mode.STRONG)
        with copy.output:
            assert copy.media_type in {"video/mp4", "audio/opus"}
            assert MARKER not in copy.output.read()
