"""Re-wrapping: the same sealed object for other readers.

Only the header is rebuilt. The payload, however large, is not touched, because its key stays the same. A reader who
could open the object before and kept its file key could still open that payload: this is why revocation cannot unread.
"""

from __future__ import annotations

from collections.abc import Sequence

from fieldreport.seal.header import build_header, open_header
from fieldreport.seal.hybrid import HybridIdentity, HybridRecipient


def rewrap(
    untrusted_header: bytes, *, identities: Sequence[HybridIdentity], recipients: Sequence[HybridRecipient]
) -> bytes:
    """A new header for exactly these recipients, around the file key of the given one.

    Pure: bytes in, bytes out, nothing stored, so that it can run in any process and be repeated after a crash. The
    object's content key leaves this function only inside the new header.

    Raises:
        SealError: the header is malformed or altered (its MAC is verified first), or there is no recipient, or more
            than 64.
        NotARecipient: none of the identities opens it.
    """
    return build_header(open_header(untrusted_header, identities), recipients)
