"""``fieldreport doctor``: check this machine and this installation, one line per check.

Each check holds, warns, fails, or could not look ("unseen"); one that fails makes the exit status 69. It changes
nothing but what ``--fix`` names, payloads that a crash left without a row; and the stores remember the roster that was
found in force.
"""

from __future__ import annotations

import json
import os
import sqlite3
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import click

from fieldreport import config, hardening, limits
from fieldreport.cli import load_settings
from fieldreport.cli.demo_newsroom import FACTS_NAME
from fieldreport.cli.doctor_link import link_checks
from fieldreport.cli.findings import Finding, Verdict
from fieldreport.errors import FieldreportError, KeyFileDamaged, PlatformError, SettingsError
from fieldreport.intake.letterbox import LetterboxState, letterbox_state
from fieldreport.mailbox import LocalMailbox, open_mailbox
from fieldreport.scrub.sandbox.lockdown import sandbox_status
from fieldreport.seal import check_platform
from fieldreport.unseal import key_file, machine_secret
from fieldreport.vault.archive import audit_heads, origin, readers
from fieldreport.vault.archive.rosters import RosterWatch, open_watch
from fieldreport.vault.archive.vault import Vault, open_vault
from fieldreport.vault.cases import restriction
from fieldreport.vault.keys.status import standing

_NAMED_PAYLOADS = 8
_SQLITE_WITHOUT_RESET_RACE = (3, 51, 3)
_NAMED_CASES = 8  # a list of names that fits a line


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
@click.option("--fix", is_flag=True, help="Remove payloads that a crash left without a row.")
@click.pass_context
def doctor_command(context: click.Context, *, as_json: bool, fix: bool) -> None:
    """Check this machine and this installation."""
    findings = [*machine_checks(), *installation_checks(load_settings(context), fix=fix)]
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings]))
    else:
        for finding in findings:
            click.echo(f"{finding.verdict:<6} {finding.check:<18} {finding.seen}")
    if any(finding.verdict is Verdict.FAILS for finding in findings):
        context.exit(PlatformError.exit_status)


def machine_checks() -> Iterator[Finding]:
    """Checks that need no installation: the build of ``cryptography``, the kernel, SQLite."""
    yield _tried("cryptography", check_platform, "the known answers come out")
    sandbox = sandbox_status()
    yield Finding(
        check="sandbox",
        verdict=Verdict.HOLDS if sandbox.complete else Verdict.FAILS,
        seen="; ".join(sandbox.problems) or f"Landlock ABI {sandbox.landlock_abi}, seccomp",
    )
    old = sqlite3.sqlite_version_info < _SQLITE_WITHOUT_RESET_RACE
    yield Finding(
        check="sqlite",
        verdict=Verdict.HOLDS,
        seen=f"{sqlite3.sqlite_version}" + (", checkpoints are serialised with commits" if old else ""),
    )


def installation_checks(settings: config.Settings, *, fix: bool) -> Iterator[Finding]:
    """Checks of one installation, of the zones that these settings name and this user may look into."""
    yield from _demonstration(settings)
    hidden = {zone: why for zone in ("intake", "desk") if (why := _hidden(settings, zone))}
    for zone, why in hidden.items():
        yield Finding(check=zone, verdict=Verdict.UNSEEN, seen=why)
    if settings.has("keys"):
        yield from _roster_checks(settings, with_vault="desk" not in hidden)
    if "intake" not in hidden:
        state = letterbox_state(settings.intake.data)
        verdict = Verdict.HOLDS if state is LetterboxState.OPEN else Verdict.WARNS
        yield Finding(check="letterbox", verdict=verdict, seen=f"{state}; 'fieldreport letterbox' changes it")
        yield _private(settings.intake.data, to_group=False)
        yield from _store_checks("mailbox", open_mailbox, settings, fix=fix)
    if "desk" not in hidden:
        yield from _modes(settings)
        yield from _key_files(settings.desk.keyfiles)
        yield from _store_checks("vault", open_vault, settings, fix=fix)
    yield _settings_mode(settings.path)
    yield from link_checks(settings, hidden)


def _hidden(settings: config.Settings, zone: str) -> str:
    """Why a zone cannot be looked at; nothing where it can."""
    if not settings.has(zone):
        return f"not looked at: {settings.path.name} has no [{zone}]; run doctor with that zone's settings and user"
    data: Path = getattr(settings, zone).data
    try:
        owner = data.stat().st_uid
    except FileNotFoundError:
        return ""
    except OSError:
        owner = -1
    if os.geteuid() == 0 and owner != 0:
        # What is made on the way, such as a lock, would belong to root and shut the zone out.
        return f"not looked at: {data} belongs to another user than root; run doctor as its owner"
    if not os.access(data, os.R_OK | os.W_OK | os.X_OK):
        return f"not looked at: this user may not look into {data}; run doctor as its owner"
    return ""


