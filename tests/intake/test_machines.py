"""Two intakes over one PostgreSQL, one store of payloads and one Redis are one letterbox, whichever answers."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from lxml import html

from fieldreport import installation
from fieldreport.bench.letterbox import free_port, served
from fieldreport.config import Settings
from fieldreport.errors import TokenError
from fieldreport.intake.machines import Machines
from fieldreport.intake.receipts import RecentReceipts
from fieldreport.mailbox import mailbox_place, open_mailbox
from fieldreport.mailbox.letterbox import LetterboxState
from fieldreport.mailbox.link import LinkMailbox
from fieldreport.mailbox.link_line import Address
from fieldreport.seal import Role, TokenKey, open_rosters
from fieldreport.unseal import key_file
from fieldreport.unseal.staff_key import StaffKey
from tests.cast import Clock, a_source, cheap_keys
from tests.eventually import PATIENCE_SECONDS, eventually
from tests.intake.conftest import form_body
from tests.intake.samples import photo
from tests.store.throwaway_postgres import Faulty, fresh_database

pytestmark = [pytest.mark.redis, pytest.mark.postgres]

TOKEN = "the-token-that-both-machines-have-in-a-file"
RATE = 12


@dataclass
class RoundRobin:
    """A plain one: each request goes to the next machine."""

    ports: Sequence[int]
    turn: Iterator[int] = field(init=False)

    def __post_init__(self) -> None:
        self.turn = itertools.cycle(self.ports)

    def get(self, path: str) -> httpx.Response:
        return httpx.get(f"http://127.0.0.1:{next(self.turn)}/en/{path}", timeout=PATIENCE_SECONDS)

    def post(self, path: str, values: dict[str, str], files: Sequence[tuple[str, bytes]] = ()) -> httpx.Response:
        body, kind = form_body(list(values.items()), files)
        address = f"http://127.0.0.1:{next(self.turn)}/en/{path}"
        return httpx.post(address, content=body, headers={"Content-Type": kind}, timeout=PATIENCE_SECONDS)


def fields(page: httpx.Response, ending: str) -> dict[str, str]:
    document: Any = html.document_fromstring(page.content)
    (form,) = [form for form in document.forms if form.action.endswith(ending)]
    hidden = {each.name: each.value for each in form.inputs if each.get("type") == "hidden"}
    return {name: value or "" for name, value in hidden.items()}


@dataclass(frozen=True)
class Letterbox:
    """One letterbox on two machines, which share database, payloads and Redis, and nothing else."""

    made: installation.Made
    admin: StaffKey
    shared: dict[str, str]
    directory: Path

    @property
    def settings(self) -> Settings:
        """Those of the desk's end, and of the mailbox."""
        intake = self.made.settings.intake
        one = replace(intake, data=self.directory / "one", mailbox=self.shared["MAILBOX"], blobs=self.shared["BLOBS"])
        return replace(self.made.settings, intake=one)

    def command(self, name: str, zone: str, **values: str) -> tuple[list[str], dict[str, str]]:
        """How a zone of a machine is served, and its environment."""
        own = {**self.shared, "DATA": str(self.directory / name), **values}
        changes = {f"FIELDREPORT_INTAKE_{key}": value for key, value in own.items()}
        changes["FIELDREPORT_KEYS_DIRECTORY"] = str(self.directory / name / "keys")
        changes["FIELDREPORT_SCRUB_REQUIRE_SANDBOX"] = "false"
        command = [sys.executable, "-m", "fieldreport.cli", "--settings", str(self.made.settings.path), zone]
        return command, {**os.environ, **changes}

    @contextlib.contextmanager
    def running(self) -> Iterator[list[int]]:
        """Both machines; the ports of their letterboxes."""
        with contextlib.ExitStack() as stack:
            ports = []
            for name in ("one", "two"):
                port = free_port()
                command, environment = self.command(name, "intake", LISTEN=f"127.0.0.1:{port}")
                stack.enter_context(served(command, port, log=self.directory / f"{name}.log", environment=environment))
                ports.append(port)
            yield ports

    @contextlib.contextmanager
    def linked(self, name: str) -> Iterator[LinkMailbox]:
        """The desk's end of the link that this machine serves."""
        port = free_port()
        values = {"LINK": f"127.0.0.1:{port}", "LINK_TOKEN": str(self.directory / "token")}
        command, environment = self.command(name, "link", **values)
        with served(command, port, log=self.directory / f"{name}-link.log", environment=environment):
            address = Address(host="127.0.0.1", port=port)
            link = LinkMailbox(address, instance=self.made.settings.instance_id, token=TOKEN)
            with contextlib.closing(link):
                yield link


