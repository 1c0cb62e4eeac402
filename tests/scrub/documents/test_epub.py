"""EPUB: the chapters stay; publishers' data, anchors, scripts and fonts do not."""

# ruff: noqa: E501  # markup is easier to read on a line of its own

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from fieldreport.scrub.documents.epub.verify import verify
from fieldreport.scrub.documents.epub.write import MEDIA_TYPE
from fieldreport.scrub.format import Source
from fieldreport.scrub.verdicts import Noted, Refusal, Refused, Removed, Residue
from tests.scrub.conftest import clean_copy
from tests.scrub.documents import planted

Clean = Callable[[bytes], Any]
Unpacked = Callable[[bytes], list[bytes]]


def packed(parts: Mapping[str, bytes | str]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data, compress_type=zipfile.ZIP_STORED if name == "mimetype" else None)
    return file.getvalue()


def written(parts: Mapping[str, str]) -> bytes:
    """In the form in which ours are written."""
    return planted.packed({name: data.encode() for name, data in parts.items()})


def members(data: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name).decode("utf-8", "replace") for name in archive.namelist()}


def parts_of(marks: Any, photo: bytes) -> dict[str, bytes | str]:
    """A marker in every place of a book that is not read."""
    page = '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.1//EN" "http://www.w3.org/TR/xhtml11/DTD/xhtml11.dtd"><html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops"'
    return {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container" version="1.0"><rootfiles><rootfile full-path="OEBPS/content.opf" media-type="application/oebps-package+xml"/></rootfiles></container>',
        "META-INF/com.apple.ibooks.xml": marks("reader's data"),
        "OEBPS/content.opf": (
            '<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id"><metadata xmlns:dc="http://purl.org/dc/elements/1.1/">'
            f'<dc:identifier id="id">{marks("identifier")}</dc:identifier><dc:creator>{marks("author")}</dc:creator><dc:title>{marks("title")}</dc:title>'
            f'<meta property="dcterms:modified">{marks("date")}</meta></metadata><manifest>'
            '<item id="one" href="text/one.xhtml" media-type="application/xhtml+xml"/><item id="two" href="text/two.xhtml" media-type="application/xhtml+xml"/>'
            '<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/><item id="ncx" href="toc.ncx" media-type="application/x-dtbncx+xml"/>'
            '<item id="css" href="style.css" media-type="text/css"/><item id="img" href="images/a.jpg" media-type="image/jpeg"/>'
            '<item id="js" href="script.js" media-type="text/javascript"/><item id="font" href="font.otf" media-type="font/otf"/>'
            '<item id="mp3" href="m.mp3" media-type="audio/mpeg"/><item id="mp4" href="m.mp4" media-type="video/mp4"/>'
            '</manifest><spine toc="ncx"><itemref idref="one"/><itemref idref="two"/></spine></package>'
        ),
        "OEBPS/text/one.xhtml": (
            f'{page} lang="{marks("language")}"><head><title>{marks("page title")}</title><meta name="generator" content="{marks("program")}"/>'
            f'<link rel="stylesheet" href="../style.css"/><script src="../script.js">{marks("inline script")}</script></head>'
            f'<body id="{marks("body id")}"><h1 id="start">First&nbsp;chapter</h1><!-- {marks("comment")} --><p title="{marks("title text")}" data-x="{marks("data")}" onclick="{marks("handler")}">Text one '
            f'<a href="two.xhtml#there">onwards</a> <a href="https://example.org/?utm_id={marks("link mark")}">web</a> <a href="file:///{marks("link path")}">file</a></p>'
            f'<p><img src="../images/a.jpg" alt="{marks("alternative text")}"/></p><audio src="../m.mp3">{marks("told where sound is not played")}</audio>'
            '<video src="../m.mp4"><source src="../m.mp4"/></video></body></html>'
        ),
        "OEBPS/text/two.xhtml": f'{page}><head><title>x</title></head><body><p id="there">Text two</p><span id="{marks("anchor")}"/></body></html>',
        "OEBPS/nav.xhtml": f'{page}><head><title>x</title></head><body><nav epub:type="toc"><ol><li><a href="text/one.xhtml#start">First chapter</a></li></ol></nav></body></html>',
        "OEBPS/toc.ncx": f'<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/" version="2005-1"><head><meta name="dtb:uid" content="{marks("uid")}"/></head><docTitle><text>{marks("contents title")}</text></docTitle><navMap><navPoint id="{marks("point id")}" playOrder="1"><navLabel><text>First chapter</text></navLabel><content src="text/one.xhtml#start"/></navPoint></navMap></ncx>',
        "OEBPS/style.css": f'/* {marks("css comment")} */ @import "{marks("import")}"; @font-face {{ src: url({marks("font address")}) }} p {{ color: #112233; background: url(https://{marks("css address")}) }}',
        "OEBPS/images/a.jpg": photo,
        "OEBPS/script.js": marks("script"),
        "OEBPS/font.otf": marks("font"),
        "OEBPS/m.mp3": marks("recording inside"),
        "OEBPS/m.mp4": marks("film inside"),
        f"OEBPS/{marks('unlisted part')}.txt": b"",
    }


