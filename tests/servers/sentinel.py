"""A primary with a replica, and sentinels that put the one in the other's place."""

from __future__ import annotations

from typing import Any, Self

import redis

from tests.servers.redis import RedisServer
from tests.servers.waiting import eventually

SERVICE = "main"
SENTINELS = 3  # of two each often votes for itself, and the failover begins anew


class Sentinel(RedisServer):
    """A sentinel that watches one primary."""

    def __init__(self, name: str, primary: RedisServer, *, quorum: int) -> None:
        rules = {
            "monitor": f"127.0.0.1 {primary.port} {quorum}",
            "down-after-milliseconds": 1500,  # less, and a busy machine has failovers of its own
            "failover-timeout": 1000,
        }
        if primary.password is not None:
            rules["auth-pass"] = primary.password
        super().__init__(name)
        self.config = {f"sentinel {rule} {SERVICE}": value for rule, value in rules.items()}

    def _mode(self) -> list[str]:
        return ["--sentinel"]

    def told(self) -> dict[str, Any]:
        """Return what it knows of the primary."""
        with self.client() as client:
            found: Any = client.sentinel_masters()
        return next(iter(found.values()))


class Watched:
    """Two servers, of which the second copies the first, and three sentinels of which two must agree."""

    def __init__(self, name: str = "valkey9", *, password: str | None = None) -> None:
        self.password = password
        keeps: dict[str, str | int] = {"appendonly": "yes"}
        first = RedisServer(name, password=password, config=keeps)
        second = RedisServer(name, password=password, config=keeps, replica_of=first)
        self.servers = [first, second]
        self.sentinels = [Sentinel(name, first, quorum=2) for _ in range(SENTINELS)]

    def start(self) -> Self:
        for server in self.servers:
            server.start()
        eventually(lambda: in_step(self.servers[1]), "the replica has its data")
        for sentinel in self.sentinels:
            sentinel.start()
        self.settle()
        return self

    def settle(self) -> None:
        """Wait until the sentinels know a primary, its replica and each other, and miss none."""
        for sentinel in self.sentinels:
            eventually(lambda s=sentinel: _is_content(s), "the sentinel is content")
        eventually(lambda: any(map(in_step, self.servers)), "the replica has its data")

    def kill(self) -> RedisServer:
        """Kill the primary, wait until all sentinels name the other server, and return the killed one."""
        old = self.primary()
        (new,) = (server for server in self.servers if server is not old)
        old.kill()
        for sentinel in self.sentinels:
            eventually(lambda s=sentinel: s.told()["port"] == new.port, "it names the other")
        return old

    def restore(self) -> None:
        """Start the killed server, as the replica that the sentinels would only make of it after 10 s."""
        new = self.primary()
        new.config.pop("replicaof", None)
        for server in self.servers:
            if not server.running:
                server.config["replicaof"] = f"127.0.0.1 {new.port}"
                server.start()
        self.settle()

    def primary(self) -> RedisServer:
        """Return the server that says it is the primary."""
        for server in self.servers:
            if server.running and role(server) == "master":
                return server
        raise redis.ConnectionError("there is no primary")

    @property
    def url(self) -> str:
        hosts = ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in self.sentinels)
        login = f":{self.password}@" if self.password else ""
        return f"redis+sentinel://{login}{hosts}/{SERVICE}"

    def close(self) -> None:
        for one in [*self.sentinels, *self.servers]:
            one.close()

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *_: object) -> None:
        self.close()


def role(server: RedisServer) -> str:
    """Return "master" or "slave", the words of the server."""
    with server.client() as client:
        return client.info("replication")["role"]


def in_step(replica: RedisServer) -> bool:
    """Return whether a replica is connected to its primary and has its data."""
    with replica.client() as client:
        return client.info("replication").get("master_link_status") == "up"


def _is_content(sentinel: Sentinel) -> bool:
    told = sentinel.told()
    known = told["num-slaves"] == 1 and told["num-other-sentinels"] == SENTINELS - 1
    return known and told["flags"] == "master"
