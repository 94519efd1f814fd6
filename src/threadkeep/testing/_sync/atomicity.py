# Generated from src/threadkeep/testing/_async/atomicity.py by scripts/unasync. Do not edit.
"""One batch, one entity: all of it or nothing, and nobody sees a half."""

from __future__ import annotations

import pytest

from threadkeep._sync.store import Store
from threadkeep.errors import Conflict, UsageError
from threadkeep.ops.ops import (
    AnyOp,
    Append,
    Cut,
    Del,
    Drop,
    Get,
    Incr,
    Info,
    Label,
    Read,
    Same,
    Set,
    Touch,
)
from threadkeep.ops.reply import Appended, Count, Fields, Items, Labels, Names, Number
from threadkeep.testing._sync.subject import LOG, MAP, Subject, answer
from threadkeep.testing.tasks import Tasks


class TestAtomicity:
    """Concurrent writers lose nothing, a batch is whole, its reads see the entity before it."""

    def test_8_tasks_of_100_increments_are_800(self, store: Store) -> None:
        def add() -> None:
            state = store.thread("t").state
            for _ in range(100):
                state.increment("n")

        Tasks.together(*[add] * 8)
        assert store.thread("t").state.get("n") == 800

    def test_10_appends_of_2_are_20_in_one_order(self, store: Store) -> None:
        def append(number: int) -> tuple[int, ...]:
            done = store.thread("t").messages.append(f"{number}a", f"{number}b")
            return done.seqs

        pairs = Tasks.together(*[lambda n=n: append(n) for n in range(10)])
        assert sorted(seq for pair in pairs for seq in pair) == list(range(1, 21))
        values = store.thread("t").messages.list()
        assert len(values) == 20
        for number, (first, second) in enumerate(pairs):
            assert second == first + 1
            assert values[first - 1 : second] == [f"{number}a", f"{number}b"]
        orders = Tasks.together(*[store.thread("t").messages.list] * 4)
        assert orders == [values] * 4

    def test_mutations_under_contention_are_all_counted(self, store: Store) -> None:
        def add() -> None:
            state = store.thread("t").state
            for _ in range(20):
                state.mutate("n", lambda found: found + 1, default=0)
                state.push("list", "x")

        Tasks.together(*[add] * 6)
        state = store.thread("t").state
        assert state.get("n") == 120
        assert state.get("list") == ["x"] * 120

    def test_of_writers_with_the_same_guard_one_wins(self, subject: Subject) -> None:
        subject.put(a=b"0")
        revision = 1
        for number in range(20):

            def write(value: bytes = b"%d" % number, expected: int = revision) -> tuple[bool, int]:
                guard = Same(MAP, "a", expected)
                reply = subject.run(Set(MAP, {"a": value}), guards=[guard])
                return reply.ok, reply.revision

            outcomes = Tasks.together(*[write] * 5)
            assert sorted(ok for ok, _ in outcomes) == [False] * 4 + [True]
            revision += 1
            assert {r for _, r in outcomes} == {revision}

    def test_of_creators_one_wins(self, store: Store) -> None:
        def create(number: int) -> int:
            return store.thread("t").state.set("a", number, if_absent=True)

        outcomes = Tasks.outcomes(*[lambda n=n: create(n) for n in range(16)])
        lost = [o for o in outcomes if isinstance(o, Conflict)]
        assert len(lost) == 15
        winner = next(n for n, o in enumerate(outcomes) if not isinstance(o, Exception))
        assert store.thread("t").state.get("a") == winner
        assert {error.found for error in lost} == {winner}

    def test_readers_never_see_a_half(self, subject: Subject) -> None:
        rounds = 40
        subject.put(a=b"0", b=b"0")

        def write() -> None:
            for number in range(1, rounds + 1):
                value = b"%d" % number
                subject.run(Set(MAP, {"a": value}), Append(LOG, (value,)))
                subject.run(Set(MAP, {"a": value, "b": value}))

        def read() -> None:
            last = 0
            while last < rounds:
                reply = subject.run(Get(MAP), Read(LOG, limit=0))
                found = answer(reply, Fields).fields
                head = answer(reply, Items, 1).head
                assert int(found["a"].value) == head
                assert int(found["b"].value) in (head - 1, head)
                assert head >= last
                last = int(found["b"].value)
                Tasks.sleep(0)

        Tasks.together(write, read, read)

    @pytest.mark.parametrize("bad", [Incr(MAP, "text"), Incr(MAP, "big")], ids=["text", "too big"])
    def test_an_operation_that_cannot_be_done_undoes_the_others(
        self, subject: Subject, bad: AnyOp
    ) -> None:
        subject.put(text=b'j"x"', big=b"j%d" % ((1 << 63) - 1))
        ops: list[AnyOp] = [
            Set(MAP, {"new": b"1"}),
            Append(LOG, (b"1",)),
            Label({"a": "b"}),
            Del(MAP, ("other",)),
        ]
        for batch in ([bad, *ops], [*ops[:2], bad, *ops[2:]], [*ops, bad]):
            with pytest.raises(UsageError):
                subject.run(*batch)
            info = subject.info()
            assert info is not None
            assert (info.revision, info.fields, info.items, info.labels) == (1, 2, 0, {})
            assert list(subject.fields()) == ["big", "text"]
            assert (subject.items()).head == 0
        assert (subject.run(*ops)).revision == 2

    def test_reads_see_the_entity_before_the_writes(self, subject: Subject) -> None:
        subject.put(a=b"old")
        subject.append(b"1")
        reply = subject.run(
            Set(MAP, {"a": b"new", "b": b"new"}),
            Get(MAP),
            Append(LOG, (b"2",)),
            Read(LOG),
            Info(),
        )
        assert {n: f.value for n, f in answer(reply, Fields, 1).fields.items()} == {"a": b"old"}
        items = answer(reply, Items, 3)
        assert ([i.value for i in items.items], items.head, items.count) == ([b"1"], 1, 1)
        assert reply.revision == 3

    def test_each_result_tells_of_its_own_operation(self, subject: Subject) -> None:
        reply = subject.run(Label({"a": "1"}), Label({"b": "2"}), Label({"a": None}))
        assert reply.results == (
            Labels({"a": "1"}),
            Labels({"a": "1", "b": "2"}),
            Labels({"b": "2"}),
        )

    def test_writes_are_done_in_their_order(self, subject: Subject) -> None:
        reply = subject.run(
            Set(MAP, {"n": b"j5", "gone": b"1"}),
            Incr(MAP, "n", 2),
            Incr(MAP, "n", 0.5),
            Del(MAP, ("gone", "never")),
            Set(MAP, {"n2": b"1"}, absent_only=True),
            Set(MAP, {"n2": b"2"}, absent_only=True),
            Append(LOG, (b"1", b"2", b"3")),
            Cut(LOG, keep=1),
            Append(LOG, (b"4",)),
        )
        assert reply.results == (
            Names(()),
            Number(7),
            Number(7.5),
            Names(("gone",)),
            Names(()),
            Names(("n2",)),
            Appended((1, 2, 3)),
            Count(2),
            Appended((4,)),
        )
        assert subject.values() == {"n": b"j7.5", "n2": b"1"}
        assert subject.log() == [b"3", b"4"]

    def test_a_field_set_and_deleted_in_one_batch_is_not_there(self, subject: Subject) -> None:
        subject.put(kept=b"1")
        subject.run(Set(MAP, {"a": b"1"}), Del(MAP, ("a",)))
        subject.run(Set(MAP, {"b": b"1"}), Del(MAP, prefix="b"), Set(MAP, {"b2": b"2"}))
        subject.run(Del(MAP), Set(MAP, {"last": b"3"}))
        assert subject.values() == {"last": b"3"}
        info = subject.info()
        assert info is not None and (info.fields, info.maps) == (1, (MAP,))

    def test_the_revision_counts_the_batches_that_changed_something(self, subject: Subject) -> None:
        assert (subject.put(a=b"1", b=b"1")).revision == 1
        assert (subject.put(a=b"2")).revision == 2
        for ops in (
            (Get(MAP),),
            (Del(MAP, ("never",)),),
            (Touch(MAP),),
            (Cut(LOG, keep=0),),
            (Append(LOG, ()),),
            (Set(MAP, {"a": b"9"}, absent_only=True),),
            (Label({"never": None}),),
        ):
            reply = subject.run(*ops)
            assert (reply.revision, reply.changed) == (2, False)
        reply = subject.run(Set(MAP, {"c": b"1"}), Append(LOG, (b"1", b"2")))
        assert (reply.revision, reply.changed) == (3, True)
        revisions = {n: f.revision for n, f in (subject.fields()).items()}
        assert revisions == {"a": 2, "b": 1, "c": 3}

    def test_a_batch_that_changes_nothing_makes_no_entity(self, subject: Subject) -> None:
        for op in (
            Del(MAP, ("a",)),
            Touch(),
            Touch(MAP),
            Cut(LOG, keep=0),
            Drop(),
            Append(LOG, ()),
        ):
            reply = subject.run(op)
            assert (reply.revision, reply.epoch, reply.changed) == (0, "", False)
        assert subject.info() is None

    def test_drop_is_the_only_write_of_its_batch(self, subject: Subject) -> None:
        subject.put(a=b"1")
        with pytest.raises(UsageError):
            subject.run(Set(MAP, {"b": b"1"}), Drop())
        assert subject.values() == {"a": b"1"}

    def test_entities_do_not_wait_for_each_other(self, subject: Subject) -> None:
        def write(number: int) -> None:
            entity = subject.other(f"e{number}")
            for value in range(20):
                entity.put(a=b"%d" % value)

        Tasks.together(*[lambda n=n: write(n) for n in range(8)])
        for number in range(8):
            entity = subject.other(f"e{number}")
            assert entity.values() == {"a": b"19"}
            assert (entity.run(Info())).revision == 20
