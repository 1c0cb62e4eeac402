"""``fieldreport pack``: a report cleaned and sealed offline, to be handed in by somebody who cannot read it.

Rules: what the intake does to a report is done here: every file is cleaned in the locked child, a file that cannot be
cleaned stops the whole, and only cleaned bytes are sealed, only to people whom the pinned admin has signed
for. A codename is typed at a prompt or drawn here, never an argument, and shown once. Neither a database nor a web
framework is loaded, and nothing but the one result is written.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, cast

import click

from fieldreport import limits
from fieldreport.errors import CodenameError, ScrubRefused, UsageError
from fieldreport.scratch import Scratch
from fieldreport.scrub import NeutralNames, Scrubber
from fieldreport.scrub.verdicts import codes_told
from fieldreport.seal import (
    LANGUAGES,
    CleanFile,
    Codename,
    Frame,
    Letter,
    Roster,
    SourceKeys,
    check_platform,
    open_carried_rosters,
)


@click.command("pack")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--text", "text_path", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="The report, as UTF-8."
)
@click.option(
    "--roster",
    required=True,
    type=click.Path(path_type=Path, exists=True),
    help="A copy of the published keys directory.",
)
@click.option(
    "--admin-fingerprint",
    required=True,
    help="Fingerprint of the admin key that signs the roster. The newsroom publishes it.",
)
@click.option(
    "--existing-codename", is_flag=True, help="Ask for the codename of an earlier report, and add to that one."
)
@click.option(
    "--language",
    type=click.Choice(list(LANGUAGES)),
    default="en",
    show_default=True,
    help="Language of the report and of a new codename's words.",
)
@click.option(
    "--addressee",
    default="",
    metavar="NAME",
    help="Who alone is to read it: a desk, or an editor who may be addressed.",
)
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path, dir_okay=False), help="The new file.")
@click.option("--without-sandbox", is_flag=True, help="Continue although the kernel lacks Landlock or seccomp.")
def pack_command(
    files: tuple[Path, ...],
    text_path: Path | None,
    roster: Path,
    admin_fingerprint: str,
    language: str,
    addressee: str,
    output: Path,
    *,
    existing_codename: bool,
    without_sandbox: bool,
) -> None:
    """Clean FILES, seal them with the report to the editors of a newsroom, and write one file to be handed in."""
    if not files and text_path is None:
        raise UsageError("nothing to pack: name files, or a report with --text")
    if len(files) > limits.FORM_FILES:
        raise UsageError(f"one letter takes {limits.FORM_FILES} files")
    check_platform()
    now = datetime.now(UTC)
    readers = open_carried_rosters(roster, fingerprint=admin_fingerprint).load(now=now, at_least=0)
    untrusted_text = _read_text(text_path) if text_path is not None else ""
    # Before the cleaning, which may take minutes: report at once what cannot succeed.
    readers.recipients()
    if addressee and addressee not in readers.addressees:
        raise UsageError(
            f"this newsroom can be addressed as: {', '.join(readers.addressees) or 'nobody in particular'}"
        )
    if output.exists():
        raise UsageError(f"{output} is there already")
    codename = _ask_codename() if existing_codename else Codename.generate(language)
    with (
        tempfile.TemporaryDirectory() as directory,
        Scrubber.start(directory=Path(directory), require_sandbox=not without_sandbox) as scrubber,
        contextlib.ExitStack() as outputs,
    ):
        text, removed = scrubber.clean_text(untrusted_text)
        letter = Letter(
            fields={"action": "report", "report_language": language},
            text=text.encode(),
            text_removed=tuple(map(str, removed)),
            files=tuple(_clean(files, scrubber, Path(directory), outputs, language=language)),
            form=secrets.token_hex(16),
            keys=SourceKeys.derive(codename, instance=readers.instance),
            addressee=addressee,
        )
        _write(output, letter, readers, hour=int(now.timestamp() // 3600))
    _tell(letter, readers, output, None if existing_codename else codename)


def _read_text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(limits.FORM_TEXT_BYTES + 1)
        if len(raw) > limits.FORM_TEXT_BYTES:
            raise UsageError("the report is too long; pack it as a file")
        return raw.decode("utf-8")
    except (OSError, UnicodeDecodeError):
        raise UsageError(f"cannot read {path} as UTF-8 text") from None


def _ask_codename() -> Codename:
    typed: str = click.prompt("Codename (nine words)", hide_input=True, err=True)
    readings = Codename.parse(typed, as_written=True)
    if len(readings) > 1:
        raise CodenameError("these words can be read in two ways; type them in full, with their accents")
    if readings[0].is_older:
        click.confirm(
            "A word is probably wrong, or two have changed places. Does the paper say this?", abort=True, err=True
        )
    return readings[0]


def _clean(
    paths: Sequence[Path], scrubber: Scrubber, directory: Path, outputs: contextlib.ExitStack, *, language: str
) -> Iterator[CleanFile]:
    """Clean every file.

    Raises:
        ScrubRefused: at least one cannot be cleaned; each of those was named on stderr.
        UsageError: one cannot be read.
    """
    names, refused = NeutralNames(), None
    for path in paths:
        with Scratch(directory) as source:
            digest = _take(path, source)
            try:
                cleaned = scrubber.clean(source, language=language)
            except ScrubRefused as error:
                refused = error
                click.echo(f"{path}: refused: {error.text}", err=True)
                continue
        outputs.enter_context(cleaned.output)
        yield CleanFile(
            untrusted_name=str(path),
            name=names.next(cleaned.media_type),
            media_type=cleaned.media_type,
            length=cleaned.length,
            removed=cleaned.codes,
            output=cleaned.output,
            original_sha256=digest,
        )
    if refused is not None:
        raise ScrubRefused("nothing was packed: a file cannot be cleaned", code=refused.code)


def _take(path: Path, target: Scratch) -> bytes:
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while data := file.read(limits.READ_BYTES):
                digest.update(data)
                target.write(data)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None
    return digest.digest()


def _write(path: Path, letter: Letter, roster: Roster, *, hour: int) -> None:
    """Write frame, header and payload to a new file, durably, or leave nothing.

    The header is known only when the payload is sealed, and stands before it: the payload waits in a nameless file
    in the result's directory. It is ciphertext already.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file, tempfile.TemporaryFile(dir=path.parent) as payload:
            try:
                sealed = cast("BinaryIO", payload)
                header = letter.seal_to(roster, hour, sealed)
                frame = Frame.of(header, sealed, epoch=roster.epoch, letter=letter.id())
                file.write(frame.encode() + header)
                payload.seek(0)
                shutil.copyfileobj(payload, file, limits.READ_BYTES)
                file.flush()
                os.fsync(descriptor)
            except BaseException:
                path.unlink()
                raise
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from None


def _tell(letter: Letter, roster: Roster, output: Path, codename: Codename | None) -> None:
    for each in letter.files:
        click.echo(f"{each.untrusted_name}: {each.name}: {codes_told(each.removed, nothing='nothing to remove')}")
    if letter.text:
        click.echo(
            f"report: {len(letter.text.decode())} characters: {', '.join(letter.text_removed) or 'nothing to remove'}"
        )
    to = f", for {letter.addressee} alone" if letter.addressee else ""
    click.echo(f"packed: {output}{to}, for the roster of epoch {roster.epoch}")
    click.echo(
        f"Hand it in soon: the newsroom renews its list of keys by {roster.not_after:%Y-%m-%d} at the latest. Once a"
        " key has been replaced, this file is no longer accepted and has to be packed again."
    )
    if codename is not None:
        click.echo(
            "\nThe codename of this report. It is shown only now: write it down, and do not carry it together with"
        )
        click.echo("the file. Anybody who has it can read the newsroom's answers.\n")
        for number, word in enumerate(codename.words, start=1):
            click.echo(f"  {number}. {word}")
