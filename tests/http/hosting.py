"""A server of threadkeep in a thread of the test process: real sockets, and the clock of the test."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, TypeVar

import uvicorn

T = TypeVar("T")


class Hosted:
    """Applications by their mount name; each is made inside the server's own loop."""

    def __init__(self) -> None:
        self.port = 0
        self._apps: dict[str, Any] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

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
        assert self._loop is not None
        found: Future[T] = asyncio.run_coroutine_threadsafe(_as_coroutine(work), self._loop)
        return found.result(20)

    def mount(self, name: str, app: Any) -> str:
        """Serve an application below a name; return its URL."""
        self._apps[name] = app
        return f"http://127.0.0.1:{self.port}/{name}/v1"


async def _as_coroutine(work: Callable[[], Awaitable[T]]) -> T:
    return await work()


@contextmanager
def hosting() -> Iterator[Hosted]:
    """Start the server, and stop it at the end."""
    hosted = Hosted()
    config = uvicorn.Config(
        hosted, host="127.0.0.1", port=0, log_level="warning", loop="asyncio", lifespan="on"
    )
    server = uvicorn.Server(config)
    started = threading.Event()

    async def serve() -> None:
        hosted._loop = asyncio.get_running_loop()
        task = asyncio.create_task(server.serve())
        while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)
        hosted.port = server.servers[0].sockets[0].getsockname()[1]
        started.set()
        await task

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert started.wait(20), "the server did not start"
    try:
        yield hosted
    finally:
        server.should_exit = True
        thread.join(20)
