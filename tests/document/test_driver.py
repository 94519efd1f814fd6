"""What a program's driver may be like, what it is told, and what becomes of its failures."""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
import threading
from collections.abc import Callable
from typing import Any

import pytest

from tests.document.drivers import AsyncComparing, Plain, Rows
from threadkeep import (
    AsyncStore,
    CodecError,
    Gone,
    SchemaMismatch,
    Store,
    Unavailable,
    UsageError,
)
from threadkeep.engines.document import Document, DocumentEngine

ID = "default:thread:t"
HOUR = 3600


class Named:
    def __init__(self, id: str, data: object) -> None:
        self.id, self.data = id, data


def sqlite_row(id: str, data: str) -> sqlite3.Row:
    con = sqlite3.connect(":memory:")
    con.row_factory = sqlite3.Row
    found = con.execute("select ? as id, ? as data, 7 as updated_at", (id, data)).fetchone()
    con.close()
    return found


SHAPES: dict[str, Callable[[str, str], Any]] = {
    "mapping of text": lambda key, data: {"id": key, "data": data, "updated_at": 7},
    "mapping of JSON": lambda key, data: {"id": key, "data": json.loads(data)},
    "tuple": lambda key, data: (key, data, 7),
    "bytes": lambda key, data: (key, data.encode()),
    "memoryview": lambda key, data: (key, memoryview(data.encode())),
    "text of text": lambda key, data: (key, json.dumps(data)),
    "row of a query": sqlite_row,
    "rows of a query": lambda key, data: [sqlite_row(key, data)],
    "attributes": Named,
    "document": lambda key, data: Document(key, json.loads(data), 1),
    "the data alone": lambda _, data: data,
}


@pytest.mark.parametrize("shape", SHAPES)
def test_rows_come_in_any_form(shape: str):
    class Driver(Plain):
        def get(self, id: str) -> Any:
            found = self.rows.get(id)
            if found is None:
                return [] if shape == "rows of a query" else None
            return SHAPES[shape](id, found[0])

        def list(self) -> Any:
            return (SHAPES[shape](key, "{}") if shape == "tuple" else key for key in [*self.rows])

    with Store.from_client(Driver({})) as store:
        store.thread("t").state.update({"a": 1, "b": b"\x00\xff"})
        store.thread("t").messages.append("m")
        assert store.thread("t").state.get_all() == {"a": 1, "b": b"\x00\xff"}
        assert store.thread("t").messages.list() == ["m"]
        assert [each.id for each in store.threads()] == ["t"]


def test_what_a_listing_returns_is_read_before_the_next_call():
    """It may be a view of what the driver holds, which the next call changes."""

    class Lazy:
        def __iter__(self) -> Any:
            assert threading.current_thread() is not threading.main_thread()
            return iter(["default:thread:t"])

    class Driver(Plain):
        def list(self) -> Any:
            return Lazy()

    async def run() -> None:
        async with AsyncStore.from_client(Driver({})) as store:
            await store.thread("t").state.set("a", 1)
            assert [each.id async for each in store.threads()] == ["t"]

    asyncio.run(run())


@pytest.mark.parametrize("found", [None, 7, "default:thread:t"])
def test_a_listing_that_is_none_is_an_error(found: object):
    class Driver(Plain):
        def list(self) -> Any:
            return found

    with Store.from_client(Driver({})) as store, pytest.raises(CodecError, match=r"list\(\)"):
        store.threads().page()


def test_the_content_is_for_people_too():
    rows: Rows = {}
    with Store.from_client(Plain(rows)) as store:
        store.thread("t").state.set("city", "Sofia")
        store.thread("t").messages.append({"role": "user", "content": "hi"})
    found = json.loads(rows[ID][0])
    assert found["ref"] == {"namespace": "default", "kind": "thread", "id": "t"}
    assert found["maps"]["state"]["city"]["text"] == 'j"Sofia"'
    assert [item["text"] for log in found["logs"].values() for item in log["kept"]] == [
        'j{"role":"user","content":"hi"}'
    ]


