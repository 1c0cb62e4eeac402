"""AVI: the same pictures and sounds, and nothing beside them."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fieldreport import limits
from fieldreport.scratch import Scratch
from fieldreport.scrub import Refusal, Removed
from fieldreport.scrub.format import Source
from fieldreport.scrub.media import avi
from fieldreport.scrub.verdicts import Refused, Residue
from tests.scrub.media.conftest import Cleaned, cleaned
from tests.scrub.media.filming import MARKER, film, shown, streams

if TYPE_CHECKING:
    from fieldreport.scrub.sandbox.service import Scrubber

Clean = Callable[[bytes], Cleaned]
RefusalOf = Callable[[bytes], Refusal]

AVC_WORDS = b"\0\0\0\1\x06\x05\x17" + bytes(range(1, 17)) + MARKER + b"\x80"
KINDS: Mapping[str, Callable[[], bytes]] = {
    "mjpeg-pcm": lambda: film("avi", picture="mjpeg", sound="pcm_s16le"),
    "mpeg4-mp3": lambda: film("avi", picture="mpeg4", sound="libmp3lame", said=b"\0\0\1\xb2" + MARKER),
    "h264-aac": lambda: film("avi", said=AVC_WORDS),
    "vp8": lambda: film("avi", picture="libvpx", sound=None),
    "sound": lambda: film("avi", picture=None, sound="pcm_s16le"),
}

# --- a small RIFF of the tests' own, to plant with ---

Tree = list[tuple[bytes, "Tree | bytes"]]  # a list is called by its name


def parse(data: bytes) -> Tree:
    found: Tree = []
    position = 0
    while position < len(data):
        kind, size = data[position : position + 4], int.from_bytes(data[position + 4 : position + 8], "little")
        content = data[position + 8 : position + 8 + size]
        if kind in {b"LIST", b"RIFF"}:
            found.append((kind + content[:4], parse(content[4:])))
        else:
            found.append((kind, content))
        position += 8 + size + size % 2
    return found


def riff(tree: Tree) -> bytes:
    pieces = []
    for kind, content in tree:
        body = kind[4:] + (content if isinstance(content, bytes) else riff(content))
        pieces.append(kind[:4] + struct.pack("<I", len(body)) + body + bytes(len(body) % 2))
    return b"".join(pieces)


def inside(tree: Tree, *path: bytes) -> Tree:
    for kind in path:
        tree = next(content for name, content in tree if name == kind and not isinstance(content, bytes))
    return tree


FILE, HEADER, STREAM, MOVIE = b"RIFFAVI ", b"LISThdrl", b"LISTstrl", b"LISTmovi"
TEXT_STREAM: Tree = [(b"strh", b"txts" + bytes(16) + struct.pack("<II", 1, 1) + bytes(28)), (b"strf", MARKER)]

PLACES: Mapping[str, tuple[tuple[bytes, ...], bytes, Tree | bytes, Removed]] = {
    "artist": ((), b"LISTINFO", [(b"IART", MARKER)], Removed.AUTHOR),
    "program": ((), b"LISTINFO", [(b"ISFT", MARKER)], Removed.SOFTWARE),
    "date of making": ((HEADER,), b"IDIT", MARKER, Removed.TIME),
    "filler": ((), b"JUNK", MARKER, Removed.OTHER_METADATA),
    "filler of the header": ((HEADER,), b"JUNK", MARKER, Removed.OTHER_METADATA),
    "unknown": ((), b"zzzz", MARKER, Removed.OTHER_METADATA),
    "unknown list": ((HEADER,), b"LISTncdt", [(b"nctg", MARKER)], Removed.OTHER_METADATA),
    "name of a stream": ((HEADER, STREAM), b"strn", MARKER, Removed.OTHER_METADATA),
    "data of a driver": ((HEADER, STREAM), b"strd", MARKER, Removed.OTHER_METADATA),
    "index of a stream": ((HEADER, STREAM), b"indx", MARKER, Removed.SOFTWARE),
    "subtitles": ((HEADER,), STREAM, TEXT_STREAM, Removed.DESCRIPTION),
    "a line of subtitles": ((MOVIE,), b"09tx", MARKER, Removed.SOFTWARE),
    "a change of colours": ((MOVIE,), b"00pc", MARKER, Removed.SOFTWARE),
    "index among pictures": ((MOVIE,), b"ix00", MARKER, Removed.SOFTWARE),
    "filler among pictures": ((MOVIE,), b"JUNK", MARKER, Removed.OTHER_METADATA),
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_is_shown_and_nothing_planted_survives(clean: Clean, kind: str) -> None:
    original = KINDS[kind]()
    assert MARKER in original
    copy = clean(original)
    assert MARKER not in copy.data
    for name in (b"Lavf", b"x264", b"LAME", b"Lavc5", b"Lavc62"):
        assert name not in copy.data
    assert shown(copy.data) == shown(original)
    assert streams(copy.data) == streams(original)
    assert copy.media_type == "video/x-msvideo"
    assert Removed.SOFTWARE in copy.removed


@pytest.mark.parametrize("kind", KINDS)
def test_scrubbing_twice_is_scrubbing_once(clean: Clean, kind: str) -> None:
    once = clean(KINDS[kind]())
    twice = clean(once.data)
    assert twice.data == once.data
    assert twice.removed == frozenset()


@pytest.mark.parametrize("place", PLACES)
def test_what_is_planted_in_one_place_goes_and_is_named(clean: Clean, place: str) -> None:
    path, kind, content, expected = PLACES[place]
    original = KINDS["mpeg4-mp3"]()
    tree = parse(original)
    inside(tree, FILE, *path).append((kind, content))
    copy = clean(riff(tree))
    assert MARKER not in copy.data
    assert expected in copy.removed
    assert copy.data == clean(original).data


def test_what_follows_the_riff_is_cut(clean: Clean) -> None:
    original = KINDS["mjpeg-pcm"]()
    copy = clean(original + MARKER)
    assert Removed.TRAILING_DATA in copy.removed
    assert copy.data == clean(original).data


def test_a_file_in_several_parts_becomes_one(clean: Clean) -> None:
    original = film("avi", picture="mjpeg", sound=None)
    tree = parse(original)
    movie = inside(tree, FILE, MOVIE)
    rest = movie[10:]
    del movie[10:]
    tree.append((b"RIFFAVIX", [(MOVIE, rest)]))
    assert clean(riff(tree)).data == clean(original).data


def test_records_are_opened(clean: Clean) -> None:
    original = film("avi", picture="mjpeg", sound=None)
    tree = parse(original)
    movie = inside(tree, FILE, MOVIE)
    movie[:] = [(b"LISTrec ", movie[:10]), (b"LISTrec ", movie[10:])]
    assert clean(riff(tree)).data == clean(original).data


def test_pictures_that_depend_on_others_are_told_from_whole_ones(clean: Clean) -> None:
    data = clean(film("avi", picture="mpeg4", sound=None)).data
    index = next(content for kind, content in inside(parse(data), FILE) if kind == b"idx1")
    assert isinstance(index, bytes)
    flags = [index[at + 4] for at in range(0, len(index), 16)]
    assert flags[0] == flags[12] == 0x10
    assert flags[1] == 0


def test_pictures_of_a_camera_lose_their_exif(clean: Clean) -> None:
    original = film("avi", picture="mjpeg", sound=None)
    tree = parse(original)
    movie = inside(tree, FILE, MOVIE)
    for index, (kind, picture) in enumerate(movie):
        assert isinstance(picture, bytes)
        exif = b"\xff\xe1" + struct.pack(">H", 8 + len(MARKER)) + b"Exif\0\0" + MARKER
        movie[index] = (kind, picture[:2] + exif + picture[2:] + MARKER)
    copy = clean(riff(tree))
    assert MARKER not in copy.data
    assert copy.data == clean(original).data
    assert {Removed.OTHER_METADATA, Removed.TRAILING_DATA} <= copy.removed


def test_an_unknown_codec_is_refused(refusal_of: RefusalOf) -> None:
    assert refusal_of(film("avi", picture="mjpeg", sound=None).replace(b"MJPG", b"ZZZZ")) is Refusal.UNSUPPORTED


def test_a_picture_that_would_decode_to_far_more_is_a_bomb(refusal_of: RefusalOf) -> None:
    data = bytearray(film("avi", picture="mjpeg", sound=None))
    struct.pack_into("<ii", data, data.index(b"strf") + 12, 65000, 65000)
    assert refusal_of(bytes(data)) is Refusal.BOMB


def test_too_many_streams_are_a_bomb(refusal_of: RefusalOf) -> None:
    tree = parse(film("avi", picture="mjpeg", sound=None))
    header = inside(tree, FILE, HEADER)
    header += [header[1]] * (limits.FILM_STREAMS + 1)
    assert refusal_of(riff(tree)) is Refusal.BOMB


@pytest.mark.parametrize("part", range(1, 20))
def test_a_film_cut_off_is_refused_or_clean(part: int) -> None:
    data = KINDS["mpeg4-mp3"]()
    try:
        copy = cleaned(data[: len(data) * part // 20])
    except Refused:
        return
    assert MARKER not in copy.data
    assert shown(copy.data)


@pytest.mark.parametrize("kind", ["mjpeg-pcm", "h264-aac", "mpeg4-mp3"])
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_mutated_film_raises_only_our_refusals(kind: str, data: st.DataObject) -> None:
    mutated = bytearray(KINDS[kind]())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.one_of(st.integers(0, 600), st.integers(0, len(mutated) - 1)))
        mutated[at] = data.draw(st.integers(0, 255))
    try:
        copy = cleaned(bytes(mutated))
    except Refused as refused:
        assert refused.refusal is not Refusal.RESIDUE  # noqa: PT017 - most are refused, some are films
        return
    assert cleaned(copy.data).data == copy.data


@pytest.mark.parametrize("place", PLACES)
def test_verify_refuses_what_clean_might_have_left(place: str) -> None:
    data = cleaned(KINDS["mpeg4-mp3"]()).data
    assert riff(parse(data)) == data
    path, kind, content, _ = PLACES[place]
    tree = parse(data)
    inside(tree, FILE, *path).append((kind, content))
    with pytest.raises(Residue):
        avi.verify(Source.of(riff(tree)), "video/x-msvideo")


@pytest.mark.parametrize("kind", ["mjpeg-pcm", "h264-aac"])
def test_the_same_bytes_come_out_behind_the_lock(
    scrubber: Scrubber, scratch: Callable[[bytes], Scratch], kind: str
) -> None:
    data = KINDS[kind]()
    scrubbed = scrubber.clean(scratch(data))
    with scrubbed.output:
        assert scrubbed.output.read() == cleaned(data).data
    assert scrubbed.extension == "avi"
