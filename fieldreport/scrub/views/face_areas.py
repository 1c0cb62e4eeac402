"""What the detector of faces says of a page, as it comes from the locked child; and whether there is a detector.

Rule: no decoder and no detector is loaded here.
"""

from __future__ import annotations

import importlib.util
import struct
from collections.abc import Sequence
from typing import Final

from fieldreport import limits
from fieldreport.scrub.verdicts import Area, Refusal, Refused

PACKAGE: Final = "cv2"
_COUNT: Final = struct.Struct("<B")
_BOX: Final = struct.Struct("<4I")


def is_installed() -> bool:
    """Whether the detector can be loaded on this machine."""
    return importlib.util.find_spec(PACKAGE) is not None


def encode(boxes: Sequence[tuple[int, int, int, int]]) -> bytes:
    """At most ``limits.FACES`` boxes: left, top, right and bottom in the units of ``Area``."""
    return _COUNT.pack(len(boxes)) + b"".join(_BOX.pack(*box) for box in boxes)


def decode(untrusted: bytes, page: int) -> tuple[Area, ...]:
    """What ``encode`` wrote, on that page.

    Raises:
        Refused: it is nothing of that kind.
    """
    if not untrusted or len(untrusted) != _COUNT.size + untrusted[0] * _BOX.size or untrusted[0] > limits.FACES:
        raise Refused(Refusal.CRASHED)
    try:
        return tuple(Area(page, *box) for box in _BOX.iter_unpack(untrusted[_COUNT.size :]))
    except ValueError:
        raise Refused(Refusal.CRASHED) from None
