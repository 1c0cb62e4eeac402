"""What tells a heading from other lines."""

from __future__ import annotations


class Heading(str):
    """A line that is a heading; in brackets where it is the name of a sheet, or the number of a slide."""

    __slots__ = ()
