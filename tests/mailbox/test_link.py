"""The link between desk and intake: cut lines, wrong ends, and what it carries besides letters."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest

from fieldreport import limits
from fieldreport.errors import LimitExceeded, NotFound, RosterError, SettingsError, StoreError, UsageError
from fieldreport.mailbox import LocalMailbox, Totals, link_format
from fieldreport.mailbox.letterbox import LetterboxState, is_invited, letterbox_state
from fieldreport.mailbox.link import LinkMailbox
from fieldreport.mailbox.link_format import GREETING, greeting
from fieldreport.mailbox.link_line import Address
from fieldreport.seal import RosterDirectory
from fieldreport.store import open_blobs, open_engine
from fieldreport.unseal import roster_changes
from fieldreport.unseal.signing_keys import AdminKey, sign_hand_over
from tests.cast import INSTANCE, NOON, admin_key, copy_first_keys, copy_tables, open_rosters
from tests.mailbox.served import TOKEN, served
from tests.mailbox.test_letters import HEADER, sealing

Application = Callable[..., Iterable[bytes]]
_LARGE = 700_000


@pytest.fixture
def mailbox(tmp_path: Path) -> Iterator[LocalMailbox]:
    opened = LocalMailbox(
        open_engine(copy_tables("fieldreport.mailbox", tmp_path / "mailbox.db")), open_blobs(tmp_path / "blobs")
    )
    yield opened
    opened.close()


@dataclass
class Between:
    """Stands between desk and intake: notes what is asked, cuts answers, and changes them."""

    cut_at: list[int] = field(default_factory=list)  # bytes of each answer about a letter, until none is left
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)  # of every answer
    change: Callable[[bytes], bytes] = bytes

    def __call__(self, application: Application) -> Application:
        def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterator[bytes]:
            self.asked.append((environ["PATH_INFO"], environ.get("HTTP_RANGE")))

            def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
                kept = [each for each in headers if each[0] not in self.headers]
                return start_response(status, [*kept, *((k, v) for k, v in self.headers.items() if v)], *rest)

            parts = application(environ, start)
            left = self.cut_at.pop(0) if self.cut_at and "/letters/" in environ["PATH_INFO"] else None
            try:
                for part in parts:
                    yield self.change(part[:left])
                    if left is not None and (left := left - len(part)) <= 0:
                        raise ConnectionResetError
            finally:
                parts.close()  # type: ignore[attr-defined]  # werkzeug's have it

        return answer


def test_a_letter_whose_line_is_cut_goes_on_where_it_was(mailbox: LocalMailbox, tmp_path: Path) -> None:
    letter_id, payload = os.urandom(16), os.urandom(_LARGE)
    mailbox.deposit(letter_id, 1, sealing(payload))
    between = Between(cut_at=[0, 10, 200_000, 1])
    with served(mailbox, tmp_path / "intake", between=between) as link:
        # The first line is cut before a byte came: that is tried again, too.
        with link.fetch(letter_id).payload as arriving:
            assert arriving.read() == payload
        starts = [int(each.removeprefix("bytes=").removesuffix("-")) for _, each in between.asked if each]
    assert starts == [10, 200_010, 200_011]
    assert mailbox.totals() == Totals(letters=1, bytes=_LARGE)


def test_a_line_that_is_always_cut_gives_up_and_leaves_the_letter(mailbox: LocalMailbox, tmp_path: Path) -> None:
    letter_id = os.urandom(16)
    mailbox.deposit(letter_id, 1, sealing(bytes(_LARGE)))
    between = Between(cut_at=[100_000, *[0] * 20])
    with (
        served(mailbox, tmp_path / "intake", between=between) as link,
        link.fetch(letter_id).payload as arriving,
        pytest.raises(StoreError) as caught,
    ):
        arriving.read()
    assert "again and again" in caught.value.detail
    assert mailbox.totals().letters == 1


def test_a_letter_that_was_withdrawn_while_it_came_is_not_found(mailbox: LocalMailbox, tmp_path: Path) -> None:
    letter_id = os.urandom(16)
    mailbox.deposit(letter_id, 1, sealing(bytes(_LARGE)))
    between = Between(cut_at=[300_000])
    with served(mailbox, tmp_path / "intake", between=between) as link, link.fetch(letter_id).payload as arriving:
        arriving.read(1)
        mailbox.acknowledge([letter_id])
        with pytest.raises(NotFound):
            arriving.read()


@pytest.mark.parametrize("size", [500, _LARGE])
def test_a_letter_that_changed_on_the_way_is_refused(mailbox: LocalMailbox, tmp_path: Path, size: int) -> None:
    letter_id = os.urandom(16)
    mailbox.deposit(letter_id, 1, sealing(b"a" * size))
    between = Between(change=lambda part: part.replace(b"aaaa", b"aaab", 1))
    with (
        served(mailbox, tmp_path / "intake", between=between) as link,
        link.fetch(letter_id).payload as arriving,
        pytest.raises(StoreError) as caught,
    ):
        arriving.read()
    assert caught.value.code == "link-sum"


def test_small_letters_come_with_the_list_and_large_ones_do_not(mailbox: LocalMailbox, tmp_path: Path) -> None:
    payloads = {os.urandom(16): os.urandom(size) for size in (0, 20_000, 64 * 1024, _LARGE)}
    for letter_id, payload in payloads.items():
        mailbox.deposit(letter_id, 3, sealing(payload))
    between = Between()
    with served(mailbox, tmp_path / "intake", between=between) as link:
        heads = link.waiting(50)
        assert {head.id: head.size for head in heads} == {each: len(payload) for each, payload in payloads.items()}
        for letter_id, payload in payloads.items():
            letter = link.fetch(letter_id)
            with letter.payload as file:
                assert (letter.epoch, letter.header, file.read()) == (3, HEADER, payload)
    assert [path.rpartition("/")[0] for path, _ in between.asked] == ["/v1", "/v1/letters"]


def refusal(link: LinkMailbox) -> StoreError:
    with pytest.raises(StoreError) as caught:
        link.totals()
    return caught.value


def test_a_wrong_token_is_refused_and_named(mailbox: LocalMailbox, tmp_path: Path) -> None:
    for token in (TOKEN[:-1], TOKEN + "x", "", "ü" * 40):
        with served(mailbox, tmp_path / f"intake{len(token)}", token=token) as link:
            refused = refusal(link)
        assert refused.code == "link-refused"
        assert "link_token" in refused.detail
        assert TOKEN not in refused.detail


def test_another_newsroom_is_named(mailbox: LocalMailbox, tmp_path: Path) -> None:
    with served(mailbox, tmp_path / "intake", instance=bytes(16)) as link:
        assert refusal(link).code == "link-instance"


@pytest.mark.parametrize(("said", "code"), [("2 " + INSTANCE.hex(), "link-version"), ("", "link-stranger")])
def test_another_version_and_a_stranger_are_named(mailbox: LocalMailbox, tmp_path: Path, said: str, code: str) -> None:
    with served(mailbox, tmp_path / "intake", between=Between(headers={GREETING: said})) as link:
        assert refusal(link).code == code


def test_nobody_there_is_named_with_the_address(tmp_path: Path) -> None:
    link = LinkMailbox(Address(socket=tmp_path / "none"), instance=INSTANCE)
    refused = refusal(link)
    assert refused.code == "link-away"
    assert str(tmp_path / "none") in refused.detail


@pytest.mark.parametrize(
    "answer", [b"[]", b"not json", b'{"letters": -1, "bytes": 0}', b'{"letters": "1"}', b"{" * 9999]
)
def test_an_answer_that_is_nonsense_is_refused(mailbox: LocalMailbox, tmp_path: Path, answer: bytes) -> None:
    between = Between(change=lambda _: answer, headers={"Content-Length": str(len(answer))})
    with served(mailbox, tmp_path / "intake", between=between) as link:
        assert refusal(link).code == "link-answer"


def test_an_answer_that_would_fill_the_memory_is_refused_before_it_is_read(
    mailbox: LocalMailbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = b'{"letters": [%s]}' % b",".join([b"[]"] * 1_000_000)
    between = Between(change=lambda _: answer, headers={"Content-Length": str(len(answer))})
    with served(mailbox, tmp_path / "intake", between=between) as link:
        monkeypatch.setattr("fieldreport.mailbox.link.json.loads", lambda _: pytest.fail("it was read"))
        assert refusal(link).code == "link-answer"


@pytest.mark.parametrize("size", [b"1e999", b"Infinity", b"-1", b"null"])
def test_a_list_of_nonsense_is_refused(mailbox: LocalMailbox, tmp_path: Path, size: bytes) -> None:
    answer = b'{"letters": [{"id": "%s", "epoch": 1, "size": %s}]}' % (b"00" * 16, size)
    between = Between(change=lambda _: answer, headers={"Content-Length": str(len(answer))})
    with served(mailbox, tmp_path / "intake", between=between) as link, pytest.raises(StoreError) as caught:
        link.waiting(50)
    assert caught.value.code == "link-answer"


def test_no_text_of_the_intake_is_repeated(mailbox: LocalMailbox, tmp_path: Path) -> None:
    """A compromised intake does not speak to editors."""
    answer = b'{"error": "NotFound", "code": "Call +850 to confirm"}'
    between = Between(change=lambda _: answer, headers={"Content-Length": str(len(answer))})
    with served(mailbox, tmp_path / "intake", between=between) as link, pytest.raises(StoreError) as caught:
        link.fetch(bytes(16))
    assert "850" not in str(caught.value) + caught.value.detail + caught.value.code


@contextmanager
def speaking(path: Path, speak: Callable[[socket.socket], None]) -> Iterator[LinkMailbox]:
    """A desk in a hurry, and at the other end whatever ``speak`` sends to one that dials."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def answer() -> None:
            with listener.accept()[0] as client, suppress(OSError):
                speak(client)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        link = LinkMailbox(Address(socket=path), instance=INSTANCE, in_a_hurry=True)
        yield link
        link.close()
        thread.join()


