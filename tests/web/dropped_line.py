"""A line that drops: a proxy on 127.0.0.1 that passes bytes on and cuts connections at points drawn at random."""

from __future__ import annotations

import itertools
import random
import selectors
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class DroppedLine:
    """Passes connections on to ``target``. ``cuts`` counts those it cut; ``passed`` the bytes that went to the server.

    Of three connections one ends on the way there, and the server has a part of the request; one on the way back, and
    it has answered, but nobody has read it; and one is left alone.
    """

    def __init__(self, target: int, *, seed: int, request_bytes: int, answer_bytes: int) -> None:
        self._target = target
        self._random = random.Random(seed)
        self._most = (request_bytes, answer_bytes)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.cuts = {"request": 0, "answer": 0}
        self.passed = 0
        self._turn = itertools.cycle(("request", "answer", ""))
        self._ended = False
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._ended = True
        self._thread.join(5)
        self._listener.close()

    def _accept(self) -> None:
        # Not select(2), which fails beyond 1,024 descriptors: this process has run other tests.
        with selectors.DefaultSelector() as waiting:
            waiting.register(self._listener, selectors.EVENT_READ)
            while not self._ended:
                if not waiting.select(0.1):
                    continue
                with suppress(OSError):
                    client, _ = self._listener.accept()
                    there, back = self._draw()
                    threading.Thread(target=self._pass_on, args=(client, there, back), daemon=True).start()

    def _draw(self) -> tuple[float, float]:
        never = float("inf")
        match next(self._turn):
            case "request":
                return self._random.randrange(self._most[0]), never
            case "answer":
                return never, self._random.randrange(self._most[1])
            case _:
                return never, never

    def _pass_on(self, client: socket.socket, there: float, back: float) -> None:
        left = {client: there, (server := socket.create_connection(("127.0.0.1", self._target))): back}
        other = {client: server, server: client}
        with client, server, selectors.DefaultSelector() as waiting, suppress(OSError):
            for end in left:
                waiting.register(end, selectors.EVENT_READ, end)
            while True:
                for ready, _ in waiting.select(30):
                    sock: socket.socket = ready.data
                    data = sock.recv(4096)
                    if not data:
                        return
                    passed = data[: int(min(left[sock], len(data)))]
                    other[sock].sendall(passed)
                    self.passed += len(passed) if sock is client else 0
                    left[sock] -= len(passed)
                    if left[sock] <= 0:
                        self.cuts["request" if sock is client else "answer"] += 1
                        # A reset, as when a phone loses its network: nothing that was on its way arrives.
                        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                        return


@contextmanager
def dropped_line(target: int, *, seed: int, request_bytes: int, answer_bytes: int) -> Iterator[DroppedLine]:
    proxy = DroppedLine(target, seed=seed, request_bytes=request_bytes, answer_bytes=answer_bytes)
    try:
        yield proxy
    finally:
        proxy.close()
