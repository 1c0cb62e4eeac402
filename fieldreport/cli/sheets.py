"""Recovery shares on paper: one sheet a share, as a PDF or as text.

Rules: a sheet says nothing that its share does not, and no date finer than the month; files are new and closed to
others, in a directory that the operator names, because they must be deleted after printing; what a sheet's grid says
can be typed or read back as it stands.
"""

from __future__ import annotations

import io
import os
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Final

from mnemonic import Mnemonic
from pikepdf import Dictionary, Matrix, Name, Pdf
from pikepdf.canvas import BLACK, Canvas, Font, Text
from typing_extensions import override

from fieldreport import config
from fieldreport.errors import UsageError
from fieldreport.unseal.recovery import WORDS

_COLUMNS: Final = 3
_ROWS: Final = WORDS // _COLUMNS
_IN_MEMORY: Final = frozenset({"tmpfs", "ramfs"})

# Points, from the lower left corner of an A4 page; everything stays inside what US Letter shows, too.
_PAGE: Final = (595, 842)
_LEFT, _TOP, _WIDTH = 64, 762, 467
_COLUMN_POINTS: Final = 155
_LINE_CHARACTERS: Final = 84  # of 11-point Helvetica, by measure, with room to spare
_PLAIN, _BOLD, _TYPED = Name.Plain, Name.Bold, Name.Typed


class SheetForm(StrEnum):
    """What a printer is given."""

    PDF = "pdf"
    TEXT = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One share and what its keeper must know. ``key_id`` is the recovery key's, ``month`` like 'November 2026'."""

    newsroom: str
    instance: str
    key_id: str
    number: int
    made: int
    needed: int
    month: str
    share: str = field(repr=False)

    @property
    def title(self) -> str:
        """Which share this is."""
        return f"Recovery share {self.number} of {self.made}"

    def facts(self) -> Iterator[tuple[str, str]]:
        """What tells this sheet from others; all of it is public."""
        yield "Newsroom", self.newsroom
        yield "Instance", self.instance
        yield "Key", fingerprint_words(self.key_id)
        yield "Made in", self.month

    def advice(self) -> Iterator[str]:
        """What this is and is not, and what to do with it."""
        others = self.needed - 1
        rest = "one other share" if others == 1 else f"{others} other shares"
        yield (
            f"With {rest} of the same set these words open every report that this newsroom keeps, if all passphrases "
            "are lost. Alone they open nothing and say nothing. They are no passphrase and let nobody in at the desk."
        )
        yield (
            "Keep this sheet where only you find it, away from the newsroom and from the other sheets. Do not "
            "photograph, copy or scan it. The words after 'Key' are not secret: they tell which key it is."
        )
        yield (
            f"To use it: bring any {self.needed} sheets together and run 'fieldreport recover'. Once a year, and when "
            "a keeper changes, run 'fieldreport recover --rehearse': it proves the sheets and writes no key. If a "
            "sheet is lost or was seen, tell the admin, who makes a new set ('fieldreport keys renew-recovery'). If "
            "this program is gone: the words are a share by SLIP-39, and what they give is the seed of a key for 'age'."
        )


def sheets(settings: config.Settings, *, key_id: str, shares: Sequence[str], needed: int) -> tuple[Sheet, ...]:
    """A sheet for every share of a set."""
    return tuple(
        Sheet(
            newsroom=settings.instance.name,
            instance=settings.instance.id,
            key_id=key_id,
            number=number,
            made=len(shares),
            needed=needed,
            month=datetime.now(UTC).strftime("%B %Y"),
            share=share,
        )
        for number, share in enumerate(shares, start=1)
    )


def fingerprint_words(key_id: str) -> str:
    """A key id as twelve words, as the desk shows it (BIP-39 of its 16 bytes)."""
    return str(Mnemonic("english").to_mnemonic(bytes.fromhex(key_id)))


def prepare(directory: Path) -> None:
    """Make or check the directory that sheets go to, before there is anything to lose.

    Raises:
        UsageError: it is not empty, others can look in, or it cannot be written.
    """
    try:
        directory.mkdir(mode=0o700, exist_ok=True)
        if any(directory.iterdir()):
            raise UsageError(f"{directory} is not empty")
        if directory.stat().st_mode & 0o077:
            raise UsageError(f"others can look into {directory}; run chmod 700 on it")
    except OSError as error:
        raise UsageError(f"cannot write {directory}: {error.strerror}") from None
    if not os.access(directory, os.W_OK | os.X_OK):
        raise UsageError(f"cannot write {directory}")


