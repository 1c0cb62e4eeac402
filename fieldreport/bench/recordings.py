"""Recordings and films to measure the scrubber with, made by FFmpeg through PyAV."""

from __future__ import annotations

import io
import math
from array import array
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

import av

_TAGS: Final = {"title": "A title", "artist": "Somebody", "comment": "A comment", "date": "2026"}
_SECONDS: Final = 5


def recorded() -> Mapping[str, Callable[[], bytes]]:
    """The usual ending of each type's files to what makes one."""
    return {
        "mp3": partial(_sound, "mp3", "libmp3lame"),
        "flac": partial(_sound, "flac", "flac"),
        "opus": partial(_sound, "ogg", "libopus"),
        "wav": partial(_sound, "wav", "pcm_s16le"),
        "m4a": partial(_sound, "ipod", "aac"),
        "aac": partial(_sound, "adts", "aac"),
        "amr": partial(_sound, "amr", "libopencore_amrnb", 8_000),
        "mp4": partial(_film, "mp4", "libx264"),
        "mov": partial(_film, "mov", "libx264"),
        "3gp": partial(_film, "3gp", "mpeg4"),
        "webm": partial(_film, "webm", "libvpx"),
        "mkv": partial(_film, "matroska", "libx264"),
        "avi": partial(_film, "avi", "mpeg4"),
    }


def _sound(container: str, codec: str, rate: int = 48_000, layout: str = "mono") -> bytes:
    target = io.BytesIO()
    samples = array("h", (int(9000 * math.sin(number / 17)) for number in range(_SECONDS * rate)))
    with av.open(target, "w", format=container) as output:
        output.metadata.update(_TAGS)
        stream = output.add_stream(codec, rate=rate, options={"strict": "experimental"})  # for Vorbis
        if not isinstance(stream, av.AudioStream):
            raise TypeError(codec)
        stream.layout = layout
        frame = av.AudioFrame(format="s16", layout="mono", samples=len(samples))
        frame.planes[0].update(samples.tobytes())
        frame.sample_rate = rate
        size = stream.codec_context.frame_size or 0
        resampler = av.AudioResampler(format=stream.format, layout=layout, rate=rate, frame_size=size)
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            output.mux(stream.encode(piece))
        output.mux(stream.encode(None))
    return target.getvalue()


def _film(container: str, codec: str) -> bytes:
    target, width, height = io.BytesIO(), 320, 240
    with av.open(target, "w", format=container) as output:
        output.metadata.update(_TAGS)
        stream = output.add_stream(codec, rate=25)
        if not isinstance(stream, av.VideoStream):
            raise TypeError(codec)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(_SECONDS * 25):
            frame = av.VideoFrame(width, height, "rgb24")
            row = bytes((column + number * 3) % 256 for column in range(frame.planes[0].line_size))
            frame.planes[0].update(b"".join(row[shift % 7 :] + row[: shift % 7] for shift in range(height)))
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return target.getvalue()
