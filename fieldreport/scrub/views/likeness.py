"""By what a picture is known again though it was encoded, scaled or coloured in another way: 128 bits of how it looks.

The first 64 are a pHash (Zauner 2010: which low frequencies of a cosine transform lie above their median), the last 64
a dHash (Krawetz 2013: where it gets lighter from left to right), both over grey pixels. ``vault.cases.pictures``
compares them.

Rule: it runs in the locked child. What is too plain to tell from another has no likeness.
"""

from __future__ import annotations

import itertools
import math
from typing import Final

from PIL import Image

from fieldreport import limits
from fieldreport.scrub.format import Cleaning, Sink, Source
from fieldreport.scrub.sniff import sniff
from fieldreport.scrub.verdicts import Refusal, Refused
from fieldreport.scrub.views import pictures

MEDIA_TYPE: Final = "text/plain"  # one that an answer may name
_SIDE: Final = 32  # pixels of the transform
_LOW: Final = 8  # frequencies of it that count, across and down
_PLAIN: Final = 4.0  # standard deviation of the grey levels below which noise decides
_LOOKED_AT: Final = 540  # pixels across that are asked for; a card is as large
_COSINES: Final = tuple(
    tuple(math.cos(math.pi * (2 * x + 1) * u / (2 * _SIDE)) for x in range(_SIDE)) for u in range(_LOW)
)


def write(untrusted_source: Source, sink: Sink, cleaning: Cleaning) -> str:
    """Write the likeness of a picture, or ``limits.NO_LIKENESS`` for one that is too plain; the answer is a media type.

    Raises:
        Refused: it is no picture, or cannot be drawn.
    """
    if not sniff(untrusted_source).startswith("image/"):
        raise Refused(Refusal.UNSUPPORTED)
    found = likeness(pictures.drawn(untrusted_source, 1, _LOOKED_AT, cleaning))
    sink.write(limits.NO_LIKENESS if found is None else found.to_bytes(limits.LIKENESS_BYTES))
    return MEDIA_TYPE


def likeness(image: Image.Image) -> int | None:
    """The bits of one picture; nothing for one that is too plain. What is seen through is white."""
    if image.mode == "RGBA":
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    grey = image.convert("L")
    square = _scaled(grey, _SIDE, _SIDE)
    mean = math.fsum(square) / len(square)
    if math.dist(square, [mean] * len(square)) < _PLAIN * _SIDE:
        return None
    rows = [[sum(map(float.__mul__, line, wave)) for wave in _COSINES] for line in _lines(square, _SIDE)]
    columns = list(zip(*rows, strict=True))
    waves = [sum(map(float.__mul__, column, wave)) for wave in _COSINES for column in columns]
    middle = sorted(waves[1:])[len(waves) // 2 - 1]  # without the first, which is how light all of it is
    steps = [
        left < right
        for line in _lines(_scaled(grey, _LOW + 1, _LOW), _LOW + 1)
        for left, right in itertools.pairwise(line)
    ]
    bits = 0
    for each in (*(wave > middle for wave in waves), *steps):
        bits = bits << 1 | each
    return bits


def _scaled(grey: Image.Image, width: int, height: int) -> list[float]:
    return [float(level) for level in grey.resize((width, height), Image.Resampling.BOX).tobytes()]


def _lines(pixels: list[float], width: int) -> list[list[float]]:
    return [pixels[start : start + width] for start in range(0, len(pixels), width)]
