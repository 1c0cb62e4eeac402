"""The system calls a locked child may still make, as a classic BPF program for seccomp.

Rules: an allowlist. What libraries probe for at run time and live without (files, clocks of other processes) gets an
errno; everything else ends the process. Nothing becomes executable any more. No call that opens, connects, creates a
process, sends a signal or passes a descriptor on is allowed; one may receive, for a child is locked before its file
arrives, and the only socket it has by then leads to the service, which sends one order and no descriptor. The
names and the kernel's own numbers stand in ``syscalls.toml``; the program is the one of seccomp(2).
"""

from __future__ import annotations

import errno
import struct
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

# By its path: importlib.resources would load zipfile into the service, which loads no reader of archives.
_TABLES: Final = tomllib.loads(Path(__file__).with_name("syscalls.toml").read_text("utf-8"))
_ALLOWED: Final[tuple[str, ...]] = tuple(_TABLES["allowed"])
_REFUSED: Final[Mapping[str, int]] = {name: getattr(errno, code) for name, code in _TABLES["refused"].items()}

# pthread_create of glibc and of musl: a thread in this process, nothing else. libde265 decodes in one.
_THREAD_FLAGS: Final = (0x003D_0F00, 0x007D_0F00)
_PROT_EXEC: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """One architecture: its audit number (linux/audit.h), its table, and whether it has a second set of numbers."""

    audit: int
    calls: Mapping[str, int]
    has_x32: bool


MACHINES: Final[Mapping[str, Machine]] = MappingProxyType(
    {
        "x86_64": Machine(audit=0xC000_003E, calls=_TABLES["x86_64"], has_x32=True),
        "aarch64": Machine(audit=0xC000_00B7, calls=_TABLES["aarch64"], has_x32=False),
    }
)
"""By the name ``platform.machine()`` gives. Others have no lock, and the settings decide what follows."""

# linux/bpf_common.h and linux/seccomp.h
_LOAD, _JUMP_EQUAL, _JUMP_AT_LEAST, _JUMP_ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_KILL_PROCESS, _ALLOW, _ERRNO = 0x8000_0000, 0x7FFF_0000, 0x0005_0000
# struct seccomp_data: number at 0, architecture at 4, arguments from 16, eight bytes each, low half first
_NUMBER, _ARCHITECTURE, _ARGUMENT_0, _ARGUMENT_2 = 0, 4, 16, 32


def program(machine: Machine) -> bytes:
    """The filter for a machine: instructions of eight bytes each, as ``struct sock_filter``."""
    load, equal, answer = _load, _jump_equal, _answer
    code = [load(_ARCHITECTURE), equal(machine.audit, 1, 0), answer(_KILL_PROCESS), load(_NUMBER)]
    if machine.has_x32:  # the same calls under other numbers, which no table here names
        code += [struct.pack("<HBBI", _JUMP_AT_LEAST, 0, 1, 0x4000_0000), answer(_KILL_PROCESS)]
    # The hottest first: the kernel walks the program from the top on every call.
    for name in _ALLOWED:
        code += [equal(machine.calls[name], 0, 1), answer(_ALLOW)]
    for name in ("mmap", "mprotect"):
        code += [
            equal(machine.calls[name], 0, 4),
            load(_ARGUMENT_2),
            struct.pack("<HBBI", _JUMP_ANY_BIT, 0, 1, _PROT_EXEC),
            answer(_ERRNO | errno.EACCES),
            answer(_ALLOW),
        ]
    glibc, musl = _THREAD_FLAGS
    code += [
        equal(machine.calls["clone"], 0, 5),
        load(_ARGUMENT_0),
        equal(glibc, 1, 0),
        equal(musl, 0, 1),
        answer(_ALLOW),
        answer(_ERRNO | errno.EAGAIN),
    ]
    for name, number in _REFUSED.items():
        if name in machine.calls:
            code += [equal(machine.calls[name], 0, 1), answer(_ERRNO | number)]
    code.append(answer(_KILL_PROCESS))
    return b"".join(code)


def _load(offset: int) -> bytes:
    return struct.pack("<HBBI", _LOAD, 0, 0, offset)


def _jump_equal(value: int, if_true: int, if_false: int) -> bytes:
    return struct.pack("<HBBI", _JUMP_EQUAL, if_true, if_false, value)


def _answer(action: int) -> bytes:
    return struct.pack("<HBBI", _RETURN, 0, 0, action)
