"""A mailbox behind the link's application, on a Unix socket in this process."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from typing_extensions import override

from fieldreport.intake.link import create_app, token_gate
from fieldreport.mailbox import LocalMailbox
from fieldreport.mailbox.letterbox import LocalSwitchboard
from fieldreport.mailbox.link import LinkMailbox
from fieldreport.mailbox.link_line import Address
from tests.cast import INSTANCE, open_rosters, settings_in

TOKEN = "a-token-that-both-ends-know-and-nobody-else"


class _Quiet(WSGIRequestHandler):
    @override
    def log_message(self, *_: Any) -> None:
        """Nothing."""


class _Server(socketserver.ThreadingMixIn, WSGIServer):
    address_family = socket.AF_UNIX
    daemon_threads = False  # each is waited for, so that what it holds open is closed

    @override
    def server_bind(self) -> None:
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "localhost", 0
        self.setup_environ()

    @override
    def get_request(self) -> tuple[socket.socket, Any]:
        return self.socket.accept()[0], ("", 0)


@contextmanager
def served(
    mailbox: LocalMailbox,
    directory: Path,
    *,
    token: str = TOKEN,
    instance: bytes = INSTANCE,
    between: Callable[[Callable[..., Any]], Callable[..., Any]] = lambda application: application,
) -> Iterator[LinkMailbox]:
    """Serve, and yield the desk's end. ``between``: what stands before the application. No pause takes any time."""
    (directory / "intake").mkdir(parents=True, exist_ok=True)
    settings = settings_in(directory)
    application = create_app(
        settings,
        mailbox=mailbox,
        rosters=open_rosters(settings.keys.directory),
        gate=token_gate(TOKEN),
        board=LocalSwitchboard(settings.intake),
    )
    path = directory / "link.socket"
    server = _Server(str(path), _Quiet)  # type: ignore[arg-type]  # a path is an address of this family
    server.set_app(between(application))
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01))
    thread.start()
    link = LinkMailbox(Address(socket=path), instance=instance, token=token, pause=lambda _: None)
    try:
        yield link
    finally:
        link.close()
        server.shutdown()
        thread.join()
        server.server_close()
