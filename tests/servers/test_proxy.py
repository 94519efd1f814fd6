"""The proxy passes, delays, stalls, cuts and counts."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from tests.servers.proxy import Proxy
from tests.servers.redis import RedisServer

PING, PONG = b"PING\r\n", b"+PONG\r\n"


@pytest.fixture
def proxy(redis7: RedisServer) -> Iterator[Proxy]:
    with Proxy(redis7.port) as proxy:
        yield proxy


def connect(proxy: Proxy, timeout: float = 10) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=timeout)


def test_it_passes_and_counts(proxy: Proxy) -> None:
    with connect(proxy) as link:
        for _ in range(3):
            link.sendall(PING)
            assert link.recv(100) == PONG
        counts = proxy.counts
        assert (counts.connections, counts.packets_up, counts.packets_down) == (1, 3, 3)
        assert (counts.bytes_up, counts.bytes_down) == (3 * len(PING), 3 * len(PONG))
        proxy.reset()
        assert proxy.counts.bytes_up == 0


def test_a_delay_goes_for_each_way_and_does_not_add_up(proxy: Proxy) -> None:
    proxy.delay = 0.05
    with connect(proxy) as link:
        begun = time.monotonic()
        for _ in range(10):
            link.sendall(PING)
        got = b""
        while len(got) < 10 * len(PONG):
            got += link.recv(1000)
        assert 0.1 <= time.monotonic() - begun < 0.5


def test_stalled_nothing_passes_and_connections_stay(proxy: Proxy) -> None:
    with connect(proxy, 0.05) as link:
        proxy.stall("down")
        link.sendall(PING)
        with pytest.raises(TimeoutError):
            link.recv(100)
        assert proxy.counts.packets_up == 1
        proxy.resume()
        link.settimeout(10)
        assert link.recv(100) == PONG


def test_cut_connections_end_and_new_ones_are_taken(proxy: Proxy) -> None:
    with connect(proxy) as link, connect(proxy) as other:
        for one in (link, other):
            one.sendall(PING)
            assert one.recv(100) == PONG
        proxy.cut()
        assert link.recv(100) == other.recv(100) == b""
    with connect(proxy) as link:
        link.sendall(PING)
        assert link.recv(100) == PONG


def test_an_answer_is_lost_in_its_middle(proxy: Proxy, redis7: RedisServer) -> None:
    proxy.cut_after("down", 2)
    with connect(proxy) as link:
        link.sendall(b"SET proxied 1\r\n")
        assert link.recv(100) + link.recv(100) == b"+O"
    assert redis7.client().get("proxied") == b"1"  # the server did it


def test_refused_connections_end_at_once(proxy: Proxy) -> None:
    proxy.refuse()
    with connect(proxy) as link:
        assert link.recv(100) == b""
    proxy.resume()
    with connect(proxy) as link:
        link.sendall(PING)
        assert link.recv(100) == PONG
