"""ODT, ODS and ODP: what is read stays; people, dates, paths, remarks and deleted text do not."""

# ruff: noqa: E501  # markup is easier to read on a line of its own

from __future__ import annotations

import base64
import io
import re
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from lxml import etree

from fieldreport.bench.samples import samples
from fieldreport.scrub.documents.opendocument.namespaces import DRAW, OFFICE, XLINK
from fieldreport.scrub.documents.opendocument.verify import verify
from fieldreport.scrub.format import Source
from fieldreport.scrub.verdicts import Noted, Refusal, Refused, Removed, Residue
from tests.scrub.conftest import clean_copy
from tests.scrub.documents import open_documents, planted

Clean = Callable[[bytes], Any]
Unpacked = Callable[[bytes], list[bytes]]

URN = "urn:oasis:names:tc:opendocument:xmlns:"
NAMESPACES = " ".join(
    f'xmlns:{prefix}="{namespace}"'
    for prefix, namespace in {
        "office": f"{URN}office:1.0", "text": f"{URN}text:1.0", "table": f"{URN}table:1.0", "draw": f"{URN}drawing:1.0",
        "style": f"{URN}style:1.0", "fo": f"{URN}xsl-fo-compatible:1.0", "svg": f"{URN}svg-compatible:1.0",
        "form": f"{URN}form:1.0", "script": f"{URN}script:1.0", "meta": f"{URN}meta:1.0", "config": f"{URN}config:1.0",
        "dc": "http://purl.org/dc/elements/1.1/", "xlink": "http://www.w3.org/1999/xlink", "presentation": f"{URN}presentation:1.0",
        "officeooo": "http://openoffice.org/2009/office", "xml": "http://www.w3.org/XML/1998/namespace",
    }.items()
    if prefix != "xml"
)  # fmt: skip
SEEN = "Seen text, inserted. In a field."


def packed(parts: Mapping[str, bytes | str]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data, compress_type=zipfile.ZIP_STORED if name == "mimetype" else None)
    return file.getvalue()


def members(data: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name).decode("utf-8", "replace") for name in archive.namelist()}


def document(kind: str, body: str, styles: str = "", parts: Mapping[str, bytes | str] | None = None) -> bytes:
    content = (
        f'<office:document-content {NAMESPACES} office:version="1.3"><office:automatic-styles>{styles}</office:automatic-styles>'
        f"<office:body><office:{kind}>{body}</office:{kind}></office:body></office:document-content>"
    )
    return packed(
        {
            "mimetype": f"application/vnd.oasis.opendocument.{kind}",
            "content.xml": content,
            "META-INF/manifest.xml": f'<manifest:manifest xmlns:manifest="{URN}manifest:1.0"/>',
        }
        | dict(parts or {})
    )


def text_file(marks: Any, photo: bytes) -> bytes:
    """A marker in every place of a text document that is not seen."""
    styles = (
        f'<style:style style:name="{marks("style name")}" style:display-name="{marks("style title")}" style:family="paragraph"><style:text-properties '
        f'fo:language="{marks("language")}" officeooo:rsid="{marks("revision id")}"/></style:style>'
        '<style:style style:name="Hidden" style:family="text"><style:text-properties text:display="none"/></style:style>'
    )
    body = (
        f'<text:tracked-changes><text:changed-region text:id="c"><text:deletion><office:change-info><dc:creator>{marks("change author")}</dc:creator></office:change-info>'
        f"<text:p>{marks('deleted text')}</text:p></text:deletion></text:changed-region></text:tracked-changes>"
        f'<text:p text:style-name="{next(iter(marks.places))}" xml:id="{marks("xml id")}">Seen text<text:change-start text:change-id="c"/>, inserted<text:change-end text:change-id="c"/>. '
        f"<office:annotation><dc:creator>{marks('remark author')}</dc:creator><dc:date>{marks('remark date')}</dc:date><text:p>{marks('remark')}</text:p></office:annotation>"
        f'<text:span text:style-name="Hidden">{marks("hidden text")}</text:span>'
        f'<text:file-name text:display="full">In a field.</text:file-name><text:bookmark text:name="{marks("bookmark")}"/>'
        f'<text:a xlink:href="file:///C:/{marks("link path")}"> Linked.</text:a>'
        f'<text:a xlink:href="https://example.org/a?utm_id={marks("link mark")}" office:title="{marks("link title")}"> Web.</text:a></text:p>'
        f'<text:section text:name="{marks("section name")}"><text:p>In a section.</text:p></text:section>'
        f'<text:p><draw:frame draw:name="{marks("frame name")}"><draw:image xlink:href="Pictures/a.jpg"/><svg:title>{marks("picture title")}</svg:title>'
        f"<svg:desc>{marks('alternative text')}</svg:desc></draw:frame>"
        f'<draw:frame><draw:image xlink:href="C:/{marks("picture path")}.png"/></draw:frame>'
        '<draw:frame><draw:object xlink:href="./Object 1"/><draw:image xlink:href="./ObjectReplacements/Object 1"/></draw:frame></text:p>'
        f'<office:forms><form:form form:name="{marks("form")}"/></office:forms><!-- {marks("xml comment")} -->'
        f'<text:user-field-decls><text:user-field-decl text:name="{marks("user field")}"/></text:user-field-decls>'
    )
    inner = f"<office:document-content {NAMESPACES}><office:body><office:text><text:p>Inner</text:p><office:annotation><text:p>{marks('inner remark')}</text:p></office:annotation></office:text></office:body></office:document-content>"
    meta = f"<office:document-meta {NAMESPACES}><office:meta><meta:initial-creator>{marks('author')}</meta:initial-creator><meta:generator>{marks('program')}</meta:generator></office:meta></office:document-meta>"
    return document("text", body, styles, {
        "meta.xml": meta,
        "settings.xml": f'<office:document-settings {NAMESPACES}><config:x config:PrinterName="{marks("printer")}"/></office:document-settings>',
        "Pictures/a.jpg": photo,
        "Thumbnails/thumbnail.png": marks("thumbnail"),
        "Object 1/content.xml": inner,
        "ObjectReplacements/Object 1": marks("replacement"),
        "Basic/Standard/Module1.xml": marks("macro"),
        "manifest.rdf": marks("rdf"),
        "META-INF/documentsignatures.xml": marks("signature"),
        f"Configurations2/{marks('part name')}": b"",
    })  # fmt: skip


