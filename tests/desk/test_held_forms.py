"""A form that came after the lock, sealed into tokens: whole or not at all."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldreport import limits
from fieldreport.desk.held_forms import HeldForm, open_form, seal_form
from fieldreport.errors import TokenError, TokenExpired
from fieldreport.seal import TokenKey

KEY = TokenKey.generate()
NOW = 1_800_000_000.0


def form(text: str) -> HeldForm:
    return HeldForm(handle="amira", path="/cases/x/reply", fields=(("text", text), ("item", "00"), ("text", "twice")))


@settings(max_examples=30, deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=30_000))
def test_it_comes_back_as_it_was(text: str) -> None:
    assert open_form(KEY, seal_form(KEY, form(text), now=NOW), now=NOW) == form(text)


def test_nothing_of_it_can_be_read_on_the_way() -> None:
    assert not any("secret" in token for token in seal_form(KEY, form("secret " * 5000), now=NOW))


@pytest.mark.parametrize("change", ["none", "cut", "swapped", "doubled", "mixed", "other-key"])
def test_pieces_that_do_not_fit_are_refused(change: str) -> None:
    tokens = list(seal_form(KEY, form("x" * 20_000), now=NOW))
    assert len(tokens) == 3
    other = list(seal_form(KEY, form("y" * 20_000), now=NOW))
    altered = {
        "none": [],
        "cut": tokens[:2],
        "swapped": [tokens[1], tokens[0], tokens[2]],
        "doubled": [*tokens, tokens[2]],
        "mixed": [tokens[0], other[1], tokens[2]],
        "other-key": list(seal_form(TokenKey.generate(), form("x"), now=NOW)),
    }[change]
    with pytest.raises(TokenError):
        open_form(KEY, altered, now=NOW)


def test_after_a_working_day_it_is_refused() -> None:
    tokens = seal_form(KEY, form("x"), now=NOW)
    with pytest.raises(TokenExpired):
        open_form(KEY, tokens, now=NOW + limits.DESK_SESSION_SECONDS + 120)
