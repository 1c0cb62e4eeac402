"""``fieldreport audit``: verify the log of acts, and accept one after an older copy was restored.

The log never holds content.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import click

from fieldreport.cli import load_settings, passphrases
from fieldreport.errors import SealError, UsageError
from fieldreport.seal import AuditHead
from fieldreport.vault.archive import audit_export, audit_heads
from fieldreport.vault.archive.audit import Act, Remembered
from fieldreport.vault.archive.rosters import RosterWatch, open_watch
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.archive.tables import AuditRow
from fieldreport.vault.archive.vault import open_vault


@click.group("audit")
def audit_command() -> None:
    """Verify the audit log."""


@audit_command.command("verify")
@click.option("--head", "untrusted_head", metavar="HEX", help="A fingerprint of the log that you wrote down earlier.")
@click.option(
    "--file",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Verify this file, which the desk exported, and not the database.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
@click.pass_context
def verify(context: click.Context, untrusted_head: str | None, file: Path | None, *, as_json: bool) -> None:
    """Verify every hash and signature, and that the log holds every head remembered outside the database.

    The exit status is 0 if all of that is so.
    """
    settings = load_settings(context)
    given = None if untrusted_head is None else _digest(untrusted_head)
    numbers: list[int] = []

    def look(row: AuditRow) -> None:
        if row.hash == given:
            numbers.append(row.sequence)

    with ExitStack() as stack:
        # Rosters in force or not: the log must stay verifiable after a roster has expired.
        if file is None:
            vault = stack.enter_context(closing(open_vault(settings)))
            rosters = RosterWatch.of(settings, vault)
            remembered = audit_heads.remembered(rosters, vault.instance, settings.desk.keyfiles)
            report = vault.audit.verify(rosters.all_here(), remembered, each=look)
        else:
            rosters = stack.enter_context(open_watch(settings))
            remembered = audit_heads.remembered(rosters, settings.instance_id, settings.desk.keyfiles)
            lines = _lines(stack.enter_context(file.open("rb")))
            report = audit_export.verify(lines, rosters.all_here(), remembered, each=look)
    if given is not None:
        report = replace(report, held=(*report.held, _noted(given, numbers)))
    held, accepted = ({one.by: one.head.number for one in some} for some in (report.held, report.accepted))
    if as_json:
        found: dict[str, object] = {"entries": report.entries, "unsigned": report.unsigned, "head": report.head}
        if file is not None:
            found |= {"newer_than_the_file": {one.by: one.head.number for one in report.newer}}
        click.echo(json.dumps(found | {"held": held, "accepted_as_lost": accepted}))
        return
    click.echo(f"{report.entries} entries verified, {report.unsigned} of them unsigned (nobody was signed in).")
    for by, number in held.items():
        click.echo(f"It holds entry {number}, which {by} remembers.")
    for by, number in accepted.items():
        click.echo(f"It lacks entry {number}, which {by} remembers; an admin accepted that.")
    for one in report.newer:
        click.echo(f"It is older than entry {one.head.number}, which {one.by} remembers.")
    if not (held or accepted or report.newer):
        click.echo("No head is remembered yet: whether entries were cut off its end cannot be seen.")
    click.echo(f"Write this fingerprint down, to prove later that no entry was cut off: {report.head}")


@audit_command.command("accept")
@passphrases.admin_option
@passphrases.passphrase_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_context
def accept(context: click.Context, admin: str, passphrase_file: Path | None, *, yes: bool) -> None:
    """Accept a log that lacks remembered entries, so that people can sign in again.

    For after an older copy of the database was restored. If none was, somebody has changed the log: find out who can
    write to the database before you accept anything. What was accepted stays in the log under your name.
    """
    settings = load_settings(context)
    staff = passphrases.unlock_admin(settings, admin, passphrase_file)
    with closing(open_vault(settings)) as vault:
        seat = Seat(vault, staff, RosterWatch.of(settings, vault))
        remembered = audit_heads.remembered(seat.rosters, seat.vault.instance, settings.desk.keyfiles)
        lacking = seat.vault.audit.lacking(remembered, seat.roster())
        if not lacking:
            raise UsageError("the log lacks nothing that is remembered")
        for one in lacking:
            click.echo(f"The log lacks entry {one.head.number}, which {one.by} remembers.")
        if not yes:
            click.confirm("Was an older copy of the database restored, and is this log to go on?", abort=True, err=True)
        for head in sorted({str(one.head) for one in lacking}):
            seat.record(Act.HEAD_ACCEPTED, head)
    click.echo("Accepted. It is noted in the log.")


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """The lines of a file, the last one of which may be endless."""
    while line := file.readline(audit_export.LINE_BYTES + 1):
        yield line


def _digest(untrusted_head: str) -> bytes:
    digits = "".join(untrusted_head.split()).lower()
    try:
        digest = bytes.fromhex(digits)
    except ValueError:
        digest = b""
    if len(digest) != hashlib.sha256().digest_size:
        raise UsageError("a fingerprint of the log is 64 hexadecimal digits")
    return digest


def _noted(given: bytes, numbers: list[int]) -> Remembered:
    if not numbers:
        raise SealError(
            "the audit log is not the one that was here before",
            code="audit-head",
            detail="the audit log lacks the entry whose fingerprint --head gives",
        )
    return Remembered(by="--head", head=AuditHead(number=numbers[0], hash=given))
