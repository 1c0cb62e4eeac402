"""Recordings for the tests: made by real encoders (FFmpeg's, through PyAV), and read by real decoders."""

from __future__ import annotations

import functools
import io
import math
import struct
from array import array
from collections.abc import Mapping

import av

MARKER = b"PLANTED"
TAGS = {"title": "PLANTED", "artist": "PLANTED", "comment": "PLANTED", "date": "2026", "location": "PLANTED"}


def tone(*, seconds: float, rate: int, channels: int) -> bytes:
    """Samples of a tone that goes up and down, 16 bits each."""
    samples = array("h")
    for number in range(int(seconds * rate)):
        moment = number / rate
        value = int(12_000 * math.sin(2 * math.pi * (300 + 200 * math.sin(3 * moment)) * moment))
        samples.extend([value, -value // 2, *[value // 3] * 6][:channels])
    return samples.tobytes()


@functools.cache
def encode(
    container: str,
    codec: str,
    *,
    rate: int = 44_100,
    layout: str = "stereo",
    seconds: float = 1.5,
    tagged: bool = True,
    options: tuple[tuple[str, str], ...] = (),
) -> bytes:
    """A recording of a tone in this container and codec, with tags in every place the container has for them."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        if tagged:
            output.metadata.update(TAGS)
        stream = output.add_stream(codec, rate=rate, options=dict(options))
        assert isinstance(stream, av.AudioStream)
        stream.layout = layout
        channels = stream.codec_context.layout.nb_channels
        samples = tone(seconds=seconds, rate=rate, channels=channels)
        frame = av.AudioFrame(format="s16", layout=layout, samples=len(samples) // (2 * channels))
        frame.planes[0].update(samples)
        frame.sample_rate = rate
        resampler = av.AudioResampler(
            format=stream.format, layout=layout, rate=rate, frame_size=stream.codec_context.frame_size or 0
        )
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            output.mux(stream.encode(piece))
        output.mux(stream.encode(None))
    return file.getvalue()


def decode(data: bytes) -> bytes:
    """Every sample that a player would play."""
    played = bytearray()
    with av.open(io.BytesIO(data), "r") as source:
        for frame in source.decode(audio=0):
            for plane in frame.planes:
                played += bytes(plane)
    return bytes(played)


def tags_of(data: bytes) -> Mapping[str, str]:
    """What FFmpeg finds said about the recording and its streams."""
    with av.open(io.BytesIO(data), "r") as source:
        return dict(source.metadata) | {
            key: value for stream in source.streams for key, value in stream.metadata.items()
        }


def id3(*frames: tuple[bytes, bytes]) -> bytes:
    """An ID3v2.3 tag."""
    body = b"".join(name + struct.pack(">IH", len(content), 0) + content for name, content in frames)
    size = bytes(len(body) >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\3\0\0" + size + body


def riff_chunk(kind: bytes, body: bytes) -> bytes:
    """A chunk, padded to an even length."""
    return kind + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)