def _roster_checks(settings: config.Settings, *, with_vault: bool) -> Iterator[Finding]:
    try:
        with open_watch(settings) as rosters:
            yield _tried("roster", lambda: rosters.in_force().recipients(), "both signatures and the dates hold")
            yield _roster_age(rosters)
            yield _admin_key(settings, rosters)
            if with_vault:
                yield from _due(settings, rosters)
                yield _orphaned_cases(settings, rosters)
                yield _audit_log(settings, rosters)
                yield _case_sources(settings, rosters)
    except FieldreportError as error:
        yield Finding(check="roster", verdict=Verdict.FAILS, seen=error.detail)


def _store_checks(
    name: str, opened: Callable[[config.Settings], LocalMailbox | Vault], settings: config.Settings, *, fix: bool
) -> Iterator[Finding]:
    try:
        store = opened(settings)
        orphans = store.remove_orphans() if fix else len(store.orphans())
        unreadable = store.unreadable()
    except FieldreportError as error:
        yield Finding(check=name, verdict=Verdict.FAILS, seen=error.detail)
        return
    store.close()
    word = "removed" if fix else "found"
    verdict = Verdict.WARNS if orphans and not fix else Verdict.HOLDS
    yield Finding(check=name, verdict=verdict, seen=f"{orphans} payloads without a row {word}")
    if unreadable:
        named = ", ".join(
            [each.hex() for each in unreadable[:_NAMED_PAYLOADS]] + ["…"] * (len(unreadable) > _NAMED_PAYLOADS)
        )
        seen = f"payloads that cannot be read: {len(unreadable)} ({named})"
        yield Finding(check=name, verdict=Verdict.FAILS, seen=seen)


def _demonstration(settings: config.Settings) -> Iterator[Finding]:
    if settings.is_demo:
        seen = "anyone with this directory can read everything in it; 'fieldreport init' makes a real newsroom"
        yield Finding(check="demonstration", verdict=Verdict.WARNS, seen=seen)
    elif (secrets := settings.path.with_name(FACTS_NAME)).exists():
        seen = f"{secrets.name} lies here: if its passphrases are this newsroom's, make another with 'fieldreport init'"
        yield Finding(check="demonstration", verdict=Verdict.FAILS, seen=seen)


def _tried(check: str, attempt: Callable[[], object], holds: str) -> Finding:
    try:
        attempt()
    except FieldreportError as error:
        return Finding(check=check, verdict=Verdict.FAILS, seen=error.detail)
    return Finding(check=check, verdict=Verdict.HOLDS, seen=holds)


def _roster_age(rosters: RosterWatch) -> Finding:
    try:
        roster = rosters.newest()
    except FieldreportError as error:
        return Finding(check="roster's age", verdict=Verdict.FAILS, seen=error.detail)
    days = (roster.not_after - rosters.now()).days
    verdict = Verdict.HOLDS if days > limits.ROSTER_ALARM_DAYS else Verdict.WARNS
    return Finding(check="roster's age", verdict=verdict, seen=f"epoch {roster.epoch} expires in {days} days")


def _due(settings: config.Settings, rosters: RosterWatch) -> Iterator[Finding]:
    vault: Vault | None = None
    try:
        vault = open_vault(settings)
        found = standing(vault, rosters, rotate_days=settings.keys.rotate_days)
    except FieldreportError as error:
        yield Finding(check="keys", verdict=Verdict.FAILS, seen=error.detail)
        return
    finally:
        if vault is not None:
            vault.close()
    due = [key for key in found.keys if key.due]
    for key in due:
        seen = f"{key.handle}'s is {key.age_days} days old; keys are replaced after {found.rotate_days}"
        yield Finding(check="keys", verdict=Verdict.WARNS, seen=seen)
    if not due:
        yield Finding(check="keys", verdict=Verdict.HOLDS, seen="none is due for replacement")


def _orphaned_cases(settings: config.Settings, rosters: RosterWatch) -> Finding:
    """Whether the readers of limited cases are those that were set, and one of them is left to read each."""
    vault: Vault | None = None
    try:
        vault = open_vault(settings)
        roster = rosters.newest()
        refused = readers.refused_cases(vault, rosters)
        with vault.reading() as session:
            left = restriction.orphaned_cases(session, roster)
    except FieldreportError as error:
        return Finding(check="limited cases", verdict=Verdict.FAILS, seen=error.detail)
    finally:
        if vault is not None:
            vault.close()
    if refused:
        named = _named_cases(refused)
        seen = f"who may read is not what a reader signed: {named}; nothing is re-wrapped until a backup is restored"
        return Finding(check="limited cases", verdict=Verdict.FAILS, seen=seen)
    if not left:
        return Finding(check="limited cases", verdict=Verdict.HOLDS, seen="each has a reader, set by a reader")
    names = ", ".join(name for name, _ in left)
    seen = f"all readers of {names} have left; 'fieldreport recover --rewrap --case' names others"
    return Finding(check="limited cases", verdict=Verdict.WARNS, seen=seen)


