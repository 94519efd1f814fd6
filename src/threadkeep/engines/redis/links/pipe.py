"""A socket that one thread reads while another writes, each with its own deadline."""

from __future__ import annotations

import math
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from threadkeep.engines.redis.links.greeting import keep_alive
from threadkeep.engines.redis.links.settings import Settings
from threadkeep.engines.redis.links.slots import Address

_WOULD_BLOCK = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Pipe:
    """A connected socket, encrypted or not; times are those of time.monotonic."""

    def __init__(self, settings: Settings, address: Address, until: float) -> None:
        left = max(0.001, until - time.monotonic())
        if address.port:
            self._socket = socket.create_connection(address, left)
        else:
            self._socket = socket.socket(socket.AF_UNIX)
            self._socket.settimeout(left)
        # one TLS session must not be read and written at the same moment
        self._turn: AbstractContextManager[object] = nullcontext()
        try:
            if not address.port:
                self._socket.connect(address.host)
            else:
                self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                keep_alive(self._socket)
            if settings.tls is not None:
                self._socket.settimeout(max(0.001, until - time.monotonic()))
                self._socket = settings.tls.context().wrap_socket(
                    self._socket, server_hostname=address.host
                )
                self._turn = threading.Lock()
        except BaseException:
            self._socket.close()
            raise
        self._socket.setblocking(False)
        self._readable = _ready(self._socket, writing=False)
        self._writable = _ready(self._socket, writing=True)

    def read(self, until: float) -> bytes | None:
        """Return what has come, b"" at the end of the connection, None when nothing has come by then."""
        ready = self._readable
        while self._buffered() or ready(until):
            try:
                with self._turn:
                    return self._socket.recv(65536)
            except _WOULD_BLOCK as error:
                wants = isinstance(error, ssl.SSLWantWriteError)  # TLS has something to say first
                ready = _ready(self._socket, writing=True) if wants else self._readable
        return None

    def write(self, payload: bytes, until: float) -> bool:
        """Send all of it; False when the other side has not taken it by then."""
        view = memoryview(payload)
        while view:
            try:
                with self._turn:
                    view = view[self._socket.send(view) :]
            except _WOULD_BLOCK as error:
                wants = isinstance(error, ssl.SSLWantReadError)
                ready = _ready(self._socket, writing=False) if wants else self._writable
                if not ready(until):
                    return False
        return True

    def _buffered(self) -> bool:
        return isinstance(self._socket, ssl.SSLSocket) and self._socket.pending() > 0

    def shut(self) -> None:
        """End the connection: whoever reads sees its end."""
        try:
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)  # below TLS: it may be in use
        except OSError:
            return

    def close(self) -> None:
        """Give the socket back; nobody may be using it."""
        self._socket.close()


def _ready(end: socket.socket, *, writing: bool) -> Callable[[float], bool]:
    """Return what waits until a socket can be read or written, or until then; for one thread."""
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(end, select.POLLOUT if writing else select.POLLIN)

        def polled(until: float) -> bool:
            left = max(0.0, until - time.monotonic())
            return bool(poll.poll(None if left == math.inf else math.ceil(left * 1000)))

        return polled

    def selected(until: float) -> bool:
        left = max(0.0, until - time.monotonic())
        seconds = None if left == math.inf else left
        found = select.select([] if writing else [end], [end] if writing else [], [], seconds)
        return any(found)

    return selected
