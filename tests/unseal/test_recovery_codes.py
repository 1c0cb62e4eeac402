"""Recovery codes: what is on paper, what is in the key file, and how a code may be typed."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from fieldreport import limits
from fieldreport.errors import UsageError
from fieldreport.seal import canonical
from fieldreport.unseal import recovery_codes
from fieldreport.unseal.key_file import unlock, write_key_file
from fieldreport.unseal.staff_key import StaffKey, decode_secrets, encode_secrets
from tests.cast import CHEAP
from tests.unseal.conftest import PASSPHRASE


def test_ten_different_ones_are_made_and_none_is_like_another_ten() -> None:
    one, other = recovery_codes.generate(), recovery_codes.generate()
    assert len({*one, *other}) == 2 * limits.RECOVERY_CODES


@pytest.mark.parametrize(
    "typed", ["7KQ2M-1X0TD", "7kq2m1x0td", " 7KQ2M - 1X0TD ", "7KQ2M-LXOTD", "７ＫＱ２Ｍ－１Ｘ０ＴＤ"]
)
def test_a_code_is_found_however_it_is_typed(typed: str) -> None:
    kept = recovery_codes.digests(("7KQ2M-1X0TD", "AAAAA-AAAAA"))
    assert recovery_codes.find(kept, typed) in kept


@pytest.mark.parametrize("typed", ["", "123456", "7KQ2M-1X0TE", "٣" * 500, "코드", "\ud800"])
def test_what_is_no_code_finds_nothing(typed: str) -> None:
    assert recovery_codes.find(recovery_codes.digests(("7KQ2M-1X0TD",)), typed) is None


def test_a_key_file_keeps_digests_and_no_code(amira: StaffKey, tmp_path: Path) -> None:
    codes = recovery_codes.generate()
    staff = dataclasses.replace(amira, recovery_codes=recovery_codes.digests(codes))
    write_key_file(tmp_path / "k", staff, PASSPHRASE, cost=CHEAP)
    assert unlock(tmp_path / "k", PASSPHRASE) == staff
    assert not any(code.replace("-", "").encode() in encode_secrets(staff).upper() for code in codes)


def test_a_key_file_without_codes_is_written_as_before_there_were_any(amira: StaffKey) -> None:
    assert canonical.decode(encode_secrets(amira)).keys() == {"admin", "identities", "signing", "totp"}


def test_an_empty_list_or_one_out_of_order_is_damage(amira: StaffKey) -> None:
    value = canonical.decode(encode_secrets(amira))
    for codes in ([], ["bb" * 32, "aa" * 32], ["aa" * 32] * 2, ["aa" * 31], "aa" * 32, [1]):
        content = canonical.encode({**value, "recovery_codes": codes})
        with pytest.raises(ValueError, match="not the secrets"):
            decode_secrets(content, handle="amira", role=amira.role)
    with pytest.raises(UsageError):
        dataclasses.replace(amira, recovery_codes=tuple(bytes([n]) * 32 for n in range(11)))
