"""The resources of the server, each through raw requests."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from tests.http.hosting import ON_BOTH
from tests.http.raw import Client

pytestmark = ON_BOTH

T = "/v1/threads/t"


@pytest.mark.parametrize("base", [T, "/v1/users/alice", "/v1/app"])
class TestState:
    def test_a_field_with_its_lease_and_version(self, call: Client, base: str):
        path = f"{base}/state/a%2Fb"
        put = call("PUT", path, {"value": {"x": 1}, "ttl": 300})
        assert (put.status, put.json) == (200, {"revision": 1})
        got = call("GET", path)
        assert got.headers["etag"] == put.headers["etag"]
        assert (got.json["name"], got.json["value"], got.json["ttl"]) == ("a/b", {"x": 1}, 300)
        assert datetime.fromisoformat(got.json["expires_at"]).tzinfo is not None
        again = call("GET", path, None, If_None_Match=got.headers["etag"])
        assert (again.status, again.body) == (304, b"")
        assert call("DELETE", path).json == {"removed": 1}
        assert call("GET", path).status == 404

    def test_conditions(self, call: Client, base: str):
        path = f"{base}/state/a"
        first = call("PUT", path, {"value": 1}, If_None_Match="*")
        assert first.status == 200
        refused = call("PUT", path, {"value": 2}, If_None_Match="*")
        assert refused.status == 412
        tag = first.headers["etag"]
        second = call("PUT", path, {"value": 2}, If_Match=tag)
        assert second.status == 200
        for method, body in (("PUT", {"value": 3}), ("DELETE", None)):
            assert call(method, path, body, If_Match=tag).status == 412
        assert call("GET", path).json["value"] == 2
        assert call("DELETE", path, None, If_Match=second.headers["etag"]).status == 200
        assert call("PUT", path, {"value": 3}, If_Match=second.headers["etag"]).status == 412
        for wrong in ("x", '"x"', "*", 'W/"a.1"', '"a.1", "b.2"'):
            refused = call("PUT", path, {"value": 3}, If_Match=wrong)
            assert (refused.status, "If-Match" in refused.error) == (412, True)
        both = call("PUT", path, {"value": 3}, If_Match=tag, If_None_Match="*")
        assert (both.status, "together" in both.error) == (412, True)

    def test_several_at_once(self, call: Client, base: str):
        patched = call("PATCH", f"{base}/state", {"values": {"a": 1, "b": 2, "c": 3}, "ttl": 60})
        assert patched.json == {"revision": 1}
        found = call("GET", f"{base}/state")
        assert [field["name"] for field in found.json["fields"]] == ["a", "b", "c"]
        assert found.json["revision"] == 1
        tag = found.headers["etag"]
        assert call("GET", f"{base}/state", None, If_None_Match=tag).status == 304
        assert [f["name"] for f in call("GET", f"{base}/state?prefix=b").json["fields"]] == ["b"]
        assert call("POST", f"{base}/state-touch", {}).json == {"touched": 3}
        assert call("DELETE", f"{base}/state?prefix=a").json == {"removed": 1}
        assert call("DELETE", f"{base}/state").json == {"removed": 2}

    def test_conditions_on_all_of_it(self, call: Client, base: str):
        patched = call("PATCH", f"{base}/state", {"values": {"a": 1}})
        tag = call("GET", f"{base}/state").headers["etag"]
        assert patched.headers["etag"] == tag
        call("PUT", f"{base}/state/b", {"value": 1})  # another comes between
        late = call("PATCH", f"{base}/state", {"values": {"a": 2, "c": 2}}, If_Match=tag)
        assert (late.status, "changed" in late.error) == (412, True)
        assert call("DELETE", f"{base}/state", None, If_Match=tag).status == 412
        assert [f["name"] for f in call("GET", f"{base}/state").json["fields"]] == ["a", "b"]
        tag = call("GET", f"{base}/state").headers["etag"]
        good = call("PATCH", f"{base}/state", {"values": {"a": 2}}, If_Match=tag)
        assert good.status == 200
        gone = call("DELETE", f"{base}/state", None, If_Match=good.headers["etag"])
        assert gone.json == {"removed": 2}

    def test_a_batch_writes_and_removes(self, call: Client, base: str):
        call("PATCH", f"{base}/state", {"values": {"a": 1, "b": 2}})
        done = call("PATCH", f"{base}/state", {"values": {"b": 3, "c": 4}, "remove": ["a", "none"]})
        assert done.status == 200
        found = call("POST", f"{base}/state-get", {"names": ["c", "a", "b"]})
        assert found.json == {"values": {"c": 4, "b": 3}}
        both = call("PATCH", f"{base}/state", {"values": {"b": 5}, "remove": ["b"]})
        assert (both.status, "'b'" in both.error) == (400, True)
        assert call("PATCH", f"{base}/state", {"remove": ["b", "c"]}).status == 200
        assert call("GET", f"{base}/state").json["fields"] == []
        assert call("POST", f"{base}/state-get", {"names": []}).json == {"values": {}}

    def test_the_entity_itself(self, call: Client, base: str):
        assert call("GET", base).status == 404
        call("PUT", f"{base}/state/a", {"value": 1})
        assert call("PATCH", f"{base}/labels", {"labels": {"a": "b"}}).json["labels"] == {"a": "b"}
        assert call("POST", f"{base}/touch", {"ttl": 60}).status == 204
        found = call("GET", base)
        assert (found.json["fields"], found.json["labels"], found.json["ttl"]) == (
            1,
            {"a": "b"},
            60,
        )
        assert call("GET", base, None, If_None_Match=found.headers["etag"]).status == 304
        end = "2999-01-01T00:00:00Z"
        assert call("POST", f"{base}/touch", {"expires_at": end}).status == 204
        assert (call("GET", base).json["expires_at"], call("GET", base).json["ttl"]) == (end, None)
        assert call.head_of("GET", f"{base}/watch").status == 200
        assert call("DELETE", base).json["removed"] == 1
        assert call("GET", base).status == 404

    def test_numbers_and_lists(self, call: Client, base: str):
        assert call("POST", f"{base}/state/n/increment", {}).json == {"value": 1}
        assert call("POST", f"{base}/state/n/increment", {"by": 1.5}).json == {"value": 2.5}
        for length in (1, 2, 2):
            pushed = call("POST", f"{base}/state/l/push", {"item": length, "keep": 2})
            assert pushed.json == {"length": length}
        for path, body in (("n/push", {"item": 1}), ("l/increment", {})):
            refused = call("POST", f"{base}/state/{path}", body)
            assert (refused.status, "field" in refused.error) == (409, True)
        assert call("POST", f"{base}/state/n%00/push", {"item": 1}).status == 400

    def test_leases_that_cannot_be(self, call: Client, base: str):
        for lease in (
            {"ttl": 0},
            {"ttl": -1},
            {"ttl": 1, "forever": True},
            {"ttl": 1, "expires_at": "2030-01-01T00:00:00Z"},
            {"expires_at": "2030-01-01T00:00:00"},
            {"unknown": 1},
        ):
            assert call("PUT", f"{base}/state/a", {"value": 1} | lease).status == 400
        assert call("GET", f"{base}/state/a").status == 404


def test_a_tag_of_a_destroyed_thread_fits_no_other(call: Client):
    tag = call("PUT", f"{T}/state/a", {"value": 1}).headers["etag"]
    assert call("DELETE", T).json == {"removed": 1}
    assert call("PUT", f"{T}/state/a", {"value": 1}).headers["etag"] != tag
    assert call("PUT", f"{T}/state/a", {"value": 2}, If_Match=tag).status == 412


def test_leases_run_out(served: Callable[..., Client]):
    now = datetime(2026, 1, 1, tzinfo=UTC)
    call = served(clock=lambda: now.timestamp())  # noqa: PLW0108 - `now` moves on
    call("PUT", f"{T}/state/a", {"value": 1, "ttl": 10})
    now += timedelta(seconds=9)
    assert call("GET", f"{T}/state/a").status == 200
    now += timedelta(seconds=9)
    assert call("GET", f"{T}/state/a?renew=false").status == 200
    now += timedelta(seconds=9)
    assert call("GET", f"{T}/state/a").status == 404


class TestMessages:
    def test_append_is_idempotent_by_id(self, call: Client):
        body = {"messages": [{"role": "user", "content": "hi"}, "two"], "ids": ["m1", "m2"]}
        first = call("POST", f"{T}/messages", body)
        assert (first.status, first.json["seqs"], first.json["skipped"]) == (201, [1, 2], [])
        again = call("POST", f"{T}/messages", body)
        assert (again.json["seqs"], again.json["skipped"]) == ([1, 2], ["m1", "m2"])
        found = call("GET", f"{T}/messages").json["messages"]
        assert [(m["seq"], m["id"]) for m in found] == [(1, "m1"), (2, "m2")]
        assert found[0]["value"] == {"role": "user", "content": "hi"}

    def test_pages_and_windows(self, call: Client):
        call("POST", f"{T}/messages", {"messages": list(range(1, 11))})

        def values(query: str) -> list[int]:
            return [m["value"] for m in call("GET", f"{T}/messages?{query}").json["messages"]]

        assert values("last=3") == [8, 9, 10]
        assert values("after=2&limit=3") == [3, 4, 5]
        assert values("before=3") == [1, 2]
        assert call("GET", f"{T}/messages/count").json == {"count": 10}
        for wrong in ("last=0", "last=x", "limit=5000", "last=2&limit=1", "unknown=1"):
            assert call("GET", f"{T}/messages?{wrong}").status == 400

    def test_replace_trim_pop(self, call: Client):
        call("POST", f"{T}/messages", {"messages": ["a", "b", "c"]})
        assert call("PUT", f"{T}/messages", {"messages": ["x"], "if_head": 9}).status == 409
        assert call("PUT", f"{T}/messages", {"messages": ["x", "y"], "if_head": 3}).status == 200
        assert call("DELETE", f"{T}/messages?keep_last=1").json == {"removed": 1}
        assert call("POST", f"{T}/messages/pop").json == {"message": "y"}
        assert call("POST", f"{T}/messages/pop").json == {"message": None}


def test_snapshots(call: Client):
    base = f"{T}/snapshots"
    assert call("GET", f"{base}/latest").status == 404
    assert call("POST", base, {"data": {"step": 1}, "if_revision": 0}).json == {"revision": 1}
    assert call("POST", base, {"data": {"step": 2}}).json == {"revision": 2}
    late = call("POST", base, {"data": {"step": 3}, "if_revision": 1})
    assert (late.status, late.json["found"]) == (409, 2)
    assert call("GET", f"{base}/latest").json["data"] == {"step": 2}
    assert call("GET", f"{base}/1").json["data"] == {"step": 1}
    assert [s["revision"] for s in call("GET", base).json["snapshots"]] == [2, 1]
    assert call("GET", f"{base}/x").status == 400
    assert call("DELETE", base).json == {"removed": 2}


class TestThreads:
    def test_labels_listing_and_end(self, call: Client):
        for number in range(5):
            call("PUT", f"/v1/threads/t{number}/state/a", {"value": number})
        labels = call("PATCH", "/v1/threads/t1/labels", {"labels": {"user": "alice", "self": "x"}})
        assert labels.json == {"labels": {"user": "alice", "self": "x"}}
        call("PATCH", "/v1/threads/t1/labels", {"labels": {"self": None}})
        found = call("GET", "/v1/threads?label.user=alice").json
        assert [t["id"] for t in found["threads"]] == ["t1"]
        assert found["threads"][0]["labels"] == {"user": "alice"}
        ids, cursor = [], ""
        while True:
            page = call("GET", f"/v1/threads?prefix=t&limit=2{cursor}").json
            ids += [t["id"] for t in page["threads"]]
            if page["cursor"] is None:
                break
            cursor = f"&cursor={page['cursor']}"
        assert ids == [f"t{n}" for n in range(5)]
        assert call("DELETE", "/v1/threads/t1").json == {"removed": 1}
        assert call("GET", "/v1/threads/t1").status == 404
        for path in ("threads", "kv", "kv/n/keys"):
            assert call("GET", f"/v1/{path}?cursor=x").status == 404

    def test_info_fork_touch(self, call: Client):
        call("POST", f"{T}/messages", {"messages": ["a", "b"]})
        info = call("GET", T)
        assert (info.json["id"], info.json["messages"]) == ("t", 2)
        assert call("GET", T, None, If_None_Match=info.headers["etag"]).status == 304
        fork = call("POST", f"{T}/fork", {"new_id": "u", "at": 1})
        assert (fork.status, fork.json["messages"]) == (201, 1)
        assert call("POST", f"{T}/fork", {"new_id": "u"}).status == 409
        assert call("POST", "/v1/threads/none/fork", {"new_id": "v"}).status == 404
        assert call("POST", f"{T}/touch", {"ttl": 60}).status == 204
        assert call("GET", T).json["ttl"] == 60

    def test_turns(self, call: Client):
        first = call("POST", f"{T}/turns", {"lease": 60})
        assert first.status == 201
        token = str(first.json["token"])
        for busy in ({"policy": "reject"}, {"policy": "queue", "timeout": 0.05}):
            assert call("POST", f"{T}/turns", busy).status == 409
        assert call("PUT", f"{T}/state/a", {"value": 1}, X_Turn=token).status == 200
        assert call("POST", f"{T}/turns/{token}/renew").json == {"held": True}
        second = call("POST", f"{T}/turns", {"policy": "interrupt"}).json["token"]
        assert second > int(token)
        for method, path, body in (
            ("PUT", "state/a", {"value": 2}),
            ("POST", "state/n/increment", {}),
            ("POST", "state/l/push", {"item": 1}),
            ("POST", "messages", {"messages": [1]}),
            ("POST", "snapshots", {"data": 1}),
            ("PATCH", "labels", {"labels": {"a": "b"}}),
            ("POST", "touch", {"ttl": 60}),
            ("PUT", "parts/p", {"part_type": "text", "data": "x"}),
            ("DELETE", "", None),
        ):
            lost = call(method, f"{T}/{path}".rstrip("/"), body, X_Turn=token)
            assert (lost.status, lost.json["code"]) == (409, "TurnLost"), path
        value = {"key": "a", "value": 2}
        assert call("POST", "/v1/sessions/t/values", value, X_Turn=token).status == 409
        assert call("PUT", "/v1/kv/a/keys/k", {"value": 1}, X_Turn=token).status == 400
        assert call("POST", f"{T}/turns/{token}/renew").status == 409
        assert call("DELETE", f"{T}/turns/{second}").json == {"held": True}
        assert call("DELETE", f"{T}/turns/{second}").json == {"held": False}
        assert call("PUT", f"{T}/state/a", {"value": 2}, X_Turn="x").status == 400


def test_kv(call: Client):
    base = "/v1/kv/archives/keys"
    assert call("GET", f"{base}/a").status == 404
    assert call("PUT", f"{base}/a", {"value": "text", "ttl": 60}).json == {"revision": 1}
    assert call("PUT", f"{base}/a", {"value": 1}, If_None_Match="*").status == 412
    assert call("PUT", f"{base}/a", {"value": 1, "if_revision": 9}).status == 409
    call("PUT", f"{base}/b%2Fc", {"value": {"x": 1}})
    got = call("GET", f"{base}/a").json
    assert (got["key"], got["value"], got["content_type"], got["ttl"]) == (
        "a",
        "text",
        "text/plain",
        60,
    )
    assert call("GET", base).json == {"keys": ["a", "b/c"], "cursor": None}
    page = call("GET", f"{base}?limit=1").json
    assert call("GET", f"{base}?limit=1&cursor={page['cursor']}").json["keys"] == ["b/c"]
    assert call("DELETE", f"{base}/a").json == {"removed": 1}
    assert call("DELETE", base).json == {"removed": 1}


def test_caches(call: Client):
    asked = {"args": {"city": "Sofia"}}
    assert call("POST", "/v1/tools/weather/check", asked).json["hit"] is False
    stored = call("POST", "/v1/tools/weather/store", asked | {"response": "sunny", "ttl": 60})
    assert stored.json["key"]
    hit = call("POST", "/v1/tools/weather/check", asked).json
    assert (hit["hit"], hit["response"], hit["key"]) == (True, "sunny", stored.json["key"])
    assert call("DELETE", "/v1/tools/weather").json == {"removed": 1}
    params = {"params": {"model": "m", "prompt": "hi"}}
    call("POST", "/v1/llm/store", params | {"response": "hello", "tokens": {"input": 3}})
    assert call("POST", "/v1/llm/check", params).json["response"] == "hello"
    assert call("GET", "/v1/caches").json["llm"]["total"]["hits"] == 1
    assert call("DELETE", "/v1/llm/models/m").json == {"removed": 1}


@pytest.mark.parametrize("query", ["last=null", "limit=NULL", "after=None"])
def test_null_in_a_query_is_not_nothing(call: Client, query: str):
    assert call("GET", f"{T}/messages?{query}").status == 400


def test_a_prefix_may_be_the_word_null(call: Client):
    for name in ("a", "null"):
        call("PUT", f"{T}/state/{name}", {"value": 1})
    found = call("GET", f"{T}/state?prefix=null").json["fields"]
    assert [field["name"] for field in found] == ["null"]


def test_a_condition_that_a_route_does_not_look_at_is_refused(call: Client):
    tag = call("PUT", f"{T}/state/a", {"value": 1}).headers["etag"]
    for method, path, body in (
        ("DELETE", T, None),
        ("POST", f"{T}/messages", {"messages": [1]}),
        ("POST", f"{T}/snapshots", {"data": 1}),
        ("POST", f"{T}/state/n/increment", {}),
        ("POST", "/v1/sessions/t/values", {"key": "a", "value": 2}),
    ):
        found = call(method, path, body, If_Match=tag)
        assert (found.status, "If-Match" in found.error) == (400, True), path
    assert call("GET", f"{T}/state/a").json["value"] == 1


def test_labels_of_a_thread_that_changed_meanwhile(call: Client):
    call("PUT", f"{T}/state/a", {"value": 1})
    tag = call("GET", T).headers["etag"]
    assert call("PATCH", f"{T}/labels", {"labels": {"a": "1"}}, If_Match=tag).status == 200
    assert call("PATCH", f"{T}/labels", {"labels": {"a": "2"}}, If_Match=tag).status == 412
    assert call("GET", T).json["labels"] == {"a": "1"}


def test_versions_of_kv(call: Client):
    path = "/v1/kv/archives/keys/a"
    first = call("PUT", path, {"value": 1})
    got = call("GET", path)
    assert got.headers["etag"] == first.headers["etag"]
    assert call("GET", path, None, If_None_Match=got.headers["etag"]).status == 304
    second = call("PUT", path, {"value": 2}, If_Match=got.headers["etag"])
    assert second.status == 200
    assert call("PUT", path, {"value": 3}, If_Match=got.headers["etag"]).status == 412
    of_state = call("PUT", f"{T}/state/a", {"value": 1}).headers["etag"]
    assert call("PUT", path, {"value": 3}, If_Match=of_state).status == 412
    assert call("PUT", path, {"value": 3}, If_None_Match="*").status == 412
    assert call("GET", path).json["value"] == 2


def test_kv_as_a_whole(call: Client):
    base = "/v1/kv/archives"
    done = call("PATCH", f"{base}/keys", {"values": {"a": "one", "b": {"x": "Two"}}, "ttl": 60})
    assert done.json == {"revisions": {"a": 1, "b": 1}}
    found = call("POST", f"{base}/keys-get", {"keys": ["b", "none", "a"]}).json["found"]
    assert [(one["key"], one["ttl"]) for one in found] == [("b", 60), ("a", 60)]
    assert call("GET", "/v1/kv").json == {"namespaces": ["archives"], "cursor": None}
    assert call("POST", f"{base}/keys/a/touch").json == {"touched": True}
    assert call("POST", f"{base}/keys/none/touch").json == {"touched": False}
    for query, keys in (
        ("keyword=A", ["a"]),
        ("keyword=two", []),
        ("keyword=two&values=true", ["b"]),
    ):
        hits = call("GET", f"{base}/search?{query}").json["found"]
        assert [one["key"] for one in hits] == keys
    assert call("GET", f"{base}/search").status == 400
    assert call("GET", f"{base}/stats").json["count"] == 2
    usual = {"ttl": None, "expires_at": None, "forever": False, "sliding": True}
    assert call("GET", f"{base}/defaults").json == usual
    assert call("PUT", f"{base}/defaults", {"ttl": 30, "sliding": False}).status == 204
    assert call("GET", f"{base}/defaults").json == usual | {"ttl": 30, "sliding": False}
    call("PUT", f"{base}/keys/c", {"value": 1})
    assert call("GET", f"{base}/keys/c").json["ttl"] == 30
    bad = call("PATCH", f"{base}/keys", {"values": {"d": 1, "": 2}})
    assert bad.status == 400
    assert call("GET", f"{base}/keys/d").status == 404


def test_caches_as_a_whole(call: Client):
    asked = {"args": {"city": "Sofia"}}
    assert call("GET", "/v1/tools").json == {"policies": {}}
    assert call("PUT", "/v1/tools/weather/policy", {"ttl": 60}).status == 204
    assert call("PUT", "/v1/tools/maps/policy", {"ttl": None}).status == 204
    assert call("PUT", "/v1/tools/maps/policy", {}).status == 400
    assert call("GET", "/v1/tools").json == {
        "policies": {"maps": {"ttl": None}, "weather": {"ttl": 60}}
    }
    assert call("DELETE", "/v1/tools/maps/policy").json == {"removed": 1}
    call("POST", "/v1/tools/weather/store", asked | {"response": 1})
    assert call("POST", "/v1/tools/weather/forget", asked).json == {"removed": 1}
    assert call("POST", "/v1/tools/weather/forget", asked).json == {"removed": 0}
    call("POST", "/v1/tools/weather/store", asked | {"response": 1})
    assert call("DELETE", "/v1/tools").json == {"removed": 1}
    params = {"params": {"model": "m", "prompt": "hi"}}
    call("POST", "/v1/llm/store", params | {"response": "hello"})
    assert call("POST", "/v1/llm/forget", params).json == {"removed": 1}
    call("POST", "/v1/llm/store", params | {"response": "hello"})
    assert call("DELETE", "/v1/llm").json == {"removed": 1}
    call("POST", "/v1/llm/check", params)
    assert call("DELETE", "/v1/caches").status == 204
    assert call("GET", "/v1/caches").json["llm"]["total"]["misses"] == 0
