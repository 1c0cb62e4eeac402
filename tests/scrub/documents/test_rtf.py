"""RTF: the text stays, with its look; authors, revisions, hidden text, objects and private data do not."""

# ruff: noqa: E501  # markup is easier to read on a line of its own

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from fieldreport import limits
from fieldreport.scrub import pipeline
from fieldreport.scrub.documents.rtf.verify import verify
from fieldreport.scrub.documents.rtf.write import MEDIA_TYPE
from fieldreport.scrub.format import Sink, Source
from fieldreport.scrub.verdicts import Mode, Noted, Refusal, Refused, Removed, Residue
from tests.scrub.conftest import clean_copy

Clean = Callable[[bytes], Any]


def png() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(file, "PNG")
    return file.getvalue()


def planted(marks: Any, photo: bytes) -> bytes:
    """A marker in every place that the specification has for one, and that is not text."""
    parts: tuple[str, ...] = (
        r"{\rtf1\ansi\ansicpg1252\deff0\deflang1042{\fonttbl{\f0\froman\fcharset0{\*\panose 02020603050405020304}Times New Roman;}{\f1\fnil\fcharset129 Batang;}}",
        r"{\colortbl;\red255\green0\blue0;}",
        rf"{{\stylesheet{{\s0 Normal;}}{{\s1\sbasedon0 {marks('style name')};}}}}",
        rf"{{\*\generator {marks('program')};}}{{\info{{\title {marks('title')}}}{{\author {marks('author')}}}{{\operator {marks('operator')}}}",
        rf"{{\creatim\yr2024\mo5\dy6}}{{\*\company {marks('company')}}}{{\doccomm {marks('remark')}}}{{\*\manager {marks('manager')}}}}}",
        rf"{{\*\userprops{{\propname {marks('property')}}}\proptype30{{\staticval {marks('property value')}}}}}",
        rf"{{\*\template C:\\Users\\{marks('template')}}}{{\*\rsidtbl \rsid1234567\rsid7654321}}{{\*\revtbl{{Unknown;}}{{{marks('reviser')};}}}}",
        rf"{{\*\docvar{{{marks('variable')}}}{{{marks('variable value')}}}}}{{\*\xmlnstbl{{\xmlns1 {marks('namespace')}}}}}{{\*\datastore {marks('data store')}}}",
        rf"{{\*\unheardof{{\deeper {marks('unknown destination')}}}}}{{\*\bkmkstart {marks('bookmark')}}}",
        r"\pard\plain\insrsid1234567\f0\fs24 Seen at {\b the gate}\par ",
        rf"\pard {{\v {marks('hidden text')}}}{{\revised\revauth1\revdttm123 added words}}{{\deleted\revauthdel1 {marks('deleted text')}}}\par ",
        rf"{{\*\atnid {marks('initials')}}}{{\*\atnauthor {marks('commentator')}}}\chatn{{\*\annotation{{\*\atnref 1}}{marks('comment')}}}",
        rf"{{\field{{\*\fldinst {{ FILENAME  \\p {marks('field')}}}}}{{\fldrslt report.rtf}}}} ",
        rf'{{\field{{\*\fldinst {{ HYPERLINK "https://example.org/a?utm_id={marks("link mark")}"}}{{\*\datafield {marks("link data")}}}}}{{\fldrslt a link}}}} ',
        rf'{{\field{{\*\fldinst {{ HYPERLINK "file:///C:/Users/{marks("link path")}"}}}}{{\fldrslt a path}}}}\par ',
        r"{\field{\*\fldinst { PAGE }}{\fldrslt 1}}\par ",
        rf"{{\object\objemb{{\*\objclass {marks('class')}}}{{\*\objdata {marks('object').encode().hex()}}}{{\result shown for the object}}}}\par ",
        rf"{{\shp{{\*\shpinst\shpleft0{{\sp{{\sn wzName}}{{\sv {marks('shape name')}}}}}{{\shptxt in a box\par}}}}{{\shprslt {marks('fallback')}}}}}",
        rf"{{\*\shppict{{\pict{{\*\picprop{{\sp{{\sn wzDescription}}{{\sv {marks('description')}}}}}}}\jpegblip\picw64\pich48{{\*\blipuid {marks('picture id')}}} {photo.hex()}}}}}",
        rf"{{\nonshppict{{\pict\wmetafile8 {marks('metafile').encode().hex()}}}}}",
        rf"{{\pict\emfblip {marks('second metafile').encode().hex()}}}\par ",
        r"{\listtext\tab 1.}first{\*\pn\pnlvlbody}\par \trowd\cellx1000 one\cell two\cell\row ",
        r"\uc1\u44397 ?\u44221 ?\u50640 ?\u49436 ? caf\'e9 \u8203 ?\zwbo\u8205 ?\par ",
        r"{\header top}{\footer {\field{\*\fldinst PAGE}{\fldrslt 1}}}{\footnote a note}}",
    )  # fmt: skip
    trailer: str = marks("trailer")
    return ("".join(parts) + trailer).encode("ascii")


