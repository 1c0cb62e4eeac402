"""Pictures for the tests of several formats, and what their pixels are."""

from __future__ import annotations

import io

from PIL import Image


def picture(mode: str = "RGB", size: tuple[int, int] = (48, 32)) -> Image.Image:
    """A picture in colour, no two corners alike; in mode RGBA with transparency."""
    gradient = Image.linear_gradient("L").resize(size)
    colour = Image.merge("RGB", (gradient, gradient.transpose(Image.Transpose.ROTATE_180), gradient))
    if mode == "RGBA":
        colour.putalpha(gradient)
    return colour


def exif(orientation: int = 1) -> bytes:
    """A camera's block: how it was held, its maker, when, where."""
    block = Image.Exif()
    block[0x0112] = orientation
    block[0x010F] = "PLANTED"
    block[0x0132] = "2024:01:02 03:04:05"
    block.get_ifd(0x8825)[2] = (41.0, 24.0, 0.0)
    return block.tobytes()


def mean(image: Image.Image) -> float:
    """Of all pixels, whatever their depth."""
    found = image.convert("I").convert("F").resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))
    assert isinstance(found, float)
    return found


def frames(data: bytes) -> list[bytes]:
    """The pixels of every frame."""
    with Image.open(io.BytesIO(data)) as image:
        found = []
        for index in range(getattr(image, "n_frames", 1)):
            image.seek(index)
            found.append(image.convert("RGBA").tobytes())
        return found
