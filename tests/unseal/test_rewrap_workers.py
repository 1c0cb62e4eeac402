"""Processes that re-wrap: the same as in one's own process, in order, and nothing left behind."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fieldreport.errors import NotARecipient, PlatformError, SealError
from fieldreport.seal import HybridIdentity, open_header
from fieldreport.seal.header import build_header
from fieldreport.unseal.rewrap_workers import Batch, RewrapWorkers

_OWN = HybridIdentity.generate()
_NEW = HybridIdentity.generate()
_OTHER = HybridIdentity.generate()


def batches(count: int, keys: list[bytes]) -> Iterator[Batch[int]]:
    for number in range(count):
        keys.append(os.urandom(16))
        header = build_header(keys[-1], [_OWN.recipient])
        yield Batch(tag=number, headers=[header, header], recipients=[_NEW.recipient])


def children() -> set[int]:
    found = set()
    for task in Path("/proc/self/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # a thread that has just ended
            found |= {int(pid) for pid in (task / "children").read_text(encoding="ascii").split()}
    return found


def test_headers_come_back_for_the_new_readers_in_the_order_they_went() -> None:
    keys: list[bytes] = []
    with RewrapWorkers([_OTHER, _OWN]) as workers:
        done = list(workers.rewrap(batches(12, keys)))
    assert [tag for tag, _ in done] == list(range(12))
    for (_, headers), key in zip(done, keys, strict=True):
        for header in headers:
            assert isinstance(header, bytes)
            assert open_header(header, [_NEW]) == key
            with pytest.raises(NotARecipient):
                open_header(header, [_OWN])


def test_what_cannot_be_re_wrapped_says_why_and_holds_up_nothing() -> None:
    good = build_header(bytes(16), [_OWN.recipient])
    foreign = build_header(bytes(16), [_OTHER.recipient])
    altered = good[:-2] + (b"A" if good[-2:-1] != b"A" else b"B") + b"\n"
    batch = Batch(tag="all", headers=[foreign, b"garbage", altered, good], recipients=[_NEW.recipient])
    with RewrapWorkers([_OWN]) as workers:
        [(_, (first, second, third, last))] = workers.rewrap([batch])
    assert isinstance(first, NotARecipient)
    assert isinstance(second, SealError)
    assert second.code == "header-malformed"
    assert isinstance(third, SealError)
    assert third.code in {"header-mac", "header-malformed"}
    assert isinstance(last, bytes)


def test_no_process_is_left_when_the_run_ends_early() -> None:
    before = children()
    keys: list[bytes] = []
    with RewrapWorkers([_OWN]) as workers:
        next(workers.rewrap(batches(50, keys)))
    assert children() == before
    assert len(keys) < 50


def test_a_worker_that_is_killed_fails_the_run_and_says_so() -> None:
    before = children()
    with RewrapWorkers([_OWN]) as workers:
        for pid in children() - before:
            os.kill(pid, 9)
        with pytest.raises(PlatformError) as failed:
            list(workers.rewrap(batches(3, [])))
    assert failed.value.code == "rewrap-worker"
    assert children() == before


def test_keys_are_on_no_command_line_and_in_no_environment() -> None:
    before = children()
    with RewrapWorkers([_OWN]) as workers:
        assert list(workers.rewrap(batches(1, [])))
        for pid in children() - before:
            for place in ("cmdline", "environ"):
                shown = Path(f"/proc/{pid}/{place}").read_bytes()
                assert _OWN.seed not in shown
                assert _OWN.seed.hex().encode() not in shown


def test_a_worker_that_cannot_be_told_the_keys_is_not_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_worker: object, _pieces: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr("fieldreport.unseal.rewrap_workers._Worker._send", broken)
    before = children()
    with pytest.raises(PlatformError) as failed:
        RewrapWorkers([_OWN])
    assert failed.value.code == "rewrap-worker"
    assert children() == before


def test_nobody_looks_into_a_worker() -> None:
    """The worker's own module, run as the desk starts it, with no keys: then it says whether it can be dumped."""
    program = (
        "import ctypes, runpy; runpy.run_module('fieldreport.unseal.rewrap_workers', run_name='__main__');"
        "print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))"  # PR_GET_DUMPABLE
    )
    done = subprocess.run([sys.executable, "-P", "-c", program], input=bytes(4), capture_output=True, check=True)
    assert done.stdout == b"0\n"
