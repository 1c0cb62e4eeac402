"""AMR and AMR-WB, in which phones record calls and memos: the magic and the frames.

Rules: a frame is a header byte whose spare bits are zero, and as many bytes as its type says; what is not a frame ends
the recording. Source: RFC 4867, section 5.
"""
