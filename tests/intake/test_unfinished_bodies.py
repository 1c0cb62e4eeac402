"""A form that does not come whole: nothing is stored, counted twice or used up, and its words come back."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from typing import Any

import flask
import pytest
from lxml import html

from fieldreport.intake.receipts import RecentReceipts
from tests.connections import answer, post_head
from tests.intake.conftest import House, Source, form_body
from tests.intake.samples import photo


def posts(app: flask.Flask) -> Iterator[str]:
    with app.test_request_context("/"):
        for rule in app.url_map.iter_rules():
            if "POST" in (rule.methods or set()):
                yield flask.url_for(rule.endpoint, language="en")


def everything_in(path: str) -> list[str]:
    with sqlite3.connect(path) as database:
        return list(database.iterdump())


def begun(path: str, fields: dict[str, str], *, missing: int) -> bytes:
    """A form with a file, as a browser sends it, without its last bytes."""
    body, kind = form_body(list(fields.items()), [("a.jpg", photo())])
    return post_head(path, len(body), kind=kind) + body[:-missing]


def status_of(received: bytes) -> int:
    (status,) = re.findall(rb"^HTTP/1.1 (\d+) ", received, re.MULTILINE)
    return int(status)


def words_of(received: bytes) -> dict[str, str]:
    document: Any = html.document_fromstring(received.partition(b"\r\n\r\n")[2])
    return {area.get("name"): area.text_content().strip() for area in document.iter("textarea")}


@pytest.mark.parametrize("missing", [1, 60], ids=["all but a byte", "within the file"])
def test_no_page_does_anything_before_its_form_is_there(house: House, missing: int) -> None:
    receipts = RecentReceipts()
    app = house.app(receipts=receipts)
    source = Source(app)
    codename = source.send("Nine trucks.").codename
    house.reply(codename, "Where?")
    seen = source.come_back(codename)
    form = {**seen.form("/return/add"), "report": "My words.", "codename": codename}
    database = str(house.settings.intake.data / "mailbox.db")

    def state() -> tuple[list[str], bytes]:
        return everything_in(database), receipts._memory[:]

    before = state()
    for path in posts(app):
        received = answer(app, begun(path, form, missing=missing))
        assert status_of(received) == 408, path
        assert state() == before, path


@pytest.mark.parametrize("language", ["en", "ko", "ar"])
def test_a_report_that_stops_coming_is_given_back_in_its_language(house: House, language: str) -> None:
    app = house.app()
    form = {**Source(app, language=language).get("report").form("/report"), "report": "My words.", "protect": "Kim"}
    received = answer(app, begun(f"/{language}/report", form, missing=60))
    assert status_of(received) == 408
    assert words_of(received) == {"report": "My words.", "protect": "Kim"}
    assert f'lang="{language}"'.encode() in received
    assert house.letters() == []


def test_half_a_text_is_given_back_as_far_as_it_came(house: House) -> None:
    app = house.app()
    form = {**Source(app).get("report").form("/report"), "report": "a" * 500}
    body, kind = form_body(list(form.items()))
    received = answer(app, post_head("/en/report", len(body), kind=kind) + body[: body.index(b"aaaa") + 300])
    assert words_of(received)["report"].startswith("a" * 250)


def test_the_same_form_is_taken_afterwards_and_counts_twice_in_the_budget(house: House) -> None:
    small = house.with_intake(report_rate="2 per hour")
    app = small.app()
    source = Source(app)
    form = {**source.get("report").form("/report"), "report": "My words."}
    assert status_of(answer(app, begun("/en/report", form, missing=60))) == 408
    assert source.post("report", form).status == 200
    assert source.post("report", form).status == 429
    assert len(house.letters()) == 1


def test_over_the_budget_the_answer_does_not_wait_for_the_body(house: House) -> None:
    app = house.with_intake(report_rate="1 per hour").app()
    form = {**Source(app).get("report").form("/report"), "report": "My words."}
    first, second = (answer(app, begun("/ko/report", form, missing=60)) for _ in range(2))
    assert (status_of(first), status_of(second)) == (408, 429)
    assert words_of(second)["report"] == "My words."


def test_over_the_budget_no_file_is_kept(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError("a file was kept")

    app = house.with_intake(report_rate="1 per hour").app()
    form = {**Source(app).get("report").form("/report"), "report": "My words."}
    answer(app, begun("/en/report", form, missing=60))
    monkeypatch.setattr("fieldreport.web.request_body.Scratch", never)
    assert status_of(answer(app, begun("/en/report", form, missing=60))) == 429
