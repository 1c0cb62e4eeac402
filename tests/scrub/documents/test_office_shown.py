"""What is shown in an office file is in the clean copy, or the receipt says that it is not."""

# ruff: noqa: E501  # markup is easier to read on a line of its own

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest

from fieldreport.scrub.documents.ooxml import docx, pptx
from fieldreport.scrub.verdicts import Damaged, Noted, Removed
from tests.scrub.conftest import CleanCopy, clean_copy
from tests.scrub.documents import test_docx, test_xlsx_pptx
from tests.scrub.documents.test_docx import relation, run, with_body
from tests.scrub.documents.test_xlsx_pptx import P, X, rels, types

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
    """Slides given as markup, with their background first; one that begins with ``show=`` says whether it is shown."""
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
        before, end, drawn = inside.rpartition("</p:bg>")
        parts[f"ppt/slides/{number}.xml"] = (
            f"<p:sld {P} {show}><p:cSld>{before}{end}<p:spTree>{TREE}{drawn}</p:spTree></p:cSld></p:sld>"
        )
        parts[f"ppt/slides/_rels/{number}.xml.rels"] = rels(
            ("o1", "oleObject", "../o.bin"), *pictures, *([("n1", "notesSlide", "../notes.xml")] if notes else [])
        )
    if notes:
        parts["ppt/notes.xml"] = f"<p:notes {P}><p:cSld><p:spTree>{TREE}{shape(notes)}</p:spTree></p:cSld></p:notes>"
    return test_xlsx_pptx.packed(parts)


def book(
    *sheets: str, parts: Mapping[str, bytes | str] | None = None, relations: tuple[tuple[str, str, str], ...] = ()
) -> bytes:
    """Sheets A, B, … given as markup; the relationships are those of the first."""
    listed = "".join(f'<sheet name="{chr(65 + n)}" sheetId="{n + 1}" r:id="s{n}"/>' for n in range(len(sheets)))
    return test_xlsx_pptx.packed({
        "[Content_Types].xml": types("xl/workbook.xml", "spreadsheetml.sheet"),
        "_rels/.rels": rels(("r1", "officeDocument", "xl/workbook.xml")),
        "xl/workbook.xml": f"<workbook {X}><sheets>{listed}</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": rels(*((f"s{n}", "worksheet", f"worksheets/{n}.xml") for n in range(len(sheets)))),
        "xl/worksheets/_rels/0.xml.rels": rels(*relations),
        **{f"xl/worksheets/{n}.xml": f"<worksheet {X}>{markup}</worksheet>" for n, markup in enumerate(sheets)},
        **(parts or {}),
    })  # fmt: skip


def row(number: int, *cells: str, said: str = "") -> str:
    """A row whose cells hold words, or formulas that begin with ``=``."""
    return f'<row r="{number}" {said}>' + "".join(
        f'<c r="{chr(65 + n)}{number}"><f>{cell[1:]}</f><v>7</v></c>' if cell.startswith("=")
        else f'<c r="{chr(65 + n)}{number}" t="inlineStr"><is><t>{cell}</t></is></c>' for n, cell in enumerate(cells)
    ) + "</row>"  # fmt: skip


def whole(copy: CleanCopy) -> str:
    return "\n".join(
        text for name, text in test_xlsx_pptx.members(copy.data).items() if name.endswith((".xml", ".vml"))
    )


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
    "a control, which its VML draws": (chosen(shape("Press", hidden="1"), shape("Seen")), ">Seen<", set()),
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
    assert {Removed.DRAWINGS, Removed.HIDDEN_CONTENT} & copy.removed == lost
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


