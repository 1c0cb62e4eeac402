"""XLSX and PPTX: cells and slides stay; hidden sheets, paths, authors and what was embedded do not."""

# ruff: noqa: E501  # markup is easier to read on a line of its own

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from fieldreport.bench.samples import samples
from fieldreport.scrub.documents.ooxml.verify import verify
from fieldreport.scrub.format import Source
from fieldreport.scrub.verdicts import Removed, Residue

Clean = Callable[[bytes], Any]
Unpacked = Callable[[bytes], list[bytes]]

OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
X = f'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="{OFFICE}"'
P = (
    f'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main" xmlns:r="{OFFICE}" '
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" xmlns:p14="http://schemas.microsoft.com/office/powerpoint/2010/main"'
)


def packed(parts: Mapping[str, bytes | str]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return file.getvalue()


def members(data: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name).decode("utf-8", "replace") for name in archive.namelist()}


def rels(*relations: tuple[str, str, str]) -> str:
    nodes = "".join(
        f'<Relationship Id="{identifier}" Type="{OFFICE}/{kind}" Target="{target}"'
        + (' TargetMode="External"/>' if "://" in target or target.startswith("file:") else "/>")
        for identifier, kind, target in relations
    )
    return (
        f'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{nodes}</Relationships>'
    )


def types(main: str, kind: str) -> str:
    return (
        '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="xml" '
        f'ContentType="application/xml"/><Override PartName="/{main}" '
        f'ContentType="application/vnd.openxmlformats-officedocument.{kind}.main+xml"/></Types>'
    )


