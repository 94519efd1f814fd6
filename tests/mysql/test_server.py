"""What the server does with the schema: plans, names, values that people can read, several stores."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests.mysql.engine import async_engine, sync_engine
from tests.servers.mariadb import MariadbServer
from threadkeep import AsyncStore, Store, UsageError
from threadkeep.engines.sql.mysql.gets import Getting
from threadkeep.engines.sql.mysql.listing import Listing
from threadkeep.engines.sql.mysql.packet import Packet
from threadkeep.engines.sql.mysql.program import Claiming, Reading, Terms, Writing, job_of
from threadkeep.model.options import Limits
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch
from threadkeep.ops.engine import Due, Query
from threadkeep.ops.ops import Append, Cut, Epoch, Get, Read, Set
from threadkeep.testing.needs import require

TERMS = Terms(Limits(), 10, mariadb=True)


FILLING = """
insert into tk_entity select seq, 'default', 'thread', concat('t', seq), seq, seq, seq, 0, 1, 'e', null, null,
    if(seq % 100 = 0, 9e15, null), null, '{"state":1}', null, 1, 2, 0, 0 from seq_1_to_20000;
insert into tk_field select seq, 'state', 'a', 2, 1, null, null, null, 'j1' from seq_1_to_20000;
insert into tk_item select 7, 'messages', seq, 1, concat('id', seq), null, 2, 'j1' from seq_1_to_20000;
insert into tk_label select 'default', 'thread', 'all', 'x', seq, seq from seq_1_to_20000;
insert into tk_label select 'default', 'thread', 'rare', 'y', seq, seq from seq_1_to_20000 where seq % 5000 = 7;
analyze table tk_entity, tk_field, tk_item, tk_label
"""


def _fill(server: MariadbServer) -> None:
    for statement in FILLING.split(";"):
        server.execute(statement, database="furnished")


def _plans(server: MariadbServer, packet: Packet) -> list[dict[str, Any]]:
    """Return what the server says of each table that a packet's statements read."""
    found: list[dict[str, Any]] = []
    with server.connect("furnished") as con, con.cursor() as cursor:
        for one in packet.encode().decode().split(";"):
            statement = one.removeprefix("if @tk_due then ")
            if statement.lstrip().startswith(("select", "update", "delete")) and "tk_" in statement:
                cursor.execute(f"explain format=json {statement}")
                ((text,),) = cursor.fetchall()
                found += _tables(json.loads(text))
    return found


def _tables(plan: Any) -> list[dict[str, Any]]:
    if isinstance(plan, list):
        return [one for part in plan for one in _tables(part)]
    if not isinstance(plan, dict):
        return []
    here = [plan] if "access_type" in plan else []
    return here + [one for part in plan.values() for one in _tables(part)]


def test_plans_stay_with_the_indexes(mariadb: MariadbServer, place: str):
    _fill(mariadb)
    ref, new = Ref("default", "thread", "t7"), Ref("default", "thread", "new")
    write = Batch(
        ref,
        (Get("state"), Append("messages", (b"j1",), ("id9",)), Cut("messages", keep=50)),
        (Epoch("e"),),
    )
    jobs = [job_of(write), job_of(Batch(new, (Set("state", {"a": b"j2", "b": b"j3"}),)))]
    read = Batch(ref, (Get("state", prefix="a"), Read("messages", limit=20, newest=True)))
    listing = Query(namespace="default", kind="thread", limit=50)
    rare = (("rare", "y"), ("all", "x"))
    packets = [
        Writing(jobs, None, TERMS).first,
        Reading([job_of(read)], None, TERMS).packet,
        Getting([Batch(ref, (Get("state", ("a",)),))], None).packet,
        Listing(listing, (), None).packet,
        Listing(Query(namespace="default", kind="thread", labels=rare), rare, None).packet,
        Listing(
            Query(namespace="default", kind="thread", order="id", prefix="t12"), (), None
        ).packet,
        Claiming(Due(lease=1), 1, TERMS).first,
    ]
    plans = [plan for packet in packets for plan in _plans(mariadb, packet)]
    own = [plan for plan in plans if not plan["table_name"].startswith(("<", "q"))]
    assert len(own) > 15
    assert [plan for plan in own if plan["access_type"] in {"ALL", "index"}] == []


def test_a_listing_is_driven_from_the_rare_label(mariadb: MariadbServer, place: str):
    _fill(mariadb)
    before = _read_rows(mariadb)
    engine = sync_engine(place)
    engine.setup()
    labels = (("all", "x"), ("rare", "y"))
    page = engine.scan(Query(namespace="default", kind="thread", labels=labels))
    engine.close()
    assert [listed.ref.id for listed in page.items] == ["t15007", "t10007", "t5007", "t7"]
    assert _read_rows(mariadb) - before < 2_500


