"""DOCX: text, tables, pictures, notes, headers and their formatting; nothing of how they came about.

Tracked changes are accepted: what was inserted stays, what was deleted is gone. Comments, revision ids, paragraph ids,
authors, dates, languages, custom XML, content controls' names, alternative texts, templates, mail merge, embedded
objects and fonts go; hidden text goes with them. Styles of the author's own get numbers instead of names.
"""

from __future__ import annotations

from typing import Final

from fieldreport.scrub.documents import fields
from fieldreport.scrub.documents.fields import WORD
from fieldreport.scrub.documents.markup import Element, remove, split, unwrap
from fieldreport.scrub.documents.ooxml import drawings, hidden_words
from fieldreport.scrub.documents.ooxml.opc import Kind, Package, PartCleaning, parse
from fieldreport.scrub.documents.ooxml.word_names import drop_unused_styles, neutral_bookmarks, neutral_styles
from fieldreport.scrub.verdicts import Noted, Removed

MAIN: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
_TYPE: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml."
_W: Final = f"{{{WORD}}}"
_WRITER: Final = drawings.Writer(
    "wordprocessing", "drawing", "word-drawing", "picture", "chart", "diagram", "diagram-drawing", "math", "vml",
    "vml-office", "vml-word", "word-shape", "word-group", "word-canvas",
)  # fmt: skip
_INSERTED: Final = (f"{_W}ins", f"{_W}moveTo")
_DELETED: Final = (f"{_W}del", f"{_W}moveFrom")
_NOTES: Final = frozenset({f"{_W}footnotes", f"{_W}endnotes"})
_UNSAID: Final = frozenset(f"{_W}{name}" for name in ("rPr", "fldChar", "instrText"))  # a field's own, not its words

# What a document's settings say about how it looks; all others are about who wrote it and with what.
_SETTINGS: Final = frozenset(
    f"{_W}{name}"
    for name in (
        "autoHyphenation", "bookFoldPrinting", "bookFoldPrintingSheets", "bookFoldRevPrinting",
        "bordersDoNotSurroundFooter", "bordersDoNotSurroundHeader", "characterSpacingControl", "clrSchemeMapping",
        "compat",
        "consecutiveHyphenLimit", "defaultTabStop", "displayBackgroundShape", "doNotHyphenateCaps",
        "drawingGridHorizontalSpacing", "drawingGridVerticalSpacing", "displayHorizontalDrawingGridEvery",
        "displayVerticalDrawingGridEvery", "endnotePr", "evenAndOddHeaders", "footnotePr", "gutterAtTop",
        "hyphenationZone", "mirrorMargins", "noLineBreaksAfter", "noLineBreaksBefore", "noPunctuationKerning",
        "printTwoOnOne", "strictFirstAndLastChars",
    )
)  # fmt: skip


def clean_content(part: PartCleaning, untrusted: bytes) -> bytes:
    """The body of the document, a header, a footer, notes, numbering."""
    root = parse(untrusted)
    removed = part.package.cleaning.removed
    drawings.choose(root, removed)  # before anything is looked for: what is not chosen is not in the document
    _settle_changes(root, removed)
    drawings.drop_hidden(root, removed)
    _settle_hidden(root, part.package)
    _settle_notes(root, part.package)
    _without_form_names(root)
    fields.settle(root, removed)
    neutral_bookmarks(root)
    neutral_styles(root, part.package.names)
    return _WRITER.write(root, part)


def clean_document(part: PartCleaning, untrusted: bytes) -> bytes:
    """The main part, and with it the parts that its markup does not mention."""
    named = next((relation.target for relation in part.old.values() if relation.kind == "styles"), "")
    if (styles := part.package.old(named)) is not None:
        part.package.parsed[named] = root = parse(styles)
        part.package.styles = hidden_words.styles_of(root)
    data = clean_content(part, untrusted)
    part.implied("numbering", "settings", "theme", "footnotes", "endnotes")
    part.implied("styles")  # last: only those are kept that something uses
    part.constant("fontTable", "word/fontTable.xml", f"{_TYPE}fontTable+xml", f'<w:fonts xmlns:w="{WORD}"/>'.encode())
    return data


def clean_styles(part: PartCleaning, untrusted: bytes) -> bytes:
    """The styles in use, under neutral names where the author made them."""
    root = part.package.parsed.pop(part.old_name, None)
    if root is None:
        root = parse(untrusted)
    drop_unused_styles(root, part.package.names)
    neutral_styles(root, part.package.names)
    return _WRITER.write(root, part)


def clean_settings(part: PartCleaning, untrusted: bytes) -> bytes:
    """The settings that change how the document looks."""
    root = parse(untrusted)
    for setting in list(root):
        if setting.tag not in _SETTINGS:
            finding = drawings.FINDINGS.get(split(str(setting.tag))[1], Removed.OTHER_METADATA)
            part.package.cleaning.removed |= {finding} if finding is not None else set()
            root.remove(setting)
    for reference in list(root.iter(f"{_W}footnote", f"{_W}endnote")):
        remove(reference)  # separators: numbered in the notes themselves
    return _WRITER.write(root, part)


