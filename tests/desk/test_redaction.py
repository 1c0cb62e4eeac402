"""Marking areas without a script, and the file that comes of it: on a photo, a page of a PDF, a file of a case."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import av
import docx
import pytest
from PIL import Image

from fieldreport import limits
from fieldreport.desk.marks import SHOWN, Marks
from fieldreport.errors import UsageError
from fieldreport.scrub import Area, Redaction
from fieldreport.vault.cases import conversation
from fieldreport.vault.cases.inbox import CaseRow
from tests.cast import File
from tests.desk.conftest import Browser, House, Page
from tests.desk.test_articles import start, state, wav
from tests.scrub.media.films import film
from tests.scrub.views.test_redacted import document

WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
FACE = (400, 100, 600, 300)  # of a photo of 800 by 600


def portrait() -> bytes:
    image = Image.new("RGB", (800, 600), "olive")
    image.paste("red", FACE)
    with io.BytesIO() as file:
        image.save(file, "JPEG")
        return file.getvalue()


@pytest.fixture
def case(house: House) -> CaseRow:
    files = [File("photo-1.jpg", "image/jpeg", portrait())]
    files.append(File("document-1.pdf", "application/pdf", document("First", "Captain Pak Yong-ho", "Last")))
    return house.receive(files=files)


@pytest.fixture
def article(house: House, amira: Browser, case: CaseRow) -> Page:
    return start(house, amira, case)


def click(browser: Browser, page: Page, x: float, y: float) -> Page:
    """A click at these pixels of the picture, as it is shown."""
    form = page.find("//input[@type='image']/ancestor::form")[0]
    values = dict(form.form_values())
    values |= {"at.x": str(round(x)), "at.y": str(round(y))}
    return browser.post(form.get("action"), values)


def mark(browser: Browser, page: Page, box: tuple[int, int, int, int], width: int) -> Page:
    left, top, right, bottom = (each * SHOWN / width for each in box)
    return click(browser, click(browser, page, right, bottom), left, top)


def image(browser: Browser, path: str, name: str) -> Image.Image:
    return Image.open(io.BytesIO(browser.get(f"{path}/media/{name}").body))


def test_two_clicks_mark_a_face_and_the_article_has_only_the_redacted_photo(
    house: House, amira: Browser, article: Page
) -> None:
    page = amira.press(article, "Attach photo-1.jpg", {"title": "Typed", "body": "![](photo-1.jpg)"})
    page = amira.press(page, "Redact photo-1.jpg", {"alternative.photo-1.jpg": "A person"})
    shown = amira.get(page.find("//input[@type='image']")[0].get("src"))
    assert Image.open(io.BytesIO(shown.body)).size == (800, 600)
    assert amira.press(page, "Make the redacted file").status == 422
    page = mark(amira, page, FACE, 800)
    assert [text.text_content() for text in page.find("//ol[@class='plain areas']/li")] == ["1 Remove"]
    done = amira.press(page, "Make the redacted file")
    assert "Redacted: a new file of pixels" in done.text
    assert "Redacted by amira" in done.text
    assert done.find("//textarea[@id='body']")[0].text.strip() == "![](photo-2.jpg)"
    assert done.find("//input[@id='alternative.photo-2.jpg']")[0].get("value") == "A person"
    made = image(amira, done.path, "photo-2.jpg")
    assert made.size == (800, 600)
    assert made.crop(FACE).getextrema() == ((0, 0),) * 3
    assert "Redacted by amira" in amira.get(f"{done.path}/check").text


def test_of_a_file_of_the_case_only_pixels_come_into_the_article_page_by_page(
    house: House, amira: Browser, article: Page
) -> None:
    page = amira.press(article, "Redact and attach document-1.pdf", {"title": "Typed", "body": "Words."})
    page = amira.press(page, "Leave page 1 out")
    page = amira.press(page, "Next")
    assert "Page 2 of 3" in page.text
    page = mark(amira, page, (40, 180, 380, 210), 400)
    page = amira.press(page, "Next")
    page = amira.press(page, "Make the redacted file")
    assert "1 area filled, 1 page left out" in page.text
    pdf = amira.get(f"{page.path}/media/document-1.pdf").body
    assert pdf.startswith(b"%PDF")
    assert pdf.count(b"/Type /Page\n") + pdf.count(b"/Type/Page") <= 2
    looked = amira.press(page, "Redact document-1.pdf")
    assert "Page 1 of 2" in looked.text
    drawn = Image.open(io.BytesIO(amira.get(looked.find("//input[@type='image']")[0].get("src")).body)).convert("L")
    at = drawn.width / 400
    assert drawn.crop((45 * at, 185 * at, 375 * at, 205 * at)).getextrema() == (0, 0)


def test_numbers_do_what_clicks_do_and_a_key_on_the_picture_is_no_click(
    house: House, amira: Browser, article: Page
) -> None:
    page = amira.press(article, "Redact and attach photo-1.jpg")
    assert "takes clicks" in click(amira, page, 0, 0).text
    edges = {"left": "50", "top": "12,5", "right": "75.00", "bottom": "37.5"}
    for wrong in ({**edges, "left": "75"}, {**edges, "top": "nought"}, {}):
        assert amira.press(page, "Add this area", wrong).status == 422
    page = amira.press(page, "Add this area", edges)
    page = amira.press(page, "Add this area", {**edges, "left": "1", "right": "2"})
    page = amira.press(page, "Remove area 2")
    page = amira.press(page, "Make the redacted file")
    assert image(amira, page.path, "photo-1.jpg").crop(FACE).getextrema() == ((0, 0),) * 3


def test_a_colleague_who_saves_meanwhile_takes_no_mark_away(
    house: House, amira: Browser, jonas: Browser, article: Page
) -> None:
    page = mark(amira, amira.press(article, "Redact and attach photo-1.jpg"), FACE, 800)
    jonas.press(jonas.get(article.path), "Save", {"title": "His title"})
    page = amira.press(page, "Make the redacted file")
    assert page.status == 409
    assert "A colleague has saved this article meanwhile" in page.text
    done = amira.press(page, "Make the redacted file")
    assert "Redacted by amira" in done.text
    assert done.find("//input[@id='title']")[0].get("value") == "His title"
    assert state(house).value == "draft"


def test_a_film_loses_its_sound_and_a_recording_gives_way_to_its_words(house: House, amira: Browser) -> None:
    files = [File("video-1.mp4", "video/mp4", film()), File("audio-1.wav", "audio/wav", wav())]
    page = start(house, amira, house.receive(files=files))
    page = amira.press(
        page, "Attach video-1.mp4", {"title": "Typed", "body": "Before.\n\n![](recording-1.opus) After."}
    )
    page = amira.press(page, "Attach audio-1.wav")
    page = amira.press(page, "Replace the recording by these words")
    assert page.status == 422
    page = amira.press(
        page, "Replace the recording by these words", {"transcript.recording-1.opus": "هم رفتند.\r\n\r\nNow."}
    )
    assert page.find("//textarea[@id='body']")[0].text.strip() == "Before.\n\n> هم رفتند.\n>\n> Now.\n\nAfter."
    assert [legend.text_content() for legend in page.find("//legend")] == ["video-1.mp4"]
    page = amira.press(page, "Take the sound out", {"title": "Typed again"})
    assert "The sound is taken out." in page.text
    assert page.find("//input[@id='title']")[0].get("value") == "Typed again"
    assert "Redacted by amira" in page.text
    assert "the sound is taken out" in page.text
    assert "Take the sound out" not in page.buttons()
    with av.open(io.BytesIO(amira.get(f"{page.path}/media/video-2.mp4").body), "r") as opened:
        assert [stream.type for stream in opened.streams] == ["video"]


@pytest.mark.parametrize("source", ["photo-9.jpg", "../photo-1.jpg", "0" * 32 + "-1", "x-y"])
def test_what_is_no_file_of_the_article_is_not_found(amira: Browser, article: Page, source: str) -> None:
    assert amira.get(f"{article.path}/redaction/{source}").status == 404


def test_a_file_of_another_case_is_not_found(house: House, amira: Browser, article: Page) -> None:
    other = house.receive(source=house.another_source, files=[File("photo-1.jpg", "image/jpeg", portrait())])
    page = start(house, amira, other)
    value = page.button("Redact and attach photo-1.jpg").get("value")
    assert amira.get(f"{article.path}/redaction/{value}").status == 404


def test_nothing_of_a_file_that_is_redacted_lies_on_a_disk(house: House, amira: Browser, article: Page) -> None:
    page = mark(amira, amira.press(article, "Redact and attach document-1.pdf"), (40, 180, 380, 210), 400)
    amira.press(page, "Make the redacted file")
    directory: Path = house.settings.desk.data
    found = [path for path in directory.rglob("*") if path.is_file() and b"Pak Yong-ho" in path.read_bytes()]
    assert found == []


def test_marks_go_through_the_form_and_have_a_bound() -> None:
    many = tuple(Area(1, 0, 0, 1, 1) for _ in range(limits.REDACTION_AREAS))
    marks = Marks(redaction=Redaction(areas=many, left_out=(2, 3)), page=2, pages=3, corner=(5, 6))
    form = {"areas": marks.areas, "left_out": "2 3", "page": "2", "pages": "3", "corner": "5 6"}
    assert Marks.of(form) == marks
    with pytest.raises(UsageError, match="At most"):
        marks.after({"drag": "1 1 50 50"})
    assert Marks().after({"drag": "-5 1 900 50"}).redaction.areas == (Area(1, 0, 14, 10_000, 710),)
    for broken in ({}, {**form, "areas": "1 2"}, {**form, "corner": "x"}, {**form, "page": "9" * 9999}):
        with pytest.raises(UsageError):
            Marks.of(broken)


def statement() -> bytes:
    """A Word file with Korean and Arabic words, a table, a picture, and an author."""
    file = docx.Document()
    file.core_properties.author = "Pak Yong-ho"
    file.add_heading("경비대 보고")
    file.add_paragraph("박영호 대위가 ＰＡＫ yong-ho라고 서명했다.")
    file.add_paragraph("قال مُحَمَّد إن ستة ماتوا.")
    table = file.add_table(rows=0, cols=2)
    for cells in (("이름", "직위"), ("박영호", "대위"), ("김철수", "병사")):
        for cell, text in zip(table.add_row().cells, cells, strict=True):
            cell.text = text
    file.add_picture(io.BytesIO(portrait()))
    file.add_paragraph("끝.")
    with io.BytesIO() as saved:
        file.save(saved)
        return saved.getvalue()


def test_of_an_office_file_a_text_comes_into_the_article_without_what_was_marked(
    house: House, amira: Browser, jonas: Browser
) -> None:
    case = house.receive(files=[File("document-1.docx", WORD, statement())])
    page = start(house, amira, case)
    assert "Attach document-1.docx" not in page.buttons()
    page = amira.press(page, "Redact and attach the words of document-1.docx", {"title": "Typed", "body": "Words."})
    assert "Not in it either: pictures." in page.text
    assert amira.press(page, "Look at what is left").status == 422
    many = amira.press(page, "Show where they stand", {"passages": "x\n" + "y" * 501})
    assert many.status == 422
    assert many.find("//textarea[@name='passages']")[0].text.endswith("y" * 501)
    row = page.find("//tr[td='김철수']//input")[0].get("value")
    page = amira.press(
        page, "Show where they stand", {"line": [row], "passages": "박영호\r\nPak Yong-Ho\r\nمحمد\r\nNobody"}
    )
    assert [mark.text for mark in page.find("//mark")] == ["박영호", "ＰＡＫ yong-ho", "مُحَمَّد", "박영호"]
    assert [box.get("value") for box in page.find("//input[@name='line' and @checked]")] == [row]
    seen = amira.press(page, "Look at what is left")
    left = (
        "경비대 보고\n█████ 대위가 █████라고 서명했다.\nقال █████ إن ستة ماتوا.\n이름\t직위\n█████\t대위\n█████\n끝.\n"
    )
    assert seen.find("//form//div[@class='written']")[0].text == left
    assert [each.text for each in seen.find("//div[@class='box warn']//li")] == ["Nobody"]
    page = amira.press(seen, "Mark more, or less")
    page = amira.press(amira.press(page, "Show where they stand", {"line": []}), "Look at what is left")
    assert "김철수" in page.text
    jonas.press(jonas.get(page.path.partition("/words")[0]), "Save", {"title": "His title"})
    assert amira.press(seen, "Make the redacted text", {"seen": "0" * 64}).find("//input[@name='seen']")
    page = amira.press(seen, "Make the redacted text")
    assert page.status == 409
    done = amira.press(page, "Make the redacted text")
    assert "Redacted by amira" in done.text
    assert "its words, 5 marks among them" in done.text
    made = amira.get(f"{done.path}/media/text-1.txt")
    assert made.body.decode() == left
    again = amira.press(done, "Redact text-1.txt")
    again = amira.press(amira.press(again, "Look at what is left", {"passages": "끝"}), "Make the redacted text")
    assert amira.get(f"{again.path}/media/text-2.txt").body.decode() == left.replace("끝", "█████")
    directory: Path = house.settings.desk.data
    words = ("박영호".encode(), b"Pak Yong")
    kept = [path.read_bytes() for path in directory.rglob("*") if path.is_file()]
    assert not [data for data in kept if any(word in data for word in words)]


def test_lines_of_other_sheets_stay_marked_and_what_a_fact_sheet_protects_is_named(
    house: House, amira: Browser
) -> None:
    lines = "\n".join(f"Line {number} of Kim Chol" for number in range(1, 251))
    case = house.receive(files=[File("text-1.txt", "text/plain", lines.encode())])
    seat = house.seat("amira")
    conversation.save_card(seat, case.id, replace(conversation.card(seat, case.id), protected=("kim chol",)))
    page = start(house, amira, case)
    page = amira.press(page, "Redact and attach the words of text-1.txt", {"title": "Typed", "body": "Words."})
    page = amira.press(page, "Next", {"line": ["0", "1", "99"]})
    page = amira.press(page, "Next", {"line": ["100", "150"]})
    assert page.find("//input[@name='elsewhere']")[0].get("value") == "0-1 99-100 150"
    page = amira.press(page, "Look at what is left")
    assert "3 marks stand" in page.text
    assert "kim chol" in page.find("//div[@class='box warn']")[0].text_content()
    page = amira.press(page, "Mark more, or less")
    assert "Sheet 3 of 3" in page.text
    page = amira.press(page, "Previous")
    assert [box.get("value") for box in page.find("//input[@name='line' and @checked]")] == ["100", "150"]
    for broken in ("x", "5-9 3", "1 1", "9" * 9):
        assert amira.post(page.find("//form[@method='post']/@action")[-1], {"elsewhere": broken}).status in {400, 422}
