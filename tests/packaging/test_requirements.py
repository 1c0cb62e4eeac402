"""What an operator installs is pinned as a whole, on the Python of their distribution."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Final

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

_TEXT: Final = (Path(__file__).resolve().parents[2] / "deploy" / "requirements.txt").read_text()
_PINS: Final = {
    canonicalize_name(pin.name): pin for pin in map(Requirement, re.findall(r"(?m)^([a-z].*?)(?: \\)?$", _TEXT))
}


def needed(package: str, extras: frozenset[str], environment: dict[str, str]) -> Iterator[Requirement]:
    """What a package says that it needs, which is asked of the version that is installed here."""
    for line in requires(package) or ():
        requirement = Requirement(line)
        markers = [{**environment, "extra": extra} for extra in extras or {""}]
        if requirement.marker is None or any(requirement.marker.evaluate(each) for each in markers):
            yield requirement


def installed_as_pinned(package: str) -> bool:
    return package not in _PINS or _PINS[canonicalize_name(package)].specifier.contains(version(package))


@pytest.mark.parametrize("python", ["3.11.2", "3.11.14", "3.12.3", "3.13.5", "3.14.0"])
def test_every_need_of_every_pinned_package_is_pinned(python: str) -> None:
    """3.11.2 is Debian 12's, where Redis's client needs what later ones have built in; 3.13.5 Debian 13's."""
    environment = {key: str(value) for key, value in default_environment().items()}
    environment.update(python_full_version=python, python_version=python.rpartition(".")[0])
    seen: set[tuple[str, frozenset[str]]] = set()
    open_ = [("fieldreport", frozenset({"postgres", "redis", "s3"}))]
    while open_:
        package, extras = open_.pop()
        if (package, extras) in seen:
            continue
        seen.add((package, extras))
        try:
            wanted = list(needed(package, extras, environment))
        except PackageNotFoundError:
            assert _PINS[canonicalize_name(package)].marker, f"{package} is pinned for this Python and not installed"
            continue
        for requirement in wanted:
            pin = _PINS.get(canonicalize_name(requirement.name))
            assert pin is not None, f"{package} needs {requirement.name} on Python {python}"
            assert pin.marker is None or pin.marker.evaluate(environment), f"{pin} is not installed on Python {python}"
            if installed_as_pinned(package):  # another version may need others
                (exactly,) = pin.specifier
                assert requirement.specifier.contains(exactly.version), f"{package} needs {requirement}"
            open_.append((canonicalize_name(requirement.name), frozenset(requirement.extras)))
    assert len(seen) > 50  # the walk went down
