"""An article as a Word document that names nobody and no time: written from the cleaned HTML of its page.

Rules: the package has no properties (author, program, times), one fixed date on its members, styles that come with
Word, and pictures only as they were published. What cannot stand in a document, sound and film, is named. The cleaner's
own verifier reads every document of the tests.
"""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from lxml import html

from fieldreport.press.article import Article, Media
from fieldreport.press.languages import direction
from fieldreport.press.render import body_html

_MAIN: Final = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_OFFICE: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_DRAWING: Final = "http://schemas.openxmlformats.org/drawingml/2006"
_PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006"
_TYPES: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml"
_XML: Final = "<?xml version='1.0' encoding='UTF-8' standalone='yes'?>\n"
_DATE: Final = (1980, 1, 1, 0, 0, 0)  # the earliest that a ZIP file can say
_PICTURES: Final = {"image/jpeg": "jpg", "image/png": "png", "image/gif": "gif"}
_WIDTH: Final = 5_486_400  # of the text on a page, in EMU: 6 inches
_EMU: Final = 9525  # a pixel at 96 to the inch


def _heading(level: int, size: int) -> str:
    kept = f'<w:pPr><w:keepNext/><w:outlineLvl w:val="{level}"/></w:pPr>'
    return f'{kept}<w:rPr><w:b/><w:sz w:val="{size}"/></w:rPr>'


_STYLES: Final = {
    "normal": ("S1", "Normal", ""),
    "title": ("S2", "Title", '<w:rPr><w:b/><w:sz w:val="44"/></w:rPr>'),
    "standfirst": ("S3", "Subtitle", '<w:rPr><w:sz w:val="28"/></w:rPr>'),
    "h2": ("S4", "heading 2", _heading(1, 32)),
    "h3": ("S5", "heading 3", _heading(2, 28)),
    "h4": ("S6", "heading 4", _heading(3, 24)),
    "blockquote": ("S7", "Quote", '<w:pPr><w:ind w:left="567"/></w:pPr><w:rPr><w:i/></w:rPr>'),
    "figcaption": ("S8", "caption", '<w:rPr><w:i/><w:sz w:val="20"/></w:rPr>'),
    "pre": ("S9", "HTML Preformatted", '<w:rPr><w:rFonts w:ascii="Courier New" w:hAnsi="Courier New"/></w:rPr>'),
}
_HEADINGS: Final = {"h1": "h2", "h5": "h4", "h6": "h4"}
_MARKS: Final = {
    "strong": "<w:b/>",
    "th": "<w:b/>",
    "em": "<w:i/>",
    "s": "<w:strike/>",
    "code": '<w:rFonts w:ascii="Courier New" w:hAnsi="Courier New"/>',
    "sup": '<w:vertAlign w:val="superscript"/>',
}
_UNDERLINED: Final = '<w:u w:val="single"/>'
# As the schema wants them.
_ORDER: Final = (_MARKS["code"], _MARKS["strong"], _MARKS["em"], _MARKS["s"], _UNDERLINED, _MARKS["sup"])
_BULLETS, _NUMBERS = 1, 2  # the definitions in the part of lists; each numbered list begins with its own
_LEVELS: Final = 9

Read = Callable[[Media], bytes]


