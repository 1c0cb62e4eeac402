"""A source seals a file on a device of their own, with age, and hands it in: the intake cannot read it even once."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path

import pytest

from fieldreport import limits
from fieldreport.intake.handin import NotTaken
from fieldreport.intake.messages import NOT_TAKEN
from fieldreport.mailbox.letterbox import LetterboxState, set_letterbox_state
from fieldreport.seal import SOURCE_SEALED, HybridIdentity, HybridRecipient, SourceSealed
from tests.intake.conftest import House, Seen, Source
from tests.intake.packed_letters import locked, packed
from tests.seal.test_age_interoperability import Run, age, module

__all__ = ["age", "module"]

WORDS = b"They moved eleven people at night.\n"


def hand_in(source: Source, *files: bytes, form: dict[str, str] | None = None) -> Seen:
    fields = source.get("hand-in").form("/hand-in") if form is None else form
    return source.post("hand-in", fields, [(f"locked-{number}.age", file) for number, file in enumerate(files, 1)])


def refusal(page: Seen) -> str:
    (item,) = page.all("//div[@class='problems']//li")
    return " ".join(item.text_content().split()).removeprefix("locked-1.age")


def armoured(file: bytes, *, end: bytes = b"\n") -> bytes:
    """The file as ``age -a`` writes it."""
    text = base64.b64encode(file)
    lines = [text[place : place + 64] for place in range(0, len(text), 64)]
    return end.join([b"-----BEGIN AGE ENCRYPTED FILE-----", *lines, b"-----END AGE ENCRYPTED FILE-----", b""])


def listed(source: Source) -> list[str]:
    """What stands in the published list of keys, as age reads it."""
    answer = source.client.get("/recipients.txt")
    assert (answer.status_code, answer.mimetype) == (200, "text/plain")
    return [line for line in answer.get_data(as_text=True).splitlines() if line and not line.startswith("#")]


@pytest.mark.outside
def test_what_another_age_sealed_with_the_published_list_is_taken_and_every_editor_opens_it(
    house: House, source: Source, age: Run
) -> None:
    sealed = age("seal", WORDS, *listed(source))
    page = hand_in(source, sealed)
    assert (page.status, page.title) == (200, "It has arrived – The Border Post")
    for reader in ("amira", "jonas"):
        (envelope,) = house.letters(reader=reader)
        assert envelope.manifest.parts[1].media_type == SOURCE_SEALED
        assert envelope.read_part(0, 1) == b""
        part = envelope.open_part(1)
        found = SourceSealed.read(part)
        key = found.file_key(house.desk.editors[reader].identities)
        with found.content(part, key) as content:
            assert content.read() == WORDS
        opened = age("open", envelope.read_part(1, limits.MIB), house.desk.editors[reader].identities[0].encode())
        assert opened == WORDS, "and without this program"


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("size", [1, 400_000])  # one within a read, one over several
def test_a_file_in_an_armour_is_stored_without_it(house: House, source: Source, size: int, end: bytes) -> None:
    good = locked(house, b"x" * size)
    page = hand_in(source, armoured(good, end=end) + b" \r\n\n")
    assert (page.status, page.codename != "") == (200, True)
    letter = house.letter()
    assert letter.read_part(1, limits.MIB) == good
    assert letter.manifest.parts[1].media_type == SOURCE_SEALED


def test_the_list_holds_the_keys_of_those_who_read_now(house: House, source: Source) -> None:
    assert {HybridRecipient.parse(line) for line in listed(source)} == set(
        house.rosters.newest(at_least=0).recipients()
    )
    page = source.get("hand-in")
    (link,) = page.all("//main//a[@download]/@href")
    assert link == "/recipients.txt"
    assert page.all("//code")[0].text == "age -R recipients.txt -o locked.age photo.jpg"


def test_where_the_site_names_the_letterbox_the_page_names_the_list_there(house: House) -> None:
    assert "recipients.txt" not in " ".join(
        each.text for each in Source(house.app()).get("hand-in").all("//bdi[@class='file']")
    )
    named = house.with_intake(site="https://post.example/").settings
    page = Source(replace(house, settings=named).app()).get("hand-in")
    assert "https://post.example/recipients.txt" in page.text
    assert not page.all("//a[contains(@href, 'post.example')]"), "no click is betrayed"


def test_in_the_mailbox_nothing_tells_it_from_a_letter_of_the_form(house: House, source: Source) -> None:
    hand_in(source, locked(house, WORDS))
    source.send("Carried over the river.")
    sealed, typed = (house.mailbox.fetch(head.id) for head in house.mailbox.waiting(10))
    assert (sealed.epoch, len(sealed.header)) == (typed.epoch, len(typed.header))
    sizes = {len(letter.payload.read()) for letter in (sealed, typed)}
    assert sizes == {16 + limits.PADDING_FLOOR_BYTES + 16}


def test_its_source_gets_a_codename_that_finds_the_answers(house: House, source: Source) -> None:
    page = hand_in(source, locked(house, WORDS))
    house.reply(page.codename, "Thank you.")
    assert "Thank you." in source.come_back(page.codename).text


def test_who_brings_a_packed_report_gets_no_codename(house: House, source: Source) -> None:
    page = hand_in(source, packed(house))
    assert page.codename == ""
    assert "For a packed report you need no codename." in page.text
    both = hand_in(source, packed(house, "two"), locked(house, WORDS))
    assert both.codename != ""
    assert "For a packed report you need no codename." in both.text


def test_the_same_page_posted_again_is_one_letter_under_one_codename(house: House, source: Source) -> None:
    form, sealed = source.get("hand-in").form("/hand-in"), locked(house, WORDS)
    first, again = (hand_in(source, sealed, form=form) for _ in range(2))
    assert first.raw == again.raw
    assert house.mailbox.totals().letters == 1
    more = hand_in(source, locked(house, b"One more.\n"), form=form)
    assert more.codename == first.codename, "what comes later from the same page is of the same source"
    assert house.mailbox.totals().letters == 2


def test_several_of_one_post_are_parts_of_one_letter(house: House, source: Source) -> None:
    page = hand_in(source, b"a shopping list\n", locked(house, WORDS), locked(house, b"Two.\n"))
    assert page.status == 422
    assert refusal(page) == str(NOT_TAKEN[NotTaken.NOT_PACKED])
    assert [part.media_type for part in house.letter().manifest.parts[1:]] == [SOURCE_SEALED] * 2


@pytest.mark.parametrize("readers", [1, 3])
def test_sealed_to_another_number_of_keys_it_is_not_taken(house: House, source: Source, readers: int) -> None:
    others = [HybridIdentity.generate().recipient for _ in range(readers)]
    page = hand_in(source, locked(house, WORDS, recipients=others))
    assert (page.status, refusal(page)) == (422, str(NOT_TAKEN[NotTaken.OTHER_LIST]))
    assert house.mailbox.totals().letters == 0


ARMOURED = [
    f"in an armour {what}" for what in ("with nothing in it", "that is cut off", "with a line too long", "twice")
]


@pytest.mark.parametrize("what", [*ARMOURED, "cut off", "empty", "with a stanza of another kind"])
def test_sealed_in_another_way_it_is_not_taken(house: House, source: Source, what: str) -> None:
    good = locked(house, WORDS)
    first = good.index(b"-> ")
    file = {
        "in an armour with nothing in it": armoured(b""),
        "in an armour that is cut off": armoured(good)[:-40],
        "in an armour with a line too long": armoured(good).replace(b"\n", b"", 2),
        "in an armour twice": armoured(armoured(good)),
        "cut off": good[:200],
        "empty": locked(house, b""),
        "with a stanza of another kind": good[:first] + b"-> grease\n\n" + good[first:],
    }[what]
    page = hand_in(source, file)
    assert (page.status, refusal(page)) == (422, str(NOT_TAKEN[NotTaken.LOCKED_OTHERWISE]))
    assert page.codename == ""
    assert house.mailbox.totals().letters == 0


def test_larger_than_the_desk_can_clean_it_is_not_taken(
    house: House, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SCRUB_INPUT_BYTES", len(WORDS) - 1)
    assert refusal(hand_in(source, locked(house, WORDS))) == str(NOT_TAKEN[NotTaken.TOO_LARGE])


@pytest.mark.parametrize("name", ["HAND_IN_LETTERS_WAITING", "HAND_IN_BYTES_WAITING"])
def test_half_of_the_mailbox_stays_for_those_who_write_here(
    house: House, source: Source, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    hand_in(source, locked(house, WORDS))
    form = source.get("hand-in").form("/hand-in")
    monkeypatch.setattr(limits, name, 1)
    assert source.get("hand-in").status == 503, "said before anything is chosen"
    page = hand_in(source, locked(house, WORDS), form=form)
    assert (refusal(page), page.codename) == (str(NOT_TAKEN[NotTaken.FULL]), "")


def test_the_page_of_a_form_from_elsewhere_forgets_the_codename_that_came_with_it(house: House, source: Source) -> None:
    """Who made that form has handed something in before, and knows the codename in its token."""
    form = source.get("hand-in").form("/hand-in")
    theirs = hand_in(source, locked(house, b"Bait.\n"), form=form).codename
    page = source.post("hand-in", form, [("a", locked(house, WORDS))], headers={"Sec-Fetch-Site": "cross-site"})
    assert page.status == 403
    assert hand_in(source, locked(house, WORDS), form=page.form("/hand-in")).codename not in {"", theirs}


def test_it_is_no_file_of_the_form_and_none_is_taken_while_files_are_not(house: House, source: Source) -> None:
    set_letterbox_state(house.settings.intake.data, LetterboxState.NO_FILES)
    page = source.post("hand-in", {}, [("a.age", locked(house, WORDS))])
    assert page.status == 503
    assert house.mailbox.totals().letters == 0


def test_no_word_of_it_is_on_the_disk(house: House, source: Source, tmp_path: Path) -> None:
    hand_in(source, locked(house, WORDS * 10_000))
    stored = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert stored
    for path in stored:
        assert WORDS.strip() not in path.read_bytes(), path
        assert b"-> mlkem" not in path.read_bytes() or path.suffix == ".db", path


def test_a_list_is_not_handed_out_while_no_roster_can_be_trusted(house: House, source: Source) -> None:
    house.clock.now += 91 * 24 * 3600
    answer = source.client.get("/recipients.txt")
    assert answer.status_code == 503
    assert b"age1pq1" not in answer.get_data()
