"""``fieldreport scrub``: what the intake does to a file, for editors and for people who pack a report offline."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import click

from fieldreport.errors import ScrubRefused, UsageError
from fieldreport.scratch import Scratch
from fieldreport.scrub.registry import neutral_name
from fieldreport.scrub.scrubber import Scrubber


@click.command("scrub")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--check", is_flag=True, help="Only report; write nothing.")
@click.option("-o", "--output", type=click.Path(path_type=Path, file_okay=False), help="Folder for the clean copies.")
@click.option("--without-sandbox", is_flag=True, help="Go on where the kernel lacks Landlock or seccomp.")
@click.pass_context
def scrub_command(
    context: click.Context, files: tuple[Path, ...], output: Path | None, *, check: bool, without_sandbox: bool
) -> None:
    """Write clean copies of FILES and say what was removed from each."""
    if output is None and not check:
        raise UsageError("say where to with -o FOLDER, or --check")
    refused: ScrubRefused | None = None
    with (
        tempfile.TemporaryDirectory() as scratch,
        Scrubber.start(directory=Path(scratch), require_sandbox=not without_sandbox) as scrubber,
    ):
        for number, path in enumerate(files, start=1):
            try:
                _one(path, number, scrubber, Path(scratch), None if check else output)
            except ScrubRefused as error:
                refused = error
                click.echo(f"{path}: refused: {error.text}", err=True)
    if refused is not None:
        context.exit(refused.exit_status)


def _one(path: Path, number: int, scrubber: Scrubber, scratch: Path, output: Path | None) -> None:
    with Scratch(scratch) as source:
        try:
            with path.open("rb") as file:
                shutil.copyfileobj(file, source, 128 * 1024)
        except OSError as error:
            raise UsageError(f"cannot read {path}: {error.strerror}") from None
        cleaned = scrubber.clean(source)
    removed = ", ".join(cleaned.removed) or "nothing to remove"
    with cleaned.output as clean:
        clean.seek(0)
        if output is None:
            click.echo(f"{path}: {cleaned.media_type}: {removed}")
            return
        target = output / neutral_name(cleaned.media_type, number)
        try:
            output.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as file:
                shutil.copyfileobj(clean, file, 128 * 1024)
        except OSError as error:
            raise UsageError(f"cannot write {target}: {error.strerror}") from None
        click.echo(f"{path}: {target}: {removed}")
