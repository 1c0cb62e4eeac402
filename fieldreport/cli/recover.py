"""``fieldreport recover``: the recovery key from its paper shares, for a newsroom that lost its passphrases.

    --rehearse       prove that the shares work; no key is written
    --rewrap         give the whole archive to the current editors; first add one whose passphrase is known;
                     a case whose readers have all left goes to the editors that --case and --reader name, and
                     letters to a desk or editor that is nobody any more to those that --addressee and --reader name
    --export FILE    write the key as a key file under a new passphrase, for 'fieldreport open' on another machine
    --new-admin WHO  replace an admin whose passphrase is lost; see ``replace_admin``

Rules: shares are typed, or read from files, and never taken from arguments; what they give is compared with the roster
before anything is done with it; the act is in the audit log before the key is used.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import closing
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from fieldreport import config, limits
from fieldreport.cli import init, load_settings, replace_admin
from fieldreport.cli.handles import HANDLE
from fieldreport.cli.terminal import in_one_line
from fieldreport.errors import Conflict, KeyFileDamaged, StoreError, UsageError
from fieldreport.mailbox.link import open_desk_mailbox
from fieldreport.seal import KeyState, fingerprint_words
from fieldreport.unseal import key_file, recovery
from fieldreport.vault.archive.rosters import RosterWatch
from fieldreport.vault.archive.vault import open_vault
from fieldreport.vault.cases.collect import collect
from fieldreport.vault.keys.recovery import Rescue, identity_of

_TRIES = 3  # of typing one share; after that, a break or another sheet helps more


@click.command("recover")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--rehearse", is_flag=True, help="Prove that the shares work. Writes no key.")
@click.option("--rewrap", is_flag=True, help="Seal the archive to the active editors of the roster in force.")
@click.option("--case", metavar="NAME", help="With --rewrap: a case whose readers have left, to give to other editors.")
@click.option(
    "--reader",
    "readers",
    multiple=True,
    type=HANDLE,
    metavar="HANDLE",
    help="With --case or --addressee: an editor who is to read it.",
)
@click.option(
    "--addressee", metavar="NAME", help="With --rewrap: letters to NAME, all of whom have left, go to other editors."
)
@click.option(
    "--export",
    "export_to",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the key as a key file under a new passphrase.",
)
@click.option(
    "--new-admin", type=HANDLE, metavar="HANDLE", help="Make HANDLE the admin, replacing one who can no longer unlock."
)
@click.pass_context
def recover_command(
    context: click.Context,
    files: tuple[Path, ...],
    export_to: Path | None,
    new_admin: str | None,
    case: str | None,
    readers: tuple[str, ...],
    addressee: str | None,
    *,
    rehearse: bool,
    rewrap: bool,
) -> None:
    """Combine recovery shares, typed one by one or read from FILES."""
    if [rehearse, rewrap, export_to is not None, new_admin is not None].count(True) != 1:
        raise click.UsageError("say what for: one of --rehearse, --rewrap, --export FILE and --new-admin HANDLE")
    if [case is not None, addressee is not None].count(True) != bool(readers) or (readers and not rewrap):
        raise click.UsageError("--case NAME or --addressee NAME belongs to --reader HANDLE, and both to --rewrap")
    if export_to is not None and export_to.exists():
        raise UsageError(f"{export_to} exists already")
    settings = load_settings(context)
    with closing(open_vault(settings)) as vault:
        # Expired or not: with every passphrase lost, there may be nobody to renew it.
        rosters = RosterWatch.of(settings, vault)
        roster = rosters.newest()
        identity, entry = identity_of([_read(file) for file in files] or _typed(), roster)
        click.echo("The shares belong together. They are those of the recovery key in the roster:")
        click.echo(f"  {fingerprint_words(identity.key_id)}")
        if entry.state is KeyState.DECRYPT_ONLY:
            click.echo("A newer recovery key has replaced it; this one does not open what came since then.")
        rescue = Rescue(vault=vault, identity=identity, entry=entry, rosters=rosters)
        if rehearse:
            _rehearse(rescue)
        if export_to is not None:
            _export(rescue, export_to)
        if case is not None:
            rescue.assign_readers(case, readers)
        if rewrap:
            _rewrap(rescue, settings, {} if addressee is None else {addressee: readers})
            _show_orphaned_cases(rescue)
        if new_admin is not None:
            _refound(rescue, settings, new_admin)
    if not files:
        click.echo("Close this window: what you typed is still in its scrollback.")


def _read(file: Path) -> str:
    try:
        with file.open(encoding="utf-8") as opened:
            return opened.read(limits.RECOVERY_SHEET_CHARACTERS)
    except (OSError, UnicodeDecodeError):
        raise UsageError(f"cannot read a share from {file}; a PDF is printed and typed") from None


def _typed() -> list[str]:
    """Ask for as many shares as the first says are needed; a mistake is reported at once."""
    click.echo("Type the words of each share in one line; the first four letters of each word are enough.", err=True)
    shares: list[str] = []
    needed = 1
    while len(shares) < needed:
        number = len(shares) + 1
        for left in reversed(range(_TRIES)):
            typed: str = click.prompt(f"Share {number}", err=True)
            try:
                needed = max(needed, recovery.shares_needed(typed, number=number))
            except KeyFileDamaged as refused:
                if not left:
                    raise
                click.echo(f"{refused.detail}; type it again", err=True)
            else:
                shares.append(typed)
                break
    return shares


def _rehearse(rescue: Rescue) -> None:
    reach = rescue.rehearse()
    proof = "One was opened as a proof." if reach.tried else "There was none to open as a proof."
    click.echo(f"{reach.named} of {reach.all} objects in the vault are sealed to it. {proof}")
    if reach.named < reach.all:
        click.echo("The rest is sealed to it when an editor unlocks the desk.")
    click.echo("The rehearsal succeeded. No key was written. Put the sheets back where they were.")


def _export(rescue: Rescue, path: Path) -> None:
    passphrase = key_file.generate_passphrase()
    rescue.used()
    key_file.write_key_file(path, recovery.as_staff_key(rescue.identity), passphrase, portable=True)
    click.echo(f"The recovery key is in {path}, for any machine. It opens every report: destroy the file when you are")
    click.echo("done.")
    click.echo(f"  passphrase       {passphrase}")


def _refound(rescue: Rescue, settings: config.Settings, handle: str) -> None:
    rescue.used()
    member, pinned, roster = replace_admin.replace(settings, rescue.rosters, handle=handle)
    rescue.vault.saw_epoch(roster.epoch)
    click.echo(f"{handle} is the admin now. Epoch {roster.epoch} is in force, in {pinned.keys.directory}.\n")
    init.show_member(member, settings.instance.name)
    click.echo(f"Pin on every other intake, by hand: admin fingerprint {pinned.keys.admin_fingerprint}")
    click.echo("and give it that directory. Restart the zones. Editors keep their keys; for those who cannot unlock")
    click.echo("any more: 'fieldreport staff remove', 'fieldreport staff add', then 'fieldreport recover --rewrap'.")


def _rewrap(rescue: Rescue, settings: config.Settings, given: Mapping[str, Collection[str]]) -> None:
    mailbox = open_desk_mailbox(settings)
    try:
        damaged = collect(rescue.vault, mailbox, rescue.rosters).damaged
        if damaged:
            click.echo(
                f"{len(damaged)} letters cannot be read and stay in the mailbox; see 'fieldreport doctor'", err=True
            )
    except (Conflict, StoreError) as error:
        click.echo(f"letters in the mailbox stay where they are for now: {error.detail}", err=True)
    finally:
        mailbox.close()
    columns = (TextColumn("re-wrapping"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        bar = progress.add_task("re-wrapping", total=None)
        result, abandoned = rescue.rewrap(
            lambda done, total: progress.update(bar, completed=done, total=total), given=given
        )
    if result.done:
        click.echo(f"{result.done} objects are now sealed to exactly the current editors.")
    else:
        click.echo("Nothing was left to re-wrap: everything that this key opens is sealed to the current editors.")
        click.echo("If none of them can unlock, 'fieldreport staff add HANDLE' first, then this again.")
    if result.skipped:
        click.echo(f"{result.skipped} could not be opened with this key and were left as they are.")
    for name in sorted(map(in_one_line, abandoned)):
        click.echo(f"Letters wait for {name}, who is nobody any more: this key alone opens them. To give them")
        click.echo(f"to others: --rewrap --addressee {name} --reader HANDLE")


def _show_orphaned_cases(rescue: Rescue) -> None:
    for name, readers in rescue.orphaned_cases():
        click.echo(
            f"The case {name} is limited to {', '.join(sorted(readers))}, who have all left: this key alone opens"
        )
        click.echo(f"it. To give it to others: --rewrap --case {name} --reader HANDLE --reader HANDLE")
