"""Connections and servers that go away, rivals, and what is refused."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator

import psycopg
import pytest

from tests.servers.postgres import PostgresServer
from tests.servers.proxy import Proxy
from threadkeep import AsyncStore, Forbidden, Store, Timeout, TooLarge, Unavailable, UsageError
from threadkeep.model.options import Limits
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch
from threadkeep.ops.ops import Get, Set


@pytest.fixture
def own() -> Iterator[PostgresServer]:
    """A server that the test may stop."""
    with PostgresServer() as server:
        yield server


def _close_all(server: PostgresServer) -> None:
    server.execute(
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
        " where pid <> pg_backend_pid() and backend_type = 'client backend'"
    )


def test_connections_that_the_server_closed_while_idle(own: PostgresServer):
    with Store(own.url) as store:
        store.thread("t").state.set("a", 1)
        for n in range(3):
            _close_all(own)
            store.thread("t").state.set("a", n)  # a write: nothing was sent on the closed one
            _close_all(own)
            assert store.thread("t").state.get("a") == n


def test_a_restart_of_the_server(own: PostgresServer):
    async def run() -> None:
        async with AsyncStore(f"{own.url}?wait=3") as store:
            thread = store.thread("t")
            await thread.state.set("a", 1)
            own.stop()
            with pytest.raises(Unavailable) as caught:
                await thread.state.set("a", 2)
            assert not caught.value.maybe_applied
            own.start()
            assert await thread.state.get("a") == 1
            assert await thread.state.set("a", 3) == 2

    asyncio.run(run())


def test_a_connection_lost_in_a_call(own: PostgresServer):
    """A write says that it may have been applied; a read, and a write with a request id, are sent again."""
    ref = Ref("default", "thread", "t")

    async def run() -> None:
        with Proxy(own.port) as proxy:
            url = own.url.replace(f":{own.port}/", f":{proxy.port}/")
            async with AsyncStore(f"{url}?connections=1") as store:
                engine = await store.ready()
                await engine.run(Batch(ref, (Set("state", {"a": b"j1"}),)))
                proxy.cut_after("down", 0)
                with pytest.raises(Unavailable) as caught:
                    await engine.run(Batch(ref, (Set("state", {"a": b"j2"}),)))
                assert caught.value.maybe_applied
                proxy.resume()
                await engine.run(Batch(ref, (Get("state"),)))
                proxy.cut_after("down", 0)
                reply = await engine.run(Batch(ref, (Set("state", {"a": b"j3"}),), once="id-1"))
                assert reply.ok
                proxy.cut_after("down", 0)
                assert (await engine.run(Batch(ref, (Get("state", ("a",)),)))).results[0]

    asyncio.run(run())


def test_an_address_that_fails_over_to_another(own: PostgresServer):
    nobody = "127.0.0.1:1"
    url = f"postgresql://postgres@{nobody},127.0.0.1:{own.port}/postgres"
    with Store(f"{url}?target_session_attrs=read-write&connect_timeout=2") as store:
        store.thread("t").state.set("a", 1)
        assert store.thread("t").state.get("a") == 1


@pytest.mark.parametrize("setting", ["lock_timeout", "statement_timeout"])
def test_a_lock_of_somebody_else_ends_by_the_servers_timeout(
    setting: str, place: str, postgres: PostgresServer
):
    schema = place.partition("schema=")[2]
    with Store(f"{place}&options=-c%20{setting}%3D300") as store:
        store.thread("t").state.set("a", 1)
        with postgres.connect(autocommit=False) as rival:
            rival.execute(f"select * from {schema}.tk_entity for update".encode())
            with pytest.raises(Timeout, match=setting) as caught:
                store.thread("t").state.set("a", 2)
            assert not caught.value.maybe_applied
            rival.rollback()
        assert store.thread("t").state.get("a") == 1
        assert store.thread("t").state.set("a", 3)


def test_serialization_failures_are_tried_again(place: str):
    strict = f"{place}&options=-c%20default_transaction_isolation%3Dserializable"
    with Store(strict) as one, Store(strict) as two:
        stores = (one, two)

        def count(who: int) -> None:
            for _ in range(40):
                stores[who].thread("t").state.increment("n")

        threads = [threading.Thread(target=count, args=(who,)) for who in (0, 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert one.thread("t").state.get("n") == 80


def test_a_deadlock_is_tried_again(place: str, postgres: PostgresServer):
    """A rival takes two entities in the other order; one of the two is chosen to fail, and it is not seen."""
    schema = place.partition("schema=")[2]
    postgres.execute("alter system set deadlock_timeout = '50ms'")
    postgres.execute("select pg_reload_conf()")

    async def run() -> None:
        async with AsyncStore(f"{place}&connections=1") as store:
            threads = [store.thread(name) for name in ("a", "b")]
            for thread in threads:
                await thread.state.set("n", 0)
            lock = f"select 1 from {schema}.tk_entity where id = %s for update".encode()
            con = await psycopg.AsyncConnection.connect(postgres.url)
            async with con:
                await con.execute(lock, ("b",))
                both = asyncio.gather(*(thread.state.increment("n") for thread in threads))
                await asyncio.sleep(0.02)
                with contextlib.suppress(psycopg.errors.DeadlockDetected):
                    await con.execute(lock, ("a",))
                await con.rollback()
                assert await both == [1, 1]

    asyncio.run(run())


def test_what_is_wrong_is_named(place: str, postgres: PostgresServer):
    with Store(place, limits=Limits(fields=2)) as store:
        thread = store.thread("t")
        thread.state.set("word", "abc")
        with pytest.raises(UsageError, match="does not hold a number"):
            thread.state.increment("word")
        with pytest.raises(TooLarge, match="limit is 2"):
            thread.state.update({"a": 1, "b": 2})
        assert thread.state.get_all() == {"word": "abc"}


def test_a_failed_member_of_a_group_harms_no_other(place: str):
    async def run() -> None:
        async with AsyncStore(f"{place}&connections=1") as store:
            await store.thread("bad").state.set("n", "word")
            names = [*(f"t{n}" for n in range(10)), "bad", *(f"u{n}" for n in range(10))]
            found = await asyncio.gather(
                *(store.thread(name).state.increment("n") for name in names), return_exceptions=True
            )
            assert [one for one in found if one == 1] == [1] * 20
            assert isinstance(found[10], UsageError)

    asyncio.run(run())


def test_a_cancelled_call_harms_no_other(place: str):
    async def run() -> None:
        async with AsyncStore(f"{place}&connections=1") as store:
            await store.thread("warm").state.set("n", 0)
            calls = [
                asyncio.ensure_future(store.thread(f"t{n}").state.increment("n")) for n in range(30)
            ]
            await asyncio.sleep(0)
            for call in calls[::3]:
                call.cancel()
            found = await asyncio.gather(*calls, return_exceptions=True)
            assert [one for n, one in enumerate(found) if n % 3] == [1] * 20

    asyncio.run(run())


def test_a_server_that_is_not_there():
    store = Store("postgresql://postgres@127.0.0.1:1/postgres?connect_timeout=2")
    with pytest.raises(Unavailable) as caught:
        store.thread("t").state.set("a", 1)
    assert not caught.value.maybe_applied


def test_a_user_who_may_not(postgres: PostgresServer, bare: str):
    postgres.execute("drop role if exists guest")
    postgres.execute("create role guest login")
    url = bare.replace("postgres@", "guest@")
    with pytest.raises(Forbidden):
        Store(url).thread("t").state.set("a", 1)