def flat_text_file(marks: Any, photo: bytes) -> bytes:
    """The same in one file, as far as one file holds it."""
    with zipfile.ZipFile(io.BytesIO(text_file(marks, photo))) as package:
        parts = {name: package.read(name) for name in package.namelist()}
    root = etree.fromstring(
        f'<office:document {NAMESPACES} office:mimetype="application/vnd.oasis.opendocument.text"/>'
    )
    for name in ("meta.xml", "settings.xml", "styles.xml", "content.xml"):
        if name in parts:
            root.extend(etree.fromstring(parts[name]))
    for image in root.iter(f"{DRAW}image"):
        if image.get(f"{XLINK}href") == "Pictures/a.jpg":
            etree.SubElement(image, f"{OFFICE}binary-data").text = base64.b64encode(photo).decode()
            del image.attrib[f"{XLINK}href"]
    for shown in root.iter(f"{DRAW}object"):
        inner = etree.SubElement(shown, f"{OFFICE}document")
        inner.extend(etree.fromstring(parts["Object 1/content.xml"]))
        del shown.attrib[f"{XLINK}href"]
    return etree.tostring(root, encoding="UTF-8")


def sheets(marks: Any, photo: bytes) -> bytes:
    """A visible and a hidden sheet."""
    styles = '<style:style style:name="ta2" style:family="table"><style:table-properties table:display="false"/></style:style>'
    body = (
        f'<table:tracked-changes><table:deletion table:id="{marks("change id")}"/></table:tracked-changes>'
        '<table:table table:name="Seen"><table:table-row><table:table-cell table:formula="of:=[.B1]*2" office:value-type="float" office:value="14"><text:p>14</text:p></table:table-cell>'
        f'<table:table-cell table:formula="of:=[\'file:///C:/{marks("other file")}\'#$A.A1]" office:value-type="float" office:value="3"><text:p>3</text:p>'
        f"<office:annotation><dc:creator>{marks('remark author')}</dc:creator></office:annotation></table:table-cell></table:table-row>"
        '<table:shapes><draw:frame><draw:image xlink:href="Pictures/a.jpg"/></draw:frame></table:shapes></table:table>'
        f'<table:table table:name="{marks("hidden sheet")}" table:style-name="ta2"><table:table-row><table:table-cell><text:p>{marks("hidden cell")}</text:p></table:table-cell></table:table-row></table:table>'
        f'<table:dde-links><table:dde-link><office:dde-source office:dde-item="{marks("link")}"/></table:dde-link></table:dde-links>'
    )
    return document("spreadsheet", body, styles, {"Pictures/a.jpg": photo})


def slides(marks: Any, photo: bytes) -> bytes:
    """A slide with a picture and notes."""
    body = (
        f'<draw:page draw:name="{marks("slide name")}" draw:master-page-name="Default"><draw:frame draw:name="{marks("frame name")}"><draw:text-box><text:p>Seen on the slide</text:p></draw:text-box></draw:frame>'
        f'<draw:frame><draw:plugin xlink:href="Media/m.mp4" draw:mime-type="{marks("plugin type")}"><draw:param draw:name="Loop" draw:value="{marks("plugin")}"/></draw:plugin></draw:frame>'
        f'<draw:frame><draw:image xlink:href="Pictures/a.jpg"/></draw:frame><office:event-listeners><script:event-listener xlink:href="{marks("script")}"/></office:event-listeners>'
        f"<presentation:notes><draw:frame><draw:text-box><text:p>Spoken notes</text:p></draw:text-box></draw:frame></presentation:notes><office:annotation><text:p>{marks('remark')}</text:p></office:annotation></draw:page>"
    )
    return document("presentation", body, parts={"Pictures/a.jpg": photo, "Media/m.mp4": marks("film inside")})


