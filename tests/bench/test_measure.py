"""What a bench sheet says of its figures. Nothing here is timed."""

from __future__ import annotations

import importlib
import json
import pkgutil

from click.testing import CliRunner

from fieldreport import bench
from fieldreport.bench.measure import Pair, Sheet, in_turn
from fieldreport.cli import main

_PAIR = Pair(seconds=0.2, floor_seconds=0.1, ratio=2.0)


def test_work_over_its_bound_is_said_to_be_missed() -> None:
    said: list[str] = []
    sheet = Sheet(say=said.append)
    sheet.pair("work", _PAIR, "floor", at_most=1.9)
    assert "MISSED" in said[0]
    assert sheet.rows[0].holds is False


def test_work_within_its_bound_is_said_to_be_kept() -> None:
    sheet = Sheet()
    sheet.pair("work", _PAIR, "floor", at_most=2.0)
    assert sheet.rows[0].holds is True
    assert (sheet.rows[0].value, sheet.rows[0].floor, sheet.rows[0].unit) == (200.0, 100.0, "ms")


def test_a_rate_is_compared_as_a_rate() -> None:
    sheet = Sheet()
    sheet.pair("work", _PAIR, "floor", per_second=50, at_least=0.5)
    row = sheet.rows[0]
    assert (row.value, row.floor, row.ratio, row.holds) == (250.0, 500.0, 0.5, True)


def test_work_and_floor_take_turns_and_warm_rounds_do_not_count() -> None:
    order: list[str] = []
    in_turn(lambda: order.append("work"), lambda: order.append("floor"), rounds=2, warm=1)
    assert order == ["work", "floor"] * 3


def test_a_sheet_is_written_as_json() -> None:
    sheet = Sheet()
    sheet.figure("page", 14.0, "KB", at_most=14)
    assert json.loads(sheet.as_json())[0]["holds"] is True


def test_an_unknown_part_is_refused() -> None:
    result = CliRunner().invoke(main, ["bench", "nonsense"])
    assert result.exit_code == 2


def test_every_module_that_measures_is_a_part() -> None:
    found = {module.name for module in pkgutil.iter_modules(bench.__path__)}
    measuring = {name for name in found if hasattr(importlib.import_module(f"fieldreport.bench.{name}"), "measure")}
    assert measuring == set(bench.PARTS.values())
