"""Hangul documents (HWP 5): their words in order, and their pictures; nothing here can draw their pages.

Rules: the layout is on the receipt. Hidden remarks and memos go; so does what a document says of its author. One with a
password, or locked for distribution, is refused with advice, and so is HWP 3. Source: Hancom, "HWP Document File
Formats 5.0", revision 1.3.
"""
