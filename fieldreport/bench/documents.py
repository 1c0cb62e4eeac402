"""Texts, pages, office documents and archives to measure the scrubber with, written out here."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final, Literal

_OFFICE: Final = "http://schemas.openxmlformats.org"
_RELATIONS: Final = f"{_OFFICE}/officeDocument/2006/relationships"
_PACKAGE: Final = f"{_OFFICE}/package/2006"
_OASIS: Final = "urn:oasis:names:tc:opendocument:xmlns"
_LINES: Final = tuple(f"At {number} minutes past the hour a lorry crossed the bridge." for number in range(200))


def documents(photo: Callable[[], bytes]) -> Mapping[str, Callable[[], bytes]]:
    """The usual ending of each type's files to what makes one; ``photo`` is a JPEG that some of them hold."""
    return {
        "xlsx": _xlsx,
        "pptx": _pptx,
        "odt": _odt,
        "epub": _epub,
        "rtf": _rtf,
        "html": _html,
        "svg": _svg,
        "txt": lambda: "\n".join(_LINES).encode(),
        "zip": lambda: _zip({"notes.txt": "\n".join(_LINES), "photo.jpg": photo(), "list.xlsx": _xlsx()}),
        "tar.gz": partial(_tar, photo),
    }


def _html() -> bytes:
    rows = "".join(f'<p class="entry" id="p{number}">{line}</p>' for number, line in enumerate(_LINES))
    head = '<head><title>Notes</title><meta name="author" content="Somebody"/></head>'
    return f"<!doctype html><html>{head}<body>{rows}</body></html>".encode()


def _svg() -> bytes:
    shapes = "".join(f'<rect id="r{number}" x="{number}" y="{number}" width="5" height="5"/>' for number in range(200))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="200" height="200"><title>By somebody</title>{shapes}</svg>'
    ).encode()


def _rtf() -> bytes:
    text = "".join(f"\\pard {line}\\par\n" for line in _LINES)
    return f"{{\\rtf1\\ansi{{\\info{{\\author Somebody}}}}{{\\fonttbl{{\\f0 Arial;}}}}\\f0 {text}}}".encode()


def _epub() -> bytes:
    container = (
        '<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
        '<rootfile full-path="content.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
    )
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="i">'
        '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:identifier id="i">x</dc:identifier><dc:title>Notes'
        "</dc:title><dc:creator>Somebody</dc:creator><dc:language>en</dc:language></metadata><manifest>"
        '<item id="n" href="n.xhtml" media-type="application/xhtml+xml" properties="nav"/>'
        '<item id="c" href="c.xhtml" media-type="application/xhtml+xml"/></manifest>'
        '<spine><itemref idref="c"/></spine></package>'
    )
    page = '<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops"><head><title>Notes</title>'
    chapter = "".join(f"<p>{line}</p>" for line in _LINES)
    contents = '<nav epub:type="toc"><ol><li><a href="c.xhtml">Notes</a></li></ol></nav>'
    return _zip(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": container,
            "content.opf": package,
            "n.xhtml": f"{page}</head><body>{contents}</body></html>",
            "c.xhtml": f"{page}</head><body>{chapter}</body></html>",
        }
    )


def _tar(photo: Callable[[], bytes], mode: Literal["w", "w:gz"] = "w:gz") -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode=mode) as archive:
        for name, data in (("notes.txt", "\n".join(_LINES).encode()), ("photo.jpg", photo())):
            member = tarfile.TarInfo(name)
            member.size, member.uname, member.mtime = len(data), "somebody", 1_780_000_000
            archive.addfile(member, io.BytesIO(data))
    return target.getvalue()


