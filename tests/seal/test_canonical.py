"""Canonical JSON: one value has one spelling, and every other spelling is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldreport.seal import canonical

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=100, deadline=None)
@given(VALUES)
def test_what_was_written_is_read(value: Any) -> None:
    raw = canonical.encode(value)
    assert canonical.decode(raw) == value
    assert json.loads(raw) == value


def test_the_form_is_the_one_that_is_specified() -> None:
    value = {"b": [1, -2, None, True], "a": '\u00e9\n\u2028"\\/\x7f', "": {}}
    assert canonical.encode(value) == '{"":{},"a":"\u00e9\\n\u2028\\"\\\\/\x7f","b":[1,-2,null,true]}'.encode()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b" 1",
        b"1 ",
        b"1.0",
        b"1e3",
        b"-0",
        b"01",
        b"NaN",
        b"Infinity",
        b'{"a":1,"a":1}',
        b'{"b":1,"a":1}',
        b"[1, 2]",
        b'"\\u0041"',
        b'"\\/"',
        b'"\\ud800"',
        b'"\\u00e9"',
        b"\xef\xbb\xbf1",
        b'"\xff"',
        b"[" * 100_000,
        b"9" * 10_000,
    ],
)
def test_another_spelling_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"^not canonical JSON$"):
        canonical.decode(raw)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=40))
def test_arbitrary_bytes_are_canonical_or_refused(raw: bytes) -> None:
    try:
        assert canonical.encode(canonical.decode(raw)) == raw
    except ValueError as refused:
        assert str(refused) == "not canonical JSON"  # noqa: PT017 - either outcome is right


@pytest.mark.parametrize(
    "value", [1.5, {1: 2}, {"a": [0.5]}, "\ud800", {"a": b"x"}, object()], ids=lambda value: type(value).__name__
)
def test_what_json_does_not_have_is_not_written(value: Any) -> None:
    with pytest.raises(ValueError, match=r"^not a JSON value$"):
        canonical.encode(value)
