"""``fieldreport letterbox``: close the letterbox, close it for files, open it, or ask for an invitation word.

With the intake's settings on its machine; with the desk's over the link.

It takes effect at once, without a restart. Rule: the word is typed, never an argument, which others on this machine
could see.
"""

from __future__ import annotations

from contextlib import closing

import click

from fieldreport import limits
from fieldreport.cli import load_settings
from fieldreport.errors import UsageError
from fieldreport.mailbox.letterbox import MEANINGS, SET_AGAIN, LetterboxState, Switchboard
from fieldreport.mailbox.link import open_link
from fieldreport.mailbox.shared import open_local_switchboard


@click.command("letterbox")
@click.argument("state", required=False, type=click.Choice([str(each) for each in LetterboxState]))
@click.option(
    "--invitation/--no-invitation",
    default=None,
    help="Ask for an invitation word (typed now) with first reports, or for none.",
)
@click.option(
    "--letters-per-hour",
    "letters",
    type=click.IntRange(0, limits.LETTERS_HOUR_MOST),
    help="Take so many reports from forms an hour, at most as many as [intake] allows; 0: as many.",
)
@click.pass_context
def letterbox_command(
    context: click.Context, state: str | None, *, invitation: bool | None, letters: int | None
) -> None:
    """Show the state of the letterbox, or set it: open, no-files or closed."""
    settings = load_settings(context)
    word = None if invitation is None else ""
    if invitation and not (word := click.prompt("The word", err=True).strip()):
        raise UsageError("an invitation word has at least one letter")
    opened: Switchboard = open_local_switchboard(settings) if settings.has("intake") else open_link(settings)
    with closing(opened) as board:
        now = (
            board.letterbox()
            if state is None and word is None and letters is None
            else board.set_letterbox(
                state=None if state is None else LetterboxState(state), invitation=word, letters_per_hour=letters
            )
        )
    click.echo(MEANINGS[now.state])
    if now.invitation:
        click.echo("A first report, and a packed one, needs the invitation word.")
    if now.letters_per_hour == 0:
        click.echo(f"No report from a form is taken, because the number an hour cannot be read: {SET_AGAIN}.")
    elif now.letters_per_hour is not None and now.letters_per_hour != now.most_letters_per_hour:
        click.echo(f"At most {now.letters_per_hour:,} reports from forms an hour are taken.")
