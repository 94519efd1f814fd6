"""A cluster whose slots move and whose nodes die, while it is written to."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
import redis.asyncio
import valkey
import valkey.asyncio

from tests.redis.sides import Side, Tasks, at_once, connected
from tests.servers.cluster import Cluster
from threadkeep.engines.redis.links import AsyncNodes, Nodes, Script, ServerError, slot_of
from threadkeep.errors import Unavailable, UsageError

TWO = Script.of("redis.call('INCR', KEYS[1]) return redis.call('INCR', KEYS[2])")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with Cluster(node_timeout=1500) as cluster:
        yield cluster


@pytest.fixture(params=["tasks", "threads"])
def side(request: pytest.FixtureRequest, cluster: Cluster) -> Iterator[Side]:
    side = connected(request.param, cluster.url)
    for node in cluster.nodes:
        if node.client().role()[0] in {b"master", "master"}:
            node.client().flushall()
    yield side
    side.close()


def value(side: Side, key: str) -> int:
    (answer,) = side.call(slot_of(key.encode()), [("GET", key)], again=True)
    return int(answer or 0)


class Load:
    """Callers that count up keys of one slot until told to stop."""

    def __init__(self, side: Side, keys: list[str], before: Load | None = None) -> None:
        self._side, self._keys = side, keys
        self._stop = threading.Event()
        self.done: Counter[str] = before.done if before else Counter()
        self.doubts: Counter[str] = before.doubts if before else Counter()
        self.wrong: list[Any] = []
        self.longest = 0.0
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._work, args=(n,)) for n in range(16)]
        for thread in self._threads:
            thread.start()

    def _work(self, number: int) -> None:
        draw = random.Random(number)
        while not self._stop.is_set():
            key = draw.choice(self._keys)
            pair = draw.random() < 0.3
            slot = slot_of(key.encode())
            commands: list[Any] = [(TWO, 2, key, f"{key}:two")] if pair else [("INCR", key)]
            begun = time.monotonic()
            try:
                (answer,) = self._side.call(slot, commands, again=False)
            except Unavailable as error:
                with self._lock:
                    self.doubts[key] += error.maybe_applied
                continue
            with self._lock:
                self.longest = max(self.longest, time.monotonic() - begun)
                self.done[key] += 1
                if not isinstance(answer, int):
                    self.wrong.append(answer)

    def end(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive(), "a caller hangs"

    def check(self) -> None:
        assert not self.wrong
        for key in self._keys:
            found = value(self._side, key)
            assert self.done[key] <= found <= self.done[key] + self.doubts[key], key


def test_every_slot_has_its_node(cluster: Cluster, side: Side) -> None:
    for number in range(200):
        key = f"k{number}"
        assert side.call(slot_of(key.encode()), [("SET", key, number)], again=False) == [b"OK"]
    ports = {answer[1] for answer in side.everywhere(("CONFIG", "GET", "port"))}
    assert ports == {str(cluster.owner(slot).port).encode() for slot in (0, 8000, 16000)}
    (crossed,) = side.call(slot_of(b"a"), [("MSET", "a", 1, "b", 1)], again=False)
    assert isinstance(crossed, ServerError)
    assert crossed.code == "CROSSSLOT"


def test_a_cluster_is_not_one_server(cluster: Cluster) -> None:
    for kind in ("tasks", "threads"):
        with pytest.raises(UsageError, match=r"\+cluster"):
            connected(kind, f"redis://127.0.0.1:{cluster.nodes[0].port}")


def test_a_slot_moved_under_load(cluster: Cluster, side: Side) -> None:
    keys = [f"{{moving}}:{number}" for number in range(300)]
    slot = slot_of(b"moving")
    for key in keys:
        side.call(slot, [("SET", key, 0), ("SET", f"{key}:two", 0)], again=False)
    load = Load(side, keys)
    for _ in range(2):
        time.sleep(0.2)
        home = cluster.owner(slot)
        target = next(cluster.owner(s) for s in (0, 8000, 16000) if cluster.owner(s) is not home)
        cluster.move(slot, target)
    time.sleep(0.2)
    load.end()
    load.check()
    assert not load.doubts
    assert sum(load.done.values()) > 200


def test_a_slot_migrated_under_load(cluster: Cluster, side: Side) -> None:
    keys = [f"{{whole}}:{number}" for number in range(300)]
    slot = slot_of(b"whole")
    load = Load(side, keys)
    for _ in range(3):
        time.sleep(0.2)
        home = cluster.owner(slot)
        target = next(cluster.owner(s) for s in (0, 8000, 16000) if cluster.owner(s) is not home)
        cluster.migrate(slot, slot, target)
    load.end()
    load.check()
    assert not load.doubts


@pytest.mark.parametrize(
    "make",
    [
        redis.RedisCluster,
        valkey.ValkeyCluster,
        redis.asyncio.RedisCluster,
        valkey.asyncio.ValkeyCluster,
    ],
)
def test_a_client_of_a_cluster(cluster: Cluster, make: Callable[..., Any]) -> None:
    client = make(host="127.0.0.1", port=cluster.nodes[2].port, client_name="mine")
    blocking = make in {redis.RedisCluster, valkey.ValkeyCluster}
    side: Side = Nodes.from_client(client) if blocking else Tasks(AsyncNodes.from_client(client))
    side.open()
    assert side.everywhere(("CLIENT", "GETNAME")) == [b"mine"] * 3
    side.close()
    if blocking:
        client.close()


def halfway(cluster: Cluster, slot: int, moved: list[str]) -> Callable[[], None]:
    """Begin to move a slot, move some keys, and return what ends it."""
    source = cluster.owner(slot)
    target = next(cluster.owner(s) for s in (0, 8000, 16000) if cluster.owner(s) is not source)
    cluster.begin_move(slot, source, target)
    cluster.move_keys(source, target, moved)
    return lambda: cluster.move(slot, target)


def test_half_of_a_slot_has_moved(cluster: Cluster, side: Side) -> None:
    slot = slot_of(b"half")
    commands: list[Any] = [("SET", f"{{half}}{n}", n) for n in range(4)]
    side.call(slot, commands, again=False)
    end = halfway(cluster, slot, ["{half}1", "{half}3"])
    found = side.call(slot, [("GET", f"{{half}}{n}") for n in range(4)], again=False)
    assert found == [b"0", b"1", b"2", b"3"]
    assert side.call(slot, [(TWO, 2, "{half}1", "{half}3")], again=False) == [4]
    # its keys are on two nodes, so this waits for the end, and so does a transaction
    timer = threading.Timer(0.5, end)
    timer.start()
    begun = time.monotonic()
    assert side.call(slot, [(TWO, 2, "{half}0", "{half}1")], again=False) == [3]
    assert time.monotonic() - begun > 0.3
    timer.join()
    end = halfway(cluster, slot, ["{half}0"])
    timer = threading.Timer(0.5, end)
    timer.start()
    transaction: list[Any] = [("MULTI",), ("GET", "{half}0"), ("GET", "{half}1"), ("EXEC",)]
    assert side.call(slot, transaction, again=False)[-1] == [b"1", b"3"]
    timer.join()


def test_a_node_killed_under_load(cluster: Cluster, side: Side) -> None:
    slots = [slot_of(tag) for tag in (b"a", b"b", b"c")]
    assert len({cluster.owner(slot).port for slot in slots}) == 3
    keys = [f"{{{tag}}}:{number}" for tag in "abc" for number in range(10)]
    load = Load(side, keys)
    time.sleep(0.5)
    # what the replica has not got is lost with the primary, whoever asks: let it catch up
    load.end()
    cluster.owner(slots[0]).client().wait(1, 5000)
    load.check()
    again = Load(side, keys, before=load)
    cluster.kill(slots[0])
    time.sleep(1)
    again.end()
    cluster.restore()
    assert not again.wrong
    assert again.longest < 25
    for key in keys:
        assert value(side, key) <= again.done[key] + again.doubts[key]
        if not key.startswith("{a}"):
            assert value(side, key) >= again.done[key]


def test_a_listener_follows_its_slot(cluster: Cluster, side: Side) -> None:
    slot, heard = slot_of(b"ch"), threading.Semaphore(0)

    def listen() -> None:
        for _ in side.listen(slot, b"{ch}"):
            heard.release()

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    assert heard.acquire(timeout=10)
    for _ in range(2):
        assert side.call(slot, [("SPUBLISH", "{ch}", "x")], again=True) == [1]
        assert heard.acquire(timeout=10)
        home = cluster.owner(slot)
        target = next(cluster.owner(s) for s in (0, 8000, 16000) if cluster.owner(s) is not home)
        cluster.move(slot, target)
        assert heard.acquire(timeout=10)  # subscribed anew, so that the reader looks
    side.close()
    thread.join(10)
    assert not thread.is_alive()


def test_many_callers_at_once_on_all_nodes(side: Side) -> None:
    def work(number: int) -> None:
        for turn in range(50):
            key = f"k{number}-{turn}"
            answers = side.call(
                slot_of(key.encode()), [("SET", key, turn), ("GET", key)], again=True
            )
            assert answers == [b"OK", str(turn).encode()]

    assert at_once(64, work) == [None] * 64
