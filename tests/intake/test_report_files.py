"""Files: cleaned, renamed, accounted for on the receipt; or refused with a reason, and nothing typed is lost."""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import replace
from pathlib import Path

import pikepdf
import pytest
from reportlab.pdfgen import canvas

from fieldreport.errors import ScrubRefused
from fieldreport.intake.messages import NOTED, REFUSALS, REMOVED, noted_in_words, removed_in_words, why_in_words
from fieldreport.scrub import Mode, Refusal, Removed
from fieldreport.scrub.registry import FORMATS
from fieldreport.scrub.text.encodings import BY_CODE
from fieldreport.scrub.verdicts import Noted
from tests.intake.conftest import House, Source
from tests.intake.samples import MAKER, NONSENSE, OLD_WORD, photo


def test_a_photo_arrives_clean_under_a_neutral_name(house: House, source: Source) -> None:
    page = source.send("", [("IMG_Kim_home.jpg", photo())])
    assert page.status == 200
    letter = house.letter()
    (_, part) = letter.manifest.parts
    assert part.name == "photo-1.jpg"
    assert part.media_type == "image/jpeg"
    assert {"location", "device", "time"} <= set(part.removed)
    assert MAKER.encode() not in letter.read_part(1, 1 << 20)


def test_the_receipt_names_each_file_as_its_source_does_and_what_was_removed(source: Source) -> None:
    page = source.send("", [("가족사진.jpg", photo()), ("Liste <b>.txt", b"one\ntwo\n")])
    assert "가족사진.jpg" in page.text
    assert "Liste <b>.txt" in page.text
    assert "photo-1.jpg" in page.text
    assert "text-1.txt" in page.text
    assert "the place where it was made" in page.text


def test_files_of_one_kind_are_numbered(house: House, source: Source) -> None:
    source.send("", [("a.jpg", photo(shade=1)), ("b.txt", b"hello\n"), ("c.jpg", photo(shade=2))])
    names = [part.name for part in house.letter().manifest.parts]
    assert names == ["report.txt", "photo-1.jpg", "text-1.txt", "photo-2.jpg"]


def test_a_name_is_not_trusted_about_the_type(house: House, source: Source) -> None:
    source.send("", [("notes.txt", photo())])
    assert house.letter().manifest.parts[1].media_type == "image/jpeg"


def test_the_original_name_is_stored_nowhere(house: House, source: Source) -> None:
    source.send("", [("MARKER-name.jpg", photo())])
    letter = house.letter()
    everything = b"".join(path.read_bytes() for path in house.settings.path.parent.rglob("*") if path.is_file())
    assert b"MARKER" not in everything
    assert "MARKER" not in str(letter.manifest)


def test_a_file_that_cannot_be_cleaned_is_named_with_a_reason_and_nothing_is_stored(
    house: House, source: Source
) -> None:
    page = source.send("My words.", [("good.jpg", photo()), ("<i>old</i>.doc", OLD_WORD), ("x.bin", NONSENSE)])
    assert page.status == 422
    assert "<i>old</i>.doc" in page.text
    assert "x.bin" in page.text
    assert str(REFUSALS[Refusal.OLD_OFFICE]) in page.text
    assert "listed as kept need not be chosen again" in page.text
    assert page.form("/report")["report"] == "My words."
    assert house.letters() == []


def test_the_source_may_send_without_the_refused_files(house: House, source: Source) -> None:
    files = [("good.jpg", photo()), ("old.doc", OLD_WORD)]
    form = source.send("My words.", files).form("/report")
    page = source.post("report", {**form, "without_refused": "yes"}, files)
    assert page.status == 200
    assert "Left out, not stored." in page.text
    assert [part.name for part in house.letter().manifest.parts] == ["report.txt", "photo-1.jpg"]


def packed() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("good.jpg", photo())
        archive.writestr("old.doc", OLD_WORD)
    return file.getvalue()


def test_of_an_archive_the_files_that_cannot_be_cleaned_are_named_and_may_be_left_out(
    house: House, source: Source
) -> None:
    page = source.send("My words.", [("all.zip", packed())])
    assert page.status == 422
    assert f"File 2 inside: {REFUSALS[Refusal.OLD_OFFICE]}" in page.text
    assert "File 1 inside" not in page.text
    assert house.letters() == []
    page = source.post("report", {**page.form("/report"), "without_refused": "yes"}, [("all.zip", packed())])
    assert page.status == 200
    assert str(NOTED["left-out"]) in page.text
    (_, part) = house.letter().manifest.parts
    assert {"left-out", "location"} <= set(part.removed)
    assert b"photo-1.jpg" in house.letter().read_part(1, 1 << 20)


def test_a_saved_mail_arrives_without_who_wrote_to_whom(house: House, source: Source) -> None:
    page = source.send("", [("x.eml", b"From: kim@example.org\nTo: park@example.org\nSubject: order\n\nwords\n")])
    assert page.status == 200
    assert str(REMOVED["correspondents"]) in page.text
    assert str(NOTED["kept-words"]) in page.text
    assert house.letter().read_part(1, 1 << 20) == b"order\n\nwords\n"


def test_the_choice_to_leave_files_out_is_offered_unticked(source: Source) -> None:
    page = source.send("My words.", [("old.doc", OLD_WORD)])
    (box,) = page.all('//input[@name="without_refused"]')
    assert box.get("checked") is None


def test_leaving_everything_out_is_not_a_report(house: House, source: Source) -> None:
    form = source.send("", [("old.doc", OLD_WORD)]).form("/report")
    assert source.post("report", {**form, "without_refused": "yes"}, [("old.doc", OLD_WORD)]).status == 422
    assert house.letters() == []


