"""A person's key is replaced without a moment in which a letter is readable by nobody, and only by their own hand."""

from __future__ import annotations

import base64
import dataclasses
from pathlib import Path
from unittest import mock

import pytest
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldreport.errors import KeyFileDamaged, SealError, UnlockRefused, UsageError
from fieldreport.seal.roster import Entry, KeyState, Role
from fieldreport.unseal import key_file, machine_secret, roster_changes, secret_file
from fieldreport.unseal.key_file import StaffKey, unlock
from fieldreport.unseal.rotation import (
    KeyRequest,
    begin_rotation,
    remove_old_identity,
    verify_request,
    with_new_identity,
)
from tests.cast import CHEAP
from tests.unseal.conftest import PASSPHRASE


@pytest.fixture
def entry(amira: StaffKey) -> Entry:
    return amira.public_entry()


def keys_in(path: Path) -> list[str]:
    return [identity.key_id for identity in unlock(path, PASSPHRASE).identities]


def test_the_whole_way(path: Path, entry: Entry) -> None:
    request = begin_rotation(path, PASSPHRASE, entry=entry)[1].encode()
    approved = verify_request(request, entry)
    after = roster_changes.with_rotated([entry], approved)
    assert {item.key_id: item.state for item in after} == {
        entry.key_id: KeyState.DECRYPT_ONLY,
        approved.key_id: KeyState.ACTIVE,
    }
    assert keys_in(path) == [approved.key_id, entry.key_id]
    assert approved.signing == entry.signing
    remove_old_identity(path, PASSPHRASE, entry.key_id, entry=approved)
    assert keys_in(path) == [approved.key_id]


def test_the_new_key_is_on_disk_before_the_request_exists(path: Path, entry: Entry) -> None:
    with mock.patch.object(KeyRequest, "sign", side_effect=KeyboardInterrupt), pytest.raises(KeyboardInterrupt):
        begin_rotation(path, PASSPHRASE, entry=entry)
    waiting = keys_in(path)
    assert waiting[1:] == [entry.key_id]
    assert begin_rotation(path, PASSPHRASE, entry=entry)[1].recipient.key_id == waiting[0]


def test_asking_twice_makes_one_key_and_one_request(path: Path, entry: Entry) -> None:
    _, first = begin_rotation(path, PASSPHRASE, entry=entry)
    assert begin_rotation(path, PASSPHRASE, entry=entry)[1] == first
    assert keys_in(path) == [first.recipient.key_id, entry.key_id]


def test_a_crash_while_the_key_file_is_written_leaves_the_old_keys(path: Path, entry: Entry) -> None:
    with mock.patch.object(secret_file, "replace", side_effect=KeyboardInterrupt), pytest.raises(KeyboardInterrupt):
        begin_rotation(path, PASSPHRASE, entry=entry)
    assert keys_in(path) == [entry.key_id]


def test_a_wrong_passphrase_rotates_nothing(path: Path, entry: Entry) -> None:
    with pytest.raises(UnlockRefused):
        begin_rotation(path, "wrong", entry=entry)
    assert keys_in(path) == [entry.key_id]


def test_the_key_file_keeps_its_cost(path: Path, entry: Entry) -> None:
    begin_rotation(path, PASSPHRASE, entry=entry)
    with mock.patch.object(key_file, "Argon2id", wraps=Argon2id) as argon2id:
        key_file.unlock(path, PASSPHRASE)
    assert argon2id.call_args.kwargs["memory_cost"] == CHEAP.kib


def test_only_the_file_of_the_rosters_entry_is_rotated(path: Path) -> None:
    for other in (StaffKey.generate("jonas", Role.EDITOR), StaffKey.generate("amira", Role.EDITOR)):
        with pytest.raises(UsageError):
            begin_rotation(path, PASSPHRASE, entry=other.public_entry())


def test_a_file_restored_from_before_the_last_rotation_is_not_rotated(path: Path, entry: Entry) -> None:
    place = machine_secret.directory(path.parent)
    before, secrets = path.read_bytes(), {secret: secret.read_bytes() for secret in place.iterdir()}
    approved = verify_request(begin_rotation(path, PASSPHRASE, entry=entry)[1].encode(), entry)
    path.write_bytes(before)
    with pytest.raises(KeyFileDamaged, match="which is not in"):
        begin_rotation(path, PASSPHRASE, entry=approved)
    for secret, content in secrets.items():  # a copy that was kept apart
        secret.write_bytes(content)
        secret.chmod(0o600)
    with pytest.raises(UsageError):
        begin_rotation(path, PASSPHRASE, entry=approved)


