"""How much each caller may still send: buckets in the store, which all workers and machines share.

A worker takes a share of tokens from the store and spends it without I/O, so that a caller who stays below its
rate costs few trips, and one who is refused costs one a second.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
import time
from collections.abc import Callable
from typing import Any, Final

from threadkeep._async.store import AsyncStore
from threadkeep.errors import Unavailable
from threadkeep.model.codec import decode, encode
from threadkeep.model.leases import FOREVER, lease_of
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch
from threadkeep.ops.ops import AnyGuard, Get, Missing, Now, Same, Set
from threadkeep.ops.reply import Field, Fields, Moment, Reply
from threadkeep.server.access.bucket import Bucket, Taken
from threadkeep.server.access.callers import Caller
from threadkeep.server.access.keys import SPACE
from threadkeep.server.bodies import Refused
from threadkeep.server.settings import ServerLimits

MOST_CALLERS: Final = 10_000
SHARE_SECONDS: Final = 0.1  # of its rate that a worker takes at a time
KEPT_SECONDS: Final = 1.0  # for which a share may be spent
TRIES: Final = 50
_MAP: Final = "state"


class Budgets:
    """The budgets of all callers, where the limits set any."""

    def __init__(
        self,
        store: AsyncStore,
        limits: ServerLimits,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store, self._clock = store, clock
        self._buckets = {
            name: Bucket(rate, limits.burst_seconds)
            for name, rate in (("requests", limits.requests), ("bytes", limits.bytes))
            if rate is not None
        }
        self._shares: dict[tuple[str, str], _Share] = {}

    @property
    def bounded(self) -> bool:
        """Tell whether there is any budget to hold a request against."""
        return bool(self._buckets)

    async def request(self, caller: Caller) -> None:
        """Count a request; 429 where the caller has sent too many, or too many bytes before it."""
        if "requests" in self._buckets:
            await self._share(caller, "requests").spend(1.0)
        if "bytes" in self._buckets:
            await self._share(caller, "bytes").admit()

    def more_requests(self, caller: Caller, number: int) -> None:
        """Count what one request asks for beyond the first; what is over the budget delays the next one."""
        if number and "requests" in self._buckets:
            self._share(caller, "requests").owe(number)

    def bytes(self, caller: Caller, size: int) -> None:
        """Count the bytes of a body that was admitted; what is over the budget delays the next request."""
        if size and "bytes" in self._buckets:
            self._share(caller, "bytes").owe(size)

    def _share(self, caller: Caller, name: str) -> _Share:
        place = (caller.id, name)
        found = self._shares.pop(place, None)
        if found is None:
            found = _Share(self._store, caller.id, name, self._buckets[name], self._clock)
        self._shares[place] = found  # the one used last is the last to go
        while len(self._shares) > MOST_CALLERS:
            del self._shares[next(iter(self._shares))]
        return found


class _Share:
    """What this worker holds of one caller's bucket."""

    def __init__(
        self,
        store: AsyncStore,
        caller: str,
        name: str,
        bucket: Bucket,
        clock: Callable[[], float],
    ) -> None:
        id_ = hashlib.sha256(caller.encode("utf-8", "surrogatepass")).hexdigest()
        self._store, self._ref, self._name = store, Ref(SPACE, "user", f"budget-{id_}"), name
        self._bucket, self._clock = bucket, clock
        self._held = 0.0
        self._until = self._refused_until = self._clear_at = float("-inf")
        self._lock = asyncio.Lock()

    async def spend(self, cost: float) -> None:
        """Spend tokens that are there."""
        await self._have(cost)
        self._held -= cost

    async def admit(self) -> None:
        """Refuse a caller who owes."""
        await self._have(1.0)

    def owe(self, cost: float) -> None:
        """Spend more than there may be."""
        self._held -= cost

    async def _have(self, cost: float) -> None:
        if self._enough(cost):
            return
        async with self._lock:
            if self._enough(cost):
                return
            await self._refill(cost)

    def _enough(self, cost: float) -> bool:
        now = self._clock()
        if now < self._refused_until:
            raise self._refusal(self._clear_at - now)
        if now >= self._until:
            self._held = min(self._held, 0.0)
        return self._held >= cost

    async def _refill(self, cost: float) -> None:
        debt = max(0.0, -self._held)
        wanted = max(cost - self._held - debt, self._bucket.rate * SHARE_SECONDS)
        taken = await self._taken(debt, cost - self._held - debt, wanted)
        self._held += debt + taken.given
        now = self._clock()
        if not taken.given:
            self._clear_at = now + taken.wait
            self._refused_until = now + min(taken.wait, KEPT_SECONDS)
            raise self._refusal(taken.wait)
        self._until = now + KEPT_SECONDS

    def _refusal(self, seconds: float) -> Refused:
        what = f"{self._bucket.rate:g} {self._name} a second"
        return Refused(
            429, f"the caller is over its {what}", Retry_After=str(max(1, math.ceil(seconds)))
        )

    async def _taken(self, debt: float, least: float, most: float) -> Taken:
        """Take from the bucket in the store; whoever came between is seen, so nothing is given twice."""
        engine = await self._store.ready()
        looked = (Get(_MAP, (self._name,), renew=False), Now())
        reply = await engine.run(Batch(self._ref, looked))
        for _ in range(TRIES):
            known, now = _seen(reply, self._name)
            empty_at: Any = None if known is None else decode(known.value)
            taken = self._bucket.take(empty_at, now, debt=debt, least=least, most=most)
            if not debt and not taken.given:
                return taken
            seconds = math.ceil(self._bucket.lifetime(taken.empty_at, now)) + 60
            guard: AnyGuard = (
                Missing(_MAP, self._name)
                if known is None
                else Same(_MAP, self._name, known.revision)
            )
            write = Set(
                _MAP, {self._name: encode(taken.empty_at)}, lease_of(seconds, None, FOREVER)
            )
            reply = await engine.run(Batch(self._ref, (write,), (guard,), looked))
            if reply.ok:
                return taken
        raise Unavailable("too many workers ask for a caller's budget at once", maybe_applied=False)


def _seen(reply: Reply, name: str) -> tuple[Field | None, int]:
    fields, now = reply.results
    assert isinstance(fields, Fields)  # noqa: S101 - the replies to Get and Now
    assert isinstance(now, Moment)  # noqa: S101 - same
    return fields.fields.get(name), now.at
