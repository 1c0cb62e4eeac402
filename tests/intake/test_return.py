"""The codename opens the answers; a typo, an unknown codename and a known one without answers give nothing away."""

from __future__ import annotations

import itertools
from io import BytesIO

import pytest

from fieldreport.mailbox import SealedReply
from fieldreport.seal import Codename
from fieldreport.seal.word_lists import word_list
from tests.intake.conftest import House, Source
from tests.intake.samples import OLD_WORD, photo


@pytest.fixture
def codename(source: Source) -> str:
    return source.send("Trucks at the bridge.").codename


def test_answers_are_shown_whole_and_escaped(house: House, source: Source, codename: str) -> None:
    house.reply(codename, "Did you see <b>plates</b>?\nWhen?")
    page = source.come_back(codename)
    (answer,) = page.all('//p[@class="answer"]')
    assert answer.text == "Did you see <b>plates</b>?\nWhen?"
    assert answer.get("dir") == "auto"


def test_an_answer_says_from_whom_it_is_as_its_editor_chose(house: House, source: Source, codename: str) -> None:
    for number, fields in enumerate(({}, {"from": "editor"}, {"from": "name <b>Layla</b>"}, {"from": "somebody"}), 1):
        house.reply(codename, "Hello.", number=number, fields={**fields, "number": str(number)})
    shown = [each.text for each in source.come_back(codename).all('//p[@class="hint"]') if "From" in (each.text or "")]
    assert shown == ["From: the editors", "From: an editor", "From: <b>Layla</b>", "From: the editors"]


def test_answers_of_one_hour_stand_in_the_order_in_which_they_were_written(
    house: House, source: Source, codename: str
) -> None:
    for identifier, number in ((3, 2), (7, 10), (5, 9), (9, 1), (8, 3)):
        house.reply(codename, f"Number {number}.", number=identifier, fields={"number": str(number)})
    house.reply(codename, "Of an older desk.", number=6)
    shown = [answer.text for answer in source.come_back(codename).all('//p[@class="answer"]')]
    assert shown == ["Of an older desk.", *(f"Number {number}." for number in (1, 2, 3, 9, 10))]


def test_letters_of_one_source_say_which_came_first(house: House, source: Source, codename: str) -> None:
    for number in range(2, 9):
        form = {**source.come_back(codename).form("/return/add"), "report": f"Letter {number}."}
        source.post("return/add", form)
        source.post("return/add", form)  # a second time is no second letter
    numbers = {letter.read_part(0, 100).decode(): letter.manifest.number for letter in house.letters()}
    assert numbers == {"Trucks at the bridge.": 1, **{f"Letter {number}.": number for number in range(2, 9)}}


def test_a_codename_may_be_typed_carelessly(house: House, source: Source, codename: str) -> None:
    house.reply(codename, "We have read it.")
    careless = "  " + "\n".join(f"{n}. {word[:4].upper()}" for n, word in enumerate(codename.split(), start=1)) + " "
    assert "We have read it." in source.come_back(careless).text


def test_an_unknown_codename_and_a_known_one_without_answers_get_the_same_page(source: Source, codename: str) -> None:
    known, unknown = source.come_back(codename), source.come_back(source.get("report").codename)
    assert known.status == unknown.status == 200
    assert known.text == unknown.text
    assert len(known.raw.encode()) == len(unknown.raw.encode())
    assert [name for name, _ in known.response.headers] == [name for name, _ in unknown.response.headers]


def test_an_unknown_codename_costs_the_same_calls(house: House, codename: str) -> None:
    calls: list[str] = []

    class Watched:
        def __getattr__(self, name: str) -> object:
            calls.append(name)
            return getattr(house.mailbox, name)

    source = Source(house.app(mailbox=Watched()))
    other = source.get("report").codename
    calls.clear()
    source.come_back(codename)
    known = list(calls)
    calls.clear()
    source.come_back(other)
    assert calls == known == ["replies"]


def test_a_typo_is_told_without_asking_the_store(house: House, codename: str) -> None:
    class Untouchable:
        def __getattr__(self, name: str) -> object:
            raise AssertionError(name)

    source = Source(house.app(mailbox=Untouchable()))
    words = codename.split()
    for typed, complaint in (
        (" ".join(words[:-1]), "nine words"),
        (" ".join([*words[:4], "zzzzzz", *words[5:]]), "Word 5 is not one of ours."),
    ):
        page = source.come_back(typed)
        assert page.status == 422
        assert complaint in page.problem_of("codename")
        assert page.form("/return")["codename"] == typed


