"""What a page says about what was stored is true in every state: restart, lost answer, failing store, two tabs.

A source who reads "nothing was stored" takes their name out and sends again; if it is false, the first letter is there.
``SENTENCES`` lists every sentence of the letterbox about what was stored, with the tests that make the states in which
it could be false.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from babel.messages.pofile import read_po

from fieldreport import intake, limits
from fieldreport.errors import ScrubRefused, StoreError
from fieldreport.intake.receipts import RecentReceipts
from fieldreport.mailbox import LocalMailbox
from fieldreport.mailbox.letterbox import LetterboxState, set_invitation, set_letterbox_state
from fieldreport.scrub import Refusal
from tests.intake.conftest import House, Seen, Source, form_body
from tests.intake.packed_letters import packed
from tests.intake.samples import photo

WORDS = {"report": "Trucks at the bridge. My name is Kim.", "where": "The bridge"}
PHOTO = [("a.jpg", photo())]


class Outage:
    """A mailbox whose ``method`` fails, before it has done its work or after."""

    def __init__(self, house: House, method: str, *, after: bool) -> None:
        self._mailbox = house.mailbox
        self._method = method
        self._after = after
        self.away = True

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._mailbox, name)
        return (lambda *given, **_: self._fail(real, given)) if name == self._method and self.away else real

    def _fail(self, real: Callable[..., object], given: tuple[object, ...]) -> None:
        if self._after:
            real(*given)
        raise StoreError("the mailbox is away")


def restarted(house: House) -> Source:
    """Another process: the key of the tokens, the receipts and whatever else was in memory are gone."""
    return Source(house.app())


def filled_in(source: Source, **more: str) -> dict[str, str]:
    return {**source.get("report").form("/report"), **WORDS, **more}


def claims(page: Seen) -> str:
    (box,) = page.all('//div[@role="alert"]')
    return " ".join(box.text_content().split())


def is_receipt(page: Seen) -> bool:
    return page.status == 200 and "We have received it" in page.title


# --- restart ---


def test_after_a_restart_a_report_that_was_stored_gets_its_receipt(house: House, source: Source) -> None:
    form = filled_in(source)
    assert is_receipt(source.post("report", form, PHOTO))
    again = restarted(house).post("report", form, PHOTO)
    assert is_receipt(again)
    assert "a.jpg" in again.text
    assert len(house.letters()) == 1


def test_after_a_restart_other_words_are_told_that_the_first_have_arrived(house: House, source: Source) -> None:
    form = filled_in(source)
    source.post("report", form, PHOTO)
    later = restarted(house)
    page = later.post("report", {**form, "report": "Trucks at the bridge."}, PHOTO)
    assert page.status == 400
    assert "A report from this form has arrived" in claims(page)
    assert page.title.startswith("A report from this form has arrived")
    assert len(house.letters()) == 1
    more = page.form("/report")
    assert (more["report"], more["codename"]) == ("Trucks at the bridge.", form["codename"])
    assert is_receipt(later.post("report", more))
    assert len(house.letters()) == 2


def test_after_a_restart_a_report_that_did_not_arrive_is_sent_by_one_more_press(house: House, source: Source) -> None:
    form = filled_in(source)
    later = restarted(house)
    page = later.post("report", form)
    assert "We found no report from this form." in claims(page)
    assert house.letters() == []
    assert is_receipt(later.post("report", page.form("/report")))
    assert is_receipt(later.post("report", form))
    assert len(house.letters()) == 1


def test_a_letter_that_was_collected_meanwhile_has_arrived_too(house: House, source: Source) -> None:
    form = filled_in(source)
    source.post("report", form)
    house.mailbox.acknowledge([head.id for head in house.mailbox.waiting(10)])
    later = restarted(house)
    assert is_receipt(later.post("report", form))
    assert "has arrived" in claims(later.post("report", {**form, "report": "Other."}))
    assert house.letters() == []


def test_what_arrived_is_told_to_nobody_without_the_form(house: House, source: Source) -> None:
    form = filled_in(source)
    source.post("report", form)
    other = source.get("report").form("/report")
    for changed in ({"codename": other["codename"]}, {"form": other["form"]}, {"form": "none"}):
        page = restarted(house).post("report", {**form, **changed})
        assert "We found no report" in claims(page)
    assert len(house.letters()) == 1


# --- what happens between the letter and its second post ---


def _closed(house: House) -> House:
    set_letterbox_state(house.settings.intake.data, LetterboxState.CLOSED)
    return house


def _no_files(house: House) -> House:
    set_letterbox_state(house.settings.intake.data, LetterboxState.NO_FILES)
    return house


def _by_invitation(house: House) -> House:
    set_invitation(house.settings.intake.data, "word")
    return house


def _no_roster(house: House) -> House:
    house.clock.now += 91 * 24 * 3600
    return house


def _full(house: House) -> House:
    house.mailbox._letters_ceiling = 1
    return house


def _expired(house: House) -> House:
    house.clock.now += limits.TOKEN_IDLE_SECONDS + 120
    return house


@pytest.mark.parametrize("change", [_closed, _no_files, _by_invitation, _no_roster, _full, _expired])
def test_who_sends_the_same_again_gets_the_receipt_whatever_happened_since(
    house: House, source: Source, change: Callable[[House], House]
) -> None:
    form = filled_in(source)
    source.post("report", form, PHOTO)
    assert is_receipt(Source(change(house).app()).post("report", form, PHOTO))
    assert len(house.letters()) == 1


@pytest.mark.parametrize("change", [_closed, _no_files, _by_invitation, _full])
def test_who_adds_the_same_again_gets_the_receipt_whatever_happened_since(
    house: House, source: Source, change: Callable[[House], House]
) -> None:
    form = {**source.come_back(source.get("report").codename).form("/return/add"), "report": "More."}
    assert is_receipt(source.post("return/add", form, PHOTO))
    change(house)
    assert is_receipt(source.post("return/add", form, PHOTO))
    assert len(house.letters()) == 1


@pytest.mark.parametrize("path", ["report", "return/add"])
def test_a_cleaner_that_fails_the_second_time_does_not_hide_that_it_arrived(
    house: House, source: Source, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = filled_in(source)
    if path == "return/add":
        form = {**source.come_back(form["codename"]).form("/return/add"), **WORDS}
    assert is_receipt(source.post(path, form, PHOTO))

    def busy(*_: object, **__: object) -> None:
        raise ScrubRefused("busy", code=Refusal.BUSY)

    monkeypatch.setattr(type(house.scrubber), "clean", busy)
    page = source.post(path, form, PHOTO)
    assert "A report from this form has arrived" in claims(page)
    assert len(house.letters()) == 1


def test_a_refusal_of_a_second_post_speaks_of_this_time_only(house: House) -> None:
    """The first was stored. These refusals come before the body is known, so nothing is looked up."""
    cramped = house.with_intake(report_rate="1 per hour", request_bytes=limits.FORM_TEXT_BYTES)
    first = Source(cramped.app())
    form = filled_in(first)
    body, kind = form_body(list(form.items()), PHOTO)
    assert is_receipt(first.post("report", form))

    def over_budget() -> Seen:
        source = Source(cramped.app())
        source.send("Another.")
        return source.post("report", form)

    pages = [
        over_budget(),
        restarted_post(cramped, form, [("b.jpg", bytes(limits.FORM_TEXT_BYTES))]),
        restarted_post(cramped, form, [(f"{n}.txt", b"x") for n in range(limits.FORM_PARTS)]),
        restarted_post(cramped, {**form, "report": "word " * 500_000}),
        Seen(Source(cramped.app()).client.post("/en/report", data=body[: body.index(b"\xff\xd8")], content_type=kind)),
        Seen(Source(cramped.app()).client.post("/en/report", data=b"{}", content_type="application/json")),
        restarted_post(cramped, form, headers={"Sec-Fetch-Site": "cross-site"}),
    ]
    assert [page.status for page in pages] == [429, 413, 413, 413, 400, 415, 403]
    for page in pages:
        assert "Nothing was stored this time." in claims(page)
        assert "yet" not in claims(page)
    for page in pages[:6]:
        assert "See whether all of it is there." in claims(page)
        assert "What you typed is still here" not in page.text


def test_files_that_cannot_be_cleaned_were_not_stored_this_time(house: House, source: Source) -> None:
    form = filled_in(source)
    page = source.post("report", form, [("a.exe", b"MZ" + bytes(100))])
    assert page.status == 422
    assert "No report was sent this time." in claims(page)
    assert house.letters() == []
    received = source.post(
        "report", {**page.form("/report"), "without_refused": "yes"}, [("a.exe", b"MZ" + bytes(100))]
    )
    assert is_receipt(received)
    assert "Left out, not stored." in received.text
    assert [part.name for part in house.letter().manifest.parts] == ["report.txt"]


def restarted_post(house: House, form: dict[str, str], files: Sequence[tuple[str, bytes]] = (), **options: Any) -> Seen:
    return restarted(house).post("report", form, files, **options)


# --- a store that fails ---


@pytest.mark.parametrize("after", [False, True], ids=["before it has stored", "after it has stored"])
def test_a_store_that_fails_leaves_it_open_whether_the_report_arrived(house: House, *, after: bool) -> None:
    mailbox = Outage(house, "deposit", after=after)
    source = Source(house.app(mailbox=mailbox))
    form = filled_in(source)
    page = source.post("report", form, PHOTO)
    assert page.status == 503
    assert "may have arrived or not" in claims(page)
    assert not page.title.startswith("Not sent")
    assert len(house.letters()) == after
    mailbox.away = False
    assert is_receipt(source.post("report", page.form("/report"), PHOTO))
    assert len(house.letters()) == 1


def test_after_a_store_that_failed_other_words_are_refused_only_if_the_first_arrived(house: House) -> None:
    for after in (False, True):
        mailbox = Outage(house, "deposit", after=after)
        source = Source(house.app(mailbox=mailbox))
        page = source.post("report", filled_in(source))
        mailbox.away = False
        again = source.post("report", {**page.form("/report"), "report": "Other."})
        assert is_receipt(again) is not after
        assert ("A report from this form has arrived" in again.text) is after
    assert len(house.letters()) == 2


def test_a_mailbox_that_cannot_be_asked_says_neither(house: House, source: Source) -> None:
    form = filled_in(source)
    source.post("report", form)
    page = Source(house.app(mailbox=Outage(house, "beginning_with_and_kept", after=False))).post("report", form)
    assert page.status == 503
    assert "may have arrived or not" in claims(page)


@pytest.mark.parametrize("broken", ["receipt", "page"])
def test_what_breaks_after_the_letter_was_stored_does_not_say_that_nothing_was(
    house: House, broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = house.app()
    source = Source(app)
    form = filled_in(source)
    with monkeypatch.context() as change:
        if broken == "receipt":
            change.setattr(RecentReceipts, "keep", lambda *_, **__: 1 / 0)
        else:
            change.setitem(app.jinja_env.filters, "removed_in_words", lambda _: 1 / 0)
        page = source.post("report", form, PHOTO)
    assert page.status == 500
    assert "may have arrived or not" in claims(page)
    assert len(house.letters()) == 1
    assert is_receipt(source.post("report", page.form("/report"), PHOTO))
    assert len(house.letters()) == 1


def test_the_last_resort_does_not_know_either(house: House) -> None:
    app = house.app(mailbox=Outage(house, "deposit", after=True))
    source = Source(app)
    form = filled_in(source)
    app.jinja_env.globals.pop("newsroom")
    page = Seen(source.client.post("/en/report", data=form))
    assert page.status == 503
    assert len(house.letters()) == 1
    assert "may have arrived" in page.text
    assert "nothing" not in page.text.lower()


# --- two tabs, and a form that is used again ---


def test_other_words_from_a_second_tab_are_kept_and_sent_by_one_more_press(house: House, source: Source) -> None:
    form = filled_in(source)
    assert is_receipt(source.post("report", form))
    assert is_receipt(source.post("report", form))
    page = source.post("report", {**form, "report": "Tanks."})
    assert page.status == 400
    assert "A report from this form has arrived" in claims(page)
    assert len(house.letters()) == 1
    assert is_receipt(source.post("report", page.form("/report")))
    assert len(house.letters()) == 2


def test_the_same_holds_for_an_addition(house: House, source: Source) -> None:
    codename = source.send("Trucks.").codename
    form = {**source.come_back(codename).form("/return/add"), "report": "More."}
    assert is_receipt(source.post("return/add", form))
    page = source.post("return/add", {**form, "report": "Other."})
    assert page.status == 400
    again = page.form("/return/add")
    assert again["report"] == "Other."
    assert is_receipt(source.post("return/add", again))
    assert len(house.letters()) == 3


# --- the return pages ---


@pytest.mark.parametrize("words", ["More.", ""], ids=["with words", "files only"])
@pytest.mark.parametrize("stored", [True, False])
def test_an_addition_across_a_restart_is_looked_up_once_the_codename_is_typed(
    house: House, source: Source, words: str, *, stored: bool
) -> None:
    codename = source.get("report").codename
    form = {**source.come_back(codename).form("/return/add"), "report": words}
    if stored:
        assert is_receipt(source.post("return/add", form, PHOTO))
    later = restarted(house)
    asked = later.post("return/add", form, PHOTO)
    assert asked.status == 400
    assert "Your last step may have been done or not." in claims(asked)
    typo = later.post("return", {**asked.form("/return"), "codename": "one two"})
    back = later.post("return", {**typo.form("/return"), "codename": codename})
    assert ("A report from this form has arrived" if stored else "We found no report from this form.") in claims(back)
    assert back.form("/return/add")["report"] == words
    assert (back.form("/return/add")["form"] == form["form"]) is not stored
    if not stored:
        assert is_receipt(later.post("return/add", back.form("/return/add"), PHOTO))
    assert len(house.letters()) == 1


@pytest.mark.parametrize("after", [False, True])
def test_an_addition_that_a_store_did_not_confirm_is_stored_once(house: House, *, after: bool) -> None:
    mailbox = Outage(house, "deposit", after=after)
    source = Source(house.app(mailbox=mailbox))
    form = {**source.come_back(source.get("report").codename).form("/return/add"), "report": "More."}
    page = source.post("return/add", form)
    assert "may have arrived or not" in claims(page)
    mailbox.away = False
    assert is_receipt(source.post("return/add", page.form("/return/add")))
    assert len(house.letters()) == 1


@pytest.mark.parametrize("step", ["delete", "withdrawn"])
@pytest.mark.parametrize("done", [True, False])
def test_a_step_across_a_restart_may_be_done_and_may_be_repeated(
    house: House, source: Source, step: str, *, done: bool
) -> None:
    codename = source.get("report").codename
    house.reply(codename, "Thank you.")
    form = source.come_back(codename).form(f"/return/{'withdraw' if step == 'withdrawn' else step}")
    if step == "withdrawn":
        form = source.post("return/withdraw", form).form("/return/withdrawn")
    if done:
        assert source.post(f"return/{step}", form).status == 200
    later = restarted(house)
    page = later.post(f"return/{step}", form)
    assert page.status == 400
    assert "Your last step may have been done or not." in claims(page)
    assert "tored" not in claims(page)
    back = later.come_back(codename)
    assert ("Thank you." in back.text) is not done
    assert later.post("return/delete", back.form("/return/add")).status == 200


@pytest.mark.parametrize("method", ["deposit", "delete_all_replies"])
@pytest.mark.parametrize("after", [False, True])
def test_a_withdrawal_that_a_store_did_not_confirm_may_be_done_and_may_be_repeated(
    house: House, method: str, *, after: bool
) -> None:
    mailbox = Outage(house, method, after=after)
    source = Source(house.app(mailbox=mailbox))
    codename = source.get("report").codename
    house.reply(codename, "Thank you.")

    def withdraw() -> Seen:
        asked = source.post("return/withdraw", source.come_back(codename).form("/return/withdraw"))
        return source.post("return/withdrawn", asked.form("/return/withdrawn"))

    page = withdraw()
    assert page.status == 503
    assert "Your last step may have been done or not." in claims(page)
    mailbox.away = False
    assert withdraw().status == 200
    assert house.mailbox.replies(house.keys(codename).index) == []


def test_an_answer_that_came_meanwhile_is_not_among_the_deleted(house: House, source: Source) -> None:
    codename = source.get("report").codename
    house.reply(codename, "Thank you.")
    shown = source.come_back(codename)
    house.reply(codename, "One more question.", number=2)
    page = source.post("return/delete", shown.form("/return/delete"))
    assert "The answers that you have seen are deleted." in page.text
    assert "Thank you." not in page.text
    assert "One more question." in page.text


def test_what_a_restart_forgot_is_not_said_to_be_missing(house: House, source: Source) -> None:
    codename = source.send("Trucks.").codename

    def arrived(source: Source) -> Seen:
        return source.post("return/arrived", source.come_back(codename).form("/return/arrived"))

    assert "We have received this from you" in arrived(source).text
    page = arrived(restarted(house))
    assert "our machine may have restarted" in page.text
    assert "We have received" not in page.text


# --- packed reports ---


def test_of_packed_reports_before_an_outage_nothing_false_is_said(
    house: House, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = packed(house, "One."), packed(house, "Two.")
    real = LocalMailbox.deposit

    def deposit(mailbox: LocalMailbox, letter: bytes, epoch: int, seal: Callable[[BinaryIO], bytes]) -> bool:
        stored = real(mailbox, letter, epoch, seal)
        house.clock.now += 91 * 24 * 3600  # the roster ends before the second is looked at
        return stored

    with monkeypatch.context() as change:
        change.setattr(LocalMailbox, "deposit", deposit)
        page = source.post("hand-in", {}, [("a", first), ("b", second)])
    assert page.status == 503
    assert "may have arrived or not" in claims(page)
    assert page.title.startswith("Something broke on our side")
    house.clock.now -= 91 * 24 * 3600
    assert source.post("hand-in", {}, [("a", first), ("b", second)]).status == 200
    assert len(house.mailbox.waiting(10)) == 2


def test_a_packed_report_that_is_refused_the_second_time_was_not_stored_this_time(house: House, source: Source) -> None:
    file = packed(house)
    assert source.post("hand-in", {}, [("a", file)]).status == 200
    damaged = BytesIO(file).read()[:-1]
    page = source.post("hand-in", {}, [("a", damaged)])
    assert "Nothing of them was stored this time." in claims(page)
    many = source.post("hand-in", {}, [("a", file)] * (limits.HAND_IN_FILES + 1))
    assert "Nothing was stored this time." in claims(many)


# --- the list ---

SENTENCES: dict[str, tuple[Callable[..., None], ...]] = {
    "Nothing was stored this time.": (test_a_refusal_of_a_second_post_speaks_of_this_time_only,),
    "What you sent may have arrived or not, but never half of it. Send the same again: we keep it only once.": (
        test_a_store_that_fails_leaves_it_open_whether_the_report_arrived,
        test_a_mailbox_that_cannot_be_asked_says_neither,
        test_what_breaks_after_the_letter_was_stored_does_not_say_that_nothing_was,
        test_an_addition_that_a_store_did_not_confirm_is_stored_once,
        test_of_packed_reports_before_an_outage_nothing_false_is_said,
    ),
    "Your last step may have been done or not. It does no harm to do it again.": (
        test_a_step_across_a_restart_may_be_done_and_may_be_repeated,
        test_a_withdrawal_that_a_store_did_not_confirm_may_be_done_and_may_be_repeated,
    ),
    "We found no report from this form.": (
        test_after_a_restart_a_report_that_did_not_arrive_is_sent_by_one_more_press,
        test_an_addition_across_a_restart_is_looked_up_once_the_codename_is_typed,
    ),
    "A report from this form has arrived": (
        test_after_a_restart_other_words_are_told_that_the_first_have_arrived,
        test_after_a_store_that_failed_other_words_are_refused_only_if_the_first_arrived,
        test_a_cleaner_that_fails_the_second_time_does_not_hide_that_it_arrived,
        test_other_words_from_a_second_tab_are_kept_and_sent_by_one_more_press,
        test_the_same_holds_for_an_addition,
    ),
    "What is below was not stored this time.": (
        test_other_words_from_a_second_tab_are_kept_and_sent_by_one_more_press,
    ),
    "If the line drops, do not go back: load the page again and let your browser send everything once more. We keep it "
    "only once.": (
        test_after_a_restart_a_report_that_was_stored_gets_its_receipt,
        test_a_letter_that_was_collected_meanwhile_has_arrived_too,
        test_who_sends_the_same_again_gets_the_receipt_whatever_happened_since,
        test_who_adds_the_same_again_gets_the_receipt_whatever_happened_since,
    ),
    "Choose the files again: a browser cannot keep them. What has arrived already is not stored twice.": (
        test_of_packed_reports_before_an_outage_nothing_false_is_said,
    ),
    "We could not take these files. Nothing of them was stored this time.": (
        test_a_packed_report_that_is_refused_the_second_time_was_not_stored_this_time,
    ),
    "These are more than %(most)d files. Nothing was stored this time.": (
        test_a_packed_report_that_is_refused_the_second_time_was_not_stored_this_time,
    ),
    "No report was sent this time.": (
        test_files_that_cannot_be_cleaned_were_not_stored_this_time,
        test_a_cleaner_that_fails_the_second_time_does_not_hide_that_it_arrived,
    ),
    "Left out, not stored.": (test_files_that_cannot_be_cleaned_were_not_stored_this_time,),
    "The answers that you have seen are deleted.": (test_an_answer_that_came_meanwhile_is_not_among_the_deleted,),
    "The answers to you are deleted. We pass your request to the editors, locked, the next time they collect the "
    "post.": (test_a_withdrawal_that_a_store_did_not_confirm_may_be_done_and_may_be_repeated,),
    "We have received this from you in the last 24 hours. It is locked, and this server cannot open it.": (
        test_what_a_restart_forgot_is_not_said_to_be_missing,
    ),
    "We remember nothing under this codename. We remember for 24 hours at most, and our machine may have restarted. If "
    "you are not sure that your report arrived, send it again: twice is better than never.": (
        test_what_a_restart_forgot_is_not_said_to_be_missing,
    ),
}
"""What is said of something that was sent. Sentences about what always happens are not in it."""
HEADINGS_AND_ADVICE = frozenset(
    {
        "Delete what has arrived from your device and from the card it came on.",
        "If your line dropped before you saw that we received your report, you can look here for 24 hours.",
        "It has arrived",
        "Show what has arrived",
        "The hour in which it arrived, inside the lock. No exact time.",
        "This answer arrived damaged and cannot be shown. Write to us that one was damaged.",
        "Up to %(megabytes)s MB and %(files)s files at once. Leave the page open until you see that they have arrived.",
        "We have received it",
        "What has arrived",
        "You see a receipt: what has arrived and what was removed.",
        "who sent it and who received it",
        "Your report arrived incomplete",
        "We do not keep it any more: its hour is over, or it was taken out. To send it, choose it again.",
        (
            "We could clean it, but have no room to keep it at the moment. Choose all files at once and send "
            "everything in one go."
        ),
    }
)


def test_every_sentence_about_what_was_stored_is_in_the_list() -> None:
    done = r"\b(was|were|been|is not) (\w+ )?(stored|done|deleted)|report was sent|are deleted\.|not stored|found no"
    said = re.compile(rf"{done}|arrived|received|keep it")
    with (Path(intake.__file__).parent / "translations" / "ko" / "LC_MESSAGES" / "messages.po").open("rb") as file:
        ids = [message.id for message in read_po(file) if message.id]
    found = {each if isinstance(each, str) else each[0] for each in ids}
    assert {each for each in found if said.search(each)} == set(SENTENCES) | HEADINGS_AND_ADVICE
