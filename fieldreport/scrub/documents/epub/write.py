"""EPUB: the chapters in their order, their style sheets and pictures, in a new book that says nothing about itself.

The package document, the container and the table of contents are new: publisher, author, title, identifiers, dates and
the programs that made the book go, as do scripts, fonts, sound, films, page maps, comments and alternative texts. The
cover stays, and how pages are laid out. Names and classes become numbers. A book with rights management is refused.
"""

from __future__ import annotations

import codecs
import html
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from lxml import etree
from typing_extensions import override

from fieldreport.scrub.documents import archive, css_crops, markup, pictures
from fieldreport.scrub.documents.css import Styles
from fieldreport.scrub.documents.epub import pages
from fieldreport.scrub.documents.links import clean_link
from fieldreport.scrub.documents.markup import Element
from fieldreport.scrub.documents.names import Names
from fieldreport.scrub.documents.shown import Counting, Shown
from fieldreport.scrub.documents.svg import elements as drawings
from fieldreport.scrub.documents.svg.unseen import crops_pictures
from fieldreport.scrub.documents.vocabularies import Vocabulary, load
from fieldreport.scrub.documents.xml_rewrite import Make, Rewriting
from fieldreport.scrub.format import Cleaning, Sink, Source
from fieldreport.scrub.verdicts import Damaged, Noted, Refusal, Refused, Removed

MEDIA_TYPE: Final = "application/epub+zip"
_CONTAINER: Final = "urn:oasis:names:tc:opendocument:xmlns:container"
_PACKAGE: Final = "http://www.idpf.org/2007/opf"
_DUBLIN_CORE: Final = "http://purl.org/dc/elements/1.1/"
_NCX: Final = "{http://www.daisy.org/z3986/2005/ncx/}"
_XHTML: Final = f"{{{pages.XHTML}}}"
_FONT_SCRAMBLING: Final = frozenset({"http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC"})
_PICTURES: Final = pictures.EXTENSIONS | {"image/svg+xml": "svg"}
_PAGES: Final = frozenset({"application/xhtml+xml", "text/html", "text/x-oeb1-document"})
_CONTENTS: Final = "application/x-dtbncx+xml"

_PAGE_TABLES: Final = load("epub/page", "epub/semantics", "svg", "opendocument/math")
_SHOWN: Final = Shown.of("epub", _PAGE_TABLES, plain=pages.XHTML)
_CONTENTS_TABLE: Final = load("epub/contents")
_PACKAGE_TABLES: Final = load("epub/package", "epub/dublin-core")
_NAMED: Final = re.compile(rb"&([A-Za-z][A-Za-z0-9]{1,31});")
_XML_NAMES: Final = frozenset({b"amp", b"lt", b"gt", b"quot", b"apos"})
_LAYOUT: Final = frozenset({"layout", "orientation", "spread", "flow"})
# Encodings that are loaded before the lock.
_MARKS: Final = ((codecs.BOM_UTF8, "utf_8"), (codecs.BOM_UTF16_LE, "utf_16_le"), (codecs.BOM_UTF16_BE, "utf_16_be"))
# What becomes of a file that no page shows, by the beginning of its media type.
_LEFT: Final = {
    "audio/": Removed.EMBEDDED_FILE, "video/": Removed.EMBEDDED_FILE, "application/smil": Removed.EMBEDDED_FILE,
    "image/": Removed.HIDDEN_CONTENT, "application/xhtml": Removed.HIDDEN_CONTENT, "text/html": Removed.HIDDEN_CONTENT,
    "application/x-dtbook": Removed.DRAWINGS, "text/javascript": Removed.SCRIPT,
    "application/javascript": Removed.SCRIPT,
    "font/": Removed.LAYOUT, "application/vnd.ms-opentype": Removed.LAYOUT, "application/font": Removed.LAYOUT,
    "application/x-font": Removed.LAYOUT,
}  # fmt: skip

