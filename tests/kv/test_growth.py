"""A page of a large namespace costs what it costs in a small one, counted in steps of the database."""

from __future__ import annotations

import sqlite3
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from threadkeep import AsyncStore
from threadkeep.engines.sql.sqlite.listing import list_page
from threadkeep.layers import kv_listing
from threadkeep.ops.engine import Page, Query

pytestmark = pytest.mark.anyio
SPACE = "archives"
NOW = 1 << 60
STEP = 10


def name_of(number: int) -> str:
    return f"{number * 2_654_435_761 % (1 << 32):08x}"


async def fill(path: Path, count: int) -> None:
    async with AsyncStore(f"sqlite:///{path}?durability=normal") as store:
        kv = store.kv(SPACE)
        for low in range(0, count, 5_000):
            await kv.set_many({name_of(n): n for n in range(low, min(low + 5_000, count))})
        for space in ("a", "archive", "archives2", "z"):
            await store.kv(space).set("k", 1)


def steps(path: Path, query: Query) -> tuple[int, Page]:
    """Return the work of a page in steps of SQLite, by tens."""
    con = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    taken = 0

    def count() -> int:
        nonlocal taken
        taken += 1
        return 0

    con.set_progress_handler(count, STEP)
    page = list_page(con, query, NOW)
    con.close()
    return taken, page


def queries() -> dict[str, Query]:
    def keys(prefix: str | None, after: str | None) -> Query:
        return kv_listing.keys("default", f"{SPACE}  ", prefix, after, 20)

    return {
        "first": keys(None, None),
        "middle": keys(None, "80000000"),
        "last": keys(None, "f0000000"),
        "prefix": keys("f", None),
        "prefix, later": keys("f", "f8"),
        "next namespace": kv_listing.next_namespace("default", None, SPACE),
    }


@pytest.mark.parametrize(
    "many",
    [20_000, pytest.param(1_000_000, marks=[pytest.mark.long, pytest.mark.timeout(1_800)])],
)
async def test_pages_are_flat(tmp_path: Path, many: int) -> None:
    few, large = tmp_path / "few.db", tmp_path / "large.db"
    await fill(few, 2_000)
    await fill(large, many)
    for name, query in queries().items():
        (before, small), (after, page) = steps(few, query), steps(large, query)
        assert len(page.items) == len(small.items) == query.limit, name
        assert after <= before * 1.2 + 1, name
    async with AsyncStore(f"sqlite:///{large}") as store:
        await look_at_all(store, many)


async def look_at_all(store: AsyncStore, many: int) -> None:
    kv = store.kv(SPACE)
    assert [name async for name in store.kv_namespaces()] == [
        "a",
        "archive",
        SPACE,
        "archives2",
        "z",
    ]
    tracemalloc.start()
    try:
        assert (await kv.stats()).count == many
        seen, last = 0, ""
        async for key in kv.keys():
            assert last < key
            seen, last = seen + 1, key
        assert seen == many
        found: list[Any] = [match.key async for match in kv.search(name_of(1_234).upper())]
        assert found == [name_of(1_234)]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 16 << 20, "a walk holds a page, not the namespace"
