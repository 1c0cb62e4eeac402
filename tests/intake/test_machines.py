"""Two intakes over one PostgreSQL, one store of payloads and one Redis are one letterbox, whichever answers."""

from __future__ import annotations

import contextlib
import itertools
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from lxml import html

from fieldreport import installation
from fieldreport.bench.letterbox import free_port, served
from fieldreport.errors import TokenError
from fieldreport.intake.machines import Machines
from fieldreport.mailbox import migrate_mailbox, open_mailbox
from fieldreport.seal import Role, TokenKey
from fieldreport.unseal import key_file
from tests.cast import Clock, cheap_keys
from tests.eventually import PATIENCE_SECONDS
from tests.intake.conftest import form_body
from tests.intake.samples import photo
from tests.store.throwaway_postgres import fresh_database

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


def test_a_form_of_one_machine_is_taken_by_the_other_once_and_budgets_are_counted_together(
    tmp_path: Path, redis_server: tuple[str, subprocess.Popen[bytes]]
) -> None:
    (tmp_path / "token").write_text(TOKEN)
    (tmp_path / "token").chmod(0o600)
    for name in ("one", "two", "payloads"):
        (tmp_path / name).mkdir(mode=0o700)
    with cheap_keys():
        made = installation.make(tmp_path / "newsroom", name="The Border Post", port=min(free_port(), 65_533))
    shared = {
        "MAILBOX": fresh_database(),
        "BLOBS": str(tmp_path / "payloads"),
        "LIMITER": redis_server[0],
        "MACHINES_TOKEN": str(tmp_path / "token"),
        "REPORT_RATE": f"{RATE} per hour",
    }
    settings = replace(
        made.settings,
        intake=replace(made.settings.intake, data=tmp_path / "one", mailbox=shared["MAILBOX"], blobs=shared["BLOBS"]),
    )
    migrate_mailbox(settings)
    with cheap_keys():
        admin = key_file.unlock(made.settings.desk.keyfiles / f"{made.admin.handle}.key", made.admin.passphrase)
        installation.add_member(made.settings, handle="amira", role=Role.EDITOR, admin_key=admin)
    with contextlib.ExitStack() as stack:
        ports = []
        for name in ("one", "two"):
            port = free_port()
            values = {**shared, "LISTEN": f"127.0.0.1:{port}", "DATA": str(tmp_path / name)}
            environment = {f"FIELDREPORT_INTAKE_{key}": value for key, value in values.items()}
            command = [sys.executable, "-m", "fieldreport.cli", "--settings", str(made.settings.path), "intake"]
            changes = {**os.environ, **environment, "FIELDREPORT_SCRUB_REQUIRE_SANDBOX": "false"}
            stack.enter_context(served(command, port, log=tmp_path / f"{name}.log", environment=changes))
            ports.append(port)
        both = RoundRobin(ports)
        with contextlib.closing(open_mailbox(settings)) as mailbox:
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
