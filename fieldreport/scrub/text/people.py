"""What a text says about people besides its own words: signatures, and signs that it says who wrote what to whom.

A signature names its key, and most name their maker; it does not fit a cleaned text anyway, so it goes. A key, a
certificate, the fields above a forwarded or answered mail and an exported chat are what somebody sends on purpose, so
they stay, and are told.
"""

from __future__ import annotations

import re
from typing import Final

from fieldreport.scrub.text import conversation
from fieldreport.scrub.text.mail_head import WRITTEN

_KINDS: Final = "(?:PGP |SSH |PKCS7 |CMS |)SIGNATURE"
# RFC 9580, 6 and 7; RFC 7468. To its end, or as far as its lines are as long as programs write them.
_SIGNATURE: Final = re.compile(
    rf"(?m:^[> \t]*)?-----BEGIN {_KINDS}-----(?s:.{{0,100000}}?)-----END {_KINDS}-----[ \t]*(?:\n|\Z)?"
    rf"|(?m:^[> \t]*)?-----BEGIN {_KINDS}-----[ \t]*"
    r"(?:\n[> \t]*(?:[A-Za-z0-9+/=]{40,}|[A-Z][A-Za-z]{2,20}: [^\n]*)?[ \t]*(?=\n|\Z))*"
    r"|(?m:^[> \t]*)?-----BEGIN PGP SIGNED MESSAGE-----(?:[ \t]*\n(?:[> \t]*Hash: [^\n]*\n)*(?:[> \t]*\n)?)?"
)
_ARMOUR: Final = "-----BEGIN "

_SENDERS: Final = frozenset(name for name in WRITTEN if WRITTEN[name] == "from")
_NAME: Final = rf"[ \t>*|]{{0,8}}(?:{'|'.join(sorted(map(re.escape, WRITTEN), reverse=True))})[ \t*]{{0,3}}[:\uff1a]"
# Three fields after each other, in lines that may be quoted.
_FORWARDED: Final = re.compile(rf"(?:\n{_NAME}[^\n]*\n?){{3}}")
_LONGEST: Final = 60
_AROUND: Final = 1000  # characters before and after the sender in which the others are
_LOOKS: Final = 2000
_ANSWERED: Final = (
    " wrote:", " a \xe9crit", " escribi\xf3:", " escreveu:", " schrieb ", "\u5199\u9053", "\ub2d8\uc774 \uc791\uc131:",
)  # fmt: skip
_RECORDS: Final = ('"from"', '"sender_name"', '"sender"', '"author"', '"username"')


def unsigned(text: str) -> str:
    """The text without signatures and what frames a signed text."""
    return _SIGNATURE.sub("", text) if _ARMOUR in text else text


def is_signed(text: str) -> bool:
    """Whether there is a signature in it."""
    return _ARMOUR in text and re.search(rf"-----BEGIN {_KINDS}-----", text) is not None


def names_people(text: str) -> bool:
    """Whether it says who wrote what to whom, or holds a key or a certificate."""
    if _ARMOUR in text or any(sign in text for sign in _ANSWERED):
        return True
    if text[:1] in {"{", "["} and any(name in text for name in _RECORDS):
        return True
    return conversation.is_conversation(text) or _forwards(text)


def _forwards(text: str) -> bool:
    """Whether the fields of a mail stand somewhere in it, the sender among them."""
    start = 0
    for before in text.replace("\uff1a", ":").split(":", _LOOKS)[:-1]:
        start += len(before) + 1
        if before.rpartition("\n")[2][-_LONGEST:].strip(" \t>*|").lower() in _SENDERS:
            around = f"\n{text[max(0, start - _AROUND) : start + _AROUND]}".lower()
            sender = len(around) - len(text[start : start + _AROUND]) - 1
            if any(found.start() < sender < found.end() for found in _FORWARDED.finditer(around)):
                return True
    return False
