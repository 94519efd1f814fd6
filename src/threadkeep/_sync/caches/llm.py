# Generated from src/threadkeep/_async/caches/llm.py by scripts/unasync. Do not edit.
"""`store.llm`: answers of models, kept by everything that the request says."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, Unpack

from threadkeep._sync.caches.bringing import Terms, store_result
from threadkeep._sync.caches.calling import (
    Cached,
    cached,
    called,
    given_lease,
    known,
    mode_of,
    staleness,
    told,
    with_args,
)
from threadkeep._sync.caches.entries import Place
from threadkeep._sync.caches.flights import Mode
from threadkeep._sync.caches.streams import record, replay, stream
from threadkeep._sync.state import Ttl
from threadkeep.errors import UsageError
from threadkeep.layers import cache_keys
from threadkeep.layers.cache_entries import BLOCKS, STREAM, VALUE, Content
from threadkeep.layers.cache_names import prefix_of, stored_name
from threadkeep.layers.cache_results import is_refused, micros_of, tokens_of
from threadkeep.model.blocks import are_blocks, text_of
from threadkeep.model.caches import CacheStats, LlmHit, LlmKeeping, Tokens, TokensGiven

if TYPE_CHECKING:
    from threadkeep._sync.caches.caches import Caches
    from threadkeep._sync.store import Store

P = ParamSpec("P")
T = TypeVar("T")
log = logging.getLogger("threadkeep")


class Llm:
    """Answers of models; every process that uses the namespace shares them.

    An answer is found by its request: every parameter counts, known or not, unless it is named in `ignore`.
    """

    def __init__(self, store: Store, caches: Caches) -> None:
        self._store, self._caches = store, caches
        self._entries = caches.llm

    def key(self, params: Mapping[str, Any], *, ignore: Iterable[str] = ()) -> str:
        """Return the key of a request: the SHA-256 of its canonical JSON. No I/O."""
        if not isinstance(params, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance] - callers without a type checker
            raise UsageError(f"params must be a mapping, not {type(params).__name__}")
        return cache_keys.key_of(
            dict(params), ignore, self._entries.options.normalize, what="params"
        )

    def _place(self, params: Mapping[str, Any], ignore: Iterable[str], form: str = "") -> Place:
        left = tuple(ignore)
        key = self.key(params, ignore=left)
        model = "" if "model" in left else params.get("model", "")
        alias = self._entries.options.alias
        other = None if alias is None or form or left else alias(params)
        return self._entries.place(model if isinstance(model, str) else "", key + form, other)

    def check(
        self,
        params: Mapping[str, Any],
        *,
        type: Any = None,
        allow_stale: bool = False,
        ignore: Iterable[str] = (),
    ) -> LlmHit:
        """Look an answer up. One trip; counted.

        `params`: the request by name, of whatever the codec takes; `model` in it is what `invalidate_model` and
        the statistics go by. The rest as in `tools.check`.
        """
        place = self._place(params, ignore)
        found = self._entries.look(place, type)
        content = found.content
        if content is None or (found.stale and not allow_stale):
            self._entries.note(place.name, misses=1)
            return LlmHit(hit=False, response=None, key=place.key)
        self._entries.note_hit(place.name, content)
        blocks = tuple(content.response) if content.form == BLOCKS else None
        used = content.input is not None or content.output is not None
        return LlmHit(
            hit=True,
            response=content.response if blocks is None else text_of(blocks),
            key=place.key,
            age=found.age,
            ttl=found.ttl,
            stale=found.stale,
            blocks=blocks,
            tokens=Tokens(content.input or 0, content.output or 0) if used else None,
            cost_micros=content.cost,
        )

    def store(
        self,
        params: Mapping[str, Any],
        response: Any,
        *,
        ttl: Ttl = None,
        tokens: TokensGiven | None = None,
        cost: float | None = None,
        ignore: Iterable[str] = (),
    ) -> str | None:
        """Keep an answer and return its key; None when it was not kept. Atomic, one trip.

        `response`: text, any value that the codec takes, or a list of content blocks. `ttl`: None for the
        store's default for `llm`, else an hour. `cost`: dollars that a hit saves; without it, what the store's
        `price` says of model and `tokens`. Not kept: an error or a refusal (`error`, `refusal`, a status or
        finish reason that says so), what the store's `accept` refuses, and any answer while the engine fails,
        if that means a miss. UsageError, TooLarge: request, answer or ttl cannot be.
        """
        place = self._place(params, ignore)
        terms = self._terms({"ttl": ttl, "tokens": tokens, "cost": cost}, place.name)
        return store_result(self._entries, place, response, terms)

    def run(
        self,
        params: Mapping[str, Any],
        fn: Callable[..., Any],
        *,
        bypass: bool = False,
        refresh: bool = False,
        read_only: bool = False,
        **keeping: Unpack[LlmKeeping],
    ) -> Any:
        """Return the answer that is kept, or call `fn` and keep what it returns.

        `fn` is called with `params` by name, or without any where it takes none. All else as in `tools.run`.
        """
        mode = mode_of(bypass=bypass, refresh=refresh, read_only=read_only)
        place = self._place(params, keeping.get("ignore", ()))
        terms, call = self._terms(keeping, place.name), with_args(fn, params)
        return self._caches.llm_flights.run(place, lambda: called(call), terms, mode)

    def cached(self, **keeping: Unpack[LlmKeeping]) -> Callable[[Callable[P, T]], Cached[P, T]]:
        """Return a decorator for a function, async or not, whose answers are then kept as by `run`.

        Its arguments by name, defaults included, are the request; those of `**params` too. What cannot be a
        part of the key (`self`, a client) goes into `ignore`. Methods as with `tools.cached`.
        """
        self._terms(keeping, "")  # what cannot be is refused here, not at the first call
        ignore = tuple(keeping.get("ignore", ()))

        def decorate(fn: Callable[P, T]) -> Cached[P, T]:
            def run(params: dict[str, Any], call: Callable[[], Any], mode: Mode) -> Any:
                place = self._place(params, ignore)
                terms = self._terms(keeping, place.name)
                return self._caches.llm_flights.run(place, call, terms, mode)

            def forget(params: dict[str, Any]) -> bool:
                return self.invalidate(params, ignore=ignore)

            return cached(fn, run, forget)

        return decorate

    def record(
        self, params: Mapping[str, Any], pieces: Iterable[T], **keeping: Unpack[LlmKeeping]
    ) -> Generator[T]:
        """Pass the pieces of an answer on as they come and keep them when the last has come.

        As `tools.record`; `tokens` and `cost` may tell by the list of all pieces.
        """
        place = self._place(params, keeping.get("ignore", ()), form=STREAM)
        return record(self._entries, place, pieces, self._terms(keeping, place.name))

    def replay(
        self, params: Mapping[str, Any], *, type: Any = None, ignore: Iterable[str] = ()
    ) -> list[Any] | None:
        """Return the pieces of a recorded answer, as they were; None where none is kept. One trip; counted."""
        return replay(self._entries, self._place(params, ignore, form=STREAM), type)

    def stream(
        self,
        params: Mapping[str, Any],
        fn: Callable[..., Any],
        *,
        refresh: bool = False,
        **keeping: Unpack[LlmKeeping],
    ) -> Generator[Any]:
        """Yield the pieces that are kept, else those of the stream that `fn` returns, and record them.

        `fn` is called as by `run`. Streams are not held back for each other: concurrent misses each call.
        """
        place = self._place(params, keeping.get("ignore", ()), form=STREAM)
        terms = self._terms(keeping, place.name)
        return stream(self._entries, place, with_args(fn, params), terms, refresh=refresh)

    def invalidate(self, params: Mapping[str, Any], *, ignore: Iterable[str] = ()) -> bool:
        """Remove an answer, also a recorded one; tell whether one stood. Atomic, one trip; as `tools.invalidate`."""
        return self._entries.remove(self._place(params, ignore))

    def invalidate_model(self, model: str) -> int:
        """Remove all answers of a model and return how many stood. A trip for each of at most 1,024 buckets.

        `model` "" is that of requests which name none. As `tools.invalidate_tool`.
        """
        return self._entries.clear(prefix_of(stored_name(model)))

    def clear(self) -> int:
        """Remove all answers and return how many stood. A trip for each bucket; counts stay."""
        return self._entries.clear(None)

    def stats(self) -> CacheStats:
        """Return what the cache brought, by model, over all processes. At most a listing and 64 trips."""
        return self._caches.counting.read("llm")

    def _terms(self, keeping: LlmKeeping, model: str) -> Terms:
        known(keeping, _OPTIONS)
        lease = given_lease(keeping.get("ttl"))

        def content(result: Any) -> Content:
            tokens = tokens_of(told(keeping.get("tokens"), result))
            cost = told(keeping.get("cost"), result)
            if cost is None and tokens is not None:
                cost = self._price(model, tokens)
            return Content(
                result,
                form=BLOCKS if are_blocks(result) else VALUE,
                cost=micros_of(cost),
                input=tokens.input if tokens else None,
                output=tokens.output if tokens else None,
            )

        return Terms(
            content=content,
            refused=is_refused,
            accept=keeping.get("accept"),
            lease=lease,
            stale_for=staleness(keeping.get("stale_for"), lease),
            negative=given_lease(keeping.get("negative_ttl")),
            type=keeping.get("type"),
        )

    def _price(self, model: str, tokens: Tokens) -> float | Decimal | None:
        price = self._entries.options.price
        if price is None:
            return None
        try:
            return price(model, tokens)
        except Exception as error:  # noqa: BLE001 - the answer is there; only its price is not
            log.warning("price= failed with %s; a hit will save nothing", type(error).__name__)
            return None


_OPTIONS = (*LlmKeeping.__annotations__,)
