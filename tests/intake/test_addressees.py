"""A source chooses who reads the report: nobody else opens it, and no mistake makes it open to more."""

from __future__ import annotations

import gzip
from collections.abc import Mapping

import pytest

from fieldreport.errors import NotARecipient
from tests.intake.conftest import House, Seen, Source

LABELS: Mapping[str, str] = {"amira": "Amira Haddad", "borders": "Border <desk>", "ports": "Ports"}


@pytest.fixture
def house(house: House) -> House:
    return house.with_addressees(LABELS, amira=["amira", "borders"], jonas=["borders"])


def choices(page: Seen) -> dict[str, str]:
    return {option.get("value"): option.text for option in page.all('//select[@id="addressee"]/option')}


def chosen(page: Seen) -> str:
    """What a browser would send if nobody touched the list."""
    return page.all('//select[@id="addressee"]')[0].value or ""


def test_the_form_offers_whom_the_settings_name_and_the_roster_knows(source: Source) -> None:
    for page in (source.get("report"), source.get("report")):  # the second from the cached page
        assert choices(page) == {"*": "Every editor", "amira": "Amira Haddad", "borders": "Border <desk>"}
        assert chosen(page) == "*"


def test_without_names_in_the_roster_or_the_settings_nothing_is_asked(house: House) -> None:
    page = Source(house.with_intake(addressees={}).app()).get("report")
    assert not page.all('//select[@id="addressee"]')
    assert not Source(house.with_intake(addressees={"ports": "Ports"}).app()).get("report").all("//select")


def test_a_report_to_one_editor_opens_for_her_and_says_so(house: House, source: Source) -> None:
    receipt = source.send("for amira", addressee="amira")
    assert receipt.status == 200
    assert "It is locked for those you chose and for our emergency key. Nobody else on our staff" in receipt.text
    assert "Amira Haddad" in receipt.text
    (letter,) = house.letters(reader="amira")
    assert letter.manifest.addressee == "amira"
    with pytest.raises(NotARecipient):
        house.letters(reader="jonas")


def test_a_report_to_every_editor_says_nothing_else(house: House, source: Source) -> None:
    receipt = source.send("for all")
    assert "Only our editors can open it" in receipt.text
    for reader in ("amira", "jonas"):
        (letter,) = house.letters(reader=reader)
        assert letter.manifest.addressee == ""


def test_the_choice_stays_while_files_are_added_and_after_a_mistake(house: House, source: Source) -> None:
    form = {**source.get("report").form("/report"), "addressee": "borders"}
    page = source.post("report/files", form, [("notes.txt", b"kept")])
    assert chosen(page) == "borders"
    page = source.post("report", {**page.form("/report"), "report": "words", "when": "x" * 5000})
    assert page.status == 422
    assert chosen(page) == "borders"
    page = source.post("report", {**page.form("/report"), "when": ""})
    assert "Border <desk>" in page.text
    assert house.letter().manifest.addressee == "borders"


@pytest.mark.parametrize("untrusted", ["", "ports", "jonas", "everybody", "amira ", "AMIRA"])
def test_a_choice_that_is_not_on_offer_is_asked_for_again_and_sends_nothing(
    house: House, source: Source, untrusted: str
) -> None:
    page = source.send("words", addressee=untrusted)
    assert page.status == 422
    assert page.problem_of("addressee") == "Choose who can read it."
    assert chosen(page) == ""
    assert not house.letters()
    again = source.post("report", page.form("/report"))
    assert again.status == 422
    assert not house.letters()
    assert source.post("report", {**again.form("/report"), "addressee": "amira"}).status == 200


def test_who_chose_a_name_that_has_gone_meanwhile_is_asked_and_not_heard_by_all(house: House) -> None:
    later = Source(house.with_intake(addressees={}).app())
    form = {**later.get("report").form("/report"), "report": "words", "addressee": "amira"}
    page = later.post("report", form)
    assert page.status == 422
    assert choices(page) == {"?": "Please choose", "*": "Every editor"}
    assert later.post("report", page.form("/report")).status == 422
    assert not house.letters()


def test_who_comes_back_chooses_again(house: House, source: Source) -> None:
    codename = source.send("first", addressee="amira").codename
    page = source.come_back(codename)
    assert chosen(page) == ""
    form = {**page.form("/return/add"), "report": "more"}
    asked = source.post("return/add", form)
    assert asked.status == 422
    assert asked.problem_of("addressee") == "Choose who can read it."
    receipt = source.post("return/add", {**asked.form("/return/add"), "addressee": "borders"})
    assert "Border <desk>" in receipt.text
    assert sorted(letter.manifest.addressee for letter in house.letters()) == ["amira", "borders"]


def test_the_same_form_with_another_choice_is_another_letter_and_not_a_second_receipt(source: Source) -> None:
    form = {**source.get("report").form("/report"), "report": "words", "addressee": "amira"}
    assert source.post("report", form).status == 200
    assert source.post("report", form).status == 200
    assert source.post("report", {**form, "addressee": "*"}).status >= 400


def test_what_is_stored_looks_the_same_whatever_was_chosen(house: House, source: Source) -> None:
    shapes = set()
    for addressee in ("*", "amira", "borders"):
        source.send("the same words", addressee=addressee)
    for head in house.mailbox.waiting(10):
        letter = house.mailbox.fetch(head.id)
        with letter.payload as payload:
            shapes.add((len(letter.header), letter.header.count(b"\n-> "), len(payload.read())))
    assert len(shapes) == 1


def test_a_withdrawal_is_for_everybody(house: House, source: Source) -> None:
    codename = source.send("first", addressee="amira").codename
    page = source.come_back(codename)
    confirm = source.post("return/withdraw", page.form("/return/withdraw"))
    source.post("return/withdrawn", confirm.form("/return/withdrawn"))
    assert {letter.manifest.addressee for letter in house.letters()} == {"amira", ""}


@pytest.mark.parametrize("language", ["en", "ko", "zh-Hans", "ru", "ar", "fa"])
def test_the_form_still_arrives_in_one_round_trip(house: House, language: str) -> None:
    page = Source(house.app(), language=language).get("report")
    assert choices(page)["*"]
    assert len(gzip.compress(page.response.get_data())) < 14 * 1024
