"""The specification that both readings share: ``cards.toml``."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

_TABLE: Final = tomllib.loads(files(__package__).joinpath("cards.toml").read_text(encoding="utf-8"))

PICTURE: Final = "picture"
PLACE: Final = "place"
WORDS: Final = frozenset({"text", "person", "words", "gender"})
"""Kinds of values that may be anything."""
PICTURE_TYPES: Final[Mapping[str, str]] = {"JPEG": "image/jpeg", "PNG": "image/png"}
"""What the type of a picture is called in a card → media type."""
VALUES: Final = {kind: re.compile(pattern) for kind, pattern in _TABLE["kinds"].items()}
"""Kind of value → what it looks like."""
PARAMETERS: Final = {name: re.compile(pattern) for name, pattern in _TABLE["parameters"].items()}
"""Parameter → what its value looks like."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """Cards or calendars. ``kept``: property → kind of value; ``removed``: property → category's name."""

    media_type: str
    components: frozenset[str]
    constant: Mapping[str, tuple[str, ...]]
    kept: Mapping[str, str]
    removed: Mapping[str, str]


def _form(table: Mapping[str, Mapping[str, list[str]]], media_type: str, components: list[str]) -> Form:
    return Form(
        media_type=media_type,
        components=frozenset(components),
        constant={name: tuple(lines) for name, lines in table["constant"].items()},
        kept={name: kind for kind, names in table["kept"].items() for name in names},
        removed={name: category for category, names in table["removed"].items() for name in names},
    )


FORMS: Final = {
    name.upper(): _form(_TABLE[name], _TABLE[name]["media_type"], _TABLE[name]["components"])
    for name in ("vcard", "vcalendar")
}
"""Component that a file begins with → its form."""
