"""Sorting: letters of one source meet in one case; damage is kept and named; a withdrawal is carried out."""

from __future__ import annotations

import hashlib
import os
import shutil

import pytest

from fieldreport.errors import NotAllowed, NotFound, StoreError
from fieldreport.limits import CHUNK_BYTES
from fieldreport.seal import SourceKeys
from fieldreport.store import FileBlobs, Mark
from fieldreport.vault.archive.tables import CaseState, Ending
from fieldreport.vault.archive.vault import Vault
from fieldreport.vault.cases import conversation, inbox, sort, workflow
from fieldreport.vault.cases.case_index import CaseFilter
from tests.cast import INSTANCE, a_source, open_rosters
from tests.vault.newsroom import Newsroom, everywhere


def flip(newsroom: Newsroom, position: int) -> None:
    """Alter one byte of the one blob that the vault has."""
    name = next(newsroom.vault.blobs.names())
    path = newsroom.directory / "desk" / "blobs" / name
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)


@everywhere
def test_two_reports_of_one_source_make_one_case(newsroom: Newsroom) -> None:
    source, stranger = a_source(), a_source()
    first, other, second = newsroom.send(source, "one"), newsroom.send(stranger), newsroom.send(source, "two")
    newsroom.collect()
    done = sort.sort(newsroom.seat(newsroom.amira))
    assert (done.new_cases, done.letters, done.damaged, done.unopened) == (2, 3, 0, 0)
    one, two, third = (inbox.item(newsroom.vault, letter).case_id for letter in (first, second, other))
    assert one == two != third
    assert sorted(case.letters for case in newsroom.cases()) == [1, 2]


def test_letters_collected_together_are_filed_as_their_source_sent_them(newsroom: Newsroom) -> None:
    source, other = a_source(), a_source()
    sent = {}
    for hour in range(2):
        newsroom.clock.pass_hours(hour)
        for number in (2, 1, 10, 9, 3):
            sent[hour, number] = newsroom.send(source, fields={"number": str(number)})
            newsroom.send(other)
    newsroom.collect()
    sort.sort(newsroom.seat(newsroom.amira))
    case_id = inbox.item(newsroom.vault, sent[0, 1]).case_id
    assert case_id is not None
    assert [item.id for item in inbox.items(newsroom.vault, case_id)] == [sent[each] for each in sorted(sent)]


def test_a_later_report_joins_its_case_and_makes_it_unread_again(newsroom: Newsroom) -> None:
    source = a_source()
    case = newsroom.receive(source, "first")
    inbox.mark_read(newsroom.vault, case.id, "amira")
    newsroom.clock.pass_hours(5)
    again = newsroom.receive(source, "second")
    assert (again.id, again.letters, again.unread) == (case.id, 2, True)
    assert again.active == case.active + 5
    seat = newsroom.seat(newsroom.amira)
    assert [seat.text(item.id) for item in inbox.items(newsroom.vault, case.id)] == ["first", "second"]


def test_a_report_to_a_closed_case_opens_it_again(newsroom: Newsroom) -> None:
    source = a_source()
    case = newsroom.receive(source)
    workflow.set_state(newsroom.seat(newsroom.amira), case.id, CaseState.CLOSED)
    assert newsroom.receive(source).state is CaseState.NEW


def test_sorting_again_does_nothing(newsroom: Newsroom) -> None:
    newsroom.receive(a_source())
    assert sort.sort(newsroom.seat(newsroom.jonas)).letters == 0
    assert len(newsroom.cases()) == 1


def test_an_admin_sorts_nothing(newsroom: Newsroom) -> None:
    newsroom.send(a_source())
    newsroom.collect()
    with pytest.raises(NotAllowed):
        sort.sort(newsroom.seat(newsroom.lena))


def test_the_parts_of_a_letter_can_be_read(newsroom: Newsroom) -> None:
    photo = os.urandom(200_000)
    case = newsroom.receive(a_source(), "with a photo", files=(photo,))
    item = inbox.items(newsroom.vault, case.id)[0]
    with newsroom.seat(newsroom.jonas).open_item(item.id) as envelope:
        assert envelope.manifest.parts[1].name == "document-1.bin"
        assert envelope.read_part(1, 1_000_000) == photo
        part = envelope.open_part(1)
        part.seek(199_990)
        assert part.read() == photo[199_990:]


def test_a_case_name_is_short_and_says_nothing(newsroom: Newsroom) -> None:
    names = {newsroom.receive(a_source()).name for _ in range(3)}
    assert len(names) == 3
    assert all(name.startswith("C-") and len(name) == 6 for name in names)


