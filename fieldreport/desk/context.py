"""What views work with: the desk and the signed-in person, typed, and an error where nobody is signed in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import flask

from fieldreport.config import Settings
from fieldreport.desk.audit_check import AuditCheck
from fieldreport.desk.background import BackgroundJobs
from fieldreport.desk.sessions import Session, Sessions
from fieldreport.desk.sign_in import SignIn
from fieldreport.errors import NotAllowed
from fieldreport.mailbox import DeskMailbox
from fieldreport.mailbox.letterbox import Switchboard
from fieldreport.scrub import Scrubber
from fieldreport.seal import TokenKey
from fieldreport.vault.archive.rosters import RosterWatch
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.archive.vault import Vault
from fieldreport.vault.articles.release import Site
from fieldreport.vault.cases.case_index import CaseIndex
from fieldreport.vault.cases.delivery import Deliveries
from fieldreport.vault.keys import status
from fieldreport.vault.keys.status import Standing
from fieldreport.web.csrf import CsrfGuard

_EXTENSION: Final = "fieldreport-desk"


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Everything that one desk process works with."""

    settings: Settings
    vault: Vault
    mailbox: DeskMailbox
    letterbox: Switchboard
    audit_check: AuditCheck
    scrubber: Scrubber
    rosters: RosterWatch
    cases: CaseIndex
    site: Site
    deliveries: Deliveries
    clock: Callable[[], float]
    sessions: Sessions
    background: BackgroundJobs
    sign_in: SignIn
    guard: CsrfGuard
    token_key: TokenKey = field(repr=False)

    @property
    def cookie_name(self) -> str:
        """``__Host-`` unless the settings say that there is no https: no sibling host can then set one for us."""
        return "__Host-desk" if self.settings.desk.secure_cookie else "desk"

    @property
    def device_cookie_name(self) -> str:
        """As ``cookie_name``, of the cookie by which a device is known that somebody signed in on before."""
        return "__Host-device" if self.settings.desk.secure_cookie else "device"

    @property
    def zone_cookie_name(self) -> str:
        """As ``cookie_name``, of the cookie with the time zone in which hours are shown."""
        return "__Host-zone" if self.settings.desk.secure_cookie else "zone"

    @property
    def language_cookie_name(self) -> str:
        """As ``cookie_name``, of the cookie with the language in which pages are shown."""
        return "__Host-language" if self.settings.desk.secure_cookie else "language"


def attach(app: flask.Flask, desk: Desk) -> None:
    """Make ``desk`` the one of this application."""
    app.extensions[_EXTENSION] = desk


def of(app: flask.Flask) -> Desk:
    """The desk of an application."""
    desk: Desk = app.extensions[_EXTENSION]
    return desk


def desk() -> Desk:
    """The desk of the application that answers this request."""
    return of(flask.current_app)


def session_or_none() -> Session | None:
    """Who asks, or nothing when nobody is signed in."""
    found: Session | None = flask.g.get("desk_session")
    return found


def session() -> Session:
    """Who asks.

    Raises:
        NotAllowed: nobody is signed in; the access rules keep this from happening.
    """
    found = session_or_none()
    if found is None:
        raise NotAllowed("Nobody is signed in.")
    return found


def seat() -> Seat:
    """The unlocked seat of the person who asks."""
    return session().seat


def standing() -> Standing:
    """The state of the newsroom's keys now."""
    here = desk()
    return status.standing(here.vault, here.rosters, rotate_days=here.settings.keys.rotate_days)


def say(text: str) -> None:
    """Show a notice at the top of the next page that this person sees."""
    session().notices.append(text)
