"""What a connection must be, and what the server behind it is. Pure, but for a look at a socket."""

from __future__ import annotations

import re
import select
from typing import Any, Final

import msgspec
import psycopg
from psycopg.pq import ConnStatus

from threadkeep.errors import SchemaMismatch, UsageError

PACKAGE: Final = "threadkeep.engines.sql.postgres"
OLDEST: Final = 130000


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How to connect: `connections` at most, `wait` seconds for one of them."""

    conninfo: str = ""
    connections: int = 6
    wait: float = 10.0


class Server(msgspec.Struct, frozen=True):
    """What the server is; `direct`: no pooler stands before it."""

    version: str
    durability: str
    skew: float
    direct: bool = False


def unprepared() -> dict[str, Any]:
    """Return the options of a connection that works behind a transaction pooler too."""
    return {"autocommit": True, "prepare_threshold": None}


def prepared() -> dict[str, Any]:
    """Return the options of a connection that the server keeps statements for."""
    return {"autocommit": True, "prepare_threshold": 0}


def check_server(number: int, encoding: str, schema: str | None) -> None:
    """Raise UsageError or SchemaMismatch for a database that cannot hold a store."""
    if number < OLDEST:
        raise SchemaMismatch(
            f"PostgreSQL {number // 10000} is too old; use {OLDEST // 10000} or later"
        )
    if encoding != "UTF8":
        raise SchemaMismatch(
            f"the database's encoding is {encoding}; names need UTF8 (create database ... encoding 'UTF8')"
        )
    if schema is None:
        raise UsageError(
            "the connection's search_path leads to no schema; create one or pass schema="
        )


def durability(fsync: str, commit: str, delay: str) -> str:
    """Return what survives of an acknowledged batch, by the server's settings."""
    if fsync != "on":
        return "process"
    if commit != "off":
        return "power-loss"
    found = re.fullmatch(r"(\d+)(us|ms|s|min)?", delay)
    unit = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, None: 1e-3}
    seconds = 3 * float(found[1]) * unit[found[2]] if found else 0.6
    return f"seconds({seconds:g})"


def is_gone(connection: psycopg.pq.abc.PGconn) -> bool:
    """Tell whether the server has closed a connection that nobody uses."""
    try:
        for _ in range(4):  # a last word of the server, then the end
            if not _readable(connection.socket):
                break
            connection.consume_input()
    except psycopg.Error:
        return True
    return connection.status != ConnStatus.OK


def _readable(socket: int) -> bool:
    poll = getattr(select, "poll", None)
    if poll is None:
        return bool(select.select([socket], [], [], 0)[0])
    waiter = poll()
    waiter.register(socket, select.POLLIN)
    return bool(waiter.poll(0))