def test_words_that_have_changed_places_are_named_and_open_nothing(source: Source, codename: str) -> None:
    for one, other in ((0, 1), (3, 4), (2, 8)):
        words = codename.split()
        words[one], words[other] = words[other], words[one]
        page = source.come_back(" ".join(words))
        if words != codename.split():
            assert page.status == 422
            assert f"{one + 1} and {other + 1}" in page.problem_of("codename") or "two have" in page.problem_of(
                "codename"
            )


def test_how_many_words_were_typed_is_told(source: Source, codename: str) -> None:
    words = codename.split()
    for number in (1, 2, 8):
        told = source.come_back(" ".join(words[:number])).problem_of("codename")
        assert ("You typed" in told) == (number > 1)
        assert f"You typed {number} words." in told or number == 1


def test_an_older_codename_that_looks_mistyped_opens_when_its_owner_confirms_it(source: Source) -> None:
    typed = next(
        " ".join(words)
        for number in itertools.count()
        if (words := swapped(number)) and Codename.from_exact(" ".join(words)) is not None
    )
    page = source.come_back(typed)
    assert page.status == 422
    form = page.form("/return")
    assert "as_written" not in form
    assert source.post("return", {**form, "as_written": "yes"}).status == 200


def swapped(number: int) -> list[str] | None:
    """A codename of today of which two words have changed places."""
    words = list(Codename.generate("en").words)
    words[number % 8], words[8] = words[8], words[number % 8]
    return words if words[number % 8] != words[8] else None


def test_the_empty_page_begins_with_comparing_the_words_and_says_where_one_is_probably_wrong(source: Source) -> None:
    sound, words = source.get("report").codename, word_list("english").words
    doubtful = next(
        " ".join(other.words)
        for place in range(2048)
        if (other := Codename.from_exact(" ".join([words[place], *sound.split()[1:]]))) and other.is_older
    )
    for codename, is_wrong in ((sound, False), (doubtful, True)):
        page = source.post("return", {"codename": codename, "as_written": "yes"})
        first = page.all("//main/*[self::h1]/following-sibling::*")[0]
        assert first.text_content().strip().startswith("If you expected an answer, compare your nine words")
        assert ("probably wrong" in first.text_content()) == is_wrong
        asked = source.post("return/withdraw", page.form("/return/withdraw"))
        assert ("probably wrong" in asked.raw) == is_wrong, "withdrawing with another's words withdraws nothing"


def test_answers_come_first_then_whether_it_arrived_then_the_form(house: House, source: Source, codename: str) -> None:
    house.reply(codename, "We have read it.")
    page = source.come_back(codename)
    assert not page.all('//*[@id="compare"]')
    assert [each.text for each in page.all("//h2")] == [
        *("Answers to you", "Delete what you have read", "Did it arrive?", "Add something", "Withdraw")
    ]
    after = source.post("return/delete", page.form("/return/delete"))
    assert "The answers that you have seen are deleted." in after.text
    assert "answered yet" not in after.text
    assert not after.all('//*[@id="compare"]')


def test_the_newsrooms_own_rhythm_stands_on_receipt_and_return_page_in_its_language(house: House) -> None:
    app = house.with_intake(answer_days={"en": "We answer every <Monday>."}).app()
    for language, is_told in (("en", True), ("ko", False)):
        source = Source(app, language=language)
        receipt = source.send("Trucks.")
        for page in (receipt, source.come_back(receipt.codename)):
            assert ("We answer every <Monday>." in page.text) == is_told


def test_the_words_are_folded_away_on_the_receipt_and_printed_all_the_same(source: Source) -> None:
    receipt = source.send("Trucks.")
    assert receipt.all('//details[not(@open)]//ol[@class="words"]')
    assert not receipt.all('//*[@class="words"][not(ancestor::details)]')
    (printed,) = receipt.all('//p[@class="print"]')
    assert printed.text == receipt.codename


