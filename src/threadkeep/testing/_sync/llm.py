# Generated from src/threadkeep/testing/_async/llm.py by scripts/unasync. Do not edit.
"""Answers of models: found by everything that the request says."""

from __future__ import annotations

from typing import Any

import pytest

from threadkeep._sync.store import Store
from threadkeep.errors import UsageError
from threadkeep.layers.cache_keys import by_content
from threadkeep.model.blocks import (
    BinaryBlock,
    ReasoningBlock,
    TextBlock,
    ToolCallBlock,
    ToolResultBlock,
)
from threadkeep.model.caches import CacheOptions, Tokens
from threadkeep.testing._sync.clock import Clock
from threadkeep.testing._sync.fixtures import MakeStore
from threadkeep.testing._sync.upstream import Upstream
from threadkeep.testing.tasks import Tasks
from threadkeep.testing.trips import Trips

PARAMS: dict[str, Any] = {
    "model": "gpt-4o",
    "messages": [{"role": "user", "content": "What is the capital of Bulgaria?"}],
}
BLOCKS = [
    ReasoningBlock("Capitals.", signature="c2ln"),
    TextBlock("Sofia"),
    BinaryBlock("image", "image/png", "sha256:abc", detail="low"),
    ToolCallBlock("call_1", "search", {"q": "Sofia", "n": 3}),
    ToolResultBlock("call_1", [{"title": "Sofia"}]),
    TextBlock("."),
]
EVERY = {
    "temperature": 0.0,
    "top_p": 0.5,
    "max_tokens": 100,
    "max_completion_tokens": 100,
    "tools": [{"type": "function", "function": {"name": "search"}}],
    "tool_choice": "auto",
    "parallel_tool_calls": False,
    "seed": 7,
    "stop": ["\n"],
    "n": 2,
    "logprobs": True,
    "presence_penalty": 1,
    "response_format": {"type": "json_object"},
    "reasoning_effort": "low",
    "thinking": {"type": "enabled", "budget_tokens": 1_024},
    "top_k": 5,
    "previous_response_id": "resp_1",
    "whatever_comes_next": None,
}