def drawing(marks: Any, photo: bytes) -> bytes:
    """A page of a drawing, with a shape on a layer that is not shown."""
    body = (
        f'<draw:layer-set><draw:layer draw:name="{marks("layer name")}" draw:display="none"/></draw:layer-set><draw:page draw:name="{marks("page name")}" draw:id="{marks("id")}"><draw:rect draw:name="{marks("shape name")}"><text:p>Seen on the plan</text:p><svg:desc>{marks("description")}</svg:desc></draw:rect>'
        f'<draw:rect draw:layer="{next(iter(marks.places))}"><text:p>{marks("hidden shape")}</text:p></draw:rect><draw:frame><draw:image xlink:href="Pictures/a.jpg"/></draw:frame><draw:control draw:control="{marks("control")}"/></draw:page>'
    )
    return document(
        "drawing",
        body,
        parts={
            "Pictures/a.jpg": photo,
            "mimetype": "application/vnd.oasis.opendocument.graphics",
            "settings.xml": f"<office:document-settings {NAMESPACES}/>",
        },
    )


def formula(marks: Any, _photo: bytes) -> bytes:
    """A formula, said twice: as it is drawn and as its program writes it."""
    math = (
        f'<!DOCTYPE math:math PUBLIC "-//OpenOffice.org//DTD Modified W3C MathML 1.01//EN" "math.dtd"><math:math xmlns:math="http://www.w3.org/1998/Math/MathML" id="{marks("id")}"><math:semantics><math:mrow><math:mi>E</math:mi><math:mo>=</math:mo><math:mi>m</math:mi><math:msup><math:mi>c</math:mi><math:mn>2</math:mn></math:msup></math:mrow>'
        f'<math:annotation math:encoding="StarMath 5.0">E=mc^2 %% {marks("comment")}</math:annotation></math:semantics></math:math>'
    )
    return document(
        "formula", "", parts={"content.xml": math, "settings.xml": f"<office:document-settings {NAMESPACES}/>"}
    )


MAKERS = pytest.mark.parametrize("maker", [text_file, sheets, slides, drawing, formula])
Maker = Callable[[Any, bytes], bytes]


@MAKERS
def test_a_marker_in_every_place_is_gone(
    clean: Clean, unpacked: Unpacked, marks: Any, phone_photo: bytes, maker: Maker
) -> None:
    cleaned = clean(maker(marks, phone_photo))
    assert marks.left_in(unpacked(cleaned.data)) == []
    assert not any(b"PLANTED" in piece for piece in unpacked(cleaned.data))
    assert Removed.DEVICE in cleaned.removed


@MAKERS
def test_the_planted_document_does_hold_its_markers(
    unpacked: Unpacked, marks: Any, phone_photo: bytes, maker: Maker
) -> None:
    assert set(marks.left_in(unpacked(maker(marks, phone_photo)))) == set(marks.places.values())


@MAKERS
def test_cleaning_twice_gives_what_cleaning_once_gave(
    clean: Clean, marks: Any, phone_photo: bytes, maker: Maker
) -> None:
    once = clean(maker(marks, phone_photo))
    twice = clean(once.data)
    assert twice.data == once.data
    assert twice.removed == set()


def test_the_text_that_is_read_stays(clean: Clean, marks: Any, phone_photo: bytes) -> None:
    parts = members(clean(text_file(marks, phone_photo)).data)
    text = re.sub(r"<[^>]+>", "", parts["content.xml"].partition("?>")[2])
    assert text.strip() == "Seen text, inserted. In a field. Linked. Web.In a section."
    assert 'xlink:href="https://example.org/a"' in parts["content.xml"]
    assert "Inner" in parts["Object 1/content.xml"]
    assert "Pictures/image1.jpg" in parts


def test_cells_keep_their_values_and_hidden_sheets_go(clean: Clean, marks: Any, phone_photo: bytes) -> None:
    cleaned = clean(sheets(marks, phone_photo))
    content = members(cleaned.data)["content.xml"]
    assert 'table:formula="of:=[.B1]*2"' in content
    assert 'office:value="3"' in content
    assert content.count("table:formula") == 1
    assert 'table:name="Seen"' in content
    assert Removed.HIDDEN_CONTENT in cleaned.removed


def test_slides_keep_text_picture_and_notes(clean: Clean, marks: Any, phone_photo: bytes) -> None:
    content = members(clean(slides(marks, phone_photo)).data)["content.xml"]
    assert "Seen on the slide" in content
    assert "Spoken notes" in content
    assert "Pictures/image1.jpg" in content


def test_the_type_comes_first_and_uncompressed(clean: Clean, marks: Any, phone_photo: bytes) -> None:
    data = clean(text_file(marks, phone_photo)).data
    assert data[30:38] == b"mimetype"
    assert data[38:77] == b"application/vnd.oasis.opendocument.text"


def test_a_document_that_only_its_manifest_names_is_read(clean: Clean, marks: Any, phone_photo: bytes) -> None:
    named = text_file(marks, phone_photo)
    with zipfile.ZipFile(io.BytesIO(named)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist() if name != "mimetype"}
    said = 'manifest:media-type="application/vnd.oasis.opendocument.text" manifest:full-path="/"'
    manifest = f'\ufeff<manifest:manifest xmlns:manifest="{URN}manifest:1.0"><manifest:file-entry {said} /></manifest:manifest>'
    cleaned = clean(packed({**parts, "META-INF/manifest.xml": manifest}))
    assert members(cleaned.data) == members(clean(named).data)


