"""The words of attachments, for those who compare, search and show them.

Rule: an attachment may come from a compromised intake, so it is read in the sandbox, whatever its letter says it is.
The copy in between is an encrypted scratch file.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from fieldreport import limits
from fieldreport.errors import ScrubRefused, Unavailable
from fieldreport.scratch import Scratch
from fieldreport.scrub.sandbox.service import Scrubber
from fieldreport.scrub.verdicts import Refusal
from fieldreport.scrub.views.document import Reading
from fieldreport.seal import OpenEnvelope


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads attachments: with what, and where the scratch files may lie."""

    scrubber: Scrubber
    scratch: Path

    def read(self, envelope: OpenEnvelope, number: int) -> Reading | None:
        """The words of one part of an open letter, or None where it cannot be read.

        Raises:
            Unavailable: not now: too much is being cleaned. SealError, StoreError: the part is damaged or away.
        """
        with Scratch(self.scratch) as copy:
            shutil.copyfileobj(envelope.open_part(number), copy, limits.READ_BYTES)
            try:
                return self.scrubber.read(copy)
            except ScrubRefused as refused:
                if refused.code == Refusal.BUSY.value:
                    raise Unavailable("too many files are being read; try again", code="reader-busy") from None
                return None
