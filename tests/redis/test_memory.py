"""What a thread of 20 short fields takes on the server, against one key a field."""

from __future__ import annotations

import time

import pytest
import redis

from tests.servers.redis import RedisServer
from threadkeep import Store

THREADS = 1_000
BUDGET = 0.45
NAMES = [
    "intent",
    "city",
    "day",
    "step",
    "budget",
    "language",
    "customer",
    "tier",
    "seats",
    "cabin",
    "bags",
    "meal",
    "price",
    "airline",
    "departs",
    "arrives",
    "status",
    "turns",
    "notes",
    "channel",
]


def _used(client: redis.Redis) -> int:
    return client.info("memory")["used_memory"]


def _thread(number: int) -> str:
    return f"thrd_{number:032x}"


@pytest.mark.parametrize("name", ["redis7", "valkey9"])
def test_a_thread_takes_less_than_half_of_a_key_a_field(name: str) -> None:
    values = {field: f"value{number}" for number, field in enumerate(NAMES)}
    with RedisServer(name) as server, server.client() as client:
        with Store(server.url, ttl=1_800) as store:
            store.thread("first").state.update(values)  # what the server keeps of the script
            store.thread("first").state.get_all()
            before = _used(client)
            for number in range(THREADS):
                store.thread(_thread(number)).state.update(values)
            ours = (_used(client) - before) / THREADS
            key = f"tk:{{default:0}}:t:{_thread(0)}"
            assert client.object("encoding", key) == b"listpack"
        client.flushall(asynchronous=False)
        time.sleep(0.1)
        before = _used(client)
        pipeline = client.pipeline(transaction=False)
        for number in range(THREADS):
            for field, value in values.items():
                pipeline.set(f"session:{_thread(number)}:{field}", f'"{value}"', ex=1_800)
        pipeline.execute()
        single = (_used(client) - before) / THREADS
    assert ours <= BUDGET * single, f"{ours:.0f} bytes a thread, {single:.0f} with a key a field"


def test_a_thread_that_is_used_stays_compact(redis7: RedisServer, tk_prefix: str) -> None:
    """Overwritten, listed anew, with a label, a log and a field without an end: one small hash."""
    with Store(f"{redis7.url}?prefix={tk_prefix}", ttl=1_800) as store, redis7.client() as client:
        thread = store.thread("used")
        for turn in range(3):
            thread.state.update(dict.fromkeys(NAMES, f"value{turn}"))
            thread.messages.append({"role": "user", "content": "hello"})
        thread.set_labels(user="alice")
        assert client.object("encoding", f"{tk_prefix}:{{default:0}}:t:used") == b"listpack"
