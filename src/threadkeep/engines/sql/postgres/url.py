"""`postgresql://user@host/database`, with the store's own options beside those of libpq."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from threadkeep.engines.sql.postgres.connections import Settings
from threadkeep.engines.sql.postgres.names import Names
from threadkeep.errors import UsageError
from threadkeep.model.urls import StoreUrl, mask

OWN = ("schema", "prefix", "connections", "wait")


def settings_of(url: StoreUrl) -> tuple[Settings, Names]:
    """Return what a URL names.

    Options: schema, prefix of the tables, connections at most, wait=seconds for one of them; all others are
    libpq's.
    """
    own = {name: url.options[name] for name in OWN if name in url.options}
    others = {name: value for name, value in url.options.items() if name not in OWN}
    place = url.text.partition("://")[2].partition("?")[0]
    conninfo = f"postgresql://{place}" + (
        f"?{urlencode(others, quote_via=quote)}" if others else ""
    )
    try:
        conninfo_to_dict(conninfo)
    except ProgrammingError as error:
        raise UsageError(f"{mask(url.text)!r} cannot be read: {error}") from None
    try:
        settings = Settings(
            conninfo=conninfo,
            connections=int(own.get("connections", "6")),
            wait=float(own.get("wait", "10")),
        )
    except ValueError:
        raise UsageError(
            f"{mask(url.text)!r}: connections must be a count and wait seconds"
        ) from None
    if settings.connections < 1 or not settings.wait > 0:
        raise UsageError(f"{mask(url.text)!r}: connections and wait must be above 0")
    return settings, Names(own.get("schema"), own.get("prefix", "tk"))
