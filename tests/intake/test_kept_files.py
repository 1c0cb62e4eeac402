"""Good files are uploaded once: what was cleaned waits for its form, and several posts add up to one letter."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldreport.errors import StoreError
from fieldreport.intake import kept_files
from fieldreport.intake.kept_files import NotKept
from fieldreport.intake.messages import NOT_KEPT
from fieldreport.mailbox.letterbox import LetterboxState, set_invitation, set_letterbox_state
from fieldreport.mailbox.tables import Kept
from fieldreport.seal import KeptFile
from fieldreport.store.blob_store import is_name
from tests.intake.conftest import House, Seen, Source
from tests.intake.samples import OLD_WORD, photo
from tests.intake.test_report_files import has_letters, pdf

GOOD = [("a.jpg", photo(shade=1)), ("b.jpg", photo(shade=2))]
BAD = ("letter.doc", OLD_WORD)


class Form:
    """One form in a browser: the first report's, or the one to add more."""

    def __init__(self, house: House, source: Source, *, to: str) -> None:
        self.house, self.source = house, source
        self.path = "report" if to == "report" else "return/add"
        self.files_path = "report/files" if to == "report" else "return/files"
        page = source.get("report")
        self.codename = page.codename
        if to == "return":
            page = source.come_back(self.codename)
        self.fields = {**page.form(f"/{self.path}"), "report": "Trucks."}

    def read(self, page: Seen) -> Seen:
        """Go on with the page that came."""
        self.fields = page.form(f"/{self.path}")
        return page

    def add(self, *files: tuple[str, bytes], **more: str) -> Seen:
        return self.source.post(self.files_path, {**self.fields, **more}, files)

    def send(self, *files: tuple[str, bytes], **more: str) -> Seen:
        return self.source.post(self.path, {**self.fields, **more}, files)


@pytest.fixture
def form(request: pytest.FixtureRequest, house: House, source: Source) -> Form:
    """The first report's; with ``BOTH``, that and the one to add more."""
    return Form(house, source, to=getattr(request, "param", "report"))


BOTH = pytest.mark.parametrize("form", ["report", "return"], indirect=True)


def listed(page: Seen) -> list[str]:
    """The names of the files that the page lists as kept."""
    return [each.text_content() for each in page.all('//section[@id="kept"]//bdi')]


def is_receipt(page: Seen) -> bool:
    return page.status == 200 and "We have received it" in page.title


@BOTH
def test_after_a_refusal_the_good_files_are_sent_without_being_uploaded_again(house: House, form: Form) -> None:
    page = form.read(form.send(*GOOD, BAD))
    assert page.status == 422
    assert listed(page) == ["a.jpg", "b.jpg"]
    assert "letter.doc" in page.text
    assert house.letters() == []
    page = form.send(without_refused="yes")
    assert is_receipt(page)
    assert all(name in page.text for name in ("a.jpg", "b.jpg", "the device that made it"))
    assert "letter.doc Left out, not stored." in page.text
    assert [part.name for part in house.letter().manifest.parts] == ["report.txt", "photo-1.jpg", "photo-2.jpg"]


@BOTH
def test_files_that_are_added_one_at_a_time_and_the_words_are_one_letter(house: House, form: Form) -> None:
    for number, file in enumerate(GOOD, start=1):
        page = form.read(form.add(file, where="the bridge"))
        assert page.status == 200
        assert page.title.startswith("Not sent yet")
        assert listed(page) == [name for name, _ in GOOD[:number]]
        assert (form.fields["report"], form.codename) == ("Trucks.", form.codename)
    assert house.letters() == []
    page = form.send(("c.txt", b"hello\n"), report="All of it.")
    assert is_receipt(page)
    letter = house.letter()
    assert letter.read_part(0, 100) == b"All of it."
    assert [part.name for part in letter.manifest.parts[1:]] == ["photo-1.jpg", "photo-2.jpg", "text-1.txt"]
    assert "device" in letter.manifest.parts[1].removed


