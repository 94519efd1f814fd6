"""Defects that other stores have, of which the suite has no line of its own.

docs/concepts/guarantees.md says where each known one is tested.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest
import redis

from threadkeep import AsyncStore, Store
from threadkeep.errors import UsageError

ENGINES = ("memory", "sqlite", "valkey9")


@pytest.fixture(params=ENGINES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "memory":
        return "memory://"
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    return f"{request.getfixturevalue('valkey9_url')}?prefix={tmp_path.name}"


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with Store(url, namespace=datetime.now(UTC).isoformat()) as store:
        yield store


def said(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


# Their field `__proto__` vanished from a read of all fields, and broke the process's statistics.
def test_no_field_vanishes_because_of_its_name(store: Store):
    names = ["__proto__", "constructor", "__class__", "__dict__", "toString", "0", "-1", "None"]
    state = store.thread("t").state
    for number, name in enumerate(names):
        state.set(name, number)
    assert state.get_all() == dict(sorted(zip(names, range(8), strict=True)))
    assert [state.get(name) for name in names] == list(range(8))


# One field that was no UTF-8 made the read of the whole thread fail.
def test_bytes_do_not_spoil_the_other_fields(store: Store):
    state = store.thread("t").state
    state.update({"raw": b"\xff\x00", "text": "x", "surrogate": "\ud83d", "null": "a\0b"})
    found = state.get_all()
    assert found == {"null": "a\0b", "raw": b"\xff\x00", "surrogate": "\ud83d", "text": "x"}


# A value of another type was written first and refused then, so the error left it behind.
def test_a_refused_value_is_not_written(store: Store):
    thread = store.thread("t")
    thread.state.set("a", "old", ttl=500)
    before = thread.state.entry("a")
    for refused in (object(), float("nan"), {1: 2}, datetime(2100, 1, 1)):  # noqa: DTZ001 - what is refused
        with pytest.raises(UsageError):
            thread.state.set("a", refused)
        with pytest.raises(UsageError):
            thread.state.update({"a": "new", "b": refused})
        with pytest.raises(UsageError):
            thread.messages.append(said("fine"), refused)
    assert thread.state.entry("a") == before
    assert (thread.state.keys(), thread.messages.count()) == (["a"], 0)


# A default ttl of 0 counted as none for reads and not for writes.
def test_a_default_of_zero_is_not_taken_for_none(url: str):
    for ttl in (0, -1, {"thread": 0}):
        with pytest.raises(UsageError, match="must be positive"):
            Store(url, ttl=cast("Any", ttl))


# Made before the event loop ran, as in their quick start, it never began to work, without a word.
def test_a_store_made_before_the_loop_runs_is_whole(url: str):
    store = AsyncStore(url, namespace=datetime.now(UTC).isoformat())
    thread = store.thread("t")
    heard: list[str] = []

    async def use() -> None:
        async with store, store.sweeper(every=0.01):
            store.on("thread.destroyed", lambda event: heard.append(event.thread.id))
            await thread.state.set("a", 1)
            await thread.messages.append(said("hi"))
            assert await thread.state.get("a") == 1
            await thread.destroy()

    asyncio.run(use())
    assert heard == ["t"]


# The 101st session silently deleted another user's oldest one.
def test_no_thread_goes_because_others_come(store: Store):
    for number in range(150):
        thread = store.thread(f"t{number}")
        thread.set_labels(agent="a", user=f"u{number % 2}")
        thread.messages.append(said(str(number)))
        store.sessions.save(f"s{number}", {"n": number})
    assert sum(1 for _ in store.threads(agent="a")) == 150
    assert store.thread("t0").messages.list() == [said("0")]
    assert store.sessions.load("s0") == {"n": 0}


# The first turn on an unknown id failed after the model had been paid; saving to one did nothing at all.
def test_the_first_turn_needs_no_preparation(store: Store):
    thread = store.thread("user-alice")
    assert (thread.messages.list(), thread.state.get_all(), thread.snapshots.load()) == (
        [],
        {},
        None,
    )
    thread.messages.append(said("hi"), {"role": "assistant", "content": "hello"})
    thread.state.set("name", "Alice")
    assert [m["content"] for m in store.thread("user-alice").messages.list()] == ["hi", "hello"]
    assert [t.id for t in store.threads()] == ["user-alice"]


# Their store for Redis gave back no history: the second turn's prompt had the last message alone.
def test_the_second_turn_knows_the_first_in_another_process(url: str, tmp_path: Path):
    if url == "memory://":
        pytest.skip("capability: processes")
    space = tmp_path.name
    with Store(url, namespace=space) as first:
        first.thread("t").messages.append(said("I am Alice"))
    with Store(url, namespace=space) as second:
        second.thread("t").messages.append(said("who am I?"))
        assert second.thread("t").messages.list() == [said("I am Alice"), said("who am I?")]


# Writing state renewed the session and not its list of messages, so a live session lost its history.
@pytest.mark.parametrize("part", ["state", "messages", "snapshots", "labels"])
def test_no_part_of_a_thread_ends_before_the_others(url: str, part: str):
    if url.startswith("redis"):
        pytest.skip("capability: clock")
    time = 1_800_000_000.0
    with Store(url, thread_ttl=100, clock=lambda: time, namespace="ends") as store:
        thread = store.thread("t")
        thread.state.set("a", 1)
        thread.messages.append(said("hi"))
        thread.snapshots.save({"n": 1})
        thread.set_labels(user="alice")
        uses = {
            "state": lambda: thread.state.set("b", 1),
            "messages": lambda: thread.messages.append(said("more")),
            "snapshots": lambda: thread.snapshots.save({"n": 1}),
            "labels": lambda: thread.set_labels(last="x"),
        }
        for _ in range(5):
            time += 90
            uses[part]()
        assert thread.state.get("a") == 1
        assert thread.messages.list()[0] == said("hi")
        assert thread.snapshots.load() == {"n": 1}
        assert [t.id for t in store.threads(user="alice")] == ["t"]


# An append set the metadata, the runs and the summary to null: its upsert named every column.
def test_an_append_empties_nothing_else(store: Store):
    thread = store.thread("t")
    thread.state.update({"summary": "s", "runs": [datetime(2026, 1, 1, tzinfo=UTC)]})
    thread.set_labels(user="alice")
    thread.snapshots.save({"n": 1})
    created = thread.info()
    thread.messages.append(said("hi"))
    info = thread.info()
    assert info is not None
    assert created is not None
    assert (info.labels, info.created_at) == ({"user": "alice"}, created.created_at)
    assert thread.state.get_all() == {"runs": [datetime(2026, 1, 1, tzinfo=UTC)], "summary": "s"}
    assert thread.snapshots.load() == {"n": 1}


# Making a session that exists wiped its history in one engine, failed in another, overwrote in a third.
def test_taking_a_handle_again_wipes_nothing(store: Store):
    store.thread("t").messages.append(said("hi"))
    store.thread("t").state.set("a", 1)
    again = store.thread("t")
    info = again.info()
    assert info is not None
    assert info.created_at.tzinfo is not None
    assert abs((datetime.now(UTC) - info.created_at).total_seconds()) < 600
    assert (again.messages.list(), again.state.get_all()) == ([said("hi")], {"a": 1})


# The documented option `ttlSeconds` was read nowhere and ignored.
def test_no_option_is_ignored(url: str):
    with pytest.raises(TypeError):
        Store(url, ttlSeconds=5)  # pyright: ignore[reportCallIssue] - what is refused
    sign = "&" if "?" in url else "?"
    with pytest.raises(UsageError, match="ttlSeconds"):
        Store(f"{url}{sign}ttlSeconds=5")


# What they called fields of one thread went with another: `t1` took `t10` along, `ac` took `ac:prod`.
def test_no_name_takes_along_what_only_begins_with_it(store: Store):
    for id_ in ("t1", "t10", "t1:a", "t1*"):
        store.thread(id_).state.set("a", 1)
    for space in ("ac", "ac:prod", "ac*"):
        store.kv(space).set("k", 1)
    store.thread("t1").destroy()
    store.kv("ac").delete_namespace()
    assert {t.id for t in store.threads()} == {"t10", "t1:a", "t1*"}
    assert set(store.kv_namespaces()) == {"ac:prod", "ac*"}


# 200 turns of 400 characters wrote 9.31 MB for a session of 92 KB: each turn rewrote all of it.
def test_an_append_does_not_rewrite_the_history_on_valkey(valkey9_url: str, tmp_path: Path):
    def sent(client: redis.Redis, messages: int) -> int:
        with Store(f"{valkey9_url}?prefix={tmp_path.name}") as store:
            thread = store.thread(f"t{messages}")
            thread.messages.append(*[said("x" * 400)] * messages)
            thread.messages.append(said("x" * 400))
            before = traffic(client)
            thread.messages.append(said("x" * 400))
            return traffic(client) - before

    with redis.Redis.from_url(valkey9_url) as client:
        short, long = sent(client, 10), sent(client, 2_000)
    assert long <= short + 100


def traffic(client: redis.Redis) -> int:
    """Return the bytes that the server has received and sent."""
    stats = cast("dict[str, int]", client.info("stats"))
    return stats["total_net_input_bytes"] + stats["total_net_output_bytes"]


def test_an_append_does_not_rewrite_the_history_on_sqlite(tmp_path: Path):
    def pages(messages: int) -> int:
        path = tmp_path / f"{messages}.db"
        with Store(f"sqlite:///{path}") as store:
            thread = store.thread("t")
            thread.messages.append(*[said("x" * 400)] * messages)
            with sqlite3.connect(path) as con:
                con.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            thread.messages.append(said("x" * 400))
            return Path(f"{path}-wal").stat().st_size

    assert pages(2_000) <= pages(10) * 2