def _zip(parts: Mapping[str, str | bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            stored = zipfile.ZIP_STORED if name == "mimetype" else zipfile.ZIP_DEFLATED
            archive.writestr(name, text, stored)
    return target.getvalue()


def _relations(*targets: tuple[str, str]) -> str:
    rows = "".join(
        f'<Relationship Id="rId{number}" Type="{_RELATIONS}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(targets, start=1)
    )
    return f'<?xml version="1.0"?><Relationships xmlns="{_PACKAGE}/relationships">{rows}</Relationships>'


def _types(family: str, *overrides: tuple[str, str]) -> str:
    prefix = f"application/vnd.openxmlformats-officedocument.{family}"
    rows = "".join(f'<Override PartName="{part}" ContentType="{prefix}.{kind}+xml"/>' for part, kind in overrides)
    return (
        f'<?xml version="1.0"?><Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>{rows}</Types>'
    )


def _xlsx() -> bytes:
    main = f"{_OFFICE}/spreadsheetml/2006/main"
    cells = "".join(
        f'<row r="{row}"><c r="A{row}" t="inlineStr"><is><t>entry {row}</t></is></c>'
        f'<c r="B{row}"><v>{row}</v></c></row>'
        for row in range(1, 501)
    )
    return _zip(
        {
            "[Content_Types].xml": _types(
                "spreadsheetml", ("/xl/workbook.xml", "sheet.main"), ("/xl/worksheets/sheet1.xml", "worksheet")
            ),
            "_rels/.rels": _relations(("officeDocument", "xl/workbook.xml")),
            "docProps/core.xml": f'<cp:coreProperties xmlns:cp="{_PACKAGE}/metadata/core-properties" '
            'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:creator>Somebody</dc:creator></cp:coreProperties>',
            "xl/workbook.xml": f'<?xml version="1.0"?><workbook xmlns="{main}" xmlns:r="{_RELATIONS}">'
            '<sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>',
            "xl/_rels/workbook.xml.rels": _relations(("worksheet", "worksheets/sheet1.xml")),
            "xl/worksheets/sheet1.xml": f'<?xml version="1.0"?><worksheet xmlns="{main}"><sheetData>{cells}</sheetData>'
            "</worksheet>",
        }
    )


def _pptx() -> bytes:
    main, draw = f"{_OFFICE}/presentationml/2006/main", f"{_OFFICE}/drawingml/2006/main"
    spaces = f'xmlns:p="{main}" xmlns:a="{draw}" xmlns:r="{_RELATIONS}"'
    group = '<p:nvGrpSpPr><p:cNvPr id="1" name=""/><p:cNvGrpSpPr/><p:nvPr/></p:nvGrpSpPr><p:grpSpPr/>'
    slides = range(1, 11)
    parts = {
        "[Content_Types].xml": _types(
            "presentationml",
            ("/ppt/presentation.xml", "presentation.main"),
            *((f"/ppt/slides/slide{number}.xml", "slide") for number in slides),
        ),
        "_rels/.rels": _relations(("officeDocument", "ppt/presentation.xml")),
        "ppt/presentation.xml": f'<?xml version="1.0"?><p:presentation {spaces}><p:sldIdLst>'
        + "".join(f'<p:sldId id="{255 + number}" r:id="rId{number}"/>' for number in slides)
        + '</p:sldIdLst><p:sldSz cx="9144000" cy="6858000"/><p:notesSz cx="6858000" cy="9144000"/></p:presentation>',
        "ppt/_rels/presentation.xml.rels": _relations(*(("slide", f"slides/slide{number}.xml") for number in slides)),
    }
    for number in slides:
        shape = (
            f'<p:sp><p:nvSpPr><p:cNvPr id="2" name="Title of somebody"/><p:cNvSpPr/><p:nvPr/></p:nvSpPr><p:spPr/>'
            f"<p:txBody><a:bodyPr/><a:p><a:r><a:t>slide {number}</a:t></a:r></a:p></p:txBody></p:sp>"
        )
        parts[f"ppt/slides/slide{number}.xml"] = (
            f'<?xml version="1.0"?><p:sld {spaces}><p:cSld><p:spTree>{group}{shape}</p:spTree></p:cSld></p:sld>'
        )
    return _zip(parts)


def _odt() -> bytes:
    body = "".join(f"<text:p>paragraph {number}</text:p>" for number in range(300))
    return _opendocument("text", f"<office:text>{body}</office:text>")


def _opendocument(kind: str, body: str) -> bytes:
    media_type = f"application/vnd.oasis.opendocument.{kind}"
    spaces = f'xmlns:office="{_OASIS}:office:1.0" ' + " ".join(
        f'xmlns:{name}="{_OASIS}:{space}:1.0"'
        for name, space in (("text", "text"), ("table", "table"), ("draw", "drawing"), ("meta", "meta"))
    )
    return _zip(
        {
            "mimetype": media_type,
            "META-INF/manifest.xml": f'<?xml version="1.0"?><manifest:manifest xmlns:manifest="{_OASIS}:manifest:1.0" '
            f'manifest:version="1.2"><manifest:file-entry manifest:full-path="/" manifest:media-type="{media_type}"/>'
            '<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/>'
            '<manifest:file-entry manifest:full-path="meta.xml" manifest:media-type="text/xml"/></manifest:manifest>',
            "content.xml": f'<?xml version="1.0"?><office:document-content {spaces} office:version="1.2"><office:body>'
            f"{body}</office:body></office:document-content>",
            "meta.xml": f'<?xml version="1.0"?><office:document-meta {spaces} office:version="1.2"><office:meta>'
            "<meta:initial-creator>Somebody</meta:initial-creator></office:meta></office:document-meta>",
        }
    )
