"""What was stored before objects were signed: listed by the migration, adopted once, and never added to."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import insert, update

import fieldreport.vault
from fieldreport.errors import SealError
from fieldreport.seal import Binding, Kind, PartSource, seal_envelope
from fieldreport.store import FileBlobs, migrate, open_engine
from fieldreport.vault.archive.authors import digest_of
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.archive.tables import Case, Item, SealedObject, Unsigned
from fieldreport.vault.cases import conversation
from fieldreport.vault.cases.conversation import Card, text_part
from fieldreport.vault.staff import adoption
from tests.cast import a_source
from tests.vault.newsroom import Newsroom, everywhere, hidden


def make_old(newsroom: Newsroom, object_id: bytes, thread: bytes, kind: Kind, part: PartSource) -> None:
    """Put an object without a signature, as earlier versions sealed it, in the place of a signed one."""
    roster, payload = newsroom.roster, io.BytesIO()
    header = seal_envelope(
        Binding(
            kind=kind,
            epoch=roster.epoch,
            roster=roster.sha256,
            instance=newsroom.vault.instance,
            thread=thread,
            object=object_id,
        ),
        hour=newsroom.clock.hour,
        fields={},
        parts=[part],
        recipients=roster.recipients(),
        payload_to=payload,
    )
    with newsroom.vault.change() as change:
        change.session.execute(
            update(SealedObject)
            .where(SealedObject.id == object_id)
            .values(**hidden(change, header), payload=payload.getvalue(), blob=None, size=payload.tell())
        )


@pytest.fixture
def old(newsroom: Newsroom) -> tuple[bytes, bytes, bytes]:
    """A case, a note and a card as they were before signing, listed as the migration lists them."""
    amira = newsroom.seat(newsroom.amira)
    case = newsroom.receive(a_source()).id
    note = conversation.note(amira, case, "an old note")
    card = conversation.save_card(amira, case, Card(facts="old", protected=("Mara",))).version
    assert card is not None
    make_old(newsroom, note, case, Kind.NOTE, text_part("an old note"))
    data = b'{"facts":"old","protected":["Mara"]}'
    part = PartSource(name="card.json", media_type="application/json", source=io.BytesIO(data), length=len(data))
    make_old(newsroom, card, case, Kind.CARD, part)
    with newsroom.vault.change() as change:
        change.session.execute(
            update(Case).values(opener=None, opener_epoch=None, opener_signature=None, reply_tag=None)
        )
        for one in (note, card, case):
            change.session.execute(insert(Unsigned).values(digest=digest_of(one)))
    return case, note, card


def code_of(seat: Seat, note: bytes) -> str:
    with pytest.raises(SealError) as caught:
        seat.text(note)
    return caught.value.code


@everywhere
def test_what_is_from_before_signing_is_refused_until_it_is_adopted(
    newsroom: Newsroom, old: tuple[bytes, bytes, bytes]
) -> None:
    case, note, _ = old
    amira, jonas = newsroom.seat(newsroom.amira), newsroom.seat(newsroom.jonas)
    assert code_of(jonas, note) == "unsigned"
    assert adoption.at_unlock(amira) == ()
    for seat in (amira, jonas):
        assert seat.text(note) == "an old note"
        assert conversation.card(seat, case).protected == ("Mara",)
    conversation.reply(jonas, case, "it goes on", newsroom.mailbox)
    card = conversation.card(jonas, case)
    conversation.save_card(jonas, case, Card(facts="new", protected=(), version=card.version))
    assert conversation.card(amira, case).facts == "new"


def test_an_adopted_card_cannot_be_put_back_after_a_newer_one(
    newsroom: Newsroom, old: tuple[bytes, bytes, bytes]
) -> None:
    case, _, card = old
    amira = newsroom.seat(newsroom.amira)
    adoption.adopt(amira)
    with newsroom.vault.reading() as session:
        copy = session.get_one(SealedObject, card)
        values = {column.key: getattr(copy, column.key) for column in SealedObject.__table__.columns}
    header = newsroom.vault.objects.header(card)
    conversation.save_card(amira, case, Card(facts="new", protected=(), version=card))
    with newsroom.vault.change() as change:
        change.session.execute(insert(SealedObject).values({**values, **hidden(change, header)}))
        change.session.execute(update(Case).values(card=card))
    with pytest.raises(SealError) as caught:
        conversation.card(amira, case)
    assert caught.value.code == "forged"


def test_what_was_adopted_with_one_author_is_refused_with_another(
    newsroom: Newsroom, old: tuple[bytes, bytes, bytes]
) -> None:
    _, note, _ = old
    adoption.adopt(newsroom.seat(newsroom.amira))
    with newsroom.vault.change() as change:
        change.session.execute(update(Item).where(Item.id == note).values(author="jonas"))
    assert code_of(newsroom.seat(newsroom.amira), note) == "forged"


def test_nothing_joins_the_list_once_an_editor_has_unlocked(newsroom: Newsroom) -> None:
    """Also where there was nothing to adopt: on a new vault the list is empty, and stays so."""
    amira, jonas = newsroom.seat(newsroom.amira), newsroom.seat(newsroom.jonas)
    case = newsroom.receive(a_source()).id
    note = conversation.note(amira, case, "x")
    assert adoption.at_unlock(amira) == ()
    assert adoption.at_unlock(amira) == ()
    assert [act for _, act, _ in newsroom.acts()].count("adopted") == 1
    make_old(newsroom, note, case, Kind.NOTE, text_part("forged"))
    with newsroom.vault.change() as change:
        change.session.execute(insert(Unsigned).values(digest=digest_of(note)))
    for seat in (amira, jonas):
        (notice,) = adoption.at_unlock(seat)
        assert "was changed" in notice
        assert code_of(seat, note) == "unsigned"


def test_a_case_with_letters_of_two_sources_is_not_adopted(newsroom: Newsroom, old: tuple[bytes, bytes, bytes]) -> None:
    case, _, _ = old
    other = newsroom.receive(a_source()).id
    with newsroom.vault.change() as change:
        change.session.execute(update(Item).where(Item.case_id == other).values(case_id=case, sequence=50))
    adoption.adopt(newsroom.seat(newsroom.amira))
    with pytest.raises(SealError) as caught:
        conversation.reply(newsroom.seat(newsroom.amira), case, "x", newsroom.mailbox)
    assert caught.value.code == "unsigned"


@pytest.fixture
def before(tmp_path: Path) -> str:
    """The URL of a database as the version before signing left it."""
    url = f"sqlite:///{tmp_path / 'old.db'}"
    engine = open_engine(url)
    config = Config()
    config.set_main_option("script_location", str(Path(fieldreport.vault.__path__[0]) / "migrations"))
    config.set_main_option("path_separator", "os")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0004")
    engine.dispose()
    return url


def test_the_migration_lists_what_staff_wrote_and_the_cases_and_no_letters(before: str, tmp_path: Path) -> None:
    engine = open_engine(before)
    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO recipient_sets (id, keys) VALUES (1, '')")
        for kind in range(1, 8):
            connection.exec_driver_sql(
                "INSERT INTO objects (id, kind, thread, epoch, set_id, size, header, payload)"
                " VALUES (?, ?, ?, 1, 1, 1, X'00', X'00')",
                (bytes([kind]) * 16, kind, bytes(16)),
            )
        connection.exec_driver_sql(
            "INSERT INTO cases (id, name, source, state, opened, active, sequence, last_letter, letters, damaged)"
            " VALUES (?, 'C-AAAA', ?, 'new', 1, 1, 0, 0, 0, 0)",
            (b"c" * 16, b"s" * 32),
        )
    migrate(engine, "fieldreport.vault", FileBlobs(tmp_path / "blobs").row_keys)
    with engine.connect() as connection:
        listed = set(connection.exec_driver_sql("SELECT digest FROM unsigned").scalars())
    engine.dispose()
    assert listed == {digest_of(bytes([kind]) * 16) for kind in range(3, 8)} | {digest_of(b"c" * 16)}
