"""Films with words planted into them, cleaned in this process and behind the lock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from fieldreport.scratch import Scratch
from fieldreport.scrub import pipeline
from fieldreport.scrub.format import Sink, Source
from fieldreport.scrub.sandbox.service import Scrubber
from fieldreport.scrub.verdicts import Mode, Refusal, Refused, Removed


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaned:
    media_type: str
    data: bytes
    removed: frozenset[Removed]


def cleaned(data: bytes, mode: Mode = Mode.LOSSLESS) -> Cleaned:
    """The way a file takes in the child: sniffed, cleaned, verified."""
    cleaning = pipeline.new_cleaning(mode)
    sink = Sink()
    media_type = pipeline.clean(Source.of(data), sink, cleaning)
    return Cleaned(media_type=media_type, data=sink.source().whole(), removed=frozenset(cleaning.removed))


@pytest.fixture
def clean() -> Callable[[bytes], Cleaned]:
    return cleaned


@pytest.fixture
def refusal_of() -> Callable[[bytes], Refusal]:
    """Why a file is refused; fails when it is not."""

    def run(data: bytes) -> Refusal:
        with pytest.raises(Refused) as caught:
            cleaned(data)
        return caught.value.refusal

    return run


@pytest.fixture(scope="session")
def scrubber(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scrubber]:
    with Scrubber(directory=Path(tmp_path_factory.mktemp("scratch")), require_sandbox=True) as started:
        yield started


@pytest.fixture
def scratch(tmp_path: Path) -> Iterator[Callable[[bytes], Scratch]]:
    """Makes encrypted scratch files with the given content."""
    made: list[Scratch] = []

    def make(content: bytes) -> Scratch:
        file = Scratch(tmp_path)
        file.write(content)
        made.append(file)
        return file

    yield make
    for file in made:
        file.close()
