"""A re-wrapped object is the same object for other readers: header new, payload untouched."""

from __future__ import annotations

import secrets

import pytest

from fieldreport.errors import NotARecipient, SealError
from fieldreport.seal.header import Header, build_header, open_header
from fieldreport.seal.hybrid import HybridIdentity
from fieldreport.unseal.rewrap import rewrap

AMIRA, JONAS, INES = (HybridIdentity.generate() for _ in range(3))
FILE_KEY = secrets.token_bytes(16)
HEADER = build_header(FILE_KEY, [AMIRA.recipient, JONAS.recipient])


def test_the_new_readers_open_it_and_those_left_out_do_not() -> None:
    header = rewrap(HEADER, identities=[AMIRA], recipients=[JONAS.recipient, INES.recipient])
    assert open_header(header, [JONAS]) == open_header(header, [INES]) == FILE_KEY
    with pytest.raises(NotARecipient):
        open_header(header, [AMIRA])


def test_the_result_names_exactly_the_given_recipients_once_each() -> None:
    header = rewrap(HEADER, identities=[AMIRA], recipients=[INES.recipient, INES.recipient])
    assert len(Header.parse(header).stanzas) == 1


def test_any_of_a_persons_keys_will_do() -> None:
    header = rewrap(HEADER, identities=[INES, JONAS], recipients=[INES.recipient])
    assert open_header(header, [INES]) == FILE_KEY


def test_repeating_it_changes_nothing_but_the_randomness() -> None:
    once = rewrap(HEADER, identities=[AMIRA], recipients=[JONAS.recipient])
    twice = rewrap(once, identities=[JONAS], recipients=[JONAS.recipient])
    assert len(once) == len(twice)
    assert open_header(twice, [JONAS]) == FILE_KEY


def test_a_stranger_cannot_rewrap() -> None:
    with pytest.raises(NotARecipient):
        rewrap(HEADER, identities=[INES], recipients=[INES.recipient])


def test_an_object_is_never_wrapped_to_nobody() -> None:
    with pytest.raises(SealError):
        rewrap(HEADER, identities=[AMIRA], recipients=[])


def test_an_altered_header_is_not_made_good_by_rewrapping() -> None:
    place = HEADER.index(b"--- ") + 4
    changed = HEADER[:place] + (b"A" if HEADER[place : place + 1] != b"A" else b"B") + HEADER[place + 1 :]
    with pytest.raises(SealError):
        rewrap(changed, identities=[AMIRA], recipients=[JONAS.recipient])
