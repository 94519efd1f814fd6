"""A cluster of the tests loses primaries and moves slots, and is whole again after it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers.cluster import Cluster


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with Cluster(node_timeout=1000) as cluster:
        yield cluster


def test_each_primary_has_a_replica(cluster: Cluster) -> None:
    owners = {cluster.owner(slot).port for slot in range(0, 16384, 1000)}
    assert len(owners) == 3
    for node in cluster.nodes:
        if node.port in owners:
            assert len(cluster.replicas(node)) == 1


def test_a_slot_moves_each_way_there_is(cluster: Cluster) -> None:
    first, second = cluster.owner(0), cluster.owner(8000)
    first.client().set("{06S}", "x")  # of slot 0
    cluster.move(0, second)
    assert cluster.owner(0) is second
    assert second.client().get("{06S}") == b"x"
    cluster.migrate(0, 0, first)
    assert cluster.owner(0) is first
    assert first.client().get("{06S}") == b"x"
    cluster.reshard(first, second, 5)
    assert sum(cluster.owner(slot) is second for slot in range(10)) == 5


def test_a_killed_primary_is_followed_by_its_replica(cluster: Cluster) -> None:
    old = cluster.kill(12000)
    assert not old.running
    cluster.restore()
    new = cluster.owner(12000)
    assert new is not old
    assert cluster.replicas(new) == [old]
    assert cluster.fail_over(12000) is old
