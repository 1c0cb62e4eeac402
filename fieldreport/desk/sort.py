"""Sorting what was collected in the background of a session: one at a time, with the keys of who is unlocked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from fieldreport import limits
from fieldreport.desk.job import Job, Progress, Report
from fieldreport.desk.sessions import Session, Sessions
from fieldreport.seal import Role
from fieldreport.sentence import Sentence
from fieldreport.vault.archive.vault import Vault
from fieldreport.vault.cases import inbox, sort
from fieldreport.vault.cases.sort import Sorted

_NAME: Final = "sort"


def start_for_anybody(sessions: Sessions, vault: Vault) -> None:
    """Start sorting with the keys of an unlocked editor who has not tried what is left; returns at once.

    Raises:
        StoreError: the database is away.
    """
    left = inbox.unsorted(vault)
    for session in sessions.of_role(Role.EDITOR):
        if left and session.unsorted_left != left:
            start(sessions, session)
            return


def start(sessions: Sessions, session: Session) -> Job:
    """Start sorting with the keys of this session, unless somebody's is running; return the one that runs."""
    running = _running(sessions)
    if running is not None:
        return running

    def work(report: Report) -> None:
        done = sort.sort(session.seat, report)  # meanwhile a page may take the notices
        session.notices.extend(_summary(done))
        session.unsorted_left = inbox.unsorted(session.seat.vault)

    return session.sorting.start(lambda: Job(_NAME, work))


def sort_new(sessions: Sessions, session: Session) -> Progress | None:
    """Start sorting and wait for a moment: a few letters are there at once; of many, return how far it is."""
    job = start(sessions, session)
    job.wait(limits.SORT_WAIT_SECONDS)
    if not job.progress.running and job is not session.sorting.job and inbox.unsorted(session.seat.vault):
        job = start(sessions, session)  # a colleague's keys did not open all
        job.wait(limits.SORT_WAIT_SECONDS)
    return job.progress if job.progress.running else None


def _running(sessions: Sessions) -> Job | None:
    slots = (session.sorting for session in sessions.of_role(Role.EDITOR))
    return next((slot.job for slot in slots if slot.is_busy), None)


def _summary(done: Sorted) -> Iterator[Sentence]:
    if done.letters:
        yield Sentence(
            "%(letters)s, %(cases)s.",
            letters=Sentence.counted("%(num)s new letter", "%(num)s new letters", done.letters),
            cases=Sentence.counted("%(num)s new case", "%(num)s new cases", done.new_cases),
        )
    if done.damaged:
        yield Sentence.counted(
            "%(num)s letter arrived damaged; the case says which part.",
            "%(num)s letters arrived damaged; the case says which part.",
            done.damaged,
        )
    if done.withdrawn:
        yield Sentence.counted(
            "%(num)s report withdrawn by the source and deleted.",
            "%(num)s reports withdrawn by the source and deleted.",
            done.withdrawn,
        )
    if done.unreadable:
        yield Sentence.counted(
            "%(num)s collected letter cannot be read from the store; run 'fieldreport doctor'.",
            "%(num)s collected letters cannot be read from the store; run 'fieldreport doctor'.",
            done.unreadable,
        )
