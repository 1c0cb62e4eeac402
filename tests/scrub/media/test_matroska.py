"""Matroska and WebM: the same pictures and sounds at the same times, and nothing beside them."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping

import pytest

from fieldreport import limits
from fieldreport.scrub import Refusal, Removed
from fieldreport.scrub.format import Source
from fieldreport.scrub.media.matroska.verify import verify
from fieldreport.scrub.verdicts import Residue
from tests.scrub.conftest import CleanCopy, clean_copy
from tests.scrub.media.films import MARKER, film, shown, streams

Clean = Callable[[bytes], CleanCopy]
RefusalOf = Callable[[bytes], Refusal]

LIVE = (("live", "1"), ("cluster_time_limit", "300"))
AVC_WORDS = b"\0\0\0\1\x06\x05\x17" + bytes(range(1, 17)) + MARKER + b"\x80"

KINDS: Mapping[str, Callable[[], bytes]] = {
    "vp8-opus": lambda: film("webm", picture="libvpx", sound="libopus"),
    "vp9": lambda: film("webm", picture="libvpx-vp9", sound="libopus"),
    "av1": lambda: film("webm", picture="libsvtav1", sound=None),
    "sound": lambda: film("webm", picture=None, sound="libopus"),
    "live": lambda: film("webm", picture="libvpx-vp9", sound="libopus", options=LIVE),
    "h264-aac": lambda: film("matroska", said=AVC_WORDS),
    "hevc": lambda: film("matroska", picture="libx265"),
    "mpeg4-mp3": lambda: film("matroska", picture="mpeg4", sound="libmp3lame", said=b"\0\0\1\xb2" + MARKER),
    "mjpeg-pcm": lambda: film("matroska", picture="mjpeg", sound="pcm_s16le"),
    "flac": lambda: film("matroska", picture=None, sound="flac"),
}
TYPES = {
    "h264-aac": "video/x-matroska",
    "hevc": "video/x-matroska",
    "mpeg4-mp3": "video/x-matroska",
    "mjpeg-pcm": "video/x-matroska",
    "flac": "audio/x-matroska",
    "sound": "audio/webm",
}

# --- a small EBML of the tests' own, to plant with ---

SEGMENT, INFO, TRACKS, ENTRY, VIDEO, CLUSTER = 0x18538067, 0x1549A966, 0x1654AE6B, 0xAE, 0xE0, 0x1F43B675
SIMPLE, GROUP, BLOCK = 0xA3, 0xA0, 0xA1
_MASTERS = {SEGMENT, INFO, TRACKS, ENTRY, VIDEO, CLUSTER}

Tree = list[tuple[int, "Tree | bytes"]]


def parse(data: bytes) -> Tree:
    found: Tree = []
    for kind, content in _pieces(data):
        found.append((kind, parse(content) if kind in _MASTERS else content))
    return found


def _pieces(data: bytes) -> Iterator[tuple[int, bytes]]:
    position = 0
    while position < len(data):
        width = 9 - data[position].bit_length()
        kind = int.from_bytes(data[position : position + width], "big")
        position += width
        width = 9 - data[position].bit_length()
        length = int.from_bytes(data[position : position + width], "big") & ((1 << 7 * width) - 1)
        position += width
        yield kind, data[position : position + length]
        position += length


def serialise(tree: Tree) -> bytes:
    return b"".join(ebml(kind, content if isinstance(content, bytes) else serialise(content)) for kind, content in tree)


def ebml(kind: int, content: bytes) -> bytes:
    return kind.to_bytes((kind.bit_length() + 7) // 8, "big") + struct.pack(">Q", len(content) | 1 << 56) + content


def inside(tree: Tree, *path: int) -> Tree:
    """The first element of each kind on the way down."""
    for kind in path:
        tree = next(content for name, content in tree if name == kind and not isinstance(content, bytes))
    return tree


def planted(data: bytes, path: tuple[int, ...], kind: int, content: bytes) -> bytes:
    tree = parse(data)
    inside(tree, SEGMENT, *path).append((kind, content))
    return serialise(tree)


def tag(name: bytes) -> bytes:
    return ebml(0x7373, ebml(0x63C0, b"") + ebml(0x67C8, ebml(0x45A3, name) + ebml(0x4487, MARKER)))


def simple_blocks(tree: Tree) -> Iterator[tuple[Tree, int, bytes]]:
    """Every block with its cluster and its place in it."""
    for name, content in inside(tree, SEGMENT):
        if name == CLUSTER and not isinstance(content, bytes):
            for index, (kind, block) in enumerate(content):
                if kind == SIMPLE and isinstance(block, bytes):
                    yield content, index, block


PLACES: Mapping[str, tuple[tuple[int, ...], int, bytes, Removed]] = {
    "tag of the place": ((), 0x1254C367, tag(b"LOCATION"), Removed.LOCATION),
    "tag of the author": ((), 0x1254C367, tag(b"ARTIST"), Removed.AUTHOR),
    "tag of the encoder": ((), 0x1254C367, tag(b"ENCODER"), Removed.SOFTWARE),
    "attachment": ((), 0x1941A469, ebml(0x61A7, ebml(0x466E, MARKER) + ebml(0x465C, MARKER)), Removed.EMBEDDED_FILE),
    "chapters": ((), 0x1043A770, ebml(0x45B9, ebml(0xB6, ebml(0x80, ebml(0x85, MARKER)))), Removed.DESCRIPTION),
    "filler": ((), 0xEC, MARKER, Removed.OTHER_METADATA),
    "unknown": ((), 0x4321, MARKER, Removed.OTHER_METADATA),
    "segment id": ((INFO,), 0x73A4, (MARKER * 3)[:16], Removed.IDENTIFIERS),
    "file name": ((INFO,), 0x7384, MARKER, Removed.PATHS),
    "date": ((INFO,), 0x4461, MARKER + b"!", Removed.TIME),
    "unknown of the header": ((INFO,), 0x4321, MARKER, Removed.SOFTWARE),
    "name of a track": ((TRACKS, ENTRY), 0x536E, MARKER, Removed.DESCRIPTION),
    "codec's name": ((TRACKS, ENTRY), 0x258688, MARKER, Removed.SOFTWARE),
    "subtitles": (
        (TRACKS,),
        ENTRY,
        ebml(0xD7, b"\x09") + ebml(0x83, b"\x11") + ebml(0x86, b"S_TEXT/UTF8") + ebml(0x63A2, MARKER),
        Removed.DESCRIPTION,
    ),
    "a line of subtitles": ((CLUSTER,), SIMPLE, b"\x89\0\0\x80" + MARKER, Removed.SOFTWARE),
    "filler between pictures": ((CLUSTER,), 0xEC, MARKER, Removed.SOFTWARE),
    "unknown between pictures": ((CLUSTER,), 0x4321, MARKER, Removed.SOFTWARE),
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_is_shown_and_nothing_planted_survives(clean: Clean, kind: str) -> None:
    original = KINDS[kind]()
    assert MARKER in original
    copy = clean(original)
    assert MARKER not in copy.data
    for name in (b"Lavc", b"Lavf", b"x264", b"x265", b"LAME", b"kor"):
        assert name not in copy.data
    assert shown(copy.data) == shown(original)
    assert [stream[:2] for stream in streams(copy.data)] == [stream[:2] for stream in streams(original)]
    assert copy.media_type == TYPES.get(kind, "video/webm")
    assert {Removed.SOFTWARE, Removed.DESCRIPTION} <= copy.removed


@pytest.mark.parametrize("place", PLACES)
def test_what_is_planted_in_one_place_goes_and_is_named(clean: Clean, place: str) -> None:
    path, kind, content, expected = PLACES[place]
    original = film("webm", picture="libvpx", sound="libopus")
    copy = clean(planted(original, path, kind, content))
    assert MARKER not in copy.data
    assert expected in copy.removed
    assert copy.data == clean(original).data


def test_an_unfinished_recording_becomes_one_that_can_be_searched(clean: Clean) -> None:
    data = clean(KINDS["live"]()).data
    tree = parse(data)
    assert [kind for kind, _ in inside(tree, SEGMENT)][-1] == 0x1C53BB6B
    duration = next(content for kind, content in inside(tree, SEGMENT, INFO) if kind == 0x4489)
    assert isinstance(duration, bytes)
    assert struct.unpack(">d", duration)[0] == pytest.approx(1000, abs=50)


def test_the_index_points_at_clusters(clean: Clean) -> None:
    data = clean(KINDS["live"]()).data
    start = data.index(b"\x11\x4d\x9b\x74")
    cues = data[data.rindex(b"\x1c\x53\xbb\x6b") :]
    places = [
        int.from_bytes(inner, "big")
        for _, point in _pieces(next(_pieces(cues))[1])
        for name, place in _pieces(point)
        if name == 0xB7
        for kind, inner in _pieces(place)
        if kind == 0xF1
    ]
    assert places
    assert all(data[start + place :][:4] == b"\x1f\x43\xb6\x75" for place in places)


def test_what_blocks_carry_beside_their_frames_goes(clean: Clean) -> None:
    original = clean(film("webm", picture="libvpx", sound=None)).data
    tree = parse(original)
    for cluster, index, block in list(simple_blocks(tree)):
        additions = ebml(0x75A1, ebml(0xA6, ebml(0xEE, b"\4") + ebml(0xA5, MARKER)))
        reference = b"" if block[3] & 0x80 else ebml(0xFB, b"\xd8")
        plain = block[:3] + bytes((block[3] & 0x7F,)) + block[4:]
        cluster[index] = (GROUP, ebml(BLOCK, plain) + additions + reference + ebml(0xA4, MARKER))
    copy = clean(serialise(tree))
    assert Removed.HIDDEN_CONTENT in copy.removed
    assert copy.data == original


@pytest.mark.parametrize("lacing", ["xiph", "ebml", "fixed"])
def test_frames_laced_together_stay_what_they_are(clean: Clean, lacing: str) -> None:
    original = film("matroska", picture=None, sound="libmp3lame" if lacing != "fixed" else "pcm_s16le")
    tree = parse(original)
    blocks = list(simple_blocks(tree))
    assert len(blocks) > 20
    for (cluster, index, first), (_, following, second) in zip(blocks[2:20:2], blocks[3:20:2], strict=True):
        size = len(first) - 4
        flags, sizes = {
            "xiph": (0x02, b"\xff" * (size // 255) + bytes((size % 255,))),
            "ebml": (0x06, struct.pack(">H", size | 0x4000)),
            "fixed": (0x04, b""),
        }[lacing]
        laced = first[:3] + bytes((first[3] | flags, 1)) + sizes + first[4:] + second[4:]
        cluster[index], cluster[following] = (SIMPLE, laced), (0xEC, b"")
    copy = clean(serialise(tree))
    assert [frame[2] for frame in shown(copy.data)] == [frame[2] for frame in shown(serialise(tree))]
    assert len(shown(copy.data)) >= len(blocks) - 2
    assert clean(copy.data).data == copy.data


def test_frames_whose_beginning_was_left_out_are_made_whole(clean: Clean) -> None:
    original = film("matroska", picture=None, sound="libmp3lame")
    tree = parse(original)
    for cluster, index, block in simple_blocks(tree):
        assert block[4:5] == b"\xff"
        cluster[index] = (SIMPLE, block[:4] + block[5:])
    for cluster in [inside(tree, SEGMENT, CLUSTER)]:  # the last one is a group, for it tells how it is to be cut
        for index, (kind, content) in enumerate(cluster):
            if kind == GROUP and isinstance(content, bytes):
                parts = [(name, part[:4] + part[5:] if name == BLOCK else part) for name, part in _pieces(content)]
                cluster[index] = (GROUP, b"".join(ebml(*part) for part in parts))
    compression = ebml(0x5034, ebml(0x4254, b"\3") + ebml(0x4255, b"\xff"))
    inside(tree, SEGMENT, TRACKS, ENTRY).append((0x6D80, ebml(0x6240, compression)))
    assert clean(serialise(tree)).data == clean(original).data


def test_a_picture_taken_sideways_stays_turned(clean: Clean) -> None:
    turned = ebml(0x7671, b"\0") + ebml(0x7675, struct.pack(">f", 90.0)) + ebml(0x7672, MARKER)
    data = planted(film("webm", picture="libvpx", sound=None), (TRACKS, ENTRY, VIDEO), 0x7670, turned)
    copy = clean(data)
    assert b"\x76\x75\x88" + struct.pack(">d", 90.0) in copy.data
    assert MARKER not in copy.data


@pytest.mark.parametrize(
    ("encoding", "refusal"),
    [
        (ebml(0x5035, ebml(0x47E1, b"\5")), Refusal.ENCRYPTED),
        (ebml(0x5034, ebml(0x4254, b"\0")), Refusal.UNSUPPORTED),
    ],
)
def test_encrypted_and_packed_tracks_are_refused(refusal_of: RefusalOf, encoding: bytes, refusal: Refusal) -> None:
    data = planted(film("webm", picture="libvpx", sound=None), (TRACKS, ENTRY), 0x6D80, ebml(0x6240, encoding))
    assert refusal_of(data) is refusal


def test_an_unknown_codec_is_refused(refusal_of: RefusalOf) -> None:
    data = film("webm", picture="libvpx", sound=None).replace(b"V_VP8", b"V_ZZZ")
    assert refusal_of(data) is Refusal.UNSUPPORTED


def test_a_picture_that_would_decode_to_far_more_is_refused(refusal_of: RefusalOf) -> None:
    data = planted(film("webm", picture="libvpx", sound=None), (TRACKS, ENTRY, VIDEO), 0xB0, b"\x0f\xff\xff\xff")
    assert refusal_of(data) is Refusal.PIXELS


def test_too_many_tracks_are_a_bomb(refusal_of: RefusalOf) -> None:
    tree = parse(film("webm", picture="libvpx", sound=None))
    tracks = inside(tree, SEGMENT, TRACKS)
    tracks += tracks * limits.FILM_STREAMS
    assert refusal_of(serialise(tree)) in {Refusal.BOMB, Refusal.DAMAGED}


def test_a_film_whose_blocks_belong_to_no_track_is_damaged(refusal_of: RefusalOf) -> None:
    original = KINDS["h264-aac"]()
    strange = original.replace(b"\xd7\x81\x01", b"\xd7\x81\x09").replace(b"\xd7\x81\x02", b"\xd7\x81\x0a")
    assert strange != original
    assert refusal_of(strange) is Refusal.DAMAGED


LEFT_BEHIND: Mapping[str, tuple[tuple[int, ...], int, bytes]] = {
    "a tag": ((), 0x1254C367, tag(b"ARTIST")),
    "a filler": ((), 0xEC, b""),
    "a date": ((INFO,), 0x4461, bytes(8)),
    "a name": ((TRACKS, ENTRY), 0x536E, b"x"),
    "a block of no track": ((CLUSTER,), SIMPLE, b"\x89\0\0\x80x"),
    "a filler in a cluster": ((CLUSTER,), 0xEC, b""),
}


@pytest.mark.parametrize("what", LEFT_BEHIND)
def test_verify_refuses_what_clean_might_have_left(what: str) -> None:
    data = clean_copy(film("webm", picture="libvpx", sound=None)).data
    head = data.index(b"\x18\x53\x80\x67")
    verify(Source.of(data[:head] + serialise(parse(data[head:]))), "video/webm")
    path, kind, content = LEFT_BEHIND[what]
    tree = parse(data[head:])
    inside(tree, SEGMENT, *path).append((kind, content))
    with pytest.raises(Residue):
        verify(Source.of(data[:head] + serialise(tree)), "video/webm")


@pytest.mark.parametrize(
    ("before", "after"),
    [(b"\x4d\x80\x81-", b"\x4d\x80\x81x"), (b"\x57\x41\x81-", b"\x57\x41\x81x"), (b"und", b"kor")],
)
def test_verify_refuses_words(before: bytes, after: bytes) -> None:
    data = clean_copy(film("webm", picture="libvpx", sound=None)).data
    assert before in data
    with pytest.raises(Residue):
        verify(Source.of(data.replace(before, after)), "video/webm")
