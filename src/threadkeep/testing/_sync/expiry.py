# Generated from src/threadkeep/testing/_async/expiry.py by scripts/unasync. Do not edit.
"""A field whose lease has run out is nowhere, whether anything has swept it or not."""

from __future__ import annotations

import pytest

from threadkeep._sync.entity import Thread
from threadkeep.errors import Conflict
from threadkeep.model.leases import FOREVER, Sliding
from threadkeep.model.options import Limits
from threadkeep.ops.engine import Due, Query
from threadkeep.ops.ops import (
    Append,
    Claimed,
    Del,
    Drop,
    Get,
    Incr,
    Info,
    Missing,
    Read,
    Same,
    Set,
    Touch,
)
from threadkeep.ops.reply import Count, EntityInfo, Fields, Items, Names, Number
from threadkeep.testing._sync.clock import Clock
from threadkeep.testing._sync.fixtures import MakeStore, OpenEngine
from threadkeep.testing._sync.subject import LOG, MAP, Subject, answer
from threadkeep.testing.needs import needs


class TestExpiry:
    """An expired field is never returned, counted, listed or incremented, on any path."""

    @pytest.fixture
    def over(self, subject: Subject, clock: Clock) -> Subject:
        """Return an entity with the field `kept` and with `over`, which has run out."""
        subject.put(kept=b"j1")
        subject.put(clock.lease(5), over=b"j41")
        clock.pass_(6)
        return subject

    @pytest.fixture
    def expired(self, thread: Thread, clock: Clock) -> Thread:
        """Return a thread with the field `kept` and with `over`, which has run out."""
        thread.state.set("kept", 1)
        thread.state.set("over", 41, ttl=clock.span(5))
        clock.pass_(6)
        return thread

    def test_no_read_returns_it(self, over: Subject) -> None:
        for op, names in (
            (Get(MAP, ("over",)), []),
            (Get(MAP, ("kept", "over"), renew=False), ["kept"]),
            (Get(MAP), ["kept"]),
            (Get(MAP, values=False), ["kept"]),
            (Get(MAP, prefix="ov"), []),
        ):
            assert list(answer(over.run(op), Fields).fields) == names

    def test_no_link_returns_it(self, subject: Subject, clock: Clock) -> None:
        links = {"entry": ("kept", "over")}
        subject.run(Set("blobs", {"kept": b"1"}), Set("index", {"entry": b""}, refs=links))
        subject.run(
            Set("blobs", {"over": b"2"}, clock.lease(5)),
            Append(LOG, (b"item",), refs=(("kept", "over"),)),
        )
        clock.pass_(6)
        reply = subject.run(Get("index", refs="blobs"), Read(LOG, refs="blobs"))
        assert list(answer(reply, Fields).linked) == ["kept"]
        assert list(answer(reply, Items, 1).linked) == ["kept"]

    def test_a_link_renews_what_it_returns(self, subject: Subject, clock: Clock) -> None:
        subject.run(Set("blobs", {"b": b"1"}, clock.lease(10)))
        subject.run(Set("index", {"entry": b""}, refs={"entry": ("b",)}))
        for _ in range(3):
            clock.pass_(6)
            reply = subject.run(Get("index", refs="blobs"))
            assert list(answer(reply, Fields).linked) == ["b"]

    def test_it_is_not_counted(self, over: Subject) -> None:
        over.run(Get(MAP))
        reply = over.run(Info())
        assert answer(reply, EntityInfo).fields == 1
        assert (over.run(Drop())).results == (Count(1),)

    def test_a_listing_does_not_count_it(self, over: Subject, clock: Clock) -> None:
        over.run(Touch(lease=clock.lease(500)))
        for order in ("newest", "id"):
            query = Query(namespace=over.ref.namespace, kind="thread", order=order)
            (listed,) = (over.engine.scan(query)).items
            assert (listed.info.fields, listed.info.bytes) == (1, 2)

    def test_who_ends_it_does_not_count_it(self, over: Subject, clock: Clock) -> None:
        over.run(Touch(lease=clock.lease(5)))
        over.put(clock.lease(2), short=b"1")
        clock.pass_(8)
        (claim,) = over.engine.claim(Due(lease=30_000_000, ref=over.ref))
        reply = over.run(Info(), guards=[Claimed(claim.token)])
        assert answer(reply, EntityInfo).fields == 1

    def test_destroying_does_not_count_it(self, over: Subject) -> None:
        assert (over.run(Drop())).results == (Count(1),)

    def test_guards_do_not_see_it(self, over: Subject) -> None:
        assert (over.run(Get(MAP), guards=[Missing(MAP, "over")])).ok
        reply = over.run(Get(MAP), guards=[Same(MAP, "over", 2)])
        assert (reply.ok, reply.failed) == (False, 0)

    def test_writes_do_not_see_it(self, over: Subject) -> None:
        assert (over.run(Touch(MAP))).results == (Count(0),)
        assert (over.run(Touch(MAP, ("over",)))).results == (Count(0),)
        assert (over.run(Del(MAP, ("over", "kept")))).results == (Names(("kept",)),)
        assert (over.run(Del(MAP))).results == (Names(()),)

    def test_absent_only_writes_over_it(self, over: Subject) -> None:
        op = Set(MAP, {"over": b"new", "kept": b"new"}, absent_only=True)
        assert (over.run(op)).results == (Names(("kept",)),)
        assert over.values() == {"kept": b"j1", "over": b"new"}

    def test_an_increment_begins_at_0(self, over: Subject) -> None:
        assert (over.run(Incr(MAP, "over", 2))).results == (Number(2),)
        field = (over.fields("over"))["over"]
        assert (field.window, field.end) == (None, None)

    def test_touch_does_not_bring_it_back(self, over: Subject) -> None:
        over.run(Touch(MAP))
        over.run(Touch(MAP, ("over",)))
        assert list(over.fields()) == ["kept"]

    def test_an_entity_whose_fields_have_all_run_out_is_not_listed(
        self, subject: Subject, clock: Clock
    ) -> None:
        subject.put(clock.lease(5), a=b"1")
        clock.pass_(6)
        for order in ("newest", "id"):
            query = Query(namespace=subject.ref.namespace, kind="thread", order=order)
            assert (subject.engine.scan(query)).items == ()
        assert subject.info() is None
        assert (subject.put(a=b"2")).ok
        assert subject.values() == {"a": b"2"}

    def test_state_does_not_see_it(self, expired: Thread) -> None:
        state = expired.state
        assert state.get("over", "default") == "default"
        assert state.get_many(["over", "kept"]) == {"kept": 1}
        assert state.get_all() == {"kept": 1}
        assert state.get_all("ov") == {}
        assert state.entry("over") is None
        assert list(state.entries()) == ["kept"]
        assert state.keys() == ["kept"]
        assert not state.has("over")
        assert state.size() == 1
        assert state.touch("over") == 0
        assert state.delete("over") == 0
        assert state.clear("ov") == 0

    def test_changes_begin_anew(self, expired: Thread, clock: Clock) -> None:
        assert expired.state.increment("over") == 1
        expired.state.set("list", [1, 2], ttl=clock.span(5))
        expired.state.set("value", 7, ttl=clock.span(5))
        clock.pass_(6)
        assert expired.state.push("list", 3) == 1
        assert expired.state.mutate("value", lambda found: [found]) == [None]

    def test_it_counts_as_absent_for_conditions(self, expired: Thread) -> None:
        with pytest.raises(Conflict):
            expired.state.set("over", 1, if_revision=2)
        expired.state.set("over", 1, if_absent=True)
        expired.state.delete("over")
        expired.state.set("over", 1, if_revision=0)

    def test_a_fork_does_not_take_it(self, expired: Thread) -> None:
        assert (expired.fork("copy")).state.get_all() == {"kept": 1}

    @needs("limits")
    def test_storage_does_not_pile_up(
        self, open_engine: OpenEngine, make_store: MakeStore, clock: Clock
    ) -> None:
        limits = Limits(fields=5)
        store = make_store(engine=open_engine(limits), limits=limits)
        thread = store.thread("t")
        for number in range(8):
            thread.state.set("kept", number)
            for name in ("a", "b"):
                thread.state.set(f"{name}{number}", "x" * 1_000, ttl=clock.span(2))
            clock.pass_(3)
        thread.state.get("kept")
        info = thread.info()
        assert info is not None and (info.fields, info.bytes < 1_000) == (1, True)

    @needs("clock")
    @pytest.mark.parametrize("late", [-1e-6, 0.0, 1e-6, 60.0])
    def test_a_write_at_the_moment_of_expiry_is_not_lost(
        self, subject: Subject, clock: Clock, late: float
    ) -> None:
        subject.put(Sliding(5), a=b"old", n=b"j5")
        clock.jump(5 + late)
        subject.put(Sliding(5), a=b"new")
        reply = subject.run(Incr(MAP, "n", 1, Sliding(5)))
        assert reply.results == (Number(6 if late < 0 else 1),)
        subject.engine.claim(Due(lease=1, namespace=subject.ref.namespace))
        clock.jump(4.5)
        assert (subject.values())["a"] == b"new"
        subject.engine.claim(Due(lease=1, namespace=subject.ref.namespace))
        assert list(subject.fields()) == ["a", "n"]

    @needs("clock")
    def test_what_is_reclaimed_is_only_what_has_run_out(
        self, subject: Subject, clock: Clock
    ) -> None:
        for number in range(20):
            subject.put(Sliding(number + 1), **{f"f{number:02}": b"1"})
        subject.put(FOREVER, kept=b"1")
        for number in range(20):
            clock.jump(1)
            if number % 3 == 0:
                subject.engine.claim(Due(lease=1, namespace=subject.ref.namespace))
            info = subject.info()
            assert info is not None
            assert sorted(subject.fields()) == [f"f{n:02}" for n in range(number + 1, 20)] + [
                "kept"
            ]
