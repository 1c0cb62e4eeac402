"""A file that its source sealed with age is opened and cleaned here, and nothing of it is shown before."""

from __future__ import annotations

import dataclasses
import io
import os
from functools import partial
from hashlib import sha256

import pytest
from PIL import Image
from sqlalchemy import delete

from fieldreport.desk.previews import clean_copy
from fieldreport.errors import NotARecipient, NotFound, SealError
from fieldreport.scrub import Mode
from fieldreport.seal import SOURCE_SEALED, HybridIdentity, HybridRecipient, Role, open_header
from fieldreport.unseal import roster_changes
from fieldreport.unseal.staff_key import StaffKey
from fieldreport.vault.archive import rewrap
from fieldreport.vault.archive.audit import Act
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.archive.tables import Item, SealedObject
from fieldreport.vault.articles import drafts, materials
from fieldreport.vault.cases import inbox, restriction, sort, source_sealed, workflow
from fieldreport.vault.cases.collect import collect
from fieldreport.vault.cases.inbox import CaseRow
from fieldreport.vault.cases.readings import Reader
from tests.cast import File, age_sealed, deposit_letter, with_new_key, without_old_keys
from tests.desk.conftest import Browser, House
from tests.desk.test_files import photo_that_names_its_camera

WORDS = b"They moved eleven people at night.\n"
MARK = "sealed by the source; cleaned here"


def a_letter(
    house: House, content: bytes = WORDS, *, recipients: tuple[HybridRecipient, ...] = (), sealed: bytes = b""
) -> tuple[CaseRow, bytes]:
    """A case with one letter that holds one sealed file, sorted by Jonas."""
    sealed = sealed or age_sealed(content, recipients or house.roster.recipients())
    case = house.receive("", files=[File("file-1.bin", SOURCE_SEALED, sealed)])
    return case, inbox.items(house.vault, case.id)[-1].id


def open_and_clean(house: House, seat: Seat, letter_id: bytes) -> source_sealed.Opened:
    clean = partial(
        clean_copy,
        mode=Mode.LOSSLESS,
        scrubber=house.scrubber,
        scratch=house.settings.desk.data / "scratch",
    )
    return source_sealed.open_and_clean(seat, letter_id, 1, clean)


def words_of(seat: Seat, made: source_sealed.Opened) -> bytes:
    with seat.open_item(made.item) as envelope:
        return envelope.read_part(0, 1000)


class TestOnThePage:
    def test_nothing_of_it_is_shown_before_somebody_opens_it(self, house: House, amira: Browser) -> None:
        case, letter = a_letter(house)
        page = amira.get(f"/cases/{case.id.hex()}")
        assert "Nobody has seen what is in it" in page.text
        assert MARK not in page.text
        assert WORDS.decode().strip() not in page.text
        stored = amira.get(f"/items/{letter.hex()}/1/download")
        assert stored.body.startswith(b"age-encryption.org/v1\n"), "only the sealed file itself"
        assert amira.get(f"/items/{letter.hex()}/1/picture").status == 404

    def test_a_photo_is_shown_cleaned_and_marked(self, house: House, amira: Browser) -> None:
        case, _letter = a_letter(house, photo_that_names_its_camera())
        page = amira.press(amira.get(f"/cases/{case.id.hex()}"), "Open and clean")
        assert MARK in page.text
        assert "Opened and cleaned here." in page.text
        assert "Removed here: device" in page.text
        (shown,) = page.find("//ul[@class='files']//img/@src")
        picture = amira.get(shown)
        assert (picture.status, picture.headers["Content-Type"]) == (200, "image/jpeg")
        (copy,) = {each for each in page.find("//ul[@class='files']//a/@href") if each.endswith("/0/read")}
        original = amira.get(copy.replace("/read", "/original"))
        assert "It was cleaned here when it was opened" in original.text
        body = amira.get(original.link("Save photo-1.jpg")).body
        assert b"Cam Maker" not in body
        assert b"written at home" not in body
        with Image.open(io.BytesIO(body)) as image:
            assert image.size == (64, 48)
        assert "Open and clean" not in page.buttons()
        assert (house.seat("amira").handle, Act.SOURCE_SEALED_OPENED, case.name) in [
            (entry.actor, entry.act, entry.subject) for entry in house.vault.audit.page(limit=3)
        ]

    def test_what_cannot_be_cleaned_is_refused_with_words_and_stays_sealed(self, house: House, amira: Browser) -> None:
        case, letter = a_letter(house, b"MZ" + bytes(1000))
        page = amira.press(amira.get(f"/cases/{case.id.hex()}"), "Open and clean")
        assert "Opened, and not shown, because it cannot be cleaned:" in page.text
        assert MARK not in page.text
        assert amira.get(f"/items/{letter.hex()}/1/download").body.startswith(b"age-encryption.org/v1\n")
        assert "Try again" in page.buttons(), "a later version may be able to clean it"

    def test_one_that_no_key_here_opens_is_said_to_be_that(self, house: House, amira: Browser) -> None:
        others = tuple(HybridIdentity.generate().recipient for _ in house.roster.recipients())
        case, _letter = a_letter(house, recipients=others)
        page = amira.press(amira.get(f"/cases/{case.id.hex()}"), "Open and clean")
        assert "None of your keys opens this file" in page.text
        assert "Nobody has seen what is in it" in page.text

    @pytest.mark.parametrize("damage", ["last byte", "cut", "no age file"])
    def test_one_that_was_damaged_before_it_came_is_said_to_be_that(
        self, house: House, amira: Browser, damage: str
    ) -> None:
        good = age_sealed(WORDS, house.roster.recipients())
        bad = {"last byte": good[:-1] + bytes([good[-1] ^ 1]), "cut": good[:-40], "no age file": b"x" * 100}[damage]
        case, _letter = a_letter(house, sealed=bad)
        page = amira.press(amira.get(f"/cases/{case.id.hex()}"), "Open and clean")
        assert "This file was damaged before it came, or age did not seal it." in page.text

    def test_a_picture_in_it_can_be_attached_to_an_article(self, house: House, amira: Browser) -> None:
        case, letter = a_letter(house, photo_that_names_its_camera())
        made = open_and_clean(house, house.seat("amira"), letter)
        article = amira.press(amira.get(f"/cases/{case.id.hex()}"), "Start an article", {"language": "en"})
        assert article.find("//button[@name='attach']/@value") == [f"{made.item.hex()}-0"]
        page = amira.press(article, "Attach photo-1.jpg")
        assert "Attached: a fresh copy, cleaned again." in page.text


