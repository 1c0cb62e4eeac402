"""What the documents for newcomers name is there: files, links, commands and their options, layers, markers."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Final

import click
import pytest

from fieldreport.cli import main

ROOT: Final = Path(__file__).resolve().parents[2]
DOCUMENTS: Final = sorted([ROOT / "README.md", ROOT / "deploy" / "CHANGELOG.md", *(ROOT / ".github").glob("*.md")])
_FENCED: Final = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_PATH: Final = re.compile(r"[\w.-]+(/[\w.-]+)*/?")
_FILE: Final = re.compile(r"\.(py|md|toml|txt|css|html|yaml|cfg)$")
_INSTALLED_SEPARATELY: Final = {"pip", "python", "python3"}

each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)


def _inline(document: Path) -> list[str]:
    return re.findall(r"`([^`\n]+)`", _FENCED.sub("", document.read_text(encoding="utf-8")))


def _commands(document: Path) -> Iterator[list[str]]:
    """Every command of a shell block or between backticks that begins with a program of ours."""
    blocks = [body for language, body in _FENCED.findall(document.read_text(encoding="utf-8")) if language == "sh"]
    for line in [*"\n".join(blocks).splitlines(), *_inline(document)]:
        for part in line.split("&&"):
            words = shlex.split(part, comments=True)
            if words and (words[0] in {"fieldreport", ".ci/run"} or "/bin/" in words[0]):
                yield words


@each_document
def test_every_file_that_is_named_exists(document: Path) -> None:
    named = {text for text in _inline(document) if _PATH.fullmatch(text) and ("/" in text[:-1] or _FILE.search(text))}
    assert {name for name in named if not _is_there(name, document)} == set()


def test_every_file_of_deploy_that_the_handbook_names_exists() -> None:
    """Operators copy them; a name may end in an asterisk."""
    handbook = (ROOT / "deploy" / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"\bdeploy/[\w./*-]*[\w*]", handbook))
    assert {"deploy/nginx/fieldreport.conf", "deploy/systemd/fieldreport-*"} <= named
    assert {name for name in named if not list(ROOT.glob(name))} == set()


def _is_there(name: str, document: Path) -> bool:
    """A path from the top, from the package or from the document; a name alone is that of any file of the product."""
    if name.startswith("./") or any((base / name).exists() for base in (ROOT, ROOT / "fieldreport", document.parent)):
        return True
    return "/" not in name and any((ROOT / "fieldreport").rglob(name))


@each_document
def test_every_link_leads_somewhere(document: Path) -> None:
    links = re.findall(r"\]\((?!https?://)([^)#]+)", document.read_text(encoding="utf-8"))
    assert [link for link in links if not (document.parent / link).exists()] == []


@each_document
def test_every_command_can_be_called_as_it_is_written(document: Path) -> None:
    programs = {each.name for each in entry_points(group="console_scripts")} | _INSTALLED_SEPARATELY
    for program, *arguments in _commands(document):
        if program == ".ci/run":
            assert arguments[:1] in ([], ["fast"])
            continue
        assert Path(program).name in programs
        if Path(program).name == "fieldreport":
            _must_be_a_command(arguments)


def _must_be_a_command(arguments: list[str]) -> None:
    command: click.Command = main
    context = click.Context(command)
    for word in arguments:
        if word.startswith("-"):
            options = {option for parameter in command.get_params(context) for option in parameter.opts}
            assert word in options, arguments
        elif isinstance(command, click.Group):
            found = command.get_command(context, word)
            assert found is not None, arguments
            command = found


def test_the_layers_are_the_ones_that_the_linter_holds() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    (layers,) = (contract["layers"] for contract in contracts if contract["name"] == "Layers")
    blocks = dict(_FENCED.findall((ROOT / ".github" / "ARCHITECTURE.md").read_text(encoding="utf-8")))
    assert blocks["layers"].splitlines() == layers


def test_every_marker_is_explained_to_contributors() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    markers = [line.partition(":")[0] for line in project["tool"]["pytest"]["ini_options"]["markers"]]
    text = (ROOT / ".github" / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert [marker for marker in markers if f"`-m {marker}`" not in text] == []


def test_the_hooks_before_a_commit_are_the_linters_of_the_tests() -> None:
    hooks = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    entries = re.findall(r"entry: \.venv/bin/([^,]+),", hooks)
    tests = (ROOT / "tests" / "static" / "test_static_checks.py").read_text(encoding="utf-8")
    run = re.sub(r'[",]', "", tests)
    assert len(entries) == hooks.count("- {id:")
    assert [entry for entry in entries if entry not in run] == []
