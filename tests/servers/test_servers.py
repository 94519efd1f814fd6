"""The servers of the tests do what tests rely on."""

from __future__ import annotations

from pathlib import Path

import pytest
import redis

from tests.servers.redis import RedisServer
from tests.servers.tls import Certificates
from tests.servers.waiting import eventually
from threadkeep import Store


@pytest.mark.parametrize(
    ("name", "version"), [("redis7", "7.0."), ("redis8", "8."), ("valkey9", "9.")]
)
def test_a_server_answers(name: str, version: str, request: pytest.FixtureRequest) -> None:
    server = request.getfixturevalue(name)
    assert isinstance(server, RedisServer)
    assert server.client().ping()
    assert server.version.startswith(version)
    assert request.getfixturevalue(f"{name}_url") == server.url


def test_tls_asks_for_a_certificate(tmp_path: Path) -> None:
    tls = Certificates(tmp_path)
    with RedisServer("valkey9", tls=tls) as server:
        assert server.client().ping()
        with Store(f"{server.url}&prefix=tls") as store:
            store.user("u").state.set("a", 1)
            assert store.user("u").state.get("a") == 1
        stranger = redis.Redis(
            host="localhost", port=server.port, ssl=True, ssl_ca_certs=str(tls.ca)
        )
        with pytest.raises(redis.ConnectionError):
            stranger.ping()


def test_a_server_is_killed_and_comes_back_with_its_data_or_without() -> None:
    with RedisServer("redis7", config={"appendonly": "yes", "appendfsync": "always"}) as server:
        port = server.port
        server.client().set("a", 1)
        server.kill()
        assert server.start().client().get("a") == b"1"
        server.stop()
        assert server.start(fresh=True).client().get("a") is None
        assert server.port == port
    assert not server.folder.exists()


def test_users_and_sockets_and_replicas() -> None:
    rules = ("default on nopass ~* &* +@all", "reader on >secret ~a* +get")
    with (
        RedisServer("redis8", acl=rules, unix=True) as server,
        RedisServer("redis8", replica_of=server) as replica,
    ):
        with redis.Redis(unix_socket_path=str(server.socket)) as client:
            client.set("a", 1)
        with server.client(username="reader", password="secret") as client:
            assert client.get("a") == b"1"
            with pytest.raises(redis.ResponseError):
                client.set("a", 2)
        eventually(lambda: replica.client().get("a") == b"1", "the replica has it")


def test_a_server_that_cannot_start_says_why() -> None:
    server = RedisServer("valkey9", config={"nosuch": 1})
    with pytest.raises(AssertionError, match=r"(?s)Valkey 9 does not answer\..*nosuch"), server:
        pass
    assert not server.folder.exists()
