"""The inbox of a desk with 100,000 cases, next to the one of a desk with 100: every filter, every order, all counts.

Both are the whole application, in this process, over a real vault on the disk of this machine. The rows of all cases
are in the database; those that a page shows have real sealed letters and cards, which each request opens, because what
the session has opened is forgotten before it. What a session knows of the contents of all cases is put in directly, in
the shares in which the letters have it: finding it out is measured apart.
"""

from __future__ import annotations

import io
import os
import secrets
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO, Final

import flask
from sqlalchemy import event, insert, update
from typing_extensions import override
from werkzeug.test import Client

from fieldreport import limits
from fieldreport.bench.measure import Sheet, in_turn
from fieldreport.desk import context, inbox_filter
from fieldreport.desk.app import create_app
from fieldreport.desk.sessions import Session
from fieldreport.errors import FieldreportError
from fieldreport.installation import add_member, make
from fieldreport.mailbox import open_mailbox
from fieldreport.scrub import Scrubber
from fieldreport.seal import HybridIdentity, Kind, PartSource, Role, seal_envelope
from fieldreport.unseal import key_file
from fieldreport.vault.archive.origin import Opener, origin_of
from fieldreport.vault.archive.rosters import RosterWatch
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.archive.tables import Case, CaseState, Item, Mark
from fieldreport.vault.archive.vault import Vault, open_vault
from fieldreport.vault.cases import conversation
from fieldreport.vault.cases.case_index import CaseIndex, Order
from fieldreport.vault.cases.contents import ContentsReader
from fieldreport.vault.cases.conversation import Card
from fieldreport.vault.cases.pictures import Pictures

