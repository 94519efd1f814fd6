"""One wrapping for both sides: it takes the wrapper of the engine's side."""

from __future__ import annotations

from types import CoroutineType
from typing import Any

import pytest

from tests.wrappers.raw import RING
from threadkeep import AsyncStore, Store
from threadkeep._async.drivers.memory import AsyncMemoryEngine
from threadkeep._async.wrappers.passing import AsyncPassing
from threadkeep._sync.drivers.memory import MemoryEngine
from threadkeep._sync.wrappers.passing import Passing
from threadkeep.errors import Forbidden, UsageError
from threadkeep.model.options import Limits
from threadkeep.ops.batch import Batch
from threadkeep.ops.reply import Reply
from threadkeep.wrapping import KeyRing, Wrapping, checksum, encrypt, readonly, timeout

ALL = {
    "encrypt": encrypt(RING),
    "checksum": checksum(),
    "timeout": timeout(5),
    "readonly": readonly(),
}


@pytest.mark.parametrize("name", ALL)
def test_the_side_of_the_engine(name: str):
    here = ALL[name](MemoryEngine(lambda: 1, Limits()))
    there = ALL[name](AsyncMemoryEngine(lambda: 1, Limits()))
    assert isinstance(here, Passing)
    assert isinstance(there, AsyncPassing)
    assert here.capabilities == there.capabilities


def test_an_async_engine_whose_run_is_no_coroutine_function():
    class Odd(AsyncPassing):
        def run(self, batch: Batch) -> CoroutineType[Any, Any, Reply]:
            return super().run(batch)

    odd = Odd(AsyncMemoryEngine(lambda: 1, Limits()))
    assert isinstance(checksum()(odd), AsyncPassing)


def test_all_of_them_around_a_store():
    wrap: list[Wrapping] = [checksum(), encrypt(RING), timeout(5)]
    with Store("memory://", wrap=wrap) as store:
        store.thread("t").state.set("a", 1)
        store.thread("t").messages.append("m")
        assert store.thread("t").state.increment("a") == 2
        assert store.thread("t").messages.list() == ["m"]


@pytest.mark.anyio
async def test_all_of_them_around_an_async_store():
    engine = AsyncMemoryEngine(lambda: 1, Limits())
    wrap: list[Wrapping] = [checksum(), encrypt(RING), timeout(5)]
    async with AsyncStore(engine=engine, wrap=wrap) as store:
        await store.thread("t").state.set("a", 1)
        changes = store.thread("t").watch()
        assert await store.thread("t").state.increment("a") == 2
        await changes.aclose()  # type: ignore[attr-defined] # pyright: ignore[reportAttributeAccessIssue] - a generator
    async with AsyncStore(engine=engine, wrap=[*wrap, readonly()]) as store:
        assert await store.thread("t").state.get("a") == 2
        with pytest.raises(Forbidden):
            await store.thread("t").state.set("a", 1)


def test_watching_passes_through():
    engine = encrypt(RING)(MemoryEngine(lambda: 1, Limits()))
    with Store(engine=engine) as store:
        changes = store.thread("t").watch()
        store.thread("t").state.set("a", 1)
        changes.close()  # type: ignore[attr-defined] # pyright: ignore[reportAttributeAccessIssue] - a generator
        seen = engine.watch(store.thread("t")._scope.ref)
        assert next(seen) == 1


def test_a_ring_that_is_none():
    for wrong in ("k=key", {"k": b"1" * 32}, None, KeyRing):
        with pytest.raises(UsageError, match="KeyRing"):
            encrypt(wrong)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - what is tested
