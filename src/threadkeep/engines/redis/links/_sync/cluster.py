# Generated from src/threadkeep/engines/redis/links/_async/cluster.py by scripts/unasync. Do not edit.
"""The primaries of a cluster, and which of them has which slot."""

from __future__ import annotations

import random
import time
from functools import partial

from threadkeep.concurrency import Lock
from threadkeep.engines.redis.links._sync.peer import AnyLink, Peer
from threadkeep.engines.redis.links.errors import Late, Lost, ServerError
from threadkeep.engines.redis.links.link import Link
from threadkeep.engines.redis.links.script import pack
from threadkeep.engines.redis.links.settings import Settings
from threadkeep.engines.redis.links.slots import SLOTS, Address, read_slots
from threadkeep.errors import Unavailable, UsageError

GRACE = 0.1  # seconds in which what was learned is not asked again
PATIENCE = 1.0  # seconds for one node to tell what it knows


class Cluster:
    """The map of the cluster: learned from any node, corrected at once by MOVED."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._peers: dict[Address, Peer] = {}
        self._owners: list[Peer] = [self.at(settings.addresses[0])] * SLOTS
        self._firsts: list[int] = [0]  # a slot of each primary
        self._lock = Lock()
        self._learned = 0.0
        self._closed = False

    def at(self, address: Address) -> Peer:
        """Return the node at an address."""
        peer = self._peers.get(address)
        if peer is None:
            peer = self._peers[address] = Peer(address, partial(self._open, address))
        return peer

    def _open(self, address: Address, seconds: float) -> Link:
        return Link.open(self._settings, address, min(seconds, self._settings.connect_timeout))

    def open(self, limit: float) -> None:
        """Connect and learn the map. Raises Unavailable, Forbidden or UsageError."""
        self._learn(limit)

    def peer(self, slot: int) -> Peer:
        """Return the node that has the slot."""
        return self._owners[slot]

    def moved(self, slot: int, address: Address) -> None:
        """Note that another node has the slot now."""
        self._owners[slot] = self.at(self._outside(address))

    def _outside(self, address: Address) -> Address:
        remap = self._settings.remap
        return Address(*remap(address)) if remap else address

    def look(self, link: AnyLink | None, limit: float) -> None:  # noqa: ARG002 - of `single`
        """Learn the map anew, unless that was done just now; what nobody can tell stays as it is."""
        with self._lock:
            if time.monotonic() < self._learned + GRACE:
                return
            try:
                self._learn(limit)
            except Unavailable:
                self._learned = time.monotonic()

    def primaries(self) -> list[int]:
        """Return a slot of each primary."""
        self._learn(time.monotonic() + self._settings.timeout)
        return self._firsts

    def _learn(self, limit: float) -> None:
        failed: list[str] = []
        for peer in self._candidates():
            try:
                link = peer.link or peer.ready(min(limit, time.monotonic() + PATIENCE))
                (answer,) = link.ask(
                    pack(("CLUSTER", "SLOTS")), 1, min(limit, time.monotonic() + PATIENCE)
                )
            except (Unavailable, Lost, Late) as error:
                failed.append(f"{peer.address}: {error or 'no answer'}")
                continue
            if isinstance(answer, ServerError):
                raise UsageError(
                    f"{peer.address} cannot tell the slots of a cluster: {answer.said}"
                )
            if answer:
                self._apply(read_slots(answer, link.address))
                return
            failed.append(f"{peer.address}: it has no slots")
        raise Unavailable(f"no node of the cluster could be asked ({'; '.join(failed)})")

    def _candidates(self) -> list[Peer]:
        """Return whom to ask: connected nodes, then the others, then those of the URL."""
        known = list(dict.fromkeys(self._owners)) if self._learned else []
        random.shuffle(known)
        known.sort(key=lambda peer: peer.link is None)
        return list(dict.fromkeys([*known, *(self.at(one) for one in self._settings.addresses)]))

    def _apply(self, ranges: dict[Address, list[tuple[int, int]]]) -> None:
        firsts: list[int] = []
        for address, parts in ranges.items():
            peer = self.at(self._outside(address))
            firsts.append(parts[0][0])
            for first, last in parts:
                self._owners[first : last + 1] = [peer] * (last + 1 - first)
        self._firsts, self._learned = firsts, time.monotonic()

    def close(self) -> None:
        """Close the connections."""
        for peer in list(self._peers.values()):
            peer.close()
