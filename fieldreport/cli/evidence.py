"""``fieldreport evidence``: a case as a folder for a court or another newsroom; verifying one; taking one in.

Rules: ``verify`` needs no settings, no database and no key of this newsroom. Untrusted words reach a terminal with
their control characters spelt out.
"""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click

from fieldreport import config, limits
from fieldreport.cli import load_settings, passphrases
from fieldreport.cli.handles import HANDLE
from fieldreport.cli.open_ import identities_from
from fieldreport.cli.terminal import in_one_line
from fieldreport.errors import UsageError
from fieldreport.installation import editor_at_work
from fieldreport.scratch import Scratch
from fieldreport.scrub import Mode, Scrubbed, Scrubber
from fieldreport.seal import open_carried_rosters
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.cases import evidence, evidence_import
from fieldreport.vault.cases.evidence_readme import hour_told
from fieldreport.vault.cases.evidence_verify import Original, Verified, open_evidence, verify

_editor_option: Final = click.option("--editor", required=True, type=HANDLE, help="Who does it.")
_passphrase_option: Final = click.option(
    "--passphrase-file",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Read the passphrase from this file instead of asking.",
)


@click.group("evidence")
def evidence_command() -> None:
    """Hand a case to a court or another newsroom, check one, take one in."""


@evidence_command.command("export")
@click.argument("case")
@click.argument("folder", type=click.Path(path_type=Path))
@_editor_option
@click.option("--with-keys", is_flag=True, help="Put the keys to these letters into the folder: who has it reads them.")
@click.option(
    "--to",
    "roster",
    type=click.Path(path_type=Path, exists=True),
    help="Seal it to another newsroom: a copy of its published keys directory.",
)
@click.option("--to-fingerprint", help="Fingerprint of the admin key of that newsroom.")
@_passphrase_option
@click.pass_context
def export(
    context: click.Context,
    case: str,
    folder: Path,
    editor: str,
    roster: Path | None,
    to_fingerprint: str | None,
    passphrase_file: Path | None,
    *,
    with_keys: bool,
) -> None:
    """Write the case named CASE into the new FOLDER. Its first page says what it proves."""
    if (roster is None) != (to_fingerprint is None):
        raise UsageError("--to and --to-fingerprint need each other: one alone proves nothing")
    if roster is not None and with_keys:
        raise UsageError("what is sealed to a newsroom holds the keys already: leave out --with-keys")
    settings = load_settings(context)
    with _at_work(settings, editor, passphrase_file) as seat:
        case_id = evidence.find(seat, case)
        newsroom = settings.instance.name
        if roster is not None and to_fingerprint is not None:
            theirs = open_carried_rosters(roster, fingerprint=to_fingerprint).load(now=seat.rosters.now(), at_least=0)
            evidence.seal_to(seat, case_id, folder, newsroom=newsroom, roster=theirs)
            click.echo(
                f"Sealed to the newsroom {theirs.instance.hex()}, by its roster of epoch {theirs.epoch}: {folder}"
            )
            return
        done = evidence.export(seat, case_id, folder, newsroom=newsroom, with_keys=with_keys)
    click.echo(f"{len(done.letters)} letters and {len(done.extract.shown)} acts of {case} are in {folder}. Read its")
    click.echo("README.txt first. Nobody outside has stamped its hour: 'fieldreport roster sign' soon, and give that")
    click.echo("roster to others, so that they can show later that this folder was there.")
    click.echo(f"Write this fingerprint of the folder down: {done.sha256.hex()}")
    if with_keys:
        click.echo("Anybody who has the folder can read the letters. The source needs a new codename.")


@evidence_command.command("verify")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.option("--admin-fingerprint", help="Fingerprint of the newsroom's admin key, from elsewhere than the folder.")
@click.option(
    "--key",
    "key_path",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="A key file, or an exported identity file, that opens the letters or the sealed folder.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
@_passphrase_option
def verify_command(
    folder: Path, admin_fingerprint: str | None, key_path: Path | None, passphrase_file: Path | None, *, as_json: bool
) -> None:
    """Check every byte of FOLDER, on any machine. The exit status is 0 if it is what was exported."""
    identities = () if key_path is None else identities_from(key_path, passphrase_file)
    with open_evidence(folder, identities) as files:
        found = verify(files, fingerprint=admin_fingerprint, identities=identities)
    click.echo(_json(found) if as_json else _text(found))


@evidence_command.command("import")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True))
@_editor_option
@click.option(
    "--admin-fingerprint", required=True, help="Fingerprint of the admin key of the newsroom that hands it on."
)
@_passphrase_option
@click.pass_context
def import_command(
    context: click.Context, folder: Path, editor: str, admin_fingerprint: str, passphrase_file: Path | None
) -> None:
    """Take the case in FOLDER in as a new one, marked as received from elsewhere."""
    settings = load_settings(context)
    with contextlib.ExitStack() as stack:
        seat = stack.enter_context(_at_work(settings, editor, passphrase_file))
        files = stack.enter_context(open_evidence(folder, seat.staff.identities))
        found = verify(files, fingerprint=admin_fingerprint, identities=seat.staff.identities)
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        scrubber = stack.enter_context(
            Scrubber.start(directory=scratch, require_sandbox=settings.scrub.require_sandbox)
        )
        mode = Mode.STRONG if settings.scrub.strong else Mode.LOSSLESS

        def clean(source: io.RawIOBase, language: str) -> Scrubbed:
            with Scratch(scratch) as copy:
                shutil.copyfileobj(source, copy, limits.READ_BYTES)
                copy.seek(0)
                return scrubber.clean(copy, mode=mode, language=language, without_refused=True)

        taken = evidence_import.take_in(
            seat, files, found, clean=clean, clean_text=lambda text: scrubber.clean_text(text)[0]
        )
    click.echo(f"{taken.letters} letters of {in_one_line(found.listed.newsroom)} are the new case {taken.case}.")
    if taken.left_out:
        click.echo(f"{taken.left_out} files or damaged letters did not come along; they are in the folder.")
    click.echo("Its source cannot be answered from here. What it says was checked by nobody here.")