@pytest.mark.parametrize("line", [b"HTTP/9 \x1b]0;call +850\x07 OK", b"call +850 \x1b[2J"])
def test_no_text_of_what_is_no_intake_is_repeated(tmp_path: Path, line: bytes) -> None:
    """It would reach the log, and the terminal on which an operator reads that."""
    with speaking(tmp_path / "socket", lambda client: client.sendall(line + b"\r\n\r\n")) as link:
        refused = refusal(link)
    assert refused.code == "link-away"
    assert "850" not in refused.detail


_GREETED: Final = f"HTTP/1.1 200 OK\r\n{GREETING}: {greeting(INSTANCE)}\r\nContent-Length: 999\r\n\r\n".encode()


@pytest.mark.parametrize(("first", "again"), [(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), (_GREETED, b" ")])
def test_a_page_does_not_wait_for_an_answer_without_an_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: bytes, again: bytes
) -> None:
    monkeypatch.setattr(limits, "LINK_PAGE_SECONDS", 0.3)
    is_over = threading.Event()

    def drip(client: socket.socket) -> None:
        client.sendall(first)
        while not is_over.wait(0.02):
            client.sendall(again)

    with speaking(tmp_path / "socket", drip) as link:
        asking = threading.Timer(10, is_over.set)  # without a bound the answer would end here, and the test fail
        asking.start()
        assert refusal(link).code == "link-away"
        assert not is_over.is_set()
        asking.cancel()


