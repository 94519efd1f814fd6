"""Limits: over one is TooLarge, naming it, and nothing is written; at one is fine."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from threadkeep._async.entity import AsyncThread
from threadkeep.errors import TooLarge, UsageError
from threadkeep.model.options import Limits
from threadkeep.ops.ops import Append, Del, Incr, Label, Set
from threadkeep.testing._async.fixtures import MakeStore, OpenEngine
from threadkeep.testing._async.subject import LOG, MAP, AsyncSubject
from threadkeep.testing.needs import needs

SMALL = Limits(value=1_000, snapshot=2_000, batch=5_000, fields=10, labels=3)
Write = Callable[[AsyncThread], Awaitable[Any]]

# A stored str weighs three bytes more than its text: the form byte and two quotes.
AT: dict[str, Write] = {
    "value": lambda t: t.state.set("a", "x" * 997),
    "message": lambda t: t.messages.append("x" * 997),
    "snapshot": lambda t: t.snapshots.save("x" * 1_997),
    "batch": lambda t: t.state.update({f"f{n}": "x" * 997 for n in range(5)}),
    "messages": lambda t: t.messages.append(*["x" * 997] * 5),
    "fields": lambda t: t.state.update({f"f{n}": n for n in range(10)}),
    "labels": lambda t: t.set_labels(a="1", b="2", c="3"),
}
OVER: dict[str, tuple[str, Write]] = {
    "value": ("1000", lambda t: t.state.set("a", "x" * 998)),
    "value in UTF-8": ("1000", lambda t: t.state.set("a", "é" * 500)),
    "one of several": ("1000", lambda t: t.state.update({"a": 1, "b": "x" * 998})),
    "pushed": ("1000", lambda t: t.state.push("a", "x" * 998)),
    "message": ("1000", lambda t: t.messages.append("ok", "x" * 998)),
    "replacement": ("1000", lambda t: t.messages.replace(["x" * 998])),
    "snapshot": ("2000", lambda t: t.snapshots.save("x" * 1_998)),
    "batch": ("5000", lambda t: t.state.update({f"f{n}": "x" * 997 for n in range(6)})),
    "messages": ("5000", lambda t: t.messages.append(*["x" * 997] * 6)),
    "fields": ("10", lambda t: t.state.update({f"f{n}": n for n in range(11)})),
    "labels": ("3", lambda t: t.set_labels(a="1", b="2", c="3", d="4")),
}


@pytest.mark.anyio
class TestLimits:
    """One call may weigh so much."""

    @pytest.fixture
    async def small(
        self,
        needs_limits: None,  # noqa: ARG002 - asked for its effect
        open_engine: OpenEngine,
        make_store: MakeStore,
    ) -> AsyncThread:
        """Return a thread of a store with small limits."""
        return make_store(engine=await open_engine(SMALL), limits=SMALL).thread("small")

    @pytest.mark.parametrize("what", AT)
    async def test_at_the_limit(self, small: AsyncThread, what: str) -> None:
        await AT[what](small)
        assert await small.info() is not None

    @pytest.mark.parametrize("what", OVER)
    async def test_over_the_limit(self, small: AsyncThread, what: str) -> None:
        limit, write = OVER[what]
        with pytest.raises(TooLarge, match=limit):
            await write(small)
        assert await small.info() is None
        await small.state.set("kept", 1)
        before = await small.info()
        with pytest.raises(TooLarge, match=limit):
            await write(small)
        assert await small.info() == before
        assert await small.state.get_all() == {"kept": 1}
        assert await small.messages.list() == []

    async def test_fields_are_counted_over_all_calls(self, small: AsyncThread) -> None:
        for number in range(10):
            await small.state.set(f"f{number}", number)
        for write in (
            lambda: small.state.set("one more", 1),
            lambda: small.state.increment("one more"),
            lambda: small.state.push("one more", 1),
        ):
            with pytest.raises(TooLarge):
                await write()
        await small.state.set("f0", "changed")
        await small.state.increment("f1")
        assert await small.state.size() == 10
        await small.state.delete("f9")
        await small.state.set("one more", 1)
        assert await small.state.size() == 10

    @needs("limits")
    async def test_a_batch_may_make_room_for_itself(
        self, open_engine: OpenEngine, subject: AsyncSubject
    ) -> None:
        entity = AsyncSubject(await open_engine(SMALL), subject.ref)
        await entity.run(Set(MAP, {f"f{n}": b"1" for n in range(10)}))
        with pytest.raises(TooLarge):
            await entity.run(
                Set(MAP, {"a": b"1", "b": b"1"}), Del(MAP, ("f1",)), Append(LOG, (b"1",))
            )
        assert len(await entity.fields()) == 10
        assert await entity.log() == []
        await entity.run(Del(MAP, ("f1",)), Set(MAP, {"a": b"1"}))
        assert len(await entity.fields()) == 10

    @needs("limits")
    async def test_a_limit_lowered_later_still_lets_things_go(
        self, open_engine: OpenEngine, subject: AsyncSubject
    ) -> None:
        engine = await open_engine(SMALL)
        if not engine.capabilities.processes:
            pytest.skip("capability: processes")
        await subject.run(
            Set(MAP, {f"f{n}": b"j1" for n in range(12)}),
            Label({f"l{n}": "1" for n in range(5)}),
        )
        entity = AsyncSubject(engine, subject.ref)
        await entity.run(Incr(MAP, "f1"), Label({"l1": "changed"}))
        await entity.run(Del(MAP, ("f2",)), Label({"l2": None}))
        for op in (Set(MAP, {"new": b"1"}), Label({"new": "1"})):
            with pytest.raises(TooLarge):
                await entity.run(op)
        assert len(await entity.fields()) == 11

    async def test_labels_are_counted_over_all_calls(self, small: AsyncThread) -> None:
        await small.set_labels(a="1", b="2")
        await small.set_labels(c="3", a="4")
        with pytest.raises(TooLarge):
            await small.set_labels(d="5")
        assert await small.set_labels(d="5", a=None) == {"b": "2", "c": "3", "d": "5"}

    async def test_the_limits_of_a_store_are_as_documented(self, thread: AsyncThread) -> None:
        await thread.state.set("a", b"x" * ((1 << 20) - 1))
        with pytest.raises(TooLarge):
            await thread.state.set("a", b"x" * (1 << 20))
        await thread.set_labels(**{f"l{n}": "1" for n in range(16)})
        with pytest.raises(TooLarge):
            await thread.set_labels(one_more="1")
        await thread.state.update({f"f{n}": n for n in range(9_999)})
        with pytest.raises(TooLarge, match="10000"):
            await thread.state.set("one more", 1)
        assert await thread.state.size() == 10_000
        assert len(await thread.state.get("a")) == (1 << 20) - 1

    async def test_limits_must_make_sense(self) -> None:
        for name in ("value", "part", "snapshot", "batch", "fields", "labels"):
            with pytest.raises(UsageError, match=name):
                Limits(**{name: 0})
