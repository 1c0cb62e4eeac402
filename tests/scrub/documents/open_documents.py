"""Documents of OpenDocument with what honest ones have: charts, formulas, shapes, filters, lists, indexes, page styles."""

# ruff: noqa: E501  # markup is easier to read on a line of its own

from __future__ import annotations

from collections.abc import Callable, Mapping

from tests.scrub.documents.planted import packed

URN = "urn:oasis:names:tc:opendocument:xmlns:"
NAMESPACES = " ".join(
    f'xmlns:{prefix}="{namespace}"'
    for prefix, namespace in {
        "office": f"{URN}office:1.0", "text": f"{URN}text:1.0", "table": f"{URN}table:1.0", "draw": f"{URN}drawing:1.0",
        "style": f"{URN}style:1.0", "fo": f"{URN}xsl-fo-compatible:1.0", "svg": f"{URN}svg-compatible:1.0",
        "number": f"{URN}datastyle:1.0", "chart": f"{URN}chart:1.0", "presentation": f"{URN}presentation:1.0",
        "meta": f"{URN}meta:1.0", "dc": "http://purl.org/dc/elements/1.1/", "xlink": "http://www.w3.org/1999/xlink",
        "calcext": "urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0",
        "of": f"{URN}of:1.2", "ooow": "http://openoffice.org/2004/writer",
        "loext": "urn:org:documentfoundation:names:experimental:office:xmlns:loext:1.0",
    }.items()
)  # fmt: skip

FORMULA = (
    '<math xmlns="http://www.w3.org/1998/Math/MathML" display="block"><semantics><mrow><mi>E</mi><mo stretchy="false">=</mo>'
    '<mfrac><msup><mi mathvariant="normal">c</mi><mn>2</mn></msup><mrow><mfenced open="[" close="]"><mtext>where</mtext></mfenced>'
    '</mrow></mfrac></mrow><annotation encoding="StarMath 5.0">E = {c^2} over { [ "where" ] }</annotation></semantics></math>'
)
CHART = (
    f'<office:document-content {NAMESPACES} office:version="1.3"><office:automatic-styles><style:style style:name="ch1" style:family="chart"><style:chart-properties chart:symbol-type="automatic" chart:three-dimensional="false"/><style:graphic-properties draw:stroke="none" draw:fill-color="#aa0000"/></style:style></office:automatic-styles>'
    '<office:body><office:chart><chart:chart svg:width="8cm" svg:height="5cm" chart:class="chart:bar" chart:style-name="ch1"><chart:title svg:x="1cm" svg:y="1cm"><text:p>Lorries a day</text:p></chart:title><chart:legend chart:legend-position="end" svg:x="7cm" svg:y="2cm"/>'
    '<chart:plot-area chart:style-name="ch1" table:cell-range-address="Counts.A1:Counts.B3" chart:data-source-has-labels="both"><chart:axis chart:dimension="x" chart:name="primary-x"><chart:categories table:cell-range-address="Counts.A2:Counts.A3"/></chart:axis>'
    '<chart:series chart:values-cell-range-address="Counts.B2:Counts.B3" chart:label-cell-address="Counts.B1" chart:class="chart:bar"><chart:data-point chart:repeated="2"/></chart:series></chart:plot-area>'
    '<table:table table:name="local-table"><table:table-rows><table:table-row><table:table-cell office:value-type="string"><text:p>Bridge</text:p></table:table-cell><table:table-cell office:value-type="float" office:value="4711"><text:p>4711</text:p></table:table-cell></table:table-row></table:table-rows></table:table>'
    "</chart:chart></office:chart></office:body></office:document-content>"
)
_STYLES = (
    '<office:font-face-decls><style:font-face style:name="Liberation Serif" svg:font-family="\'Liberation Serif\'" style:font-family-generic="roman"/></office:font-face-decls>'
    '<office:styles><style:default-style style:family="paragraph"><style:text-properties style:font-name="Liberation Serif" fo:font-size="12pt"/></style:default-style><style:style style:name="Standard" style:family="paragraph"/>'
    '<draw:gradient draw:name="Haze" draw:style="linear" draw:start-color="#ffffff" draw:end-color="#336699" draw:angle="30deg"/>'
    '<number:date-style style:name="N37"><number:day number:style="long"/><number:text>/</number:text><number:month number:style="long"/></number:date-style></office:styles>'
    '<office:automatic-styles><style:page-layout style:name="Mpm1"><style:page-layout-properties fo:page-width="21cm" fo:page-height="29.7cm" style:print-orientation="portrait" fo:margin="2cm"/><style:header-style/></style:page-layout></office:automatic-styles>'
    '<office:master-styles><style:master-page style:name="Standard" style:page-layout-name="Mpm1"><style:header><text:p>Seen in the header <text:page-number text:select-page="current">1</text:page-number></text:p></style:header><style:footer><text:p>Seen in the footer</text:p></style:footer></style:master-page></office:master-styles>'
)
_SHAPE = (
    '<draw:custom-shape draw:style-name="gr1" svg:width="3cm" svg:height="2cm" svg:x="1cm" svg:y="1cm"><text:p>Seen in a shape</text:p>'
    '<draw:enhanced-geometry svg:viewBox="0 0 21600 21600" draw:type="right-arrow" draw:modifiers="16200 5400" draw:enhanced-path="M 0 ?one L ?two 0 $0 21600 X 3 4 Z N" draw:text-areas="0 ?one ?two 21600">'
    '<draw:equation draw:name="one" draw:formula="$1 "/><draw:equation draw:name="two" draw:formula="21600-?one *2/(3+4)"/><draw:handle draw:handle-position="$0 ?one" draw:handle-range-x-minimum="0"/></draw:enhanced-geometry></draw:custom-shape>'
    '<draw:path draw:style-name="gr1" svg:width="2cm" svg:height="2cm" svg:viewBox="0 0 2000 2000" svg:d="M0 0c100 0 200-50 300 1e2h30z"/>'
    '<draw:polygon draw:points="0,0 100,200 300,0" svg:viewBox="0 0 300 200" svg:width="1cm" svg:height="1cm"/>'
)
_GRAPHIC = '<style:style style:name="gr1" style:family="graphic"><style:graphic-properties draw:fill="gradient" draw:fill-gradient-name="Haze" svg:stroke-width="0.1cm" fo:border="0.06pt solid #000000"/></style:style>'


