"""Ways to a server: TLS, unix sockets, and the clients that a program has already."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
import redis.asyncio
import redis.asyncio.sentinel
import redis.sentinel
import valkey
import valkey.asyncio

from tests.redis.running import Running, eventually
from tests.redis.sides import Tasks, at_once, connected
from threadkeep.engines.redis.links import AsyncNodes, Nodes
from threadkeep.engines.redis.links.client import settings_from
from threadkeep.engines.redis.links.slots import Address
from threadkeep.errors import Unavailable, UsageError

BOTH = pytest.mark.parametrize("kind", ["tasks", "threads"])


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `ca.crt` and a certificate of it for localhost."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("keys")
    (folder / "names").write_text("subjectAltName=DNS:localhost")
    new = "openssl req -newkey rsa:2048 -nodes"
    sign = "openssl x509 -req -CA ca.crt -CAkey ca.key -CAcreateserial -days 2"
    for command in (
        f"{new} -x509 -days 2 -keyout ca.key -out ca.crt -subj /CN=ca",
        f"{new} -keyout s.key -out s.csr -subj /CN=localhost",
        f"{sign} -in s.csr -extfile names -out s.crt",
    ):
        subprocess.run(command.split(), cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def secure(keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, int]]:
    """A server and its TLS port; it asks its clients for a certificate."""
    from tests.redis.servers import free_port

    port = free_port()
    files = {"cert": "s.crt", "key": "s.key", "ca-cert": "ca.crt"}
    words = [w for name, file in files.items() for w in (f"--tls-{name}-file", str(keys / file))]
    folder = tmp_path_factory.mktemp("secure")
    server = Running(folder, "--save", "", "--tls-port", str(port), *words).start()
    yield server, port
    server.stop()


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("plain")
    words = ("--save", "", "--unixsocket", str(folder / "s"), "--requirepass", "pw")
    server = Running(folder, *words)
    server.start(ready=False)
    eventually(redis.Redis(port=server.port, password="pw").ping, "it answers")
    yield server
    server.stop()


def tls_url(port: int, keys: Path, host: str = "localhost", more: str = "") -> str:
    files = f"ssl_ca_certs={keys}/ca.crt&ssl_certfile={keys}/s.crt&ssl_keyfile={keys}/s.key"
    return f"rediss://{host}:{port}?{files}{more}"


@BOTH
def test_tls(secure: tuple[Running, int], keys: Path, kind: str) -> None:
    side = connected(kind, tls_url(secure[1], keys))
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
    secure: tuple[Running, int], keys: Path, kind: str
) -> None:
    with pytest.raises(Unavailable, match="certificate verify failed"):
        connected(kind, tls_url(secure[1], keys, "127.0.0.1"))
    with pytest.raises(Unavailable, match="certificate verify failed"):
        connected(kind, f"rediss://localhost:{secure[1]}")
    with pytest.raises(UsageError, match="cannot be used"):
        connected(kind, f"rediss://localhost:{secure[1]}?ssl_ca_certs=/nosuch")
    with pytest.raises(Unavailable):  # it asks for ours
        connected(kind, f"rediss://localhost:{secure[1]}?ssl_ca_certs={keys}/ca.crt")
    connected(kind, tls_url(secure[1], keys, "127.0.0.1", "&ssl_check_hostname=false")).close()
    connected(kind, tls_url(secure[1], keys, "127.0.0.1", "&ssl_cert_reqs=none")).close()


@BOTH
def test_tls_to_a_server_without_it(plain: Running, kind: str) -> None:
    with pytest.raises(Unavailable, match="did not take the connection"):
        connected(kind, f"rediss://localhost:{plain.port}?connect_timeout=0.5")


@BOTH
def test_a_unix_socket(plain: Running, kind: str) -> None:
    side = connected(kind, f"redis+unix://:pw@{plain.folder}/s?db=3")
    side.call(0, [("SET", "a", kind)], again=False)
    assert side.call(0, [("GET", "a")], again=False) == [kind.encode()]
    side.close()


@BOTH
def test_a_database_that_does_not_exist(plain: Running, kind: str) -> None:
    with pytest.raises(UsageError, match="no such database"):
        connected(kind, f"redis://:pw@127.0.0.1:{plain.port}/99")


@BOTH
def test_something_that_is_no_redis(kind: str) -> None:
    import socket
    import threading

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
def test_a_client(make: Callable[..., Any], protocol: int, decoded: bool, plain: Running) -> None:
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


def test_a_unix_client(plain: Running) -> None:
    side = Nodes.from_client(redis.Redis(unix_socket_path=f"{plain.folder}/s", password="pw"))
    side.open()
    assert side.call(0, [("PING",)], again=True) == [b"PONG"]
    side.close()


def test_a_client_from_a_url_with_tls(secure: tuple[Running, int], keys: Path) -> None:
    for client in (redis.Redis, valkey.Valkey):
        side = Nodes.from_client(client.from_url(tls_url(secure[1], keys)))
        side.open()
        assert side.call(0, [("PING",)], again=True) == [b"PONG"]
        side.close()


def test_a_client_with_a_provider_of_credentials(plain: Running) -> None:
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
