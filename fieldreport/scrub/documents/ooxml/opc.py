"""Open Packaging Conventions (ECMA-376 part 2): parts, content types, relationships, old and new.

The new package is built by following relationships from the main part, and only those whose type has a place in the
format's table. Parts that no relationship reaches are not carried over. Parts, media and relationships get new names in
the order in which they are first used.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, cast

from lxml import etree

from fieldreport.scrub.documents import archive, markup, tables
from fieldreport.scrub.documents.links import clean_link
from fieldreport.scrub.documents.markup import Element
from fieldreport.scrub.documents.ooxml.hidden_cells import HiddenCells
from fieldreport.scrub.documents.ooxml.hidden_words import Styles
from fieldreport.scrub.documents.pictures import EXTENSIONS, clean_picture
from fieldreport.scrub.format import Cleaning, Sink
from fieldreport.scrub.verdicts import Damaged, Removed

RELATION: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
_RELATIONS: Final = "http://schemas.openxmlformats.org/package/2006/relationships"
_TYPES: Final = "http://schemas.openxmlformats.org/package/2006/content-types"
_ELSEWHERE: Final = {"diagramDrawing": "http://schemas.microsoft.com/office/2007/relationships/"}
_LOST: Final = {kind: set(map(Removed, names)) for kind, names in tables.load("ooxml/parts-left-behind").items()}


# ISO/IEC 29500 has two spellings of each namespace; "strict" is the one that few programs write.
_STRICT: Final = re.compile(rb"http://purl\.oclc\.org/ooxml/(\w+)/")


def parse(untrusted: bytes) -> Element:
    """A part's root, with the namespaces of the transitional form, in which documents are written."""
    return markup.parse(_STRICT.sub(rb"http://schemas.openxmlformats.org/\1/2006/", untrusted))


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """One relationship of an old part. ``kind`` is the last step of its type; ``target`` names a part or an address."""

    kind: str
    target: str
    external: bool


@dataclass(slots=True, kw_only=True)
class Part:
    """A part of the new package. ``shown``: what is counted of it; see ``shown.count``."""

    name: str
    content_type: str
    data: bytes = b""
    shown: int = 0
    relations: list[tuple[str, str, str, bool]] = field(default_factory=list)


