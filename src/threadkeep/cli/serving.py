"""`threadkeep serve`."""

from __future__ import annotations

from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from threadkeep._async.wrappers.checksum import AsyncChecksum
from threadkeep.cli.opening import HERE, Where, ring, wrappers
from threadkeep.cli.telling import say
from threadkeep.errors import UsageError
from threadkeep.model.urls import mask
from threadkeep.ops.engine import AsyncEngine


def _env(name: str, text: str) -> Parameter:
    return Parameter(env_var=f"THREADKEEP_{name}", help=text, negative="")


def serve(
    *,
    host: Annotated[str | None, _env("HOST", "Address to listen on; 127.0.0.1 if omitted.")] = None,
    port: Annotated[int | None, _env("PORT", "Port to listen on; 8787 if omitted.")] = None,
    share_port: Annotated[
        bool | None,
        _env("SHARE_PORT", "Listen where a server listens already, to take over from it."),
    ] = None,
    uds: Annotated[str | None, _env("UDS", "Unix socket to listen on instead.")] = None,
    workers: Annotated[int | None, _env("WORKERS", "Processes; 1 if omitted.")] = None,
    tls_cert: Annotated[str | None, _env("TLS_CERT", "File of the certificate chain.")] = None,
    tls_key: Annotated[str | None, _env("TLS_KEY", "File of the certificate's key.")] = None,
    cors: Annotated[
        list[str] | None, _env("CORS", "Origin that browsers may call from; may be repeated.")
    ] = None,
    sweep: Annotated[
        float | None, _env("SWEEP", "Seconds between two sweeps, 0 for none; 30 if omitted.")
    ] = None,
    drain: Annotated[
        float | None, _env("DRAIN", "Seconds that requests have to end; 20 if omitted.")
    ] = None,
    limit: Annotated[
        list[str] | None,
        _env("LIMITS", "A limit as NAME=VALUE, such as requests=100; may be repeated."),
    ] = None,
    jwks: Annotated[
        str | None, _env("JWKS", "File or URL of the keys of an identity provider.")
    ] = None,
    issuer: Annotated[str | None, _env("ISSUER", "Who issues the provider's tokens.")] = None,
    audience: Annotated[str | None, _env("AUDIENCE", "Whom the tokens are for.")] = None,
    config: Annotated[Path | None, _env("CONFIG", "TOML file with these settings.")] = None,
    log: Annotated[
        Literal["info", "warning", "error"], _env("LOG", "What is logged; info: every request.")
    ] = "warning",
    where: Where = HERE,
) -> None:
    """Serve the store over HTTP until it is told to end.

    An option goes before its environment variable, that before the file, that before the default. Without
    any key (`threadkeep keys create`) it serves this machine alone, and refuses to start elsewhere.
    """
    need_server()
    from threadkeep.server.settings import load

    given: dict[str, Any] = {
        "store": where.store,
        "namespace": where.namespace,
        "host": host,
        "port": port,
        "share_port": share_port,
        "uds": uds,
        "workers": workers,
        "tls_cert": tls_cert,
        "tls_key": tls_key,
        "cors": cors or None,
        "sweep": sweep,
        "drain": drain,
        "limits": _limits(limit or []),
        "jwt": _given(jwks=jwks, issuer=issuer, audience=audience),
    }
    _run(load(config, given), where, log)


def _given(**values: Any) -> dict[str, Any] | None:
    return {name: value for name, value in values.items() if value is not None} or None


def _limits(given: list[str]) -> dict[str, float] | None:
    found: dict[str, float] = {}
    for one in given:
        name, _, text = one.partition("=")
        try:
            number = float(text)
        except ValueError:
            raise UsageError(f"limit {one!r} is not NAME=NUMBER, such as requests=100") from None
        found[name] = int(number) if number.is_integer() else number
    return found or None


def need_server() -> None:
    """Raise UsageError where the extra `server` is not installed."""
    missing = [name for name in ("granian", "jwt", "starlette") if find_spec(name) is None]
    if missing:
        raise UsageError(
            f"this needs the extra server: pip install 'threadkeep[server]' (no {missing[0]})"
        )


def _run(settings: Any, where: Where, log: str) -> None:
    from threadkeep.server.checks import check_start
    from threadkeep.server.process import serve as run

    keys = _look(settings, where)
    if not keys and settings.jwt is None and not settings.loopback:
        raise UsageError(
            f"without any key this server may not listen on {settings.host}: everybody could read and"
            " write everything; make a key first: threadkeep keys create NAME"
        )

    check_start(settings)

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
