"""The repository's own rules, run as tests so that one command shows them all."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def _run(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(arguments, cwd=cwd, capture_output=True, text=True, check=False)


def _tool(name: str) -> str:
    return str(Path(sys.executable).parent / name)


def _tracked() -> list[Path]:
    return [ROOT / line for line in _run("git", "ls-files").stdout.splitlines() if (ROOT / line).is_file()]


@pytest.mark.parametrize(
    "command",
    [
        ("ruff", "check", "--no-cache"),
        ("ruff", "format", "--check", "--no-cache"),
        ("mypy", "--cache-dir", ".cache/mypy"),
        ("lint-imports", "--cache-dir", ".cache/import-linter"),
    ],
    ids=lambda command: "-".join(command[:2]).strip("-"),
)
def test_it_passes(command: tuple[str, ...]) -> None:
    done = _run(_tool(command[0]), *command[1:])
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_top_level_is_exactly_what_the_design_names() -> None:
    tops = {path.relative_to(ROOT).parts[0] for path in _tracked()}
    assert {name for name in tops if not name.startswith(".")} == {
        "pyproject.toml",
        "README.md",
        "fieldreport",
        "keys",
        "tests",
        "deploy",
    }


def test_no_private_key_is_in_the_repository() -> None:
    # Vectors and the code that reads keys name the prefix; a key itself is the prefix with 58 characters behind it.
    secret = re.compile(rb"AGE-SECRET-KEY-(?:PQ-)?1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{50,}|BEGIN [A-Z ]*PRIVATE KEY")
    allowed = ROOT / "tests" / "vectors"
    guilty = [
        str(path.relative_to(ROOT))
        for path in _tracked()
        if not path.is_relative_to(allowed) and secret.search(path.read_bytes())
    ]
    assert guilty == []


def test_a_planted_import_from_the_intake_to_unseal_fails_the_linter(tmp_path: Path) -> None:
    done = _run("git", "ls-files", "-z", "fieldreport", "pyproject.toml")
    for name in done.stdout.split("\0"):
        if name.endswith((".py", ".toml")) and (ROOT / name).is_file():
            target = tmp_path / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((ROOT / name).read_bytes())
    clean = _run(_tool("lint-imports"), "--no-cache", cwd=tmp_path)
    assert clean.returncode == 0, clean.stdout
    (tmp_path / "fieldreport" / "intake" / "planted.py").write_text("import fieldreport.unseal.key_file\n")
    planted = _run(_tool("lint-imports"), "--no-cache", cwd=tmp_path)
    assert planted.returncode != 0
    assert "What strangers reach never reaches private keys BROKEN" in planted.stdout


def test_the_locked_requirements_pin_every_dependency_with_a_hash() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = {re.split(r"[\[<>=]", entry)[0].lower().replace("_", "-") for entry in project["dependencies"]}
    locked = (ROOT / "deploy" / "requirements.txt").read_text(encoding="utf-8")
    pins = re.findall(r"^([a-z0-9.-]+)(?:\[[a-z]+\])?==\S+ \\\n    --hash=sha256:[0-9a-f]{64}", locked, re.MULTILINE)
    assert names <= set(pins)