def test_errors_of_the_mailbox_keep_their_class_and_code(mailbox: LocalMailbox, tmp_path: Path) -> None:
    with served(mailbox, tmp_path / "intake") as link:
        with pytest.raises(NotFound) as caught:
            link.fetch(bytes(16))
        assert caught.value.code == "not-found"
        with pytest.raises(UsageError):
            link.set_letterbox(invitation=" ")


# --- rosters ---


def renewed(desk: RosterDirectory, signer: AdminKey) -> None:
    current = desk.newest(at_least=0)
    raw = roster_changes.next_roster(current, current.entries, now=NOON)
    desk.publish(raw, signer.sign_roster(raw))


def test_rosters_and_hand_overs_arrive_in_order_and_are_verified(mailbox: LocalMailbox, tmp_path: Path) -> None:
    boris = AdminKey.generate()
    desk, intake = copy_first_keys(tmp_path / "desk-keys"), copy_first_keys(tmp_path / "intake" / "keys")
    with served(mailbox, tmp_path / "intake") as link:
        renewed(desk, admin_key())
        link.take_rosters(desk)
        assert (intake.newest(at_least=0).epoch, mailbox.highest_epoch(), link.highest_epoch()) == (2, 2, 2)
        renewed(desk, admin_key())
        desk.hand_over(*sign_hand_over(admin_key(), boris, instance=INSTANCE, number=1, epoch=4))
        renewed(desk, boris)
        renewed(desk, boris)
        for _ in range(2):  # the second time there is nothing to do
            link.take_rosters(desk)
    assert intake.newest(at_least=0) == desk.newest(at_least=0)
    assert intake.admin() == boris.public
    assert mailbox.highest_epoch() == 5


