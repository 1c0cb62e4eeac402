"""A source asks to keep files unchanged, for a court: sealed apart to the few who are named, and to nobody else."""

from __future__ import annotations

import hashlib
from io import BytesIO

import pytest

from fieldreport import limits
from fieldreport.errors import NotARecipient
from fieldreport.seal import ORIGINAL, ExpectedOffline, Kind, OpenEnvelope, open_sealed_file
from fieldreport.seal.padding import padded_size
from tests.intake.conftest import House, Source
from tests.intake.samples import MAKER, OLD_WORD, photo
from tests.intake.test_kept_files import Form, is_receipt

ASKED = {"originals": "yes"}
KEPT, NOT_KEPT = "The unchanged file is kept, too, locked apart.", "The unchanged file was not kept."


@pytest.fixture
def house(house: House) -> House:
    return house.with_intake(originals=("jonas",))


def opened(house: House, letter: OpenEnvelope, number: int, *, reader: str = "jonas") -> bytes:
    """An original as somebody opens it who has the part of the letter as a file, and the rosters."""
    sealed = BytesIO(letter.read_part(number, 1 << 24))
    expected = ExpectedOffline(rosters=house.rosters.history())
    identities = house.desk.editors[reader].identities
    with open_sealed_file(sealed, identities=identities, expected=expected) as original:
        original.verify()
        assert original.binding.kind is Kind.ORIGINAL
        return original.read_part(0, 1 << 24)


def test_it_is_offered_only_where_somebody_could_open_it(house: House, source: Source) -> None:
    box = '//input[@name="originals"]'
    for _ in range(2):  # the second from the cached page
        assert source.get("report").all(box)
    for none in ((), ("recovery",), ("gone",)):  # this newsroom has no recovery key
        assert not Source(house.with_intake(originals=none).app()).get("report").all(box)


def test_the_bytes_lie_in_the_letter_for_those_who_are_named_alone(house: House, source: Source) -> None:
    receipt = source.send("words", [("a.jpg", photo()), ("b.txt", b"a line\n")], **ASKED)
    assert receipt.text.count(KEPT) == 2
    letter = house.letter()
    parts = letter.manifest.parts
    assert [part.name for part in parts[1:]] == ["photo-1.jpg", "text-1.txt", "original-1.age", "original-2.age"]
    assert {part.media_type for part in parts[3:]} == {ORIGINAL}
    assert opened(house, letter, 3) == photo()
    assert MAKER.encode() in opened(house, letter, 3)
    assert opened(house, letter, 4) == b"a line\n"
    with pytest.raises(NotARecipient):
        opened(house, letter, 3, reader="amira")
    # Its hash would tell whose copy this is, if each reader had got one of their own.
    stated = b"".join(part.sha256 for part in parts)
    assert hashlib.sha256(photo()).digest() not in stated


def test_nothing_of_it_is_on_a_disk_in_the_clear(house: House, source: Source) -> None:
    page = source.get("report")
    form = {**page.form("/report"), **ASKED}
    source.post("report/files", form, [("a.txt", b"MARKER-kept\n" * 9000)])
    source.send("words", [("b.txt", b"MARKER-sent\n" * 9000)], **ASKED)
    everything = b"".join(path.read_bytes() for path in house.settings.intake.data.rglob("*") if path.is_file())
    assert len(everything) > 200_000
    assert b"MARKER" not in everything


def test_who_did_not_ask_or_was_not_offered_it_has_none(house: House, source: Source) -> None:
    receipt = source.send("words", [("a.jpg", photo())])
    assert KEPT not in receipt.text
    assert NOT_KEPT not in receipt.text
    old_tab = Source(house.with_intake(originals=()).app())
    assert NOT_KEPT in old_tab.send("words", [("a.jpg", photo())], **ASKED).text
    assert all(part.media_type != ORIGINAL for letter in house.letters() for part in letter.manifest.parts)


def test_a_file_that_waits_keeps_its_original(house: House, source: Source) -> None:
    form = Form(house, source, to="report")
    page = form.read(form.add(("a.jpg", photo()), **ASKED))
    assert page.all('//input[@name="originals"][@checked]')
    page = form.read(form.send(("old.doc", OLD_WORD), **ASKED))
    assert page.status == 422
    receipt = form.send(("b.txt", b"second\n"), without_refused="yes", strong="yes", **ASKED)
    assert receipt.text.count(KEPT) == 2
    letter = house.letter()
    assert [part.name for part in letter.manifest.parts[3:]] == ["original-1.age", "original-2.age"]
    assert opened(house, letter, 3) == photo()  # not the clean copy that was cleaned once more
    again = form.send(("b.txt", b"second\n"), without_refused="yes", strong="yes", **ASKED)
    assert is_receipt(again)
    assert again.text.count(KEPT) == 2
    assert len(house.letters()) == 1


def test_a_file_that_was_kept_before_the_box_was_ticked_has_none_and_that_is_said(house: House, source: Source) -> None:
    form = Form(house, source, to="report")
    form.read(form.add(("a.jpg", photo())))
    receipt = form.send(("a.jpg", photo()), ("b.txt", b"second\n"), **ASKED)
    assert (receipt.text.count(KEPT), receipt.text.count(NOT_KEPT)) == (1, 1)
    assert [part.name for part in house.letter().manifest.parts[3:]] == ["original-2.age"]


def test_who_takes_the_wish_back_before_sending_has_no_original_in_the_letter(house: House, source: Source) -> None:
    form = Form(house, source, to="report")
    form.read(form.add(("a.jpg", photo()), **ASKED))
    del form.fields["originals"]  # the box is not ticked any more
    for _ in range(2):
        receipt = form.send()
        assert is_receipt(receipt)
        assert KEPT not in receipt.text
    (letter,) = house.letters()
    assert all(part.media_type != ORIGINAL for part in letter.manifest.parts)


def test_the_same_form_with_another_wish_is_another_letter(house: House, source: Source) -> None:
    form = {**source.get("report").form("/report"), "report": "words"}
    assert is_receipt(source.post("report", form, [("a.txt", b"line\n")]))
    assert not is_receipt(source.post("report", {**form, **ASKED}, [("a.txt", b"line\n")]))
    assert len(house.letters()) == 1


def test_all_that_one_report_can_have_with_its_originals_fits_into_a_letter() -> None:
    kept, posted = limits.ORIGINALS_REQUEST_BYTES, 2 * limits.ORIGINALS_REQUEST_BYTES
    assert padded_size(kept + posted + limits.MIB) <= limits.PAYLOAD_BYTES
