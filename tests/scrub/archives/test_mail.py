"""A saved mail is never a text: who wrote to whom goes, what was written and sent along stays."""

from __future__ import annotations

import io
import itertools
import zipfile
from email.message import EmailMessage
from email.policy import SMTP

import pytest

from fieldreport.scrub import Mode, Refusal, Removed, pipeline
from fieldreport.scrub.format import Sink, Source
from fieldreport.scrub.text.mail_head import head_of
from fieldreport.scrub.verdicts import Noted, Options
from tests.scrub.archives.test_archives import OLD_WORD, photo
from tests.scrub.conftest import Clean, RefusalOf

RELAY = "Received: from [203.0.113.7] by mx.secret.example; Thu, 30 Mar 2023 11:00:43 -0700"
PLAIN = "From: Anna Secret <anna@secret.example>\nTo: Boss <boss@secret.example>\nSubject: the order\n"
LONG = "".join(f"ARC-Seal: i={n}; a=rsa-sha256; secret\n        b={'A' * 400}\n{RELAY}\n" for n in range(20))

HEADS = {
    "fields alone": PLAIN,
    "no MIME-Version, a relay": f"{RELAY}\n{PLAIN}Date: Thu, 30 Mar 2023 11:00:43 -0700\n",
    "16 kilobytes before MIME-Version": f"Delivered-To: anna@secret.example\n{LONG}{PLAIN}MIME-Version: 1.0\n",
    "a mailbox's line": f"From anna@secret.example Thu Mar 30 11:00:43 2023\n{PLAIN}",
    "a mailbox's line, quoted": f">From anna@secret.example Thu Mar 30 11:00:43 2023\n{PLAIN}",
    "one field before MIME": f"Return-Path: <anna@secret.example>\n{PLAIN}Message-ID: <1@secret.example>\n",
    "a field with spaces": "From : anna@secret.example\nTo : boss@secret.example\nSubject : the order\n",
    "folded fields": "From: Anna\n Secret\n <anna@secret.example>\nTo: boss@secret.example\nSubject: the\n order\n",
    "a draft": f"X-Unsent: 1\n{PLAIN}",
    "an unknown field": f"{PLAIN}Organization: secret\n",
    "a mailbox's line without a time": f"From 1844347792267117879@xxx\n{PLAIN}",
    "Thunderbird's line": f"From - \n{PLAIN}",
    "an empty line in the subject": (
        f"{RELAY}\nFrom: anna@secret.example\nSubject: the\n\n=?utf-8?Q?order?=\nTo: boss@secret.example\n"
        "Content-Type: text/plain\nX-Originating-IP: 203.0.113.7\n"
    ),
    "an empty mark of a phone": f"{PLAIN}X-Universally-Unique-Identifier: secret\n",
    "as text, English": "From:\tAnna Secret\nSent:\tThursday\nTo:\tBoss at secret\nSubject:\tthe order\n",
    "as text, Korean": "보낸 사람:\tAnna Secret\n보낸 날짜:\t2023년\n받는 사람:\tsecret\n제목:\tthe order\n",
    "as text, Chinese": "发件人: Anna Secret\n发送时间: 2023\n收件人: secret\n主题: the order\n",
    "as text, Japanese": "差出人: Anna Secret\n送信日時: 2023\n宛先: secret\n件名: the order\n",
    "as text, Russian": "От: Anna Secret\nОтправлено: 2023\nКому: secret\nТема: the order\n",
}


def text_of(clean: Clean, data: bytes) -> str:
    copy = clean(data)
    assert copy.media_type == "text/plain"
    return copy.data.decode()


