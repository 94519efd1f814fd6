"""The suite with one key per field: the topics in which the values and ends of fields take part.

What this layout does not give is skipped here by name; docs/how-to/move-from-betterdb.md tells users of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from threadkeep._async.drivers.redis.keyed import AsyncKeyedEngine
from threadkeep.engines.redis.keyed.names import Keyed
from threadkeep.engines.redis.links import AsyncNodes
from threadkeep.model.options import Limits
from threadkeep.ops.engine import AsyncEngine
from threadkeep.testing.aio import (
    TestAtomicity,
    TestCodec,
    TestDirectory,
    TestExpiry,
    TestForks,
    TestGuards,
    TestLeases,
    TestLimits,
    TestListing,
    TestNames,
    TestState,
    anyio_backend,
    clock,
    engine,
    leased,
    make_store,
    namespace,
    needs_clock,
    needs_limits,
    needs_processes,
    needs_watch,
    open_engine,
    own,
    store,
    subject,
    thread,
)

__all__ = [
    "TestAtomicity",
    "TestCodec",
    "TestDirectory",
    "TestExpiry",
    "TestForks",
    "TestGuards",
    "TestLeases",
    "TestLimits",
    "TestListing",
    "TestNames",
    "TestState",
    "anyio_backend",
    "clock",
    "engine",
    "leased",
    "make_store",
    "namespace",
    "needs_clock",
    "needs_limits",
    "needs_processes",
    "needs_watch",
    "open_engine",
    "own",
    "store",
    "subject",
    "thread",
]
COLON = "names of threads and fields with a colon"
TOGETHER = "fields and the rest of a batch at one moment"
MISSING: dict[str, str] = {
    "test_a_prefix_is_text_not_a_pattern": COLON,
    "test_by_prefix": COLON,
    "test_fields_are_apart": COLON,
    "test_threads_are_apart": COLON,
    "test_of_writers_with_the_same_guard_one_wins": "a revision that only moves with changes",
    "test_readers_never_see_a_half": TOGETHER,
    "test_info": "bytes of fields in the info of a thread",
    "test_a_listing_does_not_count_it": "bytes of fields in the info of a thread",
}


@pytest.fixture(autouse=True)
def given(request: Any) -> None:
    """Skip what this layout does not give."""
    reason = MISSING.get(request.node.originalname)
    if reason is not None:
        pytest.skip(f"capability: {reason}")


@pytest.fixture
def make_engine(valkey9_url: str, cache: str) -> Callable[..., AsyncEngine]:
    def make(_now: Callable[[], int], limits: Limits) -> AsyncEngine:
        nodes = AsyncNodes.from_url(valkey9_url)
        return AsyncKeyedEngine(nodes, limits, Keyed(cache), prefix=f"{cache}.tk")

    return make
