"""What the server does with the schema: updates in place, plans, notifications, values that people can read."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import psycopg
import pytest

from tests.postgres.engine import async_engine, sync_engine
from tests.servers.postgres import PostgresServer
from tests.servers.waiting import eventually
from threadkeep import Store
from threadkeep._sync.drivers.postgres.engine import PostgresEngine
from threadkeep.engines.sql.postgres.program import job_of
from threadkeep.errors import UsageError
from threadkeep.model.leases import Lease
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch
from threadkeep.ops.ops import Append, Epoch, Get, Incr, Set
from threadkeep.ops.reply import Appended
from threadkeep.testing.needs import require

SECOND = 1_000_000
MANY, VERY_MANY = 50_000, 1_000_000


def _updates(server: PostgresServer, table: str) -> tuple[int, int]:
    """Return how many updates the server has counted, and how many of them were in place."""
    server.execute("select pg_stat_clear_snapshot()")
    ((all_, hot),) = server.execute(
        "select n_tup_upd, n_tup_hot_upd from pg_stat_user_tables"
        " where schemaname = 'furnished' and relname = %s",
        f"tk_{table}",
    )
    return all_, hot


def test_hot_threads_and_renewals_are_updated_in_place(postgres: PostgresServer, place: str):
    moment = 1_800_000_000 * SECOND
    engine = sync_engine(place, now=lambda: moment)
    engine.setup()
    refs = [Ref("default", "thread", f"t{n}") for n in range(10)]
    postgres.execute("select pg_stat_reset()")
    for _ in range(90):
        moment += SECOND // 2
        for ref in refs:
            engine.run(Batch(ref, (Set("state", {"a": b"j1"}, Lease(window=60 * SECOND)),)))
            engine.run(Batch(ref, (Append("messages", (b"j" + b"x" * 500,)),)))
        moment += SECOND // 2
        for ref in refs:
            engine.run(Batch(ref, (Get("state", ("a",)),)))
    engine.close()
    eventually(lambda: _updates(postgres, "field")[0] >= 300, "the statistics")
    for table in ("entity", "field", "log"):
        updates, hot = _updates(postgres, table)
        assert updates >= 300
        assert hot / updates > 0.95, (table, updates, hot)


@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("many", [MANY, pytest.param(VERY_MANY, marks=pytest.mark.long)])
def test_plans_stay_with_the_indexes(many: int, postgres: PostgresServer, place: str):
    """Over many threads every statement of the functions goes by an index, and a rare label is found first."""
    engine = sync_engine(place)
    engine.setup()
    postgres.execute(f"""
        set search_path to furnished;
        insert into tk_entity (ns, kind, id, created, updated, listed, prior, mover, revision, epoch, labels,
                               fields, field_bytes, items, item_bytes)
        select 'default', 'thread', 't' || n, n, n, n, 0, pg_current_xact_id(), 1, 'e',
               jsonb_build_object('all', 'x') || case when n % 10000 = 7 then '{{"rare": "y"}}'::jsonb else '{{}}' end,
               1, 2, 0, 0
        from generate_series(1, {many}) n;
        insert into tk_field (eid, map, name, value, rev) select eid, 'state', 'a', 'j1', 1 from tk_entity;
        insert into tk_label select ns, kind, k.key, k.value, listed, eid
        from tk_entity, jsonb_each_text(labels) k;
        analyze tk_entity; analyze tk_field; analyze tk_label;
    """)
    with postgres.connect() as con:
        con.execute("load 'auto_explain'")
        for name, value in {
            "log_min_duration": "0",
            "log_nested_statements": "on",
            "log_level": "notice",
            "log_format": "json",
            "log_analyze": "on",
        }.items():
            con.execute(f"set auto_explain.{name} = {value}".encode())
        plans: list[str] = []
        con.add_notice_handler(lambda notice: plans.append(notice.message_primary or ""))
        for batch in (
            Batch(Ref("default", "thread", "t77"), (Get("state"), Append("messages", (b"j1",)))),
            Batch(Ref("default", "thread", "t78"), (Set("state", {"a": b"j2", "b": b"j3"}),)),
            Batch(Ref("default", "thread", "new"), (Set("state", {"a": b"j2"}),)),
        ):
            _send(con, engine, batch)
        listing = {"namespace": "default", "kind": "thread", "limit": 50}
        labels = [["all", "x"], ["rare", "y"]]
        for asked in (listing, {**listing, "below": 9}):
            con.execute(engine._sql.newest, (json.dumps(asked), None))
        before = len(plans)
        for order in (labels, labels[::-1]):
            con.execute(engine._sql.newest, (json.dumps({**listing, "labels": order}), None))
        by_label = plans[before:]
        con.execute(engine._sql.by_id, (json.dumps({**listing, "prefix": "t123"}), None))
    engine.close()
    nodes = [node for plan in plans for node in _nodes(plan)]
    tables = {f"tk_{name}" for name in ("entity", "field", "log", "item", "label")}
    walked = [n for n in nodes if n["Node Type"] == "Seq Scan" and n["Relation Name"] in tables]
    assert len(plans) > 20
    assert walked == []
    read = [n for n in nodes if n.get("Relation Name") in tables]
    assert max(map(_passed, read)) <= 1000
    # the label that all have is counted up to 1,000 to find that it is not the rarest, and not walked
    walks = [node for plan in by_label if "lateral" in plan for node in _nodes(plan)]
    rare = [node for node in walks if node.get("Relation Name") == "tk_label"]
    assert len(rare) == 2
    assert max(map(_passed, rare)) <= many / 10_000


def _passed(node: dict[str, Any]) -> int:
    """Return how many rows a step of a plan has read."""
    return node["Actual Rows"] + node.get("Rows Removed by Filter", 0)


def _send(con: psycopg.Connection[Any], engine: PostgresEngine, batch: Batch) -> None:
    job = job_of(batch)
    con.execute(engine._sql.apply, (f"[{job.text}]", job.values, 10_000, 16, None))


def _nodes(plan: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    start = plan.find("{")
    if start < 0:
        return found
    todo = [json.loads(plan[start:])["Plan"]]
    while todo:
        node = todo.pop()
        found.append(node)
        todo += node.get("Plans", [])
    return found


def test_values_can_be_asked_by_json_operators(postgres: PostgresServer, place: str):
    with Store(place) as store:
        thread = store.thread("t")
        thread.state.update({"city": {"name": "Sofia", "zip": 1000}, "raw": b"\x00", "nul": "\x00"})
        thread.messages.append({"role": "user", "content": "hello"})
        thread.set_labels(user="alice")
    fields = postgres.execute(
        "select id, json->>'name' from furnished.tk_fields where json->>'zip' = '1000'"
    )
    assert fields == [("t", "Sofia")]
    items = postgres.execute("select seq, json->>'content' from furnished.tk_items where id = 't'")
    assert items == [(1, "hello")]
    ((labels, age),) = postgres.execute(
        "select labels->>'user', now() - updated_at < interval '1 hour' from furnished.tk_threads"
    )
    assert (labels, age) == ("alice", True)


def _calls(server: PostgresServer) -> dict[str, int]:
    """Return how often the functions that run a batch were called."""
    server.execute("select pg_stat_clear_snapshot()")
    rows = server.execute(
        "select funcname, calls from pg_stat_user_functions where schemaname = 'furnished'"
    )
    found = dict(rows)
    return {name: found.get(f"tk_{name}_1", 0) for name in ("apply_plain", "apply", "write")}


def test_what_is_plain_is_run_the_short_way(postgres: PostgresServer, place: str):
    engine = sync_engine(f"{place}&options=-c%20track_functions%3Dall")
    engine.setup()
    ref, lease = Ref("default", "thread", "t"), Lease(window=60 * SECOND)
    epoch = engine.run(Batch(ref, (Set("state", {"a": b"j1"}),))).epoch  # a birth is not
    sets = Set("state", {"a": b"j2", "b": b"j3"}, lease)
    plain = (sets, Append("messages", (b"j1",) * 3), Incr("state", "n", 1, lease))
    before = _calls(postgres)
    assert before["write"] <= 1
    for ops in ((sets,), plain, plain):
        assert engine.run(Batch(ref, ops, guards=(Epoch(epoch),))).changed
    assert not engine.run(Batch(ref, plain, guards=(Epoch("another"),))).ok
    log = engine.run(Batch(ref, (Append("messages", (b"j1",)),)))
    assert log.results == (Appended((7,)),)
    assert log.revision == 5
    eventually(
        lambda: _calls(postgres) == {"apply_plain": 6, "apply": 2, "write": 1}, "the statistics"
    )
    engine.close()


def test_nobody_is_told_of_what_nobody_watches(postgres: PostgresServer, place: str):
    engine = async_engine(place)

    async def run() -> list[str]:
        await engine.setup()
        heard: list[str] = []
        with postgres.connect() as con:
            con.execute(engine._sql.listen)
            seen = engine.watch(Ref("default", "thread", "watched"))
            assert await anext(seen) == 0

            async def write(name: str) -> None:
                await engine.run(
                    Batch(Ref("default", "thread", name), (Set("state", {"a": b"j1"}),))
                )

            await asyncio.gather(*(write(f"t{n}") for n in range(50)), write("watched"))
            assert await asyncio.wait_for(anext(seen), 20) == 1
            heard += [note.payload for note in con.notifies(timeout=0.2)]
            await seen.aclose()  # pyright: ignore[reportAttributeAccessIssue] - it is a generator
        await engine.aclose()
        return heard

    heard = asyncio.run(run())
    assert len(heard) == 1
    assert len(heard[0]) == 32


def test_names_are_validated_and_quoted(postgres: PostgresServer):
    schema = 'Odd "schema; drop'
    postgres.execute('create schema "Odd ""schema; drop"')
    with Store(f"{postgres.url}?schema=Odd%20%22schema%3B%20drop&prefix=mine") as store:
        store.thread("t").state.set("a", 1)
        assert store.thread("t").state.get("a") == 1
    tables = postgres.execute(
        "select count(*) from information_schema.tables where table_schema = %s and table_name like 'mine%%'",
        schema,
    )
    assert tables[0][0] >= 8
    with pytest.raises(UsageError, match="prefix"):
        Store(f"{postgres.url}?prefix=a;b")
    with pytest.raises(UsageError, match="schema"):
        Store(f"{postgres.url}?schema=100%25")


def test_capabilities(place: str):
    engine = sync_engine(place)
    engine.setup()
    require(engine.capabilities, "watch")
    assert engine.capabilities.durability == "process"  # the tests' server does not sync
    assert engine.capabilities.version.startswith("1")
    assert abs(engine.capabilities.skew) < 5
    engine.close()


def test_what_survives_is_what_the_server_says():
    survives = {"on": "power-loss", "local": "power-loss", "off": "seconds(0.6)"}
    with PostgresServer(durable=True) as server:
        for commit, durability in survives.items():
            with Store(f"{server.url}?options=-c%20synchronous_commit%3D{commit}") as store:
                assert store.capabilities().durability == durability
