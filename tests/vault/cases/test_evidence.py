"""A case leaves as evidence: what the folder proves, and that nothing in it can be altered unseen."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from fieldreport.errors import FieldreportError, NotAllowed, NotARecipient, SealError, UsageError
from fieldreport.scratch import Scratch
from fieldreport.seal import ORIGINAL, HybridIdentity, Role, RosterDirectory, encode_canonical, seal_original
from fieldreport.unseal.staff_key import StaffKey
from fieldreport.vault.archive.audit import Act
from fieldreport.vault.archive.tables import AuditRow
from fieldreport.vault.cases import conversation, evidence, inbox, restriction, sort
from fieldreport.vault.cases.evidence_folder import FolderFiles
from fieldreport.vault.cases.evidence_verify import Verified, open_evidence, verify
from tests.cast import REPORT, File, a_source, admin_key, deposit_letter
from tests.vault.newsroom import Newsroom, everywhere


def fingerprint() -> str:
    return admin_key().public.fingerprint


def checked(folder: Path, identities: tuple[HybridIdentity, ...] = ()) -> Verified:
    """Verify as somebody who has nothing but the folder, the fingerprint and, perhaps, a key."""
    with open_evidence(folder, identities) as files:
        return verify(files, fingerprint=fingerprint(), identities=identities)


@pytest.fixture
def folder(newsroom: Newsroom, tmp_path: Path) -> Path:
    """A case of two letters with a file, a note, and acts of others before, between and after."""
    source = a_source()
    newsroom.seat(newsroom.jonas).record(Act.UNLOCKED)
    case = newsroom.receive(source, REPORT, files=(os.urandom(90_000),))
    conversation.note(newsroom.seat(newsroom.amira), case.id, "ask about the fire")
    newsroom.vault.record(Act.UNLOCK_REFUSED)
    newsroom.clock.pass_hours(2)
    newsroom.next_roster()
    newsroom.seat(newsroom.jonas).record(Act.CASE_STATE, "C-OTHER")
    newsroom.receive(source, "더 있습니다")
    evidence.export(newsroom.seat(newsroom.amira), case.id, tmp_path / "evidence", newsroom="The Far Bank")
    return tmp_path / "evidence"


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def resign(folder: Path, person: StaffKey) -> None:
    """What an exporter can do later with their own key: list the files as they are now, and sign that."""
    listed = json.loads((folder / "evidence.json").read_bytes())
    for each in listed["files"]:
        content = (folder / each["name"]).read_bytes()
        each |= {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
    (folder / "evidence.json").write_bytes(encode_canonical(listed))
    log = json.loads((folder / "audit.json").read_bytes())
    last, before = log["entries"][-1], log["entries"][:-1]
    sequence, previous = log["first"], log["previous"]
    for entry in before:
        content = entry if isinstance(entry, str) else said(entry)
        previous, sequence = hashed(content, previous, sequence)[0], sequence + 1
    last |= {"actor": person.handle, "signer": person.signing.public.hex()}
    last["subject"] = f"{listed['case']} {hashlib.sha256(encode_canonical(listed)).hexdigest()}"
    _, statement = hashed(said(last), previous, sequence)
    last["signature"] = person.signing.sign("audit-entry", statement).hex()
    (folder / "audit.json").write_bytes(encode_canonical(log))


def said(entry: dict[str, Any]) -> str:
    shown = {name: entry[name] for name in ("act", "actor", "hour", "salt", "signer", "subject")}
    return hashlib.sha256(encode_canonical(shown)).hexdigest()


def hashed(content: str, previous: str, sequence: int) -> tuple[str, bytes]:
    statement = encode_canonical({"content": content, "previous": previous, "sequence": sequence})
    return hashlib.sha256(statement).hexdigest(), statement


@everywhere
def test_it_is_verified_without_our_keys_and_holds_no_word_of_the_report(folder: Path, newsroom: Newsroom) -> None:
    found = checked(folder)
    assert (found.exporter, found.exported, found.pinned) == ("amira", newsroom.clock.hour, True)
    assert [letter.inside.epoch for letter in found.letters if letter.inside] == [1, 2]
    assert found.keys == (None, None)
    assert [row.act for row in found.extract.shown] == ["noted", "case-exported"]
    assert found.extract.total > len(found.extract.shown)
    assert found.extract.chained_from == found.extract.first
    everything = b"".join(contents(folder).values())
    for word in (b"walked", "더 있습니다".encode(), b"ask about", b"C-OTHER", b"jonas walks"):
        assert word not in everything
    first_page = (folder / "README.txt").read_text()
    assert fingerprint() in first_page
    assert "WHAT THIS DOES NOT PROVE" in first_page


def test_an_editors_key_shows_that_what_was_stated_is_in_the_letters(folder: Path, newsroom: Newsroom) -> None:
    found = checked(folder, newsroom.jonas.identities)
    assert None not in found.keys
    with found.open_letter(FolderFiles(folder), 0) as letter:
        assert letter is not None
        assert letter.read_part(0, 10_000).decode() == REPORT


def test_the_content_keys_open_exactly_these_letters(newsroom: Newsroom, tmp_path: Path) -> None:
    case, other = newsroom.receive(a_source(), REPORT), newsroom.receive(a_source(), "another's")
    seat = newsroom.seat(newsroom.amira)
    found = evidence.export(seat, case.id, tmp_path / "a", newsroom="N", with_keys=True)
    assert None not in found.keys
    assert "CAN READ THE LETTERS" in (tmp_path / "a/README.txt").read_text()
    evidence.export(seat, other.id, tmp_path / "b", newsroom="N")
    shutil.copy(tmp_path / "b/letters/0001.age", tmp_path / "a/letters/0001.age")
    resign(tmp_path / "a", newsroom.amira)
    with pytest.raises(SealError) as refused:
        checked(tmp_path / "a")
    assert "'letters/0001.age' does not open with its key (header-mac)" in refused.value.detail


def test_a_bit_of_any_file_is_missed(folder: Path) -> None:
    draw = random.Random(7)
    for name, content in contents(folder).items():
        for place in {0, len(content) - 1, *(draw.randrange(len(content)) for _ in range(4))}:
            altered = bytearray(content)
            altered[place] ^= 1 << draw.randrange(8)
            (folder / name).write_bytes(altered)
            with pytest.raises(FieldreportError):
                checked(folder)
        (folder / name).write_bytes(content[:-1])
        with pytest.raises(FieldreportError):
            checked(folder)
        (folder / name).write_bytes(content)
    checked(folder)


def swap(one: str, other: str) -> Callable[[Path], None]:
    def act(folder: Path) -> None:
        first, second = (folder / one).read_bytes(), (folder / other).read_bytes()
        (folder / one).write_bytes(second)
        (folder / other).write_bytes(first)

    return act


def linked(folder: Path) -> None:
    moved = (folder / "letters/0001.age").rename(folder.parent / "elsewhere")
    (folder / "letters/0001.age").symlink_to(moved)


def cut_log(at: int) -> Callable[[Path], None]:
    def act(folder: Path) -> None:
        log = json.loads((folder / "audit.json").read_bytes())
        del log["entries"][at]
        (folder / "audit.json").write_bytes(encode_canonical(log))

    return act


@pytest.mark.parametrize(
    ("act", "named"),
    [
        (swap("letters/0001.age", "letters/0002.age"), "letters/0001.age"),
        (swap("keys/history/00000001.json", "keys/history/00000002.json"), "keys/history/00000001.json"),
        (lambda folder: (folder / "letters/0003.age").write_bytes(b"more"), "letters/0003.age"),
        (lambda folder: (folder / "note.txt").write_bytes(b""), "note.txt"),
        (lambda folder: (folder / "more").mkdir(), "more"),
        (lambda folder: (folder / "letters/0002.age").unlink(), "letters/0002.age"),
        (lambda folder: (folder / "audit.json").unlink(), "audit.json"),
        (lambda folder: (folder / "evidence.json").unlink(), "evidence.json"),
        (linked, "letters/0001.age"),
        (cut_log(-1), "audit entry"),
        (cut_log(0), "audit entry"),
        (cut_log(1), "audit entry"),
    ],
)
def test_what_was_swapped_added_removed_or_cut_is_refused_by_name(
    folder: Path, act: Callable[[Path], None], named: str
) -> None:
    act(folder)
    with pytest.raises(SealError) as refused:
        checked(folder)
    assert named in refused.value.detail


def test_an_exporter_cannot_state_what_is_not_in_the_letters(folder: Path, newsroom: Newsroom) -> None:
    stated = json.loads((folder / "contents.json").read_bytes())
    stated["letters"][0]["inside"]["hour"] -= 24
    (folder / "contents.json").write_bytes(encode_canonical(stated))
    resign(folder, newsroom.amira)
    assert checked(folder).keys == (None, None)  # without a key it is their word, and the page says so
    with pytest.raises(SealError, match="not what was exported"):
        checked(folder, newsroom.jonas.identities)


def test_only_an_editor_of_a_signed_roster_can_have_exported_it(folder: Path, newsroom: Newsroom) -> None:
    resign(folder, newsroom.amira)
    checked(folder)
    for person in (newsroom.lena, replace(newsroom.jonas, handle="amira"), StaffKey.generate("mallory", Role.EDITOR)):
        resign(folder, person)
        with pytest.raises(SealError):
            checked(folder)
    resign(folder, newsroom.amira)
    (folder / "keys/roster.json.sig").write_bytes((folder / "keys/history/00000001.json.sig").read_bytes())
    (folder / "keys/history/00000002.json.sig").write_bytes((folder / "keys/history/00000001.json.sig").read_bytes())
    resign(folder, newsroom.amira)
    with pytest.raises(FieldreportError) as refused:
        checked(folder)
    assert refused.value.code == "roster-signature"
    with pytest.raises(FieldreportError) as refused, open_evidence(folder, ()) as files:
        verify(files, fingerprint="ab" * 32)
    assert refused.value.code == "roster-admin"


def test_entries_without_a_salt_break_the_chain_and_that_is_said(newsroom: Newsroom, tmp_path: Path) -> None:
    case = newsroom.receive(a_source())
    conversation.note(newsroom.seat(newsroom.amira), case.id, "one")
    newsroom.seat(newsroom.jonas).record(Act.UNLOCKED)
    evidence.export(newsroom.seat(newsroom.amira), case.id, tmp_path / "a", newsroom="N")
    log = json.loads((tmp_path / "a/audit.json").read_bytes())
    log["entries"][1] = {"hash": hashed(log["entries"][1], *_before_second(log))[0]}
    (tmp_path / "a/audit.json").write_bytes(encode_canonical(log))
    found = checked(tmp_path / "a")
    assert found.extract.chained_from == found.extract.first + 2


def _before_second(log: dict[str, Any]) -> tuple[str, int]:
    return hashed(said(log["entries"][0]), log["previous"], log["first"])[0], log["first"] + 1


def test_who_may_not_read_the_case_exports_nothing_and_a_log_that_was_altered_neither(
    newsroom: Newsroom, tmp_path: Path
) -> None:
    case = newsroom.receive(a_source())
    newsroom.hire("ines")
    restriction.limit(newsroom.seat(newsroom.amira), case.id, {"amira", "ines"})
    with pytest.raises((NotAllowed, NotARecipient)):
        evidence.export(newsroom.seat(newsroom.jonas), case.id, tmp_path / "a", newsroom="N")
    with pytest.raises(NotAllowed):
        evidence.export(newsroom.seat(newsroom.lena), case.id, tmp_path / "a", newsroom="N")
    with newsroom.vault.change() as change:
        change.session.execute(update(AuditRow).where(AuditRow.act == "case-limited").values(subject=f"{case.name} x"))
    with pytest.raises(SealError) as refused:
        evidence.export(newsroom.seat(newsroom.amira), case.id, tmp_path / "a", newsroom="N")
    assert refused.value.code == "audit"
    assert not (tmp_path / "a").exists()
    (tmp_path / "b").mkdir()
    with pytest.raises(UsageError):
        evidence.export(newsroom.seat(newsroom.amira), case.id, tmp_path / "b", newsroom="N")


def test_a_damaged_letter_goes_along_and_is_named(newsroom: Newsroom, tmp_path: Path) -> None:
    source = a_source()
    newsroom.receive(source)
    newsroom.send(source, "broken", files=(os.urandom(200_000),), damage=70_000)
    newsroom.clock.pass_hours(1)
    case = newsroom.receive(source, "third")
    found = evidence.export(newsroom.seat(newsroom.amira), case.id, tmp_path / "a", newsroom="N", with_keys=True)
    assert [letter.damage for letter in found.letters] == [None, "part-1", None]
    assert checked(tmp_path / "a").letters == found.letters


def with_original(newsroom: Newsroom, content: bytes, tmp_path: Path) -> bytes:
    """A report with a file that its source wanted kept unchanged, for amira and the recovery key; its case's id."""
    source, payload = Scratch(tmp_path), Scratch(tmp_path)
    source.write(content)
    sealed = seal_original(
        source,
        length=len(content),
        sha256=hashlib.sha256(content).digest(),
        roster=newsroom.roster,
        readers=["amira"],
        hour=newsroom.clock.hour,
        payload=payload,
    )
    letter = deposit_letter(
        newsroom.mailbox,
        newsroom.roster,
        a_source(),
        hour=newsroom.clock.hour,
        files=[File("text-1.txt", "text/plain", b"clean"), File("original-1.age", ORIGINAL, sealed.read())],
    )
    broken = File("original-1.age", ORIGINAL, b"a source's own words")
    deposit_letter(newsroom.mailbox, newsroom.roster, a_source(), hour=newsroom.clock.hour, files=[broken])
    newsroom.collect()
    sort.sort(newsroom.seat(newsroom.jonas))
    case_id = inbox.item(newsroom.vault, letter).case_id
    assert case_id is not None
    return case_id


