# Generated from src/threadkeep/testing/_async/moment.py by scripts/unasync. Do not edit.
"""The engine's time, as it tells it."""

from __future__ import annotations

from threadkeep.model.leases import SECOND, Lease
from threadkeep.ops.ops import Get, Info, Missing, Now, Set, Touch
from threadkeep.ops.reply import Fields, Moment
from threadkeep.testing._sync.clock import Clock
from threadkeep.testing._sync.subject import MAP, Subject, answer
from threadkeep.testing.needs import needs

DAY = 86_400
WINDOW = 60 * SECOND


class TestMoment:
    """`Now` is the time by which the leases of the same batch run."""

    def test_leases_run_by_it(self, subject: Subject) -> None:
        reply = subject.run(Now(), Set(MAP, {"a": b"1"}, Lease(window=WINDOW)))
        at = answer(reply, Moment).at
        assert (subject.fields())["a"].end == at + WINDOW
        reply = subject.run(Get(MAP, renew=False), Now())
        assert answer(reply, Fields).fields["a"].end == at + WINDOW
        assert answer(reply, Moment, 1).at >= at

    def test_there_is_one_where_nothing_stands(self, subject: Subject) -> None:
        at = answer(subject.run(Now()), Moment).at
        guards = [Missing(MAP, "a")]
        subject.run(Set(MAP, {"a": b"1"}, Lease(window=WINDOW)), guards=guards)
        assert (subject.fields())["a"].end in range(at + WINDOW, at + 2 * WINDOW)
        refused = subject.run(Set(MAP, {"a": b"2"}), guards=guards, otherwise=[Now()])
        assert answer(refused, Moment).at >= at

    def test_it_comes_with_named_fields(self, subject: Subject, clock: Clock) -> None:
        reply = subject.run(Get(MAP, ("a", "b")), Now())
        assert answer(reply, Fields).fields == {}
        assert answer(reply, Moment, 1).at > 0
        subject.put(clock.lease(10), a=b"1")
        clock.pass_(6)
        reply = subject.run(Get(MAP, ("b", "a")), Now())  # renews
        at = answer(reply, Moment, 1).at
        (field,) = answer(reply, Fields).fields.values()
        assert field.window is not None
        assert (subject.fields("a"))["a"].end == at + field.window
        clock.pass_(11)
        reply = subject.run(Get(MAP, ("a",)), Now())
        assert answer(reply, Fields).fields == {}
        assert answer(reply, Moment, 1).at > at

    def test_to_ask_renews_nothing(self, subject: Subject, clock: Clock) -> None:
        subject.run(Set(MAP, {"a": b"1"}), Touch(lease=clock.lease(10)))
        clock.pass_(6)
        subject.run(Now())
        clock.pass_(6)
        reply = subject.run(Now(), Info())
        assert reply.expired
        assert answer(reply, Moment).at > 0

    @needs("clock")
    def test_it_does_not_go_back_behind_a_write(self, subject: Subject, clock: Clock) -> None:
        subject.put(a=b"1")
        at = answer(subject.run(Now()), Moment).at
        clock.jump(-DAY)
        assert answer(subject.run(Now()), Moment).at == at
