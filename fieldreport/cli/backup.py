"""``fieldreport backup``: a copy of everything that cannot be made again, made while the zones run.

    DIR/0007-2026-11-30/          one backup: settings, keys/ (the rosters), site/, mailbox.db, vault.db, their row
      manifest.json               keys, and what belongs to it, each file and payload with its length and SHA-256
    DIR/payloads/mailbox, vault   payloads, each once for all backups that name it
    DIR/key-files/                the staff's key files of the newest backup alone, apart from all others

Rules: the mailbox before the vault, so that a letter that is collected meanwhile is in one of them at least; databases
before payloads. Never in it: the machine's secrets, without which the passphrases open no key file. A backup has its
name when it is complete.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Final

import click

import fieldreport.vault.articles.tables  # noqa: F401 - importing it puts its tables into the metadata
from fieldreport import config, hardening, limits
from fieldreport.cli import load_settings
from fieldreport.cli.stores import STORES
from fieldreport.errors import StoreError, UsageError
from fieldreport.store import one_at_a_time

MANIFEST: Final = "manifest.json"
VERSION: Final = 1


@dataclass(slots=True)
class Made:
    """A backup that is being made. ``missing``: what could not be read, per database."""

    payloads: dict[str, dict[str, tuple[int, str]]] = field(default_factory=dict)
    missing: dict[str, list[str]] = field(default_factory=dict)


@click.command("backup")
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
@click.option("--keep", default=14, show_default=True, type=click.IntRange(1), help="How many backups stay there.")
@click.pass_context
def backup_command(context: click.Context, directory: Path, *, keep: int) -> None:
    """Copy databases, payloads, rosters, settings and the site into DIRECTORY, and the key files apart from them."""
    settings = load_settings(context)
    try:
        # Another one at the same time would remove payloads that this one has copied and not named yet.
        with one_at_a_time(directory.absolute()):
            name, made = back_up(settings, directory.absolute())
            _forget(directory.absolute(), keep)
    except OSError as error:
        raise StoreError(f"the backup could not be made: {error.filename}: {error.strerror}") from None
    sizes = ", ".join(f"{len(payloads)} payloads of the {zone}" for zone, payloads in made.payloads.items())
    click.echo(
        f"{directory / name}: {sizes or 'settings'}; try it with: fieldreport restore --rehearse {directory / name}"
    )
    if made.missing:
        named = "; ".join(f"{database}: {', '.join(each[:8])}" for database, each in made.missing.items())
        raise StoreError(f"the backup was made without what could not be read ({named}); see 'fieldreport doctor'")


def back_up(settings: config.Settings, directory: Path) -> tuple[str, Made]:
    """Make one backup and return its name and what is in it.

    Raises:
        SettingsError: others can look into the directory. StoreError: a store is away. OSError: of files.
    """
    hardening.private_directory(directory)
    numbers = [int(path.name.partition("-")[0]) for path in backups_in(directory)]
    name = f"{max(numbers, default=0) + 1:04}-{datetime.now(UTC):%Y-%m-%d}"
    building = directory / f".{name}.making"
    shutil.rmtree(building, ignore_errors=True)  # of one that was cut off
    building.mkdir(mode=0o700)
    try:
        made = Made()
        for database, (zone, place) in STORES.items():
            if settings.has(zone):
                payloads = made.payloads.setdefault(database, {})
                known = _known(directory, database)
                keep = _keeper(directory, database, payloads, known)
                missing = place(settings).copy(building / f"{database}.db", keep)
                if missing:
                    made.missing[database] = missing
        shutil.copyfile(settings.path, building / settings.path.name)
        if settings.has("keys"):
            shutil.copytree(settings.keys.directory, building / "keys")
        if settings.has("press") and settings.press.site.is_dir():
            shutil.copytree(settings.press.site, building / "site", symlinks=True)
        _write_manifest(building, settings, made)
        building.rename(directory / name)
        _sync(directory)
    except BaseException:
        shutil.rmtree(building, ignore_errors=True)
        raise
    if settings.has("desk"):
        _key_files(settings.desk.keyfiles, directory / "key-files")
    for zone in ("intake", "desk"):
        if settings.has(zone):
            (getattr(settings, zone).data / limits.BACKED_UP_NAME).write_text(f"{datetime.now(UTC):%Y-%m-%d}\n")
    return name, made


def backups_in(directory: Path) -> list[Path]:
    """All complete backups in a directory, the oldest first."""
    return sorted(path.parent for path in directory.glob(f"[0-9]*/{MANIFEST}"))


def read_manifest(backup: Path) -> Mapping[str, Any]:
    """What belongs to a backup. Raises ``UsageError``: it is none, or of a newer version."""
    try:
        document = json.loads((backup / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise UsageError(f"{backup} is no backup: it has no {MANIFEST} that can be read") from None
    if not isinstance(document, dict) or document.get("version") != VERSION:
        raise UsageError(f"{backup} was made by another version of this program")
    return document


def files_of(backup: Path) -> Iterator[Path]:
    """Every file of a backup but its manifest; links within the site are none."""
    for path in sorted(backup.rglob("*")):
        if path.is_file() and not path.is_symlink() and path.name != MANIFEST:
            yield path


def sha256_of(path: Path) -> tuple[int, str]:
    """A file's length and hexadecimal SHA-256."""
    with path.open("rb") as file:
        return path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest()


