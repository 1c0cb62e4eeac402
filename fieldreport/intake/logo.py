"""The newsroom's small logo for the first page.

Rules: the logo is cleaned like a source's file, in the locked child, and must leave the first view within one
round trip: that is why it is so small.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from fieldreport import limits
from fieldreport.errors import ScrubRefused, SettingsError
from fieldreport.scratch import Scratch
from fieldreport.scrub.sandbox.service import Scrubber

_TYPES: Final = frozenset({"image/png", "image/webp"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Logo:
    """A cleaned picture of at most ``limits.LOGO_BYTES`` and its media type."""

    data: bytes = field(repr=False)
    media_type: str


def read_logo(path: Path, scrubber: Scrubber, *, scratch: Path) -> Logo:
    """Read and clean the newsroom's logo; ``scratch`` is the directory for working copies.

    Raises:
        SettingsError: it cannot be read, is too large, or is neither PNG nor WebP.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(limits.LOGO_BYTES + 1)
    except OSError as error:
        raise SettingsError(f"[intake] logo: cannot read {path}: {error.strerror}") from None
    if len(raw) > limits.LOGO_BYTES:
        raise SettingsError(f"[intake] logo: {path} is larger than {limits.LOGO_BYTES} bytes; make it smaller")
    try:
        with Scratch(scratch) as copy:
            copy.write(raw)
            cleaned = scrubber.clean(copy)
    except ScrubRefused as error:
        raise SettingsError(f"[intake] logo: {path} cannot be cleaned ({error.code})") from None
    with cleaned.output as output:
        if cleaned.media_type not in _TYPES:
            raise SettingsError(f"[intake] logo: {path} is {cleaned.media_type}; it must be PNG or WebP")
        return Logo(data=output.read(), media_type=cleaned.media_type)
