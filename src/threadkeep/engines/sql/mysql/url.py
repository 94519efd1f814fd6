"""`mysql://user:password@host/database` and `mariadb://`, with the store's own options."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from threadkeep.engines.sql.mysql.settings import Settings
from threadkeep.errors import UsageError
from threadkeep.model.urls import StoreUrl, check_options, mask

OPTIONS = frozenset({"connections", "wait", "stall", "lock_wait", "tls", "ca", "unix_socket"})


def settings_of(url: StoreUrl) -> Settings:
    """Return what a URL names.

    Options: connections at most, wait=seconds for one, stall and lock_wait in seconds, tls=true, ca=file with
    the certificates to trust, unix_socket=path.
    """
    check_options(url, set(OPTIONS))
    shown = mask(url.text)
    if not url.path or "/" in url.path:
        raise UsageError(f"{shown!r} names no database; write mysql://user@host/database")
    parts = urlsplit(f"//{url.authority}")
    own = url.options
    if own.get("tls", "false") not in {"true", "false"}:
        raise UsageError(f"{shown!r}: tls is true or false")
    try:
        settings = Settings(
            host=parts.hostname or "localhost",
            port=parts.port or 3306,
            unix_socket=own.get("unix_socket"),
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            database=url.path,
            tls=own.get("tls") == "true",
            ca=own.get("ca"),
            connections=int(own.get("connections", "6")),
            wait=float(own.get("wait", "10")),
            stall=int(own.get("stall", "10")),
            lock_wait=int(own.get("lock_wait", "15")),
        )
    except ValueError:
        raise UsageError(
            f"{shown!r}: the port, connections, stall and lock_wait must be whole numbers and wait seconds"
        ) from None
    if min(settings.connections, settings.stall, settings.lock_wait) < 1 or not settings.wait > 0:
        raise UsageError(f"{shown!r}: connections, wait, stall and lock_wait must be above 0")
    return settings
