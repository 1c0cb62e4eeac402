"""A set of small numbers as bits: a hundred thousand cases are 12 KiB, and sets are combined in microseconds."""

from __future__ import annotations

from typing import Final

_STEP: Final = 1024  # bytes by which it grows


class Bits:
    """Numbers that are put in and taken out one by one. In ``value`` bit ``n`` says whether ``n`` is in it."""

    def __init__(self) -> None:
        self._raw = bytearray()

    def put(self, number: int, *, inside: bool = True) -> None:
        """Put a number in, or take it out."""
        place, bit = number >> 3, 1 << (number & 7)
        if place >= len(self._raw):
            if not inside:
                return
            self._raw.extend(bytes(place - len(self._raw) + _STEP))
        if inside:
            self._raw[place] |= bit
        else:
            self._raw[place] &= ~bit

    @property
    def value(self) -> int:
        """All of it as one integer."""
        return int.from_bytes(self._raw, "little")


def numbers(value: int) -> list[int]:
    """The numbers in a set, the smallest first."""
    raw = value.to_bytes((value.bit_length() + 7) // 8, "little")
    return [place << 3 | bit for place, byte in enumerate(raw) if byte for bit in range(8) if byte >> bit & 1]
