"""A saved mail as its words, pages and attachments (RFC 2045 to 2047, 2183), one message after the other.

Rules: the standard library reads the structure; what it says about itself (types, charsets, names) decides only which
part is words, never how a file is cleaned. A text that its charset does not decode is decoded as any text file is.
"""

from __future__ import annotations

import codecs
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.header import decode_header
from email.message import Message
from email.parser import BytesFeedParser
from email.policy import compat32
from html import escape, unescape
from typing import Final

from fieldreport import limits
from fieldreport.scrub.format import Cleaning, Source
from fieldreport.scrub.text import encoding, invisible, people
from fieldreport.scrub.text.encodings import meant
from fieldreport.scrub.text.mail_head import Head, head_of
from fieldreport.scrub.verdicts import Bomb, Damaged, Refusal, Refused, Removed

_SEPARATOR: Final = re.compile(
    rb"(?:\A|(?<=\n\n)|(?<=\r\n\r\n))From "
    rb"(?:[^\r\n]*\b\d{2}:\d{2}\b[^\r\n]*\d{4}[^\r\n]*\r?\n|(?:-|\S{1,200}@\S{1,200})[ \t]*\r?\n(?=[!-9;-~]+:))"
)
_PIECE_BYTES: Final = limits.MIB
_LONGEST_SEPARATOR: Final = 500
# A file among the words, in base 64: what a broken head in front of it makes of an attachment.
_CODED: Final = re.compile(r"(?m)(?:^[A-Za-z0-9+/]{56,76}\r?\n){5,}(?:^[A-Za-z0-9+/]{1,76}={0,2}[ \t]*\r?$\n?)?")
_ARMOUR: Final = re.compile(r"(?m)^-----BEGIN (PGP MESSAGE|AGE ENCRYPTED)")
_QUOTED_FROM: Final = re.compile(r"(?m)^>(?=>*From )")
_REPORTS: Final = frozenset(
    {"message/delivery-status", "message/disposition-notification", "text/rfc822-headers", "message/feedback-report"}
)
_SIGNATURES: Final = frozenset(
    {"application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature"}
)
_PAGES: Final = frozenset(
    {"text/html", "text/x-amp-html", "text/watch-html"}
)  # the same for programs with AMP, watches
_SEALED: Final = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime", "application/pgp-encrypted"})
_SAYS_NOTHING: Final = frozenset({"", "us-ascii", "ascii", "unknown-8bit", "x-unknown", "default"})
_LOST: Final = "\ufffd"
_FOR_EACH_LOST: Final = 100  # characters that are as they should be, or the charset is another than the mail says
_TAG: Final = re.compile(r"<[^>]*>")
_WORD: Final = re.compile(r"[a-z0-9]{4,}|[^\W\d_a-z]")


@dataclass(slots=True, kw_only=True)
class Mail:
    """One message: subject, words in order with the attachments named among them, pages, attachments."""

    subject: str = ""
    words: list[str] = field(default_factory=list)
    pages: list[str] = field(default_factory=list)
    files: list[tuple[str, bytes]] = field(default_factory=list)

    @property
    def text(self) -> str:
        """Subject and words, with an empty line between all; nothing if there are none."""
        return "\n\n".join(words for each in (self.subject, *self.words) if (words := each.strip("\r\n")))


def mails(untrusted_source: Source, cleaning: Cleaning) -> Iterator[Mail]:
    """Every message of a file; what goes with their heads is added to ``cleaning.removed``.

    Raises:
        Refused: ``encrypted``, ``too-large``, ``damaged``, ``bomb``.
    """
    for count, untrusted in enumerate(_messages(untrusted_source), start=1):
        if count > limits.ARCHIVE_MEMBERS:
            raise Bomb
        cleaning.spend(len(untrusted))
        try:
            yield _mail(untrusted, cleaning)
        except (ValueError, LookupError, RecursionError, AttributeError, TypeError, AssertionError):
            raise Damaged from None  # what the standard library raises about a stranger's mail


def _messages(source: Source) -> Iterator[bytes]:
    """The file, or what lies between the lines that separate the messages of a mailbox."""
    if not source.read_at(0, 20).lstrip(b"\xef\xbb\xbf\r\n").startswith(b"From "):
        yield source.whole(limits.MAIL_BYTES)
        return
    starts = [*_separators(source), source.size]
    for start, end in itertools.pairwise(starts):
        if end - start > limits.MAIL_BYTES:
            raise Refused(Refusal.TOO_LARGE)
        message = source.read_at(start, end - start)
        if message.strip():
            yield message


