"""What every test shares: skipping is visible, and forbidden where the real parts are promised to be there."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

_SKIP_NOTHING = os.environ.get("FIELDREPORT_TESTS_SKIP_NOTHING") == "1"

_REAL_PARTS = {
    "browser": ("chromium", "chromedriver"),
    "redis": ("redis-server",),
}


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose real part is missing here, and say which."""
    for marker, programs in _REAL_PARTS.items():
        if item.get_closest_marker(marker) is not None:
            for program in programs:
                if shutil.which(program) is None:
                    pytest.skip(f"needs {program}")
    if item.get_closest_marker("postgres") is not None and not list(Path("/usr/lib/postgresql").glob("*/bin/initdb")):
        pytest.skip("needs a PostgreSQL server")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name what was skipped once more, last, where a reader looks."""
    skipped = terminalreporter.stats.get("skipped", [])
    if skipped and _SKIP_NOTHING:
        terminalreporter.write_line(f"{len(skipped)} tests were skipped, and nothing may be skipped here", red=True)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the run if anything was skipped where nothing may be."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if _SKIP_NOTHING and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
