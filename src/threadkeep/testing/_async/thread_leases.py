"""A thread may have a lease too: any read or write renews it, and with it everything goes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from threadkeep._async.entity import AsyncThread
from threadkeep._async.store import AsyncStore
from threadkeep.errors import UsageError
from threadkeep.model.leases import FOREVER, Sliding
from threadkeep.testing._async.clock import AsyncClock
from threadkeep.testing._async.fixtures import MakeStore
from threadkeep.testing.needs import needs

USES: dict[str, Callable[[AsyncThread], Awaitable[Any]]] = {
    "get": lambda t: t.state.get("a"),
    "get absent": lambda t: t.state.get("never"),
    "get_all": lambda t: t.state.get_all(),
    "list": lambda t: t.messages.list(),
    "last": lambda t: t.messages.list(last=1),
    "count": lambda t: t.messages.count(),
    "load": lambda t: t.snapshots.load(),
    "set": lambda t: t.state.set("b", 1),
    "append": lambda t: t.messages.append("m"),
    "save": lambda t: t.snapshots.save("s"),
    "set_labels": lambda t: t.set_labels(a="b"),
    "delete absent": lambda t: t.state.delete("never"),
    "touch fields": lambda t: t.state.touch(),
    "touch": lambda t: t.touch(),
}
LOOKS: dict[str, Callable[[AsyncThread], Awaitable[Any]]] = {
    "get": lambda t: t.state.get("a", renew=False),
    "get_many": lambda t: t.state.get_many(["a"], renew=False),
    "get_all": lambda t: t.state.get_all(renew=False),
    "has": lambda t: t.state.has("a"),
    "keys": lambda t: t.state.keys(),
    "size": lambda t: t.state.size(),
    "entry": lambda t: t.state.entry("a"),
    "entries": lambda t: t.state.entries(),
}


NAIVE = datetime(2100, 1, 1)  # noqa: DTZ001 - a naive one is what is refused


@pytest.mark.anyio
class TestThreadLeases:
    """None by default."""

    async def test_by_default_a_thread_has_none(self, thread: AsyncThread) -> None:
        await thread.state.set("a", 1)
        info = await thread.info()
        assert info is not None and (info.lease, info.expires_at) == (FOREVER, None)

    @needs("clock")
    async def test_a_thread_takes_the_stores(
        self, make_store: MakeStore, clock: AsyncClock
    ) -> None:
        for name, ttl in (("a", 60), ("b", timedelta(minutes=1)), ("c", Sliding(60))):
            thread = make_store(thread_ttl=ttl).thread(name)
            await thread.messages.append("m")
            info = await thread.info()
            assert info is not None
            assert (info.lease, info.expires_at) == (Sliding(60), clock.after(60))

    async def test_it_is_given_at_birth(self, store: AsyncStore, leased: AsyncStore) -> None:
        await store.thread("t").state.set("a", 1)
        await leased.thread("t").state.set("a", 2)
        info = await store.thread("t").info()
        assert info is not None and info.lease == FOREVER

    async def test_users_and_the_app_have_none(self, leased: AsyncStore, clock: AsyncClock) -> None:
        for entity in (leased.user("u"), leased.app()):
            await entity.state.set("a", 1)
        await clock.pass_(12)
        for entity in (leased.user("u"), leased.app()):
            assert await entity.state.get("a") == 1

    async def test_it_is_destroyed_like_any_other(self, leased: AsyncStore) -> None:
        thread = leased.thread("t")
        assert await thread.destroy() == 0
        await thread.state.set("a", 1)
        assert await thread.destroy() == 1
        assert await leased.thread("t").info() is None

    async def test_an_idle_thread_ends_whole(self, leased: AsyncStore, clock: AsyncClock) -> None:
        thread = leased.thread("t")
        await thread.state.set("a", 1, ttl=FOREVER)
        await thread.messages.append("m")
        await thread.snapshots.save("s")
        await clock.pass_(11)
        new = leased.thread("t")
        assert await new.info() is None
        assert await new.state.get_all() == {}
        assert await new.messages.list() == []
        assert await new.snapshots.load() is None

    @pytest.mark.parametrize("use", USES)
    async def test_any_use_renews_it(self, leased: AsyncStore, clock: AsyncClock, use: str) -> None:
        await leased.thread("t").state.set("a", 1)
        for _ in range(2):
            await clock.pass_(7)
            await USES[use](leased.thread("t"))
        assert await leased.thread("t").state.has("a")

    @pytest.mark.parametrize("look", LOOKS)
    async def test_a_look_does_not(self, leased: AsyncStore, clock: AsyncClock, look: str) -> None:
        await leased.thread("t").state.set("a", 1)
        await clock.pass_(7)
        assert await LOOKS[look](leased.thread("t"))
        await clock.pass_(7)
        assert not await leased.thread("t").state.has("a")

    @needs("clock")
    async def test_a_read_renews_it_after_a_sixteenth(
        self, make_store: MakeStore, clock: AsyncClock
    ) -> None:
        thread = make_store(thread_ttl=1_600).thread("t")
        await thread.state.set("a", 1)
        first = clock.after(1_600)
        clock.jump(100)
        await thread.state.get("a")
        info = await thread.info()
        assert info is not None and info.expires_at == first
        clock.jump(1e-6)
        await thread.state.get("a")
        info = await thread.info()
        assert info is not None and info.expires_at == clock.after(1_600)
        clock.jump(1)
        await thread.touch()
        info = await thread.info()
        assert info is not None and info.expires_at == clock.after(1_600)

    @needs("clock")
    async def test_fields_keep_their_own_leases(
        self, make_store: MakeStore, clock: AsyncClock
    ) -> None:
        thread = make_store(thread_ttl=100).thread("t")
        await thread.state.set("short", 1, ttl=10)
        await thread.state.set("long", 1, ttl=1_000)
        await thread.state.set("forever", 1)
        for _ in range(3):
            clock.jump(9)
            await thread.touch()
            await thread.messages.append("m")
        entries = await thread.state.entries()
        assert {n: e.lease for n, e in entries.items()} == {
            "forever": FOREVER,
            "long": Sliding(1_000),
        }
        assert entries["long"].expires_at == clock.after(1_000 - 27)

    @needs("clock")
    async def test_touch_gives_another(self, thread: AsyncThread, clock: AsyncClock) -> None:
        await thread.state.set("a", 1)
        await thread.touch(ttl=60)
        info = await thread.info()
        assert info is not None and (info.lease, info.expires_at) == (Sliding(60), clock.after(60))
        end = clock.after(30)
        await thread.touch(expires_at=end)
        clock.jump(20)
        await thread.state.get("a")
        await thread.touch()
        info = await thread.info()
        assert info is not None and info.expires_at == end
        await thread.touch(ttl=FOREVER)
        clock.jump(10_000)
        info = await thread.info()
        assert info is not None and (info.lease, info.expires_at) == (FOREVER, None)

    async def test_touching_nothing_makes_nothing(self, thread: AsyncThread) -> None:
        await thread.touch()
        await thread.touch(ttl=60)
        assert await thread.info() is None

    @pytest.mark.parametrize(
        "wrong",
        [{"ttl": 0}, {"ttl": -1}, {"expires_at": NAIVE}],
        ids=str,
    )
    async def test_a_lease_that_makes_no_sense_is_refused(
        self, thread: AsyncThread, wrong: dict[str, Any]
    ) -> None:
        await thread.state.set("a", 1)
        before = await thread.info()
        with pytest.raises(UsageError):
            await thread.touch(**wrong)
        assert await thread.info() == before
