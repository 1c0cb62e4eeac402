"""Where faces seem to be: found behind the lock where the detector is installed, and not looked for elsewhere."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from PIL import Image, ImageDraw, ImageFilter

from fieldreport.errors import ScrubRefused
from fieldreport.scratch import Scratch
from fieldreport.scrub import Scrubber
from fieldreport.scrub.verdicts import Area, Refused
from fieldreport.scrub.views import face_areas

SKIN, HAIR, DARK = (205, 170, 145), (50, 35, 30), (30, 20, 20)


def people(*places: tuple[int, int, int]) -> bytes:
    """A photo of drawn faces, each at x and y and so many pixels wide."""
    image = Image.new("RGB", (900, 600), (120, 140, 120))
    for x, y, size in places:
        drawing = ImageDraw.Draw(image)

        def oval(
            box: tuple[float, float, float, float],
            fill: tuple[int, int, int],
            at: tuple[int, int, int] = (x, y, size),
            on: ImageDraw.ImageDraw = drawing,
        ) -> None:
            left, top, right, bottom = box
            on.ellipse(
                (at[0] + left * at[2], at[1] + top * at[2], at[0] + right * at[2], at[1] + bottom * at[2]), fill=fill
            )

        oval((-0.04, -0.08, 1.04, 1.3), HAIR)
        oval((0.08, 0.22, 0.92, 1.28), SKIN)
        for eye in (0.3, 0.7):
            oval((eye - 0.13, 0.5, eye + 0.13, 0.62), (150, 115, 100))
            oval((eye - 0.09, 0.52, eye + 0.09, 0.61), (235, 230, 225))
            oval((eye - 0.045, 0.515, eye + 0.045, 0.61), DARK)
            oval((eye - 0.13, 0.42, eye + 0.13, 0.48), HAIR)
        oval((0.42, 0.58, 0.58, 0.84), (185, 145, 120))
        oval((0.35, 0.96, 0.65, 1.06), (150, 70, 70))
    out = io.BytesIO()
    image.filter(ImageFilter.GaussianBlur(3)).save(out, "JPEG")
    return out.getvalue()


def middles(found: tuple[Area, ...]) -> list[tuple[int, int]]:
    """In pixels of 900."""
    return [((each.left + each.right) * 9 // 200, (each.top + each.bottom) * 9 // 200) for each in found]


def test_two_people_are_found_and_a_wall_is_none(scrubber: Scrubber, scratch: Callable[[bytes], Scratch]) -> None:
    pytest.importorskip("cv2", reason="the extra 'faces'")
    first, second = scrubber.faces(scratch(people((150, 150, 180), (560, 200, 140))), page=1)
    for found, (x, y) in zip(middles((first, second)), ((240, 270), (630, 290)), strict=True):
        assert abs(found[0] - x) < 20
        assert abs(found[1] - y) < 40
    assert first.right - first.left > 2000
    assert scrubber.faces(scratch(people()), page=1) == ()
    with pytest.raises(ScrubRefused):
        scrubber.faces(scratch(b"no picture"), page=1)


def test_without_the_detector_nothing_is_loaded_or_said(
    scrubber: Scrubber, scratch: Callable[[bytes], Scratch], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(face_areas, "PACKAGE", "no_such_package")
    assert not scrubber.finds_faces
    with pytest.raises(ScrubRefused):
        scrubber.faces(scratch(people()), page=1)


@pytest.mark.parametrize(
    "untrusted", [b"", b"\1", b"\0more", b"\xff" * 200, b"\1" + bytes(16), b"\xff" + bytes(255 * 16)]
)
def test_a_child_that_was_taken_over_suggests_nothing(untrusted: bytes) -> None:
    with pytest.raises(Refused):
        face_areas.decode(untrusted, 1)
