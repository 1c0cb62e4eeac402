"""A sample of every format: those that the benchmark measures, and of the rare ones one that is made the same way."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable, Mapping
from email.message import EmailMessage
from functools import partial

import pillow_jxl  # noqa: F401 - Pillow then writes JPEG XL
from PIL import Image

from fieldreport.bench import documents, recordings
from fieldreport.bench.samples import samples
from fieldreport.scrub.registry import FORMATS
from tests.scrub.documents import open_documents
from tests.scrub.documents.compound_file import hangul
from tests.scrub.documents.owpml_package import hwpx, words
from tests.scrub.media import silence
from tests.scrub.media.films import film

_LINE = "At seven minutes past the hour a lorry crossed the bridge."


def _ods() -> bytes:
    row = f"<table:table-row><table:table-cell><text:p>{_LINE}</text:p></table:table-cell></table:table-row>"
    table = f'<table:table table:name="Notes">{row * 9}</table:table>'
    return documents._opendocument("spreadsheet", f"<office:spreadsheet>{table}</office:spreadsheet>")


def _odp() -> bytes:
    page = f"<draw:page><draw:frame><draw:text-box><text:p>{_LINE}</text:p></draw:text-box></draw:frame></draw:page>"
    return documents._opendocument("presentation", f"<office:presentation>{page * 3}</office:presentation>")


def _mail() -> bytes:
    message = EmailMessage()
    message["From"] = message["To"] = "Somebody <somebody@example.org>"
    message["Subject"] = "the gate"
    message.set_content(_LINE)
    message.add_attachment(samples()["jpg"](), "image", "jpeg", filename="Somebody.jpg")
    return message.as_bytes()


def _picture(form: str) -> bytes:
    with io.BytesIO() as file:
        exif = Image.Exif()
        exif[0x0110] = "Somebody"
        Image.linear_gradient("L").convert("RGB").save(file, form, exif=exif.tobytes())
        return file.getvalue()


def _jpeg_2000() -> bytes:
    """With a box of XMP behind the picture."""
    packet = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><dc:creator>Somebody</dc:creator></x:xmpmeta>"
    return _picture("JPEG2000") + struct.pack(">I4s", 8 + len(packet), b"xml ") + packet


def _said(head: bytes) -> bytes:
    """A message of user data, in H.264 or HEVC."""
    words = bytes(range(1, 17)) + b"Somebody"
    return b"\0\0\0\1" + head + bytes((5, len(words))) + words + b"\x80"


# What only FFmpeg reads.
FOREIGN: Mapping[str, Callable[[], bytes]] = {
    "video/mp2t": partial(film, "mpegts", seconds=0.4, said=_said(b"\x06")),
    "video/mpeg": partial(film, "vob", "mpeg2video", "mp2", seconds=0.4, said=b"\0\0\1\xb2Somebody"),
    "video/mpv": partial(film, "mpeg2video", "mpeg2video", None, seconds=0.4),
    "video/x-ms-asf": partial(film, "asf", "wmv2", "wmav2", seconds=0.4),
    "video/x-flv": partial(film, "flv", seconds=0.4),
    "video/ogg": partial(film, "ogg", "libvpx", "libopus", seconds=0.4),
    "video/h264": partial(film, "h264", "libx264", None, seconds=0.4, said=_said(b"\x06")),
    "video/h265": partial(film, "hevc", "libx265", None, seconds=0.4, said=_said(b"\x4e\1")),
    "video/dv": partial(film, "dv", "dvvideo", "pcm_s16le", seconds=0.12),
    "video/mxf": partial(film, "mxf", "mpeg2video", "pcm_s16le", seconds=0.4),
    "audio/aiff": partial(film, "aiff", None, "pcm_s16be", seconds=0.4),
    "audio/basic": partial(film, "au", None, "pcm_s16be", seconds=0.4),
    "audio/x-caf": partial(film, "caf", None, "alac", seconds=0.4),
    "audio/x-w64": partial(film, "w64", None, "pcm_s16le", seconds=0.4),
    "audio/x-wavpack": partial(film, "wv", None, "wavpack", seconds=0.4),
    "audio/mp2": partial(film, "mp2", None, "mp2", seconds=0.4),
    "audio/ac3": partial(film, "ac3", None, "ac3", seconds=0.4),
    "audio/eac3": partial(film, "eac3", None, "eac3", seconds=0.4),
    "audio/x-loas": partial(film, "latm", None, "aac", seconds=0.4),
    "audio/vnd.dts": silence.dts,
    "audio/vnd.dolby.truehd": silence.truehd,
    "audio/vnd.dolby.mlp": silence.mlp,
    "audio/gsm": lambda: b"\xd2".ljust(33, b"\x6d") * 20,
}
_GPX = (
    '<gpx version="1.1" creator="Somebody" xmlns="http://www.topografix.com/GPX/1/1"><metadata><author><name>Somebody'
    "</name></author></metadata><trk><name>To the gate</name><trkseg>"
    + '<trkpt lat="40.1" lon="124.3"><ele>12.5</ele><time>2026-09-14T21:47:03Z</time></trkpt>' * 9
    + "</trkseg></trk></gpx>"
)
_KML = (
    '<kml xmlns="http://www.opengis.net/kml/2.2"><Document><Folder><Placemark><name>The gate</name><ExtendedData><Data '
    'name="by"><value>Somebody</value></Data></ExtendedData><Point><coordinates>124.3,40.1</coordinates></Point>'
    "</Placemark></Folder></Document></kml>"
)
_GEOJSON = (
    '{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"name":"The gate","user":"Somebody"},'
    '"geometry":{"type":"LineString","coordinates":[[124.3,40.1],[124.4,40.2]]}}]}'
)
_TCX = (
    '<TrainingCenterDatabase xmlns="http://www.garmin.com/xmlschemas/TrainingCenterDatabase/v2"><Activities><Activity>'
    "<Lap><Track><Trackpoint><Time>2026-09-14T21:47:03Z</Time><Position><LatitudeDegrees>40.1</LatitudeDegrees>"
    "<LongitudeDegrees>124.3</LongitudeDegrees></Position><AltitudeMeters>12</AltitudeMeters></Trackpoint></Track></Lap>"
    "<Creator><Name>Somebody</Name></Creator></Activity></Activities></TrainingCenterDatabase>"
)
_VCARD = (
    "BEGIN:VCARD\r\nVERSION:3.0\r\nPRODID:-//Somebody//EN\r\nN:Kim;;;;\r\nFN:Kim\r\nTEL;TYPE=CELL:+8613800138000\r\nUID:Somebo"
    "\r\n dy\r\nEND:VCARD\r\n"
)
_CALENDAR = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Somebody//EN\r\nBEGIN:VEVENT\r\nUID:Somebody@example.org\r\nDTSTAMP:20260914T214"
    "703Z\r\nDTSTART;TZID=Asia/Seoul:20260914T220000\r\nSUMMARY:At the gate\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)


def _pages() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as package:
        package.writestr("Index/Document.iwa", b"Somebody")
        package.writestr("preview.jpg", samples()["jpg"]())
    return file.getvalue()


RARE: Mapping[str, Callable[[], bytes]] = {
    "audio/ogg": partial(recordings._sound, "ogg", "vorbis", layout="stereo"),
    "audio/webm": partial(recordings._sound, "webm", "libopus"),
    "audio/x-matroska": partial(recordings._sound, "matroska", "libopus"),
    "audio/3gpp": partial(recordings._sound, "3gp", "libopencore_amrnb", 8_000),
    "audio/amr-wb": lambda: b"#!AMR-WB\n" + (b"\x04" + bytes(17)) * 50,  # no encoder is here: frames of silence
    "application/vnd.oasis.opendocument.spreadsheet": _ods,
    "application/vnd.oasis.opendocument.presentation": _odp,
    "application/vnd.oasis.opendocument.graphics": open_documents.drawing,
    "application/vnd.oasis.opendocument.formula": open_documents.formula,
    "application/vnd.oasis.opendocument.flat-xml": open_documents.flat,
    "message/rfc822": _mail,
    "image/jxl": partial(_picture, "JXL"),
    "image/jp2": _jpeg_2000,
    **FOREIGN,
    "application/vnd.apple.pages": _pages,
    "application/x-hwp": partial(hangul, ["At the gate"], told="Somebody"),
    "application/hwp+zip": partial(hwpx, words("At the gate"), told="Somebody"),
    "text/vcard": _VCARD.encode,
    "text/calendar": _CALENDAR.encode,
    "application/gpx+xml": _GPX.encode,
    "application/vnd.google-earth.kml+xml": _KML.encode,
    "application/geo+json": _GEOJSON.encode,
    "application/vnd.garmin.tcx+xml": _TCX.encode,
    "application/x-tar": lambda: documents._tar(samples()["jpg"], "w"),
    "application/gzip": samples()["tar.gz"],
}


def every_sample() -> Mapping[str, Callable[[], bytes]]:
    """The media type of each row of the table to what makes a file that is cleaned from it or to it."""
    made = samples()
    return {each.media_type: RARE.get(each.media_type) or made[each.extension] for each in FORMATS}
