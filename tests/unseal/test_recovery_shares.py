"""Any k of n word shares bring the recovery key back; a share that is wrong or missing is named, without its words."""

from __future__ import annotations

import dataclasses
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shamir_mnemonic import Share, combine_mnemonics, generate_mnemonics
from shamir_mnemonic.wordlist import WORDLIST

from fieldreport.errors import KeyFileDamaged, UsageError
from fieldreport.seal.hybrid import HybridIdentity
from fieldreport.unseal.recovery import combine, split

KEY = HybridIdentity.generate()
SHARES = split(KEY, 2, 3)


@pytest.mark.parametrize(("needed", "made"), [(2, 3), (2, 2), (3, 5), (5, 5)])
def test_any_sufficient_choice_of_shares_brings_the_key_back(needed: int, made: int) -> None:
    shares = split(KEY, needed, made)
    assert len(shares) == made
    for chosen in itertools.permutations(shares, needed):
        assert combine(chosen, expected=KEY.recipient) == KEY
        if needed > 3:
            break


def test_more_shares_than_needed_do_not_hurt() -> None:
    assert combine(SHARES, expected=KEY.recipient) == KEY


def test_a_share_is_33_words_of_plain_slip39_that_other_software_combines() -> None:
    assert all(len(share.split()) == 33 for share in SHARES)
    assert combine_mnemonics(list(SHARES[:2])) == KEY.seed


def test_case_spacing_and_all_but_four_letters_do_not_matter() -> None:
    typed = [share.upper().replace(" ", "\n  ") for share in SHARES[:2]]
    assert combine(typed, expected=KEY.recipient) == KEY
    short = [" ".join(word[:4] for word in share.split()) for share in SHARES[1:]]
    assert combine(short, expected=KEY.recipient) == KEY


def test_a_missing_share_is_counted() -> None:
    with pytest.raises(UsageError) as refused:
        combine(SHARES[:1], expected=KEY.recipient)
    assert refused.value.code == "recovery-missing"
    assert "1 of 2" in str(refused.value)
    with pytest.raises(UsageError):
        combine([], expected=KEY.recipient)


@settings(max_examples=60, deadline=None)
@given(which=st.integers(0, 1), place=st.integers(0, 32), word=st.sampled_from(WORDLIST))
def test_a_mistyped_share_is_named_and_not_quoted(which: int, place: int, word: str) -> None:
    words = SHARES[which].split()
    if words[place] == word:
        return
    words[place] = word
    typed = [*SHARES[:2]]
    typed[which] = " ".join(words)
    with pytest.raises(KeyFileDamaged) as refused:
        combine(typed, expected=KEY.recipient)
    assert refused.value.code == "recovery-share"
    assert refused.value.detail in {
        f"share {which + 1} has a wrong word: its checksum does not fit",
        f"share {which + 1} was not made by fieldreport",
    }


@pytest.mark.parametrize("typed", ["", "academic", "zzzz " * 33, "academic " * 33, "x" * 100_000])
def test_what_is_no_share_is_named(typed: str) -> None:
    with pytest.raises(KeyFileDamaged) as refused:
        combine([SHARES[0], typed], expected=KEY.recipient)
    assert "share 2 " in str(refused.value)


def test_a_share_of_another_set_is_named() -> None:
    other = split(KEY, 2, 3)
    with pytest.raises(KeyFileDamaged) as refused:
        combine([SHARES[0], other[0], SHARES[2]], expected=KEY.recipient)
    assert "share 2 belongs to another set" in str(refused.value)


def test_a_share_given_twice_is_named() -> None:
    with pytest.raises(KeyFileDamaged) as refused:
        combine([SHARES[1], SHARES[1]], expected=KEY.recipient)
    assert "share 2 is the same as share 1" in str(refused.value)


def test_sound_shares_of_another_key_are_refused() -> None:
    with pytest.raises(KeyFileDamaged) as refused:
        combine(SHARES, expected=HybridIdentity.generate().recipient)
    assert refused.value.code == "recovery-mismatch"


def test_a_forged_share_whose_own_checksum_is_right_is_refused() -> None:
    share = Share.from_mnemonic(SHARES[0])
    forged = dataclasses.replace(share, value=bytes(32)).mnemonic()
    with pytest.raises(KeyFileDamaged) as refused:
        combine([forged, SHARES[1]], expected=KEY.recipient)
    assert refused.value.code == "recovery-share"


def test_a_share_made_to_cost_hours_is_refused_at_once() -> None:
    ((first, second),) = generate_mnemonics(1, [(2, 2)], KEY.seed, iteration_exponent=1)
    with pytest.raises(KeyFileDamaged):
        combine([first, second], expected=KEY.recipient)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=60), max_size=3))
def test_arbitrary_texts_raise_only_our_errors(typed: list[str]) -> None:
    with pytest.raises((KeyFileDamaged, UsageError)):
        combine(typed, expected=KEY.recipient)


@pytest.mark.parametrize(("needed", "made"), [(0, 3), (1, 1), (1, 3), (4, 3), (2, 17)])
def test_a_senseless_splitting_is_refused(needed: int, made: int) -> None:
    with pytest.raises(UsageError):
        split(KEY, needed, made)
