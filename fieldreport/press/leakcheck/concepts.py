"""A small dictionary of words that mean the same in six languages, for comparing an article with a foreign report.

It holds everyday things, people and acts. It knows no idioms and no grammar, and a report or an article in another
language than its six is not compared through it; the page of the check says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final

LANGUAGES: Final = ("en", "ko", "zh", "ru", "ar", "ja")


@cache
def forms(language: str) -> Mapping[str, tuple[int, ...]]:
    """Every form of one of the ``LANGUAGES``, as it is written, and the numbers of what it may mean."""
    column = LANGUAGES.index(language)
    found: dict[str, tuple[int, ...]] = {}
    lines = files("fieldreport.press.leakcheck").joinpath("concepts.txt").read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(line for line in lines if line and not line.startswith("#")):
        for form in line.split(" | ")[column].split():
            found[form] = (*found.get(form, ()), number)
    return found
