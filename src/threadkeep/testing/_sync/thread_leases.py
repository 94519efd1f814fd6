# Generated from src/threadkeep/testing/_async/thread_leases.py by scripts/unasync. Do not edit.
"""A thread may have a lease too: any read or write renews it, and with it everything goes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from threadkeep._sync.entity import Thread
from threadkeep._sync.store import Store
from threadkeep.errors import UsageError
from threadkeep.model.leases import FOREVER, Sliding
from threadkeep.testing._sync.clock import Clock
from threadkeep.testing._sync.fixtures import MakeStore
from threadkeep.testing.needs import needs

USES: dict[str, Callable[[Thread], Any]] = {
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
LOOKS: dict[str, Callable[[Thread], Any]] = {
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


class TestThreadLeases:
    """None by default."""

    def test_by_default_a_thread_has_none(self, thread: Thread) -> None:
        thread.state.set("a", 1)
        info = thread.info()
        assert info is not None and (info.lease, info.expires_at) == (FOREVER, None)

    @needs("clock")
    def test_a_thread_takes_the_stores(self, make_store: MakeStore, clock: Clock) -> None:
        for name, ttl in (("a", 60), ("b", timedelta(minutes=1)), ("c", Sliding(60))):
            thread = make_store(thread_ttl=ttl).thread(name)
            thread.messages.append("m")
            info = thread.info()
            assert info is not None
            assert (info.lease, info.expires_at) == (Sliding(60), clock.after(60))

    def test_it_is_given_at_birth(self, store: Store, leased: Store) -> None:
        store.thread("t").state.set("a", 1)
        leased.thread("t").state.set("a", 2)
        info = store.thread("t").info()
        assert info is not None and info.lease == FOREVER

    def test_users_and_the_app_have_none(self, leased: Store, clock: Clock) -> None:
        for entity in (leased.user("u"), leased.app()):
            entity.state.set("a", 1)
        clock.pass_(12)
        for entity in (leased.user("u"), leased.app()):
            assert entity.state.get("a") == 1

    def test_it_is_destroyed_like_any_other(self, leased: Store) -> None:
        thread = leased.thread("t")
        assert thread.destroy() == 0
        thread.state.set("a", 1)
        assert thread.destroy() == 1
        assert leased.thread("t").info() is None

    def test_an_idle_thread_ends_whole(self, leased: Store, clock: Clock) -> None:
        thread = leased.thread("t")
        thread.state.set("a", 1, ttl=FOREVER)
        thread.messages.append("m")
        thread.snapshots.save("s")
        clock.pass_(11)
        new = leased.thread("t")
        assert new.info() is None
        assert new.state.get_all() == {}
        assert new.messages.list() == []
        assert new.snapshots.load() is None

    @pytest.mark.parametrize("use", USES)
    def test_any_use_renews_it(self, leased: Store, clock: Clock, use: str) -> None:
        leased.thread("t").state.set("a", 1)
        for _ in range(2):
            clock.pass_(7)
            USES[use](leased.thread("t"))
        assert leased.thread("t").state.has("a")

    @pytest.mark.parametrize("look", LOOKS)
    def test_a_look_does_not(self, leased: Store, clock: Clock, look: str) -> None:
        leased.thread("t").state.set("a", 1)
        clock.pass_(7)
        assert LOOKS[look](leased.thread("t"))
        clock.pass_(7)
        assert not leased.thread("t").state.has("a")

    @needs("clock")
    def test_a_read_renews_it_after_a_sixteenth(self, make_store: MakeStore, clock: Clock) -> None:
        thread = make_store(thread_ttl=1_600).thread("t")
        thread.state.set("a", 1)
        first = clock.after(1_600)
        clock.jump(100)
        thread.state.get("a")
        info = thread.info()
        assert info is not None and info.expires_at == first
        clock.jump(1e-6)
        thread.state.get("a")
        info = thread.info()
        assert info is not None and info.expires_at == clock.after(1_600)
        clock.jump(1)
        thread.touch()
        info = thread.info()
        assert info is not None and info.expires_at == clock.after(1_600)

    @needs("clock")
    def test_fields_keep_their_own_leases(self, make_store: MakeStore, clock: Clock) -> None:
        thread = make_store(thread_ttl=100).thread("t")
        thread.state.set("short", 1, ttl=10)
        thread.state.set("long", 1, ttl=1_000)
        thread.state.set("forever", 1)
        for _ in range(3):
            clock.jump(9)
            thread.touch()
            thread.messages.append("m")
        entries = thread.state.entries()
        assert {n: e.lease for n, e in entries.items()} == {
            "forever": FOREVER,
            "long": Sliding(1_000),
        }
        assert entries["long"].expires_at == clock.after(1_000 - 27)

    @needs("clock")
    def test_touch_gives_another(self, thread: Thread, clock: Clock) -> None:
        thread.state.set("a", 1)
        thread.touch(ttl=60)
        info = thread.info()
        assert info is not None and (info.lease, info.expires_at) == (Sliding(60), clock.after(60))
        end = clock.after(30)
        thread.touch(expires_at=end)
        clock.jump(20)
        thread.state.get("a")
        thread.touch()
        info = thread.info()
        assert info is not None and info.expires_at == end
        thread.touch(ttl=FOREVER)
        clock.jump(10_000)
        info = thread.info()
        assert info is not None and (info.lease, info.expires_at) == (FOREVER, None)

    def test_touching_nothing_makes_nothing(self, thread: Thread) -> None:
        thread.touch()
        thread.touch(ttl=60)
        assert thread.info() is None

    @pytest.mark.parametrize(
        "wrong",
        [{"ttl": 0}, {"ttl": -1}, {"expires_at": NAIVE}],
        ids=str,
    )
    def test_a_lease_that_makes_no_sense_is_refused(
        self, thread: Thread, wrong: dict[str, Any]
    ) -> None:
        thread.state.set("a", 1)
        before = thread.info()
        with pytest.raises(UsageError):
            thread.touch(**wrong)
        assert thread.info() == before
