"""Pictures that differ as photos do: light from one side, and things large and small in it."""

from __future__ import annotations

import io
import random

from PIL import Image, ImageDraw, ImageFilter


def scene(number: int, width: int = 640, height: int = 480) -> Image.Image:
    """One of any number of scenes; the same number is the same scene."""
    dice = random.Random(number)
    light = Image.linear_gradient("L").rotate(dice.choice((0, 90, 180, 270))).resize((width, height))
    image = Image.blend(light.convert("RGB"), Image.new("RGB", light.size, dice.choice(("teal", "red", "olive"))), 0.3)
    draw = ImageDraw.Draw(image)
    for _ in range(14):
        left, top = dice.randrange(width), dice.randrange(height)
        right, bottom = left + dice.randrange(20, width // 2), top + dice.randrange(20, height // 2)
        colour = (dice.randrange(256), dice.randrange(256), dice.randrange(256))
        (draw.ellipse if dice.random() < 0.5 else draw.rectangle)((left, top, right, bottom), fill=colour)
    return image.filter(ImageFilter.GaussianBlur(3))


def jpeg(image: Image.Image, quality: int = 90) -> bytes:
    """The picture as a file."""
    with io.BytesIO() as file:
        image.save(file, "JPEG", quality=quality)
        return file.getvalue()
