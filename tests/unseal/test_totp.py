"""One-time codes: those of RFC 6238, good for a minute and a half, and good once."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldreport.errors import UnlockRefused
from fieldreport.unseal.totp import code_at, current_code, provisioning_uri, verify_code

SECRET = b"12345678901234567890"
NOW = 1_111_111_111.0
PERIOD = int(NOW // 30)


@pytest.mark.parametrize(
    ("time", "code"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_codes_are_those_of_rfc_6238_appendix_b(time: int, code: str) -> None:
    assert code_at(SECRET, time // 30, digits=8) == code
    assert current_code(SECRET, time) == code[2:]


@pytest.mark.parametrize("drift", [-1, 0, 1])
def test_a_code_of_this_period_or_its_neighbours_is_accepted(drift: int) -> None:
    assert verify_code(SECRET, code_at(SECRET, PERIOD + drift), now=NOW, last_counter=-1) == PERIOD + drift


@pytest.mark.parametrize("drift", [-2, 2, 100])
def test_an_older_or_later_code_is_refused(drift: int) -> None:
    with pytest.raises(UnlockRefused):
        verify_code(SECRET, code_at(SECRET, PERIOD + drift), now=NOW, last_counter=-1)


def test_a_code_counts_once() -> None:
    counter = verify_code(SECRET, current_code(SECRET, NOW), now=NOW, last_counter=-1)
    with pytest.raises(UnlockRefused):
        verify_code(SECRET, current_code(SECRET, NOW), now=NOW, last_counter=counter)
    with pytest.raises(UnlockRefused):
        verify_code(SECRET, code_at(SECRET, PERIOD - 1), now=NOW, last_counter=counter)
    assert verify_code(SECRET, code_at(SECRET, PERIOD + 1), now=NOW, last_counter=counter) == PERIOD + 1


def test_spaces_in_a_typed_code_do_not_matter() -> None:
    code = current_code(SECRET, NOW)
    assert verify_code(SECRET, f" {code[:3]} {code[3:]}\n", now=NOW, last_counter=-1) == PERIOD


@given(st.text(max_size=12))
def test_anything_else_is_refused(typed: str) -> None:
    right = {code_at(SECRET, PERIOD + drift) for drift in (-1, 0, 1)}
    if "".join(typed.split()) not in right:
        with pytest.raises(UnlockRefused):
            verify_code(SECRET, typed, now=NOW, last_counter=-1)


def test_digits_of_another_script_are_refused() -> None:
    typed = current_code(SECRET, NOW).translate({ord("0") + n: 0x0660 + n for n in range(10)})
    with pytest.raises(UnlockRefused):
        verify_code(SECRET, typed, now=NOW, last_counter=-1)


def test_a_clock_at_the_beginning_of_time_is_no_trap() -> None:
    assert verify_code(SECRET, code_at(SECRET, 0), now=0.0, last_counter=-1) == 0


def test_the_uri_is_what_an_app_scans() -> None:
    uri = urlsplit(provisioning_uri(SECRET, "amira", "The Paper & Co"))
    assert (uri.scheme, uri.netloc, uri.path) == ("otpauth", "totp", "/The%20Paper%20%26%20Co%3Aamira")
    assert parse_qs(uri.query) == {
        "secret": ["GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"],
        "issuer": ["The Paper & Co"],
        "algorithm": ["SHA1"],
        "digits": ["6"],
        "period": ["30"],
    }