class TestLlm:
    """An answer stands under its model and the whole request."""

    def test_what_is_stored_is_found(self, store: Store) -> None:
        assert not (store.llm.check(PARAMS)).hit
        key = store.llm.store(PARAMS, "Sofia", tokens=Tokens(12, 3), cost=0.000_123)
        hit = store.llm.check(dict(reversed(PARAMS.items())))
        assert (hit.hit, hit.response, hit.key, hit.blocks) == (True, "Sofia", key, None)
        assert (hit.tokens, hit.cost_micros) == (Tokens(12, 3), 123)
        assert key == store.llm.key(PARAMS)

    def test_every_parameter_counts(self, store: Store) -> None:
        store.llm.store(PARAMS, "plain")
        for name, value in EVERY.items():
            assert not (store.llm.check({**PARAMS, name: value})).hit
            store.llm.store({**PARAMS, name: value}, name)
        for name, value in EVERY.items():
            assert (store.llm.check({**PARAMS, name: value})).response == name
            left = store.llm.check({**PARAMS, name: value}, ignore=[name])
            assert left.response == "plain"
        assert (store.llm.check({**PARAMS, "temperature": 0})).response == "temperature"
        assert len({store.llm.key({**PARAMS, "seed": seed}) for seed in (1, 1.0, True, "1")}) == 3

    def test_requests_that_cannot_be_are_refused(self, store: Store) -> None:
        wrong: list[Any] = [
            None,
            "text",
            [PARAMS],
            {**PARAMS, "temperature": float("nan")},
            {**PARAMS, "client": object()},
            {**PARAMS, "logit_bias": {50_256: -100}},
        ]
        for params in wrong:
            with pytest.raises(UsageError, match="params"):
                store.llm.check(params)
            with pytest.raises(UsageError, match="params"):
                store.llm.store(params, "x")
        with pytest.raises(UsageError, match="tokens"):
            store.llm.store(PARAMS, "x", tokens=(1, -1))
        assert (store.llm.stats()).total.lookups == 0

    def test_content_blocks_come_back_as_they_were(self, store: Store) -> None:
        store.llm.store(PARAMS, BLOCKS)
        hit = store.llm.check(PARAMS)
        assert hit.blocks == tuple(BLOCKS)
        assert hit.response == "Sofia."

        def answer(**_: Any) -> list[Any]:
            return BLOCKS

        for _ in range(2):
            assert store.llm.run({**PARAMS, "seed": 1}, answer) == BLOCKS

    def test_binary_content_counts_by_what_it_is(self, make_store: MakeStore) -> None:
        def asked(image: Any) -> dict[str, Any]:
            content = [{"type": "image", "source": {"media_type": "image/png", "data": image}}]
            return {"model": "m", "messages": [{"role": "user", "content": content}]}

        plain = make_store().llm
        assert plain.key(asked(b"png")) == plain.key(asked(b"png"))
        assert plain.key(asked(b"png")) != plain.key(asked(b"pn0"))
        assert plain.key(asked(b"png")) != plain.key(asked("cG5n"))
        same = make_store(caches=CacheOptions(normalize=by_content)).llm
        assert same.key(asked(b"png")) == same.key(asked("cG5n")) == same.key(asked("cG\n5n"))
        assert same.key(asked(b"png")) != same.key(asked("cG4w"))
        assert same.key({"data": "no base64!"}) != same.key({"data": "no base64?"})

        def pinned(block: dict[str, Any]) -> dict[str, Any]:
            return {name: x.partition("?")[0] if name == "url" else x for name, x in block.items()}

        own = make_store(caches=CacheOptions(normalize=pinned)).llm
        one, two = ({"image": {"url": f"https://x/a.png?sig={n}"}} for n in (1, 2))
        assert own.key(one) == own.key(two) != plain.key(one)

    def test_errors_and_refusals_are_not_kept(self, store: Store) -> None:
        refused: list[Any] = [
            {"error": {"code": 429}},
            {"finish_reason": "content_filter"},
            {"finishReason": "error"},
            {"stop_reason": "refusal"},
            {"status": "incomplete"},
            {"choices": [{"message": {"content": ""}, "finish_reason": "content_filter"}]},
            {"choices": [{"message": {"refusal": "I cannot"}, "finish_reason": "stop"}]},
        ]
        for response in refused:
            assert store.llm.store(PARAMS, response) is None
        assert not (store.llm.check(PARAMS)).hit
        said: dict[str, Any] = {"finish_reason": "stop", "message": {"content": "Sofia"}}
        good = {"status": "completed", "choices": [said]}
        assert store.llm.store(PARAMS, good) is not None

    def test_invalidate_model_and_clear(self, store: Store) -> None:
        models = ("gpt-4o", "gpt-4o-mini", "gpt-4o:2026", "", None)
        for model in models:
            for seed in range(5):
                store.llm.store({"model": model, "seed": seed}, model)
        store.tools.store("gpt-4o", {}, "a tool")
        assert store.llm.invalidate_model("gpt-4o") == 5
        assert store.llm.invalidate_model("gpt-4o") == 0
        assert not (store.llm.check({"model": "gpt-4o", "seed": 1})).hit
        assert (store.llm.check({"model": "gpt-4o:2026", "seed": 1})).hit
        assert store.llm.invalidate({"model": "gpt-4o-mini", "seed": 1})
        assert store.llm.invalidate_model("") == 10  # with those whose model is no text
        assert store.llm.clear() == 9
        assert (store.tools.check("gpt-4o")).hit
        assert (store.stats()).llm.total.stores == 25

    def test_an_answer_lives_an_hour(
        self, make_store: MakeStore, clock: Clock, store: Store
    ) -> None:
        made = make_store(clock=lambda: clock.micros() / 1e6)
        made.llm.store(PARAMS, "x")
        ttl = (made.llm.check(PARAMS)).ttl
        assert ttl is not None and 3_590 < ttl <= 3_600
        short = make_store(ttl={"llm": clock.span(5)})
        short.llm.store(PARAMS, "x")
        clock.pass_(6)
        assert not (store.llm.check(PARAMS)).hit

    def test_single_flight(self, store: Store, upstream: Upstream) -> None:
        upstream.pause = 0.05

        @store.llm.cached(tokens=lambda _: (10, 5), cost=0.25)
        def complete(model: str, messages: Any, **more: Any) -> Any:  # noqa: ARG001 - counts for the key
            return upstream(model=model, **more)

        calls = [lambda: complete("m", PARAMS["messages"], top_k=3) for _ in range(50)]
        assert Tasks.together(*calls) == [{"model": "m", "top_k": 3, "call": 1}] * 50
        assert len(upstream.calls) == 1
        request = {"model": "m", "messages": PARAMS["messages"], "top_k": 3}
        assert (store.llm.check(request)).hit
        counts = (store.llm.stats()).by_name["m"]
        assert counts.saved_micros == 50 * 250_000
        assert (counts.saved_input_tokens, counts.saved_output_tokens) == (500, 250)
        assert complete.invalidate("m", PARAMS["messages"], top_k=3)

    def test_what_a_price_says(self, make_store: MakeStore, store: Store) -> None:
        def price(model: str, tokens: Tokens) -> float | None:
            if model == "unknown":
                raise LookupError(model)
            return None if model == "free" else tokens.input * 1e-6 + tokens.output * 2e-6

        llm = make_store(caches=CacheOptions(price=price)).llm
        for model, micros in (("m", 30), ("unknown", None), ("free", None)):
            llm.store({"model": model}, "x", tokens=(10, 10))
            assert (llm.check({"model": model})).cost_micros == micros
        llm.store({"model": "m"}, "x", tokens=(10, 10), cost=1)
        assert (store.llm.check({"model": "m"})).cost_micros == 1_000_000

    def test_one_trip(self, make_store: MakeStore, store: Store) -> None:
        trips = Trips(store.ready())
        llm = make_store(engine=trips, caches=CacheOptions(flush_seconds=3_600)).llm
        for call in (
            lambda: llm.check(PARAMS),
            lambda: llm.store(PARAMS, "x"),
            lambda: llm.check(PARAMS),
            lambda: llm.replay(PARAMS),
            lambda: llm.invalidate(PARAMS),
        ):
            call()
            assert trips.taken() == {"run": 1}