def test_ids_are_plain_and_never_the_same():
    rows: Rows = {}
    with Store.from_client(Plain(rows), namespace="a:b") as store:
        for name in ("x:y", "x%3Ay", "é", "e", "x y", "../x", "x/y"):
            store.thread(name).state.set("id", name)
        for thread in store.threads():
            assert store.thread(thread.id).state.get("id") == thread.id
    entities = [key for key in rows if key.count(":") == 2]
    assert len(entities) == 7
    assert all(re.fullmatch(r"[A-Za-z0-9_.~%:-]+", key) for key in entities)


def test_capabilities_say_what_a_driver_can_guarantee():
    async def run() -> None:
        async with AsyncStore.from_client(AsyncComparing({})) as store:
            known = await store.capabilities()
            assert (known.processes, known.clock) == (True, True)
            assert known.version == "compare_and_set, compare_and_delete, expire, get_many"

    asyncio.run(run())
    with Store.from_client(Plain({})) as store:
        known = store.capabilities()
        assert (known.name, known.processes, known.durability, known.version) == (
            "document",
            False,
            "none",
            "",
        )
    with pytest.raises(UsageError, match="durable"):
        Store.from_client(Plain({}), durable=True).thread("t").state.set("a", 1)


def test_a_driver_says_what_survives():
    class Durable(Plain):
        durability = "power-loss"

    with Store.from_client(Durable({}), durable=True) as store:
        store.thread("t").state.set("a", 1)


def test_what_lacks_a_method_is_no_driver():
    class Half:
        def get(self, id: str) -> None: ...
        def set(self, row: object) -> None: ...

    with pytest.raises(UsageError, match=r"lacks delete\(\), list\(\)"):
        DocumentEngine(Half())


def test_a_driver_with_await_is_for_asyncio():
    with pytest.raises(UsageError, match="AsyncStore"):
        Store.from_client(AsyncComparing({}))

    class Hidden(Plain):
        def get(self, id: str) -> Any:
            return AsyncComparing(self.rows).get(id)

    with Store.from_client(Hidden({})) as store, pytest.raises(UsageError, match="AsyncStore"):
        store.thread("t").state.get("a")

    async def run() -> object:
        async with AsyncStore.from_client(Hidden({})) as store:
            await store.thread("t").state.set("a", 1)
            return await store.thread("t").state.get("a")

    assert asyncio.run(run()) == 1


@pytest.mark.parametrize(("method", "maybe"), [("get", False), ("set", True)])
def test_a_failing_driver_is_said_and_nothing_is_lost(method: str, maybe: bool):
    class Failing(Plain):
        fails = ""

        def get(self, id: str) -> Any:
            if self.fails == "get":
                raise OSError("secret")
            return super().get(id)

        def set(self, row: Document) -> None:
            if self.fails == "set":
                raise OSError("secret")
            super().set(row)

    driver = Failing({})
    with Store.from_client(driver) as store:
        store.thread("t").state.set("a", 1)
        driver.fails = method
        with pytest.raises(Unavailable) as caught:
            store.thread("t").state.set("a", 2)
        assert caught.value.maybe_applied is maybe
        assert f"{method}()" in str(caught.value)
        assert "secret" not in str(caught.value)
        driver.fails = ""
        assert store.thread("t").state.get("a") == 1
        assert [each.id for each in store.threads()] == ["t"]


@pytest.mark.parametrize(
    ("damage", "error"),
    [
        (lambda text: text[:-5], CodecError),
        (lambda _: "[]", CodecError),
        (lambda _: "{}", CodecError),
        (lambda text: text.replace('"threadkeep": 1', '"threadkeep": 2'), SchemaMismatch),
    ],
)
def test_what_cannot_be_read_is_an_error_and_stays(
    damage: Callable[[str], str], error: type[Exception]
):
    rows: Rows = {}
    with Store.from_client(Plain(rows)) as store:
        store.thread("t").state.set("a", 1)
        rows[ID] = (damage(rows[ID][0]), 1)
        before = rows[ID]
        for call in (
            lambda: store.thread("t").state.get("a"),
            lambda: store.thread("t").state.set("a", 2),
            lambda: store.thread("t").destroy(),
            lambda: store.threads().page(),
        ):
            with pytest.raises(error, match=ID):
                call()
        assert rows[ID] == before


