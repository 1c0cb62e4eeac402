"""ODT, ODS and ODP: content, styles and pictures in a new archive.

``meta.xml``, ``settings.xml``, scripts, thumbnails, RDF, signatures, annotations, tracked changes (accepted),
authors, dates, fields about people and files, names of pictures and sections, alternative texts, languages, forms and
OLE objects go; hidden sheets, hidden text and hidden sections go, too. Charts and formulas, which are
documents inside the document, are cleaned like it. Styles get numbers instead of names, but for those that come with
the program.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote

from lxml import etree

from fieldreport import limits
from fieldreport.scrub.documents import archive, markup
from fieldreport.scrub.documents.links import clean_link
from fieldreport.scrub.documents.markup import Element, remove, split, unwrap
from fieldreport.scrub.documents.pictures import PictureCopies
from fieldreport.scrub.documents.vocabularies import findings, load_shared
from fieldreport.scrub.documents.xml_rewrite import Rewriting
from fieldreport.scrub.format import Cleaning, Embedded, Sink, Source
from fieldreport.scrub.verdicts import Bomb, Damaged, Refusal, Refused, Removed

_URN: Final = "urn:oasis:names:tc:opendocument:xmlns:"
_OFFICE: Final = f"{{{_URN}office:1.0}}"
_TEXT: Final = f"{{{_URN}text:1.0}}"
_TABLE: Final = f"{{{_URN}table:1.0}}"
_DRAW: Final = f"{{{_URN}drawing:1.0}}"
_STYLE: Final = f"{{{_URN}style:1.0}}"
_MANIFEST: Final = f"{_URN}manifest:1.0"
_HREF: Final = "{http://www.w3.org/1999/xlink}href"
_TYPES: Final = "application/vnd.oasis.opendocument."
_KINDS: Final = ("text", "spreadsheet", "presentation")

_VOCABULARIES: Final = load_shared("opendocument")
_FINDINGS: Final = findings()
_PICTURED: Final = frozenset(
    {f"{_DRAW}image", f"{_DRAW}fill-image", f"{_STYLE}background-image", f"{_TEXT}list-level-style-image"}
)
_DEFINED: Final = frozenset(
    f"{_DRAW}{name}" for name in ("gradient", "hatch", "fill-image", "marker", "stroke-dash", "opacity")
)
_DEFINITION_USES: Final = frozenset(
    {"fill-gradient-name", "fill-hatch-name", "fill-image-name", "marker-start", "marker-end", "stroke-dash"}
    | {"opacity-name"}
)
# Styles that come with the programs, by the names that stand in the file.
_BUILT_IN: Final = re.compile(
    r"Standard|Default|Heading(_20_\d+)?|Text_20_body|Title|Subtitle|List(_20_\w+)?|Caption|Index|Footnote|Endnote|Header|"
    r"Footer|Frame|Graphics|OLE|Internet_20_link|Table_20_(Contents|Heading)|Contents_20_\d+|Bullet_20_Symbols|s\d+"
)
_OUTSIDE: Final = re.compile(r"file:|://|\bDDE\b|\bWEBSERVICE\b", re.IGNORECASE)


def clean(untrusted_source: Source, sink: Sink, cleaning: Cleaning) -> str:
    """Write the cleaned document to ``sink``; answer which of the three it is.

    Raises:
        Refused: ``encrypted``, ``damaged``, ``bomb``.
    """
    try:
        return _Document(archive.Archive(untrusted_source, cleaning), cleaning).write(sink)
    except (etree.LxmlError, LookupError, TypeError, ValueError, RecursionError):
        raise Damaged from None


def warm() -> None:
    """Load what the libraries load on first use."""
    archive.warm()
    markup.serialise(markup.parse(b"<?xml version='1.0' encoding='UTF-8'?><a xmlns='b'>&#233;<c/></a>"))


class _Document:
    def __init__(self, old: archive.Archive, cleaning: Cleaning) -> None:
        self._old = old
        self._cleaning = cleaning
        self._members: dict[str, tuple[str, bytes]] = {}  # new name → media type, data
        self._pictures = PictureCopies(old, cleaning, name="Pictures/image{}.{}", add=self._add_picture)
        self._objects: dict[str, str | None] = {}
        self._styles: dict[str, str] = {}
        self._depth = 0
        self._pages = 0

    def write(self, sink: Sink) -> str:
        kind = self._kind()
        self._refuse_encrypted()
        self._report()
        self._part("", "styles.xml")
        self._part("", "content.xml")
        if "content.xml" not in self._members:
            raise Damaged
        media_type = f"{_TYPES}{kind}"
        members = [("mimetype", media_type.encode()), ("META-INF/manifest.xml", self._manifest(media_type))]
        members += [(name, data) for name, (_, data) in self._members.items()]
        archive.write(sink, members, stored=frozenset({"mimetype"}))
        return media_type

    def _kind(self) -> str:
        declared = self._old["mimetype"].strip().decode("ascii", "replace").removesuffix("-template")
        kind = declared.removeprefix(_TYPES)
        if kind not in _KINDS:
            raise Damaged
        return kind

    def _refuse_encrypted(self) -> None:
        if "META-INF/manifest.xml" in self._old:
            manifest = markup.parse(self._old["META-INF/manifest.xml"])
            if next(manifest.iter(f"{{{_MANIFEST}}}encryption-data"), None) is not None:
                raise Refused(Refusal.ENCRYPTED)

    def _report(self) -> None:
        removed = self._cleaning.removed
        for name in self._old:
            if name == "meta.xml":
                removed |= {Removed.AUTHOR, Removed.TIME, Removed.SOFTWARE}
            elif name.startswith("Thumbnails/"):
                removed.add(Removed.THUMBNAIL)
            elif name.startswith(("Basic/", "Scripts/")):
                removed.add(Removed.SCRIPT)
            elif name == "META-INF/documentsignatures.xml":
                removed.add(Removed.AUTHOR)
            elif name == "settings.xml":
                removed.add(Removed.DEVICE)  # the printer's name and settings

    def _part(self, folder: str, name: str, *, new_folder: str = "") -> None:
        """Clean ``content.xml`` or ``styles.xml`` of the document or of one inside it."""
        if f"{folder}{name}" not in self._old:
            return
        root = markup.parse(self._old[f"{folder}{name}"])
        _drop_hidden(root, self._cleaning.removed)
        _settle_bookmarks(root)
        self._settle_frames(root, folder)
        self._settle_links(root)
        rewriting = Rewriting(
            _VOCABULARIES, removed=self._cleaning.removed, findings=_FINDINGS, attribute=self._attribute
        )
        self._members[f"{new_folder}{name}"] = ("text/xml", rewriting.rewrite(root))

    def _settle_frames(self, root: Element, folder: str) -> None:
        """Pictures and documents inside the document; a frame in which nothing is left goes."""
        for element in list(root.iter(*_PICTURED, f"{_DRAW}object")):
            href = str(element.get(_HREF, ""))
            if element.tag == f"{_DRAW}object":
                new = self._inner(href, folder)
            elif not href and next(element.iter(f"{_OFFICE}binary-data"), None) is None:
                continue  # a background without a picture
            else:
                new = self._pictures.copy(archive.resolve(folder, href))
            if new is not None:
                element.set(_HREF, new)
                continue
            self._cleaning.removed.add(Removed.EMBEDDED_FILE)
            frame = element.getparent()
            remove(element)
            if (
                frame is not None
                and frame.tag == f"{_DRAW}frame"
                and not any(split(str(child.tag))[1] in {"image", "object", "text-box", "table"} for child in frame)
            ):
                remove(frame)

    def _add_picture(self, name: str, picture: Embedded) -> None:
        self._members[name] = (picture.media_type, picture.data)

    def _inner(self, href: str, folder: str) -> str | None:
        path = archive.resolve(folder, href)
        if path not in self._objects and f"{path}/content.xml" in self._old:
            self._depth += 1
            if self._depth > limits.ARCHIVE_DEPTH:
                raise Bomb
            name = f"Object {len(self._objects) + 1}"
            self._objects[path] = name
            self._part(f"{path}/", "styles.xml", new_folder=f"{name}/")
            self._part(f"{path}/", "content.xml", new_folder=f"{name}/")
            self._members[f"{name}/"] = (f"{_TYPES}chart", b"")
            self._depth -= 1
        found = self._objects.get(path)
        return None if found is None else f"./{found}"

    def _settle_links(self, root: Element) -> None:
        for link in list(root.iter(f"{_TEXT}a", f"{_DRAW}a")):
            href = str(link.get(_HREF, ""))
            kept = href if re.fullmatch(r"#b\d+", href) else clean_link(href)
            if kept != href:
                self._cleaning.removed.add(Removed.LINKS)
            if kept is None:
                _unwrap_mixed(link)
            else:
                link.set(_HREF, kept)

    def _attribute(self, element: Element, name: str, value: str) -> str | None:
        namespace, local = split(name)
        tag = str(element.tag)
        if name == _HREF:
            known = tag in _PICTURED or tag in {f"{_DRAW}object", f"{_TEXT}a", f"{_DRAW}a"}
            return value if known else None
        if local.endswith(("style-name", "page-layout-name", "master-page-name", "style-names", "style-override")) or (
            name == f"{_STYLE}name" and tag != f"{_STYLE}font-face"
        ):
            return " ".join(self._style(word) for word in value.split())
        if name == f"{_DRAW}name" and tag == f"{_DRAW}page":
            self._pages += 1
            return f"page{self._pages}"
        if name == f"{_DRAW}name":
            return self._style(value) if tag in _DEFINED else None
        if namespace == f"{_URN}drawing:1.0" and local in _DEFINITION_USES:
            return self._style(value)
        if name == f"{_TEXT}name":
            return value if re.fullmatch(r"b\d+", value) else "n"
        if name == f"{_TABLE}name" and tag == f"{_TABLE}table" and not self._is_sheet(element):
            return value if value == "local-table" else "Table"  # the data of a chart is found by its name
        if local in {"formula", "expression", "condition"} and _OUTSIDE.search(value) is not None:
            self._cleaning.removed.add(Removed.LINKS)
            return None
        return value

    @staticmethod
    def _is_sheet(element: Element) -> bool:
        parent = element.getparent()
        return parent is not None and parent.tag == f"{_OFFICE}spreadsheet"

    def _style(self, name: str) -> str:
        if _BUILT_IN.fullmatch(name) is not None and not re.fullmatch(r"s\d+", name):
            return name
        return self._styles.setdefault(name, f"s{len(self._styles) + 1}")

    def _manifest(self, media_type: str) -> bytes:
        root = etree.Element(f"{{{_MANIFEST}}}manifest", nsmap={"manifest": _MANIFEST})
        root.set(f"{{{_MANIFEST}}}version", "1.3")
        entries = [("/", media_type), *((name, kind) for name, (kind, _) in self._members.items())]
        for name, kind in entries:
            entry = etree.SubElement(root, f"{{{_MANIFEST}}}file-entry")
            entry.set(f"{{{_MANIFEST}}}full-path", name)
            entry.set(f"{{{_MANIFEST}}}media-type", kind)
        self._members = {name: member for name, member in self._members.items() if not name.endswith("/")}
        return markup.serialise(root)


def _drop_hidden(root: Element, removed: set[Removed]) -> None:
    """Sheets, sections and text that the document does not show."""
    hidden_styles: set[str] = set()
    for properties in root.iter(f"{_STYLE}table-properties", f"{_STYLE}text-properties"):
        style = properties.getparent()
        shown = properties.get(f"{_TABLE}display") != "false" and properties.get(f"{_TEXT}display") != "none"
        if style is not None and not shown:
            hidden_styles.add(str(style.get(f"{_STYLE}name", "")))
    for element in list(root.iter(f"{_TABLE}table", f"{_TEXT}span", f"{_TEXT}section", f"{_TEXT}p")):
        names = {str(element.get(f"{_TABLE}style-name", "")), str(element.get(f"{_TEXT}style-name", ""))}
        if names & hidden_styles or element.get(f"{_TEXT}display") == "none":
            removed.add(Removed.HIDDEN_CONTENT)
            remove(element)


def _settle_bookmarks(root: Element) -> None:
    """Number the bookmarks that links lead to; the others go."""
    wanted: dict[str, str] = {}
    for link in root.iter(f"{_TEXT}a"):
        href = unquote(str(link.get(_HREF, "")))
        if href.startswith("#"):
            target = href[1:].partition("|")[0]
            link.set(_HREF, "#" + wanted.setdefault(target, f"b{len(wanted) + 1}"))
    for mark in list(root.iter(f"{_TEXT}bookmark", f"{_TEXT}bookmark-start", f"{_TEXT}bookmark-end")):
        name = str(mark.get(f"{_TEXT}name", ""))
        if name in wanted:
            mark.set(f"{_TEXT}name", wanted[name])
        else:
            remove(mark)


def _unwrap_mixed(element: Element) -> None:
    """Put an element's text and children in its place."""
    parent, previous = element.getparent(), element.getprevious()
    if parent is None:
        return
    if element.text:
        if previous is not None:
            previous.tail = (previous.tail or "") + element.text
        else:
            parent.text = (parent.text or "") + element.text
    if len(element) and element.tail:
        element[-1].tail = (element[-1].tail or "") + element.tail
        element.tail = None
    if len(element):
        unwrap(element)
    else:
        remove(element)
