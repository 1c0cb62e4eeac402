"""What a backup opens, and to whom: made, restored and rotated away with the commands."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import pytest
from sqlalchemy import select

from fieldreport.cli import backup as backup_module
from fieldreport.config import Settings
from fieldreport.errors import KeyFileDamaged, NotARecipient, UsageError
from fieldreport.mailbox import mailbox_place, open_mailbox
from fieldreport.seal import HybridIdentity, open_header
from fieldreport.store import copy as store_copy
from fieldreport.unseal import key_file, machine_secret
from fieldreport.vault.archive.tables import SealedObject
from fieldreport.vault.archive.vault import open_vault
from tests.cast import CHEAP, settings_in
from tests.cli.conftest import OBJECTS, House, fill, recover, refused, roles, staff_of
from tests.cli.test_roster_and_doctor import WHOLE, findings
from tests.store.throwaway_postgres import fresh_database
from tests.store.throwaway_s3 import S3Server

HANDBOOK = Path(__file__).parent.parent.parent / "deploy" / "README.md"


def follow(name: str, places: Mapping[str, Path]) -> None:
    """Run a block of the handbook, with other places than the handbook's."""
    found = re.search(
        rf"<!-- {name} -->\n```sh\n(.*?)```\n<!-- end -->", HANDBOOK.read_text(encoding="utf-8"), re.DOTALL
    )
    assert found is not None
    block = found[1]
    for written, place in places.items():
        assert written in block
        block = block.replace(written, str(place))
    subprocess.run(["sh", "-ec", block], check=True, timeout=60)


def back_up(house: House, directory: Path, *options: str) -> Path:
    """Make a backup, and return where it lies."""
    done = house.run("backup", directory, *options)
    assert done.exit_code == 0, done.stderr
    return Path(done.stdout.partition(":")[0])


@dataclass(frozen=True, kw_only=True)
class Backups:
    """A newsroom, a backup of it, and a copy of its secrets that lies apart from that."""

    house: House
    backup: Path
    apart: Path
    shares: Sequence[Path]

    def restore(self, directory: Path, *, apart: bool = False) -> House:
        done = self.house.run("restore", self.backup, directory)
        assert done.exit_code == 0, done.stderr
        if apart:
            subprocess.run(["tar", "-xpf", self.apart / "secrets.tar"], cwd=directory, check=True, timeout=60)
        shutil.copy(self.house.directory / "amira", directory)  # her passphrase, which is in no backup
        return replace(self.house, directory=directory)


@pytest.fixture(scope="module")
def kept(made: House, staffed: House, tmp_path_factory: pytest.TempPathFactory) -> Backups:
    """Made once, of a newsroom that is never changed."""
    base = tmp_path_factory.mktemp("backups")
    shutil.copytree(staffed.directory, base / "newsroom")
    house = replace(staffed, directory=base / "newsroom")
    found = re.search(r"passphrase +(.+)\n", staffed.printed)
    assert found is not None
    (house.directory / "amira").write_text(found[1])
    key_file.write_key_file(house.settings.desk.keyfiles / "amira.key", staff_of(house, "amira"), found[1], cost=CHEAP)
    fill(house, "amira")
    (base / "apart").mkdir()
    backup = back_up(house, base / "backup")
    follow("apart", {"/srv/fieldreport": house.directory, "/media/apart": base / "apart"})
    shares = [base / "first", base / "second"]
    for path, share in zip(shares, made.shares, strict=False):
        path.write_text(share)
    return Backups(house=house, backup=backup, apart=base / "apart", shares=shares)


@pytest.fixture
def backups(kept: Backups, tmp_path: Path) -> Backups:
    """The same, and a copy of the newsroom that goes on."""
    shutil.copytree(kept.house.directory, tmp_path / "newsroom")
    return replace(kept, house=replace(kept.house, directory=tmp_path / "newsroom"))


def rotate(house: House) -> None:
    owner = ("--owner-passphrase-file", str(house.directory / "amira"))
    done = house.as_admin("keys", "rotate", "amira", *owner)
    assert done.exit_code == 0, done.stderr
    assert "the old key is destroyed" in done.stdout


