"""RTF: the text and how it looks, written token by token.

A stack of groups, each of which keeps, opens, frames or drops what is in it. A control word stays if the table names
it and its number is within the table's bounds; a destination stays if the table says so, gives its text if that is what
is shown, and goes otherwise, whatever it is called. Author, times, comments, revisions, style names, objects, private
data and hidden text go; pictures inside are cleaned; fields become what they show, except page numbers, links to public
pages and links to bookmarks, which get numbers for names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from fieldreport import limits
from fieldreport.scrub.documents import tables
from fieldreport.scrub.documents.fields import kept_instruction
from fieldreport.scrub.documents.pictures import clean_picture
from fieldreport.scrub.documents.rtf import look, spelled_pictures
from fieldreport.scrub.documents.rtf.look import Colour, Look
from fieldreport.scrub.documents.rtf.parse import Kind, Token, tokens
from fieldreport.scrub.documents.vocabularies import USUAL_FONT, listed
from fieldreport.scrub.format import Cleaning, Sink, Source
from fieldreport.scrub.text.invisible import unmark_piece
from fieldreport.scrub.text.spelled_pictures import may_be_in
from fieldreport.scrub.verdicts import Bomb, Damaged, Noted, Removed

MEDIA_TYPE: Final = "application/rtf"
_BLIPS: Final = {"image/png": b"\\pngblip ", "image/jpeg": b"\\jpegblip "}
_SYMBOLS: Final = {b"\\": b"\\", b"{": b"{", b"}": b"}", b"~": b" ", b"_": b"-", b"-": b""}  # what each of them says
_SHOWN: Final = re.compile(rb"[\x20-\x5b\x5d-\x7a\x7c\x7e]+")
_CELLS: Final = frozenset({b"cell", b"nestcell"})
_NO_LETTERS: Final = bytes(byte for byte in range(0x80) if not chr(byte).isalnum())
_NOT_HEX: Final = re.compile(rb"[^0-9A-Fa-f]")
_CROP: Final = re.compile(
    rb"\\piccrop[tblr](?:[3-9][0-9]|[1-9][0-9]{2,}) "
)  # from 1.5 points on; programs round to less
_HIGH_SURROGATES: Final = range(0xD800, 0xDC00)
_LOW_SURROGATES: Final = range(0xDC00, 0xE000)


def clean(untrusted_source: Source, sink: Sink, cleaning: Cleaning) -> str:
    """Write the cleaned text to ``sink``.

    Raises:
        Refused: ``damaged``, ``bomb``.
    """
    rewriting = _Rewriting(cleaning)
    written = rewriting.rewrite(untrusted_source.whole(limits.XML_BYTES))
    more = 0
    if b"\\" in rewriting.said or b"begin" in rewriting.said or may_be_in(bytes(rewriting.said)):
        written, more = spelled_pictures.cleaned(written, cleaning)
    sink.write(written)
    cleaning.counted = rewriting.shown + more
    return MEDIA_TYPE


class _Mode(Enum):
    """What becomes of the content of a group."""

    KEEP = auto()
    FRAME = auto()  # its own content goes, groups in it are looked at
    DROP = auto()  # all of it goes
    PICTURE = auto()
    INSTRUCTION = auto()
    BOOKMARK = auto()
    FONTS = auto()
    COLOURS = auto()


_TABLE: Final = tables.load("rtf")


def _words(listed_words: str) -> frozenset[bytes]:
    return frozenset(listed_words.encode("ascii").split())


_BOUNDS: Final = {kind: range(least, most + 1) for kind, (least, most) in _TABLE["bounds"].items()}
_CODE_PAGES: Final = frozenset(_TABLE["code-pages"])
_NUMBERS: Final[Mapping[bytes, range | frozenset[int]]] = {
    word: _CODE_PAGES if kind == "code-page" else _BOUNDS[kind]
    for kind, words in _TABLE["words"].items()
    if kind not in {"flag", "toggle"}
    for word in _words(words)
}
_FLAGS: Final = _words(_TABLE["words"]["flag"])
_TOGGLES: Final = _words(_TABLE["words"]["toggle"])
_PICTURE_WORDS: Final = _words(_TABLE["pictures"]["words"])
_FAMILIES: Final = _words(_TABLE["font-families"])
_CODECS: Final = {
    number: "cp1252" if codec == "none" else codec
    for codec, numbers in _TABLE["font-charsets"].items()
    for number in numbers
}
_GROUP, _STAR, _OPEN, _FRAME, _SILENT = (
    _words(_TABLE["destinations"][kind]) for kind in ("group", "star", "open", "frame", "nothing")
)
_FOUND: Final = {
    word: Removed(kind) for kind, words in _TABLE["destinations"]["found"].items() for word in _words(words)
}
_INVISIBLE: Final = _SILENT | _FOUND.keys()
_DESTINATIONS: Final = _GROUP | _STAR | _OPEN | _FRAME | _INVISIBLE | {b"fldrslt"}
_FOUND_WORDS: Final = {word: Removed(kind) for kind, words in _TABLE["found"].items() for word in _words(words)}
_TABLES: Final = {b"fonttbl": _Mode.FONTS, b"colortbl": _Mode.COLOURS}
_BOOKMARKS: Final = frozenset({b"bkmkstart", b"bkmkend"})
_LINK_INSIDE: Final = re.compile(r'\s*HYPERLINK\s+\\l\s+"([^"]+)"', re.IGNORECASE)
# Programs add to a font's name which writing it is for, which its character set says.
_FONT_FOR: Final = re.compile(
    r"@|(?: CE| Cyr| Greek| Tur| Baltic| \((?:Hebrew|Arabic|Vietnamese|Thai)\))$", re.IGNORECASE
)


@dataclass(slots=True)
class _Font:
    """One that is being described."""

    number: int = 0
    family: bytes = b""
    numbers: dict[bytes, int] = field(default_factory=dict)
    name: str = ""
    undecoded: bytes = b""  # what follows of the name, in the encoding of its character set

    def said(self) -> str:
        """The name up to here."""
        codec = _CODECS[self.numbers.get(b"fcharset", 0)]
        self.name, self.undecoded = self.name + self.undecoded.decode(codec, "replace"), b""
        return self.name.strip()


@dataclass(slots=True)
class _Group:
    mode: _Mode
    written: bool = False  # whether its braces are in the result
    named: bool = False  # whether its first word has been seen
    spaces: bytes = b""  # before that
    starred: bool = False
    fallback: int = 1  # characters after \\u that stand for it in old readers
    hidden: bool = False
    deleted: bool = False
    is_link: bool = False  # a field whose instruction stays
    look: Look = field(default_factory=Look)
    picture: list[bytes] = field(default_factory=list)
    picture_words: list[bytes] = field(default_factory=list)
    instruction: list[str] = field(default_factory=list)


class _Rewriting:
    """One file's tokens on their way."""

    def __init__(self, cleaning: Cleaning) -> None:
        self._cleaning = cleaning
        self._removed = cleaning.removed
        self._out = bytearray()
        self._groups: list[_Group] = []
        self._skip = 0  # characters still to be left out after a \\u
        self._surrogate = 0
        self._font = _Font()
        self._colour: dict[bytes, int] = {}
        self._colours: list[Colour | None] = []
        self._links: dict[str, int] = {}  # names of bookmarks that a link leads to
        self._bookmarks: list[tuple[int, bytes, str]] = []  # place in what was written, control word, name
        # For a quick look at what may be spelled out: the words, a backslash for ASCII that is not written as it is,
        # and nothing for what is beyond ASCII.
        self.said = bytearray()
        self.shown = 0  # letters, digits, characters beyond ASCII, cells and pictures

    def rewrite(self, untrusted: bytes) -> bytes:
        """The new text.

        Raises:
            Refused: ``damaged``, ``bomb``.
        """
        if not untrusted.startswith(b"{\\rtf"):
            raise Damaged
        for token, end in tokens(untrusted):
            self._take(token)
            if not self._groups:
                if untrusted[end:].strip(b"\0\r\n\t "):
                    self._removed.add(Removed.TRAILING_DATA)
                return self._with_bookmarks()
        raise Damaged

    def _with_bookmarks(self) -> bytes:
        """What was written, with those bookmarks in it that a link leads to."""
        pieces: list[bytes | bytearray] = []
        position = 0
        for place, word, name in self._bookmarks:
            if name in self._links:
                pieces += [self._out[position:place], b"{\\*\\%s b%d}" % (word, self._links[name])]
                position = place
        return b"".join([*pieces, self._out[position:]])

    def _take(self, token: Token) -> None:
        match token.kind:
            case Kind.OPEN:
                self._open()
            case Kind.CLOSE:
                self._close()
            case _ if self._skip:
                self._leave_out(token)
            case Kind.SYMBOL if token.data == b"*" and not self._groups[-1].named:
                self._groups[-1].starred = True
            case Kind.WORD:
                self._word(token.data, token.number)
            case _:
                self._content(token)

    def _open(self) -> None:
        self._skip = self._surrogate = 0
        if len(self._groups) >= limits.XML_DEPTH:
            raise Bomb
        if not self._groups:
            self._groups.append(_Group(_Mode.KEEP))
            return
        parent = self._groups[-1]
        self._begin(parent)
        mode = _Mode.DROP if parent.mode in (_Mode.PICTURE, _Mode.BOOKMARK) else parent.mode
        self._groups.append(
            _Group(
                mode,
                fallback=parent.fallback,
                hidden=parent.hidden,
                deleted=parent.deleted,
                instruction=parent.instruction,
                look=parent.look,
            )
        )

    def _begin(self, group: _Group) -> None:
        """The first token of a group that is no destination: it is like the group around it."""
        if not group.named:
            group.named = True
            if group.mode is _Mode.KEEP:
                self._begin_text(group)

    def _write_brace(self, group: _Group) -> None:
        group.written = True
        self._out += b"{"

    def _begin_text(self, group: _Group) -> None:
        self._write_brace(group)
        if group.spaces and self._is_shown(group):
            self._shown(Kind.TEXT, group.spaces)

    def _close(self) -> None:
        self._skip = self._surrogate = 0
        self._begin(self._groups[-1])
        group = self._groups.pop()
        if group.mode is _Mode.PICTURE and group.picture:
            self._picture(group)
        if group.mode is _Mode.INSTRUCTION and (not self._groups or self._groups[-1].mode is not _Mode.INSTRUCTION):
            self._instruction(group)
        if group.mode is _Mode.BOOKMARK:
            self._bookmarks.append((len(self._out), group.picture_words[0], "".join(group.instruction)))
        if group.mode is _Mode.FONTS and group.written:
            self._end_font()
        if group.mode is _Mode.COLOURS and self._groups:
            self._groups[-1].look = self._groups[-1].look.among(self._colours)
        if group.written:
            self._out += b"}"

    def _word(self, word: bytes, number: int | None) -> None:
        group = self._groups[-1]
        if not group.named:
            group.named = True
            if self._destination(group, word):
                return
            if group.mode is _Mode.KEEP and not group.written:
                self._begin_text(group)
        elif word in _INVISIBLE and group.mode is _Mode.KEEP and len(self._groups) > 1:
            # Readers look for it anywhere in a group, and show nothing that follows in there.
            group.mode = _Mode.PICTURE if word == b"pict" else _Mode.DROP
            self._report(word)
            return
        if word in _FOUND_WORDS:
            self._removed.add(_FOUND_WORDS[word])
        match group.mode:
            case _Mode.PICTURE if word in _PICTURE_WORDS and number is not None and number in _BOUNDS["picture"]:
                group.picture_words.append(b"\\%s%d " % (word, number))
            case _Mode.INSTRUCTION | _Mode.BOOKMARK | _Mode.FONTS if word == b"u":
                self._unicode(number or 0)
            case _Mode.FONTS:
                self._font_word(word, number)
            case _Mode.COLOURS if number is not None and number in _BOUNDS["colour-part"]:
                self._colour[word] = number
            case _Mode.KEEP:
                self._kept_word(group, word, number)
            case _:
                return

    def _destination(self, group: _Group, word: bytes) -> bool:
        """Settle a group by its first word; false when that is no destination."""
        if len(self._groups) == 1:
            self._write_brace(group)
            self._out += b"\\rtf1 \\uc1 "
            return True
        if group.mode is _Mode.DROP:
            self._report(word)
            return True
        is_destination = group.starred or word in _DESTINATIONS
        if is_destination and group.mode not in (_Mode.KEEP, _Mode.FRAME):
            group.mode = _Mode.DROP  # in an instruction, a bookmark's name, a table
            self._report(word)
        elif word in _GROUP or word in _STAR:
            group.mode = _Mode.KEEP
            self._write_brace(group)
            self._out += (b"\\*" if word in _STAR else b"") + b"\\%s " % word
        elif word in _TABLES and group.mode is _Mode.KEEP:
            group.mode = _TABLES[word]
            self._write_brace(group)
            self._out += b"\\%s " % word
        elif word in _BOOKMARKS and group.mode is _Mode.KEEP:
            group.mode, group.instruction, group.picture_words = _Mode.BOOKMARK, [], [word]
        elif word in _OPEN:
            group.mode = _Mode.KEEP
            self._write_brace(group)
        elif word == b"fldrslt":
            group.mode = _Mode.KEEP
            self._write_brace(group)
            self._out += b"\\fldrslt " if self._groups[-2].is_link else b""
        elif word == b"fldinst":
            group.mode, group.instruction = _Mode.INSTRUCTION, []
        elif word == b"pict":
            group.mode = _Mode.PICTURE
        elif word in _FRAME:
            # Braces around it: what it holds may change how text looks.
            group.mode = _Mode.FRAME
            self._write_brace(group)
            if word == b"object":
                self._removed.add(Removed.EMBEDDED_FILE)
        elif is_destination:
            group.mode = _Mode.DROP
            self._report(word, unknown=Removed.OTHER_METADATA if group.starred else None)
        else:
            return False
        return True

    def _report(self, word: bytes, *, unknown: Removed | None = None) -> None:
        found = _FOUND.get(word, None if word in _SILENT else unknown)
        if found is not None:
            self._removed.add(found)

    def _kept_word(self, group: _Group, word: bytes, number: int | None) -> None:
        match word:
            case b"u":
                self._unicode(number or 0)
            case b"uc":
                group.fallback = min(max(number or 0, 0), 16)
            case b"v":
                group.hidden = number != 0
            case b"deleted":
                group.deleted = number != 0
                self._removed.add(Removed.HISTORY)
            case b"plain":
                group.hidden = group.deleted = False
                self._out += b"\\plain "
            case _ if word in _FLAGS:
                self.shown += word in _CELLS
                if word in spelled_pictures.LINE_WORDS:
                    self.said += b"\n"
                self._out += b"\\%s " % word
            case _ if word in _TOGGLES:
                self._out += b"\\%s " % word if number != 0 else b"\\%s0 " % word
            case _ if word in _NUMBERS and number is not None and number in _NUMBERS[word]:
                self._out += b"\\%s%d " % (word, number)
            case _:
                return
        if word in look.WORDS:
            group.look = group.look.after(word, number, self._colours)

    def _font_word(self, word: bytes, number: int | None) -> None:
        if word in _FAMILIES:
            self._font.family = b"\\%s " % word
        elif word == b"f" and number is not None and number in _BOUNDS["font"]:
            self._font = _Font(number)
        elif number is not None and (
            (word == b"fcharset" and number in _CODECS)
            or (word == b"fprq" and number in _BOUNDS["pitch"])
            or (word == b"cpg" and number in _CODE_PAGES)
        ):
            self._font.numbers[word] = number

    def _end_font(self) -> None:
        """Write what was said of a font: its own name if it is one that many have."""
        font, self._font = self._font, _Font()
        said = font.said()
        if not said:
            return
        known = listed("font", said) or listed("font", _FONT_FOR.sub("", said))
        if not known:
            self._removed.add(Removed.OTHER_METADATA)
        numbers = b"".join(
            b"\\%s%d " % (word, font.numbers[word]) for word in (b"fcharset", b"fprq", b"cpg") if word in font.numbers
        )
        name = b"".join(map(_spelled, known or USUAL_FONT))
        self._out += b"{\\f%d %s%s%s;}" % (font.number, font.family, numbers, name)

    def _end_colour(self) -> None:
        red, green, blue = (self._colour.get(word, 0) for word in (b"red", b"green", b"blue"))
        self._colours.append((red, green, blue) if self._colour else None)
        self._out += b"\\red%d \\green%d \\blue%d ;" % (red, green, blue) if self._colour else b";"
        self._colour.clear()

    def _content(self, token: Token) -> None:
        group = self._groups[-1]
        kind, data, _ = token
        if not group.named:
            if kind is Kind.TEXT and not data.strip():
                group.spaces += data  # perhaps before the word that says what the group is
                return
            self._begin(group)
        match group.mode:
            case _Mode.KEEP:
                if self._is_shown(group):
                    self._shown(kind, data)
            case _Mode.PICTURE:
                if kind is Kind.BINARY:
                    group.picture.append(data.hex().encode("ascii"))
                elif kind is Kind.TEXT:
                    group.picture.append(_NOT_HEX.sub(b"", data))
            case _Mode.INSTRUCTION | _Mode.BOOKMARK:
                if kind is not Kind.BINARY:
                    group.instruction.append(data.decode("latin-1"))
            case _Mode.FONTS if kind in (Kind.HEX, Kind.TEXT):
                before, *others = data.split(b";") if kind is Kind.TEXT else [data]
                self._font.undecoded += before
                for name in others:
                    self._end_font()
                    self._font.undecoded = name
            case _Mode.COLOURS if kind is Kind.TEXT:
                for _ in range(data.count(b";")):
                    self._end_colour()
            case _:
                return

    def _shown(self, kind: Kind, data: bytes) -> None:
        if kind is Kind.TEXT:
            self.shown += len(data.translate(None, _NO_LETTERS))
            self.said += data
            self._out += data if _SHOWN.fullmatch(data) else b"".join(_pieces(data))
        elif kind is Kind.HEX:
            self.shown += 1
            self._out += b"\\'%02x" % data[0]
            if data[0] < 0x80:
                self.said += b"\\"
        elif kind is Kind.SYMBOL and data in _SYMBOLS:
            self._out += b"\\" + data
            self.said += _SYMBOLS[data]
        elif kind is Kind.SYMBOL and data in {b"\r", b"\n", b"\r\n"}:
            self._out += b"\\par "
            self.said += b"\n"

    def _is_shown(self, group: _Group) -> bool:
        if group.deleted:
            self._removed.add(Removed.HISTORY)
        elif group.hidden:
            self._removed.add(Removed.HIDDEN_CONTENT)
        elif group.look.hides:
            self._cleaning.noted.add(Noted.HIDDEN_WORDS)
        return not (group.deleted or group.hidden)

    def _unicode(self, number: int) -> None:
        """A character by its number, and whatever stands for it in old readers left out."""
        group = self._groups[-1]
        self._skip = group.fallback
        code = number & 0xFFFF
        high, self._surrogate = self._surrogate, 0
        if code in _HIGH_SURROGATES:
            self._surrogate = code
            return
        if code in _LOW_SURROGATES:
            if not high:
                return
            code = 0x10000 + ((high - 0xD800) << 10) + (code - 0xDC00)
        character = chr(code)
        if group.mode in (_Mode.INSTRUCTION, _Mode.BOOKMARK):
            group.instruction.append(character)
        elif group.mode is _Mode.FONTS:
            self._font.name = self._font.said() + character
        elif code < 0x20 or not self._is_shown(group):
            return
        elif not unmark_piece(character):
            self._removed.add(Removed.COPY_MARKS)
        else:
            spelled = _spelled(character)
            self.shown += spelled.count(b"\\u") or character.isalnum()
            if character.isascii():
                self.said += character.encode()
            self._out += spelled

    def _leave_out(self, token: Token) -> None:
        if token.kind is Kind.TEXT and len(token.data) > self._skip:
            rest, self._skip = token.data[self._skip :], 0
            self._content(Token(Kind.TEXT, rest))
        elif token.kind is Kind.TEXT:
            self._skip -= len(token.data)
        elif token.kind is Kind.WORD:  # ends what stands for the character, though nobody should write that
            self._skip = 0
            self._word(token.data, token.number)
        else:
            self._skip -= 1

    def _picture(self, group: _Group) -> None:
        digits = b"".join(group.picture)
        untrusted = bytes.fromhex(digits[: len(digits) & ~1].decode("ascii"))
        image = clean_picture(untrusted, self._cleaning, _BLIPS)
        if image is None:
            return
        if any(_CROP.fullmatch(word) for word in group.picture_words):
            self._cleaning.noted.add(Noted.CROPPED)
        self.shown += 1
        self._out += b"{\\pict %s%s" % (_BLIPS[image.media_type], b"".join(group.picture_words))
        self._out += image.data.hex().encode("ascii") + b"}"

    def _instruction(self, group: _Group) -> None:
        said = "".join(group.instruction)
        inside = _LINK_INSIDE.match(said)
        if inside is not None:
            kept: str | None = rf'HYPERLINK \l "b{self._links.setdefault(inside[1], len(self._links) + 1)}"'
        else:
            kept = kept_instruction(said, self._removed)
        # Only where it is the first thing of its field: readers look for it there.
        if kept is not None and self._groups[-1].mode is _Mode.FRAME and self._out.endswith(b"{"):
            self._groups[-1].is_link = True
            self._out += b"\\field {\\*\\fldinst " + b"".join(map(_spelled, kept)) + b"}"


def _pieces(text: bytes) -> Iterator[bytes]:
    for byte in text:
        character = bytes((byte,))
        if _SHOWN.match(character):
            yield character
        elif byte == 0x09:
            yield b"\\tab "
        elif byte >= 0x80:
            yield b"\\'%02x" % byte


def _spelled(character: str) -> bytes:
    """A character in ASCII; what old readers show for it is a question mark."""
    if character in "\\{}":
        return b"\\" + character.encode("ascii")
    if " " <= character <= "~":
        return character.encode("ascii")
    units = character.encode("utf-16-be", "surrogatepass")
    return b"".join(
        b"\\u%d ?" % int.from_bytes(units[place : place + 2], "big", signed=True) for place in range(0, len(units), 2)
    )
