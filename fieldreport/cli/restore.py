"""``fieldreport restore``: put a backup into an empty place, or prove in a place of its own that it can be.

Rules: every file is compared with the manifest before anything is written, every payload while it is; nothing that is
there is overwritten; the zones' settings say where things go, relative to the directory that is restored.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Collection, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO

import click

from fieldreport import config
from fieldreport.cli.backup import files_of, read_manifest, sha256_of
from fieldreport.cli.split import SECTIONS
from fieldreport.cli.stores import STORES
from fieldreport.errors import NotFound, StoreError, UsageError
from fieldreport.mailbox import open_mailbox
from fieldreport.vault.archive.rosters import RosterWatch
from fieldreport.vault.archive.vault import open_vault


@click.command("restore")
@click.argument("backup", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.argument("directory", required=False, type=click.Path(path_type=Path, file_okay=False))
@click.option("--rehearse", is_flag=True, help="Restore into a temporary place, look at all of it, and remove it.")
def restore_command(backup: Path, directory: Path | None, *, rehearse: bool) -> None:
    """Put BACKUP, which 'fieldreport backup' made, into DIRECTORY, which must be empty."""
    if (directory is None) != rehearse:
        raise UsageError("name the directory to restore to, or --rehearse")
    backup = backup.absolute()
    try:
        if directory is not None:
            settings = restore(backup, directory.absolute())
            click.echo(
                f"restored to {directory}. The secrets of its key files are in no backup: see the handbook, 'Restore'"
            )
            click.echo(f"next: fieldreport --settings {settings.path} doctor")
        else:
            with TemporaryDirectory(prefix=".rehearsal-", dir=backup.parent) as temporary:
                for line in _rehearsed(restore(backup, Path(temporary), inside=True)):
                    click.echo(line)
            click.echo("This backup can be restored.")
    except OSError as error:
        raise StoreError(f"it could not be restored: {error.filename}: {error.strerror}") from None


def restore(backup: Path, directory: Path, *, inside: bool = False) -> config.Settings:
    """Restore a backup; return the settings of what was made.

    Args:
        backup: one that is complete.
        directory: must be empty, or not be there, or hold nothing but what the backups of other zones brought.
        inside: everything goes into this directory, databases and payloads included, wherever the settings have them.

    Raises:
        UsageError: it is no backup, or the place is not empty.
        StoreError: something is not what the manifest says, or a store is away. OSError: of files.
    """
    manifest = read_manifest(backup)
    _must_be_whole(backup, manifest)
    _must_have_room(directory, manifest["settings"])
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = directory / manifest["settings"]
    shutil.copyfile(backup / path.name, path)
    path.chmod(0o600)
    settings = config.load(path, {} if inside else os.environ)
    if inside:
        settings = _inside(settings, directory)
    _must_be_unused(settings)
    for zone, _ in STORES.values():
        if settings.has(zone):  # also where its database and payloads are on servers
            data: Path = getattr(settings, zone).data
            data.mkdir(mode=0o700, parents=True, exist_ok=True)
    if (backup / "keys").is_dir():
        shutil.copytree(backup / "keys", settings.keys.directory)
    if (backup / "site").is_dir():
        shutil.copytree(backup / "site", settings.press.site, symlinks=True)
    for database, (_, place) in STORES.items():
        if database in manifest["payloads"]:
            known, missing = manifest["payloads"][database], manifest["missing"].get(database, ())
            payloads = _payloads(backup.parent / "payloads" / database, known, missing)
            place(settings).restore(backup / f"{database}.db", payloads)
    if settings.has("desk"):
        settings.desk.keyfiles.mkdir(mode=0o700, parents=True, exist_ok=True)
        for each in (backup.parent / "key-files").glob("*"):
            shutil.copyfile(each, settings.desk.keyfiles / each.name)
            (settings.desk.keyfiles / each.name).chmod(0o600)
    return settings


def _must_have_room(directory: Path, settings_name: str) -> None:
    """Where each zone has its own settings, backup and user, all are restored into one directory."""
    zone = settings_name.removesuffix(".toml")
    others = set(SECTIONS) - {zone} if zone in SECTIONS else set()
    theirs = {name for other in others for name in (other, f"{other}.toml")}
    theirs |= {"site"} if "desk" in others else set()
    if directory.exists() and any(path.name not in theirs for path in directory.iterdir()):
        raise UsageError(f"{directory} is not empty")


def _must_be_unused(settings: config.Settings) -> None:
    """Settings may name directories elsewhere; key files that were written since the backup are the only ones."""
    places = [settings.keys.directory] if settings.has("keys") else []
    places += [settings.press.site] if settings.has("press") else []
    places += [settings.desk.keyfiles] if settings.has("desk") else []
    for place in places:
        if place.is_dir() and any(place.iterdir()):
            raise UsageError(f"{place} is not empty")


def _must_be_whole(backup: Path, manifest: Mapping[str, Any]) -> None:
    found = {str(path.relative_to(backup)) for path in files_of(backup)}
    for name, (size, digest) in manifest["files"].items():
        if name not in found or sha256_of(backup / name) != (size, digest):
            raise StoreError(f"{backup / name} is missing or is not what was written; take another backup")


def _payloads(place: Path, known: Mapping[str, tuple[int, str]], missing: Collection[str]) -> Callable[[str], BinaryIO]:
    def opened(name: str) -> BinaryIO:
        if name in missing:
            raise NotFound("this payload could not be read when the backup was made")
        if name not in known or not (place / name).is_file():
            raise StoreError(f"the payload {place / name} is missing; take another backup")
        file = (place / name).open("rb")
        if hashlib.file_digest(file, "sha256").hexdigest() != known[name][1]:
            file.close()
            raise StoreError(f"the payload {place / name} is not what was written; take another backup")
        file.seek(0)
        return file

    return opened


def _inside(settings: config.Settings, directory: Path) -> config.Settings:
    changed: dict[str, Any] = {}
    if settings.has("keys"):
        changed["keys"] = replace(settings.keys, directory=directory / "keys")
    if settings.has("intake"):
        changed["intake"] = replace(settings.intake, data=directory / "intake", mailbox="", blobs="")
    if settings.has("desk"):
        desk = directory / "desk"
        changed["desk"] = replace(settings.desk, data=desk, keyfiles=desk / "keyfiles", vault="", blobs="")
    if settings.has("press"):
        changed["press"] = replace(settings.press, site=directory / "site")
    return replace(settings, **changed)


def _rehearsed(settings: config.Settings) -> list[str]:
    """Look at all that was restored. Raises ``StoreError``: something cannot be read."""
    lines = []
    if settings.has("intake"):
        with closing(open_mailbox(settings)) as mailbox:
            _must_be_read("mailbox", mailbox.unreadable())
            lines.append(f"mailbox: {mailbox.totals().letters} letters, each can be read")
    if settings.has("desk"):
        with closing(open_vault(settings)) as vault:
            _must_be_read("vault", vault.unreadable())
            rosters = RosterWatch.of(settings, vault)
            report = vault.audit.verify(rosters.all_here(), ())
            lines.append(f"vault: {vault.objects.count()} sealed objects, each can be read")
            lines.append(f"audit log: {report.entries} entries verified")
    return lines


def _must_be_read(name: str, unreadable: list[bytes]) -> None:
    if unreadable:
        raise StoreError(f"{len(unreadable)} of the {name} cannot be read; take another backup")
