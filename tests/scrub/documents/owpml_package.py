"""Makes HWPX documents, as Hangul packs them."""

from __future__ import annotations

from collections.abc import Mapping

from tests.scrub.documents.planted import packed

YEAR = "http://www.hancom.co.kr/hwpml/2011"
_METADATA = (
    '<opf:title>{0}</opf:title><opf:language>ko</opf:language><opf:meta name="creator" content="text">{0}</opf:meta>'
    '<opf:meta name="lastsaveby" content="text">{0}</opf:meta><opf:meta name="CreatedDate">{0}</opf:meta>'
    '<opf:meta name="date" content="text">{0}</opf:meta><opf:meta name="keyword" content="text">{0}</opf:meta>'
)


def paragraph(inside: str, look: int = 0) -> str:
    """A paragraph of one run; ``look``: the id of the look of its letters."""
    return f'<hp:p id="0"><hp:run charPrIDRef="{look}">{inside}</hp:run></hp:p>'


def words(text: str) -> str:
    """A paragraph that says no more than this."""
    return paragraph(f"<hp:t>{text}</hp:t>")


def hwpx(
    *sections: str,
    told: str = "",
    files: Mapping[str, bytes] | None = None,
    looks: str = "",
    spine: int | None = None,
    more: Mapping[str, bytes] | None = None,
    namespace: str = YEAR,
) -> bytes:
    """A document of sections, of which it lists the first ``spine``, or all.

    ``told``: what it says outside of its pages, wherever it can. ``files``: pictures by their ids. ``looks``: of
    letters, in its header. ``more``: members beside the usual ones.
    """
    spaces = " ".join(
        f'xmlns:{prefix}="{namespace}/{name}"'
        for prefix, name in {"hs": "section", "hp": "paragraph", "hc": "core", "hh": "head"}.items()
    )
    files = files or {}
    items = [f'<opf:item id="section{n}" href="Contents/section{n}.xml"/>' for n in range(len(sections))]
    items += [f'<opf:item id="{name}" href="BinData/{name}.jpg" isEmbeded="1"/>' for name in files]
    listed = "".join(f'<opf:itemref idref="section{n}"/>' for n in range(len(sections) if spine is None else spine))
    package = (
        f'<opf:package xmlns:opf="http://www.idpf.org/2007/opf/"><opf:metadata>{_METADATA.format(told)}</opf:metadata>'
        f"<opf:manifest>{''.join(items)}</opf:manifest><opf:spine>{listed}</opf:spine></opf:package>"
    )
    changes = (
        f'<hh:trackChange type="Delete" date="{told}" authorID="1"/><hh:trackChangeAuthor name="{told}"/>'
        if told
        else ""
    )
    header = f'<hh:head {spaces}>{looks}{changes}<hh:docOption><hh:linkinfo path="{told}"/></hh:docOption></hh:head>'
    members = {
        "mimetype": b"application/hwp+zip",
        "version.xml": f'<version application="{told}"/>'.encode(),
        "Contents/header.xml": header.encode(),
        "Contents/content.hpf": package.encode(),
        "Preview/PrvText.txt": told.encode("utf-16-le"),
        "Scripts/headerScripts.js": told.encode(),
        "settings.xml": f"<settings>{told}</settings>".encode(),
    }
    members |= {
        f"Contents/section{n}.xml": f"<hs:sec {spaces}>{each}</hs:sec>".encode() for n, each in enumerate(sections)
    }
    return packed(members | {f"BinData/{name}.jpg": data for name, data in files.items()} | dict(more or {}))
