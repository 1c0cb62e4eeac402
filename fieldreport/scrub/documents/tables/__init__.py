"""What documents may hold, as tables in TOML: the specification that a format's ``write`` and ``verify`` share.

Code is never shared between the two: the tables catch a mistake in the code, the blocklists of a ``verify`` catch a
mistake in the tables.
"""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import Any


def load(name: str) -> dict[str, Any]:
    """The table ``name.toml``. Called when a module is imported: the locked child opens no file."""
    return tomllib.loads(files(__package__).joinpath(f"{name}.toml").read_text("utf-8"))