CHART = (
    f'<c:chartSpace xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart" xmlns:r="{test_xlsx_pptx.OFFICE}"><c:chart><c:plotArea><c:barChart><c:ser>'
    "<c:tx><c:strRef><c:f>Sheet1!$B$1</c:f><c:strCache><c:ptCount val='1'/><c:pt idx='0'><c:v>Arrests</c:v></c:pt></c:strCache></c:strRef></c:tx>"
    "<c:val><c:numRef><c:f>Sheet1!$B$2</c:f><c:numCache><c:formatCode>0.00</c:formatCode><c:pt idx='0'><c:v>4.3</c:v></c:pt></c:numCache></c:numRef></c:val>"
    '</c:ser></c:barChart></c:plotArea></c:chart><c:externalData r:id="r1"/></c:chartSpace>'
)  # fmt: skip


def charted(chart: str, *, version: str = "16.0000") -> bytes:
    """A document with a chart, written by Word of that version."""
    frame = (
        '<w:p><w:r><w:drawing><wp:inline><a:graphic><a:graphicData uri="http://schemas.openxmlformats.org/drawingml/2006/chart">'
        '<c:chart xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart" r:id="rChart"/></a:graphicData></a:graphic></wp:inline></w:drawing></w:r></w:p>'
    )
    parts = {
        "word/charts/c.xml": chart.encode(),
        "word/charts/_rels/c.xml.rels": rels(("r1", "package", "../embeddings/b.xlsx")).encode(),
        "word/embeddings/b.xlsx": b"Secret",
        "docProps/app.xml": f"<Properties><AppVersion>{version}</AppVersion></Properties>".encode(),
    }
    return with_body(frame, parts=parts, relations=relation("rChart", "chart", "charts/c.xml"))


def test_a_chart_of_a_kind_that_is_not_kept_is_told_of() -> None:
    space = "http://schemas.microsoft.com/office/drawing/2014/chartex"
    chart = f'<cx:chart xmlns:cx="{space}" r:id="r9"/>'
    for inside in (chart, f'<cx:chart xmlns:cx="{space}"/>'):
        frame = f'<w:drawing><wp:inline><a:graphic><a:graphicData uri="{space}">{inside}</a:graphicData></a:graphic></wp:inline></w:drawing>'
        body = f"<w:p><w:r><w:t>a</w:t></w:r><w:r>{frame}</w:r></w:p>"
        parts = {"word/charts/chartEx1.xml": f'<cx:chartSpace xmlns:cx="{space}"/>'.encode()}
        copy = clean_copy(with_body(body, parts=parts, relations=relation("r9", "chartEx", "charts/chartEx1.xml")))
        assert Removed.DRAWINGS in copy.removed


def test_a_chart_in_a_document_keeps_its_values_without_the_workbook_they_come_from() -> None:
    copy = clean_copy(charted(CHART))
    written = whole(copy)
    for shown in (
        "<c:v>Arrests</c:v>",
        "<c:v>4.3</c:v>",
        "<c:f>Sheet1!$B$2</c:f>",
        "<c:formatCode>0.00</c:formatCode>",
    ):
        assert shown in written
    assert not any("embeddings" in name for name in test_xlsx_pptx.members(copy.data))
    assert Removed.EMBEDDED_FILE in copy.removed


@pytest.mark.parametrize(("version", "said"), [("12.0000", True), ("16.0000", False)])
def test_a_chart_of_office_2007_says_what_its_version_meant(version: str, *, said: bool) -> None:
    """The version goes, and with it what programs make of labels that are not spoken of."""
    labels = '<c:dLbls><c:showPercent val="1"/><c:showLeaderLines val="1"/></c:dLbls></c:ser>'
    written = whole(clean_copy(charted(CHART.replace("</c:ser>", labels), version=version)))
    before = '<c:showLegendKey val="0"/><c:showVal val="0"/><c:showCatName val="0"/><c:showSerName val="0"/>'
    assert (
        f'{before}<c:showPercent val="1"/><c:showBubbleSize val="0"/><c:showLeaderLines val="1"/>' in written
    ) is said
    assert ("showLegendKey" in written) is said