def write(directory: Path, of: Sequence[Sheet], form: SheetForm) -> tuple[Path, ...]:
    """Write one file a sheet, mode 0600; what was written before a failure is removed.

    Raises:
        UsageError: a file is there already, or cannot be written.
    """
    written: list[Path] = []
    try:
        for sheet in of:
            path = directory / f"share-{sheet.number}-of-{sheet.made}.{'pdf' if form is SheetForm.PDF else 'txt'}"
            content = as_pdf(sheet) if form is SheetForm.PDF else as_text(sheet).encode()
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            written.append(path)
            with os.fdopen(descriptor, "wb") as file:
                os.fchmod(descriptor, 0o600)
                file.write(content)
    except OSError as error:
        for path in written:
            path.unlink(missing_ok=True)
        raise UsageError(f"cannot write the sheets into {directory}: {error.strerror}") from None
    return tuple(written)


def is_in_memory(directory: Path) -> bool:
    """Whether what is deleted there is gone: a directory in memory, not on a disk."""
    place, best, kind = directory.resolve(), -1, ""
    for line in Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace").splitlines():
        _, mounted, system, *_ = line.split(" ")
        at = Path(mounted.encode().decode("unicode_escape"))
        if place.is_relative_to(at) and len(at.parts) > best:
            best, kind = len(at.parts), system
    return kind in _IN_MEMORY


def as_text(sheet: Sheet) -> str:
    """The sheet as lines of at most 78 characters."""
    words = sheet.share.split()
    lines = [sheet.title, "=" * len(sheet.title), ""]
    for name, value in sheet.facts():
        lines += textwrap.wrap(value, 68, initial_indent=f"{name:<10}", subsequent_indent=" " * 10)
    lines.append("")
    for row in range(_ROWS):
        cells = (f"{at + 1:>2}) {words[at]:<14}" for at in range(row, WORDS, _ROWS))
        lines.append("   ".join(cells).rstrip())
    for paragraph in sheet.advice():
        lines += ["", *textwrap.wrap(paragraph, 78)]
    return "\n".join(lines) + "\n"


def as_pdf(sheet: Sheet) -> bytes:
    """The sheet as one page, in the fonts that every reader of PDF has; without dates or names in its properties."""
    canvas = Canvas(page_size=_PAGE)
    for font, base in ((_PLAIN, Name.Helvetica), (_BOLD, Name("/Helvetica-Bold")), (_TYPED, Name.Courier)):
        canvas.add_font(font, _Standard(base))
    y = _TOP
    _show(canvas, _BOLD, 22, _LEFT, y, sheet.title)
    y -= 34
    for name, value in sheet.facts():
        _show(canvas, _BOLD, 11, _LEFT, y, name)
        for line in textwrap.wrap(_printable(value), _LINE_CHARACTERS - 14):
            _show(canvas, _PLAIN, 11, _LEFT + 72, y, line)
            y -= 15
        y -= 3
    y -= 20
    canvas.do.stroke_color(BLACK).line_width(0.75)
    canvas.do.rect(_LEFT - 8, y - 23 * _ROWS + 8, _WIDTH + 16, 23 * _ROWS + 14, fill=False)
    words = sheet.share.split()
    for row in range(_ROWS):
        for column, at in enumerate(range(row, WORDS, _ROWS)):
            _show(canvas, _TYPED, 13, _LEFT + 4 + column * _COLUMN_POINTS, y, f"{at + 1:>2}) {words[at]}")
        y -= 23
    y -= 18
    for paragraph in sheet.advice():
        for line in textwrap.wrap(paragraph, _LINE_CHARACTERS):
            _show(canvas, _PLAIN, 11, _LEFT, y, line)
            y -= 15
        y -= 9
    written = io.BytesIO()
    with canvas.to_pdf() as page:
        _title(page, sheet.title)
        page.save(written, deterministic_id=True)
    return written.getvalue()


class _Standard(Font):
    """One of the fourteen fonts of every PDF reader, in the Windows code page."""

    def __init__(self, base: Name) -> None:
        self._base = base

    @override
    def text_width(
        self,
        text: str | bytes,
        fontsize: float | Decimal = 1,
        *,
        char_spacing: float | Decimal = 0,
        word_spacing: float | Decimal = 0,
    ) -> float | Decimal:
        raise NotImplementedError  # lines are broken by their characters

    @override
    def register(self, pdf: Pdf) -> Dictionary:
        return pdf.make_indirect(
            Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=self._base, Encoding=Name.WinAnsiEncoding)
        )


def _show(canvas: Canvas, font: Name, points: int, x: int, y: int, line: str) -> None:
    text = Text().font(font, points).text_transform(Matrix().translated(x, y)).show(line.encode("cp1252"))
    canvas.do.draw_text(text)


def _printable(value: str) -> str:
    """The value, or a line to write it on by hand: these fonts have no letters beyond Western Europe's."""
    try:
        value.encode("cp1252")
    except UnicodeEncodeError:
        return "_" * 40
    return value


def _title(pdf: Pdf, title: str) -> None:
    pdf.docinfo.Title = title
    pdf.Root.Lang = "en"
