"""Each act of the newsroom while each part of it is killed, frozen, slow or full: from a report to a published page.

The fault strikes at the third statement to the database after the act has begun, so within its work. A page, or the
refusal, comes within five seconds; the same act done again afterwards is done once; the log says once what was away.
"""

from __future__ import annotations

import functools
import logging
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

import flask
import pytest
from sqlalchemy import event, func, select

from fieldreport import limits
from fieldreport.cli.keys.rotation import _Rotation
from fieldreport.errors import Conflict, StoreError
from fieldreport.intake.app import create_app
from fieldreport.mailbox.tables import Letter, Reply
from fieldreport.store import migrate, open_engine
from fieldreport.vault.archive.tables import Item, RotationState, SealedObject
from fieldreport.vault.articles.tables import ArticleSignOff
from fieldreport.vault.cases import inbox
from fieldreport.vault.cases.collect import collect
from fieldreport.vault.keys import rotation, rotation_state
from tests.cast import PASSPHRASES
from tests.desk.conftest import House, Page, photo
from tests.desk.test_articles import ANSWERS, site, submitted
from tests.eventually import eventually
from tests.faults import fill
from tests.intake.conftest import Seen, Source
from tests.store.throwaway_postgres import Faulty, fresh_database
from tests.store.throwaway_s3 import S3Server

pytestmark = [pytest.mark.campaign, pytest.mark.postgres, pytest.mark.redis]

WITHIN: Final = 5.0
_STATEMENT: Final = 3
_SMALL: Final = {"free_bytes": 1_000_000, "request_bytes": 4_000_000}  # what a disk of 96 MiB can offer
Act = Callable[[], bool]
"""Does it, and says whether it is done; False: it was refused for the time being."""


@dataclass
class Scene:
    """A newsroom whose parts may fail, with both applications over it."""

    house: House
    strike: Callable[[], object]
    heal: Callable[[], object]
    struck: threading.Event = field(default_factory=threading.Event)

    @functools.cached_property
    def letterbox(self) -> flask.Flask:
        return create_app(
            self.house.settings,
            mailbox=self.house.mailbox,
            scrubber=self.house.scrubber,
            rosters=self.house.rosters,
            clock=self.house.clock,
        )

    @staticmethod
    def answers(ask: Callable[[], object]) -> bool:
        """What a part says, or false while it is away."""
        try:
            return bool(ask())
        except StoreError:
            return False

    def count(self, *tables: type[Any]) -> tuple[int, ...]:
        """Rows of these tables of the vault."""
        with self.house.vault.reading() as session:
            return tuple(session.scalar(select(func.count()).select_from(table)) or 0 for table in tables)

    def waiting(self) -> tuple[int, int]:
        """Letters and replies of the mailbox, counted by their rows; and the counters must say the same."""
        with self.house.mailbox._engine.connect() as connection:
            letters, replies = (
                connection.scalar(select(func.count()).select_from(table)) or 0 for table in (Letter, Reply)
            )
        assert self.house.mailbox.totals().letters == letters
        return letters, replies

    @contextmanager
    def armed(self) -> Iterator[None]:
        """Let the part fail at a statement of the next who asks, and heal it at the end."""
        engines = [self.house.vault.engine, self.house.mailbox._engine]
        left = [_STATEMENT]
        lock = threading.Lock()

        def count(*_: object) -> None:
            with lock:
                left[0] -= 1
                now = left[0] == 0
            if now:
                self.strike()
                self.struck.set()

        for engine in engines:
            event.listen(engine, "before_cursor_execute", count)
        try:
            yield
        finally:
            for engine in engines:
                event.remove(engine, "before_cursor_execute", count)
            if self.struck.is_set():
                self.heal()


Answer = TypeVar("Answer", Page, Seen)


def in_time(ask: Callable[[], Answer]) -> Answer:
    """A page, however it is answered."""
    began = time.monotonic()
    page = ask()
    took = time.monotonic() - began
    assert took < WITHIN, f"{took:.1f} s"
    return page


# --- the acts: each yields itself, and looks at what is there when it was done again ---


def submit(scene: Scene) -> Generator[Act, None, None]:
    source = Source(scene.letterbox)
    form = {**source.get("report").form("/report"), "report": "Three trucks."}

    def act() -> bool:
        page = in_time(lambda: source.post("report", form, [("a.jpg", photo())]))
        if page.status != 200:
            assert page.status == 503
            assert page.form("/report")["report"] == "Three trucks."
        return page.status == 200

    yield act
    assert scene.waiting() == (1, 0)


