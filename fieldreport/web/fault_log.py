"""Logs faults of the program itself, without anything that a visitor sent.

Rules: an exception is written as its class and the places it passed in our own code; its message may quote a path, a
name or a text, so it is left out. Our own errors add their code and their detail, which never hold any of that.
"""

from __future__ import annotations

import logging
import traceback
from typing import Final

from fieldreport.errors import FieldreportError

_log: Final = logging.getLogger("fieldreport.web")


def log_fault(error: BaseException) -> None:
    """Log that something went wrong in the program itself, without anything a visitor sent."""
    _log.error("%s", describe(error))


def describe(error: BaseException) -> str:
    """An exception as ``Class at module:line < module:line``, innermost first, and the class of its cause."""
    frames = [
        f"{frame.f_globals.get('__name__', '?')}:{line}" for frame, line in traceback.walk_tb(error.__traceback__)
    ]
    inner = frames[-1:] if frames and not frames[-1].startswith("fieldreport.") else []
    own = [frame for frame in frames if frame.startswith("fieldreport.")]
    places = " < ".join([*inner, *reversed(own[-6:])])
    cause = error.__cause__ or error.__context__
    because = f" because of {type(cause).__name__}" if cause is not None else ""
    detail = f" ({error.code}: {error.detail})" if isinstance(error, FieldreportError) else ""
    return f"{type(error).__name__}{detail} at {places or 'an unknown place'}{because}"
