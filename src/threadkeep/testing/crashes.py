"""kill -9 of a process that writes: what was acknowledged stands, and no batch stands by half.

    check_crashes("myengine://host/db", seed=7)

For engines whose capability `processes` holds. The seed decides the moments of the kills; print it
with a failure. Run as a program this is the process that is killed: its callers write numbered
batches, each with two fields and two messages of one thread, and say so after each acknowledgement.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import subprocess
import sys
import threading
from collections import defaultdict
from random import Random
from typing import Literal

import msgspec

from threadkeep._async.store import AsyncStore
from threadkeep._sync.store import Store
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch
from threadkeep.ops.ops import Append, Get, Read, Set
from threadkeep.ops.reply import Fields, Items
from threadkeep.testing.processes import module_environment
from threadkeep.testing.races_crew import AnyStore, drive, settle, together

Mode = Literal["async", "sync"]
MAP, LOG, FIELDS, HALVES = "crash", "crash", ("left", "right"), (b"a", b"b")
LATER = 0.1  # seconds: a kill comes at a random moment after its load is reached


class CrashError(AssertionError):
    """Something acknowledged is missing, something is there by half, or the writer ended by itself."""


class Victim(msgspec.Struct, frozen=True, kw_only=True):
    """The process to kill. `early`: it acknowledges before it writes, which must be found out."""

    url: str
    mode: Mode = "async"
    callers: int = 8
    early: bool = False


class Crashes(msgspec.Struct, frozen=True):
    """What was survived: how many kills and how many acknowledged batches before them."""

    kills: int
    acknowledged: int


def check_crashes(victim: Victim, *, seed: int, kills: int = 5, load: int = 100) -> Crashes:
    """Kill one writer after another on one store and verify after each.

    A kill comes when `load` batches were acknowledged since the last one, so none hits an idle
    process. Raises CrashError with what is wrong.
    """
    random = Random(seed)  # noqa: S311 - no secret
    acknowledged: dict[int, int] = defaultdict(int)
    for kill in range(kills):
        _kill_one(victim, acknowledged, load, random.random() * LATER)
        with Store(victim.url) as store:
            for who in range(victim.callers):
                _verify(store, who, acknowledged[who], f"kill {kill + 1} of seed {seed}")
    return Crashes(kills, sum(acknowledged.values()))


def _kill_one(victim: Victim, acknowledged: dict[int, int], load: int, later: float) -> None:
    """Run a writer until it has written its load, then kill it; note what it acknowledged."""
    command = [sys.executable, "-m", __name__, msgspec.json.encode(victim).decode()]
    process = subprocess.Popen(  # noqa: S603 - arguments are our own
        command, stdout=subprocess.PIPE, env=module_environment()
    )
    assert process.stdout is not None  # noqa: S101 - a pipe was asked for
    timer: threading.Timer | None = None
    count = 0
    for line in process.stdout:
        if not line.endswith(b"\n"):
            break
        who, number = map(int, line.split())
        acknowledged[who] = max(acknowledged[who], number)
        count += 1
        if count == load:
            timer = threading.Timer(later, process.kill)
            timer.start()
    process.kill()
    process.wait()
    process.stdout.close()
    if timer is None:
        raise CrashError(f"the writer ended after {count} of {load} batches")
    timer.cancel()


def _verify(store: Store, who: int, acknowledged: int, after: str) -> None:
    """Hold what stands of one caller against what was acknowledged to it."""
    reply = store.ready().run(Batch(_ref(who), (Get(MAP, renew=False), Read(LOG))))
    fields, items = reply.results
    if not isinstance(fields, Fields) or not isinstance(items, Items):
        raise CrashError(f"{after}: the batch of a caller cannot be read")
    numbers = {int(fields.fields[name].value) for name in FIELDS if name in fields.fields}
    written = max(numbers, default=0)
    if numbers and (len(numbers) > 1 or len(fields.fields) < len(FIELDS)):
        raise CrashError(f"{after}: the fields of caller {who} stand by half, at {numbers}")
    found = [item.value for item in items.items]
    if found != [value for n in range(1, written + 1) for value in _messages(n)]:
        raise CrashError(f"{after}: caller {who} has {len(found)} messages of {written} batches")
    if not acknowledged <= written <= acknowledged + 1:
        told = f"batch {acknowledged} of caller {who} was the last acknowledged"
        raise CrashError(f"{after}: {told}, {written} is the last that stands")


def _ref(who: int) -> Ref:
    return Ref("default", "thread", f"crash-{who}")


def _messages(number: int) -> tuple[bytes, ...]:
    return tuple(b"%d%s" % (number, half) for half in HALVES)


def _batch(who: int, number: int) -> Batch:
    digits = b"%d" % number
    ops = (Set(MAP, dict.fromkeys(FIELDS, digits)), Append(LOG, _messages(number)))
    return Batch(_ref(who), ops)


async def _write(store: AnyStore, who: int, *, early: bool) -> None:
    """Write batches until killed."""
    engine = await settle(store.ready())
    reply = await settle(engine.run(Batch(_ref(who), (Get(MAP, FIELDS[:1], renew=False),))))
    found = reply.results[0]
    last = found.fields.get(FIELDS[0]) if isinstance(found, Fields) else None
    for number in itertools.count(int(last.value) + 1 if last else 1):
        said = b"%d %d\n" % (who, number)
        if early:
            os.write(1, said)
        await settle(engine.run(_batch(who, number)))
        if not early:
            os.write(1, said)


async def _write_all(store: AnyStore, victim: Victim) -> None:
    async def one(who: int) -> None:
        await _write(store, who, early=victim.early)

    await together(store, one, range(victim.callers))


async def _be_killed(victim: Victim) -> None:
    async with AsyncStore(victim.url) as store:
        await _write_all(store, victim)


def main(argument: str) -> None:
    """Be the process that is killed."""
    victim = msgspec.json.decode(argument, type=Victim)
    if victim.mode == "async":
        asyncio.run(_be_killed(victim))
    else:
        with Store(victim.url) as store:
            drive(_write_all(store, victim))


if __name__ == "__main__":
    main(sys.argv[1])
