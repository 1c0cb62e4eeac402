"""Strong mode: pixels that are encoded again, or a refusal; never silently the weaker way."""

from __future__ import annotations

import dataclasses
import io
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pikepdf
import pypdfium2
import pytest
from PIL import Image, ImageDraw, ImageSequence
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen import canvas

from fieldreport import limits
from fieldreport.errors import ScrubRefused
from fieldreport.scratch import Scratch
from fieldreport.scrub import Mode, Refusal, Scrubber, registry
from fieldreport.scrub.registry import Strong
from fieldreport.scrub.verdicts import Refused
from tests.scrub.archives.test_archives import zip_of
from tests.scrub.conftest import Clean


def animation(name: str, **options: object) -> bytes:
    frames = []
    for number in range(3):
        frame = Image.new("RGB", (40, 30), (200, 30 * number, 40))
        ImageDraw.Draw(frame).rectangle((number * 8, 5, number * 8 + 6, 20), fill=(10, 250, 30 * number))
        frames.append(frame)
    file = io.BytesIO()
    frames[0].save(file, name, save_all=True, append_images=frames[1:], duration=[40, 80, 120], loop=0, **options)
    return file.getvalue()


def document(*, font: str = "Helvetica", pages: int = 2, text: str = "PLANTED at the gate") -> bytes:
    file = io.BytesIO()
    page = canvas.Canvas(file, pagesize=(300, 200))
    for _ in range(pages):
        page.setFont(font, 20)
        page.drawString(20, 150, text)
        page.rect(20, 20, 100, 60, fill=1)
        page.linkURL("https://example.org/PLANTED", (20, 20, 120, 80))
        page.showPage()
    page.save()
    return file.getvalue()


def frames_of(data: bytes) -> tuple[list[bytes], list[float]]:
    with Image.open(io.BytesIO(data)) as opened:
        shown = [
            (frame.convert("RGB").tobytes(), float(frame.info["duration"])) for frame in ImageSequence.Iterator(opened)
        ]
    return [pixels for pixels, _ in shown], [time for _, time in shown]


@pytest.mark.parametrize(
    "data",
    [animation("GIF"), animation("PNG"), animation("WEBP", lossless=True)],
    ids=["GIF", "APNG", "WebP"],
)
def test_an_animation_is_encoded_again_with_every_frame_and_its_time(clean: Clean, data: bytes) -> None:
    copy = clean(data, Mode.STRONG)
    assert copy.media_type == "image/png"
    assert frames_of(copy.data) == frames_of(data)
    again = clean(copy.data, Mode.STRONG)
    assert again.data == copy.data


def test_a_still_gif_is_encoded_again(clean: Clean) -> None:
    file = io.BytesIO()
    Image.linear_gradient("L").save(file, "GIF")
    copy = clean(file.getvalue(), Mode.STRONG)
    assert Image.open(io.BytesIO(copy.data)).convert("L").tobytes() == Image.linear_gradient("L").tobytes()


def test_what_follows_the_last_code_of_a_gif_is_gone(clean: Clean) -> None:
    file = io.BytesIO()
    Image.new("P", (40, 30), 3).save(file, "GIF")
    data = file.getvalue()
    assert data.endswith(b"\0;")
    carrier = data[:-2] + bytes((7,)) + b"PLANTED" + b"\0;"
    assert b"PLANTED" in clean(carrier).data  # no decoder reads it, and no lossless way knows that
    assert b"PLANTED" not in clean(carrier, Mode.STRONG).data


def test_an_animation_larger_than_can_be_held_is_refused(clean: Clean, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "STRONG_FRAME_PIXELS", 40 * 30 * 2)
    with pytest.raises(Refused) as caught:
        clean(animation("GIF"), Mode.STRONG)
    assert caught.value.refusal is Refusal.TOO_LARGE


def test_the_pages_of_a_pdf_become_pictures_of_themselves(clean: Clean) -> None:
    copy = clean(document(), Mode.STRONG)
    assert copy.media_type == "application/pdf"
    before, after = pypdfium2.PdfDocument(document()), pypdfium2.PdfDocument(copy.data)
    assert len(after) == 2
    for number in range(2):
        assert after[number].get_size() == before[number].get_size()
        assert after[number].get_textpage().get_text_range() == ""
        old = before[number].render(scale=1).to_pil().convert("L")
        new = after[number].render(scale=1).to_pil().convert("L")
        strays = sum(abs(a - b) > 96 for a, b in zip(old.tobytes(), new.tobytes(), strict=True))
        assert strays < 300 * 200 * 0.01
        assert min(old.tobytes()) == min(new.tobytes()) == 0
    before.close()
    after.close()


def test_a_page_that_lies_on_its_side_is_drawn_upright(clean: Clean) -> None:
    file = io.BytesIO()
    with pikepdf.open(io.BytesIO(document(pages=1))) as turned:
        turned.pages[0].Rotate = 90
        turned.save(file)
    made = pypdfium2.PdfDocument(clean(file.getvalue(), Mode.STRONG).data)
    assert made[0].get_size() == (200, 300)
    # The black rectangle, at the bottom left before, is at the top left now.
    assert made[0].render(scale=1).to_pil().convert("L").getpixel((50, 50)) == 0
    made.close()


