"""AVI becomes Matroska: the same pictures and sounds at the same times, and nothing else."""

from __future__ import annotations

import io
import shutil
import struct
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import av
import pytest

from fieldreport import limits
from fieldreport.scrub import Refusal, Removed, registry
from fieldreport.scrub.format import Source
from fieldreport.scrub.media.matroska.verify import verify
from fieldreport.scrub.verdicts import Residue
from tests.scrub.conftest import CleanCopy, clean_copy
from tests.scrub.media.films import MARKER, RATE, SOUND_FRAME, end, film, length, shown, streams

Clean = Callable[[bytes], CleanCopy]
RefusalOf = Callable[[bytes], Refusal]

AVC_WORDS = b"\0\0\0\1\x06\x05\x17" + bytes(range(1, 17)) + MARKER + b"\x80"
KINDS: Mapping[str, Callable[[], bytes]] = {
    "mjpeg-pcm": lambda: film("avi", picture="mjpeg", sound="pcm_s16le"),
    "mpeg4-mp3": lambda: film("avi", picture="mpeg4", sound="libmp3lame", said=b"\0\0\1\xb2" + MARKER),
    "h264-aac": lambda: film("avi", said=AVC_WORDS),
    "vp8": lambda: film("avi", picture="libvpx", sound=None),
    "sound": lambda: film("avi", picture=None, sound="pcm_s16le"),
    "mp2": lambda: film("avi", picture="mjpeg", sound="mp2"),
    "ac3": lambda: film("avi", picture="mjpeg", sound="ac3"),
}
FILM = "video/x-matroska"
DELAY = 1.001 / RATE  # of pictures that are decoded in another order: AVI has no other time than that of decoding

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
    assert [stream[:2] for stream in streams(copy.data)] == [stream[:2] for stream in streams(original)]
    assert length(copy.data) == pytest.approx(end(original), abs=DELAY if kind == "h264-aac" else 0.001)
    assert copy.media_type == (FILM if kind != "sound" else "audio/x-matroska")
    assert Removed.SOFTWARE in copy.removed


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
    with av.open(io.BytesIO(data), "r") as opened:
        keys = [packet.is_keyframe for packet in opened.demux(video=0) if packet.size]
    assert keys[0]
    assert keys[12]
    assert not keys[1]


def test_streams_one_after_the_other_are_written_in_the_order_of_time(clean: Clean) -> None:
    original = KINDS["mpeg4-mp3"]()
    tree = parse(original)
    movie = inside(tree, FILE, MOVIE)
    movie.sort(key=lambda chunk: chunk[0])
    assert clean(riff(tree)).data == clean(original).data


def test_a_chunk_without_a_picture_lets_time_pass(clean: Clean) -> None:
    tree = parse(film("avi", picture="mjpeg", sound=None))
    inside(tree, FILE, MOVIE).insert(10, (b"00dc", b""))
    tree[0][1].pop()  # type: ignore[union-attr]  # the index, which knows nothing of that chunk
    copy = clean(riff(tree))
    assert shown(copy.data) == shown(riff(tree))
    assert length(copy.data) == pytest.approx(26 / 25)


def test_a_stream_that_begins_later_still_does(clean: Clean) -> None:
    original = bytearray(film("avi", picture="mjpeg", sound="pcm_s16le"))
    struct.pack_into("<I", original, original.index(b"strh") + 8 + 28, 10)
    copy = clean(bytes(original))
    assert shown(copy.data) == shown(bytes(original))
    assert next(time for kind, time, _ in shown(copy.data) if kind == "picture") == 400


@pytest.mark.parametrize("kind", ["mp2", "mpeg4-mp3", "ac3"])
@pytest.mark.parametrize("size", [100, 701, 5000])
def test_sound_that_is_cut_anywhere_is_cut_at_its_frames(clean: Clean, kind: str, size: int) -> None:
    original = KINDS[kind]()
    tree = parse(original)
    movie = inside(tree, FILE, MOVIE)
    sound = b"".join(content for name, content in movie if name == b"01wb" and isinstance(content, bytes))
    cut: Tree = [(b"01wb", sound[at : at + size]) for at in range(0, len(sound), size)]
    movie[:] = [chunk for chunk in movie if chunk[0] != b"01wb"] + cut
    parts = [content for name, content in inside(tree, FILE, HEADER) if name == STREAM][1]
    assert not isinstance(parts, bytes)
    _, header = parts[0]
    _, form = parts[1]
    assert isinstance(header, bytes)
    assert isinstance(form, bytes)
    expected = [each for each in shown(clean(original).data) if each[0] == "sound"]
    a_second = round(len(sound) * 44100 / (len(expected) * SOUND_FRAME.get(kind, 1152)))
    numbers = struct.pack("<II", 1, a_second)
    parts[0] = (b"strh", header[:20] + numbers + header[28:44] + struct.pack("<I", 1) + header[48:])
    parts[1] = (b"strf", form[:12] + b"\1\0" + form[14:])
    tree[0][1].pop()  # type: ignore[union-attr]  # the index
    heard = [each for each in shown(clean(riff(tree)).data) if each[0] == "sound"]
    assert [content for _, _, content in heard] == [content for _, _, content in expected]
    assert all(abs(one[1] - other[1]) <= 3 for one, other in zip(heard, expected, strict=True))