# --- damage ---


@pytest.mark.parametrize(
    ("position", "damage"),
    [
        (16 + 4 * CHUNK_BYTES, "part-1"),
        (16 + 9 * CHUNK_BYTES, "part-2"),
        (5, "payload"),  # the payload's nonce: nothing of it can be opened
    ],
)
def test_a_damaged_letter_is_filed_with_the_damaged_part_named(newsroom: Newsroom, position: int, damage: str) -> None:
    source = a_source()
    letter_id = newsroom.send(source, files=(os.urandom(6 * CHUNK_BYTES), os.urandom(6 * CHUNK_BYTES)))
    newsroom.collect()
    flip(newsroom, position)
    done = sort.sort(newsroom.seat(newsroom.amira))
    assert (done.letters, done.damaged) == (1, 1)
    item = inbox.item(newsroom.vault, letter_id)
    assert item.damage == damage
    assert item.case_id is not None
    assert inbox.get(newsroom.vault, item.case_id, viewer="amira").damaged == 1


def test_what_is_sound_of_a_damaged_letter_can_still_be_read(newsroom: Newsroom) -> None:
    letter_id = newsroom.send(a_source(), "the text", files=(os.urandom(6 * CHUNK_BYTES),))
    newsroom.collect()
    flip(newsroom, 16 + 4 * CHUNK_BYTES)
    seat = newsroom.seat(newsroom.amira)
    sort.sort(seat)
    assert seat.text(letter_id) == "the text"


def test_a_damaged_letter_whose_manifest_can_be_read_joins_its_case(newsroom: Newsroom) -> None:
    source = a_source()
    case = newsroom.receive(source)
    newsroom.send(source, files=(os.urandom(6 * CHUNK_BYTES),))
    newsroom.collect()
    flip(newsroom, 16 + 4 * CHUNK_BYTES)
    sort.sort(newsroom.seat(newsroom.amira))
    assert [(case.letters, case.damaged) for case in newsroom.cases()] == [(2, 1)]
    assert newsroom.cases()[0].id == case.id


def test_several_damaged_parts_are_all_named(newsroom: Newsroom) -> None:
    letter_id = newsroom.send(a_source(), files=(os.urandom(6 * CHUNK_BYTES), os.urandom(6 * CHUNK_BYTES)))
    newsroom.collect()
    flip(newsroom, 16 + 4 * CHUNK_BYTES)
    flip(newsroom, 16 + 9 * CHUNK_BYTES)
    sort.sort(newsroom.seat(newsroom.amira))
    assert inbox.item(newsroom.vault, letter_id).damage == "part-1,part-2"


def test_a_letter_without_its_payload_is_filed_and_says_so(newsroom: Newsroom) -> None:
    letter_id = newsroom.send(a_source(), files=(os.urandom(300_000),))
    newsroom.collect()
    newsroom.vault.blobs.delete(next(newsroom.vault.blobs.names()))
    assert sort.sort(newsroom.seat(newsroom.amira)).damaged == 1
    assert inbox.item(newsroom.vault, letter_id).damage == "payload"


def test_a_payload_store_that_is_away_makes_no_letter_a_damaged_one(newsroom: Newsroom) -> None:
    letter_id = newsroom.send(a_source(), files=(os.urandom(300_000),))
    newsroom.collect()
    blobs = newsroom.directory / "desk" / "blobs"
    blobs.rename(blobs.with_name("unmounted"))
    done = sort.sort(newsroom.seat(newsroom.amira))
    assert (done.damaged, done.unopened, done.unreadable) == (0, 1, 1)
    blobs.with_name("unmounted").rename(blobs)
    assert sort.sort(newsroom.seat(newsroom.amira)).letters == 1
    assert inbox.item(newsroom.vault, letter_id).damage is None


def test_an_empty_payload_store_is_a_disk_that_is_not_mounted(newsroom: Newsroom) -> None:
    blobs = newsroom.directory / "desk" / "blobs"
    mark = Mark(instance=newsroom.vault.instance, known=newsroom.directory / "desk" / "blobs.marked")
    newsroom.vault = Vault(newsroom.vault.engine, FileBlobs(blobs, mark=mark), INSTANCE, clock=newsroom.clock)
    for _ in range(3):
        newsroom.send(a_source(), files=(os.urandom(300_000),))
    newsroom.collect()
    blobs.rename(blobs.with_name("unmounted"))
    blobs.mkdir()
    with pytest.raises(StoreError, match="payload store is away"):
        sort.sort(newsroom.seat(newsroom.amira))
    blobs.rmdir()
    blobs.with_name("unmounted").rename(blobs)
    done = sort.sort(newsroom.seat(newsroom.amira))
    assert (done.letters, done.damaged) == (3, 0)


