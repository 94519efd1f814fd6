"""State that agents in other languages read and write at the same time, in the commands that they use."""

from __future__ import annotations

import time

import redis

from threadkeep import Store

THREAD = "user-42-thread-001"


def test_what_is_set_here_stands_there(store: Store, other: redis.Redis, cache: str):
    state = store.thread(THREAD).state
    state.set("intent", "book_flight", ttl=1_800)
    state.set("city", "София")
    assert other.get(f"{cache}:session:{THREAD}:intent") == "book_flight"
    assert other.get(f"{cache}:session:{THREAD}:city") == "София"
    assert 1_790 < other.ttl(f"{cache}:session:{THREAD}:intent") <= 1_800
    assert other.ttl(f"{cache}:session:{THREAD}:city") == -1
    state.delete("city")
    assert other.get(f"{cache}:session:{THREAD}:city") is None


def test_what_is_set_there_stands_here(store: Store, other: redis.Redis, cache: str):
    state = store.thread(THREAD).state
    other.set(f"{cache}:session:{THREAD}:intent", "book_flight", ex=1_800)
    other.set(f"{cache}:session:{THREAD}:city", "София")
    assert state.get("intent") == "book_flight"
    assert state.get_all() == {"city": "София", "intent": "book_flight"}
    assert state.get_many(["city", "day"]) == {"city": "София"}
    assert (state.keys(), state.has("city"), state.size()) == (["city", "intent"], True, 2)
    entry = state.entry("intent")
    assert entry is not None
    assert entry.expires_at is not None
    assert entry.lease.window is None
    assert abs(entry.expires_at.timestamp() - time.time() - 1_800) < 30
    other.delete(f"{cache}:session:{THREAD}:intent")
    assert state.get("intent") is None
    assert state.delete("city") == 1
    assert other.keys(f"{cache}:session:*") == []