def test_an_empty_file_is_refused_by_name(source: Source) -> None:
    page = source.send("My words.", [("nothing.jpg", b"")])
    assert page.status == 422
    assert "nothing.jpg" in page.text


def test_the_same_files_twice_are_one_letter(house: House, source: Source) -> None:
    form = {**source.get("report").form("/report"), "report": "Trucks."}
    assert (
        source.post("report", form, [("a.jpg", photo())]).raw == source.post("report", form, [("a.jpg", photo())]).raw
    )
    assert len(house.letters()) == 1


def test_another_file_in_the_same_form_is_another_letter(house: House, source: Source) -> None:
    form = {**source.get("report").form("/report"), "report": "Trucks."}
    source.post("report", form, [("a.jpg", photo(shade=1))])
    asked = source.post("report", form, [("a.jpg", photo(shade=2))])
    assert asked.status == 400
    assert source.post("report", asked.form("/report"), [("a.jpg", photo(shade=2))]).status == 200
    assert len(house.letters()) == 2


@pytest.mark.parametrize("refusal", list(Refusal))
def test_every_reason_for_refusing_has_words(house: House, refusal: Refusal) -> None:
    class Refusing:
        def __getattr__(self, name: str) -> object:
            return getattr(house.scrubber, name)

        def clean(self, source: object, *, mode: Mode, language: str, without_refused: bool) -> None:
            raise ScrubRefused("refused", code=refusal.value)

    page = Source(house.app(scrubber=Refusing())).send("My words.", [("some.jpg", photo())])
    assert page.status == 422
    words = why_in_words(refusal)
    assert words in page.text
    assert words.startswith(str(REFUSALS[refusal]))
    assert re.search(r"\b(choose|send|try|may work|make|save)\b", words, re.IGNORECASE)  # there is something to do


def pdf() -> bytes:
    file = io.BytesIO()
    page = canvas.Canvas(file, pagesize=(200, 100))
    page.drawString(10, 50, "Seen")
    page.save()
    return file.getvalue()


def book() -> bytes:
    """As much of an EPUB as tells that it is one."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("mimetype", "application/epub+zip")
    return file.getvalue()


def has_letters(data: bytes) -> bool:
    with pikepdf.open(io.BytesIO(data)) as document:
        return "/Font" in document.pages[0].Resources


def test_the_choice_to_clean_harder_is_offered_unticked_and_renders_pages(house: House, source: Source) -> None:
    (box,) = source.get("report").all('//input[@name="strong"]')
    assert box.get("checked") is None
    source.send("", [("a.pdf", pdf())])
    assert has_letters(house.letter().read_part(1, 1 << 20))
    form = {**source.get("report").form("/report"), "report": "", "strong": "yes"}
    assert source.post("report", form, [("b.pdf", pdf())]).status == 200
    assert [has_letters(letter.read_part(1, 1 << 20)) for letter in house.letters()].count(False) == 1


def test_what_cannot_be_cleaned_harder_is_refused_and_the_choice_is_kept(house: House, source: Source) -> None:
    form = {**source.get("report").form("/report"), "report": "My words.", "strong": "yes"}
    uncertain = rb"{\rtf1\ansi{\fonttbl{\f0\fcharset128 A;}}\f0 \'82\'ff words}"
    page = source.post("report", form, [("note.rtf", uncertain)])
    assert page.status == 422
    assert str(REFUSALS[Refusal.NOT_STRONG]) in page.text
    (box,) = page.all('//input[@name="strong"]')
    assert box.get("checked") is not None
    assert house.letters() == []


def test_a_newsroom_may_clean_every_file_harder(house: House) -> None:
    strict = replace(house, settings=replace(house.settings, scrub=replace(house.settings.scrub, strong=True)))
    source = Source(strict.app())
    assert source.get("report").all('//input[@name="strong"]') == []
    assert "PDFs become pictures" in source.get("report").text
    source.send("", [("a.pdf", pdf())])
    assert not has_letters(house.letter().read_part(1, 1 << 20))


def test_beside_the_file_field_stand_three_short_lines_and_the_long_list_is_folded(source: Source) -> None:
    page = source.get("report")
    (hint,) = page.all('//p[@id="files-hint"]')
    lines = hint.text_content().split("\n")
    assert len(lines) == 3
    assert all(len(line) < 110 for line in lines)
    (listed,) = page.all('//details/p[@class="types"]')
    assert {each.extension.upper() for each in FORMATS} == set(listed.text.split(", "))


def test_the_types_that_are_taken_are_told_as_they_come_in(house: House, source: Source) -> None:
    told = source.get("help").text
    for ending in ("JPG", "HEIC", "BMP", "PDF", "DOCX", "RTF", "HTML", "MP3", "MOV", "ZIP", "TAR", "GZ"):
        assert f" {ending}," in told or f" {ending}." in told, ending
    strict = replace(house, settings=replace(house.settings, scrub=replace(house.settings.scrub, strong=True)))
    told = Source(strict.app()).get("help").text
    assert " DOCX," in told
    assert " TAR," in told
    assert " RTF," in told
    assert " SVG," in told


def test_every_category_of_what_is_removed_has_words() -> None:
    assert {str(each) for each in Removed} == set(REMOVED)


def test_every_note_has_words() -> None:
    assert all(words.strip() for code in (*Noted, *BY_CODE) for words in noted_in_words((code,)))
    assert noted_in_words(("time",)) == []
    assert removed_in_words(("kept-places",)) == []


def test_descriptors_and_scratch_files_are_gone_after_each_answer(house: House, source: Source) -> None:
    source.send("", [("a.jpg", photo())])
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        source.send("", [("a.jpg", photo()), ("b.doc", OLD_WORD)])
    assert len(list(Path("/proc/self/fd").iterdir())) <= before + 1
    assert list(Path(house.settings.intake.data / "scratch").iterdir()) == []
