"""What the caches of tool and model results take and return."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any, Literal, TypedDict

import msgspec

from threadkeep.errors import UsageError
from threadkeep.model.blocks import Block
from threadkeep.model.leases import Lease

OnError = Literal["miss", "raise"]
Advice = Literal["raise", "keep", "lower", "disable"]


class Tokens(msgspec.Struct, frozen=True):
    """What a model call used."""

    input: int = 0
    output: int = 0


TokensGiven = Tokens | tuple[int, int] | Mapping[str, int]
Price = Callable[[str, Tokens], float | Decimal | None]


class CacheOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How `store.tools` and `store.llm` behave.

    `on_error`: what a failing engine means: "miss" (counted, the call goes on) or "raise".
    `sliding`: a hit renews the entry to its own window. `accept`: whether a result may be kept, beside the
    rule for errors and refusals. `normalize`: takes each object in the arguments and returns what counts of
    it for the key. `alias`: takes a request to a model and returns a second key that its answer may stand
    under, or None; asked after a miss, one trip more. `price`: dollars of a model call by model and tokens;
    None where it knows no price. `claim_seconds`: how long a filler that died holds up others.
    `wait_seconds`: how long a caller waits for another's call before it makes its own. `flush_seconds`: how
    often counts are sent.
    """

    on_error: OnError = "miss"
    sliding: bool = False
    accept: Callable[[Any], bool] | None = None
    normalize: Callable[[dict[str, Any]], Any] | None = None
    alias: Callable[[Mapping[str, Any]], str | None] | None = None
    price: Price | None = None
    claim_seconds: float = 10
    wait_seconds: float = 60
    flush_seconds: float = 1

    def __post_init__(self) -> None:
        if self.on_error not in ("miss", "raise"):
            raise UsageError(f'on_error is {self.on_error!r}; use "miss" or "raise"')
        for name in ("claim_seconds", "wait_seconds", "flush_seconds"):
            if not 0 < getattr(self, name) < float("inf"):
                raise UsageError(f"{name} must be a positive number of seconds")


class Keeping(TypedDict, total=False):
    """How a result that is not there yet is kept.

    `ttl`: its life; see `store`. `stale_for`: seconds beyond it in which the old result is served while one
    caller fetches a new one in the background. `negative_ttl`: the life of a result that is None; without it
    such a result is not kept. `cost`: dollars that a hit saves, or what tells them by the result. `accept`:
    tells whether a result may be kept. `ignore`: names of arguments that do not count. `type`: as in
    `state.get`.
    """

    ttl: float | timedelta | Lease | None
    stale_for: float | timedelta
    negative_ttl: float | timedelta | Lease | None
    cost: float | Callable[[Any], float | None] | None
    accept: Callable[[Any], bool] | None
    ignore: Iterable[str]
    type: Any


class LlmKeeping(Keeping, total=False):
    """As Keeping; `tokens`: what the call used, or what tells it by the response."""

    tokens: TokensGiven | Callable[[Any], TokensGiven | None] | None


class ToolHit(msgspec.Struct, frozen=True):
    """What a check of the tool cache found.

    `key`: the SHA-256 of the arguments. `age`: seconds since it was stored, or since a hit renewed it
    (`sliding`). `ttl`: seconds it has left, None where it has no end. `stale`: its ttl is over and it may still
    be served. Both times are the engine's.
    """

    hit: bool
    response: Any
    key: str
    age: float | None = None
    ttl: float | None = None
    stale: bool = False


class LlmHit(msgspec.Struct, frozen=True):
    """What a check of the model cache found; `blocks` where content blocks were stored (`response` is their text).

    `key`, `age`, `ttl` and `stale` as in ToolHit; `tokens` and `cost_micros` (of a dollar) of the call that was saved.
    """

    hit: bool
    response: Any
    key: str
    age: float | None = None
    ttl: float | None = None
    stale: bool = False
    blocks: tuple[Block, ...] | None = None
    tokens: Tokens | None = None
    cost_micros: int | None = None


class ToolPolicy(msgspec.Struct, frozen=True):
    """The stored lease of a tool's results."""

    tool: str
    lease: Lease


class CacheCounts(msgspec.Struct, frozen=True):
    """Counts of one tool or model, or of all.

    `errors`: calls that the engine failed; `corrupt`: entries that could not be read; lookups among them are
    misses too. `saved_micros`: cost of the calls that hits spared, in millionths of a dollar.
    """

    hits: int = 0
    misses: int = 0
    stores: int = 0
    errors: int = 0
    corrupt: int = 0
    saved_micros: int = 0
    saved_input_tokens: int = 0
    saved_output_tokens: int = 0

    @property
    def lookups(self) -> int:
        """Return hits and misses."""
        return self.hits + self.misses

    @property
    def hit_rate(self) -> float:
        """Return the share of hits, 0 to 1; 0 without lookups."""
        return self.hits / self.lookups if self.lookups else 0.0


class CacheStats(msgspec.Struct, frozen=True):
    """Counts of a cache: of all of it, and by tool or model, sorted by name.

    `others`: what was counted, without its name, of names beyond the 70,000 or so that there is room for.
    """

    total: CacheCounts
    by_name: dict[str, CacheCounts]
    others: CacheCounts = CacheCounts()


class StoreStats(msgspec.Struct, frozen=True):
    """Counts of both caches of a namespace, over all processes."""

    tools: CacheStats
    llm: CacheStats

    @property
    def saved_micros(self) -> int:
        """Return the cost that both caches saved, in millionths of a dollar."""
        return self.tools.total.saved_micros + self.llm.total.saved_micros


class ToolEffectiveness(msgspec.Struct, frozen=True):
    """What a tool's cache brings and what to do about its ttl (seconds, None: no end)."""

    tool: str
    lookups: int
    hit_rate: float
    saved_micros: int
    ttl: float | None
    advice: Advice
    reason: str
