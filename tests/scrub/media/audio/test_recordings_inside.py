"""What is special to each format of recordings: information frames, ancillary data, chunks, streams, blocks."""

from __future__ import annotations

import re
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastcrc import crc32

from fieldreport.scrub import Refusal, Removed
from fieldreport.scrub.format import Source
from fieldreport.scrub.media.audio.adts.verify import verify
from fieldreport.scrub.media.audio.adts.write import _length
from fieldreport.scrub.media.audio.mp3.write import _shape
from fieldreport.scrub.media.audio.ogg.verify import verify as verify_ogg
from fieldreport.scrub.verdicts import Residue
from tests.scrub.conftest import Clean, RefusalOf
from tests.scrub.media.audio.recordings import MARKER, decode, encode, riff_chunk


def mp3() -> bytes:
    return encode("mp3", "libmp3lame", tagged=False)


def after_id3(data: bytes) -> bytes:
    return data[data.index(b"\xff\xfb") :]


# --- MP3 ---


def test_the_encoder_is_the_one_that_every_recording_names_and_playback_stays_gapless(clean: Clean) -> None:
    original = after_id3(mp3())
    copy = clean(original).data
    at = copy.index(b"Info")
    before, after = original[original.index(b"Info") + 120 :], copy[at + 120 :]
    assert after[:9] == b"LAME3.100"
    assert after[21:24] == before[21:24] != bytes(3), "samples to skip at both ends"
    assert after[9:21] == bytes(12), "settings of the encoder"
    frames, total = struct.unpack(">II", copy[at + 8 : at + 16])
    assert total == len(copy)
    assert frames == struct.unpack(">I", original[original.index(b"Info") + 8 :][:4])[0]
    places = copy[at + 16 : at + 116]
    assert list(places) == sorted(places)
    assert Removed.SOFTWARE in clean(original).removed


def test_a_description_in_a_frame_whose_header_is_damaged_is_written_anew_too(clean: Clean) -> None:
    """It stands where mono puts it, and the header says stereo, or the other way round."""
    original = bytearray(after_id3(mp3()))
    original[3] ^= 0xC0
    copy = clean(bytes(original)).data
    assert copy.count(b"Info") == 1
    at = copy.index(b"Info")
    assert copy[at + 120 : at + 129] in {b"LAME3.100", bytes(9)}
    assert copy[at + 129 : at + 141] == bytes(12), "settings of the encoder"
    assert clean(copy).data == copy


@pytest.mark.outside
def test_names_between_the_sounds_are_zeroed_and_nothing_is_heard_of_it(clean: Clean) -> None:
    """Encoders write their name where a frame has bytes to spare; silence has many."""
    original = silence()
    assert original.count(b"LAME3.100") > 3
    copy = clean(original)
    assert b"LAME" not in copy.data
    assert decode(copy.data) == decode(original)
    assert len(copy.data) == len(original)


def ffmpeg(source: str, *arguments: str) -> bytes:
    """What the distribution's own FFmpeg makes of a source of its own, through a pipe."""
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", source, *arguments, "-"]
    return subprocess.run(command, capture_output=True, check=True).stdout


def silence() -> bytes:
    codec = ("-c:a", "libmp3lame", "-b:a", "128k", "-id3v2_version", "0", "-f", "mp3")
    return ffmpeg("anullsrc=r=44100:cl=stereo", "-t", "2", *codec)


def test_private_bits_are_zero_and_the_checksum_fits_again(clean: Clean) -> None:
    original = bytearray(after_id3(mp3()))
    plain = clean(bytes(original)).data
    first = _shape(bytes(original[:4]))
    assert first is not None
    second = first.length
    original[second + 2] |= 1
    original[second + 5] |= 0x70  # the private bits of the side information, behind nine bits
    copy = clean(bytes(original))
    assert copy.data == plain
    assert Removed.OTHER_METADATA in copy.removed


def test_something_between_two_frames_goes(clean: Clean) -> None:
    original = after_id3(mp3())
    middle = original.index(b"\xff\xfb", 5000)
    copy = clean(original[:middle] + MARKER * 30 + original[middle:])
    assert MARKER not in copy.data
    assert Removed.TRAILING_DATA in copy.removed
    assert copy.data == clean(original).data


