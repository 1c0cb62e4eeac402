"""MP4, MOV, 3GP, M4A: the same pictures and sounds at the same times, and nothing beside them."""

from __future__ import annotations

import io
import re
import struct
import tracemalloc
from collections.abc import Callable, Mapping
from pathlib import Path

import av
import pytest

from fieldreport import limits
from fieldreport.scrub import Mode, Refusal, Removed, pipeline, registry
from fieldreport.scrub.format import Sink, Source
from fieldreport.scrub.isobmff import box, full_box
from fieldreport.scrub.media.mp4.verify import verify
from fieldreport.scrub.verdicts import Noted, Refused, Residue
from tests.scrub.conftest import CleanCopy, clean_copy, clean_or_refuse
from tests.scrub.media.films import MARKER, film, shown, streams

Clean = Callable[[bytes], CleanCopy]
RefusalOf = Callable[[bytes], Refusal]

FRAGMENTS = (("movflags", "frag_keyframe+empty_moov"),)
LATE_FRAGMENTS = (("movflags", "frag_keyframe+empty_moov+default_base_moof+delay_moov"),)
AVC_WORDS = b"".join(
    b"\0\0\0\1\x06" + bytes((kind, 16 + len(MARKER))) + bytes(range(1, 17)) + MARKER + b"\x80" for kind in (4, 5, 130)
)
HEVC_WORDS = b"".join(
    b"\0\0\0\1" + head + bytes((5, 16 + len(MARKER))) + bytes(range(1, 17)) + MARKER + b"\x80"
    for head in (b"\x4e\x01",)
)

KINDS: Mapping[str, Callable[[], bytes]] = {
    "h264-aac": lambda: film(said=AVC_WORDS),
    "h264-alone": lambda: film(sound=None),
    "hevc": lambda: film(picture="libx265", said=HEVC_WORDS),
    "av1-opus": lambda: film(picture="libsvtav1", sound="libopus"),
    "vp9": lambda: film(picture="libvpx-vp9", sound="aac"),
    "mpeg4-mp3": lambda: film(picture="mpeg4", sound="libmp3lame", said=b"\0\0\1\xb2" + MARKER),
    "fragments": lambda: film(options=FRAGMENTS, said=AVC_WORDS),
    "late-fragments": lambda: film(options=LATE_FRAGMENTS),
    "mov": lambda: film("mov", said=AVC_WORDS),
    "mov-hevc": lambda: film("mov", picture="libx265"),
    "mov-mjpeg-pcm": lambda: film("mov", picture="mjpeg", sound="pcm_s16le"),
    "mov-24-bit": lambda: film("mov", picture=None, sound="pcm_s16be"),
    "3gp": lambda: film("3gp", picture="h263", sound="libopencore_amrnb"),
    "3ga": lambda: film("3gp", picture=None, sound="libopencore_amrnb"),
    "m4a": lambda: film("ipod", picture=None),
    "alac": lambda: film("ipod", picture=None, sound="alac"),
}
TYPES = {
    "mov": "video/quicktime",
    "mov-hevc": "video/quicktime",
    "mov-mjpeg-pcm": "video/quicktime",
    "mov-24-bit": "video/quicktime",
    "3gp": "video/3gpp",
    "3ga": "audio/3gpp",
    "m4a": "audio/mp4",
    "alac": "audio/mp4",
}


# --- planting ---


def find(data: bytes, path: bytes) -> int:
    """Where the first box of a path like ``moov/trak`` begins."""
    start, end = 0, len(data)
    position = 0
    for kind in path.split(b"/"):
        position = start
        while data[position + 4 : position + 8] != kind:
            position += int.from_bytes(data[position : position + 4], "big")
            assert position < end
        end = position + int.from_bytes(data[position : position + 4], "big")
        start = position + 8
    return position


