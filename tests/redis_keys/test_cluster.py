"""On a cluster each field has a slot of its own: what is left of the promises, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from tests.servers.cluster import Cluster
from threadkeep import Store
from threadkeep.errors import Conflict, UsageError
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch
from threadkeep.ops.ops import Missing, Set

VALUES = {f"f{number}": f"v{number}" for number in range(20)}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with Cluster(replicas=0) as cluster:
        yield cluster


@pytest.fixture
def other(cluster: Cluster) -> Iterator[redis.RedisCluster]:
    host, port = "127.0.0.1", cluster.nodes[0].port
    with redis.RedisCluster(host=host, port=port, decode_responses=True) as client:
        yield client


@pytest.fixture
def store(cluster: Cluster, cache: str) -> Iterator[Store]:
    hosts = ",".join(f"127.0.0.1:{node.port}" for node in cluster.nodes)
    with Store(f"redis+cluster://{hosts}?layout=keys&name={cache}&prefix={cache}.tk") as store:
        yield store


def test_both_see_what_the_other_wrote(store: Store, other: redis.RedisCluster, cache: str):
    thread = store.thread("t")
    thread.state.update(VALUES, ttl=500)
    for name, value in VALUES.items():
        assert other.get(f"{cache}:session:t:{name}") == value
    other.set(f"{cache}:session:t:theirs", "x", ex=60)
    assert thread.state.get_all() == VALUES | {"theirs": "x"}
    assert thread.state.get_many(["f3", "theirs", "f1"]) == {"f3": "v3", "theirs": "x", "f1": "v1"}
    assert thread.state.touch() == 20
    assert thread.state.delete("f0", "f1", "never") == 2
    assert thread.state.clear("f1") == 10
    thread.messages.append({"role": "user", "content": "hi"})
    assert thread.destroy() == 10
    assert list(other.scan_iter(match=f"{cache}*:session:*", target_nodes="primaries")) == []


def test_one_field_is_atomic(store: Store, other: redis.RedisCluster, cache: str):
    state = store.thread("t").state
    revision = state.set("seat", "1A", if_absent=True)
    other.set(f"{cache}:session:t:seat", "12B")
    with pytest.raises(Conflict):
        state.set("seat", "1B", if_revision=revision)
    assert [state.increment("n") for _ in range(3)] == [1, 2, 3]


def test_what_takes_several_slots_at_once_is_refused(store: Store):
    state = store.thread("t").state
    batch = Batch(
        Ref("default", "thread", "t"),
        (Set("state", dict.fromkeys(VALUES, b"j1")),),
        tuple(Missing("state", name) for name in VALUES),
    )
    with pytest.raises(UsageError, match="a condition takes one field"):
        store.ready().run(batch)
    for wrong in ("a{b", "a}b"):
        with pytest.raises(UsageError, match="contains"):
            state.set(wrong, "x")
        with pytest.raises(UsageError, match="contains"):
            store.thread(wrong).state.set("a", "x")
    assert state.get_all() == {}
    assert list(store.threads()) == []
