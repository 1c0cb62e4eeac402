"""Checks of the machine: cryptography, sandbox, SQLite, clock, disks, limiter, backups."""

from __future__ import annotations

import ctypes
import sqlite3
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from limits.errors import ConfigurationError, StorageError
from limits.storage import storage_from_string

from fieldreport import config, limits
from fieldreport.checks.findings import Finding, Verdict
from fieldreport.errors import FieldreportError
from fieldreport.scrub.sandbox.lockdown import SandboxStatus, sandbox_status
from fieldreport.seal import check_platform
from fieldreport.sentence import Sentence
from fieldreport.store import free_bytes, free_share
from fieldreport.web.limiter import storage_options, where

_SQLITE_WITHOUT_RESET_RACE: Final = (3, 51, 3)
_TIMEX_BYTES: Final = 512  # struct timex of adjtimex(2) has 208 on Linux; with modes 0 nothing is changed
_TIME_ERROR: Final = 5
_ZONES: Final = {"intake": Sentence("intake"), "desk": Sentence("desk")}


def machine_checks() -> Iterator[Finding]:
    """Checks that need no installation."""
    try:
        check_platform()
    except FieldreportError as error:
        yield Finding(check="cryptography", verdict=Verdict.FAILS, seen=error.detail)
    else:
        yield Finding(check="cryptography", verdict=Verdict.HOLDS, seen=Sentence("the known answers come out"))
    yield sandbox(sandbox_status())
    old = sqlite3.sqlite_version_info < _SQLITE_WITHOUT_RESET_RACE
    yield Finding(
        check="sqlite",
        verdict=Verdict.HOLDS,
        seen=f"{sqlite3.sqlite_version}" + (", checkpoints are serialised with commits" if old else ""),
    )
    yield clock()


def sandbox(status: SandboxStatus) -> Finding:
    """Whether files are cleaned in a locked child."""
    return Finding(
        check=Sentence("sandbox"),
        verdict=Verdict.HOLDS if status.complete else Verdict.FAILS,
        seen="; ".join(status.problems) or f"Landlock ABI {status.landlock_abi}, seccomp",
    )


def clock() -> Finding:
    """Whether something keeps the clock right."""
    state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    if state < 0:  # under a unit of deploy/systemd
        seen = Sentence("this process may not ask the kernel; timedatectl says whether it is kept right")
        return Finding(check=Sentence("clock"), verdict=Verdict.UNSEEN, seen=seen)
    if state == _TIME_ERROR:
        seen = Sentence("nothing keeps it right, and one-time codes need it: install systemd-timesyncd or chrony")
        return Finding(check=Sentence("clock"), verdict=Verdict.WARNS, seen=seen)
    return Finding(
        check=Sentence("clock"), verdict=Verdict.HOLDS, seen=Sentence("the kernel says that it is kept right")
    )


def surroundings(settings: config.Settings, zones: Sequence[str]) -> Iterator[Finding]:
    """What these zones need of the machine: room on the disks, counters, backups."""
    for zone in zones:
        section: config.Intake | config.Desk = getattr(settings, zone)
        yield _disk(settings, zone, section.data)
        yield _limiter(zone, section.limiter)
        if zone == "desk":  # the one that reads
            yield swap()
        yield _backup(zone, section.data)


def _disk(settings: config.Settings, zone: str, data: Path) -> Finding:
    check = Sentence("disk of the %(zone)s", zone=_ZONES[zone])
    try:
        free, share = free_bytes(data), free_share(data)
    except OSError as error:
        seen = _not_seen(zone, data, error)
        return Finding(check=check, verdict=Verdict.FAILS, seen=seen)
    intake = settings.intake if zone == "intake" else None
    needed = intake.free_bytes + intake.request_bytes if intake else limits.COLLECT_FREE_BYTES
    seen = Sentence(
        "%(folder)s has %(free)s MiB left, %(share)s of its disk",
        folder=data,
        free=free // limits.MIB,
        share=format(share, ".0%"),
    )
    if free < needed:
        least = needed // limits.MIB
        stops = (
            Sentence("with less than %(least)s MiB the letterbox takes nothing", least=least)
            if zone == "intake"
            else Sentence("with less than %(least)s MiB no letter is collected", least=least)
        )
        room = Sentence("%(seen)s; %(stops)s: make room, old backups and logs first", seen=seen, stops=stops)
        return Finding(check=check, verdict=Verdict.FAILS, seen=room)
    if share < limits.FREE_SHARE_ALARM:
        room = Sentence("%(seen)s; make room: old backups and logs first", seen=seen)
        return Finding(check=check, verdict=Verdict.WARNS, seen=room)
    return Finding(check=check, verdict=Verdict.HOLDS, seen=seen)


