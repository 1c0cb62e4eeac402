"""WebP, still and animated: the chunks that draw, in the order the format wants.

Rules: pixels are not touched, unless the picture is stored on its side or has the colour profile of one device. The
feature flags are computed from what is there. Exif, XMP and unknown chunks go, and whatever follows the RIFF's end.
Sources: WebP Container Specification (Google), RFC 9649.
"""
