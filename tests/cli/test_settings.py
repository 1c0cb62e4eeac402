"""The reference of the settings is made from the code, and its defaults are those that hold."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Final

from click.testing import CliRunner

from fieldreport import config
from fieldreport.cli import main

_REFERENCE: Final = Path(__file__).resolve().parents[2] / "deploy" / "settings.toml"
_NEEDED: Final = {
    "id": f'"{"ab" * 16}"',
    "directory": '"keys"',
    "admin_fingerprint": f'"{"cd" * 32}"',
    "data": '"data"',
    "keyfiles": '"keyfiles"',
    "site": '"site"',
}


def with_needed(text: str) -> str:
    """The text with a value for each key that has no default and must be written, and nothing else changed."""
    return re.sub(r"(?m)^#(\w+) =$", lambda key: f"{key[1]} = {_NEEDED[key[1]]}" if key[1] in _NEEDED else "", text)


def test_the_reference_in_deploy_is_what_the_command_prints() -> None:
    printed = CliRunner().invoke(main, ["settings"])
    assert printed.exit_code == 0
    assert printed.output == _REFERENCE.read_text(), "run: fieldreport settings > deploy/settings.toml"


def test_a_file_with_every_default_written_means_the_same_as_one_without(tmp_path: Path) -> None:
    short = with_needed(_REFERENCE.read_text())
    written = re.sub(r"(?m)^#(\w+ = )", r"\1", short)
    assert written.count("\n#") < short.count("\n#") - 40  # lines that were comments
    plain, full = (
        config.parse(tomllib.loads(text), path=tmp_path / "fieldreport.toml", environment={})
        for text in (short, written)
    )
    assert plain == full
