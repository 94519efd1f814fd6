"""One server that is killed, frozen, made a replica, filled up, while it is written to through a store."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
import redis

from tests.races.figures import Say
from tests.redis_faults.load import Load, Side, Slip
from tests.redis_faults.verify import Verdict, unexpected, verify
from tests.servers.proxy import Proxy, Way
from tests.servers.redis import RedisServer
from tests.servers.waiting import eventually
from threadkeep import Store
from threadkeep.errors import Unavailable

FLOOR = 150  # a fault does not count with fewer calls acknowledged before it, and after it
AOF = {"appendonly": "yes", "appendfsync": "always"}
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
    assert unexpected(ledger) == []


@SIDES
def test_lost_answers(server: RedisServer, side: Side, random: Random, say: Say) -> None:
    verdict = lose_answers(server, "down", random, side=side)
    say(str(verdict))
    assert verdict.wrong == []
    assert verdict.maybe > 10, "no answer was lost, so the test proves nothing"


def lose_answers(server: RedisServer, way: Way, random: Random, **options: Any) -> Verdict:
    """Cut the connection 20 times under load: the server did what it was asked (down), or not (up)."""
    with Proxy(server.port) as proxy, Load(url_of(proxy.port), random, **options) as load:
        for _ in range(20):
            load.more(FLOOR // 10)
            proxy.cut_after(way, random.randrange(200))
        load.more(FLOOR)
        ledger = load.stop()
    return verify(url_of(server.port), ledger)


@pytest.mark.parametrize(
    ("slip", "complaint"),
    [
        (Slip.EARLY, "were acknowledged and are lost"),
        (Slip.BLIND, "stand twice"),
        (Slip.SWALLOW, "stand, their errors say that they do not"),
    ],
)
def test_the_verifier_finds_a_wrong_client(
    server: RedisServer, slip: Slip, complaint: str, random: Random, say: Say
) -> None:
    verdict = lose_answers(server, "up" if slip is Slip.EARLY else "down", random, slip=slip)
    say(str(verdict))
    assert any(complaint in why for why in verdict.wrong)


@SIDES
def test_killed_and_started_with_its_data(
    server: RedisServer, side: Side, random: Random, say: Say
) -> None:
    url = url_of(server.port)
    with Load(url, random, side=side) as load:
        for _ in range(2):
            load.more(FLOOR)
            server.kill()
            server.start()
        load.more(FLOOR)
        ledger = load.stop()
    verdict = verify(url, ledger)
    say(str(verdict))
    assert verdict.wrong == []


def test_killed_at_everysec(random: Random, say: Say) -> None:
    """The server writes before it answers, unless its disk is busy: then it may take two seconds."""
    with RedisServer("valkey9", config={**AOF, "appendfsync": "everysec"}) as server:
        url = url_of(server.port)
        with Load(url, random) as load:
            load.more(FLOOR)
            server.kill()
            taken = time.monotonic()
            server.start()
            load.more(FLOOR)
            ledger = load.stop()
        verdict = verify(url, ledger, taken=taken)
    say(str(verdict))
    assert verdict.wrong == []


def test_killed_and_started_without_its_data(server: RedisServer, random: Random, say: Say) -> None:
    url = url_of(server.port)
    with Load(url, random) as load:
        load.more(FLOOR)
        server.kill()
        taken = time.monotonic()
        server.start(fresh=True)
        load.more(FLOOR)
        ledger = load.stop()
    verdict = verify(url, ledger, taken=taken)
    say(str(verdict))
    assert verdict.wrong == []
    assert verdict.lost > FLOOR // 3, "the server lost nothing, so the test proves nothing"


def test_threads_end_although_the_server_lost_its_data(server: RedisServer) -> None:
    ended: list[str] = []
    with Store(url_of(server.port), thread_ttl=0.05) as store:
        store.on("thread.destroyed", lambda event: ended.append(event.thread.id), name="note")
        store.thread("before").state.set("a", 1)
        server.kill()
        server.start(fresh=True)
        store.thread("after").state.set("a", 1)
        eventually(lambda: (store.sweep(), ended)[1], "the sweep finds the thread")
    assert ended == ["after"]


@SIDES
def test_frozen_and_continued(server: RedisServer, side: Side, random: Random, say: Say) -> None:
    url = url_of(server.port).replace("timeout=2", "timeout=0.5", 1)
    with Load(url, random, side=side) as load:
        for _ in range(2):
            load.more(FLOOR)
            late = load.ledger.errors["Timeout"]
            server.send(signal.SIGSTOP)
            eventually(lambda: load.ledger.errors["Timeout"] >= late + 3, "calls time out")  # noqa: B023
            server.send(signal.SIGCONT)
        load.more(FLOOR)
        ledger = load.stop()
    verdict = verify(url, ledger)
    say(str(verdict))
    assert verdict.wrong == []
    assert ledger.errors["Timeout"] >= 6


def test_a_primary_that_is_made_a_replica(server: RedisServer, random: Random, say: Say) -> None:
    url = url_of(server.port)
    with Load(url, random) as load, server.client() as client:
        for _ in range(3):
            load.more(FLOOR)
            client.replicaof("127.0.0.1", "1")  # of nobody, so its data stays
            refused = read_only_answers(client)
            eventually(lambda: read_only_answers(client) > refused, "a call is refused")  # noqa: B023
            client.replicaof("NO", "ONE")
        load.more(FLOOR)
        ledger = load.stop()
    verdict = verify(url, ledger)
    say(str(verdict))
    assert verdict.wrong == []
    assert verdict.maybe == 0
    assert unexpected(ledger) == [], "they wait for a primary"


def read_only_answers(client: redis.Redis) -> int:
    return client.info("errorstats").get("errorstat_READONLY", {}).get("count", 0)


def test_a_replica_that_stays_one(server: RedisServer) -> None:
    url = url_of(server.port).replace("failover_timeout=20", "failover_timeout=0.3")
    with Store(url) as store, server.client() as client:
        state = store.thread("t").state
        state.set("a", 1)
        client.replicaof("127.0.0.1", "1")
        with pytest.raises(Unavailable, match="READONLY") as refused:
            state.set("a", 2)
        assert not refused.value.maybe_applied
        assert state.get("a") == 1
        client.replicaof("NO", "ONE")
        state.set("a", 3)
        assert state.get("a") == 3


def test_a_full_server(server: RedisServer, random: Random, say: Say) -> None:
    url = url_of(server.port)
    with Load(url, random) as load, server.client() as client, Store(url) as store:
        state = store.thread("full").state
        state.set("here", "yes", ttl=3600)
        for _ in range(2):
            load.more(FLOOR)
            refused = load.ledger.errors["FullServer"]
            client.config_set("maxmemory", 1_000_000)
            eventually(lambda: load.ledger.errors["FullServer"] > refused + 20, "it is full")  # noqa: B023
            assert state.get("here") == "yes"
            with pytest.raises(Unavailable, match="maxmemory") as error:
                state.set("more", 1)
            assert not error.value.maybe_applied
            client.config_set("maxmemory", 0)
        load.more(FLOOR)
        ledger = load.stop()
    verdict = verify(url, ledger)
    say(str(verdict))
    assert verdict.wrong == []
    assert verdict.maybe == 0


def test_a_full_server_reads_renews_and_deletes(server: RedisServer) -> None:
    leased, plain = Store(server.url, namespace="a", thread_ttl=15), Store(server.url)
    ending = Store(server.url, namespace="b", thread_ttl=1.5)
    with leased, plain, ending, server.client() as client:
        for store in (leased, plain):
            fill(store.thread("t"))
        fill(ending.thread("t"))
        client.config_set("maxmemory", client.info("memory")["used_memory"] // 2)
        eventually(lambda: is_refused(plain), "the server is full")
        look = ending.thread("t").state
        eventually(lambda: look.get_all(renew=False) == {}, "the thread ends")
        for thread in (leased.thread("t"), plain.thread("t")):
            eventually(lambda: thread.state.get("short") is None, "a field runs out")  # noqa: B023
            for read in (lambda: thread.state.get("f"), thread.state.get_all):  # noqa: B023
                before = ends(thread)
                eventually(lambda: read() and ends(thread) > before, "a read renews")  # noqa: B023
            assert len(thread.messages.list()) == 2
            assert thread.state.get("large") == LARGE
            assert thread.state.delete("large", "never") == 1
            thread.messages.trim(keep_last=1)
            thread.state.touch()
            assert thread.destroy() > 0
        leased.sweep()
        client.config_set("maxmemory", 0)
        assert plain.thread("t").state.get_all() == {}


LARGE = "x" * 70_000


def is_refused(store: Store) -> bool:
    """Tell whether a full server refuses a write; Valkey 9 lets the first one after CONFIG SET pass."""
    try:
        store.thread("t").state.set("f", 3, ttl=15)
    except Unavailable as error:
        return "maxmemory" in str(error)
    return False


def fill(thread: Any) -> None:
    thread.state.update({"f": 1, "g": 2}, ttl=15)
    thread.state.set("short", 1, ttl=0.05)
    thread.state.set("large", LARGE)
    thread.messages.append({"role": "user", "content": "a"}, {"role": "user", "content": "b"})


def ends(thread: Any) -> list[Any]:
    """Return when the field `f` and the thread will end."""
    return [thread.state.entry("f").expires_at, thread.info().expires_at or ""]


def test_a_server_that_loads_its_data(server: RedisServer, random: Random, say: Say) -> None:
    url = url_of(server.port)
    with server.client() as client, client.pipeline(transaction=False) as pipe:
        for number in range(4000):  # it answers after each thousand
            pipe.set(f"filler:{number}", number)
        pipe.execute()
    with Load(url, random) as load:
        load.more(FLOOR)
        server.kill()
        server.config["key-load-delay"] = 150  # microseconds
        server.start(wait=False)
        eventually(lambda: is_loading(server), "it is loading")
        server.wait()
        load.more(FLOOR)
        ledger = load.stop()
    verdict = verify(url, ledger)
    say(str(verdict))
    assert verdict.wrong == []


def is_loading(server: RedisServer) -> bool:
    try:
        with server.client() as client:
            client.ping()
    except redis.BusyLoadingError:
        return True
    return False
