"""Asking for a passphrase, and unlocking with it.

A passphrase comes from a prompt that does not echo, or from a file named by ``--passphrase-file`` for scripts; never
from an argument, which every user of the machine could read.
"""

from __future__ import annotations

from pathlib import Path

import click

from fieldreport import config, hardening
from fieldreport.cli.handles import HANDLE
from fieldreport.errors import NotFound, UsageError
from fieldreport.seal import Role
from fieldreport.unseal import key_file

admin_option = click.option(
    "--admin", type=HANDLE, default="admin", show_default=True, help="Handle of the admin who signs."
)
passphrase_option = click.option(
    "--passphrase-file",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Read the admin's passphrase from this file instead of asking.",
)


def unlock_admin(settings: config.Settings, handle: str, passphrase_file: Path | None) -> key_file.StaffKey:
    """Unlock the key file of an admin.

    Raises:
        NotFound: no key file of that name.
        UsageError: the key file is not an admin's.
        UnlockRefused, KeyFileDamaged: as ``key_file.unlock``.
        SettingsError: others can look into the directory of key files.

    """
    staff = _unlock(settings, handle, passphrase_file)
    if staff.admin is None:
        raise UsageError(f"{handle} is not an admin")
    return staff


def unlock_editor(settings: config.Settings, handle: str, passphrase_file: Path | None) -> key_file.StaffKey:
    """As ``unlock_admin``, an editor's."""
    staff = _unlock(settings, handle, passphrase_file)
    if staff.role is not Role.EDITOR:
        raise UsageError(f"{handle} is not an editor")
    return staff


def _unlock(settings: config.Settings, handle: str, passphrase_file: Path | None) -> key_file.StaffKey:
    hardening.check_private(settings.desk.keyfiles)
    path = settings.desk.keyfiles / f"{handle}.key"
    if not path.exists():
        raise NotFound(f"no key file of {handle} in {settings.desk.keyfiles}")
    key_file.bind(path)  # 'keys new' may have written it elsewhere
    return key_file.unlock(path, passphrase(f"Passphrase of {handle}", passphrase_file))


def passphrase(prompt: str, file: Path | None) -> str:
    """The passphrase from the file, or asked for at the terminal.

    Raises:
        UsageError: the file is not readable text.

    """
    if file is not None:
        try:
            return file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            raise UsageError(f"cannot read a passphrase from {file}") from None
    answer: str = click.prompt(prompt, hide_input=True, err=True)
    return answer
