"""Values over 64 kB: whole, atomic, beside the script, and nothing of them is left behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any, cast

import pytest
import redis

from tests.redis.counted import CountedNodes
from tests.servers.cluster import Cluster
from tests.servers.redis import RedisServer
from threadkeep import Conflict, Store
from threadkeep._sync.drivers.redis.engine import RedisEngine
from threadkeep.engines.redis.links.url import settings_of
from threadkeep.errors import TooLarge
from threadkeep.model.options import Limits
from threadkeep.model.refs import Ref
from threadkeep.model.urls import parse_url
from threadkeep.ops.batch import Batch
from threadkeep.ops.ops import Append, Cut, Drop, Epoch, Get, Head, Missing, Read, Set
from threadkeep.ops.reply import Fields, Items

KB, MB = 1 << 10, 1 << 20
LIMITS = Limits(value=16 * MB + 64)
REF = Ref("default", "thread", "one")


class Place:
    """A store whose waits are counted, and the server's view of thread `one`."""

    def __init__(self, url: str, look: redis.Redis | redis.RedisCluster, prefix: str) -> None:
        self.nodes = CountedNodes(settings_of(parse_url(url)))
        self.engine = RedisEngine(self.nodes, LIMITS, prefix=prefix)
        self.store = Store(engine=self.engine, limits=LIMITS)
        self.store.ready()
        self.key = self.engine._layout.place(REF, None)
        self.look = look

    def left(self) -> int:
        """Return how many large values the server holds for the entity."""
        names = cast("list[bytes]", self.look.hkeys(self.key))
        return sum(name.startswith(b"\x08") for name in names)


@pytest.fixture(params=["redis7", "valkey9", "cluster"])
def place(request: pytest.FixtureRequest, tk_prefix: str) -> Iterator[Place]:
    server: RedisServer | Cluster = request.getfixturevalue(request.param)
    if isinstance(server, RedisServer):
        look: redis.Redis | redis.RedisCluster = server.client()
    else:
        look = redis.RedisCluster(host="127.0.0.1", port=server.nodes[0].port, protocol=2)
    place = Place(server.url, look, tk_prefix)
    yield place
    place.store.close()
    look.close()


@pytest.mark.parametrize("size", [70 * KB, MB, 16 * MB], ids=["70 kB", "1 MB", "16 MB"])
def test_state_and_messages_in_few_trips(place: Place, size: int) -> None:
    big, nodes, thread = "x" * (size - 3), place.nodes, place.store.thread("one")
    thread.state.set("small", 1)

    def waits() -> int:
        taken, nodes.waits = nodes.waits, 0
        return taken

    waits()
    thread.state.set("big", big)
    assert waits() <= 2
    assert thread.state.get("big") == big
    assert waits() == 2
    assert thread.state.get_all() == {"big": big, "small": 1}
    assert waits() <= 2
    assert thread.state.get("small") == 1
    assert waits() == 1
    thread.messages.append({"text": big}, {"text": "short"}, ids=["a", "b"])
    assert waits() <= 2
    assert [m["text"] for m in thread.messages.list(last=2)] == [big, "short"]
    assert waits() <= 2
    assert place.left() == 2
    thread.state.set("big", "short")
    thread.messages.clear()
    assert place.left() == 0


def test_over_the_limit_nothing_is_written(place: Place) -> None:
    thread = place.store.thread("one")
    with pytest.raises(TooLarge):
        thread.state.set("big", "x" * (17 * MB))
    assert place.look.exists(place.key) == 0


def test_what_is_refused_leaves_nothing(place: Place) -> None:
    thread, big = place.store.thread("one"), "x" * MB
    with pytest.raises(Conflict):
        thread.state.set("big", big, if_revision=7)
    assert place.look.exists(place.key) == 0, "not even an entity"
    thread.state.set("big", "first")
    refusals: list[dict[str, Any]] = [{"if_absent": True}, {"if_revision": 7}]
    for refused in refusals:
        with pytest.raises(Conflict):
            thread.state.set("big", big, **refused)
    with pytest.raises(Conflict):
        thread.messages.replace([{"text": big}], if_head=9)
    thread.messages.append({"text": "short"}, ids=["a"])
    assert thread.messages.append({"text": big}, ids=["a"]).skipped == ("a",)
    assert place.left() == 0
    assert thread.state.get("big") == "first"


