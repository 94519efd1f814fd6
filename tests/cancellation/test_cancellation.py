"""A cancellation at every await of every public call: it happened or not, and nothing is left behind."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cancellation import cases_caches
from tests.cancellation.case import Case
from tests.cancellation.cases import CASES, OLD, THREAD, fill
from tests.cancellation.interrupt import Interruption, When
from tests.cancellation.standing import (
    EMPTY,
    RUN_OUT,
    Content,
    content,
    open_files,
    other_tasks,
    threads,
    threads_left,
    visible,
)
from threadkeep import AsyncStore, UsageError
from threadkeep._async.lifecycle import AsyncThreadEvent
from threadkeep.concurrency.pace import AsyncPace
from threadkeep.model.caches import CacheOptions

RAM = Path("/dev/shm")
BEGIN = 1_800_000_000.0
LATER = BEGIN + 60  # the leases of OLD have run out
CLAIM = 120  # more seconds than an end is claimed for
MOST = 200  # suspensions of one call

AT_ONCE = CacheOptions(flush_seconds=0.01, wait_seconds=1)

Outcome = object


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is one: nothing here cuts the power."""
    with tempfile.TemporaryDirectory(dir=RAM if os.access(RAM, os.W_OK) else tmp_path) as name:
        yield Path(name)


@pytest.fixture(autouse=True)
def _always_give_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let inline reads give way at each call, so that each is an await to be cancelled at."""
    monkeypatch.setattr(AsyncPace, "due", lambda _: True)


class Trial:
    """One call on a copy of the same filled database, cancelled at its k-th suspension."""

    def __init__(self, case: Case, path: Path, told: list[str]) -> None:
        self.case, self.path, self.told = case, path, told
        self.others = threads()
        self.now = LATER
        self.store = self.open()

    def open(self) -> AsyncStore:
        store = AsyncStore(
            f"sqlite:///{self.path}?durability=normal", clock=lambda: self.now, caches=AT_ONCE
        )
        if self.case.told:
            store.on("thread.destroyed", self._hear)
        return store

    async def _hear(self, event: AsyncThreadEvent) -> None:
        assert await event.thread.state.size() > 0
        await asyncio.sleep(0)
        self.told.append(event.thread.id)

    async def run(self, interruption: Interruption) -> Outcome:
        interruption.install()
        if not self.case.cold:
            await self.store.ready()
        outcome = await interruption.cut(lambda: self.case.call(self.store))
        assert await other_tasks() == [], "a task is left"
        return outcome

    async def close(self) -> None:
        await self.store.aclose()
        assert await other_tasks() == [], "a task is left after the end"
        left = threads_left(self.others)
        assert not left, f"{left} still run after the end"
        assert open_files(self.path) == 0, "a connection is left after the end"


async def works(trial: Trial) -> None:
    """See that the store, or where it was closed another one, does what it did before."""
    if trial.case.ends:
        await trial.store.aclose()
        with pytest.raises(UsageError, match="closed"):
            await trial.store.thread(THREAD).state.get("a")
        trial.store = trial.open()
    store = trial.store
    if trial.case.told:
        trial.now += CLAIM  # a handler that was cut off is called again when the claim has run out
    hub = store._raw._core.hub  # pyright: ignore[reportAttributeAccessIssue] - of the SQLite driver
    assert not hub.watched, "somebody still watches"
    async with store.thread(THREAD).turn("reject", lease=1):  # nobody has it, nobody waits
        await store.thread(THREAD).state.set("after", 1)
    assert await store.thread(THREAD).state.get("after") == 1
    assert (await store.thread(THREAD).messages.append("x")).added == 1
    await cases_caches.is_free(store)
    await store.sweep()
    for name in OLD:  # no claim is left that would keep an ended thread
        left = await store.thread(name).state.get_all()
        assert left in ({}, {"again": 1}), f"{name} still stands"
    if trial.case.told:
        assert set(OLD) <= set(trial.told), "a handler was never told"


async def fresh(path: Path) -> Content:
    """Make the database that all trials begin with."""
    url = f"sqlite:///{path}?durability=normal"
    async with AsyncStore(url, clock=lambda: BEGIN, caches=AT_ONCE) as store:
        await fill(store)
    async with AsyncStore(url, clock=lambda: LATER) as store:
        return await content(store)


def judge(case: Case, found: Content, before: Content, after: Content) -> None:
    """See that each entity is as it was or as it is after the whole call.

    A call of several batches may also stop between two of them: what is not hidden is then as before or
    after, or its end has begun, which the next sweep
    completes, or has come.
    """
    for ref, stands in found.items():
        if case.steps:
            allowed = (visible(before[ref]), visible(after[ref]), RUN_OUT, EMPTY)
            assert visible(stands) in allowed, f"{ref} was changed by half"
        else:
            assert stands in (before[ref], after[ref]), f"{ref} was changed by half"


@pytest.mark.parametrize("when", When)
@pytest.mark.parametrize("name", CASES)
def test_cancelled_at_every_await(name: str, when: When, folder: Path):
    case = CASES[name]
    template = folder / "template.db"
    before = asyncio.run(fresh(template))

    async def whole() -> Content:
        trial = Trial(case, copy(template, folder / "whole.db"), [])
        assert not isinstance(await trial.run(Interruption(MOST, when)), BaseException)
        if case.ends:
            trial.store = trial.open()
        found = await content(trial.store)
        await trial.close()
        return found

    async def cut(at: int, path: Path) -> bool:
        trial = Trial(case, copy(template, path), [])
        interruption = Interruption(at, when)
        outcome = await trial.run(interruption)
        if not interruption.came:
            assert not isinstance(outcome, BaseException)
        if not case.ends:
            judge(case, await content(trial.store), before, after)
        await works(trial)
        await trial.close()
        return interruption.came

    after = asyncio.run(whole())
    for at in range(1, MOST):
        try:
            came = asyncio.run(cut(at, folder / f"{at}.db"))
        except BaseException as error:
            error.add_note(f"{name}, {when.value}, cancelled at suspension {at}")
            raise
        if not came:
            assert at > 1, "the call was never suspended, so nothing was tested"
            return
    pytest.fail("the call never ends")


def copy(template: Path, path: Path) -> Path:
    for suffix in ("", "-wal"):
        if Path(f"{template}{suffix}").exists():
            shutil.copyfile(f"{template}{suffix}", f"{path}{suffix}")
    return path