def _keeper(
    directory: Path, database: str, payloads: dict[str, tuple[int, str]], known: Mapping[str, tuple[int, str]]
) -> Callable[[str, BinaryIO], None]:
    """Keeps each payload once, and notes what it is."""
    place = directory / "payloads" / database
    for each in (place.parent, place):
        each.mkdir(mode=0o700, exist_ok=True)

    def keep(name: str, content: BinaryIO) -> None:
        path = place / name
        if name in known and path.exists():
            payloads[name] = known[name]
            return
        unfinished = place / f".{name}"
        digest, size = hashlib.sha256(), 0
        with unfinished.open("wb") as file:
            while piece := content.read(limits.READ_BYTES):
                digest.update(piece)
                size += file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        unfinished.chmod(0o600)
        unfinished.rename(path)
        payloads[name] = (size, digest.hexdigest())

    return keep


def _known(directory: Path, database: str) -> dict[str, tuple[int, str]]:
    """The payloads of the newest backup: those are not read again."""
    newest = backups_in(directory)[-1:]
    return {
        name: (size, digest)
        for each in newest
        for name, (size, digest) in read_manifest(each)["payloads"].get(database, {}).items()
    }


def _write_manifest(building: Path, settings: config.Settings, made: Made) -> None:
    document = {
        "version": VERSION,
        "instance": settings.instance.id,
        "settings": settings.path.name,
        "files": {str(path.relative_to(building)): sha256_of(path) for path in files_of(building)},
        "payloads": made.payloads,
        "missing": made.missing,
    }
    for path in files_of(building):
        with path.open("rb") as file:
            os.fsync(file.fileno())
    with (building / MANIFEST).open("w", encoding="utf-8") as out:
        json.dump(document, out, indent=1, sort_keys=True)
        out.flush()
        os.fsync(out.fileno())
    for path in (building, *building.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o700 if path.is_dir() else 0o600)


def _key_files(keyfiles: Path, target: Path) -> None:
    """Replace the copies of key files, and of the heads beside them, by those of now."""
    unfinished, old = target.with_name(".key-files.new"), target.with_name(".key-files.old")
    for each in (unfinished, old):
        shutil.rmtree(each, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    for path in (*keyfiles.glob("*.key"), *keyfiles.glob("*.head")):
        shutil.copyfile(path, unfinished / path.name)
        (unfinished / path.name).chmod(0o600)
    if target.exists():
        target.rename(old)
    unfinished.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def _forget(directory: Path, keep: int) -> None:
    """Remove the oldest backups beyond so many, and the payloads that no other names."""
    for backup in backups_in(directory)[:-keep]:
        shutil.rmtree(backup)
    named = [read_manifest(backup)["payloads"] for backup in backups_in(directory)]
    for database in STORES:
        kept = {name for payloads in named for name in payloads.get(database, {})}
        for path in (directory / "payloads" / database).glob("*"):
            if path.name not in kept:
                path.unlink()


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