def book(marks: Any, photo: bytes) -> bytes:
    return packed(parts_of(marks, photo))


def test_a_marker_in_every_place_is_gone(clean: Clean, unpacked: Unpacked, marks: Any, phone_photo: bytes) -> None:
    cleaned = clean(book(marks, phone_photo))
    assert marks.left_in(unpacked(cleaned.data)) == []
    assert not any(b"PLANTED" in piece for piece in unpacked(cleaned.data))
    assert {Removed.AUTHOR, Removed.DEVICE, Removed.LINKS, Removed.DESCRIPTION} <= cleaned.removed


def test_the_planted_book_does_hold_its_markers(unpacked: Unpacked, marks: Any, phone_photo: bytes) -> None:
    assert set(marks.left_in(unpacked(book(marks, phone_photo)))) == set(marks.places.values())


def test_chapters_links_styles_and_pictures_stay(clean: Clean, marks: Any, phone_photo: bytes) -> None:
    parts = members(clean(book(marks, phone_photo)).data)
    first, second = parts["book/chapter1.xhtml"], parts["book/chapter2.xhtml"]
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", first.partition("<body")[2].partition(">")[2])).strip()
    assert text == "First chapterText one onwards web file"
    assert "Text two" in second
    anchor = re.search(r'href="chapter2\.xhtml#(a\d+)"', first)
    assert anchor is not None
    assert f'id="{anchor[1]}"' in second
    assert 'href="https://example.org/"' in first
    assert 'src="image1.jpg"' in first
    assert "color:#112233" in parts["book/style1.css"]
    assert 'epub:type="toc"' in parts["book/chapter3.xhtml"]
    assert "First chapter" in parts["book/toc.ncx"]


def test_cleaning_twice_gives_what_cleaning_once_gave(clean: Clean, marks: Any, phone_photo: bytes) -> None:
    once = clean(book(marks, phone_photo))
    twice = clean(once.data)
    assert twice.data == once.data
    assert twice.removed == set()


def test_a_book_with_rights_management_is_refused(clean: Clean, marks: Any, phone_photo: bytes) -> None:
    parts = parts_of(marks, phone_photo)
    parts["META-INF/encryption.xml"] = (
        '<encryption xmlns="x"><EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#aes128-cbc"/></encryption>'
    )
    with pytest.raises(Refused) as refused:
        clean(packed(parts))
    assert refused.value.refusal is Refusal.ENCRYPTED


def test_a_document_type_that_defines_entities_is_refused(clean: Clean, marks: Any, phone_photo: bytes) -> None:
    parts = parts_of(marks, phone_photo)
    parts["OEBPS/text/two.xhtml"] = (
        '<!DOCTYPE html [<!ENTITY a "aaaa">]><html xmlns="http://www.w3.org/1999/xhtml"><body>&a;</body></html>'
    )
    with pytest.raises(Refused) as refused:
        clean(packed(parts))
    assert refused.value.refusal is Refusal.DAMAGED


def small(package: str = "", page: str = "<p>gate</p>", **others: bytes | str) -> dict[str, bytes | str]:
    """A book of one page; ``package``: more items in its package, before the spine."""
    return {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container" version="1.0"><rootfiles><rootfile full-path="b.opf" media-type="application/oebps-package+xml"/></rootfiles></container>',
        "b.opf": f'<package xmlns="http://www.idpf.org/2007/opf" version="3.0"><metadata><meta name="cover" content="c"/></metadata><manifest><item id="a" href="a.xhtml" media-type="application/xhtml+xml"/><item id="s" href="s.css" media-type="text/css"/>{package}</package>',
        "a.xhtml": f'<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops"><head><title>x</title><link rel="stylesheet" href="s.css"/></head><body>{page}</body></html>',
        "s.css": "",
        **{name.replace("_", "."): data for name, data in others.items()},
    }


SPINE = '</manifest><spine><itemref idref="a"/></spine>'
DRAWING = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><title>kim</title><path d="M0 0" fill="red"/></svg>'
)


