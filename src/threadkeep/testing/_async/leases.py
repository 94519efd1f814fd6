"""Leases of fields: what starts them, what renews them, to what."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from threadkeep._async.entity import AsyncThread
from threadkeep._async.state import AsyncState
from threadkeep.errors import UsageError
from threadkeep.model.leases import FOREVER, Sliding
from threadkeep.testing._async.clock import AsyncClock
from threadkeep.testing._async.fixtures import MakeStore
from threadkeep.testing.needs import needs

DAY = 86_400
WINDOWS = {"price": 5, "city": 1_800, "plan": 30 * DAY}


async def _get(state: AsyncState) -> None:
    for name in WINDOWS:
        await state.get(name)


def _one(_: object) -> int:
    return 1


RENEWALS: dict[str, Callable[[AsyncState], Awaitable[Any]]] = {
    "get": _get,
    "get_many": lambda state: state.get_many(WINDOWS),
    "get_all": lambda state: state.get_all(),
    "touch": lambda state: state.touch(),
    "touch by name": lambda state: state.touch(*WINDOWS),
}
WRITES: dict[str, Callable[[AsyncState, dict[str, Any]], Awaitable[Any]]] = {
    "set": lambda state, lease: state.set("x", 1, **lease),
    "update": lambda state, lease: state.update({"x": 1}, **lease),
    "increment": lambda state, lease: state.increment("x", **lease),
    "push": lambda state, lease: state.push("x", 1, **lease),
    "mutate": lambda state, lease: state.mutate("x", _one, **lease),
}
NAIVE = datetime(2100, 1, 1)  # noqa: DTZ001 - a naive one is what is refused
REFUSED: list[dict[str, object]] = [
    {"ttl": 0},
    {"ttl": 0.0},
    {"ttl": -1},
    {"ttl": float("nan")},
    {"ttl": float("inf")},
    {"ttl": 1e-9},
    {"ttl": timedelta(0)},
    {"ttl": timedelta(seconds=-5)},
    {"ttl": True},
    {"ttl": "5"},
    {"expires_at": NAIVE},
    {"expires_at": 1_900_000_000},
    {"ttl": 5, "expires_at": NAIVE.astimezone()},
]


@pytest.mark.anyio
class TestLeases:
    """A field remembers its own lease, and a read renews it to its own window."""

    @needs("clock")
    @pytest.mark.parametrize("how", RENEWALS)
    async def test_each_field_is_renewed_to_its_own_window(
        self, thread: AsyncThread, clock: AsyncClock, how: str
    ) -> None:
        for name, window in WINDOWS.items():
            await thread.state.set(name, window, ttl=window)
        for _ in range(5):
            clock.jump(4)
            await RENEWALS[how](thread.state)
            entries = await thread.state.entries()
            assert {n: e.lease for n, e in entries.items()} == {
                n: Sliding(window) for n, window in WINDOWS.items()
            }
            assert entries["price"].expires_at == clock.after(5)
        clock.jump(5)
        assert await thread.state.keys() == ["city", "plan"]
        clock.jump(1_800)
        assert await thread.state.keys() == ["plan"]
        clock.jump(30 * DAY)
        assert await thread.state.keys() == []

    @needs("clock")
    async def test_a_field_of_300_seconds_stays_one(
        self, thread: AsyncThread, clock: AsyncClock
    ) -> None:
        await thread.state.set("month", 1, ttl=30 * DAY)
        await thread.state.set("prices", 2, ttl=300)
        for _ in range(100):
            clock.jump(250)
            assert await thread.state.get_all() == {"month": 1, "prices": 2}
        entry = await thread.state.entry("prices")
        assert entry is not None
        assert (entry.lease, entry.expires_at) == (Sliding(300), clock.after(300))
        clock.jump(300)
        assert await thread.state.get_all() == {"month": 1}

    @needs("clock")
    async def test_touch_renews_exactly(self, thread: AsyncThread, clock: AsyncClock) -> None:
        for name, window in WINDOWS.items():
            await thread.state.set(name, window, ttl=window)
        await thread.state.set("kept", 0)
        clock.jump(0.25)
        assert await thread.state.touch() == len(WINDOWS)
        ends = {n: e.expires_at for n, e in (await thread.state.entries()).items()}
        assert ends == {n: clock.after(w) for n, w in WINDOWS.items()} | {"kept": None}

    async def test_reading_one_field_renews_no_other(
        self, thread: AsyncThread, clock: AsyncClock
    ) -> None:
        await thread.state.update({"read": 1, "idle": 2}, ttl=clock.span(10))
        await clock.pass_(6)
        assert await thread.state.get("read") == 1
        await clock.pass_(6)
        assert await thread.state.keys() == ["read"]

    async def test_a_field_that_is_read_lives_on(
        self, thread: AsyncThread, clock: AsyncClock
    ) -> None:
        await thread.state.set("a", 1, ttl=clock.span(10))
        for _ in range(4):
            await clock.pass_(6)
            assert await thread.state.get("a") == 1
        await clock.pass_(11)
        assert await thread.state.get("a") is None

    async def test_reads_that_are_not_to_renew_do_not(
        self, thread: AsyncThread, clock: AsyncClock
    ) -> None:
        await thread.state.set("a", 1, ttl=clock.span(10))
        await clock.pass_(6)
        state = thread.state
        assert await state.get("a", renew=False) == 1
        assert await state.get_many(["a"], renew=False) == {"a": 1}
        assert await state.get_all(renew=False) == {"a": 1}
        assert await state.has("a")
        assert await state.keys() == ["a"]
        assert await state.size() == 1
        assert await state.entry("a") is not None
        assert list(await state.entries()) == ["a"]
        await clock.pass_(5)
        assert await state.get("a") is None

    @needs("clock")
    @pytest.mark.parametrize("window", [1, 16, 300, 30 * DAY])
    async def test_a_read_renews_after_a_sixteenth_of_the_window(
        self, thread: AsyncThread, clock: AsyncClock, window: int
    ) -> None:
        await thread.state.set("a", 1, ttl=window)
        first = clock.after(window)
        clock.jump(window / 16)
        await thread.state.get("a")
        entry = await thread.state.entry("a")
        assert entry is not None and entry.expires_at == first
        clock.jump(1e-6)
        await thread.state.get("a")
        entry = await thread.state.entry("a")
        assert entry is not None and entry.expires_at == clock.after(window)

    @needs("clock")
    @pytest.mark.parametrize("read_at", [0.0, 0.01, 1 / 16, 0.07, 0.5, 0.99])
    async def test_an_idle_field_lives_15_16_of_its_window_to_all_of_it(
        self, thread: AsyncThread, clock: AsyncClock, read_at: float
    ) -> None:
        await thread.state.set("a", 1, ttl=1_600)
        clock.jump(1_600 * read_at)
        assert await thread.state.get("a") == 1
        clock.jump(1_500 - 1e-6)
        assert await thread.state.has("a")
        clock.jump(100 + 1e-6)
        assert not await thread.state.has("a")

    async def test_a_fixed_end_is_never_renewed(
        self, thread: AsyncThread, clock: AsyncClock
    ) -> None:
        end = clock.after(10)
        await thread.state.set("a", 1, expires_at=end)
        await clock.pass_(6)
        await thread.state.get("a")
        await thread.state.get_all()
        assert await thread.state.touch() == 0
        entry = await thread.state.entry("a")
        assert entry is not None and entry.expires_at == end
        assert entry.lease.end is not None and entry.lease.window is None
        await clock.pass_(5)
        assert await thread.state.get("a") is None

    async def test_an_end_in_the_past_is_over(self, thread: AsyncThread, clock: AsyncClock) -> None:
        await thread.state.set("a", 1, expires_at=clock.after(-100))
        assert await thread.state.get("a") is None
        assert await thread.state.keys() == []

    @needs("clock")
    async def test_forever_is(self, thread: AsyncThread, clock: AsyncClock) -> None:
        await thread.state.set("a", 1, ttl=FOREVER)
        entry = await thread.state.entry("a")
        assert entry is not None and (entry.lease, entry.expires_at) == (FOREVER, None)
        clock.jump(100 * 365 * DAY)
        assert await thread.state.get("a") == 1

    async def test_ttl_takes_seconds_timedeltas_and_leases(self, thread: AsyncThread) -> None:
        for ttl in (90, 90.0, timedelta(minutes=1.5), Sliding(90)):
            await thread.state.set("a", 1, ttl=ttl)
            entry = await thread.state.entry("a")
            assert entry is not None and entry.lease == Sliding(90)

    async def test_without_ttl_a_field_takes_the_default_of_its_kind(
        self, make_store: MakeStore
    ) -> None:
        store = make_store(ttl={"thread": 60, "user": timedelta(days=1)})
        for entity, lease in (
            (store.thread("t"), Sliding(60)),
            (store.user("u"), Sliding(DAY)),
            (store.app(), FOREVER),
            (make_store(ttl=30).thread("s"), Sliding(30)),
            (make_store().thread("f"), FOREVER),
        ):
            await entity.state.set("a", 1)
            await entity.state.increment("n")
            for entry in (await entity.state.entries()).values():
                assert entry.lease == lease

    async def test_an_overwrite_takes_the_default_not_the_old_lease(
        self, make_store: MakeStore
    ) -> None:
        for default, lease in ((None, FOREVER), (60, Sliding(60))):
            thread = make_store(ttl=default).thread(f"default-{default}")
            for ttl in (5, 30 * DAY):
                await thread.state.set("a", 1, ttl=ttl)
                await thread.state.set("a", 2)
                entry = await thread.state.entry("a")
                assert entry is not None and entry.lease == lease

    @needs("clock")
    @pytest.mark.parametrize("how", ["increment", "push", "mutate"])
    async def test_changing_a_field_renews_its_own_lease(
        self, make_store: MakeStore, clock: AsyncClock, how: str
    ) -> None:
        state = make_store(ttl=9).thread("t").state
        start: object = [] if how == "push" else 1
        for ttl in (300, 40):
            await state.set("x", start, ttl=ttl)
            clock.jump(1)
            await WRITES[how](state, {})
            entry = await state.entry("x")
            assert entry is not None
            assert (entry.lease, entry.expires_at) == (Sliding(ttl), clock.after(ttl))
        await WRITES[how](state, {"ttl": 7})
        entry = await state.entry("x")
        assert entry is not None and entry.lease == Sliding(7)

    @pytest.mark.parametrize("how", WRITES)
    async def test_a_lease_that_makes_no_sense_is_refused(
        self, thread: AsyncThread, how: str
    ) -> None:
        for lease in REFUSED:
            with pytest.raises(UsageError):
                await WRITES[how](thread.state, lease)
        assert await thread.info() is None
