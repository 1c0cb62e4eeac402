"""ODT, ODS, ODP, ODG and ODF: content, styles and pictures in a new archive.

``meta.xml``, ``settings.xml``, scripts, thumbnails, RDF, signatures, annotations, tracked changes (accepted),
authors, dates, fields about people and files, names of pictures and sections, alternative texts, languages, forms and
OLE objects go; what is hidden goes, too: sheets, rows, columns, slides, sections, texts. Charts, formulas and other
documents inside the document are cleaned like it. Styles get numbers instead of names, but for those that come with
the program.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Final

from lxml import etree

from fieldreport import limits
from fieldreport.scrub.documents import archive, markup
from fieldreport.scrub.documents.markup import Element, remove, split
from fieldreport.scrub.documents.opendocument import older
from fieldreport.scrub.documents.opendocument.hidden import Hiding
from fieldreport.scrub.documents.opendocument.names import Names
from fieldreport.scrub.documents.opendocument.namespaces import (
    DRAW,
    FIELD,
    MANIFEST,
    MATH,
    OFFICE,
    XLINK,
)
from fieldreport.scrub.documents.opendocument.part import FILE, PERSON, PICTURED, Part
from fieldreport.scrub.documents.opendocument.unseen import Looks, crops_pictures
from fieldreport.scrub.documents.pictures import PictureCopies
from fieldreport.scrub.documents.shown import Counting, Shown
from fieldreport.scrub.documents.vocabularies import findings, load
from fieldreport.scrub.documents.xml_rewrite import Rewriting
from fieldreport.scrub.format import Cleaning, Embedded, Sink, Source
from fieldreport.scrub.sniff import type_in_manifest
from fieldreport.scrub.verdicts import Bomb, Damaged, Noted, Refusal, Refused, Removed

_HREF: Final = f"{XLINK}href"
_TYPES: Final = "application/vnd.oasis.opendocument."
_KINDS: Final = ("text", "spreadsheet", "presentation", "graphics", "formula")
_TABLES: Final = (
    "office", "text", "table", "draw", "style", "number", "chart", "dr3d", "presentation", "svg", "fo", "xlink", "math",
    "loext", "calcext", "chartooo", "drawooo", "field", "css3t", "of", "oooc", "ooow", "msoxl",
)  # fmt: skip
_VOCABULARIES: Final = load(*(f"opendocument/{name}" for name in _TABLES))
_MANIFEST: Final = load("opendocument/manifest")
_FINDINGS: Final = findings()
_SHOWN: Final = Shown.of("opendocument", _VOCABULARIES)
_FRAMED: Final = frozenset({"image", "object", "text-box", "table"})
_DRAWN: Final = frozenset({"presentation", "graphics"})
_INSIDE: Final = {"drawing": "graphics"}  # name of a document's body → of its type, where they differ
_PATH: Final = re.compile(r"[/\\]")


def clean(untrusted_source: Source, sink: Sink, cleaning: Cleaning) -> str:
    """Write the cleaned document to ``sink``; answer which kind it is.

    Raises:
        Refused: ``encrypted``, ``damaged``, ``bomb``.
    """
    return clean_members(archive.Archive(untrusted_source, cleaning), sink, cleaning)


def clean_members(untrusted: Mapping[str, bytes], sink: Sink, cleaning: Cleaning) -> str:
    """The same of the members of a package, by their names.

    Raises:
        Refused: as ``clean``.
    """
    try:
        return _Document(untrusted, cleaning).write(sink)
    except (etree.LxmlError, LookupError, TypeError, ValueError, RecursionError):
        raise Damaged from None


def warm() -> None:
    """Load what the libraries load on first use."""
    archive.warm()
    markup.serialise(markup.parse(b"<?xml version='1.0' encoding='UTF-8'?><a xmlns='b'>&#233;<c/></a>"))


class _Document:
    def __init__(self, old: Mapping[str, bytes], cleaning: Cleaning) -> None:
        self._old = old
        self._cleaning = cleaning
        self._members: dict[str, tuple[str, bytes]] = {}  # new name → media type, data

    def write(self, sink: Sink) -> str:
        kind = self._kind()
        self._refuse_encrypted()
        self._report()
        shown = Counting(_SHOWN, self._cleaning.removed, _FINDINGS)
        body = _Body(self._old, self._cleaning, self._members, "", "", depth=0, shown=shown)
        body.write()
        self._cleaning.counted = shown.count
        if body.kind == "":
            raise Damaged
        media_type = f"{_TYPES}{kind}"
        members = [("mimetype", media_type.encode()), ("META-INF/manifest.xml", self._manifest(media_type))]
        members += [(name, data) for name, (_, data) in self._members.items() if not name.endswith("/")]
        archive.write(sink, members)
        return media_type

    def _kind(self) -> str:
        if "mimetype" in self._old:
            declared = self._old["mimetype"].strip().decode("ascii", "replace").removesuffix("-template")
        else:
            declared = type_in_manifest(self._old["META-INF/manifest.xml"])
        kind = declared.removeprefix(_TYPES)
        if kind not in _KINDS:
            raise Damaged
        return kind

    def _refuse_encrypted(self) -> None:
        if "META-INF/manifest.xml" in self._old:
            manifest = markup.parse(markup.without_doctype(self._old["META-INF/manifest.xml"]))
            if next(manifest.iter(f"{MANIFEST}encryption-data"), None) is not None:
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

    def _manifest(self, media_type: str) -> bytes:
        root = etree.Element(f"{MANIFEST}manifest")
        root.set(f"{MANIFEST}version", "1.3")
        for name, kind in (("/", media_type), *((name, kind) for name, (kind, _) in self._members.items())):
            entry = etree.SubElement(root, f"{MANIFEST}file-entry")
            entry.set(f"{MANIFEST}full-path", name)
            entry.set(f"{MANIFEST}media-type", kind)
        return Rewriting(_MANIFEST, removed=set(), findings={}).rewrite(root)


class _Body:
    """``content.xml`` and ``styles.xml`` of the document, or of one inside it, with pictures and objects beside them.

    ``folder``: where they were; ``new_folder``: where they go. ``kind``: what it is, when it has been written.
    """

    def __init__(
        self,
        old: Mapping[str, bytes],
        cleaning: Cleaning,
        members: dict[str, tuple[str, bytes]],
        folder: str,
        new_folder: str,
        *,
        depth: int,
        shown: Counting,
        names: Names | None = None,
    ) -> None:
        if depth > limits.ARCHIVE_DEPTH:
            raise Bomb
        self._old = old
        self._cleaning = cleaning
        self._members = members
        self._folder = folder
        self._new_folder = new_folder
        self._depth = depth
        self._shown = shown
        self._names = names or Names(cleaning.removed)
        self._pictures = PictureCopies(old, cleaning, name="Pictures/image{}.{}", add=self._add_picture)
        self._objects: dict[str, str | None] = {}
        self.kind = ""

    def write(self) -> None:
        parts = {
            name: Part(self._old[self._folder + name])
            for name in ("styles.xml", "content.xml")
            if self._folder + name in self._old
        }
        if "content.xml" not in parts:
            return
        if "meta.xml" in self._old and _kind_of(parts["content.xml"].root) in _DRAWN:
            meta = self._old["meta.xml"]
            for part in parts.values():
                older.settle(part, meta)
        hiding = Hiding([*parts.values()])
        for part in parts.values():
            self._drop(part, hiding)
        looks = Looks([*parts.values()])
        for part in parts.values():
            if looks.hide_words(part):
                self._cleaning.noted.add(Noted.HIDDEN_WORDS)
            if crops_pictures(part):
                self._cleaning.noted.add(Noted.CROPPED)
            self._names.settle(part)
        for name, part in parts.items():
            self._settle_frames(part)
            self._shown.add(part.root)
            rewriting = Rewriting(
                _VOCABULARIES,
                removed=self._cleaning.removed,
                findings=_FINDINGS,
                made=self._names.made,
                lost=self._shown.lost,
                unsaid=self._shown.unsaid,
            )
            self._names.begin(part)
            written = rewriting.rewrite(part.root, keep_prefixes=self._names.languages)
            self._members[self._new_folder + name] = ("text/xml", written)
        self.kind = _kind_of(parts["content.xml"].root)

    def _drop(self, part: Part, hiding: Hiding) -> None:
        removed = self._cleaning.removed
        hiding.drop(part, removed, self._names.hidden)
        for field in part.each(*PERSON):
            removed.add(Removed.AUTHOR)
            remove(field)
        for field in part.each(*FILE):
            if _PATH.search("".join(map(str, field.itertext()))):
                removed.add(Removed.PATHS)
                remove(field)
        for param in part.each(f"{FIELD}param"):
            if str(param.get(f"{FIELD}name", "")).rpartition(".")[2] != "Checkbox_Checked":
                remove(param)  # what a form says about its fields
        for source in part.each(f"{MATH}annotation", f"{MATH}annotation-xml"):
            remove(source)  # the formula again, in the language of the program

    def _settle_frames(self, part: Part) -> None:
        """Pictures and documents inside the document; a frame in which nothing is left goes."""
        for element in part.each(*PICTURED, f"{DRAW}object"):
            href = str(element.get(_HREF, ""))
            inline = next(element.iter(f"{OFFICE}binary-data"), None)
            if element.tag == f"{DRAW}object":
                if not href and element.find(f"{MATH}math") is not None:
                    continue
                new = self._inner(href)
            elif href or inline is not None:
                new = self._picture(element, archive.resolve(self._folder, href), inline)
            else:
                continue  # a background without a picture
            if new is not None:
                element.set(_HREF, new)
                continue
            frame = element.getparent()
            remove(element)
            if (
                frame is not None
                and frame.tag == f"{DRAW}frame"
                and not any(split(str(child.tag))[1] in _FRAMED for child in frame)
            ):
                remove(frame)

    def _picture(self, image: Element, path: str, inline: Element | None) -> str | None:
        removed = set(self._cleaning.removed)
        if inline is not None:
            new = self._pictures.add(_decoded(inline.text or ""))
            image.remove(inline)
        else:
            new = self._pictures.copy(path)
        if inline is None and path not in self._old:
            self._cleaning.removed.add(Removed.LINKS)
        elif new is None and any(_is_kept(each) for each in image.itersiblings(f"{DRAW}object", preceding=True)):
            self._cleaning.removed.intersection_update(removed)  # what it is a picture of is there
        return new

    def _add_picture(self, name: str, picture: Embedded) -> None:
        self._members[self._new_folder + name] = (picture.media_type, picture.data)

    def _inner(self, href: str) -> str | None:
        path = archive.resolve(self._folder, href)
        if path not in self._objects and f"{path}/content.xml" in self._old:
            name = f"Object {len(self._objects) + 1}"
            folder = f"{self._new_folder}{name}/"
            self._objects[path] = None  # before it is filled: one may hold itself
            body = _Body(
                self._old,
                self._cleaning,
                self._members,
                f"{path}/",
                folder,
                depth=self._depth + 1,
                names=self._names,
                shown=self._shown,
            )
            body.write()
            self._members[folder] = (f"{_TYPES}{body.kind}", b"")
            self._objects[path] = name
        found = self._objects.get(path)
        if found is None:
            self._cleaning.removed.add(Removed.DRAWINGS)
            return None
        return f"./{found}"


def _is_kept(drawn: Element) -> bool:
    """Whether an object came along, or is a formula that stands where it is drawn."""
    return drawn.get(_HREF) is not None or len(drawn) > 0


def _kind_of(root: Element) -> str:
    """What a document is, by the last step of its media type."""
    if root.tag == f"{MATH}math":
        return "formula"
    body = root.find(f"{OFFICE}body")
    kind = "" if body is None or not len(body) else split(str(body[0].tag))[1]
    return _INSIDE.get(kind, kind)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()))
    except binascii.Error:
        return b""
