"""Canonical JSON: one value, one byte string, so that a signature or a hash over the bytes is one over the value.

The form: UTF-8; keys sorted by code point, none twice; no space outside strings; nothing escaped that need not be;
numbers are integers. What is read is written again and compared, so no second spelling of anything is accepted.
"""

from __future__ import annotations

import json
from typing import Any, NoReturn


def encode(value: object) -> bytes:
    """The canonical bytes of a value made of dicts with string keys, lists, strings, integers, booleans and None.

    Raises:
        ValueError: a float, a lone surrogate, or a type that JSON does not have.
    """
    try:
        _refuse_floats(value)
        return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    except (TypeError, RecursionError, UnicodeEncodeError):  # the last one would carry the text
        raise ValueError("not a JSON value") from None


def decode(untrusted_raw: bytes | bytearray) -> Any:
    """The value whose canonical bytes these are. The caller bounds the length first.

    Raises:
        ValueError: not JSON, or JSON in any other than the canonical form.
    """
    try:
        value = json.loads(untrusted_raw.decode("utf-8"), parse_float=_refuse, parse_constant=_refuse)
        written_again = encode(value)
    except (ValueError, RecursionError):
        raise ValueError("not canonical JSON") from None  # json's own message quotes the text
    if written_again != untrusted_raw:
        raise ValueError("not canonical JSON")
    return value


def _refuse(_: str) -> NoReturn:
    raise ValueError


def _refuse_floats(value: object) -> None:
    if isinstance(value, float):
        raise TypeError
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise TypeError
        for inner in value.values():
            _refuse_floats(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            _refuse_floats(inner)
