"""``fieldreport settings``: every key of the settings files with its meaning, its bound and its default.

It is made from ``config``, where the words behind a key say what it means; ``deploy/settings.toml`` is what it prints.
"""

from __future__ import annotations

import ast
import inspect
import itertools
import json
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Final

import click

from fieldreport import config
from fieldreport.cli.split import SECTIONS

_WIDTH: Final = 120
_HEAD: Final = """\
Every key of the settings files, as `fieldreport settings` prints it: what it means, what it must be, and its default.
One without a default must be written, or is unset until it is. Paths are relative to the file. A variable
FIELDREPORT_SECTION_KEY, such as FIELDREPORT_INTAKE_LISTEN, overrides the file.
"""


@click.command("settings")
def settings_command() -> None:
    """Print every setting: what it means, what it must be, and its default."""
    click.echo(reference(), nl=False)


def reference() -> str:
    """A settings file in which each key is a comment, with its default, below the words about it."""
    lines = [f"# {line}" for line in _HEAD.splitlines()]
    module = ast.parse(inspect.getsource(config))
    for name, section in config.SECTIONS.items():
        files = [f"{zone}.toml" for zone, held in SECTIONS.items() if name in held]
        lines += ["", *_comment(f"{inspect.getdoc(section)} In {', '.join(files)}."), f"[{name}]"]
        meanings = dict(_meanings(module, section.__name__))
        for key in fields(section):
            lines += ["", *_comment(f"{meanings[key.name]} {_bound(key)}"), f"#{key.name} = {_default(key)}".rstrip()]
    return "\n".join(lines) + "\n"


def _meanings(module: ast.Module, section: str) -> Iterator[tuple[str, str]]:
    """Key and the words behind it; a key without any is an error, because nobody would know what it means."""
    (found,) = (node for node in module.body if isinstance(node, ast.ClassDef) and node.name == section)
    for node, behind in itertools.pairwise(found.body):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and isinstance(behind, ast.Expr):
            yield node.target.id, " ".join(ast.literal_eval(behind.value).split())


def _comment(words: str) -> list[str]:
    return textwrap.wrap(words, _WIDTH, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False)


def _bound(key: Field[object]) -> str:
    needed = "Needed. " if key.default is MISSING and key.default_factory is MISSING else ""
    be, holds = key.metadata.get(config.BOUND, ("", None))
    or_empty = ", or be empty" if key.default == "" and holds is not None and holds("") else ""
    return needed + (f"Must {be}{or_empty}." if be else "")


def _default(key: Field[object]) -> str:
    """As TOML writes it; nothing where there is none."""
    default = key.default if key.default_factory is MISSING else key.default_factory()
    if default is MISSING or isinstance(default, Path):
        return ""
    return json.dumps(dict(default) if isinstance(default, Mapping) else default, ensure_ascii=False)
