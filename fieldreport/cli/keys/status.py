"""``fieldreport keys status``: what is sealed to each key, how old it is, how far each rotation is, and what is due."""

from __future__ import annotations

import json
from collections import Counter

import click

from fieldreport.cli import load_settings
from fieldreport.seal import Role
from fieldreport.vault.archive.rosters import RosterWatch
from fieldreport.vault.archive.vault import open_vault
from fieldreport.vault.keys.status import Standing, standing


@click.command("status")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
@click.pass_context
def status(context: click.Context, *, as_json: bool) -> None:
    """Show the state of the keys: objects, ages, rotations, the roster's term, and what is due."""
    settings = load_settings(context)
    vault = open_vault(settings)
    found = standing(vault, RosterWatch.of(settings, vault), rotate_days=settings.keys.rotate_days)
    vault.close()
    click.echo(json.dumps(_facts(found)) if as_json else "\n".join(_lines(found)))


def _facts(found: Standing) -> dict[str, object]:
    return {
        "epoch": found.epoch,
        "not_after": found.not_after.isoformat(),
        "days_left": found.days_left,
        "alarm": found.alarm,
        "rotate_days": found.rotate_days,
        "unsorted": found.unsorted,
        "by_state": _by_state(found),
        "keys": [
            {
                "key": key.key_id,
                "handle": key.handle,
                "role": str(key.role),
                "state": str(key.state),
                "objects": key.objects,
                "since": key.since.date().isoformat(),
                "age_days": key.age_days,
                "due": key.due,
            }
            for key in found.keys
        ],
        "rotations": [
            {"handle": order.handle, "state": str(order.state), "old": order.old_key_id, "new": order.new_key_id}
            for order in found.rotations
        ],
        "reminders": [*found.reminders()],
    }


def _lines(found: Standing) -> list[str]:
    lines = []
    for key in found.keys:
        sealed = "signs rosters" if key.role is Role.ADMIN else f"{key.objects} objects"
        due = "  due" if key.due else ""
        lines.append(f"{key.key_id}  {key.handle:<16} {key.state:<13} {sealed:<14} {key.age_days:>4} days{due}")
    lines += [f"{state} keys: named {count} times" for state, count in _by_state(found).items()]
    if found.unsorted:
        lines.append(f"{found.unsorted} letters wait to be sorted by an editor and are not among these.")
    lines += [
        f"{order.handle:<16} {order.state:<10} {order.old_key_id} -> {order.new_key_id or 'not made yet'}"
        for order in found.rotations
    ] or ["No rotation is under way."]
    lines.append(f"Roster: epoch {found.epoch}, {found.days_left} days left.")
    lines += [f"! {reminder}" for reminder in found.reminders()]
    return lines


def _by_state(found: Standing) -> dict[str, int]:
    """Key state to how often sealed objects name a key in that state."""
    count: Counter[str] = Counter()
    for key in found.keys:
        if key.role is not Role.ADMIN:
            count[str(key.state)] += key.objects
    return dict(count)
