"""Results of tools and models, and policies: what BetterDB agent-cache kept is found by the caches here."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
import redis

from tests.betterdb.test_import import NAME, NOTHING, run
from tests.cli.conftest import Program
from threadkeep import CacheOptions
from threadkeep.caching import (
    BinaryBlock,
    ReasoningBlock,
    TextBlock,
    ToolCallBlock,
    ToolResultBlock,
    betterdb_keys,
)

ARGS = {"city": "Sofia", "days": 3}
HELLO = [{"role": "user", "content": "hello"}]
# Requests and the keys that betterdb-agent-cache 0.12.0 gave them when it was run.
REQUESTS: dict[str, dict[str, Any]] = {
    "d51af591e3c3bdbdbb1524b5d36dfdce339c098f85662720a327e02b037807ea": {
        "model": "gpt-4o",
        "messages": HELLO,
    },
    "bc5b98cc23e670a3ce840a52f7f0e37729bef6f112af55d67cbccedef8119184": {
        "model": "gpt-4o",
        "messages": HELLO,
        "temperature": 0.7,
        "top_p": 0.9,
        "max_tokens": 100,
        "seed": 7,
        "stop": ["\n"],
    },
    "0a4b7f1f3c718df5eec72f288d6fb4fda1b1649d778377acd1a827787b4c4f2e": {
        "model": "m",
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "Grüße 😀"},
                    {
                        "type": "binary",
                        "kind": "image",
                        "mediaType": "image/png",
                        "ref": "sha256:ab",
                    },
                ],
            }
        ],
        "tools": [
            {"type": "function", "function": {"name": "b"}},
            {"type": "function", "function": {"name": "a", "parameters": {"z": 1, "a": None}}},
        ],
        "tool_choice": "auto",
        "response_format": {"type": "json_object"},
        "reasoning_effort": "low",
        "prompt_cache_key": "k",
        "seed": None,
    },
    "2d1e35d9b6ba150125147bddfd17dda33c66c5605decdfb0c092d99fe37c3d65": {
        "model": "m",
        "messages": HELLO,
        "temperature": 1.0,
    },
}


def stored(seconds_ago: float = 0, **more: Any) -> dict[str, Any]:
    return {"storedAt": int((time.time() - seconds_ago) * 1000), **more}


def tool(server: redis.Redis, name: str, args: Any, response: str, ex: int | None, **more: Any):
    entry = stored(response=response, toolName=name, args=args, **more)
    server.set(
        f"{NAME}:tool:{name}:{'a' * 60}{len(json.dumps(args)):04x}", json.dumps(entry), ex=ex
    )


def test_results_of_tools_are_found_by_their_arguments(tk: Program, server: redis.Redis, url: str):
    tool(server, "weather", ARGS, "sunny", 300, cost=0.002)
    tool(server, "weather", None, "everywhere", None)
    entry = stored(100, response="old", toolName="weather", args=[1])
    server.set(f"{NAME}:tool:weather:{'b' * 64}", json.dumps(entry), ex=200)
    assert run(tk, url)["results"] == {**NOTHING, "imported": 3}
    with tk.store() as store:
        hit = store.tools.check("weather", {"days": 3.0, "city": "Sofia"})
        assert hit.response == "sunny"
        assert hit.ttl == pytest.approx(300, abs=30)
        assert hit.age == pytest.approx(0, abs=30)
        assert store.stats().tools.by_name["weather"].saved_micros == 2_000
        old = store.tools.check("weather", [1])
        assert old.ttl == pytest.approx(200, abs=30)
        assert old.age == pytest.approx(100, abs=30)
        forever = store.tools.check("weather")
        assert (forever.response, forever.ttl) == ("everywhere", None)
        assert forever.age == pytest.approx(0, abs=30)
        assert store.tools.invalidate_tool("weather") == 3


@pytest.mark.parametrize("key", REQUESTS)
def test_answers_of_models_are_found_under_the_key_they_had(
    tk: Program, server: redis.Redis, url: str, key: str
):
    request = REQUESTS[key]
    answer = stored(response="hi", model=request["model"], tokens={"input": 10, "output": 2})
    server.set(f"{NAME}:llm:{key}", json.dumps({**answer, "cost": 0.001}), ex=300)
    assert run(tk, url)["results"] == {**NOTHING, "imported": 1}
    with tk.store() as store:
        assert store.llm.check(request).hit == (store.llm.key(request) == key)
    with tk.store(caches=CacheOptions(alias=betterdb_keys())) as store:
        hit = store.llm.check(request)
        assert (hit.response, hit.cost_micros) == ("hi", 1_000)
        assert hit.tokens is not None
        assert (hit.tokens.input, hit.tokens.output) == (10, 2)
        assert hit.ttl == pytest.approx(300, abs=30)
        assert store.llm.run(request, lambda: "new") == "hi"
        for more in ({"n": 2}, {"thinking": True}, {"temperature": 0.2}):
            assert not store.llm.check({**request, **more}).hit  # there it would be one answer
        assert not store.llm.check(request, ignore=["seed"]).hit
        assert store.llm.invalidate(request)
        assert not store.llm.check(request).hit
        store.llm.store(request, "own")
        assert store.llm.check(request).response == "own"


def test_answers_of_its_typescript_library_have_whole_floats_as_integers():
    request = {"model": "m", "messages": HELLO, "temperature": 1.0}
    python, typescript = betterdb_keys(), betterdb_keys("typescript")
    assert typescript(request) == typescript({**request, "temperature": 1}) != python(request)
    camel = {**request, "toolChoice": "auto", "responseFormat": {"type": "text"}}
    snake = {**request, "tool_choice": "auto", "response_format": {"type": "text"}}
    assert typescript(camel) == typescript(snake)
    for unsound in ({"model": "m"}, {**request, "temperature": None}, {**request, "x": 1}):
        assert typescript(unsound) is None


def test_content_blocks_come_along(tk: Program, server: redis.Redis, url: str):
    hints = {"anthropicCacheControl": {"type": "ephemeral"}}
    blocks = [
        {"type": "reasoning", "text": "Well", "opaqueSignature": "c2ln"},
        {"type": "text", "text": "hi", "hints": hints},
        {"type": "binary", "kind": "image", "mediaType": "image/png", "ref": "u", "detail": "low"},
        {"type": "tool_call", "id": "1", "name": "search", "args": {"q": 1}},
        {"type": "tool_result", "toolCallId": "1", "content": [{"type": "text", "text": "x"}]},
    ]
    key, request = next(iter(REQUESTS.items()))
    answer = stored(response="hi", contentBlocks=blocks, model="gpt-4o")
    server.set(f"{NAME}:llm:{key}", json.dumps(answer))
    run(tk, url)
    with tk.store(caches=CacheOptions(alias=betterdb_keys())) as store:
        hit = store.llm.check(request)
        assert hit.response == "hi"
        assert hit.blocks == (
            ReasoningBlock("Well", signature="c2ln"),
            TextBlock("hi", hints=hints),
            BinaryBlock("image", "image/png", "u", detail="low"),
            ToolCallBlock("1", "search", {"q": 1}),
            ToolResultBlock("1", [{"type": "text", "text": "x"}]),
        )
        assert store.llm.invalidate_model("gpt-4o") == 1


def test_policies_hold(tk: Program, server: redis.Redis, url: str):
    wrong = {"five": "5", "text": '{"ttl":"abc"}', "none": '{"ttl":0}', "more": '{"ttl":1,"x":1}'}
    server.hset(f"{NAME}:__tool_policies", mapping={"weather": '{"ttl":300}', **wrong})
    done = run(tk, url)
    assert done["policies"] == {**NOTHING, "imported": 1}
    assert done["unmapped"]["policies that cannot be read"]["count"] == 4
    with tk.store() as store:
        assert list(store.tools.policies()) == ["weather"]
        store.tools.store("weather", ARGS, "sunny")
        assert store.tools.check("weather", ARGS).ttl == pytest.approx(300, abs=30)


def test_what_cannot_be_read_is_named_and_nothing_is_made_of_it(
    tk: Program, server: redis.Redis, url: str
):
    good = stored(response="x", toolName="t", args={})
    for number, text in enumerate(
        [
            "not json",
            "[]",
            json.dumps({**good, "toolName": "other"}),
            json.dumps({**good, "response": {"a": 1}}),
            json.dumps({**good, "cost": -1}),
            json.dumps({**good, "unknown": 1}),
        ]
    ):
        server.set(f"{NAME}:tool:t:{number:064x}", text)
    server.set(f"{NAME}:tool:t:short", json.dumps(good))
    server.set(f"{NAME}:llm:short", json.dumps(stored(response="x", model="m")))
    server.set(f"{NAME}:llm:{'a' * 64}", json.dumps({"response": "x", "model": "m"}))
    server.rpush(f"{NAME}:tool:t:{'b' * 64}", "x")
    done = run(tk, url)
    assert done["results"] == NOTHING
    counts = {sort: found["count"] for sort, found in done["unmapped"].items()}
    assert counts == {"results that cannot be read": 9, "values of another type": 1}


def test_a_result_that_stands_with_another_value(tk: Program, server: redis.Redis, url: str):
    tool(server, "weather", ARGS, "sunny", 300)
    server.hset(f"{NAME}:__tool_policies", "weather", '{"ttl":300}')
    with tk.store() as store:
        store.tools.store("weather", ARGS, "rainy")
    failed = tk("import", "--from", "betterdb", url)
    assert failed.code == 5
    assert "the result" in failed.err
    assert run(tk, url, "--on-conflict", "skip")["results"]["skipped"] == 1
    with tk.store() as store:
        assert store.tools.check("weather", ARGS).response == "rainy"
    assert run(tk, url, "--on-conflict", "replace")["results"]["replaced"] == 1
    with tk.store() as store:
        assert store.tools.check("weather", ARGS).response == "sunny"
    again = run(tk, url)
    assert (again["results"]["same"], again["policies"]["same"]) == (1, 1)
