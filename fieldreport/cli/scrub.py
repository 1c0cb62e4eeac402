"""``fieldreport scrub``: clean files as the intake does, for editors and for people who pack a report offline."""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import click
from typing_extensions import override

from fieldreport.errors import ScrubRefused, UsageError
from fieldreport.scratch import Scratch
from fieldreport.scrub.registry import neutral_name
from fieldreport.scrub.sandbox.service import Scrubbed, Scrubber
from fieldreport.scrub.verdicts import Mode, Refusal, found_text


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """The result for one file. ``copy``: the clean file; ``refused``, ``removed``, ``noted``: codes of ``verdicts``.

    ``members``: files in an archive that cannot be cleaned, by their place and why.
    """

    file: str
    media_type: str = ""
    copy: str = ""
    removed: tuple[str, ...] = ()
    noted: tuple[str, ...] = ()
    refused: str = ""
    advice: str = ""
    members: tuple[tuple[int, str], ...] = ()

    @override
    def __str__(self) -> str:
        if self.refused:
            inside = "".join(f"\n  file {place} in it: {Refusal(code).text}" for place, code in self.members)
            return f"{self.file}: refused: {self.advice}{inside}"
        removed = ", ".join(map(found_text, self.removed)) or "nothing to remove"
        noted = "".join(f"; {found_text(code)}" for code in self.noted)
        return f"{self.file}: {self.copy or self.media_type}: {removed}{noted}"


@click.command("scrub")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--check", is_flag=True, help="Only report; write nothing.")
@click.option(
    "--strong",
    is_flag=True,
    help="Re-encode pictures, sound, film and PDF pages; keep only text and pictures of documents; refuse the rest.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
@click.option("-o", "--output", type=click.Path(path_type=Path, file_okay=False), help="Folder for the clean copies.")
@click.option("--without-sandbox", is_flag=True, help="Continue although the kernel lacks Landlock or seccomp.")
@click.pass_context
def scrub_command(
    context: click.Context,
    files: tuple[Path, ...],
    output: Path | None,
    *,
    check: bool,
    strong: bool,
    as_json: bool,
    without_sandbox: bool,
) -> None:
    """Write clean copies of FILES and say what was removed from each."""
    if output is None and not check:
        raise UsageError("name a folder with -o FOLDER, or use --check")
    mode = Mode.STRONG if strong else Mode.LOSSLESS
    lines: list[_Line] = []
    with (
        tempfile.TemporaryDirectory() as scratch,
        Scrubber.start(directory=Path(scratch), require_sandbox=not without_sandbox) as scrubber,
    ):
        for number, path in enumerate(files, start=1):
            try:
                line = _one(path, number, scrubber, mode, Path(scratch), None if check else output)
            except ScrubRefused as error:
                line = _Line(file=str(path), refused=error.code, advice=error.text, members=error.members)
            lines.append(line)
            if not as_json:
                click.echo(str(line), err=bool(line.refused))
    if as_json:
        click.echo(json.dumps([asdict(line) for line in lines], ensure_ascii=False, indent=2))
    if any(line.refused for line in lines):
        context.exit(ScrubRefused.exit_status)


def _one(path: Path, number: int, scrubber: Scrubber, mode: Mode, scratch: Path, output: Path | None) -> _Line:
    with Scratch(scratch) as source:
        try:
            with path.open("rb") as file:
                shutil.copyfileobj(file, source, 128 * 1024)
        except OSError as error:
            raise UsageError(f"cannot read {path}: {error.strerror}") from None
        cleaned = scrubber.clean(source, mode=mode)
    with cleaned.output as clean:
        copy = "" if output is None else str(_write(cleaned, clean, output, number))
    removed = tuple(map(str, cleaned.removed))
    return _Line(file=str(path), media_type=cleaned.media_type, copy=copy, removed=removed, noted=cleaned.noted)


def _write(cleaned: Scrubbed, clean: Scratch, output: Path, number: int) -> Path:
    target = output / neutral_name(cleaned.media_type, number)
    clean.seek(0)
    try:
        output.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as file:
            shutil.copyfileobj(clean, file, 128 * 1024)
    except OSError as error:
        raise UsageError(f"cannot write {target}: {error.strerror}") from None
    return target