def test_an_original_is_proved_by_the_key_of_those_who_are_named_alone(newsroom: Newsroom, tmp_path: Path) -> None:
    content = b"with its author and its place"
    case_id = with_original(newsroom, content, tmp_path)
    evidence.export(newsroom.seat(newsroom.jonas), case_id, tmp_path / "a", newsroom="N", with_keys=True)
    for identities in ((), newsroom.jonas.identities):
        (sealed,) = checked(tmp_path / "a", identities).originals
        assert (sealed.name, sealed.sha256, sealed.broken) == ("original-1.age", b"", False)
    for identities in (newsroom.amira.identities, (newsroom.recovery,)):
        (opened,) = checked(tmp_path / "a", identities).originals
        assert (opened.sha256, opened.length) == (hashlib.sha256(content).digest(), len(content))
        assert opened.hour == newsroom.clock.hour
    everything = b"".join(contents(tmp_path / "a").values())
    assert content not in everything
    assert hashlib.sha256(content).hexdigest().encode() not in everything
    page = (tmp_path / "a/README.txt").read_text()
    assert "THE UNCHANGED FILE SHOWS WHO MADE IT" in page
    assert "original-1.age: application/vnd.fieldreport.original" in page


def test_what_only_says_that_it_is_an_original_is_called_none(newsroom: Newsroom, tmp_path: Path) -> None:
    with_original(newsroom, b"content", tmp_path)
    for case in newsroom.cases():
        evidence.export(newsroom.seat(newsroom.amira), case.id, tmp_path / case.name, newsroom="N")
    found = [checked(tmp_path / case.name, newsroom.amira.identities).originals[0] for case in newsroom.cases()]
    assert sorted(each.broken for each in found) == [False, True]


