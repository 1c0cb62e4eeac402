"""Reading attachments without opening them: pages, words, tables, conversations, films; and who may."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pikepdf
import pytest
from PIL import Image

from fieldreport.seal import Role
from fieldreport.unseal import roster_changes
from fieldreport.unseal.staff_key import StaffKey
from fieldreport.vault.cases import restriction
from tests.desk.conftest import Browser, House, photo
from tests.desk.test_files import letter_with
from tests.scrub.samples import every_sample

SAMPLES = every_sample()
PDF = "application/pdf"
SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CHAT = "\n".join(f"[12.03.24, 21:04:0{second}] Kim: The gate." for second in range(4))
REST = ("read", "original", "look/1/card", "look/1/screen", "picture", "download", "played", "play", "reading")


def archive(**members: bytes) -> bytes:
    with io.BytesIO() as file:
        with zipfile.ZipFile(file, "w") as package:
            for name, content in members.items():
                package.writestr(name.replace("_", "."), content)
        return file.getvalue()


def pages(count: int) -> bytes:
    with pikepdf.new() as document, io.BytesIO() as file:
        for _ in range(count):
            document.add_blank_page(page_size=(200, 300))
        document.save(file)
        return file.getvalue()


def size_of(page: Any) -> tuple[int, int]:
    return Image.open(io.BytesIO(page.body)).size


def test_a_large_photo_is_sent_no_larger_than_it_is_shown(house: House, amira: Browser) -> None:
    _, item = letter_with(house, ("photo-1.jpg", "image/jpeg", photo(size=(3000, 2000))))
    card, screen = (amira.get(f"{item}/1/look/1/{size}") for size in ("card", "screen"))
    assert (size_of(card), size_of(screen)) == ((540, 360), (1400, 933))
    assert card.headers["Content-Type"] == "image/jpeg"
    assert "sandbox" in card.headers["Content-Security-Policy"]
    assert "no-store" in card.headers["Cache-Control"]


def test_a_pdf_is_its_pages_with_their_words_beside(house: House, amira: Browser) -> None:
    _, item = letter_with(house, ("document-1.pdf", PDF, SAMPLES[PDF]()))
    page = amira.get(f"{item}/1/read")
    assert "Post 3: two guards." in page.text
    (picture,) = page.find("//figure//img")
    assert picture.get("alt") == "Page 1 of document-1.pdf"
    assert size_of(amira.get(picture.get("src")))[0] in range(1398, 1403)


def test_a_long_document_comes_a_sheet_at_a_time(house: House, amira: Browser) -> None:
    _, item = letter_with(house, ("document-1.pdf", PDF, pages(900)))
    page = amira.get(f"{item}/1/read")
    assert len(page.find("//figure//img")) == 400
    last = amira.get(amira.get(page.link("Next")).link("Next"))
    assert "Sheet 3 of 3" in last.text
    assert last.find("//figure//img")[-1].get("alt") == "Page 900 of document-1.pdf"
    assert amira.get(f"{item}/1/read?sheet=99").text == last.text


@pytest.mark.parametrize(
    ("name", "media_type", "content"),
    [("table-1.xlsx", SHEET, SAMPLES[SHEET]()), ("text-1.txt", "text/plain", b"entry 1,1\nentry 2,2\nentry 3,3\n")],
)
def test_tables_are_tables(house: House, amira: Browser, name: str, media_type: str, content: bytes) -> None:
    _, item = letter_with(house, (name, media_type, content))
    page = amira.get(f"{item}/1/read")
    assert [cell.text_content() for cell in page.find("//tr[2]/td")] == ["entry 2", "2"]


def test_cells_that_a_page_leaves_out_are_said(house: House, amira: Browser) -> None:
    narrow, wide = ((",".join(["x"] * width) + "\n") * 2 for width in (50, 51))
    _, item = letter_with(
        house, ("text-1.txt", "text/plain", narrow.encode()), ("text-2.txt", "text/plain", wide.encode())
    )
    said = ["Not all cells" in amira.get(f"{item}/{number}/read").text for number in (1, 2)]
    assert said == [False, True]


def test_every_file_of_an_archive_is_read(house: House, amira: Browser) -> None:
    content = archive(a_txt=b"The gate.", b_jpg=photo(), c_pdf=SAMPLES[PDF]())
    _, item = letter_with(house, ("archive-1.zip", "application/zip", content))
    page = amira.get(f"{item}/1/read")
    assert [each.text_content() for each in page.find("//h2")] == ["text-1.txt", "photo-1.jpg", "document-1.pdf"]
    assert "The gate." in page.text
    assert size_of(amira.get(page.find("//figure//img")[0].get("src"))) == (320, 240)
    assert "Not in the words below" in page.text


def test_a_chat_is_a_conversation(house: House, amira: Browser) -> None:
    _, item = letter_with(house, ("text-1.txt", "text/plain", CHAT.encode()))
    assert len(amira.get(f"{item}/1/read").find("//ol[@class='chat']/li")) == 4


def test_nothing_in_a_file_becomes_part_of_the_page(house: House, amira: Browser) -> None:
    _, item = letter_with(
        house, ("text-1.txt", "text/plain", b"They wrote <script>alert(1)</script> and <b>x</b> on the wall.")
    )
    page = amira.get(f"{item}/1/read")
    assert [script.get("src") for script in page.find("//script")] == ["/keys.js"]
    assert not any(script.text for script in page.find("//script"))
    assert "<script>alert(1)</script>" in page.text


def test_what_cannot_be_read_says_so(house: House, amira: Browser) -> None:
    _, item = letter_with(house, ("file-1.bin", "application/octet-stream", bytes(range(256))))
    assert "Nothing of this file could be read here." in amira.get(f"{item}/1/read").text
    assert amira.get(f"{item}/1/look/1/card").status == 422


def test_a_film_that_browsers_do_not_play_is_made_playable(house: House, amira: Browser) -> None:
    _, item = letter_with(house, ("video-1.mkv", "video/x-matroska", SAMPLES["video/x-matroska"]()))
    page = amira.get(f"{item}/1/read")
    assert page.find("//video") == []
    page = amira.press(page, "Make it playable")
    (film,) = page.find("//video")
    assert film.get("src") == f"{item}/1/played"
    assert size_of(amira.get(film.get("poster")))[0] > 0
    played = amira.get(film.get("src"), headers={"Range": "bytes=4-7"})
    assert (played.status, played.body, played.headers["Content-Type"]) == (206, b"ftyp", "video/mp4")


@pytest.mark.parametrize("path", ["look/0/card", "look/1/huge", "look/1-2-3-4-5/card", "look/x/card"])
def test_no_other_picture_is_made(house: House, amira: Browser, path: str) -> None:
    _, item = letter_with(house, ("photo-1.jpg", "image/jpeg", photo()))
    assert amira.get(f"{item}/1/{path}").status == 404


def test_who_does_not_read_a_case_gets_nothing_of_its_files(
    house: House, amira: Browser, jonas: Browser, lena: Browser
) -> None:
    case, item = letter_with(house, ("photo-1.jpg", "image/jpeg", photo()), ("video-1.mp4", "video/mp4", b"x"))
    house.staff["late"] = StaffKey.generate("late", Role.EDITOR)
    house.publish(roster_changes.with_added(house.roster.entries, house.staff["late"].public_entry()))
    for browser in (amira, jonas):
        assert browser.get(f"{item}/1/look/1/card").status == 200
    restriction.limit(house.seat("amira"), case.id, ["amira", "jonas"])
    late = house.stranger()
    cookie, _ = house.desk.sessions.begin(handle="late", role=Role.EDITOR, seat=house.seat("late"))
    late.client.set_cookie("desk", cookie)
    assert jonas.get(f"{item}/1/look/1/card").status == 200
    for path in [f"{item}/export"] + [f"{item}/1/{rest}" for rest in REST]:
        assert late.get(path).status == 403, path
        assert lena.get(path).status == 403, path
        assert house.stranger().get(path, follow=False).status == 303, path
    token = late.get("/inbox").find("//input[@name='token']")[0].get("value")
    assert late.post(f"{item}/2/playable", {"token": token}).status == 403
