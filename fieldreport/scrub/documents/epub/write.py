"""EPUB: the chapters in their order, their style sheets and pictures, in a new book that says nothing about itself.

The package document, the container and the table of contents are new: publisher, author, title, identifiers,
dates and the programs that made the book go, as do scripts, fonts, sound, films, page maps, comments,
alternative texts and every anchor that no link leads to. A book with rights management is refused.
"""

from __future__ import annotations

import html
import posixpath
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from lxml import etree

from fieldreport.scrub.documents import archive, markup
from fieldreport.scrub.documents.links import clean_link
from fieldreport.scrub.documents.markup import Element, remove, split
from fieldreport.scrub.documents.pictures import PictureCopies
from fieldreport.scrub.documents.vocabularies import findings, load_shared
from fieldreport.scrub.documents.xml_rewrite import Rewriting
from fieldreport.scrub.format import Cleaning, Sink, Source
from fieldreport.scrub.verdicts import Damaged, Refusal, Refused, Removed

MEDIA_TYPE: Final = "application/epub+zip"
_CONTAINER: Final = "urn:oasis:names:tc:opendocument:xmlns:container"
_PACKAGE: Final = "http://www.idpf.org/2007/opf"
_HTML: Final = "{http://www.w3.org/1999/xhtml}"
_NCX: Final = "{http://www.daisy.org/z3986/2005/ncx/}"
_XLINK: Final = "{http://www.w3.org/1999/xlink}href"
_EPUB_TYPE: Final = "{http://www.idpf.org/2007/ops}type"
_FONT_SCRAMBLING: Final = frozenset({"http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC"})

_VOCABULARIES: Final = load_shared("epub")
_FINDINGS: Final = findings()
_CSS_COMMENT: Final = re.compile(r"/\*.*?\*/|<!--|-->", re.DOTALL)
_CSS_RULE: Final = re.compile(r"@(import|namespace|charset)[^;]*;|@font-face\s*\{[^}]*\}", re.IGNORECASE)
_CSS_ADDRESS: Final = re.compile(r"[^;{}]*\b(url|src|expression|image-set)\s*\([^;}]*;?", re.IGNORECASE)
_CSS_LEFT: Final = re.compile(r"/\*|@import|@font|url\s*\(|src\s*:", re.IGNORECASE)
_NAMED: Final = re.compile(rb"&([A-Za-z][A-Za-z0-9]{1,31});")
_XML_NAMES: Final = frozenset({b"amp", b"lt", b"gt", b"quot", b"apos"})
_ROLE: Final = re.compile(r"[a-z-]+( [a-z-]+){0,5}")

