"""What is shown in an office file is in the clean copy, or the receipt says that it is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fieldreport.scrub.verdicts import Removed
from tests.scrub.documents.test_docx import relation, run, with_body

Clean = Callable[[bytes], Any]

EMF = b"\x01\0\0\0" + bytes(36) + b" EMF" + bytes(60)
WMF = b"\xd7\xcd\xc6\x9a" + bytes(40)


@pytest.mark.parametrize(("picture", "ending"), [(EMF, "emf"), (WMF, "wmf"), (b"<svg/>", "wdp")])
def test_a_picture_that_cannot_be_cleaned_is_called_one_on_the_receipt(
    clean: Clean, picture: bytes, ending: str
) -> None:
    shape = f'<w:pict><v:shape><v:imagedata r:id="rPicture"/></v:shape></w:pict>{run("Seen.")}'
    data = with_body(
        f"<w:p><w:r>{shape}</w:r></w:p>",
        parts={f"word/media/image1.{ending}": picture},
        relations=relation("rPicture", "image", f"media/image1.{ending}"),
    )
    removed = clean(data).removed
    assert Removed.DRAWINGS in removed
    assert Removed.EMBEDDED_FILE not in removed