def test_a_letter_that_cannot_be_read_waits_and_the_others_are_filed(newsroom: Newsroom) -> None:
    damaged = newsroom.send(a_source(), files=(os.urandom(300_000),))
    newsroom.collect()
    path = next((newsroom.directory / "desk" / "blobs").glob("[0-9a-f]*"))
    away = path.rename(path.parent.parent / "away")
    path.mkdir()
    newsroom.send(a_source())
    newsroom.collect()
    done = sort.sort(newsroom.seat(newsroom.amira))
    assert (done.letters, done.damaged, done.unreadable) == (1, 0, 1)
    assert newsroom.vault.unreadable() == [damaged]
    path.rmdir()
    away.rename(path)
    assert sort.sort(newsroom.seat(newsroom.amira)).letters == 1
    assert newsroom.vault.unreadable() == []


def test_bytes_that_are_no_letter_at_all_are_filed_as_damaged(newsroom: Newsroom) -> None:
    letter_id = newsroom.deposit_raw(b"not a header", os.urandom(500))
    newsroom.collect()
    assert sort.sort(newsroom.seat(newsroom.amira)).damaged == 1
    assert inbox.item(newsroom.vault, letter_id).damage == "header"


def test_a_letter_that_was_put_in_anothers_place_is_filed_as_damaged(newsroom: Newsroom) -> None:
    genuine = newsroom.mailbox.fetch(newsroom.send(a_source()))
    with genuine.payload as file:
        moved = newsroom.deposit_raw(genuine.header, file.read())
    newsroom.collect()
    done = sort.sort(newsroom.seat(newsroom.amira))
    assert (done.letters, done.damaged) == (2, 1)
    assert inbox.item(newsroom.vault, moved).damage == "binding"


def test_a_letter_without_a_proper_lookup_is_filed_by_itself(newsroom: Newsroom) -> None:
    class Odd:
        lookup = b"short"
        thread = bytes(16)
        identity = a_source().identity

    newsroom.send(Odd)  # type: ignore[arg-type] # what a hostile intake might seal
    newsroom.collect()
    assert sort.sort(newsroom.seat(newsroom.amira)).damaged == 1


# --- not for these keys ---


def test_a_letter_that_these_keys_do_not_open_waits_for_somebody_elses(newsroom: Newsroom) -> None:
    letter_id = newsroom.send(a_source())
    newsroom.collect()
    late = newsroom.seat(newsroom.hire("late"))
    done = sort.sort(late)
    assert (done.letters, done.unopened) == (0, 1)
    assert inbox.unsorted(newsroom.vault) == 1
    assert inbox.item(newsroom.vault, letter_id).case_id is None
    assert sort.sort(newsroom.seat(newsroom.amira)).letters == 1
    assert inbox.unsorted(newsroom.vault) == 0


def test_a_letter_of_a_roster_that_has_not_arrived_yet_is_not_called_damaged(newsroom: Newsroom) -> None:
    up_to_date = newsroom.rosters
    shutil.copytree(newsroom.directory / "keys", newsroom.directory / "behind")
    newsroom.hire("late")
    letter_id = newsroom.send(a_source())
    newsroom.rosters = open_rosters(newsroom.directory / "behind")
    newsroom.collect()
    done = sort.sort(newsroom.seat(newsroom.amira))
    assert (done.damaged, done.unknown_roster, done.unopened) == (0, 1, 1)
    newsroom.rosters = up_to_date
    assert sort.sort(newsroom.seat(newsroom.amira)).letters == 1
    assert inbox.item(newsroom.vault, letter_id).damage is None


# --- withdrawal ---


def withdraw(newsroom: Newsroom, source: SourceKeys) -> bytes:
    return newsroom.send(source, "", action="withdraw")