def test_an_intake_takes_no_roster_that_its_admin_did_not_sign(mailbox: LocalMailbox, tmp_path: Path) -> None:
    stranger = AdminKey.generate()
    intake = copy_first_keys(tmp_path / "intake" / "keys")
    first = intake.newest(at_least=0)
    forged = tmp_path / "forged"
    copy_first_keys(forged)
    raw = roster_changes.next_roster(first, first.entries, now=NOON)
    # What the desk holds verifies there, because somebody has changed the desk's pin.
    (forged / "admin.pub").write_text(stranger.public.encode())
    for name, signatures in (("roster", stranger.sign_roster((forged / "roster.json").read_bytes())),):
        (forged / f"{name}.json.sig").write_bytes(signatures)
        (forged / "history" / "00000001.json.sig").write_bytes(signatures)
    desk = RosterDirectory(forged, fingerprint=stranger.public.fingerprint, instance=INSTANCE)
    desk.publish(raw, stranger.sign_roster(raw))
    with served(mailbox, tmp_path / "intake") as link, pytest.raises(RosterError) as caught:
        link.take_rosters(desk)
    assert caught.value.code == "roster-signature"
    assert open_rosters(tmp_path / "intake" / "keys").newest(at_least=0) == first
    assert mailbox.highest_epoch() == first.epoch


def test_a_roster_that_was_taken_and_not_remembered_closes_the_epochs_before_it(
    mailbox: LocalMailbox, tmp_path: Path
) -> None:
    """The intake's process ended in between, or both zones read one directory: nothing is left to send."""
    intake = copy_first_keys(tmp_path / "intake" / "keys")
    renewed(intake, admin_key())
    with served(mailbox, tmp_path / "intake") as link:
        link.take_rosters(intake)
        assert (mailbox.highest_epoch(), link.highest_epoch()) == (2, 2)


def test_a_desk_with_an_older_roster_takes_nothing_back(mailbox: LocalMailbox, tmp_path: Path) -> None:
    desk, intake = copy_first_keys(tmp_path / "desk-keys"), copy_first_keys(tmp_path / "intake" / "keys")
    renewed(intake, admin_key())
    with served(mailbox, tmp_path / "intake") as link:
        link.take_rosters(desk)
    assert intake.newest(at_least=0).epoch == 2


