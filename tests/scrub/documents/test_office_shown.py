"""What is shown in an office file is in the clean copy, or the receipt says that it is not."""

# ruff: noqa: E501  # markup is easier to read on a line of its own

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from fieldreport.scrub.documents.ooxml import docx, pptx
from fieldreport.scrub.verdicts import Damaged, Noted, Removed
from tests.scrub.conftest import CleanCopy, clean_copy
from tests.scrub.documents import test_docx, test_xlsx_pptx
from tests.scrub.documents.test_docx import relation, run, with_body
from tests.scrub.documents.test_xlsx_pptx import P, rels, types

EMF = b"\x01\0\0\0" + bytes(36) + b" EMF" + bytes(60)
WMF = b"\xd7\xcd\xc6\x9a" + bytes(40)
TREE = "<p:nvGrpSpPr><p:cNvPr id='1' name=''/><p:cNvGrpSpPr/><p:nvPr/></p:nvGrpSpPr><p:grpSpPr/>"
MC = 'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" xmlns:a14="http://schemas.microsoft.com/office/drawing/2010/main"'
MATH = (
    '<a14:m xmlns:a14="http://schemas.microsoft.com/office/drawing/2010/main"><m:oMath xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"><m:r><m:t>E=mc</m:t></m:r>'
    "</m:oMath></a14:m>"
)


def shape(text: str, *, hidden: str = "0", place: str = "", properties: str = "", more: str = "") -> str:
    return (
        f'<p:sp><p:nvSpPr><p:cNvPr id="2" name="x" hidden="{hidden}"/><p:cNvSpPr/><p:nvPr/></p:nvSpPr><p:spPr>{place}</p:spPr>'
        f"<p:txBody><a:bodyPr/><a:p><a:r>{properties}<a:t>{text}</a:t></a:r>{more}</a:p></p:txBody></p:sp>"
    )


def picture(identifier: str) -> str:
    return f'<p:pic><p:nvPicPr><p:cNvPr id="8" name="x"/><p:cNvPicPr/><p:nvPr/></p:nvPicPr><p:blipFill><a:blip r:embed="{identifier}"/></p:blipFill><p:spPr/></p:pic>'


def embedded(inside: str) -> str:
    return (
        '<p:graphicFrame><p:nvGraphicFramePr><p:cNvPr id="9" name="x"/><p:cNvGraphicFramePr/><p:nvPr/></p:nvGraphicFramePr><p:xfrm/><a:graphic>'
        f'<a:graphicData uri="http://schemas.openxmlformats.org/presentationml/2006/ole"><p:oleObj r:id="o1">{inside}</p:oleObj></a:graphicData></a:graphic></p:graphicFrame>'
    )


def chosen(choice: str, fallback: str, *, needs: str = "a14") -> str:
    return f'<mc:AlternateContent {MC}><mc:Choice Requires="{needs}">{choice}</mc:Choice><mc:Fallback>{fallback}</mc:Fallback></mc:AlternateContent>'


def deck(*slides: str, notes: str = "", media: Mapping[str, bytes] | None = None) -> bytes:
    """Slides whose drawings are given as markup; one that begins with ``show=`` says whether it is shown."""
    parts: dict[str, bytes | str] = {
        "[Content_Types].xml": types("ppt/presentation.xml", "presentationml.presentation"),
        "_rels/.rels": rels(("r1", "officeDocument", "ppt/presentation.xml")),
        "ppt/presentation.xml": f"<p:presentation {P}><p:sldIdLst>"
        + "".join(f'<p:sldId id="{300 + n}" r:id="s{n}"/>' for n in range(len(slides)))
        + '</p:sldIdLst><p:sldSz cx="9000" cy="6000"/></p:presentation>',
        "ppt/_rels/presentation.xml.rels": rels(*((f"s{n}", "slide", f"slides/{n}.xml") for n in range(len(slides)))),
        "ppt/o.bin": b"embedded",
    }
    parts |= {f"ppt/media/{name}": data for name, data in (media or {}).items()}
    pictures = [(name.partition(".")[0], "image", f"../media/{name}") for name in media or {}]
    for number, markup in enumerate(slides):
        show, _, inside = markup.partition("|") if markup.startswith("show=") else ("", "", markup)
        parts[f"ppt/slides/{number}.xml"] = (
            f"<p:sld {P} {show}><p:cSld><p:spTree>{TREE}{inside}</p:spTree></p:cSld></p:sld>"
        )
        parts[f"ppt/slides/_rels/{number}.xml.rels"] = rels(
            ("o1", "oleObject", "../o.bin"), *pictures, *([("n1", "notesSlide", "../notes.xml")] if notes else [])
        )
    if notes:
        parts["ppt/notes.xml"] = f"<p:notes {P}><p:cSld><p:spTree>{TREE}{shape(notes)}</p:spTree></p:cSld></p:notes>"
    return test_xlsx_pptx.packed(parts)


