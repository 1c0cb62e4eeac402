"""The server's own log: when it started, when it stopped, what broke; never who asked for what.

Rules: gunicorn's messages are let through by their template, one by one; of every other message only its level and the
class and place of its exception are written, because templates and arguments hold addresses, paths and header lines. No
time of day: the journal that collects the lines adds its own and can be set not to.
"""

from __future__ import annotations

import sys
from typing import Any, Final

from gunicorn.glogging import Logger
from typing_extensions import override

from fieldreport.web.fault_log import describe

# These carry a process id, a signal's name, an exit status or the address this server listens on.
_HARMLESS: Final = frozenset(
    {
        "Booting worker with pid: %s",
        "Handling signal: %s",
        "Listening at: %s (%s)",
        "Reason: %s",
        "Shutting down: %s",
        "WORKER TIMEOUT (pid:%s)",
        "Worker (pid:%s) exited with code %s.",
        "Worker (pid:%s) was sent %s!",
        "Worker (pid:%s) was sent %s! Perhaps out of memory?",
    }
)


class QuietLog(Logger):  # type: ignore[misc]  # gunicorn has no annotations
    """gunicorn's logger, reduced to lines that hold nothing about visitors."""

    error_fmt = "%(message)s"

    def _write(self, level: str, message: object, arguments: tuple[Any, ...]) -> None:
        log = getattr(self.error_log, level)
        error = sys.exc_info()[1]
        if message in _HARMLESS:
            log(message, *arguments)
        elif level not in {"debug", "info"}:
            log("server: %s", describe(error) if error is not None else f"an unnamed {level}")

    @override
    def critical(self, msg: object, *args: Any, **kwargs: Any) -> None:
        self._write("critical", msg, args)

    @override
    def error(self, msg: object, *args: Any, **kwargs: Any) -> None:
        self._write("error", msg, args)

    @override
    def exception(self, msg: object, *args: Any, **kwargs: Any) -> None:
        self._write("error", msg, args)

    @override
    def warning(self, msg: object, *args: Any, **kwargs: Any) -> None:
        self._write("warning", msg, args)

    @override
    def info(self, msg: object, *args: Any, **kwargs: Any) -> None:
        self._write("info", msg, args)

    @override
    def debug(self, msg: object, *args: Any, **kwargs: Any) -> None:
        """Nothing: gunicorn's debug messages quote what clients sent."""

    @override
    def log(self, lvl: object, msg: object, *args: Any, **kwargs: Any) -> None:
        self._write("warning", msg, args)

    @override
    def access(self, resp: object, req: object, environ: object, request_time: object) -> None:
        """Nothing: there is no access log."""
