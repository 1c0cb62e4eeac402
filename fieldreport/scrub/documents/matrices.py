"""Matrices that place things on a page: the six numbers a to f of PDF (ISO 32000-2, 8.3.3) and SVG (1.1, 7.4)."""

from __future__ import annotations

from typing import Final

Matrix = tuple[float, float, float, float, float, float]

UNCHANGED: Final[Matrix] = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)


def times(inner: Matrix, outer: Matrix) -> Matrix:
    """What both do together, ``inner`` first."""
    a, b, c, d, e, f = inner
    g, h, i, j, k, m = outer
    return a * g + b * i, a * h + b * j, c * g + d * i, c * h + d * j, e * g + f * i + k, e * h + f * j + m
