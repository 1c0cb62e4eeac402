"""Takes a file apart with FFmpeg, and puts its sound and pictures into a container that one of our formats cleans.

Rules: as in ``transcode``, which codes again what no container of ours holds. A coded frame that is passed on is not
decoded; its container's muxer may frame it in another way (H.264 after lengths, AAC without headers). Covers, texts and
data streams are not passed on.
"""

from __future__ import annotations

import itertools
import struct
from collections import Counter
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Final

import av
from av.audio.resampler import AudioResampler
from av.container import Flags
from av.error import FFmpegError, PatchWelcomeError
from av.stream import Disposition

from fieldreport import limits
from fieldreport.scrub.format import Sink, Source, check_image
from fieldreport.scrub.media import transcode
from fieldreport.scrub.media.audio import tags
from fieldreport.scrub.media.mp4 import parse
from fieldreport.scrub.media.mp4.film import is_told
from fieldreport.scrub.verdicts import Bomb, Damaged, Refusal, Refused, Removed

# Codecs, as FFmpeg calls them, that our formats hold. What both films' containers hold goes into MP4.
_MP4: Final = frozenset(
    {"h264", "hevc", "av1", "vp9", "mpeg4", "aac", "mp3", "mp2", "ac3", "eac3", "alac", "opus", "flac"}
)
_MATROSKA: Final = (
    _MP4
    | {"vp8", "mjpeg", "theora", "vorbis"}
    | {
        *(f"pcm_{kind}{order}" for kind in ("s16", "s24", "s32") for order in ("le", "be")),
        *("pcm_u8", "pcm_f32le", "pcm_f64le"),
    }
)
_SOUNDS: Final[Mapping[str, str]] = {  # codec of a recording → its container
    "flac": "flac",
    "mp3": "mp3",
    "opus": "ogg",
    "vorbis": "ogg",
    "speex": "ogg",
    "amr_nb": "amr",
    "amr_wb": "amr",
}
_FILMS: Final = {"mp4": _MP4, "matroska": _MATROSKA}
# Recordings that become plain samples, each of them what it was: by the beginning of the codec's name.
_EXACT: Final = ("pcm_", "adpcm_", "wavpack", "tta", "truehd", "mlp")
_SAMPLES: Final = {"u8": "pcm_u8", "s16": "pcm_s16le", "s32": "pcm_s32le", "flt": "pcm_f32le", "dbl": "pcm_f64le"}
# Whose headers say how long they are. The length of others is guessed by the size of the file.
_TELL_THEIR_LENGTH: Final = frozenset({"aiff", "asf", "avi", "caf", "flv", "matroska", "mov", "mxf", "wav", "w64"})
# Which know one time of a picture. Of pictures that are decoded in another order, FFmpeg guesses the other.
_ONE_TIME: Final = frozenset({"asf", "avi", "h264", "hevc", "mpegvideo"})
_MARK_GAPS: Final = frozenset({"mpegts"})  # which marks what is near a packet that was lost on the air, too
_HEADS: Final = (b"OVP80\x02", b"OpusHead", b"OpusTags", b"\x03vorbis", b"\x83theora")  # of streams in Ogg, no frames
_PART, _SECONDS = Fraction(98, 100), Fraction(1, 2)  # of the length told, and less: encoders count in different ways
_Times = Mapping[int, list[tuple[int, int]]]  # of a stream: when each packet is decoded, and shown
_FIRST_PACKETS: Final = 200  # among which the earliest is looked for
_IGNORED_NAMES: Final = frozenset({"language", "major_brand", "minor_version", "compatible_brands", "vendor_id"})


