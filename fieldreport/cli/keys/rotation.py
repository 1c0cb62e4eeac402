"""``fieldreport keys rotate``: replace a key at a terminal where its owner and the admin are both present.

Rotation takes two people: the admin, who signs the roster, and the owner, at whose unlock the new key is made. On the
desk each does it in their own time; here both type their passphrase at one terminal and everything is done at once.
Every step is recorded in the vault before the next begins, so a run that was killed continues where it stopped.
"""

from __future__ import annotations

from pathlib import Path
from typing import assert_never

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text
from typing_extensions import override

from fieldreport import installation
from fieldreport.cli import load_settings, passphrases
from fieldreport.cli.handles import HANDLE
from fieldreport.errors import Conflict, NotFound
from fieldreport.mailbox import DeskMailbox
from fieldreport.seal import KeyState, Role
from fieldreport.unseal import key_file
from fieldreport.vault.archive import rewrap
from fieldreport.vault.archive.rosters import open_watch
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.archive.tables import RotationState
from fieldreport.vault.cases import sort
from fieldreport.vault.keys import rotation, rotation_at_unlock, rotation_state
from fieldreport.vault.keys.rotation_state import RotationOrder
from fieldreport.vault.staff import roster_changes


@click.command("rotate")
@click.argument("handles", nargs=-1, type=HANDLE)
@click.option("--all", "everybody", is_flag=True, help="Every active editor.")
@click.option("--order-only", is_flag=True, help="Only order it; owners and the admin do the rest at the desk.")
@passphrases.admin_option
@passphrases.passphrase_option
@click.option(
    "--owner-passphrase-file",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Read the owner's passphrase from this file instead of asking. For one HANDLE.",
)
@click.pass_context
def rotate(
    context: click.Context,
    handles: tuple[str, ...],
    admin: str,
    passphrase_file: Path | None,
    owner_passphrase_file: Path | None,
    *,
    everybody: bool,
    order_only: bool,
) -> None:
    """Replace the key of each of HANDLES. After an interruption, run it again to continue."""
    settings = load_settings(context)
    if everybody:
        with open_watch(settings) as rosters:
            entries = rosters.in_force().entries
        handles = tuple(e.handle for e in entries if e.role is Role.EDITOR and e.state is KeyState.ACTIVE)
    if not handles or (owner_passphrase_file is not None and len(handles) > 1):
        raise click.UsageError("name one person, or several without --owner-passphrase-file, or --all")
    admin_key = passphrases.unlock_admin(settings, admin, passphrase_file)
    with installation.admin_at_work(settings, admin_key) as (signer, mailbox):
        for handle in handles:
            if rotation_state.open_rotation_of(signer.vault, handle) is None:
                rotation.order(signer, handle)
                click.echo(f"{handle}: ordered")
            if not order_only:
                passphrase = passphrases.passphrase(f"Passphrase of {handle}", owner_passphrase_file)
                _Rotation(signer, mailbox, settings.desk.keyfiles / f"{handle}.key", passphrase).finish(handle)


class _Rate(ProgressColumn):
    """Objects a second."""

    @override
    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.0f}/s" if task.speed else "")


class _Rotation:
    """One rotation whose two people are both here."""

    def __init__(self, signer: Seat, mailbox: DeskMailbox, path: Path, passphrase: str) -> None:
        self._signer = signer
        self._mailbox = mailbox
        self._path = path
        self._passphrase = passphrase
        self._owner = Seat(signer.vault, key_file.unlock(path, passphrase), signer.rosters)

    def finish(self, handle: str) -> None:
        """Take every step that is left.

        Raises:
            Conflict: a step cannot be taken yet; the text says what is missing.

        """
        while (order := rotation_state.open_rotation_of(self._signer.vault, handle)) is not None:
            if order.new_key_id not in {None, *(identity.key_id for identity in self._owner.staff.identities)}:
                self._owner = Seat(
                    self._signer.vault, key_file.unlock(self._path, self._passphrase), self._signer.rosters
                )
            try:
                self._step(order, handle)
            except (Conflict, NotFound):
                # Where the desk took this step at the same time, go on from where it has come.
                if rotation_state.open_rotation_of(self._signer.vault, handle) == order:
                    raise

    def _step(self, order: RotationOrder, handle: str) -> None:
        match order.state:
            case RotationState.ORDERED:
                self._owner, notices = rotation_at_unlock.at_unlock(
                    self._owner, self._path, self._passphrase, self._mailbox
                )
                if rotation.own(self._owner) == order:
                    raise Conflict(" ".join(notices))
                click.echo(f"{handle}: the new key is made")
            case RotationState.REQUESTED:
                roster_changes.approve(self._signer, order, self._mailbox)
                click.echo(f"{handle}: letters go to the new key")
            case RotationState.APPROVED:
                self._rewrap()
                rotation.finish(self._owner, self._mailbox)
            case RotationState.REWRAPPED:
                self._owner = rotation_at_unlock.destroy_old(self._owner, self._path, self._passphrase, self._mailbox)
                click.echo(f"{handle}: the old key is destroyed")
            case RotationState.DESTROYED:
                return
            case _:
                assert_never(order.state)

    def _rewrap(self) -> None:
        columns = (TextColumn("re-wrapping"), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
        # On stderr: the lines on stdout are for reading afterwards.
        with Progress(*columns, console=Console(stderr=True)) as progress:
            bar = progress.add_task("re-wrapping", total=None)
            sort.sort(self._owner)
            rewrap.rewrap(self._owner, lambda done, total: progress.update(bar, completed=done, total=total))
