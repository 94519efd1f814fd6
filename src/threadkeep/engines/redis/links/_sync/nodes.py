# Generated from src/threadkeep/engines/redis/links/_async/nodes.py by scripts/unasync. Do not edit.
"""All servers of a store, as one."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any, Final

from threadkeep.concurrency import Flow, Home
from threadkeep.engines.redis.links._sync.cluster import Cluster
from threadkeep.engines.redis.links._sync.ears import Ears
from threadkeep.engines.redis.links._sync.peer import AnyLink, Peer
from threadkeep.engines.redis.links._sync.single import Single
from threadkeep.engines.redis.links.client import settings_from
from threadkeep.engines.redis.links.errand import Errand, Outcome, Step, plain
from threadkeep.engines.redis.links.errors import Late, Lost, ServerError, Unready
from threadkeep.engines.redis.links.script import Command, pack_all
from threadkeep.engines.redis.links.settings import Settings
from threadkeep.engines.redis.links.url import settings_of
from threadkeep.errors import ThreadkeepError, Unavailable, UsageError
from threadkeep.model.urls import StoreUrl, parse_url

_ASYNCHRONOUS: Final = "Async" in Single.__name__


class Nodes:
    """The servers of a store: one, one behind sentinels, or the primaries of a cluster.

    Calls of one event loop share one connection to each. What was certainly not done is sent again until
    time is up; what may have been done only where the caller says that this is harmless.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.cluster = settings.mode == "cluster"
        self.version = ""  # of the server, "7.2.4"; known after open
        self._home = Home()
        self._place = Cluster(settings) if self.cluster else Single(settings)
        self._ears = Ears(settings, self._place)

    @classmethod
    def from_url(cls, url: str | StoreUrl, also: frozenset[str] = frozenset()) -> Nodes:
        """Return the servers that a URL names, not yet connected; `also`: options that somebody else reads."""
        return cls(settings_of(parse_url(url) if isinstance(url, str) else url, also))

    @classmethod
    def from_client(cls, client: Any) -> Nodes:
        """Return the servers of a redis-py or valkey-py client; only its settings are used."""
        return cls(settings_from(client, asynchronous=_ASYNCHRONOUS))

    def open(self) -> None:
        """Connect once, and see what kind of server it is. Raises Unavailable, Forbidden or UsageError."""
        self._home.check()
        begun = time.monotonic()
        while True:
            try:
                self._place.open(begun + self.settings.failover_timeout)
                break
            except Unready:
                if time.monotonic() > begun + self.settings.failover_timeout:
                    raise
                Flow.sleep(0.05)
        (answer,) = self.call(0, [("INFO", "server")], again=True)
        if not isinstance(answer, ServerError):  # else an ACL hides it
            self._check(dict(_lines(answer.decode(errors="replace"))))

    def _check(self, info: dict[str, str]) -> None:
        self.version = info.get("redis_version", "")
        mode = info.get("redis_mode") or info.get("server_mode")
        if mode == "sentinel" or (mode == "cluster" and not self.cluster):
            raise UsageError(f"this server is a {mode}; write +{mode} after the scheme of the URL")

    def call(
        self, slot: int, commands: Sequence[Command], *, again: bool, synced: bool = False
    ) -> list[Any]:
        """Send commands in one write to the server that has the slot, and return their answers.

        An answer is bytes, int, None or a list of them, or a ServerError in the place of its command. `again`:
        doing it twice is harmless. `synced`: they are answered when the server's disk has what they did.
        Raises Unavailable, Timeout, Forbidden or UsageError.
        """
        self._home.check()
        begun = time.monotonic()
        peer = self._place.peer(slot)
        link = peer.synced.link if synced else peer.link
        outcome: Outcome | None = None
        if link is not None:
            try:
                until = begun + self.settings.timeout
                outcome = link.ask(pack_all(commands), len(commands), until)
            except (Lost, Late) as error:
                outcome = error
            else:
                if plain(commands, outcome):
                    return outcome
        errand = Errand(commands, self.settings, begun, again=again, synced=synced)
        return self._insist(slot, errand, link, outcome)

    def _insist(
        self, slot: int, errand: Errand, link: AnyLink | None, outcome: Outcome | None
    ) -> list[Any]:
        """Go on from the outcome of an attempt until all is answered or time is up."""
        while True:
            if outcome is None:
                link, outcome = self._attempt(slot, errand)
            step = errand.judge(outcome, link.address if link else None, time.monotonic())
            outcome = None
            if step is Step.DONE:
                return errand.results
            if errand.moved is not None:
                self._place.moved(*errand.moved)
            if step is not Step.SEND:
                Flow.sleep(errand.pause(time.monotonic()))
            if step is Step.LOOK:
                self._place.look(link, errand.limit)

    def _attempt(self, slot: int, errand: Errand) -> tuple[AnyLink | None, Outcome]:
        peer = self._place.at(errand.asked) if errand.asked else self._place.peer(slot)
        if errand.synced:
            peer = peer.synced
        link = None
        try:
            link = peer.link or peer.ready(errand.limit)
            until = errand.until(time.monotonic())
            return link, link.ask(errand.payload, errand.count, until)
        except (Lost, Late, Unavailable) as error:
            return link, error

    def link(self, slot: int) -> object:
        """Return the connection to the server that has the slot, to be compared only; None: there is none."""
        return self._place.peer(slot).link

    def ask_each(self, asked: Sequence[tuple[int, Command]]) -> list[Any]:
        """Ask each command of the server that has its slot, all at once; they may be sent again.

        One wait, however many servers: one write to each. Answers come in order, errors in their places.
        """
        self._home.check()
        answers: list[Any] = [None] * len(asked)
        groups: dict[Peer, list[int]] = {}
        for number, (slot, _) in enumerate(asked):
            groups.setdefault(self._place.peer(slot), []).append(number)

        def ask(peer: Peer) -> None:
            numbers = groups[peer]
            found = self._ask_peer(peer, [asked[number][1] for number in numbers])
            for place, number in enumerate(numbers):
                answer = None if found is None else found[place]
                if found is None or isinstance(answer, ServerError):  # by itself: it may have moved
                    answer = self._ask_alone(*asked[number])
                answers[number] = answer

        if groups:
            Flow.together(groups, ask)
        return answers

    def _ask_peer(self, peer: Peer, commands: list[Command]) -> list[Any] | None:
        link = peer.link
        if link is not None:
            try:
                until = time.monotonic() + self.settings.timeout
                return link.ask(pack_all(commands), len(commands), until)
            except (Lost, Late):
                pass
        return None

    def _ask_alone(self, slot: int, command: Command) -> Any:
        try:
            return (self.call(slot, [command], again=True))[0]
        except ThreadkeepError as error:
            return error

    def everywhere(self, command: Command) -> list[Any]:
        """Send a command to each primary and return the answers; it may be sent again."""
        slots = self.primaries()
        return [(self.call(slot, [command], again=True))[0] for slot in slots]

    def primaries(self) -> list[int]:
        """Return a slot of each primary."""
        self._home.check()
        return self._place.primaries()

    @property
    def sharded(self) -> bool:
        """Tell whether channels belong to slots (SPUBLISH, SSUBSCRIBE): on a cluster of version 7 or later."""
        major = self.version.partition(".")[0]
        return self.cluster and (not major.isdecimal() or int(major) >= 7)

    def listen(self, slot: int, channel: bytes) -> Iterator[None]:
        """Yield once subscribed, at messages (several may come as one), and after each reconnect.

        So a reader that reads at each of these misses no change. Ends when the store is closed. Raises
        Unavailable when the server cannot be reached for too long, Forbidden when an ACL keeps the channel.
        """
        self._home.check()
        word = "SSUBSCRIBE" if self.sharded else "SUBSCRIBE"
        for _ in self._ears.listen(slot, channel, word):
            yield

    def close(self) -> None:
        """Close the connections; twice is fine. A forked process closes nothing."""
        if not self._home.left:
            self._ears.close()
            self._place.close()


def _lines(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if colon:
            yield name, value