CleanPart = Callable[["PartCleaning", bytes], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of part: its name with a place for a number, its content type, and who cleans it.

    ``single``: there is one, without a number. ``essential``: it holds text, so a document without it is another one.
    """

    name: str
    content_type: str
    clean: CleanPart
    single: bool = False
    essential: bool = False


class PartCleaning:
    """One part on its way: its old relationships, and the new ones in the order in which they are first used."""

    def __init__(self, package: Package, old_name: str, part: Part) -> None:
        self.package = package
        self.old_name = old_name
        self.part = part
        self.old = package.relations_of(old_name)
        self._new_ids: dict[str, str | None] = {}

    def related(self, old_id: str, *kinds: str) -> str | None:
        """The new id of an old relationship, following it; None if what it leads to is not carried over."""
        if old_id not in self._new_ids:
            relation = self.old.get(old_id)
            wanted = relation is not None and relation.kind in kinds
            self._new_ids[old_id] = self._follow(relation) if relation is not None and wanted else None
        return self._new_ids[old_id]

    def implied(self, *kinds: str) -> None:
        """Follow relationships that no markup mentions, such as styles."""
        for kind in kinds:
            for relation in self.old.values():
                if relation.kind == kind and not relation.external:
                    self._follow(relation)
                    break

    def constant(self, kind: str, name: str, content_type: str, data: bytes) -> None:
        """Add a part that is the same in every document, because programs complain when there is none."""
        self.package.add(Part(name=name, content_type=content_type, data=markup.DECLARATION + data))
        self._add(kind, posixpath.relpath(f"/{name}", f"/{posixpath.dirname(self.part.name)}"), external=False)

    def _follow(self, relation: Relation) -> str | None:
        if relation.external:
            address = clean_link(relation.target) if relation.kind == "hyperlink" else None
            if address != relation.target:
                self.package.cleaning.removed.add(Removed.LINKS)
            return None if address is None else self._add(relation.kind, address, external=True)
        name = self.package.copy(relation)
        if name is None:
            return None
        # From the root, or relpath asks for the working directory, which the lock forbids.
        target = posixpath.relpath(f"/{name}", f"/{posixpath.dirname(self.part.name)}")
        return self._add(relation.kind, target, external=False)

    def _add(self, kind: str, target: str, *, external: bool) -> str:
        for identifier, known_kind, known, known_external in self.part.relations:
            if (known_kind, known, known_external) == (kind, target, external):
                return identifier
        identifier = f"rId{len(self.part.relations) + 1}"
        self.part.relations.append((identifier, kind, target, external))
        return identifier


class Package:
    """An old package, and the new one that is made from it."""

    def __init__(self, old: archive.Archive, cleaning: Cleaning, kinds: Mapping[str, Kind]) -> None:
        self.cleaning = cleaning
        self._old = old
        self._kinds = kinds
        self._copies: dict[str, Part | None] = {}
        self._counts: dict[str, int] = {}
        self.names: dict[str, str] = {}  # what the format renames across parts
        self.drawn: dict[str, str] = {}  # what drawings rename across parts
        self.used: set[str] = set()  # what the format remembers across parts
        # What the formats remember across parts: how large a slide is, which cells are hidden, what styles say.
        self.page = (0, 0)
        self.hidden = HiddenCells()
        self.styles = Styles()
        self.parsed: dict[str, Element] = {}  # old parts that were looked at before their turn
        self.left_out: set[str] = set()  # old parts that nothing may lead to

    def main(self) -> str:
        """The name of the main part. What else hangs on the root is reported and goes."""
        found = None
        for relation in self.relations_of("").values():
            if relation.kind == "officeDocument":
                found = relation.target
        if found is None or found not in self._old:
            raise Damaged
        return found

    def relations_of(self, name: str) -> dict[str, Relation]:
        """The relationships of an old part by id; those of the package itself for an empty name."""
        folder, base = posixpath.split(name)
        path = self._old.called(posixpath.join(folder, "_rels", f"{base}.rels"))
        if path not in self._old:
            return {}
        found: dict[str, Relation] = {}
        for node in parse(self._old[path]).iter(f"{{{_RELATIONS}}}Relationship"):
            external = node.get("TargetMode") == "External"
            target = str(node.get("Target", ""))
            if not external:
                target = self._old.called(archive.resolve(folder, target))
            kind = str(node.get("Type", "")).rpartition("/")[2]
            found[str(node.get("Id", ""))] = Relation(kind=kind, target=target, external=external)
            if kind not in self._kinds and kind != "officeDocument":
                self.cleaning.removed |= _LOST.get(kind, set())
        return found

    def old(self, name: str) -> bytes | None:
        """An old part by its name; None when there is none."""
        return self._old.get(name)

    def copy(self, relation: Relation) -> str | None:
        """Clean the part a relationship leads to, once; answer its new name."""
        name = relation.target
        if name not in self._copies:
            if name not in self._old or name in self.left_out:
                return None
            if relation.kind == "image":
                self._copies[name] = self._image(self._old[name])
            elif (kind := self._kinds.get(relation.kind)) is not None:
                self.clean_part(name, kind)
            else:
                return None
        part = self._copies[name]
        return None if part is None else part.name

    def clean_part(self, name: str, kind: Kind) -> Part | None:
        """Clean one part of XML.

        One that is damaged is left out and reported, unless the document would lose what is read in it; one of which
        nothing is left is left out.
        """
        first = not self._copies
        part = Part(name=self._name(kind), content_type=kind.content_type)
        self._copies[name] = part  # before it is filled: slides and their notes point at each other
        try:
            part.data = kind.clean(PartCleaning(self, name, part), self._old[name])
        except Damaged:
            if first or kind.essential:
                raise
            self._copies[name] = None
            self._counts[kind.name] = self._counts.get(kind.name, 1) - 1
            self.cleaning.removed.add(Removed.INCOMPLETE)
            return None
        if not part.data:
            self._copies[name] = None
            self._counts[kind.name] = self._counts.get(kind.name, 1) - 1
            return None
        return part

    def add(self, part: Part) -> None:
        """Add a part that is made from no old one."""
        self._copies[f"/{part.name}"] = part  # no old part's name begins with a slash

    def parts(self) -> list[Part]:
        """The new parts, in the order of their use."""
        return [part for part in self._copies.values() if part is not None]

    def write(self, sink: Sink) -> None:
        """Write the new package: content types, the one relationship of the root, parts in the order of their use."""
        parts = self.parts()
        self.cleaning.counted = sum(part.shown for part in parts)
        members = [
            ("[Content_Types].xml", _content_types(parts)),
            ("_rels/.rels", _relations([("rId1", "officeDocument", parts[0].name, False)])),
        ]
        for part in parts:
            members.append((part.name, part.data))
            if part.relations:
                folder, base = posixpath.split(part.name)
                members.append((f"{folder}/_rels/{base}.rels", _relations(part.relations)))
        archive.write(sink, members)

    def _image(self, untrusted: bytes) -> Part | None:
        image = clean_picture(untrusted, self.cleaning)
        if image is None:
            return None
        folder = next(iter(self._copies.values()))
        root = folder.name.partition("/")[0] if folder is not None else "media"
        number = self._count("media")
        return Part(
            name=f"{root}/media/image{number}.{EXTENSIONS[image.media_type]}",
            content_type=image.media_type,
            data=image.data,
        )

    def _name(self, kind: Kind) -> str:
        return kind.name if kind.single else kind.name.format(self._count(kind.name))

    def _count(self, name: str) -> int:
        self._counts[name] = self._counts.get(name, 0) + 1
        return self._counts[name]


def _content_types(parts: list[Part]) -> bytes:
    root = etree.Element(f"{{{_TYPES}}}Types", nsmap=cast("dict[str, str]", {None: _TYPES}))
    defaults = {"rels": "application/vnd.openxmlformats-package.relationships+xml", "xml": "application/xml"}
    defaults |= {EXTENSIONS[part.content_type]: part.content_type for part in parts if part.content_type in EXTENSIONS}
    for extension, content_type in sorted(defaults.items()):
        etree.SubElement(root, f"{{{_TYPES}}}Default", Extension=extension, ContentType=content_type)
    for part in parts:
        if part.content_type not in EXTENSIONS:
            etree.SubElement(root, f"{{{_TYPES}}}Override", PartName=f"/{part.name}", ContentType=part.content_type)
    return markup.serialise(root)


def _relations(relations: list[tuple[str, str, str, bool]]) -> bytes:
    root = etree.Element(f"{{{_RELATIONS}}}Relationships", nsmap=cast("dict[str, str]", {None: _RELATIONS}))
    for identifier, kind, target, external in relations:
        node = etree.SubElement(
            root,
            f"{{{_RELATIONS}}}Relationship",
            Id=identifier,
            Type=_ELSEWHERE.get(kind, RELATION) + kind,
            Target=target,
        )
        if external:
            node.set("TargetMode", "External")
    return markup.serialise(root)
