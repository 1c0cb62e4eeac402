"""The form token: genuine, for its purpose, and young, or refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldreport import limits
from fieldreport.errors import LimitExceeded, TokenError, TokenExpired
from fieldreport.seal.form_token import TokenKey

NOON = 1_793_620_800.0  # 2026-11-02T12:00:00Z
HOUR = 3600.0
STATE = {"codename": "nine words", "report": "x"}
VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "token" / "tokens.json").read_text(encoding="utf-8"))
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def test_what_was_sealed_is_opened() -> None:
    key = TokenKey.generate()
    assert key.open(key.seal("report", STATE, now=NOON), "report", now=NOON + HOUR, max_age_seconds=HOUR) == STATE


@settings(max_examples=50, deadline=None)
@given(state=st.dictionaries(st.text(), st.text(), max_size=5).filter(lambda d: "\ud800" not in str(d)))
def test_any_state_survives_the_way_through_the_browser(state: dict[str, str]) -> None:
    key = TokenKey.generate()
    token = key.seal("report", state, now=NOON)
    assert set(token) <= set(ALPHABET)
    assert key.open(token, "report", now=NOON, max_age_seconds=0) == state


def test_an_old_token_is_refused_but_nothing_in_it_is_lost() -> None:
    key = TokenKey.generate()
    token = key.seal("report", STATE, now=NOON)
    with pytest.raises(TokenExpired) as refused:
        key.open(token, "report", now=NOON + HOUR + 61, max_age_seconds=HOUR)
    assert refused.value.state == STATE
    assert "nine words" not in f"{refused.value} {refused.value!r} {refused.value.detail}"


def test_a_token_from_the_future_is_refused_but_a_clock_may_be_minutes_slow() -> None:
    key = TokenKey.generate()
    token = key.seal("report", STATE, now=NOON)
    assert key.open(token, "report", now=NOON - 4 * 60, max_age_seconds=HOUR) == STATE
    with pytest.raises(TokenExpired):
        key.open(token, "report", now=NOON - 10 * 60, max_age_seconds=HOUR)


def test_a_token_for_another_purpose_is_refused() -> None:
    key = TokenKey.generate()
    with pytest.raises(TokenError):
        key.open(key.seal("report", STATE, now=NOON), "return", now=NOON, max_age_seconds=HOUR)


@pytest.mark.parametrize("purpose", ["", "Report", "report/return", "report\n"])
def test_a_purpose_is_a_short_lower_case_word(purpose: str) -> None:
    with pytest.raises(ValueError, match="purpose"):
        TokenKey.generate().seal(purpose, STATE, now=NOON)


def test_a_token_of_a_restarted_server_is_refused() -> None:
    with pytest.raises(TokenError):
        TokenKey.generate().open(
            TokenKey.generate().seal("report", STATE, now=NOON), "report", now=NOON, max_age_seconds=HOUR
        )


def test_yesterdays_key_still_opens_and_does_not_seal() -> None:
    yesterday, today = b"\x01" * 32, b"\x02" * 32
    nodes = TokenKey(today, previous=[yesterday])
    old = TokenKey(yesterday).seal("report", STATE, now=NOON)
    assert nodes.open(old, "report", now=NOON, max_age_seconds=HOUR) == STATE
    new = nodes.seal("report", STATE, now=NOON)
    assert TokenKey(today).open(new, "report", now=NOON, max_age_seconds=HOUR) == STATE


def test_any_changed_character_is_refused() -> None:
    key = TokenKey.generate()
    token = key.seal("report", STATE, now=NOON)
    for place, character in enumerate(token):
        other = ALPHABET[(ALPHABET.index(character) + 1) % 64]
        with pytest.raises(TokenError):
            key.open(token[:place] + other + token[place + 1 :], "report", now=NOON, max_age_seconds=HOUR)


@pytest.mark.parametrize("cut", [0, 1, 10, 39, -4, -1])
def test_a_token_that_was_cut_is_refused(cut: int) -> None:
    key = TokenKey.generate()
    with pytest.raises(TokenError):
        key.open(key.seal("report", STATE, now=NOON)[:cut], "report", now=NOON, max_age_seconds=HOUR)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=200))
def test_arbitrary_text_raises_only_our_error(text: str) -> None:
    with pytest.raises(TokenError):
        TokenKey(bytes(32)).open(text, "report", now=NOON, max_age_seconds=HOUR)


def test_a_monstrous_token_is_refused_before_it_is_decoded() -> None:
    with pytest.raises(TokenError):
        TokenKey.generate().open("A" * (limits.TOKEN_CHARACTERS + 1), "report", now=NOON, max_age_seconds=HOUR)


def test_a_state_that_is_too_large_is_not_sealed() -> None:
    with pytest.raises(LimitExceeded):
        TokenKey.generate().seal("report", {"report": "x" * limits.TOKEN_CHARACTERS}, now=NOON)


def test_the_length_of_a_token_does_not_tell_the_length_of_a_codename() -> None:
    key = TokenKey.generate()
    short = key.seal("report", {"codename": "的 一 是 在 不 了 有 和 人"}, now=NOON)
    long = key.seal("report", {"codename": "academic " * 9}, now=NOON)
    assert len(short) == len(long)


def test_the_time_in_a_token_is_rounded_to_minutes() -> None:
    key = TokenKey.generate()
    token = key.seal("report", STATE, now=NOON + 59.9)
    with pytest.raises(TokenExpired):
        key.open(token, "report", now=NOON + 60, max_age_seconds=0)


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["name"])
def test_vectors(case: Mapping[str, Any]) -> None:
    """Made by tests/vectors/token/make.py, which shares no code with the package; one failure each."""
    key = TokenKey(bytes.fromhex(VECTORS["key"]))

    def open_() -> Mapping[str, str]:
        return key.open(case["token"], VECTORS["purpose"], now=case["now"], max_age_seconds=case["max_age"])

    match case["expect"]:
        case "opens":
            assert open_() == VECTORS["state"]
        case "expired":
            with pytest.raises(TokenExpired) as expired:
                open_()
            assert expired.value.state == VECTORS["state"]
        case _:
            with pytest.raises(TokenError) as refused:
                open_()
            assert not isinstance(refused.value, TokenExpired)
