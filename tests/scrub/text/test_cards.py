"""Contact cards and calendars: what they show stays; who wrote them, when and where, and who was invited, goes."""

from __future__ import annotations

import base64
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from fieldreport.bench.samples import samples
from fieldreport.scrub import Mode, Removed, pipeline
from fieldreport.scrub.format import Sink, Source
from fieldreport.scrub.text.cards.verify import verify
from fieldreport.scrub.verdicts import Options, Residue
from tests.scrub.conftest import Clean, clean_or_refuse

OLD = (
    b"BEGIN:VCARD\r\nVERSION:2.1\r\nN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=EA=B9=80;=EC=B2=A0=\r\n=EC=88=98;;;\r\n"
    b"TEL;CELL;PREF:+850 191 000\r\nitem1.EMAIL;INTERNET:kim@example.org\r\nitem1.X-ABLabel:PLANTED\r\n"
    b"X-ANDROID-CUSTOM:PLANTED\r\nREV:20260914T214703Z\r\nUID:PLANTED\r\nPRODID:PLANTED\r\nEND:VCARD\r\n"
)
MEETING = (
    b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//PLANTED//EN\r\nX-WR-CALNAME:PLANTED\r\nBEGIN:VTIMEZONE\r\nTZID:PLANTED\r\n"
    b"BEGIN:STANDARD\r\nTZNAME:PLANTED\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT\r\nUID:PLANTED\r\nDTSTAMP:20260914T2147"
    b"03Z\r\nDTSTART;TZID=PLANTED:20260915T220000\r\nRRULE:FREQ=WEEKLY;BYDAY=TU\r\nSUMMARY;LANGUAGE=ko:\xea\xb5\xad\xea\xb2\xbd\r\n"
    b"LOCATION:the \r\n gate\r\nORGANIZER;CN=PLANTED:mailto:PLANTED\r\nATTENDEE;CN=PLANTED:mailto:PLANTED\r\n"
    b"ATTACH;VALUE=BINARY:PLANTED\r\nBEGIN:VALARM\r\nDESCRIPTION:PLANTED\r\nEND:VALARM\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)


def test_a_card_keeps_what_it_shows(clean: Clean) -> None:
    copy = clean(OLD)
    assert copy.media_type == "text/vcard"
    assert copy.data.decode().split("\r\n") == [
        "BEGIN:VCARD",
        "VERSION:3.0",
        "N:김;철수;;;",
        "TEL;TYPE=CELL,PREF:+850 191 000",
        "EMAIL;TYPE=INTERNET:kim@example.org",
        "END:VCARD",
        "",
    ]
    assert copy.removed == {Removed.TIME, Removed.IDENTIFIERS, Removed.SOFTWARE, Removed.OTHER_METADATA}
    assert clean(copy.data).data == copy.data


def test_a_calendar_keeps_when_the_clock_showed_what_and_nobody_who_was_invited(clean: Clean) -> None:
    copy = clean(MEETING)
    assert copy.media_type == "text/calendar"
    assert copy.data.decode().split("\r\n") == [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-",
        "BEGIN:VEVENT",
        "UID:2",
        "DTSTAMP:19700101T000000Z",
        "DTSTART:20260915T220000",
        "RRULE:FREQ=WEEKLY;BYDAY=TU",
        "SUMMARY:국경",
        "LOCATION:the gate",
        "END:VEVENT",
        "END:VCALENDAR",
        "",
    ]
    told = {Removed.CORRESPONDENTS, Removed.SOFTWARE, Removed.IDENTIFIERS, Removed.TIME, Removed.LOCATION}
    assert copy.removed == told | {Removed.EMBEDDED_FILE, Removed.OTHER_METADATA}
    assert clean(copy.data).removed == set()


def test_a_card_in_an_old_encoding_may_be_read_again() -> None:
    """As an editor asks for it, of the clean copy."""
    guessed = "BEGIN:VCARD\nVERSION:3.0\nFN:김철수\nEND:VCARD\n".encode("cp949").decode("gb18030").encode()
    sink, cleaning = Sink(), pipeline.new_cleaning(Options(reread=("gb18030", "cp949")))
    pipeline.clean(Source.of(guessed), sink, cleaning)
    assert "FN:김철수" in sink.source().whole().decode()


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize(
    "form", ["PHOTO;ENCODING=b;TYPE=JPEG:", "PHOTO;JPEG;ENCODING=BASE64:", "PHOTO:data:image/jpeg;base64,"]
)
def test_the_photo_in_a_card_is_cleaned(clean: Clean, form: str, mode: Mode) -> None:
    photo = base64.b64encode(samples()["jpg"]()).decode()
    folded = "\r\n ".join(photo[start : start + 70] for start in range(0, len(photo), 70))
    copy = clean(f"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Kim\r\n{form}{folded}\r\nEND:VCARD\r\n".encode(), mode)
    assert {Removed.LOCATION, Removed.DEVICE} <= copy.removed
    (line,) = [each for each in copy.data.split(b"\r\n") if each.startswith(b"PHOTO")]
    data = base64.b64decode(line.partition(b":")[2])
    assert b"Somebody" not in data
    with Image.open(io.BytesIO(data)) as image:
        assert image.size == (640, 480)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("RELATED;TYPE=other:urn:uuid:PLANTED", Removed.OTHER_METADATA),
        ("PHOTO;VALUE=uri:https://example.org/kim.jpg", Removed.LINKS),
        ("PHOTO;ENCODING=b;TYPE=JPEG:AAAA", Removed.EMBEDDED_FILE),
        ("BDAY:when the river froze", Removed.OTHER_METADATA),
        ("a line that is none", Removed.OTHER_METADATA),
        ("FN:Kim\u200b\u2060", Removed.COPY_MARKS),
        ("FN:Kim", Removed.INCOMPLETE),
    ],
)
def test_what_cannot_stay_is_told(clean: Clean, body: str, told: Removed) -> None:
    end = "" if told is Removed.INCOMPLETE else "\nEND:VCARD\n"
    copy = clean(f"BEGIN:VCARD\nVERSION:3.0\n{body}{end}".encode())
    assert copy.removed == {told}
    assert copy.data.endswith(b"END:VCARD\r\n")


@pytest.mark.parametrize(
    "line",
    [
        "UID:1",
        "X-A:1",
        "TEL;X-A=1:1",
        "TEL;TYPE=kim:1",
        "BDAY:kim",
        "FN:a\u200bb",
        "PHOTO;ENCODING=b;TYPE=JPEG:AAAA",
        "END:VCARD",
        "",
    ],
)
def test_verify_refuses_what_should_have_gone(line: str) -> None:
    good = "BEGIN:VCARD\r\nVERSION:3.0\r\n{}END:VCARD\r\n"
    verify(Source.of(good.format("FN:Kim\r\n").encode()), "text/vcard")
    with pytest.raises(Residue):
        verify(Source.of(good.format(f"{line}\r\n").encode()), "text/vcard")


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_a_mutated_file_is_refused_or_comes_out_clean(data: st.DataObject) -> None:
    original = bytearray(data.draw(st.sampled_from([OLD, MEETING])))
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(original) - 1))
        original[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    clean_or_refuse(bytes(original))
