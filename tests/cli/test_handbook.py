"""Every command of ours that handbook, README and deployed files name exists, with the options that stand there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click
import pytest

from fieldreport import bench
from fieldreport.cli import main

_ROOT: Final = Path(__file__).resolve().parents[2]
_TEXTS: Final = (
    _ROOT / "deploy" / "README.md",
    _ROOT / "README.md",
    *sorted((_ROOT / "deploy").glob("*/*.service")),
)
_COMMAND: Final = re.compile(r"(?<![\w/.@\x22-])(?:\S*/bin/)?fieldreport ((?:--?[a-z]|[a-z])[^`|;&)\n]*)")


def commands(path: Path) -> Iterator[str]:
    """What follows the program's name: in code and, in shell files and units, on any line."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
        spans = re.findall(r"`([^`]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
        text = "\n".join([*blocks, *(" ".join(span.split()) for span in spans)])
    yield from _COMMAND.findall(re.sub(r"\\\n *|(?m:#.*$)", " ", text))


def problem(words: list[str]) -> str:
    """What click would say of this line, as far as names of commands and options go."""
    context = click.Context(main)
    command: click.Command = main
    while words:
        word = words.pop(0)
        if word.startswith("--"):
            options = [each for each in command.get_params(context) if word.partition("=")[0] in each.opts]
            if not options:
                return f"{command.name} has no {word}"
            (option,) = options
            del words[: 0 if getattr(option, "is_flag", False) or "=" in word else option.nargs]
        elif isinstance(command, click.Group):
            found = command.get_command(context, word)
            if found is None:
                return f"{command.name} has no {word}"
            command = found
    return ""


@pytest.mark.parametrize("path", _TEXTS, ids=lambda path: str(path.relative_to(_ROOT)))
def test_what_is_written_down_can_be_typed(path: Path) -> None:
    found = list(commands(path))
    assert found
    wrong = {line: said for line in found if (said := problem(line.split()))}
    assert not wrong


def test_a_command_or_an_option_that_is_not_there_is_seen() -> None:
    assert problem(["keys", "rotates", "jonas"]) == "keys has no rotates"
    assert problem(["--settings", "X", "doctor", "--mend"]) == "doctor has no --mend"
    assert problem(["backup", "/backup", "--keep", "3"]) == ""


def test_every_link_within_the_handbook_leads_to_a_heading() -> None:
    text = (_ROOT / "deploy" / "README.md").read_text(encoding="utf-8")
    headings = re.findall(r"(?m)^#+ (.+)$", text)
    places = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    linked = set(re.findall(r"\]\(#([^)]+)\)", text))
    assert linked
    assert linked <= places


def test_the_plan_for_a_million_letters_follows_from_its_inputs_and_they_are_measured_by_the_bench() -> None:
    text = (_ROOT / "deploy" / "README.md").read_text(encoding="utf-8").partition("## A million letters a day")[2]
    plan = text.partition("\n## ")[0]
    known = {name: _number(value) for name, value in re.findall(r"(?m)^\| `(\w+)` \| ([\d.,]+) \| [^|]+ \|$", plan)}
    results = re.findall(r"(?m)^\| `(\w+)` \| [^|]+ \| `([^`]+)` \| ([\d.,]+) \|$", plan)
    assert (len(known), len(results)) == (14, 15)
    for name, arithmetic, value in results:
        known[name] = eval(arithmetic, {"__builtins__": {}}, known)  # noqa: S307 - our own document
        assert known[name] == pytest.approx(_number(value), rel=0.01), name
    for part, row in re.findall(r"`bench (\w+)`: \"([^\"]+)\"", plan):
        module = Path(str(bench.__file__)).parent / f"{bench.PARTS[part]}.py"
        assert row.removeprefix("clean jpg, 153 kB, ") in module.read_text(encoding="utf-8"), row


def _number(value: str) -> float:
    return float(value.replace(",", ""))
