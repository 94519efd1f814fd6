"""Requests that are sent again under their `Idempotency-Key`: one effect, the same answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.http.hosting import Hosted
from tests.http.raw import Answer, Client
from tests.http.remote import Behind
from tests.http.test_access import Keys
from tests.http.test_parts import LARGE, T, image, text
from tests.wrappers.places import RING
from threadkeep import AsyncStore
from threadkeep._async.drivers.memory import AsyncMemoryEngine
from threadkeep.model.options import Limits
from threadkeep.model.refs import Ref
from threadkeep.ops import wire
from threadkeep.ops.batch import Batch
from threadkeep.ops.ops import Incr
from threadkeep.ops.reply import Number
from threadkeep.server import app
from threadkeep.server.repeating import KEY
from threadkeep.server.routes import ROUTES
from threadkeep.wrapping import encrypt

HELLO = {"message": {"role": "user", "content": "hello"}}
FEW = Limits(value=1 << 20)


def micros() -> int:
    return 1_900_000_000_000_000


@pytest.fixture(params=["memory", "sealed", "in_valkey", "in_postgres"])
def kept(request: pytest.FixtureRequest, hosted: Hosted) -> Iterator[Client]:
    """A client of a server whose store is of one of several kinds."""
    behind: Behind = (
        AsyncMemoryEngine
        if request.param in {"memory", "sealed"}
        else request.getfixturevalue(request.param)
    )
    wrap = [encrypt(RING)] if request.param == "sealed" else []

    async def opened() -> AsyncStore:
        store = AsyncStore(engine=behind(micros, FEW), wrap=wrap)
        await store.ready()
        return store

    store = hosted.run(opened)
    name = f"kept-{request.param}-{id(store)}"
    hosted.mount(name, app(store))
    yield Client(hosted.port, f"/{name}")
    hosted.run(store.aclose)


def twice(call: Client, method: str, path: str, content: Any = None, key: str = "k") -> Answer:
    """Send a request twice under one key; both answers are the same."""
    first = call(method, path, content, Idempotency_Key=key)
    again = call(method, path, content, Idempotency_Key=key)
    assert (first.status, first.body) == (again.status, again.body)
    assert first.status in {200, 201, 204}, first.body
    return first


def test_what_is_not_idempotent_by_itself_has_one_effect(kept: Client):
    assert twice(kept, "POST", f"{T}/state/n/increment", {"by": 2}).json == {"value": 2}
    assert twice(kept, "POST", f"{T}/state/l/push", {"item": "a"}).json == {"length": 1}
    assert kept("POST", f"{T}/state/l/push", {"item": "b"}).json == {"length": 2}
    assert twice(kept, "POST", f"{T}/state/l/push", {"item": "a"}).json == {"length": 1}
    appended = twice(kept, "POST", f"{T}/messages", {"messages": ["m1", "m2"]})
    assert appended.json["seqs"] == [1, 2]
    assert twice(kept, "POST", f"{T}/messages/pop").json == {"message": "m2"}
    assert twice(kept, "POST", f"{T}/snapshots", {"data": {"a": 1}}).json == {"revision": 1}
    twice(kept, "PATCH", f"{T}/state", {"values": {"city": "Sofia"}})
    twice(kept, "PATCH", f"{T}/labels", {"labels": {"a": "b"}})
    values = kept("GET", "/v1/sessions/t/values").json["values"]
    assert values == {"n": 2, "l": ["a", "b"], "city": "Sofia"}
    messages = kept("GET", f"{T}/messages").json["messages"]
    assert [one["value"] for one in messages] == ["m1"]
    assert len(kept("GET", f"{T}/snapshots").json["snapshots"]) == 1


@pytest.mark.parametrize(
    ("method", "path", "content"),
    [("GET", "parts?format=anthropic", None), ("POST", "parts-attach", HELLO)],
)
def test_one_shot_parts_come_again_under_the_same_key(
    kept: Client, method: str, path: str, content: Any
):
    kept("PUT", f"{T}/parts/a", text("1", uses=1))
    kept("PUT", f"{T}/parts/b", image(LARGE) | {"uses": 1})
    kept("PUT", f"{T}/parts/c", text("3", uses=2))
    taken = twice(kept, method, f"{T}/{path}", content).json
    assert taken["used"] == ["a", "b", "c"]
    assert list(kept("GET", f"{T}/parts").json["parts"]) == ["c"]
    kept("PUT", f"{T}/parts/d", text("4", uses=1))
    assert twice(kept, method, f"{T}/{path}", content).json == taken
    assert kept(method, f"{T}/{path}", content, Idempotency_Key="2").json["used"] == ["c", "d"]
    assert twice(kept, method, f"{T}/{path}", content).json == taken
    assert kept("GET", T).status == 404  # what is kept of answers is not seen


def test_of_two_at_once_both_have_the_answer(kept: Client):
    for number in range(5):
        kept("PUT", f"{T}/parts/p{number}", text("1", uses=1))
        kept("POST", f"{T}/messages", {"messages": [number]})

        def both(method: str, path: str, content: Any, key: str = f"k{number}") -> list[bytes]:
            def one(_: int) -> Answer:
                return kept(method, f"{T}/{path}", content, Idempotency_Key=key)

            with ThreadPoolExecutor(4) as pool:
                answers = list(pool.map(one, range(4)))
            assert {one.status for one in answers} == {200}, answers
            return sorted({one.body for one in answers})

        (taken,) = both("GET", "parts?format=openai", None)
        assert f'"p{number}"'.encode() in taken
        assert both("POST", "state/l/push", {"item": 1}) == [b'{"length":%d}' % (number + 1)]
        assert both("POST", "messages/pop", None) == [b'{"message":%d}' % number]


def test_the_key_is_that_of_one_request(call: Client, served: Callable[..., Client]):
    path = f"{T}/state/n/increment"
    assert twice(call, "POST", path, {"by": 1}).json == {"value": 1}
    assert twice(call, "POST", path, {"by": 2}).json == {"value": 3}
    assert twice(call, "POST", path, {"by": 1}, key="another").json == {"value": 4}
    other = twice(call, "POST", "/v1/threads/u/state/n/increment", {"by": 1})
    assert other.json == {"value": 1}
    assert twice(call, "POST", f"/api{path}", {"by": 1}).json == {"value": 1}
    for key in ("", "x" * 256):
        refused = call("POST", path, {"by": 1}, Idempotency_Key=key)
        assert (refused.status, KEY in refused.error) == (400, True)
    assert call("GET", f"{T}/state/n").json["value"] == 4


def test_a_refusal_is_not_kept(call: Client):
    call("POST", "/v1/sessions/t/values", {"key": "n", "value": "text"})
    path = f"{T}/state/n/increment"
    assert call("POST", path, {"by": 1}, Idempotency_Key="k").status == 409
    call("DELETE", "/v1/sessions/t/values/n")
    assert twice(call, "POST", path, {"by": 1}).json == {"value": 1}


def test_a_batch_without_a_request_id_takes_the_key(call: Client):
    one = wire.encode_batch(Batch(Ref("default", "thread", "t"), (Incr("state", "n"),)))
    for _ in range(2):
        answer = call("POST", "/v1/batch", one, Idempotency_Key="k")
        assert wire.decode_reply(answer.body, limit=1_000).results == (Number(1),)
    several = call("POST", "/v1/batch", one + one, Idempotency_Key="k")
    assert (several.status, KEY in several.error) == (400, True)
    assert call("GET", f"{T}/state/n").json["value"] == 1


@pytest.mark.parametrize("bound", [{}, {"user": "alice"}, {"threads": "t"}])
def test_each_caller_has_keys_of_its_own(call: Client, hosted: Hosted, bound: dict[str, Any]):
    keys = Keys(call, hosted)
    first, second = keys.add("first", **bound), keys.add("second", **bound)
    path = f"{T}/state/n/increment"
    assert twice(first, "POST", path, {"by": 1}).json == {"value": 1}
    assert twice(second, "POST", path, {"by": 1}).json == {"value": 2}
    assert twice(first, "POST", path, {"by": 1}).json == {"value": 1}
    first("PUT", f"{T}/parts/a", text("1", uses=1))
    taken = twice(first, "GET", f"{T}/parts?format=openai").json
    assert taken["used"] == ["a"]
    assert second("GET", f"{T}/parts?format=openai", Idempotency_Key="k").json["used"] == []


def test_a_write_that_cannot_keep_the_promise_refuses_the_key(call: Client):
    for method, path, content in (
        ("POST", f"{T}/turns", {}),
        ("POST", f"{T}/fork", {"new_id": "u"}),
    ):
        refused = call(method, path, content, Idempotency_Key="k")
        assert (refused.status, KEY in refused.error) == (400, True)
    assert call("GET", "/v1/threads/u").status == 404
    put = call("PUT", f"{T}/state/a", {"value": 1}, Idempotency_Key="k")
    assert put.status == 200  # the same when it comes again


def test_it_is_in_the_documents(call: Client):
    paths = call("GET", "/openapi.json").json["paths"]
    said = {
        f"{method.upper()} {path}"
        for path, methods in paths.items()
        for method, operation in methods.items()
        if any(p["name"] == KEY for p in operation["parameters"])
    }
    assert said == {f"{r.method} /v1{r.path}" for r in ROUTES if KEY in r.headers}
    for name in ("state/{field}/increment", "state/{field}/push", "messages", "messages/pop"):
        assert f"POST /v1/threads/{{thread_id}}/{name}" in said
    assert {"GET /v1/threads/{thread_id}/parts", "POST /v1/batch"} < said
