"""The recovery key: an identity that exists only as word shares on paper. Any k of n of them restore it.

The shares are SLIP-39 (SatoshiLabs), one group, no passphrase. Each carries a checksum, so a mistyped one is found and
named; each carries the number of its set, so one of another set is found, too. The result is never trusted by itself:
it must be the private half of the key that the roster names.

The place of a wrong word can be computed, because the checksum is a Reed-Solomon code. The right word could be
computed, too; SLIP-39 forbids to offer it, because people do not check what was filled in for them.

Rules: no word of a share is in an error; shares are counted from 1, in the order given, and so are words.
"""

from __future__ import annotations

import re
import secrets
from collections import Counter
from collections.abc import Sequence
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from shamir_mnemonic import EncryptedMasterSecret, MnemonicError, Share, generate_mnemonics
from shamir_mnemonic.rs1024 import create_checksum
from shamir_mnemonic.shamir import ShareGroup, recover_ems
from shamir_mnemonic.wordlist import WORDLIST

from fieldreport import limits
from fieldreport.errors import KeyFileDamaged, SealError, UsageError
from fieldreport.seal.hybrid import SEED_BYTES, HybridIdentity, HybridRecipient
from fieldreport.seal.roster import Role
from fieldreport.unseal.signing_keys import SigningKey
from fieldreport.unseal.staff_key import TOTP_SECRET_BYTES, StaffKey

# The seed is 256 random bits; stretching it would only slow down recovery.
_ITERATION_EXPONENT: Final = 0
WORDS: Final = 33
"""Of a share of 32 bytes."""
_FEWEST_SHARES: Final = 2
_CHECKSUM_WORDS: Final = 3
_WORD_BITS: Final = 10
_SIGNING_INFO: Final = b"fieldreport/v1/recovery-signing"
_CUSTOMISATION: Final = b"shamir_extendable"  # of the checksum of every share that is made here
_PLACES: Final = {word[:4]: place for place, word in enumerate(WORDLIST)}  # SLIP-39: four letters decide
# How a printed sheet numbers its words; anything else on it has no number with a bracket.
_NUMBERED: Final = re.compile(r"(?<![0-9])([0-9]{1,2})\)\s*([A-Za-z]+)")


def split(identity: HybridIdentity, needed: int, made: int) -> tuple[str, ...]:
    """Split the identity's seed into ``made`` shares of 33 English words, any ``needed`` of which restore it.

    Raises:
        UsageError: not 2 ≤ needed ≤ made ≤ 16.
    """
    if not _FEWEST_SHARES <= needed <= made <= limits.RECOVERY_SHARES:
        raise UsageError(
            f"recovery needs 2 shares or more, and no more than are made, at most {limits.RECOVERY_SHARES}"
        )
    (shares,) = generate_mnemonics(
        1, [(needed, made)], identity.seed, passphrase=b"", extendable=True, iteration_exponent=_ITERATION_EXPONENT
    )
    return tuple(shares)


def combine(untrusted_shares: Sequence[str], *, expected: HybridRecipient) -> HybridIdentity:
    """Restore the identity from at least as many shares as are needed, typed in any order and case.

    Args:
        untrusted_shares: one text a share, 33 words or a whole printed sheet; of each word the first four letters
            decide.
        expected: the recovery key that the roster names.

    Raises:
        KeyFileDamaged: ``recovery-share``: a share is mistyped, of another set, or given twice, and which;
            ``recovery-mismatch``: the shares are sound but are not those of the expected key.
        UsageError: (code ``recovery-missing``) too few shares, and how many more are needed.
    """
    shares = [_parse(text, number) for number, text in enumerate(untrusted_shares, start=1)]
    if not shares:
        raise UsageError("no share was given", code="recovery-missing")
    _check_set(shares)
    needed = shares[0].member_threshold
    if len(shares) < needed:
        missing = needed - len(shares)
        more = "one more share is needed" if missing == 1 else f"{missing} more shares are needed"
        raise UsageError(f"{len(shares)} of {needed} shares are here: {more}", code="recovery-missing")
    group = ShareGroup()
    for share in shares[:needed]:
        group.add(share)
    try:
        sealed: EncryptedMasterSecret = recover_ems({0: group})
        identity = HybridIdentity(sealed.decrypt(b""))
    except (MnemonicError, SealError):
        raise KeyFileDamaged("the shares do not fit together", code="recovery-share") from None
    if identity.recipient != expected:
        raise KeyFileDamaged(
            "the shares are sound, but of another key than the roster's recovery key", code="recovery-mismatch"
        )
    return identity


def signing_key(identity: HybridIdentity) -> SigningKey:
    """The key that signs for a recovery key: it follows from the same seed, so the same shares restore it."""
    return SigningKey(HKDFExpand(SHA256(), SEED_BYTES, _SIGNING_INFO).derive(identity.seed))