SYNTHETIC = ["-f", "lavfi", "-i", "testsrc2=s=66x50:r=25:d=1"]
TONE = ["-f", "lavfi", "-i", "sine=r=44100:d=1", "-c:v", "mjpeg", "-c:a"]
MADE: Mapping[str, list[str]] = {
    "b-frames": ["-c:v", "mpeg4", "-bf", "2", "-g", "12", "-vtag", "XVID"],
    "b-frames unpacked": ["-c:v", "mpeg4", "-bf", "2", "-vtag", "DX50", "-bsf:v", "mpeg4_unpack_bframes"],
    "h264 b-frames": ["-c:v", "libx264", "-bf", "3", "-g", "12"],
    "rgb": ["-c:v", "rawvideo", "-pix_fmt", "bgr24"],
    "yuy2": ["-c:v", "rawvideo", "-pix_fmt", "yuyv422", "-vtag", "YUY2"],
    "i420": ["-c:v", "rawvideo", "-pix_fmt", "yuv420p"],
    "h263": ["-c:v", "h263", "-s", "176x144"],
    "div3": ["-c:v", "msmpeg4", "-vtag", "DIV3"],
    "mp42": ["-c:v", "msmpeg4v2", "-vtag", "MP42"],
    "vp9": ["-c:v", "libvpx-vp9", "-vtag", "VP90"],
    **{
        sound: [*TONE, sound]
        for sound in (
            *("pcm_u8", "pcm_s24le", "pcm_f32le", "pcm_alaw", "pcm_mulaw"),
            *("adpcm_ms", "adpcm_ima_wav", "mp2", "ac3", "aac"),
        )
    },
    "six channels": [*TONE, "pcm_s16le", "-ac", "6"],
}


@pytest.mark.outside
@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs ffmpeg")
@pytest.mark.parametrize("name", MADE)
def test_every_codec_shows_the_same_at_the_same_times(clean: Clean, tmp_path: Path, name: str) -> None:
    path = tmp_path / "film.avi"
    subprocess.run(["ffmpeg", "-v", "error", *SYNTHETIC, *MADE[name], str(path)], check=True, timeout=60)
    original = path.read_bytes()
    copy = clean(original)
    assert shown(copy.data) == shown(original)
    assert [stream[:2] for stream in streams(copy.data)] == [stream[:2] for stream in streams(original)]
    assert length(copy.data) == pytest.approx(end(original), abs=DELAY if "b-frames" in name else 0.001)
    assert clean(copy.data).data == copy.data


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


def test_a_picture_that_would_decode_to_far_more_is_refused(refusal_of: RefusalOf) -> None:
    data = bytearray(film("avi", picture="mjpeg", sound=None))
    struct.pack_into("<ii", data, data.index(b"strf") + 12, 65000, 65000)
    assert refusal_of(bytes(data)) is Refusal.PIXELS


def test_too_many_streams_are_a_bomb(refusal_of: RefusalOf) -> None:
    tree = parse(film("avi", picture="mjpeg", sound=None))
    header = inside(tree, FILE, HEADER)
    header += [header[1]] * (limits.FILM_STREAMS + 1)
    assert refusal_of(riff(tree)) is Refusal.BOMB


@pytest.mark.parametrize("kind", KINDS)
def test_no_avi_is_taken_for_clean(kind: str) -> None:
    for media_type in ("video/x-msvideo", FILM):
        with pytest.raises(Residue):
            registry.verify(Source.of(KINDS[kind]()), media_type)


@pytest.mark.parametrize(
    ("after", "at"),
    [
        (b"FMP4", 4),  # the size of a picture in bytes is a number, and the next are zero
        (b"FMP4", 8),
        (b"FMP4", 16),
        (b"A_MS/ACM\x63\xa2\x92", 0),  # a tag that no sound has
        (b"A_MS/ACM\x63\xa2\x92", 16),  # how much more there is
    ],
)
def test_verify_refuses_words_in_a_description_of_windows(after: bytes, at: int) -> None:
    data = bytearray(clean_copy(film("avi", picture="mpeg4", sound="pcm_s16le")).data)
    verify(Source.of(bytes(data)), FILM)
    place = data.index(after) + len(after) + at
    data[place] ^= 0x41
    with pytest.raises(Residue):
        verify(Source.of(bytes(data)), FILM)