def remux(untrusted: Source, demuxer: str, *, copies: bool) -> tuple[Source, set[Removed]]:
    """The same to hear and to see, in another container, and what is not in it any more.

    ``demuxer``: FFmpeg's name for the only one that may read it. ``copies``: pass on what a container of ours can hold;
    without, everything is coded again.

    Raises:
        Refused: ``damaged`` for what FFmpeg cannot read; ``sound-or-film`` where it takes for sound what is none;
            ``unsupported`` for sound or pictures that nobody here can decode; ``too-large`` for more than a child can
            code in its time.
    """
    times: dict[int, list[tuple[int, int]]] = {}
    origin = None
    unplayed = parse.told(untrusted) if demuxer == "mov" else []
    while True:
        made, removed = Sink(), set[Removed]()
        try:
            origin = _origin(untrusted, demuxer) if origin is None else origin
            with _open(untrusted, demuxer) as original:
                kept = _kept(original, removed)
                _write(original, kept, made, removed, origin, copies=copies, times=times, unplayed=unplayed)
        except _Untimed as untimed:
            times[untimed.stream] = _times(untrusted, demuxer, untimed.stream)
        except PatchWelcomeError:
            raise Refused(Refusal.UNSUPPORTED) from None
        except (FFmpegError, ValueError):
            raise Damaged from None
        else:
            return made.source(), removed


class _Untimed(Exception):
    """A stream of pictures does not say when each is shown."""

    def __init__(self, stream: int) -> None:
        super().__init__()
        self.stream = stream


def _open(untrusted: Source, demuxer: str) -> Any:
    return av.open(untrusted.file(), format=demuxer, metadata_errors="ignore")


def _origin(untrusted: Source, demuxer: str) -> Fraction:
    """When the first sound or picture is heard or seen, in seconds: a recording may begin at any time."""
    with _open(untrusted, demuxer) as original:
        packets = itertools.islice(original.demux(*original.streams.video, *original.streams.audio), _FIRST_PACKETS)
        begun = [packet.pts * packet.time_base for packet in packets if packet.pts is not None]
    return min(begun, default=Fraction(0))


# --- what is there ---


def _kept(original: Any, removed: set[Removed]) -> list[Any]:
    """The streams of sound and pictures; the categories of what goes are noted."""
    if len(original.streams) > limits.FILM_STREAMS:
        raise Bomb
    removed |= _named(original.metadata)
    if original.chapters():
        removed.add(Removed.DESCRIPTION)
    kept, unknown = [], set()
    for stream in original.streams:
        removed |= _named(stream.metadata)
        if stream.type not in {"audio", "video"}:
            removed.add(Removed.DESCRIPTION if stream.type == "subtitle" else Removed.HIDDEN_CONTENT)
        elif stream.disposition & Disposition.attached_pic:
            removed.add(Removed.THUMBNAIL)
        elif stream.codec_context is None or (stream.type == "audio" and stream.codec_context.format is None):
            unknown.add(stream.type)
            removed.add(Removed.HIDDEN_CONTENT)
        elif stream.type == "audio" and stream.codec_context.sample_rate:
            kept.append(stream)
        elif stream.type == "video" and stream.codec_context.width:
            check_image(stream.codec_context.width, stream.codec_context.height)
            kept.append(stream)
    if unknown - {stream.type for stream in kept} or (not kept and original.streams):
        raise Refused(Refusal.UNSUPPORTED)
    if not kept:
        raise Damaged
    return kept


def _named(metadata: Mapping[str, str]) -> set[Removed]:
    return tags.in_names(name for name, value in metadata.items() if value and name not in _IGNORED_NAMES)


def _codec(stream: Any) -> str:
    return str(stream.codec_context.codec.canonical_name)


def _target(streams: list[Any], *, copies: bool) -> tuple[str, frozenset[str]]:
    """The container to write, and the codecs that are passed on into it."""
    names = [_codec(stream) for stream in streams]
    if [stream.type for stream in streams] == ["audio"]:
        if copies and names[0].startswith(_EXACT) and streams[0].codec_context.format.packed.name in _SAMPLES:
            return "wav", frozenset()
        if copies and names[0] in _SOUNDS:
            return _SOUNDS[names[0]], frozenset(names)
        if not copies or names[0] not in _MP4:
            return "ogg", frozenset()
    if not copies:
        return "mp4", frozenset()
    losses = {muxer: sum(name not in held for name in names) for muxer, held in _FILMS.items()}
    muxer = min(losses, key=lambda name: losses[name])
    return muxer, _FILMS[muxer]


# --- writing ---


