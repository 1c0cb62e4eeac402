"""Waiting for an event, so that no test depends on the pace of the machine."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from typing import Final, TypeVar

import httpx

PATIENCE_SECONDS: Final = 120.0
"""How long a test waits for what must come: far longer than any machine needs, so only a failure waits so long."""

Found = TypeVar("Found")


def eventually(look: Callable[[], Found]) -> Found:
    """Look until what is found is true, and return it.

    Raises:
        AssertionError: it did not come in ``PATIENCE_SECONDS``.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := look()):
        assert time.monotonic() < deadline, f"waited {PATIENCE_SECONDS:.0f} seconds in vain"
        time.sleep(0.01)
    return found


def answers(url: str, process: subprocess.Popen[bytes]) -> bool:
    """Whether a server answers yet; it must not have ended."""
    assert process.poll() is None, "the server ended before it answered"
    try:
        # Without TLS: to load what browsers trust takes longer than to ask.
        httpx.get(url, timeout=PATIENCE_SECONDS, verify=False)  # noqa: S501
    except httpx.TransportError:
        return False
    return True
