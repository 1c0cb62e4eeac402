"""Single frames: words in front of the sound, beside the picture and between units go; what draws or sounds stays."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldreport.scrub.media.bitstreams import FrameCleaner, aac, av1, mpeg4, nal_units, verify
from fieldreport.scrub.verdicts import Bomb, Damaged, Refused, Removed
from tests.scrub.conftest import clean_copy
from tests.scrub.media.films import MARKER, film, shown

AV1_WORDS = b"\x2a" + bytes((1 + len(MARKER),)) + b"\4" + MARKER


def bits(text: str) -> bytes:
    """Bytes of a string of zeros and ones, filled up with ones: what sounds."""
    text = text.replace(" ", "")
    return int(text + "1" * (-len(text) % 8), 2).to_bytes((len(text) + 7) // 8, "big")


def word(data: bytes) -> str:
    return "".join(f"{byte:08b}" for byte in data)


def test_making_a_film_leaves_the_scheduling_of_this_process_as_it_was() -> None:
    before = os.sched_getscheduler(0)
    film(
        "webm", picture="libsvtav1", sound=None, seconds=0.2
    )  # a length of its own: made now, not taken from the cache
    assert os.sched_getscheduler(0) == before


@pytest.mark.parametrize(
    "leading",
    [
        f"110 {len(MARKER) + 1:04b} 0000 0000 {word(MARKER)}",  # fill
        f"110 1111 {20 + 1 - 14:08b} 0000 {word(MARKER * 2)} {'0' * 52}",  # long fill
        f"100 0000 0 {len(MARKER):08b} {word(MARKER)}",  # data
        f"100 0000 1 {len(MARKER):08b} {word(MARKER)}",  # aligned data
    ],
)
def test_words_in_front_of_the_sound_become_zeros(leading: str) -> None:
    removed: set[Removed] = set()
    sound = "000 0101 1100"
    frame = bits(leading + sound)
    clean = aac.Sound(removed=removed)(frame)
    assert len(clean) == len(frame)
    assert word(MARKER) not in word(clean)
    assert word(clean).rstrip("1").endswith(sound.replace(" ", "").rstrip("1"))
    assert removed == {Removed.SOFTWARE}
    assert verify.aac(memoryview(clean))
    assert not verify.aac(memoryview(frame))


def test_what_replicates_the_high_notes_is_not_touched() -> None:
    frame = bits(f"110 0111 1101 0000 {word(MARKER[:6])} 000")
    assert aac.Sound(removed=set())(frame) is frame


def test_a_comment_in_a_channel_layout_becomes_zeros() -> None:
    # AAC LC, 44.1 kHz, channels told by a layout of one front element, with a comment.
    layout = "00010 0100 0000 000" + "0000 01 0100 0001 0000 0000 00 000 0000 0 0 0" + "0 0000"
    layout = layout.replace(" ", "")
    specific = bits(layout + "0" * (-len(layout) % 8) + word(bytes((len(MARKER),)) + MARKER))
    removed: set[Removed] = set()
    clean, raw_blocks = aac.configuration(specific, removed)
    assert raw_blocks
    assert clean == specific.replace(MARKER, bytes(len(MARKER)))
    assert removed == {Removed.SOFTWARE}


@pytest.mark.parametrize("container", ["mp4", "matroska"])
def test_metadata_units_of_av1_go(container: str) -> None:
    original = film(container, picture="libsvtav1", sound=None, said=AV1_WORDS)
    assert original.count(MARKER) > 20
    copy = clean_copy(original)
    assert MARKER not in copy.data
    assert Removed.OTHER_METADATA in copy.removed
    assert shown(copy.data) == shown(original)


@pytest.mark.parametrize(
    ("said", "constant"),
    [
        (b"XviD0046", b"XviD0050"),
        (b"XviD0073", b"XviD0050"),
        (b"DivX503b1393p", b"DivX503b1393p"),
        (b"DivX501b413", b"DivX503b1393"),
        (MARKER, b""),
    ],
)
def test_of_an_encoders_name_stays_what_decoders_go_by(said: bytes, constant: bytes) -> None:
    picture = b"\0\0\1\xb6\x10\x20\x30"
    clean = mpeg4.Visual(removed=set())(b"\0\0\1\xb2" + said + picture)
    assert clean == (b"\0\0\1\xb2" + constant if constant else b"") + picture


CLEANERS: dict[str, tuple[Callable[[], FrameCleaner], Callable[[memoryview], bool], bytes]] = {
    "aac": (lambda: aac.Sound(removed=set()), verify.aac, b"\xde\x04\x80"),
    "av1": (lambda: av1.Obus(removed=set()), verify.obus, b"\x12\x2a\x0a\x32\x00\x01\x80"),
    "visual": (lambda: mpeg4.Visual(removed=set()), verify.visual, b"\0\0\1\xb2\xb6XviD0050"),
    "jpeg": (lambda: mpeg4.Jpeg(removed=set()), verify.jpeg, b"\xff\xd8\xff\xe0\xff\xda\0\4\xff\xd9\xff\xdb"),
    "mp3": (lambda: mpeg4.Mp3(removed=set()), verify.mp3, b"LAME3.100Lavc60.1Lavf"),
    "avc": (
        lambda: nal_units.Units(hevc=False, length_bytes=1, removed=set()),
        functools.partial(verify.units, width=1, hevc=False),
        b"\x03\x06\x05\x01\x80\x65\x0c\x02\x90\x00",
    ),
    "hevc": (
        lambda: nal_units.Units(hevc=True, length_bytes=2, removed=set()),
        functools.partial(verify.units, width=2, hevc=True),
        b"\x00\x05\x4e\x01\x06\x01\x80\x50\x01\x26\x90\x00",
    ),
    "stream": (
        lambda: nal_units.Stream(units=nal_units.Units(hevc=False, length_bytes=4, removed=set())),
        verify.stream,
        b"\0\0\1\x06\x05\x01\x80\x65\x0c\0\0\0\1\x90",
    ),
}


@pytest.mark.parametrize("codec", CLEANERS)
@given(data=st.data())
def test_the_second_reader_accepts_whatever_the_first_lets_through(codec: str, data: st.DataObject) -> None:
    make, check, alphabet = CLEANERS[codec]
    pieces = st.one_of(
        st.binary(max_size=6), st.sampled_from([alphabet[i:j] for i in range(12) for j in (i + 1, i + 4)])
    )
    frame = b"".join(data.draw(st.lists(pieces, min_size=1, max_size=12))) or b"\0"
    try:
        clean = make()(frame)
    except (Damaged, Bomb):
        return
    assert check(memoryview(clean))
    try:
        assert make()(clean) == clean
    except Refused:
        assert not clean  # nothing that draws was in it
