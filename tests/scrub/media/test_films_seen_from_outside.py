"""exiftool and ffmpeg, which share no code with ours, find nothing in a clean film that tells of anybody."""

from __future__ import annotations

import json
import re
import shutil
import struct
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.scrub.conftest import clean_copy
from tests.scrub.media.films import film

pytestmark = [
    pytest.mark.outside,
    pytest.mark.skipif(shutil.which("exiftool") is None, reason="needs exiftool"),
    pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs ffmpeg"),
]

FILMS: Mapping[str, tuple[str, str | None, str | None]] = {
    "film.mp4": ("mp4", "libx264", "aac"),
    "hevc.mp4": ("mp4", "libx265", "aac"),
    "film.mov": ("mov", "libx264", "aac"),
    "film.3gp": ("3gp", "h263", "libopencore_amrnb"),
    "sound.m4a": ("ipod", None, "aac"),
    "film.webm": ("webm", "libvpx-vp9", "libopus"),
    "film.mkv": ("matroska", "libx264", "aac"),
    "film.avi": ("avi", "mjpeg", "pcm_s16le"),
}
# exiftool writes into the first kind, ffmpeg plants into the others.
WRITABLE = ("film.mp4", "hevc.mp4", "film.mov", "film.3gp", "sound.m4a")
PLANTED = (
    "-Keys:GPSCoordinates=41.4 128.2 12",
    "-Keys:Make=PLANTED",
    "-Keys:Model=PLANTED",
    "-Keys:Author=PLANTED",
    "-Keys:CreationDate=2024:01:02 03:04:05",
    "-UserData:GPSCoordinates=41.4 128.2 12",
    "-UserData:Make=PLANTED",
    "-UserData:LocationName=PLANTED",
    "-ItemList:Title=PLANTED",
    "-ItemList:Artist=PLANTED",
    "-ItemList:Comment=PLANTED",
    "-XMP:Creator=PLANTED",
    "-XMP:City=PLANTED",
    "-XMP:DocumentID=PLANTED",
    "-QuickTime:CreateDate=2024:01:02 03:04:05",
    "-QuickTime:TrackCreateDate=2024:01:02 03:04:05",
    "-QuickTime:MediaCreateDate=2024:01:02 03:04:05",
)
CHAPTERS = (
    ";FFMETADATA1\ntitle=PLANTED\nlocation=+41.4+128.2/\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=900\ntitle=PLANTED\n"
)
SUBTITLES = "1\n00:00:00,000 --> 00:00:00,900\nPLANTED\n"

# What exiftool tells about the way samples are stored.
ABOUT_THE_FILE = ("ExifTool:", "System:", "File:", "Composite:", "SourceFile")
STRUCTURE = frozenset((Path(__file__).parent / "structure.txt").read_text().split())

Tags = Mapping[str, object]


def read_tags(directory: Path) -> dict[str, Tags]:
    """Everything exiftool finds in each file, unknown and binary tags and embedded streams included."""
    done = subprocess.run(
        ["exiftool", "-json", "-G1", "-a", "-u", "-U", "-ee3", "-api", "RequestAll=3", str(directory)],
        capture_output=True,
        check=True,
        timeout=60,
    )
    return {Path(found["SourceFile"]).name: found for found in json.loads(done.stdout.decode(errors="replace"))}


def told(tags: Tags) -> set[str]:
    names = {name for name in tags if not name.startswith(ABOUT_THE_FILE)}
    # A field that is always there and says nothing is a zero or empty.
    silent = {name for name in names if not str(tags[name]).strip("\0 0-")}
    return {name for name in names - silent if name.rpartition(":")[2] not in STRUCTURE}


