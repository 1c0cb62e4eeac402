"""What only FFmpeg reads: the same pictures and sounds in a container of ours, or coded again and said to be."""

from __future__ import annotations

import io
import itertools
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import av
import pytest

from fieldreport.scratch import Scratch
from fieldreport.scrub import Mode, Refusal, Removed, registry
from fieldreport.scrub.format import Source
from fieldreport.scrub.sandbox.service import Scrubber
from fieldreport.scrub.verdicts import Refused
from tests.scrub.conftest import CleanCopy, clean_copy
from tests.scrub.damaged import OGG
from tests.scrub.media import silence
from tests.scrub.media.audio.test_recordings_inside import LATE, with_late_packet
from tests.scrub.media.films import MARKER, film, repacked, shown, streams
from tests.scrub.media.test_bitstreams import swallowing
from tests.scrub.media.test_films_seen_from_outside import TURNED
from tests.scrub.media.test_matroska import CLUSTER, PLACES, SIMPLE, planted
from tests.scrub.media.test_mp4 import AVC_WORDS, HEVC_WORDS, find
from tests.scrub.media.test_transcode import brightness, loudness


@pytest.fixture(scope="module", autouse=True)
def _codecs_are_loaded() -> None:
    registry.load_all(codecs=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    make: Callable[[], bytes]
    becomes: str
    coded: str = ""  # "picture", "sound" or both: what is coded again
    seconds: float = 0.4


def kept(container: str, picture: str | None, sound: str | None, becomes: str, said: bytes = b"") -> Kind:
    return Kind(make=lambda: film(container, picture, sound, seconds=0.4, said=said), becomes=becomes)


def coded(container: str, picture: str | None, sound: str | None, what: str, becomes: str = "video/mp4") -> Kind:
    return Kind(make=lambda: film(container, picture, sound, seconds=0.4), becomes=becomes, coded=what)


def rf64() -> bytes:
    return film("wav", None, "pcm_s16le", options=(("rf64", "always"),), seconds=0.4)


def big_endian() -> bytes:
    """RIFX: as RIFF, every number the other way round."""
    original = film("aiff", None, "pcm_s16be", seconds=0.4)
    at = original.index(b"SSND")
    sound = original[at + 16 : at + 8 + int.from_bytes(original[at + 4 : at + 8], "big")]
    form = struct.pack(">HHIIHH", 1, 1, 44_100, 88_200, 2, 16)
    body = b"WAVEfmt " + struct.pack(">I", len(form)) + form + b"data" + struct.pack(">I", len(sound)) + sound
    return b"RIFX" + struct.pack(">I", len(body)) + body


def core_audio_opus() -> bytes:
    """As messengers of iPhones record: packets of Opus after a table of their sizes, and no header of the codec."""
    with av.open(io.BytesIO(film("ogg", None, "libopus", seconds=0.4)), "r") as opened:
        packets = [bytes(packet) for packet in opened.demux(audio=0) if packet.size]
    description = struct.pack(">d4s5I", 48_000.0, b"opus", 0, 0, 960, 1, 0)
    sizes = b"".join(
        bytes((0x80 | len(packet) >> 7, len(packet) & 0x7F)) if len(packet) > 127 else bytes((len(packet),))
        for packet in packets
    )
    table = struct.pack(">qqii", len(packets), 960 * len(packets), 0, 0) + sizes
    words = struct.pack(">I", 1) + b"artist\0" + MARKER + b"\0"
    chunks = ((b"desc", description), (b"info", words), (b"pakt", table), (b"data", bytes(4) + b"".join(packets)))
    return b"caff\0\1\0\0" + b"".join(kind + struct.pack(">q", len(body)) + body for kind, body in chunks)


def blu_ray() -> bytes:
    """The same transport stream after four bytes of time for each packet."""
    plain = film("mpegts", seconds=0.4, said=AVC_WORDS)
    return b"".join(bytes(4) + plain[at : at + 188] for at in range(0, len(plain), 188))


def on_the_air() -> bytes:
    """The same with sixteen bytes after each packet, which correct errors."""
    plain = film("mpegts", seconds=0.4, said=AVC_WORDS)
    return b"".join(plain[at : at + 188] + bytes(16) for at in range(0, len(plain), 188))


def subtitled() -> bytes:
    """What FFmpeg has to code again, with a line of text that PyAV opens a codec for."""
    path, kind, track, _ = PLACES["subtitles"]
    plain = film("matroska", "mpeg2video", "ac3", seconds=0.4)
    return planted(planted(plain, path, kind, track), (CLUSTER,), SIMPLE, b"\x89\0\0\x80" + MARKER)


def loas() -> bytes:
    """AAC as it is on the air, without the stream that carries it."""
    return film("latm", None, "aac", seconds=0.4)


KINDS: Mapping[str, Kind] = {
    "ts": kept("mpegts", "libx264", "aac", "video/mp4", AVC_WORDS),
    "m2ts": Kind(make=blu_ray, becomes="video/mp4"),
    "ts-204": Kind(make=on_the_air, becomes="video/mp4"),
    "loas": Kind(make=loas, becomes="audio/opus", coded="sound"),
    "ts-hevc": kept("mpegts", "libx265", "ac3", "video/mp4", HEVC_WORDS),
    "vob-h264": kept("vob", "libx264", "ac3", "video/mp4", AVC_WORDS),
    "flv": kept("flv", "libx264", "aac", "video/mp4", AVC_WORDS),
    "asf-h264": kept("asf", "libx264", "libmp3lame", "video/mp4", AVC_WORDS),
    "ogg-vp8": kept("ogg", "libvpx", "libopus", "video/x-matroska"),
    "h264": kept("h264", "libx264", None, "video/mp4", AVC_WORDS),
    "h265": kept("hevc", "libx265", None, "video/mp4", HEVC_WORDS),
    "caf-alac": kept("caf", None, "alac", "audio/mp4"),
    "caf-opus": Kind(make=core_audio_opus, becomes="audio/opus"),
    "caf-pcm": kept("caf", None, "pcm_s16be", "audio/wav"),
    "aiff": kept("aiff", None, "pcm_s16be", "audio/wav"),
    "au": kept("au", None, "pcm_s16be", "audio/wav"),
    "w64": kept("w64", None, "pcm_s16le", "audio/wav"),
    "rf64": Kind(make=rf64, becomes="audio/wav"),
    "rifx": Kind(make=big_endian, becomes="audio/wav"),
    "wavpack": kept("wv", None, "wavpack", "audio/wav"),
    "ac3": kept("ac3", None, "ac3", "audio/mp4"),
    "eac3": kept("eac3", None, "eac3", "audio/mp4"),
    "mov-mp3": kept("mov", "libx264", "libmp3lame", "video/mp4", AVC_WORDS),
    "truehd": Kind(make=silence.truehd, becomes="audio/wav"),
    "dts": Kind(make=silence.dts, becomes="audio/opus", coded="sound"),
    "mpg": coded("vob", "mpeg2video", "ac3", "picture"),
    "m2v": coded("mpeg2video", "mpeg2video", None, "picture"),
    "hdv": coded("mpegts", "mpeg2video", "mp2", "picture"),
    "wmv": coded("asf", "wmv2", "wmav2", "picture sound"),
    "wma": coded("asf", None, "wmav2", "sound", "audio/opus"),
    "flv1": coded("flv", "flv", "libmp3lame", "picture"),
    "dv": coded("dv", "dvvideo", "pcm_s16le", "picture", "video/x-matroska"),
    "xdcam": coded("mxf", "mpeg2video", "pcm_s16le", "picture", "video/x-matroska"),
    "prores": coded("mov", "prores", "pcm_s16le", "picture", "video/x-matroska"),
    "mkv-subtitles": Kind(make=subtitled, becomes="video/mp4", coded="picture"),
    "mkv-mpeg2": coded("matroska", "mpeg2video", "ac3", "picture"),
    "avi-huffyuv": coded("avi", "huffyuv", "pcm_s16le", "picture", "video/x-matroska"),
}
REFERENCE = {
    "ts": "libx264",
    "ts-204": "libx264",
    "vob-h264": "libx264",
    "asf-h264": "libx264",
    "h264": "libx264",
    "h265": "libx265",
}


def cleaned(name: str) -> CleanCopy:
    return clean_copy(KINDS[name].make(), by_ffmpeg=True)


def pictures(data: bytes) -> list[str]:
    """Hashes of the pictures in the order in which they are shown."""
    return [content for kind, _, content in shown(data) if kind == "picture"]


def samples(data: bytes) -> bytes:
    """All sound as 32 bits a sample."""
    found = bytearray()
    with av.open(io.BytesIO(data), "r") as opened:
        heard = opened.streams.audio[0]
        resampler = av.AudioResampler(format="s32", layout=heard.layout, rate=heard.rate)
        for frame in itertools.chain(opened.decode(heard), [None]):
            if frame is not None:
                frame.pts = None
            for piece in resampler.resample(frame):
                found += bytes(piece.planes[0])[: 4 * piece.samples * len(piece.layout.channels)]
    return bytes(found)


def beginning(data: bytes) -> dict[str, float]:
    """When the first picture and the first sound begin, in milliseconds, of those that say when they do."""
    found: dict[str, float] = {}
    with av.open(io.BytesIO(data), "r") as opened:
        for frame in opened.decode(*opened.streams.video, *opened.streams.audio):
            if isinstance(frame, (av.VideoFrame, av.AudioFrame)) and frame.time is not None:
                kind = "picture" if isinstance(frame, av.VideoFrame) else "sound"
                found[kind] = min(found.get(kind, frame.time * 1000), frame.time * 1000)
    return found


@pytest.mark.parametrize("name", KINDS)
def test_the_same_is_seen_and_heard_and_nothing_planted_survives(name: str) -> None:
    kind, original, copy = KINDS[name], KINDS[name].make(), cleaned(name)
    assert copy.media_type == kind.becomes
    assert MARKER not in copy.data
    assert (Removed.CODING in copy.removed) == bool(kind.coded)
    assert Removed.INCOMPLETE not in copy.removed
    if name in {"truehd", "dts"}:  # silence, which FFmpeg does not recognise by itself
        assert not any(samples(copy.data))
        return
    expected = pictures(film("mp4", REFERENCE[name], None, seconds=0.4) if name in REFERENCE else original)
    if "picture" in kind.coded:
        assert len(pictures(copy.data)) == len(expected)
        for before, after in zip(brightness(original), brightness(copy.data), strict=True):
            assert all(abs(one - other) <= 6 for one, other in zip(before, after, strict=True))
    else:
        assert pictures(copy.data) == expected
    if any(kind == "audio" for kind, _, _ in streams(original)):
        if "sound" in kind.coded or name == "hdv":  # which another of FFmpeg's decoders decodes
            assert abs(loudness(copy.data) / loudness(original) - 1) < 0.1
        else:  # a container may say that the first few are not to be heard
            assert samples(copy.data).endswith(samples(original))
            assert len(samples(copy.data)) - len(samples(original)) < 4 * 1200


@pytest.mark.parametrize("name", KINDS)
def test_what_comes_out_is_clean(name: str) -> None:
    copy = cleaned(name)
    again = clean_copy(copy.data)
    assert (again.media_type, again.data, again.removed) == (copy.media_type, copy.data, frozenset())


@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if kind.becomes.startswith("video")])
def test_sound_and_pictures_stay_together_and_begin_at_once(name: str) -> None:
    before, after = beginning(KINDS[name].make()), beginning(cleaned(name).data)
    assert min(after.values()) < 100
    if len(before) == 2 and name not in REFERENCE:  # of which FFmpeg does not know when a picture is shown
        assert after["picture"] - after["sound"] == pytest.approx(before["picture"] - before["sound"], abs=45)


