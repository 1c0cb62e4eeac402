"""The audit log: chained, signed, without content; whatever is altered in it shows."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from fieldreport.errors import SealError, StoreError
from fieldreport.seal import Role
from fieldreport.unseal.signing_keys import SigningKey
from fieldreport.unseal.staff_key import StaffKey
from fieldreport.vault.archive.audit import NOBODY, UNSIGNED, Act, AuditReport
from fieldreport.vault.archive.tables import AuditRow, VaultState
from tests.vault.newsroom import Newsroom, everywhere


@pytest.fixture
def logged(newsroom: Newsroom) -> Newsroom:
    newsroom.seat(newsroom.amira).record(Act.UNLOCKED)
    newsroom.vault.record(Act.UNLOCK_REFUSED, "amira")
    newsroom.seat(newsroom.jonas).record(Act.CASE_EXPORTED, "C-7F3K")
    newsroom.seat(newsroom.lena).record(Act.LOCKED_ALL)
    newsroom.seat(newsroom.amira).record(Act.LOCKED)
    return newsroom


def verify(newsroom: Newsroom) -> AuditReport:
    return newsroom.vault.audit.verify(newsroom.watch.all_here())


@everywhere
def test_an_untouched_log_verifies(logged: Newsroom) -> None:
    report = verify(logged)
    assert (report.entries, report.unsigned) == (5, 1)
    assert len(report.head) == 64


def test_an_empty_log_verifies(newsroom: Newsroom) -> None:
    assert verify(newsroom).entries == 0


@everywhere
def test_pages_go_back_from_the_newest(logged: Newsroom) -> None:
    page = logged.vault.audit.page(limit=3)
    assert [(entry.sequence, entry.actor, entry.act) for entry in page] == [
        (5, "amira", "locked"),
        (4, "lena", "locked-all"),
        (3, "jonas", "case-exported"),
    ]
    rest = logged.vault.audit.page(after=page[-1].sequence, limit=3)
    assert [(entry.sequence, entry.signed) for entry in rest] == [(2, False), (1, True)]


def set_to(**values: object) -> Callable[[Session], None]:
    def tamper(session: Session) -> None:
        session.execute(update(AuditRow).where(AuditRow.sequence == 3).values(**values))

    return tamper


def cut_the_end(session: Session) -> None:
    session.execute(delete(AuditRow).where(AuditRow.sequence == 5))


def cut_the_middle(session: Session) -> None:
    session.execute(delete(AuditRow).where(AuditRow.sequence == 3))


def swap(session: Session) -> None:
    for before, after in ((2, 99), (3, 2), (99, 3)):
        session.execute(update(AuditRow).where(AuditRow.sequence == before).values(sequence=after))


def cut_all(session: Session) -> None:
    session.execute(delete(AuditRow))


@pytest.mark.parametrize(
    "tamper",
    [
        set_to(actor="amira"),
        set_to(act="locked"),
        set_to(subject="C-0000"),
        set_to(hour=1),
        set_to(hash=bytes(32)),
        set_to(previous=bytes(32)),
        set_to(signature=bytes(64)),
        set_to(signature=None),
        set_to(signature=None, signer=None),
        cut_the_end,
        cut_the_middle,
        swap,
        cut_all,
    ],
)
def test_whatever_is_altered_shows(logged: Newsroom, tamper: Callable[[Session], None]) -> None:
    with logged.vault.change() as change:
        tamper(change.session)
    with pytest.raises(SealError) as caught:
        verify(logged)
    assert caught.value.code == "audit"


@everywhere
def test_a_chain_rebuilt_with_another_key_shows(newsroom: Newsroom) -> None:
    forger = SigningKey.generate()
    newsroom.vault.record(Act.LOCKED, actor="amira", signer=forger)
    with pytest.raises(SealError):
        verify(newsroom)


def test_an_actor_whom_no_roster_names_is_refused(logged: Newsroom) -> None:
    dana = StaffKey.generate("dana", Role.EDITOR)
    logged.vault.record(Act.UNLOCKED, actor="dana", signer=dana.signing)
    with pytest.raises(SealError, match="tampered"):
        verify(logged)


@pytest.mark.parametrize("act", sorted(set(Act) - UNSIGNED[NOBODY]))
def test_the_desk_logs_nothing_else_without_a_signature(newsroom: Newsroom, act: Act) -> None:
    with pytest.raises(StoreError, match="cannot be logged"):
        newsroom.vault.record(act)


def test_somebody_who_left_still_verifies(logged: Newsroom) -> None:
    logged.revoke("jonas")
    assert verify(logged).entries == 5


def test_a_log_cut_to_an_earlier_head_differs_from_the_head_that_was_noted(logged: Newsroom) -> None:
    noted = verify(logged).head
    with logged.vault.change() as change:
        cut_the_end(change.session)
        before = change.session.get_one(AuditRow, 4)
        change.session.execute(update(VaultState).values(audit_sequence=4, audit_hash=before.hash))
    assert verify(logged).head != noted


@pytest.mark.parametrize("subject", ["two\nlines", "ключ", "x" * 81, "<b>"])
def test_only_short_ids_are_logged(newsroom: Newsroom, subject: str) -> None:
    with pytest.raises(StoreError):
        newsroom.seat(newsroom.amira).record(Act.LOCKED, subject)
    assert newsroom.acts() == []


@everywhere
def test_an_act_that_fails_is_not_logged(newsroom: Newsroom) -> None:
    def fail() -> None:
        with newsroom.seat(newsroom.amira).change() as change:
            change.record(Act.LOCKED)
            _ = 1 // 0

    with pytest.raises(ZeroDivisionError):
        fail()
    assert verify(newsroom).entries == 0
