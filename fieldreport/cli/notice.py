"""``fieldreport notice``: a message that says whether something waits at the desk, sent by a timer once a day.

Anybody who watches mailboxes and lines learns nothing from that a message came: one is sent every time, with the same
words in the same number of bytes but for one of two, and digits. Nothing of a report, no case and no person is in it.

Rule: what cannot be looked at counts as waiting. A notice that says nothing waits is true.
"""

from __future__ import annotations

import secrets
import smtplib
import ssl
import subprocess
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email import policy
from email.message import EmailMessage
from email.utils import formatdate
from pathlib import Path
from typing import Final

import click

from fieldreport import config, hardening, limits
from fieldreport.cli import load_settings
from fieldreport.errors import FieldreportError, SettingsError, StoreError
from fieldreport.mailbox.link import open_desk_mailbox
from fieldreport.vault.archive.vault import open_vault
from fieldreport.vault.articles import overview
from fieldreport.vault.cases import due, inbox
from fieldreport.vault.cases.due import DueDays

_SUBJECT: Final = "The desk's daily notice"
_HERE: Final = frozenset({"127.0.0.1", "[::1]", "localhost"})


@click.command("notice")
@click.option("--print", "only_print", is_flag=True, help="Print the message and send nothing.")
@click.pass_context
def notice_command(context: click.Context, *, only_print: bool) -> None:
    """Send the daily notice, whether something waits or not."""
    settings = load_settings(context)
    notice = settings.notice
    if not only_print:
        _must_be_complete(notice)
    waits, overdue, to_publish = _look(settings)
    message = message_of(notice, waits=waits, overdue=overdue, to_publish=to_publish)
    if only_print:
        click.echo(message.get_content(), nl=False)
    elif notice.smtp:
        _send(notice, message)
    else:
        _hand_to_command(notice, message)


def message_of(
    notice: config.Notice, *, waits: bool, overdue: int | None, to_publish: int | None = None
) -> EmailMessage:
    """The message: numbers of cases and articles, or nothing where it is not known. As long, whatever it says."""
    lines = [f"Waiting at the desk: {'letters' if waits else 'nothing'}"]
    if notice.overdue:
        lines.append(f"Overdue: {_three_digits(overdue)}")
    if notice.to_publish:
        lines.append(f"To publish within 24 hours, while an editor is unlocked: {_three_digits(to_publish)}")
    message = EmailMessage(policy=policy.SMTP)
    message["From"] = notice.sender
    message["To"] = ", ".join(notice.recipients)
    message["Subject"] = _SUBJECT
    message["Date"] = formatdate(localtime=False)
    # Python's own would name this machine and its process.
    message["Message-ID"] = f"<{secrets.token_hex(16)}@{notice.sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's holiday note answers
    message.set_content("".join(f"{line}\n" for line in lines))
    return message


def _three_digits(number: int | None) -> str:
    return "???" if number is None else f"{min(number, limits.NOTICE_COUNT):03}"


def _look(settings: config.Settings) -> tuple[bool, int | None, int | None]:
    """Whether something waits, how many cases are overdue, how many articles are due. What fails goes to stderr."""
    waits, overdue, to_publish = False, None, None
    try:
        with closing(open_desk_mailbox(settings)) as mailbox:
            waits = mailbox.totals().letters > 0
    except FieldreportError as error:
        click.echo(f"fieldreport: {error.detail}", err=True)
        waits = True
    try:
        with closing(open_vault(settings)) as vault:
            waits = waits or inbox.unsorted(vault) > 0 or inbox.is_anything_unread(vault)
            overdue = due.count_overdue(vault, DueDays.of(settings.desk))
            to_publish = overview.count_due(vault, until=datetime.fromtimestamp(vault.clock(), UTC) + timedelta(days=1))
    except FieldreportError as error:
        click.echo(f"fieldreport: {error.detail}", err=True)
        waits = True
    return waits, overdue, to_publish


def _must_be_complete(notice: config.Notice) -> None:
    if bool(notice.smtp) == bool(notice.command):
        raise SettingsError("[notice] needs smtp or command, and not both")
    if not notice.sender or not notice.recipients:
        raise SettingsError("[notice] needs sender and recipients")
    if notice.smtp and notice.tls == "none" and _server(notice)[0] not in _HERE:
        raise SettingsError("[notice] tls = none is for a server on this machine")
    if notice.user and notice.password_file == Path():
        raise SettingsError("[notice] user needs password_file")


def _server(notice: config.Notice) -> tuple[str, int]:
    return config.split_listen(notice.smtp, where="[notice] smtp")


def _password(notice: config.Notice) -> str:
    hardening.check_private(notice.password_file)
    try:
        return notice.password_file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise SettingsError(f"[notice] password_file: cannot read {notice.password_file}") from None


def _send(notice: config.Notice, message: EmailMessage) -> None:
    host, port = _server(notice)
    host, trusted = host.strip("[]"), ssl.create_default_context()
    try:
        with (
            smtplib.SMTP_SSL(host, port, local_hostname="localhost", timeout=limits.NOTICE_SECONDS, context=trusted)
            if notice.tls == "tls"
            else smtplib.SMTP(host, port, local_hostname="localhost", timeout=limits.NOTICE_SECONDS)
        ) as server:
            if notice.tls == "starttls":
                server.starttls(context=trusted)
            if notice.user:
                server.login(notice.user, _password(notice))
            if refused := server.send_message(message):
                raise _not_sent(f"{notice.smtp} takes it not for {', '.join(sorted(refused))}")
    except OSError as error:  # smtplib's are, too; what the server says in them is a stranger's
        raise _not_sent(f"{notice.smtp}: {error.strerror or type(error).__name__}") from None


def _hand_to_command(notice: config.Notice, message: EmailMessage) -> None:
    try:
        done = subprocess.run(
            notice.command,
            input=message.as_bytes(),
            check=False,
            timeout=limits.NOTICE_SECONDS,
            stdout=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        raise _not_sent(f"{notice.command[0]} did not end in {limits.NOTICE_SECONDS} seconds") from None
    except OSError as error:
        raise _not_sent(f"{notice.command[0]}: {error.strerror}") from None
    if done.returncode:
        raise _not_sent(f"{notice.command[0]} ended with status {done.returncode}")


def _not_sent(why: str) -> StoreError:
    return StoreError("the notice was not sent", detail=f"the notice was not sent: {why}")
