"""GIF: the blocks that draw and the two numbers that time an animation.

Rules: pixels are not touched; in strong mode they become a PNG (``animation``). Every block is rebuilt from the fields
that draw; comments, texts, XMP, profiles and private extensions go, and whatever follows the trailer. What stays is the
compressed data of each frame, as it was. Source: GIF89a specification (CompuServe, 1990), and the looping extension
that every program has taken over from Netscape.
"""
