"""A letterbox that is closed, closed for files, or asks for a word: what is refused and kept, who still comes in."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from fieldreport.errors import StoreError, UsageError
from fieldreport.mailbox.letterbox import (
    LetterboxState,
    LocalSwitchboard,
    is_invited,
    letterbox_state,
    set_invitation,
    set_letterbox_state,
)
from tests.intake.conftest import House, Source
from tests.intake.packed_letters import packed
from tests.intake.samples import photo


@pytest.fixture
def data(house: House) -> Path:
    return house.settings.intake.data


# --- closed ---


def test_a_closed_letterbox_hands_out_no_form(source: Source, data: Path) -> None:
    set_letterbox_state(data, LetterboxState.CLOSED)
    for path in ("report", "hand-in"):
        page = source.get(path)
        assert page.status == 503
        assert "We take no reports at the moment" in page.title
        assert not page.all("//form")


def _fill(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(house.mailbox, "_letters_ceiling", 0)


def _fill_the_disk(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _path: shutil._ntuple_diskusage(1 << 40, (1 << 40) - 1, 1))


def _close(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    set_letterbox_state(house.settings.intake.data, LetterboxState.CLOSED)


def _forget_the_roster(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.clock.now += 91 * 24 * 3600


@pytest.mark.parametrize("stop", [_close, _fill, _fill_the_disk, _forget_the_roster])
def test_the_first_page_says_that_nothing_is_taken_and_nobody_is_given_a_form(
    house: House, monkeypatch: pytest.MonkeyPatch, stop: Callable[[House, pytest.MonkeyPatch], None]
) -> None:
    source = Source(house.app())
    (before,) = source.get("").all("//main//a[@class='button']")
    assert before.get("href") == "/en/report"
    house.clock.now += 2
    stop(house, monkeypatch)
    page = source.get("")
    assert page.status == 200
    assert page.all("//*[@id='closed']")
    assert not page.all("//main//a[@class='button']")
    assert "/en/return" in page.all("//main//a/@href"), "answers can still be read"
    refused = source.get("report")
    assert refused.status == 503
    assert refused.title.split(" – ")[0] == page.all("//*[@id='closed']/h2")[0].text


@pytest.mark.parametrize("stop", [_close, _fill, _fill_the_disk])
def test_who_comes_back_while_nothing_is_taken_reads_that_before_typing(
    house: House, monkeypatch: pytest.MonkeyPatch, stop: Callable[[House, pytest.MonkeyPatch], None]
) -> None:
    source = Source(house.app())
    codename = source.send("Trucks.").codename
    unused = source.get("report").codename
    house.clock.now += 2
    stop(house, monkeypatch)
    for each in (codename, unused):
        page = source.come_back(each)
        assert page.all("//*[@id='closed']")
        assert not page.all("//textarea")
        assert page.all("//form[contains(@action, '/return/withdraw')]")
        turned = source.post("return/files", {**page.form("/return/files"), "turn": "yes"})
        assert turned.all("//*[@id='closed']")
    assert source.get("hand-in").status == 503


def test_letters_of_an_hour_have_a_ceiling_with_the_page_of_a_full_mailbox(house: House) -> None:
    source = Source(house.with_intake(letters_per_hour=3).app())
    codename = source.send("Trucks.").codename
    addition = source.come_back(codename).form("/return/add")
    last = {**source.get("report").form("/report"), "report": "Tanks."}
    late = {**source.get("report").form("/report"), "report": "Planes."}
    assert source.post("return/add", {**addition, "report": "And a tank."}).status == 200
    assert source.post("report", last).status == 200
    house.clock.now += 2
    assert source.post("report", last).status == 200, "what has arrived gets its receipt"
    for path, form in (
        ("report", late),
        ("return/add", {**source.come_back(late["codename"]).form("/return/add"), "report": "x"}),
    ):
        page = source.post(path, form)
        assert page.status == 503
        assert "Our mailbox is full" in page.title
        assert page.form(f"/{path}")["report"] == form["report"]
    assert source.get("report").status == 503
    assert source.get("").all("//*[@id='closed']")
    assert len(house.letters()) == 3
    house.clock.pass_hours(1)
    assert source.post("report", late).status == 200


def test_fewer_of_them_can_be_taken_than_the_settings_allow_and_never_more(house: House) -> None:
    intake = house.with_intake(letters_per_hour=3)
    source, board = Source(intake.app()), LocalSwitchboard(intake.settings.intake)
    board.set_letterbox(letters_per_hour=1)
    assert source.send("Trucks.").status == 200
    house.clock.now += 2
    assert source.get("report").status == 503
    board.set_letterbox(letters_per_hour=50)
    house.clock.now += 2
    assert [source.send(text).status for text in ("Tanks.", "Planes.")] == [200, 200]
    house.clock.now += 2
    assert source.get("report").status == 503
    (intake.settings.intake.data / "letters-per-hour").write_text("many")
    house.clock.pass_hours(1)
    assert source.get("report").status == 503, "what nobody can read closes it"
    board.set_letterbox(letters_per_hour=0)
    house.clock.now += 2
    assert source.send("Boats.").status == 200


def test_of_a_number_that_nobody_can_read_the_log_says_once_that_it_closes_the_letterbox_and_what_to_do(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    source, intake = Source(house.app()), house.settings.intake
    (intake.data / "letters-per-hour").write_text("many")
    for _ in range(3):
        house.clock.now += 2
        assert source.get("report").status == 503
    (line,) = (each.getMessage() for each in caplog.records if "letters-per-hour" in each.getMessage())
    assert "nothing is taken" in line
    assert "set them again" in line
    LocalSwitchboard(intake).set_letterbox(letters_per_hour=0)
    house.clock.now += 2
    assert source.send("Boats.").status == 200
    assert caplog.records[-1].getMessage() == "the letterbox works again: letters-per-hour"


def test_a_flood_shuts_out_those_who_have_written_before_last(house: House) -> None:
    source = Source(house.with_intake(letters_per_hour=4).app())
    known = source.send("first").codename
    form = source.get("report").form("/report")
    stranger = source.come_back(form["codename"]).form("/return/add")
    for number in range(3):
        assert source.send(f"flood {number}").status == 200
    assert source.post("report", {**form, "report": "Trucks."}).status == 503
    assert source.post("return/add", {**stranger, "report": "Trucks."}).status == 503
    back = source.come_back(known).form("/return/add")
    assert source.post("return/add", {**back, "report": "more"}).status == 200
    back = source.come_back(known).form("/return/add")
    assert source.post("return/add", {**back, "report": "too much"}).status == 503
    assert len(house.letters()) == 5


def test_the_disk_of_the_payloads_counts_too(house: House, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "payloads").mkdir()
    other = house.with_intake(blobs=str(tmp_path / "payloads"))
    intake = other.settings.intake
    free = {intake.data: 1 << 39, tmp_path / "payloads": intake.free_bytes + intake.request_bytes - 1}
    monkeypatch.setattr("shutil.disk_usage", lambda path: shutil._ntuple_diskusage(1 << 40, 0, free[path]))
    assert Source(house.app()).send("Trucks.").status == 200
    source = Source(other.app())
    assert source.get("report").status == 503
    free[tmp_path / "payloads"] += 1
    assert source.send("More trucks.").status == 200


def test_a_form_that_was_handed_out_is_refused_when_the_disk_has_filled_up(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Source(house.app())
    form = {**source.get("report").form("/report"), "report": "Trucks."}
    intake = house.settings.intake
    for free, status in (
        (intake.free_bytes + intake.request_bytes - 1, 503),
        (intake.free_bytes + intake.request_bytes, 200),
    ):
        monkeypatch.setattr("shutil.disk_usage", lambda _path, free=free: shutil._ntuple_diskusage(1 << 40, 0, free))
        assert source.post("report", form).status == status


def test_the_first_page_says_that_only_words_are_taken(source: Source, data: Path) -> None:
    assert not source.get("").all("//*[@id='no-files']")
    set_letterbox_state(data, LetterboxState.NO_FILES)
    page = source.get("")
    assert page.all("//*[@id='no-files']")
    assert page.all("//main//a[@class='button']")


def test_who_comes_to_a_closed_door_is_not_logged(source: Source, data: Path, caplog: pytest.LogCaptureFixture) -> None:
    set_letterbox_state(data, LetterboxState.CLOSED)
    assert source.get("report").status == 503
    assert source.post("report", {"report": "Trucks."}).status == 503
    assert caplog.records == []


def test_what_is_posted_to_a_closed_letterbox_is_given_back(house: House, source: Source, data: Path) -> None:
    form = source.get("report").form("/report")
    set_letterbox_state(data, LetterboxState.CLOSED)
    page = source.post("report", {**form, "report": "Trucks.", "where": "The bridge"})
    assert page.status == 503
    again = page.form("/report")
    assert (again["report"], again["where"]) == ("Trucks.", "The bridge")
    assert house.letters() == []
    set_letterbox_state(data, LetterboxState.OPEN)
    assert source.post("report", again).status == 200


def test_who_has_a_codename_comes_back_reads_and_withdraws(house: House, source: Source, data: Path) -> None:
    codename = source.send("Trucks.").codename
    house.reply(codename, "We have read it.")
    before = source.come_back(codename).form("/return/add")
    set_letterbox_state(data, LetterboxState.CLOSED)
    back = source.come_back(codename)
    assert "We have read it." in back.text
    page = source.post("return/add", {**before, "report": "More."})
    assert page.status == 503
    assert page.form("/return/add")["report"] == "More."
    asked = source.post("return/withdraw", back.form("/return/withdraw"))
    assert source.post("return/withdrawn", asked.form("/return/withdrawn")).status == 200


def test_a_packed_report_is_not_taken_when_closed_or_closed_for_files(house: House, source: Source, data: Path) -> None:
    for state in (LetterboxState.CLOSED, LetterboxState.NO_FILES):
        set_letterbox_state(data, state)
        assert source.post("hand-in", {}, [("a.packed", packed(house))]).status == 503
    assert house.letters() == []
    set_letterbox_state(data, LetterboxState.OPEN)
    assert source.post("hand-in", {}, [("a.packed", packed(house))]).status == 200


# --- closed for files ---


def test_closed_for_files_the_form_has_no_field_for_them_and_says_why(source: Source, data: Path) -> None:
    assert source.get("report").all('//input[@type="file"]')
    set_letterbox_state(data, LetterboxState.NO_FILES)
    page = source.get("report")
    assert page.status == 200
    assert not page.all('//input[@type="file"]')
    assert page.all('//p[@id="no-files"]')
    assert source.send("Trucks.").status == 200


def test_files_that_come_nevertheless_are_refused_with_the_words_kept_and_nothing_sent_without_them(
    house: House, source: Source, data: Path
) -> None:
    form = {**source.get("report").form("/report"), "report": "Trucks."}
    set_letterbox_state(data, LetterboxState.NO_FILES)
    page = source.post("report", form, [("a.jpg", photo())])
    assert page.status == 503
    assert "We take no files at the moment" in page.text
    assert page.form("/report")["report"] == "Trucks."
    assert house.letters() == []
    assert source.post("report", page.form("/report")).status == 200


# --- the invitation word ---


@pytest.fixture
def invited(data: Path) -> str:
    set_invitation(data, "Blue  Heron")
    return "blue heron"


@pytest.mark.parametrize("typed", ["blue heron", "  BLUE heron ", "Ｂｌｕｅ heron"])
def test_with_the_word_however_it_is_written_a_report_is_taken(
    house: House, source: Source, invited: str, typed: str
) -> None:
    assert source.get("report").all('//input[@name="invitation"]')
    assert source.send("Trucks.", invitation=typed).status == 200
    letter = house.letter()
    assert "invitation" not in letter.manifest.fields
    assert invited not in str(letter.manifest).casefold()


@pytest.mark.parametrize("typed", ["", "heron", "blue heron!", "blueheron"])
def test_without_it_nothing_is_taken_and_everything_kept(
    house: House, source: Source, invited: str, typed: str
) -> None:
    page = source.send("Trucks.", invitation=typed, where="The bridge")
    assert page.status == 422
    assert "not the word" in page.problem_of("invitation")
    again = page.form("/report")
    assert (again["report"], again["where"], again["invitation"]) == ("Trucks.", "The bridge", typed)
    assert house.letters() == []
    assert source.post("report", {**again, "invitation": invited}).status == 200


def test_a_packed_report_needs_it_too(house: House, source: Source, invited: str) -> None:
    page = source.post("hand-in", {}, [("a.packed", packed(house))])
    assert page.status == 422
    assert "not the word" in page.problem_of("invitation")
    assert source.post("hand-in", {"invitation": invited}, [("a.packed", packed(house))]).status == 200


def test_a_codename_of_which_nothing_was_seen_is_no_way_round_it(house: House, source: Source, invited: str) -> None:
    codename = source.get("report").codename
    form = {**source.come_back(codename).form("/return/add"), "report": "Trucks."}
    page = source.post("return/add", form)
    assert page.status == 422
    assert "not the word" in page.problem_of("invitation")
    assert page.form("/return/add")["report"] == "Trucks."
    assert house.letters() == []
    assert source.post("return/add", {**page.form("/return/add"), "invitation": invited}).status == 200


def test_who_has_written_before_or_was_answered_needs_none(house: House, source: Source, invited: str) -> None:
    sent = source.send("Trucks.", invitation=invited).codename
    answered = source.get("report").codename
    house.reply(answered, "We have read it.")
    for codename in (sent, answered):
        form = source.come_back(codename).form("/return/add")
        assert source.post("return/add", {**form, "report": f"More of {codename}."}).status == 200


def test_when_no_word_is_asked_for_any_more_the_field_is_gone(source: Source, data: Path, invited: str) -> None:
    assert invited
    set_invitation(data, None)
    assert not source.get("report").all('//input[@name="invitation"]')
    assert source.send("Trucks.").status == 200


# --- the files ---


def test_a_state_that_nobody_wrote_closes(data: Path) -> None:
    assert letterbox_state(data) is LetterboxState.OPEN
    (data / "letterbox").write_text("opne\n")
    assert letterbox_state(data) is LetterboxState.CLOSED
    (data / "letterbox").unlink()
    (data / "letterbox").mkdir()
    assert letterbox_state(data) is LetterboxState.CLOSED
    with pytest.raises(StoreError):
        set_letterbox_state(data, LetterboxState.OPEN)


def test_a_word_that_cannot_be_read_fits_nothing(data: Path) -> None:
    for content in (b"\xff\xfe", b"\n"):
        (data / "invitation").write_bytes(content)
        assert not is_invited(data, "")
        assert not is_invited(data, "x")
    with pytest.raises(UsageError):
        set_invitation(data, " \n")


def test_others_on_the_machine_cannot_read_the_word(data: Path, invited: str) -> None:
    assert invited in (data / "invitation").read_text()
    assert (data / "invitation").stat().st_mode & 0o777 == 0o600