@pytest.mark.parametrize(
    ("package", "picture"),
    [
        ('<item id="x" href="p.jpg" media-type="image/jpeg" properties="cover-image"/>' + SPINE, "image1.jpg"),
        ('<item id="c" href="p.jpg" media-type="image/jpeg"/>' + SPINE, "image1.jpg"),
        ('<item id="x" href="p.jpg" media-type="image/jpeg"/>' + SPINE + '<guide><reference type="cover" href="p.jpg"/></guide>', "image1.jpg"),
        ('<item id="c" href="d.svg" media-type="image/svg+xml"/>' + SPINE, "image1.svg"),
    ],
)  # fmt: skip
def test_the_cover_stays_whichever_way_the_book_names_it(clean: Clean, phone_photo: bytes, package: str, picture: str) -> None:  # fmt: skip
    cleaned = clean(packed(small(package, p_jpg=phone_photo, d_svg=DRAWING)))
    parts = members(cleaned.data)
    assert f'href="{picture}"' in parts["book/package.opf"]
    assert 'properties="cover-image"' in parts["book/package.opf"]
    assert "kim" not in parts.get("book/image1.svg", "")
    assert clean(cleaned.data).data == cleaned.data


def test_a_book_that_was_zipped_again_and_no_longer_says_what_it_is(clean: Clean) -> None:
    book = small(SPINE)
    copy = clean(packed(book))
    assert clean(packed({name: part for name, part in book.items() if name != "mimetype"})).data == copy.data


def test_a_page_that_is_only_the_cover_comes_first(clean: Clean) -> None:
    front = '<html xmlns="http://www.w3.org/1999/xhtml"><head/><body>front</body></html>'
    guide = SPINE + '<guide><reference type="cover" href="f.xhtml"/></guide>'
    item = '<item id="f" href="f.xhtml" media-type="application/xhtml+xml"/>'
    parts = members(clean(packed(small(item + guide, f_xhtml=front))).data)
    assert "front" in parts["book/chapter1.xhtml"]
    assert parts["book/package.opf"].count("<itemref") == 2


def test_pictures_of_sheets_and_pages_of_pictures_stay(clean: Clean, phone_photo: bytes) -> None:
    package = '<item id="p" href="p.jpg" media-type="image/jpeg"/><item id="d" href="d.svg" media-type="image/svg+xml"/></manifest><spine page-progression-direction="rtl"><itemref idref="a" linear="no"/><itemref idref="d" properties="page-spread-left"/></spine>'
    sheet = ".kim { background: url(p.jpg) } #top { color: red } @font-face { font-family: K; src: url(k.otf) } p { content: 'kim' }"
    page = '<p class="kim" id="top" style="background-image:url(\'p.jpg\')">gate</p>'
    cleaned = clean(packed(small(package, page, s_css=sheet, p_jpg=phone_photo, d_svg=DRAWING)))
    parts = members(cleaned.data)
    assert parts["book/style1.css"] == ".c1{background:url(image2.jpg)}\n#a1{color:red}\n"
    assert '<p class="c1" id="a1" style="background-image:url(image2.jpg)">gate</p>' in parts["book/chapter1.xhtml"]
    assert '<img src="image1.svg"/>' in parts["book/chapter2.xhtml"]
    assert 'page-progression-direction="rtl"' in parts["book/package.opf"]
    assert 'linear="no"' in parts["book/package.opf"]
    assert 'properties="page-spread-left"' in parts["book/package.opf"]
    assert Removed.LAYOUT in cleaned.removed
    assert clean(cleaned.data).data == cleaned.data


