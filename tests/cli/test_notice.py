"""``fieldreport notice``: always sent, always as long, and it says no more than whether something waits."""

from __future__ import annotations

import socketserver
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from typing_extensions import override

from fieldreport.cli.notice import message_of
from fieldreport.config import Notice
from fieldreport.mailbox import open_mailbox
from fieldreport.seal import Codename, SourceKeys
from fieldreport.vault.archive.rosters import RosterWatch
from tests.cast import deposit_letter
from tests.cli.conftest import House, enrol, refused


class MailServer(socketserver.ThreadingTCPServer):
    """Speaks as much SMTP (RFC 5321) as takes a message, and keeps what it was sent."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.messages: list[bytes] = []
        self.greetings: list[bytes] = []
        self.refuses = False

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"


class _Conversation(socketserver.StreamRequestHandler):
    server: MailServer

    @override
    def handle(self) -> None:
        self._say("220 mail.example")
        while line := self.rfile.readline():
            word = line.split()[0].upper()
            if word in {b"EHLO", b"HELO"}:
                self.server.greetings.append(line)
            if word == b"RCPT" and self.server.refuses:
                self._say("550 nobody of that name, and look: C-SECRET")
            elif word == b"DATA":
                self._say("354 go on")
                lines: list[bytes] = []
                while (part := self.rfile.readline()) != b".\r\n":
                    lines.append(part)
                self.server.messages.append(b"".join(lines))
                self._say("250 taken")
            elif word == b"QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 fine")

    def _say(self, words: str) -> None:
        self.wfile.write(f"{words}\r\n".encode())


@pytest.fixture
def mail() -> Iterator[MailServer]:
    with MailServer() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def settle(house: House, **keys: str) -> House:
    keys = {"sender": '"desk@example.org"', "recipients": '["amira@example.org", "jonas@example.org"]', **keys}
    path = house.settings.path
    text = path.read_text(encoding="utf-8").partition("\n[notice]")[0]
    path.write_text(text + "\n[notice]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items()))
    return house


def deposit(house: House) -> None:
    settings = house.settings
    with closing(open_mailbox(settings)) as mailbox:
        source = SourceKeys.derive(Codename.generate("en"), instance=settings.instance_id)
        roster = RosterWatch.of(settings).newest()
        deposit_letter(mailbox, roster, source, hour=500_000, text="my name is Lee, at the border")


def words_of(message: bytes) -> bytes:
    return message.partition(b"\r\n\r\n")[2]


def test_it_is_sent_by_smtp_whether_something_waits_or_not_and_looks_the_same(house: House, mail: MailServer) -> None:
    enrol(house, "amira")
    settle(house, smtp=f'"{mail.address}"', tls='"none"')
    assert house.run("notice").exit_code == 0
    deposit(house)
    assert house.run("notice").exit_code == 0
    assert house.run("collect").exit_code == 0
    assert house.run("notice").exit_code == 0
    nothing, waiting, unsorted = mail.messages
    assert words_of(nothing) == b"Waiting at the desk: nothing\r\n"
    assert words_of(waiting) == words_of(unsorted) == b"Waiting at the desk: letters\r\n"
    assert len(nothing) == len(waiting) == len(unsorted)
    heads = [[line.split(b":")[0] for line in each.partition(b"\r\n\r\n")[0].splitlines()] for each in mail.messages]
    assert heads[0] == heads[1] == heads[2]
    assert {line.strip() for line in mail.greetings} == {b"ehlo localhost"}, "the machine's name is nobody's business"
    assert not any(
        word in waiting for word in (b"Lee", b"border", b"C-", b"admin", house.settings.instance.name.encode())
    )


def test_what_cannot_be_looked_at_counts_as_waiting(house: House, mail: MailServer) -> None:
    settle(house, smtp=f'"{mail.address}"', tls='"none"')
    (house.settings.intake.data / "mailbox.db").write_bytes(b"no database" * 1000)
    done = house.run("notice")
    assert done.exit_code == 0
    assert done.stderr.startswith("fieldreport: ")
    assert words_of(mail.messages[0]) == b"Waiting at the desk: letters\r\n"


def test_a_server_that_is_away_refuses_or_offers_no_encryption_is_an_error(house: House, mail: MailServer) -> None:
    settle(house, smtp=f'"{mail.address}"')
    assert "SMTPNotSupportedError" in refused(house.run("notice"), 74)
    assert mail.messages == []
    mail.refuses = True
    settle(house, smtp=f'"{mail.address}"', tls='"none"')
    assert "SECRET" not in refused(house.run("notice"), 74)
    settle(house, smtp='"127.0.0.1:9"', tls='"none"')
    assert "127.0.0.1:9: Connection refused" in refused(house.run("notice"), 74)


def test_a_command_gets_the_same_message(house: House, tmp_path: Path) -> None:
    script = f"import pathlib, sys; pathlib.Path({str(tmp_path / 'got')!r}).write_bytes(sys.stdin.buffer.read())"
    settle(house, command=f'["{sys.executable}", "-c", "{script}"]')
    assert house.run("notice").exit_code == 0
    got = (tmp_path / "got").read_bytes()
    assert b"To: amira@example.org, jonas@example.org" in got
    assert words_of(got).strip() == b"Waiting at the desk: nothing"
    settle(house, command=f'["{sys.executable}", "-c", "raise SystemExit(3)"]')
    assert "ended with status 3" in refused(house.run("notice"), 74)


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"smtp": '"127.0.0.1:25"', "command": '["true"]'},
        {"smtp": '"192.0.2.1:25"', "tls": '"none"'},
        {"command": '["true"]', "recipients": "[]"},
        {"command": '["true"]', "sender": '"desk@example.org\\nBcc: x@example.org"'},
        {"smtp": '"127.0.0.1:25"', "user": '"desk"'},
    ],
)
def test_settings_that_do_not_fit_are_refused(house: House, keys: dict[str, str]) -> None:
    assert "[notice]" in refused(settle(house, **keys).run("notice"), 78)


def test_the_number_of_overdue_cases_has_three_digits_and_only_if_wanted() -> None:
    notice = Notice(sender="desk@example.org", recipients=("amira@example.org",), overdue=True)
    said = [message_of(notice, waits=True, overdue=each).get_content().splitlines()[1] for each in (0, 12, 99999, None)]
    assert said == ["Overdue: 000", "Overdue: 012", "Overdue: 999", "Overdue: ???"]
    assert "Overdue" not in message_of(Notice(sender="d@example.org"), waits=True, overdue=3).get_content()


def test_how_many_articles_need_an_editor_is_said_in_three_digits_and_only_if_wanted() -> None:
    notice = Notice(sender="desk@example.org", recipients=("amira@example.org",), to_publish=True)
    messages = [message_of(notice, waits=False, overdue=0, to_publish=each) for each in (0, 2, 4000, None)]
    said = [message.get_content().splitlines()[1] for message in messages]
    assert [line.rpartition(": ")[2] for line in said] == ["000", "002", "999", "???"]
    assert len({len(bytes(message)) for message in messages}) == 1
    silent = Notice(sender="d@example.org")
    assert "publish" not in message_of(silent, waits=True, overdue=3, to_publish=3).get_content()
