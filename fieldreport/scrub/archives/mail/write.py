"""Cleaning a saved mail: its words as a text, its attachments as files of their own."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Final

from fieldreport import limits
from fieldreport.scrub.archives.mail.parse import Mail, as_page, mails
from fieldreport.scrub.archives.member import Member
from fieldreport.scrub.archives.write import MEDIA_TYPE, pack
from fieldreport.scrub.format import Cleaning, Sink, Source
from fieldreport.scrub.sniff import as_text
from fieldreport.scrub.verdicts import Noted, Removed

_SAMPLE: Final = (
    b"MIME-Version: 1.0\r\nSubject: =?utf-8?b?w6k=?= =?utf-8?q?=C3=A9?=\r\n"
    b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\nContent-Type: text/plain; charset="euc-kr"\r\n'
    b"Content-Transfer-Encoding: base64\r\n\r\nYWI=\r\n--b\r\nContent-Type: text/html\r\n"
    b"Content-Transfer-Encoding: quoted-printable\r\n\r\n<p>=41\r\n--b\r\n"
    b"Content-Disposition: attachment; filename*=utf-8''%C3%A9.txt\r\n\r\nx\r\n--b--\r\n"
)


def clean(untrusted_source: Source, sink: Sink, cleaning: Cleaning) -> str:
    """Write a text, a page or an archive.

    Raises:
        Refused: ``member``, ``encrypted``, ``too-large``, ``damaged``, ``bomb``, ``empty``.
    """
    cleaning.removed.add(Removed.CORRESPONDENTS)
    cleaning.noted.add(Noted.WORDS)
    members: Callable[[], Iterable[Member]] = functools.partial(_members, untrusted_source, cleaning)
    if untrusted_source.size <= limits.MAIL_BYTES:  # read once and kept; a mailbox of many is read again
        members = list(members()).copy
    first = list(islice(members(), 2))
    if len(first) != 1:
        pack(members, sink, cleaning)
        return MEDIA_TYPE
    return cleaning.hand_out(cleaning.embedded(first[0].read()), sink)


def _members(source: Source, cleaning: Cleaning) -> Iterator[Member]:
    """The texts, pages and attachments of all messages, those of each in a folder of its own."""
    for number, mail in enumerate(mails(source, cleaning), start=1):
        for name, data in _files(mail):
            yield Member(f"{number}/{name}", functools.partial(bytes, data))


def _files(mail: Mail) -> Iterator[tuple[str, bytes]]:
    """What a message is made of. Its subject stands above its page where it has no words."""
    yield from mail.files
    is_page = bool(mail.pages) and not mail.words
    if mail.text and not is_page:
        yield "words.txt", as_text(f"{mail.text}\n").encode()
    for number, page in enumerate(mail.pages, start=1):
        yield f"page {number}.html", as_page(page, mail.subject if is_page else "").encode()


def warm() -> None:
    """Load what the standard library loads late."""
    for _ in mails(Source.of(_SAMPLE), Cleaning(dispatch=lambda *_: MEDIA_TYPE)):
        pass