def plant(data: bytes, path: bytes, planted: bytes) -> bytes:
    """Add a box at the end of another, ``moov`` or something in it. It follows the samples, so these stay in place."""
    assert data.index(b"mdat") < data.index(b"moov")
    changed = bytearray(data)
    kinds = path.split(b"/")
    position = size = 0
    for depth in range(1, len(kinds) + 1):
        position = find(data, b"/".join(kinds[:depth]))
        size = int.from_bytes(data[position : position + 4], "big")
        changed[position : position + 4] = struct.pack(">I", size + len(planted))
    end = position + size
    changed[end:end] = planted
    return bytes(changed)


def words(*, kind: bytes = b"mean") -> bytes:
    return box(kind, bytes(4) + MARKER)


APPLE_KEYS = (
    b"com.apple.quicktime.location.ISO6709",
    b"com.apple.quicktime.make",
    b"com.apple.quicktime.creationdate",
    b"com.apple.quicktime.content.identifier",
)


def apple_metadata() -> bytes:
    keys = full_box(b"keys", 0, 0, struct.pack(">I", len(APPLE_KEYS)), *(box(b"mdta", key) for key in APPLE_KEYS))
    values = (
        box(struct.pack(">I", number), box(b"data", struct.pack(">II", 1, 0) + MARKER))
        for number in range(1, len(APPLE_KEYS) + 1)
    )
    return box(b"meta", full_box(b"hdlr", 0, 0, bytes(4) + b"mdta" + bytes(13)), keys, box(b"ilst", *values))


def extra_track(data: bytes, handler: bytes, description: bytes, *, reference: bytes = b"") -> bytes:
    """A film with one track more, whose only sample is at the end of the file."""
    text = MARKER * 3
    table = box(
        b"stbl",
        full_box(b"stsd", 0, 0, struct.pack(">I", 1), box(description, bytes(6) + b"\0\1" + MARKER)),
        full_box(b"stts", 0, 0, struct.pack(">III", 1, 1, 1000)),
        full_box(b"stsc", 0, 0, struct.pack(">IIII", 1, 1, 1, 1)),
        full_box(b"stsz", 0, 0, struct.pack(">II", len(text), 1)),
        full_box(b"stco", 0, 0, struct.pack(">II", 1, 0)),
    )
    media = box(
        b"mdia",
        full_box(b"mdhd", 0, 0, struct.pack(">IIIIHH", 0, 0, 1000, 1000, 0, 0)),
        full_box(b"hdlr", 0, 0, bytes(4) + handler + bytes(12) + MARKER + b"\0"),
        box(b"minf", box(b"gmhd"), table),
    )
    head = full_box(b"tkhd", 0, 7, struct.pack(">IIIII", 0, 0, 77, 0, 1000) + bytes(60))
    planted = plant(data, b"moov", box(b"trak", head, media))
    if reference:
        planted = plant(planted, b"moov/trak", box(b"tref", box(reference, struct.pack(">I", 77))))
    at = len(planted) + 8
    position = planted.rindex(b"stco") + 12
    return planted[:position] + struct.pack(">I", at) + planted[position + 4 :] + box(b"mdat", text)


