"""Which module imports which, read from the source: imports inside functions and for annotations count as well."""

from __future__ import annotations

import ast
import graphlib
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
# Words of the field that happen to end in -ing.
_TERMS: Final = {"binding", "encoding", "hardening", "padding"}
_MOST_AT_THE_TOP_OF_SCRUB: Final = 8

Imports = Mapping[str, set[str]]


def _modules(root: Path) -> dict[str, Path]:
    names = {".".join(path.relative_to(root).with_suffix("").parts): path for path in root.glob("fieldreport/**/*.py")}
    return {name.removesuffix(".__init__"): path for name, path in names.items()}


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def imports(root: Path) -> Imports:
    """Module → the modules of the product that it imports anywhere in its source."""
    modules = _modules(root)

    def module_of(name: str) -> str:
        while name and name not in modules:
            name = name.rpartition(".")[0]
        return name

    return {
        module: {module_of(name) for name in _imported(ast.parse(path.read_bytes()))} - {"", "fieldreport", module}
        for module, path in modules.items()
    }


def circle(graph: Imports) -> list[str]:
    """The modules of one circle in the order in which they import each other; empty where there is none."""
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        found: list[str] = error.args[1]
        return found
    return []


def _levels(contract: Mapping[str, Any], container: str) -> dict[str, tuple[int, str]]:
    """Each package of a container → its floor, the lowest with the highest number, and its name."""
    return {
        f"{container}.{name.strip()}": (floor, name.strip())
        for floor, line in enumerate(contract["layers"])
        for name in line.replace(":", "|").split("|")
    }


def against_the_direction(graph: Imports, contract: Mapping[str, Any]) -> list[str]:
    """Every import that goes up or sideways in one ``layers`` contract of pyproject."""
    found = []
    for container in contract["containers"]:
        levels = _levels(contract, container)

        def level(module: str, levels: Mapping[str, tuple[int, str]] = levels) -> tuple[int, str] | None:
            return next((levels[p] for p in levels if module == p or module.startswith(f"{p}.")), None)

        for module, targets in graph.items():
            for target in targets:
                above, below = level(module), level(target)
                if above and below and above != below and above[0] >= below[0]:
                    found.append(f"{module} -> {target}")
    return sorted(found)


@pytest.fixture(scope="module")
def graph() -> Imports:
    return imports(ROOT)


@pytest.fixture(scope="module")
def layers() -> list[Mapping[str, Any]]:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    return [contract for contract in contracts if contract["type"] == "layers"]


def test_no_two_modules_import_each_other_directly_or_through_others(graph: Imports) -> None:
    assert circle(graph) == []


def test_every_import_goes_down(graph: Imports, layers: list[Mapping[str, Any]]) -> None:
    assert [against_the_direction(graph, contract) for contract in layers] == [[] for _ in layers]


@pytest.mark.parametrize(
    "source",
    [
        "import fieldreport.high",
        "from fieldreport import high",
        "from fieldreport.high import thing",
        "def f():\n    from fieldreport.high import thing",
        "if TYPE_CHECKING:\n    from fieldreport.high import thing",
    ],
)
def test_every_kind_of_import_is_seen(tmp_path: Path, source: str) -> None:
    package = tmp_path / "fieldreport"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "low.py").write_text(source, encoding="utf-8")
    (package / "high.py").write_text("import fieldreport.low", encoding="utf-8")
    graph = imports(tmp_path)
    assert set(circle(graph)) == {"fieldreport.low", "fieldreport.high"}
    contract = {"containers": ["fieldreport"], "layers": ["high", "low"]}
    assert against_the_direction(graph, contract) == ["fieldreport.low -> fieldreport.high"]


def test_a_module_is_named_for_a_thing() -> None:
    last = {module.rpartition(".")[2] for module in _modules(ROOT)}
    assert {name for name in last if name.endswith("ing")} <= _TERMS


def test_at_the_top_of_scrub_stands_only_what_every_format_works_with() -> None:
    loose = {path.name for path in (ROOT / "fieldreport" / "scrub").glob("*.py")} - {"__init__.py"}
    assert len(loose) <= _MOST_AT_THE_TOP_OF_SCRUB, sorted(loose)
