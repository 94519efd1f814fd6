"""User parts through raw requests: set, shown, attached, used up, cleared."""

from __future__ import annotations

import base64
import gzip
import json
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.http.faulty import Faulty
from tests.http.hosting import Hosted
from tests.http.raw import Client
from tests.http.test_access import Keys
from threadkeep import Store

T = "/v1/threads/t"
VALUES = "/v1/sessions/t/values"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
LARGE = PNG + os.urandom(60_000)
HELLO = {"role": "user", "content": "hello"}


def image(raw: bytes, mime_type: str = "image/png") -> dict[str, Any]:
    text = base64.b64encode(raw).decode()
    data = {"type": "bytes", "bytes": text, "mime_type": mime_type, "name": None}
    return {"part_type": "image", "data": data}


def text(words: str, **more: Any) -> dict[str, Any]:
    return {"part_type": "text", "data": words, **more}


def put(call: Client, name: str, part: dict[str, Any]) -> None:
    assert call("PUT", f"{T}/parts/{name}", part).status == 200


def test_parts_and_values_are_the_same_things(call: Client):
    put(call, "a%2Fb", image(LARGE))
    assert call("GET", f"{VALUES}/__user_part_a%2Fb").json == {"value": image(LARGE)}
    value = {"key": "__user_part_c", "value": text("over a plain route", order=-1)}
    assert call("POST", VALUES, value).status == 204
    packed = gzip.compress(json.dumps({"key": "__user_part_d", "value": image(LARGE)}).encode())
    assert call("POST", VALUES, packed, Content_Encoding="gzip").status == 204
    shown = call("GET", f"{T}/parts").json["parts"]
    assert list(shown) == ["c", "a/b", "d"]
    assert shown["d"] == image(LARGE)
    values = call("GET", VALUES).json["values"]
    assert values == {f"__user_part_{name}": part for name, part in shown.items()}
    state = call("GET", f"{T}/state").json["fields"]
    assert [field["value"] for field in state] == [values[field["name"]] for field in state]
    assert call("DELETE", f"{VALUES}/__user_part_d").status == 204
    assert call("DELETE", f"{T}/parts/a%2Fb").json == {"removed": 1}
    assert call("DELETE", f"{T}/parts").json == {"removed": 1}
    assert call("GET", VALUES).json == {"values": {}}
    assert call("GET", T).status == 404


def test_reading_with_a_format_uses_up_what_is_for_one_message(call: Client):
    put(call, "once", text("1", uses=1))
    put(call, "twice", text("2", uses=2, ttl=60))
    put(call, "always", text("3"))
    for query in ("", "?format=anthropic&use=false"):
        assert call("GET", f"{T}/parts{query}").status == 200
    used: list[list[str]] = []
    for _ in range(3):
        answer = call("GET", f"{T}/parts?format=anthropic")
        assert answer.headers["cache-control"] == "no-store"
        used.append(answer.json["used"])
    assert used == [["always", "once", "twice"], ["always", "twice"], ["always"]]


def test_one_of_many_readers_gets_it(call: Client):
    put(call, "once", text("1", uses=1))

    def take(number: int) -> list[str]:
        if number % 2:
            return call("POST", f"{T}/parts-attach", {"message": HELLO}).json["used"]
        return call("GET", f"{T}/parts?format=openai").json["used"]

    with ThreadPoolExecutor(8) as pool:
        assert [name for used in pool.map(take, range(16)) for name in used] == ["once"]


def test_a_budget_and_what_gives_way_to_it(call: Client):
    for name, size in (("a", 300), ("b", 200), ("c", 100)):
        put(call, name, text("x" * size, uses=1))
    refused = call("GET", f"{T}/parts?format=openai&max_bytes=300")
    assert refused.status == 413
    assert "max_bytes" in refused.error
    found = call("GET", f"{T}/parts?format=openai&max_bytes=300&leave_out=first").json
    left = {"name": "a", "reason": "max_bytes", "bytes": 300, "tokens": 75}
    assert (found["used"], found["left_out"], found["bytes"]) == (["b", "c"], [left], 300)
    body = {"message": HELLO, "format": "gemini", "max_tokens": 10, "leave_out": "last"}
    attached = call("POST", f"{T}/parts-attach", body).json
    assert attached["message"] == {"role": "user", "parts": [{"text": "hello"}]}
    assert [one["reason"] for one in attached["left_out"]] == ["max_tokens"]
    for query in ("max_bytes=x", "leave_out=all", "max_tokens=-1", "format=other", "use=2"):
        assert call("GET", f"{T}/parts?format=openai&{query}").status == 400, query
    for name, value in (("max_bytes", 9), ("max_tokens", 9), ("leave_out", "last")):
        refused = call("GET", f"{T}/parts?{name}={value}")
        assert (refused.status, name in refused.error) == (400, True)


