"""JPEG 2000: becomes a JPEG, or a PNG."""
