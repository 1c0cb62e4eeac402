"""WebKitGTK's small browser under its own driver: of what the distribution has, the nearest thing to an iPhone.

It has no mode without a screen, so it gets one that nobody sees.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from selenium import webdriver
from selenium.webdriver.remote.client_config import ClientConfig
from selenium.webdriver.remote.file_detector import UselessFileDetector
from selenium.webdriver.remote.remote_connection import RemoteConnection
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.webkitgtk.options import Options
from selenium.webdriver.webkitgtk.service import Service

_SECONDS: Final = 60


@contextlib.contextmanager
def webkit(home: Path, *, scripting: bool, width: int) -> Iterator[WebDriver]:
    """Start MiniBrowser with an empty home; it ends with the block. It asks for English pages."""
    home.mkdir()
    options = Options()
    options.binary_location = str(next(Path("/usr/lib").glob("*/webkit2gtk-4.*/MiniBrowser")))
    for argument in ("--automation", f"--enable-javascript={str(scripting).lower()}", f"--geometry={width}x900"):
        options.add_argument(argument)
    with _screen() as display:
        environment = {
            **os.environ,
            "DISPLAY": display,
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home),
            # Its sandbox and its compositor want more of a machine than a container has.
            "WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS": "1",
            "WEBKIT_DISABLE_COMPOSITING_MODE": "1",
        }
        service = Service(shutil.which("WebKitWebDriver") or "", env=environment)
        service.start()
        try:
            # Not Selenium's own class for it, which warns about itself.
            connection = RemoteConnection(client_config=ClientConfig(service.service_url))
            driver = webdriver.Remote(command_executor=connection, options=options, file_detector=UselessFileDetector())
            try:
                yield driver
            finally:
                driver.quit()
        finally:
            service.stop()


@contextlib.contextmanager
def _screen() -> Iterator[str]:
    """A screen that nobody sees; yields its name."""
    read, write = os.pipe()
    with os.fdopen(read) as told:
        arguments = ["Xvfb", "-displayfd", str(write), "-screen", "0", "1024x1000x24", "-nolisten", "tcp"]
        server = subprocess.Popen(arguments, pass_fds=[write], stderr=subprocess.DEVNULL)
        os.close(write)
        try:
            yield f":{told.readline().strip()}"
        finally:
            server.terminate()
            server.wait(_SECONDS)
