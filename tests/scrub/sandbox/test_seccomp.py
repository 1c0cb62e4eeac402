"""The filter decides as written, on both architectures: the program is run here by a reader of its own."""

from __future__ import annotations

import errno
import platform
import struct

import pytest

from fieldreport.scrub.sandbox import seccomp
from fieldreport.scrub.sandbox.seccomp import MACHINES

KILL, ALLOW, ERRNO = 0x8000_0000, 0x7FFF_0000, 0x0005_0000
BOTH = sorted(MACHINES)


def decide(name: str, number: int, *arguments: int, audit: int | None = None) -> int:
    """Interpret the program as the kernel does (linux/filter.h), on the given call."""
    machine = MACHINES[name]
    padded = (*arguments, *[0] * (6 - len(arguments)))
    data = struct.pack("<iIQ6Q", number, machine.audit if audit is None else audit, 0, *padded)
    code = seccomp.program(machine)
    accumulator = position = 0
    while True:
        operation, if_true, if_false, value = struct.unpack_from("<HBBI", code, position * 8)
        position += 1
        if operation == 0x20:
            (accumulator,) = struct.unpack_from("<I", data, value)
        elif operation == 0x06:
            return int(value)
        else:
            holds = {0x15: accumulator == value, 0x35: accumulator >= value, 0x45: bool(accumulator & value)}[operation]
            position += if_true if holds else if_false


@pytest.mark.parametrize("name", BOTH)
@pytest.mark.parametrize("call", ["read", "write", "pread64", "pwrite64", "futex", "brk", "exit_group", "munmap"])
def test_what_decoders_need_is_allowed(name: str, call: str) -> None:
    assert decide(name, MACHINES[name].calls[call]) == ALLOW


@pytest.mark.parametrize("name", BOTH)
@pytest.mark.parametrize("call", ["openat", "newfstatat", "readlinkat", "ioctl", "dup", "prlimit64", "memfd_create"])
def test_what_decoders_probe_for_answers_an_errno(name: str, call: str) -> None:
    assert decide(name, MACHINES[name].calls[call]) & 0xFFFF_0000 == ERRNO


# Numbers from the kernel's tables, on purpose not from ours.
@pytest.mark.parametrize(
    ("name", "number"),
    [("x86_64", number) for number in (41, 42, 46, 57, 58, 59, 62, 101, 110, 157, 272, 310, 317, 322, 425, 440)]
    + [("aarch64", number) for number in (97, 117, 129, 130, 167, 198, 203, 211, 221, 270, 277, 281, 425, 440)],
)
def test_sockets_processes_signals_and_tracing_end_the_process(name: str, number: int) -> None:
    assert decide(name, number) == KILL


@pytest.mark.parametrize("name", BOTH)
@pytest.mark.parametrize("call", ["mmap", "mprotect"])
@pytest.mark.parametrize("protection", [4, 5, 6, 7])
def test_memory_never_becomes_executable(name: str, call: str, protection: int) -> None:
    number = MACHINES[name].calls[call]
    assert decide(name, number, 0, 4096, protection) == ERRNO | errno.EACCES
    assert decide(name, number, 0, 4096, protection & ~4) == ALLOW


@pytest.mark.parametrize("name", BOTH)
def test_a_thread_may_begin_and_a_process_may_not(name: str) -> None:
    clone = MACHINES[name].calls["clone"]
    assert decide(name, clone, 0x003D0F00) == ALLOW
    for flags in (17, 0x1200011, 0x4111, 0x10000000 | 0x003D0F00, 0):
        assert decide(name, clone, flags) == ERRNO | errno.EAGAIN
    assert decide(name, MACHINES[name].calls["clone3"]) == ERRNO | errno.ENOSYS


@pytest.mark.parametrize("name", BOTH)
def test_another_architectures_numbers_end_the_process(name: str) -> None:
    assert decide(name, MACHINES[name].calls["read"], audit=0x4000_0003) == KILL


def test_the_second_set_of_numbers_of_x86_ends_the_process() -> None:
    assert decide("x86_64", 0x4000_0000) == KILL


@pytest.mark.parametrize("name", BOTH)
def test_a_table_names_each_number_once(name: str) -> None:
    numbers = list(MACHINES[name].calls.values())
    assert len(numbers) == len(set(numbers))


def test_this_machines_table_agrees_with_its_headers() -> None:
    from pathlib import Path

    header = {
        "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
        "aarch64": Path("/usr/include/asm-generic/unistd.h"),
    }.get(platform.machine())
    if header is None or not header.exists():
        pytest.skip("needs the kernel's headers")
    declared = dict(
        line.split()[1:3]
        for line in header.read_text().splitlines()
        if line.startswith("#define __NR") and len(line.split()) == 3
    )
    for call, number in MACHINES[platform.machine()].calls.items():
        names = (f"__NR_{call}", f"__NR3264_{call}", f"__NR3264_{ {'newfstatat': 'fstatat'}.get(call, call) }")
        assert str(number) in {declared.get(name) for name in names}, call
