"""The document itself: opening, pages, annotations, and writing in a form that only its content decides."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from typing import Any, BinaryIO, Final, cast

import pikepdf
from pikepdf import Array, Dictionary, Name, Stream

from fieldreport import limits
from fieldreport.scrub.documents.pdf import values
from fieldreport.scrub.documents.pdf.appearances import Appearances, appearance, shown_value
from fieldreport.scrub.documents.pdf.bounds import check_streams, set_library_limits
from fieldreport.scrub.documents.pdf.graphics import Graphics
from fieldreport.scrub.documents.pdf.links import clean_annotation, named_destinations
from fieldreport.scrub.format import Cleaning, Sink
from fieldreport.scrub.images import metadata
from fieldreport.scrub.verdicts import Bomb, Damaged, Refusal, Refused, Removed

__all__ = ["rewrite", "set_library_limits"]

VERSION: Final = "1.7"
_STATIC_ID: Final = bytes.fromhex("31415926535897932384626433832795")  # qpdf's constant, on every cleaned document
_FIELDS: Final = 100_000  # of a form that are looked at
_LETTER: Final = (0, 0, 612, 792)  # where a page names no size, ISO 32000-1 leaves it to the viewer

# Annotations whose drawing becomes part of the page. All others go.
_DRAWN: Final = frozenset(
    {"/Widget", "/FreeText", "/Highlight", "/Underline", "/StrikeOut", "/Squiggly", "/Ink", "/Line", "/Square"}
    | {"/Circle", "/Polygon", "/PolyLine", "/Stamp", "/Caret", "/Watermark", "/PrinterMark"}
    | {"/FileAttachment", "/Sound", "/Movie", "/Screen", "/RichMedia", "/3D"}
)
_LOST: Final = dict.fromkeys(
    ("/FileAttachment", "/Sound", "/Movie", "/Screen", "/RichMedia", "/3D"), Removed.EMBEDDED_FILE
)  # what they play or hold; pictures of it stay
_INVISIBLE, _HIDDEN, _NO_VIEW = 1, 2, 32  # annotation flags (table 165); the first is for types that nobody knows
_INFORMATION: Final = {
    "/Author": Removed.AUTHOR,
    "/Creator": Removed.SOFTWARE,
    "/Producer": Removed.SOFTWARE,
    "/CreationDate": Removed.TIME,
    "/ModDate": Removed.TIME,
    "/Title": Removed.DESCRIPTION,
    "/Subject": Removed.DESCRIPTION,
    "/Keywords": Removed.DESCRIPTION,
}
_CATALOGUE: Final = {
    "/Metadata": Removed.OTHER_METADATA,
    "/PieceInfo": Removed.OTHER_METADATA,
    "/StructTreeRoot": Removed.READ_ALOUD,
    "/Outlines": Removed.DESCRIPTION,
    "/OpenAction": Removed.SCRIPT,
    "/AA": Removed.SCRIPT,
    "/AF": Removed.EMBEDDED_FILE,
    "/Collection": Removed.EMBEDDED_FILE,
    "/Lang": Removed.OTHER_METADATA,
    "/Perms": Removed.AUTHOR,
}
_PAGE: Final = {
    "/Metadata": Removed.OTHER_METADATA,
    "/PieceInfo": Removed.OTHER_METADATA,
    "/Thumb": Removed.THUMBNAIL,
    "/AA": Removed.SCRIPT,
    "/LastModified": Removed.TIME,
    "/AF": Removed.EMBEDDED_FILE,
}


def rewrite(untrusted: bytes, sink: Sink, cleaning: Cleaning) -> bool:
    """Write a new document with the pages of the old one; answer whether words in it may be pale."""
    check_streams(untrusted)
    with _open(untrusted) as old, pikepdf.new() as new:
        if len(old.pages) > limits.PDF_PAGES:
            raise Bomb
        if len(old.pages) == 0:
            raise Damaged
        _report(untrusted, old, cleaning.removed)
        _check_form(old, cleaning.removed)
        graphics = Graphics(old, new, cleaning)
        graphics.read_aloud = Removed.READ_ALOUD in cleaning.removed
        _report_credentials(old, graphics, cleaning.removed)
        links = _prepare_annotations(old, graphics, cleaning.removed)
        pages = _copy_pages(old, new, graphics)
        _copy_links(links, pages, old, cleaning.removed)
        cleaning.removed |= {Removed.READ_ALOUD} if graphics.read_aloud else set()
        # No object streams: every object of the result can be read by simple means, ours and a stranger's.
        file = io.BufferedWriter(sink, limits.SCRUB_COPY_BYTES)  # qpdf writes in pieces of a few bytes
        new.save(
            cast("BinaryIO", file),
            static_id=True,
            force_version=VERSION,
            object_stream_mode=pikepdf.ObjectStreamMode.disable,
            stream_decode_level=pikepdf.StreamDecodeLevel.none,
            compress_streams=True,
            fix_metadata_version=False,
        )
        file.detach()
        cleaning.counted = len(old.pages) << 64 | len(graphics.pictures) << 32 | graphics.shown  # as ``verify`` counts
        return graphics.pale


def _open(untrusted: bytes) -> pikepdf.Pdf:
    set_library_limits()
    try:
        return pikepdf.open(io.BytesIO(untrusted), suppress_warnings=True)
    except pikepdf.PasswordError:
        raise Refused(Refusal.ENCRYPTED) from None
    except pikepdf.PikepdfError as error:
        # One for the holders of certificates, or by another program's handler: qpdf has no class for it.
        raise Refused(Refusal.ENCRYPTED if "unsupported encryption" in str(error) else Refusal.DAMAGED) from None


def _report(untrusted: bytes, old: pikepdf.Pdf, removed: set[Removed]) -> None:
    """What is in the document next to its pages; none of it is carried over."""
    information = old.trailer.get("/Info")
    if isinstance(information, Dictionary):
        removed |= {_INFORMATION.get(key, Removed.OTHER_METADATA) for key in information.keys()}  # noqa: SIM118 - walked itself, it is typed as objects
    removed |= {meaning for key, meaning in _CATALOGUE.items() if key in old.Root}
    if isinstance(names := old.Root.get("/Names"), Dictionary):
        removed |= {Removed.SCRIPT} if "/JavaScript" in names else set()
        removed |= {Removed.EMBEDDED_FILE} if "/EmbeddedFiles" in names else set()
    if untrusted.count(b"startxref") > 1 and "/Prev" in old.trailer and b"/Linearized" not in untrusted[:1024]:
        removed.add(Removed.HISTORY)
    identifiers = old.trailer.get("/ID")
    if isinstance(identifiers, Array) and not all(bytes(item) == _STATIC_ID for item in identifiers):
        removed.add(Removed.IDENTIFIERS)
    for page in old.pages:
        removed |= {meaning for key, meaning in _PAGE.items() if key in page.obj}


def _report_credentials(old: pikepdf.Pdf, graphics: Graphics, removed: set[Removed]) -> None:
    """Content Credentials: the file that the catalogue says is attached as such (C2PA 2.2, A.4)."""
    attached = old.Root.get("/AF")
    for file in attached if isinstance(attached, Array) else ():
        if isinstance(file, Dictionary) and file.get("/AFRelationship") == Name("/C2PA_Manifest"):
            stream = file.get("/EF", Dictionary()).get("/F")
            with contextlib.suppress(Damaged):
                removed |= metadata.in_credentials(graphics.plain(stream)) if isinstance(stream, Stream) else set()


def _prepare_annotations(old: pikepdf.Pdf, graphics: Graphics, removed: set[Removed]) -> list[list[Any]]:
    """Draw into the pages what is drawn on them; answer the links of every page; drop the rest."""
    appearances = Appearances(old)
    links: list[list[Any]] = []
    on_pages: set[tuple[int, int]] = set()
    for page in old.pages:
        found, drawn = [], []
        annotations = _annotations(page.obj)
        for annotation in annotations:
            kind = values.spelled(annotation.get("/Subtype"))
            if _is_hidden(annotation, graphics):
                shows = kind == "/Link" or appearances.draw(annotation) or shown_value(annotation)
                removed |= _remarks(annotation) | ({Removed.HIDDEN_CONTENT} if shows and kind != "/Popup" else set())
            elif kind == "/Link":
                found.append(annotation)
                drawn += [annotation] if appearance(annotation) is not None else []
            elif kind in _DRAWN and appearances.draw(annotation):
                drawn.append(annotation)
                removed |= _remarks(annotation) | ({_LOST[kind]} if kind in _LOST else set())
            elif kind == "/Widget":
                removed |= _remarks(annotation) | ({Removed.HIDDEN_CONTENT} if shown_value(annotation) else set())
            elif kind != "/Popup":
                removed.add(_LOST.get(kind, Removed.COMMENTS))
        links.append(found)
        page.obj.Annots = Array(drawn)
        on_pages |= {annotation.objgen for annotation in annotations}
    if any(shown_value(field) for field in _fields(old.Root) if field.objgen not in on_pages):
        removed.add(Removed.HIDDEN_CONTENT)
    old.flatten_annotations("screen")
    return links


def _fields(root: Any) -> Iterator[Any]:
    """The fields of a form that have no others below them, whether they are on a page or not."""
    pending = [values.entry(root, "/AcroForm", "/Fields")]
    for _ in range(_FIELDS):
        if not pending:
            return
        found = pending.pop()
        if isinstance(found, Array):
            pending.extend(found)
        elif isinstance(found, Dictionary) and isinstance(kids := found.get("/Kids"), Array):
            pending.append(kids)
        elif isinstance(found, Dictionary):
            yield found


def _annotations(page: Any) -> list[Any]:
    annotations = page.get("/Annots")
    return [item for item in (annotations if isinstance(annotations, Array) else ()) if isinstance(item, Dictionary)]


def _is_hidden(annotation: Any, graphics: Graphics) -> bool:
    flags = values.integer(annotation.get("/F")) or 0
    annotation.F = flags & ~_INVISIBLE
    return bool(flags & (_HIDDEN | _NO_VIEW)) or graphics.hidden(annotation.get("/OC"))


def _remarks(annotation: Any) -> set[Removed]:
    """What a drawn remark says apart from its drawing."""
    widget = annotation.get("/Subtype") == Name.Widget
    table = {
        "/T": Removed.OTHER_METADATA if widget else Removed.AUTHOR,
        "/Contents": Removed.COMMENTS,
        "/M": Removed.TIME,
        "/CreationDate": Removed.TIME,
        "/A": Removed.SCRIPT,
        "/AA": Removed.SCRIPT,
    }
    signed = widget and values.inherited(annotation, "/FT") == Name.Sig
    return {meaning for key, meaning in table.items() if key in annotation} | ({Removed.AUTHOR} if signed else set())


def _check_form(old: pikepdf.Pdf, removed: set[Removed]) -> None:
    """XFA, a second form language in PDF: its words are not in pages that were made for programs which know it.

    Raises:
        Refused: ``form`` when the pages show nothing of what was filled in.
    """
    if values.entry(old.Root, "/AcroForm", "/XFA") is None:
        return
    kinds = (values.spelled(item.get("/Subtype")) for page in old.pages for item in _annotations(page.obj))
    if values.boolean(old.Root.get("/NeedsRendering")) or "/Widget" not in kinds:
        raise Refused(Refusal.FORM)
    removed.add(Removed.HIDDEN_CONTENT)


def _copy_pages(old: pikepdf.Pdf, new: pikepdf.Pdf, graphics: Graphics) -> dict[tuple[int, int], Any]:
    """Add every page to the new document; answer which old page became which new one."""
    pages: dict[tuple[int, int], Any] = {}
    for page in old.pages:
        content, resources = graphics.content(_content(page.obj, graphics), values.inherited(page.obj, "/Resources"))
        kept = Dictionary(Type=Name.Page, MediaBox=_box(page.obj, "/MediaBox") or Array(_LETTER))
        if (crop := _box(page.obj, "/CropBox")) is not None:
            kept.CropBox = crop
        if (turn := values.integer(values.inherited(page.obj, "/Rotate"))) and turn % 90 == 0:
            kept.Rotate = turn % 360
        if (unit := values.number(page.obj.get("/UserUnit"))) is not None:
            kept.UserUnit = unit
        group = page.obj.get("/Group")
        if isinstance(group, Dictionary) and group.get("/S") == Name.Transparency:
            kept.Group = graphics.group(group)
        kept.Resources = resources
        kept.Contents = new.make_stream(content)
        new.pages.append(pikepdf.Page(new.make_indirect(kept)))
        pages.setdefault(page.obj.objgen, new.pages[-1].obj)
    return pages


def _box(page: Any, key: str) -> Array | None:
    box = values.numbers(values.inherited(page, key))
    return box if box is not None and len(box) == 4 else None


def _content(page: Any, graphics: Graphics) -> bytes:
    contents = page.get("/Contents")
    streams = list(contents) if isinstance(contents, Array) else [contents]
    pieces: list[bytes] = []
    length = 0
    for stream in streams:
        if isinstance(stream, Stream):
            pieces.append(graphics.plain(stream))
            length += len(pieces[-1])
            if length > limits.PDF_CONTENT_BYTES:
                raise Bomb
    return b"\n".join(pieces)


def _copy_links(
    links: list[list[Any]], pages: dict[tuple[int, int], Any], old: pikepdf.Pdf, removed: set[Removed]
) -> None:
    names = named_destinations(old.Root)
    for old_page, found in zip(old.pages, links, strict=True):
        new_page = pages[old_page.obj.objgen]
        kept = [
            link
            for annotation in found
            if (link := clean_annotation(annotation, pages=pages, names=names, removed=removed)) is not None
        ]
        if kept:
            new_page.Annots = Array(kept)