def test_a_document_with_a_password_is_refused_as_encrypted(clean: Clean) -> None:
    manifest = f'<manifest:manifest xmlns:manifest="{URN}manifest:1.0"><manifest:file-entry manifest:full-path="content.xml"><manifest:encryption-data/></manifest:file-entry></manifest:manifest>'
    with pytest.raises(Refused) as refused:
        clean(document("text", "", parts={"META-INF/manifest.xml": manifest}))
    assert refused.value.refusal is Refusal.ENCRYPTED


@pytest.mark.parametrize(
    "residue",
    ['<text:p xml:id="x">', "<text:p><office:annotation/>", '<text:p xmlns:x="urn:x" x:y="1">', "<text:p><!-- x -->"],
)
def test_the_second_reading_refuses_residue(clean: Clean, residue: str) -> None:
    parts = members(clean(document("text", "<text:p>x</text:p>")).data)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in parts.items():
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.create_system = 0
            archive.writestr(entry, data.replace("<text:p>", residue, 1))
    assert "<text:p>" in parts["content.xml"]
    with pytest.raises(Residue):
        verify(Source.of(file.getvalue()), "application/vnd.oasis.opendocument.text")


FEATURES = {
    "odt": [
        "Seen heading", "<text:page-count>3<", "Seen in the header", "Seen item", 'text:start-value="5"', "Seen note",
        '<text:alphabetical-index-mark-start text:id="s', 'xlink:href="#b1"', 'text:name="b1"', "Seen contents",
        'table:name="Table1"', 'table:formula="ooow:&lt;Table1.A1&gt;*2"', 'chart:values-cell-range-address="Table1.B2:Table1.B3"',
        'xlink:href="./Object 2"', "<math:mfrac>", 'chart:class="chart:bar"', "Lorries a day", 'office:value="4711"',
        'draw:formula="21600-?f0 *2/(3+4)"', 'draw:handle-position="$0 ?f0"', 'svg:d="M0 0c100 0 200-50 300 1e2h30z"',
        'text:continue-list="i1"', 'xml:id="i1"', 'style:leader-char="."', 'style:print-orientation="portrait"',
    ],
    "ods": [
        'xmlns:of="urn:oasis:names:tc:opendocument:xmlns:of:1.2"', "__Anonymous_Sheet_DB__0", 'table:name="tariff"', 'table:name="Table1"', "*tariff+[$'Second sheet'.A1]",
        'table:value="Bridge"', 'calcext:value="&gt;5"', "cell-content-is-in-list", "Seen help", 'table:title="Seen title"',
        'table:print-ranges="Counts.A1:Counts.C9"', 'table:name="Second sheet"', '<calcext:data-bar calcext:max-length="90"',
        'style:condition="cell-content()&gt;5"', 'chart:values-cell-range-address="Counts.B2:Counts.B3"', "<number:text>/<",
    ],
    "odp": [
        "Seen footer", 'xlink:href="#page2"', 'draw:start-shape="i1"', 'draw:id="i1"', "Spoken",
        'draw:fill-color="#ffeecc"', 'draw:points="0,0 100,200 300,0"',
    ],
    "odg": ['draw:type="right-arrow"', '<draw:circle svg:cx="1cm" svg:cy="1cm" svg:r="0.5cm"/>', 'draw:style="linear"'],
    "odf": ['<math:mfenced open="[" close="]">', 'mathvariant="normal"', "<math:mtext>where<"],
}  # fmt: skip


@pytest.mark.parametrize("kind", open_documents.DOCUMENTS)
def test_what_honest_documents_have_stays(clean: Clean, kind: str) -> None:
    cleaned = clean(open_documents.DOCUMENTS[kind]())
    written = "".join(members(cleaned.data).values())
    assert [each for each in FEATURES[kind] if each not in written] == []
    assert not any(name in written for name in ("Kim", "Tafel", "Opening", "Closing", "DOCTYPE", "StarMath"))
    assert Removed.HIDDEN_CONTENT not in cleaned.removed


