"""One file of a stranger's archive."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Member:
    """``untrusted_name``: its path in the archive, with strokes between folders; ``read``: its content, unpacked."""

    untrusted_name: str
    read: Callable[[], bytes]