def probe(path: Path) -> tuple[dict[str, list[dict[str, object]]], bytes]:
    done = subprocess.run(
        ["ffprobe", "-v", "warning", "-show_streams", "-show_format", "-show_chapters", "-of", "json", str(path)],
        capture_output=True,
        check=True,
        timeout=60,
    )
    return json.loads(done.stdout), done.stdout + done.stderr


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One film of each kind with everything that exiftool or ffmpeg can write."""
    directory = tmp_path_factory.mktemp("planted")
    for name, (container, picture, sound) in FILMS.items():
        (directory / name).write_bytes(film(container, picture, sound))
    subprocess.run(
        ["exiftool", "-q", "-m", "-overwrite_original", *PLANTED, *(str(directory / name) for name in WRITABLE)],
        capture_output=True,
        check=False,  # it warns about tags that a format has no place for
        timeout=60,
    )
    words = tmp_path_factory.mktemp("words")
    (words / "chapters.txt").write_text(CHAPTERS)
    (words / "lines.srt").write_text(SUBTITLES)
    inputs = ["-i", str(words / "chapters.txt"), "-i", str(words / "lines.srt")]
    mapping = ["-map", "0", "-map", "2", "-map_metadata", "1", "-map_chapters", "1", "-c", "copy"]
    attachment = ["-attach", str(words / "lines.srt"), "-metadata:s:t", "mimetype=text/plain"]
    for name, more in (
        ("film.mkv", ["-c:s", "srt", *attachment]),
        ("film.webm", ["-c:s", "webvtt"]),
        ("hevc.mp4", ["-c:s", "mov_text", "-tag:v", "hvc1"]),
    ):
        target = words / name
        command = ["ffmpeg", "-v", "error", "-y", "-i", str(directory / name), *inputs, *mapping, *more, str(target)]
        subprocess.run(command, check=True, timeout=60)
        shutil.move(target, directory / name)
    return directory


@pytest.fixture(scope="module")
def clean_films(planted: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("clean")
    for name in FILMS:
        (directory / name).write_bytes(clean_copy((planted / name).read_bytes()).data)
    return directory


@pytest.fixture(scope="module")
def planted_tags(planted: Path) -> Mapping[str, Tags]:
    return read_tags(planted)


@pytest.fixture(scope="module")
def clean_tags(clean_films: Path) -> Mapping[str, Tags]:
    return read_tags(clean_films)


@pytest.mark.parametrize("name", FILMS)
def test_the_planted_film_does_tell(planted_tags: Mapping[str, Tags], name: str) -> None:
    """Else the tests below would show nothing."""
    assert len(told(planted_tags[name])) >= 3
    assert "PLANTED" in json.dumps(planted_tags[name])


@pytest.mark.parametrize("name", FILMS)
def test_exiftool_finds_only_how_samples_are_stored(clean_tags: Mapping[str, Tags], name: str) -> None:
    assert told(clean_tags[name]) == set()
    text = json.dumps(clean_tags[name])
    assert "PLANTED" not in text
    assert "Warning" not in " ".join(clean_tags[name])


@pytest.mark.parametrize("name", FILMS)
def test_the_times_in_a_clean_film_are_nobodys(clean_tags: Mapping[str, Tags], name: str) -> None:
    dates = [value for tag, value in clean_tags[name].items() if "Date" in tag and not tag.startswith(ABOUT_THE_FILE)]
    assert all(str(value).startswith("0000") for value in dates)


@pytest.mark.parametrize("name", FILMS)
def test_ffprobe_sees_pictures_and_sound_and_no_words(clean_films: Path, name: str) -> None:
    found, everything = probe(clean_films / name)
    assert b"PLANTED" not in everything
    assert {str(stream["codec_type"]) for stream in found["streams"]} <= {"video", "audio"}
    assert found["chapters"] == []
    tags: dict[str, str] = {}
    for each in (*found["streams"], found["format"]):
        tags.update(each.get("tags", {}))  # type: ignore[attr-defined]
    assert {"language", "encoder", "vendor_id", "major_brand", "minor_version", "compatible_brands"} >= tags.keys()
    assert tags.get("language", "und") == "und"
    assert tags.get("encoder", "-") == "-"


@pytest.mark.parametrize("name", FILMS)
def test_ffmpeg_decodes_a_clean_film_without_complaint(clean_films: Path, name: str) -> None:
    command = ["ffmpeg", "-v", "warning", "-xerror", "-i", str(clean_films / name), "-f", "null", "-"]
    done = subprocess.run(command, capture_output=True, check=True, timeout=60)
    assert b"rror" not in done.stderr


MASTERED = (
    "log-level=none:pools=1:frame-threads=1:max-cll=999,400:"
    "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50)"
)
TURNED = struct.pack(">9i", 0, 0x10000, 0, -0x10000, 0, 0, 0, 0, 0x4000_0000)
HOW_IT_IS_SHOWN = (
    "stream=width,height,color_primaries,color_transfer,color_space,color_range,sample_aspect_ratio,r_frame_rate:"
    "stream_side_data:frame=pict_type,color_primaries:frame_side_data"
)


def how_it_is_shown(path: Path) -> list[str]:
    """Colours, proportions, brightness and turn of the stream and of its first pictures, as ffprobe tells them."""
    command = ["ffprobe", "-v", "error", "-select_streams", "v", "-show_frames", "-show_streams", "-of", "default=nk=0"]
    selected = ["-read_intervals", "%+#2", "-show_entries", HOW_IT_IS_SHOWN, str(path)]
    done = subprocess.run([*command, *selected], capture_output=True, check=True, text=True, timeout=60)
    user_data = r"\[SIDE_DATA\]\nside_data_type=[^\n]*User Data Unregistered[^\n]*\n\[/SIDE_DATA\]\n"
    return [line for line in re.sub(user_data, "", done.stdout).splitlines() if not line.startswith("TAG:")]


@pytest.fixture(scope="module")
def mastered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film in HDR, of wide picture elements, taken sideways."""
    made = tmp_path_factory.mktemp("mastered") / "film.mp4"
    source = ["-f", "lavfi", "-i", "testsrc=size=96x64:rate=25:duration=0.2", "-vf", "setsar=4/3"]
    colours = ["-color_primaries", "bt2020", "-color_trc", "smpte2084", "-colorspace", "bt2020nc", "-color_range", "tv"]
    encoder = ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", MASTERED, "-pix_fmt", "yuv420p10le"]
    command = ["ffmpeg", "-v", "error", *source, *colours, *encoder, "-tag:v", "hvc1", str(made)]
    subprocess.run(command, check=True, timeout=60)
    data = made.read_bytes()
    upright = struct.pack(">9i", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x4000_0000)
    at = data.index(upright, data.index(b"tkhd"))
    made.write_bytes(data[:at] + TURNED + data[at + 36 :])
    return made


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv"])
def test_colours_brightness_proportions_and_turn_stay(mastered: Path, tmp_path: Path, suffix: str) -> None:
    packed, clean = tmp_path / f"packed.{suffix}", tmp_path / f"clean.{suffix}"
    subprocess.run(["ffmpeg", "-v", "error", "-i", str(mastered), "-c", "copy", str(packed)], check=True, timeout=60)
    clean.write_bytes(clean_copy(packed.read_bytes()).data)
    before = how_it_is_shown(packed)
    text = "\n".join(before)
    assert all(word in text for word in ("bt2020", "smpte2084", "4:3", "Mastering display", "999"))
    assert "rotation=" in text or suffix == "mkv"  # ffmpeg tells Matroska nothing of it
    assert how_it_is_shown(clean) == before