def workbook(marks: Any, photo: bytes) -> bytes:
    """A visible and a hidden sheet, and a marker in every place that is not seen."""
    core = f'<c:coreProperties xmlns:c="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:creator>{marks("author")}</dc:creator></c:coreProperties>'
    return packed({
        "[Content_Types].xml": types("xl/workbook.xml", "spreadsheetml.sheet"),
        "_rels/.rels": rels(("r1", "officeDocument", "xl/workbook.xml"), ("r2", "core-properties", "docProps/core.xml")),
        "docProps/core.xml": core,
        "xl/workbook.xml": (
            f'<workbook {X} xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" xmlns:x15ac="http://schemas.microsoft.com/office/spreadsheetml/2010/11/ac">'
            f'<fileSharing userName="{marks("file sharing")}"/><workbookPr codeName="{marks("code name")}"/>'
            f'<mc:AlternateContent><mc:Choice Requires="x15"><x15ac:absPath url="C:\\Users\\{marks("absolute path")}"/></mc:Choice></mc:AlternateContent>'
            f'<workbookProtection workbookPassword="{marks("password")}"/><bookViews><workbookView activeTab="1"/></bookViews>'
            '<sheets><sheet name="Seen" sheetId="7" r:id="s1"/>'
            f'<sheet name="{marks("hidden sheet name")}" sheetId="9" state="hidden" r:id="s2"/></sheets>'
            '<externalReferences><externalReference r:id="e1"/></externalReferences>'
            f'<definedNames><definedName name="Total" comment="{marks("name comment")}">Seen!$A$1</definedName>'
            f'<definedName name="{marks("hidden name")}" hidden="1">Seen!$A$1</definedName></definedNames>'
            '<pivotCaches><pivotCache cacheId="1" r:id="p1"/></pivotCaches></workbook>'
        ),
        "xl/_rels/workbook.xml.rels": rels(
            ("s1", "worksheet", "worksheets/sheet1.xml"), ("s2", "worksheet", "worksheets/sheet2.xml"),
            ("e1", "externalLink", "externalLinks/externalLink1.xml"), ("p1", "pivotCacheDefinition", "pivot.xml"),
            ("c1", "connections", "connections.xml"), ("t1", "sharedStrings", "sharedStrings.xml"), ("y1", "styles", "styles.xml"),
            ("v1", "vbaProject", "vbaProject.bin"), ("x1", "customXml", "../customXml/item1.xml"),
        ),
        "xl/worksheets/sheet1.xml": (
            f'<worksheet {X}><sheetPr codeName="{marks("sheet code name")}"/><sheetViews><sheetView workbookViewId="0">'
            '<selection activeCell="Z99"/></sheetView></sheetViews><sheetData>'
            '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1"><f>A2*Total</f><v>14</v></c>'
            f'<c r="C1"><f>\'[1]{marks("other workbook")}\'!A1</f><v>15</v></c>'
            f'<c r="D1"><f>{[*marks.places][5]}!A1</f><v>16</v></c>'
            f'<c r="E1"><f>WEBSERVICE("https://{marks("web service")}")</f><v>17</v></c></row></sheetData>'
            f'<sheetProtection password="{marks("sheet password")}"/>'
            f'<scenarios><scenario name="{marks("scenario")}" user="{marks("scenario user")}"/></scenarios>'
            f'<hyperlinks><hyperlink ref="A1" r:id="h1" tooltip="{marks("link tip")}"/><hyperlink ref="B1" r:id="h2"/></hyperlinks>'
            f'<headerFooter><oddHeader>&amp;LPage &amp;P&amp;Z&amp;F</oddHeader></headerFooter><drawing r:id="d1"/><legacyDrawing r:id="l1"/>'
            f'<oleObjects><oleObject progId="{marks("program")}" r:id="o1"/></oleObjects>'
            f'<extLst><ext uri="x">{marks("extension")}</ext></extLst></worksheet>'
        ),
        "xl/worksheets/_rels/sheet1.xml.rels": rels(
            ("h1", "hyperlink", "https://example.org/a"), ("h2", "hyperlink", f"file:///C:/{marks('link path')}"),
            ("d1", "drawing", "../drawings/drawing1.xml"), ("l1", "vmlDrawing", "../drawings/vml.vml"),
            ("o1", "oleObject", "../embeddings/o.bin"), ("k1", "comments", "../comments1.xml"),
            ("q1", "printerSettings", "../printer.bin"), ("w1", "threadedComment", "../threaded.xml"),
        ),
        "xl/worksheets/sheet2.xml": f'<worksheet {X}><sheetData><row r="1"><c r="A1" t="s"><v>1</v></c><c r="B1" t="inlineStr"><is><t>{marks("hidden cell")}</t></is></c></row></sheetData></worksheet>',
        "xl/sharedStrings.xml": f"<sst {X}><si><t>Seen text</t></si><si><t>{marks('hidden string')}</t></si></sst>",
        "xl/styles.xml": f'<styleSheet {X}><cellStyles><cellStyle name="{marks("style name")}" xfId="0"/></cellStyles></styleSheet>',
        "xl/drawings/drawing1.xml": (
            '<xdr:wsDr xmlns:xdr="http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing" xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
            f'xmlns:r="{OFFICE}"><xdr:oneCellAnchor><xdr:from><xdr:col>1</xdr:col><xdr:colOff>0</xdr:colOff><xdr:row>1</xdr:row><xdr:rowOff>0</xdr:rowOff></xdr:from>'
            f'<xdr:ext cx="9" cy="9"/><xdr:pic macro="{marks("macro name")}"><xdr:nvPicPr><xdr:cNvPr id="1" name="{marks("picture name")}" descr="{marks("alternative text")}"/>'
            '<xdr:cNvPicPr/></xdr:nvPicPr><xdr:blipFill><a:blip r:embed="i1"/></xdr:blipFill><xdr:spPr/></xdr:pic><xdr:clientData/></xdr:oneCellAnchor></xdr:wsDr>'
        ),
        "xl/drawings/_rels/drawing1.xml.rels": rels(("i1", "image", "../media/image1.jpeg")),
        "xl/media/image1.jpeg": photo,
        "xl/drawings/vml.vml": marks("note drawing"),
        "xl/embeddings/o.bin": marks("embedded object"),
        "xl/comments1.xml": marks("comment"),
        "xl/threaded.xml": marks("threaded comment"),
        "xl/printer.bin": marks("printer"),
        "xl/externalLinks/externalLink1.xml": marks("external link"),
        "xl/pivot.xml": marks("pivot cache"),
        "xl/connections.xml": marks("connection"),
        "xl/vbaProject.bin": marks("macro"),
        "customXml/item1.xml": marks("custom xml"),
    })  # fmt: skip


