"""Limits, each with its status and a JSON error."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Callable

import pytest

from tests.http.hosting import ON_BOTH
from tests.http.raw import Client
from threadkeep.server.settings import ServerLimits

pytestmark = ON_BOTH

SMALL = ServerLimits(body=1_000, path=200, headers=2_000, body_seconds=0.3, streams=1)
VALUES = "/v1/sessions/s/values"


@pytest.fixture
def small(served: Callable[..., Client]) -> Client:
    return served(limits=SMALL)


def test_sizes(small: Client):
    big = small("POST", VALUES, {"key": "k", "value": "x" * 1_000})
    assert (big.status, "1000" in big.error) == (413, True)
    assert small("GET", f"/v1/sessions/{'x' * 300}/values").status == 414
    assert small("GET", VALUES, None, X_Long="x" * 3_000).status == 431
    assert small("GET", VALUES).json == {"values": {}}


def _raw(small: Client, head: str, body: bytes) -> tuple[int, bytes]:
    """Send a request as it is, and nothing more."""
    with socket.create_connection(("127.0.0.1", small.port), timeout=20) as connection:
        start = f"POST {small.base}{VALUES} HTTP/1.1\r\nHost: x\r\n{head}\r\n"
        connection.sendall(start.encode() + body)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        found = answer.status, answer.read()
        answer.close()
        return found


def test_a_body_over_the_limit_without_a_length(small: Client):
    chunk = b"800\r\n" + b"x" * 0x800 + b"\r\n"
    status, body = _raw(small, "Transfer-Encoding: chunked\r\n", chunk)
    assert status == 413
    assert b'"error"' in body


def test_a_body_that_does_not_come(small: Client):
    status, body = _raw(small, "Content-Length: 100\r\n", b'{"key"')
    assert status == 408
    assert b"0.3 seconds" in body


@pytest.mark.parametrize("how", [socket.SHUT_WR, socket.SHUT_RDWR], ids=["half", "whole"])
def test_a_body_that_is_cut_off_writes_nothing(small: Client, how: int):
    body = b'{"key": "k", "value": 1}'
    for head in (f"Content-Length: {len(body) + 9}\r\n", "Transfer-Encoding: chunked\r\n"):
        content = body if "Length" in head else b"18\r\n" + body + b"\r\n"  # no last chunk
        with socket.create_connection(("127.0.0.1", small.port), timeout=20) as connection:
            start = f"POST {small.base}{VALUES} HTTP/1.1\r\nHost: x\r\n{head}\r\n"
            connection.sendall(start.encode() + content)
            connection.shutdown(how)
            if how == socket.SHUT_WR:
                told = connection.recv(1_000)
                assert told == b"" or b" 400 " in told.splitlines()[0]
    assert small("GET", VALUES).json == {"values": {}}


def test_many_slow_bodies_hinder_nobody(small: Client):
    start = f"POST {small.base}{VALUES} HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n"
    slow = [socket.create_connection(("127.0.0.1", small.port), timeout=20) for _ in range(100)]
    for connection in slow:
        connection.sendall(start.encode() + b"{")
    assert small("POST", VALUES, {"key": "k", "value": 1}).status == 204
    for connection in slow:
        assert b" 408 " in connection.recv(1_000).splitlines()[0]
        connection.close()


def test_streams(small: Client):
    first = http.client.HTTPConnection("127.0.0.1", small.port, timeout=20)
    first.request("GET", f"{small.base}/v1/threads/t/watch")
    answer = first.getresponse()
    assert answer.readline() == b": open\n"
    second = small.head_of("GET", "/v1/threads/t/watch")
    assert (second.status, second.headers["retry-after"]) == (503, "1")
    answer.close()
    first.close()


def test_browsers_of_other_origins_are_kept_out_unless_named(
    call: Client, served: Callable[..., Client]
):
    asked = {"Origin": "https://a.example", "Access_Control_Request_Method": "POST"}
    assert "access-control-allow-origin" not in call("GET", VALUES, None, **asked).headers
    named = served(cors=("https://a.example",))
    found = named("OPTIONS", VALUES, None, **asked, Access_Control_Request_Headers="x-api-key")
    assert found.headers["access-control-allow-origin"] == "https://a.example"
    other = asked | {"Origin": "https://b.example"}
    assert named("OPTIONS", VALUES, None, **other).status == 400
