"""Makes real films with PyAV, plants words into them, and looks at what a player would show of them."""

from __future__ import annotations

import functools
import hashlib
import io
import math
import os
import struct
from collections.abc import Callable, Iterator
from fractions import Fraction

import av
from av.audio.stream import AudioStream
from av.stream import Stream
from av.video.stream import VideoStream

MARKER = b"PLANTED"
WIDTH, HEIGHT, RATE = 64, 48, 25
NAMES = ("title", "artist", "comment", "encoder", "service_name", "service_provider")
SOUND_RATE = {"libopus": 48000, "libopencore_amrnb": 8000}
SOUND_FRAME = {"libopus": 960, "libopencore_amrnb": 160, "ac3": 1536, "eac3": 1536, "mp2": 1152}
SOUND_FORMAT = {
    "aac": "fltp",
    "ac3": "fltp",
    "eac3": "fltp",
    "libmp3lame": "fltp",
    "wmav2": "fltp",
    "alac": "s16p",
    "wavpack": "s16p",
}
SIZES = {"h263": (176, 144), "dvvideo": (720, 576)}
PICTURE_OPTIONS: dict[str, dict[str, str]] = {
    # With assembler for some processors x264 reads beyond the blocks of so small a picture when it shares out the bits.
    "libx264": {"bf": "2", "g": "12", "threads": "1", "x264-params": "mbtree=0"},
    "libx265": {"x265-params": "log-level=none:bframes=2:keyint=12:pools=1:frame-threads=1", "tag": "hvc1"},
    "libsvtav1": {"preset": "12", "svtav1-params": "lp=1"},
}
PIXELS = {"mjpeg": "yuvj420p", "prores": "yuv422p10le", "huffyuv": "yuv422p"}


def pictures(count: int, size: tuple[int, int], pixels: str) -> Iterator[av.VideoFrame]:
    for number in range(count):
        frame = av.VideoFrame(*size, pixels)
        for index, plane in enumerate(frame.planes):
            row = bytes((x * 3 + number * 7 + index * 50) & 255 for x in range(plane.line_size))
            plane.update(row * plane.height)
        frame.pts = number
        yield frame


def tones(count: int, codec: str, rate: int) -> Iterator[av.AudioFrame]:
    length = SOUND_FRAME.get(codec, 1024)
    kind = SOUND_FORMAT.get(codec, "s16")
    for number in range(count):
        frame = av.AudioFrame(kind, "mono", length)
        frame.rate, frame.pts, frame.time_base = rate, number * length, Fraction(1, rate)
        wave = [0.4 * math.sin((number * length + index) * 0.06) for index in range(length)]
        if kind == "fltp":
            frame.planes[0].update(struct.pack(f"<{length}f", *wave))
        else:
            frame.planes[0].update(struct.pack(f"<{length}h", *(int(value * 32000) for value in wave)))
        yield frame


@functools.cache
def film(
    container: str = "mp4",
    picture: str | None = "libx264",
    sound: str | None = "aac",
    *,
    options: tuple[tuple[str, str], ...] = (),
    seconds: float = 1,
    said: bytes = b"",
) -> bytes:
    """A short film. ``said`` comes before every coded picture, as user data of the codec."""
    if picture == "libsvtav1" and os.geteuid() == 0:
        return _by_nobody(lambda: _filmed(container, picture, sound, options, seconds, said))
    return _filmed(container, picture, sound, options, seconds, said)


