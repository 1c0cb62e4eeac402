"""Plain PDF values, copied only if they are what the specification says they are at that place.

Everything in the new document that is not a stream passes through one of these functions. A value of the wrong type is
left out, never repaired.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from pikepdf import Array, Dictionary, Name, String

Copy = Callable[[Any], Any]
Rectangle = tuple[float, float, float, float]
"""Left, bottom, right, top, in points."""

_PARENTS: Final = 100  # levels of a page tree or of form fields; a tree of 5,000 pages has three
_NUMBERS: Final = {int, float, Decimal}
NUMBERS_MOST: Final = 200_000  # widths of a font with all of Unicode, twice


def spelled(value: Any) -> str:
    """A name as it is written in a file, with what is not ASCII in hexadecimal; empty for what is no name.

    ``str`` of a name fails for one that is not UTF-8, as in files that name a font in GBK. A name may be an object of
    its own, as every value may (ISO 32000-1, 7.3.10): what it says counts, not its number.
    """
    return bytes(value.unparse(resolved=True)).decode("ascii", "replace") if isinstance(value, Name) else ""


def text(value: Any) -> str:
    """A string's characters; empty for what is no string, or has no meaning as text."""
    try:
        return str(value) if isinstance(value, String) else ""
    except UnicodeDecodeError:
        return ""


def is_number(value: Any) -> bool:
    """An integer or a real; a boolean is neither."""
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def number(value: Any) -> Any:
    """A number, or None."""
    return value if is_number(value) else None


def integer(value: Any) -> int | None:
    """An integer, or None."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def boolean(value: Any) -> bool | None:
    """A boolean, or None."""
    return value if isinstance(value, bool) else None


def numbers(value: Any) -> Array | None:
    """An array of numbers, or None."""
    if not isinstance(value, Array) or len(value) > NUMBERS_MOST:
        return None
    items = list(value)
    return Array(items) if {type(item) for item in items} <= _NUMBERS else None


def rectangle(value: Any) -> Rectangle | None:
    """A rectangle that is not empty, however its corners are given, or None."""
    corners = numbers(value)
    if corners is None or len(corners) != 4:
        return None
    left, right = sorted((float(corners[0]), float(corners[2])))
    bottom, top = sorted((float(corners[1]), float(corners[3])))
    return (left, bottom, right, top) if left < right and bottom < top else None


def inherited(node: Any, key: str) -> Any:
    """A value of a page or a form field, or of the nearest one above it that has the key.

    None when none has, which goes for parents that do not end, too.
    """
    for _ in range(_PARENTS):
        if (value := node.get(key)) is not None:
            return value
        node = node.get("/Parent")
        if not isinstance(node, Dictionary):
            break
    return None


def entry(source: Any, key: str, inner: str) -> Any:
    """A value of a dictionary in a dictionary, or None."""
    outer = source.get(key)
    return outer.get(inner) if isinstance(outer, Dictionary) else None


def booleans(value: Any) -> Array | None:
    """An array of booleans (the Extend of a shading), or None."""
    if not isinstance(value, Array) or not all(isinstance(item, bool) for item in value):
        return None
    return Array(list(value))


def nested_numbers(value: Any) -> Array | None:
    """Numbers and arrays of numbers: glyph widths of a CID font, a dash pattern."""
    if not isinstance(value, Array) or len(value) > NUMBERS_MOST:
        return None
    kept: list[Any] = []
    for item in value:
        inner = item if is_number(item) else numbers(item)
        if inner is None:
            return None
        kept.append(inner)
    return Array(kept)


def one_of(*names: str) -> Copy:
    """A name out of a fixed list, or None."""
    allowed = frozenset(names)

    def copy(value: Any) -> Name | None:
        return Name(spelled(value)) if spelled(value) in allowed else None

    return copy


def matching(pattern: str) -> Copy:
    """A name of a fixed form, or None."""
    form = re.compile(pattern)

    def copy(value: Any) -> Name | None:
        return Name(spelled(value)) if form.fullmatch(spelled(value)) else None

    return copy


def keys(source: Any, table: Mapping[str, Copy], into: Any) -> None:
    """Copy the keys of ``table`` from one dictionary to another, each through its own function."""
    for key, copy in table.items():
        value = source.get(key)
        if value is None:
            continue
        kept = copy(value)
        if kept is not None:
            into[key] = kept


def dictionary(source: Any, table: Mapping[str, Copy]) -> Dictionary:
    """A new dictionary with the keys of ``table``."""
    kept = Dictionary()
    keys(source, table, kept)
    return kept