def members_of(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def message(body: str = "the body\n", **fields: str) -> EmailMessage:
    made = EmailMessage(policy=SMTP)
    for name, value in {
        "From": "anna@secret.example",
        "To": "boss@secret.example",
        "Subject": "order",
        **fields,
    }.items():
        made[name] = value
    made.set_content(body)
    return made


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
def test_the_head_goes_and_subject_and_body_stay(clean: Clean, head: str) -> None:
    for before, end in itertools.product(("", "\ufeff", "\n\n", "\ufeff\n"), ("\n", "\r\n", "\r")):
        copy = clean(f"{before}{head}\nthe body\nFrom here on: words\n".replace("\n", end).encode())
        assert copy.data.decode() == "the order\n\nthe body\nFrom here on: words\n", (before, end)
        assert Removed.CORRESPONDENTS in copy.removed


@pytest.mark.parametrize(
    "line",
    [
        "From anna@secret.example Thu Mar 30 11:00:43 2023",
        "From Anna_Secret Sat Apr  1 11:00:43 +0200 2023",
        "From - Sat Apr 01 11:00 2023",
    ],
)
def test_a_message_under_no_more_than_a_mailbox_line_is_mail(clean: Clean, line: str) -> None:
    for before, end in itertools.product(("", "\ufeff", "\n\n"), ("\n", "\r\n")):
        copy = clean(f"{before}{line}\n\nthe body\n".replace("\n", end).encode())
        assert copy.data.decode() == "the body\n", (before, end)
        assert Removed.CORRESPONDENTS in copy.removed


@pytest.mark.parametrize("codec", ["utf-16", "utf-8-sig"])
def test_a_mail_that_a_phone_saved_as_unicode_text(clean: Clean, codec: str) -> None:
    assert text_of(clean, f"{PLAIN}\nthe body\n".encode(codec)) == "the order\n\nthe body\n"


@pytest.mark.parametrize(
    "words",
    [
        "Date: 3 May\nPlace: Hyesan\n\nwhat I saw",
        "From: Seoul\nTo: Busan\nDate: 3 May\n",
        "Received: 20 boxes\nDate: 3 May\n",
        "From the border to the gate, 7 km\n",
        "From anna@secret.example\nOrder: a lorry\n",
        "From -\nPlace: the gate\n",
        "Content-Type: multipart is a word\n",
        "From Sinuiju we walked 12:30 hours in 2009\n\nIt was cold.\n",
        "References: none\nTitle: a list\n",
        "Subject: why I write\n\nFrom: where",
        "Note: I write this\nfor you\n",
        "http://example.org\nFrom: x",
        "1234\n5678\n",
    ],
)
def test_somebodys_own_notes_are_a_text(clean: Clean, words: str) -> None:
    assert text_of(clean, words.encode()) == words
    assert head_of(words) is None


def test_words_in_every_charset(clean: Clean) -> None:
    for charset, words in (
        ("euc-kr", "국경에서"),
        ("iso-2022-jp", "国境の町"),
        ("gb2312", "边境上"),
        ("koi8-r", "граница"),
    ):
        made = message(Subject=f"{words} 1")
        made.set_content(f"{words} 2\n", charset=charset)
        assert text_of(clean, made.as_bytes()) == f"{words} 1\n\n{words} 2\n"


@pytest.mark.parametrize("lost", [b"\xc3", b"\x81", b"\xff"])
def test_a_body_with_a_broken_character_stays_in_its_charset_and_the_receipt_says_so(clean: Clean, lost: bytes) -> None:
    body = "어제 밤 국경에서 두 사람이 붙잡혔다. ".encode() * 9
    head = b"MIME-Version: 1.0\nSubject: the order\nContent-Type: text/plain; charset=utf-8\n\n"
    copy = clean(head + body + lost + b" " + body + b"\n")
    assert copy.data.decode().split("\n\n")[1].count("국경에서") == 18
    assert Removed.INCOMPLETE in copy.removed
    assert not any(each.startswith("read-as") for each in copy.noted)


def test_a_part_in_no_charset_at_all_does_not_stop_the_mail(clean: Clean) -> None:
    head = b"MIME-Version: 1.0\nSubject: the order\nContent-Type: multipart/mixed; boundary=b\n\n"
    part = b"--b\nContent-Type: text/plain; charset=utf-8\n\n"
    copy = clean(head + part + b"seen\n" + part + b"\xff\xfe\x00\xff\x81\n--b--\n")
    assert copy.data.decode().startswith("the order\n\nseen\n")
    assert Removed.INCOMPLETE in copy.removed


def test_bytes_beyond_ascii_in_the_head_and_no_charset(clean: Clean) -> None:
    data = "From: 김 <a@secret.example>\nTo: b@secret.example\nSubject: 국경에서 본 것\n\n국경에서 보았습니다\n".encode(
        "cp949"
    )
    assert text_of(clean, data) == "국경에서 본 것\n\n국경에서 보았습니다\n"


def test_attachments_are_cleaned_and_named_where_they_stood(clean: Clean) -> None:
    made = message("see PLANTED-photo.jpg\n", **{"X-Mailer": "PLANTED"})
    made.add_attachment(photo(), "image", "jpeg", filename="PLANTED-photo.jpg")
    made.add_attachment("PLANTED\u200b notes\n", filename="PLANTED notes.txt")
    copy = clean(made.as_bytes())
    members = members_of(copy.data)
    assert list(members) == ["photo-1.jpg", "text-1.txt", "text-2.txt"]
    assert members["text-2.txt"] == b"order\n\nsee photo-1.jpg\n\n[photo-1.jpg]\n\n[text-1.txt]\n"
    assert b"PLANTED" not in members["photo-1.jpg"]
    assert {
        Removed.CORRESPONDENTS,
        Removed.SOFTWARE,
        Removed.DEVICE,
        Removed.COPY_MARKS,
        Removed.FILE_NAMES,
    } <= copy.removed


def test_a_page_that_says_what_the_words_say_goes_and_one_that_says_more_stays(clean: Clean) -> None:
    made = message("the gate opens\nat nine\n")
    made.add_alternative("<div>the <b>gate</b> opens at nine</div>", subtype="html")
    assert text_of(clean, made.as_bytes()) == "order\n\nthe gate opens\nat nine\n"
    made = message("Your program shows no pages.\n")
    made.add_alternative("<div>the <b>gate</b> opens at nine</div>", subtype="html")
    members = members_of(clean(made.as_bytes()).data)
    assert list(members) == ["text-1.txt", "page-1.html"]
    assert b"<b>gate</b> opens at nine" in members["page-1.html"]


def test_a_page_alone_has_the_subject_above_it(clean: Clean) -> None:
    made = message(Subject="A & <B>")
    made.set_content("<html><body><p>the gate</p></body></html>", subtype="html")
    copy = clean(made.as_bytes())
    assert copy.media_type == "text/html"
    assert b"<h1>A &amp; &lt;B&gt;</h1>" in copy.data
    assert b"<p>the gate</p>" in copy.data


def test_a_page_shows_the_pictures_that_came_with_it(clean: Clean) -> None:
    made = message()
    made.set_content('<p>the gate <img src="cid:image001@secret"></p>', subtype="html")
    made.add_related(photo(), "image", "jpeg", cid="<image001@secret>", filename="image001.jpg")
    members = members_of(clean(made.as_bytes()).data)
    assert list(members) == ["photo-1.jpg", "text-1.txt", "page-1.html"]
    assert b'the gate <img src="photo-1.jpg">' in members["page-1.html"]


@pytest.mark.parametrize("line", ["anna@secret.example Thu Mar 30 11:00:43 2023", "1844347792267117879@xxx", "- "])
def test_a_mailbox_gives_a_text_for_each_message_with_its_own_attachments(clean: Clean, line: str) -> None:
    box = b""
    for number in (1, 2):
        made = message(f"body {number}\n>From the gate\n", Subject=f"order {number}")
        made.add_attachment(photo(number), "image", "jpeg", filename="image001.jpg")
        box += f"From {line}\n".encode() + made.as_bytes().replace(b"\r\n", b"\n") + b"\n"
    members = members_of(clean(box).data)
    assert list(members) == ["photo-1.jpg", "photo-2.jpg", "text-1.txt", "text-2.txt"]
    assert members["text-1.txt"] == b"order 1\n\nbody 1\nFrom the gate\n\n[photo-1.jpg]\n"
    assert members["text-2.txt"] == b"order 2\n\nbody 2\nFrom the gate\n\n[photo-2.jpg]\n"


def test_parts_under_no_other_field_than_their_kind_are_mail(clean: Clean) -> None:
    made = message()
    made.add_attachment(photo(), "image", "jpeg", filename="image001.jpg")
    for name in ("From", "To", "Subject", "MIME-Version"):
        del made[name]
    assert made.as_bytes().startswith(b"Content-Type: multipart/mixed;")
    assert list(members_of(clean(made.as_bytes()).data)) == ["photo-1.jpg", "text-1.txt"]


def test_a_forwarded_message_loses_its_head_as_well(clean: Clean) -> None:
    outer = message("look\n")
    outer.add_attachment(message("inner body\n", Subject="inner"))
    assert text_of(clean, outer.as_bytes()) == "order\n\nlook\n\ninner\n\ninner body\n"


def test_the_file_of_apple_mail(clean: Clean) -> None:
    data = message().as_bytes()
    copy = clean(b"%d     \n" % len(data) + data + b"<?xml version='1.0'?><plist>SECRET</plist>")
    assert copy.data == b"order\n\nthe body\n"
    assert Removed.OTHER_METADATA in copy.removed


def test_quoted_lines_stay_and_the_receipt_says_so(clean: Clean) -> None:
    body = "yes\n\nOn Mon, Kim <kim@example.org> wrote:\n> when?\n"
    sink, cleaning = Sink(), pipeline.new_cleaning(Mode.LOSSLESS)
    pipeline.clean(Source.of(message(body).as_bytes()), sink, cleaning)
    assert sink.source().whole().decode() == f"order\n\n{body}"
    assert cleaning.noted == {Noted.WORDS}
    assert text_of(clean, b"order\n") == "order\n"


def test_an_invitation_does_not_tell_who_was_invited(clean: Clean) -> None:
    made = message()
    made.add_alternative("BEGIN:VCALENDAR\nATTENDEE:mailto:secret@example.org\n", subtype="calendar")
    assert text_of(clean, made.as_bytes()) == "order\n\nthe body\n"


def test_a_subject_like_a_page_stays_a_text(clean: Clean) -> None:
    once = clean(message(Subject="<html> in mails").as_bytes())
    assert once.data == b"---\n<html> in mails\n\nthe body\n"
    assert clean(once.data).data == once.data


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (
            "multipart/encrypted; boundary=b",
            b"--b\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n--b--\r\n",
        ),
        ("application/pkcs7-mime; smime-type=enveloped-data", b"MIIB"),
        ("text/plain", b"-----BEGIN PGP MESSAGE-----\r\n\r\nhQEM\r\n"),
    ],
)
def test_a_locked_mail_has_its_own_advice(refusal_of: RefusalOf, kind: str, data: bytes) -> None:
    assert refusal_of(f"{PLAIN}MIME-Version: 1.0\nContent-Type: {kind}\n\n".encode() + data) is Refusal.ENCRYPTED