def docx(article: Article, read: Read) -> bytes:
    """The document; the same article gives the same bytes. ``read``: an attachment's content."""
    return _Document(article, read).build()


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in the document an element stands: the style of paragraphs, marks of runs, a list and its depth."""

    style: str = "normal"
    marks: tuple[str, ...] = ()
    numbering: int = 0
    depth: int = 0

    def marked(self, mark: str) -> _Place:
        return _Place(self.style, (*self.marks, mark), self.numbering, self.depth)

    def styled(self, style: str) -> _Place:
        return _Place(style, self.marks, self.numbering, self.depth)


@dataclass(slots=True)
class _Document:
    article: Article
    read: Read = field(repr=False)
    relations: list[tuple[str, str, str]] = field(default_factory=list)
    pictures: dict[str, bytes] = field(default_factory=dict, repr=False)
    lists: list[int] = field(default_factory=lambda: [_BULLETS])
    runs: list[str] = field(default_factory=list)
    blocks: list[str] = field(default_factory=list)
    inked: bool = False  # whether the paragraph that is being written shows anything
    marked: bool = False  # whether the next paragraph of a list bears the item's mark
    drawn: int = 0

    @property
    def rtl(self) -> bool:
        return direction(self.article.language) == "rtl"

    def build(self) -> bytes:
        article = self.article
        self._relation("styles", "styles.xml")
        self._relation("numbering", "numbering.xml")
        self._text_block(article.title, "title")
        self._text_block(article.standfirst, "standfirst")
        self._inside(html.fragment_fromstring(str(body_html(article)), create_parent="div"), _Place())
        self._end(_Place())
        self._text_block(article.correction, "blockquote")
        parts: dict[str, bytes] = {
            "[Content_Types].xml": _content_types().encode(),
            "_rels/.rels": _relationships([("officeDocument", "word/document.xml", "")]).encode(),
            "word/document.xml": self._main().encode(),
            "word/_rels/document.xml.rels": _relationships(self.relations).encode(),
            "word/styles.xml": _styles(rtl=self.rtl).encode(),
            "word/numbering.xml": _numbering(self.lists).encode(),
            **self.pictures,
        }
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in parts.items():
                member = zipfile.ZipInfo(name, _DATE)
                member.create_system = 0
                member.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(member, content)
        return packed.getvalue()

    def _main(self) -> str:
        spaces = f'xmlns:w="{_MAIN}" xmlns:r="{_OFFICE}"'
        return (
            f"{_XML}<w:document {spaces}><w:body>{''.join(self.blocks)}"
            '<w:sectPr><w:pgSz w:w="11906" w:h="16838"/>'
            '<w:pgMar w:top="1440" w:right="1440" w:bottom="1440" w:left="1440" w:header="708" w:footer="708"'
            ' w:gutter="0"/>'
            "</w:sectPr></w:body></w:document>"
        )

    def _relation(self, kind: str, target: str, mode: str = "") -> str:
        if (kind, target, mode) not in self.relations:
            self.relations.append((kind, target, mode))
        return f"rId{self.relations.index((kind, target, mode)) + 1}"

    # --- blocks ---

    def _text_block(self, text: str, style: str) -> None:
        if text.strip():
            self._run(text.strip(), _Place())
            self._end(_Place(style))

    def _block(self, element: html.HtmlElement, place: _Place) -> None:
        tag = str(element.tag)
        if tag in {"ul", "ol"}:
            self._end(place)
            self._list(element, place)
        elif tag == "table":
            self._end(place)
            self._table(element)
        elif tag == "hr":
            self._end(place)
            self.blocks.append(f"<w:p><w:pPr><w:pBdr>{_RULE}</w:pBdr></w:pPr></w:p>")
        elif tag in {"section", "figure", "blockquote", "div"}:
            self._end(place)
            self._inside(element, place.styled("blockquote") if tag == "blockquote" else place)
            self._end(place)
        else:
            own = place.styled(_HEADINGS.get(tag, tag)) if _HEADINGS.get(tag, tag) in _STYLES else place
            self._end(place)
            self._inside(element, own)
            self._end(own)

    def _inside(self, element: html.HtmlElement, place: _Place) -> None:
        """Runs of text and elements; an element that is a block ends the paragraph before it."""
        self._run(element.text, place)
        for child in element:
            self._child(child, place)
            self._run(child.tail, place)

    def _child(self, child: html.HtmlElement, place: _Place) -> None:
        tag = str(child.tag)
        if tag in _MARKS:
            self._inside(child, place.marked(_MARKS[tag]))
        elif tag == "a":
            self._link(child, place)
        elif tag == "br":
            self.runs.append("<w:r><w:br/></w:r>")
        elif tag in {"img", "audio", "video"}:
            self._attachment(child, place)
        else:
            self._block(child, place)

    def _list(self, element: html.HtmlElement, place: _Place) -> None:
        depth = place.depth + 1 if place.numbering else 0
        if element.tag == "ol":
            self.lists.append(_NUMBERS)
            numbering = len(self.lists)
        else:
            numbering = 1
        for item in element:
            self.marked = True
            own = _Place(place.style, place.marks, numbering, min(depth, _LEVELS - 1))
            self._inside(item, own)
            self._end(own)

    def _table(self, element: html.HtmlElement) -> None:
        rows = [[cell for cell in row if cell.tag in {"td", "th"}] for row in element.iter("tr")]
        columns = max(map(len, rows), default=0)
        if not columns:
            return
        before, self.blocks = self.blocks, []
        table = ['<w:tbl><w:tblPr><w:tblW w:w="0" w:type="auto"/><w:tblBorders>']
        table += [f'<w:{side} w:val="single" w:sz="4" w:space="0" w:color="auto"/>' for side in _SIDES]
        table.append("</w:tblBorders></w:tblPr><w:tblGrid>" + "<w:gridCol/>" * columns + "</w:tblGrid>")
        for row in rows:
            table.append("<w:tr>")
            for cell in row:
                own = _Place(marks=(_MARKS["th"],) if cell.tag == "th" else ())
                self._inside(cell, own)
                self._end(own)
                table.append(f"<w:tc>{''.join(self.blocks) or '<w:p/>'}</w:tc>")
                self.blocks = []
            table.append("<w:tc><w:p/></w:tc>" * (columns - len(row)) + "</w:tr>")
        self.blocks = [*before, "".join(table), "</w:tbl><w:p/>"]

    # --- runs ---

    def _run(self, text: str | None, place: _Place) -> None:
        if text is None or not (text.strip() or (text and self.runs)):
            return
        self.inked = self.inked or bool(text.strip())
        shown = text if place.style == "pre" else " ".join(text.split("\n"))
        marks = "".join(mark for mark in _ORDER if mark in place.marks) + ("<w:rtl/>" if self.rtl else "")
        properties = f"<w:rPr>{marks}</w:rPr>" if marks else ""
        lines = shown.split("\n")
        words = "<w:br/>".join(f'<w:t xml:space="preserve">{escape(line)}</w:t>' for line in lines)
        self.runs.append(f"<w:r>{properties}{words}</w:r>")

    def _link(self, element: html.HtmlElement, place: _Place) -> None:
        address = element.get("href", "")
        if not address.startswith(("http://", "https://")):  # of a footnote, or another article
            self._inside(element, place)
            return
        outer, self.runs = self.runs, ["<w:r/>"]
        self._inside(element, place.marked(_UNDERLINED))
        inner, self.runs = self.runs[1:], outer
        self.runs.append(
            f'<w:hyperlink r:id="{self._relation("hyperlink", address, "External")}">{"".join(inner)}</w:hyperlink>'
        )

    def _attachment(self, element: html.HtmlElement, place: _Place) -> None:
        media = self.article.media_named(element.get("src", ""))
        if media is None:
            return
        content = self.read(media) if media.media_type in _PICTURES else b""
        size = _pixels(content, media.media_type)
        if size is None:
            self._run(f"[{media.alternative or media.name}]", place)
            return
        self.drawn += 1
        name = f"media/image{self.drawn}.{_PICTURES[media.media_type]}"
        self.pictures[f"word/{name}"] = content
        self.inked = True
        self.runs.append(_drawing(self._relation("image", name), self.drawn, *size))
        if media.alternative:
            self._end(place)
            self._text_block(f"[{media.alternative}]", "figcaption")

    def _end(self, place: _Place) -> None:
        """End the paragraph, if there is anything in it."""
        runs, self.runs = "".join(self.runs).strip(), []
        if not self.inked:
            return
        self.inked = False
        listed = self.marked and place.numbering
        self.marked = self.marked and not place.numbering
        numbers = f'<w:numPr><w:ilvl w:val="{place.depth}"/><w:numId w:val="{place.numbering}"/></w:numPr>'
        properties = [
            f'<w:pStyle w:val="{_STYLES[place.style][0]}"/>',
            numbers if listed else "",
            "<w:bidi/>" if self.rtl else "",
            # A later paragraph of an item stands under the first one.
            f'<w:ind w:left="{720 * (place.depth + 1)}"/>' if place.numbering and not listed else "",
        ]
        self.blocks.append(f"<w:p><w:pPr>{''.join(properties)}</w:pPr>{runs}</w:p>")


_RULE: Final = '<w:bottom w:val="single" w:sz="6" w:space="1" w:color="auto"/>'
_SIDES: Final = ("top", "left", "bottom", "right", "insideH", "insideV")


def _pixels(content: bytes, media_type: str) -> tuple[int, int] | None:
    """Width and height of a picture, from its head; nothing where it does not say."""
    if media_type == "image/png" and content[12:16] == b"IHDR":
        return struct.unpack(">II", content[16:24])
    if media_type == "image/gif":
        return struct.unpack("<HH", content[6:10])
    for place, marker in _jpeg_segments(content):
        if marker in {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}:
            height, width = struct.unpack(">HH", content[place + 5 : place + 9])
            return width, height
    return None


_JPEG_MARK: Final = 0xFF


def _jpeg_segments(content: bytes) -> Iterator[tuple[int, int]]:
    place = 2
    while place + 9 <= len(content) and content[place] == _JPEG_MARK:
        yield place, content[place + 1]
        place += 2 + int.from_bytes(content[place + 2 : place + 4], "big")


def _drawing(relation: str, number: int, width: int, height: int) -> str:
    across = min(_WIDTH, max(1, width) * _EMU)
    down = max(1, height) * across // max(1, width)
    return (
        f'<w:r><w:drawing><wp:inline xmlns:wp="{_DRAWING}/wordprocessingDrawing" distT="0" distB="0" distL="0"'
        ' distR="0">'
        f'<wp:extent cx="{across}" cy="{down}"/><wp:docPr id="{number}" name="Object"/>'
        f'<a:graphic xmlns:a="{_DRAWING}/main"><a:graphicData uri="{_DRAWING}/picture">'
        f'<pic:pic xmlns:pic="{_DRAWING}/picture"><pic:nvPicPr><pic:cNvPr id="{number}" name="Object"/><pic:cNvPicPr/>'
        f'</pic:nvPicPr><pic:blipFill><a:blip r:embed="{relation}"/><a:stretch><a:fillRect/></a:stretch></pic:blipFill>'
        f'<pic:spPr><a:xfrm><a:off x="0" y="0"/><a:ext cx="{across}" cy="{down}"/></a:xfrm>'
        '<a:prstGeom prst="rect"><a:avLst/></a:prstGeom></pic:spPr></pic:pic></a:graphicData></a:graphic>'
        "</wp:inline></w:drawing></w:r>"
    )


def _content_types() -> str:
    defaults: Mapping[str, str] = {
        "rels": "application/vnd.openxmlformats-package.relationships+xml",
        "xml": "application/xml",
        **{ending: kind for kind, ending in _PICTURES.items()},
    }
    parts = {"document": "document.main", "styles": "styles", "numbering": "numbering"}
    return (
        f'{_XML}<Types xmlns="{_PACKAGE}/content-types">'
        + "".join(f'<Default Extension="{name}" ContentType="{kind}"/>' for name, kind in defaults.items())
        + "".join(
            f'<Override PartName="/word/{name}.xml" ContentType="{_TYPES}.{kind}+xml"/>' for name, kind in parts.items()
        )
        + "</Types>"
    )


def _relationships(relations: list[tuple[str, str, str]]) -> str:
    rows = "".join(
        f'<Relationship Id="rId{number}" Type="{_OFFICE}/{kind}" Target={quoteattr(target)}'
        + (f' TargetMode="{mode}"' if mode else "")
        + "/>"
        for number, (kind, target, mode) in enumerate(relations, start=1)
    )
    return f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">{rows}</Relationships>'


def _styles(*, rtl: bool) -> str:
    styles = []
    for key, (own, name, looks) in _STYLES.items():
        default = ' w:default="1"' if key == "normal" else ""
        based = "" if key == "normal" else '<w:basedOn w:val="S1"/>'
        plain = (
            f'<w:pPr>{"<w:bidi/>" if rtl else ""}<w:spacing w:after="160"/></w:pPr><w:rPr><w:sz w:val="24"/></w:rPr>'
        )
        styles.append(
            f'<w:style w:type="paragraph"{default} w:styleId="{own}"><w:name w:val="{name}"/>{based}{looks or plain}'
            "</w:style>"
        )
    return f'{_XML}<w:styles xmlns:w="{_MAIN}">{"".join(styles)}</w:styles>'


def _numbering(lists: list[int]) -> str:
    def levels(kind: str, text: Callable[[int], str]) -> str:
        return "".join(
            f'<w:lvl w:ilvl="{level}"><w:start w:val="1"/><w:numFmt w:val="{kind}"/><w:lvlText w:val="{text(level)}"/>'
            f'<w:lvlJc w:val="left"/><w:pPr><w:ind w:left="{720 * (level + 1)}" w:hanging="360"/></w:pPr></w:lvl>'
            for level in range(_LEVELS)
        )

    kinds = {_BULLETS: levels("bullet", lambda _: "•"), _NUMBERS: levels("decimal", lambda level: f"%{level + 1}.")}
    abstract = "".join(
        f'<w:abstractNum w:abstractNumId="{kind}"><w:multiLevelType w:val="hybridMultilevel"/>{looks}</w:abstractNum>'
        for kind, looks in kinds.items()
    )
    used = "".join(
        f'<w:num w:numId="{number}"><w:abstractNumId w:val="{kind}"/>'
        + ('<w:lvlOverride w:ilvl="0"><w:startOverride w:val="1"/></w:lvlOverride>' if kind == _NUMBERS else "")
        + "</w:num>"
        for number, kind in enumerate(lists, start=1)
    )
    return f'{_XML}<w:numbering xmlns:w="{_MAIN}">{abstract}{used}</w:numbering>'
