"""Durability: what a store says of its server, and writes that wait for the server's disk."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from random import Random

import pytest

from tests.races.figures import Say
from tests.redis_faults.load import Load, Side
from tests.redis_faults.verify import verify
from tests.servers.cluster import Cluster
from tests.servers.proxy import Proxy
from tests.servers.redis import RedisServer
from threadkeep import AsyncStore, Store
from threadkeep.engines.redis.keys import Places
from threadkeep.errors import Forbidden, Timeout, UsageError
from threadkeep.model.refs import Ref

EVERYSEC = {"appendonly": "yes", "appendfsync": "everysec"}
FLOOR = 10


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with RedisServer("redis8", config=EVERYSEC) as server:
        yield server


@pytest.fixture(autouse=True)
def restored(server: RedisServer) -> Iterator[None]:
    """Leave the server as it was."""
    yield
    with server.client() as client:
        client.replicaof("NO", "ONE")
        for name, value in EVERYSEC.items():
            client.config_set(name, value)


@pytest.mark.parametrize(
    ("settings", "durability"),
    [
        ({"appendfsync": "always"}, "power-loss"),
        ({"appendfsync": "everysec"}, "seconds(1)"),
        ({"appendfsync": "no"}, "process"),
        ({"appendfsync": "always", "appendonly": "no"}, "none"),
    ],
)
def test_durability_is_that_of_the_settings(
    server: RedisServer, settings: dict[str, str], durability: str
) -> None:
    with server.client() as client:
        for name, value in settings.items():
            client.config_set(name, value)
    with Store(server.url) as store:
        assert store.capabilities().durability == durability


def test_a_replica_promises_nothing(server: RedisServer) -> None:
    with server.client() as client:
        client.replicaof("127.0.0.1", "1")
        client.config_set("appendfsync", "always")
    with Store(server.url) as store:
        assert store.capabilities().durability == "none"
    with pytest.raises(UsageError, match="is a replica"), Store(server.url, durable=True):
        pass


@pytest.mark.parametrize("appendfsync", ["everysec", "always"])
def test_durable_where_the_server_keeps_a_log(server: RedisServer, appendfsync: str) -> None:
    with server.client() as client:
        client.config_set("appendfsync", appendfsync)
    with Store(server.url, durable=True) as store:
        assert store.capabilities().durability == "power-loss"
        store.thread("t").state.set("a", 1)
        assert store.thread("t").state.get("a") == 1


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"appendonly": "no"}, "needs a server with `appendonly yes`"),
        ({"appendfsync": "no"}, "needs `appendfsync everysec` or `always`"),
    ],
)
def test_durable_is_refused(server: RedisServer, settings: dict[str, str], why: str) -> None:
    with server.client() as client:
        for name, value in settings.items():
            client.config_set(name, value)
    with pytest.raises(UsageError, match=why), Store(server.url, durable=True):
        pass


@pytest.mark.parametrize("name", ["redis7", "valkey9"])
def test_durable_is_refused_by_a_server_that_cannot_tell(name: str) -> None:
    with RedisServer(name, config=EVERYSEC) as other:
        refused = pytest.raises(UsageError, match=r"needs `appendfsync always` on .*WAITAOF")
        with refused, Store(other.url, durable=True):
            pass
        with other.client() as client:
            client.config_set("appendfsync", "always")
        with Store(other.url, durable=True) as store:
            store.thread("t").state.set("a", 1)


def test_durable_is_refused_to_a_user_that_may_not_wait(server: RedisServer) -> None:
    with server.client() as client:
        client.acl_setuser(
            "agent", enabled=True, nopass=True, keys="*", commands=["+@all", "-waitaof"]
        )
    url = server.url.replace("://", "://agent:any@")
    with pytest.raises(Forbidden, match=r"\+waitaof"), Store(url, durable=True):
        pass
    with server.client() as client:  # one that may, and may not see the settings
        client.acl_setuser("agent", enabled=True, commands=["+waitaof", "-config"])
    with Store(url) as store:
        assert store.capabilities().durability == "none"
    with Store(url, durable=True) as store:
        store.thread("t").state.set("a", 1)
        assert store.capabilities().durability == "power-loss"


def test_a_durable_write_is_one_trip(server: RedisServer) -> None:
    with (
        Proxy(server.port) as proxy,
        Store(f"redis://127.0.0.1:{proxy.port}", durable=True) as store,
    ):
        state = store.thread("trips").state
        state.set("a", 1)
        proxy.reset()
        state.set("a", 2)
        assert proxy.counts.packets_up == 1
        state.get("a")
        assert proxy.counts.packets_up == 2


@pytest.mark.anyio
async def test_writes_at_once_share_the_wait_and_reads_do_not_wait(server: RedisServer) -> None:
    with Proxy(server.port) as proxy:
        url = f"redis://127.0.0.1:{proxy.port}"
        async with AsyncStore(url, durable=True) as store:
            state = store.thread("shared").state
            await state.set("n", 0)
            proxy.reset()
            server.send(signal.SIGSTOP)  # so that they meet
            writes = [asyncio.create_task(state.increment("n")) for _ in range(50)]
            await asyncio.sleep(0)
            server.send(signal.SIGCONT)
            done, _ = await asyncio.wait(writes, return_when=asyncio.FIRST_COMPLETED)
            assert await state.get("n") >= len(done)
            await asyncio.gather(*writes)
            assert await state.get("n") == 50
            assert proxy.counts.packets_up <= 8


@pytest.mark.anyio
async def test_a_cancelled_caller_harms_no_other(server: RedisServer) -> None:
    async with AsyncStore(server.url, durable=True) as store:
        state = store.thread("cancelled").state
        writes = [asyncio.create_task(state.increment("n")) for _ in range(20)]
        await asyncio.sleep(0.005)
        for write in writes[::2]:
            write.cancel()
        told = await asyncio.gather(*writes, return_exceptions=True)
        assert all(isinstance(one, int) for one in told[1::2])
        assert 10 <= await state.get("n") <= 20


def test_a_disk_that_does_not_answer(server: RedisServer) -> None:
    """The server stops to sync while a store uses it: what was done is not acknowledged."""
    with Store(f"{server.url}?timeout=1.5", durable=True) as store, server.client() as client:
        state = store.thread("slow").state
        state.set("a", 1)
        client.config_set("appendfsync", "no")
        with pytest.raises(Timeout, match="its disk") as late:
            state.set("a", 2)
        assert late.value.maybe_applied
        assert state.get("a") == 2
        client.config_set("appendfsync", "everysec")
        state.set("a", 3)


@pytest.mark.parametrize("side", ["async", pytest.param("sync", marks=pytest.mark.long)])
def test_durable_through_faults(side: Side, random: Random, say: Say) -> None:
    with RedisServer("redis8", config=EVERYSEC) as own, Proxy(own.port) as proxy:
        url = f"redis://127.0.0.1:{proxy.port}"
        with Load(url, random, side=side, callers=15, durable=True) as load:
            load.more(FLOOR)
            proxy.cut_after("down", random.randrange(200))
            load.more(FLOOR)
            own.kill()
            own.start()
            load.more(FLOOR)
            ledger = load.stop()
        verdict = verify(f"redis://127.0.0.1:{own.port}", ledger)
    say(str(verdict))
    assert verdict.wrong == []
    assert verdict.maybe > 0


@pytest.mark.anyio
async def test_durable_on_a_cluster_while_a_slot_moves() -> None:
    with Cluster("redis8", replicas=0) as cluster:
        async with AsyncStore(cluster.url, durable=True) as store:
            threads = [store.thread(f"t{number}") for number in range(60)]
            slot = Places("tk", 64).home(Ref("default", "thread", "t0")).slot
            target = next(n for n in cluster.nodes if n is not cluster.owner(slot))
            writes = asyncio.gather(*(thread.state.increment("n") for thread in threads))
            await asyncio.to_thread(cluster.move, slot, target, 1)
            assert await writes == [1] * 60
            again = asyncio.gather(*(thread.state.increment("n") for thread in threads))
            assert await again == [2] * 60