def shares_needed(untrusted_share: str, *, number: int = 1) -> int:
    """Check one share by itself and return how many of its set are needed, so that a mistake is reported at once.

    Raises:
        KeyFileDamaged: (code ``recovery-share``) as ``combine``; ``number`` is what it calls the share.
    """
    return int(_parse(untrusted_share, number).member_threshold)


def as_staff_key(identity: HybridIdentity) -> StaffKey:
    """The recovery key in the form that a key file holds, for machines that read without a roster.

    The second factor is drawn here and named by no roster, and the handle is no editor's, so that it opens no desk.
    """
    return StaffKey(
        handle="recovery",
        role=Role.EDITOR,
        identities=(identity,),
        signing=signing_key(identity),
        totp=secrets.token_bytes(TOTP_SECRET_BYTES),
        admin=None,
    )


def _parse(untrusted_share: str, number: int) -> Share:
    places = []
    for at, word in enumerate(_words(untrusted_share, number), start=1):
        place = _PLACES.get(word[:4])
        if place is None:
            raise _bad_share(number, f"has a wrong word: the {_ordinal(at)} is in no share")
        places.append(place)
    off = _checksum_error(places)
    if off:
        raise _bad_share(number, _likely_mistake(places, off))
    try:
        share = Share.from_mnemonic(" ".join(WORDLIST[place] for place in places))
    except MnemonicError:
        raise _bad_share(number, "was not made by fieldreport") from None
    ours = (share.group_count, share.group_threshold, share.iteration_exponent, len(share.value))
    if ours != (1, 1, _ITERATION_EXPONENT, SEED_BYTES):
        raise _bad_share(number, "was not made by fieldreport")  # and might take hours: its maker chose the exponent
    return share


def _words(untrusted_share: str, number: int) -> list[str]:
    text = untrusted_share[: limits.RECOVERY_SHEET_CHARACTERS].lower()
    numbered = [(int(match[1]), match[2]) for match in _NUMBERED.finditer(text)]
    if numbered:
        found = Counter(place for place, _ in numbered)
        for place in range(1, WORDS + 1):
            if found[place] != 1:
                raise _bad_share(number, f"{'repeats' if found[place] else 'lacks'} the word with the number {place}")
        if len(found) != WORDS:
            raise _bad_share(number, f"has more than {WORDS} words")
        return [word for _, word in sorted(numbered)]
    typed = text.split()
    if len(typed) != WORDS:
        raise _bad_share(number, f"has {len(typed)} words instead of {WORDS}")
    return typed


def _checksum_error(places: Sequence[int]) -> int:
    """How far the last three words are from the checksum of the others: 30 bits, 0 when it fits."""
    wanted = create_checksum(places[:-_CHECKSUM_WORDS], _CUSTOMISATION)
    off = 0
    for place, right in zip(places[-_CHECKSUM_WORDS:], wanted, strict=True):
        off = off << _WORD_BITS | (place ^ right)
    return off


def _likely_mistake(places: Sequence[int], off: int) -> str:
    """Say what one mistake would explain a checksum that does not fit.

    The code's distance is four: what a single wrong word explains, no other single word does, nor a swap.
    """
    blank = [0] * WORDS
    for at in range(WORDS):
        # The checksum is linear over bits: what a change of this word can do is spanned by its ten bits.
        explained = {0}
        for bit in range(_WORD_BITS):
            step = _checksum_error([*blank[:at], 1 << bit, *blank[at + 1 :]]) ^ _checksum_error(blank)
            explained |= {each ^ step for each in explained}
        if off in explained:
            return f"has a wrong word, most likely the {_ordinal(at + 1)}"
    for at in range(WORDS - 1):
        swapped = [*places[:at], places[at + 1], places[at], *places[at + 2 :]]
        if _checksum_error(swapped) == 0:
            return f"has two words in the wrong order, most likely the {_ordinal(at + 1)} and the {_ordinal(at + 2)}"
    return "has more than one wrong word"


def _ordinal(number: int) -> str:
    ending = "th" if number in {11, 12, 13} else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _check_set(shares: Sequence[Share]) -> None:
    usual = Counter(share.group_parameters() for share in shares).most_common(1)[0][0]
    seen: dict[int, int] = {}
    for number, share in enumerate(shares, start=1):
        if share.group_parameters() != usual:
            raise _bad_share(number, "belongs to another set than the rest")
        if share.index in seen:
            raise _bad_share(number, f"is the same as share {seen[share.index]}")
        seen[share.index] = number


def _bad_share(number: int, what: str) -> KeyFileDamaged:
    return KeyFileDamaged(f"share {number} {what}", code="recovery-share")
