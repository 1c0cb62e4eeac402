"""JPEG: the segments a decoder needs, in a fixed order, and nothing after the first end.

Rules: pixels are not touched. Only a picture that is stored on its side, or that has the colour profile of one device,
is decoded and encoded again (quality 95), because turning it is a matter of pixels. Every segment that stays is checked
against its own length arithmetic, so none has room for anything else. What stays in the file: the quantisation and
Huffman tables (they tell the encoder's make, not the device's number), and the compressed picture.

Sources: ITU T.81, T.871 (JFIF), Adobe technical note 5116, CIPA DC-007 (several pictures in one file), ICC.1 annex B.4.
"""
