"""Which forms have been sent: a form is valid for one letter, however often that letter is posted.

In memory that the workers share, like receipts: a form's number (random, not a secret) and a part of its letter's
id, for as long as the form's token opens. A restart forgets it, and forgets the tokens' key with it.
"""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass, field
from typing import Final, Literal

from fieldreport import limits
from fieldreport.errors import TokenError

_SLOT: Final = struct.Struct(">I16s8s")
_WINDOW: Final = 8  # neighbouring slots that one number may lie in
_HOURS: Final = limits.TOKEN_IDLE_SECONDS // 3600 + 1


@dataclass(frozen=True, slots=True)
class UsedForms:
    """The forms of the last hours. Make it before the workers fork."""

    _memory: mmap.mmap = field(
        default_factory=lambda: mmap.mmap(-1, _SLOT.size * limits.FORM_SLOTS, mmap.MAP_SHARED | mmap.MAP_ANONYMOUS),
        repr=False,
    )

    def claim(self, nonce: str, letter_id: bytes, *, hour: int) -> Literal[True]:
        """Use a form (32 hexadecimal digits) for a letter; again for the same letter is no other use.

        Of more forms in a few hours than there is room for, the oldest are forgotten.

        Raises:
            TokenError: code ``form-used``: it was used for another letter.
        """
        number, part = bytes.fromhex(nonce), letter_id[:8]
        first = int.from_bytes(number[:4], "big")
        slots = [(first + step) % limits.FORM_SLOTS for step in range(_WINDOW)]
        held = {slot: _SLOT.unpack_from(self._memory, slot * _SLOT.size) for slot in slots}
        for written, known, used_for in held.values():
            if known == number and 0 <= hour - written <= _HOURS:
                if used_for == part:
                    return True
                raise TokenError("This form was sent before, with other words.", code="form-used")
        oldest = min(slots, key=lambda slot: held[slot][0])
        self._memory[oldest * _SLOT.size : (oldest + 1) * _SLOT.size] = _SLOT.pack(hour, number, part)
        return True
