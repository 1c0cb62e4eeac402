"""What the newsroom sets aside as noise, by rules that it writes itself: which letters say nothing to anybody.

The rules are one sealed object, signed by the editor who saved them; the log counts how often they were saved, so that
older ones cannot be put back. They are applied at the desk, after opening, by each session for itself. Nothing is
dropped and nothing is moved: a case whose every letter is noise, and that nobody has taken, answered, labelled or given
another state, stands in a list of its own, with the reason beside it.

Rules: without rules that can be believed nothing is set aside. Who takes such a case, or gives it another state, has
put it back, for everybody.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import count
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldreport import limits
from fieldreport.errors import CodenameError, Conflict, LimitExceeded, NotFound, SealError
from fieldreport.seal import Codename, Kind, OpenEnvelope, PartSource, Role, encode_canonical
from fieldreport.sentence import Sentence
from fieldreport.vault.archive import authors
from fieldreport.vault.archive.audit import Act
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.archive.tables import VaultState
from fieldreport.vault.cases.pictures import are_alike, is_picture
from fieldreport.vault.cases.search_terms import fold, terms, whole
from fieldreport.vault.cases.summary import written

_SUBJECT: Final = "junk"
_REPEATED_LETTERS: Final = 8  # letters and digits from which on a text without files can be a repeat of another
_FEW_SIGNS: Final = 3  # different letters of a text that says nothing: "aaaa", "asasas"
_LONG_WORD: Final = 5
_VOWEL_SHARE: Final = 0.15  # fewer than a word has in a language with Latin letters, German compounds included
_RANDOM_SHARE: Final = 0.6
_RANDOM_LETTERS: Final = 12  # at least so many in all: a short word that nobody knows is none
_WORD: Final = re.compile(r"[^\W\d_]+")
_VOWELS: Final = frozenset("aeiouyrl")  # r and l are vowels in Czech and its neighbours
_KEYS_IN_A_ROW: Final = ("qwertyuiop", "asdfghjkl", "zxcvbnm", "йцукенгшщзхъ", "фывапролджэ", "ячсмитьбю")
_KEYS: Final = 5


class Junk(StrEnum):
    """Why a letter is noise."""

    EMPTY = "empty"
    """No file, and no letter or digit in any field."""
    CODENAME = "codename"
    """Nothing but a codename: somebody meant the other form."""
    RANDOM = "random"
    """No file, and keys hit at random, or the same few letters again and again."""
    REPEAT = "repeat"
    """The same words and the same files as in an older case."""
    PHRASE = "phrase"
    """One of the newsroom's own phrases is in it."""
    PICTURE = "picture"
    """It has files, and each is a picture that looks like one which the newsroom has named."""


@dataclass(frozen=True, slots=True)
class KnownPicture:
    """A picture that an editor named: by what it is known again (``limits.LIKENESS_BYTES``), and where it came."""

    likeness: int = field(repr=False)
    item: bytes = field(repr=False)
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What is set aside.

    ``phrases`` count where ``PHRASE`` is among ``kinds``, ``pictures`` where ``PICTURE`` is. ``version`` names what was
    read, so that a colleague's newer rules are not overwritten; empty where none were saved.
    """

    kinds: frozenset[Junk] = frozenset()
    phrases: tuple[str, ...] = field(default=(), repr=False)
    pictures: tuple[KnownPicture, ...] = field(default=(), repr=False)
    version: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found in one letter.

    ``content``: equal for letters with the same words and files; empty where there is too little to compare.
    ``phrase``: the newsroom's one that is in it. ``item``, ``pictures``: the letter and its pictures, by number, if all
    its files are pictures; how they look is known later.
    """

    kind: Junk | None = None
    phrase: str = field(default="", repr=False)
    content: bytes = field(default=b"", repr=False)
    item: bytes = field(default=b"", repr=False)
    pictures: tuple[int, ...] = ()


