"""What a page asks a browser about passkeys, and where an answer must come from.

The question is a challenge, sealed into a token that its form carries; an answer counts on the host that asked, from
the origin that the browser names. Browsers only answer where they take the connection for safe: https, an onion address
in Tor Browser, localhost.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import secrets
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

import flask

from fieldreport import limits
from fieldreport.desk import context
from fieldreport.errors import TokenError
from fieldreport.sentence import Sentence
from fieldreport.unseal.key_part import prf_input
from fieldreport.unseal.passkey import ALGORITHMS, Page, Passkey, encode

_PURPOSE: Final = "passkey"
_CHALLENGE_BYTES: Final = 32
_USER_BYTES: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """``asked``: for the script, JSON. ``token``: for the form's field ``challenge``."""

    asked: str = field(repr=False)
    token: str = field(repr=False)


def to_use() -> Question | None:
    """Ask for a passkey of anybody; nothing where this host can have none."""
    return _question("", {})


def to_bind(handle: str, usable: Collection[Passkey]) -> Question | None:
    """Ask for one of these passkeys of this person; nothing where this host can have none."""
    return _question(handle, {"usable": [encode(each.credential) for each in usable]})


def to_make(handle: str, known: Collection[Passkey]) -> Question | None:
    """Ask for a new passkey of this person, who has ``known``; nothing where this host can have none."""
    desk = context.desk()
    # It must not change, and says nothing: authenticators show the name beside it.
    user = hashlib.sha256(b"fieldreport/v1/passkey/user\n" + desk.vault.instance + handle.encode("ascii")).digest()
    return _question(
        handle,
        {
            "algorithms": ALGORITHMS,
            "handle": handle,
            "known": [encode(each.credential) for each in known],
            "newsroom": desk.settings.instance.name,
            "user": encode(user[:_USER_BYTES]),
        },
    )


def page_of(untrusted_token: str, *, handle: str = "") -> Page:
    """Where the answer in this request must have been made.

    Args:
        untrusted_token: the form's field ``challenge``.
        handle: who was asked for a new passkey or for one to bind; empty on the sign-in page.

    Raises:
        TokenError: the question was not ours, not for this, or is too old, or the browser does not say its origin.
    """
    desk, request = context.desk(), flask.request
    age = limits.PASSKEY_CHALLENGE_SECONDS
    state = desk.token_key.open(untrusted_token, _PURPOSE, now=desk.clock(), max_age_seconds=age)
    origin, here = request.headers.get("Origin"), host()  # that both are one host was checked before the view
    if origin is None or here is None or state["handle"] != handle:
        raise TokenError(Sentence("This page cannot be used any more."))
    return Page(origin=origin, host=here, challenge=bytes.fromhex(state["challenge"]))


def _question(handle: str, more: dict[str, object]) -> Question | None:
    here = host()
    if here is None:
        return None
    desk, challenge = context.desk(), secrets.token_bytes(_CHALLENGE_BYTES)
    asked = {"challenge": encode(challenge), "host": here, "prf": encode(prf_input(desk.vault.instance)), **more}
    state = {"challenge": challenge.hex(), "handle": handle}
    return Question(asked=json.dumps(asked), token=desk.token_key.seal(_PURPOSE, state, now=desk.clock()))


def host() -> str | None:
    """The host of this request if passkeys can be made for it: browsers make none for a number."""
    name = urlsplit(f"//{flask.request.host}").hostname or ""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return name or None
    return None