def test_another_language_keeps_what_was_typed_and_opens_nothing(house: House, source: Source, codename: str) -> None:
    (button,) = source.get("return").all('//button[@form="letter" and @lang="ko"]')
    assert button.get("formaction") == "/ko/return"
    assert button.get("formnovalidate") is not None  # also before a word is typed
    for typed in (codename, "one two", ""):
        fields = {
            "codename": typed,
            "report": "what I wrote",
            "form": "0" * 32,
            button.get("name"): button.get("value"),
        }
        page = Source(house.app(), language="ko").post("return", fields)
        assert page.status == 200
        form = page.form("/return")
        assert (form["codename"], form["report"], form["form"]) == (typed, "what I wrote", "0" * 32)
        assert not page.all('//*[@class="problems"]')


def test_nine_words_have_room(source: Source) -> None:
    for page, name in ((source.get("return"), "codename"), (source.get("report"), "practice")):
        (field,) = page.all(f'//textarea[@name="{name}"]')
        assert field.get("rows") == "3"


def test_a_wrong_word_that_exists_is_a_typo_as_well(source: Source, codename: str) -> None:
    words = codename.split()
    pages = [
        source.come_back(" ".join([other, *words[1:]])) for other in ("abandon", "ability", "able", "about", "zoo")
    ]
    # Of five wrong words most, though not always all, are noticed: the others fit an older codename's checksum.
    assert any("not the one we gave you" in page.problem_of("codename") for page in pages if page.status == 422)


def test_the_codename_is_on_no_return_page(house: House, source: Source, codename: str) -> None:
    house.reply(codename, "We have read it.")
    assert codename not in source.come_back(codename).raw


def test_more_can_be_added_under_the_same_codename(house: House, source: Source, codename: str) -> None:
    form = source.come_back(codename).form("/return/add")
    page = source.post("return/add", {**form, "report": "Yes, three plates.", "protect": "Lee"}, [("p.jpg", photo())])
    assert page.status == 200
    assert page.codename == codename
    added = next(letter for letter in house.letters() if letter.read_part(0, 100) == b"Yes, three plates.")
    assert added.manifest.fields["lookup"] == house.keys(codename).lookup.hex()
    assert added.manifest.fields["protect"] == "Lee"
    assert len(added.manifest.parts) == 2


def test_an_addition_says_inside_its_seal_which_answer_the_page_showed(
    house: House, source: Source, codename: str
) -> None:
    blank = source.come_back(codename)
    assert "which answers this page showed you" not in blank.text
    for text in ("first", "second"):
        house.reply(codename, text)
    page = source.come_back(codename)
    assert "which answers this page showed you" in page.text
    refused = source.post("return/add", {**page.form("/return/add"), "report": "Then."}, [("old.doc", OLD_WORD)])
    house.reply(codename, "third")
    again = {**refused.form("/return/add"), "without_refused": "yes"}
    assert source.post("return/add", again, [("old.doc", OLD_WORD)]).status == 200
    assert source.post("return/add", {**blank.form("/return/add"), "report": "Before."}).status == 200
    ids = [reply.id.hex() for reply in house.mailbox.replies(house.keys(codename).index)]
    read = {letter.read_part(0, 100): letter.manifest.fields["read"] for letter in house.letters()}
    assert {len(each) for each in read.values()} == {32}, "as long for everybody"
    assert read.pop(b"Then.") in ids
    assert set(read.values()) == {" " * 32}


def test_an_addition_posted_twice_is_one_letter(house: House, source: Source, codename: str) -> None:
    form = {**source.come_back(codename).form("/return/add"), "report": "Yes."}
    assert source.post("return/add", form).raw == source.post("return/add", form).raw
    assert len(house.letters()) == 2


def test_the_same_addition_at_another_visit_is_another_letter(house: House, source: Source, codename: str) -> None:
    for _ in range(2):
        source.post("return/add", {**source.come_back(codename).form("/return/add"), "report": "Yes."})
    assert len(house.letters()) == 3


def test_an_addition_with_a_refused_file_keeps_its_text(house: House, source: Source, codename: str) -> None:
    form = source.come_back(codename).form("/return/add")
    page = source.post("return/add", {**form, "report": "My words."}, [("old.doc", OLD_WORD)])
    assert page.status == 422
    again = page.form("/return/add")
    assert again["report"] == "My words."
    assert source.post("return/add", {**again, "without_refused": "yes"}, [("old.doc", OLD_WORD)]).status == 200
    assert len(house.letters()) == 2


