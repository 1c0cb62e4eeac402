"""On an unsafe way in nobody is given a form to write into; the safe way is told."""

from __future__ import annotations

import pytest

from fieldreport import config
from fieldreport.errors import SettingsError
from tests.intake.conftest import House, Seen, Source
from tests.intake.test_every_page import LANGUAGES

ONION = "a" * 55 + "d.onion"


def with_hosts(house: House, **changes: object) -> House:
    return house.with_intake(trusted_hosts=("localhost", "127.0.0.1", "tips.example.org", ONION), **changes)


def at(house: House, host: str, path: str = "report", **headers: str) -> Seen:
    source = Source(house.app())
    marks = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return source.get(path, headers=[("Host", host), *marks])


def has_form(page: Seen) -> bool:
    return bool(page.all("//form"))


@pytest.mark.parametrize("host", [ONION, f"{ONION}:80", "localhost", "localhost:8000", "127.0.0.1:8000"])
def test_onion_addresses_and_this_machine_are_safe(house: House, host: str) -> None:
    page = at(with_hosts(house, onion=ONION), host)
    assert page.status == 200
    assert has_form(page)
    assert "Onion-Location" not in page.response.headers


def test_an_open_line_gets_a_warning_and_no_form(house: House) -> None:
    for path in ("", "report", "return", "hand-in"):
        page = at(with_hosts(house, onion=ONION), "tips.example.org", path)
        assert page.status == 403, path
        assert not has_form(page)
        assert "This connection is not encrypted." in page.text
        assert "Onion-Location" not in page.response.headers
        assert f"http://{ONION}" in page.text


def test_what_to_know_about_safety_is_told_on_any_way(house: House) -> None:
    for path in ("safety", "help"):
        assert at(with_hosts(house), "tips.example.org", path).status == 200


def test_behind_a_proxy_that_ends_tls_the_open_web_is_safe_and_the_onion_is_offered(house: House) -> None:
    page = at(with_hosts(house, https=True, onion=ONION), "tips.example.org")
    assert page.status == 200
    assert has_form(page)
    assert page.response.headers["Onion-Location"] == f"http://{ONION}/en/report"
    assert "Onion-Location" not in at(with_hosts(house, https=True), "tips.example.org").response.headers


def test_the_first_page_names_the_onion_address_and_says_so_to_those_who_come_over_the_open_web(house: House) -> None:
    known = with_hosts(house, https=True, onion=ONION)
    for host, told in (("tips.example.org", True), (ONION, False), ("localhost", False)):
        page = at(known, host, "")
        assert bool(page.all("//*[@id='open-web']")) == told, host
        assert f"http://{ONION}" in page.text, host
    page = at(with_hosts(house, https=True), "tips.example.org", "")
    assert not page.all("//*[@id='open-web']"), "without an onion address there is nothing better"
    assert ".onion" not in page.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_how_to_get_tor_browser_is_said_first_and_on_the_page_about_safety(house: House, language: str) -> None:
    source = Source(with_hosts(house, onion=ONION).app(), language=language)
    for path in ("", "safety"):
        text = source.get(path).text
        for told in ("www.torproject.org", "tor.eff.org", "gettor@torproject.org", "Snowflake", f"http://{ONION}"):
            assert told in text, (path, told)


@pytest.mark.parametrize(
    ("host", "headers"),
    [
        (f"{ONION}.ly", {}),
        (f"{ONION}.pet:443", {}),
        (f"tips.{ONION}.cab.", {}),
        (f"{'a' * 55}d.tor2web.io", {}),
        (ONION, {"X_Tor2web": "1"}),
        ("tips.example.org", {"X_Tor2Web_Version": "3"}),
    ],
)
def test_a_gateway_gets_a_warning_whatever_the_settings(house: House, host: str, headers: dict[str, str]) -> None:
    page = at(with_hosts(house, https=True, onion=ONION), host, **headers)
    assert page.status in {400, 403}
    assert not has_form(page)
    assert "a website that fetches onion pages" in page.text
    assert "Onion-Location" not in page.response.headers
    assert f"http://{ONION}" in page.text


def test_another_wrong_host_is_no_gateway(house: House) -> None:
    page = at(with_hosts(house), "evil.example.com")
    assert page.status == 400
    assert "onion pages" not in page.text


def test_what_was_posted_on_an_open_line_is_given_back_not_stored(house: House) -> None:
    source = Source(with_hosts(house).app())
    form = source.get("report").form("/report")
    page = source.post("report", {**form, "report": "Trucks."}, headers=[("Host", "tips.example.org")])
    assert page.status == 403
    assert page.form("/report")["report"] == "Trucks."
    assert house.letters() == []


@pytest.mark.parametrize("onion", ["example.onion", f"http://{ONION}", f"{ONION}/en/", ONION.upper()])
def test_the_onion_address_is_a_host(house: House, onion: str) -> None:
    document = {
        "instance": {"id": "ab" * 16},
        "keys": {"directory": "keys", "admin_fingerprint": "cd" * 32},
        "intake": {"data": "intake", "onion": onion},
        "desk": {"data": "desk", "keyfiles": "desk/keyfiles"},
        "press": {"site": "site"},
    }
    with pytest.raises(SettingsError, match="onion"):
        config.parse(document, path=house.settings.path, environment={})