WRONG: list[tuple[dict[str, Any], int, str]] = [
    (image(PNG, "image/gif"), 400, "image/png, not image/gif"),
    (image(b"words"), 400, "does not begin"),
    (image(b""), 400, "empty"),
    (image(PNG, "image"), 400, "media type"),
    ({"part_type": "image", "data": "x"}, 400, "mime_type"),
    ({"part_type": "text", "data": {"x": 1}}, 400, "text must be a str"),
    ({"part_type": "text", "data": "x", "uses": 0}, 400, "uses"),
    ({"part_type": "text"}, 400, "data"),
    ({"part_type": "text", "data": "x", "other": 1}, 400, "other"),
]


@pytest.mark.parametrize(("part", "status", "words"), WRONG)
def test_what_is_wrong_is_named(call: Client, part: dict[str, Any], status: int, words: str):
    answer = call("PUT", f"{T}/parts/p", part)
    assert (answer.status, words in answer.error) == (status, True), answer.error
    assert call("GET", f"{T}/parts").json == {"parts": {}}


def test_base64_that_is_none_is_refused_over_every_route(call: Client):
    part = image(PNG)
    part["data"]["bytes"] = "no base64"
    for answer in (
        call("PUT", f"{T}/parts/p", part),
        call("POST", VALUES, {"key": "__user_part_p", "value": part}),
    ):
        assert answer.status == 400
        assert "base64" in answer.error
    untold = {"key": "__user_part_p", "value": image(b"words")}
    assert call("POST", VALUES, untold).status == 204  # that contract takes the word of its clients


def test_who_may_only_read_counts_nothing(call: Client, hosted: Hosted):
    keys = Keys(call, hosted)
    writer, reader = keys.add("writer"), keys.add("reader", right="read")
    put(writer, "always", text("1"))
    assert reader("GET", f"{T}/parts?format=openai").json["used"] == ["always"]
    put(writer, "once", text("2", uses=1))
    assert reader("GET", f"{T}/parts?format=openai").status == 403
    assert reader("GET", f"{T}/parts?format=openai&use=false").json["used"] == ["always", "once"]
    assert writer("GET", f"{T}/parts?format=openai").json["used"] == ["always", "once"]


def test_parts_of_other_users_are_out_of_reach(call: Client, hosted: Hosted):
    keys = Keys(call, hosted)
    alice, bob = keys.add("alice", user="alice"), keys.add("bob", user="bob")
    put(alice, "mine", text("1", uses=1))
    body = {"message": HELLO}
    for method, path, content in (
        ("GET", "parts?format=openai", None),
        ("GET", "parts", None),
        ("POST", "parts-attach", body),
        ("PUT", "parts/mine", text("2")),
        ("DELETE", "parts/mine", None),
        ("DELETE", "parts", None),
    ):
        assert bob(method, f"{T}/{path}", content).status == 403
    assert alice("GET", f"{T}/parts").json["parts"] == {"mine": text("1", uses=1)}


def test_a_part_of_16_mib(call: Client):
    raw = PNG + os.urandom((16 << 20) - len(PNG))
    put(call, "p", image(raw))
    found = call("GET", f"{T}/parts?format=anthropic").json["content"]
    assert base64.b64decode(found[0]["source"]["data"]) == raw
    longer = call("PUT", f"{T}/parts/q", image(raw + b"x"))
    assert longer.status == 413
    assert "limit of parts" in longer.error


@pytest.mark.parametrize("fault", ["after", "middle"])
def test_a_lost_answer_loses_no_part(call: Client, fault: str):
    with (
        Faulty(call.port) as proxy,
        Store(f"http://127.0.0.1:{proxy.port}{call.base}/v1") as store,
    ):
        parts = store.thread("t").parts
        parts.set_text("once", "1", uses=1)
        proxy.faults("", fault, fault)
        assert parts.attach("hello").used == ("once",)
        assert proxy.faulted == 2
        assert parts.all() == {}


def test_a_part_of_16_mib_through_the_store(call: Client):
    with Store(f"http://127.0.0.1:{call.port}{call.base}/v1") as store:
        parts = store.thread("t").parts
        raw = PNG + os.urandom((16 << 20) - len(PNG))
        parts.set_image("a", raw)
        parts.set_image("b", raw)
        assert base64.b64decode(parts.all()["b"]["data"]["bytes"]) == raw
        assert parts.clear() == 2
