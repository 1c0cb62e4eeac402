"""Where something is inside a file, in the locked child: a member of an archive, a picture of a document, a page.

A place is numbers from 1 with hyphens between: members from the outside in, and last a page, or 1 where there are none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from fieldreport.scrub import pipeline, registry
from fieldreport.scrub.archives.member import Member
from fieldreport.scrub.archives.parse import parse as members_of
from fieldreport.scrub.documents import extract
from fieldreport.scrub.format import Cleaning, Sink, Source
from fieldreport.scrub.registry import Strong
from fieldreport.scrub.sniff import sniff
from fieldreport.scrub.verdicts import Damaged

ARCHIVES: Final = frozenset({"application/zip", "application/x-tar", "application/gzip"})


def member(untrusted: Source, places: Sequence[int], cleaning: Cleaning) -> Source:
    """The file inside a file, or the file itself for no places.

    Raises:
        Refused: ``damaged`` where there is none; what reading the files around it raises.
    """
    for place in places:
        media_type = sniff(untrusted)
        if media_type in ARCHIVES:
            untrusted = _at(members_of(untrusted, cleaning), place)
        else:
            pictures = extract.lines_and_pictures(*cleaned(untrusted, cleaning))[1]
            if place > len(pictures):
                raise Damaged
            untrusted = Source.of(pictures[place - 1])
        cleaning.spend(untrusted.size)
    return untrusted


def _at(members: Iterator[Member], place: int) -> Source:
    for number, each in enumerate(members, start=1):
        if number == place:
            return Source.of(each.read())
    raise Damaged


def cleaned(untrusted: Source, cleaning: Cleaning) -> tuple[bytes, str]:
    """The clean copy of a document, in the form that our own cleaners write, and its type."""
    sink = Sink()
    media_type = pipeline.clean(untrusted, sink, cleaning.lossless())
    if registry.OUTPUTS[media_type].strong is not Strong.EXTRACT:
        raise Damaged
    return sink.source().whole(), media_type
