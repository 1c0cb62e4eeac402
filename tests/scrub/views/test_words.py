"""The words of every kind of file, taken behind the real lock."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable

import pikepdf
import pytest

from fieldreport.errors import ScrubRefused
from fieldreport.scratch import Scratch
from fieldreport.scrub.documents import extract
from fieldreport.scrub.sandbox.service import Scrubber
from fieldreport.scrub.verdicts import Damaged
from fieldreport.scrub.views.document import Block, Piece, Reading, Unread, decode, encode
from tests.scrub.conftest import clean_copy
from tests.scrub.documents import open_documents
from tests.scrub.samples import every_sample

Read = Callable[[bytes], Reading]
SAMPLES = every_sample()
WORDLESS = {"image", "audio", "video"}
WITH_WORDS = sorted(each for each in SAMPLES if each.partition("/")[0] not in WORDLESS)
# Whose samples hold only a picture.
ONLY_LOOKS = {"application/vnd.apple.pages"}


@pytest.fixture
def read(scrubber: Scrubber, scratch: Callable[[bytes], Scratch]) -> Read:
    return lambda content: scrubber.read(scratch(content))


@pytest.mark.parametrize("media_type", WITH_WORDS)
def test_of_every_type_that_is_cleaned_the_words_are_read(media_type: str, read: Read) -> None:
    reading = read(clean_copy(SAMPLES[media_type]()).data)
    assert bool(reading.text) is (media_type not in ONLY_LOOKS)


@pytest.mark.parametrize(
    ("media_type", "unread"),
    [
        ("image/jpeg", {Unread.PICTURES}),
        ("audio/mpeg", {Unread.SOUND}),
        ("video/mp4", {Unread.PICTURES, Unread.SOUND}),
        ("application/zip", {Unread.PICTURES}),
        ("text/plain", set()),
    ],
)
def test_what_nothing_here_reads_is_said(media_type: str, unread: set[Unread], read: Read) -> None:
    assert set(read(SAMPLES[media_type]()).unread) == unread


def test_a_drawing_gives_its_words(read: Read) -> None:
    text = '<text x="1" y="5">The <tspan>gate</tspan></text>'
    drawing = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9">{text}</svg>'
    assert read(drawing.encode()).text == "The gate"


def test_a_table_in_a_text_has_rows_and_a_text_with_commas_has_none(read: Read) -> None:
    table = read(b'name,post\n"Kim, Y.",3\nLee,4\n')
    assert table.pieces[1] == Piece(Block.ROW, ("Kim, Y.", "3"))
    assert {piece.block for piece in read(b"At night, two.\nAt dawn, nobody.\n").pieces} == {Block.LINE}


def test_headings_and_rows_of_a_page(read: Read) -> None:
    page = b"<html><body><h1>The gate</h1><p>At night.</p><table><tr><td>1</td><td>2</td></tr></table></body></html>"
    assert read(page).pieces == (
        Piece(Block.HEADING, ("The gate",)),
        Piece(Block.LINE, ("At night.",)),
        Piece(Block.ROW, ("1", "2", "")),
    )


def test_what_stands_outside_the_text_comes_after_a_mark(read: Read) -> None:
    pieces = read(open_documents.text()).pieces
    mark = pieces.index(Piece(Block.APART, ("",)))
    apart = [text for piece in pieces[mark:] for text in piece.texts]
    assert any("Seen in the header" in text for text in apart)
    assert not any("Seen in the header" in text for piece in pieces[:mark] for text in piece.texts)


def test_pages_without_words_are_said(read: Read) -> None:
    with pikepdf.new() as scan, io.BytesIO() as file:
        page = scan.add_blank_page(page_size=(200, 200))
        page.obj.Contents = scan.make_stream(b"0 0 100 100 re f")
        scan.save(file)
        reading = read(file.getvalue())
    assert (reading.text, reading.unread) == ("", (Unread.PAGES,))


def test_a_file_in_an_archive_that_cannot_be_read_is_said_and_the_others_are_read(read: Read) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.txt", "The gate.")
        archive.writestr("b.bin", bytes(range(256)))
        archive.writestr("c.txt", "The bridge.")
    reading = read(file.getvalue())
    assert reading.text.split() == ["The", "gate.", "The", "bridge."]
    assert reading.unread == (Unread.MEMBERS,)


def test_what_is_longer_than_a_reading_is_cut_and_said(read: Read) -> None:
    reading = read(b"At night, all of them.\n" * 200_000)
    assert reading.unread == (Unread.REST,)
    assert 1_400_000 < len(reading.text) <= 2_000_000


def test_what_is_no_file_we_know_is_not_read(read: Read) -> None:
    with pytest.raises(ScrubRefused) as refused:
        read(bytes(range(256)))
    assert refused.value.code == "unsupported"


def test_words_of_charts_and_page_headers_are_read_too() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as document:
        document.writestr("word/document.xml", "<d><p><t>In the text</t></p></d>")
        document.writestr("word/charts/chart1.xml", "<c><t>In the chart</t></c>")
    word = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    assert list(extract.other_lines(file.getvalue(), word)) == ["In the chart"]


@pytest.mark.parametrize(
    "untrusted",
    [
        b"",
        b"[]",
        b"\xff",
        b'{"pieces": [], "unread": ["nothing"]}',
        b'{"pieces": [["line"]], "unread": []}',
        b'{"pieces": [["line", 1]], "unread": []}',
        b'{"pieces": [["line", "a", "b"]], "unread": []}',
        b'{"pieces": [["script", "a"]], "unread": []}',
        b'{"pieces": [["member", "../a"]], "unread": []}',
        b'{"pieces": [["page", "one"]], "unread": []}',
        b'{"pieces": [], "unread": [], "more": 1}',
        b"[" * 100_000,
    ],
)
def test_a_child_that_writes_anything_else_is_not_believed(untrusted: bytes) -> None:
    with pytest.raises(Damaged):
        decode(untrusted)


def test_a_reading_comes_back_as_it_was_written() -> None:
    pieces = [Piece(Block.MEMBER, ("text-1.txt",)), Piece(Block.ROW, ("a", "\u6751")), Piece(Block.PAGE, ("2",))]
    reading = decode(encode(pieces, {Unread.REST}))
    assert (reading.pieces, reading.unread, reading.text) == (tuple(pieces), (Unread.REST,), "a\t\u6751")


WHATSAPP = "\n".join(
    ["Messages are encrypted.", "12/03/24, 21:04 - Kim: Are you there?", "12/03/24, 21:05 - Lee: Yes.", "Two of us."]
    + [f"12/03/24, 21:{minute} - Kim: The gate, now." for minute in range(10, 14)]
)
CHATS = {
    "android": WHATSAPP,
    "iphone": "\n".join(f"[12.03.24, 21:04:0{second}] Kim: The gate." for second in range(4)),
    "kakao": "\n".join(
        f"[\uae40\ucca0\uc218] [\uc624\ud6c4 3:2{minute}] \ubb38\uc774 \uc5f4\ub838\ub2e4." for minute in range(4)
    ),
    "line": "\n".join(f"21:0{minute}\tKim\tThe gate." for minute in range(4)),
}


@pytest.mark.parametrize("chat", CHATS.values(), ids=CHATS)
def test_an_exported_chat_is_a_conversation(chat: str, read: Read) -> None:
    said = read(chat.encode()).pieces
    assert {piece.block for piece in said} == {Block.SAID}
    assert {len(piece.texts) for piece in said} == {3}


def test_a_message_of_two_lines_is_one(read: Read) -> None:
    said = [piece.texts for piece in read(WHATSAPP.encode()).pieces]
    assert said[:3] == [
        ("", "", "Messages are encrypted."),
        ("12/03/24, 21:04", "Kim", "Are you there?"),
        ("12/03/24, 21:05", "Lee", "Yes.\nTwo of us."),
    ]


def test_what_can_be_drawn_is_told_by_its_place(read: Read) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.pdf", SAMPLES["application/pdf"]())
        archive.writestr("b.jpg", SAMPLES["image/jpeg"]())
    places = [piece for piece in read(file.getvalue()).pieces if piece.block in {Block.PAGE, Block.PICTURE}]
    assert [(piece.block, *piece.texts) for piece in places] == [(Block.PAGE, "1-1"), (Block.PICTURE, "2-1")]


def test_a_row_of_any_width_is_read_to_its_end(read: Read) -> None:
    cells = [f"c{number}" for number in range(2500)]
    table = f"{','.join(cells)}\n" * 2
    reading = read(table.encode())
    assert reading.text.split() == cells * 2
    assert reading.unread == ()
