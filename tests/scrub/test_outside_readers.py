"""exiftool and ffprobe, which share no code with ours, find nothing in a clean file that tells of anybody."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.scrub.conftest import Clean

pytestmark = [
    pytest.mark.outside,
    pytest.mark.skipif(shutil.which("exiftool") is None, reason="needs exiftool"),
]

# What a picture has to say about its own pixels; and what exiftool says about itself and the file it was given.
ABOUT_THE_FILE = ("ExifTool:", "System:", "File:", "Composite:", "SourceFile")
ABOUT_THE_PIXELS = ("JFIF:", "APP14:", "ICC", "PNG:", "GIF:", "RIFF:", "VP8", "QuickTime:", "Meta:", "AV1:", "HEVC:")

TIFF_STRUCTURE = {
    "ImageWidth",
    "ImageHeight",
    "BitsPerSample",
    "Compression",
    "PhotometricInterpretation",
    "StripOffsets",
    "SamplesPerPixel",
    "RowsPerStrip",
    "StripByteCounts",
    "PlanarConfiguration",
}


def tags(path: Path) -> dict[str, object]:
    """Everything exiftool finds, unknown and binary tags and embedded files included."""
    done = subprocess.run(
        ["exiftool", "-json", "-G1", "-a", "-u", "-U", "-ee3", "-api", "RequestAll=3", str(path)],
        capture_output=True,
        check=True,
        timeout=60,
    )
    found: dict[str, object] = json.loads(done.stdout)[0]
    return found


def told(path: Path) -> set[str]:
    """Names of tags that are neither about the file nor about its pixels."""
    return {
        name for name in tags(path) if not name.startswith(ABOUT_THE_FILE) and not name.startswith(ABOUT_THE_PIXELS)
    }


def planted_jpeg(tmp_path: Path) -> bytes:
    """A phone's photo: everything that exiftool itself can write, written by exiftool."""
    from PIL import Image

    from fieldreport.scrub import icc

    path = tmp_path / "planted.jpg"
    Image.linear_gradient("L").convert("RGB").save(path, "JPEG", icc_profile=icc._PROFILES[icc.Known.DISPLAY_P3])
    plant(path)
    return path.read_bytes() + b"\0\0\0\x18ftypmp42PLANTED"


def plant(path: Path) -> None:
    arguments = [
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
    ]
    subprocess.run(
        ["exiftool", "-q", "-m", "-overwrite_original", *arguments, str(path)],
        capture_output=True,
        check=False,  # it warns about tags that a format has no place for
        timeout=60,
    )
    assert b"PLANTED" in path.read_bytes()


def test_nothing_is_told_by_a_clean_jpeg(clean: Clean, tmp_path: Path) -> None:
    copy = clean(planted_jpeg(tmp_path))
    path = tmp_path / "clean.jpg"
    path.write_bytes(copy.data)
    assert told(path) == set()
    assert "PLANTED" not in json.dumps(tags(path))


def test_nothing_is_told_by_a_clean_png(clean: Clean, tmp_path: Path) -> None:
    from PIL import Image

    path = tmp_path / "planted.png"
    Image.linear_gradient("L").convert("RGB").save(path, "PNG")
    plant(path)
    copy = clean(path.read_bytes())
    path.write_bytes(copy.data)
    assert told(path) == set()
    assert set(tags(path)) & {"PNG:ModifyDate", "PNG:Comment", "PNG:Software"} == set()
    assert "PLANTED" not in json.dumps(tags(path))


@pytest.mark.parametrize(
    ("form", "name"), [("GIF", "gif"), ("WEBP", "webp"), ("TIFF", "tif"), ("HEIF", "heic"), ("AVIF", "avif")]
)
def test_nothing_is_told_by_other_clean_pictures(clean: Clean, tmp_path: Path, form: str, name: str) -> None:
    import pillow_heif
    from PIL import Image

    path = tmp_path / f"planted.{name}"
    image = Image.linear_gradient("L").convert("RGB")
    if form == "HEIF":
        pillow_heif.from_pillow(image).save(path)
    else:
        image.save(path, form)
    plant(path)
    copy = clean(path.read_bytes())
    path.write_bytes(copy.data)
    allowed = {"IFD0"} if form == "TIFF" else set()
    assert {tag for tag in told(path) if tag.split(":")[0] not in allowed} == set()
    assert "PLANTED" not in json.dumps(tags(path))
    if form == "TIFF":
        assert {tag.split(":")[1] for tag in told(path)} <= TIFF_STRUCTURE


def test_the_planted_files_do_tell(tmp_path: Path) -> None:
    """Else the tests above would show nothing."""
    path = tmp_path / "planted.jpg"
    path.write_bytes(planted_jpeg(tmp_path))
    assert len(told(path)) > 20


@pytest.mark.skipif(shutil.which("ffprobe") is None, reason="needs ffprobe")
def test_ffprobe_decodes_clean_pictures_without_complaint(clean: Clean, tmp_path: Path) -> None:
    path = tmp_path / "clean.jpg"
    path.write_bytes(clean(planted_jpeg(tmp_path)).data)
    done = subprocess.run(
        ["ffprobe", "-v", "warning", "-show_streams", "-show_format", "-of", "json", str(path)],
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert b"tags" not in done.stdout
    assert json.loads(done.stdout)["streams"][0]["width"] == 256
