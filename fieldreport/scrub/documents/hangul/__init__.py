"""Hangul documents (HWP 5, HWPX): their words in order, and their pictures; nothing here can draw their pages.

Rules: the layout is on the receipt. Hidden remarks and memos go; so does what a document says of its author, and what
a tracked change deleted. One with a password, or locked for distribution, is refused with advice, and so is HWP 3.
Sources: Hancom, "HWP Document File Formats 5.0", revision 1.3; KS X 6101:2024 (OWPML).
"""