def test_kept_files_are_on_no_disk_in_the_clear_and_show_neither_name_nor_owner(house: House, form: Form) -> None:
    form.add(("MARKER-name.txt", b"MARKER-content\n" * 9000), ("small.txt", b"MARKER-small\n"))
    everything = b"".join(path.read_bytes() for path in house.settings.intake.data.rglob("*") if path.is_file())
    assert b"MARKER" not in everything
    keys = house.keys(form.codename)
    for secret in (keys.index, keys.lookup, keys.kept_key(form.fields["form"]), form.codename.encode()):
        assert secret not in everything
    assert bytes.fromhex(form.fields["form"]) not in everything
    rows = waiting(house)
    assert {row.hour for row in rows} == {house.clock.hour}
    assert len({row.size for row in rows}) == 2
    assert all(path.stat().st_mtime == 0 for path in blobs(house))


def waiting(house: House) -> list[Kept]:
    with Session(house.mailbox._engine) as session:
        return list(session.scalars(select(Kept)))


def blobs(house: House) -> list[Path]:
    return [path for path in (house.settings.intake.data / "blobs").iterdir() if is_name(path.name)]


LARGE = ("large.txt", b"many words\n" * 9000)  # too large for its row: a blob of its own


def test_unsent_files_vanish_after_the_hour(house: House, form: Form) -> None:
    form.read(form.add(*GOOD, LARGE))
    kept = [*(row.hidden for row in waiting(house)), *(row.payload for row in waiting(house) if row.payload)]
    house.clock.now += 3600
    house.mailbox.kept.sweep(hour=house.clock.hour)
    assert len(waiting(house)) == 3
    assert len(blobs(house)) == 1
    house.clock.now += 3600
    house.mailbox.kept.sweep(hour=house.clock.hour)
    assert waiting(house) == []
    assert blobs(house) == []
    house.mailbox.upkeep.run()
    everything = b"".join(path.read_bytes() for path in house.settings.intake.data.rglob("*") if path.is_file())
    assert not any(each[place : place + 16] in everything for each in kept for place in range(0, len(each) - 16, 512))


def test_a_step_on_the_form_renews_the_hour(house: House, form: Form) -> None:
    form.read(form.add(GOOD[0]))
    house.clock.now += 3600
    form.read(form.add(GOOD[1]))
    house.clock.now += 3600
    house.mailbox.kept.sweep(hour=house.clock.hour)
    assert is_receipt(form.send())
    assert len(house.letter().manifest.parts) == 3


@BOTH
@pytest.mark.parametrize("act", ["take out", "delete", "withdraw", "send"])
def test_what_is_not_wanted_any_more_is_deleted_at_once(house: House, form: Form, act: str) -> None:
    page = form.read(form.add(LARGE))
    (place,) = page.all('//button[@name="take_out"]/@value')
    if act == "take out":
        page = form.read(form.add(take_out=place))
        assert listed(page) == []
        assert is_receipt(form.send())
        assert len(house.letter().manifest.parts) == 1
    elif act == "delete":
        assert "The files are deleted" in form.add(delete_files="yes").text
    elif act == "withdraw":
        source = form.source
        asked = source.post("return/withdraw", source.come_back(form.codename).form("/return/withdraw"))
        assert source.post("return/withdrawn", asked.form("/return/withdrawn")).status == 200
        assert waiting(house) == []
    else:
        assert is_receipt(form.send())
    assert len(blobs(house)) == (act == "send")  # the letter
    keys = house.keys(form.codename)
    notes = house.mailbox.kept.notes(keys.kept_places(), hour=house.clock.hour)
    opened = [KeptFile.open_note(each.note, keys.kept_key(form.fields["form"]), each.place) for each in notes]
    name = "large.txt" if act == "send" else ""
    assert [each.untrusted_name for each in opened] == ([] if act == "withdraw" else [name])
    assert [any(each.original_sha256) for each in opened] == [act == "send"] * len(opened)
    assert [row for row in waiting(house) if row.size] == []


def test_a_file_that_was_taken_out_in_another_tab_is_not_said_to_have_waited_too_long(form: Form) -> None:
    form.read(form.add(GOOD[0]))
    form.source.post(form.files_path, {**form.fields, "delete_files": "yes"})
    assert "its hour is over, or it was taken out" in form.send().text


