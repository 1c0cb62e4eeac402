"""Locking a process: descriptors, privileges, resource limits, Landlock, seccomp. Linux calls, nothing about files.

Rules: everything that can be prepared is prepared once, in the warm parent (``Lock.prepare``), so that locking a child
costs a few system calls; a step that fails in a child raises, and the child ends before it has seen a stranger's
byte. A lock cannot be undone and is inherited.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import platform
import resource
import signal
from dataclasses import dataclass
from typing import Final, Self

from fieldreport import limits
from fieldreport.errors import PlatformError
from fieldreport.scrub.sandbox import seccomp

# linux/prctl.h
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 1, 4, 22, 38
_SECCOMP_MODE_FILTER = 2
_SECCOMP_GET_ACTION_AVAIL = 2  # operation of seccomp(2)
_KILL_PROCESS = 0x8000_0000
# One number on every architecture since Linux 5.13; seccomp(2) itself is older.
_LANDLOCK_CREATE_RULESET, _LANDLOCK_RESTRICT_SELF = 444, 446
_SECCOMP_CALL: Final = {"x86_64": 317, "aarch64": 277}
_LANDLOCK_VERSION = 1  # flag: answer the ABI version
_NOBODY: Final = 65534
_DESCRIPTORS: Final = 16

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxStatus:
    """What this machine offers to lock a child with."""

    machine: str
    landlock_abi: int  # 0: absent or switched off
    seccomp: bool
    unprivileged: bool = True  # the warm parent does not run as root

    @property
    def complete(self) -> bool:
        """Whether a child is locked in as designed. Not being root is one more line of defence, not the lock."""
        return self.landlock_abi >= 1 and self.seccomp

    @property
    def problems(self) -> tuple[str, ...]:
        """For the operator: one sentence for each thing that is missing or could be better."""
        found = []
        if self.landlock_abi < 1:
            found.append("the kernel offers no Landlock (Linux 5.13, 'landlock' in lsm=)")
        if not self.seccomp:
            found.append(f"no seccomp filter for this kernel or architecture ({self.machine})")
        if not self.unprivileged:
            found.append("the process that cleans files runs as root and could not change to 'nobody'")
        return tuple(found)


def sandbox_status() -> SandboxStatus:
    """Ask the kernel, changing nothing. ``unprivileged`` is only known to a running ``Scrubber``."""
    return SandboxStatus(machine=platform.machine(), landlock_abi=_landlock_abi(), seccomp=_seccomp_available())


def _landlock_abi() -> int:
    return max(
        0, int(_libc.syscall(_LANDLOCK_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_LANDLOCK_VERSION)))
    )


def _seccomp_available() -> bool:
    machine = platform.machine()
    if machine not in seccomp.MACHINES:
        return False
    action = ctypes.c_uint32(_KILL_PROCESS)
    return bool(_libc.syscall(_SECCOMP_CALL[machine], _SECCOMP_GET_ACTION_AVAIL, 0, ctypes.byref(action)) == 0)


class _Program(ctypes.Structure):
    """``struct sock_fprog`` (linux/filter.h)."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