def test_the_keys_in_use_cannot_be_destroyed(path: Path, entry: Entry) -> None:
    with pytest.raises(UsageError):
        remove_old_identity(path, PASSPHRASE, entry.key_id, entry=entry)
    _, request = begin_rotation(path, PASSPHRASE, entry=entry)
    for key in (entry.key_id, request.recipient.key_id):  # the active one, and the one that waits for approval
        with pytest.raises(UsageError):
            remove_old_identity(path, PASSPHRASE, key, entry=entry)
    assert len(keys_in(path)) == 2


def test_nothing_is_destroyed_in_a_file_without_the_active_key(path: Path, entry: Entry) -> None:
    stranger = StaffKey.generate("amira", Role.EDITOR).public_entry()
    with pytest.raises(UsageError):
        remove_old_identity(path, PASSPHRASE, entry.key_id, entry=stranger)


def test_destroying_a_key_twice_changes_nothing(path: Path, entry: Entry) -> None:
    approved = verify_request(begin_rotation(path, PASSPHRASE, entry=entry)[1].encode(), entry)
    remove_old_identity(path, PASSPHRASE, entry.key_id, entry=approved)
    content = path.read_bytes()
    remove_old_identity(path, PASSPHRASE, entry.key_id, entry=approved)
    assert path.read_bytes() == content


def test_nobody_else_can_ask_for_a_persons_key(amira: StaffKey, entry: Entry) -> None:
    stranger = StaffKey.generate("amira", Role.EDITOR)
    forged = KeyRequest.sign(stranger, replaces=entry.key_id)
    with pytest.raises(SealError) as refused:
        verify_request(forged.encode(), entry)
    assert refused.value.code == "signature"


def test_an_old_request_does_not_count_again(path: Path, entry: Entry) -> None:
    first = begin_rotation(path, PASSPHRASE, entry=entry)[1].encode()
    approved = verify_request(first, entry)
    with pytest.raises(SealError) as refused:
        verify_request(first, approved)
    assert refused.value.code == "key-request"


def test_a_request_for_the_key_that_is_there_is_refused(amira: StaffKey, entry: Entry) -> None:
    with pytest.raises(SealError):
        verify_request(KeyRequest.sign(amira, replaces=entry.key_id).encode(), entry)


def test_a_request_for_somebody_elses_entry_is_refused(path: Path, entry: Entry) -> None:
    request = begin_rotation(path, PASSPHRASE, entry=entry)[1].encode()
    jonas = StaffKey.generate("jonas", Role.EDITOR).public_entry()
    for other in (jonas, dataclasses.replace(entry, state=KeyState.REVOKED)):
        with pytest.raises(SealError):
            verify_request(request, other)


def test_an_admin_has_nothing_to_rotate(lena: StaffKey) -> None:
    with pytest.raises(UsageError):
        with_new_identity(lena, replaces=lena.public_entry().key_id)
    with pytest.raises(SealError):
        verify_request("x", lena.public_entry())


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_any_changed_character_of_a_request_is_refused(data: st.DataObject) -> None:
    request = _REQUEST.encode()
    place = data.draw(st.integers(0, len(request) - 1))
    letter = data.draw(st.characters(codec="ascii").filter(lambda c: c != request[place]))
    with pytest.raises(SealError):
        verify_request(request[:place] + letter + request[place + 1 :], _ENTRY)


@settings(max_examples=80, deadline=None)
@given(st.text(max_size=300))
def test_arbitrary_text_is_no_request(text: str) -> None:
    with pytest.raises(SealError):
        KeyRequest.parse(text)


def test_a_signature_with_stray_bits_is_no_request() -> None:
    text = _REQUEST.encode()
    signature = base64.b64encode(_REQUEST.signature).decode()
    last = signature[-3]
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    stray = alphabet[alphabet.index(last) ^ 1]
    with pytest.raises(SealError):
        KeyRequest.parse(text.replace(signature, f"{signature[:-3]}{stray}=="))


_OLD, _NEW = StaffKey.generate("amira", Role.EDITOR), StaffKey.generate("amira", Role.EDITOR)
_ENTRY = _OLD.public_entry()
_REQUEST = KeyRequest.sign(
    dataclasses.replace(_OLD, identities=(*_NEW.identities, *_OLD.identities)), replaces=_ENTRY.key_id
)