@pytest.mark.parametrize("space", ["table", "text"])
def test_a_table_on_a_slide_keeps_the_looks_of_its_template(clean: Clean, space: str) -> None:
    """As LibreOffice writes it: older ones give the styles of a template in the namespace of texts."""
    inside = (
        '<style:style style:name="kim-cell" style:family="table-cell"><loext:graphic-properties draw:fill="solid" '
        'draw:fill-color="#156082" draw:textarea-vertical-align="middle" fo:padding-top="0.127cm" '
        'fo:border="0.03pt solid #ffffff" style:writing-mode="lr-tb"/></style:style>'
        f'<table:table-template {"table:name" if space == "table" else "text:style-name"}="kim-template">'
        f'<table:first-row {space}:style-name="kim-cell"/><table:body {space}:style-name="kim-cell"/>'
        "</table:table-template>"
    )
    more = 'xmlns:loext="urn:org:documentfoundation:names:experimental:office:xmlns:loext:1.0" office:version="1.3"'
    styles = (
        f"<office:document-styles {NAMESPACES} {more}><office:styles>{inside}</office:styles></office:document-styles>"
    )
    table = (
        '<draw:page draw:name="x"><draw:frame><table:table table:template-name="kim-template" '
        'table:use-first-row-styles="true"><table:table-column/><table:table-row><table:table-cell><text:p>Seen</text:p>'
        "</table:table-cell></table:table-row></table:table></draw:frame></draw:page>"
    )
    parts = members(clean(document("presentation", table, parts={"styles.xml": styles})).data)
    template, cell = (
        re.findall(r'table:template-name="(s\d+)"', parts["content.xml"]),
        r'style:name="(s\d+)" style:family',
    )
    (style,) = re.findall(cell, parts["styles.xml"])
    called = "table:name" if space == "table" else "text:style-name"
    assert (
        f'<table:table-template {called}="{template[0]}"><table:first-row {space}:style-name="{style}"/>'
        in (parts["styles.xml"])
    )
    for kept in ('draw:textarea-vertical-align="middle"', 'fo:padding-top="0.127cm"', 'style:writing-mode="lr-tb"'):
        assert kept in parts["styles.xml"]
    assert "kim" not in parts["content.xml"] + parts["styles.xml"]


def test_an_autofilter_is_no_residue(clean: Clean) -> None:
    range_ = '<table:database-ranges><table:database-range table:name="__Anonymous_Sheet_DB__0" table:target-range-address="S.A1:S.A1" table:display-filter-buttons="true"/></table:database-ranges>'
    table = '<table:table table:name="S"><table:table-row><table:table-cell office:value-type="string"><text:p>a</text:p></table:table-cell></table:table-row></table:table>'
    content = members(clean(document("spreadsheet", table + range_)).data)["content.xml"]
    assert range_.removeprefix("<table:database-ranges>") in content


@pytest.mark.parametrize(
    ("field", "removed"),
    [
        ("author-name", Removed.AUTHOR), ("author-initials", Removed.AUTHOR), ("printed-by", Removed.AUTHOR),
        ("initial-creator", Removed.AUTHOR), ("sender-phone-work", Removed.AUTHOR), ("written-by", Removed.OTHER_METADATA),
    ],
)  # fmt: skip
def test_a_field_that_names_a_person_goes_and_is_named(clean: Clean, field: str, removed: Removed) -> None:
    cleaned = clean(
        document(
            "text",
            f"<text:p>Seen <text:{field}>Somebody Kim</text:{field}> and <text:variable-set>42</text:variable-set></text:p>",
        )
    )
    content = members(cleaned.data)["content.xml"]
    assert "Seen  and 42" in content
    assert "Kim" not in content
    assert removed in cleaned.removed


SHEET = (
    '<table:table table:name="S"><table:table-column/><table:table-column table:visibility="{column}"/><table:table-column/>'
    '<table:table-row><table:table-cell office:value-type="float" office:value="1"><text:p>first</text:p></table:table-cell><table:table-cell table:number-columns-repeated="2" office:value-type="string"><text:p>twice</text:p></table:table-cell></table:table-row>'
    '<table:table-row table:visibility="{row}"><table:table-cell office:value-type="float" office:value="2"><text:p>second</text:p></table:table-cell></table:table-row>'
    '<table:table-row><table:table-cell table:formula="of:=[.A1]*2" office:value-type="float" office:value="2"><text:p>2</text:p></table:table-cell><table:table-cell/><table:table-cell table:formula="of:=SUM([.A1:.A2])" office:value-type="float" office:value="3"><text:p>3</text:p></table:table-cell></table:table-row></table:table>'
)


@pytest.mark.parametrize(
    ("row", "column", "stays"),
    [
        ("visible", "visible", [1, 2, 1, 2]),
        ("collapse", "visible", [1, 2, 0, 1]),
        ("filter", "visible", [1, 2, 0, 1]),
        ("visible", "collapse", [1, 1, 1, 2]),
    ],
)
def test_cells_that_are_not_shown_are_emptied_and_no_formula_asks_for_them(
    clean: Clean, row: str, column: str, stays: list[int]
) -> None:
    cleaned = clean(document("spreadsheet", SHEET.format(row=row, column=column)))
    content = members(cleaned.data)["content.xml"]
    twice = content.count("twice") * (2 if 'number-columns-repeated="2" office' in content else 1)
    assert [content.count("first"), twice, content.count("second"), content.count("table:formula")] == stays
    assert 'office:value="3"' in content
    assert (Removed.HIDDEN_CONTENT in cleaned.removed) == (stays != [1, 2, 1, 2])


