"""Firefox ESR, on which Tor Browser is built, driven over its own protocol without a further binary.

Marionette listens in Firefox itself. A message is its length in decimal, a colon, and JSON; a command is ``[0, number,
name, parameters]``, its answer ``[1, number, error, result]``. Names and parameters are those of WebDriver, so that
Selenium works over it as over a driver: the table below says what it calls them.
https://firefox-source-docs.mozilla.org/testing/marionette/Protocol.html
"""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from selenium import webdriver
from selenium.webdriver.remote.client_config import ClientConfig
from selenium.webdriver.remote.command import Command
from selenium.webdriver.remote.file_detector import UselessFileDetector
from selenium.webdriver.remote.remote_connection import RemoteConnection
from selenium.webdriver.remote.webdriver import WebDriver
from typing_extensions import override

_SECONDS: Final = 90
_FAILED: Final = 500
_ELEMENT: Final = {"id": "id"}
# Selenium's name to Marionette's, and of each parameter Selenium's name to Marionette's.
_COMMANDS: Final[dict[str, tuple[str, dict[str, str]]]] = {
    Command.QUIT: ("Marionette:Quit", {}),
    Command.GET: ("WebDriver:Navigate", {"url": "url"}),
    Command.GO_BACK: ("WebDriver:Back", {}),
    Command.GO_FORWARD: ("WebDriver:Forward", {}),
    Command.REFRESH: ("WebDriver:Refresh", {}),
    Command.GET_CURRENT_URL: ("WebDriver:GetCurrentURL", {}),
    Command.GET_TITLE: ("WebDriver:GetTitle", {}),
    Command.GET_ALL_COOKIES: ("WebDriver:GetCookies", {}),
    Command.FIND_ELEMENT: ("WebDriver:FindElement", {"using": "using", "value": "value"}),
    Command.FIND_ELEMENTS: ("WebDriver:FindElements", {"using": "using", "value": "value"}),
    Command.FIND_CHILD_ELEMENT: ("WebDriver:FindElement", {"using": "using", "value": "value", "id": "element"}),
    Command.FIND_CHILD_ELEMENTS: ("WebDriver:FindElements", {"using": "using", "value": "value", "id": "element"}),
    Command.W3C_GET_ACTIVE_ELEMENT: ("WebDriver:GetActiveElement", {}),
    Command.CLICK_ELEMENT: ("WebDriver:ElementClick", _ELEMENT),
    Command.CLEAR_ELEMENT: ("WebDriver:ElementClear", _ELEMENT),
    Command.SEND_KEYS_TO_ELEMENT: ("WebDriver:ElementSendKeys", {"id": "id", "text": "text"}),
    Command.GET_ELEMENT_TEXT: ("WebDriver:GetElementText", _ELEMENT),
    Command.GET_ELEMENT_TAG_NAME: ("WebDriver:GetElementTagName", _ELEMENT),
    Command.GET_ELEMENT_PROPERTY: ("WebDriver:GetElementProperty", {"id": "id", "name": "name"}),
    Command.GET_ELEMENT_ATTRIBUTE: ("WebDriver:GetElementAttribute", {"id": "id", "name": "name"}),
    Command.IS_ELEMENT_ENABLED: ("WebDriver:IsElementEnabled", _ELEMENT),
    Command.IS_ELEMENT_SELECTED: ("WebDriver:IsElementSelected", _ELEMENT),
    Command.W3C_EXECUTE_SCRIPT: ("WebDriver:ExecuteScript", {"script": "script", "args": "args"}),
    Command.W3C_GET_CURRENT_WINDOW_HANDLE: ("WebDriver:GetWindowHandle", {}),
    Command.W3C_GET_WINDOW_HANDLES: ("WebDriver:GetWindowHandles", {}),
    Command.SWITCH_TO_WINDOW: ("WebDriver:SwitchToWindow", {"handle": "handle"}),
    Command.CLOSE: ("WebDriver:CloseWindow", {}),
    Command.W3C_GET_ALERT_TEXT: ("WebDriver:GetAlertText", {}),
    Command.W3C_ACCEPT_ALERT: ("WebDriver:AcceptAlert", {}),
    Command.W3C_ACTIONS: ("WebDriver:PerformActions", {"actions": "actions"}),
    Command.SET_TIMEOUTS: ("WebDriver:SetTimeouts", {"pageLoad": "pageLoad"}),
    Command.SCREENSHOT: ("WebDriver:TakeScreenshot", {}),
}
# No question to the network, and no page between the tests and ours.
_PREFERENCES: Final[dict[str, object]] = {
    "app.update.disabledForTesting": True,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.page": 0,
    "datareporting.policy.dataSubmissionEnabled": False,
    "marionette.port": 0,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,",
    "toolkit.telemetry.server": "",
}


