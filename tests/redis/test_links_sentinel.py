"""Sentinels that name another primary while it is written to."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.redis.running import Running, eventually
from tests.redis.sides import at_once, connected
from threadkeep.errors import Unavailable, UsageError


class Watched:
    """A primary, its replica and two sentinels."""

    def __init__(self, folder: Path) -> None:
        words = ("--save", "", "--appendonly", "yes", "--requirepass", "pw", "--masterauth", "pw")
        self.servers = [Running(folder / f"server{n}", *words) for n in range(2)]
        self.sentinels: list[Running] = []
        self.folder = folder

    def start(self) -> Watched:
        for server in self.servers:
            server.start(ready=False)
        first, second = self.servers
        eventually(lambda: self.client(second).replicaof("127.0.0.1", str(first.port)), "replica")
        up = "master_link_status"
        eventually(lambda: self.client(second).info("replication")[up] == "up", "in step")
        for number in range(2):
            folder = self.folder / f"sentinel{number}"
            folder.mkdir()
            (folder / "s.conf").write_text(
                f"sentinel monitor main 127.0.0.1 {first.port} 2\n"
                "sentinel auth-pass main pw\n"
                "sentinel down-after-milliseconds main 800\n"
                "sentinel failover-timeout main 1000\n"
            )
            sentinel = Running(folder, str(folder / "s.conf"), "--sentinel")
            self.sentinels.append(sentinel.start())
        for sentinel in self.sentinels:
            eventually(lambda s=sentinel: self._knows_all(s), "the sentinels know each other")
        return self

    def _knows_all(self, sentinel: Running) -> bool:
        found = self.told(sentinel)
        return found["num-slaves"] == 1 and found["num-other-sentinels"] == 1

    def told(self, sentinel: Running) -> dict[str, Any]:
        """Return what a sentinel knows of the primary."""
        found: Any = sentinel.client().sentinel_masters()
        return next(iter(found.values()))

    def client(self, server: Running) -> redis.Redis:
        return redis.Redis(port=server.port, password="pw", protocol=2)

    def primary(self) -> Running:
        for server in self.servers:
            try:
                if self.client(server).role()[0] in {b"master", "master"}:
                    return server
            except redis.RedisError:
                continue
        raise redis.ConnectionError("there is no primary")

    @property
    def url(self) -> str:
        hosts = ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in self.sentinels)
        return f"redis+sentinel://:pw@{hosts}/main/1?timeout=2"

    def stop(self) -> None:
        for one in [*self.sentinels, *self.servers]:
            one.stop()


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    watched = Watched(tmp_path_factory.mktemp("watched"))
    try:
        yield watched.start()
    finally:
        watched.stop()


BOTH = pytest.mark.parametrize("kind", ["tasks", "threads"])


@BOTH
def test_the_primary_that_the_sentinels_name(watched: Watched, kind: str) -> None:
    side = connected(kind, watched.url)
    ((_, port),) = side.everywhere(("CONFIG", "GET", "port"))
    assert int(port) == watched.primary().port
    side.close()


@BOTH
def test_a_service_that_nobody_knows(watched: Watched, kind: str) -> None:
    with pytest.raises(UsageError, match="no sentinel knows the service 'other'"):
        connected(kind, watched.url.replace("/main/", "/other/"))


@BOTH
def test_a_sentinel_that_is_away(watched: Watched, kind: str) -> None:
    side = connected(kind, watched.url.replace("@", "@127.0.0.1:1,"))
    assert side.call(0, [("PING",)], again=True) == [b"PONG"]
    side.close()
    with pytest.raises(Unavailable, match=r"no sentinel could be asked \(127.0.0.1:1: "):
        connected(kind, "redis+sentinel://127.0.0.1:1/main")


@BOTH
def test_something_that_is_no_sentinel(watched: Watched, kind: str) -> None:
    port = watched.sentinels[0].port
    with pytest.raises(UsageError, match=r"is a sentinel; write \+sentinel"):
        connected(kind, f"redis://127.0.0.1:{port}")


@BOTH
@pytest.mark.parametrize("end", ["kill", pytest.param("freeze", marks=pytest.mark.long)])
def test_a_failover_under_load(watched: Watched, kind: str, end: str) -> None:
    side = connected(kind, watched.url)
    old = watched.primary()
    (new,) = (server for server in watched.servers if server is not old)
    side.call(0, [("SET", "n", 0)], again=False)
    heard = threading.Semaphore(0)

    def listen() -> None:
        for _ in side.listen(0, b"ch"):
            heard.release()

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    assert heard.acquire(timeout=10)
    stop = time.monotonic() + 5

    def work(number: int) -> int:
        turns = 0
        while time.monotonic() < stop or turns < 3:
            try:
                side.call(0, [("SET", f"k{number}", turns)], again=True)
                turns += 1
            except Unavailable:
                assert end == "freeze"  # a killed server is waited for, a silent one times out
        return turns

    def fail_over() -> None:
        time.sleep(0.5)
        old.kill() if end == "kill" else old.send(signal.SIGSTOP)
        eventually(lambda: watched.client(new).role()[0] in {b"master", "master"}, "promoted", 20)

    failing = threading.Thread(target=fail_over)
    failing.start()
    found = at_once(8, work)
    failing.join()
    assert all(isinstance(one, int) for one in found), found
    if end == "kill":
        assert heard.acquire(timeout=20)  # subscribed anew
        assert side.call(0, [("PUBLISH", "ch", "x")], again=True) == [1]
        assert heard.acquire(timeout=10)
        old.start(ready=False)
    else:
        old.send(signal.SIGCONT)
    assert side.call(0, [("SET", "n", 1)], again=False) == [b"OK"]
    client = redis.Redis(port=new.port, password="pw", db=1)
    assert client.get("n") == b"1"
    state = "master_link_status"
    eventually(
        lambda: watched.client(old).info("replication").get(state) == "up", "a replica again", 30
    )
    for sentinel in watched.sentinels:
        eventually(
            lambda s=sentinel: watched.told(s)["flags"] == "master",
            "the sentinels are content",
            30,
        )
    side.close()