PLACES: Mapping[str, tuple[Callable[[bytes], bytes], Removed]] = {
    "place": (
        lambda data: plant(data, b"moov", box(b"udta", box(b"\xa9xyz", b"\0\x07\x15\xc7" + MARKER))),
        Removed.LOCATION,
    ),
    "3gpp place": (lambda data: plant(data, b"moov", box(b"udta", words(kind=b"loci"))), Removed.LOCATION),
    "make and model": (
        lambda data: plant(data, b"moov", box(b"udta", words(kind=b"\xa9mak"), words(kind=b"\xa9mod"))),
        Removed.DEVICE,
    ),
    "track's model": (lambda data: plant(data, b"moov/trak", box(b"udta", words(kind=b"modl"))), Removed.DEVICE),
    "Apple's keys": (lambda data: plant(data, b"moov", apple_metadata()), Removed.LOCATION),
    "track's metadata": (lambda data: plant(data, b"moov/trak", apple_metadata()), Removed.IDENTIFIERS),
    "cover": (lambda data: plant(data, b"moov", box(b"udta", words(kind=b"covr"))), Removed.THUMBNAIL),
    "author": (lambda data: plant(data, b"moov", box(b"udta", words(kind=b"auth"))), Removed.AUTHOR),
    "unknown in the header": (lambda data: plant(data, b"moov", words(kind=b"zzzz")), Removed.OTHER_METADATA),
    "free space in the header": (lambda data: plant(data, b"moov", words(kind=b"free")), Removed.OTHER_METADATA),
    "free space": (lambda data: data + words(kind=b"free"), Removed.OTHER_METADATA),
    "unknown box": (lambda data: data + words(kind=b"zzzz"), Removed.OTHER_METADATA),
    "wall clock": (lambda data: data + box(b"prft", bytes(12) + MARKER), Removed.TIME),
    "metadata of the file": (lambda data: data + apple_metadata(), Removed.TIME),
    "XMP": (
        lambda data: (
            data + box(b"uuid", bytes.fromhex("be7acfcb97a942e89c71999491e3afac") + b"<x:xmpmeta><dc:creator>PLANTED")
        ),
        Removed.AUTHOR,
    ),
    "after the end": (lambda data: data + MARKER, Removed.TRAILING_DATA),
    "data of nobody": (lambda data: data + box(b"mdat", MARKER), Removed.SOFTWARE),
    "positions": (lambda data: extra_track(data, b"meta", b"gpmd"), Removed.LOCATION),
    "Apple's timed metadata": (lambda data: extra_track(data, b"meta", b"mebx"), Removed.OTHER_METADATA),
    "time code": (lambda data: extra_track(data, b"tmcd", b"tmcd", reference=b"tmcd"), Removed.TIME),
    "chapters": (lambda data: extra_track(data, b"text", b"text", reference=b"chap"), Removed.DESCRIPTION),
    "subtitles": (lambda data: extra_track(data, b"sbtl", b"tx3g"), Removed.DESCRIPTION),
    "depth": (lambda data: extra_track(data, b"auxv", b"hvc1"), Removed.HIDDEN_CONTENT),
    "pictures of chapters": (lambda data: extra_track(data, b"vide", b"jpeg", reference=b"chap"), Removed.THUMBNAIL),
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_is_shown_and_nothing_planted_survives(clean: Clean, kind: str) -> None:
    original = KINDS[kind]()
    assert MARKER in original
    copy = clean(original)
    assert MARKER not in copy.data
    for name in (b"Lavc", b"Lavf", b"x264", b"x265", b"LAME"):
        assert name not in copy.data
    assert shown(copy.data) == shown(original)
    assert [stream[:2] for stream in streams(copy.data)] == [stream[:2] for stream in streams(original)]
    assert copy.media_type == TYPES.get(kind, "video/mp4")
    assert {Removed.SOFTWARE} <= copy.removed


# Of the fragments, the original does not know its own: libavformat counts the priming of the sound.
@pytest.mark.parametrize("kind", sorted(KINDS.keys() - {"late-fragments"}))
def test_durations_stay(clean: Clean, kind: str) -> None:
    original = KINDS[kind]()
    for before, after in zip(streams(original), streams(clean(original).data), strict=True):
        assert after[2] == pytest.approx(before[2], abs=0.1)


@pytest.mark.parametrize("place", PLACES)
def test_what_is_planted_in_one_place_goes_and_is_named(clean: Clean, place: str) -> None:
    planting, expected = PLACES[place]
    original = film()
    planted = planting(original)
    assert planted.count(MARKER) > original.count(MARKER)
    copy = clean(planted)
    assert MARKER not in copy.data
    assert expected in copy.removed
    assert copy.data == clean(original).data


def test_names_and_times_in_the_headers_go(clean: Clean) -> None:
    data = bytearray(film())
    for kind in (b"mvhd", b"tkhd", b"mdhd"):
        at = data.index(kind) + 8
        data[at : at + 8] = MARKER + b"!"
    entry = data.index(b"avc1", data.index(b"stsd"))
    data[entry + 4 + 42 : entry + 4 + 42 + 8] = b"\x07" + MARKER
    data[entry + 4 + 12 : entry + 4 + 16] = b"PLNT"
    copy = clean(bytes(data))
    assert copy.data == clean(film()).data
    assert {Removed.TIME, Removed.SOFTWARE} <= copy.removed


@pytest.mark.parametrize(
    "matrix",
    [
        (0, 0x10000, 0, -0x10000, 0, 0, 48 << 16, 0, 0x4000_0000),
        (-0x10000, 0, 0, 0, -0x10000, 0, 64 << 16, 48 << 16, 0x4000_0000),
        (0, -0x10000, 0, 0x10000, 0, 0, 0, 64 << 16, 0x4000_0000),
    ],
)
def test_a_picture_taken_sideways_stays_turned(clean: Clean, matrix: tuple[int, ...]) -> None:
    data = bytearray(film())
    at = data.index(b"tkhd") + 4 + 40
    struct.pack_into(">9i", data, at, *matrix)
    after = clean(bytes(data)).data
    assert struct.unpack_from(">9i", after, after.index(b"tkhd") + 4 + 40) == matrix
    assert shown(after) == shown(film())


def test_a_matrix_that_is_no_turn_is_none(clean: Clean) -> None:
    data = bytearray(film())
    at = data.index(b"tkhd") + 4 + 40
    data[at : at + 36] = (MARKER * 6)[:36]
    assert clean(bytes(data)).data == clean(film()).data


def test_the_header_comes_first_so_that_a_film_plays_before_it_is_all_there(clean: Clean) -> None:
    data = clean(film()).data
    assert data.index(b"moov") < data.index(b"mdat")


def trimmed(data: bytes, begin: float, seconds: float) -> bytes:
    """A film of which only a part is to be shown, as phones write it: by changing the first edit of each track."""
    changed = bytearray(data)
    at = changed.find(b"elst")
    while at >= 0:
        scale_at = changed.index(b"mdhd", at) + 16
        (scale,) = struct.unpack_from(">I", changed, scale_at)
        count, _, media_time = struct.unpack_from(">IIi", changed, at + 8)
        assert count == 1
        struct.pack_into(">Ii", changed, at + 12, round(seconds * 1000), media_time + round(begin * scale))
        at = changed.find(b"elst", at + 4)
    return bytes(changed)


@pytest.mark.parametrize(("begin", "seconds"), [(0, 0.6), (1.6, 1.0), (2.5, 1.5), (3.2, 0.8)])
@pytest.mark.parametrize("kind", ["mp4", "mov"])
def test_what_was_trimmed_away_is_gone_and_the_rest_is_shown_as_before(
    clean: Clean, kind: str, begin: float, seconds: float
) -> None:
    original = trimmed(film(kind, seconds=4), begin, seconds)
    copy = clean(original)
    assert shown(copy.data) == shown(original)
    assert len(shown(original)) < 0.7 * len(shown(film(kind, seconds=4)))
    assert len(copy.data) < len(original) * 0.7
    assert Removed.HIDDEN_CONTENT in copy.removed
    assert clean(copy.data).data == copy.data
    assert clean(copy.data).removed == frozenset()


@pytest.mark.parametrize(("begin", "seconds"), [(0.8, 1.0), (2.0, 1.0), (0, 1.5), (0, 4)])
def test_of_what_was_trimmed_away_pictures_that_others_need_are_told(
    clean: Clean, begin: float, seconds: float
) -> None:
    """Made with one picture in two seconds that decodes on its own."""
    copy = clean(trimmed(film(seconds=4, options=(("g", "50"), ("bf", "0"))), begin, seconds))
    with av.open(io.BytesIO(copy.data), "r", options={"ignore_editlist": "1"}) as opened:
        held = sum(1 for _ in opened.decode(video=0))
    seen = sum(1 for each in shown(copy.data) if each[0] == "picture")
    assert (Noted.TRIMMED in copy.noted) == (held > seen + 6) == (begin == 0.8)


@pytest.mark.parametrize("kind", ["h264-aac", "hevc", "mov", "mov-mjpeg-pcm", "m4a"])
@pytest.mark.parametrize("part", [0.5, 0.9, 0.999])
def test_of_a_film_that_was_cut_off_stays_what_is_there(clean: Clean, kind: str, part: float) -> None:
    """As many samples of each track as lie in the file: counted by the tables of a film whose header comes first."""
    whole = clean(KINDS[kind]()).data
    data = whole[: round(len(whole) * part)]
    copy = clean(data)
    assert Removed.INCOMPLETE in copy.removed
    told = {each for each in shown(copy.data) if "pcm" not in kind or each[0] == "picture"}
    assert told <= set(shown(whole))  # plain sound is cut anywhere
    # Frames lie in the file in the order of their times, but for the few that wait for others.
    assert abs(len(shown(copy.data)) - part * len(shown(whole))) < len(shown(whole)) / 4
    assert len(copy.data) > 0.9 * len(data) - 1000
    again = clean(copy.data)
    assert (again.data, again.removed) == (copy.data, frozenset())


def test_of_fragments_that_were_cut_off_stay_the_whole_ones(clean: Clean) -> None:
    original = KINDS["fragments"]()
    last = original.rindex(b"moof")
    for end in (last + 30, original.index(b"mdat", last) + 100):
        copy = clean(original[:end])
        assert set(shown(copy.data)) < set(shown(clean(original).data))
        assert len(shown(copy.data)) > len(shown(clean(original).data)) / 4
        assert (Removed.INCOMPLETE in copy.removed) == (end > last + 30)


@pytest.mark.parametrize(("lost", "left"), [(0, "sound"), (1, "picture")])
def test_of_a_film_that_lost_a_whole_track_the_other_stays(clean: Clean, lost: int, left: str) -> None:
    """As of one whose chapters' pictures lie behind the sound of hours."""
    whole = clean(film()).data
    data = bytearray(whole)
    table = [place.start() for place in re.finditer(b"stco", whole)][lost]
    (count,) = struct.unpack_from(">I", data, table + 8)
    struct.pack_into(f">{count}I", data, table + 12, *[len(data)] * count)
    copy = clean(bytes(data))
    assert shown(copy.data) == [each for each in shown(whole) if each[0] == left]
    assert Removed.INCOMPLETE in copy.removed


def test_a_film_without_any_of_its_pictures_is_refused(refusal_of: RefusalOf, clean: Clean) -> None:
    whole = clean(KINDS["h264-alone"]()).data
    assert refusal_of(whole[: whole.index(b"mdat") + 8]) is Refusal.DAMAGED


def test_messages_without_words_stay(clean: Clean) -> None:
    brightness = b"\0\0\0\1\x06\x90\x04\x03\xe8\x01\x90\x80"
    assert b"\x90\x04\x03\xe8\x01\x90\x80" in clean(film(said=AVC_WORDS + brightness)).data


@pytest.mark.parametrize("place", [b"moov/trak/mdia/minf/dinf/dref/url "])
def test_a_film_whose_samples_are_elsewhere_is_refused(refusal_of: RefusalOf, place: bytes) -> None:
    data = bytearray(film())
    data[data.index(b"url ") + 7] = 0
    assert refusal_of(bytes(data)) is Refusal.UNSUPPORTED


def test_an_encrypted_film_is_refused(refusal_of: RefusalOf) -> None:
    data = film().replace(b"avc1\0\0\0\0\0\0", b"encv\0\0\0\0\0\0", 1)
    assert refusal_of(data) is Refusal.ENCRYPTED


def test_a_film_whose_pictures_nobody_can_check_is_refused(refusal_of: RefusalOf) -> None:
    data = film().replace(b"avc1\0\0\0\0\0\0", b"zzzz\0\0\0\0\0\0", 1)
    assert refusal_of(data) is Refusal.UNSUPPORTED


def test_a_picture_that_would_decode_to_far_more_is_refused(refusal_of: RefusalOf) -> None:
    data = bytearray(film())
    entry = data.index(b"avc1", data.index(b"stsd"))
    struct.pack_into(">HH", data, entry + 4 + 24, 65000, 65000)
    assert refusal_of(bytes(data)) is Refusal.PIXELS


def test_chunks_that_share_their_bytes_are_refused(refusal_of: RefusalOf) -> None:
    """Two tracks, each of them nearly as long as the file, that begin where the file does."""
    data = bytearray(film())
    for found in re.finditer(b"stsz|stco", data):
        at = found.start() + (12 if found[0] == b"stsz" else 8)
        (count,) = struct.unpack_from(">I", data, at)
        value = len(data) * 9 // (10 * count) if found[0] == b"stsz" else 0
        struct.pack_into(f">{count}I", data, at + 4, *[value] * count)
    assert refusal_of(bytes(data)) is Refusal.DAMAGED


@pytest.mark.parametrize("table", [b"stsz", b"stco", b"stts", b"stsc", b"stss", b"ctts"])
def test_a_table_that_promises_more_than_there_is_allocates_nothing(refusal_of: RefusalOf, table: bytes) -> None:
    data = bytearray(film())
    at = data.index(table) + (12 if table == b"stsz" else 8)
    struct.pack_into(">I", data, at, 0xFFFF_FF00)
    assert refusal_of(bytes(data)) in {Refusal.BOMB, Refusal.DAMAGED}


def test_too_many_tracks_are_a_bomb(refusal_of: RefusalOf) -> None:
    data = film()
    at = find(data, b"moov/trak")
    track = data[at : at + int.from_bytes(data[at : at + 4], "big")]
    assert refusal_of(plant(data, b"moov", track * limits.FILM_STREAMS)) is Refusal.BOMB


LEFT_BEHIND: Mapping[str, Callable[[bytes], bytes]] = {
    "a time": lambda data: data.replace(b"mvhd" + bytes(12), b"mvhd" + bytes(8) + b"\0\0\0\1", 1),
    "a name": lambda data: data.replace(b"vide" + bytes(13), b"vide" + bytes(12) + b"x", 1),
    "a language": lambda data: data.replace(b"\x55\xc4\0\0", b"\x2d\xc7\0\0", 1),
    "an encoder": lambda data: data.replace(bytes(32) + b"\0\x18", bytes(31) + b"x\0\x18", 1),
    "another brand": lambda data: data.replace(b"isomiso2", b"isomPLNT", 1),
    "a byte of nobody": lambda data: _longer(data, b"x"),
    "bytes after the end": lambda data: data + b"x",
    "user data in a picture": lambda data: _with_unit(data, b"\x06"),
    "a filler in a picture": lambda data: _with_unit(data, b"\x0c"),
}


def _longer(data: bytes, extra: bytes) -> bytes:
    at = data.index(b"mdat") - 4
    return data[:at] + struct.pack(">I", len(data) - at + len(extra)) + data[at + 4 :] + extra


def _with_unit(data: bytes, head: bytes) -> bytes:
    """The first unit of the first picture, of another kind."""
    at = data.index(b"mdat") + 8
    return data[:at] + head + data[at + 1 :]


@pytest.mark.parametrize("what", LEFT_BEHIND)
def test_verify_refuses_what_clean_might_have_left(what: str) -> None:
    clean_data = clean_copy(film(sound=None)).data
    changed = LEFT_BEHIND[what](clean_data)
    assert changed != clean_data
    with pytest.raises(Residue):
        verify(Source.of(changed), "video/mp4")


def test_how_colours_are_meant_stays_without_the_bits_beside_it() -> None:
    colours = box(b"colr", b"nclx", struct.pack(">HHHB", 1, 13, 6, 0xFF))
    data = bytearray(plant(film(sound=None), b"moov/trak/mdia/minf/stbl/stsd", colours))
    entry = data.index(b"avc1", data.index(b"stsd")) - 4
    data[entry : entry + 4] = (int.from_bytes(data[entry : entry + 4]) + len(colours)).to_bytes(4)
    copy, meant = clean_copy(bytes(data)).data, colours[:-1] + b"\x80"
    assert meant in copy
    with pytest.raises(Residue):
        verify(Source.of(copy.replace(meant, colours)), "video/mp4")


def test_a_large_film_takes_little_memory(tmp_path: Path) -> None:
    """96 MiB of uncompressed sound, from one file into another."""
    data = film("mov", picture=None, sound="pcm_s16le", seconds=1)
    start, size = data.index(b"mdat") + 4, int.from_bytes(data[data.index(b"mdat") - 4 :][:4], "big") - 8
    copies = 96 * limits.MIB // size
    long = bytearray(data[start + size :].replace(b"edts", b"free"))  # its edit would show the first second only
    # One chunk of everything; sound of one size needs no other table.
    struct.pack_into(">I", long, long.index(b"stsz") + 12, size // 2 * copies)
    struct.pack_into(">III", long, long.index(b"stsc") + 8, 1, 1, size // 2 * copies)
    struct.pack_into(">III", long, long.index(b"stts") + 8, 1, size // 2 * copies, 1)
    struct.pack_into(">II", long, long.index(b"stco") + 8, 1, start)
    path = tmp_path / "long.mov"
    with path.open("wb") as file:
        file.write(data[: start - 8] + struct.pack(">I4s", 8 + size * copies, b"mdat"))
        for _ in range(copies):
            file.write(data[start : start + size])
        file.write(long)
    with path.open("rb") as file, (tmp_path / "clean.mov").open("w+b") as out:
        sink = Sink(out)
        tracemalloc.start()
        try:
            pipeline.clean(Source(file, path.stat().st_size), sink, pipeline.new_cleaning(Mode.LOSSLESS))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert sink.size > 95 * limits.MIB
    assert peak < 8 * limits.MIB


@pytest.mark.parametrize("by_ffmpeg", [False, True])
def test_what_is_said_of_people_is_no_sound(by_ffmpeg: bool) -> None:  # noqa: FBT001 - a parameter
    """Where the table of chunks is damaged, it may say that sound is where the author's name is."""
    registry.load_all(codecs=True)
    data = bytearray(plant(film("ipod", None, "aac", seconds=0.1), b"moov", box(b"free", MARKER * 500)))
    place = find(bytes(data), b"moov/trak/mdia/minf/stbl/stco") + 16
    assert data[place : place + 4] == struct.pack(">I", data.index(b"mdat") + 4)
    data[place : place + 4] = struct.pack(">I", data.index(MARKER * 500))
    if by_ffmpeg:
        data += data[find(bytes(data), b"moov") :]  # a second one, which is not for our reader
    with pytest.raises(Refused) as caught:
        clean_copy(bytes(data), by_ffmpeg=by_ffmpeg)
    assert caught.value.refusal is Refusal.SOUND_OR_FILM


def test_a_recording_of_a_telephone_that_lost_its_first_word_is_no_residue() -> None:
    clean_or_refuse(film("3gp", None, "libopencore_amrnb").replace(b"ftyp", b"free", 1))
