"""Channels: who listens hears of every change, also of those around a lost connection."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator

import pytest

from tests.redis.sides import Side, Tasks, connected
from tests.servers.redis import RedisServer
from tests.servers.waiting import eventually


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with RedisServer("redis7") as server:
        yield server


@pytest.fixture(params=["tasks", "threads"])
def side(request: pytest.FixtureRequest, server: RedisServer) -> Iterator[Side]:
    side = connected(request.param, f"redis://127.0.0.1:{server.port}?client_name=tk")
    yield side
    side.close()


class Listener:
    """Counts what it hears, in a thread."""

    def __init__(self, side: Side, channel: bytes = b"ch") -> None:
        self._heard = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._listen, args=(side, channel), daemon=True)
        self._thread.start()

    def _listen(self, side: Side, channel: bytes) -> None:
        for _ in side.listen(0, channel):
            self._heard.release()

    def hears(self, seconds: float = 10) -> bool:
        return self._heard.acquire(timeout=seconds)

    def quiet(self) -> None:
        while self.hears(0.1):
            pass

    def ended(self) -> bool:
        self._thread.join(10)
        return not self._thread.is_alive()


def publish(server: RedisServer, channel: str = "ch") -> int:
    return server.client().publish(channel, "x")


def connections(server: RedisServer) -> int:
    return sum(c["name"] == "tk" for c in server.client().client_list())


def test_all_channels_share_one_connection(server: RedisServer, side: Side) -> None:
    listeners = [Listener(side, f"ch{number % 10}".encode()) for number in range(20)]
    assert all(listener.hears() for listener in listeners)
    for listener in listeners:
        listener.quiet()
    assert connections(server) == 2
    assert publish(server, "ch3") == 1
    assert listeners[3].hears()
    assert listeners[13].hears()
    assert not any(listeners[n].hears(0.05) for n in (4, 14))


def test_messages_at_once_come_as_few(server: RedisServer, side: Side) -> None:
    listener = Listener(side)
    assert listener.hears()
    client = server.client().pipeline()
    for _ in range(500):
        client.publish("ch", "x")
    client.execute()
    assert listener.hears()
    listener.quiet()
    publish(server)
    assert listener.hears()


def test_a_lost_connection_is_told(server: RedisServer, side: Side) -> None:
    listener = Listener(side)
    assert listener.hears()
    for _ in range(3):
        server.client().client_kill_filter(_type="pubsub")
        assert listener.hears()
        assert publish(server) == 1
        assert listener.hears()


def test_a_server_that_was_away(server: RedisServer, side: Side) -> None:
    listener = Listener(side)
    assert listener.hears()
    server.kill()
    server.start()
    assert listener.hears()
    eventually(lambda: publish(server) == 1, "subscribed")
    assert listener.hears()


def test_who_stops_listening_leaves_the_channel(server: RedisServer, side: Side) -> None:
    listening = side.listen(0, b"ch")
    next(listening)
    other = Listener(side, b"other")
    assert other.hears()
    if not isinstance(listening, Generator) or isinstance(side, Tasks):
        return  # of tasks in test_links_tasks
    listening.close()
    eventually(lambda: server.client().pubsub_numsub("ch") == [(b"ch", 0)], "unsubscribed")
    again = side.listen(0, b"ch")
    next(again)
    assert publish(server) == 1
    next(again)


def test_closing_ends_who_listens(server: RedisServer, side: Side) -> None:
    listeners = [Listener(side), Listener(side)]
    assert all(listener.hears() for listener in listeners)
    side.close()
    assert all(listener.ended() for listener in listeners)
    eventually(lambda: connections(server) == 0, "closed")
