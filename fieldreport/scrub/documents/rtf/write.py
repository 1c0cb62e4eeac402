"""RTF: the text and how it looks, written token by token.

A stack of groups, each of which keeps, opens, frames or drops what is in it. A control word stays if the table names
it; a destination stays if the table says so, gives its text if that is what is shown, and goes otherwise, whatever it
is called. Author, times, comments, revisions, style names, objects, private data and hidden text go; pictures inside
are cleaned; fields become what they show, except page numbers and links to public pages.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from fieldreport import limits
from fieldreport.scrub.documents import tables
from fieldreport.scrub.documents.embedded_jpeg import as_drawn
from fieldreport.scrub.documents.fields import kept_instruction
from fieldreport.scrub.documents.rtf.parse import Kind, Token, tokens
from fieldreport.scrub.format import Cleaning, Sink, Source
from fieldreport.scrub.text.invisible import unmark_piece
from fieldreport.scrub.verdicts import Bomb, Damaged, Refused, Removed

MEDIA_TYPE: Final = "application/rtf"
_PICTURE_WORDS: Final = frozenset(
    {b"picw", b"pich", b"picwgoal", b"pichgoal", b"picscalex", b"picscaley"}
    | {b"piccropt", b"piccropb", b"piccropl", b"piccropr"}
)
_BLIPS: Final = {"image/png": b"\\pngblip ", "image/jpeg": b"\\jpegblip "}
_SYMBOLS: Final = frozenset({b"\\", b"{", b"}", b"~", b"_", b"-"})
_SHOWN: Final = re.compile(rb"[\x20-\x5b\x5d-\x7a\x7c\x7e]+")
_NOT_HEX: Final = re.compile(rb"[^0-9A-Fa-f]")
_HIGH_SURROGATES: Final = range(0xD800, 0xDC00)
_LOW_SURROGATES: Final = range(0xDC00, 0xE000)


def clean(untrusted_source: Source, sink: Sink, cleaning: Cleaning) -> str:
    """Write the cleaned text to ``sink``.

    Raises:
        Refused: ``damaged``, ``bomb``.
    """
    sink.write(_Rewriting(cleaning).rewrite(untrusted_source.whole(limits.XML_BYTES)))
    return MEDIA_TYPE


class _Mode(Enum):
    """What becomes of the content of a group."""

    KEEP = auto()
    FRAME = auto()  # its own content goes, groups in it are looked at
    DROP = auto()  # all of it goes
    PICTURE = auto()
    INSTRUCTION = auto()


_TABLE: Final = {kind: frozenset(word.encode("ascii") for word in words) for kind, words in tables.load("rtf").items()}
_KEEP, _GROUP, _OPEN, _FRAME = (_TABLE[kind] for kind in ("keep", "group", "open", "frame"))
_FOUND: Final = {
    word: Removed(kind) for kind, words in _TABLE.items() if kind in set(Removed) for word in words
}  # destinations
_SILENT: Final = _TABLE["nothing"]
_DESTINATIONS: Final = _GROUP | _OPEN | _FRAME | _SILENT | _FOUND.keys() | {b"fldrslt"}
_FOUND_WORDS: Final = {
    word: Removed(kind.removeprefix("word-"))
    for kind, words in _TABLE.items()
    if kind.startswith("word-")
    for word in words
}


@dataclass(slots=True)
class _Group:
    mode: _Mode
    written: bool = False  # whether its braces are in the result
    named: bool = False  # whether its first word has been seen
    starred: bool = False
    fallback: int = 1  # characters after \\u that stand for it in old readers
    hidden: bool = False
    deleted: bool = False
    table: bytes = b""  # the font or colour table it is in
    is_link: bool = False  # a field whose instruction stays
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
                return bytes(self._out)
        raise Damaged

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
        mode = _Mode.DROP if parent.mode is _Mode.PICTURE else parent.mode
        self._groups.append(
            _Group(
                mode,
                fallback=parent.fallback,
                hidden=parent.hidden,
                deleted=parent.deleted,
                table=parent.table,
                instruction=parent.instruction,
            )
        )

    def _begin(self, group: _Group) -> None:
        """The first token of a group that is no destination: it is like the group around it."""
        if not group.named:
            group.named = True
            if group.mode is _Mode.KEEP:
                self._write_brace(group)

    def _write_brace(self, group: _Group) -> None:
        group.written = True
        self._out += b"{"

    def _close(self) -> None:
        self._skip = self._surrogate = 0
        self._begin(self._groups[-1])
        group = self._groups.pop()
        if group.mode is _Mode.PICTURE and group.picture:
            self._picture(group)
        if group.mode is _Mode.INSTRUCTION and (not self._groups or self._groups[-1].mode is not _Mode.INSTRUCTION):
            self._instruction(group)
        if group.written:
            self._out += b"}"

    def _word(self, word: bytes, number: int | None) -> None:
        group = self._groups[-1]
        if not group.named:
            group.named = True
            if self._destination(group, word):
                return
            if group.mode is _Mode.KEEP and not group.written:
                self._write_brace(group)
        if word in _FOUND_WORDS:
            self._removed.add(_FOUND_WORDS[word])
        match group.mode:
            case _Mode.PICTURE if word in _PICTURE_WORDS and number is not None:
                group.picture_words.append(b"\\%s%d " % (word, number))
            case _Mode.INSTRUCTION if word == b"u":
                self._unicode(number or 0)
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
        if group.mode is _Mode.INSTRUCTION and is_destination:
            group.mode = _Mode.DROP  # a field within a field's instruction
        elif word in _GROUP:
            group.mode = _Mode.KEEP
            self._write_brace(group)
            self._out += (b"\\*" if word == b"nesttableprops" else b"") + b"\\%s " % word
            group.table = word if word in {b"fonttbl", b"colortbl"} else b""
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
            case _ if word in _KEEP:
                if word == b"plain":
                    group.hidden = group.deleted = False
                self._out += b"\\%s%s " % (word, b"" if number is None else b"%d" % number)
            case _:
                return

    def _content(self, token: Token) -> None:
        group = self._groups[-1]
        self._begin(group)
        if group.mode is _Mode.PICTURE:
            if token.kind is Kind.BINARY:
                group.picture.append(token.data.hex().encode("ascii"))
            elif token.kind is Kind.TEXT:
                group.picture.append(_NOT_HEX.sub(b"", token.data))
        elif group.mode is _Mode.INSTRUCTION and token.kind is not Kind.BINARY:
            group.instruction.append(token.data.decode("latin-1"))
        elif group.mode is _Mode.KEEP and self._is_shown(group):
            if token.kind is Kind.HEX:
                self._out += b"\\'%02x" % token.data[0]
            elif token.kind is Kind.TEXT:
                for piece in _pieces(token.data, group.table):
                    self._out += piece
            elif token.kind is Kind.SYMBOL and token.data in _SYMBOLS:
                self._out += b"\\" + token.data
            elif token.kind is Kind.SYMBOL and token.data in {b"\r", b"\n", b"\r\n"}:
                self._out += b"\\par "

    def _is_shown(self, group: _Group) -> bool:
        if group.deleted:
            self._removed.add(Removed.HISTORY)
        elif group.hidden:
            self._removed.add(Removed.HIDDEN_CONTENT)
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
        if group.mode is _Mode.INSTRUCTION:
            group.instruction.append(character)
        elif code < 0x20 or not self._is_shown(group):
            return
        elif not unmark_piece(character):
            self._removed.add(Removed.COPY_MARKS)
        else:
            self._out += _spelled(character)

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
        try:
            untrusted = bytes.fromhex(digits[: len(digits) & ~1].decode("ascii"))
            image = self._cleaning.embedded(as_drawn(untrusted, self._cleaning, profile=True), accept=_BLIPS)
        except Refused as refused:
            if isinstance(refused, Bomb):
                raise
            self._removed.add(Removed.EMBEDDED_FILE)  # metafiles and what no format reads
            return
        self._out += b"{\\pict %s%s" % (_BLIPS[image.media_type], b"".join(group.picture_words))
        self._out += image.data.hex().encode("ascii") + b"}"

    def _instruction(self, group: _Group) -> None:
        kept = kept_instruction("".join(group.instruction), self._removed)
        if kept is not None and self._groups[-1].mode is _Mode.FRAME:
            self._groups[-1].is_link = True
            self._out += b"\\field {\\*\\fldinst " + b"".join(map(_spelled, kept)) + b"}"


def _pieces(text: bytes, table: bytes) -> Iterator[bytes]:
    if not table and _SHOWN.fullmatch(text):
        yield text
        return
    for byte in text:
        character = bytes((byte,))
        if table == b"colortbl":
            yield character if byte == 0x3B else b""
        elif _SHOWN.match(character):
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