def slides(marks: Any, photo: bytes) -> bytes:
    """Two slides with a picture and notes, and a marker in every place that is not seen."""

    def shape(identifier: int, text: str) -> str:
        return (
            f'<p:sp><p:nvSpPr><p:cNvPr id="{identifier}" name="{marks("shape name")}" descr="{marks("shape text")}"/><p:cNvSpPr/><p:nvPr><p:custDataLst>'
            f'<p:tags r:id="g1"/></p:custDataLst></p:nvPr></p:nvSpPr><p:spPr/><p:txBody><a:bodyPr/><a:p><a:r><a:rPr lang="{marks("language")}"/><a:t>{text}</a:t></a:r></a:p></p:txBody></p:sp>'
        )

    tree = "<p:nvGrpSpPr><p:cNvPr id='1' name=''/><p:cNvGrpSpPr/><p:nvPr/></p:nvGrpSpPr><p:grpSpPr/>"
    picture = (
        f'<p:pic><p:nvPicPr><p:cNvPr id="8" name="{marks("picture name")}"/><p:cNvPicPr/><p:nvPr><a:videoFile r:link="m2"/><p:extLst><p:ext uri="x"><p14:media r:embed="m3"/></p:ext></p:extLst></p:nvPr></p:nvPicPr>'
        '<p:blipFill><a:blip r:embed="i1"/></p:blipFill><p:spPr/></p:pic>'
    )
    embedded = (
        '<p:graphicFrame><p:nvGraphicFramePr><p:cNvPr id="9" name="x"/><p:cNvGraphicFramePr/><p:nvPr/></p:nvGraphicFramePr><p:xfrm/><a:graphic>'
        f'<a:graphicData uri="http://schemas.openxmlformats.org/presentationml/2006/ole"><p:oleObj progId="{marks("program")}" r:id="o1"/></a:graphicData></a:graphic></p:graphicFrame>'
    )
    return packed({
        "[Content_Types].xml": types("ppt/presentation.xml", "presentationml.presentation"),
        "_rels/.rels": rels(("r1", "officeDocument", "ppt/presentation.xml"), ("r2", "thumbnail", "docProps/thumbnail.jpeg")),
        "docProps/thumbnail.jpeg": marks("thumbnail"),
        "ppt/presentation.xml": (
            f'<p:presentation {P}><p:sldMasterIdLst><p:sldMasterId id="2147483648" r:id="a1"/></p:sldMasterIdLst><p:sldIdLst>'
            '<p:sldId id="300" r:id="s1"/><p:sldId id="299" r:id="s2"/></p:sldIdLst><p:sldSz cx="9" cy="9"/><p:notesSz cx="9" cy="9"/>'
            f'<p:modifyVerifier saltData="{marks("salt")}"/><p:extLst><p:ext uri="x"><p14:sectionLst><p14:section name="{marks("section")}"/></p14:sectionLst></p:ext></p:extLst></p:presentation>'
        ),
        "ppt/_rels/presentation.xml.rels": rels(
            ("a1", "slideMaster", "slideMasters/m.xml"), ("s1", "slide", "slides/a.xml"), ("s2", "slide", "slides/b.xml"),
            ("c1", "commentAuthors", "authors.xml"), ("p1", "presProps", "pres.xml"), ("v1", "viewProps", "view.xml"),
        ),
        "ppt/authors.xml": marks("comment authors"),
        "ppt/pres.xml": marks("presentation properties"),
        "ppt/view.xml": marks("view properties"),
        "ppt/slides/a.xml": f'<p:sld {P}><p:cSld name="{marks("slide name")}"><p:spTree>{tree}{shape(2, "First slide")}{picture}{embedded}</p:spTree></p:cSld><p:timing><p:x>{marks("timing")}</p:x></p:timing></p:sld>',
        "ppt/slides/b.xml": f"<p:sld {P}><p:cSld><p:spTree>{tree}{shape(2, 'Second slide')}</p:spTree></p:cSld></p:sld>",
        "ppt/slides/_rels/a.xml.rels": rels(
            ("l1", "slideLayout", "../slideLayouts/used.xml"), ("n1", "notesSlide", "../notesSlides/n.xml"), ("i1", "image", "../media/i.jpg"),
            ("m1", "video", f"file:///C:/{marks('film path')}"), ("m2", "video", "../media/m.mp4"), ("m3", "media", "../media/m.mp4"), ("m4", "audio", "../media/m.mp3"),
            ("o1", "oleObject", "../o.bin"), ("k1", "comments", "../c.xml"), ("g1", "tags", "../t.xml"),
        ),
        "ppt/slides/_rels/b.xml.rels": rels(("l1", "slideLayout", "../slideLayouts/used.xml"), ("g1", "tags", "../t.xml")),
        "ppt/notesSlides/n.xml": f"<p:notes {P}><p:cSld><p:spTree>{tree}{shape(2, 'Spoken notes')}</p:spTree></p:cSld></p:notes>",
        "ppt/notesSlides/_rels/n.xml.rels": rels(("s1", "slide", "../slides/a.xml")),
        "ppt/slideLayouts/used.xml": f'<p:sldLayout {P} userDrawn="1"><p:cSld name="{marks("layout name")}"><p:spTree>{tree}</p:spTree></p:cSld></p:sldLayout>',
        "ppt/slideLayouts/_rels/used.xml.rels": rels(("m1", "slideMaster", "../slideMasters/m.xml")),
        "ppt/slideLayouts/unused.xml": f"<p:sldLayout {P}><p:cSld><p:spTree>{tree}{shape(2, marks('unused layout'))}</p:spTree></p:cSld></p:sldLayout>",
        "ppt/slideMasters/m.xml": f'<p:sldMaster {P}><p:cSld><p:spTree>{tree}</p:spTree></p:cSld><p:clrMap bg1="lt1"/><p:sldLayoutIdLst><p:sldLayoutId id="2147483649" r:id="l1"/><p:sldLayoutId id="2147483650" r:id="l2"/></p:sldLayoutIdLst></p:sldMaster>',
        "ppt/slideMasters/_rels/m.xml.rels": rels(("l1", "slideLayout", "../slideLayouts/used.xml"), ("l2", "slideLayout", "../slideLayouts/unused.xml")),
        "ppt/media/i.jpg": photo,
        "ppt/media/m.mp4": marks("film inside"),
        "ppt/media/m.mp3": marks("recording inside"),
        "ppt/o.bin": marks("embedded object"),
        "ppt/c.xml": marks("comment"),
        "ppt/t.xml": marks("tags"),
    })  # fmt: skip