def _package(kind: str, body: str, styles: str, parts: Mapping[str, str]) -> bytes:
    content = (
        f'<office:document-content {NAMESPACES} office:version="1.3"><office:automatic-styles>{_GRAPHIC}{styles}</office:automatic-styles>'
        f"<office:body>{body}</office:body></office:document-content>"
    )
    written = {
        "content.xml": content,
        "styles.xml": f'<office:document-styles {NAMESPACES} office:version="1.3">{_STYLES}</office:document-styles>',
        "meta.xml": f"<office:document-meta {NAMESPACES}><office:meta><dc:creator>Somebody</dc:creator></office:meta></office:document-meta>",
        "META-INF/manifest.xml": f'<!DOCTYPE manifest:manifest PUBLIC "-//OpenOffice.org//DTD Manifest 1.0//EN" "Manifest.dtd">\n<manifest:manifest xmlns:manifest="{URN}manifest:1.0"/>',
        **parts,
    }
    return packed({"mimetype": f"application/vnd.oasis.opendocument.{kind}".encode()} | {n: p.encode() for n, p in written.items()})  # fmt: skip


def text() -> bytes:
    """Headings, a list that goes on, notes, an index with its marks, a table, shapes, a chart, a formula."""
    styles = '<style:style style:name="P1" style:family="paragraph" style:parent-style-name="Standard" style:master-page-name="Standard"><style:paragraph-properties fo:margin-left="1.25cm" fo:text-align="justify"/><style:text-properties fo:color="#112233" style:text-position="super 58%"/></style:style>'
    body = (
        '<office:text><text:sequence-decls><text:sequence-decl text:display-outline-level="0" text:name="Table"/></text:sequence-decls>'
        '<text:table-of-content text:name="Contents1"><text:table-of-content-source text:outline-level="3"><text:index-title-template>Seen contents</text:index-title-template><text:table-of-content-entry-template text:outline-level="1" text:style-name="Contents_20_1"><text:index-entry-text/><text:index-entry-tab-stop style:type="right" style:leader-char="."/><text:index-entry-page-number/></text:table-of-content-entry-template></text:table-of-content-source>'
        '<text:index-body><text:p><text:a xlink:href="#__Ref1">Seen heading 1</text:a></text:p></text:index-body></text:table-of-content>'
        '<text:h text:outline-level="1"><text:bookmark-start text:name="__Ref1"/>Seen heading<text:bookmark-end text:name="__Ref1"/></text:h>'
        '<text:p text:style-name="P1">Seen <text:alphabetical-index-mark-start text:id="IM1"/>words<text:alphabetical-index-mark-end text:id="IM1"/><text:note text:note-class="footnote"><text:note-citation>1</text:note-citation><text:note-body><text:p>Seen note</text:p></text:note-body></text:note> of <text:page-count>3</text:page-count> pages</text:p>'
        '<text:list xml:id="list1"><text:list-item><text:p>Seen item</text:p></text:list-item></text:list><text:list text:continue-list="list1" text:continue-numbering="true"><text:list-item text:start-value="5"><text:p>Seen next item</text:p></text:list-item></text:list>'
        '<table:table table:name="Tafel 7"><table:table-column table:number-columns-repeated="2"/><table:table-row><table:table-cell table:number-columns-spanned="1" office:value-type="float" office:value="12.5"><text:p>12.5</text:p></table:table-cell><table:table-cell table:formula="ooow:&lt;Tafel 7.A1&gt;*2" office:value-type="float" office:value="25"><text:p>25</text:p></table:table-cell></table:table-row></table:table>'
        f'<text:p>{_SHAPE}<draw:frame svg:width="8cm" svg:height="5cm" text:anchor-type="as-char"><draw:object xlink:href="./Object 1"/></draw:frame><draw:frame><draw:object xlink:href="./Object 2"/></draw:frame></text:p></office:text>'
    )
    chart = CHART.replace("Counts.", "'Tafel 7'.")
    return _package("text", body, styles, {"Object 1/content.xml": chart, "Object 2/content.xml": f'<!DOCTYPE math:math PUBLIC "-//OpenOffice.org//DTD Modified W3C MathML 1.01//EN" "math.dtd">{FORMULA}'})  # fmt: skip