@pytest.mark.parametrize("name", ["h264", "h265", "asf-h264"])
def test_pictures_that_do_not_say_when_they_are_shown_are_shown_in_their_order_at_an_even_pace(name: str) -> None:
    times = [time for kind, time, _ in shown(cleaned(name).data) if kind == "picture"]
    assert times == sorted(times)
    assert all(after - before == pytest.approx(40, abs=2) for before, after in itertools.pairwise(times))


def test_a_film_of_which_only_the_sound_is_unknown_keeps_its_pictures_and_its_turn() -> None:
    original = bytearray(KINDS["mov-mp3"].make())
    sideways = find(bytes(original), b"moov/trak/tkhd") + 8 + 40
    original[sideways : sideways + 36] = TURNED
    with pytest.raises(Refused):
        clean_copy(bytes(original))
    copy = clean_copy(bytes(original), by_ffmpeg=True)
    assert pictures(copy.data) == pictures(bytes(original))
    with av.open(io.BytesIO(bytes(original)), "r") as before, av.open(io.BytesIO(copy.data), "r") as after:
        assert next(before.decode(video=0)).rotation == next(after.decode(video=0)).rotation != 0


@pytest.mark.parametrize("name", ["flv", "aiff", "w64", "caf-pcm", "avi-huffyuv"])
def test_of_a_file_that_was_cut_off_stays_what_is_there_and_the_receipt_says_so(name: str) -> None:
    kind = KINDS[name]
    container, picture, sound = {
        "flv": ("flv", "libx264", "aac"),
        "aiff": ("aiff", None, "pcm_s16be"),
        "w64": ("w64", None, "pcm_s16le"),
        "caf-pcm": ("caf", None, "pcm_s16be"),
        "avi-huffyuv": ("avi", "huffyuv", "pcm_s16le"),
    }[name]
    whole = film(container, picture, sound, seconds=3)
    copy = clean_copy(whole[: len(whole) // 2], by_ffmpeg=True)
    assert Removed.INCOMPLETE in copy.removed
    assert copy.media_type == kind.becomes
    assert 0.3 * len(shown(whole)) < len(shown(copy.data)) or kind.becomes.startswith("audio")
    seconds = max(seconds for _, _, seconds in streams(copy.data)) or 1.5
    assert 1 < seconds < 2


@pytest.mark.parametrize("name", ["ts", "wmv", "aiff", "caf-opus", "dv", "truehd"])
def test_strong_mode_passes_nothing_on(name: str) -> None:
    copy = clean_copy(KINDS[name].make(), Mode.STRONG)
    assert {codec for _, codec, _ in streams(copy.data)} <= {"h264", "aac", "opus"}
    assert Removed.CODING in copy.removed
    assert MARKER not in copy.data


ADVISED = {
    "RealMedia": b".RMF\0\0\0\x12" + bytes(range(200)),
    "Monkey's Audio": b"MAC \x96\x0f\0\0" + bytes(range(200)),
    "a voice of an old phone": b"RIFF\x40\0\0\0QLCMfmt " + bytes(range(200)),
    "a codec of nobody": film("matroska", "libvpx", None, seconds=0.4).replace(b"V_VP8", b"V_XYZ"),
}


@pytest.mark.parametrize("what", ADVISED)
def test_sound_or_film_that_nobody_here_can_read_is_refused_with_advice_for_sound_and_film(what: str) -> None:
    with pytest.raises(Refused) as caught:
        clean_copy(ADVISED[what], by_ffmpeg=True)
    assert caught.value.refusal is Refusal.SOUND_OR_FILM


def test_behind_the_lock_the_same_comes_out(scrubber: Scrubber, scratch: Callable[[bytes], Scratch]) -> None:
    for name, kind in KINDS.items():
        copy, beside = scrubber.clean(scratch(kind.make())), cleaned(name).data
        with copy.output:
            data = copy.output.read()
        assert copy.media_type == kind.becomes
        if "picture" in kind.coded:  # by x264, which does not always share out the bits of so small a picture alike
            assert len(pictures(data)) == len(pictures(beside)), name
            for one, other in zip(brightness(data), brightness(beside), strict=True):
                assert one == pytest.approx(other, abs=6), name
        else:
            assert data == beside, name


def test_a_cover_and_chapters_and_texts_go_and_are_named() -> None:
    file = io.BytesIO()
    with av.open(file, "w", format="mpegts") as output, av.open(io.BytesIO(film(seconds=0.4)), "r") as opened:
        copied = {stream.index: output.add_stream_from_template(stream, opaque=True) for stream in opened.streams}
        data = output.add_data_stream("klv")
        for number, packet in enumerate(opened.demux()):
            if packet.size:
                packet.stream = copied[packet.stream.index]
                output.mux(packet)
            if number == 3:
                said = av.Packet(MARKER)
                said.pts = said.dts = 9000
                said.stream = data
                output.mux(said)
    assert MARKER in file.getvalue()
    copy = clean_copy(file.getvalue())
    assert MARKER not in copy.data
    assert Removed.HIDDEN_CONTENT in copy.removed
    assert Source.of(copy.data).size


@pytest.mark.parametrize("name", ["ts", "m2ts"])
def test_names_of_services_and_programmes_go_and_are_named(name: str) -> None:
    """They stand in tables of the stream, which FFmpeg reads and does not tell of."""
    assert MARKER in KINDS[name].make()
    copy = cleaned(name)
    assert MARKER not in copy.data
    assert Removed.DESCRIPTION in copy.removed


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_a_film_whose_units_took_in_messages_is_coded_again(codec: str) -> None:
    original = repacked(film(picture=codec, sound=None, seconds=0.4), "mp4", swallowing(codec))
    copy = clean_copy(original, by_ffmpeg=True)
    assert MARKER not in copy.data
    assert Removed.CODING in copy.removed
    assert len(shown(copy.data)) == len(shown(original))


def test_a_comment_among_the_sound_goes_when_it_is_coded_again() -> None:
    plain = clean_copy(film("ogg", None, "libopus", seconds=3)).data
    planted = with_late_packet(plain, LATE["libopus"][0])
    copy = clean_copy(planted, by_ffmpeg=True)
    assert MARKER not in copy.data
    assert abs(loudness(copy.data) - loudness(plain)) < 0.1 * loudness(plain)


def test_a_head_that_comes_once_more_in_ogg_is_no_picture() -> None:
    pages = OGG.apart(film("ogg", "libvpx", "libopus", seconds=0.4))
    said = next(page for page in pages if page[1].startswith(b"OVP80\x02"))
    assert b"PLANTED" not in clean_copy(OGG.whole([*pages[:5], said, *pages[5:]]), by_ffmpeg=True).data
