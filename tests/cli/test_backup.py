"""What a backup opens, and to whom: made, restored and rotated away with the commands of the operator's handbook."""

from __future__ import annotations

import re
import shutil
import sqlite3
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from sqlalchemy import select

from fieldreport.errors import KeyFileDamaged, NotARecipient
from fieldreport.seal import HybridIdentity, open_header
from fieldreport.unseal import key_file, machine_secret
from fieldreport.vault.archive.tables import SealedObject
from fieldreport.vault.archive.vault import open_vault
from tests.cast import CHEAP
from tests.cli.conftest import OBJECTS, House, fill, recover, refused, roles, staff_of
from tests.cli.test_roster_and_doctor import WHOLE, findings

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
    copies = re.findall(r'^sqlite3 (\S+) "\.backup (\S+)"$', block, re.MULTILINE)
    subprocess.run(["sh", "-ec", re.sub(r"(?m)^sqlite3 .*$", "", block)], check=True, timeout=60)
    for database, copy in copies:
        # The module does what the program does, and is there on every machine.
        with (
            closing(sqlite3.connect(places["/srv/fieldreport"] / database)) as source,
            closing(sqlite3.connect(copy)) as target,
        ):
            source.backup(target)


@dataclass(frozen=True, kw_only=True)
class Backups:
    """A newsroom, a backup of it, and a copy of its secrets that lies apart from that."""

    house: House
    backup: Path
    apart: Path
    shares: Sequence[Path]

    def restore(self, directory: Path, *, apart: bool = False) -> House:
        follow("restore", {"/srv/fieldreport": directory, "/backup/new": self.backup})
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
    follow("backup", {"/srv/fieldreport": house.directory, "/backup/new": base / "backup"})
    follow("apart", {"/srv/fieldreport": house.directory, "/media/apart": base / "apart"})
    shares = [base / "first", base / "second"]
    for path, share in zip(shares, made.shares, strict=False):
        path.write_text(share)
    return Backups(house=house, backup=base / "backup", apart=base / "apart", shares=shares)


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
    for file in kept.backup.iterdir():
        content = file.read_bytes()
        assert not any(secret in content for secret in secrets)


def test_from_before_a_rotation_the_unchanged_passphrase_opens_nothing(backups: Backups, tmp_path: Path) -> None:
    restored = backups.restore(tmp_path / "restored")
    desk_of_today = machine_secret.directory(backups.house.settings.desk.keyfiles)
    place = machine_secret.directory(restored.settings.desk.keyfiles)
    for rotated in (False, True):
        if rotated:
            rotate(backups.house)
            shutil.copytree(desk_of_today, place)  # whoever has the backup has taken the desk's disk, too
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
    later = replace(backups, backup=tmp_path / "later")
    follow("backup", {"/srv/fieldreport": later.house.directory, "/backup/new": later.backup})
    restored = later.restore(tmp_path / "restored", apart=True)
    (seen,) = [seen for verdict, seen in findings(restored, status=69)["key files"] if verdict == "fails"]
    assert seen.startswith("amira.key needs the secret amira.")
    assert restored.as_admin("staff", "remove", "amira").exit_code == 0
    assert roles(restored)["amira"] == "editor revoked"
