"""Finds what leads straight to a person or a house: telephone numbers, addresses, accounts, coordinates, long numbers.

Rules: patterns run on a text of the same length in which full-width and other compatibility characters are made plain,
so offsets stay; digits of any script count; dates, ranges of years and grouped numbers are taken out before numbers are
looked at, because a newspaper is full of them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Final

import phonenumbers

from fieldreport.press.leakcheck.findings import Hit, Rule

# Short of a list of all top-level domains: the generic ones, and those of the countries our readers live in.
_DOMAIN_ENDS: Final = (
    "com|org|net|info|biz|edu|gov|mil|int|onion|app|xyz|site|online|news|club|top|live|io|me|tv|cc|co|eu|ru|su|kr|kp|cn"
    "|hk|tw|jp|mn|ua|by|kz|kg|uz|tj|tm|am|az|ge|ir|iq|sy|sa|ae|tr|eg|il|de|fr|uk|nl|ch|at|se|no|fi|pl|cz|es|pt|it|br|mx"
    "|us|ca|au|nz|in|pk|vn|th|la|mm|kh|рф|한국|中国|中國|香港|台灣"
)
_EMAIL: Final = re.compile(
    r"(?<![A-Za-z0-9._+%-])[A-Za-z0-9._+%-]+ ?(?:@|\[at\]|\(at\)|\{at\})"
    r" ?[\w-]+(?: ?(?:\.|\[dot\]|\(dot\)|\{dot\}) ?[\w-]+)+",
    re.IGNORECASE,
)
_ADDRESS: Final = re.compile(
    rf"""
      \b[a-z][a-z0-9+.-]{{1,20}}://[^\s<>()\[\]"'«»]+                 # a scheme
    | \bwww\.[^\s<>()\[\]"'«»]+
    | (?<![\w@.-])(?:[^\W_](?:[\w-]*[^\W_])?\.)+(?:{_DOMAIN_ENDS})(?![\w-])(?:[:/][^\s<>()\[\]"'«»]*)?
    | (?<![\d.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){{3}}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?!\.?\d)    # IPv4
    | (?<![\w:])(?:[0-9a-f]{{1,4}}:){{3,7}}(?::?[0-9a-f]{{1,4}}){{1,4}}(?![\w:])                # IPv6
    """,
    re.VERBOSE,
)
_PLAIN_PAGE: Final = re.compile(r"(?:https?://)?(?P<host>[\w.-]+)(?:/[^?#@\s]*)?", re.IGNORECASE)
_ACCOUNT: Final = re.compile(
    r"(?<![\w@.])@[A-Za-z0-9_][A-Za-z0-9_.]{2,}"
    r"|\b(?:WeChat|Weixin|Telegram|KakaoTalk|Kakao|LINE|QQ|Skype|Signal|WhatsApp) ?(?:ID|id|account)?"
    r" ?[:：] ?[\w.-]{3,}"
    r"|(?:微信号?|카카오톡|카톡|텔레그램|위챗|Телеграм|Вичат) ?(?:ID|id|号|아이디)? ?[:：] ?[\w.-]{3,}"
)
_DECIMAL: Final = r"[-+\u2212]?\d{1,3}[.,]\d{%s,}"
_HEMISPHERE: Final = r"[NSEWСЮВЗ]"
_MINUTES: Final = r"\d{1,2}(?:[.,]\d+)?\s*['′’]"
_SECONDS: Final = r"""\d{1,2}(?:[.,]\d+)?\s*(?:["″”]|''|’’)"""
_COORDINATES: Final = re.compile(
    rf"""
      (?<![\d.,]){_DECIMAL % 3}\s*°?\s*{_HEMISPHERE}?\s*[,;/ ]\s*{_DECIMAL % 3}(?!\d|\.\d)    # 41.4034, 128.1740
    | (?<![\d.,])\d{{1,3}}(?:[.,]\d+)?\s*°\s*{_HEMISPHERE}\b                                    # 41.4° N
    | (?<![\d.,])\d{{1,3}}\s*°\s*{_MINUTES}(?:\s*{_SECONDS})?\s*{_HEMISPHERE}?
    | (?:北纬|北緯|南纬|南緯|东经|東經|東経|西经|西經|북위|남위|동경|서경)\s*(?:약\s*|约\s*)?\d[\d.度분分도°′'″"초秒\s]*
    | \d{{1,3}}(?:[.,]\d+)?\s*(?:°|градус\w*)[^.\n]{{0,20}}?(?:северной|южной|восточной|западной)\s+(?:широты|долготы)
    | (?:خط\s+(?:عرض|العرض|طول|الطول))\s*\d[\d.°]*
    | \bgeo:[-\d.]+,[-\d.]+
    | (?<!\w)[23456789CFGHJMPQRVWX]{{4,8}}\+[23456789CFGHJMPQRVWX]{{2,3}}(?!\w)                # an open location code
    | (?<!\w)\d{{1,2}}[C-HJ-NP-X]\s?[A-HJ-NP-Z]{{2}}\s?(?:\d{{3,5}}\s\d{{3,5}}|\d{{6}}|\d{{8}}|\d{{10}})(?!\w)    # MGRS
    | (?<![\w/])///[^\W\d_]+\.[^\W\d_]+\.[^\W\d_]+                                              # three words
    """,
    re.VERBOSE,
)
_ID_NUMBER: Final = re.compile(
    r"(?<![A-Za-z0-9])(?:[A-Z]{1,3}-?\d{6,9}[A-Z]?|[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?)"
    r"(?![A-Za-z0-9]|-\d)"
)
_PLAIN_NUMBER_DIGITS: Final = 8
_LONG_NUMBER: Final = re.compile(r"\+?\(?\d(?:[ \u00a0().\-\u2010-\u2014/·]{0,2}\d){7,}[Xx]?")
_NO_NUMBER: Final = re.compile(
    r"""
      (?<!\d)(?:1\d|20)\d\d[-./\u2013](?:1[0-2]|0?[1-9])[-./\u2013](?:[12]\d|3[01]|0?[1-9])(?!\d)  # 2024-05-03
    | (?<!\d)(?:[12]\d|3[01]|0?[1-9])[-./](?:[12]\d|3[01]|0?[1-9])[-./](?:(?:1\d|20)\d\d|\d\d)(?!\d)  # 3.5.2024
    | (?<!\d)(?:1\d|20)\d\d\s?[-/\u2010-\u2014]\s?(?:1\d|20)\d\d(?!\d)  # 2019-2023
    | (?<![\d+])[1-9]\d{0,2}(?:,\d{3})+(?:\.\d{1,2})?(?!\d)  # 1,250,000
    | (?<![\d+])[1-9]\d{0,2}(?:\.\d{3}){2,}(?:,\d{1,2})?(?!\d)
    | (?<![\d+] )(?<![\d+])[1-9]\d{0,2}(?:[ \u00a0\u2009\u202f]\d{3}){2,3}(?!\d)(?![ \u00a0]\d)
    | (?<!\d)[0-2]?\d:[0-5]\d(?::[0-5]\d)?(?!\d)  # 14:30
    """,
    re.VERBOSE,
)


def hits(text: str, phone_regions: Sequence[str], public_sites: Sequence[str] = ()) -> list[Hit]:
    """Everything in ``text`` that reaches a person.

    ``phone_regions`` are ISO 3166 codes whose local numbers count; ``public_sites`` are domains that may be linked to.
    """
    plain = _plain(text)
    found = [hit for hit in _patterns(plain) if not _is_public(plain[hit.start : hit.end], hit.rule, public_sites)]
    numbers = _blanked(plain, [match.span() for match in _NO_NUMBER.finditer(plain)])
    numbers = _blanked(numbers, [(hit.start, hit.end) for hit in found])
    phones = list(_phones(numbers, phone_regions))
    found += phones
    numbers = _blanked(numbers, [(hit.start, hit.end) for hit in phones])
    for pattern in (_ID_NUMBER, _LONG_NUMBER):
        matches = list(pattern.finditer(numbers))
        found += [Hit(rule=Rule.ID_NUMBER, start=match.start(), end=match.end()) for match in matches]
        numbers = _blanked(numbers, [match.span() for match in matches])
    return found


def _patterns(plain: str) -> Iterator[Hit]:
    taken = plain
    for rule, pattern in (
        (Rule.EMAIL, _EMAIL),
        (Rule.COORDINATES, _COORDINATES),
        (Rule.ADDRESS, _ADDRESS),
        (Rule.ACCOUNT, _ACCOUNT),
    ):
        matches = list(pattern.finditer(taken))
        for match in matches:
            end = match.start() + len(match.group().rstrip(" .,;:!?*_`\n"))
            yield Hit(rule=rule, start=match.start(), end=end)
        taken = _blanked(taken, [match.span() for match in matches])


def _is_public(address: str, rule: Rule, public_sites: Sequence[str]) -> bool:
    """Whether an address is a plain page of a listed domain or below it: a query or a user name can name a person."""
    match = _PLAIN_PAGE.fullmatch(address)
    if rule is not Rule.ADDRESS or match is None:
        return False
    host = match["host"].lower()
    return any(host == site.lower() or host.endswith(f".{site.lower()}") for site in public_sites)


def _phones(numbers: str, regions: Sequence[str]) -> Iterator[Hit]:
    seen: list[tuple[int, int]] = []
    if not re.search(r"\d", numbers):
        return
    for region in regions:
        for match in phonenumbers.PhoneNumberMatcher(numbers, region, leniency=phonenumbers.Leniency.VALID):
            digits = sum(character.isdigit() for character in match.raw_string)
            # Seven digits and fewer are also house numbers, prices and crowds; with a plus sign nothing else is.
            if digits < _PLAIN_NUMBER_DIGITS and not match.raw_string.startswith("+"):
                continue
            if not any(start < match.end and match.start < end for start, end in seen):
                seen.append((match.start, match.end))
                yield Hit(rule=Rule.PHONE, start=match.start, end=match.end)


def _blanked(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """``text`` with the spans overwritten by a sign that no pattern bridges."""
    for start, end in spans:
        text = text[:start] + "\u2022" * (end - start) + text[end:]
    return text


def _plain(text: str) -> str:
    """NFKC where that keeps the length: full-width digits and letters become plain."""
    if text.isascii():
        return text
    return "".join(
        folded if len(folded := unicodedata.normalize("NFKC", character)) == 1 else character for character in text
    )
