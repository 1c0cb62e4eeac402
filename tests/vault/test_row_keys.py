"""After each act the keys in the files are those of the rows that are left, whatever the databases remember.

With that, no log, dead row, replica or backup of a database, and no log of its server, lets a destroyed key open
anything, shows what was removed, or ties a reply to its case.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fieldreport.store import migrate, open_engine
from fieldreport.vault.archive import rewrap
from fieldreport.vault.cases import conversation, outbox, restriction, sort, workflow
from fieldreport.vault.cases.conversation import Card
from fieldreport.vault.keys import rotation
from tests.cast import a_source, copy_tables, with_new_key
from tests.store import throwaway_postgres
from tests.vault.attacker import Attacker
from tests.vault.newsroom import Away, Newsroom, open_newsroom

pytestmark = pytest.mark.campaign

# A server that forgets as little as one can, and writes down every statement with its values.
_SERVER = (
    "full_page_writes=on",
    "wal_keep_size=1GB",
    "autovacuum=off",
    "logging_collector=on",
    "log_statement=all",
    "log_min_duration_statement=0",
)


@functools.cache
def _template() -> str:
    """A database with the tables of mailbox and vault."""
    engine = open_engine(throwaway_postgres.fresh_database(home=throwaway_postgres.start(*_SERVER)))
    for package in ("fieldreport.mailbox", "fieldreport.vault"):
        migrate(engine, package)
    engine.dispose()
    return str(engine.url.database)


@contextmanager
def attacked(directory: Path, *, vault_served: bool, mailbox_served: bool) -> Iterator[Attacker]:
    """The attacker of a newsroom whose databases are files, or lie on a server."""
    urls = {
        "vault_url": copy_tables("fieldreport.vault", directory / "desk" / "vault.db"),
        "mailbox_url": copy_tables("fieldreport.mailbox", directory / "intake" / "mailbox.db"),
    }
    server = throwaway_postgres.start(*_SERVER) if vault_served or mailbox_served else None
    served = None if server is None else throwaway_postgres.fresh_database(like=_template(), home=server)
    if served and vault_served:
        urls["vault_url"] = served
    if served and mailbox_served:
        urls["mailbox_url"] = served
    vault, mailbox, clock = open_newsroom(directory, **urls)
    newsroom = Newsroom(directory=directory, vault=vault, mailbox=mailbox, clock=clock)
    with pytest.MonkeyPatch.context() as patch:
        attacker = Attacker(newsroom=newsroom, server=server)
        attacker.listen(patch)
        yield attacker
    vault.close()
    mailbox.close()
    if served:
        throwaway_postgres.execute(f"DROP DATABASE {open_engine(served).url.database}", home=server)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def attacker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Attacker]:
    served = request.param == "postgresql"
    with attacked(tmp_path, vault_served=served, mailbox_served=served) as made:
        yield made


def collect(newsroom: Newsroom) -> None:
    for number in range(3):
        newsroom.send(a_source(), f"report {number}")
    newsroom.send(a_source(), "with a file", files=(b"film" * 50_000,))
    newsroom.collect()


def read_replies(newsroom: Newsroom) -> None:
    source = a_source()
    case = newsroom.receive(source)
    for text in ("one", "another", "and one more"):
        conversation.reply(newsroom.seat(newsroom.amira), case.id, text, newsroom.mailbox)
    first, *_ = newsroom.mailbox.replies(source.index)
    newsroom.mailbox.delete_replies(source.index, [first.id])


def delete_replies(newsroom: Newsroom) -> None:
    source = a_source()
    case = newsroom.receive(source)
    conversation.reply(newsroom.seat(newsroom.amira), case.id, "an answer", newsroom.mailbox)
    newsroom.mailbox.delete_all_replies(source.index)


def withdraw(newsroom: Newsroom) -> None:
    source = a_source()
    case = newsroom.receive(source)
    conversation.reply(newsroom.seat(newsroom.amira), case.id, "an answer", Away(newsroom.mailbox))
    newsroom.send(source, action="withdraw")
    newsroom.collect()
    sort.sort(newsroom.seat(newsroom.amira))


def delete(newsroom: Newsroom) -> None:
    case = newsroom.receive(a_source(), files=(b"film" * 50_000,))
    conversation.note(newsroom.seat(newsroom.amira), case.id, "a note")
    workflow.delete(newsroom.seat(newsroom.amira), case.id)


def save_cards(newsroom: Newsroom) -> None:
    case = newsroom.receive(a_source())
    seat = newsroom.seat(newsroom.amira)
    card = conversation.save_card(seat, case.id, Card(facts="old"))
    conversation.save_card(seat, case.id, Card(facts="new", version=card.version))


def limit(newsroom: Newsroom) -> None:
    newsroom.hire("dana")
    case = newsroom.receive(a_source())
    restriction.limit(newsroom.seat(newsroom.amira), case.id, ["amira", "jonas"])


def revoke(newsroom: Newsroom) -> None:
    newsroom.receive(a_source())
    newsroom.revoke("jonas")
    rewrap.rewrap(newsroom.seat(newsroom.amira))


def rotate(newsroom: Newsroom) -> None:
    for _ in range(3):
        case = newsroom.receive(a_source())
        conversation.note(newsroom.seat(newsroom.amira), case.id, "a note")
    newsroom.send(a_source(), "one that waits")
    finish_rotation(newsroom)


def finish_rotation(newsroom: Newsroom) -> None:
    order = rotation.order(newsroom.seat(newsroom.lena), "amira")
    amira = with_new_key(newsroom.amira)
    new = amira.identities[0].key_id
    rotation.request(newsroom.seat(amira), "the signed request", new)
    roster = newsroom.next_roster(amira)
    rotation.approve(newsroom.seat(newsroom.lena), order.id, new_key_id=new, epoch=roster.epoch)
    newsroom.mailbox.saw_epoch(roster.epoch)
    newsroom.collect()
    sort.sort(newsroom.seat(amira))
    rewrap.rewrap(newsroom.seat(amira))
    rotation.finish(newsroom.seat(amira), newsroom.mailbox)


_ACTS: list[Callable[[Newsroom], None]] = [
    *(collect, read_replies, delete_replies, withdraw, delete, save_cards, limit, revoke, rotate)
]


@pytest.mark.parametrize("act", _ACTS)
def test_what_an_act_removes_has_no_key_any_more(attacker: Attacker, act: Callable[[Newsroom], None]) -> None:
    act(attacker.newsroom)
    assert len(attacker.history) > len(attacker.open_rows())
    attacker.must_find_only_what_is_there()


def test_a_destroyed_key_opens_nothing_that_any_file_holds_or_held(attacker: Attacker) -> None:
    newsroom = attacker.newsroom
    newsroom.send(a_source())
    newsroom.receive(a_source())
    old = newsroom.amira.identities[0]
    assert attacker.opened_by(old) > 0
    rotate(newsroom)
    assert attacker.opened_by(old) == 0
    assert attacker.opened_by(newsroom.recovery) > 0


def test_someone_who_left_opens_nothing_after_the_re_wrapping(attacker: Attacker) -> None:
    newsroom = attacker.newsroom
    newsroom.receive(a_source())
    assert attacker.opened_by(newsroom.jonas.identities[0]) > 0
    revoke(newsroom)
    assert attacker.opened_by(newsroom.jonas.identities[0]) == 0


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def test_nothing_of_the_desk_ties_a_reply_to_its_case(tmp_path: Path, kind: str) -> None:
    with attacked(tmp_path, vault_served=kind == "postgresql", mailbox_served=False) as attacker:
        newsroom, source = attacker.newsroom, a_source()
        case = newsroom.receive(source)
        conversation.reply(newsroom.seat(newsroom.amira), case.id, "an answer", Away(newsroom.mailbox))
        waiting = attacker.history[-1]
        assert source.index in waiting.content
        assert waiting in attacker.open_rows()
        outbox.deliver(newsroom.vault, newsroom.mailbox)
        assert waiting not in attacker.open_rows()
        (reply,) = newsroom.mailbox.replies(source.index)
        told = attacker.found([reply.id, source.index, reply.payload[:64]])
        assert {Path(path).relative_to(tmp_path).parts[0] for path in told} == {"intake"}
