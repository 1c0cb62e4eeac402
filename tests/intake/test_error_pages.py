"""Whatever goes wrong, the page says what became of the report and gives back every word of it."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from datetime import timedelta

import pytest

from fieldreport import limits
from fieldreport.errors import MailboxFull, StoreError
from fieldreport.scrub import Mode
from tests.intake.conftest import House, Seen, Source, form_body
from tests.intake.samples import photo

TYPED = {
    "report": "First line\n<b>second</b> & third",
    "when": "spring",
    "where": "river",
    "protect": "Kim",
    "describe": "driver",
    "not_before": "later",
}


def assert_kept(page: Seen) -> dict[str, str]:
    form = page.form("/report")
    assert {name: form[name] for name in TYPED} == TYPED
    assert page.title.endswith(" – Send a report – The Border Post")
    assert page.all('//*[@role="alert"]')
    return form


class Broken:
    """A mailbox that fails in one way, at the last moment."""

    def __init__(self, house: House, error: Exception) -> None:
        self._house = house
        self._error = error

    def __getattr__(self, name: str) -> object:
        return getattr(self._house.mailbox, name)

    def deposit(self, *_: object) -> bool:
        raise self._error


def test_an_empty_report_is_told_at_its_field(source: Source, house: House) -> None:
    page = source.send("  \n ")
    assert page.status == 422
    assert page.problem_of("report") == "Write a few words, or choose a file."
    assert page.all('//div[@class="problems"]//a[@href="#report"]')
    assert house.letters() == []


def test_a_field_that_is_too_long_is_told_at_its_field(source: Source) -> None:
    page = source.send("Trucks.", where="x" * (limits.FIELD_CHARACTERS + 1))
    assert page.status == 422
    assert "4000" in page.problem_of("where")
    assert page.form("/report")["where"] == "x" * (limits.FIELD_CHARACTERS + 1)


@pytest.mark.parametrize("change", [lambda _: "", lambda token: token[:-2] + "AA", lambda _: "%00"])
def test_an_altered_token_costs_one_more_press_and_keeps_the_codename(
    source: Source, house: House, change: Callable[[str], str]
) -> None:
    form = source.get("report").form("/report")
    page = source.post("report", {**form, **TYPED, "token": change(form["token"])})
    assert page.status == 400
    again = assert_kept(page)
    assert again["codename"] == form["codename"]
    assert again["form"] == form["form"]
    assert house.letters() == []
    assert source.post("report", again).status == 200


def test_an_expired_token_costs_one_more_press(source: Source, house: House) -> None:
    form = source.get("report").form("/report")
    house.clock.now += limits.TOKEN_IDLE_SECONDS + 120
    page = source.post("report", {**form, **TYPED})
    assert page.status == 400
    assert "open for a very long time" in page.text
    assert source.post("report", assert_kept(page)).status == 200


def test_a_token_of_another_codename_is_not_taken(source: Source, house: House) -> None:
    form, other = source.get("report").form("/report"), source.get("report").form("/report")
    page = source.post("report", {**form, **TYPED, "codename": other["codename"]})
    assert page.status == 400
    assert_kept(page)
    assert house.letters() == []


def test_a_codename_that_was_changed_on_its_way_is_replaced_and_that_is_said(source: Source) -> None:
    form = source.get("report").form("/report")
    page = source.post("report", {**form, **TYPED, "codename": "not a codename"})
    assert page.status == 400
    assert "This codename is new" in page.text
    assert source.post("report", assert_kept(page)).status == 200


def test_without_a_valid_roster_nobody_is_let_in(house: House, source: Source) -> None:
    house.clock.now += timedelta(days=91).total_seconds()
    page = source.get("report")
    assert page.status == 503
    assert "come back" in page.text


def test_a_roster_that_expires_meanwhile_keeps_what_was_typed(house: House, source: Source) -> None:
    form = source.get("report").form("/report")
    shutil.rmtree(house.settings.keys.directory)
    page = source.post("report", {**form, **TYPED})
    assert page.status == 503
    assert_kept(page)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (StoreError("the mailbox is away"), 503),
        (MailboxFull("full"), 503),
        (OSError(28, "No space left on device"), 500),
        (ZeroDivisionError(), 500),
        (KeyError("anything"), 500),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_a_mailbox_that_is_away_full_or_broken_keeps_what_was_typed(
    house: House, error: Exception, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    source = Source(house.app(mailbox=Broken(house, error)))
    form = source.get("report").form("/report")
    with caplog.at_level(logging.DEBUG):
        page = source.post("report", {**form, **TYPED})
    assert page.status == status
    assert_kept(page)
    assert "second" not in caplog.text
    assert "/report" not in caplog.text
    assert "127.0.0.1" not in caplog.text


def test_a_scrubber_that_breaks_keeps_what_was_typed(house: House) -> None:
    class Dead:
        def clean(self, source: object, *, mode: Mode) -> None:
            raise RuntimeError("secret detail")

    source = Source(house.app(scrubber=Dead()))
    form = source.get("report").form("/report")
    page = source.post("report", {**form, **TYPED}, [("a.jpg", photo())])
    assert page.status == 500
    assert_kept(page)
    assert "secret detail" not in page.raw


def test_a_page_that_cannot_be_drawn_still_gives_back_the_words(house: House) -> None:
    app = house.app(mailbox=Broken(house, ZeroDivisionError()))
    source = Source(app)
    form = source.get("report").form("/report")
    app.jinja_env.globals.pop("newsroom")
    response = source.client.post("/en/report", data={**form, **TYPED})
    assert response.status_code == 500
    assert "&lt;b&gt;second&lt;/b&gt; &amp; third" in response.text
    assert "Content-Security-Policy" in response.headers
    assert form["token"] not in response.text


def test_a_broken_multipart_body_keeps_what_had_arrived(source: Source, house: House) -> None:
    form = source.get("report").form("/report")
    body, kind = form_body(list({**form, **TYPED}.items()), [("a.jpg", photo())])
    cut = body[: body.index(b"\xff\xd8") + 20]
    page = Seen(source.client.post("/en/report", data=cut, content_type=kind))
    assert page.status == 400
    assert "incomplete" in page.text
    assert_kept(page)
    assert house.letters() == []


def test_a_body_over_the_limit_keeps_what_was_typed(house: House) -> None:
    small = house.with_intake(request_bytes=limits.FORM_TEXT_BYTES)
    source = Source(small.app())
    form = source.get("report").form("/report")
    page = source.post("report", {**form, **TYPED}, [("big.jpg", bytes(3 * limits.MIB))])
    assert page.status == 413
    assert "too large" in page.text
    assert_kept(page)


def test_too_many_files_keep_what_was_typed(source: Source) -> None:
    form = source.get("report").form("/report")
    files = [(f"{n}.txt", b"x") for n in range(limits.FORM_PARTS)]
    page = source.post("report", {**form, **TYPED}, files)
    assert page.status == 413
    assert "too many files" in page.text
    assert_kept(page)


def test_too_much_text_is_told_and_its_beginning_kept(source: Source) -> None:
    page = source.send("word " * 500_000)
    assert page.status == 413
    assert "See whether all of it is there." in page.text
    assert len(page.form("/report")["report"]) > limits.FORM_TEXT_BYTES - 1000


def test_a_form_in_another_encoding_is_taken_too(source: Source, house: House) -> None:
    form = source.get("report").form("/report")
    assert source.client.post("/en/report", data={**form, **TYPED}).status_code == 200
    assert len(house.letters()) == 1


def test_an_unsupported_content_type_is_told(source: Source) -> None:
    page = Seen(source.client.post("/en/report", data=b"{}", content_type="application/json"))
    assert page.status == 415
    assert page.title.startswith("This server could not read the form – ")


def test_over_the_budget_what_was_typed_comes_back(house: House) -> None:
    source = Source(house.with_intake(report_rate="1 per hour").app())
    source.send("First.")
    form = source.get("report").form("/report")
    page = source.post("report", {**form, **TYPED}, [("a.jpg", photo())])
    assert page.status == 429
    assert "Wait an hour" in page.text
    assert_kept(page)


def test_an_addition_keeps_its_words_when_the_mailbox_is_away(house: House) -> None:
    source = Source(house.app(mailbox=Broken(house, StoreError("away"))))
    form = source.come_back(source.get("report").codename).form("/return/add")
    page = source.post("return/add", {**form, "report": TYPED["report"], "protect": "Kim"})
    assert page.status == 503
    again = page.form("/return/add")
    assert (again["report"], again["protect"], again["form"]) == (TYPED["report"], "Kim", form["form"])


def test_an_addition_after_a_restart_asks_for_the_codename_and_keeps_its_words(house: House, source: Source) -> None:
    codename = source.send("First.").codename
    form = source.come_back(codename).form("/return/add")
    restarted = Source(house.app())
    asked = restarted.post("return/add", {**form, "report": TYPED["report"], "protect": "Kim"})
    assert asked.status == 400
    back = restarted.post("return", {**asked.form("/return"), "codename": codename})
    kept = back.form("/return/add")
    assert (kept["report"], kept["protect"], kept["form"]) == (TYPED["report"], "Kim", form["form"])
    assert restarted.post("return/add", kept).status == 200
    assert len(house.letters()) == 2


def test_an_old_return_page_asks_again_who_is_there(house: House, source: Source) -> None:
    form = source.come_back(source.get("report").codename).form("/return/add")
    house.clock.now += limits.TOKEN_IDLE_SECONDS + 120
    page = source.post("return/add", {**form, "report": "My words."})
    assert page.status == 400
    assert page.form("/return")["report"] == "My words."
