"""Files of every type, damaged at random, through the cleaner as it is run: each is cleaned or refused, and it goes on.

A long run is `FIELDREPORT_TESTS_MUTATIONS=100000 pytest -n 0 tests/scrub/test_mutations.py -k png`.
"""

from __future__ import annotations

import gzip
import io
import itertools
import os
import random
import struct
import zipfile
import zlib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fieldreport.bench.samples import samples
from fieldreport.errors import ScrubRefused
from fieldreport.scratch import Scratch
from fieldreport.scrub.sandbox.service import Scrubber

MUTATIONS = int(os.environ.get("FIELDREPORT_TESTS_MUTATIONS", "24"))
AT_ONCE = 2


def mutated(sample: bytes, chance: random.Random) -> bytes:
    """The sample with a few bytes changed, a piece cut, doubled, moved or its end missing."""
    data = bytearray(sample)
    for _ in range(chance.choice((1, 1, 2, 5, 20))):
        start = chance.randrange(len(data))
        length = min(chance.choice((1, 2, 4, 16, 200)), len(data) - start)
        match chance.randrange(6):
            case 0:
                data[start] = chance.randrange(256)
            case 1:
                data[start : start + length] = chance.randbytes(length)
            case 2:
                del data[start : start + length]
            case 3:
                data[start:start] = data[start : start + length]
            case 4:
                # Lengths and counts are where parsers break.
                data[start : start + 4] = chance.choice((b"\xff\xff\xff\xff", b"\x00\x00\x00\x00", b"\x7f\xff\xff\xff"))
            case _:
                del data[max(start, len(data) // 2) :]
        if not data:
            return sample[:1]
    return bytes(data)


def mutated_inside(sample: bytes, chance: random.Random) -> bytes:
    """The same where checksums would give away damage from outside: one member or chunk damaged, and sums made anew."""
    if sample.startswith(b"\x89PNG"):
        chunks, position = [], 8
        while position < len(sample):
            (length,) = struct.unpack_from(">I", sample, position)
            chunks.append((sample[position + 4 : position + 8], sample[position + 8 : position + 8 + length]))
            position += 12 + length
        hit = chance.randrange(len(chunks) - 1)
        chunks[hit] = chunks[hit][0], mutated(chunks[hit][1] or b"\0", chance)
        return sample[:8] + b"".join(
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
            for kind, body in chunks
        )
    if sample.startswith(b"\x1f\x8b"):
        return gzip.compress(mutated(gzip.decompress(sample), chance), compresslevel=1, mtime=0)
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(sample)) as old, zipfile.ZipFile(target, "w") as new:
        name = chance.choice([member.filename for member in old.infolist() if member.file_size])
        for member in old.infolist():
            data = old.read(member)
            new.writestr(member.filename, mutated(data, chance) if member.filename == name else data)
    return target.getvalue()


def outcome(scrubber: Scrubber, directory: Path, data: bytes) -> str:
    with Scratch(directory) as source:
        source.write(data)
        try:
            scrubbed = scrubber.clean(source)
        except ScrubRefused as refused:
            return refused.code
        scrubbed.output.close()
    return "cleaned"


@pytest.mark.parametrize("kind", list(samples()))
def test_damaged_files_are_cleaned_or_refused_and_the_cleaner_goes_on(
    kind: str, scrubber: Scrubber, tmp_path: Path
) -> None:
    sample, chance = samples()[kind](), random.Random(kind)
    summed = sample.startswith((b"PK", b"\x1f\x8b", b"\x89PNG"))
    damaged = itertools.cycle((mutated, mutated_inside) if summed else (mutated,))
    outcomes: Counter[str] = Counter()
    with ThreadPoolExecutor(AT_ONCE) as threads:
        for start in range(0, MUTATIONS, 100):
            batch = [next(damaged)(sample, chance) for _ in range(min(100, MUTATIONS - start))]
            outcomes.update(threads.map(lambda data: outcome(scrubber, tmp_path, data), batch))
    print(kind, dict(outcomes))  # noqa: T201 - read after a long run, with -s
    assert outcomes.total() == MUTATIONS
    assert outcome(scrubber, tmp_path, sample) == "cleaned"
    # A decoder that dies takes only its child, but one of ours that can be made to is worth knowing of.
    assert outcomes["crashed"] == outcomes["residue"] == 0, outcomes
