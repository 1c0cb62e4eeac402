"""Recordings of sound of every format: what is heard stays, sample by sample; what is said about it goes."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping

import pytest
from typing_extensions import override

from fieldreport.scrub import Mode, Refusal, Removed, pipeline, registry
from fieldreport.scrub.format import Sink, Source
from fieldreport.scrub.pipeline import new_cleaning
from fieldreport.scrub.verdicts import Elsewhere, Refused, Residue
from tests.scrub.conftest import Clean, RefusalOf
from tests.scrub.media.audio.recordings import MARKER, decode, encode, id3, tags_of

APE = b"APETAGEX\xd0\x07\0\0" + bytes(20) + MARKER + b"APETAGEX\xd0\x07\0\0" + bytes(20)
ID3V1 = b"TAG" + MARKER.ljust(125, b"\0")

MADE: Mapping[str, tuple[str, Callable[[], bytes]]] = {
    "mp3": ("audio/mpeg", lambda: encode("mp3", "libmp3lame")),
    "mp3-variable": ("audio/mpeg", lambda: encode("mp3", "libmp3lame", options=(("q", "4"),))),
    "mp3-mono-low": ("audio/mpeg", lambda: encode("mp3", "libmp3lame", rate=22_050, layout="mono")),
    "aac": ("audio/aac", lambda: encode("adts", "aac", tagged=False)),
    "flac": ("audio/flac", lambda: encode("flac", "flac")),
    "opus": ("audio/opus", lambda: encode("ogg", "libopus", rate=48_000, seconds=4)),
    "wav": ("audio/wav", lambda: encode("wav", "pcm_s16le")),
    "wav-float": ("audio/wav", lambda: encode("wav", "pcm_f32le")),
    "wav-adpcm": ("audio/wav", lambda: encode("wav", "adpcm_ms")),
    "wav-24": ("audio/wav", lambda: encode("wav", "pcm_s24le")),
    "amr": ("audio/amr", lambda: encode("amr", "libopencore_amrnb", rate=8_000, layout="mono", tagged=False)),
}
TAGGED = [name for name in MADE if name not in {"amr", "aac"}]


@pytest.mark.parametrize("name", MADE)
def test_every_sample_is_played_as_before(clean: Clean, name: str) -> None:
    media_type, make = MADE[name]
    copy = clean(make())
    assert copy.media_type == media_type
    assert decode(copy.data) == decode(make())
    assert len(decode(copy.data)) > 10_000


@pytest.mark.parametrize("name", TAGGED)
def test_what_the_file_says_about_itself_goes(clean: Clean, name: str) -> None:
    original = MADE[name][1]()
    assert MARKER in original
    copy = clean(original)
    assert MARKER not in copy.data
    assert b"Lavf" not in copy.data
    assert b"Lavc" not in copy.data
    assert set(tags_of(copy.data)) <= {"encoder"}  # the one that every MP3 names
    assert {Removed.AUTHOR, Removed.DESCRIPTION} <= copy.removed


@pytest.mark.parametrize("name", MADE)
def test_scrubbing_twice_is_scrubbing_once(clean: Clean, name: str) -> None:
    once = clean(MADE[name][1]())
    twice = clean(once.data)
    assert twice.data == once.data
    assert twice.removed == frozenset()


@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize("appended", [ID3V1, APE, APE + ID3V1, MARKER * 40], ids=["id3v1", "ape", "both", "anything"])
def test_what_follows_the_sound_is_cut(clean: Clean, name: str, appended: bytes) -> None:
    original = MADE[name][1]()
    copy = clean(original + appended)
    assert MARKER not in copy.data
    assert b"APETAGEX" not in copy.data
    if name != "flac" or not appended.startswith(MARKER):
        assert copy.data == clean(original).data
    assert copy.removed & {Removed.TRAILING_DATA, Removed.INCOMPLETE} or name.startswith("wav")


@pytest.mark.parametrize("name", ["mp3", "aac", "flac"])
def test_a_tag_in_front_goes_and_its_frames_are_named(clean: Clean, name: str) -> None:
    tag = id3((b"TPE1", b"\0" + MARKER), (b"TDRC", b"\x002026"), (b"APIC", MARKER * 2000), (b"WOAR", MARKER))
    copy = clean(tag + MADE[name][1]())
    assert copy.data == clean(MADE[name][1]()).data
    assert {Removed.AUTHOR, Removed.TIME, Removed.THUMBNAIL, Removed.LINKS} <= copy.removed


@pytest.mark.parametrize("name", MADE)
def test_a_recording_cut_off_in_the_middle_ends_there(clean: Clean, name: str) -> None:
    original = MADE[name][1]()
    copy = clean(original[: len(original) // 2 + 3])
    assert 0 < len(decode(copy.data)) <= len(decode(original))


@pytest.mark.parametrize("name", MADE)
def test_a_header_without_sound_is_damaged(refusal_of: RefusalOf, name: str) -> None:
    assert refusal_of(MADE[name][1]()[: 8 if name == "amr" else 40]) in {Refusal.DAMAGED, Refusal.UNSUPPORTED}


@pytest.mark.parametrize("name", MADE)
def test_verify_refuses_anything_in_front_behind_or_missing(clean: Clean, name: str) -> None:
    copy = clean(MADE[name][1]())
    registry.verify(Source.of(copy.data), copy.media_type)
    for other in (MARKER + copy.data, copy.data + MARKER, copy.data + ID3V1, copy.data[:-1], MADE[name][1]() + APE):
        with pytest.raises(Residue):
            registry.verify(Source.of(other), copy.media_type)


@pytest.mark.parametrize("name", MADE)
def test_a_mutated_file_is_refused_or_comes_out_clean(name: str) -> None:
    original, chance = MADE[name][1]()[:30_000], random.Random(name)
    for _ in range(40):
        mutated = bytearray(original)
        for _ in range(chance.randrange(1, 6)):
            place = chance.randrange(len(mutated) if chance.random() < 0.5 else 200)
            mutated[place] = chance.randrange(256)
        try:
            pipeline.clean(Source.of(bytes(mutated)), Sink(), new_cleaning(Mode.LOSSLESS))
        except Residue:
            raise
        except (Refused, Elsewhere):  # our own reader's word, before FFmpeg is asked
            continue


@pytest.mark.parametrize("name", MADE)
def test_nothing_is_held_in_memory_whole(name: str) -> None:
    """A recording of an hour is read in pieces; the longest is a matter of the format."""
    original = MADE[name][1]()
    longest = 0

    class Watched(Source):
        @override
        def read_at(self, offset: int, length: int) -> bytes:
            nonlocal longest
            longest = max(longest, length)
            return super().read_at(offset, length)

    source = Watched.of(original)
    pipeline.clean(source, Sink(), new_cleaning(Mode.LOSSLESS))
    assert longest <= 16 * 1024 * 1024
