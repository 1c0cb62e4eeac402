"""Recovery from paper: sheets that hold a share and nothing else, a rehearsal that writes nothing, the archive back."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pypdfium2
import pytest
from sqlalchemy import select

from fieldreport.cli import recovery_sheet, recovery_sheet_pdf, recovery_sheets
from fieldreport.seal import HybridIdentity, Kind, Role, fingerprint_words, open_header, open_rosters
from fieldreport.unseal import key_file, recovery
from fieldreport.vault.archive import rewrap
from fieldreport.vault.archive.origin import Opener
from fieldreport.vault.archive.readers import Setter, set_readers
from fieldreport.vault.archive.rosters import RosterWatch
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.archive.tables import Case, SealedObject
from fieldreport.vault.archive.vault import open_vault
from fieldreport.vault.keys.recovery import identity_of
from tests.cli.conftest import OBJECTS, House, Printed, acts, enrol, recover, refused, run, staff_of, words_of


def text_of(pdf: Path) -> tuple[str, int]:
    """What another reader of PDF finds in it, and on how many pages."""
    document = pypdfium2.PdfDocument(pdf)
    found = "\n".join(page.get_textpage().get_text_range() for page in document)
    pages = len(document)
    document.close()
    return found, pages


# --- sheets ---


def sheet(newsroom: str = "The Border Post") -> recovery_sheet.Sheet:
    key = HybridIdentity.generate()
    return recovery_sheet.Sheet(
        newsroom=newsroom,
        instance="0f" * 16,
        key_id=key.key_id,
        number=2,
        made=3,
        needed=2,
        month="November 2026",
        share=recovery.split(key, 2, 3)[1],
    )


def test_a_pdf_sheet_is_one_page_with_the_words_in_a_numbered_grid(tmp_path: Path) -> None:
    of = sheet()
    (path,) = recovery_sheets.write(tmp_path, [of], recovery_sheets.SheetForm.PDF)
    text, pages = text_of(path)
    assert pages == 1
    assert re.findall(r"\d+\) ([a-z]+)", text)
    for at, word in enumerate(of.share.split(), start=1):
        assert f"{at}) {word}" in text
    for expected in ("Recovery share 2 of 3", "The Border Post", "0f" * 16, "November 2026", "open nothing"):
        assert expected in text
    assert " ".join(fingerprint_words(of.key_id).split()[:5]) in " ".join(text.split())
    assert recovery.shares_needed(text) == 2, "what was scanned back is read as a share"


def test_a_sheet_tells_no_day_and_no_program() -> None:
    written = recovery_sheet_pdf.as_pdf(sheet())
    for telling in (b"CreationDate", b"ModDate", b"Producer", b"Author", b"xmpmeta"):
        assert telling not in written


def test_a_name_without_letters_in_these_fonts_leaves_a_line_to_write_on(tmp_path: Path) -> None:
    of = sheet("국경 소식")
    (path,) = recovery_sheets.write(tmp_path, [of], recovery_sheets.SheetForm.PDF)
    assert "_" * 40 in text_of(path)[0]
    assert "국경 소식" in recovery_sheet.as_text(of)


def test_every_sheet_holds_its_own_share_and_no_other(printed: Printed) -> None:
    assert [path.name for path in printed.files] == [f"share-{number}-of-4.txt" for number in (1, 2, 3, 4)]
    texts = [path.read_text() for path in printed.files]
    assert [recovery.shares_needed(text) for text in texts] == [3] * 4
    grids = [re.findall(r"\d+\) ([a-z]+)", text) for text in texts]
    assert all(len(grid) == 33 for grid in grids)
    assert len({tuple(grid) for grid in grids}) == 4
    assert max(len(line) for text in texts for line in text.splitlines()) <= 78


def test_sheets_are_closed_to_others_and_the_words_are_not_on_the_screen(printed: Printed) -> None:
    assert stat.S_IMODE(printed.files[0].parent.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in printed.files} == {0o600}
    shown = printed.house.printed
    assert "DELETE THE FILES" in shown
    assert "any 3 of the 4" in shown
    for path in printed.files:
        assert " ".join(re.findall(r"\d+\) ([a-z]+)", path.read_text())[:3]) not in shown


def test_sheets_are_written_nowhere_but_into_an_empty_closed_directory(tmp_path: Path) -> None:
    (tmp_path / "paper").mkdir()
    (tmp_path / "paper" / "letter").write_text("mine")
    assert "not empty" in refused(run("init", tmp_path / "house", "--print", tmp_path / "paper"), 64)
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o755)
    assert "others can look" in refused(run("init", tmp_path / "house", "--print", tmp_path / "open"), 64)
    refused(run("init", tmp_path / "house", "--print", tmp_path / "no" / "where"), 64)
    assert not (tmp_path / "house").exists(), "refused before a key was made"


def test_shares_that_cannot_be_written_are_shown_because_they_exist_nowhere_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_sheet: recovery_sheet.Sheet) -> bytes:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(recovery_sheet_pdf, "as_pdf", full)
    done = run("init", tmp_path / "house", "--print", tmp_path / "paper")
    assert "No space left" in refused(done, 64)
    assert len(re.findall(r"share \d:\n    (?:[a-z]+ ){32}[a-z]+\n", done.stdout)) == 3
    assert list((tmp_path / "paper").iterdir()) == []


@pytest.mark.parametrize("shares", [("1", "3"), ("2", "17"), ("4", "3")])
def test_a_senseless_split_is_refused_and_nothing_is_left(tmp_path: Path, shares: tuple[str, str]) -> None:
    assert run("init", tmp_path / "house", "--shares", *shares).exit_code in {2, 64}
    assert list(tmp_path.iterdir()) == []


def test_a_directory_in_memory_is_told_from_a_disk(tmp_path: Path) -> None:
    mounts = Path("/proc/self/mounts").read_text().splitlines()
    in_memory = [line.split()[1] for line in mounts if line.split()[2] == "tmpfs"]
    assert in_memory, "no tmpfs on this machine"
    assert recovery_sheets.is_in_memory(Path(in_memory[0]))
    kind = subprocess.run(["stat", "-f", "-c", "%T", tmp_path], capture_output=True, text=True, check=True).stdout
    assert recovery_sheets.is_in_memory(tmp_path) == (kind.strip() in {"tmpfs", "ramfs"})


# --- recover ---


def everything_in(house: House) -> dict[str, bytes]:
    """Every file but the database, which the audit entry goes to."""
    return {
        str(path): path.read_bytes()
        for path in house.directory.rglob("*")
        if path.is_file() and "vault.db" not in path.name
    }


def test_a_rehearsal_proves_the_shares_and_writes_no_key(printed: Printed) -> None:
    before = everything_in(printed.house)
    done = recover(printed.house, "--rehearse", *printed.files[1:])
    assert done.exit_code == 0, done.output
    assert f"{OBJECTS} of {OBJECTS} objects in the vault are sealed to it. One was opened as a proof." in done.stdout
    assert "No key was written" in done.stdout
    assert everything_in(printed.house) == before
    assert acts(printed.house)[0] == ("recovery", "recovery-rehearsed")
    assert printed.house.run("audit", "verify").exit_code == 0


def test_shares_are_asked_for_until_there_are_enough_and_a_mistake_is_told_at_once(printed: Printed) -> None:
    first, second, third = (words_of(path) for path in printed.files[:3])
    wrong = second.split()
    wrong[2] = "academic" if wrong[2] != "academic" else "acid"
    done = recover(printed.house, "--rehearse", typed=[first, " ".join(wrong), second, third])
    assert done.exit_code == 0, done.output
    assert "share 2 has a wrong word, most likely the 3rd; type it again" in done.stderr
    assert "The rehearsal succeeded" in done.stdout


def test_a_share_typed_wrong_three_times_ends_the_command(printed: Printed) -> None:
    done = recover(printed.house, "--rehearse", typed=["acid"] * 3)
    assert done.exit_code == 65
    assert done.stderr.endswith("fieldreport: share 1 has 1 words instead of 33\n")


def test_a_missing_share_is_told(printed: Printed) -> None:
    done = recover(printed.house, "--rehearse", *printed.files[:2])
    assert "2 of 3 shares are here: one more share is needed" in refused(done, 64)


def test_shares_of_another_newsroom_are_refused_before_anything_is_written(printed: Printed, tmp_path: Path) -> None:
    other = []
    for number, share in enumerate(recovery.split(HybridIdentity.generate(), 2, 2)):
        (tmp_path / f"{number}").write_text(share)
        other.append(tmp_path / f"{number}")
    before = acts(printed.house)
    done = recover(printed.house, "--export", tmp_path / "key", *other)
    assert "of another key" in refused(done, 65)
    assert not (tmp_path / "key").exists()
    assert acts(printed.house) == before


def test_a_pdf_is_no_share(printed: Printed, tmp_path: Path) -> None:
    (tmp_path / "share.pdf").write_bytes(recovery_sheet_pdf.as_pdf(sheet()))
    assert "typed" in refused(recover(printed.house, "--rehearse", tmp_path / "share.pdf"), 64)


@pytest.mark.parametrize("purpose", [(), ("--rehearse", "--rewrap"), ("--export", "key", "--new-admin", "x")])
def test_it_must_be_said_what_for(printed: Printed, purpose: tuple[str, ...]) -> None:
    assert recover(printed.house, *purpose, *printed.files[:3]).exit_code == 2


def test_an_expired_roster_does_not_stand_in_the_way_of_the_shares(
    printed: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def expired(*_arguments: object, **_more: object) -> None:
        raise AssertionError("the date was looked at")

    monkeypatch.setattr("fieldreport.seal.roster_directory.check_date", expired)
    assert recover(printed.house, "--rehearse", *printed.files[:3]).exit_code == 0


def test_the_exported_key_opens_the_archive_under_a_fresh_passphrase(printed: Printed, tmp_path: Path) -> None:
    done = recover(printed.house, "--export", tmp_path / "key", *printed.files[:3])
    assert done.exit_code == 0, done.output
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    found = re.search(r"passphrase +(.+)\n", done.stdout)
    assert found is not None
    staff = key_file.unlock(tmp_path / "key", found[1])
    vault = open_vault(printed.house.settings)
    with vault.reading() as session:
        ids = session.scalars(select(SealedObject.id)).all()
    headers = [vault.objects.header(each) for each in ids]
    vault.close()
    assert len(headers) == OBJECTS
    assert all(len(open_header(header, staff.identities)) == 16 for header in headers)
    assert acts(printed.house)[0] == ("recovery", "recovery-used")
    assert "exists already" in refused(recover(printed.house, "--export", tmp_path / "key", *printed.files[:3]), 64)


def test_a_newsroom_that_lost_its_passphrases_reads_again(printed: Printed) -> None:
    house = printed.house
    # Nobody remembers amira's. The admin enrols somebody, who can read nothing yet; then the paper comes out.
    enrol(house, "nadia")
    vault = open_vault(house.settings)
    nadia = Seat(vault, staff_of(house, "nadia"), RosterWatch.of(house.settings, vault))
    key_id = nadia.staff.identities[0].key_id
    assert vault.objects.named_by(key_id) == 0
    done = recover(house, "--rewrap", *printed.files[:3])
    assert done.exit_code == 0, done.output
    assert f"{OBJECTS} objects are now sealed to exactly the current editors" in done.stdout
    assert vault.objects.named_by(key_id) == OBJECTS
    assert rewrap.pending(nadia) == 0
    vault.close()
    again = recover(house, "--rewrap", *printed.files[1:])
    assert again.exit_code == 0
    assert "Nothing was left to re-wrap" in again.stdout
    assert ("recovery", "recovery-used") in acts(house)
    assert json.loads(house.run("audit", "verify", "--json").stdout)["entries"] > 0


def test_a_case_whose_readers_have_left_is_named_and_given_to_those_who_are(printed: Printed, tmp_path: Path) -> None:
    shutil.copytree(printed.house.directory, tmp_path / "newsroom")
    house = replace(printed.house, directory=tmp_path / "newsroom")
    vault = open_vault(house.settings)
    amira, epoch = staff_of(house, "amira"), open_rosters(house.settings).newest(at_least=0).epoch
    with vault.change(actor="amira", signer=amira.signing) as change:
        case = Case(id=bytes(16), name="quiet-harbour", source=None, opened=1, active=1)
        Opener(staff=amira, epoch=epoch, instance=vault.instance).sign(case)
        change.session.add(case)
        setter = Setter(handle="amira", key=amira.signing, epoch=epoch)
        set_readers(change, case, ["bo", "cy"], setter=setter, instance=vault.instance)
    done = recover(house, "--rewrap", *printed.files[:3])
    assert done.exit_code == 0, done.output
    assert "quiet-harbour is limited to bo, cy, who have all left" in done.stdout
    both = ("--case", "quiet-harbour", "--addressee", "bo", "--reader", "amira")
    for wrong in (("--case", "quiet-harbour"), ("--reader", "amira"), ("--addressee", "bo"), both):
        assert recover(house, "--rewrap", *wrong, *printed.files[:3]).exit_code == 2
    assert recover(house, "--rehearse", "--case", "x", "--reader", "amira", *printed.files[:3]).exit_code == 2
    refused(recover(house, "--rewrap", "--case", "no-such", "--reader", "amira", *printed.files[:3]), 66)
    roster = open_rosters(house.settings).newest(at_least=0)
    editors = sorted(entry.handle for entry in roster.entries if entry.role is Role.EDITOR)
    named = [each for handle in editors for each in ("--reader", handle)]
    given = recover(house, "--rewrap", "--case", "quiet-harbour", *named, *printed.files[:3])
    assert given.exit_code == 0, given.output
    assert "quiet-harbour" not in given.stdout
    with vault.reading() as session:
        assert session.scalars(select(Case.readers)).all() == [",".join(editors)]
    vault.close()


def test_the_shares_are_those_of_the_roster(printed: Printed) -> None:
    roster = open_rosters(printed.house.settings).load(now=datetime.now(UTC), at_least=0)
    identity, entry = identity_of([path.read_text() for path in printed.files], roster)
    assert entry.handle == "recovery"
    assert identity.recipient == entry.recipient


# --- the admin's passphrase is lost as well ---


@pytest.fixture
def locked_out(printed: Printed, tmp_path: Path) -> Printed:
    """A copy of the newsroom, whose rosters have a history."""
    shutil.copytree(printed.house.directory, tmp_path / "newsroom")
    return replace(printed, house=replace(printed.house, directory=tmp_path / "newsroom"))


def test_a_newsroom_that_lost_every_passphrase_reads_again(locked_out: Printed, tmp_path: Path) -> None:
    house, shares = locked_out.house, locked_out.files[:3]
    before = house.facts("roster", "show")
    done = recover(house, "--new-admin", "vera", *shares)
    assert done.exit_code == 0, done.output
    assert house.settings.keys.admin_fingerprint in done.stdout
    assert re.search(r'^directory = "keys-[0-9a-f]{8}"$', house.settings.path.read_text(), re.MULTILINE)
    found = re.search(r"passphrase +(.+)\n", done.stdout)
    assert found is not None
    (tmp_path / "vera").write_text(found[1])
    after = house.facts("roster", "show")
    assert after["epoch"] == before["epoch"] + 1
    assert after["recipients"] == before["recipients"]
    assert f"{after['epoch']} rosters of the history are valid" in house.run("roster", "verify").stdout

    # Somebody who finds the old passphrase later signs nothing with it.
    assert "signed by the admin" in refused(house.as_admin("roster", "sign"), 77)
    house = replace(house, passphrase_file=tmp_path / "vera")
    added = house.run("staff", "add", "paula", "--admin", "vera", "--passphrase-file", tmp_path / "vera")
    assert added.exit_code == 0, added.stderr
    passphrase = re.search(r"passphrase +(.+)\n", added.stdout)
    assert passphrase is not None
    (house.directory / "paula").write_text(passphrase[1])
    assert recover(house, "--rewrap", *shares).exit_code == 0
    vault = open_vault(house.settings)
    seat = Seat(vault, staff_of(house, "paula"), RosterWatch.of(house.settings, vault))
    with vault.reading() as session:
        stored = [(row.id, row.thread) for row in session.scalars(select(SealedObject))]
    assert len(stored) >= OBJECTS
    for object_id, thread in stored:
        # The object names a roster of the old admin's by its hash, and is opened under the new one's signature.
        with seat.open_object(object_id, kind=Kind.DRAFT, thread=thread) as envelope:
            assert envelope.read_part(0, 100) == b"a draft"
    vault.close()
    assert house.run("audit", "verify").exit_code == 0


def test_the_rosters_of_a_new_admin_can_be_read_by_an_intake_of_another_user(locked_out: Printed) -> None:
    house = locked_out.house
    house.settings.keys.directory.chmod(0o755)
    before = os.umask(0o077)
    try:
        done = recover(house, "--new-admin", "vera", *locked_out.files[:3])
    finally:
        os.umask(before)
    assert done.exit_code == 0, done.output
    directory = house.settings.keys.directory
    assert stat.S_IMODE(directory.stat().st_mode) == 0o755
    for path in directory.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o755 if path.is_dir() else 0o644), path


@pytest.mark.parametrize("handle", ["admin", "amira", "recovery", "../vera"])
def test_a_new_admin_has_a_name_of_their_own(locked_out: Printed, handle: str) -> None:
    before = everything_in(locked_out.house)
    refused(recover(locked_out.house, "--new-admin", handle, *locked_out.files[:3]), 64)
    assert everything_in(locked_out.house) == before


def test_without_the_shares_there_is_no_new_admin(locked_out: Printed) -> None:
    before = everything_in(locked_out.house)
    refused(recover(locked_out.house, "--new-admin", "vera", *locked_out.files[:2]), 64)
    assert everything_in(locked_out.house) == before


def test_rosters_that_the_old_admin_did_not_sign_are_not_signed_by_the_new_one(locked_out: Printed) -> None:
    past = locked_out.house.directory / "keys" / "history" / "00000001.json"
    past.write_bytes(past.read_bytes().replace(b'"editor"', b'"edit0r"').replace(b'"recovery"', b'"rec0very"'))
    before = everything_in(locked_out.house)
    refused(recover(locked_out.house, "--new-admin", "vera", *locked_out.files[:3]), 77)
    assert everything_in(locked_out.house) == before


def test_a_new_admin_who_could_not_be_pinned_leaves_nothing(locked_out: Printed) -> None:
    settings = locked_out.house.settings.path
    settings.write_text(settings.read_text().replace('directory = "keys"', "directory = 'keys'"))
    before = everything_in(locked_out.house)
    assert "as 'init' wrote it" in refused(recover(locked_out.house, "--new-admin", "vera", *locked_out.files[:3]), 78)
    assert everything_in(locked_out.house) == before
