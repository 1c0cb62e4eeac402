"""``fieldreport split``: give each zone its own Unix user, directory, settings and copy of the rosters.

    DIR/                       root                     0755
      intake.toml              root:intake              0640   [instance] [keys] [intake] [scrub]
      desk.toml                root:desk                0640   [instance] [keys] [desk] [press] [scrub]
      press.toml               root:press               0640   [instance] [press]
      intake/  intake/keys/    intake                   0700
      desk/    desk/keys/      desk                     0700
      link/                    intake, group desk       2750   the socket on which the desk fetches
      site/                    desk, group press        2750

Rules: nothing of the old installation is removed before all of the new one is written and was read back; run again, it
sets owners and modes once more and changes nothing else, on a machine that has one zone alone as well. A zone's
settings hold no other zone's section.
"""

from __future__ import annotations

import os
import pwd
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from fieldreport import config
from fieldreport.errors import UsageError
from fieldreport.installation import SETTINGS_NAME

SECTIONS: Final = {
    "intake": ("instance", "keys", "intake", "scrub"),
    "desk": ("instance", "keys", "desk", "press", "scrub", "notice"),
    "press": ("instance", "press"),
}
"""Zone → the sections of its settings file."""
_HEADING: Final = re.compile(r"^\[([a-z]+)(?:\.[a-z_]+)?\]")
_SOCKET: Final = "unix:link/socket"
_ADD_USER: Final = "useradd --system --user-group --no-create-home --shell /usr/sbin/nologin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """A zone's user: name, id and group's id."""

    name: str
    user: int
    group: int


@click.command("split")
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False, exists=True))
def split_command(directory: Path) -> None:
    """Give each zone of the installation in DIRECTORY its own Unix user; run it as root, with no zone running."""
    if os.geteuid() != 0:
        raise UsageError("only root can give files to other users")
    owners = {zone: _owner(f"fieldreport-{zone}") for zone in SECTIONS}
    split(directory.resolve(), owners)
    there = _zones(directory.resolve())
    for zone, command in (("intake", "intake"), ("intake", "link"), ("desk", "desk"), ("press", "press")):
        settings = directory.resolve() / f"{zone}.toml"
        if zone in there:
            click.echo(f"runuser -u {owners[zone].name} -- fieldreport --settings {settings} {command}")
    click.echo("These serve it. Commands about staff, keys and letters use the desk's user and settings.")


def _owner(name: str) -> Owner:
    try:
        found = pwd.getpwnam(name)
    except KeyError:
        raise UsageError(f"there is no user {name}; run: {_ADD_USER} {name}") from None
    return Owner(name=name, user=found.pw_uid, group=found.pw_gid)


def split(directory: Path, owners: Mapping[str, Owner]) -> None:
    """Split an installation as ``init`` makes it; see the module. ``owners``: zone → its user.

    Raises:
        UsageError: nothing is installed there, its directories are not where ``init`` puts them, or something cannot be
            written.
        SettingsError: its settings, or those that were made of them, cannot be read.
    """
    old = directory / SETTINGS_NAME
    try:
        if old.exists():
            _divide(directory, old, owners)
        _complete(directory)
        if not _zones(directory):
            raise UsageError(f"{directory} holds neither {SETTINGS_NAME} nor the settings of a zone")
        _own(directory, owners)
        if old.exists():
            old.unlink()
            shutil.rmtree(directory / "keys")
    except OSError as error:
        raise UsageError(f"cannot split {directory}: {error.filename}: {error.strerror}") from None


def _zones(directory: Path) -> list[str]:
    """The zones that are installed there."""
    return [zone for zone in SECTIONS if (directory / f"{zone}.toml").exists()]


def _divide(directory: Path, old: Path, owners: Mapping[str, Owner]) -> None:
    settings = config.load(old, {})
    lie = (settings.keys.directory, settings.intake.data, settings.desk.data, settings.press.site)
    if lie != tuple(directory / name for name in ("keys", "intake", "desk", "site")):
        raise UsageError(f"{directory} is not as 'fieldreport init' makes it; its settings name other directories")
    for zone in ("intake", "desk"):
        made = directory / zone / "keys"
        if not made.exists():
            unfinished = made.with_name(".keys.new")
            shutil.rmtree(unfinished, ignore_errors=True)
            shutil.copytree(settings.keys.directory, unfinished)
            unfinished.rename(made)
    for name, mode in (("link", 0o2750), ("intake", 0o700), ("desk", 0o700)):
        (directory / name).mkdir(mode=mode, exist_ok=True)
    site = settings.press.base_url if settings.press.letterbox else ""
    blocks = _blocks(old.read_text(encoding="utf-8"))
    for zone, sections in SECTIONS.items():
        path = directory / f"{zone}.toml"
        adapted = {
            section: _adapted(section, block, zone, desk=owners["desk"].name, site=site)
            for section, block in blocks.items()
        }
        _write_part(zone, adapted, path)
        made_of = config.load(path, {})
        for other in ("intake", "desk", "press"):
            if made_of.has(other) != (other in sections):
                raise UsageError(f"{path} could not be made: it would hold the settings of another zone")


def _complete(directory: Path) -> None:
    """Make what no backup of a zone holds: the press's settings, a part of the desk's, and the socket's place."""
    desk, press = directory / "desk.toml", directory / "press.toml"
    if desk.exists() and not press.exists():
        _write_part("press", _blocks(desk.read_text(encoding="utf-8")), press)
    if desk.exists() and (directory / "intake.toml").exists():
        (directory / "link").mkdir(mode=0o2750, exist_ok=True)


