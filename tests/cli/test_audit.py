"""``fieldreport audit``: what the log is compared with, what is refused, and the admin's way on."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import delete

from fieldreport.vault.archive import audit_export
from fieldreport.vault.archive.tables import AuditRow
from fieldreport.vault.archive.vault import open_vault
from tests.cli.conftest import House, refused


def delete_everything(house: House) -> None:
    with closing(open_vault(house.settings)) as vault, vault.change() as change:
        change.session.execute(delete(AuditRow))
        change.state.audit_sequence, change.state.audit_hash = 0, bytes(32)


def doctors_word(house: House) -> Any:
    done = house.run("doctor")
    (line,) = [line for line in done.stdout.splitlines() if " audit log " in line]
    return line


def test_verify_says_with_what_the_log_was_compared(staffed_house: House) -> None:
    house = staffed_house
    assert house.facts("audit", "verify")["held"] == {"admin": 2}
    (house.settings.desk.keyfiles / "admin.head").unlink()
    assert "No head is remembered yet" in house.run("audit", "verify").stdout
    assert house.as_admin("roster", "sign").exit_code == 0
    found = house.facts("audit", "verify")
    assert found["held"] == {"roster 3": 2, "admin": 3}
    assert found["accepted_as_lost"] == {}
    assert "It holds entry 2, which roster 3 remembers." in house.run("audit", "verify").stdout
    assert "roster 3" in doctors_word(house)


def test_a_noted_fingerprint_is_compared(staffed_house: House) -> None:
    house = staffed_house
    noted = house.facts("audit", "verify")["head"]
    assert house.as_admin("roster", "sign").exit_code == 0
    assert "It holds entry 2, which --head remembers." in house.run("audit", "verify", "--head", noted).stdout
    assert "lacks the entry" in refused(house.run("audit", "verify", "--head", "ab" * 32), 65)
    for wrong in ("", "ab", "zz" * 32, noted + "00"):
        assert "64 hexadecimal digits" in refused(house.run("audit", "verify", "--head", wrong), 64)


def test_a_file_of_the_log_is_verified_without_the_database(staffed_house: House, tmp_path: Path) -> None:
    house = staffed_house
    with closing(open_vault(house.settings)) as vault:
        lines = list(audit_export.lines(vault.audit))
    file = tmp_path / "log.jsonl"
    file.write_bytes(b"".join(lines))
    noted = house.facts("audit", "verify")["head"]
    assert house.facts("audit", "verify", "--file", str(file), "--head", noted)["held"] == {"admin": 2, "--head": 2}
    assert house.as_admin("roster", "sign").exit_code == 0
    found = house.facts("audit", "verify", "--file", str(file))
    assert found["newer_than_the_file"] == {"admin": 3}
    assert found["held"] == {"roster 3": 2}
    for broken in (b"", lines[0], lines[1], b"x" * 5000, b"".join(lines).replace(b"admin", b"amira")):
        file.write_bytes(broken)
        done = house.run("audit", "verify", "--file", file, "--head", noted)
        refused(done, 65)


def test_a_deleted_log_is_refused_until_the_admin_accepts_it(staffed_house: House) -> None:
    house = staffed_house
    assert house.as_admin("roster", "sign").exit_code == 0
    delete_everything(house)
    for _ in range(2):
        assert "lacks entry 2" in refused(house.run("audit", "verify"), 65)
        assert "fails" in doctors_word(house)
        assert "lacks entry 2" in refused(house.as_admin("roster", "sign"), 65)
    accepted = house.as_admin("audit", "accept", "--yes")
    assert accepted.exit_code == 0, accepted.stderr
    assert "The log lacks entry 2, which roster 3 remembers." in accepted.stdout
    assert "an admin accepted that" in house.run("audit", "verify").stdout
    assert "warns" in doctors_word(house)
    assert house.as_admin("roster", "sign").exit_code == 0
    assert house.facts("audit", "verify")["held"] == {"roster 4": 2, "admin": 3}
    assert "holds" in doctors_word(house)


def test_there_is_nothing_to_accept_in_a_whole_log(staffed_house: House) -> None:
    assert "lacks nothing" in refused(staffed_house.as_admin("audit", "accept", "--yes"), 64)
