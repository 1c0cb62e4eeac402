"""Practising the codename: compared with what is on the page, in a tab of its own, and nothing is kept of it."""

from __future__ import annotations

import pytest

from fieldreport.mailbox import LocalMailbox
from fieldreport.seal import SourceKeys
from tests.intake.conftest import Seen, Source


def practise(source: Source, typed: str) -> tuple[Seen, list[str]]:
    form = source.get("report").form("/report/practise")
    words = form["codename"].split(" ")
    return source.post("report/practise", {**form, "practice": typed.format(*words)}), words


RIGHT = "{0} {1} {2} {3} {4} {5} {6} {7} {8}"


def test_the_form_to_practise_stands_beside_the_words_and_leaves_the_report_alone(source: Source) -> None:
    page = source.get("report")
    assert page.form("/report/practise")["codename"] == page.codename
    (form,) = page.all('//form[contains(@action, "practise")]')
    assert form.get("target") == "_blank"
    assert form.get("rel") == "noopener"
    assert "practice" not in page.form("/report")


@pytest.mark.parametrize("typed", [RIGHT, RIGHT.replace(" ", "\n"), RIGHT.replace(" ", "")])
def test_the_right_words_are_right(source: Source, typed: str) -> None:
    page, _ = practise(source, typed)
    assert page.status == 200
    assert "These are your nine words" in page.title
    assert not page.all("//form")


def test_what_differs_is_counted_and_can_be_tried_again(source: Source) -> None:
    page, words = practise(source, RIGHT.replace("{2}", "zzzz").replace("{7}", "yyyy"))
    assert page.status == 422
    assert page.problem_of("practice") == "Words 3 and 8 are different."
    again = page.form("/report/practise")
    assert source.post("report/practise", {**again, "practice": " ".join(words)}).status == 200


def test_fewer_words_are_told(source: Source) -> None:
    page, _ = practise(source, "{0} {1}")
    assert page.status == 422
    assert "nine words" in page.problem_of("practice")


def test_it_asks_no_store_and_derives_no_key(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    def untouchable(*_: object, **__: object) -> None:
        raise AssertionError("practising went further than the two texts")

    form = source.get("report").form("/report/practise")
    monkeypatch.setattr(SourceKeys, "derive", untouchable)
    for name in ("replies", "deposit", "totals"):
        monkeypatch.setattr(LocalMailbox, name, untouchable)
    assert source.post("report/practise", {**form, "practice": form["codename"]}).status == 200


@pytest.mark.parametrize("codename", ["", "no codename at all", "<b>x</b>"])
def test_without_a_codename_of_ours_it_starts_again(source: Source, codename: str) -> None:
    page = source.client.post("/en/report/practise", data={"codename": codename, "practice": "x"})
    assert page.status_code == 303
    assert page.location == "/en/report"
    assert source.client.get("/en/report/practise").status_code == 303