class TestKeys:
    def test_after_every_key_was_changed_it_still_opens(self, house: House) -> None:
        _case, letter = a_letter(house)
        entries = house.roster.entries
        fresh = {}
        for handle in ("amira", "jonas"):
            house.staff[handle] = fresh[handle] = with_new_key(house.staff[handle])
            entries = roster_changes.with_rotated(entries, fresh[handle].public_entry())
        house.publish(entries)
        rewrap.rewrap(house.seat("amira"))
        for handle in ("amira", "jonas"):
            house.staff[handle] = without_old_keys(fresh[handle])
        made = open_and_clean(house, house.seat("jonas"), letter)
        assert words_of(house.seat("amira"), made) == WORDS

    def test_sorted_by_one_whose_key_does_not_open_it_a_colleague_opens_it_for_all(self, house: House) -> None:
        amira = house.staff["amira"].identities[0].recipient
        _case, letter = a_letter(house, recipients=(amira, HybridIdentity.generate().recipient))
        with pytest.raises(NotARecipient):
            open_and_clean(house, house.seat("jonas"), letter)
        made = open_and_clean(house, house.seat("amira"), letter)
        assert words_of(house.seat("jonas"), made) == WORDS

    def test_its_key_is_limited_with_its_case(self, house: House) -> None:
        case, letter = a_letter(house)
        third = StaffKey.generate("late", Role.EDITOR)
        house.publish(roster_changes.with_added(house.roster.entries, third.public_entry()))
        own = source_sealed.opened_id(case.id, letter, 1)
        rewrap.rewrap(house.seat("amira"))
        assert open_header(house.vault.objects.header(own), third.identities)
        restriction.limit(house.seat("amira"), case.id, {"amira", "jonas"})
        assert open_header(house.vault.objects.header(own), house.staff["jonas"].identities)
        with pytest.raises(NotARecipient):
            open_header(house.vault.objects.header(own), third.identities)
        made = open_and_clean(house, house.seat("amira"), letter)
        with pytest.raises(NotARecipient):
            open_header(house.vault.objects.header(made.item), third.identities)

    def test_the_key_of_another_file_in_its_place_is_refused(self, house: House) -> None:
        case, letter = a_letter(house)
        _same, second = a_letter(house, b"Another.\n")
        with house.vault.change() as change:  # somebody who can write to the database
            one = change.session.get_one(SealedObject, source_sealed.opened_id(case.id, letter, 1))
            two = change.session.get_one(SealedObject, source_sealed.opened_id(case.id, second, 1))
            one.payload, two.payload = two.payload, one.payload
            one.slot, two.slot = two.slot, one.slot
            one.hidden, two.hidden = two.hidden, one.hidden
        with pytest.raises(SealError, match="does not belong here"):
            open_and_clean(house, house.seat("amira"), letter)


