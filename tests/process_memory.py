"""Looking for planted secrets in the memory of processes, as somebody with root and a debugger would."""

from __future__ import annotations

import base64
import contextlib
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import quote, quote_plus

from tests.eventually import PATIENCE_SECONDS


def family(process: int) -> list[int]:
    """A process and all that descend from it: workers, parents of locked children, those children."""
    parents: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
    found = [process]
    for known in found:  # grows while it is walked
        found.extend(child for child, parent in parents.items() if parent == known)
    return found


def text_forms(name: str, text: str) -> dict[str, bytes]:
    """A text as it may lie in memory: typed, folded, as a form sends it, and as Python keeps wide characters."""
    forms = {
        "utf-8": text.encode(),
        "folded": " ".join(text.casefold().split()).encode(),
        "form": quote_plus(text).encode(),
        "quoted": quote(text).encode(),
        "wide": text.encode("utf-16-le"),
        "wider": text.encode("utf-32-le"),
    }
    return {f"{name}, {form}": value for form, value in forms.items()}


def key_forms(name: str, key: bytes) -> dict[str, bytes]:
    """A key as it may lie in memory: raw and in the usual alphabets."""
    # The last sign of base64 and base32 depends on what follows.
    forms = {
        "raw": key,
        "hex": key.hex().encode(),
        "base64": base64.b64encode(key).rstrip(b"=")[:-1],
        "base32": base64.b32encode(key).rstrip(b"=")[:-1],
    }
    return {f"{name}, {form}": value for form, value in forms.items()}


def found_in_memory(processes: Iterable[int], secrets: Mapping[str, bytes]) -> dict[str, str]:
    """Which of the secrets lie in memory that a process can write, and how often."""
    found: dict[str, str] = {}
    for process in processes:
        counts = dict.fromkeys(secrets, 0)
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            for piece in _writable(process):
                for name, secret in secrets.items():
                    counts[name] += piece.count(secret)
        for name, count in counts.items():
            if count:
                found[name] = f"{found.get(name, '')} {count} in process {process}"
    return found


def await_forgotten(process: int, secrets: Mapping[str, bytes]) -> None:
    """Wait until an idle process and its descendants hold none of the secrets.

    Raises:
        AssertionError: with what they still hold after ``PATIENCE_SECONDS``.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while left := found_in_memory(family(process), secrets):
        # To look for all of them takes seconds: until these are gone, only for these.
        while left := found_in_memory(family(process), {name: secrets[name] for name in left}):
            assert time.monotonic() < deadline, left
            time.sleep(0.2)


def _writable(process: int) -> Iterable[bytes]:
    ranges = []
    for line in Path(f"/proc/{process}/maps").read_text().splitlines():
        area, mode, *_ = line.split()
        if "w" in mode:
            first, _, last = area.partition("-")
            ranges.append((int(first, 16), int(last, 16)))
    with Path(f"/proc/{process}/mem").open("rb", buffering=0) as memory:
        for begin, end in ranges:
            memory.seek(begin)
            # A mapping that cannot be read, or is gone by now, holds nothing that could be found.
            with contextlib.suppress(OSError):
                yield memory.read(end - begin)
