"""Run a program under the system call filters of a unit, where systemd itself cannot be the one who starts it.

``python under_unit.py UNIT PROGRAM [ARGUMENT…]``: reads the unit and what is in ``fieldreport-.service.d``, builds
the filters of systemd.exec(5) with the library that systemd takes for it, and becomes the program. A directive
that begins with ``Restrict``, ``System`` or ``Memory`` and is not known here is an error: none is left out in silence.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

UNITS: Final = Path(__file__).resolve().parents[2] / "deploy" / "systemd"
_ALLOW: Final = 0x7FFF_0000  # seccomp.h of libseccomp
_DIFFERS, _EQUAL, _MASKED_EQUAL = 1, 4, 7
_ERRNO: Final = 0x0005_0000
_EPERM, _ENOSYS, _EAFNOSUPPORT = 1, 38, 97
_FAMILIES: Final = {"AF_UNIX": 1, "AF_INET": 2, "AF_INET6": 10}
_PROT_WRITE, _PROT_EXEC, _SHM_EXEC = 2, 4, 0o100000
# CLONE_NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET, NEWNS, NEWTIME
_NAMESPACES: Final = (0x0200_0000, 0x0400_0000, 0x0800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000, 0x0002_0000, 0x80)
_SETID: Final = (0o4000, 0o2000)
_MODES: Final = {"chmod": 1, "fchmod": 1, "fchmodat": 2, "mkdir": 1, "mkdirat": 2, "mknod": 1, "mknodat": 2, "creat": 1}


class _Comparison(ctypes.Structure):
    """``struct scmp_arg_cmp``."""

    _fields_ = (("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64))


_library = ctypes.CDLL(ctypes.util.find_library("seccomp") or "libseccomp.so.2")
_library.seccomp_init.restype = ctypes.c_void_p
_library.seccomp_init.argtypes = (ctypes.c_uint32,)
_library.seccomp_rule_add_array.argtypes = (
    *(ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint, ctypes.POINTER(_Comparison)),
)
_library.seccomp_load.argtypes = (ctypes.c_void_p,)


class _Filter:
    def __init__(self, otherwise: int) -> None:
        self._context = _library.seccomp_init(otherwise)

    def add(self, name: str, action: int, *comparisons: tuple[int, int, int, int]) -> bool:
        """Whether this machine has a call of that name."""
        number = _library.seccomp_syscall_resolve_name(name.encode())
        if number < 0:
            return False
        rows = (_Comparison * len(comparisons))(*(_Comparison(*each) for each in comparisons))
        if _library.seccomp_rule_add_array(self._context, action, number, len(rows), rows) != 0:
            raise OSError(name)
        return True

    def load(self) -> None:
        """From here on the process lives under it; sets "no new privileges", too."""
        if _library.seccomp_load(self._context) != 0:
            raise OSError("seccomp_load")


def under(unit: str) -> tuple[str, ...]:
    """What stands before a program's command line: the unit's user is not root, also where root runs the tests."""
    return ("unshare", "--user", "--map-user=1000", sys.executable, __file__, unit)


def directives(unit: Path) -> Iterator[tuple[str, str]]:
    """Every assignment of a unit and of the directory that all of ours share, in order."""
    for path in (unit, *sorted((unit.parent / "fieldreport-.service.d").glob("*.conf"))):
        for line in path.read_text(encoding="utf-8").splitlines():
            if "=" in line and not line.startswith("#"):
                name, _, value = line.partition("=")
                yield name, value


def _members(name: str) -> set[str]:
    """The calls of a set, as systemd has them."""
    if not name.startswith("@"):
        return {name}
    command = ["systemd-analyze", "--no-pager", "syscall-filter", name]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[1:]
    return {call for line in lines if line.strip()[:1] not in ("", "#") for call in _members(line.strip())}


def _calls(values: list[str]) -> None:
    allowed = set[str]()
    for value in values:
        members = {call for name in value.removeprefix("~").split() for call in _members(name)}
        allowed = allowed - members if value.startswith("~") else allowed | members
    made = _Filter(_ERRNO | _EPERM)
    known = {name for name in allowed if made.add(name, _ALLOW)}
    unknown = {name for value in values for name in value.removeprefix("~").split() if name[0] != "@"} & allowed - known
    if unknown:
        raise LookupError(unknown)
    made.load()


def _arguments(wanted: dict[str, str]) -> None:
    """The filters that look at arguments."""
    made, refused = _Filter(_ALLOW), _ERRNO | _EPERM
    if wanted.pop("MemoryDenyWriteExecute", "no") == "yes":
        both = _PROT_WRITE | _PROT_EXEC
        made.add("mmap", refused, (2, _MASKED_EQUAL, both, both))
        for name in ("mprotect", "pkey_mprotect"):
            made.add(name, refused, (2, _MASKED_EQUAL, _PROT_EXEC, _PROT_EXEC))
        made.add("shmat", refused, (2, _MASKED_EQUAL, _SHM_EXEC, _SHM_EXEC))
    if wanted.pop("RestrictNamespaces", "no") == "yes":
        made.add("clone3", _ERRNO | _ENOSYS)
        made.add("setns", refused)
        for flag in _NAMESPACES:
            for name in ("clone", "unshare"):
                made.add(name, refused, (0, _MASKED_EQUAL, flag, flag))
    if wanted.pop("RestrictSUIDSGID", "no") == "yes":
        for bit in _SETID:
            for name, position in _MODES.items():
                made.add(name, refused, (position, _MASKED_EQUAL, bit, bit))
    if wanted.pop("RestrictRealtime", "no") == "yes":
        made.add("sched_setscheduler", refused, (1, _DIFFERS, 0, 0))
    if families := wanted.pop("RestrictAddressFamilies", ""):
        allowed = {_FAMILIES[name] for name in families.split()}
        for family in {*range(64)} - allowed:
            made.add("socket", _ERRNO | _EAFNOSUPPORT, (0, _EQUAL, family, 0))
    made.load()


def main(unit: str, *program: str) -> None:
    """Lock this process in and become the program."""
    found = list(directives(UNITS / f"{unit}.service"))
    calls = [value for name, value in found if name == "SystemCallFilter"]
    wanted = {name: value for name, value in found if name.startswith(("Restrict", "Memory", "System"))}
    for done in ("SystemCallFilter", "SystemCallErrorNumber", "SystemCallArchitectures", "MemorySwapMax"):
        wanted.pop(done)
    os.umask(int(next(value for name, value in found if name == "UMask"), 8))
    _arguments(wanted)
    if wanted:
        raise LookupError(wanted)
    _calls(calls)
    os.execv(program[0], program)  # noqa: S606 - the test's own program


if __name__ == "__main__":
    main(*sys.argv[1:])
