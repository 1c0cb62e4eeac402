"""Checks of the newsroom: the roster and who signs it, its keys, the way to the letterbox."""

from __future__ import annotations

from collections.abc import Iterator

from fieldreport import config, limits
from fieldreport.checks.findings import Finding, Verdict
from fieldreport.errors import FieldreportError
from fieldreport.mailbox import DeskMailbox
from fieldreport.sentence import Sentence
from fieldreport.vault.archive.rosters import RosterWatch
from fieldreport.vault.archive.vault import Vault
from fieldreport.vault.keys.status import standing


def roster_age(rosters: RosterWatch) -> Finding:
    """How long the newest roster is still in force."""
    try:
        roster = rosters.newest()
    except FieldreportError as error:
        return Finding(check=Sentence("roster's age"), verdict=Verdict.FAILS, seen=error.detail)
    days = (roster.not_after - rosters.now()).days
    verdict = Verdict.HOLDS if days > limits.ROSTER_ALARM_DAYS else Verdict.WARNS
    return Finding(
        check=Sentence("roster's age"),
        verdict=verdict,
        seen=Sentence("epoch %(epoch)s expires in %(days)s days", epoch=roster.epoch, days=days),
    )


def keys_due(settings: config.Settings, vault: Vault, rosters: RosterWatch) -> Iterator[Finding]:
    """Whose key is to be replaced."""
    found = standing(vault, rosters, rotate_days=settings.keys.rotate_days)
    due = [key for key in found.keys if key.due]
    for key in due:
        seen = Sentence(
            "%(handle)s's is %(days)s days old; keys are replaced after %(most)s",
            handle=key.handle,
            days=key.age_days,
            most=found.rotate_days,
        )
        yield Finding(check=Sentence("keys"), verdict=Verdict.WARNS, seen=seen)
    if not due:
        yield Finding(check=Sentence("keys"), verdict=Verdict.HOLDS, seen=Sentence("none is due for replacement"))


def admin_key(settings: config.Settings, rosters: RosterWatch) -> Finding:
    """Whether the settings pin the admin key in force, or one that was handed over and might be misused."""
    try:
        in_force = rosters.published.admin().fingerprint
    except FieldreportError as error:
        return Finding(check=Sentence("admin key"), verdict=Verdict.FAILS, seen=error.detail)
    if in_force == settings.keys.admin_fingerprint:
        return Finding(
            check=Sentence("admin key"), verdict=Verdict.HOLDS, seen=Sentence("the settings pin the key in force")
        )
    seen = Sentence("it was handed over; pin the one in force: admin_fingerprint = %(key)s", key=in_force)
    return Finding(check=Sentence("admin key"), verdict=Verdict.WARNS, seen=seen)


def link_of(mailbox: DeskMailbox, rosters: RosterWatch) -> Finding:
    """Whether the desk reaches its intake, and both have the same roster."""
    try:
        waiting, there = mailbox.totals().letters, mailbox.highest_epoch()
        here = rosters.newest().epoch
    except FieldreportError as error:
        seen = error.detail
        if error.code == "link-away":
            seen = Sentence(
                "%(seen)s; see that 'fieldreport link' runs there, and that [desk] link is right", seen=seen
            )
        return Finding(check=Sentence("link"), verdict=Verdict.FAILS, seen=seen)
    if there < here:
        seen = Sentence(
            "the intake has seen epoch %(there)s, this desk has %(here)s: 'fieldreport collect' brings it there",
            there=there,
            here=here,
        )
        return Finding(check=Sentence("link"), verdict=Verdict.WARNS, seen=seen)
    if there > here:
        seen = Sentence(
            "the intake has seen epoch %(there)s, this desk has %(here)s: an older copy of the desk's rosters was put"
            " back",
            there=there,
            here=here,
        )
        return Finding(check=Sentence("link"), verdict=Verdict.FAILS, seen=seen)
    return Finding(
        check=Sentence("link"),
        verdict=Verdict.HOLDS,
        seen=Sentence("the intake answers; letters wait: %(number)s", number=waiting),
    )
