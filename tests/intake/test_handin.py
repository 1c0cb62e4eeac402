"""A courier hands in packed letters that neither they nor the intake can read."""

from __future__ import annotations

import dataclasses
from io import BytesIO
from typing import Final

import pytest

from fieldreport import limits
from fieldreport.intake.handin import NotTaken
from fieldreport.intake.messages import NOT_TAKEN
from fieldreport.seal import HybridIdentity
from fieldreport.seal.header import build_header
from fieldreport.seal.packed import FRAME_BYTES
from fieldreport.seal.stream import PayloadWriter
from fieldreport.unseal import roster_changes
from tests.cast import admin_key, staff, with_new_key
from tests.intake.conftest import House, Seen, Source
from tests.intake.packed_letters import CODENAME, framed, packed

STATUS_TAKEN: Final = 200
STATUS_NOT_TAKEN: Final = 422


def hand_in(source: Source, *files: bytes) -> Seen:
    return source.post("hand-in", {}, [(f"card-{number}.bin", file) for number, file in enumerate(files, start=1)])


def refusal(page: Seen) -> str:
    """What the page says of the one file that was not taken."""
    (item,) = page.all("//div[@class='problems']//li")
    return " ".join(item.text_content().split()).removeprefix("card-1.bin")


def rotate(house: House) -> None:
    """Publish the next roster, in which Jonas has another key."""
    current = house.rosters.newest(at_least=0)
    desk = dataclasses.replace(house.desk, editors={**house.desk.editors, "jonas": with_new_key(staff()["jonas"])})
    raw = roster_changes.next_roster(current, desk.entries(), now=house.clock.moment)
    house.rosters.publish(raw, admin_key().sign_roster(raw))


def test_a_packed_letter_is_taken_and_every_editor_can_open_it(house: House, source: Source) -> None:
    page = hand_in(source, packed(house))
    assert (page.status, page.title) == (STATUS_TAKEN, "It has arrived – The Border Post")
    assert page.all("//h2[@id='received']/following-sibling::ul/li")[0].text_content() == "card-1.bin"
    for reader in ("amira", "jonas"):
        (envelope,) = house.letters(reader=reader)
        assert envelope.read_part(0, 100) == b"Carried over the river."


def test_in_the_mailbox_nothing_tells_it_from_a_letter_of_the_form(house: House, source: Source) -> None:
    hand_in(source, packed(house))
    source.send("Carried over the river.")
    carried, typed = (house.mailbox.fetch(head.id) for head in house.mailbox.waiting(10))
    assert (carried.epoch, carried.size, len(carried.header)) == (typed.epoch, typed.size, len(typed.header))
    assert carried.header.startswith(b"age-encryption.org/v1\n")


def test_its_source_finds_answers_under_the_codename(house: House, source: Source) -> None:
    hand_in(source, packed(house))
    house.reply(str(CODENAME), "Thank you for both.")
    assert "Thank you for both." in source.come_back(str(CODENAME)).text


def test_handed_in_twice_it_is_stored_once_and_the_page_is_the_same(house: House, source: Source) -> None:
    card = packed(house)
    first, again = hand_in(source, card), hand_in(source, card)
    assert (first.status, first.raw) == (again.status, again.raw)
    assert house.mailbox.totals().letters == 1
    house.mailbox.acknowledge([head.id for head in house.mailbox.waiting(10)])
    assert hand_in(source, card).raw == first.raw
    assert house.mailbox.totals().letters == 0


def test_of_several_files_each_is_judged_by_itself(house: House, source: Source) -> None:
    page = hand_in(source, b"a shopping list\n", packed(house, "one"), packed(house, "two"))
    assert page.status == STATUS_NOT_TAKEN
    assert refusal(page) == str(NOT_TAKEN[NotTaken.NOT_PACKED])
    taken = page.all("//h2[@id='received']/following-sibling::ul/li")
    assert [each.text_content() for each in taken] == ["card-2.bin", "card-3.bin"]
    assert house.mailbox.totals().letters == 2


