"""The parsers' cursor over bits: numbers of any width, as codecs write them, and ``Damaged`` beyond the end."""

from __future__ import annotations

from fieldreport.scrub.verdicts import Damaged


class Bits:
    """Reads most significant bit first; ``left`` bits are still to come."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "big")
        self.left = len(data) * 8

    def take(self, count: int) -> int:
        """The next ``count`` bits as a number."""
        if count > self.left:
            raise Damaged
        self.left -= count
        return self._value >> self.left & ((1 << count) - 1)

    def peek(self, count: int) -> int:
        """The same, without passing over them."""
        value = self.take(count)
        self.left += count
        return value

    def golomb(self) -> int:
        """Unsigned Exp-Golomb, at most 32 bits."""
        zeros = 0
        while not self.take(1):
            zeros += 1
            if zeros > 31:
                raise Damaged
        return (1 << zeros) - 1 + self.take(zeros)
