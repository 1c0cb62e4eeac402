"""A key file on the desk needs a secret of its machine, which every writing replaces, and is never without it."""

from __future__ import annotations

import json
import os
import shutil
import stat
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType
from typing import Any, Final
from unittest import mock

import pytest

from fieldreport.errors import KeyFileDamaged, UnlockRefused, UsageError
from fieldreport.seal.roster import Role
from fieldreport.unseal import key_file, machine_secret
from fieldreport.unseal.key_file import (
    StaffKey,
    bind,
    change_key_file,
    import_key_file,
    is_bound,
    unlock,
    write_key_file,
)
from fieldreport.unseal.rotation import with_new_identity
from tests.cast import CHEAP, without_old_keys
from tests.unseal.conftest import PASSPHRASE

ANOTHER: Final = "another seven words that nobody has ever seen"
VECTORS: Final = Path(__file__).parent.parent / "vectors" / "keyfile" / "bound.json"


def secrets_of(path: Path) -> list[Path]:
    return sorted(machine_secret.directory(path.parent).iterdir())


def refused(path: Path) -> str:
    """The code with which a key file is refused under the right passphrase, before any work is done."""
    with mock.patch.object(key_file, "Argon2id", side_effect=AssertionError), pytest.raises(KeyFileDamaged) as error:
        unlock(path, PASSPHRASE)
    return error.value.code


def rotated(staff: StaffKey) -> StaffKey:
    return with_new_identity(staff, replaces=staff.identities[0].key_id)


def test_a_copy_from_before_a_rotation_opens_nothing_with_the_unchanged_passphrase(path: Path) -> None:
    before = path.read_bytes()
    change_key_file(path, PASSPHRASE, rotated)
    during = path.read_bytes()
    change_key_file(path, PASSPHRASE, without_old_keys)
    for copy in (before, during):
        path.write_bytes(copy)
        assert refused(path) == "key-file-secret"
        # Nor with the secret that the machine has now, under the name that the copy asks for.
        (now,) = secrets_of(path)
        asked = path.parent / "copy.key"
        named = now.with_name(f"amira.{copy.splitlines()[2].split()[1].decode()}")
        shutil.copy(now, named)
        asked.write_bytes(copy)
        asked.chmod(0o600)
        assert refused(asked) == "key-file-damaged"
        named.unlink()


def test_a_copy_opens_with_the_secret_of_its_time_that_was_kept_apart(
    path: Path, amira: StaffKey, tmp_path: Path
) -> None:
    restored = tmp_path / "restored" / "keyfiles"
    restored.mkdir(parents=True)
    shutil.copy(path, restored)
    shutil.copytree(machine_secret.directory(path.parent), machine_secret.directory(restored))
    change_key_file(path, PASSPHRASE, rotated)
    assert unlock(restored / path.name, PASSPHRASE) == amira


def test_there_is_one_secret_a_key_file_for_its_owner_only(path: Path, amira: StaffKey, lena: StaffKey) -> None:
    write_key_file(path.with_name("lena.key"), lena, PASSPHRASE, cost=CHEAP)
    seen = []
    for _ in range(3):
        write_key_file(path, amira, PASSPHRASE, cost=CHEAP)
        assert [secret.name.split(".")[0] for secret in secrets_of(path)] == ["amira", "lena"]
        seen.append(secrets_of(path)[0].read_bytes())
    assert {len(secret) for secret in seen} == {32}
    assert len(set(seen)) == 3
    assert [stat.S_IMODE(secret.stat().st_mode) for secret in secrets_of(path)] == [0o600, 0o600]
    assert stat.S_IMODE(machine_secret.directory(path.parent).stat().st_mode) == 0o700
    assert unlock(path.with_name("lena.key"), PASSPHRASE) == lena


def test_a_secret_that_is_replaced_is_overwritten(path: Path) -> None:
    (place,) = secrets_of(path)
    with place.open("rb") as old:
        change_key_file(path, PASSPHRASE, rotated)
        assert not place.exists()
        assert old.read() == bytes(32)


STEPS: Final = frozenset({"mkdir", "open", "fchmod", "fsync", "replace", "pwrite", "unlink"})