def _by_nobody(make: Callable[[], bytes]) -> bytes:
    """Made in a child that is not root.

    As root SVT-AV1 makes the thread that opens it and all its own real-time ones of one priority. Two that spin on two
    cores then wait for ever for a third, and whatever is begun from that thread later starves the rest of the machine.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.setresuid(65534, 65534, 65534)
            with os.fdopen(writing, "wb") as file:
                file.write(make())
            os._exit(0)
        finally:
            os._exit(1)
    os.close(writing)
    with os.fdopen(reading, "rb") as file:
        data = file.read()
    _, status = os.waitpid(child, 0)
    assert status == 0, "the film could not be made"
    return data


def _filmed(
    container: str,
    picture: str | None,
    sound: str | None,
    options: tuple[tuple[str, str], ...],
    seconds: float,
    said: bytes,
) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format=container, options=dict(options)) as output:
        output.metadata.update(dict.fromkeys(NAMES, "PLANTED by Somebody"))
        output.metadata["creation_time"] = "2024-01-02T03:04:05Z"
        moving = picture and _picture_stream(output, picture)
        layout = "stereo" if container == "dv" else "mono"
        rate = 48000 if container in {"dv", "mxf"} else SOUND_RATE.get(sound or "", 44100)
        heard = sound and output.add_stream(sound, rate=rate, layout=layout)
        if sound == "wmav2":
            assert isinstance(heard, AudioStream)
            heard.codec_context.bit_rate = 64_000
        if moving:
            moving.metadata["handler_name"] = moving.metadata["title"] = "PLANTED"
            size = (moving.width, moving.height)
            for frame in (*pictures(round(seconds * RATE), size, str(moving.pix_fmt)), None):
                for packet in moving.encode(frame):
                    output.mux(_with_words(packet, said))
        if heard:
            assert sound
            assert isinstance(heard, AudioStream)
            heard.metadata["language"] = "kor"
            count = round(seconds * rate / SOUND_FRAME.get(sound, 1024))
            for tone in tones(count, sound, rate):
                output.mux(heard.encode(_doubled(tone) if layout == "stereo" else tone))
            output.mux(heard.encode(None))
    return file.getvalue()


def _doubled(tone: av.AudioFrame) -> av.AudioFrame:
    """The same in both ears."""
    both = av.AudioFrame("s16", "stereo", tone.samples)
    both.rate, both.pts, both.time_base = tone.rate, tone.pts, tone.time_base
    samples = bytes(tone.planes[0])[: 2 * tone.samples]
    both.planes[0].update(b"".join(samples[at : at + 2] * 2 for at in range(0, len(samples), 2)))
    return both


def _picture_stream(output: av.container.OutputContainer, codec: str) -> VideoStream:
    stream = output.add_stream(codec, rate=RATE, options=dict(PICTURE_OPTIONS.get(codec, {})))
    assert isinstance(stream, VideoStream)
    if "tag" in PICTURE_OPTIONS.get(codec, {}):
        stream.codec_context.codec_tag = PICTURE_OPTIONS[codec]["tag"]
    stream.width, stream.height = SIZES.get(codec, (WIDTH, HEIGHT))
    stream.pix_fmt = PIXELS.get(codec, "yuv420p")
    return stream


def _with_words(packet: av.Packet[VideoStream], said: bytes) -> av.Packet[VideoStream] | av.Packet[Stream]:
    return _with_bytes(packet, said + bytes(packet)) if said else packet


def _with_bytes(packet: av.Packet[VideoStream], data: bytes) -> av.Packet[Stream]:
    changed = av.Packet(data)
    changed.pts, changed.dts, changed.duration = packet.pts, packet.dts, packet.duration
    changed.time_base, changed.stream = packet.time_base, packet.stream
    changed.is_keyframe = packet.is_keyframe
    return changed


def repacked(data: bytes, container: str, change: Callable[[bytes], bytes]) -> bytes:
    """A film with the bytes of every coded picture changed, in another container or the same."""
    file = io.BytesIO()
    with av.open(io.BytesIO(data), "r") as opened, av.open(file, "w", format=container) as output:
        (moving,) = opened.streams.video
        copied = output.add_stream_from_template(moving)
        for packet in opened.demux(moving):
            if packet.size:
                changed = _with_bytes(packet, change(bytes(packet)))
                changed.stream = copied
                output.mux(changed)
    return file.getvalue()


def shown(data: bytes) -> list[tuple[str, float, str]]:
    """Kind, time in milliseconds and hash of every picture and every stretch of sound that a player would show."""
    found = []
    with av.open(io.BytesIO(data), "r") as opened:
        streams = [stream for stream in opened.streams if isinstance(stream, (VideoStream, AudioStream))]
        for frame in opened.decode(*streams):
            if isinstance(frame, av.VideoFrame):
                content = b"".join(_rows(plane) for plane in frame.planes)
                found.append(("picture", round(1000 * (frame.time or 0)), hashlib.sha256(content).hexdigest()))
            elif isinstance(frame, av.AudioFrame):
                content = b"".join(bytes(plane)[: _heard(frame)] for plane in frame.planes)
                found.append(("sound", round(1000 * (frame.time or 0)), hashlib.sha256(content).hexdigest()))
    return sorted(found)


def _rows(plane: av.video.plane.VideoPlane) -> bytes:
    """A plane without what pads its lines, which is nothing in particular."""
    data, width = bytes(plane), plane.width
    return b"".join(data[line * plane.line_size :][:width] for line in range(plane.height))


def _heard(frame: av.AudioFrame) -> int:
    channels = 1 if frame.format.is_planar else len(frame.layout.channels)
    return frame.samples * frame.format.bytes * channels


def length(data: bytes) -> float:
    """How long a film is as a whole, in seconds."""
    with av.open(io.BytesIO(data), "r") as opened:
        return (opened.duration or 0) / av.time_base


def end(data: bytes) -> float:
    """When the last picture or sound ends, in seconds."""
    found = [0.0]
    with av.open(io.BytesIO(data), "r") as opened:
        streams = [stream for stream in opened.streams if isinstance(stream, (VideoStream, AudioStream))]
        for frame in opened.decode(*streams):
            if isinstance(frame, av.VideoFrame):
                found.append((frame.time or 0) + 1 / RATE)
            elif isinstance(frame, av.AudioFrame):
                found.append((frame.time or 0) + frame.samples / frame.sample_rate)
    return max(found)


def streams(data: bytes) -> list[tuple[str, str, float]]:
    """Kind, codec and duration in seconds of each stream."""
    with av.open(io.BytesIO(data), "r") as opened:
        return [
            (stream.type, stream.codec_context.name, float((stream.duration or 0) * (stream.time_base or 0)))
            for stream in opened.streams
            if isinstance(stream, (VideoStream, AudioStream))
        ]