def cut(good: bytes) -> dict[str, bytes]:
    """Files that are almost a packed letter, by what is wrong with them."""
    frame, rest = good[:FRAME_BYTES], good[FRAME_BYTES:]
    end = rest.index(b"\n--- ") + 1
    end = rest.index(b"\n", end) + 1
    header, payload = rest[:end], rest[end:]
    first = header.index(b"-> ")
    grease = header[:first] + b"-> grease\n\n" + header[first:]
    return {
        "the frame alone": frame,
        "half the frame": frame[:10],
        "another version": b"\x02" + good[1:],
        "epoch 0": frame[:1] + bytes(8) + frame[9:] + rest,
        "an endless epoch": frame[:1] + b"\xff" * 8 + frame[9:] + rest,
        "the header alone": frame + header,
        "cut by a byte": good[:-1],
        "one byte too many": good + b"\0",
        "cut by a chunk": good[: -limits.CHUNK_BYTES // 8],
        "a foreign stanza": framed(grease, payload),
        "a bit that a worn card has lost": good[:-100] + bytes([good[-100] ^ 1]) + good[-99:],
        "no MAC": framed(header[: header.index(b"--- ")], payload),
        "armour": frame + b"-----BEGIN AGE ENCRYPTED FILE-----\n" + payload,
    }


@pytest.mark.parametrize("what", list(cut(bytes(FRAME_BYTES) + b"-> \n--- \n" + bytes(200))))
def test_what_is_not_exactly_a_packed_letter_is_refused_and_not_stored(house: House, source: Source, what: str) -> None:
    page = hand_in(source, cut(packed(house))[what])
    assert (page.status, refusal(page)) == (STATUS_NOT_TAKEN, str(NOT_TAKEN[NotTaken.NOT_PACKED]))
    assert house.mailbox.totals().letters == 0


def test_a_payload_that_is_not_padded_is_refused(house: House, source: Source) -> None:
    payload = BytesIO()
    writer = PayloadWriter(bytes(16), payload)
    writer.write(bytes(limits.PADDING_FLOOR_BYTES + 1))
    writer.close()
    header = build_header(bytes(16), house.rosters.newest(at_least=0).recipients())
    page = hand_in(source, framed(header, payload.getvalue()))
    assert refusal(page) == str(NOT_TAKEN[NotTaken.NOT_PACKED])


@pytest.mark.parametrize("readers", [1, 3])
def test_a_letter_for_another_number_of_readers_was_packed_for_somebody_else(
    house: House, source: Source, readers: int
) -> None:
    good = packed(house)
    payload = good[-(16 + limits.PADDING_FLOOR_BYTES + 16) :]
    header = build_header(bytes(16), [HybridIdentity.generate().recipient for _ in range(readers)])
    page = hand_in(source, framed(header, payload))
    assert refusal(page) == str(NOT_TAKEN[NotTaken.OTHER_READERS])
    assert house.mailbox.totals().letters == 0


# --- rosters ---


def test_a_letter_of_an_older_roster_is_taken_while_all_its_keys_are_in_use(house: House, source: Source) -> None:
    card = packed(house)
    house.renew_roster()
    assert hand_in(source, card).status == STATUS_TAKEN
    (head,) = house.mailbox.waiting(10)
    assert head.epoch == 2, "it waits as of the roster that was looked at, which the mailbox has not closed"
    (envelope,) = house.letters()
    assert envelope.binding.epoch == 1


def test_a_letter_to_a_key_that_was_replaced_is_refused_kindly(house: House, source: Source) -> None:
    card = packed(house)
    rotate(house)
    page = hand_in(source, card)
    assert (page.status, refusal(page)) == (STATUS_NOT_TAKEN, str(NOT_TAKEN[NotTaken.OLD_KEYS]))
    assert house.mailbox.totals().letters == 0


def test_a_letter_of_a_roster_whose_file_is_gone_is_refused(house: House, source: Source) -> None:
    card = packed(house)
    house.renew_roster()
    (house.settings.keys.directory / "history" / "00000001.json").unlink()
    assert refusal(hand_in(source, card)) == str(NOT_TAKEN[NotTaken.OLD_KEYS])


def test_a_letter_of_a_roster_that_is_not_here_yet_waits_with_its_courier(house: House, source: Source) -> None:
    page = hand_in(source, packed(house, epoch=2))
    assert refusal(page) == str(NOT_TAKEN[NotTaken.UNKNOWN_KEYS])


def test_a_roster_that_changes_while_a_letter_comes_in_is_looked_at_again(
    house: House, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    card, deposit = packed(house), house.mailbox.deposit

    def late(*arguments: object) -> bool:
        monkeypatch.setattr(house.mailbox, "deposit", deposit)
        rotate(house)
        house.mailbox.saw_epoch(2)
        return deposit(*arguments)  # type: ignore[arg-type] # handed through

    monkeypatch.setattr(house.mailbox, "deposit", late)
    assert refusal(hand_in(source, card)) == str(NOT_TAKEN[NotTaken.OLD_KEYS])
    assert house.mailbox.totals().letters == 0


def test_without_a_valid_roster_the_page_is_closed_and_says_so(house: House, source: Source) -> None:
    card = packed(house)
    house.clock.now += 91 * 86_400
    for page in (source.get("hand-in"), hand_in(source, card)):
        assert page.status == 503
        assert "We cannot take reports right now" in page.text


# --- quotas ---


@pytest.mark.parametrize("name", ["HAND_IN_LETTERS_WAITING", "HAND_IN_BYTES_WAITING"])
def test_packed_letters_leave_room_for_those_who_write_here(
    house: House, source: Source, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    hand_in(source, packed(house, "one"))
    monkeypatch.setattr(limits, name, 1)
    assert refusal(hand_in(source, packed(house, "two"))) == str(NOT_TAKEN[NotTaken.FULL])
    assert source.send("Written here.").title == "We have received it – The Border Post"


def test_more_files_than_a_courier_carries_are_refused_before_any_is_stored(house: House, source: Source) -> None:
    page = hand_in(source, *([packed(house)] * (limits.HAND_IN_FILES + 1)))
    assert (page.status, page.problem_of("files")) == (
        STATUS_NOT_TAKEN,
        f"These are more than {limits.HAND_IN_FILES} files. Nothing was stored this time.",
    )
    assert house.mailbox.totals().letters == 0


def test_nothing_chosen_is_said_at_the_field(source: Source) -> None:
    page = hand_in(source)
    assert (page.status, page.problem_of("files")) == (STATUS_NOT_TAKEN, "Choose the locked file.")


def test_handing_in_has_a_budget_of_its_own(house: House) -> None:
    source = Source(house.with_intake(hand_in_rate="1 per hour").app())
    hand_in(source, packed(house, "one"))
    page = hand_in(source, packed(house, "two"))
    assert (page.status, page.title) == (
        429,
        "Too much was sent in a short time – Hand in a locked file – The Border Post",
    )
    assert "Choose the files again" in page.text
    assert source.send("Written here.").status == STATUS_TAKEN


def test_a_post_that_is_too_large_gets_the_form_again(house: House) -> None:
    source = Source(house.with_intake(request_bytes=limits.FORM_TEXT_BYTES).app())
    page = hand_in(source, packed(house) + bytes(limits.FORM_TEXT_BYTES))
    assert page.status == 413
    assert "What you sent is too large" in page.text
    assert page.all("//input[@type='file']")


def test_a_form_of_another_site_hands_in_nothing(house: House, source: Source) -> None:
    page = source.post("hand-in", {}, [("a", packed(house))], headers={"Sec-Fetch-Site": "cross-site"})
    assert page.status == 403
    assert house.mailbox.totals().letters == 0


def test_the_page_is_found_from_the_return_page_and_leads_to_the_form(source: Source) -> None:
    assert source.get("return").all("//main//a[@href='/en/hand-in']")
    assert source.get("hand-in").all("//main//a[@href='/en/report']")
