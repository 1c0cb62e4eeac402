"""One-time codes work once: the last counter (the time step of RFC 6238) that each person used.

A counter tells to half a minute when somebody signed in. The row holds its hour, and 32 bits by which only the code's
secret, which is in the person's key file, finds out which counter of that hour it was.
"""

from __future__ import annotations

from typing import Final

from fieldreport.errors import UnlockRefused
from fieldreport.unseal import totp
from fieldreport.vault.archive.tables import SecondFactor
from fieldreport.vault.archive.vault import Vault

_TAG: Final = 1 << 32
_COUNTERS: Final = 3600 // totp.PERIOD_SECONDS  # in an hour


def last_counter(vault: Vault, handle: str, secret: bytes) -> int:
    """Return the counter of the last code that was used; 0 when none was.

    With another secret than that of the last code: the last counter before the hour of that code.
    """
    with vault.reading() as session:
        row = session.get(SecondFactor, handle)
    return _counter(row.counter, secret) if row is not None else 0


def use(vault: Vault, handle: str, secret: bytes, counter: int) -> None:
    """Use up a code that was just verified.

    Raises:
        UnlockRefused: this or a later one was used already, perhaps a moment ago in another window.
    """
    used = counter // _COUNTERS * _TAG + totp.tag_of(secret, counter)
    with vault.change() as change:
        row = change.session.get(SecondFactor, handle)
        if row is None:
            change.session.add(SecondFactor(handle=handle, counter=used))
        elif _counter(row.counter, secret) >= counter:
            raise UnlockRefused("that did not match", detail="one-time code was used before")
        else:
            row.counter = used


def _counter(used: int, secret: bytes) -> int:
    hour, tag = divmod(used, _TAG)
    first = hour * _COUNTERS
    return next((each for each in range(first, first + _COUNTERS) if totp.tag_of(secret, each) == tag), first - 1)
