"""The token that ties a form to a session, for an application that has sessions.

Rules: every POST of a signed-in person carries a token made for that session; a request that the browser marks as
coming from another site is refused whatever it carries. ``Origin`` is not used: under ``Referrer-Policy: no-referrer``
browsers send ``null`` with every form.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Final, Literal

from flask import Request

from fieldreport import limits
from fieldreport.errors import NotAllowed, TokenError
from fieldreport.seal import TokenKey

FIELD: Final = "token"
_PURPOSE: Final = "csrf"


class CsrfGuard:
    """Makes and checks form tokens under a key drawn at start and kept in memory.

    ``session`` is any secret or unique text of the session; the token holds it sealed.
    """

    def __init__(self, key: TokenKey, clock: Callable[[], float]) -> None:
        self._key = key
        self._clock = clock

    def token(self, session: str) -> str:
        """A token for the forms of one session, good for ``limits.TOKEN_IDLE_SECONDS``."""
        return self._key.seal(_PURPOSE, {"session": session}, now=self._clock())

    def check(self, request: Request, session: str) -> Literal[True]:
        """Check that the POST came from a form that was made for this session.

        Raises:
            NotAllowed: the browser says that another site sent it.
            TokenError: no token, an altered one, one of another session, or (``TokenExpired``) an old one.

        """
        require_same_site(request)
        state = self._key.open(
            request.form.get(FIELD, ""), _PURPOSE, now=self._clock(), max_age_seconds=limits.TOKEN_IDLE_SECONDS
        )
        if not hmac.compare_digest(state.get("session", "").encode(), session.encode()):
            raise TokenError("This form belongs to another session. Open the page again.", code="token-session")
        return True


def require_same_site(request: Request) -> Literal[True]:
    """Refuse a request that the browser itself marks as sent by another site (Fetch Metadata; old ones say nothing).

    Raises:
        NotAllowed: ``Sec-Fetch-Site`` is there and is neither ``same-origin`` nor ``none``.

    """
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
        raise NotAllowed("This request came from another site.", code="cross-site")
    return True
