"""`threadkeep demo`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from typing import Final

from threadkeep import AsyncStore
from threadkeep.cli.booking_agent import THREAD_ID, TTL, run_booking_agent
from threadkeep.cli.opening import HERE, Where, ring
from threadkeep.cli.showing import entry_data, put_fields
from threadkeep.cli.telling import count, put_json, say
from threadkeep.errors import Forbidden
from threadkeep.model.records import Entry
from threadkeep.model.urls import parse_url
from threadkeep.ops.engine import AsyncEngine

SCRIPT: Final = ("I want to book a flight", "to Sofia, please", "on 2026-06-01")


def demo(*message: str, where: Where = HERE) -> None:
    """Talk to a booking agent whose state survives the end of its process.

    Without messages it asks for them on a terminal, else plays a short script. Run it again and it goes on
    where it stopped. After each message the fields are shown, each with its own remaining lifetime.

    JSON Lines: {"thread", "message", "fields": [{"name", "value", "revision", "ttl", "expires_at",
    "remaining"}]}.

    Args:
        message: What you say to the agent, for example "book a flight to Sofia on 2026-06-01".
    """
    with asyncio.Runner() as runner:
        store = _open(where)
        try:
            _talk(runner, store, message, where)
        finally:
            runner.run(store.aclose())


def _open(where: Where) -> AsyncStore:
    if parse_url(where.url).options.get("mode") == "ro":
        raise Forbidden("the demo writes; leave mode=ro out of the URL")
    keys = ring(where)

    def encrypted(engine: AsyncEngine) -> AsyncEngine:
        from threadkeep._async.wrappers.encrypt import AsyncEncrypt

        assert keys is not None  # noqa: S101 - only used when there are some
        return AsyncEncrypt(engine, keys)

    wrap = [encrypted] if keys else []
    return AsyncStore(where.url, namespace=where.space, ttl=TTL, wrap=wrap)


def _talk(
    runner: asyncio.Runner, store: AsyncStore, messages: tuple[str, ...], where: Where
) -> None:
    known = runner.run(_fields(store))
    if known:
        say(
            f"going on where the last run stopped: {THREAD_ID} remembers {count(len(known), 'field')}"
        )
    asks = not messages and sys.stdin.isatty()
    if asks:
        say("Try: book a flight to Sofia on 2026-06-01 (Ctrl-D ends)")
        if known:
            _tell(None, known, where)
    for message in _asked() if asks else messages or SCRIPT:
        if not asks:
            say(f"> {message}")
        runner.run(run_booking_agent(store, THREAD_ID, message))
        _tell(message, runner.run(_fields(store)), where)


async def _fields(store: AsyncStore) -> dict[str, Entry]:
    """Return the fields with their lifetimes; looking renews none."""
    return await store.thread(THREAD_ID).state.entries()


def _asked() -> Iterator[str]:
    """Yield what is typed, until Ctrl-D."""
    while True:
        print("you> ", end="", file=sys.stderr, flush=True)
        line = sys.stdin.readline()
        if not line:
            say("")
            return
        if line.strip():
            yield line.strip()


def _tell(message: str | None, fields: dict[str, Entry], where: Where) -> None:
    if where.json:
        data = [entry_data(name, entry) for name, entry in fields.items()]
        put_json({"thread": THREAD_ID, "message": message, "fields": data})
    else:
        put_fields(None, fields)