@pytest.mark.parametrize(
    "data",
    [
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "__substg1.0_0037".encode("utf-16-le"),
        b"!BDN" + bytes(600),
        b"\x78\x9f\x3e\x22" + bytes(60),
    ],
    ids=["msg", "pst", "winmail.dat"],
)
def test_what_only_outlook_opens_has_its_own_advice(refusal_of: RefusalOf, data: bytes) -> None:
    assert refusal_of(data) is Refusal.MAIL


def test_an_attachment_that_cannot_be_cleaned_stops_the_mail_until_its_sender_agrees(refusal_of: RefusalOf) -> None:
    made = message("see\n")
    made.add_attachment(OLD_WORD, "application", "msword", filename="PLANTED.doc")
    assert refusal_of(made.as_bytes()) is Refusal.MEMBER
    sink, cleaning = Sink(), pipeline.new_cleaning(Options(without_refused=True))
    pipeline.clean(Source.of(made.as_bytes()), sink, cleaning)
    assert members_of(sink.source().whole()) == {"text-1.txt": b"order\n\nsee\n\n[left-out-1]\n"}
    assert Noted.LEFT_OUT in cleaning.noted


def test_a_mail_of_nothing_is_empty(refusal_of: RefusalOf) -> None:
    assert refusal_of(b"From: a@example.org\nTo: b@example.org\nMIME-Version: 1.0\n\n") is Refusal.EMPTY