def collecting(scene: Scene) -> Generator[Act, None, None]:
    house = scene.house
    for number in range(3):
        house.send(f"Number {number}.")
    amira = house.enter("amira")
    page = amira.get("/inbox")

    def act() -> bool:
        assert in_time(lambda: amira.press(page, "Fetch now", follow=False)).status in {303, 503}
        return scene.answers(lambda: house.mailbox.totals().letters == 0)

    yield act
    assert scene.waiting() == (0, 0)
    assert scene.count(SealedObject, Item) == (3, 3)


def sorting(scene: Scene) -> Generator[Act, None, None]:
    house = scene.house
    amira = house.enter("amira")
    for number in range(3):
        house.send(f"Number {number}.")
    collect(house.vault, house.mailbox, house.watch)

    def act() -> bool:
        page = in_time(lambda: amira.get("/inbox"))
        assert page.status in {200, 503}
        return page.status == 200 and scene.answers(lambda: not inbox.unsorted(house.vault))

    yield act
    (case,) = house.cases()
    assert scene.count(SealedObject, Item) == (3, 3)
    page = amira.get(f"/cases/{case.id.hex()}")
    assert all(f"Number {number}." in page.text for number in range(3))


def reply(scene: Scene) -> Generator[Act, None, None]:
    house = scene.house
    case = house.receive("First.")
    amira = house.enter("amira")
    form = amira.get(f"/cases/{case.id.hex()}?write=reply")

    def act() -> bool:
        page = in_time(lambda: amira.press(form, "Seal and send", {"text": "Thank you."}))
        assert page.status in {200, 503}
        assert page.status == 200 or "Thank you." in page.body.decode()
        return page.status == 200

    yield act
    eventually(lambda: scene.answers(house.desk.background.collect))
    assert house.replies() == ["Thank you."]
    assert scene.waiting() == (0, 1)
    assert scene.count(SealedObject, Item) == (2, 2)


def rotating(scene: Scene) -> Generator[Act, None, None]:
    house = scene.house
    case = house.receive("First.")
    lena = house.seat("lena")
    path = house.settings.desk.keyfiles / "amira.key"
    old = house.roster.entry("amira").key_id

    def act() -> bool:
        try:
            if rotation_state.all_rotations(house.vault) == ():
                rotation.order(lena, "amira")
            if rotation_state.open_rotation_of(house.vault, "amira") is not None:
                _Rotation(lena, house.mailbox, path, PASSPHRASES["amira"]).finish("amira")
        except Conflict:  # of the letterbox, which the desk's next round tells of the roster
            return scene.answers(house.desk.background._push_rosters) and False
        except StoreError:
            return False
        return True

    yield act
    (order,) = rotation_state.all_rotations(house.vault)
    assert order.state is RotationState.DESTROYED
    assert house.vault.objects.named_by(old) == 0
    assert house.roster.epoch == 2
    assert "First." in house.sign_in("amira").get(f"/cases/{case.id.hex()}").text


def publish(scene: Scene) -> Generator[Act, None, None]:
    house = scene.house
    path = submitted(house, house.enter("amira"), house.receive(protect="Hyesan"))
    jonas, ines = house.enter("jonas"), house.enter("ines")
    jonas.press(jonas.get(f"{path}/check"), "Sign off: safe to publish", ANSWERS)
    form = ines.get(f"{path}/check")

    def act() -> bool:
        page = in_time(lambda: ines.press(form, "Sign off: publish"))
        assert page.status in {200, 403, 503}, page.text  # 403: it is published
        return page.status != 503

    yield act
    eventually(lambda: scene.answers(lambda: [house.desk.background._publish()]))
    assert scene.count(ArticleSignOff) == (2,)
    assert sum("Leaving in the dark" in page for page in site(house)) >= 1
    assert len(list((house.settings.press.site / "current" / "articles").glob("*.html"))) == 1


ACTS: Final = {
    "submit": submit,
    "collect": collecting,
    "sort": sorting,
    "reply": reply,
    "rotate": rotating,
    "publish": publish,
}


# --- the faults ---


