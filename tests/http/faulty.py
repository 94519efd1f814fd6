"""A proxy before an HTTP server, which treats each request as it is told."""

from __future__ import annotations

import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Self

FAULTS = ("before", "within", "after", "middle", "reset", "stall", "trickle")
CUTS = FAULTS[:5]  # the caller hears of them at once
SLOW = 0.05  # seconds between two bytes of a trickle
BATCH = b"tk\x01B"  # how a batch begins on the wire
LINGER = struct.pack("ii", 1, 0)


class Faulty:
    """Passes requests on; `fault` is asked for the fate of each, "" for none.

    `before`: cut before it is passed on. `within`: cut when half of it has been passed on. `after`: cut when the
    server has answered, of which nothing is passed on; `reset` the same with a reset. `middle`: cut after
    half of the answer. `stall`: the answer never comes. `trickle`: it comes byte by byte.
    """

    def __init__(self, port: int, fault: Callable[[], str] = str) -> None:
        self._to, self.fault = port, fault
        self.requests, self.batches = (
            0,
            Counter[str](),
        )  # requests, and batches in them by their fate
        self._ended = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def faults(self, *faults: str) -> None:
        """Have these happen to the next requests, one each."""
        left = list(faults)
        self.fault = lambda: left.pop(0) if left else ""

    @property
    def faulted(self) -> int:
        """How many batches met a fault."""
        return self.batches.total() - self.batches[""]

    def close(self) -> None:
        self._ended.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            while request := _message(client):
                self.requests += 1
                fault = self.fault()
                self.batches[fault] += request.count(BATCH)
                if fault == "before":
                    return
                with socket.create_connection(("127.0.0.1", self._to)) as server:
                    server.sendall(request if fault != "within" else request[: len(request) // 2])
                    if fault == "within":
                        return
                    answer = _message(server)
                if not self._answer(client, answer, fault):
                    return

    def _answer(self, client: socket.socket, answer: bytes, fault: str) -> bool:
        """Pass an answer on; False when the connection ends with it."""
        if fault == "reset":
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER)
        elif fault == "middle":
            client.sendall(answer[: len(answer) // 2])
        elif fault == "stall":
            self._ended.wait(60)
        elif fault == "trickle":
            for byte in answer:
                client.sendall(bytes([byte]))
                if self._ended.wait(SLOW):
                    break
        elif fault != "after":
            client.sendall(answer)
            return True
        return False


def _message(end: socket.socket) -> bytes:
    """Return a whole request or answer; nothing when the other side has ended."""
    found = b""
    while not _whole(found):
        piece = end.recv(1 << 20)
        if not piece:
            return b""
        found += piece
    return found


def _whole(message: bytes) -> bool:
    head, found, body = message.partition(b"\r\n\r\n")
    if not found:
        return False
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return len(body) >= int(line.split(b":")[1])
    return True