def test_an_attachment_whose_head_is_broken_does_not_stay_among_the_words(clean: Clean) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "anna@secret.example", "boss@secret.example", "the gate"
    message.set_content("at seven")
    message.add_attachment(photo(), "image", "jpeg", filename="secret.jpg")
    whole = message.as_bytes()
    copy = clean(whole.replace(b"Content-Type: image/jpeg", b"Conte\xff\n\njpeg"))
    assert b"/9j/4AAQ" not in copy.data
    assert b"at seven" in copy.data
    assert Removed.EMBEDDED_FILE in copy.removed


@pytest.mark.parametrize("kind", ["x-amp-html", "watch-html"])
def test_a_page_for_other_programs_is_no_attachment(clean: Clean, kind: str) -> None:
    """It says the same again, and what it shows is somewhere else."""
    page = '<b>the gate</b> opens <img src="https://example.org/PLANTED.gif">'
    parts = {"plain": "the gate opens", kind: page, "html": f"<p>{page}</p>"}
    body = "".join(f"--b\nContent-Type: text/{name}\n\n{part}\n" for name, part in parts.items())
    head = "From: a@example.org\nMIME-Version: 1.0\nContent-Type: multipart/alternative; boundary=b\n\n"
    copy = clean(f"{head}{body}--b--\n".encode())
    assert copy.media_type == "text/plain"
    assert copy.data == b"the gate opens\n"


def test_a_sender_and_a_kind_of_body_are_enough_for_a_mail(clean: Clean) -> None:
    head = "From: kim@example.org\nReply-To: lee@example.org\nContent-Type: text/plain"
    assert text_of(clean, f"{head}\n\nAt the gate.\n".encode()).strip() == "At the gate."
