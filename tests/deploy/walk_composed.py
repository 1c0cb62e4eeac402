"""The walk through the containers of ``deploy/compose``: a newsroom on this machine, its letterbox behind their nginx.

``python -m tests.deploy.walk_composed make|walk NEWSROOM STATE UID``. ``make`` fills STATE with what the compose file's
first lines name, for zones that run as UID; ``walk`` goes through both intakes, the link, PostgreSQL, Redis and S3, as
a source who comes by TLS and as people at a desk that dials the link by TLS.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, cast

import httpx

from fieldreport import config
from fieldreport.bench.letterbox import served
from fieldreport.cli.demo_newsroom import Demo, make_demo, open_demo
from fieldreport.cli.split import Owner, split
from fieldreport.cli.walkthrough import walk
from fieldreport.seal import Role

_PORT: Final = 18000
_START_SECONDS: Final = 120
_PASSWORDS: Final = {"fieldreport_intake": "of the intake", "fieldreport_owner": "of the owner"}
_KEY: Final = ("newsroom:test", "secret")
_CERTIFICATE: Final = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost"


def make(newsroom: Path, state: Path, uid: int) -> None:
    make_demo(newsroom, port=_PORT)
    ours, theirs = Owner(name="root", user=0, group=0), Owner(name="nobody", user=uid, group=uid)
    shutil.copytree(newsroom, newsroom.with_name("before"))
    split(newsroom, {"intake": theirs, "desk": ours, "press": ours})
    state.mkdir()
    for machine in ("intake-1", "intake-2"):
        shutil.copytree(newsroom / "intake", state / machine)
    shutil.copy(newsroom / "intake.toml", state)
    files = {
        "machines.token": secrets.token_hex(32),
        "link.token": secrets.token_hex(32),
        "s3.credentials": "[default]\naws_access_key_id = {}\naws_secret_access_key = {}\n".format(*_KEY),
        "s3.env": "ROOT_ACCESS_KEY_ID={}\nROOT_SECRET_KEY={}\n".format(*_KEY),
        "pgpass": "".join(f"postgres:5432:*:{role}:{word}\n" for role, word in _PASSWORDS.items()),
        "postgres.password": secrets.token_hex(16),
        # As `\password` sends it, which wants a terminal.
        "passwords.sql": "".join(f"ALTER ROLE {role} PASSWORD '{word}';\n" for role, word in _PASSWORDS.items()),
    }
    for name, content in files.items():
        (state / name).write_text(content)
        (state / name).chmod(0o600)
    certificate = [*_CERTIFICATE.split(), "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run([*certificate, "-keyout", state / "tls.key", "-out", state / "tls.crt"], check=True)
    for path in (state, *state.rglob("*")):
        os.chown(path, uid, uid)


def go(newsroom: Path, state: Path) -> None:
    people = open_demo(newsroom.with_name("before"), port=_PORT).people
    settings_file, token = newsroom / "desk.toml", newsroom / "desk" / "link.token"
    shutil.copyfile(state / "link.token", token)
    token.chmod(0o600)
    link = 'link = "https://localhost:8443"\nlink_token = "desk/link.token"'
    settings_file.write_text(re.sub(r"^link = .*$", link, settings_file.read_text(), flags=re.MULTILINE))
    os.environ["SSL_CERT_FILE"] = str(state / "tls.crt")
    intake, desk = config.load(state / "intake.toml", {}), config.load(settings_file, {})
    addresses = {"intake": "https://localhost"}
    with ExitStack() as stack:
        for zone, port in (("desk", _PORT + 1), ("press", _PORT + 2)):
            addresses[zone] = f"http://127.0.0.1:{port}"
            command = [sys.executable, "-m", "fieldreport.cli", "--settings", str(newsroom / f"{zone}.toml"), zone]
            log = newsroom / f"{zone}.log"
            stack.enter_context(served(command, port, log=log, environment=dict(os.environ)))
        settings = SimpleNamespace(intake=intake.intake, desk=desk.desk, press=desk.press)
        made: Any = SimpleNamespace(directory=newsroom, settings=settings, people=people, url=addresses.__getitem__)
        assert {each.role for each in people.values()} == {Role.ADMIN, Role.EDITOR}
        _wait_for_both()
        walk(cast("Demo", made), _tell)
        for _ in ("intake-1", "intake-2"):  # nginx takes them in turn; who hands out a form looks at whom to seal to
            assert httpx.get("https://localhost/en/report", timeout=60).status_code == 200
    rosters = {(state / name / "keys" / "roster.json").read_bytes() for name in ("intake-1", "intake-2")}
    assert rosters == {(newsroom / "desk" / "keys" / "roster.json").read_bytes()}, "one machine has an older roster"
    sys.stdout.write("both intakes have the newest roster\n")


def _wait_for_both() -> None:
    """Until nginx, which takes the intakes in turn, has not met one that does not listen yet."""
    deadline, in_turn = time.monotonic() + _START_SECONDS, 0
    while in_turn < 4:
        assert time.monotonic() < deadline, "the letterbox does not answer"
        try:
            in_turn = in_turn + 1 if httpx.get("https://localhost/en/report", timeout=60).status_code == 200 else 0
        except httpx.TransportError:
            in_turn = 0
            time.sleep(1)


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    act, room, beside, user = sys.argv[1:]
    if act == "make":
        make(Path(room), Path(beside), int(user))
    else:
        go(Path(room), Path(beside))
