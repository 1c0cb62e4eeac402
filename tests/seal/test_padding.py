"""Padding: few sizes, little waste."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldreport.seal.padding import padded_size

FLOOR = 16_384
LENGTHS = st.one_of(st.integers(0, 1 << 20), st.integers(0, 1 << 45))


@pytest.mark.parametrize(
    ("length", "size"), [(0, FLOOR), (FLOOR, FLOOR), (FLOOR + 1, 17_408), (100_000, 100_352), (1_000_000, 1_015_808)]
)
def test_the_sizes_are_those_of_the_specification(length: int, size: int) -> None:
    assert padded_size(length) == size


@given(length=LENGTHS)
def test_it_holds_what_it_must_and_wastes_at_most_a_sixteenth(length: int) -> None:
    size = padded_size(length)
    assert max(length, FLOOR) <= size
    if length > FLOOR:
        assert (size - length) / length <= 1 / 16


@given(length=LENGTHS)
def test_a_padded_size_stays_as_it_is(length: int) -> None:
    assert padded_size(padded_size(length)) == padded_size(length)


@given(first=LENGTHS, second=LENGTHS)
def test_a_longer_text_is_never_padded_to_less(first: int, second: int) -> None:
    shorter, longer = sorted((first, second))
    assert padded_size(shorter) <= padded_size(longer)


def test_there_are_few_sizes() -> None:
    assert len({padded_size(length) for length in range(0, 512 << 20, 4096)}) < 450
