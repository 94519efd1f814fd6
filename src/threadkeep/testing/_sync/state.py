# Generated from src/threadkeep/testing/_async/state.py by scripts/unasync. Do not edit.
"""`thread.state`, `store.user(...).state`, `store.app().state`."""

from __future__ import annotations

from typing import Any

import pytest

from threadkeep._sync.entity import Thread
from threadkeep._sync.store import Store
from threadkeep.errors import Conflict, UsageError
from threadkeep.model.leases import FOREVER, Sliding


class TestState:
    """Named values, each with a revision."""

    def test_set_and_get(self, thread: Thread) -> None:
        state = thread.state
        assert state.get("a") is None
        assert state.get("a", "default") == "default"
        assert state.set("a", [1]) == 1
        assert state.set("b", None) == 2
        assert state.get("a") == [1]
        assert state.get("b", "default") is None
        assert state.set("a", "new") == 3
        assert state.get("a") == "new"

    def test_a_value_handed_out_is_the_callers(self, thread: Thread) -> None:
        mine: dict[str, Any] = {"list": [1]}
        thread.state.set("a", mine)
        mine["list"].append(2)
        found = thread.state.get("a")
        found["list"].append(3)
        assert thread.state.get("a") == {"list": [1]}

    def test_update_writes_all_with_one_revision(self, thread: Thread) -> None:
        thread.state.set("a", 0)
        assert thread.state.update({"b": 2, "a": 1}, ttl=60) == 2
        entries = thread.state.entries()
        assert {n: (e.value, e.revision, e.lease) for n, e in entries.items()} == {
            "a": (1, 2, Sliding(60)),
            "b": (2, 2, Sliding(60)),
        }

    def test_an_empty_update_changes_nothing(self, thread: Thread) -> None:
        thread.state.update({})
        assert thread.info() is None
        thread.state.set("a", 1)
        assert thread.state.update({}) == 1

    def test_get_many_keeps_the_order_asked_for(self, thread: Thread) -> None:
        thread.state.update({"a": 1, "b": 2, "c": 3})
        found = thread.state.get_many(["c", "never", "a", "c"])
        assert list(found.items()) == [("c", 3), ("a", 1)]
        assert thread.state.get_many([]) == {}
        assert thread.state.get_many(iter(("b",))) == {"b": 2}

    def test_get_all_is_sorted_by_name(self, thread: Thread) -> None:
        for name in ("b", "B", "a2", "a10", "ä", "z", "🦀", "\uffee"):
            thread.state.set(name, name)
        names = list(thread.state.get_all())
        assert names == ["B", "a10", "a2", "b", "z", "ä", "\uffee", "🦀"]
        assert list(thread.state.get_all("a")) == ["a10", "a2"]
        assert thread.state.keys() == names
        assert list(thread.state.entries()) == names
        assert list(thread.state.entries("a")) == ["a10", "a2"]

    def test_entry(self, thread: Thread) -> None:
        assert thread.state.entry("a") is None
        thread.state.set("other", 1)
        thread.state.set("a", 7)
        entry = thread.state.entry("a")
        assert entry is not None
        assert (entry.value, entry.revision, entry.lease) == (7, 2, FOREVER)
        assert entry.expires_at is None

    def test_if_absent(self, thread: Thread) -> None:
        assert thread.state.set("a", 1, if_absent=True) == 1
        with pytest.raises(Conflict) as refused:
            thread.state.set("a", 2, if_absent=True)
        assert (refused.value.found, refused.value.revision) == (1, 1)
        assert thread.state.get("a") == 1

    def test_if_revision(self, thread: Thread) -> None:
        with pytest.raises(Conflict) as refused:
            thread.state.set("a", 1, if_revision=1)
        assert (refused.value.found, refused.value.revision) == (None, 0)
        assert thread.info() is None
        assert thread.state.set("a", 1, if_revision=0) == 1
        thread.state.set("b", 1)
        assert thread.state.set("a", 2, if_revision=1) == 3
        for stale in (0, 1, 2, 4):
            with pytest.raises(Conflict) as refused:
                thread.state.set("a", 9, if_revision=stale)
            assert (refused.value.found, refused.value.revision) == (2, 3)
        assert thread.state.get("a") == 2

    def test_conditions_that_make_no_sense(self, thread: Thread) -> None:
        refused: list[dict[str, Any]] = [{"if_absent": True, "if_revision": 1}, {"if_revision": -1}]
        for wrong in refused:
            with pytest.raises(UsageError):
                thread.state.set("a", 1, **wrong)
        for revision in (1.0, "1", True):
            with pytest.raises(UsageError):
                thread.state.set("a", 1, if_revision=revision)  # pyright: ignore[reportArgumentType] - what is refused
        assert thread.info() is None

    def test_increment(self, thread: Thread) -> None:
        state = thread.state
        assert state.increment("n") == 1
        assert state.increment("n", 41) == 42
        assert state.increment("n", -50) == -8
        assert type(state.get("n")) is int
        assert state.increment("n", 0.5) == -7.5
        assert state.increment("f", 1.25) == 1.25
        state.set("set", 10)
        assert state.increment("set", 5) == 15
        assert state.get_all() == {"f": 1.25, "n": -7.5, "set": 15}

    @pytest.mark.parametrize("value", ["1", None, True, [1], b"1", {"n": 1}], ids=repr)
    def test_only_a_number_is_incremented(self, thread: Thread, value: Any) -> None:
        thread.state.set("a", value)
        with pytest.raises(UsageError):
            thread.state.increment("a")
        assert thread.state.get("a") == value
        info = thread.info()
        assert info is not None and info.revision == 1

    @pytest.mark.parametrize("by", ["1", None, True, float("nan"), float("inf"), 1j], ids=repr)
    def test_only_a_number_is_added(self, thread: Thread, by: Any) -> None:
        with pytest.raises(UsageError):
            thread.state.increment("a", by)
        assert thread.info() is None

    def test_a_sum_stays_in_range(self, thread: Thread) -> None:
        edge = (1 << 63) - 1
        for name, start, by in (("up", edge, 1), ("down", -edge - 1, -1), ("far", 1e308, 1e308)):
            thread.state.set(name, start)
            with pytest.raises(UsageError):
                thread.state.increment(name, by)
            assert thread.state.get(name) == start
        assert thread.state.increment("up", -1) == edge - 1
        assert thread.state.get("up") == edge - 1

    def test_push(self, thread: Thread) -> None:
        state = thread.state
        assert state.push("log", "a") == 1
        assert state.push("log", ["b"]) == 2
        assert state.get("log") == ["a", ["b"]]
        for number in range(5):
            state.push("log", number, keep=3)
        assert state.get("log") == [2, 3, 4]
        assert state.push("log", 5, keep=1) == 1
        state.set("text", "abc")
        for wrong in ({"name": "text"}, {"name": "log", "keep": 0}, {"name": "log", "keep": -1}):
            with pytest.raises(UsageError):
                state.push(item="x", **wrong)  # pyright: ignore[reportArgumentType] - what is refused
        assert state.get_all() == {"log": [5], "text": "abc"}

    def test_mutate(self, thread: Thread) -> None:
        state = thread.state
        assert state.mutate("cart", lambda found: [*found, "x"], default=[]) == ["x"]
        assert state.mutate("cart", lambda found: [*found, "y"]) == ["x", "y"]
        assert state.mutate("none", lambda found: found) is None
        assert state.get_all() == {"cart": ["x", "y"], "none": None}

        def fail(_found: Any) -> None:
            raise KeyError("mine")

        with pytest.raises(KeyError, match="mine"):
            state.mutate("cart", fail)
        assert state.get("cart") == ["x", "y"]

    def test_delete_has_keys_size_clear(self, thread: Thread) -> None:
        state = thread.state
        assert (state.keys(), state.size(), state.has("a")) == ([], 0, False)
        state.update({"a1": 1, "a2": 2, "b": None})
        assert state.has("b")
        assert state.size() == 3
        assert state.keys("a") == ["a1", "a2"]
        assert state.delete("a1", "never", "b") == 2
        assert state.delete() == 0
        assert state.keys() == ["a2"]
        state.update({"a1": 1, "c": 1})
        assert state.clear("a") == 2
        assert state.clear() == 1
        assert state.clear() == 0
        assert thread.info() is None

    def test_users_and_the_app_have_state(self, store: Store) -> None:
        alice, bob, app = store.user("alice").state, store.user("bob").state, store.app().state
        alice.set("name", "Alice")
        bob.set("name", "Bob")
        app.update({"name": "App", "version": 2})
        assert store.user("alice").state.get("name") == "Alice"
        assert bob.get_all() == {"name": "Bob"}
        assert store.app().state.get_all() == {"name": "App", "version": 2}
        assert app.increment("version") == 3
        assert store.user("alice").destroy() == 1
        alice.set("name", "again")
        assert alice.get("name") == "again"

    def test_a_handle_costs_nothing_and_makes_nothing(self, store: Store) -> None:
        handles = [store.thread(f"t{number}") for number in range(100)]
        assert [t.id for t in store.threads()] == []
        assert {handle.state.get("a") for handle in handles} == {None}
        assert [t.id for t in store.threads()] == []
