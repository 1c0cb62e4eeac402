"""What holds for every route and every page, new ones included."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import flask
import pytest
from werkzeug.routing import Rule as Route

import fieldreport.desk
from fieldreport.desk import access
from fieldreport.errors import NotAllowed
from fieldreport.seal import Role
from tests.desk.conftest import Browser, House

TEMPLATES = Path(fieldreport.desk.__file__).parent / "templates"
SOMETHING = {"id": bytes(16), "int": 1, "default": "x"}


def routes(app: flask.Flask) -> Iterator[tuple[Route, str]]:
    for route in app.url_map.iter_rules():
        for method in sorted((route.methods or set()) - {"HEAD", "OPTIONS"}):
            yield route, method


def path_of(app: flask.Flask, route: Route, known: Mapping[str, Any] = MappingProxyType({})) -> str:
    with app.test_request_context():
        values: dict[str, Any] = {}
        for _, converter, name in arguments_of(route.rule):
            values[name] = known.get(name, SOMETHING[converter or "default"])
        return flask.url_for(route.endpoint, **values)


def arguments_of(rule: str) -> list[tuple[str, str, str]]:
    return [("", kind.rstrip(":"), name) for kind, name in re.findall(r"<(\w+:)?(\w+)>", rule)]


def test_it_has_a_rule(house: House) -> None:
    lacking = [r.endpoint for r, _ in routes(house.app) if access.rule_of(house.app.view_functions[r.endpoint]) is None]
    assert lacking == []


def test_an_address_leads_to_one_view(house: House) -> None:
    seen = [(re.sub(r"<\w+:\w+>|<\w+>", "<>", route.rule), method) for route, method in routes(house.app)]
    assert [each for each in seen if seen.count(each) > 1] == []


def test_a_route_without_a_rule_is_refused_to_everybody(house: House) -> None:
    house.app.add_url_rule("/forgotten", view_func=lambda: "secret", endpoint="forgotten")
    for browser in (house.stranger(), house.sign_in("amira"), house.sign_in("lena")):
        page = browser.get("/forgotten", follow=False)
        assert page.status == 403
        assert b"secret" not in page.body


def test_a_view_cannot_have_two_rules() -> None:
    with pytest.raises(TypeError):
        access.admin(access.editor(lambda: ""))


@pytest.mark.parametrize(
    ("rule", "role"),
    [
        (None, None),
        (None, Role.EDITOR),
        (None, Role.ADMIN),
        (access.Rule.SIGNED_IN, None),
        (access.Rule.EDITOR, None),
        (access.Rule.EDITOR, Role.ADMIN),
        (access.Rule.ADMIN, None),
        (access.Rule.ADMIN, Role.EDITOR),
        (access.Rule.EDITOR, Role.RECOVERY),
        (access.Rule.ADMIN, Role.RECOVERY),
    ],
)
def test_a_rule_keeps_others_out(rule: access.Rule | None, role: Role | None) -> None:
    with pytest.raises(NotAllowed):
        access.check(rule, role)


def test_a_stranger_reaches_nothing_but_the_sign_in_page(house: House, stranger: Browser) -> None:
    reached = []
    for route, method in routes(house.app):
        path = path_of(house.app, route)
        page = stranger.get(path, follow=False) if method == "GET" else stranger.post(path, follow=False)
        if page.status == 303:
            assert page.headers["Location"].startswith("/sign-in")
        elif page.status != 403:
            reached.append(f"{method} {route.rule}")
    # "GET /away" redirects to the sign-in page; "/enrol" is for people who were invited. A language
    # is chosen before signing in.
    assert sorted(reached) == [
        "GET /desk.css",
        "GET /desk.svg",
        "GET /enrol",
        "GET /keys.js",
        "GET /passkey.js",
        "GET /redaction.js",
        "GET /sign-in",
        "GET /writing.js",
        "POST /enrol/keys",
        "POST /language",
    ]


@pytest.mark.parametrize(("handle", "others"), [("lena", access.Rule.EDITOR), ("amira", access.Rule.ADMIN)])
def test_a_role_does_not_reach_the_pages_of_the_other(house: House, handle: str, others: access.Rule) -> None:
    browser = house.sign_in(handle)
    token = browser.get("/keys").find("//input[@name='token']")[0].get("value")
    seen = 0
    for route, method in routes(house.app):
        if access.rule_of(house.app.view_functions[route.endpoint]) is others:
            path = path_of(house.app, route)
            page = browser.get(path) if method == "GET" else browser.post(path, {"token": token})
            assert page.status == 403, route.rule
            assert "for people with the role" in page.text
            seen += 1
    assert seen >= 5


def test_every_form_needs_the_token_of_its_own_session(house: House, amira: Browser, lena: Browser) -> None:
    foreign = house.sign_in("jonas").get("/keys").find("//input[@name='token']")[0].get("value")
    seen = 0
    for route, method in routes(house.app):
        rule = access.rule_of(house.app.view_functions[route.endpoint])
        if method == "POST" and rule is not access.Rule.PUBLIC:
            browser, path = lena if rule is access.Rule.ADMIN else amira, path_of(house.app, route)
            for values in ({}, {"token": ""}, {"token": "x"}, {"token": foreign}):
                assert browser.post(path, values).status == 400, route.rule
            seen += 1
    assert seen > 20
    assert amira.cookie is not None
    assert amira.get("/inbox").status == 200


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {"Origin": "null"}], ids=str
)
def test_a_form_from_another_site_is_refused_with_the_right_token(
    house: House, amira: Browser, headers: dict[str, str]
) -> None:
    token = amira.get("/inbox").find("//input[@name='token']")[0].get("value")
    assert amira.post("/lock", {"token": token}, headers=headers).status == 403
    assert amira.get("/inbox", follow=False).status == 200


def test_every_answer_has_the_headers(house: House, amira: Browser) -> None:
    for path in ("/sign-in", "/desk.css", "/inbox", "/nothing-here", "/staff", f"/cases/{'0' * 32}"):
        page = amira.get(path, follow=False)
        policy = page.headers["Content-Security-Policy"].split("; ")
        assert "default-src 'none'" in policy
        assert "form-action 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "script-src 'self'" in policy
        assert page.headers["Cache-Control"] == "no-store"
        assert page.headers["Referrer-Policy"] == "same-origin"
        assert page.headers["X-Content-Type-Options"] == "nosniff"
        assert "Server" not in page.headers


def test_a_foreign_host_name_is_refused(house: House, stranger: Browser) -> None:
    assert stranger.get("/sign-in", headers={"Host": "rebound.example"}).status == 400


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/sign-in", {"handle": "amira", "passphrase": "seven secret words", "code": "123456"}),
        ("/enrol", {"handle": "dana", "invitation": "seven secret words 123456"}),
        ("/enrol/keys", {"passphrase": "seven secret words", "code": "123456", "remembered": "sealed"}),
        ("/keys/destroy", {"passphrase": "seven secret words 123456"}),
        ("/anything", {"passphrase": "seven secret words", "code": "123456", "Passphrase": "seven secret words"}),
    ],
)
def test_no_secret_comes_back_from_a_form_to_a_foreign_host(
    stranger: Browser, path: str, fields: dict[str, str]
) -> None:
    page = stranger.post(path, {**fields, "body": "what I wrote"}, headers={"Host": "rebound.example"})
    assert page.status == 400
    assert "This request cannot be answered" in page.text  # the application's page, not the last resort
    assert [area.text_content().strip() for area in page.find("//textarea")] == ["what I wrote"]
    assert not any(secret in page.body for secret in (b"seven secret words", b"123456", b"sealed"))


def test_it_rejects_other_methods(house: House, amira: Browser) -> None:
    assert amira.post("/inbox").status == 405
    assert amira.get("/lock").status == 405
    assert amira.client.delete("/inbox").status_code == 405


def test_every_template_loads_and_has_a_title_and_one_heading(house: House) -> None:
    for path in TEMPLATES.glob("*.html"):
        source = path.read_text(encoding="utf-8")
        house.app.jinja_env.get_template(path.name)
        if path.name == "base.html":
            assert "<title>{% block title %}{% endblock %}" in source
        elif not path.name.startswith("_"):
            assert re.search(r"{% block title %}.*\S.*{% endblock %}", source), path.name
            assert source.count("<h1") == 1, path.name


SCRIPTS = {
    "<script src=\"{{ url_for('static.file', name='writing.js') }}\" defer></script>",
    """<script src="{{ url_for('static.file', name='keys.js') }}" defer></script>""",
    """<script src="{{ url_for('static.file', name='passkey.js') }}" defer></script>""",
    """<script src="{{ url_for('static.file', name='redaction.js') }}" defer></script>""",
}


def test_no_template_has_script_or_style_of_its_own() -> None:
    for path in TEMPLATES.glob("*.html"):
        source = path.read_text(encoding="utf-8")
        scripts = re.findall(r"<script.*?</script>", source, re.DOTALL)
        assert set(scripts) <= SCRIPTS, path.name
        assert "<style" not in source
        assert not re.search(r"\s(style|on\w+)=", source)
        assert "|safe" not in source


def test_every_button_that_changes_something_stands_in_a_form_with_a_token() -> None:
    for path in TEMPLATES.glob("*.html"):
        source = path.read_text(encoding="utf-8")
        for form in re.findall(r'<form[^>]*method="post".*?</form>', source, re.DOTALL):
            without_session = ("sign_in.submit", "enrolment.begin", "enrolment.finish")
            if not any(f"url_for('{endpoint}'" in form for endpoint in without_session):
                assert "token(" in form or 'name="token"' in form, path.name


def test_a_demonstration_says_so_on_every_page(build: Any) -> None:
    house = build(instance={"id": (b"demonstr" + bytes(8)).hex(), "demo": True})
    assert "Demonstration" in house.stranger().get("/sign-in").text
    assert "Demonstration" in house.sign_in("amira").get("/inbox").text


def test_an_installation_that_is_none_does_not(stranger: Browser) -> None:
    assert "Demonstration" not in stranger.get("/sign-in").text
