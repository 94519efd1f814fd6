"""How to connect, what a session must be, and what the server behind it is. Pure."""

from __future__ import annotations

import ssl
from typing import Any, Final

import msgspec

from threadkeep.engines.sql.mysql.packet import encode
from threadkeep.errors import SchemaMismatch, UsageError

PACKAGE: Final = "threadkeep.engines.sql.mysql"
CHARSET: Final = "utf8mb4"
MULTI_STATEMENTS: Final = 1 << 16
ROOM: Final = 1 << 16  # bytes of a packet beside its values
LARGEST: Final = 1 << 30  # bytes, of a packet


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How to connect: `connections` at most, `wait` seconds for one of them.

    `stall`: seconds that the server waits for the second half of a write before it lets the locks go.
    `lock_wait`: seconds that a write waits for the locks of another.
    """

    host: str = "localhost"
    port: int = 3306
    unix_socket: str | None = None
    user: str = ""
    password: str = msgspec.field(default="")
    database: str = ""
    tls: bool = False
    ca: str | None = None
    connections: int = 6
    wait: float = 10.0
    stall: int = 10
    lock_wait: int = 15


class Server(msgspec.Struct, frozen=True):
    """What the server is."""

    version: str = ""
    mariadb: bool = True
    durability: str = "none"
    skew: float = 0.0


_OPENING: Final = (
    "set names utf8mb4;"
    " set session sql_mode = 'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION',"
    " time_zone = '+00:00', innodb_lock_wait_timeout = %s /*M!, idle_transaction_timeout = %s */;"
    " set session transaction isolation level read committed;"
    " select @@max_allowed_packet"
)


def opening(settings: Settings) -> bytes:
    """Return what makes a session what the engine needs.

    Strict, in UTC, each statement sees what is committed when it begins; on MariaDB who stalls in a transaction is
    let go of.
    """
    return encode(_OPENING, (settings.lock_wait, settings.stall))


LOOK: Final = (
    b"select version(), @@max_allowed_packet, @@innodb_flush_log_at_trx_commit, @@log_bin, @@binlog_format,"
    b" cast(unix_timestamp(sysdate(6)) * 1000000 as signed)"
)


def arguments(settings: Settings) -> dict[str, Any]:
    """Return what both drivers take."""
    given: dict[str, Any] = {
        "user": settings.user or None,
        "password": settings.password,
        "database": settings.database,
        "charset": CHARSET,
        "autocommit": True,
        "client_flag": MULTI_STATEMENTS,
        "binary_prefix": True,
        "connect_timeout": max(1, round(settings.wait)),
    }
    if settings.unix_socket is not None:
        given["unix_socket"] = settings.unix_socket
    else:
        given |= {"host": settings.host, "port": settings.port}
    if settings.tls:
        given["ssl"] = ssl.create_default_context(cafile=settings.ca)
    return given


def check_server(row: tuple[Any, ...], moment: float, value: int) -> Server:
    """Return what the server is. SchemaMismatch or UsageError for one that cannot hold a store.

    `row` is what `LOOK` found, `moment` the time of this process in seconds, `value` the limit of a value's
    bytes, of which the wire takes twice as many at the most; one that no packet can hold is no limit, and what is
    too large is refused when it is sent.
    """
    version, packet, flush, log_bin, binlog_format, now = row
    version = _text(version)
    mariadb = "mariadb" in version.lower()
    number = tuple(int(part) for part in version.split("-")[0].split(".")[:3])
    oldest = (10, 6, 0) if mariadb else (8, 0, 19)
    if number < oldest:
        kind = "MariaDB" if mariadb else "MySQL"
        raise SchemaMismatch(
            f"{kind} {version} is too old; use {'.'.join(map(str, oldest))} or later"
        )
    least = 2 * value + ROOM
    if packet < least and value < LARGEST:
        raise UsageError(
            f"the server's max_allowed_packet is {packet} bytes; values of {value} bytes need {least}"
        )
    if log_bin and _text(binlog_format).upper() == "STATEMENT":
        raise UsageError("the server's binlog_format is STATEMENT; set it to ROW or MIXED")
    return Server(version, mariadb, durability(int(flush)), round(now / 1e6 - moment, 3))


def durability(flush: int) -> str:
    """Return what survives of an acknowledged batch, by innodb_flush_log_at_trx_commit."""
    return {0: "seconds(1)", 1: "power-loss", 2: "process", 3: "power-loss"}.get(flush, "none")


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
