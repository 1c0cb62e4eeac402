"""Printed pages as a scanner sees them, with and without the codes of printers."""

from __future__ import annotations

import random
from typing import Final

from PIL import Image, ImageChops, ImageDraw, ImageFilter

_FINE: Final = 4  # parts of a pixel, in which dots are drawn
_DOT: Final = 0.1 / 25.4  # inches across


def docucolor() -> tuple[list[tuple[int, int]], tuple[int, int], float]:
    """Xerox DocuColor as the EFF decoded it: 15 by 8, odd parity in each row and column, 0.04 inches apart.

    Answers the places, the size of what comes back, and the inches between two places. The next cell to the right is
    lower by a half.
    """
    chance = random.Random(8841)
    bits = [[chance.random() < 0.35 for _ in range(8)] for _ in range(16)]
    for row in bits[1:]:
        row[0] = not sum(row[1:]) % 2
    cell = [(column, row) for row in range(1, 16) for column in range(8) if bits[row][column]]
    return cell + [(column + 8, (row + 16) % 32) for column, row in cell], (16, 32), 0.04


def one_of_four() -> tuple[list[tuple[int, int]], tuple[int, int], float]:
    """HP, Ricoh, Lexmark and Kyocera (pattern 2 of Richter et al.): eight blocks, in each row one dot of four."""
    chance = random.Random(3021)
    places = [(1, 1), (1, 0), (0, 1)]
    for down in range(4):
        for right in range(2):
            for row in range(5):
                y = 5 * down + 2 + row
                places.append((9 * right + 2 + 2 * chance.randrange(4) - y % 2, y))
    return places, (18, 23), 0.03


def dots(code: tuple[list[tuple[int, int]], tuple[int, int], float], size: tuple[int, int], dpi: int) -> Image.Image:
    """How much of each pixel is covered by a code that comes back over the whole page."""
    places, (columns, rows), apart = code
    width, height = round(columns * apart * dpi), round(rows * apart * dpi)
    cell = Image.new("L", (width * _FINE, height * _FINE))
    draw, radius = ImageDraw.Draw(cell), _DOT * dpi * _FINE / 2
    for column, row in places:
        x, y = ((place * apart + 0.01) * dpi * _FINE for place in (column, row))
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    cell = cell.reduce(_FINE)
    covered = Image.new("L", size)
    for left in range(0, size[0], width):
        for top in range(0, size[1], height):
            covered.paste(cell, (left, top))
    return covered


def page(
    size: tuple[int, int], dpi: int, *, paper: tuple[int, int, int] = (247, 245, 238), noise: int = 3
) -> Image.Image:
    """Lines of words in black on paper that is not quite white, a picture, and the noise of a scanner."""
    image = Image.new("RGB", size, paper)
    draw, chance = ImageDraw.Draw(image), random.Random(5)
    line = dpi // 6
    for y in range(dpi // 3, size[1] - line, line):
        x = dpi // 2
        while x < size[0] - dpi:
            word = chance.randrange(dpi // 12, dpi // 2)
            draw.rectangle((x, y, x + word, y + line // 3), fill=(30, 28, 33))
            x += word + dpi // 16
    grain = Image.effect_noise(size, noise * 2).point(lambda value: value // 2)
    shifted = [ImageChops.offset(grain, 31 * shift, 17 * shift) for shift in (1, 2, 3)]
    return ImageChops.add(ImageChops.subtract(image, Image.new("RGB", size, (64, 64, 64))), Image.merge("RGB", shifted))


def printed(image: Image.Image, covered: Image.Image) -> Image.Image:
    """A page with yellow dots on it, as sharp as scanners are."""
    marked = image.copy()
    marked.paste(ImageChops.multiply(image, Image.new("RGB", image.size, (255, 250, 90))), mask=covered)
    return marked.filter(ImageFilter.GaussianBlur(0.5))
