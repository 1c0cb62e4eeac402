"""Building the intake's application from settings and parts.

Rules: one application per process; headers, budgets and error
pages hold for every route because they are installed here and not in the views.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import flask

from fieldreport import limits
from fieldreport.config import Settings
from fieldreport.intake import context, messages, transport
from fieldreport.intake.error_pages import error_page, written
from fieldreport.intake.logo import read_logo
from fieldreport.intake.machines import Machines
from fieldreport.intake.pages import handin, report, return_, static
from fieldreport.intake.receipts import RecentReceipts
from fieldreport.mailbox import Mailbox
from fieldreport.mailbox.shared import SharedLetterbox
from fieldreport.scrub.sandbox.service import Scrubber
from fieldreport.seal import RosterDirectory, TokenKey
from fieldreport.web import csrf, error_pages, headers, i18n, limiter
from fieldreport.web.application import Application
from fieldreport.web.limiter import AddressKey, Budget

_CATALOGUES: Final = Path(__file__).parent / "translations"
_STYLE: Final = "intake/style.css"


def create_app(
    settings: Settings,
    *,
    mailbox: Mailbox,
    scrubber: Scrubber,
    rosters: RosterDirectory,
    clock: Callable[[], float] = time.time,
    token_key: TokenKey | None = None,
    machines: Machines | None = None,
    shared: SharedLetterbox | None = None,
    address_key: AddressKey | None = None,
    receipts: RecentReceipts | None = None,
) -> Application:
    """Build the application for sources.

    Args:
        settings: of the installation; the directory ``scratch`` in ``settings.intake.data`` is created.
        mailbox: where letters go and answers wait.
        scrubber: started, with its warm parent process.
        rosters: the published roster, reread when it changes.
        clock: seconds since the Unix epoch.
        token_key: shared by all workers; a fresh one serves a single process.
        machines: what several machines share in Redis; see ``machines``.
        shared: what they share in the mailbox's database; see ``mailbox.shared``.
        address_key: the same, for budgets.
        receipts: the same, for what came in lately.

    Raises:
        SettingsError: the logo cannot be shown; see ``logo``.

    """
    scratch = settings.intake.data / "scratch"
    scratch.mkdir(parents=True, exist_ok=True, mode=0o700)
    app = Application("fieldreport.intake", trusted_hosts=settings.intake.trusted_hosts)
    app.config.update(SCRATCH_DIRECTORY=scratch, REQUEST_BYTES=settings.intake.request_bytes)
    here = context.Service(
        settings=settings,
        mailbox=mailbox,
        scrubber=scrubber,
        rosters=rosters,
        clock=clock,
        own_token_key=token_key or TokenKey.generate(),
        machines=machines,
        shared=shared,
        receipts=receipts or RecentReceipts(),
        logo=None if settings.intake.logo == Path() else read_logo(settings.intake.logo, scrubber, scratch=scratch),
    )
    context.install(app, here)
    i18n.install(app, languages=settings.intake.languages, catalogues=[_CATALOGUES])
    for blueprint in (static.blueprint, report.blueprint, return_.blueprint, handin.blueprint):
        app.register_blueprint(blueprint)
    _prepare_templates(app, settings)
    limiter.install(
        app,
        storage=settings.intake.limiter,
        key=address_key or AddressKey(clock),
        budget=lambda request: _budget(settings, request),
    )
    app.before_request(_only_from_our_pages)
    app.before_request(lambda: transport.check(flask.request, settings.intake))
    app.after_request(lambda response: _tell_onion(response, settings))
    error_pages.install(app, error_page, written=written)
    shown = {} if here.logo is None else {"img-src": "'self'"}
    headers.apply(app, {"style-src": headers.style_source(_style(app)), **shown})
    return app


def _budget(settings: Settings, request: flask.Request) -> Budget:
    if request.method == "POST":
        if request.endpoint in {"report.receive", "return.add"}:
            return Budget(name="report", rate=settings.intake.report_rate)
        if request.endpoint in {"report.add", "return.add_to_form"}:
            return Budget(name="files", rate=settings.intake.page_rate)
        if request.endpoint == "handin.receive":
            return Budget(name="hand-in", rate=settings.intake.hand_in_rate)
        if request.blueprint == "return":
            return Budget(name="return", rate=settings.intake.return_rate)
    return Budget(name="page", rate=settings.intake.page_rate)


def _only_from_our_pages() -> None:
    # Another site could post a form with a codename of its own choice: the source who then wrote under it would be
    # answered where that site can read.
    if flask.request.method == "POST":
        csrf.require_same_site(flask.request)


def _tell_onion(response: flask.Response, settings: Settings) -> flask.Response:
    address = transport.onion_location(flask.request, settings.intake)
    if address is not None:
        response.headers["Onion-Location"] = address
    return response


def _what_is_taken() -> dict[str, object]:
    here = context.current()
    return {
        "takes_files": here.takes_files,
        "asks_for_invitation": here.asks_for_invitation,
        "keeps_originals": here.roster_for_originals() is not None,
        "addressees": here.addressees,
    }


def _style(app: Application) -> str:
    return app.jinja_env.get_template(_STYLE).render()


def _prepare_templates(app: Application, settings: Settings) -> None:
    app.jinja_env.globals.update(
        newsroom=settings.instance.name,
        is_demo=settings.is_demo,
        onion=settings.intake.onion,
        greetings=settings.intake.greetings,
        answer_days=settings.intake.answer_days,
        contact=settings.intake.contact,
        exit_url=settings.intake.exit_url,
        has_logo=settings.intake.logo != Path(),
        accepted_types=static.accepted_types(strong=settings.scrub.strong),
        request_megabytes=static.megabytes(settings.intake.request_bytes),
        most_files=limits.FORM_FILES,
        always_strong=settings.scrub.strong,
    )
    app.context_processor(_what_is_taken)
    app.jinja_env.filters["removed_in_words"] = messages.removed_in_words
    app.jinja_env.filters["noted_in_words"] = messages.noted_in_words
    app.jinja_env.filters["not_taken_in_words"] = messages.NOT_TAKEN.__getitem__
    app.jinja_env.filters["why_in_words"] = messages.why_in_words
    app.jinja_env.filters["size_in_words"] = messages.size_in_words
