"""`postgresql://user@host/database`, with the store's own options beside those of libpq."""

from __future__ import annotations

import os
from urllib.parse import quote, urlencode

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from threadkeep.engines.sql.postgres.connections import Settings
from threadkeep.engines.sql.postgres.names import Names
from threadkeep.errors import UsageError
from threadkeep.model.urls import StoreUrl, mask

# a server that vanished without a word is noticed in seconds; libpq waits for minutes
VANISHED = {"connect_timeout": "5", "tcp_user_timeout": "15000", "keepalives_idle": "15"}
PRIMARY = {"target_session_attrs": "read-write"}  # of several hosts, the one that takes writes
VARIABLES = {"connect_timeout": "PGCONNECT_TIMEOUT", "target_session_attrs": "PGTARGETSESSIONATTRS"}
OWN = ("schema", "prefix", "connections", "wait")


def settings_of(url: StoreUrl) -> tuple[Settings, Names]:
    """Return what a URL names.

    Options: schema, prefix of the tables, connections at most, wait=seconds for one of them; all others are
    libpq's.
    """
    own = {name: url.options[name] for name in OWN if name in url.options}
    others = {name: value for name, value in url.options.items() if name not in OWN}
    place = url.text.partition("://")[2].partition("?")[0]
    try:
        conninfo = _conninfo(place, others)
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


def _conninfo(place: str, options: dict[str, str]) -> str:
    """Return what libpq takes, with what makes a failover quick where nobody has said it otherwise.

    Raises ProgrammingError for what libpq cannot read.
    """
    text = f"postgresql://{place}"
    known = conninfo_to_dict(f"{text}?{urlencode(options, quote_via=quote)}" if options else text)
    several = "," in str(known.get("host") or known.get("hostaddr") or "")
    wanted = {**VANISHED, **PRIMARY} if several else VANISHED
    added = {
        name: value
        for name, value in wanted.items()
        if name not in known and VARIABLES.get(name, "") not in os.environ
    }
    return f"{text}?{urlencode({**options, **added}, quote_via=quote)}"