def words_of(data: bytes) -> str:
    """What a reader shows, by a reader of the test's own."""
    text = data.decode("ascii")
    text = re.sub(r"\{\\(fonttbl|colortbl|\*\\fldinst|pict)[^{}]*(\{[^{}]*\}[^{}]*)*\}", "", text)
    text = re.sub(r"\\'([0-9a-f]{2})", lambda found: bytes.fromhex(found[1]).decode("cp1252"), text)
    text = re.sub(r"\\u(-?\d+) \?", lambda found: chr(int(found[1]) & 0xFFFF), text)
    text = re.sub(r"\\(par|cell|row) ", "\n", text)
    return re.sub(r"\\[a-z]+(-?\d+)? ?|[{}]", "", text)


def test_a_marker_in_every_place_is_gone(clean: Clean, marks: Any, phone_photo: bytes) -> None:
    data = planted(marks, phone_photo)
    assert len(marks.places) > 35
    cleaned = clean(data)
    assert cleaned.media_type == "application/rtf"
    pictures = [bytes.fromhex(found.decode()) for found in re.findall(rb"([0-9a-f]{60,})", cleaned.data)]
    assert pictures
    assert marks.left_in([cleaned.data, *pictures]) == []
    assert not any(b"PLANTED" in piece for piece in (cleaned.data, *pictures))
    assert {
        Removed.AUTHOR, Removed.TIME, Removed.SOFTWARE, Removed.HISTORY, Removed.COMMENTS, Removed.PATHS, Removed.LINKS,
        Removed.HIDDEN_CONTENT, Removed.EMBEDDED_FILE, Removed.DEVICE, Removed.COPY_MARKS, Removed.TRAILING_DATA,
    } <= cleaned.removed  # fmt: skip


def test_what_is_read_stays(clean: Clean, marks: Any, phone_photo: bytes) -> None:
    shown = words_of(clean(planted(marks, phone_photo)).data)
    for words in (
        "Seen at the gate\n", "added words", "report.rtf", "a link", "a path", "shown for the object", "in a box", "1.first",
        "one\ntwo\n", "국경에서 café", "top", "a note",
    ):  # fmt: skip
        assert words in shown
    assert "\u200b" not in shown
    assert "\u200d" in shown  # a joiner may be needed by a script


@pytest.mark.parametrize("number", ["12644 ?", "-96 ?", "847 ?", "-9408 ?\\u-8960 ?", "-10188 ?\\u-8845 ?"])
def test_what_no_writing_needs_goes_and_verify_refuses_it(clean: Clean, number: str) -> None:
    marked = rf"{{\rtf1 gate\u{number}way}}"
    cleaned = clean(marked.encode())
    assert "gateway" in words_of(cleaned.data)
    assert Removed.COPY_MARKS in cleaned.removed
    with pytest.raises(Residue):
        verify(Source.of(cleaned.data.replace(b"gateway", rf"gate\u{number}way".encode())), "application/rtf")


def test_links_to_public_pages_and_page_numbers_stay_fields(clean: Clean, marks: Any, phone_photo: bytes) -> None:
    data = clean(planted(marks, phone_photo)).data
    assert rb'{\field {\*\fldinst HYPERLINK "https://example.org/a"}{\fldrslt a link}}' in data
    assert rb"{\field {\*\fldinst PAGE}{\fldrslt 1}}" in data
    assert data.count(b"fldinst") == 3


@pytest.mark.parametrize(
    ("instruction", "kept"),
    [
        (
            r'HYPERLINK "https://\u50696 ?.example.org/\u44608 ?"',
            rb'HYPERLINK "https://\u-14840 ?.example.org/\u-20928 ?"',
        ),
        (r'HYPERLINK "https://example.org/@gate?a=b"', rb'HYPERLINK "https://example.org/@gate?a=b"'),
        (r"PAGE \\* MERGEFORMAT", rb"PAGE \\* MERGEFORMAT"),
        (r"EQ \\f(1,2)", rb"EQ \\f(1,2)"),
    ],
)
def test_fields_that_stay_are_spelled_as_they_were(clean: Clean, instruction: str, kept: bytes) -> None:
    field = rf"{{\rtf1 {{\field{{\*\fldinst {instruction}}}{{\fldrslt shown}}}}}}"
    once = clean(field.encode())
    assert rb"{\field {\*\fldinst " + kept + rb"}{\fldrslt shown}}" in once.data
    assert clean(once.data).data == once.data