@pytest.mark.parametrize("zeros", [1, 200, 5000, 100_000])
@pytest.mark.parametrize("container", ["mp3", "adts"])
def test_zeros_in_front_are_passed_over(clean: Clean, container: str, zeros: int) -> None:
    original = after_id3(mp3()) if container == "mp3" else encode("adts", "aac", tagged=False)
    copy = clean(bytes(zeros) + original)
    assert copy == clean(original)


@pytest.mark.parametrize(("rate", "bits"), [(44_100, "128000"), (22_050, "32000"), (8_000, "8000")])
def test_the_description_of_fraunhofers_encoders_becomes_the_usual_one(clean: Clean, rate: int, bits: str) -> None:
    """Of 26 bytes and a table, 32 after the header; in frames that are too small for the usual one, too."""
    plain = encode(
        "mp3", "libmp3lame", rate=rate, layout="mono", tagged=False, options=(("b", bits), ("write_xing", "0"))
    )
    sound = plain[plain.index(b"\xff") :]
    header = sound[:4]
    shape = _shape(header)
    assert shape is not None
    described = b"VBRI" + struct.pack(">HHHIIHHHH", 1, 576, 75, len(sound), 40, 1, 1, 1, 40) + MARKER
    original = (header + bytes(32) + described).ljust(shape.length, b"\0") + sound
    copy = clean(original)
    assert MARKER not in copy.data
    assert b"VBRI" not in copy.data
    (tag,) = re.finditer(b"Info|Xing", copy.data)
    assert copy.data[tag.start() + 8 :][:4] == struct.pack(">I", len(list(frames_of(sound))))
    assert decode(copy.data) == decode(original)
    assert clean(copy.data).data == copy.data


def frames_of(sound: bytes) -> Iterator[bytes]:
    position = 0
    while (shape := _shape(sound[position : position + 4])) is not None:
        yield sound[position : position + shape.length]
        position += shape.length


# --- AAC ---


def test_the_name_that_an_encoder_leaves_in_a_first_frame_goes(clean: Clean) -> None:
    original = encode("adts", "aac", tagged=False)
    assert b"Lavc" in original
    copy = clean(original)
    assert b"Lavc" not in copy.data
    assert Removed.SOFTWARE in copy.removed
    assert decode(copy.data) == decode(original)


@pytest.mark.parametrize("layout", ["mono", "stereo", "4.0", "5.1"])
def test_aac_of_any_number_of_channels_is_taken_and_its_private_bit_is_not(clean: Clean, layout: str) -> None:
    original = bytearray(encode("adts", "aac", tagged=False, layout=layout))
    channels = {"mono": 1, "stereo": 2, "4.0": 4, "5.1": 6}[layout]
    assert (original[2] & 1) << 2 | original[3] >> 6 == channels
    place = 0
    while place < len(original):
        original[place + 2] |= 2
        place += _length(bytes(original[place : place + 7]))
    copy = clean(bytes(original))
    assert copy.data[2] & 2 == 0
    assert decode(copy.data) == decode(bytes(original))
    with pytest.raises(Residue):
        verify(Source.of(bytes(original)), "audio/aac")


def test_something_between_two_frames_of_aac_goes(clean: Clean) -> None:
    original = encode("adts", "aac", tagged=False)
    second = _length(original[:7])
    third = second + _length(original[second : second + 7])
    copy = clean(original[:third] + MARKER * 30 + original[third:])
    assert MARKER not in copy.data
    assert copy.data == clean(original).data
    assert Removed.TRAILING_DATA in copy.removed


# --- WAV ---


def with_chunks(*chunks: bytes, behind: bool) -> bytes:
    original = encode("wav", "pcm_s16le", tagged=False)
    at = len(original) if behind else 12
    return original[:at] + b"".join(chunks) + original[at:]


