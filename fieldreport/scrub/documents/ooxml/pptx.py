"""PPTX: slides, their notes, the layouts they use, and what is drawn on them.

Slides and shapes that are hidden go, as do comments, authors, tags, sections, animations and transitions (they carry
sounds and times), embedded objects, films and fonts, handouts, custom shows, protections, alternative texts, and
layouts that no slide uses. Of an embedded object its picture stays. Speaker notes stay, and the editor is told.
"""

from __future__ import annotations

from typing import Final

from fieldreport.scrub.documents.markup import Element, remove
from fieldreport.scrub.documents.ooxml import drawings, hidden_words
from fieldreport.scrub.documents.ooxml.opc import Kind, PartCleaning, parse
from fieldreport.scrub.documents.vocabularies import RELATIONSHIPS
from fieldreport.scrub.verdicts import Damaged, Noted, Removed

SLIDES: Final = "http://schemas.openxmlformats.org/presentationml/2006/main"
_P: Final = f"{{{SLIDES}}}"
_TYPE: Final = "application/vnd.openxmlformats-officedocument.presentationml."
_FIRST_SLIDE: Final = 256  # ECMA-376 part 1, 19.7.13

_WRITER: Final = drawings.Writer(
    "presentation", "drawing", "drawing-2010", "math", "chart", "diagram", "diagram-drawing", "picture"
)


def clean_presentation(part: PartCleaning, untrusted: bytes) -> bytes:
    """The list of slides. Which layouts are in use is settled before the masters are read."""
    root = parse(untrusted)
    package = part.package
    package.page = _page(root)
    slides: list[tuple[Element, str]] = []
    for slide in root.iter(f"{_P}sldId"):
        relation = part.old.get(str(slide.get(f"{{{RELATIONSHIPS}}}id", "")))
        if relation is None or relation.kind != "slide" or package.old(relation.target) is None:
            raise Damaged  # a slide is missing
        slides.append((slide, relation.target))
    hidden = {name for _, name in slides if _is_hidden(package.old(name) or b"")}
    if any(name not in hidden for _, name in slides):  # or there would be nothing to show
        package.left_out |= hidden
        package.cleaning.removed |= {Removed.HIDDEN_CONTENT} if hidden else set()
    for number, (slide, name) in enumerate(slides, start=_FIRST_SLIDE):
        slide.set("id", str(number))
        if name not in package.left_out:
            relations = package.relations_of(name).values()
            package.used |= {found.target for found in relations if found.kind == "slideLayout"}
    data = _written(root, part)
    part.implied("theme", "tableStyles")
    for kind, root_name in (("presProps", "presentationPr"), ("viewProps", "viewPr")):
        empty = f'<p:{root_name} xmlns:p="{SLIDES}"/>'.encode()
        part.constant(kind, f"ppt/{kind}.xml", f"{_TYPE}{kind}+xml", empty)
    return data


def _page(root: Element) -> tuple[int, int]:
    """Width and height of a slide, in EMU; (0, 0) when the presentation does not say."""
    size = root.find(f"{_P}sldSz")
    width, height = ("", "") if size is None else (str(size.get("cx", "")), str(size.get("cy", "")))
    return (int(width), int(height)) if width.isdecimal() and height.isdecimal() else (0, 0)


def _is_hidden(slide: bytes) -> bool:
    """Whether a slide is left out of the show. Only those are parsed that may say so, because few do."""
    return b"show" in slide.replace(b"\0", b"") and str(parse(slide).get("show", "1")) in {"0", "false"}


def clean_slide(part: PartCleaning, untrusted: bytes) -> bytes:
    """A slide, its notes, or a master of these; with it the layout it was made from."""
    root = parse(untrusted)
    drawings.choose(root, part.package.cleaning.removed)  # first: what is not chosen is not in the file
    drawings.drop_hidden(root, part.package.cleaning.removed)
    if hidden_words.on_slide(root, part.package.page, lambda: _background(root, part)):
        part.package.cleaning.noted.add(Noted.HIDDEN_WORDS)
    if hidden_words.pictures_outside(root, part.package.page):
        part.package.cleaning.noted.add(Noted.CROPPED)
    data = _written(root, part)
    part.implied("slideLayout", "slideMaster", "notesMaster", "notesSlide", "slide", "theme")
    return data


def _background(slide: Element, part: PartCleaning) -> str:
    """The colour behind a slide, which its layout says or that one's master."""
    found = hidden_words.background(slide)
    relations = part.old
    for kind in ("slideLayout", "slideMaster"):
        name = next((relation.target for relation in relations.values() if relation.kind == kind), "")
        data = part.package.old(name)
        if found is None and data is not None:
            found = hidden_words.background(parse(data))
            relations = part.package.relations_of(name)
    return found or "unknown"


def clean_notes(part: PartCleaning, untrusted: bytes) -> bytes:
    """What is to be spoken: kept, and the editor is told, because no slide shows it."""
    root = parse(untrusted)
    if any((text.text or "").strip() for text in root.iterfind(f".//{drawings.A}r/{drawings.A}t")):
        part.package.cleaning.noted.add(Noted.HIDDEN_WORDS)
    return clean_slide(part, untrusted)


def clean_master(part: PartCleaning, untrusted: bytes) -> bytes:
    """A slide master, with the layouts that slides use."""
    root = parse(untrusted)
    for layout in list(root.iter(f"{_P}sldLayoutId")):
        relation = part.old.get(str(layout.get(f"{{{RELATIONSHIPS}}}id", "")))
        if relation is None or relation.target not in part.package.used:
            remove(layout)
    data = _written(root, part)
    part.implied("theme")
    return data


def clean_drawing_part(part: PartCleaning, untrusted: bytes) -> bytes:
    """A chart, a diagram's parts, a theme, table styles."""
    root = parse(untrusted)
    drawings.neutral_formulas(root)
    drawings.say_defaults(root, part)
    return _written(root, part)


def _written(root: Element, part: PartCleaning) -> bytes:
    if next(root.iter(f"{_P}timing"), None) is not None:
        part.package.cleaning.removed.add(Removed.OTHER_METADATA)
    return _WRITER.write(root, part)


KINDS: Final = {
    "officeDocument": Kind(
        name="ppt/presentation.xml", content_type=f"{_TYPE}presentation.main+xml", clean=clean_presentation, single=True
    ),
    "slide": Kind(name="ppt/slides/slide{}.xml", content_type=f"{_TYPE}slide+xml", clean=clean_slide, essential=True),
    "slideLayout": Kind(
        name="ppt/slideLayouts/slideLayout{}.xml", content_type=f"{_TYPE}slideLayout+xml", clean=clean_slide
    ),
    "slideMaster": Kind(
        name="ppt/slideMasters/slideMaster{}.xml", content_type=f"{_TYPE}slideMaster+xml", clean=clean_master
    ),
    "notesSlide": Kind(
        name="ppt/notesSlides/notesSlide{}.xml",
        content_type=f"{_TYPE}notesSlide+xml",
        clean=clean_notes,
        essential=True,
    ),
    "notesMaster": Kind(
        name="ppt/notesMasters/notesMaster{}.xml", content_type=f"{_TYPE}notesMaster+xml", clean=clean_slide
    ),
} | drawings.kinds(
    "ppt",
    clean_drawing_part,
    also={
        "theme": ("theme/theme{}.xml", "theme"),
        "tableStyles": ("tableStyles.xml", "presentationml.tableStyles"),
    },
)
