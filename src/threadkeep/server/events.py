"""Server-sent events: an endless answer that ends politely."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Final, cast

from starlette.requests import ClientDisconnect
from starlette.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from threadkeep.errors import Unavailable
from threadkeep.server.call import Host

HEARTBEAT: Final = 15.0
_HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


def event(data: str, *, id_: str | None = None, name: str | None = None) -> bytes:
    """Return one event as text of the stream."""
    lines = [f"id: {id_}"] if id_ is not None else []
    if name is not None:
        lines.append(f"event: {name}")
    return ("\n".join([*lines, f"data: {data}"]) + "\n\n").encode()


def stream(events: AsyncIterator[bytes], host: Host) -> StreamingResponse:
    """Return an answer that sends events until the client leaves or the server ends.

    A comment goes out when nothing happened for a while, so that both sides notice a dead connection.
    503 where as many are open as the limits allow.
    """
    if host.streams >= host.limits.streams:
        raise Unavailable(f"{host.limits.streams} streams are open, which is the limit")
    return _Stream(_counted(_beating(events, host.ending), host), host.limits.body_seconds)


class _Stream(StreamingResponse):
    """Ends when a client takes no event for too long: what waits for it would only grow."""

    def __init__(self, events: AsyncIterator[bytes], patience: float) -> None:
        super().__init__(events, media_type="text/event-stream", headers=dict(_HEADERS))
        self._events, self._patience = events, patience

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            async with asyncio.timeout(self._patience):
                await send(message)

        try:
            with contextlib.suppress(ClientDisconnect, TimeoutError):
                await super().__call__(scope, receive, sending)
        finally:
            await cast("AsyncGenerator[bytes]", self._events).aclose()


async def _counted(events: AsyncIterator[bytes], host: Host) -> AsyncIterator[bytes]:
    host.streams += 1
    try:
        async for one in events:
            yield one
    finally:
        host.streams -= 1
        await cast("AsyncGenerator[bytes]", events).aclose()


async def _beating(events: AsyncIterator[bytes], ending: asyncio.Event) -> AsyncIterator[bytes]:
    over = asyncio.ensure_future(ending.wait())
    upcoming: asyncio.Future[bytes] | None = None
    try:
        yield b": open\n\n"
        while True:
            if upcoming is None:
                upcoming = asyncio.ensure_future(anext(events))
            done, _ = await asyncio.wait(
                {over, upcoming}, timeout=HEARTBEAT, return_when=asyncio.FIRST_COMPLETED
            )
            if over in done:
                yield b"event: close\ndata: the server is going away; connect again\n\n"
                return
            if upcoming in done:
                try:
                    yield upcoming.result()
                except StopAsyncIteration:
                    return
                upcoming = None
            else:
                yield b": still here\n\n"
    finally:
        for task in (over, upcoming):
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, StopAsyncIteration, Exception):
                    await task
        close = getattr(events, "aclose", None)
        if close is not None:
            await close()