def test_a_database_that_folds_case_does_not_mix_threads():
    class Folding(Plain):
        def get(self, id: str) -> Any:
            return super().get(id.lower())

        def set(self, row: Document) -> None:
            super().set(Document(row.id.lower(), row.data, row.version))

    with Store.from_client(Folding({})) as store:
        store.thread("a").state.set("x", 1)
        for call in (
            store.thread("A").state.get,
            lambda name: store.thread("A").state.set(name, 2),
        ):
            with pytest.raises(CodecError, match="case"):
                call("x")
        assert store.thread("a").state.get("x") == 1


def test_what_is_destroyed_leaves_no_row_in_the_end():
    now = [1_800_000_000.0]
    rows: Rows = {}
    with Store.from_client(Plain(rows), clock=lambda: now[0]) as store:
        thread = store.thread("t")
        thread.state.set("a", 1)
        thread.destroy()
        store.sweep()
        assert ID in rows  # the tombstone
        with pytest.raises(Gone):
            thread.state.set("a", 2)
        now[0] += 25 * HOUR
        store.sweep()
        assert ID not in rows


def test_without_a_guarded_delete_a_small_row_stays():
    """To delete without looking could remove what another process has just written."""

    class Comparing(AsyncComparing):
        compare_and_delete: Any = None

    now = [1_800_000_000.0]
    rows: Rows = {}

    async def run() -> None:
        driver: Any = Comparing(rows)
        async with AsyncStore.from_client(driver, clock=lambda: now[0]) as store:
            thread = store.thread("t")
            await thread.state.set("a", 1)
            await thread.destroy()
            now[0] += 25 * HOUR
            await store.sweep()
            assert len(rows[ID][0]) < 200
            assert driver.expiring[ID] < 60  # where rows can go by themselves, it does
            assert await store.thread("t").state.get("a") is None
            await store.thread("t").state.set("a", 2)
            assert ID not in driver.expiring
            assert await store.thread("t").state.get("a") == 2

    asyncio.run(run())


def test_only_what_ends_without_anybody_being_told_expires():
    async def run() -> None:
        driver = AsyncComparing({})
        async with AsyncStore.from_client(driver, clock=lambda: 1_800_000_000.0) as store:
            await store.thread("fields").state.set("a", 1, ttl=600)
            await store.thread("fields").state.set("b", 1, ttl=6000)
            await store.thread("forever").state.set("a", 1, ttl=60)
            await store.thread("forever").state.set("b", 1)
            await store.thread("said").state.set("a", 1, ttl=60)
            await store.thread("said").messages.append("m")
            await store.thread("labelled").state.set("a", 1, ttl=60)
            await store.thread("labelled").set_labels(user="u")
            await store.tools.store("search", {"q": "x"}, "found")
        tools = {key for key in driver.expiring if ":tool:" in key}
        assert tools
        assert set(driver.expiring) - tools == {"default:thread:fields"}
        assert driver.expiring["default:thread:fields"] == 6002

    asyncio.run(run())


def test_methods_without_await_do_not_hold_up_the_loop():
    names: set[str] = set()

    class Watching(Plain):
        def get(self, id: str) -> Any:
            names.add(threading.current_thread().name)
            return super().get(id)

    async def run() -> None:
        async with AsyncStore.from_client(Watching({})) as store:
            await asyncio.gather(*(store.thread("t").state.increment("n") for _ in range(20)))

    asyncio.run(run())
    assert len(names) == 1
    assert "MainThread" not in names


def test_a_cancelled_write_has_happened_or_not():
    async def run() -> None:
        async with AsyncStore.from_client(AsyncComparing({})) as store:
            thread = store.thread("t")
            done = 0
            for turns in range(30):
                task = asyncio.create_task(thread.state.increment("n"))
                for _ in range(turns % 12):
                    await asyncio.sleep(0)
                task.cancel()
                found = (await asyncio.gather(task, return_exceptions=True))[0]
                done += not isinstance(found, BaseException)
                before = await thread.state.get("n", default=0)
                await asyncio.sleep(0)
                assert await thread.state.get("n", default=0) == before
            assert done <= await thread.state.get("n", default=0) <= 30

    asyncio.run(run())