def test_a_diagram_keeps_its_shapes_and_its_drawing_and_no_id_of_the_original() -> None:
    """Without shapes it was drawn blank; without the drawing, by programs that cannot lay it out."""
    ids = [f"{{0000000{n}-1234-4321-ABCD-0123456789AB}}" for n in range(3)]
    dgm = 'xmlns:dgm="http://schemas.openxmlformats.org/drawingml/2006/diagram" xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
    dsp = "http://schemas.microsoft.com/office/drawing/2008/diagram"
    extension = f'<dgm:extLst><a:ext uri="{dsp}"><dsp:dataModelExt xmlns:dsp="{dsp}" relId="d5" minVer="x"/></a:ext><a:ext uri="urn:secret"/></dgm:extLst>'
    frame = (
        '<p:graphicFrame><p:xfrm/><a:graphic><a:graphicData uri="http://schemas.openxmlformats.org/drawingml/2006/diagram">'
        f'<dgm:relIds {dgm} r:dm="d1" r:lo="d2" r:qs="d3" r:cs="d4"/></a:graphicData></a:graphic></p:graphicFrame>'
    )
    named = {"d1": "diagramData", "d2": "diagramLayout", "d3": "diagramQuickStyle", "d4": "diagramColors"}
    relations = rels(*((key, kind, f"../diagrams/{key}.xml") for key, kind in named.items()))
    drawing = '<Relationship Id="d5" Type="http://schemas.microsoft.com/office/2007/relationships/diagramDrawing" Target="../diagrams/d5.xml"/>'
    parts = test_xlsx_pptx.members(deck(frame)) | {
        "ppt/slides/_rels/0.xml.rels": relations.replace("</Relationships>", f"{drawing}</Relationships>"),
        "ppt/diagrams/d1.xml": f'<dgm:dataModel {dgm}><dgm:ptLst><dgm:pt modelId="{ids[0]}"/><dgm:pt modelId="{ids[1]}"><dgm:t><a:p><a:r><a:t>Chief</a:t></a:r></a:p></dgm:t></dgm:pt></dgm:ptLst>'
        f'<dgm:cxnLst><dgm:cxn modelId="{ids[2]}" srcId="{ids[0]}" destId="{ids[1]}"/></dgm:cxnLst>{extension}</dgm:dataModel>',
        "ppt/diagrams/d2.xml": f'<dgm:layoutDef {dgm} xmlns:r="{test_xlsx_pptx.OFFICE}"><dgm:layoutNode name="root"><dgm:shape type="rect" r:blip=""/></dgm:layoutNode></dgm:layoutDef>',
        "ppt/diagrams/d3.xml": f"<dgm:styleDef {dgm}/>",
        "ppt/diagrams/d4.xml": f"<dgm:colorsDef {dgm}/>",
        "ppt/diagrams/d5.xml": f'<dsp:drawing xmlns:dsp="{dsp}" {dgm}><dsp:spTree><dsp:sp modelId="{ids[1]}"><dsp:txBody><a:p><a:r><a:t>Chief</a:t></a:r></a:p></dsp:txBody></dsp:sp></dsp:spTree></dsp:drawing>',
    }  # fmt: skip
    copy = clean_copy(test_xlsx_pptx.packed(parts))
    written = whole(copy)
    assert written.count("Chief") == 2
    assert '<dgm:shape type="rect"/>' in written
    assert not any(each in written for each in (*ids, "secret"))
    drawn = re.search(r'<dsp:sp modelId="([0-9]+)">', written)
    in_data = re.search(r'relId="(rId[0-9]+)"', written)
    assert drawn is not None
    assert in_data is not None
    assert f'<dgm:pt modelId="{drawn[1]}"><dgm:t>' in written
    relations = test_xlsx_pptx.members(copy.data)["ppt/slides/_rels/slide1.xml.rels"]
    assert f'Id="{in_data[1]}" Type="http://schemas.microsoft.com' in relations
    assert Removed.DRAWINGS not in copy.removed
    assert clean_copy(copy.data).data == copy.data