def whole(copy: CleanCopy) -> str:
    return "\n".join(text for name, text in test_xlsx_pptx.members(copy.data).items() if name.endswith(".xml"))


@pytest.mark.parametrize(("picture", "ending"), [(EMF, "emf"), (WMF, "wmf"), (b"<svg/>", "wdp")])
def test_a_picture_that_cannot_be_cleaned_is_called_one_on_the_receipt(picture: bytes, ending: str) -> None:
    shape = f'<w:pict><v:shape><v:imagedata r:id="rPicture"/></v:shape></w:pict>{run("Seen.")}'
    data = with_body(
        f"<w:p><w:r>{shape}</w:r></w:p>",
        parts={f"word/media/image1.{ending}": picture},
        relations=relation("rPicture", "image", f"media/image1.{ending}"),
    )
    removed = clean_copy(data).removed
    assert Removed.DRAWINGS in removed
    assert Removed.EMBEDDED_FILE not in removed


SHOWN = {
    "a formula": (chosen(shape("Speed", more=MATH), shape("No formula")), "<m:t>E=mc</m:t>", set()),
    "a formula without a choice": (shape("Speed", more=MATH), "<m:t>E=mc</m:t>", set()),
    "ink with a picture": (chosen('<p:contentPart r:id="k1"/>', picture("i1"), needs="p14"), "<a:blip r:embed=", set()),
    "ink without": (chosen('<p:contentPart r:id="k1"/>', "", needs="p14"), "<p:spTree>", {Removed.DRAWINGS}),
    "an object's picture": (embedded(picture("i1")), "<p:pic>", set()),
    "an object without": (embedded(""), "<p:spTree>", {Removed.DRAWINGS}),
    "a frame for newer programs": (
        chosen(embedded(""), shape("Not shown here"), needs="cx9"),
        "Not shown here",
        {Removed.DRAWINGS},
    ),
    "a shape from elsewhere": (
        f'<x:frame xmlns:x="urn:example">{shape("Lost")}</x:frame>',
        "<p:spTree>",
        {Removed.DRAWINGS},
    ),
}


@pytest.mark.parametrize(("inside", "kept", "lost"), SHOWN.values(), ids=SHOWN)
def test_what_a_slide_shows_is_kept_or_on_the_receipt(
    inside: str, kept: str, lost: set[Removed], phone_photo: bytes
) -> None:
    copy = clean_copy(deck(inside, media={"i1.jpg": phone_photo}))
    assert kept in whole(copy)
    assert {Removed.DRAWINGS} & copy.removed == lost
    assert clean_copy(copy.data).data == copy.data


@pytest.mark.parametrize("hidden", [deck(shape("Seen"), 'show="0"|' + shape("Secret")),
                                    deck(shape("Seen"), "show='false'|" + shape("Secret")),
                                    deck(shape("Seen") + shape("Secret", hidden="1")),
                                    deck(shape("Seen") + f"<p:grpSp><p:nvGrpSpPr><p:cNvPr id='4' name='' hidden='true'/></p:nvGrpSpPr>{shape('Secret')}</p:grpSp>")])  # fmt: skip
def test_hidden_slides_and_shapes_are_gone_and_on_the_receipt(hidden: bytes) -> None:
    copy = clean_copy(hidden)
    assert "Seen" in whole(copy)
    assert "Secret" not in whole(copy)
    assert Removed.HIDDEN_CONTENT in copy.removed


def test_slides_that_are_all_hidden_stay() -> None:
    assert "Seen" in whole(clean_copy(deck('show="0"|' + shape("Seen"))))


def test_speaker_notes_stay_and_the_editor_is_told() -> None:
    copy = clean_copy(deck(shape("Seen"), notes="Spoken"))
    assert "Spoken" in whole(copy)
    assert Noted.HIDDEN_WORDS in copy.noted
    assert Noted.HIDDEN_WORDS not in clean_copy(deck(shape("Seen"), notes=" ")).noted


@pytest.mark.parametrize(
    ("writer", "tag", "data"),
    [
        (docx._WRITER, f"{{{test_docx.W}}}t", with_body(f"<w:p>{run('Seen')}</w:p>")),
        (pptx._WRITER, "{http://schemas.openxmlformats.org/drawingml/2006/main}t", deck(shape("Seen"))),
    ],
)
def test_what_a_table_forgets_is_missed(monkeypatch: pytest.MonkeyPatch, writer: Any, tag: str, data: bytes) -> None:
    """A chart without values was drawn blank, and no reading saw it."""
    clean_copy(data)
    texts = writer._vocabularies[tag[1:].partition("}")[0]].text
    monkeypatch.delitem(texts, tag)
    with pytest.raises(Damaged):
        clean_copy(data)
