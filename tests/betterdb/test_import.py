"""What BetterDB agent-cache wrote becomes fields, results and policies; keys are written as it writes them."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
import redis

from tests.cli.conftest import Program, one_line
from threadkeep import FOREVER, Sliding

NAME = "betterdb_ac"
ARGS = '{"city":"Sofia"}'
CHECKPOINT = "1f0a2b3c-0000-6000-8000-000000000001"
NOTHING = {"imported": 0, "replaced": 0, "same": 0, "skipped": 0}
NONE = {**dict.fromkeys(("fields", "results", "policies"), NOTHING), "guessed": 0, "unmapped": {}}


def fill(server: redis.Redis, name: str = NAME) -> None:
    """Write what the booking agent of its documentation leaves behind, and every other sort of key."""
    thread = f"{name}:session:user-42-thread-001"
    server.set(f"{thread}:intent", "book_flight", ex=1_800)
    server.set(f"{thread}:last_intent", "book_flight")
    server.set(f"{thread}:prices", '{"SOF":129}', px=300_000)
    server.set(f"{thread}:raw", b"\xff\x00")
    server.set(f"{thread}:empty", "")
    server.set(f"{name}:session:user-7:seat", "aisle", ex=86_400)
    server.set(f"{name}:session:g:checkpoint:{CHECKPOINT}", "{}")
    server.set(f"{name}:session:g:__checkpoint_latest", "{}")
    server.set(f"{name}:session:g:writes:{CHECKPOINT}|task%3A1|messages|0", "[]")
    at = int(time.time() * 1000) - 10_000
    stored = {
        "response": "sunny",
        "toolName": "get_weather",
        "args": json.loads(ARGS),
        "storedAt": at,
    }
    server.set(f"{name}:tool:get_weather:{'a' * 64}", json.dumps(stored), ex=300)
    answer = {"response": "hi", "model": "m", "storedAt": at}
    server.set(f"{name}:llm:{'b' * 64}", json.dumps(answer), ex=300)
    server.hset(f"{name}:__tool_policies", "get_weather", '{"ttl":300}')
    server.hset(f"{name}:__stats", "llm:hits", "1")
    server.set(f"{name}:__instance_id", "x")
    server.set("__betterdb:protocol", "1")
    server.set("unrelated", "1")


def left(entry: Any) -> float:
    """Return the seconds until a field ends."""
    return entry.expires_at.timestamp() - time.time()


def dumped(server: redis.Redis) -> dict[Any, Any]:
    return {key: server.dump(key) for key in server.scan_iter()}


def run(tk: Program, url: str, *words: str) -> dict[str, Any]:
    return tk.ok("import", "--from", "betterdb", url, *words, "--json").data


def test_session_fields_become_fields_of_threads(tk: Program, server: redis.Redis, url: str):
    fill(server)
    done = run(tk, url)
    unmapped = done.pop("unmapped")
    assert done == {
        "fields": {**NOTHING, "imported": 9},
        "results": {**NOTHING, "imported": 2},
        "policies": {**NOTHING, "imported": 1},
        "guessed": 0,
    }
    assert {sort: found["count"] for sort, found in unmapped.items()} == {
        "statistics and marks of its own": 2
    }
    assert f"{NAME}:__stats" in unmapped["statistics and marks of its own"]["examples"]
    with tk.store() as store:
        state = store.thread("user-42-thread-001").state
        assert state.get_all(renew=False) == {
            "empty": "",
            "intent": "book_flight",
            "last_intent": "book_flight",
            "prices": '{"SOF":129}',
            "raw": b"\xff\x00",
        }
        assert store.thread("user-7").state.get("seat", renew=False) == "aisle"
        assert sorted(store.thread("g").state.keys()) == [
            "__checkpoint_latest",
            f"checkpoint:{CHECKPOINT}",
            f"writes:{CHECKPOINT}|task%3A1|messages|0",
        ]
        assert sorted(info.id for info in store.threads()) == ["g", "user-42-thread-001", "user-7"]


def test_fields_end_when_they_would_have(tk: Program, server: redis.Redis, url: str):
    fill(server)
    server.expire(f"{NAME}:session:user-7:seat", 1_000)
    run(tk, url)
    with tk.store() as store:
        kept = store.thread("user-42-thread-001").state.entries()
        for name, seconds in (("intent", 1_800), ("prices", 300)):
            assert kept[name].lease.window is None
            assert left(kept[name]) == pytest.approx(seconds, abs=30)
        assert kept["last_intent"].lease == FOREVER
        seat = store.thread("user-7").state.entry("seat")
        assert left(seat) == pytest.approx(1_000, abs=30)


def test_fields_can_go_on_sliding(tk: Program, server: redis.Redis, url: str):
    fill(server)
    run(tk, url, "--ttl", "30m")
    with tk.store() as store:
        kept = store.thread("user-42-thread-001").state.entries()
        assert kept["prices"].lease == Sliding(1_800)
        assert left(kept["prices"]) == pytest.approx(300, abs=30)
        assert kept["last_intent"].lease == FOREVER


def test_twice_is_once(tk: Program, server: redis.Redis, url: str):
    fill(server)
    run(tk, url)
    with tk.store("store.db?mode=ro") as store:
        before = {i.id: (i.revision, i.updated_at) for i in store.threads(prefix="")}
    again = run(tk, url)
    assert [again[sort]["same"] for sort in ("fields", "results", "policies")] == [9, 2, 1]
    assert not any(again[sort]["imported"] for sort in ("fields", "results", "policies"))
    with tk.store("store.db?mode=ro") as store:
        assert {i.id: (i.revision, i.updated_at) for i in store.threads(prefix="")} == before
    server.set(f"{NAME}:session:user-7:meal", "none")
    assert run(tk, url)["fields"]["imported"] == 1


def test_the_server_is_only_read(tk: Program, server: redis.Redis, url: str):
    fill(server)
    before = dumped(server)
    run(tk, url)
    assert dumped(server) == before


def test_what_stands_with_another_value(tk: Program, server: redis.Redis, url: str):
    fill(server)
    with tk.store() as store:
        store.thread("user-7").state.update({"seat": "window", "own": 1})
    failed = tk("import", "--from", "betterdb", url)
    assert failed.code == 5
    assert "field 'seat' of thread 'user-7'" in failed.err
    with tk.store() as store:
        assert store.thread("user-7").state.get_all() == {"own": 1, "seat": "window"}
    assert run(tk, url, "--on-conflict", "skip")["fields"]["skipped"] == 1
    with tk.store() as store:
        assert store.thread("user-7").state.get("seat") == "window"
    assert run(tk, url, "--on-conflict", "replace")["fields"]["replaced"] == 1
    with tk.store() as store:
        assert store.thread("user-7").state.get_all() == {"own": 1, "seat": "aisle"}


def test_keys_with_several_colons_are_told(tk: Program, server: redis.Redis, url: str):
    server.set(f"{NAME}:session:acme:bob:secret", "x")
    server.set(f"{NAME}:session:acme:open", "y")
    done = run(tk, url)
    assert (done["fields"]["imported"], done["guessed"]) == (2, 1)
    with tk.store() as store:
        assert store.thread("acme:bob").state.get_all() == {"secret": "x"}
        assert store.thread("acme").state.get_all() == {"open": "y"}
    run(tk, url, "--split", "first", "--store", "sqlite:///first.db")
    with tk.store("first.db") as store:
        assert store.thread("acme").state.get_all() == {"bob:secret": "x", "open": "y"}


def test_what_cannot_be_mapped_is_named(tk: Program, server: redis.Redis, url: str):
    keys = [
        "session::field",
        "session:thread:",
        "session:nocolon",
        "session:a\n:b",
        f"session:{'x' * 600}:y",
    ]
    for key in keys:
        server.set(f"{NAME}:{key}", "x")
    server.set(NAME.encode() + b":session:\xff:y", "x")
    server.rpush(f"{NAME}:session:t:list", "x")
    server.set(f"{NAME}:memory:1", "x")
    done = run(tk, url)
    assert {**done, "unmapped": {}} == NONE
    counts = {sort: found["count"] for sort, found in done["unmapped"].items()}
    assert counts == {
        "names that cannot be": 6,
        "values of another type": 1,
        "keys of another layout": 1,
    }
    told = tk.ok("import", "--from", "betterdb", url).err
    assert "fields: none" in told
    assert "not copied: 1 values of another type, such as betterdb_ac:session:t:list" in told


@pytest.mark.parametrize("name", ["ac", "a*", "a[b]", "back\\slash", "a:b"])
def test_other_caches_stay_out(tk: Program, server: redis.Redis, url: str, name: str):
    fill(server, name)
    for other in ("ac2", "xac", "ab", "axb"):
        server.set(f"{other}:session:t:f", "other")
    assert run(tk, url, "--name", name)["fields"]["imported"] == 9
    with tk.store() as store:
        assert sorted(info.id for info in store.threads()) == ["g", "user-42-thread-001", "user-7"]


def test_dry_run_writes_nothing(tk: Program, server: redis.Redis, url: str):
    fill(server)
    assert run(tk, url, "--dry-run")["fields"]["imported"] == 9
    assert tk.files() == []
    told = tk.ok("import", "--from", "betterdb", url, "--dry-run").err
    assert told.startswith("fields: 9 imported (only looked at)")


def test_many_threads(tk: Program, server: redis.Redis, url: str):
    pipeline = server.pipeline()
    for number in range(3_000):
        pipeline.set(f"{NAME}:session:t{number % 700}:f{number}", number, ex=600)
    pipeline.execute()
    assert run(tk, url)["fields"]["imported"] == 3_000
    with tk.store() as store:
        assert sum(info.fields for info in store.threads()) == 3_000
        assert store.thread("t7").state.get("f707", renew=False) == "707"


def test_what_cannot_be_read_is_said(tk: Program):
    for source, code in (("file.jsonl", 2), ("http://x", 2), ("redis://127.0.0.1:1", 6)):
        ended = tk("import", "--from", "betterdb", source)
        assert ended.code == code, ended
        one_line(ended.err)
    ended = tk("import", "x.jsonl", "--name", "ac")
    assert ended.code == 2
    assert "--from betterdb" in one_line(ended.err)
    ended = tk("import", "--from", "betterdb", "redis://u:secret@127.0.0.1:1")
    assert "secret" not in ended.err
    assert tk.files() == []
