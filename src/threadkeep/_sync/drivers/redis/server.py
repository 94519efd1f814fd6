# Generated from src/threadkeep/_async/drivers/redis/server.py by scripts/unasync. Do not edit.
"""What a server is set to: durability, eviction, clock."""

from __future__ import annotations

import time
from typing import Any

import msgspec

from threadkeep.engines.redis.links import Nodes
from threadkeep.errors import Forbidden, UsageError


class Found(msgspec.Struct, frozen=True):
    """What the primaries say; None where they do not tell. `skew`: seconds ahead of this process."""

    version: str
    primary: bool
    appendonly: str | None
    appendfsync: str | None
    eviction: str | None
    skew: float


def examine(nodes: Nodes) -> Found:
    """Ask the primaries for their settings; one that an ACL keeps from telling is not an error."""
    told = [i for i in nodes.everywhere(("INFO", "server")) if isinstance(i, bytes)]
    roles = nodes.everywhere(("INFO", "replication"))
    settings: dict[str, str | None] = {}
    for name in ("appendonly", "appendfsync", "maxmemory-policy"):
        values = {_setting(answer) for answer in nodes.everywhere(("CONFIG", "GET", name))}
        settings[name] = _weakest(values)
    before = time.time()
    (moment, *_) = nodes.everywhere(("TIME",))
    middle = (before + time.time()) / 2
    skew = 0.0
    if not isinstance(moment, Exception):
        seconds, micros = moment
        skew = int(seconds) + int(micros) / 1e6 - middle
    return Found(
        version=_version(told[0].decode(errors="replace") if told else ""),
        primary=not any(isinstance(role, bytes) and b"role:slave" in role for role in roles),
        appendonly=settings["appendonly"],
        appendfsync=settings["appendfsync"],
        eviction=settings["maxmemory-policy"],
        skew=round(skew, 3),
    )


def _setting(answer: Any) -> str | None:
    """Return the value of `CONFIG GET name`: a list, by RESP 3 a dict."""
    if isinstance(answer, Exception) or not answer:
        return None
    found: list[bytes] = list(answer.values()) if hasattr(answer, "values") else answer[1:]
    return found[0].decode()


_ORDER = (None, "no", "allkeys-lru", "everysec", "yes", "always")


def _weakest(values: set[str | None]) -> str | None:
    known = [value for value in values if value in _ORDER]
    if known:
        return min(known, key=_ORDER.index)
    return next(iter(values), None)


def _version(info: str) -> str:
    lines = dict(line.split(":", 1) for line in info.splitlines() if ":" in line)
    valkey = lines.get("valkey_version")
    return f"valkey {valkey}" if valkey else f"redis {lines.get('redis_version', 'unknown')}"


def durability(found: Found) -> str:
    """Say what of an acknowledged batch survives what, as the server's settings have it."""
    if found.appendonly != "yes" or not found.primary:
        return "none"
    return {"always": "power-loss", "everysec": "seconds(1)"}.get(
        found.appendfsync or "", "process"
    )


def check_waiting(nodes: Nodes, found: Found) -> None:
    """Raise UsageError or Forbidden where a write cannot wait for the server's disk."""
    if not found.primary:
        raise UsageError("durable=True, but this server is a replica; connect to its primary")
    if found.appendonly == "no":
        raise UsageError("durable=True needs a server with `appendonly yes`; this one keeps no log")
    if not _tells_truly(found.version):
        raise UsageError(
            f"durable=True needs `appendfsync always` on {found.version}: WAITAOF, by which writes could"
            " wait for `everysec`, is missing there or answers before the disk has them; Redis 8 and"
            " later can"
        )
    if found.appendfsync == "no":
        raise UsageError(
            "durable=True needs `appendfsync everysec` or `always`; with `no` the server never says that"
            " its disk has a write"
        )
    for answer in nodes.everywhere(("WAITAOF", 1, 0, 1)):
        if isinstance(answer, Forbidden):
            raise Forbidden("durable=True waits by WAITAOF; allow it to this user: `+waitaof`")
        if isinstance(answer, Exception):
            raise UsageError(f"durable=True waits by WAITAOF, and this server does not: {answer}")


def _tells_truly(version: str) -> bool:
    """Tell whether WAITAOF waits for the disk.

    Before Redis 8 and in each Valkey up to 9.1 at least it answers too early when less than a second has
    passed since the last sync (https://github.com/redis/redis/pull/13793).
    """
    family, _, number = version.partition(" ")
    major = number.partition(".")[0]
    return family == "redis" and major.isdecimal() and int(major) >= 8


def refuse_eviction(policy: str | None) -> None:
    """Raise UsageError where the server may drop half of an entity."""
    if policy is not None and policy.startswith("allkeys"):
        raise UsageError(
            f"the server evicts by {policy}, which drops parts of entities; set maxmemory-policy to noeviction"
        )
