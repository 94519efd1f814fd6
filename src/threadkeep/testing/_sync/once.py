# Generated from src/threadkeep/testing/_async/once.py by scripts/unasync. Do not edit.
"""A batch with a request id that is sent again has one effect and the same reply."""

from __future__ import annotations

import pytest

from threadkeep.errors import UsageError
from threadkeep.ops.batch import Batch
from threadkeep.ops.ops import (
    AnyOp,
    Append,
    Cut,
    Del,
    Drop,
    Get,
    Incr,
    Label,
    Missing,
    Read,
    Revision,
    Set,
)
from threadkeep.ops.reply import Count, Items, Number
from threadkeep.testing._sync.clock import Clock
from threadkeep.testing._sync.subject import LOG, MAP, Subject, answer
from threadkeep.testing.needs import needs
from threadkeep.testing.tasks import Tasks

EFFECTS: dict[str, tuple[AnyOp, ...]] = {
    "set": (Set(MAP, {"a": b"9"}),),
    "set absent": (Set(MAP, {"a": b"9", "x": b"9"}, absent_only=True),),
    "delete": (Del(MAP, ("a", "never")),),
    "increment": (Incr(MAP, "n", 5),),
    "append": (Append(LOG, (b"8", b"9"), ("m1", "m9")),),
    "cut": (Cut(LOG, keep=1),),
    "label": (Label({"user": "alice"}),),
    "several": (Set(MAP, {"a": b"9"}), Incr(MAP, "n"), Append(LOG, (b"9",)), Cut(LOG, newest=1)),
}


class TestOnce:
    """The engine remembers a request id with the results, inside the entity."""

    @pytest.mark.parametrize("what", EFFECTS)
    def test_sent_again_it_has_one_effect_and_the_same_reply(
        self, subject: Subject, what: str
    ) -> None:
        subject.run(Set(MAP, {"a": b"1", "n": b"j1"}), Append(LOG, (b"1", b"2"), ("m1", "m2")))
        first = subject.run(*EFFECTS[what], once="request")
        assert (first.ok, first.repeated, first.changed) == (True, False, True)
        state = (subject.info(), subject.values(), subject.log())
        for _ in range(3):
            again = subject.run(*EFFECTS[what], once="request")
            assert (again.ok, again.repeated, again.changed) == (True, True, False)
            assert again.results == first.results
            assert (again.revision, again.epoch) == (first.revision, first.epoch)
        assert (subject.info(), subject.values(), subject.log()) == state

    def test_the_reply_is_the_same_after_other_writes(self, subject: Subject) -> None:
        first = subject.run(Incr(MAP, "n"), Append(LOG, (b"1",)), once="request")
        subject.run(Incr(MAP, "n", 10), Append(LOG, (b"2",)))
        again = subject.run(Incr(MAP, "n"), Append(LOG, (b"1",)), once="request")
        assert (again.results, again.revision) == (first.results, first.revision)
        assert subject.values() == {"n": b"j11"}

    def test_what_was_taken_is_in_the_second_reply_too(self, subject: Subject) -> None:
        subject.append(b"1", b"2", b"3")
        take = (Read(LOG, limit=1, newest=True), Cut(LOG, newest=1))
        first = subject.run(*take, once="request")
        again = subject.run(*take, once="request")
        assert [i.value for i in answer(first, Items).items] == [b"3"]
        assert [i.value for i in answer(again, Items).items] == [b"3"]
        assert subject.log() == [b"1", b"2"]

    def test_another_id_is_another_request(self, subject: Subject) -> None:
        for number, name in enumerate(("r1", "r2", "r" * 128, "é" * 64), 1):
            assert (subject.run(Incr(MAP, "n"), once=name)).results == (Number(number),)
        assert (subject.run(Incr(MAP, "n"))).results == (Number(5),)
        assert (subject.run(Incr(MAP, "n"), once="r1")).results == (Number(1),)

    def test_an_id_belongs_to_its_entity(self, subject: Subject) -> None:
        for entity in (subject, subject.other("b"), subject.other(kind="user")):
            reply = entity.run(Incr(MAP, "n"), once="request")
            assert (reply.results, reply.repeated) == ((Number(1),), False)

    def test_at_the_same_time_it_has_one_effect_too(self, subject: Subject) -> None:
        def send() -> tuple[object, ...]:
            return (subject.run(Incr(MAP, "n"), once="request")).results

        assert Tasks.together(*[send] * 8) == [(Number(1),)] * 8
        assert subject.values() == {"n": b"j1"}

    @needs("clock")
    def test_it_is_remembered_for_10_minutes(self, subject: Subject, clock: Clock) -> None:
        subject.run(Incr(MAP, "n"), once="request")
        for _ in range(2):
            clock.jump(299.9)
            reply = subject.run(Incr(MAP, "n"), once="request")
            assert (reply.results, reply.repeated) == ((Number(1),), True)
        assert subject.values() == {"n": b"j1"}

    def test_it_is_neither_counted_nor_seen(self, subject: Subject) -> None:
        for number in range(20):
            subject.run(Set(MAP, {"a": b"1"}), once=f"r{number}")
        info = subject.info()
        assert info is not None and (info.fields, info.maps) == (1, (MAP,))
        assert (subject.run(Drop())).results == (Count(1),)

    def test_a_request_that_was_refused_is_not_remembered(self, subject: Subject) -> None:
        subject.put(a=b"1")
        guards = [Missing(MAP, "a")]
        reply = subject.run(Incr(MAP, "n"), guards=guards, once="request")
        assert (reply.ok, reply.failed) == (False, 0)
        subject.run(Del(MAP, ("a",)))
        reply = subject.run(Incr(MAP, "n"), guards=guards, once="request")
        assert (reply.ok, reply.results) == (True, (Number(1),))

    def test_what_was_done_is_not_refused_when_sent_again(self, subject: Subject) -> None:
        first = subject.run(Set(MAP, {"a": b"1"}), guards=[Revision(0)], once="request")
        again = subject.run(Set(MAP, {"a": b"1"}), guards=[Revision(0)], once="request")
        assert (again.ok, again.results) == (True, first.results)

    def test_drop_forgets_it(self, subject: Subject) -> None:
        subject.run(Incr(MAP, "n"), once="request")
        assert (subject.run(Drop(), once="drop")).results == (Count(1),)
        assert (subject.run(Drop(), once="drop")).results == (Count(0),)
        reply = subject.run(Incr(MAP, "n"), once="request")
        assert (reply.results, reply.repeated) == ((Number(1),), False)

    def test_only_reads_need_no_memory(self, subject: Subject) -> None:
        assert (subject.run(Get(MAP), once="request")).ok
        assert subject.info() is None
        subject.put(a=b"1")
        assert (subject.run(Get(MAP), once="request")).ok

    @pytest.mark.parametrize("name", ["", "r" * 129, "é" * 65])
    def test_an_id_has_1_to_128_bytes(self, subject: Subject, name: str) -> None:
        with pytest.raises(UsageError):
            subject.engine.run(Batch(subject.ref, (Incr(MAP, "n"),), once=name))
        assert subject.info() is None