def test_two_rosters_of_one_epoch_are_refused(mailbox: LocalMailbox, tmp_path: Path) -> None:
    desk = copy_first_keys(tmp_path / "desk-keys")
    copy_first_keys(tmp_path / "intake" / "keys", ("lena", "amira"))
    with served(mailbox, tmp_path / "intake") as link, pytest.raises(RosterError) as caught:
        link.take_rosters(desk)
    assert caught.value.code == "roster-chain"


# --- switches ---


def test_the_letterbox_is_switched_from_the_desk(mailbox: LocalMailbox, tmp_path: Path) -> None:
    with served(mailbox, tmp_path / "intake") as link:
        data = tmp_path / "intake" / "intake"
        assert link.letterbox().state is LetterboxState.OPEN
        assert link.letterbox().letters_per_hour == limits.LETTERS_HOUR
        assert link.set_letterbox(state=LetterboxState.CLOSED).state is LetterboxState.CLOSED
        assert letterbox_state(data) is LetterboxState.CLOSED
        assert link.set_letterbox(invitation="Heron").invitation
        assert is_invited(data, "heron")
        now = link.set_letterbox(state=LetterboxState.NO_FILES, invitation="")
        assert (now.state, now.invitation) == (LetterboxState.NO_FILES, False)
        assert link.letterbox() == now
        now = link.set_letterbox(letters_per_hour=40)
        assert (now.letters_per_hour, now.most_letters_per_hour) == (40, limits.LETTERS_HOUR)
        assert link.set_letterbox(letters_per_hour=limits.LETTERS_HOUR + 1).letters_per_hour == limits.LETTERS_HOUR
        assert link.set_letterbox(letters_per_hour=0) == link.letterbox()
        with pytest.raises(UsageError):
            link.set_letterbox(letters_per_hour=-1)
        (data / "letters-per-hour").write_text("many")
        assert link.letterbox().letters_per_hour == 0


