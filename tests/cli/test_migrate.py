"""``fieldreport migrate``, what a start says of tables that are not current, and the roles of a PostgreSQL server."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import psycopg
import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import text

from fieldreport.errors import StoreError
from fieldreport.mailbox import mailbox_place, open_mailbox
from fieldreport.store import open_engine, reading, writing
from fieldreport.vault.archive.vault import open_vault, vault_place
from tests.cast import settings_in
from tests.cli.conftest import House
from tests.store.throwaway_postgres import Faulty, execute

ROLES = Path(__file__).parents[2] / "deploy" / "postgres" / "roles.sql"


def older(path: Path, name: str) -> None:
    """Let a database say that its tables are those of the revision before the newest."""
    script = ScriptDirectory(str(files(f"fieldreport.{name}") / "migrations"))
    newest = script.get_revision(str(script.get_current_head()))
    engine = open_engine(f"sqlite:///{path}")
    with writing(engine) as session:
        session.execute(text(f"UPDATE {name}_version SET version_num = '{newest.down_revision}'"))  # noqa: S608 - ours
    engine.dispose()


@pytest.fixture
def made(house: House) -> House:
    """A house whose databases are there."""
    assert house.run("migrate").exit_code == 0
    return house


def test_it_does_what_is_to_do_once(made: House) -> None:
    assert made.run("migrate").stdout == "mailbox  nothing to do\nvault    nothing to do\n"


@pytest.mark.parametrize(("name", "data"), [("mailbox", "intake"), ("vault", "desk")])
def test_older_tables_are_refused_with_the_command_and_changed_by_it_alone(made: House, name: str, data: str) -> None:
    path = made.directory / data / f"{name}.db"
    older(path, name)
    opened = open_mailbox if name == "mailbox" else open_vault
    with pytest.raises(StoreError) as refused:
        opened(made.settings)
    assert refused.value.code == "migrations"
    assert refused.value.detail.endswith(f"{name}.db are older than this program; to do: fieldreport migrate {name}")
    refused_start = made.run("audit", "verify") if name == "vault" else made.run("collect")
    assert refused_start.exit_code == 74
    assert f"fieldreport migrate {name}" in refused_start.stderr


def test_a_zone_that_was_used_gets_no_new_empty_database(made: House) -> None:
    (made.directory / "desk" / "vault.db").unlink()
    with pytest.raises(StoreError, match="upgraded") as refused:
        open_vault(made.settings)
    assert "restore it from a backup" in refused.value.detail
    assert made.run("migrate", "vault").stdout.startswith("vault    none → ")


@pytest.fixture
def server(faulty: Faulty) -> Iterator[Path]:
    """A server with our roles and databases."""
    psql = shutil.which("psql")
    assert psql is not None
    address = ["-h", str(faulty.home), "-U", "fieldreport", "postgres"]
    done = subprocess.run([psql, "-q", "-f", str(ROLES), *address], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    yield faulty.home
    for name in ("fieldreport_mailbox", "fieldreport_vault"):
        execute(f"DROP DATABASE {name} WITH (FORCE)", home=faulty.home)
    for name in ("owner", "intake", "desk"):
        execute(f"DROP ROLE fieldreport_{name}", home=faulty.home)


@pytest.mark.postgres
def test_each_role_has_what_its_zone_needs_and_fails_on_the_rest(server: Path, tmp_path: Path) -> None:
    def url(role: str, database: str) -> str:
        return f"postgresql://fieldreport_{role}@/fieldreport_{database}?host={server}"

    plain = settings_in(tmp_path)
    settings = replace(
        plain,
        intake=replace(plain.intake, mailbox=url("intake", "mailbox")),
        desk=replace(plain.desk, vault=url("desk", "vault")),
    )
    for opened, command in ((open_mailbox, "migrate mailbox"), (open_vault, "migrate vault")):
        with pytest.raises(StoreError) as refused:
            opened(settings)
        assert command in refused.value.detail
    with pytest.raises(StoreError, match="refused a migration"):
        mailbox_place(settings).migrate()
    owned = replace(
        plain,
        intake=replace(plain.intake, mailbox=url("owner", "mailbox")),
        desk=replace(plain.desk, vault=url("owner", "vault")),
    )
    assert mailbox_place(owned).migrate()
    assert vault_place(owned).migrate()
    mailbox, vault = open_mailbox(settings), open_vault(settings)
    mailbox.saw_epoch(3)
    assert mailbox.highest_epoch() == 3
    assert mailbox.must_work()
    vault.saw_epoch(3)
    assert vault.must_work()
    vault.erase_deleted()
    for forbidden in ("DROP TABLE mailbox_counters", "CREATE TABLE mine (a int)", "ALTER TABLE letters ADD a int"):
        with pytest.raises(StoreError), writing(mailbox._engine) as session:
            session.execute(text(forbidden))
    mailbox.close()
    vault.close()
    for role, database in (("intake", "vault"), ("desk", "mailbox")):
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            psycopg.connect(url(role, database))
        engine = open_engine(url(role, database))
        with pytest.raises(StoreError), reading(engine) as session:
            session.execute(text("SELECT 1"))
        engine.dispose()
