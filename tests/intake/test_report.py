"""What a source gets for a report, and what the editors get."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fieldreport.config import DEMO_MARK
from fieldreport.seal import Codename
from tests.intake.conftest import WORDS, House, Source


def test_the_codename_is_shown_before_the_form(source: Source) -> None:
    page = source.get("report")
    assert WORDS.match(page.codename)
    assert page.raw.index('class="words"') < page.raw.index('id="report"')


def test_every_visitor_gets_a_codename_of_their_own(source: Source) -> None:
    assert len({source.get("report").codename for _ in range(20)}) == 20


@pytest.mark.parametrize("language", ["en", "ko", "zh-Hans"])
def test_the_codename_is_in_the_language_of_the_page(house: House, language: str) -> None:
    codename = Source(house.app(), language=language).get("report").codename
    script = {"en": "a", "ko": "가", "zh-Hans": "一"}[language]
    assert all(ord(script) <= ord(word[0]) < ord(script) + 30_000 for word in codename.split())


def test_what_was_typed_reaches_both_editors(house: House, source: Source) -> None:
    page = source.send(
        "Trucks at the bridge.",
        when="last spring",
        where="by the river",
        protect="Kim\nthe blue house",
        describe="a driver",
        not_before="not before I left",
    )
    assert page.status == 200
    for reader in ("amira", "jonas"):
        (letter,) = house.letters(reader=reader)
        assert letter.read_part(0, 1000) == b"Trucks at the bridge."
        fields = dict(letter.manifest.fields)
        assert fields["when"] == "last spring"
        assert fields["where"] == "by the river"
        assert fields["protect"] == "Kim\nthe blue house"
        assert fields["describe"] == "a driver"
        assert fields["not_before"] == "not before I left"
        assert fields["action"] == "report"
        assert fields["report_language"] == "en"


def test_the_letter_says_how_to_answer_its_source(house: House, source: Source) -> None:
    codename = source.send("Trucks.").codename
    keys = house.keys(codename)
    fields = house.letter().manifest.fields
    assert fields["reply_key"] == str(keys.identity.recipient)
    assert fields["lookup"] == keys.lookup.hex()


def test_the_letter_knows_the_hour_and_no_more(house: House, source: Source) -> None:
    source.send("Trucks.")
    assert house.letter().manifest.hour == house.clock.hour


def test_the_receipt_repeats_the_codename_and_says_how_to_come_back(source: Source) -> None:
    form = source.get("report")
    page = source.post("report", {**form.form("/report"), "report": "Trucks."})
    assert page.codename == form.codename
    assert "7 characters" in page.text
    assert "/en/return" in page.text


def test_the_receipt_does_not_repeat_the_report(source: Source) -> None:
    assert "Trucks" not in source.send("Trucks at the bridge.").raw


def test_marks_that_tell_copies_apart_are_removed_and_named(house: House, source: Source) -> None:
    page = source.send("Tru\u200bcks at\u2060 the bri\u200bdge.")
    assert "invisible marks" in page.text
    assert house.letter().read_part(0, 1000).decode() == "Trucks at the bridge."
    assert "copy-marks" in house.letter().manifest.parts[0].removed


def test_the_same_form_twice_is_one_letter_with_the_same_receipt(house: House, source: Source) -> None:
    form = {**source.get("report").form("/report"), "report": "Trucks.", "when": "today"}
    first, second = source.post("report", form), source.post("report", form)
    assert first.raw == second.raw
    assert len(house.letters()) == 1


def test_the_same_form_twice_is_one_letter_even_after_the_server_restarted(house: House) -> None:
    form = {**Source(house.app()).get("report").form("/report"), "report": "Trucks."}
    assert Source(house.app()).post("report", form).status == 400
    before = Source(house.app())
    again = before.post("report", form).form("/report")
    assert before.post("report", again).status == 200
    assert Source(house.app()).post("report", again).status == 200
    assert len(house.letters()) == 1


def test_the_same_words_in_two_forms_are_two_letters(house: House, source: Source) -> None:
    source.send("Yes.")
    source.send("Yes.")
    assert len(house.letters()) == 2


def test_a_roster_that_changed_is_used_without_a_restart(house: House, source: Source) -> None:
    source.send("Before.")
    house.renew_roster()
    source.send("After.")
    assert sorted(letter.binding.epoch for letter in house.letters()) == [1, 2]


def test_a_roster_that_changes_while_sealing_is_sealed_to_again(house: House) -> None:
    class Rotating:
        """A mailbox under which the admin publishes the next roster just before the letter would be stored."""

        def __init__(self) -> None:
            self.tries = 0

        def __getattr__(self, name: str) -> object:
            return getattr(house.mailbox, name)

        def deposit(self, letter_id: bytes, epoch: int, seal: object) -> bool:
            self.tries += 1
            if self.tries == 1:
                house.mailbox.saw_epoch(house.renew_roster().epoch)
            return house.mailbox.deposit(letter_id, epoch, seal)  # type: ignore[arg-type]

    mailbox = Rotating()
    assert Source(house.app(mailbox=mailbox)).send("Trucks.").status == 200
    assert mailbox.tries == 2
    assert house.letter().binding.epoch == 2


def test_nothing_that_was_typed_or_shown_is_on_the_disk(house: House, source: Source) -> None:
    codename = source.send("MARKER-in-the-report", protect="MARKER-protect").codename
    everything = b"".join(path.read_bytes() for path in house.settings.path.parent.rglob("*") if path.is_file())
    assert b"MARKER" not in everything
    assert codename.encode() not in everything
    assert house.keys(codename).index not in everything


def test_demo_pages_say_so(house: House) -> None:
    marked = replace(house.settings.instance, id=(DEMO_MARK + bytes(8)).hex(), demo=True)
    settings = replace(house.settings, instance=marked)
    demo = Source(replace(house, settings=settings).app())
    for path in ("", "report", "return", "safety", "help", "nowhere"):
        assert "This is a demonstration" in demo.get(path).text


def test_the_codename_in_a_page_can_be_typed_back(source: Source) -> None:
    codename = source.get("report").codename
    assert [str(reading) for reading in Codename.parse(codename)] == [codename]