def _separators(source: Source) -> Iterator[int]:
    yield 0
    position, last = 0, 0
    while position < source.size:
        before = min(position, 4)
        piece = source.read_at(position - before, before + _PIECE_BYTES + _LONGEST_SEPARATOR)
        for found in _SEPARATOR.finditer(piece):
            start = position - before + found.start()
            if last < start < position + _PIECE_BYTES and head_of(_ascii(piece[found.start() :])) is not None:
                last = start
                yield start
        position += _PIECE_BYTES


def _ascii(data: bytes) -> str:
    return data.decode("ascii", "surrogateescape")


def _mail(untrusted: bytes, cleaning: Cleaning) -> Mail:
    if untrusted.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        untrusted = encoding.decode(untrusted).encode()
    written = _head_in_words(untrusted, cleaning.options.language)
    if written is not None:
        cleaning.removed |= written.removed
        text = encoding.decode_for(cleaning, untrusted)
        subject = next((value for name, value in written.fields if name == "subject"), "")
        return Mail(subject=subject, words=[text[written.body :]])
    start = untrusted.removeprefix(codecs.BOM_UTF8).lstrip(b" \t\r\n")
    first, _, rest = start.partition(b"\n")
    if first.strip().isdigit():  # Apple Mail: the length, the message, and notes of the program
        start = rest[: int(first)]
        if rest[len(start) :].strip():
            cleaning.removed.add(Removed.OTHER_METADATA)
    head = head_of(_ascii(start))
    if head is None:
        raise Damaged
    cleaning.removed |= head.removed
    return _Reading(cleaning, is_mailbox=b"From " in start[:6]).read(_structure(head, start))


def _structure(head: Head, untrusted: bytes) -> Message:
    """The parts of a message. Its head is written again, so that the parser sees the same fields as we did."""
    fields = dict(reversed(head.fields))  # of two of one name, the first
    body = untrusted[head.body :]
    parser = BytesFeedParser(policy=compat32)
    for name, value in fields.items():
        parser.feed(f"{name}: {value}\n".encode("ascii", "surrogateescape"))
    parser.feed(b"\n")
    for position in range(0, len(body), _PIECE_BYTES):
        parser.feed(body[position : position + _PIECE_BYTES])
    return parser.close()


def _head_in_words(untrusted: bytes, language: str) -> Head | None:
    """The head of a mail that a program saved as words; none where it is MIME."""
    try:
        head = head_of(encoding.decode(untrusted[: limits.MAIL_HEAD_BYTES], partial=True, language=language))
    except Damaged:
        return None
    return head if head is not None and head.is_text else None