@pytest.mark.parametrize(
    "sheet",
    [
        f'<sheetData>{row(1, "Seen")}</sheetData><extLst><ext uri="x"><x14:sparklineGroups xmlns:x14="urn:x14"><x14:sparkline/></x14:sparklineGroups></ext></extLst>',
        '<sheetData><row r="1"><c r="A1" t="e" vm="1"><v>#VALUE!</v></c></row></sheetData>',
    ],
)
def test_small_charts_and_pictures_in_cells_are_on_the_receipt(sheet: str) -> None:
    assert Removed.DRAWINGS in clean_copy(book(sheet)).removed


@pytest.mark.parametrize(
    ("inside", "told"),
    [
        ('<x14:conditionalFormattings><x14:conditionalFormatting><x14:cfRule type="iconSet" priority="1"/></x14:conditionalFormatting></x14:conditionalFormattings>', {Removed.DRAWINGS}),
        ("<x14:slicerList><x14:slicer/></x14:slicerList>", {Removed.DRAWINGS}),
        ('<x14:dataValidations count="1"><x14:dataValidation type="list"/></x14:dataValidations>', {Removed.OTHER_METADATA}),
        ("<x14:id>{5B2A0000-0000-0000-0000-000000000001}</x14:id>", set()),
    ],
)  # fmt: skip
def test_what_a_sheet_shows_by_an_extension_is_on_the_receipt(inside: str, told: set[Removed]) -> None:
    x14 = "http://schemas.microsoft.com/office/spreadsheetml/2009/9/main"
    extensions = f'<extLst><ext uri="x" xmlns:x14="{x14}">{inside}</ext></extLst>'
    plain = clean_copy(book(f"<sheetData>{row(1, 'Seen')}</sheetData>"))
    copy = clean_copy(book(f"<sheetData>{row(1, 'Seen')}</sheetData>{extensions}"))
    assert copy.data == plain.data
    assert copy.removed == plain.removed | told


def test_a_film_that_a_slide_names_by_an_extension_only_is_on_the_receipt() -> None:
    p14 = "http://schemas.microsoft.com/office/powerpoint/2010/main"
    film = f'<p:extLst><p:ext uri="x"><p14:media xmlns:p14="{p14}" r:embed="m1"/></p:ext></p:extLst>'
    seen = shape("Seen").replace("<p:nvPr/>", f"<p:nvPr>{film}</p:nvPr>")
    assert film in seen
    assert Removed.EMBEDDED_FILE in clean_copy(deck(seen)).removed


VARIANTS = {
    "wordprocessingml.document": ("wordprocessingml.template.main", "application/vnd.ms-word.document.macroEnabled.main", "application/vnd.ms-word.template.macroEnabledTemplate.main"),
    "spreadsheetml.sheet": ("spreadsheetml.template.main", "application/vnd.ms-excel.sheet.macroEnabled.main", "application/vnd.ms-excel.template.macroEnabled.main"),
    "presentationml.presentation": ("presentationml.slideshow.main", "presentationml.template.main", "application/vnd.ms-powerpoint.presentation.macroEnabled.main", "application/vnd.ms-powerpoint.slideshow.macroEnabled.main"),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "variant"), [(kind, each) for kind, listed in VARIANTS.items() for each in listed])
def test_templates_and_files_with_macros_become_plain_documents(kind: str, variant: str) -> None:
    prefix = "application/vnd.openxmlformats-officedocument."
    data = {
        "wordprocessingml.document": with_body(f"<w:p>{run('Seen')}</w:p>"),
        "spreadsheetml.sheet": book(f"<sheetData>{row(1, 'Seen')}</sheetData>"),
        "presentationml.presentation": deck(shape("Seen")),
    }[kind]
    parts = test_docx.members(data)
    old = f"{prefix}{kind}.main+xml".encode()
    assert old in parts["[Content_Types].xml"]
    new = variant if variant.startswith("application") else prefix + variant
    parts["[Content_Types].xml"] = parts["[Content_Types].xml"].replace(old, f"{new}+xml".encode())
    copy = clean_copy(test_docx.packed(parts))
    assert copy.media_type == prefix + kind
    assert old in test_docx.members(copy.data)["[Content_Types].xml"]
    assert "Seen" in whole(copy)


