"""A cluster: primaries that share the slots, each with its replicas."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from typing import Any, Self

import redis

from tests.servers.redis import RedisServer, program_of
from tests.servers.waiting import eventually

SLOTS = 16384
QUICK = 1000


class Cluster:
    """Servers whose nodes can be killed and started again, and whose slots can be moved.

    `node_timeout` is in milliseconds: as short as the tests of failover need it, a busy machine makes
    nodes give each other up; a cluster that only serves takes a long one.
    """

    def __init__(
        self,
        name: str = "valkey9",
        *,
        primaries: int = 3,
        replicas: int = 1,
        node_timeout: int = 15_000,
    ) -> None:
        config: dict[str, str | int] = {
            "cluster-enabled": "yes",
            "cluster-config-file": "nodes.conf",
            "cluster-node-timeout": node_timeout,
            "cluster-replica-validity-factor": 0,  # a replica that was cut off long may follow
            "cluster-migration-barrier": primaries * replicas,  # replicas stay where they are
            "appendonly": "yes",
        }
        self.name, self._primaries, self._node_timeout = name, primaries, node_timeout
        count = primaries * (1 + replicas)
        self.nodes = [RedisServer(name, config=config) for _ in range(count)]

    def start(self) -> Self:
        """Start the nodes and make them a cluster: the first are primaries."""
        for node in self.nodes:
            node.start(wait=False)
        for node in self.nodes:
            node.wait()
        self._patience(QUICK)
        first, *others = self.nodes
        for number, node in enumerate(self.nodes[: self._primaries]):
            begin, end = (SLOTS * n // self._primaries for n in (number, number + 1))
            self.tell(node, "ADDSLOTSRANGE", begin, end - 1)
            self.tell(node, "SET-CONFIG-EPOCH", number + 1)
        for node in others:
            self.tell(node, "MEET", "127.0.0.1", first.port)
        eventually(self._know_each_other, "the nodes know each other")
        for number, node in enumerate(self.nodes[self._primaries :]):
            self.tell(node, "REPLICATE", self.id_of(self.nodes[number % self._primaries]))
        self.settle()
        self._patience(self._node_timeout)
        return self

    def _patience(self, milliseconds: int) -> None:
        """Set how soon nodes give each other up, and so how often they tell each other what they know."""
        for node in self.nodes:
            with node.client() as client:
                client.config_set("cluster-node-timeout", milliseconds)

    def tell(self, node: RedisServer, *words: str | int) -> Any:
        """Return what a node answers to a CLUSTER command."""
        with node.client() as client:
            client.response_callbacks.clear()  # answers as they come
            return client.execute_command("CLUSTER", *words)

    def _know_each_other(self) -> bool:
        lists = [self.tell(node, "NODES").decode() for node in self.nodes]
        return all(
            known.count("\n") == len(self.nodes) and "handshake" not in known for known in lists
        )

    def settle(self, seconds: float = 60) -> None:
        """Wait until every node that runs sees every slot served, and every replica has its data."""
        running = [node for node in self.nodes if node.running]
        eventually(lambda: all(map(self._is_content, running)), "the cluster is whole", seconds)
        eventually(lambda: self._agree(running), "the nodes agree on who serves what", seconds)

    def _is_content(self, node: RedisServer) -> bool:
        info = self.tell(node, "INFO").decode()
        with node.client() as client:
            told = client.info("replication")
        in_step = told["role"] == "master" or told["master_link_status"] == "up"
        return in_step and "cluster_state:ok" in info and "cluster_slots_pfail:0" in info

    def _agree(self, nodes: list[RedisServer]) -> bool:
        (first, *others) = [self._seen(node) for node in nodes]
        return all(other == first for other in others)

    def _seen(self, node: RedisServer) -> set[Any]:
        """Return who serves which slots, with its replicas, as a node sees it."""
        return {
            (first, last, primary[1], frozenset(replica[1] for replica in replicas))
            for first, last, primary, *replicas in self.tell(node, "SLOTS")
        }

    def restore(self) -> None:
        """Start the nodes that were ended and wait until the cluster is whole."""
        for node in self.nodes:
            if not node.running:
                node.start()
        self.settle()

    def stop(self) -> None:
        """End the nodes properly."""
        for node in self.nodes:
            node.stop()

    def close(self) -> None:
        for node in self.nodes:
            node.close()

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def url(self) -> str:
        hosts = ",".join(f"127.0.0.1:{node.port}" for node in self.nodes[: self._primaries])
        return f"redis+cluster://{hosts}"

    def id_of(self, node: RedisServer) -> str:
        return self.tell(node, "MYID").decode()

    def owner(self, slot: int) -> RedisServer:
        """Return the primary of a slot: the node that says so of itself."""
        for node in self.nodes:
            if node.running and self._owns(node, slot):
                return node
        raise redis.ConnectionError(f"nobody has the slot {slot}")

    def _owns(self, node: RedisServer, slot: int) -> bool:
        return any(
            first <= slot <= last and port == node.port for first, last, port, _ in self._seen(node)
        )

    def replicas(self, primary: RedisServer) -> list[RedisServer]:
        """Return the replicas of a primary, as it sees them."""
        ports = {
            port
            for _, _, own, ports in self._seen(primary)
            if own == primary.port
            for port in ports
        }
        return [node for node in self.nodes if node.port in ports]

    def kill(self, slot: int) -> RedisServer:
        """Kill the primary of a slot, wait for the next, and return the killed one."""
        old = self.owner(slot)
        old.kill()
        eventually(lambda: self.owner(slot) is not old, f"another primary of the slot {slot}")
        return old

    def fail_over(self, slot: int) -> RedisServer:
        """Make a replica the primary of a slot, by its own request, and return it."""
        (replica, *_) = self.replicas(self.owner(slot))
        self.tell(replica, "FAILOVER")
        eventually(lambda: self.owner(slot) is replica, f"the replica has the slot {slot}")
        return replica

    def move(self, slot: int, target: RedisServer, batch: int = 10) -> None:
        """Move a slot key by key: clients meet ASK and TRYAGAIN meanwhile."""
        source = self.owner(slot)
        self.begin_move(slot, source, target)
        while keys := self.tell(source, "GETKEYSINSLOT", slot, batch):
            self.move_keys(source, target, keys)
        for node in (target, source):
            self.tell(node, "SETSLOT", slot, "NODE", self.id_of(target))

    def begin_move(self, slot: int, source: RedisServer, target: RedisServer) -> None:
        """Open a slot on both sides; `move` ends it."""
        self.tell(target, "SETSLOT", slot, "IMPORTING", self.id_of(source))
        self.tell(source, "SETSLOT", slot, "MIGRATING", self.id_of(target))

    def move_keys(
        self, source: RedisServer, target: RedisServer, keys: Sequence[str | bytes]
    ) -> None:
        """Move keys of an open slot."""
        with source.client() as client:
            words = ("127.0.0.1", target.port, "", 0, 5000, "KEYS")
            client.execute_command("MIGRATE", *words, *keys)

    def reshard(self, source: RedisServer, target: RedisServer, slots: int) -> None:
        """Move so many slots by the command-line tool."""
        words = ["--cluster", "reshard", f"127.0.0.1:{source.port}", "--cluster-yes"]
        words += ["--cluster-from", self.id_of(source), "--cluster-to", self.id_of(target)]
        command = [program_of(self.name, "cli"), *words, "--cluster-slots", str(slots)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr

    def migrate(self, first: int, last: int, target: RedisServer) -> None:
        """Move slots at once, as Valkey 9 can, and wait until it is done."""
        source = self.owner(first)
        self.tell(source, "MIGRATESLOTS", "SLOTSRANGE", first, last, "NODE", self.id_of(target))
        eventually(lambda: self._migrated(source), f"the slots {first} to {last} moved")
        eventually(lambda: self.owner(last) is target, f"{target.port} has the slot {last}")

    def _migrated(self, source: RedisServer) -> bool:
        (job, *_) = self.tell(source, "GETSLOTMIGRATIONS")
        told = dict(zip(job[::2], job[1::2], strict=True))
        assert told[b"state"] not in {b"failed", b"cancelled"}, told
        return told[b"state"] == b"success"