def rules(seat: Seat) -> Rules:
    """The rules in force; empty ones where none were saved.

    Raises:
        SealError: they are not signed, or others were put in their place (code ``replayed``). StoreError.
    """
    with seat.vault.reading() as session:
        saved, version = _saved(session)
    return _open(seat, version, saved)


def stored(seat: Seat) -> bytes | None:
    """What the database says are the rules, also where they cannot be believed: what a form is based on then."""
    with seat.vault.reading() as session:
        return _saved(session)[1]


def save_rules(seat: Seat, wanted: Rules) -> Rules:
    """Replace the rules, and return them with their new version.

    Raises:
        Conflict: a colleague saved others since ``wanted.version`` was read (code ``junk-changed``).
        LimitExceeded: too many phrases or pictures, or too long phrases. NotAllowed: an admin's seat.
        RosterError: no roster.
    """
    seat.must_be(Role.EDITOR)
    phrases = tuple(dict.fromkeys(each for each in wanted.phrases if fold(each).strip()))
    if len(phrases) > limits.JUNK_PHRASES or any(len(each) > limits.JUNK_PHRASE_CHARACTERS for each in phrases):
        raise LimitExceeded(
            Sentence(
                "At most %(phrases)s phrases of %(characters)s characters.",
                phrases=limits.JUNK_PHRASES,
                characters=limits.JUNK_PHRASE_CHARACTERS,
            ),
            code="junk-size",
        )
    pictures = tuple({each.likeness: each for each in wanted.pictures}.values())
    if len(pictures) > limits.JUNK_PICTURES:
        raise LimitExceeded(Sentence("At most %(most)s pictures.", most=limits.JUNK_PICTURES), code="junk-size")
    data = encode_canonical(
        {
            "kinds": sorted(wanted.kinds),
            "phrases": list(phrases),
            "pictures": [[f"{each.likeness:032x}", each.item.hex(), each.number] for each in pictures],
        }
    )
    part = PartSource(name="junk.json", media_type="application/json", source=io.BytesIO(data), length=len(data))
    with seat.vault.reading() as session:
        saved, before = _saved(session)
    # Who writes in the database may have put the id of something else there, which must not be deleted for it.
    try:
        is_ours = bool(_open(seat, before, saved))
    except (SealError, NotFound):
        is_ours = False
    with (
        seat.stage(kind=Kind.JUNK, thread=seat.vault.instance, parts=[part], version=saved + 1) as staged,
        seat.change() as change,
    ):
        saved_now, version = _saved(change.session)
        if version != wanted.version or saved_now != saved:
            raise Conflict(Sentence("these rules were changed meanwhile"), code="junk-changed")
        change.add(staged)
        if version is not None and is_ours:
            change.shred([version])
        change.state.junk = staged.id
        change.record(Act.JUNK_RULES_SAVED, _SUBJECT)
    return replace(wanted, phrases=phrases, pictures=pictures, version=staged.id)


def name_picture(seat: Seat, picture: KnownPicture) -> Rules:
    """Let letters with nothing but pictures like this one be set aside; return the rules. Raises as ``save_rules``."""
    for tries_left in count(2, -1):
        before = rules(seat)
        if any(are_alike(picture.likeness, each.likeness) for each in before.pictures):
            return before
        wanted = replace(before, kinds=before.kinds | {Junk.PICTURE}, pictures=(*before.pictures, picture))
        try:
            return save_rules(seat, wanted)
        except Conflict:
            if not tries_left:
                raise
    raise AssertionError  # count() has no end; the type checker does not know