def opened(house: House, identities: Sequence[HybridIdentity]) -> int:
    """How many objects of an archive these keys open."""
    with closing(open_vault(house.settings)) as vault, vault.reading() as session:
        headers = [vault.objects.header(each) for each in session.scalars(select(SealedObject.id))]
    assert len(headers) == OBJECTS
    count = 0
    for header in headers:
        try:
            count += len(open_header(header, identities)) == 16
        except NotARecipient:
            continue
    return count


def test_a_backup_holds_no_secret_of_the_machine(kept: Backups) -> None:
    secrets = [path.read_bytes() for path in machine_secret.directory(kept.house.settings.desk.keyfiles).iterdir()]
    assert len(secrets) == 2
    files = [path for path in kept.backup.parent.rglob("*") if path.is_file()]
    assert len(files) > 10
    for file in files:
        assert file.stat().st_mode & 0o077 == 0
        content = file.read_bytes()
        assert not any(secret in content for secret in secrets)


def test_from_before_a_rotation_the_unchanged_passphrase_opens_nothing(backups: Backups, tmp_path: Path) -> None:
    restored = backups.restore(tmp_path / "restored")
    desk_of_today = machine_secret.directory(backups.house.settings.desk.keyfiles)
    place = machine_secret.directory(restored.settings.desk.keyfiles)
    for rotated in (False, True):
        if rotated:
            rotate(backups.house)
            shutil.copytree(desk_of_today, place)  # anybody who has the backup has taken the desk's disk, too
        with pytest.raises(KeyFileDamaged) as error:
            staff_of(restored, "amira")
        assert error.value.code == "key-file-secret"
    today = staff_of(backups.house, "amira").identities
    assert opened(backups.house, today) == OBJECTS
    assert opened(restored, today) == 0


def test_with_the_secrets_that_were_kept_apart_it_is_the_newsroom_again(backups: Backups, tmp_path: Path) -> None:
    restored = backups.restore(tmp_path / "restored", apart=True)
    assert opened(restored, staff_of(restored, "amira").identities) == OBJECTS
    found = findings(restored, status=WHOLE)
    assert found["key files"] == [("holds", "2, each with its machine secret")]
    assert {verdict for verdict, _ in found["modes"]} == {"holds"}
    rotate(restored)
    assert opened(restored, staff_of(restored, "amira").identities) == OBJECTS


def test_the_recovery_shares_open_it_before_and_after_a_rotation(backups: Backups, tmp_path: Path) -> None:
    rotate(backups.house)
    restored = backups.restore(tmp_path / "restored")
    done = recover(restored, "--rehearse", *backups.shares)
    assert f"{OBJECTS} of {OBJECTS} objects in the vault are sealed to it. One was opened" in done.stdout


def test_without_secrets_the_shares_make_an_admin_who_goes_on(backups: Backups, tmp_path: Path) -> None:
    """The handbook's second way; how the archive is sealed to new editors then, is in test_recover."""
    restored = backups.restore(tmp_path / "restored")
    seen = [seen for verdict, seen in findings(restored, status=69)["key files"] if verdict == "fails"]
    assert [line.split(" needs the secret ")[0] for line in seen] == ["admin.key", "amira.key"]
    assert "admin.key needs the secret" in refused(restored.as_admin("roster", "sign"), 65)
    done = recover(restored, "--new-admin", "lena", *backups.shares)
    assert done.exit_code == 0, done.stderr
    found = re.search(r"passphrase +(.+)\n", done.stdout)
    assert found is not None
    (restored.directory / "lena").write_text(found[1])
    lena = ("--admin", "lena", "--passphrase-file", restored.directory / "lena")
    assert restored.run("staff", "remove", "amira", *lena).exit_code == 0
    assert roles(restored)["lena"] == "admin active"
    for dead in ("admin", "amira"):
        (restored.settings.desk.keyfiles / f"{dead}.key").unlink()
    assert findings(restored, status=69)["key files"] == [("holds", "1, each with its machine secret")]