@everywhere
def test_a_withdrawal_shreds_everything_of_that_source_and_nothing_of_others(newsroom: Newsroom) -> None:
    source, other = a_source(), a_source()
    case, kept = newsroom.receive(source), newsroom.receive(other)
    seat = newsroom.seat(newsroom.amira)
    conversation.note(seat, case.id, "a note")
    conversation.reply(seat, case.id, "an answer", newsroom.mailbox)
    conversation.save_card(seat, case.id, conversation.card(seat, case.id))
    objects = [item.id for item in inbox.items(newsroom.vault, case.id)]
    newsroom.clock.pass_hours(1)
    withdrawal = withdraw(newsroom, source)
    newsroom.collect()
    assert sort.sort(seat).withdrawn == 1
    assert [row.id for row in newsroom.cases()] == [kept.id]
    tombstone = newsroom.cases(CaseFilter(ended=True))[0]
    assert (tombstone.id, tombstone.ended, tombstone.letters) == (case.id, Ending.WITHDRAWN, 0)
    for object_id in [*objects, withdrawal]:
        with pytest.raises(NotFound):
            newsroom.vault.objects.open(object_id)
    for key_id in newsroom.roster.key_ids():
        assert newsroom.vault.objects.named_by(key_id) == 1
    assert newsroom.acts()[-1] == ("amira", "case-withdrawn", case.name)
    with pytest.raises(NotFound):
        conversation.note(seat, case.id, "too late")


@everywhere
def test_a_report_and_its_withdrawal_that_arrive_together_leave_nothing(newsroom: Newsroom) -> None:
    source = a_source()
    for _ in range(3):
        newsroom.send(source)
    withdraw(newsroom, source)
    newsroom.collect()
    done = sort.sort(newsroom.seat(newsroom.amira))
    assert done.withdrawn == 4 - done.letters  # some may have been filed before the withdrawal was reached
    assert newsroom.cases() == ()
    assert newsroom.vault.objects.named_by(newsroom.amira.identities[0].key_id) == 0


@pytest.mark.parametrize("together", [True, False])
def test_what_a_source_sends_after_withdrawing_is_a_new_case(newsroom: Newsroom, *, together: bool) -> None:
    source = a_source()
    before = newsroom.receive(source)
    newsroom.clock.pass_hours(1)
    withdraw(newsroom, source)
    if not together:
        newsroom.collect()
        sort.sort(newsroom.seat(newsroom.amira))
    newsroom.clock.pass_hours(1)
    after = newsroom.receive(source, "a fresh start")
    assert after.id != before.id
    assert [row.id for row in newsroom.cases()] == [after.id]
    assert after.letters == 1


@everywhere
def test_an_older_report_that_could_not_be_opened_then_is_shredded_when_it_can(newsroom: Newsroom) -> None:
    source = a_source()
    older = newsroom.send(source)
    newsroom.collect()
    late = newsroom.seat(newsroom.hire("late"))
    withdraw(newsroom, source)
    newsroom.collect()
    assert sort.sort(late).withdrawn == 1
    done = sort.sort(newsroom.seat(newsroom.amira))
    assert (done.letters, done.withdrawn) == (0, 1)
    assert newsroom.cases() == ()
    with pytest.raises(NotFound):
        newsroom.vault.objects.open(older)


def test_a_withdrawal_of_somebody_unknown_changes_nothing(newsroom: Newsroom) -> None:
    case = newsroom.receive(a_source())
    withdraw(newsroom, a_source())
    newsroom.collect()
    sort.sort(newsroom.seat(newsroom.amira))
    assert [row.id for row in newsroom.cases()] == [case.id]
    assert inbox.unsorted(newsroom.vault) == 0


def test_who_withdrew_is_forgotten_once_nothing_waits(newsroom: Newsroom) -> None:
    source = a_source()
    newsroom.receive(source)
    withdraw(newsroom, source)
    newsroom.collect()
    sort.sort(newsroom.seat(newsroom.amira))
    tag = hashlib.sha256(b"fieldreport/v1/vault/source\n" + source.lookup).digest()
    assert not any(tag in path.read_bytes() for path in newsroom.files())


# --- what lies on the disk ---


def test_no_file_of_the_vault_holds_a_word_or_anything_the_mailbox_could_be_matched_with(newsroom: Newsroom) -> None:
    source = a_source()
    case = newsroom.receive(source, "needle-of-the-report", files=(b"needle-of-the-file" * 10_000,))
    seat = newsroom.seat(newsroom.amira)
    conversation.note(seat, case.id, "needle-of-the-note")
    conversation.reply(seat, case.id, "needle-of-the-reply", newsroom.mailbox)
    newsroom.vault.erase_deleted()
    everything = b"".join(path.read_bytes() for path in newsroom.files())
    for secret in (
        b"needle-of",
        b"document-1.bin",
        source.lookup,
        source.lookup.hex().encode(),
        source.index,
        source.thread,
        source.identity.recipient.public,
        str(source.identity.recipient).encode(),
    ):
        assert secret not in everything
