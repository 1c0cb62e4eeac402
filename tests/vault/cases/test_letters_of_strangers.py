"""Letters that anybody may have sealed: to some of the editors, to nobody, with any clock, with nothing inside."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence

import pytest

from fieldreport import limits
from fieldreport.errors import NotARecipient
from fieldreport.seal import Binding, HybridIdentity, HybridRecipient, Kind, PartSource, seal_envelope
from fieldreport.seal.stanza import Stanza
from fieldreport.unseal import roster_changes
from fieldreport.vault.archive import objects, rewrap
from fieldreport.vault.archive.tables import SealedObject
from fieldreport.vault.cases import inbox, sort
from tests.cast import INSTANCE, a_source
from tests.vault.newsroom import Newsroom


def hand_in(
    newsroom: Newsroom,
    recipients: Sequence[HybridRecipient],
    *,
    hour: int | None = None,
    claimed_epoch: int | None = None,
) -> bytes:
    """Deposit a letter sealed to these keys, anybody's, and return its id."""
    letter_id, source, payload = os.urandom(16), a_source(), io.BytesIO()
    roster = newsroom.roster
    header = seal_envelope(
        Binding(
            kind=Kind.LETTER,
            epoch=roster.epoch,
            roster=roster.sha256,
            instance=INSTANCE,
            thread=letter_id,
            object=letter_id,
        ),
        hour=newsroom.clock.hour if hour is None else hour,
        fields={"lookup": source.lookup.hex()},
        parts=[PartSource(name="report.txt", media_type="text/plain", source=io.BytesIO(b"text"), length=4)],
        recipients=recipients,
        payload_to=payload,
    )

    def copy(destination: io.RawIOBase) -> bytes:
        destination.write(payload.getvalue())
        return header

    assert newsroom.mailbox.deposit(letter_id, claimed_epoch or roster.epoch, copy)  # type: ignore[arg-type] # a file is a file
    return letter_id


def readers(newsroom: Newsroom, letter_id: bytes) -> set[str]:
    """Whom the vault believes a letter to be sealed to."""
    with newsroom.vault.reading() as session:
        stored = session.get(SealedObject, letter_id)
        assert stored is not None
        return set(objects.keys_of(session, stored.set_id))


def test_a_letter_sealed_to_one_editor_is_readable_by_all_once_that_one_has_sorted(newsroom: Newsroom) -> None:
    amira, jonas = newsroom.seat(newsroom.amira), newsroom.seat(newsroom.jonas)
    letter_id = hand_in(newsroom, [newsroom.amira.identities[0].recipient, HybridIdentity.generate().recipient])
    newsroom.collect()
    assert sort.sort(jonas).unopened == 1
    assert sort.sort(amira).letters == 1
    assert jonas.text(letter_id) == "text"
    assert readers(newsroom, letter_id) == set(newsroom.roster.key_ids())


def test_a_letter_sealed_to_nobody_here_is_tried_once_by_each_and_holds_up_nothing(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    garbage = hand_in(newsroom, [HybridIdentity.generate().recipient for _ in range(3)])
    newsroom.collect()
    tries = []
    unwrap = HybridIdentity.unwrap

    def counted(self: HybridIdentity, stanza: Stanza) -> bytes | None:
        tries.append(self.key_id)
        return unwrap(self, stanza)

    monkeypatch.setattr(HybridIdentity, "unwrap", counted)
    for _ in range(3):
        for staff in (newsroom.amira, newsroom.jonas):
            assert sort.sort(newsroom.seat(staff)).unopened == 1
    assert len(tries) == 2 * 3, "each editor's one key on each of three stanzas, once"
    # The recovery key was not tried by anybody: it may be the one that opens it, so it is not called damaged.
    assert readers(newsroom, garbage) == {newsroom.recovery.key_id}
    assert inbox.item(newsroom.vault, garbage).damage is None
    assert inbox.unsorted(newsroom.vault) == 1
    for staff in (newsroom.amira, newsroom.jonas):
        assert newsroom.vault.objects.named_by(staff.identities[0].key_id) == 0
    assert newsroom.receive(a_source()).letters == 1


def test_a_letter_that_the_mailbox_gave_a_wrong_epoch_is_still_tried_by_everybody(newsroom: Newsroom) -> None:
    late = newsroom.hire("late")
    # Of epoch 2 and sealed to the new colleague alone, but announced as of epoch 1, whose roster did not know them.
    letter_id = hand_in(newsroom, [late.identities[0].recipient], claimed_epoch=1)
    newsroom.collect()
    for staff in (newsroom.amira, newsroom.jonas, newsroom.amira):
        assert sort.sort(newsroom.seat(staff)).unopened == 1
    assert sort.sort(newsroom.seat(late)).letters == 1
    assert newsroom.seat(newsroom.amira).text(letter_id) == "text"


def test_without_a_roster_in_force_letters_are_sorted_and_rebuilt_later(newsroom: Newsroom) -> None:
    letter_id = hand_in(newsroom, [newsroom.amira.identities[0].recipient])
    newsroom.collect()
    newsroom.clock.pass_hours(24 * (limits.ROSTER_DAYS + 1))
    amira = newsroom.seat(newsroom.amira)
    assert sort.sort(amira).letters == 1
    assert readers(newsroom, letter_id) == {newsroom.amira.identities[0].key_id}
    with pytest.raises(NotARecipient):
        newsroom.seat(newsroom.jonas).text(letter_id)
    expired = newsroom.rosters.newest(at_least=0)
    newsroom.publish(roster_changes.next_roster(expired, expired.entries, now=newsroom.clock.moment))
    assert rewrap.rewrap(amira).done == 1
    assert newsroom.seat(newsroom.jonas).text(letter_id) == "text"


def test_a_letter_from_the_future_arrived_now(newsroom: Newsroom) -> None:
    letter_id = hand_in(newsroom, newsroom.roster.recipients(), hour=2**31 - 1)
    newsroom.collect()
    sort.sort(newsroom.seat(newsroom.amira))
    assert inbox.item(newsroom.vault, letter_id).hour == newsroom.clock.hour