@contextlib.contextmanager
def _at_work(settings: config.Settings, handle: str, passphrase_file: Path | None) -> Iterator[Seat]:
    passphrase = passphrases.passphrase(f"Passphrase of {handle}", passphrase_file)
    code: str = click.prompt("One-time code", err=True)
    with editor_at_work(settings, handle, passphrase, code) as seat:
        yield seat


def _json(found: Verified) -> str:
    return json.dumps(
        {
            "sha256": found.sha256.hex(),
            "case": found.listed.case,
            "newsroom": found.listed.newsroom,
            "instance": found.listed.instance.hex(),
            "admin_fingerprint": found.fingerprint,
            "admin_checked": found.pinned,
            "exporter": found.exporter,
            "exported": found.exported,
            "rosters": [found.rosters[0].epoch, found.rosters[-1].epoch],
            "log": {
                "first": found.extract.first,
                "entries": found.extract.total,
                "shown": len(found.extract.shown),
                "chained_from": found.extract.chained_from,
            },
            "letters": [
                {
                    "file": letter.file,
                    "hour": None if letter.inside is None else letter.inside.hour,
                    "epoch": None if letter.inside is None else letter.inside.epoch,
                    "parts": None if letter.inside is None else len(letter.inside.parts),
                    "damage": letter.damage,
                    "opened": key is not None,
                }
                for letter, key in zip(found.letters, found.keys, strict=True)
            ],
            "originals": [
                {
                    "file": each.letter,
                    "name": each.name,
                    "sha256": each.sha256.hex() or None,
                    "length": each.length,
                    "hour": each.hour,
                    "broken": each.broken,
                }
                for each in found.originals
            ],
        }
    )


def _text(found: Verified) -> str:
    listed, extract = found.listed, found.extract
    last = extract.first + extract.total - 1
    checked = "as you gave it" if found.pinned else "NOT CHECKED: compare it with one that is not from this folder"
    opened = sum(key is not None for key in found.keys)
    lines = [
        f"The evidence is whole: {len(listed.files) + 2} files, fingerprint {found.sha256.hex()}",
        f"case        {listed.case} of {in_one_line(listed.newsroom)} ({listed.instance.hex()})",
        f"admin key   {found.fingerprint} ({checked})",
        f"rosters     epochs {found.rosters[0].epoch} to {found.rosters[-1].epoch}, signed",
        f"exported    by {found.exporter}, {hour_told(found.exported)}",
        f"log         entries {extract.first} to {last}, {len(extract.shown)} of this case",
    ]
    if extract.chained_from > extract.first:
        lines.append(
            f"            chained from entry {extract.chained_from} on; earlier ones are signed each for itself"
        )
    for letter, key in zip(found.letters, found.keys, strict=True):
        if letter.inside is None:
            lines.append(f"letter      {letter.file}: damaged ({letter.damage}), nothing known of it")
            continue
        how = "opened and compared" if key is not None else f"as {found.exporter} states; no key was given to open it"
        damage = "" if letter.damage is None else f", damaged: {letter.damage}"
        came = f"{hour_told(letter.inside.hour)}, roster {letter.inside.epoch}, {len(letter.inside.parts)} parts"
        lines.append(f"letter      {letter.file}: {came}{damage} ({how})")
    lines += [f"original    {each.letter} {each.name}: {_original_told(each)}" for each in found.originals]
    if opened < len(found.letters):
        lines.append(f"{len(found.letters) - opened} of {len(found.letters)} letters were not opened: --key KEYFILE")
    return "\n".join(lines)


def _original_told(original: Original) -> str:
    if original.broken:
        return "NOT ONE, although the letter says so"
    if not original.sha256:
        return "sealed apart, not opened: --key KEYFILE of somebody whom the newsroom named for originals"
    came = f"{original.length} bytes as uploaded, {hour_told(original.hour)}"
    return f"{came}\n            SHA-256 {original.sha256.hex()}"
