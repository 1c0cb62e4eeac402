"""Devices that signed in before, so that wrong tries of strangers do not keep their owners out.

A device carries a cookie: for each person who signed in there a token, sealed under a key of that person, that names
the installation, the handle and the signing key in the roster. It opens nothing; it is a place in another queue.

Rules: the keys are in one file in the desk's data directory, mode 0600, and in no database; forgetting a person's
devices replaces that person's key, forgetting all of them replaces the file. A person who left the roster, or came back
with other keys, has no device. An old copy of the file brings forgotten devices back, and nothing else.
"""

from __future__ import annotations

import json
import logging
import secrets
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from fieldreport import limits
from fieldreport.errors import FieldreportError, StoreError, TokenError, UsageError
from fieldreport.seal import Entry, TokenKey
from fieldreport.unseal import secret_file

_log = logging.getLogger(__name__)

_PURPOSE: Final = "device"
_SEPARATOR: Final = "."
_KEY_BYTES: Final = 32
_ALL: Final = ""  # the key of everybody whose devices were not forgotten yet
_FILE_BYTES: Final = 256 * 1024


class Devices:
    """The keys of all devices; safe to use from every thread of the one process that the desk is."""

    def __init__(self, path: Path, *, instance: bytes, clock: Callable[[], float]) -> None:
        self._path = path
        self._instance = instance
        self._clock = clock
        self._lock = threading.Lock()
        self._keys = self._read() or self._replaced({_ALL: secrets.token_bytes(_KEY_BYTES)})

    def knows(self, entry: Entry, untrusted_cookie: str) -> bool:
        """Whether this person signed in with this cookie before, within ``limits.DEVICE_DAYS``."""
        return any(self._is_of(entry, token) for token in _tokens(untrusted_cookie))

    def last_person(self, entries: Iterable[Entry], untrusted_cookie: str) -> str | None:
        """The handle of the one of these who signed in last with this cookie; nothing where nobody is known by it."""
        newest = _tokens(untrusted_cookie)[:1]
        return next((each.handle for each in entries for token in newest if self._is_of(each, token)), None)

    def remember(self, entry: Entry, untrusted_cookie: str) -> str:
        """The cookie for a device on which this person has just signed in; it keeps the tokens of others."""
        token = self._key(entry.handle).seal(_PURPOSE, self._state(entry), now=self._clock())
        others = [other for other in _tokens(untrusted_cookie) if not self._is_of(entry, other)]
        return _SEPARATOR.join([token, *others][: limits.DEVICE_PEOPLE])

    def forget(self, handle: str) -> None:
        """Forget every device of a person.

        Raises:
            StoreError: the file cannot be written.
        """
        with self._lock:
            self._keys = self._replaced({**self._keys, handle: secrets.token_bytes(_KEY_BYTES)})

    def forget_all(self) -> None:
        """Forget every device of everybody.

        Raises:
            StoreError: as ``forget``.
        """
        with self._lock:
            self._keys = self._replaced({_ALL: secrets.token_bytes(_KEY_BYTES)})

    def _is_of(self, entry: Entry, untrusted_token: str) -> bool:
        age = limits.DEVICE_DAYS * 24 * 3600
        try:
            state = self._key(entry.handle).open(untrusted_token, _PURPOSE, now=self._clock(), max_age_seconds=age)
        except TokenError:
            return False
        return dict(state) == self._state(entry)

    def _state(self, entry: Entry) -> dict[str, str]:
        signing = entry.signing.hex() if entry.signing is not None else ""
        return {"instance": self._instance.hex(), "handle": entry.handle, "signing": signing}

    def _key(self, handle: str) -> TokenKey:
        return TokenKey(self._keys.get(handle, self._keys[_ALL]))

    def _read(self) -> dict[str, bytes] | None:
        try:
            document = json.loads(secret_file.read(self._path, at_most=_FILE_BYTES))
            keys = {str(handle): bytes.fromhex(key) for handle, key in document.items()}
        except FileNotFoundError:
            return None
        except (FieldreportError, ValueError, TypeError, AttributeError):
            _log.warning("%s cannot be used and is replaced: every device counts as new", self._path.name)
            return None
        whole = _ALL in keys and all(len(key) == _KEY_BYTES for key in keys.values())
        return keys if whole else None

    def _replaced(self, keys: dict[str, bytes]) -> dict[str, bytes]:
        content = json.dumps({handle: key.hex() for handle, key in keys.items()}).encode("ascii")
        try:
            with secret_file.locked(self._path):
                secret_file.replace(self._path, content)
        except UsageError as error:  # nothing that the person asked for is wrong: a disk is full or away
            raise StoreError("the known devices cannot be written now", detail=error.detail) from None
        return keys


def _tokens(untrusted_cookie: str) -> list[str]:
    return [token for token in untrusted_cookie.split(_SEPARATOR)[: limits.DEVICE_PEOPLE] if token]