def test_read_answers_are_deleted_and_later_ones_stay(house: House, source: Source, codename: str) -> None:
    house.reply(codename, "First.", number=1)
    seen = source.come_back(codename)
    house.reply(codename, "Second.", number=2)
    page = source.post("return/delete", seen.form("/return/delete"))
    assert "The answers that you have seen are deleted." in page.text
    assert "First." not in page.text
    assert "Second." in page.text


def test_a_damaged_answer_does_not_hide_the_others(house: House, source: Source, codename: str) -> None:
    house.reply(codename, "Whole.", number=1)
    keys = house.keys(codename)
    (whole,) = house.mailbox.replies(keys.index)
    damaged = BytesIO(whole.payload).getvalue()[:-1] + b"\0"
    house.mailbox.post_reply(
        SealedReply(id=bytes(16), index=keys.index, header=whole.header, payload=damaged, hour=whole.hour)
    )
    page = source.come_back(codename)
    assert "Whole." in page.text
    assert "arrived damaged" in page.text
    # The words of the damaged one were not read.
    source.post("return/add", {**page.form("/return/add"), "report": "Then."})
    (letter,) = (each for each in house.letters() if each.read_part(0, 100) == b"Then.")
    assert letter.manifest.fields["read"] == whole.id.hex()
    house.mailbox.delete_replies(keys.index, [whole.id])
    page = source.come_back(codename)
    source.post("return/add", {**page.form("/return/add"), "report": "Later."})
    (letter,) = (each for each in house.letters() if each.read_part(0, 100) == b"Later.")
    assert letter.manifest.fields["read"] == " " * 32


def test_an_answer_moved_from_another_source_is_not_shown(house: House, source: Source, codename: str) -> None:
    other = source.send("Other.").codename
    house.reply(other, "For somebody else.", number=3)
    (theirs,) = house.mailbox.replies(house.keys(other).index)
    house.mailbox.delete_all_replies(house.keys(other).index)
    house.mailbox.post_reply(
        SealedReply(
            id=theirs.id,
            index=house.keys(codename).index,
            header=theirs.header,
            payload=theirs.payload,
            hour=theirs.hour,
        )
    )
    assert "For somebody else." not in source.come_back(codename).text


def test_withdrawing_asks_first_then_deletes_answers_and_tells_the_editors(
    house: House, source: Source, codename: str
) -> None:
    house.reply(codename, "We have read it.")
    asked = source.post("return/withdraw", source.come_back(codename).form("/return/withdraw"))
    assert len(house.mailbox.replies(house.keys(codename).index)) == 1
    assert source.post("return/withdrawn", asked.form("/return/withdrawn")).status == 200
    assert house.mailbox.replies(house.keys(codename).index) == []
    notice = next(letter for letter in house.letters() if letter.manifest.fields["action"] == "withdraw")
    assert notice.manifest.fields["lookup"] == house.keys(codename).lookup.hex()
    assert [part.length for part in notice.manifest.parts] == [0]


def test_a_withdrawal_posted_twice_is_one_letter_and_a_second_withdrawal_is_another(
    house: House, source: Source, codename: str
) -> None:
    form = source.post("return/withdraw", source.come_back(codename).form("/return/withdraw")).form("/return/withdrawn")
    source.post("return/withdrawn", form)
    source.post("return/withdrawn", form)
    assert len(house.letters()) == 2
    again = source.post("return/withdraw", source.come_back(codename).form("/return/withdraw"))
    source.post("return/withdrawn", again.form("/return/withdrawn"))
    assert len(house.letters()) == 3


def test_thinking_better_of_a_withdrawal_leads_back(source: Source, codename: str) -> None:
    asked = source.post("return/withdraw", source.come_back(codename).form("/return/withdraw"))
    assert "Answers to you" in source.post("return", asked.form("/return")).text


def test_the_pages_behind_the_codename_cannot_be_opened_without_it(source: Source) -> None:
    for step in ("add", "delete", "arrived", "withdraw", "withdrawn"):
        page = source.client.get(f"/en/return/{step}")
        assert page.status_code == 303
        assert page.location == "/en/return"
        assert source.post(f"return/{step}", {"report": "x"}).status == 400


def test_return_pages_come_in_sizes_that_tell_little(house: House, source: Source, codename: str) -> None:
    house.reply(codename, "short")
    sizes = {len(page.raw.encode()) for page in (source.come_back(codename), source.come_back("nonsense"))}
    assert all(size % 4096 == 0 for size in sizes)
