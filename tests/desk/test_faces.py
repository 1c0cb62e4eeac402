"""Faces are suggested where the detector is installed, and covered only where an editor presses."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from fieldreport.desk.marks import Marks
from fieldreport.scrub.views import face_areas
from tests.cast import File
from tests.desk.conftest import Browser, House, Page
from tests.desk.test_articles import start
from tests.scrub.views.test_faces import people

LOOK = "Look for faces on this page"


@pytest.fixture
def page(house: House, amira: Browser) -> Page:
    photo = people((150, 150, 180), (560, 200, 140))
    case = house.receive(files=[File("photo-1.jpg", "image/jpeg", photo)])
    page = amira.press(start(house, amira, case), "Attach photo-1.jpg", {"title": "Typed", "body": "![](photo-1.jpg)"})
    return amira.press(page, "Redact photo-1.jpg", {"alternative.photo-1.jpg": "Two people"})


def dashed(page: Page) -> int:
    return len(page.find("//*[@class='face']"))


def test_a_suggestion_is_covered_when_it_is_accepted_and_not_before(amira: Browser, page: Page) -> None:
    pytest.importorskip("cv2", reason="the extra 'faces'")
    page = amira.press(page, LOOK)
    assert dashed(page) == 2
    assert amira.press(page, "Make the redacted file").status == 422, "a suggestion covers nothing"
    page = amira.press(page, "Cover face 1")
    assert dashed(page) == 1
    one = amira.press(page, "Make the redacted file")
    made = Image.open(io.BytesIO(amira.get(f"{one.path}/media/photo-2.jpg").body))
    assert made.getpixel((240, 270)) == (0, 0, 0)
    assert made.getpixel((630, 290)) != (0, 0, 0)


def test_all_of_them_are_covered_with_one_press(amira: Browser, page: Page) -> None:
    pytest.importorskip("cv2", reason="the extra 'faces'")
    page = amira.press(amira.press(page, LOOK), "Cover all of them")
    assert dashed(page) == 0
    assert len(page.find("//*[@class='area'][@x]")) == 2
    assert "No face is left" in page.text


def test_without_the_detector_the_page_says_so(amira: Browser, page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(face_areas, "PACKAGE", "no_such_package")
    shown = amira.get(page.path)
    assert "Faces are not looked for on this desk" in shown.text
    assert LOOK not in shown.buttons()


def test_another_page_shows_no_faces_of_the_one_before() -> None:
    form = {"areas": "", "page": "1", "pages": "2", "looked": "yes", "faces": "1 0 0 10 10", "act": "page-2"}
    after = Marks.of(form).after(form)
    assert (after.looked, after.faces, after.page) == (False, (), 2)
