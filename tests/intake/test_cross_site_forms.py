"""A form that another site made is not taken: it could carry a codename that the other site knows."""

from __future__ import annotations

import pytest

from tests.intake.conftest import House, Source

FOREIGN = {"Sec-Fetch-Site": "cross-site"}
WORDS = "They came at night."


@pytest.mark.parametrize("token", ["genuine", "broken"])
def test_a_report_from_another_site_gets_a_codename_that_site_does_not_know(
    source: Source, house: House, token: str
) -> None:
    form = source.get("report").form("/report")
    planted = {**form, "report": WORDS} if token == "genuine" else {**form, "report": WORDS, "token": "x"}
    page = source.post("report", planted, headers=FOREIGN)
    assert page.status == 403
    again = page.form("/report")
    assert again["report"] == WORDS
    assert again["codename"] != form["codename"]
    assert form["codename"] not in page.text
    assert house.letters() == []
    assert source.post("report", again).status == 200


def test_an_empty_form_from_another_site_does_not_plant_a_codename_either(source: Source) -> None:
    form = source.get("report").form("/report")
    assert source.post("report", form, headers=FOREIGN).form("/report")["codename"] != form["codename"]


def test_another_site_cannot_lead_anybody_into_a_conversation_of_its_own(source: Source, house: House) -> None:
    form = source.get("report").form("/report")
    assert source.post("report", {**form, "report": WORDS}).status == 200
    visit = source.come_back(form["codename"]).form("/return/add")
    sent = len(house.letters())
    for path, fields in [
        ("return", {"codename": form["codename"]}),
        ("return/add", {**visit, "report": WORDS}),
        ("return/withdraw", visit),
        ("return/withdrawn", visit),
    ]:
        page = source.post(path, fields, headers=FOREIGN)
        assert page.status == 403
        assert form["codename"] not in page.text
        assert page.form("/return")["codename"] == ""
        assert page.form("/return").get("token", "") == ""
    assert len(house.letters()) == sent


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_our_own_form_is_taken(source: Source, site: str) -> None:
    form = source.get("report").form("/report")
    answer = source.post("report", {**form, "report": WORDS}, headers={"Sec-Fetch-Site": site})
    assert answer.status == 200
