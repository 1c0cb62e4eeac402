"""PNG and APNG: the chunks that draw the picture, checked and cut to what they hold.

Rules: pixels are not touched, unless they have the colour profile of one device. Critical chunks with a wrong checksum
are damage; all others are dropped before anybody looks at them. The compressed picture is inflated once, without
keeping it: it must come to exactly the size its header promises, so it hides neither a bomb nor a rest of the uncropped
original. Sources: W3C PNG Specification (third edition), RFC 1950.
"""