HIDDEN = [
    (
        "presentation",
        '<style:style style:name="h" style:family="drawing-page"><style:drawing-page-properties presentation:visibility="hidden"/></style:style>',
        '<draw:page draw:style-name="h"><draw:frame><draw:text-box><text:p>{}</text:p></draw:text-box></draw:frame></draw:page>',
    ),
    ("text", "", '<text:section text:name="a" text:display="none"><text:p>{}</text:p></text:section>'),
    (
        "text",
        "",
        '<text:section text:name="a" text:display="condition" text:condition="ooow:1" text:is-hidden="true"><text:p>{}</text:p></text:section>',
    ),
    (
        "text",
        "",
        '<text:p>a <text:hidden-text text:is-hidden="true" text:string-value="{0}">{0}</text:hidden-text></text:p>',
    ),
    ("text", "", '<text:p>{}<text:hidden-paragraph text:is-hidden="true"/></text:p>'),
    ("text", "", '<text:p><text:user-field-get text:name="a" text:display="none">{}</text:user-field-get></text:p>'),
    (
        "text",
        '<style:style style:name="a" style:family="paragraph"><style:text-properties text:display="none"/></style:style><style:style style:name="b" style:family="paragraph" style:parent-style-name="a"/>',
        '<text:p text:style-name="b">{}</text:p>',
    ),
    (
        "spreadsheet",
        "",
        '<table:table table:name="S"><table:table-row><table:table-cell table:number-columns-spanned="2"/><table:covered-table-cell><text:p>{}</text:p></table:covered-table-cell></table:table-row></table:table>',
    ),
]


@pytest.mark.parametrize(("kind", "styles", "body"), HIDDEN)
def test_what_the_format_hides_goes_and_is_named(clean: Clean, kind: str, styles: str, body: str) -> None:
    cleaned = clean(document(kind, body.format("Unseen"), styles))
    assert "Unseen" not in "".join(members(cleaned.data).values())
    assert Removed.HIDDEN_CONTENT in cleaned.removed


PARAGRAPH = '<style:style style:name="a" style:family="paragraph"><style:text-properties {}/></style:style>'
P = '<text:p text:style-name="a">words</text:p>'
CELL = '<table:table table:name="S"><table:table-column table:default-cell-style-name="{column}"/><table:table-row><table:table-cell {cell}><text:p>words</text:p></table:table-cell></table:table-row></table:table>'
CELL_STYLE = '<style:style style:name="a" style:family="table-cell"><style:table-cell-properties fo:background-color="{}"/><style:text-properties fo:color="#FFF8F0"/></style:style>'
BOX = '<style:style style:name="a" style:family="graphic"><style:graphic-properties draw:fill="{}" draw:fill-color="#224466"/><style:text-properties fo:color="{}"/></style:style>'
BOXED = '<draw:page>{}<draw:rect draw:style-name="a"><text:p>words</text:p></draw:rect></draw:page>'
UNDER = '<draw:frame><draw:image xlink:href="Pictures/none.png"/></draw:frame>'
UNSEEN = [
    ("text", PARAGRAPH.format('fo:color="#ffffff"'), P, True),
    ("text", PARAGRAPH.format('fo:color="#fefefe" fo:background-color="#FFFFFF"'), P, True),
    ("text", PARAGRAPH.format('fo:color="#ffffff" fo:background-color="#000000"'), P, False),
    ("text", PARAGRAPH.format('fo:color="#ffffff"'), '<text:p text:style-name="a"> <text:s/></text:p>', False),
    ("text", PARAGRAPH.format('fo:font-size="1pt"'), P, True),
    ("text", PARAGRAPH.format('fo:font-size="0.5mm"'), P, True),
    ("text", PARAGRAPH.format('fo:font-size="80%"'), P, False),
    ("text", PARAGRAPH.format('fo:color="#ffffff"').replace("paragraph", "text"), '<text:p>a <text:span text:style-name="a">words</text:span></text:p>', True),
    ("spreadsheet", CELL_STYLE.format("#ffffff"), CELL.format(column="b", cell='table:style-name="a"'), True),
    ("spreadsheet", CELL_STYLE.format("#336633"), CELL.format(column="b", cell='table:style-name="a"'), False),
    ("spreadsheet", CELL_STYLE.format("transparent"), CELL.format(column="a", cell=""), True),
    ("drawing", BOX.format("solid", "#244668"), BOXED.format(""), True),
    ("drawing", BOX.format("solid", "#ffffff"), BOXED.format(UNDER), False),
    ("drawing", BOX.format("none", "#ffffff"), BOXED.format(""), True),
    ("drawing", BOX.format("none", "#ffffff"), BOXED.format("<draw:rect/>"), False),
    ("presentation", "", "<draw:page><presentation:notes><draw:frame><draw:text-box><text:p>words</text:p></draw:text-box></draw:frame></presentation:notes></draw:page>", True),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "styles", "body", "noted"), UNSEEN)
def test_of_words_that_nobody_sees_the_editor_is_told(kind: str, styles: str, body: str, *, noted: bool) -> None:
    kinds = {"drawing": {"mimetype": "application/vnd.oasis.opendocument.graphics"}}
    copy = clean_copy(document(kind, body, styles, kinds.get(kind)))
    assert (Noted.HIDDEN_WORDS in copy.noted) == noted