def test_one_persons_lost_secret_needs_no_shares(backups: Backups, tmp_path: Path) -> None:
    """The third way: the key file was written after the copy of the secrets was made."""
    rotate(backups.house)
    later = replace(backups, backup=back_up(backups.house, tmp_path / "later"))
    restored = later.restore(tmp_path / "restored", apart=True)
    (seen,) = [seen for verdict, seen in findings(restored, status=69)["key files"] if verdict == "fails"]
    assert seen.startswith("amira.key needs the secret amira.")
    assert restored.as_admin("staff", "remove", "amira").exit_code == 0
    assert roles(restored)["amira"] == "editor revoked"


LARGE = bytes(range(256)) * 1000  # more than a row holds


@pytest.fixture
def lettered(staffed_house: House) -> House:
    """A newsroom with two letters in the mailbox, one of them with a payload of its own."""
    with closing(open_mailbox(staffed_house.settings)) as mailbox:
        for number, content in ((1, b"small"), (2, LARGE)):
            assert mailbox.deposit(bytes([number]) * 16, mailbox.highest_epoch(), sealing(content))
    return staffed_house


def sealing(content: bytes) -> Callable[[BinaryIO], bytes]:
    def seal(file: BinaryIO) -> bytes:
        file.write(content)
        return b"header of " + content[:5]

    return seal


def letters(settings: Settings) -> dict[bytes, tuple[bytes, bytes]]:
    """Header and payload of each letter that waits."""
    found = {}
    with closing(open_mailbox(settings)) as mailbox:
        for head in mailbox.waiting(100):
            letter = mailbox.fetch(head.id)
            with letter.payload as payload:
                found[head.id] = (letter.header, payload.read())
    return found


BOTH = {
    b"\1" * 16: (b"header of small", b"small"),
    b"\2" * 16: (b"header of " + LARGE[:5], LARGE),
}


def test_a_backup_is_complete_incremental_and_forgotten_in_time(lettered: House, tmp_path: Path) -> None:
    first = back_up(lettered, tmp_path / "backups")
    assert findings(lettered, status=WHOLE)["backup of the desk"] == [("holds", "the newest is 0 days old")]
    (payload,) = (tmp_path / "backups" / "payloads" / "mailbox").iterdir()
    written = payload.stat().st_ctime_ns
    second = back_up(lettered, tmp_path / "backups")
    assert payload.stat().st_ctime_ns == written
    for backup in (first, second):
        done = lettered.run("restore", "--rehearse", backup)
        assert done.exit_code == 0, done.stderr
        assert "mailbox: 2 letters, each can be read" in done.stdout
    restored = lettered.run("restore", second, tmp_path / "restored")
    assert restored.exit_code == 0, restored.stderr
    assert letters(replace(lettered, directory=tmp_path / "restored").settings) == BOTH
    with closing(open_mailbox(lettered.settings)) as mailbox:
        mailbox.acknowledge([b"\2" * 16])
    third = back_up(lettered, tmp_path / "backups", "--keep", "1")
    assert not payload.exists()
    assert [path.name for path in (tmp_path / "backups").iterdir() if path.name[0].isdigit()] == [third.name]


