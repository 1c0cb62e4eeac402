"""What a session knows of the cases' contents, for filters: filled in the background, forgotten with the session."""

from __future__ import annotations

from fieldreport.desk import search_job
from fieldreport.desk.job import Job, Progress
from fieldreport.desk.sessions import Session
from fieldreport.vault.cases.case_index import CaseIndex, Contents
from fieldreport.vault.cases.contents import ContentsReader
from fieldreport.vault.cases.readings import Reader


def known(session: Session, index: CaseIndex, files: Reader) -> tuple[Contents, Progress | None]:
    """What is known now, and how far the rest is; nothing there when all that can be opened was looked into.

    A look into what is new begins where there is something new.
    """
    if session.reader is None:
        session.reader = ContentsReader(session.seat, index, search_job.of(session, index, files).pictures)
    reader = session.reader
    if not session.looking.is_busy and not reader.pending():
        reader.hear_pictures()
        return reader.contents, None
    return reader.contents, session.looking.start(lambda: Job("contents", reader.read)).progress
