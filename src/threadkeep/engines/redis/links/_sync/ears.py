# Generated from src/threadkeep/engines/redis/links/_async/ears.py by scripts/unasync. Do not edit.
"""Listening to channels, across lost connections and moved slots."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from threadkeep.concurrency import Flow, Lock, Signal
from threadkeep.engines.redis.links._sync.cluster import Cluster
from threadkeep.engines.redis.links._sync.single import Single
from threadkeep.engines.redis.links.ear import Ear, Place
from threadkeep.engines.redis.links.errand import Errand, Step
from threadkeep.engines.redis.links.link import Link
from threadkeep.engines.redis.links.settings import Settings
from threadkeep.engines.redis.links.slots import Address
from threadkeep.errors import Unavailable

CHECK = 10.0  # seconds after which a silent listener looks whether its node still has the slot


class Ears:
    """One listening connection to each node that has a channel that somebody listens to."""

    def __init__(self, settings: Settings, nodes: Single | Cluster) -> None:
        self._settings, self._nodes = settings, nodes
        self._ears: dict[Address, tuple[Ear, Link]] = {}
        self._lock = Lock()
        self._closed = False

    def listen(self, slot: int, channel: bytes, word: str) -> Iterator[None]:
        """Yield when subscribed, at messages (coalesced) and after each new subscription."""
        signal = Signal()
        errand: Errand | None = None
        while not self._closed:
            errand = errand or Errand([(word,)], self._settings, time.monotonic(), again=True)
            ear, place, address = self._join(slot, channel, word, signal.set, errand)
            try:
                while not place.ended:
                    woken = signal.wait(CHECK)
                    if place.heard:
                        place.heard, errand = False, None
                        yield
                    elif not woken and self._nodes.peer(slot).address != address:
                        break
            finally:
                ear.leave(place)
            if place.error is not None and errand is not None:
                self._refused(errand, place, address)

    def _join(
        self, slot: int, channel: bytes, word: str, wake: Callable[[], None], errand: Errand
    ) -> tuple[Ear, Place, Address]:
        while True:
            try:
                peer = self._nodes.peer(slot)
                link = peer.link or peer.ready(errand.limit)
                ear = self._ear(link.address, word)
            except Unavailable as error:
                errand.judge(error, None, time.monotonic())
            else:
                return ear, ear.join(channel, wake), link.address
            Flow.sleep(errand.pause(time.monotonic()))
            self._nodes.look(None, errand.limit)

    def _ear(self, address: Address, word: str) -> Ear:
        with self._lock:
            ear, _ = self._ears.get(address) or (None, None)
            if ear is not None and not ear.ended:
                return ear
            if self._closed:
                raise Unavailable("the store was closed while it was watched")
            ear = Ear(word)
            seconds = self._settings.connect_timeout
            link = Link.open(self._settings, address, seconds, ear.hear)
            ear.attach(link)
            self._ears[address] = (ear, link)
            return ear

    def _refused(self, errand: Errand, place: Place, address: Address) -> None:
        step = errand.take([place.error], address)
        if step is Step.DONE:
            assert place.error is not None  # noqa: S101 - the caller asked
            raise place.error
        if errand.moved is not None:
            self._nodes.moved(*errand.moved)
        if step is not Step.SEND:
            Flow.sleep(errand.pause(time.monotonic()))
        if step is Step.LOOK:
            self._nodes.look(None, errand.limit)

    def close(self) -> None:
        """Close the connections; who listens comes to an end."""
        self._closed = True
        for _, link in list(self._ears.values()):
            link.close()