def test_a_pdf_of_pictures_has_no_text_no_font_and_no_link(clean: Clean) -> None:
    with pikepdf.open(io.BytesIO(clean(document(), Mode.STRONG).data)) as made:
        for page in made.pages:
            assert set(page.Resources.keys()) == {"/XObject"}
            assert "/Annots" not in page
            (picture,) = dict(page.Resources.XObject.items()).values()
            assert picture.Filter == "/DCTDecode"
    assert b"PLANTED" not in clean(document(), Mode.STRONG).data


def test_a_pdf_of_pictures_is_what_lossless_cleaning_would_leave(clean: Clean) -> None:
    copy = clean(document(), Mode.STRONG)
    assert clean(copy.data).data == copy.data


def test_letters_that_cannot_be_drawn_are_refused_and_not_left_out(clean: Clean) -> None:
    pdfmetrics.registerFont(UnicodeCIDFont("HYSMyeongJo-Medium"))
    korean = document(font="HYSMyeongJo-Medium", text="국경에서")
    clean(korean)
    with pytest.raises(Refused) as caught:
        clean(korean, Mode.STRONG)
    assert caught.value.refusal is Refusal.LETTERS


def test_a_pdf_of_too_many_pages_is_refused(clean: Clean, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PDF_PIXEL_PAGES", 1)
    with pytest.raises(Refused) as caught:
        clean(document(), Mode.STRONG)
    assert caught.value.refusal is Refusal.TOO_LARGE


def test_a_poster_is_drawn_within_bounds(clean: Clean) -> None:
    file = io.BytesIO()
    page = canvas.Canvas(file, pagesize=(14_000, 200))
    page.drawString(10, 10, "wide")
    page.save()
    with pikepdf.open(io.BytesIO(clean(file.getvalue(), Mode.STRONG).data)) as made:
        (picture,) = dict(made.pages[0].Resources.XObject.items()).values()
        assert max(picture.Width, picture.Height) <= limits.PDF_PIXEL_SIDE + 1


def test_every_type_has_a_strong_way_and_one_that_had_none_would_be_refused(
    clean: Clean, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Strong.NONE not in {each.strong for each in registry.FORMATS}
    assert clean(b"words\n", Mode.STRONG).data == b"words\n"
    weak = dataclasses.replace(registry.BY_TYPE["text/plain"], strong=Strong.NONE)
    monkeypatch.setattr(registry, "BY_TYPE", {"text/plain": weak})
    with pytest.raises(Refused) as caught:
        clean(b"words\n", Mode.STRONG)
    assert caught.value.refusal is Refusal.NOT_STRONG


def test_the_strong_way_leads_into_archives(clean: Clean) -> None:
    inside = clean(zip_of({"a.gif": animation("GIF")}), Mode.STRONG)
    assert b"image-1.png" in inside.data
    with pytest.raises(Refused) as caught:
        clean(zip_of({"book": zip_of({"mimetype": b"application/epub+zip"})}), Mode.STRONG)
    assert caught.value.refusal is Refusal.MEMBER


@pytest.mark.outside
@pytest.mark.skipif(shutil.which("exiftool") is None, reason="needs exiftool")
def test_exiftool_finds_only_pages_in_a_pdf_of_pictures(clean: Clean, tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(clean(document(), Mode.STRONG).data)
    done = subprocess.run(
        ["exiftool", "-json", "-G1", "-a", "-u", "-U", "-ee3", str(tmp_path / "a.pdf")],
        capture_output=True,
        check=True,
        timeout=60,
    )
    (tags,) = json.loads(done.stdout)
    assert {name for name in tags if name.startswith(("PDF", "XMP", "IFD", "IPTC"))} == {
        "PDF:PDFVersion",
        "PDF:Linearized",
        "PDF:PageCount",
    }


def test_pages_and_animations_are_drawn_in_the_locked_child(
    scrubber: Scrubber, scratch: Callable[[bytes], Scratch], clean: Clean
) -> None:
    def behind_the_lock(data: bytes) -> bytes:
        with scrubber.clean(scratch(data), mode=Mode.STRONG).output as output:
            output.seek(0)
            return output.read()

    for data in (document(), animation("GIF"), animation("PNG"), animation("WEBP")):
        assert behind_the_lock(data) == clean(data, Mode.STRONG).data

    # A font that is not in the file: out here the machine's fonts may be tried, in there none can be opened.
    shown, blank = (
        document(font="Times-BoldItalic", text=text).replace(b"/Times-BoldItalic", b"/Somebodys-Script")
        for text in ("PLANTED at the gate", " ")
    )
    assert behind_the_lock(shown) != behind_the_lock(blank), "the words are drawn"
    with pytest.raises(ScrubRefused):
        scrubber.clean(scratch(zip_of({"mimetype": b"application/epub+zip"})), mode=Mode.STRONG)
