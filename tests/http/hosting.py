"""A server of threadkeep in a thread of the test process: real sockets, and the clock of the test."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, TypeVar

import pytest
import uvicorn
from granian.constants import Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server as Granian

from tests.servers.process import free_port

T = TypeVar("T")


class Hosted:
    """Applications by their mount name; each is made inside the server's own loop."""

    def __init__(self) -> None:
        self.port = 0
        self.loop: asyncio.AbstractEventLoop | None = None
        self._apps: dict[str, Any] = {}
        self._started = threading.Event()

    def started(self, port: int) -> None:
        """Note that the server listens."""
        self.port = port
        self._started.set()

    def wait(self) -> None:
        """Wait until the server answers."""
        assert self._started.wait(20), "the server did not start"
        end = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=20).close()
            except OSError:
                assert time.monotonic() < end, "the server does not listen"
                time.sleep(0.01)
            else:
                return

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        name = scope["path"].split("/")[1]
        seen = scope | {"root_path": f"/{name}"}
        for header, value in scope["headers"]:
            if header == b"x-test-client":
                seen["client"] = (value.decode(), 1)
        await self._apps[name](seen, receive, send)

    def run(self, work: Callable[[], Awaitable[T]]) -> T:
        """Run a coroutine in the server's loop and return its result."""
        assert self.loop is not None
        found: Future[T] = asyncio.run_coroutine_threadsafe(_as_coroutine(work), self.loop)
        return found.result(20)

    def mount(self, name: str, app: Any) -> str:
        """Serve an application below a name; return its URL."""
        self._apps[name] = app
        return f"http://127.0.0.1:{self.port}/{name}/v1"


async def _as_coroutine(work: Callable[[], Awaitable[T]]) -> T:
    return await work()


async def _uvicorn(hosted: Hosted, ended: asyncio.Event) -> None:
    config = uvicorn.Config(
        hosted, host="127.0.0.1", port=0, log_level="warning", loop="asyncio", lifespan="on"
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    hosted.started(server.servers[0].sockets[0].getsockname()[1])
    await ended.wait()
    server.should_exit = True
    await task


async def _granian(hosted: Hosted, ended: asyncio.Event) -> None:
    port = free_port()
    server = Granian(
        hosted,
        port=port,
        interface=Interfaces.ASGI,
        websockets=False,
        log_enabled=False,
        http1_settings=HTTP1Settings(header_read_timeout=2_000),
    )
    server.on_startup(lambda: hosted.started(port))
    task = asyncio.create_task(server.serve())
    await ended.wait()
    server.stop()
    await task


SERVERS = {"uvicorn": _uvicorn, "granian": _granian}
ON_BOTH = pytest.mark.parametrize("hosted", list(SERVERS), indirect=True)


@contextmanager
def hosting(kind: str = "uvicorn") -> Iterator[Hosted]:
    """Start a server in a thread, and stop it at the end."""
    hosted = Hosted()
    ended = asyncio.Event()

    async def serve() -> None:
        hosted.loop = asyncio.get_running_loop()
        await SERVERS[kind](hosted, ended)

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    hosted.wait()
    try:
        yield hosted
    finally:
        assert hosted.loop is not None
        hosted.loop.call_soon_threadsafe(ended.set)
        thread.join(20)