def letterbox(directory: Path, database: str, redis_url: str) -> Letterbox:
    (directory / "token").write_text(TOKEN)
    (directory / "token").chmod(0o600)
    (directory / "payloads").mkdir(mode=0o700)
    with cheap_keys():
        made = installation.make(directory / "newsroom", name="The Border Post", port=min(free_port(), 65_533))
        admin = key_file.unlock(made.settings.desk.keyfiles / f"{made.admin.handle}.key", made.admin.passphrase)
        installation.add_member(made.settings, handle="amira", role=Role.EDITOR, admin_key=admin)
    for name in ("one", "two"):
        (directory / name).mkdir(mode=0o700)
        shutil.copytree(made.settings.keys.directory, directory / name / "keys")
    shared = {
        "MAILBOX": database,
        "BLOBS": str(directory / "payloads"),
        "LIMITER": redis_url,
        "MACHINES_TOKEN": str(directory / "token"),
        "REPORT_RATE": f"{RATE} per hour",
        "PAGE_RATE": "100000 per hour",
    }
    house = Letterbox(made, admin, shared, directory)
    mailbox_place(house.settings).migrate()
    return house


@pytest.mark.campaign
def test_a_form_of_one_machine_is_taken_by_the_other_once_and_budgets_are_counted_together(
    tmp_path: Path, redis_server: tuple[str, subprocess.Popen[bytes]]
) -> None:
    house = letterbox(tmp_path, fresh_database(), redis_server[0])
    with house.running() as ports:
        both = RoundRobin(ports)
        with contextlib.closing(open_mailbox(house.settings)) as mailbox:
            other = fields(both.get("report"), "/report")["codename"]
            both.get("help")
            # A form of one, files kept by the other, sent to the first, and sent again to the second.
            form = {**fields(both.get("report"), "/report"), "report": "Trucks."}
            kept = both.post("report/files", form, [("a.jpg", photo())])
            form = {**fields(kept, "/report"), "report": "Trucks."}
            receipts = [both.post("report", form) for _ in range(2)]
            assert [each.status_code for each in receipts] == [200, 200]
            assert all("We have received it" in each.text and "a.jpg" in each.text for each in receipts)
            assert mailbox.totals().letters == 1
            # The pages of somebody who comes back, whose codename is in the token alone.
            back = both.post("return", {"codename": form["codename"]})
            more = {**fields(back, "/return/add"), "report": "More."}
            assert [both.post("return/add", more).status_code for _ in range(2)] == [200, 200]
            assert mailbox.totals().letters == 2
            # What arrived is known to both, and forgotten by both; and before, under another codename nothing.
            for codename, shown in ((form["codename"], ["5 characters", "7 characters · 1 file"]), (other, [])):
                for _ in ports:
                    asked = fields(both.post("return", {"codename": codename}), "/return/arrived")
                    both.get("help")  # the next question goes to the other machine
                    page: Any = html.document_fromstring(both.post("return/arrived", asked).content)
                    assert sorted(each.text_content() for each in page.xpath('//ul[@id="arrived"]/li')) == shown
                    both.get("help")
            # One budget: four of it are used up.
            statuses = []
            for number in range(RATE):
                form = {**fields(both.get("report"), "/report"), "report": f"Number {number}."}
                statuses.append(both.post("report", form).status_code)
            assert statuses == [200] * (RATE - 4) + [429] * 4