@BOTH
def test_files_of_a_report_that_was_sent_are_not_said_to_be_deleted(house: House, form: Form) -> None:
    form.read(form.add(*GOOD))
    first = form.send()  # and another tab still shows the list
    page = form.add(delete_files="yes")
    assert page.status == 400
    assert "A report from this form has arrived" in page.title
    assert form.send().raw == first.raw
    assert len(house.letter().manifest.parts) == 3


def test_one_file_that_is_taken_out_leaves_the_others(house: House, form: Form) -> None:
    page = form.read(form.add(*GOOD))
    first = page.all('//button[@name="take_out"]/@value')[0]
    page = form.read(form.add(("c.txt", b"hello\n"), take_out=first))
    assert listed(page) == ["b.jpg", "c.txt"]
    assert is_receipt(form.send())
    assert len(house.letter().manifest.parts) == 3


# --- one letter, whatever happens ---


def test_loading_the_page_again_keeps_nothing_twice(house: House, form: Form) -> None:
    pages = [form.add(*GOOD) for _ in range(2)]
    assert listed(pages[0]) == listed(pages[1]) == ["a.jpg", "b.jpg"]
    form.read(pages[1])
    assert listed(form.send(GOOD[0], BAD)) == ["a.jpg", "b.jpg"]
    assert is_receipt(form.send(*GOOD))
    assert len(house.letter().manifest.parts) == 3


@BOTH
def test_a_form_with_kept_files_that_is_sent_twice_is_one_letter_with_the_same_receipt(
    house: House, form: Form
) -> None:
    form.read(form.add(*GOOD, BAD))
    pages = [form.send(("c.txt", b"hello\n"), without_refused="yes") for _ in range(2)]
    assert is_receipt(pages[0])
    assert pages[0].raw == pages[1].raw
    assert is_receipt(Source(house.app()).post(form.path, form.fields)) is False  # other content, and restarted
    assert len(house.letters()) == 1


def test_two_presses_at_the_same_moment_are_one_letter(house: House) -> None:
    app = house.app()
    form = Form(house, Source(app), to="report")
    form.read(form.add(*GOOD, LARGE))
    with ThreadPoolExecutor(4) as pool:
        pages = list(pool.map(lambda _: Source(app).post("report", form.fields), range(4)))
    assert [page.raw for page in pages] == [pages[0].raw] * 4
    assert is_receipt(pages[0])
    assert len(house.letter().manifest.parts) == 4


def test_a_server_that_dies_between_letter_and_answer_leaves_one_letter(
    house: House, form: Form, monkeypatch: pytest.MonkeyPatch
) -> None:
    form.read(form.add(*GOOD))
    with monkeypatch.context() as change:
        change.setattr(kept_files, "spend", lambda *_: 1 / 0)
        assert form.send().status == 500
    assert len(house.letters()) == 1
    assert is_receipt(form.send())
    assert len(house.letter().manifest.parts) == 3
    assert [row for row in waiting(house) if row.size] == []


def test_a_server_that_dies_while_it_deletes_leaves_no_page_that_breaks(
    house: House, form: Form, monkeypatch: pytest.MonkeyPatch
) -> None:
    form.read(form.add(LARGE))
    for path in blobs(house):
        path.unlink()
    page = form.read(form.send())
    assert "fewer files than before" in page.text
    assert is_receipt(form.send(LARGE))
    assert len(house.letter().manifest.parts) == 2


@BOTH
def test_two_tabs_add_to_the_same_letter(house: House, form: Form) -> None:
    form.add(GOOD[0])
    page = form.read(form.add(GOOD[1]))
    assert listed(page) == ["a.jpg", "b.jpg"]
    assert is_receipt(form.send())
    assert len(house.letters()) == 1
    page = form.add(("c.txt", b"hello\n"))
    assert "A report from this form has arrived" in page.text
    assert listed(page) == []


@BOTH
def test_a_file_whose_answer_was_lost_is_shown_before_it_is_sent(house: House, form: Form) -> None:
    form.add(*GOOD)  # and the answer never came: the page in the browser is the old one
    page = form.read(form.send())
    assert page.status == 422
    assert "look at your files" in page.text
    assert listed(page) == ["a.jpg", "b.jpg"]
    assert is_receipt(form.send())
    assert len(house.letter().manifest.parts) == 3


