"""Scanned pages: finding the yellow dots that colour printers put on every page, and paper without them.

Most colour printers print a grid of dots a tenth of a millimetre wide, which tells the printer's serial number and
often the time. They are seen best as what blue lacks on white paper. What makes them a code, and not noise, is that
the same few dozen come back at an even distance, over the whole page.

Sources: EFF, "DocuColor tracking dot decoding guide" (2005); Richter, Escher, Schönfeld, Strufe, "Forensic analysis and
anonymisation of printed documents" (IH&MMSec 2018): cells of 8 by 16, 18 by 23, 32 by 32 and 24 by 48 places, 0.01 to
0.04 inches apart, which come back after a third of an inch to one and a quarter.
"""

from __future__ import annotations

import bisect
import math
from collections import Counter
from collections.abc import Collection, Iterator
from typing import Final, cast

from PIL import Image, ImageChops, ImageFilter

from fieldreport import limits
from fieldreport.scrub.format import Cleaning
from fieldreport.scrub.verdicts import Mode, Noted, Removed

PEEK: Final = 32
"""How many rows tell whether more of a picture is worth being decoded."""

Dots = Collection[tuple[int, int]]

_WHITE_AT_LEAST: Final = 150  # of the paper's own level, out of 255: darker is no paper
_DARK: Final = 60
_LIT: Final = 0.15  # of the beginning, at least
_BRIGHT: Final = 0.82  # of the paper's level; print is darker
_SHADE: Final = 0.1  # of the level, by which paper differs from place to place
_PAPER_SHARE: Final = 0.5  # of a page that is neither print nor picture
_FINER: Final = 4  # steps of a level, in which small differences are tallied
_CONTRAST: Final = 4 * _FINER  # that blue lacks, at least, more than around the dot
_ABOVE_NOISE: Final = 3.5  # times what one pixel in ten exceeds
_DOT_SIDE: Final = 8  # pixels at most
_AROUND: Final = 4  # pixels a side, of the squares in which print near a dot is looked for
_FEWEST, _MOST = 60, 4000  # dots in a strip; a code has a hundred and more to the square inch
_FEWEST_RETURNING: Final = 40
_PAIRS_OF: Final = 250  # dots whose distances to all others are tallied
_BIN: Final = 3  # pixels a side, of what counts as one distance
_ROW: Final = 1 << 12  # of bins: more than any strip has, twice
_SHORTEST, _LONGEST = 40, 460  # pixels between a dot and the same one of the next cell, at 300 to the inch
_CANDIDATES: Final = 24  # distances that are looked at more closely
_MOST_DISTANCES: Final = 100  # nearly as frequent as the most frequent; more are a grid of something else
_RETURN, _ABOVE_CHANCE = 0.15, 15  # of all dots, have one at that distance; times as many as by chance
_NEARLY: Final = 0.7
_CELL_DOTS: Final = 8  # in the square of that distance; a plain grid has one
_LOOKED_AT: Final = 1700  # pixels of each row
_WIDEST: Final = 3600  # pixels, from which on a page is one of 600 to the inch and looked at in half the size


def is_page(width: int, height: int) -> bool:
    """Whether a picture of this size may be a scanned page that shows such dots: at 250 pixels to the inch or more."""
    return min(width, height) >= 1600


def strip_height(width: int) -> int:
    """How many rows are looked at, so that the time it takes is the same for every picture."""
    return limits.PAPER_PIXELS * (2 if width > _WIDEST else 1) // width // 16 * 16


def may_show(small: Image.Image) -> bool:
    """Whether the beginning of a picture, in grey and an eighth of its size, may be that of a page: enough is paper.

    Fewer squares are enough than ``has_dots`` wants of pixels, since print makes the paper around it darker; and the
    lid of a scanner, dark beside the paper, counts for nothing.
    """
    levels = small.histogram()
    level = max(range(_WHITE_AT_LEAST - 10, 256), key=levels.__getitem__)
    alike = sum(levels[round(level * (1 - _SHADE)) : round(level * (1 + _SHADE)) + 1])
    return not is_dark(small) and alike >= 0.7 * _PAPER_SHARE * sum(levels[_DARK:])


def is_dark(small: Image.Image) -> bool:
    """Whether too little of such a beginning is lit to tell: night, or a scanner's lid above the page."""
    return sum(small.histogram()[_DARK:]) < _LIT * small.width * small.height


def may_be_halved(width: int) -> bool:
    """Whether half as many pixels to the inch are still enough, for a picture whose colours have no more of them."""
    return width <= _WIDEST


