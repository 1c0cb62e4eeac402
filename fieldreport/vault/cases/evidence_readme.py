"""The first page of evidence: what is in the folder, what it proves and what not, for people who are no engineers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from fieldreport.scrub.verdicts import codes_told
from fieldreport.seal import ORIGINAL
from fieldreport.vault.cases.evidence_folder import LetterFile

_PAGE: Final = """\
EVIDENCE: CASE {case} OF {newsroom}

This folder holds what a source sent to the newsroom, as the newsroom's archive keeps it: encrypted. With it come
signatures that show that nothing was changed, taken away or added after an editor exported it.


WHAT IS HERE

letters/           Every letter of the case that the archive held when it was exported, encrypted.
contents.json      For each letter: the hour in which it came, how many files it has, of which kind and size, a
                   fingerprint (SHA-256) of each cleaned file, and what cleaning had removed.
audit.json         What the newsroom's staff did with the case: who, what, in which hour. Each line is signed by that
                   person and chained to the one before. Lines about other matters are reduced to a fingerprint.
keys/              The newsroom's signed lists of its staff's public keys, as it published them.
evidence.json      The list of all these files, with their sizes and fingerprints. The last line of audit.json signs it.
{key_line}

THE LETTERS

{letters}

HOW TO CHECK IT

On any computer with Linux, Python and the program fieldreport (free software; nothing of the newsroom's is needed):

    fieldreport evidence verify FOLDER --admin-fingerprint FINGERPRINT

FINGERPRINT is the fingerprint of the newsroom's key. It must not be taken from this folder. Ask the newsroom, and
compare it with one that you knew before, that was published, or that a person whom you trust reads out. The exporter
says that it is

    {fingerprint}


WHAT THIS PROVES, IF THE CHECK SUCCEEDS

- Nothing in this folder was altered, added or taken away since the editor in the last line of audit.json exported it.
- That editor's key, and those of everybody who acted in the case, were in the newsroom's signed lists at that time.
- With the keys to the letters (see below): each letter holds what contents.json says, the hour, the list of staff for
  which it was encrypted, and files with these fingerprints. Without those keys all this is the statement of the editor
  who exported it, under their signature.

WHAT THIS DOES NOT PROVE

- Who the source is. The newsroom does not know it from the letterbox, and nothing here shows it.
- That what a letter says is true.
- Who made a letter. Anybody who knows the newsroom's public keys, which are published, can encrypt a letter for it, and
  can write any hour into it. It is the newsroom's word that its letterbox took it.
- What a file was before it came, unless an original of it is listed above. The letterbox removes hidden data (author,
  place, device) and may encode a file again; a fingerprint is that of the cleaned file.
- That there were no other letters. A source may have withdrawn some, or the newsroom may have deleted some, before the
  export.
- The hours, against the newsroom itself. They are from its own clock, and the signatures are its own. Nobody outside
  has stamped them. All of its people together could have made this folder later than it says. What limits that: each
  list of staff that the newsroom signs after an export names a line of its log that is not before it. Such a list, if
  others have kept it, shows that the folder was there before that list.
{originals}

READING THE LETTERS

{reading}
"""

_WITH_KEYS: Final = """\
This folder holds the keys to these letters in the clear, in content-keys.json. WHO HAS THE FOLDER CAN READ THE LETTERS,
whole: also what the source asked never to print, and the tags by which the newsroom knows its source. With these tags
somebody could write to the newsroom in the source's name; so after this export the source needs a new codename. The
keys open these letters and nothing else. Keep the folder as you would keep the letters."""

_WITHOUT_KEYS: Final = """\
This folder holds no key to the letters. They can be read only by an editor of the newsroom, with their own key:
fieldreport evidence verify FOLDER --key KEYFILE, and fieldreport open LETTER --key KEYFILE. The newsroom can export the
case again with the keys to exactly these letters."""

_SEALED: Final = """\
SEALED EVIDENCE

evidence.age holds one case of a newsroom, encrypted for the editors of another one. Nothing outside of it says which.

Those editors open it with the program fieldreport:

    fieldreport evidence verify FOLDER --key KEYFILE        checks it, and shows what it is
    fieldreport evidence import FOLDER --editor HANDLE      takes it in as a new case

Both take --admin-fingerprint: the fingerprint of the newsroom that hands it on, from somebody whom you trust.

If this page, or any byte of evidence.age, was altered, both refuse it.
"""
_ORIGINALS: Final = """\
- That a cleaned file was made from the original beside it. That is the word of the newsroom's letterbox; who opens both
  can compare what they show.


THE ORIGINALS

A source has asked to keep files unchanged for a court, with all that cleaning removes from the others. They are the
parts original-1.age, original-2.age and so on: the number says of which file of the letter. Each is encrypted once
more, for a few people whom the newsroom named for this and for its recovery key. The keys to the letters do not open
it, and the fingerprint above is of the encrypted file. One of those people opens it, on a computer without a network:

    fieldreport evidence verify FOLDER --key KEYFILE    shows the fingerprint (SHA-256) and the size of what was
                                                        uploaded, and that it lay in this letter
    fieldreport open LETTER --key KEYFILE -o NEW        writes the parts of a letter
    fieldreport open PART --key KEYFILE -o NEW          writes the file as it was uploaded

THE UNCHANGED FILE SHOWS WHO MADE IT, with which device, and often when and where. Give it to nobody who need not have
it.

"""
_KEY_LINE: Final = "content-keys.json  The keys to these letters. See READING THE LETTERS.\n"
_FIRST_OF_NEXT_AGE: Final = 253402300800 // 3600  # the year 10000, where a calendar ends


def readme(*, newsroom: str, case: str, letters: Sequence[LetterFile], with_keys: bool, fingerprint: str) -> bytes:
    """The page for one export."""
    return _PAGE.format(
        newsroom=newsroom,
        case=case,
        key_line=_KEY_LINE if with_keys else "",
        letters="\n".join(_told(each) for each in letters),
        fingerprint=fingerprint,
        originals=_ORIGINALS if any(map(_has_original, letters)) else "",
        reading=_WITH_KEYS if with_keys else _WITHOUT_KEYS,
    ).encode("utf-8", "replace")


def readme_of_sealed() -> bytes:
    """The page of every folder that is sealed to a newsroom: the same in all of them."""
    return _SEALED.encode()


def hour_told(hour: int) -> str:
    """An hour since the Unix epoch as a date; a stranger's clock may say anything."""
    if hour >= _FIRST_OF_NEXT_AGE:
        return f"hour {hour}"
    return f"{datetime.fromtimestamp(hour * 3600, UTC):%Y-%m-%d %H:00} UTC"


def _has_original(letter: LetterFile) -> bool:
    return letter.inside is not None and any(part.media_type == ORIGINAL for part in letter.inside.parts)


def _told(letter: LetterFile) -> str:
    lines = []
    if letter.inside is None:
        lines.append(f"{letter.file}: it does not open, because it is damaged ({letter.damage}).")
    else:
        inside = letter.inside
        lines.append(f"{letter.file}: {hour_told(inside.hour)}, to the list of staff number {inside.epoch}")
        if letter.damage is not None:
            lines.append(f"  Damaged: {letter.damage}")
        for part in inside.parts:
            removed = codes_told(part.removed, nothing="nothing")
            lines.append(f"  {part.name}: {part.media_type}, {part.length} bytes, removed: {removed}")
            lines.append(f"    SHA-256 {part.sha256.hex()}")
    return "\n".join(lines) + "\n"
