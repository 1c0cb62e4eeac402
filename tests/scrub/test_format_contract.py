"""What every format promises, for every row of ``registry.FORMATS``: a new row is held to all of it."""

from __future__ import annotations

import ast
import dataclasses
import functools
import gzip
import io
import itertools
import random
import tomllib
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fieldreport.errors import ScrubRefused
from fieldreport.scratch import Scratch
from fieldreport.scrub import Mode, registry
from fieldreport.scrub.format import Source
from fieldreport.scrub.registry import Format, Strong
from fieldreport.scrub.sandbox.service import Scrubber
from fieldreport.scrub.sniff import sniff
from tests.scrub import damaged
from tests.scrub.conftest import CleanCopy, clean_copy
from tests.scrub.samples import every_sample
from tests.static.test_structure import ROOT, Imports, imports

AT_ONCE = 2
# What has sums that give damage from outside away.
INSIDE = {b"PK": damaged.zip_told, b"\x1f\x8b": damaged.gzip_told, b"\x89P": damaged.PNG.damaged}
SAMPLES = every_sample()
SHIPPED = tomllib.loads((ROOT / "fieldreport/bench/sample_files/samples.toml").read_text(encoding="utf-8"))
PLANTED = tuple(words.lower().encode() for words in ("Somebody", *SHIPPED["planted"]))
# Nothing but content, and raw sound.
WITHOUT_A_PLACE_FOR_WORDS = {
    "text/plain",
    "audio/aac",
    "audio/amr",
    "audio/amr-wb",
    "audio/gsm",
    "audio/x-loas",
    "video/dv",
    "video/mpv",
    "video/mxf",
} | {f"audio/{kind}" for kind in ("mp2", "ac3", "eac3", "vnd.dts", "vnd.dolby.truehd", "vnd.dolby.mlp", "x-w64")}

# What both readings of a format may use: values and errors, who verifies what is inside, and specifications as data.
SHARED = {
    f"fieldreport.{name}"
    for name in (
        "limits",
        "seekable",
        "sentence",
        "scrub.format",
        "scrub.verdicts",
        "scrub.registry",
        "scrub.images.icc_profiles",
    )
}

STRONG_OUTPUTS = {
    Strong.PIXELS: {"image/jpeg", "image/png", "image/webp", "image/tiff", "application/pdf"},
    Strong.TRANSCODE: {"audio/opus", "video/mp4"},
    Strong.EXTRACT: {"text/plain", "application/zip"},
    Strong.MEMBERS: {"application/zip", "text/plain", "text/vcard", "text/calendar"},
    Strong.SAME: {
        "text/plain",
        "application/gpx+xml",
        "application/vnd.google-earth.kml+xml",
        "application/geo+json",
    },
}


@functools.cache
def sample(row: Format) -> bytes:
    return SAMPLES[row.media_type]()


@functools.cache
def cleaned(row: Format, mode: Mode = Mode.LOSSLESS) -> CleanCopy:
    return clean_copy(sample(row), mode)


def everything_in(data: bytes) -> Iterator[bytes]:
    """The file, and everything in it that can be unpacked: members of archives, Flate streams of PDFs."""
    yield data.lower()
    yield data.replace(b"\0", b"").lower()  # words of two bytes a letter
    if data.startswith(b"PK") and zipfile.is_zipfile(io.BytesIO(data)):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name in archive.namelist():
                yield name.lower().encode()
                yield from everything_in(archive.read(name))
    elif data.startswith(b"\x1f\x8b"):
        yield from everything_in(gzip.decompress(data))
    elif data.startswith(b"%PDF"):
        for piece in data.split(b"stream")[1:]:
            try:
                yield zlib.decompressobj().decompress(piece.lstrip(b"\r\n")).lower()
            except zlib.error:
                continue


def planted_in(data: bytes) -> set[bytes]:
    return {words for piece in everything_in(data) for words in PLANTED if words in piece}


def outcome(scrubber: Scrubber, directory: Path, data: bytes) -> str:
    with Scratch(directory) as source:
        source.write(data)
        try:
            scrubbed = scrubber.clean(source)
        except ScrubRefused as refused:
            return refused.code
        scrubbed.output.close()
    return "cleaned"


@pytest.fixture(scope="module", autouse=True)
def _codecs_are_loaded() -> None:
    registry.load_all(codecs=True)


@pytest.fixture(scope="module")
def graph() -> Imports:
    return imports(ROOT)


def reached(graph: Imports, module: str) -> set[str]:
    """Every module that this one imports, directly or not."""
    found, waiting = set[str](), [module]
    while waiting:
        new = graph[waiting.pop()] - found
        found |= new
        waiting += new
    return found


