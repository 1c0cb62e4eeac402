"""Re-encodes recordings and films: they are decoded to samples and pictures, and encoded again, for strong mode.

The input has been cleaned without loss and verified, so that the decoders see one allowed container with allowed
streams and nothing else. The output is cleaned again, of what encoders say about themselves. What can be hidden inside
coded sound and coded pictures does not survive; what can be heard and seen does.

Rules: one thread; the demuxer is named by us, never guessed; no protocol, no second file. Sound becomes Opus in Ogg, a
film H.264 with AAC in MP4: what every editor's machine plays. Pictures are rotated. What would take longer than a
child may run is refused before it does.
"""

from __future__ import annotations

import contextlib
import io
import itertools
from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from typing import Any, Final

import av
import av.filter
import av.subtitles.codeccontext
import av.subtitles.subtitle  # PyAV loads both when a film has subtitles, and a locked child opens no file
from av.audio.resampler import AudioResampler
from av.error import FFmpegError
from av.video.reformatter import ColorRange

from fieldreport import limits
from fieldreport.scrub.format import Source
from fieldreport.scrub.verdicts import Damaged, Refusal, Refused

_RATE: Final = 48_000
_TURNS: Final = {90: "transpose=cclock", -270: "transpose=cclock", -90: "transpose=clock", 270: "transpose=clock"}
_HALF_TURN: Final = "hflip,vflip"
_PICTURE: Final = {"preset": "veryfast", "crf": "20", "threads": "1"}


def warm() -> None:
    """Load what the codecs load on first use, while files may still be opened."""
    av.logging.set_level(av.logging.PANIC)
    with av.open(io.BytesIO(), "w", format="mp4") as output:
        picture = output.add_stream("libx264", rate=25, options=dict(_PICTURE))
        picture.width, picture.height, picture.pix_fmt = 16, 16, "yuv420p"
        for packet in picture.encode(av.VideoFrame(16, 16, "yuv420p")):
            output.mux(packet)
        for packet in picture.encode(None):
            output.mux(packet)


def reencode(cleaned: Source, demuxer: str) -> bytes:
    """The same to hear and to see, encoded again; ``demuxer`` is FFmpeg's name for the only one that may read it.

    Raises:
        Refused: ``too-large`` for more than a child can code in its time; ``damaged`` for what does not decode.
    """
    out = io.BytesIO()
    try:
        with av.open(cleaned.file(), format=demuxer, metadata_errors="ignore") as original:
            pictures = list(original.streams.video)  # covers are gone by now
            if pictures:
                _film(original, pictures[0], out)
            else:
                _recording(original, out)
    except FFmpegError:
        raise Damaged from None
    return out.getvalue()


def _recording(original: Any, out: io.BytesIO) -> None:
    if not original.streams.audio:
        raise Damaged
    heard = original.streams.audio[0]
    with av.open(out, "w", format="ogg") as container:
        sound = Sound(Output(container), heard, "libopus", "s16")
        for frame in _decoded(original, heard):
            sound.add(frame)
        sound.end()


def _film(original: Any, moving: Any, out: io.BytesIO) -> None:
    heard = original.streams.audio[0] if original.streams.audio else None
    with av.open(out, "w", format="mp4") as container:
        output = Output(container, pictures=1)
        origin = Fraction(original.start_time or 0, av.time_base)
        picture = Picture(output, moving, origin)
        sound = Sound(output, heard, "aac", "fltp", origin) if heard is not None else None
        for frame in _decoded(original, *(stream for stream in (moving, heard) if stream is not None)):
            if isinstance(frame, av.VideoFrame):
                picture.add(frame)
            elif sound is not None:
                sound.add(frame)
        picture.end()
        if sound is not None:
            sound.end()


def _decoded(original: Any, *streams: Any) -> Iterator[Any]:
    for stream in streams:
        one_thread(stream)
    for packet in original.demux(*streams):
        yield from frames(packet)


def one_thread(stream: Any) -> None:
    """Decode without threads, which the lock does not let begin."""
    stream.codec_context.thread_count = 1
    stream.codec_context.thread_type = "SLICE"


def frames(packet: Any) -> Iterator[Any]:
    """What a packet decodes to. One that does not decode is a gap to players, too."""
    with contextlib.suppress(av.error.InvalidDataError):
        yield from packet.decode()


class Output:
    """A file that is being written. Its header tells all streams, so what comes before the first picture waits."""

    def __init__(self, container: Any, *, pictures: int = 0) -> None:
        self.container = container
        self._unknown = pictures  # streams of pictures whose size is not known yet
        self._waiting: list[Any] = []

    def picture_is_known(self) -> None:
        """The size of a stream's pictures is told."""
        self._unknown -= 1

    def mux(self, packet: Any) -> None:
        """Write a packet, or a list of them, now or later."""
        self._waiting.append(packet)
        if not self._unknown:
            for each in self._waiting:
                self.container.mux(each)
            self._waiting.clear()


