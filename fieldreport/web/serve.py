"""Serves an application with gunicorn, configured in code alone.

Rules: the port is bound before anything else, so that a port in use is one line of error and nothing is half started;
the application is built in each worker, after the fork and before any thread; a few seconds after an answer nothing
refers to what its request brought; nothing is read from the environment, a configuration file or forwarded headers; no
core dump is ever written.
"""

from __future__ import annotations

import errno
import gc
import mmap
import os
import resource
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, Literal, Never

from gunicorn.app.base import BaseApplication
from typing_extensions import override

from fieldreport import hardening, limits
from fieldreport.config import split_listen
from fieldreport.errors import FieldreportError, UsageError

WsgiApplication = Callable[[dict[str, Any], Callable[..., Any]], Any]

_BOOT_ERROR: Final = 3  # gunicorn's arbiter ends the server at this status instead of starting workers again and again
_COLLECT_SECONDS: Final = 5.0
_LOOPBACK: Final = ("127.0.0.1", "::1")  # where tor or a proxy on this machine speaks PROXY from


def serve(
    build: Callable[[], WsgiApplication],
    *,
    listen: str,
    threads: int,
    workers: int = 1,
    proxy_protocol: bool = False,
    proxy_peers: Sequence[str] = _LOOPBACK,
) -> Never:
    """Serve until SIGTERM or SIGINT, then end the process.

    Args:
        build: makes the application, once in each worker, where it may start children and threads. What it closes over
            (keys drawn before) is shared by all workers.
        listen: HOST:PORT, or ``unix:`` and a socket's path, which its directory's group may use as well.
        threads: requests answered at once by one worker. Waiting for a head needs none.
        workers: processes.
        proxy_protocol: every connection must begin with a PROXY line (v1 or v2) from one of ``proxy_peers``.
        proxy_peers: addresses or networks that are believed.

    Raises:
        UsageError: the port cannot be used.
        SystemExit: always, at the end; with the status of the ``FieldreportError`` that ``build`` raised, if it did.

    """
    hardening.harden_process()
    descriptors = _raise_descriptors()
    listener = _bind(listen)
    verdict = mmap.mmap(-1, mmap.PAGESIZE)  # shared with the workers: the exit status of one that could not build
    options = {
        "bind": [f"fd://{listener.detach()}"],
        "workers": workers,
        "threads": threads,
        "worker_class": "fieldreport.web.gunicorn_worker.Worker",
        "logger_class": "fieldreport.web.gunicorn_log.QuietLog",
        "worker_connections": max(threads + 1, min(limits.CONNECTIONS, descriptors // 2)),
        "keepalive": limits.KEEPALIVE_SECONDS,
        "timeout": 60,  # of the event loop's heartbeat, not of a request
        "graceful_timeout": limits.SHUTDOWN_SECONDS,
        "limit_request_fields": 64,
        "limit_request_field_size": 8190,
        "proxy_protocol": "auto" if proxy_protocol else "off",
        "proxy_allow_ips": ",".join(proxy_peers),
        "forwarded_allow_ips": "",
        "forwarder_headers": "",
        "secure_scheme_headers": {},
        "header_map": "drop",
        "http_parser": "python",  # the other one is a package that may or may not be there
        "control_socket_disable": True,
        "sendfile": False,
        "errorlog": "-",
        "accesslog": None,
        "worker_tmp_dir": "/dev/shm" if Path("/dev/shm").is_dir() else None,  # noqa: S108 - holds a heartbeat, no data
    }
    parent = os.getpid()
    try:
        _Server(build, options, verdict).run()
    except SystemExit:
        if verdict[0] and os.getpid() == parent:  # workers pass here, too, at their end
            raise SystemExit(verdict[0]) from None
        raise
    raise SystemExit(0)


class _Server(BaseApplication):  # type: ignore[misc]  # gunicorn has no annotations
    def __init__(self, build: Callable[[], WsgiApplication], options: dict[str, Any], verdict: mmap.mmap) -> None:
        self._build = build
        self._options = options
        self._verdict = verdict
        super().__init__(prog="fieldreport")

    @override
    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    @override
    def load(self) -> WsgiApplication:
        try:
            application = self._build()
        except FieldreportError as error:
            sys.stderr.write(f"fieldreport: {error.detail}\n")
            self._verdict[0] = error.exit_status
            raise SystemExit(_BOOT_ERROR) from None
        _collect_garbage()
        return application


def _collect_garbage() -> None:
    """Free what a request left in circles of references, such as a key and the texts it opened, while nobody visits.

    Python looks for such circles only when many objects were made, so in an idle worker they would stay for days.
    """
    gc.collect()
    gc.freeze()  # what the application is made of stays: to look through it every time would stop requests for longer

    def run() -> None:
        while True:
            time.sleep(_COLLECT_SECONDS)
            gc.collect()

    threading.Thread(target=run, name="garbage", daemon=True).start()


def _raise_descriptors() -> int:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 4 * limits.CONNECTIONS
    soft = max(soft, min(wanted, hard) if hard != resource.RLIM_INFINITY else wanted)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return soft


def _bind(listen: str) -> socket.socket:
    if listen.startswith("unix:"):
        return _bind_file(Path(listen.removeprefix("unix:")))
    host, port = split_listen(listen, where="listen")
    host = host.strip("[]")
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
        sock.listen(limits.BACKLOG)
    except OSError as error:
        sock.close()
        raise UsageError(f"cannot listen on {listen}: {os.strerror(error.errno or 0)}") from None
    return sock


def _bind_file(path: Path) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _must_be_free(path)
        path.unlink(missing_ok=True)  # a crash left it
        sock.bind(str(path))
        path.chmod(0o660)
        sock.listen(limits.BACKLOG)
    except OSError as error:
        sock.close()
        raise UsageError(
            f"cannot listen on {path}: {error.strerror or error}"
        ) from None  # too long a path has no number
    return sock


def _must_be_free(path: Path) -> Literal[True]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            return True
    raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
