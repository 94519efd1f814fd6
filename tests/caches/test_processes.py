"""Single flight over processes: one of them calls, and when it is killed another one does."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.caches.caller import ARGS, CLAIM_SECONDS
from tests.servers.waiting import eventually
from threadkeep import CacheOptions, Store
from threadkeep.testing.processes import module_environment

Process = subprocess.Popen[str]
SECONDS = 60


@pytest.fixture(params=["sqlite", "redis7_url"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/shared.db"
    return request.getfixturevalue(request.param)


@pytest.fixture
def namespace() -> str:
    return f"flights-{os.urandom(6).hex()}"


@contextmanager
def callers(
    url: str, namespace: str, log: Path, how: str, *, processes: int = 1, each: int = 1
) -> Iterator[list[Process]]:
    """Start processes and return when all are connected; they end with the block."""
    command = [sys.executable, "-m", "tests.caches.caller", url, namespace, str(log), str(each)]
    running = [
        subprocess.Popen(
            [*command, how],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=module_environment(),
        )
        for _ in range(processes)
    ]
    try:
        for process in running:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        yield running
    finally:
        for process in running:
            process.kill()
            process.communicate()


def test_fifty_over_processes_are_one_call(url: str, namespace: str, tmp_path: Path):
    log = tmp_path / "calls"
    with callers(url, namespace, log, "works", processes=4, each=13) as running:
        for process in running:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        results = [process.communicate(timeout=SECONDS)[0].split("\n") for process in running]
    assert [line for lines in results for line in lines if line] == ["sunny in Sofia"] * 52
    assert len(log.read_text().splitlines()) == 1
    with Store(url, namespace=namespace) as store:
        counts = store.stats().tools.by_name["weather"]
        assert (counts.misses, counts.hits, counts.stores) == (1, 51, 1)


def test_the_claim_of_a_killed_process_runs_out(url: str, namespace: str, tmp_path: Path):
    log = tmp_path / "calls"
    options = CacheOptions(claim_seconds=CLAIM_SECONDS)
    with callers(url, namespace, log, "hangs") as (process,):
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
        with Store(url, namespace=namespace, caches=options) as store:
            held = CacheOptions(wait_seconds=0.05)
            with Store(url, namespace=namespace, caches=held) as impatient:
                eventually(log.exists, "the call of the other process")
                assert (
                    impatient.tools.run("weather", ARGS, lambda: "for me alone") == "for me alone"
                )
            process.kill()
            assert store.tools.run("weather", ARGS, lambda: "rainy") == "rainy"
            assert store.tools.check("weather", ARGS).response == "rainy"
