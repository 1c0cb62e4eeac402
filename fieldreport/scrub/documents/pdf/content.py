"""Content streams: read as operators, and written from the ones that draw.

Comments end here, as do marked content (tags, ActualText, alternative texts, producers' own properties) and operators
nobody knows. What stands on a layer that is off paints nothing any more. Resources get neutral names in the order of
their first use; what is not used is not carried over.
"""

from __future__ import annotations

import re
import warnings
from typing import Any, Final, Protocol

import pikepdf
from pikepdf import (
    Array,
    ContentStreamInlineImage,
    ContentStreamInstruction,
    Dictionary,
    Name,
    Object,
    Operator,
    Stream,
)

from fieldreport import limits
from fieldreport.scrub.documents.pdf import values
from fieldreport.scrub.documents.pdf.inline_pictures import spelled_out
from fieldreport.scrub.verdicts import Bomb, Damaged

# ISO 32000-1, annex A, without marked content and compatibility sections.
_DRAWING: Final = frozenset(
    {"b", "B", "b*", "B*", "c", "cm", "d", "f", "F", "f*", "h", "i", "j", "J", "l", "m", "M", "n", "q", "Q", "re"}
    | {"s", "S", "v", "w", "W", "W*", "y"}
    | {"G", "g", "K", "k", "RG", "rg", "SC", "sc", "d0", "d1"}
    | {"BT", "ET", "T*", "Tc", "Td", "TD", "TL", "Tm", "Tr", "Ts", "Tw", "Tz"}
)
_SHOWING: Final = frozenset({"Tj", "TJ", "'", '"'})
_PREFIXES: Final = {
    "/Font": "F", "/XObject": "X", "/ExtGState": "G", "/ColorSpace": "C", "/Pattern": "P", "/Shading": "S",
}  # fmt: skip
# Operators that name a resource: with their first operand, or with their last.
_NAMING: Final = {
    "Tf": "/Font", "Do": "/XObject", "gs": "/ExtGState", "sh": "/Shading", "cs": "/ColorSpace", "CS": "/ColorSpace",
    "scn": "/Pattern", "SCN": "/Pattern",
}  # fmt: skip
# What paints, and what is left of it on a layer that is off: its effect on what comes after it.
_UNPAINTED: Final[dict[str, tuple[str, ...]]] = {
    **dict.fromkeys(("f", "F", "f*", "B", "B*", "b", "b*", "s", "S"), ("n",)),
    **dict.fromkeys(("Do", "sh", "Tj", "TJ"), ()),
    "'": ("T*",),
    '"': ("Tw", "Tc", "T*"),
}
# Colours that words may be set in to be hidden on white: whether it is so, the drawn page tells (``hidden_words``).
_PALE: Final = re.compile(rb"\n(?:[37] Tr|(?:(?:1|0?\.9\d*) ){1,3}r?g|(?:0?\.0\d*|0)(?: (?:0?\.0\d*|0)){3} k)\n")
_OTHER_WORDS: Final = ("/ActualText", "/Alt", "/E", "/Lang")  # of marked content (ISO 32000-1, 14.9)
_DEVICE_NAMES: Final = frozenset({"/DeviceGray", "/DeviceRGB", "/DeviceCMYK", "/Pattern"})
_INTENT: Final = values.one_of("/AbsoluteColorimetric", "/RelativeColorimetric", "/Saturation", "/Perceptual")
_PENDING: Final = Name("/Pending")


class Resources(Protocol):
    """What copies the things a content stream names (``graphics.Graphics``)."""

    pale: bool
    """Whether some words may be set in the colour of paper, or in none."""
    read_aloud: bool
    """Whether it is known that parts have texts or languages for reading aloud and copying."""

    def font(self, source: Any, resources: Any) -> Any:
        """A font of the new document: a viewer's own where there is none."""

    def state(self, source: Any, resources: Any) -> Any:
        """A graphics state of the new document, or None."""

    def colour_space(self, source: Any) -> Any:
        """A colour space of the new document, or None."""

    def shading(self, source: Any) -> Any:
        """A shading of the new document, or None."""

    def pattern(self, source: Any, resources: Any) -> Any:
        """A pattern of the new document, or None."""

    def form(self, source: Any, resources: Any) -> Any:
        """A form of the new document, or None."""

    def picture(self, source: Any, resources: Any) -> Any:
        """A picture of the new document, or None."""

    def inline_picture(self, image: Any, resources: Any) -> Any:
        """A picture from inside a stream of the new document, or None."""

    def state_of_work(self) -> Any:
        """What has been copied and counted so far."""

    def lost(self, before: Any) -> None:
        """Something that is drawn makes no sense: it counts as removed, and what was made for it goes."""

    def hidden(self, layer: Any) -> bool:
        """Whether a layer is off. What is found on it counts as removed."""


