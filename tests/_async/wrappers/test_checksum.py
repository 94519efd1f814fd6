"""Values with a checksum: whatever changed or moved in the file is said to be broken, and where."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.wrappers.raw import RING, field, item, put_field, put_item, sql, url
from threadkeep._async.drivers.memory import AsyncMemoryEngine
from threadkeep._async.store import AsyncStore
from threadkeep.errors import CodecError
from threadkeep.model.options import Limits
from threadkeep.testing.tasks import AsyncTasks
from threadkeep.testing.trips import AsyncTrips
from threadkeep.wrapping import checksum, encrypt

pytestmark = pytest.mark.anyio


def opened(path: Path) -> AsyncStore:
    return AsyncStore(url(path), wrap=[checksum()])


class TestDamage:
    async def test_every_bit_of_a_field(self, tmp_path: Path):
        path = tmp_path / "a.db"
        lenient = AsyncStore(url(path), wrap=[checksum(allow_unchecked=True)])
        async with opened(path) as store, lenient:
            await store.thread("t").state.set("a", "value")
            whole = field(path, "a")
            assert whole.endswith(b'j"value"')
            for bit in range(len(whole) * 8):
                changed = bytearray(whole)
                changed[bit // 8] ^= 1 << bit % 8
                put_field(path, "a", bytes(changed))
                for each in (store, lenient):
                    with pytest.raises(CodecError, match=r"field 'a'.* of thread 't' in namespace"):
                        await each.thread("t").state.get("a")
            for end in range(len(whole)):
                put_field(path, "a", whole[:end])
                with pytest.raises(CodecError):
                    await store.thread("t").state.get("a")
            put_field(path, "a", whole)
            assert await store.thread("t").state.get("a") == "value"

    async def test_every_bit_of_a_message(self, tmp_path: Path):
        path = tmp_path / "a.db"
        async with opened(path) as store:
            await store.thread("t").messages.append("one", "two")
            whole = item(path, 2)
            for bit in range(len(whole) * 8):
                changed = bytearray(whole)
                changed[bit // 8] ^= 1 << bit % 8
                put_item(path, 2, bytes(changed))
                with pytest.raises(CodecError, match="item 2 of log 'messages' of thread 't'"):
                    await store.thread("t").messages.list()
            put_item(path, 2, whole)
            assert await store.thread("t").messages.list() == ["one", "two"]

    async def test_values_in_the_wrong_place(self, tmp_path: Path):
        path = tmp_path / "a.db"
        async with opened(path) as store:
            await store.thread("t").state.update({"a": 1, "b": 2})
            await store.thread("t").messages.append("m")
            put_field(path, "a", field(path, "b"))
            with pytest.raises(CodecError, match=r"field 'a'.*moved in storage"):
                await store.thread("t").state.get("a")
            sql(path, "update tk_entity set id = 'u'")
            with pytest.raises(CodecError, match="thread 'u'"):
                await store.thread("u").state.get("b")
            with pytest.raises(CodecError, match="thread 'u'"):
                await store.thread("u").messages.list()

    async def test_a_value_without_a_checksum(self, tmp_path: Path):
        path = tmp_path / "a.db"
        async with AsyncStore(url(path)) as store:
            await store.thread("t").state.set("a", 1)
        async with opened(path) as store:
            with pytest.raises(CodecError, match="has no checksum"):
                await store.thread("t").state.get("a")
        async with AsyncStore(url(path), wrap=[checksum(allow_unchecked=True)]) as store:
            assert await store.thread("t").state.increment("a") == 2
        async with opened(path) as store:
            assert await store.thread("t").state.get("a") == 2

    async def test_under_encryption(self, tmp_path: Path):
        path = tmp_path / "a.db"
        async with AsyncStore(url(path), wrap=[checksum(), encrypt(RING)]) as store:
            await store.thread("t").state.set("a", "value")
            assert field(path, "a")[:1] == b"C"
            assert field(path, "a")[5:6] == b"E"
            assert await store.thread("t").state.get("a") == "value"


async def test_appending_costs_no_trip_more_and_counting_one():
    under = AsyncTrips(AsyncMemoryEngine(lambda: 1, Limits()))
    async with AsyncStore(engine=checksum()(under)) as store:
        thread = store.thread("t")
        for items in (["a"], [{"id": "m1"}, {"id": "m2"}], [{"id": "m1"}, {"id": "m3"}, "b"]):
            await thread.messages.append(*items)
            assert under.taken() == {"run": 1}
        await thread.state.set("n", 1)
        under.taken()
        assert await thread.state.increment("n") == 2
        assert under.taken() == {"run": 2}


async def test_eight_times_a_hundred_increments(tmp_path: Path):
    async with opened(tmp_path / "a.db") as store:

        async def count() -> None:
            for _ in range(100):
                await store.thread("t").state.increment("n")

        await AsyncTasks.together(*[count] * 8)
        assert await store.thread("t").state.get("n") == 800
