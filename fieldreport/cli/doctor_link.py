"""The checks of the link between intake and desk, from whichever end these settings are."""

from __future__ import annotations

from collections.abc import Container, Iterator
from contextlib import closing

from fieldreport import config
from fieldreport.checks.findings import Finding, Verdict
from fieldreport.checks.newsroom import link_of
from fieldreport.errors import FieldreportError
from fieldreport.intake.link import gate_of, listen_of
from fieldreport.mailbox.link import LinkMailbox, open_link
from fieldreport.mailbox.link_line import Address
from fieldreport.vault.archive.rosters import RosterWatch


def link_checks(settings: config.Settings, hidden: Container[str]) -> Iterator[Finding]:
    """What can be said of the link. ``hidden``: zones that this user may not look into."""
    if "intake" not in hidden and settings.intake.link:
        yield _served(settings)
    if "desk" not in hidden and settings.desk.link:
        yield _dialled(settings)


def _served(settings: config.Settings) -> Finding:
    """Whether the intake's end answers, asked as its own user."""
    try:
        gate_of(settings)
        listen = listen_of(settings)
        if listen.startswith("unix:"):
            address, token = Address.parse(listen, proxy="", base=settings.path.parent), ""
        else:
            host, port = config.split_listen(listen, where="[intake] link")
            address = Address(host=host.strip("[]"), port=port)
            token = config.link_token(settings.intake.link_token, where="[intake] link_token")
        with closing(LinkMailbox(address, instance=settings.instance_id, token=token, in_a_hurry=True)) as link:
            link.totals()
    except FieldreportError as error:
        return Finding(check="link", verdict=Verdict.FAILS, seen=f"{error.detail}; 'fieldreport link' serves it")
    return Finding(check="link", verdict=Verdict.HOLDS, seen=f"served on {address}")


def _dialled(settings: config.Settings) -> Finding:
    """Whether the desk reaches its intake, and both have the same roster."""
    try:
        with closing(open_link(settings)) as link:
            return link_of(link, RosterWatch.of(settings))
    except FieldreportError as error:
        return Finding(check="link", verdict=Verdict.FAILS, seen=error.detail)
