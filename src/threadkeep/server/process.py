"""The server as a process: granian, with workers that each open the store for themselves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from threadkeep._async.store import AsyncStore
from threadkeep.concurrency import AsyncPace
from threadkeep.model.options import Limits
from threadkeep.ops.engine import AsyncEngine
from threadkeep.server.app import Application
from threadkeep.server.request_log import log_to_stderr
from threadkeep.server.settings import ServerSettings

TURN: Final = 0.005  # seconds of calls in a turn of a worker's loop: requests end by themselves
Wrap = Callable[[], Sequence[Callable[[AsyncEngine], AsyncEngine]]]


class Worker:
    """Makes the application of a worker, inside its process."""

    def __init__(self, settings: ServerSettings, wrap: Wrap, log_level: str) -> None:
        self._settings, self._wrap, self._log_level = settings, wrap, log_level

    def __call__(self, *_: Any) -> Application:
        """Return the application."""
        log_to_stderr(self._log_level)
        AsyncPace.allowance = TURN
        given = self._settings
        limits = Limits(
            value=given.limits.value, part=given.limits.part, snapshot=given.limits.snapshot
        )
        store = AsyncStore(given.store, namespace=given.namespace, wrap=self._wrap(), limits=limits)
        return Application(
            store,
            limits=given.limits,
            jwt=given.jwt,
            cors=given.cors,
            sweep=given.sweep or None,
            close=True,
        )


def serve(
    settings: ServerSettings, wrap: Wrap, log_level: str, started: Callable[[], None]
) -> None:
    """Serve until the process is told to end; `started` is called when the port is taken."""
    from granian import Granian
    from granian.constants import Interfaces
    from granian.http import HTTP1Settings
    from granian.log import LogLevels

    server = Granian(
        "threadkeep",
        address=settings.host,
        port=settings.port,
        uds=None if settings.uds is None else Path(settings.uds),
        interface=Interfaces.ASGI,
        workers=settings.workers,
        websockets=False,
        http1_settings=HTTP1Settings(
            header_read_timeout=round(settings.limits.head_seconds * 1_000)
        ),
        log_level=LogLevels.error,
        ssl_cert=None if settings.tls_cert is None else Path(settings.tls_cert),
        ssl_key=None if settings.tls_key is None else Path(settings.tls_key),
        workers_kill_timeout=max(1, round(settings.drain)),
        respawn_failed_workers=True,
        respawn_interval=0.5,
    )
    server.on_startup(started)
    server.serve(target_loader=Worker(settings, wrap, log_level), wrap_loader=False)
