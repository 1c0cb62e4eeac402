"""Single frames: words in front of the sound, beside the picture and between units go; what draws or sounds stays."""

from __future__ import annotations

import contextlib
import functools
import os
import re
from collections.abc import Callable, Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldreport.scrub.media.bitstreams import FrameCleaner, aac, av1, mpeg4, nal_units, opus, verify
from fieldreport.scrub.verdicts import Bomb, Damaged, Refused, Removed, Residue
from tests.scrub.conftest import clean_copy
from tests.scrub.media.films import MARKER, RATE, film, repacked, shown

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


def units_of(frame: bytes) -> list[bytes]:
    """The units of a frame that tells their lengths in four bytes."""
    found, position = [], 0
    while position < len(frame):
        length = int.from_bytes(frame[position : position + 4], "big")
        found.append(frame[position + 4 : position + 4 + length])
        position += 4 + length
    return found


def each_unit(change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    def changed(frame: bytes) -> bytes:
        return b"".join(len(unit).to_bytes(4, "big") + unit for unit in map(change, units_of(frame)))

    return changed


def message(head: bytes) -> bytes:
    return head + bytes((5, 16 + len(MARKER))) + bytes(range(16)) + MARKER + b"\x80"


# A unit that most players skip, with one that draws after a start code inside it; and one that draws, with words after
# a start code inside it.
INNER: Mapping[str, tuple[str, Callable[[bytes], bytes]]] = {
    "avc prefix": ("libx264", lambda unit: b"\x6e\xc0\x80\x07\0\0\1" + unit),
    "avc filler": ("libx264", lambda unit: b"\x0c\xff\x80\0\0\0\1" + unit),
    "avc words": ("libx264", lambda unit: unit + b"\0\0\1" + message(b"\x06")),
    "avc words between": ("libx264", lambda unit: b"\x09\xf0\0\0\1" + message(b"\x06") + b"\0\0\0\1" + unit),
    "hevc filler": ("libx265", lambda unit: b"\x4c\1\xff\x80\0\0\1" + unit),
    "hevc words": ("libx265", lambda unit: unit + b"\0\0\1" + message(b"\x4e\1")),
}


@pytest.mark.parametrize("container", ["mp4", "matroska"])
@pytest.mark.parametrize("kind", INNER)
def test_start_codes_inside_a_unit_begin_others(kind: str, container: str) -> None:
    codec, change = INNER[kind]
    plain = film(picture=codec, sound=None)
    original = repacked(plain, container, each_unit(change))
    assert (original.count(MARKER) >= RATE) == ("words" in kind)
    copy = clean_copy(original)
    assert MARKER not in copy.data
    assert shown(copy.data) == shown(original)
    assert [picture for _, _, picture in shown(copy.data)] == [picture for _, _, picture in shown(plain)]


@pytest.mark.parametrize("kind", [kind for kind in INNER if "words" in kind])
def test_verify_finds_what_is_behind_a_start_code(kind: str) -> None:
    codec, change = INNER[kind]
    is_hevc = codec == "libx265"
    unit = b"\x26\1\xaf\x90" if is_hevc else b"\x65\x88\x90"
    for inner, clean in ((unit, True), (change(unit), False)):
        frame = len(inner).to_bytes(4, "big") + inner
        assert verify.units(memoryview(frame), width=4, hevc=is_hevc) is clean


def swallowing(codec: str) -> Callable[[bytes], bytes]:
    """Each unit with a message behind it that the unit's own length takes in."""
    words = message(b"\x4e\1" if codec == "libx265" else b"\x06")
    return each_unit(lambda unit: unit + len(words).to_bytes(4, "big") + words)


@pytest.mark.parametrize("container", ["mp4", "matroska"])
@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_a_unit_that_took_in_the_next_is_no_unit(codec: str, container: str) -> None:
    original = repacked(film(picture=codec, sound=None), container, swallowing(codec))
    assert original.count(MARKER) >= RATE
    with pytest.raises(Damaged):
        clean_copy(original)


ENDS = (b"\x90", b"\x90\0\0\0", b"\x90\0\0\3", b"\x90\0\0\3\0\0\3")


@pytest.mark.parametrize("hevc", [False, True])
def test_zeros_that_would_look_like_a_start_code_are_kept_apart(hevc: bool) -> None:  # noqa: FBT001 - a parameter
    clean = nal_units.Units(hevc=hevc, length_bytes=4, removed=set())
    for inside in (b"\0\0\0\x1d", b"\0\0\2\x1d", b"\0\0\3\4", b"\0\0\3\3", b"\0\0\4\x1d"):
        for end in ENDS:
            unit = (b"\x26\1\xaf" if hevc else b"\x65\x88") + inside + end
            frame = len(unit).to_bytes(4, "big") + unit
            allowed = inside in {b"\0\0\3\3", b"\0\0\4\x1d"}
            assert bool(verify.units(memoryview(frame), width=4, hevc=hevc)) is allowed, unit
            if allowed:
                assert clean(frame) is frame
            else:
                with pytest.raises(Damaged):
                    clean(frame)


def test_a_unit_whose_length_reads_as_a_start_code_is_found_when_another_took_it_in() -> None:
    """Of 0x141 bytes: behind the start code the last byte of its length would make it a slice."""
    words = b"\x06\x05\xff\x40" + bytes(range(16)) + MARKER * 43
    words = words.ljust(0x140, b"w") + b"\x80"
    unit = b"\x65\x88\x90" + len(words).to_bytes(4, "big") + words
    with pytest.raises(Damaged):
        nal_units.Units(hevc=False, length_bytes=4, removed=set())(len(unit).to_bytes(4, "big") + unit)


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_a_parameter_set_that_took_in_a_message_is_refused(codec: str) -> None:
    original = film(picture=codec, sound=None)
    is_hevc = codec == "libx265"
    box = b"hvcC" if is_hevc else b"avcC"
    start = original.index(box) + 4
    configuration = original[start : start - 8 + int.from_bytes(original[start - 8 : start - 4], "big")]
    unit = next(unit for unit in re.findall(rb"\0[\x10-\xff](\x42\x01.+|\x67.+)", configuration, re.DOTALL))
    at = configuration.index(unit)
    length = int.from_bytes(configuration[at - 2 : at], "big")
    words = b"\0\0\0\x1d" + message(b"\x4e\1" if is_hevc else b"\x06")
    longer = (length + len(words)).to_bytes(2, "big") + unit[:length] + words + unit[length:]
    planted = configuration[: at - 2] + longer
    read, second = (
        (nal_units.hevc_configuration, verify.hevc_width)
        if is_hevc
        else (nal_units.avc_configuration, verify.avc_width)
    )
    second(read(configuration)[0])
    with pytest.raises(Damaged):
        read(planted)
    with pytest.raises(Residue):
        second(planted)


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_words_behind_a_start_code_in_a_parameter_set_go(codec: str) -> None:
    original = film(picture=codec, sound=None)
    box = b"hvcC" if codec == "libx265" else b"avcC"
    start = original.index(box) + 4
    configuration = original[start : start - 8 + int.from_bytes(original[start - 8 : start - 4], "big")]
    read = nal_units.hevc_configuration if codec == "libx265" else nal_units.avc_configuration
    unit = next(unit for unit in re.findall(rb"\0[\x10-\xff](\x42\x01.+|\x67.+)", configuration, re.DOTALL))
    at = configuration.index(unit)
    length = int.from_bytes(configuration[at - 2 : at], "big")
    words = b"\0\0\1" + message(b"\x4e\1" if codec == "libx265" else b"\x06")
    longer = (length + len(words)).to_bytes(2, "big") + unit[:length] + words + unit[length:]
    planted = configuration[: at - 2] + longer
    assert MARKER in planted
    assert read(planted) == read(configuration)


CLEANERS: dict[str, tuple[Callable[[], FrameCleaner], Callable[[memoryview], int], bytes]] = {
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
@settings(deadline=None)
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


MARKS = {
    "avc": [b"\x09\xf0", b"\x0a", b"\x0b"],
    "hevc": [b"\x46\x01\x50", b"\x48\x01", b"\x4a\x01"],
}


@pytest.mark.parametrize("codec", MARKS)
def test_marks_between_pictures_hold_no_words(codec: str) -> None:
    removed: set[Removed] = set()
    clean = nal_units.Units(hevc=codec == "hevc", length_bytes=4, removed=removed)
    slice_ = b"\x41abc" if codec == "avc" else b"\x02\x01abc"

    def frame(*units: bytes) -> bytes:
        return b"".join(len(unit).to_bytes(4, "big") + unit for unit in units)

    for mark in MARKS[codec]:
        planted, honest = frame(mark + b"PLANTED", slice_), frame(mark, slice_)
        assert clean(planted) == clean(honest) == honest
        assert not verify.units(memoryview(planted), width=4, hevc=codec == "hevc")
        assert verify.units(memoryview(honest), width=4, hevc=codec == "hevc")
    assert removed == {Removed.OTHER_METADATA}


def test_a_partition_of_a_slice_is_left_to_ffmpeg() -> None:
    with pytest.raises(Damaged):
        nal_units.Units(hevc=False, length_bytes=4, removed=set())(b"\0\0\0\x08\x43PLANTED")


@pytest.mark.parametrize("header", [b"\xb0\1", b"\xb1", b"\xb3\0\x10\x07", b"\xb5\x09", b"\xc6", b"\x05"])
def test_headers_of_mpeg_4_visual_are_as_long_as_they_may_be(header: bytes) -> None:
    removed: set[Removed] = set()
    clean = mpeg4.Visual(removed=removed)
    draws = b"\0\0\1\xb6\x10abc"
    planted = draws + b"\0\0\1" + header + b"PLANTED" * 3
    assert b"PLANTEDPLANTED" not in clean(planted)
    assert clean(planted).startswith(draws)
    assert removed == {Removed.OTHER_METADATA}
    assert not verify.visual(memoryview(planted))
    assert verify.visual(memoryview(clean(planted)))
    assert clean(draws) == draws


# One stream after the other, each but the last with its length (RFC 6716, appendix B): a frame; two equal ones; two; a
# number of them, padded.
STREAMS = [b"\x00\x03abc", b"\x01\x03abcdef", b"\x02\x01\x02abc", b"\x03\x42\x07\x02abcdPLANTED"]


@pytest.mark.parametrize("count", [1, 2, 4])
def test_what_pads_opus_becomes_zeros(count: int) -> None:
    removed: set[Removed] = set()
    last = b"\x03\xc2\xff\x02\x03abcdefg" + b"PLANTED" * 36 + b"PLAN"
    packet = b"".join(STREAMS[-count + 1 :] if count > 1 else []) + last
    clean = opus.Packets(removed=removed, streams=count)
    cleaned = clean(packet)
    assert len(cleaned) == len(packet)
    assert cleaned == packet.replace(b"PLANTED", bytes(7))[:-4] + bytes(4)
    assert removed == {Removed.OTHER_METADATA}
    assert not verify.opus(memoryview(packet), streams=count)
    assert verify.opus(memoryview(cleaned), streams=count)
    assert clean(cleaned) is cleaned


def test_a_packet_of_opus_whose_padding_begins_before_its_sound_ends_is_damaged() -> None:
    """Else zeros would be written over the lengths of its frames."""
    with pytest.raises(Damaged):
        opus.Packets(removed=set(), streams=1)(b"\xdb\xfc\x83" + bytes(range(1, 170)))


@given(st.binary(max_size=40), st.integers(1, 4))
@settings(max_examples=300, deadline=None)
def test_any_packet_of_opus_is_refused_or_comes_out_clean(packet: bytes, count: int) -> None:
    with contextlib.suppress(Damaged):
        cleaned = opus.Packets(removed=set(), streams=count)(packet)
        assert verify.opus(memoryview(cleaned), streams=count)
