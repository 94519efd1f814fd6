"""Ways to a server: TLS, unix sockets, and the clients that a program has already."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
import redis.asyncio
import redis.asyncio.sentinel
import redis.sentinel
import valkey
import valkey.asyncio

from tests.redis.sides import Tasks, at_once, connected
from tests.servers.redis import RedisServer
from tests.servers.tls import Certificates
from threadkeep.engines.redis.links import AsyncNodes, Nodes
from threadkeep.engines.redis.links.client import settings_from
from threadkeep.engines.redis.links.slots import Address
from threadkeep.errors import Unavailable, UsageError

BOTH = pytest.mark.parametrize("kind", ["tasks", "threads"])


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def secure(keys: Certificates) -> Iterator[RedisServer]:
    """A server that speaks TLS only and asks its clients for a certificate."""
    with RedisServer("redis7", tls=keys) as server:
        yield server


@pytest.fixture(scope="module")
def plain() -> Iterator[RedisServer]:
    with RedisServer("redis7", password="pw", unix=True) as server:
        yield server


@BOTH
def test_tls(secure: RedisServer, kind: str) -> None:
    side = connected(kind, secure.url)
    value = bytes(range(256)) * 10_000

    def work(number: int) -> None:
        for turn in range(20):
            said = f"{number}:{turn}".encode()
            assert side.call(0, [("ECHO", said)], again=False) == [said]
            if turn % 10 == 0:
                answer = side.call(
                    0, [("SET", f"k{number}", value), ("GET", f"k{number}")], again=True
                )
                assert answer == [b"OK", value]

    assert at_once(32, work) == [None] * 32
    side.close()


@BOTH
def test_a_certificate_that_does_not_fit(
    secure: RedisServer, keys: Certificates, kind: str
) -> None:
    there = f"rediss://127.0.0.1:{secure.port}?{keys.query()}"
    with pytest.raises(Unavailable, match="certificate verify failed"):
        connected(kind, there)
    with pytest.raises(Unavailable, match="certificate verify failed"):
        connected(kind, f"rediss://localhost:{secure.port}")
    with pytest.raises(UsageError, match="cannot be used"):
        connected(kind, f"rediss://localhost:{secure.port}?ssl_ca_certs=/nosuch")
    with pytest.raises(Unavailable):  # it asks for ours
        connected(kind, f"rediss://localhost:{secure.port}?ssl_ca_certs={keys.ca}")
    connected(kind, f"{there}&ssl_check_hostname=false").close()
    connected(kind, f"{there}&ssl_cert_reqs=none").close()


@BOTH
def test_tls_to_a_server_without_it(plain: RedisServer, kind: str) -> None:
    with pytest.raises(Unavailable, match="did not take the connection"):
        connected(kind, f"rediss://localhost:{plain.port}?connect_timeout=0.5")


@BOTH
def test_a_unix_socket(plain: RedisServer, kind: str) -> None:
    side = connected(kind, f"redis+unix://:pw@{plain.socket}?db=3")
    side.call(0, [("SET", "a", kind)], again=False)
    assert side.call(0, [("GET", "a")], again=False) == [kind.encode()]
    side.close()


@BOTH
def test_a_database_that_does_not_exist(plain: RedisServer, kind: str) -> None:
    with pytest.raises(UsageError, match="no such database"):
        connected(kind, f"redis://:pw@127.0.0.1:{plain.port}/99")


@BOTH
def test_something_that_is_no_redis(kind: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            end, _ = listener.accept()
            with end:
                end.recv(100)
                end.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(Unavailable, match="cannot connect"):
            connected(kind, f"redis://127.0.0.1:{listener.getsockname()[1]}?timeout=1")
        thread.join()


ASYNC: list[Callable[..., Any]] = [redis.asyncio.Redis, valkey.asyncio.Valkey]
BLOCKING: list[Callable[..., Any]] = [redis.Redis, valkey.Valkey]


@pytest.mark.parametrize("decoded", [False, True])
@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize("make", [*ASYNC, *BLOCKING])
def test_a_client(
    make: Callable[..., Any], protocol: int, decoded: bool, plain: RedisServer
) -> None:
    client = make(
        port=plain.port,
        password="pw",
        db=2,
        client_name="mine",
        protocol=protocol,
        decode_responses=decoded,
    )
    if make in ASYNC:
        side: Any = Tasks(AsyncNodes.from_client(client))
    else:
        side = Nodes.from_client(client)
    side.open()
    side.call(0, [("HSET", "h", "a", 1, "b", 2)], again=False)
    commands: list[Any] = [("CLIENT", "GETNAME"), ("HGETALL", "h"), ("CONFIG", "GET", "port")]
    name, fields, config = side.call(0, commands, again=False)
    assert name == b"mine"
    assert fields == [b"a", b"1", b"b", b"2"]
    assert config == [b"port", str(plain.port).encode()]
    side.close()


def test_a_unix_client(plain: RedisServer) -> None:
    side = Nodes.from_client(redis.Redis(unix_socket_path=f"{plain.socket}", password="pw"))
    side.open()
    assert side.call(0, [("PING",)], again=True) == [b"PONG"]
    side.close()


def test_a_client_from_a_url_with_tls(secure: RedisServer) -> None:
    for client in (redis.Redis, valkey.Valkey):
        side = Nodes.from_client(client.from_url(secure.url))
        side.open()
        assert side.call(0, [("PING",)], again=True) == [b"PONG"]
        side.close()


def test_a_client_with_a_provider_of_credentials(plain: RedisServer) -> None:
    provider = redis.UsernamePasswordCredentialProvider("default", "pw")
    side = Nodes.from_client(redis.Redis(port=plain.port, credential_provider=provider))
    side.open()
    side.close()


def test_a_client_of_sentinels() -> None:
    for module in (redis.sentinel, redis.asyncio.sentinel):
        sentinels = module.Sentinel(
            [("a", 1), ("b", 2)], sentinel_kwargs={"password": "q"}, password="p"
        )
        settings = settings_from(
            sentinels.master_for("main", db=3), asynchronous=module is redis.asyncio.sentinel
        )
        assert settings.addresses == (Address("a", 1), Address("b", 2))
        assert (settings.mode, settings.service, settings.db) == ("sentinel", "main", 3)
        assert (settings.login.password, settings.sentinel_login.password) == ("p", "q")


class Custom(redis.Connection):
    """A class of connections that somebody wrote."""


@pytest.mark.parametrize(
    ("client", "why"),
    [
        (object(), "takes a redis-py or valkey-py client, not object"),
        (redis.asyncio.Redis(), "an asyncio client; use AsyncStore"),
        (
            redis.Redis(connection_pool=redis.ConnectionPool(connection_class=Custom)),
            "of the class Custom",
        ),
        (
            redis.Redis(ssl=True, ssl_validate_ocsp=True),
            "ssl_validate_ocsp, which threadkeep does not take over",
        ),
    ],
)
def test_a_client_that_is_refused(client: Any, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        Nodes.from_client(client)


def test_a_blocking_client_of_an_async_store() -> None:
    async def work() -> None:
        with pytest.raises(UsageError, match="a blocking client; use Store"):
            AsyncNodes.from_client(redis.Redis())

    asyncio.run(work())
