"""Sentinels that name another primary while it is written to."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator

import pytest

from tests.redis.sides import at_once, connected
from tests.servers.sentinel import Watched, role
from tests.servers.waiting import eventually
from threadkeep.errors import Unavailable, UsageError


@pytest.fixture(scope="module")
def watched() -> Iterator[Watched]:
    with Watched(password="pw") as watched:
        yield watched


def url(watched: Watched) -> str:
    return f"{watched.url}/1?timeout=2"


BOTH = pytest.mark.parametrize("kind", ["tasks", "threads"])


@BOTH
def test_the_primary_that_the_sentinels_name(watched: Watched, kind: str) -> None:
    side = connected(kind, url(watched))
    ((_, port),) = side.everywhere(("CONFIG", "GET", "port"))
    assert int(port) == watched.primary().port
    side.close()


@BOTH
def test_a_service_that_nobody_knows(watched: Watched, kind: str) -> None:
    with pytest.raises(UsageError, match="no sentinel knows the service 'other'"):
        connected(kind, url(watched).replace("/main/", "/other/"))


@BOTH
def test_a_sentinel_that_is_away(watched: Watched, kind: str) -> None:
    side = connected(kind, url(watched).replace("@", "@127.0.0.1:1,"))
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
    side = connected(kind, url(watched))
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
        if end == "kill":
            watched.kill()
        else:
            old.send(signal.SIGSTOP)
            eventually(lambda: role(new) == "master", "promoted")

    failing = threading.Thread(target=fail_over)
    failing.start()
    found = at_once(8, work)
    failing.join()
    assert all(isinstance(one, int) for one in found), found
    if end == "kill":
        assert heard.acquire(timeout=20)  # subscribed anew
        assert side.call(0, [("PUBLISH", "ch", "x")], again=True) == [1]
        assert heard.acquire(timeout=10)
        watched.restore()
    else:
        old.send(signal.SIGCONT)
        watched.settle()
    assert side.call(0, [("SET", "n", 1)], again=False) == [b"OK"]
    assert new.client(db=1).get("n") == b"1"
    side.close()
