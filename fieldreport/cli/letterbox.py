"""``fieldreport letterbox``: close the letterbox, close it for files, open it, or ask for an invitation word.

With the intake's settings on its machine; with the desk's over the link.

It takes effect at once, without a restart. Rule: the word is typed, never an argument, which others on this machine
could see.
"""

from __future__ import annotations

from contextlib import closing

import click

from fieldreport.cli import load_settings
from fieldreport.config import Settings
from fieldreport.errors import StoreError, UsageError
from fieldreport.intake.letterbox import (
    LetterboxState,
    asks_for_invitation,
    letterbox_state,
    must_see,
    set_invitation,
    set_letterbox_state,
)
from fieldreport.mailbox.link import open_link

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
    """Show the state of the letterbox, or set it: open, no-files or closed."""
    settings = load_settings(context)
    word = None if invitation is None else ""
    if invitation and not (word := click.prompt("The word", err=True).strip()):
        raise UsageError("an invitation word has at least one letter")
    now, asks = (_set_here if settings.has("intake") else _set_over_link)(settings, state, word)
    click.echo(_TEXTS[now])
    if asks:
        click.echo("A first report, and a packed one, needs the invitation word.")


def _set_here(settings: Settings, state: str | None, word: str | None) -> tuple[LetterboxState, bool]:
    data = settings.intake.data
    must_see(data)  # a state that cannot be read counts as closed, and may be open
    if state is not None:
        set_letterbox_state(data, LetterboxState(state))
    if word is not None:
        set_invitation(data, word or None)
    return letterbox_state(data), asks_for_invitation(data)


def _set_over_link(settings: Settings, state: str | None, word: str | None) -> tuple[LetterboxState, bool]:
    with closing(open_link(settings)) as link:
        now, asks = (
            link.letterbox() if state is None and word is None else link.set_letterbox(state=state, invitation=word)
        )
    try:
        return LetterboxState(now), asks
    except ValueError:
        raise StoreError("the intake answers what this desk does not understand") from None