def test_how_it_looks_stays(clean: Clean, marks: Any, phone_photo: bytes) -> None:
    data = clean(planted(marks, phone_photo)).data
    assert rb"{\b the gate}" in data
    assert rb"\f0 \froman \fcharset0 Times New Roman;" in data
    assert rb"\red255 \green0 \blue0 ;" in data
    assert rb"\trowd \cellx1000 one\cell two\cell \row " in data


def test_a_picture_stays_with_its_size(clean: Clean) -> None:
    copy = clean(rb"{\rtf1 {\pict\pngblip\picw8\pich8\picwgoal120" + b"\n" + png().hex().encode() + b"}}")
    found = re.search(rb"\{\\pict \\pngblip \\picw8 \\pich8 \\picwgoal120 ([0-9a-f]+)\}", copy.data)
    assert found is not None
    assert Image.open(io.BytesIO(bytes.fromhex(found[1].decode()))).getpixel((0, 0)) == (255, 0, 0)


def test_a_picture_in_binary_stays(clean: Clean) -> None:
    picture = png()
    copy = clean(rb"{\rtf1 {\pict\pngblip\bin%d " % len(picture) + picture + b"}after}")
    assert b"\\pict \\pngblip " in copy.data
    assert b"after" in copy.data


def test_cleaning_twice_gives_what_cleaning_once_gave(clean: Clean, marks: Any, phone_photo: bytes) -> None:
    once = clean(planted(marks, phone_photo))
    twice = clean(once.data)
    assert twice.data == once.data
    assert twice.removed == set()


@pytest.mark.parametrize(
    ("data", "refusal"),
    [
        (rb"{\rtf1 no end", Refusal.DAMAGED),
        (rb"{\rtf1 {\b text}", Refusal.DAMAGED),
        (rb"{\rtf1 \bin99999 x}", Refusal.DAMAGED),
        (rb"{\rtf1 \'zz}", Refusal.DAMAGED),
        (rb"{\rtf1 " + b"{" * 300 + b"}" * 300 + b"}", Refusal.BOMB),
        (rb"{\rtf1 \\" + b"a" * 40 + rb"\averyveryveryverylongcontrolwordindeed}", None),
    ],
)
def test_what_is_no_rtf_is_refused(clean: Clean, data: bytes, refusal: Refusal | None) -> None:
    if refusal is None:
        assert b"aaaa" in clean(data).data
        return
    with pytest.raises(Refused) as caught:
        clean(data)
    assert caught.value.refusal is refusal


def test_a_picture_that_is_a_bomb_refuses_the_document(clean: Clean) -> None:
    header = b"IHDR" + (60_000).to_bytes(4, "big") * 2 + png()[24:29]
    huge = png()[:12] + header + zlib.crc32(header).to_bytes(4, "big") + png()[33:]
    with pytest.raises(Refused) as caught:
        clean(rb"{\rtf1 {\pict\pngblip " + huge.hex().encode() + b"}}")
    assert caught.value.refusal is Refusal.PIXELS


def test_a_document_is_bounded_before_it_is_read(clean: Clean, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "XML_BYTES", 100)
    with pytest.raises(Refused) as caught:
        clean(rb"{\rtf1 " + b"words " * 100 + b"}")
    assert caught.value.refusal is Refusal.TOO_LARGE


def test_the_second_reading_refuses_what_was_not_cleaned(marks: Any, phone_photo: bytes) -> None:
    for data in (
        planted(marks, phone_photo),
        rb"{\rtf1 {\*\generator x;}}",
        rb"{\rtf1 {\info {\author x}}}",
        rb"{\rtf1 \v x}",
        rb"{\rtf1 x}y",
        rb"{\rtf1 {x}",
        rb"{\rtf1 \u8203 ?}",
        rb'{\rtf1 {\field {\*\fldinst HYPERLINK "file:///x"}}}',
        rb'{\rtf1 {\field {\*\fldinst HYPERLINK "https://kim:word@x.example/"}}}',
        rb"{\rtf1 {\pict \pngblip 00}}",
    ):
        with pytest.raises(Residue):
            verify(Source.of(data), MEDIA_TYPE)


