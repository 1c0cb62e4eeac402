"""The checks before every view: who asks, did our own page send it, may they, does the form belong to their session.

Rules: each check raises; none returns something that could be ignored. A POST that arrives after the auto-lock, or
after the desk was started again, is not lost: its owner gets it back after unlocking (``held_forms``).
"""

from __future__ import annotations

from typing import Final, Literal

import flask

from fieldreport.desk import access, composer, context, held_forms, presentation, unsaved
from fieldreport.desk.sessions import Session
from fieldreport.errors import FieldreportError, NotAllowed, RosterError
from fieldreport.seal import KeyState, Roster
from fieldreport.sentence import Sentence
from fieldreport.web import csrf

_READING: Final = frozenset({"GET", "HEAD"})
# A page that reloads itself must not keep the keys of somebody who has left the room.
_NOT_WORK: Final = frozenset({"keys.progress", "sign_in.away", "static.style", "static.file"})

_NOT_KEPT: Final = frozenset({csrf.FIELD, "passphrase", "new"})  # a new passphrase, too


def install(app: flask.Flask) -> None:
    """Check every request of ``app`` before its view runs."""
    app.before_request(_identify)
    app.before_request(_pass)
    app.before_request(composer.keep_typed)


def _identify() -> None:
    desk = context.desk()
    cookie = flask.request.cookies.get(desk.cookie_name, "")
    by_itself = flask.request.endpoint in _NOT_WORK or presentation.RELOADED in flask.request.args
    session = desk.sessions.find(cookie, touch=not by_itself) if cookie else None
    flask.g.desk_session = None
    if session is not None:
        try:
            roster = desk.rosters.newest()
            _check_still_listed(session, roster)
        except (NotAllowed, RosterError):  # not for a store that is away: it says nothing about the person
            desk.sessions.end(cookie)
            raise
        if not holds_key(session, roster):
            # The keys of this session are of the past. The sign-in page says so, and a form that was posted waits.
            desk.sessions.end(cookie, key_replaced=True)
            return
        flask.g.desk_session = session


def _pass() -> None:
    request = flask.request
    if request.routing_exception is not None:
        return  # Flask is about to answer 404 or 405
    posted = request.method not in _READING
    if posted:
        require_our_own_page(request)
    view = flask.current_app.view_functions[str(request.endpoint)]
    session = context.session_or_none()
    rule = access.rule_of(view)
    access.check(rule, session.role if session is not None else None)
    # A sign-in form has no session yet; that another site cannot send it was checked above.
    if posted and rule is not access.Rule.PUBLIC:
        context.desk().guard.check(request, context.session().csrf)


def require_our_own_page(request: flask.Request) -> Literal[True]:
    """Refuse a form that a browser says came from elsewhere, by Fetch Metadata and by ``Origin``.

    Our pages have ``Referrer-Policy: same-origin``, under which browsers name the origin of their own forms. Only the
    host is compared: a proxy in front ends TLS and the scheme we see is not the browser's.

    Raises:
        NotAllowed: another site sent it.
        BadRequest: the origin is no address.
    """
    csrf.require_same_site(request)
    origin = request.headers.get("Origin")
    if origin is not None and presentation.split_url(origin).netloc != request.host:
        raise NotAllowed(Sentence("This request came from another site."), code="cross-site")
    return True


def _check_still_listed(session: Session, roster: Roster) -> Literal[True]:
    """See that the newest roster still names the person in the role they signed in with.

    An expired roster closes the letterbox and stops sealing, but the people it lists may go on reading.

    Raises:
        NotAllowed: they are not listed any more.
    """
    if not is_listed(session, roster):
        raise NotAllowed(Sentence("You are not on the active staff now. Ask the admin."), code="not-listed")
    return True


def is_listed(session: Session, roster: Roster) -> bool:
    """Whether the roster names the person, active and in the role they signed in with."""
    return any(
        entry.handle == session.handle and entry.role is session.role and entry.state is KeyState.ACTIVE
        for entry in roster.entries
    )


def holds_key(session: Session, roster: Roster) -> bool:
    """Whether an open session has the key that the roster names: it may have been replaced at a terminal meanwhile."""
    staff = session.seat.staff
    entry = roster.entry(session.handle)
    held = {identity.key_id for identity in staff.identities}
    return entry.signing == staff.signing.public and (entry.recipient is None or entry.key_id in held)


def hold_form(request: flask.Request) -> tuple[str, ...]:
    """Seal the form of a POST that came too late, if it belongs to a session that is over.

    Returns nothing when it does not: a form that another page made must not be sent on by somebody who unlocks.
    """
    desk = context.desk()
    handle = None if request.method in _READING else _owner_of(request)
    if handle is None:
        return ()
    # A passphrase does not come back on a page: what asked for it asks again.
    fields = tuple((name, text) for name, text in request.form.items(multi=True) if name not in _NOT_KEPT)
    # What was typed beside the button that locks must not lock again.
    path = composer.keeping_path() or unsaved.path() if request.endpoint == "sign_in.lock" else ""
    form = held_forms.HeldForm(handle=handle, path=path or request.full_path.rstrip("?"), fields=fields)
    return held_forms.seal_form(desk.token_key, form, now=desk.clock())


def _owner_of(request: flask.Request) -> str | None:
    """Whose form came, of a session that was locked or that ended with the desk's process; nothing for other forms."""
    desk = context.desk()
    cookie = request.cookies.get(desk.cookie_name, "")
    ended = desk.sessions.ended(cookie)
    if ended is not None:
        try:
            desk.guard.check(request, ended.csrf)
        except FieldreportError:
            return None
        return ended.handle
    # The process that knew the session is gone, and the form's token with it. That our own page sent the form, the
    # browser must say then; and it is theirs who signed in last on this device.
    if not cookie or not _says_it_is_ours(request):
        return None
    try:
        entries = desk.rosters.newest().entries
    except FieldreportError:
        return None
    device = request.cookies.get(desk.device_cookie_name, "")
    return desk.sign_in.devices.last_person((each for each in entries if each.state is KeyState.ACTIVE), device)


def _says_it_is_ours(request: flask.Request) -> bool:
    """Whether the browser says so: one that says nothing is not believed; others were refused already."""
    return request.headers.get("Sec-Fetch-Site") == "same-origin" or request.headers.get("Origin") is not None
