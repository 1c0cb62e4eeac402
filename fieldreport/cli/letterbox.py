"""``fieldreport letterbox``: close the letterbox, close it for files, open it, or ask for an invitation word.

It takes effect at once, without a restart. Rule: the word is typed, never an argument, which others on this machine
could see.
"""

from __future__ import annotations

import click

from fieldreport.cli import load_settings
from fieldreport.intake.letterbox import (
    LetterboxState,
    asks_for_invitation,
    letterbox_state,
    set_invitation,
    set_letterbox_state,
)

_TEXTS = {
    LetterboxState.OPEN: "The letterbox is open.",
    LetterboxState.NO_FILES: "The letterbox takes words, and no files.",
    LetterboxState.CLOSED: "The letterbox is closed. Who has a codename can come back, read answers and withdraw.",
}


@click.command("letterbox")
@click.argument("state", required=False, type=click.Choice([str(each) for each in LetterboxState]))
@click.option(
    "--invitation/--no-invitation",
    default=None,
    help="Ask for an invitation word (typed now) with first reports, or for none.",
)
@click.pass_context
def letterbox_command(context: click.Context, state: str | None, *, invitation: bool | None) -> None:
    """Show the state of this machine's letterbox, or set it: open, no-files or closed."""
    data = load_settings(context).intake.data
    if state is not None:
        set_letterbox_state(data, LetterboxState(state))
    if invitation is not None:
        set_invitation(data, click.prompt("The word", err=True) if invitation else None)
    click.echo(_TEXTS[letterbox_state(data)])
    if asks_for_invitation(data):
        click.echo("A first report, and a packed one, needs the invitation word.")