def _limiter(zone: str, storage: str) -> Finding:
    check = Sentence("limiter of the %(zone)s", zone=_ZONES[zone])
    if not storage.startswith("redis"):
        return Finding(check=check, verdict=Verdict.HOLDS, seen=Sentence("in the memory of each process"))
    try:
        works = storage_from_string(storage, **storage_options(storage)).check()
    except (StorageError, ConfigurationError, ValueError, OSError):
        works = False
    if works:
        return Finding(check=check, verdict=Verdict.HOLDS, seen=Sentence("%(storage)s answers", storage=where(storage)))
    seen = (
        Sentence(
            "%(storage)s does not answer, and each process counts for itself: start Redis there, or correct"
            " [intake] limiter",
            storage=where(storage),
        )
        if zone == "intake"
        else Sentence(
            "%(storage)s does not answer, and nobody can sign in: start Redis there, or correct [desk] limiter",
            storage=where(storage),
        )
    )
    return Finding(check=check, verdict=Verdict.FAILS, seen=seen)


def swap(swaps: Path = Path("/proc/swaps"), devices: Path = Path("/sys/block")) -> Finding:
    """Whether the kernel can write memory to a disk in the clear; proc(5), and what device-mapper says of itself."""
    try:
        places = [line.split()[0] for line in swaps.read_text(encoding="utf-8").splitlines()[1:]]
    except OSError:  # under a unit of deploy/systemd, or a kernel without swap
        seen = Sentence("this process may not ask the kernel; swapon --show lists what there is")
        return Finding(check=Sentence("swap"), verdict=Verdict.UNSEEN, seen=seen)
    plain = [place for place in places if not _is_encrypted(Path(place), devices)]
    if not plain:
        return Finding(
            check=Sentence("swap"), verdict=Verdict.HOLDS, seen=Sentence("no memory is written to a disk in the clear")
        )
    seen = Sentence(
        "memory can be written to %(places)s: turn swap off (swapoff -a, and out of /etc/fstab), or encrypt it with a"
        " key that is drawn at every boot",
        places=", ".join(plain),
    )
    return Finding(check=Sentence("swap"), verdict=Verdict.WARNS, seen=seen)


def _is_encrypted(place: Path, devices: Path) -> bool:
    """Whether it is memory again (zram), or dm-crypt's."""
    name = place.resolve().name
    if name.startswith("zram"):
        return True
    try:
        return (devices / name / "dm" / "uuid").read_text(encoding="ascii").startswith("CRYPT-")
    except OSError:  # a file, or a device of another kind
        return False


def _backup(zone: str, data: Path) -> Finding:
    check = Sentence("backup of the %(zone)s", zone=_ZONES[zone])
    try:
        made = datetime.fromisoformat((data / limits.BACKED_UP_NAME).read_text(encoding="ascii").strip())
        days = (datetime.now(UTC) - made.replace(tzinfo=UTC)).days
    except FileNotFoundError:
        seen = Sentence("none was made on this machine; 'fieldreport backup DIR' makes one")
        return Finding(check=check, verdict=Verdict.WARNS, seen=seen)
    except ValueError:
        path = data / limits.BACKED_UP_NAME
        seen = Sentence("%(path)s names no day; 'fieldreport backup DIR' writes it again", path=path)
        return Finding(check=check, verdict=Verdict.WARNS, seen=seen)
    except OSError as error:
        seen = _not_seen(zone, data, error)
        return Finding(check=check, verdict=Verdict.FAILS, seen=seen)
    if days > limits.BACKUP_ALARM_DAYS:
        seen = Sentence("the newest is %(days)s days old; 'fieldreport backup DIR' makes another", days=days)
        return Finding(check=check, verdict=Verdict.WARNS, seen=seen)
    return Finding(check=check, verdict=Verdict.HOLDS, seen=Sentence("the newest is %(days)s days old", days=days))


def _not_seen(zone: str, data: Path, error: OSError) -> Sentence:
    return Sentence(
        "%(folder)s: %(error)s; see that it is there and belongs to the user of the %(zone)s",
        folder=data,
        error=error.strerror,
        zone=_ZONES[zone],
    )
