"""A cluster whose slots move and whose primaries go, while it is written to through a store."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from random import Random

import pytest

from tests.races.figures import Say
from tests.redis_faults.calls import Ledger
from tests.redis_faults.load import SHARED, Load, Side
from tests.redis_faults.verify import unexpected, verify
from tests.servers.cluster import SLOTS, Cluster
from tests.servers.redis import RedisServer
from threadkeep.engines.redis.keys import Places
from threadkeep.model.refs import Ref

FLOOR = 150  # a fault does not count with fewer calls acknowledged before it, and after it
PRIMARIES, SHARDS, FIRST = 3, 64, 30
SIDES = pytest.mark.parametrize("side", ["async", "sync"])
Move = Callable[[Cluster, int, RedisServer], None]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with Cluster(node_timeout=1000) as cluster:
        yield cluster


@pytest.fixture
def namespace(random: Random) -> str:
    """A namespace whose shared thread is among the first slots of a third, which redis-cli moves first."""
    begun = random.randrange(1_000_000)
    return next(
        f"n{number}"
        for number in itertools.count(begun)
        if slot_in(f"n{number}") % (SLOTS // PRIMARIES) in range(2, FIRST)
    )


def slot_in(namespace: str) -> int:
    return Places("tk", SHARDS).home(Ref(namespace, "thread", SHARED)).slot


def url_of(cluster: Cluster) -> str:
    return f"{cluster.url}?timeout=2&failover_timeout=30"


def another(cluster: Cluster, slot: int) -> RedisServer:
    """Return a primary that does not have the slot."""
    owners = [cluster.owner(other) for other in range(100, SLOTS, SLOTS // PRIMARIES)]
    return next(owner for owner in owners if owner is not cluster.owner(slot))


def reshard(cluster: Cluster, slot: int, target: RedisServer) -> None:
    cluster.reshard(cluster.owner(slot), target, FIRST)


def migrate(cluster: Cluster, slot: int, target: RedisServer) -> None:
    cluster.migrate(slot, slot, target)


def move(cluster: Cluster, slot: int, target: RedisServer) -> None:
    cluster.move(slot, target, batch=1)


def fail_over(cluster: Cluster, slot: int, target: RedisServer) -> None:
    assert cluster.fail_over(slot) is not target


@pytest.mark.parametrize("change", [reshard, migrate, move, fail_over])
def test_a_slot_changes_hands(
    cluster: Cluster, namespace: str, change: Move, random: Random, say: Say
) -> None:
    slot, url = slot_in(namespace), url_of(cluster)
    with Load(url, random, namespace=namespace) as load:
        load.more(FLOOR)
        before = cluster.owner(slot)
        change(cluster, slot, another(cluster, slot))
        assert cluster.owner(slot) is not before
        load.more(FLOOR)
        ledger = load.stop()
    verdict = verify(url, ledger, namespace=namespace)
    say(str(verdict))
    cluster.settle()
    assert verdict.wrong == []
    assert unexpected(ledger) == []


@SIDES
def test_a_primary_is_killed(
    cluster: Cluster, namespace: str, side: Side, random: Random, say: Say
) -> None:
    slot, url = slot_in(namespace), url_of(cluster)
    with Load(url, random, side=side, namespace=namespace) as load:
        load.more(FLOOR)
        begun = time.monotonic()
        cluster.owner(slot).kill()
        taken = time.monotonic()
        load.more(FLOOR)
        ledger = load.stop()
    cluster.restore()
    verdict = verify(url, ledger, taken=taken, namespace=namespace)
    say(f"{verdict}; down for {longest(ledger, begun):.1f} s")
    assert verdict.wrong == []


def longest(ledger: Ledger, since: float) -> float:
    """Return how long the longest call took that had not ended by then."""
    return max(call.ended - call.begun for call in ledger.calls if call.ended > since)


@pytest.mark.long
@pytest.mark.timeout(600)
@SIDES
def test_one_change_after_the_other(
    cluster: Cluster, namespace: str, side: Side, random: Random, say: Say
) -> None:
    """Twenty changes under one load; no server is killed, so nothing may be lost."""
    slot, url = slot_in(namespace), url_of(cluster)
    with Load(url, random, side=side, namespace=namespace) as load:
        for _ in range(20):
            load.more(FLOOR)
            random.choice([migrate, move, fail_over])(cluster, slot, another(cluster, slot))
            cluster.settle()
        load.more(FLOOR)
        ledger = load.stop()
    verdict = verify(url, ledger, namespace=namespace)
    say(str(verdict))
    assert verdict.wrong == []
    assert unexpected(ledger) == []
