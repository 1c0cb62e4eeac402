"""The catalogues: nothing missing, nothing left over, nothing stale, and every placeholder where it belongs."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

import fieldreport.intake
from fieldreport import config

PACKAGE = Path(fieldreport.intake.__file__).parent
CATALOGUES = sorted((PACKAGE / "translations").glob("*/LC_MESSAGES/messages.po"))
METHODS = [("**.py", "python"), ("**/templates/**.html", "jinja2")]
KEYWORDS = {"_": None, "later": None, "ngettext": (1, 2)}


def strings() -> set[str]:
    found = extract_from_dir(str(PACKAGE), METHODS, keywords=KEYWORDS)
    return {message if isinstance(message, str) else message[0] for _, _, message, _, _ in found}


def read(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale=path.parts[-3])


def messages(catalogue: Catalog) -> list[Message]:
    return [message for message in catalogue if message.id]


def texts(value: object) -> list[str]:
    return [value] if isinstance(value, str) else [str(each) for each in value]  # type: ignore[attr-defined]


def said(catalogue: Catalog) -> dict[object, list[str]]:
    return {tuple(texts(message.id)): texts(message.string) for message in messages(catalogue)}


@pytest.fixture(params=CATALOGUES, ids=lambda path: path.parts[-3])
def path(request: pytest.FixtureRequest) -> Path:
    found = request.param
    assert isinstance(found, Path)
    return found


def test_there_is_a_catalogue_for_every_language_but_english() -> None:
    offered = {field.name: field.default for field in dataclasses.fields(config.Intake)}["languages"]
    assert isinstance(offered, tuple)
    wanted = [language.replace("-", "_") for language in offered if language != "en"]
    assert [path.parts[-3] for path in CATALOGUES] == sorted(wanted)


def test_the_program_has_strings() -> None:
    assert len(strings()) > 200


def test_no_string_is_missing_or_left_over(path: Path) -> None:
    assert {texts(message.id)[0] for message in messages(read(path))} == strings()


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
    assert said(compiled) == said(read(path))


def test_no_template_holds_bare_english() -> None:
    """A sentence outside ``_()`` would stay English in every language."""
    for template in (PACKAGE / "templates").rglob("*.html"):
        text = re.sub(r"{#.*?#}|{{.*?}}|{%.*?%}|<[^>]*>", " ", template.read_text(), flags=re.DOTALL)
        assert re.findall(r"[A-Za-z]{3,}", text) == [], template.name
