# Generated from tests/_async/wrappers/test_rotate.py by scripts/unasync. Do not edit.
"""Key rotation: everything under the new key, nothing else changed, whoever writes meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.wrappers.raw import NEW, OLD, RING, field, key_ids, put_field, sql, url
from threadkeep._sync.drivers.memory import MemoryEngine
from threadkeep._sync.store import Store
from threadkeep._sync.wrappers.passing import Passing
from threadkeep.errors import CodecError, UsageError
from threadkeep.model.leases import SECOND, Lease
from threadkeep.model.options import Limits
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch
from threadkeep.ops.engine import Engine
from threadkeep.ops.ops import (
    AnyOp,
    Append,
    Cut,
    Del,
    Drop,
    Get,
    Info,
    Item,
    Read,
    Restore,
    Set,
    Touch,
)
from threadkeep.ops.reply import Fields, Items, Nothing, Reply
from threadkeep.testing.tasks import Tasks
from threadkeep.wrapping import KeyRing, Rotated, checksum, encrypt, rotate

BOTH = KeyRing({"new": NEW, "old": OLD})
ONLY_NEW = KeyRing({"new": NEW})
REF = Ref("default", "thread", "t")


def rotated(store: Store, after: str | None = None) -> Rotated:
    last: Rotated | None = None
    for done in rotate(store, after=after):
        last = done
    assert last is not None
    assert last.cursor is None
    return last


def fill(store: Store, threads: int = 3) -> None:
    for number in range(threads):
        thread = store.thread(f"t{number}")
        thread.state.update({"a": number, "b": "x" * 1000})
        thread.messages.append({"id": "m1", "n": number}, "two", "three")
        thread.snapshots.save({"n": number})
    store.user("alice").state.set("plan", "pro")


def check(store: Store, threads: int = 3) -> None:
    for number in range(threads):
        thread = store.thread(f"t{number}")
        assert thread.state.get_all() == {"a": number, "b": "x" * 1000}
        assert thread.messages.list() == [{"id": "m1", "n": number}, "two", "three"]
        assert thread.snapshots.load() == {"n": number}
    assert store.user("alice").state.get("plan") == "pro"


class TestRotation:
    def test_everything_is_under_the_new_key(self, tmp_path: Path):
        path = tmp_path / "a.db"
        with Store(url(path), wrap=[encrypt(RING)]) as store:
            fill(store)
        with Store(url(path), wrap=[encrypt(BOTH)]) as store:
            assert rotated(store) == Rotated(entities=4, fields=7, items=12)
            assert key_ids(path) == {"new": 19}
            revisions = sql(path, "select revision from tk_entity order by eid")
            assert rotated(store) == Rotated(entities=4, current=19)
            assert sql(path, "select revision from tk_entity order by eid") == revisions
        with Store(url(path), wrap=[encrypt(ONLY_NEW)]) as store:
            check(store)

    def test_leases_numbers_ids_times_and_links_stay(self):
        now = 10**15
        under = MemoryEngine(lambda: now, Limits())
        old, new = encrypt(RING)(under), encrypt(BOTH)(under)
        links = {"slide": ("x", "y")}
        old.run(
            Batch(
                REF,
                (
                    Set("state", {"slide": b"j1"}, Lease(window=90 * SECOND), refs=links),
                    Set("state", {"until": b"j2"}, Lease(end=now + 50 * SECOND)),
                    Set("state", {"ever": b"j3"}),
                    Set("#turn", {"holder": b"j4"}, Lease(window=SECOND * 60)),
                    Append("log", (b"1", b"2"), ("a", None), (("x",), ())),
                    Restore("log", (Item(9, b"9", "z", (), 77),), 20),
                ),
            )
        )
        now += 20 * SECOND
        asked = (Get("state", renew=False), Get("#turn", renew=False), Read("log"))
        before = old.run(Batch(REF, asked))
        assert (rotated(Store(engine=new))).fields == 3
        after = encrypt(ONLY_NEW)(under).run(Batch(REF, asked))
        first, second = before.results[0], after.results[0]
        assert isinstance(first, Fields)
        assert isinstance(second, Fields)
        for name, was in first.fields.items():
            found = second.fields[name]
            assert (found.value, found.window, found.end, found.refs) == (
                was.value,
                was.window,
                was.end,
                was.refs,
            )
        assert after.results[1:] == before.results[1:]

    def test_it_goes_on_where_it_stopped(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr("threadkeep._sync.wrappers.rotation.PAGE", 2)
        path = tmp_path / "a.db"
        with Store(url(path), wrap=[encrypt(RING)]) as store:
            fill(store, 5)
        with Store(url(path), wrap=[encrypt(BOTH)]) as store:
            steps = [done for done in rotate(store)]
            assert [done.entities for done in steps] == [2, 4, 6]
            assert key_ids(path) == {"new": 31}
        with Store(url(path), wrap=[encrypt(RING)]) as store:
            with pytest.raises(CodecError):
                check(store)
        with Store(url(path), wrap=[encrypt(KeyRing({"old": OLD, "new": NEW}))]) as store:
            cursor: str | None = None
            for done in rotate(store):
                cursor = done.cursor
                break
            assert key_ids(path) == {"old": 12, "new": 19}
            rest = rotated(store, after=cursor)
            assert (rest.entities, rest.fields, rest.items) == (4, 7, 12)
        with Store(url(path), wrap=[encrypt(RING)]) as store:
            check(store, 5)

    def test_plaintext_is_taken_along(self, tmp_path: Path):
        path = tmp_path / "a.db"
        with Store(url(path)) as store:
            fill(store)
        with Store(url(path), wrap=[encrypt(RING, allow_plaintext=True)]) as store:
            assert rotated(store) == Rotated(entities=4, fields=7, items=12)
        with Store(url(path), wrap=[encrypt(RING)]) as store:
            check(store)

    def test_what_cannot_be_read_is_told_and_left(self, tmp_path: Path):
        path = tmp_path / "a.db"
        with Store(url(path), wrap=[encrypt(RING)]) as store:
            store.thread("t").state.update({"a": 1, "b": 2})
            store.thread("t").messages.append("m")
        put_field(path, "a", field(path, "b"))
        broken = field(path, "a")
        with Store(url(path), wrap=[encrypt(BOTH)]) as store:
            done = rotated(store)
            assert (done.fields, done.items, done.current) == (1, 1, 0)
            assert done.unreadable == (
                "field 'a' of map 'state' of thread 't' in namespace 'default'",
            )
        assert field(path, "a") == broken

    def test_values_larger_than_a_portion(self, tmp_path: Path):
        path = tmp_path / "a.db"
        with Store(url(path), wrap=[encrypt(RING)]) as store:
            thread = store.thread("t")
            thread.state.update({f"f{n}": "x" * 400_000 for n in range(8)})
            thread.state.update({f"g{n}": n for n in range(250)})
            thread.messages.append(*("y" * 400_000 for _ in range(8)))
            thread.messages.append(*range(1_200))
        with Store(url(path), wrap=[encrypt(BOTH)]) as store:
            assert rotated(store) == Rotated(entities=1, fields=258, items=1_208)
        with Store(url(path), wrap=[encrypt(ONLY_NEW)]) as store:
            found = store.thread("t").messages.list()
            assert found == ["y" * 400_000] * 8 + list(range(1_200))
            assert len(store.thread("t").state.get_all()) == 258

    def test_one_namespace_each(self, tmp_path: Path):
        path = tmp_path / "a.db"
        for namespace in ("n1", "n2"):
            with Store(url(path), namespace=namespace, wrap=[encrypt(RING)]) as store:
                store.thread("t").state.set("a", 1)
        with Store(url(path), namespace="n1", wrap=[encrypt(BOTH)]) as store:
            rotated(store)
        assert key_ids(path) == {"old": 1, "new": 1}

    def test_checksums_are_added(self, tmp_path: Path):
        path = tmp_path / "a.db"
        with Store(url(path)) as store:
            fill(store)
        with Store(url(path), wrap=[checksum(allow_unchecked=True)]) as store:
            assert rotated(store) == Rotated(entities=4, fields=7, items=12)
        with Store(url(path), wrap=[checksum()]) as store:
            check(store)

    def test_a_store_that_seals_nothing(self):
        with Store("memory://") as store:
            with pytest.raises(UsageError, match="seals nothing"):
                rotated(store)

    @pytest.mark.parametrize("after", ["", "thread", "nothing:x"])
    def test_a_cursor_that_is_none(self, after: str):
        with Store("memory://", wrap=[encrypt(RING)]) as store:
            with pytest.raises(UsageError, match="not the cursor"):
                rotated(store, after)


class TestUnderWriters:
    def test_nothing_is_lost_brought_back_or_left_under_the_old_key(self, tmp_path: Path):
        path = tmp_path / "a.db"
        with Store(url(path), wrap=[encrypt(RING)]) as store:
            thread = store.thread("t")
            thread.state.update({f"f{n}": 0 for n in range(50)})
            thread.messages.append(*range(300))
            thread.state.set("n", 0)
        stores = [Store(url(path), wrap=[encrypt(BOTH)]) for _ in range(2)]
        writer, job = stores
        ended = False

        def count() -> int:
            total = 0
            while not ended or total < 30:
                total = int(writer.thread("t").state.increment("n"))
            return total

        def talk() -> list[int]:
            sent: list[int] = []
            while not ended or len(sent) < 30:
                sent += (writer.thread("t").messages.append(len(sent))).seqs
                if len(sent) % 10 == 0:
                    writer.thread("t").messages.trim(keep_last=100)
            return sent

        def delete() -> None:
            for n in range(25):
                writer.thread("t").state.delete(f"f{n}")

        def work() -> Rotated:
            nonlocal ended
            try:
                return rotated(job)
            finally:
                ended = True

        outcome = Tasks.together(count, talk, delete, work)
        assert isinstance(outcome[3], Rotated)
        assert outcome[3].unreadable == ()
        for each in stores:
            each.close()
        assert set(key_ids(path)) == {"new"}
        with Store(url(path), wrap=[encrypt(ONLY_NEW)]) as store:
            thread = store.thread("t")
            state = thread.state.get_all()
            assert state.pop("n") == outcome[0]
            assert state == {f"f{n}": 0 for n in range(25, 50)}
            found = thread.messages.entries()
            sent = outcome[1]
            assert isinstance(sent, list)
            assert found[-1].seq == sent[-1] == 300 + len(sent)
            seqs = [m.seq for m in found]
            assert seqs == list(range(seqs[0], 301 + len(sent)))
            assert seqs[0] > 200


class Meddled(Passing):
    """An engine on which something happens just before the first value is written anew."""

    def __init__(self, engine: Engine, before: Callable[[], object]) -> None:
        super().__init__(engine)
        self._before = before
        self.done = False

    def run(self, batch: Batch) -> Reply:
        if not self.done and any(isinstance(op, (Set, Restore)) for op in batch.ops):
            self.done = True
            self._before()
        return self.inner.run(batch)


class TestBetween:
    """What others do between the job's look at a value and its write."""

    def after(self, *meddling: AnyOp, then: tuple[AnyOp, ...] = ()) -> tuple[Fields, Items, Reply]:
        """Return what stands when `meddling` came in between, as only the new key reads it."""
        under = MemoryEngine(lambda: self.now, Limits())
        self.now = 10**15
        ops = (
            Set("state", {"a": b"j1", "b": b"j2"}, Lease(window=100 * SECOND)),
            Append("log", (b"1", b"2", b"3"), ("x", "y", "z")),
        )
        encrypt(RING)(under).run(Batch(REF, ops))
        self.now += 50 * SECOND

        def meddle() -> None:
            encrypt(BOTH)(under).run(Batch(REF, meddling))
            if then:
                encrypt(BOTH)(under).run(Batch(REF, then))

        between = Meddled(under, meddle)
        rotated(Store(engine=encrypt(BOTH)(between)))
        assert between.done
        asked = (Get("state", renew=False), Read("log"), Info())
        reply = encrypt(ONLY_NEW)(under).run(Batch(REF, asked))
        fields, items, _ = reply.results
        assert isinstance(fields, Fields)
        assert isinstance(items, Items)
        return fields, items, reply

    def test_a_value_that_was_written(self):
        fields, _, _ = self.after(Set("state", {"a": b"j9"}))
        assert {n: f.value for n, f in fields.fields.items()} == {"a": b"j9", "b": b"j2"}
        assert fields.fields["a"].end is None

    def test_a_value_that_was_deleted(self):
        fields, _, _ = self.after(Del("state", ("a",)))
        assert list(fields.fields) == ["b"]

    def test_a_lease_that_was_renewed_is_not_cut_short(self):
        fields, _, _ = self.after(Touch("state", ("a",)))
        ends = {name: field.end for name, field in fields.fields.items()}
        assert ends == {"a": self.now + 100 * SECOND, "b": self.now + 50 * SECOND}

    def test_a_message_that_was_cut_stays_away(self):
        _, items, _ = self.after(Cut("log", before=2))
        assert [(i.seq, i.value, i.id) for i in items.items] == [(2, b"2", "y"), (3, b"3", "z")]
        assert (items.head, items.count) == (3, 2)

    def test_a_message_that_was_appended(self):
        _, items, _ = self.after(Append("log", (b"4", b"5"), ("x", "w")))
        assert [(i.seq, i.value) for i in items.items] == [
            (1, b"1"),
            (2, b"2"),
            (3, b"3"),
            (4, b"5"),
        ]

    def test_a_thread_that_was_destroyed_stays_so(self):
        fields, items, reply = self.after(Drop())
        assert (fields.fields, items.items) == ({}, ())
        assert reply.results[2] == Nothing()

    def test_a_thread_that_was_begun_again_keeps_what_is_its_own(self):
        fields, items, _ = self.after(
            Drop(),
            then=(Set("state", {"a": b"j9", "b": b"j8"}), Append("log", (b"9",))),
        )
        assert {n: f.value for n, f in fields.fields.items()} == {"a": b"j9", "b": b"j8"}
        assert [(i.seq, i.value) for i in items.items] == [(1, b"9")]
