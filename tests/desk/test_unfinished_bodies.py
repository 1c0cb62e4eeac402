"""A form that does not come whole does nothing at the desk, also an editor's, and its words come back."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest

from fieldreport.vault.cases.inbox import CaseRow
from tests.connections import answer, post_head
from tests.desk.conftest import Browser, House
from tests.desk.test_every_route import path_of, routes

URLENCODED = "application/x-www-form-urlencoded"


@pytest.fixture
def case(house: House) -> CaseRow:
    return house.receive()


def begun(path: str, fields: dict[str, str], cookie: str = "") -> bytes:
    """A form without its last byte; what is missing is the end of a field that nobody reads."""
    body = urlencode({**fields, "zzz": "12"}).encode()
    headers = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
    if cookie:
        headers["Cookie"] = f"desk={cookie}"
    return post_head(path, len(body), kind=URLENCODED, **headers) + body[:-1]


def state(house: House) -> list[str]:
    with sqlite3.connect(house.settings.desk.data / "vault.db") as vault:
        return list(vault.iterdump())


def every_form(house: House, case: CaseRow) -> Iterator[tuple[str, dict[str, str]]]:
    """Every address that takes a form, for a case that is there, with fields that would do something."""
    fields = {
        "text": "A note.",
        "handle": "jonas",
        "passphrase": "wrong",
        "code": "123456",
        "invitation": "words",
        "state": "closed",
        "title": "Title",
        "confirm": "yes",
    }
    for route, method in routes(house.app):
        if method == "POST":
            yield path_of(house.app, route).replace(bytes(16).hex(), case.id.hex()), fields


@pytest.mark.parametrize("who", ["", "amira", "lena"], ids=["a stranger", "an editor", "the admin"])
def test_no_page_does_anything_before_its_form_is_there(house: House, case: CaseRow, who: str) -> None:
    cookie = house.enter(who).cookie or "" if who else ""
    session = house.desk.sessions.find(cookie, touch=False) if cookie else None
    token = house.desk.guard.token(session.csrf) if session is not None else ""
    before = state(house)
    for path, fields in every_form(house, case):
        received = answer(house.app, begun(path, {**fields, "token": token}, cookie))
        assert received[9:12] in {b"403", b"408"}, (path, received[:60])
        assert state(house) == before, path
    assert cookie == "" or house.desk.sessions.find(cookie, touch=False) is session


def test_a_try_that_did_not_come_whole_is_no_try(house: House) -> None:
    fields = {"handle": "amira", "passphrase": "wrong", "code": "000000", "next": "/"}
    for _ in range(10):
        assert answer(house.app, begun("/sign-in", fields)).startswith(b"HTTP/1.1 408")
    house.sign_in("amira")


def test_a_note_that_stops_coming_is_given_back(house: House, amira: Browser, case: CaseRow) -> None:
    page = amira.get(f"/cases/{case.id.hex()}?write=note")
    (form,) = [form for form in page.find("//form") if form.xpath(".//textarea[@name='text']")]
    fields = {**dict(form.form_values()), "text": "Nine trucks, no plates."}
    received = answer(house.app, begun(form.get("action") or page.path, fields, amira.cookie or ""))
    assert received.startswith(b"HTTP/1.1 408")
    assert b"Nine trucks, no plates." in received
