"""The engine on Valkey or Redis: one call of the script for each batch."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any

from msgspec.structs import replace

from threadkeep._async.drivers.redis.listing import AsyncRedisListing
from threadkeep._async.drivers.redis.server import (
    check_waiting,
    durability,
    examine,
    refuse_eviction,
)
from threadkeep.engines.redis.keys import Places, channel, entity, indexes
from threadkeep.engines.redis.large import Staged, filled, stage, wanted
from threadkeep.engines.redis.links import AsyncNodes, Command, Script, ServerError, slot_of
from threadkeep.engines.redis.listing import scored
from threadkeep.engines.redis.program import Args, Layout, Names, named
from threadkeep.engines.redis.reply import CLAIMED, need, raise_first, read_look, read_reply
from threadkeep.engines.redis.short import read_short, shorten
from threadkeep.errors import Forbidden, ThreadkeepError, UsageError
from threadkeep.model.options import Limits
from threadkeep.model.refs import KINDS, Ref
from threadkeep.ops.batch import Batch, check
from threadkeep.ops.engine import Capabilities, Claim, Due, Page, Query
from threadkeep.ops.ops import Info
from threadkeep.ops.reply import EntityInfo, Reply

CLUSTER_SHARDS = 64
TRIES = 3  # to read large values that others write meanwhile
Build = Callable[[Names], tuple[list[str], Args]]


class AsyncRedisEngine:
    """Keep entities on a Valkey or Redis server, alone, behind Sentinel or in a cluster.

    With `durable` each write is answered when the server's disk has it.
    """

    def __init__(
        self,
        nodes: AsyncNodes,
        limits: Limits,
        *,
        prefix: str = "tk",
        shards: int | None = None,
        durable: bool = False,
    ) -> None:
        self._nodes = nodes
        self._durable = durable
        self._waits = False  # for the disk, as the server does not by itself
        self._limits = limits
        self._prefix, self._shards = prefix, shards
        self._layout = Layout(Places(prefix, shards or 1), limits)
        self._script = Script.load("threadkeep.engines.redis.lua")
        self._home = slot_of(self._layout.places.spaces.encode())
        self._known: set[tuple[str, str]] = set()
        self._known_by: object = None  # the connection they were noted over
        self._found = Capabilities(name="redis", durability="none", remote=True)

    @property
    def capabilities(self) -> Capabilities:
        """Say what the server can do; final after `setup`."""
        return self._found

    async def setup(self) -> None:
        """Connect and look at the server's settings. Raises Unavailable, Forbidden or UsageError."""
        await self._nodes.open()
        found = await examine(self._nodes)
        kept = durability(found)
        try:
            refuse_eviction(found.eviction)
            if self._durable and kept != "power-loss":
                await check_waiting(self._nodes, found)
                self._waits, kept = True, "power-loss"
        except (UsageError, Forbidden):
            await self._nodes.aclose()
            raise
        cluster = self._nodes.cluster
        shards = self._shards or (CLUSTER_SHARDS if cluster else 1)
        publish = "SPUBLISH" if cluster else "PUBLISH"
        self._layout = Layout(Places(self._prefix, shards), self._limits, publish)
        self._found = Capabilities(
            name="redis",
            durability=kept,
            remote=True,
            skew=found.skew,
            version=found.version,
        )

    async def run(self, batch: Batch) -> Reply:
        """Run a batch on one entity, atomically, in one trip."""
        writes = batch.writes
        short = shorten(self._layout, self._script, batch)
        if short is None:
            check(batch)
        if writes and not self._is_noted(batch.ref):
            await self._register(batch.ref)
        reply: Reply | None = None
        if short is not None:
            again, synced = not writes or batch.repeatable, writes and self._waits
            answers = await self._nodes.call(*short, again=again, synced=synced)
            reply, whole = read_short(batch, answers)
            if reply is not None and not whole:
                reply = await self._complete(batch, reply)
        if reply is None:
            reply = await self._run_whole(batch)
        if writes and not self._is_noted(batch.ref):  # it went over a new connection
            with suppress(ThreadkeepError):  # the batch is done; the next one will see to it
                await self._register(batch.ref)
        return reply

    async def _run_whole(self, batch: Batch) -> Reply:
        build, names = self._layout.batch, named(batch)
        if batch.writes:
            sent, staged = stage(batch)
            answer = await self._call(
                batch.ref,
                names,
                lambda names: build(sent, names, staged, mode="w"),
                again=batch.repeatable,
                synced=self._waits,
                staged=staged,
            )
            return read_reply(batch, answer)
        for _ in range(TRIES):
            answer = await self._call(
                batch.ref, names, lambda names: build(batch, names, Staged(), mode="r"), again=True
            )
            reply = await self._complete(batch, read_reply(batch, answer))
            if reply is not None:
                return reply
        # the large values do not stand still: have the script bring them
        answer = await self._call(
            batch.ref, names, lambda names: build(batch, names, Staged(), mode="w"), again=True
        )
        return read_reply(batch, answer)

    async def _complete(self, batch: Batch, reply: Reply) -> Reply | None:
        """Get the large values that a reply leaves out; None when one of them is not there any more."""
        places = list(dict.fromkeys(wanted(batch, reply)))
        if not places:
            return reply
        place, slot = self._layout.place, self._layout.places.home(batch.ref).slot
        commands: list[Command] = [("HGET", place(batch.ref, own), field) for own, field in places]
        answers = await self._nodes.call(slot, commands, again=True)
        raise_first(answers)
        if None in answers:
            return None
        return filled(batch, reply, dict(zip(places, answers, strict=True)))

    async def _call(
        self,
        ref: Ref,
        names: Names,
        build: Build,
        *,
        again: bool,
        synced: bool = False,
        staged: Staged | None = None,
    ) -> list[Any]:
        slot = self._layout.places.home(ref).slot
        while True:
            keys, args = build(names)
            words = (len(keys), *keys, *args)
            commands: list[Command] = [(self._script, *words)]
            if staged is not None and staged.values:
                # by its text: a script that the server does not know would leave the values there
                whole = replace(self._script, whole=True)
                beside = self._layout.beside(ref, staged)
                commands = [("MULTI",), *beside, (whole, *words), ("EXEC",)]
            answers = await self._nodes.call(slot, commands, again=again, synced=synced)
            raise_first(answers)
            answer = answers[-1]
            if len(commands) > 1:
                raise_first(answer)
                answer = answer[-1]
            missing = need(answer)
            if missing is None:
                return answer
            kind, name = missing  # a map or log that only the server knows of
            (names.maps if kind == "map" else names.logs)[name] = None

    async def _register(self, ref: Ref) -> None:
        """Note the namespace and kind where claims look for them.

        Once for each connection: a server that was started again may have lost what it had.
        """
        key = self._layout.places.spaces
        member = f"{ref.namespace}\0{ref.kind}"
        link = self._nodes.link(self._home)
        (answer,) = await self._nodes.call(self._home, [("SADD", key, member)], again=True)
        if isinstance(answer, ServerError) and answer.code == "OOM":
            return  # what only takes away may go on, and says by itself that it cannot
        if isinstance(answer, Exception):
            raise answer
        if link is not self._known_by:
            self._known.clear()
            self._known_by = link
        self._known.add((ref.namespace, ref.kind))

    def _is_noted(self, ref: Ref) -> bool:
        link = self._nodes.link(self._home)
        return link is self._known_by and (ref.namespace, ref.kind) in self._known

    async def spaces(self) -> list[tuple[str, str]]:
        """Return the namespaces and kinds that were ever written, sorted."""
        key = self._layout.places.spaces
        (answer,) = await self._nodes.call(self._home, [("SMEMBERS", key)], again=True)
        if isinstance(answer, Exception):
            raise answer
        found = [tuple(member.decode().split("\0", 1)) for member in answer]
        return sorted((space[0], space[1]) for space in found)

    async def scan(self, query: Query) -> Page:
        """Return one page of a listing: in two trips, rarely more."""
        return await AsyncRedisListing(
            self._nodes, self._layout.places, self._look, self._tidy
        ).page(query)

    async def _look(self, ref: Ref) -> EntityInfo | None:
        look = self._layout.look
        answer = await self._call(ref, Names({}, {}), lambda names: look(ref, names), again=True)
        return read_look(answer)

    async def _tidy(self, ref: Ref) -> None:
        await self._tend(ref, 1, None)

    async def claim(self, due: Due) -> tuple[Claim, ...]:
        """Lease expired entities to this caller and reclaim what has run out in them."""
        if due.ref is not None:
            if due.namespace not in {None, due.ref.namespace}:
                return ()
            claim = await self._tend(due.ref, due.lease, due.token)
            return () if claim is None else (claim,)
        claims: list[Claim] = []
        for namespace, kind in await self.spaces():
            if due.namespace not in {None, namespace} or kind not in KINDS:
                continue
            for shard in range(self._layout.places.shards):
                base = self._layout.places.base(namespace, kind, shard)
                for id_ in await self._due(base, due.limit * 8):
                    claim = await self._tend(Ref(namespace, kind, id_), due.lease, None)
                    if claim is not None:
                        claims.append(claim)
                    if len(claims) >= due.limit:
                        return tuple(claims)
        return tuple(claims)

    async def _due(self, base: str, count: int) -> list[str]:
        ends = indexes(base)[1]
        asked = ("ZRANGEBYSCORE", ends, "-inf", "+inf", "WITHSCORES", "LIMIT", 0, count)
        moment, found = await self._nodes.call(
            slot_of(ends.encode()), [("TIME",), asked], again=True
        )
        for answer in (moment, found):
            if isinstance(answer, Exception):
                raise answer
        now = int(moment[0]) * 1_000_000 + int(moment[1])
        # one that a read has met is marked a microsecond after its end
        return [name.decode() for name, end in scored(found) if end <= now + 1]

    async def _tend(self, ref: Ref, lease: int, token: int | None) -> Claim | None:
        tend = self._layout.tend
        answer = await self._call(
            ref,
            Names({}, {}),
            lambda names: tend(ref, names, lease, token),
            again=token is not None,
        )
        if answer[0] != CLAIMED:
            return None
        _, epoch, until, ended = answer
        return Claim(ref, epoch.hex(), until, ended)

    async def watch(self, ref: Ref) -> AsyncIterator[int]:
        """Yield the revision now and then after each change, coalesced; also after a lost connection."""
        base = self._layout.places.of(ref)
        told = channel(base, ref.id).encode()
        last = -1
        async for _ in self._nodes.listen(slot_of(entity(base, ref.id).encode()), told):
            revision = (await self.run(Batch(ref, (Info(),)))).revision
            if revision != last:
                last = revision
                yield revision

    async def aclose(self) -> None:
        """Close the connections; twice is fine."""
        await self._nodes.aclose()
