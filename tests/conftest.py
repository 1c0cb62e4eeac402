"""What every test shares: skipping is visible, and forbidden where the real parts are promised to be there."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import hypothesis
import pytest
from jinja2 import FileSystemBytecodeCache
from werkzeug.routing import Rule

from fieldreport.web.application import Application
from tests.faults import (
    faulty,
    moto_server,
    redis_server,
    runs_again_as_root,
    s3_credentials,
    s3_server,
    small_disk,
    swift_server,
)

__all__ = ["faulty", "moto_server", "redis_server", "s3_credentials", "s3_server", "small_disk", "swift_server"]

# Compiling this tree takes seconds. What one process has compiled, every other one reads: workers, programs that tests
# start, the next run; also where the environment says otherwise.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# How long one example takes says how busy the machine is.
hypothesis.settings.register_profile("any-pace", deadline=None)
hypothesis.settings.load_profile("any-pace")

_SKIP_NOTHING = os.environ.get("FIELDREPORT_TESTS_SKIP_NOTHING") == "1"

_REAL_PARTS = {
    "browser": ("chromium", "chromedriver"),
    "firefox": ("firefox-esr",),
    "webkit": ("WebKitWebDriver", "Xvfb"),
    "redis": ("redis-server",),
    "swift": ("swift-ring-builder", "memcached"),
    "deployment": ("systemd-analyze", "tor", "nginx", "caddy", "nft", "apparmor_parser", "promtool", "docker-compose"),
}


@pytest.fixture(scope="session", autouse=True)
def _compiled_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Templates and addresses are compiled for the first application of a run, not for the hundreds that follow."""
    compile_address, compiled = Rule._compile_builder, dict[object, Callable[..., Any]]()

    def once(rule: Rule, append_unknown: bool = True) -> Callable[..., Any]:  # noqa: FBT001, FBT002 - as Werkzeug has it
        key = (rule.rule, tuple(rule._trace), str(rule.defaults), append_unknown)
        if key not in compiled:
            compiled[key] = compile_address(rule, append_unknown)
        return compiled[key]

    templates = FileSystemBytecodeCache(str(tmp_path_factory.mktemp("templates")))
    with (
        mock.patch.object(Rule, "_compile_builder", once),
        mock.patch.dict(Application.jinja_options, bytecode_cache=templates),
    ):
        yield


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose real part is missing here, and say which."""
    for marker, programs in _REAL_PARTS.items():
        if item.get_closest_marker(marker) is not None:
            for program in programs:
                if shutil.which(program) is None:
                    pytest.skip(f"needs {program}")
    if item.get_closest_marker("postgres") is not None and not list(Path("/usr/lib/postgresql").glob("*/bin/initdb")):
        pytest.skip("needs a PostgreSQL server")


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run what has to mount where it may."""
    return True if runs_again_as_root(pyfuncitem) else None


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
