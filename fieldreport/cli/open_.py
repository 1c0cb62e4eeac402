"""``fieldreport open``: open a sealed file with a key file, on a machine without network or database.

Rules: nothing of it is shown or written before all of it has been authenticated. Where the file belongs is not known
here, so the binding is shown, and it is said whether anybody checked it. Text of a source reaches a terminal only with
its control characters spelt out. Neither a database nor a web framework is loaded.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

import click

from fieldreport import limits
from fieldreport.cli import passphrases
from fieldreport.cli.terminal import in_one_line, visible
from fieldreport.errors import NotARecipient, SealError, UsageError
from fieldreport.scrub import NeutralNames
from fieldreport.scrub.verdicts import codes_told
from fieldreport.seal import (
    AUTHOR,
    AUTHOR_SIGNATURE,
    STAFF_KINDS,
    ExpectedOffline,
    Frame,
    HybridIdentity,
    Kind,
    OpenEnvelope,
    RosterDirectory,
    editors_of,
    is_packed,
    open_carried_rosters,
    open_sealed_file,
)
from fieldreport.unseal import identity_file, key_file

# The kinds whose first part is typed text; the others have documents only.
_TYPED: Final = frozenset({Kind.LETTER, Kind.REPLY, Kind.SENT, Kind.NOTE})
_TEXT_NAMES: Final = {Kind.LETTER: "report.txt"}
_FIELDS_NAME: Final = "fields.json"
# Tags by which a store finds a source again, and the key of a file that its source sealed: not for a screen.
_TAGS: Final = frozenset({"lookup", "thread", "reply_key", "file_key"})
# What a browser runs. A letter may be a stranger's own, packed without our cleaner: these get no name that opens one.
_RUNNABLE: Final = frozenset({"text/html", "image/svg+xml"})
_SIGNED: Final = {
    "roster": "the signature is by a key of theirs",
    "unchecked": "the signature was not checked: no roster was given",
    "nobody": "not signed: do not trust it, unless it is from before objects were signed",
}
_HOURS_SHOWN: Final = 24 * 365 * 8000  # beyond that a calendar ends


@click.command("open")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--key",
    "key_path",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="A key file of fieldreport, or an exported identity file.",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="A new folder for the text and the attachments.")
@click.option("--roster", type=click.Path(path_type=Path, exists=True), help="A copy of the published keys directory.")
@click.option("--admin-fingerprint", help="Fingerprint of the admin key that signs that roster.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
@click.option(
    "--passphrase-file",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Read the key file's passphrase from this file instead of asking.",
)
def open_command(
    file: Path,
    key_path: Path,
    output: Path | None,
    roster: Path | None,
    admin_fingerprint: str | None,
    passphrase_file: Path | None,
    *,
    as_json: bool,
) -> None:
    """Open the sealed FILE: one exported from the desk, or a packed letter."""
    if (roster is None) != (admin_fingerprint is None):
        raise UsageError("--roster and --admin-fingerprint need each other: one alone proves nothing")
    rosters: RosterDirectory | None = None
    if roster is not None and admin_fingerprint is not None:
        rosters = open_carried_rosters(roster, fingerprint=admin_fingerprint)
    identities = identities_from(key_path, passphrase_file)
    with _opened(file, identities, None if rosters is None else rosters.history()) as envelope:
        envelope.verify()
        found = _Found.of(envelope, rosters)
        if output is not None:
            _write(found, envelope, output)
        click.echo(found.as_json(output) if as_json else found.as_text(output))


def identities_from(path: Path, passphrase_file: Path | None) -> tuple[HybridIdentity, ...]:
    """The private keys in a key file or an exported identity file; raises as ``key_file.unlock``."""
    if identity_file.is_identity_file(path):
        return identity_file.read(path)
    staff = key_file.unlock(path, passphrases.passphrase("Passphrase of the key file", passphrase_file))
    if not staff.identities:
        raise UsageError("this is an admin's key file, and an admin's key opens nothing")
    return staff.identities


@contextmanager
def _opened(
    path: Path, identities: Sequence[HybridIdentity], rosters: Mapping[int, bytes] | None
) -> Iterator[OpenEnvelope]:
    try:
        with path.open("rb") as file:
            frame = Frame.read(file) if is_packed(file) else None
            expected = ExpectedOffline(
                rosters=rosters,
                object=None if frame is None else frame.letter,
                epoch=None if frame is None else frame.epoch,
            )
            with open_sealed_file(file, identities=identities, expected=expected) as envelope:
                yield envelope
    except NotARecipient:
        raise
    except SealError as error:
        # People use this offline, with nobody to ask what exactly is wrong with the file: so say it.
        raise SealError(error.text, detail=f"{error.text} ({error.detail})", code=error.code) from None
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Attachment:
    number: int
    name: str
    media_type: str
    length: int
    sha256: bytes
    removed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What an authenticated sealed file holds, and what is known about its place."""

    envelope: OpenEnvelope
    roster_checked: bool
    author: str | None
    signed: str
    text: str | None = field(repr=False)
    text_name: str
    attachments: tuple[_Attachment, ...]

    @classmethod
    def of(cls, envelope: OpenEnvelope, rosters: RosterDirectory | None) -> _Found:
        names = NeutralNames()
        parts = envelope.manifest.parts
        first = int(envelope.binding.kind in _TYPED and bool(parts) and parts[0].length <= limits.FORM_TEXT_BYTES)
        text = envelope.read_part(0, limits.FORM_TEXT_BYTES).decode("utf-8", "replace") if first else None
        return cls(
            envelope=envelope,
            roster_checked=rosters is not None,
            author=envelope.manifest.fields.get(AUTHOR) if envelope.binding.kind in STAFF_KINDS else None,
            signed=_signed(envelope, rosters) if envelope.binding.kind in STAFF_KINDS else "nobody",
            text=text,
            text_name=_TEXT_NAMES.get(envelope.binding.kind, "message.txt"),
            attachments=tuple(
                _Attachment(
                    number=number,
                    name=names.next("" if part.media_type in _RUNNABLE else part.media_type),
                    media_type=part.media_type,
                    length=part.length,
                    sha256=part.sha256,
                    removed=part.removed,
                )
                for number, part in enumerate(parts)
                if number >= first
            ),
        )

    @property
    def _hour(self) -> str:
        hour = self.envelope.manifest.hour
        # A stranger's clock may say anything.
        return (
            f"{datetime.fromtimestamp(hour * 3600, UTC):%Y-%m-%d %H:00} UTC" if hour < _HOURS_SHOWN else f"hour {hour}"
        )

    def as_json(self, folder: Path | None) -> str:
        binding, manifest = self.envelope.binding, self.envelope.manifest
        value: dict[str, Any] = {
            "kind": binding.kind.name.lower(),
            "instance": binding.instance.hex(),
            "epoch": binding.epoch,
            "roster": binding.roster.hex(),
            "roster_checked": self.roster_checked,
            "thread": binding.thread.hex(),
            "object": binding.object.hex(),
            "author": self.author,
            "signed": self.signed,
            "hour": manifest.hour,
            "fields": dict(manifest.fields),
            "text": self.text,
            "attachments": [
                {
                    "name": each.name,
                    "type": each.media_type,
                    "length": each.length,
                    "sha256": each.sha256.hex(),
                    "removed": list(each.removed),
                }
                for each in self.attachments
            ],
            "folder": None if folder is None else str(folder),
        }
        return json.dumps(value)  # ASCII: control characters are escaped

    def as_text(self, folder: Path | None) -> str:
        binding, manifest = self.envelope.binding, self.envelope.manifest
        checked = "signed by the admin you named" if self.roster_checked else "not checked: no roster was given"
        lines = [
            f"kind            {binding.kind.name.lower()} {binding.object.hex()}",
            f"newsroom        {binding.instance.hex()}",
            f"roster          epoch {binding.epoch}, {binding.roster.hex()[:16]}… ({checked})",
            f"sealed          {self._hour}",
        ]
        if binding.kind in STAFF_KINDS:
            lines.append(f"author          {in_one_line(self.author or 'nobody')} ({_SIGNED[self.signed]})")
        shown = {
            name: value for name, value in manifest.fields.items() if name not in _TAGS | {AUTHOR, AUTHOR_SIGNATURE}
        }
        # An addressee is as long as the longest, and all spaces where there is none.
        told = {name: value.rstrip(" ") for name, value in sorted(shown.items())}
        lines += [f"{name:<15} {in_one_line(value)}" for name, value in told.items() if value]
        for each in self.attachments:
            removed = codes_told(each.removed, nothing="nothing")
            lines.append(f"file            {each.name}: {each.media_type}, {each.length} bytes, removed: {removed}")
        if folder is not None:
            lines.append(f"written         {folder}")
        elif self.text is not None:
            lines += ["", visible(self.text)]
        return "\n".join(lines)


