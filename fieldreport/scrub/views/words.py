"""The words of any file that is cleaned here, in the locked child.

One way for all: PDFium reads a PDF; texts are decoded; the members of an archive are read one after the other; of
everything else that has words, the clean copy is made first and ``documents.extract`` reads that, as strong cleaning
does. Type by content, never by name.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from typing import Final

import pypdfium2
from pypdfium2 import raw as pdfium

from fieldreport import limits
from fieldreport.scrub import pipeline, registry
from fieldreport.scrub.archives.parse import parse as members_of
from fieldreport.scrub.documents import extract
from fieldreport.scrub.documents.extract.lines import Heading
from fieldreport.scrub.documents.markup import parse_own
from fieldreport.scrub.format import Cleaning, Sink, Source
from fieldreport.scrub.images import codecs
from fieldreport.scrub.registry import NeutralNames, Strong
from fieldreport.scrub.sniff import sniff
from fieldreport.scrub.text.conversation import messages
from fieldreport.scrub.verdicts import Bomb, Damaged, Refusal, Refused
from fieldreport.scrub.views import cards, maps
from fieldreport.scrub.views.document import CELLS, Block, Piece, Unread, cost, encode
from fieldreport.scrub.views.places import ARCHIVES

MEDIA_TYPE: Final = "text/plain"
_DRAWING: Final = "image/svg+xml"
_LOOKS: Final = frozenset({Unread.PICTURES, Unread.SOUND})
_QUOTE: Final = re.compile(r"(?:> ?)+")
_DELIMITERS: Final = ("\t", ";", ",")
_TABLE_HEAD: Final = 2000  # characters looked at for that
_TABLE_LINES: Final = 20  # looked at to tell whether a text is a table


def write(untrusted_source: Source, sink: Sink, cleaning: Cleaning) -> str:
    """Write the file's ``Reading``; the answer is a media type.

    Raises:
        Refused: it was not read.
        Elsewhere: never for what has words.
    """
    reader = _Reader(cleaning)
    try:
        reader.read(untrusted_source)
    except _Enough:
        reader.unread.add(Unread.REST)
    sink.write(encode(reader.pieces, reader.unread))
    return MEDIA_TYPE


def warm() -> None:
    """Load what is loaded late: the codec of the words of a PDF."""
    "a".encode("utf-16-le").decode("utf-16-le")


class _Enough(Exception):
    """There are more words than a reading holds."""


class _Reader:
    def __init__(self, cleaning: Cleaning) -> None:
        self.pieces: list[Piece] = []
        self.unread: set[Unread] = set()
        self._cleaning = cleaning
        self._left = limits.READING_CHARACTERS
        self._names = NeutralNames()

    def read(self, untrusted: Source, places: tuple[int, ...] = (), *, again: bool = False) -> None:
        """One file, or the one at these places inside it."""
        media_type = sniff(untrusted)
        family = media_type.partition("/")[0]
        if media_type == "application/pdf":
            self._pdf(untrusted, places)
        elif media_type in ARCHIVES:
            self._archive(untrusted, places)
        elif media_type == "image/tiff":
            self._tiff(untrusted, places)
        elif family in {"image", "audio", "video"} and media_type != _DRAWING:
            self.unread |= {"image": {Unread.PICTURES}, "audio": {Unread.SOUND}}.get(family, set(_LOOKS))
            self._see(Block.PICTURE, *places, 1)
        elif media_type == MEDIA_TYPE and (text := _decoded(untrusted)) is not None:
            self._text(text)
        else:
            self._cleaned(untrusted, places, again=again)

    def _cleaned(self, untrusted: Source, places: tuple[int, ...], *, again: bool) -> None:
        """What is read only from a clean copy, which is in the form that our own cleaners write."""
        sink = Sink()
        media_type = pipeline.clean(untrusted, sink, self._cleaning.lossless())
        data = sink.source().whole()
        row = registry.OUTPUTS[media_type]
        if media_type == _DRAWING:
            self._drawing(data)
            self._see(Block.PICTURE, *places, 1)
        elif row.strong is Strong.EXTRACT:
            lines, pictures = extract.lines_and_pictures(data, media_type)
            for place in range(1, len(pictures) + 1):
                self.unread.add(Unread.PICTURES)
                self._see(Block.PICTURE, *places, place, 1)
            for line in lines:
                self._line(line)
            self._apart(extract.other_lines(data, media_type))
        elif media_type in maps.MEDIA_TYPES:
            for block, texts in maps.told(data, media_type):
                self._add(block, *texts)
        elif media_type in cards.MEDIA_TYPES:
            for block, texts in cards.told(data.decode()):
                self.unread |= {Unread.PICTURES} if texts[0] in cards.PICTURES else set()
                self._add(block, *texts)
        elif row.strong is Strong.SAME:
            self._text(data.decode())
        elif not again:  # a mail that came out as a text, a page or an archive
            self.read(sink.source(), places, again=True)
        else:
            raise Refused(Refusal.UNSUPPORTED)

    def _apart(self, lines: Iterator[str]) -> None:
        """What is not in the flow of a document, after a mark that says so."""
        for number, line in enumerate(lines):
            if number == 0:
                self._add(Block.APART, "")
            self._line(line)

    def _line(self, line: str) -> None:
        if isinstance(line, Heading):
            self._add(Block.HEADING, line.strip("[]"))
        elif "\t" in line:
            self._add(Block.ROW, *line.split("\t"))
        elif line.strip():
            self._add(Block.LINE, line)

    def _add(self, block: Block, *texts: str) -> None:
        for start in range(0, len(texts), CELLS):
            piece = Piece(block, texts[start : start + CELLS])
            self._left -= cost(piece)
            if self._left < 0:
                raise _Enough
            self.pieces.append(piece)

    def _see(self, block: Block, *place: int) -> None:
        if len(place) <= limits.ARCHIVE_DEPTH + 1:  # what lies deeper is in its container's words at most
            self._add(block, "-".join(map(str, place)))

    def _text(self, text: str) -> None:
        said = messages(text)
        if said is not None:
            for each in said:
                self._add(Block.SAID, *each)
            return
        rows = _rows(text)
        if rows is not None:
            for row in rows:
                if row:
                    self._add(Block.ROW, *row)
            return
        for line in text.replace("\r\n", "\n").split("\n"):
            if line.startswith(">"):  # what a mail answers (RFC 3676, 4.5)
                self._add(Block.QUOTED, _QUOTE.sub("", line))
            else:
                self._add(Block.LINE, line)

    def _drawing(self, data: bytes) -> None:
        self.unread.add(Unread.PICTURES)
        for element in parse_own(data).iter():
            if str(element.tag).rpartition("}")[2] in {"text", "title", "desc"}:
                self._add(Block.LINE, " ".join("".join(map(str, element.itertext())).split()))

    def _tiff(self, untrusted: Source, places: tuple[int, ...]) -> None:
        self.unread.add(Unread.PICTURES)
        file = codecs.open_tiff(untrusted.file())
        for page in range(1, limits.IMAGE_FRAMES + 1):
            if not codecs.turn_to(file, page - 1):
                return
            self._see(Block.PAGE, *places, page)

    def _archive(self, untrusted: Source, places: tuple[int, ...]) -> None:
        if len(places) >= limits.ARCHIVE_DEPTH:
            raise Bomb
        for place, member in enumerate(members_of(untrusted, self._cleaning), start=1):
            if place > limits.ARCHIVE_MEMBERS:
                raise Bomb
            source = Source.of(member.read())
            self._cleaning.spend(source.size)
            try:
                name = member.untrusted_name  # our cleaners give neutral ones
                self._add(Block.MEMBER, name if registry.named_type(name) else self._names.next(sniff(source)))
                self.read(source, (*places, place))
            except Refused:
                self.unread.add(Unread.MEMBERS)

    def _pdf(self, untrusted: Source, places: tuple[int, ...]) -> None:
        try:
            document = pypdfium2.PdfDocument(untrusted.whole())
        except pypdfium2.PdfiumError:
            raise Damaged from None
        try:
            if len(document) > limits.PDF_PAGES:
                raise Bomb
            for number in range(len(document)):
                self._pdf_page(document, number, places)
        finally:
            document.close()

    def _pdf_page(self, document: pypdfium2.PdfDocument, number: int, places: tuple[int, ...]) -> None:
        self._see(Block.PAGE, *places, number + 1)
        try:
            page = document[number]
            words = page.get_textpage()
            text = words.get_text_bounded() if words.count_chars() else ""
            if Unread.PICTURES not in self.unread:
                kinds = {found.type for found in page.get_objects(max_depth=2)}
                self.unread |= {Unread.PICTURES} if pdfium.FPDF_PAGEOBJ_IMAGE in kinds else set()
                if not text.strip() and kinds:
                    self.unread.add(Unread.PAGES)
            elif not text.strip():
                self.unread.add(Unread.PAGES)
            words.close()
            page.close()
        except pypdfium2.PdfiumError:
            self.unread.add(Unread.PAGES)
            return
        for line in text.split("\n"):
            if line.strip():
                self._add(Block.LINE, line.rstrip("\r"))


def _decoded(untrusted: Source) -> str | None:
    """A text in the one encoding that cleaners write, or None: another one is for them."""
    try:
        return untrusted.whole(limits.TEXT_BYTES).decode()
    except UnicodeDecodeError:
        return None


def _rows(text: str) -> list[list[str]] | None:
    """The rows of a text that is a table: its first lines have the same number of cells, and more than one."""
    head = text.split("\n", _TABLE_LINES)[:_TABLE_LINES]
    lines = [line for line in head if line.strip()]
    for delimiter in _DELIMITERS:
        if text.count(f"{delimiter} ", 0, _TABLE_HEAD) * 2 > text.count(delimiter, 0, _TABLE_HEAD):
            continue  # punctuation
        try:
            counts = {len(row) for row in csv.reader(lines, delimiter=delimiter, strict=True)}
        except csv.Error:
            continue
        if len(lines) > 1 and len(counts) == 1 and counts != {1}:
            try:
                return list(csv.reader(io.StringIO(text), delimiter=delimiter))
            except csv.Error:  # a quote that never ends
                return None
    return None
