"""A proxy before a server of any protocol: it delays, stalls, cuts and counts what passes."""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Self

Way = Literal["up", "down"]  # to the server, and back
WAYS: tuple[Way, Way] = ("up", "down")


@dataclass
class Counts:
    """What passed since the last `reset`; a packet is what one read gave."""

    connections: int = 0
    packets_up: int = 0
    packets_down: int = 0
    bytes_up: int = 0
    bytes_down: int = 0

    def add(self, way: Way, size: int) -> None:
        if way == "up":
            self.packets_up += 1
            self.bytes_up += size
        else:
            self.packets_down += 1
            self.bytes_down += size


class Proxy:
    """Listens at `port` for the server at `target`; `delay` is in seconds and goes for each way."""

    def __init__(self, target: int, *, delay: float = 0.0) -> None:
        self.target, self.delay = target, delay
        self.counts = Counts()
        self._lock = threading.Lock()
        self._links: set[_Link] = set()
        self._gates: dict[Way, threading.Event] = {way: threading.Event() for way in WAYS}
        self._left: dict[Way, int | None] = dict.fromkeys(WAYS)
        self._refuses = False
        self.resume()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port: int = self._listener.getsockname()[1]
        self._thread = _thread(self._accept)

    def stall(self, *ways: Way) -> None:
        """Let nothing pass, both ways unless told which; connections stay."""
        for way in ways or WAYS:
            self._gates[way].clear()

    def resume(self) -> None:
        """End `stall` and `refuse`."""
        self._refuses = False
        for gate in self._gates.values():
            gate.set()

    def cut(self) -> None:
        """End the connections there are; new ones are taken."""
        with self._lock:
            links = list(self._links)
        for link in links:
            link.cut()

    def cut_after(self, way: Way, size: int) -> None:
        """End all connections, once, when so many more bytes have passed one way.

        `cut_after("down", 0)` lets the server do what it is asked next, and loses its answer.
        """
        with self._lock:
            self._left[way] = size

    def refuse(self) -> None:
        """End the connections there are, and every new one at once, until `resume`."""
        self._refuses = True
        self.cut()

    def reset(self) -> None:
        """Count from zero."""
        with self._lock:
            self.counts = Counts()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)
        self.refuse()
        for gate in self._gates.values():
            gate.set()
        with self._lock:
            links = list(self._links)
        for link in links:
            link.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            try:
                if self._refuses:
                    raise ConnectionRefusedError
                far = socket.create_connection(("127.0.0.1", self.target))
            except OSError:  # the server is away
                near.close()
                continue
            for end in (near, far):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self.counts.connections += 1
                self._links.add(_Link(self, near, far))

    def passes(self, way: Way, data: bytes) -> tuple[bytes, bool]:
        """Return what may pass, and whether the connections go on after it."""
        self._gates[way].wait()
        with self._lock:
            left = self._left[way]
            goes_on = left is None or len(data) <= left
            if left is not None:
                data = data[:left]
                self._left[way] = left - len(data) if goes_on else None
            self.counts.add(way, len(data))
        return data, goes_on

    def ended(self, link: _Link) -> None:
        with self._lock:
            self._links.discard(link)


class _Link:
    """One connection through the proxy."""

    def __init__(self, proxy: Proxy, near: socket.socket, far: socket.socket) -> None:
        self._proxy, self._near, self._far = proxy, near, far
        self._thread = _thread(self._run)

    def join(self) -> None:
        self._thread.join(10)

    def cut(self) -> None:
        for end in (self._near, self._far):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _run(self) -> None:
        up = _thread(self._read, "up", self._near, self._far)
        self._read("down", self._far, self._near)
        up.join()
        self._near.close()
        self._far.close()
        self._proxy.ended(self)

    def _read(self, way: Way, source: socket.socket, sink: socket.socket) -> None:
        """Read at once and write when it is time, so that delays do not add up."""
        waiting: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()
        writer = _thread(self._write, way, waiting, sink)
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                waiting.put((time.monotonic() + self._proxy.delay, data))
        waiting.put((time.monotonic() + self._proxy.delay, b""))
        writer.join()

    def _write(
        self, way: Way, waiting: queue.SimpleQueue[tuple[float, bytes]], sink: socket.socket
    ) -> None:
        while True:
            due, data = waiting.get()
            if (early := due - time.monotonic()) > 0:
                time.sleep(early)
            if not data:
                break
            data, goes_on = self._proxy.passes(way, data)
            with contextlib.suppress(OSError):
                sink.sendall(data)
            if not goes_on:
                self._proxy.cut()
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)


def _thread(work: Callable[..., None], *arguments: object) -> threading.Thread:
    thread = threading.Thread(target=work, args=arguments, daemon=True)
    thread.start()
    return thread