_TOKEN: Final = re.compile(rb"%[^\r\n]*|\[|\]|\(|/[^\s\0()<>\[\]{}/%]*|<[0-9A-Fa-f\s\0]*>|[^\s\0()<>\[\]{}/%]+")
_PARENTHESIS: Final = re.compile(rb"\\.|[()]", re.DOTALL)
_OPERAND: Final = re.compile(rb"[+-]?[\d.][\d.+-]*|true|false|null")


def _without_operators_in_arrays(untrusted: bytes) -> bytes:
    """The same content stream, of whose arrays only operands are left: all that viewers look at in them."""
    pieces: list[bytes] = []
    position = written = depth = 0
    while (found := _TOKEN.search(untrusted, position)) is not None:
        token, position = found[0], found.end()
        if token == b"(":
            position = _end_of_string(untrusted, position)
        elif token in {b"[", b"]"}:
            depth = max(0, depth + (1 if token == b"[" else -1))
        elif depth and token[0] not in b"%/<" and _OPERAND.fullmatch(token) is None:
            pieces += untrusted[written : found.start()], b" "
            written = position
    return b"".join([*pieces, untrusted[written:]])


def _end_of_string(untrusted: bytes, position: int) -> int:
    """After the parenthesis that closes the one before ``position``."""
    depth = 1
    for found in _PARENTHESIS.finditer(untrusted, position):
        depth += {b"(": 1, b")": -1}.get(found[0], 0)
        if not depth:
            return found.end()
    return len(untrusted)


