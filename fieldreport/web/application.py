"""A Flask application that stores nothing about its visitors.

Rules: Flask's session is off and using it fails; only views set cookies; an exception is logged as its class and the
places it passed in our own code, never with its message, a path, a query, a header or an address.
"""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any, Never

import flask
import jinja2
from flask.sessions import SessionInterface, SessionMixin
from typing_extensions import override

from fieldreport import limits
from fieldreport.web.fault_log import log_fault
from fieldreport.web.form_reader import FormReader
from fieldreport.web.forms import problem_of
from fieldreport.web.request_body import ScratchRequest, open_form


class NoSession(SessionInterface):
    """Flask's session, switched off: reading finds nothing, writing raises."""

    @override
    def open_session(self, app: flask.Flask, request: flask.Request) -> None:
        return None

    @override
    def save_session(self, app: flask.Flask, session: SessionMixin, response: flask.Response) -> Never:
        raise RuntimeError("there are no sessions here")


class Application(flask.Flask):
    """Flask with our request class, our templates next to the application's own, and the rules of this module."""

    request_class = ScratchRequest
    session_interface = NoSession()
    jinja_options = {"undefined": jinja2.StrictUndefined, "trim_blocks": True, "lstrip_blocks": True}  # noqa: RUF012 - as Flask declares it

    def __init__(self, import_name: str, *, trusted_hosts: tuple[str, ...], **options: Any) -> None:
        super().__init__(import_name, **{"static_folder": None, **options})
        self.config.update(
            TRUSTED_HOSTS=list(trusted_hosts),
            PROVIDE_AUTOMATIC_OPTIONS=False,
            TRAP_HTTP_EXCEPTIONS=False,
            # ScratchRequest enforces the real bounds; these only matter to code that bypasses it.
            MAX_CONTENT_LENGTH=None,
            MAX_FORM_MEMORY_SIZE=limits.FORM_TEXT_BYTES,
        )
        # The router would redirect to a whole address, with the scheme and host that it sees behind a proxy.
        self.url_map.merge_slashes = self.url_map.strict_slashes = False
        self._head_checks: list[Callable[[], None]] = []
        self.jinja_env.filters["problem_of"] = problem_of
        own = self.jinja_loader
        shared = jinja2.PackageLoader("fieldreport.web")
        self.jinja_env.loader = jinja2.ChoiceLoader([own, shared] if own is not None else [shared])

    def before_body(self, check: Callable[[], None]) -> None:
        """Run a check before every view, and, of a request with a body, before the body is waited for.

        It is called twice then, and must give the same answer both times.
        """
        self._head_checks.append(check)
        self.before_request(check)

    def open_body(self, environ: dict[str, Any]) -> FormReader:
        """Begin to take the body of a request whose head has come; see ``web.arrival.Body``."""
        refusal = None
        with self.request_context(environ):
            try:
                for check in self._head_checks:
                    check()
            except Exception as error:  # noqa: BLE001 - it is raised again and answered when the application is called
                refusal = error.with_traceback(None)
        reader = open_form(environ, self.config)
        if refusal is not None:
            reader.discard(refusal)
        return reader

    @override
    def log_exception(self, exc_info: tuple[type, BaseException, TracebackType] | tuple[None, None, None]) -> None:
        if exc_info[1] is not None:
            log_fault(exc_info[1])
