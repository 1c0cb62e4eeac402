"""FLAC: the description of the stream and its frames.

Rules: of the metadata only STREAMINFO stays; a frame is what stands between two frame headers that follow each other in
number, and its checksum proves that nothing else stands there. What comes after the last whole frame goes. Source: RFC
9639.
"""