class Lock:
    """Prepared in the warm parent, closed by each child before it has a file."""

    def __init__(self, status: SandboxStatus, ruleset: int, address_space: int, cpu_seconds: int) -> None:
        self.status = status
        self._ruleset = ruleset
        self._program: _Program | None = None
        self._buffer: ctypes.Array[ctypes.c_char] | None = None
        if status.seccomp:
            code = seccomp.program(seccomp.MACHINES[status.machine])
            self._buffer = ctypes.create_string_buffer(code, len(code))
            self._program = _Program(len(code) // 8, ctypes.addressof(self._buffer))
        output = limits.SCRUB_OUTPUT_BYTES + limits.SCRUB_OUTPUT_BYTES // 64  # with the scratch file's nonces and tags
        memory = address_space + limits.SCRUB_MEMORY_BYTES
        self._limits = (
            (resource.RLIMIT_CORE, 0, 0),
            (resource.RLIMIT_MEMLOCK, 0, 0),
            (resource.RLIMIT_MSGQUEUE, 0, 0),
            (resource.RLIMIT_NOFILE, _DESCRIPTORS, _DESCRIPTORS),
            (resource.RLIMIT_FSIZE, output, output),
            (resource.RLIMIT_CPU, cpu_seconds, cpu_seconds + 1),  # SIGXCPU first: it tells the cause
            (resource.RLIMIT_AS, memory, memory),
        )

    @property
    def descriptor(self) -> int:
        """Of the ruleset, which a child must keep until it is locked; -1 when there is none."""
        return self._ruleset

    @classmethod
    def prepare(cls, *, cpu_seconds: int) -> Self:
        """Drop what the warm parent itself does not need, and lay out what its children will use.

        ``cpu_seconds`` of processor time end a child, however long it had to wait for them.

        From here on nothing can be opened: the parent lives under Landlock too, where the kernel has it. It gives up
        root where it may; a container that runs as root without the right to change the user keeps it, and says so.
        """
        unprivileged = _become_nobody()
        _prctl(_PR_SET_NO_NEW_PRIVS, 1)
        # Nobody of the same user may trace it or read its memory.
        _prctl(_PR_SET_DUMPABLE, 0)
        found = sandbox_status()
        mapped_pages = int(_read_early("/proc/self/statm").split()[0])
        ruleset = _deny_all(found.landlock_abi)
        if ruleset >= 0:
            _restrict(ruleset)
        status = SandboxStatus(
            machine=found.machine,
            landlock_abi=found.landlock_abi if ruleset >= 0 else 0,
            seccomp=found.seccomp,
            unprivileged=unprivileged,
        )
        return cls(status, ruleset, mapped_pages * os.sysconf("SC_PAGE_SIZE"), cpu_seconds)

    def close(self, parent: int) -> None:
        """Lock this process, a child of ``parent``: from here on only what ``seccomp`` allows."""
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)  # the parent died before the line above
        if self._ruleset >= 0:
            # A domain of its own: it could not even signal the parent, whose domain is another.
            _restrict(self._ruleset)
            os.close(self._ruleset)
        for name, soft, hard in self._limits:
            resource.setrlimit(name, (soft, hard))
        if self._program is not None:
            _prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(self._program))

    def prove(self) -> None:
        """Lock a child and let it try: a filter that is installed and does nothing would be worse than none.

        Raises:
            PlatformError: what the status promises does not hold.
        """
        if not self.status.seccomp and not self.status.landlock_abi:
            return  # nothing is promised
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            outcome = 1
            try:
                self.close(parent)
                outcome = _try_to_break_out()
            finally:
                os._exit(outcome)
        _, status = os.waitpid(pid, 0)
        if self.status.seccomp:
            held = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGSYS
        else:
            held = os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0
        if not held:
            raise PlatformError("the lock around the cleaner does not hold on this machine")


def _try_to_break_out() -> int:
    """0 when the files are out of reach; with the filter on, the last line ends the process instead."""
    try:
        os.close(os.open("/proc/self/status", os.O_RDONLY))
    except OSError:
        reached = False
    else:
        reached = True
    if reached:
        return 1
    os.getppid()  # harmless, and not in the list of what is allowed
    return 0


def _become_nobody() -> bool:
    """Leave root for 'nobody': the warm parent owns no file, and gets everything it needs by descriptor."""
    if os.geteuid() != 0:
        return True
    with contextlib.suppress(PermissionError):
        os.setgroups([])
        os.setresgid(_NOBODY, _NOBODY, _NOBODY)
        os.setresuid(_NOBODY, _NOBODY, _NOBODY)
    return os.geteuid() != 0


def _read_early(path: str) -> str:
    with open(path, encoding="utf-8") as file:  # noqa: PTH123 - pathlib is not needed in the warm parent
        return file.read()


def _deny_all(abi: int) -> int:
    """A ruleset that handles everything and allows nothing (Documentation/userspace-api/landlock.rst)."""
    if abi < 1:
        return -1
    rights = {1: 13, 2: 14, 3: 15, 4: 15}.get(abi, 16)
    attributes = [(1 << rights) - 1]
    if abi >= 4:
        attributes.append(0b11)  # TCP bind and connect
    if abi >= 6:
        attributes.append(0b11)  # abstract UNIX sockets and signals outside the domain
    layout = (ctypes.c_uint64 * len(attributes))(*attributes)
    size = ctypes.c_size_t(ctypes.sizeof(layout))
    return int(_libc.syscall(_LANDLOCK_CREATE_RULESET, ctypes.byref(layout), size, ctypes.c_uint32(0)))


def _restrict(ruleset: int) -> None:
    if _libc.syscall(_LANDLOCK_RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0)) != 0:
        number = ctypes.get_errno()
        raise OSError(number, errno.errorcode.get(number, "landlock"))


def _prctl(option: int, argument: int, pointer: object = None) -> None:
    zero = ctypes.c_ulong(0)
    third = zero if pointer is None else pointer
    if _libc.prctl(ctypes.c_int(option), ctypes.c_ulong(argument), third, zero, zero) != 0:
        number = ctypes.get_errno()
        raise OSError(number, errno.errorcode.get(number, "prctl"))