def sheets() -> bytes:
    """Two sheets with formulas, a filter, ranges with names, conditions, a validation and a chart."""
    styles = '<style:style style:name="ce1" style:family="table-cell" style:data-style-name="N37"><style:map style:condition="cell-content()&gt;5" style:apply-style-name="ce2" style:base-cell-address="Counts.B2"/></style:style><style:style style:name="ce2" style:family="table-cell"><style:table-cell-properties fo:background-color="#ffcc00"/></style:style>'
    cell = '<table:table-cell office:value-type="{0}" office:value="{1}" calcext:value-type="{0}"><text:p>{1}</text:p></table:table-cell>'
    body = (
        '<office:spreadsheet><table:content-validations><table:content-validation table:name="val1" table:condition="of:cell-content-is-in-list(&quot;yes&quot;;&quot;no&quot;)" table:base-cell-address="Counts.A1"><table:help-message table:title="Seen title" table:display="true"><text:p>Seen help</text:p></table:help-message></table:content-validation></table:content-validations>'
        '<table:table table:name="Counts" table:print-ranges="Counts.A1:Counts.C9"><table:shapes><draw:frame table:end-cell-address="Counts.F9" svg:x="1cm"><draw:object xlink:href="./Object 1"/></draw:frame></table:shapes><table:table-column table:number-columns-repeated="3"/>'
        f'<table:table-row><table:table-cell office:value-type="string" table:content-validation-name="val1"><text:p>Bridge</text:p></table:table-cell>{cell.format("float", 4711)}<table:table-cell table:style-name="ce1" table:formula="of:=SUM([.B1:.B9])*tariff+[$\'Second sheet\'.A1]" office:value-type="float" office:value="1"><text:p>1</text:p></table:table-cell></table:table-row>'
        '<calcext:conditional-formats><calcext:conditional-format calcext:target-range-address="Counts.B1:Counts.B9"><calcext:condition calcext:apply-style-name="ce2" calcext:value="&gt;5" calcext:base-cell-address="Counts.B1"/><calcext:data-bar calcext:max-length="90" calcext:positive-color="#0000ff"><calcext:formatting-entry calcext:value="0" calcext:type="minimum"/></calcext:data-bar></calcext:conditional-format></calcext:conditional-formats></table:table>'
        f'<table:table table:name="Second sheet"><table:table-row>{cell.format("percentage", "0.25")}</table:table-row></table:table>'
        '<table:named-expressions><table:named-range table:name="tariff" table:base-cell-address="$Counts.$A$1" table:cell-range-address="$Counts.$B$1"/><table:named-range table:name="unused by Kim" table:base-cell-address="$Counts.$A$1" table:cell-range-address="$Counts.$B$1"/></table:named-expressions>'
        '<table:database-ranges><table:database-range table:name="__Anonymous_Sheet_DB__0" table:target-range-address="Counts.A1:Counts.C9" table:display-filter-buttons="true"><table:filter><table:filter-condition table:field-number="0" table:value="Bridge" table:operator="="/></table:filter></table:database-range></table:database-ranges></office:spreadsheet>'
    )
    return _package("spreadsheet", body, styles, {"Object 1/content.xml": CHART})


