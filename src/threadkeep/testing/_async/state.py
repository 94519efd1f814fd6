"""`thread.state`, `store.user(...).state`, `store.app().state`."""

from __future__ import annotations

from typing import Any

import pytest

from threadkeep._async.entity import AsyncThread
from threadkeep._async.store import AsyncStore
from threadkeep.errors import Conflict, UsageError
from threadkeep.model.leases import FOREVER, Sliding


@pytest.mark.anyio
class TestState:
    """Named values, each with a revision."""

    async def test_set_and_get(self, thread: AsyncThread) -> None:
        state = thread.state
        assert await state.get("a") is None
        assert await state.get("a", "default") == "default"
        assert await state.set("a", [1]) == 1
        assert await state.set("b", None) == 2
        assert await state.get("a") == [1]
        assert await state.get("b", "default") is None
        assert await state.set("a", "new") == 3
        assert await state.get("a") == "new"

    async def test_a_value_handed_out_is_the_callers(self, thread: AsyncThread) -> None:
        mine: dict[str, Any] = {"list": [1]}
        await thread.state.set("a", mine)
        mine["list"].append(2)
        found = await thread.state.get("a")
        found["list"].append(3)
        assert await thread.state.get("a") == {"list": [1]}

    async def test_update_writes_all_with_one_revision(self, thread: AsyncThread) -> None:
        await thread.state.set("a", 0)
        assert await thread.state.update({"b": 2, "a": 1}, ttl=60) == 2
        entries = await thread.state.entries()
        assert {n: (e.value, e.revision, e.lease) for n, e in entries.items()} == {
            "a": (1, 2, Sliding(60)),
            "b": (2, 2, Sliding(60)),
        }

    async def test_an_empty_update_changes_nothing(self, thread: AsyncThread) -> None:
        await thread.state.update({})
        assert await thread.info() is None
        await thread.state.set("a", 1)
        assert await thread.state.update({}) == 1

    async def test_get_many_keeps_the_order_asked_for(self, thread: AsyncThread) -> None:
        await thread.state.update({"a": 1, "b": 2, "c": 3})
        found = await thread.state.get_many(["c", "never", "a", "c"])
        assert list(found.items()) == [("c", 3), ("a", 1)]
        assert await thread.state.get_many([]) == {}
        assert await thread.state.get_many(iter(("b",))) == {"b": 2}

    async def test_get_all_is_sorted_by_name(self, thread: AsyncThread) -> None:
        for name in ("b", "B", "a2", "a10", "ä", "z", "🦀", "\uffee"):
            await thread.state.set(name, name)
        names = list(await thread.state.get_all())
        assert names == ["B", "a10", "a2", "b", "z", "ä", "\uffee", "🦀"]
        assert list(await thread.state.get_all("a")) == ["a10", "a2"]
        assert await thread.state.keys() == names
        assert list(await thread.state.entries()) == names
        assert list(await thread.state.entries("a")) == ["a10", "a2"]

    async def test_entry(self, thread: AsyncThread) -> None:
        assert await thread.state.entry("a") is None
        await thread.state.set("other", 1)
        await thread.state.set("a", 7)
        entry = await thread.state.entry("a")
        assert entry is not None
        assert (entry.value, entry.revision, entry.lease) == (7, 2, FOREVER)
        assert entry.expires_at is None

    async def test_if_absent(self, thread: AsyncThread) -> None:
        assert await thread.state.set("a", 1, if_absent=True) == 1
        with pytest.raises(Conflict) as refused:
            await thread.state.set("a", 2, if_absent=True)
        assert (refused.value.found, refused.value.revision) == (1, 1)
        assert await thread.state.get("a") == 1

    async def test_if_revision(self, thread: AsyncThread) -> None:
        with pytest.raises(Conflict) as refused:
            await thread.state.set("a", 1, if_revision=1)
        assert (refused.value.found, refused.value.revision) == (None, 0)
        assert await thread.info() is None
        assert await thread.state.set("a", 1, if_revision=0) == 1
        await thread.state.set("b", 1)
        assert await thread.state.set("a", 2, if_revision=1) == 3
        for stale in (0, 1, 2, 4):
            with pytest.raises(Conflict) as refused:
                await thread.state.set("a", 9, if_revision=stale)
            assert (refused.value.found, refused.value.revision) == (2, 3)
        assert await thread.state.get("a") == 2

    async def test_conditions_that_make_no_sense(self, thread: AsyncThread) -> None:
        refused: list[dict[str, Any]] = [{"if_absent": True, "if_revision": 1}, {"if_revision": -1}]
        for wrong in refused:
            with pytest.raises(UsageError):
                await thread.state.set("a", 1, **wrong)
        for revision in (1.0, "1", True):
            with pytest.raises(UsageError):
                await thread.state.set("a", 1, if_revision=revision)  # pyright: ignore[reportArgumentType] - what is refused
        assert await thread.info() is None

    async def test_increment(self, thread: AsyncThread) -> None:
        state = thread.state
        assert await state.increment("n") == 1
        assert await state.increment("n", 41) == 42
        assert await state.increment("n", -50) == -8
        assert type(await state.get("n")) is int
        assert await state.increment("n", 0.5) == -7.5
        assert await state.increment("f", 1.25) == 1.25
        await state.set("set", 10)
        assert await state.increment("set", 5) == 15
        assert await state.get_all() == {"f": 1.25, "n": -7.5, "set": 15}

    @pytest.mark.parametrize("value", ["1", None, True, [1], b"1", {"n": 1}], ids=repr)
    async def test_only_a_number_is_incremented(self, thread: AsyncThread, value: Any) -> None:
        await thread.state.set("a", value)
        with pytest.raises(UsageError):
            await thread.state.increment("a")
        assert await thread.state.get("a") == value
        info = await thread.info()
        assert info is not None and info.revision == 1

    @pytest.mark.parametrize("by", ["1", None, True, float("nan"), float("inf"), 1j], ids=repr)
    async def test_only_a_number_is_added(self, thread: AsyncThread, by: Any) -> None:
        with pytest.raises(UsageError):
            await thread.state.increment("a", by)
        assert await thread.info() is None

    async def test_a_sum_stays_in_range(self, thread: AsyncThread) -> None:
        edge = (1 << 63) - 1
        for name, start, by in (("up", edge, 1), ("down", -edge - 1, -1), ("far", 1e308, 1e308)):
            await thread.state.set(name, start)
            with pytest.raises(UsageError):
                await thread.state.increment(name, by)
            assert await thread.state.get(name) == start
        assert await thread.state.increment("up", -1) == edge - 1
        assert await thread.state.get("up") == edge - 1

    async def test_push(self, thread: AsyncThread) -> None:
        state = thread.state
        assert await state.push("log", "a") == 1
        assert await state.push("log", ["b"]) == 2
        assert await state.get("log") == ["a", ["b"]]
        for number in range(5):
            await state.push("log", number, keep=3)
        assert await state.get("log") == [2, 3, 4]
        assert await state.push("log", 5, keep=1) == 1
        await state.set("text", "abc")
        for wrong in ({"name": "text"}, {"name": "log", "keep": 0}, {"name": "log", "keep": -1}):
            with pytest.raises(UsageError):
                await state.push(item="x", **wrong)  # pyright: ignore[reportArgumentType] - what is refused
        assert await state.get_all() == {"log": [5], "text": "abc"}

    async def test_mutate(self, thread: AsyncThread) -> None:
        state = thread.state
        assert await state.mutate("cart", lambda found: [*found, "x"], default=[]) == ["x"]
        assert await state.mutate("cart", lambda found: [*found, "y"]) == ["x", "y"]
        assert await state.mutate("none", lambda found: found) is None
        assert await state.get_all() == {"cart": ["x", "y"], "none": None}

        def fail(_found: Any) -> None:
            raise KeyError("mine")

        with pytest.raises(KeyError, match="mine"):
            await state.mutate("cart", fail)
        assert await state.get("cart") == ["x", "y"]

    async def test_delete_has_keys_size_clear(self, thread: AsyncThread) -> None:
        state = thread.state
        assert (await state.keys(), await state.size(), await state.has("a")) == ([], 0, False)
        await state.update({"a1": 1, "a2": 2, "b": None})
        assert await state.has("b")
        assert await state.size() == 3
        assert await state.keys("a") == ["a1", "a2"]
        assert await state.delete("a1", "never", "b") == 2
        assert await state.delete() == 0
        assert await state.keys() == ["a2"]
        await state.update({"a1": 1, "c": 1})
        assert await state.clear("a") == 2
        assert await state.clear() == 1
        assert await state.clear() == 0
        assert await thread.info() is None

    async def test_users_and_the_app_have_state(self, store: AsyncStore) -> None:
        alice, bob, app = store.user("alice").state, store.user("bob").state, store.app().state
        await alice.set("name", "Alice")
        await bob.set("name", "Bob")
        await app.update({"name": "App", "version": 2})
        assert await store.user("alice").state.get("name") == "Alice"
        assert await bob.get_all() == {"name": "Bob"}
        assert await store.app().state.get_all() == {"name": "App", "version": 2}
        assert await app.increment("version") == 3
        assert await store.user("alice").destroy() == 1
        await alice.set("name", "again")
        assert await alice.get("name") == "again"

    async def test_a_handle_costs_nothing_and_makes_nothing(self, store: AsyncStore) -> None:
        handles = [store.thread(f"t{number}") for number in range(100)]
        assert [t.id async for t in store.threads()] == []
        assert {await handle.state.get("a") for handle in handles} == {None}
        assert [t.id async for t in store.threads()] == []
