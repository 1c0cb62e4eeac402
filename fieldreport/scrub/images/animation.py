"""Animations re-encoded from their pixels: every frame as it is shown, in an APNG.

Rules: an animation gets here only for strong cleaning, after its format has counted its frames and checked its sizes.
Frames come out whole and without loss, with their times; how the original stored them (differences, palettes, order of
codes, what lies under a transparent pixel) could carry anything, and none of it is left.
"""

from __future__ import annotations

import io
from collections.abc import Iterator

from PIL import Image, ImageFile, PngImagePlugin

from fieldreport import limits
from fieldreport.scrub.format import Cleaning
from fieldreport.scrub.images import codecs
from fieldreport.scrub.verdicts import Damaged, Refusal, Refused


def frames_as_png(
    cleaned: bytes, media_type: str, *, size: tuple[int, int], frames: int, profile: bytes | None, cleaning: Cleaning
) -> bytes:
    """The frames of a cleaned animation, or its only one, as a PNG that ``images.png`` still has to clean.

    Raises:
        Refused: ``too-large`` for more pixels than can be held at once, ``damaged``.
    """
    pixel_count = size[0] * size[1] * frames
    if pixel_count > limits.STRONG_FRAME_PIXELS:
        raise Refused(Refusal.TOO_LARGE)
    cleaning.spend(pixel_count * 8)
    with codecs.any_error_is_damage():
        return _encoded(codecs.open_one(cleaned, media_type), profile)


def _encoded(animation: ImageFile.ImageFile, profile: bytes | None) -> bytes:
    durations: list[float] = []
    frames = list(_frames(animation, durations))
    if not frames:
        raise Damaged
    first, *others = frames
    with io.BytesIO() as file:
        if others:
            first.save(
                file,
                "PNG",
                save_all=True,
                append_images=others,
                duration=durations,
                loop=int(animation.info.get("loop", 1)),
                default_image=bool(animation.info.get("default_image")),
                blend=PngImagePlugin.Blend.OP_SOURCE,
                icc_profile=profile,
            )
        else:
            first.save(file, "PNG", icc_profile=profile)
        return file.getvalue()


def _frames(animation: ImageFile.ImageFile, durations: list[float]) -> Iterator[Image.Image]:
    """Each frame as a viewer shows it; its time in milliseconds goes to ``durations``."""
    for number in range(getattr(animation, "n_frames", 1)):
        animation.seek(number)
        animation.load()
        durations.append(float(animation.info.get("duration", 0)))
        frame = animation.convert("RGBA")
        frame.info = {}
        yield frame


def warm() -> None:
    """Load the decoders and the encoder of animations."""
    pictures = [Image.new("RGBA", (8, 8), (shade, 0, 0, 255)) for shade in (0, 200)]
    for media_type, name in (("image/gif", "GIF"), ("image/png", "PNG"), ("image/webp", "WEBP")):
        with io.BytesIO() as file:
            pictures[0].save(file, name, save_all=True, append_images=pictures[1:], duration=40)
            file.seek(0)
            _encoded(codecs.open_one(file, media_type), None)
