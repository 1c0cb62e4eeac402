"""One line to the other end of the link: a Unix socket, an address, or an address behind a proxy or Tor.

The standard library's HTTP client, which sends nothing that we did not write and unpacks nothing by itself. SOCKS5 is
twenty lines here, because what httpx uses for it waits without a limit for a Tor that does not answer.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPResponse  # noqa: TID251 - the one client there is
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, urlsplit

from typing_extensions import override

from fieldreport import limits
from fieldreport.errors import SettingsError

_PORTS: Final = {"http": 80, "https": 443, "socks5": 9050}
_SOCKS_LONGEST_NAME: Final = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a desk finds its intake. ``socket``: a file; otherwise ``host`` and ``port``, over ``proxy`` if given."""

    socket: Path | None = None
    host: str = "localhost"
    port: int = 80
    tls: bool = False
    proxy: SplitResult | None = None

    @classmethod
    def parse(cls, link: str, *, proxy: str, base: Path) -> Address:
        """Read ``[desk] link`` and ``link_proxy``; a socket's path is relative to ``base``.

        Raises:
            SettingsError: neither ``unix:PATH`` nor ``https://HOST``, nor ``http://`` to an onion service or this
                machine: the token would go over the network in the clear. Or no proxy of a kind that is known.
        """
        if link.startswith("unix:"):
            if proxy:
                raise SettingsError("[desk] link_proxy: a Unix socket is on this machine")
            return cls(socket=(base / link.removeprefix("unix:")).resolve())
        url = _split(link, ("http", "https"), where="link")
        host = url.hostname or ""
        if url.scheme == "http" and not (host.endswith(".onion") or _is_here(host)):
            raise SettingsError(
                "[desk] link must begin with https:// where it is no onion address and not this machine"
            )
        if host.endswith(".onion") and not proxy:
            raise SettingsError('[desk] link is an onion address: set link_proxy = "socks5://127.0.0.1:9050"')
        return cls(
            host=host,
            port=url.port or _PORTS[url.scheme],
            tls=url.scheme == "https",
            proxy=_split(proxy, ("socks5", "http"), where="link_proxy") if proxy else None,
        )

    @override
    def __str__(self) -> str:
        through = f" through {self.proxy.netloc}" if self.proxy is not None else ""
        return f"{self.socket}" if self.socket is not None else f"{self.host}:{self.port}{through}"


def _split(url: str, schemes: tuple[str, ...], *, where: str) -> SplitResult:
    parts = urlsplit(url)
    try:
        known = parts.scheme in schemes and parts.hostname and parts.port != 0 and parts.path in {"", "/"}
    except ValueError:  # a port that is no number
        known = False
    if not known or parts.query or parts.username:
        raise SettingsError(f"[desk] {where} must be {' or '.join(f'{scheme}://HOST[:PORT]' for scheme in schemes)}")
    return parts


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Line(HTTPConnection):
    """An HTTP connection to an ``Address``. Raises ``OSError`` and ``HTTPException``, as its base does."""

    def __init__(self, address: Address, *, in_a_hurry: bool) -> None:
        connect, self._read_seconds = (
            (limits.LINK_HURRY_SECONDS, limits.LINK_HURRY_SECONDS)
            if in_a_hurry
            else (limits.LINK_CONNECT_SECONDS, limits.LINK_READ_SECONDS)
        )
        super().__init__(address.host, address.port, timeout=connect)
        self._longest = limits.LINK_PAGE_SECONDS if in_a_hurry else limits.LINK_ANSWER_SECONDS
        self._dialled: socket.socket | None = None
        self._address = address
        self._connect_seconds = connect
        self.idle_since = 0.0

    @override
    def connect(self) -> None:
        sock = dial(self._address, self._connect_seconds)
        try:
            if self._address.tls:
                # OpenSSL 3.5 and newer offer X25519MLKEM768 first by themselves; what is older has no name for it.
                context = ssl.create_default_context()
                sock = context.wrap_socket(sock, server_hostname=self._address.host)
            sock.settimeout(self._read_seconds)
        except BaseException:
            sock.close()
            raise
        self.sock = self._dialled = sock

    @contextmanager
    def bounded(self) -> Iterator[None]:
        """Cut the line when the block takes too long in all: one who sends byte after byte is never silent."""
        timer = threading.Timer(self._longest, self._cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _cut(self) -> None:
        if self._dialled is not None:
            with suppress(OSError):  # closed already
                self._dialled.shutdown(socket.SHUT_RDWR)

    def drop(self, response: HTTPResponse) -> None:
        """Close the connection, which may have passed to its last response already."""
        response.close()
        self.close()


def dial(address: Address, seconds: float) -> socket.socket:
    """A socket to the other end, the same way as the link goes; TLS is not begun. Raises ``OSError``."""
    if address.socket is not None:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.settimeout(seconds)
            sock.connect(str(address.socket))
        except BaseException:
            sock.close()
            raise
        return sock
    if address.proxy is None:
        sock = socket.create_connection((address.host, address.port), seconds)
    else:
        proxy, port = address.proxy.hostname, address.proxy.port or _PORTS[address.proxy.scheme]
        sock = socket.create_connection((proxy, port), seconds)
        try:
            (_socks if address.proxy.scheme == "socks5" else _tunnel)(sock, address.host, address.port)
        except BaseException:
            sock.close()
            raise
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def _socks(sock: socket.socket, host: str, port: int) -> None:
    """SOCKS5 without a password, and the name is resolved at the other end (RFC 1928)."""
    name = host.encode("ascii")
    if len(name) > _SOCKS_LONGEST_NAME:
        raise OSError("the name is too long for SOCKS5")
    sock.sendall(b"\x05\x01\x00")
    if _exactly(sock, 2) != b"\x05\x00":
        raise OSError("the proxy does not speak SOCKS5 without a password")
    sock.sendall(b"\x05\x01\x00\x03" + bytes([len(name)]) + name + port.to_bytes(2, "big"))
    version, reply, _, kind = _exactly(sock, 4)
    if version != 5 or reply != 0:  # noqa: PLR2004 - the protocol's number
        raise OSError(f"the proxy could not connect: SOCKS5 reply {reply}")
    _exactly(sock, {1: 4, 4: 16}.get(kind) or _exactly(sock, 1)[0])
    _exactly(sock, 2)


def _exactly(sock: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = sock.recv(count - len(data))
        if not more:
            raise OSError("the proxy hung up")
        data += more
    return data


def _tunnel(sock: socket.socket, host: str, port: int) -> None:
    """An HTTP proxy's CONNECT (RFC 9110, 9.3.6)."""
    sock.sendall(f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode("ascii"))
    response = HTTPResponse(sock, method="CONNECT")
    response.begin()
    if response.status != HTTPStatus.OK:
        raise OSError(f"the proxy could not connect: status {response.status}")