@pytest.mark.parametrize(
    ("page", "kept"),
    [
        ("<form action='kim'><label for='kim'>gate</label></form>", "<div><span>gate</span></div>"),
        ("<p hidden=''>kim</p><p style='display:none'>kim</p>x", "x"),
        ("<script>kim</script><audio>kim</audio>x", "x"),
        ("<object data='d.svg' type='image/svg+xml'>kim</object>", '<img src="image1.svg"/>'),
        ("<object data='kim.swf'><p>gate</p></object>", "<div><p>gate</p></div>"),
        ("<p epub:type='chapter kim' class='kim lee' lang='ko' title='kim' data-kim='1' role='kim'>x</p>", '<p epub:type="chapter" class="c1 c2">x</p>'),
        ("<epub:switch><epub:case required-namespace='kim'>kim</epub:case><epub:default>gate</epub:default></epub:switch>", "<div><div>gate</div></div>"),
        (DRAWING, '<svg:svg viewBox="0 0 9 9"><svg:path d="M0 0" fill="red"/></svg:svg>'),
        ("<svg xmlns='http://www.w3.org/2000/svg'><image href='d.svg'/><a href='kim'><text>gate</text></a></svg>", '<svg:svg><svg:image href="image1.svg"/><svg:g><svg:text>gate</svg:text></svg:g></svg:svg>'),
        ("<img src='gone.jpg'/><img src='https://x.example/a.jpg'/>x", "x"),
        ("<a href='#gone'>x</a><a href='a.xhtml'>y</a><a href='kim.xhtml'>z</a>", '<a href="chapter1.xhtml">x</a><a href="chapter1.xhtml">y</a><a>z</a>'),
    ],
)  # fmt: skip
def test_elements_and_values_are_those_of_the_table(clean: Clean, page: str, kept: str) -> None:
    item = '<item id="d" href="d.svg" media-type="image/svg+xml"/>'
    cleaned = clean(packed(small(item + SPINE, page, d_svg=DRAWING)))
    assert f"<body>{kept}</body>" in members(cleaned.data)["book/chapter1.xhtml"]
    assert clean(cleaned.data).data == cleaned.data


def test_a_drawing_behind_the_words_of_a_book_stays(clean: Clean) -> None:
    item = '<item id="d" href="d.svg" media-type="image/svg+xml"/>'
    page = '<p style="background-image:url(d.svg)">gate</p>'
    parts = members(clean(packed(small(item + SPINE, page, d_svg=DRAWING))).data)
    assert '<p style="background-image:url(image1.svg)">gate</p>' in parts["book/chapter1.xhtml"]
    assert "<path" in parts["book/image1.svg"]


def test_a_picture_of_a_rule_that_goes_is_not_in_the_book(clean: Clean, phone_photo: bytes) -> None:
    sheet = "p[kim]{background:url(p.jpg)} p{background:url(p.jpg) kim} #gone{background:url(p.jpg)}"
    item = '<item id="p" href="p.jpg" media-type="image/jpeg"/>'
    cleaned = clean(packed(small(item + SPINE, s_css=sheet, p_jpg=phone_photo)))
    assert "book/image1.jpg" not in members(cleaned.data)
    assert {Removed.LAYOUT, Removed.HIDDEN_CONTENT} <= cleaned.removed
    twice = clean(cleaned.data)
    assert (twice.data, twice.removed) == (cleaned.data, set())


def test_a_sheet_that_hides_something_is_told(marks: Any, phone_photo: bytes) -> None:
    assert Noted.HIDDEN_WORDS not in clean_copy(book(marks, phone_photo)).noted
    assert Noted.HIDDEN_WORDS in clean_copy(packed(small(SPINE, s_css=".k{display:none}"))).noted


@pytest.mark.parametrize("part", ["book/style1.css", "book/kim.txt", "kim", "book/chapter01.html"])
def test_the_second_reading_refuses_what_no_table_lists(clean: Clean, part: str) -> None:
    parts = members(clean(packed(small(SPINE, s_css="p{color:red}"))).data)
    with pytest.raises(Residue):
        verify(Source.of(written({**parts, part: "kim{color:kim}"})), MEDIA_TYPE)


def test_the_second_reading_refuses_what_was_not_cleaned(marks: Any, phone_photo: bytes) -> None:
    with pytest.raises(Residue):
        verify(Source.of(book(marks, phone_photo)), MEDIA_TYPE)


def test_a_list_of_printed_pages_goes_and_the_book_is_not_called_incomplete(
    clean: Clean, marks: Any, phone_photo: bytes
) -> None:
    parts = parts_of(marks, phone_photo)
    listed = '<pageList><pageTarget id="p" type="normal" value="1"><navLabel><text>1</text></navLabel><content src="text/one.xhtml"/></pageTarget></pageList></ncx>'
    parts["OEBPS/toc.ncx"] = str(parts["OEBPS/toc.ncx"]).replace("</ncx>", listed)
    cleaned = clean(packed(parts))
    assert "pageList" not in members(cleaned.data)["book/toc.ncx"]
    assert Removed.INCOMPLETE not in cleaned.removed


def test_a_page_that_is_not_well_formed_is_read_as_far_as_can_be(clean: Clean) -> None:
    copy = clean(packed(small(SPINE, "<p>gate <em>one <b>two</em></b></p><p>three</p>")))
    assert Removed.INCOMPLETE in copy.removed
    said = re.sub("<[^>]*>", "", "".join(members(copy.data).values()))
    assert all(word in said for word in ("gate", "one", "two", "three"))
