"""``fieldreport init``: make a new installation, and show once what must be written down."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click
import segno

from fieldreport import config, installation, limits
from fieldreport.cli import recovery_sheets
from fieldreport.cli.handles import HANDLE
from fieldreport.cli.recovery_sheet import sheets
from fieldreport.errors import UsageError
from fieldreport.unseal import totp

_CODES_A_LINE: Final = 5
_SHARE: Any = click.IntRange(2, limits.RECOVERY_SHARES)


def shares_options(command: Callable[..., None]) -> Callable[..., None]:
    """How many shares a recovery key is split into, and where their sheets go."""
    for option in (
        click.option(
            "--print-as",
            type=click.Choice(recovery_sheets.SheetForm, case_sensitive=False),
            default=recovery_sheets.SheetForm.PDF,
            show_default="pdf",
            help="File format of the sheets.",
        ),
        click.option(
            "--print",
            "print_to",
            type=click.Path(path_type=Path, file_okay=False),
            metavar="DIR",
            help="Write one sheet per share into DIR, best one in memory (/dev/shm/...), instead of showing the words.",
        ),
        click.option(
            "--shares",
            type=(_SHARE, _SHARE),
            default=(2, 3),
            metavar="NEEDED MADE",
            show_default=True,
            help="How many recovery shares are needed, and how many are made.",
        ),
    ):
        command = option(command)
    return command


@click.command("init")
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
@click.option("--name", default="fieldreport", show_default=True, help="The newsroom's name, as sources see it.")
@click.option("--admin", type=HANDLE, default="admin", show_default=True, help="Handle of the first admin.")
@click.option(
    "--port",
    type=click.IntRange(1, limits.HIGHEST_PORT),
    default=8000,
    show_default=True,
    help="Intake; the desk and the press take the next two.",
)
@shares_options
def init_command(
    directory: Path,
    name: str,
    admin: str,
    port: int,
    shares: tuple[int, int],
    print_to: Path | None,
    print_as: recovery_sheets.SheetForm,
) -> None:
    """Make an installation in DIRECTORY: admin key, recovery shares, first roster, settings file."""
    if print_to is not None:
        recovery_sheets.prepare(print_to)
    made = installation.make(directory, name=name, admin=admin, port=port, shares=shares)
    click.echo(f"Made {made.settings.path.parent}\n")
    show_member(made.admin, name)
    hand_out(
        made.settings, key_id=made.recovery_key_id, shares=made.shares, needed=shares[0], to=print_to, form=print_as
    )
    click.echo(f"Pin on every intake: admin fingerprint {made.settings.keys.admin_fingerprint}")
    place = f"fieldreport --settings {directory / installation.SETTINGS_NAME}"
    click.echo(f"Next: '{place} staff add HANDLE' for each editor, then '{place} up'.")
    click.echo(f"On a server give each zone a Unix user of its own first, as root: 'fieldreport split {directory}'.")


def hand_out(
    settings: config.Settings,
    *,
    key_id: str,
    shares: tuple[str, ...],
    needed: int,
    to: Path | None,
    form: recovery_sheets.SheetForm,
) -> None:
    """Hand out the shares of a new recovery key: as sheets in ``to``, or once on the screen.

    Raises:
        UsageError: the sheets could not be written; then the shares were shown, because they exist nowhere else.
    """
    click.echo(f"Recovery shares: any {needed} of the {len(shares)} open the archive if every passphrase is lost.")
    if to is not None:
        try:
            written = recovery_sheets.write(to, sheets(settings, key_id=key_id, shares=shares, needed=needed), form)
        except UsageError:
            _show_shares(shares)
            raise
        click.echo(f"One sheet each is in {to}: {', '.join(path.name for path in written)}.")
        click.echo(
            f"Print them, give them to {len(shares)} people, and DELETE THE FILES: who has them has the archive."
        )
        if not recovery_sheets.is_in_memory(to):
            click.echo(
                f"{to} is on a disk, where a deleted file may be found again: wipe it, or use a tmpfs next time."
            )
    else:
        _show_shares(shares)
    click.echo("Then prove that the paper works: 'fieldreport recover --rehearse'.\n")


def _show_shares(shares: tuple[str, ...]) -> None:
    click.echo(f"Write each on a sheet of its own, give them to {len(shares)} people, and close this window.\n")
    for number, share in enumerate(shares, start=1):
        click.echo(f"  share {number}:\n    {share}\n")


def show_member(member: installation.Member, newsroom: str) -> None:
    """Print a new member's passphrase, second factor and recovery codes. Shown once."""
    uri = totp.provisioning_uri(member.totp, member.handle, newsroom)
    click.echo(f"{member.handle} ({member.role})")
    click.echo(f"  passphrase       {member.passphrase}")
    click.echo(f"  second factor    {uri}")
    for number in range(0, len(member.recovery_codes), _CODES_A_LINE):
        title = "" if number else "recovery codes"
        click.echo(f"  {title:<16} {'  '.join(member.recovery_codes[number : number + _CODES_A_LINE])}")
    if sys.stdout.isatty():
        segno.make_qr(uri).terminal(compact=True)
    click.echo("")