_CONTAINER_FILE: Final = (
    markup.DECLARATION.decode() + f'<container xmlns="{_CONTAINER}" version="1.0"><rootfiles><rootfile '
    'full-path="book/package.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
).encode()
_PACKAGE_HEAD: Final = (
    f'<package xmlns="{_PACKAGE}" version="3.0" unique-identifier="id"><metadata xmlns:dc="{_DUBLIN_CORE}">'
    '<dc:identifier id="id">urn:uuid:00000000-0000-0000-0000-000000000000</dc:identifier><dc:title>Document</dc:title>'
    '<dc:language>und</dc:language><meta property="dcterms:modified">1980-01-01T00:00:00Z</meta></metadata></package>'
)
_PICTURE_PAGE: Final = f'<html xmlns="{pages.XHTML}"><head><title/></head><body><div><img/></div></body></html>'


@dataclass(frozen=True, slots=True, kw_only=True)
class _Item:
    path: str
    media_type: str
    properties: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where a page stands in the order."""

    path: str
    linear: str
    properties: str


def clean(untrusted_source: Source, sink: Sink, cleaning: Cleaning) -> str:
    """Write the cleaned book to ``sink``.

    Raises:
        Refused: ``encrypted``, ``damaged``, ``bomb``.
    """
    try:
        _Book(archive.Archive(untrusted_source, cleaning), cleaning).write(sink)
    except (etree.LxmlError, LookupError, TypeError, ValueError, RecursionError):
        raise Damaged from None
    return MEDIA_TYPE


def warm() -> None:
    """Load what the libraries load on first use."""
    archive.warm()


class _Book:
    def __init__(self, old: archive.Archive, cleaning: Cleaning) -> None:
        self._old = old
        self._cleaning = cleaning
        self._removed = cleaning.removed
        self._items: dict[str, _Item] = {}
        self._order: list[_Place] = []
        self._direction = ""
        self._layout: list[tuple[str, str]] = []  # properties of the whole book, and what they are
        self._cover = ""  # the path of its picture
        self._new_names: dict[str, str] = {}
        self._addresses: dict[tuple[str, str], str | None] = {}  # of links: by the page and the old one
        self._shown = Counting(_SHOWN, self._removed, pages.FINDINGS)
        self._carried: set[str] = set()  # paths of pictures that the new book shows
        self._cut: dict[str, frozenset[css_crops.Step]] = {}  # by style sheets, of what they show a part only
        self._members: list[tuple[str, str, str, bytes]] = []  # name in the book, media type, properties, data
        self._pictures = pictures.PictureCopies(
            old,
            cleaning,
            name="image{}.{}",
            add=lambda name, picture: self._members.append((name, picture.media_type, "", picture.data)),
            extensions=_PICTURES,
        )

    def write(self, sink: Sink) -> None:
        self._refuse_encrypted()
        self._read_package()
        nav = [item.path for item in self._items.values() if "nav" in item.properties.split()]
        chapters = list(dict.fromkeys([*(place.path for place in self._order), *nav]))
        contents = [item.path for item in self._items.values() if item.media_type == _CONTENTS][:1]
        if not self._order:
            raise Damaged
        for number, path in enumerate(chapters, start=1):
            self._new_names[path] = f"chapter{number}.xhtml"
        roots = {path: self._parsed(path) for path in chapters}
        if self._cover:
            self._picture(self._cover)
        shown = {path: self._settled(path, root) for path, root in roots.items()}
        every = (node for nodes in shown.values() for node in nodes)
        names = _Names(self, (str(node.get("id")) for node in every if node.get("id") is not None), self._removed)
        styles = Styles(names, self._removed)
        for path, root in roots.items():
            data = self._page(path, root, shown[path], names, styles)
            properties = " ".join(_properties(root, is_nav=path in nav))
            self._members.append((self._new_names[path], "application/xhtml+xml", properties, data))
        for path in contents:
            self._members.append(("toc.ncx", _CONTENTS, "", self._contents(path, names)))
        if styles.hides or any(map(pages.may_hide_words, roots.values())):
            self._cleaning.noted.add(Noted.HIDDEN_WORDS)
        self._report_left(contents)
        self._cleaning.counted = self._shown.count
        files = [(f"book/{name}", data) for name, _, _, data in self._members]
        head = [
            ("mimetype", MEDIA_TYPE.encode()),
            ("META-INF/container.xml", _CONTAINER_FILE),
            ("book/package.opf", self._package()),
        ]
        archive.write(sink, [*head, *files])

    def _refuse_encrypted(self) -> None:
        if "META-INF/rights.xml" in self._old:
            raise Refused(Refusal.ENCRYPTED)
        if "META-INF/encryption.xml" in self._old:
            encryption = markup.parse(self._old["META-INF/encryption.xml"])
            methods = {str(node.get("Algorithm", "")) for node in encryption.iter("{*}EncryptionMethod")}
            if not methods <= _FONT_SCRAMBLING:
                raise Refused(Refusal.ENCRYPTED)

    # --- what the old package says ---

    def _read_package(self) -> None:
        container = markup.parse(self._old["META-INF/container.xml"])
        roots = [str(node.get("full-path", "")) for node in container.iter("{*}rootfile")]
        if not roots:
            raise Damaged
        package = markup.parse(_without_doctype(self._old[roots[0]]))
        folder = posixpath.dirname(roots[0])
        identifiers: dict[str, str] = {}
        for node in package.iter("{*}item"):
            path = _joined(folder, str(node.get("href", "")))
            if path in self._old:
                self._items[path] = _Item(
                    path=path, media_type=str(node.get("media-type", "")), properties=str(node.get("properties", ""))
                )
                identifiers[str(node.get("id", ""))] = path
        metadata = next(package.iter("{*}metadata"), None)
        if metadata is not None and len(metadata) and roots[0] != "book/package.opf":
            self._removed |= {Removed.AUTHOR, Removed.TIME, Removed.IDENTIFIERS, Removed.DESCRIPTION}
        self._read_order(package, identifiers)
        self._layout = sorted(
            {
                (f"rendition:{name}", (node.text or "").strip())
                for node in package.iter("{*}meta")
                if (name := str(node.get("property", "")).removeprefix("rendition:")) in _LAYOUT
            }
        )
        self._cover = self._find_cover(package, folder, identifiers)

    def _read_order(self, package: Element, identifiers: dict[str, str]) -> None:
        spine = next(package.iter("{*}spine"), None)
        self._direction = "" if spine is None else str(spine.get("page-progression-direction", ""))
        seen: set[str] = set()
        for node in package.iter("{*}itemref"):
            path = identifiers.get(str(node.get("idref", "")), "")
            if not path or path in seen:
                continue
            seen.add(path)
            kind = self._items[path].media_type
            if kind in _PAGES or kind.startswith("image/"):
                linear, properties = str(node.get("linear", "")), str(node.get("properties", ""))
                self._order.append(_Place(path=path, linear=linear, properties=properties))

    def _find_cover(self, package: Element, folder: str, identifiers: dict[str, str]) -> str:
        """The path of the cover's picture, in the three ways in which a book names it; "" if it does not."""
        found = [path for path, item in self._items.items() if "cover-image" in item.properties.split()]
        found += [
            identifiers.get(str(node.get("content", "")), "")
            for node in package.iter("{*}meta")
            if node.get("name") == "cover"
        ]
        for node in package.iter("{*}reference"):
            path = _joined(folder, str(node.get("href", "")))
            if node.get("type") == "cover" and path in self._items:
                if self._items[path].media_type in _PAGES and path not in {place.path for place in self._order}:
                    self._order.insert(0, _Place(path=path, linear="", properties=""))
                found.append(path)
        return next((path for path in found if path in self._items and self._is_picture(path)), "")

    def _is_picture(self, path: str) -> bool:
        return self._items[path].media_type.startswith("image/")

    def _report_left(self, contents: Iterable[str]) -> None:
        """Say what is in the book and in no page of the new one."""
        carried = {*self._new_names, *self._carried, *contents}
        for path, item in self._items.items():
            if path not in carried:
                for kind, removed in _LEFT.items():
                    if item.media_type.startswith(kind):
                        self._removed.add(removed)

    # --- pages ---

    def _parsed(self, path: str) -> Element:
        if not self._is_picture(path):
            page = _without_doctype(self._old[path])
            try:
                return markup.parse(page)
            except Damaged:
                self._removed.add(Removed.INCOMPLETE)
                return markup.parse(page, recover=True)
        shown = etree.fromstring(_PICTURE_PAGE)
        next(shown.iter(f"{_XHTML}img")).set("src", posixpath.basename(path))
        return shown

    def _settled(self, path: str, root: Element) -> list[Element]:
        folder = posixpath.dirname(path)
        is_picture = self._is_picture(path)

        def picture(address: str) -> str | None:
            return self._picture(path if is_picture else _joined(folder, address), address)

        return pages.settle(root, self._removed, picture)

    def _page(self, path: str, root: Element, shown: Iterable[Element], names: _Names, styles: Styles) -> bytes:
        folder = names.folder = posixpath.dirname(path)
        names.begin_part()
        self._report_crops(path, root)
        for node in shown:
            if node.tag == f"{_XHTML}link":
                sheet = self._style_sheet(_joined(folder, str(node.get("href", ""))), names, styles)
                names.folder = folder
                if sheet is None:
                    markup.remove(node)
                else:
                    node.set("href", sheet)
        drawings.settle_sheets(shown, styles)
        made = pages.made(drawings.made(names, styles), lambda _, __, address: self._address(path, address, names))
        return self._rewritten(root, _PAGE_TABLES, made)

    def _report_crops(self, path: str, root: Element) -> None:
        """Say when a page may show only a part of a picture: all of it stays in the book."""
        cut: set[css_crops.Step] = set()
        for node in root.iter(f"{_XHTML}link", f"{_XHTML}style", f"{{{drawings.SVG}}}style"):
            sheet = _joined(posixpath.dirname(path), str(node.get("href", "")))
            if sheet in self._old and sheet not in self._cut:
                self._cut[sheet] = css_crops.cutting(_decoded(self._old[sheet]))
            cut |= self._cut.get(sheet, css_crops.cutting("".join(map(str, node.itertext()))))
        if css_crops.crops_pictures(root, cut, ("img", "image")) or any(
            map(crops_pictures, root.iter(f"{{{drawings.SVG}}}svg"))
        ):
            self._cleaning.noted.add(Noted.CROPPED)

    def _contents(self, path: str, names: _Names) -> bytes:
        root = markup.parse(_without_doctype(self._old[path]))
        for title in list(root.iter(f"{_NCX}docTitle", f"{_NCX}docAuthor", f"{_NCX}head")):
            markup.remove(title)
        made: dict[str, Make] = {"book-link": lambda _, __, address: self._address(path, address, names)}
        return self._rewritten(root, _CONTENTS_TABLE, made)

    def _rewritten(self, root: Element, allowed: Mapping[str, Vocabulary], made: Mapping[str, Make]) -> bytes:
        self._shown.add(root)
        rewriting = Rewriting(
            allowed,
            removed=self._removed,
            findings=pages.FINDINGS,
            made=made,
            lost=self._shown.lost,
            unsaid=self._shown.unsaid,
        )
        return rewriting.rewrite(root)

    def _address(self, path: str, address: str, names: _Names) -> str | None:
        key = (path, address)
        if key not in self._addresses:
            self._addresses[key] = self._new_address(path, address, names)
        return self._addresses[key]

    def _new_address(self, path: str, address: str, names: _Names) -> str | None:
        target, _, fragment = address.partition("#")
        place = _joined(posixpath.dirname(path), target) if target else path
        name = self._new_names.get(place, "")
        if not name.startswith("chapter"):
            kept = clean_link(address)
            if kept != address:
                self._removed.add(Removed.LINKS)
            return kept
        anchor = names.thing(unquote(fragment)) if fragment else None
        return name if anchor is None else f"{name}#{anchor}"

    def _picture(self, path: str, address: str = "") -> str | None:
        if path in self._old:
            self._carried.add(path)
            return self._pictures.copy(path)
        untrusted = pictures.content_of(address)
        if untrusted is not None:
            return self._pictures.add(untrusted)
        self._removed.add(Removed.LINKS)
        return None

    def _style_sheet(self, path: str, names: _Names, styles: Styles) -> str | None:
        if path not in self._old:
            return None
        if path not in self._new_names:
            number = sum(1 for member in self._members if member[0].endswith(".css")) + 1
            self._new_names[path] = f"style{number}.css"
            names.folder = posixpath.dirname(path)
            sheet = styles.sheet(_decoded(self._old[path]))
            self._members.append((f"style{number}.css", "text/css", "", sheet.encode()))
        return self._new_names[path]

    def picture_of_sheet(self, folder: str, address: str) -> str | None:
        """The new name of a picture that a style sheet in this folder shows."""
        return self._picture(_joined(folder, address), address)

    # --- the new package ---

    def _package(self) -> bytes:
        package = etree.fromstring(_PACKAGE_HEAD)
        for name, value in self._layout:
            etree.SubElement(package[0], f"{{{_PACKAGE}}}meta", property=name).text = value
        manifest = etree.SubElement(package, f"{{{_PACKAGE}}}manifest")
        order = etree.SubElement(package, f"{{{_PACKAGE}}}spine")
        if self._direction:
            order.set("page-progression-direction", self._direction)
        identifiers = {name: f"i{number}" for number, (name, _, _, _) in enumerate(self._members, start=1)}
        cover = self._pictures.copy(self._cover)
        for name, media_type, properties, _ in self._members:
            item = etree.SubElement(manifest, f"{{{_PACKAGE}}}item", id=identifiers[name], href=name)
            item.set("media-type", media_type)
            if said := "cover-image" if name == cover else properties:
                item.set("properties", said)
            if name == "toc.ncx":
                order.set("toc", identifiers[name])
        for place in self._order:
            found = etree.SubElement(order, f"{{{_PACKAGE}}}itemref", idref=identifiers[self._new_names[place.path]])
            for key, value in (("linear", place.linear), ("properties", place.properties)):
                if value:
                    found.set(key, value)
        return Rewriting(_PACKAGE_TABLES, removed=self._removed, findings={}).rewrite(package)


