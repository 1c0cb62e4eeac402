"""What the tests of cleaning share: a way to clean bytes in this process, and one to clean them behind the lock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from fieldreport.scratch import Scratch
from fieldreport.scrub import Mode, Refusal, Removed, pipeline, registry
from fieldreport.scrub.format import Sink, Source
from fieldreport.scrub.sandbox.service import Scrubber
from fieldreport.scrub.verdicts import Elsewhere, Refused, Residue

HOSTILE = Path(__file__).parent / "hostile.py"


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanCopy:
    """What a format made of a file."""

    media_type: str
    data: bytes
    removed: frozenset[Removed]
    noted: frozenset[str]


Clean = Callable[..., CleanCopy]
RefusalOf = Callable[[bytes], Refusal]


def clean_copy(data: bytes, mode: Mode = Mode.LOSSLESS, *, by_ffmpeg: bool = False) -> CleanCopy:
    """Sniff, clean and verify in this process: fast, and a failure shows its traceback.

    ``by_ffmpeg``: what our own reader of a recording or film refuses is given to FFmpeg, as behind the lock.
    """
    sink = Sink()
    cleaning = pipeline.new_cleaning(mode)
    with pytest.MonkeyPatch.context() as patch:
        if not by_ffmpeg:
            patch.setattr(pipeline, "_FOR_FFMPEG", frozenset())
        try:
            media_type = pipeline.clean(Source.of(data), sink, cleaning)
        except Elsewhere:  # of a type that only FFmpeg reads, which this test did not load
            raise Refused(Refusal.SOUND_OR_FILM) from None
    return CleanCopy(
        media_type=media_type,
        data=sink.source().whole(),
        removed=frozenset(cleaning.removed),
        noted=frozenset(cleaning.noted),
    )


def clean_or_refuse(data: bytes) -> None:
    """Clean a damaged file, which may be refused. What our own verifier finds in the result is an error."""
    try:
        clean_copy(data)
    except Residue:
        raise
    except Refused:
        return


@pytest.fixture
def clean() -> Clean:
    return clean_copy


@pytest.fixture
def refusal_of(clean: Clean) -> RefusalOf:
    """Why a file is refused; fails when it is not."""

    def run(data: bytes) -> Refusal:
        with pytest.raises(Refused) as caught:
            clean(data)
        return caught.value.refusal

    return run


@pytest.fixture(scope="session", autouse=True)
def _decoders_are_warm() -> None:
    registry.load_all()


@pytest.fixture(scope="session")
def scrubber(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scrubber]:
    """The real thing, with a hostile format added."""
    with Scrubber(
        directory=tmp_path_factory.mktemp("scratch"),
        require_sandbox=True,
        arguments=(f"--also={HOSTILE}",),
    ) as started:
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