def test_files_of_another_form_are_neither_shown_nor_sent(house: House, source: Source) -> None:
    first = Form(house, source, to="report")
    first.add(*GOOD)
    page = source.come_back(first.codename)
    other = {**page.form("/return/add"), "report": "More."}
    assert is_receipt(source.post("return/add", other))
    assert len(house.letter().manifest.parts) == 1
    assert listed(first.add()) == ["a.jpg", "b.jpg"]


# --- questions ---


@BOTH
def test_if_fewer_files_would_be_sent_than_were_chosen_the_page_asks(house: House, form: Form) -> None:
    form.read(form.send(*GOOD, BAD))
    page = form.read(form.send())
    assert page.status == 422
    assert "fewer files than before" in page.text
    assert "letter.doc" in page.text
    house.clock.now += 2 * 3600
    page = form.read(form.send(without_refused="yes"))
    assert page.status == 422
    assert all(f"{name}We do not keep it any more" in page.text for name in ("a.jpg", "b.jpg"))
    assert house.letters() == []
    assert is_receipt(form.send(GOOD[0], without_missing="yes"))
    assert len(house.letter().manifest.parts) == 2


@pytest.mark.parametrize("together", [True, False])
def test_a_file_in_place_of_the_refused_one_answers_the_question(house: House, form: Form, *, together: bool) -> None:
    form.read(form.send(*GOOD, BAD))
    instead = ("letter.txt", b"hello\n")
    if not together:
        form.read(form.add(instead))
    assert is_receipt(form.send(*([instead] if together else [])))
    assert len(house.letter().manifest.parts) == 4


@pytest.mark.parametrize("new", ["c.jpg", "a.jpg"])
@BOTH
def test_another_file_does_not_take_the_place_of_one_that_is_gone(house: House, form: Form, new: str) -> None:
    form.read(form.add(*GOOD))
    house.clock.now += 2 * 3600
    other = (new, b"other words\n")  # on some phones every photo has the same name
    page = form.read(form.send(other))
    assert page.status == 422
    assert all(f"{name}We do not keep it any more" in page.text for name in ("a.jpg", "b.jpg"))
    assert listed(page) == [new]
    assert "fewer files than before" in form.read(form.send()).text
    assert is_receipt(form.send(*GOOD))
    assert len(house.letter().manifest.parts) == 4


def test_a_page_that_lists_more_files_than_one_post_holds_forgets_none(house: House, form: Form) -> None:
    rows = [[f"{number}.jpg", 1, number, ""] for number in range(210)]  # of two posts; all are gone by now
    page = form.send(chosen=json.dumps(rows))
    assert page.status == 422
    assert "209.jpgWe do not keep it any more" in page.text


def test_a_place_that_holds_another_file_by_now_is_not_the_one_that_was_listed(house: House, form: Form) -> None:
    form.read(form.add(GOOD[0]))
    house.clock.now += 2 * 3600
    other = Form(house, form.source, to="report")
    other.fields = {**form.fields, "chosen": ""}  # another tab
    assert listed(other.add(("c.txt", b"hello\n"))) == ["c.txt"]
    page = form.read(form.send())
    assert page.status == 422
    assert "a.jpgWe do not keep it any more" in page.text
    assert "look at your files" in page.text
    assert house.letters() == []


def test_a_field_that_is_too_long_costs_no_file(house: House, form: Form) -> None:
    page = form.read(form.send(*GOOD, protect="x" * 5000))
    assert page.status == 422
    assert listed(page) == ["a.jpg", "b.jpg"]
    assert is_receipt(form.send(protect="x"))
    assert len(house.letter().manifest.parts) == 3


def test_files_that_wait_are_cleaned_harder_if_their_source_wishes_it_later(house: House, form: Form) -> None:
    form.read(form.add(("a.pdf", pdf())))
    assert is_receipt(form.send(strong="yes"))
    letter = house.letter()
    assert not has_letters(letter.read_part(1, 1 << 20))
    assert form.send(strong="yes").raw.count("a.pdf") == 1
    assert len(house.letters()) == 1


