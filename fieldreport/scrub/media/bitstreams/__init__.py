"""What one coded frame of picture or sound carries in addition to them, codec by codec, whatever the container.

Rules: nothing is decoded and no sample changes. A unit that draws or sounds stays byte for byte; supplemental
information, user data, comments and fillers go. A frame comes whole and goes whole; most come out as the very object
that went in. The decoders of those who watch allocate by the sizes in the coded headers, so these are checked here.
"""

from __future__ import annotations

from collections.abc import Callable

FrameCleaner = Callable[[bytes], bytes]
"""One frame in, the same frame without what does not draw or sound."""
