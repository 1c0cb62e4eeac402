"""What documents may hold, as tables in TOML: the specification that a format's ``write`` and ``verify`` share.

Code is never shared between the two: the tables catch a mistake in the code, the blocklists of a ``verify`` catch a
mistake in the tables.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def load(name: str) -> Mapping[str, Any]:
    """The table ``name.toml``, read once. Called when a module is imported: the locked child opens no file.

    A table that ``extends`` another has what that one has, and its own elements in the place of those of one name.
    """
    table = tomllib.loads(files(__package__).joinpath(f"{name}.toml").read_text("utf-8"))
    base = table.pop("extends", None)
    return table if base is None else _extended(load(base), table)


def _extended(base: Mapping[str, Any], table: Mapping[str, Any]) -> Mapping[str, Any]:
    lists = {key: f"{base.get(key, '')} {table.get(key, '')}" for key in ("words", "plain")}
    kinds = {
        key: {
            kind: f"{base.get(key, {}).get(kind, '')} {table.get(key, {}).get(kind, '')}".strip()
            for kind in base.get(key, {}) | table.get(key, {})
        }
        for key in ("every", "text")
    }
    return {**base, **table, **lists, **kinds, "elements": base["elements"] | table["elements"]}
