"""`threadkeep copy` from each kind of store to each other: counts, hashes, kills, progress."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from typing import Any

import pytest

from tests.cli.contents import contents
from tests.copy.places import PAIRS, ROUND, Places
from tests.races.figures import Say
from threadkeep import Store

FEW, MANY = 300, 100_000
# dies, as by `kill -9`, before the n-th write to the target
KILLER = """
import os, signal, sys
from threadkeep._async.scope import AsyncScope
from threadkeep.cli import main
left, write = int(sys.argv.pop(1)), AsyncScope.write
async def dying(self, plan):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return await write(self, plan)
AsyncScope.write = dying
sys.exit(main(sys.argv[1:]))
"""
# tells how far it is at each step, and not every ten seconds
TELLER = """
import sys
from threadkeep.cli import main, progress
progress.LINES = 0
sys.exit(main(sys.argv[1:]))
"""


def _copy(source: str, target: str, env: dict[str, str], code: str = "", *first: str) -> Any:
    begin = ["-c", code, *first] if code else ["-m", "threadkeep"]
    done = subprocess.run(
        [sys.executable, *begin, "copy", source, target, "--json"],
        env=env, capture_output=True, text=True, timeout=3_000, check=False,
    )  # fmt: skip
    if done.returncode == -signal.SIGKILL:
        return None
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) | {"told": done.stderr}


def _same(source: str, target: str) -> bool:
    with Store(source) as one, Store(target) as two:
        return contents(one) == contents(two)


@pytest.mark.parametrize(("kind", "other"), PAIRS)
def test_everything_is_copied_through_kills(
    kind: str, other: str, places: Places, filled: dict[str, str], environment: dict[str, str]
):
    """Killed with a part of it written, and half of a large thread; then run to its end."""
    source, target = filled[kind], places.url(other, f"from_{kind}")
    assert _copy(source, target, environment, KILLER, "8") is None
    found = _copy(source, target, environment)
    assert found["differences"] == []
    assert (found["entities"], found["items"]) == (7, 1_108)
    assert found["imported"] + found["resumed"] + found["same"] == 7
    assert found["same"] + found["resumed"] >= 1  # what was written before is not written again
    assert _same(source, target)


def test_some_hundred_threads_all_round(places: Places, environment: dict[str, str], say: Say):
    for kind, other in ROUND:
        source, target = places.filled(kind, FEW), places.url(other, f"few_{kind}")
        say(_copy_many(source, target, FEW, environment))


@pytest.mark.long
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize(("kind", "other"), PAIRS)
def test_a_hundred_thousand_threads(
    kind: str, other: str, places: Places, environment: dict[str, str], say: Say
):
    """Killed twice at any moment, then run to its end."""
    source, target = places.filled(kind, MANY), places.url(other, f"many_{kind}")
    for _ in range(2):
        _killed(source, target, environment)
    say(_copy_many(source, target, MANY, environment))


def _copy_many(source: str, target: str, threads: int, env: dict[str, str]) -> str:
    """Copy a store of many threads, compare both, and tell what it took."""
    began = time.monotonic()
    found = _copy(source, target, env, TELLER)
    took = time.monotonic() - began
    _counted(found, threads)
    assert f"copy: {threads:,}" in found["told"]
    assert f"compare: {threads:,} of {threads:,} entities" in found["told"]
    resumed = found["same"] + found["resumed"]
    _sampled(source, target, threads)
    return f"{threads:,} threads, {resumed:,} of them there before, {took:.0f} s"


def _counted(found: Any, threads: int) -> None:
    assert found["differences"] == []
    counts = [found[name] for name in ("entities", "fields", "items")]
    assert counts == [threads, 4 * threads, 2 * threads]


def _killed(source: str, target: str, env: dict[str, str]) -> None:
    """Begin a copy and kill it a while after it has begun to write."""
    words = [sys.executable, "-c", TELLER, "copy", source, target]
    with subprocess.Popen(words, env=env, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        assert process.stderr.readline()
        time.sleep(random.uniform(0.5, 6))
        process.kill()
    assert process.returncode == -signal.SIGKILL


def _sampled(source: str, target: str, threads: int) -> None:
    """Compare some threads by what a program sees of them."""
    with Store(source) as one, Store(target) as two:
        for number in random.Random(1).sample(range(threads), 50):
            here, there = (store.thread(f"thread-{number:06}") for store in (one, two))
            assert there.state.get_all() == here.state.get_all()
            assert there.messages.list() == here.messages.list()
            info, other = here.info(), there.info()
            assert info is not None
            assert other is not None
            assert (info.labels, info.messages) == (other.labels, other.messages)
