"""Maps and tracks: where and how it is called stays; who, when and with what goes, in every format the same."""

from __future__ import annotations

import io
import json
import zipfile

import pytest

from fieldreport.scrub import Mode, Refusal, Removed, pipeline, registry
from fieldreport.scrub.format import Sink, Source
from fieldreport.scrub.verdicts import Noted, Residue
from tests.scrub.conftest import Clean, RefusalOf
from tests.scrub.samples import RARE

GPX = "http://www.topografix.com/GPX/1/1"
KML = "http://www.opengis.net/kml/2.2"


def gpx(inside: str, more: str = "") -> bytes:
    return f'<?xml version="1.0"?><gpx version="1.1" creator="PLANTED" xmlns="{GPX}"{more}>{inside}</gpx>'.encode()


def kml(inside: str, more: str = "") -> bytes:
    return f'<?xml version="1.0"?><kml xmlns="{KML}"{more}><Document>{inside}</Document></kml>'.encode()


def geojson(**feature: object) -> bytes:
    return json.dumps({"type": "Feature", **feature}).encode()


def test_a_track_keeps_its_points_and_words(clean: Clean) -> None:
    point = (
        '<trkpt lat="40.1234567" lon="-124.3"><ele>12.5</ele><time>2026-03-01T10:11:12Z</time><sat>7</sat><extensions>'
        "<x>PLANTED</x></extensions></trkpt>"
    )
    meta = "<metadata><name>To the gate</name><author><name>PLANTED</name></author><time>2026-03-01</time></metadata>"
    copy = clean(
        gpx(
            f"{meta}<wpt lat='1' lon='2'><name>The gate</name><src>PLANTED</src></wpt>"
            f"<trk><trkseg>{point}</trkseg></trk>"
        )
    )
    assert copy.data.decode().endswith(
        f'<gpx xmlns="{GPX}" version="1.1" creator="-"><metadata><name>To the gate</name></metadata>'
        '<wpt lat="1" lon="2">'
        '<name>The gate</name></wpt><trk><trkseg><trkpt lat="40.1234567" lon="-124.3"><ele>12.5</ele></trkpt></trkseg>'
        "</trk></gpx>\n"
    )
    assert {Removed.TIME, Removed.AUTHOR, Removed.SOFTWARE, Removed.DEVICE, Removed.OTHER_METADATA} <= copy.removed


def test_a_map_of_google_keeps_its_places_and_the_words_of_its_descriptions(clean: Clean) -> None:
    copy = clean(
        kml(
            "<name>Border</name><Style id='PLANTED'><IconStyle/></Style>"
            "<Folder><Placemark id='PLANTED'><name>Gate</name>"
            "<description><![CDATA[<b>two</b> guards &amp; a dog<img src='http://example.org/PLANTED'>]]></description>"
            "<TimeStamp><when>2026</when></TimeStamp><Polygon><outerBoundaryIs><LinearRing><coordinates>1,2,3\n 4,5,6"
            "</coordinates></LinearRing></outerBoundaryIs></Polygon></Placemark></Folder><NetworkLink/>"
        )
    )
    text = copy.data.decode()
    assert "PLANTED" not in text
    assert "<description>two  guards &amp; a dog</description>" in text
    assert "<coordinates>1,2,3 4,5,6</coordinates>" in text
    assert {Removed.TIME, Removed.IDENTIFIERS, Removed.LAYOUT} <= copy.removed


def test_a_balloon_may_hold_a_whole_page(clean: Clean) -> None:
    page = "<!DOCTYPE html><html><body>two guards</body></html>"
    copy = clean(kml(f"<Placemark><name>Gate</name><description><![CDATA[{page}]]></description></Placemark>"))
    assert b"two guards" in copy.data


@pytest.mark.parametrize("inside", ["<!DOCTYPE a>", "<![CDATA[a]]><!DOCTYPE a>"])
def test_a_document_type_inside_is_refused(refusal_of: RefusalOf, inside: str) -> None:
    assert refusal_of(kml(inside)) is Refusal.DAMAGED


def test_a_track_with_times_beside_its_places_becomes_a_line(clean: Clean) -> None:
    track = (
        "<Placemark><gx:Track><when>2026-03-01T10:11:12Z</when><when>2026-03-01T10:11:13Z</when>"
        "<gx:coord>124.3 40.1 5</gx:coord><gx:coord>124.4 40.2 6</gx:coord></gx:Track></Placemark>"
    )
    copy = clean(kml(track, ' xmlns:gx="http://www.google.com/kml/ext/2.2"'))
    assert b"<LineString><coordinates>124.3,40.1,5 124.4,40.2,6</coordinates></LineString>" in copy.data
    assert b"2026" not in copy.data
    assert Removed.TIME in copy.removed


