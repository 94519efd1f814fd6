"""Key rotation: everything under the new key, nothing else changed, whoever writes meanwhile."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.wrappers.raw import NEW, OLD, RING, field, key_ids, put_field, sql, url
from threadkeep._async.drivers.memory import AsyncMemoryEngine
from threadkeep._async.store import AsyncStore
from threadkeep._async.wrappers.passing import AsyncPassing
from threadkeep.errors import CodecError, UsageError
from threadkeep.model.leases import SECOND, Lease
from threadkeep.model.options import Limits
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch
from threadkeep.ops.engine import AsyncEngine
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
from threadkeep.testing.tasks import AsyncTasks
from threadkeep.wrapping import KeyRing, Rotated, checksum, encrypt, rotate

pytestmark = pytest.mark.anyio

BOTH = KeyRing({"new": NEW, "old": OLD})
ONLY_NEW = KeyRing({"new": NEW})
REF = Ref("default", "thread", "t")


async def rotated(store: AsyncStore, after: str | None = None) -> Rotated:
    last: Rotated | None = None
    async for done in rotate(store, after=after):
        last = done
    assert last is not None
    assert last.cursor is None
    return last


async def fill(store: AsyncStore, threads: int = 3) -> None:
    for number in range(threads):
        thread = store.thread(f"t{number}")
        await thread.state.update({"a": number, "b": "x" * 1000})
        await thread.messages.append({"id": "m1", "n": number}, "two", "three")
        await thread.snapshots.save({"n": number})
    await store.user("alice").state.set("plan", "pro")


async def check(store: AsyncStore, threads: int = 3) -> None:
    for number in range(threads):
        thread = store.thread(f"t{number}")
        assert await thread.state.get_all() == {"a": number, "b": "x" * 1000}
        assert await thread.messages.list() == [{"id": "m1", "n": number}, "two", "three"]
        assert await thread.snapshots.load() == {"n": number}
    assert await store.user("alice").state.get("plan") == "pro"


class TestRotation:
    async def test_everything_is_under_the_new_key(self, tmp_path: Path):
        path = tmp_path / "a.db"
        async with AsyncStore(url(path), wrap=[encrypt(RING)]) as store:
            await fill(store)
        async with AsyncStore(url(path), wrap=[encrypt(BOTH)]) as store:
            assert await rotated(store) == Rotated(entities=4, fields=7, items=12)
            assert key_ids(path) == {"new": 19}
            revisions = sql(path, "select revision from tk_entity order by eid")
            assert await rotated(store) == Rotated(entities=4, current=19)
            assert sql(path, "select revision from tk_entity order by eid") == revisions
        async with AsyncStore(url(path), wrap=[encrypt(ONLY_NEW)]) as store:
            await check(store)

    async def test_leases_numbers_ids_times_and_links_stay(self):
        now = 10**15
        under = AsyncMemoryEngine(lambda: now, Limits())
        old, new = encrypt(RING)(under), encrypt(BOTH)(under)
        links = {"slide": ("x", "y")}
        await old.run(
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
        before = await old.run(Batch(REF, asked))
        assert (await rotated(AsyncStore(engine=new))).fields == 3
        after = await encrypt(ONLY_NEW)(under).run(Batch(REF, asked))
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

    async def test_it_goes_on_where_it_stopped(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr("threadkeep._async.wrappers.rotation.PAGE", 2)
        path = tmp_path / "a.db"
        async with AsyncStore(url(path), wrap=[encrypt(RING)]) as store:
            await fill(store, 5)
        async with AsyncStore(url(path), wrap=[encrypt(BOTH)]) as store:
            steps = [done async for done in rotate(store)]
            assert [done.entities for done in steps] == [2, 4, 6]
            assert key_ids(path) == {"new": 31}
        async with AsyncStore(url(path), wrap=[encrypt(RING)]) as store:
            with pytest.raises(CodecError):
                await check(store)
        async with AsyncStore(
            url(path), wrap=[encrypt(KeyRing({"old": OLD, "new": NEW}))]
        ) as store:
            cursor: str | None = None
            async for done in rotate(store):
                cursor = done.cursor
                break
            assert key_ids(path) == {"old": 12, "new": 19}
            rest = await rotated(store, after=cursor)
            assert (rest.entities, rest.fields, rest.items) == (4, 7, 12)
        async with AsyncStore(url(path), wrap=[encrypt(RING)]) as store:
            await check(store, 5)

    async def test_plaintext_is_taken_along(self, tmp_path: Path):
        path = tmp_path / "a.db"
        async with AsyncStore(url(path)) as store:
            await fill(store)
        async with AsyncStore(url(path), wrap=[encrypt(RING, allow_plaintext=True)]) as store:
            assert await rotated(store) == Rotated(entities=4, fields=7, items=12)
        async with AsyncStore(url(path), wrap=[encrypt(RING)]) as store:
            await check(store)

    async def test_what_cannot_be_read_is_told_and_left(self, tmp_path: Path):
        path = tmp_path / "a.db"
        async with AsyncStore(url(path), wrap=[encrypt(RING)]) as store:
            await store.thread("t").state.update({"a": 1, "b": 2})
            await store.thread("t").messages.append("m")
        put_field(path, "a", field(path, "b"))
        broken = field(path, "a")
        async with AsyncStore(url(path), wrap=[encrypt(BOTH)]) as store:
            done = await rotated(store)
            assert (done.fields, done.items, done.current) == (1, 1, 0)
            assert done.unreadable == (
                "field 'a' of map 'state' of thread 't' in namespace 'default'",
            )
        assert field(path, "a") == broken

    async def test_values_larger_than_a_portion(self, tmp_path: Path):
        path = tmp_path / "a.db"
        async with AsyncStore(url(path), wrap=[encrypt(RING)]) as store:
            thread = store.thread("t")
            await thread.state.update({f"f{n}": "x" * 400_000 for n in range(8)})
            await thread.state.update({f"g{n}": n for n in range(250)})
            await thread.messages.append(*("y" * 400_000 for _ in range(8)))
            await thread.messages.append(*range(1_200))
        async with AsyncStore(url(path), wrap=[encrypt(BOTH)]) as store:
            assert await rotated(store) == Rotated(entities=1, fields=258, items=1_208)
        async with AsyncStore(url(path), wrap=[encrypt(ONLY_NEW)]) as store:
            found = await store.thread("t").messages.list()
            assert found == ["y" * 400_000] * 8 + list(range(1_200))
            assert len(await store.thread("t").state.get_all()) == 258

    async def test_one_namespace_each(self, tmp_path: Path):
        path = tmp_path / "a.db"
        for namespace in ("n1", "n2"):
            async with AsyncStore(url(path), namespace=namespace, wrap=[encrypt(RING)]) as store:
                await store.thread("t").state.set("a", 1)
        async with AsyncStore(url(path), namespace="n1", wrap=[encrypt(BOTH)]) as store:
            await rotated(store)
        assert key_ids(path) == {"old": 1, "new": 1}

    async def test_checksums_are_added(self, tmp_path: Path):
        path = tmp_path / "a.db"
        async with AsyncStore(url(path)) as store:
            await fill(store)
        async with AsyncStore(url(path), wrap=[checksum(allow_unchecked=True)]) as store:
            assert await rotated(store) == Rotated(entities=4, fields=7, items=12)
        async with AsyncStore(url(path), wrap=[checksum()]) as store:
            await check(store)

    async def test_a_store_that_seals_nothing(self):
        async with AsyncStore("memory://") as store:
            with pytest.raises(UsageError, match="seals nothing"):
                await rotated(store)

    @pytest.mark.parametrize("after", ["", "thread", "nothing:x"])
    async def test_a_cursor_that_is_none(self, after: str):
        async with AsyncStore("memory://", wrap=[encrypt(RING)]) as store:
            with pytest.raises(UsageError, match="not the cursor"):
                await rotated(store, after)


class TestUnderWriters:
    async def test_nothing_is_lost_brought_back_or_left_under_the_old_key(self, tmp_path: Path):
        path = tmp_path / "a.db"
        async with AsyncStore(url(path), wrap=[encrypt(RING)]) as store:
            thread = store.thread("t")
            await thread.state.update({f"f{n}": 0 for n in range(50)})
            await thread.messages.append(*range(300))
            await thread.state.set("n", 0)
        stores = [AsyncStore(url(path), wrap=[encrypt(BOTH)]) for _ in range(2)]
        writer, job = stores
        ended = False

        async def count() -> int:
            total = 0
            while not ended or total < 30:
                total = int(await writer.thread("t").state.increment("n"))
            return total

        async def talk() -> list[int]:
            sent: list[int] = []
            while not ended or len(sent) < 30:
                sent += (await writer.thread("t").messages.append(len(sent))).seqs
                if len(sent) % 10 == 0:
                    await writer.thread("t").messages.trim(keep_last=100)
            return sent

        async def delete() -> None:
            for n in range(25):
                await writer.thread("t").state.delete(f"f{n}")

        async def work() -> Rotated:
            nonlocal ended
            try:
                return await rotated(job)
            finally:
                ended = True

        outcome = await AsyncTasks.together(count, talk, delete, work)
        assert isinstance(outcome[3], Rotated)
        assert outcome[3].unreadable == ()
        for each in stores:
            await each.aclose()
        assert set(key_ids(path)) == {"new"}
        async with AsyncStore(url(path), wrap=[encrypt(ONLY_NEW)]) as store:
            thread = store.thread("t")
            state = await thread.state.get_all()
            assert state.pop("n") == outcome[0]
            assert state == {f"f{n}": 0 for n in range(25, 50)}
            found = await thread.messages.entries()
            sent = outcome[1]
            assert isinstance(sent, list)
            assert found[-1].seq == sent[-1] == 300 + len(sent)
            seqs = [m.seq for m in found]
            assert seqs == list(range(seqs[0], 301 + len(sent)))
            assert seqs[0] > 200


class AsyncMeddled(AsyncPassing):
    """An engine on which something happens just before the first value is written anew."""

    def __init__(self, engine: AsyncEngine, before: Callable[[], Awaitable[object]]) -> None:
        super().__init__(engine)
        self._before = before
        self.done = False

    async def run(self, batch: Batch) -> Reply:
        if not self.done and any(isinstance(op, (Set, Restore)) for op in batch.ops):
            self.done = True
            await self._before()
        return await self.inner.run(batch)


class TestBetween:
    """What others do between the job's look at a value and its write."""

    async def after(
        self, *meddling: AnyOp, then: tuple[AnyOp, ...] = ()
    ) -> tuple[Fields, Items, Reply]:
        """Return what stands when `meddling` came in between, as only the new key reads it."""
        under = AsyncMemoryEngine(lambda: self.now, Limits())
        self.now = 10**15
        ops = (
            Set("state", {"a": b"j1", "b": b"j2"}, Lease(window=100 * SECOND)),
            Append("log", (b"1", b"2", b"3"), ("x", "y", "z")),
        )
        await encrypt(RING)(under).run(Batch(REF, ops))
        self.now += 50 * SECOND

        async def meddle() -> None:
            await encrypt(BOTH)(under).run(Batch(REF, meddling))
            if then:
                await encrypt(BOTH)(under).run(Batch(REF, then))

        between = AsyncMeddled(under, meddle)
        await rotated(AsyncStore(engine=encrypt(BOTH)(between)))
        assert between.done
        asked = (Get("state", renew=False), Read("log"), Info())
        reply = await encrypt(ONLY_NEW)(under).run(Batch(REF, asked))
        fields, items, _ = reply.results
        assert isinstance(fields, Fields)
        assert isinstance(items, Items)
        return fields, items, reply

    async def test_a_value_that_was_written(self):
        fields, _, _ = await self.after(Set("state", {"a": b"j9"}))
        assert {n: f.value for n, f in fields.fields.items()} == {"a": b"j9", "b": b"j2"}
        assert fields.fields["a"].end is None

    async def test_a_value_that_was_deleted(self):
        fields, _, _ = await self.after(Del("state", ("a",)))
        assert list(fields.fields) == ["b"]

    async def test_a_lease_that_was_renewed_is_not_cut_short(self):
        fields, _, _ = await self.after(Touch("state", ("a",)))
        ends = {name: field.end for name, field in fields.fields.items()}
        assert ends == {"a": self.now + 100 * SECOND, "b": self.now + 50 * SECOND}

    async def test_a_message_that_was_cut_stays_away(self):
        _, items, _ = await self.after(Cut("log", before=2))
        assert [(i.seq, i.value, i.id) for i in items.items] == [(2, b"2", "y"), (3, b"3", "z")]
        assert (items.head, items.count) == (3, 2)

    async def test_a_message_that_was_appended(self):
        _, items, _ = await self.after(Append("log", (b"4", b"5"), ("x", "w")))
        assert [(i.seq, i.value) for i in items.items] == [
            (1, b"1"),
            (2, b"2"),
            (3, b"3"),
            (4, b"5"),
        ]

    async def test_a_thread_that_was_destroyed_stays_so(self):
        fields, items, reply = await self.after(Drop())
        assert (fields.fields, items.items) == ({}, ())
        assert reply.results[2] == Nothing()

    async def test_a_thread_that_was_begun_again_keeps_what_is_its_own(self):
        fields, items, _ = await self.after(
            Drop(),
            then=(Set("state", {"a": b"j9", "b": b"j8"}), Append("log", (b"9",))),
        )
        assert {n: f.value for n, f in fields.fields.items()} == {"a": b"j9", "b": b"j8"}
        assert [(i.seq, i.value) for i in items.items] == [(1, b"9")]