def _read_rows(server: MariadbServer) -> int:
    rows = server.execute("show global status like 'Handler_read%%'")
    return sum(int(count) for _, count in rows)


def test_names_are_bytes(place: str):
    """No collation folds or pads them, and 512 bytes of any script fit."""
    long = "日" * 170 + "ab"
    names = [
        "a",
        "A",
        "e",
        "é",
        "e\u0301",
        "ß",
        "ss",
        "a ",
        "😀",
        "𐍈",
        "%",
        "_",
        "'",
        "\\",
        long,
        long[:-1],
    ]
    with Store(place) as store:
        for n, name in enumerate(names):
            store.thread(name).state.update(dict.fromkeys(names, n))
            store.thread(name).set_labels(user=name)
        for n, name in enumerate(names):
            assert store.thread(name).state.get_all() == dict.fromkeys(sorted(names), n)
            assert [thread.id for thread in store.threads(user=name)] == [name]
        assert {thread.id for thread in store.threads()} == set(names)
        assert [t.id for t in store.threads(prefix="a")] == ["a", "a "]


def test_values_of_any_bytes(place: str):
    raw = bytes(range(256)) * 3 + b"\\'\"%s;\x00\x1a" + "é😀".encode()

    async def run() -> None:
        async with AsyncStore(place) as store:
            await store.thread("t").state.set("raw", raw)
            assert await store.thread("t").state.get("raw") == raw
            await store.thread("t").state.set("text", raw.decode("latin-1"))

    asyncio.run(run())
    with Store(place) as store:
        assert store.thread("t").state.get("text") == raw.decode("latin-1")
        store.thread("t").state.set("again", raw)
        assert store.thread("t").state.get_all() == {
            "raw": raw,
            "again": raw,
            "text": raw.decode("latin-1"),
        }


def test_people_can_look(mariadb: MariadbServer, place: str):
    with Store(place) as store:
        thread = store.thread("tést")
        thread.state.update({"city": {"name": "Sofia", "zip": 1000}, "raw": b"\x00"})
        thread.messages.append({"role": "user", "content": "hello"})
        thread.set_labels(user="alice")
    fields = mariadb.execute(
        "select id, json_value(json, '$.name') from tk_fields where json_value(json, '$.zip') = 1000",
        database="furnished",
    )
    assert fields == [("tést", "Sofia")]
    items = mariadb.execute(
        "select seq, json_value(json, '$.content') from tk_items where id = 'tést'",
        database="furnished",
    )
    assert items == [(1, "hello")]
    threads = mariadb.execute(
        "select json_value(labels, '$.user'), timestampdiff(minute, updated_at, utc_timestamp()) from tk_threads",
        database="furnished",
    )
    assert threads == [("alice", 0)]


def test_several_loops_and_stores(place: str):
    async def run(n: int) -> int:
        async with AsyncStore(place) as one, AsyncStore(place) as two:
            await asyncio.gather(
                *(store.thread("t").state.increment("n") for store in (one, two) for _ in range(5))
            )
            return await one.thread(f"t{n}").state.set("a", n)

    for n in range(3):
        assert asyncio.run(run(n)) == 1
    with Store(place) as store:
        assert store.thread("t").state.get("n") == 30


def test_a_hot_thread_is_written_in_groups(place: str):
    async def run() -> None:
        async with AsyncStore(f"{place}?connections=1") as store:
            thread = store.thread("hot")
            calls = [thread.state.increment("n") for _ in range(60)]
            calls += [thread.messages.append({"role": "user", "content": "x"}) for _ in range(60)]
            await asyncio.gather(*calls)
            assert await thread.state.get("n") == 60
            assert await thread.messages.count() == 60

    asyncio.run(run())


def test_capabilities(place: str):
    async def run() -> None:
        engine = async_engine(place)
        await engine.setup()
        require(engine.capabilities, "watch")
        assert engine.capabilities.name == "mariadb"
        assert engine.capabilities.durability == "seconds(1)"  # the tests' server does not sync
        assert engine.capabilities.version.startswith("10.")
        assert abs(engine.capabilities.skew) < 5
        await engine.aclose()

    asyncio.run(run())


@pytest.mark.parametrize(
    "url",
    [
        "mysql://host",
        "mysql://host/",
        "mysql://host/a/b",
        "mysql://host:x/db",
        "mysql://host/db?connections=0",
        "mysql://host/db?wait=x",
        "mysql://host/db?tls=maybe",
        "mysql://host/db?unknown=1",
    ],
)
def test_a_url_that_cannot_be(url: str):
    with pytest.raises(UsageError):
        Store(url)
