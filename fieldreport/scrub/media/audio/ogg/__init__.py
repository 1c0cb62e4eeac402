"""Ogg: the pages of one stream of sound, Opus, Vorbis, Speex or FLAC.

Rules: the codec's own header stays; the comment header becomes an empty one; every other stream goes, and so does what
stands between pages. Serial and page numbers are constant, checksums are computed again, times stay. A file in which a
second stream begins after the first has ended is refused: players differ in what they do with it. Sources: RFC 3533,
RFC 7845 (Opus), Vorbis I specification, Speex manual, FLAC to Ogg mapping.
"""
