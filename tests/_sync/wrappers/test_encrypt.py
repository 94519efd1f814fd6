# Generated from tests/_async/wrappers/test_encrypt.py by scripts/unasync. Do not edit.
"""Encrypted values: nothing readable in the file, nothing that opens elsewhere, nothing lost."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.wrappers.raw import (
    NEW,
    OLD,
    RING,
    everything,
    field,
    item,
    put_field,
    put_item,
    sql,
    url,
)
from threadkeep._sync.store import Store
from threadkeep.errors import CodecError, Conflict, DataLost, UsageError
from threadkeep.model.leases import FOREVER, SECOND, Lease
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
    Head,
    Incr,
    Info,
    Item,
    Read,
    Restore,
    Same,
    Set,
)
from threadkeep.ops.reply import Appended, Count, Fields, Items, Names, Number, Reply
from threadkeep.testing.tasks import Tasks
from threadkeep.testing.trips import Trips
from threadkeep.wrapping import KeyRing, encrypt

REF = Ref("default", "thread", "t")
SECRET = "the launch code is 7391"


def opened(path: Path, ring: KeyRing = RING, **options: bool) -> Store:
    return Store(url(path), wrap=[encrypt(ring, **options)])


def engine(now: Callable[[], int] = lambda: 10**15) -> tuple[Engine, Trips]:
    """Return an encrypted engine and the one under it, which counts."""
    from threadkeep._sync.drivers.memory import MemoryEngine
    from threadkeep.model.options import Limits

    under = Trips(MemoryEngine(now, Limits()))
    return encrypt(RING)(under), under


class TestFile:
    def test_nothing_is_readable(self, tmp_path: Path):
        path = tmp_path / "a.db"
        with opened(path) as store:
            thread = store.thread("t")
            thread.state.set("field-name", SECRET)
            thread.state.increment("count", 73917391)
            thread.state.increment("count", 1)
            thread.messages.append({"text": SECRET, "id": "m1"}, {"text": SECRET})
            thread.snapshots.save({"deep": [SECRET]})
            thread.state.update({"x": SECRET.encode()})
            live = everything(path)
        for raw in (live, everything(path)):
            assert b"field-name" in raw  # names stay in the clear: the search finds what is there
            for text in (SECRET, "launch", "7391"):
                assert text.encode() not in raw
        with opened(path) as store:
            thread = store.thread("t")
            assert thread.state.get("field-name") == SECRET
            assert thread.state.get("count") == 73917392
            assert [m["text"] for m in thread.messages.list()] == [SECRET, SECRET]
            assert thread.snapshots.load() == {"deep": [SECRET]}

    def test_counts_under_a_request_id_are_not_readable_either(self, tmp_path: Path):
        path = tmp_path / "a.db"
        with opened(path) as store:
            run = (store.ready()).run
            for _ in range(2):
                run(Batch(REF, (Incr("state", "n", 73917391),), once="request"))
        assert b"request" in everything(path)
        assert b"73917391" not in everything(path)
        assert (73917391).to_bytes(4, "big") not in everything(path)

    def test_equal_values_are_not_equal_in_the_file(self, tmp_path: Path):
        path = tmp_path / "a.db"
        with opened(path) as store:
            store.thread("t").state.update({"a": 1, "b": 1})
            first = field(path, "a")
            store.thread("t").state.set("a", 1)
            assert len({first, field(path, "a"), field(path, "b")}) == 3


class TestMoved:
    """Values that were swapped in the file, by field, number, thread, kind, namespace, map, log."""

    def test_between_fields(self, tmp_path: Path):
        path = tmp_path / "a.db"
        with opened(path) as store:
            state = store.thread("t").state
            state.update({"role": "user", "name": "admin"})
            role, name = field(path, "role"), field(path, "name")
            put_field(path, "role", name)
            put_field(path, "name", role)
            for moved in ("role", "name"):
                with pytest.raises(
                    CodecError, match=f"field '{moved}' of map 'state' of thread 't'"
                ):
                    state.get(moved)
            with pytest.raises(CodecError):
                state.get_all()
            put_field(path, "role", role)
            assert state.get("role") == "user"

    def test_between_positions(self, tmp_path: Path):
        path = tmp_path / "a.db"
        with opened(path) as store:
            messages = store.thread("t").messages
            messages.append("one", "two", "three")
            one, two = item(path, 1), item(path, 2)
            put_item(path, 1, two)
            put_item(path, 2, one)
            with pytest.raises(CodecError, match="item 1 of log 'messages' of thread 't'"):
                messages.list()
            assert messages.list(last=1) == ["three"]

    def test_between_maps_and_logs(self, tmp_path: Path):
        path = tmp_path / "a.db"
        with opened(path) as store:
            run = (store.ready()).run
            run(Batch(REF, (Set("m1", {"a": b"j1"}), Append("l1", (b"j1",)))))
            sql(path, "update tk_field set map = 'm2'")
            sql(path, "update tk_log set name = 'l2'")
            with pytest.raises(CodecError, match="map 'm2'"):
                run(Batch(REF, (Get("m2"),)))
            with pytest.raises(CodecError, match="log 'l2'"):
                run(Batch(REF, (Read("l2"),)))

    @pytest.mark.parametrize(
        ("column", "ref"),
        [
            ("id", Ref("default", "thread", "u")),
            ("kind", Ref("default", "user", "t")),
            ("ns", Ref("other", "thread", "t")),
        ],
    )
    def test_between_entities(self, tmp_path: Path, column: str, ref: Ref):
        path = tmp_path / "a.db"
        with opened(path) as store:
            run = (store.ready()).run
            run(Batch(REF, (Set("state", {"a": b"j1"}), Append("log", (b"j1",)))))
            value = {"id": ref.id, "kind": ref.kind, "ns": ref.namespace}[column]
            sql(path, f"update tk_entity set {column} = ?", value)
            with pytest.raises(CodecError, match=re.escape(str(ref))):
                run(Batch(ref, (Get("state"),)))
            with pytest.raises(CodecError, match=re.escape(str(ref))):
                run(Batch(ref, (Read("log"),)))

    def test_a_field_put_in_the_place_of_a_message(self, tmp_path: Path):
        path = tmp_path / "a.db"
        with opened(path) as store:
            thread = store.thread("t")
            thread.messages.append("one")
            thread.state.set("1", "one")
            put_item(path, 1, field(path, "1"))
            with pytest.raises(CodecError, match="item 1"):
                thread.messages.list()


class TestChanged:
    def test_every_bit_of_a_value(self, tmp_path: Path):
        path = tmp_path / "a.db"
        with opened(path) as store, opened(path, allow_plaintext=True) as lenient:
            store.thread("t").state.set("a", "value")
            whole = field(path, "a")
            for bit in range(len(whole) * 8):
                changed = bytearray(whole)
                changed[bit // 8] ^= 1 << bit % 8
                put_field(path, "a", bytes(changed))
                for each in (store, lenient):
                    with pytest.raises(CodecError):
                        each.thread("t").state.get("a")
            for end in range(len(whole)):
                put_field(path, "a", whole[:end])
                with pytest.raises(CodecError):
                    store.thread("t").state.get("a")
            put_field(path, "a", whole)
            assert store.thread("t").state.get("a") == "value"

    def test_what_cannot_be_read_is_not_counted_up(self, tmp_path: Path):
        path = tmp_path / "a.db"
        with opened(path) as store:
            state = store.thread("t").state
            state.set("n", 1)
            broken = field(path, "n")[:-1] + bytes([field(path, "n")[-1] ^ 1])
            put_field(path, "n", broken)
            with pytest.raises(CodecError, match="field 'n'"):
                state.increment("n")
            assert field(path, "n") == broken
            assert state.has("n")
            state.set("n", 5)
            assert state.increment("n") == 6


class TestKeys:
    def test_a_missing_key_is_named(self, tmp_path: Path):
        path = tmp_path / "a.db"
        with opened(path) as store:
            store.thread("t").state.set("a", 1)
            store.thread("t").messages.append("m")
        with opened(path, KeyRing({"new": NEW})) as store:
            with pytest.raises(CodecError, match="under key 'old', which the ring does not hold"):
                store.thread("t").state.get("a")
            with pytest.raises(CodecError, match="'old'"):
                store.thread("t").messages.list()
            assert store.thread("t").state.has("a")

    def test_another_key_of_the_same_id(self, tmp_path: Path):
        path = tmp_path / "a.db"
        with opened(path) as store:
            store.thread("t").state.set("a", 1)
        with opened(path, KeyRing({"old": NEW})) as store:
            with pytest.raises(CodecError, match="does not fit key 'old'"):
                store.thread("t").state.get("a")

    def test_the_first_key_writes_and_all_read(self, tmp_path: Path):
        path = tmp_path / "a.db"
        with opened(path) as store:
            store.thread("t").state.set("a", "by old")
        both = KeyRing([("new", NEW), ("old", OLD)])
        with opened(path, both) as store:
            store.thread("t").state.set("b", "by new")
            assert store.thread("t").state.get_all() == {"a": "by old", "b": "by new"}
        assert field(path, "a")[1:17] == b"old".ljust(16, b"\0")
        assert field(path, "b")[1:17] == b"new".ljust(16, b"\0")
        with opened(path, KeyRing({"old": OLD, "new": NEW}, active="new")) as store:
            store.thread("t").state.set("c", 1)
        assert field(path, "c")[1:17] == b"new".ljust(16, b"\0")

    def test_plaintext_is_refused_unless_asked_for(self, tmp_path: Path):
        path = tmp_path / "a.db"
        with Store(url(path)) as store:
            store.thread("t").state.update({"a": 1, "n": 1})
            store.thread("t").messages.append("m")
        with opened(path) as store:
            thread = store.thread("t")
            for call in (
                lambda: thread.state.get("a"),
                lambda: thread.state.increment("n"),
                thread.messages.list,
            ):
                with pytest.raises(CodecError, match="not encrypted"):
                    call()
        with opened(path, allow_plaintext=True) as store:
            thread = store.thread("t")
            assert thread.state.get("a") == 1
            assert thread.state.increment("n") == 2
            assert thread.messages.list() == ["m"]
            thread.messages.append("n")
        assert field(path, "a") == b"j1"
        assert field(path, "n")[:1] == b"E"
        with opened(path) as store:
            assert store.thread("t").state.get("n") == 2

    def test_an_encrypted_store_opened_without_a_key(self, tmp_path: Path):
        path = tmp_path / "a.db"
        with opened(path) as store:
            store.thread("t").state.set("a", 1)
        with Store(url(path)) as store:
            with pytest.raises(CodecError, match="encrypted"):
                store.thread("t").state.get("a")


class TestTrips:
    def test_what_a_call_costs(self):
        sealed, under = engine()
        with Store(engine=sealed) as store:
            thread = store.thread("t")
            calls: list[tuple[Callable[[], object], int]] = [
                (lambda: thread.state.set("a", 1), 1),
                (lambda: thread.state.get("a"), 1),
                (lambda: thread.messages.append("first"), 1),
                (lambda: thread.messages.append("x", "y"), 1),
                (lambda: thread.messages.append({"id": "m1"}), 1),  # an id on the last item
                (lambda: thread.messages.append({"id": "m1"}), 1),
                (lambda: thread.messages.append("after a skip"), 1),
                (lambda: thread.messages.append({"id": "m2"}, {"id": "m3"}), 2),
                (lambda: thread.messages.append({"id": "m2"}, {"id": "m4"}), 2),
                (lambda: thread.messages.append("z"), 1),
                (lambda: thread.messages.replace([{"id": "m1"}, {"id": "m9"}]), 1),
                (lambda: thread.messages.append("z"), 1),
                (thread.messages.pop, 1),
                (lambda: thread.messages.append("z"), 1),
                (lambda: thread.snapshots.save("s"), 1),
                (lambda: thread.snapshots.save("s"), 1),
                (lambda: thread.state.increment("n"), 1),
                (lambda: thread.state.increment("n"), 2),
                (lambda: thread.state.delete("a"), 1),
                (thread.messages.clear, 1),
            ]
            under.taken()
            for number, (call, trips) in enumerate(calls):
                call()
                assert under.taken() == {"run": trips}, f"call {number}"

    def test_the_first_append_to_a_thread_that_stands(self):
        sealed, under = engine()
        with Store(engine=sealed) as store:
            store.thread("t").messages.append("a", "b")
        other = encrypt(RING)(under)
        with Store(engine=other) as store:
            thread = store.thread("t")
            under.taken()
            thread.messages.append("c")
            assert under.taken() == {"run": 2}
            thread.messages.append("d")
            assert under.taken() == {"run": 1}
        third = encrypt(RING)(under)
        with Store(engine=third) as store:
            thread = store.thread("t")
            assert thread.messages.list() == ["a", "b", "c", "d"]
            under.taken()
            thread.messages.append("e")  # the list told where the log ends
            assert under.taken() == {"run": 1}

    def test_new_messages_with_ids_go_to_a_new_thread_in_one(self):
        sealed, under = engine()
        with Store(engine=sealed) as store:
            store.thread("t").messages.append({"id": "a"}, {"id": "b"}, {"id": "a"})
            assert under.taken() == {"run": 1}
            assert store.thread("t").messages.list() == [{"id": "a"}, {"id": "b"}]


class TestAtOnce:
    @pytest.mark.parametrize("ids", [False, True])
    def test_ten_appends_of_two(self, tmp_path: Path, ids: bool):
        with opened(tmp_path / "a.db") as store, opened(tmp_path / "a.db") as other:

            def append(number: int) -> object:
                thread = (store, other)[number % 2].thread("t")
                pair = [{"n": number, "k": k} for k in (1, 2)]
                if ids:
                    pair = [{**m, "id": f"{number}-{m['k']}"} for m in pair]
                return thread.messages.append(*pair)

            Tasks.together(*(lambda n=n: append(n) for n in range(10)))
            found = store.thread("t").messages.entries()
            assert [message.seq for message in found] == list(range(1, 21))
            pairs = [(m.value["n"], m.value["k"]) for m in found]
            assert sorted(pairs) == [(n, k) for n in range(10) for k in (1, 2)]
            assert all(a[0] == b[0] for a, b in zip(pairs[::2], pairs[1::2], strict=True))
            assert other.thread("t").messages.entries() == found

    @pytest.mark.parametrize("place", ["file", "memory"])
    def test_eight_times_a_hundred_increments(self, tmp_path: Path, place: str):
        at = url(tmp_path / "a.db") if place == "file" else "memory://"
        with Store(at, wrap=[encrypt(RING)]) as store:

            def count() -> None:
                for _ in range(100):
                    store.thread("t").state.increment("n")

            Tasks.together(*[count] * 8)
            assert store.thread("t").state.get("n") == 800

    def test_increments_of_two_stores_on_one_file(self, tmp_path: Path):
        with opened(tmp_path / "a.db") as store, opened(tmp_path / "a.db") as other:

            def count(mine: Store) -> None:
                for _ in range(50):
                    mine.thread("t").state.increment("n")
                    mine.thread("t").messages.append("m")

            Tasks.together(*(lambda s=s: count(s) for s in (store, other) * 2))
            assert store.thread("t").state.get("n") == 200
            assert len(other.thread("t").messages.list()) == 200


class TestAppend:
    """An item is sealed for its number: skips, cuts and restores before it must be foreseen."""

    def both(self, *batches: tuple[AnyOp, ...]) -> None:
        """Do the same on a plain engine; what is answered and what stands must be the same."""
        from threadkeep._sync.drivers.memory import MemoryEngine
        from threadkeep.model.options import Limits

        sealed, under = engine()
        plain = MemoryEngine(lambda: 10**15, Limits())
        for ops in batches:
            fresh = encrypt(RING)(under)  # knows nothing yet
            first = plain.run(Batch(REF, ops))
            second = (fresh if len(ops) % 2 else sealed).run(Batch(REF, ops))
            assert second.results == first.results
            assert second.revision == first.revision
        asked = (Info(), Read("log"), Get("state"))
        first, second = plain.run(Batch(REF, asked)), sealed.run(Batch(REF, asked))
        known = (Info(),)
        assert second.results[1:] == first.results[1:]
        assert (sealed.run(Batch(REF, known))).revision == first.revision

    @pytest.mark.parametrize(
        "ops",
        [
            (Append("log", (b"x", b"c", b"y"), ("b", "c", "a")),),
            (Append("log", (b"x", b"y"), ("a", "b")),),
            (Append("log", (b"x", b"x"), ("new", "new")), Append("log", (b"z",))),
            (Append("log", (b"x",), ("a",)), Append("log", (b"y",))),
            (Append("log", (b"x",)), Append("log", (b"y",), ("a",))),
            (
                Append("log", (b"x",)),
                Append("other", (b"y", b"z"), ("a", "a")),
                Append("log", (b"z",)),
            ),
            (Cut("log", keep=0), Append("log", (b"x", b"y"), ("a", "b"))),
            (Cut("log", keep=1), Append("log", (b"x", b"y", b"z"), ("a", "b", "d"))),
            (Cut("log", before=2), Append("log", (b"x", b"y", b"z"), ("a", "b", "d"))),
            (Cut("log", newest=2), Append("log", (b"x", b"y", b"z"), ("a", "b", "d"))),
            (Cut("log", newest=9), Append("log", (b"x", b"y", b"z"), ("a", "b", "d"))),
            (
                Append("log", (b"x", b"y"), ("n", "a")),
                Cut("log", keep=0),
                Append("log", (b"z",), ("n",)),
            ),
            (
                Append("log", (b"x", b"y"), ("n", None)),
                Cut("log", keep=2),
                Append("log", (b"q", b"z"), ("n", "a")),
            ),
            (Restore("log", (Item(9, b"r", "a"),)), Append("log", (b"x", b"y"), ("a", "b"))),
            (Restore("log", (Item(2, b"r", "z"),)), Append("log", (b"x", b"y"), ("b", "z"))),
            (Restore("log", (), 20), Append("log", (b"x",))),
            (
                Cut("log", keep=0),
                Restore("log", (Item(9, b"r", "a"),)),
                Append("log", (b"x", b"y"), ("a", "b")),
            ),
            (Append("log", ()), Append("log", (b"x",))),
            (Append("log", (b"",)), Append("log", (b"", b""), ("a", None))),
        ],
    )
    def test_as_without_encryption(self, ops: tuple[AnyOp, ...]):
        start = (Append("log", (b"1", b"2", b"3"), ("a", None, "b")),)
        self.both(start, ops, (Append("log", (b"end",)),))
        self.both(ops, (Append("log", (b"end",)),))

    def test_an_id_that_is_cut_meanwhile(self):
        """The id stands when it is asked for and is gone when the append comes."""
        sealed, under = engine()
        sealed.run(Batch(REF, (Append("log", (b"1", b"2"), ("a", "b")),)))
        run, asked = under.run, False

        def meddle(batch: Batch) -> object:
            nonlocal asked
            reply = run(batch)
            if not reply.ok and not asked:
                asked = True
                run(Batch(REF, (Cut("log", before=2),)))
            return reply

        under.run = meddle  # pyright: ignore[reportAttributeAccessIssue] - a race, made certain
        reply = sealed.run(Batch(REF, (Append("log", (b"3", b"4"), ("a", "c")),)))
        assert asked
        assert reply.results == (Appended((3, 4)),)
        found = (sealed.run(Batch(REF, (Read("log"),)))).results[0]
        assert isinstance(found, Items)
        assert [(i.seq, i.value, i.id) for i in found.items] == [
            (2, b"2", "b"),
            (3, b"3", "a"),
            (4, b"4", "c"),
        ]

    def test_restored_items_open_where_they_are(self):
        sealed, _ = engine()
        items = (Item(3, b"three", "c", ("x",), 5), Item(7, b"seven"))
        reply = sealed.run(Batch(REF, (Restore("log", items, 9),)))
        assert reply.results == (Count(2),)
        found = (sealed.run(Batch(REF, (Read("log"),)))).results[0]
        assert isinstance(found, Items)
        assert (found.items, found.head, found.count, found.bytes) == (items, 9, 2, 10)

    def test_a_fork_and_what_is_appended_to_it(self, tmp_path: Path):
        with opened(tmp_path / "a.db") as store:
            thread = store.thread("t")
            thread.messages.append("1", "2", "3")
            thread.state.set("a", "value", ttl=60)
            fork = thread.fork("u", at=2)
            fork.messages.append("4")
            assert fork.messages.list() == ["1", "2", "4"]
            assert fork.state.get_all() == {"a": "value"}

    def test_a_thread_that_was_destroyed_and_begun_again(self):
        sealed, _ = engine()
        with Store(engine=sealed) as store:
            for text in ("first", "second"):
                store.thread("t").messages.append(text, text)
                assert store.thread("t").messages.list() == [text, text]
                store.thread("t").destroy()


class TestGuards:
    def test_the_callers_guard_is_the_one_that_is_named(self):
        sealed, _ = engine()
        sealed.run(Batch(REF, (Set("state", {"a": b"j1", "n": b"j1"}), Append("log", (b"1",)))))
        look = (Get("state", ("a",), renew=False), Read("log", limit=0))
        for ops in (
            (Append("log", (b"2",)),),
            (Incr("state", "n"),),
            (Append("log", (b"2", b"3"), ("x", "y")),),
        ):
            guards = (Same("state", "a", 1), Head("log", 7))
            reply = sealed.run(Batch(REF, ops, guards, look))
            assert (reply.ok, reply.failed, reply.revision) == (False, 1, 1)
            assert len(reply.results) == 2
            fields, items = reply.results
            assert isinstance(fields, Fields)
            assert isinstance(items, Items)
            assert fields.fields["a"].value == b"j1"
            assert (items.head, items.count, items.bytes) == (1, 1, 1)

    def test_conflicts_carry_what_was_found(self, tmp_path: Path):
        with opened(tmp_path / "a.db") as store:
            thread = store.thread("t")
            thread.state.set("a", "here")
            with pytest.raises(Conflict) as caught:
                thread.state.set("a", "new", if_absent=True)
            assert caught.value.found == "here"
            thread.messages.append("1", "2")
            with pytest.raises(Conflict) as caught:
                thread.messages.replace(["x"], if_head=1)
            assert caught.value.found == 2
            assert (thread.messages.replace(["x"], if_head=2)).seqs == (3,)
            assert thread.snapshots.save("s", if_revision=0) == 1
            with pytest.raises(Conflict):
                thread.snapshots.save("t", if_revision=0)


class TestIncrement:
    """The rules of the engines, from outside."""

    def test_leases(self):
        now = 10**15
        sealed, _ = engine(lambda: now)

        def lease() -> tuple[int | None, int | None]:
            found = (sealed.run(Batch(REF, (Get("state", renew=False),)))).results[0]
            assert isinstance(found, Fields)
            field = found.fields["n"]
            return field.window, None if field.end is None else field.end - now

        def incr(lease: Lease = FOREVER, keep: bool = True) -> object:
            op = Incr("state", "n", 1, lease, keep)
            return (sealed.run(Batch(REF, (op,)))).results[0]

        assert incr(Lease(window=SECOND)) == Number(1)
        assert lease() == (SECOND, SECOND)
        now += SECOND // 2
        assert incr() == Number(2)
        assert lease() == (SECOND, SECOND)
        now += SECOND
        assert incr(Lease(end=now + 5)) == Number(1)
        assert lease() == (None, 5)
        now += 3
        assert incr() == Number(2)
        assert lease() == (None, 2)
        assert incr(Lease(window=9), keep=False) == Number(3)
        assert lease() == (9, 9)
        assert incr(FOREVER, keep=False) == Number(4)
        assert lease() == (None, None)

    def test_errors(self):
        sealed, _ = engine()
        values = {
            "text": b'j"1"',
            "bytes": b"b1",
            "big": b"j9223372036854775807",
            "float": b"j1e308",
        }
        sealed.run(Batch(REF, (Set("state", values),)))
        for name, by in (("text", 1), ("bytes", 1), ("big", 1), ("float", 1e308)):
            with pytest.raises(UsageError, match=f"'{name}'"):
                sealed.run(Batch(REF, (Set("state", {"new": b"j1"}), Incr("state", name, by))))
        found = (sealed.run(Batch(REF, (Get("state"),)))).results[0]
        assert isinstance(found, Fields)
        assert {n: f.value for n, f in found.fields.items()} == values

    def test_several_writes_of_one_batch(self):
        sealed, _ = engine()
        ops = (
            Incr("state", "n", 2),
            Incr("state", "n", 2.5),
            Set("state", {"n": b"j10", "m": b"j1"}, refs={"n": ("x",)}),
            Set("state", {"n": b"j99"}, absent_only=True),
            Incr("state", "n"),
            Del("state", ("m",)),
            Incr("state", "m", -1),
            Del("state", prefix="m"),
            Incr("state", "m", 5),
        )
        reply = sealed.run(Batch(REF, ops))
        assert reply.results == (
            Number(2),
            Number(4.5),
            Names(()),
            Names(("n",)),
            Number(11),
            Names(("m",)),
            Number(-1),
            Names(("m",)),
            Number(5),
        )
        found = (sealed.run(Batch(REF, (Get("state"),)))).results[0]
        assert isinstance(found, Fields)
        assert {n: (f.value, f.refs) for n, f in found.fields.items()} == {
            "n": (b"j11", ("x",)),
            "m": (b"j5", ()),
        }

    def test_a_fixed_end_and_an_increment_in_one_batch_are_refused(self):
        sealed, _ = engine()
        ops = (Set("state", {"n": b"j1"}, Lease(end=5)), Incr("state", "n"))
        with pytest.raises(UsageError, match="send two batches"):
            sealed.run(Batch(REF, ops))

    def test_under_a_request_id(self):
        sealed, under = engine()
        sealed.run(Batch(REF, (Set("state", {"n": b"j1"}),)))
        ops = (Incr("state", "n", 2), Get("state", ("n",)), Incr("state", "x", 0.5))
        first = sealed.run(Batch(REF, ops, once="r"))
        sealed.run(Batch(REF, (Set("state", {"n": b'j"text"'}),)))
        under.taken()
        again = encrypt(RING)(under).run(Batch(REF, ops, once="r"))
        assert under.taken() == {"run": 1}
        assert (first.results[0], first.results[2]) == (Number(3), Number(0.5))
        assert (again.results[0], again.results[2]) == (Number(3), Number(0.5))
        assert (again.repeated, again.changed) == (True, False)
        known = (under.run(Batch(REF, (Get("#seal"), Info())))).results
        assert known[0] == Fields({})

    def test_a_thread_that_was_begun_again_counts_from_its_own_number(self):
        sealed, under = engine()
        sealed.run(Batch(REF, (Set("state", {"n": b"j1"}),)))
        run, tries = under.run, 0

        def meddle(batch: Batch) -> Reply:
            nonlocal tries
            tries += 1
            if tries == 2:
                run(Batch(REF, (Drop(),)))
                encrypt(RING)(under._engine).run(Batch(REF, (Set("state", {"n": b"j100"}),)))
            return run(batch)

        under.run = meddle  # a race, made certain
        reply = sealed.run(Batch(REF, (Incr("state", "n"),)))
        assert (reply.results, tries) == ((Number(101),), 3)

    def test_a_request_that_was_remembered_in_the_clear(self):
        sealed, under = engine()
        under.run(Batch(REF, (Incr("state", "n"),), once="r"))
        with pytest.raises(DataLost, match="'r'"):
            sealed.run(Batch(REF, (Incr("state", "n"),), once="r"))


class TestSizes:
    def test_sizes_are_those_of_the_values(self, tmp_path: Path):
        found: list[object] = []
        for wrap in ([], [encrypt(RING)]):
            path = tmp_path / f"{len(wrap)}.db"
            with Store(url(path), wrap=wrap) as store:
                thread = store.thread("t")
                thread.state.update({"a": "x" * 100, "b": 1})
                thread.messages.append("one", "two")
                thread.snapshots.save("s" * 50)
                info = thread.info()
                assert info is not None
                listed = [i.bytes for i in store.threads()]
                history = [s.bytes for s in thread.snapshots.history()]
                found.append((info.bytes, info.fields, info.items, listed, history))
        assert found[0] == found[1]


def test_a_copy_of_the_file_needs_the_key_too(tmp_path: Path):
    path = tmp_path / "a.db"
    with opened(path) as store:
        store.thread("t").state.set("a", SECRET)
    shutil.copy(path, tmp_path / "copy.db")
    with opened(tmp_path / "copy.db") as store:
        assert store.thread("t").state.get("a") == SECRET
