"""``fieldreport purge``: which cases are past their time by ``[desk.retention]``, and their deletion.

Without ``--delete`` it changes nothing and needs no key. Deleting takes an editor's passphrase: it is signed in the
log, and what is sealed in the letters is compared first. The desk does the same once a day while an editor is unlocked.
"""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import click

from fieldreport.cli import load_settings, passphrases
from fieldreport.cli.handles import HANDLE
from fieldreport.errors import UsageError
from fieldreport.vault.archive import readers
from fieldreport.vault.archive.rosters import RosterWatch
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.archive.vault import open_vault
from fieldreport.vault.articles import retention
from fieldreport.vault.articles.retention import Due, Rules


@click.command("purge")
@click.option("--delete", is_flag=True, help="Delete them. Without it, nothing is changed.")
@click.option("--editor", type=HANDLE, help="With --delete: the editor in whose name, of the cases that they read.")
@click.option(
    "--passphrase-file",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Read the editor's passphrase from this file instead of asking.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
@click.pass_context
def purge_command(
    context: click.Context, editor: str | None, passphrase_file: Path | None, *, delete: bool, as_json: bool
) -> None:
    """Show the cases past their time, or delete them."""
    if delete != (editor is not None):
        raise UsageError("--delete and --editor go together: a deletion is signed by an editor who may read the case")
    settings = load_settings(context)
    rules = Rules.of(settings.desk)
    if not rules.days:
        raise UsageError("no rule: [desk.retention] says after how many days in a state a case is deleted")
    staff = None if editor is None else passphrases.unlock_editor(settings, editor, passphrase_file)
    with closing(open_vault(settings)) as vault:
        rosters = RosterWatch.of(settings, vault)
        found = (
            retention.preview(readers.Outside(vault=vault, rosters=rosters), rules)
            if staff is None
            else retention.purge(Seat(vault, staff, rosters), rules, keyfiles=settings.desk.keyfiles)
        )
    if as_json:
        click.echo(json.dumps([_document(due, deleted=delete and not due.kept) for due in found]))
        return
    verb = "deleted" if delete else "would be deleted"
    for due in found:
        click.echo(f"{due.name:<8} {due.state:<10} {f'stays: {due.kept}' if due.kept else verb}")
    gone = sum(not due.kept for due in found)
    click.echo(f"{gone} {'case' if gone == 1 else 'cases'} {verb}, {len(found) - gone} past their time stay.")


def _document(due: Due, *, deleted: bool) -> dict[str, object]:
    return {"case": due.name, "state": due.state, "due_hour": due.due, "kept": due.kept, "deleted": deleted}
