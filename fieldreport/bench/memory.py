"""Memory that a child needs to clean a file: ``python -m fieldreport.bench.memory FILE…`` prints KiB, one line each.

A process of its own, as the warm parent is one: its children begin as copies of it that share all they do not write.
What is printed is how far beyond that a child grows at its peak, the code of libraries that it is the first to use
included.
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
from pathlib import Path

from fieldreport.scratch import Scratch
from fieldreport.scrub import registry
from fieldreport.scrub.format import Sink
from fieldreport.scrub.sandbox import child
from fieldreport.scrub.sandbox.warmup import WarmUp
from fieldreport.scrub.sandbox.zygote import settle
from fieldreport.scrub.verdicts import Options


def main(paths: list[str]) -> None:
    """One child for each file, one after the other."""
    registry.load_all()
    WarmUp().perform(lambda: False)
    settle()
    with tempfile.TemporaryDirectory() as directory:
        for path in paths:
            with Scratch(Path(directory)) as source:
                source.write(Path(path).read_bytes())
                print(_peak(source, Path(directory)), flush=True)  # noqa: T201 - what this command is for


def _peak(source: Scratch, directory: Path) -> int:
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            with Scratch(directory) as output:
                child.make(source, Sink(output), output, Options())
            grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
            os.write(writing, str(grown).encode())
        finally:
            os._exit(0)
    os.close(writing)
    try:
        return int(os.read(reading, 32))
    finally:
        os.close(reading)
        os.waitpid(pid, 0)


if __name__ == "__main__":
    main(sys.argv[1:])
