"""The grown topology: its compose file, and the whole walk over two intakes, PostgreSQL, S3 and Redis behind its nginx.

The walk is of processes on one host, each with the settings that the compose file gives it. Where TLS would end, nginx
takes plain connections here; TLS itself is tried in ``test_front``.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import httpx
import pytest

from fieldreport import config
from fieldreport.bench.letterbox import free_port, served
from fieldreport.cli.demo_newsroom import FACTS_NAME, make_demo, open_demo
from fieldreport.cli.restore import restore
from fieldreport.cli.walkthrough import walk
from fieldreport.mailbox import open_mailbox
from fieldreport.unseal import machine_secret
from tests.cast import cheap_keys
from tests.cli.conftest import free_ports, run
from tests.eventually import PATIENCE_SECONDS, eventually
from tests.store.throwaway_postgres import fresh_database
from tests.store.throwaway_s3 import S3Server

COMPOSE: Final = Path(__file__).resolve().parents[2] / "deploy" / "compose"
_MACHINES: Final = ("intake-1", "intake-2")

pytestmark = pytest.mark.deployment


def test_docker_compose_takes_the_file_with_what_its_head_names(tmp_path: Path) -> None:
    text = (COMPOSE / "compose.yaml").read_text(encoding="ascii")
    folder = shutil.copytree(COMPOSE, tmp_path / "deploy" / "compose")
    named = sorted(set(re.findall(r"\./state/([\w.-]+)", text)))
    for name in named:
        (folder / "state" / name).parent.mkdir(exist_ok=True)
        (folder / "state" / name).touch()
    head = text.partition("\n\n")[0]
    assert [name for name in named if name not in head] == []
    command = ["docker-compose", "-f", str(folder / "compose.yaml"), "config"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "INTAKE_USER": "1:1"}
    )
    assert done.returncode == 0, done.stderr
    without = subprocess.run(command, capture_output=True, text=True, check=False)
    assert without.returncode != 0
    assert "INTAKE_USER" in without.stderr


def test_every_setting_in_it_is_one_of_ours() -> None:
    text = (COMPOSE / "compose.yaml").read_text(encoding="ascii")
    variables = dict(re.findall(r"^    (FIELDREPORT_\w+): \"?([^\"\n]+)\"?$", text, re.MULTILINE))
    document = {"instance": {"id": "0" * 32}, "keys": {"admin_fingerprint": "0" * 64}, "intake": {}}
    settings = config.parse(document, path=Path("/srv/fieldreport/intake.toml"), environment=variables)
    assert settings.intake.machines_token == Path("/run/fieldreport/machines.token")
    assert len(variables) == 12
    known = {
        f"FIELDREPORT_{name}_{key}".upper() for name, cls in config.SECTIONS.items() for key in cls.__annotations__
    }
    assert set(variables) <= known


@contextmanager
def nginx(directory: Path, port: int, machines: list[int]) -> Iterator[None]:
    """The file of the compose folder, at ports of this machine, without TLS."""
    text = (COMPOSE / "nginx.conf").read_text(encoding="ascii")
    for name, other in zip(_MACHINES, machines, strict=True):
        assert f"server {name}:8000;" in text
        text = text.replace(f"server {name}:8000;", f"server 127.0.0.1:{other};")
    text = re.sub(r"    server \{\n        listen 8443 ssl;.*?\n    \}\n", "", text, flags=re.DOTALL)
    text = re.sub(r"^ +ssl_\w+ .*\n", "", text, flags=re.MULTILINE).replace(
        "listen 443 ssl;", f"listen 127.0.0.1:{port};"
    )
    directory.mkdir()
    text = text.replace("/tmp/nginx.pid", f"{directory}/nginx.pid")  # noqa: S108 - the container's
    module = Path("/usr/lib/nginx/modules/ngx_stream_module.so")  # Debian loads it from a file of its own
    load = f"load_module {module};\n" if module.exists() else ""
    (directory / "nginx.conf").write_text(f"{load}daemon off;\n{text}")
    command = ["nginx", "-e", str(directory / "error.log"), "-p", str(directory), "-c", str(directory / "nginx.conf")]
    process = subprocess.Popen(command)
    try:
        eventually((directory / "nginx.pid").exists)
        yield
    finally:
        process.terminate()
        process.wait()


@pytest.mark.campaign
@pytest.mark.postgres
@pytest.mark.redis
def test_a_newsroom_grows_and_walks_over_two_intakes(
    tmp_path: Path,
    redis_server: tuple[str, subprocess.Popen[bytes]],
    s3_server: S3Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It begins on one machine with files, is backed up, and restored to servers: with the keys of its people."""
    small, grown = tmp_path / "small", tmp_path / "grown"
    with cheap_keys():
        make_demo(small, port=free_ports())
    assert run("--settings", small / "fieldreport.toml", "backup", tmp_path / "backups").exit_code == 0
    (backup,) = (tmp_path / "backups").glob("[0-9]*")
    token, link = tmp_path / "token", free_port()
    token.write_text(secrets.token_hex(16))
    token.chmod(0o600)
    shared = {
        "INTAKE_MAILBOX": fresh_database(),
        "INTAKE_BLOBS": s3_server.bucket(),
        "INTAKE_LIMITER": redis_server[0],
        "INTAKE_MACHINES_TOKEN": str(token),
        "INTAKE_LINK": f"127.0.0.1:{link}",
        "INTAKE_LINK_TOKEN": str(token),
        "INTAKE_PROXY_PROTOCOL": "true",
        "DESK_VAULT": fresh_database(),
        "DESK_BLOBS": s3_server.bucket(),
        "DESK_LIMITER": f"{redis_server[0]}/1",
        "DESK_LINK": f"http://127.0.0.1:{link}",
        "DESK_LINK_TOKEN": str(token),
        "SCRUB_REQUIRE_SANDBOX": "false",
    }
    for name, value in shared.items():
        monkeypatch.setenv(f"FIELDREPORT_{name}", value)
    settings = restore(backup, grown)
    secret = machine_secret.directory(settings.desk.keyfiles)
    shutil.copytree(machine_secret.directory(small / "desk" / "keyfiles"), secret)
    shutil.copy(small / FACTS_NAME, grown)
    front = free_ports()
    demo = open_demo(grown, port=front)
    ports = [free_port(), free_port()]
    with ExitStack() as stack:

        def serve(zone: str, port: int, name: str, **values: str) -> None:
            own = {f"FIELDREPORT_{key}": value for key, value in values.items()}
            command = [sys.executable, "-m", "fieldreport.cli", "--settings", str(settings.path), zone]
            log = tmp_path / f"{name}.log"
            stack.enter_context(served(command, port, log=log, environment={**os.environ, **own}))

        for name, port in zip(_MACHINES, ports, strict=True):
            data = tmp_path / name
            data.mkdir(mode=0o700)
            shutil.copytree(settings.keys.directory, data / "keys")
            places = {"INTAKE_DATA": str(data), "KEYS_DIRECTORY": str(data / "keys")}
            serve("intake", port, name, INTAKE_LISTEN=f"127.0.0.1:{port}", **places)
            if name == _MACHINES[0]:
                serve("link", link, "link", **places)
        stack.enter_context(nginx(tmp_path / "nginx", front, ports))
        for zone, port in (("desk", front + 1), ("press", front + 2)):
            serve(zone, port, zone, **{f"{zone.upper()}_LISTEN": f"127.0.0.1:{port}"})
        walk(demo, lambda _: None)
        mailbox = open_mailbox(config.load(settings.path, os.environ))
        try:
            assert mailbox.totals().letters == 0, "all were collected over the link"
        finally:
            mailbox.close()
        for _ in _MACHINES:  # a form for each: a key was rotated, and who hands out a form looks at whom to seal to
            assert httpx.get(f"http://127.0.0.1:{front}/en/report", timeout=PATIENCE_SECONDS).status_code == 200
        newest = {(tmp_path / name / "keys" / "roster.json").read_bytes() for name in _MACHINES}
        assert newest == {(settings.keys.directory / "roster.json").read_bytes()}, "told to one machine"
    done = run("--settings", settings.path, "doctor")
    assert "unreadable" not in done.stdout
    assert "payloads that cannot be read" not in done.stdout
