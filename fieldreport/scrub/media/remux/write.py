"""Has FFmpeg take a file apart into a container that one of our formats knows, and that format clean it.

What our containers can hold is passed on as it is; all else is coded again. In strong mode, and where our format
refuses what was passed on, all of it is coded again. Behind the lock like every parser, in a child whose warm parent
has loaded the codecs.
"""

from __future__ import annotations

import dataclasses
from typing import Final

from fieldreport import limits
from fieldreport.scrub import registry
from fieldreport.scrub.format import Cleaning, Sink, Source
from fieldreport.scrub.sniff import sniff
from fieldreport.scrub.verdicts import Mode, Refusal, Refused, Removed

_MAY_BE_THE_CODING: Final = frozenset({Refusal.UNSUPPORTED, Refusal.DAMAGED})
# Packets of a transport stream that name its services, what is on and when (ETSI EN 300 468, 5.1.3; ATSC A/65, 4.2).
# FFmpeg passes none of it on, and does not say what it read.
_TABLES: Final = {
    0x11: Removed.DESCRIPTION,
    0x12: Removed.DESCRIPTION,
    0x14: Removed.TIME,
    0x1FFB: Removed.DESCRIPTION,
}
_SYNC: Final = 0x47
_LOOKED_AT: Final = 1 << 20  # bytes: these packets come back every few seconds
# FFmpeg names itself in what it writes, and leaves room for more.
_FFMPEGS_OWN: Final = frozenset({Removed.SOFTWARE, Removed.OTHER_METADATA})


def clean(untrusted_source: Source, sink: Sink, cleaning: Cleaning) -> str:
    """Write what is left of it, in another container. See ``format``."""
    demuxer = registry.row(sniff(untrusted_source)).demuxer
    if demuxer == "mpegts":
        cleaning.removed |= _in_tables(untrusted_source.read_at(0, _LOOKED_AT))
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


def _in_tables(untrusted: bytes) -> set[Removed]:
    """What the tables of a transport stream say, by the numbers of its packets."""
    found = set[Removed]()
    for distance in limits.TRANSPORT_PACKETS:
        starts = [start for start in range(distance) if set(untrusted[start : 4 * distance : distance]) == {_SYNC}]
        for start in starts[:1]:
            heads = zip(untrusted[start + 1 :: distance], untrusted[start + 2 :: distance], strict=False)
            numbers = {(high & 0x1F) << 8 | low for high, low in heads}
            found |= {kind for number, kind in _TABLES.items() if number in numbers}
    return found