class Rewriter:
    """Rewrites one content stream."""

    def __init__(self, old: pikepdf.Pdf, copies: Resources, resources: Any) -> None:
        self._old = old
        self._copies = copies
        self._old_resources = resources if isinstance(resources, Dictionary) else Dictionary()
        self._names: dict[tuple[str, bytes], Name | None] = {}
        self._renewed: dict[tuple[Any, ...], ContentStreamInstruction] = {}
        self.resources = Dictionary()
        self.shown = 0  # pieces of text
        self._default_colours()

    def rewrite(self, untrusted: bytes) -> bytes:
        """The new content stream; ``self.resources`` holds what it uses."""
        if len(untrusted) > limits.PDF_CONTENT_BYTES:
            raise Bomb
        instructions = self._parsed(untrusted)
        kept: list[Any] = []
        keep = kept.append
        sections: list[bool] = []  # for every open marked-content section: whether it is on a layer that is off
        hidden = False
        for instruction in instructions:
            try:
                operator = str(instruction.operator)
            except UnicodeDecodeError:
                continue  # no operator, so viewers pass over it
            if hidden and operator in _UNPAINTED:
                kept.extend(_unpainted(operator, instruction.operands))
            elif operator in _DRAWING or (operator == "ri" and _is_intent(instruction.operands)):
                keep(instruction)
            elif operator in _SHOWING:
                self.shown += 1
                keep(instruction)
            elif (category := _NAMING.get(operator)) is not None:
                if (new := self._renamed(instruction, operator, category)) is not None:
                    kept.append(new)
            elif operator in {"BDC", "BMC"}:
                if not self._copies.read_aloud:
                    self._copies.read_aloud = self._has_other_words(instruction.operands)
                sections.append(self._hidden(instruction.operands))
                hidden = True in sections
            elif operator == "EI":  # of a picture that was taken to end before, by "EI" in its data
                self._miss()
            elif operator == "EMC":
                del sections[-1:]
                hidden = True in sections
            elif (
                isinstance(instruction, ContentStreamInlineImage)
                and not hidden
                and (name := self._inline(instruction)) is not None
            ):
                kept.append(ContentStreamInstruction([name], Operator("Do")))
        new = _written(kept)
        if b" sc\n" in new or b" scn\n" in new or _PALE.search(b"\n" + new):
            self._copies.pale = True
        return new

    def _parsed(self, untrusted: bytes) -> list[Any]:
        """The instructions of a stream; one that ends early is drawn as far as it goes, as viewers do."""
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            # The end of a picture, for one that has none: qpdf would forget it.
            spelled = spelled_out(untrusted) + b"\nEI"
            try:
                instructions = list(pikepdf.parse_content_stream(Stream(self._old, spelled)))
            except TypeError:
                self._miss()
                spelled = _without_operators_in_arrays(spelled)
                instructions = list(pikepdf.parse_content_stream(Stream(self._old, spelled)))
        ended = bool(instructions) and bytes(instructions[-1].operator.unparse()) == b"EI"
        if said or not ended:
            self._miss()
        return instructions[:-1] if ended else instructions

    def _miss(self) -> None:
        self._copies.lost(self._copies.state_of_work())

    def _renamed(self, instruction: Any, operator: str, category: str) -> Any:
        """The instruction with the new name of what it names; None when there is no such thing."""
        new = list(instruction.operands)
        position = 0 if operator == "Tf" else -1
        if not new:
            return None
        written = new[position].unparse() if isinstance(new[position], Object) else b""
        if not written.startswith(b"/"):
            return instruction if operator in {"scn", "SCN"} else None
        whole = (operator, written, *new[1:]) if len(new) < 3 and (len(new) == 1 or values.is_number(new[1])) else ()
        if whole in self._renewed:  # most name one thing, and often the same
            return self._renewed[whole]
        key = (category, written)
        if key not in self._names:
            # The number is taken before the copy is made, which may come back here.
            self._names[key] = _PENDING
            self._names[key] = self._name(category, new[position])
        if (name := self._names[key]) is None:
            return None
        new[position] = name
        renewed = ContentStreamInstruction(new, instruction.operator)
        if whole:
            self._renewed[whole] = renewed
        return renewed

    def _name(self, category: str, old_name: Any) -> Name | None:
        old = values.spelled(old_name)
        if category == "/ColorSpace" and old in _DEVICE_NAMES:
            return Name(old)
        resources = self._old_resources.get(category)
        source = resources.get(old_name) if isinstance(resources, Dictionary) else None
        before = self._copies.state_of_work()
        try:
            copy = None if source is None and category != "/Font" else self._copy(category, source)
        except Damaged:
            self._copies.lost(before)  # one broken resource is not drawn; the rest of the page is
            copy = None
        return self._add(category, copy)

    def _copy(self, category: str, source: Any) -> Any:
        copies, resources = self._copies, self._old_resources
        match category:
            case "/Font":
                return copies.font(source, resources)
            case "/ExtGState":
                return copies.state(source, resources)
            case "/ColorSpace":
                return copies.colour_space(source)
            case "/Pattern":
                return copies.pattern(source, resources)
            case "/Shading":
                return copies.shading(source)
            case _ if not isinstance(source, Stream):
                return None
            case _ if source.get("/Subtype") == Name.Image:
                return copies.picture(source, resources)
            case _ if source.get("/Subtype") == Name.Form:
                return copies.form(source, resources)
            case _:
                return None

    def _add(self, category: str, copy: Any) -> Name | None:
        if copy is None:
            return None
        if category == "/ColorSpace" and isinstance(copy, Name):
            return copy
        if category not in self.resources:
            self.resources[category] = Dictionary()
        names = self.resources[category]
        name = Name(f"/{_PREFIXES[category]}{len(names) + 1}")
        names[name] = copy
        return name

    def _inline(self, instruction: ContentStreamInlineImage) -> Name | None:
        try:
            image = instruction.iimage
        except pikepdf.PdfError:  # what describes it makes no sense
            self._miss()
            return None
        return self._add("/XObject", self._copies.inline_picture(image, self._old_resources))

    def _default_colours(self) -> None:
        """What device colours mean here (ISO 32000-1, 8.6.5.6): the resources that no operator names."""
        spaces: Any = self._old_resources.get("/ColorSpace")
        for name in ("/DefaultGray", "/DefaultRGB", "/DefaultCMYK") if isinstance(spaces, Dictionary) else ():
            if isinstance(copy := self._copies.colour_space(spaces.get(name)), Array):
                if "/ColorSpace" not in self.resources:
                    self.resources.ColorSpace = Dictionary()
                self.resources.ColorSpace[name] = copy

    def _hidden(self, operands: Any) -> bool:
        if len(operands) != 2 or operands[0] != Name.OC or not isinstance(operands[1], Name):
            return False
        return self._copies.hidden(self._properties(operands[1]))

    def _has_other_words(self, operands: Any) -> bool:
        """Whether a section is read aloud or copied otherwise than it is drawn."""
        if len(operands) != 2 or operands[0] == Name.OC:
            return False
        found = self._properties(operands[1])
        return isinstance(found, Dictionary) and any(key in found for key in _OTHER_WORDS)

    def _properties(self, operand: Any) -> Any:
        """What a marked-content section says of itself, there or by a name."""
        if not isinstance(operand, Name):
            return operand
        properties = self._old_resources.get("/Properties")
        return properties.get(operand) if isinstance(properties, Dictionary) else None


def _is_intent(operands: Any) -> bool:
    """Whether it is one of the ways to render colours (ISO 32000-1, 8.6.5.8)."""
    return len(operands) == 1 and _INTENT(operands[0]) is not None


def _written(instructions: list[Any]) -> bytes:
    return bytes(pikepdf.unparse_content_stream(instructions))


def _unpainted(operator: str, operands: Any) -> list[ContentStreamInstruction]:
    settings = list(operands) if operator == '"' else []  # word and character spacing, the words
    return [
        ContentStreamInstruction(settings[index : index + 1] if left != "T*" else [], Operator(left))
        for index, left in enumerate(_UNPAINTED[operator])
    ]
