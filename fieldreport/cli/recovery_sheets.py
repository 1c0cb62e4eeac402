"""Recovery shares on paper: one sheet a share, as a PDF or as text.

Rules: a sheet says nothing that its share does not, and no date finer than the month; files are new and closed to
others, in a directory that the operator names, because they must be deleted after printing; what a sheet's grid says
can be typed or read back as it stands.
"""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

from mnemonic import Mnemonic

from fieldreport import config
from fieldreport.errors import UsageError
from fieldreport.unseal.recovery import WORDS

COLUMNS: Final = 3
ROWS: Final = WORDS // COLUMNS
_IN_MEMORY: Final = frozenset({"tmpfs", "ramfs"})


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
            content = _as_pdf(sheet) if form is SheetForm.PDF else as_text(sheet).encode()
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
    for row in range(ROWS):
        cells = (f"{at + 1:>2}) {words[at]:<14}" for at in range(row, WORDS, ROWS))
        lines.append("   ".join(cells).rstrip())
    for paragraph in sheet.advice():
        lines += ["", *textwrap.wrap(paragraph, 78)]
    return "\n".join(lines) + "\n"


def _as_pdf(sheet: Sheet) -> bytes:
    from fieldreport.cli.recovery_sheet_pdf import (
        as_pdf,  # here, because few commands draw and the library takes a while to load
    )

    return as_pdf(sheet)
