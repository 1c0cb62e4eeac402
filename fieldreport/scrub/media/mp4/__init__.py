"""MP4, M4A, MOV, 3GP: the same pictures and sounds at the same times, in a container made anew.

Method: the tables are read, the tracks of picture and sound are kept with the headers that a decoder needs, and a new
container is written around their samples. Nothing is decoded; in the codecs where frames may carry words of their own
(``frames``) each frame is looked into. Places, times, makers, chapters, subtitles, pictures of the cover, tracks of
positions and sensors, and whatever else a file holds are never read into the new one.
"""

from __future__ import annotations

from fieldreport.scrub.format import Cleaning, Sink, Source
from fieldreport.scrub.media.mp4 import parse, trim, write
from fieldreport.scrub.media.mp4 import verify as verifying


def clean(untrusted_source: Source, sink: Sink, cleaning: Cleaning) -> str:
    """Write the film anew. See ``family``."""
    major = untrusted_source.read_at(0, 12)
    quicktime = major[4:8] != b"ftyp" or major[8:] == b"qt  "
    film = parse.read(untrusted_source, cleaning.removed, quicktime=quicktime, mobile=major[8:10] == b"3g")
    trim.trim(film, cleaning.removed)
    return write.write(film, untrusted_source, sink)


def verify(source: Source, media_type: str) -> None:
    """Read the film with the reader of ``verifying``. See ``family``."""
    verifying.verify(source, media_type)