PIECES = [
    rb"\*", rb"\info", rb"\author", rb"\field", rb"\fldinst", rb"\fldrslt", rb"\pict", rb"\pngblip", rb"\u8203?",
    rb"\u-10179?\u-8638?", rb"\uc2", rb"\uc0", rb"\v", rb"\v0", rb"\deleted", rb"\plain", rb"\'e9", rb"\bin3 abc", rb"\object",
    rb"\result", rb"\shp", rb"\shptxt", rb"\upr", rb"\ud", rb"\b", rb"words", rb" HYPERLINK ", rb'"https://a.example/b"', b"\n",
    b"\\\n", b"\xff", b"\x00", rb"\~", rb"\fonttbl", rb"\colortbl", rb";", rb"\listtext", rb"\rtf1", rb"\nesttableprops", b"\\\\",
]  # fmt: skip
BODIES = st.recursive(
    st.lists(st.sampled_from(PIECES), max_size=6).map(b" ".join),
    lambda inner: st.lists(inner, max_size=5).map(lambda bodies: b"{" + b"}{".join(bodies) + b"}"),
    max_leaves=25,
)


SAMPLE = rb"""{\rtf1\ansi\ansicpg949\deff0{\fonttbl{\f0\fswiss\fcharset0 Arial;}{\f1\fnil\fcharset129 \'b9\'d9\'c5\'c1;}}
{\colortbl;\red255\green0\blue0;\red255\green255\blue255;}\viewkind4\uc1\pard\f0\fs22 Seen {\b at\b0} the gate\par {\f1 \'b1\'b9\'b0\'e6}
{\field{\*\fldinst HYPERLINK \\l "_Toc1"}{\fldrslt inside}}{\*\bkmkstart _Toc1}here{\*\bkmkend _Toc1}\par
{\field{\*\fldinst HYPERLINK "https://example.org/"}{\fldrslt outside}}\trowd\cellx1000 one\cell\row{\header top}}"""
WORD = "Plantedkim"
PLANTS = [
    rf"{{\*\{WORD.lower()} x}}", rf"{{\*\anything {WORD}}}", rf"\{WORD.lower()}7 ", rf"{{\info{{\title {WORD}}}}}", rf"{{\v {WORD}}}",
    rf"{{\*\bkmkstart {WORD}}}{{\*\bkmkend {WORD}}}", rf"{{\*\userprops{{\propname {WORD}}}}}", rf"{{\object{{\*\objdata {WORD}}}}}",
    rf"{{\b x\title {WORD}}}", rf"{{*\generator {WORD};}}", rf"{{ \info {WORD}}}", rf"{{\shppict\pict\wmetafile8 {WORD}}}",
    rf"{{\fonttbl{{\f7 {WORD};}}}}", rf"{{\colortbl {WORD};}}", rf"{{\stylesheet{{\s1 {WORD};}}}}", rf"{{\deleted {WORD}}}",
    rf"{{\field{{\*\fldinst WRITTENBY {WORD}}}{{\fldrslt }}}}", rf"{{\*\annotation {WORD}}}", rf"{{\sp{{\sn a}}{{\sv {WORD}}}}}",
]  # fmt: skip


def places_in(data: bytes) -> list[int]:
    """Where a group or a word may stand: before what begins one, and before each end."""
    return [found.start() for found in re.finditer(rb"(?<!\\\*)(?<!\\)[\\{}](?!')", data) if found.start() > 5]


@pytest.mark.parametrize("plant", PLANTS)
def test_what_is_planted_anywhere_does_not_come_out(clean: Clean, plant: str) -> None:
    for place in places_in(SAMPLE):
        data = SAMPLE[:place] + plant.encode() + SAMPLE[place:]
        assert WORD.lower().encode() not in clean(data).data.lower(), data


