"""BMP: comes out as PNG, which holds the same pixels in a form that every browser shows.

Rules: the header's size is checked before the decoder sees the file. What a BMP can hide (a profile, a gap before the
pixels, bytes after them) has no place in what comes out. Source: Windows GDI, bitmap storage.
"""