@pytest.mark.parametrize("behind", [True, False])
@pytest.mark.parametrize(
    ("chunk", "expected"),
    [
        (riff_chunk(b"bext", MARKER * 90), {Removed.AUTHOR, Removed.TIME, Removed.IDENTIFIERS}),
        (riff_chunk(b"iXML", MARKER), {Removed.DEVICE}),
        (riff_chunk(b"LIST", b"INFO" + riff_chunk(b"IART", MARKER) + riff_chunk(b"ICRD", b"2026")), {Removed.AUTHOR}),
        (riff_chunk(b"LIST", b"adtl" + riff_chunk(b"labl", bytes(4) + MARKER)), {Removed.COMMENTS}),
        (riff_chunk(b"cue ", struct.pack("<I", 0)), {Removed.COMMENTS}),
        (riff_chunk(b"id3 ", b"ID3\3\0\0\0\0\0\x10TPE1" + struct.pack(">IH", 6, 0) + MARKER), {Removed.AUTHOR}),
        (riff_chunk(b"JUNK", MARKER), {Removed.OTHER_METADATA}),
        (riff_chunk(b"JUNK", bytes(28)), set()),
        (riff_chunk(b"zzzz", MARKER), {Removed.OTHER_METADATA}),
    ],
    ids=["bext", "ixml", "info", "labels", "cues", "id3", "junk", "empty-junk", "unknown"],
)
def test_chunks_that_do_not_sound_go(clean: Clean, chunk: bytes, expected: set[Removed], behind: bool) -> None:  # noqa: FBT001 - a parameter
    copy = clean(with_chunks(chunk, behind=behind))
    assert copy.data == clean(encode("wav", "pcm_s16le", tagged=False)).data
    assert expected <= copy.removed


def test_a_recorder_that_left_no_lengths_is_read_to_the_end(clean: Clean) -> None:
    original = bytearray(clean(encode("wav", "pcm_s16le")).data)
    samples = decode(bytes(original))
    struct.pack_into("<I", original, 4, 0xFFFF_FFFF)
    struct.pack_into("<I", original, original.index(b"data") + 4, 0xFFFF_FFFF)
    assert decode(clean(bytes(original)).data) == samples


@pytest.mark.parametrize("change", [(20, 0x0161), (20, 0x0055), (22, 0), (32, 0)])
def test_a_codec_that_is_not_known_or_makes_no_sense_is_refused(refusal_of: RefusalOf, change: tuple[int, int]) -> None:
    original = bytearray(encode("wav", "pcm_s16le", tagged=False))
    struct.pack_into("<H", original, *change)
    assert refusal_of(bytes(original)) in {Refusal.UNSUPPORTED, Refusal.DAMAGED}


def test_chunks_without_end_are_a_bomb(refusal_of: RefusalOf) -> None:
    assert refusal_of(with_chunks(*[riff_chunk(b"JUNK", b"")] * 2000, behind=False)) is Refusal.BOMB


# --- FLAC ---


def flac_block(kind: int, body: bytes) -> bytes:
    return bytes((kind,)) + len(body).to_bytes(3, "big") + body


def test_blocks_of_flac_that_do_not_sound_go(clean: Clean) -> None:
    original = encode("flac", "flac")
    blocks = (flac_block(2, MARKER), flac_block(6, MARKER * 9), flac_block(5, bytes(396)), flac_block(1, MARKER))
    copy = clean(original[:42] + b"".join(blocks) + original[42:])
    assert MARKER not in copy.data
    assert copy.data == clean(original).data
    assert {Removed.THUMBNAIL, Removed.OTHER_METADATA, Removed.DESCRIPTION} <= copy.removed


def test_bytes_between_two_frames_of_flac_are_no_frame(clean: Clean, refusal_of: RefusalOf) -> None:
    """The recording ends where the checksum does not hold."""
    original = clean(encode("flac", "flac")).data
    second = original.index(b"\xff\xf8", 60)
    assert refusal_of(original[:second] + MARKER + original[second:]) is Refusal.DAMAGED


# --- Ogg ---


def ogg(*arguments: str, codec: str) -> bytes:
    tagged = ("-ac", "1", "-c:a", codec, "-metadata", "artist=PLANTED", *arguments)
    return ffmpeg("sine=frequency=440:sample_rate=16000", "-t", "3", *tagged, "-f", "ogg")


@pytest.mark.outside
@pytest.mark.parametrize("codec", ["libvorbis", "libspeex", "flac", "libopus"])
def test_every_codec_in_ogg_sounds_as_before_and_says_nothing(clean: Clean, codec: str) -> None:
    original = ogg(codec=codec)
    assert MARKER in original
    copy = clean(original)
    assert MARKER not in copy.data
    assert b"Lav" not in copy.data
    assert b"Xiph" not in copy.data
    assert decode(copy.data) == decode(original)
    assert clean(copy.data).data == copy.data
    assert clean(copy.data).removed == frozenset()
    assert Removed.AUTHOR in copy.removed