@pytest.mark.parametrize("row", registry.FORMATS, ids=lambda row: f"{row.extension}-{row.media_type.partition('/')[0]}")
class TestFormat:
    def test_its_sample_is_named_by_sniff_or_comes_out_as_it(self, row: Format) -> None:
        """Sound alone in a film's container is named only by who has parsed it."""
        named = sniff(Source.of(sample(row)))
        assert named in registry.BY_TYPE
        assert row.media_type in {named, cleaned(row).media_type}

    def test_it_comes_out_as_itself_unless_it_only_comes_in(self, row: Format) -> None:
        assert (cleaned(row).media_type == row.media_type) == bool(row.noun)
        assert (row.media_type in registry.OUTPUTS) == bool(row.noun)

    def test_a_clean_copy_has_a_neutral_name(self, row: Format) -> None:
        if row.noun:
            assert registry.neutral_name(row.media_type, 3) == f"{row.noun}-3.{row.extension}"

    def test_cleaned_twice_is_cleaned_once(self, row: Format) -> None:
        once = cleaned(row)
        twice = clean_copy(once.data)
        assert twice == dataclasses.replace(once, removed=frozenset(), noted=twice.noted)
        assert twice.noted <= once.noted  # of a mail that has become a text, less is to be said

    def test_planted_words_are_gone(self, row: Format) -> None:
        assert bool(planted_in(sample(row))) == (row.media_type not in WITHOUT_A_PLACE_FOR_WORDS)
        for mode in Mode:
            assert planted_in(cleaned(row, mode).data) == set()

    def test_strong_mode_does_what_the_row_says(self, row: Format) -> None:
        assert cleaned(row, Mode.STRONG).media_type in STRONG_OUTPUTS[row.strong]
        if row.strong is Strong.SAME:
            assert cleaned(row, Mode.STRONG).data == cleaned(row).data

    def test_recordings_and_films_and_nothing_else_are_transcoded_by_a_demuxer_of_their_own(self, row: Format) -> None:
        is_played = row.media_type.startswith(("audio/", "video/"))
        assert (row.strong is Strong.TRANSCODE) == is_played
        assert bool(row.demuxer) == is_played

    def test_it_is_a_package_of_write_and_verify_and_a_docstring(self, row: Format) -> None:
        folder = ROOT / "fieldreport" / "scrub" / row.package.replace(".", "/")
        assert callable(registry.cleaner(row.package))
        has_outputs = any(each.package == row.package for each in registry.OUTPUTS.values())
        assert (folder / "verify.py").exists() == has_outputs
        assert not has_outputs or callable(registry.verifier(row.package))
        tree = ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))
        assert len(tree.body) == 1
        assert ast.get_docstring(tree)

    def test_its_two_readings_share_no_code(self, row: Format, graph: Imports) -> None:
        package = f"fieldreport.scrub.{row.package}"
        verifier = reached(graph, f"{package}.verify") if row.noun else set()
        shared = verifier & (reached(graph, f"{package}.write") | {f"{package}.write"})
        assert {each for each in shared if not each.endswith(".tables")} <= SHARED
        assert {each for each in verifier if each.rpartition(".")[2] in {"parse", "write"}} == set()

    def test_damaged_files_are_cleaned_or_refused_and_the_cleaner_goes_on(
        self, row: Format, scrubber: Scrubber, tmp_path: Path
    ) -> None:
        chance = random.Random(row.media_type)
        ways = itertools.cycle((damaged.mutated, INSIDE.get(sample(row)[:2], damaged.mutated)))
        mutations = 6 if row.package == registry.REMUX else 24  # each of those takes two children
        batch = [next(ways)(sample(row), chance) for _ in range(mutations)]
        with ThreadPoolExecutor(AT_ONCE) as threads:
            outcomes = Counter(threads.map(lambda data: outcome(scrubber, tmp_path, data), batch))
        assert outcomes.total() == mutations
        assert outcome(scrubber, tmp_path, sample(row)) == "cleaned"
        # A decoder that dies takes only its child, but one of ours that can be made to is worth knowing of.
        assert outcomes["crashed"] == outcomes["residue"] == 0, outcomes


def test_each_kind_of_output_has_a_name_of_its_own() -> None:
    """A member's name is how the second reading of an archive knows whose it is."""
    assert len({(each.noun, each.extension) for each in registry.OUTPUTS.values()}) == len(registry.OUTPUTS)


def test_each_type_has_one_row_and_one_sample() -> None:
    assert len(registry.BY_TYPE) == len(registry.FORMATS)
    assert SAMPLES.keys() == registry.BY_TYPE.keys()
