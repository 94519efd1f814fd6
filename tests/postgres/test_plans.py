"""Plans: what a call reads does not grow with the store, whatever the server knows of its tables.

The server plans by statistics, and a store that is filled in a minute has none, or those of when it was small.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.postgres.engine import sync_engine
from tests.servers.postgres import PostgresServer
from threadkeep._sync.drivers.postgres.engine import PostgresEngine
from threadkeep.model.leases import Lease
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch
from threadkeep.ops.engine import Due, Query
from threadkeep.ops.ops import (
    Append,
    Cut,
    Del,
    Get,
    Incr,
    Item,
    Label,
    Read,
    Restore,
    Set,
    Touch,
)

THREADS = 1_500
MESSAGES = 1_500
MOST = 60  # rows that a call may read, of tables and of indexes
FIELDS = 1_000
LONG = Ref("default", "thread", "long")
WIDE = Ref("default", "thread", "wide")

Call = Callable[[PostgresEngine, int], object]


def _ref(n: int) -> Ref:
    return Ref("default", "thread", f"t{n}")


CALLS: dict[str, Call] = {
    "set": lambda engine, n: engine.run(Batch(_ref(n), (Set("state", {"a": b"j2"}),))),
    "make": lambda engine, n: engine.run(Batch(_ref(9000 + n), (Set("state", {"a": b"j2"}),))),
    "get": lambda engine, n: engine.run(Batch(_ref(n), (Get("state", ("a",)),))),
    "get all": lambda engine, n: engine.run(Batch(_ref(n), (Get("state"),))),
    "append": lambda engine, n: engine.run(Batch(LONG, (Append("messages", (b"j1",)),))),
    "append with ids": lambda engine, n: engine.run(
        Batch(LONG, (Append("messages", (b"j1", b"j2"), ids=(f"new{n}", f"more{n}")),))
    ),
    "append again": lambda engine, n: engine.run(
        Batch(LONG, (Append("messages", (b"j1",), ids=(f"m{n}",)),))
    ),
    "read the last": lambda engine, n: engine.run(
        Batch(LONG, (Read("messages", limit=5, newest=True),))
    ),
    "read by id": lambda engine, n: engine.run(Batch(LONG, (Read("messages", ids=(f"m{n}",)),))),
    "restore": lambda engine, n: engine.run(
        Batch(LONG, (Restore("messages", (Item(50 + n, b"j3", id=f"r{n}"),)),))
    ),
    "cut": lambda engine, n: engine.run(Batch(LONG, (Cut("messages", before=n - 85),))),
    "get of many": lambda engine, n: engine.run(Batch(WIDE, (Get("state", (f"f{n}", "f5", "x")),))),
    "set of many": lambda engine, n: engine.run(Batch(WIDE, (Set("state", {f"f{n}": b"j7"}),))),
    "set several": lambda engine, n: engine.run(
        Batch(WIDE, (Set("state", {f"f{n + m}": b"j7" for m in range(6)}),))
    ),
    "increment": lambda engine, n: engine.run(Batch(WIDE, (Incr("state", "n", 1),))),
    "delete": lambda engine, n: engine.run(Batch(WIDE, (Del("state", (f"f{n + 100}", "f9")),))),
    "renew": lambda engine, n: engine.run(
        Batch(WIDE, (Touch("state", (f"f{n + 300}",), lease=Lease(window=3_600_000_000)),))
    ),
    "newest": lambda engine, n: engine.scan(Query(namespace="default", kind="thread", limit=5)),
    "by id": lambda engine, n: engine.scan(
        Query(namespace="default", kind="thread", limit=5, order="id", prefix="t77")
    ),
    "by labels": lambda engine, n: engine.scan(
        Query(
            namespace="default",
            kind="thread",
            limit=5,
            labels=(("every", "x"), ("few", "y")),
        )
    ),
    "claim": lambda engine, n: engine.claim(Due(limit=10, lease=1_000_000)),
    "namespaces": lambda engine, n: engine.spaces(),
}
FEW = 1_000  # labels are counted up to here, to find the rarest


def _analyze(server: PostgresServer) -> None:
    for table in ("entity", "field", "log", "item", "label", "tombstone"):
        server.execute(f"analyze tk_{table}", database="plans")


@pytest.fixture(scope="module")
def quiet() -> Iterator[PostgresServer]:
    """A server that learns of its tables only when it is told to."""
    with PostgresServer(autovacuum="off") as server:
        yield server


@pytest.fixture(scope="module", params=["never", "when small", "now"])
def filled(quiet: PostgresServer, request: pytest.FixtureRequest) -> Iterator[PostgresEngine]:
    """A store whose tables the server has looked at then."""
    quiet.execute("drop database if exists plans with (force)")
    quiet.execute("create database plans")
    engine = sync_engine(f"{quiet.url_of('plans')}?connections=1")
    engine.setup()
    for n in range(THREADS):
        if n == 3 and request.param == "when small":
            _analyze(quiet)
        labels: dict[str, str | None] = {"every": "x"}
        if n % 500 == 7:
            labels["few"] = "y"
        engine.run(Batch(_ref(n), (Set("state", {"a": b"j1", "b": b"j1"}), Label(labels))))
    for low in range(0, FIELDS, 10):
        engine.run(Batch(WIDE, (Set("state", {f"f{n}": b"j1" for n in range(low, low + 10)}),)))
    for low in range(0, MESSAGES, 10):
        ids = tuple(f"m{n}" for n in range(low, low + 10))
        engine.run(Batch(LONG, (Append("messages", (b"j1",) * 10, ids=ids),)))
    if request.param == "now":
        _analyze(quiet)
    yield engine
    engine.close()


def _read(server: PostgresServer) -> dict[str, int]:
    """Return how many rows were read of each table and index."""
    rows = server.execute(
        "select relname, coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) from pg_stat_user_tables"
        " union all select indexrelname, idx_tup_read from pg_stat_user_indexes",
        database="plans",
    )
    return {name: int(count) for name, count in rows}


@pytest.mark.parametrize("name", CALLS)
def test_what_a_call_reads_does_not_grow(name: str, quiet: PostgresServer, filled: PostgresEngine):
    calls = 4
    CALLS[name](filled, 90)  # the first call of a session looks plans up
    _settled(filled)
    before = _read(quiet)
    for n in range(calls):
        CALLS[name](filled, 100 + n)
    _settled(filled)
    found = {key: (n - before.get(key, 0)) / calls for key, n in _read(quiet).items()}
    most = MOST + 2 * FEW if name == "by labels" else MOST
    assert {key: n for key, n in found.items() if n > most} == {}


def _settled(engine: PostgresEngine) -> None:
    """Have the session tell what it has read."""
    engine._lines.fetch(b"select pg_stat_force_next_flush()", ())


def test_nothing_is_compiled(filled: PostgresEngine):
    """A plan that the settings of a function rule out costs so much that the server would compile it, for 200 ms."""
    compiled = "select count(*) from pg_proc where prosrc <> '' and proname ~ '^tk_' and proconfig is not null and not 'jit=off' = any (proconfig)"
    assert filled._lines.fetch(compiled.encode(), ()) == [(0,)]