def strict(data: bytes) -> bytes:
    """The same in the form of ISO/IEC 29500 that is called strict."""
    parts = test_docx.members(data)
    for name, part in parts.items():
        if name != "[Content_Types].xml":
            parts[name] = re.sub(
                rb"http://schemas.openxmlformats.org/(?!package)(\w+)/2006/", rb"http://purl.oclc.org/ooxml/\1/", part
            )
    return test_docx.packed(parts)


@pytest.mark.parametrize(
    "data",
    [
        with_body(f"<w:p><w:pPr><w:jc w:val='start'/><w:ind w:start='36pt'/></w:pPr>{run('Seen')}</w:p>"),
        book(
            '<sheetData><row r="1"><c r="A1" t="d"><v>2026-11-30T00:00:00</v></c><c r="B1" t="str"><v>Seen</v></c></row></sheetData>'
        ),
        deck(
            shape(
                "Seen",
                properties='<a:rPr sz="1200"><a:solidFill><a:srgbClr val="204060"><a:alpha val="50%"/></a:srgbClr></a:solidFill></a:rPr>',
            )
        ),
    ],
)
def test_strict_documents_are_read_and_written_in_the_usual_form(data: bytes) -> None:
    given = strict(data)
    assert b"purl.oclc.org" in b"".join(test_docx.members(given).values())
    written = whole(clean_copy(given))
    assert "Seen" in written
    assert "purl.oclc.org" not in written
    original = b"".join(test_docx.members(given).values()).decode("latin-1")
    for kept in ("2026-11-30T00:00:00", 'val="50%"', 'w:start="36pt"'):
        assert (kept in written) is (kept in original.replace("'", '"'))


HIDE, FLAT = 'hidden="1"', 'ht="0"'
HIDDEN = {
    "a row": f"<sheetData>{row(1, 'Seen')}{row(2, 'Secret', said=HIDE)}</sheetData>",
    "rows without numbers": "<sheetData><row><c t='str'><v>Seen</v></c></row><row hidden='true'><c t='str'><v>Secret</v></c></row></sheetData>",
    "a row of no height": f"<sheetData>{row(1, 'Seen')}{row(2, 'Secret', said=FLAT)}</sheetData>",
    "columns": f'<cols><col min="2" max="3" hidden="1"/></cols><sheetData>{row(1, "Seen", "Secret", "Secret")}</sheetData>',
    "a narrow column": f'<cols><col min="2" max="2" width="0"/></cols><sheetData>{row(1, "Seen", "Secret")}</sheetData>',
    "merged cells": f'<cols><col min="2" max="3" hidden="1"/></cols><sheetData>{row(1, "Seen", "Secret")}</sheetData><mergeCells><mergeCell ref="B1:C1"/></mergeCells>',
}


@pytest.mark.parametrize("sheet", HIDDEN.values(), ids=HIDDEN)
def test_what_hidden_rows_and_columns_hold_is_gone_and_on_the_receipt(sheet: str) -> None:
    copy = clean_copy(book(sheet))
    assert "Seen" in whole(copy)
    assert "Secret" not in whole(copy)
    assert Removed.HIDDEN_CONTENT in copy.removed
    assert clean_copy(copy.data).data == copy.data


def test_merged_cells_that_begin_in_a_hidden_column_are_seen() -> None:
    merged = '<mergeCells><mergeCell ref="A1:C1"/></mergeCells>'
    copy = clean_copy(
        book(f'<cols><col min="1" max="2" hidden="1"/></cols><sheetData>{row(1, "Seen")}</sheetData>{merged}')
    )
    assert "Seen" in whole(copy)


