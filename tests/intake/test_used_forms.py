"""A form is good for one letter: the same again is the same, other words need one more press of the button."""

from __future__ import annotations

import os

import pytest

from fieldreport import limits
from fieldreport.errors import StoreError, TokenError
from fieldreport.intake.used_forms import UsedForms
from fieldreport.mailbox import LocalMailbox
from tests.intake.conftest import House, Source

HOUR = 490_000
ONE, TWO = b"1" * 16, b"2" * 16


def test_other_words_on_a_used_form_are_kept_and_sent_by_one_more_press(house: House, source: Source) -> None:
    form = {**source.get("report").form("/report"), "report": "Trucks."}
    assert source.post("report", form).status == 200
    assert source.post("report", form).status == 200
    assert len(house.letters()) == 1
    page = source.post("report", {**form, "report": "Tanks."})
    assert page.status == 400
    assert "sent before, with other words" in page.text
    again = page.form("/report")
    assert (again["report"], again["codename"]) == ("Tanks.", form["codename"])
    assert len(house.letters()) == 1
    assert source.post("report", again).status == 200
    assert len(house.letters()) == 2


def test_the_same_holds_for_an_addition(house: House, source: Source) -> None:
    codename = source.send("Trucks.").codename
    form = {**source.come_back(codename).form("/return/add"), "report": "More."}
    assert source.post("return/add", form).status == 200
    page = source.post("return/add", {**form, "report": "Other."})
    assert page.status == 400
    again = page.form("/return/add")
    assert again["report"] == "Other."
    assert source.post("return/add", again).status == 200
    assert len(house.letters()) == 3


def test_a_letter_that_could_not_be_stored_may_be_sent_again_on_its_form(
    house: House, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise StoreError("the mailbox is away")

    form = {**source.get("report").form("/report"), "report": "Trucks."}
    with monkeypatch.context() as broken:
        broken.setattr(LocalMailbox, "deposit", away)
        assert source.post("report", form).status == 503
    assert source.post("report", form).status == 200
    assert len(house.letters()) == 1


def test_workers_share_what_was_made_before_the_fork() -> None:
    forms, nonce = UsedForms(), os.urandom(16).hex()
    worker = os.fork()
    if not worker:
        forms.claim(nonce, ONE, hour=HOUR)
        os._exit(0)
    assert os.waitpid(worker, 0)[1] == 0
    assert forms.claim(nonce, ONE, hour=HOUR)
    with pytest.raises(TokenError) as refused:
        forms.claim(nonce, TWO, hour=HOUR)
    assert refused.value.code == "form-used"


def test_what_is_older_than_any_token_is_forgotten() -> None:
    forms, nonce = UsedForms(), os.urandom(16).hex()
    forms.claim(nonce, ONE, hour=HOUR)
    with pytest.raises(TokenError):
        forms.claim(nonce, TWO, hour=HOUR + limits.TOKEN_IDLE_SECONDS // 3600)
    assert forms.claim(nonce, TWO, hour=HOUR + limits.TOKEN_IDLE_SECONDS // 3600 + 2)


def test_a_crowd_of_forms_is_remembered() -> None:
    forms = UsedForms()
    crowd = [os.urandom(16).hex() for _ in range(limits.FORM_SLOTS // 8)]
    for nonce in crowd:
        forms.claim(nonce, ONE, hour=HOUR)
    forgotten = 0
    for nonce in crowd:
        try:
            forms.claim(nonce, TWO, hour=HOUR)
        except TokenError:
            continue
        forgotten += 1
    assert forgotten == 0
