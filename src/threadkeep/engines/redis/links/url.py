"""Store URLs: `redis`, `rediss`, `valkey` and `valkeys`, each also with `+cluster`, `+sentinel`, `+unix`.

redis://[user:password@]host[:port][/db]
redis+unix:///path/to/socket[?db=1]
redis+cluster://[user:password@]host[:port],host[:port],...
redis+sentinel://[user:password@]host[:port],host[:port],.../service[/db]
"""

from __future__ import annotations

import math
import ssl
from typing import Final
from urllib.parse import unquote

from threadkeep.engines.redis.links.settings import Login, Mode, Settings, Tls
from threadkeep.engines.redis.links.slots import Address
from threadkeep.errors import UsageError
from threadkeep.model.urls import StoreUrl, check_options, mask

_TIMES: Final = {"timeout", "connect_timeout", "failover_timeout"}
_TLS: Final = {
    "ssl_ca_certs",
    "ssl_certfile",
    "ssl_keyfile",
    "ssl_password",
    "ssl_cert_reqs",
    "ssl_check_hostname",
}
_SENTINEL: Final = {"sentinel_username", "sentinel_password"}
_MODES: Final[dict[str, Mode]] = {
    "": "single",
    "unix": "single",
    "cluster": "cluster",
    "sentinel": "sentinel",
}
SCHEMES: Final = tuple(
    base + suffix
    for base in ("redis", "rediss", "valkey", "valkeys")
    for suffix in ("", "+cluster", "+sentinel", "+unix")
    if (base, suffix) not in {("rediss", "+unix"), ("valkeys", "+unix")}
)


def settings_of(url: StoreUrl, also: frozenset[str] = frozenset()) -> Settings:
    """Return the settings that a URL names; `also`: options that somebody else reads.

    Raises UsageError, which never shows a password.
    """
    base, _, kind = url.scheme.partition("+")
    secure = base.endswith("s") and base != "redis"
    known = _TIMES | {"client_name", "db"} | also
    known |= _TLS if secure else set()
    known |= _SENTINEL if kind == "sentinel" else set()
    check_options(url, set(known))
    login, hosts = _authority(url, kind)
    service, db = _path(url, kind)
    options = url.options
    tls = _tls(url) if secure else None
    return Settings(
        addresses=hosts,
        mode=_MODES[kind],
        service=service,
        login=login,
        sentinel_login=Login(options.get("sentinel_username"), options.get("sentinel_password")),
        db=db,
        client_name=_client_name(url),
        tls=tls,
        sentinel_tls=tls,
        timeout=_seconds(url, "timeout", 5.0),
        connect_timeout=_seconds(url, "connect_timeout", 5.0),
        failover_timeout=_seconds(url, "failover_timeout", 30.0),
    )


def _wrong(url: StoreUrl, why: str) -> UsageError:
    return UsageError(f"{mask(url.text)!r} {why}")


def _authority(url: StoreUrl, kind: str) -> tuple[Login, tuple[Address, ...]]:
    user, _, hosts = url.authority.rpartition("@")
    name, colon, password = user.partition(":")
    login = Login(unquote(name) or None, unquote(password) if colon else None)
    if login.username and login.password is None:
        raise _wrong(url, "names a user without a password; write user:password@")
    if kind == "unix":
        if hosts or not url.path:
            raise _wrong(url, "is no unix socket; write redis+unix:///path/to/socket")
        return login, (Address("/" + url.path, 0),)
    port = 26379 if kind == "sentinel" else 6379
    found = tuple(_address(url, host, port) for host in hosts.split(","))
    if len(found) > 1 and not kind:
        raise _wrong(url, "names several hosts; write +cluster or +sentinel after the scheme")
    return login, found


def _address(url: StoreUrl, text: str, default: int) -> Address:
    host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]"):
        host, port = text, str(default)
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise _wrong(url, f"has the port {port!r}; a port is 1 to 65535")
    if not host:
        raise _wrong(url, "names no host")
    return Address(host.strip("[]"), int(port))


def _path(url: StoreUrl, kind: str) -> tuple[str | None, int]:
    """Return the service and the number of the database."""
    path = "" if kind == "unix" else url.path
    service = None
    if kind == "sentinel":
        service, _, path = path.partition("/")
        if not service:
            raise _wrong(url, "names no service; write redis+sentinel://host:26379/service")
    if path and "db" in url.options:
        raise _wrong(url, "names the database twice")
    db = path or url.options.get("db", "0")
    if not db.isdecimal():
        raise _wrong(url, f"has the database {db!r}; it is a number")
    return service, int(db)


def _seconds(url: StoreUrl, name: str, default: float) -> float:
    try:
        seconds = float(url.options.get(name, default))
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise _wrong(url, f"has {name}={url.options[name]}; pass seconds")
    return seconds


def _client_name(url: StoreUrl) -> str | None:
    name = url.options.get("client_name")
    if name is not None and (not name.isascii() or not name.isprintable() or " " in name):
        raise _wrong(url, "has a client_name with spaces or special characters")
    return name


def _tls(url: StoreUrl) -> Tls:
    options = url.options
    verify = options.get("ssl_cert_reqs", "required")
    if verify not in {"required", "none"}:
        raise _wrong(url, f"has ssl_cert_reqs={verify}; known: required, none")
    hostname = options.get("ssl_check_hostname", "true")
    if hostname not in {"true", "false"}:
        raise _wrong(url, f"has ssl_check_hostname={hostname}; known: true, false")
    return Tls(
        ca_file=options.get("ssl_ca_certs"),
        cert_file=options.get("ssl_certfile"),
        key_file=options.get("ssl_keyfile"),
        key_password=options.get("ssl_password"),
        verify=ssl.CERT_NONE if verify == "none" else ssl.CERT_REQUIRED,
        check_hostname=hostname == "true",
    )
