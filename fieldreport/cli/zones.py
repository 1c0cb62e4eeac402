"""Running the zones: ``intake``, ``desk``, ``press``, each its own process, and ``up`` for all on one machine.

Rules: the intake's command imports neither ``unseal`` nor ``desk`` (so every import of a zone is inside its command);
a zone that cannot do its work safely refuses to start and says why in one line.
"""

from __future__ import annotations

import contextlib
import errno
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import click

from fieldreport import config, hardening
from fieldreport.cli import load_settings
from fieldreport.errors import UsageError

ZONES: Final = ("intake", "desk", "press")
_START_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 15.0


@click.command("intake")
@click.pass_context
def intake_command(context: click.Context) -> None:
    """Serve the letterbox for sources."""
    settings = load_settings(context)
    check_port(settings.intake.listen, where="[intake] listen")
    hardening.overwrite_freed_memory()
    # Only now: the line before starts this program again.
    from fieldreport.intake.serve import serve

    serve(settings)


@click.command("desk")
@click.pass_context
def desk_command(context: click.Context) -> None:
    """Serve the reading room for staff."""
    settings = load_settings(context)
    check_port(settings.desk.listen, where="[desk] listen")
    hardening.overwrite_freed_memory()
    # Only now: the line before starts this program again.
    from fieldreport.desk import serve

    serve(settings)


@click.command("press")
@click.pass_context
def press_command(context: click.Context) -> None:
    """Serve the published site."""
    from fieldreport.press.serve import create_app
    from fieldreport.web.serve import serve

    settings = load_settings(context)
    check_port(settings.press.listen, where="[press] listen")
    serve(lambda: create_app(settings.press.site), listen=settings.press.listen, threads=8)


@click.command("up")
@click.pass_context
def up_command(context: click.Context) -> None:
    """Serve all zones on this machine, each in a process of its own, until interrupted."""
    settings = load_settings(context)
    with running(settings) as zones:
        for zone in ZONES:
            click.echo(f"{zone:<7} http://{getattr(settings, zone).listen}")
        wait(zones)


def check_ports(settings: config.Settings) -> None:
    """See that every zone's port is free; raises as ``check_port``."""
    for zone in ZONES:
        check_port(getattr(settings, zone).listen, where=f"[{zone}] listen")


@contextlib.contextmanager
def running(settings: config.Settings, *, log: Path | None = None) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """Start every zone as a process, and the link's where the intake has one, and stop them at the end.

    Args:
        settings: of the installation.
        log: a file that takes what the zones write; nothing: they write to this process's own output.

    Yields:
        command → its process, once each answers where it listens.

    Raises:
        UsageError: a port is in use, or a zone ended while starting.

    """
    check_ports(settings)
    interrupts = _Interrupts()
    command = [sys.executable, "-m", "fieldreport.cli", "--settings", str(settings.path.resolve())]
    zones: dict[str, subprocess.Popen[bytes]] = {}
    with contextlib.ExitStack() as stack:
        output = None if log is None else stack.enter_context(log.open("ab"))
        # systemd and a terminal both mean the same: an orderly end.
        for number in (signal.SIGTERM, signal.SIGINT):
            stack.callback(signal.signal, number, signal.signal(number, interrupts))
        stack.callback(_stop_all, zones, interrupts)
        services = {zone: getattr(settings, zone).listen for zone in ZONES}
        if settings.intake.link:
            services["link"] = settings.intake.link
        for zone in services:
            with interrupts.held():
                zones[zone] = subprocess.Popen(
                    [*command, zone], cwd=settings.path.parent, stdin=subprocess.DEVNULL, stdout=output, stderr=output
                )
        for zone, process in zones.items():
            _await_answer(zone, process, services[zone], settings.path.parent, log)
        yield zones


class _Interrupts:
    """What a signal to end does: interrupt, but never between the start of a process and the note that it runs."""

    def __init__(self) -> None:
        self._holding = self._came = False

    def __call__(self, _number: int, _frame: object) -> None:
        if not self._holding:
            raise KeyboardInterrupt
        self._came = True

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Interrupt after the block."""
        self._holding = True
        try:
            yield
        finally:
            self._holding = False
        if self._came:
            self._came = False
            raise KeyboardInterrupt


def _stop_all(zones: dict[str, subprocess.Popen[bytes]], interrupts: _Interrupts) -> None:
    with interrupts.held():
        stop(zones)


def stop(zones: dict[str, subprocess.Popen[bytes]]) -> None:
    """Ask every zone to end, and end those that do not."""
    for process in zones.values():
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + _STOP_SECONDS
    for process in zones.values():
        try:
            process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait(zones: dict[str, subprocess.Popen[bytes]], is_over: Callable[[], bool] = lambda: False) -> bool:
    """Wait until interrupted, and return False, or until ``is_over``, and return True.

    Raises:
        UsageError: a zone ended by itself.

    """
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            for zone, process in zones.items():
                if process.poll() is not None:
                    raise UsageError(f"the {zone} ended with status {process.returncode}")
            if is_over():
                return True
            time.sleep(0.5)
    return False


def check_port(listen: str, *, where: str) -> None:
    """See that a port is free and allowed before a server is built around it.

    Raises:
        UsageError: it is in use, or may not be used by this user.

    """
    host, port = config.split_listen(listen, where=where)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host.strip("[]"), port))
        except OSError as error:
            reason = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used: {error.strerror}"
            raise UsageError(f"port {port} of {host} {reason} ({where})") from None


def _await_answer(zone: str, process: subprocess.Popen[bytes], listen: str, base: Path, log: Path | None) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            where = f"; {log} says why" if log is not None else ""
            raise UsageError(f"the {zone} ended with status {process.returncode} while starting{where}")
        with contextlib.suppress(OSError), _dialled(listen, zone, base):
            return
        time.sleep(0.05)
    raise UsageError(f"the {zone} did not answer within {_START_SECONDS:.0f} seconds")


def _dialled(listen: str, zone: str, base: Path) -> socket.socket:
    """A connection to where a zone listens. Raises ``OSError``."""
    if not listen.startswith("unix:"):
        return socket.create_connection(config.split_listen(listen, where=zone), timeout=1)
    line = socket.socket(socket.AF_UNIX)
    try:
        line.settimeout(1)
        line.connect(str(base / listen.removeprefix("unix:")))
    except BaseException:
        line.close()
        raise
    return line
