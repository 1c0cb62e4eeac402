"""Files to measure the scrubber with: of each family one that a phone or an office would make, with metadata in it.

Nothing here is random but the noise in the pictures, and that comes from a fixed seed.
"""

from __future__ import annotations

import importlib
import importlib.util
import io
import random
import zipfile
from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import Final

import pillow_heif
from PIL import Image

_OFFICE: Final = "http://schemas.openxmlformats.org"
_RELATIONS: Final = f"{_OFFICE}/officeDocument/2006/relationships"
_PACKAGE: Final = f"{_OFFICE}/package/2006"
_OASIS: Final = "urn:oasis:names:tc:opendocument:xmlns"


def samples() -> Mapping[str, Callable[[], bytes]]:
    """The usual ending of each type's files to what makes one."""
    return {
        "jpg": lambda: _picture("JPEG", quality=90, exif=_exif()),
        "png": lambda: _picture("PNG", exif=_exif()),
        "gif": lambda: _picture("GIF", comment=b"by the author"),
        "webp": lambda: _picture("WEBP", exif=_exif()),
        "tiff": lambda: _picture("TIFF"),
        "bmp": lambda: _picture("BMP"),
        "heic": _heic,
        "pdf": lambda: _shipped("rota.pdf"),
        "docx": lambda: _shipped("statement.docx"),
        "xlsx": _xlsx,
        "pptx": _pptx,
        "odt": _odt,
        **_recorded(),
    }


def _recorded() -> Mapping[str, Callable[[], bytes]]:
    """Recordings and films, where what encodes them is installed: the program itself never does."""
    if importlib.util.find_spec("av") is None:
        return {}
    return importlib.import_module("fieldreport.cli.bench.recorded").recorded()  # type: ignore[no-any-return]


def _shipped(name: str) -> bytes:
    return (files("fieldreport.cli") / "samples" / "en" / name).read_bytes()


def _image() -> Image.Image:
    noise = random.Random(7).randbytes(160 * 120 * 3)  # noqa: S311 - a picture, not a secret
    return Image.frombytes("RGB", (160, 120), noise).resize((640, 480), Image.Resampling.BICUBIC)


def _exif() -> Image.Exif:
    exif = Image.Exif()
    exif[271], exif[272], exif[306] = "Maker", "Model", "2026:09:14 21:47:03"
    exif.get_ifd(0x8825).update({1: "N", 2: (41.0, 24.0, 0.0), 3: "E", 4: (128.0, 10.0, 0.0)})
    return exif


def _picture(kind: str, **options: object) -> bytes:
    target = io.BytesIO()
    _image().save(target, kind, **options)
    return target.getvalue()


def _heic() -> bytes:
    target = io.BytesIO()
    pillow_heif.from_pillow(_image()).save(target, exif=_exif().tobytes())
    return target.getvalue()


def _zip(parts: Mapping[str, str]) -> bytes:
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
    kind = "application/vnd.oasis.opendocument.text"
    spaces = f'xmlns:office="{_OASIS}:office:1.0" xmlns:text="{_OASIS}:text:1.0" xmlns:meta="{_OASIS}:meta:1.0"'
    body = "".join(f"<text:p>paragraph {number}</text:p>" for number in range(300))
    return _zip(
        {
            "mimetype": kind,
            "META-INF/manifest.xml": f'<?xml version="1.0"?><manifest:manifest xmlns:manifest="{_OASIS}:manifest:1.0" '
            f'manifest:version="1.2"><manifest:file-entry manifest:full-path="/" manifest:media-type="{kind}"/>'
            '<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/>'
            '<manifest:file-entry manifest:full-path="meta.xml" manifest:media-type="text/xml"/></manifest:manifest>',
            "content.xml": f'<?xml version="1.0"?><office:document-content {spaces} office:version="1.2"><office:body>'
            f"<office:text>{body}</office:text></office:body></office:document-content>",
            "meta.xml": f'<?xml version="1.0"?><office:document-meta {spaces} office:version="1.2"><office:meta>'
            "<meta:initial-creator>Somebody</meta:initial-creator></office:meta></office:document-meta>",
        }
    )
