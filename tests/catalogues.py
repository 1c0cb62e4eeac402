"""The sentences of the two applications, as they stand in the program: what their catalogues must hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from babel.messages.extract import extract_from_dir

import fieldreport

ROOT = Path(fieldreport.__file__).parent
METHODS = [("**.py", "python"), ("**/templates/**.html", "jinja2")]
KEYWORDS = {
    "_": None,
    "later": None,
    "ngettext": (1, 2),
    "plural_later": (1, 2),
    "pgettext": ((1, "c"), 2),
    "Sentence": None,
    "counted": (1, 2),
}

String = tuple[tuple[str, ...], str | None]
"""The English sentence, or its singular and plural; and its context, if it has one."""


@dataclass(frozen=True, slots=True)
class Program:
    """An application that has catalogues: the folders in which its sentences stand."""

    name: str
    folders: tuple[str, ...]

    @property
    def package(self) -> Path:
        return ROOT / self.name

    @property
    def catalogues(self) -> list[Path]:
        return sorted((self.package / "translations").glob("*/LC_MESSAGES/messages.po"))

    def strings(self) -> set[String]:
        return set(self._found())

    def _found(self) -> Iterator[String]:
        for folder in self.folders:
            for _, _, message, _, context in extract_from_dir(str(ROOT / folder), METHODS, keywords=KEYWORDS):
                yield ((message,) if isinstance(message, str) else tuple(message)), context


INTAKE = Program("intake", ("intake",))
DESK = Program("desk", ("desk", "checks", "mailbox", "press", "scrub", "seal", "unseal", "vault"))
