"""What an engine is: the six methods that everything above is built on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Literal, Protocol, runtime_checkable

import msgspec

from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch
from threadkeep.ops.reply import EntityInfo, Reply

LISTING_GRAIN = 60_000_000
TOMBSTONE = 24 * 3600 * 1_000_000
ONCE = 600 * 1_000_000


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """What an engine can do and promises; the conformance suite asks for these and never for a name.

    `durability`: what survives of an acknowledged batch: `power-loss`, `process` (a kill, not a power cut),
    `seconds(n)` or `none`, as the server's settings say. `processes`: several may use the store at once.
    `clock`: time can be injected. `limits`: those of fields and labels are this program's, not a server's.
    `skew`: server clock minus this process's clock, seconds.
    """

    name: str
    durability: str
    watch: bool = True
    processes: bool = True
    clock: bool = False
    limits: bool = True
    remote: bool = False
    skew: float = 0.0
    schema: int | None = None
    version: str = ""


class Query(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """List the entities of a kind: newest first, or by id with an optional prefix; all `labels` must be equal.

    `after`: a listing by id begins above this id, which need not stand. A cursor goes before it.
    """

    namespace: str
    kind: str
    order: Literal["newest", "id"] = "newest"
    prefix: str | None = None
    labels: tuple[tuple[str, str], ...] = ()
    cursor: str | None = None
    limit: int = 50
    after: str | None = None


class Listed(msgspec.Struct, frozen=True):
    """One entity of a listing."""

    ref: Ref
    info: EntityInfo


class Page(msgspec.Struct, frozen=True):
    """A page of a listing; `cursor` None means that it was the last one."""

    items: tuple[Listed, ...]
    cursor: str | None = None


class Due(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Ask for entities whose lease has run out, each leased to this caller for `lease` microseconds.

    `ref` asks for one; with `token` it extends the claim that this caller holds.
    """

    lease: int
    limit: int = 16
    namespace: str | None = None
    ref: Ref | None = None
    token: int | None = None


class Claim(msgspec.Struct, frozen=True):
    """An expired entity that is this caller's to finish until `token` (microseconds), which is also its fence."""

    ref: Ref
    epoch: str
    token: int
    ended: int


class AsyncEngine(Protocol):
    """A place that keeps entities, for asyncio."""

    @property
    def capabilities(self) -> Capabilities:
        """Say what it can do; final after `setup`."""
        ...

    async def setup(self) -> None:
        """Connect, then migrate or verify the schema. Raises SchemaMismatch or Unavailable."""
        ...

    async def run(self, batch: Batch) -> Reply:
        """Run a batch on one entity, atomically and isolated."""
        ...

    async def scan(self, query: Query) -> Page:
        """Return one page of a listing."""
        ...

    async def claim(self, due: Due) -> tuple[Claim, ...]:
        """Lease expired entities to this caller and reclaim what has run out elsewhere."""
        ...

    def watch(self, ref: Ref) -> AsyncIterator[int]:
        """Yield the revision now and then after each change, coalesced; 0: the entity does not stand."""
        ...

    async def aclose(self) -> None:
        """Finish what was begun and free everything; twice is fine."""
        ...


@runtime_checkable
class AsyncAmending(Protocol):
    """What an engine may offer that decides in this process: a read and what is made of it, in one transaction."""

    async def amend(self, batch: Batch, then: Callable[[Reply], Batch]) -> Reply:
        """Run the reads of a batch, and then the batch that `then` makes of their reply; return the reply of that.

        Atomic. Both are of the same entity. `then` is called while others wait, perhaps more than once and in another
        task or thread: it is quick, calls no store and has no effects.
        """
        ...


@runtime_checkable
class Amending(Protocol):
    """AsyncAmending without await."""

    def amend(self, batch: Batch, then: Callable[[Reply], Batch]) -> Reply:
        """Run the reads of a batch, and then the batch that `then` makes of their reply; return the reply of that."""
        ...


class Engine(Protocol):
    """A place that keeps entities, for threads: AsyncEngine without await."""

    @property
    def capabilities(self) -> Capabilities:
        """Say what it can do; final after `setup`."""
        ...

    def setup(self) -> None:
        """Connect, then migrate or verify the schema. Raises SchemaMismatch or Unavailable."""
        ...

    def run(self, batch: Batch) -> Reply:
        """Run a batch on one entity, atomically and isolated."""
        ...

    def scan(self, query: Query) -> Page:
        """Return one page of a listing."""
        ...

    def claim(self, due: Due) -> tuple[Claim, ...]:
        """Lease expired entities to this caller and reclaim what has run out elsewhere."""
        ...

    def watch(self, ref: Ref) -> Iterator[int]:
        """Yield the revision now and then after each change, coalesced; 0: the entity does not stand."""
        ...

    def close(self) -> None:
        """Finish what was begun and free everything; twice is fine."""
        ...
