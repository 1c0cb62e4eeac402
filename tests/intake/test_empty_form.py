"""The empty form is handed out without being rendered again, and is still nobody else's."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Mapping

import flask
import jinja2
import pytest
from flask.globals import request_ctx
from typing_extensions import override

from fieldreport import limits
from fieldreport.intake import context
from fieldreport.intake.form_cache import FormCache, Render
from tests.intake.conftest import WORDS, House, Seen, Source

# What the key of a cached form holds of a request (``circumstances``), and what follows from endpoint and language.
KEYED = {"endpoint", "method", "scheme", "host"}
FOLLOWS = {"path", "url_rule", "view_args", "blueprint", "blueprints", "routing_exception"}


class RecordingRequest:
    """A request that notes what is read of it."""

    def __init__(self, request: flask.Request) -> None:
        self._request = request
        self.read: set[str] = set()

    def __getattr__(self, name: str) -> object:
        self.read.add(name)
        return getattr(self._request, name)


class RecordingCache(FormCache):
    """Renders every form that is asked for, with a recording request."""

    def __init__(self) -> None:
        super().__init__()
        self.read: dict[Hashable, set[str]] = {}

    @override
    def page(self, key: Hashable, values: Mapping[str, str], render: Render) -> str:
        request = request_ctx.request
        recording = RecordingRequest(request)
        request_ctx.request = recording  # type: ignore[assignment]  # it stands in for one
        try:
            return render(values)
        finally:
            request_ctx.request = request
            self.read[key] = recording.read


def test_the_template_of_a_cached_form_reads_nothing_of_a_request_that_is_not_in_its_key(house: House) -> None:
    app, cache = house.app(), RecordingCache()
    assert app.jinja_env.undefined is jinja2.StrictUndefined
    with app.app_context():
        service = context.current()
    context.install(app, dataclasses.replace(service, form_cache=cache))
    for language in ("en", "ko", "ar"):
        for rule in app.url_map.iter_rules():
            if "GET" in (rule.methods or ()) and rule.arguments <= {"language"}:
                app.test_client().get(rule.rule.replace("<language:language>", language))
    assert len(cache.read) == 3
    for key, read in cache.read.items():
        assert "endpoint" in read, key  # the recording works: the bar of every page looks at it
        assert read <= KEYED | FOLLOWS, key


@pytest.mark.parametrize("language", ["en", "ko", "zh-Hans"])
def test_the_second_form_is_not_rendered_and_has_values_of_its_own(house: House, language: str) -> None:
    app = house.app()
    source = Source(app, language=language)
    first = source.get("report")
    rendered: list[str | None] = []

    def note(_app: flask.Flask, template: jinja2.Template, **_: object) -> None:
        rendered.append(template.name)

    with flask.template_rendered.connected_to(note, app):
        second = source.get("report")
    assert rendered == []
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


def test_a_form_that_was_filled_in_from_the_cache_can_be_sent(house: House) -> None:
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