def slides_of_a_master(name: str) -> bytes:
    """A slide with a title that looks as its master page says, and a rectangle as the document says."""
    look = f'<style:style style:name="{name}-title" style:family="presentation"><style:text-properties fo:color="#cc0000" fo:font-size="60pt"/></style:style>'
    look += '<style:style style:name="standard" style:family="graphic"><style:graphic-properties draw:fill="solid" draw:fill-color="#00cc66"/></style:style>'
    page = '<style:page-layout style:name="PM1"><style:page-layout-properties fo:page-width="28cm" fo:page-height="21cm"/></style:page-layout>'
    styles = f'<office:document-styles {NAMESPACES} office:version="1.3"><office:styles>{look}</office:styles><office:automatic-styles>{page}</office:automatic-styles><office:master-styles><style:master-page style:name="{name}" style:page-layout-name="PM1"/></office:master-styles></office:document-styles>'
    own = f'<style:style style:name="pr1" style:family="presentation" style:parent-style-name="{name}-title"/><style:style style:name="gr1" style:family="graphic" style:parent-style-name="standard"/>'
    body = f'<draw:page draw:master-page-name="{name}"><draw:frame presentation:style-name="pr1" presentation:class="title" svg:width="20cm" svg:height="4cm" svg:x="1cm" svg:y="1cm"><draw:text-box><text:p>Seen title</text:p></draw:text-box></draw:frame><draw:rect draw:style-name="gr1" svg:width="6cm" svg:height="4cm" svg:x="3cm" svg:y="9cm"/></draw:page>'
    manifest = f'<manifest:manifest xmlns:manifest="{URN}manifest:1.0">{"".join(f"""<manifest:file-entry manifest:full-path="{each}" manifest:media-type="{kind}"/>""" for each, kind in (("/", "application/vnd.oasis.opendocument.presentation"), ("content.xml", "text/xml"), ("styles.xml", "text/xml")))}</manifest:manifest>'
    return document("presentation", body, own, parts={"styles.xml": styles, "META-INF/manifest.xml": manifest})


@pytest.mark.parametrize("name", ["Kim", "Standard", "s7", "Kim-title"])
def test_styles_of_a_master_page_keep_its_name_before_theirs(clean: Clean, name: str) -> None:
    """Else the slides lose the letters and colours that the master page gives them."""
    cleaned = clean(slides_of_a_master(name)).data
    parts = members(cleaned)
    said = re.search(r'<style:master-page style:name="([^"]+)"', parts["styles.xml"])
    assert said is not None
    assert f'style:name="{said[1]}-title"' in parts["styles.xml"]
    assert f'style:parent-style-name="{said[1]}-title"' in parts["content.xml"]
    assert "Kim" not in "".join(parts.values())
    assert clean(cleaned).data == cleaned


OLDER = "<office:document-meta><office:meta><meta:generator>{}</meta:generator></office:meta></office:document-meta>"


@pytest.mark.parametrize(
    ("program", "bare", "angle"),
    [
        ("OpenOffice.org/3.0$Win32", True, "45deg"),
        ("IBM_Lotus_Symphony/3.0$Win32 OpenOffice.org_project/310m11$Build-9399", True, "45deg"),
        ("LibreOffice/5.1.6", False, "45deg"),
        ("LibreOffice/7.4.7", False, "450"),
        ("Kim's", False, "450"),
    ],
)
def test_what_programs_draw_by_the_name_of_an_older_one_is_said_in_the_slides(
    clean: Clean,
    program: str,
    bare: bool,  # noqa: FBT001 - a parameter
    angle: str,
) -> None:
    """Else a chart that stood on the page gets a frame filled in blue, and gradients turn."""
    own = '<style:style style:name="gr1" style:family="graphic"/><style:style style:name="gr2" style:family="graphic"/>'
    frame = '<draw:frame draw:style-name="{0}"><draw:object xlink:href="./Object 1"/></draw:frame>'
    body = f'<draw:page>{frame.format("gr1")}{frame.format("gr2")}<draw:rect draw:style-name="gr2"/></draw:page>'
    gradient = '<draw:gradient draw:name="Haze" draw:style="linear" draw:angle="450"/>'
    styles = f'<office:document-styles {NAMESPACES} office:version="1.2"><office:styles>{gradient}</office:styles></office:document-styles>'
    parts = {"styles.xml": styles, "meta.xml": OLDER.format(program), "Object 1/content.xml": open_documents.CHART}
    data = document("presentation", body, own, parts=parts)
    cleaned = clean(data)
    found = members(cleaned.data)
    assert found["content.xml"].count('draw:fill="none" draw:stroke="none"') == bare
    assert f'draw:angle="{angle}"' in found["styles.xml"]
    assert clean(cleaned.data).data == cleaned.data


def test_formulas_that_name_a_hidden_sheet_become_values(clean: Clean) -> None:
    styles = (
        '<style:style style:name="h" style:family="table"><style:table-properties table:display="false"/></style:style>'
    )
    body = '<table:table table:name="Seen"><table:table-row><table:table-cell table:formula="of:=[$Payroll.A1]" office:value-type="float" office:value="7"><text:p>7</text:p></table:table-cell></table:table-row></table:table><table:table table:name="Payroll" table:style-name="h"/><table:named-expressions><table:named-range table:name="pay" table:cell-range-address="$Payroll.$A$1"/></table:named-expressions>'
    body = body.replace(
        "</table:table-row>",
        '<table:table-cell table:formula="of:=2*Pay" office:value-type="float" office:value="8"/><table:table-cell table:formula="of:=PAYOFF(1)" office:value-type="float" office:value="9"/></table:table-row>',
        1,
    )
    content = members(clean(document("spreadsheet", body, styles)).data)["content.xml"]
    assert [f'office:value="{value}"' in content for value in (7, 8, 9)] == [True, True, True]
    assert [name in content for name in ("Payroll", "Pay", "pay", "PAYOFF")] == [False, False, False, True]