def _write(
    original: Any,
    streams: list[Any],
    made: Sink,
    removed: set[Removed],
    origin: Fraction,
    *,
    copies: bool,
    times: _Times,
    unplayed: list[tuple[int, int]],
) -> None:
    muxer, passed_on = _target(streams, copies=copies)
    demuxer = original.format.name.partition(",")[0]
    end, counts, whole = Fraction(0), Counter[int](), True
    container: Any
    with av.open(made, "w", format=muxer) as container:
        container.flags |= Flags.bitexact.value
        coded = [stream for stream in streams if _codec(stream) not in passed_on]
        pictures = [stream for stream in streams if stream.type == "video"]
        output = transcode.Output(container, pictures=sum(stream in coded for stream in pictures))
        if coded and muxer != "wav":
            removed.add(Removed.CODING)
        ways = {
            stream.index: _Decoded(stream, _encoder(output, stream, origin, muxer))
            if stream in coded
            else _PassedOn(output, stream, demuxer, origin, times.get(stream.index))
            for stream in streams
        }
        for packet in original.demux(*streams):
            if unplayed and packet.size and packet.pos is not None and is_told(unplayed, packet.pos, packet.size):
                raise Refused(Refusal.SOUND_OR_FILM)
            if demuxer == "ogg" and bytes(memoryview(packet)[:8]).startswith(_HEADS):
                removed.add(Removed.OTHER_METADATA)  # once more, or where FFmpeg looks for none
                continue
            if packet.pts is not None:
                end = max(end, (packet.pts + (packet.duration or 0)) * packet.time_base - origin)
            if packet.is_corrupt and demuxer not in _MARK_GAPS:
                whole = False  # the last one, cut off
            else:
                ways[packet.stream.index].take(packet)
            counts[packet.stream.index] += 1
        for way in ways.values():
            way.end()
    told = Fraction(original.duration or 0, av.time_base) * _PART - _SECONDS if demuxer in _TELL_THEIR_LENGTH else 0
    if not whole or end < told or (demuxer == "avi" and any(counts[each.index] < each.frames for each in pictures)):
        removed.add(Removed.INCOMPLETE)


class _PassedOn:
    """Coded frames on their way from one container into the other, whose time begins at ``origin``."""

    def __init__(
        self,
        output: transcode.Output,
        stream: Any,
        demuxer: str,
        origin: Fraction,
        times: list[tuple[int, int]] | None,
    ) -> None:
        if times is None and stream.type == "video" and demuxer in _ONE_TIME and stream.codec_context.has_b_frames:
            raise _Untimed(stream.index)
        self._output = output
        self._from = stream
        self._to = output.container.add_stream_from_template(stream, opaque=True)
        if _codec(stream) == "opus" and not stream.codec_context.extradata:  # Core Audio leaves it out (RFC 7845, 5.1)
            codec = stream.codec_context
            head = struct.pack("<8sBBHIhB", b"OpusHead", 1, codec.channels, 0, codec.sample_rate, 0, 0)
            self._to.codec_context.extradata = head
        self._shift = round(origin / stream.time_base)
        self._times = times
        self._count = 0
        self._last = -(1 << 62)  # when the last frame is decoded
        self._end = 0  # when it ends

    def take(self, packet: Any) -> None:
        if not packet.size:
            return
        if packet.size > limits.FILM_FRAME_BYTES or self._count >= limits.FILM_SAMPLES:
            raise Bomb
        decoded, shown = self._time(packet)
        packet.dts = self._last = max(decoded, self._last + 1)
        packet.pts = max(shown, packet.dts)
        self._end = packet.dts + (packet.duration or 0)
        self._count += 1
        packet.stream = self._to
        self._output.mux(packet)

    def end(self) -> None:
        if not self._count:
            raise Damaged

    def _time(self, packet: Any) -> tuple[int, int]:
        if self._times is not None:
            if self._count >= len(self._times):
                raise Damaged
            decoded, shown = self._times[self._count]
        elif packet.pts is not None and packet.dts is not None:
            decoded, shown = packet.dts, packet.pts
        elif self._from.type == "video":
            raise _Untimed(self._from.index)
        else:
            known = packet.dts if packet.pts is None else packet.pts
            decoded = shown = self._end + self._shift if known is None else known
        return decoded - self._shift, shown - self._shift


