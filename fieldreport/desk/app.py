"""The desk's Flask application: one process with threads, because unlocked keys are only in its memory."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final

import flask
from flask.typing import ResponseReturnValue

from fieldreport import limits
from fieldreport.config import Settings
from fieldreport.desk import context, language, presentation, request_guards, rewrap, search_job, sort
from fieldreport.desk.access import SignInFirst
from fieldreport.desk.audit_check import AuditCheck
from fieldreport.desk.background import BackgroundJobs
from fieldreport.desk.daily_purge import DailyPurge
from fieldreport.desk.error_pages import error_page, written
from fieldreport.desk.sessions import Sessions
from fieldreport.desk.sign_in import SignIn
from fieldreport.desk.views import (
    article_translations,
    articles,
    audit,
    cases,
    compose,
    enrolment,
    files,
    health,
    inbox,
    junk,
    keys,
    language_choice,
    leakcheck,
    letterbox,
    passphrase,
    redacted_words,
    redaction,
    register,
    retention,
    revisions,
    search,
    second_factor,
    shown_sheet,
    sign_in,
    staff,
    static,
    suspension,
)
from fieldreport.mailbox import DeskMailbox
from fieldreport.mailbox.link import open_switchboard
from fieldreport.scrub import Scrubber
from fieldreport.seal import Role, TokenKey
from fieldreport.vault.archive.rosters import RosterWatch
from fieldreport.vault.archive.vault import Vault
from fieldreport.vault.articles.release import Site, publish_due
from fieldreport.vault.cases import outbox
from fieldreport.vault.cases.case_index import CaseIndex
from fieldreport.vault.cases.collect import Collected, collect
from fieldreport.vault.cases.delivery import Deliveries
from fieldreport.vault.cases.due import DueDays
from fieldreport.vault.cases.readings import Reader
from fieldreport.web import error_pages, headers
from fieldreport.web.application import Application
from fieldreport.web.csrf import CsrfGuard
from fieldreport.web.request_body import ScratchRequest

_log = logging.getLogger(__name__)

# What the pages need. Previews and downloads get less.
CONTENT_POLICY: Final = {"style-src": "'self'", "img-src": "'self'", "media-src": "'self'", "script-src": "'self'"}

_FEATURES: Final = {"publickey-credentials-create": "(self)", "publickey-credentials-get": "(self)"}  # passkeys

_BLUEPRINTS: Final = (
    static.blueprint,
    sign_in.blueprint,
    enrolment.blueprint,
    inbox.blueprint,
    search.blueprint,
    cases.blueprint,
    compose.blueprint,
    shown_sheet.blueprint,
    files.blueprint,
    junk.blueprint,
    articles.blueprint,
    article_translations.blueprint,
    leakcheck.blueprint,
    redacted_words.blueprint,
    redaction.blueprint,
    revisions.blueprint,
    keys.blueprint,
    passphrase.blueprint,
    language_choice.blueprint,
    second_factor.blueprint,
    staff.blueprint,
    letterbox.blueprint,
    retention.blueprint,
    register.blueprint,
    suspension.blueprint,
    audit.blueprint,
    health.blueprint,
)


def create_app(
    settings: Settings,
    *,
    vault: Vault,
    mailbox: DeskMailbox,
    page_mailbox: DeskMailbox | None = None,
    scrubber: Scrubber,
    rosters: RosterWatch,
    clock: Callable[[], float] = time.time,
) -> flask.Flask:
    """Build the desk.

    Args:
        settings: of this installation.
        vault: the sealed archive, open.
        mailbox: where letters wait and replies go; for what runs in the background.
        page_mailbox: the same for pages, which must not wait long; without one, ``mailbox``.
        scrubber: running; makes previews and the renditions of articles.
        rosters: the published roster, verified at every use and compared with what the vault has seen.
        clock: seconds since the epoch.

    The background jobs (collecting, publishing, locking sessions) begin with
    ``context.of(app).background.start()``, after the server has forked.
    """
    app = Application("fieldreport.desk", trusted_hosts=settings.desk.trusted_hosts)
    app.config["REQUEST_BYTES"] = limits.DESK_REQUEST_BYTES
    app.url_map.converters["id"] = presentation.IdConverter
    token_key = TokenKey.generate()
    sessions = Sessions(idle_seconds=settings.desk.idle_seconds, clock=clock)

    def fetch() -> Collected:
        collected = collect(vault, mailbox, rosters)
        outbox.deliver(vault, mailbox)
        return collected

    site = Site.of(settings, reader=Reader(scrubber, settings.desk.data / "scratch"), clock=clock)
    index = CaseIndex(vault, rosters, DueDays.of(settings.desk))
    audit_check = AuditCheck(vault, rosters, settings.desk.keyfiles, clock=clock)
    deliveries = Deliveries()

    def refresh() -> None:
        index.refresh()
        search_job.start_for_everybody(sessions, index, site.reader)

    def publish() -> None:
        for session in sessions.of_role(Role.EDITOR):
            publish_due(session.seat, site=site)

    def lock_unlisted() -> None:
        roster = rosters.newest()
        sessions.end_where(lambda session: not request_guards.is_listed(session, roster))
        sessions.end_where(lambda session: not request_guards.holds_key(session, roster), key_replaced=True)

    context.attach(
        app,
        context.Desk(
            settings=settings,
            vault=vault,
            mailbox=page_mailbox or mailbox,
            letterbox=open_switchboard(settings),
            audit_check=audit_check,
            scrubber=scrubber,
            rosters=rosters,
            cases=index,
            site=site,
            deliveries=deliveries,
            clock=clock,
            sessions=sessions,
            background=BackgroundJobs(
                collect=fetch,
                deliveries=lambda: deliveries.look(vault, mailbox),
                push_rosters=lambda: mailbox.take_rosters(rosters.published),
                publish=publish,
                lock_unlisted=lock_unlisted,
                index=refresh,
                sort=lambda: sort.start_for_anybody(sessions, vault),
                verify_log=audit_check.run_daily,
                purge=DailyPurge(sessions, settings.desk, clock=clock).run,
                rewrap=lambda: rewrap.start_for_colleagues(sessions, mailbox),
                sessions=sessions,
                collect_seconds=settings.desk.collect_seconds,
                clock=clock,
            ),
            sign_in=SignIn(
                app,
                settings=settings,
                vault=vault,
                mailbox=page_mailbox or mailbox,
                rosters=rosters,
                clock=clock,
                token_key=token_key,
            ),
            guard=CsrfGuard(token_key, clock),
            token_key=token_key,
        ),
    )
    # After-request functions run last registered first: the headers come after whatever a page adds.
    headers.apply(app, CONTENT_POLICY, referrer="same-origin", features=_FEATURES)
    language.install(app)
    presentation.install(app)
    request_guards.install(app)
    error_pages.install(app, error_page, written=written)
    app.register_error_handler(SignInFirst, _to_sign_in)
    for blueprint in _BLUEPRINTS:
        app.register_blueprint(blueprint)
    return app


def _to_sign_in(_error: Exception) -> ResponseReturnValue:
    """Answer with the sign-in page; it keeps what was typed if a form came too late."""
    request = flask.request
    if request.method in {"GET", "HEAD"}:
        # Only after unlocking does the sign-in page lead here, and then there would be a cookie.
        lost = "lost" if _came_from_sign_in(request) else None
        next_path = presentation.own_path(request.full_path)
        return flask.redirect(flask.url_for("sign_in.show", next=next_path, cookie=lost), code=303)
    typed = request.typed() if isinstance(request, ScratchRequest) else {}
    return sign_in.page(held_form=request_guards.hold_form(request), lost_form=typed, status=403)


def _came_from_sign_in(request: flask.Request) -> bool:
    cookie = request.cookies.get(context.desk().cookie_name)
    return cookie is None and presentation.split_url(request.referrer or "").path == flask.url_for("sign_in.show")