class Picture:
    """Pictures on their way into a film that begins at ``origin``; the first tells the size and the way up."""

    def __init__(self, output: Output, moving: Any, origin: Fraction) -> None:
        self._output = output
        self._moving = moving
        self._start = round(origin / moving.time_base)
        self._stream: Any = None
        self._turn: Any = None
        self._last = -1
        self._left = limits.FILM_REENCODE_PIXELS

    def add(self, frame: Any) -> None:
        """The next picture."""
        self._left -= frame.width * frame.height
        if self._left < 0:
            raise Refused(Refusal.TOO_LARGE)
        if self._stream is None:
            self._begin(frame)
        if self._turn is not None:
            self._turn.push(frame)
            frame = self._turn.pull()
        size = (self._stream.width, self._stream.height)
        wide = frame.color_range == ColorRange.JPEG or frame.format.name.startswith("yuvj")
        if wide or (frame.width, frame.height) != size or frame.format.name != "yuv420p":
            frame = frame.reformat(
                *size,
                "yuv420p",
                src_color_range=ColorRange.JPEG if wide else None,
                dst_color_range=ColorRange.MPEG if wide else None,
            )
        pts = frame.pts if frame.pts is not None else self._last + 1
        frame.pts = self._last = max(self._last + 1, pts - self._start)
        frame.pict_type = 0  # the encoder decides, not what the camera did
        self._mux(frame)

    def end(self) -> None:
        """There are no more."""
        if self._stream is None:
            raise Damaged
        self._mux(None)

    def _begin(self, frame: Any) -> None:
        rotation = round(frame.rotation)
        turn = _TURNS.get(rotation) or (_HALF_TURN if abs(rotation) == 180 else None)
        width, height = frame.width, frame.height
        if turn is not None:
            width, height = (width, height) if turn == _HALF_TURN else (height, width)
            self._turn = _graph(frame, turn, self._moving.time_base)
        stream = self._output.container.add_stream(
            "libx264", rate=self._moving.average_rate or 25, options=dict(_PICTURE)
        )
        stream.width, stream.height, stream.pix_fmt = width - width % 2, height - height % 2, "yuv420p"
        if not stream.width or not stream.height:
            raise Damaged
        stream.codec_context.time_base = self._moving.time_base
        for name in ("color_primaries", "color_trc", "colorspace"):  # which red, which brightness: as it was
            setattr(stream.codec_context, name, getattr(self._moving.codec_context, name))
        self._stream = stream
        self._output.picture_is_known()

    def _mux(self, frame: Any) -> None:
        for packet in self._stream.encode(frame):
            self._output.mux(packet)


def _graph(frame: Any, turn: str, time_base: Fraction) -> Any:
    graph = av.filter.Graph()
    graph.threads = 1
    ends = [graph.add_buffer(width=frame.width, height=frame.height, format=frame.format.name, time_base=time_base)]
    for step in turn.split(","):
        name, _, argument = step.partition("=")
        ends.append(graph.add(name, argument or None))
    ends.append(graph.add("buffersink"))
    for one, next_one in itertools.pairwise(ends):
        one.link_to(next_one)
    graph.configure()
    return graph


class Sound:
    """Samples on their way into a recording or film: at one rate, of one or two channels, without gaps.

    Without ``origin`` they begin at zero, wherever they stood in a longer recording.
    """

    def __init__(self, output: Output, heard: Any, codec: str, kind: str, origin: Fraction | None = None) -> None:
        layout = "mono" if heard.codec_context.channels == 1 else "stereo"
        self._output = output
        self._new_resampler = partial(AudioResampler, format=kind, layout=layout, rate=_RATE)
        self._resampler = self._new_resampler()
        self._shape: tuple[str, str, int] | None = None  # of the frames that the resampler takes
        self._stream = output.container.add_stream(codec, rate=_RATE, layout=layout)
        self._stream.codec_context.bit_rate = 64_000 if layout == "mono" else 128_000
        self._origin = origin
        self._before = 0  # samples of silence before the first, in a film
        self._samples = 0

    def add(self, frame: Any) -> None:
        """The next samples."""
        if not self._samples and self._origin is not None and frame.pts is not None:
            self._before = max(0, round((frame.pts * frame.time_base - self._origin) * _RATE))
        frame.pts = None
        shape = (frame.format.name, frame.layout.name, frame.sample_rate)
        if self._shape not in {None, shape}:  # a recording may change in its middle
            for piece in self._resampler.resample(None):
                self._send(piece)
            self._resampler = self._new_resampler()
        self._shape = shape
        for piece in self._resampler.resample(frame):
            self._send(piece)

    def end(self) -> None:
        """There are no more."""
        for piece in self._resampler.resample(None):
            self._send(piece)
        if not self._samples:
            raise Damaged
        for packet in self._stream.encode(None):
            self._output.mux(packet)

    def _send(self, piece: Any) -> None:
        piece.pts, piece.time_base = self._before + self._samples, Fraction(1, _RATE)
        self._samples += piece.samples
        if self._samples > limits.SOUND_REENCODE_SECONDS * _RATE:
            raise Refused(Refusal.TOO_LARGE)
        for packet in self._stream.encode(piece):
            self._output.mux(packet)