MAKERS = pytest.mark.parametrize("maker", [workbook, slides])
Maker = Callable[[Any, bytes], bytes]


@MAKERS
def test_a_marker_in_every_place_is_gone(
    clean: Clean, unpacked: Unpacked, marks: Any, phone_photo: bytes, maker: Maker
) -> None:
    cleaned = clean(maker(marks, phone_photo))
    assert marks.left_in(unpacked(cleaned.data)) == []
    assert not any(b"PLANTED" in piece for piece in unpacked(cleaned.data))
    assert cleaned.removed >= {Removed.DEVICE, Removed.EMBEDDED_FILE, Removed.COMMENTS, Removed.DESCRIPTION}


@MAKERS
def test_the_planted_document_does_hold_its_markers(
    unpacked: Unpacked, marks: Any, phone_photo: bytes, maker: Maker
) -> None:
    data = maker(marks, phone_photo)
    assert set(marks.left_in(unpacked(data))) == set(marks.places.values())


@MAKERS
def test_cleaning_twice_gives_what_cleaning_once_gave(
    clean: Clean, marks: Any, phone_photo: bytes, maker: Maker
) -> None:
    once = clean(maker(marks, phone_photo))
    twice = clean(once.data)
    assert twice.data == once.data
    assert twice.removed == set()


def test_cells_formulas_and_links_of_visible_sheets_stay(clean: Clean, marks: Any, phone_photo: bytes) -> None:
    parts = members(clean(workbook(marks, phone_photo)).data)
    sheet = parts["xl/worksheets/sheet1.xml"]
    assert "Seen text" in parts["xl/sharedStrings.xml"]
    assert "<f>A2*Total</f><v>14</v>" in sheet
    assert re.findall(r"<v>(\d+)</v>", sheet) == ["0", "14", "15", "16", "17"]
    assert sheet.count("<f>") == 1
    assert sheet.count("<hyperlink ") == 1
    assert 'name="Total"' in parts["xl/workbook.xml"]
    assert "xl/media/image1.jpg" in parts


def test_parts_are_found_however_their_names_are_written(clean: Clean, marks: Any, phone_photo: bytes) -> None:
    """OPC compares names without regard to capitals (ISO/IEC 29500-2, 6.2.2.3); some programs do not keep to one way."""
    data = workbook(marks, phone_photo)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    other = {
        re.sub(r"sharedStrings|sheet1|_rels/workbook", lambda found: found[0].upper(), name): part
        for name, part in parts.items()
    }
    assert set(other) != set(parts)
    assert clean(packed(other)).data == clean(data).data


