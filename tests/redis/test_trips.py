"""How often a call waits for the server: once, but for the few that say so."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pytest

from tests.redis.counted import CountedNodes
from tests.redis.engine import clocked
from tests.servers.cluster import Cluster
from tests.servers.proxy import Proxy
from tests.servers.redis import RedisServer
from threadkeep import Conflict, Store
from threadkeep._sync.drivers.redis.engine import RedisEngine
from threadkeep._sync.entity import Thread
from threadkeep.engines.redis.links.url import settings_of
from threadkeep.model.leases import SECOND
from threadkeep.model.options import Limits
from threadkeep.model.urls import parse_url

numbers = itertools.count()
TURN = [{"role": "user", "content": "hello"}, {"role": "assistant", "content": "good day"}]


class Seen:
    """A store behind a proxy that counts what is sent, and the clock of its engine."""

    def __init__(self, server: RedisServer, prefix: str) -> None:
        self.now = 1_800_000_000 * SECOND
        self.proxy = Proxy(server.port)
        url = f"redis://127.0.0.1:{self.proxy.port}"
        self.store = Store(engine=clocked(url, prefix, lambda: self.now, Limits()), ttl=1_800)
        self.thread = self.store.thread(f"thread-{next(numbers)}")
        self.thread.state.update({"intent": "book", "city": "Sofia", "turns": 1, "log": []})
        self.thread.messages.append(*TURN)
        self.thread.snapshots.save(b"image")

    def trips(self, call: Callable[[], object]) -> int:
        self.proxy.reset()
        call()
        return self.proxy.counts.packets_up


@pytest.fixture(scope="module")
def seen(redis7: RedisServer) -> Iterator[Seen]:
    seen = Seen(redis7, f"trips{next(numbers)}")
    yield seen
    seen.store.close()
    seen.proxy.close()


def _refused(thread: Thread) -> None:
    with pytest.raises(Conflict):
        thread.state.set("intent", "other", if_absent=True)


CALLS: dict[str, tuple[int, Callable[[Thread], object]]] = {
    "get": (1, lambda t: t.state.get("intent")),
    "get absent": (1, lambda t: t.state.get("nothing")),
    "get_many": (1, lambda t: t.state.get_many(["intent", "city"])),
    "get_all": (1, lambda t: t.state.get_all()),
    "get_all prefix": (1, lambda t: t.state.get_all("c")),
    "entry": (1, lambda t: t.state.entry("intent")),
    "entries": (1, lambda t: t.state.entries()),
    "set": (1, lambda t: t.state.set("intent", "fly")),
    "set long": (1, lambda t: t.state.set("long", "x" * 5_000)),
    "get long": (1, lambda t: t.state.get("long")),
    "set refused": (1, _refused),
    "update": (1, lambda t: t.state.update({"a": 1, "b": 2})),
    "increment": (1, lambda t: t.state.increment("turns")),
    "push": (2, lambda t: t.state.push("log", 1)),
    "mutate": (2, lambda t: t.state.mutate("turns", lambda n: n + 1)),
    "has": (1, lambda t: t.state.has("intent")),
    "keys": (1, lambda t: t.state.keys()),
    "size": (1, lambda t: t.state.size()),
    "touch fields": (1, lambda t: t.state.touch()),
    "delete": (1, lambda t: t.state.delete("a", "b")),
    "append": (1, lambda t: t.messages.append(*TURN)),
    "append with ids": (1, lambda t: t.messages.append(*TURN, ids=["one", "two"])),
    "append again": (1, lambda t: t.messages.append(*TURN, ids=["one", "two"])),
    "last": (1, lambda t: t.messages.list(last=20)),
    "page": (1, lambda t: t.messages.list(after=1, limit=2)),
    "count": (1, lambda t: t.messages.count()),
    "pop": (1, lambda t: t.messages.pop()),
    "replace": (1, lambda t: t.messages.replace(TURN)),
    "trim": (2, lambda t: t.messages.trim(keep_last=1)),
    "save": (1, lambda t: t.snapshots.save(b"another")),
    "load": (1, lambda t: t.snapshots.load()),
    "history": (1, lambda t: t.snapshots.history()),
    "info": (1, lambda t: t.info()),
    "set_labels": (1, lambda t: t.set_labels(user="alice")),
    "touch": (1, lambda t: t.touch()),
    "clear": (1, lambda t: t.state.clear()),
    "clear messages": (1, lambda t: t.messages.clear()),
    "destroy": (1, lambda t: t.destroy()),
}


def test_each_call(seen: Seen) -> None:
    seen.store.tools.check("none", {})  # what a store reads once
    took = {name: seen.trips(lambda c=call: c(seen.thread)) for name, (_, call) in CALLS.items()}
    assert took == {name: trips for name, (trips, _) in CALLS.items()}


def test_the_first_write_of_a_thread_is_one(seen: Seen) -> None:
    for write in (
        lambda t: t.state.set("a", 1),
        lambda t: t.messages.append(*TURN),
        lambda t: t.snapshots.save(b"x"),
    ):
        thread = seen.store.thread(f"new-{next(numbers)}")
        assert seen.trips(lambda w=write, t=thread: w(t)) == 1


def test_renewals_come_with_the_read(seen: Seen) -> None:
    thread = seen.store.thread(f"renewed-{next(numbers)}")
    thread.state.update({"a": 1, "b": 2})
    for read in (lambda: thread.state.get("a"), thread.state.get_all):
        seen.now += 300 * SECOND
        before = thread.state.entry("a")
        assert seen.trips(read) == 1
        after = thread.state.entry("a")
        assert before is not None and before.expires_at is not None  # noqa: PT018
        assert after is not None and after.expires_at is not None  # noqa: PT018
        assert after.expires_at > before.expires_at


def test_a_read_that_meets_an_end_looks_after_it(seen: Seen) -> None:
    """Once: what was seen to be over is removed, so that no clock revives it."""
    thread = seen.store.thread(f"ended-{next(numbers)}")
    thread.state.set("stays", 1)
    thread.state.set("goes", 1, ttl=10)
    seen.now += 11 * SECOND
    assert seen.trips(lambda: thread.state.get("stays")) == 1
    assert seen.trips(lambda: thread.state.get("goes")) == 2
    assert seen.trips(lambda: thread.state.get("goes")) == 1


def test_caches_and_namespaces(seen: Seen) -> None:
    tools, kv = seen.store.tools, seen.store.kv("archive")
    tools.store("weather", {"city": "Sofia"}, "sun", ttl=60)
    kv.set("first", 1)
    calls = {
        "check": lambda: tools.check("weather", {"city": "Sofia"}),
        "miss": lambda: tools.check("weather", {"city": "Rome"}),
        "store": lambda: tools.store("weather", {"city": "Rome"}, "rain", ttl=60),
        "kv set": lambda: kv.set("second", 2),
        "kv get": lambda: kv.get("second"),
        "kv delete": lambda: kv.delete("second"),
    }
    assert {name: seen.trips(call) for name, call in calls.items()} == dict.fromkeys(calls, 1)


def _listed(store: Store, nodes: CountedNodes) -> None:
    for number in range(150):
        store.thread(f"t{number:03}").state.set("a", 1)
    for prefix in (None, "t"):
        nodes.waits = 0
        page = store.threads(prefix=prefix, limit=50).page(None)
        assert len(page.items) == 50
        assert nodes.waits == 2


def test_a_page_over_64_shards_is_two(redis7: RedisServer, tk_prefix: str) -> None:
    with Proxy(redis7.port) as proxy:
        nodes = CountedNodes(settings_of(parse_url(f"redis://127.0.0.1:{proxy.port}")))
        engine = RedisEngine(nodes, Limits(), prefix=tk_prefix, shards=64)
        with Store(engine=engine) as store:
            _listed(store, nodes)
            proxy.reset()
            store.threads(limit=50).page(None)
            assert proxy.counts.packets_up == 2


def test_a_page_over_a_cluster_is_two(cluster: Cluster, tk_prefix: str) -> None:
    nodes = CountedNodes(settings_of(parse_url(cluster.url)))
    with Store(engine=RedisEngine(nodes, Limits(), prefix=tk_prefix)) as store:
        _listed(store, nodes)
