"""The system calls a locked child may still make, as a classic BPF program for seccomp.

Rules: an allowlist. What libraries probe for at run time and live without (files, clocks of other processes) gets an
errno; everything else ends the process. Nothing becomes executable any more. No call that opens, connects, creates a
process, sends a signal or passes a descriptor on is allowed; one may receive, for a child is locked before its file
arrives, and the only socket it has by then leads to the service, which sends one order and no descriptor. Both tables
are the kernel's own numbers (arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/unistd.h); the program is
the one of seccomp(2).
"""

from __future__ import annotations

import errno
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

# What decoders, the allocator and the interpreter use after the lock. `pread64`, `pwrite64` and friends move the
# descriptors they were given; they cannot make new ones.
_ALLOWED: Final = (
    "read",
    "write",
    "pread64",
    "pwrite64",
    "preadv",
    "pwritev",
    "preadv2",
    "pwritev2",
    "readv",
    "writev",
    "lseek",
    "fstat",
    "ftruncate",
    "fdatasync",
    "close",
    "brk",
    "mremap",
    "munmap",
    "madvise",
    "futex",
    "rt_sigaction",
    "rt_sigprocmask",
    "rt_sigreturn",
    "sigaltstack",
    "set_robust_list",
    "rseq",
    "membarrier",
    "restart_syscall",
    "sched_yield",
    "sched_getaffinity",
    "clock_gettime",
    "clock_getres",
    "clock_nanosleep",
    "gettimeofday",
    "getrandom",
    "getpid",
    "gettid",
    "getrusage",
    "recvmsg",
    "exit",
    "exit_group",
)

# Refused with an errno, because honest decoders try them and have a way to go on.
_SOFT: Final[Mapping[str, int]] = MappingProxyType(
    {
        "open": errno.EACCES,
        "openat": errno.EACCES,
        "openat2": errno.ENOSYS,
        "stat": errno.EACCES,
        "lstat": errno.EACCES,
        "newfstatat": errno.EACCES,
        "statx": errno.ENOSYS,
        "access": errno.EACCES,
        "faccessat": errno.EACCES,
        "faccessat2": errno.ENOSYS,
        "readlink": errno.EACCES,
        "readlinkat": errno.EACCES,
        "getcwd": errno.EACCES,
        "ioctl": errno.ENOTTY,
        "fcntl": errno.EACCES,
        "dup": errno.EACCES,
        "prlimit64": errno.EPERM,
        "sysinfo": errno.EPERM,
        "uname": errno.EPERM,
        "sched_setaffinity": errno.EPERM,
        "mlock": errno.EPERM,
        "clone3": errno.ENOSYS,  # glibc then uses clone, whose flags can be examined
        "tgkill": errno.EPERM,  # abort() then ends the process another way
        "memfd_create": errno.EPERM,
        "pipe2": errno.EPERM,
        "eventfd2": errno.EPERM,
    }
)

# pthread_create of glibc and of musl: a thread in this process, nothing else. libde265 decodes in one.
_THREAD_FLAGS: Final = (0x003D_0F00, 0x007D_0F00)
_PROT_EXEC: Final = 4

_X86_64: Final[Mapping[str, int]] = MappingProxyType(
    {
        "read": 0,
        "write": 1,
        "open": 2,
        "close": 3,
        "stat": 4,
        "fstat": 5,
        "lstat": 6,
        "lseek": 8,
        "mmap": 9,
        "mprotect": 10,
        "munmap": 11,
        "brk": 12,
        "rt_sigaction": 13,
        "rt_sigprocmask": 14,
        "rt_sigreturn": 15,
        "ioctl": 16,
        "pread64": 17,
        "pwrite64": 18,
        "readv": 19,
        "writev": 20,
        "access": 21,
        "sched_yield": 24,
        "mremap": 25,
        "madvise": 28,
        "dup": 32,
        "getpid": 39,
        "recvmsg": 47,
        "clone": 56,
        "exit": 60,
        "uname": 63,
        "fcntl": 72,
        "fdatasync": 75,
        "ftruncate": 77,
        "getcwd": 79,
        "readlink": 89,
        "gettimeofday": 96,
        "getrusage": 98,
        "sysinfo": 99,
        "sigaltstack": 131,
        "mlock": 149,
        "gettid": 186,
        "futex": 202,
        "sched_setaffinity": 203,
        "sched_getaffinity": 204,
        "restart_syscall": 219,
        "clock_gettime": 228,
        "clock_getres": 229,
        "clock_nanosleep": 230,
        "exit_group": 231,
        "tgkill": 234,
        "openat": 257,
        "newfstatat": 262,
        "readlinkat": 267,
        "faccessat": 269,
        "set_robust_list": 273,
        "eventfd2": 290,
        "pipe2": 293,
        "preadv": 295,
        "pwritev": 296,
        "prlimit64": 302,
        "getrandom": 318,
        "memfd_create": 319,
        "membarrier": 324,
        "preadv2": 327,
        "pwritev2": 328,
        "statx": 332,
        "rseq": 334,
        "clone3": 435,
        "openat2": 437,
        "faccessat2": 439,
    }
)

_AARCH64: Final[Mapping[str, int]] = MappingProxyType(
    {
        "getcwd": 17,
        "eventfd2": 19,
        "dup": 23,
        "fcntl": 25,
        "ioctl": 29,
        "ftruncate": 46,
        "faccessat": 48,
        "openat": 56,
        "close": 57,
        "pipe2": 59,
        "lseek": 62,
        "read": 63,
        "write": 64,
        "readv": 65,
        "writev": 66,
        "pread64": 67,
        "pwrite64": 68,
        "preadv": 69,
        "pwritev": 70,
        "readlinkat": 78,
        "newfstatat": 79,
        "fstat": 80,
        "fdatasync": 83,
        "exit": 93,
        "exit_group": 94,
        "futex": 98,
        "set_robust_list": 99,
        "clock_gettime": 113,
        "clock_getres": 114,
        "clock_nanosleep": 115,
        "sched_setaffinity": 122,
        "sched_getaffinity": 123,
        "sched_yield": 124,
        "restart_syscall": 128,
        "tgkill": 131,
        "sigaltstack": 132,
        "rt_sigaction": 134,
        "rt_sigprocmask": 135,
        "rt_sigreturn": 139,
        "uname": 160,
        "getrusage": 165,
        "gettimeofday": 169,
        "getpid": 172,
        "gettid": 178,
        "sysinfo": 179,
        "recvmsg": 212,
        "brk": 214,
        "munmap": 215,
        "mremap": 216,
        "clone": 220,
        "mmap": 222,
        "mprotect": 226,
        "mlock": 228,
        "madvise": 233,
        "prlimit64": 261,
        "getrandom": 278,
        "memfd_create": 279,
        "membarrier": 283,
        "preadv2": 286,
        "pwritev2": 287,
        "statx": 291,
        "rseq": 293,
        "clone3": 435,
        "openat2": 437,
        "faccessat2": 439,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """One architecture: its audit number (linux/audit.h), its table, and whether it has a second set of numbers."""

    audit: int
    calls: Mapping[str, int]
    has_x32: bool


MACHINES: Final[Mapping[str, Machine]] = MappingProxyType(
    {
        "x86_64": Machine(audit=0xC000_003E, calls=_X86_64, has_x32=True),
        "aarch64": Machine(audit=0xC000_00B7, calls=_AARCH64, has_x32=False),
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
    for name, number in _SOFT.items():
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
