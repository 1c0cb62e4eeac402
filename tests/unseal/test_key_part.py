"""The part of a key file that only a bound passkey or a recovery code opens."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final
from unittest import mock

import pytest
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from fieldreport import limits
from fieldreport.errors import Conflict, KeyFileDamaged, UnlockRefused, UsageError
from fieldreport.unseal import key_file, key_part, passkey, recovery_codes
from fieldreport.unseal.key_file import StaffKey, change_key_file, unlock, write_key_file
from fieldreport.unseal.key_part import Opener
from fieldreport.unseal.passkey import Passkey
from tests.authenticator import Authenticator, b64url
from tests.cast import CHEAP
from tests.unseal.conftest import PASSPHRASE
from tests.unseal.test_key_file import put

VECTORS: Final = Path(__file__).parents[1] / "vectors" / "keyfile" / "parts.json"
CODES: Final = recovery_codes.generate(long=True)


def passkey_of(authenticator: Authenticator, name: str = "blue key") -> Passkey:
    return Passkey(
        name=name, credential=authenticator.credential, public=authenticator.public, host="desk.example", prf=True
    )


@pytest.fixture
def opener() -> Opener:
    return Opener.of_passkey(os.urandom(32), os.urandom(32))


@pytest.fixture
def bound(amira: StaffKey) -> tuple[StaffKey, Opener]:
    """Her keys, bound to one passkey and ten codes, and what the passkey opens them with."""
    authenticator = Authenticator()
    opener = Opener.of_passkey(authenticator.credential, os.urandom(32))
    return dataclasses.replace(amira, passkeys=(passkey_of(authenticator),)).bound_to(opener, CODES), opener


@pytest.fixture
def path(tmp_path: Path, bound: tuple[StaffKey, Opener]) -> Path:
    (tmp_path / "keyfiles").mkdir()
    file = tmp_path / "keyfiles" / "amira.key"
    write_key_file(file, bound[0], PASSPHRASE, cost=CHEAP)
    return file


@pytest.mark.parametrize("case", json.loads(VECTORS.read_text(encoding="utf-8")), ids=lambda case: case["name"])
def test_vectors(tmp_path: Path, case: Mapping[str, Any]) -> None:
    """Made by tests/vectors/keyfile/make.py, which shares no code with the package; one failure each."""
    file, by = put(tmp_path / "k", case["file"].encode("latin-1")), case["opener"]
    opener = (
        Opener.of_code(by["code"])
        if "code" in by
        else Opener.of_passkey(bytes.fromhex(by["credential"]), bytes.fromhex(by["output"]))
    )
    if case["expect"] == "opens":
        staff = unlock(file, case["passphrase"], opener=opener)
        assert staff.signing.seed.hex() == case["signing"]
        assert len(staff.holders) == 2
        return
    with pytest.raises({"refused": UnlockRefused, "damaged": KeyFileDamaged}[case["expect"]]):
        unlock(file, case["passphrase"], opener=opener)


def test_the_authenticator_of_these_tests_evaluates_as_the_specification_says() -> None:
    """The values of WebAuthn Level 3, section 16.17.1: CredRandom and the first input, each from one seed."""
    seed = b"WebAuthn PRF test vectors"
    authenticator = Authenticator(random=hashlib.sha256(seed + b"\x06").digest())
    assert authenticator.random.hex() == "437e065e723a98b2f08f39d8baf7c53ecb3c363c5e5104bdaaf5d5ca2e028154"
    output = authenticator.evaluate(b64url(seed + b"\x02"))
    assert output.hex() == "3c33e07d202c3b029cc21f1722767021bf27d595933b3d2b6a1b9d5dddc77fae"
    assert Opener.of_passkey(b"id", output).identity == Opener.of_passkey(b"another id", output).identity
    with pytest.raises(UsageError):
        Opener.of_passkey(b"id", output[1:])


def test_the_input_is_one_for_a_newsroom() -> None:
    assert key_part.prf_input(b"instance") == hashlib.sha256(b"fieldreport/v1/passkey/prf\ninstance").digest()


@pytest.mark.parametrize(
    "answer",
    ["", "x", "[]", "{}", '{"id":"","data":"","client":"","signature":"","prf":"*"}'],
)
def test_an_answer_without_an_output_opens_nothing(answer: str) -> None:
    assert passkey.opener(answer) is None


def test_an_answer_with_an_output_opens_with_it() -> None:
    authenticator = Authenticator(random=os.urandom(32))
    asked = {"host": "desk.example", "challenge": b64url(bytes(32)), "prf": b64url(b"input")}
    page = passkey.Page(origin="https://desk.example", host="desk.example", challenge=bytes(32))
    assert passkey.made(authenticator.make(asked, page.origin), page, name="blue").prf
    answer = authenticator.use(asked, page.origin)
    expected = Opener.of_passkey(authenticator.credential, authenticator.evaluate(asked["prf"]))
    assert passkey.opener(answer) == expected
    assert passkey.used([passkey_of(authenticator)], answer, page)[1] == 1
    without = json.dumps({name: text for name, text in json.loads(answer).items() if name != "prf"})
    assert passkey.opener(without) is None
    assert not passkey.made(Authenticator().make(asked, page.origin), page, name="blue").prf


def test_each_holder_opens_it_and_nobody_else(path: Path, bound: tuple[StaffKey, Opener], opener: Opener) -> None:
    staff, own = bound
    for each in (own, *(Opener.of_code(code) for code in CODES)):
        assert unlock(path, PASSPHRASE, opener=each) == staff
        with pytest.raises(UnlockRefused):
            unlock(path, "another", opener=each)
    wrong = [
        opener,
        Opener(name=own.name, identity=opener.identity),
        Opener(name=opener.name, identity=own.identity),
        Opener.of_code(""),
        Opener.of_code("123456"),
    ]
    for each in wrong:
        with pytest.raises(UnlockRefused) as refused:
            unlock(path, PASSPHRASE, opener=each)
        assert refused.value.detail == "Handle, passphrase or code did not match."


def test_unlocking_is_exactly_one_argon2id_whatever_was_wrong(
    path: Path, bound: tuple[StaffKey, Opener], opener: Opener
) -> None:
    tries: list[tuple[str, Opener]] = [("wrong", bound[1]), (PASSPHRASE, opener), ("wrong", opener)]
    with mock.patch.object(key_file, "Argon2id", wraps=Argon2id) as argon2id:
        unlock(path, PASSPHRASE, opener=bound[1])
        for passphrase, each in tries:
            with pytest.raises(UnlockRefused):
                unlock(path, passphrase, opener=each)
        assert [call.kwargs["memory_cost"] for call in argon2id.call_args_list] == [CHEAP.kib] * 4


def test_without_an_opener_it_says_how_and_does_no_work(path: Path) -> None:
    with mock.patch.object(key_file, "Argon2id", side_effect=AssertionError), pytest.raises(UsageError) as refused:
        unlock(path, PASSPHRASE)
    assert refused.value.code == "key-file-bound"
    assert key_file.needs_part(path)


def test_another_file_takes_no_notice_of_an_opener(tmp_path: Path, amira: StaffKey, opener: Opener) -> None:
    write_key_file(tmp_path / "k", amira, PASSPHRASE, cost=CHEAP, portable=True)
    assert unlock(tmp_path / "k", PASSPHRASE, opener=opener) == amira
    assert not key_file.needs_part(tmp_path / "k")


def test_each_writing_has_a_new_part_and_a_session_goes_on_with_it(path: Path, bound: tuple[StaffKey, Opener]) -> None:
    first = unlock(path, PASSPHRASE, opener=bound[1])
    second = change_key_file(
        path, PASSPHRASE, lambda staff: staff.without_code(staff.recovery_codes[0]), opener=first.part
    )
    assert first.part is not None
    assert second.part is not None
    assert first.part.value != second.part.value
    assert unlock(path, PASSPHRASE, opener=second.part) == second
    assert len(second.holders) == len(first.holders) - 1
    with pytest.raises(Conflict) as refused:
        unlock(path, PASSPHRASE, opener=first.part)
    assert refused.value.code == "key-file-rewritten"
    assert "written elsewhere" in refused.value.text
    unchanged = change_key_file(path, PASSPHRASE, lambda staff: staff, opener=second.part)
    assert unchanged.part == second.part


def test_another_passphrase_keeps_the_holders(path: Path, bound: tuple[StaffKey, Opener]) -> None:
    change_key_file(path, PASSPHRASE, lambda staff: staff, opener=bound[1], new_passphrase="another one")
    assert unlock(path, "another one", opener=bound[1]) == bound[0]
    with pytest.raises(UnlockRefused):
        unlock(path, PASSPHRASE, opener=bound[1])


def test_what_was_removed_opens_no_newer_file_and_an_old_copy_does_not_help(
    path: Path, bound: tuple[StaffKey, Opener]
) -> None:
    """Not even all that an old copy holds: of the others it has public keys only."""
    authenticator = Authenticator()
    second = Opener.of_passkey(authenticator.credential, os.urandom(32))

    def add(staff: StaffKey) -> StaffKey:
        return dataclasses.replace(staff, passkeys=(*staff.passkeys, passkey_of(authenticator, "second")))

    now = change_key_file(path, PASSPHRASE, add, opener=bound[1])
    now = change_key_file(path, PASSPHRASE, lambda staff: staff.bound_to(second), opener=now.part)
    old = unlock(path, PASSPHRASE, opener=bound[1])
    now = change_key_file(path, PASSPHRASE, lambda staff: staff.without_passkey(bound[1].name), opener=now.part)
    assert unlock(path, PASSPHRASE, opener=second) == now
    with pytest.raises(UnlockRefused):
        unlock(path, PASSPHRASE, opener=bound[1])
    assert old.part is not None
    with pytest.raises(UnlockRefused):
        unlock(path, PASSPHRASE, opener=key_part.Part(value=old.part.value, salt=now.part.salt if now.part else b""))


def test_with_the_last_passkey_it_is_bound_no_more_and_the_codes_stay(bound: tuple[StaffKey, Opener]) -> None:
    staff = bound[0].without_passkey(bound[1].name)
    assert (staff.holders, len(staff.recovery_codes)) == ((), len(CODES))
    assert not staff.is_bound_to_passkeys


_IMPOSSIBLE: Final[dict[str, Callable[[StaffKey], StaffKey]]] = {
    "a holder that is no factor": lambda s: dataclasses.replace(
        s, holders=tuple(sorted((*s.holders, Opener.of_code("x").holder), key=lambda h: h.name))
    ),
    "the passkey taken out alone": lambda s: dataclasses.replace(s, passkeys=()),
    "a code taken out alone": lambda s: dataclasses.replace(s, recovery_codes=s.recovery_codes[1:]),
    "codes alone": lambda s: dataclasses.replace(
        s, passkeys=(), holders=tuple(h for h in s.holders if h.name != s.passkeys[0].id)
    ),
    "codes that hold nothing": lambda s: dataclasses.replace(
        s, holders=tuple(h for h in s.holders if h.name == s.passkeys[0].id)
    ),
    "holders in another order": lambda s: dataclasses.replace(s, holders=s.holders[::-1]),
    "a passkey without prf": lambda s: dataclasses.replace(
        s, passkeys=(dataclasses.replace(s.passkeys[0], prf=False),)
    ),
}


@pytest.mark.parametrize("name", _IMPOSSIBLE)
def test_holders_are_passkeys_and_all_codes_and_nobody_else(bound: tuple[StaffKey, Opener], name: str) -> None:
    with pytest.raises(UsageError):
        _IMPOSSIBLE[name](bound[0])


def test_short_codes_cannot_stay_when_it_is_bound(amira: StaffKey) -> None:
    authenticator = Authenticator()
    opener = Opener.of_passkey(authenticator.credential, os.urandom(32))
    before = dataclasses.replace(amira, passkeys=(passkey_of(authenticator),)).with_codes(recovery_codes.generate())
    with pytest.raises(UsageError):
        before.bound_to(opener)
    with pytest.raises(UsageError):
        amira.bound_to(opener, CODES)
    assert before.bound_to(opener, CODES).unbound().recovery_codes == recovery_codes.digests(CODES)


def test_the_largest_file_is_within_its_bound(tmp_path: Path, amira: StaffKey) -> None:
    names = [f"{number}{'키' * (limits.PASSKEY_NAME_CHARACTERS - 1)}" for number in range(limits.PASSKEYS)]
    keys = [Authenticator(credential=os.urandom(limits.PASSKEY_ID_BYTES)) for _ in names]
    staff = dataclasses.replace(
        amira,
        identities=tuple(type(amira.identities[0]).generate() for _ in range(limits.KEYFILE_IDENTITIES)),
        passkeys=tuple(passkey_of(each, name) for each, name in zip(keys, names, strict=True)),
    )
    openers = [Opener.of_passkey(each.credential, os.urandom(32)) for each in keys]
    staff = staff.bound_to(openers[0], CODES)
    for each in openers[1:]:
        staff = staff.bound_to(each)
    (tmp_path / "keyfiles").mkdir()
    path = tmp_path / "keyfiles" / "amira.key"
    write_key_file(path, staff, PASSPHRASE, cost=CHEAP)
    # Keys of RSA would add 500 bytes for each passkey, twice in base64 and in hexadecimal digits before.
    assert path.stat().st_size + limits.PASSKEYS * 500 * 4 < limits.KEYFILE_BYTES
    assert unlock(path, PASSPHRASE, opener=openers[-1]) == staff


def test_nothing_of_it_is_in_a_repr(path: Path, bound: tuple[StaffKey, Opener]) -> None:
    staff = unlock(path, PASSPHRASE, opener=bound[1])
    assert staff.part is not None
    shown = f"{staff!r} {staff.part!r} {bound[1]!r} {staff.holders!r} {Opener.of_code(CODES[0])!r}"
    for secret in (staff.part.value, bound[1].identity.seed, Opener.of_code(CODES[0]).identity.seed):
        assert secret.hex() not in shown
        assert repr(secret)[2:-1] not in shown
