"""What is built is whole: wheel and sdist hold every tracked file, and each runs with no checkout next to it."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path
from typing import Final

import pytest

pytestmark = pytest.mark.campaign

ROOT: Final = Path(__file__).resolve().parents[2]
_MADE: Final = {
    "wheel": "fieldreport-*.whl",
    "sdist": "fieldreport-*.tar.gz",
    "bill of materials": "fieldreport-*.cdx.json",
}
_LICENCE: Final = "fieldreport/LICENSE"


def _run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def tracked() -> list[str]:
    return _run("git", "ls-files", "fieldreport", "pyproject.toml", "README.md", cwd=ROOT).splitlines()


@pytest.fixture(scope="module")
def built(tracked: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the sdist of the tracked files as they are now, built without a network."""
    return _build(tracked, tmp_path_factory.mktemp("checkout"), tmp_path_factory.mktemp("built"))


def _build(tracked: list[str], checkout: Path, built: Path) -> Path:
    for name in (*tracked, "deploy/requirements.txt"):
        target = checkout / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((ROOT / name).read_bytes())
    command: list[str | Path] = [
        "env",
        "SOURCE_DATE_EPOCH=1764500000",
        sys.executable,
        "-W",
        "ignore",
        ROOT / ".ci" / "release.py",
    ]
    _run(*command, checkout, built, cwd=checkout)
    return built


@pytest.fixture(scope="module")
def wheel_installed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _installed(built, "*.whl", tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def sdist_installed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _installed(built, "*.tar.gz", tmp_path_factory.mktemp("sdist"))


def _installed(built: Path, kind: str, home: Path) -> Path:
    """An environment with nothing but the built package; it sees the dependencies that are installed here."""
    (package,) = built.glob(kind)
    venv.create(home, symlinks=True)
    (packages,) = home.glob("lib/python3.*/site-packages")
    # A line in a .pth file adds a folder and does not read that folder's own .pth files, such as an editable install's.
    seen = [entry for entry in sys.path if entry.endswith("site-packages")]
    (packages / "dependencies.pth").write_text("".join(f"{entry}\n" for entry in seen), encoding="utf-8")
    pip = (home / "bin" / "python", "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-index")
    _run(*pip, "--no-deps", "--ignore-installed", "--no-build-isolation", package, cwd=home)
    return home


def _free_ports() -> int:
    """A port with two free ones after it, now, below those that the kernel gives out."""
    for port in range(26000, 32000, 3):
        try:
            for one in (port, port + 1, port + 2):
                with socket.create_server(("127.0.0.1", one)):
                    pass
        except OSError:
            continue
        return port
    raise AssertionError("no free ports")


def test_the_wheel_holds_exactly_the_tracked_files(built: Path, tracked: list[str]) -> None:
    (wheel,) = built.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert any(name.endswith(f".dist-info/licenses/{_LICENCE}") for name in names)  # where PEP 639 wants it
    assert {name for name in names if ".dist-info/" not in name} == {n for n in tracked if n.startswith("fieldreport/")}


def test_the_sdist_holds_exactly_the_tracked_files(built: Path, tracked: list[str]) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {member.name.partition("/")[2] for member in archive if member.isfile()}
    made = {name for name in names if name in {"PKG-INFO", "setup.cfg"} or name.startswith("fieldreport.egg-info/")}
    assert names - made == set(tracked)


def test_a_second_build_has_the_same_bytes_later_elsewhere_and_under_another_umask(
    built: Path, tracked: list[str], tmp_path: Path
) -> None:
    """Elsewhere is another path, with files that were written in another order and a second later at least."""
    usual = os.umask(0o077)
    try:
        again = _build(tracked[::-1], tmp_path / "elsewhere" / "checkout", tmp_path / "built")
    finally:
        os.umask(usual)
    for kind, pattern in _MADE.items():
        (first,), (second,) = built.glob(pattern), again.glob(pattern)
        assert first.read_bytes() == second.read_bytes(), kind


def test_the_bill_of_materials_names_what_is_pinned_and_what_needs_it(built: Path) -> None:
    (path,) = built.glob(_MADE["bill of materials"])
    bill = json.loads(path.read_text())
    pinned = re.findall(r"(?m)^([a-z0-9-]+==\S+) (?!; sys_platform == 'win32')", _requirements())
    assert [f"{each['name']}=={each['version']}" for each in bill["components"]] == pinned
    needs = {each["ref"]: set(each["dependsOn"]) for each in bill["dependencies"]}
    refs = {each["name"]: each["bom-ref"] for each in bill["components"]}
    assert refs["async-timeout"] in needs[refs["redis"]]
    assert refs["flask"] in needs[bill["metadata"]["component"]["bom-ref"]]
    assert set().union(*needs.values()) == set(refs.values())  # nothing lies there for no reason


def _requirements() -> str:
    return (ROOT / "deploy" / "requirements.txt").read_text()


def test_the_licence_is_the_one_that_the_project_names() -> None:
    text = (ROOT / _LICENCE).read_text(encoding="utf-8")
    assert text.split("\n")[:2] == [
        f"{'GNU AFFERO GENERAL PUBLIC LICENSE':>53}",
        f"{'Version 3, 19 November 2007':>50}",
    ]


def test_an_installed_package_walks_the_demo_and_measures(wheel_installed: Path, tmp_path: Path) -> None:
    assert _package_of(wheel_installed, tmp_path).is_relative_to(wheel_installed)
    command = wheel_installed / "bin" / "fieldreport"
    _run(command, "demo", "--dir", "demo", "--port", str(_free_ports()), "--walkthrough", cwd=tmp_path)
    assert "unlock a key file" in _run(command, "bench", "unlock", cwd=tmp_path)


def test_what_is_installed_from_the_sdist_is_what_walked(
    wheel_installed: Path, sdist_installed: Path, tmp_path: Path
) -> None:
    ours, walked = _package_of(sdist_installed, tmp_path), _package_of(wheel_installed, tmp_path)
    assert ours.is_relative_to(sdist_installed)
    assert _files(ours) == _files(walked)
    scripts = [home.joinpath("bin", "fieldreport").read_text() for home in (sdist_installed, wheel_installed)]
    assert scripts[0].replace(str(sdist_installed), str(wheel_installed)) == scripts[1]
    assert "Commands:" in _run(sdist_installed / "bin" / "fieldreport", "--help", cwd=tmp_path)


def _package_of(home: Path, cwd: Path) -> Path:
    """The folder that an environment imports the package from."""
    where = _run(home / "bin" / "python", "-c", "import fieldreport; print(fieldreport.__file__)", cwd=cwd)
    return Path(where.strip()).parent


def _files(package: Path) -> dict[str, bytes]:
    """What is in an installed package and what its metadata say of it, without what Python compiled."""
    metadata = next(package.parent.glob("fieldreport-*.dist-info"))
    files = [*package.rglob("*"), metadata / "METADATA", metadata / "entry_points.txt", *metadata.glob("licenses/**/*")]
    return {
        str(file.relative_to(package.parent)): file.read_bytes()
        for file in files
        if file.is_file() and file.suffix != ".pyc"
    }