def killed_at(step: int, act: Callable[[], object]) -> bool:
    """Run ``act`` in a fork that dies before its ``step``-th change of the disk; whether it came so far."""
    child = os.fork()
    if not child:
        count = 0

        def profile(_frame: FrameType, event: str, function: Any) -> None:
            nonlocal count
            if event == "c_call" and getattr(function, "__module__", "") == "posix" and function.__name__ in STEPS:
                count += 1
                if count == step:
                    os._exit(9)

        sys.setprofile(profile)
        try:
            act()
        finally:
            sys.setprofile(None)
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) == 9


def opens(path: Path, passphrase: str) -> bool:
    try:
        return bool(unlock(path, passphrase))
    except UnlockRefused:
        return False


@pytest.mark.parametrize("act", ["change", "bind", "passphrase"])
def test_a_crash_anywhere_leaves_a_key_file_that_opens(tmp_path: Path, amira: StaffKey, act: str) -> None:
    path = tmp_path / "keyfiles" / "amira.key"
    acts: dict[str, Callable[[], object]] = {
        "change": lambda: change_key_file(path, PASSPHRASE, rotated),
        "bind": lambda: bind(path),
        "passphrase": lambda: change_key_file(path, PASSPHRASE, lambda staff: staff, new_passphrase=ANOTHER),
    }
    steps, killed, passphrase = 0, True, PASSPHRASE
    while killed:
        for place in (path.parent, machine_secret.directory(path.parent)):
            shutil.rmtree(place, ignore_errors=True)
        path.parent.mkdir()
        write_key_file(path, amira, PASSPHRASE, cost=CHEAP, portable=act == "bind")
        killed = killed_at(steps + 1, acts[act])
        steps += killed
        (passphrase,) = (each for each in (PASSPHRASE, ANOTHER) if opens(path, each))
        assert unlock(path, passphrase).signing == amira.signing
        # The next step of a rotation clears away what is left, also where nothing is to change any more.
        change_key_file(path, passphrase, lambda staff: staff)
        assert is_bound(path)
        assert machine_secret.unused(path.parent) == ()
        assert len(secrets_of(path)) == 1
    assert passphrase == (ANOTHER if act == "passphrase" else PASSPHRASE)
    assert steps >= {"change": 17, "bind": 12, "passphrase": 17}[act], (
        "a new secret, the new file, the old file, the old secret"
    )


def test_each_step_is_durable_before_the_next(path: Path) -> None:
    """What a power cut may leave: the secret without the key file, both secrets, never the key file without its own."""
    steps: list[str] = []
    place, fsync, rename, unlink = machine_secret.directory(path.parent), os.fsync, Path.replace, Path.unlink

    def synced(descriptor: int) -> None:
        name = Path(f"/proc/self/fd/{descriptor}").readlink()
        steps.append(f"sync {'secret' if name.parent == place else name.name}")
        fsync(descriptor)

    def renamed(old: Path, new: Path) -> Path:
        steps.append("rename")
        return rename(old, new)

    def unlinked(old: Path) -> None:
        steps.append("unlink")
        unlink(old)

    with (
        mock.patch.object(os, "fsync", synced),
        mock.patch.object(Path, "replace", renamed),
        mock.patch.object(Path, "unlink", unlinked),
    ):
        change_key_file(path, PASSPHRASE, rotated)
    keyfiles = path.parent.name
    assert steps == [
        *("sync secret", f"sync {place.name}"),
        *("sync .amira.key.new", "rename", f"sync {keyfiles}", "sync amira.key (deleted)"),
        *("sync secret", "unlink", f"sync {place.name}"),
    ]


def test_who_unlocks_while_it_is_written_gets_in(path: Path, amira: StaffKey) -> None:
    def write() -> None:
        for _ in range(60):
            write_key_file(path, amira, PASSPHRASE, cost=CHEAP)

    with ThreadPoolExecutor(3) as pool:
        written = pool.submit(write)
        opened = [pool.submit(lambda: [unlock(path, PASSPHRASE) for _ in range(60)]) for _ in range(2)]
        written.result()
        assert all(staff == amira for each in opened for staff in each.result())


