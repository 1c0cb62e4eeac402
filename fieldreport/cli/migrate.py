"""``fieldreport migrate``: make the tables of the databases, or bring them to what this program knows.

The only command that may alter tables. On PostgreSQL it is run as the role that owns them, with the URL of that role in
the environment; the zones' own roles cannot.
"""

from __future__ import annotations

import click

from fieldreport.cli import load_settings
from fieldreport.cli.stores import STORES


@click.command("migrate")
@click.argument("databases", nargs=-1, type=click.Choice(list(STORES)))
@click.pass_context
def migrate_command(context: click.Context, databases: tuple[str, ...]) -> None:
    """Make or upgrade the tables of these databases; of all that the settings have, unless named.

    Stop their zones, and make a backup first. With PostgreSQL run it as the owner of the tables:
    FIELDREPORT_INTAKE_MAILBOX and FIELDREPORT_DESK_VAULT name its URLs.
    """
    settings = load_settings(context)
    for name in databases or tuple(name for name, (zone, _) in STORES.items() if settings.has(zone)):
        _, place = STORES[name]
        changed = place(settings).migrate()
        click.echo(f"{name:<8} {changed or 'nothing to do'}")
