"""The search of a session: filled in the background after unlocking, kept up to date, forgotten with the session."""

from __future__ import annotations

from fieldreport.desk.job import Job, Progress
from fieldreport.desk.sessions import Session, Sessions
from fieldreport.seal import Role
from fieldreport.vault.cases.case_index import CaseIndex
from fieldreport.vault.cases.readings import Reader
from fieldreport.vault.cases.search import SearchReader


def start_for_everybody(sessions: Sessions, index: CaseIndex, reader: Reader) -> None:
    """Begin or go on for each editor who is unlocked and for whom there is something to do; returns at once."""
    for session in sessions.of_role(Role.EDITOR):
        search = of(session, index, reader)
        if search.pending() or search.must_make():
            _start(session, search)


def known(session: Session, index: CaseIndex, reader: Reader) -> tuple[SearchReader, Progress | None]:
    """What can be searched now, and how far the rest is; nothing there when every case was looked into."""
    search = of(session, index, reader)
    if search.pending() or search.unread or search.unseen:
        _start(session, search)
    job = session.searching.job
    return search, job.progress if job is not None and job.progress.done < job.progress.total else None


def of(session: Session, index: CaseIndex, reader: Reader) -> SearchReader:
    """What the session's search knows, as it is."""
    if session.search is None:
        session.search = SearchReader(session.seat, index, reader)
    return session.search


def _start(session: Session, search: SearchReader) -> None:
    session.searching.start(lambda: Job("search", search.read))
