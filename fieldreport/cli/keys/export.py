"""``fieldreport keys export``: a person's reading keys as a stock age identity.

For the day on which this program no longer exists, or a reader wants another one. The identity has no
passphrase, so it goes into a file of mode 0600 unless the terminal is asked for by name.
"""

from __future__ import annotations

from pathlib import Path

import click

from fieldreport.cli import load_settings, passphrases
from fieldreport.cli.handles import HANDLE
from fieldreport.errors import NotFound, UsageError
from fieldreport.unseal import identity_file, key_file

_WARNING = (
    "This opens every letter that {handle} can open, without a passphrase. Move it to a machine without a network, and "
    "destroy every copy that is not needed. A rotation of {handle}'s key makes it useless for what is stored then."
)


@click.command("export")
@click.argument("handle", type=HANDLE)
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    help="The new file; '-' for the terminal.",
)
@click.option(
    "--passphrase-file",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Read the passphrase of HANDLE from this file instead of asking.",
)
@click.pass_context
def export_command(context: click.Context, handle: str, output: Path, passphrase_file: Path | None) -> None:
    """Write the reading keys of HANDLE as an identity file for age 1.3 or newer."""
    path = load_settings(context).desk.keyfiles / f"{handle}.key"
    if not path.exists():
        raise NotFound(f"no key file of {handle} in {path.parent}")
    staff = key_file.unlock(path, passphrases.passphrase(f"Passphrase of {handle}", passphrase_file))
    if not staff.identities:
        raise UsageError(f"{handle} is an admin, and an admin's key opens nothing")
    if output == Path("-"):
        click.echo(identity_file.encode(staff.identities), nl=False)
    else:
        identity_file.write(output, staff.identities)
    click.echo(_WARNING.format(handle=handle), err=True)
