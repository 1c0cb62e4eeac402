"""Any k of n word shares bring the recovery key back; a share that is wrong or missing is named, without its words."""

from __future__ import annotations

import dataclasses
import itertools
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shamir_mnemonic import Share, combine_mnemonics, generate_mnemonics
from shamir_mnemonic.wordlist import WORDLIST

from fieldreport.errors import KeyFileDamaged, UsageError
from fieldreport.seal.hybrid import HybridIdentity
from fieldreport.unseal import key_file
from fieldreport.unseal.recovery import as_staff_key, combine, shares_needed, signing_key, split
from tests.cast import CHEAP
from tests.unseal.conftest import PASSPHRASE

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
    assert str(refused.value) == "1 of 2 shares are here: one more share is needed"
    with pytest.raises(UsageError, match="2 more shares are needed"):
        combine(split(KEY, 3, 3)[:1], expected=KEY.recipient)
    with pytest.raises(UsageError):
        combine([], expected=KEY.recipient)


def refusal(*typed: str) -> str:
    with pytest.raises(KeyFileDamaged) as refused:
        combine(typed, expected=KEY.recipient)
    assert refused.value.code == "recovery-share"
    assert str(refused.value) == refused.value.detail
    return refused.value.detail


@settings(max_examples=60, deadline=None)
@given(which=st.integers(0, 1), place=st.integers(0, 32), word=st.sampled_from(WORDLIST))
def test_a_wrong_word_is_named_by_its_place_and_not_quoted(which: int, place: int, word: str) -> None:
    words = SHARES[which].split()
    if words[place] == word:
        return
    words[place] = word
    typed = [*SHARES[:2]]
    typed[which] = " ".join(words)
    number = re.fullmatch(
        rf"share {which + 1} has a wrong word, most likely the ([0-9]+)(st|nd|rd|th)", refusal(*typed)
    )
    assert number is not None
    assert int(number[1]) == place + 1


def test_a_word_that_is_in_no_share_is_named_by_its_place() -> None:
    words = SHARES[1].split()
    words[2] = "xylophone"
    assert refusal(SHARES[0], " ".join(words)) == "share 2 has a wrong word: the 3rd is in no share"


@settings(max_examples=30, deadline=None)
@given(place=st.integers(0, 31))
def test_two_neighbours_that_were_swapped_are_named(place: int) -> None:
    words = SHARES[0].split()
    if words[place] == words[place + 1]:
        return
    words[place], words[place + 1] = words[place + 1], words[place]
    assert "share 1 has two words in the wrong order, most likely the " in refusal(" ".join(words))


@settings(max_examples=30, deadline=None)
@given(places=st.sets(st.integers(0, 32), min_size=2, max_size=3), data=st.data())
def test_two_or_three_wrong_words_are_never_taken_for_a_sound_share(places: set[int], data: st.DataObject) -> None:
    words = SHARES[0].split()
    for place in places:
        words[place] = data.draw(st.sampled_from([word for word in WORDLIST if word != words[place]]))
    assert refusal(" ".join(words), SHARES[1]).startswith("share 1 has ")


def test_a_printed_grid_is_read_by_its_numbers_in_any_order() -> None:
    words = list(enumerate(SHARES[0].split(), start=1))
    grid = "Recovery share 1 of 3.\n" + "\n".join(f"{at:>2}) {word}" for at, word in reversed(words))
    assert combine([grid, SHARES[1]], expected=KEY.recipient) == KEY
    assert refusal(grid.replace("12)", ""), SHARES[1]) == "share 1 lacks the word with the number 12"
    assert refusal(grid.replace("12)", "13)"), SHARES[1]) == "share 1 lacks the word with the number 12"
    assert refusal(f"{grid}\n7) academic", SHARES[1]) == "share 1 repeats the word with the number 7"
    assert refusal(f"{grid}\n34) academic", SHARES[1]) == "share 1 has more than 33 words"


def test_one_share_by_itself_says_how_many_are_needed() -> None:
    assert shares_needed(SHARES[2]) == 2
    assert shares_needed(split(KEY, 4, 7)[6]) == 4
    with pytest.raises(KeyFileDamaged, match=r"^share 3 has 32 words instead of 33$"):
        shares_needed(SHARES[0].rpartition(" ")[0], number=3)


def test_the_recovered_key_in_a_key_file_opens_and_belongs_to_nobody(tmp_path: Path) -> None:
    key_file.write_key_file(tmp_path / "r.key", as_staff_key(KEY), PASSPHRASE, cost=CHEAP)
    opened = key_file.unlock(tmp_path / "r.key", PASSPHRASE)
    assert opened.identities == (KEY,)
    assert opened.admin is None
    assert opened.signing.public == signing_key(KEY).public
    assert opened.totp != as_staff_key(KEY).totp


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
