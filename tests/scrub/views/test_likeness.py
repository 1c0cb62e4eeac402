"""By what pictures are known again, told behind the real lock."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from PIL import Image, ImageEnhance

from fieldreport.errors import ScrubRefused
from fieldreport.scratch import Scratch
from fieldreport.scrub.sandbox.service import Scrubber
from fieldreport.vault.cases.pictures import are_alike
from tests.scenes import jpeg, scene

Look = Callable[[bytes], int | None]
CHANGES: dict[str, Callable[[Image.Image], bytes]] = {
    "poor": lambda image: jpeg(image, 25),
    "small": lambda image: jpeg(image.resize((160, 120))),
    "cut": lambda image: jpeg(image.crop((12, 9, 628, 471))),
    "grey": lambda image: jpeg(image.convert("L")),
    "brighter": lambda image: jpeg(ImageEnhance.Brightness(image).enhance(1.25)),
    "paler": lambda image: jpeg(ImageEnhance.Contrast(image).enhance(0.7)),
}


@pytest.fixture
def look(scrubber: Scrubber, scratch: Callable[[bytes], Scratch]) -> Look:
    return lambda content: scrubber.likeness(scratch(content))


def test_a_picture_is_known_again_after_it_was_changed_and_another_is_not(look: Look) -> None:
    scenes = [scene(number) for number in range(8)]
    looks = [look(jpeg(each)) for each in scenes]
    assert None not in looks
    missed = [
        (number, name)
        for number, (each, before) in enumerate(zip(scenes, looks, strict=True))
        for name, change in CHANGES.items()
        if not are_alike(before or 0, look(change(each)) or 0)
    ]
    assert missed == []
    assert not any(are_alike(one or 0, other or 0) for one, other in itertools.combinations(looks, 2))


def test_what_is_too_plain_or_no_picture_is_known_by_nothing(look: Look) -> None:
    assert look(jpeg(Image.new("RGB", (300, 200), "teal"))) is None
    with pytest.raises(ScrubRefused):
        look(b"At night.")
