"""Clean contact cards and calendars as words: each card and each date a heading, each property a row.

Source: RFC 6350 and RFC 5545; what is written is what ``text.cards`` writes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from fieldreport.scrub.views.document import Block

MEDIA_TYPES: Final = frozenset({"text/vcard", "text/calendar"})
Told = tuple[Block, tuple[str, ...]]
_LINE: Final = re.compile(r"([A-Z-]+)((?:;[A-Z-]+=[^:;]*)*):(.*)", re.DOTALL)
_ESCAPED: Final = re.compile(r"\\([nN,;\\])")
_PARTS: Final = re.compile(r"(?<!\\);")
_TIME: Final = re.compile(r"(\d{4})-?(\d{2})-?(\d{2})(?:T(\d{2}):?(\d{2}):?(\d{2})?(Z?))?")
_TIMES: Final = frozenset({"BDAY", "ANNIVERSARY", "DTSTART", "DTEND", "DUE", "RDATE", "EXDATE"})
_STRUCTURED: Final = frozenset({"N", "ADR", "ORG"})
_TITLES: Final = frozenset({"FN", "SUMMARY"})
# What the format asks for and our cleaner fills with nothing; and where a component ends.
_CONSTANT: Final = frozenset({"VERSION", "PRODID", "UID", "DTSTAMP", "END"})
PICTURES: Final = frozenset({"PHOTO", "LOGO"})


def told(cleaned: str) -> Iterator[Told]:
    """What stands in cards or dates that our own cleaner wrote; of a picture, a row with its name alone."""
    component: list[tuple[str, str, str]] = []
    for line in cleaned.split("\r\n"):
        found = _LINE.fullmatch(line)
        if found is None:
            continue
        name, parameters, value = found.groups()
        if name == "BEGIN":
            yield from _component(component)
            component = []
        elif name not in _CONSTANT:
            component.append((name, parameters, value))
    yield from _component(component)


def _component(properties: list[tuple[str, str, str]]) -> Iterator[Told]:
    title = next((_text(value) for name, _, value in properties if name in _TITLES), "")
    if title.strip():
        yield Block.HEADING, (" ".join(title.split()),)
    titled = bool(title.strip())
    for name, parameters, value in properties:
        if titled and name in _TITLES:
            titled = False  # the first is the heading
        elif name in PICTURES:
            yield Block.ROW, (name, "")
        else:
            kind = ", ".join(each.partition("=")[2] for each in parameters.split(";") if each.startswith("TYPE="))
            yield Block.ROW, (f"{name} ({kind})" if kind else name, _value(name, value))


def _value(name: str, value: str) -> str:
    if name in _TIMES:
        return _TIME.sub(_moment, value)
    if name in _STRUCTURED:
        return ", ".join(part for each in _PARTS.split(value) if (part := _text(each).strip()))
    return _text(value)


def _moment(found: re.Match[str]) -> str:
    year, month, day, hour, minute, second, utc = found.groups()
    clock = f" {hour}:{minute}" + (f":{second}" if second not in {None, "00"} else "") if hour else ""
    return f"{year}-{month}-{day}{clock}{' UTC' if utc else ''}"


def _text(value: str) -> str:
    return _ESCAPED.sub(lambda found: "\n" if found[1] in "nN" else found[1], value)
