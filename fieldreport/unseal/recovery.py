"""The recovery key: an identity that exists only as word shares on paper, any k of n of which bring it back.

The shares are SLIP-39 (SatoshiLabs), one group, no passphrase. Each carries a checksum, so a mistyped one is told and
named; each carries the number of its set, so one of another set is, too. What they give is never trusted by itself: it
must be the private half of the key that the roster names.

Rules: no word of a share is in an error; shares are counted from 1, in the order given.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from shamir_mnemonic import EncryptedMasterSecret, MnemonicError, Share, generate_mnemonics
from shamir_mnemonic.shamir import ShareGroup, recover_ems
from shamir_mnemonic.wordlist import WORDLIST

from fieldreport import limits
from fieldreport.errors import KeyFileDamaged, SealError, UsageError
from fieldreport.seal.hybrid import SEED_BYTES, HybridIdentity, HybridRecipient

# The seed is 256 random bits; stretching it would only slow down whoever must recover it.
_ITERATION_EXPONENT: Final = 0
_WORDS: Final = 33  # of a share of 32 bytes
_WHOLE: Final = {word[:4]: word for word in WORDLIST}  # SLIP-39: four letters decide


def split(identity: HybridIdentity, needed: int, made: int) -> tuple[str, ...]:
    """Split the identity's seed into ``made`` shares of 33 English words, any ``needed`` of which bring it back.

    Raises:
        UsageError: not 2 ≤ needed ≤ made ≤ 16.
    """
    if not 2 <= needed <= made <= limits.RECOVERY_SHARES:
        raise UsageError(f"recovery needs at least 2 shares of at most {limits.RECOVERY_SHARES}")
    (shares,) = generate_mnemonics(
        1, [(needed, made)], identity.seed, passphrase=b"", extendable=True, iteration_exponent=_ITERATION_EXPONENT
    )
    return tuple(shares)


def combine(untrusted_shares: Sequence[str], *, expected: HybridRecipient) -> HybridIdentity:
    """Bring the identity back from at least as many shares as are needed, typed in any order and case.

    Args:
        untrusted_shares: one text a share; of each word the first four letters decide.
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
        raise UsageError(f"{len(shares)} of {needed} needed shares are here", code="recovery-missing")
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


def _parse(untrusted_share: str, number: int) -> Share:
    typed = untrusted_share[: limits.CODENAME_TEXT_CHARACTERS].lower().split()
    if len(typed) != _WORDS:
        raise _wrong(number, f"has {len(typed)} words instead of {_WORDS}")
    for place, word in enumerate(typed, start=1):
        if word[:4] not in _WHOLE:
            raise _wrong(number, f"has a word, the {place}th, that is in no share")
    try:
        share = Share.from_mnemonic(" ".join(_WHOLE[word[:4]] for word in typed))
    except MnemonicError:
        raise _wrong(number, "has a wrong word: its checksum does not fit") from None
    ours = (share.group_count, share.group_threshold, share.iteration_exponent, len(share.value))
    if ours != (1, 1, _ITERATION_EXPONENT, SEED_BYTES):
        raise _wrong(number, "was not made by fieldreport")  # and might cost hours: the exponent is up to its maker
    return share


def _check_set(shares: Sequence[Share]) -> None:
    usual = Counter(share.group_parameters() for share in shares).most_common(1)[0][0]
    seen: dict[int, int] = {}
    for number, share in enumerate(shares, start=1):
        if share.group_parameters() != usual:
            raise _wrong(number, "belongs to another set than the rest")
        if share.index in seen:
            raise _wrong(number, f"is the same as share {seen[share.index]}")
        seen[share.index] = number


def _wrong(number: int, what: str) -> KeyFileDamaged:
    return KeyFileDamaged(f"share {number} {what}", code="recovery-share")
