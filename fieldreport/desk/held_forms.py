"""A form that arrived after the auto-lock or a restart: sealed, handed to the browser, and given back to its owner.

Rules: nothing of it stays in the locked desk's memory. It comes back only to the person whose session the form belonged
to, after they have unlocked again, and is sent on only when they press a button.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from fieldreport import limits
from fieldreport.errors import TokenError
from fieldreport.seal import TokenKey
from fieldreport.sentence import Sentence

_PURPOSE: Final = "held-form"
_PIECE_CHARACTERS: Final = 8_000  # at most 24 KiB of UTF-8, so that a piece stays below limits.TOKEN_CHARACTERS


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldForm:
    """A form of ``handle`` that was on its way to ``path``."""

    handle: str
    path: str
    fields: tuple[tuple[str, str], ...] = field(repr=False)


def seal_form(key: TokenKey, form: HeldForm, *, now: float) -> tuple[str, ...]:
    """The form as one or more tokens for hidden fields, in order."""
    text = json.dumps({"handle": form.handle, "path": form.path, "fields": form.fields}, ensure_ascii=False)
    pieces = [text[start : start + _PIECE_CHARACTERS] for start in range(0, len(text), _PIECE_CHARACTERS)]
    name = secrets.token_hex(8)
    return tuple(
        key.seal(_PURPOSE, {"form": name, "number": f"{number}/{len(pieces)}", "piece": piece}, now=now)
        for number, piece in enumerate(pieces)
    )


def open_form(key: TokenKey, untrusted_tokens: Sequence[str], *, now: float) -> HeldForm:
    """The form that ``seal_form`` sealed.

    Raises:
        TokenError: altered, incomplete, of several forms, or older than ``limits.DESK_SESSION_SECONDS``.
    """
    states = [
        key.open(token, _PURPOSE, now=now, max_age_seconds=limits.DESK_SESSION_SECONDS) for token in untrusted_tokens
    ]
    numbers = [state["number"] for state in states]
    if not states or len({state["form"] for state in states}) != 1:
        raise TokenError(Sentence("The parts of your form do not belong together."))
    if numbers != [f"{number}/{len(states)}" for number in range(len(states))]:
        raise TokenError(Sentence("Your form is not complete."))
    document = json.loads("".join(state["piece"] for state in states))
    fields = tuple((name, text) for name, text in document["fields"])
    return HeldForm(handle=document["handle"], path=document["path"], fields=fields)
