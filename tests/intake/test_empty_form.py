"""The empty form is handed out without being drawn anew, and is still nobody else's."""

from __future__ import annotations

import flask
import pytest

from fieldreport import limits
from tests.intake.conftest import WORDS, House, Seen, Source


@pytest.mark.parametrize("language", ["en", "ko", "zh-Hans"])
def test_the_second_form_is_not_rendered_and_has_values_of_its_own(
    house: House, language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Source(house.app(), language=language)
    first = source.get("report")
    monkeypatch.setattr(flask, "render_template", None)
    second = source.get("report")
    assert WORDS.match(second.codename)
    for name in ("token", "form", "codename"):
        assert second.form("/report")[name] != first.form("/report")[name]
    assert second.form("/report")["codename"] == second.codename
    for name in ("token", "form"):
        assert first.form("/report")[name] not in second.raw
    assert first.codename not in second.text


def test_the_second_form_is_the_first_but_for_its_values(house: House) -> None:
    source = Source(house.app())
    pages = [source.get("report") for _ in range(3)]
    for page in pages:
        assert page.raw.count(page.form("/report")["token"]) == 1

    def without_values(page: Seen) -> str:
        text = page.raw
        for value in (page.form("/report")["token"], page.form("/report")["form"], page.codename):
            text = text.replace(value, "")
        for word in page.codename.split():
            text = text.replace(f"<li>{word}</li>", "<li></li>")
        return text

    assert len({without_values(page) for page in pages}) == 1


def test_a_form_that_was_filled_in_from_a_stencil_can_be_sent(house: House) -> None:
    source = Source(house.app())
    source.get("report")
    source.get("report")
    assert source.send("Trucks.").status == 200
    assert house.letter().read_part(0, 100) == b"Trucks."


def test_no_form_is_handed_out_a_second_after_reports_can_no_longer_be_taken(house: House) -> None:
    source = Source(house.app())
    assert source.get("report").status == 200
    (house.settings.keys.directory / "roster.json").unlink()
    house.clock.now += limits.READINESS_SECONDS
    assert source.get("report").status == 503
    assert source.get("report").status == 503