class _Names(Names):
    """The names of one book. ``folder``: of the part that is read."""

    def __init__(self, book: _Book, things: Iterable[str], removed: set[Removed]) -> None:
        super().__init__(things, removed)
        self._book = book
        self.folder = ""

    @override
    def address(self, untrusted: str) -> str | None:
        if untrusted.startswith("#"):
            return super().address(untrusted)
        return self._book.picture_of_sheet(self.folder, untrusted)

    @override
    def reference(self, element: Element, name: str, value: str) -> str | None:
        return super().address(value.strip())


def _properties(root: Element, *, is_nav: bool) -> Iterator[str]:
    """What the package has to say of a page."""
    if is_nav:
        yield "nav"
    for name, namespace in (("svg", drawings.SVG), ("mathml", "http://www.w3.org/1998/Math/MathML")):
        if next(root.iter(f"{{{namespace}}}*"), None) is not None:
            yield name


def _joined(folder: str, href: str) -> str:
    return archive.resolve(folder, href.partition("#")[0])


def _decoded(sheet: bytes) -> str:
    for mark, codec in _MARKS:
        if sheet.startswith(mark):
            return sheet[len(mark) :].decode(codec, "replace")
    return sheet.decode("utf-8", "replace")


def _without_doctype(data: bytes) -> bytes:
    """Without the document type that older books carry, and with the characters that its names stand for.

    A document type that defines anything of its own stays, so that ``parse`` refuses it.
    """
    found = re.search(rb"<!DOCTYPE[^>\[]*(?:\[\s*\]\s*)?>", data[:4096], re.IGNORECASE)
    if found is not None:
        data = data[: found.start()] + data[found.end() :]
    return _NAMED.sub(lambda name: data[name.start() : name.end()] if name[1] in _XML_NAMES else _character(name), data)


def _character(name: re.Match[bytes]) -> bytes:
    return html.unescape(name[0].decode("ascii")).encode("ascii", "xmlcharrefreplace")