class _Reading:
    """One message on its way into a ``Mail``."""

    def __init__(self, cleaning: Cleaning, *, is_mailbox: bool) -> None:
        self._cleaning = cleaning
        self._is_mailbox = is_mailbox
        self._mail = Mail()
        self._shown_inside: list[tuple[str, str]] = []

    def read(self, message: Message) -> Mail:
        self._mail.subject = self._header(message, "subject")
        self._part(message)
        for identifier, name in self._shown_inside:
            self._mail.pages = [each.replace(f"cid:{identifier}", name) for each in self._mail.pages]
        return self._mail

    def _part(self, part: Message) -> None:
        kind = part.get_content_type()
        if kind == "multipart/alternative":
            self._alternative(part)
        elif kind == "multipart/encrypted" or kind in _SEALED:
            raise Refused(Refusal.ENCRYPTED)
        elif kind == "message/rfc822" and part.is_multipart():
            self._forwarded(part)
        elif part.is_multipart():
            for each in _inner(part):
                self._part(each)
        elif kind in _SIGNATURES or kind in _REPORTS:
            self._cleaning.removed.add(Removed.IDENTIFIERS if kind in _SIGNATURES else Removed.CORRESPONDENTS)
        elif kind in {"text/plain", *_PAGES} and not self._is_attached(part):
            self._body(part, kind)
        else:
            self._attachment(part)

    def _alternative(self, part: Message) -> None:
        """The same body in several forms. Its words are kept, and its page where that says more."""
        before = len(self._mail.words), len(self._mail.pages)
        for each in _inner(part):
            if each.get_content_type() == "text/calendar":  # an invitation names everybody invited
                self._cleaning.removed.add(Removed.CORRESPONDENTS)
            else:
                self._part(each)
        plain = "\n".join(self._mail.words[before[0] :])
        if plain.strip():
            self._mail.pages[before[1] :] = [
                each for each in self._mail.pages[before[1] :] if self._said_by_page(each) - _said(plain)
            ]

    def _said_by_page(self, untrusted_page: str) -> set[str]:
        """The words of a page as its clean copy has them; one that has no clean copy says more than anything."""
        try:
            shown = self._cleaning.lossless().embedded(as_page(untrusted_page).encode(), accept={"text/html"})
        except Refused:
            return {""}
        return _said(unescape(_TAG.sub(" ", shown.data.decode())))

    def _forwarded(self, part: Message) -> None:
        for each in _inner(part):
            self._cleaning.removed |= Head(tuple((name.lower(), "") for name in each), 0).removed
            self._mail.words.append(self._header(each, "subject"))
            self._part(each)

    def _body(self, part: Message, kind: str) -> None:
        text = self._decoded(_payload(part), part.get_content_charset(""))
        if _ARMOUR.search(text):
            raise Refused(Refusal.ENCRYPTED)  # and it names the keys of its receivers
        if people.is_signed(text):
            self._cleaning.removed.add(Removed.IDENTIFIERS)
            text = people.unsigned(text)
        if kind in _PAGES:
            self._mail.pages.append(text)
        elif text.strip():
            text, files = _CODED.subn("", text)
            self._cleaning.removed |= {Removed.EMBEDDED_FILE} if files else set()
            self._mail.words.append(_QUOTED_FROM.sub("", text) if self._is_mailbox else text)

    def _is_attached(self, part: Message) -> bool:
        return part.get_content_disposition() == "attachment" or part.get_filename() is not None

    def _attachment(self, part: Message) -> None:
        data = _payload(part)
        if not data:
            return
        name = self._words(str(part.get_filename() or ""))
        name = re.sub(r"[\s/\\\[\]]+", " ", invisible.unmark(name)[0]).strip() or f"{len(self._mail.files) + 1}"
        if re.search(r"\.[A-Za-z0-9]{1,10}$", name) is None:
            name += ".bin"
        self._mail.files.append((name, data))
        self._mail.words.append(f"[{name}]")
        identifier = str(part.get("content-id", "")).strip().strip("<>")
        if identifier:
            self._shown_inside.append((identifier, name))

    def _decoded(self, data: bytes, charset: str) -> str:
        patched = ""
        if charset not in _SAYS_NOTHING:
            try:
                return data.decode(meant(charset))
            except UnicodeError:
                patched = data.decode(meant(charset), "replace")
            except LookupError:
                pass
        try:
            if data and patched.count(_LOST) * _FOR_EACH_LOST >= len(patched):
                return encoding.decode_for(self._cleaning, data)
        except Damaged:
            if not patched:
                raise
        if patched:  # as every mail program shows it
            self._cleaning.removed.add(Removed.INCOMPLETE)
        return invisible.unmark(patched)[0]

    def _header(self, message: Message, name: str) -> str:
        raw = next((value for each, value in message.raw_items() if each.lower() == name), "")
        return " ".join(self._words(str(raw)).split())

    def _words(self, raw: str) -> str:
        """A header's value with its encoded words decoded."""
        data = raw.encode("utf-8", "surrogateescape")
        if not data.isascii():
            return self._decoded(data, "")
        pieces = decode_header(raw)
        return "".join(
            each if isinstance(each, str) else self._decoded(each, (charset or "").lower()) for each, charset in pieces
        )


def _inner(part: Message) -> list[Message]:
    return [each for each in part.get_payload() if isinstance(each, Message)]


def _payload(part: Message) -> bytes:
    data = part.get_payload(decode=True)
    return data if isinstance(data, bytes) else b""


def _said(text: str) -> set[str]:
    return set(_WORD.findall(invisible.unmark(text)[0].casefold()))


def as_page(untrusted_page: str, subject: str = "") -> str:
    """What a mail says is a page, as one; below the mail's subject if that is given."""
    heading = f"<h1>{escape(subject)}</h1>\n" if subject else ""
    return f"<!DOCTYPE html>\n{heading}{untrusted_page}"
