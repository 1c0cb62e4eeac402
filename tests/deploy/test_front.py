"""What stands before the zones: the files for tor, nginx, Caddy and nftables, each read by its own program.

nginx is tried with a report: over TLS, to a letterbox that runs under the filters of its unit and believes PROXY lines.
"""

from __future__ import annotations

import base64
import os
import re
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import x25519

from fieldreport.cli import demo_newsroom
from fieldreport.cli.key_agreement import offers_hybrid
from fieldreport.cli.visitor import Attachment, Visitor
from tests.cast import cheap_keys
from tests.cli.conftest import free_ports
from tests.deploy.under_unit import under
from tests.eventually import PATIENCE_SECONDS, eventually

ROOT: Final = Path(__file__).resolve().parents[2]
DEPLOY: Final = ROOT / "deploy"
_ONION: Final = "2gzyxa5ihm7nsggfxnu52rck2vv4rvmdlkiu3zzui5du4xyclen53wid"  # a valid one: tor looks at its checksum
_HYBRID: Final = "X25519MLKEM768"
_WORDS: Final = "Words that no proxy may write down."

pytestmark = pytest.mark.deployment


def ran(*command: str | Path, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    everything = {**os.environ, **(environment or {})}
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, env=everything)


def handbook(marker: str) -> str:
    """The commands between the two markers."""
    found = re.search(rf"<!-- {marker} -->\n```sh\n(.*?)```", (DEPLOY / "README.md").read_text(), re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture
def clients(tmp_path: Path) -> Path:
    """A directory with a client's keys, made by the handbook's commands."""
    made = tmp_path / "onion-auth"
    made.mkdir(mode=0o700)
    commands = handbook("client").replace("ADDRESS", _ONION).replace("NAME", "amira")
    commands = commands.replace("/dev/shm", str(made))  # noqa: S108 - what stands in the handbook
    done = ran("sh", "-ec", commands)
    assert done.returncode == 0, done.stderr
    return made


def test_the_handbooks_keys_for_client_authorisation_belong_together(clients: Path) -> None:
    public, private = (
        base64.b32decode((clients / name).read_text().strip().rpartition(":")[2] + "====")
        for name in ("amira.auth", "amira.auth_private")
    )
    assert x25519.X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw() == public
    assert (clients / "amira.auth_private").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("machine", [("intake", "link"), ("desk", "link-client"), ("intake", "desk")])
def test_tor_takes_the_services_of_a_machine(machine: tuple[str, str], clients: Path, tmp_path: Path) -> None:
    """With a client's keys in place, which it reads."""
    (tmp_path / "fieldreport").mkdir()
    for name in machine:
        text = (DEPLOY / "tor" / f"{name}.torrc").read_text()
        (tmp_path / "fieldreport" / f"{name}.torrc").write_text(text.replace("/var/lib/tor", str(tmp_path)))
    (tmp_path / "torrc").write_text(f"%include {tmp_path}/fieldreport/*.torrc\n")
    nothing = ("--defaults-torrc", "/dev/null", "--DataDirectory", tmp_path / "data")
    done = ran("tor", "--verify-config", "-f", tmp_path / "torrc", *nothing)
    assert done.returncode == 0, done.stdout
    assert [line for line in done.stdout.splitlines() if "[warn]" in line and "as root" not in line] == []


def test_caddy_takes_its_file(tmp_path: Path) -> None:
    home = {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    caddyfile = DEPLOY / "caddy" / "Caddyfile"
    done = ran("caddy", "validate", "--adapter", "caddyfile", "--config", caddyfile, environment=home)
    assert done.returncode == 0, done.stderr
    assert ran("caddy", "fmt", caddyfile).stdout == caddyfile.read_text()


def test_doctors_question_is_answered_by_caddy_as_its_go_can(tmp_path: Path) -> None:
    """A server that is not built on OpenSSL: Go has X25519MLKEM768 since 1.24, and offers it by itself."""
    port = free_ports()
    (tmp_path / "Caddyfile").write_text(
        "{\n\tadmin off\n\tskip_install_trust\n\tauto_https disable_redirects\n}\n"
        f"https://localhost:{port} {{\n\ttls internal\n\trespond here\n}}\n"
    )
    home = {**os.environ, "HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    built = re.search(r"^go\s+go1\.(\d+)", ran("caddy", "build-info").stdout, re.MULTILINE)
    assert built is not None
    with (tmp_path / "log").open("wb") as log:
        caddy = subprocess.Popen(["caddy", "run", "--config", tmp_path / "Caddyfile"], env=home, stderr=log)
    try:
        eventually(lambda: b"serving initial configuration" in (tmp_path / "log").read_bytes())
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS) as line:
            assert offers_hybrid(line, "localhost") == (int(built[1]) >= 24)
    finally:
        caddy.terminate()
        caddy.wait()


def test_the_kernel_takes_the_firewall_and_drops_what_it_does_not_name() -> None:
    apart = ("unshare", "--user", "--map-root-user", "--net", "sh", "-c")
    done = ran(*apart, f"nft -f '{DEPLOY / 'nftables.conf'}' && nft list ruleset")
    assert done.returncode == 0, done.stderr
    assert re.findall(r"hook (\w+) .*policy (\w+);", done.stdout) == [("input", "drop"), ("forward", "drop")]


# --- nginx ---


@dataclass(frozen=True, slots=True)
class Nginx:
    """The shipped file at ports and with a certificate of the test's. ``directory`` takes all that nginx writes."""

    directory: Path
    port: int

    @property
    def command(self) -> tuple[str | Path, ...]:
        return ("nginx", "-e", self.directory / "error.log", "-p", self.directory, "-c", self.directory / "nginx.conf")

    def with_curves_of_debian_12(self) -> None:
        path = self.directory / "fieldreport.conf"
        found = re.fullmatch(r"(.*?)    ssl_ecdh_curve [^\n]+\n(.*?)#(ssl_ecdh_curve.*)", path.read_text(), re.DOTALL)
        assert found is not None
        path.write_text(f"{found[1]}{found[2]}{found[3]}")


@pytest.fixture(scope="module")
def group() -> str:
    """What is agreed on here: the first of the shipped list that this machine's OpenSSL knows."""
    found = re.match(r"OpenSSL (\d+)\.(\d+)", ran("openssl", "version").stdout)
    assert found is not None
    return _HYBRID if (int(found[1]), int(found[2])) >= (3, 5) else "X25519"


@pytest.fixture
def nginx(tmp_path: Path, group: str) -> Nginx:
    made = Nginx(tmp_path / "nginx", free_ports())
    made.directory.mkdir()
    text = (DEPLOY / "nginx" / "fieldreport.conf").read_text().replace("/etc/nginx/", f"{made.directory}/")
    for shipped, here in (("443", made.port + 1), ("8443", made.port + 2), ("127.0.0.1:8000", made.port)):
        text = re.sub(rf"(?<![\d.]){shipped}\b", f"127.0.0.1:{here}" if ":" in shipped else str(here), text)
    (made.directory / "fieldreport.conf").write_text(text)
    module = Path("/usr/lib/nginx/modules/ngx_stream_module.so")  # Debian loads it from a file of its own
    load = f"load_module {module};\n" if module.exists() else ""
    lines = ("error_log error.log info;", "pid nginx.pid;", "daemon off;", "events {}", "include fieldreport.conf;")
    (made.directory / "nginx.conf").write_text(load + "\n".join(lines))
    names = ("-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2")
    files = ("-keyout", made.directory / "fieldreport.key", "-out", made.directory / "fieldreport.crt")
    done = ran(
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", *names, *files
    )
    assert done.returncode == 0, done.stderr
    if group != _HYBRID:
        refused = ran(*made.command, "-t")
        assert refused.returncode != 0
        assert _HYBRID in refused.stderr, "for another reason than the one that the file gives"
        made.with_curves_of_debian_12()
    done = ran(*made.command, "-t")
    assert done.returncode == 0, done.stderr
    return made


@contextmanager
def running(*command: str | Path) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([str(part) for part in command])
    try:
        yield process
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


def visitor_who_trusts(certificate: Path) -> Visitor:
    made = Visitor()
    made.close()
    trust = ssl.create_default_context(cafile=str(certificate))
    made._client = httpx.Client(follow_redirects=True, timeout=PATIENCE_SECONDS, verify=trust)
    return made


def is_answered(url: str, visitor: Visitor, *processes: subprocess.Popen[bytes]) -> bool:
    assert [process.poll() for process in processes] == [None] * len(processes)
    try:
        visitor.get(url)
    except httpx.TransportError:
        return False
    return True


def test_a_report_comes_through_nginx_to_a_letterbox_under_its_units_filters_and_nothing_is_written_down(
    nginx: Nginx, tmp_path: Path, group: str
) -> None:
    with cheap_keys():
        demo = demo_newsroom.open_demo(tmp_path / "demo", port=nginx.port)
    settings = demo.settings.path
    settings.write_text(settings.read_text().replace("[intake]\n", "[intake]\nhttps = true\nproxy_protocol = true\n"))
    letterbox_command = (
        *under("fieldreport-intake"),
        sys.executable,
        "-m",
        "fieldreport.cli",
        "--settings",
        str(settings),
    )
    address = f"https://127.0.0.1:{nginx.port + 1}"
    source = visitor_who_trusts(nginx.directory / "fieldreport.crt")
    with ExitStack() as stack:
        stack.callback(source.close)
        front = stack.enter_context(running(*nginx.command))
        with running(*letterbox_command, "intake") as letterbox:
            eventually(lambda: is_answered(f"{address}/en/report", source, front, letterbox))
            photo = (ROOT / "fieldreport" / "bench" / "sample_files" / "photo.jpg").read_bytes()
            files = [Attachment(name="IMG_1.jpg", content=photo)]
            receipt = source.press(source.get(f"{address}/en/report"), "Send the report", {"report": _WORDS}, files)
            assert "place" in " ".join(receipt.all("//dl[@id='received']"))
        spoken = ran("openssl", "s_client", "-brief", "-connect", f"127.0.0.1:{nginx.port + 1}").stderr
        assert re.search(rf": {group}\b", spoken), spoken
        with socket.create_connection(("127.0.0.1", nginx.port + 1), timeout=PATIENCE_SECONDS) as line:
            assert offers_hybrid(line, "localhost") == (group == _HYBRID)  # as doctor asks
        with pytest.raises(httpx.TransportError):
            source.get(address)  # nobody is behind it any more, and that is where proxies name who came
    written = {path.name: path.read_text() for path in nginx.directory.rglob("*") if path.is_file()}
    assert set(written) == {"nginx.conf", "fieldreport.conf", "fieldreport.crt", "fieldreport.key", "error.log"}
    assert "client" not in written["error.log"]
    assert "127.0.0.1" not in written["error.log"]