class TestAnotherInThePlaceOfTheCopy:
    """Anybody who has the public keys can seal a letter, choose its id and its fields, and hand it in packed."""

    def false_copy(self, house: House, own: bytes, letter: bytes) -> None:
        fields = {"letter": letter.hex(), "part": "1", "file_key": "00" * 16}
        deposit_letter(
            house.mailbox,
            house.roster,
            house.another_source,
            hour=house.clock.hour,
            text="Not what came.\n",
            letter_id=own,
            fields=fields,
        )
        collect(house.vault, house.mailbox, house.watch)
        sort.sort(house.seat("jonas"))

    def test_its_place_is_not_known_outside(self, house: House) -> None:
        letter, seat = os.urandom(16), house.seat("amira")
        guess = sha256(b"fieldreport/v1/vault/opened\n" + letter + bytes([0, 0, 0, 1])).digest()[:16]
        self.false_copy(house, guess, letter)
        sealed = age_sealed(WORDS, house.roster.recipients())
        deposit_letter(
            house.mailbox,
            house.roster,
            house.source,
            hour=house.clock.hour,
            files=[File("file-1.bin", SOURCE_SEALED, sealed)],
            letter_id=letter,
        )
        collect(house.vault, house.mailbox, house.watch)
        sort.sort(seat)
        assert words_of(seat, open_and_clean(house, seat, letter)) == WORDS

    def test_a_letter_that_the_database_puts_there_is_refused(self, house: House) -> None:
        _case, letter = a_letter(house)
        made = source_sealed.opened(house.seat("amira"), letter, 1)
        assert made is not None
        with house.vault.change() as change:  # somebody who can write to the database
            change.shred([made.item])
            change.session.execute(delete(Item).where(Item.id == made.item))
        self.false_copy(house, made.item, letter)
        with pytest.raises(SealError, match="was not made here"):
            open_and_clean(house, house.seat("amira"), letter)


class TestTheCopy:
    def test_two_who_open_it_make_one(self, house: House) -> None:
        case, letter = a_letter(house)
        first = open_and_clean(house, house.seat("amira"), letter)
        again = open_and_clean(house, house.seat("jonas"), letter)
        assert first == again
        acts = [entry.act for entry in house.vault.audit.page(limit=100)]
        assert acts.count(Act.SOURCE_SEALED_OPENED) == 1
        assert len(inbox.items(house.vault, case.id)) == 1, "it is no message of its own"

    def test_it_goes_with_its_case(self, house: House) -> None:
        case, letter = a_letter(house)
        made = open_and_clean(house, house.seat("amira"), letter)
        workflow.delete(house.seat("amira"), case.id)
        with pytest.raises(NotFound):
            house.vault.objects.open(made.item)

    def test_a_part_that_was_not_sealed_is_not_opened(self, house: House) -> None:
        case = house.receive(
            files=[File("file-1.bin", "application/octet-stream", age_sealed(WORDS, house.roster.recipients()))]
        )
        letter = inbox.items(house.vault, case.id)[0].id
        with pytest.raises(NotFound):
            open_and_clean(house, house.seat("amira"), letter)

    def test_its_words_are_compared_with_an_article(self, house: House) -> None:
        case, letter = a_letter(house)
        seat = house.seat("amira")
        reader = Reader(house.scrubber, house.settings.desk.data / "scratch")
        draft = drafts.create(seat, [case.id], language="en")
        before = materials.background(seat, draft.head.id, reader).materials[0]
        assert ("eleven people" in before.text, before.uncompared) == (False, ("file-1.bin of letter 1",))
        open_and_clean(house, seat, letter)
        after = materials.background(seat, draft.head.id, reader).materials[0]
        assert ("eleven people" in after.text, after.uncompared) == (True, ())

    def test_its_key_is_kept_when_the_letter_is_sorted(self, house: House) -> None:
        sealed = age_sealed(WORDS, house.roster.recipients())
        letter = house.send("", files=[File("file-1.bin", SOURCE_SEALED, sealed)])
        collect(house.vault, house.mailbox, house.watch)
        done = sort.sort(house.seat("amira"))
        assert done.source_sealed == [letter]
        made = source_sealed.opened(house.seat("jonas"), letter, 1)
        assert made is not None
        assert dataclasses.astuple(made)[1:3] == (False, "")
