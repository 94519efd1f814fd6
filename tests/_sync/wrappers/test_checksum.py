# Generated from tests/_async/wrappers/test_checksum.py by scripts/unasync. Do not edit.
"""Values with a checksum: whatever changed or moved in the file is said to be broken, and where."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.wrappers.raw import RING, field, item, put_field, put_item, sql, url
from threadkeep._sync.drivers.memory import MemoryEngine
from threadkeep._sync.store import Store
from threadkeep.errors import CodecError
from threadkeep.model.options import Limits
from threadkeep.testing.tasks import Tasks
from threadkeep.testing.trips import Trips
from threadkeep.wrapping import checksum, encrypt


def opened(path: Path) -> Store:
    return Store(url(path), wrap=[checksum()])


class TestDamage:
    def test_every_bit_of_a_field(self, tmp_path: Path):
        path = tmp_path / "a.db"
        lenient = Store(url(path), wrap=[checksum(allow_unchecked=True)])
        with opened(path) as store, lenient:
            store.thread("t").state.set("a", "value")
            whole = field(path, "a")
            assert whole.endswith(b'j"value"')
            for bit in range(len(whole) * 8):
                changed = bytearray(whole)
                changed[bit // 8] ^= 1 << bit % 8
                put_field(path, "a", bytes(changed))
                for each in (store, lenient):
                    with pytest.raises(CodecError, match=r"field 'a'.* of thread 't' in namespace"):
                        each.thread("t").state.get("a")
            for end in range(len(whole)):
                put_field(path, "a", whole[:end])
                with pytest.raises(CodecError):
                    store.thread("t").state.get("a")
            put_field(path, "a", whole)
            assert store.thread("t").state.get("a") == "value"

    def test_every_bit_of_a_message(self, tmp_path: Path):
        path = tmp_path / "a.db"
        with opened(path) as store:
            store.thread("t").messages.append("one", "two")
            whole = item(path, 2)
            for bit in range(len(whole) * 8):
                changed = bytearray(whole)
                changed[bit // 8] ^= 1 << bit % 8
                put_item(path, 2, bytes(changed))
                with pytest.raises(CodecError, match="item 2 of log 'messages' of thread 't'"):
                    store.thread("t").messages.list()
            put_item(path, 2, whole)
            assert store.thread("t").messages.list() == ["one", "two"]

    def test_values_in_the_wrong_place(self, tmp_path: Path):
        path = tmp_path / "a.db"
        with opened(path) as store:
            store.thread("t").state.update({"a": 1, "b": 2})
            store.thread("t").messages.append("m")
            put_field(path, "a", field(path, "b"))
            with pytest.raises(CodecError, match=r"field 'a'.*moved in storage"):
                store.thread("t").state.get("a")
            sql(path, "update tk_entity set id = 'u'")
            with pytest.raises(CodecError, match="thread 'u'"):
                store.thread("u").state.get("b")
            with pytest.raises(CodecError, match="thread 'u'"):
                store.thread("u").messages.list()

    def test_a_value_without_a_checksum(self, tmp_path: Path):
        path = tmp_path / "a.db"
        with Store(url(path)) as store:
            store.thread("t").state.set("a", 1)
        with opened(path) as store:
            with pytest.raises(CodecError, match="has no checksum"):
                store.thread("t").state.get("a")
        with Store(url(path), wrap=[checksum(allow_unchecked=True)]) as store:
            assert store.thread("t").state.increment("a") == 2
        with opened(path) as store:
            assert store.thread("t").state.get("a") == 2

    def test_under_encryption(self, tmp_path: Path):
        path = tmp_path / "a.db"
        with Store(url(path), wrap=[checksum(), encrypt(RING)]) as store:
            store.thread("t").state.set("a", "value")
            assert field(path, "a")[:1] == b"C"
            assert field(path, "a")[5:6] == b"E"
            assert store.thread("t").state.get("a") == "value"


def test_appending_costs_no_trip_more_and_counting_one():
    under = Trips(MemoryEngine(lambda: 1, Limits()))
    with Store(engine=checksum()(under)) as store:
        thread = store.thread("t")
        for items in (["a"], [{"id": "m1"}, {"id": "m2"}], [{"id": "m1"}, {"id": "m3"}, "b"]):
            thread.messages.append(*items)
            assert under.taken() == {"run": 1}
        thread.state.set("n", 1)
        under.taken()
        assert thread.state.increment("n") == 2
        assert under.taken() == {"run": 2}


def test_eight_times_a_hundred_increments(tmp_path: Path):
    with opened(tmp_path / "a.db") as store:

        def count() -> None:
            for _ in range(100):
                store.thread("t").state.increment("n")

        Tasks.together(*[count] * 8)
        assert store.thread("t").state.get("n") == 800
