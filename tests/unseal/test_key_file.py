"""A key file opens with its passphrase and with nothing else; what is wrong with it is told apart, before any work."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fieldreport import limits
from fieldreport.errors import KeyFileDamaged, UnlockRefused, UsageError
from fieldreport.seal.hybrid import HybridIdentity
from fieldreport.seal.roster import KeyState, Role
from fieldreport.seal.word_lists import word_list
from fieldreport.unseal import key_file, recovery_codes
from fieldreport.unseal.key_file import (
    FULL,
    Cost,
    StaffKey,
    dummy_unlock,
    generate_passphrase,
    unlock,
    write_key_file,
)
from tests.cast import CHEAP
from tests.unseal.conftest import PASSPHRASE

VECTORS = Path(__file__).parent.parent / "vectors" / "keyfile"


def checksummed(content: bytes) -> bytes:
    """The file as somebody who alters it on purpose would leave it."""
    sealed = content[: content.index(b"checksum ")]
    return sealed + b"checksum " + base64.b64encode(hashlib.sha256(sealed).digest()) + b"\n"


def put(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    path.chmod(0o600)
    return path


@pytest.mark.parametrize("role", [Role.EDITOR, Role.ADMIN])
def test_what_was_written_is_unlocked(tmp_path: Path, role: Role) -> None:
    staff = StaffKey.generate("somebody", role)
    write_key_file(tmp_path / "k", staff, PASSPHRASE, cost=CHEAP)
    opened = unlock(tmp_path / "k", PASSPHRASE)
    assert opened == staff
    assert opened.signing.sign("x", b"y") == staff.signing.sign("x", b"y")
    if staff.admin is not None:
        assert opened.admin is not None
        assert opened.admin.public.fingerprint == staff.admin.public.fingerprint


def test_several_identities_keep_their_order(tmp_path: Path, amira: StaffKey) -> None:
    rotated = dataclasses.replace(amira, identities=(HybridIdentity.generate(), *amira.identities))
    write_key_file(tmp_path / "k", rotated, PASSPHRASE, cost=CHEAP)
    assert unlock(tmp_path / "k", PASSPHRASE).identities == rotated.identities


@pytest.mark.parametrize("typed", ["", " ", "wrong", PASSPHRASE + " x", PASSPHRASE[:-1], "x" * 5000, "\ud800"])
def test_a_wrong_passphrase_is_refused_and_nothing_more_is_said(path: Path, typed: str) -> None:
    with pytest.raises(UnlockRefused) as refused:
        unlock(path, typed)
    assert refused.value.detail == "Handle, passphrase or code did not match."


@pytest.mark.parametrize("typed", [PASSPHRASE.upper(), f"  {PASSPHRASE.replace(' ', '   ')}\n", PASSPHRASE.title()])
def test_case_and_spacing_of_the_passphrase_do_not_matter(path: Path, typed: str) -> None:
    assert unlock(path, typed).handle == "amira"


@pytest.mark.parametrize("form", ["path", "portable"])
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_flipped_bit_is_damage_and_costs_no_argon2id(
    request: pytest.FixtureRequest, form: str, data: st.DataObject
) -> None:
    path: Path = request.getfixturevalue(form)
    whole = path.read_bytes()
    changed = bytearray(whole)
    changed[data.draw(st.integers(0, len(whole) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    put(path, bytes(changed))
    with mock.patch.object(key_file, "Argon2id", side_effect=AssertionError), pytest.raises(KeyFileDamaged):
        unlock(path, PASSPHRASE)
    put(path, whole)


@pytest.mark.parametrize("form", ["path", "portable"])
@pytest.mark.parametrize("cut", [0, 1, 100, -1, -2, -60])
def test_a_cut_file_is_damage(request: pytest.FixtureRequest, form: str, cut: int) -> None:
    path: Path = request.getfixturevalue(form)
    put(path, path.read_bytes()[:cut])
    with pytest.raises(KeyFileDamaged):
        unlock(path, PASSPHRASE)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    version=st.sampled_from([b"", b"fieldreport key file v1\n", b"fieldreport key file v2\n"]),
    content=st.binary(max_size=200),
)
def test_arbitrary_bytes_raise_only_our_error(tmp_path: Path, version: bytes, content: bytes) -> None:
    with pytest.raises(KeyFileDamaged):
        unlock(put(tmp_path / "k", version + content), PASSPHRASE)


LINES: dict[str, Callable[[bytes], bytes]] = {
    "handle": lambda file: file.replace(b"handle amira", b"handle jonas"),
    "role": lambda file: file.replace(b"role editor", b"role admin"),
    "passes": lambda file: file.replace(b"argon2id 64 1 1", b"argon2id 64 2 1"),
    "memory": lambda file: file.replace(b"argon2id 64 1 1", b"argon2id 128 1 1"),
    "lanes": lambda file: file.replace(b"argon2id 64 1 1", b"argon2id 64 1 2"),
    "salt": lambda file: _altered(file, b"salt "),
    "commitment": lambda file: _altered(file, b"commitment "),
}


def _altered(file: bytes, line: bytes) -> bytes:
    place = file.index(line) + len(line)
    return file[:place] + (b"A" if file[place : place + 1] != b"A" else b"B") + file[place + 1 :]


@pytest.mark.parametrize("line", LINES)
def test_every_line_is_authenticated_even_if_the_checksum_was_made_to_fit(portable: Path, line: str) -> None:
    """Not to be told from a wrong passphrase, and refused all the same: the commitment is over the whole head."""
    put(portable, checksummed(LINES[line](portable.read_bytes())))
    with pytest.raises(UnlockRefused):
        unlock(portable, PASSPHRASE)


def test_an_altered_body_is_damage_even_if_the_checksum_was_made_to_fit(portable: Path) -> None:
    put(portable, checksummed(_altered(portable.read_bytes(), b"body ")))
    with pytest.raises(KeyFileDamaged):
        unlock(portable, PASSPHRASE)


@pytest.mark.parametrize(
    "cost", [b"7 1 1", b"64 0 1", b"64 1 0", b"64 11 1", b"64 1 17", b"2097152 1 1", b"064 1 1", b"-64 1 1", b"64 1"]
)
def test_a_cost_out_of_bounds_is_refused_before_any_work(portable: Path, cost: bytes) -> None:
    put(portable, checksummed(portable.read_bytes().replace(b"argon2id 64 1 1", b"argon2id " + cost)))
    with mock.patch.object(key_file, "Argon2id", side_effect=AssertionError), pytest.raises(KeyFileDamaged):
        unlock(portable, PASSPHRASE)


def test_a_monstrous_file_is_refused_before_it_is_parsed(path: Path) -> None:
    put(path, bytes(limits.KEYFILE_BYTES + 1))
    with pytest.raises(KeyFileDamaged):
        unlock(path, PASSPHRASE)


def test_unlocking_is_exactly_one_argon2id(path: Path) -> None:
    with mock.patch.object(key_file, "Argon2id", wraps=Argon2id) as argon2id:
        unlock(path, PASSPHRASE)
        assert argon2id.call_count == 1
        with pytest.raises(UnlockRefused):
            unlock(path, "wrong")
        assert argon2id.call_count == 2


def test_a_handle_that_nobody_has_costs_and_answers_the_same_as_a_wrong_passphrase(tmp_path: Path) -> None:
    with mock.patch.object(key_file, "Argon2id", wraps=Argon2id) as argon2id:
        with pytest.raises(UnlockRefused) as unknown:
            unlock(tmp_path / "nobody.key", PASSPHRASE)
        with pytest.raises(UnlockRefused) as nothing:
            dummy_unlock(cost=CHEAP)
    assert str(unknown.value) == str(nothing.value) == "Handle, passphrase or code did not match."
    assert [call.kwargs["memory_cost"] for call in argon2id.call_args_list] == [limits.KEYFILE_ARGON2_KIB, 64]


def test_somebody_elses_file_under_this_name_is_refused(path: Path) -> None:
    assert unlock(path, PASSPHRASE, handle="amira").handle == "amira"
    with pytest.raises(KeyFileDamaged):
        unlock(path, PASSPHRASE, handle="jonas")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o610])
def test_a_file_that_others_may_read_is_refused(path: Path, mode: int) -> None:
    path.chmod(mode)
    with pytest.raises(KeyFileDamaged) as refused:
        unlock(path, PASSPHRASE)
    assert refused.value.code == "key-file-mode"


def test_a_directory_in_its_place_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyFileDamaged):
        unlock(tmp_path, PASSPHRASE)


def test_a_key_file_is_written_for_its_owner_only(path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["amira.key"]


def test_what_is_replaced_is_overwritten(path: Path, amira: StaffKey) -> None:
    with path.open("rb") as old:
        before = old.read()
        write_key_file(path, amira, "another passphrase", cost=CHEAP)
        old.seek(0)
        assert old.read() == bytes(len(before))
    assert unlock(path, "another passphrase") == amira


def test_a_hard_link_to_what_is_replaced_is_somebodys_backup_and_stays(portable: Path, amira: StaffKey) -> None:
    backup = portable.with_name("backup.key")
    os.link(portable, backup)
    write_key_file(portable, amira, "another passphrase", cost=CHEAP)
    assert unlock(backup, PASSPHRASE) == amira


def test_a_crash_while_writing_leaves_the_old_file(path: Path, amira: StaffKey) -> None:
    with mock.patch.object(Path, "replace", side_effect=KeyboardInterrupt), pytest.raises(KeyboardInterrupt):
        write_key_file(path, amira, "another passphrase", cost=CHEAP)
    assert unlock(path, PASSPHRASE) == amira
    write_key_file(path, amira, "another passphrase", cost=CHEAP)
    assert unlock(path, "another passphrase") == amira
    assert [file.name for file in path.parent.iterdir()] == ["amira.key"]


def test_an_unwritable_place_is_said(tmp_path: Path, amira: StaffKey) -> None:
    with pytest.raises(UsageError):
        write_key_file(tmp_path / "none" / "k", amira, PASSPHRASE, cost=CHEAP)


@pytest.mark.parametrize("passphrase", ["", "  \n", "x" * 1001])
def test_a_blank_or_endless_passphrase_is_not_accepted_for_writing(
    tmp_path: Path, amira: StaffKey, passphrase: str
) -> None:
    with pytest.raises(UsageError):
        write_key_file(tmp_path / "k", amira, passphrase, cost=CHEAP)


def test_two_files_of_the_same_keys_have_nothing_secret_in_common(tmp_path: Path, amira: StaffKey) -> None:
    for name in ("one", "two"):
        write_key_file(tmp_path / name, amira, PASSPHRASE, cost=CHEAP, portable=True)
    one, two = ((tmp_path / name).read_text().splitlines() for name in ("one", "two"))
    assert [a == b for a, b in zip(one, two, strict=True)] == [True] * 4 + [False] * 4


def test_the_full_cost_is_the_one_of_the_limits() -> None:
    assert (FULL.kib, FULL.passes, FULL.lanes) == (256 * 1024, 3, 4)
    with pytest.raises(UsageError):
        Cost(kib=8, passes=1, lanes=2)


def test_a_generated_passphrase_has_seven_words() -> None:
    words = set(word_list("english").words)
    phrases = {generate_passphrase() for _ in range(50)}
    assert len(phrases) == 50
    assert all(len(phrase.split()) == 7 and set(phrase.split()) <= words for phrase in phrases)


def test_no_secret_is_in_a_repr(amira: StaffKey, lena: StaffKey) -> None:
    assert lena.admin is not None
    shown = f"{amira!r} {lena!r} {amira.signing!r} {lena.admin!r} {amira.identities!r}"
    hidden = [
        amira.identities[0].seed,
        amira.signing.seed,
        amira.totp,
        lena.admin.mldsa65_seed,
        lena.admin.ed25519.seed,
    ]
    for secret in hidden:
        assert secret.hex() not in shown
        assert repr(secret)[2:-1] not in shown


def test_the_public_entry_is_that_of_the_newest_key(amira: StaffKey, lena: StaffKey) -> None:
    rotated = dataclasses.replace(amira, identities=(HybridIdentity.generate(), *amira.identities))
    entry = rotated.public_entry(KeyState.ACTIVE)
    assert entry.key_id == rotated.identities[0].key_id
    assert entry.signing == amira.signing.public
    assert lena.public_entry().recipient is None


@pytest.mark.parametrize(
    ("handle", "role"),
    [("Amira", Role.EDITOR), ("", Role.EDITOR), ("../x", Role.EDITOR), ("admin", Role.EDITOR), ("x", Role.RECOVERY)],
)
def test_a_bad_handle_or_role_makes_no_key(handle: str, role: Role) -> None:
    with pytest.raises(UsageError):
        StaffKey.generate(handle, role)


def test_an_editor_with_the_admins_key_or_without_an_own_one_does_not_exist(amira: StaffKey, lena: StaffKey) -> None:
    with pytest.raises(UsageError):
        dataclasses.replace(amira, admin=lena.admin)
    with pytest.raises(UsageError):
        dataclasses.replace(amira, identities=())
    with pytest.raises(UsageError):
        dataclasses.replace(lena, identities=amira.identities)
    with pytest.raises(UsageError):
        dataclasses.replace(amira, totp=b"short")
    with pytest.raises(UsageError):
        dataclasses.replace(amira, identities=amira.identities * 17)


@pytest.mark.parametrize(
    "case", json.loads((VECTORS / "keyfiles.json").read_text(encoding="utf-8")), ids=lambda c: c["name"]
)
def test_vectors(tmp_path: Path, case: Mapping[str, Any]) -> None:
    """Made by tests/vectors/keyfile/make.py, which shares no code with the package; one failure each."""
    file = put(tmp_path / "k", case["file"].encode("latin-1"))
    if case["expect"] == "opens":
        staff = unlock(file, case["passphrase"])
        assert [identity.seed.hex() for identity in staff.identities] == case["identities"]
        assert staff.signing.seed.hex() == case["signing"]
        assert staff.totp.hex() == case["totp"]
        typed = case.get("recovery_codes", [])
        assert len(staff.recovery_codes) == len(typed)
        assert all(recovery_codes.find(staff.recovery_codes, code) for code in typed)
        return
    with pytest.raises({"refused": UnlockRefused, "damaged": KeyFileDamaged}[case["expect"]]):
        unlock(file, case["passphrase"])