def test_geojson_keeps_places_and_names(clean: Clean) -> None:
    copy = clean(
        geojson(
            id="PLANTED",
            properties={"name": "문", "user": "PLANTED", "time": "2026", "desc": "a\u200bb"},
            geometry={"type": "LineString", "coordinates": [[124.3, 40.1, 5, 1_700_000_000], [124.4, 40.2]]},
        )
    )
    (feature,) = json.loads(copy.data)["features"]
    assert feature == {
        "type": "Feature",
        "properties": {"name": "문", "desc": "ab"},
        "geometry": {"type": "LineString", "coordinates": [[124.3, 40.1, 5], [124.4, 40.2]]},
    }
    assert {Removed.IDENTIFIERS, Removed.AUTHOR, Removed.TIME, Removed.COPY_MARKS} <= copy.removed


def test_a_training_file_comes_out_as_a_track(clean: Clean) -> None:
    copy = clean(RARE["application/vnd.garmin.tcx+xml"]())
    assert copy.media_type == "application/gpx+xml"
    assert b'<trkpt lat="40.1" lon="124.3"><ele>12</ele></trkpt>' in copy.data


def test_a_packed_map_is_an_archive_of_its_parts(clean: Clean) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("doc.kml", kml("<Placemark><Point><coordinates>1,2</coordinates></Point></Placemark>"))
    with zipfile.ZipFile(io.BytesIO(clean(file.getvalue()).data)) as archive:
        assert archive.namelist() == ["map-1.kml"]


@pytest.mark.parametrize(
    "kind", [name for name in RARE if "gpx" in name or "kml" in name or "geo" in name or "tcx" in name]
)
def test_the_source_is_asked_about_the_places_in_every_format(kind: str) -> None:
    cleaning = pipeline.new_cleaning(Mode.LOSSLESS)
    pipeline.clean(Source.of(RARE[kind]()), Sink(), cleaning)
    assert cleaning.noted == {Noted.PLACES}


@pytest.mark.parametrize(
    "data",
    [
        gpx("<trk>")[:-6],
        b'{"type":"Point","coordinates":[NaN,1]}',
        b'{"type":"Point","coordinates":"PLANTED"}',
        b'{"type":"Feature","geometry":{"type":"Circle","coordinates":[1,2]}}',
        b'{"type":"Point","coordinates":' + b"[" * 9000 + b"]" * 9000 + b"}",
    ],
)
def test_what_is_no_map_is_damaged(refusal_of: RefusalOf, data: bytes) -> None:
    assert refusal_of(data) is Refusal.DAMAGED


@pytest.mark.parametrize(
    ("media_type", "residue"),
    [
        ("application/gpx+xml", gpx("").replace(b"PLANTED", b"-").replace(b"</gpx>", b"<time>2026</time></gpx>")),
        ("application/gpx+xml", gpx("")),
        ("application/gpx+xml", gpx("<trk><link/></trk>").replace(b"PLANTED", b"-")),
        ("application/gpx+xml", gpx('<wpt lat="1" lon="x"/>').replace(b"PLANTED", b"-")),
        ("application/gpx+xml", gpx("words").replace(b"PLANTED", b"-")),
        ("application/gpx+xml", gpx("<!-- c -->").replace(b"PLANTED", b"-")),
        ("application/gpx+xml", gpx('<g:trk xmlns:g="urn:g"/>').replace(b"PLANTED", b"-")),
        ("application/vnd.google-earth.kml+xml", kml("<Placemark><name>&lt;img src='x'&gt;</name></Placemark>")),
        ("application/vnd.google-earth.kml+xml", kml("<Placemark id='x'/>")),
        ("application/vnd.google-earth.kml+xml", kml("<Point/>")),
        ("application/geo+json", b'{"type":"FeatureCollection","features":[],"x":1}\n'),
        ("application/geo+json", b'{"type": "FeatureCollection","features":[]}\n'),
        (
            "application/geo+json",
            b'{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"by":"x"},"geometry":null}]}\n',
        ),
        (
            "application/geo+json",
            b'{"type":"FeatureCollection","features":[{"type":"Feature","properties":{},"geometry":{"type":"Point","coordinates":[1,2,3,4]}}]}\n',
        ),
    ],
)
def test_the_second_reading_refuses_what_the_table_does_not_list(media_type: str, residue: bytes) -> None:
    with pytest.raises(Residue):
        registry.verify(Source.of(residue), media_type)
