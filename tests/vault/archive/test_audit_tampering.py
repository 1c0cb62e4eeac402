"""What somebody with write access to the database does to the audit log, and that each of it is an error.

They know every public key and rebuild hashes and the head as they like; what they lack is the signing keys of others.
The bytes of an entry are written here a second time, without the product's code.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from fieldreport.errors import SealError
from fieldreport.unseal.signing_keys import SigningKey
from fieldreport.vault.archive import audit_heads
from fieldreport.vault.archive.audit import Act
from fieldreport.vault.archive.tables import AuditRow, VaultState
from fieldreport.vault.staff import roster_changes
from tests.vault.newsroom import Newsroom, everywhere

MALLORY = SigningKey.generate()


@dataclass(frozen=True, kw_only=True)
class Line:
    """One entry as the forger wants it; ``key`` signs it, else ``kept`` is the row whose signature is put back."""

    hour: int
    actor: str
    act: str
    subject: str
    key: SigningKey | None = None
    kept: AuditRow | None = None
    salt: bytes | None = b"a salt, 16 bytes"


Forgery = Callable[[list[Line], Newsroom], list[Line]]


@pytest.fixture
def logged(newsroom: Newsroom) -> Newsroom:
    newsroom.seat(newsroom.amira).record(Act.UNLOCKED)
    newsroom.vault.record(Act.UNLOCK_REFUSED)
    newsroom.seat(newsroom.jonas).record(Act.CASE_EXPORTED, "C-7F3K")
    newsroom.seat(newsroom.lena).record(Act.LOCKED_ALL)
    newsroom.seat(newsroom.amira).record(Act.LOCKED)
    return newsroom


def read(session: Session) -> list[Line]:
    rows = session.scalars(select(AuditRow).order_by(AuditRow.sequence)).all()
    return [
        Line(
            hour=row.hour,
            actor=row.actor,
            act=row.act,
            subject=row.subject,
            kept=row if row.signer else None,
            salt=row.salt,
        )
        for row in rows
    ]


def dumped(document: object) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def write(session: Session, lines: list[Line]) -> None:
    """Replace the log by these lines: chain and head are sound, signatures as far as the forger can make them."""
    kept = [(line.kept.signer, line.kept.signature) if line.kept is not None else (None, None) for line in lines]
    session.execute(delete(AuditRow))
    session.expunge_all()
    previous = bytes(32)
    for sequence, (line, (signer, signature)) in enumerate(zip(lines, kept, strict=True), 1):
        public = line.key.public if line.key is not None else signer
        salt = line.salt
        said = {
            "act": line.act,
            "actor": line.actor,
            "hour": line.hour,
            "signer": public.hex() if public is not None else None,
            "subject": line.subject,
        }
        place = {"previous": previous.hex(), "sequence": sequence}
        if salt is None:
            statement = dumped({**said, **place})
        else:
            content = hashlib.sha256(dumped({**said, "salt": salt.hex()})).hexdigest()
            statement = dumped({"content": content, **place})
        digest = hashlib.sha256(statement).digest()
        session.add(
            AuditRow(
                sequence=sequence,
                hour=line.hour,
                actor=line.actor,
                act=line.act,
                subject=line.subject,
                previous=previous,
                hash=digest,
                signer=public,
                signature=line.key.sign("audit-entry", statement) if line.key is not None else signature,
                salt=salt,
            )
        )
        previous = digest
    session.execute(update(VaultState).values(audit_sequence=len(lines), audit_hash=previous))


def forge(newsroom: Newsroom, forgery: Forgery) -> None:
    with newsroom.vault.change() as change:
        write(change.session, forgery(read(change.session), newsroom))


def refuse(newsroom: Newsroom) -> str:
    with pytest.raises(SealError) as refused:
        newsroom.vault.audit.verify(newsroom.watch.all_here())
    assert refused.value.code == "audit"
    return refused.value.detail


def add(actor: str, act: str, key: SigningKey | None = None, subject: str = "C-7F3K") -> Forgery:
    """Append one entry to the end."""

    def forgery(lines: list[Line], newsroom: Newsroom) -> list[Line]:
        return [*lines, Line(hour=newsroom.clock.hour, actor=actor, act=act, subject=subject, key=key)]

    return forgery


def unsigned(lines: list[Line], _newsroom: Newsroom) -> list[Line]:
    return [replace(line, kept=None, subject="C-0000") for line in lines]


def in_the_desks_name(lines: list[Line], _newsroom: Newsroom) -> list[Line]:
    return [replace(line, kept=None, actor="desk") for line in lines]


def resigned(lines: list[Line], _newsroom: Newsroom) -> list[Line]:
    return [replace(line, key=MALLORY) for line in lines]


def resigned_by_themselves(lines: list[Line], _newsroom: Newsroom) -> list[Line]:
    return [replace(line, key=MALLORY, actor="mallory") for line in lines]


def reordered(lines: list[Line], _newsroom: Newsroom) -> list[Line]:
    return [lines[0], lines[1], lines[3], lines[2], lines[4]]


def duplicated(lines: list[Line], _newsroom: Newsroom) -> list[Line]:
    return [*lines, lines[2]]


def renumbered(lines: list[Line], _newsroom: Newsroom) -> list[Line]:
    return lines[1:]


def at_another_hour(lines: list[Line], _newsroom: Newsroom) -> list[Line]:
    return [*lines[:2], replace(lines[2], hour=lines[2].hour + 1), *lines[3:]]


def about_another_case(lines: list[Line], _newsroom: Newsroom) -> list[Line]:
    return [*lines[:2], replace(lines[2], subject="C-0000"), *lines[3:]]


@everywhere
@pytest.mark.parametrize(
    "forgery",
    [
        pytest.param(unsigned, id="every signature removed"),
        pytest.param(in_the_desks_name, id="everything in the desk's name"),
        pytest.param(resigned, id="signed with a key of their own"),
        pytest.param(resigned_by_themselves, id="signed in a name of their own"),
        pytest.param(reordered, id="two entries swapped"),
        pytest.param(duplicated, id="an entry twice"),
        pytest.param(renumbered, id="the first entry removed and the rest renumbered"),
        pytest.param(at_another_hour, id="another hour"),
        pytest.param(about_another_case, id="another subject"),
        pytest.param(add("amira", "case-deleted"), id="an unsigned act in an editor's name"),
        pytest.param(add("amira", "unlock-refused"), id="an unsigned act of the desk in an editor's name"),
        pytest.param(add("desk", "case-deleted"), id="an act of people in the desk's name"),
        pytest.param(add("desk", "swept"), id="an act that does not exist in the desk's name"),
        pytest.param(add("recovery", "replied"), id="an act of people in the recovery key's name"),
        pytest.param(add("desk", "recovery-used"), id="the recovery key's act in the desk's name"),
        pytest.param(add("rescue", "recovery-used"), id="the act of a recovery key that no roster names"),
        pytest.param(add("Desk", "unlock-refused"), id="the desk with a capital letter"),
        pytest.param(add("amira", "case-deleted", MALLORY), id="another key for a handle"),
        pytest.param(add("Amira", "case-deleted", MALLORY), id="a handle with a capital letter"),
        pytest.param(add("AMIRA", "case-deleted", MALLORY), id="a handle in capitals"),
        pytest.param(add("amira ", "case-deleted", MALLORY), id="a handle with a trailing space"),
        pytest.param(add(" amira", "case-deleted", MALLORY), id="a handle with a leading space"),
        pytest.param(add("amira\n", "case-deleted", MALLORY), id="a handle with a line feed"),
        pytest.param(add("аmira", "case-deleted", MALLORY), id="a handle with a Cyrillic letter"),
        pytest.param(add("ａｍｉｒａ", "case-deleted", MALLORY), id="a handle in wide letters"),
        pytest.param(add("ami\u200bra", "case-deleted", MALLORY), id="a handle with an invisible character"),
        pytest.param(add("", "case-deleted", MALLORY), id="nobody"),
        pytest.param(add("admin", "roster-published", MALLORY), id="admin"),
        pytest.param(add("recovery", "recovery-used", MALLORY), id="the recovery key with a signature"),
        pytest.param(add("desk", "unlock-refused", MALLORY), id="the desk with a signature"),
    ],
)
def test_a_rewritten_log_is_refused(logged: Newsroom, forgery: Forgery) -> None:
    forge(logged, forgery)
    assert "audit entry" in refuse(logged)


def test_the_log_may_be_written_again_as_it_was(logged: Newsroom) -> None:
    """What is refused above is refused for the forgery, not for how this test writes rows."""
    forge(logged, lambda lines, _newsroom: lines)
    assert logged.vault.audit.verify(logged.watch.all_here()).entries == 5


def test_entries_from_before_there_were_salts_verify_and_new_ones_follow_them(logged: Newsroom) -> None:
    def older(_lines: list[Line], newsroom: Newsroom) -> list[Line]:
        signed = [("amira", "noted", newsroom.amira.signing), ("lena", "locked-all", newsroom.lena.signing)]
        return [
            Line(hour=newsroom.clock.hour, actor=actor, act=act, subject="C-7F3K", key=key, salt=None)
            for actor, act, key in signed
        ]

    forge(logged, older)
    logged.seat(logged.amira).record(Act.LOCKED)
    assert logged.vault.audit.verify(logged.watch.all_here()).entries == 3
    with logged.vault.change() as change:
        change.session.execute(update(AuditRow).where(AuditRow.sequence == 3).values(salt=b"another salt 16b"))
    assert "audit entry 3" in refuse(logged)


def test_an_editor_cannot_act_in_a_colleagues_name(logged: Newsroom) -> None:
    forge(logged, add("amira", "case-deleted", logged.jonas.signing))
    refuse(logged)


def test_somebody_who_left_cannot_sign_later(logged: Newsroom) -> None:
    logged.revoke("jonas")
    logged.clock.pass_hours(3)
    logged.seat(logged.amira).record(Act.UNLOCKED)
    logged.vault.audit.verify(logged.watch.all_here())
    forge(logged, add("jonas", "case-deleted", logged.jonas.signing))
    assert "not its actor in any roster of that time" in refuse(logged)


def test_nor_by_dating_it_back(logged: Newsroom) -> None:
    logged.revoke("jonas")
    logged.clock.pass_hours(3)
    logged.seat(logged.amira).record(Act.UNLOCKED)
    logged.clock.pass_hours(-3)
    forge(logged, add("jonas", "case-deleted", logged.jonas.signing))
    refuse(logged)


def test_somebody_who_joins_cannot_have_signed_before(logged: Newsroom) -> None:
    logged.clock.pass_hours(5)
    dana = logged.hire("dana")
    logged.seat(dana).record(Act.UNLOCKED)
    logged.vault.audit.verify(logged.watch.all_here())
    logged.clock.pass_hours(-3)
    forge(logged, add("dana", "case-exported", dana.signing))
    refuse(logged)


def test_a_request_under_way_while_its_person_is_removed_does_not_break_the_log(logged: Newsroom) -> None:
    seat = logged.seat(logged.jonas)
    logged.revoke("jonas")
    seat.record(Act.LOCKED)
    logged.seat(logged.amira).record(Act.UNLOCKED)
    assert logged.vault.audit.verify(logged.watch.all_here()).entries == 7


# --- heads that are remembered outside the database ---


def remember_everywhere(newsroom: Newsroom) -> None:
    """Amira signs in, jonas does after her, and the admin renews the roster."""
    for person in (newsroom.amira, newsroom.jonas):
        newsroom.seat(person).record(Act.UNLOCKED)
        audit_heads.remember(newsroom.vault, person, keyfiles(newsroom))
    roster_changes.renew(newsroom.seat(newsroom.lena), newsroom.mailbox)


def keyfiles(newsroom: Newsroom) -> Path:
    directory = newsroom.directory / "keyfiles"
    directory.mkdir(exist_ok=True)
    return directory


def check(newsroom: Newsroom) -> None:
    audit_heads.check(newsroom.vault, newsroom.watch, keyfiles(newsroom))


def refuse_by_name(newsroom: Newsroom, *, by: str) -> None:
    """At sign-in, and by the verification of the whole log."""
    remembered = audit_heads.remembered(newsroom.watch, newsroom.vault.instance, keyfiles(newsroom))
    for refused in (
        lambda: check(newsroom),
        lambda: newsroom.vault.audit.verify(newsroom.watch.all_here(), remembered),
    ):
        with pytest.raises(SealError) as caught:
            refused()
        assert caught.value.code == "audit-head"
        assert by in caught.value.detail


def cut_to(count: int) -> Forgery:
    return lambda lines, _newsroom: lines[:count]


def all_deleted(session: Session) -> None:
    session.execute(delete(AuditRow))
    session.execute(update(VaultState).values(audit_sequence=0, audit_hash=bytes(32)))


@everywhere
def test_a_log_that_holds_what_is_remembered_verifies_and_says_by_whom(logged: Newsroom) -> None:
    remember_everywhere(logged)
    check(logged)
    remembered = audit_heads.remembered(logged.watch, logged.vault.instance, keyfiles(logged))
    report = logged.vault.audit.verify(logged.watch.all_here(), remembered)
    assert [(one.by, one.head.number) for one in report.held] == [
        ("roster 2", 7),
        ("amira", 6),
        ("jonas", 7),
    ]
    assert report.accepted == ()


@everywhere
@pytest.mark.parametrize("count", [0, 1, 3, 5, 6])
def test_a_log_cut_to_an_earlier_head_is_refused(logged: Newsroom, count: int) -> None:
    remember_everywhere(logged)
    forge(logged, cut_to(count))
    refuse_by_name(logged, by="roster 2")


@everywhere
def test_a_log_that_was_deleted_is_refused(logged: Newsroom) -> None:
    remember_everywhere(logged)
    with logged.vault.change() as change:
        all_deleted(change.session)
    refuse_by_name(logged, by="roster 2")


def test_without_a_roster_that_remembers_a_person_does(logged: Newsroom) -> None:
    logged.seat(logged.jonas).record(Act.UNLOCKED)
    audit_heads.remember(logged.vault, logged.jonas, keyfiles(logged))
    forge(logged, cut_to(5))
    refuse_by_name(logged, by="jonas")


def test_a_log_cut_and_grown_again_is_refused(logged: Newsroom) -> None:
    remember_everywhere(logged)
    forge(logged, cut_to(2))
    for _ in range(20):
        logged.seat(logged.amira).record(Act.NOTED, "C-7F3K")
    refuse_by_name(logged, by="roster 2")


def test_an_editor_who_signs_the_whole_log_again_is_refused(logged: Newsroom) -> None:
    """Amira has her own key and the database: she can drop what she did, but not what is remembered."""
    remember_everywhere(logged)
    key = logged.amira.signing
    forge(logged, lambda lines, _n: [replace(line, actor="amira", key=key, kept=None) for line in lines])
    refuse_by_name(logged, by="roster 2")


def test_the_hash_of_a_remembered_head_cannot_be_kept_over_another_entry(logged: Newsroom) -> None:
    remember_everywhere(logged)
    with logged.vault.change() as change:
        change.session.execute(update(AuditRow).where(AuditRow.sequence == 7).values(subject="C-0000"))
    with pytest.raises(SealError):
        check(logged)


def test_the_admin_signs_no_roster_over_a_shorter_log(logged: Newsroom) -> None:
    remember_everywhere(logged)
    forge(logged, cut_to(3))
    with pytest.raises(SealError) as refused:
        roster_changes.renew(logged.seat(logged.lena), logged.mailbox)
    assert refused.value.code == "audit-head"
    assert logged.roster.epoch == 2


def test_what_the_admin_accepts_is_the_way_on(logged: Newsroom) -> None:
    remember_everywhere(logged)
    forge(logged, cut_to(3))
    remembered = audit_heads.remembered(logged.watch, logged.vault.instance, keyfiles(logged))
    for head in {str(one.head) for one in remembered}:
        logged.seat(logged.lena).record(Act.HEAD_ACCEPTED, head)
    check(logged)
    report = logged.vault.audit.verify(logged.watch.all_here(), remembered)
    assert [one.by for one in report.accepted] == ["roster 2", "amira", "jonas"]
    roster_changes.renew(logged.seat(logged.lena), logged.mailbox)
    check(logged)


@pytest.mark.parametrize("who", ["an editor", "a stranger", "nobody"])
def test_only_an_admin_accepts(logged: Newsroom, who: str) -> None:
    remember_everywhere(logged)
    head = str(logged.roster.audit)
    signer = {"an editor": logged.amira.signing, "a stranger": MALLORY, "nobody": None}[who]
    actor = "amira" if who == "an editor" else "lena"
    forge(logged, lambda lines, n: add(actor, "head-accepted", signer, head)(lines[:3], n))
    with pytest.raises(SealError):
        check(logged)


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text.replace("number 7", "number 3"),
        lambda text: text.replace("handle jonas", "handle amira"),
        lambda text: text[:-2],
        lambda text: text + "\n",
        lambda _text: "",
        lambda _text: "x" * 10_000,
    ],
)
def test_a_head_that_its_owner_did_not_sign_is_refused(logged: Newsroom, damage: Callable[[str], str]) -> None:
    remember_everywhere(logged)
    path = keyfiles(logged) / "jonas.head"
    path.write_text(damage(path.read_text()))
    with pytest.raises(SealError) as refused:
        check(logged)
    assert refused.value.code == "audit-head"
    assert "jonas.head" in refused.value.detail


def test_a_head_of_another_newsroom_is_refused(logged: Newsroom) -> None:
    remember_everywhere(logged)
    with pytest.raises(SealError):
        audit_heads.remembered(logged.watch, bytes(16), keyfiles(logged))


def test_the_head_of_somebody_who_left_counts_no_more(logged: Newsroom) -> None:
    remember_everywhere(logged)
    roster_changes.revoke(logged.seat(logged.lena), "jonas", logged.mailbox)
    found = audit_heads.remembered(logged.watch, logged.vault.instance, keyfiles(logged))
    assert [one.by for one in found] == ["roster 3", "amira"]