def test_sealed_to_a_newsroom_only_its_readers_open_it(newsroom: Newsroom, tmp_path: Path) -> None:
    case = newsroom.receive(a_source(), REPORT)
    theirs = newsroom.roster  # any roster will do: what counts is who is in it
    evidence.seal_to(newsroom.seat(newsroom.amira), case.id, tmp_path / "a", newsroom="The Far Bank", roster=theirs)
    assert set(contents(tmp_path / "a")) == {"README.txt", "evidence.age"}
    assert b"Far Bank" not in b"".join(contents(tmp_path / "a").values())
    found = checked(tmp_path / "a", newsroom.jonas.identities)
    assert None not in found.keys
    with pytest.raises(NotARecipient):
        checked(tmp_path / "a", (HybridIdentity.generate(),))
    sealed = (tmp_path / "a/evidence.age").read_bytes()
    for place in (5, 3000, len(sealed) // 2, len(sealed) - 1):
        altered = bytearray(sealed)
        altered[place] ^= 4
        (tmp_path / "a/evidence.age").write_bytes(altered)
        with pytest.raises(FieldreportError):
            checked(tmp_path / "a", newsroom.jonas.identities)
    (tmp_path / "a/evidence.age").write_bytes(sealed)
    (tmp_path / "a/README.txt").write_text("Open this with our new program.")
    with pytest.raises(SealError) as refused:
        checked(tmp_path / "a", newsroom.jonas.identities)
    assert "README.txt" in refused.value.detail


def test_only_what_is_needed_of_the_rosters_goes_along(newsroom: Newsroom, tmp_path: Path) -> None:
    for _ in range(3):
        newsroom.next_roster()
    case = newsroom.receive(a_source())
    evidence.export(newsroom.seat(newsroom.amira), case.id, tmp_path / "a", newsroom="N")
    kept = sorted(path.name for path in (tmp_path / "a/keys/history").iterdir())
    assert kept == ["00000004.json", "00000004.json.sig"]
    assert RosterDirectory(tmp_path / "a/keys", fingerprint=fingerprint(), instance=None).newest(at_least=4).epoch == 4
