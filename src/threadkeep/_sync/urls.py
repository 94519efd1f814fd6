# Generated from src/threadkeep/_async/urls.py by scripts/unasync. Do not edit.
"""From a URL to an engine: one case for each scheme, third parties by entry point."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from threadkeep.errors import UsageError
from threadkeep.model.options import Limits
from threadkeep.model.urls import StoreUrl, mask, parse_url
from threadkeep.ops.engine import Engine

Now = Callable[[], int]
Maker = Callable[[StoreUrl, Now, Limits, bool], Engine]  # whether writes wait for the disk
_SUFFIX = "" if "Async" in Engine.__name__ else ".sync"


def _memory(url: StoreUrl, now: Now, limits: Limits, durable: bool) -> Engine:  # noqa: ARG001, FBT001 - as `Maker` has it
    from threadkeep._sync.drivers.memory import MemoryEngine
    from threadkeep.model.urls import check_options

    check_options(url, set())
    return MemoryEngine(now, limits)


def _sqlite(url: StoreUrl, now: Now, limits: Limits, durable: bool) -> Engine:  # noqa: ARG001, FBT001 - the URL says how
    from threadkeep._sync.drivers.sqlite import SqliteEngine
    from threadkeep.engines.sql.sqlite.url import settings_of

    return SqliteEngine(settings_of(url), now, limits)


def _redis(url: StoreUrl, now: Now, limits: Limits, durable: bool) -> Engine:  # noqa: ARG001, FBT001 - time is the server's
    try:
        from threadkeep._sync.drivers.redis.layouts import engine_on
        from threadkeep.engines.redis.links import Nodes
        from threadkeep.engines.redis.url import OWN_OPTIONS, keyed_of, places_of
    except ImportError as error:
        raise UsageError(
            f"{url.scheme}:// needs the extra redis: pip install 'threadkeep[redis]' ({error})"
        ) from error
    nodes = Nodes.from_url(url, OWN_OPTIONS)
    keyed = keyed_of(url.options.get("layout"), url.options.get("name"))
    return engine_on(nodes, limits, keyed, places_of(url), durable=durable)


def _postgres(url: StoreUrl, now: Now, limits: Limits, durable: bool) -> Engine:  # noqa: ARG001, FBT001 - time is the server's
    try:
        from threadkeep._sync.drivers.postgres.engine import PostgresEngine
        from threadkeep._sync.drivers.postgres.lines import Lines
        from threadkeep.engines.sql.postgres.url import settings_of
    except ImportError as error:
        raise UsageError(
            f"{url.scheme}:// needs the extra postgres: pip install 'threadkeep[postgres]' ({error})"
        ) from error
    settings, names = settings_of(url)
    return PostgresEngine(Lines(settings), limits, names)


def _mysql(url: StoreUrl, now: Now, limits: Limits, durable: bool) -> Engine:  # noqa: ARG001, FBT001 - time is the server's
    try:
        from threadkeep._sync.drivers.mysql.engine import MysqlEngine
        from threadkeep._sync.drivers.mysql.lines import Lines
        from threadkeep.engines.sql.mysql.url import settings_of
    except ImportError as error:
        raise UsageError(
            f"{url.scheme}:// needs the extra mysql: pip install 'threadkeep[mysql]' ({error})"
        ) from error
    return MysqlEngine(Lines(settings_of(url)), limits)


def _http(url: StoreUrl, now: Now, limits: Limits, durable: bool) -> Engine:  # noqa: ARG001, FBT001 - time and limits are the server's
    try:
        from threadkeep._sync.drivers.http import HttpEngine
    except ImportError as error:
        raise UsageError(
            f"{url.scheme}:// needs the extra http: pip install 'threadkeep[http]' ({error})"
        ) from error
    from threadkeep.engines.http.url import settings_of

    return HttpEngine(settings_of(url))


def _document(url: StoreUrl, now: Now, limits: Limits, durable: bool) -> Engine:  # noqa: ARG001, FBT001 - the driver says what survives
    from threadkeep._sync.drivers.brought import engine_at

    return engine_at(url, now, limits)


_REDIS = ("redis", "rediss", "valkey", "valkeys")
_MAKERS: dict[str, Maker] = {
    "memory": _memory,
    "sqlite": _sqlite,
    "document": _document,
    "http": _http,
    "https": _http,
    **{f"{base}{kind}": _redis for base in _REDIS for kind in ("", "+cluster", "+sentinel")},
    "redis+unix": _redis,
    "valkey+unix": _redis,
    "postgresql": _postgres,
    "postgres": _postgres,
    "mysql": _mysql,
    "mariadb": _mysql,
}


def open_engine(
    text: str, now: Now, limits: Limits, *, durable: bool = False, token: str | None = None
) -> Engine:
    """Return the engine that a URL names, not yet connected; `token` is the key of a server.

    An engine of a third party is a callable `(url, now, limits)` under the entry point group
    `threadkeep.engines`, named after its scheme (and `SCHEME.sync` for the twin without await).
    """
    url = parse_url(text)
    if token is not None:
        if url.scheme not in {"http", "https"}:
            raise UsageError("token= is for http:// and https:// alone")
        url = msgspec.structs.replace(url, options=url.options | {"token": token})
    maker = _MAKERS.get(url.scheme)
    if maker is None:
        from importlib.metadata import entry_points  # costs 15 ms; only third parties need it

        name = url.scheme + _SUFFIX
        found = next(iter(entry_points(group="threadkeep.engines", name=name)), None)
        if found is None:
            raise UsageError(
                f"no engine for {mask(text)!r}; known schemes: {', '.join(sorted(_MAKERS))}"
            )
        return found.load()(url, now, limits)
    return maker(url, now, limits, durable)
