"""`threadkeep serve`."""

from __future__ import annotations

from functools import partial
from importlib.util import find_spec
from typing import Annotated, Any, Literal

from threadkeep._async.wrappers.checksum import AsyncChecksum
from threadkeep.cli.opening import HERE, Where, ring, wrappers
from threadkeep.cli.server_options import USUAL, Options, env
from threadkeep.cli.telling import say
from threadkeep.errors import UsageError
from threadkeep.model.urls import mask
from threadkeep.ops.engine import AsyncEngine


def serve(
    *,
    options: Options = USUAL,
    log: Annotated[
        Literal["info", "warning", "error"], env("LOG", "What is logged; info: every request.")
    ] = "warning",
    where: Where = HERE,
) -> None:
    """Serve the store over HTTP until it is told to end.

    An option goes before its environment variable, that before the file, that before the default. Without
    any key (`threadkeep keys create`) it serves this machine alone, and refuses to start elsewhere.
    """
    need_server()
    from threadkeep.server.settings import load

    given = {"store": where.store, "namespace": where.namespace, **options.given()}
    _run(load(options.config, given), where, log)


def need_server() -> None:
    """Raise UsageError where the extra `server` is not installed."""
    missing = [name for name in ("granian", "jwt", "starlette") if find_spec(name) is None]
    if missing:
        raise UsageError(
            f"this needs the extra server: pip install 'threadkeep[server]' (no {missing[0]})"
        )


def _run(settings: Any, where: Where, log: str) -> None:
    from threadkeep.server.checks import checked
    from threadkeep.server.process import serve as run

    keys = _look(settings, where)
    if not keys and settings.jwt is None and not settings.loopback:
        raise UsageError(
            f"without any key this server may not listen on {settings.host}: everybody could read and"
            " write everything; make a key first: threadkeep keys create NAME"
        )

    settings = checked(settings)

    def started() -> None:
        say(f"threadkeep serves {mask(settings.store)} at {settings.address}")
        if not keys and settings.jwt is None:
            say("without keys: any program of this machine may do everything (threadkeep keys)")
        secret = " -H 'x-api-key: ...'" if keys or settings.jwt else ""
        socket = f" --unix-socket {settings.uds}" if settings.uds else ""
        base = "http://localhost" if settings.uds else settings.address
        say(f"try: curl{socket}{secret} {base}/v1/sessions/thread-123/values -d '{_EXAMPLE}'")

    run(settings, lambda: _wrappers(where), log, started)


_EXAMPLE = '{"key": "intent", "value": "book_flight"}'


def _look(settings: Any, where: Where) -> int:
    """Open the store once, which makes or checks it, and return how many keys it has."""
    from threadkeep import Store
    from threadkeep.server.access.keys import SPACE

    with Store(settings.store, namespace=settings.namespace, wrap=wrappers(where)) as store:
        if settings.workers > 1 and not store.capabilities().processes:
            raise UsageError(f"{mask(settings.store)} serves one process; leave out --workers")
        return store.within(SPACE).app().state.size()


def _wrappers(where: Where) -> list[Any]:
    made: list[Any] = []
    if where.checksum:
        made.append(partial(AsyncChecksum, allow_unchecked=False))
    keys = ring(where)
    if keys is not None:

        def encrypted(engine: AsyncEngine) -> AsyncEngine:
            from threadkeep._async.wrappers.encrypt import AsyncEncrypt

            return AsyncEncrypt(engine, keys)

        made.append(encrypted)
    return made
