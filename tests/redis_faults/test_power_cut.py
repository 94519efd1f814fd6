"""The power fails under load: what a server has acknowledged and what its disk has afterwards.

The server's folder is on the file system of `tests/faults/lossy_fs.py`, which loses what was not synced
and kills the server at the same moment, so that it acknowledges nothing after the cut.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from tests.faults.disk import Cut
from tests.faults.mount import LossyMount
from tests.races.figures import Say
from tests.redis_faults.calls import Ledger
from tests.redis_faults.load import Load
from tests.redis_faults.verify import Verdict, verify
from tests.servers.redis import RedisServer

FLOOR = 100  # a cut does not count with fewer calls acknowledged since the last one
EVERYSEC, ALWAYS = "everysec", "always"
LONG = [pytest.mark.long, pytest.mark.timeout(600)]


@dataclass(frozen=True)
class Way:
    """How a server is run and used; the cut comes at a random one of `later` requests to its disk."""

    server: str
    appendfsync: str
    durable: bool = False
    callers: int = 6
    later: int = 400
    timeout: int = 1


SAFE = {
    "always": Way("valkey9", ALWAYS),
    "durable on everysec": Way("redis8", EVERYSEC, durable=True, callers=100, later=4, timeout=3),
}
UNSAFE = Way("valkey9", EVERYSEC)


def cut_power(folder: Path, way: Way, random: Random) -> tuple[Ledger, Path, float]:
    """Cut the power under load; returns what callers were told, what is left on disk, and when it was."""
    image = folder / "image"
    with (
        LossyMount(folder / "mounted", folder / "empty") as mount,
        server_on(mount.path, way) as server,
    ):
        url = f"redis://127.0.0.1:{server.port}?timeout={way.timeout}"
        with Load(url, random, durable=way.durable, callers=way.callers) as load:
            load.more(FLOOR)
            later = random.randrange(way.later)
            mount.order_cut(Cut.DROP, random.getrandbits(32), image, later, kill=server.pid)
            mount.await_cut()
            taken = time.monotonic()
            return load.stop(), image, taken


@contextmanager
def server_on(folder: Path, way: Way) -> Iterator[RedisServer]:
    """Run a server that keeps its data in a folder without folders in it."""
    config = {"appendonly": "yes", "appendfsync": way.appendfsync, "appenddirname": "."}
    server = RedisServer(way.server, config=config)
    server.data = folder
    try:
        yield server.start()
    finally:
        server.close()


def cut_and_verify(folder: Path, way: Way, random: Random, *, strict: bool) -> Verdict:
    ledger, image, taken = cut_power(folder, way, random)
    with server_on(image, way) as server:
        return verify(server.url, ledger, taken=None if strict else taken)


@pytest.mark.usefixtures("fuse")
@pytest.mark.parametrize("name", SAFE)
@pytest.mark.parametrize("cuts", [1, pytest.param(20, marks=LONG)])
def test_a_power_cut_loses_nothing(
    tmp_path: Path, name: str, cuts: int, random: Random, say: Say
) -> None:
    for number in range(cuts):
        verdict = cut_and_verify(tmp_path / str(number), SAFE[name], random, strict=True)
        say(f"{name}: {verdict}")
        assert verdict.wrong == []
        assert verdict.done >= FLOOR
        assert verdict.lost == 0


@pytest.mark.usefixtures("fuse")
@pytest.mark.parametrize("cuts", [1, pytest.param(20, marks=LONG)])
def test_a_power_cut_at_everysec_loses_the_last_calls(
    tmp_path: Path, cuts: int, random: Random, say: Say
) -> None:
    """The control: what the tests above would find if they did not wait for the disk."""
    for number in range(cuts):
        verdict = cut_and_verify(tmp_path / str(number), UNSAFE, random, strict=False)
        say(str(verdict))
        assert verdict.wrong == []
        assert verdict.lost > 0, "nothing was lost, so the other tests prove nothing"
