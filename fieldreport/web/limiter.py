"""Request budgets under a key that is not an address.

Rules: an address (or Tor circuit id) becomes a keyed hash at once and is stored, logged and compared only in that form.
The key is drawn in memory and replaced every day by its own one-way successor: workers that were forked after it was
drawn agree on it, and from the memory of today yesterday's hashes cannot be computed. The budget decides before a body
is parsed. While a shared store is away, each process counts in memory: a report must never be lost to a counter. (The
desk's tries, which are never free, have counters of their own: ``desk.throttle``.)
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import flask
from flask_limiter import Limiter
from limits.storage import MemoryStorage
from typing_extensions import override

from fieldreport import limits
from fieldreport.store.outage import Outage
from fieldreport.web.application import Application

_DAY_SECONDS: Final = 86_400
_STEPS: Final = 3650  # days; beyond, the clock has jumped and no two workers would agree anyway
_COUNTED: Final = "fieldreport.counted"  # in the environment of a request: what came of counting it
_STRATEGY: Final = "sliding-window-counter"
COUNTING_IN_MEMORY: Final = "start Redis there; until then each process counts for itself, and no report is lost"


class AddressKey:
    """Turns addresses into pseudonyms that are valid until midnight (UTC), in this installation only."""

    def __init__(
        self, clock: Callable[[], float] = time.time, *, shared: Callable[[int], bytes | None] = lambda _day: None
    ) -> None:
        """``shared``: the key of several machines on a day since the Unix epoch, or nothing while there is none."""
        self._clock = clock
        self._shared = shared
        self._lock = threading.Lock()
        self._day = int(clock() // _DAY_SECONDS)
        self._key = secrets.token_bytes(32)

    def pseudonym(self, address: str) -> str:
        """32 hexadecimal digits for an address."""
        today = int(self._clock() // _DAY_SECONDS)
        if (key := self._shared(today)) is not None:
            return _pseudonym(key, address)
        with self._lock:
            if today - self._day > _STEPS:
                self._key, self._day = secrets.token_bytes(32), today
            while self._day < today:
                self._key = hashlib.sha256(b"fieldreport address key\0" + self._key).digest()
                self._day += 1
            key = self._key
        return _pseudonym(key, address)


def _pseudonym(key: bytes, address: str) -> str:
    return hmac.new(key, address.encode(), hashlib.sha256).hexdigest()[:32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """``rate`` in the notation of the ``limits`` package (``30 per hour``), counted under ``name``."""

    name: str
    rate: str


class _NoTimer(threading.Timer):
    """In place of the library's timer, which it would start again whenever the last one is done."""

    @override
    def is_alive(self) -> bool:
        return True


class SweptMemory(MemoryStorage):
    """The library's counters in memory, but a request now and then clears what has expired.

    The library starts a thread at nearly every request, which costs more than the page, and each of them walks over
    all counters.
    """

    STORAGE_SCHEME = ["swept-memory"]  # noqa: RUF012 - as the library declares it

    def __init__(self, uri: str | None = None, wrap_exceptions: bool = False, **options: str) -> None:  # noqa: FBT001, FBT002 - the library's signature
        super().__init__(uri, wrap_exceptions, **options)
        self.timer.cancel()
        self.timer = _NoTimer(0, lambda: None)
        self._next_sweep = time.monotonic() + limits.LIMITER_SWEEP_SECONDS

    @override
    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        if time.monotonic() >= self._next_sweep:
            self._next_sweep = time.monotonic() + limits.LIMITER_SWEEP_SECONDS
            now = time.time()
            for each, end in list(self.expirations.items()):
                if end <= now:
                    self.clear(each)
        return super().incr(key, expiry, amount)


def storage_options(storage: str) -> dict[str, Any]:
    """Options for the client of a store of counts: one that does not answer is given up after a second, and once."""
    if not storage.startswith("redis"):
        return {}
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    return {"socket_connect_timeout": 1, "socket_timeout": 1, "retry": Retry(NoBackoff(), 0)}


def where(storage: str) -> str:
    """The address of a store of counts, without a password."""
    parsed = urlsplit(storage)
    return f"{parsed.scheme}://{parsed.netloc.rpartition('@')[2]}{parsed.path}"


def install(
    app: Application,
    *,
    storage: str,
    key: AddressKey,
    budget: Callable[[flask.Request], Budget],
) -> None:
    """Give every request of ``app`` a budget; over it, the view does not run and the error is a 429.

    A request with a body is counted when its head has come.

    Args:
        app: the application; its error pages answer ``flask_limiter.RateLimitExceeded``.
        storage: ``memory://`` or a ``redis://`` URL.
        key: shared by all workers: make it before they are forked.
        budget: chooses by endpoint and method. It must not touch the body.

    """

    def current_budget() -> Budget:
        return budget(flask.request)

    # The library would otherwise log the endpoint and the hash of every refused visitor, at whatever level is set.
    logging.getLogger("flask-limiter").disabled = True
    limiter = Limiter(
        lambda: key.pseudonym(flask.request.environ.get("REMOTE_ADDR") or ""),
        app=app,
        storage_uri=storage.replace("memory://", "swept-memory://", 1),
        storage_options=storage_options(storage),
        strategy=_STRATEGY,
        # Counters of two strategies in one Redis are of different types; the name keeps them apart.
        key_prefix=f"fieldreport-{_STRATEGY}",
        in_memory_fallback_enabled=True,  # a report must never be lost to a broken counter
        headers_enabled=False,
    )

    outage = Outage("the store of counts", where(storage))

    @limiter.shared_limit(lambda: current_budget().rate, scope=lambda _: current_budget().name)
    def count() -> None:
        """Count this request; the library raises in front of it."""

    def count_once() -> None:
        environ = flask.request.environ
        if _COUNTED not in environ:
            environ[_COUNTED] = None
            try:
                count()
            except Exception as error:
                environ[_COUNTED] = error
                raise
            if limiter._storage_dead:  # noqa: SLF001 - the library says it nowhere else
                outage.failed("no answer", COUNTING_IN_MEMORY)
            else:
                outage.answered()
        elif environ[_COUNTED] is not None:
            raise environ[_COUNTED]

    app.before_body(count_once)