class _Marionette(RemoteConnection):
    def __init__(self, connection: socket.socket) -> None:
        super().__init__(client_config=ClientConfig("http://127.0.0.1"))  # never used: nothing here speaks HTTP
        self._connection = connection
        self._buffer = b""
        self._number = 0
        self._receive()  # it says who it is

    @override
    def execute(self, command: str, params: dict[str, Any]) -> dict[str, Any]:
        if command == Command.NEW_SESSION:
            # Its questions, such as whether to send a form once more, are left to the test.
            return self._run("WebDriver:NewSession", {"unhandledPromptBehavior": "ignore"})
        name, parameters = _COMMANDS[command]
        return self._run(name, {theirs: params[ours] for ours, theirs in parameters.items() if ours in params})

    def _run(self, name: str, parameters: dict[str, Any]) -> dict[str, Any]:
        self._number += 1
        data = json.dumps([0, self._number, name, parameters]).encode()
        self._connection.sendall(f"{len(data)}:".encode() + data)
        _, number, error, result = self._receive()
        assert number == self._number
        if error is not None:
            return {"status": _FAILED, "value": json.dumps({"value": error})}
        return {"value": result["value"] if isinstance(result, dict) and result.keys() == {"value"} else result}

    def _receive(self) -> Any:
        while b":" not in self._buffer:
            self._read()
        length, _, self._buffer = self._buffer.partition(b":")
        while len(self._buffer) < int(length):
            self._read()
        message, self._buffer = self._buffer[: int(length)], self._buffer[int(length) :]
        return json.loads(message)

    def _read(self) -> None:
        data = self._connection.recv(65536)
        if not data:
            raise OSError("Firefox is gone")
        self._buffer += data


@contextlib.contextmanager
def firefox(
    profile: Path, *, scripting: bool, width: int, language: str, more: Mapping[str, object] = MappingProxyType({})
) -> Iterator[WebDriver]:
    """Start Firefox ESR with an empty profile; it ends with the block. It is never narrower than 500 px.

    ``more``: further preferences.
    """
    profile.mkdir()
    preferences = {**_PREFERENCES, "javascript.enabled": scripting, "intl.accept_languages": language, **more}
    lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in preferences.items()]
    (profile / "user.js").write_text("".join(lines))
    program = shutil.which("firefox-esr") or ""
    with (profile / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                *(program, "--headless", "--marionette", "--no-remote"),
                *(f"--width={width}", "--height=900", "--profile", str(profile)),
            ],
            stdout=log,
            stderr=log,
        )
    try:
        with socket.create_connection(("127.0.0.1", _port(profile, process)), timeout=_SECONDS) as connection:
            yield webdriver.Remote(
                command_executor=_Marionette(connection),
                options=webdriver.FirefoxOptions(),
                file_detector=UselessFileDetector(),
            )
    finally:
        process.terminate()
        process.wait(_SECONDS)


def _port(profile: Path, process: subprocess.Popen[bytes]) -> int:
    """The port that it chose and wrote down."""
    end, file = time.monotonic() + _SECONDS, profile / "MarionetteActivePort"
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError, ValueError):
            return int(file.read_text())
        time.sleep(0.05)
    raise OSError((profile / "log").read_text(errors="replace")[-2000:])