@contextmanager
def _slowed(faulty: Faulty) -> Iterator[tuple[Callable[[], None], Callable[[], None]]]:
    """A server that works one part of five of the time, from the strike on."""
    ended = threading.Event()
    threads: list[threading.Thread] = []

    def hold_up() -> None:
        while not ended.wait(0.02):
            faulty.freeze()
            time.sleep(0.08)
            faulty.thaw()

    def strike() -> None:
        threads.append(threading.Thread(target=hold_up))
        threads[-1].start()

    def heal() -> None:
        ended.set()
        for each in threads:
            each.join()

    try:
        yield strike, heal
    finally:
        heal()


@pytest.fixture
def scene(
    request: pytest.FixtureRequest,
    small_disk: Path,
    build: Callable[..., House],
) -> Iterator[Scene]:
    """A newsroom in which one part is going to fail as the test's name says."""
    fault: str = request.param
    part, _, how = fault.partition(" ")
    match part:
        case "database":
            faulty: Faulty = request.getfixturevalue("faulty")
            urls = {}
            for package in ("vault", "mailbox"):
                urls[package] = fresh_database(home=faulty.home)
                engine = open_engine(urls[package])
                migrate(engine, f"fieldreport.{package}")
                engine.dispose()
            house = build(desk={"vault": urls["vault"]}, intake={"mailbox": urls["mailbox"], **_SMALL})
            if how == "slow":
                with _slowed(faulty) as (strike, heal):
                    yield Scene(house, strike, heal)
            elif how == "frozen":
                yield Scene(house, faulty.freeze, faulty.thaw)
            else:
                yield Scene(house, faulty.kill, faulty.restart)
        case "moto" | "swift":
            server: S3Server = request.getfixturevalue(f"{part}_server")
            house = build(desk={"blobs": server.bucket()}, intake={"blobs": server.bucket(), **_SMALL})
            yield Scene(house, server.freeze, server.thaw)
        case "redis":
            url, process = request.getfixturevalue("redis_server")
            house = build(desk={"limiter": f"{url[:-1]}1"}, intake={"limiter": url, **_SMALL})
            if how == "frozen":
                yield Scene(
                    house,
                    lambda: process.send_signal(signal.SIGSTOP),
                    lambda: process.send_signal(signal.SIGCONT),
                )
            else:
                with ExitStack() as stack:
                    yield Scene(house, lambda: _ended(process), lambda: _again(process, stack))
        case _:
            house = build(intake=_SMALL)
            house.vault.upkeep.start()
            house.mailbox.upkeep.start()
            reserves = [
                house.settings.desk.data / "vault.db.reserve",
                house.settings.intake.data / "mailbox.db.reserve",
            ]
            eventually(lambda: all(each.exists() and each.stat().st_size == limits.RESERVE_BYTES for each in reserves))
            filled = small_disk / "fills-the-disk"
            yield Scene(house, lambda: fill(small_disk), filled.unlink)


def _ended(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def _again(process: subprocess.Popen[bytes], stack: ExitStack) -> None:
    """Start the same program once more."""
    started = subprocess.Popen(process.args, stdout=subprocess.DEVNULL)
    stack.callback(_ended, started)


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize(
    "scene",
    [
        "database killed",
        "database frozen",
        "database slow",
        "moto frozen",
        pytest.param("swift frozen", marks=pytest.mark.swift),
        "redis killed",
        "redis frozen",
        "disk full",
    ],
    indirect=True,
)
def test_nothing_is_lost_nothing_doubled_and_nobody_waits(
    scene: Scene, act: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SORT_WAIT_SECONDS", 1.0)
    monkeypatch.setattr(limits, "COLLECT_FREE_BYTES", 8 * limits.MIB)
    steps = ACTS[act](scene)
    attempt = next(steps)
    reader, source = scene.house.enter("jonas"), Source(scene.letterbox)
    with scene.armed():
        attempt()
        in_time(lambda: reader.get("/inbox"))
        in_time(lambda: source.get("report"))
        assert scene.struck.is_set()
    eventually(attempt)
    attempt()
    with pytest.raises(StopIteration):
        next(steps)
    _said_once(caplog)


def _said_once(caplog: pytest.LogCaptureFixture) -> None:
    """Between two lines that a part does not work, one says that it works again."""
    away: Counter[str] = Counter()
    for record in caplog.records:
        if record.name == "fieldreport.store.outage":
            where = str(record.args[1]) if isinstance(record.args, tuple) else ""
            away[where] += 1 if record.levelno >= logging.ERROR else -1
            assert away[where] in {0, 1}, f"{where}: {record.getMessage()}"
