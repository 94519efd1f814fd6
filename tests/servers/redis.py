"""Redis and Valkey servers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.servers.process import ServerProcess
from tests.servers.tls import Certificates
from tooling.servers import named, program


def program_of(name: str, word: str = "server") -> str:
    """Return the program of a row of tooling.servers, or skip: it is not on this machine."""
    found = program(name, word)
    if found is None:
        pytest.skip(f"{named(name).title} is not here; scripts/servers gets it")
    return found


class RedisServer(ServerProcess):
    """A server. `name` is that of a row of tooling.servers; `config` are lines of its own file.

    password: of the user that asks for none by name.
    acl: lines of an ACL file, each a user.
    tls: its port speaks TLS only and asks its clients for a certificate.
    unix: it listens at `socket` too.
    replica_of: the server whose data it copies.
    """

    def __init__(
        self,
        name: str,
        *,
        port: int | None = None,
        password: str | None = None,
        acl: Sequence[str] = (),
        tls: Certificates | None = None,
        unix: bool = False,
        replica_of: RedisServer | None = None,
        config: Mapping[str, str | int] | None = None,
    ) -> None:
        self._program = program_of(name)
        super().__init__(named(name).title, port=port)
        self.name, self.password, self.tls = name, password, tls
        self.socket = self.folder / "socket"
        self.config: dict[str, str | int] = {
            "save": "",
            "repl-diskless-sync-delay": 0,
            **self._more(unix, replica_of),
            **(config or {}),
        }
        if acl:
            users = self.folder / "users.acl"
            users.write_text("".join(f"user {line}\n" for line in acl))
            self.config["aclfile"] = str(users)

    def _more(self, unix: bool, replica_of: RedisServer | None) -> dict[str, str | int]:
        config: dict[str, str | int] = {}
        if unix:
            config["unixsocket"] = str(self.socket)
        if self.password is not None:
            config |= {"requirepass": self.password, "masterauth": self.password}
        if self.tls is not None:
            config |= self.tls.config()
        if replica_of is not None:
            config["replicaof"] = f"127.0.0.1 {replica_of.port}"
        return config

    def command(self) -> list[str]:
        ports = {"port": 0, "tls-port": self.port} if self.tls else {"port": self.port}
        config = {"bind": "127.0.0.1", "dir": str(self.data), **ports, **self.config}
        lines = [_line(name, value) for name, value in config.items()]
        file = self.folder / "server.conf"
        file.write_text("".join(lines))
        return [self._program, str(file), *self._mode()]

    def _mode(self) -> list[str]:
        return []

    def answers(self) -> bool:
        try:
            with self.client() as client:
                return bool(client.ping())
        except redis.AuthenticationError:
            return True  # it has users, and `client` is none of them
        except redis.RedisError:
            return False

    def client(self, **options: Any) -> redis.Redis:
        """Return a client of one connection, to look with past what is tested."""
        secure = self.tls.client() if self.tls else {}
        usual = {"port": self.port, "password": self.password, "protocol": 2, "socket_timeout": 20}
        once = Retry(NoBackoff(), 0)  # who waits says so
        return redis.Redis(
            single_connection_client=True, retry=once, **{**usual, **secure, **options}
        )

    @property
    def url(self) -> str:
        login = f":{self.password}@" if self.password else ""
        if self.tls is None:
            return f"redis://{login}127.0.0.1:{self.port}"
        return f"rediss://{login}localhost:{self.port}?{self.tls.query()}"

    @property
    def version(self) -> str:
        """The version of Redis, or that of Valkey where it is one."""
        with self.client() as client:
            told = client.info("server")
        return told.get("valkey_version") or told["redis_version"]


def _line(name: str, value: str | int) -> str:
    empty = '""'
    return f"{name} {empty if value == '' else value}\n"
