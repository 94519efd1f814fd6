"""Server-sent events: an endless answer that ends politely."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from functools import lru_cache
from typing import Any, Final, cast

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from threadkeep.errors import Unavailable
from threadkeep.server.call import Host

HEARTBEAT: Final = 15.0
_FIRST: Final = asyncio.FIRST_COMPLETED
_OPEN: Final = b": open\n\n"
_ALIVE: Final = b": still here\n\n"
_CLOSE: Final = b"event: close\ndata: the server is going away; connect again\n\n"
_HEADERS: Final = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
)


@lru_cache(256)  # many watch the same entity
def event(data: str, *, id_: str | None = None, name: str | None = None) -> bytes:
    """Return one event as text of the stream."""
    lines = [f"id: {id_}"] if id_ is not None else []
    if name is not None:
        lines.append(f"event: {name}")
    return ("\n".join([*lines, f"data: {data}"]) + "\n\n").encode()


def stream(events: AsyncIterator[bytes], host: Host) -> Response:
    """Return an answer that sends events until the client leaves or the server ends.

    A comment goes out when nothing happened for a while, so that both sides notice a dead connection.
    503 where as many are open as the limits allow.
    """
    if host.streams >= host.limits.streams:
        raise Unavailable(f"{host.limits.streams} streams are open, which is the limit")
    return _Stream(cast("AsyncGenerator[bytes]", events), host)


class _Stream(Response):
    """Ends when a client takes no event for too long: what waits for it would only grow."""

    _send: Send

    def __init__(self, events: AsyncGenerator[bytes], host: Host) -> None:
        self.status_code, self.raw_headers, self.background = 200, [*_HEADERS], None
        self._events, self._host = events, host
        self._quiet, self._writing = True, False  # since the last look; now

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - as any answer
        """Send it."""
        self._send = send
        self._host.streams += 1
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            await self._write(_OPEN)
            await self._until_over(receive)
        except (OSError, TimeoutError):  # the client left, or takes nothing
            return
        finally:
            self._host.streams -= 1
            await self._events.aclose()

    async def _until_over(self, receive: Receive) -> None:
        """Send events, and comments meanwhile, for as long as there are events, the client and the server."""
        over = asyncio.ensure_future(self._host.ending.wait())
        left = asyncio.ensure_future(_left(receive))
        sending = asyncio.ensure_future(self._send_events())
        tasks: tuple[asyncio.Future[Any], ...] = (over, left, sending)
        try:
            while not (await asyncio.wait(tasks, timeout=HEARTBEAT, return_when=_FIRST))[0]:
                if self._quiet and not self._writing:
                    await self._write(_ALIVE)
                self._quiet = True
            ended = sending.done() and not left.done()
            if ended:
                sending.result()
            going = over.done() and not left.done()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if ended or going:
            await self._write(_CLOSE if going else b"", more=False)

    async def _send_events(self) -> None:
        async for one in self._events:
            self._quiet, self._writing = False, True
            await self._write(one)
            self._writing = False

    async def _write(self, piece: bytes, *, more: bool = True) -> None:
        with self._host.deadline.block():
            await self._send({"type": "http.response.body", "body": piece, "more_body": more})


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
