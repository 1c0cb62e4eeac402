"""Keys as text: one spelling for one key, and nothing else is a key."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldreport.errors import SealError
from fieldreport.seal import HybridIdentity, HybridRecipient, bech32

IDENTITY = HybridIdentity(bytes(range(32)))


def test_the_specifications_own_example_reads_and_writes(vectors: Path) -> None:
    example = json.loads((vectors / "age" / "specification.json").read_text())
    identity = HybridIdentity.parse(example["identity"])
    assert identity.encode() == example["identity"]
    recipient = str(identity.recipient)
    assert recipient.startswith(example["recipient_begins"])
    assert recipient.endswith(example["recipient_ends"])
    assert len(recipient) == 1959


# BIP 173, "Test vectors": valid checksums (the payload lengths are those of the strings).
@pytest.mark.parametrize(
    ("text", "prefix", "length"),
    [
        ("A12UEL5L", "a", 0),
        ("a12uel5l", "a", 0),
        ("an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1tt5tgs",
         "an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio", 0),
        ("abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw", "abcdef", 20),
    ],
)  # fmt: skip
def test_the_standards_valid_strings_decode(text: str, prefix: str, length: int) -> None:
    assert bech32.encode(prefix, bech32.decode(text, prefix=prefix, length=length)) == text.lower()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "age1pq",
        "age1pq1",
        "age1pq1qqqqqq",
        "é" * 20,
        "1pzry9x0s0muk",  # BIP 173: no prefix
        "x1b4n0q5v",  # BIP 173: character outside the alphabet
        "li1dgmt3",  # BIP 173: checksum too short
        "A1G7SGD8",  # BIP 173: checksum computed over the upper case
        "split1cheo2y9e2w",  # BIP 173: wrong checksum
        "a" * 100_000,
    ],
)
def test_what_is_no_key_is_refused(text: str) -> None:
    for parse in (HybridRecipient.parse, HybridIdentity.parse):
        with pytest.raises(SealError) as caught:
            parse(text)
        assert caught.value.code == "key-text"


def test_padding_bits_that_are_not_zero_are_refused() -> None:
    # 32 bytes are 51 groups of five bits and one bit; the last group ends in four zero bits.
    words = [0] * 52
    words[-1] |= 1
    checksum = bech32._polymod([*bech32._expand("age-secret-key-pq-"), *words, *bytes(6)]) ^ 1
    words += [checksum >> 5 * (5 - place) & 31 for place in range(6)]
    text = "AGE-SECRET-KEY-PQ-1" + "".join(bech32._ALPHABET[word] for word in words).upper()
    with pytest.raises(SealError):
        HybridIdentity.parse(text)


def test_capitals_and_small_letters_are_not_mixed_or_swapped() -> None:
    identity, recipient = IDENTITY.encode(), str(IDENTITY.recipient)
    assert HybridRecipient.parse(recipient) == IDENTITY.recipient
    for text in (identity.lower(), identity[:-1] + identity[-1].lower()):
        with pytest.raises(SealError):
            HybridIdentity.parse(text)
    with pytest.raises(SealError):
        HybridRecipient.parse(recipient[:-1] + recipient[-1].upper())


def test_a_key_of_another_kind_is_refused() -> None:
    with pytest.raises(SealError):
        HybridRecipient.parse(IDENTITY.encode())
    with pytest.raises(SealError):
        HybridIdentity.parse(str(IDENTITY.recipient))
    with pytest.raises(SealError):  # the X25519 identity that c2sp.org/age prints
        HybridIdentity.parse(bech32.encode("age-secret-key-", bytes(32)).upper())


@settings(max_examples=60, deadline=None)
@given(seed=st.binary(min_size=32, max_size=32), place=st.integers(0, 70), letter=st.sampled_from(bech32._ALPHABET))
def test_one_wrong_character_is_always_found(seed: bytes, place: int, letter: str) -> None:
    text = bech32.encode("age-secret-key-pq-", seed).upper()
    place = 19 + place % (len(text) - 19)
    assert bech32.decode(text, prefix="age-secret-key-pq-", length=32) == seed
    altered = text[:place] + letter.upper() + text[place + 1 :]
    if altered != text:
        with pytest.raises(SealError):
            HybridIdentity.parse(altered)


@settings(max_examples=200, deadline=None)
@given(text=st.one_of(st.text(), st.text(alphabet=bech32._ALPHABET + "1").map("age1pq1".__add__)))
def test_arbitrary_text_raises_only_our_error(text: str) -> None:
    with pytest.raises(SealError):
        HybridRecipient.parse(text)
