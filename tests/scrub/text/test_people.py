"""Signatures go from texts and mails; of who wrote what to whom, which stays, an editor is told."""

from __future__ import annotations

import base64

import pytest

from fieldreport.scrub import Removed
from fieldreport.scrub.format import Source
from fieldreport.scrub.text.plain.verify import verify
from fieldreport.scrub.verdicts import Noted, Residue
from tests.scrub.conftest import Clean

PLANTED = base64.b64encode(bytes(39) + b"PLANTED" * 20).decode()
SIGNATURE = (
    "-----BEGIN PGP SIGNATURE-----\nVersion: PLANTED\n\n"
    f"{PLANTED[:64]}\n{PLANTED[64:128]}\n=abcd\n-----END PGP SIGNATURE-----\n"
)
SIGNED = f"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\nThe gate opens at nine.\n{SIGNATURE}"


@pytest.mark.parametrize(
    "text",
    [
        SIGNED,
        "".join(f"> {line}\n" for line in SIGNED.splitlines()),
        SIGNED.partition("=abcd")[0],
        SIGNED.replace("\n", "\r\n"),
        f"The gate opens at nine.\n{SIGNATURE.replace('PGP', 'SSH')}",
        f"The gate opens at nine.\n{SIGNATURE.replace('PGP ', '')}",
    ],
)
def test_a_signature_goes_from_a_text(clean: Clean, text: str) -> None:
    copy = clean(text.encode())
    assert copy.data.strip(b"> \n") == b"The gate opens at nine."
    assert Removed.IDENTIFIERS in copy.removed
    assert clean(copy.data).data == copy.data
    with pytest.raises(Residue):
        verify(Source.of(text.replace("\r", "").encode()), "text/plain")


def test_words_after_a_signature_that_was_cut_off_stay(clean: Clean) -> None:
    copy = clean(SIGNED.partition("=abcd")[0].encode() + b"Hello\nto you\n")
    assert copy.data == b"The gate opens at nine.\n\nHello\nto you\n"


@pytest.mark.parametrize("kind", ["plain", "html"])
def test_a_signature_goes_from_a_mail(clean: Clean, kind: str) -> None:
    body = f"<pre>{SIGNED}</pre>" if kind == "html" else SIGNED
    copy = clean(f"From: a@example.org\nMIME-Version: 1.0\nContent-Type: text/{kind}\n\n{body}".encode())
    assert b"The gate opens at nine." in copy.data
    assert b"SIGN" not in copy.data
    assert PLANTED[:64].encode() not in copy.data
    assert Removed.IDENTIFIERS in copy.removed


def test_a_page_that_shows_a_signature_is_cleaned(clean: Clean) -> None:
    assert b"SIGNATURE" in clean(f"<!DOCTYPE html><html><body><pre>{SIGNED}</pre></body></html>".encode()).data


@pytest.mark.parametrize(
    "text",
    [
        "Hi\n\n-----Original Message-----\nFrom: Kim\nSent: Monday\nTo: Lee\nSubject: RE: plan\n\nwords\n",
        "Hi\n\n> *Subject:* plan\n> *Date:* Monday\n> *From:* Kim <kim@example.org>\n\nwords\n",
        "보세요\n\n보낸 사람: 김\n보낸 날짜: 월요일\n받는 사람: 박\n제목: 계획\n\n내용\n",
        "请看\n\n发件人：王\n发送时间：星期一\n收件人：李\n主题：计划\n\n内容\n",
        "On Monday, Kim wrote:\n> words\n",
        "2026. 1. 5. 오후 3:12, 김 님이 작성:\n> 내용\n",
        "".join(f"[05.01.26, 09:1{minute}:01] Kim: words\n" for minute in range(5)),
        "".join(f"2026/01/05, 09:1{minute} - Kim: words\n" for minute in range(5)),
        "".join(f"Kim 2026/01/05 09:1{minute}:01\nwords\n" for minute in range(5)),
        "".join(f"[김] [오전 9:1{minute}] 사진\n" for minute in range(5)),
        '{"name": "x", "messages": [{"id": 1, "from": "Kim", "text": "words"}]}',
        f"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n{PLANTED[:64]}\n-----END PGP PUBLIC KEY BLOCK-----\n",
        f"-----BEGIN CERTIFICATE-----\n{PLANTED[:64]}\n-----END CERTIFICATE-----\n",
    ],
)
def test_what_says_who_wrote_it_is_told(clean: Clean, text: str) -> None:
    copy = clean(text.encode())
    assert copy.noted == {Noted.WORDS}
    assert copy.data.decode().split() == text.split()


@pytest.mark.parametrize(
    "text",
    [
        "The gate opens at nine.\n",
        "09:15 the gate\n10:20 a lorry\n11:30 two men\n",
        "From: the bridge\nto the gate it takes an hour.\n",
        "Date: Monday\nPlace: the gate\nWhat: two men\n",
        '{"from": 1}'[:5] + "\n",
    ],
)
def test_other_words_are_not(clean: Clean, text: str) -> None:
    assert not clean(text.encode()).noted
