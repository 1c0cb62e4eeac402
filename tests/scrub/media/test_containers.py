"""What holds for every container of films alike, whatever else its own tests say."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fieldreport.scratch import Scratch
from fieldreport.scrub import Refusal
from fieldreport.scrub.sandbox.service import Scrubber
from fieldreport.scrub.verdicts import Refused
from tests.scrub.conftest import Clean, clean_copy
from tests.scrub.media import test_avi, test_matroska, test_mp4
from tests.scrub.media.films import MARKER, shown

KINDS: Mapping[str, Callable[[], bytes]] = {
    f"{container} {kind}": make
    for container, kinds in (("avi", test_avi.KINDS), ("matroska", test_matroska.KINDS), ("mp4", test_mp4.KINDS))
    for kind, make in kinds.items()
}
MUTATED = {
    "avi": ["mjpeg-pcm", "h264-aac", "mpeg4-mp3"],
    "matroska": ["vp8-opus", "h264-aac", "live", "mpeg4-mp3"],
    "mp4": ["h264-aac", "hevc", "fragments", "mov-mjpeg-pcm", "mpeg4-mp3", "3gp"],
}
LOCKED = {
    "avi mjpeg-pcm": "mkv",
    "avi h264-aac": "mkv",
    "matroska vp8-opus": "webm",
    "matroska h264-aac": "mkv",
    "matroska live": "webm",
    "mp4 h264-aac": "mp4",
    "mp4 hevc": "mp4",
    "mp4 fragments": "mp4",
    "mp4 av1-opus": "mp4",
    "mp4 3gp": "3gp",
}


def header(data: bytes) -> tuple[int, int]:
    """Where most of what a parser reads stands: first and last byte."""
    return (data.index(b"moov"), len(data) - 1) if data[4:8] == b"ftyp" else (0, 800)


@pytest.mark.parametrize("kind", KINDS)
def test_scrubbing_twice_is_scrubbing_once(clean: Clean, kind: str) -> None:
    once = clean(KINDS[kind]())
    twice = clean(once.data)
    assert twice.data == once.data
    assert twice.media_type == once.media_type
    assert twice.removed == frozenset()


@pytest.mark.parametrize("part", range(1, 20))
@pytest.mark.parametrize("kind", ["avi mpeg4-mp3", "matroska live", "mp4 h264-aac"])
def test_a_film_cut_off_is_refused_or_clean(kind: str, part: int) -> None:
    data = KINDS[kind]()
    try:
        copy = clean_copy(data[: len(data) * part // 20])
    except Refused:
        return
    assert MARKER not in copy.data
    assert shown(copy.data)


@pytest.mark.parametrize("kind", [f"{container} {kind}" for container, kinds in MUTATED.items() for kind in kinds])
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_mutated_film_raises_only_our_refusals(kind: str, data: st.DataObject) -> None:
    mutated = bytearray(KINDS[kind]())
    first, last = header(bytes(mutated))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.one_of(st.integers(first, last), st.integers(0, len(mutated) - 1)))
        mutated[at] = data.draw(st.integers(0, 255))
    try:
        copy = clean_copy(bytes(mutated))
    except Refused as refused:
        assert refused.refusal is not Refusal.RESIDUE  # noqa: PT017 - most are refused, some are films
        return
    assert clean_copy(copy.data).data == copy.data


@pytest.mark.parametrize("kind", LOCKED)
def test_the_same_bytes_come_out_behind_the_lock(
    scrubber: Scrubber, scratch: Callable[[bytes], Scratch], kind: str
) -> None:
    data = KINDS[kind]()
    scrubbed = scrubber.clean(scratch(data))
    with scrubbed.output:
        assert scrubbed.output.read() == clean_copy(data).data
    assert scrubbed.extension == LOCKED[kind]
