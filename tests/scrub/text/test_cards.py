"""Contact cards and calendars: what they show stays; who wrote them, when and where, and who was invited, goes."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable

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


@pytest.mark.parametrize("name", ["NOTE", "URL", "ORG", "NICKNAME"])
@pytest.mark.parametrize("spell", [lambda data: f"data:image/jpeg;base64,{base64.b64encode(data).decode()}", bytes.hex])
def test_a_photo_that_is_spelled_out_in_the_words_of_a_card_is_cleaned(
    clean: Clean, name: str, spell: Callable[[bytes], str]
) -> None:
    photo = samples()["jpg"]()
    copy = clean(f"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Kim\r\n{name}:{spell(photo)}\r\nEND:VCARD\r\n".encode())
    assert {Removed.LOCATION, Removed.DEVICE} <= copy.removed
    data = base64.b64decode(copy.data.partition(b";base64,")[2].split(b"\r\n")[0])
    assert b"Somebody" not in data
    with Image.open(io.BytesIO(data)) as image:
        assert image.size == (640, 480)
    with pytest.raises(Residue):
        verify(
            Source.of(f"BEGIN:VCARD\r\nVERSION:3.0\r\n{name}:{spell(photo)}\r\nEND:VCARD\r\n".encode()), "text/vcard"
        )


@pytest.mark.parametrize(
    "line",
    ["KIND:planted", "GENDER:planted", "GEO:1;2;88123456", "GEO:1;88123456789", "BDAY:88123456789"],
)
def test_a_value_that_a_card_s_format_does_not_know_goes(clean: Clean, line: str) -> None:
    copy = clean(f"BEGIN:VCARD\nVERSION:3.0\nFN:Kim\n{line}\nEND:VCARD\n".encode())
    assert line.encode() not in copy.data
    with pytest.raises(Residue):
        verify(Source.of(f"BEGIN:VCARD\r\nVERSION:3.0\r\n{line}\r\nEND:VCARD\r\n".encode()), "text/vcard")


def _event(line: str) -> bytes:
    return (
        f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-\r\nBEGIN:VEVENT\r\nUID:2\r\nDTSTAMP:19700101T000000Z\r\n{line}\r\n"
        "END:VEVENT\r\nEND:VCALENDAR\r\n"
    ).encode()


@pytest.mark.parametrize(
    "line",
    [
        "TRANSP:planted", "STATUS:planted", "RRULE:FREQ=DAILY;X-NAME=PLANTED", "RRULE:FREQ=PLANTED",
        "PRIORITY:88123456789", "DTEND:20200101T100000/881234567890", "DTEND:2020010120200101", "RRULE:BYDAY=PLANTED",
    ],
)  # fmt: skip
def test_a_value_that_a_calendar_s_format_does_not_know_goes(clean: Clean, line: str) -> None:
    assert line.encode() not in clean(_event(line)).data
    with pytest.raises(Residue):
        verify(Source.of(_event(line)), "text/calendar")


@pytest.mark.parametrize(
    "line",
    [
        "RDATE;VALUE=DATE:20260101,20260201", "EXDATE:19960402T010000Z,19960403T010000Z", "DURATION:P15DT5H0M20S",
        "RDATE:19960403T020000Z/19960403T040000Z,19960404T010000Z/PT3H", "DURATION:-P2W", "STATUS:CONFIRMED",
        "RRULE:FREQ=MONTHLY;UNTIL=20201231T000000Z;INTERVAL=2;BYDAY=-2MO,TU;BYMONTHDAY=-1,15;BYSETPOS=-1;WKST=SU",
        "RRULE:FREQ=YEARLY;COUNT=3;BYMONTH=1,2;BYHOUR=9;BYMINUTE=0;BYSECOND=0;BYWEEKNO=20;BYYEARDAY=1", "GEO:1.5;-2",
        "TRANSP:OPAQUE", "PERCENT-COMPLETE:100", "DTSTART:20200101T0900",
    ],
)  # fmt: skip
def test_a_calendar_keeps_what_its_format_knows(clean: Clean, line: str) -> None:
    copy = clean(_event(line))
    assert line.encode() in copy.data
    assert copy.removed <= {Removed.IDENTIFIERS}


@pytest.mark.parametrize(
    "line",
    [
        "BDAY:--0412",
        "BDAY:1985-04-12",
        "BDAY:19850412T102200-0500",
        "BDAY:1985",
        "KIND:org",
        "GENDER:O;it's complicated",
    ],
)
def test_a_card_keeps_what_its_format_knows(clean: Clean, line: str) -> None:
    copy = clean(f"BEGIN:VCARD\nVERSION:3.0\nFN:Kim\n{line}\nEND:VCARD\n".encode())
    assert line.encode() in copy.data
    assert not copy.removed


def test_the_place_of_a_newer_card_is_kept(clean: Clean) -> None:
    """RFC 6350 has it as an address, RFC 2426 as two numbers."""
    copy = clean(b"BEGIN:VCARD\nVERSION:4.0\nFN:Kim\nGEO:geo:37.386013,-122.082932;u=5\nEND:VCARD\n")
    assert b"\r\nGEO:37.386013;-122.082932\r\n" in copy.data


def test_of_a_number_s_kinds_those_that_are_known_are_kept_and_the_others_told(clean: Clean) -> None:
    copy = clean(b"BEGIN:VCARD\nVERSION:3.0\nFN:Kim\nTEL;type=PLANTED;type=CELL;type=pref:1\nEND:VCARD\n")
    assert b"\r\nTEL;TYPE=CELL,pref:1\r\n" in copy.data
    assert copy.removed == {Removed.OTHER_METADATA}


def test_a_parameter_that_goes_is_told(clean: Clean) -> None:
    copy = clean(b"BEGIN:VCARD\nVERSION:3.0\nFN:Kim\nIMPP;X-SERVICE-TYPE=Planted:xmpp:1\nEND:VCARD\n")
    assert b"\r\nIMPP:xmpp:1\r\n" in copy.data
    assert copy.removed == {Removed.OTHER_METADATA}


def test_the_card_of_an_assistant_inside_another_goes(clean: Clean) -> None:
    copy = clean(b"BEGIN:VCARD\nVERSION:2.1\nFN:Kim\nAGENT:\nBEGIN:VCARD\nFN:Planted\nEND:VCARD\nTEL:1\nEND:VCARD\n")
    assert b"Planted" not in copy.data
    assert b"TEL:1" in copy.data
    assert copy.removed == {Removed.PEOPLE}


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