@pytest.mark.parametrize(
    ("formula", "stays"),
    [
        ("A1*2+LOG10(C1)", True), ('A1&amp;"B2"', True), ("SUM(A1:A9)", False), ("SUM($A:$A)", False), ("B2", False), ("B1", False),
        ("SUM(2:2)", False), ("Total+1", False), ("INDIRECT(A1)", False), ("B!B2+1E5", True), ("A!A2", False), ("'A'!A2", False), ("SUM(A:B!A1)", False),
    ],
)  # fmt: skip
def test_a_formula_that_may_read_a_hidden_cell_becomes_its_value(formula: str, *, stays: bool) -> None:
    sheet = (
        f'<cols><col min="2" max="2" hidden="1"/></cols><sheetData>{row(1, "a", "b", "c", f"={formula}")}'
        f"{row(2, 'd', said=HIDE)}</sheetData>"
    )
    written = whole(clean_copy(book(sheet, f"<sheetData>{row(2, 'x', 'y')}</sheetData>")))
    assert ("<f>" in written) is stays
    assert "<v>7</v>" in written


def test_a_table_with_a_hidden_column_has_the_same_name_in_cell_and_list() -> None:
    table = (
        f'<table {X} id="1" name="T" displayName="T" ref="A1:B2"><tableColumns count="2"><tableColumn id="1" name="Seen"/>'
        '<tableColumn id="2" name="Secret"/></tableColumns></table>'
    )
    sheet = f'<cols><col min="2" max="2" hidden="1"/></cols><sheetData>{row(1, "Seen", "Secret")}{row(2, "a", "b")}</sheetData><tableParts count="1"><tablePart r:id="t1"/></tableParts>'
    written = whole(
        clean_copy(book(sheet, parts={"xl/tables/t.xml": table}, relations=(("t1", "table", "../tables/t.xml"),)))
    )
    assert "Secret" not in written
    assert "<t>Column2</t>" in written
    assert 'name="Column2"' in written


def lettered(properties: str, text: str = "Words", around: str = "") -> str:
    return f"<w:p>{around}{run(text, properties)}</w:p>"


def styled(kind: str, properties: str, body: str, *, more: str = "") -> bytes:
    """A document with a style called S of that kind, which is based on one that has the properties."""
    styles = (
        f'<w:styles xmlns:w="{test_docx.W}"><w:style w:type="{kind}" w:styleId="B"><w:rPr>{properties}</w:rPr>{more}</w:style>'
        f'<w:style w:type="{kind}" w:styleId="S"><w:basedOn w:val="B"/></w:style></w:styles>'
    )
    return with_body(body, parts={"word/styles.xml": styles.encode()})


IN_STYLE, IN_LETTERS = '<w:pPr><w:pStyle w:val="S"/></w:pPr>', '<w:rStyle w:val="S"/>'
WHITE, BLACK, TINY, FIELD = (
    '<w:color w:val="FFFFFF"/>',
    '<w:shd w:val="clear" w:fill="000000"/>',
    '<w:sz w:val="2"/>',
    '<w:fldChar w:fldCharType="begin"/>',
)


@pytest.mark.parametrize("data", [
    with_body(lettered("<w:vanish/>")), with_body(lettered('<w:vanish w:val="true"/>')),
    styled("paragraph", "<w:vanish/>", lettered("", around=IN_STYLE)), styled("character", "<w:vanish/>", lettered(IN_LETTERS)),
    with_body(f"<w:p><w:r><w:rPr><w:vanish/></w:rPr><w:t>Words</w:t>{FIELD}</w:r></w:p>"),
])  # fmt: skip
def test_words_that_a_document_hides_are_gone_and_on_the_receipt(data: bytes) -> None:
    copy = clean_copy(data)
    assert "Words" not in whole(copy)
    assert Removed.HIDDEN_CONTENT in copy.removed