def test_a_portable_file_is_bound_without_its_passphrase(portable: Path, amira: StaffKey) -> None:
    content = portable.read_bytes()
    assert not is_bound(portable)
    for _ in range(2):
        with mock.patch.object(key_file, "Argon2id", side_effect=AssertionError):
            bind(portable)
        assert is_bound(portable)
        assert len(secrets_of(portable)) == 1
    assert unlock(portable, PASSPHRASE) == amira
    assert content not in portable.read_bytes()
    assert portable.read_bytes().startswith(b"fieldreport key file v2\nhandle amira\nsecret ")
    secrets_of(portable)[0].unlink()
    assert refused(portable) == "key-file-secret"


def test_what_was_brought_on_a_card_is_bound_at_once(portable: Path, tmp_path: Path, amira: StaffKey) -> None:
    path = tmp_path / "desk" / "amira.key"
    path.parent.mkdir()
    for _ in range(2):
        import_key_file(portable, path, handle="amira")
        assert is_bound(path)
        assert unlock(path, PASSPHRASE) == amira
    with pytest.raises(KeyFileDamaged, match="a secret of another machine"):
        import_key_file(path, tmp_path / "other.key", handle="amira")
    write_key_file(portable, amira, PASSPHRASE, cost=CHEAP, portable=True)
    with pytest.raises(UsageError, match="there is another"):
        import_key_file(portable, path, handle="amira")


def test_a_rotation_binds_what_was_copied_there_by_hand(portable: Path) -> None:
    change_key_file(portable, PASSPHRASE, lambda staff: staff)
    assert is_bound(portable)


@pytest.mark.parametrize("mode", [0o640, 0o604])
def test_a_secret_that_others_may_read_is_refused(path: Path, mode: int) -> None:
    secrets_of(path)[0].chmod(mode)
    assert refused(path) == "key-file-mode"


@pytest.mark.parametrize("length", [0, 31, 32, 33])
def test_another_secret_is_refused(path: Path, length: int) -> None:
    secrets_of(path)[0].write_bytes(bytes(length))
    assert refused(path) == "key-file-damaged"


def test_secrets_that_nothing_needs_are_named(path: Path) -> None:
    place = machine_secret.directory(path.parent)
    assert machine_secret.unused(path.parent) == ()
    shutil.copy(secrets_of(path)[0], place / "amira.0000000000000000")
    (place / "jonas.0000000000000000").write_bytes(bytes(32))
    (place / "lost+found").mkdir()  # of a file system of its own
    assert machine_secret.unused(path.parent) == ("amira.0000000000000000", "jonas.0000000000000000")
    path.write_bytes(b"damaged")
    assert len(machine_secret.unused(path.parent)) == 3


def test_unlocking_leaves_no_time_on_the_disk(path: Path) -> None:
    read = [path, *secrets_of(path)]
    for file in read:
        os.utime(file, (0, file.stat().st_mtime))
    unlock(path, PASSPHRASE)
    assert [file.stat().st_atime for file in read] == [0, 0]


def test_an_admin_and_an_editor_of_the_same_directory_have_their_own(tmp_path: Path) -> None:
    """A handle may be the beginning of another."""
    people = [StaffKey.generate("ann", Role.EDITOR), StaffKey.generate("anna", Role.ADMIN)]
    for staff in (*people, people[0]):
        write_key_file(tmp_path / f"{staff.handle}.key", staff, PASSPHRASE, cost=CHEAP)
    assert [unlock(tmp_path / f"{staff.handle}.key", PASSPHRASE) for staff in people] == people


@pytest.mark.parametrize("case", json.loads(VECTORS.read_text(encoding="utf-8")), ids=lambda case: case["name"])
def test_vectors(tmp_path: Path, case: Mapping[str, Any]) -> None:
    """Made by tests/vectors/keyfile/make.py, which shares no code with the package; one failure each."""
    path = tmp_path / "keyfiles" / "k"
    place = machine_secret.directory(path.parent)
    for folder in (path.parent, place):
        folder.mkdir(mode=0o700)
    for name, secret in case["secrets"].items():
        (place / name).write_bytes(bytes.fromhex(secret))
        (place / name).chmod(0o600)
    path.write_bytes(case["file"].encode("latin-1"))
    path.chmod(0o600)
    if case["expect"] == "opens":
        assert unlock(path, case["passphrase"]).signing.seed.hex() == case["signing"]
        return
    if case["expect"] == "refused":
        with pytest.raises(UnlockRefused):
            unlock(path, case["passphrase"])
        return
    assert refused(path) == {"damaged": "key-file-damaged", "missing": "key-file-secret"}[case["expect"]]