def _audit_log(settings: config.Settings, rosters: RosterWatch) -> Finding:
    """Whether the log is whole, and holds what is remembered of it outside the database."""
    vault: Vault | None = None
    try:
        vault = open_vault(settings)
        remembered = audit_heads.remembered(rosters, vault.instance, settings.desk.keyfiles)
        report = vault.audit.verify(rosters.all_here(), remembered)
    except FieldreportError as error:
        return Finding(check="audit log", verdict=Verdict.FAILS, seen=error.detail)
    finally:
        if vault is not None:
            vault.close()
    with_ = ", ".join(one.by for one in report.held)
    if report.accepted:
        lost = ", ".join(f"{one.head.number} ({one.by})" for one in report.accepted)
        seen = f"it lacks entries that an admin accepted as lost: {lost}"
        return Finding(check="audit log", verdict=Verdict.WARNS, seen=seen)
    seen = f"{report.entries} entries verified; compared with what is remembered by: {with_ or 'nobody yet'}"
    return Finding(check="audit log", verdict=Verdict.HOLDS, seen=seen)


def _case_sources(settings: config.Settings, rosters: RosterWatch) -> Finding:
    """Whether the source of each case is the one that an editor signed; if not, no answer leaves the case."""
    vault: Vault | None = None
    try:
        vault = open_vault(settings)
        refused = origin.refused_cases(vault, rosters)
    except FieldreportError as error:
        return Finding(check="cases", verdict=Verdict.FAILS, seen=error.detail)
    finally:
        if vault is not None:
            vault.close()
    if not refused:
        return Finding(check="cases", verdict=Verdict.HOLDS, seen="the source of each is signed by an editor")
    named = _named_cases(refused)
    seen = f"the source is not what an editor signed: {named}; an upgraded archive is signed when its editors unlock"
    return Finding(check="cases", verdict=Verdict.FAILS, seen=seen)


def _named_cases(refused: Sequence[tuple[str, str]]) -> str:
    named = ", ".join(f"{name} ({code})" for name, code in refused[:_NAMED_CASES])
    return f"{named} and {len(refused) - _NAMED_CASES} more" if len(refused) > _NAMED_CASES else named


def _admin_key(settings: config.Settings, rosters: RosterWatch) -> Finding:
    """Whether the settings pin the admin key in force, or one that was handed over and might be misused."""
    try:
        in_force = rosters.published.admin().fingerprint
    except FieldreportError as error:
        return Finding(check="admin key", verdict=Verdict.FAILS, seen=error.detail)
    if in_force == settings.keys.admin_fingerprint:
        return Finding(check="admin key", verdict=Verdict.HOLDS, seen="the settings pin the key in force")
    seen = f"it was handed over; pin the one in force: admin_fingerprint = {in_force}"
    return Finding(check="admin key", verdict=Verdict.WARNS, seen=seen)


def _key_files(keyfiles: Path) -> Iterator[Finding]:
    """Whether each key file has its secret, and no secret is left that would open a copy from before."""
    paths = sorted(keyfiles.glob("*.key"))
    sound = True
    for path in paths:
        try:
            bound = key_file.is_bound(path)
        except KeyFileDamaged as error:
            sound = False
            yield Finding(check="key files", verdict=Verdict.FAILS, seen=error.detail)
            continue
        if not bound:
            sound = False
            seen = f"the passphrase alone opens {path.name}; the start of the desk binds it to this machine"
            yield Finding(check="key files", verdict=Verdict.WARNS, seen=seen)
    for name in machine_secret.unused(keyfiles):
        sound = False
        place = machine_secret.directory(keyfiles).name
        seen = f"no key file here needs {place}/{name}; an older copy opens with it, until shred -u destroys it"
        yield Finding(check="key files", verdict=Verdict.WARNS, seen=seen)
    if sound:
        yield Finding(check="key files", verdict=Verdict.HOLDS, seen=f"{len(paths)}, each with its machine secret")


def _modes(settings: config.Settings) -> Iterator[Finding]:
    keyfiles = settings.desk.keyfiles
    secrets = machine_secret.directory(keyfiles)
    for path in (
        settings.desk.data,
        keyfiles,
        *sorted(keyfiles.glob("*.key")),
        *([secrets] if secrets.exists() else ()),
    ):
        yield _private(path)


def _settings_mode(path: Path) -> Finding:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o022:
        return Finding(
            check="modes", verdict=Verdict.WARNS, seen=f"{path.name} has mode {mode:o}, others can write to it"
        )
    return Finding(check="modes", verdict=Verdict.HOLDS, seen=f"{path.name} has mode {mode:o}")


def _private(path: Path, *, to_group: bool = True) -> Finding:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError as error:
        return Finding(check="modes", verdict=Verdict.FAILS, seen=f"{path}: {error.strerror}")
    try:
        hardening.check_private(path, to_group=to_group)
    except SettingsError:
        seen = f"{path.name} has mode {mode:o}, others can look in"
        return Finding(check="modes", verdict=Verdict.FAILS, seen=seen)
    return Finding(check="modes", verdict=Verdict.HOLDS, seen=f"{path.name} has mode {mode:o}")