@pytest.mark.outside
def test_a_second_stream_beside_the_sound_goes(clean: Clean) -> None:
    """Interleaved by hand: the first pages of both, then the rest of both."""
    one, other = ogg(codec="libvorbis"), ogg("-metadata", "title=PLANTED2", codec="libspeex")
    cut_one, cut_other = one.index(b"OggS", 4), other.index(b"OggS", 4)
    both = one[:cut_one] + other[:cut_other] + one[cut_one:] + other[cut_other:]
    copy = clean(both)
    assert b"PLANTED" not in copy.data
    assert Removed.HIDDEN_CONTENT in copy.removed
    assert decode(copy.data) == decode(one)


@pytest.mark.outside
def test_one_recording_chained_to_another_is_refused(refusal_of: RefusalOf) -> None:
    assert refusal_of(ogg(codec="libvorbis") + ogg(codec="libvorbis")) is Refusal.UNSUPPORTED


def page(number: int, flags: int, granule: int, lacing: bytes, body: bytes, serial: int = 1) -> bytes:
    whole = bytearray(struct.pack("<4sBBqIIIB", b"OggS", 0, flags, granule, serial, number, 0, len(lacing)))
    whole += lacing + body
    whole[22:26] = (crc32.cksum(bytes(whole)) ^ 0xFFFF_FFFF).to_bytes(4, "little")
    return bytes(whole)


def with_late_packet(clean_ogg: bytes, packet: bytes, *, flags: int = 0) -> bytes:
    """A clean recording of stream 1 with a page that holds this packet before its last page, all numbered again."""
    pages = [found for found in re.split(b"(?=OggS\0)", clean_ogg) if found]
    granule = struct.unpack_from("<q", pages[-2], 6)[0]
    lacing = b"\xff" * (len(packet) // 255) + bytes((len(packet) % 255,))
    late = page(len(pages) - 1, flags, granule, lacing, packet)
    last = pages[-1]
    segments = last[26]
    moved = page(
        len(pages), last[5], struct.unpack_from("<q", last, 6)[0], last[27 : 27 + segments], last[27 + segments :]
    )
    return b"".join(pages[:-1]) + late + moved


WORDS = bytes(4) + struct.pack("<II", 1, 14) + b"artist=" + MARKER
LATE = {
    "libvorbis": (b"\3vorbis" + WORDS + b"\1", "audio/ogg"),
    "libopus": (b"OpusTags" + WORDS, "audio/opus"),
    "flac": (b"\x84\0\0" + bytes((len(WORDS),)) + WORDS, "audio/ogg"),
}


@pytest.mark.outside
@pytest.mark.parametrize("codec", LATE)
def test_a_comment_among_the_sound_is_refused(clean: Clean, refusal_of: RefusalOf, codec: str) -> None:
    packet, media_type = LATE[codec]
    plain = clean(ogg(codec=codec)).data
    planted = with_late_packet(plain, packet)
    assert refusal_of(planted) is Refusal.DAMAGED
    with pytest.raises(Residue):
        verify_ogg(Source.of(planted), media_type)


@pytest.mark.outside
def test_a_page_that_goes_on_with_nothing_is_refused(clean: Clean, refusal_of: RefusalOf) -> None:
    """Decoders pass over what is said to go on with a packet that has ended."""
    planted = with_late_packet(clean(ogg(codec="libopus")).data, MARKER, flags=1)
    assert refusal_of(planted) is Refusal.DAMAGED
    with pytest.raises(Residue):
        verify_ogg(Source.of(planted), "audio/opus")


# --- readers that share no code with ours ---


@pytest.mark.outside
def test_exiftool_and_ffprobe_find_nothing_said(clean: Clean, tmp_path: Path) -> None:
    made = {
        "a.mp3": encode("mp3", "libmp3lame"),
        "a.flac": encode("flac", "flac"),
        "a.opus": encode("ogg", "libopus", rate=48_000),
        "a.ogg": ogg(codec="libvorbis"),
        "a.wav": with_chunks(riff_chunk(b"bext", MARKER * 90), behind=False),
    }
    for name, data in made.items():
        (tmp_path / name).write_bytes(clean(data).data)
        said = subprocess.run(
            ["exiftool", "-a", "-u", "-U", "-G1", "-ee3", str(tmp_path / name)], capture_output=True, check=True
        ).stdout
        assert b"PLANTED" not in said
        assert b"Artist" not in said
        assert b"Error" not in said
        probed = subprocess.run(
            ["ffprobe", "-v", "warning", "-show_format", "-show_streams", str(tmp_path / name)],
            capture_output=True,
            check=True,
        )
        assert b"PLANTED" not in probed.stdout
        assert b"TAG:artist" not in probed.stdout
        assert probed.stderr == b"", name