def test_a_hidden_sheet_is_gone_and_reported(clean: Clean, marks: Any, phone_photo: bytes) -> None:
    cleaned = clean(workbook(marks, phone_photo))
    assert "xl/worksheets/sheet2.xml" not in members(cleaned.data)
    assert Removed.HIDDEN_CONTENT in cleaned.removed


def test_slides_notes_and_pictures_stay_in_their_order(clean: Clean, marks: Any, phone_photo: bytes) -> None:
    parts = members(clean(slides(marks, phone_photo)).data)
    assert "First slide" in parts["ppt/slides/slide1.xml"]
    assert "Second slide" in parts["ppt/slides/slide2.xml"]
    assert "Spoken notes" in parts["ppt/notesSlides/notesSlide1.xml"]
    assert "<p:pic>" in parts["ppt/slides/slide1.xml"]
    assert "ppt/media/image1.jpg" in parts
    assert "ppt/slideLayouts/slideLayout2.xml" not in parts


def test_the_second_reading_refuses_what_was_not_cleaned(marks: Any, phone_photo: bytes) -> None:
    with pytest.raises(Residue):
        verify(
            Source.of(workbook(marks, phone_photo)), "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
        )


def test_a_shape_that_lacks_the_name_it_should_have_is_no_reason_to_refuse_the_slides(
    clean: Clean, unpacked: Unpacked, marks: Any, phone_photo: bytes
) -> None:
    """The second reading took it for a name that was left."""
    with zipfile.ZipFile(io.BytesIO(slides(marks, phone_photo))) as package:
        parts = {name: package.read(name) for name in package.namelist()}
    nameless = re.sub(rb'(<p:cNvPr id="[0-9]+") name="[^"]*"', rb"\1", parts["ppt/slides/b.xml"])
    assert nameless != parts["ppt/slides/b.xml"]
    copy = clean(packed(parts | {"ppt/slides/b.xml": nameless}))
    assert any(b"Second slide" in piece for piece in unpacked(copy.data))


def test_a_sheet_in_a_state_that_no_program_knows_is_shown_and_parts_may_have_names_of_windows(clean: Clean) -> None:
    book = samples()["xlsx"]()
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["xl/workbook.xml"] = parts["xl/workbook.xml"].replace(b"sheetId=", b'state="show" sheetId=')
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for name, part in parts.items():
            entry = zipfile.ZipInfo(name)
            entry.filename = name.replace("/", "\\")
            archive.writestr(entry, part)
    assert b"xl\\workbook.xml" in written.getvalue()
    assert clean(written.getvalue()).data == clean(book).data


def test_how_a_sheet_lies_on_paper_stays_without_the_printer(clean: Clean, unpacked: Unpacked) -> None:
    with zipfile.ZipFile(io.BytesIO(samples()["xlsx"]())) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    sheet = next(name for name in parts if name.startswith("xl/worksheets/sheet"))
    setup = b'<pageSetup orientation="landscape" paperSize="8" fitToWidth="2" horizontalDpi="600" r:id="rIdPlanted"/>'
    spaces = b'<worksheet xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
    assert b"<pageSetup" not in parts[sheet]
    margins = b'<pageMargins left="0.7" right="0.7" top="0.75" bottom="0.75" header="0.3" footer="0.3"/>'
    written = re.sub(rb"<pageMargins[^>]*/>", b"", parts[sheet]).replace(
        b"</sheetData>", b"</sheetData>" + margins + setup
    )
    parts[sheet] = re.sub(rb"<worksheet(?![^>]*xmlns:r=)", spaces, written)
    relation = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/printerSettings"
    parts[sheet.replace("sheets/", "sheets/_rels/") + ".rels"] = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship '
        f'Id="rIdPlanted" Type="{relation}" Target="../printerSettings/printerSettings1.bin"/></Relationships>'
    ).encode()
    parts["xl/printerSettings/printerSettings1.bin"] = "PLANTED printer".encode("utf-16-le")
    copy = clean(packed(parts))
    pages = [found for piece in unpacked(copy.data) for found in re.findall(rb"<pageSetup[^>]*>", piece)]
    assert pages == [b'<pageSetup orientation="landscape" paperSize="8" fitToWidth="2"/>']
    assert Removed.DEVICE in copy.removed