WRONG = [
    ("<text:p>", '<text:p text:style-name="Kims own">'), ("<text:p>", '<text:p who="Kim">'), ("<text:p>", '<text:p text:who="Kim">'),
    ("<text:p>", '<text:p xmlns:b="urn:who" b:style-name="s1">'), ("<text:p>", "<text:p><text:written-by>Kim</text:written-by>"),
    ("<text:p>", '<text:p><text:bookmark text:name="Kim"/>'), ("<text:p>", '<text:p><p xmlns="urn:who">Kim</p>'), ("<text:p>", "<text:p><p>Kim</p>"),
    ("<text:p>", '<text:p><text:a xlink:href="file:///C:/Kim" xmlns:xlink="http://www.w3.org/1999/xlink"/>'),
    ("<text:p>", '<text:p><draw:frame xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0" draw:name="Kim"/>'),
    ("<text:p>", '<text:p><table:table xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" table:name="Kim"/>'),
    ("<text:p>", '<text:p><text:section text:name="Kim"/>'), ("<office:text>", "<office:text>Kim"),
]  # fmt: skip


@pytest.mark.parametrize(("place", "wrong"), WRONG)
def test_the_second_reading_refuses_what_no_table_lists(clean: Clean, place: str, wrong: str) -> None:
    parts = {name: part.encode() for name, part in members(clean(document("text", "<text:p>x</text:p>")).data).items()}
    parts["content.xml"] = parts["content.xml"].replace(place.encode(), wrong.encode(), 1)
    assert wrong.encode() in parts["content.xml"]
    with pytest.raises(Residue):
        verify(Source.of(planted.packed(parts)), "application/vnd.oasis.opendocument.text")


@pytest.mark.parametrize(
    ("said", "stays"),
    [("Seen words", True), ("Seen\n  words", True), ("Unseen", False), ("Seen words and more", False)],
)
def test_a_cell_says_no_more_than_it_shows(clean: Clean, said: str, *, stays: bool) -> None:
    cell = f'<table:table-cell office:value-type="string" office:string-value="{said}"><text:p>Seen <text:span>words</text:span></text:p></table:table-cell>'
    cleaned = clean(
        document("spreadsheet", f'<table:table table:name="S"><table:table-row>{cell}</table:table-row></table:table>')
    )
    assert ("office:string-value" in members(cleaned.data)["content.xml"]) == stays
    assert (Removed.HIDDEN_CONTENT in cleaned.removed) != stays


def test_a_picture_that_cannot_be_cleaned_is_named_unless_its_object_is_there(clean: Clean) -> None:
    frame = '<text:p><draw:frame>{}<draw:image xlink:href="./ObjectReplacements/Object 1"/></draw:frame></text:p>'
    parts: dict[str, bytes | str] = {
        "Object 1/content.xml": open_documents.FORMULA,
        "ObjectReplacements/Object 1": b"VCLMTF",
    }
    kept = clean(document("text", frame.format('<draw:object xlink:href="./Object 1"/>'), parts=parts))
    lost = clean(document("text", frame.format('<draw:object-ole xlink:href="./Object 2"/>'), parts=parts))
    assert "math:mfrac" in members(kept.data)["Object 1/content.xml"]
    assert [Removed.DRAWINGS in each.removed for each in (kept, lost)] == [False, True]


def test_a_flat_document_becomes_a_package_with_all_that_it_shows(clean: Clean) -> None:
    photo = base64.b64encode(samples()["jpg"]()).decode()
    frame = f"<draw:frame><draw:image><office:binary-data>{photo}</office:binary-data></draw:image></draw:frame>"
    copy = clean(open_documents.flat(frame))
    parts = members(copy.data)
    assert copy.media_type == "application/vnd.oasis.opendocument.text"
    assert "Seen in the text" in parts["content.xml"]
    assert "Seen in the header" in parts["styles.xml"]
    assert "4711" in parts["Object 1/content.xml"]
    assert "Pictures/image1.jpg" in parts
    assert not any("Somebody" in part for part in parts.values())
    assert {Removed.AUTHOR, Removed.SCRIPT} <= copy.removed
    assert Removed.DRAWINGS not in copy.removed


def test_an_id_that_is_there_twice_is_no_damage(clean: Clean) -> None:
    """As libraries write it; no program minds."""
    twice = '<text:list xml:id="list1"><text:list-item><text:p>Seen {}</text:p></text:list-item></text:list>'
    content = members(clean(document("text", twice.format(1) + twice.format(2))).data)["content.xml"]
    assert "Seen 1" in content
    assert "Seen 2" in content
