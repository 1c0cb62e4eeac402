"""``fieldreport init``: a new installation, with everything that must be written down shown once."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import segno

from fieldreport.cli import installation
from fieldreport.unseal import totp


@click.command("init")
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
@click.option("--name", default="fieldreport", show_default=True, help="The newsroom's name, as sources see it.")
@click.option("--admin", default="admin", show_default=True, help="Handle of the first admin.")
@click.option(
    "--port",
    type=installation.PORT,
    default=8000,
    show_default=True,
    help="Intake; the desk and the press take the next two.",
)
def init_command(directory: Path, name: str, admin: str, port: int) -> None:
    """Make an installation in DIRECTORY: admin key, recovery shares, first roster, settings file."""
    made = installation.make(directory, name=name, admin=admin, port=port)
    click.echo(f"Made {made.settings.path.parent}\n")
    show_member(made.admin, name)
    click.echo("Recovery shares: any two of the three open the archive if every passphrase is lost.")
    click.echo("Print each on a sheet of its own, give them to three people, and close this window.\n")
    for number, share in enumerate(made.shares, start=1):
        click.echo(f"  share {number}:\n    {share}\n")
    click.echo(f"Pin on every intake: admin fingerprint {made.settings.keys.admin_fingerprint}")
    click.echo("Next: 'fieldreport staff add HANDLE' for each editor, then 'fieldreport up'.")


def show_member(member: installation.Member, newsroom: str) -> None:
    """Print what a new member must take away: passphrase and second factor. Shown once."""
    uri = totp.provisioning_uri(member.totp, member.handle, newsroom)
    click.echo(f"{member.handle} ({member.role})")
    click.echo(f"  passphrase       {member.passphrase}")
    click.echo(f"  second factor    {uri}")
    if sys.stdout.isatty():
        segno.make_qr(uri).terminal(compact=True)
    click.echo("")
