"""TIFF: every page is decoded and written again, compressed without loss.

Rules: the format is a heap of pointers in which anything can lie anywhere, so nothing of the file itself is kept. Pages
come out in order, upright, in sRGB or a standard space of our own profile; reduced copies and masks of other pages go.
Sources: TIFF 6.0 (Adobe, 1992), supplement 2 (Deflate), ICC.1 annex B.
"""
