"""Maps, contact cards and calendars are told as headings and rows, behind the real lock; markup is not what is read."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Final

import pytest

from fieldreport.scratch import Scratch
from fieldreport.scrub.sandbox.service import Scrubber
from fieldreport.scrub.views import cards, maps
from fieldreport.scrub.views.document import Block, Piece, Reading, Unread
from tests.scrub.samples import every_sample

Read = Callable[[bytes], Reading]
SAMPLES: Final = every_sample()
GPX: Final = b"""<gpx xmlns="http://www.topografix.com/GPX/1/1" version="1.1" creator="x">
<wpt lat="41.4034" lon="128.174"><ele>700</ele><name>Gate</name><desc>two guards\nat night</desc></wpt>
<trk><name>Way home</name><cmt>on foot</cmt><trkseg><trkpt lat="41.5" lon="128.2"/><trkpt lat="-41.6" lon="1e2"><ele>3
</ele></trkpt></trkseg></trk></gpx>"""
KML: Final = """<kml xmlns="http://www.opengis.net/kml/2.2"><Document><name>다리</name><Placemark><name>Gate</name>
<description>first\nsecond</description><LineString><coordinates>128.1,41.4,7 128.2,41.5</coordinates></LineString>
</Placemark></Document></kml>""".encode()
GEOJSON: Final = b"""{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {"name": "Gate",
"desc": "by night"}, "geometry": {"type": "Polygon",
"coordinates": [[[128.1, 41.4], [128.2, 41.5, 7], [128.1, 41.4]]]}},
{"type": "Feature", "properties": {}, "geometry": {"type": "Point", "coordinates": [1.5, -2.5]}}]}"""
CARD: Final = (
    b"BEGIN:VCARD\r\nVERSION:3.0\r\nN:Kim;Yeong-ho;;;\r\nFN:Kim Yeong-ho\r\nTEL;TYPE=CELL,VOICE:+8613800138000\r\n"
    b"ADR;TYPE=HOME:;;Harbour Street 14\\, left;Sinuiju;;;KR\r\nNOTE:first\\nsecond\\; third\r\nBDAY:19800102\r\n"
    b"END:VCARD\r\n"
)


@pytest.fixture
def read(scrubber: Scrubber, scratch: Callable[[bytes], Scratch]) -> Read:
    return lambda content: scrubber.read(scratch(content))


def told(reading: Reading) -> list[tuple[str, ...]]:
    return [(piece.block.value, *piece.texts) for piece in reading.pieces]


def test_points_of_a_track_are_rows_that_a_map_takes_as_they_are_copied(read: Read) -> None:
    assert told(read(GPX)) == [
        ("row", "41.4034, 128.174", "700", "Gate", "two guards at night"),
        ("heading", "Way home"),
        ("line", "on foot"),
        ("row", "41.5, 128.2"),
        ("row", "-41.6, 1e2", "3"),
    ]


def test_places_of_google_earth_name_the_latitude_first(read: Read) -> None:
    assert told(read(KML)) == [
        ("heading", "다리"),
        ("heading", "Gate"),
        ("line", "first"),
        ("line", "second"),
        ("row", "41.4, 128.1", "7"),
        ("row", "41.5, 128.2"),
    ]


def test_positions_of_geojson_name_the_latitude_first(read: Read) -> None:
    assert told(read(GEOJSON)) == [
        ("heading", "Gate"),
        ("line", "by night"),
        ("row", "41.4, 128.1"),
        ("row", "41.5, 128.2", "7"),
        ("row", "41.4, 128.1"),
        ("row", "-2.5, 1.5"),
    ]


def test_a_contact_card_is_a_heading_and_rows(read: Read) -> None:
    assert told(read(CARD)) == [
        ("heading", "Kim Yeong-ho"),
        ("row", "N", "Kim, Yeong-ho"),
        ("row", "TEL (CELL,VOICE)", "+8613800138000"),
        ("row", "ADR (HOME)", "Harbour Street 14, left, Sinuiju, KR"),
        ("row", "NOTE", "first\nsecond; third"),
        ("row", "BDAY", "1980-01-02"),
    ]


def test_a_date_has_its_day_and_hour_as_people_write_them(read: Read) -> None:
    reading = read(SAMPLES["text/calendar"]())
    assert told(reading) == [("heading", "At the gate"), ("row", "DTSTART", "2026-09-14 22:00")]


def test_a_picture_in_a_card_is_named_not_spelled_out(read: Read) -> None:
    spelled = base64.b64encode(SAMPLES["image/jpeg"]()).decode()
    card = f"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Kim\r\nPHOTO;ENCODING=b;TYPE=JPEG:{spelled}\r\nEND:VCARD\r\n"
    reading = read(card.encode())
    assert told(reading) == [("heading", "Kim"), ("row", "PHOTO", "")]
    assert Unread.PICTURES in reading.unread


@pytest.mark.parametrize("media_type", sorted(maps.MEDIA_TYPES | cards.MEDIA_TYPES))
def test_no_markup_is_read(media_type: str, read: Read) -> None:
    assert not any(sign in read(SAMPLES[media_type]()).text for sign in ("<", "{", "BEGIN:", "xmlns"))


def test_what_a_mail_answers_stands_apart(read: Read) -> None:
    pieces = read(b"Before ten.\n\n> When did\n>> you see them?\n\nGoodbye.\n").pieces
    assert Piece(Block.QUOTED, ("When did",)) in pieces
    assert Piece(Block.QUOTED, ("you see them?",)) in pieces
    assert Piece(Block.LINE, ("Goodbye.",)) in pieces
