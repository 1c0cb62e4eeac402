"""The desk as it is run: the real command, a real server, one process that holds the keys."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from fieldreport.unseal import key_file, totp
from tests.cast import CHEAP, PASSPHRASES
from tests.desk.conftest import House
from tests.eventually import PATIENCE_SECONDS, answers, eventually


def write_settings(house: House, port: int) -> None:
    values: dict[str, dict[str, object]] = {
        "instance": {"id": house.settings.instance.id, "name": house.settings.instance.name},
        "keys": {"directory": "keys", "admin_fingerprint": house.settings.keys.admin_fingerprint},
        "intake": {"data": "intake"},
        "desk": {
            "data": "desk",
            "keyfiles": "desk/keyfiles",
            "listen": f"127.0.0.1:{port}",
            "collect_seconds": 1,
            "secure_cookie": False,  # httpx keeps none over plain http
        },
        "press": {"site": "site"},
        "scrub": {"require_sandbox": False},
    }
    # For these values a JSON scalar is a TOML scalar.
    lines = [
        f"[{section}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in table.items())
        for section, table in values.items()
    ]
    house.settings.path.write_text("\n".join(lines))


@pytest.fixture
def running(house: House) -> Iterator[tuple[str, Path]]:
    """The desk's address and its log; one letter waits in the mailbox when it starts."""
    house.send("the words of a source")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    keyfiles = house.settings.desk.keyfiles
    key_file.write_key_file(
        keyfiles / "jonas.key", house.staff["jonas"], PASSPHRASES["jonas"], cost=CHEAP, portable=True
    )
    (keyfiles / "ines.key").write_bytes(b"damaged")
    write_settings(house, port)
    log_file = house.directory / "log"
    command = [sys.executable, "-m", "fieldreport.cli", "--settings", str(house.settings.path), "desk"]
    with log_file.open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        url = f"http://127.0.0.1:{port}"
        eventually(lambda: answers(f"{url}/desk.css", process))
        yield url, log_file
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_SECONDS) == 0
    finally:
        process.kill()
        process.wait()


def test_it_serves_collects_signs_in_and_tells_nothing(house: House, running: tuple[str, Path]) -> None:
    url, log_file = running
    with httpx.Client(base_url=url, headers={"Origin": url}, follow_redirects=True) as visitor:
        door = visitor.get("/")
        assert door.url.path == "/sign-in"
        assert "Server" not in door.headers
        assert "Date" not in door.headers
        wrong = {"handle": "amira", "passphrase": "typed-by-mistake", "code": "000000"}
        assert visitor.post("/sign-in", data=wrong).status_code == 403
        code = totp.current_code(house.staff["amira"].totp, time.time())
        right = {"handle": "amira", "passphrase": PASSPHRASES["amira"], "code": code}
        page = visitor.post("/sign-in", data=right)
        assert page.url.path == "/inbox"
        # Collected without anybody asking, before or soon after the sign-in.
        eventually(lambda: "C-" in visitor.get("/inbox").text)
        visitor.get("/nothing-here")
    assert key_file.is_bound(house.settings.desk.keyfiles / "jonas.key"), "copied there, and bound at the start"
    log = log_file.read_text()
    for word in ("typed-by-mistake", "amira", "nothing-here", "127.0.0.1 -", "words of a source"):
        assert word not in log


def test_a_port_in_use_is_one_line(house: House) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        write_settings(house, taken.getsockname()[1])
        command = [sys.executable, "-m", "fieldreport.cli", "--settings", str(house.settings.path), "desk"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)
    assert done.returncode == 64
    assert len(done.stderr.strip().splitlines()) == 1
    assert "is in use" in done.stderr
