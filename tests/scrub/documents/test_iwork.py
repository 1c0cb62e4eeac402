"""Pages, Numbers and Keynote: their preview is taken, cleaned, and called one."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

import pytest

from fieldreport.bench.samples import samples
from fieldreport.scrub import Refusal, Removed
from fieldreport.scrub.verdicts import Noted
from tests.scrub.conftest import RefusalOf, clean_copy


def package(members: Mapping[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        for name, content in members.items():
            made.writestr(name, content)
    return file.getvalue()


@pytest.mark.parametrize(
    ("members", "media_type"),
    [
        ({"Index/Document.iwa": "", "preview-micro.jpg": "jpg", "preview.jpg": "jpg"}, "image/jpeg"),
        ({"Index.zip": "", "preview.jpg": "jpg"}, "image/jpeg"),
        ({"plan.key/Index.zip": "", "plan.key/preview.jpg": "jpg"}, "image/jpeg"),
        ({"index.apxl": "", "QuickLook/Thumbnail.jpg": "jpg", "QuickLook/Preview.pdf": "pdf"}, "application/pdf"),
        ({"Index.zip": "", "QuickLook/Preview.pdf": "", "preview.jpg": "jpg"}, "image/jpeg"),
    ],
)
def test_the_preview_that_shows_most_is_cleaned(members: Mapping[str, str], media_type: str) -> None:
    original = package({name: samples()[kind]() if kind else b"Somebody" for name, kind in members.items()})
    copy = clean_copy(original)
    assert copy.media_type == media_type
    assert copy.noted == {Noted.PREVIEW}
    assert Removed.OTHER_METADATA in copy.removed
    assert b"Somebody" not in copy.data


@pytest.mark.parametrize("preview", [{}, {"preview.jpg": b"Somebody"}, {"preview-web.jpg": b"\xff\xd8\xff"}])
def test_without_a_preview_there_is_advice(refusal_of: RefusalOf, preview: Mapping[str, bytes]) -> None:
    assert refusal_of(package({"Index/Document.iwa": b"x", **preview})) is Refusal.IWORK
