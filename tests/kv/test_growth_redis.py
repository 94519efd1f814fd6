"""A page of a large namespace costs what it costs in a small one, counted in commands and bytes of the server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest
import redis

from tests.kv.test_growth import SPACE, name_of
from tests.servers.redis import RedisServer
from threadkeep import AsyncStore

pytestmark = pytest.mark.anyio
FEW = 2_000


def store_on(server: RedisServer, prefix: str) -> AsyncStore:
    return AsyncStore(f"{server.url}?prefix={prefix}")


async def fill(server: RedisServer, prefix: str, count: int) -> None:
    async with store_on(server, prefix) as store:
        kv = store.kv(SPACE)
        for low in range(0, count, 5_000):
            await kv.set_many({name_of(n): n for n in range(low, min(low + 5_000, count))})
        for space in ("a", "archive", "archives2", "z"):
            await store.kv(space).set("k", 1)


def told(client: redis.Redis) -> tuple[dict[str, int], int]:
    """Return how often the server ran each command, and the bytes it has sent."""
    stats = cast("dict[str, dict[str, Any]]", client.info("commandstats"))
    runs = {name: row["calls"] for name, row in stats.items() if "info" not in name}
    return runs, cast("dict[str, Any]", client.info("stats"))["total_net_output_bytes"]


def asks(store: AsyncStore) -> dict[str, Callable[[], Awaitable[object]]]:
    kv = store.kv(SPACE)

    async def second() -> None:
        listing = kv.keys(prefix="f", limit=20)
        await listing.page((await listing.page()).cursor)

    return {
        "first": kv.keys(limit=20).page,
        "prefix": kv.keys(prefix="f", limit=20).page,
        "second": second,
        "namespaces": store.kv_namespaces(limit=2).page,
        "get": lambda: kv.get(name_of(1_234)),
    }


async def costs(server: RedisServer, prefix: str) -> dict[str, tuple[dict[str, int], int]]:
    """Return what each call costs the server."""
    found: dict[str, tuple[dict[str, int], int]] = {}
    async with store_on(server, prefix) as store:
        with redis.Redis.from_url(server.url) as client:
            for name, ask in asks(store).items():
                await ask()  # what is only found out once
                told(client)
                before, sent = told(client)
                itself = told(client)[1] - sent
                await ask()
                after, now = told(client)
                runs = {
                    command: after[command] - before.get(command, 0)
                    for command in after
                    if after[command] != before.get(command, 0)
                }
                found[name] = runs, now - sent - 2 * itself
    return found


@pytest.mark.parametrize(
    "many",
    [10_000, pytest.param(1_000_000, marks=[pytest.mark.long, pytest.mark.timeout(1_800)])],
)
async def test_pages_are_flat(valkey9: RedisServer, many: int) -> None:
    await fill(valkey9, "few", FEW)
    await fill(valkey9, f"many{many}", many)
    small, large = await costs(valkey9, "few"), await costs(valkey9, f"many{many}")
    for name, (runs, sent) in small.items():
        assert large[name][0] == runs, name
        assert large[name][1] <= sent + 200, name
    async with store_on(valkey9, f"many{many}") as store:
        kv = store.kv(SPACE)
        assert (await kv.stats()).count == many
        seen, last = 0, ""
        async for key in kv.keys():
            assert last < key
            seen, last = seen + 1, key
        assert seen == many
