"""A running demo newsroom, and real browsers in front of it: Chromium, and for some tests Firefox or WebKit."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import flask
import pytest
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.remote.webdriver import WebDriver
from werkzeug.serving import make_server

from fieldreport.cli import demo_newsroom, zones
from fieldreport.unseal import totp
from tests.browser.marionette import firefox
from tests.browser.webkit import webkit
from tests.cast import cheap_keys

ROOT = Path(__file__).resolve().parents[2]

_QUIET = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
)


@contextlib.contextmanager
def served(app: flask.Flask) -> Iterator[int]:
    """An application that listens in a thread of this process; its port."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


type_of_driver = Callable[..., webdriver.Chrome]


def three_free_ports() -> int:
    """The first of three neighbouring ports that are free now; another run beside this one looks elsewhere first."""
    for port in range(21000 + os.getpid() % 800 * 10, 32000, 10):
        with contextlib.ExitStack() as stack:
            try:
                for number in range(port, port + 3):
                    probe = stack.enter_context(socket.socket())
                    probe.bind(("127.0.0.1", number))
            except OSError:
                continue
            return port
    raise OSError("no three neighbouring ports are free")


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a demo in which nothing has happened yet."""
    directory = tmp_path_factory.mktemp("browser") / "demo"
    with cheap_keys():
        demo_newsroom.make_demo(directory, port=three_free_ports())
    return directory


@pytest.fixture(scope="module")
def newsroom(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[demo_newsroom.Demo]:
    """A demo newsroom with its three zones running as processes of their own: not for longer, they work when idle."""
    directory = shutil.copytree(made, tmp_path_factory.mktemp("running") / "demo")
    opened = demo_newsroom.open_demo(directory, port=three_free_ports())
    with zones.running(opened.settings):
        yield opened


@pytest.fixture(scope="module")
def code_of(newsroom: demo_newsroom.Demo) -> Callable[[str], str]:
    """A one-time code of somebody that was not used before; waits if the desk would not take the next one yet."""
    used: dict[str, int] = {}

    def code(handle: str) -> str:
        period = totp.PERIOD_SECONDS
        # The desk takes the codes of the periods before and after its own. The oldest comes first, so that three
        # sign-ins of one person need no waiting; twenty seconds are left for the form to arrive.
        counter = max(int((time.time() + 20) // period) - 1, used.get(handle, 0) + 1)
        time.sleep(max(0.0, (counter - 1) * period - time.time() + 0.1))
        used[handle] = counter
        return newsroom.people[handle].code(counter * period)

    return code


@pytest.fixture(scope="session")
def axe() -> str:
    """The accessibility checker's source, from the npm package axe-core."""
    for folder in (os.environ.get("FIELDREPORT_NODE_MODULES", ""), str(ROOT / ".cache" / "node" / "node_modules")):
        file = Path(folder) / "axe-core" / "axe.min.js"
        if folder and file.exists():
            return file.read_text(encoding="utf-8")
    pytest.skip("needs axe-core (npm install --prefix .cache/node axe-core)")


@pytest.fixture
def chromium(tmp_path: Path) -> Iterator[type_of_driver]:
    """Starts Chromium: ``chromium(scripting=False, width=1024)``; every one started ends with the test."""
    with contextlib.ExitStack() as stack:
        profile = itertools.count()

        def start(*, scripting: bool, width: int = 1024, language: str = "en") -> webdriver.Chrome:
            options = Options()
            for argument in (
                *_QUIET,
                f"--window-size={width},900",
                f"--user-data-dir={tmp_path / 'profile'}-{next(profile)}",
            ):
                options.add_argument(argument)
            options.binary_location = shutil.which("chromium") or ""
            preferences: dict[str, object] = {"intl.accept_languages": language}
            if not scripting:
                preferences["profile.managed_default_content_settings.javascript"] = 2
            options.add_experimental_option("prefs", preferences)
            driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver") or ""))
            stack.callback(driver.quit)
            # Chromium's own window is never narrower than 500 px; the page's viewport may be.
            driver.execute_cdp_cmd(
                "Emulation.setDeviceMetricsOverride",
                {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False},
            )
            driver.set_page_load_timeout(60)
            return driver

        yield start


@pytest.fixture
def start(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., WebDriver]]:
    """Starts the browser that the test is parametrised with, as ``chromium`` does."""
    if request.param == "chromium":
        yield request.getfixturevalue("chromium")
        return
    with contextlib.ExitStack() as stack:
        profile = itertools.count()

        def begin(*, scripting: bool, width: int = 1024, language: str = "en") -> WebDriver:
            directory = tmp_path / f"{request.param}-{next(profile)}"
            if request.param == "firefox":
                browser = firefox(directory, scripting=scripting, width=width, language=language)
            else:
                assert language == "en"
                browser = webkit(directory, scripting=scripting, width=width)
            driver = stack.enter_context(browser)
            driver.set_page_load_timeout(60)
            return driver

        yield begin