def _signed(envelope: OpenEnvelope, rosters: RosterDirectory | None) -> str:
    """Whether a thing of the staff is signed: ``roster`` by a key of its author, ``unchecked``, or by ``nobody``.

    Raises:
        SealError: (code ``forged``) it carries a signature that is not its author's. RosterError: see ``at``.
    """
    if AUTHOR_SIGNATURE not in envelope.manifest.fields:
        return "nobody"
    if rosters is None:
        return "unchecked"
    envelope.author(editors_of(rosters.at(envelope.binding.epoch)))
    return "roster"


def _write(found: _Found, envelope: OpenEnvelope, folder: Path) -> None:
    """Make the folder and everything in it, or nothing.

    Raises:
        UsageError: something of that name is there, or the disk refuses.
    """
    try:
        folder.mkdir(mode=0o700)
    except OSError as error:
        raise UsageError(f"cannot make {folder}: {error.strerror}") from None
    try:
        if found.text is not None:
            _copy(cast("BinaryIO", envelope.open_part(0)), folder / found.text_name)
        fields = json.dumps(dict(envelope.manifest.fields), ensure_ascii=False, indent=1, sort_keys=True)
        with _create(folder / _FIELDS_NAME) as file:
            file.write(fields.encode("utf-8") + b"\n")
        for each in found.attachments:
            _copy(cast("BinaryIO", envelope.open_part(each.number)), folder / each.name)
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise UsageError(f"cannot write in {folder}: {error.strerror}") from None
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _copy(source: BinaryIO, path: Path) -> None:
    with source, _create(path) as target:
        shutil.copyfileobj(source, target, limits.READ_BYTES)


def _create(path: Path) -> BinaryIO:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    return os.fdopen(descriptor, "wb")
