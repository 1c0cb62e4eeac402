"""The second factor: one-time codes of six digits, every 30 seconds (RFC 6238, HMAC-SHA-1, as every phone app has it).

Rules: a code counts once; the caller stores the counter that ``verify_code`` returns before it lets the person in.
"""

from __future__ import annotations

import base64
import hmac
from typing import Final
from urllib.parse import quote, urlencode

from fieldreport.errors import UnlockRefused

PERIOD_SECONDS: Final = 30
DIGITS: Final = 6
_HINT_PERIODS: Final = 120  # an hour: the wrong time zone, or a clock set by hand
_DRIFT_PERIODS: Final = 1  # phones are seconds off, and a code is typed at the end of its time


def verify_code(secret: bytes, untrusted_code: str, *, now: float, last_counter: int) -> int:
    """Check a code against the present period and its neighbours; returns the counter it belongs to.

    Args:
        secret: 20 bytes.
        untrusted_code: as typed; spaces are ignored.
        now: seconds since the epoch.
        last_counter: the highest counter that was accepted before; a code is not accepted twice. -1 at first.

    Raises:
        UnlockRefused: wrong, too old, from the future, or used before.
    """
    typed = "".join(untrusted_code.split())
    present = int(now // PERIOD_SECONDS)
    accepted = -1
    # Every candidate is computed and compared, so that the time does not show which one matched.
    for counter in range(max(0, present - _DRIFT_PERIODS), present + _DRIFT_PERIODS + 1):
        same = hmac.compare_digest(code_at(secret, counter).encode(), typed.encode("utf-8", errors="replace"))
        if same and counter > last_counter:
            accepted = counter
    if accepted < 0:
        raise UnlockRefused("Handle, passphrase or code did not match.")
    return accepted


def minutes_off(secret: bytes, untrusted_code: str, *, now: float) -> int | None:
    """How many minutes, rounded, the clock that made this code is ahead of ours (negative: late).

    Within an hour; nothing where no such clock shows it. For a hint: the code is not accepted.
    """
    typed = "".join(untrusted_code.split()).encode("utf-8", errors="replace")
    present = int(now // PERIOD_SECONDS)
    found = None
    for distance in range(-_HINT_PERIODS, _HINT_PERIODS + 1):
        same = hmac.compare_digest(code_at(secret, max(0, present + distance)).encode(), typed)
        if same and abs(distance) > _DRIFT_PERIODS:
            found = distance
    return None if found is None else round(found * PERIOD_SECONDS / 60)


def tag_of(secret: bytes, counter: int) -> int:
    """32 bits by which a holder of the secret, and nobody else, knows a counter again. Unrelated to its code."""
    mac = hmac.digest(secret, b"fieldreport/v1/totp/used\n" + counter.to_bytes(8, "big"), "sha256")
    return int.from_bytes(mac[:4], "big")


def current_code(secret: bytes, now: float) -> str:
    """The code that an app shows at ``now``."""
    return code_at(secret, int(now // PERIOD_SECONDS))


def code_at(secret: bytes, counter: int, *, digits: int = DIGITS) -> str:
    """HOTP of RFC 4226 section 5.3: dynamic truncation of HMAC-SHA-1."""
    mac = hmac.digest(secret, counter.to_bytes(8, "big"), "sha1")
    offset = mac[-1] & 0x0F
    number = int.from_bytes(mac[offset : offset + 4], "big") & 0x7FFF_FFFF
    return f"{number % 10**digits:0{digits}d}"


def provisioning_uri(secret: bytes, handle: str, issuer: str) -> str:
    """The ``otpauth`` URI that an app scans. It holds the secret: shown once, at enrolment."""
    label = quote(f"{issuer}:{handle}", safe="")
    parameters = {
        "secret": base64.b32encode(secret).decode("ascii").rstrip("="),
        "issuer": issuer,
        "algorithm": "SHA1",
        "digits": DIGITS,
        "period": PERIOD_SECONDS,
    }
    return f"otpauth://totp/{label}?{urlencode(parameters, quote_via=quote)}"
