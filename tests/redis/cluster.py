"""A cluster of the tests' own: three primaries with a replica each."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import redis

from tests.redis.running import Running, eventually
from tests.redis.servers import free_port


class Cluster:
    """Six servers; slots can be moved, nodes killed and started again."""

    def __init__(self, folder: Path) -> None:
        words = ("--cluster-enabled", "yes", "--cluster-node-timeout", "1500", "--save", "")
        more = ("--appendonly", "yes", "--cluster-replica-validity-factor", "0")
        self.nodes = [
            Running(folder / str(n), *words, *more, "--cluster-port", str(free_port()))
            for n in range(6)
        ]

    def start(self) -> Cluster:
        for node in self.nodes:
            node.start()
        places = [f"127.0.0.1:{node.port}" for node in self.nodes]
        self._cli("--cluster", "create", *places, "--cluster-replicas", "1", "--cluster-yes")
        self.settle()
        return self

    def _cli(self, *words: str) -> str:
        command = ["redis-cli", *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def settle(self) -> None:
        """Wait until every node that runs sees a whole cluster with its replicas."""

        def check() -> bool:
            for node in self.nodes:
                client: Any = node.client()
                if client.execute_command("CLUSTER INFO")["cluster_state"] != "ok":
                    return False
                if any(len(entry) < 4 for entry in client.execute_command("CLUSTER", "SLOTS")):
                    return False
            return True

        eventually(check, "the cluster is whole", 60)

    @property
    def url(self) -> str:
        return f"redis+cluster://127.0.0.1:{self.nodes[0].port},127.0.0.1:{self.nodes[1].port}"

    def owner(self, slot: int) -> Running:
        """Return the primary of a slot: the node that says so of itself."""
        for node in self.nodes:
            try:
                entries: Any = node.client().execute_command("CLUSTER", "SLOTS")
            except (redis.RedisError, OSError):
                continue
            for first, last, primary, *_ in entries:
                if first <= slot <= last and primary[1] == node.port:
                    return node
        raise redis.ConnectionError(f"nobody has slot {slot}")

    def id_of(self, node: Running) -> str:
        return _text(node.client().execute_command("CLUSTER", "MYID"))

    def move(self, slot: int, target: Running, batch: int = 10) -> None:
        """Move a slot as redis-cli does, key by key."""
        source = self.owner(slot)
        here, there = self.id_of(source), self.id_of(target)
        target.client().execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", here)
        source.client().execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", there)
        client: Any = source.client()
        while keys := client.execute_command("CLUSTER", "GETKEYSINSLOT", slot, batch):
            words = ["MIGRATE", "127.0.0.1", target.port, "", 0, 5000, "KEYS", *keys]
            client.execute_command(*words)
        for node in (target, source):
            node.client().execute_command("CLUSTER", "SETSLOT", slot, "NODE", there)

    @property
    def migrates(self) -> bool:
        """Tell whether the servers move slots by themselves: Valkey 9 and later."""
        found: Any = self.nodes[0].client().info("server")
        return int(str(found.get("valkey_version", "0")).split(".", maxsplit=1)[0]) >= 9

    def migrate(self, slot: int, target: Running) -> None:
        """Have the servers move a slot, whole and at once."""
        source, there = self.owner(slot), self.id_of(target)
        words = ["CLUSTER", "MIGRATESLOTS", "SLOTSRANGE", slot, slot, "NODE", there]
        source.client().execute_command(*words)
        eventually(lambda: self.owner(slot) is target, "the slot has moved")

    def stop(self) -> None:
        for node in self.nodes:
            node.stop()


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else value