def _write_part(zone: str, blocks: Mapping[str, str], path: Path) -> None:
    text = "\n".join(blocks[section] for section in SECTIONS[zone] if section in blocks)
    path.write_text(f"# Settings of the {zone} alone. Paths are relative to this file.\n{text}", encoding="utf-8")


def _blocks(text: str) -> dict[str, str]:
    """Section → its lines, tables below it included."""
    blocks: dict[str, str] = {}
    section = ""
    for line in text.splitlines(keepends=True):
        heading = _HEADING.match(line)
        section = heading[1] if heading else section
        if section:
            blocks[section] = blocks.get(section, "") + line
    return blocks


def _adapted(section: str, block: str, zone: str, *, desk: str, site: str) -> str:
    if section == "keys":
        return re.sub(r"(?m)^directory\s*=.*$", f'directory = "{zone}/keys"', block)
    added = {
        "intake": f'link = "{_SOCKET}"\nlink_users = ["{desk}"]\n',
        "desk": f'link = "{_SOCKET}"\n',
    }.get(section, "")
    if section == "intake" and site and not re.search(r"(?m)^site\s*=", block):
        added += f'site = "{site}"\n'
    if not added or re.search(r"(?m)^link\s*=", block):
        return block
    heading, _, rest = block.partition("\n")
    return f"{heading}\n{added}{rest}"


def _own(directory: Path, owners: Mapping[str, Owner]) -> None:
    intake, desk, press = (owners[zone] for zone in ("intake", "desk", "press"))
    for tree, mode, user, group in (
        ("intake", 0o700, intake, intake),
        ("desk", 0o700, desk, desk),
        ("link", 0o2750, intake, desk),
        ("site", 0o2750, desk, press),
    ):
        if not (directory / tree).exists():
            continue
        for path in _all(directory / tree):
            os.chown(path, user.user, group.group, follow_symlinks=False)
        (directory / tree).chmod(mode)
    for zone in _zones(directory):
        path = directory / f"{zone}.toml"
        os.chown(path, os.geteuid(), owners[zone].group)
        path.chmod(0o640)
    for path in _all(directory / "site"):
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o2750)
    directory.chmod(0o755)


def _all(tree: Path) -> Iterator[Path]:
    yield tree
    for parent, directories, files in os.walk(tree):
        for name in (*directories, *files):
            yield Path(parent) / name
