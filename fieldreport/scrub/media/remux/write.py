"""Has FFmpeg take a file apart into a container that one of our formats knows, and that format clean it.

What our containers can hold is passed on as it is; all else is coded again. In strong mode, and where our format
refuses what was passed on, all of it is coded again. Behind the lock like every parser, in a child whose warm parent
has loaded the codecs.
"""

from __future__ import annotations

import dataclasses
from typing import Final

from fieldreport.scrub import registry
from fieldreport.scrub.format import Cleaning, Sink, Source
from fieldreport.scrub.sniff import sniff
from fieldreport.scrub.verdicts import Mode, Refusal, Refused, Removed

_MAY_BE_THE_CODING: Final = frozenset({Refusal.UNSUPPORTED, Refusal.DAMAGED})
# FFmpeg names itself in what it writes, and leaves room for more.
_FFMPEGS_OWN: Final = frozenset({Removed.SOFTWARE, Removed.OTHER_METADATA})


def clean(untrusted_source: Source, sink: Sink, cleaning: Cleaning) -> str:
    """Write what is left of it, in another container. See ``format``."""
    demuxer = registry.row(sniff(untrusted_source)).demuxer
    if cleaning.mode is Mode.LOSSLESS:
        try:
            return _clean(untrusted_source, sink, cleaning, demuxer, copies=True)
        except Refused as refused:
            if refused.refusal not in _MAY_BE_THE_CODING:
                raise
    try:
        return _clean(untrusted_source, sink, cleaning, demuxer, copies=False)
    except Refused as refused:
        if refused.refusal is Refusal.UNSUPPORTED:
            raise Refused(Refusal.SOUND_OR_FILM) from None
        raise


def _clean(untrusted_source: Source, sink: Sink, cleaning: Cleaning, demuxer: str, *, copies: bool) -> str:
    made, found = registry.remuxer()(untrusted_source, demuxer, copies=copies)
    cleaning.spend(made.size)
    sink.seek(0)
    sink.truncate()
    inner = dataclasses.replace(cleaning.lossless(), removed=set())
    media_type = registry.cleaner(registry.row(sniff(made)).package)(made, sink, inner)
    cleaning.counted = inner.counted
    cleaning.removed |= found | inner.removed - _FFMPEGS_OWN
    return media_type
