"""What is said of one check. A finding names the place and what to do; none is a traceback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from fieldreport.errors import FieldreportError
from fieldreport.sentence import Sentence
from fieldreport.web.fault_log import describe


class Verdict(StrEnum):
    """How a check ended. ``UNSEEN``: this user, or these settings, may not look there; nothing is known."""

    HOLDS = "holds"
    WARNS = "warns"
    FAILS = "fails"
    UNSEEN = "unseen"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One check: what was looked at, how it ended, and what was seen."""

    check: str
    verdict: Verdict
    seen: str


@contextmanager
def failing_as(check: str, findings: list[Finding]) -> Iterator[None]:
    """Let what a block raises be a finding of this check, so that the others are made nevertheless."""
    try:
        yield
    except FieldreportError as error:
        findings.append(Finding(check=check, verdict=Verdict.FAILS, seen=error.detail))
    except OSError as error:
        seen = Sentence(
            "%(file)s: %(error)s; see that it is there and belongs to the user of its zone",
            file=error.filename,
            error=error.strerror,
        )
        findings.append(Finding(check=check, verdict=Verdict.FAILS, seen=seen))
    except Exception as error:  # noqa: BLE001 - of what nobody has thought, the others are still looked at
        fault = f"this is a fault of the program: {describe(error)}"
        findings.append(Finding(check=check, verdict=Verdict.FAILS, seen=fault))
