"""Metadata removal: bytes in, bytes out, and a list of what was removed.

Type by content, never by name. Allowlists: what is not known to be harmless goes. Every parse of a stranger's bytes
happens in a locked child (``lockdown``), and every result is read again by other code before it is believed.
"""

from __future__ import annotations

from fieldreport.scrub.registry import NeutralNames, neutral_name
from fieldreport.scrub.sandbox.lockdown import SandboxStatus, sandbox_status
from fieldreport.scrub.sandbox.service import Scrubbed, Scrubber
from fieldreport.scrub.verdicts import Area, Mode, Redaction, Refusal, Removed, is_note

__all__ = [
    "Area",
    "Mode",
    "NeutralNames",
    "Redaction",
    "Refusal",
    "Removed",
    "SandboxStatus",
    "Scrubbed",
    "Scrubber",
    "is_note",
    "neutral_name",
    "sandbox_status",
]
