"""All that stands in a store, without what differs from run to run, and what a store still holds."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path
from typing import Any, cast

from tests.cancellation import cases_caches
from tests.cancellation.cases import OLD, SPACE, THREAD
from threadkeep import AsyncStore
from threadkeep.layers.cache_entries import MAP
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch
from threadkeep.ops.ops import Get, Info, Read
from threadkeep.ops.reply import EntityInfo, Fields, Items

REFS = (
    *(Ref("default", "thread", name) for name in (THREAD, "s", "copy", *OLD)),
    Ref("default", "user", "alice"),
    Ref("default", "app", "app"),
    *(Ref("default", "kv", f"{SPACE}  {key}") for key in ("", "a", "b", "new")),
)
HIDDEN = ("#turn", "#end")
LOGS = ("messages", "snapshots")
Content = dict[Ref, Any]
RUN_OUT = "has run out"
EMPTY = [{}, [], []]  # what users see of nothing


async def content(store: AsyncStore) -> Content:
    """Return what each entity holds, its leases and what it keeps hidden."""
    return {ref: await _entity(store, ref) for ref in (*REFS, *cases_caches.refs(store))}


async def _entity(store: AsyncStore, ref: Ref) -> Any:
    engine = await store.ready()
    maps = (MAP if ref.kind in {"tool", "llm"} else "state", *HIDDEN)
    ops = (Info(), *(Get(name, renew=False) for name in maps), *(Read(name) for name in LOGS))
    reply = await engine.run(Batch(ref, ops))
    if reply.expired:
        return RUN_OUT
    info, *found = cast("list[Any]", reply.results)
    held: list[Any] = []
    for result in found:
        if isinstance(result, Fields):
            held.append({n: (f.value, f.window, f.end) for n, f in result.fields.items()})
        elif isinstance(result, Items):
            held.append([(i.seq, i.value, i.id) for i in result.items])
    if not isinstance(info, EntityInfo):
        return held
    counts = (info.fields, info.items, info.bytes)
    return [*held, dict(info.labels), info.window, info.end, counts]


def visible(stands: Any) -> Any:
    """Return what users see of an entity: its state, messages and snapshots."""
    return stands if stands == RUN_OUT else [stands[0], *stands[1 + len(HIDDEN) :][: len(LOGS)]]


async def other_tasks() -> list[asyncio.Task[Any]]:
    """Return the tasks beside this one that do not come to an end by themselves."""
    this = asyncio.current_task()
    for _ in range(200):
        found = [task for task in asyncio.all_tasks() if task is not this]
        if not found:
            return []
        await asyncio.sleep(0.005)
    return [task for task in asyncio.all_tasks() if task is not this]


def threads_left(before: set[threading.Thread]) -> set[threading.Thread]:
    """Return the threads of stores that do not come to an end by themselves."""
    end = time.monotonic() + 5
    while (left := threads() - before) and time.monotonic() < end:
        time.sleep(0.002)
    return left


def threads() -> set[threading.Thread]:
    """Return the threads of stores that run now."""
    return {thread for thread in threading.enumerate() if "threadkeep" in thread.name}


def open_files(path: Path) -> int:
    """Return how many descriptors of a database file, its log among them, this process has open."""
    found = 0
    for entry in Path("/proc/self/fd").iterdir():
        try:
            found += str(entry.readlink()).startswith(str(path))
        except OSError:
            continue  # the descriptor of the listing itself
    return found
