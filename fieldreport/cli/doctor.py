"""``fieldreport doctor``: check this machine and this installation, one line per check.

Each check holds, warns, fails, or could not look ("unseen"); one that fails makes the exit status 69. It changes
nothing but what ``--fix`` names, modes and payloads that a crash left without a row; and the stores remember the roster
that was found in force.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Final

import click

from fieldreport import config, hardening
from fieldreport.checks.findings import Finding, Verdict, failing_as
from fieldreport.checks.machine import machine_checks, surroundings
from fieldreport.checks.newsroom import admin_key, keys_due, roster_age
from fieldreport.cli import load_settings
from fieldreport.cli.demo_newsroom import FACTS_NAME
from fieldreport.cli.doctor_link import link_checks
from fieldreport.cli.key_agreement import key_agreement_checks
from fieldreport.errors import FieldreportError, KeyFileDamaged, PlatformError, SettingsError
from fieldreport.mailbox import LocalMailbox, open_mailbox
from fieldreport.mailbox.letterbox import LetterboxState, chosen_letters
from fieldreport.mailbox.shared import open_local_switchboard
from fieldreport.seal import KeyState, Role
from fieldreport.unseal import key_file, machine_secret
from fieldreport.vault.archive import audit_heads, origin, readers
from fieldreport.vault.archive.rosters import RosterWatch, open_watch
from fieldreport.vault.archive.vault import Vault, open_vault
from fieldreport.vault.cases import restriction

_NAMED_PAYLOADS = 8
_AS_ITS_USER = "see that it is there and belongs to the user of its zone"
_REMEDIES: Final = {
    "roster-missing": "put it back from a backup, and see that it belongs to the user of its zone",
    "roster-no-editor": (
        "add one with the desk's settings ('fieldreport staff add HANDLE'); 'fieldreport collect' tells the intake"
    ),
    "key-file-secret": "put it back from the copy that lies apart, or see 'Restore' in the handbook",
}
"""What to do, by the code of an error."""
_NAMED_CASES = 8  # a list of names that fits a line


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
@click.option(
    "--fix", is_flag=True, help="Close what others can look into, and remove payloads that a crash left without a row."
)
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


def installation_checks(settings: config.Settings, *, fix: bool, quick: bool = False) -> list[Finding]:
    """Checks of one installation, of the zones that these settings name and this user may look into.

    One that cannot be made is a finding, and the others are made. ``quick``: without those that read everything, each
    payload, each case and the whole audit log.
    """
    found = [*_demonstration(settings)]
    hidden = {zone: why for zone in ("intake", "desk") if (why := _hidden(settings, zone))}
    for zone, why in hidden.items():
        found.append(Finding(check=zone, verdict=Verdict.UNSEEN, seen=why))
    zones = [zone for zone in ("intake", "desk") if zone not in hidden]
    found += surroundings(settings, zones)
    if fix:
        found += _fixed(settings, zones)
    if any(settings.has(zone) for zone in hidden) and not os.access(settings.keys.directory, os.R_OK | os.X_OK):
        seen = f"not looked at: this user may not look into {settings.keys.directory}"
        found.append(Finding(check="roster", verdict=Verdict.UNSEEN, seen=seen))
    elif settings.has("keys"):
        with failing_as("roster", found), open_watch(settings) as rosters:
            found.append(
                _tried("roster", lambda: rosters.in_force().recipients(), "both signatures and the dates hold")
            )
            found.append(roster_age(rosters))
            found.append(admin_key(settings, rosters))
            if "intake" in zones and settings.intake.originals:
                found.append(_originals(settings, rosters))
    with failing_as("modes", found):
        found += [_private(path, to_group=to_group) for path, to_group in _private_paths(settings, zones)]
        found.append(_settings_mode(settings.path))
    if "intake" in zones:
        found.append(_letterbox(settings))
        with failing_as("mailbox", found), closing(open_mailbox(settings)) as mailbox:
            found += _payloads("mailbox", mailbox, fix=fix, quick=quick)
    if "desk" in zones:
        with failing_as("key files", found):
            found += _key_files(settings.desk.keyfiles)
        with failing_as("vault", found), closing(open_vault(settings)) as vault:
            rosters = RosterWatch.of(settings, vault)
            for check, look in (_QUICK_IN_THE_VAULT if quick else _IN_THE_VAULT).items():
                with failing_as(check, found):
                    found += look(settings, vault, rosters)
            found += _payloads("vault", vault, fix=fix, quick=quick)
    found += link_checks(settings, hidden)
    found += key_agreement_checks(settings, hidden)
    return found


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


def _payloads(name: str, store: LocalMailbox | Vault, *, fix: bool, quick: bool) -> Iterator[Finding]:
    orphans = store.remove_orphans() if fix else len(store.orphans())
    unreadable = [] if quick else store.unreadable()
    word = "removed" if fix else "found; 'fieldreport doctor --fix' removes them"
    verdict = Verdict.WARNS if orphans and not fix else Verdict.HOLDS
    yield Finding(check=name, verdict=verdict, seen=f"{orphans} payloads without a row{f' {word}' if orphans else ''}")
    if unreadable:
        named = ", ".join(
            [each.hex() for each in unreadable[:_NAMED_PAYLOADS]] + ["…"] * (len(unreadable) > _NAMED_PAYLOADS)
        )
        seen = f"payloads that cannot be read: {len(unreadable)} ({named}); put them back from a backup"
        yield Finding(check=name, verdict=Verdict.FAILS, seen=seen)


def _letterbox(settings: config.Settings) -> Finding:
    try:
        with closing(open_local_switchboard(settings)) as board:
            state = board.letterbox().state
        chosen_letters(settings.intake.data)
    except FieldreportError as error:
        return Finding(check="letterbox", verdict=Verdict.FAILS, seen=error.detail)
    verdict = Verdict.HOLDS if state is LetterboxState.OPEN else Verdict.WARNS
    return Finding(check="letterbox", verdict=verdict, seen=f"{state}; 'fieldreport letterbox' changes it")


def _originals(settings: config.Settings, rosters: RosterWatch) -> Finding:
    """Whether those who are named for originals are people who could open one."""
    named = set(settings.intake.originals)
    active = [entry for entry in rosters.in_force().entries if entry.state is KeyState.ACTIVE]
    readers = {entry.handle for entry in active if entry.role is Role.RECOVERY}
    readers |= {entry.handle for entry in active if entry.role is Role.EDITOR and entry.handle in named}
    if not readers:
        seen, verdict = "nobody could open one, so the form does not offer to keep any", Verdict.FAILS
    elif named - readers:
        missing = ", ".join(sorted(named - readers))
        seen, verdict = f"the roster has no active key of {missing}, whom [intake] originals names", Verdict.WARNS
    else:
        seen, verdict = f"opened by {', '.join(sorted(readers))}", Verdict.HOLDS
    return Finding(check="originals", verdict=verdict, seen=seen)


def _fixed(settings: config.Settings, zones: Sequence[str]) -> list[Finding]:
    """Close to others what only a zone may see; as ``chmod`` by hand, so that nothing else changes."""
    done: list[Finding] = []
    for path, to_group in _private_paths(settings, zones):
        with failing_as("modes", done):
            mode = stat.S_IMODE(path.stat().st_mode)
            closed = mode & ~(0o077 if to_group else 0o007)
            if closed != mode:
                path.chmod(closed)
                seen = f"{path.name} had mode {mode:o}, and has now {closed:o}"
                done.append(Finding(check="modes", verdict=Verdict.HOLDS, seen=seen))
    return done


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
        return Finding(check=check, verdict=Verdict.FAILS, seen=_with_remedy(error))
    return Finding(check=check, verdict=Verdict.HOLDS, seen=holds)


def _with_remedy(error: FieldreportError) -> str:
    remedy = _REMEDIES.get(error.code)
    return f"{error.detail}; {remedy}" if remedy else f"{error.detail}"


def _orphaned_cases(_settings: config.Settings, vault: Vault, rosters: RosterWatch) -> Iterator[Finding]:
    """Whether the readers of limited cases are those that were set, and one of them is left to read each."""
    roster = rosters.newest()
    refused = readers.refused_cases(vault, rosters)
    with vault.reading() as session:
        left = restriction.orphaned_cases(session, roster)
    if refused:
        named = _named_cases(refused)
        seen = f"who may read is not what a reader signed: {named}; nothing is re-wrapped until a backup is restored"
        yield Finding(check="limited cases", verdict=Verdict.FAILS, seen=seen)
        return
    if not left:
        yield Finding(check="limited cases", verdict=Verdict.HOLDS, seen="each has a reader, set by a reader")
        return
    names = ", ".join(name for name, _ in left)
    seen = f"all readers of {names} have left; 'fieldreport recover --rewrap --case' names others"
    yield Finding(check="limited cases", verdict=Verdict.WARNS, seen=seen)


def _audit_log(settings: config.Settings, vault: Vault, rosters: RosterWatch) -> Iterator[Finding]:
    """Whether the log is whole, and holds what is remembered of it outside the database."""
    remembered = audit_heads.remembered(rosters, vault.instance, settings.desk.keyfiles)
    report = vault.audit.verify(rosters.all_here(), remembered)
    with_ = ", ".join(one.by for one in report.held)
    if report.accepted:
        lost = ", ".join(f"{one.head.number} ({one.by})" for one in report.accepted)
        seen = f"it lacks entries that an admin accepted as lost: {lost}"
        yield Finding(check="audit log", verdict=Verdict.WARNS, seen=seen)
        return
    seen = f"{report.entries} entries verified; compared with what is remembered by: {with_ or 'nobody yet'}"
    yield Finding(check="audit log", verdict=Verdict.HOLDS, seen=seen)


def _case_sources(_settings: config.Settings, vault: Vault, rosters: RosterWatch) -> Iterator[Finding]:
    """Whether the source of each case is the one that an editor signed; if not, no answer leaves the case."""
    refused = origin.refused_cases(vault, rosters)
    if not refused:
        yield Finding(check="cases", verdict=Verdict.HOLDS, seen="the source of each is signed by an editor")
        return
    named = _named_cases(refused)
    seen = f"the source is not what an editor signed: {named}; an upgraded archive is signed when its editors unlock"
    yield Finding(check="cases", verdict=Verdict.FAILS, seen=seen)


_IN_THE_VAULT: Final = {
    "keys": keys_due,
    "limited cases": _orphaned_cases,
    "audit log": _audit_log,
    "cases": _case_sources,
}
_QUICK_IN_THE_VAULT: Final = {"keys": keys_due}


def _named_cases(refused: Sequence[tuple[str, str]]) -> str:
    named = ", ".join(f"{name} ({code})" for name, code in refused[:_NAMED_CASES])
    return f"{named} and {len(refused) - _NAMED_CASES} more" if len(refused) > _NAMED_CASES else named


def _key_files(keyfiles: Path) -> Iterator[Finding]:
    """Whether each key file has its secret, and no secret is left that would open a copy from before."""
    paths = sorted(keyfiles.glob("*.key"))
    sound, with_passkeys = True, 0
    for path in paths:
        try:
            bound = key_file.is_bound(path)
            with_passkeys += key_file.needs_part(path)
        except KeyFileDamaged as error:
            sound = False
            yield Finding(check="key files", verdict=Verdict.FAILS, seen=_with_remedy(error))
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
        more = f"; bound to passkeys: {with_passkeys}" if with_passkeys else ""
        seen = f"{len(paths)}, each with its machine secret{more}"
        yield Finding(check="key files", verdict=Verdict.HOLDS, seen=seen)


def _private_paths(settings: config.Settings, zones: Sequence[str]) -> Iterator[tuple[Path, bool]]:
    """What must be closed to others, and whether to its group as well."""
    if "intake" in zones:
        yield settings.intake.data, False
    if "desk" in zones:
        keyfiles = settings.desk.keyfiles
        secrets = machine_secret.directory(keyfiles)
        for path in (settings.desk.data, keyfiles, *sorted(keyfiles.glob("*.key"))):
            yield path, True
        if secrets.exists():
            yield secrets, True


def _settings_mode(path: Path) -> Finding:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o022:
        seen = f"{path.name} has mode {mode:o}, others can write to it; run: chmod go-w {path}"
        return Finding(check="modes", verdict=Verdict.WARNS, seen=seen)
    return Finding(check="modes", verdict=Verdict.HOLDS, seen=f"{path.name} has mode {mode:o}")


def _private(path: Path, *, to_group: bool = True) -> Finding:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError as error:
        return Finding(check="modes", verdict=Verdict.FAILS, seen=f"{path}: {error.strerror}; {_AS_ITS_USER}")
    try:
        hardening.check_private(path, to_group=to_group)
    except SettingsError:
        seen = f"{path.name} has mode {mode:o}, others can look in; 'fieldreport doctor --fix' closes it"
        return Finding(check="modes", verdict=Verdict.FAILS, seen=seen)
    return Finding(check="modes", verdict=Verdict.HOLDS, seen=f"{path.name} has mode {mode:o}")
