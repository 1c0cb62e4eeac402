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


@pytest.fixture(scope="module")
def copy_of_the_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package that passes the import linter."""
    copy = tmp_path_factory.mktemp("tree")
    for path in _tracked():
        name = path.relative_to(ROOT)
        if name.parts[0] in {"fieldreport", "pyproject.toml"} and path.suffix in {".py", ".toml"}:
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            (copy / name).write_bytes(path.read_bytes())
    clean = _run(_tool("lint-imports"), "--no-cache", cwd=copy)
    assert clean.returncode == 0, clean.stdout
    return copy


@pytest.mark.parametrize(
    ("module", "imported", "contract"),
    [
        ("intake/planted.py", "unseal.key_file", "What strangers reach never reaches private keys"),
        ("intake/planted.py", "seal.header", "Callers use the public face of seal"),
        ("vault/archive/planted.py", "vault.cases.collect", "The vault's rooms import only downward"),
        ("desk/views/planted.py", "desk.views.inbox", "No view imports another view"),
        ("intake/pages/planted.py", "intake.pages.report", "No view imports another view"),
        ("scrub/images/planted.py", "scrub.documents.links", "Rooms of scrub"),
        ("scrub/images/verify.py", "scrub.images.jpeg.parse", "A verifier shares no code with what parses and writes"),
        ("scrub/images/verify.py", "scrub.archives.write", "A verifier shares no code with what parses and writes"),
    ],
)
def test_a_planted_import_fails_the_linter(copy_of_the_tree: Path, module: str, imported: str, contract: str) -> None:
    planted = copy_of_the_tree / "fieldreport" / module
    planted.write_text(f"import fieldreport.{imported}\n")
    try:
        done = _run(_tool("lint-imports"), "--no-cache", cwd=copy_of_the_tree)
    finally:
        planted.unlink()
    assert done.returncode != 0
    assert f"{contract} BROKEN" in done.stdout


def test_the_locked_requirements_pin_every_dependency_with_a_hash() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = {re.split(r"[\[<>=]", entry)[0].lower().replace("_", "-") for entry in project["dependencies"]}
    locked = (ROOT / "deploy" / "requirements.txt").read_text(encoding="utf-8")
    pins = re.findall(r"^([a-z0-9.-]+)(?:\[[a-z]+\])?==\S+ \\\n    --hash=sha256:[0-9a-f]{64}", locked, re.MULTILINE)
    assert names <= set(pins)
