"""The codename, all that a source has to remember, and the keys that are derived from it.

Nine words: eight are random, 88 bits, and the last one is a checksum of them, with which any one wrong word and any two
words that have changed places are found without asking any store. Older codenames have 96 random bits and a 3-bit
checksum, and stay valid. The keys come from the words alone. So the intake stores nothing that could be lost, stolen or
demanded, and a report that was packed offline under the same codename belongs to the same source.

Rules: a word is never in an error, a log or a ``repr``. The bytes are specified in FORMAT.md, "Codename".
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import itertools
import math
import secrets
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from typing_extensions import override

from fieldreport import limits
from fieldreport.errors import CodenameError, SealError
from fieldreport.seal.hybrid import HybridIdentity
from fieldreport.seal.word_lists import LIST_NAMES, WORDS, fold, word_list

LANGUAGES: Final = MappingProxyType(
    {
        "en": "english",
        "ko": "korean",
        "zh-Hans": "chinese_simplified",
        "zh-Hant": "chinese_traditional",
        "ja": "japanese",
        "ru": "russian",
        "tr": "turkish",
        "fr": "french",
        "es": "spanish",
        "pt": "portuguese",
        "it": "italian",
        "cs": "czech",
    }
)
"""Page language to word list; a page in any other language uses the English list."""

_WORD_BITS: Final = 11
_FIELD: Final = 0x805  # x^11 + x^2 + 1, primitive: a word's place in its list is an element of GF(2^11)
_OLDER_ENTROPY_BYTES: Final = 12
_OLDER_CHECKSUM_BITS: Final = 3
_INSTANCE_BYTES: Final = 16
_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 8  # of forms and contents: either half of a letter's id


@dataclass(frozen=True, slots=True)
class Codename:
    """Nine words in NFC. ``str()`` joins them with one space; two codenames are equal when their words are."""

    words: tuple[str, ...] = field(repr=False)

    @classmethod
    def generate(cls, language: str) -> Self:
        """A new codename from the word list of a page language (a key of ``LANGUAGES``, or any other for English)."""
        words = word_list(LANGUAGES.get(language, "english"))
        drawn = tuple(secrets.randbelow(WORDS) for _ in range(limits.CODENAME_WORDS - 1))
        return cls(tuple(words.words[place] for place in (*drawn, _syndrome((*drawn, 0)))))

    @classmethod
    def parse(cls, untrusted_text: str, *, as_written: bool = False) -> tuple[Self, ...]:
        """Every codename that the typed text can stand for, at least one; nearly always exactly one.

        Case, spacing, punctuation, numbering and Unicode form do not matter; of each word the first four characters
        decide. What is typed is read with every list that holds all nine words and whose checksum fits, the older
        checksum last. Two readings happen when nine words begin alike in two languages, or when accents were left out.

        ``as_written``: the person who typed it says that it is what the paper says, so that an older codename is not
        mistaken for one in which two words have changed places. That happens to one in 57 of the older ones.

        Raises:
            CodenameError: ``codename-words``: not nine words (``count`` were typed); ``codename-unknown-word``: no list
                has them all (``positions`` says which, in the list that has most); ``codename-checksum``: all nine
                exist, but one is not the one that was given out, or two have changed places (``positions`` says which,
                where it is clear).
        """
        pieces = _pieces(untrusted_text)
        read: list[tuple[tuple[str, ...], tuple[int, ...]]] = []
        unknown: list[tuple[int, ...]] = []
        set_apart = False
        for words in map(word_list, LIST_NAMES):
            typed = words.split(pieces)
            if len(typed) != limits.CODENAME_WORDS:
                if len(typed) > 1 and words.places([fold(word) for word in typed]) is not None:
                    continue  # eight words: that "carpet" is also "car" and "pet" makes no nine of them
                readings = words.segment(pieces)
            else:
                places = [words.find(word) for word in typed]
                if words.is_of_characters and not any(places):
                    continue  # nine letters of another script
                if not 0 < math.prod(map(len, places)) <= limits.CODENAME_READINGS:
                    absent = tuple(number for number, place in enumerate(places, start=1) if not place)
                    vague = tuple(number for number, place in enumerate(places, start=1) if len(place) > 1)
                    unknown.append(absent or vague)
                    continue
                readings = list(itertools.product(*places))
                set_apart = True
            # The words and their places: "abandon" is in two lists, not at the same place.
            read += ((tuple(words.words[place] for place in reading), reading) for reading in readings)
        if read:
            try:
                return tuple(map(cls, _valid(read, as_written=as_written)))
            except CodenameError:
                miscounted = _not_nine(pieces)
                if set_apart or not miscounted.count:
                    raise
                raise miscounted from None  # eight words that can be cut into nine by chance
        if unknown:
            raise CodenameError(
                "At least one of the words is in none of our lists.",
                code="codename-unknown-word",
                positions=min(unknown, key=len),
            )
        raise _not_nine(pieces)

    @property
    def is_older(self) -> bool:
        """Whether it is not one that is drawn today: it is older, or, far more likely, one of its words is wrong."""
        lists = (words.places(self.words) for words in map(word_list, LIST_NAMES))
        return all(places is None or _syndrome(places) != 0 for places in lists)

    @classmethod
    def from_exact(cls, untrusted_text: str) -> Self | None:
        """The codename whose ``str()`` is exactly this text, its checksum verified; ``None`` if there is none."""
        typed = tuple(untrusted_text.split(" "))
        if len(typed) == limits.CODENAME_WORDS:
            for words in map(word_list, LIST_NAMES):
                places = words.places(typed)
                if places is not None and (_syndrome(places) == 0 or _older_checksum_fits(places)):
                    return cls(typed)
        return None

    def differences(self, untrusted_text: str) -> tuple[int, ...]:
        """Which words of a typed text, counted from 1, are not this codename's; none when it stands for this one.

        Raises:
            CodenameError: ``codename-words``: not nine words.
        """
        with contextlib.suppress(CodenameError):
            if self in self.parse(untrusted_text, as_written=True):
                return ()
        pieces = _pieces(untrusted_text)
        for words in map(word_list, LIST_NAMES):
            own = [words.find(word) for word in self.words]
            typed = words.split(pieces)
            if all(own) and len(typed) == limits.CODENAME_WORDS:
                found = zip(own, map(words.find, typed), strict=True)
                return tuple(number for number, (this, that) in enumerate(found, start=1) if not set(this) & set(that))
        raise _not_nine(pieces)

    @override
    def __str__(self) -> str:
        return " ".join(self.words)


def _pieces(untrusted_text: str) -> list[str]:
    """Split at everything that is neither a letter nor a mark on one; invisible characters are dropped."""
    if len(untrusted_text) > limits.CODENAME_TEXT_CHARACTERS:
        raise CodenameError("A codename has nine words.", code="codename-words")
    kept = []
    for character in unicodedata.normalize("NFKC", untrusted_text):
        category = unicodedata.category(character)
        if category == "Cf" or "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef":
            continue  # zero-width characters and variation selectors come along when text is copied from a page
        kept.append(character if category[0] in "LM" else " ")
    return "".join(kept).split()


def _not_nine(pieces: Sequence[str]) -> CodenameError:
    """The error for another number of words; it is told if most of them are in one list, so that they are words."""
    count = 0
    for words in map(word_list, LIST_NAMES):
        typed = words.split(pieces)
        if 1 < len(typed) < 2 * sum(bool(words.find(word)) for word in typed):
            count = len(typed)
            break
    return CodenameError("A codename has nine words.", code="codename-words", count=count)


def _valid(read: Sequence[tuple[tuple[str, ...], tuple[int, ...]]], *, as_written: bool) -> Iterable[tuple[str, ...]]:
    """Those of the readings (words, and their places in a list) that are codenames. Raises as ``Codename.parse``."""
    found = dict.fromkeys(words for words, places in read if _syndrome(places) == 0)
    older = dict.fromkeys(words for words, places in read if words not in found and _older_checksum_fits(places))
    if found or (older and as_written):
        return [*found, *older]
    swaps = [pair for _, places in read for pair in _swaps(places)]
    if older and not swaps:
        return older
    raise CodenameError(
        "One of the nine words is not the one we gave you, or two have changed places.",
        code="codename-checksum",
        positions=swaps[0] if len(swaps) == 1 else (),
        may_be_older=bool(older),
    )


def _syndrome(places: Sequence[int]) -> int:
    """The nine places as a polynomial over GF(2^11), highest power first, at x: 0 for a codename that is drawn today.

    One wrong word changes it by x^k · (this + that), and two that have changed places by (x^j + x^k) · (this + that):
    never by 0, as x has the order 2,047. With 0 for the last word, it is what the last word has to be.
    """
    value = 0
    for place in places:
        value = value << 1 ^ (value >> _WORD_BITS - 1) * _FIELD ^ place
    return value


def _swaps(places: Sequence[int]) -> list[tuple[int, int]]:
    """Each two words, counted from 1, that make a codename of today when they change places; nearly always one or none.

    Of texts in which no two have changed places, one in 57 has such a pair.
    """
    found = []
    for one, other in itertools.combinations(range(limits.CODENAME_WORDS), 2):
        turned = list(places)
        turned[one], turned[other] = places[other], places[one]
        if _syndrome(turned) == 0:
            found.append((one + 1, other + 1))
    return found


def _older_checksum_fits(places: Sequence[int]) -> bool:
    number = 0
    for place in places:
        number = number << _WORD_BITS | place
    entropy = (number >> _OLDER_CHECKSUM_BITS).to_bytes(_OLDER_ENTROPY_BYTES, "big")
    fits = hashlib.sha256(entropy).digest()[0] >> 8 - _OLDER_CHECKSUM_BITS
    return number & (1 << _OLDER_CHECKSUM_BITS) - 1 == fits


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceKeys:
    """The keys of a codename at one newsroom. Derived again at every visit, never stored.

    ``lookup``: 32 bytes; the sealed letter carries it to the editors. ``index``: its SHA-256, the only trace of a
    codename that the intake ever stores, and only with a reply. ``thread``: 16 bytes, bound into replies. ``identity``:
    opens replies.
    """

    lookup: bytes = field(repr=False)
    thread: bytes = field(repr=False)
    identity: HybridIdentity = field(repr=False)
    _letters: bytes = field(repr=False)

    @classmethod
    def derive(cls, codename: Codename, *, instance: bytes) -> Self:
        """Derive the keys of ``codename`` at the newsroom whose public instance id (16 bytes) is given.

        Costs one Argon2id of 19 MiB, about 20 ms; the caller bounds how many run at once (``limits.ARGON2_AT_ONCE``).
        No pepper: 88 random bits carry the strength, and a pepper could be lost.
        """
        if len(instance) != _INSTANCE_BYTES:
            raise ValueError("an instance id has 16 bytes")
        # The words, not the list: the Chinese lists share 1,275 characters and must agree on them.
        secret = unicodedata.normalize("NFKD", str(codename)).encode()
        master = Argon2id(
            salt=instance,
            length=32,
            iterations=limits.CODENAME_ARGON2_PASSES,
            lanes=1,
            memory_cost=limits.CODENAME_ARGON2_KIB,
        ).derive(secret)
        return cls(
            lookup=_expand(master, "lookup", 32),
            thread=_expand(master, "thread", 16),
            identity=HybridIdentity(_expand(master, "reply-key", 32)),
            _letters=_expand(master, "letters", 32),
        )

    @property
    def index(self) -> bytes:
        """SHA-256 of ``lookup``: where the mailbox files replies."""
        return hashlib.sha256(self.lookup).digest()

    def form_tag(self, form: str) -> bytes:
        """The 8 bytes with which the id of every letter of a form begins; ``form``: 32 hexadecimal digits."""
        return hmac.digest(_expand(self._letters, "form", 32), bytes.fromhex(form), "sha256")[:_TAG_BYTES]

    def letter_id(self, form: str, digest: bytes) -> bytes:
        """The 16-byte id of the letter with this content (32-byte digest) from this form.

        The same posted twice is one letter, and what else came from the form is found by ``form_tag``. Both halves are
        keyed, so that two letters of one source cannot be linked, nor a guessed content confirmed, by their ids.
        """
        if len(digest) != hashlib.sha256().digest_size:
            raise ValueError("a content digest has 32 bytes")
        return self.form_tag(form) + hmac.digest(self._letters, digest, "sha256")[:_TAG_BYTES]

    def kept_places(self, count: int = limits.KEPT_PLACES) -> tuple[bytes, ...]:
        """The first 16-byte names under which files of this source wait; they cannot be linked to each other."""
        key = _expand(self._letters, "kept-place", 32)
        return tuple(hmac.digest(key, place.to_bytes(4, "big"), "sha256")[:16] for place in range(count))

    def kept_key(self, form: str) -> bytes:
        """The 32-byte key of what waits for a form; ``form``: 32 hexadecimal digits, in the source's browser alone."""
        return hmac.digest(_expand(self._letters, "kept", 32), bytes.fromhex(form), "sha256")

    def receipt_tags(self, count: int) -> tuple[bytes, ...]:
        """The 16-byte names of this source's receipts, which cannot be linked to each other."""
        key = _expand(self._letters, "receipt-tag", 32)
        return tuple(hmac.digest(key, place.to_bytes(4, "big"), "sha256")[:16] for place in range(count))

    def seal_receipt(self, receipt: bytes) -> bytes:
        """Seal a receipt so that only the codename opens it; 28 bytes longer. For memory, never for a disk."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + ChaCha20Poly1305(_expand(self._letters, "receipt", 32)).encrypt(nonce, receipt, None)

    def open_receipt(self, untrusted: bytes) -> bytes:
        """What ``seal_receipt`` was given.

        Raises:
            SealError: (code ``receipt``) it was sealed under another codename, or is not whole.
        """
        nonce, sealed = untrusted[:_NONCE_BYTES], untrusted[_NONCE_BYTES:]
        try:
            return ChaCha20Poly1305(_expand(self._letters, "receipt", 32)).decrypt(nonce, sealed, None)
        except (InvalidTag, ValueError):
            raise SealError("not a receipt of this codename", code="receipt") from None


def _expand(master: bytes, purpose: str, length: int) -> bytes:
    return HKDFExpand(SHA256(), length, f"fieldreport/v1/source/{purpose}".encode()).derive(master)