def look(strip: Image.Image, noted: set[str], *, across: int = 1) -> None:
    """Add to ``noted`` when the first rows of a page show printer dots. No more than ``strip_height`` are looked at.

    ``across``: how many pixels of the page, across and down, each of the strip's stands for: 1, or 2 where they may be
    halved.
    """
    if strip.mode != "RGB":
        return
    finer = 2 if strip.width * across > _WIDEST else 1
    width = min(strip.width, finer * _LOOKED_AT // across)
    left = (strip.width - width) // 2
    middle = strip.crop((left, 0, left + width, min(strip.height, strip_height(strip.width * across) // across)))
    if has_dots(middle.reduce(finer) if finer > 1 else middle, across=across):
        noted.add(Noted.PRINTER_DOTS)


def page(image: Image.Image, cleaning: Cleaning) -> Image.Image:
    """A decoded picture: in strong mode with white paper, if it is a page; else looked at, and as it is."""
    if cleaning.mode is Mode.STRONG:
        return whitened(image, cleaning.removed)
    if is_page(*image.size):
        look(image, cleaning.noted)
    return image


def has_dots(strip: Image.Image, *, across: int = 1) -> bool:
    """Whether there is a code of yellow dots on the paper of an RGB picture, at some 300 pixels to the inch.

    ``across``: 2 for a picture of half as many pixels to the inch, each the mean of four.
    """
    red, green, blue = strip.split()
    floor = ImageChops.darker(red, green)
    lack = ImageChops.subtract(floor, blue)
    _, most = cast("tuple[int, int]", lack.getextrema())
    if most * _FINER < _CONTRAST:  # all of it is black, grey or white, as many pages are
        return False
    level = _paper_level(floor)
    if not level:
        return False
    lack = lack.point([min(255, _FINER * value) for value in range(256)])
    if across == 1:
        lack = _smoothed(lack)
    excess = ImageChops.subtract(lack, lack.reduce(8 // across).resize(lack.size, Image.Resampling.BILINEAR))
    tallied = excess.histogram()
    pixels = strip.width * strip.height
    least = max(
        _CONTRAST, round(_ABOVE_NOISE * _exceeded_by(tallied, pixels // 10)), _exceeded_by(tallied, pixels // 30)
    )
    if sum(tallied[least:]) < _FEWEST:
        return False
    near = floor.reduce(_AROUND // across).point(_at_least(round(level * _BRIGHT)))
    near = near.filter(ImageFilter.BoxBlur(1)).point(
        _at_least(255)
    )  # bright all around; faster than the lowest of nine
    marks = ImageChops.darker(excess.point(_at_least(least)), near.resize(strip.size, Image.Resampling.NEAREST))
    dots = [(across * x, across * y) for x, y in _dots(marks, _DOT_SIDE // across)]
    return _is_code(dots, (across * strip.width, across * strip.height))


def _smoothed(image: Image.Image) -> Image.Image:
    """Each pixel with its neighbours to the right and below: a dot is not much wider. A third of a blur's time."""
    across = ImageChops.add(image, ImageChops.offset(image, -1, 0), 2)
    return ImageChops.add(across, ImageChops.offset(across, 0, -1), 2)


def _exceeded_by(tallied: list[int], pixels: int) -> int:
    """The level of a histogram that so many pixels exceed."""
    level = 255
    while level and pixels >= 0:
        pixels -= tallied[level]
        level -= 1
    return level + 1


def whitened(image: Image.Image, removed: set[Removed]) -> Image.Image:
    """A page on white paper, without anything pale but larger areas of colour; any other picture as it is."""
    if image.mode not in {"L", "RGB", "RGBA", "CMYK", "P"}:
        return image
    colours = image
    if image.mode in {"P", "CMYK"}:
        colours = image.convert("RGBA" if "transparency" in image.info else "RGB")
    shown = colours.convert("RGB")
    floor = _floor(shown)
    level = _paper_level(floor)
    if not level:
        return image
    lack = ImageChops.subtract(floor, shown.getchannel("B"))
    paper = floor.point(_at_least(round(level * _BRIGHT)))
    tint = lack.histogram(paper).index(max(lack.histogram(paper)))
    coloured = lack.reduce(8).point(_at_least(min(255, tint + 40)))
    coloured = coloured.filter(ImageFilter.MinFilter(3)).filter(ImageFilter.MaxFilter(5))  # wider than any dot
    paper = ImageChops.subtract(paper, coloured.resize(image.size, Image.Resampling.NEAREST))
    white = colours.copy()
    white.paste("white", mask=paper)
    if colours.mode == "RGBA":
        white.putalpha(colours.getchannel("A"))
    removed.add(Removed.PALE_MARKS)
    return white


def _at_least(level: int) -> list[int]:
    return [255 * (value >= level) for value in range(256)]


def _floor(image: Image.Image) -> Image.Image:
    """The lower of red and green, in which yellow is as white as paper."""
    return ImageChops.darker(image.getchannel("R"), image.getchannel("G"))


def _paper_level(floor: Image.Image) -> int:
    """The commonest of the bright levels; 0 when this is no page."""
    levels = floor.histogram()
    level = max(range(_WHITE_AT_LEAST, 256), key=levels.__getitem__)
    alike = sum(levels[round(level * (1 - _SHADE)) : round(level * (1 + _SHADE)) + 1])
    return level if alike >= _PAPER_SHARE * floor.width * floor.height else 0


def _runs(mask: bytes) -> Iterator[tuple[int, int]]:
    """Begin and end of what is set in a mask, row after row: few, far from each other."""
    start = mask.find(b"\xff")
    while start >= 0:
        end = mask.find(b"\0", start)
        end = len(mask) if end < 0 else end
        yield start, end
        start = mask.find(b"\xff", end)


def _dots(mask: Image.Image, side: int) -> Dots:
    """The middles of what is set in a mask, where it is as small as a dot: ``side`` pixels at most."""
    whole, width = mask.tobytes(), mask.width
    dots: dict[tuple[int, int], None] = {}
    last: dict[int, int] = {}  # of the row before: a run's middle, and how many rows its dot has
    runs: dict[int, int] = {}
    row = 0
    for start, end in _runs(whole):
        y, x = divmod((start + end - 1) // 2, width)
        if y != row:
            last = runs if y == row + 1 else {}
            row, runs = y, {}
        above = 0
        if last:
            beside = last.get
            above = max(beside(x - 2, 0), beside(x - 1, 0), beside(x, 0), beside(x + 1, 0), beside(x + 2, 0))
        runs[x] = above + 1 if end - start <= side else side + 1
        if not above and runs[x] == 1:
            dots[x, y] = None
            if len(dots) > _MOST:
                return ()
    return dots


def _is_code(dots: Dots, size: tuple[int, int]) -> bool:
    """Whether many dots come back at one distance, which is longer than those of any plain grid."""
    if len(dots) < _FEWEST:
        return False
    bins = sorted(y // _BIN * _ROW + x // _BIN for x, y in dots)
    tallied: Counter[int] = Counter()
    reach = _LONGEST // _BIN * _ROW
    for place in range(0, len(bins), max(1, len(bins) // _PAIRS_OF)):
        first = bins[place]
        below = bins[place + 1 : bisect.bisect(bins, first + reach)]
        tallied.update(map(first.__rsub__, below))
    wide = {(x + right, y + down) for x, y in dots for right in range(-2, 3) for down in range(-2, 3)}
    pixels = size[0] * size[1]
    best, step = 0.0, (0, 0)
    for difference, _ in tallied.most_common(_CANDIDATES):
        down = (difference + _ROW // 2) // _ROW
        candidate = _BIN * (difference - down * _ROW), _BIN * down
        if abs(candidate[0]) <= _LONGEST and (share := _returning(dots, wide, size, candidate)) > best:
            best, step = share, candidate
    if best < max(_RETURN, _ABOVE_CHANCE * len(wide) / pixels):
        return False
    parts = [(round(step[0] / part), round(step[1] / part)) for part in range(1, 8)]
    length = min(math.hypot(*part) for part in parts if _returning(dots, wide, size, part) > _NEARLY * best)
    often = tallied.most_common(1)[0][1]
    return (
        length >= _SHORTEST
        and len(dots) * length**2 >= _CELL_DOTS * pixels
        and sum(count > _NEARLY * often for count in tallied.values()) <= _MOST_DISTANCES
    )


def _returning(dots: Dots, wide: set[tuple[int, int]], size: tuple[int, int], step: tuple[int, int]) -> float:
    """The share of dots that have another one a step away, of those whose step does not lead outside; 0 for a few."""
    right, down = step
    there = [(x + right, y + down) for x, y in dots if 0 <= x + right < size[0] and y + down < size[1]]
    found = sum(place in wide for place in there)
    return found / len(there) if found >= _FEWEST_RETURNING else 0.0