_PACKAGE_HEAD: Final = (
    f'<package xmlns="{_PACKAGE}" version="3.0" unique-identifier="id">'
    '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:identifier id="id">urn:uuid:00000000-0000-0000-0000-'
    "000000000000</dc:identifier><dc:title>Document</dc:title><dc:language>und</dc:language>"
    '<meta property="dcterms:modified">1980-01-01T00:00:00Z</meta></metadata></package>'
)
_CONTAINER_FILE: Final = (
    f"<?xml version='1.0' encoding='UTF-8'?>\n<container xmlns=\"{_CONTAINER}\" version=\"1.0\"><rootfiles><rootfile "
    'full-path="book/package.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Item:
    path: str
    media_type: str
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
        self._items: dict[str, _Item] = {}
        self._new_names: dict[str, str | None] = {}
        self._anchors: dict[tuple[str, str], str] = {}
        self._members: list[tuple[str, str, str, bytes]] = []  # name in the book, media type, properties, data
        self._pictures = PictureCopies(
            old,
            cleaning,
            name="image{}.{}",
            add=lambda name, picture: self._members.append((name, picture.media_type, "", picture.data)),
        )

    def write(self, sink: Sink) -> None:
        self._refuse_encrypted()
        spine = self._read_package()
        chapters = [item for item in self._items.values() if item.path in spine or "nav" in item.properties.split()]
        chapters.sort(key=lambda item: spine.index(item.path) if item.path in spine else len(spine))
        contents = [item for item in self._items.values() if item.media_type == "application/x-dtbncx+xml"][:1]
        if not spine or not chapters:
            raise Damaged
        for number, item in enumerate(chapters, start=1):
            self._new_names[item.path] = f"chapter{number}.xhtml"
        roots = {item.path: markup.parse(_without_doctype(self._old[item.path])) for item in (*chapters, *contents)}
        for path, root in roots.items():
            self._collect_anchors(path, root)
        for item in chapters:
            name = self._new_names[item.path] or ""
            is_contents = "nav" in item.properties.split()
            data = self._chapter(item.path, roots[item.path])
            self._members.append((name, "application/xhtml+xml", "nav" if is_contents else "", data))
        for item in contents:
            self._members.append(
                ("toc.ncx", "application/x-dtbncx+xml", "", self._chapter(item.path, roots[item.path]))
            )
        files = [(f"book/{name}", data) for name, _, _, data in self._members]
        package = self._package([self._new_names[path] or "" for path in spine])
        head = [
            ("mimetype", MEDIA_TYPE.encode()),
            ("META-INF/container.xml", _CONTAINER_FILE),
            ("book/package.opf", package),
        ]
        archive.write(sink, [*head, *files], stored=frozenset({"mimetype"}))

    def _refuse_encrypted(self) -> None:
        if "META-INF/rights.xml" in self._old:
            raise Refused(Refusal.ENCRYPTED)
        if "META-INF/encryption.xml" in self._old:
            encryption = markup.parse(self._old["META-INF/encryption.xml"])
            methods = {str(node.get("Algorithm", "")) for node in encryption.iter("{*}EncryptionMethod")}
            if not methods <= _FONT_SCRAMBLING:
                raise Refused(Refusal.ENCRYPTED)

    def _read_package(self) -> list[str]:
        """Read the manifest; answer the paths of the spine."""
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
            self._cleaning.removed |= {Removed.AUTHOR, Removed.TIME, Removed.IDENTIFIERS, Removed.DESCRIPTION}
        spine = [identifiers[str(node.get("idref", ""))] for node in package.iter("{*}itemref")
                 if str(node.get("idref", "")) in identifiers]  # fmt: skip
        return [path for path in dict.fromkeys(spine) if self._items[path].media_type == "application/xhtml+xml"]

    def _collect_anchors(self, path: str, root: Element) -> None:
        """Number the anchors that links lead to, in the order of the links."""
        for node in root.iter(f"{_HTML}a", f"{_NCX}content"):
            target, _, fragment = str(node.get("href", node.get("src", ""))).partition("#")
            if fragment and "://" not in target:
                place = _joined(posixpath.dirname(path), target) if target else path
                self._anchors.setdefault((place, unquote(fragment)), f"a{len(self._anchors) + 1}")

    def _chapter(self, path: str, root: Element) -> bytes:
        folder = posixpath.dirname(path)
        for title in root.iter(f"{_HTML}title"):
            title.text = "Document"
        for title in list(root.iter(f"{_NCX}docTitle")):
            remove(title)
        for node in list(root.iter(f"{_HTML}img", "{http://www.w3.org/2000/svg}image")):
            key = "src" if node.tag == f"{_HTML}img" else _XLINK
            new = self._picture(_joined(folder, str(node.get(key, ""))))
            if new is None:
                self._cleaning.removed.add(Removed.EMBEDDED_FILE)
                remove(node)
            else:
                node.set(key, new)
        for node in list(root.iter(f"{_HTML}link")):
            sheet = (
                self._style_sheet(_joined(folder, str(node.get("href", ""))))
                if node.get("rel") == "stylesheet"
                else None
            )
            if sheet is None:
                remove(node)
            else:
                node.set("href", sheet)
        self._settle_links(path, root)

        def attribute(element: Element, name: str, value: str) -> str | None:
            return self._attribute(path, element, name, value)

        rewriting = Rewriting(_VOCABULARIES, removed=self._cleaning.removed, findings=_FINDINGS, attribute=attribute)
        return rewriting.rewrite(root)

    def _settle_links(self, path: str, root: Element) -> None:
        for node in list(root.iter(f"{_HTML}a", f"{_NCX}content")):
            key = "href" if node.tag == f"{_HTML}a" else "src"
            address = str(node.get(key, ""))
            if not address:
                continue
            kept = self._address(path, address)
            if kept is None:
                self._cleaning.removed.add(Removed.LINKS)
                del node.attrib[key]
            else:
                node.set(key, kept)

    def _address(self, path: str, address: str) -> str | None:
        target, _, fragment = address.partition("#")
        place = _joined(posixpath.dirname(path), target) if target else path
        name = self._new_names.get(place)
        if name is None:
            return clean_link(address)
        anchor = self._anchors.get((place, unquote(fragment)))
        return f"{name}#{anchor}" if fragment and anchor is not None else name

    def _attribute(self, path: str, element: Element, name: str, value: str) -> str | None:
        local = split(str(element.tag))[1]
        match name:
            case "id":
                return self._anchors.get((path, value))
            case "style":
                return _clean_css(value) or None
            case _ if name == _EPUB_TYPE:
                return value if _ROLE.fullmatch(value) else None
            case "href":
                return value if local in {"a", "link"} else None
            case "src":
                return value if local in {"img", "content"} else None
            case "rel":
                return value if value == "stylesheet" else None
            case "class":
                return value if len(value) <= 200 else None
            case _:
                return value

    def _picture(self, path: str) -> str | None:
        if path not in self._new_names:
            self._new_names[path] = self._pictures.copy(path)
        return self._new_names[path]

    def _style_sheet(self, path: str) -> str | None:
        if path not in self._old:
            return None
        if path not in self._new_names:
            number = sum(1 for member in self._members if member[0].endswith(".css")) + 1
            self._new_names[path] = f"style{number}.css"
            css = _clean_css(self._old[path].decode("utf-8", "replace"))
            self._members.append((f"style{number}.css", "text/css", "", css.encode()))
        return self._new_names[path]

    def _package(self, spine: list[str]) -> bytes:
        package = etree.fromstring(_PACKAGE_HEAD)
        manifest = etree.SubElement(package, f"{{{_PACKAGE}}}manifest")
        order = etree.SubElement(package, f"{{{_PACKAGE}}}spine")
        for number, (name, media_type, properties, _) in enumerate(self._members, start=1):
            item = etree.SubElement(manifest, f"{{{_PACKAGE}}}item", id=f"i{number}", href=name)
            item.set("media-type", media_type)
            if properties:
                item.set("properties", properties)
            if name == "toc.ncx":
                order.set("toc", f"i{number}")
        identifiers = {name: f"i{number}" for number, (name, _, _, _) in enumerate(self._members, start=1)}
        for name in spine:
            etree.SubElement(order, f"{{{_PACKAGE}}}itemref", idref=identifiers[name])
        return markup.serialise(package)


def _joined(folder: str, href: str) -> str:
    return archive.resolve(folder, href.partition("#")[0])


def _without_doctype(data: bytes) -> bytes:
    """Without the document type that older books carry, and with the characters that its names stand for.

    A document type that defines anything of its own stays, so that ``parse`` refuses it.
    """
    found = re.search(rb"<!DOCTYPE[^>\[]*>", data[:4096])
    if found is not None:
        data = data[: found.start()] + data[found.end() :]
    return _NAMED.sub(lambda name: data[name.start() : name.end()] if name[1] in _XML_NAMES else _character(name), data)


def _character(name: re.Match[bytes]) -> bytes:
    return html.unescape(name[0].decode("ascii")).encode("ascii", "xmlcharrefreplace")


def _clean_css(untrusted: str) -> str:
    """A style sheet without comments, imports, fonts and addresses; nothing of one that is not well formed."""
    text, before = untrusted.replace("\\", ""), ""
    while text != before:
        before = text
        text = _CSS_ADDRESS.sub("", _CSS_RULE.sub("", _CSS_COMMENT.sub("", text))).strip()
    return "" if _CSS_LEFT.search(text) else text