def clean_drawing_part(part: PartCleaning, untrusted: bytes) -> bytes:
    """A chart, a diagram's parts, a theme: drawing markup of its own."""
    root = parse(untrusted)
    drawings.neutral_formulas(root)
    drawings.say_defaults(root, part)
    return _WRITER.write(root, part)


def _settle_changes(root: Element, removed: set[Removed]) -> None:
    """Accept tracked changes that are more than their element: deleted rows and paragraph marks."""
    changes = list(root.iter(*_INSERTED, *_DELETED))
    if changes:
        removed |= {Removed.HISTORY, Removed.AUTHOR, Removed.TIME}
    for change in changes:
        owner = change.getparent()
        if owner is None or not isinstance(owner.tag, str):
            continue
        match split(owner.tag)[1]:
            case "trPr":
                row = owner.getparent()
                if change.tag in _DELETED and row is not None and row.getparent() is not None:
                    remove(row)
                else:
                    remove(change)
            case "rPr":
                properties = owner.getparent()
                remove(change)
                if change.tag in _DELETED and properties is not None and properties.tag == f"{_W}pPr":
                    _join_with_next(properties.getparent())
            case _ if change.tag in _DELETED:
                remove(change)
            case _:
                unwrap(change)


def _join_with_next(paragraph: Element | None) -> None:
    """A deleted paragraph mark: the paragraph's content moves to the front of the next one."""
    following = paragraph.getnext() if paragraph is not None else None
    if paragraph is None or paragraph.getparent() is None:
        return
    content = [child for child in paragraph if child.tag != f"{_W}pPr"]
    if following is None or following.tag != f"{_W}p":
        return
    place = 1 if len(following) and following[0].tag == f"{_W}pPr" else 0
    for child in reversed(content):
        following.insert(place, child)
    remove(paragraph)


def _settle_hidden(root: Element, package: Package) -> None:
    """Words that are formatted as hidden go; of others that nobody sees, the editor is told."""
    page = root.find(f"{_W}background")
    colour = "FFFFFF" if page is None else str(page.get(f"{_W}color", "FFFFFF"))
    for run, looks in hidden_words.runs(root, package.styles):
        if looks.hidden:
            said = [child for child in run if child.tag not in _UNSAID]
            package.cleaning.removed |= {Removed.HIDDEN_CONTENT} if said else set()
            for child in said:
                run.remove(child)
        elif hidden_words.is_unseen(run, looks, package.styles, colour):
            package.cleaning.noted.add(Noted.HIDDEN_WORDS)


def _settle_notes(root: Element, package: Package) -> None:
    """A note that nothing in the document refers to is shown nowhere."""
    for reference in root.iter(f"{_W}footnoteReference", f"{_W}endnoteReference"):
        package.used.add(f"{split(str(reference.tag))[1]} {reference.get(f'{_W}id')}")
    for note in [] if root.tag not in _NOTES else list(root):
        kind = split(str(note.tag))[1]
        is_separator = note.get(f"{_W}type", "normal") != "normal"
        if not is_separator and f"{kind}Reference {note.get(f'{_W}id')}" not in package.used:
            package.cleaning.removed |= {Removed.HIDDEN_CONTENT} if any(note.itertext()) else set()
            root.remove(note)


def _without_form_names(root: Element) -> None:
    """The name of a form field stands in an element that styles need, too."""
    for name in list(root.iter(f"{_W}name")):
        owner = name.getparent()
        if owner is not None and owner.tag in {f"{_W}ffData", f"{_W}abstractNum"}:
            remove(name)


def _kind(name: str, content_type: str, *, single: bool = False) -> Kind:
    cleaner = {"styles": clean_styles, "settings": clean_settings}.get(name, clean_content)
    return Kind(
        name=f"word/{name}.xml" if single else f"word/{name}{{}}.xml",
        content_type=_TYPE + content_type,
        clean=cleaner,
        single=single,
        essential=cleaner is clean_content,
    )


KINDS: Final = {
    "officeDocument": Kind(name="word/document.xml", content_type=MAIN, clean=clean_document, single=True),
    "styles": _kind("styles", "styles+xml", single=True),
    "settings": _kind("settings", "settings+xml", single=True),
    "numbering": _kind("numbering", "numbering+xml", single=True),
    "footnotes": _kind("footnotes", "footnotes+xml", single=True),
    "endnotes": _kind("endnotes", "endnotes+xml", single=True),
    "header": _kind("header", "header+xml"),
    "footer": _kind("footer", "footer+xml"),
} | drawings.kinds(
    "word",
    clean_drawing_part,
    also={
        "theme": ("theme/theme1.xml", "theme"),
    },
)
