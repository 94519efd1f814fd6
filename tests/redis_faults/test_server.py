"""One server that is killed, frozen, made a replica, filled up, while it is written to through a store."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from tests.races.figures import Say
from tests.redis_faults.calls import Told
from tests.redis_faults.load import Load, Side
from tests.redis_faults.verify import verify
from tests.servers.proxy import Proxy
from tests.servers.redis import RedisServer

FLOOR = 150  # a fault does not count with fewer calls acknowledged before it, and after it
AOF = {"appendonly": "yes", "appendfsync": "everysec"}
SIDES = pytest.mark.parametrize("side", ["async", "sync"])


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with RedisServer("valkey9", config=AOF) as server:
        yield server


def url_of(port: int) -> str:
    return f"redis://127.0.0.1:{port}?timeout=2&connect_timeout=1&failover_timeout=20"


@SIDES
def test_scripts_forgotten(server: RedisServer, side: Side, random: Random, say: Say) -> None:
    url = url_of(server.port)
    with Load(url, random, side=side) as load, server.client() as client:
        for _ in range(5):
            load.more(FLOOR)
            client.script_flush()
        load.more(FLOOR)
        ledger = load.stop()
    verdict = verify(url, ledger)
    say(str(verdict))
    assert verdict.wrong == []
    assert ledger.count(Told.DONE) == len(ledger.calls) - ledger.errors["Conflict"]


@SIDES
def test_lost_answers(server: RedisServer, side: Side, random: Random, say: Say) -> None:
    with Proxy(server.port) as proxy, Load(url_of(proxy.port), random, side=side) as load:
        for _ in range(20):
            load.more(FLOOR // 10)
            proxy.cut_after("down", random.randrange(200))
        load.more(FLOOR)
        ledger = load.stop()
    verdict = verify(url_of(server.port), ledger)
    say(str(verdict))
    assert verdict.wrong == []
    assert verdict.maybe > 10, "no answer was lost, so the test proves nothing"
