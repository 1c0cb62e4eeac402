"""Enrolment on the command line: editors make their own keys; the admin invites them and approves after a call.

    fieldreport keys new HANDLE          on the editor's own machine, without network or database
    fieldreport staff invite HANDLE      a one-time code for doing the same on the desk's page
    fieldreport staff approve …          after comparing the words; only then does the roster name them

Rules: passphrase and second factor are shown once, to their owner; the admin's commands show neither.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from fieldreport import installation, limits
from fieldreport.cli import init, load_settings, passphrases
from fieldreport.cli.handles import HANDLE
from fieldreport.errors import NotFound, UsageError
from fieldreport.seal import Role, fingerprint_words
from fieldreport.unseal import key_file, machine_secret, recovery_codes
from fieldreport.unseal.enrolment import EnrolmentRequest
from fieldreport.vault.staff import enrolment

_REQUEST_CHARACTERS = 10_000


@click.command("new")
@click.argument("handle", type=HANDLE)
@click.option("--role", type=click.Choice(["editor", "admin"]), default="editor", show_default=True)
@click.option("--instance", help="The newsroom's id, 32 digits; not needed where there is a settings file.")
@click.option("--name", default="fieldreport", show_default=True, help="The newsroom's name in the authenticator app.")
@click.option(
    "--to",
    "directory",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=Path(),
    help="Where to write. Default: the current directory.",
)
@click.pass_context
def new(context: click.Context, handle: str, role: str, instance: str | None, name: str, directory: Path) -> None:
    """Make the keys of HANDLE, on that person's own machine.

    Writes HANDLE.key, encrypted under the passphrase that is shown once, and HANDLE.request, which is public and asks
    the admin for a place in the roster. An admin's key needs no request: 'keys hand-over' takes it. In the desk's own
    directory of key files it needs a secret of that machine, too.
    """
    newsroom = _instance(context, instance)
    codes = recovery_codes.generate()
    staff = key_file.StaffKey.generate(handle, Role(role), codes=codes)
    key, request = directory / f"{handle}.key", directory / f"{handle}.request"
    if key.exists() or request.exists():
        raise UsageError(f"there is a {key.name} or {request.name} already; keys are never overwritten")
    passphrase = key_file.generate_passphrase()
    # Only on the desk is there a machine to bind it to.
    on_the_desk = machine_secret.directory(directory).is_dir()
    key_file.write_key_file(key, staff, passphrase, portable=not on_the_desk)
    init.show_member(
        installation.Member(
            handle=handle, role=staff.role, passphrase=passphrase, totp=staff.totp, recovery_codes=codes
        ),
        name,
    )
    click.echo("Write passphrase and recovery codes down and scan the second factor now: none can be shown again.")
    if on_the_desk:
        click.echo(
            f"{key} needs the passphrase and a secret of this machine, in {machine_secret.directory(directory)}."
        )
    else:
        click.echo(f"The passphrase alone opens {key}. It belongs on the desk, which binds it; keep no other copy.")
    if staff.role is Role.EDITOR:
        asked = EnrolmentRequest.sign(staff, instance=newsroom, now=datetime.now(UTC))
        _write_request(request, asked.encode())
        click.echo(f"Give {key.name} and {request.name} to the admin within {limits.ENROLMENT_DAYS} days.")
        click.echo("When the admin calls, read these twelve words:\n")
        click.echo(f"  {fingerprint_words(asked.fingerprint)}")


def _instance(context: click.Context, given: str | None) -> bytes:
    if given is None:
        return load_settings(context).instance_id
    try:
        instance = bytes.fromhex(given)
    except ValueError:
        instance = b""
    if len(instance) != limits.ID_BYTES:
        raise UsageError("a newsroom's id has 32 hexadecimal digits; the admin has it in fieldreport.toml")
    return instance


def _write_request(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="ascii")
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from None


@click.command("invite")
@click.argument("handle", type=HANDLE)
@click.option("--admin", type=HANDLE, default="admin", show_default=True, help="Handle of the admin who invites.")
@passphrases.passphrase_option
@click.pass_context
def invite(context: click.Context, handle: str, admin: str, passphrase_file: Path | None) -> None:
    """Invite HANDLE to make their own keys on the desk's page /enrol. Shows the code, once."""
    settings = load_settings(context)
    signer = passphrases.unlock_admin(settings, admin, passphrase_file)
    with installation.admin_at_work(settings, signer) as (seat, _):
        code = enrolment.invite(seat, handle)
    click.echo(f"Invitation of {handle}, valid once, for {limits.INVITATION_HOURS} hours:\n")
    click.echo(f"  {code}\n")
    click.echo(
        "Tell it to them in person or by telephone. They open /enrol on the desk, and then read you twelve words."
    )


@click.command("approve")
@click.argument("wanted", metavar="HANDLE|FILE")
@click.option(
    "--keyfile",
    "brought",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="The key file that came with FILE; it is put on the desk.",
)
@click.option(
    "--fingerprint", help="The digits that the person read to you. Without it you are asked to compare the words."
)
@passphrases.admin_option
@passphrases.passphrase_option
@click.pass_context
def approve(
    context: click.Context,
    wanted: str,
    brought: Path | None,
    fingerprint: str | None,
    admin: str,
    passphrase_file: Path | None,
) -> None:
    """Approve somebody who enrolled on the desk (HANDLE), or the request in FILE."""
    settings = load_settings(context)
    signer = passphrases.unlock_admin(settings, admin, passphrase_file)
    with installation.admin_at_work(settings, signer) as (seat, mailbox):
        request = _read_request(Path(wanted)) if Path(wanted).is_file() else enrolment.request_of(seat.vault, wanted)
        enrolment.check(seat, request)  # before anybody is called
        if fingerprint is None:
            _ask(request)
        path = settings.desk.keyfiles / f"{request.handle}.key"
        if brought is not None:
            key_file.import_key_file(brought, path, handle=request.handle)
        elif not path.exists():
            raise NotFound(f"the key file of {request.handle} is not on the desk; give it with --keyfile")
        compared = request.fingerprint if fingerprint is None else "".join(fingerprint.split()).lower()
        roster = enrolment.approve(seat, request, compared, mailbox)
    click.echo(
        f"Epoch {roster.epoch} is in force. New letters are sealed to {request.handle} from now on; earlier ones"
    )
    click.echo("as soon as an editor is unlocked at the desk.")


def _read_request(path: Path) -> EnrolmentRequest:
    try:
        with path.open(encoding="ascii") as file:
            return EnrolmentRequest.parse(file.read(_REQUEST_CHARACTERS))
    except (OSError, UnicodeDecodeError):
        raise UsageError(f"cannot read a request from {path}") from None


def _ask(request: EnrolmentRequest) -> None:
    click.echo(f"Call {request.handle} and ask them to read their twelve words. Every word must be the same as here:\n")
    click.echo(f"  {fingerprint_words(request.fingerprint)}\n")
    if not click.confirm("Did you hear exactly these words, from a voice you know?"):
        raise UsageError("not approved; nothing was changed")