def _times(untrusted: Source, demuxer: str, index: int) -> list[tuple[int, int]]:
    """When each packet of pictures is decoded and shown: found by decoding them, for FFmpeg only guesses."""
    decoded: list[int | None] = []
    first: int | None = None  # when the first is shown, if the file says so
    shown: dict[int, int] = {}  # number of a packet → number of its picture
    pace, left = 0, limits.FILM_REENCODE_PIXELS
    with _open(untrusted, demuxer) as original:
        stream = original.streams[index]
        transcode.one_thread(stream)
        for packet in original.demux(stream):
            if packet.size:
                first = packet.pts if not decoded and demuxer not in _ONE_TIME else first
                pace = pace or packet.duration or round(1 / ((stream.average_rate or 25) * stream.time_base))
                decoded.append(packet.dts)
                packet.pts = packet.dts = len(decoded) - 1
            for frame in transcode.frames(packet):
                left -= frame.width * frame.height
                if left < 0:
                    raise Refused(Refusal.TOO_LARGE)
                if frame.pts is not None:
                    shown.setdefault(frame.pts, len(shown))
    if not shown:
        raise Damaged
    found = _by_rank(_steady(decoded, pace, len(shown)), [shown.get(number) for number in range(len(decoded))])
    late = 0 if first is None else first - found[0][1]
    return [(when + late, then + late) for when, then in found]


def _steady(decoded: list[int | None], pace: int, pictures: int) -> list[int]:
    """When each packet is decoded, as the file says, or at an even pace. Two fields of a picture may be two packets."""
    known = [time for time in decoded if time is not None]
    if len(known) == len(decoded) and all(a < b for a, b in itertools.pairwise(known)):
        return known
    start = decoded[0] or 0
    return [start + number * pace * pictures // len(decoded) for number in range(len(decoded))]


def _by_rank(decoded: list[int], ranks: list[int | None]) -> list[tuple[int, int]]:
    """Times of decoding and showing: the pictures are shown at the times of decoding, some frames later."""
    shown: list[int] = []
    for rank in ranks:
        if rank is None:  # the second field of the picture before
            shown.append(shown[-1] if shown else decoded[0])
        else:
            shown.append(decoded[min(rank * len(decoded) // (max(r or 0 for r in ranks) + 1), len(decoded) - 1)])
    delay = max(0, *(when - then for when, then in zip(decoded, shown, strict=True)))
    return [(when, then + delay) for when, then in zip(decoded, shown, strict=True)]


class _Decoded:
    """Frames on their way into an encoder."""

    def __init__(self, stream: Any, encoder: Any) -> None:
        transcode.one_thread(stream)
        self._encoder = encoder

    def take(self, packet: Any) -> None:
        for frame in transcode.frames(packet):
            self._encoder.add(frame)

    def end(self) -> None:
        self._encoder.end()


def _encoder(output: transcode.Output, stream: Any, origin: Fraction, muxer: str) -> Any:
    if stream.type == "video":
        return transcode.Picture(output, stream, origin)
    if muxer == "wav":
        return _Samples(output, stream)
    if muxer == "ogg":
        return transcode.Sound(output, stream, "libopus", "s16")
    return transcode.Sound(output, stream, "aac", "fltp", origin)


class _Samples:
    """Samples as they are, in the order of bytes that WAV has."""

    def __init__(self, output: transcode.Output, heard: Any) -> None:
        codec = heard.codec_context
        kind, layout = codec.format.packed.name, codec.layout.name
        self._output = output
        self._resampler = AudioResampler(format=kind, layout=layout, rate=codec.sample_rate)
        name = "pcm_s24le" if kind == "s32" and "24" in codec.name else _SAMPLES[kind]
        self._stream = output.container.add_stream(name, rate=codec.sample_rate, layout=layout)

    def add(self, frame: Any) -> None:
        frame.pts = None
        for piece in self._resampler.resample(frame):
            self._output.mux(self._stream.encode(piece))

    def end(self) -> None:
        self._output.mux(self._stream.encode(None))
