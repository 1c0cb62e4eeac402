"""``fieldreport letterbox``: close the letterbox, close it for files, open it, or ask for an invitation word.

It holds at once, without a restart. Rule: the word is typed, never an argument, which others on the machine could see.
"""

from __future__ import annotations

import click

from fieldreport.cli import load_settings
from fieldreport.intake.letterbox import Doors, asks_for_invitation, doors, set_doors, set_invitation

_SAID = {
    Doors.OPEN: "The letterbox is open.",
    Doors.NO_FILES: "The letterbox takes words, and no files.",
    Doors.CLOSED: "The letterbox is closed. Who has a codename can come back, read answers and withdraw.",
}


@click.command("letterbox")
@click.argument("state", required=False, type=click.Choice([str(each) for each in Doors]))
@click.option(
    "--invitation/--no-invitation", default=None, help="Ask first reports for a word, typed now; or for none."
)
@click.pass_context
def letterbox_command(context: click.Context, state: str | None, *, invitation: bool | None) -> None:
    """Say whether the letterbox of this machine is open, or make it so: open, no-files or closed."""
    data = load_settings(context).intake.data
    if state is not None:
        set_doors(data, Doors(state))
    if invitation is not None:
        set_invitation(data, click.prompt("The word", err=True) if invitation else None)
    click.echo(_SAID[doors(data)])
    if asks_for_invitation(data):
        click.echo("A first report, and a packed one, needs the invitation word.")