class Judge:
    """Looks at letters by one set of rules.

    What it remembers of a letter cannot be turned back into words by who finds it in memory: ``secret`` (32 bytes)
    keys it, and goes with the session.
    """

    def __init__(self, rules: Rules, secret: bytes) -> None:
        self.rules = rules
        self._secret = secret
        self._phrases = tuple((each, whole(each)) for each in rules.phrases)

    def verdict(self, envelope: OpenEnvelope) -> Verdict:
        """What one open letter is."""
        kinds, files = self.rules.kinds, envelope.manifest.parts[1:]
        if not kinds:
            return Verdict()
        text = written(envelope, limits.JUNK_TEXT_BYTES)
        content = self._content(text, [part.sha256 for part in files]) if Junk.REPEAT in kinds else b""
        if Junk.PHRASE in kinds:
            folded = fold(text)
            for phrase, wanted in self._phrases:
                if wanted.search(folded):
                    return Verdict(Junk.PHRASE, phrase, content)
        if Junk.PICTURE in kinds and files and all(map(is_picture, files)):
            return Verdict(content=content, item=envelope.binding.object, pictures=tuple(range(1, len(files) + 1)))
        tests = {Junk.EMPTY: _is_empty, Junk.CODENAME: _is_codename, Junk.RANDOM: _is_random}
        if not files:
            for kind, test in tests.items():
                if kind in kinds and test(text):
                    return Verdict(kind, content=content)
        return Verdict(content=content)

    def _content(self, text: str, files: Collection[bytes]) -> bytes:
        words = " ".join(terms(text))
        if not files and len(words) < _REPEATED_LETTERS:
            return b""
        digest = hashlib.blake2b(words.encode(), digest_size=16, key=self._secret)
        for each in sorted(files):
            digest.update(each)
        return digest.digest()


def _open(seat: Seat, version: bytes | None, saved: int) -> Rules:
    if version is None:
        if saved:
            raise authors.replayed()
        return Rules()
    with seat.open_object(version, kind=Kind.JUNK, thread=seat.vault.instance, version=saved) as envelope:
        raw = envelope.read_part(0, limits.JUNK_RULES_BYTES)
    try:
        document = json.loads(raw)
        kinds = frozenset(Junk(each) for each in document["kinds"])
        phrases = tuple(str(each) for each in document["phrases"])
        pictures = tuple(
            KnownPicture(int(likeness, 16), bytes.fromhex(item), int(number))
            for likeness, item, number in document.get("pictures", ())  # older rules have none
        )
    except (ValueError, KeyError, TypeError):
        raise SealError("these rules are damaged", code="junk", detail="rules: not what save_rules writes") from None
    return Rules(kinds=kinds, phrases=phrases, pictures=pictures, version=version)


def _saved(session: Session) -> tuple[int, bytes | None]:
    saves = authors.count_of(_SUBJECT, Act.JUNK_RULES_SAVED).scalar_subquery()
    row = session.execute(select(saves, VaultState.junk)).one()
    return row[0], row[1]


def _is_empty(text: str) -> bool:
    return not any(unicodedata.category(each)[0] in "LNS" for each in text)


def _is_codename(text: str) -> bool:
    if not text.strip() or len(text) > limits.CODENAME_TEXT_CHARACTERS:
        return False
    try:
        return bool(Codename.parse(text))
    except CodenameError:
        return False


def _is_random(text: str) -> bool:
    """Whether letters were hit without a word in mind. In doubt it is a word."""
    words = [unicodedata.normalize("NFC", each) for each in _WORD.findall(fold(text))]
    letters = "".join(words)
    if any(each.isdigit() for each in text) or len(letters) < _REPEATED_LETTERS:
        return False
    if len(set(letters)) <= _FEW_SIGNS:
        return True
    odd = sum(len(word) for word in words if _is_odd(word))
    return len(letters) >= _RANDOM_LETTERS and odd >= _RANDOM_SHARE * len(letters)


def _is_odd(word: str) -> bool:
    if any(row[at : at + _KEYS] in word for row in _KEYS_IN_A_ROW for at in range(len(row) - _KEYS + 1)):
        return True
    vowels = sum(letter in _VOWELS for letter in word)
    return word.isascii() and len(word) >= _LONG_WORD and vowels < _VOWEL_SHARE * len(word)