def test_it_is_closed_from_the_desk_while_the_database_is_away(
    mailbox: LocalMailbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise StoreError("the mailbox is away")

    with served(mailbox, tmp_path / "intake") as link:
        monkeypatch.setattr(mailbox, "totals", away)
        assert link.set_letterbox(state=LetterboxState.CLOSED).state is LetterboxState.CLOSED
    assert letterbox_state(tmp_path / "intake" / "intake") is LetterboxState.CLOSED


@pytest.mark.parametrize("said", ['"limits": {"letters_per_hour": -1}', '"limits": 7', '"letterbox": "ajar"'])
def test_an_intake_that_says_nonsense_of_its_letterbox_is_not_shown(said: str) -> None:
    known = {"letterbox": "open", "invitation": False, "limits": None}
    assert link_format.switches_in(known).letters_per_hour is None  # of an older release
    with pytest.raises(ValueError, match=r"^$|LetterboxState"):
        link_format.switches_in({**known, **json.loads("{" + said + "}")})


def test_a_reply_that_is_too_long_is_refused_before_it_is_sent(mailbox: LocalMailbox, tmp_path: Path) -> None:
    from fieldreport.mailbox import SealedReply

    between = Between()
    reply = SealedReply(id=bytes(16), index=bytes(32), header=b"", payload=bytes(2_000_000), hour=1)
    with served(mailbox, tmp_path / "intake", between=between) as link, pytest.raises(LimitExceeded):
        link.post_reply(reply)
    assert between.asked == []


# --- addresses and proxies ---


@pytest.mark.parametrize(
    ("link", "proxy"),
    [
        ("http://example.org", ""),
        ("ftp://example.org", ""),
        ("http://" + "a" * 56 + ".onion", ""),
        ("https://example.org/path", ""),
        ("https://name:word@example.org", ""),
        ("https://example.org:seven", ""),
        ("https://example.org", "socks4://127.0.0.1"),
        ("unix:socket", "socks5://127.0.0.1:9050"),
        ("https://", ""),
    ],
)
def test_addresses_that_would_be_unsafe_or_mean_nothing_are_refused(link: str, proxy: str) -> None:
    with pytest.raises(SettingsError):
        Address.parse(link, proxy=proxy, base=Path("/srv"))


def test_addresses_that_are_taken() -> None:
    assert Address.parse("unix:link/socket", proxy="", base=Path("/srv")).socket == Path("/srv/link/socket")
    onion = Address.parse("http://" + "a" * 56 + ".onion", proxy="socks5://127.0.0.1:9050", base=Path("/srv"))
    assert (onion.port, onion.tls, str(onion)) == (80, False, "a" * 56 + ".onion:80 through 127.0.0.1:9050")
    tls = Address.parse("https://letterbox.example:444", proxy="", base=Path("/srv"))
    assert (tls.host, tls.port, tls.tls) == ("letterbox.example", 444, True)


@contextmanager
def proxy(speak: Callable[[socket.socket], None], target: Path) -> Iterator[int]:
    """A proxy on this machine; ``speak`` is its own protocol, then everything goes to the socket ``target``."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def run() -> None:
            try:
                while True:
                    client = listener.accept()[0]
                    speak(client)
                    server = socket.socket(socket.AF_UNIX)
                    server.connect(str(target))
                    for source, sink in ((client, server), (server, client)):
                        threading.Thread(target=pass_on, args=(source, sink), daemon=True).start()
            except OSError:
                return

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def pass_on(source: socket.socket, sink: socket.socket) -> None:
    # The other direction closes both, too, when it ends first.
    with contextlib.suppress(OSError), source, sink:
        while data := source.recv(65536):
            sink.sendall(data)


def speak_socks(client: socket.socket) -> None:
    assert client.recv(3) == b"\x05\x01\x00"
    client.sendall(b"\x05")
    client.sendall(b"\x00")
    name = b"a" * 56 + b".onion"
    assert client.recv(512) == b"\x05\x01\x00\x03" + bytes([len(name)]) + name + b"\x00\x50"
    client.sendall(b"\x05\x00\x00\x01" + bytes(6))


def speak_http(client: socket.socket) -> None:
    assert client.recv(512).startswith(b"CONNECT " + b"a" * 56 + b".onion:80 HTTP/1.1\r\n")
    client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")


@pytest.mark.parametrize(("scheme", "speak"), [("socks5", speak_socks), ("http", speak_http)])
def test_the_desk_dials_through_a_proxy(
    mailbox: LocalMailbox, tmp_path: Path, scheme: str, speak: Callable[[socket.socket], None]
) -> None:
    payload = os.urandom(_LARGE)
    mailbox.deposit(bytes(16), 1, sealing(payload))
    with served(mailbox, tmp_path / "intake") as here, proxy(speak, here.address.socket or Path()) as port:
        through = f"{scheme}://127.0.0.1:{port}"
        address = Address.parse("http://" + "a" * 56 + ".onion", proxy=through, base=tmp_path)
        link = LinkMailbox(address, instance=INSTANCE, token=TOKEN)
        assert link.totals().letters == 1
        with link.fetch(bytes(16)).payload as arriving:
            assert arriving.read() == payload
        link.close()


def test_a_proxy_that_cannot_connect_is_an_outage(tmp_path: Path) -> None:
    def refuse(client: socket.socket) -> None:
        client.recv(3)
        client.sendall(b"\x05\x00")
        client.recv(512)
        client.sendall(b"\x05\x04\x00\x01" + bytes(6))
        client.close()
        raise OSError

    with proxy(refuse, tmp_path) as port:
        address = Address.parse("http://" + "a" * 56 + ".onion", proxy=f"socks5://127.0.0.1:{port}", base=tmp_path)
        refused = refusal(LinkMailbox(address, instance=INSTANCE, token=TOKEN))
    assert refused.code == "link-away"
    assert "SOCKS5 reply 4" in refused.detail
