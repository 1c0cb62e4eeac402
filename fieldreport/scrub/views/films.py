"""One picture of a film, and the waves of a recording: in the locked child whose warm parent has loaded the codecs.

Rules: as in ``media.transcode``: one thread, a demuxer that we name, no second file.
"""

from __future__ import annotations

import array
import contextlib
import itertools
from collections.abc import Iterator
from typing import Any, Final

import av
from av.audio.resampler import AudioResampler
from av.error import FFmpegError
from PIL import Image, ImageDraw

from fieldreport import limits
from fieldreport.scrub.format import Source, check_image
from fieldreport.scrub.media import transcode
from fieldreport.scrub.verdicts import Damaged

_FRAMES: Final = 9
_RATE: Final = 8000  # samples a second that are looked at
_COLUMNS: Final = 400
_HIGH: Final = 96  # pixels of a picture of sound
_PAPER, _WAVES = (238, 243, 251), (11, 83, 148)
_TURNS: Final = {
    90: Image.Transpose.ROTATE_90,
    -270: Image.Transpose.ROTATE_90,
    -90: Image.Transpose.ROTATE_270,
    270: Image.Transpose.ROTATE_270,
    180: Image.Transpose.ROTATE_180,
    -180: Image.Transpose.ROTATE_180,
}


def paint(untrusted: Source, demuxer: str, side: int, page: int) -> Image.Image:
    """A film's picture after so many tenths of it; of a recording, how loud it is from its beginning to its end.

    Raises:
        Refused: ``damaged`` for what does not decode, or for more than nine tenths.
    """
    if not 1 <= page <= _FRAMES:
        raise Damaged
    try:
        with av.open(untrusted.file(), format=demuxer, metadata_errors="ignore") as file:
            if file.streams.video:
                return _frame(file, page)
            if not file.streams.audio or page > 1:
                raise Damaged
            return _waves(file, min(side, _COLUMNS))
    except FFmpegError:
        raise Damaged from None


def warm() -> None:
    """Load what is loaded late."""
    av.logging.set_level(av.logging.PANIC)


def _frame(file: Any, tenths: int) -> Image.Image:
    moving = file.streams.video[0]
    transcode.one_thread(moving)
    if file.duration:
        with contextlib.suppress(FFmpegError):  # without an index it begins at the beginning
            file.seek((file.start_time or 0) + file.duration * tenths // (_FRAMES + 1))
    frame = next(_frames(file, moving), None)
    if frame is None:
        file.seek(0)
        frame = next(_frames(file, moving), None)
    if frame is None:
        raise Damaged
    check_image(frame.width, frame.height)
    picture: Image.Image = frame.to_image()
    turn = _TURNS.get(round(frame.rotation))
    return picture if turn is None else picture.transpose(turn)


def _frames(file: Any, stream: Any) -> Iterator[Any]:
    for packet in file.demux(stream):
        yield from transcode.frames(packet)


def _waves(file: Any, columns: int) -> Image.Image:
    heard = file.streams.audio[0]
    transcode.one_thread(heard)
    resampler = AudioResampler(format="s16", layout="mono", rate=_RATE)
    samples = array.array("h")
    shape = None
    for frame in _frames(file, heard):
        frame.pts = None
        now = (frame.format.name, frame.layout.name, frame.sample_rate)
        if shape not in {None, now}:  # a recording may change in its middle
            resampler = AudioResampler(format="s16", layout="mono", rate=_RATE)
        shape = now
        for piece in resampler.resample(frame):
            samples.frombytes(bytes(piece.planes[0])[: piece.samples * 2])
        if len(samples) > limits.SOUND_REENCODE_SECONDS * _RATE:
            break
    if not samples:
        raise Damaged
    ends = [len(samples) * column // columns for column in range(columns + 1)]
    loud = [max(map(abs, samples[start:end]), default=0) for start, end in itertools.pairwise(ends)]
    top = max(*loud, 1)
    picture = Image.new("RGB", (columns * 2, _HIGH), _PAPER)
    pen = ImageDraw.Draw(picture)
    for column, level in enumerate(loud):
        reach = max(1, level * _HIGH // (2 * top))
        pen.line([(column * 2, _HIGH // 2 - reach), (column * 2, _HIGH // 2 + reach - 1)], fill=_WAVES)
    return picture
