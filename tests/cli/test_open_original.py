"""``fieldreport open`` writes a file as its source uploaded it, for those who are named for that alone."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from fieldreport.scratch import Scratch
from fieldreport.seal import seal_original
from fieldreport.unseal import identity_file
from tests.cast import NOON, admin_key, copy_first_keys, staff
from tests.cli.conftest import refused, run

CONTENT = b"\xff\xd8 by Kim, on the bridge"


def test_the_bytes_come_back_and_only_with_a_key_of_those_who_are_named(tmp_path: Path) -> None:
    source = Scratch(tmp_path)
    source.write(CONTENT)
    sealed = seal_original(
        source,
        length=len(CONTENT),
        sha256=hashlib.sha256(CONTENT).digest(),
        roster=copy_first_keys(tmp_path / "keys").load(now=NOON, at_least=0),
        readers=["amira"],
        hour=498_228,
        payload=Scratch(tmp_path),
    )
    (tmp_path / "original-1.age").write_bytes(sealed.read())
    for handle in ("amira", "jonas"):
        identity_file.write(tmp_path / f"{handle}.txt", staff()[handle].identities)
    pinned = ("--roster", tmp_path / "keys", "--admin-fingerprint", admin_key().public.fingerprint)
    opened = run("open", tmp_path / "original-1.age", "--key", tmp_path / "amira.txt", *pinned, "-o", tmp_path / "new")
    assert opened.exit_code == 0, opened.stderr
    assert "signed by the admin you named" in opened.stdout
    assert (tmp_path / "new/file-1.bin").read_bytes() == CONTENT
    told = run("open", tmp_path / "original-1.age", "--key", tmp_path / "amira.txt", "--json")
    (file,) = json.loads(told.stdout)["attachments"]
    assert file["sha256"] == hashlib.sha256(CONTENT).hexdigest()
    refused(run("open", tmp_path / "original-1.age", "--key", tmp_path / "jonas.txt"), 77)
