"""exiftool and ffprobe, which share no code with ours, find nothing in a clean file that tells of anybody."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pillow_heif
import pytest
from PIL import Image

from fieldreport.scrub import Mode, pipeline
from fieldreport.scrub.format import Sink, Source
from fieldreport.scrub.images import icc_profiles
from fieldreport.scrub.pipeline import new_cleaning

pytestmark = [
    pytest.mark.outside,
    pytest.mark.skipif(shutil.which("exiftool") is None, reason="needs exiftool"),
]

# What a picture has to say about its own pixels; and what exiftool says about itself and the file it was given.
ABOUT_THE_FILE = ("ExifTool:", "System:", "File:", "Composite:", "SourceFile")
ABOUT_THE_PIXELS = ("JFIF:", "APP14:", "ICC", "PNG:", "GIF:", "RIFF:", "QuickTime:", "Meta:")
TIFF_STRUCTURE = {
    "IFD0:ImageWidth",
    "IFD0:ImageHeight",
    "IFD0:BitsPerSample",
    "IFD0:Compression",
    "IFD0:PhotometricInterpretation",
    "IFD0:StripOffsets",
    "IFD0:SamplesPerPixel",
    "IFD0:RowsPerStrip",
    "IFD0:StripByteCounts",
    "IFD0:PlanarConfiguration",
}
NAMES = ("photo.jpg", "photo.png", "photo.gif", "photo.webp", "photo.tif", "photo.heic", "photo.avif")

PLANTED = (
    "-Make=PLANTED",
    "-Model=PLANTED",
    "-SerialNumber=PLANTED",
    "-LensModel=PLANTED",
    "-Artist=PLANTED",
    "-Copyright=PLANTED",
    "-ImageDescription=PLANTED",
    "-UserComment=PLANTED",
    "-Software=PLANTED",
    "-AllDates=2024:01:02 03:04:05",
    "-GPSLatitude=41.4",
    "-GPSLatitudeRef=N",
    "-GPSLongitude=128.2",
    "-GPSLongitudeRef=E",
    "-GPSAltitude=12",
    "-XMP:Creator=PLANTED",
    "-XMP:City=PLANTED",
    "-XMP:PersonInImage=PLANTED",
    "-XMP:HistoryAction=PLANTED",
    "-XMP:DocumentID=PLANTED",
    "-IPTC:By-line=PLANTED",
    "-IPTC:City=PLANTED",
    "-IPTC:Keywords=PLANTED",
    "-Comment=PLANTED",
)

Tags = Mapping[str, object]


def read_tags(directory: Path) -> dict[str, Tags]:
    """Everything exiftool finds in each file, unknown and binary tags and embedded files included."""
    done = subprocess.run(
        ["exiftool", "-json", "-G1", "-a", "-u", "-U", "-ee3", "-api", "RequestAll=3", str(directory)],
        capture_output=True,
        check=True,
        timeout=300,
    )
    return {Path(found["SourceFile"]).name: found for found in json.loads(done.stdout)}


def told(tags: Tags) -> set[str]:
    """Names of tags that are neither about the file nor about its pixels."""
    return {name for name in tags if not name.startswith(ABOUT_THE_FILE + ABOUT_THE_PIXELS)} - TIFF_STRUCTURE


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One file of each format with everything that exiftool can write, written by exiftool."""
    directory = tmp_path_factory.mktemp("planted")
    image = Image.linear_gradient("L").convert("RGB")
    for name in NAMES:
        path = directory / name
        if path.suffix == ".heic":
            pillow_heif.from_pillow(image).save(path)
        else:
            image.save(path, icc_profile=icc_profiles._PROFILES[icc_profiles.Known.DISPLAY_P3])
    subprocess.run(
        ["exiftool", "-q", "-m", "-overwrite_original", *PLANTED, str(directory)],
        capture_output=True,
        check=False,  # it warns about tags that a format has no place for
        timeout=60,
    )
    return directory


@pytest.fixture(scope="module")
def planted_tags(planted: Path) -> Mapping[str, Tags]:
    return read_tags(planted)


@pytest.fixture(scope="module")
def cleaned(planted: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("cleaned")
    for name in NAMES:
        sink = Sink()
        pipeline.clean(Source.of((planted / name).read_bytes()), sink, new_cleaning(Mode.LOSSLESS))
        (directory / name).write_bytes(sink.source().whole())
    return directory


@pytest.fixture(scope="module")
def cleaned_tags(cleaned: Path) -> Mapping[str, Tags]:
    return read_tags(cleaned)


@pytest.mark.parametrize("name", NAMES)
def test_the_planted_file_does_tell(planted_tags: Mapping[str, Tags], name: str) -> None:
    """Else the test below would show nothing."""
    assert len(told(planted_tags[name])) >= 5
    assert "PLANTED" in json.dumps(planted_tags[name])


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_told_by_the_clean_file(cleaned_tags: Mapping[str, Tags], name: str) -> None:
    assert told(cleaned_tags[name]) == set()
    assert "PLANTED" not in json.dumps(cleaned_tags[name])
    assert "Warning" not in " ".join(cleaned_tags[name])


@pytest.mark.parametrize("name", NAMES)
def test_the_time_in_a_clean_file_is_nobodys(cleaned_tags: Mapping[str, Tags], name: str) -> None:
    dates = {tag: str(value) for tag, value in cleaned_tags[name].items() if tag.endswith(("Date", "DateTime"))}
    inside = {tag: value for tag, value in dates.items() if not tag.startswith(ABOUT_THE_FILE)}
    assert not any(value.startswith(("19", "20")) for value in inside.values())


@pytest.mark.skipif(shutil.which("ffprobe") is None, reason="needs ffprobe")
@pytest.mark.parametrize("name", ["photo.jpg", "photo.png", "photo.gif", "photo.webp", "photo.tif"])
def test_ffprobe_reads_the_clean_file_without_complaint(cleaned: Path, name: str) -> None:
    done = subprocess.run(
        ["ffprobe", "-v", "warning", "-show_streams", "-show_format", "-of", "json", str(cleaned / name)],
        capture_output=True,
        check=True,
        timeout=60,
    )
    stream = json.loads(done.stdout)["streams"][0]
    assert (stream["width"], stream["height"]) == (256, 256)
    assert "tags" not in stream
    assert b"PLANTED" not in done.stdout