_FEW, _MANY = 100, 100_000
_ROUNDS: Final = 15
_LOOKED_INTO: Final = 1_000
_EDITOR: Final = "editor"
_STATES: Final = (CaseState.NEW, CaseState.NEW, CaseState.READING, CaseState.CLOSED)
_TEXT: Final = "우리는 밤에 강을 건넜다. 두 번째 초소의 경비병은 자고 있었다. ".encode() * 40
_NOW_HOUR: Final = int(time.time() // 3600)
# Of a hundred cases each leaves more than a page, so that both desks show as many rows.
_PAGES: Final[Mapping[str, str]] = {
    "open cases": "",
    "in one state": "state=new",
    "in all states": "state=all",
    "unread": "unread=1",
    "starred": "starred=1",
    "of one editor": "assignee=editor",
    "of nobody": "assignee=-",
    "with a label": "label=border",
    "in a language": "language=ko",
    "with files": "files=1",
    "several filters at once": "state=all&unread=1&files=1",
    "oldest unread first": "sort=waiting",
    "last touched first": "sort=touched",
}


def measure(sheet: Sheet) -> None:
    """Write one row a page, the most openings and questions of any, and how fast contents are found out."""
    openings, questions = [], []
    with ExitStack() as stack:
        few, many = (stack.enter_context(_desk(cases=number)) for number in (_FEW, _MANY))
        for name, query in _PAGES.items():
            for desk in (few, many):
                desk.make_real(query)
            for desk in (few, many):
                with desk.asked() as asked:
                    desk.get(query)
                openings.append(len(desk.session.opened))
                questions.append(len(asked))
            pair = in_turn(lambda q=query: many.get(q), lambda q=query: few.get(q), rounds=_ROUNDS)  # type: ignore[misc]  # bound in the loop
            sheet.pair(f"inbox of {_MANY:,} cases: {name}", pair, f"of {_FEW}", at_most=1.25)
        sheet.figure("objects that a page of the inbox opens", max(openings), "", at_most=50)
        sheet.figure("questions to the vault that it puts", max(questions), "", at_most=4)
    with _desk(cases=_LOOKED_INTO) as desk:
        desk.make_real("state=all", of=_LOOKED_INTO)
        reader = ContentsReader(desk.session.seat, desk.index, Pictures())
        began = time.process_time()
        reader.read(lambda _done, _total: None)
        seconds = time.process_time() - began
    sheet.figure(f"looking into {_MANY:,} cases with a card, of one core", seconds * _MANY / _LOOKED_INTO, "s")


@dataclass(slots=True, kw_only=True)
class _Desk:
    """One desk whose one editor is unlocked."""

    app: flask.Flask
    session: Session = field(repr=False)
    cookie: str = field(repr=False)
    name: str  # of the cookie

    def get(self, query: str) -> None:
        """Open a page of the inbox with a session that has opened nothing yet."""
        self.session.opened.clear()
        client = Client(self.app)
        client.set_cookie(self.name, self.cookie)
        response = client.get(f"/inbox?{query}")
        if response.status_code != HTTPStatus.OK or response.text.count("data-row") < limits.INBOX_ROWS:
            raise FieldreportError(f"the page '{query}' does not show {limits.INBOX_ROWS} cases")

    @contextmanager
    def asked(self) -> Iterator[list[str]]:
        """The questions that are put to the vault's database inside the block."""
        asked: list[str] = []

        def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
            asked.append(statement)

        engine = context.of(self.app).vault.engine
        event.listen(engine, "before_cursor_execute", note)
        yield asked
        event.remove(engine, "before_cursor_execute", note)

    @property
    def index(self) -> CaseIndex:
        """The index of this desk's cases."""
        return context.of(self.app).cases

    def make_real(self, query: str, *, of: int = limits.INBOX_ROWS) -> None:
        """Give each case of a page a sealed letter and a sealed card."""
        arguments = dict(each.split("=") for each in query.split("&") if each)
        wanted = inbox_filter.wanted(inbox_filter.chosen(arguments), handles=frozenset({_EDITOR}))
        contents = self.session.reader.contents if self.session.reader else None
        # What is made real is touched by it, and is on that page's top then.
        order = Order.NEWEST if wanted.order is Order.TOUCHED else wanted.order
        rows = self.index.page(replace(wanted, order=order), viewer=_EDITOR, contents=contents, limit=of).rows
        for row in rows:
            if wanted.order is Order.TOUCHED or row.card is None:
                _seal_into(self.session.seat, row.id, new=row.card is None)
        self.index.refresh()


class _Knowing(ContentsReader):
    """A reader that has looked into every case."""

    @override
    def pending(self) -> list[int]:
        return []


@contextmanager
def _desk(*, cases: int) -> Iterator[_Desk]:
    """A newsroom with so many cases, and its desk with one unlocked editor."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        made = make(Path(name, "newsroom"), name="Bench")
        settings = made.settings
        admin = key_file.unlock(settings.desk.keyfiles / f"{made.admin.handle}.key", made.admin.passphrase)
        member = add_member(settings, handle=_EDITOR, role=Role.EDITOR, admin_key=admin)
        staff = key_file.unlock(settings.desk.keyfiles / f"{_EDITOR}.key", member.passphrase)
        scratch = settings.desk.data / "scratch"
        scratch.mkdir(exist_ok=True)
        vault, mailbox = open_vault(settings), open_mailbox(settings)
        stack.callback(vault.close)
        stack.callback(mailbox.close)
        scrubber = stack.enter_context(Scrubber.start(directory=scratch, require_sandbox=False))
        rosters = RosterWatch.of(settings, vault)
        app = create_app(settings, vault=vault, mailbox=mailbox, scrubber=scrubber, rosters=rosters)
        _fill(vault, cases)
        here = context.of(app)
        here.cases.refresh()
        cookie, session = here.sessions.begin(handle=_EDITOR, role=Role.EDITOR, seat=Seat(vault, staff, rosters))
        session.reader = _Knowing(session.seat, here.cases, Pictures())
        contents = session.reader.contents
        for place in range(cases):
            contents.languages["ko" if place % 2 else "en"].put(place)
            contents.files.put(place, inside=place % 2 == 0)
            contents.labels["border"].put(place, inside=place % 3 == 0)
        yield _Desk(app=app, session=session, cookie=cookie, name=here.cookie_name)


def _fill(vault: Vault, cases: int) -> None:
    """Write the rows of the cases, each with a letter that the editor has read or not."""
    ids = [os.urandom(16) for _ in range(cases)]
    with vault.change() as change:
        rows = [
            {
                "id": case_id,
                "name": f"C-{place:06}",
                "source": os.urandom(32),
                "state": _STATES[place % len(_STATES)].value,
                "assignee": (_EDITOR, None)[place // 2 % 2],
                "opened": _NOW_HOUR - cases + place,
                "active": _NOW_HOUR - cases + place,
                "revision": place + 1,
                "sequence": 1,
                "last_letter": 1,
                "letters": 1,
                "damaged": 0,
            }
            for place, case_id in enumerate(ids)
        ]
        change.session.execute(insert(Case), rows)
        letter = {"kind": Kind.LETTER.value, "sequence": 1, "hour": _NOW_HOUR, "batch": 0, "gone": False}
        change.session.execute(insert(Item), [{**letter, "id": os.urandom(16), "case_id": each} for each in ids])
        marks = [
            {"case_id": each, "handle": _EDITOR, "read_sequence": place // 2 % 2, "starred": place % 3 == 0}
            for place, each in enumerate(ids)
        ]
        change.session.execute(insert(Mark), marks)
        change.state.revision = cases


def _seal_into(seat: Seat, case_id: bytes, *, new: bool) -> None:
    """Seal a letter and a card as sorting and an editor would; in the place of the letter that only has a row."""
    if not new:
        conversation.change_labels(seat, case_id, add=[secrets.token_hex(4)])
        return
    roster, letter_id = seat.roster(), os.urandom(16)
    fields = {
        "lookup": secrets.token_hex(32),
        "thread": secrets.token_hex(16),
        "reply_key": str(HybridIdentity.generate().recipient),
        "report_language": "ko",
    }
    parts = [("report.txt", "text/plain; charset=utf-8", _TEXT), ("photo-1.jpg", "image/jpeg", bytes(5000))]

    def seal(payload: BinaryIO) -> bytes:
        return seal_envelope(
            roster.binding(Kind.LETTER, thread=letter_id, object_id=letter_id),
            hour=_NOW_HOUR,
            fields=fields,
            parts=[
                PartSource(name=name, media_type=media_type, source=io.BytesIO(content), length=len(content))
                for name, media_type, content in parts
            ],
            recipients=roster.recipients(),
            payload_to=payload,
        )

    origin = origin_of(fields)
    if origin is None:  # pragma: no cover - the fields above say where the letter is from
        raise FieldreportError("a letter of the benchmark has no origin")
    with (
        seat.vault.objects.staging(
            seal,
            object_id=letter_id,
            kind=Kind.LETTER,
            thread=letter_id,
            epoch=roster.epoch,
            keys=roster.key_ids(),
        ) as staged,
        seat.change() as change,
    ):
        case = change.session.get_one(Case, case_id)
        case.source, case.reply_tag = origin.source, origin.reply_tag
        Opener(staff=seat.staff, epoch=roster.epoch, instance=seat.vault.instance).sign(case)
        change.add_as_is(staged)
        change.session.execute(update(Item).where(Item.case_id == case_id).values(id=letter_id))
    conversation.save_card(seat, case_id, Card(facts="A working title", labels=("border",)))
