"""The catalogues: nothing missing, nothing left over, nothing stale, and every placeholder where it belongs."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import jinja2
import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

from fieldreport import config
from fieldreport.desk import language
from tests.catalogues import DESK, INTAKE, Program, String

PROGRAMS = (INTAKE, DESK)
CATALOGUES = [(program, path) for program in PROGRAMS for path in program.catalogues]


def read(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale=path.parts[-3])


def messages(catalogue: Catalog) -> list[Message]:
    return [message for message in catalogue if message.id]


def texts(value: object) -> list[str]:
    return [value] if isinstance(value, str) else [str(each) for each in value]  # type: ignore[attr-defined]


def key(message: Message) -> String:
    return tuple(texts(message.id)), message.context


def said(catalogue: Catalog) -> dict[object, list[str]]:
    return {key(message): texts(message.string) for message in messages(catalogue)}


@pytest.fixture(params=CATALOGUES, ids=lambda pair: f"{pair[0].name}-{pair[1].parts[-3]}")
def pair(request: pytest.FixtureRequest) -> tuple[Program, Path]:
    program, path = request.param
    assert isinstance(program, Program)
    assert isinstance(path, Path)
    return program, path


@pytest.fixture
def path(pair: tuple[Program, Path]) -> Path:
    return pair[1]


def offered(program: Program) -> tuple[str, ...]:
    if program is DESK:
        return language.OFFERED
    default = {field.name: field.default for field in dataclasses.fields(config.Intake)}["languages"]
    assert isinstance(default, tuple)
    return default


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_there_is_a_catalogue_for_every_language_but_english(program: Program) -> None:
    wanted = [code.replace("-", "_") for code in offered(program) if code != "en"]
    assert [path.parts[-3] for path in program.catalogues] == sorted(wanted)


@pytest.mark.parametrize(("program", "least"), [(INTAKE, 200), (DESK, 1000)], ids=str)
def test_the_program_has_strings(program: Program, least: int) -> None:
    assert len(program.strings()) >= least


def test_no_string_is_missing_or_left_over(pair: tuple[Program, Path]) -> None:
    program, path = pair
    assert {key(message) for message in messages(read(path))} == program.strings()


def test_every_string_is_translated(path: Path) -> None:
    for message in messages(read(path)):
        assert not message.fuzzy, message.id
        assert all(text.strip() for text in texts(message.string)), message.id


def test_every_plural_form_of_the_language_is_there(path: Path) -> None:
    catalogue = read(path)
    for message in messages(catalogue):
        if message.pluralizable:
            assert len(texts(message.string)) == catalogue.num_plurals


def test_placeholders_are_the_same_in_every_language(path: Path) -> None:
    placeholder = re.compile(r"%\(\w+\)[sd]")
    for message in messages(read(path)):
        wanted = set(placeholder.findall(texts(message.id)[-1]))
        for text in texts(message.string):
            assert set(placeholder.findall(text)) == wanted, message.id
            assert not re.search(r"%(?!\(\w+\)[sd])", text), message.id


def test_the_compiled_catalogue_is_the_one_of_the_source(path: Path) -> None:
    """By what they say: another release of Babel writes other bytes."""
    with path.with_suffix(".mo").open("rb") as file:
        compiled = read_mo(file)
    translated = {message: texts for message, texts in said(read(path)).items() if any(texts)}
    assert {message: texts for message, texts in said(compiled).items() if message in translated} == translated


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_no_template_holds_bare_english(program: Program) -> None:
    """A sentence outside ``_()`` would stay English in every language."""
    for template in (program.package / "templates").rglob("*.html"):
        pieces = jinja2.Environment().lex(template.read_text())  # noqa: S701 - nothing is rendered
        page = "".join(text for _, kind, text in pieces if kind == "data")
        assert re.findall(r"[A-Za-z]{3,}", re.sub(r"<[^>]*>", " ", page)) == [], template.name
        assert re.findall(r'(?:aria-label|alt|placeholder)="[^"]*[A-Za-z]{3}', page) == [], template.name
