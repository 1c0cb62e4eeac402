"""What the machines of one letterbox share in Redis: a key for each day, receipts, and how many letters came this hour.

The key of a day is made of a token that every machine has in a file, and of a number that the first of them draws that
day and leaves in Redis. So Redis has a number that opens nothing, and the token alone opens nothing either: three days
later the number is gone, and nobody who seizes a machine can compute what was counted or sealed before. Receipts lie
there as ``receipts`` seals them, under names that take the token and the codename.

Rules: while Redis is away each machine goes on with what it has itself: a form is then taken by the machine it came
from, and by another after one more press; letters of the hour are counted on from the last number that it knew. (What
must not be missed, how the letterbox is switched and whose keys count, is in the mailbox: ``mailbox.shared``.)
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

from fieldreport import limits
from fieldreport.config import Settings, link_token
from fieldreport.seal import TokenKey
from fieldreport.store.outage import Outage
from fieldreport.web.limiter import storage_options, where

_DAY_SECONDS: Final = 86_400
_HOUR_SECONDS: Final = 3600
_KEPT_DAYS: Final = 3
_SKEW_SECONDS: Final = 300  # clocks of several machines differ
_PURPOSE: Final = b"fieldreport/v1/machines/"
T = TypeVar("T")


class Machines:
    """What they share; keys are asked of Redis once a day in each worker. Make it before the workers fork."""

    def __init__(self, storage: str, token: str, *, clock: Callable[[], float] = time.time) -> None:
        self._storage = storage
        self._token = token.encode()
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: dict[int, bytes | None] = {}
        self._client: Any = None  # redis.Redis: the package is there where a Redis is
        self._again = 0.0
        self._outage = Outage("the store of what machines share", where(storage))

    @classmethod
    def of(cls, settings: Settings) -> Machines | None:
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
        moments = (now, now - limits.TOKEN_IDLE_SECONDS, now + _SKEW_SECONDS)
        keys = [self._key(day, b"token") for day in dict.fromkeys(int(each // _DAY_SECONDS) for each in moments)]
        if keys[0] is None:
            return own
        return own.under([key for key in keys if key is not None])

    def address_key(self, day: int) -> bytes | None:
        """The key under which addresses are counted on this day since the Unix epoch; nothing while Redis is away."""
        return self._key(day, b"address")

    def receipts(self, tags: Sequence[bytes]) -> list[bytes | None]:
        """What lies under these tags; nothing while Redis is away."""
        found = self._ask(lambda client: client.mget([self._name(tag) for tag in tags]))
        return (
            [each if isinstance(each, bytes) else None for each in found]
            if isinstance(found, list)
            else [None] * len(tags)
        )

    def keep_receipt(self, tag: bytes, receipt: bytes, *, hour: int) -> None:
        """Keep one of this hour for ``limits.RECEIPT_HOURS``; it goes at a full hour, which tells no exact time."""
        end = (hour + limits.RECEIPT_HOURS) * _HOUR_SECONDS
        self._ask(lambda client: client.set(self._name(tag), receipt, exat=end))

    def letters(self, *, hour: int) -> int | None:
        """How many letters came from forms in this hour, on all machines; nothing while Redis is away."""
        found = self._ask(lambda client: (client.get(f"fieldreport-letters-{hour}"),))
        return None if found is None else _number(found[0])

    def count_letter(self, *, hour: int) -> int | None:
        """One more; how many there are then. The number goes when the hour is over, as every machine knows then."""
        name, end = f"fieldreport-letters-{hour}", (hour + 1) * _HOUR_SECONDS + _SKEW_SECONDS

        def count(client: Any) -> tuple[object]:
            number = client.incr(name)
            client.expireat(name, end)
            return (number,)

        found = self._ask(count)
        return None if found is None else _number(found[0])

    def forget_receipts(self, tags: Sequence[bytes]) -> None:
        """Delete what lies under these tags."""
        self._ask(lambda client: client.delete(*map(self._name, tags)))

    def _name(self, tag: bytes) -> str:
        return (
            f"fieldreport-receipt-{hmac.digest(self._token, _PURPOSE + b'receipt/' + tag, hashlib.sha256)[:16].hex()}"
        )

    def _key(self, day: int, purpose: bytes) -> bytes | None:
        with self._lock:
            if day not in self._keys:
                self._look_up(day)
            key = self._keys.get(day)
        return None if key is None else hmac.digest(key, _PURPOSE + purpose, hashlib.sha256)

    def _look_up(self, day: int) -> None:
        name, today = f"fieldreport-day-{day}", int(self._clock() // _DAY_SECONDS)

        def number(client: Any) -> tuple[object]:
            if day >= today:
                client.set(name, secrets.token_bytes(32), nx=True, exat=(day + _KEPT_DAYS) * _DAY_SECONDS)
            return (client.get(name),)

        found = self._ask(number)
        if found is None:
            return
        (drawn,) = found
        named = b"%s%d/" % (_PURPOSE, day)
        self._keys = {each: key for each, key in self._keys.items() if each >= today - 1}
        self._keys[day] = hmac.digest(self._token, named + drawn, hashlib.sha256) if isinstance(drawn, bytes) else None

    def _ask(self, question: Callable[[Any], T]) -> T | None:
        """The answer, or nothing: Redis is away, or was a moment ago."""
        import redis

        if time.monotonic() < self._again:
            return None
        try:
            if self._client is None:
                self._client = redis.Redis.from_url(self._storage, **storage_options(self._storage))
            answer = question(self._client)
        except redis.RedisError:
            self._again = time.monotonic() + limits.AWAY_SECONDS
            self._outage.failed("no answer", "start Redis there; until then each machine takes its own forms only")
            return None
        self._outage.answered()
        return answer


def _number(untrusted: object) -> int:
    try:
        return int(untrusted or 0)  # type: ignore[call-overload,no-any-return] # what is no number is caught
    except (TypeError, ValueError):
        return 0