@pytest.mark.parametrize(
    ("data", "noted"),
    [
        (with_body(lettered("")), False),
        (with_body(lettered('<w:vanish w:val="0"/>')), False),
        (styled("paragraph", "<w:vanish/>", lettered('<w:vanish w:val="0"/>', around=IN_STYLE)), False),
        (with_body(lettered(WHITE)), True),
        (with_body(lettered('<w:color w:val="fffffe"/>')), True),
        (with_body(lettered('<w:color w:val="auto" w:themeColor="background1"/>')), True),
        (with_body(lettered(WHITE, text=" ")), False),
        (with_body(lettered(WHITE + BLACK)), False),
        (with_body(lettered(WHITE, around=f"<w:pPr>{BLACK}</w:pPr>")), False),
        (with_body(lettered('<w:color w:val="010101"/>' + BLACK)), True),
        (with_body(f"<w:tbl><w:tr><w:tc><w:tcPr>{BLACK}</w:tcPr>{lettered(WHITE)}</w:tc></w:tr></w:tbl>"), False),
        (styled("table", "", f'<w:tbl><w:tblPr><w:tblStyle w:val="B"/></w:tblPr><w:tr><w:tc>{lettered(WHITE)}</w:tc></w:tr></w:tbl>', more=f"<w:tcPr>{BLACK}</w:tcPr>"), False),
        (styled("paragraph", WHITE, lettered("", around=IN_STYLE)), True),
        (styled("character", WHITE, lettered(IN_LETTERS + BLACK)), False),
        (with_body(lettered(TINY)), True),
        (deck(shape("Words", properties='<a:rPr sz="200"/>')), True),
        (deck(shape("Words", properties='<a:rPr sz="1800"/>')), False),
        (deck(shape("Words", place='<a:xfrm><a:off x="9100" y="0"/><a:ext cx="10" cy="10"/></a:xfrm>')), True),
        (deck(shape("Words", place='<a:xfrm><a:off x="8900" y="0"/><a:ext cx="990" cy="10"/></a:xfrm>')), False),
        (deck(shape(" ", place='<a:xfrm><a:off x="9100" y="0"/><a:ext cx="10" cy="10"/></a:xfrm>')), False),
        (deck(shape("Words", properties=(ink := '<a:rPr><a:solidFill><a:srgbClr val="FFFFFF"/></a:solidFill></a:rPr>'), place=(fill := '<a:solidFill><a:srgbClr val="FFFFFF"/></a:solidFill>'))), True),
        (deck(shape("Words", properties=ink, place=fill.replace("FFFFFF", "204060"))), False),
        (deck(f"<p:bg><p:bgPr>{fill}</p:bgPr></p:bg>{shape('Words', properties=ink)}"), True),
        (deck(f"<p:bg><p:bgPr>{fill}</p:bgPr></p:bg>{picture('i1')}{shape('Words', properties=ink)}", media={"i1.png": b""}), False),
        (deck(f"<p:bg><p:bgPr>{fill.replace('FFFFFF', '000000')}</p:bgPr></p:bg>{shape('Words', properties=ink)}"), False),
    ],
)  # fmt: skip
def test_words_that_nobody_sees_are_kept_and_the_editor_is_told(data: bytes, *, noted: bool) -> None:
    copy = clean_copy(data)
    assert not noted or "Words" in whole(copy)
    assert (Noted.HIDDEN_WORDS in copy.noted) is noted


