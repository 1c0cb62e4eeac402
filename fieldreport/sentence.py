"""An English sentence that remembers how it was made, so that a page can show it in another language.

It is text like any other: a command prints it, a log and a file hold it, in English. Only the desk's pages translate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Self


class Sentence(str):
    """A sentence: ``message`` with ``%(name)s`` for each of ``values``; they may be sentences, too.

    ``many`` is the message for other numbers than one, empty where none is counted; the number is ``%(num)s``.
    """

    __slots__ = ("many", "message", "values")

    message: str
    many: str
    values: Mapping[str, object]

    def __new__(cls, message: str, /, **values: object) -> Self:
        """Make one. ``message`` is written out, so that it is found for the catalogues."""
        return cls._made(message, message, "", values)

    @classmethod
    def counted(cls, one: str, many: str, num: int, /, **values: object) -> Self:
        """Make one about a number of things."""
        return cls._made(one if num == 1 else many, one, many, {"num": num, **values})

    @classmethod
    def listed(cls, parts: Sequence[str]) -> str:
        """Make one of several, one after the other."""
        *earlier, last = parts
        for each in reversed(earlier):
            last = cls("%(first)s, %(rest)s", first=each, rest=last)
        return last

    @classmethod
    def _made(cls, english: str, message: str, many: str, values: Mapping[str, object]) -> Self:
        made = super().__new__(cls, english % values if values else english)
        made.message, made.many, made.values = message, many, values
        return made