@pytest.mark.parametrize("plant", [*PLANTS, r"\cellx99999999 ", r"\writtenbykim ", r"\fs-3 ", r"\b7 ", r"\par3 ", r"{\*\b x}", r"\f ", r"{\*\bkmkstart b1 }"])  # fmt: skip
def test_what_is_planted_in_a_clean_file_is_refused(clean: Clean, plant: str) -> None:
    data = clean(SAMPLE).data
    verify(Source.of(data), MEDIA_TYPE)
    for place in places_in(data):
        with pytest.raises(Residue):
            verify(Source.of(data[:place] + plant.encode() + data[place:]), MEDIA_TYPE)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (rb"{\fonttbl\f0\fswiss\fcharset0 Helvetica;\f1\fnil Amira Serif;}", rb"{\fonttbl {\f0 \fswiss \fcharset0 Helvetica;}{\f1 \fnil Arial;}}"),
        (rb"{\fonttbl{\f1\fcharset129 \'b9\'d9\'c5\'c1;}}", rb"{\fonttbl {\f1 \fcharset129 \u-17388 ?\u-12075 ?;}}"),
        (rb"{\fonttbl{\f2\fcharset204{\*\fname Kim;}Times New Roman Cyr{\*\falt Kim};}}", rb"{\fonttbl {\f2 \fcharset204 Times New Roman CYR;}}"),
        (rb"{\fonttbl{\f3\fcharset177 David (Hebrew);}}", rb"{\fonttbl {\f3 \fcharset177 David;}}"),
        (rb"{ \fonttbl {\f4 Arial;} }{ words}", rb"{\fonttbl {\f4 Arial;}}{ words}"),
        (rb"{\colortbl;\red1\green2\blue3\ctint255\cshade255;}", rb"{\colortbl ;\red1 \green2 \blue3 ;}"),
        (rb"{\colortbl;\red999\green2\blue3;Kim}", rb"{\colortbl ;\red0 \green2 \blue3 ;}"),
        (rb"\ansicpg1256\ansicpg31337 ", rb"\ansicpg1256 "),
        (rb"\b1\i0\par5\fs99999\cellx4000 ", rb"\b \i0 \par \cellx4000 "),
    ],
)  # fmt: skip
def test_fonts_colours_and_numbers_are_those_of_the_table(clean: Clean, before: bytes, after: bytes) -> None:
    assert clean(rb"{\rtf1" + before + b"}").data == rb"{\rtf1 \uc1 " + after + b"}"


def test_a_link_inside_holds_under_another_name_and_other_bookmarks_go(clean: Clean) -> None:
    link = rb'{\field{\*\fldinst HYPERLINK \\l "Kim"}{\fldrslt x}}'
    data = clean(
        rb"{\rtf1 {\*\bkmkstart _GoBack}{\*\bkmkend _GoBack}{\*\bkmkstart Kim}a{\*\bkmkend Kim}" + link + b"}"
    ).data
    assert data.endswith(rb'{\*\bkmkstart b1}a{\*\bkmkend b1}{\field {\*\fldinst HYPERLINK \\l "b1"}{\fldrslt x}}}')
    assert clean(data).data == data


@pytest.mark.parametrize(
    ("hides", "text"),
    [
        (True, rb"\cf2 words"), (False, rb"\cf1 words"), (False, rb"{\cf2 }words"), (False, rb"\cf2\plain words"),
        (True, rb"\highlight1\cf1 words"), (False, rb"\highlight1\cf2 words"), (False, rb"\trowd\clcbpat1\cellx9 \cf2 words\cell\row"),
        (False, rb"\cf0 words"), (True, rb"\fs2 words"), (False, rb"\fs12 words"), (True, rb"\sl-10 words"), (False, rb"\sl-240 words"),
    ],
)  # fmt: skip
def test_words_that_nobody_sees_are_reported(hides: object, text: bytes) -> None:
    head = rb"{\rtf1 {\colortbl;\red255\green0\blue0;\red255\green255\blue254;}"
    copy = clean_copy(head + text + b"}")
    assert b"words" in copy.data
    assert (Noted.HIDDEN_WORDS in copy.noted) is hides


@given(BODIES)
@settings(max_examples=600, deadline=None)
def test_whatever_is_written_it_is_cleaned_once_and_for_all_or_refused(body: bytes) -> None:
    once, twice = Sink(), Sink()
    try:
        pipeline.clean(Source.of(b"{\\rtf1 " + body + b"}"), once, pipeline.new_cleaning(Mode.LOSSLESS))
    except Refused as refused:
        assert refused.refusal is not Refusal.RESIDUE  # noqa: PT017  # the point is which
        return
    pipeline.clean(once.source(), twice, pipeline.new_cleaning(Mode.LOSSLESS))
    assert twice.source().whole() == once.source().whole()


@pytest.mark.outside
@pytest.mark.skipif(shutil.which("exiftool") is None, reason="needs exiftool")
def test_exiftool_finds_nobody_in_a_clean_text(clean: Clean, marks: Any, phone_photo: bytes, tmp_path: Path) -> None:
    def told(data: bytes) -> dict[str, str]:
        (tmp_path / "a.rtf").write_bytes(data)
        done = subprocess.run(
            ["exiftool", "-json", "-G1", "-a", "-u", str(tmp_path / "a.rtf")],
            capture_output=True,
            check=True,
            timeout=60,
        )
        (tags,) = json.loads(done.stdout)
        return {name: value for name, value in tags.items() if name.startswith("RTF")}

    data = planted(marks, phone_photo)
    assert "PLANTED" in json.dumps(told(data))
    assert told(clean(data).data) == {}