@pytest.mark.parametrize(
    ("font", "fill", "format_", "noted"),
    [
        ('<sz val="11"/>', "", "0", False), ('<sz val="2"/>', "", "0", True), ('<color rgb="FFFFFFFF"/>', "", "0", True),
        ('<color theme="0"/>', "", "0", True), ('<color theme="0"/>', '<fgColor rgb="FF204060"/>', "0", False),
        ('<color rgb="FF204060"/>', '<fgColor rgb="FF204060"/>', "0", True), ("", "", ";;;", True),
    ],
)  # fmt: skip
def test_cells_that_nobody_sees_are_kept_and_the_editor_is_told(
    font: str, fill: str, format_: str, *, noted: bool
) -> None:
    styles = (
        f'<styleSheet {X}><numFmts><numFmt numFmtId="170" formatCode="{format_}"/></numFmts><fonts><font/><font>{font}</font></fonts>'
        f'<fills><fill/><fill><patternFill patternType="{"solid" if fill else "none"}">{fill}</patternFill></fill></fills>'
        '<cellXfs><xf numFmtId="0" fontId="0" fillId="0"/><xf numFmtId="170" fontId="1" fillId="1"/></cellXfs></styleSheet>'
    )
    cells = '<sheetData><row r="1"><c r="A1" s="{}" t="str"><v>Words</v></c><c r="B1" s="{}"/></row></sheetData>'
    for worn, told in ((1, noted), (0, False)):
        with_styles = book(cells.format(worn, 1 - worn), parts={"xl/styles.xml": styles})
        parts = test_xlsx_pptx.members(with_styles)
        path = "xl/_rels/workbook.xml.rels"
        parts[path] = parts[path].replace(
            "</Relationships>", relation("y", "styles", "styles.xml") + "</Relationships>"
        )
        assert (Noted.HIDDEN_WORDS in clean_copy(test_xlsx_pptx.packed(parts)).noted) is told


VML = 'xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office" xmlns:x="urn:schemas-microsoft-com:office:excel"'
CONTROL = (
    '<v:shape id="_x0000_s1025" type="#_x0000_t201" o:button="t"><v:textbox><div style="text-align:center"><font face="Calibri" size="220">Press<br>here</font></div>'
    '</v:textbox><x:ClientData ObjectType="{}"><x:Anchor> 2, 0, 1, 0</x:Anchor><x:FmlaMacro>[0]!Secret</x:FmlaMacro></x:ClientData></v:shape>'
)
DRAWN = {
    "a picture in a printed header": ("legacyDrawingHF", '<v:shape id="CH" o:spid="_x0000_s1025"><v:imagedata o:relid="i1" o:title="Secret"/></v:shape>', '<v:imagedata o:relid="rId1"/>'),
    "a button": ("legacyDrawing", CONTROL.format("Button"), "Press here"),
    "a comment": ("legacyDrawing", CONTROL.format("Note"), None),
}  # fmt: skip


@pytest.mark.parametrize(("element", "shape", "kept"), DRAWN.values(), ids=DRAWN)
def test_of_a_sheet_s_old_drawings_all_but_comments_are_kept(
    element: str, shape: str, kept: str | None, phone_photo: bytes
) -> None:
    parts: dict[str, bytes | str] = {
        "xl/drawings/1.vml": f"<xml {VML}>{shape}</xml>",
        "xl/drawings/_rels/1.vml.rels": rels(("i1", "image", "../media/i.jpg")),
        "xl/media/i.jpg": phone_photo,
    }
    sheet = f'<sheetData>{row(1, "Seen")}</sheetData><{element} r:id="v1"/>'
    copy = clean_copy(book(sheet, parts=parts, relations=(("v1", "vmlDrawing", "../drawings/1.vml"),)))
    assert (f"<{element} " in whole(copy)) is (kept is not None)
    assert kept is None or kept in whole(copy)
    assert "Secret" not in whole(copy)
    assert clean_copy(copy.data).data == copy.data


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


def test_a_formula_may_say_what_a_colour_profile_says() -> None:
    copy = clean_copy(book(f"<sheetData>{row(1, 'x', '=&quot;Profile: &quot;&amp;A1')}</sheetData>"))
    assert '<f>"Profile: "&amp;A1</f>' in whole(copy)