def test_a_batch_is_whole_or_not_at_all(place: Place) -> None:
    run, big = place.engine.run, b"b" + b"x" * MB
    writes = (Set("state", {"a": big, "b": b"j1"}), Set("other", {"c": big}), Append("log", (big,)))
    assert not run(Batch(REF, writes, guards=(Head("log", 3),))).ok
    assert place.look.exists(place.key) == 0
    assert run(Batch(REF, writes, guards=(Missing("state", "a"),), once="first")).ok
    again = run(Batch(REF, writes, guards=(Missing("state", "a"),), once="first"))
    assert again.repeated
    assert place.left() == 2
    assert not run(Batch(REF, writes, guards=(Epoch("0" * 16),))).ok
    assert place.left() == 2
    fields, other, log = run(Batch(REF, (Get("state"), Get("other"), Read("log")))).results
    assert isinstance(fields, Fields)
    assert isinstance(other, Fields)
    assert isinstance(log, Items)
    assert [fields.fields["a"].value, other.fields["c"].value, log.items[0].value] == [big] * 3
    (taken, _) = run(Batch(REF, (Read("log"), Cut("log", keep=0)))).results
    assert isinstance(taken, Items)
    assert taken.items[0].value == big, "what is read and removed in one batch comes whole"
    assert place.left() == 1
    assert run(Batch(REF, (Drop(),))).ok
    assert place.left() == 0


def test_many_items_in_one_call(place: Place) -> None:
    """More than a script can unpack at once."""
    thread = place.store.thread("one")
    thread.messages.append(*(f"m{n}" for n in range(20_000)), ids=[f"i{n}" for n in range(20_000)])
    thread.state.update({f"f{n}": n for n in range(9_000)})
    assert thread.messages.count() == 20_000
    assert len(thread.state.get_all()) == 9_000
    thread.messages.clear()
    assert thread.state.clear() == 9_000


def test_a_reader_beside_a_writer_sees_whole_values(redis7: RedisServer, tk_prefix: str) -> None:
    values = ["a" * MB, "b" * (MB // 2), "short", "c" * (70 * KB)]
    done = threading.Event()
    with Store(f"{redis7.url}?prefix={tk_prefix}", limits=LIMITS) as store:
        thread = store.thread("one")
        thread.state.set("big", values[0])

        def write() -> None:
            for turn in range(60):
                thread.state.set("big", values[turn % len(values)])
            done.set()

        writer = threading.Thread(target=write)
        writer.start()
        seen = {store.thread("one").state.get("big")}
        while not done.is_set():
            seen.add(store.thread("one").state.get("big"))
        writer.join()
    assert seen <= set(values)


def test_the_script_never_gets_them(redis7: RedisServer, tk_prefix: str) -> None:
    """By the server's own count: a script that was given a megabyte would take a good part of a ms."""
    with Store(f"{redis7.url}?prefix={tk_prefix}") as store, redis7.client() as client:
        thread = store.thread("one")
        thread.state.set("big", "x" * 900_000)
        client.config_set("slowlog-log-slower-than", 0)
        client.config_set("slowlog-max-len", 100)
        client.slowlog_reset()
        thread.state.get("big")
        thread.state.set("big", "y" * 900_000)
        words = [entry["command"].split() for entry in client.slowlog_get(100)]
        client.config_set("slowlog-log-slower-than", 10_000)
    scripts = [w for w in words if w[0] in {b"EVAL", b"EVALSHA"}]
    assert {w[0] for w in words} >= {b"HSET", b"HGET"}
    assert scripts
    assert not any(b"yyyy" in word for w in scripts for word in w)
