"""Where faces seem to be on a page, so that an editor need not begin with none: suggestions, never an answer.

The detector is OpenCV's, with the tables of Haar features that its wheel brings (Viola and Jones 2001; the one of
profiles also on the mirrored page), where the extra ``faces`` is installed. It misses what is turned away, covered,
dark or small, and takes other things for faces.

Rules: it runs in the locked child of a warm parent of its own, because every fork would be slower with it; elsewhere it
is not loaded.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from typing import Any, Final

from PIL import Image

from fieldreport import limits
from fieldreport.scrub.format import Cleaning, Sink, Source
from fieldreport.scrub.verdicts import WIDTH, Elsewhere
from fieldreport.scrub.views import face_areas, pictures

MEDIA_TYPE: Final = "text/plain"  # one that an answer may name
_FRONT: Final = "haarcascade_frontalface_alt2.xml"
_SIDE_ON: Final = "haarcascade_profileface.xml"
_LOOKED_AT: Final = 1024  # pixels across: a face of a fortieth of the width is found
_STEP: Final = 1.1  # from one size to the next
_AGREEING: Final = 3  # hits of neighbouring sizes and places that make one face
_SMALLEST: Final = 24  # pixels
_AROUND: Final = 0.2  # of its size on each side: a hit is eyes to mouth, and hair and ears show a person, too

_loaded: list[tuple[Any, Any, Any]] = []  # numpy, and the cascades of a face from the front and from the side


def load() -> None:
    """Load the detector into this process, which has one thread and keeps it. Raises ``ImportError``."""
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    cv2 = importlib.import_module(face_areas.PACKAGE)
    cv2.setNumThreads(0)
    front, side_on = (cv2.CascadeClassifier(cv2.data.haarcascades + name) for name in (_FRONT, _SIDE_ON))
    _loaded.append((importlib.import_module("numpy"), front, side_on))


def write(untrusted_source: Source, sink: Sink, cleaning: Cleaning) -> str:
    """Write where faces seem to be on the page that the options name; the answer is a media type.

    Raises:
        Refused: it has no pages that can be drawn. Elsewhere: the detector is not in this process.
    """
    if not _loaded:
        raise Elsewhere
    page = cleaning.options.place[-1]
    image = pictures.drawn(untrusted_source, page, _LOOKED_AT, cleaning)
    if image.mode == "RGBA":
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    found = _apart(list(_hits(image.convert("L"))))[: limits.FACES]
    sink.write(face_areas.encode([_units(box, image.width) for box in found]))
    return MEDIA_TYPE


_Box = tuple[float, float, float, float]


def _hits(grey: Image.Image) -> Iterator[_Box]:
    numpy, front, side_on = _loaded[0]
    pixels = numpy.frombuffer(grey.tobytes(), dtype=numpy.uint8).reshape(grey.height, grey.width)
    mirrored = numpy.ascontiguousarray(pixels[:, ::-1])
    for cascade, page, turned in ((front, pixels, False), (side_on, pixels, False), (side_on, mirrored, True)):
        for x, y, width, height in cascade.detectMultiScale(
            page, scaleFactor=_STEP, minNeighbors=_AGREEING, minSize=(_SMALLEST, _SMALLEST)
        ):
            left = grey.width - x - width if turned else x
            yield float(left), float(y), float(left + width), float(y + height)


def _apart(boxes: list[_Box]) -> list[_Box]:
    """Without those whose middle lies in one before them; from the top."""
    kept: list[_Box] = []
    for box in boxes:
        x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        if not any(left <= x <= right and top <= y <= bottom for left, top, right, bottom in kept):
            kept.append(box)
    return sorted(kept, key=lambda each: (each[1], each[0]))


def _units(box: _Box, width: int) -> tuple[int, int, int, int]:
    left, top, right, bottom = box
    more = (right - left) * _AROUND
    scale = WIDTH / width
    sides = (left - more, top - more, right + more, bottom + more)
    x, y, other_x, other_y = (round(max(0.0, each) * scale) for each in sides)
    return x, y, min(other_x, WIDTH), other_y