def slides() -> bytes:
    """Two slides with shapes, a link from one to the other, decorations and notes."""
    styles = '<style:style style:name="dp1" style:family="drawing-page"><style:drawing-page-properties presentation:background-visible="true" draw:fill="solid" draw:fill-color="#ffeecc"/></style:style>'
    body = (
        '<office:presentation><presentation:footer-decl presentation:name="ftr1">Seen footer</presentation:footer-decl>'
        '<draw:page draw:name="Opening" draw:style-name="dp1" draw:master-page-name="Standard" presentation:use-footer-name="ftr1"><draw:frame presentation:class="title" svg:width="10cm" svg:height="2cm" svg:x="1cm" svg:y="1cm"><draw:text-box><text:p>Seen on the slide <text:a xlink:href="#Closing">there</text:a></text:p></draw:text-box></draw:frame>'
        f'{_SHAPE}<draw:line draw:id="one" svg:x1="0cm" svg:y1="0cm" svg:x2="1cm" svg:y2="1cm"/><draw:connector draw:start-shape="one" draw:type="curve" svg:d="M0 0C1 1 2 2 3 3" svg:x1="0cm" svg:y1="0cm" svg:x2="3cm" svg:y2="3cm"/><presentation:notes><draw:frame><draw:text-box><text:p>Spoken</text:p></draw:text-box></draw:frame></presentation:notes></draw:page>'
        '<draw:page draw:name="Closing" draw:style-name="dp1" draw:master-page-name="Standard"/></office:presentation>'
    )
    return _package("presentation", body, styles, {})


def drawing() -> bytes:
    """A page with shapes."""
    page = f'<office:drawing><draw:page draw:name="Plan" draw:master-page-name="Standard">{_SHAPE}<draw:g><draw:rect svg:width="1cm" svg:height="1cm"/><draw:circle svg:cx="1cm" svg:cy="1cm" svg:r="0.5cm"/></draw:g></draw:page></office:drawing>'
    return _package("graphics", page, "", {})


def formula() -> bytes:
    """A formula by itself."""
    return _package("formula", "", "", {"content.xml": FORMULA})


DOCUMENTS: Mapping[str, Callable[[], bytes]] = {
    "odt": text, "ods": sheets, "odp": slides, "odg": drawing, "odf": formula
}  # fmt: skip


def flat(pictures: str = "") -> bytes:
    """All of a text in one file, with a chart, a picture and a page style."""
    chart = CHART.replace("document-content", "document", 1).replace("</office:document-content>", "</office:document>")
    frames = f"<draw:frame><draw:object>{chart}</draw:object><draw:image><office:binary-data>VkNMTVRG</office:binary-data></draw:image></draw:frame>{pictures}"
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<office:document {NAMESPACES} office:version="1.3" office:mimetype="application/vnd.oasis.opendocument.text">'
        "<office:meta><meta:initial-creator>Somebody</meta:initial-creator></office:meta><office:scripts><office:script/></office:scripts>"
        f"{_STYLES}<office:body><office:text><text:p>Seen in the text</text:p><text:p>{frames}</text:p></office:text></office:body></office:document>"
    ).encode()
