"""Running the zones, and the demonstration that anyone can start and take up again."""

from __future__ import annotations

import json
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from fieldreport import installation
from fieldreport.cli import _COMMANDS, demo_newsroom, walkthrough, zones
from fieldreport.errors import UsageError
from fieldreport.scrub.sandbox.lockdown import sandbox_status
from fieldreport.seal import Role
from fieldreport.unseal import key_file
from tests.cli.conftest import House, free_ports, refused, run
from tests.eventually import PATIENCE_SECONDS, eventually


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening.getsockname()[1]


# --- the command itself ---


def test_help_names_every_command() -> None:
    command = [sys.executable, "-m", "fieldreport.cli", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    _, _, listed = done.stdout.partition("Commands:")
    assert {line.split()[0] for line in listed.splitlines() if line.strip()} >= set(_COMMANDS)


def test_an_unknown_command_is_refused_without_a_traceback() -> None:
    done = run("publish-everything")
    assert done.exit_code == 2
    assert "No such command" in done.stderr


def test_the_zones_find_settings_whose_path_is_relative(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each zone runs in the installation's directory, which is another than the one of the command."""
    monkeypatch.chdir(house.directory.parent)
    monkeypatch.setattr(zones, "check_ports", lambda _settings: None)
    found: list[bool] = []

    def started(command: list[str], *, cwd: Path, **_more: object) -> None:
        found.append(Path(cwd, command[command.index("--settings") + 1]).is_file())
        raise UsageError("enough")

    monkeypatch.setattr(subprocess, "Popen", started)
    refused(run("--settings", f"{house.directory.name}/fieldreport.toml", "up"), 64)
    assert found == [True]


# --- ports ---


@pytest.mark.parametrize("zone", zones.ZONES)
def test_a_port_in_use_is_one_line_and_names_the_setting(house: House, taken: int, zone: str) -> None:
    settings = house.settings
    listen = getattr(settings, zone).listen
    settings.path.write_text(settings.path.read_text().replace(f'"{listen}"', f'"127.0.0.1:{taken}"'))
    line = refused(house.run(zone), 64)
    assert f"port {taken}" in line
    assert "in use" in line
    assert f"[{zone}] listen" in line


def test_up_starts_nothing_when_one_port_is_taken(house: House, taken: int) -> None:
    settings = house.settings
    settings.path.write_text(settings.path.read_text().replace(settings.press.listen, f"127.0.0.1:{taken}"))
    assert "in use" in refused(house.run("up"), 64)


def test_a_free_port_may_be_used() -> None:
    zones.check_port(f"127.0.0.1:{free_ports()}", where="test")


# --- the demo ---


@dataclass(frozen=True, slots=True)
class Opened:
    demo: demo_newsroom.Demo
    port: int


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Opened:
    port = free_ports()
    return Opened(demo_newsroom.open_demo(tmp_path_factory.mktemp("demo") / "demo", port=port), port)


@pytest.fixture
def directory(opened: Opened, tmp_path: Path) -> Path:
    """A copy of the demo's directory that the test may change."""
    return shutil.copytree(opened.demo.directory, tmp_path / "demo")


def facts(directory: Path) -> dict[str, object]:
    document: dict[str, object] = json.loads((directory / "demo.json").read_text())
    return document


def test_a_demo_is_an_ordinary_installation_that_says_what_it_is(opened: Opened) -> None:
    settings = opened.demo.settings
    assert settings.instance.demo
    assert settings.instance_id.startswith(b"demonstr")
    assert (settings.press.sign_offs, settings.press.minimum_age_hours) == (1, 0)
    people = {handle: person.role for handle, person in opened.demo.people.items()}
    assert people == {"lena": Role.ADMIN, "amira": Role.EDITOR, "jonas": Role.EDITOR}
    assert run("--settings", settings.path, "roster", "verify").exit_code == 0


def test_what_opens_the_demo_is_for_its_owner_only(opened: Opened) -> None:
    path = opened.demo.directory / "demo.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    amira = opened.demo.people["amira"]
    unlocked = key_file.unlock(opened.demo.settings.desk.keyfiles / "amira.key", amira.passphrase)
    assert unlocked.totp == amira.totp
    assert amira.passphrase not in repr(opened.demo)


def test_opening_it_again_takes_up_what_is_there(directory: Path, opened: Opened) -> None:
    before = {path: path.read_bytes() for path in directory.rglob("*") if path.is_file()}
    again = demo_newsroom.open_demo(directory, port=opened.port)
    assert again.people == opened.demo.people
    assert again.settings.instance.id == opened.demo.settings.instance.id
    assert {path: path.read_bytes() for path in directory.rglob("*") if path.is_file()} == before


def test_another_port_moves_every_zone_and_what_is_told_of_them(directory: Path, opened: Opened) -> None:
    port = opened.port + 1  # so that old and new ports overlap
    moved = demo_newsroom.open_demo(directory, port=port)
    expected = {zone: f"http://127.0.0.1:{port + number}" for number, zone in enumerate(zones.ZONES)}
    assert {zone: moved.url(zone) for zone in zones.ZONES} == expected
    assert moved.settings.press.base_url == expected["press"]
    assert facts(directory)["urls"] == expected
    assert {**facts(directory), "urls": None} == {**facts(opened.demo.directory), "urls": None}
    assert stat.S_IMODE((directory / "demo.json").stat().st_mode) == 0o600
    assert demo_newsroom.open_demo(directory, port=opened.port).settings.intake.listen == f"127.0.0.1:{opened.port}"


LINK = 'link = "unix:link/socket"\n'


def test_a_demo_that_was_made_before_demos_had_a_link_gets_one_and_keeps_the_rest(
    directory: Path, opened: Opened
) -> None:
    path = directory / installation.SETTINGS_NAME
    whole = path.read_text()
    path.write_text(whole.replace(LINK, ""))
    shutil.rmtree(directory / "link")
    assert demo_newsroom.open_demo(directory, port=opened.port).settings.desk.link == "unix:link/socket"
    assert path.read_text() == whole
    assert stat.S_IMODE((directory / "link").stat().st_mode) == 0o700


@pytest.mark.parametrize("missing", ["[intake]", "[desk]"])
def test_a_demo_with_one_end_of_the_link_is_refused_in_one_line_and_kept(directory: Path, missing: str) -> None:
    path = directory / installation.SETTINGS_NAME
    path.write_text(path.read_text().replace(f"{missing}\n{LINK}", f"{missing}\n"))
    before = path.read_bytes()
    line = refused(run("demo", "--dir", directory, "--port", str(free_ports())), 64)
    assert LINK.strip() in line
    assert "below [intake] and below [desk]" in line
    assert path.read_bytes() == before


def test_a_directory_whose_path_is_too_long_for_a_socket_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    line = refused(run("demo", "--dir", tmp_path / ("북" * 40)), 64)
    assert "--dir" in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("port", [0, 65534])
def test_a_port_without_room_for_three_zones_leaves_the_demo_as_it_was(directory: Path, port: int) -> None:
    before = (directory / "fieldreport.toml").read_bytes()
    assert run("demo", "--dir", directory, "--port", str(port)).exit_code == 2
    assert (directory / "fieldreport.toml").read_bytes() == before


@pytest.mark.parametrize(
    "damaged", ["", "{", "[]", "{}", '{"people": []}', '{"people": {"amira": {"role": "editor"}}}', '"people"', "\x00"]
)
def test_a_damaged_demo_is_refused_in_one_line_and_kept(directory: Path, damaged: str) -> None:
    (directory / "demo.json").write_text(damaged)
    line = refused(run("demo", "--dir", directory), 64)
    assert "demo.json is damaged" in line
    assert (directory / "demo.json").read_text() == damaged
    assert (directory / installation.SETTINGS_NAME).exists()


def test_a_directory_that_is_no_demo_is_refused(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    assert "not empty" in refused(run("demo", "--dir", tmp_path), 64)
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


@pytest.mark.parametrize("command", ["intake", "desk", "press", "up", "doctor"])
def test_without_its_line_in_the_settings_a_demo_is_refused_by_every_zone(directory: Path, command: str) -> None:
    path = directory / installation.SETTINGS_NAME
    path.write_text(path.read_text().replace("demo = true\n", ""))
    line = refused(run("--settings", path, command), 78)
    assert "belongs to a demonstration" in line
    assert "'fieldreport init DIR'" in line


def test_with_another_id_its_signed_roster_gives_it_away(directory: Path, opened: Opened) -> None:
    path = directory / installation.SETTINGS_NAME
    text = path.read_text().replace("demo = true\n", "").replace(opened.demo.settings.instance.id, "ab" * 16)
    path.write_text(text)
    for zone in ("intake", "desk"):
        (directory / zone / "blobs" / ".instance").write_text("ab" * 16)
    assert "the roster is a demonstration's" in refused(run("--settings", path, "roster", "verify"), 77)
    done = run("--settings", path, "doctor")
    assert done.exit_code == 69
    assert "the roster is a demonstration's" in done.stdout
    assert re.search("^fails +demonstration +demo.json lies here", done.stdout, re.MULTILINE)


def test_doctor_names_a_demo(directory: Path) -> None:
    done = run("--settings", directory / installation.SETTINGS_NAME, "doctor")
    assert re.search("^warns +demonstration ", done.stdout, re.MULTILINE)


def family(pid: int) -> list[int]:
    """A process and all that descend from it."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(member for child in children for member in family(int(child)))]


def test_a_demo_that_is_told_to_end_while_its_zones_start_leaves_none_of_them(directory: Path) -> None:
    port = free_ports()
    command = [sys.executable, "-m", "fieldreport.cli", "demo", "--dir", str(directory), "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as started:
        eventually(lambda: len(family(started.pid)) > 1)
        members = family(started.pid)
        started.send_signal(signal.SIGTERM)
        started.wait(PATIENCE_SECONDS)
    eventually(lambda: not any(Path(f"/proc/{pid}/cmdline").exists() for pid in members))


@pytest.mark.campaign
def test_the_whole_path_holds_from_a_report_to_a_published_page(directory: Path) -> None:
    """About forty seconds: one-time codes work once each, and this waits for new ones."""
    walked = demo_newsroom.open_demo(directory, port=free_ports())
    if not sandbox_status().complete:
        pytest.skip("needs Landlock and seccomp")
    said: list[str] = []
    collect = ("--settings", walked.settings.path, "collect")
    with zones.running(walked.settings) as processes:
        walkthrough.walk(walked, said.append)
        assert run(*collect).exit_code == 0
        families = [family(process.pid) for process in processes.values()]
        assert all(len(each) > 1 for each in families), "a zone is a server and its worker, at least"
        for pid in (pid for each in families for pid in each):
            assert re.search(r"^Max core file size +0 +0 ", Path(f"/proc/{pid}/limits").read_text(), re.MULTILINE)
    assert said[-1].strip().startswith("Everything held.")
    assert set(processes) == {*zones.ZONES, "link"}
    assert "the intake does not answer" in refused(run(*collect), 74), "the desk has no other way to the letters"
    assert all(process.poll() is not None for process in processes.values())
    assert (walked.settings.press.site / "current" / "index.html").exists()
