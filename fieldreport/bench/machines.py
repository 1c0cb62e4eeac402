"""What a second and a fourth machine add to a letterbox: reports a second over one PostgreSQL, one Redis, one store.

Each machine is an intake of one process that gets a fifth of a core, whatever the others do, as a container's quota
does it: it is stopped when that is used up, and goes on in the next twentieth of a second. So four of them need less
than a core, and what is measured is neither this machine's cores nor the visitors, who are in this process. Requests go
to the machines one after the other, whatever form they carry. The counts are taken in turn, so that a machine that
slows down slows each of them.
"""

from __future__ import annotations

import os
import signal
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from itertools import cycle
from pathlib import Path
from typing import Final

from fieldreport import installation
from fieldreport.bench.letterbox import RAISED_RATES, Client, form_body, free_port, report_form, served, workers_of
from fieldreport.bench.measure import Sheet
from fieldreport.bench.servers import postgresql, redis
from fieldreport.mailbox import mailbox_place
from fieldreport.seal import Role
from fieldreport.unseal import key_file

_COUNTS: Final = (1, 2, 4)
_SHARE: Final = 0.2  # of a core, each
_PERIOD_SECONDS: Final = 0.05
_LOOK_SECONDS: Final = 0.002
_VISITORS: Final = 6  # for each machine: it always has something to do
_ROUNDS: Final = 5
_SECONDS: Final = 6.0
_TOKEN: Final = "the-token-of-all-machines-of-the-bench"  # noqa: S105 - of a letterbox that is gone in a minute


def measure(sheet: Sheet) -> None:
    """Write reports a second of one, two and four machines, and what each report costs them and the visitors."""
    with tempfile.TemporaryDirectory(prefix="fieldreport-bench-") as name, ExitStack() as stack:
        directory = Path(name)
        directory.chmod(0o755)  # PostgreSQL is another user
        shared = {
            "MAILBOX": stack.enter_context(postgresql(directory / "postgresql")),
            "LIMITER": stack.enter_context(redis(directory)),
        }
        ports, workers = _machines(directory, shared, stack)
        stack.enter_context(_quota(workers))
        rates: dict[int, list[float]] = {count: [] for count in _COUNTS}
        _reports(ports, _SECONDS)  # every machine has its keys and connections
        spent, own, reports = _processor(workers), time.process_time(), 0
        for _ in range(_ROUNDS):
            for count in _COUNTS:
                done, seconds = _reports(ports[:count], _SECONDS)
                rates[count].append(done / seconds)
                reports += done
        spent, own = _processor(workers) - spent, time.process_time() - own
    for count in _COUNTS:
        rate = statistics.median(rates[count])
        sheet.figure(f"reports a second, {count} machine{'s' * (count > 1)} with a fifth of a core each", rate, "/s")
    for count, bound in ((2, 1.6), (4, None)):
        ratios = [many / one for many, one in zip(rates[count], rates[1], strict=True)]
        sheet.figure(f"{count} machines over one", statistics.median(ratios), "times", at_least=bound)
    sheet.figure("processor time of a report, at its machine", spent / reports * 1000, "ms")
    sheet.figure("processor time of a report, at its visitor", own / reports * 1000, "ms")


def _machines(directory: Path, shared: dict[str, str], stack: ExitStack) -> tuple[list[int], list[int]]:
    """Serve as many as are counted at most; their ports, and the processes that answer."""
    for part in ("payloads", *map(str, range(max(_COUNTS)))):
        (directory / part).mkdir(mode=0o700)
    token = directory / "token"
    token.write_text(_TOKEN)
    token.chmod(0o600)
    made = installation.make(directory / "newsroom", name="The Border Post", port=min(free_port(), 65_533))
    admin = key_file.unlock(made.settings.desk.keyfiles / f"{made.admin.handle}.key", made.admin.passphrase)
    installation.add_member(made.settings, handle="amira", role=Role.EDITOR, admin_key=admin)
    shared = {**shared, **RAISED_RATES, "BLOBS": str(directory / "payloads"), "MACHINES_TOKEN": str(token)}
    first = replace(
        made.settings.intake, data=directory / "0", mailbox=shared["MAILBOX"], blobs=str(directory / "payloads")
    )
    mailbox_place(replace(made.settings, intake=first)).migrate()
    ports: list[int] = []
    workers: list[int] = []
    for number in range(max(_COUNTS)):
        port, log = free_port(), directory / f"{number}.log"
        own = {**shared, "LISTEN": f"127.0.0.1:{port}", "DATA": str(directory / str(number))}
        environment = {f"FIELDREPORT_INTAKE_{key}": value for key, value in own.items()}
        command = [sys.executable, "-m", "fieldreport.cli", "--settings", str(made.settings.path), "intake"]
        changes = {**os.environ, **environment, "FIELDREPORT_SCRUB_REQUIRE_SANDBOX": "false"}
        stack.enter_context(served(command, port, log=log, environment=changes))
        ports.append(port)
        workers += workers_of(log, 1)
    return ports, workers


@contextmanager
def _quota(processes: Sequence[int]) -> Iterator[None]:
    """Give each of these its share of a core, and no more, until the end of the block."""
    over = threading.Event()

    def hold() -> None:
        ends = dict.fromkeys(processes, (0.0, 0.0))  # when its period ends, and what it may have used then
        while not over.is_set():
            now = time.monotonic()
            for each, (end, most) in ends.items():
                used = _used(each)
                if now >= end:
                    ends[each] = now + _PERIOD_SECONDS, used + _PERIOD_SECONDS * _SHARE
                    os.kill(each, signal.SIGCONT)
                elif used >= most:
                    os.kill(each, signal.SIGSTOP)
            time.sleep(_LOOK_SECONDS)

    thread = threading.Thread(target=hold, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        for each in processes:
            os.kill(each, signal.SIGCONT)


def _used(process: int) -> float:
    """Seconds of processor time of a process: clock_getcpuclockid(3) of another one, as Linux makes its number."""
    return time.clock_gettime((~process << 3) | 2)


def _processor(processes: Sequence[int]) -> float:
    return sum(map(_used, processes))


def _reports(ports: Sequence[int], seconds: float) -> tuple[int, float]:
    """How many reports the visitors of these machines sent, and in how many seconds."""
    begun = time.monotonic()
    counted: list[int] = []
    failures: list[Exception] = []

    def visit(number: int) -> None:
        try:
            counted.append(_visit(ports, number, lambda: time.monotonic() < begun + seconds))
        except Exception as error:  # noqa: BLE001 - what went wrong in a thread is raised below
            failures.append(error)

    threads = [threading.Thread(target=visit, args=(number,)) for number in range(_VISITORS * len(ports))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for failure in failures:
        raise failure
    return sum(counted), time.monotonic() - begun


def _visit(ports: Sequence[int], number: int, goes_on: Callable[[], bool]) -> int:
    """Fetch a form and send it, each at the next machine."""
    sent = 0
    with ExitStack() as stack:
        clients = [stack.enter_context(Client(port)) for port in ports]
        turn = cycle(clients[number % len(clients) :] + clients[: number % len(clients)])
        while goes_on():
            page = next(turn).get("/en/report")
            next(turn).post("/en/report", form_body({**report_form(page), "report": "Nine trucks, going north."}))
            sent += 1
    return sent
