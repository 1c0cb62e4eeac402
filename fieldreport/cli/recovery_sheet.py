"""One recovery share on paper: what its sheet says, and the sheet as text.

Rules: a sheet says nothing that its share does not, and no date finer than the month; its grid of words can be typed or
read back as it stands.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from fieldreport import config
from fieldreport.seal import fingerprint_words
from fieldreport.unseal.recovery import WORDS

_COLUMNS: Final = 3
ROWS: Final = WORDS // _COLUMNS


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
        """What distinguishes this sheet from others; all of it is public."""
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
