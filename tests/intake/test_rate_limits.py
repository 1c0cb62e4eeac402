"""Budgets: counted per visitor without knowing who, decided before a body costs anything, never lost with Redis."""

from __future__ import annotations

import socket
import subprocess

import pytest
import redis

from fieldreport.web.limiter import AddressKey
from tests.intake.conftest import House, Source
from tests.intake.samples import photo


def test_pages_reports_and_returns_have_budgets_of_their_own(house: House) -> None:
    small = house.with_intake(report_rate="1 per hour", return_rate="2 per hour", page_rate="100 per hour")
    source = Source(small.app())
    codename = source.send("First.").codename
    assert source.send("Second.").status == 429
    assert [source.come_back(codename).status for _ in range(3)] == [200, 200, 429]
    assert source.get("help").status == 200


def test_visitors_do_not_use_up_each_others_budget(house: House) -> None:
    app = house.with_intake(page_rate="1 per hour").app()
    first, second = ({"REMOTE_ADDR": address} for address in ("127.0.0.1", "fc00:dead:beef:4dad::1:2"))
    source = Source(app)
    assert source.get("help", environ_overrides=first).status == 200
    assert source.get("help", environ_overrides=first).status == 429
    assert source.get("help", environ_overrides=second).status == 200


def test_over_the_budget_nothing_is_cleaned_or_stored(house: House) -> None:
    class Untouched:
        def __getattr__(self, name: str) -> object:
            raise AssertionError(name)

    app = house.with_intake(report_rate="1 per hour").app(scrubber=Untouched(), mailbox=Untouched())
    source = Source(app)
    source.post("report", {"report": "x"})
    page = source.post("report", {"report": "My words."}, [("a.jpg", photo())])
    assert page.status == 429
    assert page.form("/report")["report"] == "My words."


@pytest.mark.redis
def test_redis_counts_for_all_nodes_and_holds_no_address(
    house: House, redis_server: tuple[str, subprocess.Popen[bytes]]
) -> None:
    url, _ = redis_server
    shared = house.with_intake(limiter=url, page_rate="2 per hour")
    key = AddressKey(house.clock)
    nodes = [Source(shared.app(address_key=key)) for _ in range(2)]
    address = {"REMOTE_ADDR": "203.0.113.77"}
    statuses = [node.get("help", environ_overrides=address).status for node in (*nodes, *nodes)]
    assert statuses == [200, 200, 429, 429]
    with redis.Redis.from_url(url) as client:
        names = client.keys("*")
        assert isinstance(names, list)
        assert names
        assert all(b"sliding-window-counter" in name and b"203.0.113" not in name for name in names)


@pytest.mark.redis
def test_without_redis_budgets_are_counted_in_memory_and_no_report_is_lost(
    house: House, redis_server: tuple[str, subprocess.Popen[bytes]]
) -> None:
    url, process = redis_server
    source = Source(house.with_intake(limiter=url, report_rate="2 per hour").app())
    assert source.send("With Redis.").status == 200
    process.kill()
    process.wait()
    assert [source.send("Without.").status for _ in range(3)] == [200, 200, 429]
    assert len(house.letters()) == 3


def test_a_redis_that_is_not_there_at_all_keeps_nobody_out(house: House) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"redis://127.0.0.1:{closed.getsockname()[1]}/0"
        source = Source(house.with_intake(limiter=url).app())
        assert source.send("My words.").status == 200