@pytest.mark.campaign
def test_the_desk_tells_one_machine_and_both_follow_and_one_without_its_database_takes_nothing(
    tmp_path: Path, redis_server: tuple[str, subprocess.Popen[bytes]]
) -> None:
    server = Faulty()
    house = letterbox(tmp_path, fresh_database(home=server.home), redis_server[0])
    with house.running() as ports, house.linked("one") as desk:
        both = RoundRobin(ports)
        old = [fields(both.get("report"), "/report") for _ in range(4)]
        assert [both.post("report", {**form, "report": "Trucks."}).status_code for form in old[:2]] == [200, 200]
        # A colleague joins. The desk brings the roster to the first machine; the second seals to her at once.
        with cheap_keys():
            installation.add_member(house.made.settings, handle="jonas", role=Role.EDITOR, admin_key=house.admin)
        published = open_rosters(house.made.settings)
        desk.take_rosters(published)
        assert [both.post("report", {**form, "report": "More."}).status_code for form in old[2:]] == [200, 200]
        newest = published.newest(at_least=0)
        epochs = [head.epoch for head in desk.waiting(10)]
        assert sorted(epochs) == [newest.epoch - 1] * 2 + [newest.epoch] * 2
        assert (tmp_path / "two" / "keys" / "roster.json").read_bytes() == (
            published.steps_after(newest.epoch - 1)[0].roster[0]
        )

        def both_say(status: int, text: str) -> bool:
            pages = [both.get("report") for _ in ports]
            return all(page.status_code == status and text in page.text for page in pages)

        def both_come_to_say(status: int, text: str) -> bool:
            time.sleep(0.5)  # each worker looks by itself, and not more often than it must
            return both_say(status, text)

        # A machine that cannot ask takes nothing.
        server.kill()
        assert eventually(lambda: both_come_to_say(503, "Something broke on our side"))
        server.restart()
        # Closed on the first. The second looks within a minute, or when it meets the next roster.
        assert eventually(lambda: desk.set_letterbox(state=LetterboxState.CLOSED)).state is LetterboxState.CLOSED
        with cheap_keys():
            installation.add_member(house.made.settings, handle="ines", role=Role.EDITOR, admin_key=house.admin)
        desk.take_rosters(published)
        assert eventually(lambda: both_come_to_say(503, "We take no reports at the moment"))
        # Opened on the one that serves no link.
        command, environment = house.command("two", "letterbox")
        subprocess.run([*command, "open"], env=environment, check=True, capture_output=True)
        assert eventually(lambda: both_come_to_say(200, "<form"))


def test_letters_of_an_hour_are_counted_on_all_machines_and_on_while_redis_is_away(
    redis_server: tuple[str, subprocess.Popen[bytes]],
) -> None:
    url, process = redis_server
    one, two = (RecentReceipts(Machines(url, TOKEN)) for _ in range(2))
    hour = int(time.time() // 3600)

    def keep(receipts: RecentReceipts) -> None:
        receipts.keep(a_source(), os.urandom(16), hour=hour, characters=1, files=0)

    for receipts in (one, two, two):
        keep(receipts)
    assert (one.letters(hour=hour), two.letters(hour=hour)) == (3, 3)
    assert one.letters(hour=hour + 1) == 0
    process.kill()
    process.wait()
    keep(two)
    assert (one.letters(hour=hour), two.letters(hour=hour)) == (1, 4)


def test_what_redis_holds_opens_nothing_and_is_replaced_every_day(
    redis_server: tuple[str, subprocess.Popen[bytes]],
) -> None:
    import redis

    clock = Clock(1_800_000_000 // 86_400 * 86_400 + 3600)
    one, two, stranger = (
        Machines(redis_server[0], token, clock=clock) for token in (TOKEN, TOKEN, "the-token-of-another-letterbox")
    )
    own = TokenKey.generate()
    token = one.token_key(own).seal("report", {"form": "1"}, now=clock())

    def opens(keys: Machines) -> bool:
        try:
            keys.token_key(TokenKey.generate()).open(token, "report", now=clock(), max_age_seconds=10**6)
        except TokenError:
            return False
        return True

    today = int(clock() // 86_400)
    assert one.address_key(today) == two.address_key(today) != stranger.address_key(today)
    assert (opens(two), opens(stranger)) == (True, False)
    clock.now += 11 * 3600
    assert opens(two)
    clock.now += 24 * 3600
    assert one.address_key(today + 1) not in {None, one.address_key(today)}
    clock.now += 24 * 3600
    assert not opens(two), "two days later no machine has the key any more"
    with redis.Redis.from_url(redis_server[0]) as client:
        assert all(client.ttl(name) > 0 for name in client.scan_iter())


def test_while_redis_is_away_a_machine_takes_its_own_forms(redis_server: tuple[str, subprocess.Popen[bytes]]) -> None:
    url, process = redis_server
    process.kill()
    process.wait()
    away, own = Machines(url, TOKEN), TokenKey.generate()
    token = away.token_key(own).seal("report", {"form": "1"}, now=0)
    assert away.token_key(own).open(token, "report", now=0, max_age_seconds=1) == {"form": "1"}
    assert away.address_key(1) is None
