"""What somebody with write access to the database does to the audit log, and that each of it is an error.

They know every public key and rebuild hashes and the head as they like; what they lack is the signing keys of others.
The bytes of an entry are written here a second time, without the product's code.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from fieldreport.errors import SealError
from fieldreport.unseal.signing_keys import SigningKey
from fieldreport.vault.archive.audit import Act
from fieldreport.vault.archive.tables import AuditRow, VaultState
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
        Line(hour=row.hour, actor=row.actor, act=row.act, subject=row.subject, kept=row if row.signer else None)
        for row in rows
    ]


def write(session: Session, lines: list[Line]) -> None:
    """Replace the log by these lines: chain and head are sound, signatures as far as the forger can make them."""
    kept = [(line.kept.signer, line.kept.signature) if line.kept is not None else (None, None) for line in lines]
    session.execute(delete(AuditRow))
    session.expunge_all()
    previous = bytes(32)
    for sequence, (line, (signer, signature)) in enumerate(zip(lines, kept, strict=True), 1):
        public = line.key.public if line.key is not None else signer
        document = {
            "act": line.act,
            "actor": line.actor,
            "hour": line.hour,
            "previous": previous.hex(),
            "sequence": sequence,
            "signer": public.hex() if public is not None else None,
            "subject": line.subject,
        }
        statement = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
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
