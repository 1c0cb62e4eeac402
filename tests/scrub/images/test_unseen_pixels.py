"""What was erased or cut out of a picture lies under its transparent pixels until they are written again."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from fieldreport.scrub.verdicts import Mode
from tests.scrub.conftest import Clean


def _half_erased(mode: str) -> Image.Image:
    image = Image.effect_noise((64, 64), 60).convert(mode)
    alpha = Image.new("L", image.size, 255)
    alpha.paste(0, (0, 0, 64, 32))
    alpha.paste(1, (0, 0, 8, 8))
    image.putalpha(alpha)
    return image


@pytest.mark.parametrize("colours", ["RGBA", "LA"])
@pytest.mark.parametrize(("form", "mode"), [("PNG", Mode.STRONG), ("TIFF", Mode.LOSSLESS), ("TIFF", Mode.STRONG)])
def test_what_lies_under_transparent_pixels_goes_with_the_coding(
    clean: Clean, colours: str, form: str, mode: Mode
) -> None:
    original = _half_erased(colours)
    with io.BytesIO() as file:
        original.save(file, form)
        cleaned = clean(file.getvalue(), mode).data
    with Image.open(io.BytesIO(cleaned)) as image:
        shown = image.convert("RGBA")
    assert shown.crop((8, 0, 64, 32)).getcolors() == [(56 * 32, (0, 0, 0, 0))]
    expected = original.convert("RGBA")
    for box in ((0, 0, 8, 8), (0, 32, 64, 64)):
        assert shown.crop(box).tobytes() == expected.crop(box).tobytes()


def test_what_lies_under_transparent_pixels_of_a_webp_goes_in_strong_mode(clean: Clean) -> None:
    with io.BytesIO() as file:
        _half_erased("RGBA").save(file, "WEBP", lossless=True, exact=True)
        cleaned = clean(file.getvalue(), Mode.STRONG).data
    with Image.open(io.BytesIO(cleaned)) as image:
        colours = image.convert("RGBA").crop((16, 0, 64, 24)).getcolors()
    assert colours is not None
    assert len(colours) == 1
