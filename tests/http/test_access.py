"""Who may do what: each route of the table with each kind of caller."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from tests.http.hosting import Hosted
from tests.http.raw import Answer, Client
from threadkeep.model.refs import Ref
from threadkeep.ops import wire
from threadkeep.ops.batch import Batch
from threadkeep.ops.engine import Due, Query
from threadkeep.ops.ops import Info, Label, Set
from threadkeep.server.access.keys import SPACE, Key, new_key
from threadkeep.server.routes import ROUTES
from threadkeep.server.routing import Route

REF = Ref("acme", "thread", "mine-1")
READ = wire.encode_batch(Batch(REF, (Info(),)))
# What each route is called with: the holes of its path, its body, its query. A route without a row
# fails the run.
HOLES = {
    "session_id": "mine-1",
    "thread_id": "mine-1",
    "user_id": "alice",
    "key": "k",
    "field": "f",
    "revision": "latest",
    "token": "1",
    "kv_namespace": "a",
    "tool": "t",
    "model": "m",
    "part": "p",
}
ROWS: dict[str, tuple[Any, str]] = {
    "GET /health": (None, ""),
    "GET /ready": (None, ""),
    "GET /openapi.json": (None, ""),
    "GET /docs": (None, ""),
    "GET /docs/style.css": (None, ""),
    "GET /docs/script.js": (None, ""),
    "POST /sessions/{session_id}/values": ({"key": "k", "value": 1}, ""),
    "GET /sessions/{session_id}/values": (None, ""),
    "GET /sessions/{session_id}/values/{key}": (None, ""),
    "DELETE /sessions/{session_id}/values/{key}": (None, ""),
    "DELETE /sessions/{session_id}": (None, ""),
    "GET /sessions": (None, ""),
    "GET /session/{session_id}/values": (None, ""),
    "POST /session/{session_id}/values": ({"values": {"k": 1}}, ""),
    "GET /session/{session_id}/values/{key}": (None, ""),
    "PUT /session/{session_id}/values/{key}": ({"key": "k", "value": 1}, ""),
    "DELETE /session/{session_id}/values/{key}": (None, ""),
    "GET /threads": (None, ""),
    "POST /threads/{thread_id}/fork": ({"new_id": "mine-2"}, ""),
    "GET /threads/{thread_id}/messages": (None, ""),
    "POST /threads/{thread_id}/messages": ({"messages": [1]}, ""),
    "PUT /threads/{thread_id}/messages": ({"messages": [1]}, ""),
    "DELETE /threads/{thread_id}/messages": (None, "?keep_last=5"),
    "POST /threads/{thread_id}/messages/pop": (None, ""),
    "GET /threads/{thread_id}/messages/count": (None, ""),
    "GET /threads/{thread_id}/snapshots": (None, ""),
    "POST /threads/{thread_id}/snapshots": ({"data": 1}, ""),
    "DELETE /threads/{thread_id}/snapshots": (None, ""),
    "GET /threads/{thread_id}/snapshots/{revision}": (None, ""),
    "POST /threads/{thread_id}/turns": ({"policy": "interrupt"}, ""),
    "POST /threads/{thread_id}/turns/{token}/renew": (None, ""),
    "DELETE /threads/{thread_id}/turns/{token}": (None, ""),
    "GET /threads/{thread_id}/parts": (None, "?format=openai"),
    "DELETE /threads/{thread_id}/parts": (None, ""),
    "PUT /threads/{thread_id}/parts/{part}": ({"part_type": "text", "data": "x"}, ""),
    "DELETE /threads/{thread_id}/parts/{part}": (None, ""),
    "POST /threads/{thread_id}/parts-attach": ({"message": {"role": "user"}}, ""),
    "GET /kv/{kv_namespace}/keys": (None, ""),
    "DELETE /kv/{kv_namespace}/keys": (None, ""),
    "GET /kv/{kv_namespace}/keys/{key}": (None, ""),
    "PUT /kv/{kv_namespace}/keys/{key}": ({"value": 1}, ""),
    "DELETE /kv/{kv_namespace}/keys/{key}": (None, ""),
    "POST /tools/{tool}/check": ({}, ""),
    "POST /tools/{tool}/store": ({"response": 1}, ""),
    "DELETE /tools/{tool}": (None, ""),
    "POST /llm/check": ({"params": {}}, ""),
    "POST /llm/store": ({"params": {}, "response": "x"}, ""),
    "DELETE /llm/models/{model}": (None, ""),
    "GET /caches": (None, ""),
    "DELETE /caches": (None, ""),
    "GET /tools": (None, ""),
    "DELETE /tools": (None, ""),
    "POST /tools/{tool}/forget": ({}, ""),
    "PUT /tools/{tool}/policy": ({"ttl": 60}, ""),
    "DELETE /tools/{tool}/policy": (None, ""),
    "POST /llm/forget": ({"params": {}}, ""),
    "DELETE /llm": (None, ""),
    "GET /kv": (None, ""),
    "POST /kv/{kv_namespace}/keys-get": ({"keys": ["k"]}, ""),
    "PATCH /kv/{kv_namespace}/keys": ({"values": {"k": 1}}, ""),
    "POST /kv/{kv_namespace}/keys/{key}/touch": (None, ""),
    "GET /kv/{kv_namespace}/search": (None, "?keyword=k"),
    "GET /kv/{kv_namespace}/stats": (None, ""),
    "GET /kv/{kv_namespace}/defaults": (None, ""),
    "PUT /kv/{kv_namespace}/defaults": ({"ttl": 60}, ""),
    "GET /engine": (None, ""),
    "POST /batch": (READ, ""),
    "POST /scan": (
        wire.encode_query(Query(namespace="acme", kind="thread", order="id", prefix="mine-")),
        "",
    ),
    "POST /claim": (wire.encode_due(Due(lease=1_000, ref=REF)), ""),
    "GET /watch": (None, "?namespace=acme&kind=thread&id=mine-1"),
    **{
        f"{method} {base}/{path}".rstrip("/"): (body, "")
        for base in ("/threads/{thread_id}", "/users/{user_id}", "/app")
        for method, path, body in (
            ("GET", "", None),
            ("DELETE", "", None),
            ("PATCH", "labels", {"labels": {"a": "b"}}),
            ("POST", "touch", {}),
            ("GET", "watch", None),
            ("POST", "state-get", {"names": ["f"]}),
            ("GET", "state", None),
            ("PATCH", "state", {"values": {"a": 1}}),
            ("DELETE", "state", None),
            ("POST", "state-touch", {}),
            ("GET", "state/{field}", None),
            ("PUT", "state/{field}", {"value": 1}),
            ("DELETE", "state/{field}", None),
            ("POST", "state/{field}/increment", {}),
            ("POST", "state/{field}/push", {"item": 1}),
        )
    },
}
NAMES = [f"{route.method} {route.path}" for route in ROUTES]
BY_NAME = dict(zip(NAMES, ROUTES, strict=True))
GUARDED = [name for name in NAMES if BY_NAME[name].right is not None]
OF_THREADS = re.compile(r"\{(?:session_id|thread_id)\}")
OF_USERS = re.compile(r"\{user_id\}")
WHOLE = ("/kv", "/tools", "/llm", "/caches", "/app")


def test_every_route_has_a_row():
    assert set(ROWS) == set(NAMES)


class Keys:
    """A server with keys, and clients that hold them."""

    def __init__(self, call: Client, hosted: Hosted) -> None:
        self._call, self._hosted = call, hosted
        self.ids: dict[str, str] = {}

    def add(self, name: str, namespaces: tuple[str, ...] = ("acme",), **options: Any) -> Client:
        options.setdefault("right", "write")
        id_, token, key = new_key(name, namespaces=namespaces, **options)
        self.ids[name] = id_
        self.put(id_, key)
        return self._call.of(x_api_key=token)

    def fill(self) -> None:
        """Put something into the thread that all rows are about."""
        space = self._call.store.within("acme")
        self._hosted.run(lambda: space.thread("mine-1").state.set("mine", "secret"))

    def put(self, id_: str, key: Key) -> None:
        state = self._call.store.within(SPACE).app().state
        self._hosted.run(lambda: state.set(id_, msgspec.to_builtins(key)))

    def revoke(self, name: str) -> None:
        state = self._call.store.within(SPACE).app().state
        id_ = self.ids[name]
        found = self._hosted.run(lambda: state.get(id_))
        found["revoked_at"] = found["created_at"]
        self._hosted.run(lambda: state.set(id_, found))


@pytest.fixture
def keys(call: Client, hosted: Hosted) -> Keys:
    return Keys(call, hosted)


def path_of(route: Route, **holes: str) -> str:
    found = re.sub(r"\{(\w+)\}", lambda m: (HOLES | holes)[m[1]], route.path)
    return found if route.root else f"/v1{found}"


def ask(call: Client, name: str, **holes: str) -> Answer:
    route = BY_NAME[name]
    body, query = ROWS[name]
    if route.events:
        return call.head_of(route.method, path_of(route, **holes) + query)
    return call(route.method, path_of(route, **holes) + query, body)


def refused(answer: Answer, status: int) -> None:
    assert answer.status == status
    assert answer.error
    if status == 401:
        assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("name", GUARDED)
def test_each_route_with_each_caller(keys: Keys, call: Client, name: str):
    route = BY_NAME[name]
    full = keys.add("full")
    gone = keys.add("gone")
    keys.revoke("gone")
    reader = keys.add("reader", right="read")
    stranger = keys.add("stranger", ("other",))
    bound = keys.add("bound", threads="yours-")
    somebody = keys.add("somebody", user="bob")

    refused(ask(call, name), 401)
    refused(ask(call.of(x_api_key="tk_0000000000000000_" + "0" * 64), name), 401)
    refused(ask(call.of(authorization="Bearer nonsense"), name), 401)
    refused(ask(call.of(authorization="Basic eDp5"), name), 401)
    refused(ask(gone, name), 401)

    keys.fill()
    allowed = ask(full, name)
    assert allowed.status < 500
    assert allowed.status not in {401, 403}

    answer = ask(reader, name)
    if route.right == "write":
        refused(answer, 403)
    else:
        assert answer.status not in {401, 403}

    foreign = ask(stranger, name)
    if foreign.status == 403:
        assert foreign.error
    else:
        assert b"secret" not in foreign.body
        assert b"mine-1" not in foreign.body or "mine-1" in path_of(route)
    with_workspace = stranger.of(**stranger.headers, x_workspace_id="acme")
    refused(ask(with_workspace, name), 403)

    keys.fill()
    if (
        OF_THREADS.search(route.path)
        or OF_USERS.search(route.path)
        or route.binary
        or route.events
        or route.path.startswith(WHOLE)
    ):
        refused(ask(bound, name), 403)
        refused(ask(somebody, name), 403)
        if OF_THREADS.search(route.path):
            own = ask(keys.add("own", threads="mine-"), name)
            assert own.status not in {401, 403}
    else:
        for caller in (bound, somebody):
            assert b"mine-1" not in ask(caller, name).body


def test_a_key_for_all_namespaces_chooses_one(keys: Keys):
    admin = keys.add("admin", ("*",), right="admin")
    for space in ("one", "two"):
        chosen = admin.of(**admin.headers, x_workspace_id=space)
        chosen("POST", "/v1/sessions/s/values", {"key": "k", "value": space})
    for space in ("one", "two"):
        chosen = admin.of(**admin.headers, x_workspace_id=space)
        assert chosen("GET", "/v1/sessions/s/values").json == {"values": {"k": space}}
    assert admin("GET", "/v1/sessions/s/values").json == {"values": {}}


def test_the_keys_themselves_are_out_of_reach(keys: Keys):
    admin = keys.add("admin", ("*",), right="admin")
    hidden = admin.of(**admin.headers, x_workspace_id=SPACE)
    refused(hidden("GET", "/v1/app/state"), 403)
    batch = wire.encode_batch(Batch(Ref(SPACE, "app", "app"), (Info(),)))
    refused(admin("POST", "/v1/batch", batch), 403)
    refused(admin("GET", f"/v1/watch?namespace={SPACE.replace('#', '%23')}&kind=app&id=app"), 403)
    query = wire.encode_query(Query(namespace=SPACE, kind="app"))
    refused(admin("POST", "/v1/scan", query), 403)


def test_a_key_works_as_bearer_too(keys: Keys, call: Client):
    client = keys.add("full")
    token = client.headers["x-api-key"]
    answer = call.of(authorization=f"Bearer {token}")("GET", "/v1/sessions")
    assert answer.status == 200


def test_a_batch_of_another_namespace_or_a_write_of_a_reader(keys: Keys):
    reader = keys.add("reader", right="read")
    other = wire.encode_batch(Batch(Ref("other", "thread", "t"), (Info(),)))
    refused(reader("POST", "/v1/batch", other), 403)
    write = wire.encode_batch(Batch(REF, (Set("state", {"a": b"j1"}),)))
    refused(reader("POST", "/v1/batch", write), 403)
    assert keys.add("full")("POST", "/v1/batch", write).status == 200


def test_a_key_for_some_threads_makes_no_others(keys: Keys):
    full, bound = keys.add("full"), keys.add("bound", threads="mine-")
    bound("PUT", "/v1/threads/mine-1/state/f", {"value": 1})
    refused(bound("POST", "/v1/threads/mine-1/fork", {"new_id": "yours"}), 403)
    assert bound("POST", "/v1/threads/mine-1/fork", {"new_id": "mine-2"}).status == 201
    full("PUT", "/v1/threads/yours/state/f", {"value": 1})
    assert {t["id"] for t in bound("GET", "/v1/threads").json["threads"]} == {"mine-1", "mine-2"}
    refused(bound("GET", "/v1/threads?prefix=y"), 403)
    assert bound("GET", "/v1/sessions?thread_id=yours").status == 403


class TestBoundToAUser:
    def test_reaches_its_own_threads_alone(self, keys: Keys):
        full, alice = keys.add("full"), keys.add("alice", user="alice")
        full("PUT", "/v1/threads/a/state/f", {"value": 1})
        full("PATCH", "/v1/threads/a/labels", {"labels": {"user": "alice"}})
        full("PUT", "/v1/threads/b/state/f", {"value": 1})
        assert alice("GET", "/v1/threads/a/state/f").json["value"] == 1
        refused(alice("GET", "/v1/threads/b/state/f"), 403)
        refused(alice("PUT", "/v1/threads/b/state/f", {"value": 2}), 403)
        assert [t["id"] for t in alice("GET", "/v1/threads").json["threads"]] == ["a"]
        assert alice("PUT", "/v1/users/alice/state/f", {"value": 1}).status == 200
        refused(alice("PUT", "/v1/users/bob/state/f", {"value": 1}), 403)

    def test_a_thread_it_makes_is_its_own(self, keys: Keys):
        full, alice = keys.add("full"), keys.add("alice", user="alice")
        assert alice("POST", "/v1/sessions/new/values", {"key": "k", "value": 1}).status == 204
        assert full("GET", "/v1/threads/new").json["labels"] == {"user": "alice"}
        refused(keys.add("bob", user="bob")("GET", "/v1/sessions/new/values"), 403)

    def test_it_gives_no_thread_away_and_takes_none(self, keys: Keys):
        full, alice = keys.add("full"), keys.add("alice", user="alice")
        full("PUT", "/v1/threads/b/state/f", {"value": 1})
        alice("PUT", "/v1/threads/a/state/f", {"value": 1})
        for path in ("/v1/threads/a/labels", "/v1/threads/b/labels"):
            for value in ("bob", None):
                refused(alice("PATCH", path, {"labels": {"user": value}}), 403)
        batch = wire.encode_batch(Batch(Ref("acme", "thread", "b"), (Label({"user": "alice"}),)))
        refused(alice("POST", "/v1/batch", batch), 403)


class TestWithoutKeys:
    def test_callers_of_other_machines_are_refused(self, served: Callable[..., Client]):
        call = served()
        assert call("GET", "/v1/sessions").status == 200
        refused(call.from_afar("GET", "/v1/sessions"), 401)
        assert served(anyone=True).from_afar("GET", "/v1/sessions").status == 200

    @pytest.mark.parametrize("origin", ["https://a.example", "http://127.0.0.1:1", "null"])
    def test_pages_of_other_origins_are_refused(self, served: Callable[..., Client], origin: str):
        call, body = served(), {"key": "k", "value": 1}
        path = "/v1/sessions/s/values"
        # what a form or a script of any page can send without asking
        refused(call("POST", path, body, Origin=origin, Content_Type="text/plain"), 403)
        assert call("GET", path).json == {"values": {}}
        assert served(cors=(origin,))("POST", path, body, Origin=origin).status == 204
        assert served(anyone=True)("POST", path, body, Origin=origin).status == 204
        own = f"http://127.0.0.1:{call.port}"
        assert call("POST", path, body, Origin=own).status == 204

    def test_keys_are_for_pages_too(self, keys: Keys):
        full = keys.add("full")
        assert full("GET", "/v1/sessions", None, Origin="https://a.example").status == 200


def test_no_secret_in_the_log(keys: Keys, caplog: pytest.LogCaptureFixture):
    caplog.set_level("DEBUG", "threadkeep")
    client = keys.add("full")
    client("POST", "/v1/sessions/my-id/values", {"key": "my-key", "value": "my-value"})
    client.of(x_api_key="tk_wrong_secretsecret")("GET", "/v1/sessions/my-id/values")
    client("POST", "/v1/sessions/my-id/values", b'{"key": "my-key", "value": my-value')
    told = caplog.text + json.dumps([vars(r) for r in caplog.records], default=str)
    assert "request" in told
    for secret in (client.headers["x-api-key"], "secretsecret", "my-id", "my-key", "my-value"):
        assert secret not in told