def test_no_file_was_chosen(form: Form) -> None:
    page = form.add(report="What I typed.")
    assert page.status == 422
    assert page.problem_of("files") == "No file was chosen."
    assert "What I typed." in page.text


def test_a_list_that_no_page_of_ours_wrote_breaks_nothing(house: House, source: Source) -> None:
    for untrusted in [
        "[",
        "null",
        "{}",
        '"text"',
        "[[]]",
        '[["a.jpg",1,0]]',
        '[["a.jpg",true,0,""]]',
        '[["a.jpg",1.5,0,""]]',
        '[[["a"],1,0,""]]',
        f'[["a.jpg",1{"0" * 4000},0,""]]',
        '[["a.jpg",1,300,""]]',
        "[" * 100_000,
        '[["\\ud800.jpg",1,0,""]]',
        '[["a.jpg",0,-1,"no such reason"]]',
        "[" + ",".join(['["a.jpg",1,0,""]'] * 201) + "]",
    ]:
        form = Form(house, source, to="report")
        page = form.add(("a.txt", b"hello\n"), chosen=untrusted)
        assert page.status == 200, untrusted[:50]
        assert listed(form.read(page)) == ["a.txt"]
        assert form.send(chosen=untrusted).status in {200, 422}


# --- bounds ---


@pytest.mark.parametrize("bound", ["all", "form", "disk"])
def test_without_room_the_page_says_so_and_the_report_still_goes_in_one_post(
    house: House, form: Form, bound: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as change:
        if bound == "all":
            change.setattr(house.mailbox.kept, "_bytes_ceiling", 100_000)
        elif bound == "form":
            change.setattr(kept_files, "most_bytes", lambda _: 100_000)
        else:

            def full(*_: object, **__: object) -> None:
                raise StoreError("the disk is full")

            change.setattr(house.mailbox.kept, "put", full)
        page = form.read(form.add(LARGE, where="the bridge"))
    assert page.status == 200
    assert listed(page) == []
    reason = NOT_KEPT[NotKept.TOO_MUCH if bound == "form" else NotKept.NO_ROOM]
    assert f"large.txt{reason}" in page.text
    assert form.fields["report"] == "Trucks."
    assert waiting(house) == []
    assert blobs(house) == []
    assert "fewer files than before" in form.send().text
    assert is_receipt(form.send(LARGE))
    assert len(house.letter().manifest.parts) == 2


def test_files_that_wait_count_for_the_size_of_the_letter(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    form = Form(house, Source(house.app()), to="report")
    monkeypatch.setattr(kept_files, "most_bytes", lambda _: 150_000)
    form.read(form.add(LARGE))
    page = form.read(form.send(("more.txt", b"other words\n" * 9000)))
    assert page.status == 422
    assert "These are more than" in page.problem_of("files")
    assert listed(page) == ["large.txt"]
    assert house.letters() == []


def test_adding_files_does_not_use_up_the_reports_of_an_hour(house: House) -> None:
    source = Source(house.with_intake(report_rate="1 per hour", page_rate="4 per hour").app())
    form = Form(house, source, to="report")
    pages = [form.read(form.add((f"{number}.txt", f"{number}\n".encode()))) for number in range(5)]
    assert [page.status for page in pages] == [200] * 4 + [429]
    assert listed(pages[4]) == [f"{number}.txt" for number in range(4)]
    assert is_receipt(form.send())
    assert len(house.letter().manifest.parts) == 5


@BOTH
def test_who_is_not_invited_keeps_nothing(house: House, form: Form) -> None:
    set_invitation(house.settings.intake.data, "heron")
    page = form.add(*GOOD)
    assert page.status == 422
    assert page.problem_of("invitation")
    assert waiting(house) == []
    assert listed(form.read(form.add(*GOOD, invitation="heron"))) == ["a.jpg", "b.jpg"]


def test_a_letterbox_that_closes_for_files_lets_them_be_taken_out(house: House, form: Form) -> None:
    page = form.read(form.add(GOOD[0]))
    (place,) = page.all('//button[@name="take_out"]/@value')
    set_letterbox_state(house.settings.intake.data, LetterboxState.NO_FILES)
    page = form.read(form.send())
    assert page.status == 503
    assert listed(page) == ["a.jpg"]
    form.read(form.add(take_out=place))
    assert is_receipt(form.send())


@BOTH
def test_a_file_can_be_taken_out_while_nothing_is_taken_in(
    house: House, form: Form, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = form.read(form.add(LARGE))
    (place,) = page.all('//button[@name="take_out"]/@value')
    full_disk(monkeypatch, free=0)
    page = form.read(form.add(take_out=place))
    assert (page.status, listed(page), blobs(house)) == (200, [], [])
    assert form.fields["report"] == "Trucks."
    assert form.add(LARGE).status == 503
    assert waiting(house)[0].size == 0


def test_files_that_wait_leave_room_for_letters(house: House, form: Form, monkeypatch: pytest.MonkeyPatch) -> None:
    intake = house.settings.intake
    for spare, kept in ((100_000, []), (200_000, ["large.txt"])):
        full_disk(monkeypatch, free=intake.free_bytes + intake.request_bytes + spare)
        page = form.add(LARGE)
        assert (page.status, listed(page)) == (200, kept)
        form.read(page)
    assert is_receipt(form.send())


def full_disk(monkeypatch: pytest.MonkeyPatch, *, free: int) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _path: shutil._ntuple_diskusage(1 << 40, 0, free))


def test_a_file_of_another_name_does_not_stand_for_one_that_was_refused(house: House, form: Form) -> None:
    form.read(form.add(BAD))
    asked = form.read(form.send(("scan.txt", b"another thing\n")))
    assert asked.status == 422
    assert [each.text for each in asked.all("//*[@aria-labelledby='missing']//bdi")] == ["letter.doc"]
    assert not house.letters()
    assert form.send(without_missing="yes").status == 200
    assert len(house.letter().manifest.parts) == 2


def test_a_file_of_the_same_name_and_another_type_does(house: House, form: Form) -> None:
    form.read(form.add(BAD))
    assert form.send(("letter.txt", b"the same thing\n")).status == 200
    assert len(house.letter().manifest.parts) == 2


@pytest.mark.parametrize("languages", [("en",), ("en", "ko")])
def test_enter_in_a_line_takes_out_no_file(house: House, languages: tuple[str, ...]) -> None:
    house = house.with_intake(languages=languages)
    form = Form(house, Source(house.app()), to="report")
    form.read(form.add(GOOD[0]))
    set_letterbox_state(house.settings.intake.data, LetterboxState.NO_FILES)
    first = form.send().all('//button[@form="letter" or ancestor::form[@id="letter"]]')[0]
    assert (first.get("name"), first.get("formaction").endswith("#added")) == (None, True)


@BOTH
@pytest.mark.parametrize("lost", ["restart", "age"])
def test_a_form_whose_page_is_too_old_keeps_its_files(house: House, form: Form, lost: str) -> None:
    form.read(form.add(*GOOD))
    if lost == "restart":
        form.source = Source(house.app())
    else:
        house.mailbox.kept.touch(house.keys(form.codename).kept_places(), hour=house.clock.hour + 13)
        house.clock.now += 13 * 3600
    page = form.send()
    assert page.status == 400
    if form.path != "report":
        page = form.source.post("return", {**page.form("/return"), "codename": form.codename})
    assert listed(form.read(page)) == ["a.jpg", "b.jpg"]
    assert is_receipt(form.send())
    assert len(house.letter().manifest.parts) == 3


@pytest.mark.parametrize("mistyped", [False, True])
def test_who_types_the_codename_again_is_told_of_files_that_are_gone_and_removes_as_much_as_before(
    house: House, source: Source, *, mistyped: bool
) -> None:
    form = Form(house, source, to="return")
    form.read(form.add(*GOOD))
    house.clock.now += 13 * 3600
    page = form.send(strong="yes")
    if mistyped:
        page = source.post("return", {**page.form("/return"), "codename": "one two"})
    page = form.read(source.post("return", {**page.form("/return"), "codename": form.codename}))
    assert form.fields["strong"] == "yes"
    assert listed(page) == []
    assert "a.jpgWe do not keep it any more" in page.text
    page = form.read(form.send())
    assert page.status == 422
    assert "fewer files than before" in page.text
    assert is_receipt(form.send(without_missing="yes"))
