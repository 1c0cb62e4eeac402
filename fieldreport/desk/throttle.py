"""How fast passphrases may be tried: counts of refusals, in the store that the settings name.

Refused tries are counted, per handle and in total. Over the budget nothing is closed, only slowed: a stranger is asked
to come back, and one of those who did is looked at in each ``limits.SIGN_IN_PACE_SECONDS``. Somebody with a claim of
their own (``Lane.OWN``) has a budget of their own, which tries of strangers do not touch.

Rules: what the server could not finish is no try; names are counted under a keyed hash; when tries cannot be counted,
there are none.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterator
from typing import Final

import flask
from flask_limiter import Limiter
from limits import RateLimitItemPerSecond

from fieldreport import limits
from fieldreport.desk.turns import Lane, TooManyTries
from fieldreport.errors import FieldreportError
from fieldreport.store.outage import Outage
from fieldreport.web.limiter import AddressKey, storage_options, where

_STRATEGY: Final = "sliding-window-counter"
_ALL: Final = "all"
_START_IT: Final = "start Redis there; until then nobody can sign in, because tries could not be counted"


class Throttle:
    """The counters. Every method raises ``StoreError`` when the store is away."""

    def __init__(self, app: flask.Flask, *, storage: str, clock: Callable[[], float]) -> None:
        # Flask-Limiter owns the store; the counting is explicit, because what is counted stands in the form.
        self._limiter = Limiter(
            key_func=lambda: "desk",
            app=app,
            storage_uri=storage,
            storage_options=storage_options(storage),
            strategy=_STRATEGY,
            key_prefix=f"fieldreport-desk-{_STRATEGY}",
        )
        logging.getLogger("flask-limiter").disabled = True  # it would log what it counts under
        self._outage = Outage("the store of counts", where(storage))
        self._names = AddressKey(clock)
        window = limits.SIGN_IN_WINDOW_SECONDS
        self._own = RateLimitItemPerSecond(limits.SIGN_IN_TRIES, window, "sign-in-own")
        self._strangers = RateLimitItemPerSecond(limits.SIGN_IN_TRIES, window, "sign-in")
        self._in_all = RateLimitItemPerSecond(limits.SIGN_IN_TRIES_TOTAL, window, "sign-in-all")
        self._pace = RateLimitItemPerSecond(1, limits.SIGN_IN_PACE_SECONDS, "sign-in-pace")
        self._pace_in_all = RateLimitItemPerSecond(1, limits.SIGN_IN_PACE_TOTAL_SECONDS, "sign-in-pace-all")
        self._invitations = RateLimitItemPerSecond(limits.SIGN_IN_TRIES_TOTAL, window, "invitation-all")

    def has_own(self, name: str) -> bool:
        """Whether something is left of the budget of those with a claim under this name."""
        with self._reachable():
            return self._limiter.limiter.test(self._own, self._names.pseudonym(name))

    def check(self, lane: Lane, name: str) -> None:
        """Check that a try may be looked at now; it is not counted.

        Raises:
            TooManyTries: not now; it says when.
        """
        if lane is Lane.OWN:
            if not self.has_own(name):
                raise TooManyTries(limits.SIGN_IN_WINDOW_SECONDS)
            return
        with self._reachable():
            paces = self._paces(name)
            if not paces:
                return
            free = [self._free_in(item, key) for item, key in paces]
            # A newcomer is always asked to come back: those who only pour out tries never do.
            if lane is Lane.NEW or any(free):
                raise TooManyTries(max(*free, 1))

    def begin(self, lane: Lane, name: str) -> None:
        """As ``check``, and where tries are slowed, this is the one of its time. The caller holds the turn."""
        self.check(lane, name)
        if lane is not Lane.OWN:
            with self._reachable():
                for item, key in self._paces(name):
                    self._limiter.limiter.hit(item, key)

    def refused(self, lane: Lane, name: str) -> None:
        """Count a try that was refused."""
        with self._reachable():
            if lane is Lane.OWN:
                self._limiter.limiter.hit(self._own, self._names.pseudonym(name))
            else:
                self._limiter.limiter.hit(self._strangers, self._names.pseudonym(name))
                self._limiter.limiter.hit(self._in_all, _ALL)

    def admitted(self, lane: Lane, name: str) -> None:
        """Forget the refused tries of this lane: it was the person. Tries of strangers are not a known device's."""
        with self._reachable():
            item = self._own if lane is Lane.OWN else self._strangers
            self._limiter.limiter.clear(item, self._names.pseudonym(name))

    def invitation_refused(self) -> bool:
        """Count a wrong invitation; whether it is one of the few in a window that are worth an entry in the log."""
        with self._reachable():
            return self._limiter.limiter.hit(self._invitations, _ALL)

    def _paces(self, name: str) -> list[tuple[RateLimitItemPerSecond, str]]:
        """Which paces hold for a stranger at this handle; none while the budgets last."""
        key = self._names.pseudonym(name)
        paces = []
        if not self._limiter.limiter.test(self._strangers, key):
            paces.append((self._pace, key))
        if paces or not self._limiter.limiter.test(self._in_all, _ALL):
            paces.append((self._pace_in_all, _ALL))
        return paces

    def _free_in(self, item: RateLimitItemPerSecond, key: str) -> float:
        if self._limiter.limiter.test(item, key):
            return 0
        left = self._limiter.limiter.get_window_stats(item, key).reset_time - time.time()
        return min(max(left, 1), item.get_expiry())

    @contextlib.contextmanager
    def _reachable(self) -> Iterator[None]:
        self._outage.must_answer()
        try:
            yield
        except FieldreportError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever the store's client raises: without a count nobody signs in
            silent = "Timeout" in type(error).__name__
            raise self._outage.failed(type(error).__name__, _START_IT, silent=silent) from None
        self._outage.answered()