def test_two_are_not_made_at_once(lettered: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, looked = backup_module._forget, []

    def forget(directory: Path, keep: int) -> None:
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            with pytest.raises(BlockingIOError):
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        finally:
            os.close(descriptor)
        looked.append(directory)
        real(directory, keep)

    monkeypatch.setattr(backup_module, "_forget", forget)
    back_up(lettered, tmp_path / "backups")
    assert looked == [tmp_path / "backups"]


def test_key_files_that_lie_elsewhere_and_are_there_are_not_overwritten(lettered: House, tmp_path: Path) -> None:
    made = back_up(lettered, tmp_path / "backups")
    elsewhere = tmp_path / "keyfiles"
    elsewhere.mkdir(mode=0o700)
    (elsewhere / "amira.key").write_bytes(b"written since")
    with pytest.MonkeyPatch.context() as changed:
        changed.setenv("FIELDREPORT_DESK_KEYFILES", str(elsewhere))
        said = refused(lettered.run("restore", made, tmp_path / "restored"), 64)
    assert f"{elsewhere} is not empty" in said
    assert (elsewhere / "amira.key").read_bytes() == b"written since"


def test_what_is_not_as_it_was_written_is_not_restored(lettered: House, tmp_path: Path) -> None:
    backup = back_up(lettered, tmp_path / "backups")
    (payload,) = (tmp_path / "backups" / "payloads" / "mailbox").iterdir()
    for path in (backup / "vault.db", backup / "mailbox.db.keys", payload):
        content = path.read_bytes()
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        assert "take another backup" in refused(lettered.run("restore", "--rehearse", backup), 74)
        path.write_bytes(content)
    assert lettered.run("restore", "--rehearse", backup).exit_code == 0
    assert "is not empty" in refused(lettered.run("restore", backup, lettered.directory), 64)
    assert "is no backup" in refused(lettered.run("restore", tmp_path / "backups", tmp_path / "new"), 64)


def test_letters_that_are_collected_and_rows_that_are_replaced_meanwhile_are_in_one_copy_at_least(
    lettered: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tidy, times = store_copy._tidy, []

    def collecting(copy: Path, leave_out: Sequence[str]) -> None:
        tidy(copy, leave_out)
        times.append(copy.name)
        if len(times) == 1:  # after the rows of the mailbox were copied, before their keys and payloads
            assert lettered.run("collect").exit_code == 0

    monkeypatch.setattr(store_copy, "_tidy", collecting)
    backup = back_up(lettered, tmp_path / "backups")
    assert times == ["mailbox.db", "mailbox.db", "vault.db"]  # the first one would not have opened
    restored = lettered.run("restore", backup, tmp_path / "restored")
    assert restored.exit_code == 0, restored.stderr
    again = replace(lettered, directory=tmp_path / "restored").settings
    with closing(open_vault(again)) as vault:
        in_vault = {letter for letter in BOTH if vault.objects.header(letter)}
    assert in_vault | set(letters(again)) == set(BOTH)


def test_a_payload_that_cannot_be_read_is_named_and_stops_no_backup(lettered: House, tmp_path: Path) -> None:
    (payload,) = (path for path in (lettered.directory / "intake" / "blobs").glob("[0-9a-f]*"))
    payload.unlink()
    assert payload.name in refused(lettered.run("backup", tmp_path / "backups"), 74)
    (backup,) = (tmp_path / "backups").glob("[0-9]*")
    assert "cannot be read" in refused(lettered.run("restore", "--rehearse", backup), 74)


@pytest.mark.postgres
def test_from_a_server_and_a_bucket_to_files_and_back(s3_server: S3Server, tmp_path: Path) -> None:
    def grown(name: str) -> Settings:
        plain = settings_in(tmp_path / name)
        return replace(plain, intake=replace(plain.intake, mailbox=fresh_database(), blobs=s3_server.bucket()))

    source, files, target = grown("source"), settings_in(tmp_path / "files"), grown("target")
    assert mailbox_place(source).migrate()
    with closing(open_mailbox(source)) as mailbox:
        for number, content in ((1, b"small"), (2, LARGE)):
            mailbox.deposit(bytes([number]) * 16, 1, sealing(content))
    for settings, next_one in ((source, files), (files, target)):
        kept: dict[str, bytes] = {}
        copy = tmp_path / f"{len(list(tmp_path.glob('*.db')))}.db"
        assert mailbox_place(settings).copy(copy, partial(keep, kept)) == []
        mailbox_place(next_one).restore(copy, partial(give, kept))
        assert letters(next_one) == BOTH
        with pytest.raises(UsageError, match="empty"):
            mailbox_place(next_one).restore(copy, partial(give, kept))


def keep(kept: dict[str, bytes], name: str, content: BinaryIO) -> None:
    kept[name] = content.read()


def give(kept: dict[str, bytes], name: str) -> BinaryIO:
    return BytesIO(kept[name])
