"""What the machines of one letterbox know together: for each day a key, so that a form of one is taken by the others.

The key of a day is made of a token that every machine has in a file, and of a number that the first of them draws that
day and leaves in Redis. So Redis has a number that opens nothing, and the token alone opens nothing either: three days
later the number is gone, and nobody who seizes a machine can compute what was counted or sealed before.

Rules: while Redis is away each machine goes on with its own keys, which its workers share: a form is then taken by the
machine it came from, and by another after one more press.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from fieldreport import limits
from fieldreport.config import Settings, link_token
from fieldreport.seal import TokenKey
from fieldreport.store.outage import Outage
from fieldreport.web.limiter import storage_options, where

_DAY_SECONDS: Final = 86_400
_KEPT_DAYS: Final = 3
_SKEW_SECONDS: Final = 300  # clocks of several machines differ
_PURPOSE: Final = b"fieldreport/v1/machines/"


class SharedKeys:
    """The keys of days, asked of Redis once a day in each worker. Make it before the workers fork."""

    def __init__(self, storage: str, token: str, *, clock: Callable[[], float] = time.time) -> None:
        self._storage = storage
        self._token = token.encode()
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: dict[int, bytes | None] = {}
        self._again = 0.0
        self._outage = Outage("the store of shared keys", where(storage))

    @classmethod
    def of(cls, settings: Settings) -> SharedKeys | None:
        """Those that the settings name, if they do.

        Raises:
            SettingsError: the file with the token is not as it must be.
        """
        path = settings.intake.machines_token
        if path == Path():
            return None
        return cls(settings.intake.limiter, link_token(path, where="[intake] machines_token"))

    def token_key(self, own: TokenKey) -> TokenKey:
        """The key of form tokens; ``own``: of this machine, for what it seals while Redis is away."""
        now = self._clock()
        # A form may be older than the day, or come from a machine whose day has begun already.
        days = dict.fromkeys(
            int(each // _DAY_SECONDS) for each in (now, now - limits.TOKEN_IDLE_SECONDS, now + _SKEW_SECONDS)
        )
        keys = [self._key(day, b"token") for day in days]
        if keys[0] is None:
            return own
        return own.under([key for key in keys if key is not None])

    def address_key(self, day: int) -> bytes | None:
        """The key under which addresses are counted on this day since the Unix epoch; nothing while Redis is away."""
        return self._key(day, b"address")

    def _key(self, day: int, purpose: bytes) -> bytes | None:
        with self._lock:
            if day not in self._keys and time.monotonic() >= self._again:
                self._ask(day)
            key = self._keys.get(day)
        return None if key is None else hmac.digest(key, _PURPOSE + purpose, hashlib.sha256)

    def _ask(self, day: int) -> None:
        import redis

        name, today = f"fieldreport-day-{day}", int(self._clock() // _DAY_SECONDS)
        try:
            with redis.Redis.from_url(self._storage, **storage_options(self._storage)) as client:
                if day >= today:
                    client.set(name, secrets.token_bytes(32), nx=True, exat=(day + _KEPT_DAYS) * _DAY_SECONDS)
                number = client.get(name)
        except redis.RedisError:
            self._again = time.monotonic() + limits.AWAY_SECONDS
            self._outage.failed("no answer", "start Redis there; until then each machine takes its own forms only")
            return
        self._outage.answered()
        self._keys = {each: key for each, key in self._keys.items() if each >= today - 1}
        named = b"%s%d/" % (_PURPOSE, day)
        self._keys[day] = (
            hmac.digest(self._token, named + number, hashlib.sha256) if isinstance(number, bytes) else None
        )
